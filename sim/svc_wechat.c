/* WeChat Pay APIv3 as a merchant meets it: Native and H5 orders, query, close, notify. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rand.h"
#include "sim/svc_state.h"
#include "web/web.h"

#define CLOCK_SKEW_S 300
#define LEAST_LIFE_MS 60000
#define SCHEME "WECHATPAY2-SHA256-RSA2048 "

/* An answer under way: status and body are chosen first, then signed and sent. */
struct answer {
	int status;
	json_t *body;	    /* NULL: none */
	const char *detail; /* the precise number behind Request-ID */
};

static void answer_free(struct answer *a)
{
	json_decref(a->body);
	a->body = NULL;
}

static void refuse(struct answer *a, int status, const char *code, const char *message)
{
	json_decref(a->body);
	*a = (struct answer){ status, json_pack("{s:s, s:s}", "code", code, "message", message),
		"268435456" };
}

/* ---- signatures ---- */

static void sign_headers(const struct svc *s, const char *body, bool forged, struct utc now,
	char timestamp[static 24], char nonce[static 33], struct buf *signature)
{
	AUTO(buf_free) struct buf message = { 0 };

	snprintf(timestamp, 24, "%lld", (long long)(now.ms / 1000));
	rand_hex(nonce, 16);
	buf_printf(&message, "%s\n%s\n%s%s\n", timestamp, nonce, forged ? "forged" : "", body);
	ASSERT(crypt_sign(s->platform_private, message.text, message.len, signature) == ERR_OK);
}

static void send_answer(
	const struct svc *s, const struct answer *a, bool forged, struct http_reply *reply)
{
	AUTO(buf_free) struct buf signature = { 0 };
	char timestamp[24], nonce[33], id[80], hex[25];
	char *body = a->body ? json_text(a->body) : NULL;

	sign_headers(s, body ? body : "", forged, utc_now(), timestamp, nonce, &signature);
	rand_hex(hex, 12);
	snprintf(id, sizeof(id), "%s-%s", hex, a->detail ? a->detail : "0");
	http_add_header(reply, "Request-ID", id);
	http_add_header(reply, "Wechatpay-Serial", s->platform_key_id);
	http_add_header(reply, "Wechatpay-Timestamp", timestamp);
	http_add_header(reply, "Wechatpay-Nonce", nonce);
	http_add_header(reply, "Wechatpay-Signature", signature.text);
	http_add_header(reply, "Wechatpay-Signature-Type", "WECHATPAY2-SHA256-RSA2048");
	http_answer(reply, a->status, "application/json; charset=utf-8", body ? body : "",
		body ? strlen(body) : 0);
	free(body);
}

struct authorization {
	char mchid[33], nonce_str[65], timestamp[24], serial_no[65], signature[1024];
};

static bool take_pair(
	struct authorization *a, const char *name, size_t name_n, const char *value, size_t value_n)
{
	const struct {
		const char *name;
		char *dst;
		size_t size;
	} pairs[] = {
		{ "mchid", a->mchid, sizeof(a->mchid) },
		{ "nonce_str", a->nonce_str, sizeof(a->nonce_str) },
		{ "timestamp", a->timestamp, sizeof(a->timestamp) },
		{ "serial_no", a->serial_no, sizeof(a->serial_no) },
		{ "signature", a->signature, sizeof(a->signature) },
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (strlen(pairs[i].name) == name_n && memcmp(pairs[i].name, name, name_n) == 0) {
			if (pairs[i].dst[0] || value_n >= pairs[i].size)
				return false;
			memcpy(pairs[i].dst, value, value_n);
			pairs[i].dst[value_n] = '\0';
			return true;
		}
	return false;
}

/* name="value",name="value" in any order, each once. */
static bool read_authorization(const char *text, struct authorization *out)
{
	struct authorization a = { .mchid = "" };

	if (!text || !str_starts(text, SCHEME))
		return false;
	for (const char *s = text + strlen(SCHEME); *s;) {
		const char *eq = strchr(s, '='), *end;

		if (!eq || eq[1] != '"')
			return false;
		end = strchr(eq + 2, '"');
		if (!end || !take_pair(&a, s, (size_t)(eq - s), eq + 2, (size_t)(end - eq - 2)))
			return false;
		s = end + 1;
		if (*s == ',')
			s++;
		else if (*s)
			return false;
	}
	*out = a;
	return a.mchid[0] && a.nonce_str[0] && a.timestamp[0] && a.serial_no[0] && a.signature[0];
}

static bool signature_is_good(
	const struct svc *s, const struct http_request *req, const struct authorization *a)
{
	AUTO(buf_free) struct buf message = { 0 };
	size_t n;
	const char *body = http_body(req, &n);

	buf_printf(&message, "%s\n%s\n%s\n%s\n", http_method(req), http_raw_target(req),
		a->timestamp, a->nonce_str);
	buf_add(&message, body, n);
	buf_adds(&message, "\n");
	return crypt_verify(s->merchant_public, message.text, message.len, a->signature) == ERR_OK;
}

/* True when the caller is the merchant; else the answer says what is wrong. */
static bool check_caller(
	const struct svc *s, const struct http_request *req, struct utc now, struct answer *a)
{
	const char *agent = http_header(req, "User-Agent"), *accept = http_header(req, "Accept");
	const char *serial = http_header(req, "Wechatpay-Serial");
	struct authorization auth;
	int64_t t;

	if (!agent || !agent[0] || !accept ||
		(!strstr(accept, "application/json") && !strstr(accept, "*/*")))
		refuse(a, 400, "PARAM_ERROR", "请求头缺少 User-Agent 或 Accept");
	else if (!read_authorization(http_header(req, "Authorization"), &auth))
		refuse(a, 401, "SIGN_ERROR", "Authorization 格式错误");
	else if (!str_eq(auth.mchid, s->mch_id) || !str_eq(auth.serial_no, s->merchant_serial))
		refuse(a, 401, "SIGN_ERROR", "商户号或证书序列号错误");
	else if (i64_parse(auth.timestamp, 0, INT64_C(99999999999), &t) != ERR_OK ||
		 llabs((long long)(now.ms / 1000 - t)) > CLOCK_SKEW_S)
		refuse(a, 401, "SIGN_ERROR", "时间戳偏差超过5分钟");
	else if (strlen(auth.nonce_str) > 32)
		refuse(a, 401, "SIGN_ERROR", "随机串过长");
	else if (!signature_is_good(s, req, &auth))
		refuse(a, 401, "SIGN_ERROR", "签名错误");
	else if (!serial || !str_eq(serial, s->platform_key_id))
		refuse(a, 400, "PARAM_ERROR", "Wechatpay-Serial 与平台公钥不符");
	else
		return true;
	return false;
}

/* ---- orders ---- */

static bool number_is_good(const char *no)
{
	size_t n = strlen(no);

	return n >= 6 && n <= 32 &&
	       strspn(no, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-|*") ==
		       n;
}

static bool notify_url_is_good(const char *url)
{
	return (str_starts(url, "https://") || str_starts(url, "http://")) && !strchr(url, '?');
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

static enum err refuse_nulls(const json_t *j, struct problem *why)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)j, key, value)
	{
		if (json_is_null(value))
			return problem_set(why, ERR_BAD_VALUE, key, "%.60s 不能为 null", key);
	}
	return ERR_OK;
}

/* The fields of an order as the interface allows them: nothing unknown, no nulls. */
static enum err read_order(const json_t *j, bool h5, json_t **out, struct problem *why)
{
	static const char *const names[] = { "appid", "mchid", "description", "out_trade_no",
		"time_expire", "attach", "notify_url", "goods_tag", "support_fapiao", "amount",
		"detail", "scene_info", "settle_info", "limit_pay", NULL };
	const char *description = "", *no = "", *expire = "", *notify = "";
	struct utc expires = { 0 };
	int64_t fen = 0;
	enum err e = json_only(j, names, why);

	if (e == ERR_OK)
		e = refuse_nulls(j, why);
	if (e == ERR_OK)
		e = json_get_text(j, "description", FIELD_REQUIRED, 127, &description, why);
	if (e == ERR_OK)
		e = json_get_text(j, "out_trade_no", FIELD_REQUIRED, 32, &no, why);
	if (e == ERR_OK)
		e = json_get_text(j, "time_expire", FIELD_OPTIONAL, 64, &expire, why);
	if (e == ERR_OK)
		e = json_get_text(j, "notify_url", FIELD_REQUIRED, 255, &notify, why);
	if (e == ERR_OK)
		e = check_amount(json_object_get(j, "amount"), &fen, why);
	if (e == ERR_OK)
		e = check_scene(json_object_get(j, "scene_info"), h5, why);
	if (e != ERR_OK)
		return e;
	if (!description[0] || !number_is_good(no) || !notify_url_is_good(notify))
		return problem_set(why, ERR_BAD_VALUE, "out_trade_no", "参数格式错误");
	if (expire[0] && (strlen(expire) != 25 || utc_parse(expire, &expires) != ERR_OK))
		return problem_set(why, ERR_BAD_VALUE, "time_expire", "时间格式错误");
	*out = json_pack("{s:s, s:s, s:s, s:O, s:I, s:s, s:I, s:s, s:s, s:i}", "service", "wechat",
		"kind", h5 ? "h5" : "native", "out_trade_no", no, "params", j, "amount_fen",
		(json_int_t)fen, "description", description, "expires_ms", (json_int_t)expires.ms,
		"notify_url", notify, "state", "NOTPAY", "known", 1);
	return ERR_OK;
}

static void answer_opened(
	const struct svc *s, json_t *order, bool h5, struct utc now, struct answer *a)
{
	char url[512];

	svc_order_new_token(order, now);
	if (h5)
		snprintf(url, sizeof(url), "%s/sandbox/pay?prepay_id=%s&package=%lld",
			s->public_base, svc_text(order, "token"), (long long)(now.ms % 1000000000));
	else
		snprintf(url, sizeof(url), "weixin://wxpay/bizpayurl?pr=%s",
			svc_text(order, "token"));
	a->status = 200;
	a->body = json_pack("{s:s}", h5 ? "h5_url" : "code_url", url);
}

/* The same number again: the same parameters get a fresh address, others an error. */
static void open_again(const struct svc *s, json_t *old, const json_t *order, bool h5,
	struct utc now, struct answer *a)
{
	const char *state = svc_order_state(old, now);

	if (str_eq(state, "SUCCESS"))
		refuse(a, 400, "ORDERPAID", "该订单已支付");
	else if (str_eq(state, "CLOSED"))
		refuse(a, 400, "ORDER_CLOSED", "订单已关闭");
	else if (!json_equal(json_object_get(old, "params"), json_object_get(order, "params")) ||
		 !str_eq(svc_text(old, "kind"), svc_text(order, "kind"))) {
		refuse(a, 403, "OUT_TRADE_NO_USED", "商户订单号重复");
		a->detail = "268498688";
	} else
		answer_opened(s, old, h5, now, a);
}

static void open_order(struct svc *s, const json_t *body, bool h5, struct utc now, struct answer *a)
{
	AUTO(json_free) json_t *order = NULL;
	struct problem why = { 0 };
	json_t *old;

	if (read_order(body, h5, &order, &why) != ERR_OK) {
		refuse(a, 400, "PARAM_ERROR", why.text);
		return;
	}
	if (!str_eq(svc_text(body, "mchid"), s->mch_id) ||
		!str_eq(svc_text(body, "appid"), s->wechat_app_id)) {
		refuse(a, 400, "APPID_MCHID_NOT_MATCH", "appid和mchid不匹配");
		return;
	}
	pthread_mutex_lock(&s->lock);
	old = svc_order(s, SVC_WECHAT, svc_text(order, "out_trade_no"));
	if (old) {
		open_again(s, old, order, h5, now, a);
	} else {
		int64_t least = now.ms + LEAST_LIFE_MS, asked = svc_int(order, "expires_ms");

		if (!asked)
			asked = now.ms + 7 * INT64_C(86400000);
		svc_set_int(order, "expires_ms", asked < least ? least : asked);
		svc_set_int(order, "created_ms", now.ms);
		answer_opened(s, order, h5, now, a);
		svc_order_put(s, SVC_WECHAT, json_incref(order));
	}
	svc_save(s);
	pthread_mutex_unlock(&s->lock);
}

/* The same object answers a query and stands in a notify. */
static json_t *transaction(const struct svc *s, const json_t *order, const char *state, int64_t fen)
{
	char when[40];
	json_t *t = json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:I, s:s, s:I, s:s}}", "mchid",
		s->mch_id, "appid", s->wechat_app_id, "out_trade_no",
		svc_text(order, "out_trade_no"), "trade_state", state, "trade_state_desc",
		str_eq(state, "SUCCESS")  ? "支付成功"
		: str_eq(state, "NOTPAY") ? "订单未支付"
					  : "订单已关闭",
		"amount", "total", (json_int_t)fen, "currency", "CNY", "payer_total",
		(json_int_t)fen, "payer_currency", "CNY");

	ASSERT(t);
	if (!str_eq(state, "SUCCESS"))
		return t;
	svc_beijing((struct utc){ svc_int(order, "paid_ms") }, true, when);
	svc_set_text(t, "transaction_id", svc_text(order, "transaction_id"));
	svc_set_text(t, "trade_type", str_eq(svc_text(order, "kind"), "h5") ? "MWEB" : "NATIVE");
	svc_set_text(t, "bank_type", "OTHERS");
	svc_set_text(t, "success_time", when);
	json_object_set_new(t, "payer", json_pack("{s:s}", "openid", "oSandboxPayer0000000000001"));
	return t;
}

static void query_order(struct svc *s, const char *no, struct utc now, struct answer *a)
{
	json_t *order;

	pthread_mutex_lock(&s->lock);
	order = svc_order(s, SVC_WECHAT, no);
	if (order) {
		a->status = 200;
		a->body = transaction(
			s, order, svc_order_state(order, now), svc_int(order, "amount_fen"));
	} else {
		refuse(a, 404, "ORDER_NOT_EXIST", "订单不存在");
	}
	pthread_mutex_unlock(&s->lock);
}

static void close_order(struct svc *s, const json_t *body, const char *no, struct answer *a)
{
	static const char *const names[] = { "mchid", NULL };
	json_t *order;

	if (json_only(body, names, NULL) != ERR_OK || !str_eq(svc_text(body, "mchid"), s->mch_id)) {
		refuse(a, 400, "PARAM_ERROR", "参数错误");
		return;
	}
	pthread_mutex_lock(&s->lock);
	order = svc_order(s, SVC_WECHAT, no);
	if (!order)
		refuse(a, 404, "ORDER_NOT_EXIST", "订单不存在");
	else if (str_eq(svc_text(order, "state"), "SUCCESS"))
		refuse(a, 400, "ORDERPAID", "该订单已支付");
	else {
		svc_set_text(order, "state", "CLOSED");
		svc_save(s);
		a->status = 204;
	}
	pthread_mutex_unlock(&s->lock);
}

/* ---- dispatch ---- */

static void route_by_number(struct svc *s, const struct http_request *req, const char *rest,
	const json_t *body, struct utc now, struct answer *a)
{
	const char *slash = strchr(rest, '/'), *mchid = http_query(req, "mchid");
	char no[65];

	if ((size_t)(slash ? slash - rest : (ptrdiff_t)strlen(rest)) >= sizeof(no)) {
		refuse(a, 400, "PARAM_ERROR", "商户订单号过长");
		return;
	}
	snprintf(no, sizeof(no), "%.*s", slash ? (int)(slash - rest) : (int)strlen(rest), rest);
	if (slash && str_eq(slash, "/close") && str_eq(http_method(req), "POST"))
		close_order(s, body, no, a);
	else if (slash || !str_eq(http_method(req), "GET"))
		refuse(a, 404, "RESOURCE_NOT_EXISTS", "接口不存在");
	else if (!mchid || !str_eq(mchid, s->mch_id))
		refuse(a, 400, "PARAM_ERROR", "mchid 错误");
	else
		query_order(s, no, now, a);
}

static void dispatch(
	struct svc *s, const struct http_request *req, struct utc now, struct answer *a)
{
	static const char by_number[] = "v3/pay/transactions/out-trade-no/";
	AUTO(json_free) json_t *body = NULL;
	const char *rest = http_rest(req), *type = http_header(req, "Content-Type");
	bool post = str_eq(http_method(req), "POST");
	struct problem why = { 0 };

	if (post && (!type || !str_starts(type, "application/json"))) {
		refuse(a, 415, "PARAM_ERROR", "Content-Type 须为 application/json");
		return;
	}
	if (post && http_body_json(req, &body, &why) != ERR_OK) {
		refuse(a, 400, "PARAM_ERROR", "请求体不是 JSON");
		return;
	}
	if (str_starts(rest, by_number))
		route_by_number(s, req, rest + sizeof(by_number) - 1, body, now, a);
	else if (post && str_eq(rest, "v3/pay/transactions/native"))
		open_order(s, body, false, now, a);
	else if (post && str_eq(rest, "v3/pay/transactions/h5"))
		open_order(s, body, true, now, a);
	else
		refuse(a, 404, "RESOURCE_NOT_EXISTS", "接口不存在");
}

void svc_wechat_handle(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	struct svc *s = ctx;
	struct utc now = utc_now();
	AUTO(answer_free) struct answer a = { .status = 500 };
	int64_t seconds = 10;

	if (svc_mode_take(s, SVC_WECHAT, "answer_500", NULL)) {
		refuse(&a, 500, "SYSTEM_ERROR", "系统异常");
		send_answer(s, &a, false, reply);
		return;
	}
	if (check_caller(s, req, now, &a))
		dispatch(s, req, now, &a);
	if (svc_mode_take(s, SVC_WECHAT, "answer_hang_up", NULL)) {
		http_hang_up(reply);
		return;
	}
	if (svc_mode_take(s, SVC_WECHAT, "answer_slow", &seconds))
		svc_sleep(s, seconds * 1000);
	send_answer(s, &a, svc_mode_take(s, SVC_WECHAT, "answer_forged", NULL), reply);
}

/* ---- notify ---- */

static json_t *notify_body(const struct svc *s, const json_t *order, bool wrong_amount)
{
	AUTO(json_free)
	json_t *t = transaction(
		s, order, "SUCCESS", svc_int(order, "amount_fen") * (wrong_amount ? 100 : 1));
	AUTO(buf_free) struct buf sealed = { 0 };
	char nonce[13], id[37], hex[17], when[40];
	char *plain = json_text(t);

	rand_hex(nonce, 6);
	rand_hex(hex, 8);
	snprintf(id, sizeof(id), "EV-%s", hex);
	svc_beijing(utc_now(), true, when);
	ASSERT(gcm_seal(&(struct gcm){ s->api_v3_key.text, nonce, "transaction" }, plain,
		       strlen(plain), &sealed) == ERR_OK);
	free(plain);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:s}}", "id", id,
		"create_time", when, "resource_type", "encrypt-resource", "event_type",
		"TRANSACTION.SUCCESS", "summary", "支付成功", "resource", "original_type",
		"transaction", "algorithm", "AEAD_AES_256_GCM", "ciphertext", sealed.text,
		"associated_data", "transaction", "nonce", nonce);
}

bool svc_wechat_notify(const struct svc *s, const json_t *order, const struct svc_delivery *d)
{
	AUTO(json_free) json_t *j = notify_body(s, order, d->wrong_amount);
	AUTO(buf_free) struct buf signature = { 0 };
	AUTO(web_answer_free) struct web_answer answer = { 0 };
	char timestamp[24], nonce[33], serial[128], stamp[64], once[80], sign[1100];
	char *body = json_text(j);
	struct problem why = { 0 };
	enum err e;

	sign_headers(s, body, d->forged, utc_now(), timestamp, nonce, &signature);
	snprintf(serial, sizeof(serial), "Wechatpay-Serial: %s", s->platform_key_id);
	snprintf(stamp, sizeof(stamp), "Wechatpay-Timestamp: %s", timestamp);
	snprintf(once, sizeof(once), "Wechatpay-Nonce: %s", nonce);
	snprintf(sign, sizeof(sign), "Wechatpay-Signature: %s", signature.text);
	e = web_call(&(struct web_request){ .method = "POST",
			     .url = svc_text(order, "notify_url"),
			     .headers = { "Content-Type: application/json", serial, stamp, once,
				     sign, "Wechatpay-Signature-Type: WECHATPAY2-SHA256-RSA2048" },
			     .body = body,
			     .body_len = strlen(body),
			     .deadline_ms = d->deadline_ms },
		&answer, &why);
	free(body);
	if (e != ERR_OK)
		log_warn("event=notify_failed service=wechat why=\"%s\"", why.text);
	return e == ERR_OK && (answer.status == 200 || answer.status == 204);
}
