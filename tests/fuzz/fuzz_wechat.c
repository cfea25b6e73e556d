/* Any bytes where WeChat Pay's bills, certificates and refunds are read. The first byte chooses the
 * reader. What is accepted must be usable. */
#include <string.h>

#include "pay/wechat_inside.h"
#include "web/gzip.h"

static struct wechat wechat = { .mch_id = "1900000001",
	.app_id = "wx0000000000000001",
	.api_v3_key = "THROWAWAYapiv3keyTESTONLY0123456" };

static void trades(const char *text, size_t n)
{
	AUTO(pay_bill_free) struct pay_bill b = { 0 };
	int64_t paid = 0, refunded = 0;

	if (wechat_trade_sheet(wechat.mch_id, text, n, &b, &(struct problem){ 0 }) != ERR_OK) {
		ASSERT(!b.rows);
		return;
	}
	for (size_t i = 0; i < b.n; i++) {
		ASSERT(b.rows[i].amount_fen >= 0);
		*(b.rows[i].refund ? &refunded : &paid) += b.rows[i].amount_fen;
	}
	ASSERT(paid == b.paid_fen && refunded == b.refunded_fen);
}

static void funds(const char *text, size_t n)
{
	AUTO(pay_fund_bill_free) struct pay_fund_bill b = { 0 };
	int64_t in = 0, out = 0;

	if (wechat_fund_sheet(text, n, &b, &(struct problem){ 0 }) != ERR_OK)
		return;
	for (size_t i = 0; i < b.n; i++)
		*(b.rows[i].income ? &in : &out) += b.rows[i].amount_fen;
	ASSERT(in == b.income_fen && out == b.expense_fen);
}

static void certificates(const char *text, size_t n)
{
	struct pay_headers h = { NULL, "5157F09EFDC096DE15EBE81A47057A72000000A1", "1795400000",
		"EdLkBbKFkQzbEwJgGUnbs3XoWMuHQLWK", "AAAA" };
	struct utc now = { INT64_C(1795400000000) };

	ASSERT(wechat_certs_read(&wechat, &h, text, n, now, &(struct problem){ 0 }) != ERR_OK);
	ASSERT(wechat.keys->n == 0);
}

static void check(enum err e, const struct pay_refund_event *ev)
{
	if (e == ERR_OK)
		ASSERT(ev->out_refund_no[0] && ev->out_trade_no[0] && ev->amount_fen > 0);
}

static void refunds(const char *text, size_t n)
{
	AUTO(json_free) json_t *j = NULL;
	struct pay_refund_event ev = { .amount_fen = 0 };
	struct pay_event payment;
	struct problem why = { 0 };

	if (json_parse(text, n, &j, &why) != ERR_OK)
		return;
	check(wechat_read_refund_answer(j, &ev, &why), &ev);
	check(wechat_read_refund_notify(&wechat, j, &payment, &ev, &why), &ev);
}

static void unpack(const char *bytes, size_t n)
{
	AUTO(buf_free) struct buf text = { 0 };

	if (gzip_unpack(bytes, n, 1 << 20, &text) == ERR_OK)
		ASSERT(text.len <= 1 << 20 && text.text[text.len] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(
		const char *, size_t) = { trades, funds, certificates, refunds, unpack };

	if (size < 1)
		return 0;
	if (!wechat.keys)
		wechat.keys = wechat_keys_new();
	readers[data[0] % ARRAY_LEN(readers)]((const char *)data + 1, size - 1);
	return 0;
}
