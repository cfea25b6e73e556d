/* Logging in from WeChat. The way there and back belongs to one browser, by a cookie that the state
 * is signed with: nobody can send somebody else home with a code of their own. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "domain/wechat.h"
#include "fcgi/auth.h"
#include "fcgi/handlers.h"
#include "fcgi/ticket.h"
#include "web/form.h"

#define COOKIE "yufu_wechat"
#define COOKIE_PATH "/api/v1/auth/wechat"
#define ASK_MS 5000
#define ASKING_MAX 4 /* so that a WeChat that hangs leaves threads for everybody else */
#define PAGE "/login"

static enum wechat_kind kind_asked(const struct request *r)
{
	return str_eq(body_text(r, "app", "mp"), "mini") ? WECHAT_MINI : WECHAT_OA;
}

/* ---- to WeChat ---- */

/* A page of ours: "/order/12?pay=1"; never another site. */
static bool is_own_page(const char *path)
{
	return path[0] == '/' && path[1] != '/' &&
	       strspn(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
			    "-_.~/?=&") == strlen(path);
}

/* "/yufu" of a site at https://host/yufu, "" of one at the root of its host. */
static const char *site_path(const struct request *r)
{
	const char *host = strstr(r->api->site_base, "://");
	const char *path = host ? strchr(host + strlen("://"), '/') : NULL;

	return path ? path : "";
}

static void set_cookie(const struct request *r, const char *nonce, int life_s, struct answer *a)
{
	snprintf(a->cookie, sizeof(a->cookie),
		COOKIE "=%s; Path=%s" COOKIE_PATH "; Max-Age=%d; HttpOnly; SameSite=Lax%s", nonce,
		site_path(r), life_s, str_starts(r->api->site_base, "https:") ? "; Secure" : "");
}

/* What stands behind /login: where to go then. */
static void back_address(const char *base, const char *page, const char *more, struct buf *out)
{
	buf_printf(out, "%s" PAGE "?to=", base);
	percent_encode(page, out);
	buf_adds(out, more);
}

enum err auth_wechat_start(struct request *r, struct answer *a)
{
	const struct wechat_app *app = r->api->wechat[WECHAT_OA];
	const char *page = param_text(r, "return");
	AUTO(buf_free) struct buf back = { 0 };
	AUTO(buf_free) struct buf to = { 0 };
	char nonce[STATE_NONCE_MAX], state[STATE_MAX];

	if (!page[0])
		page = "/";
	if (!is_own_page(page))
		return problem_set(
			&a->why, ERR_BAD_VALUE, "return", "a page of this site is expected");
	if (!app || !r->api->site_base[0]) {
		/* a person looks at this: the page says it, and asks no more */
		back_address(site_path(r), page, "&wechat=off", &to);
	} else {
		state_make(&r->api->jwt_key, r->now, nonce, state);
		set_cookie(r, nonce, STATE_LIFE_S, a);
		back_address(r->api->site_base, page, "", &back);
		wechat_authorize_url(app, back.text, state, &to);
	}
	if (!str_copy(a->location, sizeof(a->location), to.text))
		return problem_set(&a->why, ERR_OUT_OF_RANGE, "return", "the address is too long");
	return ERR_OK;
}

/* ---- and back ---- */

/* The nonce of our cookie, or "". */
static void read_cookie(const struct request *r, char nonce[static STATE_NONCE_MAX])
{
	const char *all = request_header(r, "HTTP_COOKIE"), *at = all;

	nonce[0] = '\0';
	while (at && (at = strstr(at, COOKIE "=")) != NULL) {
		const char *v = at + strlen(COOKIE "=");
		size_t n = strspn(v, "0123456789abcdef");

		if ((at == all || at[-1] == ' ' || at[-1] == ';') && n == STATE_NONCE_MAX - 1)
			snprintf(nonce, STATE_NONCE_MAX, "%.*s", (int)n, v);
		at = v;
	}
}

/* A browser that has begun here has both; a program has neither. */
static enum err check_state(struct request *r, struct answer *a)
{
	const char *state = body_text(r, "state", "");
	char nonce[STATE_NONCE_MAX];

	read_cookie(r, nonce);
	if (!state[0] && !nonce[0])
		return ERR_OK;
	set_cookie(r, "", 0, a);
	if (!state_is_good(&r->api->jwt_key, nonce, state, r->now))
		return problem_set(&a->why, ERR_WRONG_CODE, "state",
			"this login was begun in another browser, or too long ago");
	return ERR_OK;
}

static enum err ask(struct request *r, const struct wechat_app *app,
	char openid[static WECHAT_OPENID_MAX], struct answer *a)
{
	enum err e = ERR_UNAVAILABLE;

	if (atomic_fetch_add(&r->api->wechat_asking, 1) < ASKING_MAX)
		e = wechat_openid_of_code(
			app, body_text(r, "code", ""), mono_ms() + ASK_MS, openid, &a->why);
	atomic_fetch_sub(&r->api->wechat_asking, 1);
	return e;
}

static enum err not_bound(
	struct request *r, const struct wechat_app *app, const char *openid, struct answer *a)
{
	AUTO(buf_free) struct buf ticket = { 0 };

	ticket_make(&r->api->jwt_key, wechat_app_id(app), openid, r->now, &ticket);
	a->more = json_pack("{s:s}", "ticket", ticket.text);
	return ERR_WECHAT_NOT_BOUND;
}

enum err auth_wechat(struct request *r, struct answer *a)
{
	enum wechat_kind kind = kind_asked(r);
	const struct wechat_app *app = r->api->wechat[kind];
	char openid[WECHAT_OPENID_MAX];
	struct user u;
	enum err e;

	if (!app)
		return problem_set(&a->why, ERR_NOT_CONFIGURED, r->api->wechat_off[kind].field,
			"%s", r->api->wechat_off[kind].text);
	e = check_state(r, a);
	if (e == ERR_OK)
		e = ask(r, app, openid, a);
	if (e == ERR_OK) {
		e = wechat_user(r->db, wechat_app_id(app), openid, &u);
		if (e == ERR_NOT_FOUND)
			return not_bound(r, app, openid, a);
	}
	if (e == ERR_OK)
		return auth_answer_login(r, &u, a);
	log_warn("login=refused why=%s address=%s", err_word(e), r->remote);
	return e;
}
