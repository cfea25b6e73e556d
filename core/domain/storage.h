#pragma once
/* Upkeep of raw readings: finished hours leave the ring of `reading` and are packed into
 * `reading_hour`, whose days are made ahead and expire. Each step may be killed anywhere and begun
 * anew, also by several workers at once; nothing is lost and nothing is there twice for who reads
 * by readings.h. Tables change under a lock that is taken at once or not at all, or waited for one
 * second at most; then the error is ERR_RETRY, and the next run does it. */
#include "db/db.h"

struct storage_rules {
	int64_t raw_days;      /* raw readings are kept at least so long, and a day more at most */
	int64_t raw_spacing_s; /* of accepted readings that are charged already, only the first in
				* so many seconds is packed; 0: all */
	int64_t evidence_days; /* as of evidence_upkeep() */
};
#define STORAGE_RAW_DAYS 90	/* unless set */
#define STORAGE_GRACE_MS 300000 /* after an hour, before it leaves the ring */

/* Days of reading_hour up to the day after tomorrow. */
MUST_USE enum err storage_days_ahead(struct db *db, struct utc now);
/* Every slot of the ring whose hour is over, and what a killed run has left. */
MUST_USE enum err storage_pack(struct db *db, const struct storage_rules *r, struct utc now);
/* Days that are older than raw_days. */
MUST_USE enum err storage_expire(struct db *db, const struct storage_rules *r, struct utc now);

/* The three in this order; for the worker's job. */
MUST_USE enum err storage_upkeep(struct db *db, const struct storage_rules *r, struct utc now);

/* Steps of storage_pack(), apart for tests that stop between them. slot: 0 to 3. */
#define STORAGE_SLOTS 4
MUST_USE enum err storage_take_out(struct db *db, int slot); /* needs an empty reading_packing */
/* All of reading_packing; tells what that was. */
struct storage_packed {
	int64_t n; /* rows */
	struct utc first, last;
};
MUST_USE enum err storage_pack_rows(
	struct db *db, const struct storage_rules *r, struct storage_packed *out);
/* Empties reading_packing if it holds what was packed, and nothing else. */
MUST_USE enum err storage_clear(struct db *db, const struct storage_packed *p);
