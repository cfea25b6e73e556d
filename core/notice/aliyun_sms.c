/* Short messages by Alibaba Cloud: SendSms of 2017-05-25, signed by V3. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rand.h"
#include "notice/channel.h"
#include "web/form.h"
#include "web/web.h"

#define SECTION "aliyun_sms"
#define ALGORITHM "ACS3-HMAC-SHA256"
#define FORM_TYPE "application/x-www-form-urlencoded"

void aliyun_free(struct aliyun_sms **a)
{
	if (!*a)
		return;
	OPENSSL_cleanse((*a)->secret, sizeof((*a)->secret));
	free(*a);
	*a = NULL;
}

enum err aliyun_load(struct conf *conf, struct aliyun_sms **out, struct problem *why)
{
	AUTO(aliyun_free) struct aliyun_sms *a = NULL;
	enum err e;

	if (!conf_text(conf, SECTION, "access_key_id", NULL))
		return problem_set(why, ERR_NOT_CONFIGURED, "", "[" SECTION "] is not set up");
	a = calloc(1, sizeof(*a));
	ASSERT(a);
	e = notice_take_address(conf, SECTION, a->endpoint, why);
	if (e == ERR_OK)
		e = notice_take(conf, SECTION, "access_key_id", a->access_key_id,
			sizeof(a->access_key_id), why);
	if (e == ERR_OK)
		e = notice_take(
			conf, SECTION, "sign_name", a->sign_name, sizeof(a->sign_name), why);
	if (e == ERR_OK)
		e = notice_take_secret(
			conf, SECTION, "access_key_secret", a->secret, sizeof(a->secret), why);
	if (e == ERR_OK)
		e = notice_templates_load(conf, SECTION, &a->templates, why);
	if (e != ERR_OK)
		return e;
	*out = a;
	a = NULL;
	return ERR_OK;
}

const struct problem *aliyun_off(const struct notice *n)
{
	return n->aliyun ? NULL : &n->aliyun_off;
}

bool aliyun_serves(const struct notice *n, const char *kind, const char *language)
{
	return n->aliyun && notice_template(&n->aliyun->templates, kind, language);
}

bool aliyun_how(
	const struct notice *n, const char *kind, const char *language, struct notice_how *out)
{
	return n->aliyun &&
	       notice_how_of(&n->aliyun->templates, n->aliyun->sign_name, kind, language, out);
}

/* ---- signature V3 ---- */

static void signed_names(const struct acs3 *r, struct buf *out)
{
	for (size_t i = 0; i < r->header_count; i++)
		buf_printf(out, "%s%s", i ? ";" : "", r->headers[i].name);
}

void acs3_canonical(const struct acs3 *r, struct buf *out)
{
	buf_printf(out, "%s\n%s\n%s\n", r->method, r->path, r->query);
	for (size_t i = 0; i < r->header_count; i++)
		buf_printf(out, "%s:%s\n", r->headers[i].name, r->headers[i].value);
	buf_adds(out, "\n");
	signed_names(r, out);
	buf_printf(out, "\n%s", r->body_sha256);
}

void acs3_authorization(
	const struct acs3 *r, const char *key_id, const char *secret, struct buf *out)
{
	AUTO(buf_free) struct buf canonical = { 0 };
	AUTO(buf_free) struct buf to_sign = { 0 };
	char hash[SHA256_HEX], mac[SHA256_HEX];

	acs3_canonical(r, &canonical);
	sha256_hex(canonical.text, canonical.len, hash);
	buf_printf(&to_sign, ALGORITHM "\n%s", hash);
	hmac_sha256_hex(secret, to_sign.text, to_sign.len, mac);
	buf_printf(out, ALGORITHM " Credential=%s,SignedHeaders=", key_id);
	signed_names(r, out);
	buf_printf(out, ",Signature=%s", mac);
}

/* ---- one call ---- */

static void second_text(struct utc t, char out[static UTC_TEXT_MAX])
{
	char full[UTC_TEXT_MAX];

	snprintf(out, UTC_TEXT_MAX, "%.19sZ", utc_text(t, full));
}

static enum err call(const struct aliyun_sms *a, const char *action, const struct buf *body,
	struct utc now, int64_t deadline_ms, struct web_answer *answer, struct problem *why)
{
	AUTO(buf_free) struct buf auth = { 0 };
	char host[256], path[256], nonce[33], date[UTC_TEXT_MAX], hash[SHA256_HEX], lines[7][400];
	struct web_request r = { .method = "POST",
		.url = a->endpoint,
		.body = body->text,
		.body_len = body->len,
		.deadline_ms = deadline_ms };
	struct acs3_header h[] = { { "content-type", FORM_TYPE }, { "host", host },
		{ "x-acs-action", action }, { "x-acs-content-sha256", hash },
		{ "x-acs-date", date }, { "x-acs-signature-nonce", nonce },
		{ "x-acs-version", "2017-05-25" } };

	notice_split_endpoint(a->endpoint, host, path);
	rand_hex(nonce, 16);
	second_text(now, date);
	sha256_hex(body->text, body->len, hash);
	buf_adds(&auth, "Authorization: ");
	acs3_authorization(&(struct acs3){ "POST", path, "", h, ARRAY_LEN(h), hash },
		a->access_key_id, a->secret, &auth);
	for (size_t i = 0; i < ARRAY_LEN(h); i++) {
		snprintf(lines[i], sizeof(lines[i]), "%s: %s", h[i].name, h[i].value);
		r.headers[i] = lines[i];
	}
	r.headers[ARRAY_LEN(h)] = auth.text;
	return web_call(&r, answer, why);
}

/* ---- one message ---- */

/* The variables of the template, and nothing else, as JSON text; NULL if one is missing. */
static char *template_param(const struct notice_kind *kind, const json_t *params)
{
	AUTO(json_free) json_t *j = json_object();

	for (size_t i = 0; i < ARRAY_LEN(kind->params) && kind->params[i]; i++) {
		json_t *v = json_object_get(params, kind->params[i]);

		if (!json_is_string(v) || json_object_set(j, kind->params[i], v) != 0)
			return NULL;
	}
	return json_text(j);
}

/* The form body of SendSms; false if the message does not fit its template. */
static bool body_of(const struct aliyun_sms *a, const struct notice_message *m,
	const char *template, struct buf *body)
{
	AUTO(text_free) char *param = template_param(notice_kind_find(m->kind), m->params);
	struct form f = { .n = 0 };

	if (!param)
		return false;
	ASSERT(form_add(&f, "PhoneNumbers", m->recipient) == ERR_OK);
	ASSERT(form_add(&f, "SignName", a->sign_name) == ERR_OK);
	ASSERT(form_add(&f, "TemplateCode", template) == ERR_OK);
	ASSERT(form_add(&f, "TemplateParam", param) == ERR_OK);
	if (m->out_id && m->out_id[0])
		ASSERT(form_add(&f, "OutId", m->out_id) == ERR_OK);
	form_encode(&f, body);
	return true;
}

/* Trying again helps with the first of these; never with limits, balance, templates or numbers. A
 * nonce that was used before is ours, sent twice on the way: the first may have been taken. */
static const struct notice_code codes[] = {
	{ "isp.SYSTEM_ERROR", CODE_RETRY },
	{ "isp.UNKNOWN_ERR_CODE", CODE_RETRY },
	{ "Throttling*", CODE_RETRY },
	{ "ServiceUnavailable", CODE_RETRY },
	{ "InternalError", CODE_RETRY },
	{ "isv.DAY_LIMIT_CONTROL", CODE_NEXT_DAY },
	{ "isv.MONTH_LIMIT_CONTROL", CODE_NEXT_DAY },
	{ "isv.MOBILE_NUMBER_ILLEGAL", CODE_UNREACHABLE },
	{ "SignatureNonceUsed", CODE_UNKNOWN },
};

static void judge(const struct web_answer *a, struct notice_result *out)
{
	AUTO(json_free) json_t *j = NULL;
	const char *code = NULL, *biz_id = "";
	char http[16];

	snprintf(http, sizeof(http), "http_%d", a->status);
	if (json_parse(a->body.text, a->body.len, &j, NULL) != ERR_OK ||
		json_get_text(j, "Code", FIELD_REQUIRED, sizeof(out->code) - 1, &code, NULL) !=
			ERR_OK) {
		notice_result_set(out, NOTICE_UNKNOWN, false, http);
		return;
	}
	if (a->status == 200 && str_eq(code, "OK")) {
		notice_result_set(out, NOTICE_DONE, false, code);
		if (json_get_text(j, "BizId", FIELD_OPTIONAL, sizeof(out->provider_ref) - 1,
			    &biz_id, NULL) == ERR_OK)
			(void)!str_copy(out->provider_ref, sizeof(out->provider_ref), biz_id);
		return;
	}
	/* the provider broke off: it may have been sent. Throttled is not taken, whatever the
	 * status. */
	if (a->status >= 500 && !str_starts(code, "Throttling"))
		notice_result_set(out, NOTICE_UNKNOWN, false, code);
	else
		notice_judge_code(codes, ARRAY_LEN(codes), code, out);
}

void aliyun_send(const struct notice *notice, const struct notice_message *m, struct utc now,
	int64_t deadline_ms, struct notice_result *out)
{
	static const char *const words[] = { "done", "refused", "unknown" };
	const struct aliyun_sms *a = notice->aliyun;
	const char *template = a ? notice_template(&a->templates, m->kind, m->language) : NULL;
	AUTO(web_answer_free) struct web_answer answer = { 0 };
	AUTO(buf_free) struct buf body = { 0 };
	enum err e;

	if (!template) {
		notice_result_set(out, NOTICE_REFUSED, false, "not_configured");
		return;
	}
	if (!notice_is_mobile(m->recipient)) {
		notice_result_set(out, NOTICE_REFUSED, false, "bad_phone");
		out->unreachable = true;
		return;
	}
	if (!body_of(a, m, template, &body)) {
		notice_result_set(out, NOTICE_REFUSED, false, "bad_params");
		return;
	}
	e = call(a, "SendSms", &body, now, deadline_ms, &answer, NULL);
	if (e == ERR_UNAVAILABLE)
		notice_result_set(out, NOTICE_REFUSED, true, "no_connection");
	else if (e != ERR_OK)
		notice_result_set(out, NOTICE_UNKNOWN, false, err_word(e));
	else
		judge(&answer, out);
	log_info("event=sms_answer way=" SECTION " kind=%s outcome=%s code=%s", m->kind,
		words[out->outcome], out->code);
}

/* ---- what became of it ---- */

#define BEIJING_MS (8 * 3600 * 1000)
#define PAGE 50

static void details_body(const char *phone, const char *ref, struct utc sent_at, struct buf *body)
{
	struct form f = { .n = 0 };
	int year, month, day;
	char date[16];

	civil_date((sent_at.ms + BEIJING_MS) / 86400000, &year, &month, &day);
	snprintf(date, sizeof(date), "%04d%02d%02d", year, month, day);
	ASSERT(form_add(&f, "PhoneNumber", phone) == ERR_OK);
	ASSERT(form_add(&f, "SendDate", date) == ERR_OK);
	ASSERT(form_add(&f, "PageSize", "50") == ERR_OK);
	ASSERT(form_add(&f, "CurrentPage", "1") == ERR_OK);
	if (ref[0])
		ASSERT(form_add(&f, "BizId", ref) == ERR_OK);
	form_encode(&f, body);
}

static void take_detail(const json_t *d, struct notice_delivery *out)
{
	const char *code = "", *when = "";
	int64_t status = 0;

	(void)!json_get_int(d, "SendStatus", FIELD_OPTIONAL, 0, 9, &status, NULL);
	(void)!json_get_text(d, "ErrCode", FIELD_OPTIONAL, sizeof(out->code) - 1, &code, NULL);
	(void)!json_get_text(d, "ReceiveDate", FIELD_OPTIONAL, 32, &when, NULL);
	out->fate = status == 1	  ? FATE_WAITING
		    : status == 2 ? FATE_FAILED
		    : status == 3 ? FATE_DELIVERED
				  : FATE_UNKNOWN;
	(void)!str_copy(out->code, sizeof(out->code), code);
	if (!notice_beijing_parse(when, &out->at))
		out->at = (struct utc){ 0 };
}

/* The message of that name among those of the day. An empty list whose count says that there are
 * some tells nothing; nor does a full page. */
static void read_details(const json_t *j, const char *out_id, struct notice_delivery *out)
{
	const json_t *list =
		json_object_get(json_object_get(j, "SmsSendDetailDTOs"), "SmsSendDetailDTO");
	const json_t *total = json_object_get(j, "TotalCount"), *d;
	size_t i, n = json_array_size(list);

	json_array_foreach(list, i, d)
	{
		const char *id = json_string_value(json_object_get(d, "OutId"));

		if (id && out_id && str_eq(id, out_id)) {
			take_detail(d, out);
			return;
		}
	}
	if (json_is_array(list) && n < PAGE &&
		(!total || json_integer_value(total) <= (json_int_t)n))
		out->fate = FATE_NEVER_SENT;
}

enum err aliyun_look_up(const struct notice *notice, const struct notice_message *m,
	const char *ref, struct utc sent_at, struct utc now, int64_t deadline_ms,
	struct notice_delivery *out, struct problem *why)
{
	AUTO(web_answer_free) struct web_answer answer = { 0 };
	AUTO(buf_free) struct buf body = { 0 };
	AUTO(json_free) json_t *j = NULL;
	const char *code = "";

	*out = (struct notice_delivery){ .fate = FATE_UNKNOWN };
	if (!notice->aliyun)
		return ERR_NOT_CONFIGURED;
	details_body(m->recipient, ref, sent_at, &body);
	if (call(notice->aliyun, "QuerySendDetails", &body, now, deadline_ms, &answer, why) !=
			ERR_OK ||
		json_parse(answer.body.text, answer.body.len, &j, why) != ERR_OK)
		return ERR_UNKNOWN;
	if (json_get_text(j, "Code", FIELD_REQUIRED, 64, &code, why) != ERR_OK ||
		answer.status != 200 || !str_eq(code, "OK"))
		return ERR_UNKNOWN;
	read_details(j, m->out_id, out);
	(void)!str_copy(out->provider_ref, sizeof(out->provider_ref), ref);
	return ERR_OK;
}
