#include "domain/alarm.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "domain/alarm_kind.h"
#include "domain/alarm_site.h"
#include "domain/event.h"

#define OPEN_KEY_MAX 96
#define AGAIN_MS 60000 /* a cause that is seen all the time is counted once a minute */

static const struct query Q_RAISE = { "INSERT INTO alarm (kind, severity, object_kind, object_id, "
				      "object_code, text, raised_at, last_at, open_key)"
				      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL };
static const struct query Q_AGAIN = {
	"UPDATE alarm SET repeats = repeats + 1, last_at = ? WHERE open_key = ? AND last_at <= ?",
	NULL
};
static const struct query Q_OPEN_ID = { "SELECT id FROM alarm WHERE open_key = ? FOR UPDATE",
	&id_shape };
static const struct query Q_CLEAR = {
	"UPDATE alarm SET cleared_at = ?, open_key = NULL WHERE id = ?", NULL
};
static const struct query Q_EVENT = {
	"INSERT INTO alarm_event (alarm_id, at, what, actor, text) VALUES (?, ?, ?, ?, ?)", NULL
};
static const struct query Q_SITE = { "SELECT COALESCE(" SITE_OF_ALARM
				     ", 0) AS id FROM (SELECT ? AS object_kind, ? AS object_id) x",
	&id_shape };

/* What is not in our tables (a payment for an order of nobody) is told apart by its code. */
static void open_key(char *out, const char *kind, const char *object_kind, int64_t object_id,
	const char *object_code)
{
	if (object_id == 0 && object_code[0])
		snprintf(out, OPEN_KEY_MAX, "%s:%s:%s", kind, object_kind, object_code);
	else
		snprintf(out, OPEN_KEY_MAX, "%s:%s:%" PRId64, kind, object_kind, object_id);
}

enum err alarm_event_add(struct db *db, int64_t alarm_id, const char *what, const char *actor,
	const char *text, struct utc now)
{
	return db_exec(db, &Q_EVENT,
		ARGS(arg_i64(alarm_id), arg_utc(now), arg_text(what), arg_text(actor),
			arg_text(text)),
		NULL);
}

struct raising {
	const struct alarm_new *a;
	struct utc now;
	bool again; /* it is open already */
};

static enum err raise_tx(struct db *db, void *ctx)
{
	struct raising *r = ctx;
	const struct alarm_new *a = r->a;
	char key[OPEN_KEY_MAX];
	struct id_row site;
	int64_t id;
	enum err e;

	open_key(key, a->kind, a->object_kind, a->object_id, a->object_code);
	e = db_exec(db, &Q_RAISE,
		ARGS(arg_text(a->kind), arg_text(a->severity), arg_text(a->object_kind),
			arg_i64(a->object_id), arg_text(a->object_code), arg_text(a->text),
			arg_utc(r->now), arg_utc(r->now), arg_text(key)),
		NULL);
	r->again = e == ERR_ALREADY;
	if (r->again) {
		e = db_exec(db, &Q_AGAIN,
			ARGS(arg_utc(r->now), arg_text(key), arg_i64(r->now.ms - AGAIN_MS)), NULL);
		return e;
	}
	if (e != ERR_OK)
		return e;
	id = db_insert_id(db);
	e = alarm_event_add(db, id, "raised", "", a->text, r->now);
	if (e != ERR_OK)
		return e;
	e = db_one(db, &Q_SITE, ARGS(arg_text(a->object_kind), arg_i64(a->object_id)), &site);
	return e == ERR_OK ? event_add(db, "alarm.raised", site.id,
				     json_pack("{s:I, s:s, s:s, s:s, s:I, s:s, s:s}", "alarm_id",
					     (json_int_t)id, "alarm", a->kind, "severity",
					     a->severity, "object_kind", a->object_kind,
					     "object_id", (json_int_t)a->object_id, "object_code",
					     a->object_code, "text", a->text),
				     r->now)
			   : e;
}

enum err alarm_raise(struct db *db, const struct alarm_new *a, struct utc now)
{
	struct raising r = { a, now, false };
	enum err e;

	ASSERT(alarm_kind_find(a->kind));
	e = db_in_tx(db) ? raise_tx(db, &r) : db_tx(db, raise_tx, &r);

	if (e == ERR_ALREADY)
		return ERR_OK;
	if (e == ERR_OK && !r.again)
		log_warn("alarm=%s object=%s:%s raised", a->kind, a->object_kind, a->object_code);
	return e;
}

struct clearing {
	const char *kind, *object_kind;
	int64_t object_id;
	const char *object_code;
	struct utc now;
};

static enum err clear_tx(struct db *db, void *ctx)
{
	const struct clearing *c = ctx;
	char key[OPEN_KEY_MAX];
	struct id_row site, open;
	enum err e;

	open_key(key, c->kind, c->object_kind, c->object_id, c->object_code);
	e = db_one(db, &Q_OPEN_ID, ARGS(arg_text(key)), &open);
	if (e == ERR_OK)
		e = db_exec(db, &Q_CLEAR, ARGS(arg_utc(c->now), arg_i64(open.id)), NULL);
	if (e == ERR_OK)
		e = alarm_event_add(db, open.id, "cleared", "", "", c->now);
	if (e != ERR_OK)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	e = db_one(db, &Q_SITE, ARGS(arg_text(c->object_kind), arg_i64(c->object_id)), &site);
	return e == ERR_OK ? event_add(db, "alarm.cleared", site.id,
				     json_pack("{s:s, s:s, s:I}", "alarm", c->kind, "object_kind",
					     c->object_kind, "object_id", (json_int_t)c->object_id),
				     c->now)
			   : e;
}

enum err alarm_clear(
	struct db *db, const char *kind, const char *object_kind, int64_t object_id, struct utc now)
{
	return db_join(db, clear_tx, &(struct clearing){ kind, object_kind, object_id, "", now });
}

enum err alarm_clear_code(struct db *db, const char *kind, const char *object_kind,
	const char *object_code, struct utc now)
{
	return db_join(db, clear_tx, &(struct clearing){ kind, object_kind, 0, object_code, now });
}
