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

/* Keys and addresses of [wechat_pay] and [alipay]; loaded once, immutable, shared by threads. */
struct pay;

/* A service without settings (no mch_id, no app_id) is left out and answers ERR_NOT_CONFIGURED; one
 * with half of them, or with a key that does not load, is an error that names the key. */
MUST_USE enum err pay_load(struct conf *conf, struct pay **out, struct problem *why);
void pay_free(struct pay **pay);

#define PAY_ID_MAX 65 /* order and transaction numbers, with their NUL */

struct pay_order {
	const char *out_trade_no; /* ours: 6..32 of [0-9A-Za-z], never used for other parameters */
	int64_t amount_fen;	  /* 1..10,000,000,000 */
	const char *description;  /* UTF-8; cut to what the service takes */
	struct utc expires_at;	  /* the last moment to pay */
	const char *payer_ip;	  /* needed by wechat_h5: the payer's own address */
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
	const char *service; /* "wechat" or "alipay": which notify route and settings */
	enum err (*open)(const struct pay *, const struct pay_channel *, const struct pay_order *,
		struct utc now, int64_t deadline_ms, json_t **out, struct problem *why);
	enum err (*query)(const struct pay *, const char *out_trade_no, struct utc now,
		int64_t deadline_ms, struct pay_event *out, struct problem *why);
	enum err (*close)(const struct pay *, const char *out_trade_no, struct utc now,
		int64_t deadline_ms, struct problem *why);
};

/* The list of channels; a new channel is a row there and the functions that it names. */
extern const struct pay_channel pay_channels[];
extern const size_t pay_channel_count;
/* NULL for a name that is not in the list. */
const struct pay_channel *pay_channel_find(const char *name);

/* Opens the order at the service. *out (the caller frees) is what the payer needs:
 * {"code_url"} for wechat_native, {"h5_url"} for wechat_h5, {"pay_url"} for alipay_wap.
 * The request depends on the order alone, so the same order may be opened again at any time. Commit
 * the order before calling this: the notify may come before the answer. */
MUST_USE enum err pay_open(const struct pay *pay, const struct pay_channel *channel,
	const struct pay_order *order, struct utc now, int64_t deadline_ms, json_t **out,
	struct problem *why);

/* Asks what became of an order. out->out_trade_no is always the number asked for. */
MUST_USE enum err pay_query(const struct pay *pay, const struct pay_channel *channel,
	const char *out_trade_no, struct utc now, int64_t deadline_ms, struct pay_event *out,
	struct problem *why);

/* Ends an unpaid order at the service. Only ERR_OK means closed; after anything else query again
 * (ERR_REFUSED is often "paid meanwhile"). An order that Alipay does not know yet cannot be closed:
 * ERR_REFUSED with code ACQ.TRADE_NOT_EXIST; it ends by its own expires_at. */
MUST_USE enum err pay_close(const struct pay *pay, const struct pay_channel *channel,
	const char *out_trade_no, struct utc now, int64_t deadline_ms, struct problem *why);

/* Verifies a notify as it came, byte for byte. On ERR_OK *out says what happened; the caller still
 * compares out_trade_no, amount_fen and currency with its order. Answer the service:
 *	ERR_OK           success, once the effect is durable (also for PAY_OTHER and repeats)
 *	ERR_BAD_SIGNATURE forged, stale, unknown serial or a signature probe: err_http(), no effect
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

/* Alipay wants exactly these seven bytes as text/plain for success; anything else is repeated. */
#define PAY_ALIPAY_SUCCESS "success"
#define PAY_ALIPAY_FAIL "fail"
MUST_USE enum err pay_notify_alipay(const struct pay *pay, const char *content_type,
	const char *body, size_t n, struct pay_event *out, struct problem *why);

/* Paths behind notify_base; the API serves them, the requests name them. */
#define PAY_NOTIFY_PATH_WECHAT "/api/v1/notify/wechat"
#define PAY_NOTIFY_PATH_ALIPAY "/api/v1/notify/alipay"
