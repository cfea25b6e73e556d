#pragma once
/* Hours of duty. Pure. */
#include "base/base.h"

struct duty_hours {
	int from_min, to_min; /* minutes of the local day, 0..1439; from > to runs over midnight;
			       * equal: the whole day */
	const char *weekdays; /* "12345": the days on which the hours begin, 1 is Monday */
};
/* weekday 0 = Monday .. 6 = Sunday, minute of that local day. */
bool duty_at(const struct duty_hours *h, int weekday, int minute);
/* At most seven different digits from 1 to 7, ascending; at least one. */
bool duty_weekdays_valid(const char *weekdays);
