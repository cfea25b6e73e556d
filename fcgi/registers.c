/* Registers of meters: ratios, capacity, and readings that a person decides on. */
#include "domain/register.h"

#include <string.h>

#include "domain/usage.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"
#include "fcgi/views.h"

#define READINGS_MS (INT64_C(31) * 24 * 3600 * 1000)

static enum err meter_seen(struct request *r, struct usage_meter *m)
{
	return usage_meter_get(r->db, r->object, 0, caller_site(r), m);
}

/* A time of the body; absent ones give the fallback. */
static enum err body_utc(struct request *r, const char *key, struct utc fallback, struct utc *out,
	struct problem *why)
{
	const char *text = body_text(r, key, NULL);

	*out = fallback;
	if (text && utc_parse(text, out) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, key, "an RFC 3339 time is expected");
	return ERR_OK;
}

/* ---- ratios ---- */

static enum err answer_ratios(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	json_t *items = json_array();
	enum err e = ratio_list(r->db, r->object, &rows);
	const struct meter_ratio *k = rows.at;

	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(
			items, json_pack("{s:o, s:I, s:I, s:o, s:o}", "from",
				       json_utc(k[i].from_at), "ct", (json_int_t)k[i].ct, "pt",
				       (json_int_t)k[i].pt, "actor", json_text_or_null(k[i].actor),
				       "reason", json_text_or_null(k[i].reason)));
	a->json = json_items(items);
	return e;
}

enum err meter_ratios(struct request *r, struct answer *a)
{
	struct usage_meter m;
	enum err e = meter_seen(r, &m);

	return e == ERR_OK ? answer_ratios(r, a) : e;
}

enum err meter_ratio_set(struct request *r, struct answer *a)
{
	struct ratio_change c = { .meter_id = r->object,
		.ct = body_int(r, "ct", 0),
		.pt = body_int(r, "pt", 1),
		.reason = body_text(r, "reason", ""),
		.actor = r->actor,
		.address = r->remote,
		.now = r->now };
	struct usage_meter m;
	enum err e = meter_seen(r, &m);

	if (e == ERR_OK)
		e = body_utc(r, "from", r->now, &c.from, &a->why);
	if (e == ERR_OK)
		e = ratio_set(r->db, &c, &a->why);
	return e == ERR_OK ? answer_ratios(r, a) : e;
}

/* ---- capacity ---- */

enum err meter_capacity_set(struct request *r, struct answer *a)
{
	struct capacity_change c = { .meter_id = r->object,
		.reason = body_text(r, "reason", ""),
		.actor = r->actor,
		.address = r->remote,
		.now = r->now };
	struct usage_meter m;
	enum err e = meter_seen(r, &m);

	if (e == ERR_OK && (qty_parse(body_text(r, "capacity", ""), &c.capacity) != ERR_OK ||
				   c.capacity.milli > INT64_C(1000000000000000)))
		return problem_set(&a->why, ERR_BAD_VALUE, "capacity",
			"kWh or m3 as plain decimal, at most 3 decimals and 1e12, is expected");
	if (e == ERR_OK)
		e = capacity_set(r->db, &c, &a->why);
	if (e == ERR_OK)
		a->json = json_pack("{s:I, s:I}", "meter_id", (json_int_t)r->object,
			"capacity_milli", (json_int_t)c.capacity.milli);
	return e;
}

/* ---- readings ---- */

static json_t *reading_json(const struct reading_seen *s, const char *utility)
{
	json_t *o = json_pack("{s:o, s:s, s:I, s:o}", "read_at", json_utc(s->read_at), "verdict",
		s->verdict, "power_w", (json_int_t)s->power_w, "decision",
		json_text_or_null(s->decision));

	view_quantity(o, utility, s->register_milli);
	return o;
}

static enum err span_read(
	struct request *r, const struct usage_meter *m, struct utc *from, struct utc *to)
{
	AUTO(zone_free) struct zone *z = NULL;
	const char *first = param_text(r, "from"), *last = param_text(r, "to");
	struct day d;

	if (zone_open(m->zone, &z) != ERR_OK)
		return ERR_INTERNAL;
	*to = (struct utc){ INT64_MAX };
	*from = (struct utc){ r->now.ms - READINGS_MS };
	if (last[0] && day_parse(last, &d) == ERR_OK)
		*to = zone_day_start(z, (struct day){ d.days + 1 });
	if (first[0] && day_parse(first, &d) == ERR_OK)
		*from = zone_day_start(z, d);
	return ERR_OK;
}

/* Newest first: a page goes on before the oldest of the page before. */
static enum err readings_page(struct request *r, struct utc from, struct utc to, struct rows *rows)
{
	struct list_state *list = &r->list;
	const struct reading_seen *last;
	enum err e;

	if (list->ask.after.n && list->ask.after.keys[0].number < to.ms)
		to.ms = list->ask.after.keys[0].number;
	e = readings_list(r->db, r->object, from, to, param_int(r, "doubtful") != 0,
		list->ask.limit + 1, rows);
	list->next.n = 0;
	if (e != ERR_OK || rows->n <= (size_t)list->ask.limit)
		return e;
	rows->n = (size_t)list->ask.limit;
	last = (const struct reading_seen *)rows->at + rows->n - 1;
	list->next = (struct list_place){ 1, { { .number = last->read_at.ms } } };
	return ERR_OK;
}

enum err meter_readings(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	struct utc from = { 0 }, to = { 0 };
	json_t *items = json_array();
	struct usage_meter m;
	enum err e = meter_seen(r, &m);
	const struct reading_seen *s;

	if (e == ERR_OK)
		e = span_read(r, &m, &from, &to);
	if (e == ERR_OK)
		e = readings_page(r, from, to, &rows);
	s = rows.at;
	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(items, reading_json(&s[i], m.utility));
	a->json = json_items(items);
	return e;
}

static json_t *doubt_json(const void *row)
{
	const struct meter_doubt *d = row;
	bool water = str_eq(d->utility, "water");

	return json_pack("{s:o, s:s, s:o, s:s, s:o, s:I, s:o, s:o, s:o, s:o}", "meter",
		view_named(d->meter_id, d->meter_code, d->meter_name), "utility",
		water ? "water" : "electricity", "tenant",
		d->tenant_id ? view_tenant(d->tenant_id, d->tenant_code, d->tenant_name, d->room)
			     : json_null(),
		"verdict", d->verdict, "read_at", json_utc(d->read_at), "register_milli",
		(json_int_t)d->register_milli.milli, "settled_at", json_utc(d->settled_at),
		"settled_milli",
		d->settled_at.ms ? json_integer(d->settled_milli.milli) : json_null(), "serial",
		json_text_or_null(d->serial), "serial_seen", json_text_or_null(d->serial_seen));
}

enum err readings_doubtful(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_utc(r->now), arg_i64(caller_site(r))), doubt_json);
}

enum err meter_reading_decide(struct request *r, struct answer *a)
{
	struct reading_decide d = { .meter_id = r->object,
		.action = str_eq(body_text(r, "action", ""), "rebase") ? DECISION_REBASE
								       : DECISION_ACCEPT,
		.reason = body_text(r, "reason", ""),
		.actor = r->actor,
		.address = r->remote,
		.now = r->now };
	struct usage_meter m;
	enum err e = meter_seen(r, &m);

	if (e == ERR_OK)
		e = body_utc(r, "read_at", (struct utc){ 0 }, &d.read_at, &a->why);
	if (e == ERR_OK)
		e = reading_decide(r->db, &d, &a->why);
	if (e == ERR_OK)
		e = meter_seen(r, &m);
	if (e == ERR_OK)
		a->json = json_pack("{s:I, s:s, s:o, s:o}", "meter_id", (json_int_t)r->object,
			"action", body_text(r, "action", ""), "read_at", json_utc(d.read_at),
			"settled_at", json_utc(m.settled_at));
	return e;
}
