#pragma once
/* Inside the stand-in of Alipay. */
#include <stdatomic.h>

#include "base/zone.h"
#include "sim/svc_cert.h"
#include "sim/svc_state.h"

#define SVC_ALIPAY_CERTS 2
#define SVC_ALIPAY_BILLS 8

struct svc_alipay_cert {
	char sn[SVC_SN_MAX];
	struct buf pem; /* with the one above it */
	EVP_PKEY *key;
};

struct svc_alipay_bill { /* whose address was handed out */
	char token[33];
	struct day day;
	int64_t until_ms;
};

struct svc_alipay {
	bool by_cert; /* the application is in certificate mode */
	char app_sn[SVC_SN_MAX], root_sn[512];
	struct svc_alipay_cert certs[SVC_ALIPAY_CERTS];
	atomic_size_t current;				/* of certs: signs */
	struct svc_alipay_bill bills[SVC_ALIPAY_BILLS]; /* guarded by the lock of struct svc */
	size_t next_bill;
};

/* code, sub_code and words of a refusal; code "" is success. */
struct svc_verdict {
	const char *code, *sub_code, *text;
};
struct svc_verdict svc_alipay_done(void);
struct svc_verdict svc_alipay_refused(const char *sub_code, const char *text);
bool svc_is_done(const struct svc_verdict *v);

struct svc_call {
	struct form query, body, all; /* all borrows from the two */
	json_t *biz;
	const char *host; /* by which the caller reached us */
};
/* "" if absent. */
const char *svc_param(const struct svc_call *c, const char *name);

/* One row of the list of methods. */
struct svc_alipay_method {
	const char *name;
	struct svc_verdict (*handle)(
		struct svc *s, const struct svc_call *c, struct utc now, json_t *answer);
};
struct svc_verdict svc_alipay_precreate(
	struct svc *s, const struct svc_call *c, struct utc now, json_t *answer);
struct svc_verdict svc_alipay_query(
	struct svc *s, const struct svc_call *c, struct utc now, json_t *answer);
struct svc_verdict svc_alipay_close(
	struct svc *s, const struct svc_call *c, struct utc now, json_t *answer);
struct svc_verdict svc_alipay_refund(
	struct svc *s, const struct svc_call *c, struct utc now, json_t *answer);
struct svc_verdict svc_alipay_refund_query(
	struct svc *s, const struct svc_call *c, struct utc now, json_t *answer);
struct svc_verdict svc_alipay_bill_url(
	struct svc *s, const struct svc_call *c, struct utc now, json_t *answer);
struct svc_verdict svc_alipay_cert_download(
	struct svc *s, const struct svc_call *c, struct utc now, json_t *answer);
/* wap and page pay: the browser comes here with the signed address and goes on to the pay page. */
struct svc_verdict svc_alipay_open(struct svc *s, const struct svc_call *c, const char *kind,
	struct utc now, char token[static 40]);

/* Trades; with the lock held. */
json_t *svc_alipay_trade(const struct svc *s, const json_t *biz); /* by either number; or NULL */
int64_t svc_alipay_refunded(const json_t *order);		  /* fen */
const char *svc_alipay_trade_no(const json_t *order);
/* "0.01" to "100000000.00", two decimals, nothing before them that is not needed. */
MUST_USE enum err svc_alipay_fen(const char *yuan, int64_t *fen);
MUST_USE enum err svc_alipay_time(const char *text, struct utc *out);

/* Queues a notify of an order that is about something else than its payment; with the lock held.
 * event: "refund" (refund_no says which) or "closed". */
struct svc_event {
	const char *name, *refund_no;
	bool never;
	int64_t copies, late_s;
};
void svc_alipay_event(
	struct svc *s, const json_t *order, const struct svc_event *e, struct utc now);
/* The modes of notifies, used up for one event. Locks. */
void svc_alipay_event_modes(struct svc *s, struct svc_event *e);
