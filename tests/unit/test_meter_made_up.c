/* A meter that nobody knew before: its model is a file written by docs/meter-models.md alone, the
 * meter itself is libmodbus's own server, which shares no code with ours, and a few lines for the
 * frames that only its maker knows. */
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <modbus/modbus.h>

#include "meter/meter.h"

enum { INPUT_REGISTERS = 0x122, REGISTERS = 0x21C, COILS = 0x12, INPUTS = 8 };

static const struct meter_address nine = { .unit = 9 };

struct mx1 {
	modbus_t *modbus;
	modbus_mapping_t *map;
	int listen_fd;
	pthread_t thread;
	char address[40];
	uint8_t vendor[64]; /* the last frame of its maker's, from the function on */
	size_t vendor_n;
	_Atomic bool refuses;
	_Atomic int vendor_frames;
};

static void shows(struct mx1 *m, unsigned from, const uint16_t *regs, size_t n)
{
	memcpy(&m->map->tab_input_registers[from], regs, n * sizeof(regs[0]));
}

/* The register list of the MX1, filled by hand. */
static void fill(struct mx1 *m)
{
	static const uint16_t serial[] = { 0x4D58, 0x3130, 0x3031, 0x3233, 0x2000, 0 };
	static const uint16_t clock[] = { 0x2026, 0x1122, 0x0718, 0x0709 };
	uint16_t *held = m->map->tab_registers;

	shows(m, 0x100, (const uint16_t[]){ 0x0000, 0x0123, 0x4567 }, 3); /* 1234.567 kWh ... */
	shows(m, 0x120, (const uint16_t[]){ 0xFFFF, 0xABC1 }, 2);	  /* ... in 0.001; kW */
	shows(m, 0x104, (const uint16_t[]){ 0x0003, 0x0002, 0x0001 }, 3); /* 0x000100020003 Wh */
	/* 1.5 is 3FF8 0000 0000 0000; the lower half comes first */
	shows(m, 0x108, (const uint16_t[]){ 0, 0, 0x3FF8, 0 }, 4);
	shows(m, 0x10C, (const uint16_t[]){ 0xAA00, 23040 }, 2);
	shows(m, 0x10E, (const uint16_t[]){ 1001, 0xDE03 }, 2); /* 50.01 Hz; 0x03DE */
	memcpy(held + 0x200, serial, sizeof(serial));
	memcpy(held + 0x210, clock, sizeof(clock));
	held[0x218] = 0xFFFF;
	held[0x219] = 0xFF38; /* -200 tenths */
	held[0x21A] = 7;
	m->map->tab_input_bits[0] = 1;
	m->map->tab_bits[0x10] = 1;
}

/* What only its maker knows: 41 sets the clock, 42 sells, 43 ends what was forced. */
static void answer_vendor(struct mx1 *m, int fd, const uint8_t *request, size_t n)
{
	static const uint8_t tails[3][4] = { { 0x41, 0x01, 0x00 }, { 0x42, 0x12, 0x34, 0x00 },
		{ 0x43, 0x00 } };
	static const size_t lengths[] = { 3, 4, 2 };
	size_t i = request[7] - 0x41U;
	uint8_t reply[16] = { 0 };

	m->vendor_n = n - 7;
	memcpy(m->vendor, request + 7, m->vendor_n);
	m->vendor_frames++;
	memcpy(reply, request, 7);
	memcpy(reply + 7, tails[i], lengths[i]);
	reply[5] = (uint8_t)(1 + lengths[i]);
	if (m->refuses) {
		reply[7] |= 0x80;
		reply[8] = 3;
		reply[5] = 3;
	}
	assert_true(send(fd, reply, 6U + reply[5], MSG_NOSIGNAL) == 6 + reply[5]);
	m->map->tab_bits[0x11] = 0;
}

static bool take(int fd, uint8_t *bytes, size_t n)
{
	return recv(fd, bytes, n, MSG_WAITALL) == (ssize_t)n;
}

static void *mx1_run(void *arg)
{
	struct mx1 *m = arg;
	uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
	int fd;

	while ((fd = accept(m->listen_fd, NULL, NULL)) >= 0) {
		modbus_set_socket(m->modbus, fd);
		while (take(fd, request, 6) && request[5] >= 2 &&
			take(fd, request + 6, request[5])) {
			if (request[7] >= 0x41 && request[7] <= 0x43) {
				answer_vendor(m, fd, request, 6U + request[5]);
				continue;
			}
			modbus_reply(m->modbus, request, 6 + request[5], m->map);
			m->map->tab_input_bits[0] = m->map->tab_bits[0x10];
		}
		close(fd);
	}
	return NULL;
}

static int mx1_start(void **state)
{
	static struct mx1 m;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);

	memset(&m, 0, sizeof(m));
	m.modbus = modbus_new_tcp("127.0.0.1", 502); /* the address is never used */
	m.map = modbus_mapping_new(COILS, INPUTS, REGISTERS, INPUT_REGISTERS);
	m.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!m.map || bind(m.listen_fd, (struct sockaddr *)&a, n) != 0 ||
		listen(m.listen_fd, 4) != 0 ||
		getsockname(m.listen_fd, (struct sockaddr *)&a, &n) != 0)
		return -1;
	snprintf(m.address, sizeof(m.address), "127.0.0.1:%d", ntohs(a.sin_port));
	fill(&m);
	*state = &m;
	return pthread_create(&m.thread, NULL, mx1_run, &m);
}

static int mx1_stop(void **state)
{
	struct mx1 *m = *state;

	shutdown(m->listen_fd, SHUT_RDWR);
	pthread_join(m->thread, NULL);
	close(m->listen_fd);
	modbus_mapping_free(m->map);
	modbus_free(m->modbus);
	return 0;
}

struct table {
	struct models *models;
	const struct model *model;
	struct bus *bus;
};

static struct table sit_down(const struct mx1 *m)
{
	struct table t = { 0 };
	struct bus_settings s = { .transport = TRANSPORT_MODBUS_TCP };
	struct problem why = { 0 };

	if (models_open(SOURCE_DIR "/tests/models", &t.models, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	assert_int_equal(models_refused_count(t.models), 0);
	t.model = models_find(t.models, "madeup-mx1");
	assert_non_null(t.model);
	assert_true(str_copy(s.address, sizeof(s.address), m->address));
	assert_int_equal(bus_open(&s, &t.bus, &why), ERR_OK);
	return t;
}

static void get_up(struct table *t)
{
	bus_close(&t->bus);
	models_free(&t->models);
}

static struct meter_reading read_class(const struct table *t, enum point_class class)
{
	struct meter_reading r = { 0 };
	struct bus_error why = { 0 };

	if (meter_read(t->bus, t->model, &nine, class, &r, &why) != ERR_OK)
		fail_msg("%s", why.text);
	return r;
}

static void every_register_is_understood(void **state)
{
	struct table t = sit_down(*state);
	struct meter_reading r = read_class(&t, CLASS_LIVE);

	assert_int_equal(r.value[POINT_ENERGY], 1234567);
	assert_int_equal(r.value[POINT_EXPORT], INT64_C(0x000100020003));
	assert_int_equal(r.value[POINT_POWER], 1500);
	assert_int_equal(r.value[POINT_VOLTAGE_A], 230400);
	assert_int_equal(r.value[POINT_FREQUENCY], 50010);
	assert_int_equal(r.value[POINT_POWER_FACTOR], 990);
	assert_int_equal(r.value[POINT_CREDIT], -20000);
	assert_int_equal(r.value[POINT_PURCHASE_COUNT], 7);
	assert_int_equal(r.value[POINT_CLOCK], 1795370829); /* 2026-11-22 18:07:09, a Sunday */
	assert_int_equal(r.supply, SUPPLY_ON);
	assert_int_equal(r.status, 0);
	r = read_class(&t, CLASS_CONFIG);
	assert_string_equal(r.serial, "MX100123");
	get_up(&t);
}

static void its_relay_obeys(void **state)
{
	struct mx1 *m = *state;
	struct table t = sit_down(m);
	static const struct {
		enum meter_act act;
		enum supply supply;
		bool forced;
	} rows[] = { { ACT_OFF, SUPPLY_OFF, false }, { ACT_KEEP, SUPPLY_ON, true },
		{ ACT_AUTO, SUPPLY_ON, false }, { ACT_OFF, SUPPLY_OFF, false },
		{ ACT_ON, SUPPLY_ON, false } };

	assert_int_equal(t.model->actions[ACT_OFF].deadline_ms, 500);
	assert_int_equal(t.model->actions[ACT_ON].deadline_ms, 1000);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bus_error why = { 0 };
		struct meter_reading r;

		if (meter_act(t.bus, t.model, &nine, rows[i].act, NULL, &why) != ERR_OK)
			fail_msg("row %zu: %s", i, why.text);
		r = read_class(&t, CLASS_LIVE);
		assert_int_equal(r.supply, rows[i].supply);
		assert_int_equal(reading_has_status(&r, STATUS_FORCED), rows[i].forced);
		assert_true(model_confirms(t.model, rows[i].act, &r));
	}
	get_up(&t);
}

static void must_have_sent(const struct mx1 *m, const char *hex)
{
	uint8_t want[64];
	size_t n = 0;

	assert_int_equal(hex_decode(hex, want, sizeof(want), &n), ERR_OK);
	assert_int_equal(m->vendor_n, n);
	assert_memory_equal(m->vendor, want, n);
}

static void clock_and_credit_go_by_its_makers_frames(void **state)
{
	struct mx1 *m = *state;
	struct table t = sit_down(m);
	struct bus_error why = { 0 };

	assert_true(model_sets_clock(t.model));
	/* 2028-02-29 23:59:58, a Tuesday */
	assert_int_equal(
		meter_set_clock(t.bus, t.model, &nine, INT64_C(1835481598), NULL, &why), ERR_OK);
	must_have_sent(m, "41 01 20 28 02 29 02 23 59 58");
	assert_int_equal(meter_set_clock(t.bus, t.model, &nine, -1, NULL, &why), ERR_OUT_OF_RANGE);
	/* purchase 8 of 12.3 kWh */
	assert_int_equal(meter_purchase(t.bus, t.model, &nine, 8, 12300, NULL, &why), ERR_OK);
	must_have_sent(m, "42 00 08 00 00 00 7B 5A");
	assert_int_equal(
		meter_purchase(t.bus, t.model, &nine, 8, 12345, NULL, &why), ERR_OUT_OF_RANGE);
	assert_int_equal(
		meter_purchase(t.bus, t.model, &nine, 65536, 12300, NULL, &why), ERR_OUT_OF_RANGE);
	m->refuses = true;
	assert_int_equal(meter_purchase(t.bus, t.model, &nine, 8, 12300, NULL, &why), ERR_REFUSED);
	assert_string_equal(why.text, "exception 3 to function 0x42 (illegal value)");
	m->refuses = false;
	get_up(&t);
}

/* A meter that takes them enciphered only gets none of its maker's frames; what is plain Modbus
 * goes on. */
static void enciphered_writes_are_refused(void **state)
{
	struct mx1 *m = *state;
	struct table t = sit_down(m);
	struct bus_error why = { 0 };
	int before = m->vendor_frames;

	m->map->tab_registers[0x21B] = 0x8000;
	assert_int_equal(
		meter_purchase(t.bus, t.model, &nine, 8, 12300, NULL, &why), ERR_NOT_CONFIGURED);
	assert_string_equal(why.text, "writes of this meter are enciphered, not supported");
	assert_false(why.sent);
	assert_int_equal(meter_set_clock(t.bus, t.model, &nine, INT64_C(1835481598), NULL, &why),
		ERR_NOT_CONFIGURED);
	assert_int_equal(
		meter_act(t.bus, t.model, &nine, ACT_AUTO, NULL, &why), ERR_NOT_CONFIGURED);
	assert_int_equal(m->vendor_frames, before);
	assert_int_equal(meter_act(t.bus, t.model, &nine, ACT_ON, NULL, &why), ERR_OK);
	m->map->tab_registers[0x21B] = 0;
	get_up(&t);
}

/* BCD that holds a letter, a place that cannot be: no reading, and the point is named. */
static void nonsense_is_no_reading(void **state)
{
	struct mx1 *m = *state;
	struct table t = sit_down(m);
	struct meter_reading r = { 0 };
	struct bus_error why = { 0 };

	m->map->tab_input_registers[0x102] = 0x45A7;
	assert_int_equal(meter_read(t.bus, t.model, &nine, CLASS_LIVE, &r, &why), ERR_PROTOCOL);
	assert_string_equal(why.text, "energy at register 0x0100 is not decimal digits");
	fill(m);
	m->map->tab_input_registers[0x121] = 2;
	assert_int_equal(meter_read(t.bus, t.model, &nine, CLASS_LIVE, &r, &why), ERR_PROTOCOL);
	assert_non_null(strstr(why.text, "power at register 0x0108 needs a factor"));
	fill(m);
	get_up(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_register_is_understood),
		cmocka_unit_test(its_relay_obeys),
		cmocka_unit_test(clock_and_credit_go_by_its_makers_frames),
		cmocka_unit_test(enciphered_writes_are_refused),
		cmocka_unit_test(nonsense_is_no_reading),
	};

	return cmocka_run_group_tests(tests, mx1_start, mx1_stop);
}
