/* Orders at Alipay: opened in three ways, asked about, closed. */
#include <string.h>

#include "pay/alipay_inside.h"

#define SUBJECT_MAX 127

/* ---- orders ---- */

/* The subject may not hold "/", "=" or "&", nor be blank. */
static void subject_of(const struct pay_order *o, char out[static SUBJECT_MAX + 1])
{
	size_t n = utf8_prefix(o->description, SUBJECT_MAX);

	for (size_t i = 0; i < n; i++)
		out[i] = strchr("/=&", o->description[i]) ? ' ' : o->description[i];
	out[n] = '\0';
	if (strspn(out, " ") == n)
		(void)!str_copy(out, SUBJECT_MAX + 1, o->out_trade_no);
}

/* The order alone decides what is sent, so that it can be opened again at any time. */
static enum err content_of(const struct alipay *a, const struct pay_order *o,
	const char *product_code, json_t **out, struct problem *why)
{
	char amount[MONEY_TEXT_MAX], expire[BEIJING_TEXT_MAX], subject[SUBJECT_MAX + 1];

	fen_text(o->amount_fen, amount);
	beijing_plain(o->expires_at, expire);
	subject_of(o, subject);
	*out = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "out_trade_no", o->out_trade_no,
		"total_amount", amount, "subject", subject, "product_code", product_code,
		"time_expire", expire, "seller_id", a->seller_id);
	return *out ? ERR_OK : problem_set(why, ERR_BAD_VALUE, "description", "no UTF-8");
}

/* Nothing is called: the payer's browser takes the signed address to Alipay. */
static enum err signed_url(const struct alipay *a, const char *method, const json_t *biz,
	const char *return_url, struct utc now, json_t **out, struct problem *why)
{
	AUTO(alipay_params_free) struct alipay_params p = { .form = { .n = 0 } };
	AUTO(buf_free) struct buf url = { 0 };
	AUTO(text_free) char *text = json_text(biz);
	enum err e;

	alipay_param(&p, "notify_url", a->notify_url);
	alipay_param(&p, "return_url", return_url);
	e = alipay_sign_params(a, method, text, now, &p, why);
	if (e != ERR_OK)
		return e;
	buf_printf(&url, "%s?", a->gateway);
	form_encode(&p.form, &url);
	*out = json_pack("{s:s}", "pay_url", url.text);
	return ERR_OK;
}

/* A page of Alipay's that the payer's browser opens. */
static enum err open_in_browser(const struct pay *pay, const char *method, const char *product,
	const struct pay_order *o, const char *quit_url, struct utc now, json_t **out,
	struct problem *why)
{
	const struct alipay *a = pay->alipay;
	AUTO(json_free) json_t *biz = NULL;
	enum err e;

	if (!a)
		return alipay_not_configured(why);
	e = content_of(a, o, product, &biz, why);
	if (e != ERR_OK)
		return e;
	if (quit_url)
		ASSERT(json_object_set_new(biz, "quit_url", json_string(quit_url)) == 0);
	return signed_url(a, method, biz, o->return_url, now, out, why);
}

enum err alipay_open_wap(const struct pay *pay, const struct pay_channel *channel,
	const struct pay_order *o, struct utc now, int64_t deadline_ms, json_t **out,
	struct problem *why)
{
	(void)channel;
	(void)deadline_ms;
	return open_in_browser(
		pay, "alipay.trade.wap.pay", "QUICK_WAP_WAY", o, o->return_url, now, out, why);
}

enum err alipay_open_page(const struct pay *pay, const struct pay_channel *channel,
	const struct pay_order *o, struct utc now, int64_t deadline_ms, json_t **out,
	struct problem *why)
{
	(void)channel;
	(void)deadline_ms;
	return open_in_browser(
		pay, "alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY", o, NULL, now, out, why);
}

enum err alipay_open_qr(const struct pay *pay, const struct pay_channel *channel,
	const struct pay_order *o, struct utc now, int64_t deadline_ms, json_t **out,
	struct problem *why)
{
	const struct alipay *a = pay->alipay;
	AUTO(json_free) json_t *biz = NULL;
	AUTO(json_free) json_t *j = NULL;
	const char *no, *code;
	enum err e;

	(void)channel;
	if (!a)
		return alipay_not_configured(why);
	e = content_of(a, o, "FACE_TO_FACE_PAYMENT", &biz, why);
	if (e != ERR_OK)
		return e;
	e = alipay_call(a,
		&(struct alipay_asking){ .method = "alipay.trade.precreate",
			.biz = biz,
			.notify_url = a->notify_url,
			.now = now,
			.deadline_ms = deadline_ms },
		&j, why);
	if (e != ERR_OK)
		return e;
	no = alipay_text(j, "out_trade_no");
	code = alipay_text(j, "qr_code");
	if (!no || !str_eq(no, o->out_trade_no))
		return problem_set(why, ERR_UNKNOWN, "out_trade_no", "the answer to another");
	if (!code || !is_browser_url(code))
		return problem_set(why, ERR_UNKNOWN, "qr_code", "no code to scan");
	*out = json_pack("{s:s}", "code_url", code);
	return ERR_OK;
}

/* ---- what a trade says ---- */

static enum pay_state state_of(const char *word)
{
	static const struct state_word states[] = {
		{ "WAIT_BUYER_PAY", PAY_NOT_PAID },
		{ "TRADE_SUCCESS", PAY_PAID },
		{ "TRADE_FINISHED", PAY_PAID },
		{ "TRADE_CLOSED", PAY_CLOSED },
	};

	return state_find(states, ARRAY_LEN(states), word);
}

static enum err read_fields(const struct alipay_trade *t, struct pay_event *ev, struct problem *why)
{
	if (!t->out_trade_no || !str_copy(ev->out_trade_no, PAY_ID_MAX, t->out_trade_no))
		return problem_set(why, ERR_MISSING_FIELD, "out_trade_no", "is required");
	if (!t->status || !str_copy(ev->service_state, sizeof(ev->service_state), t->status))
		return problem_set(why, ERR_MISSING_FIELD, "trade_status", "is required");
	if (t->total_amount && fen_parse(t->total_amount, &ev->amount_fen) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, "total_amount", "no amount in yuan");
	if (t->refund_fee && fen_parse(t->refund_fee, &ev->refund_fen) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, "refund_fee", "no amount in yuan");
	if (t->paid_at && beijing_parse_plain(t->paid_at, &ev->paid_at) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, "gmt_payment", "no time");
	if (t->trade_no && !str_copy(ev->transaction_id, PAY_ID_MAX, t->trade_no))
		return problem_set(why, ERR_BAD_VALUE, "trade_no", "is too long");
	return ERR_OK;
}

/* A refund comes under the state of its trade: in part still successful, in full closed, and what
 * was closed but had been paid was refunded in full. */
static void tell_refund(struct pay_event *ev)
{
	bool closed_after_pay = ev->state == PAY_CLOSED && ev->paid_at.ms;

	if (ev->refund_fen == 0 && !closed_after_pay)
		return;
	if (ev->refund_fen == 0)
		ev->refund_fen = ev->amount_fen;
	ev->state = PAY_REFUND;
}

enum err alipay_read_trade(const struct alipay_trade *t, struct pay_event *out, struct problem *why)
{
	struct pay_event ev = { .currency = "CNY" };
	enum err e = read_fields(t, &ev, why);

	if (e != ERR_OK)
		return e;
	ev.state = state_of(ev.service_state);
	tell_refund(&ev);
	if (ev.state == PAY_PAID && (!ev.transaction_id[0] || ev.amount_fen < 1))
		return problem_set(
			why, ERR_MISSING_FIELD, "trade_no", "and total_amount are required");
	if (ev.state != PAY_PAID && ev.state != PAY_REFUND)
		ev.transaction_id[0] = '\0'; /* of a trade in which no money has moved */
	*out = ev;
	return ERR_OK;
}

/* ---- query and close ---- */

static enum err call_about(const struct alipay *a, const char *method, const char *out_trade_no,
	struct utc now, int64_t deadline_ms, json_t **out, struct problem *why)
{
	AUTO(json_free) json_t *biz = json_pack("{s:s}", "out_trade_no", out_trade_no);

	return alipay_call(a,
		&(struct alipay_asking){
			.method = method, .biz = biz, .now = now, .deadline_ms = deadline_ms },
		out, why);
}

/* Before the payer has logged in or scanned, Alipay knows nothing of the order. */
static void not_exist(const char *out_trade_no, struct pay_event *out)
{
	struct pay_event ev = { .state = PAY_NOT_EXIST };

	(void)!str_copy(ev.out_trade_no, sizeof(ev.out_trade_no), out_trade_no);
	(void)!str_copy(ev.service_state, sizeof(ev.service_state), "TRADE_NOT_EXIST");
	*out = ev;
}

enum err alipay_query(const struct pay *pay, const char *out_trade_no, struct utc now,
	int64_t deadline_ms, struct pay_event *out, struct problem *why)
{
	AUTO(json_free) json_t *j = NULL;
	struct pay_event ev = { 0 };
	struct problem said = { 0 };
	enum err e;

	if (!pay->alipay)
		return alipay_not_configured(why);
	e = call_about(
		pay->alipay, "alipay.trade.query", out_trade_no, now, deadline_ms, &j, &said);
	if (e == ERR_REFUSED && str_eq(said.field, "ACQ.TRADE_NOT_EXIST")) {
		not_exist(out_trade_no, out);
		return ERR_OK;
	}
	if (e != ERR_OK)
		return problem_set(why, e, said.field, "%s", said.text);
	e = alipay_read_trade(
		&(struct alipay_trade){ .out_trade_no = alipay_text(j, "out_trade_no"),
			.trade_no = alipay_text(j, "trade_no"),
			.status = alipay_text(j, "trade_status"),
			.total_amount = alipay_text(j, "total_amount"),
			.refund_fee = alipay_text(j, "refund_fee"),
			.paid_at = alipay_text(j, "send_pay_date") },
		&ev, why);
	if (e != ERR_OK)
		return ERR_UNKNOWN;
	if (!str_eq(ev.out_trade_no, out_trade_no))
		return problem_set(why, ERR_UNKNOWN, "out_trade_no", "the answer to another");
	*out = ev;
	return ERR_OK;
}

enum err alipay_close(const struct pay *pay, const char *out_trade_no, struct utc now,
	int64_t deadline_ms, struct problem *why)
{
	AUTO(json_free) json_t *j = NULL;

	if (!pay->alipay)
		return alipay_not_configured(why);
	return call_about(
		pay->alipay, "alipay.trade.close", out_trade_no, now, deadline_ms, &j, why);
}
