/* The authorize page of open.weixin.qq.com, the people's messages, and commands for tests. */
#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "sim/svc_mp.h"
#include "sim/svc_pages.h"

#define COOKIE "sandbox_wechat="
#define CODE_LEN 16

static const char *param(const struct http_request *req, const char *name)
{
	const char *v = http_query(req, name);

	return v ? v : "";
}

/* ---- authorize ---- */

/* The host of the merchant's page must be the one that was registered. */
static bool is_registered(const struct svc *s, const char *url)
{
	size_t n = strlen(s->public_base);

	return strncmp(url, s->public_base, n) == 0 && (url[n] == '/' || url[n] == '\0');
}

/* WeChat wants the parameters in this order. */
static bool order_is_good(const char *target)
{
	static const char *const names[] = { "?appid=", "&redirect_uri=", "&response_type=code",
		"&scope=snsapi_base", "&state=" };
	const char *at = target;

	for (size_t i = 0; i < ARRAY_LEN(names) && at; i++)
		at = strstr(at, names[i]);
	return at != NULL;
}

static bool state_is_good(const char *state)
{
	size_t n = strlen(state);

	return n > 0 && n <= 128 &&
	       strspn(state, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") == n;
}

/* What is wrong with a request for a code; NULL: nothing. */
static const char *fault_of(struct svc_mp *mp, const struct http_request *req, bool ordered)
{
	const char *agent = http_header(req, "User-Agent");

	if (!agent || !strstr(agent, "MicroMessenger"))
		return "请在微信客户端打开链接";
	if (!str_eq(param(req, "appid"), mp->apps[MP_OA].app_id))
		return "AppID 参数错误";
	if (!is_registered(mp->svc, param(req, "redirect_uri")))
		return "redirect_uri 域名与后台配置不一致，错误码:10003";
	if (!state_is_good(param(req, "state")) ||
		(ordered && !order_is_good(http_raw_target(req))))
		return "参数错误";
	return NULL;
}

/* Sends the browser back with a code for the n-th person; 0: a snapshot user. */
static void send_back(
	struct svc_mp *mp, const struct http_request *req, struct http_reply *reply, int n)
{
	AUTO(buf_free) struct buf to = { 0 };
	const char *uri = param(req, "redirect_uri");
	char code[2 * CODE_LEN + 1], openid[MP_OPENID_MAX];

	rand_hex(code, CODE_LEN);
	mp_openid(&mp->apps[MP_OA], n, openid);
	pthread_mutex_lock(&mp->lock);
	json_object_set_new(mp->codes, code,
		json_pack("{s:s, s:s, s:I, s:i, s:i}", "openid", openid, "app", "mp", "at_ms",
			(json_int_t)utc_now().ms, "used", 0, "snapshot", n == 0));
	pthread_mutex_unlock(&mp->lock);
	buf_printf(&to, "%s%ccode=%s&state=%s", uri, strchr(uri, '?') ? '&' : '?', code,
		param(req, "state"));
	http_add_header(reply, "Location", to.text);
	http_answer(reply, 302, "text/plain", "", 0);
}

static int number_of(const char *text)
{
	int64_t n = -1;

	return i64_parse(text, 0, MP_PEOPLE, &n) == ERR_OK ? (int)n : -1;
}

/* Who this browser was before; -1: nobody yet. */
static int remembered(const struct http_request *req)
{
	const char *all = http_header(req, "Cookie"), *at = all ? strstr(all, COOKIE) : NULL;
	char digit[2] = "";

	if (!at)
		return -1;
	digit[0] = at[strlen(COOKIE)];
	return number_of(digit);
}

static void draw_people(const struct http_request *req, struct buf *b)
{
	page_begin(b, "微信登录");
	page_paragraph(b, "真实的微信不显示此页。请选择以谁的身份打开：");
	buf_adds(b, "<form method=\"get\" action=\"/sandbox/mp/connect/oauth2/choose\">");
	page_hidden(b, "appid", param(req, "appid"));
	page_hidden(b, "redirect_uri", param(req, "redirect_uri"));
	page_hidden(b, "state", param(req, "state"));
	for (int n = 1; n <= MP_PEOPLE; n++)
		buf_printf(b, "<button name=\"n\" value=\"%d\"%s>微信用户 %d</button>", n,
			n > 1 ? " class=\"plain\"" : "", n);
	buf_adds(b, "</form>");
}

void mp_authorize(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	AUTO(buf_free) struct buf b = { 0 };
	struct svc_mp *mp = ctx;
	const char *fault = fault_of(mp, req, true);
	int n = remembered(req);

	if (fault) {
		svc_page_error(reply, 400, "无法登录", fault);
	} else if (n >= 0) {
		send_back(mp, req, reply, n);
	} else {
		draw_people(req, &b);
		page_finish(&b, 200, reply);
	}
}

void mp_choose(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	struct svc_mp *mp = ctx;
	const char *fault = fault_of(mp, req, false);
	int n = number_of(param(req, "n"));
	char cookie[80];

	if (fault || n < 0) {
		svc_page_error(reply, 400, "无法登录", fault ? fault : "没有这个人");
		return;
	}
	snprintf(cookie, sizeof(cookie), COOKIE "%d; Path=/sandbox/mp/; HttpOnly; SameSite=Lax", n);
	http_add_header(reply, "Set-Cookie", cookie);
	send_back(mp, req, reply, n);
}

/* ---- messages ---- */

void mp_messages_page(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	AUTO(buf_free) struct buf b = { 0 };
	struct svc_mp *mp = ctx;
	const char *field;
	json_t *m, *v;
	char when[40];
	size_t i;

	(void)req;
	page_begin(&b, "微信消息");
	page_paragraph(&b, "平台发给微信用户的消息都在这里，最新的在前。");
	pthread_mutex_lock(&mp->lock);
	json_array_foreach(mp->messages, i, m)
	{
		svc_beijing((struct utc){ svc_int(m, "at_ms") }, false, when);
		buf_printf(&b,
			"<div class=\"card\"><div "
			"class=\"row\"><strong>%s</strong><span>%s</span></div>"
			"<p>微信用户 %lld</p><dl>",
			svc_text(m, "title"), when, (long long)svc_int(m, "n"));
		json_object_foreach(json_object_get(m, "data"), field, v)
		{
			page_pair(&b, field, svc_text(v, "value"));
		}
		buf_adds(&b, "</dl></div>");
	}
	if (i == 0)
		page_paragraph(&b, "还没有消息。");
	pthread_mutex_unlock(&mp->lock);
	buf_adds(&b, "<p><a href=\"/sandbox/\">沙箱首页</a></p>");
	page_finish(&b, 200, reply);
}

void mp_messages_json(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	const char *openid = http_query(req, "openid");
	struct svc_mp *mp = ctx;
	json_t *items = json_array(), *m;
	size_t i;

	pthread_mutex_lock(&mp->lock);
	json_array_foreach(mp->messages, i, m)
	{
		if (!openid || str_eq(openid, svc_text(m, "openid")))
			json_array_append_new(items, json_deep_copy(m));
	}
	pthread_mutex_unlock(&mp->lock);
	http_answer_json(reply, 200, json_pack("{s:o}", "items", items));
}

/* ---- commands ---- */

static json_t *app_json(const struct mp_app *a)
{
	return json_pack("{s:s, s:I, s:I}", "app_id", a->app_id ? a->app_id : "", "token_asked",
		(json_int_t)a->asked, "token_made", (json_int_t)a->made);
}

void mp_show(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	struct svc_mp *mp = ctx;

	(void)req;
	pthread_mutex_lock(&mp->lock);
	http_answer_json(reply, 200,
		json_pack("{s:o, s:o, s:o, s:I, s:I, s:I}", "mp", app_json(&mp->apps[MP_OA]),
			"mini", app_json(&mp->apps[MP_MINI]), "people", json_deep_copy(mp->people),
			"events_waiting", (json_int_t)json_array_size(mp->events), "events_posted",
			(json_int_t)mp->posted, "last_status", (json_int_t)mp->last_status));
	pthread_mutex_unlock(&mp->lock);
}

/* Follows or not, with the event; blocked or not, without one. */
static void set_person(
	struct svc_mp *mp, enum mp_kind k, const char *openid, json_t *person, const json_t *body)
{
	const json_t *follows = json_object_get(body, "follows"),
		     *blocked = json_object_get(body, "blocked"),
		     *allow = json_object_get(body, "allow");
	const char *event = svc_text(body, "event");
	bool forged = json_is_true(json_object_get(body, "forged"));

	if (json_is_boolean(blocked))
		json_object_set(person, "blocked", (json_t *)(uintptr_t)blocked);
	if (json_is_boolean(follows)) {
		json_object_set(person, "follows", (json_t *)(uintptr_t)follows);
		mp_event_queue(mp, k, openid, json_is_true(follows) ? "subscribe" : "unsubscribe",
			NULL, forged);
	}
	if (json_is_string(allow)) { /* pressed "allow" once, in the mini program's dialog */
		json_t *left = json_object_get(person, "permissions");
		const char *id = json_string_value(allow);

		svc_set_int(left, id, svc_int(left, id) + 1);
		mp_event_queue(mp, k, openid, "subscribe_msg_popup_event",
			json_pack("{s:s, s:s, s:i}", "TemplateId", id, "SubscribeStatusString",
				"accept", "PopupScene", 1),
			forged);
	}
	if (event[0])
		mp_event_queue(mp, k, openid, event,
			json_deep_copy(json_object_get(body, "members")), forged);
}

/* {"app": "mini"?, "openid" or "n", follows, blocked, allow, event, members, forged} or
 * {"app"?, "errcode", "count"} or {"app"?, "kill_token": true, "age_token_s": 7000} or
 * {"app"?, "code_for": n}. */
static void obey(struct svc_mp *mp, const json_t *body, struct http_reply *reply)
{
	enum mp_kind k = str_eq(svc_text(body, "app"), "mini") ? MP_MINI : MP_OA;
	struct mp_app *app = &mp->apps[k];
	char openid[MP_OPENID_MAX], code[2 * CODE_LEN + 1];
	json_t *person;

	if (json_object_get(body, "errcode")) {
		app->refuse_code = svc_int(body, "errcode");
		app->refuse_left = svc_int(body, "count") ? svc_int(body, "count") : 1;
	}
	if (json_is_true(json_object_get(body, "kill_token")))
		app->now_token[0] = app->old_token[0] = '\0';
	app->made_ms -= svc_int(body, "age_token_s") * 1000;
	mp_openid(app, (int)(svc_int(body, "n") ? svc_int(body, "n") : 1), openid);
	person = mp_person(mp, svc_text(body, "openid")[0] ? svc_text(body, "openid") : openid);
	if (person)
		set_person(mp, k, svc_text(body, "openid")[0] ? svc_text(body, "openid") : openid,
			person, body);
	rand_hex(code, CODE_LEN);
	if (json_object_get(body, "code_for"))
		json_object_set_new(mp->codes, code,
			json_pack("{s:s, s:s, s:I, s:i, s:i}", "openid", openid, "app", mp_word(k),
				"at_ms", (json_int_t)utc_now().ms, "used", 0, "snapshot",
				svc_int(body, "code_for") == 2));
	http_answer_json(reply, 200, json_pack("{s:s, s:s}", "openid", openid, "code", code));
}

void mp_command(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	static const char *const names[] = { "app", "openid", "n", "follows", "blocked", "allow",
		"event", "members", "forged", "errcode", "count", "kill_token", "age_token_s",
		"code_for", NULL };
	AUTO(json_free) json_t *body = NULL;
	struct problem why = { 0 };
	struct svc_mp *mp = ctx;
	enum err e = http_body_json(req, &body, &why);

	if (e == ERR_OK)
		e = json_only(body, names, &why);
	if (e != ERR_OK) {
		http_answer_problem(reply, e, &why);
		return;
	}
	pthread_mutex_lock(&mp->lock);
	obey(mp, body, reply);
	pthread_mutex_unlock(&mp->lock);
}
