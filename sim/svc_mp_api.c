/* The interfaces at api.weixin.qq.com: HTTP 200 whatever comes of it, errors by errcode. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "sim/svc_mp.h"

#define CODE_MS (5 * 60000)
#define TOKEN_S 7200
#define OVERLAP_S 300
#define FORCE_PAUSE_MS 30000
#define FORCES_A_DAY 20
#define SAME_ID_MS (10 * 60000)
#define MESSAGES_MAX 200

/* ---- answers ---- */

static void answer(struct http_reply *reply, json_t *j)
{
	char *text = json_text(j);

	/* as the real ones do: JSON under another name */
	http_answer(reply, 200, "text/plain; charset=utf-8", text, strlen(text));
	free(text);
	json_decref(j);
}

static void refuse(struct http_reply *reply, int64_t errcode, const char *errmsg)
{
	char hex[9], text[200];

	rand_hex(hex, 4);
	snprintf(text, sizeof(text), "%s rid: %s-1d2f3a4b-%s", errmsg, hex, hex);
	answer(reply, json_pack("{s:I, s:s}", "errcode", (json_int_t)errcode, "errmsg", text));
}

static const char *param(const struct http_request *req, const char *name)
{
	const char *v = http_query(req, name);

	return v ? v : "";
}

static struct mp_app *app_of(struct svc_mp *mp, const char *app_id, enum mp_kind *k)
{
	for (int i = 0; i < MP__MAX; i++)
		if (mp->apps[i].app_id && str_eq(mp->apps[i].app_id, app_id)) {
			*k = (enum mp_kind)i;
			return &mp->apps[i];
		}
	return NULL;
}

/* ---- who logs in ---- */

static void exchange(struct svc_mp *mp, const struct http_request *req, struct http_reply *reply,
	enum mp_kind want, const char *code)
{
	enum mp_kind k = MP_OA;
	const struct mp_app *app = app_of(mp, param(req, "appid"), &k);
	json_t *c = json_object_get(mp->codes, code);
	json_t *a;

	if (!app || k != want) {
		refuse(reply, 40013, "invalid appid");
	} else if (!str_eq(param(req, "secret"), app->secret)) {
		refuse(reply, 40125, "invalid appsecret");
	} else if (!str_eq(param(req, "grant_type"), "authorization_code")) {
		refuse(reply, 40002, "invalid grant_type");
	} else if (!c || !str_eq(svc_text(c, "app"), mp_word(k)) ||
		   utc_now().ms > svc_int(c, "at_ms") + CODE_MS) {
		refuse(reply, 40029, "invalid code");
	} else if (svc_int(c, "used")) {
		refuse(reply, 40163, "code been used");
	} else {
		svc_set_int(c, "used", 1);
		a = json_pack("{s:s}", "openid", svc_text(c, "openid"));
		svc_set_text(a, k == MP_OA ? "access_token" : "session_key", "not-for-use");
		if (k == MP_OA) {
			svc_set_text(a, "scope", "snsapi_base");
			svc_set_int(a, "expires_in", TOKEN_S);
			svc_set_text(a, "refresh_token", "not-for-use");
		}
		if (svc_int(c, "snapshot"))
			svc_set_int(a, "is_snapshotuser", 1);
		answer(reply, a);
	}
}

/* ---- access token ---- */

static void make_token(struct mp_app *app, struct utc now)
{
	char hex[161];

	for (size_t i = 0; i < 5; i++)
		rand_hex(hex + 32 * i, 16);
	(void)!str_copy(app->old_token, sizeof(app->old_token), app->now_token);
	app->old_until_ms = now.ms + OVERLAP_S * 1000;
	snprintf(app->now_token, sizeof(app->now_token), "%d_%s", 60 + (int)rand_below(30), hex);
	app->made_ms = now.ms;
	app->made++;
}

static bool force(struct mp_app *app, struct utc now)
{
	if (app->forced_ms && now.ms - app->forced_ms < FORCE_PAUSE_MS)
		return false;
	if (app->forced >= FORCES_A_DAY)
		return false;
	app->forced_ms = now.ms;
	app->forced++;
	app->now_token[0] = '\0'; /* and with it everybody else's */
	return true;
}

static void stable_token(
	struct svc_mp *mp, const struct http_request *req, struct http_reply *reply)
{
	AUTO(json_free) json_t *body = NULL;
	struct problem why;
	enum mp_kind k = MP_OA;
	struct utc now = utc_now();
	struct mp_app *app;
	int64_t left;

	if (!str_eq(http_method(req), "POST") || http_body_json(req, &body, &why) != ERR_OK) {
		refuse(reply, 47001, "data format error");
		return;
	}
	app = app_of(mp, svc_text(body, "appid"), &k);
	if (!app)
		refuse(reply, 40013, "invalid appid");
	else if (!str_eq(svc_text(body, "secret"), app->secret))
		refuse(reply, 40125, "invalid appsecret");
	else if (!str_eq(svc_text(body, "grant_type"), "client_credential"))
		refuse(reply, 40002, "invalid grant_type");
	else if (json_is_true(json_object_get(body, "force_refresh")) && !force(app, now))
		refuse(reply, 45009, "reach max api daily quota limit");
	else {
		app->asked++;
		left = TOKEN_S - (now.ms - app->made_ms) / 1000;
		if (!app->now_token[0] || left <= OVERLAP_S) {
			make_token(app, now);
			left = TOKEN_S;
		}
		answer(reply, json_pack("{s:s, s:I}", "access_token", app->now_token, "expires_in",
				      (json_int_t)left));
	}
}

/* 0 if the token counts. */
static int64_t token_error(const struct mp_app *app, const char *token, struct utc now)
{
	if (!token[0])
		return 41001;
	if (str_eq(token, app->now_token))
		return now.ms < app->made_ms + TOKEN_S * 1000 ? 0 : 42001;
	if (str_eq(token, app->old_token))
		return now.ms < app->old_until_ms ? 0 : 42001;
	return 40001;
}

/* ---- messages: what a field holds, by WeChat's rules ---- */

static size_t chars(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xC0) != 0x80;
	return n;
}

static bool ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

static bool amount_ok(const char *v)
{
	if (str_starts(v, "¥"))
		v += strlen("¥");
	return v[0] && strlen(v) <= 10 && strspn(v, "0123456789.") == strlen(v);
}

/* "2026年11月23日 10:13" and the like: digits, and nothing but signs of dates. */
static bool time_ok(const char *v)
{
	return v[0] >= '0' && v[0] <= '9' && chars(v) <= 20 &&
	       (strstr(v, "年") || strchr(v, ':') || strchr(v, '-'));
}

static bool phrase_ok(const char *v)
{
	for (const char *s = v; *s; s++)
		if ((unsigned char)*s < 0x80)
			return false;
	return chars(v) <= 5;
}

static bool value_ok(const char *field, const char *v)
{
	if (!v[0])
		return false;
	if (str_starts(field, "thing"))
		return chars(v) <= 20 && !strpbrk(v, "\r\n\t");
	if (str_starts(field, "character_string"))
		return ascii(v) && strlen(v) <= 32;
	if (str_starts(field, "amount"))
		return amount_ok(v);
	if (str_starts(field, "time"))
		return time_ok(v);
	return phrase_ok(v);
}

/* Every field of the template, and no other. NULL: good; else the field. */
static const char *bad_field(const struct mp_template *t, const json_t *data)
{
	size_t n = 0;

	for (; n < ARRAY_LEN(t->fields) && t->fields[n]; n++) {
		const char *v = json_string_value(
			json_object_get(json_object_get(data, t->fields[n]), "value"));

		if (!v || !value_ok(t->fields[n], v))
			return t->fields[n];
	}
	return json_is_object(data) && json_object_size(data) == n ? NULL : "data";
}

/* ---- messages ---- */

struct sending {
	enum mp_kind k;
	struct mp_app *app;
	const struct mp_template *t;
	json_t *body, *person;
	bool counted; /* a subscribe message */
};

static int64_t permissions(const struct sending *s)
{
	return svc_int(json_object_get(s->person, "permissions"), s->t->id);
}

static int64_t person_error(const struct sending *s, const char **text)
{
	if (!s->person || !str_eq(svc_text(s->person, "app"), mp_word(s->k))) {
		*text = "invalid openid";
		return 40003;
	}
	if (!s->counted && !json_is_true(json_object_get(s->person, "follows"))) {
		*text = "require subscribe";
		return 43004;
	}
	if (s->counted && permissions(s) < 1) {
		*text = "user refuse to accept the msg";
		return 43101;
	}
	return 0;
}

static void keep(struct svc_mp *mp, const struct sending *s, int64_t msgid)
{
	AUTO(text_free) char *data = json_text(json_object_get(s->body, "data"));
	json_t *copy = NULL;

	ASSERT(json_parse(data, strlen(data), &copy, NULL) == ERR_OK);
	json_array_insert_new(mp->messages, 0,
		json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:I, s:I, s:s, s:o}", "app",
			mp_word(s->k), "openid", svc_text(s->body, "touser"), "n",
			(int)svc_int(s->person, "n"), "template_id", s->t->id, "title", s->t->title,
			"url",
			svc_text(s->body, "url")[0] ? svc_text(s->body, "url")
						    : svc_text(s->body, "page"),
			"msgid", (json_int_t)msgid, "at_ms", (json_int_t)utc_now().ms,
			"client_msg_id", svc_text(s->body, "client_msg_id"), "data", copy));
	while (json_array_size(mp->messages) > MESSAGES_MAX)
		json_array_remove(mp->messages, MESSAGES_MAX);
}

static void tell_result(struct svc_mp *mp, const struct sending *s, int64_t msgid)
{
	bool blocked = json_is_true(json_object_get(s->person, "blocked"));
	char id[24];

	snprintf(id, sizeof(id), "%lld", (long long)msgid);
	if (s->counted)
		mp_event_queue(mp, s->k, svc_text(s->body, "touser"), "subscribe_msg_sent_event",
			json_pack("{s:s, s:s, s:i}", "TemplateId", s->t->id, "MsgID", id,
				"ErrorCode", blocked ? 43101 : 0),
			false);
	else
		mp_event_queue(mp, s->k, svc_text(s->body, "touser"), "TEMPLATESENDJOBFINISH",
			json_pack("{s:s, s:s}", "MsgID", id, "Status",
				blocked ? "failed:user block" : "success"),
			false);
}

/* The number of a message that was sent with this id less than ten minutes ago; 0: none. */
static int64_t sent_before(struct svc_mp *mp, const char *key, struct utc now)
{
	const json_t *old = json_object_get(mp->sent, key);

	return old && now.ms < svc_int(old, "at_ms") + SAME_ID_MS ? svc_int(old, "msgid") : 0;
}

static int64_t deliver(struct svc_mp *mp, const struct sending *s)
{
	const char *id = svc_text(s->body, "client_msg_id");
	struct utc now = utc_now();
	char key[160];
	int64_t msgid;

	snprintf(key, sizeof(key), "%s/%s", svc_text(s->body, "touser"), id);
	msgid = id[0] ? sent_before(mp, key, now) : 0;
	if (msgid)
		return msgid;
	msgid = mp->next_msgid++;
	if (id[0])
		json_object_set_new(mp->sent, key,
			json_pack("{s:I, s:I}", "at_ms", (json_int_t)now.ms, "msgid",
				(json_int_t)msgid));
	if (s->counted)
		svc_set_int(
			json_object_get(s->person, "permissions"), s->t->id, permissions(s) - 1);
	if (!json_is_true(json_object_get(s->person, "blocked")))
		keep(mp, s, msgid);
	tell_result(mp, s, msgid);
	return msgid;
}

static bool members_ok(const struct sending *s)
{
	static const char *const oa[] = { "touser", "template_id", "url", "miniprogram",
		"client_msg_id", "data", NULL };
	static const char *const biz[] = { "touser", "template_id", "page", "miniprogram", "data",
		NULL };
	static const char *const mini[] = { "touser", "template_id", "page", "miniprogram_state",
		"lang", "data", NULL };

	return json_only(s->body,
		       s->k == MP_MINI ? mini
		       : s->counted    ? biz
				       : oa,
		       NULL) == ERR_OK &&
	       json_is_object(json_object_get(s->body, "data"));
}

static void send_message(struct svc_mp *mp, const struct http_request *req,
	struct http_reply *reply, enum mp_kind k, bool counted)
{
	AUTO(json_free) json_t *body = NULL;
	struct sending s = { .k = k, .app = &mp->apps[k], .counted = counted };
	const char *text = "invalid credential", *field;
	int64_t e =
		s.app->app_id ? token_error(s.app, param(req, "access_token"), utc_now()) : 40001;
	json_t *done;

	if (e == 0 && s.app->refuse_left > 0) {
		s.app->refuse_left--;
		e = s.app->refuse_code;
		text = "as commanded";
	}
	if (e) {
		refuse(reply, e, text);
		return;
	}
	if (!str_eq(http_method(req), "POST") || http_body_json(req, &body, NULL) != ERR_OK) {
		refuse(reply, 47001, "data format error");
		return;
	}
	s.body = body;
	s.person = mp_person(mp, svc_text(body, "touser"));
	s.t = mp_template(k, svc_text(body, "template_id"));
	if (!members_ok(&s)) {
		refuse(reply, 47001, "data format error");
	} else if (!s.t || s.t->counted != counted) {
		refuse(reply, 40037, "invalid template_id");
	} else if ((field = bad_field(s.t, json_object_get(body, "data"))) != NULL) {
		char why[80];

		snprintf(why, sizeof(why), "argument invalid! data.%s.value invalid", field);
		refuse(reply, 47003, why);
	} else if ((e = person_error(&s, &text)) != 0) {
		refuse(reply, e, text);
	} else {
		done = json_pack("{s:i, s:s, s:I}", "errcode", 0, "errmsg", "ok", "msgid",
			(json_int_t)deliver(mp, &s));
		answer(reply, done);
	}
}

/* ---- the door ---- */

static void route(struct svc_mp *mp, const struct http_request *req, struct http_reply *reply)
{
	const char *path = http_rest(req);

	if (str_eq(path, "sns/oauth2/access_token"))
		exchange(mp, req, reply, MP_OA, param(req, "code"));
	else if (str_eq(path, "sns/jscode2session"))
		exchange(mp, req, reply, MP_MINI, param(req, "js_code"));
	else if (str_eq(path, "cgi-bin/stable_token"))
		stable_token(mp, req, reply);
	else if (str_eq(path, "cgi-bin/message/template/send"))
		send_message(mp, req, reply, MP_OA, false);
	else if (str_eq(path, "cgi-bin/message/subscribe/bizsend"))
		send_message(mp, req, reply, MP_OA, true);
	else if (str_eq(path, "cgi-bin/message/subscribe/send"))
		send_message(mp, req, reply, MP_MINI, true);
	else
		http_answer(reply, 404, "text/plain", "", 0);
}

void mp_handle(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	struct svc_mp *mp = ctx;
	int64_t seconds = 10;

	if (svc_mode_take(mp->svc, SVC_MP, "answer_500", NULL)) {
		http_answer(reply, 500, "text/html", "<html>", 6);
		return;
	}
	pthread_mutex_lock(&mp->lock);
	route(mp, req, reply);
	pthread_mutex_unlock(&mp->lock);
	if (svc_mode_take(mp->svc, SVC_MP, "answer_hang_up", NULL))
		http_hang_up(reply);
	else if (svc_mode_take(mp->svc, SVC_MP, "answer_slow", &seconds))
		svc_sleep(mp->svc, seconds * 1000);
}
