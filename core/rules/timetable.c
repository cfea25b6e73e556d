#include "rules/timetable.h"

#include "rules/calendar.h"

#define DAY_MINUTES 1440

enum err timetable_check(const struct timetable *t)
{
	for (enum day_sort s = SORT_WORKDAY; s < SORT__MAX; s++) {
		const struct timetable_day *d = &t->days[s];

		if (d->n > TIMETABLE_PERIODS)
			return ERR_OUT_OF_RANGE;
		if (d->n && d->at[0].minute != 0)
			return ERR_BAD_VALUE;
		for (size_t i = 1; i < d->n; i++)
			if (d->at[i].minute <= d->at[i - 1].minute ||
				d->at[i].minute >= DAY_MINUTES)
				return ERR_OUT_OF_RANGE;
	}
	return ERR_OK;
}

/* What holds at an instant, and until when nothing changes. */
static bool off_until(const struct timetable *t, const struct zone *z, const struct day_marks *m,
	struct utc at, struct utc *until)
{
	struct local_day local = local_day_at(z, at);
	const struct timetable_day *d = &t->days[day_sort_of(m, local.day)];

	*until = local.end;
	for (size_t i = d->n; i-- > 0;) {
		struct utc start = i ? zone_utc(z, local.day, d->at[i].minute * 60) : local.start;

		if (start.ms <= at.ms)
			return d->at[i].off;
		if (start.ms < until->ms)
			*until = start;
	}
	return false;
}

bool timetable_off(
	const struct timetable *t, const struct zone *z, const struct day_marks *m, struct utc at)
{
	struct utc until;

	return off_until(t, z, m, at, &until);
}

struct utc timetable_next(
	const struct timetable *t, const struct zone *z, const struct day_marks *m, struct utc at)
{
	struct utc next, end = { at.ms + TIMETABLE_DAYS * INT64_C(86400000) };
	bool now = off_until(t, z, m, at, &next);

	while (next.ms <= end.ms) {
		struct utc until;

		if (off_until(t, z, m, next, &until) != now)
			return next;
		next = until;
	}
	return (struct utc){ 0 };
}
