/* What the payment services tell us. A success is answered only after our commit. */
#include "base/log.h"
#include "domain/alarm.h"
#include "domain/order.h"
#include "domain/refundwork.h"
#include "fcgi/handlers.h"

/* A refused notify is kept with the reason, never with its body: it is not ours to believe. */
static enum err refused(
	struct request *r, const char *service, enum err e, const struct problem *why)
{
	struct alarm_new alarm = { .kind = "notify_refused",
		.severity = "warn",
		.object_kind = "service",
		.object_code = service,
		.text = "a signed notification cannot be used; check the settings" };
	enum err kept = order_notify_refused(
		r->db, service, "", err_word(e), why->text[0] ? why->text : err_text(e), r->now);

	log_warn("notify=%s refused=%s why=\"%s\"", service, err_word(e), why->text);
	/* Really signed, but for another merchant or with another key: somebody must look. */
	if (kept == ERR_OK && (e == ERR_CONFLICT || e == ERR_PROTOCOL))
		kept = alarm_raise(r->db, &alarm, r->now);
	if (kept != ERR_OK)
		log_error("notify=%s not_kept=%s", service, err_word(kept));
	return e;
}

/* Money of an order went back: only a hint to ask at once, for the refund itself, and for the
 * order, whose payment we may never have heard of. */
static enum err refunded(struct request *r, const char *service, const struct pay_event *v)
{
	struct order o;
	enum err e = refunds_hint(r->db, service, v->out_trade_no, v->refund_fen, r->now);

	log_info("notify=%s order=%s state=refund hint=%s", service, v->out_trade_no, err_word(e));
	if (e == ERR_NOT_FOUND)
		return ERR_OK; /* of an order that is not ours: its payment was kept as such */
	if (e == ERR_OK)
		e = order_find(r->db, v->out_trade_no, &o);
	return e == ERR_OK ? order_ask_now(r->db, o.id, r->now) : e;
}

/* The effect of a verified notify. An unknown order or a wrong amount is kept and alarmed in the
 * same transaction and counts as taken: a repeat would never become right, and would only hide that
 * a person must decide. */
static enum err take(struct request *r, const char *service, const struct pay_event *v)
{
	struct payment p = { .service = service,
		.out_trade_no = v->out_trade_no,
		.transaction_id = v->transaction_id,
		.amount_fen = v->amount_fen,
		.currency = v->currency,
		.paid_at = v->paid_at };
	enum credit_outcome outcome;
	enum err e;

	if (v->state == PAY_REFUND)
		return refunded(r, service, v);
	if (v->state != PAY_PAID) {
		log_info("notify=%s order=%s state=%s", service, v->out_trade_no,
			pay_state_word(v->state));
		return ERR_OK;
	}
	e = order_credit(r->db, &p, "notify", r->now, &outcome);
	if (e == ERR_OK)
		log_info("notify=%s order=%s outcome=%s", service, v->out_trade_no,
			credit_outcome_word(outcome));
	return e;
}

static struct pay_headers wechat_headers(const struct request *r)
{
	return (struct pay_headers){
		.content_type = request_header(r, "CONTENT_TYPE"),
		.serial = request_header(r, "HTTP_WECHATPAY_SERIAL"),
		.timestamp = request_header(r, "HTTP_WECHATPAY_TIMESTAMP"),
		.nonce = request_header(r, "HTTP_WECHATPAY_NONCE"),
		.signature = request_header(r, "HTTP_WECHATPAY_SIGNATURE"),
	};
}

static enum err answer_wechat(struct answer *a, enum err e)
{
	if (e == ERR_OK)
		return ERR_OK;
	a->status = err_http(e);
	a->type = "application/json";
	buf_adds(&a->text, PAY_WECHAT_FAIL);
	return ERR_OK;
}

enum err notify_wechat(struct request *r, struct answer *a)
{
	struct pay_headers h = wechat_headers(r);
	struct problem why = { 0 };
	struct pay_event event;
	enum err e = pay_notify_wechat(r->api->pay, &h, r->body, r->body_n, r->now, &event, &why);

	return answer_wechat(
		a, e == ERR_OK ? take(r, "wechat", &event) : refused(r, "wechat", e, &why));
}

static enum err take_refund(struct request *r, const struct pay_refund_event *v)
{
	enum told_outcome outcome;
	struct refund_told t = { .service = "wechat",
		.out_refund_no = v->out_refund_no,
		.out_trade_no = v->out_trade_no,
		.refund_id = v->refund_id,
		.amount_fen = v->amount_fen,
		.via = "notify" };

	if (!refund_word_find(pay_refund_state_word(v->state), &t.word)) {
		log_info("notify=wechat refund=%s state=%s", v->out_refund_no, v->service_state);
		return ERR_OK;
	}
	return refund_told(r->db, &t, r->now, &outcome);
}

enum err notify_wechat_refund(struct request *r, struct answer *a)
{
	struct pay_headers h = wechat_headers(r);
	struct problem why = { 0 };
	struct pay_refund_event event;
	enum err e =
		pay_notify_wechat_refund(r->api->pay, &h, r->body, r->body_n, r->now, &event, &why);

	return answer_wechat(
		a, e == ERR_OK ? take_refund(r, &event) : refused(r, "wechat", e, &why));
}

enum err notify_alipay(struct request *r, struct answer *a)
{
	struct problem why = { 0 };
	struct pay_event event;
	enum err e = pay_notify_alipay(
		r->api->pay, request_header(r, "CONTENT_TYPE"), r->body, r->body_n, &event, &why);

	e = e == ERR_OK ? take(r, "alipay", &event) : refused(r, "alipay", e, &why);
	a->type = "text/plain";
	if (e != ERR_OK)
		a->status = err_http(e);
	buf_adds(&a->text, e == ERR_OK ? PAY_ALIPAY_SUCCESS : PAY_ALIPAY_FAIL);
	return ERR_OK;
}
