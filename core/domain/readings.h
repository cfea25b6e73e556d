#pragma once
/* Readings that were kept, whether they still lie as rows or are packed by hours: who reads by
 * these functions sees no difference. They may expire (storage.h). */
#include "db/db.h"
#include "domain/reading.h"

struct kept_reading {
	struct utc read_at;
	struct qty register_milli; /* as the meter shows it */
	int64_t power_w;
	enum verdict verdict;
};

/* Accepted readings between two instants, both left out, oldest first: rows of struct kept_reading,
 * at most max. */
MUST_USE enum err readings_kept(struct db *db, int64_t meter_id, struct utc after,
	struct utc before, int64_t max, struct rows *out);

/* Readings of from..to with one of these verdicts (bit n: verdict n), newest first: rows of struct
 * kept_reading, at most max. */
#define VERDICTS_ALL ((1U << VERDICT__MAX) - 1)
#define VERDICTS_DOUBTFUL (1U << VERDICT_BACKWARDS | 1U << VERDICT_IMPLAUSIBLE)
MUST_USE enum err readings_newest(struct db *db, int64_t meter_id, struct utc from, struct utc to,
	uint32_t verdicts, int64_t max, struct rows *out);

/* The reading of that instant; ERR_NOT_FOUND. */
MUST_USE enum err reading_find(
	struct db *db, int64_t meter_id, struct utc at, struct kept_reading *out);
