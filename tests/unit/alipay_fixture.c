#include "alipay_fixture.h"

#include "cmock.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sim/svc.h"
#include "web/form.h"
#include "web/web.h"

#define WAIT_S 20
#define SEEN_MAX 256

static struct seen {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	const struct pay *pay;
	size_t n;
	enum err e[SEEN_MAX];
	struct pay_event events[SEEN_MAX];
} seen = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, .n = 0 };

static struct http *http;
static struct svc *svc;

static void on_notify(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	struct pay_event ev = { 0 };
	size_t n;
	const char *body = http_body(req, &n);
	enum err e =
		pay_notify_alipay(seen.pay, http_header(req, "Content-Type"), body, n, &ev, NULL);
	const char *word = e == ERR_OK ? PAY_ALIPAY_SUCCESS : PAY_ALIPAY_FAIL;

	(void)ctx;
	pthread_mutex_lock(&seen.lock);
	if (seen.n < SEEN_MAX) {
		seen.e[seen.n] = e;
		seen.events[seen.n++] = ev;
	}
	pthread_cond_broadcast(&seen.changed);
	pthread_mutex_unlock(&seen.lock);
	http_answer(reply, 200, "text/plain", word, strlen(word));
}

static const struct http_route routes[] = {
	{ "POST", PAY_NOTIFY_PATH_ALIPAY, on_notify },
};

int64_t soon(void)
{
	return mono_ms() + 10000;
}

/* ---- start and stop ---- */

static void cert_lines(const struct stage *s, struct buf *out)
{
	buf_printf(out,
		"app_cert_file=%1$s/alipay_app_cert.pem\nalipay_cert_file=%1$s/alipay_cert.pem\n"
		"alipay_root_cert_file=%1$s/alipay_root_cert.pem\n",
		s->files.dir);
}

static void open_sim_conf(struct stage *s, bool by_cert)
{
	AUTO(buf_free) struct buf ini = { 0 };

	buf_adds(&ini,
		"[wechat_pay]\nmch_id=1900000109\napp_id=wx8888888888888888\nserial=5157F09EFDC0\n"
		"public_key_id=PUB_KEY_ID_01\n[aliyun_sms]\naccess_key_id=LTAItest\n"
		"sign_name=测试\n[alipay]\napp_id=2021000000000109\nseller_id=2088000000000109\n");
	if (by_cert)
		cert_lines(s, &ini);
	buf_printf(&ini,
		"[sim]\npublic_base=http://pay.example\nstate_dir=%1$s\n"
		"wechat_merchant_public_key_file=%1$s/wechat_merchant_public.pem\n"
		"wechat_platform_private_key_file=%1$s/wechat_platform_private.pem\n"
		"alipay_app_public_key_file=%1$s/alipay_app_public.pem\n"
		"alipay_private_key_file=%1$s/alipay_private.pem\n"
		"alipay_next_private_key_file=%1$s/alipay_next_private.pem\n"
		"alipay_next_cert_file=%1$s/alipay_next_cert.pem\n"
		"api_v3_key_file=%1$s/wechat_api_v3_key\n"
		"access_key_secret_file=%1$s/aliyun_access_key_secret\n",
		s->files.dir);
	s->sim_conf = files_conf(&s->files, ini.text);
}

struct conf *stage_conf(const struct stage *s, const char *keys)
{
	AUTO(buf_free) struct buf ini = { 0 };

	buf_printf(&ini,
		"[alipay]\ngateway=%s/sandbox/alipay/gateway.do\napp_id=2021000000000109\n"
		"seller_id=2088000000000109\nnotify_base=%s\n%s",
		s->base, s->base, keys);
	return files_conf(&s->files, ini.text);
}

static void load(struct stage *s, bool by_cert)
{
	AUTO(buf_free) struct buf keys = { 0 };

	buf_printf(&keys, "private_key_file=%s/alipay_app_private.pem\n", s->files.dir);
	if (by_cert)
		cert_lines(s, &keys);
	else
		buf_printf(&keys, "alipay_public_key_file=%s/alipay_public.pem\n", s->files.dir);
	s->pay_conf = stage_conf(s, keys.text);
	pay_load(s->pay_conf, &s->pay);
	pay_load(s->pay_conf, &s->receiver);
	if (pay_off(s->pay, "alipay"))
		fail_msg("%s", pay_off(s->pay, "alipay")->text);
	seen.pay = s->receiver;
}

static void serve(struct stage *s)
{
	struct problem why = { 0 };

	assert_int_equal(http_open("127.0.0.1:0", &http, &why), ERR_OK);
	if (svc_start(s->sim_conf, http, &svc, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	http_add_routes(http, routes, ARRAY_LEN(routes), NULL);
	assert_int_equal(http_start(http, &why), ERR_OK);
	snprintf(s->base, sizeof(s->base), "http://127.0.0.1:%u", http_port(http));
}

void stage_open(struct stage *s, bool by_cert)
{
	files_make(&s->files);
	assert_int_equal(svc_make_keys(s->files.dir, NULL), ERR_OK);
	open_sim_conf(s, by_cert);
	serve(s);
	load(s, by_cert);
}

static void stop(struct stage *s)
{
	http_stop(&http);
	svc_stop(&svc);
	pay_free(&s->pay);
	pay_free(&s->receiver);
	conf_free(&s->pay_conf);
}

void stage_close(struct stage *s)
{
	stop(s);
	conf_free(&s->sim_conf);
	files_remove(&s->files);
}

void stage_restart(struct stage *s)
{
	bool by_cert = conf_text(s->pay_conf, "alipay", "app_cert_file", NULL) != NULL;

	stop(s);
	serve(s);
	load(s, by_cert);
}

/* ---- the payer's side ---- */

struct pay_order stage_order(char no[static 33])
{
	static int serial;

	snprintf(no, 33, "YFALI%08d", ++serial);
	return (struct pay_order){ .out_trade_no = no,
		.amount_fen = 5000,
		.description = "A-103 好味面馆 电费充值",
		.expires_at = { (utc_now().ms / 1000 + 1800) * 1000 } };
}

enum err stage_try(const struct stage *s, const char *channel, const struct pay_order *o,
	char url[static 4096], struct problem *why)
{
	AUTO(json_free) json_t *out = NULL;
	enum err e = pay_open(s->pay, pay_channel_find(channel), o, utc_now(), soon(), &out, why);
	const char *key;
	json_t *value;

	if (e != ERR_OK)
		return e;
	json_object_foreach(out, key, value)
	{
		assert_true(str_copy(url, 4096, json_string_value(value)));
	}
	return ERR_OK;
}

int stage_fetch(const char *url, const char *body, const char *type, char where[static 600],
	struct buf *text)
{
	AUTO(web_answer_free) struct web_answer a = { 0 };
	const char *location;
	struct problem why = { 0 };

	if (web_call(&(struct web_request){ .method = body ? "POST" : "GET",
			     .url = url,
			     .headers = { type },
			     .body = body,
			     .body_len = body ? strlen(body) : 0,
			     .deadline_ms = soon() },
		    &a, &why) != ERR_OK)
		fail_msg("%s: %s", url, why.text);
	location = web_header(&a, "Location");
	assert_true(str_copy(where, 600, location ? location : ""));
	if (text)
		buf_add(text, a.body.text, a.body.len);
	return a.status;
}

static const char *after(const char *text, const char *mark)
{
	const char *at = strstr(text, mark);

	if (!at)
		fail_msg("no %s in %s", mark, text);
	return at + strlen(mark);
}

void stage_visit(const struct stage *s, const char *url, char token[static 40])
{
	char where[600], page[700];

	if (!str_starts(url, "http://pay.example")) { /* signed: leads to the page */
		assert_int_equal(stage_fetch(url, NULL, NULL, where, NULL), 303);
		url = where;
	}
	snprintf(token, 40, "%s", after(url, "token="));
	snprintf(page, sizeof(page), "%s%s", s->base, after(url, "http://pay.example"));
	assert_int_equal(stage_fetch(page, NULL, NULL, (char[600]){ 0 }, NULL), 200);
}

int stage_press(const struct stage *s, const char *token)
{
	char url[128], body[128], where[600];

	snprintf(url, sizeof(url), "%s/sandbox/pay", s->base);
	snprintf(body, sizeof(body), "token=%s&action=pay", token);
	return stage_fetch(
		url, body, "Content-Type: application/x-www-form-urlencoded", where, NULL);
}

struct pay_order stage_paid(const struct stage *s, char no[static 33])
{
	struct pay_order o = stage_order(no);
	char url[4096], token[40];
	struct pay_event ev;

	assert_int_equal(stage_try(s, "alipay_wap", &o, url, NULL), ERR_OK);
	stage_visit(s, url, token);
	assert_int_equal(stage_press(s, token), 200);
	assert_int_equal(stage_wait(no, 1, &ev), 1);
	return o;
}

void stage_mode(const struct stage *s, const char *name, int count, int value)
{
	AUTO(buf_free) struct buf body = { 0 };
	char url[128], where[600];

	snprintf(url, sizeof(url), "%s/sim/services", s->base);
	buf_printf(&body, "{\"service\":\"alipay\",\"mode\":\"%s\"", name);
	if (count)
		buf_printf(&body, ",\"count\":%d", count);
	if (value)
		buf_printf(&body, ",\"value\":%d", value);
	buf_adds(&body, "}");
	assert_int_equal(
		stage_fetch(url, body.text, "Content-Type: application/json", where, NULL), 200);
}

/* ---- the receiver's side ---- */

static size_t matching(const char *no, enum err e, struct pay_event *last)
{
	size_t found = 0;

	for (size_t i = 0; i < seen.n; i++)
		if (seen.e[i] == e && (!no || str_eq(seen.events[i].out_trade_no, no))) {
			found++;
			if (last)
				*last = seen.events[i];
		}
	return found;
}

static size_t wait_for(const char *no, enum err e, size_t n, struct pay_event *last)
{
	struct timespec until;
	size_t found;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_S;
	pthread_mutex_lock(&seen.lock);
	do
		found = matching(no, e, last);
	while (found < n && pthread_cond_timedwait(&seen.changed, &seen.lock, &until) == 0);
	pthread_mutex_unlock(&seen.lock);
	return found;
}

size_t stage_wait(const char *out_trade_no, size_t n, struct pay_event *last)
{
	return wait_for(out_trade_no, ERR_OK, n, last);
}

size_t stage_wait_refused(enum err e, size_t n)
{
	return wait_for(NULL, e, n, NULL);
}
