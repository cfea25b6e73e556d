#pragma once
/* Payment services, each behind one row of functions. No database in here: orders come in, verified
 * facts go out; the domain decides what they mean.
 *
 * Every call to a service has three outcomes, never two:
 *	ERR_OK       the service did it, and its signed answer says so;
 *	ERR_REFUSED  the service said no: why->field is its code, why->text its words;
 *	ERR_UNKNOWN  no answer, a 5xx, "busy", or an answer that cannot be verified. The request may
 *	             have arrived: ask pay_query(), or repeat the same call with the same order.
 * and before anything was sent: ERR_NOT_CONFIGURED (no settings for this service) and
 * ERR_BAD_VALUE (our order breaks the service's rules; why->field names the member).
 *
 * Time is an argument: `now` signs and verifies, `deadline_ms` is on the clock of mono_ms(). */
#include "base/clock.h"
#include "base/conf.h"
#include "base/json.h"
#include "base/money.h"
#include "base/zone.h"

/* Keys and addresses of [wechat_pay] and [alipay]; loaded once, shared by threads, immutable but
 * for the certificates that WeChat Pay changes, which have a lock of their own. */
struct pay;

/* Never fails: a service without settings (no mch_id, no app_id) is off, and so is one with half of
 * them or with a key that does not load. Calls to it answer ERR_NOT_CONFIGURED; the rest works. */
void pay_load(struct conf *conf, struct pay **out);
void pay_free(struct pay **pay);
/* NULL: the service is on. Else what is missing; why->field names the setting. */
const struct problem *pay_off(const struct pay *pay, const char *service);

/* The application at a service that payers are known to by an openid; "" when the service is off.
 */
const char *pay_app_id(const struct pay *pay, const char *service);

/* What ERR_REFUSED with this code means for us. */
enum pay_refusal {
	PAY_REFUSAL_FINAL,
	PAY_REFUSAL_PASSING, /* the very same call may succeed later */
	PAY_REFUSAL_PAID,    /* the order was paid meanwhile: ask pay_query() */
};
enum pay_refusal pay_refusal(const char *code);

#define PAY_ID_MAX 65 /* order and transaction numbers, with their NUL */

struct pay_order {
	const char *out_trade_no; /* ours: 6..32 of [0-9A-Za-z], never used for other parameters */
	int64_t amount_fen;	  /* 1..10,000,000,000 */
	const char *description;  /* UTF-8; cut to what the service takes */
	struct utc expires_at;	  /* the last moment to pay */
	const char *payer_ip;	  /* needed by wechat_h5: the payer's own address */
	const char *payer_id;	  /* needed by wechat_jsapi: the payer's openid at our app_id */
	const char *return_url;	  /* where the payer's browser goes afterwards; NULL: nowhere */
};

enum pay_state {
	PAY_UNKNOWN,   /* the service has a word for it that we do not know */
	PAY_NOT_PAID,  /* open, and can still be paid */
	PAY_PAID,      /* money has moved: transaction_id, amount_fen, currency, paid_at are set */
	PAY_CLOSED,    /* can no longer be paid, and never was */
	PAY_REFUND,    /* paid before and (partly) given back: never a new payment */
	PAY_NOT_EXIST, /* of pay_query() only: never created there. Alipay says so until the payer
			* has logged in, so it proves nothing before expires_at */
	PAY_OTHER,     /* of notifies only: really signed, but about nothing of ours */
};
const char *pay_state_word(enum pay_state s);

/* What a service says about one payment; only ever filled from verified bytes. */
struct pay_event {
	enum pay_state state;
	char out_trade_no[PAY_ID_MAX];
	char transaction_id[PAY_ID_MAX]; /* the service's; empty unless money has moved */
	int64_t amount_fen;		 /* the order's money, before coupons; 0 if not said */
	int64_t refund_fen;		 /* PAY_REFUND: given back so far; 0 if not said */
	char currency[4];		 /* "CNY" */
	struct utc paid_at;		 /* by the service's clock; 0 if not said */
	char service_state[33];		 /* the service's own word, for logs */
};

struct pay_channel {
	const char *name;    /* as in the API: "wechat_native" */
	const char *service; /* of pay_services: which notify route and settings */
	enum err (*open)(const struct pay *, const struct pay_channel *, const struct pay_order *,
		struct utc now, int64_t deadline_ms, json_t **out, struct problem *why);
};

/* The list of channels; a new channel is a row there and the functions that it names. */
extern const struct pay_channel pay_channels[];
extern const size_t pay_channel_count;
#define PAY_CHANNELS_MAX 16
/* NULL when orders may be made by it; else why not: its service is off, or it is named by the
 * setting [site] without_channels. */
const struct problem *pay_channel_off(const struct pay *pay, const struct pay_channel *channel);
/* NULL for a name that is not in the list. */
const struct pay_channel *pay_channel_find(const char *name);

struct pay_refund;
struct pay_refund_event;
struct pay_bill;
struct pay_service {
	const char *name; /* "wechat" */
	enum err (*query)(const struct pay *, const char *out_trade_no, struct utc now,
		int64_t deadline_ms, struct pay_event *out, struct problem *why);
	enum err (*close)(const struct pay *, const char *out_trade_no, struct utc now,
		int64_t deadline_ms, struct problem *why);
	enum err (*refund)(const struct pay *, const struct pay_refund *, struct utc now,
		int64_t deadline_ms, struct pay_refund_event *out, struct problem *why);
	enum err (*refund_query)(const struct pay *, const struct pay_refund *, struct utc now,
		int64_t deadline_ms, struct pay_refund_event *out, struct problem *why);
	enum err (*bill)(const struct pay *, struct day day, struct utc now, int64_t deadline_ms,
		struct pay_bill *out, struct problem *why);
};
extern const struct pay_service pay_services[];
extern const size_t pay_service_count;
const struct pay_service *pay_service_find(const char *name);

/* Opens the order at the service. *out (the caller frees) is what the payer needs:
 * {"code_url"} for wechat_native and alipay_qr, {"h5_url"} for wechat_h5, {"pay_url"} for
 * alipay_wap and alipay_page, {"jsapi": {appId timeStamp nonceStr package signType paySign}} for
 * wechat_jsapi. The request depends on the order alone, so the same order may be opened again at
 * any time. Commit the order before calling this: the notify may come before the answer. */
MUST_USE enum err pay_open(const struct pay *pay, const struct pay_channel *channel,
	const struct pay_order *order, struct utc now, int64_t deadline_ms, json_t **out,
	struct problem *why);

/* Asks what became of an order. out->out_trade_no is always the number asked for. */
MUST_USE enum err pay_query(const struct pay *pay, const char *service, const char *out_trade_no,
	struct utc now, int64_t deadline_ms, struct pay_event *out, struct problem *why);

/* Ends an unpaid order at the service. Only ERR_OK means closed; after anything else query again
 * (ERR_REFUSED is often "paid meanwhile"). An order that Alipay does not know yet cannot be closed:
 * ERR_REFUSED with code ACQ.TRADE_NOT_EXIST; it ends by its own expires_at. */
MUST_USE enum err pay_close(const struct pay *pay, const char *service, const char *out_trade_no,
	struct utc now, int64_t deadline_ms, struct problem *why);

/* Money of one order that goes back to its payer. The same number refunds once only, so after
 * ERR_UNKNOWN the same refund is asked again, never a new number. */
struct pay_refund {
	const char *out_trade_no;
	const char *out_refund_no; /* ours: 6..32 of [0-9A-Za-z] */
	int64_t amount_fen;
	int64_t total_fen; /* of the order */
	const char *reason;
};

enum pay_refund_state {
	PAY_REFUND_UNKNOWN,   /* the service has a word for it that we do not know */
	PAY_REFUND_ACCEPTED,  /* the service works on it */
	PAY_REFUND_DONE,      /* the payer has it */
	PAY_REFUND_CLOSED,    /* it will not happen; the money stays with us */
	PAY_REFUND_PERSON,    /* the payer's way is blocked: a person decides at the service */
	PAY_REFUND_NOT_EXIST, /* of pay_refund_query() only: it never arrived */
};
const char *pay_refund_state_word(enum pay_refund_state s);

struct pay_refund_event { /* only ever filled from verified bytes */
	enum pay_refund_state state;
	char out_trade_no[PAY_ID_MAX];
	char out_refund_no[PAY_ID_MAX];
	char refund_id[PAY_ID_MAX]; /* the service's; empty if not said */
	int64_t amount_fen;	    /* given back by this refund; 0 if not said */
	struct utc done_at;	    /* 0 if not said */
	char service_state[33];
};
MUST_USE enum err pay_refund_open(const struct pay *pay, const char *service,
	const struct pay_refund *refund, struct utc now, int64_t deadline_ms,
	struct pay_refund_event *out, struct problem *why);
MUST_USE enum err pay_refund_query(const struct pay *pay, const char *service,
	const struct pay_refund *refund, struct utc now, int64_t deadline_ms,
	struct pay_refund_event *out, struct problem *why);

/* The service's bill of one Beijing day: every payment and refund that it knows. */
struct pay_bill_row {
	bool refund;
	char out_trade_no[PAY_ID_MAX];
	char transaction_id[PAY_ID_MAX];
	char out_refund_no[PAY_ID_MAX]; /* refunds */
	char refund_id[PAY_ID_MAX];	/* refunds; empty if not said */
	char state[33];			/* the service's word */
	int64_t amount_fen;		/* of the order, or given back; positive */
	struct money fee;		/* kept by the service; negative when it is given back */
	struct utc at;
};
struct pay_bill {
	struct pay_bill_row *rows;
	size_t n;
	int64_t paid_fen, refunded_fen; /* sums as the service states them */
	struct money fee;
};
void pay_bill_free(struct pay_bill *bill); /* for AUTO() */
/* ERR_UNKNOWN: not ready yet, or no answer: ask later. A day without trades is an empty bill. Bills
 * of a day are asked for from 10:00 Beijing of the day after. ERR_PROTOCOL: the file contradicts
 * its checksum or itself. */
MUST_USE enum err pay_bill_get(const struct pay *pay, const char *service, struct day day,
	struct utc now, int64_t deadline_ms, struct pay_bill *out, struct problem *why);

/* The movements of a merchant's own account at WeChat Pay on one Beijing day: takings, refunds,
 * fees, withdrawals to the bank. */
struct pay_fund_row {
	struct utc at;
	char trade_id[PAY_ID_MAX]; /* of the payment, refund or withdrawal */
	char flow_id[PAY_ID_MAX];  /* of this movement */
	char name[64], kind[64];   /* the service's words: "交易", "退款", "提现", ... */
	char voucher[PAY_ID_MAX];
	bool income;
	int64_t amount_fen; /* positive */
	struct money balance;
};
struct pay_fund_bill {
	struct pay_fund_row *rows;
	size_t n;
	int64_t income_fen, expense_fen; /* sums as the service states them */
};
void pay_fund_bill_free(struct pay_fund_bill *bill); /* for AUTO() */
/* As pay_bill_get(). Only "wechat" has it; of another service it is ERR_NOT_CONFIGURED. */
MUST_USE enum err pay_fund_bill_get(const struct pay *pay, const char *service, struct day day,
	struct utc now, int64_t deadline_ms, struct pay_fund_bill *out, struct problem *why);

/* Verifies a notify as it came, byte for byte. On ERR_OK *out says what happened; the caller still
 * compares out_trade_no, amount_fen and currency with its order. Answer the service:
 *	ERR_OK           success, once the effect is durable (also for PAY_OTHER and repeats)
 *	ERR_BAD_SIGNATURE forged, stale, a serial that WeChat does not have, or a signature probe:
 *	                 err_http() (401), no effect
 *	ERR_UNAVAILABLE  a serial that could not be looked up just now: err_http() (503), no effect;
 *	                 the service will repeat it
 *	ERR_CONFLICT     really signed, but for another merchant or application: alarm, no effect
 *	ERR_PROTOCOL     really signed, but it cannot be decrypted (our API v3 key differs) or says
 *	                 nonsense: alarm; the service will repeat it
 *	ERR_BAD_VALUE, ERR_BAD_JSON, ERR_MISSING_FIELD, ERR_TOO_LARGE   malformed: err_http()
 * why->text holds no secret and no personal data. */
#define PAY_NOTIFY_MAX 65536 /* bytes of a notify's body; more is ERR_TOO_LARGE */

struct pay_headers { /* any may be NULL: absent */
	const char *content_type;
	const char *serial;    /* Wechatpay-Serial */
	const char *timestamp; /* Wechatpay-Timestamp */
	const char *nonce;     /* Wechatpay-Nonce */
	const char *signature; /* Wechatpay-Signature */
};

/* WeChat wants 200 or 204 without a body for success; else PAY_WECHAT_FAIL as JSON. */
#define PAY_WECHAT_FAIL "{\"code\":\"FAIL\",\"message\":\"失败\"}"
MUST_USE enum err pay_notify_wechat(const struct pay *pay, const struct pay_headers *headers,
	const char *body, size_t n, struct utc now, struct pay_event *out, struct problem *why);

/* The notify of a refund, on its own path; answered in the same way. A payment's notify is
 * ERR_BAD_VALUE here, so that the service repeats it; an event of neither kind is
 * PAY_REFUND_UNKNOWN without an out_refund_no, and is answered as a success. */
MUST_USE enum err pay_notify_wechat_refund(const struct pay *pay, const struct pay_headers *headers,
	const char *body, size_t n, struct utc now, struct pay_refund_event *out,
	struct problem *why);

/* Either of them, whatever path it came on: nothing is lost when a refund's notify arrives on the
 * payments' path, or the other way round. */
enum pay_notify_kind { PAY_NOTIFY_OTHER, PAY_NOTIFY_PAYMENT, PAY_NOTIFY_REFUND };
struct pay_notify {
	enum pay_notify_kind kind;
	struct pay_event payment;	/* of a refund: PAY_REFUND, what it did to the payment */
	struct pay_refund_event refund; /* PAY_NOTIFY_REFUND only */
};
MUST_USE enum err pay_notify_wechat_any(const struct pay *pay, const struct pay_headers *headers,
	const char *body, size_t n, struct utc now, struct pay_notify *out, struct problem *why);

/* Alipay wants exactly these seven bytes as text/plain for success; anything else is repeated. */
#define PAY_ALIPAY_SUCCESS "success"
#define PAY_ALIPAY_FAIL "fail"
MUST_USE enum err pay_notify_alipay(const struct pay *pay, const char *content_type,
	const char *body, size_t n, struct pay_event *out, struct problem *why);

/* Paths behind notify_base; the API serves them, the requests name them. */
#define PAY_NOTIFY_PATH_WECHAT "/api/v1/notify/wechat"
#define PAY_NOTIFY_PATH_WECHAT_REFUND "/api/v1/notify/wechat-refund"
#define PAY_NOTIFY_PATH_ALIPAY "/api/v1/notify/alipay"
