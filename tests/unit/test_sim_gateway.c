/* The simulated gateway over real sockets: order, memory, faults. */
#include "sim_fixture.h"

#include "cmock.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint8_t read_block[] = { 3, 0x02, 0x00, 0, 48 };

static int64_t stat_of(struct gateway *g, const char *name)
{
	json_t *stats = gateway_stats(g);
	int64_t n = json_integer_value(json_object_get(stats, name));

	assert_true(json_is_integer(json_object_get(stats, name)));
	json_decref(stats);
	return n;
}

static int64_t truth_of(struct gateway *g, int unit, const char *name)
{
	json_t *meter = NULL;
	int64_t n;

	assert_int_equal(gateway_meter(g, unit, &meter), ERR_OK);
	n = json_integer_value(json_object_get(meter, name));
	json_decref(meter);
	return n;
}

/* Waits until a counter has reached a number. */
static void await_stat(struct gateway *g, const char *name, int64_t n)
{
	int64_t deadline = mono_ms() + CLIENT_MS;

	while (stat_of(g, name) < n) {
		if (mono_ms() > deadline)
			fail_msg("%s stays below %d", name, (int)n);
		usleep(1000);
	}
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	fixture_open(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fixture_close(*state);
	free(*state);
	return 0;
}

static void open_relay_stops_the_register(void **state)
{
	struct fixture *f = *state;
	struct meter_change change = { .set_load = true, .load = 8000 };
	struct problem why;
	uint32_t before, after;
	int64_t deadline;
	int fd;

	f->settings.speed = 10000;
	fixture_start(f);
	fd = client_open(gateway_port(f->gateway));
	assert_int_equal(gateway_change_meter(f->gateway, 3, &change, &why), ERR_OK);

	before = read_energy(fd, 3);
	deadline = mono_ms() + CLIENT_MS;
	while (read_energy(fd, 3) < before + 50)
		assert_true(mono_ms() < deadline);

	assert_true(read_relay(fd, 3));
	write_relay(fd, 3, 1, 1);
	assert_false(read_relay(fd, 3));
	before = read_energy(fd, 3);
	deadline = mono_ms() + 200;
	while (mono_ms() < deadline)
		assert_int_equal(read_energy(fd, 3), before);
	assert_int_equal(truth_of(f->gateway, 3, "power_w"), 0);

	write_relay(fd, 3, 1, 0);
	assert_true(read_relay(fd, 3));
	after = read_energy(fd, 3);
	deadline = mono_ms() + CLIENT_MS;
	while (read_energy(fd, 3) < after + 50)
		assert_true(mono_ms() < deadline);
	close(fd);
}

static void connections_are_served_in_turn(void **state)
{
	static const uint8_t cut[] = { 16, 0, 0x57, 0, 2, 4, 0, 1, 0, 1 };
	struct fixture *f = *state;
	uint8_t frame[300];
	int a, b;

	f->settings.timing.answer_ms = 300;
	fixture_start(f);
	a = client_open(gateway_port(f->gateway));
	b = client_open(gateway_port(f->gateway));

	client_ask(a, 1, 3, cut, sizeof cut);
	await_stat(f->gateway, "transactions", 1);
	client_ask(b, 2, 3, read_block, sizeof read_block);
	await_stat(f->gateway, "waiting", 1); /* the bus is taken */
	assert_int_equal(stat_of(f->gateway, "transactions"), 1);

	assert_int_equal(client_answer(a, CLIENT_MS, frame), 12);
	assert_int_equal(client_answer(b, CLIENT_MS, frame), 105);
	/* b was served after a: it sees what a did. Status word 1 is register 36 of the block. */
	assert_int_equal(frame[9 + 2 * 36] & 0xE0, 0);
	close(a);
	close(b);
}

static void a_full_queue_turns_away(void **state)
{
	struct fixture *f = *state;
	int busy = 0, served = 0;
	int fd;

	f->settings.timing.answer_ms = 20;
	fixture_start(f);
	fd = client_open(gateway_port(f->gateway));
	for (uint16_t i = 0; i < 60; i++)
		client_ask(fd, i, 1, read_block, sizeof read_block);
	for (int i = 0; i < 60; i++) {
		uint8_t frame[300] = { 0 };
		int n = client_answer(fd, CLIENT_MS, frame);

		if (n == 9 && frame[7] == 0x83 && frame[8] == 6)
			busy++;
		else if (n == 105)
			served++;
	}
	assert_int_equal(busy + served, 60);
	assert_true(served >= LINE_QUEUE_MAX);
	assert_true(busy >= 1);
	assert_int_equal(stat_of(f->gateway, "turned_away"), busy);
	close(fd);
}

static void strangers_are_answered_or_hung_up_on(void **state)
{
	static const struct {
		uint8_t unit;
		uint8_t pdu[12];
		size_t n;
		uint8_t exception;
	} cases[] = {
		{ 1, { 3, 0x02, 0x00, 0, 0 }, 5, 3 },		     /* nothing asked */
		{ 1, { 3, 0x02, 0x00, 0, 126 }, 5, 3 },		     /* too much asked */
		{ 1, { 3, 0xff, 0xff, 0, 2 }, 5, 2 },		     /* past the end */
		{ 1, { 3, 0x70, 0x00, 0, 2 }, 5, 2 },		     /* no such register */
		{ 1, { 3, 0x02, 0x00, 0 }, 4, 3 },		     /* cut short */
		{ 1, { 4, 0x02, 0x00, 0, 2 }, 5, 1 },		     /* not by function 4 */
		{ 1, { 0x21, 0, 0, 0, 1 }, 5, 1 },		     /* unknown function */
		{ 1, { 6, 0, 0x57, 0, 1 }, 5, 1 },		     /* relay takes 16 only */
		{ 1, { 16, 0, 0x57, 0, 2, 4, 0, 1, 0, 7 }, 10, 3 },  /* no such act */
		{ 1, { 16, 0, 0x57, 0, 2, 3, 0, 1, 0, 1 }, 10, 3 },  /* wrong byte count */
		{ 1, { 16, 0, 0x57, 0, 1, 2, 0, 1 }, 8, 2 },	     /* half a command */
		{ 65, { 16, 0, 0x57, 0, 2, 4, 0, 1, 0, 1 }, 10, 2 }, /* a meter without relay */
		{ 71, { 6, 0, 0x1C, 0, 3 }, 5, 3 },		     /* valve: 1 or 2 */
		{ 71, { 16, 0, 0x1C, 0, 1, 2, 0, 1 }, 8, 1 },	     /* valve takes 6 only */
	};
	static const uint8_t not_modbus[] = { 0, 1, 0, 9, 0, 6, 1, 3, 2, 0, 0, 48 };
	static const uint8_t too_long[] = { 0, 1, 0, 0, 1, 0, 1, 3, 2, 0, 0, 48 };
	struct fixture *f = *state;
	uint8_t frame[300];
	int fd;

	fixture_start(f);
	fd = client_open(gateway_port(f->gateway));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		client_ask(fd, (uint16_t)i, cases[i].unit, cases[i].pdu, cases[i].n);
		assert_int_equal(client_answer(fd, CLIENT_MS, frame), 9);
		if (frame[7] != (cases[i].pdu[0] | 0x80) || frame[8] != cases[i].exception)
			fail_msg("case %zu: %02x %02x", i, frame[7], frame[8]);
	}
	assert_true(read_relay(fd, 1));

	assert_int_equal(send(fd, not_modbus, sizeof not_modbus, 0), sizeof not_modbus);
	assert_int_equal(client_answer(fd, CLIENT_MS, frame), 0);
	close(fd);
	fd = client_open(gateway_port(f->gateway));
	assert_int_equal(send(fd, too_long, sizeof too_long, 0), sizeof too_long);
	assert_int_equal(client_answer(fd, CLIENT_MS, frame), 0);
	close(fd);
}

static void a_clean_restart_remembers(void **state)
{
	struct fixture *f = *state;
	struct meter_change change = { .set_load = true, .load = 30000 };
	struct problem why;
	uint32_t before;
	int fd;

	f->settings.speed = 100; /* 0.83 kWh a second; the ceiling is 25 kWh ahead */
	fixture_start(f);
	assert_int_equal(gateway_change_meter(f->gateway, 5, &change, &why), ERR_OK);
	fd = client_open(gateway_port(f->gateway));
	write_relay(fd, 3, 1, 1);
	before = read_energy(fd, 5);
	close(fd);
	fixture_stop(f);

	fixture_start(f);
	fd = client_open(gateway_port(f->gateway));
	assert_false(read_relay(fd, 3));
	assert_in_range(read_energy(fd, 5), before, before + 1000);
	assert_int_equal(truth_of(f->gateway, 5, "load_w"), 30000);
	close(fd);
}

static void a_broken_state_is_refused(void **state)
{
	struct fixture *f = *state;
	struct problem why = { 0 };
	FILE *file = fopen(f->settings.state_path, "w");

	assert_non_null(file);
	fputs("{\"version\":1,\"meters\":[{\"unit\":1,\"ceiling\":[1,2]}]}", file);
	fclose(file);
	assert_int_equal(
		gateway_start(&f->settings, f->mall, f->models, f->zone, &f->gateway, &why),
		ERR_BAD_VALUE);
	assert_string_equal(why.field, "ceiling");
}

/* A gateway in a process of its own, so that it can be killed. */
static pid_t gateway_fork(struct fixture *f, uint16_t *port)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		uint16_t mine;

		close(ends[0]);
		fixture_start(f);
		mine = gateway_port(f->gateway);
		if (write(ends[1], &mine, sizeof mine) != sizeof mine)
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], port, sizeof *port), sizeof *port);
	close(ends[0]);
	return pid;
}

static void no_kill_lets_a_register_fall(void **state)
{
	struct fixture *f = *state;
	struct lots lots = lots_open();
	uint32_t seen = 0;
	bool cut = false;

	f->settings.speed = 3000;
	for (int round = 0; round < 8; round++) {
		uint16_t port;
		pid_t pid = gateway_fork(f, &port);
		int fd = client_open(port);
		int64_t reads = lots_between(&lots, 20, 80);
		int status;

		if (round > 0)
			assert_int_equal(read_relay(fd, 3), !cut);
		cut = !cut;
		write_relay(fd, 3, 1, cut); /* the last that is saved before the kill */
		for (int64_t i = 0; i < reads; i++) {
			uint32_t now = read_energy(fd, 10);

			if (now < seen)
				fail_msg("round %d: %u after %u", round, now, seen);
			seen = now;
		}
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		close(fd);
	}
	assert_true(seen > f->mall->meters[9].start_milli / 10);
}

static void fault_on(struct fixture *f, enum fault_kind kind, int unit, int64_t value)
{
	struct fault fault = {
		.id = 7, .unit = unit, .kind = kind, .value = value, .ends_ms = INT64_MAX
	};

	assert_int_equal(gateway_add_fault(f->gateway, &fault), ERR_OK);
}

static void faults_off(struct fixture *f)
{
	assert_int_equal(gateway_remove_faults(f->gateway, 0), 1);
}

static int ask_block(int fd, uint8_t unit, int ms, uint8_t frame[static 300])
{
	client_ask(fd, 0x0102, unit, read_block, sizeof read_block);
	return client_answer(fd, ms, frame);
}

static void silence_is_silent(void **state)
{
	struct fixture *f = *state;
	uint8_t frame[300];
	int64_t before;
	int fd;

	fixture_start(f);
	fd = client_open(gateway_port(f->gateway));
	fault_on(f, FAULT_SILENT, 3, 0);
	assert_int_equal(ask_block(fd, 3, 150, frame), -1);
	assert_int_equal(ask_block(fd, 4, CLIENT_MS, frame), 105); /* its neighbour speaks */
	assert_int_equal(stat_of(f->gateway, "silent"), 1);
	assert_int_equal(ask_block(fd, 200, 150, frame), -1); /* there is no such meter */
	faults_off(f);
	assert_int_equal(ask_block(fd, 3, CLIENT_MS, frame), 105);

	before = stat_of(f->gateway, "transactions");
	fault_on(f, FAULT_SILENT, FAULT_ANY_UNIT, 0);
	assert_int_equal(ask_block(fd, 4, 150, frame), -1);
	assert_int_equal(stat_of(f->gateway, "transactions"), before);
	faults_off(f);
	assert_int_equal(ask_block(fd, 4, CLIENT_MS, frame), 105);
	close(fd);
}

static void silence_can_be_told(void **state)
{
	struct fixture *f = *state;
	uint8_t frame[300];
	int fd;

	f->settings.silence_told = true;
	fixture_start(f);
	fd = client_open(gateway_port(f->gateway));
	assert_int_equal(ask_block(fd, 200, CLIENT_MS, frame), 9);
	assert_int_equal(frame[7], 0x83);
	assert_int_equal(frame[8], 0x0B);
	close(fd);
}

static void faults_change_the_answer(void **state)
{
	struct fixture *f = *state;
	uint8_t frame[300];
	uint32_t truth;
	int fd;

	fixture_start(f);
	fd = client_open(gateway_port(f->gateway));
	fault_on(f, FAULT_EXCEPTION, 3, 4);
	assert_int_equal(ask_block(fd, 3, CLIENT_MS, frame), 9);
	assert_int_equal(frame[8], 4);
	faults_off(f);

	fault_on(f, FAULT_SLOW, 3, 200);
	assert_int_equal(ask_block(fd, 3, 50, frame), -1);
	assert_int_equal(client_answer(fd, CLIENT_MS, frame), 105); /* late, but it comes */
	faults_off(f);

	truth = read_energy(fd, 60);
	fault_on(f, FAULT_JUMP, 60, 1000000);
	assert_in_range(read_energy(fd, 60), truth + 100000, truth + 100010);
	faults_off(f);
	fault_on(f, FAULT_FALL, 60, 5000);
	assert_in_range(read_energy(fd, 60), truth - 500, truth - 490);
	faults_off(f);
	assert_in_range(read_energy(fd, 60), truth, truth + 10);
	close(fd);
}

static void cuts_break_the_connection(void **state)
{
	struct fixture *f = *state;
	uint8_t frame[300];
	int fd;

	fixture_start(f);
	fault_on(f, FAULT_CUT, 3, FAULT_CUT_REQUEST);
	fd = client_open(gateway_port(f->gateway));
	assert_int_equal(ask_block(fd, 4, CLIENT_MS, frame), 105);
	assert_int_equal(ask_block(fd, 3, CLIENT_MS, frame), 0);
	close(fd);
	faults_off(f);

	fault_on(f, FAULT_CUT, 3, FAULT_CUT_REPLY);
	fd = client_open(gateway_port(f->gateway));
	assert_int_equal(ask_block(fd, 3, CLIENT_MS, frame), 0);
	assert_int_equal(frame[7], 3); /* half of it had come */
	close(fd);
}

static void garbage_is_of_the_kind_asked_for(void **state)
{
	struct fixture *f = *state;
	uint8_t good[300], bad[300];
	int fd;

	fixture_start(f);
	fd = client_open(gateway_port(f->gateway));
	assert_int_equal(ask_block(fd, 3, CLIENT_MS, good), 105);
	fault_on(f, FAULT_GARBAGE, 3, GARBAGE_SHORT);
	assert_int_equal(ask_block(fd, 3, CLIENT_MS, bad), 101);
	assert_int_equal(bad[8], good[8]); /* the byte count promises more */
	faults_off(f);
	fault_on(f, FAULT_GARBAGE, 3, GARBAGE_LONG);
	assert_int_equal(ask_block(fd, 3, CLIENT_MS, bad), 109);
	faults_off(f);
	fault_on(f, FAULT_GARBAGE, 3, GARBAGE_UNIT);
	assert_int_equal(ask_block(fd, 3, CLIENT_MS, bad), 105);
	assert_int_equal(bad[6], 4);
	faults_off(f);
	fault_on(f, FAULT_GARBAGE, 3, GARBAGE_TRANSACTION);
	assert_int_equal(ask_block(fd, 3, CLIENT_MS, bad), 105);
	assert_int_not_equal(bad[1], 0x02);
	faults_off(f);
	fault_on(f, FAULT_GARBAGE, 3, GARBAGE_FUNCTION);
	assert_int_equal(ask_block(fd, 3, CLIENT_MS, bad), 105);
	assert_int_equal(bad[7], 4);
	faults_off(f);
	assert_int_equal(ask_block(fd, 3, CLIENT_MS, bad), 105);
	assert_memory_equal(bad, good, 9);
	close(fd);
}

static void a_fault_ends_by_itself(void **state)
{
	struct fault fault = { .id = 1, .unit = 3, .kind = FAULT_EXCEPTION, .value = 4 };
	struct fixture *f = *state;
	uint8_t frame[300];
	int64_t deadline;
	int fd;

	fixture_start(f);
	fd = client_open(gateway_port(f->gateway));
	fault.ends_ms = mono_ms() + 300;
	assert_int_equal(gateway_add_fault(f->gateway, &fault), ERR_OK);
	deadline = mono_ms() + CLIENT_MS;
	while (ask_block(fd, 3, CLIENT_MS, frame) != 105) {
		assert_true(mono_ms() < deadline);
		usleep(10000);
	}
	assert_true(mono_ms() >= fault.ends_ms);
	close(fd);
}

static void a_client_that_leaves_is_forgotten(void **state)
{
	struct fixture *f = *state;
	uint8_t frame[300];
	int a, b;

	f->settings.timing.answer_ms = 100;
	fixture_start(f);
	a = client_open(gateway_port(f->gateway));
	for (uint16_t i = 0; i < 20; i++)
		client_ask(a, i, 1, read_block, sizeof read_block);
	await_stat(f->gateway, "waiting", 19);
	close(a);
	b = client_open(gateway_port(f->gateway));
	assert_int_equal(ask_block(b, 2, CLIENT_MS, frame), 105);
	assert_true(stat_of(f->gateway, "transactions") <= 4); /* not all twenty */
	close(b);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(open_relay_stops_the_register),
		TEST(connections_are_served_in_turn),
		TEST(a_full_queue_turns_away),
		TEST(strangers_are_answered_or_hung_up_on),
		TEST(a_clean_restart_remembers),
		TEST(a_broken_state_is_refused),
		TEST(no_kill_lets_a_register_fall),
		TEST(silence_is_silent),
		TEST(silence_can_be_told),
		TEST(faults_change_the_answer),
		TEST(cuts_break_the_connection),
		TEST(garbage_is_of_the_kind_asked_for),
		TEST(a_fault_ends_by_itself),
		TEST(a_client_that_leaves_is_forgotten),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
