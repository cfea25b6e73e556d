#pragma once
/* The mass-trip brake of a site: pulled when more supplies are due to be cut within a minute than
 * is plausible, it stays pulled until a person has looked. While pulled nothing is newly cut for
 * money or by a schedule. */
#include "db/db.h"

struct brake {
	int64_t id;
	int64_t site_id;
	bool pulled;
	struct utc pulled_at;
	char pulled_by[257];
	char reason[801];
	int64_t crossings; /* due within the minute when the poller pulled it; 0: a person did */
	struct utc released_at;
	char released_by[257];
	char release_reason[801];
};
/* The last one of the site; all zero when it was never pulled. */
MUST_USE enum err brake_get(struct db *db, int64_t site_id, struct brake *out);

struct brake_change {
	int64_t site_id;
	const char *actor, *address, *reason;
	int64_t crossings;
	struct utc now;
};
/* Each inside db_tx. Pulling what is pulled and releasing what is not change nothing. Raises and
 * clears the alarm mass_trip; a release lets the cuts that wait for it be tried at once, and they
 * do not count towards the next pull. */
MUST_USE enum err brake_pull(struct db *db, const struct brake_change *c);
MUST_USE enum err brake_release(struct db *db, const struct brake_change *c);

/* A person's pull or release, in a transaction with its audit row. */
MUST_USE enum err brake_order(struct db *db, const struct brake_change *c, bool pull);

/* Pulls the brake when the cut of this supply point, together with the others of its site that
 * became due within the last minute, is more than plausible; *out: it is pulled. limit: most
 * crossings a minute, or 0 for the settings of the site. Inside db_tx. */
MUST_USE enum err brake_check(struct db *db, int64_t site_id, int64_t supply_point_id,
	int64_t limit, struct utc now, bool *out);
