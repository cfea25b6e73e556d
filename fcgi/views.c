#include "fcgi/views.h"

#include <string.h>

#include "domain/supplypoint.h"
#include "fcgi/books.h"

struct supply_view supply_of_meter_row(const struct live_meter *m)
{
	return (struct supply_view){ m->supply_point_id, m->switchable, m->desired,
		m->desired_reason, m->observed, m->comm, m->observed_since };
}

json_t *view_supply_short(const struct supply_view *s)
{
	return json_pack("{s:s, s:o}", "state", supply_state_word(s->desired, s->observed, s->comm),
		"since", json_utc(s->since));
}

json_t *view_supply(const struct supply_view *s)
{
	json_t *o;

	if (!s->id || !s->switchable)
		return json_null();
	o = view_supply_short(s);
	json_object_set_new(o, "desired", json_string(s->desired));
	json_object_set_new(o, "reason", json_string(s->desired_reason));
	return o;
}

json_t *view_named(int64_t id, const char *code, const char *name)
{
	if (!id)
		return json_null();
	return json_pack("{s:I, s:s, s:s}", "id", (json_int_t)id, "code", code, "name", name);
}

json_t *view_tenant(int64_t id, const char *code, const char *name, const char *room)
{
	json_t *o = view_named(id, code, name);

	if (json_is_object(o))
		json_object_set_new(o, "room", json_string(room));
	return o;
}

void view_quantity(json_t *o, const char *utility, struct qty q)
{
	json_object_set_new(
		o, str_eq(utility, "water") ? "volume_l" : "energy_wh", json_integer(q.milli));
}

static json_t *phases(const struct live_meter *m, int64_t a, int64_t b, int64_t c)
{
	const int64_t v[] = { a, b, c };
	json_t *list = json_array();

	for (int64_t i = 0; i < m->phases && i < 3; i++)
		json_array_append_new(list, json_integer(v[i]));
	return list;
}

static json_t *comm_json(const struct live_meter *m)
{
	return json_pack("{s:s, s:o}", "state", m->comm, "since", json_utc(m->comm_since));
}

static json_t *account_json(const struct live_meter *m)
{
	if (!m->account_id)
		return json_null();
	return json_pack("{s:I, s:o, s:s}", "id", (json_int_t)m->account_id, "balance",
		json_money(m->balance), "level", m->level);
}

static json_t *area_json(const struct live_meter *m)
{
	if (!m->area_id)
		return json_null();
	return json_pack("{s:I, s:s}", "id", (json_int_t)m->area_id, "name", m->area_name);
}

/* Values of the last reading; a meter that was never read has none. */
static void add_reading(json_t *o, const struct live_meter *m)
{
	bool electric = str_eq(m->utility, "electricity");

	json_object_set_new(o, "read_at", json_utc(m->read_at));
	if (!m->read_at.ms)
		return;
	view_quantity(o, m->utility, m->register_milli);
	if (!electric)
		return;
	json_object_set_new(o, "power_w", json_integer(m->power_w));
	json_object_set_new(
		o, "voltage_mv", phases(m, m->voltage1_mv, m->voltage2_mv, m->voltage3_mv));
	json_object_set_new(
		o, "current_ma", phases(m, m->current1_ma, m->current2_ma, m->current3_ma));
}

json_t *view_meter(const struct live_meter *m, struct utc now)
{
	struct supply_view supply = supply_of_meter_row(m);
	json_t *o = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, "
			      "s:o, s:o, s:s, s:b}",
		"id", (json_int_t)m->id, "code", m->code, "name", m->name, "utility", m->utility,
		"role", m->role, "billing", m->billing, "model", m->model, "unit", m->unit,
		"serial", json_text_or_null(m->serial), "gateway",
		view_named(m->gateway_id, m->gateway_code, m->gateway_name), "area", area_json(m),
		"tenant", view_tenant(m->tenant_id, m->tenant_code, m->tenant_name, m->room),
		"account", account_json(m), "supply", view_supply(&supply), "comm", comm_json(m),
		"display", live_display(m, now), "enabled", m->enabled ? 1 : 0);

	add_reading(o, m);
	return o;
}

json_t *view_my_meter(const struct live_meter *m)
{
	struct supply_view supply = supply_of_meter_row(m);
	json_t *o = json_pack("{s:I, s:s, s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:s, s:o}", "id",
		(json_int_t)m->id, "code", m->code, "name", m->name, "serial",
		json_text_or_null(m->serial), "utility", m->utility, "model", m->model, "area",
		json_text_or_null(m->area_name), "account_id",
		m->account_id ? json_integer(m->account_id) : json_null(), "supply",
		view_supply(&supply), "comm", m->comm, "read_at", json_utc(m->read_at));

	if (!m->read_at.ms)
		return o;
	view_quantity(o, m->utility, m->register_milli);
	if (str_eq(m->utility, "electricity"))
		json_object_set_new(o, "power_w", json_integer(m->power_w));
	return o;
}

json_t *view_keep(struct utc keep_until, struct utc now)
{
	return keep_until.ms > now.ms ? json_utc(keep_until) : json_null();
}

json_t *view_blocks(const struct rows *blocks)
{
	const struct block *b = blocks->at;
	json_t *list = json_array();

	for (size_t i = 0; i < blocks->n; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:o, s:s, s:o}", "kind", b[i].kind, "cause",
				      b[i].cause, "since", json_utc(b[i].since_at), "actor",
				      b[i].actor, "reason", json_text_or_null(b[i].reason)));
	return list;
}

/* What the payer needs, as long as it can be used. */
static json_t *pay_json(const struct me_order *o)
{
	json_t *pay = NULL;

	if (!o->pay[0] || !str_eq(o->state, "pending"))
		return json_null();
	return json_parse(o->pay, strlen(o->pay), &pay, NULL) == ERR_OK ? pay : json_null();
}

static json_t *receipt_json(const struct me_order *o)
{
	char no[32];

	if (!o->entry_id)
		return json_null();
	receipt_no(o->entry_id, o->credited_at, o->zone, no);
	return json_string(no);
}

/* To whoever paid for others: that it is back, and on the way there what is known of it. */
static json_t *order_supply(const struct me_order *o)
{
	struct supply_view supply = { 1, true, o->desired, "", o->observed, o->comm,
		o->observed_since };

	if (o->restored_at.ms)
		return json_pack("{s:s, s:o}", "state", "on", "since", json_utc(o->restored_at));
	return o->meter_code[0] && o->followed ? view_supply_short(&supply) : json_null();
}

static json_t *payee_json(const struct me_order *o)
{
	return json_pack("{s:o, s:s, s:s}", "room", json_text_or_null(o->room), "name", o->name,
		"utility", o->utility);
}

json_t *view_order(const struct me_order *o)
{
	bool has_meter = o->meter_code[0] != '\0', others = !o->account_id;

	return json_pack("{s:I, s:s, s:o, s:o, s:b, s:o, s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o,"
			 " s:o, s:o, s:o, s:s, s:b, s:I, s:o, s:o}",
		"id", (json_int_t)o->id, "out_trade_no", o->out_trade_no, "account_id",
		id_or_null(o->account_id), "payee", others ? payee_json(o) : json_null(),
		"by_another", o->by_another ? 1 : 0, "meter",
		has_meter ? json_pack("{s:s, s:s}", "code", o->meter_code, "name", o->meter_name)
			  : json_null(),
		"amount_fen", (json_int_t)o->amount_fen, "channel", o->channel, "state", o->state,
		"pay", pay_json(o), "created_at", json_utc(o->created_at), "expires_at",
		json_utc(o->expires_at), "paid_at", json_utc(o->paid_at), "credited_at",
		json_utc(o->credited_at), "receipt_no", receipt_json(o), "balance",
		others ? json_null() : json_money(o->balance), "supply", order_supply(o),
		"description", o->description, "paid_after_close", o->paid_after_close ? 1 : 0,
		"refunded_fen", (json_int_t)o->refunded_fen, "transaction_id",
		json_text_or_null(o->transaction_id), "invoice_id", id_or_null(o->invoice_id));
}

json_t *view_presets(void)
{
	return json_pack("[i,i,i,i,i]", 5000, 10000, 20000, 30000, 50000);
}

json_t *view_days_left(const struct days_left *d)
{
	if (!d->known)
		return json_null();
	return json_pack("{s:i, s:i, s:i}", "days", d->days, "low", d->low, "high", d->high);
}

json_t *view_sub_tenant(const struct me_sub_tenant *s)
{
	struct supply_view supply = { s->supply_point_id, s->switchable, s->desired,
		s->desired_reason, s->observed, s->comm, s->observed_since };

	return json_pack("{s:I, s:s, s:o, s:o, s:b}", "id", (json_int_t)s->id, "name", s->name,
		"meter", view_named(s->meter_id, s->meter_code, s->meter_name), "supply",
		view_supply(&supply), "switched_off", s->switched_off ? 1 : 0);
}
