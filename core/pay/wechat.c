/* WeChat Pay APIv3 of a direct merchant: Native and H5 orders, query, close, notify. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rand.h"
#include "pay/service.h"

#define SECTION "wechat_pay"
#define CLOCK_SKEW_S 300
#define DESCRIPTION_MAX 127
#define PROBE "WECHATPAY/SIGNTEST/"

static enum err not_configured(struct problem *why)
{
	return problem_set(why, ERR_NOT_CONFIGURED, "", "[" SECTION "] is not set up");
}

void wechat_free(struct wechat **w)
{
	if (!*w)
		return;
	for (size_t i = 0; i < (*w)->key_count; i++)
		crypt_key_free(&(*w)->keys[i].key);
	crypt_key_free(&(*w)->private_key);
	OPENSSL_cleanse((*w)->api_v3_key, sizeof((*w)->api_v3_key));
	free(*w);
	*w = NULL;
}

static enum err load_api_v3_key(struct conf *conf, struct wechat *w, struct problem *why)
{
	AUTO(buf_wipe) struct buf key = { 0 };

	if (conf_secret(conf, SECTION, "api_v3_key", &key) != ERR_OK || key.len != GCM_KEY_LEN ||
		strlen(key.text) != key.len)
		return problem_set(why, ERR_NOT_CONFIGURED, "api_v3_key",
			"[" SECTION "] api_v3_key_file must hold exactly %d bytes", GCM_KEY_LEN);
	memcpy(w->api_v3_key, key.text, key.len);
	return ERR_OK;
}

static enum err load_certificate(const char *path, struct wechat *w, struct problem *why)
{
	AUTO(buf_free) struct buf pem = { 0 };
	struct wechat_key *k = &w->keys[w->key_count];

	if (w->key_count == WECHAT_KEYS_MAX)
		return problem_set(why, ERR_NOT_CONFIGURED, "platform_cert_files",
			"[" SECTION "] names more than %d keys", WECHAT_KEYS_MAX);
	if (file_read(path, 65536, &pem) != ERR_OK ||
		crypt_certificate(pem.text, pem.len, &k->key, k->serial) != ERR_OK)
		return problem_set(why, ERR_NOT_CONFIGURED, "platform_cert_files",
			"%.150s is no readable certificate", path);
	w->key_count++;
	return ERR_OK;
}

/* Optional, for merchants in the switch from certificates to the public key: paths parted by ';'.
 */
static enum err load_certificates(struct conf *conf, struct wechat *w, struct problem *why)
{
	char list[1024], *save = NULL;
	enum err e;

	if (!str_copy(list, sizeof(list), conf_text(conf, SECTION, "platform_cert_files", "")))
		return problem_set(why, ERR_NOT_CONFIGURED, "platform_cert_files",
			"[" SECTION "] platform_cert_files is too long");
	for (char *path = strtok_r(list, ";", &save); path; path = strtok_r(NULL, ";", &save)) {
		e = load_certificate(path, w, why);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

static enum err load_public_key(struct conf *conf, struct wechat *w, struct problem *why)
{
	struct wechat_key *k = &w->keys[0];
	enum err e;

	if (!conf_text(conf, SECTION, "public_key_id", NULL))
		return ERR_OK;
	e = setting_text(conf, SECTION, "public_key_id", k->serial, sizeof(k->serial), why);
	if (e == ERR_OK)
		e = setting_public_key(conf, SECTION, "public_key", &k->key, why);
	if (e == ERR_OK)
		w->key_count = 1;
	return e;
}

static enum err load_names(struct conf *conf, struct wechat *w, struct problem *why)
{
	const struct {
		const char *key;
		char *dst;
		size_t size;
	} texts[] = {
		{ "api_base", w->api_base, sizeof(w->api_base) },
		{ "mch_id", w->mch_id, sizeof(w->mch_id) },
		{ "app_id", w->app_id, sizeof(w->app_id) },
		{ "serial", w->serial, sizeof(w->serial) },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		enum err e =
			setting_text(conf, SECTION, texts[i].key, texts[i].dst, texts[i].size, why);

		if (e != ERR_OK)
			return e;
	}
	for (size_t n = strlen(w->api_base); n > 0 && w->api_base[n - 1] == '/'; n--)
		w->api_base[n - 1] = '\0';
	if (!web_url_allowed(w->api_base))
		return problem_set(why, ERR_NOT_CONFIGURED, "api_base",
			"[" SECTION "] api_base must be https, or http to this machine");
	if (!str_copy(w->local_payer_ip, sizeof(w->local_payer_ip),
		    conf_text(conf, SECTION, "local_payer_ip", "")))
		return problem_set(why, ERR_NOT_CONFIGURED, "local_payer_ip",
			"[" SECTION "] local_payer_ip is too long");
	return setting_notify_url(
		conf, SECTION, PAY_NOTIFY_PATH_WECHAT, w->notify_url, sizeof(w->notify_url), why);
}

enum err wechat_load(struct conf *conf, struct wechat **out, struct problem *why)
{
	AUTO(wechat_free) struct wechat *w = NULL;
	enum err e;

	if (!conf_text(conf, SECTION, "mch_id", NULL))
		return not_configured(why);
	w = calloc(1, sizeof(*w));
	ASSERT(w);
	e = load_names(conf, w, why);
	if (e == ERR_OK)
		e = load_api_v3_key(conf, w, why);
	if (e == ERR_OK)
		e = setting_private_key(conf, SECTION, "private_key", &w->private_key, why);
	if (e == ERR_OK)
		e = load_public_key(conf, w, why);
	if (e == ERR_OK)
		e = load_certificates(conf, w, why);
	if (e == ERR_OK && w->key_count == 0)
		e = problem_set(why, ERR_NOT_CONFIGURED, "public_key_id",
			"[" SECTION "] names no key of WeChat Pay to verify with");
	if (e != ERR_OK)
		return e;
	*out = w;
	w = NULL;
	return ERR_OK;
}

/* ---- what WeChat signed ---- */

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

static EVP_PKEY *find_key(const struct wechat *w, const char *serial)
{
	for (size_t i = 0; i < w->key_count; i++)
		if (str_eq(w->keys[i].serial, serial))
			return w->keys[i].key;
	return NULL;
}

enum err wechat_verify(const struct wechat *w, const struct pay_headers *h, const char *body,
	size_t n, struct utc now, struct problem *why)
{
	AUTO(buf_free) struct buf message = { 0 };
	EVP_PKEY *key;
	enum err e;

	if (!h->serial || !h->timestamp || !h->nonce || !h->signature)
		return problem_set(why, ERR_BAD_SIGNATURE, "", "a Wechatpay- header is missing");
	e = check_fresh(h->timestamp, now, why);
	if (e != ERR_OK)
		return e;
	key = find_key(w, h->serial);
	if (!key)
		return problem_set(why, ERR_BAD_SIGNATURE, "Wechatpay-Serial", "unknown serial");
	if (str_starts(h->signature, PROBE))
		return problem_set(
			why, ERR_BAD_SIGNATURE, "Wechatpay-Signature", "a signature probe");
	buf_printf(&message, "%s\n%s\n", h->timestamp, h->nonce);
	buf_add(&message, body, n);
	buf_adds(&message, "\n");
	e = crypt_verify(key, message.text, message.len, h->signature);
	if (e != ERR_OK)
		return problem_set(why, e, "Wechatpay-Signature", "the signature does not match");
	return ERR_OK;
}

/* ---- our calls ---- */

/* Path and query as they stand on the request line. */
static const char *target_of(const char *url)
{
	const char *host = strstr(url, "://");
	const char *slash = host ? strchr(host + 3, '/') : NULL;

	return slash ? slash : "/";
}

static enum err authorization(
	const struct wechat *w, const struct web_request *r, struct utc now, struct buf *header)
{
	AUTO(buf_free) struct buf message = { 0 };
	AUTO(buf_free) struct buf signature = { 0 };
	char nonce[33];
	enum err e;

	rand_hex(nonce, 16);
	buf_printf(&message, "%s\n%s\n%lld\n%s\n", r->method, target_of(r->url),
		(long long)(now.ms / 1000), nonce);
	buf_add(&message, r->body_len ? r->body : "", r->body_len);
	buf_adds(&message, "\n");
	e = crypt_sign(w->private_key, message.text, message.len, &signature);
	if (e != ERR_OK)
		return e;
	buf_printf(header,
		"Authorization: WECHATPAY2-SHA256-RSA2048 mchid=\"%s\",nonce_str=\"%s\","
		"timestamp=\"%lld\",serial_no=\"%s\",signature=\"%s\"",
		w->mch_id, nonce, (long long)(now.ms / 1000), w->serial, signature.text);
	return ERR_OK;
}

/* Error codes have two spellings by the age of the page: ORDERPAID and ORDER_PAID. */
static bool code_is(const char *code, const char *bare)
{
	for (; *code; code++) {
		if (*code == '_')
			continue;
		if (*code != *bare++)
			return false;
	}
	return *bare == '\0';
}

static bool code_is_temporary(const char *code)
{
	static const char *const codes[] = { "SYSTEMERROR", "BANKERROR", "FREQUENCYLIMITED",
		"RATELIMITEXCEEDED" };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (code_is(code, codes[i]))
			return true;
	return false;
}

/* A 4xx need not be signed, but a wrong signature is worth less than none. */
static enum err refusal(
	const struct web_answer *a, enum err signature, bool is_signed, struct problem *why)
{
	AUTO(json_free) json_t *j = NULL;
	const char *code = NULL, *message = "";

	if (a->status < 400 || a->status > 499 || (is_signed && signature != ERR_OK))
		return problem_set(why, ERR_UNKNOWN, "", "HTTP %d", a->status);
	if (json_parse(a->body.text, a->body.len, &j, NULL) != ERR_OK ||
		json_get_text(j, "code", FIELD_REQUIRED, 64, &code, NULL) != ERR_OK)
		return problem_set(why, ERR_UNKNOWN, "", "HTTP %d without a code", a->status);
	(void)!json_get_text(j, "message", FIELD_OPTIONAL, 1024, &message, NULL);
	return problem_set(why,
		a->status == 429 || code_is_temporary(code) ? ERR_UNKNOWN : ERR_REFUSED, code,
		"%.*s", (int)utf8_prefix(message, 240), message);
}

static enum err judge(
	const struct wechat *w, const struct web_answer *a, struct utc now, struct problem *why)
{
	const char *request_id = web_header(a, "Request-ID");
	char id[128] = "-";
	char values[4][600] = { "", "", "", "" };
	static const char *const names[] = { "Wechatpay-Serial", "Wechatpay-Timestamp",
		"Wechatpay-Nonce", "Wechatpay-Signature" };
	bool have[4], ok;
	struct pay_headers h;
	enum err e;

	if (request_id && !str_copy(id, sizeof(id), request_id))
		id[0] = '\0';
	log_info("event=wechat_answer status=%d request_id=%s", a->status, id);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *v = web_header(a, names[i]);

		have[i] = v && str_copy(values[i], sizeof(values[i]), v);
	}
	h = (struct pay_headers){ .serial = have[0] ? values[0] : NULL,
		.timestamp = have[1] ? values[1] : NULL,
		.nonce = have[2] ? values[2] : NULL,
		.signature = have[3] ? values[3] : NULL };
	e = wechat_verify(w, &h, a->body.text, a->body.len, now, why);
	ok = a->status >= 200 && a->status <= 299;
	if (ok && e == ERR_OK)
		return ERR_OK;
	if (ok)
		return ERR_UNKNOWN; /* why already says what is wrong with the signature */
	return refusal(a, e, have[3], why);
}

/* One signed call. ERR_OK: a verified 2xx. */
static enum err call(const struct wechat *w, struct web_request *r, struct utc now,
	struct web_answer *out, struct problem *why)
{
	AUTO(buf_free) struct buf auth = { 0 };
	AUTO(web_answer_free) struct web_answer a = { 0 };
	char serial[CRYPT_SERIAL_MAX + 32];
	size_t n = 0;
	enum err e = authorization(w, r, now, &auth);

	if (e != ERR_OK)
		return problem_set(why, e, "", "the request could not be signed");
	snprintf(serial, sizeof(serial), "Wechatpay-Serial: %s", w->keys[0].serial);
	r->headers[n++] = auth.text;
	r->headers[n++] = serial;
	r->headers[n++] = "Accept: application/json";
	if (r->body_len)
		r->headers[n++] = "Content-Type: application/json";
	e = web_call(r, &a, why);
	memset(r->headers, 0, sizeof(r->headers));
	if (e != ERR_OK)
		return ERR_UNKNOWN;
	e = judge(w, &a, now, why);
	if (e != ERR_OK)
		return e;
	*out = a;
	a = (struct web_answer){ 0 };
	return ERR_OK;
}

/* ---- orders ---- */

static json_t *order_json(const struct wechat *w, const struct pay_order *o)
{
	char expire[BEIJING_TEXT_MAX];

	beijing_rfc3339(o->expires_at, expire);
	return json_pack("{s:s, s:s, s:s%, s:s, s:s, s:s, s:{s:I, s:s}}", "appid", w->app_id,
		"mchid", w->mch_id, "description", o->description,
		utf8_prefix(o->description, DESCRIPTION_MAX), "out_trade_no", o->out_trade_no,
		"time_expire", expire, "notify_url", w->notify_url, "amount", "total",
		(json_int_t)o->amount_fen, "currency", "CNY");
}

#define PAY_LINK_MAX 1024 /* bytes of a link for the payer, with its NUL */

/* Sends the order and returns the one text of the answer that the payer needs. */
static enum err open_order(const struct wechat *w, const char *path, const json_t *order,
	const char *member, struct utc now, int64_t deadline_ms, char out[static PAY_LINK_MAX],
	struct problem *why)
{
	AUTO(web_answer_free) struct web_answer a = { 0 };
	AUTO(json_free) json_t *j = NULL;
	const char *value = NULL;
	char *body = json_text(order);
	char url[384];
	struct web_request r = { .method = "POST",
		.url = url,
		.body = body,
		.body_len = strlen(body),
		.deadline_ms = deadline_ms };
	enum err e;

	snprintf(url, sizeof(url), "%s%s", w->api_base, path);
	e = call(w, &r, now, &a, why);
	free(body);
	if (e != ERR_OK)
		return e;
	if (json_parse(a.body.text, a.body.len, &j, why) != ERR_OK ||
		json_get_text(j, member, FIELD_REQUIRED, PAY_LINK_MAX - 1, &value, why) != ERR_OK)
		return ERR_UNKNOWN;
	return str_copy(out, PAY_LINK_MAX, value) ? ERR_OK : ERR_UNKNOWN;
}

enum err wechat_open_native(const struct pay *pay, const struct pay_channel *channel,
	const struct pay_order *o, struct utc now, int64_t deadline_ms, json_t **out,
	struct problem *why)
{
	AUTO(json_free) json_t *order = NULL;
	char code_url[PAY_LINK_MAX];
	enum err e;

	(void)channel;
	if (!pay->wechat)
		return not_configured(why);
	order = order_json(pay->wechat, o);
	if (!order)
		return problem_set(why, ERR_BAD_VALUE, "description", "no UTF-8");
	e = open_order(pay->wechat, "/v3/pay/transactions/native", order, "code_url", now,
		deadline_ms, code_url, why);
	if (e != ERR_OK)
		return e;
	if (!str_starts(code_url, "weixin://"))
		return problem_set(why, ERR_UNKNOWN, "code_url", "no weixin:// address");
	*out = json_pack("{s:s}", "code_url", code_url);
	return ERR_OK;
}

static bool is_loopback(const char *ip)
{
	return str_starts(ip, "127.") || str_eq(ip, "::1");
}

static bool is_ip(const char *text)
{
	unsigned char bin[16];

	return inet_pton(AF_INET, text, bin) == 1 || inet_pton(AF_INET6, text, bin) == 1;
}

/* The service refuses loopback addresses; a demo on one machine says what to tell instead. */
static enum err add_scene(
	const struct wechat *w, const struct pay_order *o, json_t *order, struct problem *why)
{
	const char *ip = o->payer_ip ? o->payer_ip : "";

	if (is_loopback(ip) && w->local_payer_ip[0])
		ip = w->local_payer_ip;
	if (!is_ip(ip))
		return problem_set(why, ERR_BAD_VALUE, "payer_ip", "no IP address");
	ASSERT(json_object_set_new(order, "scene_info",
		       json_pack("{s:s, s:{s:s}}", "payer_client_ip", ip, "h5_info", "type",
			       "Wap")) == 0);
	return ERR_OK;
}

enum err wechat_open_h5(const struct pay *pay, const struct pay_channel *channel,
	const struct pay_order *o, struct utc now, int64_t deadline_ms, json_t **out,
	struct problem *why)
{
	AUTO(json_free) json_t *order = NULL;
	AUTO(buf_free) struct buf full = { 0 };
	char h5_url[PAY_LINK_MAX];
	enum err e;

	(void)channel;
	if (!pay->wechat)
		return not_configured(why);
	order = order_json(pay->wechat, o);
	if (!order)
		return problem_set(why, ERR_BAD_VALUE, "description", "no UTF-8");
	e = add_scene(pay->wechat, o, order, why);
	if (e == ERR_OK)
		e = open_order(pay->wechat, "/v3/pay/transactions/h5", order, "h5_url", now,
			deadline_ms, h5_url, why);
	if (e != ERR_OK)
		return e;
	if (!is_browser_url(h5_url))
		return problem_set(why, ERR_UNKNOWN, "h5_url", "no http(s) address");
	buf_adds(&full, h5_url);
	if (o->return_url) {
		buf_adds(&full, strchr(h5_url, '?') ? "&redirect_url=" : "?redirect_url=");
		percent_encode(o->return_url, &full);
	}
	*out = json_pack("{s:s}", "h5_url", full.text);
	return ERR_OK;
}

/* ---- what a transaction object says ---- */

static enum pay_state state_of(const char *word)
{
	static const struct state_word states[] = {
		{ "SUCCESS", PAY_PAID },
		{ "NOTPAY", PAY_NOT_PAID },
		{ "USERPAYING", PAY_NOT_PAID },
		{ "CLOSED", PAY_CLOSED },
		{ "REVOKED", PAY_CLOSED },
		{ "REFUND", PAY_REFUND },
	};

	return state_find(states, ARRAY_LEN(states), word);
}

static enum err copy_text(const json_t *j, const char *key, enum field_need need, char *dst,
	size_t size, struct problem *why)
{
	const char *v = "";
	enum err e = json_get_text(j, key, need, size - 1, &v, why);

	if (e == ERR_OK && !str_copy(dst, size, v))
		e = ERR_OUT_OF_RANGE;
	return e;
}

static enum err read_time(const json_t *j, const char *key, struct utc *out, struct problem *why)
{
	const char *v = NULL;
	enum err e = json_get_text(j, key, FIELD_OPTIONAL, 64, &v, why);

	if (e != ERR_OK || !v)
		return e;
	if (utc_parse(v, out) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, key, "no RFC 3339 time");
	return ERR_OK;
}

static enum err check_member(
	const json_t *j, const char *key, const char *ours, struct problem *why)
{
	const char *v = NULL;
	enum err e = json_get_text(j, key, FIELD_REQUIRED, 64, &v, why);

	if (e != ERR_OK)
		return e;
	return str_eq(v, ours) ? ERR_OK
			       : problem_set(why, ERR_CONFLICT, key, "of another merchant");
}

/* amount.total of the order, and its currency. */
static enum err read_amount(
	const json_t *j, enum field_need need, struct pay_event *ev, struct problem *why)
{
	const json_t *amount = json_object_get(j, "amount");
	enum err e;

	if (!amount && need == FIELD_OPTIONAL)
		return ERR_OK;
	e = json_get_int(amount, "total", need, 1, INT64_C(1000000000000), &ev->amount_fen, why);
	if (e != ERR_OK)
		return e;
	memcpy(ev->currency, "CNY", 4);
	if (!json_object_get(amount, "currency"))
		return ERR_OK;
	return copy_text(amount, "currency", need, ev->currency, sizeof(ev->currency), why);
}

static enum err read_transaction(
	const struct wechat *w, const json_t *j, struct pay_event *out, struct problem *why)
{
	struct pay_event ev = { 0 };
	enum field_need paid;
	enum err e = check_member(j, "mchid", w->mch_id, why);

	if (e == ERR_OK)
		e = check_member(j, "appid", w->app_id, why);
	if (e == ERR_OK)
		e = copy_text(j, "out_trade_no", FIELD_REQUIRED, ev.out_trade_no,
			sizeof(ev.out_trade_no), why);
	if (e == ERR_OK)
		e = copy_text(j, "trade_state", FIELD_REQUIRED, ev.service_state,
			sizeof(ev.service_state), why);
	if (e != ERR_OK)
		return e;
	ev.state = state_of(ev.service_state);
	paid = ev.state == PAY_PAID ? FIELD_REQUIRED : FIELD_OPTIONAL;
	e = copy_text(j, "transaction_id", paid, ev.transaction_id, sizeof(ev.transaction_id), why);
	if (e == ERR_OK)
		e = read_amount(j, paid, &ev, why);
	if (e == ERR_OK)
		e = read_time(j, "success_time", &ev.paid_at, why);
	if (e == ERR_OK && ev.state == PAY_PAID && !ev.transaction_id[0])
		e = problem_set(why, ERR_BAD_VALUE, "transaction_id", "is empty");
	if (e != ERR_OK)
		return e;
	*out = ev;
	return ERR_OK;
}

static enum err read_refund(
	const struct wechat *w, const json_t *j, struct pay_event *out, struct problem *why)
{
	struct pay_event ev = { .state = PAY_REFUND };
	enum err e = check_member(j, "mchid", w->mch_id, why);

	if (e == ERR_OK)
		e = copy_text(j, "out_trade_no", FIELD_REQUIRED, ev.out_trade_no,
			sizeof(ev.out_trade_no), why);
	if (e == ERR_OK)
		e = copy_text(j, "transaction_id", FIELD_REQUIRED, ev.transaction_id,
			sizeof(ev.transaction_id), why);
	if (e == ERR_OK)
		e = copy_text(j, "refund_status", FIELD_REQUIRED, ev.service_state,
			sizeof(ev.service_state), why);
	if (e == ERR_OK)
		e = read_amount(j, FIELD_REQUIRED, &ev, why);
	if (e == ERR_OK)
		e = json_get_int(json_object_get(j, "amount"), "refund", FIELD_REQUIRED, 1,
			ev.amount_fen, &ev.refund_fen, why);
	if (e != ERR_OK)
		return e;
	if (!str_eq(ev.service_state, "SUCCESS"))
		ev.refund_fen = 0; /* closed or abnormal: nothing was given back */
	*out = ev;
	return ERR_OK;
}

/* ---- query and close ---- */

enum err wechat_query(const struct pay *pay, const char *out_trade_no, struct utc now,
	int64_t deadline_ms, struct pay_event *out, struct problem *why)
{
	AUTO(web_answer_free) struct web_answer a = { 0 };
	AUTO(json_free) json_t *j = NULL;
	const struct wechat *w = pay->wechat;
	struct problem said = { 0 };
	struct pay_event ev = { 0 };
	char url[512];
	struct web_request r = { .method = "GET", .url = url, .deadline_ms = deadline_ms };
	enum err e;

	if (!w)
		return not_configured(why);
	snprintf(url, sizeof(url), "%s/v3/pay/transactions/out-trade-no/%s?mchid=%s", w->api_base,
		out_trade_no, w->mch_id);
	e = call(w, &r, now, &a, &said);
	if (e == ERR_REFUSED && code_is(said.field, "ORDERNOTEXIST")) {
		ev.state = PAY_NOT_EXIST;
		(void)!str_copy(ev.out_trade_no, sizeof(ev.out_trade_no), out_trade_no);
		(void)!str_copy(ev.service_state, sizeof(ev.service_state), "ORDER_NOT_EXIST");
		*out = ev;
		return ERR_OK;
	}
	if (e != ERR_OK)
		return problem_set(why, e, said.field, "%s", said.text);
	if (json_parse(a.body.text, a.body.len, &j, why) != ERR_OK ||
		read_transaction(w, j, &ev, why) != ERR_OK)
		return ERR_UNKNOWN;
	if (!str_eq(ev.out_trade_no, out_trade_no))
		return problem_set(why, ERR_UNKNOWN, "out_trade_no", "the answer to another");
	*out = ev;
	return ERR_OK;
}

enum err wechat_close(const struct pay *pay, const char *out_trade_no, struct utc now,
	int64_t deadline_ms, struct problem *why)
{
	AUTO(web_answer_free) struct web_answer a = { 0 };
	const struct wechat *w = pay->wechat;
	char url[512], body[64];
	struct web_request r = {
		.method = "POST", .url = url, .body = body, .deadline_ms = deadline_ms
	};

	if (!w)
		return not_configured(why);
	snprintf(url, sizeof(url), "%s/v3/pay/transactions/out-trade-no/%s/close", w->api_base,
		out_trade_no);
	snprintf(body, sizeof(body), "{\"mchid\":\"%s\"}", w->mch_id);
	r.body_len = strlen(body);
	return call(w, &r, now, &a, why);
}

/* ---- notify ---- */

static enum err open_resource(
	const struct wechat *w, const json_t *resource, json_t **out, struct problem *why)
{
	AUTO(buf_free) struct buf plain = { 0 };
	const char *algorithm = "", *sealed = "", *nonce = "", *aad = "";
	enum err e = json_get_text(resource, "algorithm", FIELD_REQUIRED, 64, &algorithm, why);

	if (e == ERR_OK)
		e = json_get_text(
			resource, "ciphertext", FIELD_REQUIRED, PAY_NOTIFY_MAX, &sealed, why);
	if (e == ERR_OK)
		e = json_get_text(resource, "nonce", FIELD_REQUIRED, 64, &nonce, why);
	if (e == ERR_OK)
		e = json_get_text(resource, "associated_data", FIELD_OPTIONAL, 64, &aad, why);
	if (e != ERR_OK)
		return e;
	if (!str_eq(algorithm, "AEAD_AES_256_GCM") || strlen(nonce) != GCM_NONCE_LEN)
		return problem_set(why, ERR_PROTOCOL, "resource", "sealed in a way we do not know");
	e = gcm_open(&(struct gcm){ w->api_v3_key, nonce, aad }, sealed, &plain);
	if (e != ERR_OK)
		return problem_set(why, e, "resource.ciphertext",
			"cannot be decrypted: the API v3 key here differs from the merchant's");
	return json_parse(plain.text, plain.len, out, why);
}

static enum err read_resource(const struct wechat *w, const char *event_type,
	const json_t *resource, struct pay_event *out, struct problem *why)
{
	AUTO(json_free) json_t *j = NULL;
	bool refund = str_starts(event_type, "REFUND.");
	enum err e;

	if (!refund && !str_starts(event_type, "TRANSACTION.")) {
		*out = (struct pay_event){ .state = PAY_OTHER };
		(void)!str_copy(out->service_state, sizeof(out->service_state), event_type);
		return ERR_OK;
	}
	e = open_resource(w, resource, &j, why);
	if (e != ERR_OK)
		return e;
	return refund ? read_refund(w, j, out, why) : read_transaction(w, j, out, why);
}

enum err wechat_read_notify(const struct wechat *w, const char *body, size_t n,
	struct pay_event *out, struct problem *why)
{
	AUTO(json_free) json_t *j = NULL;
	const char *event_type = "";
	enum err e = json_parse(body, n, &j, why);

	if (e == ERR_OK)
		e = json_get_text(j, "event_type", FIELD_REQUIRED, 64, &event_type, why);
	if (e == ERR_OK)
		e = read_resource(w, event_type, json_object_get(j, "resource"), out, why);
	return e;
}

enum err pay_notify_wechat(const struct pay *pay, const struct pay_headers *headers,
	const char *body, size_t n, struct utc now, struct pay_event *out, struct problem *why)
{
	enum err e;

	if (!pay->wechat)
		return not_configured(why);
	if (n > PAY_NOTIFY_MAX)
		return problem_set(why, ERR_TOO_LARGE, "", "more than %d bytes", PAY_NOTIFY_MAX);
	if (!media_type_is(headers->content_type, "application/json"))
		return problem_set(why, ERR_BAD_VALUE, "Content-Type", "application/json only");
	e = wechat_verify(pay->wechat, headers, body, n, now, why);
	return e == ERR_OK ? wechat_read_notify(pay->wechat, body, n, out, why) : e;
}

/* ---- to come ---- */

enum err wechat_open_jsapi(const struct pay *pay, const struct pay_channel *channel,
	const struct pay_order *o, struct utc now, int64_t deadline_ms, json_t **out,
	struct problem *why)
{
	(void)pay, (void)channel, (void)o, (void)now, (void)deadline_ms, (void)out;
	return not_configured(why);
}

enum err wechat_refund(const struct pay *pay, const struct pay_refund *r, struct utc now,
	int64_t deadline_ms, struct pay_refund_event *out, struct problem *why)
{
	(void)pay, (void)r, (void)now, (void)deadline_ms, (void)out;
	return not_configured(why);
}

enum err wechat_refund_query(const struct pay *pay, const struct pay_refund *r, struct utc now,
	int64_t deadline_ms, struct pay_refund_event *out, struct problem *why)
{
	(void)pay, (void)r, (void)now, (void)deadline_ms, (void)out;
	return not_configured(why);
}

enum err wechat_bill(const struct pay *pay, struct day day, struct utc now, int64_t deadline_ms,
	struct pay_bill *out, struct problem *why)
{
	(void)pay, (void)day, (void)now, (void)deadline_ms, (void)out;
	return not_configured(why);
}

enum err pay_notify_wechat_refund(const struct pay *pay, const struct pay_headers *headers,
	const char *body, size_t n, struct utc now, struct pay_refund_event *out,
	struct problem *why)
{
	(void)pay, (void)headers, (void)body, (void)n, (void)now, (void)out;
	return not_configured(why);
}
