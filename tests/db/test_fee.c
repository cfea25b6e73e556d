/* Fees by the month, as the worker and the API do them with their own rights. */
#include <stdlib.h>
#include <string.h>

#include "domain/approval.h"
#include "domain/fee.h"
#include "domain/feecut.h"
#include "domain/feepreview.h"
#include "domain/notice.h"
#include "domain/order.h"
#include "domain/role.h"
#include "domain/setting.h"
#include "domain/site.h"
#include "domain/statement.h"
#include "domain/supplypoint.h"
#include "shop_fixture.h"

#define FEN(n) ((n)*NANO_PER_FEN)

static struct db *api, *worker;

static int open_all(void **state)
{
	if (fixture_open(state) != 0 || roles_install(*state) != ERR_OK)
		return -1;
	api = fixture_as("yufu_api");
	worker = fixture_as("yufu_worker");
	return 0;
}

static int close_all(void **state)
{
	db_free(&api);
	db_free(&worker);
	return fixture_close(state);
}

/* Local time in Shanghai, where the shops are. */
static struct utc at(const char *text)
{
	struct utc t = { 0 };
	char full[40];

	snprintf(full, sizeof(full), "%s:00+08:00", text);
	assert_int_equal(utc_parse(full, &t), ERR_OK);
	return t;
}

static struct day day(const char *text)
{
	struct day d = { 0 };

	assert_int_equal(day_parse(text, &d), ERR_OK);
	return d;
}

static struct month month(const char *text)
{
	struct month m = { 0 };

	assert_int_equal(month_parse(text, &m), ERR_OK);
	return m;
}

static struct fee_actor by(const char *when)
{
	return (struct fee_actor){ .actor = "user:1", .address = "", .now = at(when) };
}

static enum err add(const struct shop *s, const char *kind, int64_t fen, const char *from,
	const char *to, const char *key, int64_t *id, struct problem *why)
{
	struct fee_actor who = by("2026-11-01T09:00");
	struct fee_new n = { .contract_id = s->contract,
		.kind = kind,
		.monthly_fen = fen,
		.from = day(from),
		.ends = to[0] != '\0',
		.once_key = key };

	if (n.ends)
		n.to = day(to);
	return fee_add(api, &n, &who, id, why);
}

static int64_t added(const struct shop *s, const char *kind, int64_t fen, const char *from,
	const char *to, const char *key)
{
	struct problem why = { 0 };
	int64_t id = 0;
	enum err e = add(s, kind, fen, from, to, key, &id, &why);

	if (e != ERR_OK)
		fail_msg("%s: %s %s", err_word(e), why.field, why.text);
	return id;
}

static int64_t purse(struct db *db, const struct shop *s)
{
	return shop_number(db,
		"SELECT id AS v FROM account WHERE contract_id = %lld AND purpose = 'fee'",
		s->contract);
}

static int64_t balance(struct db *db, const struct shop *s)
{
	return shop_number(db,
		"SELECT balance_nano AS v FROM account WHERE contract_id = %lld AND purpose = "
		"'fee'",
		s->contract);
}

static int64_t charges(struct db *db, int64_t fee)
{
	return shop_number(
		db, "SELECT COUNT(*) AS v FROM fee_charge WHERE contract_fee_id = %lld", fee);
}

static int64_t notices(struct db *db, const struct shop *s, const char *kind)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
		"SELECT COUNT(*) AS v FROM notice WHERE account_id = %%lld AND kind = '%s'", kind);
	return shop_number(db, sql, purse(db, s));
}

static struct fee_run run(const struct shop *s, const char *m, const char *when)
{
	struct fee_run r = { 0 };

	assert_int_equal(fee_run(api, s->site, month(m), "user:1", at(when), &r, NULL), ERR_OK);
	return r;
}

/* Money comes in as a payment would bring it. */
struct payment_in {
	int64_t account, fen, site;
	struct utc now;
	const char *key;
};

static enum err pay_tx(struct db *db, void *ctx)
{
	const struct payment_in *p = ctx;
	struct day today;
	int64_t bank, entry;
	enum err e = account_company(db, "bank", &bank);

	if (e == ERR_OK)
		e = site_day(db, p->site, p->now, &today);
	if (e == ERR_OK)
		e = entry_post(db,
			&(struct entry){ .kind = "recharge",
				.once_key = p->key,
				.reference = "",
				.actor = "t",
				.memo = "",
				.site_id = p->site,
				.book_day = today,
				.at = p->now },
			(struct posting[]){ { bank, { -FEN(p->fen) }, false },
				{ p->account, { FEN(p->fen) }, true } },
			2, &entry);
	return e == ERR_OK ? account_changed(db, p->account, p->now) : e;
}

static void pay(struct db *db, const struct shop *s, int64_t fen, const char *when, const char *key)
{
	struct payment_in p = { purse(db, s), fen, s->site, at(when), key };

	assert_int_equal(db_tx(api, pay_tx, &p), ERR_OK);
}

static int64_t books_off(struct db *db)
{
	return shop_number(db,
		"SELECT COUNT(*) AS v FROM (SELECT entry_id FROM posting GROUP BY entry_id"
		" HAVING SUM(amount_nano) <> 0) x",
		0);
}

/* ---- charging ---- */

static void a_month_is_charged_once(void **state)
{
	struct db *db = *state;
	struct shop s = shop_make(db, 1);
	int64_t fee = added(&s, "property_fee", 30000, "2026-11-01", "", "f1");
	int64_t rent = added(&s, "rent", 100000, "2026-11-01", "", "f2");
	struct fee_run r;

	assert_int_equal(balance(db, &s), 0); /* the purse was made */
	r = run(&s, "2026-11", "2026-11-01T00:00");
	assert_int_equal(r.fees, 2);
	assert_int_equal(r.amount_fen, 130000);
	assert_int_equal(balance(db, &s), -FEN(130000));
	r = run(&s, "2026-11", "2026-11-15T12:00");
	assert_int_equal(r.fees, 2);
	assert_int_equal(r.amount_fen, 130000);
	assert_int_equal(fees_due(worker, at("2026-11-30T23:59")), ERR_OK);
	assert_int_equal(balance(db, &s), -FEN(130000));
	assert_int_equal(charges(db, fee), 1);
	/* The next month comes with its first minute, by the clock of the site. */
	assert_int_equal(fees_due(worker, at("2026-12-01T00:00")), ERR_OK);
	assert_int_equal(fees_due(worker, at("2026-12-01T00:01")), ERR_OK);
	assert_int_equal(balance(db, &s), -FEN(260000));
	assert_int_equal(charges(db, fee), 2);
	assert_int_equal(charges(db, rent), 2);
	assert_int_equal(
		shop_number(db,
			"SELECT COUNT(*) AS v FROM entry e JOIN fee_charge g ON g.entry_id = e.id"
			" JOIN contract_fee f ON f.id = g.contract_fee_id WHERE f.contract_id = "
			"%lld"
			" AND e.kind = f.kind AND e.once_key = CONCAT('fee:', f.id, ':', g.month)"
			" AND e.memo = g.month AND e.book_day = CONCAT(g.month, '-01')",
			s.contract),
		4);
	assert_int_equal(books_off(db), 0);
	/* Told once that it is short, and nothing is cut for it. */
	assert_int_equal(notices(db, &s, "fee_short"), 1);
	assert_int_equal(notices(db, &s, "arrears"), 0);
	assert_int_equal(shop_number(db, "SELECT COUNT(*) AS v FROM block", 0), 0);
}

static void part_months_by_days(void **state)
{
	struct db *db = *state;
	struct shop s = shop_make(db, 2);
	int64_t fee = added(&s, "property_fee", 30000, "2027-02-16", "2027-04-10", "p1");

	(void)fee;
	/* It has not begun. */
	assert_int_equal(fees_due(worker, at("2027-02-15T23:59")), ERR_OK);
	assert_int_equal(balance(db, &s), 0);
	assert_int_equal(fees_due(worker, at("2027-02-16T00:00")), ERR_OK);
	assert_int_equal(balance(db, &s), -FEN(13929)); /* 13 of 28 days */
	assert_int_equal(fees_due(worker, at("2027-03-01T00:00")), ERR_OK);
	assert_int_equal(balance(db, &s), -FEN(13929 + 30000));
	assert_int_equal(fees_due(worker, at("2027-04-01T00:00")), ERR_OK);
	assert_int_equal(balance(db, &s), -FEN(13929 + 30000 + 10000)); /* 10 of 30 */
	assert_int_equal(fees_due(worker, at("2027-05-01T00:00")), ERR_OK);
	assert_int_equal(fees_due(worker, at("2027-06-01T00:00")), ERR_OK);
	assert_int_equal(balance(db, &s), -FEN(13929 + 30000 + 10000));
}

/* The worker was away for six weeks: nothing is lost, and nothing from before the fee was known. */
static void months_are_caught_up(void **state)
{
	struct db *db = *state;
	struct shop s = shop_make(db, 3);
	int64_t fee = added(&s, "rent", 50000, "2026-09-01", "", "c1"); /* entered in November */

	assert_int_equal(fees_due(worker, at("2027-01-14T10:00")), ERR_OK);
	assert_int_equal(charges(db, fee), 3); /* November, December, January */
	assert_int_equal(balance(db, &s), -FEN(150000));
	/* A person may charge what was before. */
	assert_int_equal(run(&s, "2026-10", "2027-01-14T10:00").fees, 1);
	assert_int_equal(balance(db, &s), -FEN(200000));
	assert_int_equal(run(&s, "2026-08", "2027-01-14T10:00").fees, 0);
	assert_int_equal(balance(db, &s), -FEN(200000));
}

/* ---- what a run would do ---- */

static struct fee_preview preview(const struct shop *s, const char *m, const char *when)
{
	struct fee_preview p;

	assert_int_equal(
		fee_preview(api, &(struct fee_preview_ask){ s->site, 0, month(m), at(when) }, &p),
		ERR_OK);
	return p;
}

static void previewed(const struct fee_preview *p, int64_t fee, const char *state, int days,
	int64_t amount, int64_t due)
{
	const struct fee_preview_row *r = fee_preview_find(p, fee);

	assert_non_null(r);
	assert_string_equal(r->state, state);
	assert_int_equal(r->last.days - r->first.days + 1, days);
	assert_int_equal(r->amount_fen, amount);
	assert_int_equal(r->due_fen, due);
}

static void run_did_as_previewed(struct db *db, const struct fee_preview *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct fee_preview_row *row = &p->at[i];

		assert_int_equal(shop_number(db,
					 "SELECT CAST(COALESCE(SUM(amount_fen), 0) AS SIGNED) AS v"
					 " FROM fee_charge WHERE month = '2027-02' AND"
					 " contract_fee_id = %lld",
					 row->fee_id),
			row->due_fen);
		assert_int_equal(
			shop_number(db, "SELECT balance_nano AS v FROM account WHERE id = %lld",
				row->account_id),
			row->balance_after.nano);
		if (row->due_fen)
			assert_int_equal(
				shop_number(db,
					"SELECT days AS v FROM fee_charge WHERE month = '2027-02'"
					" AND contract_fee_id = %lld",
					row->fee_id),
				row->last.days - row->first.days + 1);
	}
}

/* Each fee and purse after the run is as the preview said. */
static void a_preview_is_what_the_run_then_does(void **state)
{
	struct db *db = *state;
	struct shop s = shop_make(db, 30), gone = shop_make(db, 31);
	struct fee_actor who = by("2027-02-05T10:00");
	struct problem why = { 0 };
	struct fee_preview p;
	int64_t whole = added(&s, "property_fee", 30000, "2026-11-01", "", "v1");
	int64_t part = added(&s, "rent", 100000, "2027-02-01", "2027-02-10", "v2");
	int64_t later = added(&s, "rent", 28000, "2027-02-20", "", "v3");
	int64_t over = added(&gone, "rent", 50000, "2026-11-01", "2027-01-31", "v4");
	int64_t ended = added(&gone, "property_fee", 50000, "2026-11-01", "", "v5");
	int64_t tiny = added(&gone, "rent", 1, "2027-02-03", "2027-02-03", "v6");
	struct fee_run r;

	/* One site. */
	shop_set(db,
		"UPDATE tenant SET site_id = %lld WHERE id = (SELECT tenant_id FROM contract"
		" WHERE id = %lld)",
		(long long)s.site, (long long)gone.contract);
	pay(db, &s, 50000, "2027-02-01T08:00", "v-pay");
	shop_set(db, "UPDATE contract SET end_at = %lld WHERE id = %lld",
		(long long)at("2027-02-15T00:00").ms, (long long)gone.contract);
	shop_set(db, "UPDATE account SET credit_limit_nano = %lld WHERE id = %lld",
		(long long)FEN(10000), (long long)purse(db, &s));

	/* Before it begins: everything, as at its end; and no run may be started. */
	p = preview(&s, "2027-02", "2027-01-31T23:59");
	assert_false(p.begun);
	previewed(&p, later, "due", 9, 9000, 9000);
	fee_preview_free(&p);

	p = preview(&s, "2027-02", "2027-02-05T10:00");
	assert_true(p.begun);
	previewed(&p, whole, "due", 28, 30000, 30000);
	previewed(&p, part, "due", 10, 35714, 35714);
	previewed(&p, later, "later", 9, 9000, 0);
	previewed(&p, ended, "due", 14, 25000, 25000);
	previewed(&p, tiny, "nothing", 1, 0, 0);
	assert_null(fee_preview_find(&p, over));
	assert_int_equal(p.due, 3);
	assert_int_equal(p.due_fen, 90714);
	assert_int_equal(p.later, 1);
	assert_int_equal(p.charged, 0);
	/* 500.00 and 100.00 of credit for 657.14; nothing for 250.00. */
	assert_int_equal(fee_preview_find(&p, part)->balance_after.nano, -FEN(15714));
	assert_int_equal(fee_preview_find(&p, part)->short_by.nano, FEN(5714));
	assert_int_equal(p.shorts, 2);
	assert_int_equal(p.short_by.nano, FEN(5714 + 25000));
	assert_int_equal(balance(db, &s), FEN(50000)); /* it charged nothing */

	r = run(&s, "2027-02", "2027-02-05T10:00");
	assert_int_equal(r.fees, p.due);
	assert_int_equal(r.amount_fen, p.due_fen);
	run_did_as_previewed(db, &p);
	fee_preview_free(&p);

	/* Charged: it says so, and a correction since. */
	assert_int_equal(fee_end(api, whole, day("2027-02-14"), &who, &why), ERR_OK);
	p = preview(&s, "2027-02", "2027-02-05T10:01");
	previewed(&p, whole, "charged", 14, 15000, 0);
	assert_int_equal(fee_preview_find(&p, whole)->charged_fen, 15000);
	previewed(&p, part, "charged", 10, 35714, 0);
	assert_int_equal(p.due + p.shorts, 0);
	assert_int_equal(p.charged, 3);
	assert_int_equal(p.charged_fen, 15000 + 35714 + 25000);
	fee_preview_free(&p);
}

static void the_future_is_not_charged(void **state)
{
	struct shop s = shop_make(*state, 4);
	struct problem why = { 0 };
	struct fee_run r;

	assert_int_equal(
		fee_run(api, s.site, month("2026-12"), "user:1", at("2026-11-30T23:59"), &r, &why),
		ERR_OUT_OF_RANGE);
	assert_string_equal(why.field, "month");
	assert_int_equal(
		fee_run(api, 999999, month("2026-11"), "user:1", at("2026-11-30T23:59"), &r, &why),
		ERR_NOT_FOUND);
}

static void an_early_end_gives_days_back(void **state)
{
	struct db *db = *state;
	struct shop s = shop_make(db, 5);
	struct fee_actor who = by("2026-12-20T15:00");
	struct problem why = { 0 };
	int64_t fee = added(&s, "property_fee", 30000, "2026-11-01", "", "e1");

	run(&s, "2026-11", "2026-11-01T00:00");
	run(&s, "2026-12", "2026-12-01T00:00");
	assert_int_equal(balance(db, &s), -FEN(60000));
	assert_int_equal(fee_end(api, fee, day("2026-12-20"), &who, &why), ERR_OK);
	assert_int_equal(fee_end(api, fee, day("2026-12-20"), &who, &why), ERR_OK);
	/* 20 of 31 days of December: 19354.84 */
	assert_int_equal(balance(db, &s), -FEN(30000 + 19355));
	assert_int_equal(charges(db, fee), 3);
	/* Further back, and out again. */
	assert_int_equal(fee_end(api, fee, day("2026-11-15"), &who, &why), ERR_OK);
	assert_int_equal(balance(db, &s), -FEN(15000));
	assert_int_equal(fee_end(api, fee, day("2026-12-31"), &who, &why), ERR_OK);
	assert_int_equal(balance(db, &s), -FEN(60000));
	/* It was a mistake from the beginning. */
	assert_int_equal(fee_end(api, fee, day("2026-10-31"), &who, &why), ERR_OK);
	assert_int_equal(balance(db, &s), 0);
	assert_int_equal(fee_end(api, fee, day("2026-10-30"), &who, &why), ERR_OUT_OF_RANGE);
	assert_string_equal(why.field, "to_day");
	assert_int_equal(books_off(db), 0);
	who.site_id = s.site + 1;
	assert_int_equal(fee_end(api, fee, day("2026-12-20"), &who, &why), ERR_NOT_FOUND);
	assert_int_equal(
		shop_number(db,
			"SELECT COUNT(*) AS v FROM audit WHERE action = 'fee.end' AND object ="
			" 'fee:%lld'",
			fee),
		4);
}

struct closing {
	int64_t contract;
	struct day last;
	struct fee_actor by;
};

static enum err close_tx(struct db *db, void *ctx)
{
	struct closing *c = ctx;

	return fees_end(db, c->contract, c->last, &c->by);
}

static void no_fee_outlasts_its_contract(void **state)
{
	struct db *db = *state;
	struct shop s = shop_make(db, 6), forgotten = shop_make(db, 7);
	struct closing c = { s.contract, day("2026-11-10"), by("2026-11-10T18:00") };
	int64_t now_fee = added(&s, "property_fee", 30000, "2026-11-01", "2026-12-31", "o1");
	int64_t later_fee = added(&s, "property_fee", 60000, "2027-01-01", "", "o2"), later;

	(void)now_fee;
	(void)later_fee;
	added(&forgotten, "property_fee", 30000, "2026-11-01", "", "o3");
	run(&s, "2026-11", "2026-11-01T00:00");
	assert_int_equal(db_tx(api, close_tx, &c), ERR_OK);
	assert_int_equal(balance(db, &s), -FEN(10000));
	/* Closed, and nobody ended the fee: it ends with the contract's last day all the same. */
	shop_set(db, "UPDATE contract SET end_at = %lld WHERE id IN (%lld, %lld)",
		(long long)at("2026-11-21T00:00").ms, (long long)s.contract,
		(long long)forgotten.contract);
	assert_int_equal(fees_due(worker, at("2026-11-30T10:00")), ERR_OK);
	assert_int_equal(balance(db, &forgotten), -FEN(20000)); /* 20 of 30 days */
	assert_int_equal(fees_due(worker, at("2027-01-01T10:00")), ERR_OK);
	assert_int_equal(balance(db, &forgotten), -FEN(20000));
	assert_int_equal(balance(db, &s), -FEN(10000));
	assert_int_equal(add(&s, "rent", 1, "2027-01-01", "", "o4", &later, NULL), ERR_CONFLICT);
}

static void bad_fees_are_refused(void **state)
{
	struct db *db = *state;
	struct shop s = shop_make(db, 8), nobody = { .contract = 999999 };
	struct problem why = { 0 };
	int64_t id = added(&s, "rent", 1000, "2026-11-10", "2026-11-20", "b1"), other = 0;

	/* The same request again is the same fee; another with its key is not. */
	assert_int_equal(
		add(&s, "rent", 1000, "2026-11-10", "2026-11-20", "b1", &other, &why), ERR_OK);
	assert_int_equal(other, id);
	assert_int_equal(add(&s, "rent", 2000, "2026-11-10", "2026-11-20", "b1", &other, &why),
		ERR_IDEMPOTENCY);
	assert_int_equal(add(&s, "rent", 1000, "2026-11-20", "", "b2", &other, &why), ERR_CONFLICT);
	assert_string_equal(why.field, "from_day");
	assert_int_equal(add(&s, "rent", 1000, "2026-10-01", "2026-11-10", "b3", &other, &why),
		ERR_CONFLICT);
	assert_int_equal(
		add(&s, "rent", 0, "2027-01-01", "", "b4", &other, &why), ERR_OUT_OF_RANGE);
	assert_string_equal(why.field, "monthly_fen");
	assert_int_equal(add(&s, "rent", 1000, "2027-01-10", "2027-01-08", "b5", &other, &why),
		ERR_OUT_OF_RANGE);
	assert_string_equal(why.field, "to_day");
	assert_int_equal(add(&s, "tax", 1000, "2027-01-10", "", "b6", &other, &why), ERR_BAD_VALUE);
	assert_int_equal(
		add(&nobody, "rent", 1000, "2027-01-10", "", "b7", &other, &why), ERR_NOT_FOUND);
	assert_string_equal(why.field, "contract_id");
	assert_int_equal(
		shop_number(db, "SELECT COUNT(*) AS v FROM contract_fee WHERE contract_id = %lld",
			s.contract),
		1);
	/* Next to each other is no overlap. */
	added(&s, "rent", 1000, "2026-11-21", "", "b8");
	added(&s, "rent", 1000, "2026-11-01", "2026-11-09", "b9");
	added(&s, "property_fee", 1000, "2026-11-01", "", "b10");
}

static void the_tenant_sees_it_beforehand(void **state)
{
	struct db *db = *state;
	struct shop s = shop_make(db, 9);
	AUTO(rows_free) struct rows rows = { 0 };
	struct fee_next next;
	const struct fee *f;

	added(&s, "property_fee", 30000, "2026-12-16", "2027-01-31", "n1");
	assert_int_equal(
		fee_list(api, &(struct fee_filter){ .contract_id = s.contract }, &rows), ERR_OK);
	assert_int_equal(rows.n, 1);
	f = rows.at;
	assert_int_equal(fee_next(f, at("2026-11-22T18:00"), &next), ERR_OK);
	assert_string_equal(next.month, "2026-12");
	assert_string_equal(next.due_day, "2026-12-16");
	assert_int_equal(next.amount_fen, 15484); /* 16 of 31 */
	assert_int_equal(fees_due(worker, at("2026-12-16T00:00")), ERR_OK);
	rows_free(&rows);
	assert_int_equal(
		fee_list(api, &(struct fee_filter){ .contract_id = s.contract }, &rows), ERR_OK);
	f = rows.at;
	assert_string_equal(f->last_month, "2026-12");
	assert_int_equal(fee_next(f, at("2026-12-20T18:00"), &next), ERR_OK);
	assert_string_equal(next.due_day, "2027-01-01");
	assert_int_equal(next.amount_fen, 30000);
	assert_int_equal(fee_next(f, at("2027-02-01T00:00"), &next), ERR_OK);
	assert_int_equal(next.amount_fen, 0);
}

/* What is shown of a message before it is sent is what is sent. */
static void as_it_was_told(
	struct db *db, int64_t account, const struct notice_of *of, const char *when)
{
	AUTO(json_free) json_t *params = NULL;
	AUTO(buf_free) struct buf text = { 0 };
	AUTO(text_free) char *packed = NULL;
	struct account a;
	char sql[2000];

	assert_int_equal(account_get(db, account, &a), ERR_OK);
	assert_int_equal(notice_make(&a, of, at(when), &text, &params), ERR_OK);
	packed = json_text(params);
	snprintf(sql, sizeof(sql),
		"SELECT COUNT(*) AS v FROM notice n JOIN outbox o ON o.notice_id = n.id WHERE"
		" n.account_id = %%lld AND n.kind = '%s' AND n.text = '%s' AND o.params = '%s'",
		of->kind, text.text, packed);
	assert_int_equal(shop_number(db, sql, account), 1);
}

static void who_cannot_pay_is_told_before(void **state)
{
	struct db *db = *state;
	struct shop s = shop_make(db, 10), rich = shop_make(db, 11);

	added(&s, "property_fee", 30000, "2026-12-01", "", "t1");
	added(&s, "rent", 20000, "2026-12-01", "", "t2");
	added(&rich, "rent", 20000, "2026-12-01", "", "t3");
	pay(db, &s, 49999, "2026-11-20T10:00", "in1");
	pay(db, &rich, 20000, "2026-11-20T10:00", "in2");
	assert_int_equal(fees_due(worker, at("2026-11-25T23:59")), ERR_OK); /* six days before */
	assert_int_equal(notices(db, &s, "fee_due"), 0);
	assert_int_equal(fees_due(worker, at("2026-11-26T00:00")), ERR_OK);
	assert_int_equal(fees_due(worker, at("2026-11-27T00:00")), ERR_OK);
	assert_int_equal(notices(db, &s, "fee_due"), 1);
	assert_int_equal(notices(db, &rich, "fee_due"), 0);
	assert_int_equal(
		shop_number(db,
			"SELECT COUNT(*) AS v FROM notice n JOIN outbox o ON o.notice_id = n.id"
			" WHERE n.account_id = %lld AND n.kind = 'fee_due' AND n.text LIKE"
			" '%%500.00%%499.99%%'",
			purse(db, &s)),
		1);
	as_it_was_told(db, purse(db, &s),
		&(struct notice_of){ .kind = "fee_due", .amount_fen = 50000 }, "2026-11-26T00:00");
	/* Used up to the last fen is paid. */
	assert_int_equal(fees_due(worker, at("2026-12-01T00:00")), ERR_OK);
	assert_int_equal(balance(db, &rich), 0);
	assert_int_equal(notices(db, &rich, "fee_short"), 0);
	assert_int_equal(notices(db, &s, "fee_short"), 1);
}

static void level_is(struct db *db, const struct shop *s, const char *want)
{
	char sql[160];

	snprintf(sql, sizeof(sql), "SELECT level = '%s' AS v FROM account WHERE id = %%lld", want);
	if (!shop_number(db, sql, purse(db, s)))
		fail_msg("at %lld the level is not %s", (long long)balance(db, s), want);
}

/* A warning comes when the threshold is reached, not a billionth of a yuan below it; zero owes
 * nothing. */
static void a_fee_purse_at_its_threshold_has_reached_it(void **state)
{
	struct db *db = *state;
	struct shop s = shop_make(db, 90);

	added(&s, "property_fee", 10000, "2026-11-01", "", "threshold-fee");
	shop_set(db, "UPDATE account SET warn1_nano = %lld, warn2_nano = %lld WHERE id = %lld",
		(long long)FEN(10000), (long long)FEN(5000), (long long)purse(db, &s));
	pay(db, &s, 20000, "2026-11-01T09:30", "threshold-1");
	level_is(db, &s, "ok");
	run(&s, "2026-11", "2026-11-01T10:00");
	assert_int_equal(balance(db, &s), FEN(10000));
	level_is(db, &s, "low1");
	assert_int_equal(notices(db, &s, "fee_low"), 1);
	pay(db, &s, 5000, "2026-11-20T09:30", "threshold-2");
	level_is(db, &s, "ok");
	run(&s, "2026-12", "2026-12-01T10:00");
	assert_int_equal(balance(db, &s), FEN(5000));
	level_is(db, &s, "low2");
	pay(db, &s, 5000, "2026-12-20T09:30", "threshold-3");
	run(&s, "2027-01", "2027-01-01T10:00");
	assert_int_equal(balance(db, &s), 0);
	level_is(db, &s, "low2");
	assert_int_equal(notices(db, &s, "fee_short"), 0);
}

static void each_fee_has_its_line(void **state)
{
	struct db *db = *state;
	struct shop s = shop_make(db, 12);
	AUTO(statement_free) struct statement st = { 0 };
	AUTO(zone_free) struct zone *z = NULL;

	added(&s, "property_fee", 30000, "2026-11-01", "", "l1");
	added(&s, "rent", 20000, "2026-11-16", "", "l2");
	pay(db, &s, 100000, "2026-11-01T00:00", "in3");
	assert_int_equal(fees_due(worker, at("2026-11-01T00:01")), ERR_OK);
	assert_int_equal(fees_due(worker, at("2026-11-16T00:00")), ERR_OK);
	assert_int_equal(zone_open("Asia/Shanghai", &z), ERR_OK);
	assert_int_equal(statement_read(api, purse(db, &s), z, at("2026-11-01T00:00"),
				 at("2026-12-01T00:00"), at("2026-11-20T00:00"), &st),
		ERR_OK);
	assert_int_equal(st.n, 3);
	assert_string_equal(st.at[0].kind, "rent");
	assert_string_equal(st.at[0].memo, "2026-11");
	assert_int_equal(st.at[0].amount.nano, -FEN(10000));
	assert_string_equal(st.at[1].kind, "property_fee");
	assert_int_equal(st.at[1].amount.nano, -FEN(30000));
	assert_int_equal(st.at[1].balance.nano, FEN(70000));
	assert_int_equal(st.closing.nano, FEN(60000));
}

/* ---- cutting ---- */

static int64_t staff(struct db *db, const char *name, const char *role)
{
	shop_set(db,
		"INSERT INTO user (username, kind, role_id) SELECT '%s', 'staff', id FROM role"
		" WHERE code = '%s'",
		name, role);
	return shop_number(db, "SELECT LAST_INSERT_ID() AS v", 0);
}

static enum err decide(int64_t approval, int64_t user, bool approve, const char *when)
{
	struct approval_decision d = { .id = approval,
		.user_id = user,
		.actor = "user:2",
		.address = "",
		.approve = approve,
		.note = "",
		.now = at(when) };
	struct approval out;

	return approval_decide(api, &d, &out, NULL);
}

static void fee_cut_set(struct db *db, const struct shop *s, int on)
{
	shop_set(db, "REPLACE INTO setting (site_id, name, value) VALUES (%lld, 'fee_cut', %d)",
		(long long)s->site, on);
}

/* A water meter's supply point of the same contract. */
static int64_t add_water(struct db *db, const struct shop *s)
{
	int64_t point;

	shop_set(db,
		"INSERT INTO supply_point (code, site_id, utility, switchable) VALUES ('W%lld',"
		" %lld, 'water', 1)",
		(long long)s->point, (long long)s->site);
	point = shop_number(db, "SELECT LAST_INSERT_ID() AS v", 0);
	shop_set(db,
		"INSERT INTO meter (code, gateway_id, unit, model, utility, supply_point_id) VALUES"
		" ('W%lld', %lld, '2', 'xintai-water', 'water', %lld)",
		(long long)point, (long long)s->gateway, (long long)point);
	shop_set(db,
		"INSERT INTO contract_point (contract_id, supply_point_id, account_id, from_at)"
		" VALUES (%lld, %lld, %lld, 1)",
		(long long)s->contract, (long long)point, (long long)s->account);
	return point;
}

static int64_t lists(struct db *db, const struct shop *s)
{
	return shop_number(db,
		"SELECT COUNT(*) AS v FROM approval WHERE kind = 'fee_cut' AND site_id = %lld",
		s->site);
}

static int64_t last_list(struct db *db, const struct shop *s)
{
	return shop_number(db,
		"SELECT MAX(id) AS v FROM approval WHERE kind = 'fee_cut' AND site_id = %lld",
		s->site);
}

static int64_t blocked(struct db *db, int64_t point)
{
	return shop_number(db,
		"SELECT COUNT(*) AS v FROM block WHERE supply_point_id = %lld AND kind = 'fee'",
		point);
}

static const char *desired(struct db *db, int64_t point)
{
	static struct supply_point p;

	assert_int_equal(supply_get(db, point, &p), ERR_OK);
	return p.desired;
}

/* A shop that owes 300.00 since 1 November. */
static struct shop short_shop(struct db *db, int n, const char *key)
{
	struct shop s = shop_make(db, n);

	added(&s, "property_fee", 30000, "2026-11-01", "", key);
	run(&s, "2026-11", "2026-11-01T00:00");
	return s;
}

static void short_listed_approved_cut_paid_lifted(void **state)
{
	struct db *db = *state;
	struct shop s = short_shop(db, 20, "x1");
	int64_t water = add_water(db, &s), boss = staff(db, "boss", "finance");
	int64_t clerk = staff(db, "clerk", "cashier"), list;

	/* Off as shipped: no list, however long it is unpaid. */
	assert_int_equal(fee_cuts_due(worker, at("2026-11-28T00:00")), ERR_OK);
	assert_int_equal(lists(db, &s), 0);
	fee_cut_set(db, &s, 1);
	/* Ten days of grace, then one list. */
	assert_int_equal(fee_cuts_due(worker, at("2026-11-10T23:59")), ERR_OK);
	assert_int_equal(lists(db, &s), 0);
	assert_int_equal(fee_cuts_due(worker, at("2026-11-11T00:00")), ERR_OK);
	assert_int_equal(fee_cuts_due(worker, at("2026-11-11T00:01")), ERR_OK);
	assert_int_equal(fee_cuts_due(worker, at("2026-11-12T00:01")), ERR_OK);
	assert_int_equal(lists(db, &s), 1);
	list = last_list(db, &s);
	/* Nothing is cut before a person with the permission says so. */
	assert_int_equal(blocked(db, s.point), 0);
	assert_int_equal(decide(list, clerk, true, "2026-11-12T09:00"), ERR_FORBIDDEN);
	assert_int_equal(blocked(db, s.point), 0);
	assert_int_equal(decide(list, boss, true, "2026-11-12T09:00"), ERR_OK);
	assert_int_equal(blocked(db, s.point), 1);
	assert_string_equal(desired(db, s.point), "off");
	assert_int_equal(blocked(db, water), 0);
	assert_string_equal(desired(db, water), "on");
	/* The last warning, which the trip gate wants to see, was written with it. */
	assert_int_equal(notices(db, &s, "fee"), 1);
	assert_int_equal(shop_number(db,
				 "SELECT COUNT(*) AS v FROM block b JOIN account a ON b.cause ="
				 " CONCAT('account:', a.id) WHERE b.supply_point_id = %lld"
				 " AND a.purpose = 'fee'",
				 s.point),
		1);
	assert_int_equal(fee_cuts_due(worker, at("2026-11-13T00:01")), ERR_OK);
	assert_int_equal(lists(db, &s), 1);
	assert_int_equal(blocked(db, s.point), 1);
	/* A part does not help; the whole lifts it in the same transaction. */
	pay(db, &s, 29999, "2026-11-13T10:00", "pay1");
	assert_int_equal(blocked(db, s.point), 1);
	pay(db, &s, 1, "2026-11-13T10:01", "pay2");
	assert_int_equal(blocked(db, s.point), 0);
	assert_string_equal(desired(db, s.point), "on");
}

/* 300.00 into a fee purse, through a payment service. */
static void pay_online(int64_t purse_id, int64_t user, struct order *out)
{
	struct order_new n = { .account_id = purse_id,
		.user_id = user,
		.amount_fen = 30000,
		.channel = "wechat_native",
		.service = "wechat",
		.payer_address = "" };
	struct problem why = { 0 };
	struct payment p = { .service = "wechat",
		.amount_fen = 30000,
		.currency = "CNY",
		.paid_at = at("2026-11-13T10:00") };
	enum credit_outcome outcome;
	char transaction[32];

	assert_int_equal(order_create(api, &n, at("2026-11-13T09:59"), out, &why), ERR_OK);
	snprintf(transaction, sizeof(transaction), "fee%lld", (long long)out->id);
	p.out_trade_no = out->out_trade_no;
	p.transaction_id = transaction;
	assert_int_equal(order_credit(api, &p, "notify", at("2026-11-13T10:00"), &outcome), ERR_OK);
	assert_int_equal(outcome, CREDIT_DONE);
	assert_int_equal(order_find(api, out->out_trade_no, out), ERR_OK);
}

struct seen_on {
	int64_t point;
	struct utc now;
};

static enum err seen_on_tx(struct db *db, void *ctx)
{
	const struct seen_on *o = ctx;

	return supply_observe(db, o->point, "on", o->now);
}

/* The phone of whoever pays a fee waits for the light as well, and so does the alarm. */
static void a_fee_that_was_paid_waits_for_the_light(void **state)
{
	AUTO(db_free) struct db *poller = fixture_as("yufu_poller");
	struct db *db = *state;
	struct shop s = short_shop(db, 40, "x40");
	int64_t water = add_water(db, &s), boss = staff(db, "boss40", "finance");
	struct seen_on o = { water, at("2026-11-13T10:01") };
	struct order order;

	fee_cut_set(db, &s, 1);
	assert_int_equal(fee_cuts_due(worker, at("2026-11-12T00:00")), ERR_OK);
	assert_int_equal(decide(last_list(db, &s), boss, true, "2026-11-12T09:00"), ERR_OK);
	shop_set(db, "UPDATE supply_point SET switchable = 1, observed = 'off' WHERE id = %lld",
		(long long)s.point);
	pay_online(purse(db, &s), boss, &order);
	assert_true(order.supply_was_off);
	assert_int_equal(order.supply_restored_at.ms, 0);
	assert_int_equal(db_tx(poller, seen_on_tx, &o), ERR_OK); /* of the water, which was on */
	assert_int_equal(order_find(api, order.out_trade_no, &order), ERR_OK);
	assert_int_equal(order.supply_restored_at.ms, 0);
	o.point = s.point;
	assert_int_equal(db_tx(poller, seen_on_tx, &o), ERR_OK);
	assert_int_equal(order_find(api, order.out_trade_no, &order), ERR_OK);
	assert_int_equal(order.supply_restored_at.ms, o.now.ms);
	/* Nothing was off for a fee that is paid in time. */
	shop_set(
		db, "UPDATE supply_point SET observed = 'off' WHERE id = %lld", (long long)s.point);
	pay_online(purse(db, &s), boss, &order);
	assert_false(order.supply_was_off);
}

static void who_paid_in_time_is_not_cut(void **state)
{
	struct db *db = *state;
	struct shop s = short_shop(db, 21, "y1");
	int64_t boss = staff(db, "boss21", "finance"), list;
	AUTO(rows_free) struct rows rows = { 0 };
	struct list_ask ask = list_ask_of(&fee_cut_listing, "approval_id", true, 9);
	struct list_place next;
	const struct fee_cut *k;

	fee_cut_set(db, &s, 1);
	assert_int_equal(fee_cuts_due(worker, at("2026-11-15T00:00")), ERR_OK);
	list = last_list(db, &s);
	pay(db, &s, 30000, "2026-11-15T08:00", "pay3");
	assert_int_equal(decide(list, boss, true, "2026-11-15T09:00"), ERR_OK);
	assert_int_equal(blocked(db, s.point), 0);
	assert_int_equal(notices(db, &s, "fee"), 0);
	list_ask_filter(&ask, &fee_cut_listing, "approval_id", arg_i64(list));
	assert_int_equal(
		db_page(api, &fee_cut_listing, &ask, ARGS(arg_i64(s.site)), &rows, &next), ERR_OK);
	assert_int_equal(rows.n, 1);
	k = rows.at;
	assert_int_equal(k->listed.nano, -FEN(30000));
	assert_int_equal(k->balance.nano, 0);
	assert_int_equal(k->cut_at.ms, 0);
}

static void what_was_rejected_rests_until_next_month(void **state)
{
	struct db *db = *state;
	struct shop s = short_shop(db, 22, "z1");
	int64_t boss = staff(db, "boss22", "finance");

	fee_cut_set(db, &s, 1);
	assert_int_equal(fee_cuts_due(worker, at("2026-11-15T00:00")), ERR_OK);
	assert_int_equal(decide(last_list(db, &s), boss, false, "2026-11-15T09:00"), ERR_OK);
	assert_int_equal(fee_cuts_due(worker, at("2026-11-30T00:00")), ERR_OK);
	assert_int_equal(lists(db, &s), 1);
	assert_int_equal(fee_cuts_due(worker, at("2026-12-01T00:00")), ERR_OK);
	assert_int_equal(lists(db, &s), 2);
	/* Nobody decided for a week: it is listed anew. */
	assert_int_equal(fee_cuts_due(worker, at("2026-12-08T00:01")), ERR_OK);
	assert_int_equal(lists(db, &s), 3);
	assert_int_equal(decide(last_list(db, &s), boss, true, "2026-12-08T09:00"), ERR_OK);
	assert_int_equal(blocked(db, s.point), 1);
}

static void turning_it_off_brings_the_light_back(void **state)
{
	struct db *db = *state;
	struct shop s = short_shop(db, 23, "w1"), other = short_shop(db, 24, "w2");
	int64_t boss = staff(db, "boss23", "finance"), list;

	fee_cut_set(db, &s, 1);
	fee_cut_set(db, &other, 1);
	assert_int_equal(fee_cuts_due(worker, at("2026-11-15T00:00")), ERR_OK);
	assert_int_equal(decide(last_list(db, &s), boss, true, "2026-11-15T09:00"), ERR_OK);
	assert_int_equal(decide(last_list(db, &other), boss, true, "2026-11-15T09:00"), ERR_OK);
	assert_int_equal(blocked(db, s.point) + blocked(db, other.point), 2);
	fee_cut_set(db, &s, 0);
	assert_int_equal(fee_cuts_due(worker, at("2026-11-15T09:01")), ERR_OK);
	assert_int_equal(blocked(db, s.point), 0);
	assert_int_equal(blocked(db, other.point), 1);
	/* Nor is the next tenant cut for the last one's fee. */
	shop_set(db, "UPDATE contract_point SET to_at = %lld WHERE contract_id = %lld",
		(long long)at("2026-11-16T00:00").ms, (long long)other.contract);
	assert_int_equal(fee_cuts_due(worker, at("2026-11-16T09:01")), ERR_OK);
	assert_int_equal(blocked(db, other.point), 0);
	/* A list that waited while it was turned off cuts nobody. */
	fee_cut_set(db, &s, 1);
	assert_int_equal(fee_cuts_due(worker, at("2026-11-17T09:01")), ERR_OK);
	list = last_list(db, &s);
	fee_cut_set(db, &s, 0);
	assert_int_equal(decide(list, boss, true, "2026-11-17T10:00"), ERR_CONFLICT);
	assert_int_equal(blocked(db, s.point), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_month_is_charged_once),
		cmocka_unit_test(part_months_by_days),
		cmocka_unit_test(months_are_caught_up),
		cmocka_unit_test(a_preview_is_what_the_run_then_does),
		cmocka_unit_test(the_future_is_not_charged),
		cmocka_unit_test(an_early_end_gives_days_back),
		cmocka_unit_test(no_fee_outlasts_its_contract),
		cmocka_unit_test(bad_fees_are_refused),
		cmocka_unit_test(the_tenant_sees_it_beforehand),
		cmocka_unit_test(who_cannot_pay_is_told_before),
		cmocka_unit_test(a_fee_purse_at_its_threshold_has_reached_it),
		cmocka_unit_test(each_fee_has_its_line),
		cmocka_unit_test(short_listed_approved_cut_paid_lifted),
		cmocka_unit_test(a_fee_that_was_paid_waits_for_the_light),
		cmocka_unit_test(who_paid_in_time_is_not_cut),
		cmocka_unit_test(what_was_rejected_rests_until_next_month),
		cmocka_unit_test(turning_it_off_brings_the_light_back),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
