#include "rules/clockset.h"

#include <stdlib.h>

int64_t clock_wall(const struct zone *zone, struct utc at)
{
	struct local l = zone_local(zone, at);

	return (int64_t)l.day.days * 86400 + l.second;
}

int64_t clock_drift(const struct clock_facts *f)
{
	return f->shown - clock_wall(f->zone, f->at);
}

static int64_t quarter(int64_t wall)
{
	return wall / CLOCK_EDGE_S - (wall % CLOCK_EDGE_S < 0);
}

/* Does the step, with room on both sides, stay within one quarter of an hour? */
static bool stays_inside(int64_t shown, int64_t step)
{
	int64_t first = (step < 0 ? shown + step : shown) - CLOCK_ROOM_S;
	int64_t last = (step < 0 ? shown : shown + step) + CLOCK_ROOM_S;

	return quarter(first) == quarter(last);
}

static bool was_set_today(const struct clock_facts *f)
{
	return f->set_at.ms != 0 &&
	       zone_local(f->zone, f->set_at).day.days >= zone_local(f->zone, f->at).day.days;
}

int64_t clock_step(const struct clock_facts *f)
{
	int64_t drift = clock_drift(f);
	int64_t step = -drift;

	if (llabs(drift) <= CLOCK_SLACK_S || llabs(drift) >= CLOCK_URGENT_S || was_set_today(f))
		return 0;
	if (step > CLOCK_STEP_S)
		step = CLOCK_STEP_S;
	if (step < -CLOCK_STEP_S)
		step = -CLOCK_STEP_S;
	return stays_inside(f->shown, step) ? step : 0;
}
