#include "pay_wechat_fixture.h"

#include "cmock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WAIT_S 20

struct wx_world wx = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void receive(const struct http_request *req, struct http_reply *reply, bool refund_path)
{
	struct pay_headers h = { .content_type = http_header(req, "Content-Type"),
		.serial = http_header(req, "Wechatpay-Serial"),
		.timestamp = http_header(req, "Wechatpay-Timestamp"),
		.nonce = http_header(req, "Wechatpay-Nonce"),
		.signature = http_header(req, "Wechatpay-Signature") };
	struct wx_seen s = { .refund_path = refund_path };
	struct pay *merchant;
	struct utc now = utc_now();
	size_t n;
	const char *body = http_body(req, &n);

	pthread_mutex_lock(&wx.lock);
	merchant = wx.receiver;
	now.ms += wx.shift_ms;
	pthread_mutex_unlock(&wx.lock);
	s.e = pay_notify_wechat_any(merchant, &h, body, n, now, &s.notify, NULL);
	pthread_mutex_lock(&wx.lock);
	if (wx.n < SEEN_MAX)
		wx.seen[wx.n++] = s;
	pthread_cond_broadcast(&wx.changed);
	pthread_mutex_unlock(&wx.lock);
	http_answer(reply, s.e == ERR_OK ? 204 : err_http(s.e), "application/json", "", 0);
}

static void on_payment(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	(void)ctx;
	receive(req, reply, false);
}

static void on_refund(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	(void)ctx;
	receive(req, reply, true);
}

static const struct http_route routes[] = {
	{ "POST", PAY_NOTIFY_PATH_WECHAT, on_payment },
	{ "POST", PAY_NOTIFY_PATH_WECHAT_REFUND, on_refund },
};

/* What yufu-sim prints for this base. */
static void settings(const char *base, struct buf *out)
{
	char path[128];
	int keep, file;

	fflush(stdout);
	keep = dup(STDOUT_FILENO);
	snprintf(path, sizeof(path), "%s/printed", wx.files.dir);
	file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ASSERT(keep >= 0 && file >= 0 && dup2(file, STDOUT_FILENO) >= 0);
	svc_print_settings(wx.files.dir, base, base);
	fflush(stdout);
	ASSERT(dup2(keep, STDOUT_FILENO) >= 0);
	close(keep);
	close(file);
	ASSERT(file_read(path, 65536, out) == ERR_OK);
}

static bool begins(const char *line, const char *with)
{
	return with && str_starts(line, with);
}

struct pay *wx_merchant(const char *without, const char *and_without)
{
	AUTO(buf_free) struct buf all = { 0 };
	AUTO(buf_free) struct buf ini = { 0 };
	AUTO(conf_free) struct conf *conf = NULL;
	struct pay *p;
	char *save = NULL;

	settings(wx.base, &all);
	for (char *line = strtok_r(all.text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (!begins(line, without) && !begins(line, and_without))
			buf_printf(&ini, "%s\n", line);
	conf = files_conf(&wx.files, ini.text);
	pay_load(conf, &p);
	ASSERT(!pay_off(p, "wechat"));
	return p;
}

void wx_receive(struct pay *merchant, int64_t shift_ms)
{
	pthread_mutex_lock(&wx.lock);
	wx.receiver = merchant;
	wx.shift_ms = shift_ms;
	pthread_mutex_unlock(&wx.lock);
}

int wx_setup(void **state)
{
	AUTO(buf_free) struct buf ini = { 0 };
	struct problem why = { 0 };

	(void)state;
	files_make(&wx.files);
	ASSERT(svc_make_keys(wx.files.dir, NULL) == ERR_OK);
	settings("http://127.0.0.1:9", &ini);
	wx.sim_conf = files_conf(&wx.files, ini.text);
	ASSERT(http_open("127.0.0.1:0", &wx.http, &why) == ERR_OK);
	if (svc_start(wx.sim_conf, wx.http, &wx.svc, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	http_add_routes(wx.http, routes, ARRAY_LEN(routes), NULL);
	ASSERT(http_start(wx.http, &why) == ERR_OK);
	snprintf(wx.base, sizeof(wx.base), "http://127.0.0.1:%u", http_port(wx.http));
	wx.pay = wx_merchant(NULL, NULL);
	wx_receive(wx.pay, 0);
	return 0;
}

int wx_teardown(void **state)
{
	(void)state;
	http_stop(&wx.http);
	svc_stop(&wx.svc);
	pay_free(&wx.pay);
	conf_free(&wx.sim_conf);
	files_remove(&wx.files);
	return 0;
}

int64_t wx_soon(void)
{
	return mono_ms() + 10000;
}

struct pay_order wx_order(char no[static 33])
{
	static int serial;

	snprintf(no, 33, "YFWX%08d", ++serial);
	return (struct pay_order){ .out_trade_no = no,
		.amount_fen = 5000,
		.description = "A-103 好味面馆, 电费充值",
		.expires_at = { (utc_now().ms / 1000 + 1800) * 1000 },
		.payer_ip = "203.0.113.7",
		.payer_id = "oSandbox_payer-0000000000001" };
}

enum err wx_open(const struct pay *p, const char *channel, const struct pay_order *o,
	char value[static 512], struct problem *why)
{
	AUTO(json_free) json_t *out = NULL;
	enum err e = pay_open(p, pay_channel_find(channel), o, utc_now(), wx_soon(), &out, why);
	const char *key;
	json_t *v;

	if (e != ERR_OK)
		return e;
	json_object_foreach(out, key, v)
	{
		if (json_is_string(v))
			assert_true(str_copy(value, 512, json_string_value(v)));
	}
	return ERR_OK;
}

int wx_fetch(const char *target, const char *body, const char *type, char where[static 512])
{
	AUTO(web_answer_free) struct web_answer a = { 0 };
	AUTO(buf_free) struct buf url = { 0 };
	const char *location;

	buf_printf(&url, "%s%s", wx.base, target);
	assert_int_equal(web_call(&(struct web_request){ .method = body ? "POST" : "GET",
					  .url = url.text,
					  .headers = { type },
					  .body = body,
					  .body_len = body ? strlen(body) : 0,
					  .deadline_ms = wx_soon() },
				 &a, NULL),
		ERR_OK);
	location = web_header(&a, "Location");
	assert_true(str_copy(where, 512, location ? location : ""));
	return a.status;
}

void wx_pay_code(const char *token)
{
	char body[128], where[512];

	snprintf(body, sizeof(body), "token=%.40s&action=pay", token);
	assert_int_equal(wx_fetch("/sandbox/pay", body,
				 "Content-Type: application/x-www-form-urlencoded", where),
		200);
}

void wx_pay(char no[static 33])
{
	struct pay_order o = wx_order(no);
	char url[512];

	assert_int_equal(wx_open(wx.pay, "wechat_native", &o, url, NULL), ERR_OK);
	wx_pay_code(strstr(url, "pr=") + 3);
}

struct pay_event wx_ask(const char *no)
{
	struct pay_event ev = { 0 };
	struct problem why = { 0 };

	if (pay_query(wx.pay, "wechat", no, utc_now(), wx_soon(), &ev, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	return ev;
}

void wx_mode(const char *name, int count)
{
	char body[160], where[512];

	snprintf(body, sizeof(body), "{\"service\":\"wechat\",\"mode\":\"%s\"%s%.0d}", name,
		count ? ",\"count\":" : "", count);
	assert_int_equal(
		wx_fetch("/sim/services", body, "Content-Type: application/json", where), 200);
}

void wx_command(const char *json)
{
	char where[512];

	assert_int_equal(
		wx_fetch("/sim/services/wechat", json, "Content-Type: application/json", where),
		200);
}

size_t wx_count(void)
{
	size_t n;

	pthread_mutex_lock(&wx.lock);
	n = wx.n;
	pthread_mutex_unlock(&wx.lock);
	return n;
}

/* With the lock held. */
static bool wait_more(const struct timespec *until)
{
	return pthread_cond_timedwait(&wx.changed, &wx.lock, until) == 0;
}

static struct timespec limit(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_S;
	return until;
}

struct wx_seen wx_wait(const char *out_trade_no, enum pay_notify_kind kind, size_t n)
{
	struct timespec until = limit();
	struct wx_seen last = { .e = ERR_TIMEOUT };
	size_t found;

	pthread_mutex_lock(&wx.lock);
	do {
		found = 0;
		for (size_t i = 0; i < wx.n; i++)
			if (wx.seen[i].e == ERR_OK && wx.seen[i].notify.kind == kind &&
				str_eq(wx.seen[i].notify.payment.out_trade_no, out_trade_no)) {
				found++;
				last = wx.seen[i];
			}
	} while (found < n && wait_more(&until));
	pthread_mutex_unlock(&wx.lock);
	if (found < n)
		fail_msg("%zu notifies of %s, not %zu", found, out_trade_no, n);
	return last;
}

struct wx_seen wx_wait_err(size_t from, enum err e)
{
	struct timespec until = limit();
	struct wx_seen last = { .e = ERR_TIMEOUT };
	bool found = false;

	pthread_mutex_lock(&wx.lock);
	do {
		for (size_t i = from; i < wx.n && !found; i++)
			if (wx.seen[i].e == e) {
				found = true;
				last = wx.seen[i];
			}
	} while (!found && wait_more(&until));
	pthread_mutex_unlock(&wx.lock);
	if (!found)
		fail_msg("no notify ended with %s", err_word(e));
	return last;
}
