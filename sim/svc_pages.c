/* Pages of the sandbox for people: pay, inbox of short messages, an index. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/svc_pages.h"
#include "sim/svc_state.h"

#define H5_LINK_MS (5 * 60000)
#define ALIPAY_QR_MS (2 * 3600000) /* a code to scan, of Alipay */
#define LIST_MAX 100

static const char head[] =
	"<!doctype html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\">"
	"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
	"<title>%s</title><style>"
	":root{color-scheme:light dark;--bg:#f4f6f5;--card:#fff;--ink:#15221c;--dim:#66756d;"
	"--line:#e2e8e4;--go:#087a48;--link:#087a48}"
	"@media(prefers-color-scheme:dark){:root{--bg:#101613;--card:#19211d;--ink:#e9f1ec;"
	"--dim:#93a39a;--line:#2a352f;--go:#0b8450;--link:#3fd08e}}"
	"*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);"
	"font:16px/1.6 system-ui,-apple-system,\"PingFang SC\",\"Noto Sans CJK SC\",sans-serif}"
	"main{max-width:560px;margin:0 auto;padding:24px 16px 48px}"
	".tag{display:inline-block;padding:2px 10px;border-radius:99px;background:#b3541e;"
	"color:#fff;font-size:13px}"
	"h1{font-size:22px;margin:14px 0 4px}h2{font-size:17px;margin:28px 0 8px}"
	"p{margin:4px 0;color:var(--dim)}"
	".card{background:var(--card);border:1px solid var(--line);border-radius:14px;"
	"padding:18px;margin:14px 0}"
	".sum{font-size:44px;font-weight:650;margin:6px 0;color:var(--ink);"
	"font-variant-numeric:tabular-nums}"
	"dl{display:grid;grid-template-columns:auto 1fr;gap:4px 16px;margin:12px 0 0}"
	"dt{color:var(--dim)}dd{margin:0;text-align:right;overflow-wrap:anywhere}"
	"button,.button{display:block;width:100%%;min-height:50px;border:0;border-radius:12px;"
	"font:inherit;font-weight:600;margin:12px 0 0;cursor:pointer;text-align:center;"
	"text-decoration:none;line-height:50px;color:#fff;background:var(--go)}"
	"button:focus-visible,a:focus-visible{outline:3px solid #3b82f6;outline-offset:2px}"
	"button.plain{background:transparent;color:var(--dim);border:1px solid var(--line)}"
	".row{display:flex;justify-content:space-between;gap:12px}"
	"a{color:var(--link)}.code{font-size:26px;font-weight:650;letter-spacing:3px}"
	"</style></head><body><main><span class=\"tag\">沙箱 · 不是真的付款</span>";
static const char tail[] = "</main></body></html>";

/* ---- text ---- */

static void escape(const char *text, struct buf *out)
{
	static const struct {
		char c;
		const char *entity;
	} entities[] = { { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" },
		{ '\'', "&#39;" } };

	for (const char *s = text; *s; s++) {
		const char *entity = NULL;

		for (size_t i = 0; i < ARRAY_LEN(entities); i++)
			if (entities[i].c == *s)
				entity = entities[i].entity;
		if (entity)
			buf_adds(out, entity);
		else
			buf_add(out, s, 1);
	}
}

static void begin(struct buf *b, const char *title)
{
	const char *cut = strstr(head, "%s");

	buf_add(b, head, (size_t)(cut - head));
	escape(title, b);
	for (const char *s = cut + 2; *s; s++) /* %% of the style sheet */
		if (s[0] != '%' || s[1] != '%')
			buf_add(b, s, 1);
	buf_adds(b, "<h1>");
	escape(title, b);
	buf_adds(b, "</h1>");
}

static void finish(struct buf *b, int status, struct http_reply *reply)
{
	buf_adds(b, tail);
	http_add_header(reply, "Cache-Control", "no-store");
	http_add_header(reply, "Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
	http_answer(reply, status, "text/html; charset=utf-8", b->text, b->len);
}

static void paragraph(struct buf *b, const char *text)
{
	buf_adds(b, "<p>");
	escape(text, b);
	buf_adds(b, "</p>");
}

static void pair(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, "<dt>%s</dt><dd>", name);
	escape(value, b);
	buf_adds(b, "</dd>");
}

static void hidden(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, "<input type=\"hidden\" name=\"%s\" value=\"", name);
	escape(value, b);
	buf_adds(b, "\">");
}

void svc_page_error(struct http_reply *reply, int status, const char *title, const char *text)
{
	AUTO(buf_free) struct buf b = { 0 };

	begin(&b, title);
	paragraph(&b, text);
	buf_adds(&b, "<a class=\"button\" href=\"/sandbox/\">沙箱首页</a>");
	finish(&b, status, reply);
}

/* For the pages of other stand-ins. */
void page_begin(struct buf *b, const char *title)
{
	begin(b, title);
}

void page_finish(struct buf *b, int status, struct http_reply *reply)
{
	finish(b, status, reply);
}

void page_paragraph(struct buf *b, const char *text)
{
	paragraph(b, text);
}

void page_pair(struct buf *b, const char *name, const char *value)
{
	pair(b, name, value);
}

void page_hidden(struct buf *b, const char *name, const char *value)
{
	hidden(b, name, value);
}

/* ---- pay ---- */

/* The order that an address, a scanned code or a form means. */
static const char *token_of(const struct http_request *req)
{
	static const char scan[] = "weixin://wxpay/bizpayurl?pr=";
	const char *code = http_query(req, "code_url"), *t = http_query(req, "token");

	if (code)
		return str_starts(code, scan) ? code + sizeof(scan) - 1 : "";
	if (!t)
		t = http_query(req, "prepay_id");
	if (t && str_starts(t, "wx")) /* of JSAPI */
		t += 2;
	return t ? t : "";
}

static const char *service_name(const json_t *order)
{
	return str_eq(svc_text(order, "service"), "alipay") ? "支付宝" : "微信支付";
}

/* Origin "http://host:port" of an address, or "" if it is none. */
static void origin_of(const char *url, char out[static 256])
{
	size_t n;

	out[0] = '\0';
	if (!str_starts(url, "http://") && !str_starts(url, "https://"))
		return;
	n = (size_t)(strstr(url, "://") + 3 - url);
	n += strcspn(url + n, "/?#\\@");
	if (n < 256 && url[n] != '@' && url[n] != '\\') {
		memcpy(out, url, n);
		out[n] = '\0';
	}
}

/* A browser is only ever sent back to the site itself. */
static bool may_return(const struct svc *s, const struct http_request *req, const char *url)
{
	const char *host = http_header(req, "Host");
	char theirs[256], ours[256];

	origin_of(url, theirs);
	origin_of(s->public_base, ours);
	if (!theirs[0])
		return false;
	return str_eq(theirs, ours) || (host && str_eq(strstr(theirs, "://") + 3, host));
}

static const char *redirect_of(
	const struct svc *s, const struct http_request *req, const json_t *order, const char *asked)
{
	const char *url = asked && asked[0] ? asked : svc_text(order, "return_url");

	return url[0] && may_return(s, req, url) ? url : NULL;
}

static void order_card(struct buf *b, const json_t *order)
{
	char yuan[32];

	svc_yuan(svc_int(order, "amount_fen"), yuan);
	buf_printf(b, "<div class=\"card\"><p class=\"sum\">¥%s</p><dl>", yuan);
	pair(b, "支付方式", service_name(order));
	pair(b, "商品", svc_text(order, "description"));
	pair(b, "商户订单号", svc_text(order, "out_trade_no"));
	buf_adds(b, "</dl></div>");
}

static void pay_form(struct buf *b, const json_t *order, const char *redirect)
{
	order_card(b, order);
	buf_adds(b, "<form method=\"post\" action=\"/sandbox/pay\">");
	hidden(b, "token", svc_text(order, "token"));
	if (redirect)
		hidden(b, "redirect_url", redirect);
	buf_adds(b,
		"<button name=\"action\" value=\"pay\">支付</button>"
		"<button class=\"plain\" name=\"action\" value=\"cancel\">取消</button></form>");
}

static bool link_is_old(const json_t *order, struct utc now)
{
	const char *kind = svc_text(order, "kind");
	int64_t age = now.ms - svc_int(order, "token_ms");

	return (str_eq(kind, "h5") && age > H5_LINK_MS) ||
	       (str_eq(kind, "precreate") && age > ALIPAY_QR_MS);
}

static void draw_pay(struct buf *b, const json_t *order, const char *redirect, struct utc now)
{
	const char *state = svc_order_state(order, now);

	if (str_eq(state, "SUCCESS")) {
		begin(b, "已支付");
		order_card(b, order);
	} else if (str_eq(state, "CLOSED") || link_is_old(order, now)) {
		begin(b, "订单已失效");
		paragraph(b, "支付链接已过期或订单已关闭，请回到商户重新发起支付。");
	} else {
		begin(b, service_name(order));
		pay_form(b, order, redirect);
	}
}

void svc_page_pay(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	AUTO(buf_free) struct buf b = { 0 };
	struct svc *s = ctx;
	json_t *order;

	pthread_mutex_lock(&s->lock);
	order = svc_order_by_token(s, token_of(req));
	if (order) {
		if (!svc_int(order, "known") && !link_is_old(order, utc_now())) {
			/* the payer has logged in: the trade exists now */
			svc_set_int(order, "known", 1);
			svc_save(s);
		}
		draw_pay(&b, order, redirect_of(s, req, order, http_query(req, "redirect_url")),
			utc_now());
	}
	pthread_mutex_unlock(&s->lock);
	if (b.len)
		finish(&b, 200, reply);
	else
		svc_page_error(reply, 404, "找不到订单", "二维码或链接已失效。");
}

/* Where a form leads: back to the merchant, or to a page of ours. */
static void answer_posted(struct buf *page, const char *redirect, struct http_reply *reply)
{
	if (redirect) {
		http_add_header(reply, "Location", redirect);
		http_answer(reply, 303, "text/plain", "", 0);
	} else {
		finish(page, 200, reply);
	}
}

static void draw_posted(struct buf *b, const json_t *order, bool pay, bool ok)
{
	begin(b, !pay ? "已取消支付" : ok ? "支付成功" : "无法支付");
	if (pay && ok)
		order_card(b, order);
	else
		paragraph(b, pay ? "订单已支付过、已关闭或已过期。" : "没有扣款，可以关闭此页。");
}

void svc_page_pay_post(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	AUTO(form_free) struct form f = { .n = 0 };
	AUTO(buf_free) struct buf b = { 0 };
	struct svc *s = ctx;
	size_t n;
	const char *body = http_body(req, &n), *token, *action, *redirect = NULL;
	char where[2048] = "";
	json_t *order;
	bool ok, pay;

	if (form_decode(body, n, &f, NULL) != ERR_OK) {
		svc_page_error(reply, 400, "无法识别", "表单内容有误。");
		return;
	}
	token = form_get(&f, "token");
	action = form_get(&f, "action");
	pay = action && str_eq(action, "pay");
	pthread_mutex_lock(&s->lock);
	order = svc_order_by_token(s, token ? token : token_of(req));
	if (order) {
		ok = pay && !link_is_old(order, utc_now()) && svc_order_pay(s, order, utc_now());
		redirect = redirect_of(s, req, order, form_get(&f, "redirect_url"));
		/* a second press of the button goes on like the first */
		ok = ok || (pay && str_eq(svc_text(order, "state"), "SUCCESS"));
		if (redirect && (ok || !pay) && str_copy(where, sizeof(where), redirect))
			redirect = where;
		else
			redirect = NULL;
		draw_posted(&b, order, pay, ok);
	}
	pthread_mutex_unlock(&s->lock);
	if (b.len)
		answer_posted(&b, redirect, reply);
	else
		svc_page_error(reply, 404, "找不到订单", "二维码或链接已失效。");
}

/* ---- inbox and index ---- */

static const char *fate_name(const json_t *m)
{
	const char *fate = svc_text(m, "fate");

	return str_eq(fate, "delivered") ? "已送达"
	       : str_eq(fate, "failed")	 ? "未送达"
					 : "等待回执";
}

void svc_page_sms(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	AUTO(buf_free) struct buf b = { 0 };
	struct svc *s = ctx;
	const json_t *m;
	char when[40];
	size_t i;

	(void)req;
	begin(&b, "短信收件箱");
	paragraph(&b, "平台发出的短信都在这里，最新的在前。");
	pthread_mutex_lock(&s->lock);
	json_array_foreach(json_object_get(s->state, "sms"), i, m)
	{
		if (i == LIST_MAX)
			break;
		svc_beijing((struct utc){ svc_int(m, "at_ms") }, false, when);
		buf_adds(&b, "<div class=\"card\"><div class=\"row\"><strong>");
		escape(svc_text(m, "phone"), &b);
		buf_printf(&b,
			"</strong><span>%s</span></div><div class=\"row\"><span>%s "
			"%s</span><span>%s</span></div>",
			when, str_eq(svc_text(m, "service"), "tencent") ? "腾讯云" : "阿里云",
			svc_text(m, "template"), fate_name(m));
		if (svc_text(m, "code")[0]) {
			buf_adds(&b, "<div class=\"code\">");
			escape(svc_text(m, "code"), &b);
			buf_adds(&b, "</div>");
		}
		paragraph(&b, svc_text(m, "text"));
		buf_adds(&b, "</div>");
	}
	if (i == 0)
		paragraph(&b, "还没有短信。");
	pthread_mutex_unlock(&s->lock);
	buf_adds(&b, "<p><a href=\"/sandbox/\">沙箱首页</a></p>");
	finish(&b, 200, reply);
}

void svc_page_sms_json(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	const char *phone = http_query(req, "phone");
	struct svc *s = ctx;
	json_t *items = json_array(), *m;
	size_t i;

	pthread_mutex_lock(&s->lock);
	json_array_foreach(json_object_get(s->state, "sms"), i, m)
	{
		char at[UTC_TEXT_MAX];

		if (phone && !str_eq(phone, svc_text(m, "phone")))
			continue;
		utc_text((struct utc){ svc_int(m, "at_ms") }, at);
		json_array_append_new(
			items, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "service",
				       svc_text(m, "service"), "fate", svc_text(m, "fate"), "phone",
				       svc_text(m, "phone"), "text", svc_text(m, "text"), "code",
				       svc_text(m, "code"), "template", svc_text(m, "template"),
				       "out_id", svc_text(m, "out_id"), "at", at));
	}
	pthread_mutex_unlock(&s->lock);
	http_answer_json(reply, 200, json_pack("{s:o}", "items", items));
}

static json_t *order_row(const json_t *o, struct utc now)
{
	json_t *refunds = json_object_get(o, "refunds");
	json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s}", "service",
		svc_text(o, "service"), "kind", svc_text(o, "kind"), "out_trade_no",
		svc_text(o, "out_trade_no"), "state", svc_order_state(o, now), "amount_fen",
		(json_int_t)svc_int(o, "amount_fen"), "transaction_id",
		svc_text(o, "transaction_id"), "token", svc_text(o, "token"));

	if (refunds)
		json_object_set_new(row, "refunds", json_deep_copy(refunds));
	return row;
}

void svc_page_orders_json(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	struct svc *s = ctx;
	json_t *items = json_array(), *o;
	const char *key;
	size_t waiting;

	(void)req;
	pthread_mutex_lock(&s->lock);
	json_object_foreach(json_object_get(s->state, "orders"), key, o)
	{
		json_array_append_new(items, order_row(o, utc_now()));
	}
	waiting = json_array_size(json_object_get(s->state, "notifies"));
	pthread_mutex_unlock(&s->lock);
	http_answer_json(reply, 200,
		json_pack("{s:o, s:I}", "items", items, "notifies_waiting", (json_int_t)waiting));
}

void svc_page_info(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	(void)ctx;
	(void)req;
	http_answer_json(reply, 200, json_pack("{s:b}", "sandbox", 1));
}

static size_t list_open(struct buf *b, const struct svc *s, struct utc now)
{
	const char *key;
	size_t n = 0;
	json_t *o;

	json_object_foreach(json_object_get(s->state, "orders"), key, o)
	{
		char yuan[32];

		if (!str_eq(svc_order_state(o, now), "NOTPAY") || n == LIST_MAX)
			continue;
		svc_yuan(svc_int(o, "amount_fen"), yuan);
		buf_adds(b, "<div class=\"card\"><div class=\"row\"><span>");
		escape(svc_text(o, "description"), b);
		buf_printf(b,
			"</span><strong>¥%s</strong></div><div class=\"row\"><span>%s</span>"
			"<a href=\"/sandbox/pay?token=%s\">去支付</a></div></div>",
			yuan, service_name(o), svc_text(o, "token"));
		n++;
	}
	return n;
}

void svc_page_index(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	AUTO(buf_free) struct buf b = { 0 };
	struct svc *s = ctx;

	if (http_rest(req)[0]) {
		svc_page_error(reply, 404, "没有这一页", "请从沙箱首页进入。");
		return;
	}
	begin(&b, "支付与短信沙箱");
	paragraph(&b, "代替微信支付、支付宝和短信平台，仅供演示和测试。");
	buf_adds(&b, "<a class=\"button\" href=\"/sandbox/sms\">短信收件箱</a>"
		     "<a class=\"button\" "
		     "href=\"/sandbox/wechat-messages\">微信消息</a><h2>待支付订单</h2>");
	pthread_mutex_lock(&s->lock);
	if (list_open(&b, s, utc_now()) == 0)
		paragraph(&b, "没有待支付的订单。扫码支付的订单会出现在这里。");
	pthread_mutex_unlock(&s->lock);
	finish(&b, 200, reply);
}
