/* What WeChat's error numbers mean for us, and how its answers look. */
#include <stdio.h>
#include <string.h>

#include "notice/wechat_inside.h"

static const struct {
	int64_t errcode;
	enum wechat_advice advice;
} codes[] = {
	{ 0, ADVICE_DONE }, { -1, ADVICE_AGAIN }, /* busy */
	{ 45011, ADVICE_AGAIN },		  /* too fast */
	{ 40001, ADVICE_TOKEN },		  /* of another secret, or replaced */
	{ 40014, ADVICE_TOKEN },		  /* not valid */
	{ 42001, ADVICE_TOKEN },		  /* over */
	{ 40003, ADVICE_UNREACHABLE },		  /* no openid of this app */
	{ 43004, ADVICE_UNREACHABLE },		  /* does not follow */
	{ 50002, ADVICE_UNREACHABLE },		  /* the user is restricted */
	{ 43101, ADVICE_USED_UP },		  /* refused, or all permissions used */
	{ 45009, ADVICE_NEXT_DAY },		  /* quota of the day */
	{ 40013, ADVICE_PERSON },		  /* app id */
	{ 40125, ADVICE_PERSON },		  /* secret */
	{ 40037, ADVICE_PERSON },		  /* template */
	{ 40164, ADVICE_PERSON },		  /* our address is not in the list */
	{ 41030, ADVICE_PERSON },		  /* page */
	{ 47001, ADVICE_PERSON },		  /* not the JSON that it wants */
	{ 47003, ADVICE_PERSON },		  /* a value that its field does not take */
	{ 48001, ADVICE_PERSON },		  /* the account may not do this */
	{ 48004, ADVICE_PERSON },		  /* the interface is banned */
	{ 50001, ADVICE_PERSON },		  /* not authorised */
	{ 61004, ADVICE_PERSON },		  /* our address, once more */
};

enum wechat_advice wechat_advice(int64_t errcode)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].errcode == errcode)
			return codes[i].advice;
	return ADVICE_NO;
}

void wechat_verdict_free(struct wechat_verdict *v)
{
	json_free(&v->body);
}

/* "invalid openid rid: 6512a0c1-1d2f-4e5f" */
static void take_rid(const char *errmsg, char *rid, size_t size)
{
	const char *at = errmsg ? strstr(errmsg, "rid: ") : NULL;

	if (at)
		snprintf(rid, size, "%.*s", (int)strspn(at + 5, "0123456789abcdef-"), at + 5);
}

bool wechat_verdict_read(const char *text, size_t n, struct wechat_verdict *out)
{
	AUTO(wechat_verdict_free) struct wechat_verdict v = { 0 };
	const json_t *code;

	if (json_parse(text, n, &v.body, NULL) != ERR_OK || !json_is_object(v.body))
		return false;
	code = json_object_get(v.body, "errcode");
	if (code && !json_is_integer(code))
		return false;
	v.errcode = json_integer_value(code);
	take_rid(json_string_value(json_object_get(v.body, "errmsg")), v.rid, sizeof(v.rid));
	*out = v;
	v.body = NULL;
	return true;
}
