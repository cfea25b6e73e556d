#pragma once
/* Inside core/pay: what the files about Alipay share. */
#include "pay/service.h"

/* ---- certificates (alipay_cert.c) ----
 * Certificate mode: ours and the root's serials go with each request, and Alipay signs under the
 * serial of one of its certificates. What was read from the settings never changes; the keys of
 * Alipay grow when it renews its certificate, and are the only mutable thing of struct pay. */

#define ALIPAY_SN_LEN 32 /* md5 in hex of issuer and number, Alipay's own idea of a serial */
#define ALIPAY_ROOT_SN_MAX 512

struct alipay_cert_files {
	struct buf app, alipay, root; /* PEM, each maybe with the certificates above it */
};
/* ERR_NOT_CONFIGURED names the file that is wrong. private_key is compared and stays the caller's.
 */
MUST_USE enum err alipay_certs_open(const struct alipay_cert_files *files, EVP_PKEY *private_key,
	struct alipay_certs **out, struct problem *why);
void alipay_certs_free(struct alipay_certs **c);
const char *alipay_app_cert_sn(const struct alipay_certs *c);
const char *alipay_root_cert_sn(const struct alipay_certs *c);
/* Believes a certificate of Alipay if its serial is sn, its chain ends in the root file at the time
 * now, and it belongs to the organization of the configured one. ERR_BAD_SIGNATURE if not. */
MUST_USE enum err alipay_certs_trust(struct alipay_certs *c, const char *sn, const char *pem,
	size_t n, struct utc now, struct problem *why);
/* May a certificate be fetched now? Answers and notifies count apart, so that forged notifies do
 * not use up the turns of answers. */
enum alipay_asker { ALIPAY_FOR_ANSWER, ALIPAY_FOR_NOTIFY, ALIPAY_ASKER__MAX };
bool alipay_certs_may_fetch(struct alipay_certs *c, enum alipay_asker who, int64_t mono_ms);

/* Is it Alipay's signature? sn may be NULL: not said. ERR_NOT_FOUND: certificate mode, and nobody
 * has that serial yet. */
MUST_USE enum err alipay_verify(
	const struct alipay *a, const char *sn, const struct buf *text, const char *sign);
bool alipay_is_sn(const char *text);

/* ---- calls (alipay_call.c) ---- */

struct alipay_params {
	struct form form;
	char timestamp[BEIJING_TEXT_MAX];
	struct buf sign;
};
void alipay_params_free(struct alipay_params *p); /* for AUTO() */
/* Texts are borrowed; an empty one is not sent. */
void alipay_param(struct alipay_params *p, const char *name, const char *value);
/* Adds the public parameters and biz_content, and signs all of them. */
MUST_USE enum err alipay_sign_params(const struct alipay *a, const char *method,
	const char *biz_content, struct utc now, struct alipay_params *p, struct problem *why);

/* One signed call. ERR_OK: a verified answer with code 10000. ERR_REFUSED: a verified refusal,
 * why->field is its sub_code. ERR_UNKNOWN: everything else. The caller frees *out. */
struct alipay_asking {
	const char *method;
	const json_t *biz;
	const char *notify_url; /* NULL: none */
	struct utc now;
	int64_t deadline_ms;
};
MUST_USE enum err alipay_call(
	const struct alipay *a, const struct alipay_asking *q, json_t **out, struct problem *why);
/* Fetches Alipay's certificate of that serial and believes it, or not. */
MUST_USE enum err alipay_fetch_cert(const struct alipay *a, const char *sn, enum alipay_asker who,
	struct utc now, int64_t deadline_ms, struct problem *why);

enum err alipay_not_configured(struct problem *why);
/* A text member; NULL if it is absent, empty or no text. */
const char *alipay_text(const json_t *j, const char *key);

/* ---- what a trade says (alipay_trade.c) ---- */

/* The fields of a trade as texts, wherever they came from; NULL if absent. */
struct alipay_trade {
	const char *out_trade_no, *trade_no, *status, *total_amount, *refund_fee, *paid_at;
};
MUST_USE enum err alipay_read_trade(
	const struct alipay_trade *t, struct pay_event *out, struct problem *why);

/* ---- bills (alipay_bill.c, alipay_bill_file.c) ---- */

/* The ZIP file of a bill, for a day. ERR_PROTOCOL: damaged, too large, or it contradicts itself. */
MUST_USE enum err alipay_bill_read(
	const char *zip, size_t n, struct day day, struct pay_bill *out, struct problem *why);
/* Its two files as UTF-8; summary may be NULL. Both texts are cut into lines on the way. */
MUST_USE enum err alipay_bill_parse(
	char *detail, char *summary, struct day day, struct pay_bill *out, struct problem *why);
