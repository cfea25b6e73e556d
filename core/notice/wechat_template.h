#pragma once
/* Which fields of a WeChat template get which parameter of a notice, and what a field can hold.
 * Pure. The setting fields_<kind> is a list like
 *	thing1:shop,amount2:balance,time3:sent_at,phrase4=余额不足
 * name:parameter takes a parameter of the kind of notice, or sent_at, which is now in Beijing;
 * name=text is always that text. */
#include "base/clock.h"
#include "base/json.h"
#include "notice/notice.h"

#define WECHAT_FIELDS_MAX 8

struct wechat_field {
	char name[33];	/* "thing1": a kind of field and a number */
	char param[17]; /* of the notice; empty: text */
	char text[97];
};

struct wechat_template {
	char id[65];  /* empty: none */
	bool counted; /* a subscribe notice: each message takes one permission */
	struct wechat_field fields[WECHAT_FIELDS_MAX];
	size_t n;
};

/* Reads fields_<kind>; the problem says what is wrong in it. */
MUST_USE enum err wechat_fields_read(const char *text, const struct notice_kind *kind,
	struct wechat_template *out, struct problem *why);

/* The same list as text. */
void wechat_fields_text(const struct wechat_template *t, struct buf *out);

/* Makes a text fit a kind of field ("thing", "amount", …): what may be cut is cut, at whole
 * characters. False: WeChat would refuse it, so it must not be sent. out holds 32 characters. */
#define WECHAT_VALUE_MAX 129
MUST_USE bool wechat_fit(const char *field, const char *value, char out[static WECHAT_VALUE_MAX]);

/* {"thing1": {"value": "…"}, …}, owned by the caller; NULL, with the field in why, when a parameter
 * is missing or does not fit. */
json_t *wechat_data(
	const struct wechat_template *t, const json_t *params, struct utc now, struct problem *why);
