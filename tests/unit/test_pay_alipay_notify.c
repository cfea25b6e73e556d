/* Notifies of Alipay that the vectors leave out, signed here as Alipay would sign them. */
#include "cmock.h"

#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#include "pay/alipay_inside.h"
#include "pay_fixture.h"

#define FORM "application/x-www-form-urlencoded"

static struct alipay alipay = { .app_id = "2021000000000001", .seller_id = "2088000000000001" };
static const struct pay service = { .alipay = &alipay };

static int setup(void **state)
{
	(void)state;
	alipay.alipay_public_key = EVP_RSA_gen(2048); /* and its private half */
	return alipay.alipay_public_key ? 0 : 1;
}

static int teardown(void **state)
{
	(void)state;
	crypt_key_free(&alipay.alipay_public_key);
	return 0;
}

/* A notify of these pairs ("name=value", not encoded), signed; a name that is there is replaced. */
static enum err send(const char *const *changes, struct pay_event *ev, struct problem *why)
{
	static const char *const usual[] = { "app_id=2021000000000001",
		"seller_id=2088000000000001", "out_trade_no=YF20261123000011",
		"trade_no=2026112322001400990000000001", "trade_status=TRADE_SUCCESS",
		"total_amount=50.00", "gmt_payment=2026-11-23 10:13:18", "charset=utf-8",
		"notify_type=trade_status_sync", NULL };
	AUTO(buf_free) struct buf content = { 0 };
	AUTO(buf_free) struct buf sign = { 0 };
	AUTO(buf_free) struct buf body = { 0 };
	struct form f = { .n = 0 };
	static char names[64][40];
	size_t n = 0;

	for (int list = 0; list < 2; list++) {
		const char *const *p = list ? usual : changes;

		for (; p && *p; p++) {
			size_t len = (size_t)(strchr(*p, '=') - *p);

			snprintf(names[n], sizeof(names[n]), "%.*s", (int)len, *p);
			if (form_add(&f, names[n], *p + len + 1) == ERR_OK)
				n++;
		}
	}
	alipay_sign_content(&f, true, &content);
	assert_int_equal(
		crypt_sign(alipay.alipay_public_key, content.text, content.len, &sign), ERR_OK);
	assert_int_equal(form_add(&f, "sign", sign.text), ERR_OK);
	assert_int_equal(form_add(&f, "sign_type", "RSA2"), ERR_OK);
	form_encode(&f, &body);
	*ev = (struct pay_event){ 0 };
	return pay_notify_alipay(&service, FORM, body.text, body.len, ev, why);
}

static void test_meanings(void **state)
{
	static const struct {
		const char *changes[4];
		enum err e;
		enum pay_state state;
		int64_t refund_fen;
	} cases[] = {
		{ { NULL }, ERR_OK, PAY_PAID, 0 },
		{ { "trade_status=TRADE_FINISHED" }, ERR_OK, PAY_PAID, 0 },
		{ { "trade_status=WAIT_BUYER_PAY", "gmt_payment=" }, ERR_OK, PAY_NOT_PAID, 0 },
		{ { "trade_status=TRADE_CLOSED", "gmt_payment=" }, ERR_OK, PAY_CLOSED, 0 },
		{ { "trade_status=NEW_IN_2027" }, ERR_OK, PAY_UNKNOWN, 0 },
		/* refunds: never a new payment */
		{ { "refund_fee=12.00", "gmt_refund=2026-11-23 11:00:00.123" }, ERR_OK, PAY_REFUND,
			1200 },
		{ { "trade_status=TRADE_FINISHED", "refund_fee=0.01" }, ERR_OK, PAY_REFUND, 1 },
		{ { "trade_status=TRADE_CLOSED", "refund_fee=50.00" }, ERR_OK, PAY_REFUND, 5000 },
		{ { "trade_status=TRADE_CLOSED" }, ERR_OK, PAY_REFUND, 5000 },
		{ { "refund_fee=0.00" }, ERR_OK, PAY_PAID, 0 },
		{ { "refund_fee=" }, ERR_OK, PAY_PAID, 0 },
		/* not ours */
		{ { "app_id=2021000000000002" }, ERR_CONFLICT, PAY_UNKNOWN, 0 },
		{ { "seller_id=2088000000000002" }, ERR_CONFLICT, PAY_UNKNOWN, 0 },
		{ { "notify_type=open_app_auth_notify", "trade_status=" }, ERR_OK, PAY_OTHER, 0 },
		/* nonsense */
		{ { "total_amount=50.001" }, ERR_BAD_VALUE, PAY_UNKNOWN, 0 },
		{ { "total_amount=-1.00" }, ERR_BAD_VALUE, PAY_UNKNOWN, 0 },
		{ { "total_amount=" }, ERR_MISSING_FIELD, PAY_UNKNOWN, 0 },
		{ { "trade_status=" }, ERR_MISSING_FIELD, PAY_UNKNOWN, 0 },
		{ { "out_trade_no=" }, ERR_MISSING_FIELD, PAY_UNKNOWN, 0 },
		{ { "trade_no=" }, ERR_MISSING_FIELD, PAY_UNKNOWN, 0 },
		{ { "gmt_payment=yesterday" }, ERR_BAD_VALUE, PAY_UNKNOWN, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pay_event ev;
		struct problem why = { 0 };
		enum err e = send(cases[i].changes, &ev, &why);

		if (e != cases[i].e || ev.state != cases[i].state ||
			ev.refund_fen != cases[i].refund_fen)
			fail_msg("case %zu: %s %s %lld %s", i, err_word(e),
				pay_state_word(ev.state), (long long)ev.refund_fen, why.field);
		if (e == ERR_OK && ev.state != PAY_PAID && ev.state != PAY_REFUND)
			assert_string_equal(ev.transaction_id, "");
	}
}

/* What came is what is verified: every parameter, empty ones too, once decoded, in any charset. */
static void test_signed_content(void **state)
{
	static const char *const odd[][3] = {
		{ "passback_params=acct%3D1202%26x%3D1%2B1" },
		{ "fund_bill_list=[{\"amount\":\"50.00\",\"fundChannel\":\"A&not+B\"}]" },
		{ "subject=" },
		{ "new_in_2027=v=1&x" },
		{ "charset=GBK", "subject=\xb5\xe7\xb7\xd1\xb3\xe4\xd6\xb5" },
		{ "alipay_cert_sn=00000000000000000000000000000000" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		struct pay_event ev;
		struct problem why = { 0 };

		if (send(odd[i], &ev, &why) != ERR_OK)
			fail_msg("case %zu: %s %s", i, why.field, why.text);
		assert_int_equal(ev.state, PAY_PAID);
	}
}

/* Bytes that were changed in any way on the road. */
static void test_changed(void **state)
{
	AUTO(json_free) json_t *v = vector("alipay_notify");
	AUTO(json_free) json_t *keys = vector("public_keys");
	const json_t *c = json_array_get(json_object_get(v, "cases"), 0);
	const char *body = json_string_value(json_object_get(c, "body"));
	const char *pem = json_string_value(json_object_get(
		json_object_get(json_object_get(keys, "alipay"), "platform"), "publicSpki"));
	struct alipay theirs = alipay;
	const struct pay other = { .alipay = &theirs };
	size_t n = strlen(body), taken = 0;
	struct pay_event ev = { 0 }, cut_off;

	(void)state;
	assert_int_equal(crypt_public_key(pem, strlen(pem), &theirs.alipay_public_key), ERR_OK);
	assert_int_equal(pay_notify_alipay(&other, FORM, body, n, &ev, NULL), ERR_OK);
	for (size_t cut = 1; cut < n; cut += 7)
		assert_int_not_equal(
			pay_notify_alipay(&other, FORM, body, n - cut, &cut_off, NULL), ERR_OK);
	for (size_t at = 0; at < n; at += 3) {
		AUTO(buf_free) struct buf changed = { 0 };
		struct pay_event now = { 0 };

		buf_add(&changed, body, n);
		changed.text[at] = changed.text[at] == 'x' ? 'y' : 'x';
		if (pay_notify_alipay(&other, FORM, changed.text, n, &now, NULL) != ERR_OK)
			continue;
		/* the bits of the last digit of base64 that stand for nothing */
		assert_memory_equal(&now, &ev, sizeof(ev));
		assert_true(++taken <= 1);
	}
	crypt_key_free(&theirs.alipay_public_key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meanings),
		cmocka_unit_test(test_signed_content),
		cmocka_unit_test(test_changed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
