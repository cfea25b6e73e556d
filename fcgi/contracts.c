/* Contracts from opening to closing, the exchange of devices, and a tenant's sub-tenants. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/contract.h"
#include "domain/live.h"
#include "domain/meterchange.h"
#include "domain/subtenant.h"
#include "fcgi/device_model.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"
#include "fcgi/views.h"

#define METERS_MAX 128 /* of one act; by the schema too */
#define PURSES_MAX 3

/* ---- what is asked ---- */

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* An instant, or 0 when absent. */
static enum err instant_of(
	const json_t *o, const char *key, const char *field, struct utc *out, struct problem *why)
{
	const char *s = text_of(o, key);

	out->ms = 0;
	if (!s[0])
		return ERR_OK;
	if (utc_parse(s, out) != ERR_OK || out->ms <= 0)
		return problem_set(why, ERR_BAD_VALUE, field, "an RFC 3339 time is expected");
	return ERR_OK;
}

static enum err register_of(
	const json_t *o, const char *key, const char *field, struct qty *out, struct problem *why)
{
	if (qty_parse(text_of(o, key), out) != ERR_OK || out->milli < 0)
		return problem_set(why, ERR_BAD_VALUE, field,
			"a register as the meter shows it is expected, at most 3 decimals");
	return ERR_OK;
}

/* An amount, or 0 when absent. */
static enum err amount_of(
	const json_t *o, const char *key, const char *field, struct money *out, struct problem *why)
{
	const char *s = text_of(o, key);

	out->nano = 0;
	if (s[0] && money_parse(s, out) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, field, "this is not an amount");
	return ERR_OK;
}

struct ask {
	struct life_ask life;
	char once[ONCE_MAX];
	json_t *request; /* the body and what the path names */
};

static void ask_free(struct ask *a)
{
	json_free(&a->request);
}

static void ask_make(struct request *r, const char *what, struct ask *a)
{
	a->request = json_copy(r->json);
	json_object_set_new(a->request, "act", json_string(what));
	json_object_set_new(a->request, "object", json_integer(r->object));
	a->life = (struct life_ask){ .user_id = r->user.id,
		.site_id = caller_site(r),
		.actor = r->actor,
		.address = r->remote,
		.once_key = request_once(r, what, a->once),
		.request = a->request,
		.preview = json_is_true(json_object_get(r->json, "preview")),
		.now = r->now };
}

/* The meters of a list with the registers that were typed in. */
static enum err readings_of(const struct request *r, const char *key,
	struct life_reading out[static METERS_MAX], size_t *n, struct problem *why)
{
	const json_t *list = json_object_get(r->json, key);
	char field[64];
	json_t *one;
	size_t i;
	enum err e = ERR_OK;

	*n = json_array_size(list);
	ASSERT(*n <= METERS_MAX); /* by the schema */
	json_array_foreach(list, i, one)
	{
		out[i] = (struct life_reading){ .meter_id = json_integer_value(
							json_object_get(one, "meter_id")),
			.typed = json_object_get(one, "register") != NULL };
		snprintf(field, sizeof(field), "%s[%zu].at", key, i);
		e = instant_of(one, "at", field, &out[i].at, why);
		if (e == ERR_OK && out[i].at.ms && !out[i].typed)
			return problem_set(
				why, ERR_MISSING_FIELD, field, "an instant belongs to a register");
		snprintf(field, sizeof(field), "%s[%zu].register", key, i);
		if (e == ERR_OK && out[i].typed)
			e = register_of(one, "register", field, &out[i].reg, why);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

static enum err purse_of(const json_t *one, size_t i, struct life_purse *p, struct problem *why)
{
	const struct {
		const char *key;
		struct money *to;
	} amounts[] = { { "opening_balance", &p->opening }, { "warn1", &p->warn1 },
		{ "warn2", &p->warn2 }, { "credit_limit", &p->credit_limit },
		{ "emergency_limit", &p->emergency_limit } };
	char field[64];
	enum err e = ERR_OK;

	p->purpose = text_of(one, "purpose");
	for (size_t k = 0; e == ERR_OK && k < ARRAY_LEN(amounts); k++) {
		snprintf(field, sizeof(field), "purses[%zu].%s", i, amounts[k].key);
		e = amount_of(one, amounts[k].key, field, amounts[k].to, why);
	}
	return e;
}

static enum err purses_of(const struct request *r, struct life_purse out[static PURSES_MAX],
	size_t *n, struct problem *why)
{
	const json_t *list = json_object_get(r->json, "purses");
	json_t *one;
	size_t i;
	enum err e = ERR_OK;

	*n = json_array_size(list);
	ASSERT(*n <= PURSES_MAX); /* by the schema */
	json_array_foreach(list, i, one) if (e == ERR_OK) e = purse_of(one, i, &out[i], why);
	return e;
}

/* An existing tenant by id, or a new one with code and name. */
static enum err tenant_of(const struct request *r, struct life_tenant *out, struct problem *why)
{
	const json_t *t = json_object_get(r->json, "tenant");

	*out = (struct life_tenant){ .id = json_integer_value(json_object_get(t, "id")),
		.code = text_of(t, "code"),
		.name = text_of(t, "name"),
		.phone = text_of(t, "phone"),
		.contacts = text_of(t, "contacts"),
		.room = text_of(t, "room") };
	if (out->id && json_object_size(t) > 1)
		return problem_set(
			why, ERR_BAD_VALUE, "tenant", "either the id of a tenant or a new one");
	if (!out->id && (!out->code[0] || !out->name[0]))
		return problem_set(
			why, ERR_MISSING_FIELD, "tenant", "a new tenant needs code and name");
	return ERR_OK;
}

/* ---- what was done ---- */

static enum err answer_life(struct answer *a, const struct ask *ask, struct life_done *done)
{
	a->json =
		json_pack("{s:o, s:b, s:O}", "id", done->id ? json_integer(done->id) : json_null(),
			"preview", ask->life.preview ? 1 : 0, "steps", done->steps);
	if (ask->life.preview)
		a->status = 200;
	return ERR_OK;
}

enum err contract_new(struct request *r, struct answer *a)
{
	AUTO(life_done_free) struct life_done done = { 0 };
	AUTO(ask_free) struct ask ask = { 0 };
	struct life_reading meters[METERS_MAX];
	struct life_purse purses[PURSES_MAX];
	struct contract_open o = {
		.code = body_text(r, "code", ""), .meters = meters, .purses = purses
	};
	enum err e = tenant_of(r, &o.tenant, &a->why);

	if (e == ERR_OK)
		e = request_site(r, body_int(r, "site_id", 0), &o.site_id, &a->why);
	if (e == ERR_MISSING_FIELD && o.tenant.id) { /* the tenant's own is meant */
		a->why = (struct problem){ 0 };
		e = ERR_OK;
	}
	if (e == ERR_OK)
		e = instant_of(r->json, "at", "at", &o.at, &a->why);
	if (e == ERR_OK)
		e = readings_of(r, "meters", meters, &o.meters_n, &a->why);
	if (e == ERR_OK)
		e = purses_of(r, purses, &o.purses_n, &a->why);
	ask_make(r, "contract.open", &ask);
	if (e == ERR_OK)
		e = contract_open(r->db, &ask.life, &o, &done, &a->why);
	return e == ERR_OK ? answer_life(a, &ask, &done) : e;
}

enum err contract_meters_add(struct request *r, struct answer *a)
{
	AUTO(life_done_free) struct life_done done = { 0 };
	AUTO(ask_free) struct ask ask = { 0 };
	struct life_reading meters[METERS_MAX];
	struct utc at = { 0 };
	size_t n = 0;
	enum err e = instant_of(r->json, "at", "at", &at, &a->why);

	if (e == ERR_OK)
		e = readings_of(r, "meters", meters, &n, &a->why);
	ask_make(r, "contract.add", &ask);
	if (e == ERR_OK)
		e = contract_add(r->db, &ask.life, r->object, at, meters, n, &done, &a->why);
	return e == ERR_OK ? answer_life(a, &ask, &done) : e;
}

static enum err close_of(const struct request *r, struct life_reading readings[static METERS_MAX],
	struct contract_close *out, struct problem *why)
{
	enum err e = instant_of(r->json, "at", "at", &out->at, why);

	out->id = r->object;
	out->readings = readings;
	out->payout = body_text(r, "payout", "none");
	out->reason = body_text(r, "reason", "");
	return e == ERR_OK ? readings_of(r, "readings", readings, &out->readings_n, why) : e;
}

enum err contract_end(struct request *r, struct answer *a)
{
	AUTO(life_done_free) struct life_done done = { 0 };
	AUTO(ask_free) struct ask ask = { 0 };
	struct life_reading readings[METERS_MAX];
	struct contract_close c = { 0 };
	enum err e = close_of(r, readings, &c, &a->why);

	ask_make(r, "contract.close", &ask);
	if (e == ERR_OK)
		e = contract_close(r->db, &ask.life, &c, &done, &a->why);
	return e == ERR_OK ? answer_life(a, &ask, &done) : e;
}

enum err contract_tenant(struct request *r, struct answer *a)
{
	AUTO(life_done_free) struct life_done done = { 0 };
	AUTO(ask_free) struct ask ask = { 0 };
	struct life_reading readings[METERS_MAX];
	struct life_purse purses[PURSES_MAX];
	struct contract_close c = { 0 };
	struct contract_open o = { .code = body_text(r, "code", ""), .purses = purses };
	enum err e = close_of(r, readings, &c, &a->why);

	if (e == ERR_OK)
		e = tenant_of(r, &o.tenant, &a->why);
	if (e == ERR_OK)
		e = purses_of(r, purses, &o.purses_n, &a->why);
	ask_make(r, "contract.tenant", &ask);
	if (e == ERR_OK)
		e = contract_change(r->db, &ask.life, &c, &o, &done, &a->why);
	return e == ERR_OK ? answer_life(a, &ask, &done) : e;
}

enum err contract_again(struct request *r, struct answer *a)
{
	AUTO(life_done_free) struct life_done done = { 0 };
	AUTO(ask_free) struct ask ask = { 0 };
	enum err e;

	ask_make(r, "contract.reopen", &ask);
	e = contract_reopen(r->db, &ask.life, r->object, &done, &a->why);
	return e == ERR_OK ? answer_life(a, &ask, &done) : e;
}

/* ---- reading ---- */

static json_t *contract_json(const void *row)
{
	const struct contract_row *c = row;

	return json_pack("{s:I, s:s, s:o, s:I, s:o, s:o, s:I}", "id", (json_int_t)c->id, "code",
		c->code, "tenant",
		view_tenant(c->tenant_id, c->tenant_code, c->tenant_name, c->room), "site_id",
		(json_int_t)c->site_id, "start_at", json_utc(c->start_at), "end_at",
		json_utc(c->end_at), "meters_held", (json_int_t)c->meters);
}

enum err contracts_list(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_i64(caller_site(r))), contract_json);
}

static json_t *meters_json(const struct rows *rows)
{
	const struct contract_meter *m = rows->at;
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n; i++)
		json_array_append_new(list,
			json_pack("{s:o, s:s, s:I, s:o, s:o}", "meter",
				view_named(m[i].meter_id, m[i].code, m[i].name), "utility",
				m[i].utility, "account_id", (json_int_t)m[i].account_id, "from_at",
				json_utc(m[i].from_at), "to_at", json_utc(m[i].to_at)));
	return list;
}

static json_t *purses_json(const struct rows *rows)
{
	const struct contract_purse *p = rows->at;
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n; i++)
		json_array_append_new(list,
			json_pack("{s:I, s:s, s:o, s:o, s:o, s:o, s:s}", "account_id",
				(json_int_t)p[i].id, "purpose", p[i].purpose, "balance",
				json_money(p[i].balance), "credit_limit",
				json_money(p[i].credit_limit), "warn1", json_money(p[i].warn1),
				"warn2", json_money(p[i].warn2), "level", p[i].level));
	return list;
}

static json_t *events_json(const struct rows *rows)
{
	const struct contract_event *v = rows->at;
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n; i++) {
		json_t *steps = json_loads(v[i].steps, 0, NULL);

		json_array_append_new(list,
			json_pack("{s:I, s:s, s:o, s:s, s:o, s:o, s:o}", "id", (json_int_t)v[i].id,
				"kind", v[i].kind, "at", json_utc(v[i].at), "actor", v[i].actor,
				"created_at", json_utc(v[i].created_at), "undone_at",
				json_utc(v[i].undone_at), "steps", steps ? steps : json_array()));
	}
	return list;
}

enum err contract_show(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows meters = { 0 };
	AUTO(rows_free) struct rows purses = { 0 };
	AUTO(rows_free) struct rows events = { 0 };
	struct contract_row c;
	enum err e = contract_get(r->db, caller_site(r), r->object, &c);

	if (e == ERR_OK)
		e = contract_meters(r->db, c.id, &meters);
	if (e == ERR_OK)
		e = contract_purses(r->db, c.id, &purses);
	if (e == ERR_OK)
		e = contract_events(r->db, c.id, &events);
	if (e != ERR_OK)
		return e;
	a->json = contract_json(&c);
	json_object_set_new(a->json, "meters", meters_json(&meters));
	json_object_set_new(a->json, "purses", purses_json(&purses));
	json_object_set_new(a->json, "history", events_json(&events));
	return ERR_OK;
}

/* ---- devices ---- */

static int64_t int_of(const json_t *o, const char *key, int64_t fallback)
{
	const json_t *v = json_object_get(o, key);

	return json_is_integer(v) ? json_integer_value(v) : fallback;
}

enum err meter_exchange(struct request *r, struct answer *a)
{
	AUTO(life_done_free) struct life_done done = { 0 };
	AUTO(ask_free) struct ask ask = { 0 };
	const json_t *new = json_object_get(r->json, "new");
	struct meter_change_new n = { .meter_id = r->object,
		.model = text_of(new, "model"),
		.unit = text_of(new, "unit"),
		.serial = text_of(new, "serial"),
		.gateway_id = int_of(new, "gateway_id", 0),
		.ct_ratio = int_of(new, "ct_ratio", 1),
		.pt_ratio = int_of(new, "pt_ratio", 1),
		.reason = body_text(r, "reason", "") };
	struct device_model model = { 0 };
	struct live_meter old;
	enum err e = live_meter(r->db, caller_site(r), r->object, r->now, &old);

	if (e == ERR_OK)
		e = instant_of(r->json, "at", "at", &n.at, &a->why);
	if (e == ERR_OK)
		e = register_of(r->json, "old_final_register", "old_final_register",
			&n.old_register, &a->why);
	if (e == ERR_OK)
		e = register_of(
			new, "start_register", "new.start_register", &n.new_register, &a->why);
	if (e == ERR_OK)
		e = device_model(r->api->models_dir, n.model, n.unit, old.utility, &model, &a->why);
	n.switchable = model.switchable;
	n.own_ratio = model.own_ratio;
	ask_make(r, "meter.replace", &ask);
	if (e == ERR_OK)
		e = meter_replace(r->db, &ask.life, &n, &done, &a->why);
	return e == ERR_OK ? answer_life(a, &ask, &done) : e;
}

enum err meter_exchange_undo(struct request *r, struct answer *a)
{
	AUTO(life_done_free) struct life_done done = { 0 };
	AUTO(ask_free) struct ask ask = { 0 };
	enum err e;

	ask_make(r, "meter.replace_undo", &ask);
	e = meter_replace_undo(r->db, &ask.life, r->object, &done, &a->why);
	return e == ERR_OK ? answer_life(a, &ask, &done) : e;
}

static json_t *register_json(struct qty q)
{
	char text[MONEY_TEXT_MAX];

	return json_string(qty_text(q, text));
}

enum err meter_exchanges(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	json_t *items = json_array();
	struct live_meter m;
	const struct meter_change *c;
	enum err e = live_meter(r->db, caller_site(r), r->object, r->now, &m);

	if (e == ERR_OK)
		e = meter_changes(r->db, r->object, &rows);
	c = rows.at;
	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(items,
			json_pack("{s:I, s:o, s:{s:s, s:s, s:o}, s:{s:s, s:s, s:o}, s:s, s:o, s:o}",
				"id", (json_int_t)c[i].id, "at", json_utc(c[i].at), "old", "model",
				c[i].old_model, "serial", c[i].old_serial, "register",
				register_json(c[i].old_register_milli), "new", "model",
				c[i].new_model, "serial", c[i].new_serial, "register",
				register_json(c[i].new_register_milli), "actor", c[i].actor,
				"reason", json_text_or_null(c[i].reason), "undone_at",
				json_utc(c[i].undone_at)));
	a->json = json_items(items);
	return e;
}

/* ---- sub-tenants ---- */

enum err me_sub_new(struct request *r, struct answer *a)
{
	struct sub_tenant_new n = { .user_id = r->user.id,
		.meter_id = body_int(r, "meter_id", 0),
		.name = body_text(r, "name", ""),
		.actor = r->actor,
		.address = r->remote };
	struct me_sub_tenant t;
	int64_t id = 0;
	enum err e = sub_tenant_add(r->db, &n, r->now, &id, &a->why);

	if (e == ERR_OK)
		e = me_sub_tenant_get(r->db, r->user.id, id, &t);
	if (e == ERR_OK)
		a->json = view_sub_tenant(&t);
	return e;
}

enum err me_sub_remove(struct request *r, struct answer *a)
{
	(void)a;
	return sub_tenant_remove(r->db, r->user.id, r->object, r->actor, r->remote, r->now);
}
