/* Notifies of the stand-in of WeChat Pay, and how they may be spoilt. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rand.h"
#include "sim/svc_wechat.h"
#include "web/web.h"

/* The same members from the last to the first: their order says nothing. */
static json_t *reversed(const json_t *j)
{
	json_t *out = json_object(), *value;
	const char *keys[32], *key;
	size_t n = 0;

	json_object_foreach((json_t *)(uintptr_t)j, key, value)
	{
		ASSERT(n < ARRAY_LEN(keys));
		keys[n++] = key;
	}
	while (n--) {
		value = json_object_get(j, keys[n]);
		json_object_set_new(
			out, keys[n], json_is_object(value) ? reversed(value) : json_incref(value));
	}
	return out;
}

static void reverse(json_t **j)
{
	json_t *other = reversed(*j);

	json_decref(*j);
	*j = other;
}

struct news {
	const char *event_type, *original_type, *summary;
	json_t *plain;
};

static struct news about_payment(
	const struct svc *s, const json_t *order, const struct svc_delivery *d)
{
	int64_t fen = svc_int(order, "amount_fen") * (d->wrong_amount ? 100 : 1);

	return (struct news){ "TRANSACTION.SUCCESS", "transaction", "支付成功",
		wx_transaction(s, order, "SUCCESS", fen) };
}

static struct news about_refund(const struct svc *s, const json_t *order, const json_t *refund)
{
	const char *status = wx_refund_status(refund, utc_now());
	json_t *plain = wx_refund_plain(s, order, refund);

	if (str_eq(status, "ABNORMAL"))
		return (struct news){ "REFUND.ABNORMAL", "refund", "退款异常", plain };
	if (str_eq(status, "CLOSED"))
		return (struct news){ "REFUND.CLOSED", "refund", "退款关闭", plain };
	return (struct news){ "REFUND.SUCCESS", "refund", "退款成功", plain };
}

static json_t *seal(const struct svc *s, const struct news *n, const struct svc_delivery *d)
{
	AUTO(buf_free) struct buf sealed = { 0 };
	AUTO(text_free) char *plain = json_text(n->plain);
	char nonce[13], id[37], hex[17], when[40], key[GCM_KEY_LEN + 1];

	rand_hex(nonce, 6);
	rand_hex(hex, 8);
	snprintf(id, sizeof(id), "EV-%s", hex);
	svc_beijing(utc_now(), true, when);
	if (d->other_key)
		rand_hex(key, GCM_KEY_LEN / 2);
	else
		snprintf(key, sizeof(key), "%s", s->api_v3_key.text);
	ASSERT(gcm_seal(&(struct gcm){ key, nonce, n->original_type }, plain, strlen(plain),
		       &sealed) == ERR_OK);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:s}}", "id", id,
		"create_time", when, "resource_type", "encrypt-resource", "event_type",
		n->event_type, "summary", n->summary, "resource", "original_type", n->original_type,
		"algorithm", "AEAD_AES_256_GCM", "ciphertext", sealed.text, "associated_data",
		n->original_type, "nonce", nonce);
}

static char *make_body(const struct svc *s, struct news *n, const struct svc_delivery *d)
{
	AUTO(json_free) json_t *j = NULL;

	if (d->other_merchant)
		svc_set_text(n->plain, "mchid", "1900000001");
	if (d->shuffled)
		reverse(&n->plain);
	j = seal(s, n, d);
	json_free(&n->plain);
	if (d->shuffled)
		reverse(&j);
	return json_text(j);
}

static bool post(struct svc *s, const char *url, const char *body, const struct svc_delivery *d)
{
	AUTO(wx_signature_free) struct wx_signature sig = { .nonce = "" };
	AUTO(web_answer_free) struct web_answer answer = { 0 };
	struct wx_signer by = wx_signer_now(s);
	char serial[128], stamp[64], once[80], sign[1100];
	struct problem why = { 0 };
	enum err e;

	wx_sign(&by, body, (struct wx_spoil){ d->forged, d->probe }, &sig);
	snprintf(serial, sizeof(serial), "Wechatpay-Serial: %s", by.serial);
	snprintf(stamp, sizeof(stamp), "Wechatpay-Timestamp: %s", sig.timestamp);
	snprintf(once, sizeof(once), "Wechatpay-Nonce: %s", sig.nonce);
	snprintf(sign, sizeof(sign), "Wechatpay-Signature: %s", sig.signature.text);
	e = web_call(&(struct web_request){ .method = "POST",
			     .url = url,
			     .headers = { "Content-Type: application/json", serial, stamp, once,
				     sign, "Wechatpay-Signature-Type: WECHATPAY2-SHA256-RSA2048" },
			     .body = body,
			     .body_len = strlen(body),
			     .deadline_ms = d->deadline_ms },
		&answer, &why);
	if (e != ERR_OK)
		log_warn("event=notify_failed service=wechat why=\"%s\"", why.text);
	return e == ERR_OK && (answer.status == 200 || answer.status == 204);
}

bool svc_wechat_notify(struct svc *s, const json_t *order, const struct svc_delivery *d)
{
	const json_t *refund = NULL;
	AUTO(text_free) char *body = NULL;
	struct news n;

	if (d->out_refund_no[0]) {
		refund = wx_refund_find(order, d->out_refund_no);
		if (!refund)
			return true;
	}
	n = refund ? about_refund(s, order, refund) : about_payment(s, order, d);
	body = make_body(s, &n, d);
	return post(s, svc_text(refund ? refund : order, "notify_url"), body, d);
}
