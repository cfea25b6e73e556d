/* What becomes of a request for an invoice. */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "domain/account.h"
#include "domain/invoice_inside.h"
#include "domain/notice.h"

static const struct query Q_LOOK = { "UPDATE invoice SET amount_fen = ? WHERE id = ?", NULL };
static const struct query Q_LOOK_ORDER = {
	"UPDATE invoice_order l JOIN pay_order o ON o.id = l.order_id SET l.amount_fen ="
	" o.amount_fen - " ORDER_REFUNDED " WHERE l.invoice_id = ?",
	NULL
};
static const struct query Q_ISSUED = {
	"UPDATE invoice SET state = 'issued', number = ?, date = ?, url = ?, decided_at = ?,"
	" decided_by = ? WHERE id = ?",
	NULL
};
static const struct query Q_ENDED = {
	"UPDATE invoice SET state = ?, reason = ?, decided_at = ?, decided_by = ? WHERE id = ?",
	NULL
};
static const struct query Q_VOIDED = {
	"UPDATE invoice SET state = 'voided', reason = ?, red_number = ?, voided_at = ?,"
	" voided_by = ? WHERE id = ?",
	NULL
};
static const struct query Q_FREE = {
	"UPDATE invoice_order SET live_order = NULL WHERE invoice_id = ?", NULL
};

struct acting {
	const struct invoice_act *a;
	int64_t user_id; /* of a tenant; 0: staff */
	const struct invoice_issued *issued;
	const char *reason, *red_number;
	struct problem *why;
	struct account account; /* locked */
	struct invoice i;
	bool looked; /* the amount was another: nothing is issued, also when this runs again */
};

static enum err find(struct db *db, struct acting *g)
{
	return g->user_id ? invoice_get_own(db, g->user_id, g->a->id, &g->i)
			  : invoice_get(db, g->a->site_id, g->a->id, &g->i);
}

/* The request as it stands under the lock of its account. */
static enum err lock(struct db *db, struct acting *g)
{
	enum err e = find(db, g);

	if (e == ERR_OK)
		e = account_lock(db, g->i.account_id, &g->account);
	return e == ERR_OK ? find(db, g) : e;
}

static enum err done(struct db *db, struct acting *g, const char *action, json_t *detail)
{
	enum err e = invoice_get(db, 0, g->a->id, &g->i);

	if (e == ERR_OK)
		return invoice_audit(db, g->a, action, &g->i, detail);
	json_decref(detail);
	return e;
}

static enum err act(
	struct db *db, struct acting *g, enum err (*tx)(struct db *, void *), struct invoice *out)
{
	enum err e = db_tx(db, tx, g);

	if (e != ERR_OK)
		return e;
	*out = g->i;
	log_info("invoice=%" PRId64 " state=%s amount_fen=%" PRId64, out->id, out->state,
		out->amount_fen);
	return ERR_OK;
}

/* ---- withdrawn and refused: its recharges are free again ---- */

static enum err end(struct db *db, struct acting *g, const char *state, const char *action)
{
	enum err e = lock(db, g);

	if (e != ERR_OK)
		return e;
	if (str_eq(g->i.state, state) && str_eq(g->i.reason, g->reason))
		return ERR_ALREADY;
	if (!str_eq(g->i.state, "asked"))
		return problem_set(
			g->why, ERR_CONFLICT, "id", "this request is %s already", g->i.state);
	e = db_exec(db, &Q_ENDED,
		ARGS(arg_text(state), arg_text(g->reason), arg_utc(g->a->now),
			arg_text(g->a->actor), arg_i64(g->a->id)),
		NULL);
	if (e == ERR_OK)
		e = db_exec(db, &Q_FREE, ARGS(arg_i64(g->a->id)), NULL);
	return e == ERR_OK ? done(db, g, action,
				     g->reason[0] ? json_pack("{s:s}", "reason", g->reason)
						  : json_object())
			   : e;
}

static enum err withdraw_tx(struct db *db, void *ctx)
{
	enum err e = end(db, ctx, "withdrawn", "invoice.withdraw");

	return e == ERR_ALREADY ? ERR_OK : e;
}

enum err invoice_withdraw(struct db *db, const struct invoice_act *a, int64_t user_id,
	struct invoice *out, struct problem *why)
{
	struct acting g = { .a = a, .user_id = user_id, .reason = "", .why = why };

	return act(db, &g, withdraw_tx, out);
}

static enum err refuse_tx(struct db *db, void *ctx)
{
	struct acting *g = ctx;
	enum err e = end(db, g, "refused", "invoice.refuse");

	if (e == ERR_OK)
		return notice_add(db, &g->account, "invoice_refused", g->i.amount_fen, g->a->now);
	return e == ERR_ALREADY ? ERR_OK : e;
}

enum err invoice_refuse(struct db *db, const struct invoice_act *a, const char *reason,
	struct invoice *out, struct problem *why)
{
	struct acting g = { .a = a, .reason = reason, .why = why };

	return act(db, &g, refuse_tx, out);
}

/* ---- issued ---- */

static bool same_issued(const struct invoice *i, const struct invoice_issued *n)
{
	char date[DAY_TEXT_MAX];

	day_text(n->date, date);
	return str_eq(i->state, "issued") && str_eq(i->number, n->number) &&
	       str_eq(i->date, date) && str_eq(i->url, n->url);
}

static enum err date_check(const struct acting *g)
{
	struct day today;
	enum err e = account_book_day(&g->account, g->a->now, &today);

	return e == ERR_OK && g->issued->date.days > today.days
		       ? problem_set(g->why, ERR_OUT_OF_RANGE, "date", "this day is to come")
		       : e;
}

/* The request says what is left from now on; nothing is issued. */
static enum err look_again(struct db *db, struct acting *g)
{
	int64_t was = g->i.amount_fen;
	enum err e = db_exec(db, &Q_LOOK, ARGS(arg_i64(g->i.left_fen), arg_i64(g->a->id)), NULL);

	g->looked = true;
	if (e == ERR_OK)
		e = db_exec(db, &Q_LOOK_ORDER, ARGS(arg_i64(g->a->id)), NULL);
	return e == ERR_OK
		       ? done(db, g, "invoice.look", json_pack("{s:I}", "was_fen", (json_int_t)was))
		       : e;
}

static enum err issue(struct db *db, struct acting *g)
{
	const struct invoice_issued *n = g->issued;
	char date[DAY_TEXT_MAX];
	enum err e;

	day_text(n->date, date);
	e = db_exec(db, &Q_ISSUED,
		ARGS(arg_text(n->number), arg_text(date), arg_text(n->url), arg_utc(g->a->now),
			arg_text(g->a->actor), arg_i64(g->a->id)),
		NULL);
	if (e == ERR_ALREADY)
		return problem_set(g->why, e, "number", "another request has this number");
	if (e == ERR_OK)
		e = done(db, g, "invoice.issue", json_pack("{s:s}", "number", n->number));
	return e == ERR_OK
		       ? notice_add(db, &g->account, "invoice_issued", g->i.amount_fen, g->a->now)
		       : e;
}

static enum err issue_tx(struct db *db, void *ctx)
{
	struct acting *g = ctx;
	const struct invoice_issued *n = g->issued;
	enum err e = lock(db, g);

	if (e != ERR_OK || same_issued(&g->i, n))
		return e;
	if (!str_eq(g->i.state, "asked"))
		return problem_set(
			g->why, ERR_CONFLICT, "id", "this request is %s already", g->i.state);
	e = date_check(g);
	if (e != ERR_OK)
		return e;
	if (g->i.changed || g->looked)
		return g->i.changed ? look_again(db, g) : ERR_OK;
	if (n->amount_fen && n->amount_fen != g->i.amount_fen)
		return problem_set(g->why, ERR_CONFLICT, "amount_fen",
			"%" PRId64 " fen are to be invoiced", g->i.amount_fen);
	if (g->i.amount_fen < 1)
		return problem_set(
			g->why, ERR_CONFLICT, "id", "all of it was refunded: refuse this request");
	return issue(db, g);
}

enum err invoice_issue(struct db *db, const struct invoice_act *a, const struct invoice_issued *i,
	struct invoice *out, struct problem *why)
{
	struct acting g = { .a = a, .issued = i, .why = why };
	enum err e = act(db, &g, issue_tx, out);

	return e == ERR_OK && g.looked
		       ? problem_set(why, ERR_CONFLICT, "amount_fen",
				 "something was refunded since: %" PRId64
				 " fen are left to invoice, as the request says now",
				 out->amount_fen)
		       : e;
}

/* ---- voided ---- */

static enum err void_tx(struct db *db, void *ctx)
{
	struct acting *g = ctx;
	enum err e = lock(db, g);

	if (e != ERR_OK)
		return e;
	if (str_eq(g->i.state, "voided") && str_eq(g->i.red_number, g->red_number))
		return ERR_OK;
	if (!str_eq(g->i.state, "issued"))
		return problem_set(g->why, ERR_CONFLICT, "id",
			"only what was issued is voided; this request is %s", g->i.state);
	e = db_exec(db, &Q_VOIDED,
		ARGS(arg_text(g->reason), arg_text(g->red_number), arg_utc(g->a->now),
			arg_text(g->a->actor), arg_i64(g->a->id)),
		NULL);
	if (e == ERR_ALREADY)
		return problem_set(g->why, e, "red_number", "another request has this number");
	if (e == ERR_OK)
		e = db_exec(db, &Q_FREE, ARGS(arg_i64(g->a->id)), NULL);
	return e == ERR_OK ? done(db, g, "invoice.void",
				     json_pack("{s:s, s:s}", "reason", g->reason, "red_number",
					     g->red_number))
			   : e;
}

enum err invoice_void(struct db *db, const struct invoice_act *a, const char *reason,
	const char *red_number, struct invoice *out, struct problem *why)
{
	struct acting g = { .a = a, .reason = reason, .red_number = red_number, .why = why };

	return act(db, &g, void_tx, out);
}
