/* Recharges through a payment service: a tenant's own, and all of them for staff. */
#include "domain/orders.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "domain/me.h"
#include "domain/rechargeblock.h"
#include "fcgi/books.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"
#include "fcgi/views.h"

#define PAY_WAIT_MS 3000

/* ---- a tenant's ---- */

enum err me_pay_channels(struct request *r, struct answer *a)
{
	json_t *items = json_array();

	for (size_t i = 0; i < pay_channel_count; i++)
		json_array_append_new(
			items, json_pack("{s:s, s:s, s:b}", "channel", pay_channels[i].name,
				       "service", pay_channels[i].service, "on",
				       pay_channel_off(r->api->pay, &pay_channels[i]) == NULL));
	a->json = json_items(items);
	return ERR_OK;
}

static json_t *my_order_json(const void *row)
{
	return view_order(row);
}

enum err me_orders(struct request *r, struct answer *a)
{
	return list_answer(r, a, MY_ORDER_ARGS(r->user.id, r->now), my_order_json);
}

static enum err answer_order(struct request *r, int64_t id, struct answer *a)
{
	struct me_order o;
	enum err e = me_order_get(r->db, r->user.id, id, r->now, &o);

	if (e == ERR_OK)
		a->json = view_order(&o);
	return e;
}

enum err me_order(struct request *r, struct answer *a)
{
	return answer_order(r, r->object, a);
}

/* At most so many requests wait for one service; NULL: enough do already. */
static atomic_int *wait_begin(struct api *api, const char *service)
{
	const struct pay_service *s = pay_service_find(service);
	atomic_int *n;

	ASSERT(s && pay_service_count <= PAY_SERVICES_MAX);
	n = &api->pay_waiting[s - pay_services];
	if (atomic_fetch_add(n, 1) < api->pay_waiting_most)
		return n;
	atomic_fetch_sub(n, 1);
	return NULL;
}

/* As the worker repeats it: everything out of the row. */
static enum err open_at(struct request *r, const struct pay_channel *channel, const struct order *o,
	json_t **pay, struct problem *why)
{
	char return_url[320];
	struct pay_order p = { .out_trade_no = o->out_trade_no,
		.amount_fen = o->amount_fen,
		.description = o->description,
		.expires_at = o->expires_at,
		.payer_ip = o->payer_address,
		.payer_id = o->payer_id[0] ? o->payer_id : NULL,
		.return_url = r->api->site_base[0] ? return_url : NULL };

	snprintf(return_url, sizeof(return_url), "%s/order/%lld", r->api->site_base,
		(long long)o->id);
	return pay_open(r->api->pay, channel, &p, r->now, mono_ms() + PAY_WAIT_MS, pay, why);
}

/* A "no" for good ends it; for now, or because it was paid meanwhile, the worker goes on. */
static enum err order_refused(
	struct request *r, const struct order *o, enum err e, const struct problem *why)
{
	if (e == ERR_REFUSED && pay_refusal(why->field) != PAY_REFUSAL_FINAL)
		return order_ask_now(r->db, o->id, r->now);
	return order_closed(r->db, o->id, r->now);
}

/* Asks the service at most 3 s, and not at all when enough requests wait for it already. Whatever
 * comes of it, the order stands: the worker repeats an unknown outcome. */
static enum err order_at_service(
	struct request *r, const struct pay_channel *channel, const struct order *o)
{
	AUTO(json_free) json_t *pay = NULL;
	AUTO(text_free) char *text = NULL;
	struct problem why = { 0 };
	atomic_int *waiting = wait_begin(r->api, o->service);
	enum err e;

	if (!waiting)
		return order_ask_now(r->db, o->id, r->now);
	e = open_at(r, channel, o, &pay, &why);
	atomic_fetch_sub(waiting, 1);
	if (e == ERR_OK) {
		text = json_text(pay);
		return order_opened(r->db, o->id, text);
	}
	log_warn("order=%s service=%s outcome=%s code=%s", o->out_trade_no, o->service, err_word(e),
		why.field);
	if (e == ERR_REFUSED || e == ERR_NOT_CONFIGURED || e == ERR_BAD_VALUE)
		return order_refused(r, o, e, &why);
	return ERR_OK;
}

/* The payer at WeChat, where the channel is paid inside it. */
static enum err payer_find(struct request *r, const struct pay_channel *channel,
	char openid[static OPENID_MAX], struct problem *why)
{
	const char *app_id = pay_app_id(r->api->pay, channel->service);
	enum err e;

	if (!str_eq(channel->name, "wechat_jsapi"))
		return ERR_OK;
	e = me_openid(r->db, r->user.id, app_id, openid);
	return e == ERR_NOT_FOUND ? problem_set(why, ERR_WECHAT_NOT_BOUND, "channel",
					    "log in from WeChat first, then pay there")
				  : e;
}

/* Each question counts, known code or not: nobody may go through them. */
static enum err payee_asked(
	struct request *r, const char *code, struct payee *out, struct answer *a)
{
	enum err e = request_limited_payee(r, a);

	return e == ERR_OK ? payee_find(r->db, r->user.id, code, r->now, out, &a->why) : e;
}

enum err me_payee(struct request *r, struct answer *a)
{
	struct order_limits limits;
	struct payee p;
	enum err e = payee_asked(r, param_text(r, "meter"), &p, a);

	if (e == ERR_OK)
		e = order_limits_get(r->db, p.site_id, &limits);
	if (e != ERR_OK)
		return e;
	a->json = json_pack("{s:s, s:s, s:o, s:s, s:o, s:I, s:I}", "meter", p.meter_code, "utility",
		p.utility, "room", json_text_or_null(p.room), "name", p.name, "presets_fen",
		view_presets(), "min_fen", (json_int_t)limits.min_fen, "max_fen",
		(json_int_t)limits.max_fen);
	if (p.own)
		json_object_set_new(a->json, "account_id", json_integer(p.account_id));
	return ERR_OK;
}

/* Whose purse the order is for: one of the caller's, or that of a meter. */
static enum err order_target(struct request *r, struct order_new *n, struct answer *a)
{
	const char *code = body_text(r, "meter", NULL);
	int64_t account_id = body_int(r, "account_id", 0);
	struct payee p = { 0 };
	struct me_account m;
	enum err e;

	if (code && account_id)
		return problem_set(&a->why, ERR_BAD_VALUE, "meter",
			"account_id or meter is expected, not both");
	if (!code && !account_id)
		return problem_set(&a->why, ERR_MISSING_FIELD, "account_id",
			"account_id is required, or meter to pay for another");
	if (code) {
		e = payee_asked(r, code, &p, a);
		n->account_id = p.account_id;
		n->meter_id = p.own ? 0 : p.meter_id;
		return e;
	}
	e = me_account_get(r->db, r->user.id, account_id, r->now, &m);
	if (e != ERR_OK)
		return problem_set(&a->why, e, "account_id", "there is no such account of yours");
	n->account_id = m.id;
	return ERR_OK;
}

static enum err order_make(
	struct request *r, const struct pay_channel *channel, struct order *o, struct answer *a)
{
	char openid[OPENID_MAX] = "";
	struct order_new n = { .user_id = r->user.id,
		.amount_fen = body_int(r, "amount_fen", 0),
		.channel = channel->name,
		.service = channel->service,
		.payer_address = r->remote,
		.payer_id = openid };
	enum err e = order_target(r, &n, a);

	if (e == ERR_OK)
		e = payer_find(r, channel, openid, &a->why);
	if (e != ERR_OK)
		return e;
	e = order_create(r->db, &n, r->now, o, &a->why);
	if (e != ERR_OK)
		note_refused(r, &(struct attempt_new){ .kind = "order",
					.account_id = n.account_id,
					.amount_fen = n.amount_fen,
					.why = e,
					.text = a->why.text });
	return e;
}

enum err me_order_new(struct request *r, struct answer *a)
{
	const struct pay_channel *channel = pay_channel_find(body_text(r, "channel", ""));
	struct order o;
	enum err e;

	if (!channel)
		return problem_set(
			&a->why, ERR_BAD_VALUE, "channel", "this channel is not available");
	if (pay_channel_off(r->api->pay, channel))
		return problem_set(&a->why, ERR_NOT_CONFIGURED, "channel", "%s is not set up here",
			channel->name);
	e = order_make(r, channel, &o, a);
	if (e == ERR_OK)
		e = order_at_service(r, channel, &o);
	return e == ERR_OK ? answer_order(r, o.id, a) : e;
}

/* ---- for staff ---- */

static json_t *order_json(const void *row)
{
	const struct order_view *o = row;

	return json_pack("{s:I, s:I, s:s, s:o, s:I, s:s, s:o, s:o, s:s, s:I, s:s, s:s, s:s, s:o,"
			 " s:o, s:o, s:o, s:o, s:b, s:b, s:o, s:I, s:I, s:o, s:I}",
		"id", (json_int_t)o->id, "site_id", (json_int_t)o->site_id, "out_trade_no",
		o->out_trade_no, "transaction_id", json_text_or_null(o->transaction_id),
		"account_id", (json_int_t)o->account_id, "purpose", o->purpose, "tenant",
		json_pack("{s:s, s:s, s:o}", "code", o->tenant_code, "name", o->tenant_name, "room",
			json_text_or_null(o->room)),
		"meter",
		o->meter_code[0]
			? json_pack("{s:s, s:s}", "code", o->meter_code, "name", o->meter_name)
			: json_null(),
		"description", o->description, "amount_fen", (json_int_t)o->amount_fen, "channel",
		o->channel, "service", o->service, "state", o->state, "created_at",
		json_utc(o->created_at), "expires_at", json_utc(o->expires_at), "paid_at",
		json_utc(o->paid_at), "credited_at", json_utc(o->credited_at), "closed_at",
		json_utc(o->closed_at), "paid_after_close", o->paid_after_close ? 1 : 0,
		"by_another", o->by_another ? 1 : 0, "entry_id", id_or_null(o->entry_id),
		"refunded_fen", (json_int_t)o->refunded_fen, "unmatched", (json_int_t)o->unmatched,
		"asked_next_at", json_utc(o->query_at), "queries", (json_int_t)o->queries);
}

enum err orders_list(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_i64(caller_site(r))), order_json);
}

enum err order_show(struct request *r, struct answer *a)
{
	struct order_view o;
	enum err e = order_get_view(r->db, caller_site(r), r->object, &o);

	if (e == ERR_OK)
		a->json = order_json(&o);
	return e;
}

/* ---- accounts that take none ---- */

static json_t *block_json(const struct recharge_block *b)
{
	return json_pack("{s:I, s:b, s:o, s:o, s:o}", "account_id", (json_int_t)b->account_id,
		"blocked", b->blocked ? 1 : 0, "reason", json_text_or_null(b->reason), "actor",
		json_text_or_null(b->actor), "set_at", json_utc(b->set_at));
}

enum err recharge_block_show(struct request *r, struct answer *a)
{
	struct recharge_block b;
	enum err e = recharge_block_get(r->db, caller_site(r), r->object, &b);

	if (e == ERR_OK)
		a->json = block_json(&b);
	return e;
}

enum err recharge_block_change(struct request *r, struct answer *a)
{
	struct recharge_block_set s = { .account_id = r->object,
		.site_id = caller_site(r),
		.blocked = json_is_true(json_object_get(r->json, "blocked")),
		.reason = body_text(r, "reason", ""),
		.actor = r->actor,
		.address = r->remote };
	struct recharge_block b;
	enum err e = recharge_block_put(r->db, &s, r->now, &b);

	if (e == ERR_OK)
		a->json = block_json(&b);
	return e;
}
