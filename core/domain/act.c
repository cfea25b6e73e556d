#include "domain/act.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "domain/alarm.h"
#include "domain/brake.h"
#include "domain/holiday.h"
#include "domain/reading.h"
#include "domain/setting.h"

#define DEFER_LEAST_MS 2000 /* a deferred cut is tried again after a quarter of its wait */
#define DEFER_MOST_MS 30000
#define CLOCK_MS 5000
#define FLIGHT_MS 120000 /* how long an open order puts a cut off, once per crossing */
#define MINUTE_MS 60000
#define STUCK_TRIES 5

static const struct query Q_LOCK = { "SELECT id FROM supply_point WHERE id = ? FOR UPDATE",
	&id_shape };

/* ---- what the gate wants to know ---- */

struct facts_row {
	struct utc read_at;
	char verdict[12];
	struct utc database_at;
	char code[129];
};
SHAPE(facts_shape, struct facts_row, FIELD(struct facts_row, read_at),
	FIELD(struct facts_row, verdict), FIELD(struct facts_row, database_at),
	FIELD(struct facts_row, code));
static const struct query Q_FACTS = {
	"SELECT COALESCE(s.read_at, 0) AS read_at, COALESCE(s.verdict, '') AS verdict,"
	" CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) AS database_at, m.code"
	" FROM meter m LEFT JOIN meter_state s ON s.meter_id = m.id WHERE m.id = ?",
	&facts_shape
};

struct last_row {
	int64_t id;
	char state[8];
	struct utc done_at;
};
SHAPE(last_shape, struct last_row, FIELD(struct last_row, id), FIELD(struct last_row, state),
	FIELD(struct last_row, done_at));
static const struct query Q_LAST = {
	"SELECT id, state, done_at FROM supply_act WHERE supply_point_id = ?"
	" ORDER BY id DESC LIMIT 1",
	&last_shape
};

/* A block for money of which no person has taken note since it began, and whose final warning did
 * not leave in time. ? = point, reason, noted_at, when it had to have left */
static const struct query Q_UNWARNED = {
	"SELECT COUNT(*) AS id FROM block b WHERE b.supply_point_id = ? AND b.kind = ?"
	" AND b.since_at > ? AND NOT EXISTS (SELECT 1 FROM notice n"
	" JOIN outbox o ON o.notice_id = n.id"
	" WHERE n.account_id = CAST(SUBSTRING(b.cause, LENGTH('account:') + 1) AS UNSIGNED)"
	" AND n.kind = b.kind AND n.created_at >= b.since_at"
	" AND o.state IN ('sent', 'delivered')"
	" AND o.sent_at <= ?)",
	&id_shape
};
/* An open order delays a cut for two minutes from the first order of this crossing. */
static const struct query Q_FLIGHT = {
	"SELECT COUNT(*) AS id FROM block b JOIN pay_order o ON"
	" o.account_id = CAST(SUBSTRING(b.cause, LENGTH('account:') + 1) AS UNSIGNED)"
	" WHERE b.supply_point_id = ? AND b.kind = ? AND o.state IN ('created','pending')"
	" AND o.created_at > ? AND ? < (SELECT MIN(f.created_at) + ? FROM pay_order f"
	" WHERE f.account_id = o.account_id AND f.created_at > b.since_at - ?)",
	&id_shape
};
static const struct query Q_SENT = {
	"INSERT INTO supply_act (supply_point_id, meter_id, action, reason, actor, state, epoch,"
	" created_at) VALUES (?, ?, ?, ?, ?, 'sent', ?, ?)",
	NULL
};
static const struct query Q_END = {
	"UPDATE supply_act SET state = ?, done_at = ?, error = ? WHERE id = ? AND state = 'sent'",
	NULL
};
static const struct query Q_DEFER = {
	"UPDATE supply_point SET deferred = ?, deferred_since = ?, try_at = ? WHERE id = ?", NULL
};

struct begin {
	const struct act_ask *ask;
	struct supply_point point;
	struct facts_row facts;
	struct act_order order;
};

static enum err counted(
	struct db *db, const struct query *q, const struct arg *args, size_t n, int64_t *out)
{
	struct id_row row;
	enum err e = db_one(db, q, args, n, &row);

	if (e == ERR_OK)
		*out = row.id;
	return e;
}

static enum err in_flight(struct db *db, const struct begin *b, bool *out)
{
	int64_t now = b->ask->now.ms, n = 0;
	enum err e = counted(db, &Q_FLIGHT,
		ARGS(arg_i64(b->point.id), arg_text(b->point.desired_reason),
			arg_i64(now - FLIGHT_MS), arg_i64(now), arg_i64(FLIGHT_MS),
			arg_i64(FLIGHT_MS)),
		&n);

	*out = n > 0;
	return e;
}

static enum err is_quiet(struct db *db, const struct begin *b, bool *out)
{
	AUTO(site_quiet_free) struct site_quiet q = { 0 };
	enum err e = site_quiet_load(db, b->point.site_id, b->ask->now, &q);

	*out = e == ERR_OK && quiet_for(&q.site, b->point.id, b->ask->now);
	return e;
}

static enum err is_warned(struct db *db, const struct begin *b, bool *out)
{
	const struct supply_point *p = &b->point;
	int64_t unwarned = 0, minutes = 0;
	enum err e = setting_get(db, p->site_id, SETTING_FINAL_WARNING_MIN, &minutes);

	if (e == ERR_OK)
		e = counted(db, &Q_UNWARNED,
			ARGS(arg_i64(p->id), arg_text(p->desired_reason), arg_utc(p->noted_at),
				arg_i64(b->ask->now.ms - minutes * MINUTE_MS)),
			&unwarned);
	*out = unwarned == 0;
	return e;
}

static bool is_good(const char *verdict)
{
	return str_eq(verdict, verdict_word(VERDICT_ACCEPTED)) ||
	       str_eq(verdict, verdict_word(VERDICT_REPEATED));
}

/* The lease is held: this transaction has just written its row. */
static enum err ask_gate(struct db *db, const struct begin *b, const char **word)
{
	struct gate_facts f = { .reason = b->point.desired_reason,
		.now = b->ask->now,
		.read_at = b->facts.read_at,
		.plausible = is_good(b->facts.verdict),
		.identity_sure = b->ask->identity == IDENTITY_SURE,
		.protected_load = str_eq(b->point.load_class, "protected"),
		.lease_held = true };
	int64_t skew = b->facts.database_at.ms - b->ask->now.ms;
	enum err e = in_flight(db, b, &f.payment_in_flight);

	if (e == ERR_OK)
		e = is_quiet(db, b, &f.quiet);
	if (e == ERR_OK)
		e = is_warned(db, b, &f.warned);
	if (e == ERR_OK)
		e = brake_check(db, b->point.site_id, b->point.id, b->ask->mass_trip_limit,
			b->ask->now, &f.brake);
	if (e != ERR_OK)
		return e;
	f.clock_sane = skew <= CLOCK_MS && skew >= -CLOCK_MS;
	*word = trip_gate(&f);
	return ERR_OK;
}

/* Must the meter be read before anything is sent? Whoever asks has no act on its way, so that one
 * that still counts as sent was lost with its answer. */
static enum err uncertain(struct db *db, const struct begin *b, bool *out)
{
	struct last_row last;
	enum err e = db_one(db, &Q_LAST, ARGS(arg_i64(b->point.id)), &last);

	*out = false;
	if (e == ERR_NOT_FOUND)
		return ERR_OK;
	if (e != ERR_OK)
		return e;
	*out = str_eq(last.state, "unknown") && b->facts.read_at.ms <= last.done_at.ms;
	if (!str_eq(last.state, "sent"))
		return ERR_OK;
	*out = true;
	return db_exec(db, &Q_END,
		ARGS(arg_text("unknown"), arg_utc(b->ask->now), arg_text("its outcome was lost"),
			arg_i64(last.id)),
		NULL);
}

static enum err defer(struct db *db, struct begin *b, const char *word)
{
	bool same = str_eq(word, b->point.deferred);
	struct utc now = b->ask->now, since = same ? b->point.deferred_since : now;
	int64_t pause = (now.ms - since.ms) / 4;

	if (pause < DEFER_LEAST_MS)
		pause = DEFER_LEAST_MS;
	if (pause > DEFER_MOST_MS)
		pause = DEFER_MOST_MS;
	b->order.answer = ANSWER_LATER;
	snprintf(b->order.word, sizeof(b->order.word), "%s", word);
	if (!same)
		log_info("supply_point=%" PRId64 " meter=%s off deferred=%s reason=%s", b->point.id,
			b->facts.code, word, b->point.desired_reason);
	return db_exec(db, &Q_DEFER,
		ARGS(arg_text(word), arg_utc(since), arg_i64(now.ms + pause), arg_i64(b->point.id)),
		NULL);
}

static enum err send(struct db *db, struct begin *b)
{
	const struct act_ask *ask = b->ask;
	enum err e = db_exec(db, &Q_SENT,
		ARGS(arg_i64(b->point.id), arg_i64(b->point.meter_id), arg_text(b->point.desired),
			arg_text(b->point.desired_reason), arg_text(b->point.desired_actor),
			arg_i64(ask->lease.epoch), arg_utc(ask->now)),
		NULL);

	if (e != ERR_OK)
		return e;
	b->order.answer = ANSWER_GO;
	b->order.act_id = db_insert_id(db);
	return db_exec(db, &Q_DEFER,
		ARGS(arg_text(""), arg_i64(0), arg_i64(0), arg_i64(b->point.id)), NULL);
}

static enum err decide(struct db *db, struct begin *b)
{
	const char *word = "go";
	bool read_first = false;
	enum err e = uncertain(db, b, &read_first);

	if (e != ERR_OK)
		return e;
	if (read_first) {
		b->order.answer = ANSWER_READ;
		return ERR_OK;
	}
	if (!b->order.on && b->ask->identity == IDENTITY_OTHER)
		word = "identity"; /* a wrong door, also for a person's wish */
	else if (!b->order.on && b->point.gated)
		e = ask_gate(db, b, &word);
	if (e != ERR_OK)
		return e;
	return str_eq(word, "go") ? send(db, b) : defer(db, b, word);
}

static enum err begin_tx(struct db *db, void *ctx)
{
	struct begin *b = ctx;
	const struct act_ask *ask = b->ask;
	struct id_row locked;
	enum err e = lease_fence(db, &ask->lease);

	b->order = (struct act_order){ .answer = ANSWER_NOTHING };
	if (e == ERR_OK)
		e = db_one(db, &Q_LOCK, ARGS(arg_i64(ask->supply_point_id)), &locked);
	if (e == ERR_OK)
		e = supply_refresh(db, ask->supply_point_id, ask->now);
	if (e == ERR_OK)
		e = supply_get(db, ask->supply_point_id, &b->point);
	if (e != ERR_OK)
		return e;
	b->order.meter_id = b->point.meter_id;
	b->order.on = str_eq(b->point.desired, "on");
	b->order.gated = b->point.gated;
	if (!b->point.pending || str_eq(b->point.desired, "auto"))
		return ERR_OK;
	e = db_one(db, &Q_FACTS, ARGS(arg_i64(b->point.meter_id)), &b->facts);
	return e == ERR_OK ? decide(db, b) : e;
}

enum err act_begin(struct db *db, const struct act_ask *ask, struct act_order *out)
{
	struct begin b = { .ask = ask };
	enum err e = db_tx(db, begin_tx, &b);

	if (e == ERR_OK)
		*out = b.order;
	return e;
}

/* ---- what came of it ---- */

struct act_row {
	int64_t supply_point_id;
	int64_t meter_id;
	char action[8];
	char state[8];
	int64_t tries;
	char code[129];
};
SHAPE(act_shape, struct act_row, FIELD(struct act_row, supply_point_id),
	FIELD(struct act_row, meter_id), FIELD(struct act_row, action),
	FIELD(struct act_row, state), FIELD(struct act_row, tries), FIELD(struct act_row, code));
static const struct query Q_ACT = {
	"SELECT a.supply_point_id, a.meter_id, a.action, a.state, p.tries, m.code FROM supply_act a"
	" JOIN supply_point p ON p.id = a.supply_point_id JOIN meter m ON m.id = a.meter_id"
	" WHERE a.id = ?",
	&act_shape
};
static const struct query Q_TRIES = { "UPDATE supply_point SET tries = ?, try_at = ? WHERE id = ?",
	NULL };
static const struct query Q_ORPHANED = {
	"UPDATE supply_act a JOIN meter m ON m.id = a.meter_id JOIN gateway g ON g.id = "
	"m.gateway_id"
	" SET a.state = 'unknown', a.done_at = ?, a.error = 'the poller was restarted'"
	" WHERE a.state = 'sent' AND g.bus_group_id = ? AND a.epoch < ?",
	NULL
};

static const char *result_word(enum act_result r)
{
	static const char *const words[] = { "done", "refused", "unknown", "sent" };

	return words[r];
}

static enum err stuck(struct db *db, const struct act_row *row, struct utc now)
{
	char text[200];

	snprintf(text, sizeof(text), "meter %s does not switch %s after %d tries", row->code,
		row->action, STUCK_TRIES);
	return alarm_raise(db,
		&(struct alarm_new){ .kind = "supply_stuck",
			.severity = "urgent",
			.object_kind = "meter",
			.object_id = row->meter_id,
			.object_code = row->code,
			.text = text },
		now);
}

/* Done: a clean slate. Failed: the next try, later each time. */
static enum err plan_next(struct db *db, const struct act_row *row, const struct act_end *a)
{
	static const int pauses_s[] = { 2, 5, 10, 30, 60 };
	bool done = a->result == ACT_RESULT_DONE;
	int64_t tries = done ? 0 : row->tries + 1;
	size_t i = (size_t)(tries < STUCK_TRIES ? tries : STUCK_TRIES) - (done ? 0 : 1);
	int64_t try_at = done ? 0 : a->now.ms + pauses_s[i] * 1000;
	enum err e = db_exec(db, &Q_TRIES,
		ARGS(arg_i64(tries), arg_i64(try_at), arg_i64(row->supply_point_id)), NULL);

	if (e == ERR_OK && tries == STUCK_TRIES)
		e = stuck(db, row, a->now);
	if (e == ERR_OK && done && row->tries >= STUCK_TRIES)
		e = alarm_clear(db, "supply_stuck", "meter", row->meter_id, a->now);
	return e;
}

static enum err end_tx(struct db *db, void *ctx)
{
	const struct act_end *a = ctx;
	struct act_row row;
	struct id_row locked;
	enum err e = lease_fence(db, &a->lease);

	if (e == ERR_OK)
		e = db_one(db, &Q_ACT, ARGS(arg_i64(a->act_id)), &row);
	if (e == ERR_OK)
		e = db_one(db, &Q_LOCK, ARGS(arg_i64(row.supply_point_id)), &locked);
	if (e != ERR_OK)
		return e;
	if (!str_eq(row.state, "sent")) /* ended before: this is the second time */
		return ERR_OK;
	if (a->result != ACT_RESULT_MOVING) {
		e = db_exec(db, &Q_END,
			ARGS(arg_text(result_word(a->result)), arg_utc(a->now), arg_text(a->error),
				arg_i64(a->act_id)),
			NULL);
		if (e == ERR_OK)
			e = plan_next(db, &row, a);
	}
	if (e == ERR_OK && a->observed[0])
		e = supply_observe(db, row.supply_point_id, a->observed, a->now);
	return e;
}

enum err act_end(struct db *db, const struct act_end *a)
{
	struct act_end copy = *a;

	return db_tx(db, end_tx, &copy);
}

struct dropped {
	const struct lease *lease;
	int64_t act_id;
	const char *why;
	struct utc now;
};

static enum err dropped_tx(struct db *db, void *ctx)
{
	const struct dropped *d = ctx;
	enum err e = lease_fence(db, d->lease);

	if (e != ERR_OK)
		return e;
	return db_exec(db, &Q_END,
		ARGS(arg_text("refused"), arg_utc(d->now), arg_text(d->why), arg_i64(d->act_id)),
		NULL);
}

enum err act_dropped(
	struct db *db, const struct lease *l, int64_t act_id, const char *why, struct utc now)
{
	return db_tx(db, dropped_tx, &(struct dropped){ l, act_id, why, now });
}

struct orphaned {
	const struct lease *lease;
	struct utc now;
};

static enum err orphaned_tx(struct db *db, void *ctx)
{
	const struct orphaned *o = ctx;
	enum err e = lease_fence(db, o->lease);

	if (e != ERR_OK)
		return e;
	return db_exec(db, &Q_ORPHANED,
		ARGS(arg_utc(o->now), arg_i64(o->lease->group_id), arg_i64(o->lease->epoch)), NULL);
}

enum err acts_orphaned(struct db *db, const struct lease *l, struct utc now)
{
	return db_tx(db, orphaned_tx, &(struct orphaned){ l, now });
}

/* ---- what wants work ---- */

SHAPE(due_shape, struct act_due, FIELD(struct act_due, supply_point_id),
	FIELD(struct act_due, meter_id), FIELD(struct act_due, gateway_id),
	FIELD(struct act_due, desired), FIELD(struct act_due, try_at));
static const struct query Q_DUE = {
	"SELECT p.id AS supply_point_id, m.id AS meter_id, m.gateway_id, p.desired, p.try_at"
	" FROM supply_point p JOIN meter m ON m.supply_point_id = p.id"
	" WHERE p.pending = 1 AND m.enabled ORDER BY p.id",
	&due_shape
};
SHAPE(wanted_shape, struct read_wanted, FIELD(struct read_wanted, meter_id),
	FIELD(struct read_wanted, read_wanted_at));
static const struct query Q_WANTED = {
	"SELECT meter_id, read_wanted_at FROM meter_state WHERE read_wanted_at > ?"
	" AND read_wanted_at > read_at",
	&wanted_shape
};

enum err acts_due(struct db *db, struct rows *out)
{
	return db_list(db, &Q_DUE, NO_ARGS, out);
}

enum err reads_wanted(struct db *db, struct utc now, struct rows *out)
{
	return db_list(db, &Q_WANTED, ARGS(arg_i64(now.ms - MINUTE_MS)), out);
}

/* ---- still dark, still moving ---- */

struct wrong_row {
	int64_t id;
	char code[129];
};
SHAPE(wrong_shape, struct wrong_row, FIELD(struct wrong_row, id), FIELD(struct wrong_row, code));
static const struct query Q_DARK = {
	"SELECT m.id, m.code FROM supply_point p JOIN meter m ON m.supply_point_id = p.id"
	" WHERE p.pending = 1 AND p.desired = 'on' AND p.desired_since < ? ORDER BY m.id",
	&wrong_shape
};
static const struct query Q_LIGHT = {
	"SELECT m.id, m.code FROM alarm a JOIN meter m ON m.id = a.object_id"
	" JOIN supply_point p ON p.id = m.supply_point_id WHERE a.open_key LIKE 'still_dark:%'"
	" AND NOT (p.pending = 1 AND p.desired = 'on') ORDER BY m.id",
	&wrong_shape
};
/* The slowest valves arrive within a quarter of a minute; what is read as moving for a whole one is
 * stuck between open and shut. */
static const struct query Q_STUCK = {
	"SELECT m.id, m.code FROM supply_point p JOIN meter m ON m.supply_point_id = p.id"
	" WHERE p.observed = 'moving' AND p.observed_since < ? ORDER BY m.id",
	&wrong_shape
};
static const struct query Q_ARRIVED = {
	"SELECT m.id, m.code FROM alarm a JOIN meter m ON m.id = a.object_id"
	" JOIN supply_point p ON p.id = m.supply_point_id WHERE a.open_key LIKE 'valve_stuck:%'"
	" AND p.observed <> 'moving' ORDER BY m.id",
	&wrong_shape
};

static const struct wrong {
	const char *kind, *text;
	const struct query *since, *over;
} wrongs[] = {
	{ "still_dark", "meter %s should be on for a minute and is still off", &Q_DARK, &Q_LIGHT },
	{ "valve_stuck", "the valve of meter %s is neither open nor shut for a minute", &Q_STUCK,
		&Q_ARRIVED },
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* formats come from the table above only */
static enum err wrong_raise(
	struct db *db, const struct wrong *w, const struct wrong_row *r, struct utc now)
{
	char text[240];

	snprintf(text, sizeof(text), w->text, r->code);
	return alarm_raise(db,
		&(struct alarm_new){ .kind = w->kind,
			.severity = "urgent",
			.object_kind = "meter",
			.object_id = r->id,
			.object_code = r->code,
			.text = text },
		now);
}
#pragma GCC diagnostic pop

static enum err wrong_look(struct db *db, const struct wrong *w, struct utc now)
{
	AUTO(rows_free) struct rows since = { 0 };
	AUTO(rows_free) struct rows over = { 0 };
	enum err e = db_list(db, w->since, ARGS(arg_i64(now.ms - MINUTE_MS)), &since);
	const struct wrong_row *s, *o;

	if (e == ERR_OK)
		e = db_list(db, w->over, NO_ARGS, &over);
	s = since.at;
	o = over.at;
	for (size_t i = 0; e == ERR_OK && i < since.n; i++)
		e = wrong_raise(db, w, &s[i], now);
	for (size_t i = 0; e == ERR_OK && i < over.n; i++)
		e = alarm_clear(db, w->kind, "meter", o[i].id, now);
	return e;
}

enum err supplies_wrong(struct db *db, struct utc now)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < ARRAY_LEN(wrongs); i++)
		e = wrong_look(db, &wrongs[i], now);
	return e;
}
