#pragma once
/* The site's own days (holidays, make-up workdays) and when it wants nobody cut for money. Prices
 * follow the days of their tariff, never these. */
#include "db/db.h"
#include "rules/quiet.h"

struct holiday {
	char day[DAY_TEXT_MAX];
	char kind[8]; /* site_day_word() */
	char name[257];
};
extern const struct shape holiday_shape;

#define HOLIDAYS_MOST 2000 /* rows of a site */

/* Rows of struct holiday by day, from the first to the last day, both included. */
MUST_USE enum err holiday_list(
	struct db *db, int64_t site_id, struct day from, struct day to, struct rows *out);

struct holiday_change {
	int64_t site_id;
	struct day day;
	enum site_day kind; /* to put */
	const char *name;   /* to put */
	const char *actor, *address;
	struct utc now;
};
/* Each a transaction with an audit row. To put a day that is there changes it; to delete one that
 * is not there changes nothing. ERR_TOO_LARGE for more than HOLIDAYS_MOST. */
MUST_USE enum err holiday_put(struct db *db, const struct holiday_change *c);
MUST_USE enum err holiday_delete(struct db *db, const struct holiday_change *c);

/* What the quiet rule asks about a site, around an instant and QUIET_MOST_MS onwards. */
struct site_quiet {
	struct quiet_site site;
	struct zone *zone;
	struct day_mark *marks;
};
MUST_USE enum err site_quiet_load(
	struct db *db, int64_t site_id, struct utc now, struct site_quiet *out);
void site_quiet_free(struct site_quiet *q);

/* The earliest instant from earliest on at which the supply point may be cut for money: what a
 * final warning tells. */
MUST_USE enum err supply_trip_time(struct db *db, int64_t site_id, int64_t supply_point_id,
	struct utc earliest, struct utc *out);
