#pragma once
/* Losses of a shaft: what its meter counted, less what the meters right below it did. Are those of
 * the last days too large, and clearly larger than they used to be? */
#include <stdbool.h>
#include <stddef.h>

#include "base/money.h"
#include "base/zone.h"

#define LOSS_RECENT 7	      /* the days that are judged */
#define LOSS_RECENT_LEAST 3   /* of them with use: fewer say nothing */
#define LOSS_PAST 28	      /* days before these, which they are compared with */
#define LOSS_PAST_LEAST 14    /* of them with use: fewer are no past */
#define LOSS_LEAST_MILLI 7000 /* a kWh or m3 a day: less is what registers leave out */

struct loss_day { /* a local day of use that is known of all meters of the shaft */
	struct day day;
	struct qty above, below;
};

struct loss_facts {
	const struct loss_day *days; /* ascending; a day without use may be absent */
	size_t n;
	struct day last;       /* of the days that are judged */
	bool stands;	       /* an alarm does, ... */
	int64_t past_permille; /* ... raised against this */
};

struct loss_limits {
	int64_t most_permille;	 /* of what the meter counted; 0: nothing is judged */
	int64_t growth_permille; /* by how much more than in the past */
};

enum loss_verdict {
	LOSS_AS_BEFORE, /* not known, or between the limits: an alarm that stands goes on */
	LOSS_GROWN,
	LOSS_BACK, /* an alarm that stands is over */
};

struct loss_found {
	enum loss_verdict verdict;
	int64_t recent_permille, past_permille; /* 0 where not known */
};

/* A loss has grown when that of the recent days together is above the limit and that much above the
 * past, and more than half of them are above the limit by themselves: a day whose readings came
 * late, or that was corrected, is not taken for growth. It is back with a margin. An alarm that
 * stands is judged by the past from which it grew, else it would end by lasting. */
struct loss_found loss_judge(const struct loss_facts *f, const struct loss_limits *limits);
