/* What the desk and finance book: sales with their parts, reversals, and what is refused. As the
 * API's own database user; after what they do everything ties, by `yufu verify`. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/verify.h"
#include "domain/adjust.h"
#include "domain/allowance.h"
#include "domain/attempt.h"
#include "domain/bookday.h"
#include "domain/charge.h"
#include "domain/chart.h"
#include "domain/debt.h"
#include "domain/ledger.h"
#include "domain/order.h"
#include "domain/refund.h"
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

static enum err adjust(const struct desk *d, const char *kind, int64_t fen, const char *key,
	struct booked *out, struct problem *why)
{
	struct adjust_new n = { .account_id = d->shop.account,
		.site_id = d->shop.site,
		.user_id = d->cashier,
		.actor = "user:1",
		.address = "",
		.kind = kind,
		.amount_fen = fen,
		.document = "2026-17",
		.reason = "agreed",
		.once_key = key };

	*why = (struct problem){ 0 };
	*out = (struct booked){ 0 };
	return adjust_create(api, &n, T0, out, why);
}

/* What was owed came from somewhere. */
static void owes(const struct desk *d, int64_t fen)
{
	struct booked booked;
	struct problem why = { 0 };

	assert_int_equal(adjust(d, "correction", -fen, "owed", &booked, &why), ERR_OK);
	assert_int_equal(adjust(d, "debt", fen, "agreed", &booked, &why), ERR_OK);
}

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
	owes(&d, 1700);

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
	assert_int_equal(debt_get(api, d.shop.site, d.shop.contract, &debt), ERR_OK);
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
	assert_int_equal(shift_close(api, s.id, d.finance, 1000, T0, &s, &why), ERR_NOT_FOUND);
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

	shop_set(db,
		"UPDATE contract c JOIN contract_point p ON p.contract_id = c.id SET c.end_at = 5, "
		"p.to_at = 5 WHERE c.id = %lld",
		(long long)gone.shop.contract);
	for (int i = 0; i < 5; i++) {
		char key[16];

		snprintf(key, sizeof(key), "cap%d", i);
		sell(&d, i < 4 ? 1000000 : 999900, key);
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

/* The day of a sale is sealed: its undoing is of the day on which it is undone, and that seal
 * covers it too. */
static void a_sale_of_a_sealed_day_is_undone_today(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	int64_t entry = sell(&d, 1500, "sealed");
	struct reversal_new n = undo(&d, entry, d.cashier, "late", "sealed-r");
	struct utc tomorrow = { T0.ms + INT64_C(86400000) }, after = { T0.ms + INT64_C(172800000) };
	struct problem why = { 0 };
	struct book_day sealed;
	struct ledger_entry e;
	struct booked done;
	struct day day, next;

	assert_int_equal(site_today(api, d.shop.site, T0, &day), ERR_OK);
	assert_int_equal(bookday_seal(api, d.shop.site, day, tomorrow, &sealed, &why), ERR_OK);
	assert_int_equal(sealed.entries, 1);
	assert_int_equal(reversal_create(api, &n, T0, &done, &why), ERR_CONFLICT);
	assert_int_equal(reversal_create(api, &n, tomorrow, &done, &why), ERR_OK);
	assert_int_equal(ledger_get(api, 0, done.entry_id, &e), ERR_OK);
	assert_string_equal(e.book_day, "2026-11-23");
	next.days = day.days + 1;
	assert_int_equal(bookday_seal(api, d.shop.site, next, after, &sealed, &why), ERR_OK);
	assert_int_equal(sealed.entries, 1);
	assert_int_equal(balance(db, d.shop.account), 0);
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
	char actor[32];
	struct approval_decision x = { .id = id,
		.user_id = user,
		.actor = actor,
		.address = "",
		.approve = approve,
		.note = "",
		.now = T0 };
	struct problem why = { 0 };
	struct approval out;

	snprintf(actor, sizeof(actor), "user:%lld", (long long)user);
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

	shop_set(db,
		"UPDATE contract c JOIN contract_point p ON p.contract_id = c.id SET c.end_at = 5, "
		"p.to_at = 5 WHERE c.id = %lld",
		(long long)d.shop.contract);
	n = undo(&d, entry, d.cashier, "x", "closed-r");
	assert_int_equal(reverse(&n, &done, &why), ERR_CONFLICT);
	assert_int_equal(order_create(api, &o, T0, &order, &why), ERR_CONFLICT);
	assert_int_equal(balance(db, d.shop.account), FEN(6000));
	books_tie(db);
}

/* ---- refunds ---- */

static struct refund_new refund_of(
	const struct desk *d, int64_t fen, const char *method, const char *key)
{
	return (struct refund_new){ .account_id = d->shop.account,
		.site_id = d->shop.site,
		.user_id = d->cashier,
		.actor = "user:1",
		.address = "",
		.amount_fen = fen,
		.method = method,
		.reason = "moves out",
		.once_key = key };
}

static enum err refund(
	const struct refund_new *n, struct refund *out, int64_t *approval, struct problem *why)
{
	*why = (struct problem){ 0 };
	return refund_create(api, n, T0, out, approval, why);
}

static enum err settle_refund(const struct refund *f, bool done, struct refund *out)
{
	struct refund_settling s = {
		.id = f->id, .done = done, .note = "seen", .actor = "user:2", .address = ""
	};
	struct problem why = { 0 };

	return refund_settle(api, &s, T0, out, &why);
}

static void adjusted(const struct desk *d, const char *kind, int64_t fen, const char *key)
{
	struct problem why;
	struct booked done;
	enum err e = adjust(d, kind, fen, key, &done, &why);

	if (e != ERR_OK || !done.entry_id)
		fail_msg("%s: %s %s: %s", kind, err_word(e), why.field, why.text);
}

/* 100.00 sold, 20.00 subsidy: 100.00 may go back, and does, in cash. */
static void cash_goes_back_up_to_what_was_paid(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct refund_new n = refund_of(&d, 10001, "cash", "f1");
	int64_t due = company("refund_due"), asked;
	struct refund f, again;
	struct problem why;
	struct shift h;

	assert_int_equal(refund(&n, &f, &asked, &why), ERR_SHIFT_CLOSED);
	sell(&d, 10000, "f-sale");
	adjusted(&d, "subsidy", 2000, "f-subsidy");
	assert_int_equal(refund(&n, &f, &asked, &why), ERR_AMOUNT_LARGE);
	assert_string_equal(why.field, "amount_fen");
	n.amount_fen = 10000;
	assert_int_equal(refund(&n, &f, &asked, &why), ERR_OK);
	assert_string_equal(f.state, "done");
	assert_int_equal(asked, 0);
	assert_int_equal(balance(db, d.shop.account), FEN(2000));
	h = shift(d.cashier);
	assert_int_equal(h.cash_fen, 0);
	assert_int_equal(company("refund_due"), due);
	/* the same request again, and its key for another */
	assert_int_equal(refund(&n, &again, &asked, &why), ERR_OK);
	assert_int_equal(again.id, f.id);
	n.reason = "other";
	assert_int_equal(refund(&n, &again, &asked, &why), ERR_IDEMPOTENCY);
	assert_int_equal(balance(db, d.shop.account), FEN(2000));
	/* cash that was handed over does not fail */
	assert_int_equal(settle_refund(&f, false, &again), ERR_CONFLICT);
	books_tie(db);
}

static void a_transfer_waits_until_somebody_says_how_it_ended(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct refund_new n = refund_of(&d, 3000, "bank", "b1");
	int64_t due = company("refund_due"), bank = company("bank"), asked;
	struct refund f, out;
	struct problem why;
	struct ledger_entry e;

	sell(&d, 5000, "b-sale");
	assert_int_equal(refund(&n, &f, &asked, &why), ERR_OK);
	assert_string_equal(f.state, "person");
	assert_int_equal(company("refund_due"), due + FEN(3000));
	assert_int_equal(settle_refund(&f, true, &out), ERR_OK);
	assert_string_equal(out.state, "done");
	assert_int_equal(company("refund_due"), due);
	assert_int_equal(company("bank"), bank + FEN(3000));
	assert_int_equal(settle_refund(&f, true, &out), ERR_OK); /* the answer was lost */
	assert_int_equal(settle_refund(&f, false, &out), ERR_CONFLICT);

	n = refund_of(&d, 2000, "bank", "b2");
	assert_int_equal(refund(&n, &f, &asked, &why), ERR_OK);
	assert_int_equal(balance(db, d.shop.account), 0);
	assert_int_equal(settle_refund(&f, false, &out), ERR_OK);
	assert_string_equal(out.state, "failed");
	assert_int_equal(settle_refund(&f, false, &out), ERR_OK);
	assert_int_equal(balance(db, d.shop.account), FEN(2000));
	assert_int_equal(company("refund_due"), due);
	assert_int_equal(ledger_get(api, 0, f.entry_id, &e), ERR_OK);
	assert_int_equal(e.reversed_by, out.settled_entry_id);
	books_tie(db);
}

static void an_order_goes_back_through_its_service_up_to_what_it_paid(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct order_new o = { .account_id = d.shop.account,
		.amount_fen = 5000,
		.channel = "wechat_native",
		.service = "wechat",
		.payer_address = "" };
	struct refund_new n = refund_of(&d, 3000, "service", "o1");
	int64_t clearing = company("clearing:wechat"), asked;
	enum credit_outcome outcome;
	struct refund f, out;
	struct order order;
	struct payment p;
	struct problem why;

	assert_int_equal(order_create(api, &o, T0, &order, &why), ERR_OK);
	n.account_id = 0;
	n.order_id = order.id;
	sell(&d, 9000, "o-sale");
	assert_int_equal(refund(&n, &f, &asked, &why), ERR_CONFLICT); /* not paid */
	p = (struct payment){ "wechat", order.out_trade_no, "books2", 5000, "CNY", T0 };
	assert_int_equal(order_credit(api, &p, "notify", T0, &outcome), ERR_OK);
	assert_int_equal(refund(&n, &f, &asked, &why), ERR_OK);
	assert_string_equal(f.state, "requested");
	assert_string_equal(f.service, "wechat");
	n.once_key = "o2";
	assert_int_equal(refund(&n, &out, &asked, &why), ERR_AMOUNT_LARGE); /* 20.00 are left */
	n.amount_fen = 2000;
	assert_int_equal(refund(&n, &out, &asked, &why), ERR_OK);
	assert_int_equal(settle_refund(&out, false, &out), ERR_OK);
	n.once_key = "o3"; /* what failed may be tried again */
	assert_int_equal(refund(&n, &out, &asked, &why), ERR_OK);
	assert_int_equal(settle_refund(&f, true, &out), ERR_OK);
	assert_int_equal(company("clearing:wechat"), clearing - FEN(5000) + FEN(3000));
	n.site_id++;
	n.once_key = "o4";
	assert_int_equal(refund(&n, &out, &asked, &why), ERR_NOT_FOUND);
	books_tie(db);
}

static void refunds_that_are_refused_change_nothing(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	static const int64_t bad[] = { 0, -1, -1000000, 1001, INT64_C(9000000000000000000) };
	int64_t asked;
	struct problem why;
	struct refund f;

	sell(&d, 1000, "bad-sale");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct refund_new n = refund_of(&d, bad[i], "bank", "bad-refund");

		assert_int_equal(refund(&n, &f, &asked, &why),
			bad[i] < 1 ? ERR_AMOUNT_SMALL : ERR_AMOUNT_LARGE);
		assert_string_equal(why.field, "amount_fen");
	}
	assert_int_equal(balance(db, d.shop.account), FEN(1000));
}

/* What was paid out cannot be undone as well: the money would leave twice. */
static void a_sale_that_was_refunded_is_not_undone(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	int64_t entry = sell(&d, 4000, "twice"), asked;
	struct refund_new f = refund_of(&d, 1, "cash", "twice-f");
	struct reversal_new n = undo(&d, entry, d.cashier, "x", "twice-r");
	struct refund out;
	struct problem why;
	struct booked done;

	assert_int_equal(refund(&f, &out, &asked, &why), ERR_OK);
	assert_int_equal(reverse(&n, &done, &why), ERR_CONFLICT);
	sell(&d, 1, "twice-more"); /* enough is there again */
	assert_int_equal(reverse(&n, &done, &why), ERR_OK);
	assert_int_equal(balance(db, d.shop.account), 0);
	books_tie(db);
}

static void a_large_refund_needs_two(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct refund_new n = refund_of(&d, 50001, "cash", "big");
	struct refund f;
	struct problem why;
	struct shift h;
	int64_t asked;

	sell(&d, 60000, "big-sale");
	assert_int_equal(refund(&n, &f, &asked, &why), ERR_OK);
	assert_true(asked > 0);
	assert_int_equal(balance(db, d.shop.account), FEN(60000));
	h = shift(d.cashier);
	assert_int_equal(shift_close(api, h.id, d.cashier, 60000, T0, &h, &why), ERR_OK);
	assert_int_equal(decide(asked, d.finance, true), ERR_SHIFT_CLOSED); /* still pending */
	h = shift(d.cashier);
	assert_int_equal(decide(asked, d.finance, true), ERR_OK);
	assert_int_equal(balance(db, d.shop.account), FEN(9999));
	assert_int_equal(drawer(h.id), FEN(-50001));
	assert_int_equal(decide(asked, d.finance, true), ERR_OK);
	assert_int_equal(balance(db, d.shop.account), FEN(9999));
	books_tie(db);
}

/* ---- adjustments ---- */

static void every_adjustment_has_its_other_side(void **state)
{
	struct db *db = *state;
	static const struct {
		const char *kind, *other;
		int64_t fen, purse, taken; /* what the purse and the other account change by */
	} cases[] = {
		{ "subsidy", "subsidy", 500, 500, -500 },
		{ "subsidy", "subsidy", -200, -200, 200 },
		{ "write_off", "write_off", 300, 300, -300 },
		{ "correction", "energy", 250, 250, -250 },
		{ "correction", "energy", -250, -250, 250 },
		{ "opening", "opening", 1000, 1000, -1000 },
		{ "deposit_in", "bank", 5000, 0, -5000 },
		{ "deposit_out", "bank", 2000, 2000, 0 },
	};
	struct desk d = desk_make(db);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t purse = balance(db, d.shop.account), other = company(cases[i].other);
		char key[24];

		snprintf(key, sizeof(key), "each%zu", i);
		adjusted(&d, cases[i].kind, cases[i].fen, key);
		adjusted(&d, cases[i].kind, cases[i].fen, key); /* repeated */
		assert_int_equal(balance(db, d.shop.account) - purse, FEN(cases[i].purse));
		assert_int_equal(company(cases[i].other) - other, FEN(cases[i].taken));
	}
	books_tie(db);
}

static void arrears_become_debt_and_are_paid_off(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	char code[DEBT_CODE_MAX];
	struct problem why;
	struct booked done;

	adjusted(&d, "opening", -3000, "owes");
	assert_int_equal(adjust(&d, "debt", 3001, "owes-more", &done, &why), ERR_AMOUNT_LARGE);
	adjusted(&d, "debt", 3000, "owes-debt");
	assert_int_equal(balance(db, d.shop.account), 0);
	assert_int_equal(company(debt_code(d.shop.contract, code)), FEN(-3000));
	sell(&d, 1000, "debt-sale"); /* nothing was agreed yet */
	assert_int_equal(balance(db, d.shop.account), FEN(1000));
	shop_set(db, "INSERT INTO contract_debt VALUES (%lld, 500, 1500)",
		(long long)d.shop.contract);
	sell(&d, 2000, "debt-sale2");
	assert_int_equal(balance(db, d.shop.account), FEN(2000));
	sell(&d, 10000, "debt-sale3"); /* the cap */
	assert_int_equal(balance(db, d.shop.account), FEN(10500));
	adjusted(&d, "debt", -500, "debt-rest");
	assert_int_equal(company(debt_code(d.shop.contract, code)), 0);
	assert_int_equal(balance(db, d.shop.account), FEN(10000));
	assert_int_equal(adjust(&d, "debt", -1, "debt-none", &done, &why), ERR_AMOUNT_LARGE);
	books_tie(db);
}

static enum err agree_tx(struct db *db, void *ctx)
{
	const int64_t *v = ctx; /* contract, permille, cap */
	struct problem why = { 0 };

	return debt_agree(db, v[0], v[1], v[2], &why);
}

/* A recharge by phone pays off old debt as one at the desk does. */
static void a_recharge_pays_off_debt_too(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	int64_t terms[] = { d.shop.contract, 200, 100000 };
	struct order_new o = { .account_id = d.shop.account,
		.amount_fen = 5000,
		.channel = "wechat_native",
		.service = "wechat",
		.payer_address = "" };
	AUTO(db_free) struct db *worker = fixture_as("yufu_worker");
	enum credit_outcome outcome;
	char code[DEBT_CODE_MAX];
	struct problem why = { 0 };
	struct order order;
	struct payment p;

	adjusted(&d, "opening", -3000, "r-owes");
	adjusted(&d, "debt", 3000, "r-debt");
	assert_int_equal(db_tx(api, agree_tx, terms), ERR_OK);
	assert_int_equal(order_create(api, &o, T0, &order, &why), ERR_OK);
	p = (struct payment){ "wechat", order.out_trade_no, "books3", 5000, "CNY", T0 };
	assert_int_equal(order_credit(worker, &p, "query", T0, &outcome), ERR_OK);
	assert_int_equal(outcome, CREDIT_DONE);
	assert_int_equal(balance(db, d.shop.account), FEN(4000));
	assert_int_equal(company(debt_code(d.shop.contract, code)), FEN(-2000));
	terms[1] = 1001;
	assert_int_equal(db_tx(api, agree_tx, terms), ERR_OUT_OF_RANGE);
	terms[1] = -1;
	assert_int_equal(db_tx(api, agree_tx, terms), ERR_OUT_OF_RANGE);
	terms[1] = 100; /* of what is never recharged any more */
	shop_set(db, "UPDATE contract SET end_at = 5 WHERE id = %lld", (long long)d.shop.contract);
	assert_int_equal(db_tx(api, agree_tx, terms), ERR_CONFLICT);
	shop_set(db, "UPDATE contract SET end_at = 0 WHERE id = %lld", (long long)d.shop.contract);
	books_tie(db);
}

static void a_transfer_stays_within_the_contract(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db), other = desk_make(db);
	struct adjust_new n = { .account_id = d.shop.account,
		.site_id = d.shop.site,
		.user_id = d.cashier,
		.actor = "user:1",
		.address = "",
		.kind = "transfer",
		.amount_fen = 800,
		.document = "1",
		.reason = "to water",
		.once_key = "t1" };
	struct problem why = { 0 };
	struct booked done;
	int64_t water;

	shop_set(db,
		"INSERT INTO account (code, kind, contract_id, purpose) VALUES"
		" ('purse:%lld:water', 'purse', %lld, 'water')",
		(long long)d.shop.contract, (long long)d.shop.contract);
	water = shop_number(db, "SELECT LAST_INSERT_ID() AS v", 0);
	sell(&d, 1000, "t-sale");
	adjusted(&d, "subsidy", 500, "t-subsidy");
	assert_int_equal(adjust_create(api, &n, T0, &done, &why), ERR_MISSING_FIELD);
	n.to_account_id = other.shop.account;
	assert_int_equal(adjust_create(api, &n, T0, &done, &why), ERR_BAD_VALUE);
	n.to_account_id = d.shop.account;
	assert_int_equal(adjust_create(api, &n, T0, &done, &why), ERR_BAD_VALUE);
	n.to_account_id = water;
	assert_int_equal(adjust_create(api, &n, T0, &done, &why), ERR_OK);
	assert_int_equal(balance(db, d.shop.account), FEN(700));
	assert_int_equal(balance(db, water), FEN(800));
	n.once_key = "t2";
	n.amount_fen = 201; /* 2.00 and the subsidy, which stays */
	assert_int_equal(adjust_create(api, &n, T0, &done, &why), ERR_AMOUNT_LARGE);
	n.once_key = "t1";
	assert_int_equal(adjust_create(api, &n, T0, &done, &why), ERR_IDEMPOTENCY);
	books_tie(db);
}

static void adjustments_that_are_refused_change_nothing(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db), gone = desk_make(db);
	static const struct {
		const char *kind;
		int64_t fen;
		enum err want;
		const char *field;
	} bad[] = {
		{ "subsidy", 0, ERR_AMOUNT_SMALL, "amount_fen" },
		{ "deposit_in", -1, ERR_AMOUNT_SMALL, "amount_fen" },
		{ "deposit_out", -5, ERR_AMOUNT_SMALL, "amount_fen" },
		{ "deposit_out", 1, ERR_AMOUNT_LARGE, "amount_fen" },
		{ "subsidy", -1, ERR_AMOUNT_LARGE, "amount_fen" },
		{ "opening", INT64_C(1000000000000000000), ERR_AMOUNT_LARGE, "amount_fen" },
		{ "opening", INT64_C(-9000000000000000000), ERR_AMOUNT_LARGE, "amount_fen" },
		{ "gift", 1, ERR_BAD_VALUE, "kind" },
		{ "", 1, ERR_BAD_VALUE, "kind" },
		{ "recharge", 1, ERR_BAD_VALUE, "kind" },
	};
	struct problem why;
	struct booked done;
	struct desk elsewhere = d;
	int64_t entries;

	shop_set(db,
		"UPDATE contract c JOIN contract_point p ON p.contract_id = c.id SET c.end_at = 5, "
		"p.to_at = 5 WHERE c.id = %lld",
		(long long)gone.shop.contract);
	entries = shop_number(db, "SELECT COUNT(*) AS v FROM entry", 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(
			adjust(&d, bad[i].kind, bad[i].fen, "bad", &done, &why), bad[i].want);
		assert_string_equal(why.field, bad[i].field);
	}
	assert_int_equal(adjust(&gone, "subsidy", 1, "bad", &done, &why), ERR_CONFLICT);
	elsewhere.shop.site++;
	assert_int_equal(adjust(&elsewhere, "subsidy", 1, "bad", &done, &why), ERR_NOT_FOUND);
	assert_int_equal(shop_number(db, "SELECT COUNT(*) AS v FROM entry", 0), entries);
	adjusted(&gone, "write_off", 1, "gone-off"); /* this a closed one takes */
	books_tie(db);
}

static void a_large_adjustment_needs_two(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct problem why;
	struct booked done;

	assert_int_equal(adjust(&d, "write_off", -50001, "large-w", &done, &why), ERR_OK);
	assert_true(done.approval_id > 0);
	assert_int_equal(balance(db, d.shop.account), 0);
	assert_int_equal(decide(done.approval_id, d.cashier, true), ERR_FORBIDDEN);
	assert_int_equal(decide(done.approval_id, d.finance, true), ERR_OK);
	assert_int_equal(balance(db, d.shop.account), FEN(-50001));
	books_tie(db);
}

/* ---- at the same time ---- */

struct racer {
	pthread_t thread;
	enum err (*act)(struct db *db, const struct racer *r);
	const struct desk *desk;
	int64_t object;
	int n;
	enum err e;
};

static void *race_run(void *arg)
{
	struct racer *r = arg;
	AUTO(db_free) struct db *db = fixture_as("yufu_api");

	r->e = r->act(db, r);
	db_free(&db);
	db_thread_end();
	return NULL;
}

/* How many of them did it. */
static int race(struct racer *racers, size_t n)
{
	int done = 0;

	for (size_t i = 0; i < n; i++) {
		racers[i].n = (int)i;
		assert_int_equal(pthread_create(&racers[i].thread, NULL, race_run, &racers[i]), 0);
	}
	for (size_t i = 0; i < n; i++) {
		pthread_join(racers[i].thread, NULL);
		done += racers[i].e == ERR_OK;
	}
	return done;
}

static enum err race_reverse(struct db *db, const struct racer *r)
{
	char key[24] = "";
	struct reversal_new n = undo(r->desk, r->object, r->desk->cashier, "race", key);
	struct problem why = { 0 };
	struct booked out;

	snprintf(key, sizeof(key), "race-r%d", r->n);
	return reversal_create(db, &n, T0, &out, &why);
}

static void of_eight_reversals_one_is_done(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	int64_t entry = sell(&d, 1000, "race-sale");
	struct racer racers[8];

	for (size_t i = 0; i < ARRAY_LEN(racers); i++)
		racers[i] = (struct racer){ .act = race_reverse, .desk = &d, .object = entry };
	assert_int_equal(race(racers, ARRAY_LEN(racers)), 1);
	for (size_t i = 0; i < ARRAY_LEN(racers); i++)
		assert_true(racers[i].e == ERR_OK || racers[i].e == ERR_ALREADY);
	assert_int_equal(balance(db, d.shop.account), 0);
	books_tie(db);
}

static enum err race_refund(struct db *db, const struct racer *r)
{
	char key[24] = "";
	struct refund_new n = refund_of(r->desk, 400, "bank", key);
	struct problem why = { 0 };
	int64_t approval;
	struct refund f;

	snprintf(key, sizeof(key), "race-f%d", r->n);
	return refund_create(db, &n, T0, &f, &approval, &why);
}

static void of_eight_refunds_as_many_as_there_is_money(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct racer racers[8];

	sell(&d, 1000, "race-sale2");
	for (size_t i = 0; i < ARRAY_LEN(racers); i++)
		racers[i] = (struct racer){ .act = race_refund, .desk = &d };
	assert_int_equal(race(racers, ARRAY_LEN(racers)), 2); /* 4.00 twice of 10.00 */
	assert_int_equal(balance(db, d.shop.account), FEN(200));
	books_tie(db);
}

static enum err race_sell(struct db *db, const struct racer *r)
{
	struct sale_line lines[2] = { { .account_id = r->desk->shop.account, .amount_fen = 1000 },
		{ .account_id = r->object, .amount_fen = 1000 } };
	struct sale_line other[2] = { lines[1], lines[0] };
	struct sale_new n = sale_of(r->desk, r->n % 2 ? lines : other, 2, "");
	struct problem why = { 0 };
	struct sale s;
	char key[24] = "";

	snprintf(key, sizeof(key), "race-s%d", r->n / 2); /* each key twice, in other orders */
	n.once_key = key;
	return sale_create(db, &n, T0, &s, &why);
}

/* Old debt is paid off once, whatever comes at the same time and in whatever order. */
static void sales_at_once_pay_a_debt_once(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct racer racers[8];
	char code[DEBT_CODE_MAX];
	int64_t water;

	shop_set(db,
		"INSERT INTO account (code, kind, contract_id, purpose) VALUES"
		" ('purse:%lld:water', 'purse', %lld, 'water')",
		(long long)d.shop.contract, (long long)d.shop.contract);
	water = shop_number(db, "SELECT LAST_INSERT_ID() AS v", 0);
	adjusted(&d, "opening", -2500, "race-owes");
	adjusted(&d, "debt", 2500, "race-debt");
	shop_set(db, "INSERT INTO contract_debt VALUES (%lld, 500, 100000)",
		(long long)d.shop.contract);
	shift(d.cashier);
	for (size_t i = 0; i < ARRAY_LEN(racers); i++)
		racers[i] = (struct racer){ .act = race_sell, .desk = &d, .object = water };
	assert_int_equal(race(racers, ARRAY_LEN(racers)), 4); /* four keys, each with one body */
	assert_int_equal(company(debt_code(d.shop.contract, code)), 0);
	assert_int_equal(balance(db, d.shop.account) + balance(db, water), FEN(8000 - 2500));
	books_tie(db);
}

static enum err race_deposit(struct db *db, const struct racer *r)
{
	char key[24] = "";
	struct adjust_new n = { .account_id = r->n % 2 ? r->desk->shop.account : r->object,
		.user_id = r->desk->cashier,
		.actor = "user:1",
		.address = "",
		.kind = "deposit_out",
		.amount_fen = 400,
		.document = "1",
		.reason = "race",
		.once_key = key };
	struct problem why = { 0 };
	struct booked out;

	snprintf(key, sizeof(key), "race-d%d", r->n);
	return adjust_create(db, &n, T0, &out, &why);
}

/* Two purses of a contract take from its one deposit: 4.00 twice of 10.00. */
static void a_deposit_is_not_taken_twice(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct racer racers[8];
	int64_t water;

	shop_set(db,
		"INSERT INTO account (code, kind, contract_id, purpose) VALUES"
		" ('purse:%lld:water', 'purse', %lld, 'water')",
		(long long)d.shop.contract, (long long)d.shop.contract);
	water = shop_number(db, "SELECT LAST_INSERT_ID() AS v", 0);
	adjusted(&d, "deposit_in", 1000, "race-deposit");
	for (size_t i = 0; i < ARRAY_LEN(racers); i++)
		racers[i] = (struct racer){ .act = race_deposit, .desk = &d, .object = water };
	assert_int_equal(race(racers, ARRAY_LEN(racers)), 2);
	assert_int_equal(balance(db, d.shop.account) + balance(db, water), FEN(800));
	books_tie(db);
}

/* ---- subsidy and allowance ---- */

static int64_t subsidy(struct db *db, int64_t account)
{
	return shop_number(db, "SELECT subsidy_nano AS v FROM account WHERE id = %lld", account);
}

struct using
{ /* energy worth this much, as settlement takes it */
	int64_t account;
	struct money charge;
};

static enum err use_tx(struct db *db, void *ctx)
{
	const struct using *u = ctx;
	struct charge_sum sum = { .account_id = u->account, .sum = u->charge };

	return charge_post(db, &(struct charges){ .at = &sum, .n = 1 }, T0);
}

static void use(struct db *db, int64_t account, int64_t fen)
{
	AUTO(db_free) struct db *poller = fixture_as("yufu_poller");
	struct using u = { account, { FEN(fen) } };

	(void)db;
	assert_int_equal(db_tx(poller, use_tx, &u), ERR_OK);
}

/* 10.00 paid and 5.00 given: the given goes first, and only the paid comes back. */
static void subsidy_is_spent_first(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct problem why;
	struct booked done;
	struct account a;

	adjusted(&d, "subsidy", 500, "s1");
	sell(&d, 1000, "s-sale");
	use(db, d.shop.account, 300);
	assert_int_equal(subsidy(db, d.shop.account), FEN(200));
	use(db, d.shop.account, -100); /* a correction is not a gift */
	assert_int_equal(subsidy(db, d.shop.account), FEN(200));
	use(db, d.shop.account, 400);
	assert_int_equal(subsidy(db, d.shop.account), 0);
	assert_int_equal(account_get(api, d.shop.account, &a), ERR_OK);
	assert_int_equal(refundable_fen(&a), 900);
	/* what only fills a hole is spent at once */
	use(db, d.shop.account, 1200);
	adjusted(&d, "subsidy", 500, "s2");
	assert_int_equal(balance(db, d.shop.account), FEN(200));
	assert_int_equal(subsidy(db, d.shop.account), FEN(200));
	/* undone, it is gone */
	assert_int_equal(adjust(&d, "subsidy", 100, "s3", &done, &why), ERR_OK);
	assert_int_equal(subsidy(db, d.shop.account), FEN(300));
	assert_int_equal(reverse(&(struct reversal_new){ .entry_id = done.entry_id,
					 .user_id = d.cashier,
					 .actor = "user:1",
					 .address = "",
					 .reason = "x",
					 .once_key = "s3r" },
				 &done, &why),
		ERR_OK);
	assert_int_equal(subsidy(db, d.shop.account), FEN(200));
}

static enum err allow(
	const struct desk *d, const char *unit, int64_t milli, int64_t price, int64_t *approval)
{
	struct allowance_new n = { .contract_id = d->shop.contract,
		.account_id = d->shop.account,
		.site_id = d->shop.site,
		.unit = unit,
		.amount = { milli },
		.price = { price },
		.user_id = d->cashier,
		.actor = "user:1",
		.address = "",
		.reason = "staff",
		.once_key = "allow" };
	struct problem why = { 0 };

	*approval = 0;
	return allowance_set(api, &n, T0, approval, &why);
}

/* 10 kWh at 0.65 a month: 6.50. December begins in Shanghai eight hours before it does in UTC. */
static void an_allowance_is_given_once_a_month(void **state)
{
	AUTO(db_free) struct db *worker = fixture_as("yufu_worker");
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct utc before = { INT64_C(1796054399000) }; /* 2026-11-30 23:59:59 there */
	struct utc december = { INT64_C(1796054400000) };
	struct utc later = { INT64_C(1796400000000) };
	struct utc january = { INT64_C(1798732800000) };
	int64_t asked;

	assert_int_equal(allow(&d, "kwh", 10000, 650000, &asked), ERR_OK);
	assert_int_equal(allowances_give(worker, T0), ERR_OK); /* November has begun long since */
	assert_int_equal(allowances_give(worker, before), ERR_OK);
	assert_int_equal(balance(db, d.shop.account), 0);
	assert_int_equal(allowances_give(worker, december), ERR_OK);
	assert_int_equal(balance(db, d.shop.account), FEN(650));
	assert_int_equal(subsidy(db, d.shop.account), FEN(650));
	assert_int_equal(allowances_give(worker, december), ERR_OK);
	assert_int_equal(allowances_give(worker, later), ERR_OK);
	/* even when it is forgotten that it was given */
	shop_set(db, "UPDATE contract_allowance SET last_month = '' WHERE contract_id = %lld",
		(long long)d.shop.contract);
	shop_set(db, "INSERT INTO setting VALUES (%lld, 'allowance_carries', 1)",
		(long long)d.shop.site);
	assert_int_equal(allowances_give(worker, later), ERR_OK);
	assert_int_equal(balance(db, d.shop.account), FEN(650));
	/* 5.00 used; what is left stays in one month, and expires in the other */
	use(db, d.shop.account, 500);
	assert_int_equal(allowances_give(worker, january), ERR_OK);
	assert_int_equal(subsidy(db, d.shop.account), FEN(150 + 650));
	shop_set(db, "UPDATE setting SET value = 0 WHERE site_id = %lld", (long long)d.shop.site);
	assert_int_equal(allowances_give(worker, (struct utc){ INT64_C(1801411200000) }), ERR_OK);
	assert_int_equal(subsidy(db, d.shop.account), FEN(650));
	assert_int_equal(balance(db, d.shop.account), FEN(650));
}

/* Paid money and other subsidy never expire with an allowance. */
static void only_the_allowance_expires(void **state)
{
	AUTO(db_free) struct db *worker = fixture_as("yufu_worker");
	struct db *db = *state;
	struct desk d = desk_make(db);
	int64_t asked;

	assert_int_equal(allow(&d, "yuan", 8000, 1, &asked), ERR_OK);
	adjusted(&d, "subsidy", 300, "only-s");
	sell(&d, 1000, "only-sale");
	assert_int_equal(allowances_give(worker, (struct utc){ INT64_C(1796054400000) }), ERR_OK);
	assert_int_equal(balance(db, d.shop.account), FEN(2100));
	use(db, d.shop.account, 500); /* of the 8.00 */
	shop_set(db, "UPDATE contract_allowance SET amount_milli = 0 WHERE contract_id = %lld",
		(long long)d.shop.contract);
	assert_int_equal(allowances_give(worker, (struct utc){ INT64_C(1798732800000) }), ERR_OK);
	assert_int_equal(balance(db, d.shop.account), FEN(1300));
	assert_int_equal(subsidy(db, d.shop.account), FEN(300));
}

static void allowances_have_limits(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db), other = desk_make(db), wrong = d;
	struct allowance w;
	int64_t asked;

	assert_int_equal(allow(&d, "kwh", -1, 650000, &asked), ERR_OUT_OF_RANGE);
	assert_int_equal(allow(&d, "kwh", 1000, 0, &asked), ERR_OUT_OF_RANGE);
	assert_int_equal(allow(&d, "yuan", INT64_C(1000000001), 1, &asked), ERR_OUT_OF_RANGE);
	assert_int_equal(allow(&d, "hours", 1, 1, &asked), ERR_BAD_VALUE);
	wrong.shop.account = other.shop.account;
	assert_int_equal(allow(&wrong, "yuan", 1000, 1, &asked), ERR_NOT_FOUND);
	assert_int_equal(allowance_get(api, d.shop.contract, &w), ERR_NOT_FOUND);
	/* 500.01 a month */
	assert_int_equal(allow(&d, "yuan", 500010, 1, &asked), ERR_OK);
	assert_true(asked > 0);
	assert_int_equal(allowance_get(api, d.shop.contract, &w), ERR_NOT_FOUND);
	assert_int_equal(decide(asked, d.finance, true), ERR_OK);
	assert_int_equal(allowance_get(api, d.shop.contract, &w), ERR_OK);
	assert_int_equal(w.amount.milli, 500010);
}

/* Reading: filters, pages, what is of another site. */
static void entries_are_found(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct list_ask all = list_ask_of(&ledger_listing, "id", true, 2), ask = all;
	int64_t first = sell(&d, 100, "find1"), second = sell(&d, 200, "find2"),
		third = sell(&d, 300, "find3");
	AUTO(rows_free) struct rows page = { 0 }, rest = { 0 }, none = { 0 }, own = { 0 };
	struct arg site = arg_i64(d.shop.site);
	const struct ledger_entry *e;
	struct list_place next;

	assert_int_equal(db_page(api, &ledger_listing, &ask, ARGS(site), &page, &next), ERR_OK);
	e = page.at;
	assert_int_equal(page.n, 2);
	assert_int_equal(e[0].id, third);
	assert_int_equal(e[0].amount.nano, FEN(300));
	assert_int_equal(e[1].id, second);
	ask.after = next;
	list_ask_filter(&ask, &ledger_listing, "account_id", arg_i64(d.shop.account));
	assert_int_equal(db_page(api, &ledger_listing, &ask, ARGS(site), &rest, &next), ERR_OK);
	assert_int_equal(rest.n, 1);
	assert_int_equal(((const struct ledger_entry *)rest.at)->id, first);
	assert_int_equal(next.n, 0);
	ask = all;
	list_ask_filter(&ask, &ledger_listing, "kind", arg_text("refund"));
	assert_int_equal(db_page(api, &ledger_listing, &ask, ARGS(site), &none, &next), ERR_OK);
	assert_int_equal(none.n, 0);
	ask = all;
	ask.limit = 9;
	list_ask_filter(&ask, &ledger_listing, "kind", arg_text("sale"));
	list_ask_filter(&ask, &ledger_listing, "from", arg_text("2026-11-22"));
	list_ask_filter(&ask, &ledger_listing, "to", arg_text("2026-11-22"));
	assert_int_equal(db_page(api, &ledger_listing, &ask, ARGS(site), &own, &next), ERR_OK);
	assert_int_equal(own.n, 3);
}

static void the_desk_undoes_its_own_sales(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	int64_t small = sell(&d, 20000, "desk:1"), large = sell(&d, 20001, "desk:2"), cash;
	struct reversal_new n = undo(&d, small, d.cashier, "wrong shop", "desk-undo:1");
	struct booked first, again;
	struct problem why;
	struct shift h = shift(d.cashier);

	n.own_sales_only = true;
	cash = drawer(h.id);
	assert_int_equal(reverse(&n, &first, &why), ERR_OK);
	assert_true(first.entry_id > 0);
	assert_int_equal(drawer(h.id), cash - 20000 * NANO_PER_FEN);
	assert_int_equal(reverse(&n, &again, &why), ERR_OK);
	assert_int_equal(again.entry_id, first.entry_id);
	/* One fen above the limit of the desk somebody else decides. */
	n = undo(&d, large, d.cashier, "wrong shop", "desk-undo:2");
	n.own_sales_only = true;
	assert_int_equal(reverse(&n, &again, &why), ERR_OK);
	assert_int_equal(again.entry_id, 0);
	assert_true(again.approval_id > 0);
	/* Neither another's sale, nor what is no sale, nor one of a shift that was counted. */
	n = undo(&d, large, d.finance, "x", "desk-undo:3");
	n.own_sales_only = true;
	assert_int_equal(reverse(&n, &again, &why), ERR_FORBIDDEN);
	n = undo(&d, first.entry_id, d.cashier, "x", "desk-undo:4");
	n.own_sales_only = true;
	assert_int_not_equal(reverse(&n, &again, &why), ERR_OK);
	assert_int_equal(shift_close(api, h.id, d.cashier, 20001, T0, &h, &why), ERR_OK);
	n = undo(&d, large, d.cashier, "x", "desk-undo:5");
	n.own_sales_only = true;
	assert_int_equal(reverse(&n, &again, &why), ERR_FORBIDDEN);
	books_tie(db);
}

static void attempts_of(int64_t site, int64_t account, struct rows *out)
{
	struct list_ask ask = list_ask_of(&attempt_listing, "id", true, 9);
	struct list_place next;

	if (account)
		list_ask_filter(&ask, &attempt_listing, "account_id", arg_i64(account));
	assert_int_equal(
		db_page(api, &attempt_listing, &ask, ARGS(arg_i64(site)), out, &next), ERR_OK);
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
	attempts_of(d.shop.site, d.shop.account, &rows);
	a = rows.at;
	assert_int_equal(rows.n, 1);
	assert_string_equal(a->code, "amount_too_large");
	assert_string_equal(a->why, "at most");
	attempts_of(d.shop.site + 1, 0, &other);
	assert_int_equal(other.n, 0);
	/* Staff of another site see what they asked themselves: it may not tell whose account it
	 * is. */
	rows_free(&other);
	assert_int_equal(attempt_add(api,
				 &(struct attempt_new){ .kind = "refund",
					 .account_id = d.shop.account,
					 .site_id = d.shop.site + 1,
					 .why = ERR_NOT_FOUND,
					 .text = "",
					 .actor = "user:2" },
				 T0),
		ERR_OK);
	attempts_of(d.shop.site + 1, d.shop.account, &other);
	assert_int_equal(other.n, 1);
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
		cmocka_unit_test(the_desk_undoes_its_own_sales),
		cmocka_unit_test(a_key_is_good_for_one_sale),
		cmocka_unit_test(sales_that_are_refused_change_nothing),
		cmocka_unit_test(the_book_day_is_that_of_the_shop),
		cmocka_unit_test(a_wrong_sale_is_undone_once),
		cmocka_unit_test(cash_comes_back_from_an_open_drawer),
		cmocka_unit_test(a_sale_of_a_sealed_day_is_undone_today),
		cmocka_unit_test(cash_comes_back_from_the_drawer_of_the_sale),
		cmocka_unit_test(above_the_limit_a_second_person_decides),
		cmocka_unit_test(what_came_from_outside_or_is_sealed_is_not_undone),
		cmocka_unit_test(cash_goes_back_up_to_what_was_paid),
		cmocka_unit_test(a_transfer_waits_until_somebody_says_how_it_ended),
		cmocka_unit_test(an_order_goes_back_through_its_service_up_to_what_it_paid),
		cmocka_unit_test(refunds_that_are_refused_change_nothing),
		cmocka_unit_test(a_sale_that_was_refunded_is_not_undone),
		cmocka_unit_test(a_large_refund_needs_two),
		cmocka_unit_test(every_adjustment_has_its_other_side),
		cmocka_unit_test(arrears_become_debt_and_are_paid_off),
		cmocka_unit_test(a_recharge_pays_off_debt_too),
		cmocka_unit_test(a_transfer_stays_within_the_contract),
		cmocka_unit_test(adjustments_that_are_refused_change_nothing),
		cmocka_unit_test(a_large_adjustment_needs_two),
		cmocka_unit_test(of_eight_reversals_one_is_done),
		cmocka_unit_test(of_eight_refunds_as_many_as_there_is_money),
		cmocka_unit_test(sales_at_once_pay_a_debt_once),
		cmocka_unit_test(a_deposit_is_not_taken_twice),
		cmocka_unit_test(subsidy_is_spent_first),
		cmocka_unit_test(an_allowance_is_given_once_a_month),
		cmocka_unit_test(only_the_allowance_expires),
		cmocka_unit_test(allowances_have_limits),
		cmocka_unit_test(entries_are_found),
		cmocka_unit_test(refused_attempts_stay),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
