#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sim/svc_mp.h"
#include "sim/svc_bill.h"
#include "sim/svc_state.h"
#include "sim/svc_inbox.h"

/* ---- modes of misbehaviour ---- */

static const char *const mode_names[] = { "normal", "notify_duplicate", "notify_late",
	"notify_never", "notify_forged", "notify_wrong_amount", "answer_500", "answer_slow",
	"answer_hang_up", "answer_forged", "refuse", "notify_probe", "notify_other_merchant",
	"notify_other_key", "notify_shuffled", "answer_unsigned_500", "answer_unsigned_404",
	"answer_429", "answer_probe", "close_busy", "refund_processing", "refund_abnormal",
	"refund_closed", "refund_not_enough", "bill_creating", "bill_wrong_hash", "bill_elsewhere",
	"answer_busy", "answer_twice", "answer_unsigned", "notify_reordered", "notify_other_seller",
	"notify_other_app", "notify_gbk", "rotate_certificate", "forged_certificate",
	"trade_finished", "refund_pending", "bill_late", "bill_damaged", "bill_wrong_sum",
	"throttle", "unsent_hang_up", "receipt_never", "receipt_lost", "receipt_failed",
	"receipt_duplicate", "receipt_late", NULL };

static enum err check_mode(const char *mode, struct problem *why)
{
	for (size_t i = 0; mode_names[i]; i++)
		if (str_eq(mode_names[i], mode))
			return ERR_OK;
	return problem_set(why, ERR_BAD_VALUE, "mode", "there is no mode %.60s", mode);
}

static enum err mode_read(const struct http_request *req, enum svc_kind *kind, struct svc_mode *out,
	struct problem *why)
{
	static const char *const names[] = { "service", "mode", "count", "value", NULL };
	AUTO(json_free) json_t *body = NULL;
	const char *service = "", *mode = "";
	struct svc_mode m = { .left = -1 };
	enum err e = http_body_json(req, &body, why);

	if (e == ERR_OK)
		e = json_only(body, names, why);
	if (e == ERR_OK)
		e = json_get_text(body, "service", FIELD_REQUIRED, 16, &service, why);
	if (e == ERR_OK)
		e = json_get_text(body, "mode", FIELD_REQUIRED, sizeof(m.name) - 1, &mode, why);
	if (e == ERR_OK)
		e = json_get_int(body, "count", FIELD_OPTIONAL, 1, 1000000, &m.left, why);
	if (e == ERR_OK)
		e = json_get_int(body, "value", FIELD_OPTIONAL, 1, 86400, &m.value, why);
	if (e == ERR_OK)
		e = check_mode(mode, why);
	if (e != ERR_OK)
		return e;
	(void)!str_copy(m.name, sizeof(m.name), mode);
	for (int k = 0; k < SVC__MAX; k++)
		if (str_eq(svc_word((enum svc_kind)k), service)) {
			*kind = (enum svc_kind)k;
			*out = m;
			return ERR_OK;
		}
	return problem_set(why, ERR_BAD_VALUE, "service", "wechat, alipay, sms, tencent or mp");
}

static void modes_set(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	struct svc *s = ctx;
	struct problem why = { 0 };
	struct svc_mode mode;
	enum svc_kind kind = SVC_WECHAT;
	enum err e = mode_read(req, &kind, &mode, &why);

	if (e != ERR_OK) {
		http_answer_problem(reply, e, &why);
		return;
	}
	pthread_mutex_lock(&s->lock);
	s->modes[kind] = mode;
	pthread_mutex_unlock(&s->lock);
	http_answer_json(
		reply, 200, json_pack("{s:s, s:s}", "service", svc_word(kind), "mode", mode.name));
}

static void modes_show(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	struct svc *s = ctx;
	json_t *all = json_object();

	(void)req;
	pthread_mutex_lock(&s->lock);
	for (int k = 0; k < SVC__MAX; k++) {
		const struct svc_mode *m = &s->modes[k];

		json_object_set_new(all, svc_word((enum svc_kind)k),
			json_pack("{s:s, s:I, s:I}", "mode", m->name[0] ? m->name : "normal",
				"left", (json_int_t)m->left, "value", (json_int_t)m->value));
	}
	pthread_mutex_unlock(&s->lock);
	http_answer_json(reply, 200, all);
}

/* The vendors' own libraries know no path: they are served at the root. */
static void at_root(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	bool root = str_eq(http_path(req), "/");

	if (root && http_header(req, "X-TC-Action"))
		svc_tencent_handle(ctx, req, reply);
	else if (root && http_header(req, "x-acs-action"))
		svc_sms_handle(ctx, req, reply);
	else
		http_answer_problem(reply, ERR_NOT_FOUND, NULL);
}

static const struct http_route routes[] = {
	{ NULL, "/", at_root },
	{ "GET", "/sim/services", modes_show },
	{ "POST", "/sim/services", modes_set },
	{ "POST", "/sim/services/wechat", svc_wechat_command },
	{ NULL, "/sim/bills", svc_bills },
	{ "POST", "/sim/bills/today", svc_bills_today },
	{ NULL, "/sandbox/wechat/", svc_wechat_handle },
	{ "GET", "/sandbox/jsapi", svc_page_jsapi },
	{ NULL, "/sandbox/alipay/gateway.do", svc_alipay_handle },
	{ "GET", "/sandbox/alipay/bill.zip", svc_alipay_bill_file },
	{ NULL, "/sandbox/aliyun/", svc_sms_handle },
	{ NULL, "/sandbox/tencent/", svc_tencent_handle },
	{ "GET", "/sandbox/info", svc_page_info },
	{ "GET", "/sandbox/pay", svc_page_pay },
	{ "POST", "/sandbox/pay", svc_page_pay_post },
	{ "GET", "/sandbox/sms", svc_page_sms },
	{ "GET", "/sandbox/sms.json", svc_page_sms_json },
	{ "GET", "/sandbox/orders.json", svc_page_orders_json },
	{ "GET", "/sandbox/", svc_page_index },
};

/* ---- settings ---- */

static enum err take(struct conf *conf, const char *section, const char *key, const char **out,
	struct problem *why)
{
	*out = conf_text(conf, section, key, NULL);
	if (!*out || !(*out)[0])
		return problem_set(
			why, ERR_NOT_CONFIGURED, key, "[%s] %s is missing", section, key);
	return ERR_OK;
}

static enum err take_texts(struct conf *conf, struct svc *s, struct problem *why)
{
	const struct {
		const char *section, *key;
		const char **out;
	} texts[] = {
		{ "sim", "public_base", &s->public_base },
		{ "wechat_pay", "mch_id", &s->mch_id },
		{ "wechat_pay", "app_id", &s->wechat_app_id },
		{ "wechat_pay", "serial", &s->merchant_serial },
		{ "alipay", "app_id", &s->alipay_app_id },
		{ "alipay", "seller_id", &s->seller_id },
		{ "aliyun_sms", "access_key_id", &s->access_key_id },
		{ "aliyun_sms", "sign_name", &s->sign_name },
	};
	enum err e = ERR_OK;

	for (size_t i = 0; i < ARRAY_LEN(texts) && e == ERR_OK; i++)
		e = take(conf, texts[i].section, texts[i].key, texts[i].out, why);
	/* a merchant without it verifies by certificates */
	s->platform_key_id = conf_text(conf, "wechat_pay", "public_key_id", "");
	return e;
}

static enum err take_keys(struct conf *conf, struct svc *s, struct problem *why)
{
	const struct {
		const char *key;
		EVP_PKEY **out;
		bool is_private;
	} keys[] = {
		{ "wechat_merchant_public_key", &s->merchant_public, false },
		{ "wechat_platform_private_key", &s->platform_private, true },
		{ "alipay_app_public_key", &s->app_public, false },
		{ "alipay_private_key", &s->alipay_private, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		AUTO(buf_wipe) struct buf text = { 0 };
		enum err e = conf_secret(conf, "sim", keys[i].key, &text);

		if (e == ERR_OK)
			e = (keys[i].is_private ? crypt_private_key : crypt_public_key)(
				text.text, text.len, keys[i].out);
		if (e != ERR_OK)
			return problem_set(why, ERR_NOT_CONFIGURED, keys[i].key,
				"[sim] %s_file is no readable RSA key", keys[i].key);
	}
	if (conf_secret(conf, "sim", "api_v3_key", &s->api_v3_key) != ERR_OK ||
		s->api_v3_key.len != GCM_KEY_LEN)
		return problem_set(why, ERR_NOT_CONFIGURED, "api_v3_key",
			"[sim] api_v3_key_file must hold %d bytes", GCM_KEY_LEN);
	if (conf_secret(conf, "sim", "access_key_secret", &s->access_key_secret) != ERR_OK)
		return problem_set(why, ERR_NOT_CONFIGURED, "access_key_secret",
			"[sim] access_key_secret_file is not readable");
	return ERR_OK;
}

/* Without its settings or key a further stand-in of short messages is not there, and without a
 * secret no receipts are pushed. */
static void take_messages(struct conf *conf, struct svc *s)
{
	s->tencent_secret_id = conf_text(conf, "tencent_sms", "secret_id", "");
	s->tencent_app_id = conf_text(conf, "tencent_sms", "sdk_app_id", "");
	s->tencent_sign_name = conf_text(conf, "tencent_sms", "sign_name", "");
	(void)!conf_secret(conf, "sim", "tencent_secret_key", &s->tencent_secret_key);
	(void)!conf_secret(conf, "aliyun_sms", "receipt_secret", &s->receipt_secret);
	(void)!conf_secret(conf, "tencent_sms", "receipt_secret", &s->tencent_receipt_secret);
}

/* What was kept before; a file that cannot be read as such is an error, not an empty sandbox. */
static enum err load_state(struct conf *conf, struct svc *s, struct problem *why)
{
	AUTO(buf_free) struct buf text = { 0 };
	const char *dir = conf_text(conf, "sim", "state_dir", NULL);

	s->nonces = json_object();
	if (dir)
		snprintf(s->state_path, sizeof(s->state_path), "%s/services.json", dir);
	if (!dir || file_read(s->state_path, (size_t)64 << 20, &text) != ERR_OK) {
		s->state = json_pack("{s:{}, s:[], s:[]}", "orders", "notifies", "sms");
		return ERR_OK;
	}
	return json_parse(text.text, text.len, &s->state, why);
}

static enum err start(struct conf *conf, struct http *http, struct svc *s, struct problem *why)
{
	enum err e = take_texts(conf, s, why);

	if (e == ERR_OK)
		e = take_keys(conf, s, why);
	if (e == ERR_OK)
		e = svc_wechat_load(conf, &s->wechat, why);
	if (e == ERR_OK)
		e = svc_alipay_load(conf, s, why);
	if (e == ERR_OK)
		e = load_state(conf, s, why);
	if (e == ERR_OK)
		e = svc_mp_start(conf, http, s, &s->mp, why);
	if (e != ERR_OK)
		return e;
	take_messages(conf, s);
	s->receipts_run = pthread_create(&s->receipts, NULL, svc_receipts, s) == 0;
	if (!s->receipts_run)
		return problem_set(why, ERR_INTERNAL, "", "no thread for receipts");
	for (; s->sender_count < SVC_SENDERS; s->sender_count++)
		if (pthread_create(&s->senders[s->sender_count], NULL, svc_sender, s) != 0)
			return problem_set(why, ERR_INTERNAL, "", "no thread for notifies");
	http_add_routes(http, routes, ARRAY_LEN(routes), s);
	return ERR_OK;
}

enum err svc_start(struct conf *conf, struct http *http, struct svc **out, struct problem *why)
{
	AUTO(svc_stop) struct svc *s = NULL;
	enum err e;

	*out = NULL;
	if (!conf_text(conf, "sim", "wechat_platform_private_key_file", NULL)) {
		log_info("event=no_services reason=no_keys");
		return ERR_OK;
	}
	s = calloc(1, sizeof(*s));
	ASSERT(s);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	e = start(conf, http, s, why);
	if (e != ERR_OK)
		return e;
	*out = s;
	s = NULL;
	return ERR_OK;
}

void svc_stop(struct svc **svc)
{
	struct svc *s = *svc;

	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < s->sender_count; i++)
		pthread_join(s->senders[i], NULL);
	svc_mp_stop(&s->mp);
	if (s->receipts_run)
		pthread_join(s->receipts, NULL);
	buf_wipe(&s->tencent_secret_key);
	buf_wipe(&s->receipt_secret);
	buf_wipe(&s->tencent_receipt_secret);
	json_decref(s->state);
	json_decref(s->nonces);
	buf_wipe(&s->api_v3_key);
	buf_wipe(&s->access_key_secret);
	crypt_key_free(&s->merchant_public);
	crypt_key_free(&s->platform_private);
	crypt_key_free(&s->app_public);
	crypt_key_free(&s->alipay_private);
	svc_wechat_free(&s->wechat);
	svc_alipay_free(&s->alipay);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
	*svc = NULL;
}
