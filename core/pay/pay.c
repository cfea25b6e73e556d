#include "pay/pay.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "pay/wechat_inside.h"

#define AMOUNT_FEN_MAX INT64_C(10000000000)

/* clang-format off */
const struct pay_channel pay_channels[] = {
	{ "wechat_jsapi",  "wechat", wechat_open_jsapi },
	{ "wechat_h5",     "wechat", wechat_open_h5 },
	{ "wechat_native", "wechat", wechat_open_native },
	{ "alipay_wap",    "alipay", alipay_open_wap },
	{ "alipay_page",   "alipay", alipay_open_page },
	{ "alipay_qr",     "alipay", alipay_open_qr },
};

const struct pay_service pay_services[] = {
	{ "wechat", wechat_query, wechat_close, wechat_refund, wechat_refund_query, wechat_bill },
	{ "alipay", alipay_query, alipay_close, alipay_refund, alipay_refund_query, alipay_bill },
};
/* clang-format on */
const size_t pay_channel_count = ARRAY_LEN(pay_channels);
const size_t pay_service_count = ARRAY_LEN(pay_services);
_Static_assert(ARRAY_LEN(pay_channels) <= PAY_CHANNELS_MAX, "room for all channels");

const struct pay_channel *pay_channel_find(const char *name)
{
	for (size_t i = 0; i < pay_channel_count; i++)
		if (str_eq(pay_channels[i].name, name))
			return &pay_channels[i];
	return NULL;
}

const struct pay_service *pay_service_find(const char *name)
{
	for (size_t i = 0; i < pay_service_count; i++)
		if (str_eq(pay_services[i].name, name))
			return &pay_services[i];
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

const char *pay_refund_state_word(enum pay_refund_state s)
{
	static const char *const words[] = {
		[PAY_REFUND_UNKNOWN] = "unknown",
		[PAY_REFUND_ACCEPTED] = "accepted",
		[PAY_REFUND_DONE] = "done",
		[PAY_REFUND_CLOSED] = "closed",
		[PAY_REFUND_PERSON] = "person",
		[PAY_REFUND_NOT_EXIST] = "not_exist",
	};

	return words[s];
}

/* Not set up at all is nobody's mistake. */
static void say_off(const char *service, const struct problem *why)
{
	if (why->field[0])
		log_error("service=%s state=off key=%s why=\"%s\"", service, why->field, why->text);
}

/* Each of these needs the vendor's approval of its own, which a merchant may not have yet. */
static void load_without(struct conf *conf, struct pay *p)
{
	char list[256], *save = NULL;

	if (!str_copy(list, sizeof(list), conf_text(conf, "site", "without_channels", ""))) {
		log_error("key=without_channels why=\"the list is too long\"");
		return;
	}
	for (char *w = strtok_r(list, "; ,", &save); w; w = strtok_r(NULL, "; ,", &save)) {
		const struct pay_channel *c = pay_channel_find(w);

		if (c)
			p->without[c - pay_channels] = true;
		else
			log_error("key=without_channels why=\"there is no channel %.40s\"", w);
	}
}

void pay_load(struct conf *conf, struct pay **out)
{
	struct pay *p = calloc(1, sizeof(*p));

	ASSERT(p);
	if (wechat_load(conf, &p->wechat, &p->wechat_off) != ERR_OK)
		say_off("wechat", &p->wechat_off);
	if (alipay_load(conf, &p->alipay, &p->alipay_off) != ERR_OK)
		say_off("alipay", &p->alipay_off);
	load_without(conf, p);
	*out = p;
}

const struct problem *pay_off(const struct pay *pay, const char *service)
{
	static const struct problem none = { .text = "there is no such service" };

	if (str_eq(service, "wechat"))
		return pay->wechat ? NULL : &pay->wechat_off;
	if (str_eq(service, "alipay"))
		return pay->alipay ? NULL : &pay->alipay_off;
	return &none;
}

const struct problem *pay_channel_off(const struct pay *pay, const struct pay_channel *channel)
{
	static const struct problem without = { .text = "this channel is not offered here" };

	return pay->without[channel - pay_channels] ? &without : pay_off(pay, channel->service);
}

const char *pay_app_id(const struct pay *pay, const char *service)
{
	if (str_eq(service, "wechat") && pay->wechat)
		return pay->wechat->app_id;
	if (str_eq(service, "alipay") && pay->alipay)
		return pay->alipay->app_id;
	return "";
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

static enum err check_number(const char *no, const char *field, struct problem *why)
{
	size_t n = strlen(no);

	if (n < 6 || n > 32 ||
		strspn(no, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != n)
		return problem_set(why, ERR_BAD_VALUE, field,
			"a number of ours is 6 to 32 letters and digits");
	return ERR_OK;
}

static enum err check_order(const struct pay_order *o, struct problem *why)
{
	enum err e = check_number(o->out_trade_no, "out_trade_no", why);

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

/* The row of a service, if the order number may be sent to it. */
static enum err find(const char *service, const char *out_trade_no, const struct pay_service **out,
	struct problem *why)
{
	*out = pay_service_find(service);
	if (!*out)
		return problem_set(why, ERR_NOT_CONFIGURED, "", "there is no such service");
	return check_number(out_trade_no, "out_trade_no", why);
}

enum err pay_query(const struct pay *pay, const char *service, const char *out_trade_no,
	struct utc now, int64_t deadline_ms, struct pay_event *out, struct problem *why)
{
	const struct pay_service *s;
	enum err e = find(service, out_trade_no, &s, why);

	return e == ERR_OK ? s->query(pay, out_trade_no, now, deadline_ms, out, why) : e;
}

enum err pay_close(const struct pay *pay, const char *service, const char *out_trade_no,
	struct utc now, int64_t deadline_ms, struct problem *why)
{
	const struct pay_service *s;
	enum err e = find(service, out_trade_no, &s, why);

	return e == ERR_OK ? s->close(pay, out_trade_no, now, deadline_ms, why) : e;
}

static enum err check_refund(const char *service, const struct pay_refund *r,
	const struct pay_service **out, struct problem *why)
{
	enum err e = find(service, r->out_trade_no, out, why);

	if (e == ERR_OK)
		e = check_number(r->out_refund_no, "out_refund_no", why);
	if (e == ERR_OK && (r->amount_fen < 1 || r->amount_fen > r->total_fen ||
				   r->total_fen > AMOUNT_FEN_MAX))
		e = problem_set(why, ERR_BAD_VALUE, "amount_fen",
			"a refund is at least 1 fen and at most the order");
	return e;
}

enum err pay_refund_open(const struct pay *pay, const char *service, const struct pay_refund *r,
	struct utc now, int64_t deadline_ms, struct pay_refund_event *out, struct problem *why)
{
	const struct pay_service *s;
	enum err e = check_refund(service, r, &s, why);

	return e == ERR_OK ? s->refund(pay, r, now, deadline_ms, out, why) : e;
}

enum err pay_refund_query(const struct pay *pay, const char *service, const struct pay_refund *r,
	struct utc now, int64_t deadline_ms, struct pay_refund_event *out, struct problem *why)
{
	const struct pay_service *s;
	enum err e = check_refund(service, r, &s, why);

	return e == ERR_OK ? s->refund_query(pay, r, now, deadline_ms, out, why) : e;
}

void pay_bill_free(struct pay_bill *bill)
{
	free(bill->rows);
	*bill = (struct pay_bill){ 0 };
}

enum err pay_bill_get(const struct pay *pay, const char *service, struct day day, struct utc now,
	int64_t deadline_ms, struct pay_bill *out, struct problem *why)
{
	const struct pay_service *s = pay_service_find(service);

	if (!s)
		return problem_set(why, ERR_NOT_CONFIGURED, "", "there is no such service");
	return s->bill(pay, day, now, deadline_ms, out, why);
}

void pay_fund_bill_free(struct pay_fund_bill *bill)
{
	free(bill->rows);
	*bill = (struct pay_fund_bill){ 0 };
}

enum err pay_fund_bill_get(const struct pay *pay, const char *service, struct day day,
	struct utc now, int64_t deadline_ms, struct pay_fund_bill *out, struct problem *why)
{
	if (!str_eq(service, "wechat"))
		return problem_set(why, ERR_NOT_CONFIGURED, "", "the service has no such bill");
	return wechat_fund_bill(pay, day, now, deadline_ms, out, why);
}
