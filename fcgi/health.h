#pragma once
/* The parts of the platform, as /healthz and the staff's page have them. */
#include "base/json.h"
#include "domain/health.h"

/* {"database": {"status": "ok" "degraded" "failed", "why"}, "poller", "worker"}; the caller owns
 * it. *well: all are ok. */
json_t *health_parts(const struct health *h, bool *well);
