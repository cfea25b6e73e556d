/* WeChat Pay APIv3 as a merchant meets it: orders, refunds, certificates, bills. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "sim/svc_wechat.h"

static void answer_free(struct wx_answer *a)
{
	json_decref(a->body);
	a->body = NULL;
	buf_free(&a->file);
}

void wx_refuse(struct wx_answer *a, int status, const char *code, const char *message)
{
	answer_free(a);
	*a = (struct wx_answer){ .status = status,
		.body = json_pack("{s:s, s:s}", "code", code, "message", message),
		.detail = "268435456" };
}

static void send_answer(const struct wx_signer *by, const struct wx_answer *a,
	struct wx_spoil spoil, struct http_reply *reply)
{
	AUTO(wx_signature_free) struct wx_signature sig = { .nonce = "" };
	AUTO(text_free) char *text = a->body ? json_text(a->body) : NULL;
	const char *body = text ? text : "";
	char id[80], hex[25];

	rand_hex(hex, 12);
	snprintf(id, sizeof(id), "%s-%s", hex, a->detail ? a->detail : "0");
	http_add_header(reply, "Request-ID", id);
	if (a->file.text) {
		http_answer(
			reply, a->status, "application/octet-stream", a->file.text, a->file.len);
		return;
	}
	if (by) {
		wx_sign(by, body, spoil, &sig);
		http_add_header(reply, "Wechatpay-Serial", by->serial);
		http_add_header(reply, "Wechatpay-Timestamp", sig.timestamp);
		http_add_header(reply, "Wechatpay-Nonce", sig.nonce);
		http_add_header(reply, "Wechatpay-Signature", sig.signature.text);
		http_add_header(reply, "Wechatpay-Signature-Type", "WECHATPAY2-SHA256-RSA2048");
	}
	http_answer(reply, a->status, "application/json; charset=utf-8", body, strlen(body));
}

/* ---- dispatch ---- */

static void get(struct svc *s, const struct http_request *req, const char *rest, struct utc now,
	struct wx_answer *a)
{
	static const char refund[] = "v3/refund/domestic/refunds/";

	if (str_starts(rest, refund))
		wx_refund_query(s, rest + strlen(refund), now, a);
	else if (str_eq(rest, "v3/certificates"))
		wx_certificates(s, a);
	else if (str_eq(rest, "v3/bill/tradebill") || str_eq(rest, "v3/bill/fundflowbill"))
		wx_bill(s, req, str_eq(rest, "v3/bill/fundflowbill"), now, a);
	else if (str_eq(rest, "v3/billdownload/file"))
		wx_bill_file(s, req, now, a);
	else
		wx_refuse(a, 404, "RESOURCE_NOT_EXISTS", "接口不存在");
}

static void post(
	struct svc *s, const char *rest, const json_t *body, struct utc now, struct wx_answer *a)
{
	static const char orders[] = "v3/pay/transactions/";
	const char *kind = str_starts(rest, orders) ? rest + strlen(orders) : "";

	if (str_eq(kind, "native") || str_eq(kind, "h5") || str_eq(kind, "jsapi"))
		wx_open_order(s, body, kind, now, a);
	else if (str_eq(rest, "v3/refund/domestic/refunds"))
		wx_refund_open(s, body, now, a);
	else
		wx_refuse(a, 404, "RESOURCE_NOT_EXISTS", "接口不存在");
}

static void dispatch(
	struct svc *s, const struct http_request *req, struct utc now, struct wx_answer *a)
{
	static const char by_number[] = "v3/pay/transactions/out-trade-no/";
	AUTO(json_free) json_t *body = NULL;
	const char *rest = http_rest(req), *type = http_header(req, "Content-Type");
	bool is_post = str_eq(http_method(req), "POST");

	if (is_post && (!type || !str_starts(type, "application/json")))
		wx_refuse(a, 415, "PARAM_ERROR", "Content-Type 须为 application/json");
	else if (is_post && http_body_json(req, &body, &(struct problem){ 0 }) != ERR_OK)
		wx_refuse(a, 400, "PARAM_ERROR", "请求体不是 JSON");
	else if (str_starts(rest, by_number))
		wx_about_order(s, req, rest + strlen(by_number), body, now, a);
	else if (is_post)
		post(s, rest, body, now, a);
	else
		get(s, req, rest, now, a);
}

/* ---- misbehaviour ---- */

/* Before anything is done: true when this is all that the caller gets. *signed: by whom. */
static bool refuse_early(struct svc *s, struct wx_answer *a, bool *is_signed)
{
	static const struct {
		const char *mode;
		int status;
		const char *code, *message;
		bool is_signed;
	} modes[] = {
		{ "answer_500", 500, "SYSTEM_ERROR", "系统异常", true },
		{ "answer_unsigned_500", 500, "SYSTEM_ERROR", "系统异常", false },
		{ "answer_unsigned_404", 404, "ORDER_NOT_EXIST", "订单不存在", false },
		{ "answer_429", 429, "FREQUENCY_LIMITED", "频率限制", true },
		{ "refuse", 403, "RULE_LIMIT", "业务规则限制", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (svc_mode_take(s, SVC_WECHAT, modes[i].mode, NULL)) {
			wx_refuse(a, modes[i].status, modes[i].code, modes[i].message);
			*is_signed = modes[i].is_signed;
			return true;
		}
	return false;
}

void svc_wechat_handle(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	struct svc *s = ctx;
	struct utc now = utc_now();
	AUTO(answer_free) struct wx_answer a = { .status = 500 };
	const char *serial = http_header(req, "Wechatpay-Serial");
	struct wx_signer by;
	int64_t seconds = 10;
	bool is_signed = true;

	if (!wx_signer_of(s, serial, &by))
		by = wx_signer_now(s);
	if (refuse_early(s, &a, &is_signed)) {
		send_answer(is_signed ? &by : NULL, &a, (struct wx_spoil){ false, false }, reply);
		return;
	}
	if (wx_check_caller(s, req, now, &a))
		dispatch(s, req, now, &a);
	if (svc_mode_take(s, SVC_WECHAT, "answer_hang_up", NULL)) {
		http_hang_up(reply);
		return;
	}
	if (svc_mode_take(s, SVC_WECHAT, "answer_slow", &seconds))
		svc_sleep(s, seconds * 1000);
	send_answer(&by, &a,
		(struct wx_spoil){ svc_mode_take(s, SVC_WECHAT, "answer_forged", NULL),
			svc_mode_take(s, SVC_WECHAT, "answer_probe", NULL) },
		reply);
}
