/* [alipay] that is missing, half there or wrong: the service is off and says why; the rest works.
 */
#include "cmock.h"

#include <stdio.h>
#include <string.h>

#include "pay/alipay_inside.h"
#include "pay_fixture.h"
#include "sim/svc.h"

static struct pay_files files;

static int setup(void **state)
{
	char path[128];

	(void)state;
	files_make(&files);
	assert_int_equal(svc_make_keys(files.dir, NULL), ERR_OK);
	files_write(&files, "broken.pem", "-----BEGIN PUBLIC KEY-----\nAAAA\n", path);
	files_write(&files, "empty.pem", "", path);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	files_remove(&files);
	return 0;
}

#define NAMES                                                                                      \
	"gateway=https://openapi.alipay.com/gateway.do\napp_id=2021\nseller_id=2088\n"             \
	"notify_base=https://pay.example\n"
#define OWN "private_key_file=%1$s/alipay_app_private.pem\n"
#define KEY "alipay_public_key_file=%1$s/alipay_public.pem\n"
#define APP "app_cert_file=%1$s/alipay_app_cert.pem\n"
#define THEIRS "alipay_cert_file=%1$s/alipay_cert.pem\n"
#define ROOT "alipay_root_cert_file=%1$s/alipay_root_cert.pem\n"

static struct pay *load(const char *lines)
{
	AUTO(buf_free) struct buf ini = { 0 };
	AUTO(conf_free) struct conf *conf = NULL;
	struct pay *pay = NULL;

	buf_adds(&ini, "[alipay]\n");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	buf_printf(&ini, lines, files.dir);
#pragma GCC diagnostic pop
	conf = files_conf(&files, ini.text);
	pay_load(conf, &pay);
	return pay;
}

static void test_on(void **state)
{
	static const char *const good[] = { NAMES OWN KEY, NAMES OWN APP THEIRS ROOT };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		AUTO(pay_free) struct pay *pay = load(good[i]);

		assert_null(pay_off(pay, "alipay"));
		assert_non_null(pay_off(pay, "wechat"));
	}
}

static void test_off(void **state)
{
	static const struct {
		const char *lines, *field, *says;
	} cases[] = {
		{ "", "", "is not set up" },
		{ NAMES KEY, "private_key", "no readable RSA private key" },
		{ NAMES OWN, "alipay_public_key", "no readable RSA public key" },
		{ NAMES OWN "alipay_public_key_file=/nowhere\n", "alipay_public_key",
			"no readable RSA public key" },
		{ NAMES OWN "alipay_public_key_file=%1$s/broken.pem\n", "alipay_public_key",
			"no readable RSA public key" },
		{ NAMES "private_key_file=%1$s/alipay_public.pem\n" KEY, "private_key",
			"no readable RSA private key" },
		/* the usual mistake */
		{ NAMES OWN "alipay_public_key_file=%1$s/alipay_app_public.pem\n",
			"alipay_public_key", "our own public key" },
		{ NAMES OWN KEY APP THEIRS ROOT, "alipay_public_key", "has one mode" },
		{ NAMES OWN APP ROOT, "alipay_cert", "needs all three" },
		{ NAMES OWN THEIRS ROOT, "app_cert", "needs all three" },
		{ NAMES OWN APP THEIRS, "alipay_root_cert", "needs all three" },
		{ NAMES OWN APP THEIRS "alipay_root_cert_file=%1$s/empty.pem\n", "alipay_root_cert",
			"no RSA root" },
		{ NAMES OWN "app_cert_file=%1$s/alipay_cert.pem\n" THEIRS ROOT, "app_cert",
			"is not the certificate of our private key" },
		{ NAMES OWN APP "alipay_cert_file=%1$s/alipay_app_cert.pem\n" ROOT, "alipay_cert",
			"our own certificate" },
		{ NAMES OWN APP "alipay_cert_file=%1$s/alipay_public.pem\n" ROOT, "alipay_cert",
			"is no certificate" },
		{ "app_id=2021\n" OWN KEY, "gateway", "is missing" },
		{ "gateway=http://openapi.alipay.com/gateway.do\napp_id=2021\nseller_id=1\n"
		  "notify_base=https://pay.example\n" OWN KEY,
			"gateway", "must be https" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(pay_free) struct pay *pay = load(cases[i].lines);
		const struct problem *off = pay_off(pay, "alipay");

		if (!off)
			fail_msg("case %zu is on", i);
		assert_string_equal(off->field, cases[i].field);
		if (!strstr(off->text, cases[i].says))
			fail_msg("case %zu: %s", i, off->text);
	}
}

/* Whatever is asked of a service that is off, nothing is called and nothing is made up. */
static void test_calls_while_off(void **state)
{
	AUTO(pay_free) struct pay *pay = load("");
	const struct pay_order o = { .out_trade_no = "YF2026112300001",
		.amount_fen = 1,
		.description = "电费",
		.expires_at = { INT64_C(1795400000000) } };
	const struct pay_refund r = { "YF2026112300001", "YFR202611230001", 1, 1, "" };
	struct utc now = { INT64_C(1795400000000) };
	struct pay_event ev = { 0 };
	struct pay_refund_event re = { 0 };
	struct pay_bill b = { 0 };
	static const char *const channels[] = { "alipay_wap", "alipay_page", "alipay_qr" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(channels); i++) {
		AUTO(json_free) json_t *out = NULL;

		assert_int_equal(
			pay_open(pay, pay_channel_find(channels[i]), &o, now, 0, &out, NULL),
			ERR_NOT_CONFIGURED);
	}
	assert_int_equal(
		pay_query(pay, "alipay", o.out_trade_no, now, 0, &ev, NULL), ERR_NOT_CONFIGURED);
	assert_int_equal(
		pay_close(pay, "alipay", o.out_trade_no, now, 0, NULL), ERR_NOT_CONFIGURED);
	assert_int_equal(pay_refund_open(pay, "alipay", &r, now, 0, &re, NULL), ERR_NOT_CONFIGURED);
	assert_int_equal(
		pay_refund_query(pay, "alipay", &r, now, 0, &re, NULL), ERR_NOT_CONFIGURED);
	assert_int_equal(pay_bill_get(pay, "alipay", (struct day){ 20000 }, now, 0, &b, NULL),
		ERR_NOT_CONFIGURED);
	assert_int_equal(
		pay_notify_alipay(pay, "application/x-www-form-urlencoded", "a=1", 3, &ev, NULL),
		ERR_NOT_CONFIGURED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_on),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_calls_while_off),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
