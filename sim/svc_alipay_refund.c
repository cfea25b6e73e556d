/* Refunds of the stand-in: at once, once per number. */
#include <stdio.h>
#include <string.h>

#include "sim/svc_alipay_inside.h"

/* With the lock held. NULL if there is none of that number. */
static json_t *refund_of(const json_t *order, const char *no)
{
	json_t *refund;
	size_t i;

	json_array_foreach(json_object_get(order, "refunds"), i, refund)
	{
		if (str_eq(svc_text(refund, "out_refund_no"), no))
			return refund;
	}
	return NULL;
}

static json_t *refund_add(json_t *order, const char *no, int64_t fen, const char *reason)
{
	json_t *all = json_object_get(order, "refunds");
	json_t *refund = json_pack("{s:s, s:s, s:I, s:s, s:I, s:s}", "out_refund_no", no,
		"refund_id", "", "amount_fen", (json_int_t)fen, "state", "PENDING", "ms",
		(json_int_t)0, "reason", reason);

	if (!all) {
		all = json_array();
		ASSERT(json_object_set_new(order, "refunds", all) == 0);
	}
	ASSERT(refund && json_array_append_new(all, refund) == 0);
	return refund;
}

struct asked {
	const char *no, *reason;
	int64_t fen;
};

static enum err read_refund(const json_t *b, struct asked *out)
{
	static const char *const names[] = { "out_trade_no", "trade_no", "refund_amount",
		"out_request_no", "refund_reason", "query_options", NULL };

	*out = (struct asked){ svc_text(b, "out_request_no"), svc_text(b, "refund_reason"), 0 };
	if (json_only(b, names, NULL) != ERR_OK || strlen(out->no) > 64 ||
		strlen(out->reason) > 256 ||
		(!svc_text(b, "out_trade_no")[0] && !svc_text(b, "trade_no")[0]))
		return ERR_BAD_VALUE;
	return svc_alipay_fen(svc_text(b, "refund_amount"), &out->fen);
}

/* With the lock held: may a new refund be made? */
static struct svc_verdict check_new(
	const json_t *order, const struct asked *a, bool finished, struct utc now)
{
	int64_t total = svc_int(order, "amount_fen"), left = total - svc_alipay_refunded(order);

	if (!str_eq(svc_order_state(order, now), "SUCCESS"))
		return svc_alipay_refused("ACQ.TRADE_STATUS_ERROR", "交易状态不合法");
	if (finished)
		return svc_alipay_refused("ACQ.TRADE_HAS_FINISHED", "交易已完结");
	if (left == 0)
		return svc_alipay_refused("ACQ.TRADE_HAS_CLOSE", "交易已经关闭");
	if (!a->no[0] && a->fen != total)
		return svc_alipay_refused("ACQ.INVALID_PARAMETER", "部分退款须传 out_request_no");
	if (a->fen > left)
		return svc_alipay_refused("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "退款金额超限");
	return svc_alipay_done();
}

static void tell(const json_t *order, const json_t *refund, bool moved, json_t *answer)
{
	char yuan[32], when[40];

	svc_yuan(svc_alipay_refunded(order), yuan);
	svc_set_text(answer, "buyer_logon_id", "138****0000");
	svc_set_text(answer, "fund_change", moved ? "Y" : "N");
	if (svc_int(refund, "ms")) {
		svc_beijing((struct utc){ svc_int(refund, "ms") }, false, when);
		svc_set_text(answer, "gmt_refund_pay", when);
	}
	svc_set_text(answer, "out_trade_no", svc_text(order, "out_trade_no"));
	svc_set_text(answer, "refund_fee", yuan);
	svc_set_text(answer, "trade_no", svc_alipay_trade_no(order));
}

struct way { /* how it goes this time */
	bool finished, pending;
	struct svc_event event;
};

/* With the lock held. A pending one moves no money yet; its repetition does. */
static struct svc_verdict refund_trade(struct svc *s, json_t *order, const struct asked *a,
	struct way *w, struct utc now, json_t *answer)
{
	const char *no = a->no[0] ? a->no : svc_text(order, "out_trade_no");
	json_t *refund = refund_of(order, no);
	struct svc_verdict v = svc_alipay_done();
	bool moved;

	if (refund && svc_int(refund, "amount_fen") != a->fen)
		return svc_alipay_refused(
			"ACQ.DISCORDANT_REPEAT_REQUEST", "请求信息不一致, 退款请求号已使用");
	if (!refund)
		v = check_new(order, a, w->finished, now);
	if (!svc_is_done(&v))
		return v;
	if (!refund)
		refund = refund_add(order, no, a->fen, a->reason);
	moved = !w->pending && !svc_int(refund, "ms");
	if (moved) {
		svc_set_text(refund, "state", "REFUND_SUCCESS");
		svc_set_int(refund, "ms", now.ms);
		w->event.refund_no = no;
		svc_alipay_event(s, order, &w->event, now);
	}
	tell(order, refund, moved, answer);
	svc_save(s);
	return v;
}

struct svc_verdict svc_alipay_refund(
	struct svc *s, const struct svc_call *c, struct utc now, json_t *answer)
{
	struct way w = { .finished = svc_mode_take(s, SVC_ALIPAY, "trade_finished", NULL),
		.pending = svc_mode_take(s, SVC_ALIPAY, "refund_pending", NULL),
		.event = { .name = "refund" } };
	struct asked a;
	struct svc_verdict v;
	json_t *order;

	if (read_refund(c->biz, &a) != ERR_OK)
		return svc_alipay_refused("ACQ.INVALID_PARAMETER", "参数无效");
	svc_alipay_event_modes(s, &w.event);
	pthread_mutex_lock(&s->lock);
	order = svc_alipay_trade(s, c->biz);
	v = order ? refund_trade(s, order, &a, &w, now, answer)
		  : svc_alipay_refused("ACQ.TRADE_NOT_EXIST", "交易不存在");
	pthread_mutex_unlock(&s->lock);
	return v;
}

/* ---- query ---- */

static bool asks_for(const json_t *biz, const char *option)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(biz, "query_options"), i, item)
	{
		if (json_is_string(item) && str_eq(json_string_value(item), option))
			return true;
	}
	return false;
}

/* With the lock held. Nothing but success has a record. */
static void tell_record(
	const json_t *order, const json_t *refund, const json_t *biz, json_t *answer)
{
	char yuan[32], when[40];

	if (!refund || !svc_int(refund, "ms"))
		return;
	if (asks_for(biz, "gmt_refund_pay")) {
		svc_beijing((struct utc){ svc_int(refund, "ms") }, false, when);
		svc_set_text(answer, "gmt_refund_pay", when);
	}
	svc_set_text(answer, "out_request_no", svc_text(refund, "out_refund_no"));
	svc_set_text(answer, "out_trade_no", svc_text(order, "out_trade_no"));
	svc_yuan(svc_int(refund, "amount_fen"), yuan);
	svc_set_text(answer, "refund_amount", yuan);
	svc_set_text(answer, "refund_status", svc_text(refund, "state"));
	svc_yuan(svc_int(order, "amount_fen"), yuan);
	svc_set_text(answer, "total_amount", yuan);
	svc_set_text(answer, "trade_no", svc_alipay_trade_no(order));
}

struct svc_verdict svc_alipay_refund_query(
	struct svc *s, const struct svc_call *c, struct utc now, json_t *answer)
{
	static const char *const names[] = { "out_trade_no", "trade_no", "out_request_no",
		"query_options", NULL };
	const json_t *order;

	(void)now;
	if (json_only(c->biz, names, NULL) != ERR_OK || !svc_text(c->biz, "out_request_no")[0])
		return svc_alipay_refused("ACQ.INVALID_PARAMETER", "参数无效");
	pthread_mutex_lock(&s->lock);
	order = svc_alipay_trade(s, c->biz);
	if (order)
		tell_record(order, refund_of(order, svc_text(c->biz, "out_request_no")), c->biz,
			answer);
	pthread_mutex_unlock(&s->lock);
	return order ? svc_alipay_done() : svc_alipay_refused("ACQ.TRADE_NOT_EXIST", "交易不存在");
}
