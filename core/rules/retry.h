#pragma once
/* When something that failed to reach another system is tried again. Pure. */
#include "base/clock.h"

#define RETRY_FOR_MS (3 * 24 * 3600 * INT64_C(1000))
#define RETRY_JITTER 201 /* rand_below() of it is a jitter */

/* After the tries-th failure (1, 2, …) of what is tried since an instant: 10 s, 1 min, 5 min, 30
 * min, 2 h, 6 h, then 12 h, each a tenth more or less by the jitter (0 to 200). False: not again,
 * the third day would be over. */
bool retry_next(int64_t tries, struct utc since, struct utc now, uint32_t jitter, struct utc *next);

/* How long a receiver that failed so often in a row is left alone: 1 s, 2 s, 4 s, … 5 min. */
int64_t retry_rest_ms(int64_t failures);
