#pragma once
/* Use and charges by local hour, day and month. Reading only. */
#include "base/str.h"
#include "base/zone.h"
#include "db/db.h"

struct usage_line {
	char day[DAY_TEXT_MAX]; /* "2026-11-22" */
	char rate[33];
	int64_t tier;
	struct price price;
	struct qty qty;
	struct money charge;
};
/* Lines of a meter, first and last day included, by day, rate, tier and price. With user_id only
 * what that tenant's contracts used, and no charge of a meter that charges nobody; 0: all. */
MUST_USE enum err usage_lines(struct db *db, int64_t meter_id, int64_t user_id, struct day from,
	struct day to, struct rows *out);

struct usage_hour {
	struct utc hour_at;
	struct qty qty;
	struct money charge;
	bool has_load; /* the next two are known; the hour is over then */
	int64_t least_w, most_w;
};
/* from <= hour < to. With user_id only hours in which that login's contracts held the meter. */
MUST_USE enum err usage_hours(struct db *db, int64_t meter_id, int64_t user_id, struct utc from,
	struct utc to, struct rows *out);

/* Rows u of usage_hour, of the meter `id` and of each hour of a list (usage_hours_list()), which is
 * its argument: a span of hours would have the server read all that the meter ever had. */
#define USAGE_HOURS_OF(id)                                                                         \
	" JOIN JSON_TABLE(?, '$[*]' COLUMNS (hour_at BIGINT PATH '$')) k"                          \
	" JOIN usage_hour u ON u.meter_id = " id " AND u.hour_at = k.hour_at"
/* The local hours from <= hour < to, as a list in JSON, the one that `from` lies in too. */
void usage_hours_list(const struct zone *z, struct utc from, struct utc to, struct buf *out);

/* Where a meter stands: its zone, and how far it is settled. ERR_NOT_FOUND unless the caller may
 * see it: user_id 0 is staff confined to site_id (0: every site). */
struct usage_meter {
	char utility[12];
	char zone[64];
	struct utc settled_at;
};
MUST_USE enum err usage_meter_get(
	struct db *db, int64_t meter_id, int64_t user_id, int64_t site_id, struct usage_meter *out);

struct usage_sum {
	struct qty energy;
	struct qty volume;
	struct money charge;
};
struct usage_sums {
	struct usage_sum today, yesterday, month;
	struct money week; /* charges of the last full days */
	int64_t week_days; /* how many full days those are: 0..7 */
};
/* Sums of an account, by the local day of now. */
MUST_USE enum err usage_of_account(
	struct db *db, int64_t account_id, struct day today, struct usage_sums *out);
