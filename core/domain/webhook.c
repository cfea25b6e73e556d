#include "domain/webhook.h"

#include <stdio.h>

#include "base/rand.h"
#include "domain/alarm.h"
#include "domain/audit.h"
#include "domain/event.h"

#define SECRET_BYTES 32

#define F(member) FIELD(struct webhook, member)
SHAPE(webhook_shape, struct webhook, F(id), F(name), F(site_id), F(url), F(events), F(state),
	F(off_why), F(failures), F(failing_since), F(secret_at), F(old_until), F(created_by),
	F(created_at), F(waiting), F(failed));
#undef F
#define WEBHOOKS                                                                                   \
	"SELECT w.id, w.name, COALESCE(w.site_id, 0) AS site_id, w.url, w.events, w.state,"        \
	" w.off_why, w.failures, w.failing_since, w.secret_at, w.old_until, w.created_by,"         \
	" w.created_at, (SELECT COUNT(*) FROM webhook_delivery d WHERE d.webhook_id = w.id"        \
	" AND d.next_at > 0) AS waiting, (SELECT COUNT(*) FROM webhook_delivery d"                 \
	" WHERE d.webhook_id = w.id AND d.state = 'failed') AS failed FROM webhook w"              \
	" WHERE ? IN (0, w.site_id)"
const struct listing webhook_listing = {
	.all = { WEBHOOKS, &webhook_shape },
	.sorts = { { "id", "w.id" }, { "name", "w.name" }, { "created_at", "w.created_at" } },
	.order = "id",
	.filters = { { "state", FILTER_WORD, "w.state = ?", "on off" },
		{ "q", FILTER_TEXT, "LOCATE(?, w.name) OR LOCATE(?, w.url)" } },
};
static const struct query Q_GET = { WEBHOOKS " AND w.id = ?", &webhook_shape };
static const struct query Q_LOCK = {
	"SELECT id FROM webhook WHERE id = ? AND ? IN (0, site_id) FOR UPDATE", &id_shape
};
static const struct query Q_ADD = {
	"INSERT INTO webhook (name, site_id, url, events, secret, secret_at, once_key, created_by,"
	" created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_SET = {
	"UPDATE webhook SET name = COALESCE(?, name), url = COALESCE(?, url),"
	" events = COALESCE(?, events) WHERE id = ?",
	NULL
};
static const struct query Q_STATE = {
	"UPDATE webhook SET state = ?, off_why = ?, failures = 0, failing_since = 0,"
	" rest_until = 0 WHERE id = ?",
	NULL
};
static const struct query Q_REMOVE = { "DELETE FROM webhook WHERE id = ?", NULL };
static const struct query Q_ROTATE = {
	"UPDATE webhook SET old_secret = secret, old_until = ?, secret = ?, secret_at = ?,"
	" rotate_key = ? WHERE id = ?",
	NULL
};
static const struct query Q_WAKE = { "UPDATE webhook SET rest_until = 0 WHERE id = ?", NULL };

struct secret_row {
	int64_t id;
	char secret[WEBHOOK_SECRET_MAX];
};
SHAPE(secret_shape, struct secret_row, FIELD(struct secret_row, id),
	FIELD(struct secret_row, secret));
static const struct query Q_ADDED = { "SELECT id, secret FROM webhook WHERE once_key = ?",
	&secret_shape };
static const struct query Q_ROTATED = {
	"SELECT id, secret FROM webhook WHERE id = ? AND rotate_key = ?", &secret_shape
};

static void secret_make(char out[static WEBHOOK_SECRET_MAX])
{
	char hex[2 * SECRET_BYTES + 1];

	rand_hex(hex, SECRET_BYTES);
	snprintf(out, WEBHOOK_SECRET_MAX, "whsec_%s", hex);
}

static enum err audit(
	struct db *db, const struct webhook_act *by, const char *action, int64_t id, json_t *detail)
{
	return audit_add(db, &(struct audit){ by->actor, by->address, action, "webhook", id, NULL },
		detail, by->now);
}

static struct arg arg_or_null(const char *s)
{
	return s ? arg_text(s) : (struct arg){ .kind = ARG_NULL };
}

enum err webhook_get(struct db *db, int64_t site_id, int64_t id, struct webhook *out)
{
	return db_one(db, &Q_GET, ARGS(arg_i64(site_id), arg_i64(id)), out);
}

/* ---- changes: each in a transaction, with an audit row ---- */

struct changing {
	const struct webhook_act *by;
	int64_t id;
	const struct webhook_new *n;
	const struct webhook_change *c;
	const char *once_key;
	char *secret;
	int64_t made; /* the delivery */
};

static enum err lock(struct db *db, const struct changing *g)
{
	struct id_row row;

	return db_one(db, &Q_LOCK, ARGS(arg_i64(g->id), arg_i64(g->by->site_id)), &row);
}

static enum err add_tx(struct db *db, void *ctx)
{
	struct changing *g = ctx;
	const struct webhook_new *n = g->n;
	struct secret_row row;
	enum err e = db_one(db, &Q_ADDED, ARGS(arg_text(n->once_key)), &row);

	if (e == ERR_OK) {
		g->id = row.id;
		return str_copy(g->secret, WEBHOOK_SECRET_MAX, row.secret) ? ERR_OK : ERR_INTERNAL;
	}
	if (e != ERR_NOT_FOUND)
		return e;
	secret_make(g->secret);
	e = db_exec(db, &Q_ADD,
		ARGS(arg_text(n->name), arg_id(n->site_id), arg_text(n->url), arg_text(n->events),
			arg_text(g->secret), arg_utc(g->by->now), arg_text(n->once_key),
			arg_text(g->by->actor), arg_utc(g->by->now)),
		NULL);
	if (e != ERR_OK)
		return e == ERR_ALREADY ? ERR_RETRY : e; /* the same request was faster */
	g->id = db_insert_id(db);
	return audit(db, g->by, "webhook.create", g->id,
		json_pack("{s:s, s:s, s:s}", "name", n->name, "url", n->url, "events", n->events));
}

enum err webhook_add(struct db *db, const struct webhook_new *n, const struct webhook_act *by,
	int64_t *id, char secret[static WEBHOOK_SECRET_MAX])
{
	struct changing g = { .by = by, .n = n, .secret = secret };
	enum err e = db_tx(db, add_tx, &g);

	*id = g.id;
	return e;
}

static enum err state_set(struct db *db, const struct changing *g)
{
	bool on = str_eq(g->c->state, "on");
	enum err e = db_exec(db, &Q_STATE,
		ARGS(arg_text(g->c->state), arg_text(on ? "" : "staff"), arg_i64(g->id)), NULL);

	return e == ERR_OK ? alarm_clear(db, "webhook_off", "webhook", g->id, g->by->now) : e;
}

static enum err set_tx(struct db *db, void *ctx)
{
	const struct changing *g = ctx;
	const struct webhook_change *c = g->c;
	enum err e = lock(db, g);

	if (e == ERR_OK)
		e = db_exec(db, &Q_SET,
			ARGS(arg_or_null(c->name), arg_or_null(c->url), arg_or_null(c->events),
				arg_i64(g->id)),
			NULL);
	if (e == ERR_OK && c->state)
		e = state_set(db, g);
	return e == ERR_OK ? audit(db, g->by, "webhook.change", g->id,
				     json_pack("{s:s*, s:s*, s:s*, s:s*}", "name", c->name, "url",
					     c->url, "events", c->events, "state", c->state))
			   : e;
}

enum err webhook_set(
	struct db *db, int64_t id, const struct webhook_change *c, const struct webhook_act *by)
{
	return db_tx(db, set_tx, &(struct changing){ .by = by, .id = id, .c = c });
}

static enum err remove_tx(struct db *db, void *ctx)
{
	const struct changing *g = ctx;
	enum err e = lock(db, g);

	if (e == ERR_OK)
		e = alarm_clear(db, "webhook_off", "webhook", g->id, g->by->now);
	if (e == ERR_OK)
		e = db_exec(db, &Q_REMOVE, ARGS(arg_i64(g->id)), NULL);
	return e == ERR_OK ? audit(db, g->by, "webhook.remove", g->id, NULL) : e;
}

enum err webhook_remove(struct db *db, int64_t id, const struct webhook_act *by)
{
	return db_tx(db, remove_tx, &(struct changing){ .by = by, .id = id });
}

static enum err rotate_tx(struct db *db, void *ctx)
{
	struct changing *g = ctx;
	const struct utc now = g->by->now;
	struct secret_row row;
	enum err e = lock(db, g);

	if (e != ERR_OK)
		return e;
	e = db_one(db, &Q_ROTATED, ARGS(arg_i64(g->id), arg_text(g->once_key)), &row);
	if (e == ERR_OK)
		return str_copy(g->secret, WEBHOOK_SECRET_MAX, row.secret) ? ERR_OK : ERR_INTERNAL;
	if (e != ERR_NOT_FOUND)
		return e;
	secret_make(g->secret);
	e = db_exec(db, &Q_ROTATE,
		ARGS(arg_i64(now.ms + WEBHOOK_OLD_MS), arg_text(g->secret), arg_utc(now),
			arg_text(g->once_key), arg_i64(g->id)),
		NULL);
	return e == ERR_OK ? audit(db, g->by, "webhook.rotate", g->id, NULL) : e;
}

enum err webhook_rotate(struct db *db, int64_t id, const char *once_key,
	const struct webhook_act *by, char secret[static WEBHOOK_SECRET_MAX])
{
	return db_tx(db, rotate_tx,
		&(struct changing){ .by = by, .id = id, .once_key = once_key, .secret = secret });
}

/* ---- deliveries ---- */

#define F(member) FIELD(struct delivery, member)
SHAPE(delivery_shape, struct delivery, F(id), F(webhook_id), F(event_id), F(kind), F(payload),
	F(state), F(tries), F(next_at), F(tried_at), F(status), F(error), F(answer), F(created_at),
	F(since));
#undef F
#define DELIVERIES                                                                                 \
	"SELECT d.id, d.webhook_id, d.event_id, d.kind, d.payload, d.state, d.tries, d.next_at,"   \
	" d.tried_at, d.status, d.error, d.answer, d.created_at, d.since FROM webhook_delivery d "
const struct listing delivery_listing = {
	.all = { DELIVERIES "WHERE d.webhook_id = ?", &delivery_shape },
	.sorts = { { "id", "d.id" }, { "created_at", "d.created_at" } },
	.order = "-id",
	.filters = { { "state", FILTER_WORD, "d.state = ?", "pending waiting done failed" },
		{ "kind", FILTER_TEXT, "d.kind = ?" }, { "from", FILTER_FROM, "d.created_at >= ?" },
		{ "to", FILTER_TO, "d.created_at < ?" } },
};
static const struct query Q_DELIVERY = { DELIVERIES
	"JOIN webhook w ON w.id = d.webhook_id WHERE ? IN (0, w.site_id) AND d.id = ?",
	&delivery_shape };
static const struct query Q_DELIVERY_OF = {
	"SELECT d.webhook_id AS id FROM webhook_delivery d WHERE d.id = ?", &id_shape
};
static const struct query Q_REPLAY = {
	"UPDATE webhook_delivery SET state = 'pending', tries = 0, next_at = ?, since = ?"
	" WHERE id = ?",
	NULL
};

enum err delivery_get(struct db *db, int64_t site_id, int64_t id, struct rows *out)
{
	enum err e = db_list(db, &Q_DELIVERY, ARGS(arg_i64(site_id), arg_i64(id)), out);

	return e == ERR_OK && out->n == 0 ? ERR_NOT_FOUND : e;
}

/* One that is off is told nothing. */
static enum err lock_on(struct db *db, const struct changing *g, struct webhook *out)
{
	enum err e = lock(db, g);

	if (e == ERR_OK)
		e = webhook_get(db, 0, g->id, out);
	return e == ERR_OK && !str_eq(out->state, "on") ? ERR_CONFLICT : e;
}

static enum err ping_tx(struct db *db, void *ctx)
{
	struct changing *g = ctx;
	struct webhook w;
	enum err e = lock_on(db, g, &w);

	if (e == ERR_OK)
		e = event_add_one(db, g->id, WEBHOOK_PING, w.site_id, NULL, g->by->now, &g->made);
	if (e == ERR_OK)
		e = db_exec(db, &Q_WAKE, ARGS(arg_i64(g->id)), NULL);
	return e == ERR_OK ? audit(db, g->by, "webhook.test", g->id, NULL) : e;
}

enum err webhook_ping(struct db *db, int64_t id, const struct webhook_act *by, int64_t *delivery_id)
{
	struct changing g = { .by = by, .id = id };
	enum err e = db_tx(db, ping_tx, &g);

	*delivery_id = g.made;
	return e;
}

static enum err replay_tx(struct db *db, void *ctx)
{
	const struct changing *g = ctx;
	struct changing of = { .by = g->by };
	struct id_row webhook;
	struct webhook w;
	enum err e = db_one(db, &Q_DELIVERY_OF, ARGS(arg_i64(g->id)), &webhook);

	of.id = e == ERR_OK ? webhook.id : 0;
	if (e == ERR_OK)
		e = lock_on(db, &of, &w);
	if (e == ERR_OK)
		e = db_exec(db, &Q_REPLAY,
			ARGS(arg_utc(g->by->now), arg_utc(g->by->now), arg_i64(g->id)), NULL);
	if (e == ERR_OK)
		e = db_exec(db, &Q_WAKE, ARGS(arg_i64(of.id)), NULL);
	return e == ERR_OK ? audit(db, g->by, "webhook.replay", of.id,
				     json_pack("{s:I}", "delivery", (json_int_t)g->id))
			   : e;
}

enum err delivery_replay(struct db *db, int64_t id, const struct webhook_act *by)
{
	return db_tx(db, replay_tx, &(struct changing){ .by = by, .id = id });
}
