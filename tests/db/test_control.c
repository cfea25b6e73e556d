/* What a site sets beside money: limits of load, weekly schedules, warnings; against a real
 * database, by the users that have to do it. */
#include "shop_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "domain/account.h"
#include "domain/forecast.h"
#include "domain/holiday.h"
#include "domain/overload.h"
#include "domain/supplypoint.h"
#include "domain/timetable.h"
#include "domain/warning.h"
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

/* The poller gives a reading again when the answer to it was lost. */
static void test_the_reading_that_ended_a_cut_given_again(void **state)
{
	struct world *w = *state;
	struct shop s = limited_shop(w);

	shop_set(w->root, "UPDATE meter SET overload_delay_s = 0 WHERE id = %lld",
		(long long)s.meter);
	draw(w, &s, (struct load){ 0, 1000, 3600, "on" });
	assert_true(overloaded(w, &s));
	draw(w, &s, (struct load){ 300, 1000, 3600, "off" });
	assert_false(overloaded(w, &s));
	draw(w, &s, (struct load){ 300, 1000, 3600, "off" });
	assert_false(overloaded(w, &s));
	assert_int_equal(shop_number(w->root, NOTICES("overload"), s.account), 1);
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

/* Monday 23 November is a holiday at this site, or is not any more. */
static void mark(struct world *w, const struct shop *s, bool holiday)
{
	struct holiday_change c = { .site_id = s->site,
		.day = day_of(2026, 11, 23),
		.kind = SITE_DAY_HOLIDAY,
		.name = "fair",
		.actor = "user:1",
		.address = "",
		.now = utc_now() };

	assert_int_equal(holiday ? holiday_put(w->api, &c) : holiday_delete(w->api, &c), ERR_OK);
}

static void test_a_schedule_follows_the_days_of_its_site(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w), other = new_shop(w);
	int64_t table = new_table(w, &s);

	assert_int_equal(give(w, &s, table, "2026-11-23T12:00:00+08:00"), ERR_OK);
	assert_false(off_by_schedule(w, &s));
	run_at(w, "2026-11-23T12:00:01+08:00");
	assert_false(off_by_schedule(w, &s));
	mark(w, &s, true);
	run_at(w, "2026-11-23T12:00:02+08:00");
	assert_true(off_by_schedule(w, &s));
	mark(w, &s, false);
	run_at(w, "2026-11-23T12:00:03+08:00");
	assert_false(off_by_schedule(w, &s));
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

/* ---- warnings ---- */

#define YUAN(n) ((struct money){ (int64_t)(n)*NANO_PER_YUAN })
#define NOON "2026-11-23T12:00:00+08:00"

struct change {
	int64_t account;
	struct utc now;
};

static enum err changed_tx(struct db *db, void *ctx)
{
	const struct change *c = ctx;

	return account_changed(db, c->account, c->now);
}

static void set_balance(struct world *w, const struct shop *s, int64_t fen, const char *now)
{
	shop_set(w->root, "UPDATE account SET balance_nano = %lld WHERE id = %lld",
		(long long)(fen * NANO_PER_FEN), (long long)s->account);
	assert_int_equal(
		db_tx(w->worker, changed_tx, &(struct change){ s->account, instant(now) }), ERR_OK);
}

static enum err warn_at(struct world *w, const struct shop *s, struct warning list, bool limited,
	struct problem *why)
{
	struct warning_change c = { .list = &list,
		.n = 1,
		.limited = limited,
		.actor = "user:1",
		.address = "",
		.now = instant(NOON) };

	list.account_id = s->account;
	return warning_set(w->api, &c, why);
}

static struct shop warned_shop(struct world *w)
{
	struct shop s = new_shop(w);
	struct warning yuan = { .unit = "yuan", .warn1 = YUAN(20), .warn2 = YUAN(5) };

	assert_int_equal(warn_at(w, &s, yuan, false, NULL), ERR_OK);
	return s;
}

static void test_one_notice_for_each_level_and_crossing(void **state)
{
	static const struct {
		int64_t fen;
		int low1, low2, arrears; /* notices so far */
	} steps[] = {
		{ 2001, 0, 0, 0 }, { 2000, 1, 0, 0 }, { 1900, 1, 0, 0 },
		{ 2050, 1, 0, 0 }, /* not beyond the margin: the same crossing */
		{ 1999, 1, 0, 0 }, { 2101, 1, 0, 0 }, { 1999, 2, 0, 0 }, /* a new one */
		{ 500, 2, 1, 0 }, { 590, 2, 1, 0 }, { 400, 2, 1, 0 }, { 0, 2, 1, 1 },
		{ -50, 2, 1, 1 }, { 1, 2, 1, 1 }, { 0, 2, 1, 2 }, { 9000, 2, 1, 2 },
		{ -1, 2, 1, 3 }, /* straight through: one notice, of where it ended */
	};
	struct world *w = *state;
	struct shop s = warned_shop(w);

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		set_balance(w, &s, steps[i].fen, NOON);
		assert_int_equal(shop_number(w->root, NOTICES("low1"), s.account), steps[i].low1);
		assert_int_equal(shop_number(w->root, NOTICES("low2"), s.account), steps[i].low2);
		assert_int_equal(
			shop_number(w->root, NOTICES("arrears"), s.account), steps[i].arrears);
	}
}

static void assert_arrears_text(
	struct world *w, const struct shop *s, const char *now, const char *part)
{
	char sql[300];

	set_balance(w, s, 100, now);
	set_balance(w, s, 0, now);
	snprintf(sql, sizeof(sql),
		"SELECT text LIKE '%%%s%%' AS v FROM notice WHERE kind = 'arrears'"
		" AND account_id = %lld ORDER BY id DESC LIMIT 1",
		part, (long long)s->account);
	if (!shop_number(w->root, sql, 0))
		fail_msg("%s: no \"%s\" in the notice", now, part);
}

static void test_the_last_warning_tells_when_supply_is_cut(void **state)
{
	struct world *w = *state;
	struct shop s = warned_shop(w);

	assert_arrears_text(w, &s, NOON, "即刻");
	shop_set(w->root,
		"INSERT INTO setting (site_id, name, value) VALUES (%lld, 'final_warning_min', 30),"
		" (%lld, 'quiet_from_min', 1320), (%lld, 'quiet_to_min', 420),"
		" (%lld, 'quiet_stagger_min', 0)",
		(long long)s.site, (long long)s.site, (long long)s.site, (long long)s.site);
	assert_arrears_text(w, &s, NOON, "11月23日12:30");
	assert_arrears_text(w, &s, "2026-11-23T21:40:00+08:00", "11月24日07:00");
	shop_set(w->root, "UPDATE supply_point SET keep_until = %lld WHERE id = %lld",
		(long long)instant("2026-11-25T15:00:00+08:00").ms, (long long)s.point);
	assert_arrears_text(w, &s, NOON, "11月25日15:00");
	shop_set(w->root, "UPDATE supply_point SET load_class = 'protected' WHERE id = %lld",
		(long long)s.point);
	assert_arrears_text(w, &s, NOON, "请尽快充值");
	assert_int_equal(
		shop_number(w->root,
			"SELECT COUNT(*) AS v FROM outbox o JOIN notice n ON n.id = o.notice_id"
			" WHERE n.account_id = %lld AND o.template = 'arrears'"
			" AND JSON_VALUE(o.params, '$.time') <> ''",
			s.account),
		shop_number(w->root, NOTICES("arrears"), s.account));
}

static void use(struct world *w, const struct shop *s, int back, int64_t wh, int64_t fen)
{
	char day[DAY_TEXT_MAX];

	day_text((struct day){ day_of(2026, 11, 23).days - back }, day);
	shop_set(w->root,
		"INSERT INTO usage_day (meter_id, day, book_day, contract_id, account_id, "
		"tariff_id,"
		" version_at, rate, tier, price_micro, qty_milli, charge_nano) VALUES (%lld, '%s',"
		" '%s', %lld, %lld, %lld, 1, 'flat', 1, 1, %lld, %lld)",
		(long long)s->meter, day, day, (long long)s->contract, (long long)s->account,
		(long long)s->tariff, (long long)wh, (long long)(fen * NANO_PER_FEN));
}

static int64_t threshold_fen(struct world *w, const struct shop *s, int n)
{
	struct warning now;

	assert_int_equal(warning_get(w->api, s->account, &now), ERR_OK);
	return (n == 1 ? now.warn1 : now.warn2).nano / NANO_PER_FEN;
}

static void test_thresholds_in_kilowatt_hours(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct warning kwh = { .unit = "kwh", .qty1 = { 50000 }, .qty2 = { 10000 } };

	/* Nothing used yet: by the price of now, at noon 1.0987 a kWh. */
	assert_int_equal(warn_at(w, &s, kwh, true, NULL), ERR_OK);
	assert_int_equal(threshold_fen(w, &s, 1), 5494); /* 54.935, up to the fen */
	/* 100 kWh for 80 yuan lately. */
	use(w, &s, 3, 60000, 5000);
	use(w, &s, 2, 40000, 3000);
	use(w, &s, 40, 1000000, 999999); /* long ago */
	assert_int_equal(warn_at(w, &s, kwh, true, NULL), ERR_OK);
	assert_int_equal(threshold_fen(w, &s, 1), 4000);
	assert_int_equal(threshold_fen(w, &s, 2), 800);
	/* It has become dearer: a day later, not before, the money follows; the quantity stays. */
	use(w, &s, 1, 100000, 12000);
	assert_int_equal(warnings_run(w->worker, instant("2026-11-24T11:59:59+08:00")), ERR_OK);
	assert_int_equal(threshold_fen(w, &s, 1), 4000);
	set_balance(w, &s, 4500, NOON);
	assert_int_equal(shop_number(w->root, NOTICES("low1"), s.account), 0);
	assert_int_equal(warnings_run(w->worker, instant("2026-11-24T12:00:00+08:00")), ERR_OK);
	assert_int_equal(threshold_fen(w, &s, 1), 5000);
	assert_int_equal(threshold_fen(w, &s, 2), 1000);
	assert_int_equal(shop_number(w->root, NOTICES("low1"), s.account), 1);
}

static void test_what_thresholds_may_be(void **state)
{
	static const struct {
		struct warning w;
		bool limited;
		enum err e;
		const char *field;
	} rows[] = {
		{ { .unit = "yuan", .warn1 = YUAN(100), .warn2 = YUAN(5) }, true, ERR_OK, "" },
		{ { .unit = "yuan", .warn1 = YUAN(101), .warn2 = YUAN(5) }, true, ERR_OUT_OF_RANGE,
			"warn1" },
		{ { .unit = "yuan", .warn1 = YUAN(101), .warn2 = YUAN(0) }, false, ERR_OK, "" },
		{ { .unit = "yuan", .warn1 = YUAN(10), .warn2 = YUAN(1) }, true, ERR_OUT_OF_RANGE,
			"warn2" },
		{ { .unit = "yuan", .warn1 = YUAN(10), .warn2 = YUAN(11) }, false, ERR_OUT_OF_RANGE,
			"warn2" },
		{ { .unit = "m3", .qty1 = { 10000 }, .qty2 = { 5000 } }, false, ERR_BAD_VALUE,
			"unit" },
		/* 1.0987 a kWh: 92 kWh are above 100 yuan. */
		{ { .unit = "kwh", .qty1 = { 92000 }, .qty2 = { 5000 } }, true, ERR_OUT_OF_RANGE,
			"warn1" },
		{ { .unit = "kwh", .qty1 = { 90000 }, .qty2 = { 5000 } }, true, ERR_OK, "" },
	};
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct problem why;

	shop_set(w->root,
		"INSERT INTO setting (site_id, name, value) VALUES (%lld, 'warn_most_yuan', 100),"
		" (%lld, 'warn2_least_yuan', 2)",
		(long long)s.site, (long long)s.site);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct warning before, after;

		why = (struct problem){ 0 };
		assert_int_equal(warning_get(w->api, s.account, &before), ERR_OK);
		assert_int_equal(warn_at(w, &s, rows[i].w, rows[i].limited, &why), rows[i].e);
		assert_string_equal(why.field, rows[i].field);
		assert_int_equal(warning_get(w->api, s.account, &after), ERR_OK);
		if (rows[i].e != ERR_OK)
			assert_int_equal(before.warn1.nano, after.warn1.nano);
	}
	shop_set(w->root, "DELETE FROM meter_tariff WHERE meter_id = %lld", (long long)s.meter);
	assert_int_equal(warn_at(w, &s, rows[7].w, false, &why), ERR_CONFLICT);
}

static int64_t owing(struct world *w, const struct shop *s)
{
	return shop_number(w->root,
		"SELECT COUNT(*) AS v FROM block WHERE kind = 'arrears' AND supply_point_id = %lld",
		s->point);
}

static enum err allow(struct world *w, const struct shop *s, int64_t credit, int64_t emergency)
{
	struct account_limits l = { .account_id = s->account,
		.credit_limit = YUAN(credit),
		.emergency_limit = YUAN(emergency),
		.actor = "user:1",
		.address = "",
		.reason = "test",
		.now = instant(NOON) };

	return account_set_limits(w->api, &l, NULL);
}

static void test_a_credit_limit_moves_the_floor(void **state)
{
	struct world *w = *state;
	struct shop s = warned_shop(w);

	set_balance(w, &s, -1000, NOON);
	assert_int_equal(owing(w, &s), 1);
	assert_int_equal(allow(w, &s, 10, 0), ERR_OK); /* at the floor is below it */
	assert_int_equal(owing(w, &s), 1);
	assert_int_equal(allow(w, &s, 11, 0), ERR_OK);
	assert_int_equal(owing(w, &s), 0);
	assert_int_equal(allow(w, &s, 0, 50), ERR_OK);
	assert_int_equal(owing(w, &s), 1);
	assert_int_equal(
		account_take_emergency(w->api, s.account, "user:1", instant(NOON)), ERR_OK);
	assert_int_equal(owing(w, &s), 0);
	assert_int_equal(allow(w, &s, -1, 0), ERR_OUT_OF_RANGE);
	assert_int_equal(allow(w, &s, 0, 100001), ERR_OUT_OF_RANGE);
	shop_set(w->root, "UPDATE contract SET end_at = 5 WHERE id = %lld", (long long)s.contract);
	assert_int_equal(allow(w, &s, 5, 0), ERR_CONFLICT);
	assert_int_equal(
		shop_number(w->root,
			"SELECT COUNT(*) AS v FROM audit WHERE action = 'account.limits' AND "
			"object = 'account:%lld'",
			s.account),
		3);
}

/* ---- days left ---- */

static struct days_left left_at(struct world *w, const struct shop *s, const char *now)
{
	AUTO(forecast_free) struct forecast f = { 0 };
	struct days_left d;

	assert_int_equal(forecast_account(w->api, &f, s->account, instant(now), &d), ERR_OK);
	return d;
}

static void read_until(struct world *w, const struct shop *s, const char *at)
{
	shop_set(w->root,
		"REPLACE INTO settled (meter_id, read_at, register_milli) VALUES (%lld, %lld, 1)",
		(long long)s->meter, (long long)instant(at).ms);
}

static void test_days_left_by_whole_days_that_were_read(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct days_left d;

	assert_false(left_at(w, &s, NOON).known);
	use(w, &s, 6, 1000, 99900); /* the first day, perhaps half of one */
	for (int back = 5; back >= 1; back--)
		use(w, &s, back, 10000, 1000);
	use(w, &s, 0, 4000, 400);
	read_until(w, &s, "2026-11-22T23:59:59+08:00");
	assert_false(left_at(w, &s, NOON).known); /* yesterday is not whole yet */
	read_until(w, &s, "2026-11-23T11:59:00+08:00");
	d = left_at(w, &s, NOON); /* 100 yuan; 6 of today, 10 a day */
	assert_true(d.known);
	assert_int_equal(d.days, 9);
	assert_int_equal(d.low, 9);
	assert_int_equal(d.high, 9);
	/* A meter that has been silent for days says nothing about them. */
	assert_false(left_at(w, &s, "2026-12-20T12:00:00+08:00").known);
}

struct seeing {
	int64_t point;
	const char *observed;
};

static enum err observe_tx(struct db *db, void *ctx)
{
	const struct seeing *s = ctx;

	return supply_observe(db, s->point, s->observed, (struct utc){ SHOP_T0 });
}

/* A cut that is not due any more, because the relay is off or its state is not known, is not put
 * off any more either. */
static void what_is_not_due_is_not_put_off(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	const char *const seen[] = { "off", "unknown" };

	for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
		struct seeing on = { s.point, "on" }, then = { s.point, seen[i] };

		assert_int_equal(db_tx(w->api, observe_tx, &on), ERR_OK);
		shop_set(w->root,
			"UPDATE supply_point SET desired = 'off', pending = 1, deferred = "
			"'unwarned', deferred_since = 5 WHERE id = %lld",
			(long long)s.point);
		assert_int_equal(db_tx(w->api, observe_tx, &then), ERR_OK);
		assert_int_equal(shop_number(w->root,
					 "SELECT deferred <> '' OR deferred_since <> 0 AS v FROM "
					 "supply_point WHERE id = %lld",
					 s.point),
			0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_too_much_load_is_cut_returns_and_locks),
		cmocka_unit_test(test_the_reading_that_ended_a_cut_given_again),
		cmocka_unit_test(test_money_does_not_lift_an_overload),
		cmocka_unit_test(test_a_reading_in_doubt_cuts_nothing),
		cmocka_unit_test(test_without_a_limit_nothing_is_kept),
		cmocka_unit_test(test_limits_are_set_and_checked),
		cmocka_unit_test(test_a_schedule_switches_at_its_second),
		cmocka_unit_test(test_a_schedule_follows_the_days_of_its_site),
		cmocka_unit_test(test_a_changed_schedule_counts_at_once),
		cmocka_unit_test(test_schedules_are_added_once),
		cmocka_unit_test(test_schedules_on_days_of_23_and_25_hours),
		cmocka_unit_test(test_one_notice_for_each_level_and_crossing),
		cmocka_unit_test(test_the_last_warning_tells_when_supply_is_cut),
		cmocka_unit_test(test_thresholds_in_kilowatt_hours),
		cmocka_unit_test(test_what_thresholds_may_be),
		cmocka_unit_test(test_a_credit_limit_moves_the_floor),
		cmocka_unit_test(test_days_left_by_whole_days_that_were_read),
		cmocka_unit_test(what_is_not_due_is_not_put_off),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
