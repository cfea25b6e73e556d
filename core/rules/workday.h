#pragma once
/* What sort of day a local day is, by the editable table of its site. It decides supply and what
 * counts as a comparable day; prices go by the holidays of the tariff itself. Pure. */
#include "rules/quiet.h"

enum day_sort { SORT_WORKDAY, SORT_WEEKEND, SORT_HOLIDAY, SORT__MAX };
const char *day_sort_word(enum day_sort s); /* "workday" "weekend" "holiday" */
MUST_USE enum err day_sort_parse(const char *word, enum day_sort *out);

/* A marked day is what its mark says; others are Monday to Friday, or weekend. */
enum day_sort day_sort_of(const struct day_marks *m, struct day d);
