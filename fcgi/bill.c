/* The explained bill, for tenants and for staff. */
#include "domain/bill.h"

#include "domain/account.h"
#include "domain/me.h"
#include "fcgi/handlers.h"
#include "fcgi/views.h"

static json_t *run_json(const struct bill_run *run, const char *utility)
{
	json_t *o = json_pack("{s:o, s:I, s:o, s:I, s:I, s:b, s:b}", "from", json_utc(run->from),
		"from_register", (json_int_t)run->from_reg.milli, "to", json_utc(run->to),
		"to_register", (json_int_t)run->to_reg.milli, "ratio", (json_int_t)run->ratio,
		"rolled_over", run->rolled ? 1 : 0, "part", run->part ? 1 : 0);

	view_quantity(o, utility, run->qty);
	return o;
}

static json_t *line_json(const struct bill_line *l)
{
	json_t *runs = json_array();
	json_t *o = json_pack("{s:s, s:s, s:b, s:o, s:s, s:I, s:o, s:o, s:b, s:b, s:o}", "day",
		l->day, "book_day", l->book_day, "late", str_eq(l->day, l->book_day) ? 0 : 1,
		"meter", view_named(l->meter_id, l->meter_code, l->meter_code), "rate", l->rate,
		"tier", (json_int_t)l->tier, "price", json_price(l->price), "charge",
		json_money(l->charge), "sealed", l->sealed ? 1 : 0, "explained",
		l->explained ? 1 : 0, "readings", runs);

	for (size_t i = 0; i < l->runs_n; i++)
		json_array_append_new(runs, run_json(&l->runs[i], l->utility));
	view_quantity(o, l->utility, l->qty);
	return o;
}

static enum err answer_bill(
	struct request *r, int64_t account_id, const char *zone, struct answer *a)
{
	AUTO(zone_free) struct zone *z = NULL;
	AUTO(bill_free) struct bill b = { 0 };
	struct day from = { 0 }, to = { 0 };
	json_t *items;
	enum err e = zone_open(zone, &z);

	if (e == ERR_OK)
		e = day_parse(param_text(r, "from"), &from);
	if (e == ERR_OK)
		e = day_parse(param_text(r, "to"), &to);
	if (e == ERR_OK && (to.days < from.days || to.days - from.days >= BILL_DAYS_MOST))
		return problem_set(&a->why, ERR_OUT_OF_RANGE, "to",
			"from from to at most %d days more", BILL_DAYS_MOST - 1);
	if (e == ERR_OK)
		e = bill_read(r->db, account_id, z, from, to, &b);
	if (e != ERR_OK)
		return e;
	items = json_array();
	for (size_t i = 0; i < b.n; i++)
		json_array_append_new(items, line_json(&b.at[i]));
	a->json = json_pack("{s:I, s:s, s:s, s:s, s:o, s:o, s:n}", "account_id",
		(json_int_t)account_id, "zone", zone, "from", param_text(r, "from"), "to",
		param_text(r, "to"), "charge", json_money(b.charge), "items", items, "next");
	return ERR_OK;
}

enum err me_bill(struct request *r, struct answer *a)
{
	struct me_account m;
	enum err e = me_account_seen(r->db, r->user.id, param_int(r, "account_id"), r->now, &m);

	return e == ERR_OK ? answer_bill(r, m.id, m.zone, a) : e;
}

enum err account_bill(struct request *r, struct answer *a)
{
	struct account c;
	enum err e = account_get(r->db, r->object, &c);

	if (e == ERR_OK && caller_site(r) && caller_site(r) != c.site_id)
		return ERR_NOT_FOUND;
	return e == ERR_OK ? answer_bill(r, c.id, c.zone, a) : e;
}
