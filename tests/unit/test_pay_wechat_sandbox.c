/* WeChat Pay against its stand-in over real sockets: JSAPI, refunds, and what may go wrong. */
#include "cmock.h"

#include <stdio.h>
#include <string.h>

#include "pay_wechat_fixture.h"

static void assert_refused(enum err e, const struct problem *why, const char *code)
{
	assert_string_equal(why->field, code);
	assert_int_equal(e, ERR_REFUSED);
}

/* ---- JSAPI ---- */

static void bridge(const json_t *jsapi, struct buf *out)
{
	const char *key;
	json_t *v;

	buf_adds(out, "/sandbox/jsapi?");
	json_object_foreach((json_t *)(uintptr_t)jsapi, key, v)
	{
		buf_printf(out, "%s=", key);
		percent_encode(json_string_value(v), out);
		buf_adds(out, "&");
	}
}

static void test_jsapi_way(void **state)
{
	AUTO(json_free) json_t *out = NULL;
	AUTO(buf_free) struct buf target = { 0 };
	AUTO(buf_free) struct buf forged = { 0 };
	char no[33], where[512];
	struct pay_order o = wx_order(no);
	struct problem why = { 0 };
	json_t *jsapi;

	(void)state;
	assert_int_equal(pay_open(wx.pay, pay_channel_find("wechat_jsapi"), &o, utc_now(),
				 wx_soon(), &out, &why),
		ERR_OK);
	jsapi = json_object_get(out, "jsapi");
	assert_int_equal(json_object_size(jsapi), 6);
	assert_true(json_is_string(json_object_get(jsapi, "timeStamp")));
	assert_string_equal(json_string_value(json_object_get(jsapi, "signType")), "RSA");
	bridge(jsapi, &target);
	assert_int_equal(wx_fetch(target.text, NULL, NULL, where), 303);
	json_object_set_new(jsapi, "package", json_string("prepay_id=wx00"));
	bridge(jsapi, &forged);
	assert_int_equal(wx_fetch(forged.text, NULL, NULL, (char[512]){ 0 }), 400);
	wx_pay_code(strstr(where, "token=") + 6);
	assert_int_equal(wx_wait(no, PAY_NOTIFY_PAYMENT, 1).notify.payment.amount_fen, 5000);
	assert_int_equal(wx_ask(no).state, PAY_PAID);
}

static void test_jsapi_payer(void **state)
{
	static const char *const bad[] = { NULL, "", "o with blanks 000000000000000", "o\"" };
	char no[33], value[512];
	struct pay_order o = wx_order(no);
	struct problem why = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		o.payer_id = bad[i];
		assert_int_equal(wx_open(wx.pay, "wechat_jsapi", &o, value, &why), ERR_BAD_VALUE);
		assert_string_equal(why.field, "payer_id");
	}
	o.payer_id = "short";
	assert_refused(wx_open(wx.pay, "wechat_jsapi", &o, value, &why), &why, "PARAM_ERROR");
	o.payer_id = "oOtherApp0000000000000000001";
	assert_refused(wx_open(wx.pay, "wechat_jsapi", &o, value, &why), &why, "OPENID_MISMATCH");
	assert_int_equal(wx_ask(no).state, PAY_NOT_EXIST);
}

/* ---- refunds ---- */

static struct pay_refund refund_of(const char *no, char refund_no[static 33], int64_t fen)
{
	static int serial;

	snprintf(refund_no, 33, "YFR%09d", ++serial);
	return (struct pay_refund){ no, refund_no, fen, 5000, "退租" };
}

static enum err refund(const struct pay_refund *r, struct pay_refund_event *ev, struct problem *why)
{
	return pay_refund_open(wx.pay, "wechat", r, utc_now(), wx_soon(), ev, why);
}

static struct pay_refund_event refund_ask(const struct pay_refund *r)
{
	struct pay_refund_event ev = { 0 };
	struct problem why = { 0 };

	if (pay_refund_query(wx.pay, "wechat", r, utc_now(), wx_soon(), &ev, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	assert_string_equal(ev.out_refund_no, r->out_refund_no);
	return ev;
}

static void test_refund_way(void **state)
{
	char no[33], a[33], b[33], c[33], id[PAY_ID_MAX];
	struct pay_refund first, second, third;
	struct pay_refund_event ev;
	struct problem why = { 0 };
	struct wx_seen s;

	(void)state;
	wx_pay(no);
	first = refund_of(no, a, 2000);
	assert_int_equal(refund_ask(&first).state, PAY_REFUND_NOT_EXIST);
	assert_int_equal(refund(&first, &ev, &why), ERR_OK);
	assert_int_equal(ev.state, PAY_REFUND_ACCEPTED);
	assert_int_equal(ev.amount_fen, 2000);
	snprintf(id, sizeof(id), "%s", ev.refund_id);
	/* the same number again is the same refund; with another amount it is none */
	assert_int_equal(refund(&first, &ev, &why), ERR_OK);
	assert_string_equal(ev.refund_id, id);
	first.amount_fen = 2001;
	assert_refused(refund(&first, &ev, &why), &why, "INVALID_REQUEST");
	first.amount_fen = 2000;
	s = wx_wait(no, PAY_NOTIFY_REFUND, 1);
	assert_true(s.refund_path);
	assert_string_equal(s.notify.refund.out_refund_no, a);
	assert_int_equal(s.notify.refund.state, PAY_REFUND_DONE);
	assert_true(s.notify.refund.done_at.ms > 0);
	ev = refund_ask(&first);
	assert_int_equal(ev.state, PAY_REFUND_DONE);
	assert_int_equal(ev.done_at.ms, s.notify.refund.done_at.ms);
	/* "refund" of a query means that the payment did succeed */
	assert_int_equal(wx_ask(no).state, PAY_REFUND);
	assert_int_equal(wx_ask(no).amount_fen, 5000);
	assert_true(wx_ask(no).transaction_id[0] != '\0');
	second = refund_of(no, b, 3000);
	assert_int_equal(refund(&second, &ev, &why), ERR_OK);
	third = refund_of(no, c, 1);
	assert_refused(refund(&third, &ev, &why), &why, "INVALID_REQUEST");
	assert_int_equal(refund_ask(&third).state, PAY_REFUND_NOT_EXIST);
}

static void test_refund_limits(void **state)
{
	char no[33], a[33], value[512];
	struct pay_order o = wx_order(no);
	struct pay_refund r;
	struct pay_refund_event ev;
	struct problem why = { 0 };

	(void)state;
	r = refund_of(no, a, 100);
	assert_refused(refund(&r, &ev, &why), &why, "RESOURCE_NOT_EXISTS");
	assert_int_equal(wx_open(wx.pay, "wechat_native", &o, value, &why), ERR_OK);
	assert_refused(refund(&r, &ev, &why), &why, "INVALID_REQUEST"); /* not paid */
	wx_pay_code(strstr(value, "pr=") + 3);
	r.total_fen = 4999;
	assert_refused(refund(&r, &ev, &why), &why, "INVALID_REQUEST");
	r.total_fen = 5000;
	r.amount_fen = 5001;
	assert_int_equal(refund(&r, &ev, &why), ERR_BAD_VALUE);
	for (int i = 0; i < 50; i++) {
		r = refund_of(no, a, 1);
		assert_int_equal(refund(&r, &ev, &why), ERR_OK);
	}
	r = refund_of(no, a, 1);
	assert_refused(refund(&r, &ev, &why), &why, "INVALID_REQUEST"); /* the 51st */
}

static void test_refund_states(void **state)
{
	static const struct {
		const char *mode, *command;
		enum pay_refund_state state;
	} cases[] = {
		{ "refund_abnormal", NULL, PAY_REFUND_PERSON },
		{ "refund_closed", NULL, PAY_REFUND_CLOSED },
		{ "refund_processing", "SUCCESS", PAY_REFUND_DONE },
		{ "refund_processing", "ABNORMAL", PAY_REFUND_PERSON },
		{ "refund_processing", "CLOSED", PAY_REFUND_CLOSED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char no[33], number[33], command[128];
		struct pay_refund r;
		struct pay_refund_event ev;
		struct problem why = { 0 };

		wx_pay(no);
		r = refund_of(no, number, 5000);
		wx_mode(cases[i].mode, 1);
		assert_int_equal(refund(&r, &ev, &why), ERR_OK);
		assert_int_equal(ev.state, PAY_REFUND_ACCEPTED);
		if (cases[i].command) {
			assert_int_equal(refund_ask(&r).state, PAY_REFUND_ACCEPTED);
			snprintf(command, sizeof(command),
				"{\"refund\":{\"out_refund_no\":\"%s\",\"status\":\"%s\"}}", number,
				cases[i].command);
			wx_command(command);
		}
		assert_int_equal(
			wx_wait(no, PAY_NOTIFY_REFUND, 1).notify.refund.state, cases[i].state);
		assert_int_equal(refund_ask(&r).state, cases[i].state);
	}
	wx_mode("normal", 0);
}

/* After a closed refund the money is there again, for a new number. */
static void test_refund_after_closed(void **state)
{
	char no[33], a[33], b[33];
	struct pay_refund r;
	struct pay_refund_event ev;
	struct problem why = { 0 };

	(void)state;
	wx_pay(no);
	wx_mode("refund_closed", 1);
	r = refund_of(no, a, 5000);
	assert_int_equal(refund(&r, &ev, &why), ERR_OK);
	wx_wait(no, PAY_NOTIFY_REFUND, 1);
	assert_int_equal(refund(&r, &ev, &why), ERR_OK);
	assert_int_equal(ev.state, PAY_REFUND_CLOSED);
	r = refund_of(no, b, 5000);
	assert_int_equal(refund(&r, &ev, &why), ERR_OK);
}

/* No answer, or none to believe: the same number again, and one refund only. */
static void test_refund_unknown(void **state)
{
	static const struct {
		const char *mode, *code;
		bool acted;
	} cases[] = {
		{ "answer_hang_up", "", true },
		{ "answer_forged", "Wechatpay-Signature", true },
		{ "answer_probe", "Wechatpay-Signature", true },
		{ "answer_500", "", false },
		{ "answer_unsigned_500", "", false },
		{ "answer_429", "FREQUENCY_LIMITED", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char no[33], a[33], b[33];
		struct pay_refund r, rest;
		struct pay_refund_event ev;
		struct problem why = { 0 };

		wx_pay(no);
		r = refund_of(no, a, 3000);
		wx_mode(cases[i].mode, 1);
		assert_int_equal(refund(&r, &ev, &why), ERR_UNKNOWN);
		assert_string_equal(why.field, cases[i].code);
		assert_int_equal(refund_ask(&r).state != PAY_REFUND_NOT_EXIST, cases[i].acted);
		assert_int_equal(refund(&r, &ev, &why), ERR_OK);
		rest = refund_of(no, b, 2000);
		assert_int_equal(refund(&rest, &ev, &why), ERR_OK);
	}
}

static void test_refund_refused(void **state)
{
	char no[33], a[33];
	struct pay_refund r;
	struct pay_refund_event ev;
	struct problem why = { 0 };

	(void)state;
	wx_pay(no);
	r = refund_of(no, a, 5000);
	wx_mode("refund_not_enough", 1);
	assert_refused(refund(&r, &ev, &why), &why, "NOT_ENOUGH");
	assert_int_equal(refund_ask(&r).state, PAY_REFUND_NOT_EXIST);
	r.reason = "\xff";
	assert_int_equal(refund(&r, &ev, &why), ERR_BAD_VALUE);
	r.reason = "非常非常非常非常非常非常非常非常非常非常非常非常非常非常非常非常长的退款原因";
	assert_int_equal(refund(&r, &ev, &why), ERR_OK);
}

/* ---- answers ---- */

/* A query is repeated once when its answer was a probe; an order is not, but it may be there. */
static void test_probes_on_answers(void **state)
{
	char no[33], value[512];
	struct pay_order o = wx_order(no);
	struct problem why = { 0 };
	struct pay_event ev;

	(void)state;
	wx_mode("answer_probe", 1);
	assert_int_equal(wx_open(wx.pay, "wechat_native", &o, value, &why), ERR_UNKNOWN);
	wx_mode("answer_probe", 1);
	assert_int_equal(wx_ask(no).state, PAY_NOT_PAID);
	wx_mode("answer_probe", 2);
	assert_int_equal(
		pay_query(wx.pay, "wechat", no, utc_now(), wx_soon(), &ev, &why), ERR_UNKNOWN);
	assert_int_equal(wx_open(wx.pay, "wechat_native", &o, value, &why), ERR_OK);
}

static void test_bad_answers(void **state)
{
	static const char *const modes[] = { "answer_unsigned_500", "answer_500", "answer_429",
		"answer_forged", "answer_hang_up" };
	char no[33];
	struct pay_event ev;
	struct problem why = { 0 };

	(void)state;
	wx_pay(no);
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		wx_mode(modes[i], 1);
		assert_int_equal(pay_query(wx.pay, "wechat", no, utc_now(), wx_soon(), &ev, &why),
			ERR_UNKNOWN);
		assert_int_equal(wx_ask(no).state, PAY_PAID);
	}
	/* an error need not be signed, as the vendor's own clients have it */
	wx_mode("answer_unsigned_404", 1);
	assert_int_equal(wx_ask(no).state, PAY_NOT_EXIST);
	wx_mode("refuse", 1);
	assert_refused(pay_query(wx.pay, "wechat", no, utc_now(), wx_soon(), &ev, &why), &why,
		"RULE_LIMIT");
}

/* The payer is typing the password: nothing is known until it is asked again. */
static void test_close_busy(void **state)
{
	char no[33], value[512];
	struct pay_order o = wx_order(no);
	struct problem why = { 0 };

	(void)state;
	assert_int_equal(wx_open(wx.pay, "wechat_native", &o, value, &why), ERR_OK);
	wx_mode("close_busy", 1);
	assert_int_equal(pay_close(wx.pay, "wechat", no, utc_now(), wx_soon(), &why), ERR_UNKNOWN);
	assert_string_equal(why.field, "FREQUENCY_LIMITED");
	assert_int_equal(wx_ask(no).state, PAY_NOT_PAID);
	wx_pay_code(strstr(value, "pr=") + 3);
	assert_refused(
		pay_close(wx.pay, "wechat", no, utc_now(), wx_soon(), &why), &why, "ORDERPAID");
	assert_int_equal(wx_ask(no).state, PAY_PAID);
}

static void test_codes(void **state)
{
	(void)state;
	assert_true(wechat_code_is("ORDERPAID", "ORDERPAID"));
	assert_true(wechat_code_is("ORDER_PAID", "ORDERPAID"));
	assert_false(wechat_code_is("ORDER_PAI", "ORDERPAID"));
	assert_false(wechat_code_is("ORDER_PAIDS", "ORDERPAID"));
	assert_false(wechat_code_is("", "ORDERPAID"));
}

/* ---- notifies ---- */

static char probed[33]; /* an order whose first notify was a probe */

static void test_notify_modes(void **state)
{
	static const struct {
		const char *mode;
		enum err e;
	} cases[] = {
		{ "notify_probe", ERR_BAD_SIGNATURE },
		{ "notify_forged", ERR_BAD_SIGNATURE },
		{ "notify_other_merchant", ERR_CONFLICT },
		{ "notify_other_key", ERR_PROTOCOL },
		{ "notify_shuffled", ERR_OK },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char no[33];
		size_t from = wx_count();

		wx_mode(cases[i].mode, 1);
		wx_pay(no);
		if (i == 0)
			memcpy(probed, no, sizeof(probed));
		if (cases[i].e == ERR_OK)
			assert_int_equal(
				wx_wait(no, PAY_NOTIFY_PAYMENT, 1).notify.payment.amount_fen, 5000);
		else
			wx_wait_err(from, cases[i].e);
		assert_int_equal(wx_ask(no).state, PAY_PAID);
	}
	wx_mode("normal", 0);
}

static void test_refund_notify_modes(void **state)
{
	char no[33], a[33];
	struct pay_refund r;
	struct pay_refund_event ev;
	struct problem why = { 0 };
	size_t from;

	(void)state;
	wx_pay(no);
	wx_wait(no, PAY_NOTIFY_PAYMENT, 1);
	from = wx_count();
	wx_mode("notify_other_merchant", 1);
	r = refund_of(no, a, 1000);
	assert_int_equal(refund(&r, &ev, &why), ERR_OK);
	assert_true(wx_wait_err(from, ERR_CONFLICT).refund_path);
	wx_mode("notify_shuffled", 1);
	r = refund_of(no, a, 1000);
	assert_int_equal(refund(&r, &ev, &why), ERR_OK);
	assert_string_equal(wx_wait(no, PAY_NOTIFY_REFUND, 1).notify.refund.out_refund_no, a);
	wx_mode("notify_duplicate", 1);
	r = refund_of(no, a, 1000);
	assert_int_equal(refund(&r, &ev, &why), ERR_OK);
	wx_wait(no, PAY_NOTIFY_REFUND, 4); /* three at once */
	wx_mode("notify_never", 1);
	r = refund_of(no, a, 1000);
	assert_int_equal(refund(&r, &ev, &why), ERR_OK);
	wx_mode("normal", 0);
	while (refund_ask(&r).state != PAY_REFUND_DONE)
		mono_sleep_until(mono_ms() + 20);
}

/* What was refused comes again, signed well: 15 s after the first time. */
static void test_repeated(void **state)
{
	(void)state;
	assert_int_equal(wx_wait(probed, PAY_NOTIFY_PAYMENT, 1).notify.payment.state, PAY_PAID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* first: no notify of another test takes a turn of a mode */
		cmocka_unit_test(test_notify_modes), cmocka_unit_test(test_refund_notify_modes),
		cmocka_unit_test(test_jsapi_way), cmocka_unit_test(test_jsapi_payer),
		cmocka_unit_test(test_refund_way), cmocka_unit_test(test_refund_limits),
		cmocka_unit_test(test_refund_states), cmocka_unit_test(test_refund_after_closed),
		cmocka_unit_test(test_refund_unknown), cmocka_unit_test(test_refund_refused),
		cmocka_unit_test(test_probes_on_answers), cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_close_busy), cmocka_unit_test(test_codes),
		cmocka_unit_test(test_repeated), /* last: most of its time is over by then */
	};

	return cmocka_run_group_tests(tests, wx_setup, wx_teardown);
}
