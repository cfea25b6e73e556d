#pragma once
/* A meter's own rate registers, which tell for a gap without readings when its energy was used.
 * They serve only where the meter counts by the same slots as the tariff. Pure. */
#include "rules/tariff.h"

#define RATES_GAP_MS INT64_C(900000) /* up to here time alone decides */
#define RATES_OF_METER 4
const char *rate_of_meter(size_t i); /* "sharp" "peak" "flat" "valley" */

/* Energy of each rate of the meter. */
struct rates_split {
	struct rate_part {
		const char *rate;
		struct qty qty; /* >= 0 */
	} at[RATES_OF_METER];
	size_t n;
};

struct rates_facts {
	struct qty before[RATES_OF_METER], after[RATES_OF_METER]; /* registers; -1: it has none */
	struct qty total; /* what the total register grew by, times ratio */
	int64_t ratio;
	int64_t step; /* resolution of the registers, milli */
};
/* Does the meter have rate registers that count? */
bool rates_known(const struct rates_facts *f);
/* What each rate register grew by. Five registers that are cut off at their step may miss the total
 * by less than five steps: the largest part takes that, so the parts sum to the total.
 * ERR_CONFLICT when they miss it by more, or one fell. */
MUST_USE enum err rates_split(const struct rates_facts *f, struct rates_split *out);

/* Does every local day that from..to touches have exactly these slots? Slots as text of time and
 * rate in turn, "00:00 valley 08:00 peak"; slots that go on with the same rate do not count. */
bool tariff_slots_are(const struct tariff *t, struct utc from, struct utc to, const char *slots);
