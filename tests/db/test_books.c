/* What the desk and finance book: sales with their parts, reversals, and what is refused. As the
 * API's own database user; after each test everything ties, by `yufu verify`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/verify.h"
#include "domain/attempt.h"
#include "domain/chart.h"
#include "domain/debt.h"
#include "domain/ledger.h"
#include "domain/order.h"
#include "domain/reversal.h"
#include "domain/role.h"
#include "domain/sale.h"
#include "domain/setting.h"
#include "shop_fixture.h"

#define FEN(n) ((int64_t)(n)*NANO_PER_FEN)
static const struct utc T0 = { SHOP_T0 };

static struct db *api;
static int shops;

struct desk { /* a shop with an empty purse, and two of staff */
	struct shop shop;
	int64_t cashier, finance;
};

static int64_t staff(struct db *db, const char *name, int n, const char *role)
{
	shop_set(db,
		"INSERT INTO user (username, kind, role_id) SELECT '%s%d', 'staff', id FROM role"
		" WHERE code = '%s'",
		name, n, role);
	return shop_number(db, "SELECT LAST_INSERT_ID() AS v", 0);
}

static struct desk desk_make(struct db *db)
{
	struct desk d = { .shop = shop_make(db, ++shops) };

	shop_set(db, "UPDATE account SET balance_nano = 0 WHERE id = %lld",
		(long long)d.shop.account);
	d.cashier = staff(db, "cashier", shops, "admin");
	d.finance = staff(db, "finance", shops, "admin");
	return d;
}

static int64_t balance(struct db *db, int64_t account)
{
	return shop_number(db, "SELECT balance_nano AS v FROM account WHERE id = %lld", account);
}

static int64_t company(const char *code)
{
	struct money sum = { 0 };

	assert_int_equal(ledger_sum(api, code, &sum), ERR_OK);
	return sum.nano;
}

static int64_t drawer(int64_t shift)
{
	char code[32];

	snprintf(code, sizeof(code), "drawer:%lld", (long long)shift);
	return -company(code);
}

/* Whatever happened, the books tie. */
static void books_tie(struct db *db)
{
	AUTO(json_free) json_t *findings = json_array();

	assert_int_equal(verify_run(db, findings), ERR_OK);
	if (json_array_size(findings))
		fail_msg("%s", json_dumps(findings, JSON_INDENT(1)));
}

static struct shift shift(int64_t user)
{
	struct shift s;

	if (shift_current(api, user, &s) != ERR_OK)
		assert_int_equal(shift_open(api, user, T0, &s), ERR_OK);
	return s;
}

static struct sale_new sale_of(
	const struct desk *d, const struct sale_line *lines, size_t n, const char *key)
{
	struct sale_new s = { .user_id = d->cashier,
		.actor = "user:1",
		.method = "cash",
		.lines = lines,
		.n = n,
		.note = "",
		.once_key = key };

	for (size_t i = 0; i < n; i++)
		s.tendered_fen += lines[i].amount_fen;
	return s;
}

/* Sells to one account; the id of the entry. */
static int64_t sell(const struct desk *d, int64_t fen, const char *key)
{
	struct sale_line line = { .account_id = d->shop.account, .amount_fen = fen };
	struct sale_new n = sale_of(d, &line, 1, key);
	struct problem why = { 0 };
	struct sale s;

	shift(d->cashier);
	assert_int_equal(sale_create(api, &n, T0, &s, &why), ERR_OK);
	return s.entry_id;
}

static struct reversal_new undo(
	const struct desk *d, int64_t entry, int64_t user, const char *reason, const char *key)
{
	return (struct reversal_new){ .entry_id = entry,
		.site_id = d->shop.site,
		.user_id = user,
		.actor = "user:1",
		.address = "",
		.reason = reason,
		.once_key = key };
}

static enum err reverse(const struct reversal_new *n, struct booked *out, struct problem *why)
{
	*why = (struct problem){ 0 };
	*out = (struct booked){ 0 };
	return reversal_create(api, n, T0, out, why);
}

/* ---- the chart ---- */

static void the_chart_knows_its_codes(void **state)
{
	static const char *const good[] = { "drawer:3", "bank", "clearing:wechat", "clearing:pos",
		"debt:17", "meter_transit", "meter_credit:9", "deposit:1", "refund_due", "suspense",
		"energy", "water", "share", "service", "property_fee", "rent", "channel_fee",
		"subsidy", "write_off", "over_short", "rounding", "opening" };
	static const char *const bad[] = { "", ":", "drawer", "drawer:", "drawer:x", "drawer:03",
		"bank:1", "clearing", "clearing:", "clearing:WeChat", "purse", "purse:1:water",
		"energies", "energ", "debt:1:2" };
	int64_t id;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_non_null(chart_of_code(good[i]));
		assert_int_equal(account_company(api, good[i], &id), ERR_OK);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(account_company(api, bad[i], &id), ERR_INTERNAL);
	for (size_t i = 0; i < chart_n; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(chart[i].kind, chart[k].kind);
}

/* ---- sales ---- */

/* 100.00 and 50.00 with 1 % for the service; the contract owes 17.00 and pays 20 % of each. */
static void a_sale_is_split_and_the_receipt_says_how(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct sale_line lines[2] = { { .account_id = d.shop.account, .amount_fen = 10000 },
		{ .amount_fen = 5000 } };
	AUTO(rows_free) struct rows kept = { 0 };
	struct problem why = { 0 };
	const struct sale_line *l;
	struct sale_new n;
	struct debt debt;
	struct sale s;
	char code[DEBT_CODE_MAX];

	shop_set(db,
		"INSERT INTO account (code, kind, contract_id, purpose) VALUES"
		" ('purse:%lld:water', 'purse', %lld, 'water')",
		(long long)d.shop.contract, (long long)d.shop.contract);
	lines[1].account_id = shop_number(db, "SELECT LAST_INSERT_ID() AS v", 0);
	shop_set(db, "INSERT INTO setting VALUES (%lld, 'service_charge_permille', 10)",
		(long long)d.shop.site);
	shop_set(db, "INSERT INTO contract_debt VALUES (%lld, 200, 100000)",
		(long long)d.shop.contract);
	/* what was owed came from somewhere */
	shop_set(db, "INSERT INTO account (code, kind) VALUES ('debt:%lld', 'debt')",
		(long long)d.shop.contract);
	shop_set(db,
		"INSERT INTO entry (id, site_id, kind, once_key, actor, book_day, created_at) "
		"VALUES"
		" (9001, %lld, 'debt', 'books-test', 't', '2026-11-22', 1)",
		(long long)d.shop.site);
	shop_set(db,
		"INSERT INTO posting SELECT 9001, 1, id, -17000000000 FROM account WHERE code ="
		" 'debt:%lld'",
		(long long)d.shop.contract);
	shop_set(db, "INSERT INTO posting SELECT 9001, 2, id, 17000000000 FROM account WHERE code ="
		     " 'opening'");

	n = sale_of(&d, lines, 2, "split");
	shift(d.cashier);
	assert_int_equal(sale_create(api, &n, T0, &s, &why), ERR_OK);
	assert_int_equal(s.total_fen, 15000);
	assert_int_equal(s.site_id, d.shop.site);
	/* 100.00 = 1.00 service + 17.00 debt (20.00 agreed, 17.00 left) + 82.00 */
	assert_int_equal(balance(db, lines[0].account_id), FEN(8200));
	/* 50.00 = 0.50 service + 49.50: nothing is owed any more */
	assert_int_equal(balance(db, lines[1].account_id), FEN(4950));
	assert_int_equal(company("service"), FEN(150));
	assert_int_equal(company(debt_code(d.shop.contract, code)), 0);
	assert_int_equal(debt_get(api, d.shop.contract, &debt), ERR_OK);
	assert_int_equal(debt.owed.nano, 0);
	assert_int_equal(drawer(s.shift_id), FEN(15000));
	assert_int_equal(sale_lines(api, s.id, &kept), ERR_OK);
	l = kept.at;
	assert_int_equal(kept.n, 2);
	assert_int_equal(l[0].service_fen, 100);
	assert_int_equal(l[0].debt_fen, 1700);
	assert_int_equal(l[1].service_fen, 50);
	assert_int_equal(l[1].debt_fen, 0);

	assert_int_equal(sale_reprint(api, d.shop.site, s.id, "user:1", "", T0, &s), ERR_OK);
	assert_int_equal(s.reprints, 1);
	assert_int_equal(sale_reprint(api, 0, s.id, "user:1", "", T0, &s), ERR_OK);
	assert_int_equal(s.reprints, 2);
	assert_int_equal(
		sale_reprint(api, d.shop.site + 1, s.id, "user:1", "", T0, &s), ERR_NOT_FOUND);
	books_tie(db);
}

/* The first sale stands whatever is sent under its key afterwards. */
static void a_key_is_good_for_one_sale(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct sale_line line = { .account_id = d.shop.account, .amount_fen = 1000 }, other = line;
	struct sale_new n = sale_of(&d, &line, 1, "one-key");
	struct problem why = { 0 };
	struct sale first, again;
	struct shift s = shift(d.cashier);

	other.amount_fen = 2000;
	assert_int_equal(sale_create(api, &n, T0, &first, &why), ERR_OK);
	n.lines = &other;
	n.tendered_fen = 2000;
	assert_int_equal(sale_create(api, &n, T0, &again, &why), ERR_IDEMPOTENCY);
	assert_string_equal(why.field, "Idempotency-Key");
	n.lines = &line;
	n.tendered_fen = 1000;
	n.note = "other";
	assert_int_equal(sale_create(api, &n, T0, &again, &why), ERR_IDEMPOTENCY);
	n.note = "";
	assert_int_equal(shift_close(api, s.id, d.cashier, 1000, T0, &s, &why), ERR_OK);
	/* the answer of before, though the shift is over */
	assert_int_equal(sale_create(api, &n, T0, &again, &why), ERR_OK);
	assert_int_equal(again.id, first.id);
	/* and so is the closing */
	assert_int_equal(shift_close(api, s.id, d.cashier, 1000, T0, &s, &why), ERR_OK);
	assert_int_equal(shift_close(api, s.id, d.cashier, 1001, T0, &s, &why), ERR_CONFLICT);
	assert_int_equal(shift_close(api, s.id, d.finance, 1000, T0, &s, &why), ERR_CONFLICT);
	assert_int_equal(balance(db, d.shop.account), FEN(1000));
	books_tie(db);
}

static void sales_that_are_refused_change_nothing(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db), far = desk_make(db), gone = desk_make(db);
	const struct {
		struct sale_line lines[2];
		size_t n;
		enum err want;
		const char *field;
	} bad[] = {
		{ { { .account_id = d.shop.account } }, 1, ERR_AMOUNT_SMALL,
			"lines[0].amount_fen" },
		{ { { .account_id = d.shop.account, .amount_fen = -1 } }, 1, ERR_AMOUNT_SMALL,
			"lines[0].amount_fen" },
		{ { { .account_id = d.shop.account, .amount_fen = INT64_C(1000000000000000000) } },
			1, ERR_AMOUNT_LARGE, "lines[0].amount_fen" },
		/* 49,999.00 and the cap of 50,000.00 */
		{ { { .account_id = d.shop.account, .amount_fen = 101 } }, 1, ERR_AMOUNT_LARGE,
			"lines[0].amount_fen" },
		{ { { .account_id = d.shop.account, .amount_fen = 1 },
			  { .account_id = far.shop.account, .amount_fen = 1 } },
			2, ERR_BAD_VALUE, "lines[1].account_id" },
		{ { { .account_id = d.shop.account, .amount_fen = 1 },
			  { .account_id = d.shop.account, .amount_fen = 1 } },
			2, ERR_BAD_VALUE, "lines" },
		{ { { .account_id = gone.shop.account, .amount_fen = 1 } }, 1, ERR_CONFLICT,
			"lines[0].account_id" },
		{ { { .account_id = 999999, .amount_fen = 1 } }, 1, ERR_NOT_FOUND, "account_id" },
		{ { { .account_id = d.shop.account, .amount_fen = 1 } }, 0, ERR_OUT_OF_RANGE,
			"lines" },
	};
	int64_t entries;

	shop_set(db, "UPDATE contract SET end_at = 5 WHERE id = %lld",
		(long long)gone.shop.contract);
	for (int i = 0; i < 5; i++) {
		char key[16];

		snprintf(key, sizeof(key), "cap%d", i);
		sell(&d, i < 4 ? ORDER_MAX_FEN : 999900, key);
	}
	entries = shop_number(db, "SELECT COUNT(*) AS v FROM entry", 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct sale_new n = sale_of(&d, bad[i].lines, bad[i].n, "bad");
		struct problem why = { 0 };
		struct sale s;

		assert_int_equal(sale_create(api, &n, T0, &s, &why), bad[i].want);
		assert_string_equal(why.field, bad[i].field);
	}
	assert_int_equal(shop_number(db, "SELECT COUNT(*) AS v FROM entry", 0), entries);
	assert_int_equal(balance(db, d.shop.account), FEN(4999900));
	books_tie(db);
}

/* A desk in Urumqi sells after midnight in Shanghai: the day is the shop's, whoever was first. */
static void the_book_day_is_that_of_the_shop(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct sale_line line = { .account_id = d.shop.account, .amount_fen = 1000 };
	struct sale_new n = sale_of(&d, &line, 1, "west");
	struct utc late = { INT64_C(1795365000000) }; /* 2026-11-23 00:30 in Shanghai */
	struct problem why = { 0 };
	struct shift h = shift(d.cashier);
	struct sale s;

	shop_set(
		db, "UPDATE site SET zone = 'Asia/Urumqi' WHERE id = %lld", (long long)d.shop.site);
	shop_set(db, "UPDATE user SET site_id = %lld WHERE id = %lld", (long long)d.shop.site,
		(long long)d.cashier);
	assert_int_equal(sale_create(api, &n, late, &s, &why), ERR_OK);
	assert_int_equal(shift_close(api, h.id, d.cashier, 1000, late, &h, &why), ERR_OK);
	assert_int_equal(shop_number(db,
				 "SELECT COUNT(*) AS v FROM entry WHERE book_day = '2026-11-22'"
				 " AND kind IN ('sale', 'shift') AND site_id = %lld",
				 d.shop.site),
		2);
	books_tie(db);
}

/* ---- reversals ---- */

static void a_wrong_sale_is_undone_once(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	int64_t entry = sell(&d, 8000, "wrong"), mirror;
	struct reversal_new n = undo(&d, entry, d.cashier, "wrong shop", "r1");
	struct ledger_entry seen;
	struct problem why;
	struct booked done;
	struct shift h = shift(d.cashier);

	assert_int_equal(reverse(&n, &done, &why), ERR_OK);
	mirror = done.entry_id;
	assert_int_equal(done.approval_id, 0);
	assert_int_equal(balance(db, d.shop.account), 0);
	assert_int_equal(drawer(h.id), 0);
	assert_int_equal(ledger_get(api, d.shop.site, entry, &seen), ERR_OK);
	assert_int_equal(seen.reversed_by, mirror);
	assert_int_equal(ledger_get(api, d.shop.site, mirror, &seen), ERR_OK);
	assert_int_equal(seen.reverses, entry);
	assert_string_equal(seen.kind, "reversal");
	assert_string_equal(seen.memo, "wrong shop");
	/* at zero the supply is cut */
	assert_int_equal(shop_number(db,
				 "SELECT COUNT(*) AS v FROM block WHERE supply_point_id = %lld AND"
				 " kind = 'arrears'",
				 d.shop.point),
		1);
	/* the same request again; the key for another; another request; the mirror itself */
	assert_int_equal(reverse(&n, &done, &why), ERR_OK);
	assert_int_equal(done.entry_id, mirror);
	n.reason = "changed";
	assert_int_equal(reverse(&n, &done, &why), ERR_IDEMPOTENCY);
	n = undo(&d, entry, d.finance, "again", "r2");
	assert_int_equal(reverse(&n, &done, &why), ERR_ALREADY);
	n = undo(&d, mirror, d.cashier, "undo the undoing", "r3");
	assert_int_equal(reverse(&n, &done, &why), ERR_CONFLICT);
	n = undo(&d, entry, d.cashier, "elsewhere", "r4");
	n.site_id++;
	assert_int_equal(reverse(&n, &done, &why), ERR_NOT_FOUND);
	n = undo(&d, 999999, d.cashier, "nowhere", "r5");
	assert_int_equal(reverse(&n, &done, &why), ERR_NOT_FOUND);
	assert_int_equal(balance(db, d.shop.account), 0);
	books_tie(db);
}

/* The drawer of the sale is closed: the cash comes from the open one, and there must be one. */
static void cash_comes_back_from_an_open_drawer(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	int64_t entry = sell(&d, 3000, "till");
	struct shift first = shift(d.cashier), second;
	struct reversal_new n = undo(&d, entry, d.finance, "wrong", "till-r");
	struct problem why;
	struct booked done;

	assert_int_equal(shift_close(api, first.id, d.cashier, 3000, T0, &first, &why), ERR_OK);
	assert_int_equal(reverse(&n, &done, &why), ERR_SHIFT_CLOSED);
	assert_int_equal(balance(db, d.shop.account), FEN(3000));
	second = shift(d.finance);
	assert_int_equal(reverse(&n, &done, &why), ERR_OK);
	assert_int_equal(drawer(first.id), 0);
	assert_int_equal(drawer(second.id), FEN(-3000));
	assert_int_equal(shift_current(api, d.finance, &second), ERR_OK);
	assert_int_equal(second.cash_fen, -3000);
	books_tie(db);
}

/* Who undoes it has no drawer, but that of the sale is still open. */
static void cash_comes_back_from_the_drawer_of_the_sale(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	int64_t entry = sell(&d, 3000, "same-till");
	struct reversal_new n = undo(&d, entry, d.finance, "wrong", "same-till-r");
	struct problem why;
	struct booked done;

	assert_int_equal(reverse(&n, &done, &why), ERR_OK);
	assert_int_equal(drawer(shift(d.cashier).id), 0);
	books_tie(db);
}

static enum err decide(int64_t id, int64_t user, bool approve)
{
	struct approval_decision x = { .id = id,
		.user_id = user,
		.actor = "user:2",
		.address = "",
		.approve = approve,
		.note = "",
		.now = T0 };
	struct problem why = { 0 };
	struct approval out;

	return approval_decide(api, &x, &out, &why);
}

static void above_the_limit_a_second_person_decides(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	int64_t entry = sell(&d, 50001, "large"), asked;
	struct reversal_new n = undo(&d, entry, d.cashier, "wrong", "large-r");
	struct problem why;
	struct booked done;

	assert_int_equal(reverse(&n, &done, &why), ERR_OK);
	asked = done.approval_id;
	assert_true(asked > 0);
	assert_int_equal(done.entry_id, 0);
	assert_int_equal(reverse(&n, &done, &why), ERR_OK);
	assert_int_equal(done.approval_id, asked);
	assert_int_equal(balance(db, d.shop.account), FEN(50001));
	assert_int_equal(decide(asked, d.cashier, true), ERR_FORBIDDEN);
	assert_int_equal(decide(asked, d.finance, true), ERR_OK);
	assert_int_equal(balance(db, d.shop.account), 0);
	assert_int_equal(drawer(shift(d.cashier).id), 0);
	n = undo(&d, entry, d.cashier, "wrong", "large-r2");
	assert_int_equal(reverse(&n, &done, &why), ERR_ALREADY);
	/* at the limit it is one person's */
	entry = sell(&d, 50000, "not-large");
	n = undo(&d, entry, d.cashier, "wrong", "not-large-r");
	assert_int_equal(reverse(&n, &done, &why), ERR_OK);
	assert_true(done.entry_id > 0);
	books_tie(db);
}

static void what_came_from_outside_or_is_sealed_is_not_undone(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct order_new o = { .account_id = d.shop.account,
		.amount_fen = 5000,
		.channel = "wechat_native",
		.service = "wechat",
		.payer_address = "" };
	int64_t entry = sell(&d, 1000, "closed");
	enum credit_outcome outcome;
	struct order order;
	struct payment p;
	struct problem why = { 0 };
	struct booked done;
	struct reversal_new n;

	assert_int_equal(order_create(api, &o, T0, &order, &why), ERR_OK);
	p = (struct payment){ "wechat", order.out_trade_no, "books1", 5000, "CNY", T0 };
	assert_int_equal(order_credit(api, &p, "notify", T0, &outcome), ERR_OK);
	assert_int_equal(order_get(api, order.id, &order), ERR_OK);
	n = undo(&d, order.entry_id, d.cashier, "x", "in-r");
	assert_int_equal(reverse(&n, &done, &why), ERR_CONFLICT);

	shop_set(db, "UPDATE contract SET end_at = 5 WHERE id = %lld", (long long)d.shop.contract);
	n = undo(&d, entry, d.cashier, "x", "closed-r");
	assert_int_equal(reverse(&n, &done, &why), ERR_CONFLICT);
	assert_int_equal(order_create(api, &o, T0, &order, &why), ERR_CONFLICT);
	assert_int_equal(balance(db, d.shop.account), FEN(6000));
	books_tie(db);
}

/* Reading: filters, pages, what is of another site. */
static void entries_are_found(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct ledger_filter f = {
		.site_id = d.shop.site, .kind = "", .from = "", .to = "", .max = 2
	};
	int64_t first = sell(&d, 100, "find1"), second = sell(&d, 200, "find2"),
		third = sell(&d, 300, "find3");
	AUTO(rows_free) struct rows page = { 0 }, rest = { 0 }, none = { 0 }, own = { 0 };
	const struct ledger_entry *e;

	assert_int_equal(ledger_list(api, &f, &page), ERR_OK);
	e = page.at;
	assert_int_equal(page.n, 2);
	assert_int_equal(e[0].id, third);
	assert_int_equal(e[0].amount.nano, FEN(300));
	assert_int_equal(e[1].id, second);
	f.before = second;
	f.account_id = d.shop.account;
	assert_int_equal(ledger_list(api, &f, &rest), ERR_OK);
	assert_int_equal(rest.n, 1);
	assert_int_equal(((const struct ledger_entry *)rest.at)->id, first);
	f.before = 0;
	f.kind = "refund";
	assert_int_equal(ledger_list(api, &f, &none), ERR_OK);
	assert_int_equal(none.n, 0);
	f = (struct ledger_filter){ .site_id = d.shop.site,
		.kind = "sale",
		.from = "2026-11-22",
		.to = "2026-11-22",
		.max = 9 };
	assert_int_equal(ledger_list(api, &f, &own), ERR_OK);
	assert_int_equal(own.n, 3);
}

static void refused_attempts_stay(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	AUTO(rows_free) struct rows rows = { 0 }, other = { 0 };
	const struct attempt *a;

	assert_int_equal(attempt_add(api,
				 &(struct attempt_new){ .kind = "sale",
					 .account_id = d.shop.account,
					 .amount_fen = INT64_MAX,
					 .why = ERR_AMOUNT_LARGE,
					 .text = "at most",
					 .actor = "user:1" },
				 T0),
		ERR_OK);
	assert_int_equal(attempt_list(api, d.shop.site, d.shop.account, &rows), ERR_OK);
	a = rows.at;
	assert_int_equal(rows.n, 1);
	assert_string_equal(a->code, "amount_too_large");
	assert_string_equal(a->why, "at most");
	assert_int_equal(attempt_list(api, d.shop.site + 1, 0, &other), ERR_OK);
	assert_int_equal(other.n, 0);
}

static int open_all(void **state)
{
	if (fixture_open(state) != 0 || roles_install(*state) != ERR_OK)
		return -1;
	api = fixture_as("yufu_api");
	return 0;
}

static int close_all(void **state)
{
	db_free(&api);
	return fixture_close(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_chart_knows_its_codes),
		cmocka_unit_test(a_sale_is_split_and_the_receipt_says_how),
		cmocka_unit_test(a_key_is_good_for_one_sale),
		cmocka_unit_test(sales_that_are_refused_change_nothing),
		cmocka_unit_test(the_book_day_is_that_of_the_shop),
		cmocka_unit_test(a_wrong_sale_is_undone_once),
		cmocka_unit_test(cash_comes_back_from_an_open_drawer),
		cmocka_unit_test(cash_comes_back_from_the_drawer_of_the_sale),
		cmocka_unit_test(above_the_limit_a_second_person_decides),
		cmocka_unit_test(what_came_from_outside_or_is_sealed_is_not_undone),
		cmocka_unit_test(entries_are_found),
		cmocka_unit_test(refused_attempts_stay),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
