#pragma once
/* Inside the stand-ins: orders, notifies on their way, messages, and modes of misbehaviour. */
#include <pthread.h>

#include "sim/svc.h"
#include "web/crypt.h"
#include "web/form.h"

enum svc_kind { SVC_WECHAT, SVC_ALIPAY, SVC_SMS, SVC_TENCENT, SVC_MP, SVC__MAX };
const char *svc_word(enum svc_kind k); /* "wechat" "alipay" "sms" "tencent" "mp" */

struct svc_mode {
	char name[24]; /* "" or "normal": behaves */
	int64_t left;  /* how often still; -1: until it is changed */
	int64_t value; /* seconds or copies */
};

#define SVC_SENDERS 4

struct svc_wechat; /* svc_wechat.h */
struct svc_mp;	   /* the service account and the mini program: sim/svc_mp.h */

struct svc {
	struct svc_mp *mp;    /* NULL: none */
	pthread_mutex_t lock; /* guards what follows, up to the settings */
	pthread_cond_t wake;
	bool stopping;
	json_t *state;	/* {"orders": {}, "notifies": [], "sms": []}, kept in a file */
	json_t *nonces; /* of short messages, seen since the start */
	struct svc_mode modes[SVC__MAX];
	pthread_t senders[SVC_SENDERS];
	size_t sender_count;

	char state_path[512];
	const char *public_base; /* texts live as long as the conf */
	const char *mch_id, *wechat_app_id, *merchant_serial, *platform_key_id;
	const char *alipay_app_id, *seller_id;
	const char *access_key_id, *sign_name;
	struct buf api_v3_key, access_key_secret;
	/* of short messages; a stand-in without its key is not there */
	const char *tencent_secret_id, *tencent_app_id, *tencent_sign_name;
	struct buf tencent_secret_key, receipt_secret, tencent_receipt_secret;
	pthread_t receipts;
	bool receipts_run;
	EVP_PKEY *merchant_public, *platform_private; /* WeChat's view */
	EVP_PKEY *app_public, *alipay_private;	      /* Alipay's view */
	struct svc_wechat *wechat;		      /* its certificates */
	struct svc_alipay *alipay;		      /* its certificates and bills */
};

/* Is the mode on? Uses up one of its turns. value (or NULL) gets its number unless zero. With the
 * lock held; svc_mode_take() locks. */
bool svc_mode_on(struct svc *s, enum svc_kind k, const char *name, int64_t *value);
bool svc_mode_take(struct svc *s, enum svc_kind k, const char *name, int64_t *value);

/* Orders are JSON objects: service kind out_trade_no params amount_fen description expires_ms
 * notify_url return_url token token_ms state(NOTPAY SUCCESS CLOSED) transaction_id paid_ms
 * created_ms known. All of these need the lock. */
json_t *svc_order(const struct svc *s, enum svc_kind k, const char *out_trade_no);
json_t *svc_order_by_token(const struct svc *s, const char *token);
void svc_order_put(struct svc *s, enum svc_kind k, json_t *order); /* takes it */
/* The state now: an unpaid order past its end is CLOSED. */
const char *svc_order_state(const json_t *order, struct utc now);
void svc_order_new_token(json_t *order, struct utc now);
const char *svc_text(const json_t *o, const char *key); /* "" if absent */
int64_t svc_int(const json_t *o, const char *key);	/* 0 if absent */
void svc_set_text(json_t *o, const char *key, const char *value);
void svc_set_int(json_t *o, const char *key, int64_t value);
/* Marks an open order paid, queues its notify, keeps the state. False if it cannot be paid. */
bool svc_order_pay(struct svc *s, json_t *order, struct utc now);
void svc_save(struct svc *s);
/* Queues the notify of an order's refund. */
void svc_queue_refund(
	struct svc *s, const json_t *order, const char *out_refund_no, int64_t due_ms);

MUST_USE enum err svc_wechat_load(struct conf *conf, struct svc_wechat **out, struct problem *why);
void svc_wechat_free(struct svc_wechat **w);

/* Sends what is due until svc_stop(). */
void *svc_sender(void *svc);

/* One delivery of a notify; the body and headers are made and signed anew. */
struct svc_delivery {
	bool forged, wrong_amount;
	bool probe, other_merchant, other_key, shuffled; /* of WeChat Pay */
	const char *out_refund_no;			 /* "": of the payment */
	bool other_seller, other_app, gbk;		 /* Alipay's */
	const json_t *notify; /* as queued; "event" says what of, if it is not the payment */
	int64_t deadline_ms;
};
bool svc_wechat_notify(struct svc *s, const json_t *order, const struct svc_delivery *d);
bool svc_alipay_notify(const struct svc *s, const json_t *order, const struct svc_delivery *d);

/* Alipay's part of the settings and of struct svc. Certificate mode is on when [alipay]
 * app_cert_file is set, as for the platform. */
MUST_USE enum err svc_alipay_load(struct conf *conf, struct svc *s, struct problem *why);
void svc_alipay_free(struct svc_alipay **a);

/* The handlers; ctx is struct svc. */
void svc_wechat_handle(void *ctx, const struct http_request *req, struct http_reply *reply);
void svc_wechat_command(void *ctx, const struct http_request *req, struct http_reply *reply);
void svc_alipay_handle(void *ctx, const struct http_request *req, struct http_reply *reply);
void svc_alipay_bill_file(void *ctx, const struct http_request *req, struct http_reply *reply);
void svc_sms_handle(void *ctx, const struct http_request *req, struct http_reply *reply);
void svc_tencent_handle(void *ctx, const struct http_request *req, struct http_reply *reply);
void svc_page_info(void *ctx, const struct http_request *req, struct http_reply *reply);
void svc_page_index(void *ctx, const struct http_request *req, struct http_reply *reply);
void svc_page_pay(void *ctx, const struct http_request *req, struct http_reply *reply);
void svc_page_pay_post(void *ctx, const struct http_request *req, struct http_reply *reply);
void svc_page_jsapi(void *ctx, const struct http_request *req, struct http_reply *reply);
void svc_page_sms(void *ctx, const struct http_request *req, struct http_reply *reply);
void svc_page_sms_json(void *ctx, const struct http_request *req, struct http_reply *reply);
void svc_page_orders_json(void *ctx, const struct http_request *req, struct http_reply *reply);
void svc_page_error(struct http_reply *reply, int status, const char *title, const char *text);

/* "2026-11-23T10:13:20+08:00", or with a blank and without the offset. */
void svc_beijing(struct utc t, bool rfc3339, char out[static 40]);
void svc_yuan(int64_t fen, char out[static 32]);
/* Milliseconds without the lock, cut short by svc_stop(). */
void svc_sleep(struct svc *s, int64_t ms);
