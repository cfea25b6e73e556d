/* Alipay open platform: its settings and keys, in either of its two modes. */
#include <stdlib.h>
#include <string.h>

#include "pay/alipay_inside.h"

#define SECTION "alipay"

enum err alipay_not_configured(struct problem *why)
{
	return problem_set(why, ERR_NOT_CONFIGURED, "", "[" SECTION "] is not set up");
}

void alipay_free(struct alipay **a)
{
	if (!*a)
		return;
	crypt_key_free(&(*a)->private_key);
	crypt_key_free(&(*a)->alipay_public_key);
	alipay_certs_free(&(*a)->certs);
	free(*a);
	*a = NULL;
}

static enum err load_names(struct conf *conf, struct alipay *a, struct problem *why)
{
	enum err e = setting_text(conf, SECTION, "gateway", a->gateway, sizeof(a->gateway), why);

	if (e == ERR_OK)
		e = setting_text(conf, SECTION, "app_id", a->app_id, sizeof(a->app_id), why);
	if (e == ERR_OK)
		e = setting_text(
			conf, SECTION, "seller_id", a->seller_id, sizeof(a->seller_id), why);
	if (e != ERR_OK)
		return e;
	if (!web_url_allowed(a->gateway) || strchr(a->gateway, '?'))
		return problem_set(why, ERR_NOT_CONFIGURED, "gateway",
			"[" SECTION "] gateway must be https, or http to this machine");
	return setting_notify_url(
		conf, SECTION, PAY_NOTIFY_PATH_ALIPAY, a->notify_url, sizeof(a->notify_url), why);
}

/* ---- public-key mode ---- */

static enum err load_public_key(struct conf *conf, struct alipay *a, struct problem *why)
{
	enum err e =
		setting_public_key(conf, SECTION, "alipay_public_key", &a->alipay_public_key, why);

	if (e == ERR_OK && EVP_PKEY_eq(a->private_key, a->alipay_public_key) == 1)
		e = problem_set(why, ERR_NOT_CONFIGURED, "alipay_public_key",
			"[" SECTION "] alipay_public_key_file holds our own public key; it must be "
			"Alipay's, which the console shows once ours is uploaded");
	return e;
}

/* ---- certificate mode ---- */

static void files_free(struct alipay_cert_files *f)
{
	buf_free(&f->app);
	buf_free(&f->alipay);
	buf_free(&f->root);
}

static enum err load_certs(struct conf *conf, struct alipay *a, struct problem *why)
{
	AUTO(files_free) struct alipay_cert_files files = { .app = { 0 } };
	const struct {
		const char *key;
		struct buf *out;
	} list[] = {
		{ "app_cert", &files.app },
		{ "alipay_cert", &files.alipay },
		{ "alipay_root_cert", &files.root },
	};

	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		if (conf_secret(conf, SECTION, list[i].key, list[i].out) != ERR_OK)
			return problem_set(why, ERR_NOT_CONFIGURED, list[i].key,
				"[" SECTION "] %s_file is missing or not readable; certificate "
				"mode needs all three certificates",
				list[i].key);
	return alipay_certs_open(&files, a->private_key, &a->certs, why);
}

/* ---- which mode ---- */

static bool has(struct conf *conf, const char *const *keys)
{
	for (; *keys; keys++)
		if (conf_text(conf, SECTION, *keys, NULL))
			return true;
	return false;
}

static enum err load_keys(struct conf *conf, struct alipay *a, struct problem *why)
{
	static const char *const of_key[] = { "alipay_public_key", "alipay_public_key_file", NULL };
	static const char *const of_certs[] = { "app_cert", "app_cert_file", "alipay_cert",
		"alipay_cert_file", "alipay_root_cert", "alipay_root_cert_file", NULL };
	enum err e = setting_private_key(conf, SECTION, "private_key", &a->private_key, why);

	if (e != ERR_OK)
		return e;
	if (!has(conf, of_certs))
		return load_public_key(conf, a, why);
	if (has(conf, of_key))
		return problem_set(why, ERR_NOT_CONFIGURED, "alipay_public_key",
			"[" SECTION "] an application has one mode: either alipay_public_key_file "
			"or the three certificates");
	return load_certs(conf, a, why);
}

enum err alipay_load(struct conf *conf, struct alipay **out, struct problem *why)
{
	AUTO(alipay_free) struct alipay *a = NULL;
	enum err e;

	if (!conf_text(conf, SECTION, "app_id", NULL))
		return alipay_not_configured(why);
	a = calloc(1, sizeof(*a));
	ASSERT(a);
	e = load_names(conf, a, why);
	if (e == ERR_OK)
		e = load_keys(conf, a, why);
	if (e != ERR_OK)
		return e;
	*out = a;
	a = NULL;
	return ERR_OK;
}
