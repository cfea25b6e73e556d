#pragma once
/* The clock of a meter against the wall clock of its site, as last seen and as last set. */
#include "db/db.h"

struct meter_clock {
	int64_t meter_id;
	int64_t drift_s; /* ahead; below 0: behind */
	struct utc seen_at;
	struct utc set_at; /* 0: never, or not by this poller: what is stored stays */
	int64_t set_by_s;
};
MUST_USE enum err meter_clock_store(struct db *db, const struct meter_clock *c);

/* ERR_NOT_FOUND: nothing is known. */
MUST_USE enum err meter_clock_get(struct db *db, int64_t meter_id, struct meter_clock *out);
