#pragma once
/* A service account ([wechat_mp]) and a mini program ([wechat_mini]) of WeChat: who logs in from
 * them, what is sent through them, and what their servers tell us. Openids, codes, secrets and
 * tokens are never logged here. */
#include "base/clock.h"
#include "base/conf.h"

enum wechat_kind { WECHAT_OA, WECHAT_MINI, WECHAT__MAX };

/* Settings of one app; immutable, shared by threads. */
struct wechat_app;

/* ERR_NOT_CONFIGURED with the key that is missing or wrong; why->field is empty when the section
 * has no app_id at all. The caller frees. */
MUST_USE enum err wechat_app_load(
	struct conf *conf, enum wechat_kind kind, struct wechat_app **out, struct problem *why);
void wechat_app_free(struct wechat_app **app);
const char *wechat_app_id(const struct wechat_app *app);
/* Do the app's servers tell us events (is there a token for them)? */
bool wechat_has_events(const struct wechat_app *app);

/* A template of the app that somebody must allow, message by message. */
struct wechat_permit {
	const char *template_id, *kind; /* kind of notice */
};
#define WECHAT_PERMITS_MAX 24
size_t wechat_permits(
	const struct wechat_app *app, struct wechat_permit out[static WECHAT_PERMITS_MAX]);

#define WECHAT_OPENID_MAX 65
/* "o6_bmjrPTlm6_2sgVt7hMZOPfL2M": 1 to 64 of [A-Za-z0-9_-]. */
bool wechat_openid_is_sane(const char *openid);

/* ---- logging in ---- */

/* The address that asks WeChat who somebody is, silently; state is 1 to 128 letters and digits. */
void wechat_authorize_url(
	const struct wechat_app *app, const char *redirect_uri, const char *state, struct buf *out);

/* Exchanges a code, once, for an openid. ERR_WRONG_CODE: unknown, too old, or used before.
 * ERR_FORBIDDEN: WeChat shows a snapshot of the page to nobody in particular. ERR_REFUSED: our
 * settings or the account; it has been logged. ERR_UNAVAILABLE: try again. ERR_TIMEOUT,
 * ERR_UNKNOWN: the code may be used up. */
MUST_USE enum err wechat_openid_of_code(const struct wechat_app *app, const char *code,
	int64_t deadline_ms, char openid[static WECHAT_OPENID_MAX], struct problem *why);

/* ---- messages ---- */

struct notice;
/* The app behind the channel wechat_oa or wechat_mini; NULL: it is off. */
const struct wechat_app *notice_wechat(const struct notice *n, enum wechat_kind kind);

/* Is this code of a refused message one that a person must look after: settings, templates, rights
 * of the account? */
bool wechat_code_needs_person(const char *code);
