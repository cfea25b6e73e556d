/* All reports over a mall that has lived for a while: each ties to the books by sums that share no
 * text with it, and what is final comes out the same, byte for byte, after more has happened. */
#include "seeded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "domain/account.h"
#include "domain/board.h"
#include "domain/entry.h"
#include "report/report.h"

#define METERS 16
#define DAYS 9	     /* before the first asking */
#define DAYS_LATER 4 /* between that and the second */

struct utc seeded_now;

struct utc __wrap_utc_now(void);
struct utc __wrap_utc_now(void)
{
	return seeded_now;
}

static struct world *world;
static struct day first, last; /* of what was sealed when it was asked first */

static struct report_ask asking(const char *name, const char *format)
{
	struct report_ask ask = { .report = report_find(name, strlen(name)),
		.from = first,
		.to = last,
		.site = "",
		.by = "",
		.format = format,
		.now = seeded_now };

	assert_non_null(ask.report);
	return ask;
}

static void make(const struct report_ask *ask, struct buf *out)
{
	struct report_file file = { 0 };
	struct problem why = { 0 };
	char chunk[65536];
	size_t n;
	enum err e = report_make(world->root, ask, &file, &why);

	if (e != ERR_OK)
		fail_msg("%s: %s %s %s", ask->report->name, err_word(e), why.field, why.text);
	while ((n = fread(chunk, 1, sizeof(chunk), file.file)) > 0)
		buf_add(out, chunk, n);
	fclose(file.file);
}

static json_t *made(const struct report_ask *ask)
{
	AUTO(buf_free) struct buf b = { 0 };
	json_t *j = NULL;

	make(ask, &b);
	if (json_parse(b.text, b.len, &j, NULL) != ERR_OK)
		fail_msg("%s is no JSON: %.300s", ask->report->name, b.text);
	return j;
}

static json_t *report(const char *name)
{
	struct report_ask ask = asking(name, "json");

	return made(&ask);
}

static int64_t number(const json_t *row, const char *member)
{
	const json_t *v = json_object_get(row, member);
	struct money m;

	if (!v)
		fail_msg("no %s", member);
	if (!json_is_string(v))
		return json_integer_value(v);
	assert_int_equal(money_parse(json_string_value(v), &m), ERR_OK);
	return m.nano;
}

static const char *text(const json_t *row, const char *member)
{
	const char *s = json_string_value(json_object_get(row, member));

	return s ? s : "";
}

static int64_t total(const json_t *report, const char *member)
{
	return number(json_object_get(report, "totals"), member);
}

/* The total of each summed column is the sum of its rows. */
static void totals_are_sums(const json_t *report)
{
	const char *member;
	json_t *v, *row;
	size_t i;

	json_object_foreach(json_object_get(report, "totals"), member, v)
	{
		int64_t sum = 0;

		json_array_foreach(json_object_get(report, "items"), i, row) sum +=
			number(row, member);
		if (sum != total(report, member))
			fail_msg("%s.%s: %lld, rows have %lld", text(report, "name"), member,
				(long long)total(report, member), (long long)sum);
	}
}

/* One number of the tables, with the first and the last day for each %s pair. */
#define TABLE(sql)                                                                                 \
	__extension__({                                                                            \
		static const struct query q_ = { (sql), &fixture_shape };                          \
		table(&q_);                                                                        \
	})
static int64_t table(const struct query *q)
{
	char from[DAY_TEXT_MAX], to[DAY_TEXT_MAX];
	struct {
		int64_t v;
	} row = { 0 };

	assert_int_equal(
		db_one(world->root, q,
			ARGS(arg_text(day_text(first, from)), arg_text(day_text(last, to))), &row),
		ERR_OK);
	return row.v;
}
#define IN_DAYS " AND e.book_day BETWEEN ? AND ?"
#define POSTED(kinds, accounts)                                                                    \
	"SELECT CAST(COALESCE(SUM(p.amount_nano), 0) AS SIGNED) AS v FROM entry e JOIN posting p"  \
	" ON p.entry_id = e.id JOIN account a ON a.id = p.account_id WHERE e.kind IN (" kinds      \
	") AND (" accounts ")" IN_DAYS

/* ---- vending ---- */

static void sales_are_what_came_into_purses(void **state)
{
	static const char *const names[] = { "vending-day", "vending-month", "vending-year" };
	int64_t purses = TABLE(POSTED("'recharge', 'sale', 'found'", "a.kind = 'purse'"));
	int64_t held = -TABLE(POSTED("'recharge', 'sale', 'suspense'",
		"a.code LIKE 'drawer%' OR a.code = 'bank' OR a.code LIKE 'clearing%'"));
	int64_t fen = TABLE("SELECT CAST(SUM(x.fen) AS SIGNED) AS v FROM ("
			    "SELECT s.total_fen AS fen, s.entry_id FROM sale s"
			    " UNION ALL SELECT o.amount_fen, o.entry_id FROM pay_order o) x"
			    " JOIN entry e ON e.id = x.entry_id"
			    " AND e.kind IN ('sale', 'recharge')" IN_DAYS);

	(void)state;
	assert_true(purses > 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO(json_free) json_t *r = report(names[i]);
		json_t *row;
		size_t k;

		totals_are_sums(r);
		assert_true(i == 0 || json_array_size(json_object_get(r, "items")) <= 2);
		json_array_foreach(json_object_get(r, "items"), k, row)
		{
			assert_int_equal(number(row, "received"),
				number(row, "to_purses") + number(row, "service") +
					number(row, "debt") + number(row, "unassigned"));
			assert_int_equal(number(row, "received"),
				number(row, "cash") + number(row, "pos") + number(row, "transfer") +
					number(row, "wechat") + number(row, "alipay") +
					number(row, "other"));
			assert_int_equal(number(row, "net"), number(row, "received") -
								     number(row, "refunded") -
								     number(row, "reversed"));
		}
		if (i > 0) /* whole months: more than the days that were asked for */
			continue;
		assert_int_equal(total(r, "to_purses"), purses);
		assert_int_equal(total(r, "received"), held);
		assert_int_equal(total(r, "received") - total(r, "unassigned"), fen * NANO_PER_FEN);
		assert_int_equal(total(r, "reversed"),
			TABLE("SELECT CAST(COALESCE(SUM(p.amount_nano), 0) AS SIGNED) AS v FROM"
			      " reversal v JOIN entry s ON s.id = v.entry_id AND s.kind = 'sale'"
			      " JOIN entry e ON e.id = v.reversal_id JOIN posting p ON p.entry_id ="
			      " e.id AND p.amount_nano > 0 WHERE 1" IN_DAYS));
	}
}

struct posted {
	const char *kind, *from, *to; /* codes; NULL: the purse */
	int64_t account_id, fen;
};

static enum err side(struct db *db, const struct posted *d, const char *code, struct posting *p)
{
	p->purse = !code;
	p->account_id = d->account_id;
	return code ? account_company(db, code, &p->account_id) : ERR_OK;
}

static enum err posted_tx(struct db *db, void *ctx)
{
	const struct posted *d = ctx;
	struct posting p[2] = { { .amount = { -d->fen * NANO_PER_FEN } },
		{ .amount = { d->fen * NANO_PER_FEN } } };
	char once[64];
	int64_t id;
	enum err e = side(db, d, d->from, &p[0]);

	if (e == ERR_OK)
		e = side(db, d, d->to, &p[1]);
	snprintf(once, sizeof(once), "told:%s", d->kind);
	return e == ERR_OK ? entry_post(db,
				     &(struct entry){ .kind = d->kind,
					     .once_key = once,
					     .reference = "",
					     .actor = "test",
					     .memo = "",
					     .site_id = 1,
					     .book_day = zone_local(world->zone, seeded_now).day,
					     .at = seeded_now },
				     p, 2, &id)
			   : e;
}

static void told(json_t **sales, json_t **bought, json_t **moved)
{
	struct report_ask ask = asking("vending-day", "json");

	ask.from = ask.to = zone_local(world->zone, seeded_now).day;
	*sales = made(&ask);
	ask.report = report_find("purchases", 9);
	*bought = made(&ask);
	ask.report = report_find("energy-money", 12);
	*moved = made(&ask);
}

#define GREW(what, member, fen)                                                                    \
	assert_int_equal(                                                                          \
		total(what[1], member) - total(what[0], member), (int64_t)(fen)*NANO_PER_FEN)

/* What a bill had and nobody booked, what was found to be whose, what a service gave back. */
static void payments_of_nobody_are_told(void **state)
{
	int64_t purse = FIXTURE_VALUE(world->root,
		"SELECT MIN(a.id) AS v FROM account a JOIN contract c ON"
		" c.id = a.contract_id AND c.end_at = 0 WHERE a.kind = 'purse'");
	const struct posted deeds[] = {
		{ "suspense", "clearing:wechat", "suspense", 0, 700 },
		{ "bill_adjust", "clearing:alipay", "suspense", 0, 50 },
		{ "found", "suspense", NULL, purse, 400 },
		{ "bill_refund", NULL, "clearing:wechat", purse, 30 },
		{ "channel_fee", "clearing:wechat", "channel_fee", 0, 5 },
		{ "service_payout", "clearing:wechat", "bank", 0, 100 },
	};
	json_t *sales[2], *bought[2], *moved[2];

	(void)state;
	told(&sales[0], &bought[0], &moved[0]);
	for (size_t i = 0; i < ARRAY_LEN(deeds); i++) {
		struct posted d = deeds[i];

		assert_int_equal(db_tx(world->root, posted_tx, &d), ERR_OK);
	}
	told(&sales[1], &bought[1], &moved[1]);
	GREW(sales, "wechat", 700);
	GREW(sales, "alipay", 50);
	GREW(sales, "received", 750);
	GREW(sales, "unassigned", 350);
	GREW(sales, "to_purses", 400);
	GREW(sales, "refunded", 30);
	GREW(sales, "net", 720);
	GREW(bought, "recharged", 400);
	GREW(moved, "recharge", 400);
	GREW(moved, "refund", -30);
	GREW(moved, "closing", 370);
	for (size_t i = 0; i < 2; i++) {
		json_decref(sales[i]);
		json_decref(bought[i]);
		json_decref(moved[i]);
	}
}

/* Drawer by drawer: what was sold less what was paid back is what should lie there. */
static void shifts_tie_to_their_drawers(void **state)
{
	AUTO(json_free) json_t *r = report("vending-operator");
	json_t *row;
	size_t i;

	(void)state;
	totals_are_sums(r);
	assert_true(json_array_size(json_object_get(r, "items")) > 0);
	json_array_foreach(json_object_get(r, "items"), i, row)
	{
		assert_int_equal(number(row, "expected"),
			number(row, "sales_cash") - number(row, "refunded_cash") -
				number(row, "reversed_cash") + number(row, "other_cash"));
		assert_int_equal(number(row, "over_short"),
			number(row, "counted") - number(row, "expected"));
	}
	assert_int_equal(total(r, "over_short"), TABLE(POSTED("'shift'", "a.code = 'over_short'")));
	assert_int_equal(total(r, "counted"), -TABLE(POSTED("'shift'", "a.code = 'bank'")));
}

static void purchases_tie_to_purses_and_use(void **state)
{
	AUTO(json_free) json_t *r = report("purchases");

	(void)state;
	totals_are_sums(r);
	assert_int_equal(total(r, "recharged"),
		TABLE(POSTED("'recharge', 'sale', 'found'", "a.kind = 'purse'")));
	/* All of these days are sealed, so each charge is an entry. */
	assert_int_equal(total(r, "charge"),
		-TABLE(POSTED("'energy', 'water', 'late_charge'", "a.kind = 'purse'")));
	assert_int_equal(total(r, "payments"),
		TABLE("SELECT COUNT(DISTINCT e.id, p.account_id) AS v FROM entry e JOIN posting p"
		      " ON p.entry_id = e.id JOIN account a ON a.id = p.account_id AND a.kind ="
		      " 'purse' WHERE e.kind IN ('sale', 'recharge')" IN_DAYS));
}

static void energy_and_money_tie(void **state)
{
	AUTO(json_free) json_t *r = report("energy-money");
	json_t *row;
	size_t i;

	(void)state;
	totals_are_sums(r);
	json_array_foreach(json_object_get(r, "items"), i, row)
	{
		static const char *const moves[] = { "recharge", "subsidy", "transfer", "energy",
			"share", "fee", "refund", "late", "correction", "reversal" };
		int64_t sum = number(row, "opening");

		for (size_t k = 0; k < ARRAY_LEN(moves); k++)
			sum += number(row, moves[k]);
		assert_int_equal(sum, number(row, "closing"));
	}
	assert_int_equal(total(r, "closing") - total(r, "opening"),
		TABLE("SELECT CAST(SUM(p.amount_nano) AS SIGNED) AS v FROM entry e JOIN posting p"
		      " ON p.entry_id = e.id JOIN account a ON a.id = p.account_id AND a.kind ="
		      " 'purse' WHERE 1" IN_DAYS));
	assert_int_equal(
		total(r, "fee"), TABLE(POSTED("'property_fee', 'rent'", "a.kind = 'purse'")));
	assert_int_equal(total(r, "share"), TABLE(POSTED("'share'", "a.kind = 'purse'")));
}

/* ---- use ---- */

#define USED(what, utility)                                                                        \
	TABLE("SELECT CAST(COALESCE(SUM(u." what                                                   \
	      "), 0) AS SIGNED) AS v FROM usage_day u JOIN meter"                                  \
	      " m ON m.id = u.meter_id WHERE u.book_day BETWEEN ? AND ? AND m.utility = '" utility \
	      "'")

static bool is_rate(const char *code)
{
	return str_eq(code, "peak") || str_eq(code, "flat") || str_eq(code, "valley");
}

/* What stands in the column of codes is of the sort that was asked for. */
static void groups_are(const char *by, const json_t *items)
{
	static const struct query meters = { "SELECT COUNT(*) AS v FROM meter WHERE code = ?",
		&fixture_shape };
	static const struct query shops = { "SELECT COUNT(*) AS v FROM tenant WHERE code = ?",
		&fixture_shape };
	struct {
		int64_t v;
	} found = { 0 };
	size_t i, known = 0;
	json_t *row;

	json_array_foreach(items, i, row)
	{
		const char *code = text(row, "code");

		if (str_eq(by, "rate"))
			known += is_rate(code);
		if (str_eq(by, "area") || str_eq(by, "rate"))
			continue;
		assert_int_equal(db_one(world->root, str_eq(by, "shop") ? &shops : &meters,
					 ARGS(arg_text(code)), &found),
			ERR_OK);
		known += (size_t)found.v;
		if (!str_eq(by, "shop"))
			assert_int_equal(found.v, 1);
	}
	assert_true(str_eq(by, "area") || known > 1);
}

static void use_is_the_same_however_it_is_grouped(void **state)
{
	static const char *const groups[] = { "", "meter", "shop", "area", "rate" };
	struct report_ask ask = asking("usage-day", "json");
	int64_t before = TABLE("SELECT CAST(COALESCE(SUM(u.qty_milli), 0) AS SIGNED) AS v FROM"
			       " usage_day u JOIN meter m ON m.id = u.meter_id WHERE m.utility ="
			       " 'electricity' AND u.book_day >= ? - INTERVAL 1 DAY AND u.book_day"
			       " <= ? - INTERVAL 1 DAY");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		AUTO(json_free) json_t *r = NULL;

		ask.by = groups[i];
		r = made(&ask);
		totals_are_sums(r);
		assert_int_equal(total(r, "energy_wh"), USED("qty_milli", "electricity"));
		assert_int_equal(total(r, "volume_l"), USED("qty_milli", "water"));
		assert_int_equal(total(r, "charge"),
			USED("charge_nano", "electricity") + USED("charge_nano", "water"));
		assert_int_equal(total(r, "last_energy_wh"), before);
		groups_are(groups[i], json_object_get(r, "items"));
	}
}

/* Each day's figure stands beside the next one's, for the same meter. */
static void the_period_before_stands_beside(void **state)
{
	AUTO(json_free) json_t *r = report("usage-day");
	json_t *items = json_object_get(r, "items"), *a, *b;
	size_t i, k, pairs = 0;

	(void)state;
	json_array_foreach(items, i, a) json_array_foreach(items, k, b)
	{
		struct day da, db;

		assert_int_equal(day_parse(text(a, "period"), &da), ERR_OK);
		assert_int_equal(day_parse(text(b, "period"), &db), ERR_OK);
		if (db.days != da.days + 1 || !str_eq(text(a, "code"), text(b, "code")))
			continue;
		assert_int_equal(number(a, "energy_wh"), number(b, "last_energy_wh"));
		assert_int_equal(number(a, "volume_l"), number(b, "last_volume_l"));
		assert_int_equal(number(a, "charge"), number(b, "last_charge"));
		pairs++;
	}
	assert_true(pairs > METERS);
}

static void months_and_carbon_add_up(void **state)
{
	AUTO(json_free) json_t *months = report("usage-month"), *none = report("carbon");
	AUTO(json_free) json_t *some = NULL;
	json_t *row;
	size_t i;

	(void)state;
	totals_are_sums(months);
	assert_int_equal(total(none, "carbon_g"), 0);
	fixture_sql(world->root, "INSERT INTO setting VALUES (1, 'carbon_mg_per_kwh', 536600)");
	some = report("carbon");
	totals_are_sums(some);
	json_array_foreach(json_object_get(some, "items"), i, row) assert_int_equal(
		number(row, "carbon_g"), (number(row, "energy_wh") * 536600 + 500000) / 1000000);
	assert_true(total(some, "carbon_g") > 0);
	assert_true(total(some, "energy_wh") <= total(months, "energy_wh"));
	fixture_sql(world->root, "DELETE FROM setting WHERE name = 'carbon_mg_per_kwh'");
}

static void losses_are_the_difference(void **state)
{
	AUTO(json_free) json_t *r = report("losses");
	json_t *row;
	size_t i;

	(void)state;
	totals_are_sums(r);
	assert_true(json_array_size(json_object_get(r, "items")) >=
		    2 * (size_t)(last.days - first.days));
	json_array_foreach(json_object_get(r, "items"), i, row)
	{
		assert_int_equal(
			number(row, "lost_wh"), number(row, "energy_wh") - number(row, "below_wh"));
		assert_int_equal(
			number(row, "lost_l"), number(row, "volume_l") - number(row, "below_l"));
	}
	assert_int_equal(total(r, "below_wh"),
		TABLE("SELECT CAST(COALESCE(SUM(u.qty_milli), 0) AS SIGNED) AS v FROM usage_day u"
		      " JOIN meter m ON m.id = u.meter_id AND m.parent_id > 0 AND m.utility ="
		      " 'electricity' WHERE u.book_day BETWEEN ? AND ?"));
}

static void hours_and_peaks_add_up(void **state)
{
	AUTO(json_free) json_t *hours = report("usage-hour"), *peaks = report("peaks");
	struct utc begins = zone_day_start(world->zone, first),
		   ends = zone_day_start(world->zone, (struct day){ last.days + 1 });
	static const struct query q = {
		"SELECT CAST(SUM(h.qty_milli) AS SIGNED) AS v FROM usage_hour h JOIN meter m ON"
		" m.id = h.meter_id WHERE m.utility = 'electricity' AND h.hour_at >= ? AND"
		" h.hour_at < ?",
		&fixture_shape
	};
	struct {
		int64_t v;
	} sum;
	json_t *row;
	size_t i;

	(void)state;
	assert_int_equal(
		db_one(world->root, &q, ARGS(arg_utc(begins), arg_utc(ends)), &sum), ERR_OK);
	totals_are_sums(hours);
	totals_are_sums(peaks);
	assert_int_equal(total(hours, "energy_wh"), sum.v);
	assert_int_equal(total(peaks, "day_wh"), sum.v);
	json_array_foreach(json_object_get(peaks, "items"), i, row)
		assert_true(number(row, "energy_wh") <= number(row, "day_wh"));
}

/* The load of the board is that of the hours, none left out and none counted twice. */
static void load_is_that_of_the_hours(void **state)
{
	AUTO(rows_free) struct rows rows = { 0 };
	struct utc begins = zone_day_start(world->zone, first),
		   ends = zone_day_start(world->zone, (struct day){ last.days + 1 });
	static const struct query q = {
		"SELECT CAST(SUM(h.qty_milli) AS SIGNED) AS v FROM usage_hour h JOIN meter m ON"
		" m.id = h.meter_id WHERE m.enabled AND m.utility = 'electricity' AND"
		" m.role <> 'incomer' AND h.hour_at BETWEEN ? AND ? - 1",
		&fixture_shape
	};
	struct {
		int64_t v;
	} sum;
	const struct board_hour *h;

	(void)state;
	assert_int_equal(
		db_one(world->root, &q, ARGS(arg_utc(begins), arg_utc(ends)), &sum), ERR_OK);
	assert_int_equal(board_load(world->root, 0, world->zone, begins, ends, &rows), ERR_OK);
	assert_true(rows.n > 24);
	h = rows.at;
	for (size_t i = 0; i < rows.n; i++) {
		assert_in_range(h[i].hour_at.ms, begins.ms, ends.ms - HOUR);
		assert_true(i == 0 || h[i].hour_at.ms > h[i - 1].hour_at.ms);
		sum.v -= h[i].energy.milli;
	}
	assert_int_equal(sum.v, 0);
}

/* ---- shares, fees, debts ---- */

static void shares_and_fees_tie_to_their_entries(void **state)
{
	AUTO(json_free) json_t *shares = report("shares"), *fees = report("fees");

	(void)state;
	totals_are_sums(shares);
	totals_are_sums(fees);
	assert_int_equal(total(fees, "amount_fen") * NANO_PER_FEN,
		-TABLE(POSTED("'property_fee', 'rent'", "a.kind = 'purse'")));
	assert_int_equal(total(shares, "booked"), TABLE(POSTED("'share'", "a.kind = 'share'")));
}

/* By hand: the balance of each purse at the end of the last day, from all that was posted. */
static void debtors_are_those_below_zero(void **state)
{
	AUTO(json_free) json_t *r = report("debtors");
	int64_t owed = -TABLE("SELECT CAST(COALESCE(SUM(b.sum), 0) AS SIGNED) AS v FROM ("
			      "SELECT SUM(p.amount_nano) AS sum FROM entry e JOIN posting p ON"
			      " p.entry_id = e.id JOIN account a ON a.id = p.account_id"
			      " WHERE (a.code LIKE 'purse:%' OR a.code LIKE 'debt:%') AND ? <> ''"
			      " AND e.book_day <= ? GROUP BY a.id HAVING sum < 0) b");
	json_t *row;
	size_t i;

	(void)state;
	totals_are_sums(r);
	assert_int_equal(total(r, "owed"), owed);
	assert_int_equal(
		total(r, "to_30") + total(r, "to_90") + total(r, "over_90"), total(r, "owed"));
	json_array_foreach(json_object_get(r, "items"), i, row)
	{
		struct day since;

		assert_int_equal(day_parse(text(row, "since"), &since), ERR_OK);
		assert_int_equal(number(row, "age_days"), last.days - since.days);
		assert_true(number(row, "owed") > 0);
	}
}

/* ---- the line ---- */

static void outages_are_told_by_the_part_that_lies_in_the_span(void **state)
{
	struct utc begins = zone_day_start(world->zone, first),
		   ends = zone_day_start(world->zone, (struct day){ last.days + 1 });
	AUTO(json_free) json_t *outages = NULL, *comm = NULL;
	char sql[400];
	json_t *row;
	size_t i, met = 0;

	(void)state;
	fixture_sql(world->root, "DELETE FROM outage");
	snprintf(sql, sizeof(sql),
		"INSERT INTO outage (object_kind, object_id, from_at, until_at, open_key) VALUES"
		" ('meter', 1, %lld, %lld, NULL), ('meter', 1, %lld, %lld, NULL),"
		" ('meter', 2, %lld, 0, 'meter:2'), ('meter', 1, 5, 6, NULL)",
		(long long)begins.ms - 5000, (long long)begins.ms + 10000,
		(long long)begins.ms + 20000, (long long)begins.ms + 25000,
		(long long)ends.ms - 60000);
	fixture_sql(world->root, sql);
	outages = report("outages");
	comm = report("communication");
	assert_int_equal(json_array_size(json_object_get(outages, "items")), 3);
	assert_int_equal(total(outages, "seconds"), 10 + 5 + 60);
	json_array_foreach(json_object_get(comm, "items"), i, row)
	{
		int64_t silent = number(row, "silent_s");

		assert_int_equal(number(row, "of_s"), (ends.ms - begins.ms) / 1000);
		met += silent == 15 && number(row, "outages") == 2;
		met += silent == 60 && number(row, "outages") == 1;
	}
	assert_int_equal(met, 2);
	fixture_sql(world->root, "DELETE FROM outage");
}

static void acts_are_all_told(void **state)
{
	AUTO(json_free) json_t *r = report("supply-actions");

	(void)state;
	assert_true(json_array_size(json_object_get(r, "items")) > 0);
}

/* ---- as files ---- */

static void a_text_is_no_formula(void **state)
{
	struct report_ask ask = asking("purchases", "csv");
	AUTO(buf_free) struct buf b = { 0 };

	(void)state;
	fixture_sql(world->root, "UPDATE tenant SET room = name, name = '=1+1,\"x\"'");
	make(&ask, &b);
	assert_memory_equal(b.text, "\xef\xbb\xbf项目,", 10);
	assert_non_null(strstr(b.text, ",\"'=1+1,\"\"x\"\"\","));
	assert_null(strstr(b.text, ",=1+1"));
	fixture_sql(world->root, "UPDATE tenant SET name = room, room = ''");
}

static void what_cannot_be_made_is_refused(void **state)
{
	struct report_ask far = asking("fees", "json"), grouped = asking("fees", "json"),
			  rates = asking("usage-hour", "json"), long_span = asking("fees", "json"),
			  other = asking("fees", "json");
	struct report_file file = { 0 };
	struct problem why = { 0 };

	(void)state;
	far.site = "nowhere";
	assert_int_equal(report_make(world->root, &far, &file, &why), ERR_NOT_FOUND);
	assert_string_equal(why.field, "site");
	other.caller_site = 999;
	assert_int_equal(report_make(world->root, &other, &file, &why), ERR_NOT_FOUND);
	grouped.by = "shop";
	assert_int_equal(report_make(world->root, &grouped, &file, &why), ERR_UNKNOWN_FIELD);
	rates.by = "rate";
	assert_int_equal(report_make(world->root, &rates, &file, &why), ERR_BAD_VALUE);
	long_span.from.days -= 400;
	assert_int_equal(report_make(world->root, &long_span, &file, &why), ERR_OUT_OF_RANGE);
	assert_string_equal(why.field, "to");
	assert_null(file.file);
}

/* Days of a long span are read in another way. */
static void a_long_span_tells_the_same(void **state)
{
	static const char *const names[] = { "usage-day", "losses" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct report_ask quarter = asking(names[i], "json"), year = quarter;
		AUTO(json_free) json_t *few = NULL, *many = NULL;

		quarter.from.days = last.days - 60;
		year.from.days = last.days - 300;
		few = made(&quarter);
		many = made(&year);
		assert_true(json_array_size(json_object_get(few, "items")) > 0);
		assert_true(
			json_equal(json_object_get(few, "items"), json_object_get(many, "items")));
	}
}

/* ---- of some areas ---- */

#define HALF_USER 77
/* Rows of a report that who sees the area "half" sees, by what names them. */
#define OF_METER                                                                                   \
	"SELECT COUNT(*) AS v FROM meter m JOIN area a ON a.id = m.area_id AND a.code = 'half'"
#define OF_CONTRACT                                                                                \
	OF_METER " JOIN contract_point p ON p.supply_point_id = m.supply_point_id"                 \
		 " JOIN contract c ON c.id = p.contract_id JOIN tenant t ON t.id = c.tenant_id"
static const struct query Q_OF_METER = { OF_METER " WHERE m.code = ?", &fixture_shape };
static const struct query Q_OF_GATEWAY = {
	OF_METER " JOIN gateway g ON g.id = m.gateway_id WHERE g.code = ?", &fixture_shape
};
static const struct query Q_OF_TENANT = { OF_CONTRACT " WHERE t.code = ?", &fixture_shape };
static const struct query Q_OF_PURSE = {
	OF_CONTRACT " JOIN account x ON x.contract_id = c.id WHERE x.id = ?", &fixture_shape
};

static bool is_of(const struct query *q, const json_t *name)
{
	char id[24];
	struct {
		int64_t v;
	} row = { 0 };

	snprintf(id, sizeof(id), "%lld", (long long)json_integer_value(name));
	assert_int_equal(
		db_one(world->root, q,
			ARGS(arg_text(json_is_string(name) ? json_string_value(name) : id)), &row),
		ERR_OK);
	return row.v > 0;
}

static json_t *of_half(const char *name, const char *by)
{
	struct report_ask ask = asking(name, "json");

	ask.caller_site = 1;
	ask.areas_of = HALF_USER;
	ask.by = by;
	return made(&ask);
}

static void half_is(const char *name, const char *member, const struct query *q)
{
	AUTO(json_free) json_t *all = report(name), *half = of_half(name, "");
	AUTO(json_free) json_t *want = json_array();
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(all, "items"), i, row)
	{
		bool gateway = strcmp(text(row, "kind"), "gateway") == 0;

		if (is_of(gateway ? &Q_OF_GATEWAY : q, json_object_get(row, member)))
			json_array_append(want, row);
	}
	if (!json_equal(want, json_object_get(half, "items"))) {
		char *have = json_dumps(half, 0), *due = json_dumps(want, 0);

		fail_msg("%s: %.3000s\nnot %.3000s", name, have, due);
	}
	totals_are_sums(half);
	/* Some of it is seen, and some is not, where there is anything. */
	if (json_array_size(json_object_get(all, "items")) > 30)
		assert_in_range(json_array_size(want), 1,
			json_array_size(json_object_get(all, "items")) - 1);
}

static void who_sees_an_area_is_told_of_it_alone(void **state)
{
	static const char *const groups[] = { "shop", "area", "rate" };
	AUTO(json_free) json_t *used = NULL, *carbon = NULL, *months = NULL;
	struct report_file file = { 0 };
	struct problem why = { 0 };

	(void)state;
	fixture_sql(
		world->root, "INSERT INTO area (code, name, site_id) VALUES ('half', 'half', 1)");
	fixture_sql(world->root, "UPDATE meter SET area_id = (SELECT id FROM area WHERE code = "
				 "'half') WHERE id % 2");
	fixture_sql(world->root, "INSERT INTO user_area_scope (user_id, area_id) SELECT 77, id "
				 "FROM area WHERE code = "
				 "'half'");
	half_is("usage-day", "code", &Q_OF_METER);
	half_is("usage-hour", "code", &Q_OF_METER);
	half_is("usage-month", "code", &Q_OF_METER);
	half_is("losses", "meter", &Q_OF_METER);
	half_is("peaks", "meter", &Q_OF_METER);
	half_is("supply-actions", "meter", &Q_OF_METER);
	half_is("outages", "code", &Q_OF_METER);
	half_is("communication", "code", &Q_OF_METER);
	half_is("purchases", "tenant", &Q_OF_TENANT);
	half_is("shares", "tenant", &Q_OF_TENANT);
	half_is("fees", "tenant", &Q_OF_TENANT);
	half_is("debtors", "tenant", &Q_OF_TENANT);
	half_is("energy-money", "account_id", &Q_OF_PURSE);
	used = of_half("usage-day", "meter");
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		AUTO(json_free) json_t *r = of_half("usage-day", groups[i]);

		totals_are_sums(r);
		assert_true(
			json_equal(json_object_get(r, "totals"), json_object_get(used, "totals")));
	}
	months = of_half("usage-month", "meter");
	carbon = of_half("carbon", "");
	assert_true(total(carbon, "energy_wh") > 0);
	assert_true(total(carbon, "energy_wh") <= total(months, "energy_wh"));
	for (size_t i = 0; i < reports_n; i++) {
		struct report_ask ask = asking(reports[i].name, "json");

		ask.caller_site = 1;
		ask.areas_of = HALF_USER;
		if (strncmp(reports[i].name, "vending", 7) == 0)
			assert_int_equal(
				report_make(world->root, &ask, &file, &why), ERR_FORBIDDEN);
		else
			assert_true(reports[i].areas);
	}
	fixture_sql(world->root, "UPDATE meter SET area_id = NULL");
	fixture_sql(world->root, "DELETE FROM user_area_scope WHERE user_id = 77");
}

/* ---- the same tomorrow ---- */

static void play(int64_t days)
{
	for (int64_t i = 0; i < days * 24; i++) {
		play_hour(world, seeded_now.ms - (seeded_now.ms - world->start) % HOUR +
					 ((seeded_now.ms - world->start) % HOUR ? HOUR : 0));
		check_hour(world);
	}
}

#define FORMATS 3
static const char *const formats[FORMATS] = { "json", "csv", "xlsx" };

static void a_past_day_comes_out_the_same(void **state)
{
	struct buf *before = calloc(reports_n * FORMATS, sizeof(*before));

	(void)state;
	ASSERT(before);
	for (size_t i = 0; i < reports_n * FORMATS; i++) {
		struct report_ask ask = asking(reports[i / FORMATS].name, formats[i % FORMATS]);

		make(&ask, &before[i]);
	}
	play(DAYS_LATER);
	for (size_t i = 0; i < reports_n * FORMATS; i++) {
		const struct report_kind *r = &reports[i / FORMATS];
		struct report_ask ask = asking(r->name, formats[i % FORMATS]);
		AUTO(buf_free) struct buf after = { 0 };

		make(&ask, &after);
		if (!r->measured && !r->whole &&
			(after.len != before[i].len ||
				memcmp(after.text, before[i].text, after.len) != 0))
			fail_msg("%s.%s is another one now:\n%.2000s\n%.2000s", r->name,
				formats[i % FORMATS], before[i].text, after.text);
		if (i % FORMATS == 0 && !r->whole && !r->measured)
			assert_non_null(strstr(after.text, "\"final\":true"));
		buf_free(&before[i]);
	}
	free(before);
}

static struct day last_sealed(void)
{
	struct day d = { (int32_t)FIXTURE_VALUE(world->root,
		"SELECT DATEDIFF(MAX(day), '1970-01-01') AS v FROM book_day WHERE sealed_at > 0") };

	return d;
}

static int open_all(void **state)
{
	uint64_t seed;

	(void)state;
	rand_bytes(&seed, sizeof(seed));
	if (getenv("SEED"))
		seed = strtoull(getenv("SEED"), NULL, 10);
	printf("SEED=%llu\n", (unsigned long long)seed);
	log_open("test", LOG_LEVEL_ERROR);
	db_library_open();
	world = world_open(seed, METERS, false);
	for (int64_t hour = 0; hour < DAYS * 24; hour++) {
		play_hour(world, world->start + hour * HOUR);
		check_hour(world);
	}
	/* A shaft of each utility, and a smaller one inside that of electricity. */
	fixture_sql(world->root,
		"UPDATE meter m JOIN (SELECT MIN(id) AS id, utility FROM meter GROUP BY utility) x"
		" ON x.utility = m.utility AND m.id > x.id SET m.parent_id = x.id");
	fixture_sql(world->root,
		"UPDATE meter m JOIN (SELECT MIN(id) AS id FROM meter WHERE parent_id = 1) x"
		" ON m.id IN (x.id + 2, x.id + 3) AND m.parent_id = 1 SET m.parent_id = x.id");
	last = last_sealed();
	first = (struct day){ last.days - (DAYS - 3) };
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	world_free(&world);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sales_are_what_came_into_purses),
		cmocka_unit_test(shifts_tie_to_their_drawers),
		cmocka_unit_test(purchases_tie_to_purses_and_use),
		cmocka_unit_test(energy_and_money_tie),
		cmocka_unit_test(use_is_the_same_however_it_is_grouped),
		cmocka_unit_test(the_period_before_stands_beside),
		cmocka_unit_test(months_and_carbon_add_up),
		cmocka_unit_test(losses_are_the_difference),
		cmocka_unit_test(hours_and_peaks_add_up),
		cmocka_unit_test(load_is_that_of_the_hours),
		cmocka_unit_test(shares_and_fees_tie_to_their_entries),
		cmocka_unit_test(debtors_are_those_below_zero),
		cmocka_unit_test(acts_are_all_told),
		cmocka_unit_test(what_cannot_be_made_is_refused),
		cmocka_unit_test(a_long_span_tells_the_same),
		cmocka_unit_test(who_sees_an_area_is_told_of_it_alone),
		cmocka_unit_test(a_past_day_comes_out_the_same),
		cmocka_unit_test(outages_are_told_by_the_part_that_lies_in_the_span),
		cmocka_unit_test(a_text_is_no_formula),
		cmocka_unit_test(payments_of_nobody_are_told),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
