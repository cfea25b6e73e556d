/* How refunds end: done or failed, by a person's word or a service's. */
#include "domain/refund_inside.h"

#include <inttypes.h>
#include <stdio.h>

#include "domain/alarm.h"
#include "domain/event.h"
#include "domain/unmatched.h"

static const struct query Q_LOCK = { "SELECT id FROM refund WHERE id = ? FOR UPDATE", &id_shape };
static const struct query Q_SETTLED = {
	"UPDATE refund SET state = ?, settled_entry_id = ?, settled_at = ?, settled_by = ?,"
	" note = ?, ask_at = 0 WHERE id = ?",
	NULL
};
static const struct query Q_REVERSAL_ADD = {
	"INSERT INTO reversal (entry_id, reversal_id, once_key, reason) VALUES (?, ?, ?, ?)", NULL
};

/* Where the money leaves: the drawer, the bank, or what the service holds for us. */
static enum err way_out(struct db *db, const struct settling *g, int64_t *id)
{
	char clearing[80];

	if (str_eq(g->f.method, "cash")) {
		*id = g->drawer_id;
		return ERR_OK;
	}
	snprintf(clearing, sizeof(clearing), "clearing:%s", g->f.service);
	return account_company(db, g->f.service[0] ? clearing : "bank", id);
}

/* refund_due to where it leaves; or, failed, back to where it came from. */
static enum err settle_postings(struct db *db, const struct settling *g, struct posting p[static 2])
{
	struct money amount = { 0 };
	enum err e = account_company(db, "refund_due", &p[0].account_id);

	if (e == ERR_OK && g->s->done)
		e = way_out(db, g, &p[1].account_id);
	if (e == ERR_OK)
		e = money_from_fen(g->f.amount_fen, &amount);
	if (e != ERR_OK)
		return e;
	p[0].amount.nano = -amount.nano;
	p[1].amount = amount;
	if (g->s->done)
		return ERR_OK;
	if (!g->f.account_id)
		return account_company(db, "suspense", &p[1].account_id);
	p[1].account_id = g->f.account_id;
	p[1].purse = true;
	return ERR_OK;
}

static enum err book_day(const struct refund *f, struct utc now, struct day *out)
{
	AUTO(zone_free) struct zone *z = NULL;
	enum err e = zone_open(f->zone, &z);

	if (e == ERR_OK)
		*out = zone_local(z, now).day;
	return e;
}

static enum err settle_post(struct db *db, const struct settling *g, int64_t *entry_id)
{
	bool done = g->s->done;
	struct posting p[2] = { 0 };
	char once[48], reference[48];
	struct day day;
	enum err e = settle_postings(db, g, p);

	if (e == ERR_OK)
		e = book_day(&g->f, g->now, &day);
	if (e != ERR_OK)
		return e;
	snprintf(once, sizeof(once), done ? "refund_paid:%" PRId64 : "reversal:%" PRId64,
		done ? g->f.id : g->f.entry_id);
	snprintf(reference, sizeof(reference), done ? "refund:%" PRId64 : "entry:%" PRId64,
		done ? g->f.id : g->f.entry_id);
	return entry_post(db,
		&(struct entry){ .kind = done ? "refund_paid" : "reversal",
			.once_key = once,
			.reference = reference,
			.actor = g->s->actor,
			.memo = g->s->note,
			.site_id = g->f.site_id,
			.book_day = day,
			.at = g->now,
			.undoes = done ? NULL : "refund" },
		p, 2, entry_id);
}

static enum err settle_write(struct db *db, const struct settling *g, int64_t entry_id)
{
	char once[32];
	enum err e = db_exec(db, &Q_SETTLED,
		ARGS(arg_text(g->s->done ? "done" : "failed"), arg_i64(entry_id), arg_utc(g->now),
			arg_text(g->s->actor), arg_text(g->s->note), arg_i64(g->f.id)),
		NULL);

	if (e != ERR_OK || g->s->done)
		return e;
	snprintf(once, sizeof(once), "refund:%" PRId64, g->f.id);
	e = db_exec(db, &Q_REVERSAL_ADD,
		ARGS(arg_i64(g->f.entry_id), arg_i64(entry_id), arg_text(once),
			arg_text(g->s->note)),
		NULL);
	if (e != ERR_OK)
		return e;
	return g->f.account_id ? account_changed(db, g->f.account_id, g->now)
			       : unmatched_again(db, g->f.unmatched_id);
}

/* Whatever was said of it before is over. */
static enum err alarms_clear(struct db *db, const struct settling *g)
{
	static const char *const kinds[] = { "refund_waiting", "refund_person", "refund_amount" };
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && g->f.service[0] && i < ARRAY_LEN(kinds); i++)
		e = alarm_clear(db, kinds[i], "refund", g->f.id, g->now);
	return e;
}

static json_t *settled_event(const struct refund *f)
{
	return json_pack("{s:I, s:o, s:o, s:I, s:s, s:s}", "refund_id", (json_int_t)f->id,
		"account_id", f->account_id ? json_integer(f->account_id) : json_null(), "order_id",
		f->order_id ? json_integer(f->order_id) : json_null(), "amount_fen",
		(json_int_t)f->amount_fen, "method", f->method, "out_refund_no", f->out_refund_no);
}

enum err refund_settle_locked(struct db *db, const struct settling *g)
{
	int64_t entry_id = 0;
	enum err e = settle_post(db, g, &entry_id);

	if (e == ERR_OK)
		e = settle_write(db, g, entry_id);
	if (e == ERR_OK)
		e = alarms_clear(db, g);
	if (e == ERR_OK)
		e = event_add(db, g->s->done ? "refund.done" : "refund.failed", g->f.site_id,
			settled_event(&g->f), g->now);
	return e == ERR_OK ? refund_audit(db, g->s->actor, g->s->address,
				     g->s->done ? "refund.done" : "refund.failed", &g->f, g->now)
			   : e;
}

enum err refund_lock(struct db *db, struct refund *f)
{
	struct id_row locked;
	struct account a;
	enum err e = f->account_id ? account_lock(db, f->account_id, &a) : ERR_OK;

	if (e == ERR_OK)
		e = db_one(db, &Q_LOCK, ARGS(arg_i64(f->id)), &locked);
	return e == ERR_OK ? refund_get(db, 0, f->id, f) : e;
}

bool refund_is_final(const struct refund *f)
{
	return str_eq(f->state, "done") || str_eq(f->state, "failed");
}

static enum err settle_tx(struct db *db, void *ctx)
{
	struct settling *g = ctx;
	enum err e = refund_get(db, g->s->site_id, g->s->id, &g->f);

	if (e == ERR_OK)
		e = refund_lock(db, &g->f);
	if (e != ERR_OK || str_eq(g->f.state, g->s->done ? "done" : "failed"))
		return e;
	if (refund_is_final(&g->f))
		return problem_set(g->why, ERR_CONFLICT, "id", "it is %s already", g->f.state);
	e = refund_settle_locked(db, g);
	return e == ERR_OK ? refund_get(db, 0, g->s->id, &g->f) : e;
}

enum err refund_settle(struct db *db, const struct refund_settling *s, struct utc now,
	struct refund *out, struct problem *why)
{
	struct settling g = { .s = s, .now = now, .why = why };
	enum err e = db_tx(db, settle_tx, &g);

	if (e == ERR_OK)
		*out = g.f;
	return e;
}
