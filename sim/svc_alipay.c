/* Alipay's gateway as a merchant meets it: wap pay, query, close, notify. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/rand.h"
#include "sim/svc_state.h"
#include "web/web.h"

#define LEAST_LIFE_MS 60000
#define LIFE_MS (15 * INT64_C(86400000))

/* code, sub_code and words of a refusal; code "" is success. */
struct verdict {
	const char *code, *sub_code, *text;
};

static const struct verdict done = { "", "", "" };

static struct verdict refused(const char *sub_code, const char *text)
{
	return (struct verdict){ "40004", sub_code, text };
}

static struct verdict invalid(const char *sub_code, const char *text)
{
	return (struct verdict){ "40002", sub_code, text };
}

static bool is_done(const struct verdict *v)
{
	return !v->code[0];
}

/* ---- requests ---- */

struct call {
	struct form query, body, all; /* all borrows from the two */
	json_t *biz;
};

static void call_free(struct call *c)
{
	form_free(&c->query);
	form_free(&c->body);
	json_free(&c->biz);
}

static const char *param(const struct call *c, const char *name)
{
	const char *v = form_get(&c->all, name);

	return v ? v : "";
}

static bool merge(struct form *all, const struct form *part)
{
	for (size_t i = 0; i < part->n; i++)
		if (form_add(all, part->pairs[i].name, part->pairs[i].value) != ERR_OK)
			return false;
	return true;
}

/* Parameters may stand in the address and in the body, each once. */
static bool read_call(const struct http_request *req, struct call *c)
{
	const char *q = strchr(http_raw_target(req), '?');
	size_t n;
	const char *body = http_body(req, &n);

	if (q && form_decode(q + 1, strlen(q + 1), &c->query, NULL) != ERR_OK)
		return false;
	if (form_decode(body, n, &c->body, NULL) != ERR_OK)
		return false;
	return merge(&c->all, &c->query) && merge(&c->all, &c->body);
}

static struct verdict check_names(const struct call *c)
{
	static const char *const names[] = { "app_id", "method", "format", "charset", "sign_type",
		"sign", "timestamp", "version", "notify_url", "return_url", "app_auth_token",
		"biz_content" };

	for (size_t i = 0; i < c->all.n; i++) {
		bool known = false;

		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			known = known || str_eq(names[k], c->all.pairs[i].name);
		if (!known || !c->all.pairs[i].value[0])
			return invalid("isv.invalid-parameter", "参数无效");
	}
	return done;
}

static struct verdict check_signature(const struct svc *s, const struct call *c)
{
	AUTO(buf_free) struct buf content = { 0 };

	for (size_t i = 0; i < c->all.n; i++)
		if (!str_eq(c->all.pairs[i].name, "sign"))
			buf_printf(&content, "%s%s=%s", content.len ? "&" : "",
				c->all.pairs[i].name, c->all.pairs[i].value);
	if (!content.len ||
		crypt_verify(s->app_public, content.text, content.len, param(c, "sign")) != ERR_OK)
		return invalid("isv.invalid-signature",
			"验签出错, 请确认charset参数放在了URL查询字符串中");
	return done;
}

static bool is_time(const char *text)
{
	char rfc[40];
	struct utc t;

	if (strlen(text) != 19 || text[10] != ' ')
		return false;
	snprintf(rfc, sizeof(rfc), "%.10sT%s+08:00", text, text + 11);
	return utc_parse(rfc, &t) == ERR_OK;
}

static struct verdict check_call(const struct svc *s, struct call *c)
{
	struct verdict v = check_names(c);
	const char *charset = form_get(&c->query, "charset");

	if (!is_done(&v))
		return v;
	if (!str_eq(param(c, "app_id"), s->alipay_app_id))
		return invalid("isv.invalid-app-id", "无效的AppID参数");
	if (!str_eq(param(c, "sign_type"), "RSA2"))
		return invalid("isv.invalid-signature-type", "无效的签名类型");
	if (!charset || strcasecmp(charset, "utf-8") != 0)
		return invalid("isv.invalid-charset", "字符集错误");
	if (!str_eq(param(c, "version"), "1.0") || !is_time(param(c, "timestamp")))
		return invalid("isv.invalid-timestamp", "非法的时间戳参数");
	v = check_signature(s, c);
	if (!is_done(&v))
		return v;
	if (json_parse(param(c, "biz_content"), strlen(param(c, "biz_content")), &c->biz, NULL) !=
			ERR_OK ||
		!json_is_object(c->biz))
		return invalid("isv.invalid-parameter", "biz_content 不是 JSON 对象");
	return done;
}

/* ---- wap pay ---- */

static enum err fen_of(const char *yuan, int64_t *fen)
{
	struct money m;

	if (money_parse(yuan, &m) != ERR_OK || m.nano < NANO_PER_FEN || m.nano % NANO_PER_FEN != 0)
		return ERR_BAD_VALUE;
	*fen = m.nano / NANO_PER_FEN;
	return ERR_OK;
}

static enum err read_wap(const struct call *c, json_t **out)
{
	static const char *const names[] = { "out_trade_no", "total_amount", "subject", "body",
		"product_code", "seller_id", "quit_url", "time_expire", "timeout_express",
		"passback_params", NULL };
	const json_t *b = c->biz;
	const char *no = svc_text(b, "out_trade_no"), *expire = svc_text(b, "time_expire");
	const char *subject = svc_text(b, "subject");
	struct utc expires = { 0 };
	char rfc[40];
	int64_t fen = 0;

	if (json_only(b, names, NULL) != ERR_OK || !no[0] || strlen(no) > 64 ||
		strspn(no, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_") !=
			strlen(no))
		return ERR_BAD_VALUE;
	if (!subject[0] || strpbrk(subject, "/=&") ||
		!str_eq(svc_text(b, "product_code"), "QUICK_WAP_WAY") ||
		fen_of(svc_text(b, "total_amount"), &fen) != ERR_OK)
		return ERR_BAD_VALUE;
	if (expire[0]) {
		if (!is_time(expire))
			return ERR_BAD_VALUE;
		snprintf(rfc, sizeof(rfc), "%.10sT%s+08:00", expire, expire + 11);
		if (utc_parse(rfc, &expires) != ERR_OK)
			return ERR_BAD_VALUE;
	}
	*out = json_pack("{s:s, s:s, s:s, s:O, s:I, s:s, s:I, s:s, s:s, s:s, s:i}", "service",
		"alipay", "kind", "wap", "out_trade_no", no, "params", b, "amount_fen",
		(json_int_t)fen, "description", subject, "expires_ms", (json_int_t)expires.ms,
		"notify_url", param(c, "notify_url"), "return_url", param(c, "return_url"), "state",
		"NOTPAY", "known", 0);
	return ERR_OK;
}

/* With the lock held. */
static struct verdict open_again(json_t *old, const json_t *order, struct utc now)
{
	const char *state = svc_order_state(old, now);

	if (str_eq(state, "SUCCESS"))
		return refused("ACQ.TRADE_HAS_SUCCESS", "交易已被支付");
	if (str_eq(state, "CLOSED"))
		return refused("ACQ.TRADE_HAS_CLOSE", "交易已经关闭");
	if (!json_equal(json_object_get(old, "params"), json_object_get(order, "params")))
		return refused("ACQ.CONTEXT_INCONSISTENT", "交易信息被篡改");
	return done;
}

static struct verdict open_wap(
	struct svc *s, const struct call *c, struct utc now, char token[static 40])
{
	AUTO(json_free) json_t *order = NULL;
	struct verdict v = done;
	const char *seller = svc_text(c->biz, "seller_id");
	json_t *o;

	if (read_wap(c, &order) != ERR_OK || (seller[0] && !str_eq(seller, s->seller_id)))
		return refused("ACQ.INVALID_PARAMETER", "参数无效");
	pthread_mutex_lock(&s->lock);
	o = svc_order(s, SVC_ALIPAY, svc_text(order, "out_trade_no"));
	if (o) {
		v = open_again(o, order, now);
	} else {
		int64_t asked = svc_int(order, "expires_ms"), least = now.ms + LEAST_LIFE_MS;

		o = order;
		if (!asked)
			asked = now.ms + LIFE_MS;
		svc_set_int(o, "expires_ms", asked < least ? least : asked);
		svc_set_int(o, "created_ms", now.ms);
		svc_order_put(s, SVC_ALIPAY, json_incref(o));
	}
	if (is_done(&v)) {
		svc_order_new_token(o, now);
		snprintf(token, 40, "%s", svc_text(o, "token"));
		svc_save(s);
	}
	pthread_mutex_unlock(&s->lock);
	return v;
}

/* The browser comes here with the signed address and goes on to the pay page. */
static void wap_page(struct svc *s, const struct call *c, struct utc now, struct http_reply *reply)
{
	char token[40], where[600];
	struct verdict v = open_wap(s, c, now, token);

	if (!is_done(&v)) {
		svc_page_error(reply, 400, v.sub_code, v.text);
		return;
	}
	snprintf(where, sizeof(where), "%s/sandbox/pay?token=%s", s->public_base, token);
	http_add_header(reply, "Location", where);
	http_answer(reply, 303, "text/plain", "", 0);
}

/* ---- query and close ---- */

static const char *trade_status(const json_t *order, struct utc now)
{
	const char *state = svc_order_state(order, now);

	if (str_eq(state, "SUCCESS"))
		return "TRADE_SUCCESS";
	return str_eq(state, "CLOSED") ? "TRADE_CLOSED" : "WAIT_BUYER_PAY";
}

static const char *trade_no(const json_t *order)
{
	const char *id = svc_text(order, "transaction_id");

	return id[0] ? id : "20880000000000000000000000";
}

static struct verdict query_trade(const json_t *order, struct utc now, json_t *answer)
{
	char yuan[32], when[40];

	svc_yuan(svc_int(order, "amount_fen"), yuan);
	svc_set_text(answer, "buyer_logon_id", "138****0000");
	svc_set_text(answer, "out_trade_no", svc_text(order, "out_trade_no"));
	if (svc_int(order, "paid_ms")) {
		svc_beijing((struct utc){ svc_int(order, "paid_ms") }, false, when);
		svc_set_text(answer, "send_pay_date", when);
	}
	svc_set_text(answer, "total_amount", yuan);
	svc_set_text(answer, "trade_no", trade_no(order));
	svc_set_text(answer, "trade_status", trade_status(order, now));
	return done;
}

static struct verdict close_trade(json_t *order, struct utc now, json_t *answer)
{
	if (!str_eq(svc_order_state(order, now), "NOTPAY"))
		return refused("ACQ.REASON_TRADE_STATUS_INVALID", "交易状态异常");
	svc_set_text(order, "state", "CLOSED");
	svc_set_text(answer, "out_trade_no", svc_text(order, "out_trade_no"));
	svc_set_text(answer, "trade_no", trade_no(order));
	return done;
}

static struct verdict about_trade(
	struct svc *s, const struct call *c, bool close, struct utc now, json_t *answer)
{
	static const char *const names[] = { "out_trade_no", "query_options", NULL };
	struct verdict v;
	json_t *order;

	if (json_only(c->biz, names, NULL) != ERR_OK || !svc_text(c->biz, "out_trade_no")[0])
		return refused("ACQ.INVALID_PARAMETER", "参数无效");
	pthread_mutex_lock(&s->lock);
	order = svc_order(s, SVC_ALIPAY, svc_text(c->biz, "out_trade_no"));
	if (!order || !svc_int(order, "known"))
		v = refused("ACQ.TRADE_NOT_EXIST", "交易不存在");
	else
		v = close ? close_trade(order, now, answer) : query_trade(order, now, answer);
	if (close && is_done(&v))
		svc_save(s);
	pthread_mutex_unlock(&s->lock);
	return v;
}

/* ---- answers ---- */

static void send_answer(const struct svc *s, const char *method, const json_t *answer, bool forged,
	struct http_reply *reply)
{
	AUTO(buf_free) struct buf sign = { 0 };
	AUTO(buf_free) struct buf out = { 0 };
	char name[96];
	char *text = json_dumps(answer, JSON_COMPACT | JSON_ESCAPE_SLASH);

	snprintf(name, sizeof(name), "%s_response", method);
	for (char *p = name; *p; p++)
		if (*p == '.')
			*p = '_';
	ASSERT(crypt_sign(s->alipay_private, text, strlen(text) - (forged ? 1 : 0), &sign) ==
		ERR_OK);
	buf_printf(&out, "{\"%s\":%s,\"sign\":\"%s\"}", name, text, sign.text);
	free(text);
	http_answer(reply, 200, "text/html;charset=utf-8", out.text, out.len);
}

static void put_verdict(json_t *answer, const struct verdict *v)
{
	bool ok = is_done(v);

	svc_set_text(answer, "code", ok ? "10000" : v->code);
	svc_set_text(answer, "msg",
		ok			   ? "Success"
		: str_eq(v->code, "40004") ? "Business Failed"
		: str_eq(v->code, "20000") ? "Service Currently Unavailable"
					   : "Invalid Arguments");
	if (ok)
		return;
	svc_set_text(answer, "sub_code", v->sub_code);
	svc_set_text(answer, "sub_msg", v->text);
}

static void answer_call(
	struct svc *s, struct call *c, struct utc now, struct verdict v, struct http_reply *reply)
{
	AUTO(json_free) json_t *answer = json_object();
	const char *method = param(c, "method");
	int64_t seconds = 10;
	bool query = str_eq(method, "alipay.trade.query");

	svc_set_text(answer, "code", "");
	svc_set_text(answer, "msg", "");
	if (is_done(&v) && !query && !str_eq(method, "alipay.trade.close"))
		v = invalid("isv.invalid-method", "不存在的方法名");
	if (is_done(&v))
		v = about_trade(s, c, !query, now, answer);
	put_verdict(answer, &v);
	if (svc_mode_take(s, SVC_ALIPAY, "answer_hang_up", NULL)) {
		http_hang_up(reply);
		return;
	}
	if (svc_mode_take(s, SVC_ALIPAY, "answer_slow", &seconds))
		svc_sleep(s, seconds * 1000);
	send_answer(s, str_eq(v.code, "40002") ? "error" : method, answer,
		svc_mode_take(s, SVC_ALIPAY, "answer_forged", NULL), reply);
}

void svc_alipay_handle(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	AUTO(call_free) struct call c = { .biz = NULL };
	struct svc *s = ctx;
	struct utc now = utc_now();
	struct verdict v = done;

	if (svc_mode_take(s, SVC_ALIPAY, "answer_500", NULL)) {
		http_answer(reply, 500, "text/plain", "error", 5);
		return;
	}
	if (!read_call(req, &c))
		v = invalid("isv.invalid-parameter", "参数无法解析");
	else
		v = check_call(s, &c);
	if (!str_eq(param(&c, "method"), "alipay.trade.wap.pay"))
		answer_call(s, &c, now, v, reply);
	else if (is_done(&v))
		wap_page(s, &c, now, reply);
	else
		svc_page_error(reply, 400, v.sub_code, v.text);
}

/* ---- notify ---- */

struct notify_texts {
	char yuan[32], created[40], paid[40], sent[40], id[40], fund[96];
};

/* All parameters but sign and sign_type, sorted by the form. */
static void notify_form(const struct svc *s, const json_t *order, bool wrong_amount,
	struct notify_texts *t, struct form *f)
{
	const struct form_pair pairs[] = {
		{ "app_id", s->alipay_app_id },
		{ "auth_app_id", s->alipay_app_id },
		{ "buyer_id", "2088000000000099" },
		{ "buyer_logon_id", "138****0000" },
		{ "buyer_pay_amount", t->yuan },
		{ "charset", "utf-8" },
		{ "fund_bill_list", t->fund },
		{ "gmt_create", t->created },
		{ "gmt_payment", t->paid },
		{ "invoice_amount", t->yuan },
		{ "notify_id", t->id },
		{ "notify_time", t->sent },
		{ "notify_type", "trade_status_sync" },
		{ "out_trade_no", svc_text(order, "out_trade_no") },
		{ "point_amount", "0.00" },
		{ "receipt_amount", t->yuan },
		{ "seller_id", s->seller_id },
		{ "subject", svc_text(order, "description") },
		{ "total_amount", t->yuan },
		{ "trade_no", svc_text(order, "transaction_id") },
		{ "trade_status", "TRADE_SUCCESS" },
		{ "version", "1.0" },
	};

	svc_yuan(svc_int(order, "amount_fen") * (wrong_amount ? 100 : 1), t->yuan);
	svc_beijing((struct utc){ svc_int(order, "created_ms") }, false, t->created);
	svc_beijing((struct utc){ svc_int(order, "paid_ms") }, false, t->paid);
	svc_beijing(utc_now(), false, t->sent);
	/* the same over the retries of one event */
	snprintf(t->id, sizeof(t->id), "%s", svc_text(order, "transaction_id"));
	snprintf(t->fund, sizeof(t->fund),
		"[{\"amount\":\"%s\",\"fundChannel\":\"ALIPAYACCOUNT\"}]", t->yuan);
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		ASSERT(form_add(f, pairs[i].name, pairs[i].value) == ERR_OK);
}

static void sign_form(const struct svc *s, bool forged, struct form *f, struct buf *sign)
{
	AUTO(buf_free) struct buf content = { 0 };

	for (size_t i = 0; i < f->n; i++)
		buf_printf(&content, "%s%s=%s", i ? "&" : "", f->pairs[i].name, f->pairs[i].value);
	if (forged)
		buf_adds(&content, "&forged=1");
	ASSERT(crypt_sign(s->alipay_private, content.text, content.len, sign) == ERR_OK);
	ASSERT(form_add(f, "sign", sign->text) == ERR_OK);
	ASSERT(form_add(f, "sign_type", "RSA2") == ERR_OK);
}

bool svc_alipay_notify(const struct svc *s, const json_t *order, const struct svc_delivery *d)
{
	AUTO(web_answer_free) struct web_answer answer = { 0 };
	AUTO(buf_free) struct buf sign = { 0 };
	AUTO(buf_free) struct buf body = { 0 };
	struct form f = { .n = 0 };
	struct notify_texts t;
	struct problem why = { 0 };
	enum err e;

	if (!svc_text(order, "notify_url")[0])
		return true;
	notify_form(s, order, d->wrong_amount, &t, &f);
	sign_form(s, d->forged, &f, &sign);
	form_encode(&f, &body);
	e = web_call(&(struct web_request){ .method = "POST",
			     .url = svc_text(order, "notify_url"),
			     .headers = { "Content-Type: application/x-www-form-urlencoded; "
					  "charset=utf-8" },
			     .body = body.text,
			     .body_len = body.len,
			     .deadline_ms = d->deadline_ms },
		&answer, &why);
	if (e != ERR_OK)
		log_warn("event=notify_failed service=alipay why=\"%s\"", why.text);
	return e == ERR_OK && answer.status == 200 && str_eq(answer.body.text, "success");
}
