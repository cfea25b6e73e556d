#pragma once
/* Sums of sealed book days by month (usage_month, posting_month). A sealed day never changes, so
 * each is added once and for good; reports read whole months that have all of their days. */
#include "base/zone.h"
#include "db/db.h"

/* Adds sealed days to the sums of their months, each in a transaction of its own, oldest first, at
 * most days_most of them. *n: how many it added; 0 when none is left. */
MUST_USE enum err monthsum_run(struct db *db, struct utc now, int64_t days_most, int64_t *n);

/* The last day of the last month of a site whose days are sealed and summed, all of them, and all
 * before it. ERR_NOT_FOUND: there is no such month yet. */
MUST_USE enum err monthsum_to(struct db *db, int64_t site_id, struct day *out);

/* The calendar month of a day as the sums have it: 202611. */
int64_t monthsum_month(struct day d);
struct day monthsum_first(int64_t month); /* its first day, and its last */
struct day monthsum_last(int64_t month);
