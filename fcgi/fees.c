/* Fees by the month, and the lists of those who did not pay them. */
#include "domain/fee.h"
#include "domain/feecut.h"
#include "domain/feepreview.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"
#include "fcgi/views.h"

/* ---- fees ---- */

static enum err fee_json(const struct fee *f, struct utc now, json_t **out)
{
	struct fee_next next;
	enum err e = fee_next(f, now, &next);

	if (e != ERR_OK)
		return e;
	*out = json_pack("{s:I, s:{s:I, s:s}, s:o, s:I, s:o, s:s, s:I, s:s, s:o, s:o, s:o}", "id",
		(json_int_t)f->id, "contract", "id", (json_int_t)f->contract_id, "code",
		f->contract_code, "tenant",
		view_tenant(f->tenant_id, f->tenant_code, f->tenant_name, f->room), "account_id",
		(json_int_t)f->account_id, "balance", json_money(f->balance), "kind", f->kind,
		"monthly_fen", (json_int_t)f->monthly_fen, "from_day", f->from_day, "to_day",
		json_text_or_null(f->to_day), "last_month", json_text_or_null(f->last_month),
		"next",
		next.amount_fen ? json_pack("{s:s, s:s, s:I}", "month", next.month, "due_day",
					  next.due_day, "amount_fen", (json_int_t)next.amount_fen)
				: json_null());
	return ERR_OK;
}

static enum err answer_fees(struct request *r, const struct rows *rows, struct answer *a)
{
	json_t *items = json_array(), *one = NULL;
	const struct fee *fee = rows->at;
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < rows->n; i++) {
		e = fee_json(&fee[i], r->now, &one);
		if (e == ERR_OK)
			json_array_append_new(items, one);
	}
	a->json = json_items(items);
	return e;
}

static enum err answer_fee(struct request *r, int64_t id, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e =
		fee_list(r->db, &(struct fee_filter){ .site_id = caller_site(r), .id = id }, &rows);

	if (e == ERR_OK && rows.n == 0)
		return ERR_NOT_FOUND;
	return e == ERR_OK ? fee_json(rows.at, r->now, &a->json) : e;
}

enum err me_fees(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = fee_list(r->db, &(struct fee_filter){ .user_id = r->user.id }, &rows);

	return e == ERR_OK ? answer_fees(r, &rows, a) : e;
}

enum err fees_list(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = list_rows(r, ARGS(arg_i64(caller_site(r))), &rows);

	return e == ERR_OK ? answer_fees(r, &rows, a) : e;
}

static struct fee_actor fee_actor_of(const struct request *r)
{
	return (struct fee_actor){
		.site_id = caller_site(r), .actor = r->actor, .address = r->remote, .now = r->now
	};
}

enum err fee_create(struct request *r, struct answer *a)
{
	struct fee_actor by = fee_actor_of(r);
	struct fee_new n = { .contract_id = body_int(r, "contract_id", 0),
		.kind = body_text(r, "kind", ""),
		.monthly_fen = body_int(r, "monthly_fen", 0) };
	char once[ONCE_MAX];
	bool given;
	int64_t id = 0;
	enum err e = body_day(r, "from_day", &given, &n.from, &a->why);

	if (e == ERR_OK)
		e = body_day(r, "to_day", &n.ends, &n.to, &a->why);
	n.once_key = request_once(r, "fee", once);
	if (e == ERR_OK)
		e = fee_add(r->db, &n, &by, &id, &a->why);
	return e == ERR_OK ? answer_fee(r, id, a) : e;
}

enum err fee_change(struct request *r, struct answer *a)
{
	struct fee_actor by = fee_actor_of(r);
	struct day to = { 0 };
	bool given;
	enum err e = body_day(r, "to_day", &given, &to, &a->why);

	if (e == ERR_OK)
		e = fee_end(r->db, r->object, to, &by, &a->why);
	return e == ERR_OK ? answer_fee(r, r->object, a) : e;
}

enum err fees_run(struct request *r, struct answer *a)
{
	const char *text = body_text(r, "month", "");
	struct fee_run run;
	struct month m;
	int64_t site = 0;
	enum err e = request_site(r, body_int(r, "site_id", 0), &site, &a->why);

	if (e == ERR_OK && month_parse(text, &m) != ERR_OK)
		return problem_set(
			&a->why, ERR_BAD_VALUE, "month", "a month like 2026-11 is expected");
	if (e == ERR_OK)
		e = fee_run(r->db, site, m, r->actor, r->now, &run, &a->why);
	if (e == ERR_OK)
		a->json = json_pack("{s:I, s:s, s:I, s:I}", "site_id", (json_int_t)site, "month",
			text, "fees", (json_int_t)run.fees, "amount_fen",
			(json_int_t)run.amount_fen);
	return e;
}

/* ---- what a run would do ---- */

static json_t *preview_json(const struct fee *f, const struct fee_preview_row *p)
{
	char first[DAY_TEXT_MAX], last[DAY_TEXT_MAX];
	json_t *j = json_pack("{s:I, s:{s:I, s:s}, s:o, s:I, s:s, s:I, s:s, s:s, s:i}", "id",
		(json_int_t)f->id, "contract", "id", (json_int_t)f->contract_id, "code",
		f->contract_code, "tenant",
		view_tenant(f->tenant_id, f->tenant_code, f->tenant_name, f->room), "account_id",
		(json_int_t)f->account_id, "kind", f->kind, "monthly_fen",
		(json_int_t)f->monthly_fen, "first_day", day_text(p->first, first), "last_day",
		day_text(p->last, last), "days", (int)(p->last.days - p->first.days + 1));

	json_object_set_new(j, "amount_fen", json_integer(p->amount_fen));
	json_object_set_new(j, "charged_fen", json_integer(p->charged_fen));
	json_object_set_new(j, "due_fen", json_integer(p->due_fen));
	json_object_set_new(j, "state", json_string(p->state));
	json_object_set_new(j, "balance", json_money(p->balance));
	json_object_set_new(j, "balance_after", json_money(p->balance_after));
	json_object_set_new(j, "short_by", json_money(p->short_by));
	return j;
}

static json_t *totals_json(const struct fee_preview *p)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:b}", "due", (json_int_t)p->due,
		"due_fen", (json_int_t)p->due_fen, "later", (json_int_t)p->later, "later_fen",
		(json_int_t)p->later_fen, "charged", (json_int_t)p->charged, "charged_fen",
		(json_int_t)p->charged_fen, "shorts", (json_int_t)p->shorts, "short_by",
		json_money(p->short_by), "begun", p->begun ? 1 : 0);
}

static enum err preview_rows(struct request *r, struct month m, struct rows *out)
{
	char first[DAY_TEXT_MAX], last[DAY_TEXT_MAX];

	return list_rows(r,
		ARGS(arg_i64(caller_site(r)), arg_text(day_text(month_last(m), last)),
			arg_text(day_text(month_first(m), first)), arg_utc(month_first_instant(m))),
		out);
}

enum err fees_preview(struct request *r, struct answer *a)
{
	AUTO(fee_preview_free) struct fee_preview p = { 0 };
	AUTO(rows_free) struct rows rows = { 0 };
	struct fee_preview_ask ask = {
		.seen_site = caller_site(r), .site_id = param_int(r, "site_id"), .now = r->now
	};
	enum err e = month_parse(param_text(r, "month"), &ask.month);
	const struct fee *fee;
	json_t *items;

	if (e == ERR_OK)
		e = preview_rows(r, ask.month, &rows);
	if (e == ERR_OK)
		e = fee_preview(r->db, &ask, &p);
	if (e != ERR_OK)
		return e;
	items = json_array();
	fee = rows.at;
	for (size_t i = 0; i < rows.n; i++) {
		const struct fee_preview_row *of = fee_preview_find(&p, fee[i].id);

		if (of)
			json_array_append_new(items, preview_json(&fee[i], of));
	}
	a->json = json_items(items);
	json_object_set_new(a->json, "totals", totals_json(&p));
	return ERR_OK;
}

/* ---- cuts ---- */

static json_t *cut_json(const void *row)
{
	const struct fee_cut *k = row;

	return json_pack("{s:I, s:s, s:o, s:I, s:{s:I, s:s}, s:o, s:o, s:o, s:o}", "approval_id",
		(json_int_t)k->approval_id, "state", k->state, "asked_at", json_utc(k->asked_at),
		"account_id", (json_int_t)k->account_id, "contract", "id",
		(json_int_t)k->contract_id, "code", k->contract_code, "tenant",
		view_tenant(k->tenant_id, k->tenant_code, k->tenant_name, k->room), "listed",
		json_money(k->listed), "balance", json_money(k->balance), "cut_at",
		json_utc(k->cut_at));
}

enum err fee_cuts_list(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_i64(caller_site(r))), cut_json);
}
