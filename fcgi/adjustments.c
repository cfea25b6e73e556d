/* Changes to purses by document, agreed repayment of old debt, free allowances. */
#include "domain/adjust.h"

#include <stdio.h>
#include <string.h>

#include "domain/allowance.h"
#include "domain/audit.h"
#include "domain/debt.h"
#include "fcgi/books.h"
#include "fcgi/handlers.h"

enum err account_adjust(struct request *r, struct answer *a)
{
	char once[ONCE_MAX];
	struct adjust_new n = { .account_id = r->object,
		.to_account_id = body_int(r, "to_account_id", 0),
		.site_id = caller_site(r),
		.user_id = r->user.id,
		.actor = r->actor,
		.address = r->remote,
		.kind = body_text(r, "kind", ""),
		.amount_fen = body_int(r, "amount_fen", 0),
		.document = body_text(r, "document", ""),
		.reason = body_text(r, "reason", ""),
		.once_key = request_once(r, "adjust", once) };
	struct booked done;
	enum err e = adjust_create(r->db, &n, r->now, &done, &a->why);

	if (e == ERR_OK)
		return answer_booked(r, &done, a);
	note_refused(r, &(struct attempt_new){ .kind = "adjustment",
				.account_id = n.account_id,
				.amount_fen = n.amount_fen,
				.why = e,
				.text = a->why.text });
	return e;
}

/* ---- debt ---- */

static enum err answer_debt(struct request *r, struct answer *a)
{
	struct debt d;
	enum err e = debt_get(r->db, caller_site(r), r->object, &d);

	if (e == ERR_OK)
		a->json = json_pack("{s:I, s:o, s:I, s:I}", "contract_id",
			(json_int_t)d.contract_id, "owed", json_money(d.owed), "permille",
			(json_int_t)d.permille, "cap_fen", (json_int_t)d.cap_fen);
	return e;
}

enum err contract_debt(struct request *r, struct answer *a)
{
	return answer_debt(r, a);
}

struct agreeing {
	struct request *r;
	int64_t permille, cap_fen;
	struct problem *why;
};

static enum err agree_tx(struct db *db, void *ctx)
{
	const struct agreeing *g = ctx;
	struct audit audit = { g->r->actor, g->r->remote, "debt.edit", "contract", g->r->object,
		NULL };
	enum err e = debt_agree(db, g->r->object, g->permille, g->cap_fen, g->why);

	return e == ERR_OK ? audit_add(db, &audit,
				     json_pack("{s:I, s:I}", "permille", (json_int_t)g->permille,
					     "cap_fen", (json_int_t)g->cap_fen),
				     g->r->now)
			   : e;
}

enum err contract_debt_put(struct request *r, struct answer *a)
{
	struct agreeing g = { r, body_int(r, "permille", 0), body_int(r, "cap_fen", 0), &a->why };
	struct debt d;
	enum err e = debt_get(r->db, caller_site(r), r->object, &d);

	if (e == ERR_OK)
		e = db_tx(r->db, agree_tx, &g);
	return e == ERR_OK ? answer_debt(r, a) : e;
}

/* ---- allowance ---- */

static enum err answer_allowance(struct request *r, struct answer *a)
{
	char amount[MONEY_TEXT_MAX];
	struct allowance w;
	struct money worth;
	struct debt d;
	enum err e = debt_get(r->db, caller_site(r), r->object, &d); /* of the caller's site? */

	if (e == ERR_OK)
		e = allowance_get(r->db, r->object, &w);
	if (e == ERR_OK)
		e = allowance_worth(&w, &worth);
	if (e != ERR_OK)
		return e;
	snprintf(amount, sizeof(amount), "%lld.%03lld", (long long)(w.amount.milli / 1000),
		(long long)(w.amount.milli % 1000));
	a->json = json_pack("{s:I, s:I, s:s, s:s, s:o, s:o, s:o}", "contract_id",
		(json_int_t)w.contract_id, "account_id", (json_int_t)w.account_id, "unit", w.unit,
		"amount", amount, "price", json_price(w.price), "worth", json_money(worth),
		"last_month", json_text_or_null(w.last_month));
	return ERR_OK;
}

enum err contract_allowance(struct request *r, struct answer *a)
{
	return answer_allowance(r, a);
}

enum err contract_allowance_put(struct request *r, struct answer *a)
{
	char once[ONCE_MAX];
	struct allowance_new n = { .contract_id = r->object,
		.account_id = body_int(r, "account_id", 0),
		.site_id = caller_site(r),
		.unit = body_text(r, "unit", ""),
		.user_id = r->user.id,
		.actor = r->actor,
		.address = r->remote,
		.reason = body_text(r, "reason", ""),
		.once_key = request_once(r, "allowance", once) };
	int64_t approval_id = 0;
	enum err e;

	if (qty_parse(body_text(r, "amount", ""), &n.amount) != ERR_OK)
		return problem_set(
			&a->why, ERR_BAD_VALUE, "amount", "a decimal number is expected");
	if (price_parse(body_text(r, "price", "1"), &n.price) != ERR_OK)
		return problem_set(&a->why, ERR_BAD_VALUE, "price", "a decimal number is expected");
	e = allowance_set(r->db, &n, r->now, &approval_id, &a->why);
	if (e != ERR_OK)
		return e;
	if (!approval_id)
		return answer_allowance(r, a);
	answer_approval(a, approval_id);
	return ERR_OK;
}
