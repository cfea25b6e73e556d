/* What a site sets beside money: limits of load, weekly schedules, warnings; against a real
 * database, by the users that have to do it. */
#include "shop_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "domain/overload.h"
#include "domain/supplypoint.h"
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_too_much_load_is_cut_returns_and_locks),
		cmocka_unit_test(test_money_does_not_lift_an_overload),
		cmocka_unit_test(test_a_reading_in_doubt_cuts_nothing),
		cmocka_unit_test(test_without_a_limit_nothing_is_kept),
		cmocka_unit_test(test_limits_are_set_and_checked),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
