#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/zone.h"
#include "domain/audit.h"
#include "domain/forecast.h"
#include "domain/supplypoint.h"
#include "fcgi/handlers.h"
#include "fcgi/usage_view.h"
#include "fcgi/views.h"

#define ACTS_SHOWN 20

/* When the local day began at the caller's site; for staff of several sites in UTC. */
static enum err today_start(struct request *r, struct utc *out)
{
	AUTO(zone_free) struct zone *z = NULL;
	struct site s;
	enum err e = user_site(r->db, &r->user, &s);

	if (e != ERR_OK && e != ERR_NOT_FOUND)
		return e;
	e = zone_open(e == ERR_OK ? s.zone : "UTC", &z);
	if (e == ERR_OK)
		*out = zone_day_start(z, zone_local(z, r->now).day);
	return e;
}

enum err board_get(struct request *r, struct answer *a)
{
	struct live_board b;
	struct utc today;
	enum err e = today_start(r, &today);

	if (e == ERR_OK)
		e = live_board(r->db, caller_site(r), today, r->now, &b);
	if (e != ERR_OK)
		return e;
	a->json = json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I}", "at",
		json_utc(r->now), "meters_total", (json_int_t)b.meters_total, "meters_fresh",
		(json_int_t)b.meters_fresh, "low", (json_int_t)b.low, "cut", (json_int_t)b.cut,
		"kept", (json_int_t)b.kept, "silent", (json_int_t)b.silent, "sales_today_fen",
		(json_int_t)b.sales_today_fen, "orders_today", (json_int_t)b.orders_today,
		"power_back_p95_ms",
		b.power_back_p95_ms >= 0 ? json_integer(b.power_back_p95_ms) : json_null(),
		"alarms_open", (json_int_t)b.alarms_open);
	return ERR_OK;
}

/* The same filter and the same version: the client has it already. */
static enum err not_modified(struct request *r, struct answer *a, bool *same)
{
	const char *have = request_header(r, "HTTP_IF_NONE_MATCH");
	char version[LIVE_VERSION_MAX];
	enum err e = live_version(r->db, version);

	if (e != ERR_OK)
		return e;
	snprintf(a->etag, sizeof(a->etag), "W/\"%s\"", version);
	*same = have && strstr(have, version) != NULL;
	return ERR_OK;
}

enum err meters_list(struct request *r, struct answer *a)
{
	struct live_filter f = { caller_site(r), param_int(r, "gateway_id"), param_text(r, "q") };
	AUTO(rows_free) struct rows rows = { 0 };
	const struct live_meter *m;
	json_t *items;
	bool same = false;
	enum err e = not_modified(r, a, &same);

	if (e == ERR_OK && same) {
		a->status = 304;
		return ERR_OK;
	}
	if (e == ERR_OK)
		e = live_meters(r->db, &f, r->now, &rows);
	if (e != ERR_OK)
		return e;
	items = json_array();
	m = rows.at;
	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(items, view_meter(&m[i], r->now));
	a->json = json_items(items);
	return ERR_OK;
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

enum err meter_get(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows blocks = { 0 };
	AUTO(rows_free) struct rows acts = { 0 };
	struct supply_point p;
	struct live_meter m;
	enum err e = live_meter(r->db, caller_site(r), r->object, r->now, &m);

	if (e == ERR_OK)
		e = supply_get(r->db, m.supply_point_id, &p);
	if (e == ERR_OK)
		e = supply_blocks(r->db, m.supply_point_id, &blocks);
	if (e == ERR_OK)
		e = live_acts(r->db, m.id, ACTS_SHOWN, &acts);
	if (e != ERR_OK)
		return e;
	a->json = view_meter(&m, r->now);
	json_object_set_new(a->json, "blocks", view_blocks(&blocks));
	json_object_set_new(a->json, "keep_until", view_keep(m.keep_until, r->now));
	json_object_set_new(a->json, "load_class", json_string(p.load_class));
	json_object_set_new(a->json, "deferred", json_text_or_null(p.deferred));
	json_object_set_new(a->json, "acts", acts_json(&acts));
	json_object_set_new(
		a->json, "fault", str_eq(m.comm, "ok") ? json_null() : json_text_or_null(m.error));
	json_object_set_new(a->json, "energy_by_rate_wh", rates_json(&m));
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
	enum err e = live_accounts(
		r->db, caller_site(r), param_text(r, "q"), param_int(r, "tenant_id"), &rows);
	const struct live_account *f = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		e = forecast_account(r->db, &forecast, f[i].id, r->now, &left);
		if (e == ERR_OK)
			json_array_append_new(items, found_json(&f[i], &left));
	}
	a->json = json_items(items);
	return e;
}

enum err tenants_list(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	json_t *items = json_array();
	enum err e = live_tenants(r->db, caller_site(r), param_text(r, "q"), &rows);
	const struct live_tenant *t = rows.at;

	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(items, shape_json(&live_tenant_shape, &t[i]));
	a->json = json_items(items);
	return e;
}
