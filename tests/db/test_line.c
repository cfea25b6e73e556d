/* yufu-poller, the program itself, on a serial line behind a transparent server: a meter of DL/T
 * 645, a water meter of CJ/T 188 and a meter of Modbus RTU beside each other. */
#include "shop_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "domain/supplypoint.h"
#include "sim/line_server.h"

#define POWER "201000000012"
#define WATER "00000805000001"
#define PATIENCE_MS 60000 /* for what must come */

struct world {
	struct db *root;
	struct zone *zone;
	struct mall *mall;
	struct models *models;
	struct line_server *line;
	size_t power, water;
	struct device device;
	struct shop shop; /* with the meter of DL/T 645 */
	int64_t water_meter, water_point, modbus_meter;
	char config[64];
	pid_t poller;
};

static void line_make(struct world *w)
{
	struct problem why = { 0 };
	const struct mall_meter *mm;
	struct line_meter m;

	assert_int_equal(zone_open("Asia/Shanghai", &w->zone), ERR_OK);
	assert_int_equal(models_open(NULL, &w->models, &why), ERR_OK);
	w->mall = mall_make(1, 0, 1);
	mm = mall_meter(w->mall, 0, 3);
	device_init(&w->device, mm, models_find(w->models, mm->model), 1, 1);
	if (line_server_start(&(struct line_server_settings){ .zone = w->zone }, &w->line, &why))
		fail_msg("%s: %s", why.field, why.text);
	line_meter_init(&m, LINE_DLT645, POWER);
	m.register_milli = 1000000;
	m.wall_offset_s = -200;
	memcpy(m.password, "\x02\x12\x34\x56", 4);
	w->power = line_server_add(w->line, &m);
	line_meter_init(&m, LINE_CJT188, WATER);
	m.register_milli = 50000;
	m.valve_ms = PATIENCE_MS;
	w->water = line_server_add(w->line, &m);
	line_server_add_device(w->line, &w->device);
}

static int64_t last_id(struct world *w)
{
	return shop_number(w->root, "SELECT LAST_INSERT_ID() AS v", 0);
}

static void tables_make(struct world *w)
{
	w->shop = shop_make(w->root, 1);
	shop_set(w->root, "UPDATE bus_group SET until_at = 0, owner = '' WHERE id = %lld",
		(long long)w->shop.group);
	shop_set(w->root,
		"UPDATE gateway SET transport = 'rtu-tcp', address = '%s' WHERE id = %lld",
		line_server_address(w->line), (long long)w->shop.gateway);
	shop_set(w->root,
		"UPDATE meter SET model = 'dlt645-2007', unit = '" POWER "', serial = '" POWER
		"' WHERE id = %lld",
		(long long)w->shop.meter);
	shop_set(w->root,
		"INSERT INTO supply_point (code, site_id, utility, switchable) VALUES ('PW', %lld,"
		" 'water', 1)",
		(long long)w->shop.site);
	w->water_point = last_id(w);
	shop_set(w->root,
		"INSERT INTO meter (code, gateway_id, unit, model, utility, supply_point_id) VALUES"
		" ('MW', %lld, '" WATER "', 'cjt188-2004', 'water', %lld)",
		(long long)w->shop.gateway, (long long)w->water_point);
	w->water_meter = last_id(w);
	shop_set(w->root,
		"INSERT INTO supply_point (code, site_id, utility) VALUES ('PM', %lld,"
		" 'electricity')",
		(long long)w->shop.site);
	shop_set(w->root,
		"INSERT INTO meter (code, gateway_id, unit, model, utility, supply_point_id) VALUES"
		" ('MM', %lld, '%d', '%s', 'electricity', LAST_INSERT_ID())",
		(long long)w->shop.gateway, w->device.mall->unit, w->device.mall->model);
	w->modbus_meter = last_id(w);
}

/* With its own settings, as an operator would write them. */
static void poller_start(struct world *w)
{
	struct db_settings s = fixture_settings("yufu_poller");
	int fd;

	snprintf(w->config, sizeof(w->config), "/tmp/yufu-line-test.XXXXXX");
	fd = mkstemp(w->config);
	assert_true(fd >= 0);
	assert_true(dprintf(fd,
			    "[database]\nsocket=%s\nuser=%s\nname=%s\npassword=\n"
			    "[poller]\nname=test\nfresh_s=12\n[dlt645]\npassword=02123456\n",
			    s.socket, s.user, s.name) > 0);
	close(fd);
	w->poller = fork();
	assert_true(w->poller >= 0);
	if (w->poller == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* not longer than the test */
		execl(POLLER_PROGRAM, POLLER_PROGRAM, "--config", w->config, (char *)NULL);
		_exit(127);
	}
}

static int open_world(void **state)
{
	static struct world w;

	if (fixture_open((void **)&w.root) != 0)
		return -1;
	line_make(&w);
	tables_make(&w);
	poller_start(&w);
	*state = &w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;
	int status = 0;

	if (w->poller <= 0)
		return -1;
	kill(w->poller, SIGTERM);
	waitpid(w->poller, &status, 0);
	unlink(w->config);
	line_server_stop(&w->line);
	mall_free(&w->mall);
	models_free(&w->models);
	zone_free(&w->zone);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return -1;
	return fixture_close((void **)&w->root);
}

/* Until the number is 1. */
static void await(struct world *w, const char *what, const char *sql, int64_t id)
{
	int64_t deadline = mono_ms() + PATIENCE_MS;

	while (shop_number(w->root, sql, id) != 1) {
		if (mono_ms() > deadline || waitpid(w->poller, NULL, WNOHANG) != 0)
			fail_msg("%s: never", what);
		mono_sleep_until(mono_ms() + 50);
	}
}

static void test_all_three_are_read(void **state)
{
	static const char *const read = "SELECT COUNT(*) AS v FROM meter_state WHERE comm = 'ok' "
					"AND register_milli > 0 AND meter_id = %lld";
	struct world *w = *state;

	await(w, "DL/T 645", read, w->shop.meter);
	await(w, "CJ/T 188", read, w->water_meter);
	await(w, "Modbus", read, w->modbus_meter);
	assert_int_equal(
		shop_number(w->root,
			"SELECT register_milli AS v FROM meter_state WHERE meter_id = %lld",
			w->shop.meter),
		1000000);
	assert_int_equal(
		shop_number(w->root,
			"SELECT register_milli AS v FROM meter_state WHERE meter_id = %lld",
			w->water_meter),
		50000);
}

static void use_some(struct line_meter *m, const void *arg)
{
	m->register_milli += *(const int64_t *)arg;
}

static void test_use_is_charged(void **state)
{
	const int64_t wh = 20;
	struct world *w = *state;

	assert_int_equal(
		shop_number(w->root, "SELECT balance_nano AS v FROM account WHERE id = %lld",
			w->shop.account),
		SHOP_OPENING);
	line_server_change(w->line, w->power, use_some, &wh);
	await(w, "charged", "SELECT balance_nano < 100000000000 AS v FROM account WHERE id = %lld",
		w->shop.account);
	assert_int_equal(
		shop_number(w->root,
			"SELECT register_milli AS v FROM meter_state WHERE meter_id = %lld",
			w->shop.meter),
		1000020);
}

static enum err refresh(struct db *db, void *point)
{
	return supply_refresh(db, *(int64_t *)point, utc_now());
}

static void block(struct world *w, int64_t point, bool set)
{
	if (set)
		shop_set(w->root,
			"INSERT INTO block (supply_point_id, kind, cause, since_at, actor) VALUES "
			"(%lld, 'manual', 'user:1', %lld, 'user:1')",
			(long long)point, (long long)utc_now().ms);
	else
		shop_set(w->root, "DELETE FROM block WHERE supply_point_id = %lld",
			(long long)point);
	assert_int_equal(db_tx(w->root, refresh, &point), ERR_OK);
}

#define OFF "SELECT observed = 'off' AND NOT pending AS v FROM supply_point WHERE id = %lld"
#define ON "SELECT observed = 'on' AND NOT pending AS v FROM supply_point WHERE id = %lld"
#define ACTS                                                                                       \
	"SELECT COUNT(*) = SUM(state = 'done') AS v FROM supply_act WHERE supply_point_id = %lld"

static void test_a_relay_is_cut_and_restored(void **state)
{
	struct world *w = *state;

	await(w, "on at first", ON, w->shop.point);
	block(w, w->shop.point, true);
	await(w, "cut", OFF, w->shop.point);
	assert_false(line_server_meter(w->line, w->power).closed);
	block(w, w->shop.point, false);
	await(w, "restored", ON, w->shop.point);
	assert_true(line_server_meter(w->line, w->power).closed);
	await(w, "both acts read back", ACTS, w->shop.point);
	assert_int_equal(line_server_meter(w->line, w->power).acted, 2);
}

static void arrive(struct line_meter *m, const void *arg)
{
	(void)arg;
	m->valve_until_ms = 1;
}

static void set_valve_ms(struct line_meter *m, const void *arg)
{
	m->valve_ms = *(const int *)arg;
}

/* Its status shows where it was, until it has arrived: meanwhile it is told to move. */
static void test_a_valve_moves_until_it_has_arrived(void **state)
{
	const int at_once = 0;
	struct world *w = *state;

	await(w, "open at first", ON, w->water_point);
	block(w, w->water_point, true);
	await(w, "moving", "SELECT observed = 'moving' AS v FROM supply_point WHERE id = %lld",
		w->water_point);
	line_server_change(w->line, w->water, arrive, NULL);
	await(w, "shut", OFF, w->water_point);
	assert_false(line_server_meter(w->line, w->water).closed);
	line_server_change(w->line, w->water, set_valve_ms, &at_once);
	block(w, w->water_point, false);
	await(w, "open", ON, w->water_point);
	await(w, "both acts read back", ACTS, w->water_point);
}

/* Once a day the meters of DL/T 645 are told the time, but not around midnight. */
static void test_the_time_is_told(void **state)
{
	struct world *w = *state;
	int64_t deadline = mono_ms() + PATIENCE_MS, off;
	int32_t second = zone_local(w->zone, utc_now()).second;

	if (second < 1200 || second > 86400 - 1200)
		skip();
	do {
		off = line_server_meter(w->line, w->power).wall_offset_s;
		assert_true(mono_ms() < deadline);
	} while (off < -5 || off > 5);
}

/* One silent meter is known as such; its neighbours on the line go on. */
static void test_a_silent_meter_is_told(void **state)
{
	struct world *w = *state;
	int64_t before;

	line_server_fault(w->line, w->power, LINE_FAULT_SILENT);
	await(w, "silent",
		"SELECT COUNT(*) AS v FROM meter_state WHERE fails > 0 AND error LIKE "
		"'no answer within %%' AND meter_id = %lld",
		w->shop.meter);
	before = shop_number(w->root, "SELECT read_at AS v FROM meter_state WHERE meter_id = %lld",
		w->modbus_meter);
	for (int64_t deadline = mono_ms() + PATIENCE_MS;
		shop_number(w->root, "SELECT read_at AS v FROM meter_state WHERE meter_id = %lld",
			w->modbus_meter) <= before;)
		assert_true(mono_ms() < deadline);
	line_server_fault(w->line, w->power, LINE_FAULT_LEADERS); /* noise, and well again */
	await(w, "back",
		"SELECT COUNT(*) AS v FROM meter_state WHERE fails = 0 AND comm = 'ok' AND "
		"meter_id = %lld",
		w->shop.meter);
}

static void begin_anew(struct line_meter *m, const void *arg)
{
	(void)arg;
	m->register_milli = 20;
}

/* Eight digits with two decimals end at 999999.99 kWh. Nobody had to say so. */
static void test_a_register_of_digits_begins_anew(void **state)
{
	struct world *w = *state;

	line_server_fault(w->line, w->power, LINE_FAULT_NONE);
	line_server_change(w->line, w->power, begin_anew, NULL);
	shop_set(w->root, "UPDATE settled SET register_milli = 999999990 WHERE meter_id = %lld",
		(long long)w->shop.meter);
	await(w, "rolled over",
		"SELECT COUNT(*) AS v FROM settlement WHERE capacity_milli = 1000000000 AND"
		" qty_milli = 30 AND to_milli = 20 AND meter_id = %lld",
		w->shop.meter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_three_are_read),
		cmocka_unit_test(test_use_is_charged),
		cmocka_unit_test(test_a_relay_is_cut_and_restored),
		cmocka_unit_test(test_a_valve_moves_until_it_has_arrived),
		cmocka_unit_test(test_the_time_is_told),
		cmocka_unit_test(test_a_silent_meter_is_told),
		cmocka_unit_test(test_a_register_of_digits_begins_anew),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
