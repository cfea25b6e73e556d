#pragma once
/* Meters and gateways taken out of service, and put back. What is out of service is kept with all
 * that it ever counted, but is not read, switched, alarmed or charged; pollers notice within
 * seconds. */
#include "db/db.h"

struct service_ask {
	int64_t id, site_id; /* the caller's scope (domain/scope.h) */
	bool enabled;
	const char *reason, *actor, *address;
	struct utc now;
};
/* ERR_NOT_FOUND; ERR_CONFLICT for a meter that a contract, a sub-tenant or a share still counts on,
 * for one that would be put back behind a gateway out of service, and for a gateway with meters in
 * service. Open alarms about it are cleared. Asking for what is so already changes nothing. */
MUST_USE enum err meter_in_service(
	struct db *db, const struct service_ask *ask, struct problem *why);
MUST_USE enum err gateway_in_service(
	struct db *db, const struct service_ask *ask, struct problem *why);
