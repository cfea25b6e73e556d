#pragma once
/* How many days a purse still lasts (rules/daysleft.h), from its charges by day. Reading only. */
#include "db/db.h"
#include "rules/daysleft.h"

/* What several purses of one site share; for one request. All zero at the start. */
struct forecast {
	int64_t site_id;
	struct zone *zone;
	struct day_mark *list;
	struct day_marks marks;
	struct day today;
};
void forecast_free(struct forecast *f);

/* Only whole days count that all meters of the purse were read behind; the first day of its use is
 * left out, for it may be half a day. */
MUST_USE enum err forecast_account(struct db *db, struct forecast *f, int64_t account_id,
	struct utc now, struct days_left *out);
