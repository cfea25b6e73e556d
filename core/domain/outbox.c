#include "domain/outbox.h"

#define CLAIM_MS 60000
#define TRIES_MAX 6

SHAPE(outgoing_shape, struct outgoing, FIELD(struct outgoing, id), FIELD(struct outgoing, channel),
	FIELD(struct outgoing, recipient), FIELD(struct outgoing, template),
	FIELD(struct outgoing, params), FIELD(struct outgoing, tries),
	FIELD(struct outgoing, expires_at));

static const struct query Q_ADD = {
	"INSERT INTO outbox (once_key, notice_id, channel, recipient, template, params, next_at,"
	" expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_EXPIRE = {
	"UPDATE outbox SET state = 'failed', error = 'expired before it could be sent'"
	" WHERE state = 'pending' AND expires_at <= ?",
	NULL
};
/* Sending, and the sender is gone: unknown whether it left. Once more at most. */
static const struct query Q_ABANDON = {
	"UPDATE outbox SET state = IF(tries >= 2, 'unknown', 'pending'), claimed_by = '',"
	" error = 'the sender died while sending' WHERE state = 'sending' AND claimed_until <= ?",
	NULL
};
static const struct query Q_DUE = {
	"SELECT id, channel, recipient, template, params, tries, expires_at FROM outbox"
	" WHERE state = 'pending' AND next_at <= ? ORDER BY next_at, id LIMIT ?"
	" FOR UPDATE SKIP LOCKED",
	&outgoing_shape
};
static const struct query Q_CLAIM = {
	"UPDATE outbox SET state = 'sending', tries = tries + 1, claimed_by = ?, claimed_until = ?"
	" WHERE id = ? AND state = 'pending'",
	NULL
};
static const struct query Q_RESULT = {
	"UPDATE outbox SET state = ?, provider_ref = ?, error = ?, next_at = ?, claimed_by = '',"
	" sent_at = ? WHERE id = ? AND state = 'sending'",
	NULL
};
static const struct query Q_TRIES = { "SELECT id, channel, recipient, template, params, tries, "
				      "expires_at FROM outbox WHERE id = ?",
	&outgoing_shape };

enum err outbox_add(struct db *db, const struct outbox_new *o, struct utc now)
{
	enum err e = db_exec(db, &Q_ADD,
		ARGS(arg_text(o->once_key), arg_id(o->notice_id), arg_text(o->channel),
			arg_text(o->recipient), arg_text(o->template), arg_text(o->params),
			arg_utc(o->not_before), arg_utc(o->expires_at), arg_utc(now)),
		NULL);

	return e == ERR_ALREADY ? ERR_OK : e;
}

struct claim {
	const char *owner;
	struct utc now;
	int64_t max;
	struct rows rows;
};

static enum err claim_tx(struct db *db, void *ctx)
{
	struct claim *c = ctx;
	const struct utc until = { c->now.ms + CLAIM_MS };
	struct outgoing *o;
	enum err e;

	rows_free(&c->rows); /* a former run of this transaction */
	e = db_exec(db, &Q_EXPIRE, ARGS(arg_utc(c->now)), NULL);
	if (e == ERR_OK)
		e = db_exec(db, &Q_ABANDON, ARGS(arg_utc(c->now)), NULL);
	if (e == ERR_OK)
		e = db_list(db, &Q_DUE, ARGS(arg_utc(c->now), arg_i64(c->max)), &c->rows);
	o = c->rows.at;
	for (size_t i = 0; e == ERR_OK && i < c->rows.n; i++)
		e = db_exec(db, &Q_CLAIM,
			ARGS(arg_text(c->owner), arg_utc(until), arg_i64(o[i].id)), NULL);
	return e;
}

enum err outbox_claim(
	struct db *db, const char *owner, struct utc now, int64_t max, struct rows *out)
{
	struct claim c = { .owner = owner, .now = now, .max = max };
	enum err e = db_tx(db, claim_tx, &c);

	if (e != ERR_OK) {
		rows_free(&c.rows);
		return e;
	}
	*out = c.rows;
	return ERR_OK;
}

enum err outbox_result(struct db *db, int64_t id, enum send_outcome o, const char *ref,
	const char *error, struct utc now)
{
	static const int64_t pause_s[TRIES_MAX] = { 5, 30, 120, 600, 1800, 3600 };
	const char *state = o == SEND_DONE ? "sent" : o == SEND_UNKNOWN ? "unknown" : "failed";
	struct utc next = now;
	struct outgoing row;
	enum err e = db_one(db, &Q_TRIES, ARGS(arg_i64(id)), &row);

	if (e != ERR_OK)
		return e;
	if (o == SEND_RETRY && row.tries < TRIES_MAX) {
		state = "pending";
		next.ms += pause_s[row.tries > 0 ? row.tries - 1 : 0] * 1000;
	}
	/* A send whose outcome is unknown is repeated once. */
	if (o == SEND_UNKNOWN && row.tries < 2) {
		state = "pending";
		next.ms += 60000;
	}
	return db_exec(db, &Q_RESULT,
		ARGS(arg_text(state), arg_text(ref), arg_text(error), arg_utc(next),
			arg_i64(o == SEND_DONE ? now.ms : 0), arg_i64(id)),
		NULL);
}
