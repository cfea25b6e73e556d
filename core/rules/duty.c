#include "rules/duty.h"

#include <string.h>

static bool begins_on(const struct duty_hours *h, int weekday)
{
	return strchr(h->weekdays, '1' + (weekday + 7) % 7) != NULL;
}

bool duty_at(const struct duty_hours *h, int weekday, int minute)
{
	if (h->from_min == h->to_min)
		return begins_on(h, weekday);
	if (h->from_min < h->to_min)
		return begins_on(h, weekday) && minute >= h->from_min && minute < h->to_min;
	return (begins_on(h, weekday) && minute >= h->from_min) ||
	       (begins_on(h, weekday - 1) && minute < h->to_min);
}

bool duty_weekdays_valid(const char *weekdays)
{
	size_t n = strlen(weekdays);

	if (n == 0 || n > 7)
		return false;
	for (size_t i = 0; i < n; i++)
		if (weekdays[i] < '1' || weekdays[i] > '7' || (i && weekdays[i] <= weekdays[i - 1]))
			return false;
	return true;
}
