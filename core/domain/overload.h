#pragma once
/* Load above the limit of a meter (rules/overload.h), from its readings to block, alarm and notice.
 */
#include "db/db.h"
#include "rules/overload.h"

struct overload_report {
	int64_t meter_id;
	struct utc at;
	int64_t power_w;
	bool good;	      /* accepted or repeated */
	const char *observed; /* relay or valve as read: "on" "off" "moving"; "" not known */
};
/* Inside db_tx, after the purses: moves the state of the meter's supply point on, sets or lifts its
 * block overload, and tells the tenant of a cut. *phase is where it stands now. */
MUST_USE enum err overload_watch(
	struct db *db, const struct overload_report *r, struct utc now, enum overload_phase *phase);

struct overload_setting {
	int64_t meter_id;
	struct overload_limits limits;
	const char *actor, *address, *reason;
	struct utc now;
};
/* Sets the limits of a meter, with an audit row. ERR_OUT_OF_RANGE: limit 0..10 MW, delay up to an
 * hour, pause up to a day, returns up to 100. Also inside db_tx. */
MUST_USE enum err overload_set(
	struct db *db, const struct overload_setting *s, struct problem *why);

/* Where a meter stands. */
struct overload_view {
	int64_t limit_w, delay_s, retry_s, retries;
	char phase[8];
	struct utc since;
	int64_t trips;
};
MUST_USE enum err overload_get(struct db *db, int64_t meter_id, struct overload_view *out);
