#pragma once
/* Inside WeChat Pay: what its files share. */
#include <pthread.h>

#include "pay/service.h"

#define WECHAT_SECTION "wechat_pay"
#define WECHAT_SIGNATURE_TYPE "WECHATPAY2-SHA256-RSA2048"

/* ---- keys that WeChat signs with (wechat_keys.c) ---- */

#define WECHAT_KEYS_MAX 16

struct wechat_key { /* verifies what WeChat signed under this serial */
	char serial[CRYPT_SERIAL_MAX];
	EVP_PKEY *key;
	bool is_certificate; /* else the public key, which has no end */
	struct utc from, until;
};

/* The one part of struct wechat that changes: certificates come and go. It has locks of its own, so
 * it may be used through a const struct wechat. */
struct wechat_keys {
	pthread_rwlock_t lock; /* guards the keys */
	struct wechat_key keys[WECHAT_KEYS_MAX];
	size_t n;
	pthread_mutex_t fetch; /* one thread asks for certificates; guards the rest */
	struct utc tried, listed;
	enum err last; /* what came of the last try */
};
struct wechat_keys *wechat_keys_new(void);
void wechat_keys_free(struct wechat_keys **keys);
/* Are these the same serial number, or the same id of a public key? */
bool wechat_serial_eq(const char *a, const char *b);
/* Takes the key, in place of one with the same serial; the certificate that ends first leaves when
 * there is no room. */
void wechat_keys_put(struct wechat_keys *keys, struct wechat_key *key);
/* A certificate (PEM) as a key; the caller puts it, or frees its key. */
MUST_USE enum err wechat_key_read(const char *pem, size_t n, struct wechat_key *out);
/* A reference to the key of this serial; NULL when it is not known or is over. */
EVP_PKEY *wechat_keys_find(struct wechat_keys *keys, const char *serial, struct utc now);
/* Which key the service is asked to sign its answers with: the public key, or else the newest
 * certificate in force. False: there is none yet. */
bool wechat_keys_choose(struct wechat_keys *keys, struct utc now, char serial[CRYPT_SERIAL_MAX]);

/* ---- settings (wechat_conf.c) ---- */

struct wechat {
	char api_base[256], notify_url[256], refund_notify_url[256];
	char mch_id[33], app_id[33];
	char serial[CRYPT_SERIAL_MAX]; /* of our certificate */
	char local_payer_ip[46];       /* told instead of a loopback address; may be empty */
	char api_v3_key[GCM_KEY_LEN + 1];
	EVP_PKEY *private_key;
	bool downloads; /* no key of WeChat's is in the settings: they come from the service */
	struct wechat_keys *keys;
};

enum err wechat_not_configured(struct problem *why);

/* ---- what WeChat signed (wechat_verify.c) ---- */

/* Checks a signed message by its four headers, with the keys at hand; ERR_BAD_SIGNATURE with the
 * reason. *unknown tells whether it was only the serial that nobody knows (may be NULL). */
MUST_USE enum err wechat_verify_known(const struct wechat *w, const struct pay_headers *h,
	const char *body, size_t n, struct utc now, bool *unknown, struct problem *why);
/* The same; a serial that nobody knows is looked up at the service, at most once a minute.
 * ERR_UNAVAILABLE: it could not be looked up just now. */
MUST_USE enum err wechat_verify_lookup(const struct wechat *w, const struct pay_headers *h,
	const char *body, size_t n, struct utc now, int64_t deadline_ms, struct problem *why);
/* A deliberately wrong signature, by which WeChat finds out whether we check. */
bool wechat_is_probe(const char *signature);

/* AES-256-GCM "resource" or "encrypt_certificate" of an object; the caller frees *out. */
MUST_USE enum err wechat_unseal(
	const struct wechat *w, const json_t *sealed, struct buf *out, struct problem *why);

/* ---- certificates (wechat_certs.c) ---- */

/* Takes the certificates of an answer to GET /v3/certificates, which one of them (or a key at hand)
 * has signed. After an error nothing has changed. */
MUST_USE enum err wechat_certs_read(const struct wechat *w, const struct pay_headers *h,
	const char *body, size_t n, struct utc now, struct problem *why);
/* Before a call: fetches certificates when there is no key yet, or when they are 12 h old. */
MUST_USE enum err wechat_certs_ready(
	const struct wechat *w, struct utc now, int64_t deadline_ms, struct problem *why);
/* A serial that nobody knows: fetches once a minute. ERR_OK: the list is fresh, look again.
 * ERR_NOT_FOUND: the service has no certificates, or was just asked. ERR_UNAVAILABLE: no list. */
MUST_USE enum err wechat_certs_lookup(
	const struct wechat *w, struct utc now, int64_t deadline_ms, struct problem *why);

/* ---- signed calls (wechat_call.c) ---- */

struct wechat_call {
	const char *method;
	const char *url;
	const char *body; /* POST: JSON */
	size_t answer_max;
	bool unsigned_answer; /* of files: the answer carries no signature */
	bool certificates;    /* of GET /v3/certificates: its answer brings its own key */
};
/* One signed call. ERR_OK: a verified 2xx. A GET whose answer is a signature probe is repeated
 * once. *why may not be NULL. */
MUST_USE enum err wechat_call(const struct wechat *w, const struct wechat_call *c, struct utc now,
	int64_t deadline_ms, struct web_answer *out, struct problem *why);
/* A call whose answer is JSON; anything else is ERR_UNKNOWN. The caller frees *out. */
MUST_USE enum err wechat_call_json(const struct wechat *w, const struct wechat_call *c,
	struct utc now, int64_t deadline_ms, json_t **out, struct problem *why);
/* The four headers of an answer, copied. */
struct wechat_signed {
	char values[4][600];
};
struct pay_headers wechat_answer_headers(const struct web_answer *a, struct wechat_signed *s);
/* Error codes have two spellings by the age of the page: ORDERPAID and ORDER_PAID. bare is without
 * underscores. */
bool wechat_code_is(const char *code, const char *bare);

/* ---- reading objects (wechat_read.c) ---- */

MUST_USE enum err wechat_copy_text(const json_t *j, const char *key, enum field_need need,
	char *dst, size_t size, struct problem *why);
MUST_USE enum err wechat_read_transaction(
	const struct wechat *w, const json_t *j, struct pay_event *out, struct problem *why);
/* A refund as an answer tells it ("status"), and as a notify does ("refund_status"). */
MUST_USE enum err wechat_read_refund_answer(
	const json_t *j, struct pay_refund_event *out, struct problem *why);
MUST_USE enum err wechat_read_refund_notify(const struct wechat *w, const json_t *j,
	struct pay_event *payment, struct pay_refund_event *out, struct problem *why);

/* The meaning of a notify whose signature is good. */
MUST_USE enum err wechat_read_notify(const struct wechat *w, const char *body, size_t n,
	struct pay_notify *out, struct problem *why);

/* ---- orders (wechat_order.c) ---- */

/* The request for an order, which depends on the order alone; NULL: description is no UTF-8. */
json_t *wechat_order_json(const struct wechat *w, const struct pay_order *o);
/* What the payer's page hands to WeixinJSBridge, and the text that paySign signs. */
void wechat_jsapi_message(const char *app_id, const char *timestamp, const char *nonce,
	const char *prepay_id, struct buf *out);

/* ---- bills (wechat_bill.c, wechat_sheet.c) ---- */

/* Is this where a bill may be fetched from: the origin of api_base, or WeChat's other site? */
bool wechat_download_allowed(const struct wechat *w, const char *url);
/* The text of a trade bill; ERR_PROTOCOL when it contradicts itself. The caller frees *out. */
MUST_USE enum err wechat_trade_sheet(
	const char *mch_id, const char *text, size_t n, struct pay_bill *out, struct problem *why);
MUST_USE enum err wechat_fund_sheet(
	const char *text, size_t n, struct pay_fund_bill *out, struct problem *why);
