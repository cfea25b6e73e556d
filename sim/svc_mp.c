#include "sim/svc_mp.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

const char *mp_word(enum mp_kind k)
{
	return k == MP_OA ? "mp" : "mini";
}

void mp_openid(const struct mp_app *app, int n, char out[static MP_OPENID_MAX])
{
	char text[80], hex[SHA256_HEX];
	int len = snprintf(text, sizeof(text), "%s/%d", app->app_id, n);

	sha256_hex(text, (size_t)len, hex);
	snprintf(out, MP_OPENID_MAX, "oSB%.25s", hex);
}

json_t *mp_person(const struct svc_mp *mp, const char *openid)
{
	return openid ? json_object_get(mp->people, openid) : NULL;
}

/* clang-format off */
static const struct mp_template templates[] = {
	{ MP_OA, "OA_BALANCE", "余额提醒", false, { "thing1", "thing2", "character_string3", "time4" } },
	{ MP_OA, "OA_ARREARS", "欠费提醒", false, { "thing1", "thing2", "character_string3", "thing4" } },
	{ MP_OA, "OA_RECHARGED", "充值成功", false, { "thing1", "thing2", "amount3", "character_string4", "time5" } },
	{ MP_OA, "OA_RESTORED", "恢复供应", true, { "thing1", "thing2", "phrase3" } },
	{ MP_MINI, "MINI_BALANCE", "余额提醒", true, { "thing1", "thing2", "character_string3" } },
	{ MP_MINI, "MINI_RECHARGED", "充值成功", true, { "thing1", "amount2", "time3" } },
};

static const struct http_route routes[] = {
	{ "GET", "/sandbox/mp/connect/oauth2/authorize", mp_authorize },
	{ "GET", "/sandbox/mp/connect/oauth2/choose", mp_choose },
	{ NULL, "/sandbox/mp/", mp_handle },
	{ "GET", "/sandbox/wechat-messages", mp_messages_page },
	{ "GET", "/sandbox/wechat-messages.json", mp_messages_json },
	{ "GET", "/sim/wechat", mp_show },
	{ "POST", "/sim/wechat", mp_command },
};
/* clang-format on */

const struct mp_template *mp_template(enum mp_kind app, const char *id)
{
	for (size_t i = 0; i < ARRAY_LEN(templates); i++)
		if (templates[i].app == app && str_eq(templates[i].id, id))
			return &templates[i];
	return NULL;
}

static enum err take(struct conf *conf, const char *section, const char *key, bool required,
	char *dst, size_t size, struct problem *why)
{
	AUTO(buf_wipe) struct buf v = { 0 };
	enum err e = conf_secret(conf, section, key, &v);

	if (e == ERR_NOT_CONFIGURED && !required)
		return ERR_OK;
	if (e != ERR_OK || !str_copy(dst, size, v.text))
		return problem_set(
			why, ERR_NOT_CONFIGURED, key, "[%s] %s_file is not readable", section, key);
	return ERR_OK;
}

static enum err take_app(struct conf *conf, const struct svc *svc, enum mp_kind k, struct mp_app *a,
	struct problem *why)
{
	const char *section = k == MP_OA ? "wechat_mp" : "wechat_mini";
	AUTO(buf_wipe) struct buf key = { 0 };
	char aes[64] = "";
	enum err e;

	a->app_id = conf_text(conf, section, "app_id", NULL);
	if (!a->app_id)
		return ERR_OK;
	snprintf(a->event_url, sizeof(a->event_url), "%s/api/v1/notify/wechat-%s", svc->public_base,
		mp_word(k));
	e = take(conf, section, "app_secret", true, a->secret, sizeof(a->secret), why);
	if (e == ERR_OK)
		e = take(conf, section, "token", false, a->token, sizeof(a->token), why);
	if (e == ERR_OK)
		e = take(conf, section, "encoding_aes_key", false, aes, sizeof(aes) - 1, why);
	if (e != ERR_OK || !aes[0])
		return e;
	memcpy(aes + strlen(aes), "=", 2);
	if (base64_decode(aes, strlen(aes), &key) != ERR_OK || key.len != sizeof(a->aes_key))
		return problem_set(why, ERR_NOT_CONFIGURED, "encoding_aes_key", "43 characters");
	memcpy(a->aes_key, key.text, key.len);
	a->is_sealed = true;
	return ERR_OK;
}

static void make_people(struct svc_mp *mp)
{
	for (int k = 0; k < MP__MAX; k++)
		for (int n = 1; n <= MP_PEOPLE && mp->apps[k].app_id; n++) {
			char openid[MP_OPENID_MAX];

			mp_openid(&mp->apps[k], n, openid);
			json_object_set_new(mp->people, openid,
				json_pack("{s:i, s:s, s:b, s:b, s:{}}", "n", n, "app",
					mp_word((enum mp_kind)k), "follows", 1, "blocked", 0,
					"permissions"));
		}
}

enum err svc_mp_start(struct conf *conf, struct http *http, struct svc *svc, struct svc_mp **out,
	struct problem *why)
{
	AUTO(svc_mp_stop) struct svc_mp *mp = NULL;
	enum err e = ERR_OK;

	*out = NULL;
	if (!conf_text(conf, "wechat_mp", "app_id", NULL))
		return ERR_OK;
	mp = calloc(1, sizeof(*mp));
	ASSERT(mp);
	mp->svc = svc;
	mp->next_msgid = INT64_C(3492870798404444161);
	pthread_mutex_init(&mp->lock, NULL);
	pthread_cond_init(&mp->wake, NULL);
	mp->codes = json_object();
	mp->people = json_object();
	mp->messages = json_array();
	mp->sent = json_object();
	mp->events = json_array();
	for (int k = 0; k < MP__MAX && e == ERR_OK; k++)
		e = take_app(conf, svc, (enum mp_kind)k, &mp->apps[k], why);
	if (e != ERR_OK)
		return e;
	make_people(mp);
	if (pthread_create(&mp->poster, NULL, mp_event_poster, mp) != 0)
		return problem_set(why, ERR_INTERNAL, "", "no thread for events");
	http_add_routes(http, routes, ARRAY_LEN(routes), mp);
	*out = mp;
	mp = NULL;
	return ERR_OK;
}

void svc_mp_stop(struct svc_mp **mp)
{
	struct svc_mp *m = *mp;

	if (!m)
		return;
	pthread_mutex_lock(&m->lock);
	m->stopping = true;
	pthread_cond_broadcast(&m->wake);
	pthread_mutex_unlock(&m->lock);
	if (m->poster)
		pthread_join(m->poster, NULL);
	json_decref(m->codes);
	json_decref(m->people);
	json_decref(m->messages);
	json_decref(m->sent);
	json_decref(m->events);
	OPENSSL_cleanse(m->apps, sizeof(m->apps));
	pthread_cond_destroy(&m->wake);
	pthread_mutex_destroy(&m->lock);
	free(m);
	*mp = NULL;
}
