#pragma once
/* What the parts of the check of use share, while one meter after the other is worked through:
 * verify_use.c (meters and their chains of intervals), verify_price.c (what the tariff says of
 * one), verify_sums.c (days, hours and tiers against their sum), verify_cut.c (intervals that were
 * cut). */
#include "ctl/verify.h"
#include "ctl/verify_tariff.h"

#define TARIFFS_MAX 32	    /* parsed ones kept */
#define EVIDENCE_SHORT 2048 /* longer ones are read one by one */

struct meter {
	int64_t id;
	int64_t supply_point_id;
	char billing[12];
	char zone[64];
	int64_t ratio;	       /* before the first row of meter_ratio */
	bool own_ratio;	       /* its registers may have it in them */
	bool converted;	       /* its billing was another one for a time */
	struct utc settled_at; /* 0: never */
	int64_t settled_milli;
};

struct hold { /* a contract that holds the supply point for a time */
	int64_t contract_id;
	int64_t account_id;
	struct utc from_at;
	struct utc to_at; /* 0: open */
};

struct assignment {
	int64_t tariff_id;
	struct utc from_at;
};

struct ratio {
	int64_t ratio;
	struct utc from_at;
};

struct change { /* of the device */
	struct utc at;
	int64_t old_milli, new_milli;
};

struct interval {
	struct utc to_at;
	struct utc from_at;
	int64_t from_milli;
	int64_t to_milli;
	int64_t capacity_milli;
	int64_t ratio;
	int64_t qty_milli;
	bool rebase;
	int64_t account_id;
	int64_t charge_nano;
	char rates[1021];
	int64_t length; /* of the evidence */
	char evidence[EVIDENCE_SHORT];
};

/* A row of usage_day. */
struct day_use {
	char day[DAY_TEXT_MAX];
	char book_day[DAY_TEXT_MAX]; /* as the evidence says: no first record tells the day of
					arrival */
	int64_t contract_id, account_id, tariff_id;
	int64_t version_at;
	char rate[33];
	int64_t tier, price_micro;
	int64_t qty_milli, charge_nano;
};

struct hour_use {
	struct utc hour_at;
	int64_t qty_milli, charge_nano;
};

struct kept_zone {
	struct zone *zone;
	struct kept_zone *next;
};

struct kept_tariff {
	int64_t id; /* 0 with a tariff: only spreads */
	struct slow_tariff *tariff;
	const struct zone *zone;
};

struct contract_use {
	int64_t contract_id;
	struct slow_use use;
};

struct cut_piece { /* of the use between two readings */
	struct utc from, to;
	int64_t grown; /* register */
};

struct work {
	struct db *db;
	json_t *findings;
	struct kept_zone *zones;
	struct kept_tariff tariffs[TARIFFS_MAX];
	size_t tariffs_next;
	/* of the meter */
	const struct meter *meter;
	const struct zone *zone;
	struct rows holds, assignments, ratios, changes;
	struct contract_use *uses;
	size_t uses_n;
	struct day_use *days;
	size_t days_n;
	struct hour_use *hours;
	size_t hours_n;
	struct day days_until;	/* compared up to here, */
	struct utc hours_until; /* and here */
	int64_t last_milli;	/* where the interval before ended */
	struct utc last_at;	/* 0: this is the first */
	/* of the interval */
	const struct hold *hold;
	struct day_use *lines;
	size_t lines_n;
	int64_t account_id, tariff_id, charge;
	/* of the reading that the interval comes from, as far as it was cut into several */
	struct cut_piece *pieces;
	size_t pieces_n;
};

/* Room for one more at the end of a list. */
void *work_more(void *list, size_t n, size_t size);
/* Names a row: "settlement:17:1795342029000". */
const char *work_name(char buf[static 160], const char *fmt, ...) PRINTF_LIKE(2, 3);
void work_found(struct work *w, const char *check, const char *object, int64_t have, int64_t want);
const char *interval_name(char buf[static 160], const struct work *w, const struct interval *i);

/* verify_price.c: the zone of the meter, and what the tariff says of one interval, whose contract,
 * account and tariff are known; its lines are added up. */
MUST_USE enum err zone_keep(struct work *w, const char *zone, const struct zone **out);
void prices_free(struct work *w);
/* What the registers say: behind transformers, and by way of 0 after a roll-over. */
int64_t interval_grown(const struct interval *i);
MUST_USE enum err interval_priced(struct work *w, const struct interval *i);

/* verify_sums.c: adding up, and comparing what there is before a day, before an hour, and in the
 * end. */
void day_add(struct day_use **list, size_t *n, const struct day_use *u);
void hour_add(struct work *w, const struct slow_line *l);
struct slow_use *use_of(struct work *w, int64_t contract_id);
MUST_USE enum err days_compare(struct work *w, struct day until);
MUST_USE enum err hours_compare(struct work *w, struct utc until);
MUST_USE enum err tiers_compare(struct work *w);

/* verify_cut.c: takes the next interval; and the end of the meter. */
MUST_USE enum err cut_take(struct work *w, const struct interval *i);
MUST_USE enum err cut_end(struct work *w);
