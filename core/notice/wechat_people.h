#pragma once
/* Who can be reached at WeChat, and how often: told by its events and by its answers. */
#include "db/db.h"

struct wechat_who {
	const char *app_id, *openid;
};

/* why: "" reachable (again) · "unfollowed" · "blocked" · "refused". */
MUST_USE enum err wechat_person_reach(
	struct db *db, struct wechat_who who, const char *why, struct utc now);

/* One permission more for a message of a template; used; none left. */
MUST_USE enum err wechat_permission_add(
	struct db *db, struct wechat_who who, const char *template_id, struct utc now);
MUST_USE enum err wechat_permission_used(
	struct db *db, struct wechat_who who, const char *template_id, struct utc now);
MUST_USE enum err wechat_permission_none(
	struct db *db, struct wechat_who who, const char *template_id, struct utc now);

/* An event by what makes it one, so that its repeats count once. ERR_ALREADY: taken before. In the
 * transaction of its effect. */
MUST_USE enum err wechat_event_once(struct db *db, const char *sha256, struct utc now);

/* What became of a message, until the worker has told the outbox. */
MUST_USE enum err wechat_delivery_add(struct db *db, const char *app_id, const char *msg_id,
	bool delivered, const char *word, struct utc now);
