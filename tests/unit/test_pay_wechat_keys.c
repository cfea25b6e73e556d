/* Settings of WeChat Pay that are missing, unreadable or wrong: one line in the log that names the
 * key, the service is off, and the rest works. */
#include "cmock.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pay/wechat_inside.h"
#include "pay_fixture.h"

static struct pay_files files;

static void write_rsa(const char *name, unsigned bits)
{
	AUTO(crypt_key_free) EVP_PKEY *key = EVP_RSA_gen(bits);
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.pem", files.dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	snprintf(path, sizeof(path), "%s/%s_public.pem", files.dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(PEM_write_PUBKEY(f, key), 1);
	fclose(f);
}

static int setup(void **state)
{
	char path[128];

	(void)state;
	files_make(&files);
	write_rsa("own", 2048);
	write_rsa("weak", 1024);
	write_rsa("alipay", 2048);
	files_write(&files, "v3", "0123456789abcdef0123456789abcdef\n", path);
	files_write(&files, "v3_short", "0123456789abcdef0123456789abcde", path);
	files_write(&files, "v3_long", "0123456789abcdef0123456789abcdef0", path);
	files_write(&files, "nonsense", "-----BEGIN NONSENSE-----\nxx\n", path);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	files_remove(&files);
	return 0;
}

/* A good merchant's settings, and those of Alipay. */
static const struct {
	const char *key, *value;
	bool file; /* a name in our folder */
} good[] = {
	{ "api_base", "https://api.mch.weixin.qq.com", false },
	{ "mch_id", "1900000109", false },
	{ "app_id", "wx8888888888888888", false },
	{ "serial", "5157F09EFDC096DE15EBE81A47057A7200000001", false },
	{ "private_key_file", "own.pem", true },
	{ "api_v3_key_file", "v3", true },
	{ "public_key_id", "PUB_KEY_ID_01", false },
	{ "public_key_file", "own_public.pem", true },
	{ "notify_base", "https://pay.example", false },
};

static void add(struct buf *ini, const char *key, const char *value, bool file)
{
	if (value)
		buf_printf(ini, "%s=%s%s%s\n", key, file ? files.dir : "", file ? "/" : "", value);
}

/* Loads with one key changed (NULL: left out) and what it says on standard error. */
static struct pay *load(const char *key, const char *value, bool file, struct buf *said)
{
	AUTO(conf_free) struct conf *conf = NULL;
	AUTO(buf_free) struct buf ini = { 0 };
	char path[128];
	struct pay *p;
	int keep = dup(STDERR_FILENO), log;
	bool known = false;

	buf_adds(&ini, "[wechat_pay]\n");
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		bool here = key && str_eq(good[i].key, key);

		known = known || here;
		add(&ini, good[i].key, here ? value : good[i].value, here ? file : good[i].file);
	}
	if (key && !known)
		add(&ini, key, value, file);
	buf_printf(&ini,
		"[alipay]\ngateway=https://openapi.alipay.com/gateway.do\napp_id=2021000000000109\n"
		"seller_id=2088000000000109\nprivate_key_file=%1$s/own.pem\n"
		"alipay_public_key_file=%1$s/alipay_public.pem\nnotify_base=https://pay.example\n",
		files.dir);
	conf = files_conf(&files, ini.text);
	snprintf(path, sizeof(path), "%s/log", files.dir);
	log = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(keep >= 0 && log >= 0 && dup2(log, STDERR_FILENO) >= 0);
	pay_load(conf, &p);
	assert_true(dup2(keep, STDERR_FILENO) >= 0);
	assert_int_equal(file_read(path, 65536, said), ERR_OK);
	close(keep);
	close(log);
	return p;
}

static size_t lines(const struct buf *b)
{
	size_t n = 0;

	for (const char *s = b->text; s && *s; s++)
		n += *s == '\n';
	return n;
}

static void test_good(void **state)
{
	AUTO(buf_free) struct buf said = { 0 };
	AUTO(pay_free) struct pay *p = load(NULL, NULL, false, &said);

	(void)state;
	assert_null(pay_off(p, "wechat"));
	assert_int_equal(lines(&said), 0);
}

static void test_a_channel_left_out(void **state)
{
	AUTO(buf_free) struct buf said = { 0 };
	struct pay *p;

	(void)state;
	setenv("YUFU_SITE_WITHOUT_CHANNELS", "wechat_h5, fax", 1);
	p = load(NULL, NULL, false, &said);
	unsetenv("YUFU_SITE_WITHOUT_CHANNELS");
	assert_non_null(pay_channel_off(p, pay_channel_find("wechat_h5")));
	assert_null(pay_channel_off(p, pay_channel_find("wechat_native")));
	assert_null(pay_off(p, "wechat"));
	assert_non_null(strstr(said.text, "there is no channel fax"));
	pay_free(&p);
}

static void test_each_key(void **state)
{
	static const struct {
		const char *key, *value;
		bool file;
		const char *named; /* the setting that the problem names */
	} cases[] = {
		{ "api_base", NULL, false, "api_base" },
		{ "api_base", "http://api.mch.weixin.qq.com", false, "api_base" },
		{ "app_id", NULL, false, "app_id" },
		{ "serial", NULL, false, "serial" },
		{ "private_key_file", NULL, false, "private_key" },
		{ "private_key_file", "absent.pem", true, "private_key" },
		{ "private_key_file", "nonsense", true, "private_key" },
		{ "private_key_file", "weak.pem", true, "private_key" },
		{ "private_key_file", "own_public.pem", true, "private_key" },
		{ "api_v3_key_file", NULL, false, "api_v3_key" },
		{ "api_v3_key_file", "absent", true, "api_v3_key" },
		{ "api_v3_key_file", "v3_short", true, "api_v3_key" },
		{ "api_v3_key_file", "v3_long", true, "api_v3_key" },
		{ "public_key_id", NULL, false, "public_key_id" },
		{ "public_key_file", NULL, false, "public_key" },
		{ "public_key_file", "absent.pem", true, "public_key" },
		{ "public_key_file", "nonsense", true, "public_key" },
		{ "public_key_file", "weak_public.pem", true, "public_key" },
		{ "platform_cert_files", "absent.pem", true, "platform_cert_files" },
		{ "platform_cert_files", "own_public.pem", true, "platform_cert_files" },
		{ "notify_base", NULL, false, "notify_base" },
		{ "notify_base", "http://pay.example", false, "notify_base" },
		{ "notify_base", "https://pay.example/?x=1", false, "notify_base" },
		{ "local_payer_ip", "0123456789012345678901234567890123456789012345", false,
			"local_payer_ip" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(buf_free) struct buf said = { 0 };
		AUTO(pay_free)
		struct pay *p = load(cases[i].key, cases[i].value, cases[i].file, &said);
		const struct problem *off = pay_off(p, "wechat");
		struct pay_event ev;
		struct problem why;

		if (!off || !str_eq(off->field, cases[i].named))
			fail_msg("%s=%s: %s", cases[i].key, cases[i].value ? cases[i].value : "",
				off ? off->field : "on");
		assert_int_equal(lines(&said), 1);
		assert_non_null(strstr(said.text, cases[i].named));
		assert_null(strstr(said.text, "0123456789abcdef"));
		assert_null(pay_off(p, "alipay"));
		assert_int_equal(pay_query(p, "wechat", "YF0000000001", utc_now(), mono_ms() + 1000,
					 &ev, &why),
			ERR_NOT_CONFIGURED);
	}
}

/* No merchant at all is nobody's mistake. */
static void test_not_set_up(void **state)
{
	AUTO(buf_free) struct buf said = { 0 };
	AUTO(pay_free) struct pay *p = load("mch_id", NULL, false, &said);
	struct pay_refund refund = { "YF0000000001", "YFR000000001", 1, 1, NULL };
	struct pay_refund_event ev;
	struct pay_bill bill;
	struct pay_fund_bill funds;
	struct problem why;
	int64_t soon = mono_ms() + 1000;

	(void)state;
	assert_non_null(pay_off(p, "wechat"));
	assert_int_equal(lines(&said), 0);
	assert_int_equal(pay_refund_open(p, "wechat", &refund, utc_now(), soon, &ev, &why),
		ERR_NOT_CONFIGURED);
	assert_int_equal(pay_refund_query(p, "wechat", &refund, utc_now(), soon, &ev, &why),
		ERR_NOT_CONFIGURED);
	assert_int_equal(
		pay_bill_get(p, "wechat", day_of(2026, 11, 22), utc_now(), soon, &bill, &why),
		ERR_NOT_CONFIGURED);
	assert_int_equal(
		pay_fund_bill_get(p, "wechat", day_of(2026, 11, 22), utc_now(), soon, &funds, &why),
		ERR_NOT_CONFIGURED);
	assert_int_equal(
		pay_fund_bill_get(p, "alipay", day_of(2026, 11, 22), utc_now(), soon, &funds, &why),
		ERR_NOT_CONFIGURED);
}

/* Without any key of WeChat's the certificates are fetched. */
static void test_certificate_mode(void **state)
{
	AUTO(conf_free) struct conf *conf = NULL;
	AUTO(buf_free) struct buf ini = { 0 };
	AUTO(pay_free) struct pay *p = NULL;

	(void)state;
	buf_printf(&ini,
		"[wechat_pay]\napi_base=https://127.0.0.1:1\nmch_id=1\napp_id=wx1\nserial=A\n"
		"private_key_file=%1$s/own.pem\napi_v3_key_file=%1$s/v3\n"
		"notify_base=https://pay.example\n",
		files.dir);
	conf = files_conf(&files, ini.text);
	pay_load(conf, &p);
	assert_null(pay_off(p, "wechat"));
	assert_true(p->wechat->downloads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_a_channel_left_out),
		cmocka_unit_test(test_each_key),
		cmocka_unit_test(test_not_set_up),
		cmocka_unit_test(test_certificate_mode),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
