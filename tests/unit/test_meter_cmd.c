/* `yufu meter` and `yufu model` as a user runs them, against libmodbus's own server in the place of
 * a DDSY1352: a witness that shares no code with our encoder. */
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <modbus/modbus.h>

#include "base/json.h"
#include "cmd_fixture.h"
#include "ctl/cmds.h"

struct meter {
	modbus_t *modbus;
	modbus_mapping_t *map; /* registers 0x0057 to 0x0418 */
	int listen_fd;
	_Atomic bool stuck; /* takes the order, moves no relay */
	pthread_t thread;
	char address[40];
};

static uint16_t *reg(struct meter *m, unsigned address)
{
	return &m->map->tab_registers[address - 0x57];
}

/* The relay follows the forced control, as the meter's makers have it: 0 closed, 1 open. */
static void relay_follow(struct meter *m)
{
	bool forced = *reg(m, 0x57) == 1, open = *reg(m, 0x58) == 1;

	if (!m->stuck)
		*reg(m, 0x224) = (uint16_t)(forced && open ? 0x0008 : forced ? 0xE00F : 0xE000);
}

/* One connection after the other, until the listening socket is shut down. */
static void *meter_run(void *arg)
{
	struct meter *m = arg;
	uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
	int fd, n;

	while ((fd = accept(m->listen_fd, NULL, NULL)) >= 0) {
		modbus_set_socket(m->modbus, fd);
		while ((n = modbus_receive(m->modbus, request)) > 0) {
			/* what it writes counts before it says so */
			if (request[7] == 16)
				memcpy(reg(m, 0x57), (uint16_t[]){ request[14], request[16] }, 4);
			relay_follow(m);
			modbus_reply(m->modbus, request, n, m->map);
		}
		close(fd);
	}
	return NULL;
}

static int meter_start(void **state)
{
	static struct meter m;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);

	memset(&m, 0, sizeof(m));
	m.modbus = modbus_new_tcp("127.0.0.1", 502); /* the address is never used */
	m.map = modbus_mapping_new_start_address(0, 0, 0, 0, 0x57, 0x3C2, 0, 0);
	m.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!m.map || bind(m.listen_fd, (struct sockaddr *)&a, n) != 0 ||
		listen(m.listen_fd, 4) != 0 ||
		getsockname(m.listen_fd, (struct sockaddr *)&a, &n) != 0)
		return -1;
	snprintf(m.address, sizeof(m.address), "127.0.0.1:%d", ntohs(a.sin_port));
	*reg(&m, 0x201) = 2304;
	*reg(&m, 0x215) = 0x0012;
	*reg(&m, 0x216) = 0xD687;
	*reg(&m, 0x400) = 1;
	*reg(&m, 0x403) = 110; /* price of sharp */
	*reg(&m, 0x409) = 31;
	*reg(&m, 0x362) = 0x2106;
	*reg(&m, 0x363) = 0x2500;
	*reg(&m, 0x364) = 0x1234;
	*state = &m;
	return pthread_create(&m.thread, NULL, meter_run, &m);
}

static int meter_stop(void **state)
{
	struct meter *m = *state;

	shutdown(m->listen_fd, SHUT_RDWR);
	pthread_join(m->thread, NULL);
	close(m->listen_fd);
	modbus_mapping_free(m->map);
	modbus_free(m->modbus);
	return 0;
}

#define METER(verb, unit, ...)                                                                     \
	(const char *const[])                                                                      \
	{                                                                                          \
		"meter", verb, "--model", "acrel-ddsy1352", "--transport", "modbus-tcp",           \
			"--address", m->address, "--unit", unit, ##__VA_ARGS__, NULL               \
	}

static void read_prints_one_reading(void **state)
{
	struct meter *m = *state;
	struct result r = run(cmd_meter, METER("read", "7"));
	AUTO(json_free) json_t *j = NULL;

	assert_string_equal(r.err, "");
	assert_int_equal(r.status, 0);
	one_line(r.out);
	assert_int_equal(json_parse(r.out, strlen(r.out), &j, NULL), ERR_OK);
	assert_string_equal(json_string_value(json_object_get(j, "model")), "acrel-ddsy1352");
	assert_int_equal(json_integer_value(json_object_get(j, "unit")), 7);
	assert_int_equal(json_integer_value(json_object_get(j, "energy_wh")), 12345670);
	assert_string_equal(json_string_value(json_object_get(j, "serial")), "210625001234");
	assert_string_equal(json_string_value(json_object_get(j, "supply")), "on");
	assert_null(json_object_get(j, "frequency_mhz"));
}

/* This one has no tables at 0x2000: they are null. */
static void settings_are_what_the_meter_holds(void **state)
{
	struct meter *m = *state;
	struct result r = run(cmd_meter, METER("settings", "7"));

	assert_string_equal(r.err, "");
	assert_int_equal(r.status, 0);
	one_line(r.out);
	assert_non_null(strstr(r.out, "\"prices\":\"sharp 1.1 peak 0 flat 0 valley 0.31\""));
	assert_non_null(strstr(r.out, "\"slots\":null"));
	assert_non_null(strstr(r.out, "\"prepaid\":\"on\""));
}

static void supply_switches_and_reads_back(void **state)
{
	static const struct {
		const char *act, *supply, *status;
	} rows[] = { { "off", "\"supply\":\"off\"", "\"status\":[\"forced\"]" },
		{ "on", "\"supply\":\"on\"", "\"status\":[\"forced\"]" },
		{ "auto", "\"supply\":\"on\"", "\"status\":[]" },
		{ "keep", "\"supply\":\"on\"", "\"status\":[\"forced\"]" } };
	struct meter *m = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct result r = run(cmd_meter, METER("supply", "7", rows[i].act));

		assert_string_equal(r.err, "");
		assert_int_equal(r.status, 0);
		assert_non_null(strstr(r.out, rows[i].supply));
		assert_non_null(strstr(r.out, rows[i].status));
	}
}

/* The frame was taken, the relay did not move: not done. */
static void an_unmoved_relay_is_a_failure(void **state)
{
	struct meter *m = *state;
	struct result r = run(cmd_meter, METER("supply", "7", "on"));

	assert_int_equal(r.status, 0);
	m->stuck = true;
	r = run(cmd_meter, METER("supply", "7", "off"));
	m->stuck = false;
	assert_int_equal(r.status, 1);
	one_line(r.err);
	assert_non_null(strstr(r.err, "acrel-ddsy1352 unit 7 at 127.0.0.1:"));
	assert_non_null(strstr(r.out, "\"supply\":\"on\"")); /* what it does show */
}

static void errors_are_one_line_that_names_the_meter(void **state)
{
	struct meter *m = *state;
	const struct {
		const char *const argv[14];
		const char *text;
	} rows[] = {
		{ { "meter", "read", "--model", "xintai-water", "--transport", "modbus-tcp",
			  "--address", m->address, "--unit", "7" },
			"xintai-water unit 7 at 127.0.0.1:" },
		{ { "meter", "read", "--model", "xintai-water", "--transport", "modbus-tcp",
			  "--address", m->address, "--unit", "7" },
			"exception 2 at register 0x0001" },
		{ { "meter", "supply", "--model", "acrel-dtsd1352", "--address", m->address,
			  "--unit", "7", "off" },
			"no act \"off\"" },
		{ { "meter", "read", "--model", "no-such", "--address", m->address, "--unit", "7" },
			"no-such: there is no such model" },
		{ { "meter" }, "read, settings or supply" },
		{ { "meter", "write" }, "read, settings or supply" },
		{ { "meter", "read" }, "--model" },
		{ { "meter", "read", "--model", "xintai-water" }, "--address" },
		{ { "meter", "read", "--unit", "0" }, "--unit" },
		{ { "meter", "read", "--unit", "256" }, "--unit" },
		{ { "meter", "read", "--unit", "1x" }, "--unit" },
		{ { "meter", "read", "--transport", "mqtt" }, "--transport" },
		{ { "meter", "read", "--colour", "red" }, "options" },
		{ { "meter", "supply", "--unit", "1", "open" }, "on, off, keep or auto" },
		{ { "meter", "read", "--model", "xintai-water", "--address", "a\nb", "--unit",
			  "1" },
			"host:port" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct result r = run(cmd_meter, rows[i].argv);

		assert_int_equal(r.status, 1);
		assert_string_equal(r.out, "");
		one_line(r.err);
		if (!strstr(r.err, rows[i].text))
			fail_msg("row %zu: %s", i, r.err);
	}
}

static void models_are_checked_and_listed(void **state)
{
	static const char *const check[] = { "model", "check",
		SOURCE_DIR "/core/meter/models/xintai-water.json", NULL };
	static const char *const wrong[] = { "model", "check", SOURCE_DIR "/CMakeLists.txt", NULL };
	static const char *const none[] = { "model", "check", SOURCE_DIR "/none.json", NULL };
	static const char *const list[] = { "model", "list", NULL };
	struct result r = run(cmd_model, check);

	(void)state;
	assert_int_equal(r.status, 0);
	assert_non_null(strstr(r.out, "xintai-water: fine"));
	assert_non_null(strstr(r.out, "0x0001 x28"));
	r = run(cmd_model, wrong);
	assert_int_equal(r.status, 1);
	one_line(r.err);
	assert_non_null(strstr(r.err, "CMakeLists.txt: line 1"));
	r = run(cmd_model, none);
	assert_int_equal(r.status, 1);
	one_line(r.err);
	r = run(cmd_model, list);
	assert_int_equal(r.status, 0);
	assert_non_null(strstr(r.out, "acrel-ddsy1352"));
	assert_non_null(strstr(r.out, "xintai-water"));
}

static void file_put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* A site's own folder: a good file adds a model, a bad one is named with path and reason and costs
 * the others nothing. */
static void a_folder_adds_models_and_names_bad_files(void **state)
{
	struct meter *m = *state;
	char dir[] = "/tmp/yufu-own-models-XXXXXX", good[64], bad[64];
	const char *const list[] = { "model", "list", "--models", dir, NULL };
	const char *const own[] = { "meter", "read", "--models", dir, "--model", "own-one",
		"--address", m->address, "--unit", "7", NULL };
	const char *const wrong[] = { "meter", "read", "--models", dir, "--model", "own-two",
		"--address", m->address, "--unit", "7", NULL };
	struct result r;

	assert_non_null(mkdtemp(dir));
	snprintf(good, sizeof(good), "%s/one.json", dir);
	snprintf(bad, sizeof(bad), "%s/two.json", dir);
	file_put(good,
		"{\"name\":\"own-one\",\"maker\":\"M\",\"title\":\"T\","
		"\"utility\":\"electricity\",\"maturity\":\"draft\",\"framing\":\"modbus\","
		"\"limits\":{\"max_read\":8,\"gap_max\":0,\"pause_ms\":0,\"answer_ms\":2000},"
		"\"blocks\":[{\"address\":\"0x0215\",\"count\":2}],\"points\":[{\"point\":"
		"\"energy\",\"address\":\"0x0215\",\"wire\":\"u32\",\"scale\":\"10\"}]}");
	file_put(bad, "{\"name\":\"own-two\"}");
	r = run(cmd_model, list);
	assert_int_equal(r.status, 1);
	assert_non_null(strstr(r.out, "own-one"));
	assert_non_null(strstr(r.out, "acrel-ddsy1352"));
	one_line(r.err);
	assert_non_null(strstr(r.err, bad));
	assert_non_null(strstr(r.err, "maker is required"));
	r = run(cmd_meter, own);
	assert_string_equal(r.err, "");
	assert_int_equal(r.status, 0);
	assert_non_null(strstr(r.out, "\"energy_wh\":12345670"));
	r = run(cmd_meter, wrong);
	assert_int_equal(r.status, 1);
	one_line(r.err);
	assert_non_null(strstr(r.err, bad));
	unlink(good);
	unlink(bad);
	rmdir(dir);
}

static void a_box_tells_its_unit_ids(void **state)
{
	static const char *const units[] = { "model", "units", "acrel-adf300", "36", "37", "8",
		NULL };
	static const char *const wrong[] = { "model", "units", "acrel-adf300", "36", "2", "8",
		NULL };
	struct result r = run(cmd_model, units);

	(void)state;
	assert_int_equal(r.status, 0);
	assert_non_null(strstr(r.out, "unit 58  takes 3"));
	assert_non_null(strstr(r.out, "unit 61  takes 1"));
	r = run(cmd_model, wrong);
	assert_int_equal(r.status, 1);
	one_line(r.err);
	assert_non_null(strstr(r.err, "begins at unit 1, 37, 73"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_prints_one_reading),
		cmocka_unit_test(settings_are_what_the_meter_holds),
		cmocka_unit_test(supply_switches_and_reads_back),
		cmocka_unit_test(an_unmoved_relay_is_a_failure),
		cmocka_unit_test(errors_are_one_line_that_names_the_meter),
		cmocka_unit_test(models_are_checked_and_listed),
		cmocka_unit_test(a_folder_adds_models_and_names_bad_files),
		cmocka_unit_test(a_box_tells_its_unit_ids),
	};

	return cmocka_run_group_tests(tests, meter_start, meter_stop);
}
