/* Who somebody is: a code of WeChat's for an openid. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "notice/wechat_inside.h"
#include "web/form.h"
#include "web/web.h"

#define CODE_UNKNOWN 40029
#define CODE_USED 40163

static void add_encoded(struct buf *out, const char *name, const char *value)
{
	buf_adds(out, name);
	percent_encode(value, out);
}

/* WeChat wants the parameters in this order. */
void wechat_authorize_url(
	const struct wechat_app *app, const char *redirect_uri, const char *state, struct buf *out)
{
	buf_printf(out, "%s?appid=%s", app->authorize_base, app->app_id);
	add_encoded(out, "&redirect_uri=", redirect_uri);
	buf_adds(out, "&response_type=code&scope=snsapi_base");
	add_encoded(out, "&state=", state);
	buf_adds(out, "#wechat_redirect");
}

static void exchange_url(const struct wechat_app *app, const char *code, struct buf *out)
{
	bool mini = app->kind == WECHAT_MINI;

	wechat_url(app, mini ? "/sns/jscode2session" : "/sns/oauth2/access_token", out);
	buf_printf(out, "?appid=%s&secret=%s", app->app_id, app->secret);
	add_encoded(out, mini ? "&js_code=" : "&code=", code);
	buf_adds(out, "&grant_type=authorization_code");
}

static enum err refused(const struct wechat_verdict *v, struct problem *why)
{
	if (v->errcode == CODE_UNKNOWN || v->errcode == CODE_USED)
		return problem_set(why, ERR_WRONG_CODE, "code",
			"WeChat does not know this code, or it was used before");
	if (wechat_advice(v->errcode) == ADVICE_AGAIN)
		return problem_set(why, ERR_UNAVAILABLE, "", "WeChat is busy");
	log_error("event=wechat_login_refused errcode=%lld rid=%s", (long long)v->errcode, v->rid);
	return problem_set(why, ERR_REFUSED, "", "WeChat refused to say who this is (%lld)",
		(long long)v->errcode);
}

/* The answer is text/plain as often as JSON, and HTTP 200 either way. */
static enum err read_answer(
	const struct web_answer *a, char openid[static WECHAT_OPENID_MAX], struct problem *why)
{
	AUTO(wechat_verdict_free) struct wechat_verdict v = { 0 };
	const char *id;

	if (a->status != 200 || !wechat_verdict_read(a->body.text, a->body.len, &v))
		return problem_set(why, ERR_UNKNOWN, "", "WeChat's answer cannot be read");
	if (v.errcode)
		return refused(&v, why);
	if (json_integer_value(json_object_get(v.body, "is_snapshotuser")) == 1)
		return problem_set(why, ERR_FORBIDDEN, "code",
			"WeChat shows a snapshot of the page; open it in full first");
	id = json_string_value(json_object_get(v.body, "openid"));
	if (!id || !wechat_openid_is_sane(id) || !str_copy(openid, WECHAT_OPENID_MAX, id))
		return problem_set(why, ERR_UNKNOWN, "", "WeChat's answer has no openid");
	return ERR_OK;
}

enum err wechat_openid_of_code(const struct wechat_app *app, const char *code, int64_t deadline_ms,
	char openid[static WECHAT_OPENID_MAX], struct problem *why)
{
	AUTO(web_answer_free) struct web_answer answer = { 0 };
	AUTO(buf_wipe) struct buf url = { 0 };
	enum err e;

	exchange_url(app, code, &url);
	e = web_call(
		&(struct web_request){
			.method = "GET", .url = url.text, .deadline_ms = deadline_ms },
		&answer, why);
	return e == ERR_OK ? read_answer(&answer, openid, why) : e;
}
