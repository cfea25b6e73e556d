/* Keys of WeChat's that change: by public key, by certificates that are fetched, and in the weeks
 * when both are in use. */
#include "cmock.h"

#include <stdio.h>
#include <string.h>

#include "pay_wechat_fixture.h"

#define MINUTE_MS 61000

static struct pay *certificate_mode(void)
{
	struct pay *p = wx_merchant("public_key_", NULL);

	assert_true(p->wechat->downloads);
	return p;
}

static void usual(void)
{
	wx_mode("normal", 0);
	wx_command("{\"signer\":\"public_key\",\"listed\":\"a\"}");
	wx_receive(wx.pay, 0);
}

static void serial_of(const char *name, char out[static CRYPT_SERIAL_MAX])
{
	AUTO(crypt_key_free) EVP_PKEY *key = NULL;
	AUTO(buf_free) struct buf pem = { 0 };
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", wx.files.dir, name);
	assert_int_equal(file_read(path, 65536, &pem), ERR_OK);
	assert_int_equal(crypt_certificate(pem.text, pem.len, &key, out), ERR_OK);
}

/* Without a key of WeChat's the first call fetches them; its answer is verified. */
static void test_bootstrap(void **state)
{
	AUTO(pay_free) struct pay *p = certificate_mode();
	char no[33], value[512], serial[CRYPT_SERIAL_MAX], newer[CRYPT_SERIAL_MAX];
	struct pay_order o = wx_order(no);
	struct problem why = { 0 };
	struct pay_event ev;

	(void)state;
	wx_command("{\"signer\":\"a\",\"listed\":\"ab\"}");
	assert_int_equal(wx_open(p, "wechat_native", &o, value, &why), ERR_OK);
	assert_int_equal(pay_query(p, "wechat", no, utc_now(), wx_soon(), &ev, &why), ERR_OK);
	assert_int_equal(p->wechat->keys->n, 2);
	assert_true(wechat_keys_choose(p->wechat->keys, utc_now(), serial));
	serial_of("wechat_cert_b.pem", newer);
	assert_string_equal(serial, newer);
	wx_receive(p, 0);
	wx_pay_code(strstr(value, "pr=") + 3);
	wx_wait(no, PAY_NOTIFY_PAYMENT, 1);
	usual();
}

/* No certificates, or another API v3 key: nothing is sent, nothing is believed. */
static void test_bootstrap_fails(void **state)
{
	AUTO(pay_free) struct pay *p = certificate_mode();
	char no[33], value[512];
	struct pay_order o = wx_order(no);
	struct problem why = { 0 };

	(void)state;
	wx_command("{\"signer\":\"a\",\"listed\":\"none\"}");
	assert_int_equal(wx_open(p, "wechat_native", &o, value, &why), ERR_UNKNOWN);
	assert_int_equal(wx_ask(no).state, PAY_NOT_EXIST);
	wx_command("{\"listed\":\"a\"}");
	p->wechat->api_v3_key[0] ^= 1;
	assert_int_equal(wx_open(p, "wechat_native", &o, value, &why), ERR_UNKNOWN);
	p->wechat->api_v3_key[0] ^= 1;
	wx_mode("answer_forged", 1);
	assert_int_equal(wx_open(p, "wechat_native", &o, value, &why), ERR_UNKNOWN);
	assert_int_equal(wx_ask(no).state, PAY_NOT_EXIST);
	assert_int_equal(wx_open(p, "wechat_native", &o, value, &why), ERR_OK);
	usual();
}

static void notify_by(const char *signer, char no[static 33])
{
	char command[64];

	snprintf(command, sizeof(command), "{\"signer\":\"%s\"}", signer);
	wx_command(command);
	wx_pay(no);
}

/* A serial that nobody knows is looked up, but not more than once a minute. */
static void test_rotation(void **state)
{
	AUTO(pay_free) struct pay *p = certificate_mode();
	char no[33];
	size_t from;

	(void)state;
	wx_receive(p, 0);
	notify_by("a", no); /* the first notify brings the first list */
	wx_wait(no, PAY_NOTIFY_PAYMENT, 1);
	from = wx_count();
	wx_receive(p, MINUTE_MS);
	notify_by("b", no); /* forged, as far as the list can tell */
	wx_wait_err(from, ERR_BAD_SIGNATURE);
	from = wx_count();
	wx_command("{\"listed\":\"ab\"}");
	notify_by("b", no); /* just asked: it stays unknown, and the service repeats it */
	wx_wait_err(from, ERR_BAD_SIGNATURE);
	wx_receive(p, 2 * MINUTE_MS);
	notify_by("b", no);
	wx_wait(no, PAY_NOTIFY_PAYMENT, 1);
	notify_by("a", no); /* both are in use for a while */
	wx_wait(no, PAY_NOTIFY_PAYMENT, 1);
	usual();
}

/* In the week of a switch, notifies come by either key to a merchant with the public key. */
static void test_switch_week(void **state)
{
	AUTO(pay_free) struct pay *p = wx_merchant(NULL, NULL);
	char no[33];

	(void)state;
	wx_receive(p, 0);
	notify_by("public_key", no);
	wx_wait(no, PAY_NOTIFY_PAYMENT, 1);
	notify_by("a", no);
	wx_wait(no, PAY_NOTIFY_PAYMENT, 1);
	notify_by("public_key", no);
	wx_wait(no, PAY_NOTIFY_PAYMENT, 1);
	usual();
}

/* Refused (401) when the service says that it has none; "later" (503) when it says nothing. */
static void test_lookup_fails(void **state)
{
	AUTO(pay_free) struct pay *p = wx_merchant(NULL, NULL);
	AUTO(pay_free) struct pay *q = wx_merchant(NULL, NULL);
	char no[33];
	size_t from = wx_count();

	(void)state;
	wx_receive(p, 0);
	wx_command("{\"listed\":\"none\"}");
	notify_by("a", no);
	wx_wait_err(from, ERR_BAD_SIGNATURE);
	from = wx_count();
	assert_true(
		str_copy(q->wechat->api_base, sizeof(q->wechat->api_base), "http://127.0.0.1:9"));
	wx_receive(q, 0);
	wx_command("{\"listed\":\"a\"}");
	notify_by("a", no);
	wx_wait_err(from, ERR_UNAVAILABLE);
	usual();
}

/* Certificates that are twelve hours old are fetched anew before a call; that this fails hurts
 * nobody while they are valid. */
static void test_refresh(void **state)
{
	AUTO(pay_free) struct pay *p = certificate_mode();
	struct wechat_keys *k = p->wechat->keys;
	struct pay_event ev;
	struct problem why = { 0 };
	struct utc now = utc_now();

	(void)state;
	assert_int_equal(pay_query(p, "wechat", "YFNEVER0001", now, wx_soon(), &ev, &why), ERR_OK);
	assert_int_equal(k->n, 1);
	wx_command("{\"listed\":\"ab\"}");
	assert_int_equal(pay_query(p, "wechat", "YFNEVER0001", now, wx_soon(), &ev, &why), ERR_OK);
	assert_int_equal(k->n, 1); /* not yet */
	k->listed.ms -= 12 * 3600000;
	k->tried.ms -= 12 * 3600000;
	wx_mode("answer_500", 1);
	assert_int_equal(pay_query(p, "wechat", "YFNEVER0001", now, wx_soon(), &ev, &why), ERR_OK);
	assert_int_equal(k->n, 1);
	k->tried.ms -= MINUTE_MS;
	assert_int_equal(pay_query(p, "wechat", "YFNEVER0001", now, wx_soon(), &ev, &why), ERR_OK);
	assert_int_equal(k->n, 2);
	usual();
}

/* ---- many at once ---- */

#define THREADS 8

struct busy {
	struct pay *pay;
	char no[33];
	size_t good;
};

static void *ask_often(void *arg)
{
	struct busy *b = arg;
	struct pay_event ev;

	for (int i = 0; i < 10; i++)
		if (pay_query(b->pay, "wechat", b->no, utc_now(), mono_ms() + 10000, &ev,
			    &(struct problem){ 0 }) == ERR_OK)
			b->good++;
	return NULL;
}

/* Threads share the keys while they come and go; nobody is refused at the start. */
static void test_threads(void **state)
{
	AUTO(pay_free) struct pay *p = certificate_mode();
	struct busy busy[THREADS];
	pthread_t threads[THREADS];

	(void)state;
	wx_command("{\"signer\":\"b\",\"listed\":\"ab\"}");
	for (size_t i = 0; i < THREADS; i++) {
		busy[i] = (struct busy){ .pay = p };
		snprintf(busy[i].no, sizeof(busy[i].no), "YFBUSY%04zu", i);
		assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &busy[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(busy[i].good, 10);
	}
	usual();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bootstrap),
		cmocka_unit_test(test_bootstrap_fails),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_switch_week),
		cmocka_unit_test(test_lookup_fails),
		cmocka_unit_test(test_refresh),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, wx_setup, wx_teardown);
}
