/* The estate: sites, areas, gateways, meters and their models as they are set up, and tenants.
 * Changes go through the rules of the import, in core/import. */
#include "domain/estate.h"

#include <stdio.h>
#include <string.h>

#include "domain/life.h"
#include "domain/outofservice.h"
#include "fcgi/handlers.h"
#include "fcgi/imports.h"
#include "fcgi/views.h"
#include "import/one.h"
#include "meter/model.h"

static json_t *quantity(struct qty q)
{
	char text[MONEY_TEXT_MAX];

	return json_string(qty_text(q, text));
}

/* ---- changes ---- */

/* One row of the sheet by the body; on success r->object is its number. */
static enum err put(struct request *r, struct answer *a, enum sheet_id sheet)
{
	AUTO(models_free) struct models *models = NULL;
	struct one_ask ask = { .sheet = sheet,
		.id = r->object,
		.fields = r->json,
		.reason = body_text(r, "reason", ""),
		.chinese = request_chinese(r, false),
		.site_id = caller_site(r),
		.actor = r->actor,
		.address = r->remote,
		.now = r->now };
	enum err e = models_open(r->api->models_dir, &models, &a->why);

	if (e == ERR_OK && r->user.in_areas &&
		(json_object_get(r->json, "area") || json_object_get(r->json, "gateway") ||
			json_object_get(r->json, "parent")))
		return problem_set(&a->why, ERR_FORBIDDEN, "",
			"where a thing stands is changed by who sees the whole site");
	if (e == ERR_OK)
		e = request_import_rights(r, &ask.rights);
	if (e != ERR_OK)
		return e;
	ask.models = models;
	return one_put(r->db, &ask, &r->object, &a->why);
}

/* ---- sites ---- */

static json_t *site_json(const struct estate_site *s)
{
	return json_pack("{s:I, s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "id", (json_int_t)s->id,
		"code", s->code, "name", s->name, "zone", s->zone, "profile", s->profile, "areas",
		(json_int_t)s->areas, "gateways", (json_int_t)s->gateways, "meters",
		(json_int_t)s->meters);
}

enum err sites_list(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	json_t *items = json_array();
	enum err e = estate_sites(r->db, caller_site(r), 0, &rows);
	const struct estate_site *s = rows.at;

	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(items, site_json(&s[i]));
	a->json = json_items(items);
	return e;
}

enum err site_show(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = estate_sites(r->db, caller_site(r), r->object, &rows);

	if (e == ERR_OK && rows.n == 0)
		return ERR_NOT_FOUND;
	if (e == ERR_OK)
		a->json = site_json(rows.at);
	return e;
}

enum err site_new(struct request *r, struct answer *a)
{
	enum err e = put(r, a, SHEET_SITES);

	return e == ERR_OK ? site_show(r, a) : e;
}

enum err site_change(struct request *r, struct answer *a)
{
	return site_new(r, a);
}

/* ---- areas ---- */

static json_t *area_json(const struct estate_area *x)
{
	return json_pack("{s:I, s:s, s:s, s:o, s:o, s:s, s:o, s:I}", "id", (json_int_t)x->id,
		"code", x->code, "name", x->name, "site",
		view_named(x->site_id, x->site_code, x->site_name), "parent",
		view_named(x->parent_id, x->parent_code, x->parent_name), "kind", x->kind,
		"floor_m2", quantity(x->floor_m2), "meters", (json_int_t)x->meters);
}

enum err areas_list(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	json_t *items = json_array();
	enum err e = estate_areas(r->db, caller_site(r), 0, &rows);
	const struct estate_area *x = rows.at;

	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(items, area_json(&x[i]));
	a->json = json_items(items);
	return e;
}

enum err area_show(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = estate_areas(r->db, caller_site(r), r->object, &rows);

	if (e == ERR_OK && rows.n == 0)
		return ERR_NOT_FOUND;
	if (e == ERR_OK)
		a->json = area_json(rows.at);
	return e;
}

enum err area_new(struct request *r, struct answer *a)
{
	enum err e = put(r, a, SHEET_AREAS);

	return e == ERR_OK ? area_show(r, a) : e;
}

enum err area_change(struct request *r, struct answer *a)
{
	return area_new(r, a);
}

/* ---- gateways and meters; what they show is in gateways.c and staff.c ---- */

typedef enum err in_service_fn(struct db *, const struct service_ask *, struct problem *);

/* A change of the row, or "enabled" with nothing but its reason. */
static enum err put_or_serve(
	struct request *r, struct answer *a, enum sheet_id sheet, in_service_fn *serve)
{
	const json_t *enabled = json_object_get(r->json, "enabled");
	const struct service_ask ask = { .id = r->object,
		.site_id = caller_site(r),
		.enabled = json_is_true(enabled),
		.reason = body_text(r, "reason", ""),
		.actor = r->actor,
		.address = r->remote,
		.now = r->now };

	if (!enabled)
		return put(r, a, sheet);
	if (json_object_size(r->json) > 2)
		return problem_set(
			&a->why, ERR_BAD_VALUE, "enabled", "is changed alone, with a reason");
	return serve(r->db, &ask, &a->why);
}

enum err gateway_new(struct request *r, struct answer *a)
{
	enum err e = put(r, a, SHEET_GATEWAYS);

	return e == ERR_OK ? gateway_show(r, a) : e;
}

enum err gateway_change(struct request *r, struct answer *a)
{
	enum err e = put_or_serve(r, a, SHEET_GATEWAYS, gateway_in_service);

	return e == ERR_OK ? gateway_show(r, a) : e;
}

enum err meter_new(struct request *r, struct answer *a)
{
	enum err e = put(r, a, SHEET_METERS);

	return e == ERR_OK ? meter_get(r, a) : e;
}

enum err meter_change(struct request *r, struct answer *a)
{
	enum err e = put_or_serve(r, a, SHEET_METERS, meter_in_service);

	return e == ERR_OK ? meter_get(r, a) : e;
}

/* ---- models ---- */

static json_t *model_json(const struct model *m)
{
	json_t *acts = json_array();

	for (int k = 0; k < ACT__MAX; k++)
		if (model_can(m, (enum meter_act)k))
			json_array_append_new(acts, json_string(act_word((enum meter_act)k)));
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:b, s:b, s:b}", "name", m->name,
		"maker", m->maker, "title", m->title, "framing", model_framing_word(m->framing),
		"utility", utility_word(m->utility), "maturity", maturity_word(m->maturity),
		"phases", (json_int_t)m->phases, "acts", acts, "shows_supply",
		m->supply_count > 0 ? 1 : 0, "keeps_credit", model_keeps_credit(m) ? 1 : 0,
		"sets_clock", model_sets_clock(m) ? 1 : 0);
}

enum err meter_models_list(struct request *r, struct answer *a)
{
	AUTO(models_free) struct models *models = NULL;
	json_t *items;
	enum err e = models_open(r->api->models_dir, &models, &a->why);

	if (e != ERR_OK)
		return e;
	items = json_array();
	for (size_t i = 0; i < models_count(models); i++)
		json_array_append_new(items, model_json(models_at(models, i)));
	a->json = json_items(items);
	return ERR_OK;
}

/* The word at the end of the path. */
static const char *path_name(const struct request *r)
{
	return strrchr(r->path, '/') + 1;
}

enum err meter_model_show(struct request *r, struct answer *a)
{
	AUTO(models_free) struct models *models = NULL;
	const struct model *m;
	enum err e = models_open(r->api->models_dir, &models, &a->why);

	if (e != ERR_OK)
		return e;
	m = models_find(models, path_name(r));
	if (!m)
		return ERR_NOT_FOUND;
	a->json = model_json(m);
	return ERR_OK;
}

/* ---- tenants ---- */

static json_t *contracts_json(const struct rows *rows)
{
	const struct estate_contract *c = rows->at;
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n; i++)
		json_array_append_new(list,
			json_pack("{s:I, s:s, s:o, s:o, s:I}", "id", (json_int_t)c[i].id, "code",
				c[i].code, "start_at", json_utc(c[i].start_at), "end_at",
				json_utc(c[i].end_at), "meters_held", (json_int_t)c[i].meters));
	return list;
}

static json_t *phones_json(const char *list)
{
	json_t *phones = json_array();

	while (*list) {
		size_t n = strcspn(list, ";");

		if (n)
			json_array_append_new(phones, json_stringn(list, n));
		list += n + (list[n] == ';');
	}
	return phones;
}

enum err tenant_show(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows contracts = { 0 };
	struct estate_tenant t;
	enum err e = estate_tenant(r->db, caller_site(r), r->object, &t);

	if (e == ERR_OK)
		e = estate_contracts(r->db, t.id, &contracts);
	if (e != ERR_OK)
		return e;
	a->json = json_pack("{s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "id", (json_int_t)t.id,
		"code", t.code, "name", t.name, "room", json_text_or_null(t.room), "phone",
		json_text_or_null(t.phone), "contacts", phones_json(t.contacts), "site",
		view_named(t.site_id, t.site_code, t.site_name), "floor_m2", quantity(t.floor_m2),
		"contracts", contracts_json(&contracts));
	return ERR_OK;
}
