#pragma once
/* Purses that take no recharge and no sale for now: a dispute, a tenant who moves out. Money that
 * was paid already is credited all the same. */
#include "db/db.h"

struct recharge_block {
	int64_t account_id;
	bool blocked;
	char reason[801];
	char actor[257]; /* who set it */
	struct utc set_at;
};
/* ERR_NOT_FOUND for an account of another site; site_id 0: any. */
MUST_USE enum err recharge_block_get(
	struct db *db, int64_t site_id, int64_t account_id, struct recharge_block *out);

struct recharge_block_set {
	int64_t account_id;
	int64_t site_id; /* that the caller is confined to; 0: none */
	bool blocked;
	const char *reason;
	const char *actor, *address;
};
/* With an audit row. Setting what is set changes nothing. */
MUST_USE enum err recharge_block_put(struct db *db, const struct recharge_block_set *s,
	struct utc now, struct recharge_block *out);

/* ERR_BLOCKED when it takes none. */
MUST_USE enum err recharge_block_check(
	struct db *db, int64_t account_id, const char *field, struct problem *why);
