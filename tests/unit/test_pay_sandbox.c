/* Our client against the stand-ins over real sockets: each side checks the other's signatures. */
#include "cmock.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "notice/notice.h"
#include "pay/service.h"
#include "pay_fixture.h"
#include "sim/svc.h"

#define WAIT_S 20
#define SEEN_MAX 64

/* What came to the notify addresses, as the platform reads it. */
struct seen {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct pay *pay;
	size_t n;
	enum err e[SEEN_MAX];
	struct pay_event events[SEEN_MAX];
};

static struct pay_files files;
static struct seen seen = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, .n = 0 };
static struct http *http;
static struct svc *svc;
static struct conf *sim_conf, *pay_conf;
static struct pay *pay;
static struct notice *notice;
static char base[64];

static void keep(enum err e, const struct pay_event *ev)
{
	pthread_mutex_lock(&seen.lock);
	if (seen.n < SEEN_MAX) {
		seen.e[seen.n] = e;
		seen.events[seen.n++] = *ev;
	}
	pthread_cond_broadcast(&seen.changed);
	pthread_mutex_unlock(&seen.lock);
}

static void on_wechat(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	struct pay_headers h = { .content_type = http_header(req, "Content-Type"),
		.serial = http_header(req, "Wechatpay-Serial"),
		.timestamp = http_header(req, "Wechatpay-Timestamp"),
		.nonce = http_header(req, "Wechatpay-Nonce"),
		.signature = http_header(req, "Wechatpay-Signature") };
	struct pay_event ev = { 0 };
	size_t n;
	const char *body = http_body(req, &n);
	enum err e = pay_notify_wechat(seen.pay, &h, body, n, utc_now(), &ev, NULL);

	(void)ctx;
	keep(e, &ev);
	http_answer(reply, e == ERR_OK ? 204 : err_http(e), "application/json", "", 0);
}

static void on_alipay(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	struct pay_event ev = { 0 };
	size_t n;
	const char *body = http_body(req, &n);
	enum err e =
		pay_notify_alipay(seen.pay, http_header(req, "Content-Type"), body, n, &ev, NULL);
	const char *word = e == ERR_OK ? PAY_ALIPAY_SUCCESS : PAY_ALIPAY_FAIL;

	(void)ctx;
	keep(e, &ev);
	http_answer(reply, 200, "text/plain", word, strlen(word));
}

static const struct http_route routes[] = {
	{ "POST", PAY_NOTIFY_PATH_WECHAT, on_wechat },
	{ "POST", PAY_NOTIFY_PATH_ALIPAY, on_alipay },
};

/* The events of one order so far, once there are at least n. */
static size_t wait_for(const char *out_trade_no, size_t n, struct pay_event *last)
{
	struct timespec until;
	size_t found = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_S;
	pthread_mutex_lock(&seen.lock);
	do {
		found = 0;
		for (size_t i = 0; i < seen.n; i++)
			if (str_eq(seen.events[i].out_trade_no, out_trade_no)) {
				found++;
				*last = seen.events[i];
			}
	} while (found < n && pthread_cond_timedwait(&seen.changed, &seen.lock, &until) == 0);
	pthread_mutex_unlock(&seen.lock);
	return found;
}

static enum err last_error(void)
{
	enum err e;

	pthread_mutex_lock(&seen.lock);
	e = seen.e[seen.n - 1];
	pthread_mutex_unlock(&seen.lock);
	return e;
}

static const char sim_ini[] =
	"[wechat_pay]\nmch_id=1900000109\napp_id=wx8888888888888888\nserial=5157F09EFDC0\n"
	"public_key_id=PUB_KEY_ID_01\n"
	"[alipay]\napp_id=2021000000000109\nseller_id=2088000000000109\n"
	"[aliyun_sms]\naccess_key_id=LTAItest\nsign_name=测试\n"
	"[sim]\npublic_base=http://pay.example\nstate_dir=%1$s\n"
	"wechat_merchant_public_key_file=%1$s/wechat_merchant_public.pem\n"
	"wechat_platform_private_key_file=%1$s/wechat_platform_private.pem\n"
	"alipay_app_public_key_file=%1$s/alipay_app_public.pem\n"
	"alipay_private_key_file=%1$s/alipay_private.pem\n"
	"api_v3_key_file=%1$s/wechat_api_v3_key\n"
	"access_key_secret_file=%1$s/aliyun_access_key_secret\n";

static const char pay_ini[] =
	"[wechat_pay]\napi_base=%2$s/sandbox/wechat\nmch_id=1900000109\n"
	"app_id=wx8888888888888888\nserial=5157F09EFDC0\npublic_key_id=PUB_KEY_ID_01\n"
	"private_key_file=%1$s/%3$s\napi_v3_key_file=%1$s/wechat_api_v3_key\n"
	"public_key_file=%1$s/wechat_platform_public.pem\nnotify_base=%2$s\n"
	"local_payer_ip=%4$s\n"
	"[alipay]\ngateway=%2$s/sandbox/alipay/gateway.do\napp_id=2021000000000109\n"
	"seller_id=2088000000000109\nprivate_key_file=%1$s/%5$s\n"
	"alipay_public_key_file=%1$s/alipay_public.pem\nnotify_base=%2$s\n"
	"[aliyun_sms]\nendpoint=%2$s/sandbox/aliyun/\naccess_key_id=LTAItest\n"
	"access_key_secret_file=%1$s/%6$s\nsign_name=测试\ntemplate_login_code=SMS_100001\n"
	"template_low1=SMS_100002\ntemplate_recharged=SMS_100006\n";

static void serve(void)
{
	struct problem why = { 0 };

	assert_int_equal(http_open("127.0.0.1:0", &http, &why), ERR_OK);
	if (svc_start(sim_conf, http, &svc, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	assert_non_null(svc);
	http_add_routes(http, routes, ARRAY_LEN(routes), NULL);
	assert_int_equal(http_start(http, &why), ERR_OK);
	snprintf(base, sizeof(base), "http://127.0.0.1:%u", http_port(http));
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the two formats above */
/* Settings of a platform; the names are of key files, so that a test can take wrong ones. */
static struct conf *platform(
	const char *wechat_key, const char *payer_ip, const char *alipay_key, const char *secret)
{
	AUTO(buf_free) struct buf ini = { 0 };

	buf_printf(&ini, pay_ini, files.dir, base, wechat_key, payer_ip, alipay_key, secret);
	return files_conf(&files, ini.text);
}

static struct conf *simulator(void)
{
	AUTO(buf_free) struct buf ini = { 0 };

	buf_printf(&ini, sim_ini, files.dir);
	return files_conf(&files, ini.text);
}
#pragma GCC diagnostic pop

static void load_platform(void)
{
	pay_conf = platform("wechat_merchant_private.pem", "203.0.113.7", "alipay_app_private.pem",
		"aliyun_access_key_secret");
	pay_load(pay_conf, &pay);
	notice_load(pay_conf, &notice);
	assert_null(pay_off(pay, "wechat"));
	assert_null(pay_off(pay, "alipay"));
	seen.pay = pay;
}

static int setup(void **state)
{
	(void)state;
	files_make(&files);
	assert_int_equal(svc_make_keys(files.dir, NULL), ERR_OK);
	sim_conf = simulator();
	serve();
	load_platform();
	return 0;
}

static void stop(void)
{
	http_stop(&http);
	svc_stop(&svc);
	pay_free(&pay);
	notice_free(&notice);
	conf_free(&pay_conf);
}

static int teardown(void **state)
{
	(void)state;
	stop();
	conf_free(&sim_conf);
	files_remove(&files);
	return 0;
}

/* ---- helpers ---- */

static int64_t soon(void)
{
	return mono_ms() + 10000;
}

static struct pay_order order_no(char no[static 33])
{
	static int serial;

	snprintf(no, 33, "YFTEST%08d", ++serial);
	return (struct pay_order){ .out_trade_no = no,
		.amount_fen = 5000,
		.description = "A-103 好味面馆 电费充值",
		.expires_at = { (utc_now().ms / 1000 + 1800) * 1000 },
		.payer_ip = "127.0.0.1" };
}

static enum err open_with(const struct pay *p, const char *channel, const struct pay_order *o,
	char *url, size_t size, struct problem *why)
{
	AUTO(json_free) json_t *out = NULL;
	enum err e = pay_open(p, pay_channel_find(channel), o, utc_now(), soon(), &out, why);
	const char *key;
	json_t *value;

	if (e != ERR_OK)
		return e;
	json_object_foreach(out, key, value)
	{
		assert_true(str_copy(url, size, json_string_value(value)));
	}
	return ERR_OK;
}

static const char *service_of(const char *channel)
{
	return pay_channel_find(channel)->service;
}

static struct pay_event ask(const char *channel, const char *no)
{
	struct pay_event ev = { 0 };
	struct problem why = { 0 };

	if (pay_query(pay, service_of(channel), no, utc_now(), soon(), &ev, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	assert_string_equal(ev.out_trade_no, no);
	return ev;
}

static enum err close_order(const char *channel, const char *no, struct problem *why)
{
	return pay_close(pay, service_of(channel), no, utc_now(), soon(), why);
}

/* GET, or POST when there is a body. Answers the status; *where gets the Location. */
static int fetch(const char *url, const char *body, const char *type, char where[static 512],
	struct buf *text)
{
	AUTO(web_answer_free) struct web_answer a = { 0 };
	const char *location;

	assert_int_equal(web_call(&(struct web_request){ .method = body ? "POST" : "GET",
					  .url = url,
					  .headers = { type },
					  .body = body,
					  .body_len = body ? strlen(body) : 0,
					  .deadline_ms = soon() },
				 &a, NULL),
		ERR_OK);
	location = web_header(&a, "Location");
	assert_true(str_copy(where, 512, location ? location : ""));
	if (text)
		buf_add(text, a.body.text, a.body.len);
	return a.status;
}

static int post_pay(
	const char *token, const char *action, const char *redirect, char where[static 512])
{
	AUTO(buf_free) struct buf body = { 0 };
	char url[128];

	snprintf(url, sizeof(url), "%s/sandbox/pay", base);
	buf_printf(&body, "token=%s&action=%s", token, action);
	if (redirect) {
		buf_adds(&body, "&redirect_url=");
		percent_encode(redirect, &body);
	}
	return fetch(
		url, body.text, "Content-Type: application/x-www-form-urlencoded", where, NULL);
}

static void pay_it(const char *token)
{
	char where[512];

	assert_int_equal(post_pay(token, "pay", NULL, where), 200);
}

static void mode(const char *service, const char *name, int count, int value)
{
	AUTO(buf_free) struct buf body = { 0 };
	char url[128], where[512];

	snprintf(url, sizeof(url), "%s/sim/services", base);
	buf_printf(&body, "{\"service\":\"%s\",\"mode\":\"%s\"", service, name);
	if (count)
		buf_printf(&body, ",\"count\":%d", count);
	if (value)
		buf_printf(&body, ",\"value\":%d", value);
	buf_adds(&body, "}");
	assert_int_equal(fetch(url, body.text, "Content-Type: application/json", where, NULL), 200);
}

static const char *after(const char *text, const char *mark)
{
	const char *at = strstr(text, mark);

	if (!at)
		fail_msg("no %s in %s", mark, text);
	return at + strlen(mark);
}

static void assert_refused(enum err e, const struct problem *why, const char *code)
{
	assert_int_equal(e, ERR_REFUSED);
	assert_string_equal(why->field, code);
}

/* ---- WeChat Pay ---- */

static void test_native_way(void **state)
{
	char no[33], first[512], second[512];
	struct pay_order o = order_no(no);
	struct problem why = { 0 };
	struct pay_event ev = { 0 };

	(void)state;
	assert_int_equal(open_with(pay, "wechat_native", &o, first, 512, &why), ERR_OK);
	assert_int_equal(ask("wechat_native", no).state, PAY_NOT_PAID);
	/* the same order again: a fresh code, and the first one is dead */
	assert_int_equal(open_with(pay, "wechat_native", &o, second, 512, &why), ERR_OK);
	assert_string_not_equal(first, second);
	assert_int_equal(post_pay(after(first, "pr="), "pay", NULL, (char[512]){ 0 }), 404);
	o.amount_fen++;
	assert_refused(
		open_with(pay, "wechat_native", &o, first, 512, &why), &why, "OUT_TRADE_NO_USED");
	o.amount_fen--;
	pay_it(after(second, "pr="));
	assert_int_equal(wait_for(no, 1, &ev), 1);
	assert_int_equal(ev.state, PAY_PAID);
	assert_int_equal(ev.amount_fen, 5000);
	assert_string_equal(ev.currency, "CNY");
	assert_string_equal(ask("wechat_native", no).transaction_id, ev.transaction_id);
	assert_int_equal(ask("wechat_native", no).state, PAY_PAID);
	assert_refused(close_order("wechat_native", no, &why), &why, "ORDERPAID");
	assert_refused(open_with(pay, "wechat_native", &o, first, 512, &why), &why, "ORDERPAID");
}

static void test_close(void **state)
{
	char no[33], url[512];
	struct pay_order o = order_no(no);
	struct problem why = { 0 };

	(void)state;
	assert_int_equal(ask("wechat_native", no).state, PAY_NOT_EXIST);
	assert_refused(close_order("wechat_native", no, &why), &why, "ORDER_NOT_EXIST");
	assert_int_equal(open_with(pay, "wechat_native", &o, url, 512, &why), ERR_OK);
	assert_int_equal(close_order("wechat_native", no, &why), ERR_OK);
	assert_int_equal(close_order("wechat_native", no, &why), ERR_OK);
	assert_int_equal(ask("wechat_native", no).state, PAY_CLOSED);
	assert_refused(open_with(pay, "wechat_native", &o, url, 512, &why), &why, "ORDER_CLOSED");
}

static void test_h5_way(void **state)
{
	static const char back[] = "http://pay.example/order/7?x=1&y=2";
	char no[33], url[1024], token[64], where[512], page[512];
	struct pay_order o = order_no(no);
	struct pay_event ev = { 0 };
	struct problem why = { 0 };

	(void)state;
	o.return_url = back;
	assert_int_equal(open_with(pay, "wechat_h5", &o, url, sizeof(url), &why), ERR_OK);
	assert_true(str_starts(url, "http://pay.example/sandbox/pay?prepay_id="));
	assert_string_equal(after(url, "&redirect_url="),
		"http%3A%2F%2Fpay.example%2Forder%2F7%3Fx%3D1%26y%3D2");
	snprintf(token, sizeof(token), "%.32s", after(url, "prepay_id="));
	snprintf(page, sizeof(page), "%s%s", base, after(url, "http://pay.example"));
	assert_int_equal(fetch(page, NULL, NULL, where, NULL), 200);
	/* never sent to another site */
	assert_int_equal(post_pay(token, "cancel", "http://evil.example/", where), 200);
	assert_int_equal(post_pay(token, "pay", back, where), 303);
	assert_string_equal(where, back);
	assert_int_equal(wait_for(no, 1, &ev), 1);
	assert_int_equal(ask("wechat_h5", no).state, PAY_PAID);
}

static void test_wrong_callers(void **state)
{
	AUTO(conf_free)
	struct conf *conf = platform("wechat_platform_private.pem", "",
		"wechat_platform_private.pem", "aliyun_access_key_secret");
	AUTO(pay_free) struct pay *stranger = NULL;
	char no[33], url[1024], where[512];
	struct pay_order o = order_no(no);
	struct problem why = { 0 };
	struct pay_event ev;

	(void)state;
	pay_load(conf, &stranger);
	assert_refused(open_with(stranger, "wechat_native", &o, url, sizeof(url), &why), &why,
		"SIGN_ERROR");
	assert_refused(pay_query(stranger, "alipay", no, utc_now(), soon(), &ev, &why), &why,
		"isv.invalid-signature");
	assert_int_equal(open_with(stranger, "alipay_wap", &o, url, sizeof(url), &why), ERR_OK);
	assert_int_equal(fetch(url, NULL, NULL, where, NULL), 400);
	assert_int_equal(ask("wechat_native", no).state, PAY_NOT_EXIST);
}

/* The service refuses a loopback payer unless the demo's substitute is set. */
static void test_payer_address(void **state)
{
	AUTO(conf_free)
	struct conf *conf = platform("wechat_merchant_private.pem", "", "alipay_app_private.pem",
		"aliyun_access_key_secret");
	AUTO(pay_free) struct pay *plain = NULL;
	char no[33], url[1024];
	struct pay_order o = order_no(no);
	struct problem why = { 0 };

	(void)state;
	pay_load(conf, &plain);
	assert_refused(
		open_with(plain, "wechat_h5", &o, url, sizeof(url), &why), &why, "PARAM_ERROR");
	o.payer_ip = "not an address";
	assert_int_equal(open_with(plain, "wechat_h5", &o, url, sizeof(url), &why), ERR_BAD_VALUE);
	o.payer_ip = "198.51.100.3";
	assert_int_equal(open_with(plain, "wechat_h5", &o, url, sizeof(url), &why), ERR_OK);
}

/* No answer, a broken one or a forged one is never taken for a refusal or a success. */
static void test_unknown_outcomes(void **state)
{
	static const char *const modes[] = { "answer_500", "answer_hang_up", "answer_forged" };
	struct problem why = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		char no[33], url[512];
		struct pay_order o = order_no(no);
		bool acted = i > 0;

		mode("wechat", modes[i], 1, 0);
		assert_int_equal(open_with(pay, "wechat_native", &o, url, 512, &why), ERR_UNKNOWN);
		assert_int_equal(
			ask("wechat_native", no).state, acted ? PAY_NOT_PAID : PAY_NOT_EXIST);
		assert_int_equal(open_with(pay, "wechat_native", &o, url, 512, &why), ERR_OK);
	}
	mode("wechat", "normal", 0, 0);
}

static void test_slow_answer(void **state)
{
	char no[33];
	struct pay_order o = order_no(no);
	AUTO(json_free) json_t *out = NULL;

	(void)state;
	mode("wechat", "answer_slow", 1, 1);
	assert_int_equal(pay_open(pay, pay_channel_find("wechat_native"), &o, utc_now(),
				 mono_ms() + 200, &out, NULL),
		ERR_UNKNOWN);
	mode("wechat", "normal", 0, 0);
	assert_int_equal(ask("wechat_native", no).state, PAY_NOT_PAID);
	assert_int_equal(pay_open(pay, pay_channel_find("wechat_native"), &o, utc_now(),
				 mono_ms() - 1, &out, NULL),
		ERR_UNKNOWN);
}

static void pay_in_mode(const char *name, int count, int value, char no[static 33])
{
	char url[512];
	struct pay_order o = order_no(no);

	assert_int_equal(open_with(pay, "wechat_native", &o, url, 512, NULL), ERR_OK);
	mode("wechat", name, count, value);
	pay_it(after(url, "pr="));
}

static void test_notify_modes(void **state)
{
	struct pay_event ev = { 0 };
	char no[33];

	(void)state;
	pay_in_mode("notify_duplicate", 1, 5, no);
	assert_int_equal(wait_for(no, 5, &ev), 5);
	pay_in_mode("notify_wrong_amount", 1, 0, no);
	assert_int_equal(wait_for(no, 1, &ev), 1);
	assert_int_equal(ev.amount_fen, 500000);
	pay_in_mode("notify_never", 1, 0, no);
	assert_int_equal(ask("wechat_native", no).state, PAY_PAID);
	pay_in_mode("notify_forged", 1, 0, no);
	/* a forged notify has no number that anyone may believe */
	assert_int_equal(wait_for("", 1, &ev), 1);
	assert_int_equal(last_error(), ERR_BAD_SIGNATURE);
	mode("wechat", "normal", 0, 0);
}

/* ---- Alipay ---- */

static void test_wap_way(void **state)
{
	char no[33], url[2048], where[512], page[512], token[64];
	struct pay_order o = order_no(no);
	struct problem why = { 0 };
	struct pay_event ev = { 0 };

	(void)state;
	o.description = "A-103 / 好味=面馆&电费";
	o.return_url = "http://pay.example/order/8";
	assert_int_equal(open_with(pay, "alipay_wap", &o, url, sizeof(url), &why), ERR_OK);
	assert_int_equal(ask("alipay_wap", no).state, PAY_NOT_EXIST);
	assert_refused(close_order("alipay_wap", no, &why), &why, "ACQ.TRADE_NOT_EXIST");
	assert_int_equal(fetch(url, NULL, NULL, where, NULL), 303);
	snprintf(token, sizeof(token), "%s", after(where, "token="));
	snprintf(page, sizeof(page), "%s%s", base, after(where, "http://pay.example"));
	assert_int_equal(fetch(page, NULL, NULL, where, NULL), 200);
	assert_int_equal(ask("alipay_wap", no).state, PAY_NOT_PAID);
	assert_int_equal(post_pay(token, "pay", NULL, where), 303);
	assert_string_equal(where, "http://pay.example/order/8");
	assert_int_equal(wait_for(no, 1, &ev), 1);
	assert_int_equal(ev.state, PAY_PAID);
	assert_int_equal(ev.amount_fen, 5000);
	ev = ask("alipay_wap", no);
	assert_int_equal(ev.state, PAY_PAID);
	assert_int_equal(ev.amount_fen, 5000);
	assert_refused(
		close_order("alipay_wap", no, &why), &why, "ACQ.REASON_TRADE_STATUS_INVALID");
}

static void test_wap_tampered(void **state)
{
	char no[33], url[2048], where[512];
	struct pay_order o = order_no(no);
	char *amount;

	(void)state;
	assert_int_equal(open_with(pay, "alipay_wap", &o, url, sizeof(url), NULL), ERR_OK);
	amount = strstr(url, "50.00");
	assert_non_null(amount);
	amount[0] = '1';
	assert_int_equal(fetch(url, NULL, NULL, where, NULL), 400);
}

static void test_alipay_unknown(void **state)
{
	static const char *const modes[] = { "answer_500", "answer_hang_up", "answer_forged" };
	struct pay_event ev;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		mode("alipay", modes[i], 1, 0);
		assert_int_equal(
			pay_query(pay, "alipay", "YFTEST00000001", utc_now(), soon(), &ev, NULL),
			ERR_UNKNOWN);
	}
	mode("alipay", "normal", 0, 0);
}

/* ---- short messages ---- */

static struct notice_result sms(
	const struct notice *n, const char *phone, const char *kind, const char *params)
{
	AUTO(json_free) json_t *j = json_loads(params, 0, NULL);
	struct notice_result r;

	assert_non_null(j);
	notice_send_sms(n,
		&(struct notice_message){ .recipient = phone,
			.kind = kind,
			.language = "zh",
			.params = j,
			.out_id = "n-1" },
		utc_now(), soon(), &r);
	return r;
}

static void assert_sms(
	struct notice_result r, enum notice_outcome outcome, const char *code, bool retry)
{
	assert_string_equal(r.code, code);
	assert_int_equal(r.outcome, outcome);
	assert_int_equal(r.retry, retry);
}

static void test_sms_way(void **state)
{
	static const char low[] = "{\"shop\":\"A-103\",\"purse\":\"电费\",\"balance\":\"9.80\","
				  "\"amount\":\"0.00\"}";
	AUTO(buf_free) struct buf inbox = { 0 };
	struct notice_result r;
	char url[128], where[512];

	(void)state;
	r = sms(notice, "13800000003", "low1", low);
	assert_sms(r, NOTICE_DONE, "OK", false);
	assert_true(r.provider_ref[0] != '\0');
	assert_sms(sms(notice, "13800000003", "login_code", "{\"code\":\"123456\"}"), NOTICE_DONE,
		"OK", false);
	assert_sms(sms(notice, "13800000003", "login_code", "{\"code\":\"654321\"}"),
		NOTICE_REFUSED, "isv.BUSINESS_LIMIT_CONTROL", false);
	snprintf(url, sizeof(url), "%s/sandbox/sms.json?phone=13800000003", base);
	assert_int_equal(fetch(url, NULL, NULL, where, &inbox), 200);
	assert_non_null(strstr(inbox.text, "余额还有 9.80 元"));
	assert_non_null(strstr(inbox.text, "123456"));
	assert_null(strstr(inbox.text, "654321"));
}

static void test_sms_refusals(void **state)
{
	AUTO(conf_free)
	struct conf *conf =
		platform("wechat_merchant_private.pem", "", "alipay_app_private.pem", "jwt_key");
	AUTO(notice_free) struct notice *stranger = NULL;
	static const char code[] = "{\"code\":\"111111\"}";

	(void)state;
	notice_load(conf, &stranger);
	assert_sms(sms(stranger, "13800000004", "login_code", code), NOTICE_REFUSED,
		"SignatureDoesNotMatch", false);
	assert_sms(
		sms(notice, "12800000004", "login_code", code), NOTICE_REFUSED, "bad_phone", false);
	assert_sms(sms(notice, "13800000004", "login_code", "{}"), NOTICE_REFUSED, "bad_params",
		false);
	assert_sms(sms(notice, "13800000004", "restored", "{}"), NOTICE_REFUSED, "not_configured",
		false);
	mode("sms", "refuse", 1, 0);
	assert_sms(sms(notice, "13800000004", "login_code", code), NOTICE_REFUSED,
		"isv.AMOUNT_NOT_ENOUGH", false);
	mode("sms", "answer_hang_up", 1, 0);
	assert_int_equal(sms(notice, "13800000005", "login_code", code).outcome, NOTICE_UNKNOWN);
	mode("sms", "answer_500", 1, 0);
	assert_int_equal(sms(notice, "13800000006", "login_code", code).outcome, NOTICE_UNKNOWN);
	mode("sms", "normal", 0, 0);
}

/* ---- pages, and what lasts ---- */

static void test_pages(void **state)
{
	static const char *const pages[] = { "/sandbox/", "/sandbox/sms", "/sandbox/info",
		"/sandbox/orders.json" };
	AUTO(buf_free) struct buf info = { 0 };
	char url[128], where[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		snprintf(url, sizeof(url), "%s%s", base, pages[i]);
		assert_int_equal(fetch(url, NULL, NULL, where, &info), 200);
	}
	assert_non_null(strstr(info.text, "{\"sandbox\":true}"));
	snprintf(url, sizeof(url), "%s/sandbox/nothing", base);
	assert_int_equal(fetch(url, NULL, NULL, where, NULL), 404);
}

static void test_restart(void **state)
{
	char paid[33], open[33], url[512];
	struct pay_order o = order_no(paid);

	(void)state;
	assert_int_equal(open_with(pay, "wechat_native", &o, url, 512, NULL), ERR_OK);
	pay_it(after(url, "pr="));
	o = order_no(open);
	assert_int_equal(open_with(pay, "wechat_native", &o, url, 512, NULL), ERR_OK);
	stop();
	serve();
	load_platform();
	assert_int_equal(ask("wechat_native", paid).state, PAY_PAID);
	assert_int_equal(ask("wechat_native", open).state, PAY_NOT_PAID);
	pay_it(after(url, "pr="));
	assert_int_equal(ask("wechat_native", open).state, PAY_PAID);
}

/* Nobody listens: for an order the outcome stays open, a message was certainly not sent. */
static void test_nobody_there(void **state)
{
	char no[33], url[512];
	struct pay_order o = order_no(no);

	(void)state;
	http_stop(&http);
	assert_int_equal(open_with(pay, "wechat_native", &o, url, 512, NULL), ERR_UNKNOWN);
	assert_sms(sms(notice, "13800000007", "login_code", "{\"code\":\"1\"}"), NOTICE_REFUSED,
		"no_connection", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_native_way),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_h5_way),
		cmocka_unit_test(test_wrong_callers),
		cmocka_unit_test(test_payer_address),
		cmocka_unit_test(test_unknown_outcomes),
		cmocka_unit_test(test_slow_answer),
		cmocka_unit_test(test_notify_modes),
		cmocka_unit_test(test_wap_way),
		cmocka_unit_test(test_wap_tampered),
		cmocka_unit_test(test_alipay_unknown),
		cmocka_unit_test(test_sms_way),
		cmocka_unit_test(test_sms_refusals),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_nobody_there),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
