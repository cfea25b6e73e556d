/* Trades of the stand-in: opened in three ways, asked about, closed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/svc_alipay_inside.h"

#define MINUTE_MS 60000
#define LEAST_LIFE_MS MINUTE_MS
#define LIFE_MS (15 * INT64_C(86400000))
#define QR_LIFE_MS (3 * INT64_C(3600000))
#define FEN_MAX INT64_C(10000000000)

enum err svc_alipay_fen(const char *yuan, int64_t *fen)
{
	size_t whole = strspn(yuan, "0123456789");
	int64_t y, cents;

	if (whole == 0 || whole > 9 || (whole > 1 && yuan[0] == '0') || yuan[whole] != '.' ||
		strlen(yuan + whole + 1) != 2 ||
		i64_parse(yuan + whole + 1, 0, 99, &cents) != ERR_OK)
		return ERR_BAD_VALUE;
	y = strtoll(yuan, NULL, 10);
	*fen = y * 100 + cents;
	return *fen >= 1 && *fen <= FEN_MAX ? ERR_OK : ERR_BAD_VALUE;
}

/* ---- opening ---- */

/* "90m", "2h", "1d": a minute to fifteen days. */
static enum err read_timeout(const char *text, int64_t *ms)
{
	size_t n = strspn(text, "0123456789");
	const char *unit = text + n;

	if (n == 0 || n > 5 || strlen(unit) != 1 || !strchr("mhd", *unit))
		return ERR_BAD_VALUE;
	*ms = strtoll(text, NULL, 10) * (*unit == 'm' ? 1 : *unit == 'h' ? 60 : 1440) * MINUTE_MS;
	return *ms >= LEAST_LIFE_MS && *ms <= LIFE_MS ? ERR_OK : ERR_BAD_VALUE;
}

/* 0: not said. An order that is opened again may be past its end; open_again() tells. */
static enum err read_end(const json_t *biz, struct utc now, int64_t *ends_ms)
{
	const char *expire = svc_text(biz, "time_expire"),
		   *timeout = svc_text(biz, "timeout_express");
	struct utc t = { 0 };
	int64_t ms = 0;

	*ends_ms = 0;
	if (timeout[0] && (expire[0] || read_timeout(timeout, &ms) != ERR_OK))
		return ERR_BAD_VALUE;
	if (timeout[0])
		*ends_ms = now.ms + ms;
	if (!expire[0])
		return ERR_OK;
	if (svc_alipay_time(expire, &t) != ERR_OK || t.ms > now.ms + LIFE_MS)
		return ERR_BAD_VALUE;
	*ends_ms = t.ms;
	return ERR_OK;
}

static bool is_number(const char *no)
{
	size_t n = strlen(no);

	return n > 0 && n <= 64 &&
	       strspn(no, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_") == n;
}

static bool product_fits(const char *kind, const char *code)
{
	if (str_eq(kind, "wap"))
		return str_eq(code, "QUICK_WAP_WAY");
	if (str_eq(kind, "page"))
		return str_eq(code, "FAST_INSTANT_TRADE_PAY");
	return !code[0] || str_eq(code, "FACE_TO_FACE_PAYMENT");
}

static enum err check_biz(const struct svc *s, const json_t *b, const char *kind, int64_t *fen)
{
	static const char *const names[] = { "out_trade_no", "total_amount", "subject", "body",
		"product_code", "seller_id", "time_expire", "timeout_express", "passback_params",
		"quit_url", NULL };
	const char *subject = svc_text(b, "subject"), *seller = svc_text(b, "seller_id");

	if (json_only(b, names, NULL) != ERR_OK || !is_number(svc_text(b, "out_trade_no")) ||
		(svc_text(b, "quit_url")[0] && !str_eq(kind, "wap")))
		return ERR_BAD_VALUE;
	if (strspn(subject, " ") == strlen(subject) || strlen(subject) > 256 ||
		strpbrk(subject, "/=&") || (seller[0] && !str_eq(seller, s->seller_id)))
		return ERR_BAD_VALUE;
	return product_fits(kind, svc_text(b, "product_code"))
		       ? svc_alipay_fen(svc_text(b, "total_amount"), fen)
		       : ERR_BAD_VALUE;
}

static json_t *order_of(const struct svc_call *c, const char *kind, int64_t fen, int64_t ends_ms)
{
	return json_pack("{s:s, s:s, s:s, s:O, s:I, s:s, s:I, s:s, s:s, s:s, s:i}", "service",
		"alipay", "kind", kind, "out_trade_no", svc_text(c->biz, "out_trade_no"), "params",
		c->biz, "amount_fen", (json_int_t)fen, "description", svc_text(c->biz, "subject"),
		"expires_ms", (json_int_t)ends_ms, "notify_url", svc_param(c, "notify_url"),
		"return_url", svc_param(c, "return_url"), "state", "NOTPAY", "known", 0);
}

/* With the lock held. */
static struct svc_verdict open_again(json_t *old, const json_t *order, struct utc now)
{
	const char *state = svc_order_state(old, now);

	if (str_eq(state, "SUCCESS"))
		return svc_alipay_refused("ACQ.TRADE_HAS_SUCCESS", "交易已被支付");
	if (str_eq(state, "CLOSED"))
		return svc_alipay_refused("ACQ.TRADE_HAS_CLOSE", "交易已经关闭");
	if (!json_equal(json_object_get(old, "params"), json_object_get(order, "params")))
		return svc_alipay_refused("ACQ.CONTEXT_INCONSISTENT", "交易信息被篡改");
	return svc_alipay_done();
}

/* With the lock held. */
static struct svc_verdict open_new(struct svc *s, json_t *order, struct utc now)
{
	int64_t asked = svc_int(order, "expires_ms"), least = now.ms + LEAST_LIFE_MS;

	if (!asked)
		asked = now.ms +
			(str_eq(svc_text(order, "kind"), "precreate") ? QR_LIFE_MS : LIFE_MS);
	if (asked <= now.ms)
		return svc_alipay_refused("ACQ.INVALID_PARAMETER", "time_expire 早于当前时间");
	svc_set_int(order, "expires_ms", asked < least ? least : asked);
	svc_set_int(order, "created_ms", now.ms);
	svc_order_put(s, SVC_ALIPAY, json_incref(order));
	return svc_alipay_done();
}

struct svc_verdict svc_alipay_open(struct svc *s, const struct svc_call *c, const char *kind,
	struct utc now, char token[static 40])
{
	AUTO(json_free) json_t *order = NULL;
	struct svc_verdict v;
	int64_t fen = 0, ends_ms = 0;
	json_t *o;

	if (check_biz(s, c->biz, kind, &fen) != ERR_OK || read_end(c->biz, now, &ends_ms) != ERR_OK)
		return svc_alipay_refused("ACQ.INVALID_PARAMETER", "参数无效");
	order = order_of(c, kind, fen, ends_ms);
	pthread_mutex_lock(&s->lock);
	o = svc_order(s, SVC_ALIPAY, svc_text(order, "out_trade_no"));
	v = o ? open_again(o, order, now) : open_new(s, order, now);
	if (svc_is_done(&v)) {
		o = o ? o : order;
		svc_order_new_token(o, now);
		snprintf(token, 40, "%s", svc_text(o, "token"));
		svc_save(s);
	}
	pthread_mutex_unlock(&s->lock);
	return v;
}

/* The code is an address of the sandbox's pay page; a trade comes to be when it is opened. */
struct svc_verdict svc_alipay_precreate(
	struct svc *s, const struct svc_call *c, struct utc now, json_t *answer)
{
	char token[40], code[600];
	struct svc_verdict v = svc_alipay_open(s, c, "precreate", now, token);

	if (!svc_is_done(&v))
		return v;
	snprintf(code, sizeof(code), "%s/sandbox/pay?token=%s", s->public_base, token);
	svc_set_text(answer, "out_trade_no", svc_text(c->biz, "out_trade_no"));
	svc_set_text(answer, "qr_code", code);
	return v;
}

/* ---- query and close ---- */

int64_t svc_alipay_refunded(const json_t *order)
{
	int64_t sum = 0;
	json_t *refund;
	size_t i;

	json_array_foreach(json_object_get(order, "refunds"), i, refund)
	{
		if (str_eq(svc_text(refund, "state"), "REFUND_SUCCESS"))
			sum += svc_int(refund, "amount_fen");
	}
	return sum;
}

const char *svc_alipay_trade_no(const json_t *order)
{
	const char *id = svc_text(order, "transaction_id");

	return id[0] ? id : "20880000000000000000000000";
}

json_t *svc_alipay_trade(const struct svc *s, const json_t *biz)
{
	const char *no = svc_text(biz, "out_trade_no"), *trade_no = svc_text(biz, "trade_no");
	json_t *order;
	const char *key;

	if (no[0]) {
		order = svc_order(s, SVC_ALIPAY, no);
		return order && svc_int(order, "known") ? order : NULL;
	}
	json_object_foreach(json_object_get(s->state, "orders"), key, order)
	{
		if (str_eq(svc_text(order, "service"), "alipay") && svc_int(order, "known") &&
			str_eq(svc_text(order, "transaction_id"), trade_no))
			return order;
	}
	return NULL;
}

static const char *trade_status(const json_t *order, bool finished, struct utc now)
{
	const char *state = svc_order_state(order, now);

	if (!str_eq(state, "SUCCESS"))
		return str_eq(state, "CLOSED") ? "TRADE_CLOSED" : "WAIT_BUYER_PAY";
	if (svc_alipay_refunded(order) == svc_int(order, "amount_fen"))
		return "TRADE_CLOSED";
	return finished ? "TRADE_FINISHED" : "TRADE_SUCCESS";
}

static enum err check_about(const json_t *biz)
{
	static const char *const names[] = { "out_trade_no", "trade_no", "query_options", NULL };

	if (json_only(biz, names, NULL) != ERR_OK)
		return ERR_BAD_VALUE;
	return svc_text(biz, "out_trade_no")[0] || svc_text(biz, "trade_no")[0] ? ERR_OK
										: ERR_BAD_VALUE;
}

static void tell(const json_t *order, bool finished, struct utc now, json_t *answer)
{
	char yuan[32], when[40];
	bool paid = svc_int(order, "paid_ms") != 0;

	svc_yuan(svc_int(order, "amount_fen"), yuan);
	svc_set_text(answer, "buyer_logon_id", "138****0000");
	svc_set_text(answer, "buyer_pay_amount", paid ? yuan : "0.00");
	svc_set_text(answer, "out_trade_no", svc_text(order, "out_trade_no"));
	svc_set_text(answer, "receipt_amount", paid ? yuan : "0.00");
	if (paid) {
		svc_beijing((struct utc){ svc_int(order, "paid_ms") }, false, when);
		svc_set_text(answer, "send_pay_date", when);
	}
	svc_set_text(answer, "total_amount", yuan);
	svc_set_text(answer, "trade_no", svc_alipay_trade_no(order));
	svc_set_text(answer, "trade_status", trade_status(order, finished, now));
}

struct svc_verdict svc_alipay_query(
	struct svc *s, const struct svc_call *c, struct utc now, json_t *answer)
{
	bool finished = svc_mode_take(s, SVC_ALIPAY, "trade_finished", NULL);
	const json_t *order;

	if (check_about(c->biz) != ERR_OK)
		return svc_alipay_refused("ACQ.INVALID_PARAMETER", "参数无效");
	pthread_mutex_lock(&s->lock);
	order = svc_alipay_trade(s, c->biz);
	if (order)
		tell(order, finished, now, answer);
	pthread_mutex_unlock(&s->lock);
	return order ? svc_alipay_done() : svc_alipay_refused("ACQ.TRADE_NOT_EXIST", "交易不存在");
}

/* With the lock held. Wap trades tell their end by a notify, the others do not. */
static void close_trade(
	struct svc *s, json_t *order, const struct svc_event *e, struct utc now, json_t *answer)
{
	svc_set_text(order, "state", "CLOSED");
	svc_set_int(order, "closed_ms", now.ms);
	svc_set_text(answer, "out_trade_no", svc_text(order, "out_trade_no"));
	svc_set_text(answer, "trade_no", svc_alipay_trade_no(order));
	if (str_eq(svc_text(order, "kind"), "wap"))
		svc_alipay_event(s, order, e, now);
	svc_save(s);
}

struct svc_verdict svc_alipay_close(
	struct svc *s, const struct svc_call *c, struct utc now, json_t *answer)
{
	struct svc_event e = { .name = "closed" };
	struct svc_verdict v = svc_alipay_done();
	json_t *order;

	if (check_about(c->biz) != ERR_OK)
		return svc_alipay_refused("ACQ.INVALID_PARAMETER", "参数无效");
	svc_alipay_event_modes(s, &e);
	pthread_mutex_lock(&s->lock);
	order = svc_alipay_trade(s, c->biz);
	if (!order)
		v = svc_alipay_refused("ACQ.TRADE_NOT_EXIST", "交易不存在");
	else if (!str_eq(svc_order_state(order, now), "NOTPAY"))
		v = svc_alipay_refused("ACQ.REASON_TRADE_STATUS_INVALID", "交易状态异常");
	else
		close_trade(s, order, &e, now, answer);
	pthread_mutex_unlock(&s->lock);
	return v;
}
