/* Evidence of finished days is put together: fewer intervals, the same money. A meter with rates
 * and tiers is read each minute through a day and a half; then yufu verify says of the few
 * intervals what it said of the many, and the bill is the same. */
#include "shop_fixture.h"

#include <string.h>

#include "base/log.h"
#include "ctl/verify.h"
#include "domain/bill.h"
#include "domain/charge.h"
#include "domain/evidence.h"

#define MINUTE INT64_C(60000)
#define DAY INT64_C(86400000)
#define READINGS 2000

struct world {
	struct db *root, *poller, *worker;
	struct tariffs *tariffs;
	int shops;
};

static int open_world(void **state)
{
	static struct world w;

	if (fixture_open((void **)&w.root) != 0)
		return -1;
	w.poller = fixture_as("yufu_poller");
	w.worker = fixture_as("yufu_worker");
	w.tariffs = tariffs_open();
	*state = &w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	tariffs_free(&w->tariffs);
	db_free(&w->poller);
	db_free(&w->worker);
	return fixture_close((void **)&w->root);
}

struct reading {
	struct world *w;
	int64_t meter, at, reg;
};

static enum err read_tx(struct db *db, void *ctx)
{
	const struct reading *r = ctx;
	AUTO(charges_free) struct charges sum = { 0 };
	struct charge_reading c = {
		.meter_id = r->meter, .at = { r->at }, .reg = { r->reg }, .most_per_hour = 100000000
	};
	struct settled last;
	enum err e = settled_lock(db, r->meter, &last);

	if (e == ERR_OK)
		e = charge_settle(db, r->w->tariffs, &c, &last, &sum);
	return e == ERR_OK ? charge_post(db, &sum, c.at) : e;
}

/* In steps of 10 Wh: busy by day, one step in seven minutes by night. The second tier begins after
 * 5 kWh, in the middle of an hour. */
static void live(struct world *w, const struct shop *s)
{
	int64_t reg = 37537370;

	for (int i = 0; i < READINGS; i++) {
		int64_t at = SHOP_T0 + i * MINUTE;
		int64_t hour = (at / 3600000 + 8) % 24;

		reg += hour >= 9 && hour < 21 ? 10 * (1 + i % 3) : i % 7 == 0 ? 10 : 0;
		assert_int_equal(
			db_tx(w->poller, read_tx, &(struct reading){ w, s->meter, at, reg }),
			ERR_OK);
	}
}

static int64_t number(struct world *w, const struct shop *s, const char *format)
{
	return shop_number(w->root, format, s->meter);
}

#define SUMS                                                                                       \
	"SELECT CAST(SUM(to_milli - from_milli) * 1000003 + SUM(qty_milli) * 1009 + "              \
	"SUM(charge_nano)"                                                                         \
	" AS SIGNED) AS v FROM settlement WHERE meter_id = %lld"
#define COUNT "SELECT COUNT(*) AS v FROM settlement WHERE meter_id = %lld"
#define BYTES                                                                                      \
	"SELECT CAST(SUM(OCTET_LENGTH(evidence)) AS SIGNED) AS v FROM settlement WHERE meter_id "  \
	"= %lld"

static json_t *findings(struct world *w)
{
	json_t *list = json_array();

	assert_int_equal(verify_run(w->root, list), ERR_OK);
	return list;
}

static int64_t checked(const json_t *list, const char *check)
{
	int64_t n = 0;
	const json_t *f;
	size_t i;

	json_array_foreach(list, i, f) n +=
		str_eq(json_string_value(json_object_get(f, "check")), check);
	return n;
}

/* All lines of a bill and the ends of their readings, as text. */
static char *bill_text(struct world *w, const struct shop *s)
{
	AUTO(zone_free) struct zone *z = NULL;
	AUTO(bill_free) struct bill b = { 0 };
	struct buf out = { 0 };
	struct day from;

	assert_int_equal(zone_open("Asia/Shanghai", &z), ERR_OK);
	from = zone_local(z, (struct utc){ SHOP_T0 }).day;
	assert_int_equal(
		bill_read(w->root, s->account, z, from, (struct day){ from.days + 3 }, &b), ERR_OK);
	for (size_t i = 0; i < b.n; i++) {
		const struct bill_line *l = &b.at[i];

		buf_printf(&out, "%s %s %lld %lld %lld %lld %d\n", l->day, l->rate,
			(long long)l->tier, (long long)l->price.micro, (long long)l->qty.milli,
			(long long)l->charge.nano, l->explained);
	}
	return out.text;
}

static void merge_all(struct world *w, int64_t now)
{
	assert_int_equal(evidence_upkeep(w->worker, w->tariffs, 2, (struct utc){ now }), ERR_OK);
}

static void fewer_intervals_and_the_same_money(void **state)
{
	struct world *w = *state;
	struct shop s = shop_make(w->root, ++w->shops);
	AUTO(json_free) json_t *before = NULL;
	AUTO(json_free) json_t *after = NULL;
	AUTO(text_free) char *bill_before = NULL;
	AUTO(text_free) char *bill_after = NULL;
	int64_t sums, rows, left, bytes;

	live(w, &s);
	sums = number(w, &s, SUMS);
	rows = number(w, &s, COUNT);
	bytes = number(w, &s, BYTES);
	assert_true(rows > 900);
	before = findings(w);
	bill_before = bill_text(w, &s);
	/* Not before its time. */
	merge_all(w, SHOP_T0 + DAY);
	assert_int_equal(number(w, &s, COUNT), rows);
	merge_all(w, SHOP_T0 + 10 * DAY);
	left = number(w, &s, COUNT);
	/* 34 hours, a few of them with two lines */
	assert_in_range(left, 34, 80);
	assert_true(number(w, &s, BYTES) < bytes / 10);
	assert_int_equal(number(w, &s, SUMS), sums);
	after = findings(w);
	if (!json_equal(before, after))
		fail_msg("%s", json_text(after));
	assert_int_equal(checked(after, "charge_is_what_the_tariff_says"), 0);
	assert_int_equal(checked(after, "evidence_is_a_chain"), 0);
	bill_after = bill_text(w, &s);
	assert_string_equal(bill_after, bill_before);
	/* Once more changes nothing. */
	fixture_sql(w->root, "UPDATE evidence_merged SET until_at = 0");
	merge_all(w, SHOP_T0 + 10 * DAY);
	assert_int_equal(number(w, &s, COUNT), left);
	assert_int_equal(number(w, &s, SUMS), sums);
}

/* From 19:20 to 19:30 there is another rate, in which nothing is used: no interval tells of it, and
 * the whole would not be of one rate. */
static void another_rate_in_between_is_not_bridged(void **state)
{
	struct world *w = *state;
	struct shop s = shop_make(w->root, ++w->shops);
	int64_t hour = SHOP_T0 - SHOP_T0 % 3600000 + 3600000, reg = 1000; /* 19:00 */

	shop_set(w->root,
		"UPDATE tariff SET revision = revision + 1, doc = REPLACE(doc, '[\"18:00\", "
		"\"flat\"]',"
		" '[\"18:00\", \"flat\"], [\"19:20\", \"peak\"], [\"19:30\", \"flat\"]') "
		"WHERE id = %lld",
		(long long)s.tariff);
	for (int i = 0; i < 19; i++)
		assert_int_equal(
			db_tx(w->poller, read_tx,
				&(struct reading){ w, s.meter, hour + i * MINUTE, reg += 100 }),
			ERR_OK);
	assert_int_equal(
		db_tx(w->poller, read_tx, &(struct reading){ w, s.meter, hour + 31 * MINUTE, reg }),
		ERR_OK);
	for (int i = 32; i < 39; i++)
		assert_int_equal(
			db_tx(w->poller, read_tx,
				&(struct reading){ w, s.meter, hour + i * MINUTE, reg += 100 }),
			ERR_OK);
	assert_int_equal(number(w, &s,
				 "SELECT COUNT(DISTINCT JSON_VALUE(evidence, '$[0][1]')) AS v FROM"
				 " settlement WHERE meter_id = %lld"),
		1);
	merge_all(w, SHOP_T0 + 10 * DAY);
	assert_int_equal(number(w, &s, COUNT), 25);
}

/* An interval that a change of the contract cut keeps its neighbours. */
static void what_happened_stays_visible(void **state)
{
	struct world *w = *state;
	struct shop s = shop_make(w->root, ++w->shops);
	int64_t hour = SHOP_T0 - SHOP_T0 % 3600000 + 3600000, at = hour + 20 * MINUTE + 30000;

	shop_set(w->root,
		"INSERT INTO meter_tariff (meter_id, from_at, tariff_id) VALUES (%lld, "
		"%lld, %lld)",
		(long long)s.meter, (long long)at, (long long)s.tariff);
	for (int i = 0; i < 41; i++)
		assert_int_equal(
			db_tx(w->poller, read_tx,
				&(struct reading){ w, s.meter, hour + i * MINUTE, 1000 + i * 100 }),
			ERR_OK);
	assert_int_equal(number(w, &s, COUNT), 41);
	merge_all(w, SHOP_T0 + 10 * DAY);
	assert_int_equal(shop_number(w->root,
				 "SELECT COUNT(*) AS v FROM settlement s JOIN meter_tariff t ON"
				 " t.meter_id = s.meter_id WHERE s.meter_id = %lld AND (s.to_at ="
				 " t.from_at OR s.from_at = t.from_at)",
				 s.meter),
		2);
	assert_int_equal(number(w, &s, COUNT), 4);
}

/* Whoever may call the procedures can put nothing together that is not the same. */
static void the_procedures_can_do_nothing_else(void **state)
{
	struct world *w = *state;
	struct shop s = shop_make(w->root, ++w->shops);
	static const struct query merge = { "CALL evidence_merge(?, ?, ?)", NULL };
	static const struct query drop = { "CALL evidence_drop(?, ?, ?)", NULL };
	static const struct query harm = { "UPDATE settlement SET charge_nano = 0", NULL };
	struct arg meter = arg_i64(s.meter), from = arg_i64(0), to = arg_i64(SHOP_T0 * 2);
	int64_t sums, n = -1;

	for (int i = 0; i < 700; i++)
		assert_int_equal(db_tx(w->poller, read_tx,
					 &(struct reading){
						 w, s.meter, SHOP_T0 + i * MINUTE, 1000 + i * 10 }),
			ERR_OK);
	sums = number(w, &s, SUMS);
	to = arg_i64(number(w, &s, "SELECT MAX(to_at) AS v FROM settlement WHERE meter_id = %lld"));
	/* all of it: several rates */
	assert_int_equal(db_exec(w->worker, &merge, ARGS(meter, from, to), &n), ERR_OK);
	assert_int_equal(n, 0);
	assert_int_equal(db_exec(w->worker, &drop, ARGS(meter, from, to), &n), ERR_OK);
	assert_int_equal(n, 0);
	assert_int_not_equal(db_exec(w->worker, &harm, NO_ARGS, NULL), ERR_OK);
	assert_int_not_equal(db_exec(w->poller, &merge, ARGS(meter, from, to), NULL), ERR_OK);
	assert_int_equal(number(w, &s, SUMS), sums);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fewer_intervals_and_the_same_money),
		cmocka_unit_test(another_rate_in_between_is_not_bridged),
		cmocka_unit_test(what_happened_stays_visible),
		cmocka_unit_test(the_procedures_can_do_nothing_else),
	};

	log_open("db_evidence", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, open_world, close_world);
}
