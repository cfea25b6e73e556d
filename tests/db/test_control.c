/* What a site sets beside money: limits of load, weekly schedules, warnings; against a real
 * database, by the users that have to do it. */
#include "shop_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "domain/overload.h"
#include "domain/supplypoint.h"
#include "domain/timetable.h"
#include "poller/sink.h"

struct world {
	struct db *root, *api, *worker;
	struct desk *desk;
	struct holdings *holdings;
	struct sink *sink;
	int shops;
};

static int open_world(void **state)
{
	static struct world w;
	struct db_settings s;

	if (fixture_open((void **)&w.root) != 0)
		return -1;
	s = fixture_settings("yufu_poller");
	w.api = fixture_as("yufu_api");
	w.worker = fixture_as("yufu_worker");
	w.desk = desk_open();
	w.holdings = holdings_open();
	w.sink = sink_open(&s, w.desk, w.holdings);
	*state = &w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	sink_free(&w->sink);
	holdings_free(&w->holdings);
	desk_free(&w->desk);
	db_free(&w->api);
	db_free(&w->worker);
	return fixture_close((void **)&w->root);
}

static struct shop new_shop(struct world *w)
{
	struct shop s = shop_make(w->root, ++w->shops);
	struct lease l = { .group_id = s.group, .epoch = 1, .owner = "test" };

	holdings_add(w->holdings, &l);
	return s;
}

/* ---- load ---- */

#define LIMIT_W 3000

struct load {
	int64_t at, reg, power_w;
	const char *observed;
};

static void draw(struct world *w, const struct shop *s, struct load l)
{
	struct report r = { .meter_id = s->meter,
		.group_id = s->group,
		.has_reading = true,
		.has_register = true,
		.most_per_hour = 36000,
		.step = 10,
		.comm = COMM_OK,
		.device = 1,
		.now = { .meter_id = s->meter,
			.read_at = { SHOP_T0 + l.at * 1000 },
			.register_milli = { l.reg },
			.sharp_milli = { -1 },
			.peak_milli = { -1 },
			.flat_milli = { -1 },
			.valley_milli = { -1 },
			.power_w = l.power_w,
			.phases = 1 } };

	snprintf(r.code, sizeof(r.code), "M%d", w->shops);
	snprintf(r.observed, sizeof(r.observed), "%s", l.observed);
	assert_int_equal(sink_batch(w->sink, &r, 1), ERR_OK);
}

static struct shop limited_shop(struct world *w)
{
	struct shop s = new_shop(w);

	shop_set(w->root,
		"UPDATE meter SET power_limit_w = %d, overload_delay_s = 60, overload_retry_s = "
		"300,"
		" overload_retries = 1 WHERE id = %lld",
		LIMIT_W, (long long)s.meter);
	return s;
}

static bool overloaded(struct world *w, const struct shop *s)
{
	int64_t desired = shop_number(w->root,
		"SELECT desired = 'off' AND desired_reason = 'overload' AND gated AS v"
		" FROM supply_point WHERE id = %lld",
		s->point);
	int64_t block = shop_number(w->root,
		"SELECT COUNT(*) AS v FROM block WHERE kind = 'overload' AND supply_point_id = "
		"%lld",
		s->point);

	assert_int_equal(desired, block);
	return desired;
}

#define ALARMS(kind)                                                                               \
	"SELECT COUNT(*) AS v FROM alarm WHERE open_key IS NOT NULL AND kind = '" kind             \
	"' AND object_id = %lld"
#define NOTICES(kind)                                                                              \
	"SELECT COUNT(*) AS v FROM notice WHERE kind = '" kind "' AND account_id = %lld"

struct lifting {
	int64_t point;
};

static enum err lift_tx(struct db *db, void *ctx)
{
	const struct lifting *l = ctx;

	return supply_block_clear(db, l->point, BLOCK_OVERLOAD, "", utc_now());
}

/* What staff do by `on`. */
static void lift(struct world *w, const struct shop *s)
{
	assert_int_equal(db_tx(w->api, lift_tx, &(struct lifting){ s->point }), ERR_OK);
}

static void test_too_much_load_is_cut_returns_and_locks(void **state)
{
	struct world *w = *state;
	struct shop s = limited_shop(w);

	draw(w, &s, (struct load){ 0, 1000, 3000, "on" });
	draw(w, &s, (struct load){ 30, 1030, 3600, "on" });
	draw(w, &s, (struct load){ 60, 1060, 3600, "on" });
	assert_false(overloaded(w, &s));
	draw(w, &s, (struct load){ 90, 1090, 3600, "on" });
	assert_true(overloaded(w, &s));
	assert_int_equal(shop_number(w->root, ALARMS("overload"), s.meter), 1);
	assert_int_equal(shop_number(w->root, NOTICES("overload"), s.account), 1);
	draw(w, &s, (struct load){ 100, 1090, 0, "off" });
	draw(w, &s, (struct load){ 389, 1090, 0, "off" });
	assert_true(overloaded(w, &s));
	draw(w, &s, (struct load){ 390, 1090, 0, "off" });
	assert_false(overloaded(w, &s));
	assert_int_equal(shop_number(w->root, ALARMS("overload"), s.meter), 0);
	/* Once more, and nothing but a person brings it back. */
	draw(w, &s, (struct load){ 420, 1120, 5000, "on" });
	draw(w, &s, (struct load){ 480, 1190, 5000, "on" });
	assert_true(overloaded(w, &s));
	assert_int_equal(shop_number(w->root, ALARMS("overload_lock"), s.meter), 1);
	assert_int_equal(shop_number(w->root, NOTICES("overload_lock"), s.account), 1);
	draw(w, &s, (struct load){ 9000, 1190, 0, "off" });
	assert_true(overloaded(w, &s));
	lift(w, &s);
	assert_false(overloaded(w, &s));
	draw(w, &s, (struct load){ 9030, 1190, 500, "on" });
	assert_int_equal(shop_number(w->root, ALARMS("overload_lock"), s.meter), 0);
	assert_int_equal(shop_number(w->root,
				 "SELECT phase = 'calm' AND trips = 0 AS v FROM overload_state "
				 "WHERE supply_point_id = %lld",
				 s.point),
		1);
}

static void test_money_does_not_lift_an_overload(void **state)
{
	struct world *w = *state;
	struct shop s = limited_shop(w);

	draw(w, &s, (struct load){ 0, 1000, 9000, "on" });
	draw(w, &s, (struct load){ 60, 1090, 9000, "on" });
	assert_true(overloaded(w, &s));
	/* Used up, then paid: the overload stands through both. */
	shop_set(w->root, "UPDATE account SET balance_nano = 1 WHERE id = %lld",
		(long long)s.account);
	draw(w, &s, (struct load){ 90, 1150, 0, "off" });
	assert_int_equal(shop_number(w->root,
				 "SELECT COUNT(*) AS v FROM block WHERE kind = 'arrears' AND "
				 "supply_point_id = %lld",
				 s.point),
		1);
	assert_true(overloaded(w, &s));
	shop_set(w->root, "UPDATE account SET balance_nano = 100000000000 WHERE id = %lld",
		(long long)s.account);
	draw(w, &s, (struct load){ 120, 1160, 0, "off" });
	assert_int_equal(
		shop_number(w->root, "SELECT COUNT(*) AS v FROM block WHERE supply_point_id = %lld",
			s.point),
		1);
	assert_true(overloaded(w, &s));
}

static void test_a_reading_in_doubt_cuts_nothing(void **state)
{
	struct world *w = *state;
	struct shop s = limited_shop(w);

	draw(w, &s, (struct load){ 0, 1000, 9000, "on" });
	draw(w, &s, (struct load){ 60, 900, 9000, "on" }); /* the register fell */
	assert_false(overloaded(w, &s));
	draw(w, &s, (struct load){ 70, 1010, 9000, "on" });
	assert_true(overloaded(w, &s));
}

static void test_without_a_limit_nothing_is_kept(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);

	draw(w, &s, (struct load){ 0, 1000, 90000, "on" });
	draw(w, &s, (struct load){ 600, 1090, 90000, "on" });
	assert_false(overloaded(w, &s));
	assert_int_equal(
		shop_number(w->root,
			"SELECT COUNT(*) AS v FROM overload_state WHERE supply_point_id = %lld",
			s.point),
		0);
}

static void test_limits_are_set_and_checked(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct overload_setting set = { .meter_id = s.meter,
		.limits = { 5000, 30, 600, 2 },
		.actor = "user:1",
		.address = "",
		.reason = "test",
		.now = utc_now() };
	struct problem why = { 0 };
	struct overload_view v;

	assert_int_equal(overload_set(w->api, &set, &why), ERR_OK);
	assert_int_equal(overload_get(w->api, s.meter, &v), ERR_OK);
	assert_int_equal(v.limit_w, 5000);
	assert_int_equal(v.delay_s, 30);
	assert_int_equal(v.retry_s, 600);
	assert_int_equal(v.retries, 2);
	assert_string_equal(v.phase, "calm");
	set.limits.delay_s = 3601;
	assert_int_equal(overload_set(w->api, &set, &why), ERR_OUT_OF_RANGE);
	assert_string_equal(why.field, "delay_s");
	set.limits = (struct overload_limits){ -1, 0, 0, 0 };
	assert_int_equal(overload_set(w->api, &set, &why), ERR_OUT_OF_RANGE);
	assert_int_equal(overload_get(w->api, s.meter, &v), ERR_OK);
	assert_int_equal(v.limit_w, 5000);
	assert_int_equal(
		shop_number(w->root,
			"SELECT COUNT(*) AS v FROM audit WHERE action = 'meter.overload' AND "
			"object = 'meter:%lld'",
			s.meter),
		1);
}

/* ---- schedules ---- */

static struct utc instant(const char *text)
{
	struct utc t;

	assert_int_equal(utc_parse(text, &t), ERR_OK);
	return t;
}

/* Off from 23:00 to 07:00 on workdays, and on holidays all day. */
static const struct timetable NIGHT = { .days = {
						[SORT_WORKDAY] = { { { 0, true }, { 420, false },
									   { 1380, true } },
							3 },
						[SORT_HOLIDAY] = { { { 0, true } }, 1 },
					} };

static struct timetable_edit edit_of(const struct shop *s, const char *code)
{
	return (struct timetable_edit){ .site_id = s->site,
		.code = code,
		.name = "night",
		.table = &NIGHT,
		.actor = "user:1",
		.address = "",
		.now = utc_now() };
}

static int64_t new_table(struct world *w, const struct shop *s)
{
	struct timetable_edit t;
	char code[32];
	int64_t id = 0;

	snprintf(code, sizeof(code), "night%d", w->shops);
	t = edit_of(s, code);
	assert_int_equal(timetable_save(w->api, &t, &id), ERR_OK);
	return id;
}

static enum err give_tx(struct db *db, void *ctx)
{
	return timetable_give(db, ctx);
}

static enum err give(struct world *w, const struct shop *s, int64_t table, const char *now)
{
	struct timetable_give g = { .supply_point_id = s->point,
		.site_id = s->site,
		.timetable_id = table,
		.actor = "user:1",
		.address = "",
		.now = instant(now) };

	return db_tx(w->api, give_tx, &g);
}

static void run_at(struct world *w, const char *now)
{
	assert_int_equal(timetables_run(w->worker, instant(now)), ERR_OK);
}

static bool off_by_schedule(struct world *w, const struct shop *s)
{
	return shop_number(w->root,
		"SELECT desired = 'off' AND desired_reason = 'schedule' AND gated AS v"
		" FROM supply_point WHERE id = %lld",
		s->point);
}

static void test_a_schedule_switches_at_its_second(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);

	assert_int_equal(give(w, &s, new_table(w, &s), "2026-11-23T12:00:00+08:00"), ERR_OK);
	assert_false(off_by_schedule(w, &s));
	run_at(w, "2026-11-23T22:59:59.999+08:00");
	assert_false(off_by_schedule(w, &s));
	run_at(w, "2026-11-23T23:00:00+08:00");
	assert_true(off_by_schedule(w, &s));
	run_at(w, "2026-11-24T06:59:59+08:00");
	assert_true(off_by_schedule(w, &s));
	run_at(w, "2026-11-24T07:00:00+08:00");
	assert_false(off_by_schedule(w, &s));
	/* Nobody ran for days: what holds now is done, not what was missed. */
	run_at(w, "2026-11-28T12:00:00+08:00");
	assert_false(off_by_schedule(w, &s));
	run_at(w, "2026-11-30T01:00:00+08:00");
	assert_true(off_by_schedule(w, &s));
}

static void test_a_schedule_follows_the_days_of_its_site(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w), other = new_shop(w);
	int64_t table = new_table(w, &s);

	assert_int_equal(give(w, &s, table, "2026-11-23T12:00:00+08:00"), ERR_OK);
	assert_false(off_by_schedule(w, &s));
	shop_set(w->root,
		"INSERT INTO site_holiday (site_id, day, kind) VALUES (%lld, '2026-11-23',"
		" 'holiday')",
		(long long)s.site);
	run_at(w, "2026-11-23T12:00:01+08:00");
	assert_false(off_by_schedule(w, &s)); /* not looked at again yet */
	assert_int_equal(timetables_touch(w->api, s.site), ERR_OK);
	run_at(w, "2026-11-23T12:00:02+08:00");
	assert_true(off_by_schedule(w, &s));
	/* Not for supplies of another site. */
	assert_int_equal(give(w, &other, table, "2026-11-23T12:00:00+08:00"), ERR_NOT_FOUND);
	assert_int_equal(give(w, &other, 999999, "2026-11-23T12:00:00+08:00"), ERR_NOT_FOUND);
}

static void test_a_changed_schedule_counts_at_once(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	int64_t table = new_table(w, &s), id = 0;
	struct timetable_edit t = edit_of(&s, "x");
	struct timetable day_off = { 0 };

	day_off.days[SORT_WORKDAY] = (struct timetable_day){ { { 0, true } }, 1 };
	assert_int_equal(give(w, &s, table, "2026-11-23T12:00:00+08:00"), ERR_OK);
	assert_false(off_by_schedule(w, &s));
	t.id = table;
	t.table = &day_off;
	assert_int_equal(timetable_save(w->api, &t, &id), ERR_OK);
	run_at(w, "2026-11-23T12:00:01+08:00");
	assert_true(off_by_schedule(w, &s));
	/* In use it stays; taken away, the supply is back at once. */
	assert_int_equal(timetable_remove(w->api, &t), ERR_CONFLICT);
	assert_int_equal(give(w, &s, 0, "2026-11-23T12:00:02+08:00"), ERR_OK);
	assert_false(off_by_schedule(w, &s));
	assert_int_equal(timetable_remove(w->api, &t), ERR_OK);
	assert_int_equal(timetable_remove(w->api, &t), ERR_NOT_FOUND);
	run_at(w, "2026-11-24T23:30:00+08:00");
	assert_false(off_by_schedule(w, &s));
}

static void test_schedules_are_added_once(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct timetable_edit t = edit_of(&s, "once");
	struct timetable none = { 0 }, bad = NIGHT;
	int64_t first = 0, second = 0;

	assert_int_equal(timetable_save(w->api, &t, &first), ERR_OK);
	assert_int_equal(timetable_save(w->api, &t, &second), ERR_OK);
	assert_int_equal(first, second);
	t.table = &none;
	assert_int_equal(timetable_save(w->api, &t, &second), ERR_ALREADY);
	bad.days[SORT_WORKDAY].at[0].minute = 5;
	t.code = "bad";
	t.table = &bad;
	assert_int_equal(timetable_save(w->api, &t, &second), ERR_BAD_VALUE);
	assert_int_equal(shop_number(w->root,
				 "SELECT COUNT(*) AS v FROM schedule WHERE site_id = %lld", s.site),
		1);
}

/* Berlin: 02:30 comes twice on 25 October 2026 and not at all on 29 March 2026. */
static void test_schedules_on_days_of_23_and_25_hours(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct timetable_edit t = edit_of(&s, "dst");
	struct timetable early = { 0 };
	int64_t id = 0;

	shop_set(w->root, "UPDATE site SET zone = 'Europe/Berlin' WHERE id = %lld",
		(long long)s.site);
	early.days[SORT_WEEKEND] =
		(struct timetable_day){ { { 0, false }, { 150, true }, { 240, false } }, 3 };
	t.table = &early;
	assert_int_equal(timetable_save(w->api, &t, &id), ERR_OK);
	assert_int_equal(give(w, &s, id, "2026-03-29T00:00:00+01:00"), ERR_OK);
	run_at(w, "2026-03-29T03:29:59+02:00");
	assert_false(off_by_schedule(w, &s));
	run_at(w, "2026-03-29T03:30:00+02:00");
	assert_true(off_by_schedule(w, &s));
	run_at(w, "2026-03-29T04:00:00+02:00");
	assert_false(off_by_schedule(w, &s));
	run_at(w, "2026-10-25T02:29:59+02:00");
	assert_false(off_by_schedule(w, &s));
	run_at(w, "2026-10-25T02:30:00+02:00");
	assert_true(off_by_schedule(w, &s));
	run_at(w, "2026-10-25T02:15:00+01:00"); /* the second 02:15 */
	assert_true(off_by_schedule(w, &s));
	run_at(w, "2026-10-25T04:00:00+01:00");
	assert_false(off_by_schedule(w, &s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_too_much_load_is_cut_returns_and_locks),
		cmocka_unit_test(test_money_does_not_lift_an_overload),
		cmocka_unit_test(test_a_reading_in_doubt_cuts_nothing),
		cmocka_unit_test(test_without_a_limit_nothing_is_kept),
		cmocka_unit_test(test_limits_are_set_and_checked),
		cmocka_unit_test(test_a_schedule_switches_at_its_second),
		cmocka_unit_test(test_a_schedule_follows_the_days_of_its_site),
		cmocka_unit_test(test_a_changed_schedule_counts_at_once),
		cmocka_unit_test(test_schedules_are_added_once),
		cmocka_unit_test(test_schedules_on_days_of_23_and_25_hours),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
