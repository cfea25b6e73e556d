/* The explained bill: every line has its readings, and the lines are what the statement takes. */
#include "shop_fixture.h"

#include <string.h>

#include "domain/bill.h"
#include "domain/charge.h"
#include "domain/statement.h"

#define MINUTE INT64_C(60000)
#define DAY INT64_C(86400000)

struct world {
	struct db *root;
	struct db *poller;
	struct db *api;
	struct tariffs *tariffs;
	struct zone *zone;
	int shops;
};

static int open_world(void **state)
{
	static struct world w;

	if (fixture_open((void **)&w.root) != 0)
		return -1;
	w.poller = fixture_as("yufu_poller");
	w.api = fixture_as("yufu_api");
	w.tariffs = tariffs_open();
	*state = &w;
	return zone_open("Asia/Shanghai", &w.zone) == ERR_OK ? 0 : -1;
}

static int close_world(void **state)
{
	struct world *w = *state;

	zone_free(&w->zone);
	tariffs_free(&w->tariffs);
	db_free(&w->api);
	db_free(&w->poller);
	return fixture_close((void **)&w->root);
}

struct many {
	struct world *w;
	int64_t meter, at, reg, step_ms, step;
	int n;
};

static enum err many_tx(struct db *db, void *ctx)
{
	const struct many *m = ctx;
	AUTO(charges_free) struct charges sum = { 0 };
	enum err e = ERR_OK;

	for (int i = 0; e == ERR_OK && i < m->n; i++) {
		struct charge_reading r = { .meter_id = m->meter,
			.at = { m->at + i * m->step_ms },
			.reg = { m->reg + i * m->step },
			.most_per_hour = 100000000 };
		struct settled last = { 0 };

		e = settled_lock(db, m->meter, &last);
		if (e == ERR_OK)
			e = charge_settle(db, m->w->tariffs, &r, &last, &sum);
	}
	return e == ERR_OK ? charge_post(db, &sum, (struct utc){ m->at }) : e;
}

static void read_many(struct many m)
{
	assert_int_equal(db_tx(m.w->poller, many_tx, &m), ERR_OK);
}

static void read_at(struct world *w, const struct shop *s, int64_t at, int64_t reg)
{
	read_many((struct many){ w, s->meter, at, reg, 0, 0, 1 });
}

static struct day day_at(const struct world *w, int64_t at)
{
	return zone_local(w->zone, (struct utc){ at }).day;
}

static struct bill bill_of(struct world *w, const struct shop *s, int64_t from, int64_t to)
{
	struct bill b = { 0 };

	assert_int_equal(
		bill_read(w->api, s->account, w->zone, day_at(w, from), day_at(w, to), &b), ERR_OK);
	for (size_t i = 0; i < b.n; i++)
		assert_true(b.at[i].explained);
	return b;
}

/* What the statement of the same days takes for energy. */
static int64_t stated(struct world *w, const struct shop *s, int64_t from, int64_t to)
{
	AUTO(statement_free) struct statement t = { 0 };
	int64_t sum = 0;

	assert_int_equal(statement_read(w->api, s->account, w->zone,
				 zone_day_start(w->zone, day_at(w, from)),
				 zone_day_start(w->zone, (struct day){ day_at(w, to).days + 1 }),
				 (struct utc){ SHOP_T0 + 5 * DAY }, &t),
		ERR_OK);
	for (size_t i = 0; i < t.n; i++)
		sum -= t.at[i].amount.nano;
	return sum;
}

/* A day of readings by the minute, more than a page of them: few runs, which meet. */
static void test_runs_of_a_day(void **state)
{
	struct world *w = *state;
	struct shop s = shop_make(w->root, ++w->shops);
	AUTO(bill_free) struct bill b = { 0 };
	int64_t start = zone_day_start(w->zone, day_at(w, SHOP_T0)).ms;

	read_many((struct many){ w, s.meter, start, 1000, 40000, 1, 2160 });
	read_at(w, &s, start + DAY, 1000 + 2160);
	b = bill_of(w, &s, start, start);
	/* 8 h of valley, 10 h of peak, 6 h of flat, all in the first tier; readings fall on the
	 * bounds. */
	assert_int_equal(b.n, 3);
	for (size_t i = 0; i < b.n; i++) {
		assert_int_equal(b.at[i].runs_n, 1);
		assert_false(b.at[i].runs[0].part);
		assert_int_equal(b.at[i].runs[0].to_reg.milli - b.at[i].runs[0].from_reg.milli,
			b.at[i].qty.milli);
	}
	assert_string_equal(b.at[1].rate, "peak");
	assert_int_equal(b.at[1].qty.milli, 900);
	assert_int_equal(b.at[1].charge.nano, 900 * 1098700);
	assert_int_equal(b.at[1].runs[0].from.ms, start + 8 * 3600000);
	assert_int_equal(b.at[1].runs[0].from_reg.milli, 1000 + 720);
	assert_int_equal(b.charge.nano, stated(w, &s, start, start));
}

/* Two days without readings: each line says that the interval is not its own alone. */
static void test_gap_of_days(void **state)
{
	struct world *w = *state;
	struct shop s = shop_make(w->root, ++w->shops);
	AUTO(bill_free) struct bill b = { 0 };

	read_at(w, &s, SHOP_T0, 1000);
	read_at(w, &s, SHOP_T0 + 2 * DAY, 13000);
	b = bill_of(w, &s, SHOP_T0, SHOP_T0 + 2 * DAY);
	assert_true(b.n > 6);
	for (size_t i = 0; i < b.n; i++) {
		assert_int_equal(b.at[i].runs_n, 1);
		assert_true(b.at[i].runs[0].part);
		assert_int_equal(b.at[i].runs[0].from_reg.milli, 1000);
		assert_int_equal(b.at[i].runs[0].to_reg.milli, 13000);
	}
	assert_int_equal(b.charge.nano, stated(w, &s, SHOP_T0, SHOP_T0 + 2 * DAY));
	assert_int_equal(SHOP_OPENING - b.charge.nano,
		shop_number(w->root, "SELECT balance_nano AS v FROM account WHERE id = %lld",
			s.account));
	/* One of the days alone is what the statement of that day takes. */
	bill_free(&b);
	b = bill_of(w, &s, SHOP_T0 + DAY, SHOP_T0 + DAY);
	assert_int_equal(b.charge.nano, stated(w, &s, SHOP_T0 + DAY, SHOP_T0 + DAY));
}

/* The books of the first day close before its energy arrives. */
static void test_late_energy(void **state)
{
	struct world *w = *state;
	struct shop s = shop_make(w->root, ++w->shops);
	AUTO(bill_free) struct bill first = { 0 };
	AUTO(bill_free) struct bill second = { 0 };
	char day[DAY_TEXT_MAX];
	size_t late = 0;

	read_at(w, &s, SHOP_T0, 1000);
	read_at(w, &s, SHOP_T0 + MINUTE, 1500);
	shop_set(w->root,
		"INSERT INTO book_day (site_id, day, closed_at, prev_sha256) VALUES (%lld, '%s', 1,"
		" '')",
		(long long)s.site, day_text(day_at(w, SHOP_T0), day));
	read_at(w, &s, SHOP_T0 + DAY, 9500);
	first = bill_of(w, &s, SHOP_T0, SHOP_T0);
	second = bill_of(w, &s, SHOP_T0 + DAY, SHOP_T0 + DAY);
	for (size_t i = 0; i < first.n; i++)
		assert_string_equal(first.at[i].day, first.at[i].book_day);
	for (size_t i = 0; i < second.n; i++)
		late += !str_eq(second.at[i].day, second.at[i].book_day);
	assert_true(late > 0 && late < second.n);
	assert_int_equal(first.charge.nano, stated(w, &s, SHOP_T0, SHOP_T0));
	assert_int_equal(second.charge.nano, stated(w, &s, SHOP_T0 + DAY, SHOP_T0 + DAY));
	assert_int_equal(SHOP_OPENING - first.charge.nano - second.charge.nano,
		shop_number(w->root, "SELECT balance_nano AS v FROM account WHERE id = %lld",
			s.account));
}

/* Another contract's use of the same meter is not in it. */
static void test_own_use_only(void **state)
{
	struct world *w = *state;
	struct shop s = shop_make(w->root, ++w->shops), other = shop_make(w->root, ++w->shops);
	AUTO(bill_free) struct bill mine = { 0 };
	AUTO(bill_free) struct bill theirs = { 0 };
	struct bill none = { 0 };
	int64_t change = SHOP_T0 + 30 * MINUTE;

	shop_set(w->root, "UPDATE contract_point SET to_at = %lld WHERE supply_point_id = %lld",
		(long long)change, (long long)s.point);
	shop_set(w->root, "INSERT INTO contract_point VALUES (%lld, %lld, %lld, %lld, 0)",
		(long long)other.contract, (long long)s.point, (long long)other.account,
		(long long)change);
	read_at(w, &s, SHOP_T0, 1000);
	read_at(w, &s, SHOP_T0 + 60 * MINUTE, 2000);
	mine = bill_of(w, &s, SHOP_T0, SHOP_T0);
	theirs = bill_of(w, &other, SHOP_T0, SHOP_T0);
	assert_int_equal(mine.at[0].qty.milli, 500);
	assert_int_equal(mine.at[0].runs[0].to.ms, change);
	assert_int_equal(theirs.at[0].runs[0].from.ms, change);
	assert_int_equal(theirs.at[0].runs[0].from_reg.milli, 1500);
	assert_int_equal(
		bill_read(w->api, 999999, w->zone, day_at(w, SHOP_T0), day_at(w, SHOP_T0), &none),
		ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs_of_a_day),
		cmocka_unit_test(test_gap_of_days),
		cmocka_unit_test(test_late_energy),
		cmocka_unit_test(test_own_use_only),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
