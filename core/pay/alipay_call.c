/* Signed calls to Alipay's gateway, and what its signed answers say. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "pay/alipay_inside.h"

#define BUSY "20000"

const char *alipay_text(const json_t *j, const char *key)
{
	const char *v = json_string_value(json_object_get(j, key));

	return v && v[0] ? v : NULL;
}

/* ---- requests ---- */

void alipay_sign_content(const struct form *f, bool notify, struct buf *out)
{
	buf_adds(out, "");
	for (size_t i = 0; i < f->n; i++) {
		const struct form_pair *p = &f->pairs[i];

		if (str_eq(p->name, "sign") || (notify && str_eq(p->name, "sign_type")))
			continue;
		buf_printf(out, "%s%s=%s", out->len ? "&" : "", p->name, p->value);
	}
}

void alipay_params_free(struct alipay_params *p)
{
	buf_free(&p->sign);
}

void alipay_param(struct alipay_params *p, const char *name, const char *value)
{
	if (value && value[0])
		ASSERT(form_add(&p->form, name, value) == ERR_OK);
}

enum err alipay_sign_params(const struct alipay *a, const char *method, const char *biz_content,
	struct utc now, struct alipay_params *p, struct problem *why)
{
	AUTO(buf_free) struct buf content = { 0 };

	beijing_plain(now, p->timestamp);
	alipay_param(p, "app_id", a->app_id);
	alipay_param(p, "method", method);
	alipay_param(p, "format", "JSON");
	alipay_param(p, "charset", "utf-8");
	alipay_param(p, "sign_type", "RSA2");
	alipay_param(p, "timestamp", p->timestamp);
	alipay_param(p, "version", "1.0");
	if (a->certs) {
		alipay_param(p, "app_cert_sn", alipay_app_cert_sn(a->certs));
		alipay_param(p, "alipay_root_cert_sn", alipay_root_cert_sn(a->certs));
	}
	alipay_param(p, "biz_content", biz_content);
	alipay_sign_content(&p->form, false, &content);
	if (crypt_sign(a->private_key, content.text, content.len, &p->sign) != ERR_OK)
		return problem_set(why, ERR_INTERNAL, "", "the request could not be signed");
	alipay_param(p, "sign", p->sign.text);
	return ERR_OK;
}

/* Public parameters in the address (the charset must be there), biz_content in the body. */
static void request_texts(
	const struct alipay *a, const struct alipay_params *p, struct buf *url, struct buf *body)
{
	struct form in_url = { .n = 0 };

	for (size_t i = 0; i < p->form.n; i++) {
		const struct form_pair *pair = &p->form.pairs[i];

		if (str_eq(pair->name, "biz_content")) {
			buf_adds(body, "biz_content=");
			percent_encode(pair->value, body);
		} else {
			ASSERT(form_add(&in_url, pair->name, pair->value) == ERR_OK);
		}
	}
	buf_printf(url, "%s?", a->gateway);
	form_encode(&in_url, url);
}

/* ERR_OK: an answer with status 200. */
static enum err send_params(const struct alipay *a, const struct alipay_params *p,
	int64_t deadline_ms, struct web_answer *out, struct problem *why)
{
	AUTO(buf_free) struct buf url = { 0 };
	AUTO(buf_free) struct buf body = { 0 };
	enum err e;

	request_texts(a, p, &url, &body);
	e = web_call(&(struct web_request){ .method = "POST",
			     .url = url.text,
			     .headers = { "Content-Type: application/x-www-form-urlencoded;"
					  "charset=UTF-8",
				     "Accept: application/json" },
			     .body = body.text,
			     .body_len = body.len,
			     .deadline_ms = deadline_ms },
		out, why);
	if (e != ERR_OK)
		return ERR_UNKNOWN;
	return out->status == 200 ? ERR_OK
				  : problem_set(why, ERR_UNKNOWN, "", "HTTP %d", out->status);
}

static enum err ask(const struct alipay *a, const struct alipay_asking *q, struct web_answer *out,
	struct problem *why)
{
	AUTO(alipay_params_free) struct alipay_params p = { .form = { .n = 0 } };
	AUTO(text_free) char *biz = json_text(q->biz);
	enum err e;

	alipay_param(&p, "notify_url", q->notify_url);
	e = alipay_sign_params(a, q->method, biz, q->now, &p, why);
	return e == ERR_OK ? send_params(a, &p, q->deadline_ms, out, why) : e;
}

/* ---- the signed part of an answer ---- */

static const char *skip_string(const char *s)
{
	for (s++; *s != '"'; s++)
		if (*s == '\\')
			s++;
	return s + 1;
}

/* The end of the value at s, in a text that is known to be JSON. */
static const char *skip_value(const char *s)
{
	int depth = 0;

	for (; *s;) {
		if (*s == '"') {
			s = skip_string(s);
			continue;
		}
		if ((*s == ',' || *s == '}' || *s == ']') && depth == 0)
			break;
		if (*s == '{' || *s == '[')
			depth++;
		if (*s == '}' || *s == ']')
			depth--;
		s++;
	}
	return s;
}

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t\r\n");
}

/* The bytes of a top-level member's value as they came, without blanks around. The text is an
 * object that jansson has accepted (so well-formed, without a member twice or a NUL). */
static bool raw_member(const char *text, const char *name, struct buf *out)
{
	size_t name_n = strlen(name);
	const char *s = skip_blanks(text) + 1;

	for (;;) {
		const char *key, *end;
		size_t key_n;

		s = skip_blanks(s);
		if (*s != '"')
			return false;
		key = s + 1;
		s = skip_string(s);
		key_n = (size_t)(s - key) - 1;
		s = skip_blanks(skip_blanks(s) + 1); /* the colon */
		end = skip_value(s);
		if (key_n == name_n && memcmp(key, name, name_n) == 0) {
			while (end > s && strchr(" \t\r\n", end[-1]))
				end--;
			buf_add(out, s, (size_t)(end - s));
			return true;
		}
		s = skip_blanks(end);
		if (*s != ',')
			return false;
		s++;
	}
}

static void member_name(const char *method, char out[static 96])
{
	snprintf(out, 96, "%s_response", method);
	for (char *s = out; *s; s++)
		if (*s == '.')
			*s = '_';
}

/* ---- answers ---- */

struct answer {
	json_t *value;
	char member[96];
	char sn[ALIPAY_SN_LEN + 1]; /* under which it is signed; empty if not said */
	bool is_signed;
};

static void answer_free(struct answer *r)
{
	json_free(&r->value);
}

/* The answer object of a method, or the gateway's error, not yet believed. */
static enum err find_value(
	const char *method, const json_t *all, struct answer *r, struct problem *why)
{
	json_t *value;

	member_name(method, r->member);
	value = json_object_get(all, r->member);
	if (!value) {
		memcpy(r->member, "error_response", sizeof("error_response"));
		value = json_object_get(all, r->member);
	}
	if (!json_is_object(value))
		return problem_set(why, ERR_PROTOCOL, "", "no answer object");
	r->value = json_incref(value);
	return ERR_OK;
}

static enum err check_signed(const struct alipay *a, const char *body, const char *sign,
	const char *sn, struct answer *r, struct problem *why)
{
	AUTO(buf_free) struct buf raw = { 0 };
	enum err e;

	if (sn && !str_copy(r->sn, sizeof(r->sn), sn))
		return problem_set(why, ERR_BAD_SIGNATURE, "alipay_cert_sn", "is no serial");
	if (!raw_member(body, r->member, &raw))
		return problem_set(why, ERR_PROTOCOL, r->member, "written in a strange way");
	e = alipay_verify(a, sn, &raw, sign);
	if (e == ERR_NOT_FOUND)
		return problem_set(why, e, "alipay_cert_sn", "a certificate not yet known");
	if (e != ERR_OK)
		return problem_set(
			why, ERR_BAD_SIGNATURE, "sign", "the answer's signature does not match");
	r->is_signed = true;
	return ERR_OK;
}

/* ERR_NOT_FOUND: signed under the certificate out->sn, which is not known. */
static enum err read_answer(const struct alipay *a, const char *method, const struct buf *body,
	struct answer *out, struct problem *why)
{
	AUTO(json_free) json_t *all = NULL;
	const char *sign = NULL, *sn = NULL;
	enum err e = json_parse(body->text, body->len, &all, why);

	if (e == ERR_OK)
		e = find_value(method, all, out, why);
	if (e == ERR_OK)
		e = json_get_text(all, "sign", FIELD_OPTIONAL, 1024, &sign, why);
	if (e == ERR_OK)
		e = json_get_text(all, "alipay_cert_sn", FIELD_OPTIONAL, 64, &sn, why);
	if (e != ERR_OK)
		return e;
	if (sign)
		return check_signed(a, body->text, sign, sn && sn[0] ? sn : NULL, out, why);
	return str_eq(out->member, "error_response")
		       ? ERR_OK
		       : problem_set(why, ERR_BAD_SIGNATURE, "sign", "the answer is not signed");
}

enum err alipay_read_answer(const struct alipay *a, const char *method, const char *body, size_t n,
	json_t **out, struct problem *why)
{
	AUTO(answer_free) struct answer r = { .value = NULL };
	AUTO(buf_free) struct buf text = { 0 };
	enum err e;

	buf_add(&text, body, n);
	e = read_answer(a, method, &text, &r, why);
	if (e != ERR_OK)
		return e == ERR_NOT_FOUND ? ERR_BAD_SIGNATURE : e;
	*out = json_incref(r.value);
	return ERR_OK;
}

static bool is_unknown(const char *code, const char *sub_code)
{
	return str_eq(code, BUSY) || str_eq(code, "10003") || str_starts(sub_code, "aop.") ||
	       str_eq(sub_code, "ACQ.SYSTEM_ERROR");
}

/* 10000 is done. A refusal counts only when it is signed: the gateway leaves the signature out when
 * it does not know whom it talks to, but so would anyone else. */
static enum err judge(const struct answer *r, struct problem *why)
{
	const char *code = "", *msg = "", *sub_code = "", *sub_msg = NULL;

	if (json_get_text(r->value, "code", FIELD_REQUIRED, 16, &code, why) != ERR_OK ||
		json_get_text(r->value, "msg", FIELD_OPTIONAL, 512, &msg, why) != ERR_OK ||
		json_get_text(r->value, "sub_code", FIELD_OPTIONAL, 120, &sub_code, why) !=
			ERR_OK ||
		json_get_text(r->value, "sub_msg", FIELD_OPTIONAL, 512, &sub_msg, why) != ERR_OK)
		return ERR_UNKNOWN;
	if (str_eq(code, "10000") && r->is_signed)
		return ERR_OK;
	if (!sub_msg)
		sub_msg = msg;
	return problem_set(why,
		!r->is_signed || is_unknown(code, sub_code) ? ERR_UNKNOWN : ERR_REFUSED,
		sub_code[0] ? sub_code : code, "%.*s", (int)utf8_prefix(sub_msg, 240), sub_msg);
}

/* ---- a certificate that Alipay has begun to use ---- */

/* The certificate proves itself by its chain, so the answer's signature (made with the very key
 * that is not known yet) adds nothing. */
static enum err read_cert(const struct buf *body, const char *method, struct buf *pem)
{
	AUTO(answer_free) struct answer r = { .value = NULL };
	AUTO(json_free) json_t *all = NULL;
	AUTO(buf_free) struct buf packed = { 0 };
	const char *content;

	if (json_parse(body->text, body->len, &all, NULL) != ERR_OK ||
		find_value(method, all, &r, NULL) != ERR_OK)
		return ERR_PROTOCOL;
	content = alipay_text(r.value, "alipay_cert_content");
	if (!content)
		return ERR_PROTOCOL;
	for (const char *s = content; *s; s++)
		if (!strchr(" \r\n\t", *s))
			buf_add(&packed, s, 1);
	return base64_decode(packed.text ? packed.text : "", packed.len, pem);
}

enum err alipay_fetch_cert(const struct alipay *a, const char *sn, enum alipay_asker who,
	struct utc now, int64_t deadline_ms, struct problem *why)
{
	static const char method[] = "alipay.open.app.alipaycert.download";
	AUTO(json_free) json_t *biz = json_pack("{s:s}", "alipay_cert_sn", sn);
	AUTO(web_answer_free) struct web_answer answer = { 0 };
	AUTO(buf_free) struct buf pem = { 0 };
	struct problem reason = { 0 };
	enum err e;

	if (!a->certs || !alipay_certs_may_fetch(a->certs, who, mono_ms()))
		return problem_set(why, ERR_UNKNOWN, "alipay_cert_sn",
			"a certificate not yet known; one was asked for just now");
	e = ask(a,
		&(struct alipay_asking){
			.method = method, .biz = biz, .now = now, .deadline_ms = deadline_ms },
		&answer, &reason);
	if (e == ERR_OK && read_cert(&answer.body, method, &pem) != ERR_OK)
		e = problem_set(&reason, ERR_UNKNOWN, "", "no certificate in the answer");
	if (e == ERR_OK)
		e = alipay_certs_trust(a->certs, sn, pem.text, pem.len, now, &reason);
	if (e == ERR_OK)
		return ERR_OK;
	log_error("event=alipay_certificate_refused alipay_cert_sn=%s why=\"%s\"", sn, reason.text);
	return problem_set(why, e, "alipay_cert_sn", "%s", reason.text);
}

/* ---- a whole call ---- */

enum err alipay_call(
	const struct alipay *a, const struct alipay_asking *q, json_t **out, struct problem *why)
{
	AUTO(web_answer_free) struct web_answer answer = { 0 };
	AUTO(answer_free) struct answer r = { .value = NULL };
	struct problem said = { 0 };
	enum err e = ask(a, q, &answer, &said);

	if (e == ERR_OK)
		e = read_answer(a, q->method, &answer.body, &r, &said);
	if (e == ERR_NOT_FOUND) {
		e = alipay_fetch_cert(a, r.sn, ALIPAY_FOR_ANSWER, q->now, q->deadline_ms, &said);
		answer_free(&r);
		if (e == ERR_OK)
			e = read_answer(a, q->method, &answer.body, &r, &said);
	}
	e = e == ERR_OK ? judge(&r, &said) : ERR_UNKNOWN;
	log_info("event=alipay_answer method=%s outcome=%s code=%s", q->method, err_word(e),
		said.field);
	if (e != ERR_OK)
		return problem_set(why, e, said.field, "%s", said.text);
	*out = json_incref(r.value);
	return ERR_OK;
}
