#pragma once
/* What the choosing and the sending of messages share: the ways of one message, as the rule wants
 * them. */
#include "domain/outbox.h"
#include "domain/wechat.h"
#include "worker/jobs.h"

#define WAYS_MAX 16
#define TRIES_MAX 64

struct route {
	const struct notice_channel *channels[WAYS_MAX]; /* by the place of a way */
	const char *addresses[WAYS_MAX];		 /* the row's, or one of these */
	char openids[WAYS_MAX][WECHAT_OPENID_BYTES];
	struct sending_way ways[WAYS_MAX];
	struct sending_try tries[TRIES_MAX];
	struct outbox_facts facts;
	struct sending sending; /* of these */
};
void route_free(struct route *r);
/* WeChat before SMS, each in the order of the settings. */
MUST_USE enum err route_load(
	struct tools *t, const struct outgoing *o, struct utc now, struct route *out);
/* The last attempt; NULL: none. */
const struct outbox_try *route_last(const struct route *r);
/* Does the row go by WeChat and by SMS, and is not split yet? */
bool route_wants_both(const struct outgoing *o, const struct route *r);
