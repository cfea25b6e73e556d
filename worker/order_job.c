/* Asks the services about open orders until each is final: the notify may never come. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "domain/alarm.h"
#include "domain/order.h"
#include "worker/jobs.h"

#define BATCH 20
#define CALL_MS 5000
#define GRACE_MS (2 * 60 * 1000) /* after expiry, before an unpaid order is closed */

static enum err reopen(struct tools *t, const struct pay_channel *channel, const struct order *o)
{
	AUTO(json_free) json_t *pay = NULL;
	struct problem why = { 0 };
	struct pay_order order = { .out_trade_no = o->out_trade_no,
		.amount_fen = o->amount_fen,
		.description = ORDER_DESCRIPTION,
		.expires_at = o->expires_at,
		.payer_ip = o->payer_address };
	char *text;
	enum err e = pay_open(t->pay, channel, &order, utc_now(), mono_ms() + CALL_MS, &pay, &why);

	if (e != ERR_OK) {
		log_warn("order=%s open=%s code=%s", o->out_trade_no, err_word(e), why.field);
		return ERR_OK;
	}
	text = json_text(pay);
	e = order_opened(t->db, o->id, text);
	free(text);
	return e;
}

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

/* Unpaid past its time. Only the service's own "closed" ends it, except where the service never
 * heard of the order: then its own expiry has. */
static enum err expire(struct tools *t, const struct order *o, enum pay_state state)
{
	struct problem why = { 0 };
	enum err e;

	if (state == PAY_NOT_EXIST)
		return order_closed(t->db, o->id, utc_now());
	e = pay_close(t->pay, o->service, o->out_trade_no, utc_now(), mono_ms() + CALL_MS, &why);
	if (e == ERR_OK)
		return order_closed(t->db, o->id, utc_now());
	log_info("order=%s close=%s code=%s", o->out_trade_no, err_word(e), why.field);
	return ERR_OK;
}

static enum err refund_seen(struct tools *t, const struct order *o)
{
	return alarm_raise(t->db,
		&(struct alarm_new){ "payment_refunded", "urgent", "order", o->id, o->out_trade_no,
			"the service reports a refund of an order that was never credited here" },
		utc_now());
}

static enum err ask(struct tools *t, const struct order *o)
{
	const struct pay_channel *channel = pay_channel_find(o->channel);
	struct pay_event event = { 0 };
	struct problem why = { 0 };
	struct utc now = utc_now();
	bool late = now.ms > o->expires_at.ms + GRACE_MS;
	enum err e = order_asked(t->db, o->id, now); /* first: a crash must not ask without pause */

	if (e != ERR_OK || !channel)
		return e;
	if (!o->pay[0] && now.ms < o->expires_at.ms)
		return reopen(t, channel, o);
	e = pay_query(t->pay, o->service, o->out_trade_no, now, mono_ms() + CALL_MS, &event, &why);
	if (e != ERR_OK) {
		log_warn("order=%s query=%s code=%s", o->out_trade_no, err_word(e), why.field);
		return ERR_OK; /* unknown: asked again by plan */
	}
	switch (event.state) {
	case PAY_PAID:
		return credit(t, o, &event);
	case PAY_CLOSED:
		return order_closed(t->db, o->id, utc_now());
	case PAY_REFUND:
		return refund_seen(t, o);
	case PAY_NOT_PAID:
	case PAY_NOT_EXIST:
		return late ? expire(t, o, event.state) : ERR_OK;
	case PAY_UNKNOWN:
	case PAY_OTHER:
		break;
	}
	return ERR_OK;
}

enum err job_orders(struct tools *t, struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = orders_due(t->db, now, BATCH, &rows);
	const struct order *o = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		e = ask(t, &o[i]);
	return e;
}
