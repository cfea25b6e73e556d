/* [wechat_pay]: who we are at WeChat Pay, and the keys of both sides. */
#include <stdlib.h>
#include <string.h>

#include "pay/wechat_inside.h"

#define NOTIFY_URL_MAX 255

enum err wechat_not_configured(struct problem *why)
{
	return problem_set(why, ERR_NOT_CONFIGURED, "", "[" WECHAT_SECTION "] is not set up");
}

void wechat_free(struct wechat **w)
{
	if (!*w)
		return;
	wechat_keys_free(&(*w)->keys);
	crypt_key_free(&(*w)->private_key);
	OPENSSL_cleanse((*w)->api_v3_key, sizeof((*w)->api_v3_key));
	free(*w);
	*w = NULL;
}

static enum err wrong(const char *key, const char *what, struct problem *why)
{
	return problem_set(why, ERR_NOT_CONFIGURED, key, "[" WECHAT_SECTION "] %s", what);
}

static enum err load_api_v3_key(struct conf *conf, struct wechat *w, struct problem *why)
{
	AUTO(buf_wipe) struct buf key = { 0 };

	if (conf_secret(conf, WECHAT_SECTION, "api_v3_key", &key) != ERR_OK)
		return wrong("api_v3_key", "api_v3_key_file is missing or cannot be read", why);
	if (key.len != GCM_KEY_LEN || strlen(key.text) != key.len)
		return problem_set(why, ERR_NOT_CONFIGURED, "api_v3_key",
			"[" WECHAT_SECTION "] api_v3_key_file holds %zu bytes, not %d", key.len,
			GCM_KEY_LEN);
	memcpy(w->api_v3_key, key.text, key.len);
	return ERR_OK;
}

static enum err load_certificate(const char *path, struct wechat *w, struct problem *why)
{
	AUTO(buf_free) struct buf pem = { 0 };
	struct wechat_key key;

	if (file_read(path, 65536, &pem) != ERR_OK ||
		wechat_key_read(pem.text, pem.len, &key) != ERR_OK)
		return problem_set(why, ERR_NOT_CONFIGURED, "platform_cert_files",
			"%.150s is no readable certificate", path);
	wechat_keys_put(w->keys, &key);
	w->downloads = false;
	return ERR_OK;
}

/* Optional: certificates that were fetched by hand, as paths parted by ';'. */
static enum err load_certificates(struct conf *conf, struct wechat *w, struct problem *why)
{
	char list[1024], *save = NULL;
	enum err e = ERR_OK;

	if (!str_copy(
		    list, sizeof(list), conf_text(conf, WECHAT_SECTION, "platform_cert_files", "")))
		return wrong("platform_cert_files", "platform_cert_files is too long", why);
	for (char *path = strtok_r(list, ";", &save); path && e == ERR_OK;
		path = strtok_r(NULL, ";", &save))
		e = load_certificate(path, w, why);
	return e;
}

static enum err load_public_key(struct conf *conf, struct wechat *w, struct problem *why)
{
	struct wechat_key k = { .key = NULL };
	enum err e;

	if (!conf_text(conf, WECHAT_SECTION, "public_key_id", NULL)) {
		if (conf_text(conf, WECHAT_SECTION, "public_key_file", NULL))
			return wrong("public_key_id", "public_key_id is missing", why);
		return ERR_OK;
	}
	e = setting_text(conf, WECHAT_SECTION, "public_key_id", k.serial, sizeof(k.serial), why);
	if (e == ERR_OK)
		e = setting_public_key(conf, WECHAT_SECTION, "public_key", &k.key, why);
	if (e != ERR_OK)
		return e;
	wechat_keys_put(w->keys, &k);
	w->downloads = false;
	return ERR_OK;
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
	enum err e = ERR_OK;

	for (size_t i = 0; i < ARRAY_LEN(texts) && e == ERR_OK; i++)
		e = setting_text(
			conf, WECHAT_SECTION, texts[i].key, texts[i].dst, texts[i].size, why);
	if (e != ERR_OK)
		return e;
	for (size_t n = strlen(w->api_base); n > 0 && w->api_base[n - 1] == '/'; n--)
		w->api_base[n - 1] = '\0';
	if (!web_url_allowed(w->api_base))
		return wrong("api_base", "api_base must be https, or http to this machine", why);
	if (!str_copy(w->local_payer_ip, sizeof(w->local_payer_ip),
		    conf_text(conf, WECHAT_SECTION, "local_payer_ip", "")))
		return wrong("local_payer_ip", "local_payer_ip is too long", why);
	return ERR_OK;
}

/* The service notifies by https only; a stand-in on this machine may do without. */
static enum err load_notify_urls(struct conf *conf, struct wechat *w, struct problem *why)
{
	enum err e = setting_notify_url(conf, WECHAT_SECTION, PAY_NOTIFY_PATH_WECHAT, w->notify_url,
		sizeof(w->notify_url), why);

	if (e == ERR_OK)
		e = setting_notify_url(conf, WECHAT_SECTION, PAY_NOTIFY_PATH_WECHAT_REFUND,
			w->refund_notify_url, sizeof(w->refund_notify_url), why);
	if (e != ERR_OK)
		return e;
	if (strlen(w->refund_notify_url) > NOTIFY_URL_MAX)
		return wrong("notify_base", "notify_base is too long", why);
	if (str_starts(w->api_base, "https://") && !str_starts(w->notify_url, "https://"))
		return wrong("notify_base", "notify_base must be https", why);
	return ERR_OK;
}

enum err wechat_load(struct conf *conf, struct wechat **out, struct problem *why)
{
	AUTO(wechat_free) struct wechat *w = NULL;
	enum err e;

	if (!conf_text(conf, WECHAT_SECTION, "mch_id", NULL))
		return wechat_not_configured(why);
	w = calloc(1, sizeof(*w));
	ASSERT(w);
	w->keys = wechat_keys_new();
	w->downloads = true;
	e = load_names(conf, w, why);
	if (e == ERR_OK)
		e = load_notify_urls(conf, w, why);
	if (e == ERR_OK)
		e = load_api_v3_key(conf, w, why);
	if (e == ERR_OK)
		e = setting_private_key(conf, WECHAT_SECTION, "private_key", &w->private_key, why);
	if (e == ERR_OK)
		e = load_public_key(conf, w, why);
	if (e == ERR_OK)
		e = load_certificates(conf, w, why);
	if (e != ERR_OK)
		return e;
	*out = w;
	w = NULL;
	return ERR_OK;
}
