/* Alibaba Cloud's SendSms as a sender meets it, and an inbox instead of phones. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/rand.h"
#include "sim/svc_inbox.h"

#define ALGORITHM "ACS3-HMAC-SHA256 "
#define CLOCK_SKEW_MS (15 * 60000)
#define MINUTE_MS INT64_C(60000)

struct answer {
	int status;
	const char *code, *message;
	char biz_id[40];
	json_t *more; /* further members; taken over by the answer */
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

static bool is_action(const char *action)
{
	return str_eq(action, "SendSms") || str_eq(action, "QuerySendDetails");
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
	else if (!is_action(http_header(req, "x-acs-action")) ||
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

static bool over_limit(const struct svc *s, const char *phone, const char *code, bool is_code,
	struct utc now, struct answer *a)
{
	const struct {
		bool code;
		int64_t ms;
		int most;
		const char *text;
	} limits[] = {
		{ true, MINUTE_MS, 1, "触发分钟级流控Permits:1" },
		{ true, 60 * MINUTE_MS, 5, "触发小时级流控Permits:5" },
		{ true, 1440 * MINUTE_MS, 10, "触发天级流控Permits:10" },
		{ false, 1440 * MINUTE_MS, 50, "触发天级流控Permits:50" },
	};

	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		if (limits[i].code == is_code && svc_inbox_count(s, SVC_SMS, phone, code, now,
							 limits[i].ms) >= limits[i].most) {
			refuse(a, 200, "isv.BUSINESS_LIMIT_CONTROL", limits[i].text);
			return true;
		}
	return false;
}

struct accepting {
	const char *phone, *code, *out_id, *text;
	const json_t *params;
	bool is_code;
};

static void accept_message(
	struct svc *s, const struct accepting *m, struct utc now, struct answer *a)
{
	pthread_mutex_lock(&s->lock);
	if (!over_limit(s, m->phone, m->code, m->is_code, now, a)) {
		refuse(a, 200, "OK", "OK");
		snprintf(a->biz_id, sizeof(a->biz_id), "%lld%06u^0", (long long)now.ms,
			rand_below(1000000));
		svc_inbox_add(s,
			&(struct svc_message){ .service = SVC_SMS,
				.phone = m->phone,
				.template = m->code,
				.text = m->text,
				.out_id = m->out_id ? m->out_id : "",
				.ref = a->biz_id,
				.params = m->params,
				.is_code = m->is_code },
			now);
	}
	pthread_mutex_unlock(&s->lock);
}

/* No variable may be longer than 35 characters. */
static bool params_fit(const json_t *params)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)params, key, v)
	{
		const char *text = json_string_value(v);
		size_t n = 0;

		for (; text && *text; text++)
			n += (*text & 0xC0) != 0x80;
		if (n > 35)
			return false;
	}
	return true;
}

static void send_sms(struct svc *s, const struct form *f, struct utc now, struct answer *a)
{
	AUTO(json_free) json_t *params = NULL;
	AUTO(text_free) char *text = NULL;
	const char *sign_name = form_get(f, "SignName"), *param = form_get(f, "TemplateParam");
	struct accepting m = { .phone = form_get(f, "PhoneNumbers"),
		.code = form_get(f, "TemplateCode"),
		.out_id = form_get(f, "OutId") };
	bool english = false;
	const struct svc_template *t = svc_template_find(SVC_SMS, m.code, &english);

	if (!svc_is_mobile(m.phone))
		refuse(a, 200, "isv.MOBILE_NUMBER_ILLEGAL", "非法手机号");
	else if (!sign_name || !str_eq(sign_name, s->sign_name))
		refuse(a, 200, "isv.SMS_SIGN_ILLEGAL", "签名不合法(不存在或被拉黑)");
	else if (!t)
		refuse(a, 200, "isv.SMS_TEMPLATE_ILLEGAL", "模板不合法(不存在或被拉黑)");
	else if (!param || json_parse(param, strlen(param), &params, NULL) != ERR_OK ||
		 !(text = svc_template_fill(t, english, params)))
		refuse(a, 200, "isv.TEMPLATE_MISSING_PARAMETERS", "模板变量缺失");
	else if (!params_fit(params))
		refuse(a, 200, "isv.PARAM_LENGTH_LIMIT", "参数超出长度限制");
	else {
		m.text = text;
		m.params = params;
		m.is_code = t->number == 1;
		accept_message(s, &m, now, a);
	}
}

/* ---- what became of them ---- */

static json_t *detail_of(const json_t *m)
{
	const char *fate = svc_text(m, "fate");
	bool waiting = str_eq(fate, "waiting"), ok = str_eq(fate, "delivered");
	char sent[40], at[40];

	svc_beijing((struct utc){ svc_int(m, "at_ms") }, false, sent);
	svc_beijing((struct utc){ svc_int(m, "fate_ms") }, false, at);
	return json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s}", "PhoneNum",
		svc_text(m, "phone"), "SendStatus",
		waiting ? 1
		: ok	? 3
			: 2,
		"ErrCode",
		waiting ? ""
		: ok	? "DELIVERED"
			: "MK:0001",
		"TemplateCode", svc_text(m, "template"), "Content", svc_text(m, "text"), "SendDate",
		sent, "ReceiveDate", waiting ? "" : at, "OutId", svc_text(m, "out_id"));
}

static bool is_asked_for(const json_t *m, const char *phone, const char *date, const char *biz_id)
{
	const char *service = svc_text(m, "service");
	char sent[40], day[9];

	svc_beijing((struct utc){ svc_int(m, "at_ms") }, false, sent);
	snprintf(day, sizeof(day), "%.4s%.2s%.2s", sent, sent + 5, sent + 8);
	return str_eq(service[0] ? service : "sms", "sms") && str_eq(svc_text(m, "phone"), phone) &&
	       str_eq(day, date) && (!biz_id || str_eq(svc_text(m, "biz_id"), biz_id));
}

static void query(struct svc *s, const struct form *f, struct utc now, struct answer *a)
{
	const char *phone = form_get(f, "PhoneNumber"), *date = form_get(f, "SendDate");
	const char *size = form_get(f, "PageSize"), *page = form_get(f, "CurrentPage");
	int64_t per_page = 0, number = 0, n = 0;
	json_t *list = json_array(), *m;
	size_t i;

	if (!phone || !date || strlen(date) != 8 || !size || !page ||
		i64_parse(size, 1, 50, &per_page) != ERR_OK ||
		i64_parse(page, 1, 10000, &number) != ERR_OK) {
		json_decref(list);
		refuse(a, 200, "isv.INVALID_PARAMETERS", "参数异常");
		return;
	}
	pthread_mutex_lock(&s->lock);
	svc_inbox_settle(s, now);
	json_array_foreach(json_object_get(s->state, "sms"), i, m)
	{
		if (!is_asked_for(m, phone, date, form_get(f, "BizId")))
			continue;
		if (n >= (number - 1) * per_page && n < number * per_page)
			json_array_append_new(list, detail_of(m));
		n++;
	}
	pthread_mutex_unlock(&s->lock);
	refuse(a, 200, "OK", "OK");
	a->more = json_pack("{s:I, s:{s:o}}", "TotalCount", (json_int_t)n, "SmsSendDetailDTOs",
		"SmsSendDetailDTO", list);
}

static void act(struct svc *s, const struct http_request *req, struct utc now, struct answer *a)
{
	AUTO(form_free) struct form in_query = { .n = 0 };
	AUTO(form_free) struct form body = { .n = 0 };
	struct form all = { .n = 0 };

	if (!read_params(req, &in_query, &body, &all))
		refuse(a, 400, "InvalidParameter", "The parameters cannot be read.");
	else if (svc_mode_take(s, SVC_SMS, "throttle", NULL))
		refuse(a, 400, "Throttling.User", "Request was denied due to user flow control.");
	else if (str_eq(http_header(req, "x-acs-action"), "QuerySendDetails"))
		query(s, &all, now, a);
	else if (svc_mode_take(s, SVC_SMS, "refuse", NULL))
		refuse(a, 200, "isv.AMOUNT_NOT_ENOUGH", "账户余额不足");
	else
		send_sms(s, &all, now, a);
}

static void send_answer(const struct answer *a, struct http_reply *reply)
{
	char id[37];
	json_t *j;

	rand_hex(id, 16);
	j = json_pack("{s:s, s:s, s:s}", "RequestId", id, "Code", a->code, "Message", a->message);
	if (a->biz_id[0])
		svc_set_text(j, "BizId", a->biz_id);
	if (a->more)
		json_object_update(j, a->more);
	json_decref(a->more);
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
	if (svc_mode_take(s, SVC_SMS, "unsent_hang_up", NULL)) {
		http_hang_up(reply);
		return;
	}
	if (check_caller(s, req, now, &a))
		act(s, req, now, &a);
	if (svc_mode_take(s, SVC_SMS, "answer_hang_up", NULL)) {
		json_decref(a.more);
		http_hang_up(reply);
		return;
	}
	if (svc_mode_take(s, SVC_SMS, "answer_slow", &seconds))
		svc_sleep(s, seconds * 1000);
	send_answer(&a, reply);
}
