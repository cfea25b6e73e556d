#pragma once
/* What sending through an app needs beside its settings: the access token, which all processes
 * share through the database, and the record of who can be reached. */
#include "db/db.h"
#include "notice/wechat_inside.h"

struct wechat_sender; /* shared by threads */

/* app is borrowed. db may be NULL: then each process asks WeChat for itself, which gets the same
 * token. */
struct wechat_sender *wechat_sender_open(
	const struct wechat_app *app, const struct db_settings *db);
void wechat_sender_free(struct wechat_sender **s);
const struct wechat_app *wechat_sender_app(const struct wechat_sender *s);

/* The access token. refused: the one that WeChat has just turned down, NULL at first. One process
 * gets it anew while the others go on with the old one or wait for it. ERR_UNAVAILABLE,
 * ERR_TIMEOUT, ERR_UNKNOWN: later; ERR_REFUSED: settings or account, why->field is WeChat's number.
 */
MUST_USE enum err wechat_token_get(struct wechat_sender *s, const char *refused, struct utc now,
	int64_t deadline_ms, struct buf *out, struct problem *why);

/* Keeps what an answer says about a person: sent, used up, cannot be reached. */
void wechat_sender_note(struct wechat_sender *s, const char *openid,
	const struct wechat_template *t, enum wechat_advice advice, struct utc now);
