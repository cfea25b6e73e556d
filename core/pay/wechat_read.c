/* What WeChat's objects say: a transaction, a refund. */
#include <string.h>

#include "pay/wechat_inside.h"

#define AMOUNT_MAX INT64_C(1000000000000)

static enum pay_state state_of(const char *word)
{
	static const struct state_word states[] = {
		{ "SUCCESS", PAY_PAID },
		{ "NOTPAY", PAY_NOT_PAID },
		{ "USERPAYING", PAY_NOT_PAID },
		{ "USER_PAYING", PAY_NOT_PAID },
		{ "CLOSED", PAY_CLOSED },
		{ "REVOKED", PAY_CLOSED },
		{ "REFUND", PAY_REFUND },
	};

	return state_find(states, ARRAY_LEN(states), word);
}

static enum pay_refund_state refund_state_of(const char *word)
{
	static const struct {
		const char *word;
		enum pay_refund_state state;
	} states[] = {
		{ "SUCCESS", PAY_REFUND_DONE },
		{ "PROCESSING", PAY_REFUND_ACCEPTED },
		{ "CLOSED", PAY_REFUND_CLOSED },
		{ "ABNORMAL", PAY_REFUND_PERSON },
	};

	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (str_eq(states[i].word, word))
			return states[i].state;
	return PAY_REFUND_UNKNOWN;
}

enum err wechat_copy_text(const json_t *j, const char *key, enum field_need need, char *dst,
	size_t size, struct problem *why)
{
	const char *v = "";
	enum err e = json_get_text(j, key, need, size - 1, &v, why);

	if (e == ERR_OK && !str_copy(dst, size, v))
		e = ERR_OUT_OF_RANGE;
	return e;
}

static enum err read_time(const json_t *j, const char *key, struct utc *out, struct problem *why)
{
	const char *v = NULL;
	enum err e = json_get_text(j, key, FIELD_OPTIONAL, 64, &v, why);

	if (e != ERR_OK || !v)
		return e;
	if (utc_parse(v, out) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, key, "no RFC 3339 time");
	return ERR_OK;
}

static enum err check_member(
	const json_t *j, const char *key, const char *ours, struct problem *why)
{
	const char *v = NULL;
	enum err e = json_get_text(j, key, FIELD_REQUIRED, 64, &v, why);

	if (e != ERR_OK)
		return e;
	return str_eq(v, ours) ? ERR_OK
			       : problem_set(why, ERR_CONFLICT, key, "of another merchant");
}

/* amount.total of the order, and its currency. */
static enum err read_amount(
	const json_t *j, enum field_need need, struct pay_event *ev, struct problem *why)
{
	const json_t *amount = json_object_get(j, "amount");
	enum err e;

	if (!amount && need == FIELD_OPTIONAL)
		return ERR_OK;
	e = json_get_int(amount, "total", need, 1, AMOUNT_MAX, &ev->amount_fen, why);
	if (e != ERR_OK)
		return e;
	memcpy(ev->currency, "CNY", 4);
	if (!json_object_get(amount, "currency"))
		return ERR_OK;
	return wechat_copy_text(amount, "currency", need, ev->currency, sizeof(ev->currency), why);
}

enum err wechat_read_transaction(
	const struct wechat *w, const json_t *j, struct pay_event *out, struct problem *why)
{
	struct pay_event ev = { 0 };
	enum field_need paid;
	enum err e = check_member(j, "mchid", w->mch_id, why);

	if (e == ERR_OK)
		e = check_member(j, "appid", w->app_id, why);
	if (e == ERR_OK)
		e = wechat_copy_text(j, "out_trade_no", FIELD_REQUIRED, ev.out_trade_no,
			sizeof(ev.out_trade_no), why);
	if (e == ERR_OK)
		e = wechat_copy_text(j, "trade_state", FIELD_REQUIRED, ev.service_state,
			sizeof(ev.service_state), why);
	if (e != ERR_OK)
		return e;
	ev.state = state_of(ev.service_state);
	/* a refund has begun: so the payment did succeed */
	paid = ev.state == PAY_PAID || ev.state == PAY_REFUND ? FIELD_REQUIRED : FIELD_OPTIONAL;
	e = wechat_copy_text(
		j, "transaction_id", paid, ev.transaction_id, sizeof(ev.transaction_id), why);
	if (e == ERR_OK)
		e = read_amount(j, paid, &ev, why);
	if (e == ERR_OK)
		e = read_time(j, "success_time", &ev.paid_at, why);
	if (e == ERR_OK && paid == FIELD_REQUIRED && !ev.transaction_id[0])
		e = problem_set(why, ERR_BAD_VALUE, "transaction_id", "is empty");
	if (e != ERR_OK)
		return e;
	*out = ev;
	return ERR_OK;
}

/* What the answers and the notify of a refund have in common. */
static enum err read_refund(
	const json_t *j, const char *status, struct pay_refund_event *ev, struct problem *why)
{
	const struct {
		const char *key;
		char *dst;
		size_t size;
	} texts[] = {
		{ "out_trade_no", ev->out_trade_no, sizeof(ev->out_trade_no) },
		{ "out_refund_no", ev->out_refund_no, sizeof(ev->out_refund_no) },
		{ "refund_id", ev->refund_id, sizeof(ev->refund_id) },
		{ status, ev->service_state, sizeof(ev->service_state) },
	};
	enum err e = ERR_OK;

	for (size_t i = 0; i < ARRAY_LEN(texts) && e == ERR_OK; i++)
		e = wechat_copy_text(
			j, texts[i].key, FIELD_REQUIRED, texts[i].dst, texts[i].size, why);
	if (e == ERR_OK)
		e = json_get_int(json_object_get(j, "amount"), "refund", FIELD_REQUIRED, 1,
			AMOUNT_MAX, &ev->amount_fen, why);
	if (e == ERR_OK)
		e = read_time(j, "success_time", &ev->done_at, why);
	if (e == ERR_OK && (!ev->out_trade_no[0] || !ev->out_refund_no[0]))
		e = problem_set(why, ERR_BAD_VALUE, "out_refund_no", "is empty");
	ev->state = refund_state_of(ev->service_state);
	return e;
}

enum err wechat_read_refund_answer(
	const json_t *j, struct pay_refund_event *out, struct problem *why)
{
	struct pay_refund_event ev = { 0 };
	enum err e = read_refund(j, "status", &ev, why);

	if (e == ERR_OK)
		*out = ev;
	return e;
}

/* What a refund does to its payment. */
static enum err read_refunded(const json_t *j, const struct pay_refund_event *r,
	struct pay_event *out, struct problem *why)
{
	struct pay_event ev = { .state = PAY_REFUND };
	enum err e = wechat_copy_text(j, "transaction_id", FIELD_REQUIRED, ev.transaction_id,
		sizeof(ev.transaction_id), why);

	if (e == ERR_OK)
		e = read_amount(j, FIELD_REQUIRED, &ev, why);
	if (e == ERR_OK && r->amount_fen > ev.amount_fen)
		e = problem_set(why, ERR_OUT_OF_RANGE, "amount.refund", "more than was paid");
	if (e != ERR_OK)
		return e;
	memcpy(ev.out_trade_no, r->out_trade_no, sizeof(ev.out_trade_no));
	memcpy(ev.service_state, r->service_state, sizeof(ev.service_state));
	/* closed or abnormal: nothing was given back */
	ev.refund_fen = r->state == PAY_REFUND_DONE ? r->amount_fen : 0;
	*out = ev;
	return ERR_OK;
}

enum err wechat_read_refund_notify(const struct wechat *w, const json_t *j,
	struct pay_event *payment, struct pay_refund_event *out, struct problem *why)
{
	struct pay_refund_event ev = { 0 };
	enum err e = check_member(j, "mchid", w->mch_id, why);

	if (e == ERR_OK)
		e = read_refund(j, "refund_status", &ev, why);
	if (e == ERR_OK)
		e = read_refunded(j, &ev, payment, why);
	if (e == ERR_OK)
		*out = ev;
	return e;
}
