#include "domain/reversal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "domain/account.h"
#include "domain/audit.h"
#include "domain/bookday.h"
#include "domain/chart.h"
#include "domain/ledger.h"
#include "domain/sale.h"
#include "domain/setting.h"

#define POSTINGS_MAX 64

struct before_row {
	int64_t reversal_id;
	char once_key[513];
	char reason[801];
};
#define F(member) FIELD(struct before_row, member)
SHAPE(before_shape, struct before_row, F(reversal_id), F(once_key), F(reason));
#undef F
static const struct query Q_BEFORE = {
	"SELECT reversal_id, once_key, reason FROM reversal WHERE entry_id = ?", &before_shape
};
static const struct query Q_ADD = {
	"INSERT INTO reversal (entry_id, reversal_id, once_key, reason) VALUES (?, ?, ?, ?)", NULL
};
static const struct query Q_REFUNDED = {
	"SELECT id FROM refund WHERE account_id = ? AND state <> 'failed' AND created_at >= ?"
	" LIMIT 1",
	&id_shape
};

static const struct query Q_OWN_SALE = {
	"SELECT s.id FROM sale s JOIN shift h ON h.id = s.shift_id WHERE s.entry_id = ?"
	" AND h.user_id = ? AND h.open_key IS NOT NULL",
	&id_shape
};

struct reversing {
	const struct reversal_new *n;
	bool approved;
	struct utc now;
	struct problem *why;
	struct booked out;
	struct ledger_entry entry;
	struct posting mirror[POSTINGS_MAX];
	size_t mirror_n;
};

/* ERR_NOT_FOUND: not reversed yet. */
static enum err reversed_before(struct db *db, struct reversing *r)
{
	struct before_row before;
	enum err e = db_one(db, &Q_BEFORE, ARGS(arg_i64(r->n->entry_id)), &before);

	if (e != ERR_OK)
		return e;
	if (!str_eq(before.once_key, r->n->once_key))
		return problem_set(r->why, ERR_ALREADY, "id", "it was reversed by entry %" PRId64,
			before.reversal_id);
	if (!str_eq(before.reason, r->n->reason))
		return problem_set(r->why, ERR_IDEMPOTENCY, "Idempotency-Key",
			"this key was used for another request");
	r->out.entry_id = before.reversal_id;
	return ERR_OK;
}

/* The amount in whole fen, upwards. */
static int64_t amount_fen(const struct reversing *r)
{
	return r->entry.amount.nano / NANO_PER_FEN + (r->entry.amount.nano % NANO_PER_FEN > 0);
}

static enum err needs_second(struct db *db, const struct reversing *r, bool *out)
{
	enum setting s =
		r->n->own_sales_only ? SETTING_DESK_REVERSAL_LIMIT_FEN : SETTING_REVERSAL_LIMIT_FEN;
	int64_t limit = 0;
	enum err e = setting_get(db, r->entry.site_id, s, &limit);

	if (e == ERR_OK)
		*out = !r->approved && amount_fen(r) > limit;
	return e;
}

static enum err ask(struct db *db, struct reversing *r)
{
	AUTO(json_free)
	json_t *params = json_pack("{s:I, s:I, s:s}", "entry_id", (json_int_t)r->n->entry_id,
		"amount_fen", (json_int_t)amount_fen(r), "reason", r->n->reason);
	char object[32];

	snprintf(object, sizeof(object), "entry:%" PRId64, r->n->entry_id);
	return approval_ask(db,
		&(struct approval_new){ .kind = "reversal",
			.site_id = r->entry.site_id,
			.object = object,
			.params = params,
			.reason = r->n->reason,
			.user_id = r->n->user_id,
			.once_key = r->n->once_key },
		r->now, &r->out.approval_id, r->why);
}

/* The drawer that the cash comes from; its shift stays locked. */
static enum err drawer_of(struct db *db, const struct reversing *r, const char *code, int64_t *id)
{
	struct shift shift;
	char open[32];
	int64_t own = 0;
	enum err e = shift_lock(db, r->n->user_id, &shift);

	if (e == ERR_SHIFT_CLOSED &&
		i64_parse(code + sizeof("drawer"), 1, INT64_MAX, &own) == ERR_OK)
		e = shift_lock_id(db, own, &shift);
	if (e == ERR_SHIFT_CLOSED)
		return problem_set(
			r->why, e, "", "cash comes from an open drawer: open a shift first");
	if (e != ERR_OK)
		return e;
	snprintf(open, sizeof(open), "drawer:%" PRId64, shift.id);
	return account_company(db, open, id);
}

static enum err mirror_make(struct db *db, struct reversing *r)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = ledger_postings(db, r->n->entry_id, &rows);
	const struct ledger_posting *p = rows.at;

	if (e == ERR_OK && rows.n > POSTINGS_MAX)
		e = ERR_INTERNAL;
	r->mirror_n = 0;
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		struct posting *m = &r->mirror[r->mirror_n++];

		m->account_id = p[i].account_id;
		m->purse = str_eq(p[i].kind, "purse");
		e = money_sub((struct money){ 0 }, p[i].amount, &m->amount);
		if (e == ERR_OK && str_eq(p[i].kind, "drawer"))
			e = drawer_of(db, r, p[i].code, &m->account_id);
	}
	return e;
}

static int by_account(const void *a, const void *b)
{
	const struct posting *x = a, *y = b;

	return (x->account_id > y->account_id) - (x->account_id < y->account_id);
}

/* What was paid out since cannot be taken back as well. */
static enum err may_move(struct db *db, const struct reversing *r, const struct posting *p)
{
	struct money left;
	struct id_row refund;
	struct account a;
	enum err e = account_lock(db, p->account_id, &a);

	if (e == ERR_OK && a.closed)
		return problem_set(r->why, ERR_CONFLICT, "id", "the account is closed");
	if (e == ERR_OK)
		e = money_add(a.balance, p->amount, &left);
	if (e != ERR_OK || left.nano >= 0)
		return e;
	e = db_one(db, &Q_REFUNDED, ARGS(arg_i64(p->account_id), arg_utc(r->entry.created_at)),
		&refund);
	if (e == ERR_NOT_FOUND)
		return ERR_OK;
	return e == ERR_OK ? problem_set(r->why, ERR_CONFLICT, "id",
				     "the money was refunded since, by refund %" PRId64, refund.id)
			   : e;
}

/* Purses in ascending order, as whoever moves money locks them. */
static enum err purses_check(struct db *db, const struct reversing *r)
{
	struct posting sorted[POSTINGS_MAX];
	enum err e = ERR_OK;

	for (size_t i = 0; i < r->mirror_n; i++)
		sorted[i] = r->mirror[i];
	qsort(sorted, r->mirror_n, sizeof(*sorted), by_account);
	for (size_t i = 0; e == ERR_OK && i < r->mirror_n; i++)
		if (sorted[i].purse)
			e = may_move(db, r, &sorted[i]);
	return e;
}

static enum err post(struct db *db, struct reversing *r)
{
	char once[64], reference[32];
	struct day today;
	enum err e = site_today(db, r->entry.site_id, r->now, &today);

	snprintf(once, sizeof(once), "reversal:%" PRId64, r->n->entry_id);
	snprintf(reference, sizeof(reference), "entry:%" PRId64, r->n->entry_id);
	if (e != ERR_OK)
		return e;
	return entry_post(db,
		&(struct entry){ .kind = "reversal",
			.once_key = once,
			.reference = reference,
			.actor = r->n->actor,
			.memo = r->n->reason,
			.site_id = r->entry.site_id,
			.book_day = today,
			.at = r->now,
			.undoes = r->entry.kind },
		r->mirror, r->mirror_n, &r->out.entry_id);
}

static enum err follow(struct db *db, const struct reversing *r)
{
	struct audit audit = { r->n->actor, r->n->address, "entry.reverse", "entry", r->n->entry_id,
		NULL };
	enum err e = db_exec(db, &Q_ADD,
		ARGS(arg_i64(r->n->entry_id), arg_i64(r->out.entry_id), arg_text(r->n->once_key),
			arg_text(r->n->reason)),
		NULL);

	for (size_t i = 0; e == ERR_OK && i < r->mirror_n; i++)
		if (r->mirror[i].purse)
			e = account_changed(db, r->mirror[i].account_id, r->now);
	return e == ERR_OK ? audit_add(db, &audit,
				     json_pack("{s:I}", "reversal", (json_int_t)r->out.entry_id),
				     r->now)
			   : e;
}

/* Whoever only sells may take back what the own open drawer took. */
static enum err may_reverse(struct db *db, const struct reversing *r)
{
	struct id_row sale;
	enum err e;

	if (!r->n->own_sales_only)
		return ERR_OK;
	e = db_one(db, &Q_OWN_SALE, ARGS(arg_i64(r->n->entry_id), arg_i64(r->n->user_id)), &sale);
	return e == ERR_NOT_FOUND
		       ? problem_set(r->why, ERR_FORBIDDEN, "id",
				 "the desk undoes sales of its own open shift only; ask finance")
		       : e;
}

static enum err reverse_tx(struct db *db, void *ctx)
{
	struct reversing *r = ctx;
	const struct entry_kind *kind;
	bool second = false;
	enum err e = ledger_get(db, r->n->site_id, r->n->entry_id, &r->entry);

	r->out = (struct booked){ 0 };
	if (e != ERR_OK)
		return e;
	e = reversed_before(db, r);
	if (e != ERR_NOT_FOUND)
		return e;
	kind = entry_kind_find(r->entry.kind);
	if (!kind || !kind->reversible)
		return problem_set(r->why, ERR_CONFLICT, "id",
			"an entry of the kind %s is not reversed", r->entry.kind);
	e = may_reverse(db, r);
	if (e == ERR_OK)
		e = needs_second(db, r, &second);
	if (e == ERR_OK && second)
		return ask(db, r);
	if (e == ERR_OK)
		e = mirror_make(db, r);
	if (e == ERR_OK)
		e = purses_check(db, r);
	if (e == ERR_OK)
		e = post(db, r);
	if (e == ERR_ALREADY)
		return reversed_before(db, r);
	return e == ERR_OK ? follow(db, r) : e;
}

enum err reversal_create(struct db *db, const struct reversal_new *n, struct utc now,
	struct booked *out, struct problem *why)
{
	struct reversing r = { .n = n, .now = now, .why = why };
	enum err e = db_tx(db, reverse_tx, &r);

	if (e != ERR_OK)
		return e;
	log_info("entry=%" PRId64 " reversed_by=%" PRId64 " approval=%" PRId64, n->entry_id,
		r.out.entry_id, r.out.approval_id);
	*out = r.out;
	return ERR_OK;
}

enum err reversal_approved(struct db *db, const struct approval *a, const json_t *params,
	const char *actor, struct utc now, struct problem *why)
{
	char once[32], asker[32];
	struct reversal_new n = { .entry_id =
					  json_integer_value(json_object_get(params, "entry_id")),
		.site_id = a->site_id,
		.user_id = a->asked_by,
		.actor = asker,
		.address = "",
		.reason = a->reason,
		.once_key = once };
	struct reversing r = { .n = &n, .approved = true, .now = now, .why = why };

	(void)actor; /* stands in the approval */
	snprintf(once, sizeof(once), "approval:%" PRId64, a->id);
	snprintf(asker, sizeof(asker), "user:%" PRId64, a->asked_by);
	return reverse_tx(db, &r);
}
