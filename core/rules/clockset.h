#pragma once
/* When the clock of a meter is set, and by how much. Pure.
 *
 * A clock that is wrong by more than a little is led back in steps of CLOCK_STEP_S at most, one a
 * local day, and only where neither the step nor the seconds around it touch an edge of a tariff or
 * of a day: those lie on quarters of an hour. So no minute is counted twice or not at all where it
 * would matter. A clock that is wrong by an hour or more is not ours to set: it is in another zone,
 * or broken, and a person is told. */
#include "base/zone.h"

#define CLOCK_SLACK_S 15    /* right enough */
#define CLOCK_STEP_S 300    /* at most in one local day */
#define CLOCK_EDGE_S 900    /* edges of tariffs and days */
#define CLOCK_ROOM_S 20	    /* kept between a step and an edge */
#define CLOCK_WARN_S 300    /* alarm */
#define CLOCK_URGENT_S 3600 /* urgent, and never set */

struct clock_facts {
	int64_t shown; /* by the meter: seconds since 1970-01-01 00:00 of its wall clock */
	struct utc at; /* when it was read */
	const struct zone *zone; /* of the site */
	struct utc set_at;	 /* last time it was set; 0: never */
};

/* The wall clock of a site, in seconds since 1970-01-01 00:00 of that clock. */
int64_t clock_wall(const struct zone *zone, struct utc at);
/* Seconds that the meter is ahead of its site; below 0: behind. */
int64_t clock_drift(const struct clock_facts *f);
/* Seconds by which it is to be moved now; 0: not now. */
int64_t clock_step(const struct clock_facts *f);
