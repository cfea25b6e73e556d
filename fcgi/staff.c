#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/zone.h"
#include "domain/audit.h"
#include "domain/estate.h"
#include "domain/forecast.h"
#include "domain/meterclock.h"
#include "domain/life.h"
#include "domain/supplypoint.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"
#include "fcgi/usage_view.h"
#include "fcgi/views.h"

#define ACTS_SHOWN 20

static json_t *meters_json(const struct rows *rows, struct utc now)
{
	const struct live_meter *m = rows->at;
	json_t *items = json_array();

	for (size_t i = 0; i < rows->n; i++)
		json_array_append_new(items, view_meter(&m[i], now));
	return items;
}

enum err meters_list(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = list_rows(r, ARGS(arg_utc(r->now), arg_i64(caller_site(r))), &rows);

	if (e == ERR_OK)
		a->json = json_items(meters_json(&rows, r->now));
	return e;
}

static json_t *acts_json(const struct rows *rows)
{
	const struct live_act *t = rows->at;
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n; i++)
		json_array_append_new(
			list, json_pack("{s:I, s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "id",
				      (json_int_t)t[i].id, "action", t[i].action, "state",
				      t[i].state, "reason", t[i].reason, "actor",
				      t[i].actor[0] ? t[i].actor : "system", "created_at",
				      json_utc(t[i].created_at), "done_at", json_utc(t[i].done_at),
				      "error", json_text_or_null(t[i].error)));
	return list;
}

static json_t *rates_json(const struct live_meter *m)
{
	const struct {
		const char *name;
		struct qty q;
	} rates[] = {
		{ "sharp", m->sharp_milli },
		{ "peak", m->peak_milli },
		{ "flat", m->flat_milli },
		{ "valley", m->valley_milli },
	};
	json_t *o = json_object();

	for (size_t i = 0; i < ARRAY_LEN(rates); i++)
		if (m->read_at.ms && rates[i].q.milli >= 0)
			json_object_set_new(o, rates[i].name, json_integer(rates[i].q.milli));
	return o;
}

/* Null: the meter tells no time, or has not been read. */
static enum err clock_json(struct db *db, int64_t meter_id, json_t **out)
{
	struct meter_clock c;
	enum err e = meter_clock_get(db, meter_id, &c);

	if (e == ERR_OK)
		*out = json_pack("{s:I, s:o, s:o, s:I}", "drift_s", (json_int_t)c.drift_s,
			"seen_at", json_utc(c.seen_at), "set_at", json_utc(c.set_at), "set_by_s",
			(json_int_t)c.set_by_s);
	else if (e == ERR_NOT_FOUND)
		*out = json_null();
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static json_t *setup_json(const struct estate_meter *m)
{
	char start[MONEY_TEXT_MAX], current[MONEY_TEXT_MAX];

	return json_pack("{s:o, s:I, s:I, s:s, s:s, s:I, s:b}", "parent",
		view_named(m->parent_id, m->parent_code, m->parent_name), "ct_ratio",
		(json_int_t)m->ct_ratio, "pt_ratio", (json_int_t)m->pt_ratio, "rated_current_a",
		qty_text((struct qty){ m->rated_current_ma }, current), "start_register",
		qty_text(m->start, start), "power_limit_w", (json_int_t)m->power_limit_w, "enabled",
		m->enabled ? 1 : 0);
}

enum err meter_get(struct request *r, struct answer *a)
{
	json_t *clock = NULL;
	AUTO(rows_free) struct rows blocks = { 0 };
	AUTO(rows_free) struct rows acts = { 0 };
	struct estate_meter setup;
	struct supply_point p;
	struct live_meter m;
	enum err e = live_meter(r->db, caller_site(r), r->object, r->now, &m);

	if (e == ERR_OK)
		e = estate_meter(r->db, m.id, &setup);
	if (e == ERR_OK)
		e = supply_get(r->db, m.supply_point_id, &p);
	if (e == ERR_OK)
		e = supply_blocks(r->db, m.supply_point_id, &blocks);
	if (e == ERR_OK)
		e = live_acts(r->db, m.id, ACTS_SHOWN, &acts);
	if (e == ERR_OK)
		e = clock_json(r->db, m.id, &clock);
	if (e != ERR_OK)
		return e;
	a->json = view_meter(&m, r->now);
	json_object_set_new(a->json, "clock", clock);
	json_object_set_new(a->json, "blocks", view_blocks(&blocks));
	json_object_set_new(a->json, "keep_until", view_keep(m.keep_until, r->now));
	json_object_set_new(a->json, "load_class", json_string(p.load_class));
	json_object_set_new(a->json, "deferred", json_text_or_null(p.deferred));
	json_object_set_new(a->json, "acts", acts_json(&acts));
	json_object_set_new(
		a->json, "fault", str_eq(m.comm, "ok") ? json_null() : json_text_or_null(m.error));
	json_object_set_new(a->json, "energy_by_rate_wh", rates_json(&m));
	json_object_set_new(a->json, "setup", setup_json(&setup));
	return ERR_OK;
}

enum err meter_usage(struct request *r, struct answer *a)
{
	return answer_usage(r, a, r->object, 0, caller_site(r));
}

enum err meter_read_now(struct request *r, struct answer *a)
{
	struct live_meter m;
	enum err e = live_meter(r->db, caller_site(r), r->object, r->now, &m);

	if (e == ERR_OK)
		e = live_read_wanted(r->db, m.id, r->now);
	if (e == ERR_OK)
		a->json = json_pack("{s:I, s:o}", "meter_id", (json_int_t)m.id, "requested_at",
			json_utc(r->now));
	return e;
}

static json_t *found_json(const struct live_account *f, const struct days_left *left)
{
	json_t *tenant = view_tenant(f->tenant_id, f->tenant_code, f->tenant_name, f->room);

	json_object_set_new(tenant, "phone", json_text_or_null(f->phone));
	return json_pack("{s:I, s:s, s:o, s:o, s:o, s:o, s:s, s:o}", "id", (json_int_t)f->id,
		"purpose", f->purpose, "tenant", tenant, "meter",
		view_named(f->meter_id, f->meter_code, f->meter_name), "balance",
		json_money(f->balance), "subsidy", json_money(f->subsidy), "level", f->level,
		"days_left", view_days_left(left));
}

enum err accounts_list(struct request *r, struct answer *a)
{
	AUTO(forecast_free) struct forecast forecast = { 0 };
	AUTO(rows_free) struct rows rows = { 0 };
	struct days_left left;
	json_t *items = json_array();
	enum err e = list_rows(r, ARGS(arg_i64(caller_site(r))), &rows);
	const struct live_account *f = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		e = forecast_account(r->db, &forecast, f[i].id, r->now, &left);
		if (e == ERR_OK)
			json_array_append_new(items, found_json(&f[i], &left));
	}
	a->json = json_items(items);
	return e;
}

static json_t *tenant_json(const void *row)
{
	return shape_json(&live_tenant_shape, row);
}

enum err tenants_list(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_i64(caller_site(r))), tenant_json);
}
