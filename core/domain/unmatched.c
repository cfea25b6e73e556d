#include "domain/unmatched_inside.h"

#include "domain/alarm.h"

#define F(member) FIELD(struct unmatched, member)
SHAPE(unmatched_shape, struct unmatched, F(id), F(service), F(transaction_id), F(out_trade_no),
	F(order_id), F(site_id), F(zone), F(amount_fen), F(currency), F(why), F(paid_at),
	F(seen_at), F(state), F(suspense_entry_id), F(account_id), F(entry_id), F(refund_id),
	F(once_key), F(resolved_at), F(resolved_by), F(note));
#undef F

#define UNMATCHED                                                                                  \
	"SELECT u.id, u.service, u.transaction_id, u.out_trade_no, u.order_id, t.site_id, s.zone," \
	" u.amount_fen, u.currency, u.why, u.paid_at, u.seen_at, u.state, u.suspense_entry_id,"    \
	" u.account_id, u.entry_id, (SELECT MAX(f.id) FROM refund f WHERE f.unmatched_id = u.id)"  \
	" AS refund_id, u.once_key, u.resolved_at, u.resolved_by, u.note FROM pay_unmatched u"     \
	" LEFT JOIN pay_order o ON o.id = u.order_id LEFT JOIN account a ON a.id = o.account_id"   \
	" LEFT JOIN contract c ON c.id = a.contract_id LEFT JOIN tenant t ON t.id = c.tenant_id"   \
	" LEFT JOIN site s ON s.id = t.site_id WHERE "

static const struct query Q_GET = { UNMATCHED "? IN (0, t.site_id) AND u.id = ?",
	&unmatched_shape };
static const struct query Q_OF_TRANSACTION = { UNMATCHED "u.service = ? AND u.transaction_id = ?",
	&unmatched_shape };
const struct listing unmatched_listing = {
	.all = { UNMATCHED "? IN (0, t.site_id)", &unmatched_shape },
	.sorts = { { "id", "u.id" }, { "paid_at", "u.paid_at" }, { "seen_at", "u.seen_at" },
		{ "amount_fen", "u.amount_fen" } },
	.order = "-id",
	.filters = { { "state", FILTER_WORD, "u.state = ?",
			     "open matched credited refunded closed" },
		{ "service", FILTER_TEXT, "u.service = ?" },
		{ "number", FILTER_TEXT, "u.out_trade_no = ? OR u.transaction_id = ?" },
		{ "from", FILTER_FROM, "u.paid_at >= ?" }, { "to", FILTER_TO, "u.paid_at < ?" } },
};
static const struct query Q_KEEP = {
	"INSERT INTO pay_unmatched (service, transaction_id, out_trade_no, order_id, amount_fen,"
	" currency, why, paid_at, seen_at, suspense_entry_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, "
	"?)",
	NULL
};
static const struct query Q_SUSPENDED = {
	"UPDATE pay_unmatched SET state = 'open', suspense_entry_id = ?, out_trade_no = ?,"
	" order_id = ?, amount_fen = ?, currency = ?, why = ?, paid_at = ?, once_key = NULL,"
	" resolved_at = 0, resolved_by = '', note = '' WHERE service = ? AND transaction_id = ?"
	" AND state IN ('open', 'closed') AND suspense_entry_id IS NULL",
	NULL
};
static const struct query Q_MATCHED = {
	"UPDATE pay_unmatched SET state = 'matched', resolved_at = ?, resolved_by = ?"
	" WHERE service = ? AND transaction_id = ? AND state = 'open' AND suspense_entry_id IS "
	"NULL",
	NULL
};
static const struct query Q_AGAIN = {
	"UPDATE pay_unmatched SET state = 'open', resolved_at = 0, resolved_by = '', note = ''"
	" WHERE id = ?",
	NULL
};
struct count_row {
	int64_t n;
};
SHAPE(count_shape, struct count_row, FIELD(struct count_row, n));
static const struct query Q_OPEN = { "SELECT COUNT(*) AS n FROM pay_unmatched WHERE state = 'open'",
	&count_shape };
static const struct query Q_OPEN_OF_ORDER = {
	"SELECT COUNT(*) AS n FROM pay_unmatched WHERE state = 'open' AND order_id = ? AND why = ?",
	&count_shape
};

/* What was told of it before was another amount or order; what lies in suspense is what counts. */
static enum err suspended(struct db *db, const struct unmatched_new *n)
{
	return db_exec(db, &Q_SUSPENDED,
		ARGS(arg_i64(n->suspense_entry_id), arg_text(n->out_trade_no), arg_id(n->order_id),
			arg_i64(n->amount_fen), arg_text(n->currency), arg_text(n->why),
			arg_utc(n->paid_at), arg_text(n->service), arg_text(n->transaction_id)),
		NULL);
}

enum err unmatched_keep(struct db *db, const struct unmatched_new *n, struct utc now, bool *open)
{
	struct unmatched before;
	enum err e = db_one(db, &Q_OF_TRANSACTION,
		ARGS(arg_text(n->service), arg_text(n->transaction_id)), &before);

	if (e != ERR_NOT_FOUND) {
		if (open)
			*open = e == ERR_OK && str_eq(before.state, "open");
		return e == ERR_OK && n->suspense_entry_id ? suspended(db, n) : e;
	}
	if (open)
		*open = true;
	e = db_exec(db, &Q_KEEP,
		ARGS(arg_text(n->service), arg_text(n->transaction_id), arg_text(n->out_trade_no),
			arg_id(n->order_id), arg_i64(n->amount_fen), arg_text(n->currency),
			arg_text(n->why), arg_utc(n->paid_at), arg_utc(now),
			arg_id(n->suspense_entry_id)),
		NULL);
	return e == ERR_ALREADY ? ERR_RETRY : e; /* told twice at once */
}

enum err unmatched_suspended(
	struct db *db, const struct unmatched_new *n, struct utc now, struct problem *why)
{
	struct unmatched before;
	enum err e = db_one(db, &Q_OF_TRANSACTION,
		ARGS(arg_text(n->service), arg_text(n->transaction_id)), &before);

	if (e == ERR_OK && n->suspense_entry_id && !str_eq(before.state, "open"))
		return problem_set(why, ERR_CONFLICT, "id", "this payment was settled by hand");
	return e == ERR_OK || e == ERR_NOT_FOUND ? unmatched_keep(db, n, now, NULL) : e;
}

static const struct alarm_of {
	const char *why, *kind;
} alarms[] = {
	{ "amount", "payment_amount" },
	{ "second_payment", "payment_second" },
	{ "unknown_order", "payment_unknown_order" },
	{ "refund", "refund_foreign" },
};

enum err unmatched_alarm_over(
	struct db *db, int64_t order_id, const char *out_trade_no, const char *why, struct utc now)
{
	struct count_row open = { 0 };
	const char *kind = NULL;
	enum err e = ERR_OK;

	for (size_t i = 0; i < ARRAY_LEN(alarms); i++)
		if (str_eq(alarms[i].why, why))
			kind = alarms[i].kind;
	if (order_id)
		e = db_one(db, &Q_OPEN_OF_ORDER, ARGS(arg_i64(order_id), arg_text(why)), &open);
	if (e != ERR_OK || !kind || open.n)
		return e;
	return order_id ? alarm_clear(db, kind, "order", order_id, now)
			: alarm_clear_code(db, kind, "order", out_trade_no, now);
}

enum err unmatched_matched(struct db *db, const char *service, const char *transaction_id,
	int64_t order_id, const char *actor, struct utc now)
{
	int64_t n = 0;
	enum err e = db_exec(db, &Q_MATCHED,
		ARGS(arg_utc(now), arg_text(actor), arg_text(service), arg_text(transaction_id)),
		&n);

	return e == ERR_OK && n ? unmatched_alarm_over(db, order_id, "", "amount", now) : e;
}

enum err unmatched_again(struct db *db, int64_t id)
{
	return db_exec(db, &Q_AGAIN, ARGS(arg_i64(id)), NULL);
}

enum err unmatched_get(struct db *db, int64_t site_id, int64_t id, struct unmatched *out)
{
	return db_one(db, &Q_GET, ARGS(arg_i64(site_id), arg_i64(id)), out);
}

enum err unmatched_open(struct db *db, int64_t *n)
{
	struct count_row row;
	enum err e = db_one(db, &Q_OPEN, NO_ARGS, &row);

	if (e == ERR_OK)
		*n = row.n;
	return e;
}
