#include "pay/pay.h"

#include <stdlib.h>
#include <string.h>

#include "pay/service.h"

#define AMOUNT_FEN_MAX INT64_C(10000000000)

/* clang-format off */
const struct pay_channel pay_channels[] = {
	/* name            service   open                query         close */
	{ "wechat_native", "wechat", wechat_open_native, wechat_query, wechat_close },
	{ "wechat_h5",     "wechat", wechat_open_h5,     wechat_query, wechat_close },
	{ "alipay_wap",    "alipay", alipay_open_wap,    alipay_query, alipay_close },
};
/* clang-format on */
const size_t pay_channel_count = ARRAY_LEN(pay_channels);

const struct pay_channel *pay_channel_find(const char *name)
{
	for (size_t i = 0; i < pay_channel_count; i++)
		if (str_eq(pay_channels[i].name, name))
			return &pay_channels[i];
	return NULL;
}

const char *pay_state_word(enum pay_state s)
{
	static const char *const words[] = {
		[PAY_UNKNOWN] = "unknown",
		[PAY_NOT_PAID] = "not_paid",
		[PAY_PAID] = "paid",
		[PAY_CLOSED] = "closed",
		[PAY_REFUND] = "refund",
		[PAY_NOT_EXIST] = "not_exist",
		[PAY_OTHER] = "other",
	};

	return words[s];
}

enum err pay_load(struct conf *conf, struct pay **out, struct problem *why)
{
	AUTO(pay_free) struct pay *p = calloc(1, sizeof(*p));
	enum err e;

	ASSERT(p);
	e = wechat_load(conf, &p->wechat, why);
	if (e == ERR_OK)
		e = alipay_load(conf, &p->alipay, why);
	if (e != ERR_OK)
		return e;
	*out = p;
	p = NULL;
	return ERR_OK;
}

void pay_free(struct pay **pay)
{
	if (!*pay)
		return;
	wechat_free(&(*pay)->wechat);
	alipay_free(&(*pay)->alipay);
	free(*pay);
	*pay = NULL;
}

static enum err check_number(const char *no, struct problem *why)
{
	size_t n = strlen(no);

	if (n < 6 || n > 32 ||
		strspn(no, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != n)
		return problem_set(why, ERR_BAD_VALUE, "out_trade_no",
			"an order number is 6 to 32 letters and digits");
	return ERR_OK;
}

static enum err check_order(const struct pay_order *o, struct problem *why)
{
	enum err e = check_number(o->out_trade_no, why);

	if (e != ERR_OK)
		return e;
	if (o->amount_fen < 1 || o->amount_fen > AMOUNT_FEN_MAX)
		return problem_set(why, ERR_BAD_VALUE, "amount_fen", "an amount is 1 to %lld fen",
			(long long)AMOUNT_FEN_MAX);
	if (!o->description || !o->description[0])
		return problem_set(why, ERR_BAD_VALUE, "description", "a description is missing");
	if (o->expires_at.ms <= 0)
		return problem_set(why, ERR_BAD_VALUE, "expires_at", "an end is missing");
	if (o->return_url && !is_browser_url(o->return_url))
		return problem_set(why, ERR_BAD_VALUE, "return_url", "no http(s) address");
	return ERR_OK;
}

enum err pay_open(const struct pay *pay, const struct pay_channel *channel,
	const struct pay_order *order, struct utc now, int64_t deadline_ms, json_t **out,
	struct problem *why)
{
	enum err e = check_order(order, why);

	return e == ERR_OK ? channel->open(pay, channel, order, now, deadline_ms, out, why) : e;
}

enum err pay_query(const struct pay *pay, const struct pay_channel *channel,
	const char *out_trade_no, struct utc now, int64_t deadline_ms, struct pay_event *out,
	struct problem *why)
{
	enum err e = check_number(out_trade_no, why);

	return e == ERR_OK ? channel->query(pay, out_trade_no, now, deadline_ms, out, why) : e;
}

enum err pay_close(const struct pay *pay, const struct pay_channel *channel,
	const char *out_trade_no, struct utc now, int64_t deadline_ms, struct problem *why)
{
	enum err e = check_number(out_trade_no, why);

	return e == ERR_OK ? channel->close(pay, out_trade_no, now, deadline_ms, why) : e;
}
