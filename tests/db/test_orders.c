/* Orders before and beside their payment: what the payer reads, what is refused before any service
 * is called, when a service is asked, and payments that no order takes. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "ctl/verify.h"
#include "domain/me.h"
#include "domain/order.h"
#include "domain/orders.h"
#include "domain/rechargeblock.h"
#include "domain/refundwork.h"
#include "domain/role.h"
#include "domain/sale.h"
#include "domain/setting.h"
#include "domain/unmatched.h"
#include "shop_fixture.h"

#define FEN(n) ((int64_t)(n)*NANO_PER_FEN)
#define MINUTE 60000

static struct utc now = { SHOP_T0 };
static struct db *api, *worker;
static int shops, keys;

struct desk {
	struct shop shop;
	int64_t finance, second;
};

static int64_t staff(struct db *db, const char *name)
{
	shop_set(db,
		"INSERT INTO user (username, kind, role_id) SELECT '%s%d', 'staff', id FROM role"
		" WHERE code = 'admin'",
		name, shops);
	return shop_number(db, "SELECT LAST_INSERT_ID() AS v", 0);
}

static struct desk desk_make(struct db *db)
{
	struct desk d = { .shop = shop_make(db, ++shops) };

	shop_set(db, "UPDATE account SET balance_nano = 0 WHERE id = %lld",
		(long long)d.shop.account);
	shop_set(db, "UPDATE pay_order SET query_at = 0");
	d.finance = staff(db, "finance");
	d.second = staff(db, "second");
	return d;
}

static enum err create(
	const struct desk *d, int64_t fen, int64_t user, struct order *out, struct problem *why)
{
	struct order_new n = { .account_id = d->shop.account,
		.user_id = user,
		.amount_fen = fen,
		.channel = "wechat_native",
		.service = "wechat",
		.payer_address = "" };

	*why = (struct problem){ 0 };
	return order_create(api, &n, now, out, why);
}

/* As somebody of another shop, by the code of its meter. */
static enum err create_for_another(
	const struct desk *d, int64_t user, struct order *out, struct problem *why)
{
	struct order_new n = { .account_id = d->shop.account,
		.meter_id = d->shop.meter,
		.user_id = user,
		.amount_fen = 5000,
		.channel = "wechat_native",
		.service = "wechat",
		.payer_address = "" };

	*why = (struct problem){ 0 };
	return order_create(api, &n, now, out, why);
}

static struct order made(const struct desk *d, int64_t fen)
{
	struct problem why;
	struct order o;

	assert_int_equal(create(d, fen, 0, &o, &why), ERR_OK);
	return o;
}

static enum credit_outcome pays(const char *out_trade_no, const char *transaction, int64_t fen)
{
	struct payment p = { .service = "wechat",
		.out_trade_no = out_trade_no,
		.transaction_id = transaction,
		.amount_fen = fen,
		.currency = "CNY",
		.paid_at = now };
	enum credit_outcome outcome;

	assert_int_equal(order_credit(api, &p, "notify", now, &outcome), ERR_OK);
	return outcome;
}

static const char *transaction(void)
{
	static char text[32];

	snprintf(text, sizeof(text), "w%d", ++keys);
	return text;
}

static int64_t balance(struct db *db, const struct desk *d)
{
	return shop_number(
		db, "SELECT balance_nano AS v FROM account WHERE id = %lld", d->shop.account);
}

static int64_t suspense(struct db *db)
{
	return shop_number(db,
		"SELECT CAST(COALESCE(SUM(p.amount_nano), 0) AS SIGNED) AS v FROM posting p JOIN"
		" account a ON a.id = p.account_id WHERE a.code = 'suspense'",
		0);
}

static int64_t alarms(struct db *db, const char *kind)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
		"SELECT COUNT(*) AS v FROM alarm WHERE open_key IS NOT NULL AND kind = '%s'", kind);
	return shop_number(db, sql, 0);
}

static void ties(struct db *db)
{
	AUTO(json_free) json_t *findings = json_array();

	assert_int_equal(verify_run(db, findings), ERR_OK);
	if (json_array_size(findings))
		fail_msg("%s", json_dumps(findings, JSON_INDENT(1)));
}

static void the_payer_reads_shop_purpose_and_meter(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct order o, again;

	shop_set(db,
		"UPDATE tenant SET room = 'A-103', name = '老码头/火锅' WHERE id = (SELECT"
		" tenant_id FROM contract WHERE id = %lld)",
		(long long)d.shop.contract);
	shop_set(db, "UPDATE meter SET code = 'A103-1' WHERE id = %lld", (long long)d.shop.meter);
	o = made(&d, 5000);
	assert_string_equal(o.description, "A-103 电费 表A103-1");
	shop_set(db,
		"UPDATE tenant SET room = '', language = 'en' WHERE id = (SELECT tenant_id"
		" FROM contract WHERE id = %lld)",
		(long long)d.shop.contract);
	/* an order keeps its words: it is opened again by the same bytes */
	assert_int_equal(order_get(api, o.id, &again), ERR_OK);
	assert_string_equal(again.description, o.description);
	/* and what services take badly in a title is softened */
	assert_string_equal(made(&d, 5000).description, "老码头 火锅 electricity, meter A103-1");
}

static void what_a_site_refuses_is_refused_before_any_service(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct recharge_block_set set = { .account_id = d.shop.account,
		.blocked = true,
		.reason = "a dispute",
		.actor = "user:1",
		.address = "" };
	struct sale_line line = { .account_id = d.shop.account, .amount_fen = 5000 };
	struct sale_new sale = { .user_id = d.finance,
		.actor = "user:1",
		.method = "cash",
		.lines = &line,
		.n = 1,
		.tendered_fen = 5000,
		.note = "",
		.once_key = "blocked" };
	struct recharge_block b;
	struct problem why;
	struct shift shift;
	struct sale sold;
	struct order o;

	shop_set(db,
		"INSERT INTO setting (site_id, name, value) VALUES (%lld, 'order_min_fen', 500),"
		" (%lld, 'order_max_fen', 6000), (%lld, 'open_orders_most', 2)",
		(long long)d.shop.site, (long long)d.shop.site, (long long)d.shop.site);
	assert_int_equal(create(&d, 499, 0, &o, &why), ERR_AMOUNT_SMALL);
	assert_int_equal(create(&d, 6001, 0, &o, &why), ERR_AMOUNT_LARGE);
	assert_string_equal(why.field, "amount_fen");
	assert_int_equal(create(&d, 500, d.finance, &o, &why), ERR_OK);
	assert_int_equal(create(&d, 6000, d.finance, &o, &why), ERR_OK);
	assert_int_equal(create(&d, 6000, d.finance, &o, &why), ERR_ORDERS_OPEN);
	assert_int_equal(create(&d, 6000, d.second, &o, &why), ERR_OK); /* of each login */

	assert_int_equal(shift_open(api, d.finance, now, &shift), ERR_OK);
	assert_int_equal(recharge_block_put(api, &set, now, &b), ERR_OK);
	assert_true(b.blocked);
	assert_int_equal(recharge_block_put(api, &set, now, &b), ERR_OK);
	assert_int_equal(create(&d, 5000, 0, &o, &why), ERR_BLOCKED);
	assert_string_equal(why.field, "account_id");
	assert_int_equal(create_for_another(&d, d.second, &o, &why), ERR_BLOCKED);
	assert_string_equal(why.field, "meter");
	assert_int_equal(sale_create(api, &sale, now, &sold, &why), ERR_BLOCKED);
	assert_string_equal(why.field, "lines[0].account_id");
	ties(db);
	set.site_id = d.shop.site + 1;
	assert_int_equal(recharge_block_put(api, &set, now, &b), ERR_NOT_FOUND);
	set.site_id = 0;
	set.blocked = false;
	assert_int_equal(recharge_block_put(api, &set, now, &b), ERR_OK);
	assert_int_equal(create(&d, 5000, 0, &o, &why), ERR_OK);
	assert_int_equal(sale_create(api, &sale, now, &sold, &why), ERR_OK);
	line.amount_fen = 6001;
	sale.tendered_fen = 6001;
	sale.once_key = "large";
	assert_int_equal(sale_create(api, &sale, now, &sold, &why), ERR_AMOUNT_LARGE);
	ties(db);
}

/* A login, of the shop unless it is a stranger's. */
static int64_t login(struct db *db, const struct desk *d, bool of_shop)
{
	int64_t user;

	shop_set(db, "INSERT INTO user (username, kind) VALUES ('login%d', 'tenant')", ++keys);
	user = shop_number(db, "SELECT LAST_INSERT_ID() AS v", 0);
	if (of_shop)
		shop_set(db,
			"INSERT INTO user_tenant (user_id, tenant_id) SELECT %lld, tenant_id FROM"
			" contract WHERE id = %lld",
			(long long)user, (long long)d->shop.contract);
	return user;
}

static void named(struct db *db, const struct desk *d, const char *room)
{
	shop_set(db,
		"UPDATE tenant SET room = '%s', name = '老码头火锅' WHERE id = (SELECT tenant_id"
		" FROM contract WHERE id = %lld)",
		room, (long long)d->shop.contract);
	shop_set(db, "UPDATE meter SET code = 'Pay%d' WHERE id = %lld", shops,
		(long long)d->shop.meter);
}

static enum err find(int64_t user, const char *code, struct payee *p)
{
	struct problem why = { 0 };
	enum err e = payee_find(api, user, code, now, p, &why);

	if (e == ERR_NOT_FOUND) {
		assert_string_equal(why.field, "meter");
		assert_string_equal(why.text, "no shop can be paid for by this meter code");
	}
	return e;
}

static void a_meter_is_told_to_strangers_by_its_whole_code_only(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	int64_t own = login(db, &d, true), stranger = login(db, &d, false);
	char code[16], other[24];
	struct payee p;

	named(db, &d, "A-103");
	snprintf(code, sizeof(code), "Pay%d", shops);
	assert_int_equal(find(stranger, code, &p), ERR_OK);
	assert_false(p.own);
	assert_int_equal(p.account_id, d.shop.account);
	assert_string_equal(p.room, "A-103");
	assert_string_equal(p.name, "老**");
	assert_string_equal(p.utility, "electricity");
	assert_int_equal(find(own, code, &p), ERR_OK);
	assert_true(p.own);
	snprintf(other, sizeof(other), "%s ", code);
	assert_int_equal(find(stranger, other, &p), ERR_NOT_FOUND);
	snprintf(other, sizeof(other), "pay%d", shops);
	assert_int_equal(find(stranger, other, &p), ERR_NOT_FOUND);
	assert_int_equal(find(stranger, "Pay%", &p), ERR_NOT_FOUND);
	assert_int_equal(find(stranger, "", &p), ERR_NOT_FOUND);

	shop_set(db,
		"INSERT INTO setting (site_id, name, value) VALUES (%lld, 'pay_for_others', 0)",
		(long long)d.shop.site);
	assert_int_equal(find(stranger, code, &p), ERR_NOT_FOUND);
	assert_int_equal(find(own, code, &p), ERR_OK);
	shop_set(db, "DELETE FROM setting WHERE site_id = %lld", (long long)d.shop.site);
	shop_set(db, "UPDATE contract SET end_at = 1 WHERE id = %lld", (long long)d.shop.contract);
	assert_int_equal(find(stranger, code, &p), ERR_NOT_FOUND);
	shop_set(db, "UPDATE contract SET end_at = 0 WHERE id = %lld", (long long)d.shop.contract);
	shop_set(db, "UPDATE contract_point SET to_at = 1 WHERE contract_id = %lld",
		(long long)d.shop.contract);
	assert_int_equal(find(stranger, code, &p), ERR_NOT_FOUND);
	assert_int_equal(find(own, code, &p), ERR_NOT_FOUND);
}

static void who_pays_for_another_sees_neither_purse_nor_balance(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	int64_t own = login(db, &d, true), payer = login(db, &d, false);
	int64_t third = login(db, &d, false);
	const char *t = transaction();
	struct problem why;
	struct me_order m;
	char reads[64];
	struct order o;

	named(db, &d, "");
	assert_int_equal(create_for_another(&d, payer, &o, &why), ERR_OK);
	assert_int_equal(o.meter_id, d.shop.meter);
	snprintf(reads, sizeof(reads), "老** 电费 表Pay%d", shops);
	assert_string_equal(o.description, reads);
	assert_int_equal(me_order_get(api, payer, o.id, now, &m), ERR_OK);
	assert_string_equal(m.state, "created");
	assert_false(m.followed);
	assert_int_equal(me_order_get(api, own, o.id, now, &m), ERR_NOT_FOUND); /* not paid yet */
	assert_int_equal(me_order_get(api, third, o.id, now, &m), ERR_NOT_FOUND);

	shop_set(db, "UPDATE supply_point SET observed = 'off' WHERE id = %lld",
		(long long)d.shop.point);
	assert_int_equal(pays(o.out_trade_no, t, 5000), CREDIT_DONE);
	assert_int_equal(balance(db, &d), FEN(5000));
	assert_int_equal(me_order_get(api, payer, o.id, now, &m), ERR_OK);
	assert_string_equal(m.transaction_id, t);
	assert_string_equal(m.name, "老**");
	assert_string_equal(m.meter_name, "");
	assert_int_equal(m.account_id, 0);
	assert_int_equal(m.balance.nano, 0);
	assert_true(m.followed);
	assert_false(m.by_another);
	assert_int_equal(me_order_get(api, own, o.id, now, &m), ERR_OK);
	assert_true(m.by_another);
	assert_int_equal(m.account_id, d.shop.account);
	assert_int_equal(m.balance.nano, FEN(5000));
	assert_string_equal(m.transaction_id, "");
	assert_int_equal(me_order_get(api, third, o.id, now, &m), ERR_NOT_FOUND);

	/* its supply is followed for an hour, or until it is back */
	now.ms += 60 * MINUTE;
	assert_int_equal(me_order_get(api, payer, o.id, now, &m), ERR_OK);
	assert_false(m.followed);
	now.ms -= MINUTE;
	shop_set(db, "UPDATE supply_point SET observed = 'on' WHERE id = %lld",
		(long long)d.shop.point);
	shop_set(db, "UPDATE pay_order SET supply_restored_at = %lld WHERE id = %lld",
		(long long)now.ms, (long long)o.id);
	assert_int_equal(me_order_get(api, payer, o.id, now, &m), ERR_OK);
	assert_int_equal(m.restored_at.ms, now.ms);
	assert_false(m.followed);
	ties(db);
}

static void what_was_paid_is_credited_to_a_blocked_purse_too(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct order o = made(&d, 5000);
	struct recharge_block_set set = { .account_id = d.shop.account,
		.blocked = true,
		.reason = "a dispute",
		.actor = "user:1",
		.address = "" };
	struct recharge_block b;

	assert_int_equal(recharge_block_put(api, &set, now, &b), ERR_OK);
	assert_int_equal(pays(o.out_trade_no, transaction(), 5000), CREDIT_DONE);
	assert_int_equal(balance(db, &d), FEN(5000));
}

struct asker {
	pthread_t thread;
	int n;
};

static void *asks(void *arg)
{
	AUTO(db_free) struct db *db = fixture_as("yufu_worker");
	struct asker *a = arg;
	struct order o;
	enum err e;

	while ((e = order_claim(db, "wechat", now, &o)) == ERR_OK)
		a->n++;
	assert_int_equal(e, ERR_NOT_FOUND);
	db_free(&db);
	db_thread_end();
	return NULL;
}

static void each_order_is_asked_about_once_by_plan(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct asker askers[8] = { 0 };
	int64_t due, gaps[8], last;
	struct order o;
	int n = 0;

	for (int i = 0; i < 40; i++)
		made(&d, 5000);
	assert_int_equal(orders_due(worker, "wechat", now, &due), ERR_OK);
	assert_int_equal(due, 0); /* the notify has 5 s */
	now.ms += 5000;
	assert_int_equal(orders_due(worker, "alipay", now, &due), ERR_OK);
	assert_int_equal(due, 0);
	assert_int_equal(orders_due(worker, "wechat", now, &due), ERR_OK);
	assert_int_equal(due, 40);
	for (size_t i = 0; i < ARRAY_LEN(askers); i++)
		assert_int_equal(pthread_create(&askers[i].thread, NULL, asks, &askers[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(askers); i++) {
		pthread_join(askers[i].thread, NULL);
		n += askers[i].n;
	}
	assert_int_equal(n, 40);

	shop_set(db, "UPDATE pay_order SET query_at = 0");
	o = made(&d, 5000);
	last = now.ms;
	for (size_t i = 0; i < ARRAY_LEN(gaps);) {
		now.ms += 1000;
		if (order_claim(worker, "wechat", now, &o) != ERR_OK)
			continue;
		gaps[i++] = (now.ms - last) / 1000;
		last = now.ms;
	}
	assert_memory_equal(gaps, ((int64_t[]){ 5, 10, 15, 30, 45, 45, 45, 45 }), sizeof(gaps));
	assert_int_equal(order_ask_now(api, o.id, now), ERR_OK);
	assert_int_equal(order_claim(worker, "wechat", now, &o), ERR_OK);
	assert_int_equal(order_closed(worker, o.id, now), ERR_OK);
	assert_int_equal(order_ask_now(api, o.id, now), ERR_OK); /* final: never again */
	now.ms += 24 * 60 * MINUTE;
	assert_int_equal(order_claim(worker, "wechat", now, &o), ERR_NOT_FOUND);
}

static void settle_as(const struct desk *d, enum unmatched_how how, struct unmatched_act *a,
	const struct order *o, struct db *db)
{
	static char once[32];

	snprintf(once, sizeof(once), "settle:%d", ++keys);
	*a = (struct unmatched_act){ .how = how,
		.account_id = how == UNMATCHED_CREDIT ? d->shop.account : 0,
		.user_id = d->finance,
		.actor = "user:1",
		.address = "",
		.reason = "the tenant showed the receipt",
		.once_key = once };
	a->id = shop_number(
		db, "SELECT MAX(id) AS v FROM pay_unmatched WHERE order_id = %lld", o->id);
}

static enum err settle(
	const struct unmatched_act *a, struct unmatched *u, int64_t *approval, struct problem *why)
{
	*why = (struct problem){ 0 };
	return unmatched_settle(api, a, now, u, approval, why);
}

static void a_wrong_amount_waits_and_is_given_to_a_purse_once(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct order o = made(&d, 5000);
	const char *t = transaction();
	struct unmatched_act act;
	struct unmatched u;
	struct problem why;
	int64_t approval;

	for (int i = 0; i < 3; i++)
		assert_int_equal(pays(o.out_trade_no, t, 4999), CREDIT_AMOUNT);
	assert_int_equal(alarms(db, "payment_amount"), 1);
	assert_int_equal(balance(db, &d), 0);
	settle_as(&d, UNMATCHED_CREDIT, &act, &o, db);
	act.site_id = d.shop.site + 1;
	assert_int_equal(settle(&act, &u, &approval, &why), ERR_NOT_FOUND);
	act.site_id = 0;
	act.account_id = 0;
	assert_int_equal(settle(&act, &u, &approval, &why), ERR_NOT_FOUND);
	assert_string_equal(why.field, "account_id");
	act.account_id = d.shop.account;
	assert_int_equal(settle(&act, &u, &approval, &why), ERR_OK);
	assert_string_equal(u.state, "credited");
	assert_int_equal(settle(&act, &u, &approval, &why), ERR_OK); /* the same request */
	act.once_key = "other";
	assert_int_equal(settle(&act, &u, &approval, &why), ERR_CONFLICT);
	assert_int_equal(balance(db, &d), FEN(4999));
	assert_int_equal(alarms(db, "payment_amount"), 0);
	/* told again, by any amount: neither credited nor alarmed */
	assert_int_equal(pays(o.out_trade_no, t, 4999), CREDIT_AMOUNT);
	assert_int_equal(pays(o.out_trade_no, t, 5000), CREDIT_REPEATED);
	assert_int_equal(alarms(db, "payment_amount"), 0);
	assert_int_equal(balance(db, &d), FEN(4999));
	assert_int_equal(order_get(api, o.id, &o), ERR_OK);
	assert_string_equal(o.state, "closed");
	ties(db);
}

static void the_right_word_of_the_service_settles_a_wrong_one(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct order o = made(&d, 5000);
	const char *t = transaction();

	assert_int_equal(pays(o.out_trade_no, t, 500000), CREDIT_AMOUNT);
	assert_int_equal(pays(o.out_trade_no, t, 5000), CREDIT_DONE);
	assert_int_equal(alarms(db, "payment_amount"), 0);
	assert_int_equal(shop_number(db,
				 "SELECT COUNT(*) AS v FROM pay_unmatched WHERE state = 'matched'"
				 " AND order_id = %lld",
				 o.id),
		1);
	ties(db);
}

static void a_second_payment_goes_back_or_to_a_purse(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct order o = made(&d, 5000);
	int64_t before = suspense(db), approval;
	struct refund_told told = { .service = "wechat",
		.out_trade_no = o.out_trade_no,
		.refund_id = "r",
		.amount_fen = 5000,
		.word = REFUND_CLOSED,
		.via = "query" };
	enum told_outcome outcome;
	struct unmatched_act act;
	struct refund_work w;
	struct unmatched u;
	struct problem why;

	assert_int_equal(pays(o.out_trade_no, transaction(), 5000), CREDIT_DONE);
	assert_int_equal(pays(o.out_trade_no, transaction(), 5000), CREDIT_SECOND);
	assert_int_equal(suspense(db), before + FEN(5000));
	settle_as(&d, UNMATCHED_CLOSE, &act, &o, db);
	assert_int_equal(settle(&act, &u, &approval, &why), ERR_CONFLICT); /* money lies there */
	settle_as(&d, UNMATCHED_REFUND, &act, &o, db);
	assert_int_equal(settle(&act, &u, &approval, &why), ERR_OK);
	assert_string_equal(u.state, "refunded");
	assert_int_equal(suspense(db), before);
	ties(db);
	assert_int_equal(refund_claim(worker, "wechat", now, &w), ERR_OK);
	assert_int_equal(w.f.id, u.refund_id);
	assert_string_equal(w.out_trade_no, o.out_trade_no);
	told.out_refund_no = w.f.out_refund_no;
	assert_int_equal(refund_told(worker, &told, now, &outcome), ERR_OK);
	assert_int_equal(outcome, TOLD_TAKEN);
	assert_int_equal(suspense(db), before + FEN(5000)); /* it came to nothing */
	ties(db);
	settle_as(&d, UNMATCHED_CREDIT, &act, &o, db);
	assert_int_equal(settle(&act, &u, &approval, &why), ERR_OK);
	assert_int_equal(suspense(db), before);
	assert_int_equal(balance(db, &d), FEN(10000));
	ties(db);
}

static void a_wrong_amount_that_turns_out_a_second_payment_is_what_lies_in_suspense(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct order o = made(&d, 5000);
	int64_t before = suspense(db), approval;
	char second[64];
	struct unmatched_act act;
	struct unmatched u;
	struct problem why;

	assert_int_equal(pays(o.out_trade_no, transaction(), 5000), CREDIT_DONE);
	snprintf(second, sizeof(second), "%s", transaction());
	assert_int_equal(pays(o.out_trade_no, second, 500000), CREDIT_AMOUNT);
	assert_int_equal(pays(o.out_trade_no, second, 5000), CREDIT_SECOND);
	assert_int_equal(suspense(db), before + FEN(5000));
	settle_as(&d, UNMATCHED_REFUND, &act, &o, db);
	assert_int_equal(unmatched_get(api, 0, act.id, &u), ERR_OK);
	assert_string_equal(u.why, "second_payment");
	assert_int_equal(u.amount_fen, 5000);
	ties(db);
	assert_int_equal(settle(&act, &u, &approval, &why), ERR_OK);
	assert_string_equal(u.state, "refunded");
	assert_int_equal(suspense(db), before);
	ties(db);
}

static enum err decide(int64_t id, int64_t user)
{
	char actor[32];
	struct approval_decision x = { .id = id,
		.user_id = user,
		.actor = actor,
		.address = "",
		.approve = true,
		.note = "",
		.now = now };
	struct problem why = { 0 };
	struct approval out;

	snprintf(actor, sizeof(actor), "user:%lld", (long long)user);
	return approval_decide(api, &x, &out, &why);
}

static void above_the_limit_a_second_person_decides(void **state)
{
	static const enum unmatched_how hows[] = { UNMATCHED_CREDIT, UNMATCHED_REFUND };
	struct db *db = *state;
	struct desk d = desk_make(db);

	for (size_t i = 0; i < ARRAY_LEN(hows); i++) {
		struct order o = made(&d, 60000);
		struct unmatched_act act;
		struct unmatched u;
		struct problem why;
		int64_t approval, had = balance(db, &d);
		char actor[32];

		assert_int_equal(pays(o.out_trade_no, transaction(), 60001), CREDIT_AMOUNT);
		settle_as(&d, hows[i], &act, &o, db);
		snprintf(actor, sizeof(actor), "user:%lld", (long long)d.finance);
		act.actor = actor;
		assert_int_equal(settle(&act, &u, &approval, &why), ERR_OK);
		assert_true(approval > 0);
		assert_string_equal(u.state, "open");
		assert_int_equal(decide(approval, d.finance), ERR_FORBIDDEN);
		assert_int_equal(decide(approval, d.second), ERR_OK);
		assert_int_equal(unmatched_get(api, 0, act.id, &u), ERR_OK);
		assert_string_equal(u.state, i ? "refunded" : "credited");
		assert_int_equal(balance(db, &d), had + (i ? 0 : FEN(60001)));
		ties(db);
	}
}

static void a_payment_before_its_order_is_found_by_asking(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct order o = made(&d, 5000);
	const char *t = transaction();
	struct unmatched_act act;
	struct unmatched u;
	struct problem why;
	int64_t approval;

	shop_set(db, "UPDATE pay_order SET out_trade_no = 'YFlater1' WHERE id = %lld",
		(long long)o.id);
	assert_int_equal(pays("YFlater2", t, 5000), CREDIT_UNKNOWN_ORDER);
	shop_set(db, "UPDATE pay_order SET out_trade_no = 'YFlater2' WHERE id = %lld",
		(long long)o.id);
	assert_int_equal(pays("YFlater2", t, 5000), CREDIT_DONE);
	assert_int_equal(balance(db, &d), FEN(5000));
	ties(db);
	/* one that nobody ever knows goes back, from the books of a site that is named */
	assert_int_equal(pays("YFnever1", transaction(), 700), CREDIT_UNKNOWN_ORDER);
	settle_as(&d, UNMATCHED_REFUND, &act, &o, db);
	act.id = shop_number(db, "SELECT MAX(id) AS v FROM pay_unmatched", 0);
	assert_int_equal(settle(&act, &u, &approval, &why), ERR_MISSING_FIELD);
	act.book_site_id = d.shop.site;
	assert_int_equal(settle(&act, &u, &approval, &why), ERR_OK);
	assert_string_equal(u.state, "refunded");
	ties(db);
}

static void another_currency_is_never_moved(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct order o = made(&d, 5000);
	struct payment p = { "wechat", o.out_trade_no, transaction(), 5000, "USD", now };
	enum credit_outcome outcome;
	struct unmatched_act act;
	struct unmatched u;
	struct problem why;
	int64_t approval;

	assert_int_equal(order_credit(api, &p, "notify", now, &outcome), ERR_OK);
	assert_int_equal(outcome, CREDIT_AMOUNT);
	settle_as(&d, UNMATCHED_CREDIT, &act, &o, db);
	assert_int_equal(settle(&act, &u, &approval, &why), ERR_CONFLICT);
	settle_as(&d, UNMATCHED_CLOSE, &act, &o, db);
	assert_int_equal(settle(&act, &u, &approval, &why), ERR_OK);
	ties(db);
}

static void staff_find_orders(void **state)
{
	struct db *db = *state;
	struct desk d = desk_make(db);
	struct order o = made(&d, 5000), paid = made(&d, 6000);
	const char *t = transaction();
	const struct arg account = arg_i64(d.shop.account);
	const struct {
		int64_t site;
		const char *names[2];
		struct arg values[2];
		int64_t want; /* 0: none */
	} cases[] = {
		{ 0, { "account_id", "state" }, { account, arg_text("paid") }, paid.id },
		{ 0, { "number" }, { arg_text(o.out_trade_no) }, o.id },
		{ 0, { "number" }, { arg_text(t) }, paid.id },
		{ 0, { "number", "service" }, { arg_text(t), arg_text("wechat") }, paid.id },
		{ 0, { "number", "service" }, { arg_text(t), arg_text("alipay") }, 0 },
		{ d.shop.site + 1, { "number" }, { arg_text(t) }, 0 },
		{ 0, { "account_id", "mismatch" }, { account, arg_i64(1) }, o.id },
	};
	struct order_view one;

	assert_int_equal(order_closed(api, paid.id, now), ERR_OK);
	assert_int_equal(pays(paid.out_trade_no, t, 6000), CREDIT_DONE);
	assert_int_equal(pays(o.out_trade_no, "mismatch1", 1), CREDIT_AMOUNT);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(rows_free) struct rows rows = { 0 };
		struct list_ask ask = list_ask_of(&order_listing, "id", true, 9);
		const struct order_view *v;
		struct list_place next;

		for (size_t k = 0; k < 2 && cases[i].names[k]; k++)
			list_ask_filter(
				&ask, &order_listing, cases[i].names[k], cases[i].values[k]);
		assert_int_equal(db_page(api, &order_listing, &ask, ARGS(arg_i64(cases[i].site)),
					 &rows, &next),
			ERR_OK);
		v = rows.at;
		if (rows.n != (cases[i].want != 0) || (rows.n && v->id != cases[i].want))
			fail_msg("case %zu: %zu rows", i, rows.n);
		if (rows.n && v->id == paid.id)
			assert_true(v->paid_after_close);
	}
	assert_int_equal(order_get_view(api, 0, o.id, &one), ERR_OK);
	assert_int_equal(one.id, o.id);
	assert_int_equal(order_get_view(api, d.shop.site + 1, o.id, &one), ERR_NOT_FOUND);
	ties(db);
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_payer_reads_shop_purpose_and_meter),
		cmocka_unit_test(what_a_site_refuses_is_refused_before_any_service),
		cmocka_unit_test(a_meter_is_told_to_strangers_by_its_whole_code_only),
		cmocka_unit_test(who_pays_for_another_sees_neither_purse_nor_balance),
		cmocka_unit_test(what_was_paid_is_credited_to_a_blocked_purse_too),
		cmocka_unit_test(each_order_is_asked_about_once_by_plan),
		cmocka_unit_test(a_wrong_amount_waits_and_is_given_to_a_purse_once),
		cmocka_unit_test(the_right_word_of_the_service_settles_a_wrong_one),
		cmocka_unit_test(a_second_payment_goes_back_or_to_a_purse),
		cmocka_unit_test(
			a_wrong_amount_that_turns_out_a_second_payment_is_what_lies_in_suspense),
		cmocka_unit_test(above_the_limit_a_second_person_decides),
		cmocka_unit_test(a_payment_before_its_order_is_found_by_asking),
		cmocka_unit_test(another_currency_is_never_moved),
		cmocka_unit_test(staff_find_orders),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
