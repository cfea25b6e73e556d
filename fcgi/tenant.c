#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "domain/audit.h"
#include "domain/debt.h"
#include "domain/forecast.h"
#include "domain/statement.h"
#include "domain/supplypoint.h"
#include "domain/usage.h"
#include "fcgi/books.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"
#include "notice/notice.h"
#include "fcgi/usage_view.h"
#include "fcgi/views.h"

static json_t *sum_json(const struct usage_sum *s)
{
	return json_pack("{s:I, s:I, s:o}", "energy_wh", (json_int_t)s->energy.milli, "volume_l",
		(json_int_t)s->volume.milli, "charge", json_money(s->charge));
}

static json_t *emergency_json(const struct me_account *m)
{
	bool available = m->emergency_limit.nano > 0 && !m->emergency_at.ms && m->balance.nano <= 0;

	return json_pack("{s:o, s:b, s:o}", "limit", json_money(m->emergency_limit), "available",
		available ? 1 : 0, "taken_at", json_utc(m->emergency_at));
}

static json_t *account_meter_json(const struct me_account *m)
{
	if (!m->meter_id)
		return json_null();
	return json_pack("{s:I, s:s, s:s, s:o, s:o}", "id", (json_int_t)m->meter_id, "code",
		m->meter_code, "name", m->meter_name, "serial", json_text_or_null(m->serial),
		"area", json_text_or_null(m->area));
}

static void add_sums(json_t *o, const struct usage_sums *s)
{
	struct money mean = { s->week_days ? s->week.nano / s->week_days : 0 };

	json_object_set_new(o, "daily_average", s->week_days ? json_money(mean) : json_null());
	json_object_set_new(o, "today", sum_json(&s->today));
	json_object_set_new(o, "yesterday", sum_json(&s->yesterday));
	json_object_set_new(o, "month", sum_json(&s->month));
}

static enum err add_price(struct request *r, const struct me_account *m, json_t *o)
{
	struct me_price p;
	enum err e = m->meter_id ? me_price_now(r->db, m, r->now, &p) : ERR_NOT_FOUND;

	if (e == ERR_UNAVAILABLE || e == ERR_DB)
		return e;
	/* Without a tariff in force there is no price to show. */
	json_object_set_new(o, "energy_price_now", e == ERR_OK ? json_price(p.price) : json_null());
	json_object_set_new(
		o, "rate_now", e == ERR_OK && p.rate[0] ? json_string(p.rate) : json_null());
	return ERR_OK;
}

static enum err sums_of(struct request *r, const struct me_account *m, struct usage_sums *out)
{
	AUTO(zone_free) struct zone *z = NULL;
	enum err e = zone_open(m->zone, &z);

	return e == ERR_OK ? usage_of_account(r->db, m->id, zone_local(z, r->now).day, out) : e;
}

static enum err account_json(struct request *r, const struct me_account *m, json_t **out)
{
	struct supply_view supply = { m->supply_point_id, m->switchable, m->desired,
		m->desired_reason, m->observed, m->comm, m->observed_since };
	AUTO(forecast_free) struct forecast forecast = { 0 };
	struct order_limits limits;
	struct days_left left;
	struct usage_sums sums;
	enum err e = sums_of(r, m, &sums);
	json_t *o;

	if (e == ERR_OK)
		e = order_limits_get(r->db, m->site_id, &limits);
	if (e == ERR_OK)
		e = forecast_account(r->db, &forecast, m->id, r->now, &left);
	if (e != ERR_OK)
		return e;
	o = json_pack("{s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o,"
		      " s:o, s:I, s:I, s:b, s:o}",
		"id", (json_int_t)m->id, "purpose", m->purpose, "tenant",
		view_tenant(m->tenant_id, m->tenant_code, m->tenant_name, m->room), "balance",
		json_money(m->balance), "subsidy", json_money(m->subsidy), "credit_limit",
		json_money(m->credit_limit), "warn1", json_money(m->warn1), "warn2",
		json_money(m->warn2), "level", m->level, "emergency", emergency_json(m), "meter",
		account_meter_json(m), "supply", view_supply(&supply), "read_at",
		json_utc(m->read_at), "last_amount_fen",
		m->last_amount_fen ? json_integer(m->last_amount_fen) : json_null(), "presets_fen",
		view_presets(), "min_fen", (json_int_t)limits.min_fen, "max_fen",
		(json_int_t)limits.max_fen, "pay_for_others", limits.others ? 1 : 0,
		"notices_latest_at", json_utc(m->told_at));
	add_sums(o, &sums);
	json_object_set_new(o, "days_left", view_days_left(&left));
	e = add_price(r, m, o);
	if (e != ERR_OK) {
		json_decref(o);
		return e;
	}
	*out = o;
	return ERR_OK;
}

enum err me_accounts(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	json_t *items = json_array(), *one;
	enum err e = me_account_list(r->db, r->user.id, param_int(r, "ended") != 0, r->now, &rows);
	const struct me_account *m = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		e = account_json(r, &m[i], &one);
		if (e == ERR_OK)
			json_array_append_new(items, one);
	}
	a->json = json_items(items);
	return e;
}

enum err me_emergency(struct request *r, struct answer *a)
{
	struct audit audit = { r->actor, r->remote, "emergency.take", "account", r->object, NULL };
	struct me_account m;
	enum err e = me_account_get(r->db, r->user.id, r->object, r->now, &m);

	if (e != ERR_OK)
		return e;
	e = account_take_emergency(r->db, m.id, r->actor, r->now);
	audit.outcome = err_word(e);
	if (audit_add(r->db, &audit, NULL, r->now) != ERR_OK)
		log_error(
			"audit=not_written action=%s account=%lld", audit.action, (long long)m.id);
	if (e == ERR_CONFLICT)
		return problem_set(
			&a->why, e, "", "no emergency credit can be taken at this moment");
	if (e == ERR_OK)
		e = me_account_get(r->db, r->user.id, r->object, r->now, &m);
	return e == ERR_OK ? account_json(r, &m, &a->json) : e;
}

enum err me_repayment(struct request *r, struct answer *a)
{
	struct me_account m;
	struct debt d = { 0 };
	enum err e = me_account_get(r->db, r->user.id, param_int(r, "account_id"), r->now, &m);

	if (e == ERR_OK)
		e = debt_get(r->db, m.site_id, m.contract_id, &d);
	if (e == ERR_OK)
		a->json = json_pack("{s:I, s:o, s:I, s:I}", "account_id", (json_int_t)m.id, "owed",
			json_money(d.owed), "permille", (json_int_t)d.permille, "cap_fen",
			(json_int_t)d.cap_fen);
	return e;
}

static json_t *my_meter_json(const void *row)
{
	return view_my_meter(row);
}

enum err me_meters(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_utc(r->now), arg_i64(r->user.id)), my_meter_json);
}

enum err me_usage(struct request *r, struct answer *a)
{
	return answer_usage(r, a, param_int(r, "meter_id"), r->user.id, 0);
}

/* "order:17" names an order; other references none. */
static json_t *order_id_json(const char *reference)
{
	int64_t id;

	if (!str_starts(reference, "order:") ||
		i64_parse(reference + 6, 1, INT64_MAX, &id) != ERR_OK)
		return json_null();
	return json_integer(id);
}

static json_t *movement_json(const struct movement *v, const char *zone)
{
	bool receipt = str_eq(v->kind, "recharge") || str_eq(v->kind, "sale");
	bool water = str_eq(v->utility, "water");
	char no[32] = "";

	if (receipt)
		receipt_no(v->entry_id, v->at, zone, no);
	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "at", json_utc(v->at),
		"kind", v->kind, "amount", json_money(v->amount), "balance", json_money(v->balance),
		"memo", json_text_or_null(v->memo), "order_id", order_id_json(v->reference),
		"receipt_no", json_text_or_null(no), "energy_wh",
		v->has_qty && !water ? json_integer(v->qty.milli) : json_null(), "volume_l",
		v->has_qty && water ? json_integer(v->qty.milli) : json_null());
}

/* Local days to instants; 92 days back unless said. */
static enum err statement_span(const struct request *r, const struct zone *z, struct utc *from,
	struct utc *to, struct problem *why)
{
	struct day last = zone_local(z, r->now).day, first;

	if (param_text(r, "to")[0] && day_parse(param_text(r, "to"), &last) != ERR_OK)
		return ERR_BAD_VALUE;
	first.days = last.days - 92;
	if (param_text(r, "from")[0] && day_parse(param_text(r, "from"), &first) != ERR_OK)
		return ERR_BAD_VALUE;
	if (first.days > last.days)
		return problem_set(why, ERR_OUT_OF_RANGE, "to", "to must not be before from");
	*from = zone_day_start(z, first);
	*to = zone_day_start(z, (struct day){ last.days + 1 });
	return ERR_OK;
}

enum err me_statement(struct request *r, struct answer *a)
{
	AUTO(statement_free) struct statement s = { 0 };
	AUTO(zone_free) struct zone *z = NULL;
	struct utc from = { 0 }, to = { 0 };
	struct me_account m;
	json_t *items;
	enum err e = me_account_seen(r->db, r->user.id, param_int(r, "account_id"), r->now, &m);

	if (e == ERR_OK)
		e = zone_open(m.zone, &z);
	if (e == ERR_OK)
		e = statement_span(r, z, &from, &to, &a->why);
	if (e == ERR_OK)
		e = statement_read(r->db, m.id, z, from, to, r->now, &s);
	if (e != ERR_OK)
		return e;
	items = json_array();
	for (size_t i = 0; i < s.n; i++)
		json_array_append_new(items, movement_json(&s.at[i], m.zone));
	a->json = json_pack("{s:I, s:o, s:o, s:o, s:n}", "account_id", (json_int_t)m.id, "opening",
		json_money(s.opening), "closing", json_money(s.closing), "items", items, "next");
	return ERR_OK;
}

/* "sms" or "wechat", by the way that reached the tenant. */
static const char *medium_of(const struct me_notice *n)
{
	const struct notice_channel *c = notice_channel_find(n->way);

	return c ? c->medium : n->channel;
}

static json_t *notice_json(const void *row)
{
	const struct me_notice *n = row;

	return json_pack("{s:I, s:o, s:s, s:s, s:I, s:s, s:s, s:o, s:o, s:o}", "id",
		(json_int_t)n->id, "at", json_utc(n->at), "kind", n->kind, "text", n->text,
		"account_id", (json_int_t)n->account_id, "channel", medium_of(n), "state", n->state,
		"way", json_text_or_null(n->way), "sent_at", json_utc(n->sent_at), "delivered_at",
		json_utc(n->delivered_at));
}

enum err me_notices(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_i64(r->user.id)), notice_json);
}

static json_t *sub_tenant_json(const void *row)
{
	return view_sub_tenant(row);
}

enum err me_sub_tenants(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_i64(r->user.id)), sub_tenant_json);
}

struct switching {
	struct request *r;
	int64_t point;
	bool off;
};

static enum err switch_tx(struct db *db, void *ctx)
{
	const struct switching *s = ctx;
	struct audit audit = { s->r->actor, s->r->remote, "sub_tenant.control", "supply_point",
		s->point, NULL };
	enum err e = s->off ? supply_block_set(db, s->point, BLOCK_SUB_TENANT, "", s->r->actor, "",
				      s->r->now)
			    : supply_block_clear(db, s->point, BLOCK_SUB_TENANT, "", s->r->now);

	return e == ERR_OK ? audit_add(db, &audit,
				     json_pack("{s:s}", "action", s->off ? "off" : "on"), s->r->now)
			   : e;
}

enum err me_sub_supply(struct request *r, struct answer *a)
{
	struct switching s = { .r = r, .off = str_eq(body_text(r, "action", ""), "off") };
	struct me_sub_tenant t;
	enum err e = me_sub_tenant_get(r->db, r->user.id, r->object, &t);

	if (e != ERR_OK)
		return e;
	s.point = t.supply_point_id;
	e = db_tx(r->db, switch_tx, &s);
	if (e == ERR_OK)
		e = me_sub_tenant_get(r->db, r->user.id, r->object, &t);
	if (e == ERR_OK)
		a->json = view_sub_tenant(&t);
	return e;
}
