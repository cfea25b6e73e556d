/* Tariffs, and which meter has which. */
#include "domain/tariff.h"

#include <stdio.h>
#include <string.h>

#include "domain/me.h"
#include "domain/usage.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"
#include "fcgi/views.h"

static json_t *tariff_json(const void *row)
{
	const struct tariff_row *t = row;

	return json_pack("{s:I, s:s, s:s, s:s, s:I, s:I}", "id", (json_int_t)t->id, "code", t->code,
		"name", t->name, "utility", t->utility, "revision", (json_int_t)t->revision,
		"meters", (json_int_t)t->meters);
}

static enum err answer_tariff(struct request *r, int64_t id, struct answer *a)
{
	struct tariff_row row;
	json_t *doc = NULL;
	enum err e = tariff_read(r->db, id, caller_site(r), r->now, &row, &doc);

	if (e != ERR_OK)
		return e;
	a->json = tariff_json(&row);
	json_object_set_new(a->json, "file", doc);
	return ERR_OK;
}

enum err tariffs_list(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_i64(caller_site(r)), arg_utc(r->now)), tariff_json);
}

enum err tariff_get(struct request *r, struct answer *a)
{
	return answer_tariff(r, r->object, a);
}

static struct price_guard second_person(
	const struct request *r, const char *once_key, int64_t *approval_id)
{
	return (struct price_guard){ PRICE_SECOND, 0, approval_id, r->user.id, once_key };
}

enum err tariff_new(struct request *r, struct answer *a)
{
	struct tariff_change c = { .doc = r->json,
		.site_id = caller_site(r),
		.actor = r->actor,
		.address = r->remote,
		.now = r->now };
	char once[ONCE_MAX];
	int64_t id = 0, approval_id = 0;
	enum err e;

	c.guard = second_person(r, request_once(r, "tariff", once), &approval_id);
	e = tariff_put(r->db, &c, &id, &a->why);
	if (e == ERR_OK && approval_id) {
		answer_approval(a, approval_id);
		return ERR_OK;
	}
	return e == ERR_OK ? answer_tariff(r, id, a) : e;
}

/* The tariff in force of a meter, and those to come: with their files. */
static enum err files_from_now(struct request *r, int64_t meter_id, json_t *items)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = tariff_of_meter(r->db, meter_id, &rows);
	const struct assigned *t = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		struct tariff_row row;
		json_t *doc = NULL;

		if (i + 1 < rows.n && t[i + 1].from_at.ms <= r->now.ms)
			continue; /* is over */
		e = tariff_read(r->db, t[i].tariff_id, 0, r->now, &row, &doc);
		if (e == ERR_OK)
			json_array_append_new(items, json_pack("{s:o, s:o}", "from",
							     json_utc(t[i].from_at), "file", doc));
	}
	return e;
}

enum err me_tariff(struct request *r, struct answer *a)
{
	struct me_price p;
	struct me_account m;
	struct usage_meter u;
	json_t *items;
	enum err e = me_meter_get(r->db, r->user.id, param_int(r, "meter_id"), r->now, &m);

	if (e == ERR_OK)
		e = usage_meter_get(r->db, m.meter_id, r->user.id, 0, &u);
	if (e == ERR_OK)
		e = me_price_now(r->db, &m, r->now, &p);
	if (e != ERR_OK)
		return e;
	items = json_array();
	a->json = json_pack("{s:I, s:s, s:i, s:s, s:o, s:o, s:n}", "meter_id",
		(json_int_t)m.meter_id, "zone", m.zone, "tier", p.tier, "rate", p.rate, "price",
		json_price(p.price), "items", items, "next");
	view_quantity(a->json, u.utility, p.used);
	return files_from_now(r, m.meter_id, items);
}

static enum err answer_assigned(struct request *r, int64_t meter_id, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	json_t *items = json_array();
	enum err e = tariff_of_meter(r->db, meter_id, &rows);
	const struct assigned *t = rows.at;

	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(
			items, json_pack("{s:I, s:s, s:s, s:o}", "tariff_id",
				       (json_int_t)t[i].tariff_id, "code", t[i].code, "name",
				       t[i].name, "from", json_utc(t[i].from_at)));
	a->json = json_items(items);
	return e;
}

/* The caller may see the meter. */
static enum err meter_seen(struct request *r, int64_t id, struct usage_meter *m)
{
	return usage_meter_get(r->db, id, 0, caller_site(r), m);
}

enum err meter_tariffs(struct request *r, struct answer *a)
{
	struct usage_meter m;
	enum err e = meter_seen(r, r->object, &m);

	return e == ERR_OK ? answer_assigned(r, r->object, a) : e;
}

enum err meter_tariff_set(struct request *r, struct answer *a)
{
	struct tariff_assign t = { .meter_id = r->object,
		.tariff_id = body_int(r, "tariff_id", 0),
		.actor = r->actor,
		.address = r->remote,
		.now = r->now };
	char once[ONCE_MAX];
	int64_t approval_id = 0;
	struct usage_meter m;
	enum err e = meter_seen(r, r->object, &m);

	t.guard = second_person(r, request_once(r, "tariff_assign", once), &approval_id);
	if (e == ERR_OK && utc_parse(body_text(r, "from", ""), &t.from) != ERR_OK)
		return problem_set(&a->why, ERR_BAD_VALUE, "from", "an RFC 3339 time is expected");
	if (e == ERR_OK)
		e = tariff_assign(r->db, &t, &a->why);
	if (e == ERR_OK && approval_id) {
		answer_approval(a, approval_id);
		return ERR_OK;
	}
	return e == ERR_OK ? answer_assigned(r, r->object, a) : e;
}

/* Days of the body, both included, in the zone of the meter. */
static enum err days_span(struct request *r, const struct usage_meter *m, struct utc *from,
	struct utc *to, struct problem *why)
{
	AUTO(zone_free) struct zone *z = NULL;
	struct day first, last;

	if (day_parse(body_text(r, "from", ""), &first) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, "from", "a day like 2026-11-22 is expected");
	if (day_parse(body_text(r, "to", ""), &last) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, "to", "a day like 2026-11-22 is expected");
	if (last.days < first.days)
		return problem_set(why, ERR_OUT_OF_RANGE, "to", "not before from");
	if (zone_open(m->zone, &z) != ERR_OK)
		return ERR_INTERNAL;
	*from = zone_day_start(z, first);
	*to = zone_day_start(z, (struct day){ last.days + 1 });
	return ERR_OK;
}

static enum err simulate(struct request *r, struct what_if *w, struct answer *a)
{
	struct usage_meter m;
	json_t *out = NULL;
	enum err e;

	w->meter_id = body_int(r, "meter_id", 0);
	e = meter_seen(r, w->meter_id, &m);
	if (e == ERR_NOT_FOUND)
		return problem_set(&a->why, e, "meter_id", "there is no such meter");
	if (e == ERR_OK)
		e = days_span(r, &m, &w->from, &w->to, &a->why);
	if (e == ERR_OK)
		e = tariff_what_if(r->db, w, &out, &a->why);
	if (e != ERR_OK)
		return e;
	json_object_set_new(out, "meter_id", json_integer(w->meter_id));
	a->json = out;
	return ERR_OK;
}

enum err tariff_simulate(struct request *r, struct answer *a)
{
	return simulate(r, &(struct what_if){ .tariff_id = r->object }, a);
}

enum err tariff_draft_simulate(struct request *r, struct answer *a)
{
	enum err e = simulate(r, &(struct what_if){ .doc = json_object_get(r->json, "file") }, a);
	const char *field = a->why.field;
	char path[sizeof(a->why.field) + 8];

	if (e == ERR_OK || str_eq(field, "meter_id") || str_eq(field, "from") ||
		str_eq(field, "to"))
		return e;
	snprintf(path, sizeof(path), "file%s%s", *field ? "." : "", field);
	snprintf(a->why.field, sizeof(a->why.field), "%.*s", (int)sizeof(a->why.field) - 1, path);
	return e;
}
