/* Requests for invoices: a tenant's own, and all of them for staff. */
#include "domain/invoice.h"

#include "fcgi/books.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"

/* What tenants see of it, too. */
static json_t *common_json(const struct invoice *i)
{
	return json_pack("{s:I, s:I, s:s, s:s, s:s, s:o, s:s, s:o, s:s, s:I, s:I, s:b, s:I, s:o,"
			 " s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"id", (json_int_t)i->id, "account_id", (json_int_t)i->account_id, "purpose",
		i->purpose, "kind", i->kind, "title", i->title, "tax_no",
		json_text_or_null(i->tax_no), "email", i->email, "note", json_text_or_null(i->note),
		"state", i->state, "amount_fen", (json_int_t)i->amount_fen, "left_fen",
		(json_int_t)i->left_fen, "changed", i->changed ? 1 : 0, "count",
		(json_int_t)i->count, "asked_at", json_utc(i->asked_at), "number",
		json_text_or_null(i->number), "date", json_text_or_null(i->date), "url",
		json_text_or_null(i->url), "reason", json_text_or_null(i->reason), "red_number",
		json_text_or_null(i->red_number), "decided_at", json_utc(i->decided_at),
		"voided_at", json_utc(i->voided_at));
}

static json_t *my_json(const void *row)
{
	return common_json(row);
}

static json_t *staff_json(const void *row)
{
	const struct invoice *i = row;
	json_t *o = common_json(i);

	json_object_set_new(o, "site_id", json_integer(i->site_id));
	json_object_set_new(o, "tenant",
		json_pack("{s:s, s:s, s:o}", "code", i->tenant_code, "name", i->tenant_name, "room",
			json_text_or_null(i->room)));
	json_object_set_new(o, "decided_by", json_text_or_null(i->decided_by));
	json_object_set_new(o, "voided_by", json_text_or_null(i->voided_by));
	return o;
}

static json_t *order_json(const struct invoice_order *o)
{
	return json_pack("{s:I, s:s, s:I, s:I, s:I, s:o}", "id", (json_int_t)o->id, "out_trade_no",
		o->out_trade_no, "paid_fen", (json_int_t)o->paid_fen, "refunded_fen",
		(json_int_t)o->refunded_fen, "amount_fen", (json_int_t)o->amount_fen, "paid_at",
		json_utc(o->paid_at));
}

/* With its recharges. */
static enum err answer_whole(struct request *r, const struct invoice *i,
	json_t *(*show)(const void *row), struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = invoice_orders(r->db, i->id, &rows);
	const struct invoice_order *o = rows.at;
	json_t *orders;

	if (e != ERR_OK)
		return e;
	orders = json_array();
	for (size_t k = 0; k < rows.n; k++)
		json_array_append_new(orders, order_json(&o[k]));
	a->json = show(i);
	json_object_set_new(a->json, "orders", orders);
	return ERR_OK;
}

static struct invoice_act act_of(const struct request *r)
{
	return (struct invoice_act){ .id = r->object,
		.site_id = r->route->perm == PERM_TENANT ? 0 : caller_site(r),
		.actor = r->actor,
		.address = r->remote,
		.now = r->now };
}

/* ---- a tenant's ---- */

enum err me_invoices(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_i64(r->user.id)), my_json);
}

enum err me_invoice(struct request *r, struct answer *a)
{
	struct invoice i;
	enum err e = invoice_get_own(r->db, r->user.id, r->object, &i);

	return e == ERR_OK ? answer_whole(r, &i, my_json, a) : e;
}

enum err me_invoice_title(struct request *r, struct answer *a)
{
	struct invoice_title t = { 0 };
	enum err e = invoice_title_last(r->db, r->user.id, &t);

	if (e != ERR_OK && e != ERR_NOT_FOUND)
		return e;
	a->json = json_pack("{s:o, s:o, s:o, s:o}", "kind", json_text_or_null(t.kind), "title",
		json_text_or_null(t.title), "tax_no", json_text_or_null(t.tax_no), "email",
		json_text_or_null(t.email));
	return ERR_OK;
}

enum err me_invoice_new(struct request *r, struct answer *a)
{
	const json_t *ids = json_object_get(r->json, "order_ids");
	int64_t orders[INVOICE_ORDERS_MAX];
	char once[ONCE_MAX];
	struct invoice_new n = { .user_id = r->user.id,
		.actor = r->actor,
		.address = r->remote,
		.orders = orders,
		.kind = body_text(r, "kind", ""),
		.title = body_text(r, "title", ""),
		.tax_no = body_text(r, "tax_no", ""),
		.email = body_text(r, "email", ""),
		.note = body_text(r, "note", ""),
		.once_key = request_once(r, "invoice", once) };
	struct invoice i;
	json_t *id;
	size_t k;
	enum err e;

	json_array_foreach(ids, k, id)
	{
		if (k < INVOICE_ORDERS_MAX)
			orders[n.orders_n++] = json_integer_value(id);
	}
	e = invoice_ask(r->db, &n, r->now, &i, &a->why);
	return e == ERR_OK ? answer_whole(r, &i, my_json, a) : e;
}

enum err me_invoice_withdraw(struct request *r, struct answer *a)
{
	struct invoice_act act = act_of(r);
	struct invoice i;
	enum err e = invoice_withdraw(r->db, &act, r->user.id, &i, &a->why);

	return e == ERR_OK ? answer_whole(r, &i, my_json, a) : e;
}

/* ---- for staff ---- */

enum err invoices_list(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_i64(caller_site(r))), staff_json);
}

enum err invoice_show(struct request *r, struct answer *a)
{
	struct invoice i;
	enum err e = invoice_get(r->db, caller_site(r), r->object, &i);

	return e == ERR_OK ? answer_whole(r, &i, staff_json, a) : e;
}

enum err invoice_is_issued(struct request *r, struct answer *a)
{
	struct invoice_act act = act_of(r);
	struct invoice_issued n = { .number = body_text(r, "number", ""),
		.url = body_text(r, "url", ""),
		.amount_fen = body_int(r, "amount_fen", 0) };
	struct invoice i;
	bool given;
	enum err e = body_day(r, "date", &given, &n.date, &a->why);

	if (e == ERR_OK)
		e = invoice_issue(r->db, &act, &n, &i, &a->why);
	return e == ERR_OK ? answer_whole(r, &i, staff_json, a) : e;
}

enum err invoice_is_refused(struct request *r, struct answer *a)
{
	struct invoice_act act = act_of(r);
	struct invoice i;
	enum err e = invoice_refuse(r->db, &act, body_text(r, "reason", ""), &i, &a->why);

	return e == ERR_OK ? answer_whole(r, &i, staff_json, a) : e;
}

enum err invoice_is_voided(struct request *r, struct answer *a)
{
	struct invoice_act act = act_of(r);
	struct invoice i;
	enum err e = invoice_void(r->db, &act, body_text(r, "reason", ""),
		body_text(r, "red_number", ""), &i, &a->why);

	return e == ERR_OK ? answer_whole(r, &i, staff_json, a) : e;
}
