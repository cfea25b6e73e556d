/* How a worker serves webhooks: one worker at a time each, so that a receiver gets its events one
 * after the other, and one that hangs holds up only itself. */
#include "base/log.h"
#include "domain/alarm.h"
#include "domain/webhook.h"
#include "rules/retry.h"

#define F(member) FIELD(struct webhook_due, member)
SHAPE(due_shape, struct webhook_due, F(id), F(url), F(secret), F(old_secret));
#undef F
/* The first of those that wait longest; whom another worker looks at is left to it. */
static const struct query Q_NEXT = {
	"SELECT w.id, w.url, w.secret, IF(w.old_until > ?, w.old_secret, '') AS old_secret"
	" FROM webhook w WHERE w.state = 'on' AND w.rest_until <= ? AND w.claimed_until <= ?"
	" AND EXISTS (SELECT 1 FROM webhook_delivery d WHERE d.webhook_id = w.id"
	" AND d.next_at > 0 AND d.next_at <= ?) ORDER BY w.served_at, w.id LIMIT 1"
	" FOR UPDATE SKIP LOCKED",
	&due_shape
};
/* Is there one? Most looks find none: they need no transaction. */
static const struct query Q_ANY = {
	"SELECT EXISTS (SELECT 1 FROM webhook w JOIN webhook_delivery d ON d.webhook_id = w.id"
	" AND d.next_at > 0 AND d.next_at <= ? WHERE w.state = 'on' AND w.rest_until <= ?"
	" AND w.claimed_until <= ?) AS id",
	&id_shape
};
static const struct query Q_CLAIM = {
	"UPDATE webhook SET claimed_by = ?, claimed_until = ?, served_at = ? WHERE id = ?", NULL
};
static const struct query Q_RELEASE = {
	"UPDATE webhook SET claimed_by = '', claimed_until = 0 WHERE id = ? AND claimed_by = ?",
	NULL
};

#define F(member) FIELD(struct delivery, member)
SHAPE(delivery_shape, struct delivery, F(id), F(webhook_id), F(event_id), F(kind), F(payload),
	F(state), F(tries), F(next_at), F(tried_at), F(status), F(error), F(answer), F(created_at),
	F(since));
#undef F
static const struct query Q_DUE = {
	"SELECT id, webhook_id, event_id, kind, payload, state, tries, next_at, tried_at, status,"
	" error, answer, created_at, since FROM webhook_delivery WHERE webhook_id = ?"
	" AND next_at > 0 AND next_at <= ? ORDER BY next_at, id LIMIT ?",
	&delivery_shape
};
/* A replay that was asked for meanwhile stands. */
static const struct query Q_RESULT = {
	"UPDATE webhook_delivery SET state = ?, tries = tries + 1, next_at = ?, tried_at = ?,"
	" status = ?, error = ?, answer = ? WHERE id = ? AND next_at = ?",
	NULL
};
static const struct query Q_GOOD = {
	"UPDATE webhook SET failures = 0, failing_since = 0, rest_until = 0 WHERE id = ?"
	" AND failures > 0",
	NULL
};
static const struct query Q_BAD = {
	"UPDATE webhook SET failures = ?, failing_since = ?, rest_until = ? WHERE id = ?", NULL
};
static const struct query Q_OFF = {
	"UPDATE webhook SET state = 'off', off_why = ? WHERE id = ? AND state = 'on'", NULL
};

struct failing {
	char name[257];
	int64_t failures;
	struct utc failing_since;
};
SHAPE(failing_shape, struct failing, FIELD(struct failing, name), FIELD(struct failing, failures),
	FIELD(struct failing, failing_since));
static const struct query Q_FAILING = {
	"SELECT name, failures, failing_since FROM webhook WHERE id = ? FOR UPDATE", &failing_shape
};

struct claim {
	const char *owner;
	struct utc now;
	struct webhook_due *out;
};

static enum err claim_tx(struct db *db, void *ctx)
{
	const struct claim *c = ctx;
	const struct arg now = arg_utc(c->now);
	enum err e = db_one(db, &Q_NEXT, ARGS(now, now, now, now), c->out);

	return e == ERR_OK ? db_exec(db, &Q_CLAIM,
				     ARGS(arg_text(c->owner), arg_i64(c->now.ms + WEBHOOK_CLAIM_MS),
					     now, arg_i64(c->out->id)),
				     NULL)
			   : e;
}

enum err webhook_claim(struct db *db, const char *owner, struct utc now, struct webhook_due *out)
{
	const struct arg at = arg_utc(now);
	struct id_row any;
	enum err e = db_one(db, &Q_ANY, ARGS(at, at, at), &any);

	if (e == ERR_OK && !any.id)
		return ERR_NOT_FOUND;
	return e == ERR_OK ? db_tx(db, claim_tx, &(struct claim){ owner, now, out }) : e;
}

enum err webhook_release(struct db *db, int64_t id, const char *owner)
{
	return db_exec(db, &Q_RELEASE, ARGS(arg_i64(id), arg_text(owner)), NULL);
}

enum err deliveries_due(
	struct db *db, int64_t webhook_id, struct utc now, int64_t most, struct rows *out)
{
	return db_list(db, &Q_DUE, ARGS(arg_i64(webhook_id), arg_utc(now), arg_i64(most)), out);
}

/* ---- what came of a try ---- */

struct ending {
	const struct webhook_due *w;
	const struct delivery *d;
	const struct delivery_result *r;
	struct utc now;
};

static enum err off(struct db *db, const struct ending *g, const char *name, const char *why)
{
	int64_t was_on = 0;
	enum err e = db_exec(db, &Q_OFF, ARGS(arg_text(why), arg_i64(g->w->id)), &was_on);

	if (e != ERR_OK || was_on == 0)
		return e;
	return alarm_raise(db,
		&(struct alarm_new){ "webhook_off", "warn", "webhook", g->w->id, name,
			str_eq(why, "gone")
				? "the receiver wants no more events (410); the webhook is off"
				: "the receiver has failed for days; the webhook is off" },
		g->now);
}

static enum err failed(struct db *db, const struct ending *g)
{
	struct failing f;
	enum err e = db_one(db, &Q_FAILING, ARGS(arg_i64(g->w->id)), &f);

	if (e != ERR_OK)
		return e == ERR_NOT_FOUND ? ERR_OK : e; /* it was removed meanwhile */
	if (f.failures++ == 0)
		f.failing_since = g->now;
	e = db_exec(db, &Q_BAD,
		ARGS(arg_i64(f.failures), arg_utc(f.failing_since),
			arg_i64(g->now.ms + retry_rest_ms(f.failures)), arg_i64(g->w->id)),
		NULL);
	if (e == ERR_OK && g->r->end == DELIVERY_GONE)
		return off(db, g, f.name, "gone");
	if (e == ERR_OK && g->now.ms - f.failing_since.ms >= WEBHOOK_OFF_MS)
		return off(db, g, f.name, "failing");
	return e;
}

static enum err result_tx(struct db *db, void *ctx)
{
	const struct ending *g = ctx;
	const struct delivery_result *r = g->r;
	bool done = r->end == DELIVERY_DONE;
	struct utc next = { 0 };
	const char *state = done ? "done" : "failed";
	enum err e = done ? db_exec(db, &Q_GOOD, ARGS(arg_i64(g->w->id)), NULL) : failed(db, g);

	if (r->end == DELIVERY_FAILED &&
		retry_next(g->d->tries + 1, g->d->since, g->now, r->jitter, &next))
		state = "waiting";
	else
		next.ms = 0;
	if (e != ERR_OK)
		return e;
	return db_exec(db, &Q_RESULT,
		ARGS(arg_text(state), arg_utc(next), arg_utc(g->now), arg_i64(r->status),
			arg_text(r->error), arg_bytes(r->answer, r->answer_n), arg_i64(g->d->id),
			arg_utc(g->d->next_at)),
		NULL);
}

enum err delivery_result(struct db *db, const struct webhook_due *w, const struct delivery *d,
	const struct delivery_result *r, struct utc now)
{
	enum err e = db_tx(db, result_tx, &(struct ending){ w, d, r, now });

	if (e == ERR_OK && r->end != DELIVERY_DONE)
		log_warn("webhook=%lld delivery=%lld kind=%s try=%lld status=%lld why=\"%s\"",
			(long long)w->id, (long long)d->id, d->kind, (long long)d->tries + 1,
			(long long)r->status, r->error);
	return e;
}

/* ---- housekeeping ---- */

static const struct query Q_PURGE_OLD = {
	"DELETE FROM webhook_delivery WHERE created_at < ? LIMIT 5000", NULL
};
/* Also what was written while its webhook was being removed. */
static const struct query Q_PURGE_ORPHANS = {
	"DELETE FROM webhook_delivery WHERE webhook_id NOT IN (SELECT id FROM webhook)"
	" AND created_at < ? LIMIT 5000",
	NULL
};

enum err deliveries_purge(struct db *db, struct utc now)
{
	enum err e = db_exec(db, &Q_PURGE_OLD, ARGS(arg_i64(now.ms - WEBHOOK_KEEP_MS)), NULL);

	return e == ERR_OK ? db_exec(db, &Q_PURGE_ORPHANS, ARGS(arg_i64(now.ms - 3600000)), NULL)
			   : e;
}
