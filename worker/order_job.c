/* Asks the services about open orders until each is final: the notify may never come. */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "domain/alarm.h"
#include "domain/order.h"
#include "domain/refundwork.h"
#include "worker/crew.h"

#define CALL_MS 5000
#define GRACE_MS (2 * 60 * 1000) /* after expiry, before an unpaid order is closed */

static enum err credit(struct tools *t, const struct order *o, const struct pay_event *event)
{
	enum credit_outcome outcome;
	struct payment p = { .service = o->service,
		.out_trade_no = o->out_trade_no,
		.transaction_id = event->transaction_id,
		.amount_fen = event->amount_fen,
		.currency = event->currency,
		.paid_at = event->paid_at };

	return order_credit(t->db, &p, "query", utc_now(), &outcome);
}

/* Paid and given back, and never credited here: nothing is owed, and somebody should know. */
static enum err refund_seen(struct tools *t, const struct order *o, const struct pay_event *event)
{
	int64_t fen = event->refund_fen ? event->refund_fen : o->amount_fen;
	enum err e = refunds_hint(t->db, o->service, o->out_trade_no, fen, utc_now());

	return e == ERR_OK ? order_closed(t->db, o->id, utc_now()) : e;
}

static bool is_late(const struct order *o)
{
	return utc_now().ms > o->expires_at.ms + GRACE_MS;
}

/* What the service says now; ERR_OK with PAY_UNKNOWN when it does not. */
static enum pay_state ask(struct tools *t, const struct order *o, struct pay_event *event)
{
	struct problem why = { 0 };
	enum err e = pay_query(
		t->pay, o->service, o->out_trade_no, utc_now(), mono_ms() + CALL_MS, event, &why);

	if (e == ERR_OK)
		return event->state;
	log_warn("order=%s query=%s code=%s", o->out_trade_no, err_word(e), why.field);
	return PAY_UNKNOWN; /* asked again by plan */
}

/* What needs no further question. A service that never heard of the order ends it only once nobody
 * can pay it any more. */
static enum err take(
	struct tools *t, const struct order *o, enum pay_state state, const struct pay_event *event)
{
	switch (state) {
	case PAY_PAID:
		return credit(t, o, event);
	case PAY_CLOSED:
		return order_closed(t->db, o->id, utc_now());
	case PAY_REFUND:
		return refund_seen(t, o, event);
	case PAY_NOT_EXIST:
		return is_late(o) ? order_closed(t->db, o->id, utc_now()) : ERR_OK;
	case PAY_NOT_PAID:
	case PAY_UNKNOWN:
	case PAY_OTHER:
		break;
	}
	return ERR_OK;
}

/* Unpaid past its time. Only the service's own "closed" ends it; whatever else it answers, the
 * payer may just have paid: ask again. */
static enum err expire(struct tools *t, const struct order *o)
{
	struct problem why = { 0 };
	struct pay_event event = { 0 };
	enum err e = pay_close(
		t->pay, o->service, o->out_trade_no, utc_now(), mono_ms() + CALL_MS, &why);

	if (e == ERR_OK)
		return order_closed(t->db, o->id, utc_now());
	log_info("order=%s close=%s code=%s", o->out_trade_no, err_word(e), why.field);
	return take(t, o, ask(t, o, &event), &event);
}

static enum err query(struct tools *t, const struct order *o)
{
	struct pay_event event = { 0 };
	enum pay_state state = ask(t, o, &event);

	return state == PAY_NOT_PAID && is_late(o) ? expire(t, o) : take(t, o, state, &event);
}

/* The API got no answer, or did not ask: the same request again, to the letter. */
static enum err reopen(struct tools *t, const struct pay_channel *channel, const struct order *o)
{
	AUTO(json_free) json_t *pay = NULL;
	AUTO(text_free) char *text = NULL;
	struct problem why = { 0 };
	char return_url[320];
	struct pay_order order = { .out_trade_no = o->out_trade_no,
		.amount_fen = o->amount_fen,
		.description = o->description,
		.expires_at = o->expires_at,
		.payer_ip = o->payer_address,
		.payer_id = o->payer_id[0] ? o->payer_id : NULL,
		.return_url = t->site_base[0] ? return_url : NULL };
	enum err e;

	snprintf(return_url, sizeof(return_url), "%s/order/%" PRId64, t->site_base, o->id);
	e = pay_open(t->pay, channel, &order, utc_now(), mono_ms() + CALL_MS, &pay, &why);
	if (e == ERR_OK) {
		text = json_text(pay);
		return order_opened(t->db, o->id, text);
	}
	log_warn("order=%s open=%s code=%s", o->out_trade_no, err_word(e), why.field);
	if (e == ERR_REFUSED && pay_refusal(why.field) == PAY_REFUSAL_PAID)
		return query(t, o);
	if (e == ERR_BAD_VALUE || (e == ERR_REFUSED && pay_refusal(why.field) == PAY_REFUSAL_FINAL))
		return order_closed(t->db, o->id, utc_now());
	return ERR_OK;
}

static enum err step(struct tools *t, const char *service)
{
	const struct pay_channel *channel;
	struct order o;
	enum err e = order_claim(t->db, service, utc_now(), &o);

	if (e != ERR_OK)
		return e;
	channel = pay_channel_find(o.channel);
	if (channel && !o.pay[0] && utc_now().ms < o.expires_at.ms)
		e = reopen(t, channel, &o);
	else
		e = query(t, &o);
	if (e != ERR_OK)
		log_warn("order=%s work=%s", o.out_trade_no, err_word(e));
	return e == ERR_UNAVAILABLE ? e : ERR_OK;
}

enum err job_orders_wechat(struct tools *t, struct utc now)
{
	(void)now;
	return crew_run(t, &(struct crew_work){ "wechat", CREW_MOST, orders_due, step });
}

enum err job_orders_alipay(struct tools *t, struct utc now)
{
	(void)now;
	return crew_run(t, &(struct crew_work){ "alipay", CREW_MOST, orders_due, step });
}
