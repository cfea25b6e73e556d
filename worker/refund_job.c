/* Gives refunds to their services, under numbers that never change, and asks what became of them.
 */
#include <inttypes.h>

#include "base/log.h"
#include "domain/refundwork.h"
#include "worker/crew.h"

#define CALL_MS 8000 /* a refund takes a service longer than a question */
#define REFUNDS_AT_ONCE 4

static struct pay_refund refund_of(const struct refund_work *w)
{
	return (struct pay_refund){ .out_trade_no = w->out_trade_no,
		.out_refund_no = w->f.out_refund_no,
		.amount_fen = w->f.amount_fen,
		.total_fen = w->total_fen,
		.reason = w->f.reason };
}

static enum err take(
	struct tools *t, const struct refund_work *w, const struct pay_refund_event *event)
{
	enum told_outcome outcome;
	struct refund_told told = { .service = w->f.service,
		.out_refund_no = w->f.out_refund_no,
		.out_trade_no = w->out_trade_no,
		.refund_id = event->refund_id,
		.amount_fen = event->amount_fen,
		.via = "query" };

	if (!refund_word_find(pay_refund_state_word(event->state), &told.word)) {
		log_info("refund=%s state=%s word=%s", w->f.out_refund_no,
			pay_refund_state_word(event->state), event->service_state);
		return ERR_OK; /* asked again by plan */
	}
	return refund_told(t->db, &told, utc_now(), &outcome);
}

static enum err send(struct tools *t, const struct refund_work *w)
{
	struct pay_refund refund = refund_of(w);
	struct pay_refund_event event = { 0 };
	struct problem why = { 0 };
	enum err e = pay_refund_open(
		t->pay, w->f.service, &refund, utc_now(), mono_ms() + CALL_MS, &event, &why);

	if (e == ERR_OK)
		return take(t, w, &event);
	log_warn("refund=%s open=%s code=%s", w->f.out_refund_no, err_word(e), why.field);
	if (e == ERR_REFUSED)
		return refund_refused(t->db, w->f.id, why.field, why.text,
			pay_refusal(why.field) != PAY_REFUSAL_FINAL, utc_now());
	if (e == ERR_BAD_VALUE)
		return refund_refused(t->db, w->f.id, err_word(e), why.text, false, utc_now());
	return ERR_OK; /* unknown, or not set up for now: by plan */
}

static enum err ask(struct tools *t, const struct refund_work *w)
{
	struct pay_refund refund = refund_of(w);
	struct pay_refund_event event = { 0 };
	struct problem why = { 0 };
	enum err e = pay_refund_query(
		t->pay, w->f.service, &refund, utc_now(), mono_ms() + CALL_MS, &event, &why);

	if (e != ERR_OK) {
		log_warn("refund=%s query=%s code=%s", w->f.out_refund_no, err_word(e), why.field);
		return ERR_OK;
	}
	if (event.state == PAY_REFUND_NOT_EXIST && str_eq(w->f.state, "requested"))
		return send(t, w);
	return take(t, w, &event);
}

static enum err step(struct tools *t, const char *service)
{
	struct refund_work w;
	enum err e = refund_claim(t->db, service, utc_now(), &w);

	if (e != ERR_OK)
		return e;
	e = w.sent_before ? ask(t, &w) : send(t, &w);
	if (e != ERR_OK)
		log_warn("refund=%s work=%s", w.f.out_refund_no, err_word(e));
	return e == ERR_UNAVAILABLE ? e : ERR_OK;
}

enum err job_refunds_wechat(struct tools *t, struct utc now)
{
	(void)now;
	return crew_run(t, &(struct crew_work){ "wechat", REFUNDS_AT_ONCE, refunds_due, step });
}

enum err job_refunds_alipay(struct tools *t, struct utc now)
{
	(void)now;
	return crew_run(t, &(struct crew_work){ "alipay", REFUNDS_AT_ONCE, refunds_due, step });
}
