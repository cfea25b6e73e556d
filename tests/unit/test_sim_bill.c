/* What the stand-ins put into a bill: each payment and refund of the Beijing day, and what was
 * doctored on command. */
#include "cmock.h"

#include <stdlib.h>
#include <string.h>

#include "sim/svc_bill.h"

#define DAY_MS INT64_C(86400000)
#define NOON INT64_C(1795320000000) /* of a day in Beijing */

static struct day day_of_noon(void)
{
	return (struct day){ (int32_t)((NOON + 28800000) / DAY_MS) };
}

static struct svc svc;

static void order(const char *no, int64_t fen, int64_t paid_ms, const char *refund)
{
	json_t *refunds = json_array();

	if (refund)
		json_array_append_new(
			refunds, json_pack("{s:s, s:s, s:i, s:s, s:I}", "out_refund_no", refund,
					 "refund_id", "50", "amount_fen", 7, "state", "SUCCESS",
					 "ms", (json_int_t)paid_ms + 1));
	svc_order_put(&svc, SVC_WECHAT,
		json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:o}", "service", "wechat",
			"out_trade_no", no, "transaction_id", no, "description", "x", "amount_fen",
			(json_int_t)fen, "paid_ms", (json_int_t)paid_ms, "refunds", refunds));
}

static void doctor(const char *no, const char *refund, const char *change, int64_t fen)
{
	json_array_append_new(json_object_get(svc.state, "doctored"),
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "service", "wechat",
			"out_trade_no", no, "out_refund_no", refund, "transaction_id", "made_up",
			"change", change, "amount_fen", (json_int_t)fen, "ms", (json_int_t)NOON));
}

static int setup(void **state)
{
	(void)state;
	pthread_mutex_init(&svc.lock, NULL);
	svc.state = json_pack("{s:{}, s:[]}", "orders", "doctored");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(svc.state);
	pthread_mutex_destroy(&svc.lock);
	return 0;
}

static void a_day_is_beijings(void **state)
{
	struct svc_bill_row *rows = NULL;
	struct day d = day_of_noon();
	int64_t midnight = d.days * DAY_MS - 28800000;

	(void)state;
	order("first", 100, midnight, NULL);
	order("last", 200, midnight + DAY_MS - 1, NULL);
	order("before", 300, midnight - 1, NULL);
	order("after", 400, midnight + DAY_MS, NULL);
	order("unpaid", 500, 0, NULL);
	assert_int_equal(svc_bill_rows(&svc, SVC_WECHAT, d, &rows), 2);
	assert_string_equal(rows[0].out_trade_no, "first");
	assert_string_equal(rows[1].out_trade_no, "last");
	assert_int_equal(rows[1].fee_nano, 200 * 60000);
	free(rows);
	rows = NULL;
	assert_int_equal(svc_bill_rows(&svc, SVC_ALIPAY, d, &rows), 0);
	free(rows);
}

static void what_was_doctored_is_wrong_and_nothing_else(void **state)
{
	struct svc_bill_row *rows = NULL;
	size_t n;

	(void)state;
	order("good", 100, NOON, "R0");
	order("gone", 200, NOON, "R1");
	order("amount", 300, NOON, "R2");
	order("fee", 400, NOON, NULL);
	order("twice", 500, NOON, NULL);
	doctor("gone", "", "remove", 0);
	doctor("amount", "", "amount", 301);
	doctor("amount", "R2", "amount", 8);
	doctor("fee", "", "fee", 9);
	doctor("twice", "", "twice", 0);
	doctor("good", "", "add", 600);
	doctor("good", "R9", "add", 5);
	n = svc_bill_rows(&svc, SVC_WECHAT, day_of_noon(), &rows);
	assert_int_equal(n, 5 - 1 + 1 + 3 + 2);
	for (size_t i = 0; i < n; i++) {
		const struct svc_bill_row *r = &rows[i];

		assert_false(str_eq(r->out_trade_no, "gone") && !r->refund);
		if (str_eq(r->out_trade_no, "amount"))
			assert_int_equal(r->amount_fen, r->refund ? 8 : 301);
		if (str_eq(r->out_trade_no, "fee"))
			assert_int_equal(r->fee_nano, 90000000);
		if (str_eq(r->transaction_id, "made_up"))
			assert_int_equal(r->amount_fen, r->refund ? 5 : 600);
	}
	free(rows);
}

static void a_bill_is_made_in_the_morning_after(void **state)
{
	struct day d = day_of_noon();
	int64_t midnight = d.days * DAY_MS - 28800000;

	(void)state;
	assert_false(svc_bill_is_made(&svc, d, (struct utc){ NOON }));
	assert_false(svc_bill_is_made(&svc, d, (struct utc){ midnight + DAY_MS + 32399999 }));
	assert_true(svc_bill_is_made(&svc, d, (struct utc){ midnight + DAY_MS + 32400000 }));
	svc_set_int(svc.state, "bills_today", 1);
	assert_true(svc_bill_is_made(&svc, d, (struct utc){ NOON }));
	assert_false(svc_bill_is_made(&svc, d, (struct utc){ midnight - 1 }));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_day_is_beijings),
		TEST(what_was_doctored_is_wrong_and_nothing_else),
		TEST(a_bill_is_made_in_the_morning_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
