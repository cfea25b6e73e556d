/* Payments that are nobody's, and what finance makes of them. */
#include "domain/unmatched.h"

#include "fcgi/books.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"

static json_t *unmatched_json(const void *row)
{
	const struct unmatched *u = row;

	return json_pack("{s:I, s:s, s:s, s:s, s:o, s:o, s:I, s:s, s:s, s:o, s:o, s:s, s:b, s:o,"
			 " s:o, s:o, s:o, s:o, s:o}",
		"id", (json_int_t)u->id, "service", u->service, "transaction_id", u->transaction_id,
		"out_trade_no", u->out_trade_no, "order_id", id_or_null(u->order_id), "site_id",
		id_or_null(u->site_id), "amount_fen", (json_int_t)u->amount_fen, "currency",
		u->currency, "why", u->why, "paid_at", json_utc(u->paid_at), "seen_at",
		json_utc(u->seen_at), "state", u->state, "in_suspense",
		u->suspense_entry_id && str_eq(u->state, "open") ? 1 : 0, "account_id",
		id_or_null(u->account_id), "entry_id", id_or_null(u->entry_id), "refund_id",
		id_or_null(u->refund_id), "resolved_at", json_utc(u->resolved_at), "resolved_by",
		json_text_or_null(u->resolved_by), "note", json_text_or_null(u->note));
}

enum err unmatched_payments(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_i64(caller_site(r))), unmatched_json);
}

enum err unmatched_show(struct request *r, struct answer *a)
{
	struct unmatched u;
	enum err e = unmatched_get(r->db, caller_site(r), r->object, &u);

	if (e == ERR_OK)
		a->json = unmatched_json(&u);
	return e;
}

static enum err settle(struct request *r, struct answer *a, enum unmatched_how how)
{
	char once[ONCE_MAX];
	int64_t approval_id = 0, site = body_int(r, "site_id", 0);
	struct unmatched_act act = { .id = r->object,
		.how = how,
		.account_id = body_int(r, "account_id", 0),
		.site_id = caller_site(r),
		.book_site_id = site ? site : caller_site(r),
		.user_id = r->user.id,
		.actor = r->actor,
		.address = r->remote,
		.reason = body_text(r, "reason", ""),
		.once_key = request_once(r, "unmatched", once) };
	struct unmatched u;
	enum err e = unmatched_settle(r->db, &act, r->now, &u, &approval_id, &a->why);

	if (e != ERR_OK)
		return e;
	if (approval_id)
		answer_approval(a, approval_id);
	else
		a->json = unmatched_json(&u);
	return ERR_OK;
}

enum err unmatched_credit(struct request *r, struct answer *a)
{
	return settle(r, a, UNMATCHED_CREDIT);
}

enum err unmatched_refund(struct request *r, struct answer *a)
{
	return settle(r, a, UNMATCHED_REFUND);
}

enum err unmatched_close(struct request *r, struct answer *a)
{
	return settle(r, a, UNMATCHED_CLOSE);
}
