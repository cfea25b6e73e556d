#include "rules/workday.h"

#include <string.h>

static const char *const words[SORT__MAX] = {
	[SORT_WORKDAY] = "workday",
	[SORT_WEEKEND] = "weekend",
	[SORT_HOLIDAY] = "holiday",
};

const char *day_sort_word(enum day_sort s)
{
	return words[s];
}

enum err day_sort_parse(const char *word, enum day_sort *out)
{
	for (enum day_sort s = SORT_WORKDAY; s < SORT__MAX; s++)
		if (strcmp(words[s], word) == 0) {
			*out = s;
			return ERR_OK;
		}
	return ERR_BAD_VALUE;
}

enum day_sort day_sort_of(const struct day_marks *m, struct day d)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->at[mid].day.days == d.days)
			return m->at[mid].kind == SITE_DAY_WORKDAY ? SORT_WORKDAY : SORT_HOLIDAY;
		if (m->at[mid].day.days < d.days)
			lo = mid + 1;
		else
			hi = mid;
	}
	return day_weekday(d) < 5 ? SORT_WORKDAY : SORT_WEEKEND;
}
