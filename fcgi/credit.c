/* Meters that keep their credit themselves. */
#include "domain/credit.h"

#include <stdio.h>

#include "domain/live.h"
#include "domain/metersetting.h"
#include "fcgi/device_model.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"
#include "fcgi/views.h"

static json_t *credit_json(const struct credit_view *v)
{
	return json_pack("{s:I, s:s, s:I, s:I, s:o, s:I, s:o, s:b, s:o}", "meter_id",
		(json_int_t)v->meter_id, "unit", v->unit, "count", (json_int_t)v->count,
		"remaining_milli", (json_int_t)v->remaining_milli, "read_at", json_utc(v->read_at),
		"booked_milli", (json_int_t)v->booked_milli, "worth", json_money(v->worth),
		"blocked", v->blocked ? 1 : 0, "blocked_why", json_text_or_null(v->blocked_why));
}

static enum err in_scope(struct request *r, struct live_meter *m)
{
	return live_meter(r->db, caller_site(r), r->object, r->now, m);
}

/* What the meter holds: nothing desired and never read are null. */
static json_t *setting_json(const struct metersetting_view *v)
{
	json_t *observed = v->observed_at.ms ? json_string(v->observed) : json_null();

	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o}", "kind", v->kind,
		"state", v->state, "desired", json_text_or_null(v->desired), "desired_at",
		v->desired[0] ? json_utc(v->desired_at) : json_null(), "why",
		json_text_or_null(v->why), "observed", observed, "observed_at",
		json_utc(v->observed_at), "sent_at", json_utc(v->sent_at), "tries",
		(json_int_t)v->tries, "error", json_text_or_null(v->error));
}

static enum err settings_add(struct request *r, json_t *items)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = metersettings_list(r->db, r->object, &rows);
	const struct metersetting_view *v = rows.at;

	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(items, setting_json(&v[i]));
	return e;
}

enum err meter_settings(struct request *r, struct answer *a)
{
	struct live_meter m;
	json_t *items = json_array();
	enum err e = in_scope(r, &m);

	a->json = json_items(items);
	return e == ERR_OK ? settings_add(r, items) : e;
}

enum err meter_credit(struct request *r, struct answer *a)
{
	struct live_meter m;
	struct credit_view v;
	json_t *items;
	enum err e = in_scope(r, &m);

	if (e == ERR_OK)
		e = credit_get(r->db, r->object, &v);
	if (e != ERR_OK)
		return e;
	a->json = credit_json(&v);
	items = json_array();
	json_object_set_new(a->json, "settings", items);
	return settings_add(r, items);
}

static json_t *purchase_json(const void *row)
{
	const struct purchase_view *p = row;

	return json_pack("{s:I, s:I, s:I, s:I, s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "id",
		(json_int_t)p->id, "account_id", (json_int_t)p->account_id, "count",
		(json_int_t)p->count, "amount_milli", (json_int_t)p->amount_milli, "worth",
		json_money(p->worth), "state", p->state, "why", json_text_or_null(p->word),
		"created_at", json_utc(p->created_at), "sent_at", json_utc(p->sent_at), "ended_at",
		json_utc(p->ended_at), "error", json_text_or_null(p->error));
}

enum err meter_purchases(struct request *r, struct answer *a)
{
	struct live_meter m;
	enum err e = in_scope(r, &m);

	return e == ERR_OK ? list_answer(r, a, ARGS(arg_i64(r->object)), purchase_json) : e;
}

enum err meter_credit_decide(struct request *r, struct answer *a)
{
	struct credit_deciding d = { .meter_id = r->object,
		.reason = body_text(r, "reason", ""),
		.actor = r->actor,
		.address = r->remote,
		.now = r->now };
	struct live_meter m;
	enum err e = in_scope(r, &m);

	if (e == ERR_OK)
		e = credit_decision_parse(body_text(r, "action", ""), &d.decision);
	if (e == ERR_OK)
		e = credit_decide(r->db, &d, &a->why);
	return e == ERR_OK ? meter_credit(r, a) : e;
}

enum err meter_billing(struct request *r, struct answer *a)
{
	char once[ONCE_MAX];
	struct credit_converting c = { .meter_id = r->object,
		.to_meter = str_eq(body_text(r, "billing", ""), "meter"),
		.reason = body_text(r, "reason", ""),
		.once_key = request_once(r, "billing", once),
		.actor = r->actor,
		.address = r->remote,
		.preview = json_is_true(json_object_get(r->json, "preview")),
		.now = r->now };
	struct credit_converted done = { 0 };
	struct live_meter m;
	enum err e = in_scope(r, &m);

	if (e == ERR_OK && c.to_meter)
		e = credit_model(r->api->models_dir, m.model, &c.facts, &a->why);
	else if (e == ERR_OK)
		(void)!credit_model(r->api->models_dir, m.model, &c.facts,
			NULL); /* without: nothing to switch off */
	if (e == ERR_OK)
		e = credit_convert(r->db, &c, &done, &a->why);
	if (e != ERR_OK)
		return e;
	a->json = json_pack("{s:I, s:s, s:b, s:o, s:I, s:I, s:o, s:o}", "meter_id",
		(json_int_t)m.id, "billing", c.to_meter ? "meter" : "account", "preview",
		c.preview ? 1 : 0, "moves", json_money(done.moves), "remaining_milli",
		(json_int_t)done.remaining_milli, "count", (json_int_t)done.count, "prices",
		json_text_or_null(done.held.prices), "slots", json_text_or_null(done.held.slots));
	return ERR_OK;
}
