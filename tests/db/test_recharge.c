/* A recharge, a sale and what follows from them, as the API's own database user: one entry whatever
 * is repeated, balances that equal their postings, supply that follows the balance. */
#include "db_fixture.h"

#include <pthread.h>
#include <string.h>

#include "domain/order.h"
#include "domain/place.h"
#include "domain/role.h"
#include "domain/sale.h"
#include "domain/supplypoint.h"

#define NOW ((struct utc){ 1795342029123 })
#define YUAN(n) ((struct money){ (n)*NANO_PER_YUAN })

struct text_row {
	char v[64];
};
SHAPE(text_shape, struct text_row, FIELD(struct text_row, v));

static int64_t purse(struct db *db)
{
	return FIXTURE_VALUE(db, "SELECT id AS v FROM account WHERE kind = 'purse'");
}

static enum err shop_tx(struct db *db, void *ctx)
{
	struct problem why = { 0 };
	struct site_new site = { "s", "Site", "Asia/Shanghai", "shop" };
	struct gateway_new gateway = { "G", "G", "s", "", "modbus-tcp", "127.0.0.1:1", "N", 9600 };
	struct meter_new meter = { .code = "A03",
		.name = "A-103",
		.gateway = "G",
		.unit = "3",
		.model = "acrel-ddsy1352",
		.serial = "",
		.utility = "electricity",
		.role = "tenant",
		.area = "",
		.parent = "",
		.tariff = "",
		.billing = "account",
		.load_class = "ordinary",
		.switchable = true,
		.ct_ratio = 1,
		.pt_ratio = 1 };
	/* As long as names get: characters count, not bytes. */
	struct tenant_new tenant = { "T",
		"成都市锦江区春熙路老码头火锅餐饮管理有限公司都匀星力城第一分店", "s",
		"13800000003", "13900000009", "一号楼三层东侧一零三室", 0 };
	struct purse_new p = { .tenant = "T",
		.purpose = "electricity",
		.opening = { -3180000000 },
		.warn1 = YUAN(50),
		.warn2 = YUAN(20),
		.emergency_limit = YUAN(20),
		.actor = "test" };
	int64_t account;
	struct user_new cashier = { "cashier", "Cashier", "", "", "cashier", "", "" };

	(void)ctx;
	assert_int_equal(site_add(db, &site, &why), ERR_OK);
	assert_int_equal(gateway_add(db, &gateway, &why), ERR_OK);
	assert_int_equal(meter_add(db, &meter, NOW, &why), ERR_OK);
	assert_int_equal(tenant_add(db, &tenant, NOW, &why), ERR_OK);
	assert_int_equal(purse_add(db, &p, NOW, &account, &why), ERR_OK);
	assert_int_equal(contract_meter_add(db, "T", "A03", NOW, &why), ERR_OK);
	assert_int_equal(account_changed(db, account, NOW), ERR_OK);
	assert_int_equal(user_add(db, &cashier, "", NULL, &why), ERR_OK);
	return ERR_OK;
}

static int open_shop(void **state)
{
	if (fixture_open(state) != 0)
		return -1;
	assert_int_equal(roles_install(*state), ERR_OK);
	assert_int_equal(db_tx(*state, shop_tx, NULL), ERR_OK);
	return 0;
}

static int64_t balance(struct db *db)
{
	return FIXTURE_VALUE(db, "SELECT balance_nano AS v FROM account WHERE kind = 'purse'");
}

/* What `yufu verify` checks too, said a second way. */
static void books_tie(struct db *db)
{
	assert_int_equal(
		FIXTURE_VALUE(db, "SELECT COALESCE(SUM(amount_nano), 0) AS v FROM posting"), 0);
	assert_int_equal(
		FIXTURE_VALUE(db, "SELECT SUM(p.amount_nano) - a.balance_nano AS v FROM account a"
				  " JOIN posting p ON p.account_id = a.id WHERE a.kind = 'purse'"
				  " GROUP BY a.id"),
		0);
}

static void text_is(struct db *db, const struct query *q, const char *want)
{
	struct text_row row;

	assert_int_equal(db_one(db, q, NO_ARGS, &row), ERR_OK);
	assert_string_equal(row.v, want);
}
#define TEXT_IS(db, sql, want)                                                                     \
	do {                                                                                       \
		static const struct query text_query_ = { (sql), &text_shape };                    \
		text_is((db), &text_query_, (want));                                               \
	} while (0)

static void order_make(struct db *db, int64_t fen, struct order *out)
{
	struct problem why = { 0 };
	struct order_new n = { .account_id = purse(db),
		.amount_fen = fen,
		.channel = "wechat_native",
		.service = "wechat",
		.payer_address = "203.0.113.7" };

	assert_int_equal(order_create(db, &n, NOW, out, &why), ERR_OK);
	assert_string_equal(out->state, "created");
}

static struct payment payment_for(const struct order *o, const char *transaction)
{
	return (struct payment){ .service = "wechat",
		.out_trade_no = o->out_trade_no,
		.transaction_id = transaction,
		.amount_fen = o->amount_fen,
		.currency = "CNY",
		.paid_at = NOW };
}

static void opening_below_zero_blocks_and_warns(void **state)
{
	struct db *db = *state;

	assert_int_equal(balance(db), -3180000000);
	TEXT_IS(db, "SELECT level AS v FROM account WHERE kind = 'purse'", "arrears");
	TEXT_IS(db, "SELECT CONCAT(desired, ' ', desired_reason) AS v FROM supply_point",
		"off arrears");
	assert_int_equal(FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM notice"), 1);
	/* the tenant's phone and the further contact */
	assert_int_equal(FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM outbox"), 2);
	books_tie(db);
}

struct racer {
	pthread_t thread;
	const struct payment *p;
	enum credit_outcome outcome;
};

static void *race(void *arg)
{
	AUTO(db_free) struct db *db = fixture_as("yufu_api");
	struct racer *r = arg;

	assert_int_equal(order_credit(db, r->p, "notify", NOW, &r->outcome), ERR_OK);
	db_free(&db);
	db_thread_end();
	return NULL;
}

static void ten_notifies_at_once_credit_once(void **state)
{
	struct db *db = *state;
	struct racer racers[10] = { 0 };
	struct payment p;
	struct order o;
	int done = 0;

	fixture_sql(db, "UPDATE supply_point SET observed = 'off'");
	order_make(db, 20000, &o);
	p = payment_for(&o, "4200001");
	for (size_t i = 0; i < ARRAY_LEN(racers); i++) {
		racers[i].p = &p;
		assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(racers); i++) {
		pthread_join(racers[i].thread, NULL);
		done += racers[i].outcome == CREDIT_DONE;
		assert_true(
			racers[i].outcome == CREDIT_DONE || racers[i].outcome == CREDIT_REPEATED);
	}
	assert_int_equal(done, 1);
	assert_int_equal(balance(db), 196820000000);
	assert_int_equal(order_find(db, o.out_trade_no, &o), ERR_OK);
	assert_string_equal(o.state, "paid");
	assert_true(o.supply_was_off);
	TEXT_IS(db, "SELECT CONCAT(desired, ' ', pending) AS v FROM supply_point", "on 1");
	assert_int_equal(
		FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM notice WHERE kind = 'recharged'"), 1);
	/* every arrival is kept, with what came of it */
	assert_int_equal(FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM pay_notify"), 10);
	books_tie(db);
}

struct observing {
	int64_t point;
	int64_t after_ms;
};

static enum err observe_on(struct db *db, void *ctx)
{
	const struct observing *o = ctx;

	return supply_observe(db, o->point, "on", (struct utc){ NOW.ms + o->after_ms });
}

static void reading_back_ends_the_wait_of_the_order(void **state)
{
	AUTO(db_free) struct db *poller = fixture_as("yufu_poller");
	struct db *db = *state;
	struct observing o = { FIXTURE_VALUE(db, "SELECT id AS v FROM supply_point"), 900 };

	assert_int_equal(db_tx(poller, observe_on, &o), ERR_OK);
	TEXT_IS(db, "SELECT CONCAT(observed, ' ', pending) AS v FROM supply_point", "on 0");
	assert_int_equal(
		FIXTURE_VALUE(db, "SELECT supply_restored_at - credited_at AS v FROM pay_order"),
		900);
	assert_int_equal(
		FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM notice WHERE kind = 'restored'"), 0);
	/* Had it taken more than a minute, the tenant would not be looking any more. */
	fixture_sql(db, "UPDATE pay_order SET supply_restored_at = 0");
	o.after_ms = 61000;
	for (int i = 0; i < 2; i++)
		assert_int_equal(db_tx(poller, observe_on, &o), ERR_OK);
	assert_int_equal(
		FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM notice WHERE kind = 'restored'"), 1);
	assert_true(FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM outbox WHERE template ="
				      " 'restored'") > 0);
}

static void second_transaction_goes_to_suspense(void **state)
{
	AUTO(db_free) struct db *api = fixture_as("yufu_api");
	struct db *db = *state;
	int64_t before = balance(db);
	enum credit_outcome outcome;
	struct payment p;
	struct order o;

	order_make(db, 5000, &o);
	p = payment_for(&o, "4200002");
	assert_int_equal(order_credit(api, &p, "notify", NOW, &outcome), ERR_OK);
	assert_int_equal(outcome, CREDIT_DONE);
	p.transaction_id = "4200003";
	assert_int_equal(order_credit(api, &p, "notify", NOW, &outcome), ERR_OK);
	assert_int_equal(outcome, CREDIT_SECOND);
	assert_int_equal(order_credit(api, &p, "notify", NOW, &outcome), ERR_OK);
	assert_int_equal(outcome, CREDIT_REPEATED);
	assert_int_equal(balance(db), before + YUAN(50).nano);
	assert_int_equal(
		FIXTURE_VALUE(db, "SELECT SUM(p.amount_nano) AS v FROM posting p JOIN account a"
				  " ON a.id = p.account_id WHERE a.code = 'suspense'"),
		YUAN(50).nano);
	books_tie(db);
}

static void wrong_amount_currency_or_order_never_credit(void **state)
{
	AUTO(db_free) struct db *api = fixture_as("yufu_api");
	struct db *db = *state;
	int64_t before = balance(db);
	enum credit_outcome outcome;
	struct payment p;
	struct order o;

	order_make(db, 5000, &o);
	p = payment_for(&o, "4200004");
	p.amount_fen = 4999;
	assert_int_equal(order_credit(api, &p, "notify", NOW, &outcome), ERR_OK);
	assert_int_equal(outcome, CREDIT_AMOUNT);
	p = payment_for(&o, "4200004");
	p.currency = "USD";
	assert_int_equal(order_credit(api, &p, "notify", NOW, &outcome), ERR_OK);
	assert_int_equal(outcome, CREDIT_AMOUNT);
	p = payment_for(&o, "4200004");
	p.service = "alipay";
	assert_int_equal(order_credit(api, &p, "notify", NOW, &outcome), ERR_OK);
	assert_int_equal(outcome, CREDIT_UNKNOWN_ORDER);
	p.out_trade_no = "YF0";
	assert_int_equal(order_credit(api, &p, "notify", NOW, &outcome), ERR_OK);
	assert_int_equal(outcome, CREDIT_UNKNOWN_ORDER);
	assert_int_equal(balance(db), before);
	assert_int_equal(
		FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM alarm WHERE severity = 'urgent'"),
		4); /* the second payment of before; the amount; two unknown orders */
}

static void paid_after_close_is_credited_and_marked(void **state)
{
	AUTO(db_free) struct db *api = fixture_as("yufu_api");
	struct db *db = *state;
	int64_t before = balance(db);
	enum credit_outcome outcome;
	struct payment p;
	struct order o;

	order_make(db, 5000, &o);
	assert_int_equal(order_closed(api, o.id, NOW), ERR_OK);
	p = payment_for(&o, "4200005");
	assert_int_equal(order_credit(api, &p, "notify", NOW, &outcome), ERR_OK);
	assert_int_equal(outcome, CREDIT_DONE);
	assert_int_equal(balance(db), before + YUAN(50).nano);
	assert_int_equal(FIXTURE_VALUE(db, "SELECT SUM(paid_after_close) AS v FROM pay_order"), 1);
	books_tie(db);
}

static void amounts_are_checked_before_any_service_is_called(void **state)
{
	AUTO(db_free) struct db *api = fixture_as("yufu_api");
	struct problem why = { 0 };
	struct order_new n = { .account_id = purse(*state),
		.amount_fen = 99,
		.channel = "wechat_native",
		.service = "wechat",
		.payer_address = "" };
	struct order o;

	assert_int_equal(order_create(api, &n, NOW, &o, &why), ERR_AMOUNT_SMALL);
	assert_string_equal(why.field, "amount_fen");
	n.amount_fen = 1000001;
	assert_int_equal(order_create(api, &n, NOW, &o, &why), ERR_AMOUNT_LARGE);
	fixture_sql(*state, "UPDATE account SET balance_nano = balance_nano + 49900000000000 WHERE"
			    " kind = 'purse'");
	n.amount_fen = 1000000;
	assert_int_equal(order_create(api, &n, NOW, &o, &why), ERR_AMOUNT_LARGE);
	fixture_sql(*state, "UPDATE account SET balance_nano = balance_nano - 49900000000000 WHERE"
			    " kind = 'purse'");
}

static struct sale_new sale_of(struct db *db, const struct sale_line *line, const char *key)
{
	return (struct sale_new){ .user_id = FIXTURE_VALUE(db,
					  "SELECT id AS v FROM user WHERE username = 'cashier'"),
		.actor = "user:1",
		.method = "cash",
		.lines = line,
		.n = 1,
		.tendered_fen = 10000,
		.note = "",
		.once_key = key };
}

static void a_sale_repeated_is_one_sale(void **state)
{
	AUTO(db_free) struct db *api = fixture_as("yufu_api");
	struct db *db = *state;
	struct sale_line line = { .account_id = purse(db), .amount_fen = 8000 };
	struct sale_new n = sale_of(db, &line, "sale:1:k");
	struct problem why = { 0 };
	struct sale first, again;
	struct shift shift;
	int64_t before = balance(db);

	assert_int_equal(sale_create(api, &n, NOW, &first, &why), ERR_SHIFT_CLOSED);
	assert_int_equal(shift_open(api, n.user_id, NOW, &shift), ERR_OK);
	assert_int_equal(shift_open(api, n.user_id, NOW, &shift), ERR_CONFLICT);
	assert_int_equal(sale_create(api, &n, NOW, &first, &why), ERR_OK);
	assert_int_equal(sale_create(api, &n, NOW, &again, &why), ERR_OK);
	assert_int_equal(again.id, first.id);
	assert_int_equal(balance(db), before + YUAN(80).nano);
	n.tendered_fen = 7999;
	n.once_key = "sale:1:l";
	assert_int_equal(sale_create(api, &n, NOW, &again, &why), ERR_AMOUNT_SMALL);
	books_tie(db);
}

static void closing_a_shift_books_what_is_missing(void **state)
{
	AUTO(db_free) struct db *api = fixture_as("yufu_api");
	struct db *db = *state;
	int64_t user = FIXTURE_VALUE(db, "SELECT id AS v FROM user WHERE username = 'cashier'");
	struct problem why = { 0 };
	struct shift s;

	assert_int_equal(shift_current(api, user, &s), ERR_OK);
	assert_int_equal(s.cash_fen, 8000);
	assert_int_equal(shift_close(api, s.id + 1, user, 7990, NOW, &s, &why), ERR_NOT_FOUND);
	assert_int_equal(shift_current(api, user, &s), ERR_OK);
	assert_int_equal(shift_close(api, s.id, user, 7990, NOW, &s, &why), ERR_OK);
	assert_int_equal(s.counted_fen, 7990);
	assert_true(s.closed_at.ms > 0);
	assert_int_equal(
		FIXTURE_VALUE(db, "SELECT SUM(p.amount_nano) AS v FROM posting p JOIN account a"
				  " ON a.id = p.account_id WHERE a.kind = 'drawer'"),
		0);
	assert_int_equal(
		FIXTURE_VALUE(db, "SELECT SUM(p.amount_nano) AS v FROM posting p JOIN account a"
				  " ON a.id = p.account_id WHERE a.code = 'over_short'"),
		-10 * NANO_PER_FEN);
	books_tie(db);
}

static enum err spend_tx(struct db *db, void *ctx)
{
	fixture_sql(db, ctx);
	return account_changed(db, purse(db), NOW);
}

static void emergency_credit_lifts_the_block_once(void **state)
{
	AUTO(db_free) struct db *api = fixture_as("yufu_api");
	struct db *db = *state;
	int64_t id = purse(db);
	char low[] = "UPDATE account SET balance_nano = -3180000000 WHERE kind = 'purse'";
	char lower[] = "UPDATE account SET balance_nano = -20000000000 WHERE kind = 'purse'";

	assert_int_equal(
		account_take_emergency(api, id, "user:1", NOW), ERR_CONFLICT); /* not low */
	assert_int_equal(db_tx(db, spend_tx, low), ERR_OK);
	TEXT_IS(db, "SELECT desired AS v FROM supply_point", "off");
	assert_int_equal(account_take_emergency(api, id, "user:1", NOW), ERR_OK);
	TEXT_IS(db, "SELECT desired AS v FROM supply_point", "on");
	assert_int_equal(account_take_emergency(api, id, "user:1", NOW), ERR_CONFLICT); /* taken */
	assert_int_equal(db_tx(db, spend_tx, lower), ERR_OK); /* used up: 20 yuan below zero */
	TEXT_IS(db, "SELECT desired AS v FROM supply_point", "off");
}

static enum err keep_tx(struct db *db, void *ctx)
{
	return supply_keep_set(
		db, *(const int64_t *)ctx, (struct utc){ NOW.ms + 1000 }, "asked", "user:1", NOW);
}

static enum err block_tx(struct db *db, void *ctx)
{
	return supply_block_set(
		db, *(const int64_t *)ctx, BLOCK_ARREARS, "account:1", "system", "", NOW);
}

static void a_keep_holds_supply_until_it_ends(void **state)
{
	AUTO(db_free) struct db *worker = fixture_as("yufu_worker");
	AUTO(db_free) struct db *api = fixture_as("yufu_api");
	struct db *db = *state;
	int64_t point = FIXTURE_VALUE(db, "SELECT id AS v FROM supply_point");

	assert_int_equal(db_tx(api, block_tx, &point), ERR_OK);
	TEXT_IS(db, "SELECT CONCAT(desired, ' ', desired_reason) AS v FROM supply_point",
		"off arrears");
	assert_int_equal(db_tx(api, keep_tx, &point), ERR_OK);
	TEXT_IS(db, "SELECT CONCAT(desired, ' ', desired_reason) AS v FROM supply_point",
		"on keep");
	assert_int_equal(supply_keeps_end(worker, (struct utc){ NOW.ms + 999 }), ERR_OK);
	TEXT_IS(db, "SELECT desired AS v FROM supply_point", "on");
	assert_int_equal(supply_keeps_end(worker, (struct utc){ NOW.ms + 1000 }), ERR_OK);
	TEXT_IS(db, "SELECT CONCAT(desired, ' ', desired_reason) AS v FROM supply_point",
		"off arrears");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opening_below_zero_blocks_and_warns),
		cmocka_unit_test(ten_notifies_at_once_credit_once),
		cmocka_unit_test(reading_back_ends_the_wait_of_the_order),
		cmocka_unit_test(second_transaction_goes_to_suspense),
		cmocka_unit_test(wrong_amount_currency_or_order_never_credit),
		cmocka_unit_test(paid_after_close_is_credited_and_marked),
		cmocka_unit_test(amounts_are_checked_before_any_service_is_called),
		cmocka_unit_test(a_sale_repeated_is_one_sale),
		cmocka_unit_test(closing_a_shift_books_what_is_missing),
		cmocka_unit_test(emergency_credit_lifts_the_block_once),
		cmocka_unit_test(a_keep_holds_supply_until_it_ends),
	};

	return cmocka_run_group_tests(tests, open_shop, fixture_close);
}
