/* Refunds of the stand-in of WeChat Pay. They stand in their order's "refunds":
 *	out_refund_no refund_id amount_fen state ms	as the bill tells them: when accepted
 *	status due_ms next done_ms			as they are, and what they become by
 *themselves params notify_url */
#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "sim/svc_wechat.h"

#define REFUND_MS 1000 /* from accepted to done */
#define REFUNDS_MAX 50
#define REFUND_DAYS INT64_C(365)

const char *wx_refund_status(const json_t *refund, struct utc now)
{
	const char *next = svc_text(refund, "next");

	if (next[0] && now.ms >= svc_int(refund, "due_ms"))
		return next;
	return svc_text(refund, "status");
}

json_t *wx_refund_find(const json_t *order, const char *out_refund_no)
{
	json_t *r;
	size_t i;

	json_array_foreach(json_object_get(order, "refunds"), i, r)
	{
		if (str_eq(svc_text(r, "out_refund_no"), out_refund_no))
			return r;
	}
	return NULL;
}

/* The refund of a number, and its order. */
static json_t *find_all(struct svc *s, const char *out_refund_no, json_t **order)
{
	const char *key;

	json_object_foreach(json_object_get(s->state, "orders"), key, *order)
	{
		json_t *r = str_eq(svc_text(*order, "service"), svc_word(SVC_WECHAT))
				    ? wx_refund_find(*order, out_refund_no)
				    : NULL;

		if (r)
			return r;
	}
	return NULL;
}

static int64_t done_ms(const json_t *refund)
{
	return svc_text(refund, "next")[0] ? svc_int(refund, "due_ms") : svc_int(refund, "done_ms");
}

/* What an answer and a notify have in common. */
static json_t *describe(
	const json_t *order, const json_t *r, const char *status_key, const char *status)
{
	char when[40];
	json_int_t fen = (json_int_t)svc_int(r, "amount_fen");
	json_int_t total = (json_int_t)svc_int(order, "amount_fen");
	json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:{s:I, s:I, s:I, s:I}}", "refund_id",
		svc_text(r, "refund_id"), "out_refund_no", svc_text(r, "out_refund_no"),
		"transaction_id", svc_text(order, "transaction_id"), "out_trade_no",
		svc_text(order, "out_trade_no"), "user_received_account", "支付用户零钱",
		status_key, status, "amount", "total", total, "refund", fen, "payer_total", total,
		"payer_refund", fen);

	ASSERT(j);
	if (str_eq(status, "SUCCESS")) {
		svc_beijing((struct utc){ done_ms(r) }, true, when);
		svc_set_text(j, "success_time", when);
	}
	return j;
}

json_t *wx_refund_plain(const struct svc *s, const json_t *order, const json_t *refund)
{
	json_t *j = describe(order, refund, "refund_status", wx_refund_status(refund, utc_now()));

	svc_set_text(j, "mchid", s->mch_id);
	return j;
}

static void answer_refund(const json_t *order, const json_t *r, struct utc now, struct wx_answer *a)
{
	json_t *amount;
	char created[40];

	a->status = 200;
	a->body = describe(order, r, "status", wx_refund_status(r, now));
	svc_set_text(a->body, "channel", "ORIGINAL");
	svc_set_text(a->body, "funds_account", "AVAILABLE");
	svc_beijing((struct utc){ svc_int(r, "ms") }, true, created);
	svc_set_text(a->body, "create_time", created);
	amount = json_object_get(a->body, "amount");
	svc_set_text(amount, "currency", "CNY");
	svc_set_int(amount, "settlement_total", svc_int(order, "amount_fen"));
	svc_set_int(amount, "settlement_refund", svc_int(r, "amount_fen"));
	svc_set_int(amount, "discount_refund", 0);
}

/* ---- a new one ---- */

struct request {
	const char *transaction_id, *out_trade_no, *out_refund_no, *notify_url;
	int64_t refund_fen, total_fen;
};

static enum err read_amount(const json_t *amount, struct request *r, struct problem *why)
{
	static const char *const names[] = { "refund", "total", "currency", "from", NULL };
	const char *currency = "";
	enum err e = json_only(amount, names, why);

	if (e == ERR_OK)
		e = json_get_int(amount, "refund", FIELD_REQUIRED, 1, INT64_C(10000000000),
			&r->refund_fen, why);
	if (e == ERR_OK)
		e = json_get_int(amount, "total", FIELD_REQUIRED, 1, INT64_C(10000000000),
			&r->total_fen, why);
	if (e == ERR_OK)
		e = json_get_text(amount, "currency", FIELD_REQUIRED, 16, &currency, why);
	if (e == ERR_OK && !str_eq(currency, "CNY"))
		e = problem_set(why, ERR_BAD_VALUE, "currency", "只支持 CNY");
	return e;
}

static bool refund_no_is_good(const char *no)
{
	size_t n = strlen(no);

	return n >= 1 && n <= 64 &&
	       strspn(no, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-|*@") ==
		       n;
}

static enum err read_request(const json_t *j, struct request *r, struct problem *why)
{
	static const char *const names[] = { "transaction_id", "out_trade_no", "out_refund_no",
		"reason", "notify_url", "funds_account", "amount", "goods_detail", NULL };
	const char *reason = "x", *account = "AVAILABLE";
	enum err e = json_only(j, names, why);

	if (e == ERR_OK)
		e = wx_refuse_nulls(j, why);
	if (e == ERR_OK)
		e = json_get_text(j, "transaction_id", FIELD_OPTIONAL, 32, &r->transaction_id, why);
	if (e == ERR_OK)
		e = json_get_text(j, "out_trade_no", FIELD_OPTIONAL, 32, &r->out_trade_no, why);
	if (e == ERR_OK)
		e = json_get_text(j, "out_refund_no", FIELD_REQUIRED, 64, &r->out_refund_no, why);
	if (e == ERR_OK)
		e = json_get_text(j, "reason", FIELD_OPTIONAL, 80, &reason, why);
	if (e == ERR_OK)
		e = json_get_text(j, "notify_url", FIELD_OPTIONAL, 255, &r->notify_url, why);
	if (e == ERR_OK)
		e = json_get_text(j, "funds_account", FIELD_OPTIONAL, 16, &account, why);
	if (e == ERR_OK)
		e = read_amount(json_object_get(j, "amount"), r, why);
	if (e != ERR_OK)
		return e;
	if (!r->transaction_id[0] == !r->out_trade_no[0])
		return problem_set(why, ERR_BAD_VALUE, "", "微信订单号和商户订单号须二选一");
	if (!refund_no_is_good(r->out_refund_no) || !reason[0] || !str_eq(account, "AVAILABLE") ||
		(r->notify_url[0] && !wx_notify_url_is_good(r->notify_url)))
		return problem_set(why, ERR_BAD_VALUE, "", "参数格式错误");
	return ERR_OK;
}

static json_t *find_order(struct svc *s, const struct request *r)
{
	const char *key;
	json_t *o;

	if (r->out_trade_no[0])
		return svc_order(s, SVC_WECHAT, r->out_trade_no);
	json_object_foreach(json_object_get(s->state, "orders"), key, o)
	{
		if (str_eq(svc_text(o, "service"), svc_word(SVC_WECHAT)) &&
			str_eq(svc_text(o, "transaction_id"), r->transaction_id))
			return o;
	}
	return NULL;
}

static int64_t refunded_fen(const json_t *order, struct utc now)
{
	int64_t sum = 0;
	json_t *r;
	size_t i;

	json_array_foreach(json_object_get(order, "refunds"), i, r)
	{
		if (!str_eq(wx_refund_status(r, now), "CLOSED"))
			sum += svc_int(r, "amount_fen");
	}
	return sum;
}

/* With the lock held. */
static bool may_refund(
	const json_t *order, const struct request *r, struct utc now, struct wx_answer *a)
{
	if (!str_eq(svc_text(order, "state"), "SUCCESS"))
		wx_refuse(a, 400, "INVALID_REQUEST", "订单未支付");
	else if (now.ms - svc_int(order, "paid_ms") > REFUND_DAYS * 86400000)
		wx_refuse(a, 400, "INVALID_REQUEST", "订单已超过可退款期限");
	else if (r->total_fen != svc_int(order, "amount_fen"))
		wx_refuse(a, 400, "INVALID_REQUEST", "订单金额与原订单不一致");
	else if (json_array_size(json_object_get(order, "refunds")) >= REFUNDS_MAX)
		wx_refuse(a, 400, "INVALID_REQUEST", "部分退款次数超限");
	else if (r->refund_fen > r->total_fen - refunded_fen(order, now))
		wx_refuse(a, 400, "INVALID_REQUEST", "退款金额大于可退金额");
	else
		return true;
	return false;
}

/* What it becomes by itself, and what it is called when accepted. */
static const char *next_of(struct svc *s)
{
	static const struct {
		const char *mode, *next;
	} modes[] = { { "refund_processing", "" }, { "refund_abnormal", "ABNORMAL" },
		{ "refund_closed", "CLOSED" } };

	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (svc_mode_take(s, SVC_WECHAT, modes[i].mode, NULL))
			return modes[i].next;
	return "SUCCESS";
}

static json_t *add_refund(struct svc *s, json_t *order, const json_t *params,
	const struct request *r, const char *next, struct utc now)
{
	char id[40], noise[17];
	json_t *refund, *all = json_object_get(order, "refunds");

	rand_hex(noise, 8);
	snprintf(id, sizeof(id), "503000%013lld%u", (long long)now.ms, rand_below(1000000));
	refund = json_pack("{s:s, s:s, s:I, s:s, s:I, s:s, s:s, s:I, s:O, s:s}", "out_refund_no",
		r->out_refund_no, "refund_id", id, "amount_fen", (json_int_t)r->refund_fen, "state",
		"PROCESSING", "ms", (json_int_t)now.ms, "status", "PROCESSING", "next", next,
		"due_ms", (json_int_t)(now.ms + REFUND_MS), "params", params, "notify_url",
		r->notify_url);
	ASSERT(refund);
	if (!all) {
		all = json_array();
		ASSERT(json_object_set_new(order, "refunds", all) == 0);
	}
	ASSERT(json_array_append_new(all, refund) == 0);
	if (next[0] && r->notify_url[0])
		svc_queue_refund(s, order, r->out_refund_no, svc_int(refund, "due_ms"));
	return refund;
}

static void refund_again(const json_t *order, const json_t *old, const json_t *params,
	struct utc now, struct wx_answer *a)
{
	if (json_equal(json_object_get(old, "params"), params))
		answer_refund(order, old, now, a);
	else
		wx_refuse(a, 400, "INVALID_REQUEST",
			"订单金额或退款金额与之前请求不一致，请核实后再试");
}

void wx_refund_open(struct svc *s, const json_t *body, struct utc now, struct wx_answer *a)
{
	struct request r = { "", "", "", "", 0, 0 };
	struct problem why = { 0 };
	bool poor = svc_mode_take(s, SVC_WECHAT, "refund_not_enough", NULL);
	const char *next = next_of(s);
	json_t *order, *other = NULL, *old;

	if (read_request(body, &r, &why) != ERR_OK) {
		wx_refuse(a, 400, "PARAM_ERROR", why.text);
		return;
	}
	pthread_mutex_lock(&s->lock);
	order = find_order(s, &r);
	old = find_all(s, r.out_refund_no, &other);
	if (!order)
		wx_refuse(a, 404, "RESOURCE_NOT_EXISTS", "订单不存在");
	else if (old)
		refund_again(order, old, body, now, a);
	else if (poor)
		wx_refuse(a, 403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起");
	else if (may_refund(order, &r, now, a)) {
		answer_refund(order, add_refund(s, order, body, &r, next, now), now, a);
		svc_save(s);
	}
	pthread_mutex_unlock(&s->lock);
}

void wx_refund_query(struct svc *s, const char *out_refund_no, struct utc now, struct wx_answer *a)
{
	json_t *order = NULL, *refund;

	pthread_mutex_lock(&s->lock);
	refund = find_all(s, out_refund_no, &order);
	if (refund)
		answer_refund(order, refund, now, a);
	else
		wx_refuse(a, 404, "RESOURCE_NOT_EXISTS", "退款单不存在");
	pthread_mutex_unlock(&s->lock);
}

bool wx_refund_end(struct svc *s, const char *out_refund_no, const char *status, struct utc now)
{
	json_t *order = NULL, *r = find_all(s, out_refund_no, &order);

	if (!r)
		return false;
	svc_set_text(r, "status", status);
	svc_set_text(r, "next", "");
	svc_set_int(r, "done_ms", now.ms);
	if (svc_text(r, "notify_url")[0])
		svc_queue_refund(s, order, out_refund_no, now.ms);
	return true;
}
