/* Alarms as staff see them, and what they do about them. */
#include <string.h>

#include "domain/alarm.h"
#include "domain/alarm_kind.h"
#include "domain/alarm_site.h"
#include "domain/audit.h"
#include "domain/scope.h"

#define F(member) FIELD(struct alarm_row, member)
SHAPE(row_shape, struct alarm_row, F(id), F(kind), F(severity), F(object_kind), F(object_id),
	F(object_code), F(text), F(raised_at), F(last_at), F(cleared_at), F(acked_at), F(told_at),
	F(acked_by), F(repeats), F(told_times), F(site_id), F(area_id));
#undef F
#define COLUMNS                                                                                    \
	"SELECT x.id, x.kind, x.severity, x.object_kind, x.object_id, x.object_code, x.text,"      \
	" x.raised_at, x.last_at, x.cleared_at, x.acked_at, x.told_at, x.acked_by, x.repeats,"     \
	" x.told_times, COALESCE(" SITE_OF_ALARM ", 0) AS site_id,"                                \
	" COALESCE(" AREA_OF_ALARM ", 0) AS area_id FROM alarm x"
#define ALARMS                                                                                     \
	COLUMNS " WHERE ? IN (0, " SITE_OF_ALARM                                                   \
		", " SEEN_OBJECT("x.object_kind", "x.object_id") ")"
const struct listing alarm_listing = {
	.all = { ALARMS, &row_shape },
	.sorts = { { "id", "x.id" }, { "raised_at", "x.raised_at" }, { "last_at", "x.last_at" } },
	.order = "-id",
	.filters = { { "open", FILTER_FLAG, "? = 0 OR x.cleared_at = 0" },
		{ "state", FILTER_WORD,
			"CASE ? WHEN 'open' THEN x.cleared_at = 0"
			" WHEN 'unacked' THEN x.cleared_at = 0 AND x.acked_at = 0"
			" WHEN 'acked' THEN x.cleared_at = 0 AND x.acked_at > 0"
			" WHEN 'cleared' THEN x.cleared_at > 0 ELSE 1 END",
			"open unacked acked cleared all" },
		{ "severity", FILTER_WORD, "x.severity = ?", "info warn urgent" },
		{ "kind", FILTER_TEXT, "x.kind = ?" },
		{ "object", FILTER_TEXT,
			"? IN (x.object_kind, CONCAT(x.object_kind, ':', x.object_id))" },
		{ "site_id", FILTER_ID, SITE_OF_ALARM " = ?" },
		{ "area_id", FILTER_ID,
			AREA_OF_ALARM
			" IN (WITH RECURSIVE below AS (SELECT a.id FROM area a WHERE a.id = ?"
			" UNION SELECT a.id FROM area a JOIN below b ON a.parent_id = b.id)"
			" SELECT id FROM below)" },
		{ "from", FILTER_FROM, "x.raised_at >= ?" },
		{ "to", FILTER_TO, "x.raised_at < ?" } },
};
static const struct query Q_GET = { ALARMS " AND x.id = ?", &row_shape };
static const struct query Q_LOCK = { "SELECT id FROM alarm WHERE id = ? FOR UPDATE", &id_shape };
static const struct query Q_ACK = {
	"UPDATE alarm SET acked_at = ?, acked_by = ? WHERE id = ? AND acked_at = 0", NULL
};
static const struct query Q_CLEAR = {
	"UPDATE alarm SET cleared_at = ?, open_key = NULL WHERE id = ?", NULL
};
#define F(member) FIELD(struct alarm_event, member)
SHAPE(event_shape, struct alarm_event, F(at), F(what), F(actor), F(actor_name), F(text));
#undef F
static const struct query Q_HISTORY = {
	"SELECT v.at, v.what, v.actor, COALESCE(u.name, '') AS actor_name, v.text"
	" FROM alarm_event v LEFT JOIN user u ON v.actor LIKE 'user:%'"
	" AND u.id = CAST(SUBSTR(v.actor, 6) AS SIGNED) WHERE v.alarm_id = ? ORDER BY v.id",
	&event_shape
};

enum err alarm_get(struct db *db, int64_t site_id, int64_t id, struct alarm_row *out)
{
	return db_one(db, &Q_GET, ARGS(arg_i64(site_id), arg_i64(id)), out);
}

enum err alarm_history(struct db *db, int64_t id, struct rows *out)
{
	return db_list(db, &Q_HISTORY, ARGS(arg_i64(id)), out);
}

/* ---- by staff ---- */

struct doing {
	const struct alarm_word *w;
	struct problem *why;
	struct alarm_row row;
};

static enum err begin(struct db *db, struct doing *g)
{
	struct id_row locked;
	enum err e = db_one(db, &Q_LOCK, ARGS(arg_i64(g->w->id)), &locked);

	return e == ERR_OK ? alarm_get(db, g->w->site_id, g->w->id, &g->row) : e;
}

static enum err written(struct db *db, const struct doing *g, const char *what, const char *action)
{
	const struct alarm_word *w = g->w;
	enum err e = alarm_event_add(db, w->id, what, w->actor, w->text, w->now);

	return e == ERR_OK ? audit_add(db,
				     &(struct audit){
					     w->actor, w->address, action, "alarm", w->id, NULL },
				     json_pack("{s:s, s:s, s:s}", "alarm", g->row.kind, "about",
					     g->row.object_code, "reason", w->text),
				     w->now)
			   : e;
}

static enum err ack_tx(struct db *db, void *ctx)
{
	struct doing *g = ctx;
	enum err e = begin(db, g);

	if (e != ERR_OK || g->row.acked_at.ms)
		return e;
	e = db_exec(db, &Q_ACK, ARGS(arg_utc(g->w->now), arg_text(g->w->actor), arg_i64(g->w->id)),
		NULL);
	return e == ERR_OK ? written(db, g, "acked", "alarm.ack") : e;
}

static enum err comment_tx(struct db *db, void *ctx)
{
	struct doing *g = ctx;
	enum err e = begin(db, g);

	return e == ERR_OK ? written(db, g, "commented", "alarm.comment") : e;
}

static enum err clear_tx(struct db *db, void *ctx)
{
	struct doing *g = ctx;
	enum err e = begin(db, g);
	const struct alarm_kind *kind;

	if (e != ERR_OK)
		return e;
	kind = alarm_kind_find(g->row.kind);
	if (g->row.cleared_at.ms)
		return problem_set(g->why, ERR_CONFLICT, "id", "it is cleared already");
	if (kind && !kind->by_hand)
		return problem_set(
			g->why, ERR_CONFLICT, "id", "it goes by itself, once its cause has gone");
	e = db_exec(db, &Q_CLEAR, ARGS(arg_utc(g->w->now), arg_i64(g->w->id)), NULL);
	return e == ERR_OK ? written(db, g, "cleared", "alarm.clear") : e;
}

enum err alarm_ack(struct db *db, const struct alarm_word *w, struct problem *why)
{
	return db_tx(db, ack_tx, &(struct doing){ .w = w, .why = why });
}

enum err alarm_comment(struct db *db, const struct alarm_word *w, struct problem *why)
{
	return db_tx(db, comment_tx, &(struct doing){ .w = w, .why = why });
}

enum err alarm_clear_hand(struct db *db, const struct alarm_word *w, struct problem *why)
{
	return db_tx(db, clear_tx, &(struct doing){ .w = w, .why = why });
}
