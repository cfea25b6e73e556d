#pragma once
/* Weekly schedules of a supply: which hours of workdays, weekends and holidays it is off. Pure.
 * (The order in which a bus reads its meters is another thing: poller/schedule.h.) */
#include "rules/workday.h"

#define TIMETABLE_PERIODS 8

struct timetable_period {
	int32_t minute; /* of the local day, 0..1439, from which it holds */
	bool off;
};

/* The periods of one sort of day: the first begins at 00:00, they ascend, and each runs to the next
 * or to midnight. None: on all day. */
struct timetable_day {
	struct timetable_period at[TIMETABLE_PERIODS];
	size_t n;
};

struct timetable {
	struct timetable_day days[SORT__MAX];
};

/* ERR_BAD_VALUE: the first period does not begin at 00:00. ERR_OUT_OF_RANGE: not ascending, past
 * midnight, or too many. */
MUST_USE enum err timetable_check(const struct timetable *t);

/* Is the supply off at an instant? A start that the clock skips counts with the offset before the
 * jump; one that comes twice begins at its first time and is not undone. */
bool timetable_off(
	const struct timetable *t, const struct zone *z, const struct day_marks *m, struct utc at);

/* The first instant after at when that changes; 0 when it does not within TIMETABLE_DAYS. */
#define TIMETABLE_DAYS 400
struct utc timetable_next(
	const struct timetable *t, const struct zone *z, const struct day_marks *m, struct utc at);
