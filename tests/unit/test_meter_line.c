/* `yufu meter` with meters of DL/T 645-2007 and CJ/T 188-2004, over a transparent server and over a
 * serial line. The meters are those of the simulator, which has frames of its own. */
#include "cmock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd_fixture.h"
#include "ctl/cmds.h"
#include "meter/meter.h"
#include "sim/line_server.h"

#define POWER "201000000012"
#define WATER "00000805000001"
#define POWER_AS_UNIT "\"unit\":\"" POWER "\""
#define POWER_AS_SERIAL "\"serial\":\"" POWER "\""

struct line {
	bool terminal;
	struct zone *zone;
	struct line_server *server;
	size_t power, water;
};

/* Eight hours ahead of UTC, as the meters of the trade have it. */
static void line_open(struct line *l, bool terminal)
{
	struct problem why = { 0 };
	struct line_meter m;

	*l = (struct line){ .terminal = terminal };
	assert_int_equal(zone_open("Asia/Shanghai", &l->zone), ERR_OK);
	if (line_server_start(
		    &(struct line_server_settings){ .terminal = terminal, .zone = l->zone },
		    &l->server, &why))
		fail_msg("%s: %s", why.field, why.text);
	line_meter_init(&m, LINE_DLT645, POWER);
	m.register_milli = 12345670;
	m.power_w = 1500;
	m.credit_fen = 19856;
	m.purchases = 12;
	memcpy(m.password, "\x02\x12\x34\x56", 4);
	l->power = line_server_add(l->server, &m);
	line_meter_init(&m, LINE_CJT188, WATER);
	m.register_milli = 123000;
	m.valve_ms = 300;
	l->water = line_server_add(l->server, &m);
	setenv("YUFU_DLT645_PASSWORD", "02123456", 1);
}

static void line_close(struct line *l)
{
	line_server_stop(&l->server);
	zone_free(&l->zone);
	unsetenv("YUFU_DLT645_PASSWORD");
}

static struct result meter(const struct line *l, const char *verb, bool water, const char *act)
{
	const char *argv[] = { "meter", verb, "--model", water ? "cjt188-2004" : "dlt645-2007",
		"--transport", l->terminal ? "rtu" : "rtu-tcp", "--address",
		line_server_address(l->server), "--unit", water ? WATER : POWER, "--baud", "2400",
		"--parity", "E", act, NULL };

	return run(cmd_meter, argv);
}

static void expect(const struct result *r, const char *text)
{
	if (r->status != 0 || r->err[0] || !strstr(r->out, text))
		fail_msg("wanted %s, got %d: %s%s", text, r->status, r->out, r->err);
}

static void expect_error(const struct result *r, const char *text)
{
	assert_int_equal(r->status, 1);
	one_line(r->err);
	if (!strstr(r->err, text))
		fail_msg("wanted %s, got %s", text, r->err);
}

static void reads_and_switches(bool terminal)
{
	struct line l;
	struct result r;

	line_open(&l, terminal);
	r = meter(&l, "read", false, NULL);
	expect(&r, "\"model\":\"dlt645-2007\"");
	expect(&r, POWER_AS_UNIT);
	expect(&r, POWER_AS_SERIAL);
	expect(&r, "\"energy_wh\":12345670");
	expect(&r, "\"valley\":3086410");
	expect(&r, "\"power_w\":1500,\"voltage_mv\":[230500],\"current_ma\":[6521]");
	expect(&r, "\"supply\":\"on\",\"credit\":\"198.56\",\"purchase_count\":12");
	assert_null(strstr(r.out, "frequency_mhz")); /* this meter has no such item */
	r = meter(&l, "supply", false, "off");
	expect(&r, "\"supply\":\"off\"");
	assert_false(line_server_meter(l.server, l.power).closed);
	r = meter(&l, "supply", false, "on");
	expect(&r, "\"supply\":\"on\"");
	assert_true(line_server_meter(l.server, l.power).closed);

	r = meter(&l, "read", true, NULL);
	expect(&r, "\"volume_l\":123000,\"supply\":\"on\"");
	expect(&r, "\"unit\":\"" WATER "\"");
	r = meter(&l, "supply", true, "off");
	expect(&r, "\"supply\":\"off\"");
	assert_false(line_server_meter(l.server, l.water).closed);
	r = meter(&l, "supply", true, "on");
	expect(&r, "\"supply\":\"on\"");
	assert_true(line_server_meter(l.server, l.water).closed);
	line_close(&l);
}

static void over_a_transparent_server(void **state)
{
	(void)state;
	reads_and_switches(false);
}

static void over_a_serial_line(void **state)
{
	(void)state;
	reads_and_switches(true);
}

/* While power is kept the meter refuses to be cut; the end of that is known by its reply only. */
static void kept_power_is_not_cut(void **state)
{
	struct line l;
	struct result r;

	(void)state;
	line_open(&l, false);
	r = meter(&l, "supply", false, "keep");
	expect(&r, "\"supply\":\"on\"");
	assert_true(line_server_meter(l.server, l.power).keeps);
	r = meter(&l, "supply", false, "off");
	expect_error(&r, "error 0x01 to control code 1C (other error)");
	assert_true(line_server_meter(l.server, l.power).closed);
	r = meter(&l, "supply", false, "auto");
	expect(&r, "\"supply\":\"on\"");
	assert_false(line_server_meter(l.server, l.power).keeps);
	r = meter(&l, "supply", false, "off");
	expect(&r, "\"supply\":\"off\"");
	line_close(&l);
}

static void the_password_is_needed_and_not_told(void **state)
{
	struct line l;
	struct result r;

	(void)state;
	line_open(&l, false);
	setenv("YUFU_DLT645_PASSWORD", "02999999", 1);
	r = meter(&l, "supply", false, "off");
	expect_error(&r, "wrong password or not permitted");
	assert_null(strstr(r.err, "999999"));
	assert_int_equal(line_server_meter(l.server, l.power).acted, 0);
	setenv("YUFU_DLT645_PASSWORD", "0299999", 1);
	r = meter(&l, "supply", false, "off");
	expect_error(&r, "dlt645.password: must be eight hex digits");
	assert_null(strstr(r.err, "99999"));
	line_close(&l);
}

static void an_unmoved_relay_or_valve_is_a_failure(void **state)
{
	struct line l;
	struct result r;

	(void)state;
	line_open(&l, false);
	line_server_fault(l.server, l.power, LINE_FAULT_STUCK);
	r = meter(&l, "supply", false, "off");
	expect_error(&r, "the meter does not show what was asked for");
	assert_non_null(strstr(r.out, "\"supply\":\"on\"")); /* what it does show */
	assert_int_equal(line_server_meter(l.server, l.power).acted, 1);
	line_close(&l);
}

static void what_is_wrong_is_told(void **state)
{
	static const struct {
		enum line_fault fault;
		bool water;
		const char *error; /* NULL: read in spite of it */
	} rows[] = {
		{ LINE_FAULT_SILENT, false, "no answer within" },
		{ LINE_FAULT_SILENT, true, "no answer within" },
		{ LINE_FAULT_ERROR, false, "error 0x01 for item 0001FF00 (other error)" },
		{ LINE_FAULT_ERROR, true, "error reply C1 to control code 01" },
		{ LINE_FAULT_CHECKSUM, false, "checksum error" },
		{ LINE_FAULT_CHECKSUM, true, "checksum error" },
		{ LINE_FAULT_DIGITS, false, "energy in item 0001FF00 is not decimal digits" },
		{ LINE_FAULT_DIGITS, true, "volume in item 0000901F is not decimal digits" },
		{ LINE_FAULT_LEADERS, false, NULL },
		{ LINE_FAULT_LEADERS, true, NULL },
		{ LINE_FAULT_FOREIGN, false, NULL },
		{ LINE_FAULT_FOREIGN, true, NULL },
		{ LINE_FAULT_ECHO, false, NULL },
		{ LINE_FAULT_ECHO, true, NULL },
		{ LINE_FAULT_SPLIT, false, NULL },
	};
	struct line l;

	(void)state;
	line_open(&l, false);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct result r;

		line_server_fault(l.server, rows[i].water ? l.water : l.power, rows[i].fault);
		r = meter(&l, "read", rows[i].water, NULL);
		if (rows[i].error)
			expect_error(&r, rows[i].error);
		else
			expect(&r,
				rows[i].water ? "\"volume_l\":123000" : "\"energy_wh\":12345670");
		line_server_fault(l.server, rows[i].water ? l.water : l.power, LINE_FAULT_NONE);
	}
	line_close(&l);
}

static void wrong_use_is_told(void **state)
{
	static const struct {
		const char *const argv[14];
		const char *text;
	} rows[] = {
		{ { "meter", "read", "--model", "dlt645-2007", "--transport", "modbus-tcp",
			  "--address", "127.0.0.1:1", "--unit", POWER },
			"DL/T 645 does not go over modbus-tcp: use rtu-tcp or rtu" },
		{ { "meter", "read", "--model", "cjt188-2004", "--transport", "modbus-tcp",
			  "--address", "127.0.0.1:1", "--unit", WATER },
			"CJ/T 188 does not go over modbus-tcp" },
		{ { "meter", "read", "--model", "dlt645-2007", "--transport", "rtu-tcp",
			  "--address", "127.0.0.1:1", "--unit", WATER },
			"--unit: must be an address of 12 digits" },
		{ { "meter", "read", "--model", "cjt188-2004", "--transport", "rtu-tcp",
			  "--address", "127.0.0.1:1", "--unit", "7" },
			"--unit: must be an address of 14 digits" },
		{ { "meter", "read", "--model", "xintai-water", "--transport", "rtu-tcp",
			  "--address", "127.0.0.1:1", "--unit", POWER },
			"--unit: must be a number from 1 to 255" },
		{ { "meter", "read", "--unit", "20100000001A" }, "12 or 14 digits" },
		{ { "meter", "supply", "--model", "cjt188-2004", "--transport", "rtu-tcp",
			  "--address", "127.0.0.1:1", "--unit", WATER, "auto" },
			"no act \"auto\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct result r = run(cmd_meter, rows[i].argv);

		assert_string_equal(r.out, "");
		expect_error(&r, rows[i].text);
	}
}

/* ---- on one connection ---- */

struct talk {
	struct line line;
	struct models *models;
	struct bus *bus;
	struct model model; /* with less patience */
	struct meter_address at;
};

static void talk_open(struct talk *t, bool water)
{
	struct bus_settings s = { .transport = TRANSPORT_RTU_TCP };
	struct problem why = { 0 };

	line_open(&t->line, false);
	t->bus = NULL;
	assert_true(str_copy(s.address, sizeof(s.address), line_server_address(t->line.server)));
	assert_int_equal(models_open(NULL, &t->models, &why), ERR_OK);
	t->model = *models_find(t->models, water ? "cjt188-2004" : "dlt645-2007");
	t->model.limits.answer_ms = 300;
	assert_int_equal(
		meter_address_parse(&t->model, water ? WATER : POWER, &t->at, &why), ERR_OK);
	assert_int_equal(bus_open(&s, &t->bus, &why), ERR_OK);
}

static void talk_close(struct talk *t)
{
	bus_close(&t->bus);
	models_free(&t->models);
	line_close(&t->line);
}

/* Each answer comes only when the meter is asked again: it is never taken for another's. */
static void late_replies_are_never_decoded(void **state)
{
	(void)state;
	for (int water = 0; water < 2; water++) {
		struct talk t;
		struct meter_reading r = { 0 };
		struct bus_error why = { 0 };
		size_t i;

		talk_open(&t, water);
		i = water ? t.line.water : t.line.power;
		line_server_fault(t.line.server, i, LINE_FAULT_LATE);
		for (int k = 0; k < 3; k++) {
			assert_int_not_equal(
				meter_read(t.bus, &t.model, &t.at, CLASS_LIVE, &r, &why), ERR_OK);
			assert_int_equal(r.has, 0);
		}
		assert_int_equal(why.fault, BUS_NONSENSE);
		assert_non_null(strstr(why.text, water ? "sequence" : "reply for item"));
		assert_true(bus_stats(t.bus).kinds[KIND_LATE] >= 1);
		line_server_fault(t.line.server, i, LINE_FAULT_NONE);
		assert_int_equal(meter_read(t.bus, &t.model, &t.at, CLASS_LIVE, &r, &why), ERR_OK);
		assert_true(reading_has(&r, water ? POINT_VOLUME : POINT_ENERGY));
		assert_int_equal(r.step, 10); /* 0.01 kWh, 0.01 m3 */
		talk_close(&t);
	}
}

/* An order that nobody answers may have been carried out. */
static void a_silent_order_is_unknown(void **state)
{
	(void)state;
	for (int water = 0; water < 2; water++) {
		struct talk t;
		struct bus_error why = { 0 };
		size_t i;

		talk_open(&t, water);
		i = water ? t.line.water : t.line.power;
		line_server_fault(t.line.server, i, LINE_FAULT_SILENT);
		assert_int_equal(
			meter_act(t.bus, &t.model, &t.at, ACT_OFF, NULL, &why), ERR_UNKNOWN);
		line_server_fault(t.line.server, i, LINE_FAULT_CHECKSUM);
		assert_int_equal(
			meter_act(t.bus, &t.model, &t.at, ACT_OFF, NULL, &why), ERR_UNKNOWN);
		line_server_fault(t.line.server, i, LINE_FAULT_ERROR);
		assert_int_equal(
			meter_act(t.bus, &t.model, &t.at, ACT_OFF, NULL, &why), ERR_REFUSED);
		talk_close(&t);
	}
}

static void lost_time(struct line_meter *m, const void *arg)
{
	m->wall_offset_s = *(const int64_t *)arg;
}

/* The broadcast sets every clock on the line, and is not waited for. */
static void a_broadcast_sets_the_clocks(void **state)
{
	const int64_t slow = -200;
	struct talk t;
	struct meter_reading r = { 0 };
	struct bus_error why = { 0 };
	int64_t wall = utc_now().ms / 1000 + 8 * 3600, told;

	(void)state;
	talk_open(&t, false);
	line_server_change(t.line.server, t.line.power, lost_time, &slow);
	assert_int_equal(meter_broadcast_time(t.bus, &t.model, wall, NULL, &why), ERR_OK);
	assert_int_equal(meter_read(t.bus, &t.model, &t.at, CLASS_CONFIG, &r, &why), ERR_OK);
	told = line_server_meter(t.line.server, t.line.power).wall_offset_s;
	assert_in_range(told + 5, 0, 10);
	if (reading_has(&r, POINT_CLOCK)) /* not around midnight */
		assert_in_range(r.value[POINT_CLOCK] - wall + 5, 0, 20);
	assert_int_equal(meter_broadcast_time(t.bus, &t.model, -1, NULL, &why), ERR_OUT_OF_RANGE);
	t.model = *models_find(t.models, "cjt188-2004");
	assert_int_equal(
		meter_broadcast_time(t.bus, &t.model, wall, NULL, &why), ERR_NOT_CONFIGURED);
	talk_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(over_a_transparent_server),
		cmocka_unit_test(over_a_serial_line),
		cmocka_unit_test(kept_power_is_not_cut),
		cmocka_unit_test(the_password_is_needed_and_not_told),
		cmocka_unit_test(an_unmoved_relay_or_valve_is_a_failure),
		cmocka_unit_test(what_is_wrong_is_told),
		cmocka_unit_test(wrong_use_is_told),
		cmocka_unit_test(late_replies_are_never_decoded),
		cmocka_unit_test(a_silent_order_is_unknown),
		cmocka_unit_test(a_broadcast_sets_the_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
