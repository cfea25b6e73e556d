/* Receipts: pushed by a service, or asked for. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "domain/outbox_inside.h"

#define LAST_ASK 4

struct tried {
	int64_t id, outbox_id;
	char outcome[13];
	char kind[25];
};
SHAPE(tried_shape, struct tried, FIELD(struct tried, id), FIELD(struct tried, outbox_id),
	FIELD(struct tried, outcome), FIELD(struct tried, kind));
static const struct query Q_BY_REF = {
	"SELECT id, outbox_id, outcome, kind FROM outbox_try WHERE provider_ref = ? AND way = ?"
	" AND ? IN ('', phone) ORDER BY id DESC LIMIT 1 FOR UPDATE",
	&tried_shape
};
static const struct query Q_BY_OUT_ID = {
	"SELECT id, outbox_id, outcome, kind FROM outbox_try WHERE outbox_id = ? AND way = ?"
	" AND ? IN ('', phone) AND outcome IN ('done', 'unknown', 'delivered', 'undelivered')"
	" ORDER BY id DESC LIMIT 1 FOR UPDATE",
	&tried_shape
};
static const struct query Q_FATE = {
	"UPDATE outbox_try SET outcome = ?, code = ?, fate_at = ? WHERE id = ?", NULL
};
static const struct query Q_DELIVERED = {
	"UPDATE outbox SET state = 'delivered', delivered_at = ?, ask_at = 0, error = '',"
	" params = " WIPED " WHERE id = ? AND state IN ('pending', 'sent', 'unknown',"
	" 'undelivered')",
	NULL
};
static const struct query Q_UNDELIVERED = {
	"UPDATE outbox SET state = ?, error = ?, ask_at = 0, way = IF(? = 'pending', '', way),"
	" next_at = ?, expires_at = GREATEST(expires_at, ?) WHERE id = ?"
	" AND state IN ('pending', 'sent', 'unknown')",
	NULL
};
static const struct query Q_FELL = {
	"SELECT COUNT(*) AS id FROM outbox_try WHERE outbox_id = ? AND outcome = 'undelivered'",
	&id_shape
};

/* "yufu-17" to 17; 0 for what is not ours. */
static int64_t id_of(const char *out_id)
{
	int64_t id;

	return str_starts(out_id, "yufu-") &&
			       i64_parse(out_id + strlen("yufu-"), 1, INT64_MAX, &id) == ERR_OK
		       ? id
		       : 0;
}

bool outbox_insists(const char *kind)
{
	return str_eq(kind, "arrears") || str_eq(kind, "fee");
}

struct receiving {
	const struct outbox_receipt *r;
	struct utc now;
	bool moved;
};

static enum err find(struct db *db, const struct outbox_receipt *r, struct tried *t)
{
	struct arg way = arg_text(r->way), phone = arg_text(r->phone);
	enum err e = ERR_NOT_FOUND;

	if (r->provider_ref[0])
		e = db_one(db, &Q_BY_REF, ARGS(arg_text(r->provider_ref), way, phone), t);
	if (e == ERR_NOT_FOUND && id_of(r->out_id))
		e = db_one(db, &Q_BY_OUT_ID, ARGS(arg_i64(id_of(r->out_id)), way, phone), t);
	return e;
}

static enum err undelivered(struct db *db, const struct tried *t, const struct receiving *c)
{
	struct id_row fell = { 0 };
	const char *state;
	enum err e = db_one(db, &Q_FELL, ARGS(arg_i64(t->outbox_id)), &fell);

	/* That it goes on is decided anew; there is an hour at least for it. */
	state = outbox_insists(t->kind) && fell.id == 1 ? "pending" : "undelivered";
	if (e == ERR_OK)
		e = db_exec(db, &Q_UNDELIVERED,
			ARGS(arg_text(state), arg_text(c->r->code), arg_text(state),
				arg_utc(c->now), arg_i64(c->now.ms + 3600000),
				arg_i64(t->outbox_id)),
			NULL);
	return e;
}

static enum err receive_tx(struct db *db, void *ctx)
{
	struct receiving *c = ctx;
	const struct outbox_receipt *r = c->r;
	struct utc at = r->at.ms > 0 ? r->at : c->now;
	struct tried t;
	enum err e = find(db, r, &t);

	c->moved = false;
	if (e != ERR_OK)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (!str_eq(t.outcome, "done") && !(r->proven && str_eq(t.outcome, "unknown")))
		return ERR_OK; /* settled already, or not for a hint to settle */
	c->moved = true;
	e = db_exec(db, &Q_FATE,
		ARGS(arg_text(r->delivered ? "delivered" : "undelivered"), arg_text(r->code),
			arg_utc(at), arg_i64(t.id)),
		NULL);
	if (e != ERR_OK)
		return e;
	return r->delivered
		       ? db_exec(db, &Q_DELIVERED, ARGS(arg_utc(at), arg_i64(t.outbox_id)), NULL)
		       : undelivered(db, &t, c);
}

enum err outbox_receive(struct db *db, const struct outbox_receipt *r, struct utc now, bool *moved)
{
	struct receiving c = { .r = r, .now = now };
	enum err e = db_tx(db, receive_tx, &c);

	if (e == ERR_OK && moved)
		*moved = c.moved;
	return e;
}

/* ---- asking ---- */

#define F(member) FIELD(struct outbox_sent, member)
static const struct field sent_fields[] = { F(id), F(recipient), F(template), F(language),
	F(provider_ref), F(sent_at) };
#undef F
static const struct shape sent_shape = {
	.fields = sent_fields, .n = ARRAY_LEN(sent_fields), .size = sizeof(struct outbox_sent)
};
static const struct query Q_UNRECEIPTED = {
	"SELECT id, recipient, template, language, provider_ref, sent_at FROM outbox"
	" WHERE state = 'sent' AND way = ? AND ask_at BETWEEN 1 AND ? ORDER BY ask_at, id LIMIT ?"
	" FOR UPDATE SKIP LOCKED",
	&sent_shape
};
/* Is there one? Most looks find none: they need no transaction. */
static const struct query Q_ANY_UNRECEIPTED = {
	"SELECT EXISTS (SELECT 1 FROM outbox WHERE state = 'sent' AND way = ?"
	" AND ask_at BETWEEN 1 AND ?) AS id",
	&id_shape
};
/* Then after 6, 36 and 216 times as long, and no more. */
static const struct query Q_ASKED = {
	"UPDATE outbox SET ask_at = IF(asks + 1 >= ?, 0, ? + ? * POW(6, asks + 1)), asks = asks + 1"
	" WHERE id = ?",
	NULL
};

struct asking {
	const char *way;
	int64_t first_ms, max;
	struct utc now;
	struct rows rows;
};

static enum err asking_tx(struct db *db, void *ctx)
{
	struct asking *a = ctx;
	const struct outbox_sent *s;
	enum err e;

	rows_free(&a->rows);
	e = db_list(db, &Q_UNRECEIPTED, ARGS(arg_text(a->way), arg_utc(a->now), arg_i64(a->max)),
		&a->rows);
	s = a->rows.at;
	for (size_t i = 0; e == ERR_OK && i < a->rows.n; i++)
		e = db_exec(db, &Q_ASKED,
			ARGS(arg_i64(LAST_ASK), arg_utc(a->now), arg_i64(a->first_ms),
				arg_i64(s[i].id)),
			NULL);
	return e;
}

enum err outbox_unreceipted(struct db *db, const char *way, int64_t first_ms, struct utc now,
	int64_t max, struct rows *out)
{
	struct asking a = { .way = way, .first_ms = first_ms, .max = max, .now = now };
	struct id_row any;
	enum err e = db_one(db, &Q_ANY_UNRECEIPTED, ARGS(arg_text(way), arg_utc(now)), &any);

	if (e == ERR_OK && any.id)
		e = db_tx(db, asking_tx, &a);

	if (e != ERR_OK) {
		rows_free(&a.rows);
		return e;
	}
	*out = a.rows;
	return ERR_OK;
}
