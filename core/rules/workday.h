#pragma once
/* What sort of day a local day is, by the editable table of its site. It decides supply and what
 * counts as a comparable day; prices go by the holidays of the tariff itself. Pure. */
#include "base/zone.h"

enum day_sort { SORT_WORKDAY, SORT_WEEKEND, SORT_HOLIDAY, SORT__MAX };
const char *day_sort_word(enum day_sort s); /* "workday" "weekend" "holiday" */
MUST_USE enum err day_sort_parse(const char *word, enum day_sort *out);

struct special_day {
	struct day day;
	bool workday; /* a weekend day that is worked (调休); else a holiday */
};
struct special_days {
	const struct special_day *at; /* ascending by day; borrowed */
	size_t n;
};

/* A listed day is what the list says; others are Monday to Friday, or weekend. */
enum day_sort day_sort_of(const struct special_days *s, struct day d);
