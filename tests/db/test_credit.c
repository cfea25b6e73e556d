/* Credit in the meter, the money's way, each program as its own user. The meter is played by the
 * row of meter_state that a reading would leave. */
#include "shop_fixture.h"

#include <stdio.h>
#include <string.h>

#include "domain/credit.h"
#include "domain/metersetting.h"
#include "domain/purchase.h"

#define YUAN(n) ((n)*NANO_PER_YUAN)
#define DAY INT64_C(86400000)

struct world {
	struct db *root, *poller, *worker, *api;
	int shops;
};

static int open_world(void **state)
{
	static struct world w;

	if (fixture_open((void **)&w.root) != 0)
		return -1;
	w.poller = fixture_as("yufu_poller");
	w.worker = fixture_as("yufu_worker");
	w.api = fixture_as("yufu_api");
	*state = &w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	db_free(&w->poller);
	db_free(&w->worker);
	db_free(&w->api);
	return fixture_close((void **)&w->root);
}

struct bench { /* a shop whose meter keeps its credit */
	struct world *w;
	struct shop s;
	int64_t now; /* utc ms */
	int64_t count, milli;
};

static void shows(struct bench *b, int64_t count, int64_t milli)
{
	b->now += 1000;
	b->count = count;
	b->milli = milli;
	shop_set(b->w->root,
		"INSERT INTO meter_state (meter_id, read_at, credit_count, credit_milli) VALUES"
		" (%lld, %lld, %lld, %lld) ON DUPLICATE KEY UPDATE read_at = VALUES(read_at),"
		" credit_count = VALUES(credit_count), credit_milli = VALUES(credit_milli)",
		(long long)b->s.meter, (long long)b->now, (long long)count, (long long)milli);
	b->now += 100;
}

static void work(struct bench *b)
{
	assert_int_equal(credit_work(b->w->worker, (struct utc){ b->now }), ERR_OK);
}

static int64_t number(struct bench *b, const char *format, int64_t id)
{
	return shop_number(b->w->root, format, id);
}

static int64_t purse(struct bench *b)
{
	return number(b, "SELECT balance_nano AS v FROM account WHERE id = %lld", b->s.account);
}

static int64_t in_transit(struct bench *b)
{
	return number(b,
		"SELECT COALESCE(SUM(p.worth_nano), 0) AS v FROM purchase p WHERE p.open_meter = "
		"%lld",
		b->s.meter);
}

static int64_t in_meter(struct bench *b)
{
	return number(b,
		"SELECT COALESCE(SUM(p.amount_nano), 0) AS v FROM posting p JOIN account a ON a.id "
		"="
		" p.account_id WHERE a.code = CONCAT('meter_credit:', %lld)",
		b->s.meter);
}

/* Money is in one of three places, and nowhere twice. */
static void assert_places(struct bench *b, int64_t bought, int64_t transit, int64_t meter)
{
	assert_int_equal(purse(b), bought);
	assert_int_equal(in_transit(b), transit);
	assert_int_equal(in_meter(b), meter);
}

static int64_t open_alarms(struct bench *b, const char *kind)
{
	return strcmp(kind, "count_mismatch") == 0
		       ? number(b,
				 "SELECT COUNT(*) AS v FROM alarm WHERE open_key ="
				 " CONCAT('count_mismatch:meter:', %lld)",
				 b->s.meter)
		       : number(b,
				 "SELECT COUNT(*) AS v FROM alarm WHERE open_key ="
				 " CONCAT('credit_drift:meter:', %lld)",
				 b->s.meter);
}

static enum err convert(struct bench *b, bool to_meter, bool preview, const char *key)
{
	struct credit_converting c = { .meter_id = b->s.meter,
		.to_meter = to_meter,
		.facts = { .unit = "yuan", .step_milli = 10 },
		.reason = "test",
		.once_key = key,
		.actor = "user:1",
		.address = "",
		.preview = preview,
		.now = { b->now } };
	struct credit_converted out;

	shop_set(b->w->root,
		"REPLACE INTO settled (meter_id, read_at, register_milli) VALUES (%lld, %lld, 0)",
		(long long)b->s.meter, (long long)b->now);
	return credit_convert(b->w->api, &c, &out, NULL);
}

static void flat_tariff(struct bench *b)
{
	shop_set(b->w->root,
		"UPDATE tariff SET doc = JSON_REMOVE(JSON_SET(doc, '$.versions[0].prices', "
		"JSON_QUERY("
		"'{\"p\": {\"peak\": [\"1\"], \"flat\": [\"1\"], \"valley\": [\"1\"]}}', '$.p')),"
		" '$.versions[0].tiers_upto_kwh') WHERE id = %lld",
		(long long)b->s.tariff);
}

static void make_bench(struct bench *b, struct world *w)
{
	*b = (struct bench){ .w = w, .s = shop_make(w->root, ++w->shops), .now = SHOP_T0 };
	shows(b, 7, 1234560); /* left by who was before */
	assert_int_equal(convert(b, true, false, "tiers"), ERR_CONFLICT);
	flat_tariff(b);
	assert_int_equal(convert(b, true, false, "k"), ERR_OK);
}

static struct purchase_order ask_under(struct bench *b, int64_t epoch)
{
	struct purchase_ask a = { .lease = { b->s.group, epoch, "test" },
		.purchase_id = number(
			b, "SELECT MAX(id) AS v FROM purchase WHERE meter_id = %lld", b->s.meter),
		.identity = IDENTITY_SURE,
		.now = { b->now } };
	struct purchase_order o;

	assert_int_equal(purchase_begin(b->w->poller, &a, &o), ERR_OK);
	return o;
}

static struct purchase_order ask(struct bench *b)
{
	return ask_under(b, 1);
}

static void answered(struct bench *b, const struct purchase_order *o, enum purchase_result r)
{
	struct lease l = { b->s.group, 1, "test" };

	b->now += 50;
	assert_int_equal(
		purchase_sent(b->w->poller, &l, o->purchase_id, r, "", (struct utc){ b->now }),
		ERR_OK);
}

static struct purchase_order begin(struct bench *b)
{
	struct purchase_order o;

	work(b);
	shows(b, b->count, b->milli);
	o = ask(b);
	assert_int_equal(o.answer, PURCHASE_GO);
	return o;
}

static void a_sale_reaches_the_meter_once(void **state)
{
	struct bench b;
	struct purchase_order o;

	make_bench(&b, *state);
	assert_places(&b, YUAN(100), 0, 0);
	o = begin(&b);
	assert_places(&b, 0, YUAN(100), 0);
	assert_int_equal(o.count, 8);
	assert_int_equal(o.milli, 100000); /* thousandths of a yuan; what was left does not count */
	answered(&b, &o, PURCHASE_WRITTEN);
	assert_int_equal(ask(&b).answer, PURCHASE_READ_FIRST);
	shows(&b, 8, 100000);
	assert_int_equal(ask(&b).answer, PURCHASE_NOTHING);
	work(&b);
	work(&b);
	assert_places(&b, 0, 0, YUAN(100));
	assert_int_equal(
		number(&b, "SELECT count AS v FROM meter_credit WHERE meter_id = %lld", b.s.meter),
		8);

	shop_set(b.w->root, "UPDATE account SET balance_nano = %lld WHERE id = %lld",
		(long long)(YUAN(20) + 1234567), (long long)b.s.account);
	o = begin(&b);
	assert_int_equal(o.count, 9);
	assert_int_equal(o.milli, 120000); /* set: what it holds and what was bought */
	assert_places(&b, 1234567, YUAN(20), YUAN(100)); /* less than a fen stays */
}

static void a_lost_answer_is_settled_by_reading(void **state)
{
	struct bench b;
	struct purchase_order o, again;

	make_bench(&b, *state);
	o = begin(&b);
	answered(&b, &o, PURCHASE_LOST);
	assert_int_equal(ask(&b).answer, PURCHASE_READ_FIRST); /* never sent before it was read */
	shows(&b, 7, b.milli);
	assert_int_equal(ask(&b).answer, PURCHASE_NOTHING); /* certainly not there: again */
	again = ask(&b);
	assert_int_equal(again.answer, PURCHASE_GO);
	assert_int_equal(again.count, 8);
	answered(&b, &again, PURCHASE_LOST);
	shows(&b, 8, 99990); /* it was there after all, and some was used */
	assert_int_equal(ask(&b).answer, PURCHASE_NOTHING);
	work(&b);
	assert_places(&b, 0, 0, YUAN(100));
}

static void a_poller_that_died_is_followed_by_a_reading(void **state)
{
	struct bench b;

	make_bench(&b, *state);
	(void)begin(&b); /* committed as sent; nobody tells what came of it */
	assert_int_equal(ask(&b).answer, PURCHASE_READ_FIRST);
	shows(&b, 8, 100000);
	assert_int_equal(ask(&b).answer, PURCHASE_NOTHING);
	work(&b);
	assert_places(&b, 0, 0, YUAN(100));
}

/* Between the commit and the frame the meter was read as usual: that reading says nothing about the
 * frame, and whoever comes next does not know when it left. */
static void a_reading_before_the_frame_does_not_settle_it(void **state)
{
	struct bench b;

	make_bench(&b, *state);
	(void)begin(&b);
	shows(&b, 7, b.milli); /* then the frame leaves, and the poller dies */
	shop_set(b.w->root, "UPDATE bus_group SET epoch = 2 WHERE id = %lld", (long long)b.s.group);
	assert_int_equal(ask_under(&b, 2).answer, PURCHASE_READ_FIRST);
	assert_int_equal(ask_under(&b, 2).answer, PURCHASE_READ_FIRST);
	shows(&b, 8, 100000);
	assert_int_equal(ask_under(&b, 2).answer, PURCHASE_NOTHING);
	work(&b);
	assert_places(&b, 0, 0, YUAN(100));
}

static void refusals_give_the_money_back_and_block(void **state)
{
	struct bench b;

	make_bench(&b, *state);
	for (int i = 0; i < PURCHASE_REFUSALS_MAX; i++) {
		struct purchase_order o = begin(&b);

		answered(&b, &o, PURCHASE_REFUSED);
		shows(&b, 7, b.milli);
		assert_int_equal(ask(&b).answer, PURCHASE_NOTHING);
		b.now += 5000;
	}
	work(&b);
	assert_places(&b, YUAN(100), 0, 0);
	assert_int_equal(open_alarms(&b, "count_mismatch"), 1);
	work(&b);
	assert_int_equal(in_transit(&b), 0); /* nothing more is sold to it */
}

static enum err decide(struct bench *b, enum credit_decision d)
{
	struct credit_deciding c = { b->s.meter, d, "test", "user:1", "", { b->now } };

	return credit_decide(b->w->api, &c, NULL);
}

static void another_count_waits_for_a_person(void **state)
{
	struct bench b;
	struct purchase_order o;

	make_bench(&b, *state);
	assert_int_equal(decide(&b, CREDIT_ACCEPT), ERR_CONFLICT);
	o = begin(&b);
	answered(&b, &o, PURCHASE_WRITTEN);
	shows(&b, 9, 200000); /* somebody else sold as well */
	assert_int_equal(ask(&b).answer, PURCHASE_NOTHING);
	work(&b);
	assert_places(&b, 0, YUAN(100), 0);
	assert_int_equal(open_alarms(&b, "count_mismatch"), 1);

	assert_int_equal(decide(&b, CREDIT_RETRY), ERR_OK);
	assert_int_equal(open_alarms(&b, "count_mismatch"), 0);
	shows(&b, 9, 200000);
	o = ask(&b);
	assert_int_equal(o.answer, PURCHASE_GO);
	assert_int_equal(o.count, 10);
	answered(&b, &o, PURCHASE_WRITTEN);
	shows(&b, 12, 0);
	(void)ask(&b);
	work(&b);
	assert_int_equal(decide(&b, CREDIT_REFUND), ERR_OK);
	work(&b);
	assert_places(&b, YUAN(100), 0, 0);
}

static void a_count_that_moves_by_itself_is_found(void **state)
{
	struct bench b;
	struct purchase_order o;

	make_bench(&b, *state);
	o = begin(&b);
	answered(&b, &o, PURCHASE_WRITTEN);
	shows(&b, 8, 100000);
	(void)ask(&b);
	work(&b);
	b.now += 60000;
	shows(&b, 9, 500000); /* a forged card */
	work(&b);
	assert_int_equal(open_alarms(&b, "count_mismatch"), 1);
	assert_int_equal(decide(&b, CREDIT_REFUND), ERR_CONFLICT);
	assert_int_equal(decide(&b, CREDIT_ACCEPT), ERR_OK);
	work(&b);
	assert_int_equal(open_alarms(&b, "count_mismatch"), 0);
}

static void use_is_booked_by_what_the_meter_took(void **state)
{
	struct bench b;
	struct purchase_order o;

	make_bench(&b, *state);
	o = begin(&b);
	answered(&b, &o, PURCHASE_WRITTEN);
	shows(&b, 8, 100000);
	(void)ask(&b);
	work(&b);
	b.now += DAY;
	shows(&b, 8, 87500);
	work(&b);
	assert_int_equal(in_meter(&b), YUAN(87) + YUAN(1) / 2);
	assert_int_equal(open_alarms(&b, "credit_drift"), 1); /* no energy was counted for it */
	work(&b);
	assert_int_equal(in_meter(&b), YUAN(87) + YUAN(1) / 2);
}

static void credit_comes_back_to_the_account(void **state)
{
	struct bench b;
	struct purchase_order o;
	struct credit_view v;

	make_bench(&b, *state);
	o = begin(&b);
	assert_int_equal(convert(&b, false, false, "early"), ERR_CONFLICT); /* on its way */
	answered(&b, &o, PURCHASE_WRITTEN);
	shows(&b, 8, 100000);
	(void)ask(&b);
	work(&b);
	b.now += 3600000;
	shows(&b, 8, 90000);
	assert_int_equal(convert(&b, false, true, "look"), ERR_OK);
	assert_places(&b, 0, 0, YUAN(100)); /* a preview changes nothing */
	assert_int_equal(convert(&b, false, false, "back"), ERR_OK);
	assert_places(&b, YUAN(90), 0, 0);
	assert_int_equal(convert(&b, false, false, "back"), ERR_OK); /* the answer was lost */
	assert_places(&b, YUAN(90), 0, 0);
	assert_int_equal(credit_get(b.w->api, b.s.meter, &v), ERR_NOT_FOUND);
	work(&b);
	assert_places(&b, YUAN(90), 0, 0);
}

/* Credit must not go to the wrong one of several meters. */
static void a_purse_of_several_meters_stays_with_the_account(void **state)
{
	struct bench b = { .w = *state };
	struct shop other;

	b.s = shop_make(b.w->root, ++b.w->shops);
	b.now = SHOP_T0;
	other = shop_make(b.w->root, ++b.w->shops);
	shop_set(b.w->root,
		"UPDATE contract_point SET account_id = %lld WHERE supply_point_id = %lld",
		(long long)b.s.account, (long long)other.point);
	flat_tariff(&b);
	shows(&b, 7, 0);
	assert_int_equal(convert(&b, true, false, "two"), ERR_CONFLICT);
	shop_set(b.w->root, "UPDATE contract_point SET to_at = 5 WHERE supply_point_id = %lld",
		(long long)other.point);
	assert_int_equal(convert(&b, true, false, "one"), ERR_OK);
	shop_set(b.w->root, "UPDATE contract_point SET to_at = 0 WHERE supply_point_id = %lld",
		(long long)other.point);
	work(&b);
	assert_places(&b, YUAN(100), 0, 0);
}

static int64_t arrears_notices(struct bench *b)
{
	return number(b,
		"SELECT COUNT(*) AS v FROM notice WHERE kind = 'arrears' AND account_id = %lld",
		b->s.account);
}

/* Its purse is empty by nature: who has just paid is not told of arrears. */
static void a_purse_that_goes_into_the_meter_warns_nobody(void **state)
{
	struct bench b;
	struct purchase_order o;

	make_bench(&b, *state);
	o = begin(&b);
	answered(&b, &o, PURCHASE_WRITTEN);
	shows(&b, 8, 100000);
	(void)ask(&b);
	work(&b);
	assert_places(&b, 0, 0, YUAN(100));
	assert_int_equal(arrears_notices(&b), 0);
}

static enum err arrears_tx(struct db *db, void *ctx)
{
	const struct bench *b = ctx;

	return account_changed(db, b->s.account, (struct utc){ b->now });
}

/* Arrears of before do not keep a meter dark that has credit of its own now. */
static void arrears_end_when_the_credit_moves_into_the_meter(void **state)
{
	struct bench b = { .w = *state, .now = SHOP_T0 };

	b.s = shop_make(b.w->root, ++b.w->shops);
	shows(&b, 7, 0);
	flat_tariff(&b);
	shop_set(b.w->root, "UPDATE account SET balance_nano = -1 WHERE id = %lld",
		(long long)b.s.account);
	assert_int_equal(db_tx(b.w->api, arrears_tx, &b), ERR_OK);
	assert_int_equal(number(&b, "SELECT COUNT(*) AS v FROM block WHERE supply_point_id = %lld",
				 b.s.point),
		1);
	assert_int_equal(convert(&b, true, false, "dark"), ERR_OK);
	assert_int_equal(number(&b, "SELECT COUNT(*) AS v FROM block WHERE supply_point_id = %lld",
				 b.s.point),
		0);
	shop_set(b.w->root, "UPDATE meter SET enabled = 0 WHERE id = %lld", (long long)b.s.meter);
}

static void the_meter_decides_its_own_supply(void **state)
{
	struct bench b;

	make_bench(&b, *state);
	assert_int_equal(
		number(&b, "SELECT desired = 'auto' AS v FROM supply_point WHERE id = %lld",
			b.s.point),
		1);
	shop_set(b.w->root, "UPDATE meter SET enabled = 0 WHERE id = %lld", (long long)b.s.meter);
}

/* ---- settings; the wire is in test_setter.c ---- */

static struct metersetting_ask setting_ask(struct bench *b, int64_t epoch)
{
	return (struct metersetting_ask){ .lease = { b->s.group, epoch, "test" },
		.meter_id = b->s.meter,
		.kind = METER_PRICES,
		.identity = IDENTITY_SURE,
		.now = { b->now += 10 } };
}

static void desire(struct bench *b, const char *text)
{
	struct lease l = { b->s.group, 1, "test" };

	assert_int_equal(metersetting_desire(b->w->poller, &l,
				 &(struct metersetting_wish){
					 b->s.meter, 1, METER_PRICES, text, "", { b->now += 10 } }),
		ERR_OK);
}

static void tells(struct bench *b, int64_t device, const char *text)
{
	struct lease l = { b->s.group, 1, "test" };

	assert_int_equal(metersetting_observe(b->w->poller, &l,
				 &(struct metersetting_seen){ b->s.meter, device, METER_PRICES,
					 text, { b->now += 10 } }),
		ERR_OK);
}

static enum purchase_answer setting_next_step(struct bench *b, int64_t epoch)
{
	struct metersetting_ask a = setting_ask(b, epoch);
	struct metersetting_order o;

	assert_int_equal(metersetting_begin(b->w->poller, &a, &o), ERR_OK);
	return o.answer;
}

static void assert_setting(struct bench *b, const char *condition)
{
	char sql[300];

	snprintf(sql, sizeof(sql),
		"SELECT COUNT(*) AS v FROM meter_setting WHERE meter_id = %%lld AND kind = 'prices'"
		" AND %s",
		condition);
	if (number(b, sql, b->s.meter) != 1)
		fail_msg("not so: %s", condition);
}

static void a_setting_whose_poller_died_is_read_first(void **state)
{
	struct metersetting_ask old;
	struct metersetting_order o;
	struct bench b;

	make_bench(&b, *state);
	desire(&b, "flat 1");
	assert_int_equal(setting_next_step(&b, 1), PURCHASE_READ_FIRST);
	tells(&b, 1, "flat 2");
	assert_int_equal(setting_next_step(&b, 1), PURCHASE_GO);
	assert_setting(&b, "state = 'sent' AND tries = 1");
	/* Its successor does not know whether the frame left. */
	shop_set(b.w->root, "UPDATE bus_group SET epoch = 2 WHERE id = %lld", (long long)b.s.group);
	assert_int_equal(setting_next_step(&b, 2), PURCHASE_READ_FIRST);
	assert_setting(&b, "state = 'unknown'");
	/* Who was thought dead may write nothing any more. */
	old = setting_ask(&b, 1);
	assert_int_equal(metersetting_begin(b.w->poller, &old, &o), ERR_FENCED);
	assert_int_equal(metersetting_sent(b.w->poller, &old, PURCHASE_WRITTEN, ""), ERR_FENCED);
	shop_set(b.w->root, "UPDATE bus_group SET epoch = 1 WHERE id = %lld", (long long)b.s.group);
	tells(&b, 1, "flat 1");
	assert_int_equal(setting_next_step(&b, 1), PURCHASE_NOTHING);
	assert_setting(&b, "state = 'done' AND tries = 1");
}

/* A frame that never left is no try, and one that is not sure of its meter is never sent. */
static void a_setting_goes_to_its_meter_only(void **state)
{
	struct metersetting_ask a;
	struct metersetting_order o;
	struct bench b;

	make_bench(&b, *state);
	desire(&b, "flat 1");
	tells(&b, 1, "flat 2");
	a = setting_ask(&b, 1);
	a.identity = IDENTITY_OTHER;
	assert_int_equal(metersetting_begin(b.w->poller, &a, &o), ERR_OK);
	assert_int_equal(o.answer, PURCHASE_READ_FIRST);
	assert_int_equal(setting_next_step(&b, 1), PURCHASE_GO);
	a = setting_ask(&b, 1);
	assert_int_equal(metersetting_sent(b.w->poller, &a, PURCHASE_NOT_SENT, "busy"), ERR_OK);
	assert_setting(&b, "state = 'desired' AND tries = 0 AND error = 'busy'");
	/* Another device: what the old one told is not of it. */
	shop_set(b.w->root, "UPDATE meter SET device = 2 WHERE id = %lld", (long long)b.s.meter);
	tells(&b, 1, "flat 1");
	assert_setting(&b, "device = 1 AND observed = 'flat 2'");
	tells(&b, 2, "flat 3");
	assert_setting(&b, "device = 2 AND observed = 'flat 3' AND state = 'desired'");
}

static void a_purchase_waits_for_a_setting_on_the_wire(void **state)
{
	struct metersetting_ask a;
	struct purchase_order o;
	struct bench b;

	make_bench(&b, *state);
	desire(&b, "flat 1");
	tells(&b, 1, "flat 2");
	assert_int_equal(setting_next_step(&b, 1), PURCHASE_GO);
	work(&b);
	shows(&b, b.count, b.milli);
	assert_int_equal(ask(&b).answer, PURCHASE_NOTHING);
	a = setting_ask(&b, 1);
	assert_int_equal(metersetting_sent(b.w->poller, &a, PURCHASE_LOST, "no answer"), ERR_OK);
	shows(&b, b.count, b.milli);
	o = ask(&b);
	assert_int_equal(o.answer, PURCHASE_GO);
	/* And the other way round, until it is known what became of it. */
	tells(&b, 1, "flat 2");
	assert_int_equal(setting_next_step(&b, 1), PURCHASE_NOTHING); /* desired again */
	b.now += 60000;
	assert_int_equal(setting_next_step(&b, 1), PURCHASE_NOTHING);
	assert_setting(&b, "state = 'desired' AND tries = 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sale_reaches_the_meter_once),
		cmocka_unit_test(a_lost_answer_is_settled_by_reading),
		cmocka_unit_test(a_poller_that_died_is_followed_by_a_reading),
		cmocka_unit_test(a_reading_before_the_frame_does_not_settle_it),
		cmocka_unit_test(refusals_give_the_money_back_and_block),
		cmocka_unit_test(another_count_waits_for_a_person),
		cmocka_unit_test(a_count_that_moves_by_itself_is_found),
		cmocka_unit_test(use_is_booked_by_what_the_meter_took),
		cmocka_unit_test(credit_comes_back_to_the_account),
		cmocka_unit_test(a_purse_of_several_meters_stays_with_the_account),
		cmocka_unit_test(a_purse_that_goes_into_the_meter_warns_nobody),
		cmocka_unit_test(arrears_end_when_the_credit_moves_into_the_meter),
		cmocka_unit_test(the_meter_decides_its_own_supply),
		cmocka_unit_test(a_setting_whose_poller_died_is_read_first),
		cmocka_unit_test(a_setting_goes_to_its_meter_only),
		cmocka_unit_test(a_purchase_waits_for_a_setting_on_the_wire),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
