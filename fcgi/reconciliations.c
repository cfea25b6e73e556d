/* The payment services' bills beside the books, for finance of the whole company: who is confined
 * to a site finds none. */
#include "domain/reconciliation.h"

#include "fcgi/books.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"

#define ROWS_PAGE 500

static json_t *reconciliation_json(const void *row)
{
	const struct reconciliation *r = row;

	return json_pack("{s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o,"
			 " s:o, s:o, s:I, s:o}",
		"id", (json_int_t)r->id, "service", r->service, "day", r->day, "state", r->state,
		"revision", (json_int_t)r->revision, "rows_total", (json_int_t)r->rows_n, "matched",
		(json_int_t)r->matched, "late", (json_int_t)r->late, "unresolved",
		(json_int_t)r->unresolved, "paid_fen", (json_int_t)r->paid_fen, "refunded_fen",
		(json_int_t)r->refunded_fen, "fee", json_money(r->fee), "fee_booked",
		json_money(r->fee_booked), "fetched_at", json_utc(r->fetched_at), "changed_at",
		json_utc(r->changed_at), "next_try_at", json_utc(r->fetch_at), "tries",
		(json_int_t)r->tries, "error", json_text_or_null(r->error));
}

static json_t *actions_json(const struct difference *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < difference_actions_n; i++)
		if (!str_eq(d->state, "resolved") &&
			difference_takes(d->kind, &difference_actions[i]))
			json_array_append_new(list, json_string(difference_actions[i].word));
	return list;
}

static json_t *difference_json(const struct difference *d)
{
	return json_pack("{s:I, s:I, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o,"
			 " s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"id", (json_int_t)d->id, "reconciliation_id", (json_int_t)d->reconciliation_id,
		"service", d->service, "day", d->day, "kind", d->kind, "out_trade_no",
		json_text_or_null(d->out_trade_no), "transaction_id",
		json_text_or_null(d->transaction_id), "out_refund_no",
		json_text_or_null(d->out_refund_no), "order_id", id_or_null(d->order_id),
		"entry_id", id_or_null(d->entry_id), "refund_id", id_or_null(d->refund_id),
		"bill_fen", (json_int_t)d->bill_fen, "book_fen", (json_int_t)d->book_fen, "fee",
		json_money(d->fee), "state", d->state, "found_at", json_utc(d->found_at), "actions",
		actions_json(d), "action", json_text_or_null(d->action), "reason",
		json_text_or_null(d->reason), "actor", json_text_or_null(d->actor), "resolved_at",
		json_utc(d->resolved_at), "resolution_entry_id", id_or_null(d->resolution_id));
}

static json_t *row_json(const struct bill_row *b)
{
	return json_pack("{s:I, s:b, s:s, s:s, s:o, s:o, s:o, s:I, s:o, s:o}", "line",
		(json_int_t)b->line, "refund", b->refund, "out_trade_no", b->out_trade_no,
		"transaction_id", b->transaction_id, "out_refund_no",
		json_text_or_null(b->out_refund_no), "service_refund_id",
		json_text_or_null(b->service_refund_id), "state", json_text_or_null(b->state),
		"amount_fen", (json_int_t)b->amount_fen, "fee", json_money(b->fee), "at",
		json_utc(b->at));
}

/* Bills are of the whole company. */
static enum err whole_company(const struct request *r, struct answer *a)
{
	return caller_site(r) ? problem_set(&a->why, ERR_FORBIDDEN, "",
					"the services' bills are of the whole company")
			      : ERR_OK;
}

/* Who is confined to a site sees none. */
static enum err answer_company(
	struct request *r, struct answer *a, json_t *(*show)(const void *row))
{
	if (!caller_site(r))
		return list_answer(r, a, NO_ARGS, show);
	a->json = json_items(json_array());
	return ERR_OK;
}

enum err reconciliations_list(struct request *r, struct answer *a)
{
	return answer_company(r, a, reconciliation_json);
}

static enum err add_differences(struct request *r, json_t *out)
{
	AUTO(rows_free) struct rows rows = { 0 };
	json_t *list = json_array();
	enum err e = difference_list(r->db, r->object, &rows);
	const struct difference *d = rows.at;

	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(list, difference_json(&d[i]));
	json_object_set_new(out, "differences", list);
	return e;
}

static enum err add_rows(struct request *r, int64_t after, json_t *out)
{
	AUTO(rows_free) struct rows rows = { 0 };
	json_t *list = json_array();
	enum err e = bill_rows(r->db, r->object, after, ROWS_PAGE + 1, &rows);
	const struct bill_row *b = rows.at;

	for (size_t i = 0; i < rows.n && i < ROWS_PAGE; i++)
		json_array_append_new(list, row_json(&b[i]));
	json_object_set_new(out, "rows", list);
	json_object_set_new(out, "next",
		rows.n > ROWS_PAGE ? inner_cursor_json(r, b[ROWS_PAGE - 1].line) : json_null());
	return e;
}

enum err reconciliation_show(struct request *r, struct answer *a)
{
	struct reconciliation x;
	int64_t after;
	enum err e = inner_cursor_read(r, &after, &a->why);

	if (e == ERR_OK)
		e = caller_site(r) ? ERR_NOT_FOUND : reconciliation_get(r->db, r->object, &x);
	if (e != ERR_OK)
		return e;
	a->json = reconciliation_json(&x);
	e = add_differences(r, a->json);
	return e == ERR_OK ? add_rows(r, after, a->json) : e;
}

enum err reconciliation_refetch(struct request *r, struct answer *a)
{
	struct reconciliation x;
	enum err e = caller_site(r) ? ERR_NOT_FOUND
				    : reconciliation_again(
					      r->db, r->object, r->actor, r->remote, r->now, &x);

	if (e == ERR_OK)
		a->json = reconciliation_json(&x);
	return e;
}

/* Services have bills of days that are over; the sandbox has one of the running day, too. */
static enum err day_check(struct request *r, struct answer *a, struct day day)
{
	int64_t running = 0;
	struct day last = beijing_day(r->now);
	enum err e =
		conf_int(r->api->conf, "reconciliation", "running_day", 0, 1, 0, &running, &a->why);

	if (e != ERR_OK)
		return e;
	if (!running)
		last.days--;
	if (day.days > last.days || day.days < last.days - 90)
		return problem_set(&a->why, ERR_OUT_OF_RANGE, "day",
			"a day of the last 90 that is over in Beijing");
	return ERR_OK;
}

enum err reconciliation_new(struct request *r, struct answer *a)
{
	const char *service = body_text(r, "service", "");
	struct reconciliation x;
	struct day day = { 0 };
	bool given;
	enum err e = whole_company(r, a);

	if (e == ERR_OK)
		e = body_day(r, "day", &given, &day, &a->why);
	if (e == ERR_OK)
		e = day_check(r, a, day);
	if (e == ERR_OK && pay_off(r->api->pay, service))
		return problem_set(&a->why, ERR_CONFLICT, "service", "this service is not set up");
	if (e == ERR_OK)
		e = reconciliation_ask(r->db, service, day, r->actor, r->remote, r->now, &x);
	if (e == ERR_OK)
		a->json = reconciliation_json(&x);
	return e;
}

enum err difference_end(struct request *r, struct answer *a)
{
	char once[ONCE_MAX];
	struct resolving_new n = { .difference_id = r->object,
		.action = body_text(r, "action", ""),
		.reason = body_text(r, "reason", ""),
		.user_id = r->user.id,
		.actor = r->actor,
		.address = r->remote,
		.once_key = request_once(r, "difference", once) };
	struct difference d;
	int64_t approval_id = 0;
	enum err e = caller_site(r)
			     ? ERR_NOT_FOUND
			     : difference_resolve(r->db, &n, r->now, &d, &approval_id, &a->why);

	if (e != ERR_OK)
		return e;
	if (approval_id)
		answer_approval(a, approval_id);
	else
		a->json = difference_json(&d);
	return ERR_OK;
}

/* ---- what services owe and pay out ---- */

enum err services_list(struct request *r, struct answer *a)
{
	json_t *items = json_array();
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && !caller_site(r) && i < pay_service_count; i++) {
		const struct problem *off = pay_off(r->api->pay, pay_services[i].name);
		struct service_owes o;

		e = service_owes_get(r->db, pay_services[i].name, &o);
		if (e == ERR_OK)
			json_array_append_new(items,
				json_pack("{s:s, s:b, s:o, s:o, s:I, s:I}", "service", o.service,
					"on", off == NULL, "owed", json_money(o.owed), "last_day",
					json_text_or_null(o.last_day), "waiting",
					(json_int_t)o.waiting, "unresolved",
					(json_int_t)o.unresolved));
	}
	a->json = json_items(items);
	return e;
}

static json_t *payout_json(const void *row)
{
	const struct service_payout *p = row;

	return json_pack("{s:I, s:s, s:I, s:s, s:s, s:s, s:o, s:I}", "id", (json_int_t)p->id,
		"service", p->service, "amount_fen", (json_int_t)p->amount_fen, "document",
		p->document, "reason", p->reason, "actor", p->actor, "at", json_utc(p->created_at),
		"entry_id", (json_int_t)p->entry_id);
}

enum err payouts_list(struct request *r, struct answer *a)
{
	return answer_company(r, a, payout_json);
}

enum err payout_new(struct request *r, struct answer *a)
{
	char once[ONCE_MAX];
	struct payout_new n = { .service = body_text(r, "service", ""),
		.amount_fen = body_int(r, "amount_fen", 0),
		.document = body_text(r, "document", ""),
		.reason = body_text(r, "reason", ""),
		.actor = r->actor,
		.address = r->remote,
		.once_key = request_once(r, "payout", once) };
	struct service_payout p;
	enum err e = whole_company(r, a);

	if (e == ERR_OK)
		e = service_payout_book(r->db, &n, r->now, &p, &a->why);
	if (e == ERR_OK)
		a->json = payout_json(&p);
	return e;
}
