/* Contracts from opening to closing and the exchange of devices, as the API's own database user,
 * with readings by the poller's. Energy costs 1 yuan per kWh here, so a watt-hour is a million
 * nano-yuan and a cashier can follow every sum. After each test everything ties, by `yufu verify`.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/verify.h"
#include "domain/adjust.h"
#include "domain/account.h"
#include "domain/contract.h"
#include "domain/fee.h"
#include "domain/ledger.h"
#include "domain/meterchange.h"
#include "domain/order.h"
#include "domain/reading.h"
#include "domain/shift.h"
#include "domain/subtenant.h"
#include "domain/supplypoint.h"
#include "shop_fixture.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)
#define YUAN(n) ((int64_t)(n)*NANO_PER_YUAN)
#define FEN(n) ((int64_t)(n)*NANO_PER_FEN)
#define WH INT64_C(1000000)	    /* nano-yuan that a watt-hour costs */
#define NOON INT64_C(1795320000000) /* 2026-11-22 12:00 in Shanghai */

static struct db *root, *api, *poller;
static struct tariffs *tariffs;
static int shops, keys;

static int open_world(void **state)
{
	if (fixture_open(state) != 0)
		return -1;
	root = *state;
	api = fixture_as("yufu_api");
	poller = fixture_as("yufu_poller");
	tariffs = tariffs_open();
	return 0;
}

static int close_world(void **state)
{
	tariffs_free(&tariffs);
	db_free(&api);
	db_free(&poller);
	return fixture_close(state);
}

/* ---- what a test needs ---- */

#define ONE_YUAN                                                                                   \
	"{\"code\": \"one\", \"name\": \"one\", \"utility\": \"electricity\", \"versions\": "      \
	"[{\"effective_from\": \"2026-01-01T00:00:00+08:00\", \"calendar\": [{\"slots\": "         \
	"[[\"00:00\", \"flat\"]]}], \"prices\": {\"flat\": [\"1\"]}}]}"

/* A site with a metering point that nobody holds. */
static struct shop vacant_shop(void)
{
	struct shop s = shop_make(root, ++shops);

	shop_set(root, "DELETE FROM contract_point WHERE supply_point_id = %lld",
		(long long)s.point);
	shop_set(root, "DELETE FROM account WHERE id = %lld", (long long)s.account);
	shop_set(root, "DELETE FROM contract WHERE id = %lld", (long long)s.contract);
	shop_set(root, "UPDATE tariff SET doc = '%s', revision = revision + 1 WHERE id = %lld",
		ONE_YUAN, (long long)s.tariff);
	s.contract = s.account = 0;
	return s;
}

/* A further metering point at the same site; parent 0: none. */
static int64_t meter_make(const struct shop *s, int n, int64_t parent)
{
	int64_t point;

	shop_set(root,
		"INSERT INTO supply_point (code, site_id, utility, switchable) VALUES"
		" ('P%lld-%d', %lld, 'electricity', 1)",
		(long long)s->group, n, (long long)s->site);
	point = shop_number(root, "SELECT LAST_INSERT_ID() AS v", 0);
	shop_set(root,
		"INSERT INTO meter (code, gateway_id, unit, model, utility, supply_point_id,"
		" parent_id) VALUES ('M%lld-%d', %lld, '%d', 'acrel-ddsy1352', 'electricity', %lld,"
		" NULLIF(%lld, 0))",
		(long long)s->group, n, (long long)s->gateway, n, (long long)point,
		(long long)parent);
	point = shop_number(root, "SELECT LAST_INSERT_ID() AS v", 0);
	shop_set(root,
		"INSERT INTO meter_tariff (meter_id, from_at, tariff_id) VALUES"
		" (%lld, 1, %lld)",
		(long long)point, (long long)s->tariff);
	return point;
}

static int64_t point_of(int64_t meter)
{
	return shop_number(root, "SELECT supply_point_id AS v FROM meter WHERE id = %lld", meter);
}

struct one {
	struct charge_reading r;
};

/* What the sink does with one reading. */
static enum err one_tx(struct db *db, void *ctx)
{
	struct one *o = ctx;
	AUTO(charges_free) struct charges sum = { 0 };
	struct settled last = { 0 };
	enum err e = settled_lock(db, o->r.meter_id, &last);
	struct reading_facts f = { .at = o->r.at,
		.reg = o->r.reg,
		.most_per_hour = o->r.most_per_hour,
		.has_last = last.read_at.ms != 0,
		.last_at = last.read_at,
		.last_reg = last.register_milli };

	if (e != ERR_OK)
		return e;
	if (reading_judge(&f) != VERDICT_ACCEPTED)
		return ERR_ALREADY;
	e = charge_settle(db, tariffs, &o->r, &last, &sum);
	return e == ERR_OK ? charge_post(db, &sum, o->r.at) : e;
}

static enum err read_meter(int64_t meter, int64_t at, int64_t reg)
{
	struct one o = { { .meter_id = meter,
		.at = { at },
		.reg = { reg },
		.most_per_hour = 10000000,
		.step = 1 } };

	return db_tx(poller, one_tx, &o);
}

struct asked {
	struct life_ask ask;
	char key[32];
	json_t *request;
};

static void asked_free(struct asked *a)
{
	json_free(&a->request);
}

static struct life_ask *ask_at(struct asked *a, int64_t now)
{
	snprintf(a->key, sizeof(a->key), "test:%d", ++keys);
	json_free(&a->request);
	a->request = json_pack("{s:s}", "test", a->key);
	a->ask = (struct life_ask){ .user_id = 1,
		.actor = "user:1",
		.address = "",
		.once_key = a->key,
		.request = a->request,
		.now = { now } };
	return &a->ask;
}

static char why_text[400];
#define MUST(act)                                                                                  \
	do {                                                                                       \
		struct problem why = { 0 };                                                        \
		enum err e_ = (act);                                                               \
		if (e_ != ERR_OK)                                                                  \
			fail_msg("%s %s: %s", err_word(e_), why.field, why.text);                  \
	} while (0)
#define REFUSED(want, act)                                                                         \
	do {                                                                                       \
		struct problem why = { 0 };                                                        \
		enum err e_ = (act);                                                               \
		snprintf(why_text, sizeof(why_text), "%s: %s", why.field, why.text);               \
		if (e_ != (want))                                                                  \
			fail_msg("%s, not %s: %s", err_word(e_), err_word(want), why_text);        \
		assert_true(why.text[0] != '\0');                                                  \
	} while (0)

/* Opens a contract for a new tenant with one meter at its last reading. */
static int64_t open_for(const struct shop *s, int64_t meter, int64_t now, int64_t opening)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 };
	char code[16];
	struct contract_open o = { .code = "",
		.site_id = s->site,
		.tenant = { 0, code, "Shop", "", "", "A1" },
		.meters = &(struct life_reading){ .meter_id = meter },
		.meters_n = 1,
		.purses = &(struct life_purse){ "electricity", { opening }, { 0 }, { 0 }, { 0 },
			{ 0 } },
		.purses_n = 1 };

	snprintf(code, sizeof(code), "N%d", ++keys);
	MUST(contract_open(api, ask_at(&a, now), &o, &done, &why));
	assert_true(done.id > 0);
	return done.id;
}

static int64_t purse(int64_t contract)
{
	return shop_number(
		root, "SELECT MIN(id) AS v FROM account WHERE contract_id = %lld", contract);
}

static int64_t balance(int64_t contract)
{
	return shop_number(root,
		"SELECT SUM(balance_nano) AS v FROM account WHERE contract_id = %lld", contract);
}

static int64_t company(const char *code)
{
	struct money sum = { 0 };

	assert_int_equal(ledger_sum(api, code, &sum), ERR_OK);
	return sum.nano;
}

static int64_t owed_by(int64_t contract)
{
	char code[32];

	snprintf(code, sizeof(code), "debt:%lld", (long long)contract);
	return -company(code);
}

/* The amount of the first step of a kind; INT64_MIN when there is none. */
static int64_t step_amount(const struct life_done *done, const char *what)
{
	struct money m = { INT64_MIN };
	json_t *s;
	size_t i;

	json_array_foreach(done->steps, i, s)
	{
		const char *amount = json_string_value(json_object_get(s, "amount"));

		if (strcmp(json_string_value(json_object_get(s, "what")), what) != 0)
			continue;
		if (!amount)
			return 0;
		assert_int_equal(money_parse(amount, &m), ERR_OK);
		break;
	}
	return m.nano;
}

static bool has_step(const struct life_done *done, const char *what)
{
	return step_amount(done, what) != INT64_MIN;
}

static struct contract_close closing(int64_t id, const char *payout)
{
	return (struct contract_close){ .id = id, .payout = payout, .reason = "moved out" };
}

static int64_t blocks(int64_t point, const char *kind)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
		"SELECT COUNT(*) AS v FROM block WHERE kind = '%s' AND supply_point_id = %%lld",
		kind);
	return shop_number(root, sql, point);
}

static void everything_ties(void)
{
	AUTO(json_free) json_t *findings = json_array();

	assert_int_equal(verify_run(root, findings), ERR_OK);
	if (json_array_size(findings))
		fail_msg("%s", json_dumps(findings, JSON_INDENT(1)));
}

/* ---- what a preview leaves ---- */

struct table_row {
	char Table[200];
	int64_t Checksum;
};
SHAPE(table_shape, struct table_row, FIELD(struct table_row, Table),
	FIELD(struct table_row, Checksum));
static const struct query Q_CHECKSUMS = {
	"CHECKSUM TABLE account, audit, block, contract, contract_event, contract_point, entry,"
	" meter, meter_change, meter_ratio, meter_state, notice, outbox, posting, settled,"
	" settlement, sub_tenant, supply_point, tenant, tier_use, typed_reading, usage_day,"
	" usage_hour, user, user_tenant EXTENDED",
	&table_shape
};

static int64_t checksums(void)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct table_row *r;
	int64_t sum = 0;

	assert_int_equal(db_list(root, &Q_CHECKSUMS, NO_ARGS, &rows), ERR_OK);
	assert_int_equal(rows.n, 25);
	r = rows.at;
	for (size_t i = 0; i < rows.n; i++)
		sum = (sum * 31 + r[i].Checksum) % INT64_C(1000000007);
	return sum;
}

/* ---- opening ---- */

static void test_open_in_one_step(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 }, again = { 0 };
	struct shop s = vacant_shop();
	struct life_ask *ask;
	struct contract_open o = { .code = "",
		.site_id = s.site,
		.tenant = { 0, "OPEN1", "Tea house", "13911110001", "", "B2" },
		.meters = &(struct life_reading){ .meter_id = s.meter },
		.meters_n = 1,
		.purses = (struct life_purse[]){ { "electricity", { YUAN(50) }, { YUAN(20) },
							 { YUAN(5) }, { 0 }, { 0 } },
			{ "fee", { 0 }, { 0 }, { 0 }, { 0 }, { 0 } } },
		.purses_n = 2 };

	(void)state;
	shop_set(root,
		"INSERT INTO block (supply_point_id, kind, since_at) VALUES (%lld,"
		" 'vacant', 1)",
		(long long)s.point);
	assert_int_equal(read_meter(s.meter, NOON, 37000000), ERR_OK);
	assert_int_equal(read_meter(s.meter, NOON + HOUR, 37002000), ERR_OK); /* vacant */
	ask = ask_at(&a, NOON + HOUR + 30000);
	MUST(contract_open(api, ask, &o, &done, &why));
	assert_int_equal(step_amount(&done, "opening"), YUAN(50));
	assert_true(has_step(&done, "tenant") && has_step(&done, "vacant_ends"));
	assert_int_equal(balance(done.id), YUAN(50));
	assert_int_equal(blocks(s.point, "vacant"), 0);
	/* From the last settled reading on, with the next watt-hour. */
	assert_int_equal(shop_number(root,
				 "SELECT from_at AS v FROM contract_point WHERE"
				 " contract_id = %lld",
				 done.id),
		NOON + HOUR);
	assert_int_equal(read_meter(s.meter, NOON + 2 * HOUR, 37003000), ERR_OK);
	assert_int_equal(balance(done.id), YUAN(50) - 1000 * WH);
	/* The tenant can log in. */
	assert_int_equal(shop_number(root,
				 "SELECT COUNT(*) AS v FROM user u JOIN user_tenant t ON t.user_id"
				 " = u.id JOIN contract c ON c.tenant_id = t.tenant_id WHERE"
				 " u.username = '13911110001' AND c.id = %lld",
				 done.id),
		1);
	/* The answer was lost and the request comes again; and the key for something else. */
	MUST(contract_open(api, ask, &o, &again, &why));
	assert_true(again.repeated && again.id == done.id);
	assert_true(json_equal(again.steps, done.steps));
	json_object_set_new(a.request, "other", json_true());
	REFUSED(ERR_IDEMPOTENCY, contract_open(api, ask, &o, &again, &why));
	everything_ties();
}

static void test_a_meter_has_one_contract(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 };
	struct shop s = vacant_shop(), other = vacant_shop();
	int64_t below = meter_make(&s, 2, s.meter), beside = meter_make(&s, 3, 0);
	int64_t first, second;
	struct life_reading list[2] = { { .meter_id = s.meter }, { .meter_id = s.meter } };
	struct utc now = { 0 };

	(void)state;
	assert_int_equal(read_meter(s.meter, NOON, 1000), ERR_OK);
	assert_int_equal(read_meter(beside, NOON, 5000), ERR_OK);
	first = open_for(&s, s.meter, NOON + 1000, YUAN(10));
	second = open_for(&s, beside, NOON + 1000, YUAN(10));
	REFUSED(ERR_CONFLICT,
		contract_add(api, ask_at(&a, NOON + 2000), second, now, list, 1, &done, &why));
	assert_non_null(strstr(why_text, "is held by contract"));
	/* What is used below was charged above, whoever would pay for it once more. */
	list[0].meter_id = below;
	REFUSED(ERR_CONFLICT,
		contract_add(api, ask_at(&a, NOON + 2000), second, now, list, 1, &done, &why));
	assert_non_null(strstr(why_text, "lies below"));
	REFUSED(ERR_CONFLICT,
		contract_add(api, ask_at(&a, NOON + 2000), first, now, list, 1, &done, &why));
	/* Unless it is measured only. */
	shop_set(root, "UPDATE meter SET billing = 'none' WHERE id = %lld", (long long)below);
	shop_set(root, "UPDATE supply_point SET billing = 'none' WHERE id = %lld",
		(long long)point_of(below));
	MUST(contract_add(api, ask_at(&a, NOON + 2000), first, now, list, 1, &done, &why));
	/* A list that cannot be. */
	list[0].meter_id = list[1].meter_id = beside;
	REFUSED(ERR_BAD_VALUE,
		contract_add(api, ask_at(&a, NOON + 2000), first, now, list, 2, &done, &why));
	list[0].meter_id = other.meter;
	REFUSED(ERR_CONFLICT,
		contract_add(api, ask_at(&a, NOON + 2000), first, now, list, 1, &done, &why));
	list[0].meter_id = 999999;
	REFUSED(ERR_NOT_FOUND,
		contract_add(api, ask_at(&a, NOON + 2000), first, now, list, 1, &done, &why));
	everything_ties();
}

#define RIVALS 6
struct rival {
	pthread_t thread;
	const struct shop *shop;
	int n;
	enum err result;
};

static void *rival_opens(void *ctx)
{
	struct rival *r = ctx;
	AUTO(json_free) json_t *request = json_pack("{s:i}", "rival", r->n);
	AUTO(life_done_free) struct life_done done = { 0 };
	struct db *db = fixture_as("yufu_api");
	struct problem why = { 0 };
	char code[16], key[32];
	struct life_ask ask = { .user_id = 1,
		.actor = "user:1",
		.address = "",
		.once_key = key,
		.request = request,
		.now = { NOON + 1000 } };
	struct contract_open o = { .code = "",
		.site_id = r->shop->site,
		.tenant = { 0, code, "Rival", "", "", "" },
		.meters = &(struct life_reading){ .meter_id = r->shop->meter },
		.meters_n = 1 };

	snprintf(code, sizeof(code), "RIVAL%d", r->n);
	snprintf(key, sizeof(key), "rival:%d", r->n);
	r->result = contract_open(db, &ask, &o, &done, &why);
	db_free(&db);
	db_thread_end();
	return NULL;
}

static void test_rivals_for_one_meter(void **state)
{
	struct shop s = vacant_shop();
	struct rival rivals[RIVALS];
	int won = 0;

	(void)state;
	assert_int_equal(read_meter(s.meter, NOON, 1000), ERR_OK);
	for (int i = 0; i < RIVALS; i++) {
		rivals[i] = (struct rival){ .shop = &s, .n = i };
		assert_int_equal(
			pthread_create(&rivals[i].thread, NULL, rival_opens, &rivals[i]), 0);
	}
	for (int i = 0; i < RIVALS; i++) {
		pthread_join(rivals[i].thread, NULL);
		won += rivals[i].result == ERR_OK;
		assert_true(rivals[i].result == ERR_OK || rivals[i].result == ERR_CONFLICT);
	}
	assert_int_equal(won, 1);
	assert_int_equal(shop_number(root,
				 "SELECT COUNT(*) AS v FROM contract_point WHERE supply_point_id = "
				 "%lld",
				 s.point),
		1);
	assert_int_equal(shop_number(root,
				 "SELECT COUNT(*) AS v FROM tenant WHERE code LIKE"
				 " 'RIVAL%'",
				 0),
		1);
	everything_ties();
}

static void test_add_a_meter_later(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 };
	struct shop s = vacant_shop();
	int64_t second = meter_make(&s, 2, 0), contract;
	struct life_reading typed = { second, true, { 700000 }, { 0 } };

	(void)state;
	assert_int_equal(read_meter(s.meter, NOON, 1000), ERR_OK);
	contract = open_for(&s, s.meter, NOON + 1000, YUAN(10));
	/* Never read: the register that a person read is its base. */
	MUST(contract_add(
		api, ask_at(&a, NOON + HOUR), contract, (struct utc){ 0 }, &typed, 1, &done, &why));
	assert_int_equal(read_meter(s.meter, NOON + 2 * HOUR, 2000), ERR_OK);
	assert_int_equal(read_meter(second, NOON + 2 * HOUR, 700500), ERR_OK);
	/* One purse pays for both. */
	assert_int_equal(balance(contract), YUAN(10) - 1500 * WH);
	assert_int_equal(shop_number(root,
				 "SELECT COUNT(DISTINCT account_id) AS v FROM"
				 " contract_point WHERE contract_id = %lld",
				 contract),
		1);
	everything_ties();
}

#define MANY 100
static void test_a_hundred_meters(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 }, more = { 0 }, again = { 0 };
	struct shop s = vacant_shop();
	struct life_reading meters[MANY];
	struct contract_close c;
	struct contract_open o = { .code = "",
		.site_id = s.site,
		.tenant = { 0, "HUNDRED", "Dormitory", "", "", "" },
		.meters = meters,
		.meters_n = 60 };

	(void)state;
	shop_set(root,
		"INSERT INTO setting (site_id, name, value) VALUES (%lld, 'vacant_block',"
		" 1)",
		(long long)s.site);
	for (int i = 0; i < MANY; i++) {
		meters[i] = (struct life_reading){ .meter_id = meter_make(&s, i + 2, 0) };
		assert_int_equal(read_meter(meters[i].meter_id, NOON, 1000), ERR_OK);
	}
	MUST(contract_open(api, ask_at(&a, NOON + 1000), &o, &done, &why));
	MUST(contract_add(api, ask_at(&a, NOON + 1000), done.id, (struct utc){ 0 }, meters + 60,
		MANY - 60, &more, &why));
	/* All of them go off line and are typed in, one by one. */
	for (int i = 0; i < MANY; i++) {
		meters[i].typed = true;
		meters[i].reg.milli = 2000;
	}
	c = closing(done.id, "none");
	c.readings = meters;
	c.readings_n = MANY;
	life_done_free(&more);
	MUST(contract_close(api, ask_at(&a, NOON + HOUR), &c, &more, &why));
	assert_int_equal(owed_by(done.id), MANY * 1000 * WH);
	MUST(contract_close(api, &a.ask, &c, &again, &why));
	assert_true(json_equal(again.steps, more.steps));
	everything_ties();
}

/* ---- closing ---- */

static void test_close_at_the_last_reading(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 }, again = { 0 };
	struct shop s = vacant_shop();
	int64_t contract, bank = company("bank"), rounding = company("rounding");
	struct contract_close c;

	(void)state;
	assert_int_equal(read_meter(s.meter, NOON, 1000), ERR_OK);
	contract = open_for(&s, s.meter, NOON + 1000, YUAN(100));
	assert_int_equal(read_meter(s.meter, NOON + HOUR, 2234), ERR_OK);
	c = closing(contract, "bank");
	MUST(contract_close(api, ask_at(&a, NOON + HOUR + 60000), &c, &done, &why));
	/* 100.00 - 1.234 = 98.766: 98.76 paid out, 0.006 to rounding. */
	assert_int_equal(step_amount(&done, "payout"), FEN(9876));
	assert_int_equal(step_amount(&done, "rounding"), 6000000);
	assert_int_equal(company("bank") - bank, FEN(9876));
	assert_int_equal(company("rounding") - rounding, 6000000);
	assert_int_equal(company("refund_due"), 0);
	assert_int_equal(balance(contract), 0);
	/* Nothing is left between the parties: later energy is nobody's, earlier is late. */
	assert_int_equal(read_meter(s.meter, NOON + HOUR - 1, 2200), ERR_ALREADY);
	assert_int_equal(read_meter(s.meter, NOON + 2 * HOUR, 5000), ERR_OK);
	assert_int_equal(balance(contract), 0);
	assert_int_equal(shop_number(root,
				 "SELECT SUM(qty_milli) AS v FROM usage_day WHERE"
				 " account_id = 0 AND meter_id = %lld",
				 s.meter),
		2766);
	/* Twice; and once more after a lost answer. */
	MUST(contract_close(api, &a.ask, &c, &again, &why));
	assert_true(again.repeated);
	REFUSED(ERR_CONFLICT, contract_close(api, ask_at(&a, NOON + 2 * HOUR), &c, &again, &why));
	assert_non_null(strstr(why_text, "was closed on"));
	everything_ties();
}

static void test_close_offline(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 };
	struct shop s = vacant_shop();
	int64_t contract, now = NOON + 5 * HOUR;
	struct life_reading typed;
	struct contract_close c;

	(void)state;
	assert_int_equal(read_meter(s.meter, NOON, 1000), ERR_OK);
	contract = open_for(&s, s.meter, NOON + 1000, YUAN(100));
	assert_int_equal(read_meter(s.meter, NOON + HOUR, 2000), ERR_OK);
	c = closing(contract, "none");
	c.readings = &typed;
	/* Silent since 13:00; it is 17:00. */
	REFUSED(ERR_CONFLICT, contract_close(api, ask_at(&a, now), &c, &done, &why));
	assert_non_null(strstr(why_text, "type in its register"));
	c.readings_n = 1;
	typed = (struct life_reading){ s.meter, true, { 1999 }, { 0 } };
	REFUSED(ERR_OUT_OF_RANGE, contract_close(api, ask_at(&a, now), &c, &done, &why));
	typed.reg.milli = 2000 + 4 * 200000000;
	REFUSED(ERR_OUT_OF_RANGE, contract_close(api, ask_at(&a, now), &c, &done, &why));
	typed = (struct life_reading){ s.meter, true, { 3000 }, { now + 1 } };
	REFUSED(ERR_OUT_OF_RANGE, contract_close(api, ask_at(&a, now), &c, &done, &why));
	typed = (struct life_reading){ s.meter, true, { 3000 }, { NOON + 1800000 } };
	REFUSED(ERR_OUT_OF_RANGE, contract_close(api, ask_at(&a, now), &c, &done, &why));
	typed = (struct life_reading){ 999999, true, { 3000 }, { 0 } };
	REFUSED(ERR_NOT_FOUND, contract_close(api, ask_at(&a, now), &c, &done, &why));
	assert_int_equal(balance(contract), YUAN(100) - 1000 * WH);
	/* Read off the meter at 16:00. */
	typed = (struct life_reading){ s.meter, true, { 5500 }, { NOON + 4 * HOUR } };
	MUST(contract_close(api, ask_at(&a, now), &c, &done, &why));
	assert_int_equal(step_amount(&done, "settle"), 3500 * WH);
	assert_int_equal(step_amount(&done, "left"), YUAN(100) - 4500 * WH);
	assert_int_equal(balance(contract), YUAN(100) - 4500 * WH); /* stays, to be refunded */
	assert_int_equal(shop_number(root,
				 "SELECT to_at AS v FROM contract_point WHERE"
				 " contract_id = %lld",
				 contract),
		NOON + 4 * HOUR);
	assert_int_equal(shop_number(root,
				 "SELECT register_milli AS v FROM typed_reading WHERE"
				 " meter_id = %lld",
				 s.meter),
		5500);
	everything_ties();
}

static void test_close_with_debt(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 };
	struct shop s = vacant_shop();
	int64_t contract, next;
	struct contract_close c;

	(void)state;
	shop_set(root,
		"INSERT INTO setting (site_id, name, value) VALUES (%lld, 'vacant_block',"
		" 1)",
		(long long)s.site);
	assert_int_equal(read_meter(s.meter, NOON, 1000), ERR_OK);
	contract = open_for(&s, s.meter, NOON + 1000, YUAN(5));
	assert_int_equal(read_meter(s.meter, NOON + HOUR, 8500), ERR_OK);
	assert_int_equal(blocks(s.point, "arrears"), 1);
	shop_set(root, "UPDATE supply_point SET keep_until = %lld WHERE id = %lld",
		(long long)(NOON + 9 * HOUR), (long long)s.point);
	c = closing(contract, "bank");
	MUST(contract_close(api, ask_at(&a, NOON + HOUR + 1000), &c, &done, &why));
	assert_int_equal(step_amount(&done, "debt"), 2500 * WH);
	assert_int_equal(owed_by(contract), 2500 * WH);
	assert_int_equal(balance(contract), 0);
	/* The next tenant begins with a clean point. */
	assert_int_equal(blocks(s.point, "arrears"), 0);
	assert_int_equal(blocks(s.point, "vacant"), 1);
	assert_int_equal(shop_number(root,
				 "SELECT keep_until AS v FROM supply_point WHERE id ="
				 " %lld",
				 s.point),
		0);
	shop_set(root,
		"INSERT INTO block (supply_point_id, kind, since_at) VALUES (%lld,"
		" 'overload', 1)",
		(long long)s.point);
	shop_set(root,
		"INSERT INTO overload_state (supply_point_id, phase, since) VALUES (%lld,"
		" 'locked', 1)",
		(long long)s.point);
	next = open_for(&s, s.meter, NOON + HOUR + 2000, YUAN(5));
	assert_int_equal(shop_number(root,
				 "SELECT COUNT(*) AS v FROM contract_event WHERE contract_id = %lld"
				 " AND steps LIKE '%block_stays%' AND steps LIKE '%overload%'",
				 next),
		1);
	assert_int_equal(blocks(s.point, "vacant"), 0);
	assert_int_equal(
		shop_number(root,
			"SELECT desired_reason = 'overload' AS v FROM supply_point WHERE id"
			" = %lld",
			s.point),
		1);
	assert_int_equal(balance(next), YUAN(5));
	everything_ties();
}

/* By a document, a second after noon. */
static void adjust(int64_t contract, const char *kind, int64_t fen)
{
	char once[64];
	struct booked booked = { 0 };
	struct problem why = { 0 };
	struct adjust_new n = { .account_id = purse(contract),
		.user_id = 1,
		.actor = "user:1",
		.address = "",
		.kind = kind,
		.amount_fen = fen,
		.document = "D-1",
		.reason = "a test",
		.once_key = once };

	snprintf(once, sizeof(once), "%s:%lld", kind, (long long)contract);
	assert_int_equal(
		adjust_create(api, &n, (struct utc){ NOON + 1000 }, &booked, &why), ERR_OK);
	assert_int_not_equal(booked.entry_id, 0);
}

static void test_deposit_and_subsidy(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 };
	struct shop s = vacant_shop();
	int64_t contract, subsidy = company("subsidy"), bank = company("bank");
	struct contract_close c;

	(void)state;
	assert_int_equal(read_meter(s.meter, NOON, 1000), ERR_OK);
	contract = open_for(&s, s.meter, NOON + 1000, YUAN(10));
	/* 30 yuan of deposit and 8 of subsidy, of which 3 are used. */
	adjust(contract, "deposit_in", 3000);
	adjust(contract, "subsidy", 800);
	assert_int_equal(read_meter(s.meter, NOON + HOUR, 4000), ERR_OK);
	c = closing(contract, "bank");
	MUST(contract_close(api, ask_at(&a, NOON + HOUR + 1000), &c, &done, &why));
	assert_int_equal(step_amount(&done, "deposit"), YUAN(30));
	assert_int_equal(step_amount(&done, "subsidy"), YUAN(5));
	/* 10 + 8 - 3 + 30 - 5 = 40 */
	assert_int_equal(step_amount(&done, "payout"), YUAN(40));
	assert_int_equal(company("bank") - bank, YUAN(40) - YUAN(30));
	assert_int_equal(company("subsidy") - subsidy, -YUAN(3));
	assert_int_equal(balance(contract), 0);
	everything_ties();
}

static void test_cash_leaves_and_comes_back(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 }, back = { 0 };
	struct shop s = vacant_shop();
	struct contract_close c;
	struct shift shift;
	int64_t contract, user;
	char drawer[32];

	(void)state;
	shop_set(root,
		"INSERT INTO user (username, kind, site_id) VALUES ('cash%d', 'staff', %lld)",
		shops, (long long)s.site);
	user = shop_number(root, "SELECT LAST_INSERT_ID() AS v", 0);
	assert_int_equal(shift_open(api, user, (struct utc){ NOON }, &shift), ERR_OK);
	snprintf(drawer, sizeof(drawer), "drawer:%lld", (long long)shift.id);
	assert_int_equal(read_meter(s.meter, NOON, 1000), ERR_OK);
	contract = open_for(&s, s.meter, NOON + 1000, YUAN(30));
	c = closing(contract, "cash");
	ask_at(&a, NOON + 2000)->user_id = user;
	MUST(contract_close(api, &a.ask, &c, &done, &why));
	assert_int_equal(company(drawer), YUAN(30));	/* out of it */
	ask_at(&a, NOON + 3000)->user_id = user + 1000; /* who has no drawer */
	REFUSED(ERR_SHIFT_CLOSED, contract_reopen(api, &a.ask, contract, &back, &why));
	ask_at(&a, NOON + 3000)->user_id = user;
	MUST(contract_reopen(api, &a.ask, contract, &back, &why));
	assert_int_equal(company(drawer), 0);
	assert_int_equal(balance(contract), YUAN(30));
	everything_ties();
}

/* 300.00 a month from the 1st: 30 days in November, 10.00 each. */
static void test_fees_end_with_the_contract(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 };
	struct shop s = vacant_shop();
	struct fee_actor by = { 0, "user:1", "", { NOON + 2000 } };
	struct fee_new fee = { .kind = "property_fee",
		.monthly_fen = 30000,
		.from = day_of(2026, 11, 22),
		.once_key = "life-fee" };
	struct fee_run ran;
	struct contract_close c;
	int64_t contract, id = 0;

	(void)state;
	assert_int_equal(read_meter(s.meter, NOON, 1000), ERR_OK);
	contract = open_for(&s, s.meter, NOON + 1000, YUAN(100));
	fee.contract_id = contract;
	MUST(fee_add(api, &fee, &by, &id, &why));
	MUST(fee_run(api, s.site, (struct month){ (2026 - 1970) * 12 + 10 }, "worker", by.now, &ran,
		&why));
	assert_int_equal(balance(contract), YUAN(100) - FEN(9000)); /* nine days, 22nd to 30th */
	c = closing(contract, "none");
	assert_int_equal(read_meter(s.meter, NOON + DAY, 1000), ERR_OK);
	MUST(contract_close(api, ask_at(&a, NOON + DAY + 1000), &c, &done, &why));
	/* Two days it was, the 22nd and the 23rd: seven come back. */
	assert_int_equal(step_amount(&done, "fees_end"), FEN(7000));
	assert_int_equal(balance(contract), YUAN(100));
	assert_int_equal(owed_by(contract), FEN(2000));
	everything_ties();
}

static int64_t open_fee(int64_t contract, const char *kind, const char *last_day, const char *key)
{
	struct fee_actor by = { 0, "user:1", "", { NOON + 2000 } };
	struct fee_new fee = { .contract_id = contract,
		.kind = kind,
		.monthly_fen = 30000,
		.from = day_of(2026, 11, 22),
		.ends = last_day[0] != '\0',
		.once_key = key };
	int64_t id = 0;

	if (fee.ends)
		assert_int_equal(day_parse(last_day, &fee.to), ERR_OK);
	MUST(fee_add(api, &fee, &by, &id, &why));
	return id;
}

static const char *fee_last_day(int64_t contract, int64_t fee, char buf[static DAY_TEXT_MAX])
{
	AUTO(rows_free) struct rows rows = { 0 };

	assert_int_equal(
		fee_list(api, &(struct fee_filter){ .id = fee, .contract_id = contract }, &rows),
		ERR_OK);
	assert_int_equal(rows.n, 1);
	memcpy(buf, ((const struct fee *)rows.at)->to_day, DAY_TEXT_MAX);
	return buf;
}

/* A closing by mistake costs nobody a day of a fee, nor the name of the kiosk below. */
static void test_reopening_takes_up_fees_and_sub_tenants(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 }, seen = { 0 }, back = { 0 };
	struct shop s = vacant_shop();
	int64_t below = meter_make(&s, 2, s.meter), other = meter_make(&s, 3, s.meter);
	struct fee_run ran;
	struct contract_close c;
	int64_t contract, fee, rent;
	char text[DAY_TEXT_MAX];
	struct life_ask *ask;

	(void)state;
	assert_int_equal(read_meter(s.meter, NOON, 1000), ERR_OK);
	contract = open_for(&s, s.meter, NOON + 1000, YUAN(100));
	fee = open_fee(contract, "property_fee", "", "again-fee");
	rent = open_fee(contract, "rent", "2026-12-31", "again-rent");
	shop_set(root,
		"INSERT INTO sub_tenant (contract_id, supply_point_id, name) VALUES"
		" (%lld, %lld, 'Kiosk'), (%lld, %lld, 'Store')",
		(long long)contract, (long long)point_of(below), (long long)contract,
		(long long)point_of(other));
	MUST(fee_run(api, s.site, (struct month){ (2026 - 1970) * 12 + 10 }, "worker",
		(struct utc){ NOON + 2000 }, &ran, &why));
	/* nine days of each, 22nd to 30th */
	assert_int_equal(balance(contract), YUAN(100) - FEN(18000));
	c = closing(contract, "none");
	assert_int_equal(read_meter(s.meter, NOON + DAY, 1000), ERR_OK);
	MUST(contract_close(api, ask_at(&a, NOON + DAY + 1000), &c, &done, &why));
	assert_string_equal(fee_last_day(contract, fee, text), "2026-11-23");
	assert_int_equal(owed_by(contract), FEN(4000));
	/* Somebody else has the store since. */
	shop_set(root,
		"INSERT INTO sub_tenant (contract_id, supply_point_id, name)"
		" SELECT MIN(id), %lld, 'Theirs' FROM contract WHERE id <> %lld",
		(long long)point_of(other), (long long)contract);
	ask = ask_at(&a, NOON + DAY + 2000);
	ask->preview = true;
	MUST(contract_reopen(api, ask, contract, &seen, &why));
	assert_int_equal(step_amount(&seen, "fee_again"), -FEN(7000)); /* of the first of the two */
	assert_true(has_step(&seen, "sub_tenant_again"));
	assert_true(has_step(&seen, "sub_tenant_gone"));
	ask->preview = false;
	MUST(contract_reopen(api, ask, contract, &back, &why));
	assert_string_equal(fee_last_day(contract, fee, text), "");
	assert_string_equal(fee_last_day(contract, rent, text), "2026-12-31");
	assert_int_equal(balance(contract), YUAN(100) - FEN(18000));
	assert_int_equal(owed_by(contract), 0);
	assert_int_equal(shop_number(root,
				 "SELECT COUNT(*) AS v FROM sub_tenant WHERE name = 'Kiosk'"
				 " AND contract_id = %lld",
				 contract),
		1);
	MUST(fee_run(api, s.site, (struct month){ (2026 - 1970) * 12 + 11 }, "worker",
		(struct utc){ NOON + 10 * DAY }, &ran, &why));
	assert_int_equal(balance(contract), YUAN(100) - FEN(18000) - FEN(60000));
}

/* What the tenant need not pay any more was decided after the closing: the reopening leaves it. */
static void test_a_fee_ended_after_the_closing_stays_ended(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 }, back = { 0 };
	struct shop s = vacant_shop();
	struct fee_actor clerk = { 0, "user:1", "", { NOON + DAY + 2000 } };
	struct fee_run ran;
	struct contract_close c;
	int64_t contract, fee, rent;
	char text[DAY_TEXT_MAX];

	(void)state;
	assert_int_equal(read_meter(s.meter, NOON, 1000), ERR_OK);
	contract = open_for(&s, s.meter, NOON + 1000, YUAN(100));
	fee = open_fee(contract, "property_fee", "", "stays-fee");
	rent = open_fee(contract, "rent", "", "stays-rent");
	MUST(fee_run(api, s.site, (struct month){ (2026 - 1970) * 12 + 10 }, "worker",
		(struct utc){ NOON + 2000 }, &ran, &why));
	c = closing(contract, "none");
	assert_int_equal(read_meter(s.meter, NOON + DAY, 1000), ERR_OK);
	MUST(contract_close(api, ask_at(&a, NOON + DAY + 1000), &c, &done, &why));
	MUST(fee_end(api, fee, day_of(2026, 11, 22), &clerk, &why));
	MUST(contract_reopen(api, ask_at(&a, NOON + DAY + 3000), contract, &back, &why));
	assert_string_equal(fee_last_day(contract, fee, text), "2026-11-22");
	assert_string_equal(fee_last_day(contract, rent, text), "");
	assert_true(has_step(&back, "fee_stays"));
	/* one day of the one, nine of the other */
	assert_int_equal(balance(contract), YUAN(100) - FEN(1000) - FEN(9000));
	MUST(fee_run(api, s.site, (struct month){ (2026 - 1970) * 12 + 11 }, "worker",
		(struct utc){ NOON + 10 * DAY }, &ran, &why));
	assert_int_equal(balance(contract), YUAN(100) - FEN(10000) - FEN(30000));
}

/* A fee that would begin after the contract has ended never begins, and stands against nothing. */
static void test_a_fee_of_later_days_ends_with_the_contract(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 };
	struct shop s = vacant_shop();
	struct fee_actor by = { 0, "user:1", "", { NOON + 2000 } };
	struct fee_new fee = { .kind = "rent",
		.monthly_fen = 30000,
		.from = day_of(2026, 12, 10),
		.once_key = "later-fee" };
	struct contract_close c;
	int64_t id = 0;

	(void)state;
	assert_int_equal(read_meter(s.meter, NOON, 1000), ERR_OK);
	fee.contract_id = open_for(&s, s.meter, NOON + 1000, YUAN(100));
	MUST(fee_add(api, &fee, &by, &id, &why));
	c = closing(fee.contract_id, "none");
	assert_int_equal(read_meter(s.meter, NOON + DAY, 1000), ERR_OK);
	MUST(contract_close(api, ask_at(&a, NOON + DAY + 1000), &c, &done, &why));
	assert_int_equal(balance(fee.contract_id), YUAN(100));
	everything_ties();
}

static int64_t notices(int64_t contract, const char *kind)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
		"SELECT COUNT(*) AS v FROM notice n JOIN account a ON a.id = n.account_id"
		" WHERE n.kind = '%s' AND a.contract_id = %%lld",
		kind);
	return shop_number(root, sql, contract);
}

/* What was used since the change is charged in the same act as the money is carried in:
 * nobody is told of arrears in between. */
static void test_money_carried_in_is_there_before_the_first_charge(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 };
	struct shop s = vacant_shop();
	struct contract_open o = { .code = "",
		.site_id = s.site,
		.tenant = { 0, "CARRY", "Shop", "", "", "A1" },
		.at = { NOON + 1000 },
		.meters = &(struct life_reading){ s.meter, true, { 3000 }, { NOON + HOUR } },
		.meters_n = 1,
		.purses = &(struct life_purse){ "electricity", { YUAN(100) }, { 0 }, { 0 }, { 0 },
			{ 0 } },
		.purses_n = 1 };

	(void)state;
	assert_int_equal(read_meter(s.meter, NOON, 1000), ERR_OK);
	MUST(contract_open(api, ask_at(&a, NOON + HOUR), &o, &done, &why));
	assert_true(balance(done.id) < YUAN(100));
	assert_int_equal(notices(done.id, "arrears"), 0);
	assert_int_equal(blocks(s.point, "arrears"), 0);
	everything_ties();
}

/* A debt that is carried into the fee purse is told, like any other. */
static void test_a_debt_carried_in_is_told(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 };
	struct shop s = vacant_shop();
	struct contract_open o = { .code = "",
		.site_id = s.site,
		.tenant = { 0, "OWES", "Shop", "", "", "A1" },
		.meters = &(struct life_reading){ .meter_id = s.meter },
		.meters_n = 1,
		.purses = (struct life_purse[]){ { "electricity", { YUAN(10) }, { 0 }, { 0 }, { 0 },
							 { 0 } },
			{ "fee", { -YUAN(5) }, { 0 }, { 0 }, { 0 }, { 0 } } },
		.purses_n = 2 };

	(void)state;
	assert_int_equal(read_meter(s.meter, NOON, 1000), ERR_OK);
	MUST(contract_open(api, ask_at(&a, NOON + 1000), &o, &done, &why));
	assert_int_equal(notices(done.id, "fee_short"), 1);
	assert_int_equal(notices(done.id, "arrears"), 0);
	everything_ties();
}

static void test_what_stands_against_a_closing(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 };
	struct shop s = vacant_shop();
	int64_t contract, now = NOON + 60000, before;
	struct contract_close c;
	struct order order;

	(void)state;
	assert_int_equal(read_meter(s.meter, NOON, 1000), ERR_OK);
	contract = open_for(&s, s.meter, NOON + 1000, YUAN(900));
	c = closing(contract, "cash");
	before = checksums();
	REFUSED(ERR_SHIFT_CLOSED, contract_close(api, ask_at(&a, now), &c, &done, &why));
	c.payout = "bank"; /* above the limit of one person */
	REFUSED(ERR_CONFLICT, contract_close(api, ask_at(&a, now), &c, &done, &why));
	assert_non_null(strstr(why_text, "second person"));
	c.payout = "none";
	c.at.ms = NOON - HOUR;
	REFUSED(ERR_OUT_OF_RANGE, contract_close(api, ask_at(&a, now), &c, &done, &why));
	c.at.ms = now + 1;
	REFUSED(ERR_OUT_OF_RANGE, contract_close(api, ask_at(&a, now), &c, &done, &why));
	c.at.ms = 0;
	ask_at(&a, now)->site_id = s.site + 1;
	REFUSED(ERR_NOT_FOUND, contract_close(api, &a.ask, &c, &done, &why));
	assert_int_equal(checksums(), before);
	MUST(order_create(api,
		&(struct order_new){ .account_id = purse(contract),
			.amount_fen = 1000,
			.channel = "wechat_native",
			.service = "wechat",
			.payer_address = "" },
		(struct utc){ now }, &order, &why));
	REFUSED(ERR_CONFLICT, contract_close(api, ask_at(&a, now), &c, &done, &why));
	assert_non_null(strstr(why_text, order.out_trade_no));
	assert_int_equal(order_closed(api, order.id, (struct utc){ now }), ERR_OK);
	MUST(contract_close(api, ask_at(&a, now), &c, &done, &why));
	/* A closed account takes no recharge, its contract no meter. */
	REFUSED(ERR_CONFLICT, order_create(api,
				      &(struct order_new){ .account_id = purse(contract),
					      .amount_fen = 1000,
					      .channel = "wechat_native",
					      .service = "wechat",
					      .payer_address = "" },
				      (struct utc){ now }, &order, &why));
	REFUSED(ERR_CONFLICT,
		contract_add(api, ask_at(&a, now), contract, c.at,
			&(struct life_reading){ .meter_id = s.meter }, 1, &done, &why));
	everything_ties();
}

static void test_close_and_reopen(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 }, back = { 0 };
	struct shop s = vacant_shop();
	int64_t contract, next, bank = company("bank");
	struct contract_close c;

	(void)state;
	assert_int_equal(read_meter(s.meter, NOON, 1000), ERR_OK);
	contract = open_for(&s, s.meter, NOON + 1000, YUAN(100));
	c = closing(contract, "bank");
	REFUSED(ERR_CONFLICT, contract_reopen(api, ask_at(&a, NOON + 2000), contract, &back, &why));
	MUST(contract_close(api, ask_at(&a, NOON + 60000), &c, &done, &why));
	assert_int_equal(balance(contract), 0);
	/* Half a kilowatt-hour goes by before anyone notices. */
	assert_int_equal(read_meter(s.meter, NOON + HOUR, 1500), ERR_OK);
	MUST(contract_reopen(api, ask_at(&a, NOON + HOUR + 1000), contract, &back, &why));
	assert_true(has_step(&back, "not_charged"));
	assert_int_equal(step_amount(&back, "reversed"), YUAN(100));
	assert_int_equal(balance(contract), YUAN(100));
	assert_int_equal(company("bank"), bank);
	assert_int_equal(read_meter(s.meter, NOON + 2 * HOUR, 2500), ERR_OK);
	assert_int_equal(balance(contract), YUAN(100) - 1000 * WH);
	/* A second closing of its own, at once taken back, leaves no gap. */
	life_done_free(&done);
	life_done_free(&back);
	MUST(contract_close(api, ask_at(&a, NOON + 2 * HOUR), &c, &done, &why));
	MUST(contract_reopen(api, ask_at(&a, NOON + 2 * HOUR + 1000), contract, &back, &why));
	assert_false(has_step(&back, "not_charged"));
	assert_int_equal(balance(contract), YUAN(100) - 1000 * WH);
	/* Not once somebody else has the meter. */
	life_done_free(&done);
	MUST(contract_close(api, ask_at(&a, NOON + 2 * HOUR + 2000), &c, &done, &why));
	next = open_for(&s, s.meter, NOON + 2 * HOUR + 3000, YUAN(1));
	assert_true(next > contract);
	REFUSED(ERR_CONFLICT,
		contract_reopen(api, ask_at(&a, NOON + 2 * HOUR + 4000), contract, &done, &why));
	assert_non_null(strstr(why_text, "has gone to contract"));
	everything_ties();
}

/* ---- change of tenant ---- */

static struct contract_open next_tenant(const char *code)
{
	static const struct life_purse fifty = { "electricity", { YUAN(50) }, { 0 }, { 0 }, { 0 },
		{ 0 } };

	return (struct contract_open){ .code = "",
		.tenant = { 0, code, "Next", "", "", "A1" },
		.purses = &fifty,
		.purses_n = 1 };
}

static void test_change_of_tenant_at_noon(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 }, again = { 0 };
	struct shop s = vacant_shop();
	int64_t contract;
	/* Offline since 11:00; the caretaker read it at 13:00: 4 kWh, two for each. */
	struct life_reading typed = { s.meter, true, { 14000 }, { NOON + HOUR } };
	struct contract_close c;
	struct contract_open o = next_tenant("NOON");

	(void)state;
	assert_int_equal(read_meter(s.meter, NOON - 2 * HOUR, 10000), ERR_OK);
	contract = open_for(&s, s.meter, NOON - 2 * HOUR + 1000, YUAN(20));
	assert_int_equal(read_meter(s.meter, NOON - HOUR, 10000), ERR_OK);
	c = closing(contract, "none");
	c.at.ms = NOON;
	c.readings = &typed;
	c.readings_n = 1;
	MUST(contract_change(api, ask_at(&a, NOON + 2 * HOUR), &c, &o, &done, &why));
	assert_int_equal(step_amount(&done, "settle"), 4000 * WH);
	assert_int_equal(balance(contract), YUAN(20) - 2000 * WH);
	assert_int_equal(balance(done.id), YUAN(50) - 2000 * WH);
	MUST(contract_change(api, &a.ask, &c, &o, &again, &why));
	assert_true(again.repeated && again.id == done.id);
	assert_int_equal(read_meter(s.meter, NOON + 3 * HOUR, 15000), ERR_OK);
	assert_int_equal(balance(contract), YUAN(20) - 2000 * WH);
	assert_int_equal(balance(done.id), YUAN(50) - 3000 * WH);
	everything_ties();
}

static void test_change_of_tenant_now(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 };
	struct shop s = vacant_shop();
	int64_t contract;
	struct contract_close c;
	struct contract_open o = next_tenant("NOW");

	(void)state;
	assert_int_equal(read_meter(s.meter, NOON, 1000), ERR_OK);
	contract = open_for(&s, s.meter, NOON + 1000, YUAN(1));
	assert_int_equal(read_meter(s.meter, NOON + HOUR, 3000), ERR_OK);
	assert_int_equal(blocks(s.point, "arrears"), 1);
	c = closing(contract, "bank");
	MUST(contract_change(api, ask_at(&a, NOON + HOUR + 60000), &c, &o, &done, &why));
	assert_int_equal(owed_by(contract), 1000 * WH);
	assert_int_equal(blocks(s.point, "arrears"), 0);
	assert_int_equal(balance(done.id), YUAN(50));
	/* Tiers and days of the two are apart; the meter is one. */
	assert_int_equal(read_meter(s.meter, NOON + 2 * HOUR, 4000), ERR_OK);
	assert_int_equal(balance(done.id), YUAN(50) - 1000 * WH);
	everything_ties();
}

/* ---- exchange of a device ---- */

static struct meter_change_new exchange(int64_t meter, int64_t old_reg, int64_t new_reg)
{
	return (struct meter_change_new){ .meter_id = meter,
		.old_register = { old_reg },
		.model = "eastron-sdm120",
		.unit = "77",
		.serial = "20260001",
		.new_register = { new_reg },
		.ct_ratio = 1,
		.pt_ratio = 1,
		.reason = "broken display" };
}

static void test_the_day_of_an_exchange_adds_up(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 }, again = { 0 };
	struct shop s = vacant_shop();
	struct meter_change_new n = exchange(s.meter, 5427000, 5000);
	int64_t contract, device;

	(void)state;
	/* 5422 kWh on the old one, 5 on the new one when it is put in. */
	assert_int_equal(read_meter(s.meter, NOON, 5422000), ERR_OK);
	contract = open_for(&s, s.meter, NOON + 1000, YUAN(100));
	device = shop_number(root, "SELECT device AS v FROM meter WHERE id = %lld", s.meter);
	shop_set(root, "INSERT INTO meter_state (meter_id, verdict) VALUES (%lld, 'implausible')",
		(long long)s.meter);
	MUST(meter_replace(api, ask_at(&a, NOON + HOUR), &n, &done, &why));
	assert_int_equal(step_amount(&done, "settle"), 5000 * WH);
	assert_int_equal(read_meter(s.meter, NOON + 2 * HOUR, 8000), ERR_OK);
	/* 5 kWh of the old one and 3 of the new one: 8, and not -5414. */
	assert_int_equal(shop_number(root,
				 "SELECT SUM(qty_milli) AS v FROM usage_day WHERE"
				 " contract_id <> 0 AND meter_id = %lld",
				 s.meter),
		8000);
	assert_int_equal(balance(contract), YUAN(100) - 8000 * WH);
	assert_int_equal(
		shop_number(root, "SELECT device AS v FROM meter WHERE id = %lld", s.meter),
		device + 1);
	assert_int_equal(shop_number(root,
				 "SELECT verdict = 'accepted' AS v FROM meter_state"
				 " WHERE meter_id = %lld",
				 s.meter),
		1);
	assert_int_equal(shop_number(root,
				 "SELECT used_milli AS v FROM tier_use WHERE contract_id"
				 " = %lld",
				 contract),
		8000);
	MUST(meter_replace(api, &a.ask, &n, &again, &why));
	assert_true(again.repeated && again.id == done.id);
	REFUSED(ERR_CONFLICT,
		meter_replace_undo(api, ask_at(&a, NOON + 3 * HOUR), s.meter, &again, &why));
	assert_non_null(strstr(why_text, "has counted"));
	everything_ties();
}

static void test_an_exchange_taken_back(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 }, back = { 0 }, again = { 0 };
	struct shop s = vacant_shop();
	struct meter_change_new n = exchange(s.meter, 2000, 0);
	int64_t contract;

	(void)state;
	n.ct_ratio = 40;
	shop_set(root, "UPDATE meter SET capacity_milli = 999999990 WHERE id = %lld",
		(long long)s.meter);
	assert_int_equal(read_meter(s.meter, NOON, 1000), ERR_OK);
	contract = open_for(&s, s.meter, NOON + 1000, YUAN(100));
	REFUSED(ERR_CONFLICT,
		meter_replace_undo(api, ask_at(&a, NOON + HOUR), s.meter, &back, &why));
	MUST(meter_replace(api, ask_at(&a, NOON + HOUR), &n, &done, &why));
	assert_int_equal(read_meter(s.meter, NOON + HOUR + 60000, 0), ERR_OK); /* has not counted */
	MUST(meter_replace_undo(api, ask_at(&a, NOON + HOUR + 120000), s.meter, &back, &why));
	MUST(meter_replace_undo(api, &a.ask, s.meter, &again, &why));
	assert_true(again.repeated);
	assert_int_equal(shop_number(root,
				 "SELECT COUNT(*) AS v FROM meter WHERE model = 'acrel-ddsy1352'"
				 " AND unit = '1' AND device = 3 AND capacity_milli = 999999990"
				 " AND id = %lld",
				 s.meter),
		1);
	/* It counts on from where it was, by its own ratio. */
	assert_int_equal(read_meter(s.meter, NOON + 2 * HOUR, 2500), ERR_OK);
	assert_int_equal(balance(contract), YUAN(100) - 1500 * WH);
	REFUSED(ERR_CONFLICT,
		meter_replace_undo(api, ask_at(&a, NOON + 3 * HOUR), s.meter, &again, &why));
	everything_ties();
}

static void test_ratio_of_the_new_device(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 };
	struct shop s = vacant_shop();
	struct meter_change_new n = exchange(s.meter, 2000, 100);
	int64_t contract;

	(void)state;
	n.ct_ratio = 10;
	assert_int_equal(read_meter(s.meter, NOON, 1000), ERR_OK);
	contract = open_for(&s, s.meter, NOON + 1000, YUAN(100));
	MUST(meter_replace(api, ask_at(&a, NOON + HOUR), &n, &done, &why));
	assert_int_equal(read_meter(s.meter, NOON + 2 * HOUR, 300), ERR_OK);
	/* 1 kWh by the old one, 0.2 kWh times 10 by the new one. */
	assert_int_equal(balance(contract), YUAN(100) - 3000 * WH);
	everything_ties();
}

static void test_what_stands_against_an_exchange(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 };
	struct shop s = vacant_shop(), other = vacant_shop();
	struct meter_change_new n;
	int64_t now = NOON + HOUR, before;

	(void)state;
	(void)meter_make(&s, 2, 0);
	assert_int_equal(read_meter(s.meter, NOON, 1000), ERR_OK);
	before = checksums();
	n = exchange(s.meter, 999, 0); /* below what is settled */
	REFUSED(ERR_OUT_OF_RANGE, meter_replace(api, ask_at(&a, now), &n, &done, &why));
	n = exchange(s.meter, 999999999, 0); /* more than it can have counted */
	REFUSED(ERR_OUT_OF_RANGE, meter_replace(api, ask_at(&a, now), &n, &done, &why));
	n = exchange(s.meter, 2000, 0);
	n.at.ms = now + 1;
	REFUSED(ERR_OUT_OF_RANGE, meter_replace(api, ask_at(&a, now), &n, &done, &why));
	n.at.ms = NOON - 1;
	REFUSED(ERR_OUT_OF_RANGE, meter_replace(api, ask_at(&a, now), &n, &done, &why));
	n = exchange(s.meter, 2000, 0);
	n.unit = "2"; /* taken */
	REFUSED(ERR_CONFLICT, meter_replace(api, ask_at(&a, now), &n, &done, &why));
	n = exchange(s.meter, 2000, 0);
	n.gateway_id = other.gateway; /* of another site */
	REFUSED(ERR_NOT_FOUND, meter_replace(api, ask_at(&a, now), &n, &done, &why));
	n = exchange(s.meter, 2000, 0);
	n.ct_ratio = 0;
	REFUSED(ERR_OUT_OF_RANGE, meter_replace(api, ask_at(&a, now), &n, &done, &why));
	n = exchange(999999, 2000, 0);
	REFUSED(ERR_NOT_FOUND, meter_replace(api, ask_at(&a, now), &n, &done, &why));
	assert_int_equal(checksums(), before);
}

static void test_credit_in_the_meter_comes_back_first(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 };
	struct shop s = vacant_shop();
	struct meter_change_new n = exchange(s.meter, 1000, 0);
	struct contract_close c;
	int64_t contract;

	(void)state;
	assert_int_equal(read_meter(s.meter, NOON, 1000), ERR_OK);
	contract = open_for(&s, s.meter, NOON + 1000, YUAN(10));
	c = closing(contract, "none");
	shop_set(root, "UPDATE meter SET billing = 'meter' WHERE id = %lld", (long long)s.meter);
	shop_set(root,
		"INSERT INTO meter_credit (meter_id, unit, step_milli, count, worth_nano) "
		"VALUES"
		" (%lld, 'yuan', 10, 1, 5)",
		(long long)s.meter);
	REFUSED(ERR_CONFLICT, contract_close(api, ask_at(&a, NOON + 2000), &c, &done, &why));
	assert_non_null(strstr(why_text, "holds credit itself"));
	REFUSED(ERR_CONFLICT, meter_replace(api, ask_at(&a, NOON + 2000), &n, &done, &why));
	shop_set(root, "UPDATE meter_credit SET worth_nano = 0 WHERE meter_id = %lld",
		(long long)s.meter);
	MUST(contract_close(api, ask_at(&a, NOON + 2000), &c, &done, &why));
	shop_set(root, "DELETE FROM meter_credit WHERE meter_id = %lld", (long long)s.meter);
	shop_set(root, "UPDATE meter SET billing = 'account' WHERE id = %lld", (long long)s.meter);
}

/* ---- previews ---- */

static void test_a_preview_changes_nothing(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done seen = { 0 }, done = { 0 };
	struct shop s = vacant_shop();
	struct contract_open o = next_tenant("PREVIEW");
	struct meter_change_new n = exchange(s.meter, 3000, 0);
	struct contract_close c;
	struct life_ask *ask;
	int64_t contract, before;

	(void)state;
	assert_int_equal(read_meter(s.meter, NOON, 1000), ERR_OK);
	contract = open_for(&s, s.meter, NOON + 1000, YUAN(10));
	assert_int_equal(read_meter(s.meter, NOON + HOUR, 2000), ERR_OK);
	c = closing(contract, "bank");
	before = checksums();
	ask = ask_at(&a, NOON + HOUR + 1000);
	ask->preview = true;
	MUST(contract_change(api, ask, &c, &o, &seen, &why));
	assert_int_equal(seen.id, 0);
	assert_int_equal(step_amount(&seen, "payout"), YUAN(10) - 1000 * WH);
	assert_int_equal(step_amount(&seen, "opening"), YUAN(50));
	life_done_free(&seen);
	MUST(meter_replace(api, ask, &n, &seen, &why));
	life_done_free(&seen);
	MUST(contract_close(api, ask, &c, &seen, &why));
	assert_int_equal(checksums(), before);
	/* The same act then does what was seen. */
	ask->preview = false;
	MUST(contract_close(api, ask, &c, &done, &why));
	assert_true(json_equal(seen.steps, done.steps));
	assert_true(checksums() != before);
	/* And taking it back can be previewed as well. */
	before = checksums();
	ask = ask_at(&a, NOON + HOUR + 2000);
	ask->preview = true;
	life_done_free(&done);
	MUST(contract_reopen(api, ask, contract, &done, &why));
	assert_int_equal(checksums(), before);
	everything_ties();
}

/* ---- sub-tenants ---- */

static void test_sub_tenants(void **state)
{
	AUTO(asked_free) struct asked a = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 };
	struct shop s = vacant_shop();
	int64_t below = meter_make(&s, 2, s.meter), beside = meter_make(&s, 3, 0);
	int64_t contract, user, stranger, id = 0, again = 0;
	struct sub_tenant_new n = {
		.meter_id = below, .name = "Kiosk", .actor = "user:9", .address = ""
	};
	struct utc now = { NOON + 2000 };
	struct contract_close c;

	(void)state;
	assert_int_equal(read_meter(s.meter, NOON, 1000), ERR_OK);
	contract = open_for(&s, s.meter, NOON + 1000, YUAN(10));
	shop_set(root, "INSERT INTO user (username, kind) VALUES ('sub%d', 'tenant')", shops);
	user = shop_number(root, "SELECT LAST_INSERT_ID() AS v", 0);
	shop_set(root, "INSERT INTO user (username, kind) VALUES ('str%d', 'tenant')", shops);
	stranger = shop_number(root, "SELECT LAST_INSERT_ID() AS v", 0);
	shop_set(root,
		"INSERT INTO user_tenant SELECT %lld, tenant_id FROM contract WHERE id = "
		"%lld",
		(long long)user, (long long)contract);
	n.user_id = stranger;
	REFUSED(ERR_NOT_FOUND, sub_tenant_add(api, &n, now, &id, &why));
	n.user_id = user;
	n.meter_id = beside; /* not below */
	REFUSED(ERR_NOT_FOUND, sub_tenant_add(api, &n, now, &id, &why));
	n.meter_id = s.meter; /* one's own */
	REFUSED(ERR_NOT_FOUND, sub_tenant_add(api, &n, now, &id, &why));
	n.meter_id = below;
	MUST(sub_tenant_add(api, &n, now, &id, &why));
	MUST(sub_tenant_add(api, &n, now, &again, &why));
	assert_int_equal(again, id);
	n.name = "Other";
	REFUSED(ERR_CONFLICT, sub_tenant_add(api, &n, now, &again, &why));
	/* It is measured and never charged. */
	assert_int_equal(read_meter(below, NOON, 100), ERR_OK);
	assert_int_equal(read_meter(below, NOON + HOUR, 900), ERR_OK);
	assert_int_equal(balance(contract), YUAN(10));
	assert_int_equal(sub_tenant_remove(api, stranger, id, "x", "", now), ERR_NOT_FOUND);
	shop_set(root,
		"INSERT INTO block (supply_point_id, kind, since_at) VALUES (%lld,"
		" 'sub_tenant', 1)",
		(long long)point_of(below));
	assert_int_equal(sub_tenant_remove(api, user, id, "x", "", now), ERR_OK);
	assert_int_equal(blocks(point_of(below), "sub_tenant"), 0);
	/* What hangs below ends with the contract. */
	MUST(sub_tenant_add(api, &n, now, &id, &why));
	shop_set(root,
		"INSERT INTO block (supply_point_id, kind, since_at) VALUES (%lld,"
		" 'sub_tenant', 1)",
		(long long)point_of(below));
	c = closing(contract, "bank");
	MUST(contract_close(api, ask_at(&a, NOON + 3000), &c, &done, &why));
	assert_true(has_step(&done, "sub_tenant_ends"));
	assert_int_equal(blocks(point_of(below), "sub_tenant"), 0);
	assert_int_equal(shop_number(root,
				 "SELECT COUNT(*) AS v FROM sub_tenant WHERE"
				 " contract_id = %lld",
				 contract),
		0);
	REFUSED(ERR_NOT_FOUND, sub_tenant_add(api, &n, now, &id, &why));
	everything_ties();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_in_one_step),
		cmocka_unit_test(test_a_meter_has_one_contract),
		cmocka_unit_test(test_rivals_for_one_meter),
		cmocka_unit_test(test_add_a_meter_later),
		cmocka_unit_test(test_a_hundred_meters),
		cmocka_unit_test(test_close_at_the_last_reading),
		cmocka_unit_test(test_close_offline),
		cmocka_unit_test(test_close_with_debt),
		cmocka_unit_test(test_deposit_and_subsidy),
		cmocka_unit_test(test_cash_leaves_and_comes_back),
		cmocka_unit_test(test_fees_end_with_the_contract),
		cmocka_unit_test(test_reopening_takes_up_fees_and_sub_tenants),
		cmocka_unit_test(test_a_fee_ended_after_the_closing_stays_ended),
		cmocka_unit_test(test_a_fee_of_later_days_ends_with_the_contract),
		cmocka_unit_test(test_money_carried_in_is_there_before_the_first_charge),
		cmocka_unit_test(test_a_debt_carried_in_is_told),
		cmocka_unit_test(test_what_stands_against_a_closing),
		cmocka_unit_test(test_close_and_reopen),
		cmocka_unit_test(test_change_of_tenant_at_noon),
		cmocka_unit_test(test_change_of_tenant_now),
		cmocka_unit_test(test_the_day_of_an_exchange_adds_up),
		cmocka_unit_test(test_an_exchange_taken_back),
		cmocka_unit_test(test_ratio_of_the_new_device),
		cmocka_unit_test(test_what_stands_against_an_exchange),
		cmocka_unit_test(test_credit_in_the_meter_comes_back_first),
		cmocka_unit_test(test_a_preview_changes_nothing),
		cmocka_unit_test(test_sub_tenants),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
