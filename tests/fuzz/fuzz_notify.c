/* Any bytes as a notify: as it arrives, and behind the signature, where only a service gets. The
 * first byte chooses the reader. What is accepted must be usable. */
#include <string.h>

#include "pay/wechat_inside.h"

static struct wechat wechat = { .mch_id = "1900000001",
	.app_id = "wx0000000000000001",
	.api_v3_key = "THROWAWAYapiv3keyTESTONLY0123456" };
static struct alipay alipay = { .app_id = "2021000000000001", .seller_id = "2088000000000001" };

static void check(enum err e, const struct pay_event *ev)
{
	if (e != ERR_OK)
		return;
	ASSERT(memchr(ev->out_trade_no, '\0', sizeof(ev->out_trade_no)));
	ASSERT(ev->state != PAY_PAID ||
		(ev->amount_fen > 0 && ev->transaction_id[0] && ev->out_trade_no[0]));
	ASSERT(ev->amount_fen >= 0 && ev->refund_fen >= 0);
}

static enum err form_event(const char *body, size_t n, struct pay_event *ev)
{
	AUTO(form_free) struct form f = { .n = 0 };
	AUTO(buf_free) struct buf content = { 0 };
	enum err e = form_decode(body, n, &f, &(struct problem){ 0 });

	if (e != ERR_OK)
		return e;
	alipay_sign_content(&f, true, &content);
	return alipay_read_notify(&alipay, &f, ev, &(struct problem){ 0 });
}

static enum err read_event(const char *body, size_t n, struct pay_event *ev)
{
	struct pay_notify v = { .kind = PAY_NOTIFY_OTHER };
	enum err e = wechat_read_notify(&wechat, body, n, &v, &(struct problem){ 0 });

	*ev = v.payment;
	return e;
}

/* The text of a sealed resource is the service's own, but it is parsed all the same: seal it. */
static enum err sealed_event(const char *plain, size_t n, struct pay_event *ev)
{
	AUTO(buf_free) struct buf sealed = { 0 };
	AUTO(buf_free) struct buf body = { 0 };
	const struct gcm g = { wechat.api_v3_key, "THROWAWAY012", "transaction" };

	ASSERT(gcm_seal(&g, plain, n, &sealed) == ERR_OK);
	buf_printf(&body,
		"{\"event_type\":\"TRANSACTION.SUCCESS\",\"resource\":{\"algorithm\":"
		"\"AEAD_AES_256_GCM\",\"ciphertext\":\"%s\",\"nonce\":\"THROWAWAY012\","
		"\"associated_data\":\"transaction\"}}",
		sealed.text);
	return read_event(body.text, body.len, ev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct pay pay = { .wechat = &wechat, .alipay = &alipay };
	const char *body = (const char *)data + 1;
	struct pay_headers h = { "application/json", "serial", "1795400000", "nonce", "AAAA" };
	struct utc now = { INT64_C(1795400000000) };
	struct pay_event ev = { 0 };
	struct problem why = { 0 };
	AUTO(json_free) json_t *answer = NULL;

	if (size < 1)
		return 0;
	if (!wechat.keys)
		wechat.keys = wechat_keys_new();
	switch (data[0] % 5) {
	case 0:
		ASSERT(pay_notify_wechat(&pay, &h, body, size - 1, now, &ev, &why) != ERR_OK);
		break;
	case 1:
		check(read_event(body, size - 1, &ev), &ev);
		break;
	case 2:
		check(sealed_event(body, size - 1, &ev), &ev);
		break;
	case 3:
		check(form_event(body, size - 1, &ev), &ev);
		break;
	default: /* an answer of Alipay, whose raw bytes are searched for the signed part */
		(void)!alipay_read_answer(
			&alipay, "alipay.trade.query", body, size - 1, &answer, &why);
	}
	return 0;
}
