#pragma once
/* What the server of a WeChat app tells us at our server URL: signature, safe mode, XML. Pure but
 * for the key. The plain mode signs only the time, not the message: what it says is a hint, and
 * decides nothing but the way of the next message. */
#include "notice/wechat_app.h"

#define WECHAT_EVENT_MAX 65536 /* bytes of a message */
#define WECHAT_ITEMS_MAX 16
#define WECHAT_SKEW_MS (600 * INT64_C(1000))

/* Parameters of the address; absent ones are "". */
struct wechat_query {
	const char *signature, *timestamp, *nonce; /* always */
	const char *echostr;			   /* when the URL is set up */
	const char *encrypt_type, *msg_signature;  /* safe mode */
};

/* One template of a subscribe event. */
struct wechat_item {
	char template_id[65], status[17]; /* "accept" "reject" */
	char msg_id[33];
	int64_t errcode;
};

struct wechat_event {
	char openid[WECHAT_OPENID_MAX];
	char type[17], event[41]; /* "event", "TEMPLATESENDJOBFINISH" */
	char created[21];
	char msg_id[33], status[65];
	struct wechat_item items[WECHAT_ITEMS_MAX];
	size_t n;
};

/* The set-up check: ERR_OK if echostr is to be answered. ERR_BAD_SIGNATURE; ERR_BAD_VALUE for an
 * echostr that is not plain letters and digits. */
MUST_USE enum err wechat_echo_check(const struct wechat_app *app, const struct wechat_query *q,
	struct utc now, struct problem *why);

/* A message. An app with an AES key takes sealed ones only. ERR_BAD_SIGNATURE: not from WeChat, or
 * not for us. ERR_BAD_VALUE: from WeChat, but not readable. */
MUST_USE enum err wechat_event_read(const struct wechat_app *app, const struct wechat_query *q,
	const char *body, size_t n, struct utc now, struct wechat_event *out, struct problem *why);

/* The XML of a message, once it is in plain; for its fuzz target, too. */
MUST_USE enum err wechat_event_parse(
	const char *xml, size_t n, struct wechat_event *out, struct problem *why);
/* Opens the text of <Encrypt>; *out, which the caller frees, is XML. */
MUST_USE enum err wechat_event_open(
	const struct wechat_app *app, const char *sealed, struct buf *out, struct problem *why);
