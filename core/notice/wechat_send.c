/* Messages of a service account (template messages, subscribe notices) and of a mini program
 * (subscribe messages). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "notice/wechat_sender.h"
#include "web/form.h"
#include "web/web.h"

static const char *const channel_names[WECHAT__MAX] = { "wechat_oa", "wechat_mini" };

/* ---- the two channels ---- */

void wechat_ways_load(struct conf *conf, struct notice *n)
{
	struct db_settings db;
	bool has_db = db_settings_read(conf, &db, NULL) == ERR_OK;

	for (int k = 0; k < WECHAT__MAX; k++) {
		struct wechat_way *w = &n->wechat[k];

		if (wechat_app_load(conf, (enum wechat_kind)k, &w->app, &w->off) == ERR_OK)
			w->sender = wechat_sender_open(w->app, has_db ? &db : NULL);
		else if (w->off.field[0])
			log_error("channel=%s state=off key=%s why=\"%s\"", channel_names[k],
				w->off.field, w->off.text);
	}
}

void wechat_ways_free(struct notice *n)
{
	for (int k = 0; k < WECHAT__MAX; k++) {
		wechat_sender_free(&n->wechat[k].sender);
		wechat_app_free(&n->wechat[k].app);
	}
}

const struct wechat_app *notice_wechat(const struct notice *n, enum wechat_kind kind)
{
	return n->wechat[kind].app;
}

static const struct problem *off(const struct notice *n, enum wechat_kind k)
{
	return n->wechat[k].app ? NULL : &n->wechat[k].off;
}

static const struct wechat_template *template_of(const struct wechat_app *app, const char *kind)
{
	const struct notice_kind *k = notice_kind_find(kind);
	const struct wechat_template *t = app && k ? &app->templates[k - notice_kinds] : NULL;

	return t && t->id[0] ? t : NULL;
}

/* ---- one message ---- */

static void result(
	struct notice_result *out, enum notice_outcome outcome, bool retry, const char *code)
{
	*out = (struct notice_result){ .outcome = outcome, .retry = retry };
	snprintf(out->code, sizeof(out->code), "%.63s", code);
}

static const char *path_of(const struct wechat_app *app, const struct wechat_template *t)
{
	if (app->kind == WECHAT_MINI)
		return "/cgi-bin/message/subscribe/send";
	return t->counted ? "/cgi-bin/message/subscribe/bizsend" : "/cgi-bin/message/template/send";
}

/* The request; NULL when the notice does not fit the template. The caller frees. */
static char *body_of(const struct wechat_app *app, const struct wechat_template *t,
	const struct notice_message *m, struct utc now, struct problem *why)
{
	AUTO(json_free) json_t *body = NULL;
	json_t *data = wechat_data(t, m->params, now, why);

	if (!data)
		return NULL;
	body = json_pack(
		"{s:s, s:s, s:o}", "touser", m->recipient, "template_id", t->id, "data", data);
	if (app->kind == WECHAT_MINI) {
		json_object_set_new(body, "page", json_string(app->page));
		json_object_set_new(body, "miniprogram_state", json_string(app->state));
		json_object_set_new(
			body, "lang", json_string(str_eq(m->language, "en") ? "en_US" : "zh_CN"));
		return json_text(body);
	}
	if (m->url && m->url[0])
		json_object_set_new(body, t->counted ? "page" : "url", json_string(m->url));
	/* repeated within ten minutes, it still arrives once */
	if (!t->counted && m->out_id && m->out_id[0])
		json_object_set_new(body, "client_msg_id", json_string(m->out_id));
	return json_text(body);
}

/* msgid is a number of 64 bits, or a text. */
static void take_ref(const json_t *body, struct notice_result *out)
{
	const json_t *id = json_object_get(body, "msgid");

	if (json_is_integer(id))
		snprintf(out->provider_ref, sizeof(out->provider_ref), "%" JSON_INTEGER_FORMAT,
			json_integer_value(id));
	else if (json_is_string(id))
		(void)!str_copy(
			out->provider_ref, sizeof(out->provider_ref), json_string_value(id));
}

static enum wechat_advice judge(const struct web_answer *a, const char *name,
	const struct notice_message *m, struct notice_result *out)
{
	AUTO(wechat_verdict_free) struct wechat_verdict v = { 0 };
	enum wechat_advice advice;
	char code[24];

	if (a->status != 200 || !wechat_verdict_read(a->body.text, a->body.len, &v)) {
		snprintf(code, sizeof(code), "http_%d", a->status);
		result(out, NOTICE_UNKNOWN, false, code);
		return ADVICE_NO;
	}
	advice = wechat_advice(v.errcode);
	snprintf(code, sizeof(code), "%lld", (long long)v.errcode);
	result(out, advice == ADVICE_DONE ? NOTICE_DONE : NOTICE_REFUSED, advice == ADVICE_AGAIN,
		advice == ADVICE_DONE ? "ok" : code);
	out->next_day = advice == ADVICE_NEXT_DAY;
	out->unreachable = advice == ADVICE_UNREACHABLE || advice == ADVICE_USED_UP;
	if (advice == ADVICE_DONE)
		take_ref(v.body, out);
	else
		log_line(advice == ADVICE_PERSON ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN,
			"event=wechat_refused channel=%s kind=%s errcode=%s rid=%s", name, m->kind,
			code, v.rid);
	return advice;
}

static enum wechat_advice call(struct wechat_sender *s, const char *path, const char *token,
	const char *body, const struct notice_message *m, int64_t deadline_ms,
	struct notice_result *out)
{
	AUTO(web_answer_free) struct web_answer answer = { 0 };
	AUTO(buf_wipe) struct buf url = { 0 };
	const struct wechat_app *app = wechat_sender_app(s);
	enum err e;

	wechat_url(app, path, &url);
	buf_adds(&url, "?access_token=");
	percent_encode(token, &url);
	e = web_call(&(struct web_request){ .method = "POST",
			     .url = url.text,
			     .headers = { "Content-Type: application/json" },
			     .body = body,
			     .body_len = strlen(body),
			     .deadline_ms = deadline_ms },
		&answer, NULL);
	if (e == ERR_OK)
		return judge(&answer, channel_names[app->kind], m, out);
	if (e == ERR_UNAVAILABLE)
		result(out, NOTICE_REFUSED, true, "no_connection");
	else
		result(out, NOTICE_UNKNOWN, false, err_word(e));
	return ADVICE_NO;
}

/* With a token, and once more with the next one when WeChat turns the first down. */
static enum wechat_advice call_with_token(struct wechat_sender *s, const char *path,
	const char *body, const struct notice_message *m, struct utc now, int64_t deadline_ms,
	struct notice_result *out)
{
	AUTO(buf_wipe) struct buf first = { 0 };
	enum wechat_advice advice = ADVICE_TOKEN;

	for (int turn = 0; turn < 2 && advice == ADVICE_TOKEN; turn++) {
		AUTO(buf_wipe) struct buf token = { 0 };
		struct problem why = { 0 };
		enum err e = wechat_token_get(
			s, turn ? first.text : NULL, now, deadline_ms, &token, &why);

		if (e != ERR_OK) {
			result(out, NOTICE_REFUSED, e != ERR_REFUSED,
				why.field[0] ? why.field : "no_token");
			return ADVICE_NO;
		}
		advice = call(s, path, token.text, body, m, deadline_ms, out);
		buf_add(&first, token.text, turn ? 0 : token.len);
	}
	return advice;
}

static void send_by(const struct notice *n, enum wechat_kind kind, const struct notice_message *m,
	struct utc now, int64_t deadline_ms, struct notice_result *out)
{
	static const char *const words[] = { "done", "refused", "unknown" };
	const struct wechat_way *w = &n->wechat[kind];
	const struct wechat_template *t = template_of(w->app, m->kind);
	AUTO(text_free) char *body = NULL;
	struct problem why = { 0 };
	enum wechat_advice advice = ADVICE_NO;

	if (!t)
		result(out, NOTICE_REFUSED, false, "not_configured");
	else if (!wechat_openid_is_sane(m->recipient))
		result(out, NOTICE_REFUSED, false, "bad_openid");
	else if (!(body = body_of(w->app, t, m, now, &why))) {
		result(out, NOTICE_REFUSED, false, "bad_params");
		log_error("event=wechat_not_sent channel=%s kind=%s field=%s why=\"%s\"",
			channel_names[kind], m->kind, why.field, why.text);
	} else {
		advice = call_with_token(
			w->sender, path_of(w->app, t), body, m, now, deadline_ms, out);
		wechat_sender_note(w->sender, m->recipient, t, advice, now);
	}
	log_info("event=wechat_answer channel=%s kind=%s outcome=%s code=%s", channel_names[kind],
		m->kind, words[out->outcome], out->code);
}

const struct problem *wechat_oa_off(const struct notice *n)
{
	return off(n, WECHAT_OA);
}

const struct problem *wechat_mini_off(const struct notice *n)
{
	return off(n, WECHAT_MINI);
}

/* A template of WeChat has one language, its own; what stands in its fields is the tenant's. */
bool wechat_oa_serves(const struct notice *n, const char *kind, const char *language)
{
	(void)language;
	return template_of(n->wechat[WECHAT_OA].app, kind) != NULL;
}

bool wechat_mini_serves(const struct notice *n, const char *kind, const char *language)
{
	(void)language;
	return template_of(n->wechat[WECHAT_MINI].app, kind) != NULL;
}

static bool how(const struct wechat_app *app, const char *kind, struct notice_how *out)
{
	const struct wechat_template *t = template_of(app, kind);
	AUTO(buf_free) struct buf fields = { 0 };

	*out = (struct notice_how){ .language = "" };
	if (!t)
		return false;
	wechat_fields_text(t, &fields);
	return str_copy(out->template, sizeof(out->template), t->id) &&
	       str_copy(out->fields, sizeof(out->fields), fields.text);
}

bool wechat_oa_how(
	const struct notice *n, const char *kind, const char *language, struct notice_how *out)
{
	(void)language;
	return how(n->wechat[WECHAT_OA].app, kind, out);
}

bool wechat_mini_how(
	const struct notice *n, const char *kind, const char *language, struct notice_how *out)
{
	(void)language;
	return how(n->wechat[WECHAT_MINI].app, kind, out);
}

void wechat_oa_send(const struct notice *n, const struct notice_message *m, struct utc now,
	int64_t deadline_ms, struct notice_result *out)
{
	send_by(n, WECHAT_OA, m, now, deadline_ms, out);
}

void wechat_mini_send(const struct notice *n, const struct notice_message *m, struct utc now,
	int64_t deadline_ms, struct notice_result *out)
{
	send_by(n, WECHAT_MINI, m, now, deadline_ms, out);
}

bool wechat_code_needs_person(const char *code)
{
	int64_t n;

	if (str_eq(code, "bad_params"))
		return true;
	return i64_parse(code, -1, INT64_MAX, &n) == ERR_OK &&
	       (wechat_advice(n) == ADVICE_PERSON || wechat_advice(n) == ADVICE_TOKEN);
}
