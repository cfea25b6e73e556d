/* Money back through Alipay. A refund is done at once or not at all; its number makes it harmless
 * to ask again, and the query of that number has the last word. */
#include <string.h>

#include "pay/alipay_inside.h"

struct word {
	const char *word;
	enum pay_refund_state state;
};

/* What a refusal means for the refund, once the service has no record of it. */
static enum pay_refund_state state_of_refusal(const char *sub_code)
{
	static const struct word words[] = {
		/* put right by people, then the same number may be asked again */
		{ "ACQ.SELLER_BALANCE_NOT_ENOUGH", PAY_REFUND_PERSON },
		{ "ACQ.REASON_TRADE_BEEN_FREEZEN", PAY_REFUND_PERSON },
		{ "ACQ.DISCORDANT_REPEAT_REQUEST", PAY_REFUND_PERSON },
		/* never */
		{ "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", PAY_REFUND_CLOSED },
		{ "ACQ.REFUND_FEE_ERROR", PAY_REFUND_CLOSED },
		{ "ACQ.REASON_TRADE_REFUND_FEE_ERR", PAY_REFUND_CLOSED },
		{ "ACQ.REASON_TRADE_STATUS_INVALID", PAY_REFUND_CLOSED },
		{ "ACQ.TRADE_HAS_FINISHED", PAY_REFUND_CLOSED },
		{ "ACQ.TRADE_HAS_CLOSE", PAY_REFUND_CLOSED },
		{ "ACQ.TRADE_NOT_ALLOW_REFUND", PAY_REFUND_CLOSED },
		{ "ACQ.TRADE_NOT_EXIST", PAY_REFUND_CLOSED },
		{ "ACQ.TRADE_STATUS_ERROR", PAY_REFUND_CLOSED },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq(words[i].word, sub_code))
			return words[i].state;
	return PAY_REFUND_UNKNOWN;
}

static enum pay_refund_state state_of(const char *status)
{
	static const struct word words[] = {
		{ "REFUND_SUCCESS", PAY_REFUND_DONE },
		{ "REFUND_PROCESSING", PAY_REFUND_ACCEPTED },
		{ "REFUND_FAIL", PAY_REFUND_CLOSED },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq(words[i].word, status))
			return words[i].state;
	return PAY_REFUND_UNKNOWN;
}

static struct pay_refund_event event_of(
	const struct pay_refund *r, enum pay_refund_state state, const char *word)
{
	struct pay_refund_event ev = { .state = state };

	(void)!str_copy(ev.out_trade_no, sizeof(ev.out_trade_no), r->out_trade_no);
	(void)!str_copy(ev.out_refund_no, sizeof(ev.out_refund_no), r->out_refund_no);
	ASSERT(word);
	memcpy(ev.service_state, word, strnlen(word, sizeof(ev.service_state) - 1));
	return ev;
}

static enum err ask(const struct alipay *a, const char *method, const json_t *biz, struct utc now,
	int64_t deadline_ms, json_t **out, struct problem *why)
{
	return alipay_call(a,
		&(struct alipay_asking){
			.method = method, .biz = biz, .now = now, .deadline_ms = deadline_ms },
		out, why);
}

/* Is a member what we asked about, if it is there? */
static bool agrees(const json_t *j, const char *key, const char *ours)
{
	const char *v = alipay_text(j, key);

	return !v || str_eq(v, ours);
}

/* ---- query ---- */

static enum err read_record(const json_t *j, const struct pay_refund *r,
	struct pay_refund_event *ev, struct problem *why)
{
	const char *amount = alipay_text(j, "refund_amount"),
		   *at = alipay_text(j, "gmt_refund_pay");

	if (!agrees(j, "out_trade_no", r->out_trade_no) ||
		!agrees(j, "out_request_no", r->out_refund_no))
		return problem_set(why, ERR_UNKNOWN, "out_request_no", "the answer to another");
	if (amount && fen_parse(amount, &ev->amount_fen) != ERR_OK)
		return problem_set(why, ERR_UNKNOWN, "refund_amount", "no amount in yuan");
	if (at && beijing_parse_plain(at, &ev->done_at) != ERR_OK)
		return problem_set(why, ERR_UNKNOWN, "gmt_refund_pay", "no time");
	if (ev->state == PAY_REFUND_DONE && !amount)
		return problem_set(why, ERR_UNKNOWN, "refund_amount", "is missing");
	/* our number stands for another sum there: neither done nor undone */
	if (ev->state == PAY_REFUND_DONE && ev->amount_fen != r->amount_fen)
		ev->state = PAY_REFUND_PERSON;
	return ERR_OK;
}

/* No status means that no refund of this number took place. */
static enum err query(const struct alipay *a, const struct pay_refund *r, struct utc now,
	int64_t deadline_ms, struct pay_refund_event *out, struct problem *why)
{
	AUTO(json_free)
	json_t *biz = json_pack("{s:s, s:s, s:[s]}", "out_trade_no", r->out_trade_no,
		"out_request_no", r->out_refund_no, "query_options", "gmt_refund_pay");
	AUTO(json_free) json_t *j = NULL;
	struct problem said = { 0 };
	struct pay_refund_event ev;
	const char *status;
	enum err e = ask(a, "alipay.trade.fastpay.refund.query", biz, now, deadline_ms, &j, &said);

	if (e == ERR_REFUSED && str_eq(said.field, "ACQ.TRADE_NOT_EXIST")) {
		*out = event_of(r, PAY_REFUND_NOT_EXIST, "TRADE_NOT_EXIST");
		return ERR_OK;
	}
	if (e != ERR_OK)
		return problem_set(why, e, said.field, "%s", said.text);
	status = alipay_text(j, "refund_status");
	ev = status ? event_of(r, state_of(status), status) : event_of(r, PAY_REFUND_NOT_EXIST, "");
	e = read_record(j, r, &ev, why);
	if (e == ERR_OK)
		*out = ev;
	return e;
}

enum err alipay_refund_query(const struct pay *pay, const struct pay_refund *r, struct utc now,
	int64_t deadline_ms, struct pay_refund_event *out, struct problem *why)
{
	return pay->alipay ? query(pay->alipay, r, now, deadline_ms, out, why)
			   : alipay_not_configured(why);
}

/* ---- refund ---- */

/* The call moved the money. refund_fee sums up all refunds of the trade, so it is not this one's.
 */
static enum err read_moved(const json_t *j, const struct pay_refund *r,
	struct pay_refund_event *out, struct problem *why)
{
	struct pay_refund_event ev = event_of(r, PAY_REFUND_DONE, "REFUND_SUCCESS");
	const char *at = alipay_text(j, "gmt_refund_pay");

	if (!agrees(j, "out_trade_no", r->out_trade_no))
		return problem_set(why, ERR_UNKNOWN, "out_trade_no", "the answer to another");
	if (at && beijing_parse_plain(at, &ev.done_at) != ERR_OK)
		return problem_set(why, ERR_UNKNOWN, "gmt_refund_pay", "no time");
	ev.amount_fen = r->amount_fen;
	*out = ev;
	return ERR_OK;
}

/* A refusal counts once the service says that it has no refund of this number: what was refused may
 * be the repetition of a call that went through. */
static enum err after_refusal(const struct alipay *a, const struct pay_refund *r, struct utc now,
	int64_t deadline_ms, const struct problem *said, struct pay_refund_event *out,
	struct problem *why)
{
	struct pay_refund_event ev = { 0 };
	enum err e = query(a, r, now, deadline_ms, &ev, why);

	if (e != ERR_OK)
		return ERR_UNKNOWN;
	if (ev.state != PAY_REFUND_NOT_EXIST && ev.state != PAY_REFUND_CLOSED) {
		*out = ev;
		return ERR_OK;
	}
	*out = event_of(r, state_of_refusal(said->field), said->field);
	return problem_set(why, ERR_REFUSED, said->field, "%s", said->text);
}

/* Nothing moved by this call: by an earlier one of the same number, or not yet. */
static enum err after_nothing_moved(const struct alipay *a, const struct pay_refund *r,
	struct utc now, int64_t deadline_ms, struct pay_refund_event *out, struct problem *why)
{
	struct pay_refund_event ev = { 0 };

	if (query(a, r, now, deadline_ms, &ev, why) != ERR_OK)
		return ERR_UNKNOWN;
	if (ev.state == PAY_REFUND_NOT_EXIST)
		return problem_set(why, ERR_UNKNOWN, "fund_change",
			"accepted, but there is no refund of this number yet");
	*out = ev;
	return ERR_OK;
}

static json_t *content_of(const struct pay_refund *r)
{
	char amount[MONEY_TEXT_MAX];
	json_t *biz;

	fen_text(r->amount_fen, amount);
	biz = json_pack("{s:s, s:s, s:s}", "out_trade_no", r->out_trade_no, "refund_amount", amount,
		"out_request_no", r->out_refund_no);
	if (r->reason && r->reason[0]) {
		size_t n = utf8_prefix(r->reason, 256);

		/* NULL, and so left out, if it is no UTF-8 */
		(void)json_object_set_new(biz, "refund_reason", json_stringn(r->reason, n));
	}
	return biz;
}

enum err alipay_refund(const struct pay *pay, const struct pay_refund *r, struct utc now,
	int64_t deadline_ms, struct pay_refund_event *out, struct problem *why)
{
	const struct alipay *a = pay->alipay;
	AUTO(json_free) json_t *biz = NULL;
	AUTO(json_free) json_t *j = NULL;
	struct problem said = { 0 };
	const char *moved;
	enum err e;

	if (!a)
		return alipay_not_configured(why);
	biz = content_of(r);
	e = ask(a, "alipay.trade.refund", biz, now, deadline_ms, &j, &said);
	if (e == ERR_REFUSED)
		return after_refusal(a, r, now, deadline_ms, &said, out, why);
	if (e != ERR_OK)
		return problem_set(why, e, said.field, "%s", said.text);
	moved = alipay_text(j, "fund_change");
	if (moved && str_eq(moved, "Y"))
		return read_moved(j, r, out, why);
	return after_nothing_moved(a, r, now, deadline_ms, out, why);
}
