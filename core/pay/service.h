#pragma once
/* Inside core/pay: the settings of the two services, and what their files share. */
#include "pay/pay.h"
#include "web/crypt.h"
#include "web/form.h"
#include "web/web.h"

struct wechat; /* wechat_inside.h */

struct alipay_certs;
struct alipay {
	char gateway[256], notify_url[256];
	char app_id[33], seller_id[33];
	EVP_PKEY *private_key;
	EVP_PKEY *alipay_public_key; /* public-key mode */
	struct alipay_certs *certs;  /* certificate mode; NULL: public-key mode */
};

struct pay {
	struct wechat *wechat; /* NULL: off */
	struct alipay *alipay;
	struct problem wechat_off, alipay_off; /* and why */
	bool without[PAY_CHANNELS_MAX];	       /* channels that are not offered, as the list */
};

MUST_USE enum err wechat_load(struct conf *conf, struct wechat **out, struct problem *why);
void wechat_free(struct wechat **w);
MUST_USE enum err alipay_load(struct conf *conf, struct alipay **out, struct problem *why);
void alipay_free(struct alipay **a);

/* A required setting into a fixed text. */
MUST_USE enum err setting_text(struct conf *conf, const char *section, const char *key, char *dst,
	size_t size, struct problem *why);
/* notify_base of the section + path. */
MUST_USE enum err setting_notify_url(struct conf *conf, const char *section, const char *path,
	char *dst, size_t size, struct problem *why);
/* A key file (<key>_file) or value. */
MUST_USE enum err setting_private_key(struct conf *conf, const char *section, const char *key,
	EVP_PKEY **out, struct problem *why);
MUST_USE enum err setting_public_key(struct conf *conf, const char *section, const char *key,
	EVP_PKEY **out, struct problem *why);

/* Beijing's wall clock: "2026-11-23T10:13:20+08:00", or with a blank and no offset. China has had
 * no summer time since 1991, and the services mean this offset wherever the site is. */
#define BEIJING_TEXT_MAX 40
void beijing_rfc3339(struct utc t, char out[static BEIJING_TEXT_MAX]);
void beijing_plain(struct utc t, char out[static BEIJING_TEXT_MAX]);
MUST_USE enum err beijing_parse_plain(const char *text, struct utc *out);

/* "50.00" to 5000 and back; at most two decimals, not negative. */
MUST_USE enum err fen_parse(const char *yuan, int64_t *out);
void fen_text(int64_t fen, char out[static MONEY_TEXT_MAX]);

/* The longest prefix of whole UTF-8 characters in at most max bytes. */
size_t utf8_prefix(const char *text, size_t max);
/* Does a Content-Type name this media type? Parameters do not matter. */
bool media_type_is(const char *content_type, const char *type);

/* A URL that a browser may be sent to. */
bool is_browser_url(const char *url);

/* Alipay: the verified answer object of a method; ERR_BAD_SIGNATURE unless really signed (an
 * error_response may come unsigned). The caller frees *out. */
MUST_USE enum err alipay_read_answer(const struct alipay *a, const char *method, const char *body,
	size_t n, json_t **out, struct problem *why);
/* Alipay: the text that is signed: all but `sign` (a notify also leaves out sign_type). */
void alipay_sign_content(const struct form *f, bool notify, struct buf *out);
/* Alipay: the meaning of notify parameters whose signature is good. */
MUST_USE enum err alipay_read_notify(
	const struct alipay *a, const struct form *f, struct pay_event *out, struct problem *why);

/* The rows of the channel list. */
enum err wechat_open_jsapi(const struct pay *, const struct pay_channel *, const struct pay_order *,
	struct utc now, int64_t deadline_ms, json_t **out, struct problem *why);
enum err wechat_open_h5(const struct pay *, const struct pay_channel *, const struct pay_order *,
	struct utc now, int64_t deadline_ms, json_t **out, struct problem *why);
enum err wechat_open_native(const struct pay *, const struct pay_channel *,
	const struct pay_order *, struct utc now, int64_t deadline_ms, json_t **out,
	struct problem *why);
enum err alipay_open_wap(const struct pay *, const struct pay_channel *, const struct pay_order *,
	struct utc now, int64_t deadline_ms, json_t **out, struct problem *why);
enum err alipay_open_page(const struct pay *, const struct pay_channel *, const struct pay_order *,
	struct utc now, int64_t deadline_ms, json_t **out, struct problem *why);
enum err alipay_open_qr(const struct pay *, const struct pay_channel *, const struct pay_order *,
	struct utc now, int64_t deadline_ms, json_t **out, struct problem *why);

/* The rows of the list of services. */
enum err wechat_query(const struct pay *, const char *out_trade_no, struct utc now,
	int64_t deadline_ms, struct pay_event *out, struct problem *why);
enum err wechat_close(const struct pay *, const char *out_trade_no, struct utc now,
	int64_t deadline_ms, struct problem *why);
enum err wechat_refund(const struct pay *, const struct pay_refund *, struct utc now,
	int64_t deadline_ms, struct pay_refund_event *out, struct problem *why);
enum err wechat_refund_query(const struct pay *, const struct pay_refund *, struct utc now,
	int64_t deadline_ms, struct pay_refund_event *out, struct problem *why);
enum err wechat_bill(const struct pay *, struct day day, struct utc now, int64_t deadline_ms,
	struct pay_bill *out, struct problem *why);
enum err wechat_fund_bill(const struct pay *, struct day day, struct utc now, int64_t deadline_ms,
	struct pay_fund_bill *out, struct problem *why);
enum err alipay_query(const struct pay *, const char *out_trade_no, struct utc now,
	int64_t deadline_ms, struct pay_event *out, struct problem *why);
enum err alipay_close(const struct pay *, const char *out_trade_no, struct utc now,
	int64_t deadline_ms, struct problem *why);
enum err alipay_refund(const struct pay *, const struct pay_refund *, struct utc now,
	int64_t deadline_ms, struct pay_refund_event *out, struct problem *why);
enum err alipay_refund_query(const struct pay *, const struct pay_refund *, struct utc now,
	int64_t deadline_ms, struct pay_refund_event *out, struct problem *why);
enum err alipay_bill(const struct pay *, struct day day, struct utc now, int64_t deadline_ms,
	struct pay_bill *out, struct problem *why);

/* What a service's word for the state of a payment means; PAY_UNKNOWN when it is not in the list.
 */
struct state_word {
	const char *word;
	enum pay_state state;
};
enum pay_state state_find(const struct state_word *list, size_t n, const char *word);
