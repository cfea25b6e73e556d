#include "domain/purchase.h"

#include <inttypes.h>

#include "base/log.h"
#include "domain/setting.h"

#define MILLI 1000
#define PAUSE_MS 2000 /* after a refusal, or a frame that never left */

#define F(member) FIELD(struct purchase_due, member)
SHAPE(due_shape, struct purchase_due, F(purchase_id), F(meter_id), F(gateway_id), F(try_at));
#undef F
static const struct query Q_DUE = {
	"SELECT p.id AS purchase_id, p.meter_id, m.gateway_id, p.try_at FROM purchase p"
	" JOIN meter m ON m.id = p.meter_id WHERE p.state IN ('desired','sent','unknown')"
	" AND m.enabled ORDER BY p.id",
	&due_shape
};

struct purchase_row {
	int64_t meter_id;
	int64_t count;
	int64_t amount_milli;
	bool fresh;
	char state[9];
	struct utc before_at;
	int64_t before_count, before_milli, before_total_milli;
	struct utc sent_at;
	int64_t epoch;
	bool refused;
	int64_t refusals;
	bool adds;
	int64_t step_milli;
	bool leaves_supply;
	struct utc read_at;
	int64_t credit_count, credit_milli, credit_total_milli;
	int64_t site_id;
	bool busy; /* a frame that sets something is on its way to the meter */
};
#define F(member) FIELD(struct purchase_row, member)
SHAPE(purchase_shape, struct purchase_row, F(meter_id), F(count), F(amount_milli), F(fresh),
	F(state), F(before_at), F(before_count), F(before_milli), F(before_total_milli), F(sent_at),
	F(epoch), F(refused), F(refusals), F(adds), F(step_milli), F(leaves_supply), F(read_at),
	F(credit_count), F(credit_milli), F(credit_total_milli), F(site_id), F(busy));
#undef F
/* Only the purchase is locked: the reading is what it is. */
static const struct query Q_LOCK = { "SELECT id FROM purchase WHERE id = ? FOR UPDATE", &id_shape };
static const struct query Q_GET = {
	"SELECT p.meter_id, p.count, p.amount_milli, p.fresh, p.state, p.before_at, p.before_count,"
	" p.before_milli, p.before_total_milli, p.sent_at, p.epoch, p.refused, p.refusals, c.adds,"
	" c.step_milli, v.desired = 'auto' AS leaves_supply, s.read_at, s.credit_count, "
	"s.credit_milli, s.credit_total_milli, v.site_id, EXISTS (SELECT 1 FROM meter_setting t"
	" WHERE t.meter_id = p.meter_id AND t.state = 'sent') AS busy"
	" FROM purchase p JOIN meter_credit c ON c.meter_id = p.meter_id"
	" JOIN meter m ON m.id = p.meter_id JOIN supply_point v ON v.id = m.supply_point_id"
	" JOIN meter_state s ON s.meter_id = p.meter_id WHERE p.id = ?",
	&purchase_shape
};
static const struct query Q_SENT = {
	"UPDATE purchase SET state = 'sent', before_at = ?, before_count = ?, before_milli = ?,"
	" before_total_milli = ?, sent_at = ?, epoch = ?, refused = 0, error = '' WHERE id = ?",
	NULL
};
static const struct query Q_ORPHANED = {
	"UPDATE purchase SET state = 'unknown', sent_at = ?, error = 'the poller was restarted'"
	" WHERE id = ?",
	NULL
};
static const struct query Q_AGAIN = {
	"UPDATE purchase SET state = 'desired', refusals = IF(refused, refusals + 1, 0),"
	" refused = 0, try_at = ? WHERE id = ?",
	NULL
};
static const struct query Q_OVER = {
	"UPDATE purchase SET state = ?, word = ?, ended_at = ? WHERE id = ?", NULL
};
/* A reading of the time between the commit and the frame does not count as one after it, so that
 * sent_at becomes the time of the result. */
static const struct query Q_RESULT = { "UPDATE purchase SET state = ?, refused = ?, error = ?, "
				       "try_at = ?, sent_at = ? WHERE id = ?"
				       " AND state = 'sent'",
	NULL };

enum err purchases_due(struct db *db, struct rows *out)
{
	return db_list(db, &Q_DUE, NO_ARGS, out);
}

static enum err facts_of(const struct purchase_row *p, const struct purchase_ask *ask,
	int64_t most_per_hour, struct purchase_facts *out)
{
	struct purchase_facts f = { .count = p->count,
		.amount_milli = p->amount_milli,
		.fresh = p->fresh,
		.adds = p->adds,
		.step_milli = p->step_milli,
		.most_per_hour = most_per_hour * MILLI,
		.before = { p->before_at, p->before_count, p->before_milli, p->before_total_milli },
		.sent_at = p->sent_at,
		.refused = p->refused,
		.refusals = p->refusals,
		.clock = ask->now };
	enum err e = purchase_parse(p->state, &f.state);

	if (p->credit_count >= 0)
		f.now = (struct credit_seen){ p->read_at, p->credit_count, p->credit_milli,
			p->credit_total_milli };
	if (e == ERR_OK)
		*out = f;
	return e;
}

struct beginning {
	const struct purchase_ask *ask;
	struct purchase_order order;
};

static enum err over(
	struct db *db, const struct beginning *b, enum purchase_state state, const char *word)
{
	log_info("purchase=%" PRId64 " meter=%" PRId64 " %s %s", b->ask->purchase_id,
		b->order.meter_id, purchase_word(state), word);
	return db_exec(db, &Q_OVER,
		ARGS(arg_text(purchase_word(state)), arg_text(word), arg_utc(b->ask->now),
			arg_i64(b->ask->purchase_id)),
		NULL);
}

static enum err write_frame(struct db *db, struct beginning *b, const struct purchase_facts *f,
	const struct purchase_step *s)
{
	if (b->ask->identity != IDENTITY_SURE) {
		b->order.answer = PURCHASE_READ_FIRST;
		return ERR_OK;
	}
	b->order.answer = PURCHASE_GO;
	b->order.count = s->write_count;
	b->order.milli = s->write_milli;
	return db_exec(db, &Q_SENT,
		ARGS(arg_utc(f->now.at), arg_i64(f->now.count), arg_i64(f->now.remaining_milli),
			arg_i64(f->now.total_milli), arg_utc(b->ask->now),
			arg_i64(b->ask->lease.epoch), arg_i64(b->ask->purchase_id)),
		NULL);
}

static enum err take_step(struct db *db, struct beginning *b, const struct purchase_facts *f)
{
	struct purchase_step s = purchase_next(f);

	switch (s.act) {
	case PURCHASE_ACT_READ:
		b->order.answer = PURCHASE_READ_FIRST;
		return ERR_OK;
	case PURCHASE_ACT_WRITE:
		return write_frame(db, b, f, &s);
	case PURCHASE_ACT_AGAIN:
		return db_exec(db, &Q_AGAIN,
			ARGS(arg_i64(b->ask->now.ms + (f->refused ? PAUSE_MS : 0)),
				arg_i64(b->ask->purchase_id)),
			NULL);
	case PURCHASE_ACT_DONE:
		return over(db, b, PURCHASE_DONE, s.word);
	case PURCHASE_ACT_FAILED:
		return over(db, b, PURCHASE_FAILED, s.word);
	case PURCHASE_ACT_MISMATCH:
		return over(db, b, PURCHASE_MISMATCH, s.word);
	case PURCHASE_ACT_NOTHING:
		return ERR_OK;
	}
	return ERR_INTERNAL;
}

/* A former holder of the lease has sent it, or was about to: when, nobody knows. Only a reading
 * from now on is one after the frame. */
static enum err orphaned(struct db *db, struct beginning *b)
{
	b->order.answer = PURCHASE_READ_FIRST;
	return db_exec(
		db, &Q_ORPHANED, ARGS(arg_utc(b->ask->now), arg_i64(b->ask->purchase_id)), NULL);
}

static enum err begin_tx(struct db *db, void *ctx)
{
	struct beginning *b = ctx;
	struct purchase_facts f;
	struct purchase_row row;
	struct id_row locked;
	int64_t most_per_hour = 0;
	enum err e = lease_fence(db, &b->ask->lease);

	b->order = (struct purchase_order){ .answer = PURCHASE_NOTHING,
		.purchase_id = b->ask->purchase_id };
	if (e == ERR_OK)
		e = db_one(db, &Q_LOCK, ARGS(arg_i64(b->ask->purchase_id)), &locked);
	if (e == ERR_OK)
		e = db_one(db, &Q_GET, ARGS(arg_i64(b->ask->purchase_id)), &row);
	if (e == ERR_OK)
		e = setting_get(db, row.site_id, SETTING_CREDIT_MOST_PER_HOUR, &most_per_hour);
	if (e == ERR_OK)
		e = facts_of(&row, b->ask, most_per_hour, &f);
	if (e != ERR_OK)
		return e;
	b->order.meter_id = row.meter_id;
	b->order.release = row.leaves_supply;
	if (f.state == PURCHASE_SENT && row.epoch < b->ask->lease.epoch)
		return orphaned(db, b);
	if (row.busy && f.state == PURCHASE_DESIRED)
		return ERR_OK;
	return take_step(db, b, &f);
}

enum err purchase_begin(struct db *db, const struct purchase_ask *ask, struct purchase_order *out)
{
	struct beginning b = { .ask = ask };
	enum err e = db_tx(db, begin_tx, &b);

	if (e == ERR_OK)
		*out = b.order;
	return e;
}

struct sent {
	const struct lease *lease;
	int64_t id;
	enum purchase_result result;
	const char *error;
	struct utc now;
};

static enum err sent_tx(struct db *db, void *ctx)
{
	static const char *const states[] = {
		[PURCHASE_WRITTEN] = "sent",
		[PURCHASE_REFUSED] = "unknown",
		[PURCHASE_LOST] = "unknown",
		[PURCHASE_NOT_SENT] = "desired",
	};
	const struct sent *s = ctx;
	int64_t try_at = s->result == PURCHASE_NOT_SENT ? s->now.ms + PAUSE_MS : 0;
	enum err e = lease_fence(db, s->lease);

	return e == ERR_OK
		       ? db_exec(db, &Q_RESULT,
				 ARGS(arg_text(states[s->result]),
					 arg_i64(s->result == PURCHASE_REFUSED), arg_text(s->error),
					 arg_i64(try_at), arg_utc(s->now), arg_i64(s->id)),
				 NULL)
		       : e;
}

enum err purchase_sent(struct db *db, const struct lease *l, int64_t purchase_id,
	enum purchase_result result, const char *error, struct utc now)
{
	return db_tx(db, sent_tx, &(struct sent){ l, purchase_id, result, error, now });
}
