#pragma once
/* Inside the stand-in of WeChat Pay: what its files share. */
#include "sim/svc_state.h"

#define WX_CERTS 2

/* A platform certificate of the stand-in. */
struct wx_cert {
	char serial[CRYPT_SERIAL_MAX];
	EVP_PKEY *key;
	struct buf pem;
	int64_t from_ms, until_ms;
};

struct svc_wechat {
	struct wx_cert certs[WX_CERTS]; /* "a" and "b" */
	size_t cert_n;
};

/* An answer under way: status and body are chosen first, then signed and sent. */
struct wx_answer {
	int status;
	json_t *body;	    /* NULL: none */
	struct buf file;    /* instead of a body: a file, which is not signed */
	const char *detail; /* the precise number behind Request-ID */
};
void wx_refuse(struct wx_answer *a, int status, const char *code, const char *message);

/* ---- svc_wechat_sign.c ---- */

struct wx_signer {
	const char *serial;
	EVP_PKEY *key;
};
struct wx_spoil {
	bool forged, probe; /* a wrong signature; a wrong one on purpose */
};
/* Who signs the answer to a request that names this serial (NULL: none). False: no such key. */
bool wx_signer_of(struct svc *s, const char *serial, struct wx_signer *out);
/* Who signs notifies. Takes the lock. */
struct wx_signer wx_signer_now(struct svc *s);
struct wx_signature {
	char timestamp[24], nonce[33];
	struct buf signature;
};
void wx_signature_free(struct wx_signature *s);
void wx_sign(const struct wx_signer *by, const char *body, struct wx_spoil spoil,
	struct wx_signature *out);
/* Is the caller the merchant? Else the answer says what is wrong. */
bool wx_check_caller(
	struct svc *s, const struct http_request *req, struct utc now, struct wx_answer *a);

/* ---- svc_wechat_cert.c ---- */

/* What was set on command: {"signer", "listed"}. Needs the lock. */
json_t *wx_state(struct svc *s);
/* Is certificate i in the list that merchants get? Needs the lock. */
bool wx_is_listed(struct svc *s, size_t i);
void wx_certificates(struct svc *s, struct wx_answer *a);

/* ---- svc_wechat_order.c ---- */

/* Refuses nulls at any depth. */
MUST_USE enum err wx_refuse_nulls(const json_t *j, struct problem *why);
bool wx_notify_url_is_good(const char *url);
void wx_open_order(
	struct svc *s, const json_t *body, const char *kind, struct utc now, struct wx_answer *a);
void wx_about_order(struct svc *s, const struct http_request *req, const char *rest,
	const json_t *body, struct utc now, struct wx_answer *a);
/* The state as WeChat tells it: REFUND from the first refund on. */
const char *wx_trade_state(const json_t *order, struct utc now);
/* The same object answers a query and stands in a notify. */
json_t *wx_transaction(const struct svc *s, const json_t *order, const char *state, int64_t fen);

/* ---- svc_wechat_refund.c ---- */

void wx_refund_open(struct svc *s, const json_t *body, struct utc now, struct wx_answer *a);
void wx_refund_query(struct svc *s, const char *out_refund_no, struct utc now, struct wx_answer *a);
/* "SUCCESS" "PROCESSING" "ABNORMAL" "CLOSED" */
const char *wx_refund_status(const json_t *refund, struct utc now);
json_t *wx_refund_find(const json_t *order, const char *out_refund_no);
/* Ends a refund on command; false: there is none of this number. Needs the lock. */
bool wx_refund_end(struct svc *s, const char *out_refund_no, const char *status, struct utc now);
json_t *wx_refund_plain(const struct svc *s, const json_t *order, const json_t *refund);

/* ---- svc_wechat_bill.c ---- */

void wx_bill(struct svc *s, const struct http_request *req, bool funds, struct utc now,
	struct wx_answer *a);
void wx_bill_file(
	struct svc *s, const struct http_request *req, struct utc now, struct wx_answer *a);
