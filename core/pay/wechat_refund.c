/* Refunds: ask for one, and ask what became of it. */
#include <stdio.h>
#include <stdlib.h>

#include "pay/wechat_inside.h"

#define REASON_MAX 80

/* The request, which depends on the refund alone: the same number may be asked for again. */
static json_t *refund_json(const struct wechat *w, const struct pay_refund *r)
{
	json_t *j = json_pack("{s:s, s:s, s:s, s:{s:I, s:I, s:s}}", "out_trade_no", r->out_trade_no,
		"out_refund_no", r->out_refund_no, "notify_url", w->refund_notify_url, "amount",
		"refund", (json_int_t)r->amount_fen, "total", (json_int_t)r->total_fen, "currency",
		"CNY");

	ASSERT(j);
	if (r->reason && r->reason[0] &&
		json_object_set_new(j, "reason",
			json_stringn(r->reason, utf8_prefix(r->reason, REASON_MAX))) != 0)
		json_free(&j);
	return j;
}

/* An answer about this refund and no other. */
static enum err read_answer(const json_t *j, const struct pay_refund *r,
	struct pay_refund_event *out, struct problem *why)
{
	struct pay_refund_event ev;

	if (wechat_read_refund_answer(j, &ev, why) != ERR_OK)
		return ERR_UNKNOWN;
	if (!str_eq(ev.out_refund_no, r->out_refund_no) ||
		!str_eq(ev.out_trade_no, r->out_trade_no))
		return problem_set(why, ERR_UNKNOWN, "out_refund_no", "the answer to another");
	if (ev.amount_fen != r->amount_fen)
		return problem_set(why, ERR_UNKNOWN, "amount.refund",
			"the refund of this number is %lld fen there", (long long)ev.amount_fen);
	*out = ev;
	return ERR_OK;
}

enum err wechat_refund(const struct pay *pay, const struct pay_refund *r, struct utc now,
	int64_t deadline_ms, struct pay_refund_event *out, struct problem *why)
{
	AUTO(json_free) json_t *j = NULL;
	AUTO(json_free) json_t *request = NULL;
	AUTO(text_free) char *body = NULL;
	const struct wechat *w = pay->wechat;
	struct problem said = { 0 };
	char url[384];
	enum err e;

	if (!w)
		return wechat_not_configured(why);
	request = refund_json(w, r);
	if (!request)
		return problem_set(why, ERR_BAD_VALUE, "reason", "no UTF-8");
	body = json_text(request);
	snprintf(url, sizeof(url), "%s/v3/refund/domestic/refunds", w->api_base);
	e = wechat_call_json(w, &(struct wechat_call){ .method = "POST", .url = url, .body = body },
		now, deadline_ms, &j, &said);
	if (e != ERR_OK)
		return problem_set(why, e, said.field, "%s", said.text);
	return read_answer(j, r, out, why);
}

static void set_not_exist(const struct pay_refund *r, struct pay_refund_event *out)
{
	*out = (struct pay_refund_event){ .state = PAY_REFUND_NOT_EXIST };
	(void)!str_copy(out->out_trade_no, sizeof(out->out_trade_no), r->out_trade_no);
	(void)!str_copy(out->out_refund_no, sizeof(out->out_refund_no), r->out_refund_no);
	(void)!str_copy(out->service_state, sizeof(out->service_state), "RESOURCE_NOT_EXISTS");
}

enum err wechat_refund_query(const struct pay *pay, const struct pay_refund *r, struct utc now,
	int64_t deadline_ms, struct pay_refund_event *out, struct problem *why)
{
	AUTO(json_free) json_t *j = NULL;
	const struct wechat *w = pay->wechat;
	struct problem said = { 0 };
	char url[512];
	enum err e;

	if (!w)
		return wechat_not_configured(why);
	snprintf(url, sizeof(url), "%s/v3/refund/domestic/refunds/%s", w->api_base,
		r->out_refund_no);
	e = wechat_call_json(w, &(struct wechat_call){ .method = "GET", .url = url }, now,
		deadline_ms, &j, &said);
	if (e == ERR_REFUSED && (wechat_code_is(said.field, "RESOURCENOTEXISTS") ||
					wechat_code_is(said.field, "REFUNDNOTEXISTS"))) {
		set_not_exist(r, out);
		return ERR_OK;
	}
	if (e != ERR_OK)
		return problem_set(why, e, said.field, "%s", said.text);
	return read_answer(j, r, out, why);
}
