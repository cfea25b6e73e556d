#include "domain/register.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "domain/audit.h"
#include "domain/readings.h"
#include "domain/scope.h"

/* ---- transformers ---- */

#define F(member) FIELD(struct meter_ratio, member)
SHAPE(ratio_shape, struct meter_ratio, F(from_at), F(ct), F(pt), F(actor), F(reason));
#undef F
static const struct query Q_RATIOS = {
	"SELECT from_at, ct, pt, actor, reason FROM meter_ratio WHERE meter_id = ? UNION ALL"
	" SELECT 0, ct_ratio, pt_ratio, '', '' FROM meter WHERE id = ? AND NOT EXISTS"
	" (SELECT 1 FROM meter_ratio WHERE meter_id = meter.id) ORDER BY from_at",
	&ratio_shape
};
/* The ratio of before is noted with the first change, so that the meter's own row does not count
 * any more. */
static const struct query Q_RATIO_BASE = {
	"INSERT INTO meter_ratio (meter_id, from_at, ct, pt, created_at)"
	" SELECT id, 0, ct_ratio, pt_ratio, ? FROM meter m WHERE id = ? AND NOT EXISTS"
	" (SELECT 1 FROM meter_ratio r WHERE r.meter_id = m.id)",
	NULL
};
static const struct query Q_RATIO_ADD = {
	"INSERT INTO meter_ratio (meter_id, from_at, ct, pt, actor, reason, created_at)"
	" VALUES (?, ?, ?, ?, ?, ?, ?)",
	NULL
};

enum err ratio_list(struct db *db, int64_t meter_id, struct rows *out)
{
	struct rows rows = { 0 };
	enum err e = db_list(db, &Q_RATIOS, ARGS(arg_i64(meter_id), arg_i64(meter_id)), &rows);

	if (e == ERR_OK && rows.n == 0)
		e = ERR_NOT_FOUND;
	if (e != ERR_OK)
		rows_free(&rows);
	else
		*out = rows;
	return e;
}

struct ratio_work {
	const struct ratio_change *c;
	struct problem *why;
};

static enum err ratio_may(const struct ratio_change *c, const struct settled *last,
	const struct meter_ratio *newest, struct problem *why)
{
	char text[UTC_TEXT_MAX];

	if (last->read_at.ms && last->own_ratio)
		return problem_set(why, ERR_CONFLICT, "ct",
			"this meter has its ratios in its register already");
	if (c->from.ms < last->read_at.ms)
		return problem_set(why, ERR_CONFLICT, "from", "energy is settled up to %s",
			utc_text(last->read_at, text));
	if (c->from.ms <= newest->from_at.ms)
		return problem_set(why, ERR_CONFLICT, "from", "there is a change at %s already",
			utc_text(newest->from_at, text));
	return ERR_OK;
}

static enum err ratio_tx(struct db *db, void *ctx)
{
	const struct ratio_work *w = ctx;
	const struct ratio_change *c = w->c;
	AUTO(rows_free) struct rows rows = { 0 };
	const struct meter_ratio *newest;
	struct settled last = { 0 };
	enum err e = settled_lock(db, c->meter_id, &last);

	if (e == ERR_OK)
		e = ratio_list(db, c->meter_id, &rows);
	if (e != ERR_OK)
		return e;
	newest = (const struct meter_ratio *)rows.at + rows.n - 1;
	if (newest->from_at.ms == c->from.ms && newest->ct == c->ct && newest->pt == c->pt)
		return ERR_OK;
	e = ratio_may(c, &last, newest, w->why);
	if (e == ERR_OK)
		e = db_exec(db, &Q_RATIO_BASE, ARGS(arg_utc(c->now), arg_i64(c->meter_id)), NULL);
	if (e == ERR_OK)
		e = db_exec(db, &Q_RATIO_ADD,
			ARGS(arg_i64(c->meter_id), arg_utc(c->from), arg_i64(c->ct), arg_i64(c->pt),
				arg_text(c->actor), arg_text(c->reason), arg_utc(c->now)),
			NULL);
	if (e != ERR_OK)
		return e;
	return audit_add(db,
		&(struct audit){ c->actor, c->address, "meter.ratio", "meter", c->meter_id, NULL },
		json_pack("{s:o, s:I, s:I, s:s}", "from", json_utc(c->from), "ct",
			(json_int_t)c->ct, "pt", (json_int_t)c->pt, "reason", c->reason),
		c->now);
}

enum err ratio_set(struct db *db, const struct ratio_change *c, struct problem *why)
{
	if (c->ct < 1 || c->ct > RATIO_MAX)
		return problem_set(why, ERR_OUT_OF_RANGE, "ct", "from 1 to %d", RATIO_MAX);
	if (c->pt < 1 || c->pt > RATIO_MAX)
		return problem_set(why, ERR_OUT_OF_RANGE, "pt", "from 1 to %d", RATIO_MAX);
	return db_tx(db, ratio_tx, &(struct ratio_work){ c, why });
}

/* ---- capacity ---- */

static const struct query Q_CAPACITY = { "UPDATE meter SET capacity_milli = ? WHERE id = ?", NULL };

struct capacity_work {
	const struct capacity_change *c;
	struct problem *why;
};

static enum err capacity_tx(struct db *db, void *ctx)
{
	const struct capacity_work *w = ctx;
	const struct capacity_change *c = w->c;
	struct settled last = { 0 };
	int64_t found = 0;
	enum err e = settled_lock(db, c->meter_id, &last);

	if (e == ERR_OK && c->capacity.milli && last.register_milli.milli >= c->capacity.milli)
		return problem_set(
			w->why, ERR_CONFLICT, "capacity", "the register stands above it");
	if (e == ERR_OK)
		e = db_exec(
			db, &Q_CAPACITY, ARGS(arg_qty(c->capacity), arg_i64(c->meter_id)), &found);
	if (e == ERR_OK && found == 0)
		e = ERR_NOT_FOUND;
	if (e != ERR_OK)
		return e;
	return audit_add(db,
		&(struct audit){
			c->actor, c->address, "meter.capacity", "meter", c->meter_id, NULL },
		json_pack("{s:I, s:s}", "capacity_milli", (json_int_t)c->capacity.milli, "reason",
			c->reason),
		c->now);
}

enum err capacity_set(struct db *db, const struct capacity_change *c, struct problem *why)
{
	if (c->capacity.milli < 0)
		return problem_set(why, ERR_OUT_OF_RANGE, "capacity", "not below 0");
	return db_tx(db, capacity_tx, &(struct capacity_work){ c, why });
}

/* ---- readings in doubt ---- */

#define READINGS_MOST 200

struct decided_row {
	struct utc read_at;
	char action[8];
};
SHAPE(decided_shape, struct decided_row, FIELD(struct decided_row, read_at),
	FIELD(struct decided_row, action));
static const struct query Q_DECIDED = {
	"SELECT read_at, action FROM reading_decision WHERE meter_id = ? AND read_at >= ?"
	" AND read_at <= ?",
	&decided_shape
};

static enum err decisions_join(struct db *db, int64_t meter_id, struct reading_seen *seen, size_t n)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct decided_row *d;
	enum err e;

	if (n == 0)
		return ERR_OK;
	e = db_list(db, &Q_DECIDED,
		ARGS(arg_i64(meter_id), arg_utc(seen[n - 1].read_at), arg_utc(seen[0].read_at)),
		&rows);
	d = rows.at;
	for (size_t k = 0; k < rows.n; k++)
		for (size_t i = 0; i < n; i++)
			if (seen[i].read_at.ms == d[k].read_at.ms)
				snprintf(seen[i].decision, sizeof(seen[i].decision), "%s",
					d[k].action);
	return e;
}

/* They lie packed by hours, which are searched from the newest on. */
const struct listing reading_listing = {
	.sorts = { { "read_at", NULL } },
	.order = "-read_at",
	.one_way = true,
	.filters = { { "from", FILTER_DAY, NULL }, { "to", FILTER_DAY, NULL },
		{ "doubtful", FILTER_FLAG, NULL } },
};

enum err readings_list(struct db *db, int64_t meter_id, struct utc from, struct utc to,
	bool doubtful, int64_t max, struct rows *out)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = readings_newest(
		db, meter_id, from, to, doubtful ? VERDICTS_DOUBTFUL : VERDICTS_ALL, max, &rows);
	const struct kept_reading *r = rows.at;
	struct reading_seen *seen;

	if (e != ERR_OK)
		return e;
	seen = calloc(rows.n + 1, sizeof(*seen));
	ASSERT(seen);
	for (size_t i = 0; i < rows.n; i++) {
		seen[i] = (struct reading_seen){ .read_at = r[i].read_at,
			.register_milli = r[i].register_milli,
			.power_w = r[i].power_w };
		snprintf(
			seen[i].verdict, sizeof(seen[i].verdict), "%s", verdict_word(r[i].verdict));
	}
	*out = (struct rows){ .at = seen, .n = rows.n };
	return decisions_join(db, meter_id, seen, rows.n);
}

#define F(member) FIELD(struct meter_doubt, member)
SHAPE(meter_doubt_shape, struct meter_doubt, F(meter_id), F(meter_code), F(meter_name), F(utility),
	F(tenant_id), F(tenant_code), F(tenant_name), F(room), F(verdict), F(read_at),
	F(register_milli), F(settled_at), F(settled_milli), F(serial), F(serial_seen));
#undef F
const struct listing meter_doubt_listing = {
	.all = { "SELECT m.id AS meter_id, m.code AS meter_code, m.name AS meter_name, m.utility,"
		 " t.id AS tenant_id, t.code AS tenant_code, t.name AS tenant_name, t.room,"
		 " s.verdict, s.read_at, s.register_milli, e.read_at AS settled_at,"
		 " e.register_milli AS settled_milli, m.serial, s.serial_seen"
		 " FROM meter_state s JOIN meter m ON m.id = s.meter_id"
		 " JOIN supply_point p ON p.id = m.supply_point_id"
		 " LEFT JOIN settled e ON e.meter_id = m.id"
		 " LEFT JOIN contract_point cp ON cp.supply_point_id = p.id AND cp.from_at <= ?"
		 " AND cp.to_at = 0 LEFT JOIN contract c ON c.id = cp.contract_id"
		 " LEFT JOIN tenant t ON t.id = c.tenant_id"
		 " WHERE m.enabled AND s.verdict IN ('backwards', 'implausible', 'identity')"
		 " AND ? IN (0, p.site_id, " SEEN_AREA("m.area_id") ")",
		&meter_doubt_shape },
	.sorts = { { "meter_id", "m.id" }, { "code", "m.code", "meter_code" } },
	.order = "code",
	.filters = { { "site_id", FILTER_ID, "p.site_id = ?" },
		{ "verdict", FILTER_WORD, "s.verdict = ?", "backwards implausible identity" } },
};

/* A reading that may be in doubt, and what is known about it. */
struct doubt {
	struct kept_reading reading;
	struct qty capacity;
	struct decided_row decided; /* action "": it was not */
};
struct capacity_row {
	struct qty capacity;
};
SHAPE(capacity_shape, struct capacity_row, FIELD(struct capacity_row, capacity));
static const struct query Q_CAPACITY_OF = {
	"SELECT capacity_milli AS capacity FROM meter WHERE id = ?", &capacity_shape
};

static enum err doubt_get(struct db *db, int64_t meter_id, struct utc at, struct doubt *out)
{
	struct capacity_row capacity;
	enum err e = reading_find(db, meter_id, at, &out->reading);

	if (e == ERR_OK)
		e = db_one(db, &Q_CAPACITY_OF, ARGS(arg_i64(meter_id)), &capacity);
	if (e != ERR_OK)
		return e;
	out->capacity = capacity.capacity;
	e = db_one(
		db, &Q_DECIDED, ARGS(arg_i64(meter_id), arg_utc(at), arg_utc(at)), &out->decided);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static const struct query Q_DECISION = {
	"INSERT INTO reading_decision (meter_id, action, read_at, register_milli, last_at,"
	" last_milli, reason, actor, decided_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};
/* The doubt is over: readings are judged from the decision on. */
static const struct query Q_DOUBT_ENDS = {
	"UPDATE meter_state SET verdict = 'accepted', version = version + 1 WHERE meter_id = ? AND"
	" verdict IN ('backwards', 'implausible')",
	NULL
};

static const char *const actions[] = { [DECISION_ACCEPT] = "accept", [DECISION_REBASE] = "rebase" };

struct decide_work {
	const struct reading_decide *d;
	struct tariffs *tariffs;
	struct problem *why;
};

static enum err may_decide(
	const struct decide_work *w, const struct doubt *r, const struct settled *last, bool *done)
{
	const struct reading_decide *d = w->d;

	*done = str_eq(r->decided.action, actions[d->action]);
	if (*done)
		return ERR_OK;
	if (r->decided.action[0])
		return problem_set(w->why, ERR_CONFLICT, "action", "it was decided otherwise: %s",
			r->decided.action);
	if (!(VERDICTS_DOUBTFUL >> r->reading.verdict & 1))
		return problem_set(w->why, ERR_CONFLICT, "read_at", "this reading is not in doubt");
	if (!last->read_at.ms || d->read_at.ms <= last->read_at.ms)
		return problem_set(
			w->why, ERR_CONFLICT, "read_at", "a later reading is settled already");
	if (d->action == DECISION_ACCEPT &&
		r->reading.register_milli.milli < last->register_milli.milli &&
		r->capacity.milli <= last->register_milli.milli)
		return problem_set(w->why, ERR_CONFLICT, "action",
			"the register fell: say first how far it counts, or make it the new base");
	return ERR_OK;
}

static enum err carry_out(struct db *db, const struct decide_work *w, const struct doubt *r,
	const struct settled *last)
{
	AUTO(charges_free) struct charges sum = { 0 };
	struct charge_reading c = { .meter_id = w->d->meter_id,
		.at = w->d->read_at,
		.reg = r->reading.register_milli,
		.capacity = r->capacity,
		.own_ratio = last->own_ratio,
		.jump = true };
	enum err e;

	if (w->d->action == DECISION_REBASE)
		return charge_rebase(db, &c, last);
	e = charge_settle(db, w->tariffs, &c, last, &sum);
	if (e == ERR_NOT_FOUND)
		return problem_set(w->why, ERR_CONFLICT, "action",
			"the meter has no tariff for this energy: give it one first");
	return e == ERR_OK ? charge_post(db, &sum, w->d->now) : e;
}

static enum err decide_tx(struct db *db, void *ctx)
{
	const struct decide_work *w = ctx;
	const struct reading_decide *d = w->d;
	struct settled last = { 0 };
	struct doubt r = { 0 };
	bool done = false;
	enum err e = settled_lock(db, d->meter_id, &last);

	if (e == ERR_OK)
		e = doubt_get(db, d->meter_id, d->read_at, &r);
	if (e == ERR_NOT_FOUND)
		return problem_set(w->why, ERR_NOT_FOUND, "read_at", "there is no such reading");
	if (e == ERR_OK)
		e = may_decide(w, &r, &last, &done);
	if (e != ERR_OK || done)
		return e;
	e = carry_out(db, w, &r, &last);
	if (e == ERR_OK)
		e = db_exec(db, &Q_DECISION,
			ARGS(arg_i64(d->meter_id), arg_text(actions[d->action]),
				arg_utc(d->read_at), arg_qty(r.reading.register_milli),
				arg_utc(last.read_at), arg_qty(last.register_milli),
				arg_text(d->reason), arg_text(d->actor), arg_utc(d->now)),
			NULL);
	if (e == ERR_OK)
		e = db_exec(db, &Q_DOUBT_ENDS, ARGS(arg_i64(d->meter_id)), NULL);
	if (e != ERR_OK)
		return e;
	return audit_add(db,
		&(struct audit){
			d->actor, d->address, "reading.decide", "meter", d->meter_id, NULL },
		json_pack("{s:s, s:o, s:I, s:I, s:s}", "action", actions[d->action], "read_at",
			json_utc(d->read_at), "register_milli",
			(json_int_t)r.reading.register_milli.milli, "last_milli",
			(json_int_t)last.register_milli.milli, "reason", d->reason),
		d->now);
}

enum err reading_decide(struct db *db, const struct reading_decide *d, struct problem *why)
{
	struct decide_work w = { d, tariffs_open(), why };
	enum err e = db_tx(db, decide_tx, &w);

	tariffs_free(&w.tariffs);
	return e;
}
