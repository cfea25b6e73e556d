/* The sales desk: shifts and sales; and the end of the book day. */
#include <stdio.h>
#include <string.h>

#include "domain/audit.h"
#include "domain/bookday.h"
#include "domain/order.h"
#include "domain/sale.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"
#include "fcgi/books.h"
#include "fcgi/views.h"

static json_t *shift_json(const void *row)
{
	const struct shift *s = row;

	return json_pack("{s:I, s:o, s:o, s:I, s:I}", "id", (json_int_t)s->id, "opened_at",
		json_utc(s->opened_at), "closed_at", json_utc(s->closed_at), "sales_fen",
		(json_int_t)s->sales_fen, "count", (json_int_t)s->count);
}

enum err shifts_list(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_i64(r->user.id)), shift_json);
}

enum err shift_new(struct request *r, struct answer *a)
{
	struct shift s;
	enum err e = shift_open(r->db, r->user.id, r->now, &s);

	if (e == ERR_CONFLICT)
		return problem_set(&a->why, e, "", "you have an open shift already");
	if (e == ERR_OK)
		a->json = shift_json(&s);
	return e;
}

enum err shift_end(struct request *r, struct answer *a)
{
	int64_t counted = body_int(r, "counted_fen", 0);
	struct shift s;
	enum err e = shift_close(r->db, r->object, r->user.id, counted, r->now, &s, &a->why);

	if (e != ERR_OK)
		return e;
	a->json = shift_json(&s);
	json_object_set_new(a->json, "counted_fen", json_integer(counted));
	json_object_set_new(a->json, "expected_fen", json_integer(s.cash_fen));
	json_object_set_new(a->json, "difference_fen", json_integer(counted - s.cash_fen));
	return ERR_OK;
}

static size_t lines_read(const struct request *r, struct sale_line lines[static SALE_LINES_MAX])
{
	const json_t *list = json_object_get(r->json, "lines");
	json_t *line;
	size_t i;

	ASSERT(json_array_size(list) <= SALE_LINES_MAX); /* by the schema */
	json_array_foreach(list, i, line) lines[i] = (struct sale_line){
		.account_id = json_integer_value(json_object_get(line, "account_id")),
		.amount_fen = json_integer_value(json_object_get(line, "amount_fen")),
	};
	return i;
}

/* Sellers of a site sell to its accounts only. */
static enum err lines_check(
	struct request *r, const struct sale_line *lines, size_t n, struct problem *why)
{
	struct live_account f;
	char field[48];
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < n; i++) {
		e = live_account(r->db, caller_site(r), lines[i].account_id, &f);
		snprintf(field, sizeof(field), "lines[%zu].account_id", i);
		if (e == ERR_NOT_FOUND)
			return problem_set(why, e, field, "there is no such account");
	}
	return e;
}

static json_t *line_json(const struct sale_line *l, const struct live_account *f, int64_t entry_id)
{
	struct supply_view supply = { f->meter_id, true, f->desired, "", f->observed, f->comm,
		f->observed_since };

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "account_id",
		(json_int_t)l->account_id, "entry_id", (json_int_t)entry_id, "amount_fen",
		(json_int_t)l->amount_fen, "service_fen", (json_int_t)l->service_fen, "debt_fen",
		(json_int_t)l->debt_fen, "balance", json_money(f->balance), "tenant",
		view_tenant(f->tenant_id, f->tenant_code, f->tenant_name, f->room), "meter",
		view_named(f->meter_id, f->meter_code, f->meter_name), "supply",
		f->meter_id ? view_supply_short(&supply) : json_null());
}

/* The receipt as it was written; balances and supply are those of now. */
static enum err sale_json(struct request *r, const struct sale *s, json_t **out)
{
	AUTO(rows_free) struct rows lines = { 0 };
	json_t *list = json_array();
	struct live_account f;
	char no[32];
	enum err e = sale_lines(r->db, s->id, &lines);
	const struct sale_line *l = lines.at;

	for (size_t i = 0; e == ERR_OK && i < lines.n; i++) {
		e = live_account(r->db, caller_site(r), l[i].account_id, &f);
		if (e == ERR_OK)
			json_array_append_new(list, line_json(&l[i], &f, s->entry_id));
	}
	receipt_no(s->entry_id, s->created_at, s->zone, no);
	*out = json_pack("{s:I, s:s, s:s, s:I, s:I, s:I, s:o, s:b, s:I, s:o}", "id",
		(json_int_t)s->id, "receipt_no", no, "method", s->method, "total_fen",
		(json_int_t)s->total_fen, "tendered_fen", (json_int_t)s->tendered_fen, "change_fen",
		(json_int_t)(s->tendered_fen - s->total_fen), "at", json_utc(s->created_at), "copy",
		s->reprints > 0 ? 1 : 0, "reprints", (json_int_t)s->reprints, "lines", list);
	return e;
}

/* The first line that was named stands for the sale. */
static void sale_refused(
	struct request *r, const struct sale_new *n, enum err why, const struct problem *text)
{
	int64_t total = 0;

	for (size_t i = 0; i < n->n; i++)
		if (__builtin_add_overflow(total, n->lines[i].amount_fen, &total))
			total = INT64_MAX;
	note_refused(r, &(struct attempt_new){ .kind = "sale",
				.account_id = n->lines[0].account_id,
				.amount_fen = total,
				.why = why,
				.text = text->text });
}

enum err sale_new(struct request *r, struct answer *a)
{
	struct sale_line lines[SALE_LINES_MAX];
	struct sale_new n = { .user_id = r->user.id,
		.actor = r->actor,
		.lines = lines,
		.method = body_text(r, "method", ""),
		.note = body_text(r, "note", ""),
		.tendered_fen = body_int(r, "tendered_fen", 0) };
	char once[ONCE_MAX];
	struct sale s;
	enum err e;

	n.n = lines_read(r, lines);
	n.once_key = request_once(r, "sale", once);
	e = lines_check(r, lines, n.n, &a->why);
	if (e == ERR_OK)
		e = sale_create(r->db, &n, r->now, &s, &a->why);
	if (e != ERR_OK)
		sale_refused(r, &n, e, &a->why);
	return e == ERR_OK ? sale_json(r, &s, &a->json) : e;
}

static json_t *listed_json(const void *row)
{
	const struct sale_listed *s = row;
	char no[32];

	receipt_no(s->entry_id, s->created_at, s->zone, no);
	return json_pack("{s:I, s:s, s:I, s:s, s:I, s:o, s:I, s:I, s:s, s:o}", "id",
		(json_int_t)s->id, "receipt_no", no, "shift_id", (json_int_t)s->shift_id, "method",
		s->method, "total_fen", (json_int_t)s->total_fen, "at", json_utc(s->created_at),
		"entry_id", (json_int_t)s->entry_id, "reprints", (json_int_t)s->reprints, "shops",
		s->shops, "reversed_by",
		s->reversed_by ? json_integer(s->reversed_by) : json_null());
}

enum err sales_list(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_i64(r->user.id)), listed_json);
}

enum err sale_copy(struct request *r, struct answer *a)
{
	struct sale s;
	enum err e =
		sale_reprint(r->db, caller_site(r), r->object, r->actor, r->remote, r->now, &s);

	return e == ERR_OK ? sale_json(r, &s, &a->json) : e;
}

static enum err seal_audit(const struct request *r, int64_t site_id, struct day day, enum err e)
{
	char object[32], text[DAY_TEXT_MAX];

	snprintf(object, sizeof(object), "day:%s", day_text(day, text));
	return audit_add(r->db,
		&(struct audit){ r->actor, r->remote, "day.seal", object, 0, err_word(e) },
		json_pack("{s:I}", "site_id", (json_int_t)site_id), r->now);
}

enum err day_seal(struct request *r, struct answer *a)
{
	struct day day = { (int32_t)r->object };
	struct book_day sealed;
	int64_t own = caller_site(r), named = param_int(r, "site_id");
	int64_t site_id = own ? own : named;
	enum err e, audited;

	if (own && named && own != named)
		return ERR_NOT_FOUND;
	e = bookday_seal(r->db, site_id, day, r->now, &sealed, &a->why);
	audited = seal_audit(r, site_id, day, e);
	if (e != ERR_OK || audited != ERR_OK)
		return e != ERR_OK ? e : audited;
	a->json = json_pack("{s:s, s:o, s:I, s:s}", "day", sealed.day, "sealed_at",
		json_utc(sealed.sealed_at), "entries", (json_int_t)sealed.entries, "sha256",
		sealed.sha256);
	return ERR_OK;
}

static json_t *book_day_json(const void *row)
{
	const struct book_day_line *d = row;

	return json_pack("{s:o, s:s, s:o, s:o, s:I, s:o}", "site",
		view_named(d->site_id, d->site_code, d->site_name), "day", d->day, "closed_at",
		json_utc(d->closed_at), "sealed_at", json_utc(d->sealed_at), "entries",
		(json_int_t)d->entries, "sha256", json_text_or_null(d->sha256));
}

enum err days_list(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_i64(caller_site(r))), book_day_json);
}
