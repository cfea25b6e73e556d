/* One call to WeChat Pay, or one notify of its, as the platform makes and reads them; prints what
 * came of it as JSON:
 *	wechat_call CONFIG open CHANNEL NUMBER EXPIRES_S
 *	wechat_call CONFIG query|close NUMBER
 *	wechat_call CONFIG refund|refund_query NUMBER REFUND_NUMBER FEN TOTAL_FEN
 *	wechat_call CONFIG bill|funds DATE
 *	wechat_call CONFIG notify FILE       {"headers": {...}, "body": "..."} */
#include <stdio.h>
#include <string.h>

#include "pay/pay.h"

#define CALL_MS 5000

struct call {
	const struct pay *pay;
	char **v; /* what follows the verb */
	int n;
	struct problem why;
	json_t *result;
};

static enum err open_order(struct call *c)
{
	struct pay_order order = { .out_trade_no = c->v[1],
		.description = "A-103 好味面馆 电费充值",
		.amount_fen = 5000,
		.payer_ip = "203.0.113.7",
		.payer_id = "oSandbox_payer-0000000000001" };
	const struct pay_channel *channel = pay_channel_find(c->v[0]);
	int64_t s = 0;

	if (!channel || i64_parse(c->v[2], 1, INT64_C(99999999999), &s) != ERR_OK)
		return ERR_BAD_VALUE;
	order.expires_at.ms = s * 1000;
	return pay_open(
		c->pay, channel, &order, utc_now(), mono_ms() + CALL_MS, &c->result, &c->why);
}

static enum err query(struct call *c)
{
	struct pay_event ev;
	enum err e =
		pay_query(c->pay, "wechat", c->v[0], utc_now(), mono_ms() + CALL_MS, &ev, &c->why);

	if (e == ERR_OK)
		c->result = json_pack("{s:s, s:I, s:s}", "state", pay_state_word(ev.state),
			"amount_fen", (json_int_t)ev.amount_fen, "transaction_id",
			ev.transaction_id);
	return e;
}

static enum err close_order(struct call *c)
{
	return pay_close(c->pay, "wechat", c->v[0], utc_now(), mono_ms() + CALL_MS, &c->why);
}

static json_t *refund_json(const struct pay_refund_event *ev)
{
	return json_pack("{s:s, s:s, s:s, s:I}", "state", pay_refund_state_word(ev->state),
		"out_refund_no", ev->out_refund_no, "refund_id", ev->refund_id, "amount_fen",
		(json_int_t)ev->amount_fen);
}

static enum err about_refund(struct call *c, bool ask)
{
	struct pay_refund r = {
		.out_trade_no = c->v[0], .out_refund_no = c->v[1], .reason = "退租"
	};
	struct pay_refund_event ev;
	enum err e = i64_parse(c->v[2], 1, INT64_MAX, &r.amount_fen);

	if (e == ERR_OK)
		e = i64_parse(c->v[3], 1, INT64_MAX, &r.total_fen);
	if (e == ERR_OK)
		e = (ask ? pay_refund_query : pay_refund_open)(
			c->pay, "wechat", &r, utc_now(), mono_ms() + CALL_MS, &ev, &c->why);
	if (e == ERR_OK)
		c->result = refund_json(&ev);
	return e;
}

static enum err refund(struct call *c)
{
	return about_refund(c, false);
}

static enum err refund_query(struct call *c)
{
	return about_refund(c, true);
}

static enum err bill(struct call *c)
{
	AUTO(pay_bill_free) struct pay_bill b = { 0 };
	char fee[MONEY_TEXT_MAX];
	struct day day;
	enum err e = day_parse(c->v[0], &day);

	if (e == ERR_OK)
		e = pay_bill_get(
			c->pay, "wechat", day, utc_now(), mono_ms() + CALL_MS, &b, &c->why);
	if (e == ERR_OK)
		c->result = json_pack("{s:I, s:I, s:I, s:s}", "rows", (json_int_t)b.n, "paid_fen",
			(json_int_t)b.paid_fen, "refunded_fen", (json_int_t)b.refunded_fen, "fee",
			money_text(b.fee, fee));
	return e;
}

static enum err funds(struct call *c)
{
	AUTO(pay_fund_bill_free) struct pay_fund_bill b = { 0 };
	struct day day;
	enum err e = day_parse(c->v[0], &day);

	if (e == ERR_OK)
		e = pay_fund_bill_get(
			c->pay, "wechat", day, utc_now(), mono_ms() + CALL_MS, &b, &c->why);
	if (e == ERR_OK)
		c->result = json_pack("{s:I, s:I, s:I}", "rows", (json_int_t)b.n, "income_fen",
			(json_int_t)b.income_fen, "expense_fen", (json_int_t)b.expense_fen);
	return e;
}

static const char *header(const json_t *j, const char *name)
{
	return json_string_value(json_object_get(json_object_get(j, "headers"), name));
}

static json_t *notify_json(const struct pay_notify *n)
{
	return json_pack("{s:i, s:s, s:s, s:I, s:s, s:o*}", "kind", (int)n->kind, "state",
		pay_state_word(n->payment.state), "out_trade_no", n->payment.out_trade_no,
		"amount_fen", (json_int_t)n->payment.amount_fen, "transaction_id",
		n->payment.transaction_id, "refund",
		n->kind == PAY_NOTIFY_REFUND ? refund_json(&n->refund) : NULL);
}

static enum err notify(struct call *c)
{
	AUTO(json_free) json_t *j = json_load_file(c->v[0], 0, NULL);
	struct pay_headers h = { .content_type = header(j, "content-type"),
		.serial = header(j, "wechatpay-serial"),
		.timestamp = header(j, "wechatpay-timestamp"),
		.nonce = header(j, "wechatpay-nonce"),
		.signature = header(j, "wechatpay-signature") };
	const char *body = json_string_value(json_object_get(j, "body"));
	struct pay_notify n;
	enum err e =
		body ? pay_notify_wechat_any(c->pay, &h, body, strlen(body), utc_now(), &n, &c->why)
		     : ERR_BAD_JSON;

	if (e == ERR_OK)
		c->result = notify_json(&n);
	return e;
}

static const struct {
	const char *verb;
	int n;
	enum err (*run)(struct call *c);
} verbs[] = {
	{ "open", 3, open_order },
	{ "query", 1, query },
	{ "close", 1, close_order },
	{ "refund", 4, refund },
	{ "refund_query", 4, refund_query },
	{ "bill", 1, bill },
	{ "funds", 1, funds },
	{ "notify", 1, notify },
};

static int print(enum err e, struct call *c)
{
	json_t *all = json_pack("{s:s, s:s, s:o*}", "outcome", err_word(e), "code",
		e == ERR_OK ? "" : c->why.field, "result", c->result);
	int bad = json_dumpf(all, stdout, JSON_COMPACT);

	json_decref(all);
	return bad ? 1 : 0;
}

int main(int argc, char **argv)
{
	AUTO(conf_free) struct conf *conf = NULL;
	AUTO(pay_free) struct pay *pay = NULL;
	struct call c = { .v = argv + 3, .n = argc - 3 };

	if (argc < 4 || conf_open(argv[1], &conf, &c.why) != ERR_OK)
		return 2;
	pay_load(conf, &pay);
	c.pay = pay;
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (str_eq(verbs[i].verb, argv[2]) && verbs[i].n == c.n)
			return print(verbs[i].run(&c), &c);
	return 2;
}
