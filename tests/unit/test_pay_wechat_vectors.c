/* WeChat Pay's signatures and seals against known answers that other parties' packages made. */
#include "cmock.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "pay/wechat_inside.h"
#include "pay_fixture.h"

static struct pay_files files;
static json_t *keys; /* public_keys.json */
static struct pay *pay;

static const char *text(const json_t *j, const char *key)
{
	const char *v = json_string_value(json_object_get(j, key));

	assert_non_null(v);
	return v;
}

static const json_t *wechat_keys_json(void)
{
	return json_object_get(keys, "wechat");
}

/* Settings of the vectors' merchant; more is what says how WeChat's signatures are verified. */
static struct pay *load(const char *more)
{
	AUTO(conf_free) struct conf *conf = NULL;
	AUTO(buf_free) struct buf ini = { 0 };
	const json_t *w = wechat_keys_json();
	struct pay *p;

	buf_printf(&ini,
		"[wechat_pay]\napi_base=https://127.0.0.1:1\nmch_id=%s\napp_id=%s\n"
		"serial=%s\nprivate_key_file=%s/own.pem\napi_v3_key=%s\n"
		"notify_base=https://pay.example\n%s",
		text(w, "mchid"), text(w, "appid"), text(w, "merchantSerial"), files.dir,
		text(w, "apiV3Key"), more);
	conf = files_conf(&files, ini.text);
	pay_load(conf, &p);
	assert_null(pay_off(p, "wechat"));
	return p;
}

static void write_keys(void)
{
	AUTO(crypt_key_free) EVP_PKEY *key = EVP_RSA_gen(2048);
	const json_t *w = wechat_keys_json();
	char path[128];
	FILE *f;

	files_write(
		&files, "wx.pem", text(json_object_get(w, "platformPubKey"), "publicSpki"), path);
	files_write(&files, "a.pem", text(w, "platformCertAPem"), path);
	files_write(&files, "b.pem", text(w, "platformCertBPem"), path);
	snprintf(path, sizeof(path), "%s/own.pem", files.dir);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
}

static int setup(void **state)
{
	AUTO(buf_free) struct buf all = { 0 };

	(void)state;
	keys = vector("public_keys");
	files_make(&files);
	write_keys();
	buf_printf(&all,
		"public_key_id=%s\npublic_key_file=%s/wx.pem\n"
		"platform_cert_files=%s/a.pem;%s/b.pem\n",
		text(wechat_keys_json(), "platformPubKeyId"), files.dir, files.dir, files.dir);
	pay = load(all.text);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pay_free(&pay);
	json_free(&keys);
	files_remove(&files);
	return 0;
}

static struct pay_headers headers_of(const json_t *c)
{
	const json_t *h = json_object_get(c, "headers");

	return (struct pay_headers){
		.content_type = json_string_value(json_object_get(h, "Content-Type")),
		.serial = text(h, "Wechatpay-Serial"),
		.timestamp = text(h, "Wechatpay-Timestamp"),
		.nonce = text(h, "Wechatpay-Nonce"),
		.signature = text(h, "Wechatpay-Signature"),
	};
}

static struct utc now_of(const json_t *v)
{
	return (struct utc){ json_integer_value(json_object_get(v, "now")) * 1000 };
}

static const struct utc then = { INT64_C(1795400000000) };

static enum err verify(const struct pay *p, const json_t *c, struct utc now)
{
	struct pay_headers h = headers_of(c);
	const char *body = text(c, "body");

	return wechat_verify_known(p->wechat, &h, body, strlen(body), now, NULL, NULL);
}

static void test_answers(void **state)
{
	AUTO(json_free) json_t *v = vector("wechat_response_verify");
	json_t *c;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(v, "cases"), i, c)
	{
		struct pay_headers h = headers_of(c);
		const char *body = text(c, "body");
		bool ok = str_eq(text(c, "verdict"), "ok");
		enum err e = verify(pay, c, now_of(v));

		if (e != (ok ? ERR_OK : ERR_BAD_SIGNATURE))
			fail_msg("%s: %s", text(c, "name"), err_word(e));
		/* without any one of the headers there is no signature */
		h.nonce = NULL;
		assert_int_equal(wechat_verify_known(pay->wechat, &h, body, strlen(body), now_of(v),
					 NULL, NULL),
			ERR_BAD_SIGNATURE);
	}
	assert_int_equal(i, 12);
}

static const json_t *case_named(const json_t *v, const char *name)
{
	json_t *c;
	size_t i;

	json_array_foreach(json_object_get(v, "cases"), i, c)
	{
		if (str_eq(text(c, "name"), name))
			return c;
	}
	fail_msg("no case %s", name);
	return NULL;
}

/* Each message is checked with the key that it names: a merchant in the middle of a switch has
 * both kinds, one that has switched knows the public key only. */
static void test_key_by_serial(void **state)
{
	static const char a[] = "good, certificate mode (serial A)";
	static const char b[] = "good, after rotation (serial B)";
	static const char public_key[] = "good, public key mode";
	AUTO(json_free) json_t *v = vector("wechat_response_verify");
	AUTO(pay_free) struct pay *only_a = NULL;
	char more[256];

	(void)state;
	snprintf(more, sizeof(more), "platform_cert_files=%s/a.pem\n", files.dir);
	only_a = load(more);
	assert_int_equal(verify(only_a, case_named(v, a), then), ERR_OK);
	assert_int_equal(verify(only_a, case_named(v, b), then), ERR_BAD_SIGNATURE);
	assert_int_equal(verify(only_a, case_named(v, public_key), then), ERR_BAD_SIGNATURE);
	assert_int_equal(verify(pay, case_named(v, a), then), ERR_OK);
	assert_int_equal(verify(pay, case_named(v, b), then), ERR_OK);
	assert_int_equal(verify(pay, case_named(v, public_key), then), ERR_OK);
}

static void test_chosen_key(void **state)
{
	AUTO(pay_free) struct pay *certificates = NULL;
	AUTO(pay_free) struct pay *none = load("");
	char more[256], serial[CRYPT_SERIAL_MAX];

	(void)state;
	assert_true(wechat_keys_choose(pay->wechat->keys, then, serial));
	assert_string_equal(serial, text(wechat_keys_json(), "platformPubKeyId"));
	snprintf(more, sizeof(more), "platform_cert_files=%s/b.pem;%s/a.pem\n", files.dir,
		files.dir);
	certificates = load(more);
	assert_true(wechat_keys_choose(certificates->wechat->keys, then, serial));
	assert_true(str_starts(serial, "5157F09E"));
	assert_false(wechat_keys_choose(none->wechat->keys, then, serial));
}

static void test_serials(void **state)
{
	(void)state;
	assert_true(wechat_serial_eq("0A1B", "a1b"));
	assert_true(wechat_serial_eq("00A1B0", "0A1B0"));
	assert_false(wechat_serial_eq("A1B", "A1B0"));
	assert_false(wechat_serial_eq("PUB_KEY_ID_01", "PUB_KEY_ID_1"));
}

static enum err take(
	const struct pay *p, const json_t *v, const char *body, struct utc now, struct problem *why)
{
	struct pay_headers h = headers_of(v);

	return wechat_certs_read(p->wechat, &h, body, strlen(body), now, why);
}

/* A merchant without any key of WeChat's: the list of certificates brings them, sealed with the
 * API v3 key and signed by one of themselves. */
static void test_certificates(void **state)
{
	AUTO(json_free) json_t *list = vector("wechat_certificates_answer");
	AUTO(json_free) json_t *answers = vector("wechat_response_verify");
	AUTO(pay_free) struct pay *p = load("");
	const json_t *a = case_named(answers, "good, certificate mode (serial A)");
	const json_t *b = case_named(answers, "good, after rotation (serial B)");
	const struct utc over = { INT64_C(1951228800000) }; /* their expire_time */
	struct problem why = { 0 };

	(void)state;
	assert_int_equal(verify(p, a, then), ERR_BAD_SIGNATURE);
	assert_int_equal(take(p, list, text(list, "body"), then, &why), ERR_OK);
	assert_int_equal(verify(p, a, then), ERR_OK);
	assert_int_equal(verify(p, b, then), ERR_OK);
	/* one that is over leaves */
	assert_null(wechat_keys_find(
		p->wechat->keys, "5157F09EFDC096DE15EBE81A47057A72000000A1", over));
}

static void test_certificates_refused(void **state)
{
	AUTO(json_free) json_t *list = vector("wechat_certificates_answer");
	AUTO(pay_free) struct pay *p = load("");
	AUTO(buf_free) struct buf changed = { 0 };
	const char *body = text(list, "body");
	struct problem why = { 0 };
	char serial[CRYPT_SERIAL_MAX];

	(void)state;
	/* the signature is over the bytes as they came */
	buf_printf(&changed, "%s ", body);
	assert_int_equal(take(p, list, changed.text, then, &why), ERR_BAD_SIGNATURE);
	assert_int_equal(
		take(p, list, body, (struct utc){ then.ms + 301000 }, &why), ERR_BAD_SIGNATURE);
	p->wechat->api_v3_key[0] ^= 1;
	assert_int_equal(take(p, list, body, then, &why), ERR_PROTOCOL);
	assert_non_null(strstr(why.text, "API v3 key"));
	p->wechat->api_v3_key[0] ^= 1;
	assert_int_equal(take(p, list, "{\"data\":[]}", then, &why), ERR_PROTOCOL);
	assert_int_equal(take(p, list, "{\"data\":[{}]}", then, &why), ERR_MISSING_FIELD);
	/* nothing of all that was taken */
	assert_false(wechat_keys_choose(p->wechat->keys, then, serial));
}

static void test_jsapi_signature(void **state)
{
	AUTO(json_free) json_t *v = vector("wechat_jsapi_paysign");
	AUTO(crypt_key_free) EVP_PKEY *merchant = NULL;
	AUTO(buf_free) struct buf message = { 0 };
	const json_t *p = json_object_get(v, "parameters");
	const char *pem = text(json_object_get(wechat_keys_json(), "merchant"), "publicSpki");
	const char *package = text(p, "package");

	(void)state;
	assert_true(str_starts(package, "prepay_id="));
	wechat_jsapi_message(text(p, "appId"), text(p, "timeStamp"), text(p, "nonceStr"),
		package + strlen("prepay_id="), &message);
	assert_string_equal(message.text, text(v, "message"));
	assert_int_equal(crypt_public_key(pem, strlen(pem), &merchant), ERR_OK);
	assert_int_equal(
		crypt_verify(merchant, message.text, message.len, text(p, "paySign")), ERR_OK);
	assert_int_equal(crypt_verify(merchant, message.text, message.len,
				 text(v, "must_not_equal_app_style_sign")),
		ERR_BAD_SIGNATURE);
}

/* ---- notifies ---- */

struct expected {
	const char *name;
	enum err e;
	enum pay_notify_kind kind;
	enum pay_state state;
};

static const struct expected list[] = {
	{ "paid", ERR_OK, PAY_NOTIFY_PAYMENT, PAY_PAID },
	{ "paid, another notify id for the same transaction", ERR_OK, PAY_NOTIFY_PAYMENT,
		PAY_PAID },
	{ "refund success", ERR_OK, PAY_NOTIFY_REFUND, PAY_REFUND },
	{ "refund closed", ERR_OK, PAY_NOTIFY_REFUND, PAY_REFUND },
	{ "forged: signed by another key", ERR_BAD_SIGNATURE, 0, 0 },
	{ "replayed after 301 s", ERR_BAD_SIGNATURE, 0, 0 },
	{ "signature good, ciphertext made with another APIv3 key", ERR_PROTOCOL, 0, 0 },
	{ "signature good, one plaintext field tells another merchant", ERR_CONFLICT, 0, 0 },
	{ "signature good, unknown out_trade_no", ERR_OK, PAY_NOTIFY_PAYMENT, PAY_PAID },
	{ "signature good, unknown event_type", ERR_OK, PAY_NOTIFY_OTHER, PAY_OTHER },
};

static const struct expected *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		if (str_eq(list[i].name, name))
			return &list[i];
	fail_msg("no expectation for %s", name);
	return NULL;
}

static void check_paid(const struct pay_event *ev)
{
	assert_string_equal(ev->out_trade_no, "YF20261123000001");
	assert_int_equal(ev->amount_fen, 5000); /* not payer_total */
	assert_string_equal(ev->currency, "CNY");
	assert_true(ev->transaction_id[0] != '\0');
	assert_int_equal(ev->paid_at.ms, INT64_C(1795399998000));
}

static void check_refund(const struct pay_notify *v, bool done)
{
	assert_string_equal(v->refund.out_trade_no, "YF20261123000001");
	assert_string_equal(v->refund.out_refund_no, "YFR20261123000001");
	assert_int_equal(v->refund.amount_fen, 1200);
	assert_int_equal(v->refund.state, done ? PAY_REFUND_DONE : PAY_REFUND_CLOSED);
	assert_int_equal(v->payment.refund_fen, done ? 1200 : 0);
	assert_int_equal(v->payment.amount_fen, 5000);
}

static void test_notifies(void **state)
{
	AUTO(json_free) json_t *v = vector("wechat_notify");
	json_t *c;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(v, "cases"), i, c)
	{
		const struct expected *x = find(text(c, "name"));
		struct pay_headers h = headers_of(c);
		const char *body = text(c, "body");
		struct pay_notify n = { .kind = PAY_NOTIFY_OTHER };
		struct pay_event ev = { .state = PAY_UNKNOWN };
		enum err e = pay_notify_wechat_any(
			pay, &h, body, strlen(body), now_of(v), &n, &(struct problem){ 0 });

		if (e != x->e ||
			(e == ERR_OK && (n.kind != x->kind || n.payment.state != x->state)))
			fail_msg(
				"%s: %s %s", x->name, err_word(e), pay_state_word(n.payment.state));
		assert_int_equal(
			pay_notify_wechat(pay, &h, body, strlen(body), now_of(v), &ev, NULL), e);
		if (e == ERR_OK)
			assert_int_equal(ev.state, x->state);
		if (str_starts(x->name, "paid"))
			check_paid(&ev);
		if (x->kind == PAY_NOTIFY_REFUND)
			check_refund(&n, str_eq(x->name, "refund success"));
	}
	assert_int_equal(i, ARRAY_LEN(list));
}

static enum err refund_path(const char *name, struct pay_refund_event *ev)
{
	AUTO(json_free) json_t *v = vector("wechat_notify");
	const json_t *c = case_named(v, name);
	struct pay_headers h = headers_of(c);
	const char *body = text(c, "body");

	return pay_notify_wechat_refund(
		pay, &h, body, strlen(body), now_of(v), ev, &(struct problem){ 0 });
}

/* On the path of refunds a payment is not swallowed: WeChat is told to repeat it. */
static void test_refund_path(void **state)
{
	struct pay_refund_event ev;

	(void)state;
	assert_int_equal(refund_path("refund success", &ev), ERR_OK);
	assert_int_equal(ev.state, PAY_REFUND_DONE);
	assert_int_equal(refund_path("refund closed", &ev), ERR_OK);
	assert_int_equal(ev.state, PAY_REFUND_CLOSED);
	assert_int_equal(refund_path("paid", &ev), ERR_BAD_VALUE);
	assert_int_equal(refund_path("signature good, unknown event_type", &ev), ERR_OK);
	assert_int_equal(ev.state, PAY_REFUND_UNKNOWN);
	assert_string_equal(ev.out_refund_no, "");
	assert_int_equal(refund_path("forged: signed by another key", &ev), ERR_BAD_SIGNATURE);
}

static void test_notify_edges(void **state)
{
	AUTO(json_free) json_t *v = vector("wechat_notify");
	const json_t *c = json_array_get(json_object_get(v, "cases"), 0);
	const char *body = text(c, "body");
	struct pay_headers h = headers_of(c);
	struct pay_event ev;
	static char big[PAY_NOTIFY_MAX + 1];

	(void)state;
	assert_int_equal(pay_notify_wechat(pay, &h, body, strlen(body) - 1, now_of(v), &ev, NULL),
		ERR_BAD_SIGNATURE);
	assert_int_equal(
		pay_notify_wechat(pay, &h, big, sizeof(big), now_of(v), &ev, NULL), ERR_TOO_LARGE);
	h.content_type = "text/plain";
	assert_int_equal(pay_notify_wechat(pay, &h, body, strlen(body), now_of(v), &ev, NULL),
		ERR_BAD_VALUE);
	h = headers_of(c);
	h.signature = "WECHATPAY/SIGNTEST/oMsGI6rDjAm";
	assert_int_equal(pay_notify_wechat(pay, &h, body, strlen(body), now_of(v), &ev, NULL),
		ERR_BAD_SIGNATURE);
	h.signature = "!!!!";
	assert_int_equal(pay_notify_wechat(pay, &h, body, strlen(body), now_of(v), &ev, NULL),
		ERR_BAD_SIGNATURE);
	/* a public key comes from the settings only; a certificate might be looked up, but nobody
	 * listens at this merchant's api_base: try again later */
	h = headers_of(c);
	h.serial = "PUB_KEY_ID_0000000000000000000000000000000000";
	assert_int_equal(pay_notify_wechat(pay, &h, body, strlen(body), now_of(v), &ev, NULL),
		ERR_BAD_SIGNATURE);
	h.serial = "5157F09EFDC096DE15EBE81A47057A72000000FF";
	assert_int_equal(pay_notify_wechat(pay, &h, body, strlen(body), now_of(v), &ev, NULL),
		ERR_UNAVAILABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_key_by_serial),
		cmocka_unit_test(test_chosen_key),
		cmocka_unit_test(test_serials),
		cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_certificates_refused),
		cmocka_unit_test(test_jsapi_signature),
		cmocka_unit_test(test_notifies),
		cmocka_unit_test(test_refund_path),
		cmocka_unit_test(test_notify_edges),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
