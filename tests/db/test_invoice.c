/* Requests for invoices: what may be asked for, what becomes of it, and that no recharge is in two.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "domain/invoice.h"
#include "domain/order.h"
#include "domain/refund.h"
#include "domain/role.h"
#include "domain/scope.h"
#include "shop_fixture.h"

#define COMPANY "91350100M000100Y43"
#define DAY_MS (INT64_C(24) * 3600 * 1000)

static struct utc now = { SHOP_T0 };
static struct db *api;
static int shops, keys;

struct story { /* a shop with its login, and someone of finance */
	struct shop shop;
	int64_t user, staff;
};

static const char *key(void)
{
	static char text[32];

	snprintf(text, sizeof(text), "test:%d", ++keys);
	return text;
}

static struct story story_make(struct db *db)
{
	struct story s = { .shop = shop_make(db, ++shops) };

	now.ms += DAY_MS;
	shop_set(db, "INSERT INTO user (username, kind) VALUES ('tenant%d', 'tenant')", shops);
	s.user = shop_number(db, "SELECT LAST_INSERT_ID() AS v", 0);
	shop_set(db,
		"INSERT INTO user_tenant (user_id, tenant_id) SELECT %lld, tenant_id FROM contract"
		" WHERE id = %lld",
		(long long)s.user, (long long)s.shop.contract);
	shop_set(db,
		"INSERT INTO user (username, kind, role_id) SELECT 'finance%d', 'staff', id FROM"
		" role WHERE code = 'finance'",
		shops);
	s.staff = shop_number(db, "SELECT LAST_INSERT_ID() AS v", 0);
	return s;
}

/* By a login of another shop, through the code of a meter; else meter and user are 0. */
static struct order unpaid_by(int64_t account, int64_t fen, int64_t meter, int64_t user)
{
	struct order_new n = { .account_id = account,
		.meter_id = meter,
		.user_id = user,
		.amount_fen = fen,
		.channel = "wechat_native",
		.service = "wechat",
		.payer_address = "" };
	struct problem why = { 0 };
	struct order o;

	assert_int_equal(order_create(api, &n, now, &o, &why), ERR_OK);
	return o;
}

static struct order unpaid(int64_t account, int64_t fen)
{
	return unpaid_by(account, fen, 0, 0);
}

static int64_t pay(struct order o)
{
	char transaction[32];
	enum credit_outcome outcome;
	struct payment p = { .service = "wechat",
		.out_trade_no = o.out_trade_no,
		.transaction_id = transaction,
		.amount_fen = o.amount_fen,
		.currency = "CNY",
		.paid_at = now };

	snprintf(transaction, sizeof(transaction), "t%d", ++keys);
	assert_int_equal(order_credit(api, &p, "notify", now, &outcome), ERR_OK);
	assert_int_equal(outcome, CREDIT_DONE);
	return o.id;
}

static int64_t paid(int64_t account, int64_t fen)
{
	return pay(unpaid(account, fen));
}

static struct refund refunded(const struct story *s, int64_t order, int64_t fen)
{
	struct refund_new n = { .order_id = order,
		.user_id = s->staff,
		.actor = "user:1",
		.address = "",
		.amount_fen = fen,
		.method = "service",
		.reason = "paid too much",
		.once_key = key() };
	struct problem why = { 0 };
	int64_t approval = 0;
	struct refund f;

	assert_int_equal(refund_create(api, &n, now, &f, &approval, &why), ERR_OK);
	return f;
}

static struct invoice_new asking(const struct story *s, const int64_t *orders, size_t n)
{
	return (struct invoice_new){ .user_id = s->user,
		.actor = "user:2",
		.address = "",
		.orders = orders,
		.orders_n = n,
		.kind = "company",
		.title = "莲花茶馆有限公司",
		.tax_no = COMPANY,
		.email = "a@lotus.example",
		.note = "",
		.once_key = key() };
}

static struct invoice asked(const struct story *s, const int64_t *orders, size_t n)
{
	struct invoice_new a = asking(s, orders, n);
	struct problem why = { 0 };
	struct invoice i;

	if (invoice_ask(api, &a, now, &i, &why) != ERR_OK)
		fail_msg("%s %s", why.field, why.text);
	assert_string_equal(i.state, "asked");
	return i;
}

static struct invoice_act act(int64_t id)
{
	return (struct invoice_act){ .id = id, .actor = "user:1", .address = "", .now = now };
}

static enum err issue(
	int64_t id, const char *number, int64_t fen, struct invoice *out, struct problem *why)
{
	struct invoice_act a = act(id);
	struct invoice_issued i = { .number = number,
		.date = { (int32_t)(now.ms / DAY_MS) },
		.url = "https://tax.example/1.pdf",
		.amount_fen = fen };

	return invoice_issue(api, &a, &i, out, why);
}

static struct invoice issued(int64_t id)
{
	struct problem why = { 0 };
	struct invoice i;
	char number[32];

	snprintf(number, sizeof(number), "N%d", ++keys);
	if (issue(id, number, 0, &i, &why) != ERR_OK)
		fail_msg("%s %s", why.field, why.text);
	assert_string_equal(i.state, "issued");
	assert_string_equal(i.number, number);
	return i;
}

static struct invoice read_back(int64_t id)
{
	struct invoice i;

	assert_int_equal(invoice_get(api, 0, id, &i), ERR_OK);
	return i;
}

static int64_t live(struct db *db, int64_t order)
{
	return shop_number(
		db, "SELECT COUNT(*) AS v FROM invoice_order WHERE live_order = %lld", order);
}

static int64_t notices(struct db *db, const char *kind, int64_t account)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
		"SELECT COUNT(*) AS v FROM notice WHERE kind = '%s' AND account_id = %%lld", kind);
	return shop_number(db, sql, account);
}

/* ---- what may be asked for ---- */

static void what_cannot_be_is_refused_by_its_name(void **state)
{
	struct db *db = *state;
	struct story s = story_make(db), other = story_make(db);
	int64_t mine = paid(s.shop.account, 5000), gone = paid(s.shop.account, 700),
		open = unpaid(s.shop.account, 900).id, theirs = paid(other.shop.account, 5000);
	struct story both = other;
	const struct {
		const char *kind, *title, *tax_no;
		int64_t user, orders[2];
		enum err e;
		const char *field;
	} table[] = {
		{ "company", "a", "", s.user, { mine }, ERR_MISSING_FIELD, "tax_no" },
		{ "company", "a", "91350100M000100Y44", s.user, { mine }, ERR_BAD_VALUE, "tax_no" },
		{ "company", "a", "1", s.user, { mine }, ERR_BAD_VALUE, "tax_no" },
		{ "personal", "a", COMPANY, s.user, { mine }, ERR_BAD_VALUE, "tax_no" },
		{ "personal", " \t ", "", s.user, { mine }, ERR_BAD_VALUE, "title" },
		{ "personal", "a", "", s.user, { 0 }, ERR_OUT_OF_RANGE, "order_ids" },
		{ "personal", "a", "", s.user, { mine, mine }, ERR_BAD_VALUE, "order_ids[1]" },
		{ "personal", "a", "", s.user, { mine, open }, ERR_CONFLICT, "order_ids[1]" },
		{ "personal", "a", "", s.user, { gone }, ERR_CONFLICT, "order_ids[0]" },
		{ "personal", "a", "", s.user, { mine, theirs }, ERR_NOT_FOUND, "order_ids[1]" },
		{ "personal", "a", "", s.user, { 999999 }, ERR_NOT_FOUND, "order_ids[0]" },
		{ "personal", "a", "", s.staff, { mine }, ERR_NOT_FOUND, "order_ids[0]" },
		{ "personal", "a", "", other.user, { theirs, mine }, ERR_BAD_VALUE,
			"order_ids[1]" },
	};

	refunded(&s, gone, 700);
	/* the other login has both shops: still one account a request */
	shop_set(db,
		"INSERT INTO user_tenant (user_id, tenant_id) SELECT %lld, tenant_id FROM contract"
		" WHERE id = %lld",
		(long long)both.user, (long long)s.shop.contract);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		size_t n = table[i].orders[0] ? table[i].orders[1] ? 2 : 1 : 0;
		struct invoice_new a = asking(&s, table[i].orders, n);
		struct problem why = { 0 };
		struct invoice out;
		enum err e;

		a.user_id = table[i].user;
		a.kind = table[i].kind;
		a.title = table[i].title;
		a.tax_no = table[i].tax_no;
		e = invoice_ask(api, &a, now, &out, &why);
		if (e != table[i].e || !str_eq(why.field, table[i].field))
			fail_msg("row %zu: %s %s %s", i, err_word(e), why.field, why.text);
	}
	assert_int_equal(FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM invoice"), 0);
	assert_int_equal(FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM invoice_order"), 0);
}

static void the_amount_is_what_was_paid_less_what_went_back(void **state)
{
	struct db *db = *state;
	struct story s = story_make(db);
	int64_t orders[] = { paid(s.shop.account, 5000), paid(s.shop.account, 3000) };
	struct invoice i;
	struct invoice_title t;
	AUTO(rows_free) struct rows rows = { 0 };
	const struct invoice_order *o;

	assert_int_equal(invoice_title_last(api, s.user, &t), ERR_NOT_FOUND);
	refunded(&s, orders[1], 1000);
	i = asked(&s, orders, 2);
	assert_int_equal(i.amount_fen, 7000);
	assert_int_equal(i.left_fen, 7000);
	assert_false(i.changed);
	assert_int_equal(i.count, 2);
	assert_int_equal(i.account_id, s.shop.account);
	assert_int_equal(invoice_orders(api, i.id, &rows), ERR_OK);
	o = rows.at;
	assert_int_equal(rows.n, 2);
	assert_int_equal(o[0].amount_fen, 5000);
	assert_int_equal(o[1].amount_fen, 2000);
	assert_int_equal(o[1].refunded_fen, 1000);
	assert_int_equal(invoice_title_last(api, s.user, &t), ERR_OK);
	assert_string_equal(t.title, "莲花茶馆有限公司");
	assert_string_equal(t.tax_no, COMPANY);
	assert_int_equal(shop_number(db,
				 "SELECT COUNT(*) AS v FROM audit WHERE action = 'invoice.ask' AND"
				 " object = 'invoice:%lld'",
				 i.id),
		1);
}

/* ---- in one request at most ---- */

static void a_recharge_is_in_one_live_request(void **state)
{
	struct db *db = *state;
	struct story s = story_make(db);
	int64_t first = paid(s.shop.account, 5000), second = paid(s.shop.account, 3000);
	int64_t pair[] = { second, first };
	struct invoice i = asked(&s, &first, 1);
	struct invoice_new again = asking(&s, pair, 2);
	struct invoice_act a = act(i.id);
	struct problem why = { 0 };
	struct invoice out;

	assert_int_equal(invoice_ask(api, &again, now, &out, &why), ERR_ALREADY);
	assert_string_equal(why.field, "order_ids[1]");
	assert_int_equal(live(db, second), 0); /* nothing of it stayed */
	assert_int_equal(invoice_withdraw(api, &a, s.user, &out, &why), ERR_OK);
	assert_string_equal(out.state, "withdrawn");
	assert_int_equal(live(db, first), 0);
	again.once_key = key();
	assert_int_equal(invoice_ask(api, &again, now, &out, &why), ERR_OK);
	assert_int_equal(out.amount_fen, 8000);
	/* by the database itself, whatever a program does */
	shop_set(db,
		"INSERT INTO invoice (account_id, user_id, kind, title, email, amount_fen, "
		"asked_at,"
		" once_key) VALUES (%lld, %lld, 'personal', 'x', 'x', 1, 1, 'by-hand')",
		(long long)s.shop.account, (long long)s.user);
	{
		static const struct query by_hand = {
			"INSERT INTO invoice_order (invoice_id, order_id, amount_fen, live_order)"
			" VALUES ((SELECT MAX(id) FROM invoice), ?, 1, ?)",
			NULL
		};

		assert_int_equal(db_exec(api, &by_hand, ARGS(arg_i64(first), arg_i64(first)), NULL),
			ERR_ALREADY);
		assert_int_equal(
			db_exec(api, &by_hand, ARGS(arg_i64(first), arg_i64(second)), NULL),
			ERR_DB); /* nor under another's name */
	}
}

struct racer {
	pthread_t thread;
	struct invoice_new n;
	int64_t order;
	char once[32];
	enum err result;
	int64_t id;
};

static void *race_ask(void *arg)
{
	AUTO(db_free) struct db *db = fixture_as("yufu_api");
	struct racer *r = arg;
	struct problem why = { 0 };
	struct invoice i = { 0 };

	r->result = invoice_ask(db, &r->n, now, &i, &why);
	r->id = i.id;
	db_free(&db);
	db_thread_end();
	return NULL;
}

/* Twelve ask for the same recharge; then twelve send one request with one key. */
static void many_at_once_make_one(void **state)
{
	struct db *db = *state;
	struct story s = story_make(db);
	struct racer racers[12] = { 0 };

	for (int same_key = 0; same_key < 2; same_key++) {
		int64_t order = paid(s.shop.account, 5000), id = 0;
		int done = 0;

		for (size_t i = 0; i < ARRAY_LEN(racers); i++) {
			struct racer *r = &racers[i];

			r->order = order;
			r->n = asking(&s, &r->order, 1);
			snprintf(r->once, sizeof(r->once), "race:%d:%zu", same_key,
				same_key ? 0 : i);
			r->n.once_key = r->once;
			assert_int_equal(pthread_create(&r->thread, NULL, race_ask, r), 0);
		}
		for (size_t i = 0; i < ARRAY_LEN(racers); i++) {
			struct racer *r = &racers[i];

			pthread_join(r->thread, NULL);
			done += r->result == ERR_OK;
			assert_true(r->result == ERR_OK || r->result == ERR_ALREADY);
			if (r->result == ERR_OK && !id)
				id = r->id;
			assert_true(r->result != ERR_OK || r->id == id);
		}
		assert_int_equal(done, same_key ? 12 : 1);
		assert_int_equal(live(db, order), 1);
	}
}

/* ---- what becomes of it ---- */

static void the_same_act_again_is_answered_and_another_is_not(void **state)
{
	struct db *db = *state;
	struct story s = story_make(db);
	int64_t order = paid(s.shop.account, 5000), next = paid(s.shop.account, 1000);
	struct invoice i = asked(&s, &order, 1), j = asked(&s, &next, 1), out;
	struct invoice_act a = act(i.id), b = act(j.id);
	struct problem why = { 0 };

	assert_int_equal(invoice_void(api, &a, "x", "R1", &out, &why), ERR_CONFLICT);
	assert_int_equal(issue(i.id, "7001", 4999, &out, &why), ERR_CONFLICT);
	assert_string_equal(why.field, "amount_fen");
	assert_int_equal(issue(i.id, "7001", 5000, &out, &why), ERR_OK);
	assert_int_equal(issue(i.id, "7001", 5000, &out, &why), ERR_OK);
	assert_int_equal(notices(db, "invoice_issued", s.shop.account), 1);
	assert_int_equal(issue(i.id, "7002", 5000, &out, &why), ERR_CONFLICT);
	assert_int_equal(invoice_refuse(api, &a, "x", &out, &why), ERR_CONFLICT);
	assert_int_equal(invoice_withdraw(api, &a, s.user, &out, &why), ERR_CONFLICT);
	assert_int_equal(issue(j.id, "7001", 0, &out, &why), ERR_ALREADY);
	assert_string_equal(why.field, "number");
	assert_string_equal(read_back(j.id).state, "asked");
	assert_int_equal(invoice_refuse(api, &b, "no such company", &out, &why), ERR_OK);
	assert_int_equal(invoice_refuse(api, &b, "no such company", &out, &why), ERR_OK);
	assert_int_equal(invoice_refuse(api, &b, "another reason", &out, &why), ERR_CONFLICT);
	assert_int_equal(notices(db, "invoice_refused", s.shop.account), 1);
	assert_string_equal(read_back(j.id).reason, "no such company");
	assert_int_equal(live(db, next), 0);
	assert_int_equal(invoice_void(api, &a, "wrong title", "R1", &out, &why), ERR_OK);
	assert_int_equal(invoice_void(api, &a, "wrong title", "R1", &out, &why), ERR_OK);
	assert_int_equal(invoice_void(api, &a, "wrong title", "R2", &out, &why), ERR_CONFLICT);
	assert_string_equal(out.state, "voided");
	assert_string_equal(out.number, "7001");
	assert_int_equal(live(db, order), 0);
	asked(&s, &order, 1);
}

static void a_day_to_come_is_no_day_of_an_invoice(void **state)
{
	struct db *db = *state;
	struct story s = story_make(db);
	int64_t order = paid(s.shop.account, 5000);
	struct invoice i = asked(&s, &order, 1), out;
	struct invoice_act a = act(i.id);
	struct invoice_issued n = { .number = "8001",
		.date = { (int32_t)((now.ms + 8 * 3600 * 1000) / DAY_MS + 1) },
		.url = "" };
	struct problem why = { 0 };

	(void)db;
	assert_int_equal(invoice_issue(api, &a, &n, &out, &why), ERR_OUT_OF_RANGE);
	assert_string_equal(why.field, "date");
	n.date.days--;
	assert_int_equal(invoice_issue(api, &a, &n, &out, &why), ERR_OK);
}

static void what_was_refunded_since_is_looked_at_before_it_is_issued(void **state)
{
	struct db *db = *state;
	struct story s = story_make(db);
	int64_t order = paid(s.shop.account, 5000);
	struct invoice i = asked(&s, &order, 1), out;
	struct problem why = { 0 };

	refunded(&s, order, 1200);
	i = read_back(i.id);
	assert_true(i.changed);
	assert_int_equal(i.amount_fen, 5000);
	assert_int_equal(i.left_fen, 3800);
	assert_int_equal(issue(i.id, "9001", 5000, &out, &why), ERR_CONFLICT);
	assert_string_equal(why.field, "amount_fen");
	assert_non_null(strstr(why.text, "3800"));
	i = read_back(i.id);
	assert_string_equal(i.state, "asked");
	assert_int_equal(i.amount_fen, 3800);
	assert_false(i.changed);
	assert_int_equal(
		shop_number(db, "SELECT amount_fen AS v FROM invoice_order WHERE order_id = %lld",
			order),
		3800);
	assert_int_equal(notices(db, "invoice_issued", s.shop.account), 0);
	/* who still looks at the old page says the old amount */
	assert_int_equal(issue(i.id, "9001", 5000, &out, &why), ERR_CONFLICT);
	assert_int_equal(issue(i.id, "9001", 3800, &out, &why), ERR_OK);
	assert_int_equal(out.amount_fen, 3800);
}

static void what_was_refunded_wholly_is_not_issued(void **state)
{
	struct db *db = *state;
	struct story s = story_make(db);
	int64_t order = paid(s.shop.account, 5000);
	struct invoice i = asked(&s, &order, 1), out;
	struct problem why = { 0 };

	(void)db;
	refunded(&s, order, 5000);
	assert_int_equal(issue(i.id, "9101", 0, &out, &why), ERR_CONFLICT);
	assert_int_equal(issue(i.id, "9101", 0, &out, &why), ERR_CONFLICT);
	assert_string_equal(why.field, "id");
	assert_string_equal(read_back(i.id).state, "asked");
}

static int64_t listed(const char *filter, int64_t value)
{
	struct list_ask ask = list_ask_of(&invoice_listing, "id", true, 100);
	AUTO(rows_free) struct rows rows = { 0 };
	struct list_place next;

	list_ask_filter(&ask, &invoice_listing, filter, arg_i64(value));
	assert_int_equal(
		db_page(api, &invoice_listing, &ask, ARGS(arg_i64(0)), &rows, &next), ERR_OK);
	return (int64_t)rows.n;
}

static void a_refund_of_what_was_issued_shows_until_it_is_voided(void **state)
{
	struct db *db = *state;
	struct story s = story_make(db);
	int64_t order = paid(s.shop.account, 5000), before = listed("changed", 1);
	struct invoice i = asked(&s, &order, 1), out;
	struct invoice_act a;
	struct problem why = { 0 };

	i = issued(i.id);
	assert_int_equal(listed("changed", 1), before);
	refunded(&s, order, 2000);
	i = read_back(i.id);
	assert_true(i.changed);
	assert_int_equal(i.amount_fen, 5000);
	assert_int_equal(i.left_fen, 3000);
	assert_int_equal(listed("changed", 1), before + 1);
	a = act(i.id);
	assert_int_equal(invoice_void(api, &a, "part refunded", "R9", &out, &why), ERR_OK);
	assert_false(out.changed);
	assert_int_equal(listed("changed", 1), before);
	assert_int_equal(asked(&s, &order, 1).amount_fen, 3000);
	(void)db;
}

/* ---- who sees it ---- */

static void what_is_another_s_is_not_there(void **state)
{
	struct db *db = *state;
	struct story s = story_make(db), other = story_make(db);
	int64_t order = paid(s.shop.account, 5000);
	struct invoice i = asked(&s, &order, 1), out;
	struct invoice_act a = act(i.id);
	struct problem why = { 0 };

	assert_int_equal(invoice_get_own(api, s.user, i.id, &out), ERR_OK);
	assert_int_equal(invoice_get_own(api, other.user, i.id, &out), ERR_NOT_FOUND);
	assert_int_equal(invoice_withdraw(api, &a, other.user, &out, &why), ERR_NOT_FOUND);
	assert_int_equal(invoice_get(api, s.shop.site, i.id, &out), ERR_OK);
	assert_int_equal(invoice_get(api, other.shop.site, i.id, &out), ERR_NOT_FOUND);
	a.site_id = other.shop.site;
	assert_int_equal(invoice_refuse(api, &a, "x", &out, &why), ERR_NOT_FOUND);
	assert_int_equal(invoice_void(api, &a, "x", "R", &out, &why), ERR_NOT_FOUND);
	assert_int_equal(read_back(i.id).left_fen, 5000);

	/* of some areas: the shop's meter is in it, then no more */
	shop_set(db, "INSERT INTO area (code, name, site_id) VALUES ('I%lld', 'I', %lld)",
		(long long)i.id, (long long)s.shop.site);
	shop_set(db, "UPDATE meter SET area_id = LAST_INSERT_ID() WHERE id = %lld",
		(long long)s.shop.meter);
	shop_set(db,
		"INSERT INTO user_area_scope (user_id, area_id) SELECT %lld, area_id FROM meter"
		" WHERE id = %lld",
		(long long)s.staff, (long long)s.shop.meter);
	assert_int_equal(scope_take(api, s.staff), ERR_OK);
	assert_int_equal(invoice_get(api, -s.staff, i.id, &out), ERR_OK);
	shop_set(db, "UPDATE meter SET area_id = NULL WHERE id = %lld", (long long)s.shop.meter);
	assert_int_equal(invoice_get(api, -s.staff, i.id, &out), ERR_NOT_FOUND);
}

static void what_another_paid_for_is_invoiced_to_whose_shop_it_is(void **state)
{
	struct db *db = *state;
	struct story s = story_make(db), payer = story_make(db);
	int64_t order = pay(unpaid_by(s.shop.account, 5000, s.shop.meter, payer.user));
	struct invoice_new a = asking(&payer, &order, 1);
	struct problem why = { 0 };
	struct invoice out;

	assert_int_equal(invoice_ask(api, &a, now, &out, &why), ERR_NOT_FOUND);
	assert_int_equal(asked(&s, &order, 1).amount_fen, 5000);
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
		cmocka_unit_test(what_cannot_be_is_refused_by_its_name),
		cmocka_unit_test(the_amount_is_what_was_paid_less_what_went_back),
		cmocka_unit_test(a_recharge_is_in_one_live_request),
		cmocka_unit_test(many_at_once_make_one),
		cmocka_unit_test(the_same_act_again_is_answered_and_another_is_not),
		cmocka_unit_test(a_day_to_come_is_no_day_of_an_invoice),
		cmocka_unit_test(what_was_refunded_since_is_looked_at_before_it_is_issued),
		cmocka_unit_test(what_was_refunded_wholly_is_not_issued),
		cmocka_unit_test(a_refund_of_what_was_issued_shows_until_it_is_voided),
		cmocka_unit_test(what_is_another_s_is_not_there),
		cmocka_unit_test(what_another_paid_for_is_invoiced_to_whose_shop_it_is),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
