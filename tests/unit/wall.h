#pragma once
/* Wall clock time minute by minute, from the C library: slow, plain, and nothing of ours. */
#include <stdlib.h>
#include <time.h>

#include "base/zone.h"

/* Minute by minute over n minutes of UTC from `first`. */
struct wall {
	int64_t first, n;
	int64_t *local; /* [i]: local time at first + i, in minutes since 1970-01-01 00:00 local */
	int64_t *utc;	/* [i]: when local minute local[0] + i is, or -1 */
};

static inline struct wall wall_open(const char *zone, int64_t first, int64_t n)
{
	struct wall w = { first, n, calloc((size_t)n, sizeof(int64_t)),
		calloc((size_t)n, sizeof(int64_t)) };

	ASSERT(w.local && w.utc);
	setenv("TZ", zone, 1);
	tzset();
	for (int64_t i = 0; i < n; i++) {
		time_t t = (first + i) * 60;
		struct tm tm;

		localtime_r(&t, &tm);
		w.local[i] = first + i + tm.tm_gmtoff / 60;
		w.utc[i] = -1;
	}
	for (int64_t i = 0; i < n; i++) {
		int64_t at = w.local[i] - w.local[0];

		/* The first minute that shows it. */
		if (at >= 0 && at < n && w.utc[at] < 0)
			w.utc[at] = first + i;
		/* Skipped minutes count with the offset before the jump. */
		for (int64_t skipped = i ? w.local[i - 1] + 1 : w.local[i]; skipped < w.local[i];
			skipped++)
			if (skipped - w.local[0] < n && w.utc[skipped - w.local[0]] < 0)
				w.utc[skipped - w.local[0]] =
					first + i - 1 + (skipped - w.local[i - 1]);
	}
	return w;
}

static inline void wall_free(struct wall *w)
{
	free(w->local);
	free(w->utc);
}

static inline int64_t wall_local(const struct wall *w, int64_t utc)
{
	ASSERT(utc >= w->first && utc < w->first + w->n);
	return w->local[utc - w->first];
}

/* The UTC minute of a local minute: the first that shows it; one that is skipped counts with the
 * offset before the jump. -1 when the table does not reach it. */
static inline int64_t wall_find(const struct wall *w, int64_t local)
{
	int64_t i = local - w->local[0];

	return i >= 0 && i < w->n ? w->utc[i] : -1;
}
