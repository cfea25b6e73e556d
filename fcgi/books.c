/* The books for those who keep them: entries, reversals, and what was refused. */
#include <string.h>

#include "base/log.h"
#include "domain/ledger.h"
#include "domain/reversal.h"
#include "fcgi/handlers.h"
#include "fcgi/books.h"
#include "fcgi/list.h"
#include "fcgi/views.h"

void note_refused(struct request *r, struct attempt_new *a)
{
	if (a->why == ERR_OK || err_http(a->why) >= 500)
		return;
	a->actor = r->actor;
	a->site_id = r->user.site_id;
	if (attempt_add(r->db, a, r->now) != ERR_OK)
		log_error(
			"attempt=not_kept kind=%s account=%lld", a->kind, (long long)a->account_id);
}

json_t *id_or_null(int64_t id)
{
	return id ? json_integer(id) : json_null();
}

static json_t *entry_json(const void *row)
{
	const struct ledger_entry *e = row;

	return json_pack("{s:I, s:I, s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
		(json_int_t)e->id, "site_id", (json_int_t)e->site_id, "kind", e->kind, "reference",
		json_text_or_null(e->reference), "actor", e->actor, "book_day", e->book_day, "at",
		json_utc(e->created_at), "memo", json_text_or_null(e->memo), "amount",
		json_money(e->amount), "reversed_by", id_or_null(e->reversed_by), "reverses",
		id_or_null(e->reverses), "account_id", id_or_null(e->account_id), "tenant",
		view_tenant(e->tenant_id, e->tenant_code, e->tenant_name, e->room));
}

enum err entries_list(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_i64(caller_site(r))), entry_json);
}

enum err answer_entry(struct request *r, int64_t id, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	json_t *list = json_array();
	struct ledger_entry x;
	enum err e = ledger_get(r->db, caller_site(r), id, &x);

	if (e == ERR_OK)
		e = ledger_postings(r->db, id, &rows);
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		const struct ledger_posting *p = (const struct ledger_posting *)rows.at + i;

		json_array_append_new(list,
			json_pack("{s:I, s:s, s:s, s:o}", "account_id", (json_int_t)p->account_id,
				"code", p->code, "kind", p->kind, "amount", json_money(p->amount)));
	}
	if (e == ERR_OK) {
		a->json = entry_json(&x);
		json_object_set(a->json, "postings", list);
	}
	json_decref(list);
	return e;
}

enum err answer_booked(struct request *r, const struct booked *b, struct answer *a)
{
	if (!b->approval_id)
		return answer_entry(r, b->entry_id, a);
	answer_approval(a, b->approval_id);
	return ERR_OK;
}

enum err entry_get(struct request *r, struct answer *a)
{
	return answer_entry(r, r->object, a);
}

static void reversal_refused(struct request *r, enum err why, const struct problem *text)
{
	struct ledger_entry x = { 0 };

	if (ledger_get(r->db, caller_site(r), r->object, &x) != ERR_OK)
		x.amount.nano = 0;
	note_refused(r, &(struct attempt_new){ .kind = "reversal",
				.amount_fen = x.amount.nano / NANO_PER_FEN,
				.why = why,
				.text = text->text });
}

enum err entry_undo(struct request *r, struct answer *a)
{
	char once[ONCE_MAX];
	struct reversal_new n = { .entry_id = r->object,
		.site_id = caller_site(r),
		.user_id = r->user.id,
		.actor = r->actor,
		.address = r->remote,
		.reason = body_text(r, "reason", ""),
		.once_key = request_once(r, "reversal", once),
		.own_sales_only = r->lesser };
	struct booked done;
	enum err e = reversal_create(r->db, &n, r->now, &done, &a->why);

	if (e != ERR_OK) {
		reversal_refused(r, e, &a->why);
		return e;
	}
	return answer_booked(r, &done, a);
}

static json_t *attempt_json(const void *row)
{
	const struct attempt *t = row;

	return json_pack("{s:I, s:s, s:o, s:I, s:s, s:s, s:s, s:o}", "id", (json_int_t)t->id,
		"kind", t->kind, "account_id", id_or_null(t->account_id), "amount_fen",
		(json_int_t)t->amount_fen, "code", t->code, "why", t->why, "actor", t->actor, "at",
		json_utc(t->at));
}

enum err attempts_list(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_i64(caller_site(r))), attempt_json);
}
