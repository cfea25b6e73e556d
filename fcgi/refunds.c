/* Money that goes back. */
#include "domain/refund.h"

#include <string.h>

#include "fcgi/books.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"
#include "fcgi/views.h"

static json_t *refund_json(const void *row)
{
	const struct refund *f = row;

	return json_pack(
		"{s:I, s:I, s:o, s:o, s:o, s:s, s:o, s:I, s:s, s:s, s:s, s:o, s:s, s:o, s:I, s:o,"
		" s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"id", (json_int_t)f->id, "site_id", (json_int_t)f->site_id, "account_id",
		id_or_null(f->account_id), "order_id", id_or_null(f->order_id), "unmatched_id",
		id_or_null(f->unmatched_id), "method", f->method, "service",
		json_text_or_null(f->service), "amount_fen", (json_int_t)f->amount_fen, "reason",
		f->reason, "state", f->state, "out_refund_no", f->out_refund_no,
		"service_refund_id", json_text_or_null(f->service_refund_id), "actor", f->actor,
		"created_at", json_utc(f->created_at), "entry_id", (json_int_t)f->entry_id,
		"settled_entry_id", id_or_null(f->settled_entry_id), "settled_at",
		json_utc(f->settled_at), "settled_by", json_text_or_null(f->settled_by), "note",
		json_text_or_null(f->note), "sent_at", json_utc(f->sent_at), "asked_next_at",
		json_utc(f->ask_at), "said", json_text_or_null(f->said), "tenant",
		view_tenant(f->tenant_id, f->tenant_code, f->tenant_name, f->room));
}

static enum err refund_new(struct request *r, struct answer *a, struct refund_new *n)
{
	int64_t approval_id = 0;
	char once[ONCE_MAX];
	struct refund f;
	enum err e;

	n->site_id = caller_site(r);
	n->user_id = r->user.id;
	n->actor = r->actor;
	n->address = r->remote;
	n->amount_fen = body_int(r, "amount_fen", 0);
	n->reason = body_text(r, "reason", "");
	n->once_key = request_once(r, "refund", once);
	e = refund_create(r->db, n, r->now, &f, &approval_id, &a->why);
	if (e != ERR_OK)
		note_refused(r, &(struct attempt_new){ .kind = "refund",
					.account_id = n->account_id,
					.amount_fen = n->amount_fen,
					.why = e,
					.text = a->why.text });
	else if (approval_id)
		answer_approval(a, approval_id);
	else
		a->json = refund_json(&f);
	return e;
}

enum err account_refund(struct request *r, struct answer *a)
{
	return refund_new(r, a,
		&(struct refund_new){
			.account_id = r->object, .method = body_text(r, "method", "bank") });
}

enum err order_refund(struct request *r, struct answer *a)
{
	return refund_new(r, a, &(struct refund_new){ .order_id = r->object, .method = "service" });
}

enum err refunds_list(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_i64(caller_site(r))), refund_json);
}

enum err refund_show(struct request *r, struct answer *a)
{
	struct refund f;
	enum err e = refund_get(r->db, caller_site(r), r->object, &f);

	if (e == ERR_OK)
		a->json = refund_json(&f);
	return e;
}

static enum err refund_end(struct request *r, struct answer *a, bool done)
{
	struct refund_settling s = { .id = r->object,
		.site_id = caller_site(r),
		.done = done,
		.note = body_text(r, "note", ""),
		.actor = r->actor,
		.address = r->remote };
	struct refund f;
	enum err e = refund_settle(r->db, &s, r->now, &f, &a->why);

	if (e == ERR_OK)
		a->json = refund_json(&f);
	return e;
}

enum err refund_done(struct request *r, struct answer *a)
{
	return refund_end(r, a, true);
}

enum err refund_failed(struct request *r, struct answer *a)
{
	return refund_end(r, a, false);
}

enum err refund_again(struct request *r, struct answer *a)
{
	struct refund f;
	enum err e = refund_retry(
		r->db, r->object, caller_site(r), r->actor, r->remote, r->now, &f, &a->why);

	if (e == ERR_OK)
		a->json = refund_json(&f);
	return e;
}
