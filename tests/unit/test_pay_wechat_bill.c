/* The bills of WeChat Pay, from ticket to rows, over real sockets. */
#include "cmock.h"

#include <stdio.h>
#include <string.h>

#include "pay_wechat_fixture.h"

static struct day today(void)
{
	return (struct day){ (int32_t)((utc_now().ms + 28800000) / 86400000) };
}

static enum err trades(struct day day, struct pay_bill *bill, struct problem *why)
{
	return pay_bill_get(wx.pay, "wechat", day, utc_now(), wx_soon(), bill, why);
}

static enum err funds(struct day day, struct pay_fund_bill *bill, struct problem *why)
{
	return pay_fund_bill_get(wx.pay, "wechat", day, utc_now(), wx_soon(), bill, why);
}

static void test_empty(void **state)
{
	struct day yesterday = { today().days - 1 };
	AUTO(pay_bill_free) struct pay_bill bill = { 0 };
	AUTO(pay_fund_bill_free) struct pay_fund_bill fund = { 0 };
	struct problem why = { 0 };

	(void)state;
	wx_command("{\"bills_today\":true}"); /* whatever hour it is */
	assert_int_equal(trades(yesterday, &bill, &why), ERR_OK);
	assert_int_equal(bill.n, 0);
	assert_int_equal(funds(yesterday, &fund, &why), ERR_OK);
	assert_int_equal(fund.n, 0);
}

static void test_when(void **state)
{
	AUTO(pay_bill_free) struct pay_bill bill = { 0 };
	struct problem why = { 0 };

	(void)state;
	wx_command("{\"bills_today\":false}");
	assert_int_equal(trades(today(), &bill, &why), ERR_UNKNOWN);
	assert_string_equal(why.field, "STATEMENT_CREATING");
	wx_mode("bill_creating", 1);
	assert_int_equal(trades((struct day){ today().days - 2 }, &bill, &why), ERR_UNKNOWN);
	assert_int_equal(trades((struct day){ today().days + 2 }, &bill, &why), ERR_REFUSED);
	wx_mode("normal", 0);
}

static const struct pay_bill_row *row_of(const struct pay_bill *b, const char *no, bool refund)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->rows[i].refund == refund && str_eq(b->rows[i].out_trade_no, no))
			return &b->rows[i];
	fail_msg("no row of %s", no);
	return NULL;
}

static void refund_some(const char *no, const char *refund_no)
{
	struct pay_refund r = { no, refund_no, 1200, 5000, NULL };
	struct pay_refund_event ev;
	struct problem why;

	assert_int_equal(
		pay_refund_open(wx.pay, "wechat", &r, utc_now(), wx_soon(), &ev, &why), ERR_OK);
}

static void test_rows(void **state)
{
	AUTO(pay_bill_free) struct pay_bill bill = { 0 };
	AUTO(pay_fund_bill_free) struct pay_fund_bill fund = { 0 };
	char a[33], b[33];
	struct problem why = { 0 };
	const struct pay_bill_row *r;

	(void)state;
	wx_command("{\"bills_today\":true}");
	wx_pay(a);
	wx_pay(b);
	refund_some(a, "YFR000000000001");
	if (trades(today(), &bill, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	assert_int_equal(bill.n, 3);
	assert_int_equal(bill.paid_fen, 10000);
	assert_int_equal(bill.refunded_fen, 1200);
	r = row_of(&bill, a, false);
	assert_int_equal(r->amount_fen, 5000);
	assert_string_equal(r->transaction_id, wx_ask(a).transaction_id);
	assert_int_equal(r->fee.nano, 300000000); /* 0.6 % */
	assert_true(utc_now().ms - r->at.ms < 60000);
	r = row_of(&bill, a, true);
	assert_string_equal(r->out_refund_no, "YFR000000000001");
	assert_int_equal(r->amount_fen, 1200);
	assert_int_equal(r->fee.nano, -72000000);
	assert_int_equal(funds(today(), &fund, &why), ERR_OK);
	assert_int_equal(fund.n, 6); /* each with its fee */
	assert_int_equal(fund.income_fen, 10000 + 7);
	assert_int_equal(fund.expense_fen, 1200 + 60);
}

/* A file that is not what was promised, or lies elsewhere. */
static void test_refused_files(void **state)
{
	static const char *const modes[] = { "bill_wrong_hash", "bill_elsewhere" };
	AUTO(pay_bill_free) struct pay_bill bill = { 0 };
	struct problem why = { 0 };
	char no[33];

	(void)state;
	wx_command("{\"bills_today\":true}");
	wx_pay(no);
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		wx_mode(modes[i], 1);
		assert_int_equal(trades(today(), &bill, &why), ERR_PROTOCOL);
	}
	wx_mode("answer_500", 1);
	assert_int_equal(trades(today(), &bill, &why), ERR_UNKNOWN);
	/* a probe on the ticket is repeated, and the file carries no signature at all */
	wx_mode("answer_probe", 1);
	assert_int_equal(trades(today(), &bill, &why), ERR_OK);
	wx_mode("normal", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_when),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_refused_files),
	};

	return cmocka_run_group_tests(tests, wx_setup, wx_teardown);
}
