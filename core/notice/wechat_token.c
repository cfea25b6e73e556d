/* The access token of an app: one refresh across processes, kept sealed in the database. Its key is
 * made of the app's secret, so neither a copy of the database nor another program's user can use
 * it. */
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rand.h"
#include "notice/wechat_people.h"
#include "notice/wechat_sender.h"
#include "web/web.h"

#define CLAIM_MS 15000
#define FAILED_PAUSE_MS 2000
#define LOOK_MS 100
#define EARLY_S 300 /* WeChat hands out the next token so long before the end; both count then */
#define LIFE_MAX_S 7200
#define TOKEN_TEXT_MAX 1024
#define NONCE_TEXT 16 /* base64 of GCM_NONCE_LEN */

struct wechat_sender {
	const struct wechat_app *app;
	pthread_mutex_t lock; /* guards what follows */
	struct db *db;
	struct buf token;
	struct utc renew_at, valid_until;
};

struct token_row {
	char sealed[2001];
	struct utc renew_at;
	struct utc valid_until;
};
SHAPE(token_shape, struct token_row, FIELD(struct token_row, sealed),
	FIELD(struct token_row, renew_at), FIELD(struct token_row, valid_until));

static const struct query Q_ROW = {
	"SELECT sealed, renew_at, valid_until FROM wechat_token WHERE app_id = ?", &token_shape
};
static const struct query Q_MAKE = {
	"INSERT INTO wechat_token (app_id) VALUES (?) ON DUPLICATE KEY UPDATE app_id = app_id", NULL
};
static const struct query Q_CLAIM = {
	"UPDATE wechat_token SET claimed_until = ? WHERE app_id = ? AND claimed_until <= ?"
	" AND renew_at = ?",
	NULL
};
static const struct query Q_KEEP = { "UPDATE wechat_token SET sealed = ?, renew_at = ?,"
				     " valid_until = ?, claimed_until = 0 WHERE app_id = ?",
	NULL };
static const struct query Q_PAUSE = { "UPDATE wechat_token SET claimed_until = ? WHERE app_id = ?",
	NULL };

struct wechat_sender *wechat_sender_open(const struct wechat_app *app, const struct db_settings *db)
{
	struct wechat_sender *s = calloc(1, sizeof(*s));

	ASSERT(s);
	s->app = app;
	s->db = db ? db_open(db) : NULL;
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void wechat_sender_free(struct wechat_sender **s)
{
	if (!*s)
		return;
	db_free(&(*s)->db);
	buf_wipe(&(*s)->token);
	pthread_mutex_destroy(&(*s)->lock);
	free(*s);
	*s = NULL;
}

const struct wechat_app *wechat_sender_app(const struct wechat_sender *s)
{
	return s->app;
}

/* ---- at rest ---- */

static void seal_key(const struct wechat_app *app, char key[static GCM_KEY_LEN])
{
	char text[256], hex[SHA256_HEX];
	size_t n;
	int len = snprintf(text, sizeof(text), "yufu access token of wechat/%s", app->secret);

	sha256_hex(text, (size_t)len, hex);
	ASSERT(hex_decode(hex, (uint8_t *)key, GCM_KEY_LEN, &n) == ERR_OK);
	OPENSSL_cleanse(text, sizeof(text));
	OPENSSL_cleanse(hex, sizeof(hex));
}

static void seal(const struct wechat_app *app, const struct buf *token, struct buf *out)
{
	char key[GCM_KEY_LEN], nonce[GCM_NONCE_LEN];

	seal_key(app, key);
	rand_bytes(nonce, sizeof(nonce));
	base64_encode(nonce, sizeof(nonce), out);
	ASSERT(gcm_seal(&(struct gcm){ key, nonce, app->app_id }, token->text, token->len, out) ==
		ERR_OK);
	OPENSSL_cleanse(key, sizeof(key));
}

/* False: sealed by another secret, or nothing yet. */
static bool unseal(const struct wechat_app *app, const char *sealed, struct buf *out)
{
	AUTO(buf_free) struct buf nonce = { 0 };
	char key[GCM_KEY_LEN];
	bool ok;

	if (strlen(sealed) <= NONCE_TEXT || base64_decode(sealed, NONCE_TEXT, &nonce) != ERR_OK ||
		nonce.len != GCM_NONCE_LEN)
		return false;
	seal_key(app, key);
	ok = gcm_open(&(struct gcm){ key, nonce.text, app->app_id }, sealed + NONCE_TEXT, out) ==
	     ERR_OK;
	OPENSSL_cleanse(key, sizeof(key));
	return ok && out->len > 0;
}

/* ---- asking WeChat ---- */

static void keep_here(struct wechat_sender *s, struct buf *token, struct utc renew, struct utc end)
{
	buf_wipe(&s->token);
	s->token = *token;
	*token = (struct buf){ 0 };
	s->renew_at = renew;
	s->valid_until = end;
}

static enum err read_token(
	struct wechat_sender *s, const struct web_answer *a, struct utc now, struct problem *why)
{
	AUTO(wechat_verdict_free) struct wechat_verdict v = { 0 };
	AUTO(buf_wipe) struct buf token = { 0 };
	const char *text = "";
	int64_t life_s = 0;
	char code[24];

	if (a->status != 200 || !wechat_verdict_read(a->body.text, a->body.len, &v))
		return problem_set(why, ERR_UNKNOWN, "", "no readable answer");
	if (v.errcode) {
		snprintf(code, sizeof(code), "%lld", (long long)v.errcode);
		log_warn("event=wechat_token_refused section=%s errcode=%s rid=%s",
			wechat_section(s->app->kind), code, v.rid);
		return problem_set(why,
			wechat_advice(v.errcode) == ADVICE_AGAIN ? ERR_UNAVAILABLE : ERR_REFUSED,
			code, "WeChat gives no access token (%s)", code);
	}
	if (json_get_text(v.body, "access_token", FIELD_REQUIRED, TOKEN_TEXT_MAX, &text, NULL) !=
			ERR_OK ||
		!text[0] ||
		json_get_int(v.body, "expires_in", FIELD_REQUIRED, 1, LIFE_MAX_S, &life_s, NULL) !=
			ERR_OK)
		return problem_set(why, ERR_UNKNOWN, "", "no readable token");
	buf_adds(&token, text);
	keep_here(s, &token,
		(struct utc){
			now.ms + (life_s > 2 * EARLY_S ? life_s - EARLY_S : life_s / 2) * 1000 },
		(struct utc){ now.ms + life_s * 1000 });
	return ERR_OK;
}

/* Normal mode: the present token, or the next one when that is nearly over. Never forced: that
 * would kill the token of everybody else. */
static enum err ask(
	struct wechat_sender *s, struct utc now, int64_t deadline_ms, struct problem *why)
{
	AUTO(web_answer_free) struct web_answer answer = { 0 };
	AUTO(buf_wipe) struct buf body = { 0 };
	AUTO(buf_free) struct buf url = { 0 };
	enum err e;

	wechat_url(s->app, "/cgi-bin/stable_token", &url);
	buf_printf(&body,
		"{\"grant_type\":\"client_credential\",\"appid\":\"%s\",\"secret\":\"%s\","
		"\"force_refresh\":false}",
		s->app->app_id, s->app->secret);
	e = web_call(&(struct web_request){ .method = "POST",
			     .url = url.text,
			     .headers = { "Content-Type: application/json" },
			     .body = body.text,
			     .body_len = body.len,
			     .deadline_ms = deadline_ms },
		&answer, why);
	return e == ERR_OK ? read_token(s, &answer, now, why) : e;
}

/* ---- one for all ---- */

static bool usable(
	const struct wechat_sender *s, const char *refused, struct utc until, struct utc now)
{
	return s->token.len && until.ms > now.ms && !(refused && str_eq(refused, s->token.text));
}

/* Takes over what another process has kept. *seen tells one state of the row from the next. */
static enum err look(struct wechat_sender *s, struct utc *seen)
{
	AUTO(buf_wipe) struct buf token = { 0 };
	struct token_row row = { .renew_at = { 0 } };
	enum err e = db_one(s->db, &Q_ROW, ARGS(arg_text(s->app->app_id)), &row);

	*seen = row.renew_at;
	if (e == ERR_NOT_FOUND)
		return db_exec(s->db, &Q_MAKE, ARGS(arg_text(s->app->app_id)), NULL);
	if (e == ERR_OK && row.renew_at.ms > s->renew_at.ms && unseal(s->app, row.sealed, &token))
		keep_here(s, &token, row.renew_at, row.valid_until);
	return e;
}

static void keep_for_all(struct wechat_sender *s)
{
	AUTO(buf_free) struct buf sealed = { 0 };

	seal(s->app, &s->token, &sealed);
	if (db_exec(s->db, &Q_KEEP,
		    ARGS(arg_text(sealed.text), arg_utc(s->renew_at), arg_utc(s->valid_until),
			    arg_text(s->app->app_id)),
		    NULL) != ERR_OK)
		log_warn("event=wechat_token_not_kept");
}

static enum err renew(
	struct wechat_sender *s, struct utc now, int64_t deadline_ms, struct problem *why)
{
	enum err e = ask(s, now, deadline_ms, why);

	if (e == ERR_OK)
		keep_for_all(s);
	else if (db_exec(s->db, &Q_PAUSE,
			 ARGS(arg_i64(now.ms + FAILED_PAUSE_MS), arg_text(s->app->app_id)),
			 NULL) != ERR_OK)
		log_warn("event=wechat_token_claim_kept");
	return e;
}

/* Either this process renews it, or another does: then the old one will do, or is waited for. */
static enum err renew_or_wait(struct wechat_sender *s, const char *refused, struct utc now,
	int64_t deadline_ms, struct problem *why)
{
	const int64_t began = mono_ms();

	for (;;) {
		const struct utc at = { now.ms + mono_ms() - began };
		struct utc seen;
		int64_t mine = 0;
		enum err e = look(s, &seen);

		if (e == ERR_OK && usable(s, refused, s->renew_at, at))
			return ERR_OK;
		if (e == ERR_OK)
			e = db_exec(s->db, &Q_CLAIM,
				ARGS(arg_i64(at.ms + CLAIM_MS), arg_text(s->app->app_id),
					arg_utc(at), arg_utc(seen)),
				&mine);
		if (e != ERR_OK) /* no database: WeChat gives everybody the same one */
			return ask(s, at, deadline_ms, why);
		if (mine == 1)
			return renew(s, at, deadline_ms, why);
		if (usable(s, refused, s->valid_until, at))
			return ERR_OK;
		if (mono_ms() + LOOK_MS >= deadline_ms)
			return problem_set(why, ERR_UNAVAILABLE, "",
				"another process is getting the access token");
		mono_sleep_until(mono_ms() + LOOK_MS);
	}
}

static enum err get(struct wechat_sender *s, const char *refused, struct utc now,
	int64_t deadline_ms, struct problem *why)
{
	enum err e;

	if (usable(s, refused, s->renew_at, now))
		return ERR_OK;
	e = s->db ? renew_or_wait(s, refused, now, deadline_ms, why)
		  : ask(s, now, deadline_ms, why);
	if (e != ERR_OK && usable(s, refused, s->valid_until, now))
		return ERR_OK; /* the old one is good for some minutes */
	return e;
}

enum err wechat_token_get(struct wechat_sender *s, const char *refused, struct utc now,
	int64_t deadline_ms, struct buf *out, struct problem *why)
{
	enum err e;

	pthread_mutex_lock(&s->lock);
	e = get(s, refused, now, deadline_ms, why);
	if (e == ERR_OK)
		buf_add(out, s->token.text, s->token.len);
	pthread_mutex_unlock(&s->lock);
	return e;
}

void wechat_sender_note(struct wechat_sender *s, const char *openid,
	const struct wechat_template *t, enum wechat_advice advice, struct utc now)
{
	const struct wechat_who who = { s->app->app_id, openid };
	enum err e = ERR_OK;

	if (!s->db)
		return;
	pthread_mutex_lock(&s->lock);
	if (advice == ADVICE_DONE && t->counted)
		e = wechat_permission_used(s->db, who, t->id, now);
	else if (advice == ADVICE_USED_UP)
		e = wechat_permission_none(s->db, who, t->id, now);
	else if (advice == ADVICE_UNREACHABLE)
		e = wechat_person_reach(s->db, who, "refused", now);
	pthread_mutex_unlock(&s->lock);
	if (e != ERR_OK)
		log_warn("event=wechat_person_not_kept why=%s", err_word(e));
}
