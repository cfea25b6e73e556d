#pragma once
/* Which outside services the worker can use. */
#include "db/db.h"

struct service_state {
	char name[129]; /* "wechat_pay" */
	char state[4];	/* "on" "off" */
	char why[801];
	struct utc seen_at;
};
MUST_USE enum err service_state_put(
	struct db *db, const char *name, bool on, const char *why, struct utc now);
/* By name (struct service_state). */
MUST_USE enum err service_state_list(struct db *db, struct rows *out);
