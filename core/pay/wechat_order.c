/* Native, H5 and JSAPI orders: open, ask, close. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "pay/wechat_inside.h"

#define DESCRIPTION_MAX 127
#define LINK_MAX 1024 /* bytes of a link for the payer, with its NUL */
#define OPENID_MAX 128

json_t *wechat_order_json(const struct wechat *w, const struct pay_order *o)
{
	char expire[BEIJING_TEXT_MAX];

	beijing_rfc3339(o->expires_at, expire);
	return json_pack("{s:s, s:s, s:s%, s:s, s:s, s:s, s:{s:I, s:s}}", "appid", w->app_id,
		"mchid", w->mch_id, "description", o->description,
		utf8_prefix(o->description, DESCRIPTION_MAX), "out_trade_no", o->out_trade_no,
		"time_expire", expire, "notify_url", w->notify_url, "amount", "total",
		(json_int_t)o->amount_fen, "currency", "CNY");
}

/* Sends the order and returns the one text of the answer that the payer needs. */
static enum err open_order(const struct wechat *w, const char *kind, const json_t *order,
	const char *member, struct utc now, int64_t deadline_ms, char out[static LINK_MAX],
	struct problem *why)
{
	AUTO(json_free) json_t *j = NULL;
	AUTO(text_free) char *body = json_text(order);
	const char *value = NULL;
	char url[384];
	enum err e;

	snprintf(url, sizeof(url), "%s/v3/pay/transactions/%s", w->api_base, kind);
	e = wechat_call_json(w, &(struct wechat_call){ .method = "POST", .url = url, .body = body },
		now, deadline_ms, &j, why);
	if (e != ERR_OK)
		return e;
	if (json_get_text(j, member, FIELD_REQUIRED, LINK_MAX - 1, &value, why) != ERR_OK)
		return ERR_UNKNOWN;
	return str_copy(out, LINK_MAX, value) ? ERR_OK : ERR_UNKNOWN;
}

static enum err no_utf8(struct problem *why)
{
	return problem_set(why, ERR_BAD_VALUE, "description", "no UTF-8");
}

/* ---- Native ---- */

enum err wechat_open_native(const struct pay *pay, const struct pay_channel *channel,
	const struct pay_order *o, struct utc now, int64_t deadline_ms, json_t **out,
	struct problem *why)
{
	AUTO(json_free) json_t *order = NULL;
	char code_url[LINK_MAX];
	enum err e;

	(void)channel;
	if (!pay->wechat)
		return wechat_not_configured(why);
	order = wechat_order_json(pay->wechat, o);
	if (!order)
		return no_utf8(why);
	e = open_order(pay->wechat, "native", order, "code_url", now, deadline_ms, code_url, why);
	if (e != ERR_OK)
		return e;
	if (!str_starts(code_url, "weixin://"))
		return problem_set(why, ERR_UNKNOWN, "code_url", "no weixin:// address");
	*out = json_pack("{s:s}", "code_url", code_url);
	return ERR_OK;
}

/* ---- H5 ---- */

static bool is_loopback(const char *ip)
{
	return str_starts(ip, "127.") || str_eq(ip, "::1");
}

static bool is_ip(const char *text)
{
	unsigned char bin[16];

	return inet_pton(AF_INET, text, bin) == 1 || inet_pton(AF_INET6, text, bin) == 1;
}

/* The service refuses loopback addresses; a demo on one machine says what to tell instead. */
static enum err add_scene(
	const struct wechat *w, const struct pay_order *o, json_t *order, struct problem *why)
{
	const char *ip = o->payer_ip ? o->payer_ip : "";

	if (is_loopback(ip) && w->local_payer_ip[0])
		ip = w->local_payer_ip;
	if (!is_ip(ip))
		return problem_set(why, ERR_BAD_VALUE, "payer_ip", "no IP address");
	ASSERT(json_object_set_new(order, "scene_info",
		       json_pack("{s:s, s:{s:s}}", "payer_client_ip", ip, "h5_info", "type",
			       "Wap")) == 0);
	return ERR_OK;
}

enum err wechat_open_h5(const struct pay *pay, const struct pay_channel *channel,
	const struct pay_order *o, struct utc now, int64_t deadline_ms, json_t **out,
	struct problem *why)
{
	AUTO(json_free) json_t *order = NULL;
	AUTO(buf_free) struct buf full = { 0 };
	char h5_url[LINK_MAX];
	enum err e;

	(void)channel;
	if (!pay->wechat)
		return wechat_not_configured(why);
	order = wechat_order_json(pay->wechat, o);
	if (!order)
		return no_utf8(why);
	e = add_scene(pay->wechat, o, order, why);
	if (e == ERR_OK)
		e = open_order(pay->wechat, "h5", order, "h5_url", now, deadline_ms, h5_url, why);
	if (e != ERR_OK)
		return e;
	if (!is_browser_url(h5_url))
		return problem_set(why, ERR_UNKNOWN, "h5_url", "no http(s) address");
	buf_adds(&full, h5_url);
	if (o->return_url) {
		buf_adds(&full, strchr(h5_url, '?') ? "&redirect_url=" : "?redirect_url=");
		percent_encode(o->return_url, &full);
	}
	*out = json_pack("{s:s}", "h5_url", full.text);
	return ERR_OK;
}

/* ---- JSAPI ---- */

static enum err check_openid(const char *id, struct problem *why)
{
	size_t n = id ? strlen(id) : 0;

	if (n == 0)
		return problem_set(why, ERR_BAD_VALUE, "payer_id",
			"the payer's openid is needed: log in inside WeChat first");
	if (n > OPENID_MAX || strspn(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "abcdefghijklmnopqrstuvwxyz_-") != n)
		return problem_set(why, ERR_BAD_VALUE, "payer_id", "no openid");
	return ERR_OK;
}

void wechat_jsapi_message(const char *app_id, const char *timestamp, const char *nonce,
	const char *prepay_id, struct buf *out)
{
	buf_printf(out, "%s\n%s\n%s\nprepay_id=%s\n", app_id, timestamp, nonce, prepay_id);
}

static enum err sign_for_page(const struct wechat *w, const char *prepay_id, struct utc now,
	json_t **out, struct problem *why)
{
	AUTO(buf_free) struct buf message = { 0 };
	AUTO(buf_free) struct buf sign = { 0 };
	AUTO(buf_free) struct buf package = { 0 };
	char timestamp[24], nonce[33];

	snprintf(timestamp, sizeof(timestamp), "%lld", (long long)(now.ms / 1000));
	rand_hex(nonce, 16);
	wechat_jsapi_message(w->app_id, timestamp, nonce, prepay_id, &message);
	if (crypt_sign(w->private_key, message.text, message.len, &sign) != ERR_OK)
		return problem_set(why, ERR_UNKNOWN, "", "the page's call could not be signed");
	buf_printf(&package, "prepay_id=%s", prepay_id);
	*out = json_pack("{s:{s:s, s:s, s:s, s:s, s:s, s:s}}", "jsapi", "appId", w->app_id,
		"timeStamp", timestamp, "nonceStr", nonce, "package", package.text, "signType",
		"RSA", "paySign", sign.text);
	return *out ? ERR_OK : problem_set(why, ERR_UNKNOWN, "prepay_id", "no UTF-8");
}

enum err wechat_open_jsapi(const struct pay *pay, const struct pay_channel *channel,
	const struct pay_order *o, struct utc now, int64_t deadline_ms, json_t **out,
	struct problem *why)
{
	AUTO(json_free) json_t *order = NULL;
	char prepay_id[LINK_MAX];
	enum err e;

	(void)channel;
	if (!pay->wechat)
		return wechat_not_configured(why);
	e = check_openid(o->payer_id, why);
	if (e != ERR_OK)
		return e;
	order = wechat_order_json(pay->wechat, o);
	if (!order)
		return no_utf8(why);
	ASSERT(json_object_set_new(order, "payer", json_pack("{s:s}", "openid", o->payer_id)) == 0);
	e = open_order(pay->wechat, "jsapi", order, "prepay_id", now, deadline_ms, prepay_id, why);
	if (e != ERR_OK)
		return e;
	if (strcspn(prepay_id, "\n\r") != strlen(prepay_id) || !prepay_id[0])
		return problem_set(why, ERR_UNKNOWN, "prepay_id", "no prepay_id");
	return sign_for_page(pay->wechat, prepay_id, now, out, why);
}

/* ---- query and close ---- */

static void set_not_exist(struct pay_event *out, const char *out_trade_no)
{
	*out = (struct pay_event){ .state = PAY_NOT_EXIST };
	(void)!str_copy(out->out_trade_no, sizeof(out->out_trade_no), out_trade_no);
	(void)!str_copy(out->service_state, sizeof(out->service_state), "ORDER_NOT_EXIST");
}

enum err wechat_query(const struct pay *pay, const char *out_trade_no, struct utc now,
	int64_t deadline_ms, struct pay_event *out, struct problem *why)
{
	AUTO(json_free) json_t *j = NULL;
	const struct wechat *w = pay->wechat;
	struct problem said = { 0 };
	struct pay_event ev = { 0 };
	char url[512];
	enum err e;

	if (!w)
		return wechat_not_configured(why);
	snprintf(url, sizeof(url), "%s/v3/pay/transactions/out-trade-no/%s?mchid=%s", w->api_base,
		out_trade_no, w->mch_id);
	e = wechat_call_json(w, &(struct wechat_call){ .method = "GET", .url = url }, now,
		deadline_ms, &j, &said);
	if (e == ERR_REFUSED && wechat_code_is(said.field, "ORDERNOTEXIST")) {
		set_not_exist(out, out_trade_no);
		return ERR_OK;
	}
	if (e != ERR_OK)
		return problem_set(why, e, said.field, "%s", said.text);
	if (wechat_read_transaction(w, j, &ev, why) != ERR_OK)
		return ERR_UNKNOWN;
	if (!str_eq(ev.out_trade_no, out_trade_no))
		return problem_set(why, ERR_UNKNOWN, "out_trade_no", "the answer to another");
	*out = ev;
	return ERR_OK;
}

enum err wechat_close(const struct pay *pay, const char *out_trade_no, struct utc now,
	int64_t deadline_ms, struct problem *why)
{
	AUTO(web_answer_free) struct web_answer a = { 0 };
	const struct wechat *w = pay->wechat;
	struct problem said = { 0 };
	char url[512], body[64];
	enum err e;

	if (!w)
		return wechat_not_configured(why);
	snprintf(url, sizeof(url), "%s/v3/pay/transactions/out-trade-no/%s/close", w->api_base,
		out_trade_no);
	snprintf(body, sizeof(body), "{\"mchid\":\"%s\"}", w->mch_id);
	e = wechat_call(w, &(struct wechat_call){ .method = "POST", .url = url, .body = body }, now,
		deadline_ms, &a, &said);
	return e == ERR_OK ? ERR_OK : problem_set(why, e, said.field, "%s", said.text);
}
