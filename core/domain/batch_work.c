/* Batches at work: orders given one by one, and followed to their read-back. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "domain/batch.h"
#include "domain/live.h"

#define ROUND 200 /* orders, and looks, in one round */

struct open_row {
	int64_t batch_id, meter_id;
};
SHAPE(open_shape, struct open_row, FIELD(struct open_row, batch_id),
	FIELD(struct open_row, meter_id));
static const struct query Q_TODO = {
	"SELECT b.batch_id, b.meter_id FROM batch k JOIN batch_meter b ON b.batch_id = k.id"
	" WHERE k.state = 'running' AND b.state = 'todo' ORDER BY b.batch_id, b.meter_id LIMIT ?",
	&open_shape
};

/* ---- giving an order ---- */

struct order_row {
	int64_t user_id, supply_point_id;
	char action[8], reason[801], name[257], address[181];
	struct utc until_at;
};
#define F(member) FIELD(struct order_row, member)
SHAPE(order_shape, struct order_row, F(user_id), F(supply_point_id), F(action), F(reason), F(name),
	F(address), F(until_at));
#undef F
static const struct query Q_LOCK = {
	"SELECT meter_id AS id FROM batch_meter WHERE batch_id = ? AND meter_id = ?"
	" AND state = 'todo' FOR UPDATE",
	&id_shape
};
static const struct query Q_ORDER = {
	"SELECT k.user_id, m.supply_point_id, k.action, k.reason, k.name, k.address, k.until_at"
	" FROM batch k JOIN meter m ON m.id = ? WHERE k.id = ?",
	&order_shape
};
static const struct query Q_GIVEN = {
	"UPDATE batch_meter SET state = ?, why = ?, wanted = ?, ordered_at = ?, ended_at = ?"
	" WHERE batch_id = ? AND meter_id = ?",
	NULL
};

struct ordering {
	struct open_row at;
	struct utc now;
};

/* refused: the word of what stands in the way; NULL: it is ordered. */
static enum err given(
	struct db *db, const struct ordering *o, const char *refused, const char *wanted)
{
	struct utc never = { 0 };

	return db_exec(db, &Q_GIVEN,
		ARGS(arg_text(refused ? "refused" : "waiting"), arg_text(refused ? refused : ""),
			arg_text(wanted), arg_utc(o->now), arg_utc(refused ? o->now : never),
			arg_i64(o->at.batch_id), arg_i64(o->at.meter_id)),
		NULL);
}

static enum command_kind kind_of(const char *action)
{
	enum command_kind k = COMMAND_OFF;

	while (k < COMMAND_AUTO && !str_eq(command_word(k), action))
		k++;
	return k;
}

/* An order that is given but outvoted (a shop in arrears is not switched on) is refused by what
 * outvotes it, though the block that it lifts is gone. */
static enum err order_supply(struct db *db, const struct ordering *o, const struct order_row *r)
{
	char actor[32];
	struct command c = { .kind = kind_of(r->action),
		.supply_point_id = r->supply_point_id,
		.until = r->until_at,
		.reason = r->reason,
		.user_id = r->user_id,
		.name = r->name,
		.actor = actor,
		.address = r->address,
		.now = o->now };
	struct problem why = { 0 };
	struct supply_point p;
	bool off = c.kind == COMMAND_OFF;
	enum err e;

	snprintf(actor, sizeof(actor), "user:%" PRId64, r->user_id);
	if (c.kind == COMMAND_KEEP && c.until.ms <= o->now.ms)
		return given(db, o, "expired", "");
	e = command_join(db, &c, &why);
	if (e == ERR_FORBIDDEN)
		return given(db, o, "protected", "");
	if (e == ERR_CONFLICT)
		return given(db, o, "no_relay", "");
	if (e == ERR_OK)
		e = supply_get(db, r->supply_point_id, &p);
	if (e != ERR_OK)
		return e;
	if (c.kind != COMMAND_AUTO && str_eq(p.desired, "off") != off)
		return given(db, o, p.desired_reason, "");
	return given(db, o, NULL, p.desired);
}

static enum err order_tx(struct db *db, void *ctx)
{
	const struct ordering *o = ctx;
	struct order_row r;
	struct id_row locked;
	enum err e = db_one(
		db, &Q_LOCK, ARGS(arg_i64(o->at.batch_id), arg_i64(o->at.meter_id)), &locked);

	if (e == ERR_NOT_FOUND)
		return ERR_OK; /* another worker was first */
	if (e == ERR_OK)
		e = db_one(
			db, &Q_ORDER, ARGS(arg_i64(o->at.meter_id), arg_i64(o->at.batch_id)), &r);
	if (e != ERR_OK)
		return e;
	if (!str_eq(r.action, "read"))
		return order_supply(db, o, &r);
	e = live_read_wanted(db, o->at.meter_id, o->now);
	return e == ERR_OK ? given(db, o, NULL, "") : e;
}

static enum err give_orders(struct db *db, struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(db, &Q_TODO, ARGS(arg_i64(ROUND)), &rows);
	const struct open_row *o = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		e = db_tx(db, order_tx, &(struct ordering){ o[i], now });
	return e;
}

/* ---- what came of it ---- */

struct look {
	int64_t batch_id, meter_id;
	char action[8], wanted[8];
	struct utc ordered_at;
	char desired[8], observed[8];
	bool pending;
	int64_t tries;
	struct utc read_at;
};
#define F(member) FIELD(struct look, member)
SHAPE(look_shape, struct look, F(batch_id), F(meter_id), F(action), F(wanted), F(ordered_at),
	F(desired), F(observed), F(pending), F(tries), F(read_at));
#undef F
/* Those that have an end by now; the others are not looked at one by one. */
#define AGREED "(p.desired = b.wanted AND NOT p.pending AND p.desired IN ('auto', p.observed))"
static const struct query Q_LOOK = {
	"SELECT b.batch_id, b.meter_id, k.action, b.wanted, b.ordered_at, p.desired, p.observed,"
	" p.pending, p.tries, COALESCE(s.read_at, 0) AS read_at FROM batch k"
	" JOIN batch_meter b ON b.batch_id = k.id JOIN meter m ON m.id = b.meter_id"
	" JOIN supply_point p ON p.id = m.supply_point_id"
	" LEFT JOIN meter_state s ON s.meter_id = m.id"
	" WHERE k.state = 'running' AND b.state = 'waiting' AND IF(k.action = 'read',"
	" COALESCE(s.read_at, 0) > b.ordered_at OR b.ordered_at < ?,"
	" " AGREED " OR p.desired <> b.wanted OR p.tries >= ? OR b.ordered_at < ?)"
	" ORDER BY b.batch_id, b.meter_id LIMIT ?",
	&look_shape
};
static const struct query Q_END = { "UPDATE batch_meter SET state = ?, why = ?, ended_at = ?"
				    " WHERE batch_id = ? AND meter_id = ? AND state = 'waiting'",
	NULL };

static bool is_done(const struct look *l)
{
	if (str_eq(l->action, "read"))
		return l->read_at.ms > l->ordered_at.ms;
	return str_eq(l->desired, l->wanted) && !l->pending &&
	       (str_eq(l->desired, "auto") || str_eq(l->desired, l->observed));
}

static enum err end(struct db *db, const struct look *l, struct utc now)
{
	const char *state = "failed", *why = "no_answer";

	if (is_done(l)) {
		state = "done";
		why = "";
	} else if (!str_eq(l->action, "read") && !str_eq(l->desired, l->wanted)) {
		state = "refused"; /* somebody, or something, has ordered otherwise since */
		why = "changed";
	} else if (!str_eq(l->action, "read") && l->tries >= BATCH_TRIES) {
		why = "not_confirmed";
	}
	return db_exec(db, &Q_END,
		ARGS(arg_text(state), arg_text(why), arg_utc(now), arg_i64(l->batch_id),
			arg_i64(l->meter_id)),
		NULL);
}

static enum err look(struct db *db, struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(db, &Q_LOOK,
		ARGS(arg_i64(now.ms - BATCH_READ_MS), arg_i64(BATCH_TRIES),
			arg_i64(now.ms - BATCH_WAIT_MS), arg_i64(ROUND)),
		&rows);
	const struct look *l = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		e = end(db, &l[i], now);
	return e;
}

static const struct query Q_OVER = {
	"SELECT k.id FROM batch k WHERE k.state = 'running' AND NOT EXISTS (SELECT 1"
	" FROM batch_meter b WHERE b.batch_id = k.id AND b.state IN ('todo', 'waiting'))",
	&id_shape
};
static const struct query Q_DONE = {
	"UPDATE batch SET state = 'done', done_at = ? WHERE id = ? AND state = 'running'", NULL
};

static enum err finish(struct db *db, struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(db, &Q_OVER, NO_ARGS, &rows);
	const struct id_row *k = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		e = db_exec(db, &Q_DONE, ARGS(arg_utc(now), arg_i64(k[i].id)), NULL);
		if (e == ERR_OK)
			log_info("batch=%" PRId64 " done", k[i].id);
	}
	return e;
}

enum err batch_work(struct db *db, struct utc now)
{
	enum err e = give_orders(db, now);

	if (e == ERR_OK)
		e = look(db, now);
	return e == ERR_OK ? finish(db, now) : e;
}
