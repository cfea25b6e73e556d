/* A bill is kept as it came, and handed to the comparison. */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "domain/alarm.h"
#include "domain/reconciliation_inside.h"

#define RECHECK_MAX 100

/* ---- keeping ---- */

struct bill_row_new {
	int64_t reconciliation_id, revision, line;
	bool refund;
	const char *out_trade_no, *transaction_id, *out_refund_no, *service_refund_id, *state;
	int64_t amount_fen;
	struct money fee;
	struct utc at;
};
#define F(member) FIELD(struct bill_row_new, member)
SHAPE(bill_row_new_shape, struct bill_row_new, F(reconciliation_id), F(revision), F(line),
	F(refund), F(out_trade_no), F(transaction_id), F(out_refund_no), F(service_refund_id),
	F(state), F(amount_fen), F(fee), F(at));
#undef F
static const struct query Q_ROW_ADD = {
	"INSERT INTO bill_row (reconciliation_id, revision, line, refund, out_trade_no,"
	" transaction_id, out_refund_no, service_refund_id, state, amount_fen, fee_nano, at)"
	" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_HAD = {
	"UPDATE reconciliation SET revision = ?, sha256 = ?, rows_n = ?, paid_fen = ?,"
	" refunded_fen = ?, fee_nano = ?, changed_at = IF(? > 1, ?, changed_at) WHERE id = ?",
	NULL
};
static const struct query Q_FETCHED = {
	"UPDATE reconciliation SET fetched_at = ?, fetch_at = 0, tries = 0, error = '',"
	" claimed_by = '', claimed_until = 0 WHERE id = ?",
	NULL
};
#define NEITHER_OF(other)                                                                          \
	" AND NOT EXISTS (SELECT 1 FROM bill_row y WHERE y.reconciliation_id ="                    \
	" x.reconciliation_id AND y.revision = " other " AND y.refund = x.refund AND"              \
	" y.out_trade_no = x.out_trade_no AND y.transaction_id = x.transaction_id AND"             \
	" y.out_refund_no = x.out_refund_no AND y.amount_fen = x.amount_fen AND y.fee_nano ="      \
	" x.fee_nano)"
static const struct query Q_CHANGED = {
	"SELECT COUNT(*) AS id FROM bill_row x WHERE x.reconciliation_id = ? AND x.revision = ?"
	" " NEITHER_OF("?"),
	&id_shape
};

struct storing {
	const struct reconciliation *claimed;
	const struct bill *bill;
	const struct reconciliation_rules *rules;
	struct utc now;
	char sha256[65];
	struct reconciliation r;
};

static void hash_text(EVP_MD_CTX *h, const char *text)
{
	ASSERT(EVP_DigestUpdate(h, text, strlen(text) + 1) == 1);
}

static void hash_number(EVP_MD_CTX *h, int64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, n);
	hash_text(h, text);
}

static void hash_row(EVP_MD_CTX *h, const struct bill_entry *r)
{
	hash_number(h, r->refund);
	hash_text(h, r->out_trade_no);
	hash_text(h, r->transaction_id);
	hash_text(h, r->out_refund_no);
	hash_text(h, r->refund_id);
	hash_text(h, r->state);
	hash_number(h, r->amount_fen);
	hash_number(h, r->fee.nano);
	hash_number(h, r->at.ms);
}

static void bill_hash(const struct bill *b, char out[static 65])
{
	EVP_MD_CTX *h = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	ASSERT(h && EVP_DigestInit_ex(h, EVP_sha256(), NULL) == 1);
	hash_number(h, b->paid_fen);
	hash_number(h, b->refunded_fen);
	hash_number(h, b->fee.nano);
	for (size_t i = 0; i < b->n; i++)
		hash_row(h, &b->rows[i]);
	ASSERT(EVP_DigestFinal_ex(h, digest, &len) == 1 && len == 32);
	EVP_MD_CTX_free(h);
	hex_encode(digest, len, out);
}

/* The parsers have compared a file with its own sums; here it is our books that rely on them. */
static bool sums_tie(const struct bill *b)
{
	__int128 paid = 0, refunded = 0, fee = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (b->rows[i].refund)
			refunded += b->rows[i].amount_fen;
		else
			paid += b->rows[i].amount_fen;
		fee += b->rows[i].fee.nano;
	}
	return paid == b->paid_fen && refunded == b->refunded_fen && fee == b->fee.nano;
}

static enum err rows_write(struct db *db, const struct storing *s, int64_t revision)
{
	const struct bill *b = s->bill;
	struct bill_row_new *rows = calloc(b->n ? b->n : 1, sizeof(*rows));
	enum err e = ERR_OK;

	ASSERT(rows);
	for (size_t i = 0; i < b->n; i++) {
		const struct bill_entry *x = &b->rows[i];

		rows[i] = (struct bill_row_new){ s->r.id, revision, (int64_t)i + 1, x->refund,
			x->out_trade_no, x->transaction_id, x->out_refund_no, x->refund_id,
			x->state, x->amount_fen, x->fee, x->at };
	}
	if (b->n)
		e = db_bulk(db, &Q_ROW_ADD, &bill_row_new_shape, rows, b->n);
	free(rows);
	return e;
}

static enum err changed_alarm(struct db *db, const struct storing *s, int64_t revision)
{
	struct id_row gone, new;
	char code[96], text[300];
	enum err e = db_one(db, &Q_CHANGED,
		ARGS(arg_i64(s->r.id), arg_i64(revision - 1), arg_i64(revision)), &gone);

	if (e == ERR_OK)
		e = db_one(db, &Q_CHANGED,
			ARGS(arg_i64(s->r.id), arg_i64(revision), arg_i64(revision - 1)), &new);
	if (e != ERR_OK)
		return e;
	snprintf(code, sizeof(code), "%s %s", s->r.service, s->r.day);
	snprintf(text, sizeof(text),
		"the service changed its bill of %s: %" PRId64 " rows are gone or other, %" PRId64
		" are new or other; revision %" PRId64,
		code, gone.id, new.id, revision);
	return alarm_raise(db,
		&(struct alarm_new){
			"bill_changed", "urgent", "reconciliation", s->r.id, code, text },
		s->now);
}

/* The bill as it is now, beside what it was. */
static enum err revise(struct db *db, struct storing *s)
{
	const struct bill *b = s->bill;
	int64_t revision = s->r.revision + 1;
	enum err e = rows_write(db, s, revision);

	if (e == ERR_OK)
		e = db_exec(db, &Q_HAD,
			ARGS(arg_i64(revision), arg_text(s->sha256), arg_i64((int64_t)b->n),
				arg_i64(b->paid_fen), arg_i64(b->refunded_fen), arg_money(b->fee),
				arg_i64(revision), arg_utc(s->now), arg_i64(s->r.id)),
			NULL);
	if (e == ERR_OK && revision > 1)
		e = changed_alarm(db, s, revision);
	return e;
}

/* ---- the two ways in ---- */

static enum err alarms_end(struct db *db, const struct storing *s, bool same)
{
	enum err e = alarm_clear(db, "bill_missing", "reconciliation", s->r.id, s->now);

	if (e == ERR_OK)
		e = alarm_clear(db, "bill_contradicts", "reconciliation", s->r.id, s->now);
	if (e == ERR_OK && same) /* somebody asked again, and it stays as it is */
		e = alarm_clear(db, "bill_changed", "reconciliation", s->r.id, s->now);
	return e;
}

static enum err store_tx(struct db *db, void *ctx)
{
	struct storing *s = ctx;
	bool same;
	enum err e = reconciliation_lock(db, s->claimed->id, &s->r);

	if (e == ERR_OK && !str_eq(s->r.claimed_by, s->claimed->claimed_by))
		return ERR_FENCED;
	if (e != ERR_OK)
		return e;
	same = s->r.revision > 0 && str_eq(s->r.sha256, s->sha256);
	if (!same)
		e = revise(db, s);
	if (e == ERR_OK)
		e = db_exec(db, &Q_FETCHED, ARGS(arg_utc(s->now), arg_i64(s->r.id)), NULL);
	if (e == ERR_OK)
		e = alarms_end(db, s, same);
	return e == ERR_OK ? reconciliation_compare(db, &s->r, s->rules, s->now) : e;
}

enum err reconciliation_store(struct db *db, const struct reconciliation *r,
	const struct bill *bill, const struct reconciliation_rules *rules, struct utc now)
{
	struct storing s = { .claimed = r, .bill = bill, .rules = rules, .now = now };
	enum err e;

	if (!sums_tie(bill))
		return ERR_PROTOCOL;
	bill_hash(bill, s.sha256);
	e = db_tx(db, store_tx, &s);
	if (e == ERR_OK)
		log_info("bill=%s day=%s rows=%zu paid_fen=%" PRId64 " refunded_fen=%" PRId64,
			r->service, r->day, bill->n, bill->paid_fen, bill->refunded_fen);
	return e;
}

static const struct query Q_UNSETTLED = {
	"SELECT id FROM reconciliation WHERE service = ? AND revision > 0 AND state IN ('differs',"
	" 'fetched') ORDER BY id DESC LIMIT ?",
	&id_shape
};

struct recheck {
	int64_t id;
	const struct reconciliation_rules *rules;
	struct utc now;
};

static enum err recheck_tx(struct db *db, void *ctx)
{
	const struct recheck *k = ctx;
	struct reconciliation r;
	enum err e = reconciliation_lock(db, k->id, &r);

	return e == ERR_OK ? reconciliation_compare(db, &r, k->rules, k->now) : e;
}

enum err reconciliation_recheck(struct db *db, const char *service,
	const struct reconciliation_rules *rules, struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e =
		db_list(db, &Q_UNSETTLED, ARGS(arg_text(service), arg_i64(RECHECK_MAX)), &rows);
	const struct id_row *id = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		struct recheck k = { id[i].id, rules, now };

		e = db_tx(db, recheck_tx, &k);
	}
	return e;
}
