#pragma once
/* What the API's processes of one machine count together: answers and how long they took. The
 * counters lie in a file that all of them map; they outlive a process. */
#include <stdatomic.h>

#include "base/err.h"

#define TALLY_ROUTES 321
#define TALLY_STATUS 600
#define TALLY_BUCKETS 11

extern const int tally_bucket_ms[TALLY_BUCKETS]; /* upper bounds; the last is followed by +Inf */

struct tally {
	atomic_ullong answers[TALLY_ROUTES][TALLY_STATUS];
	atomic_ullong took[TALLY_ROUTES][TALLY_BUCKETS + 1]; /* each on its own, not summed up */
	atomic_ullong took_ms[TALLY_ROUTES];
	atomic_ullong database_errors;
};

/* The counters in a file, made when it is not there; of this process alone when it cannot be had
 * (said in the log). Never NULL. version tells layouts and lists of routes apart. */
struct tally *tally_open(const char *path, unsigned version);
void tally_free(struct tally **t);

void tally_add(struct tally *t, size_t route, int status, int64_t ms);
