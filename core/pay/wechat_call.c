/* Our signed calls, and what their answers are worth. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rand.h"
#include "pay/wechat_inside.h"

/* Path and query as they stand on the request line. */
static const char *target_of(const char *url)
{
	const char *host = strstr(url, "://");
	const char *slash = host ? strchr(host + 3, '/') : NULL;

	return slash ? slash : "/";
}

static enum err authorization(
	const struct wechat *w, const struct wechat_call *c, struct utc now, struct buf *header)
{
	AUTO(buf_free) struct buf message = { 0 };
	AUTO(buf_free) struct buf signature = { 0 };
	char nonce[33];
	enum err e;

	rand_hex(nonce, 16);
	buf_printf(&message, "%s\n%s\n%lld\n%s\n%s\n", c->method, target_of(c->url),
		(long long)(now.ms / 1000), nonce, c->body ? c->body : "");
	e = crypt_sign(w->private_key, message.text, message.len, &signature);
	if (e != ERR_OK)
		return e;
	buf_printf(header,
		"Authorization: " WECHAT_SIGNATURE_TYPE " mchid=\"%s\",nonce_str=\"%s\","
		"timestamp=\"%lld\",serial_no=\"%s\",signature=\"%s\"",
		w->mch_id, nonce, (long long)(now.ms / 1000), w->serial, signature.text);
	return ERR_OK;
}

bool wechat_code_is(const char *code, const char *bare)
{
	for (; *code; code++) {
		if (*code == '_')
			continue;
		if (*code != *bare++)
			return false;
	}
	return *bare == '\0';
}

static bool code_is_temporary(const char *code)
{
	static const char *const codes[] = { "SYSTEMERROR", "BANKERROR", "FREQUENCYLIMITED",
		"RATELIMITEXCEEDED", "STATEMENTCREATING" };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (wechat_code_is(code, codes[i]))
			return true;
	return false;
}

/* A 4xx need not be signed, but a wrong signature is worth less than none. */
static enum err refusal(
	const struct web_answer *a, enum err signature, bool is_signed, struct problem *why)
{
	AUTO(json_free) json_t *j = NULL;
	const char *code = NULL, *message = "";

	if (a->status < 400 || a->status > 499 || (is_signed && signature != ERR_OK))
		return problem_set(why, ERR_UNKNOWN, "", "HTTP %d", a->status);
	if (json_parse(a->body.text, a->body.len, &j, NULL) != ERR_OK ||
		json_get_text(j, "code", FIELD_REQUIRED, 64, &code, NULL) != ERR_OK)
		return problem_set(why, ERR_UNKNOWN, "", "HTTP %d without a code", a->status);
	(void)!json_get_text(j, "message", FIELD_OPTIONAL, 1024, &message, NULL);
	return problem_set(why,
		a->status == 429 || code_is_temporary(code) ? ERR_UNKNOWN : ERR_REFUSED, code,
		"%.*s", (int)utf8_prefix(message, 240), message);
}

struct pay_headers wechat_answer_headers(const struct web_answer *a, struct wechat_signed *s)
{
	static const char *const names[] = { "Wechatpay-Serial", "Wechatpay-Timestamp",
		"Wechatpay-Nonce", "Wechatpay-Signature" };
	const char *found[4];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *v = web_header(a, names[i]);

		found[i] =
			v && str_copy(s->values[i], sizeof(s->values[i]), v) ? s->values[i] : NULL;
	}
	return (struct pay_headers){
		.serial = found[0], .timestamp = found[1], .nonce = found[2], .signature = found[3]
	};
}

static void log_answer(const struct web_answer *a)
{
	const char *given = web_header(a, "Request-ID");
	char id[128] = "-";

	if (given && !str_copy(id, sizeof(id), given))
		id[0] = '\0';
	log_info("event=wechat_answer status=%d request_id=%s", a->status, id);
}

/* *probe: the signature was wrong on purpose. */
static enum err judge(const struct wechat *w, const struct wechat_call *c,
	const struct web_answer *a, struct utc now, int64_t deadline_ms, bool *probe,
	struct problem *why)
{
	bool good = a->status >= 200 && a->status <= 299;
	struct wechat_signed s;
	struct pay_headers h;
	enum err e;

	log_answer(a);
	if (good && (c->unsigned_answer || c->certificates))
		return ERR_OK;
	h = wechat_answer_headers(a, &s);
	*probe = h.signature && wechat_is_probe(h.signature);
	e = c->certificates
		    ? wechat_verify_known(w, &h, a->body.text, a->body.len, now, NULL, why)
		    : wechat_verify_lookup(w, &h, a->body.text, a->body.len, now, deadline_ms, why);
	if (good && e == ERR_OK)
		return ERR_OK;
	if (good)
		return ERR_UNKNOWN; /* why already says what is wrong with the signature */
	/* the list of certificates brings its own key, and its refusal may come before any */
	return refusal(a, e, h.signature && !c->certificates, why);
}

static enum err once(const struct wechat *w, const struct wechat_call *c, struct utc now,
	int64_t deadline_ms, struct web_answer *out, bool *probe, struct problem *why)
{
	AUTO(buf_free) struct buf auth = { 0 };
	AUTO(web_answer_free) struct web_answer a = { 0 };
	char chosen[CRYPT_SERIAL_MAX], serial[CRYPT_SERIAL_MAX + 32];
	struct web_request r = { .method = c->method,
		.url = c->url,
		.body = c->body,
		.body_len = c->body ? strlen(c->body) : 0,
		.deadline_ms = deadline_ms,
		.answer_max = c->answer_max };
	size_t n = 0;
	enum err e = authorization(w, c, now, &auth);

	if (e != ERR_OK)
		return problem_set(why, e, "", "the request could not be signed");
	r.headers[n++] = auth.text;
	r.headers[n++] = "Accept: application/json";
	if (c->body)
		r.headers[n++] = "Content-Type: application/json";
	if (wechat_keys_choose(w->keys, now, chosen)) {
		snprintf(serial, sizeof(serial), "Wechatpay-Serial: %s", chosen);
		r.headers[n++] = serial;
	}
	if (web_call(&r, &a, why) != ERR_OK)
		return ERR_UNKNOWN;
	e = judge(w, c, &a, now, deadline_ms, probe, why);
	if (e != ERR_OK)
		return e;
	*out = a;
	a = (struct web_answer){ 0 };
	return ERR_OK;
}

enum err wechat_call(const struct wechat *w, const struct wechat_call *c, struct utc now,
	int64_t deadline_ms, struct web_answer *out, struct problem *why)
{
	bool probe = false;
	enum err e;

	if (!c->certificates && wechat_certs_ready(w, now, deadline_ms, why) != ERR_OK)
		return ERR_UNKNOWN;
	e = once(w, c, now, deadline_ms, out, &probe, why);
	if (probe && str_eq(c->method, "GET"))
		e = once(w, c, now, deadline_ms, out, &probe, why);
	return e;
}

enum err wechat_call_json(const struct wechat *w, const struct wechat_call *c, struct utc now,
	int64_t deadline_ms, json_t **out, struct problem *why)
{
	AUTO(web_answer_free) struct web_answer a = { 0 };
	enum err e = wechat_call(w, c, now, deadline_ms, &a, why);

	if (e != ERR_OK)
		return e;
	return json_parse(a.body.text, a.body.len, out, why) == ERR_OK ? ERR_OK : ERR_UNKNOWN;
}
