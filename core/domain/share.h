#pragma once
/* Groups whose energy is shared: which meters, among which contracts, by which weights.
 *
 * Sources have a sign, so that a group may be the public meters of a riser, or its losses (the
 * incomer less all below it). The sharers of a day are those of the latest `from_day` up to it:
 * a change never touches a day that was shared. Weights are millionths of the whole ("ratio"; what
 * they leave is the owner's), the floor area as it was when the sharers were set ("area"), or 1
 * ("equal"). See sharerun.h for how a day is shared. */
#include "base/zone.h"
#include "db/listing.h"

#define SHARE_SOURCES_MAX 64
#define SHARE_TARGETS_MAX 500
#define SHARE_WHOLE 1000000 /* millionths */

struct share_group {
	int64_t id;
	int64_t site_id;
	char name[257];
	char utility[12]; /* "electricity" "water" */
	char basis[8];	  /* "ratio" "area" "equal" */
	char kind[8];	  /* "public" "loss" */
	char purse[8];	  /* "utility" "fee": which purse of a contract pays */
	char from_day[DAY_TEXT_MAX];
	char to_day[DAY_TEXT_MAX]; /* "": open */
	char run_to[DAY_TEXT_MAX]; /* days up to here were shared */
	char zone[64];
};
/* site_id 0: every site; id 0: every group. By id. */
MUST_USE enum err share_groups(struct db *db, int64_t site_id, int64_t id, struct rows *out);
/* The same by pages; args: the site (0: every). */
extern const struct listing share_listing;

struct share_source {
	int64_t meter_id;
	char meter_code[129];
	char meter_name[257];
	int64_t sign; /* 1 or -1 */
};
MUST_USE enum err share_sources(struct db *db, int64_t group_id, struct rows *out);

struct share_target {
	int64_t contract_id;
	char contract_code[129];
	int64_t tenant_id;
	char tenant_code[129];
	char tenant_name[257];
	char room[129];
	int64_t weight;
	char from_day[DAY_TEXT_MAX];
};
/* The sharers of a day, or, before the group begins, those of its first day. */
MUST_USE enum err share_targets(struct db *db, int64_t group_id, struct day day, struct rows *out);

struct share_actor {
	int64_t site_id; /* that the caller is confined to; 0: none */
	const char *actor, *address;
	struct utc now;
};

struct share_source_new {
	int64_t meter_id;
	int64_t sign;
};
struct share_target_new {
	int64_t contract_id;
	bool has_ratio;
	int64_t ratio_ppm;
};

struct share_new {
	int64_t site_id;
	const char *name, *utility, *basis, *kind, *purse;
	bool has_from; /* else tomorrow */
	struct day from;
	bool ends;
	struct day to;
	const struct share_source_new *sources;
	size_t sources_n;
	const struct share_target_new *targets;
	size_t targets_n;
	const char *once_key;
};
/* Also inside db_tx. The same once_key again finds the first. Errors name the path
 * ("targets[2].ratio"): a meter or contract of another site or utility, one that comes twice, a
 * meter that another group of the kind shares, a contract that has ended, a ratio of zero or below,
 * ratios above 1 together, a contract without a floor area, days of the past. */
MUST_USE enum err share_add(struct db *db, const struct share_new *n, const struct share_actor *by,
	int64_t *id, struct problem *why);

struct share_change {
	int64_t id;
	const char *name; /* NULL: as it is */
	bool ends;	  /* to_day is given; not before the last day that was shared */
	struct day to;
	const struct share_target_new *targets; /* NULL: as they are */
	size_t targets_n;
	bool has_from; /* from which day the new sharers count; else tomorrow */
	struct day from;
};
/* Also inside db_tx. */
MUST_USE enum err share_edit(struct db *db, const struct share_change *c,
	const struct share_actor *by, struct problem *why);
