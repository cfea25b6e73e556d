/* A bill that was kept is compared with the books. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/reconciliation_inside.h"

struct line_row {
	int64_t id;
	bool refund;
	char out_trade_no[257], transaction_id[257], out_refund_no[257], state[129];
	int64_t amount_fen;
	struct money fee;
	int64_t order_id;
	bool order_paid;
	bool before;
};
#define F(member) FIELD(struct line_row, member)
SHAPE(line_shape, struct line_row, F(id), F(refund), F(out_trade_no), F(transaction_id),
	F(out_refund_no), F(state), F(amount_fen), F(fee), F(order_id), F(order_paid), F(before));
#undef F

/* Rows of the newest revision of other bills of the service of q. */
#define OTHER_BILLS                                                                                \
	"SELECT 1 FROM bill_row z JOIN reconciliation w ON w.id = z.reconciliation_id AND"         \
	" w.revision = z.revision AND w.service = q.service AND w.id <> q.id"

static const struct query Q_LINES = {
	"SELECT x.id, x.refund, x.out_trade_no, x.transaction_id, x.out_refund_no, x.state,"
	" x.amount_fen, x.fee_nano AS fee, COALESCE(o.id, 0) AS order_id,"
	" COALESCE(o.state = 'paid', 0) AS order_paid,"
	" IF(x.refund, x.out_refund_no <> '' AND EXISTS (" OTHER_BILLS " AND w.day < q.day WHERE"
	" z.out_refund_no = x.out_refund_no AND z.refund), x.transaction_id <> '' AND EXISTS "
	"(" OTHER_BILLS
	" AND w.day < q.day WHERE z.transaction_id = x.transaction_id AND NOT z.refund))"
	" AS `before` FROM reconciliation q JOIN bill_row x ON x.reconciliation_id = q.id AND"
	" x.revision = q.revision LEFT JOIN pay_order o ON o.out_trade_no = x.out_trade_no AND"
	" o.service = q.service WHERE q.id = ? ORDER BY x.line",
	&line_shape
};

struct payment_row {
	int64_t entry_id;
	int64_t order_id;
	char transaction_id[257], out_trade_no[801];
	int64_t amount_fen;
	struct utc at;
	bool elsewhere;
};
#define F(member) FIELD(struct payment_row, member)
SHAPE(payment_shape, struct payment_row, F(entry_id), F(order_id), F(transaction_id),
	F(out_trade_no), F(amount_fen), F(at), F(elsewhere));
#undef F

/* What the bill names, what was paid on the day, and second payments that were booked then. */
static const struct query Q_PAYMENTS = {
	"SELECT e.id AS entry_id, COALESCE(o.id, 0) AS order_id, SUBSTRING_INDEX(e.once_key, ':', "
	"-1)"
	" AS transaction_id, IF(e.kind = 'bill_adjust', '', e.memo) AS out_trade_no, "
	"CAST(COALESCE((SELECT -SUM(p.amount_nano) DIV"
	" 10000000 FROM posting p JOIN account a ON a.id = p.account_id WHERE p.entry_id = e.id AND"
	" a.code = CONCAT('clearing:', q.service)), 0) AS SIGNED) AS amount_fen,"
	" COALESCE(c.paid_at, e.created_at) AS at, EXISTS (" OTHER_BILLS " WHERE NOT z.refund AND"
	" z.transaction_id = SUBSTRING_INDEX(e.once_key, ':', -1)) AS elsewhere"
	" FROM reconciliation q JOIN ("
	"SELECT e1.id FROM reconciliation q1 JOIN bill_row x ON x.reconciliation_id = q1.id AND"
	" x.revision = q1.revision AND NOT x.refund JOIN entry e1 ON e1.once_key = "
	"CONCAT('recharge:',"
	" q1.service, ':', x.transaction_id) WHERE q1.id = ?"
	" UNION SELECT o2.entry_id FROM pay_order o2 WHERE o2.service = ? AND o2.paid_at >= ? AND"
	" o2.paid_at < ? AND o2.state = 'paid'"
	" UNION SELECT e3.id FROM entry e3 WHERE e3.book_day BETWEEN ? - INTERVAL 1 DAY AND ? +"
	" INTERVAL 1 DAY AND e3.kind = 'suspense' AND e3.once_key LIKE CONCAT('recharge:', ?, ':%')"
	" AND e3.created_at >= ? AND e3.created_at < ?) k JOIN entry e ON e.id = k.id"
	" LEFT JOIN pay_order c ON c.entry_id = e.id LEFT JOIN pay_order o ON o.out_trade_no = "
	"e.memo"
	" WHERE q.id = ? ORDER BY e.id",
	&payment_shape
};

struct refund_row {
	int64_t id;
	int64_t order_id;
	char out_trade_no[129], out_refund_no[129], state[10];
	int64_t amount_fen;
	struct utc settled_at;
	bool elsewhere;
};
#define F(member) FIELD(struct refund_row, member)
SHAPE(refund_shape, struct refund_row, F(id), F(order_id), F(out_trade_no), F(out_refund_no),
	F(state), F(amount_fen), F(settled_at), F(elsewhere));
#undef F
static const struct query Q_REFUNDS = {
	"SELECT f.id, COALESCE(o.id, 0) AS order_id, COALESCE(o.out_trade_no, '') AS out_trade_no,"
	" f.out_refund_no, f.state, f.amount_fen,"
	" f.settled_at, EXISTS (" OTHER_BILLS " WHERE z.refund AND z.out_refund_no ="
	" f.out_refund_no) AS elsewhere FROM reconciliation q JOIN ("
	"SELECT f1.id FROM reconciliation q1 JOIN bill_row x ON x.reconciliation_id = q1.id AND"
	" x.revision = q1.revision AND x.refund JOIN refund f1 ON f1.out_refund_no = "
	"x.out_refund_no"
	" WHERE q1.id = ?"
	" UNION SELECT f2.id FROM refund f2 WHERE f2.settled_at >= ? AND f2.settled_at < ? AND"
	" f2.method = 'service' AND f2.state = 'done') k JOIN refund f ON f.id = k.id"
	" LEFT JOIN pay_order o ON o.id = f.order_id WHERE f.service = q.service AND q.id = ?"
	" ORDER BY f.id",
	&refund_shape
};

/* Is the bill of this day still to come? Of one that nobody asks for, only if it is a later one. */
static const struct query Q_WAITS = {
	"SELECT CASE WHEN ? > q.day THEN NOT EXISTS (SELECT 1 FROM reconciliation r WHERE r.service"
	" = q.service AND r.day = ? AND r.revision > 0) ELSE EXISTS (SELECT 1 FROM reconciliation r"
	" WHERE r.service = q.service AND r.day = ? AND r.revision = 0) END AS id"
	" FROM reconciliation q WHERE q.id = ?",
	&id_shape
};

struct match {
	struct reconciliation *r;
	const struct reconciliation_rules *rules;
	struct utc now;
	struct day day;
	struct rows line_rows, payment_rows, refund_rows;
	struct bill_line *lines;
	struct booked_payment *payments;
	struct booked_refund *refunds;
	struct bill_day in;
	struct reconciled out;
};

static void match_free(struct match *m)
{
	rows_free(&m->line_rows);
	rows_free(&m->payment_rows);
	rows_free(&m->refund_rows);
	free(m->lines);
	free(m->payments);
	free(m->refunds);
	reconciled_free(&m->out);
}

static enum err waits(struct db *db, const struct match *m, int32_t days, bool *out)
{
	struct id_row row;
	char text[DAY_TEXT_MAX];
	enum err e;

	day_text((struct day){ m->day.days + days }, text);
	e = db_one(db, &Q_WAITS,
		ARGS(arg_text(text), arg_text(text), arg_text(text), arg_i64(m->r->id)), &row);
	if (e == ERR_OK)
		*out = row.id != 0;
	return e;
}

static enum err load(struct db *db, struct match *m)
{
	struct bill_day *in = &m->in;
	const char *service = m->r->service, *day = m->r->day;
	enum err e = day_parse(day, &m->day);

	if (e != ERR_OK)
		return e;
	in->from = beijing_start(m->day);
	in->to = beijing_start((struct day){ m->day.days + 1 });
	in->fee_per_10000 = m->rules->fee_per_10000;
	e = db_list(db, &Q_LINES, ARGS(arg_i64(m->r->id)), &m->line_rows);
	if (e == ERR_OK)
		e = db_list(db, &Q_PAYMENTS,
			ARGS(arg_i64(m->r->id), arg_text(service), arg_utc(in->from),
				arg_utc(in->to), arg_text(day), arg_text(day), arg_text(service),
				arg_utc(in->from), arg_utc(in->to), arg_i64(m->r->id)),
			&m->payment_rows);
	if (e == ERR_OK)
		e = db_list(db, &Q_REFUNDS,
			ARGS(arg_i64(m->r->id), arg_utc(in->from), arg_utc(in->to),
				arg_i64(m->r->id)),
			&m->refund_rows);
	if (e == ERR_OK)
		e = waits(db, m, -1, &in->before_waits);
	return e == ERR_OK ? waits(db, m, 1, &in->after_waits) : e;
}

/* What the services call a refund that moved no money. */
static bool refund_failed(const char *state)
{
	static const char *const words[] = { "FAIL", "CLOSED", "ABNORMAL", "CHANGE" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq(words[i], state))
			return true;
	return false;
}

static enum booked_refund_state booked_state(const char *word)
{
	if (str_eq(word, "done"))
		return BOOKED_REFUND_DONE;
	return str_eq(word, "failed") ? BOOKED_REFUND_FAILED : BOOKED_REFUND_OPEN;
}

static void lines_make(struct match *m)
{
	const struct line_row *l = m->line_rows.at;

	m->lines = calloc(m->line_rows.n + 1, sizeof(*m->lines));
	ASSERT(m->lines);
	for (size_t i = 0; i < m->line_rows.n; i++)
		m->lines[i] = (struct bill_line){ .refund = l[i].refund,
			.transaction_id = l[i].transaction_id,
			.out_trade_no = l[i].out_trade_no,
			.out_refund_no = l[i].out_refund_no,
			.amount_fen = l[i].amount_fen,
			.fee = l[i].fee,
			.failed = l[i].refund && refund_failed(l[i].state),
			.before = l[i].before,
			.order = !l[i].order_id	   ? ORDER_UNKNOWN
				 : l[i].order_paid ? ORDER_PAID
						   : ORDER_UNPAID };
	m->in.lines = m->lines;
	m->in.lines_n = m->line_rows.n;
}

static void books_make(struct match *m)
{
	const struct payment_row *p = m->payment_rows.at;
	const struct refund_row *f = m->refund_rows.at;

	m->payments = calloc(m->payment_rows.n + 1, sizeof(*m->payments));
	m->refunds = calloc(m->refund_rows.n + 1, sizeof(*m->refunds));
	ASSERT(m->payments && m->refunds);
	for (size_t i = 0; i < m->payment_rows.n; i++)
		m->payments[i] = (struct booked_payment){ p[i].transaction_id, p[i].out_trade_no,
			p[i].amount_fen, p[i].at, p[i].elsewhere };
	for (size_t i = 0; i < m->refund_rows.n; i++)
		m->refunds[i] = (struct booked_refund){ f[i].out_refund_no, f[i].amount_fen,
			booked_state(f[i].state), f[i].settled_at, f[i].elsewhere };
	m->in.payments = m->payments;
	m->in.payments_n = m->payment_rows.n;
	m->in.refunds = m->refunds;
	m->in.refunds_n = m->refund_rows.n;
}

/* ---- what was found ---- */

static const struct query Q_DIFF_ADD = {
	"INSERT IGNORE INTO bill_difference (reconciliation_id, diff_key, kind, bill_row_id,"
	" out_trade_no, transaction_id, out_refund_no, order_id, entry_id, refund_id, bill_fen,"
	" book_fen, fee_nano, found_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};
/* It tied by itself, and now it does not any more. */
static const struct query Q_DIFF_BACK = {
	"UPDATE bill_difference SET state = 'open', action = '', reason = '', actor = '',"
	" resolved_at = 0 WHERE reconciliation_id = ? AND diff_key = ? AND state = 'resolved' AND"
	" action = 'found'",
	NULL
};
/* What a person waits for did not come: the next bill is there. */
static const struct query Q_DIFF_IN_VAIN = {
	"UPDATE bill_difference SET state = 'open' WHERE reconciliation_id = ? AND diff_key = ? AND"
	" state = 'waiting' AND ?",
	NULL
};
static const struct query Q_DIFF_GONE = {
	"UPDATE bill_difference SET state = 'resolved', action = 'found', actor = 'worker', reason "
	"="
	" 'it ties now', resolved_at = ? WHERE reconciliation_id = ? AND state <> 'resolved' AND"
	" diff_key NOT IN (SELECT k.v COLLATE utf8mb4_bin FROM JSON_TABLE(?, '$[*]' COLUMNS (v "
	"VARCHAR(160) PATH '$')) k)",
	NULL
};
static const struct query Q_MATCHED = {
	"UPDATE reconciliation SET matched = ?, late = ? WHERE id = ?", NULL
};

struct diff {
	char key[161];
	int64_t bill_row_id, order_id, entry_id, refund_id, bill_fen, book_fen;
	const char *out_trade_no, *transaction_id, *out_refund_no;
	struct money fee;
};

static void of_line(struct diff *d, const struct line_row *l)
{
	d->bill_row_id = l->id;
	d->order_id = l->order_id;
	d->out_trade_no = l->out_trade_no;
	d->transaction_id = l->transaction_id;
	d->out_refund_no = l->out_refund_no;
	d->bill_fen = l->refund && refund_failed(l->state) ? 0 : l->amount_fen;
	d->fee = l->fee;
}

static void of_payment(struct diff *d, const struct payment_row *p)
{
	d->entry_id = p->entry_id;
	d->book_fen = p->amount_fen;
	if (d->bill_row_id)
		return;
	d->order_id = p->order_id;
	d->out_trade_no = p->out_trade_no;
	d->transaction_id = p->transaction_id;
}

static void of_refund(struct diff *d, const struct refund_row *f)
{
	d->refund_id = f->id;
	d->order_id = f->order_id;
	d->book_fen = str_eq(f->state, "failed") ? 0 : f->amount_fen;
	if (d->bill_row_id)
		return;
	d->out_trade_no = f->out_trade_no;
	d->out_refund_no = f->out_refund_no;
}

static void diff_make(const struct match *m, const struct difference_found *f, struct diff *d)
{
	const struct line_row *l = m->line_rows.at;
	bool refund = difference_is_of_refund(f->kind);
	const char *no;

	*d = (struct diff){ .out_trade_no = "", .transaction_id = "", .out_refund_no = "" };
	if (f->line != RECONCILE_NONE) {
		of_line(d, &l[f->line]);
		refund = l[f->line].refund;
	}
	if (f->booked != RECONCILE_NONE && refund)
		of_refund(d, (const struct refund_row *)m->refund_rows.at + f->booked);
	else if (f->booked != RECONCILE_NONE)
		of_payment(d, (const struct payment_row *)m->payment_rows.at + f->booked);
	if (f->kind == DIFF_TWICE)
		d->book_fen = 0; /* what is booked belongs to the first */
	no = refund ? d->out_refund_no : d->transaction_id;
	snprintf(d->key, sizeof(d->key), "%s:%.64s:%zu:%" PRId64 ":%" PRId64 ":%" PRId64,
		difference_word(f->kind), no, f->ordinal, d->bill_fen, d->book_fen,
		f->kind == DIFF_FEE ? d->fee.nano : 0);
}

static enum err diff_write(
	struct db *db, const struct match *m, const struct difference_found *f, struct diff *d)
{
	enum err e;

	e = db_exec(db, &Q_DIFF_ADD,
		ARGS(arg_i64(m->r->id), arg_text(d->key), arg_text(difference_word(f->kind)),
			arg_id(d->bill_row_id), arg_text(d->out_trade_no),
			arg_text(d->transaction_id), arg_text(d->out_refund_no),
			arg_id(d->order_id), arg_id(d->entry_id), arg_id(d->refund_id),
			arg_i64(d->bill_fen), arg_i64(d->book_fen), arg_money(d->fee),
			arg_utc(m->now)),
		NULL);
	if (e == ERR_OK)
		e = db_exec(db, &Q_DIFF_BACK, ARGS(arg_i64(m->r->id), arg_text(d->key)), NULL);
	if (e == ERR_OK)
		e = db_exec(db, &Q_DIFF_IN_VAIN,
			ARGS(arg_i64(m->r->id), arg_text(d->key), arg_i64(!m->in.after_waits)),
			NULL);
	return e;
}

static enum err diffs_write(struct db *db, const struct match *m)
{
	AUTO(json_free) json_t *keys = json_array();
	AUTO(text_free) char *text = NULL;
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < m->out.n; i++) {
		struct diff d;

		diff_make(m, &m->out.found[i], &d);
		json_array_append_new(keys, json_string(d.key));
		e = diff_write(db, m, &m->out.found[i], &d);
	}
	text = json_text(keys);
	if (e == ERR_OK)
		e = db_exec(db, &Q_DIFF_GONE,
			ARGS(arg_utc(m->now), arg_i64(m->r->id), arg_text(text)), NULL);
	return e;
}

enum err reconciliation_compare(struct db *db, struct reconciliation *r,
	const struct reconciliation_rules *rules, struct utc now)
{
	AUTO(match_free) struct match m = { .r = r, .rules = rules, .now = now };
	enum err e = load(db, &m);

	if (e != ERR_OK)
		return e;
	lines_make(&m);
	books_make(&m);
	reconcile(&m.in, &m.out);
	e = diffs_write(db, &m);
	if (e == ERR_OK)
		e = db_exec(db, &Q_MATCHED,
			ARGS(arg_i64((int64_t)m.out.matched), arg_i64((int64_t)m.out.late),
				arg_i64(r->id)),
			NULL);
	return e == ERR_OK ? reconciliation_count(db, r->id, now) : e;
}
