/* Events of other systems: written with what caused them, for whom they are, and served by workers
 * as the database's own users may. */
#include <stdio.h>
#include <string.h>

#include "domain/alarm.h"
#include "domain/event.h"
#include "domain/order.h"
#include "domain/supplypoint.h"
#include "domain/webhook.h"
#include "rules/retry.h"
#include "shop_fixture.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MS INT64_C(86400000)
static const struct utc T0 = { SHOP_T0 };

static struct webhook_act by_staff(struct utc now)
{
	return (struct webhook_act){ .actor = "user:1", .address = "", .now = now };
}

static int64_t hook(struct db *db, int64_t site, const char *events)
{
	static int n;
	char once[32], secret[WEBHOOK_SECRET_MAX];
	struct webhook_new w = { "test", site, "http://127.0.0.1:9/", events, once };
	struct webhook_act by = by_staff(T0);
	int64_t id = 0;

	snprintf(once, sizeof(once), "hook:%d", n++);
	assert_int_equal(webhook_add(db, &w, &by, &id, secret), ERR_OK);
	assert_int_equal(strlen(secret), 70);
	return id;
}

static int64_t deliveries(struct db *db, int64_t id)
{
	return shop_number(
		db, "SELECT COUNT(*) AS v FROM webhook_delivery WHERE webhook_id = %lld", id);
}

static int clean(void **state)
{
	fixture_sql(*state, "DELETE FROM webhook_delivery");
	fixture_sql(*state, "DELETE FROM webhook");
	fixture_sql(*state, "DELETE FROM alarm");
	return 0;
}

static void an_event_goes_to_whom_it_concerns(void **state)
{
	struct db *db = *state;
	struct shop here = shop_make(db, 1), there = shop_make(db, 2);
	int64_t all = hook(db, 0, "*"), own = hook(db, here.site, "order.paid,day.sealed"),
		other = hook(db, there.site, "*"), off = hook(db, 0, "*");

	shop_set(db, "UPDATE webhook SET state = 'off' WHERE id = %lld", (long long)off);
	assert_int_equal(event_add(db, "order.paid", here.site, NULL, T0), ERR_OK);
	assert_int_equal(event_add(db, "day.seal", here.site, NULL, T0), ERR_OK);
	assert_int_equal(event_add(db, "alarm.raised", 0, NULL, T0), ERR_OK);
	assert_int_equal(deliveries(db, all), 3);
	assert_int_equal(deliveries(db, own), 1);
	assert_int_equal(deliveries(db, other), 0);
	assert_int_equal(deliveries(db, off), 0);
	/* One happening has one id, whoever is told. */
	assert_int_equal(FIXTURE_VALUE(db, "SELECT COUNT(DISTINCT event_id) AS v"
					   " FROM webhook_delivery WHERE kind = 'order.paid'"),
		1);
}

static enum err cut_and_fail(struct db *db, void *ctx)
{
	assert_int_equal(supply_observe(db, *(const int64_t *)ctx, "off", T0), ERR_OK);
	return ERR_CONFLICT;
}

static enum err cut(struct db *db, void *ctx)
{
	return supply_observe(db, *(const int64_t *)ctx, "off", T0);
}

static void what_did_not_happen_is_not_told(void **state)
{
	struct db *db = *state, *poller = fixture_as("yufu_poller");
	struct shop s = shop_make(db, 3);
	int64_t id = hook(db, s.site, "*");

	assert_int_equal(db_tx(poller, cut_and_fail, &s.point), ERR_CONFLICT);
	assert_int_equal(deliveries(db, id), 0);
	assert_int_equal(db_tx(poller, cut, &s.point), ERR_OK);
	assert_int_equal(deliveries(db, id), 1);
	assert_int_equal(db_tx(poller, cut, &s.point), ERR_OK); /* as it was */
	assert_int_equal(deliveries(db, id), 1);
	assert_int_equal(FIXTURE_VALUE(db, "SELECT JSON_VALUE(payload, '$.data.supply') = 'off'"
					   " AND JSON_VALUE(payload, '$.kind') = 'supply.changed'"
					   " AND JSON_VALUE(payload, '$.id') = event_id AS v"
					   " FROM webhook_delivery"),
		1);
	db_free(&poller);
}

static void alarms_are_told_once(void **state)
{
	static const char *const users[] = { "yufu_api", "yufu_poller", "yufu_worker" };
	static const char *const kinds[] = { "meter_silent", "register_fell", "tariff_missing" };
	struct db *db = *state;
	struct shop s = shop_make(db, 4), far = shop_make(db, 5);
	int64_t id = hook(db, s.site, "alarm.raised,alarm.cleared"),
		other = hook(db, far.site, "*");

	for (size_t u = 0; u < ARRAY_LEN(users); u++) {
		struct db *as = fixture_as(users[u]);
		struct alarm_new a = { kinds[u], "warn", "meter", s.meter, "M4", "over there" };

		for (int i = 0; i < 2; i++)
			assert_int_equal(alarm_raise(as, &a, T0), ERR_OK);
		assert_int_equal(deliveries(db, id), 2 * (int64_t)u + 1);
		for (int i = 0; i < 2; i++)
			assert_int_equal(alarm_clear(as, kinds[u], "meter", s.meter, T0), ERR_OK);
		assert_int_equal(deliveries(db, id), 2 * (int64_t)u + 2);
		db_free(&as);
	}
	assert_int_equal(deliveries(db, other), 0);
}

static void a_recharge_is_told_with_its_amount(void **state)
{
	struct db *db = *state, *api = fixture_as("yufu_api");
	struct shop s = shop_make(db, 6);
	int64_t id = hook(db, s.site, "order.paid");
	struct problem why = { 0 };
	enum credit_outcome outcome;
	struct order o;
	struct order_new n = { .account_id = s.account,
		.amount_fen = 12345,
		.channel = "wechat_native",
		.service = "wechat",
		.payer_address = "203.0.113.7" };
	struct payment p = { .service = "wechat",
		.out_trade_no = o.out_trade_no,
		.transaction_id = "42000000001",
		.amount_fen = 12345,
		.currency = "CNY",
		.paid_at = T0 };

	assert_int_equal(order_create(api, &n, T0, &o, &why), ERR_OK);
	for (int i = 0; i < 3; i++)
		assert_int_equal(order_credit(api, &p, "notify", T0, &outcome), ERR_OK);
	assert_int_equal(deliveries(db, id), 1);
	assert_int_equal(FIXTURE_VALUE(db, "SELECT CAST(JSON_VALUE(payload, '$.data.amount_fen') AS"
					   " SIGNED) AS v FROM webhook_delivery"),
		12345);
	db_free(&api);
}

/* ---- workers ---- */

static struct delivery first_due(struct db *db, int64_t webhook, struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	struct delivery d;

	assert_int_equal(deliveries_due(db, webhook, now, 10, &rows), ERR_OK);
	assert_true(rows.n > 0);
	d = *(const struct delivery *)rows.at;
	d.payload = d.answer = (struct blob){ 0 };
	return d;
}

static void end(struct db *db, const struct webhook_due *w, const struct delivery *d,
	enum delivery_end how, struct utc now)
{
	struct delivery_result r = { .end = how,
		.status = how == DELIVERY_DONE ? 200 : 500,
		.error = how == DELIVERY_DONE ? "" : "the receiver answered 500",
		.answer = "\xff\0x",
		.answer_n = 3,
		.jitter = 100 };

	assert_int_equal(delivery_result(db, w, d, &r, now), ERR_OK);
}

static void a_webhook_is_served_by_one_worker_at_a_time(void **state)
{
	struct db *db = *state, *one = fixture_as("yufu_worker"), *two = fixture_as("yufu_worker");
	int64_t a = hook(db, 0, "*"), b = hook(db, 0, "*");
	struct webhook_due first, second, none;
	struct utc later = { T0.ms + WEBHOOK_CLAIM_MS };

	assert_int_equal(webhook_claim(one, "one", T0, &none), ERR_NOT_FOUND);
	assert_int_equal(event_add(db, "order.paid", 0, NULL, T0), ERR_OK);
	assert_int_equal(webhook_claim(one, "one", T0, &first), ERR_OK);
	assert_int_equal(webhook_claim(two, "two", T0, &second), ERR_OK);
	assert_int_equal(first.id + second.id, a + b);
	assert_int_not_equal(first.id, second.id);
	assert_int_equal(webhook_claim(one, "three", T0, &none), ERR_NOT_FOUND);
	/* One gives it back; the other has died, and its claim runs out. */
	assert_int_equal(webhook_release(one, first.id, "nobody"), ERR_OK);
	assert_int_equal(webhook_claim(one, "three", T0, &none), ERR_NOT_FOUND);
	assert_int_equal(webhook_release(one, first.id, "one"), ERR_OK);
	assert_int_equal(webhook_claim(one, "three", T0, &none), ERR_OK);
	assert_int_equal(none.id, first.id);
	assert_int_equal(webhook_claim(one, "four", later, &none), ERR_OK);
	db_free(&one);
	db_free(&two);
}

static void done_and_failed(void **state)
{
	struct db *db = *state, *worker = fixture_as("yufu_worker");
	int64_t id = hook(db, 0, "*");
	struct webhook_due w;
	struct delivery d;
	struct webhook now;
	struct utc t = T0;

	assert_int_equal(event_add(db, "order.paid", 0, NULL, T0), ERR_OK);
	assert_int_equal(event_add(db, "day.sealed", 0, NULL, T0), ERR_OK);
	assert_int_equal(webhook_claim(worker, "w", t, &w), ERR_OK);
	d = first_due(worker, id, t);
	assert_string_equal(d.kind, "order.paid");
	end(worker, &w, &d, DELIVERY_FAILED, t);
	/* The receiver rests a second; the second event then goes before the first. */
	assert_int_equal(webhook_release(worker, id, "w"), ERR_OK);
	assert_int_equal(webhook_claim(worker, "w", t, &w), ERR_NOT_FOUND);
	t.ms += 1000;
	assert_int_equal(webhook_claim(worker, "w", t, &w), ERR_OK);
	d = first_due(worker, id, t);
	assert_string_equal(d.kind, "day.sealed");
	end(worker, &w, &d, DELIVERY_DONE, t);
	assert_int_equal(webhook_get(db, 0, id, &now), ERR_OK);
	assert_int_equal(now.failures, 0);
	assert_int_equal(now.waiting, 1);
	t.ms += 9000;
	d = first_due(worker, id, t);
	assert_string_equal(d.state, "waiting");
	assert_int_equal(d.tries, 1);
	end(worker, &w, &d, DELIVERY_DONE, t);
	assert_int_equal(FIXTURE_VALUE(db, "SELECT SUM(state = 'done' AND next_at = 0 AND status ="
					   " 200 AND error = '' AND answer = x'ff0078') AS v"
					   " FROM webhook_delivery"),
		2);
	db_free(&worker);
}

static void failing_for_days_turns_it_off(void **state)
{
	struct db *db = *state, *worker = fixture_as("yufu_worker"), *api = fixture_as("yufu_api");
	int64_t id = hook(db, 0, "*");
	struct webhook_act by;
	struct webhook_due w;
	struct delivery d;
	struct webhook now;
	struct utc t = T0;

	for (int day = 0; day <= 5; day++, t.ms += DAY_MS) {
		assert_int_equal(webhook_get(db, 0, id, &now), ERR_OK);
		assert_string_equal(now.state, "on");
		assert_int_equal(event_add(db, "order.paid", 0, NULL, t), ERR_OK);
		assert_int_equal(webhook_claim(worker, "w", t, &w), ERR_OK);
		d = first_due(worker, id, t);
		end(worker, &w, &d, DELIVERY_FAILED, t);
		assert_int_equal(webhook_release(worker, id, "w"), ERR_OK);
	}
	assert_int_equal(webhook_get(db, 0, id, &now), ERR_OK);
	assert_string_equal(now.state, "off");
	assert_string_equal(now.off_why, "failing");
	assert_int_equal(now.failing_since.ms, T0.ms);
	assert_int_equal(FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM alarm WHERE kind ="
					   " 'webhook_off' AND cleared_at = 0"),
		1);
	assert_int_equal(webhook_claim(worker, "w", t, &w), ERR_NOT_FOUND);
	/* A person turns it on again. */
	by = by_staff(t);
	assert_int_equal(
		webhook_set(api, id, &(struct webhook_change){ .state = "on" }, &by), ERR_OK);
	assert_int_equal(
		FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM alarm WHERE cleared_at = 0"), 0);
	assert_int_equal(webhook_claim(worker, "w", t, &w), ERR_OK);
	db_free(&worker);
	db_free(&api);
}

static void gone_is_off_at_once(void **state)
{
	struct db *db = *state, *worker = fixture_as("yufu_worker");
	int64_t id = hook(db, 0, "*");
	struct webhook_due w;
	struct delivery d;
	struct webhook now;

	assert_int_equal(event_add(db, "order.paid", 0, NULL, T0), ERR_OK);
	assert_int_equal(webhook_claim(worker, "w", T0, &w), ERR_OK);
	d = first_due(worker, id, T0);
	end(worker, &w, &d, DELIVERY_GONE, T0);
	assert_int_equal(webhook_get(db, 0, id, &now), ERR_OK);
	assert_string_equal(now.off_why, "gone");
	assert_int_equal(now.failed, 1);
	assert_int_equal(now.waiting, 0);
	db_free(&worker);
}

static void three_days_are_tried_and_a_replay_begins_anew(void **state)
{
	struct db *db = *state, *worker = fixture_as("yufu_worker"), *api = fixture_as("yufu_api");
	int64_t id = hook(db, 0, "*");
	struct utc t = T0;
	struct webhook_act by;
	struct webhook_due w = { .id = id };
	struct delivery d;
	char event[129];

	assert_int_equal(event_add(db, "order.paid", 0, NULL, T0), ERR_OK);
	d = first_due(worker, id, t);
	memcpy(event, d.event_id, sizeof(event));
	for (int i = 0; i < 30 && FIXTURE_VALUE(db, "SELECT MAX(next_at) AS v FROM"
						    " webhook_delivery") > 0;
		i++) {
		t.ms = FIXTURE_VALUE(db, "SELECT MAX(next_at) AS v FROM webhook_delivery");
		d = first_due(worker, id, t);
		end(worker, &w, &d, DELIVERY_FAILED, t);
	}
	assert_in_range(t.ms, T0.ms + 2 * DAY_MS, T0.ms + RETRY_FOR_MS);
	assert_int_equal(
		FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM webhook_delivery WHERE state ="
				  " 'failed' AND tries >= 10"),
		1);
	t.ms += 10 * MINUTE_MS;
	by = by_staff(t);
	assert_int_equal(delivery_replay(api, d.id, &by), ERR_OK);
	assert_int_equal(webhook_claim(worker, "w", t, &w), ERR_OK); /* it does not rest */
	d = first_due(worker, id, t);
	assert_string_equal(d.event_id, event);
	end(worker, &w, &d, DELIVERY_FAILED, t);
	assert_int_equal(
		FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM webhook_delivery WHERE state ="
				  " 'waiting' AND tries = 1"),
		1);
	db_free(&worker);
	db_free(&api);
}

static void a_replay_during_a_try_stands(void **state)
{
	struct db *db = *state, *worker = fixture_as("yufu_worker");
	int64_t id = hook(db, 0, "*");
	struct webhook_act by = by_staff((struct utc){ T0.ms + 5 });
	struct webhook_due w = { .id = id };
	struct delivery d;

	assert_int_equal(event_add(db, "order.paid", 0, NULL, T0), ERR_OK);
	d = first_due(worker, id, T0);
	assert_int_equal(delivery_replay(db, d.id, &by), ERR_OK);
	end(worker, &w, &d, DELIVERY_DONE, (struct utc){ T0.ms + 10 });
	d = first_due(worker, id, (struct utc){ T0.ms + 10 });
	assert_string_equal(d.state, "pending");
	db_free(&worker);
}

/* ---- staff ---- */

static void a_secret_is_made_once_and_changed_with_an_overlap(void **state)
{
	struct db *db = *state, *api = fixture_as("yufu_api"), *worker = fixture_as("yufu_worker");
	struct webhook_new n = { "n", 0, "http://127.0.0.1:9/", "*", "once:1" };
	struct webhook_act by = by_staff(T0);
	char one[WEBHOOK_SECRET_MAX], again[WEBHOOK_SECRET_MAX], two[WEBHOOK_SECRET_MAX];
	struct webhook_due w;
	int64_t id = 0, same = 0;

	assert_int_equal(webhook_add(api, &n, &by, &id, one), ERR_OK);
	assert_int_equal(webhook_add(api, &n, &by, &same, again), ERR_OK);
	assert_int_equal(id, same);
	assert_string_equal(one, again);
	assert_int_equal(webhook_rotate(api, id, "once:2", &by, two), ERR_OK);
	assert_string_not_equal(one, two);
	assert_int_equal(webhook_rotate(api, id, "once:2", &by, again), ERR_OK);
	assert_string_equal(two, again);
	assert_int_equal(event_add(db, "order.paid", 0, NULL, T0), ERR_OK);
	assert_int_equal(webhook_claim(worker, "w", T0, &w), ERR_OK);
	assert_string_equal(w.secret, two);
	assert_string_equal(w.old_secret, one);
	assert_int_equal(
		webhook_claim(worker, "w", (struct utc){ T0.ms + WEBHOOK_OLD_MS }, &w), ERR_OK);
	assert_string_equal(w.old_secret, "");
	/* The audit says who did it, and not what the secret is. */
	assert_int_equal(FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM audit WHERE action LIKE"
					   " 'webhook.%' AND detail LIKE '%whsec%'"),
		0);
	assert_true(FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM audit WHERE action ="
				      " 'webhook.rotate'") == 1);
	db_free(&api);
	db_free(&worker);
}

static void staff_of_a_site_see_its_own(void **state)
{
	struct db *db = *state;
	struct shop s = shop_make(db, 7), far = shop_make(db, 8);
	int64_t own = hook(db, s.site, "*"), all = hook(db, 0, "*"), made = 0;
	struct webhook_act by = by_staff(T0);
	struct webhook w;
	struct list_ask ask = list_ask_of(&webhook_listing, "id", false, 9);
	AUTO(rows_free) struct rows rows = { 0 };
	struct list_place next;

	by.site_id = far.site;
	assert_int_equal(webhook_get(db, far.site, own, &w), ERR_NOT_FOUND);
	assert_int_equal(webhook_get(db, s.site, all, &w), ERR_NOT_FOUND);
	assert_int_equal(webhook_remove(db, own, &by), ERR_NOT_FOUND);
	assert_int_equal(webhook_ping(db, own, &by, &made), ERR_NOT_FOUND);
	assert_int_equal(webhook_set(db, own, &(struct webhook_change){ .state = "off" }, &by),
		ERR_NOT_FOUND);
	assert_int_equal(
		db_page(db, &webhook_listing, &ask, ARGS(arg_i64(s.site)), &rows, &next), ERR_OK);
	assert_int_equal(rows.n, 1);
	by.site_id = s.site;
	assert_int_equal(webhook_ping(db, own, &by, &made), ERR_OK);
	assert_int_equal(deliveries(db, own), 1);
	assert_int_equal(
		webhook_set(db, own, &(struct webhook_change){ .state = "off" }, &by), ERR_OK);
	assert_int_equal(webhook_ping(db, own, &by, &made), ERR_CONFLICT);
	assert_int_equal(webhook_remove(db, own, &by), ERR_OK);
}

static void old_deliveries_go(void **state)
{
	struct db *db = *state, *worker = fixture_as("yufu_worker"), *api = fixture_as("yufu_api");
	int64_t kept = hook(db, 0, "*"), removed = hook(db, 0, "*");
	struct webhook_act by = by_staff(T0);
	struct utc t = { T0.ms + WEBHOOK_KEEP_MS };

	assert_int_equal(event_add(db, "order.paid", 0, NULL, T0), ERR_OK);
	assert_int_equal(webhook_remove(api, removed, &by), ERR_OK);
	assert_int_equal(deliveries_purge(worker, (struct utc){ T0.ms + 2 * DAY_MS }), ERR_OK);
	assert_int_equal(deliveries(db, removed), 0);
	assert_int_equal(deliveries(db, kept), 1);
	assert_int_equal(deliveries_purge(worker, t), ERR_OK);
	assert_int_equal(deliveries(db, kept), 1);
	t.ms++;
	assert_int_equal(deliveries_purge(worker, t), ERR_OK);
	assert_int_equal(deliveries(db, kept), 0);
	db_free(&worker);
	db_free(&api);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, clean)
	const struct CMUnitTest tests[] = {
		TEST(an_event_goes_to_whom_it_concerns),
		TEST(what_did_not_happen_is_not_told),
		TEST(alarms_are_told_once),
		TEST(a_recharge_is_told_with_its_amount),
		TEST(a_webhook_is_served_by_one_worker_at_a_time),
		TEST(done_and_failed),
		TEST(failing_for_days_turns_it_off),
		TEST(gone_is_off_at_once),
		TEST(three_days_are_tried_and_a_replay_begins_anew),
		TEST(a_replay_during_a_try_stands),
		TEST(a_secret_is_made_once_and_changed_with_an_overlap),
		TEST(staff_of_a_site_see_its_own),
		TEST(old_deliveries_go),
	};

	return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
