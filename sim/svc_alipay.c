/* Alipay's gateway as a merchant meets it: what it demands of a call, and how it answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "sim/svc_alipay_inside.h"

struct svc_verdict svc_alipay_done(void)
{
	return (struct svc_verdict){ "", "", "" };
}

struct svc_verdict svc_alipay_refused(const char *sub_code, const char *text)
{
	return (struct svc_verdict){ "40004", sub_code, text };
}

static struct svc_verdict invalid(const char *sub_code, const char *text)
{
	return (struct svc_verdict){ "40002", sub_code, text };
}

bool svc_is_done(const struct svc_verdict *v)
{
	return !v->code[0];
}

/* ---- requests ---- */

static void call_free(struct svc_call *c)
{
	form_free(&c->query);
	form_free(&c->body);
	json_free(&c->biz);
}

const char *svc_param(const struct svc_call *c, const char *name)
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
static bool read_call(const struct http_request *req, struct svc_call *c)
{
	const char *q = strchr(http_raw_target(req), '?'), *host = http_header(req, "Host");
	size_t n;
	const char *body = http_body(req, &n);

	c->host = host ? host : "";
	if (q && form_decode(q + 1, strlen(q + 1), &c->query, NULL) != ERR_OK)
		return false;
	if (form_decode(body, n, &c->body, NULL) != ERR_OK)
		return false;
	return merge(&c->all, &c->query) && merge(&c->all, &c->body);
}

static struct svc_verdict check_names(const struct svc_call *c)
{
	static const char *const names[] = { "app_id", "method", "format", "charset", "sign_type",
		"sign", "timestamp", "version", "notify_url", "return_url", "app_auth_token",
		"app_cert_sn", "alipay_root_cert_sn", "biz_content",
		"alipay_sdk" /* their own SDK names itself */ };

	for (size_t i = 0; i < c->all.n; i++) {
		bool known = false;

		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			known = known || str_eq(names[k], c->all.pairs[i].name);
		if (!known || !c->all.pairs[i].value[0])
			return invalid("isv.invalid-parameter", "参数无效");
	}
	return svc_alipay_done();
}

/* An application has one mode. */
static struct svc_verdict check_mode(const struct svc *s, const struct svc_call *c)
{
	const char *app = form_get(&c->all, "app_cert_sn");
	const char *root = form_get(&c->all, "alipay_root_cert_sn");

	if (!s->alipay->by_cert)
		return !app && !root ? svc_alipay_done()
				     : invalid("isv.invalid-app-cert-sn", "应用未使用证书模式");
	if (!app || !str_eq(app, s->alipay->app_sn))
		return invalid("isv.invalid-app-cert-sn", "应用公钥证书序列号无效");
	if (!root || !str_eq(root, s->alipay->root_sn))
		return invalid("isv.invalid-alipay-root-cert-sn", "支付宝根证书序列号无效");
	return svc_alipay_done();
}

static struct svc_verdict check_signature(const struct svc *s, const struct svc_call *c)
{
	AUTO(buf_free) struct buf content = { 0 };

	for (size_t i = 0; i < c->all.n; i++)
		if (!str_eq(c->all.pairs[i].name, "sign"))
			buf_printf(&content, "%s%s=%s", content.len ? "&" : "",
				c->all.pairs[i].name, c->all.pairs[i].value);
	if (!content.len || crypt_verify(s->app_public, content.text, content.len,
				    svc_param(c, "sign")) != ERR_OK)
		return invalid("isv.invalid-signature",
			"验签出错, 请确认charset参数放在了URL查询字符串中");
	return svc_alipay_done();
}

enum err svc_alipay_time(const char *text, struct utc *out)
{
	char rfc[40];

	if (strlen(text) != 19 || text[10] != ' ')
		return ERR_BAD_VALUE;
	snprintf(rfc, sizeof(rfc), "%.10sT%s+08:00", text, text + 11);
	return utc_parse(rfc, out);
}

static struct svc_verdict check_public(const struct svc *s, const struct svc_call *c)
{
	const char *charset = form_get(&c->query, "charset"), *format = svc_param(c, "format");
	struct utc t;

	if (!str_eq(svc_param(c, "app_id"), s->alipay_app_id))
		return invalid("isv.invalid-app-id", "无效的AppID参数");
	if (!str_eq(svc_param(c, "sign_type"), "RSA2"))
		return invalid("isv.invalid-signature-type", "无效的签名类型");
	if (!charset || strcasecmp(charset, "utf-8") != 0)
		return invalid("isv.invalid-charset", "字符集错误");
	if (format[0] && strcasecmp(format, "JSON") != 0)
		return invalid("isv.invalid-format", "无效的数据格式");
	if (!str_eq(svc_param(c, "version"), "1.0") ||
		svc_alipay_time(svc_param(c, "timestamp"), &t) != ERR_OK)
		return invalid("isv.invalid-timestamp", "非法的时间戳参数");
	return svc_alipay_done();
}

static struct svc_verdict check_call(const struct svc *s, struct svc_call *c)
{
	struct svc_verdict v = check_names(c);
	const char *biz = svc_param(c, "biz_content");

	if (svc_is_done(&v))
		v = check_public(s, c);
	if (svc_is_done(&v))
		v = check_mode(s, c);
	if (svc_is_done(&v))
		v = check_signature(s, c);
	if (!svc_is_done(&v))
		return v;
	if (json_parse(biz, strlen(biz), &c->biz, NULL) != ERR_OK || !json_is_object(c->biz))
		return invalid("isv.invalid-parameter", "biz_content 不是 JSON 对象");
	return v;
}

/* ---- answers ---- */

static void member_name(const char *method, char out[static 96])
{
	snprintf(out, 96, "%s_response", method);
	for (char *p = out; *p; p++)
		if (*p == '.')
			*p = '_';
}

static void send_answer(
	struct svc *s, const char *method, const json_t *answer, struct http_reply *reply)
{
	AUTO(buf_free) struct buf sign = { 0 };
	AUTO(buf_free) struct buf out = { 0 };
	AUTO(text_free) char *text = json_dumps(answer, JSON_COMPACT | JSON_ESCAPE_SLASH);
	size_t forged = svc_mode_take(s, SVC_ALIPAY, "answer_forged", NULL) ? 1 : 0;
	const struct svc_alipay_cert *cert;
	char name[96];

	if (svc_mode_take(s, SVC_ALIPAY, "rotate_certificate", NULL) &&
		s->alipay->certs[SVC_ALIPAY_CERTS - 1].key)
		s->alipay->current = SVC_ALIPAY_CERTS - 1;
	cert = &s->alipay->certs[s->alipay->current];
	member_name(method, name);
	ASSERT(crypt_sign(cert->key, text, strlen(text) - forged, &sign) == ERR_OK);
	buf_printf(&out, "{\"%s\":%s", name, text);
	if (svc_mode_take(s, SVC_ALIPAY, "answer_twice", NULL))
		buf_printf(&out, ",\"%s\":%s", name, text);
	if (s->alipay->by_cert)
		buf_printf(&out, ",\"alipay_cert_sn\":\"%s\"", cert->sn);
	if (!svc_mode_take(s, SVC_ALIPAY, "answer_unsigned", NULL))
		buf_printf(&out, ",\"sign\":\"%s\"", sign.text);
	buf_adds(&out, "}");
	http_answer(reply, 200, "text/html;charset=utf-8", out.text, out.len);
}

static const char *message_of(const struct svc_verdict *v)
{
	static const struct {
		const char *code, *msg;
	} list[] = {
		{ "", "Success" },
		{ "40004", "Business Failed" },
		{ "20000", "Service Currently Unavailable" },
	};

	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		if (str_eq(list[i].code, v->code))
			return list[i].msg;
	return "Invalid Arguments";
}

static void put_verdict(json_t *answer, const struct svc_verdict *v)
{
	svc_set_text(answer, "code", v->code[0] ? v->code : "10000");
	svc_set_text(answer, "msg", message_of(v));
	if (svc_is_done(v))
		return;
	svc_set_text(answer, "sub_code", v->sub_code);
	svc_set_text(answer, "sub_msg", v->text);
}

/* What "refuse" answers instead of acting. */
static struct svc_verdict refusal_of(const char *method)
{
	if (str_eq(method, "alipay.trade.refund"))
		return svc_alipay_refused("ACQ.SELLER_BALANCE_NOT_ENOUGH", "商户余额不足");
	if (str_eq(method, "alipay.trade.precreate"))
		return svc_alipay_refused("ACQ.ACCESS_FORBIDDEN", "无权限使用接口");
	return svc_alipay_refused("ACQ.INVALID_PARAMETER", "参数无效");
}

static struct svc_verdict act(struct svc *s, struct svc_call *c, struct utc now, json_t *answer)
{
	static const struct svc_alipay_method methods[] = {
		{ "alipay.trade.precreate", svc_alipay_precreate },
		{ "alipay.trade.query", svc_alipay_query },
		{ "alipay.trade.close", svc_alipay_close },
		{ "alipay.trade.refund", svc_alipay_refund },
		{ "alipay.trade.fastpay.refund.query", svc_alipay_refund_query },
		{ "alipay.data.dataservice.bill.downloadurl.query", svc_alipay_bill_url },
		{ "alipay.open.app.alipaycert.download", svc_alipay_cert_download },
	};
	const char *method = svc_param(c, "method");

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (!str_eq(methods[i].name, method))
			continue;
		if (svc_mode_take(s, SVC_ALIPAY, "answer_busy", NULL))
			return (struct svc_verdict){ "20000", "aop.ACQ.SYSTEM_ERROR", "系统异常" };
		if (svc_mode_take(s, SVC_ALIPAY, "refuse", NULL))
			return refusal_of(method);
		return methods[i].handle(s, c, now, answer);
	}
	return invalid("isv.invalid-method", "不存在的方法名");
}

static void answer_call(struct svc *s, struct svc_call *c, struct utc now, struct svc_verdict v,
	struct http_reply *reply)
{
	AUTO(json_free) json_t *answer = json_object();
	int64_t seconds = 10;

	svc_set_text(answer, "code", "");
	svc_set_text(answer, "msg", "");
	if (svc_is_done(&v))
		v = act(s, c, now, answer);
	put_verdict(answer, &v);
	if (svc_mode_take(s, SVC_ALIPAY, "answer_hang_up", NULL)) {
		http_hang_up(reply);
		return;
	}
	if (svc_mode_take(s, SVC_ALIPAY, "answer_slow", &seconds))
		svc_sleep(s, seconds * 1000);
	send_answer(s, str_eq(v.code, "40002") ? "error" : svc_param(c, "method"), answer, reply);
}

/* ---- pages ---- */

/* "wap" or "page" for what a browser calls; NULL for what a server calls. */
static const char *page_kind(const char *method)
{
	if (str_eq(method, "alipay.trade.wap.pay"))
		return "wap";
	return str_eq(method, "alipay.trade.page.pay") ? "page" : NULL;
}

static void answer_page(struct svc *s, const struct svc_call *c, const char *kind, struct utc now,
	struct svc_verdict v, struct http_reply *reply)
{
	char token[40], where[600];

	if (svc_is_done(&v))
		v = svc_alipay_open(s, c, kind, now, token);
	if (!svc_is_done(&v)) {
		svc_page_error(reply, 400, v.sub_code, v.text);
		return;
	}
	snprintf(where, sizeof(where), "%s/sandbox/pay?token=%s", s->public_base, token);
	http_add_header(reply, "Location", where);
	http_answer(reply, 303, "text/plain", "", 0);
}

void svc_alipay_handle(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	AUTO(call_free) struct svc_call c = { .biz = NULL };
	struct svc *s = ctx;
	struct utc now = utc_now();
	struct svc_verdict v;
	const char *kind;

	if (svc_mode_take(s, SVC_ALIPAY, "answer_500", NULL)) {
		http_answer(reply, 500, "text/plain", "error", 5);
		return;
	}
	if (!read_call(req, &c))
		v = invalid("isv.invalid-parameter", "参数无法解析");
	else
		v = check_call(s, &c);
	kind = page_kind(svc_param(&c, "method"));
	if (kind)
		answer_page(s, &c, kind, now, v, reply);
	else
		answer_call(s, &c, now, v, reply);
}
