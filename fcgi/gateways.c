/* Gateways, the health of their buses, and when they were silent. */
#include "domain/estate.h"
#include "domain/live.h"
#include "domain/outage.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"
#include "fcgi/views.h"

static json_t *fault_json(const struct live_fault *f)
{
	return json_pack("{s:s, s:I, s:o}", "kind", f->kind, "seen", (json_int_t)f->seen, "last_at",
		json_utc(f->last_at));
}

/* Those of a gateway, of rows by gateway. */
static json_t *faults_json(const struct rows *rows, int64_t gateway_id)
{
	const struct live_fault *f = rows->at;
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n; i++)
		if (f[i].gateway_id == gateway_id)
			json_array_append_new(list, fault_json(&f[i]));
	return list;
}

static json_t *gateway_json(const struct live_gateway *g, const struct rows *faults)
{
	json_t *j = json_pack(
		"{s:I, s:s, s:s, s:s, s:s, s:o, s:{s:s, s:o}, s:I, s:I, s:I, s:I, s:b}", "id",
		(json_int_t)g->id, "code", g->code, "name", g->name, "address", g->address,
		"transport", g->transport, "area", json_text_or_null(g->area), "comm", "state",
		g->comm, "since", json_utc(g->comm_since), "meters", (json_int_t)g->meters, "fresh",
		(json_int_t)g->fresh, "round_ms", (json_int_t)g->round_ms, "utilisation_permille",
		(json_int_t)g->utilisation_permille, "enabled", g->enabled ? 1 : 0);

	json_object_set_new(j, "read_at", json_utc(g->read_at));
	json_object_set_new(j, "answer_ms",
		json_pack("{s:I, s:I, s:I}", "p50", (json_int_t)g->answer_p50_ms, "p95",
			(json_int_t)g->answer_p95_ms, "p99", (json_int_t)g->answer_p99_ms));
	json_object_set_new(j, "faults", faults_json(faults, g->id));
	return j;
}

enum err gateways_list(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	AUTO(rows_free) struct rows faults = { 0 };
	json_t *items = json_array();
	enum err e =
		list_rows(r, ARGS(arg_i64(r->now.ms - FRESH_MS), arg_i64(caller_site(r))), &rows);
	const struct live_gateway *g = rows.at;

	if (e == ERR_OK)
		e = live_faults(r->db, caller_site(r), &faults);
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		json_array_append_new(items, gateway_json(&g[i], &faults));
	a->json = json_items(items);
	return e;
}

enum err gateway_show(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	AUTO(rows_free) struct rows faults = { 0 };
	const struct live_gateway *g;
	struct estate_gateway setup;
	enum err e = estate_gateway(r->db, caller_site(r), r->object, &setup);

	if (e == ERR_OK)
		e = live_gateways(r->db, setup.site_id, r->now, &rows);
	if (e == ERR_OK)
		e = live_faults(r->db, setup.site_id, &faults);
	g = rows.at;
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		if (g[i].id != r->object)
			continue;
		a->json = gateway_json(&g[i], &faults);
		json_object_set_new(a->json, "setup",
			json_pack("{s:o, s:o, s:I, s:s}", "site",
				view_named(setup.site_id, setup.site_code, setup.site_name), "area",
				view_named(setup.area_id, setup.area_code, setup.area_name), "baud",
				(json_int_t)setup.baud, "parity", setup.parity));
		return ERR_OK;
	}
	return e == ERR_OK ? ERR_NOT_FOUND : e;
}

static json_t *outage_json(const void *row)
{
	const struct outage *o = row;

	return json_pack("{s:I, s:o, s:o}", "id", (json_int_t)o->id, "from_at",
		json_utc(o->from_at), "until_at", json_utc(o->until_at));
}

static enum err outages(struct request *r, struct answer *a, const char *kind, int64_t id)
{
	return list_answer(r, a, ARGS(arg_text(kind), arg_i64(id)), outage_json);
}

enum err gateway_outages(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = live_gateways(r->db, caller_site(r), r->now, &rows);
	const struct live_gateway *g = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		if (g[i].id == r->object)
			return outages(r, a, "gateway", r->object);
	return e == ERR_OK ? ERR_NOT_FOUND : e;
}

enum err meter_outages(struct request *r, struct answer *a)
{
	struct live_meter m;
	enum err e = live_meter(r->db, caller_site(r), r->object, r->now, &m);

	return e == ERR_OK ? outages(r, a, "meter", m.id) : e;
}
