/* Signatures, seals and notifies against known answers that other parties' packages made. */
#include "cmock.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "pay/service.h"
#include "pay_fixture.h"
#include "web/crypt.h"

static struct pay_files files;
static struct pay *pay;

static const char *text(const json_t *j, const char *key)
{
	const char *v = json_string_value(json_object_get(j, key));

	assert_non_null(v);
	return v;
}

static const json_t *at(const json_t *j, const char *a, const char *b)
{
	return json_object_get(json_object_get(j, a), b);
}

/* Our own private keys are of no matter here: the vectors are what others signed. */
static void write_conf(const json_t *keys, struct buf *out)
{
	AUTO(crypt_key_free) EVP_PKEY *key = EVP_RSA_gen(2048);
	const json_t *w = json_object_get(keys, "wechat");
	char path[128];
	FILE *f;

	files_write(
		&files, "wx.pem", text(at(keys, "wechat", "platformPubKey"), "publicSpki"), path);
	files_write(&files, "a.pem", text(w, "platformCertAPem"), path);
	files_write(&files, "b.pem", text(w, "platformCertBPem"), path);
	files_write(&files, "ali.pem", text(at(keys, "alipay", "platform"), "publicSpki"), path);
	snprintf(path, sizeof(path), "%s/own.pem", files.dir);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	buf_printf(out,
		"[wechat_pay]\napi_base=https://127.0.0.1:1\nmch_id=%s\napp_id=%s\n"
		"serial=%s\nprivate_key_file=%s/own.pem\napi_v3_key=%s\npublic_key_id=%s\n"
		"public_key_file=%s/wx.pem\nplatform_cert_files=%s/a.pem;%s/b.pem\n"
		"notify_base=https://pay.example\n",
		text(w, "mchid"), text(w, "appid"), text(w, "merchantSerial"), files.dir,
		text(w, "apiV3Key"), text(w, "platformPubKeyId"), files.dir, files.dir, files.dir);
	buf_printf(out,
		"[alipay]\ngateway=https://127.0.0.1:1/gateway.do\napp_id=%s\nseller_id=%s\n"
		"private_key_file=%s/own.pem\nalipay_public_key_file=%s/ali.pem\n"
		"notify_base=https://pay.example/\n",
		text(json_object_get(keys, "alipay"), "appId"),
		text(json_object_get(keys, "alipay"), "sellerId"), files.dir, files.dir);
}

static int setup(void **state)
{
	AUTO(json_free) json_t *keys = vector("public_keys");
	AUTO(conf_free) struct conf *conf = NULL;
	AUTO(buf_free) struct buf ini = { 0 };

	(void)state;
	files_make(&files);
	write_conf(keys, &ini);
	conf = files_conf(&files, ini.text);
	pay_load(conf, &pay);
	assert_null(pay_off(pay, "wechat"));
	assert_null(pay_off(pay, "alipay"));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pay_free(&pay);
	files_remove(&files);
	return 0;
}

struct expected {
	const char *name;
	enum err e;
	enum pay_state state;
};

static const struct expected *find(const struct expected *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i].name, name))
			return &list[i];
	fail_msg("no expectation for %s", name);
	return NULL;
}

static void check_paid(const struct pay_event *ev, const char *no, int64_t paid_ms)
{
	assert_string_equal(ev->out_trade_no, no);
	assert_int_equal(ev->amount_fen, 5000);
	assert_string_equal(ev->currency, "CNY");
	assert_true(ev->transaction_id[0] != '\0');
	assert_int_equal(ev->paid_at.ms, paid_ms);
}

static void test_gcm(void **state)
{
	AUTO(json_free) json_t *v = vector("wechat_aes_gcm");
	const json_t *t = json_object_get(v, "throwaway");
	struct gcm g = { text(t, "key"), text(t, "nonce"), text(t, "associated_data") };
	AUTO(buf_free) struct buf plain = { 0 };
	AUTO(buf_free) struct buf sealed = { 0 };

	(void)state;
	assert_int_equal(gcm_open(&g, text(t, "ciphertext"), &plain), ERR_OK);
	assert_string_equal(plain.text, text(t, "plaintext"));
	assert_int_equal(gcm_seal(&g, plain.text, plain.len, &sealed), ERR_OK);
	assert_string_equal(sealed.text, text(t, "ciphertext"));
	g.aad = "";
	assert_int_equal(gcm_open(&g, text(t, "ciphertext"), &plain), ERR_PROTOCOL);
	assert_int_equal(gcm_open(&g, "AAAA", &plain), ERR_PROTOCOL);
}

static void test_alipay_notifies(void **state)
{
	static const struct expected list[] = {
		{ "paid", ERR_OK, PAY_PAID },
		{ "unknown extra parameter, signed (must stay inside the signed content)", ERR_OK,
			PAY_PAID },
		{ "TRADE_CLOSED, never paid (time-out)", ERR_OK, PAY_CLOSED },
		{ "full refund: TRADE_CLOSED with refund_fee", ERR_OK, PAY_REFUND },
		{ "forged: total_amount changed after signing", ERR_BAD_SIGNATURE, 0 },
		{ "forged: sign_type RSA (SHA-1 downgrade)", ERR_BAD_SIGNATURE, 0 },
		{ "good signature, another seller_id", ERR_CONFLICT, 0 },
		{ "good signature, unknown out_trade_no", ERR_OK, PAY_PAID },
	};
	AUTO(json_free) json_t *v = vector("alipay_notify");
	json_t *c;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(v, "cases"), i, c)
	{
		const struct expected *x = find(list, ARRAY_LEN(list), text(c, "name"));
		const char *body = text(c, "body");
		struct pay_event ev = { .state = PAY_UNKNOWN };
		enum err e = pay_notify_alipay(pay, text(c, "content_type"), body, strlen(body),
			&ev, &(struct problem){ 0 });

		if (e != x->e || (e == ERR_OK && ev.state != x->state))
			fail_msg("%s: %s %s", x->name, err_word(e), pay_state_word(ev.state));
		if (str_eq(x->name, "paid"))
			check_paid(&ev, "YF20261123000011", INT64_C(1795399998000));
		if (str_starts(x->name, "full refund"))
			assert_int_equal(ev.refund_fen, 5000);
	}
	assert_int_equal(i, ARRAY_LEN(list));
}

/* A notify that Alipay itself signed in 2019. */
static void test_alipay_published(void **state)
{
	AUTO(json_free) json_t *v = vector("alipay_notify");
	const json_t *p = json_object_get(v, "published");
	const char *body = text(p, "body"), *key = text(p, "alipay_public_key");
	struct alipay theirs = { .app_id = "2019073166072302", .seller_id = "2088531891668739" };
	const struct pay other = { .alipay = &theirs };
	AUTO(buf_free) struct buf changed = { 0 };
	struct pay_event ev;

	(void)state;
	assert_int_equal(crypt_public_key(key, strlen(key), &theirs.alipay_public_key), ERR_OK);
	assert_int_equal(pay_notify_alipay(&other, "application/x-www-form-urlencoded", body,
				 strlen(body), &ev, NULL),
		ERR_OK);
	assert_int_equal(ev.state, PAY_PAID);
	assert_int_equal(ev.amount_fen, 10);
	buf_printf(&changed, "%s&x=1", body);
	assert_int_equal(pay_notify_alipay(&other, "application/x-www-form-urlencoded",
				 changed.text, changed.len, &ev, NULL),
		ERR_BAD_SIGNATURE);
	crypt_key_free(&theirs.alipay_public_key);
}

static void test_alipay_notify_edges(void **state)
{
	static const struct {
		const char *type, *body;
		enum err e;
	} cases[] = {
		{ "application/json", "a=1", ERR_BAD_VALUE },
		{ NULL, "a=1", ERR_BAD_VALUE },
		{ "application/x-www-form-urlencoded", "a=1&a=2", ERR_BAD_VALUE },
		{ "application/x-www-form-urlencoded", "a=%00", ERR_BAD_VALUE },
		{ "application/x-www-form-urlencoded", "a=%4", ERR_BAD_VALUE },
		{ "application/x-www-form-urlencoded", "=1", ERR_BAD_VALUE },
		{ "application/x-www-form-urlencoded", "", ERR_BAD_SIGNATURE },
		{ "application/x-www-form-urlencoded", "sign=AAAA&sign_type=RSA2&a=1",
			ERR_BAD_SIGNATURE },
	};
	static char big[PAY_NOTIFY_MAX + 1];
	struct pay_event ev;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(pay_notify_alipay(pay, cases[i].type, cases[i].body,
					 strlen(cases[i].body), &ev, NULL),
			cases[i].e);
	assert_int_equal(pay_notify_alipay(pay, "application/x-www-form-urlencoded", big,
				 sizeof(big), &ev, NULL),
		ERR_TOO_LARGE);
}

/* sign_type is not part of what is signed: a message that names another algorithm is refused even
 * though its signature would match ours. */
static void test_alipay_sign_type(void **state)
{
	AUTO(json_free) json_t *v = vector("alipay_notify");
	const json_t *c = json_array_get(json_object_get(v, "cases"), 0);
	const char *body = text(c, "body"), *at = strstr(body, "sign_type=RSA2");
	AUTO(buf_free) struct buf changed = { 0 };
	struct pay_event ev;

	(void)state;
	assert_non_null(at);
	buf_add(&changed, body, (size_t)(at - body));
	buf_printf(&changed, "sign_type=RSA%s", at + strlen("sign_type=RSA2"));
	assert_int_equal(pay_notify_alipay(pay, text(c, "content_type"), changed.text, changed.len,
				 &ev, NULL),
		ERR_BAD_SIGNATURE);
}

static void test_alipay_answers(void **state)
{
	AUTO(json_free) json_t *v = vector("alipay_response");
	json_t *c;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(v, "cases"), i, c)
	{
		AUTO(json_free) json_t *answer = NULL;
		const char *body = text(c, "body");
		bool good = json_is_true(json_object_get(c, "sdk_verdict"));
		enum err e = alipay_read_answer(
			pay->alipay, text(c, "method"), body, strlen(body), &answer, NULL);

		if (e != (good ? ERR_OK : ERR_BAD_SIGNATURE))
			fail_msg("%s: %s", text(c, "name"), err_word(e));
	}
	assert_true(i >= 9);
}

/* What the vectors leave open: a member twice, no signature, a hidden name. */
static void test_alipay_answer_edges(void **state)
{
	static const struct {
		const char *body;
		enum err e;
	} cases[] = {
		{ "{\"alipay_trade_query_response\":{\"code\":\"10000\"}}", ERR_BAD_SIGNATURE },
		{ "{\"alipay_trade_query_response\":{},\"alipay_trade_query_response\":{},"
		  "\"sign\":\"AAAA\"}",
			ERR_BAD_JSON },
		{ "{\"\\u0061lipay_trade_query_response\":{},\"sign\":\"AAAA\"}", ERR_PROTOCOL },
		{ "{\"other\":{},\"sign\":\"AAAA\"}", ERR_PROTOCOL },
		{ "{\"error_response\":{\"code\":\"40002\"}}", ERR_OK },
		{ "[]", ERR_PROTOCOL },
		{ "<html>", ERR_BAD_JSON },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(json_free) json_t *answer = NULL;

		assert_int_equal(alipay_read_answer(pay->alipay, "alipay.trade.query",
					 cases[i].body, strlen(cases[i].body), &answer, NULL),
			cases[i].e);
	}
}

static void test_channels(void **state)
{
	(void)state;
	assert_non_null(pay_channel_find("wechat_native"));
	assert_string_equal(pay_channel_find("alipay_wap")->service, "alipay");
	assert_null(pay_channel_find("wechat"));
	for (size_t i = 0; i < pay_channel_count; i++)
		assert_non_null(pay_service_find(pay_channels[i].service));
}

static void test_order_rules(void **state)
{
	const struct pay_channel *wap = pay_channel_find("alipay_wap");
	const struct pay_order good = { .out_trade_no = "YF2026112300001",
		.amount_fen = 1,
		.description = "电费",
		.expires_at = { INT64_C(1795400000000) } };
	struct pay_order bad[7];
	AUTO(json_free) json_t *out = NULL;
	struct utc now = { INT64_C(1795400000000) };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		bad[i] = good;
	bad[0].out_trade_no = "short";
	bad[1].out_trade_no = "has-a-dash-1";
	bad[2].amount_fen = 0;
	bad[3].amount_fen = INT64_C(10000000001);
	bad[4].description = "";
	bad[5].return_url = "javascript:alert(1)";
	bad[6].description = "\xff";
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(pay_open(pay, wap, &bad[i], now, 0, &out, NULL), ERR_BAD_VALUE);
	assert_int_equal(pay_open(pay, wap, &good, now, 0, &out, NULL), ERR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gcm),
		cmocka_unit_test(test_alipay_notifies),
		cmocka_unit_test(test_alipay_published),
		cmocka_unit_test(test_alipay_notify_edges),
		cmocka_unit_test(test_alipay_sign_type),
		cmocka_unit_test(test_alipay_answers),
		cmocka_unit_test(test_alipay_answer_edges),
		cmocka_unit_test(test_channels),
		cmocka_unit_test(test_order_rules),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
