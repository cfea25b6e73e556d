#include "domain/outbox.h"

#include <inttypes.h>
#include <stdio.h>

#include "domain/outbox_inside.h"

#define CLAIM_MS 60000

#define F(member) FIELD(struct outgoing, member)
const struct field outgoing_fields[] = { F(id), F(recipient), F(template), F(params), F(medium),
	F(language), F(way), F(tenant_id), F(tries_from), F(expires_at) };
#undef F
const struct shape outgoing_shape = {
	.fields = outgoing_fields, .n = ARRAY_LEN(outgoing_fields), .size = sizeof(struct outgoing)
};

static const struct query Q_ADD = {
	"INSERT INTO outbox (once_key, notice_id, tenant_id, language, recipient, template, params,"
	" next_at, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_EXPIRE = {
	"UPDATE outbox SET state = 'failed', error = IF(error = '', 'expired', CONCAT('expired: ',"
	" error)), params = " WIPED " WHERE state = 'pending' AND expires_at <= ?"
	" AND NOT EXISTS (SELECT 1 FROM outbox_try t WHERE t.outbox_id = outbox.id"
	" AND t.id > outbox.tries_from AND t.outcome = 'unknown')",
	NULL
};
/* Those of them that may have arrived. */
static const struct query Q_EXPIRE_UNKNOWN = {
	"UPDATE outbox SET state = 'unknown', params = " WIPED
	" WHERE state = 'pending' AND expires_at <= ?",
	NULL
};
/* Sending, and the sender is gone: whether it left is unknown, unless it never began. */
static const struct query Q_ABANDONED = {
	"UPDATE outbox_try t JOIN outbox o ON o.id = t.outbox_id SET t.outcome = 'unknown',"
	" t.code = 'sender_died' WHERE o.state = 'sending' AND o.claimed_until <= ?"
	" AND t.outcome = 'sending'",
	NULL
};
static const struct query Q_ABANDON = {
	"UPDATE outbox SET state = 'pending', way = '', claimed_by = ''"
	" WHERE state = 'sending' AND claimed_until <= ?",
	NULL
};
static const struct query Q_WAITING = { "SELECT " OUTGOING
					" FROM outbox o WHERE o.state = 'pending' AND o.way = ''"
					" AND o.next_at <= ? ORDER BY o.next_at, o.id LIMIT ?",
	&outgoing_shape };
static const struct query Q_HAND = {
	"UPDATE outbox SET way = ?, error = '' WHERE id = ? AND state = 'pending' AND way = ''",
	NULL
};
static const struct query Q_POSTPONE = {
	"UPDATE outbox SET next_at = ?, expires_at = expires_at + ?, error = ?, way = '',"
	" state = 'pending', claimed_by = '' WHERE id = ? AND state IN ('pending', 'sending')",
	NULL
};
static const struct query Q_FINISH = {
	"UPDATE outbox SET state = ?, params = " WIPED ", way = COALESCE((SELECT t.way FROM"
	" outbox_try t WHERE t.outbox_id = outbox.id ORDER BY t.id DESC LIMIT 1), ''),"
	" error = COALESCE((SELECT t.code FROM outbox_try t WHERE t.outbox_id = outbox.id"
	" ORDER BY t.id DESC LIMIT 1), 'no_way') WHERE id = ? AND state = 'pending'",
	NULL
};
static const struct query Q_COPY = {
	"INSERT INTO outbox (once_key, notice_id, tenant_id, language, recipient, template, params,"
	" medium, next_at, expires_at, created_at) SELECT CONCAT(once_key, ':wechat'), notice_id,"
	" tenant_id, language, recipient, template, params, 'wechat', next_at, expires_at, ?"
	" FROM outbox WHERE id = ?",
	NULL
};
static const struct query Q_ONLY_SMS = { "UPDATE outbox SET medium = 'sms' WHERE id = ?", NULL };
static const struct query Q_DUE = {
	"SELECT " OUTGOING " FROM outbox o WHERE o.state = 'pending' AND o.way = ?"
	" AND o.next_at <= ? ORDER BY o.next_at, o.id LIMIT ? FOR UPDATE SKIP LOCKED",
	&outgoing_shape
};
/* Is there one? Most looks find none: they need no transaction. */
static const struct query Q_ANY_DUE = {
	"SELECT EXISTS (SELECT 1 FROM outbox WHERE state = 'pending' AND way = ? AND next_at <= ?)"
	" AS id",
	&id_shape
};
static const struct query Q_CLAIM = {
	"UPDATE outbox SET state = 'sending', tries = tries + 1, claimed_by = ?, claimed_until = ?"
	" WHERE id = ? AND state = 'pending'",
	NULL
};
static const struct query Q_RELEASE = {
	"UPDATE outbox SET state = 'pending', way = '', next_at = GREATEST(next_at, ?),"
	" claimed_by = '' WHERE id = ? AND state = 'sending'",
	NULL
};
static const struct query Q_RELEASE_WAY = {
	"UPDATE outbox SET way = '' WHERE state = 'pending' AND way = ?", NULL
};

enum err outbox_add(struct db *db, const struct outbox_new *o, struct utc now)
{
	enum err e = db_exec(db, &Q_ADD,
		ARGS(arg_text(o->once_key), arg_id(o->notice_id), arg_id(o->tenant_id),
			arg_text(o->language && o->language[0] ? o->language : "zh"),
			arg_text(o->recipient), arg_text(o->template), arg_text(o->params),
			arg_utc(o->not_before), arg_utc(o->expires_at), arg_utc(now)),
		NULL);

	return e == ERR_ALREADY ? ERR_OK : e;
}

enum err outbox_waiting(struct db *db, struct utc now, int64_t max, struct rows *out)
{
	enum err e = db_exec(db, &Q_ABANDONED, ARGS(arg_utc(now)), NULL);

	if (e == ERR_OK)
		e = db_exec(db, &Q_ABANDON, ARGS(arg_utc(now)), NULL);
	if (e == ERR_OK)
		e = db_exec(db, &Q_EXPIRE, ARGS(arg_utc(now)), NULL);
	if (e == ERR_OK)
		e = db_exec(db, &Q_EXPIRE_UNKNOWN, ARGS(arg_utc(now)), NULL);
	return e == ERR_OK ? db_list(db, &Q_WAITING, ARGS(arg_utc(now), arg_i64(max)), out) : e;
}

enum err outbox_hand(struct db *db, int64_t id, const char *way)
{
	return db_exec(db, &Q_HAND, ARGS(arg_text(way), arg_i64(id)), NULL);
}

enum err outbox_postpone(
	struct db *db, int64_t id, struct utc at, int64_t extra_ms, const char *why)
{
	return db_exec(db, &Q_POSTPONE,
		ARGS(arg_utc(at), arg_i64(extra_ms), arg_text(why), arg_i64(id)), NULL);
}

enum err outbox_finish(struct db *db, int64_t id, enum sending_end end)
{
	return db_exec(db, &Q_FINISH, ARGS(arg_text(sending_end_word(end)), arg_i64(id)), NULL);
}

struct splitting {
	int64_t id;
	struct utc now;
};

static enum err split_tx(struct db *db, void *ctx)
{
	const struct splitting *s = ctx;
	enum err e = db_exec(db, &Q_COPY, ARGS(arg_utc(s->now), arg_i64(s->id)), NULL);

	if (e == ERR_OK || e == ERR_ALREADY)
		e = db_exec(db, &Q_ONLY_SMS, ARGS(arg_i64(s->id)), NULL);
	return e;
}

enum err outbox_split(struct db *db, int64_t id, struct utc now)
{
	return db_tx(db, split_tx, &(struct splitting){ id, now });
}

struct claim {
	const char *owner, *way;
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
	e = db_list(db, &Q_DUE, ARGS(arg_text(c->way), arg_utc(c->now), arg_i64(c->max)), &c->rows);
	o = c->rows.at;
	for (size_t i = 0; e == ERR_OK && i < c->rows.n; i++)
		e = db_exec(db, &Q_CLAIM,
			ARGS(arg_text(c->owner), arg_utc(until), arg_i64(o[i].id)), NULL);
	return e;
}

enum err outbox_claim(struct db *db, const char *owner, const char *way, struct utc now,
	int64_t max, struct rows *out)
{
	struct claim c = { .owner = owner, .way = way, .now = now, .max = max };
	struct id_row any;
	enum err e = db_one(db, &Q_ANY_DUE, ARGS(arg_text(way), arg_utc(now)), &any);

	if (e == ERR_OK && any.id)
		e = db_tx(db, claim_tx, &c);
	if (e != ERR_OK) {
		rows_free(&c.rows);
		return e;
	}
	*out = c.rows;
	return ERR_OK;
}

enum err outbox_release(struct db *db, int64_t id, struct utc at)
{
	return db_exec(db, &Q_RELEASE, ARGS(arg_utc(at), arg_i64(id)), NULL);
}

enum err outbox_release_way(struct db *db, const char *way)
{
	return db_exec(db, &Q_RELEASE_WAY, ARGS(arg_text(way)), NULL);
}

const char *outbox_out_id(int64_t id, char buf[static OUT_ID_MAX])
{
	snprintf(buf, OUT_ID_MAX, "yufu-%" PRId64, id);
	return buf;
}
