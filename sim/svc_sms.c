/* Alibaba Cloud's SendSms as a sender meets it, and an inbox instead of phones. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/rand.h"
#include "sim/svc_state.h"

#define ALGORITHM "ACS3-HMAC-SHA256 "
#define CLOCK_SKEW_MS (15 * 60000)
#define INBOX_MAX 2000
#define MINUTE_MS INT64_C(60000)

/* The approved templates: what a phone shows. */
static const struct template
{
	const char *code;
	bool login_code; /* has the tighter limits of verification codes */
	const char *text;
}
templates[] = {
	{ "SMS_100001", true, "您的验证码是 ${code}，5 分钟内有效，请勿告诉他人。" },
	{ "SMS_100002", false, "${shop}：${purse}余额还有 ${balance} 元，请留意充值。" },
	{ "SMS_100003", false,
		"${shop}：${purse}余额只剩 ${balance} 元，用完将断供，请尽快充值。" },
	{ "SMS_100004", false,
		"${shop}：${purse}已用完（${balance} 元），断供时间：${time}，充值后自动恢复。" },
	{ "SMS_100005", false, "${shop}：${purse}已恢复供应。" },
	{ "SMS_100006", false, "${shop}：${purse}已充值 ${amount} 元，余额 ${balance} 元。" },
	{ "SMS_100007", false, "${shop}：用电超过功率限值，已断电，请减少负荷，稍后自动恢复。" },
	{ "SMS_100008", false, "${shop}：用电多次超过功率限值，已断电，请联系物业恢复。" },
	{ "SMS_100011", false, "${shop}：${purse}余额还有 ${balance} 元，请留意充值。" },
	{ "SMS_100012", false,
		"${shop}：下月应缴 ${amount} 元，${purse}余额 ${balance} 元，请在月初前充值。" },
	{ "SMS_100013", false, "${shop}：${purse}余额不足（${balance} 元），请尽快充值。" },
	{ "SMS_100014", false,
		"${shop}：${purse}欠费（${balance} 元），即将断电，充值后自动恢复。" },
};

struct answer {
	int status;
	const char *code, *message;
	char biz_id[40];
};

static void refuse(struct answer *a, int status, const char *code, const char *message)
{
	*a = (struct answer){ .status = status, .code = code, .message = message };
}

/* ---- signature V3 ---- */

struct authorization {
	char credential[129], names[512], signature[129];
};

static bool take_part(const char *text, const char *name, char *dst, size_t size)
{
	const char *at = strstr(text, name);
	size_t n;

	if (!at)
		return false;
	at += strlen(name);
	n = strcspn(at, ",");
	if (n == 0 || n >= size)
		return false;
	memcpy(dst, at, n);
	dst[n] = '\0';
	return true;
}

static bool read_authorization(const char *text, struct authorization *out)
{
	return text && str_starts(text, ALGORITHM) &&
	       take_part(text, "Credential=", out->credential, sizeof(out->credential)) &&
	       take_part(text, "SignedHeaders=", out->names, sizeof(out->names)) &&
	       take_part(text, "Signature=", out->signature, sizeof(out->signature));
}

static void canonical_query(const char *target, struct buf *out)
{
	AUTO(form_free) struct form f = { .n = 0 };
	const char *q = strchr(target, '?');

	buf_adds(out, "");
	if (q && form_decode(q + 1, strlen(q + 1), &f, NULL) == ERR_OK)
		form_encode(&f, out);
}

static bool canonical(const struct http_request *req, const char *names, struct buf *out)
{
	const char *target = http_raw_target(req);
	char list[512], *save = NULL;

	buf_printf(out, "%s\n%.*s\n", http_method(req), (int)strcspn(target, "?"), target);
	canonical_query(target, out);
	buf_adds(out, "\n");
	(void)!str_copy(list, sizeof(list), names);
	for (char *n = strtok_r(list, ";", &save); n; n = strtok_r(NULL, ";", &save)) {
		const char *v = http_header(req, n);

		if (!v)
			return false;
		buf_printf(out, "%s:%s\n", n, v);
	}
	buf_printf(out, "\n%s\n%s", names, http_header(req, "x-acs-content-sha256"));
	return true;
}

static bool signature_is_good(
	const struct svc *s, const struct http_request *req, const struct authorization *a)
{
	AUTO(buf_free) struct buf text = { 0 };
	AUTO(buf_free) struct buf to_sign = { 0 };
	char hash[SHA256_HEX], mac[SHA256_HEX];

	if (!canonical(req, a->names, &text))
		return false;
	sha256_hex(text.text, text.len, hash);
	buf_printf(&to_sign, "ACS3-HMAC-SHA256\n%s", hash);
	hmac_sha256_hex(s->access_key_secret.text, to_sign.text, to_sign.len, mac);
	return str_eq(mac, a->signature);
}

static bool names_suffice(const struct http_request *req, const char *names)
{
	static const char *const must[] = { "host", "x-acs-action", "x-acs-content-sha256",
		"x-acs-date", "x-acs-signature-nonce", "x-acs-version" };
	bool typed = http_header(req, "content-type") != NULL;

	for (size_t i = 0; i < ARRAY_LEN(must); i++)
		if (!strstr(names, must[i]) || !http_header(req, must[i]))
			return false;
	return !typed || strstr(names, "content-type");
}

static bool content_hash_is_good(const struct http_request *req)
{
	char hash[SHA256_HEX];
	size_t n;
	const char *body = http_body(req, &n);

	sha256_hex(body, n, hash);
	return str_eq(hash, http_header(req, "x-acs-content-sha256"));
}

static bool nonce_is_new(struct svc *s, const char *nonce)
{
	bool fresh;

	pthread_mutex_lock(&s->lock);
	fresh = json_object_get(s->nonces, nonce) == NULL;
	if (fresh)
		json_object_set_new(s->nonces, nonce, json_true());
	pthread_mutex_unlock(&s->lock);
	return fresh;
}

static bool check_caller(
	struct svc *s, const struct http_request *req, struct utc now, struct answer *a)
{
	struct authorization auth;
	const char *date = http_header(req, "x-acs-date");
	struct utc t;

	if (!read_authorization(http_header(req, "Authorization"), &auth) ||
		!names_suffice(req, auth.names))
		refuse(a, 400, "IncompleteSignature", "The request signature is incomplete.");
	else if (!str_eq(auth.credential, s->access_key_id))
		refuse(a, 404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.");
	else if (!str_eq(http_header(req, "x-acs-action"), "SendSms") ||
		 !str_eq(http_header(req, "x-acs-version"), "2017-05-25"))
		refuse(a, 404, "InvalidAction.NotFound", "Specified api is not found.");
	else if (utc_parse(date, &t) != ERR_OK || llabs((long long)(now.ms - t.ms)) > CLOCK_SKEW_MS)
		refuse(a, 400, "InvalidTimeStamp.Expired", "Specified time stamp is expired.");
	else if (!content_hash_is_good(req) || !signature_is_good(s, req, &auth))
		refuse(a, 400, "SignatureDoesNotMatch", "Specified signature does not match.");
	else if (!nonce_is_new(s, http_header(req, "x-acs-signature-nonce")))
		refuse(a, 400, "SignatureNonceUsed", "Specified signature nonce was used already.");
	else
		return true;
	return false;
}

/* ---- messages ---- */

/* Parameters stand in the address or in a form body. */
static bool read_params(
	const struct http_request *req, struct form *query, struct form *body, struct form *all)
{
	const char *q = strchr(http_raw_target(req), '?');
	size_t n;
	const char *text = http_body(req, &n);

	if ((q && form_decode(q + 1, strlen(q + 1), query, NULL) != ERR_OK) ||
		form_decode(text, n, body, NULL) != ERR_OK)
		return false;
	for (size_t i = 0; i < query->n; i++)
		if (form_add(all, query->pairs[i].name, query->pairs[i].value) != ERR_OK)
			return false;
	for (size_t i = 0; i < body->n; i++)
		if (form_add(all, body->pairs[i].name, body->pairs[i].value) != ERR_OK)
			return false;
	return true;
}

static const struct template *find_template(const char *code)
{
	for (size_t i = 0; i < ARRAY_LEN(templates); i++)
		if (code && str_eq(templates[i].code, code))
			return &templates[i];
	return NULL;
}

/* The template with its variables filled in; false if one is missing. */
static bool fill(const struct template *t, const json_t *params, struct buf *out)
{
	const char *s = t->text, *var;

	while ((var = strstr(s, "${")) != NULL) {
		size_t n = strcspn(var + 2, "}");
		char name[32];
		const char *value;

		buf_add(out, s, (size_t)(var - s));
		snprintf(name, sizeof(name), "%.*s", (int)n, var + 2);
		value = json_string_value(json_object_get(params, name));
		if (!value)
			return false;
		buf_adds(out, value);
		s = var + 2 + n + 1;
	}
	buf_adds(out, s);
	return true;
}

static bool is_mobile(const char *p)
{
	return p && strlen(p) == 11 && strspn(p, "0123456789") == 11 && p[0] == '1' && p[1] >= '3';
}

/* How many messages of a template a number got in the last while. With the lock held. */
static int sent_since(
	const struct svc *s, const char *phone, const char *code, struct utc now, int64_t ms)
{
	const json_t *m;
	size_t i;
	int n = 0;

	json_array_foreach(json_object_get(s->state, "sms"), i, m) n +=
		svc_int(m, "at_ms") > now.ms - ms && str_eq(svc_text(m, "phone"), phone) &&
		str_eq(svc_text(m, "template"), code);
	return n;
}

static bool over_limit(const struct svc *s, const char *phone, const struct template *t,
	struct utc now, struct answer *a)
{
	const char *limit = NULL;

	if (t->login_code && sent_since(s, phone, t->code, now, MINUTE_MS) >= 1)
		limit = "触发分钟级流控Permits:1";
	else if (t->login_code && sent_since(s, phone, t->code, now, 60 * MINUTE_MS) >= 5)
		limit = "触发小时级流控Permits:5";
	else if (t->login_code && sent_since(s, phone, t->code, now, 1440 * MINUTE_MS) >= 10)
		limit = "触发天级流控Permits:10";
	else if (!t->login_code && sent_since(s, phone, t->code, now, 1440 * MINUTE_MS) >= 50)
		limit = "触发天级流控Permits:50";
	if (limit)
		refuse(a, 200, "isv.BUSINESS_LIMIT_CONTROL", limit);
	return limit != NULL;
}

static void keep_message(struct svc *s, const struct form *f, const struct template *t,
	const json_t *params, const char *text, struct utc now, struct answer *a)
{
	json_t *inbox = json_object_get(s->state, "sms");
	const char *code = json_string_value(json_object_get(params, "code"));
	const char *out_id = form_get(f, "OutId");
	char full[900];

	snprintf(full, sizeof(full), "【%s】%s", s->sign_name, text);
	snprintf(
		a->biz_id, sizeof(a->biz_id), "%lld%06u^0", (long long)now.ms, rand_below(1000000));
	json_array_insert_new(inbox, 0,
		json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s}", "phone",
			form_get(f, "PhoneNumbers"), "text", full, "template", t->code, "code",
			code ? code : "", "at_ms", (json_int_t)now.ms, "biz_id", a->biz_id,
			"out_id", out_id ? out_id : ""));
	while (json_array_size(inbox) > INBOX_MAX)
		json_array_remove(inbox, json_array_size(inbox) - 1);
	svc_save(s);
}

static void accept_message(struct svc *s, const struct form *f, const struct template *t,
	const json_t *params, const char *text, struct utc now, struct answer *a)
{
	pthread_mutex_lock(&s->lock);
	if (!over_limit(s, form_get(f, "PhoneNumbers"), t, now, a)) {
		refuse(a, 200, "OK", "OK");
		keep_message(s, f, t, params, text, now, a);
	}
	pthread_mutex_unlock(&s->lock);
}

static void take_message(
	struct svc *s, const struct http_request *req, struct utc now, struct answer *a)
{
	AUTO(form_free) struct form query = { .n = 0 };
	AUTO(form_free) struct form body = { .n = 0 };
	AUTO(json_free) json_t *params = NULL;
	AUTO(buf_free) struct buf text = { 0 };
	struct form all = { .n = 0 };
	const struct template *t;
	const char *sign_name, *param;

	if (!read_params(req, &query, &body, &all)) {
		refuse(a, 400, "InvalidParameter", "The parameters cannot be read.");
		return;
	}
	t = find_template(form_get(&all, "TemplateCode"));
	sign_name = form_get(&all, "SignName");
	param = form_get(&all, "TemplateParam");
	if (!is_mobile(form_get(&all, "PhoneNumbers")))
		refuse(a, 200, "isv.MOBILE_NUMBER_ILLEGAL", "非法手机号");
	else if (!sign_name || !str_eq(sign_name, s->sign_name))
		refuse(a, 200, "isv.SMS_SIGN_ILLEGAL", "签名不合法(不存在或被拉黑)");
	else if (!t)
		refuse(a, 200, "isv.SMS_TEMPLATE_ILLEGAL", "模板不合法(不存在或被拉黑)");
	else if (!param || json_parse(param, strlen(param), &params, NULL) != ERR_OK ||
		 !fill(t, params, &text))
		refuse(a, 200, "isv.TEMPLATE_MISSING_PARAMETERS", "模板变量缺失");
	else
		accept_message(s, &all, t, params, text.text, now, a);
}

static void send_answer(const struct answer *a, struct http_reply *reply)
{
	char id[37];
	json_t *j;

	rand_hex(id, 16);
	j = json_pack("{s:s, s:s, s:s}", "RequestId", id, "Code", a->code, "Message", a->message);
	if (a->biz_id[0])
		svc_set_text(j, "BizId", a->biz_id);
	http_answer_json(reply, a->status, j);
}

void svc_sms_handle(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	struct svc *s = ctx;
	struct utc now = utc_now();
	struct answer a = { .status = 500, .code = "InternalError", .message = "" };
	int64_t seconds = 10;

	if (svc_mode_take(s, SVC_SMS, "answer_500", NULL)) {
		send_answer(&a, reply);
		return;
	}
	if (!str_eq(http_method(req), "POST")) {
		refuse(&a, 405, "UnsupportedHTTPMethod", "POST only.");
		send_answer(&a, reply);
		return;
	}
	if (check_caller(s, req, now, &a)) {
		if (svc_mode_take(s, SVC_SMS, "refuse", NULL))
			refuse(&a, 200, "isv.AMOUNT_NOT_ENOUGH", "账户余额不足");
		else
			take_message(s, req, now, &a);
	}
	if (svc_mode_take(s, SVC_SMS, "answer_hang_up", NULL)) {
		http_hang_up(reply);
		return;
	}
	if (svc_mode_take(s, SVC_SMS, "answer_slow", &seconds))
		svc_sleep(s, seconds * 1000);
	send_answer(&a, reply);
}
