/* Bills against the books in a real database: as the worker fetches and compares, as finance
 * resolves by the API's user. After each act everything ties, by `yufu verify`. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/verify.h"
#include "domain/approval.h"
#include "domain/ledger.h"
#include "domain/order.h"
#include "domain/reconciliation.h"
#include "domain/refund.h"
#include "domain/reversal.h"
#include "domain/role.h"
#include "shop_fixture.h"

#define FEN(n) ((int64_t)(n)*NANO_PER_FEN)
#define HOUR INT64_C(3600000)
#define DAY_MS (24 * HOUR)
#define ROWS_MAX 400
#define MUST(act)                                                                                  \
	do {                                                                                       \
		enum err e_ = (act);                                                               \
		if (e_ != ERR_OK)                                                                  \
			fail_msg("%s:%d: %s %s: %s", __FILE__, __LINE__, err_word(e_), why.field,  \
				why.text);                                                         \
	} while (0)

static const struct reconciliation_rules rules = { 10, 30, 60 };
static struct db *api, *worker;
static struct problem why;
static struct shop shop;
static int64_t finance, second;
static struct day today; /* a Beijing day, another one for each test */
static int keys;

/* A bill in the making. */
struct sheet {
	struct bill_entry rows[ROWS_MAX];
	char texts[ROWS_MAX][4][72];
	size_t n;
};

static int64_t staff(struct db *db, const char *name)
{
	shop_set(db,
		"INSERT INTO user (username, kind, role_id) SELECT '%s', 'staff', id FROM role"
		" WHERE code = 'finance'",
		name);
	return shop_number(db, "SELECT LAST_INSERT_ID() AS v", 0);
}

static int open_all(void **state)
{
	struct db *db;

	if (fixture_open(state) != 0)
		return -1;
	db = *state;
	api = fixture_as("yufu_api");
	worker = fixture_as("yufu_worker");
	assert_int_equal(roles_install(db), ERR_OK);
	shop = shop_make(db, 1);
	shop_set(
		db, "UPDATE account SET balance_nano = 0 WHERE id = %lld", (long long)shop.account);
	finance = staff(db, "finance");
	second = staff(db, "second");
	today = beijing_day((struct utc){ SHOP_T0 });
	return 0;
}

static int close_all(void **state)
{
	db_free(&api);
	db_free(&worker);
	return fixture_close(state);
}

/* Tests share a database; each has days of its own. */
static int next_days(void **state)
{
	(void)state;
	today.days += 40;
	/* of what others left resolved */
	assert_int_equal(
		reconciliation_fees(worker, "wechat", (struct utc){ beijing_start(today).ms }),
		ERR_OK);
	why = (struct problem){ 0 };
	return 0;
}

static void books_tie(struct db *db)
{
	AUTO(json_free) json_t *findings = json_array();

	assert_int_equal(verify_run(db, findings), ERR_OK);
	if (json_array_size(findings))
		fail_msg("%s", json_dumps(findings, JSON_INDENT(1)));
}

static struct utc at(struct day d, int64_t hours)
{
	return (struct utc){ beijing_start(d).ms + hours * HOUR };
}

static struct day plus(struct day d, int days)
{
	return (struct day){ d.days + days };
}

static int64_t company(const char *code)
{
	struct money sum = { 0 };

	assert_int_equal(ledger_sum(api, code, &sum), ERR_OK);
	return sum.nano;
}

static int64_t balance(struct db *db)
{
	return shop_number(
		db, "SELECT balance_nano AS v FROM account WHERE id = %lld", shop.account);
}

/* ---- what happens ---- */

static struct order order_at(struct utc t, int64_t fen)
{
	struct order_new n = { .account_id = shop.account,
		.amount_fen = fen,
		.channel = "wechat_native",
		.service = "wechat",
		.payer_address = "" };
	struct order o;

	MUST(order_create(api, &n, t, &o, &why));
	return o;
}

static enum credit_outcome credit(const struct order *o, const char *transaction, struct utc t)
{
	enum credit_outcome outcome;
	struct payment p = { "wechat", o->out_trade_no, transaction, o->amount_fen, "CNY", t };

	MUST(order_credit(api, &p, "notify", t, &outcome));
	return outcome;
}

static const char *transaction_make(void)
{
	static char text[32];

	snprintf(text, sizeof(text), "42000%06d", ++keys);
	return text;
}

/* A refund that the service has carried out. */
static struct refund refund_at(const struct order *o, int64_t fen, struct utc t, bool done)
{
	char key[32];
	struct refund_new n = { .order_id = o->id,
		.user_id = finance,
		.actor = "user:1",
		.address = "",
		.amount_fen = fen,
		.method = "service",
		.reason = "x",
		.once_key = key };
	struct refund_settling s = { .done = done, .note = "x", .actor = "user:1", .address = "" };
	struct refund f;
	int64_t approval = 0;

	snprintf(key, sizeof(key), "refund-%d", ++keys);
	MUST(refund_create(api, &n, t, &f, &approval, &why));
	s.id = f.id;
	MUST(refund_settle(api, &s, t, &f, &why));
	return f;
}

/* ---- what the bill says ---- */

static struct bill_entry *sheet_add(struct sheet *s, const char *out_trade_no,
	const char *transaction, int64_t fen, struct utc t)
{
	struct bill_entry *r = &s->rows[s->n];
	char(*texts)[72] = s->texts[s->n++];

	assert_true(s->n < ROWS_MAX);
	snprintf(texts[0], 72, "%s", out_trade_no);
	snprintf(texts[1], 72, "%s", transaction);
	*r = (struct bill_entry){ .out_trade_no = texts[0],
		.transaction_id = texts[1],
		.out_refund_no = "",
		.refund_id = "",
		.state = "SUCCESS",
		.amount_fen = fen,
		.fee = { fen * 60 * 1000 },
		.at = t };
	return r;
}

static struct bill_entry *sheet_refund(struct sheet *s, const char *out_trade_no,
	const char *out_refund_no, int64_t fen, struct utc t)
{
	struct bill_entry *r = sheet_add(s, out_trade_no, "4200", fen, t);
	char(*texts)[72] = s->texts[s->n - 1];

	snprintf(texts[2], 72, "%s", out_refund_no);
	snprintf(texts[3], 72, "50%s", out_refund_no);
	r->refund = true;
	r->out_refund_no = texts[2];
	r->refund_id = texts[3];
	r->fee.nano = -r->fee.nano;
	return r;
}

static struct bill bill_of(const struct sheet *s)
{
	struct bill b = { .rows = s->rows, .n = s->n };

	for (size_t i = 0; i < s->n; i++) {
		if (s->rows[i].refund)
			b.refunded_fen += s->rows[i].amount_fen;
		else
			b.paid_fen += s->rows[i].amount_fen;
		b.fee.nano += s->rows[i].fee.nano;
	}
	return b;
}

static struct reconciliation of_day(struct day d)
{
	char text[DAY_TEXT_MAX];
	AUTO(rows_free) struct rows rows = { 0 };
	struct list_ask ask = list_ask_of(&reconciliation_listing, "id", true, 2);
	struct list_place next;

	day_text(d, text);
	list_ask_filter(&ask, &reconciliation_listing, "service", arg_text("wechat"));
	list_ask_filter(&ask, &reconciliation_listing, "from", arg_text(text));
	list_ask_filter(&ask, &reconciliation_listing, "to", arg_text(text));
	assert_int_equal(
		db_page(api, &reconciliation_listing, &ask, NO_ARGS, &rows, &next), ERR_OK);
	assert_int_equal(rows.n, 1);
	return *(const struct reconciliation *)rows.at;
}

/* As the worker does it. */
static struct reconciliation fetch(struct day d, const struct sheet *s, struct utc now)
{
	struct reconciliation r, claimed;
	struct bill b = bill_of(s);

	assert_int_equal(reconciliation_ask(api, "wechat", d, "user:1", "", now, &r), ERR_OK);
	assert_int_equal(reconciliation_claim(worker, "wechat", "w1", now, &claimed), ERR_OK);
	assert_int_equal(claimed.id, r.id);
	assert_int_equal(reconciliation_store(worker, &claimed, &b, &rules, now), ERR_OK);
	return of_day(d);
}

static struct difference only_difference(const struct reconciliation *r, const char *kind)
{
	AUTO(rows_free) struct rows rows = { 0 };

	assert_int_equal(difference_list(api, r->id, &rows), ERR_OK);
	assert_int_equal(rows.n, 1);
	assert_string_equal(((const struct difference *)rows.at)->kind, kind);
	return *(const struct difference *)rows.at;
}

static enum err resolve(const struct difference *d, const char *action, struct utc now,
	struct difference *out, int64_t *approval)
{
	char key[32], actor[32];
	struct resolving_new n = { .difference_id = d->id,
		.action = action,
		.reason = "seen",
		.user_id = finance,
		.actor = actor,
		.address = "",
		.once_key = key };

	snprintf(key, sizeof(key), "resolve-%d", ++keys);
	snprintf(actor, sizeof(actor), "user:%lld", (long long)finance);
	why = (struct problem){ 0 };
	*approval = 0;
	return difference_resolve(api, &n, now, out, approval, &why);
}

static void approve(int64_t approval, struct utc now)
{
	char actor[32];
	struct approval_decision d = { .id = approval,
		.user_id = second,
		.actor = actor,
		.address = "",
		.approve = true,
		.note = "",
		.now = now };
	struct approval a;

	snprintf(actor, sizeof(actor), "user:%lld", (long long)second);
	MUST(approval_decide(api, &d, &a, &why));
}

/* By one person, or by two where it takes two. */
static void resolve_now(const struct difference *d, const char *action, struct utc now)
{
	struct difference out;
	int64_t approval;

	MUST(resolve(d, action, now, &out, &approval));
	if (approval)
		approve(approval, now);
	assert_int_equal(difference_get(api, d->id, &out), ERR_OK);
	assert_string_equal(out.state, "resolved");
	assert_string_equal(out.action, action);
}

static int64_t alarms(struct db *db, const char *kind, int64_t id)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
		"SET @n = (SELECT COUNT(*) FROM alarm WHERE open_key ="
		" '%s:reconciliation:%lld')",
		kind, (long long)id);
	fixture_sql(db, sql);
	return FIXTURE_VALUE(db, "SELECT @n AS v");
}

/* ---- one thing at a time ---- */

static void a_day_that_ties_books_its_fee_once(void **state)
{
	struct db *db = *state;
	int64_t owed = -company("clearing:wechat"), cost = -company("channel_fee");
	struct order o = order_at(at(today, 9), 5000);
	const char *t = transaction_make();
	struct sheet s = { 0 };
	struct reconciliation r;

	assert_int_equal(credit(&o, t, at(today, 9)), CREDIT_DONE);
	sheet_add(&s, o.out_trade_no, t, 5000, at(today, 9));
	r = fetch(today, &s, at(today, 34));
	assert_string_equal(r.state, "ties");
	assert_int_equal(r.matched, 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(reconciliation_fees(worker, "wechat", at(today, 34)), ERR_OK);
	assert_int_equal(-company("channel_fee") - cost, FEN(30));
	assert_int_equal(-company("clearing:wechat") - owed, FEN(4970)); /* what it still owes */
	books_tie(db);
}

static void the_same_bill_again_changes_nothing(void **state)
{
	struct db *db = *state;
	struct sheet s = { 0 };
	struct reconciliation r;
	struct order o = order_at(at(today, 9), 700);

	sheet_add(&s, o.out_trade_no, transaction_make(), 700, at(today, 9));
	r = fetch(today, &s, at(today, 34));
	assert_string_equal(r.state, "differs");
	r = fetch(today, &s, at(today, 35));
	r = fetch(today, &s, at(today, 36));
	assert_int_equal(r.revision, 1);
	assert_int_equal(r.unresolved, 1);
	assert_int_equal(alarms(db, "bill_changed", r.id), 0);
	assert_int_equal(
		shop_number(db, "SELECT COUNT(*) AS v FROM bill_row WHERE reconciliation_id = %lld",
			r.id),
		1);
	only_difference(&r, "missing_here");
	books_tie(db);
}

static void a_changed_bill_is_kept_beside_the_first_and_alarmed(void **state)
{
	struct db *db = *state;
	struct order o = order_at(at(today, 9), 700);
	const char *t = transaction_make();
	struct sheet s = { 0 };
	struct reconciliation r;
	int64_t cost = -company("channel_fee");

	credit(&o, t, at(today, 9));
	sheet_add(&s, o.out_trade_no, t, 700, at(today, 9));
	r = fetch(today, &s, at(today, 34));
	assert_int_equal(reconciliation_fees(worker, "wechat", at(today, 34)), ERR_OK);
	s.rows[0].fee.nano += FEN(1) - 1;
	r = fetch(today, &s, at(today, 40));
	assert_int_equal(r.revision, 2);
	assert_int_equal(alarms(db, "bill_changed", r.id), 1);
	assert_int_equal(reconciliation_fees(worker, "wechat", at(today, 40)), ERR_OK);
	assert_int_equal(-company("channel_fee") - cost, 700 * 60000 + FEN(1) - 1);
	s.rows[0].amount_fen = 600; /* now it does not tie any more ... */
	r = fetch(today, &s, at(today, 41));
	assert_string_equal(r.state, "differs");
	s.rows[0].amount_fen = 700; /* ... and now again: by itself */
	r = fetch(today, &s, at(today, 42));
	assert_string_equal(r.state, "resolved");
	assert_int_equal(r.revision, 4);
	s.rows[0].amount_fen = 600;
	r = fetch(today, &s, at(today, 43));
	assert_string_equal(r.state, "differs");
	assert_int_equal(alarms(db, "bill_differs", r.id), 1);
	resolve_now(&(struct difference){ .id = only_difference(&r, "amount").id }, "suspense",
		at(today, 44));
	assert_int_equal(alarms(db, "bill_differs", r.id), 0);
	books_tie(db);
}

static void paid_there_and_not_here_is_credited_like_any_payment(void **state)
{
	struct db *db = *state;
	struct order o = order_at(at(today, 9), 1234);
	int64_t before = balance(db);
	struct sheet s = { 0 };
	struct reconciliation r;
	struct difference d, again;
	int64_t approval;

	sheet_add(&s, o.out_trade_no, transaction_make(), 1234, at(today, 9));
	r = fetch(today, &s, at(today, 34));
	d = only_difference(&r, "missing_here");
	assert_int_equal(d.order_id, o.id);
	resolve_now(&d, "credit", at(today, 35));
	assert_int_equal(balance(db) - before, FEN(1234));
	MUST(order_get(api, o.id, &o));
	assert_string_equal(o.state, "paid");
	assert_int_equal(o.paid_at.ms, at(today, 9).ms);
	/* the notify comes after all */
	assert_int_equal(credit(&o, d.transaction_id, at(today, 36)), CREDIT_REPEATED);
	assert_int_equal(balance(db) - before, FEN(1234));
	assert_int_equal(resolve(&d, "credit", at(today, 35), &again, &approval), ERR_OK);
	assert_int_equal(resolve(&d, "suspense", at(today, 35), &again, &approval), ERR_CONFLICT);
	r = of_day(today);
	assert_string_equal(r.state, "resolved");
	books_tie(db);
}

static void what_was_credited_meanwhile_resolves_itself(void **state)
{
	struct db *db = *state;
	struct order o = order_at(at(today, 9), 1234);
	struct sheet s = { 0 };
	struct reconciliation r;
	struct difference d;

	sheet_add(&s, o.out_trade_no, transaction_make(), 1234, at(today, 9));
	r = fetch(today, &s, at(today, 34));
	d = only_difference(&r, "missing_here");
	assert_int_equal(credit(&o, d.transaction_id, at(today, 9)), CREDIT_DONE);
	assert_int_equal(reconciliation_recheck(worker, "wechat", &rules, at(today, 35)), ERR_OK);
	d = only_difference(&r, "missing_here");
	assert_string_equal(d.state, "resolved");
	assert_string_equal(d.action, "found");
	assert_int_equal(alarms(db, "bill_differs", r.id), 0);
	books_tie(db);
}

static void a_payment_of_nobody_lies_in_suspense_and_is_never_credited_as_well(void **state)
{
	struct db *db = *state;
	int64_t suspense = company("suspense");
	struct sheet s = { 0 };
	struct reconciliation r;
	struct difference d, out;
	int64_t approval;

	sheet_add(&s, "NOBODYS1", transaction_make(), 900, at(today, 9));
	r = fetch(today, &s, at(today, 34));
	d = only_difference(&r, "missing_here");
	assert_int_equal(resolve(&d, "credit", at(today, 35), &out, &approval), ERR_CONFLICT);
	assert_string_equal(why.field, "action");
	assert_int_equal(resolve(&d, "reverse", at(today, 35), &out, &approval), ERR_CONFLICT);
	assert_int_equal(resolve(&d, "gift", at(today, 35), &out, &approval), ERR_BAD_VALUE);
	resolve_now(&d, "suspense", at(today, 35));
	assert_int_equal(company("suspense") - suspense, FEN(900));
	s.rows[0].fee.nano++; /* another bill: looked through again, and what is booked ties */
	r = fetch(today, &s, at(today, 36));
	assert_int_equal(r.revision, 2);
	assert_string_equal(r.state, "resolved");
	assert_int_equal(r.matched, 1);
	only_difference(&r, "missing_here");
	books_tie(db);
}

static void a_second_payment_that_was_never_told_goes_to_suspense(void **state)
{
	struct db *db = *state;
	struct order o = order_at(at(today, 9), 900);
	int64_t suspense = company("suspense");
	const char *t = transaction_make();
	struct sheet s = { 0 };
	struct reconciliation r;
	struct difference d;

	credit(&o, t, at(today, 9));
	sheet_add(&s, o.out_trade_no, t, 900, at(today, 9));
	sheet_add(&s, o.out_trade_no, transaction_make(), 900, at(today, 10));
	r = fetch(today, &s, at(today, 34));
	assert_int_equal(r.matched, 1);
	d = only_difference(&r, "second");
	resolve_now(&d, "credit", at(today, 35));
	assert_int_equal(company("suspense") - suspense, FEN(900));
	books_tie(db);
}

static void credited_and_never_paid_is_taken_back_by_two_persons(void **state)
{
	struct db *db = *state;
	struct order o = order_at(at(today, 9), 800);
	int64_t before = balance(db), owed = company("clearing:wechat"), approval;
	struct sheet s = { 0 };
	struct reconciliation r;
	struct difference d, out;

	credit(&o, transaction_make(), at(today, 9));
	r = fetch(today, &s, at(today, 34));
	d = only_difference(&r, "missing_there");
	MUST(resolve(&d, "reverse", at(today, 35), &out, &approval));
	assert_true(approval > 0);
	assert_int_equal(balance(db) - before, FEN(800)); /* not yet */
	approve(approval, at(today, 36));
	assert_int_equal(balance(db), before);
	assert_int_equal(company("clearing:wechat"), owed);
	assert_string_equal(of_day(today).state, "resolved");
	books_tie(db);
}

/* Paid at 23:59:59; the service has it on the next day. Its notify came after midnight. */
static void what_is_close_to_midnight_waits_for_the_next_bill(void **state)
{
	struct db *db = *state;
	struct utc late = { at(today, 24).ms - 1000 };
	struct order o = order_at(at(today, 23), 800), p = order_at(at(today, 23), 900);
	struct sheet s = { 0 }, next = { 0 };
	char first[32], other[32];

	snprintf(first, sizeof(first), "%s", transaction_make());
	snprintf(other, sizeof(other), "%s", transaction_make());
	credit(&o, first, late);
	credit(&p, other, late);
	sheet_add(&s, p.out_trade_no, other, 900, late);
	assert_string_equal(fetch(today, &s, at(today, 34)).state, "fetched");
	assert_int_equal(of_day(today).late, 1);
	sheet_add(&next, o.out_trade_no, first, 800, at(today, 24));
	assert_string_equal(fetch(plus(today, 1), &next, at(today, 58)).state, "ties");
	assert_int_equal(reconciliation_recheck(worker, "wechat", &rules, at(today, 58)), ERR_OK);
	assert_string_equal(of_day(today).state, "ties");
	books_tie(db);
}

static void a_person_may_wait_and_waits_in_vain(void **state)
{
	struct db *db = *state;
	struct order o = order_at(at(today, 9), 800);
	struct sheet s = { 0 };
	struct reconciliation r;
	struct difference d, out;
	int64_t approval;

	credit(&o, transaction_make(), at(today, 9));
	r = fetch(today, &s, at(today, 34));
	d = only_difference(&r, "missing_there");
	MUST(resolve(&d, "wait", at(today, 35), &out, &approval));
	assert_string_equal(out.state, "waiting");
	assert_int_equal(reconciliation_recheck(worker, "wechat", &rules, at(today, 36)), ERR_OK);
	assert_string_equal(only_difference(&r, "missing_there").state, "waiting");
	fetch(plus(today, 1), &s, at(today, 58));
	assert_int_equal(reconciliation_recheck(worker, "wechat", &rules, at(today, 58)), ERR_OK);
	d = only_difference(&r, "missing_there");
	assert_string_equal(d.state, "open");
	resolve_now(&d, "suspense", at(today, 59));
	books_tie(db);
}

static void refunds_of_one_side_only(void **state)
{
	struct db *db = *state;
	struct order o = order_at(at(today, 8), 5000);
	const char *t = transaction_make();
	struct sheet s = { 0 };
	struct reconciliation r;
	struct refund lost, good, failed;
	AUTO(rows_free) struct rows rows = { 0 };
	const struct difference *d;
	int64_t before, owed;

	credit(&o, t, at(today, 9));
	good = refund_at(&o, 100, at(today, 10), true);
	lost = refund_at(&o, 200, at(today, 10), true);
	failed = refund_at(&o, 300, at(today, 10), false);
	sheet_add(&s, o.out_trade_no, t, 5000, at(today, 9));
	sheet_refund(&s, o.out_trade_no, good.out_refund_no, 100, at(today, 10));
	sheet_refund(&s, o.out_trade_no, failed.out_refund_no, 300, at(today, 10));
	sheet_refund(&s, o.out_trade_no, "CONSOLE1", 400, at(today, 11));
	r = fetch(today, &s, at(today, 34));
	assert_int_equal(r.matched, 2);
	assert_int_equal(difference_list(api, r.id, &rows), ERR_OK);
	assert_int_equal(rows.n, 3);
	d = rows.at;
	assert_string_equal(d[0].kind, "refund_state");
	assert_string_equal(d[1].kind, "refund_missing_here");
	assert_int_equal(d[1].order_id, o.id);
	assert_string_equal(d[2].kind, "refund_missing_there");
	assert_int_equal(d[2].refund_id, lost.id);
	before = balance(db);
	owed = -company("clearing:wechat");
	resolve_now(&d[0], "charge", at(today, 35));
	resolve_now(&d[1], "charge", at(today, 35));
	assert_int_equal(balance(db) - before, FEN(-700));
	resolve_now(&d[2], "suspense", at(today, 35));
	assert_int_equal(-company("clearing:wechat") - owed, FEN(-700 + 200));
	assert_string_equal(of_day(today).state, "resolved");
	books_tie(db);
}

static void another_fee_than_agreed_is_told_and_then_booked_as_billed(void **state)
{
	struct db *db = *state;
	struct order o = order_at(at(today, 9), 5000);
	const char *t = transaction_make();
	int64_t cost = -company("channel_fee");
	struct sheet s = { 0 };
	struct reconciliation r;
	struct difference d;

	credit(&o, t, at(today, 9));
	sheet_add(&s, o.out_trade_no, t, 5000, at(today, 9))->fee.nano = FEN(50);
	r = fetch(today, &s, at(today, 34));
	d = only_difference(&r, "fee");
	assert_int_equal(reconciliation_fees(worker, "wechat", at(today, 34)), ERR_OK);
	assert_int_equal(-company("channel_fee"), cost); /* not before somebody has looked */
	resolve_now(&d, "accept", at(today, 35));
	assert_int_equal(reconciliation_fees(worker, "wechat", at(today, 36)), ERR_OK);
	assert_int_equal(-company("channel_fee") - cost, FEN(50));
	books_tie(db);
}

static void a_bill_that_contradicts_itself_is_not_kept(void **state)
{
	struct db *db = *state;
	struct sheet s = { 0 };
	struct reconciliation r, claimed;
	struct bill b;
	struct utc now = at(today, 34);

	sheet_add(&s, "NOBODYS2", transaction_make(), 900, at(today, 9));
	b = bill_of(&s);
	b.paid_fen++;
	assert_int_equal(reconciliation_ask(api, "wechat", today, "user:1", "", now, &r), ERR_OK);
	assert_int_equal(reconciliation_claim(worker, "wechat", "w1", now, &claimed), ERR_OK);
	assert_int_equal(reconciliation_store(worker, &claimed, &b, &rules, now), ERR_PROTOCOL);
	assert_int_equal(
		reconciliation_failed(worker, &claimed, ERR_PROTOCOL, "sums", now), ERR_OK);
	r = of_day(today);
	assert_string_equal(r.state, "waiting");
	assert_int_equal(alarms(db, "bill_contradicts", r.id), 1);
	fetch(today, &(struct sheet){ 0 }, at(today, 40));
	assert_int_equal(alarms(db, "bill_contradicts", r.id), 0);
	assert_string_equal(of_day(today).state, "ties");
	books_tie(db);
}

static void an_urgent_alarm_when_a_bill_cannot_be_had_for_two_days(void **state)
{
	struct db *db = *state;
	struct reconciliation r, claimed;

	for (int64_t hours = 34; hours < 24 + 48 + 2; hours += 2) {
		struct utc now = at(today, hours);

		assert_int_equal(
			reconciliation_ask(api, "wechat", today, "user:1", "", now, &r), ERR_OK);
		assert_int_equal(
			reconciliation_claim(worker, "wechat", "w1", now, &claimed), ERR_OK);
		assert_int_equal(alarms(db, "bill_missing", r.id), 0);
		assert_int_equal(
			reconciliation_failed(worker, &claimed, ERR_UNKNOWN, "not ready", now),
			ERR_OK);
		assert_int_equal(
			reconciliation_claim(worker, "wechat", "w1", now, &claimed), ERR_NOT_FOUND);
	}
	assert_int_equal(alarms(db, "bill_missing", r.id), 1);
	fetch(today, &(struct sheet){ 0 }, at(today, 80));
	assert_int_equal(alarms(db, "bill_missing", r.id), 0);
}

static void two_workers_do_not_both_keep_a_bill(void **state)
{
	struct db *db = *state;
	AUTO(db_free) struct db *other = fixture_as("yufu_worker");
	struct sheet s = { 0 };
	struct reconciliation r, mine, theirs;
	struct bill b;
	struct utc now = at(today, 34), later = { now.ms + RECONCILIATION_CLAIM_MS + 1 };

	sheet_add(&s, "NOBODYS3", transaction_make(), 900, at(today, 9));
	b = bill_of(&s);
	assert_int_equal(reconciliation_ask(api, "wechat", today, "user:1", "", now, &r), ERR_OK);
	assert_int_equal(reconciliation_claim(worker, "wechat", "w1", now, &mine), ERR_OK);
	assert_int_equal(reconciliation_claim(other, "wechat", "w2", now, &theirs), ERR_NOT_FOUND);
	/* the first sleeps through its claim */
	assert_int_equal(reconciliation_claim(other, "wechat", "w2", later, &theirs), ERR_OK);
	assert_int_equal(reconciliation_store(worker, &mine, &b, &rules, later), ERR_FENCED);
	assert_int_equal(reconciliation_store(other, &theirs, &b, &rules, later), ERR_OK);
	assert_int_equal(of_day(today).rows_n, 1);
	resolve_now(&(struct difference){ .id = only_difference(&r, "missing_here").id },
		"suspense", later);
	books_tie(db);
}

static void missed_days_are_caught_up_within_bounds(void **state)
{
	struct db *db = *state;
	struct reconciliation_rules short_ones = { 10, 5, RECONCILE_NO_FEE };
	struct order_new n = { .account_id = shop.account,
		.amount_fen = 100,
		.channel = "alipay_qr",
		.service = "alipay",
		.payer_address = "" };
	struct order o;

	MUST(reconciliation_plan(worker, "alipay", &short_ones, at(today, 34)));
	assert_int_equal(
		FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM reconciliation WHERE service ="
				  " 'alipay'"),
		0); /* nobody ever paid */
	MUST(order_create(api, &n, at(today, 9), &o, &why));
	MUST(reconciliation_plan(worker, "alipay", &short_ones, at(today, 33)));
	assert_int_equal(
		FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM reconciliation WHERE service ="
				  " 'alipay'"),
		0); /* 09:00 of the day after: an hour too early */
	for (int i = 0; i < 2; i++)
		MUST(reconciliation_plan(worker, "alipay", &short_ones, at(today, 34)));
	assert_int_equal(
		FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM reconciliation WHERE service ="
				  " 'alipay'"),
		1);
	MUST(reconciliation_plan(worker, "alipay", &short_ones, at(plus(today, 3), 34)));
	assert_int_equal(
		FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM reconciliation WHERE service ="
				  " 'alipay'"),
		4);
	MUST(reconciliation_plan(worker, "alipay", &short_ones, at(plus(today, 30), 34)));
	assert_int_equal(
		FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM reconciliation WHERE service ="
				  " 'alipay'"),
		9);
}

static void what_the_service_pays_out(void **state)
{
	struct db *db = *state;
	struct order o = order_at(at(today, 9), 5000);
	struct service_owes owes;
	struct service_payout p, again;
	char document[32];
	struct payout_new n = { .service = "wechat",
		.amount_fen = 4000,
		.document = document,
		.reason = "x",
		.actor = "user:1",
		.address = "",
		.once_key = "payout-1" };
	int64_t bank = -company("bank");
	struct utc now = at(today, 34);

	credit(&o, transaction_make(), at(today, 9));
	snprintf(document, sizeof(document), "B-1");
	MUST(service_payout_book(api, &n, now, &p, &why));
	MUST(service_payout_book(api, &n, now, &again, &why));
	assert_int_equal(again.id, p.id);
	assert_int_equal(-company("bank") - bank, FEN(4000));
	n.amount_fen = 4001;
	assert_int_equal(service_payout_book(api, &n, now, &p, &why), ERR_IDEMPOTENCY);
	n.once_key = "payout-2";
	assert_int_equal(service_payout_book(api, &n, now, &p, &why), ERR_CONFLICT);
	assert_string_equal(why.field, "document");
	snprintf(document, sizeof(document), "B-2");
	MUST(service_owes_get(api, "wechat", &owes));
	n.amount_fen = owes.owed.nano / NANO_PER_FEN + 1;
	assert_int_equal(service_payout_book(api, &n, now, &p, &why), ERR_AMOUNT_LARGE);
	n.amount_fen = 0;
	assert_int_equal(service_payout_book(api, &n, now, &p, &why), ERR_AMOUNT_SMALL);
	assert_string_equal(why.field, "amount_fen");
	books_tie(db);
}

struct racer {
	pthread_t thread;
	const struct difference *d;
	enum err e;
};

static void *race(void *arg)
{
	AUTO(db_free) struct db *db = fixture_as("yufu_api");
	struct racer *r = arg;
	struct problem no = { 0 };
	struct difference out;
	int64_t approval = 0;
	char key[32];
	struct resolving_new n = { .difference_id = r->d->id,
		.action = "suspense",
		.reason = "race",
		.user_id = finance,
		.actor = "user:1",
		.address = "",
		.once_key = key };

	snprintf(key, sizeof(key), "race-%p", arg);
	r->e = difference_resolve(db, &n, at(today, 35), &out, &approval, &no);
	db_free(&db);
	db_thread_end();
	return NULL;
}

static void eight_who_resolve_at_once_make_one_entry(void **state)
{
	struct db *db = *state;
	int64_t suspense = company("suspense");
	struct racer racers[8];
	struct sheet s = { 0 };
	struct reconciliation r;
	struct difference d;

	sheet_add(&s, "NOBODYS4", transaction_make(), 900, at(today, 9));
	r = fetch(today, &s, at(today, 34));
	d = only_difference(&r, "missing_here");
	for (size_t i = 0; i < ARRAY_LEN(racers); i++) {
		racers[i].d = &d;
		assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(racers); i++) {
		pthread_join(racers[i].thread, NULL);
		assert_int_equal(racers[i].e, ERR_OK); /* the same act: answered as it was */
	}
	assert_int_equal(company("suspense") - suspense, FEN(900));
	books_tie(db);
}

/* ---- a month ---- */

#define MONTH 30

static uint64_t seed = 5;
static size_t below(size_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (size_t)((seed >> 33) % n);
}

struct month {
	struct sheet *sheets;
	size_t want[MONTH][DIFF__MAX];
	int64_t billed_nano; /* what all bills say that the service owes */
};

/* A payment at some time of the day, and what may go wrong with it. */
static void month_payment(struct month *m, int day)
{
	static const enum difference_kind kinds[] = { DIFF_NONE, DIFF_NONE, DIFF_NONE, DIFF_NONE,
		DIFF_AMOUNT, DIFF_TWICE, DIFF_FEE, DIFF_MISSING_HERE, DIFF_SECOND,
		DIFF_MISSING_THERE };
	enum difference_kind kind = kinds[below(ARRAY_LEN(kinds))];
	int64_t fen = 100 + (int64_t)below(400);
	struct sheet *s = &m->sheets[day];
	struct utc t = { at(plus(today, day), 1).ms + (int64_t)below(22 * 3600) * 1000 };
	bool known = kind != DIFF_MISSING_HERE || below(2);
	struct order o = order_at(t, fen);
	char no[40], transaction[40];

	snprintf(transaction, sizeof(transaction), "%s", transaction_make());
	snprintf(no, sizeof(no), "%s", known ? o.out_trade_no : transaction);
	m->want[day][kind]++;
	if (kind == DIFF_SECOND) { /* the first one is as it should be */
		char first[40];

		snprintf(first, sizeof(first), "%s", transaction_make());
		credit(&o, first, t);
		sheet_add(s, no, first, fen, t);
	} else if (kind != DIFF_MISSING_HERE) {
		credit(&o, transaction, t);
		for (int i = below(2) ? 0 : 1; i > 0; i--) /* repeats are nothing */
			credit(&o, transaction, t);
	}
	if (kind != DIFF_MISSING_THERE)
		sheet_add(s, no, transaction, fen + (kind == DIFF_AMOUNT), t)->fee.nano +=
			kind == DIFF_FEE ? FEN(1) : 0;
	if (kind == DIFF_TWICE)
		sheet_add(s, no, transaction, fen, t);
	if (kind == DIFF_NONE && below(2)) {
		struct refund f = refund_at(&o, 1 + (int64_t)below(20), t, true);

		sheet_refund(s, no, f.out_refund_no, f.amount_fen, t);
	}
}

static void month_refund(struct month *m, int day)
{
	static const enum difference_kind kinds[] = { DIFF_REFUND_AMOUNT, DIFF_REFUND_STATE,
		DIFF_REFUND_MISSING_HERE, DIFF_REFUND_MISSING_THERE };
	enum difference_kind kind = kinds[below(ARRAY_LEN(kinds))];
	struct sheet *s = &m->sheets[day];
	struct utc t = at(plus(today, day), 12);
	struct order o = order_at(t, 300);
	char transaction[40], no[130];
	struct refund f;

	snprintf(transaction, sizeof(transaction), "%s", transaction_make());
	credit(&o, transaction, t);
	sheet_add(s, o.out_trade_no, transaction, 300, t);
	f = refund_at(&o, 20, t, kind != DIFF_REFUND_STATE);
	snprintf(no, sizeof(no), "%s", f.out_refund_no);
	m->want[day][kind]++;
	if (kind == DIFF_REFUND_MISSING_HERE) { /* a good one, and one that is not ours */
		sheet_refund(s, o.out_trade_no, no, 20, t);
		sheet_refund(s, o.out_trade_no, transaction, 30, t);
	} else if (kind != DIFF_REFUND_MISSING_THERE) {
		sheet_refund(s, o.out_trade_no, no, 20 + (kind == DIFF_REFUND_AMOUNT), t);
	}
}

static void month_resolve(const struct difference *d, struct utc now)
{
	static const char *const ways[DIFF__MAX][2] = {
		[DIFF_MISSING_HERE] = { "credit", "suspense" },
		[DIFF_SECOND] = { "credit", "suspense" },
		[DIFF_MISSING_THERE] = { "reverse", "suspense" },
		[DIFF_AMOUNT] = { "suspense", "suspense" },
		[DIFF_TWICE] = { "suspense", "suspense" },
		[DIFF_FEE] = { "accept", "accept" },
		[DIFF_REFUND_MISSING_HERE] = { "charge", "suspense" },
		[DIFF_REFUND_MISSING_THERE] = { "suspense", "suspense" },
		[DIFF_REFUND_AMOUNT] = { "suspense", "suspense" },
		[DIFF_REFUND_STATE] = { "charge", "suspense" },
	};
	enum difference_kind k = difference_find(d->kind);
	const char *way = ways[k][below(2)];

	resolve_now(d, k == DIFF_MISSING_HERE && !d->order_id ? "suspense" : way, now);
}

static void month_day(struct month *m, int day)
{
	struct utc now = at(plus(today, day), 34);
	struct reconciliation r = fetch(plus(today, day), &m->sheets[day], now);
	struct bill b = bill_of(&m->sheets[day]);
	AUTO(rows_free) struct rows rows = { 0 };
	size_t got[DIFF__MAX] = { 0 };
	const struct difference *d;

	assert_int_equal(difference_list(api, r.id, &rows), ERR_OK);
	d = rows.at;
	for (size_t i = 0; i < rows.n; i++)
		got[difference_find(d[i].kind)]++;
	for (int k = DIFF_NONE + 1; k < DIFF__MAX; k++)
		if (got[k] != m->want[day][k])
			fail_msg("day %d: %zu of %s, not %zu", day, got[k],
				difference_word((enum difference_kind)k), m->want[day][k]);
	m->billed_nano += FEN(b.paid_fen - b.refunded_fen) - b.fee.nano;
	for (size_t i = 0; i < rows.n; i++)
		month_resolve(&d[i], now);
	assert_int_equal(reconciliation_recheck(worker, "wechat", &rules, now), ERR_OK);
	assert_int_equal(reconciliation_fees(worker, "wechat", now), ERR_OK);
	r = of_day(plus(today, day));
	assert_string_equal(r.state, rows.n ? "resolved" : "ties");
}

/* Every doctoring is found and nothing else is; once all is resolved, what clearing holds is to the
 * fen what the bills say. */
static void a_month_ends_with_every_fen_in_its_place(void **state)
{
	struct db *db = *state;
	struct month m = { .sheets = calloc(MONTH, sizeof(*m.sheets)) };
	int64_t owed = -company("clearing:wechat");

	assert_non_null(m.sheets);
	for (int day = 0; day < MONTH; day++) {
		for (size_t i = below(7); i > 0; i--)
			month_payment(&m, day);
		for (size_t i = below(3); i > 0; i--)
			month_refund(&m, day);
		month_day(&m, day);
	}
	free(m.sheets);
	assert_int_equal(-company("clearing:wechat") - owed, m.billed_nano);
	books_tie(db);
}

#define TEST(f) cmocka_unit_test_setup(f, next_days)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_day_that_ties_books_its_fee_once),
		TEST(the_same_bill_again_changes_nothing),
		TEST(a_changed_bill_is_kept_beside_the_first_and_alarmed),
		TEST(paid_there_and_not_here_is_credited_like_any_payment),
		TEST(what_was_credited_meanwhile_resolves_itself),
		TEST(a_payment_of_nobody_lies_in_suspense_and_is_never_credited_as_well),
		TEST(a_second_payment_that_was_never_told_goes_to_suspense),
		TEST(credited_and_never_paid_is_taken_back_by_two_persons),
		TEST(what_is_close_to_midnight_waits_for_the_next_bill),
		TEST(a_person_may_wait_and_waits_in_vain),
		TEST(refunds_of_one_side_only),
		TEST(another_fee_than_agreed_is_told_and_then_booked_as_billed),
		TEST(a_bill_that_contradicts_itself_is_not_kept),
		TEST(an_urgent_alarm_when_a_bill_cannot_be_had_for_two_days),
		TEST(two_workers_do_not_both_keep_a_bill),
		TEST(missed_days_are_caught_up_within_bounds),
		TEST(what_the_service_pays_out),
		TEST(eight_who_resolve_at_once_make_one_entry),
		TEST(a_month_ends_with_every_fen_in_its_place),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
