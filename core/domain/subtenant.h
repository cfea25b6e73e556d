#pragma once
/* Sub-tenants: supply points that hang below a tenant's own meter, named by the tenant, who may
 * switch them (block sub_tenant). They have no purse: their energy was charged above. */
#include "db/db.h"

struct sub_tenant_new {
	int64_t user_id; /* the tenant's login */
	int64_t meter_id;
	const char *name;
	const char *actor, *address;
};
/* ERR_NOT_FOUND: no meter below one of an open contract of the caller. ERR_CONFLICT: a contract
 * holds it, or it has a name already. The same again is answered as the first. */
MUST_USE enum err sub_tenant_add(struct db *db, const struct sub_tenant_new *n, struct utc now,
	int64_t *id, struct problem *why);
/* Also ends the block that the tenant may have set. ERR_NOT_FOUND unless it is the caller's own. */
MUST_USE enum err sub_tenant_remove(struct db *db, int64_t user_id, int64_t id, const char *actor,
	const char *address, struct utc now);
