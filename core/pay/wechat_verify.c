/* What WeChat signed and sealed. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "pay/wechat_inside.h"

#define CLOCK_SKEW_S 300
#define PROBE "WECHATPAY/SIGNTEST/"
#define PUBLIC_KEY_ID "PUB_KEY_ID_"
#define SEALED_MAX 65536

static enum err check_fresh(const char *timestamp, struct utc now, struct problem *why)
{
	int64_t t;

	if (i64_parse(timestamp, 0, INT64_C(253402300799), &t) != ERR_OK)
		return problem_set(why, ERR_BAD_SIGNATURE, "Wechatpay-Timestamp", "no time");
	if (llabs((long long)(now.ms / 1000 - t)) > CLOCK_SKEW_S)
		return problem_set(why, ERR_BAD_SIGNATURE, "Wechatpay-Timestamp",
			"more than %d s from our clock", CLOCK_SKEW_S);
	return ERR_OK;
}

bool wechat_is_probe(const char *signature)
{
	return str_starts(signature, PROBE);
}

static enum err check_signature(
	EVP_PKEY *key, const struct pay_headers *h, const char *body, size_t n, struct problem *why)
{
	AUTO(buf_free) struct buf message = { 0 };

	if (wechat_is_probe(h->signature)) {
		log_info("event=wechat_signature_probe");
		return problem_set(
			why, ERR_BAD_SIGNATURE, "Wechatpay-Signature", "a signature probe");
	}
	buf_printf(&message, "%s\n%s\n", h->timestamp, h->nonce);
	buf_add(&message, body, n);
	buf_adds(&message, "\n");
	if (crypt_verify(key, message.text, message.len, h->signature) != ERR_OK)
		return problem_set(why, ERR_BAD_SIGNATURE, "Wechatpay-Signature",
			"the signature does not match");
	return ERR_OK;
}

enum err wechat_verify_known(const struct wechat *w, const struct pay_headers *h, const char *body,
	size_t n, struct utc now, bool *unknown, struct problem *why)
{
	AUTO(crypt_key_free) EVP_PKEY *key = NULL;
	enum err e;

	if (unknown)
		*unknown = false;
	if (!h->serial || !h->timestamp || !h->nonce || !h->signature)
		return problem_set(why, ERR_BAD_SIGNATURE, "", "a Wechatpay- header is missing");
	e = check_fresh(h->timestamp, now, why);
	if (e != ERR_OK)
		return e;
	key = wechat_keys_find(w->keys, h->serial, now);
	if (!key && unknown)
		*unknown = true;
	if (!key)
		return problem_set(why, ERR_BAD_SIGNATURE, "Wechatpay-Serial", "unknown serial");
	return check_signature(key, h, body, n, why);
}

/* The serial of a certificate, which can be looked up; public keys are in the settings only. */
static bool is_certificate_serial(const char *serial)
{
	size_t n = strspn(serial, "0123456789ABCDEFabcdef");

	return n >= 16 && n < CRYPT_SERIAL_MAX && !serial[n];
}

enum err wechat_verify_lookup(const struct wechat *w, const struct pay_headers *h, const char *body,
	size_t n, struct utc now, int64_t deadline_ms, struct problem *why)
{
	bool unknown;
	enum err e = wechat_verify_known(w, h, body, n, now, &unknown, why);

	if (!unknown || !is_certificate_serial(h->serial))
		return e;
	if (wechat_certs_lookup(w, now, deadline_ms, why) == ERR_UNAVAILABLE)
		return problem_set(why, ERR_UNAVAILABLE, "Wechatpay-Serial",
			"an unknown serial, and no list of certificates just now");
	return wechat_verify_known(w, h, body, n, now, &unknown, why);
}

enum err wechat_unseal(
	const struct wechat *w, const json_t *o, struct buf *out, struct problem *why)
{
	const char *algorithm = "", *sealed = "", *nonce = "", *aad = "";
	enum err e = json_get_text(o, "algorithm", FIELD_REQUIRED, 64, &algorithm, why);

	if (e == ERR_OK)
		e = json_get_text(o, "ciphertext", FIELD_REQUIRED, SEALED_MAX, &sealed, why);
	if (e == ERR_OK)
		e = json_get_text(o, "nonce", FIELD_REQUIRED, 64, &nonce, why);
	if (e == ERR_OK)
		e = json_get_text(o, "associated_data", FIELD_OPTIONAL, 64, &aad, why);
	if (e != ERR_OK)
		return e;
	if (!str_eq(algorithm, "AEAD_AES_256_GCM") || strlen(nonce) != GCM_NONCE_LEN)
		return problem_set(why, ERR_PROTOCOL, "resource", "sealed in a way we do not know");
	if (gcm_open(&(struct gcm){ w->api_v3_key, nonce, aad }, sealed, out) != ERR_OK)
		return problem_set(why, ERR_PROTOCOL, "ciphertext",
			"cannot be decrypted: the API v3 key here differs from the merchant's");
	return ERR_OK;
}
