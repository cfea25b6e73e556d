#pragma once
/* When a site wants nobody's supply cut for money: quiet hours, quiet weekends, holidays. Pure.
 *
 * Quiet hours are wall clock time of the site. On a day on which the clock jumps, an instant that
 * could be read either way is quiet: in doubt the lights stay on. */
#include "base/zone.h"

enum site_day { SITE_DAY_HOLIDAY, SITE_DAY_WORKDAY, SITE_DAY__MAX };
const char *site_day_word(enum site_day d); /* "holiday" "workday" */
MUST_USE enum err site_day_parse(const char *word, enum site_day *out);

/* A row of the site's own table of days, which says nothing about prices. */
struct day_mark {
	struct day day;
	enum site_day kind; /* a workday is one at a weekend (调休) */
};
struct day_marks {
	const struct day_mark *at; /* ascending by day, each day once */
	size_t n;
};

struct quiet_rule {
	int from_min, to_min; /* minutes of the local day, 0..1439; from > to runs over midnight;
			       * equal: no quiet hours */
	bool weekend;	      /* Saturdays and Sundays, unless marked as workdays, as a whole */
	int stagger_min;      /* after a quiet time, supplies are cut spread over so many minutes */
};
#define QUIET_STAGGER_MOST_MIN 720

/* What a site says about itself; days that are not marked are plain. */
struct quiet_site {
	struct quiet_rule rule;
	struct day_marks marks; /* from the day before the instants asked about to the last one */
	const struct zone *zone;
};

/* Is the day a holiday of the site's table (holiday), or a working day (workday: Monday to Friday
 * or marked so, and no holiday)? A plain weekend is neither. */
bool quiet_is_holiday(const struct day_marks *m, struct day d);
bool quiet_is_workday(const struct day_marks *m, struct day d);

/* Quiet hours, quiet weekend or holiday. A holiday is quiet from its midnight to the next. */
bool quiet_at(const struct quiet_site *s, struct utc at);

/* The same for one supply point: after a quiet time its own share of the stagger is added, always
 * the same for the same id, so that not all are cut in one minute. */
bool quiet_for(const struct quiet_site *s, int64_t supply_point_id, struct utc at);

/* First instant from at on that is not quiet for the supply point; the marks must reach that far.
 * Looks QUIET_MOST_MS ahead and no further. */
#define QUIET_MOST_MS (INT64_C(31) * 24 * 3600 * 1000)
struct utc quiet_until(const struct quiet_site *s, int64_t supply_point_id, struct utc at);
