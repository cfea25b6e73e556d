/* Orders of the stand-in of WeChat Pay: Native, H5, JSAPI; query and close. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "sim/svc_wechat.h"
#include "web/web.h"

#define LEAST_LIFE_MS 60000
#define MOST_DAYS 90
#define DAY_MS INT64_C(86400000)

static bool number_is_good(const char *no)
{
	size_t n = strlen(no);

	return n >= 6 && n <= 32 &&
	       strspn(no, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-|*") ==
		       n;
}

bool wx_notify_url_is_good(const char *url)
{
	return web_url_allowed(url) && !strchr(url, '?');
}

static enum err check_amount(const json_t *amount, int64_t *fen, struct problem *why)
{
	static const char *const names[] = { "total", "currency", NULL };
	const char *currency = "CNY";
	enum err e = json_only(amount, names, why);

	if (e == ERR_OK)
		e = json_get_int(
			amount, "total", FIELD_REQUIRED, 1, INT64_C(10000000000), fen, why);
	if (e == ERR_OK)
		e = json_get_text(amount, "currency", FIELD_OPTIONAL, 16, &currency, why);
	if (e == ERR_OK && !str_eq(currency, "CNY"))
		e = problem_set(why, ERR_BAD_VALUE, "currency", "只支持 CNY");
	return e;
}

static bool ip_is_good(const char *ip)
{
	unsigned char bin[16];

	if (str_starts(ip, "127.") || str_eq(ip, "::1"))
		return false;
	return inet_pton(AF_INET, ip, bin) == 1 || inet_pton(AF_INET6, ip, bin) == 1;
}

static enum err check_h5_info(const json_t *info, struct problem *why)
{
	static const char *const names[] = { "type", "app_name", "app_url", "bundle_id",
		"package_name", NULL };
	const char *type = "";
	enum err e = json_only(info, names, why);

	if (e == ERR_OK)
		e = json_get_text(info, "type", FIELD_REQUIRED, 32, &type, why);
	if (e == ERR_OK && !str_eq(type, "Wap") && !str_eq(type, "iOS") && !str_eq(type, "Android"))
		e = problem_set(why, ERR_BAD_VALUE, "type", "场景类型错误");
	return e;
}

static enum err check_scene(const json_t *scene, bool h5, struct problem *why)
{
	static const char *const names[] = { "payer_client_ip", "device_id", "store_info",
		"h5_info", NULL };
	const char *ip = "";
	enum err e;

	if (!scene && !h5)
		return ERR_OK;
	e = json_only(scene, names, why);
	if (e == ERR_OK)
		e = json_get_text(scene, "payer_client_ip", FIELD_REQUIRED, 45, &ip, why);
	if (e == ERR_OK && !ip_is_good(ip))
		e = problem_set(why, ERR_BAD_VALUE, "payer_client_ip", "终端IP错误");
	if (e == ERR_OK && h5)
		e = check_h5_info(json_object_get(scene, "h5_info"), why);
	return e;
}

enum err wx_refuse_nulls(const json_t *j, struct problem *why)
{
	const char *key;
	json_t *value;
	enum err e;

	json_object_foreach((json_t *)(uintptr_t)j, key, value)
	{
		if (json_is_null(value))
			return problem_set(why, ERR_BAD_VALUE, key, "%.60s 不能为 null", key);
		e = json_is_object(value) ? wx_refuse_nulls(value, why) : ERR_OK;
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

/* "yyyy-MM-ddTHH:mm:ss+08:00" and nothing else. */
static bool time_is_good(const char *text, struct utc *out)
{
	return strlen(text) == 25 && str_eq(text + 19, "+08:00") && utc_parse(text, out) == ERR_OK;
}

static bool openid_is_good(const char *id)
{
	size_t n = strlen(id);

	return id[0] == 'o' && n >= 20 && n <= 32 &&
	       strspn(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-") == n;
}

static enum err check_payer(const json_t *payer, bool jsapi, struct problem *why)
{
	static const char *const names[] = { "openid", NULL };
	const char *openid = "";
	enum err e;

	if (!jsapi)
		return payer ? problem_set(why, ERR_UNKNOWN_FIELD, "payer", "多余的参数 payer")
			     : ERR_OK;
	e = json_only(payer, names, why);
	if (e == ERR_OK)
		e = json_get_text(payer, "openid", FIELD_REQUIRED, 128, &openid, why);
	if (e == ERR_OK && !openid_is_good(openid))
		e = problem_set(why, ERR_BAD_VALUE, "openid", "openid 格式错误");
	return e;
}

struct order_texts {
	const char *description, *no, *expire, *notify, *attach;
};

static enum err read_texts(const json_t *j, struct order_texts *t, struct problem *why)
{
	enum err e = json_get_text(j, "description", FIELD_REQUIRED, 127, &t->description, why);

	if (e == ERR_OK)
		e = json_get_text(j, "out_trade_no", FIELD_REQUIRED, 32, &t->no, why);
	if (e == ERR_OK)
		e = json_get_text(j, "time_expire", FIELD_OPTIONAL, 64, &t->expire, why);
	if (e == ERR_OK)
		e = json_get_text(j, "notify_url", FIELD_REQUIRED, 255, &t->notify, why);
	if (e == ERR_OK)
		e = json_get_text(j, "attach", FIELD_OPTIONAL, 128, &t->attach, why);
	return e;
}

/* The fields of an order as the interface allows them: nothing unknown, no nulls. */
static enum err read_order(const json_t *j, const char *kind, json_t **out, struct problem *why)
{
	static const char *const names[] = { "appid", "mchid", "description", "out_trade_no",
		"time_expire", "attach", "notify_url", "goods_tag", "support_fapiao", "amount",
		"detail", "scene_info", "settle_info", "limit_pay", "payer", NULL };
	struct order_texts t = { "", "", "", "", "" };
	struct utc expires = { 0 };
	int64_t fen = 0;
	enum err e = json_only(j, names, why);

	if (e == ERR_OK)
		e = wx_refuse_nulls(j, why);
	if (e == ERR_OK)
		e = read_texts(j, &t, why);
	if (e == ERR_OK)
		e = check_amount(json_object_get(j, "amount"), &fen, why);
	if (e == ERR_OK)
		e = check_scene(json_object_get(j, "scene_info"), str_eq(kind, "h5"), why);
	if (e == ERR_OK)
		e = check_payer(json_object_get(j, "payer"), str_eq(kind, "jsapi"), why);
	if (e != ERR_OK)
		return e;
	if (!t.description[0] || !number_is_good(t.no) || !wx_notify_url_is_good(t.notify))
		return problem_set(why, ERR_BAD_VALUE, "out_trade_no", "参数格式错误");
	if (t.expire[0] && !time_is_good(t.expire, &expires))
		return problem_set(why, ERR_BAD_VALUE, "time_expire", "时间格式错误");
	*out = json_pack("{s:s, s:s, s:s, s:O, s:I, s:s, s:I, s:s, s:s, s:i}", "service", "wechat",
		"kind", kind, "out_trade_no", t.no, "params", j, "amount_fen", (json_int_t)fen,
		"description", t.description, "expires_ms", (json_int_t)expires.ms, "notify_url",
		t.notify, "state", "NOTPAY", "known", 1);
	return ERR_OK;
}

/* A prepay_id leads to the page of the sandbox by its token. */
static void answer_opened(const struct svc *s, json_t *order, struct utc now, struct wx_answer *a)
{
	const char *kind = svc_text(order, "kind"), *token;
	char url[512];

	svc_order_new_token(order, now);
	token = svc_text(order, "token");
	a->status = 200;
	if (str_eq(kind, "jsapi")) {
		snprintf(url, sizeof(url), "wx%s", token);
		a->body = json_pack("{s:s}", "prepay_id", url);
	} else if (str_eq(kind, "h5")) {
		snprintf(url, sizeof(url), "%s/sandbox/pay?prepay_id=%s&package=%lld",
			s->public_base, token, (long long)(now.ms % 1000000000));
		a->body = json_pack("{s:s}", "h5_url", url);
	} else {
		snprintf(url, sizeof(url), "weixin://wxpay/bizpayurl?pr=%s", token);
		a->body = json_pack("{s:s}", "code_url", url);
	}
}

/* The same number again: the same parameters get a fresh address, others an error. */
static void open_again(
	const struct svc *s, json_t *old, const json_t *order, struct utc now, struct wx_answer *a)
{
	const char *state = svc_order_state(old, now);

	if (str_eq(state, "SUCCESS"))
		wx_refuse(a, 400, "ORDERPAID", "该订单已支付");
	else if (str_eq(state, "CLOSED"))
		wx_refuse(a, 400, "ORDER_CLOSED", "订单已关闭");
	else if (!json_equal(json_object_get(old, "params"), json_object_get(order, "params")) ||
		 !str_eq(svc_text(old, "kind"), svc_text(order, "kind"))) {
		wx_refuse(a, 403, "OUT_TRADE_NO_USED", "商户订单号重复");
		a->detail = "268498688";
	} else
		answer_opened(s, old, now, a);
}

/* The service raises an end that is too near, lowers one that is too far, and has one of its own.
 */
static void set_end(json_t *order, struct utc now)
{
	int64_t asked = svc_int(order, "expires_ms"), most = now.ms + MOST_DAYS * DAY_MS;

	if (!asked)
		asked = now.ms + 7 * DAY_MS;
	if (asked < now.ms + LEAST_LIFE_MS)
		asked = now.ms + LEAST_LIFE_MS;
	svc_set_int(order, "expires_ms", asked > most ? most : asked);
	svc_set_int(order, "created_ms", now.ms);
}

static void open_new(struct svc *s, json_t *order, struct utc now, struct wx_answer *a)
{
	set_end(order, now);
	answer_opened(s, order, now, a);
	svc_order_put(s, SVC_WECHAT, json_incref(order));
}

/* An openid is that of one application; the sandbox has a prefix for those of others. */
static bool of_another_app(const json_t *body)
{
	return str_starts(svc_text(json_object_get(body, "payer"), "openid"), "oOtherApp");
}

void wx_open_order(
	struct svc *s, const json_t *body, const char *kind, struct utc now, struct wx_answer *a)
{
	AUTO(json_free) json_t *order = NULL;
	struct problem why = { 0 };
	json_t *old;

	if (read_order(body, kind, &order, &why) != ERR_OK) {
		wx_refuse(a, 400, "PARAM_ERROR", why.text);
		return;
	}
	if (!str_eq(svc_text(body, "mchid"), s->mch_id) ||
		!str_eq(svc_text(body, "appid"), s->wechat_app_id)) {
		wx_refuse(a, 400, "APPID_MCHID_NOT_MATCH", "appid和mchid不匹配");
		return;
	}
	if (of_another_app(body)) {
		wx_refuse(a, 400, "OPENID_MISMATCH", "appid和openid不匹配");
		return;
	}
	pthread_mutex_lock(&s->lock);
	old = svc_order(s, SVC_WECHAT, svc_text(order, "out_trade_no"));
	if (old)
		open_again(s, old, order, now, a);
	else
		open_new(s, order, now, a);
	svc_save(s);
	pthread_mutex_unlock(&s->lock);
}

/* ---- what became of it ---- */

const char *wx_trade_state(const json_t *order, struct utc now)
{
	const char *state = svc_order_state(order, now);

	return str_eq(state, "SUCCESS") && json_array_size(json_object_get(order, "refunds"))
		       ? "REFUND"
		       : state;
}

static const char *describe(const char *state)
{
	static const char *const words[][2] = { { "SUCCESS", "支付成功" }, { "REFUND", "转入退款" },
		{ "NOTPAY", "订单未支付" }, { "CLOSED", "订单已关闭" } };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq(words[i][0], state))
			return words[i][1];
	return "";
}

static void add_payment(const json_t *order, json_t *t)
{
	const char *kind = svc_text(order, "kind");
	const json_t *params = json_object_get(order, "params");
	const char *openid = svc_text(json_object_get(params, "payer"), "openid");
	char when[40];

	svc_beijing((struct utc){ svc_int(order, "paid_ms") }, true, when);
	svc_set_text(t, "transaction_id", svc_text(order, "transaction_id"));
	svc_set_text(t, "trade_type",
		str_eq(kind, "h5")	? "MWEB"
		: str_eq(kind, "jsapi") ? "JSAPI"
					: "NATIVE");
	svc_set_text(t, "bank_type", "OTHERS");
	svc_set_text(t, "success_time", when);
	if (svc_text(params, "attach")[0])
		svc_set_text(t, "attach", svc_text(params, "attach"));
	json_object_set_new(t, "payer",
		json_pack("{s:s}", "openid", openid[0] ? openid : "oSandboxPayer0000000000001"));
}

json_t *wx_transaction(const struct svc *s, const json_t *order, const char *state, int64_t fen)
{
	json_t *t = json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:I, s:s, s:I, s:s}}", "mchid",
		s->mch_id, "appid", s->wechat_app_id, "out_trade_no",
		svc_text(order, "out_trade_no"), "trade_state", state, "trade_state_desc",
		describe(state), "amount", "total", (json_int_t)fen, "currency", "CNY",
		"payer_total", (json_int_t)fen, "payer_currency", "CNY");

	ASSERT(t);
	if (str_eq(state, "SUCCESS") || str_eq(state, "REFUND"))
		add_payment(order, t);
	return t;
}

static void query_order(struct svc *s, const char *no, struct utc now, struct wx_answer *a)
{
	json_t *order;

	pthread_mutex_lock(&s->lock);
	order = svc_order(s, SVC_WECHAT, no);
	if (order) {
		a->status = 200;
		a->body = wx_transaction(
			s, order, wx_trade_state(order, now), svc_int(order, "amount_fen"));
	} else {
		wx_refuse(a, 404, "ORDER_NOT_EXIST", "订单不存在");
	}
	pthread_mutex_unlock(&s->lock);
}

static void close_order(struct svc *s, const json_t *body, const char *no, struct wx_answer *a)
{
	static const char *const names[] = { "mchid", NULL };
	json_t *order;

	if (json_only(body, names, NULL) != ERR_OK || !str_eq(svc_text(body, "mchid"), s->mch_id)) {
		wx_refuse(a, 400, "PARAM_ERROR", "参数错误");
		return;
	}
	if (svc_mode_take(s, SVC_WECHAT, "close_busy", NULL)) { /* the payer types the password */
		wx_refuse(a, 429, "FREQUENCY_LIMITED", "频率限制");
		return;
	}
	pthread_mutex_lock(&s->lock);
	order = svc_order(s, SVC_WECHAT, no);
	if (!order)
		wx_refuse(a, 404, "ORDER_NOT_EXIST", "订单不存在");
	else if (str_eq(svc_text(order, "state"), "SUCCESS"))
		wx_refuse(a, 400, "ORDERPAID", "该订单已支付");
	else {
		svc_set_text(order, "state", "CLOSED");
		svc_save(s);
		a->status = 204;
	}
	pthread_mutex_unlock(&s->lock);
}

void wx_about_order(struct svc *s, const struct http_request *req, const char *rest,
	const json_t *body, struct utc now, struct wx_answer *a)
{
	const char *slash = strchr(rest, '/'), *mchid = http_query(req, "mchid");
	size_t n = slash ? (size_t)(slash - rest) : strlen(rest);
	char no[65];

	if (n >= sizeof(no)) {
		wx_refuse(a, 400, "PARAM_ERROR", "商户订单号过长");
		return;
	}
	snprintf(no, sizeof(no), "%.*s", (int)n, rest);
	if (slash && str_eq(slash, "/close") && str_eq(http_method(req), "POST"))
		close_order(s, body, no, a);
	else if (slash || !str_eq(http_method(req), "GET"))
		wx_refuse(a, 404, "RESOURCE_NOT_EXISTS", "接口不存在");
	else if (!mchid || !mchid[0])
		wx_refuse(a, 400, "PARAM_ERROR", "mchid 错误");
	else if (!str_eq(mchid, s->mch_id)) /* another merchant's order is none */
		wx_refuse(a, 404, "ORDER_NOT_EXIST", "订单不存在");
	else
		query_order(s, no, now, a);
}
