#include "notice/wechat_people.h"

static const struct query Q_REACH = {
	"INSERT INTO wechat_person (app_id, openid, unreachable, changed_at) VALUES (?, ?, ?, ?)"
	" ON DUPLICATE KEY UPDATE unreachable = VALUES(unreachable), changed_at = "
	"VALUES(changed_at)",
	NULL
};
static const struct query Q_ADD = {
	"INSERT INTO wechat_permission (app_id, openid, template_id, remaining, changed_at)"
	" VALUES (?, ?, ?, 1, ?) ON DUPLICATE KEY UPDATE remaining = remaining + 1,"
	" changed_at = VALUES(changed_at)",
	NULL
};
static const struct query Q_USED = {
	"UPDATE wechat_permission SET remaining = remaining - 1, changed_at = ?"
	" WHERE app_id = ? AND openid = ? AND template_id = ? AND remaining > 0",
	NULL
};
static const struct query Q_NONE = { "UPDATE wechat_permission SET remaining = 0, changed_at = ?"
				     " WHERE app_id = ? AND openid = ? AND template_id = ?",
	NULL };
static const struct query Q_EVENT = { "INSERT INTO wechat_event (sha256, at) VALUES (?, ?)", NULL };
static const struct query Q_DELIVERY = {
	"INSERT INTO wechat_delivery (app_id, msg_id, delivered, word, at) VALUES (?, ?, ?, ?, ?)",
	NULL
};

enum err wechat_person_reach(struct db *db, struct wechat_who who, const char *why, struct utc now)
{
	return db_exec(db, &Q_REACH,
		ARGS(arg_text(who.app_id), arg_text(who.openid), arg_text(why), arg_utc(now)),
		NULL);
}

enum err wechat_permission_add(
	struct db *db, struct wechat_who who, const char *template_id, struct utc now)
{
	return db_exec(db, &Q_ADD,
		ARGS(arg_text(who.app_id), arg_text(who.openid), arg_text(template_id),
			arg_utc(now)),
		NULL);
}

enum err wechat_permission_used(
	struct db *db, struct wechat_who who, const char *template_id, struct utc now)
{
	return db_exec(db, &Q_USED,
		ARGS(arg_utc(now), arg_text(who.app_id), arg_text(who.openid),
			arg_text(template_id)),
		NULL);
}

enum err wechat_permission_none(
	struct db *db, struct wechat_who who, const char *template_id, struct utc now)
{
	return db_exec(db, &Q_NONE,
		ARGS(arg_utc(now), arg_text(who.app_id), arg_text(who.openid),
			arg_text(template_id)),
		NULL);
}

enum err wechat_event_once(struct db *db, const char *sha256, struct utc now)
{
	return db_exec(db, &Q_EVENT, ARGS(arg_text(sha256), arg_utc(now)), NULL);
}

enum err wechat_delivery_add(struct db *db, const char *app_id, const char *msg_id, bool delivered,
	const char *word, struct utc now)
{
	enum err e = db_exec(db, &Q_DELIVERY,
		ARGS(arg_text(app_id), arg_text(msg_id), arg_i64(delivered), arg_text(word),
			arg_utc(now)),
		NULL);

	return e == ERR_ALREADY ? ERR_OK : e;
}
