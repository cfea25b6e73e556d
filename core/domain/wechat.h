#pragma once
/* Logins and their openids at WeChat; what its messages came to. Openids are never logged. */
#include "domain/audit.h"
#include "domain/user.h"

/* The tenant's login that an openid of an app is bound to. ERR_NOT_FOUND: to none that may log in.
 */
MUST_USE enum err wechat_user(
	struct db *db, const char *app_id, const char *openid, struct user *out);

struct wechat_binding {
	char app_id[33];
	char openid[65];
	struct utc bound_at;
	bool reachable;
};
/* All of a login; rows of struct wechat_binding. */
MUST_USE enum err wechat_bindings(struct db *db, int64_t user_id, struct utc now, struct rows *out);

/* Binds, once per app; who says actor and address. The same again changes nothing. ERR_CONFLICT:
 * the openid belongs to another login (why->field "openid"), or the login has another one
 * (why->field "user"). */
MUST_USE enum err wechat_bind(struct db *db, const struct audit *who, int64_t user_id,
	const char *app_id, const char *openid, struct utc now, struct problem *why);
/* Of all apps. ERR_NOT_FOUND: there was none. */
MUST_USE enum err wechat_unbind(
	struct db *db, const struct audit *who, int64_t user_id, struct utc now);

struct wechat_left {
	char app_id[33];
	char template_id[257];
	int64_t remaining;
};
/* Messages that a login has allowed; rows of struct wechat_left. */
MUST_USE enum err wechat_left_list(struct db *db, int64_t user_id, struct rows *out);

#define WECHAT_OPENID_BYTES 65
/* Where a message for a phone goes at an app, if it would arrive: the openid of the tenant's login
 * of that phone. counted: the template takes one permission a message. ERR_NOT_FOUND: nowhere. */
MUST_USE enum err wechat_reach(struct db *db, const char *phone, const char *app_id,
	const char *template_id, bool counted, struct utc now,
	char openid[static WECHAT_OPENID_BYTES]);

/* Tells the outbox what became of messages; what has no row there yet waits, ten minutes at most.
 */
MUST_USE enum err wechat_deliveries_apply(struct db *db, struct utc now);
/* Forgets events and deliveries that are older than a week. */
MUST_USE enum err wechat_purge(struct db *db, struct utc now);

struct wechat_refusal {
	char channel[65];
	char error[801];
};
/* What messages through WeChat failed of since then; rows of struct wechat_refusal. */
MUST_USE enum err wechat_refusals(struct db *db, struct utc since, struct rows *out);
