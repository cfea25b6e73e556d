#pragma once
/* Local days, hours and slots as stretches of absolute time; for this folder only. */
#include "rules/parts.h"

/* A local day begins at its 00:00: at the first when the clock shows it twice (what comes after is
 * not the old day again), and with the offset before the jump when the clock skips it. It ends
 * where the next begins. */
struct local_day {
	struct day day;
	struct utc start, end;
	bool even; /* 24 hours of one offset: wall clock arithmetic is exact */
};

struct local_day local_day_at(const struct zone *z, struct utc at);

/* What holds at an instant, and the first instant after it at which anything of it may change:
 * local hour, local day (hence month and year), slot or version. */
struct moment {
	struct local_day day; /* kept from call to call: most calls stay inside one day */
	int32_t hour;
	const struct version *version; /* NULL without tariff, as are rate and row */
	const struct rate *rate;
	struct utc until;
};

/* m is all zero before the first call. With a tariff, at must not lie before its first version. */
void moment_find(const struct tariff *t, const struct zone *z, struct utc at, struct moment *m);
