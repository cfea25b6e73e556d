/* Differences, and how a person resolves them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "domain/account.h"
#include "domain/approval.h"
#include "domain/audit.h"
#include "domain/bookday.h"
#include "domain/ledger.h"
#include "domain/order.h"
#include "domain/reconciliation_inside.h"
#include "domain/unmatched.h"

#define POSTINGS_MAX 64

static const struct difference_action *action_find(const char *word)
{
	for (size_t i = 0; i < difference_actions_n; i++)
		if (str_eq(difference_actions[i].word, word))
			return &difference_actions[i];
	return NULL;
}

static const struct query Q_RESOLVED = {
	"UPDATE bill_difference SET state = ?, action = ?, reason = ?, actor = ?, resolved_at = ?,"
	" resolution_id = ? WHERE id = ?",
	NULL
};
static const struct query Q_PAID_AT = {
	"SELECT b.at AS id FROM bill_difference d JOIN bill_row b ON b.id = d.bill_row_id"
	" WHERE d.id = ?",
	&id_shape
};
static const struct query Q_REVERSAL_ADD = {
	"INSERT INTO reversal (entry_id, reversal_id, once_key, reason) VALUES (?, ?, ?, ?)", NULL
};

/* ---- the entries ---- */

struct resolving {
	const struct resolving_new *n;
	bool approved;
	struct utc now;
	struct problem *why;
	const struct difference_action *action;
	struct difference d;
	struct account account; /* of its order; id 0: none */
	int64_t site_id;
	int64_t entry_id;
	int64_t approval_id;
};

/* What the service has more than the books, in fen; refunds count the other way. */
static int64_t surplus_fen(const struct difference *d)
{
	bool refund = difference_is_of_refund(difference_find(d->kind)) || d->out_refund_no[0];
	int64_t more = d->bill_fen - d->book_fen;

	return refund ? -more : more;
}

static enum err entry_add(struct db *db, struct resolving *g, const char *kind, const char *once,
	struct posting *p, size_t n)
{
	char reference[48];
	struct day today;
	enum err e = site_today(db, g->site_id, g->now, &today);

	if (e != ERR_OK)
		return e;
	snprintf(reference, sizeof(reference), "difference:%" PRId64, g->d.id);
	return entry_post(db,
		&(struct entry){ .kind = kind,
			.once_key = once,
			.reference = reference,
			.actor = g->n->actor,
			.memo = str_eq(kind, "suspense") ? g->d.out_trade_no : g->n->reason,
			.site_id = g->site_id,
			.book_day = today,
			.at = g->now },
		p, n, &g->entry_id);
}

static enum err clearing_of(struct db *db, const struct resolving *g, int64_t *id)
{
	char code[80];

	snprintf(code, sizeof(code), "clearing:%s", g->d.service);
	return account_company(db, code, id);
}

/* A payment that is booked nowhere takes the key of its transaction: it can never be credited as
 * well. */
static bool is_unbooked(const struct difference *d)
{
	return (str_eq(d->kind, "missing_here") || str_eq(d->kind, "second")) &&
	       d->transaction_id[0];
}

/* From then on it is one of the payments that are nobody's: finance credits it or pays it back. */
static enum err keep_unbooked(struct db *db, struct resolving *g)
{
	const struct difference *d = &g->d;
	struct id_row paid;
	enum err e = db_one(db, &Q_PAID_AT, ARGS(arg_i64(d->id)), &paid);

	if (e != ERR_OK)
		return e;
	return unmatched_suspended(db,
		&(struct unmatched_new){ .service = d->service,
			.transaction_id = d->transaction_id,
			.out_trade_no = d->out_trade_no,
			.order_id = d->order_id,
			.amount_fen = d->bill_fen,
			.currency = "CNY",
			.paid_at = { paid.id },
			.why = str_eq(d->kind, "second") ? "second_payment"
			       : d->order_id		 ? "amount"
							 : "unknown_order",
			.suspense_entry_id = g->entry_id },
		g->now, g->why);
}

static enum err do_suspense(struct db *db, struct resolving *g)
{
	struct posting p[2] = { 0 };
	char once[128];
	bool unbooked = is_unbooked(&g->d);
	enum err e = money_from_fen(surplus_fen(&g->d), &p[1].amount);

	if (e == ERR_OK)
		e = clearing_of(db, g, &p[0].account_id);
	if (e == ERR_OK)
		e = account_company(db, "suspense", &p[1].account_id);
	if (e != ERR_OK)
		return e;
	p[0].amount.nano = -p[1].amount.nano;
	if (unbooked)
		snprintf(once, sizeof(once), "recharge:%.16s:%.64s", g->d.service,
			g->d.transaction_id);
	else
		snprintf(once, sizeof(once), "difference:%" PRId64, g->d.id);
	e = entry_add(db, g, unbooked ? "suspense" : "bill_adjust", once, p, 2);
	if (e == ERR_ALREADY)
		return problem_set(g->why, ERR_CONFLICT, "id", "it was booked meanwhile");
	return e == ERR_OK && unbooked ? keep_unbooked(db, g) : e;
}

static enum err do_charge(struct db *db, struct resolving *g)
{
	struct posting p[2] = { { .account_id = g->account.id, .purse = true } };
	int64_t fen = g->d.bill_fen - g->d.book_fen;
	char once[48];
	enum err e;

	if (!g->account.id || fen <= 0)
		return problem_set(g->why, ERR_CONFLICT, "action",
			"no purse of ours has what was given back: suspense");
	e = account_lock(db, g->account.id, &g->account);
	if (e == ERR_OK && g->account.closed)
		return problem_set(
			g->why, ERR_CONFLICT, "action", "the account is closed: suspense");
	if (e == ERR_OK)
		e = money_from_fen(-fen, &p[0].amount);
	if (e == ERR_OK)
		e = clearing_of(db, g, &p[1].account_id);
	if (e != ERR_OK)
		return e;
	p[1].amount.nano = -p[0].amount.nano;
	snprintf(once, sizeof(once), "difference:%" PRId64, g->d.id);
	e = entry_add(db, g, "bill_refund", once, p, 2);
	return e == ERR_OK ? account_changed(db, g->account.id, g->now) : e;
}

/* The mirror of what was booked; a purse in it stays locked. */
static enum err mirror_make(
	struct db *db, struct resolving *g, struct posting *mirror, size_t *n, int64_t *purse)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = ledger_postings(db, g->d.entry_id, &rows);
	const struct ledger_posting *p = rows.at;

	*purse = 0;
	*n = rows.n;
	if (e == ERR_OK && (rows.n < 2 || rows.n > POSTINGS_MAX))
		e = ERR_INTERNAL;
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		mirror[i] = (struct posting){ .account_id = p[i].account_id,
			.amount = { -p[i].amount.nano },
			.purse = str_eq(p[i].kind, "purse") };
		if (mirror[i].purse)
			*purse = p[i].account_id;
	}
	if (e == ERR_OK && *purse)
		e = account_lock(db, *purse, &g->account);
	if (e == ERR_OK && *purse && g->account.closed)
		return problem_set(
			g->why, ERR_CONFLICT, "action", "the account is closed: suspense");
	return e;
}

static enum err reversal_post(
	struct db *db, struct resolving *g, const struct posting *mirror, size_t n)
{
	char once[48], reference[48];
	struct ledger_entry booked;
	struct day today;
	enum err e = ledger_get(db, 0, g->d.entry_id, &booked);

	if (e == ERR_OK && booked.reversed_by)
		return problem_set(g->why, ERR_CONFLICT, "id", "it was reversed before");
	if (e == ERR_OK)
		e = site_today(db, booked.site_id, g->now, &today);
	if (e != ERR_OK)
		return e;
	snprintf(once, sizeof(once), "reversal:%" PRId64, g->d.entry_id);
	snprintf(reference, sizeof(reference), "entry:%" PRId64, g->d.entry_id);
	return entry_post(db,
		&(struct entry){ .kind = "reversal",
			.once_key = once,
			.reference = reference,
			.actor = g->n->actor,
			.memo = g->n->reason,
			.site_id = booked.site_id,
			.book_day = today,
			.at = g->now,
			.undoes = booked.kind },
		mirror, n, &g->entry_id);
}

static enum err do_reverse(struct db *db, struct resolving *g)
{
	struct posting mirror[POSTINGS_MAX] = { 0 };
	int64_t purse = 0;
	size_t n = 0;
	char once[48];
	enum err e = mirror_make(db, g, mirror, &n, &purse);

	if (e == ERR_OK)
		e = reversal_post(db, g, mirror, n);
	if (e != ERR_OK)
		return e;
	snprintf(once, sizeof(once), "difference:%" PRId64, g->d.id);
	e = db_exec(db, &Q_REVERSAL_ADD,
		ARGS(arg_i64(g->d.entry_id), arg_i64(g->entry_id), arg_text(once),
			arg_text(g->n->reason)),
		NULL);
	return e == ERR_OK && purse ? account_changed(db, purse, g->now) : e;
}

/* The credit itself was a transaction of its own, before. */
static enum err do_credit(struct db *db, struct resolving *g)
{
	struct ledger_entry booked;
	char once[128];
	enum err e;

	snprintf(once, sizeof(once), "recharge:%.16s:%.64s", g->d.service, g->d.transaction_id);
	e = ledger_find(db, once, &booked);
	if (e == ERR_OK)
		g->entry_id = booked.id;
	return e;
}

static enum err do_nothing(struct db *db, struct resolving *g)
{
	(void)db;
	g->entry_id = 0;
	return ERR_OK;
}

static const struct {
	const char *action;
	enum err (*run)(struct db *, struct resolving *);
} effects[] = {
	{ "credit", do_credit },
	{ "suspense", do_suspense },
	{ "reverse", do_reverse },
	{ "charge", do_charge },
	{ "wait", do_nothing },
	{ "accept", do_nothing },
};

static enum err run_effect(struct db *db, struct resolving *g)
{
	for (size_t i = 0; i < ARRAY_LEN(effects); i++)
		if (str_eq(effects[i].action, g->action->word))
			return effects[i].run(db, g);
	return ERR_INTERNAL;
}

/* ---- the decision ---- */

/* Is it done already? ERR_NOT_FOUND: no. */
static enum err resolved_before(const struct resolving *g)
{
	const struct difference *d = &g->d;

	if (str_eq(d->state, "open"))
		return ERR_NOT_FOUND;
	if (str_eq(d->action, g->action->word) && str_eq(d->reason, g->n->reason) &&
		str_eq(d->actor, g->n->actor))
		return ERR_OK;
	if (str_eq(d->state, "waiting"))
		return ERR_NOT_FOUND;
	return problem_set(g->why, ERR_CONFLICT, "id", "it is resolved: %s", d->action);
}

/* Whose it is, and whose book day takes it. */
static enum err find_owner(struct db *db, struct resolving *g)
{
	struct order o;
	enum err e;

	g->account.id = 0;
	if (!g->d.order_id)
		return company_site(db, &g->site_id);
	e = order_get(db, g->d.order_id, &o);
	if (e == ERR_OK)
		e = account_get(db, o.account_id, &g->account);
	g->site_id = g->account.site_id;
	return e;
}

static enum err ask(struct db *db, struct resolving *g)
{
	AUTO(json_free)
	json_t *params = json_pack("{s:I, s:s, s:I, s:I}", "difference_id", (json_int_t)g->d.id,
		"action", g->action->word, "bill_fen", (json_int_t)g->d.bill_fen, "book_fen",
		(json_int_t)g->d.book_fen);
	char object[48];

	snprintf(object, sizeof(object), "difference:%" PRId64, g->d.id);
	return approval_ask(db,
		&(struct approval_new){ .kind = "reconciliation",
			.site_id = g->site_id,
			.object = object,
			.params = params,
			.reason = g->n->reason,
			.user_id = g->n->user_id,
			.once_key = g->n->once_key },
		g->now, &g->approval_id, g->why);
}

static enum err resolved_write(struct db *db, struct resolving *g)
{
	bool waits = str_eq(g->action->word, "wait");
	enum err e = db_exec(db, &Q_RESOLVED,
		ARGS(arg_text(waits ? "waiting" : "resolved"), arg_text(g->action->word),
			arg_text(g->n->reason), arg_text(g->n->actor),
			arg_i64(waits ? 0 : g->now.ms), arg_id(g->entry_id), arg_i64(g->d.id)),
		NULL);

	if (e == ERR_OK)
		e = audit_add(db,
			&(struct audit){ g->n->actor, g->n->address, "reconciliation.resolve",
				"difference", g->d.id, NULL },
			json_pack("{s:s, s:I}", "action", g->action->word, "entry",
				(json_int_t)g->entry_id),
			g->now);
	if (e == ERR_OK)
		e = reconciliation_count(db, g->d.reconciliation_id, g->now);
	return e == ERR_OK ? difference_get(db, g->d.id, &g->d) : e;
}

/* The bill's row is locked before what hangs on it. */
static enum err lock(struct db *db, struct resolving *g)
{
	struct reconciliation r;
	enum err e = difference_get(db, g->n->difference_id, &g->d);

	if (e == ERR_OK)
		e = reconciliation_lock(db, g->d.reconciliation_id, &r);
	return e == ERR_OK ? difference_get(db, g->n->difference_id, &g->d) : e;
}

static enum err fits(const struct resolving *g)
{
	if (!difference_takes(g->d.kind, g->action))
		return problem_set(g->why, ERR_CONFLICT, "action", "%s does not resolve what is %s",
			g->action->word, g->d.kind);
	return ERR_OK;
}

static enum err resolve_tx(struct db *db, void *ctx)
{
	struct resolving *g = ctx;
	enum err e = lock(db, g);

	g->approval_id = 0;
	if (e != ERR_OK)
		return e;
	e = resolved_before(g);
	if (e != ERR_NOT_FOUND)
		return e;
	e = fits(g);
	if (e == ERR_OK)
		e = find_owner(db, g);
	if (e != ERR_OK)
		return e;
	if (g->action->second_person && !g->approved)
		return ask(db, g);
	e = run_effect(db, g);
	return e == ERR_OK ? resolved_write(db, g) : e;
}

/* By the same function as any notify, so that nothing is credited twice, and all follows. */
static enum err credit(struct db *db, struct resolving *g)
{
	enum credit_outcome outcome;
	struct id_row paid;
	struct order o;
	enum err e = difference_get(db, g->n->difference_id, &g->d);

	if (e == ERR_OK && !str_eq(g->d.state, "open"))
		return ERR_OK; /* said below */
	if (e == ERR_OK)
		e = fits(g);
	if (e == ERR_OK && !g->d.order_id)
		return problem_set(
			g->why, ERR_CONFLICT, "action", "the order is not known here: suspense");
	if (e == ERR_OK)
		e = order_get(db, g->d.order_id, &o);
	if (e == ERR_OK && o.amount_fen != g->d.bill_fen)
		return problem_set(
			g->why, ERR_CONFLICT, "action", "the order is of another amount: suspense");
	if (e == ERR_OK)
		e = db_one(db, &Q_PAID_AT, ARGS(arg_i64(g->d.id)), &paid);
	if (e != ERR_OK)
		return e;
	return order_credit(db,
		&(struct payment){ g->d.service, o.out_trade_no, g->d.transaction_id, g->d.bill_fen,
			"CNY", { paid.id } },
		"bill", g->now, &outcome);
}

enum err difference_resolve(struct db *db, const struct resolving_new *n, struct utc now,
	struct difference *out, int64_t *approval_id, struct problem *why)
{
	struct resolving g = { .n = n, .now = now, .why = why, .action = action_find(n->action) };
	enum err e = ERR_OK;

	if (!g.action)
		return problem_set(why, ERR_BAD_VALUE, "action", "there is no such action");
	if (str_eq(n->action, "credit"))
		e = credit(db, &g);
	if (e == ERR_OK)
		e = db_tx(db, resolve_tx, &g);
	if (e != ERR_OK)
		return e;
	log_info("difference=%" PRId64 " kind=%s action=%s entry=%" PRId64 " approval=%" PRId64,
		g.d.id, g.d.kind, n->action, g.entry_id, g.approval_id);
	*out = g.d;
	*approval_id = g.approval_id;
	return ERR_OK;
}

enum err difference_approved(struct db *db, const struct approval *a, const json_t *params,
	const char *actor, struct utc now, struct problem *why)
{
	char asker[32];
	struct resolving_new n = { .difference_id = json_integer_value(
					   json_object_get(params, "difference_id")),
		.action = json_string_value(json_object_get(params, "action")),
		.reason = a->reason,
		.user_id = a->asked_by,
		.actor = asker,
		.address = "",
		.once_key = "" };
	struct resolving g = { .n = &n, .approved = true, .now = now, .why = why };

	(void)actor; /* stands in the approval */
	snprintf(asker, sizeof(asker), "user:%" PRId64, a->asked_by);
	g.action = action_find(n.action);
	return g.action ? resolve_tx(db, &g) : ERR_INTERNAL;
}
