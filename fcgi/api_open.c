/* What yufu-api is set up with, read once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fcgi/limits.h"
#include "fcgi/openapi.h"
#include "fcgi/routes.h"
#include "web/crypt.h"

static void load_wechat(struct api *api)
{
	for (int k = 0; k < WECHAT__MAX; k++) {
		struct problem *why = &api->wechat_off[k];

		if (wechat_app_load(api->conf, (enum wechat_kind)k, &api->wechat[k], why) !=
				ERR_OK &&
			why->field[0])
			log_error(
				"wechat=%d state=off key=%s why=\"%s\"", k, why->field, why->text);
	}
}

/* A quarter of the threads unless set. */
static enum err pay_waiting_read(struct conf *conf, int *out, struct problem *why)
{
	int64_t threads, most = 0;
	enum err e = conf_int(conf, "api", "threads", 1, 128, 16, &threads, why);

	if (e == ERR_OK)
		e = conf_int(conf, "api", "pay_waiting", 1, 128, threads < 4 ? 1 : threads / 4,
			&most, why);
	*out = (int)most;
	return e;
}

/* Letters and digits, long enough not to be guessed; anything else counts as none, and is said. */
static void load_receipt_secret(struct conf *conf, const char *section, char out[static 65])
{
	AUTO(buf_wipe) struct buf secret = { 0 };
	size_t n = 0;

	if (!conf_text(conf, section, "receipt_secret_file", NULL) &&
		!conf_text(conf, section, "receipt_secret", NULL))
		return;
	if (conf_secret(conf, section, "receipt_secret", &secret) == ERR_OK && secret.text)
		n = strspn(secret.text,
			"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-");
	if (n < 16 || n != secret.len || !str_copy(out, 65, secret.text))
		log_error("key=%s.receipt_secret why=\"16 to 64 letters and digits are expected\"",
			section);
}

/* Beside the socket, whose folder the processes of a machine share. */
static const char *shared_path(struct conf *conf, const char *name, char buf[static 256])
{
	const char *listen = conf_text(conf, "api", "listen", "/run/yufu/api.sock");
	const char *slash = strrchr(listen, '/');

	snprintf(
		buf, 256, "%.*s/%s", slash ? (int)(slash - listen) : 1, slash ? listen : ".", name);
	return buf;
}

/* Of the list of routes: counters of another list are others. */
static unsigned routes_version(void)
{
	AUTO(buf_free) struct buf b = { 0 };
	char sha[SHA256_HEX];

	for (size_t i = 0; i < routes_n; i++)
		buf_printf(&b, "%s %s\n", routes[i].method, routes[i].path);
	sha256_hex(b.text, b.len, sha);
	sha[8] = '\0';
	return (unsigned)strtoul(sha, NULL, 16);
}

enum err api_open(struct conf *conf, struct api **out, struct problem *why)
{
	AUTO(api_free) struct api *api = calloc(1, sizeof(*api));
	AUTO(json_free) json_t *document = NULL;
	char shared[256];
	enum err e;

	ASSERT(api);
	api->conf = conf;
	pthread_mutex_init(&api->importing, NULL);
	e = conf_secret(conf, "jwt", "key", &api->jwt_key);
	if (e != ERR_OK)
		return problem_set(why, e, "jwt.key_file", "a key is needed");
	if (api->jwt_key.len < TOKEN_KEY_MIN || str_starts(api->jwt_key.text, "-----BEGIN"))
		return problem_set(why, ERR_BAD_VALUE, "jwt.key_file",
			"the key must be at least %d random bytes", TOKEN_KEY_MIN);
	totp_key(&api->jwt_key, api->totp_key);
	if (!str_copy(api->site_base, sizeof(api->site_base),
		    conf_text(conf, "site", "base",
			    conf_text(conf, "alipay", "notify_base",
				    conf_text(conf, "wechat_pay", "notify_base", "")))))
		return problem_set(why, ERR_OUT_OF_RANGE, "site.base", "the address is too long");
	api->models_dir = conf_text(conf, "poller", "models_dir", NULL);
	api->check_answers = str_eq(conf_text(conf, "api", "check_answers", "0"), "1");
	api->tally = tally_open(
		conf_text(conf, "api", "figures", shared_path(conf, "api.figures", shared)),
		routes_version());
	e = db_settings_read(conf, &api->db, why);
	if (e != ERR_OK)
		return e;
	e = pay_waiting_read(conf, &api->pay_waiting_most, why);
	if (e != ERR_OK)
		return e;
	e = limits_open(conf,
		conf_text(conf, "limits", "file", shared_path(conf, "api.limits", shared)),
		&api->limits, why);
	if (e != ERR_OK)
		return e;
	pay_load(conf, &api->pay);
	load_wechat(api);
	load_receipt_secret(conf, "aliyun_sms", api->receipt_secrets[RECEIVER_ALIYUN]);
	load_receipt_secret(conf, "tencent_sms", api->receipt_secrets[RECEIVER_TENCENT]);
	api->schemas = schemas_open();
	document = openapi_document(api->schemas);
	api->document = json_text(document);
	*out = api;
	api = NULL;
	return ERR_OK;
}

void api_free(struct api **api)
{
	if (!*api)
		return;
	buf_wipe(&(*api)->jwt_key);
	OPENSSL_cleanse((*api)->totp_key, sizeof((*api)->totp_key));
	OPENSSL_cleanse((*api)->receipt_secrets, sizeof((*api)->receipt_secrets));
	limits_free(&(*api)->limits);
	pay_free(&(*api)->pay);
	for (int k = 0; k < WECHAT__MAX; k++)
		wechat_app_free(&(*api)->wechat[k]);
	free((*api)->document);
	tally_free(&(*api)->tally);
	schemas_free(&(*api)->schemas);
	pthread_mutex_destroy(&(*api)->importing);
	free(*api);
	*api = NULL;
}
