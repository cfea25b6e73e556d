/* What a service keeps for itself, and what it pays out: so that clearing shows what it owes. */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "domain/audit.h"
#include "domain/bookday.h"
#include "domain/entry.h"
#include "domain/ledger.h"
#include "domain/reconciliation_inside.h"

static enum err clearing_code(struct db *db, const char *service, int64_t *id)
{
	char code[80];

	snprintf(code, sizeof(code), "clearing:%s", service);
	return account_company(db, code, id);
}

/* to <- clearing, on the day of the company's first site. */
static enum err clearing_post(
	struct db *db, const char *service, const char *to, struct money amount, struct entry *en)
{
	struct posting p[2] = { { .amount = { -amount.nano } }, { .amount = amount } };
	int64_t entry_id = 0;
	enum err e = company_site(db, &en->site_id);

	if (e == ERR_OK)
		e = site_today(db, en->site_id, en->at, &en->book_day);
	if (e == ERR_OK)
		e = account_company(db, to, &p[0].account_id);
	if (e == ERR_OK)
		e = clearing_code(db, service, &p[1].account_id);
	return e == ERR_OK ? entry_post(db, en, p, 2, &entry_id) : e;
}

/* ---- fees ---- */

static const struct query Q_OWED_FEES = {
	"SELECT id FROM reconciliation WHERE service = ? AND state IN ('ties', 'resolved') AND"
	" fee_nano <> fee_booked_nano ORDER BY id LIMIT 100",
	&id_shape
};
static const struct query Q_FEE_BOOKED = {
	"UPDATE reconciliation SET fee_booked_nano = fee_booked_nano + ? WHERE id = ?", NULL
};

struct fee_work {
	int64_t id;
	struct utc now;
};

static enum err fee_post(
	struct db *db, const struct reconciliation *r, struct money fee, struct utc now)
{
	char once[96], reference[48];
	struct entry en = { .kind = "channel_fee",
		.once_key = once,
		.reference = reference,
		.actor = "worker",
		.memo = r->day,
		.at = now };

	if (r->revision > 1)
		snprintf(once, sizeof(once), "fee:%.16s:%s:%" PRId64, r->service, r->day,
			r->revision);
	else
		snprintf(once, sizeof(once), "fee:%.16s:%s", r->service, r->day);
	snprintf(reference, sizeof(reference), "reconciliation:%" PRId64, r->id);
	return clearing_post(db, r->service, "channel_fee", fee, &en);
}

static enum err fee_tx(struct db *db, void *ctx)
{
	const struct fee_work *w = ctx;
	struct reconciliation r;
	struct money fee = { 0 };
	enum err e = reconciliation_lock(db, w->id, &r);

	if (e == ERR_OK)
		e = money_sub(r.fee, r.fee_booked, &fee);
	if (e != ERR_OK || !fee.nano || !(str_eq(r.state, "ties") || str_eq(r.state, "resolved")))
		return e;
	e = fee_post(db, &r, fee, w->now);
	return e == ERR_OK ? db_exec(db, &Q_FEE_BOOKED, ARGS(arg_money(fee), arg_i64(r.id)), NULL)
			   : e;
}

enum err reconciliation_fees(struct db *db, const char *service, struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(db, &Q_OWED_FEES, ARGS(arg_text(service)), &rows);
	const struct id_row *id = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		struct fee_work w = { id[i].id, now };

		e = db_tx(db, fee_tx, &w);
	}
	return e;
}

/* ---- payouts ---- */

#define F(member) FIELD(struct service_payout, member)
SHAPE(payout_shape, struct service_payout, F(id), F(service), F(amount_fen), F(document), F(reason),
	F(actor), F(created_at), F(entry_id));
#undef F
#define PAYOUTS                                                                                    \
	"SELECT id, service, amount_fen, document, reason, actor, created_at, entry_id FROM"       \
	" service_payout WHERE "
static const struct query Q_BY_KEY = { PAYOUTS "once_key = ?", &payout_shape };
static const struct query Q_BY_DOCUMENT = { PAYOUTS "service = ? AND document = ?", &payout_shape };
const struct listing service_payout_listing = {
	.all = { PAYOUTS "1", &payout_shape },
	.sorts = { { "id", "id" }, { "at", "created_at", "created_at" },
		{ "amount_fen", "amount_fen" } },
	.order = "-id",
	.filters = { { "service", FILTER_TEXT, "service = ?" },
		{ "document", FILTER_TEXT, "document = ?" },
		{ "from", FILTER_FROM, "created_at >= ?" }, { "to", FILTER_TO, "created_at < ?" } },
};
static const struct query Q_ADD = {
	"INSERT INTO service_payout (service, amount_fen, document, reason, actor, created_at,"
	" once_key, entry_id) SELECT ?, ?, ?, ?, ?, ?, ?, id FROM entry WHERE once_key = ?",
	NULL
};

struct paying {
	const struct payout_new *n;
	struct utc now;
	struct problem *why;
	struct service_payout out;
};

/* ERR_NOT_FOUND: the key was not used yet. */
static enum err paid_before(struct db *db, struct paying *p)
{
	const struct payout_new *n = p->n;
	enum err e = db_one(db, &Q_BY_KEY, ARGS(arg_text(n->once_key)), &p->out);

	if (e != ERR_OK)
		return e;
	if (!str_eq(p->out.service, n->service) || p->out.amount_fen != n->amount_fen ||
		!str_eq(p->out.document, n->document) || !str_eq(p->out.reason, n->reason))
		return problem_set(p->why, ERR_IDEMPOTENCY, "Idempotency-Key",
			"this key was used for another request");
	return ERR_OK;
}

static enum err payout_check(struct db *db, const struct paying *p, struct money *amount)
{
	const struct payout_new *n = p->n;
	struct service_payout same;
	struct money held;
	char code[80];
	enum err e = db_one(
		db, &Q_BY_DOCUMENT, ARGS(arg_text(n->service), arg_text(n->document)), &same);

	if (e == ERR_OK)
		return problem_set(p->why, ERR_CONFLICT, "document",
			"it was booked as payout %" PRId64, same.id);
	if (e != ERR_NOT_FOUND)
		return e;
	if (n->amount_fen < 1)
		return problem_set(p->why, ERR_AMOUNT_SMALL, "amount_fen", "at least 1 fen");
	if (money_from_fen(n->amount_fen, amount) != ERR_OK)
		return problem_set(p->why, ERR_AMOUNT_LARGE, "amount_fen", "too much");
	snprintf(code, sizeof(code), "clearing:%s", n->service);
	e = ledger_sum(db, code, &held);
	if (e == ERR_OK && amount->nano > -held.nano)
		return problem_set(p->why, ERR_AMOUNT_LARGE, "amount_fen",
			"by the books the service owes %" PRId64 " fen: resolve its bills first",
			-held.nano / NANO_PER_FEN);
	return e;
}

static enum err payout_write(struct db *db, struct paying *p, struct money amount)
{
	const struct payout_new *n = p->n;
	struct entry en = { .kind = "service_payout",
		.once_key = n->once_key,
		.reference = n->document,
		.actor = n->actor,
		.memo = n->reason,
		.at = p->now };
	enum err e = clearing_post(db, n->service, "bank", amount, &en);

	if (e != ERR_OK)
		return e;
	e = db_exec(db, &Q_ADD,
		ARGS(arg_text(n->service), arg_i64(n->amount_fen), arg_text(n->document),
			arg_text(n->reason), arg_text(n->actor), arg_utc(p->now),
			arg_text(n->once_key), arg_text(n->once_key)),
		NULL);
	if (e == ERR_ALREADY)
		return problem_set(p->why, ERR_CONFLICT, "document", "it was booked before");
	if (e == ERR_OK)
		e = db_one(db, &Q_BY_KEY, ARGS(arg_text(n->once_key)), &p->out);
	return e == ERR_OK ? audit_add(db,
				     &(struct audit){ n->actor, n->address, "service_payout.create",
					     "service_payout", p->out.id, NULL },
				     json_pack("{s:s, s:I}", "service", n->service, "amount_fen",
					     (json_int_t)n->amount_fen),
				     p->now)
			   : e;
}

static enum err payout_tx(struct db *db, void *ctx)
{
	struct paying *p = ctx;
	struct money amount = { 0 };
	enum err e = paid_before(db, p);

	if (e != ERR_NOT_FOUND)
		return e;
	e = payout_check(db, p, &amount);
	if (e == ERR_OK)
		e = payout_write(db, p, amount);
	return e == ERR_ALREADY ? paid_before(db, p) : e;
}

enum err service_payout_book(struct db *db, const struct payout_new *n, struct utc now,
	struct service_payout *out, struct problem *why)
{
	struct paying p = { .n = n, .now = now, .why = why };
	enum err e = db_tx(db, payout_tx, &p);

	if (e == ERR_OK) {
		*out = p.out;
		log_info("payout=%" PRId64 " service=%s amount_fen=%" PRId64, p.out.id, n->service,
			n->amount_fen);
	}
	return e;
}

/* ---- what is owed ---- */

struct owes_row {
	char last_day[DAY_TEXT_MAX];
	int64_t waiting;
	int64_t unresolved;
};
SHAPE(owes_shape, struct owes_row, FIELD(struct owes_row, last_day),
	FIELD(struct owes_row, waiting), FIELD(struct owes_row, unresolved));
static const struct query Q_OWES = {
	"SELECT COALESCE(CAST(MAX(IF(revision > 0, day, NULL)) AS CHAR), '') AS last_day,"
	" CAST(COALESCE(SUM(revision = 0), 0) AS SIGNED) AS waiting,"
	" CAST(COALESCE(SUM(unresolved), 0) AS SIGNED) AS unresolved"
	" FROM reconciliation WHERE service = ?",
	&owes_shape
};

enum err service_owes_get(struct db *db, const char *service, struct service_owes *out)
{
	struct owes_row row;
	struct money held;
	char code[80];
	enum err e = db_one(db, &Q_OWES, ARGS(arg_text(service)), &row);

	snprintf(code, sizeof(code), "clearing:%s", service);
	if (e == ERR_OK)
		e = ledger_sum(db, code, &held);
	if (e == ERR_OK)
		e = money_sub((struct money){ 0 }, held, &out->owed);
	if (e != ERR_OK)
		return e;
	(void)!str_copy(out->service, sizeof(out->service), service);
	(void)!str_copy(out->last_day, sizeof(out->last_day), row.last_day);
	out->waiting = row.waiting;
	out->unresolved = row.unresolved;
	return ERR_OK;
}
