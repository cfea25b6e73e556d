#include "notice/wechat_app.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "notice/wechat_inside.h"
#include "web/form.h"
#include "web/web.h"

#define AUTHORIZE "https://open.weixin.qq.com/connect/oauth2/authorize"
#define AES_KEY_TEXT 43 /* base64 without its last sign */

const char *wechat_section(enum wechat_kind kind)
{
	return kind == WECHAT_OA ? "wechat_mp" : "wechat_mini";
}

void wechat_app_free(struct wechat_app **app)
{
	if (!*app)
		return;
	OPENSSL_cleanse(*app, sizeof(**app));
	free(*app);
	*app = NULL;
}

const char *wechat_app_id(const struct wechat_app *app)
{
	return app->app_id;
}

bool wechat_has_events(const struct wechat_app *app)
{
	return app->event_token[0];
}

void wechat_url(const struct wechat_app *app, const char *path, struct buf *out)
{
	buf_printf(out, "%s%s", app->api_base, path);
}

bool wechat_openid_is_sane(const char *openid)
{
	size_t n = strlen(openid);

	return n > 0 && n < WECHAT_OPENID_MAX &&
	       strspn(openid, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") ==
		       n;
}

size_t wechat_permits(
	const struct wechat_app *app, struct wechat_permit out[static WECHAT_PERMITS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < notice_kind_count && n < WECHAT_PERMITS_MAX; i++)
		if (app->templates[i].id[0] && app->templates[i].counted)
			out[n++] = (struct wechat_permit){ app->templates[i].id,
				notice_kinds[i].name };
	return n;
}

/* ---- settings ---- */

struct reader {
	struct conf *conf;
	const char *section;
	struct problem *why;
};

static enum err bad(const struct reader *r, const char *key, const char *text)
{
	return problem_set(r->why, ERR_NOT_CONFIGURED, key, "[%s] %s %s", r->section, key, text);
}

static enum err read_text(
	const struct reader *r, const char *key, const char *fallback, char *dst, size_t size)
{
	const char *v = conf_text(r->conf, r->section, key, fallback);

	if (!v || !v[0] || !str_copy(dst, size, v))
		return bad(r, key, "is missing or too long");
	return ERR_OK;
}

static enum err read_base(
	const struct reader *r, const char *key, const char *fallback, char *dst, size_t size)
{
	enum err e = read_text(r, key, fallback, dst, size);

	if (e == ERR_OK && (!web_url_allowed(dst) || strchr(dst, '?')))
		return bad(r, key, "must be https, or http to this machine");
	if (e == ERR_OK && dst[strlen(dst) - 1] == '/')
		dst[strlen(dst) - 1] = '\0';
	return e;
}

/* A secret of plain letters and digits; absent ones leave dst empty unless required. */
static enum err read_secret(
	const struct reader *r, const char *key, bool required, char *dst, size_t size)
{
	AUTO(buf_wipe) struct buf v = { 0 };
	enum err e = conf_secret(r->conf, r->section, key, &v);

	if (e == ERR_NOT_CONFIGURED && !required)
		return ERR_OK;
	if (e != ERR_OK || !v.len)
		return bad(r, key, "or its _file is missing or not readable");
	if (!str_copy(dst, size, v.text) || !wechat_openid_is_sane(dst))
		return bad(r, key, "is too long, or has other signs than letters and digits");
	return ERR_OK;
}

static enum err read_aes_key(const struct reader *r, struct wechat_app *a)
{
	AUTO(buf_wipe) struct buf key = { 0 };
	char text[65] = "";
	enum err e = read_secret(r, "encoding_aes_key", false, text, sizeof(text) - 1);

	if (e != ERR_OK || !text[0])
		return e;
	if (!a->event_token[0])
		return bad(r, "token", "is missing beside encoding_aes_key");
	if (strlen(text) == AES_KEY_TEXT)
		memcpy(text + AES_KEY_TEXT, "=", 2);
	e = base64_decode(text, strlen(text), &key);
	OPENSSL_cleanse(text, sizeof(text));
	if (e != ERR_OK || key.len != WECHAT_AES_KEY_LEN)
		return bad(r, "encoding_aes_key", "must be 43 letters and digits");
	memcpy(a->aes_key, key.text, WECHAT_AES_KEY_LEN);
	a->is_sealed = true;
	return ERR_OK;
}

/* template_<kind> or subscribe_<kind>, and fields_<kind>; all of a mini program's are subscribed.
 */
static enum err read_template(const struct reader *r, size_t at, struct wechat_app *a)
{
	struct wechat_template *t = &a->templates[at];
	const char *name = notice_kinds[at].name, *id, *subscribed;
	char key[64], fields[64];
	struct problem what = { 0 };

	snprintf(key, sizeof(key), "template_%s", name);
	id = conf_text(r->conf, r->section, key, "");
	snprintf(fields, sizeof(fields), "subscribe_%s", name);
	subscribed = conf_text(r->conf, r->section, fields, "");
	if (id[0] && subscribed[0])
		return bad(r, fields, "stands beside a template for the same kind");
	t->counted = a->kind == WECHAT_MINI || subscribed[0];
	if (!id[0])
		id = subscribed;
	if (!id[0])
		return ERR_OK;
	if (!str_copy(t->id, sizeof(t->id), id) || !wechat_openid_is_sane(id))
		return bad(r, t->counted && a->kind == WECHAT_OA ? fields : key,
			"is no number of a template");
	snprintf(fields, sizeof(fields), "fields_%s", name);
	if (wechat_fields_read(conf_text(r->conf, r->section, fields, ""), &notice_kinds[at], t,
		    &what) != ERR_OK)
		return problem_set(r->why, ERR_NOT_CONFIGURED, fields, "[%s] %s: %s", r->section,
			fields, what.text);
	return ERR_OK;
}

static enum err read_all(const struct reader *r, struct wechat_app *a)
{
	enum err e = read_text(r, "app_id", NULL, a->app_id, sizeof(a->app_id));

	if (e == ERR_OK && !wechat_openid_is_sane(a->app_id))
		e = bad(r, "app_id", "is no app id");
	if (e == ERR_OK)
		e = read_base(r, "api_base", "https://api.weixin.qq.com", a->api_base,
			sizeof(a->api_base));
	if (e == ERR_OK)
		e = read_base(r, "authorize_base", AUTHORIZE, a->authorize_base,
			sizeof(a->authorize_base));
	if (e == ERR_OK)
		e = read_secret(r, "app_secret", true, a->secret, sizeof(a->secret));
	if (e == ERR_OK)
		e = read_secret(r, "token", false, a->event_token, sizeof(a->event_token));
	if (e == ERR_OK)
		e = read_aes_key(r, a);
	if (e == ERR_OK)
		e = read_text(r, "page", "pages/index/index", a->page, sizeof(a->page));
	if (e == ERR_OK)
		e = read_text(r, "release", "formal", a->state, sizeof(a->state));
	for (size_t i = 0; i < notice_kind_count && e == ERR_OK; i++)
		e = read_template(r, i, a);
	return e;
}

enum err wechat_app_load(
	struct conf *conf, enum wechat_kind kind, struct wechat_app **out, struct problem *why)
{
	AUTO(wechat_app_free) struct wechat_app *a = NULL;
	const struct reader r = { conf, wechat_section(kind), why };
	enum err e;

	if (!conf_text(conf, r.section, "app_id", NULL))
		return problem_set(why, ERR_NOT_CONFIGURED, "", "[%s] is not set up", r.section);
	a = calloc(1, sizeof(*a));
	ASSERT(a);
	a->kind = kind;
	e = read_all(&r, a);
	if (e != ERR_OK)
		return e;
	*out = a;
	a = NULL;
	return ERR_OK;
}
