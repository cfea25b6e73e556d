#include "domain/wechat.h"

#include "domain/outbox.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))
#define BATCH 100
#define WAIT_MS (600 * INT64_C(1000)) /* the event may come before our commit */

/* Who did not follow is tried again after a day, who had blocked us after a week; who unfollowed
 * follows again before it is tried. */
#define REACHABLE                                                                                  \
	"(p.unreachable IS NULL OR p.unreachable = ''"                                             \
	" OR (p.unreachable = 'refused' AND p.changed_at <= ?)"                                    \
	" OR (p.unreachable = 'blocked' AND p.changed_at <= ?))"
#define REACHABLE_ARGS(now) arg_i64((now).ms - DAY_MS), arg_i64((now).ms - 7 * DAY_MS)

SHAPE(binding_shape, struct wechat_binding, FIELD(struct wechat_binding, app_id),
	FIELD(struct wechat_binding, openid), FIELD(struct wechat_binding, bound_at),
	FIELD(struct wechat_binding, reachable));
SHAPE(left_shape, struct wechat_left, FIELD(struct wechat_left, app_id),
	FIELD(struct wechat_left, template_id), FIELD(struct wechat_left, remaining));
SHAPE(refusal_shape, struct wechat_refusal, FIELD(struct wechat_refusal, channel),
	FIELD(struct wechat_refusal, error));

static const struct query Q_USER = {
	"SELECT w.user_id AS id FROM user_wechat w JOIN user u ON u.id = w.user_id"
	" WHERE w.app_id = ? AND w.openid = ? AND u.kind = 'tenant' AND NOT u.disabled",
	&id_shape
};
static const struct query Q_OWNER = {
	"SELECT user_id AS id FROM user_wechat WHERE app_id = ? AND openid = ?", &id_shape
};
static const struct query Q_BINDINGS = {
	"SELECT w.app_id, w.openid, w.bound_at, " REACHABLE " AS reachable FROM user_wechat w"
	" LEFT JOIN wechat_person p ON p.app_id = w.app_id AND p.openid = w.openid"
	" WHERE w.user_id = ? ORDER BY w.app_id",
	&binding_shape
};
static const struct query Q_BIND = {
	"INSERT INTO user_wechat (app_id, openid, user_id, bound_at) VALUES (?, ?, ?, ?)", NULL
};
static const struct query Q_UNBIND = { "DELETE FROM user_wechat WHERE user_id = ?", NULL };
static const struct query Q_LEFT = {
	"SELECT s.app_id, s.template_id, s.remaining FROM user_wechat w"
	" JOIN wechat_permission s ON s.app_id = w.app_id AND s.openid = w.openid"
	" WHERE w.user_id = ? ORDER BY s.app_id, s.template_id",
	&left_shape
};

struct openid_row {
	char openid[WECHAT_OPENID_BYTES];
};
SHAPE(openid_shape, struct openid_row, FIELD(struct openid_row, openid));
static const struct query Q_REACH = {
	"SELECT w.openid FROM user u JOIN user_wechat w ON w.user_id = u.id"
	" LEFT JOIN wechat_person p ON p.app_id = w.app_id AND p.openid = w.openid"
	" LEFT JOIN wechat_permission s ON s.app_id = w.app_id AND s.openid = w.openid"
	" AND s.template_id = ?"
	" WHERE u.username = ? AND u.kind = 'tenant' AND NOT u.disabled AND w.app_id = ?"
	" AND (? = 0 OR s.remaining > 0) AND " REACHABLE,
	&openid_shape
};

enum err wechat_user(struct db *db, const char *app_id, const char *openid, struct user *out)
{
	struct id_row row;
	enum err e = db_one(db, &Q_USER, ARGS(arg_text(app_id), arg_text(openid)), &row);

	return e == ERR_OK ? user_get(db, row.id, out) : e;
}

enum err wechat_bindings(struct db *db, int64_t user_id, struct utc now, struct rows *out)
{
	return db_list(db, &Q_BINDINGS, ARGS(REACHABLE_ARGS(now), arg_i64(user_id)), out);
}

enum err wechat_left_list(struct db *db, int64_t user_id, struct rows *out)
{
	return db_list(db, &Q_LEFT, ARGS(arg_i64(user_id)), out);
}

enum err wechat_reach(struct db *db, const char *phone, const char *app_id, const char *template_id,
	bool counted, struct utc now, char openid[static WECHAT_OPENID_BYTES])
{
	struct openid_row row;
	enum err e = db_one(db, &Q_REACH,
		ARGS(arg_text(template_id), arg_text(phone), arg_text(app_id), arg_i64(counted),
			REACHABLE_ARGS(now)),
		&row);

	if (e == ERR_OK)
		ASSERT(str_copy(openid, WECHAT_OPENID_BYTES, row.openid));
	return e;
}

/* ---- binding ---- */

struct binding_work {
	const struct audit *who;
	int64_t user_id;
	const char *app_id, *openid;
	struct utc now;
	struct problem *why;
};

static enum err add_audit(struct db *db, const struct binding_work *w, const char *action)
{
	struct audit a = { .actor = w->who->actor,
		.address = w->who->address,
		.action = action,
		.object = "user",
		.id = w->user_id };

	return audit_add(
		db, &a, w->app_id ? json_pack("{s:s}", "app_id", w->app_id) : NULL, w->now);
}

static enum err is_taken(struct db *db, const struct binding_work *w)
{
	struct id_row owner;
	enum err e = db_one(db, &Q_OWNER, ARGS(arg_text(w->app_id), arg_text(w->openid)), &owner);

	if (e == ERR_NOT_FOUND)
		return problem_set(w->why, ERR_CONFLICT, "user",
			"another WeChat is bound to this login; unbind it first");
	if (e != ERR_OK || owner.id == w->user_id)
		return e;
	return problem_set(w->why, ERR_CONFLICT, "openid",
		"this WeChat is bound to another login; unbind it there first");
}

static enum err bind_tx(struct db *db, void *ctx)
{
	struct binding_work *w = ctx;
	enum err e = db_exec(db, &Q_BIND,
		ARGS(arg_text(w->app_id), arg_text(w->openid), arg_i64(w->user_id),
			arg_utc(w->now)),
		NULL);

	if (e == ERR_ALREADY)
		return is_taken(db, w);
	return e == ERR_OK ? add_audit(db, w, "wechat.bind") : e;
}

enum err wechat_bind(struct db *db, const struct audit *who, int64_t user_id, const char *app_id,
	const char *openid, struct utc now, struct problem *why)
{
	struct binding_work w = { who, user_id, app_id, openid, now, why };

	return db_tx(db, bind_tx, &w);
}

static enum err unbind_tx(struct db *db, void *ctx)
{
	struct binding_work *w = ctx;
	int64_t n = 0;
	enum err e = db_exec(db, &Q_UNBIND, ARGS(arg_i64(w->user_id)), &n);

	if (e == ERR_OK && n == 0)
		return ERR_NOT_FOUND;
	return e == ERR_OK ? add_audit(db, w, "wechat.unbind") : e;
}

enum err wechat_unbind(struct db *db, const struct audit *who, int64_t user_id, struct utc now)
{
	struct binding_work w = { .who = who, .user_id = user_id, .now = now };

	return db_tx(db, unbind_tx, &w);
}

/* ---- what became of messages ---- */

struct delivery {
	char app_id[33];
	char msg_id[257];
	bool delivered;
	char word[257];
	struct utc at;
};
SHAPE(delivery_shape, struct delivery, FIELD(struct delivery, app_id),
	FIELD(struct delivery, msg_id), FIELD(struct delivery, delivered),
	FIELD(struct delivery, word), FIELD(struct delivery, at));

static const struct query Q_OPEN = {
	"SELECT app_id, msg_id, delivered, word, at FROM wechat_delivery WHERE applied_at = 0"
	" ORDER BY at LIMIT ?",
	&delivery_shape
};
static const struct query Q_APPLIED = {
	"UPDATE wechat_delivery SET applied_at = ? WHERE app_id = ? AND msg_id = ?", NULL
};
struct way_row {
	char way[65];
};
SHAPE(way_shape, struct way_row, FIELD(struct way_row, way));
static const struct query Q_WAY = {
	"SELECT way FROM outbox_try WHERE provider_ref = ? AND way LIKE 'wechat%' LIMIT 1",
	&way_shape
};
static const struct query Q_PURGE_EVENTS = { "DELETE FROM wechat_event WHERE at < ? LIMIT 5000",
	NULL };
static const struct query Q_PURGE_DELIVERIES = {
	"DELETE FROM wechat_delivery WHERE applied_at > 0 AND at < ? LIMIT 5000", NULL
};
static const struct query Q_REFUSALS = {
	"SELECT DISTINCT way AS channel, code AS error FROM outbox_try WHERE outcome = 'refused'"
	" AND at > ? AND way LIKE 'wechat%'",
	&refusal_shape
};

/* ERR_NOT_FOUND: the outbox has no such message yet. */
static enum err tell_outbox(struct db *db, const struct delivery *d, struct utc now)
{
	struct way_row w;
	enum err e = db_one(db, &Q_WAY, ARGS(arg_text(d->msg_id)), &w);

	if (e != ERR_OK)
		return e;
	return outbox_receive(db,
		&(struct outbox_receipt){ .way = w.way,
			.out_id = "",
			.provider_ref = d->msg_id,
			.phone = "",
			.delivered = d->delivered,
			.code = d->word,
			.at = d->at,
			.proven = true },
		now, NULL);
}

enum err wechat_deliveries_apply(struct db *db, struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(db, &Q_OPEN, ARGS(arg_i64(BATCH)), &rows);
	const struct delivery *d = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		e = tell_outbox(db, &d[i], now);
		if (e == ERR_NOT_FOUND && d[i].at.ms > now.ms - WAIT_MS) {
			e = ERR_OK;
			continue;
		}
		if (e == ERR_OK || e == ERR_NOT_FOUND)
			e = db_exec(db, &Q_APPLIED,
				ARGS(arg_utc(now), arg_text(d[i].app_id), arg_text(d[i].msg_id)),
				NULL);
	}
	return e;
}

enum err wechat_purge(struct db *db, struct utc now)
{
	enum err e = db_exec(db, &Q_PURGE_EVENTS, ARGS(arg_i64(now.ms - 7 * DAY_MS)), NULL);

	return e == ERR_OK
		       ? db_exec(db, &Q_PURGE_DELIVERIES, ARGS(arg_i64(now.ms - 7 * DAY_MS)), NULL)
		       : e;
}

enum err wechat_refusals(struct db *db, struct utc since, struct rows *out)
{
	return db_list(db, &Q_REFUSALS, ARGS(arg_utc(since)), out);
}
