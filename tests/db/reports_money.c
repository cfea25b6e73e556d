/* Sales, purchases, purses, shares, fees and debts tie to the books. */
#include "reports_told.h"

#include <stdio.h>

#include "domain/account.h"
#include "domain/entry.h"

/* ---- vending ---- */

void sales_are_what_came_into_purses(void **state)
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
void payments_of_nobody_are_told(void **state)
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
void shifts_tie_to_their_drawers(void **state)
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

void purchases_tie_to_purses_and_use(void **state)
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

void energy_and_money_tie(void **state)
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

/* ---- shares, fees, debts ---- */

void shares_and_fees_tie_to_their_entries(void **state)
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
void debtors_are_those_below_zero(void **state)
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
