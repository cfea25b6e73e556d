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

static enum err take(
	struct conf *conf, const char *key, char *dst, size_t size, struct problem *why)
{
	const char *v = conf_text(conf, SECTION, key, "");

	if (!v[0] || !str_copy(dst, size, v))
		return problem_set(why, ERR_NOT_CONFIGURED, key,
			"[" SECTION "] %s is missing or too long", key);
	return ERR_OK;
}

static enum err load_templates(struct conf *conf, struct aliyun_sms *a, struct problem *why)
{
	for (size_t i = 0; i < notice_kind_count; i++) {
		char key[64];

		snprintf(key, sizeof(key), "template_%s", notice_kinds[i].name);
		if (!str_copy(a->templates[i], sizeof(a->templates[i]),
			    conf_text(conf, SECTION, key, "")))
			return problem_set(
				why, ERR_NOT_CONFIGURED, key, "[" SECTION "] %s is too long", key);
	}
	return ERR_OK;
}

static enum err load_secret(struct conf *conf, struct aliyun_sms *a, struct problem *why)
{
	AUTO(buf_wipe) struct buf secret = { 0 };

	if (conf_secret(conf, SECTION, "access_key_secret", &secret) != ERR_OK || !secret.len ||
		!str_copy(a->secret, sizeof(a->secret), secret.text))
		return problem_set(why, ERR_NOT_CONFIGURED, "access_key_secret",
			"[" SECTION "] access_key_secret_file is not readable");
	return ERR_OK;
}

enum err aliyun_load(struct conf *conf, struct aliyun_sms **out, struct problem *why)
{
	AUTO(aliyun_free) struct aliyun_sms *a = NULL;
	enum err e;

	if (!conf_text(conf, SECTION, "access_key_id", NULL))
		return problem_set(why, ERR_NOT_CONFIGURED, "", "[" SECTION "] is not set up");
	a = calloc(1, sizeof(*a));
	ASSERT(a);
	e = take(conf, "endpoint", a->endpoint, sizeof(a->endpoint), why);
	if (e == ERR_OK)
		e = take(conf, "access_key_id", a->access_key_id, sizeof(a->access_key_id), why);
	if (e == ERR_OK)
		e = take(conf, "sign_name", a->sign_name, sizeof(a->sign_name), why);
	if (e == ERR_OK && (!web_url_allowed(a->endpoint) || strchr(a->endpoint, '?')))
		e = problem_set(why, ERR_NOT_CONFIGURED, "endpoint",
			"[" SECTION "] endpoint must be https, or http to this machine");
	if (e == ERR_OK)
		e = load_secret(conf, a, why);
	if (e == ERR_OK)
		e = load_templates(conf, a, why);
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
	const struct notice_kind *k = notice_kind_find(kind);

	(void)language;
	return n->aliyun && k && n->aliyun->templates[k - notice_kinds][0];
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

/* ---- one message ---- */

static void result(
	struct notice_result *out, enum notice_outcome outcome, bool retry, const char *code)
{
	*out = (struct notice_result){ .outcome = outcome, .retry = retry };
	snprintf(out->code, sizeof(out->code), "%s", code);
}

/* A mainland mobile number: 1, 3..9, nine more digits. */
static bool is_mobile(const char *phone)
{
	return strlen(phone) == 11 && strspn(phone, "0123456789") == 11 && phone[0] == '1' &&
	       phone[1] >= '3';
}

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
static bool body_of(const struct aliyun_sms *a, const struct notice_message *m, struct buf *body)
{
	const struct notice_kind *kind = notice_kind_find(m->kind);
	struct form f = { .n = 0 };
	char *param;

	if (!kind)
		return false;
	param = template_param(kind, m->params);
	if (!param)
		return false;
	ASSERT(form_add(&f, "PhoneNumbers", m->recipient) == ERR_OK);
	ASSERT(form_add(&f, "SignName", a->sign_name) == ERR_OK);
	ASSERT(form_add(&f, "TemplateCode", a->templates[kind - notice_kinds]) == ERR_OK);
	ASSERT(form_add(&f, "TemplateParam", param) == ERR_OK);
	if (m->out_id && m->out_id[0])
		ASSERT(form_add(&f, "OutId", m->out_id) == ERR_OK);
	form_encode(&f, body);
	free(param);
	return true;
}

/* Host (as libcurl sends it) and path of the endpoint. */
static void split_endpoint(const char *endpoint, char host[static 256], char path[static 256])
{
	const char *h = strstr(endpoint, "://") + 3;
	size_t n = strcspn(h, "/");

	snprintf(host, 256, "%.*s", (int)n, h);
	snprintf(path, 256, "%s", h[n] ? h + n : "/");
}

static void second_text(struct utc t, char out[static UTC_TEXT_MAX])
{
	char full[UTC_TEXT_MAX];

	snprintf(out, UTC_TEXT_MAX, "%.19sZ", utc_text(t, full));
}

static enum err call(const struct aliyun_sms *a, const struct buf *body, struct utc now,
	int64_t deadline_ms, struct web_answer *answer, struct problem *why)
{
	AUTO(buf_free) struct buf auth = { 0 };
	char host[256], path[256], nonce[33], date[UTC_TEXT_MAX], hash[SHA256_HEX], lines[7][400];
	struct web_request r = { .method = "POST",
		.url = a->endpoint,
		.body = body->text,
		.body_len = body->len,
		.deadline_ms = deadline_ms };
	struct acs3_header h[] = { { "content-type", FORM_TYPE }, { "host", host },
		{ "x-acs-action", "SendSms" }, { "x-acs-content-sha256", hash },
		{ "x-acs-date", date }, { "x-acs-signature-nonce", nonce },
		{ "x-acs-version", "2017-05-25" } };

	split_endpoint(a->endpoint, host, path);
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

/* Trying again helps with these alone; never with limits, balance, templates or numbers. */
static bool is_temporary(const char *code)
{
	return str_eq(code, "isp.SYSTEM_ERROR") || str_starts(code, "Throttling") ||
	       str_eq(code, "ServiceUnavailable") || str_eq(code, "InternalError");
}

static void judge(const struct web_answer *a, struct notice_result *out)
{
	AUTO(json_free) json_t *j = NULL;
	const char *code = NULL, *biz_id = "";
	char http[16];

	snprintf(http, sizeof(http), "http_%d", a->status);
	if (json_parse(a->body.text, a->body.len, &j, NULL) != ERR_OK ||
		json_get_text(j, "Code", FIELD_REQUIRED, sizeof(out->code) - 1, &code, NULL) !=
			ERR_OK) {
		result(out, NOTICE_UNKNOWN, false, http);
		return;
	}
	if (a->status == 200 && str_eq(code, "OK")) {
		result(out, NOTICE_DONE, false, code);
		if (json_get_text(j, "BizId", FIELD_OPTIONAL, sizeof(out->provider_ref) - 1,
			    &biz_id, NULL) == ERR_OK)
			(void)!str_copy(out->provider_ref, sizeof(out->provider_ref), biz_id);
		return;
	}
	if (a->status >= 500) /* the provider broke off: it may have been sent */
		result(out, NOTICE_UNKNOWN, false, code);
	else
		result(out, NOTICE_REFUSED, is_temporary(code), code);
}

void aliyun_send(const struct notice *notice, const struct notice_message *m, struct utc now,
	int64_t deadline_ms, struct notice_result *out)
{
	static const char *const words[] = { "done", "refused", "unknown" };
	const struct aliyun_sms *a = notice->aliyun;
	const struct notice_kind *kind = notice_kind_find(m->kind);
	AUTO(web_answer_free) struct web_answer answer = { 0 };
	AUTO(buf_free) struct buf body = { 0 };
	enum err e;

	if (!a || !kind || !a->templates[kind - notice_kinds][0]) {
		result(out, NOTICE_REFUSED, false, "not_configured");
		return;
	}
	if (!is_mobile(m->recipient)) {
		result(out, NOTICE_REFUSED, false, "bad_phone");
		return;
	}
	if (!body_of(a, m, &body)) {
		result(out, NOTICE_REFUSED, false, "bad_params");
		return;
	}
	e = call(a, &body, now, deadline_ms, &answer, NULL);
	if (e == ERR_UNAVAILABLE)
		result(out, NOTICE_REFUSED, true, "no_connection");
	else if (e != ERR_OK)
		result(out, NOTICE_UNKNOWN, false, err_word(e));
	else
		judge(&answer, out);
	log_info("event=sms_answer kind=%s outcome=%s code=%s", m->kind, words[out->outcome],
		out->code);
}
