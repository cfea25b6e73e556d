#pragma once
/* Between the two halves of settlement, and for nobody else: charge.c reads and writes,
 * charge_work.c works out what is to be written. */
#include "domain/charge.h"

struct meter_row {
	int64_t meter_id;
	int64_t supply_point_id;
	char billing[12];
	char zone[64];
	struct qty start_milli;
	char closed[DAY_TEXT_MAX]; /* the last closed book day of its site */
	char code[129];
	int64_t ratio; /* before the first row of meter_ratio */
};
struct holder { /* a contract that holds the supply point for a time */
	int64_t meter_id;
	int64_t contract_id;
	int64_t account_id;
	struct utc from_at;
	struct utc to_at; /* 0: open */
};
struct pricing { /* a tariff of the meter, from a time on */
	int64_t meter_id;
	int64_t tariff_id;
	int64_t revision;
	struct utc from_at;
};
struct ratio { /* transformer ratio of the meter, from a time on */
	int64_t meter_id;
	int64_t ratio;
	struct utc from_at;
};
struct tier_row { /* how much of its cycle a contract has used; contract 0: nobody's */
	int64_t contract_id;
	int64_t supply_point_id;
	char cycle[8];
	struct qty used_milli;
	bool changed;
};

/* Rows to be written. */
struct day_row {
	int64_t meter_id;
	char day[DAY_TEXT_MAX];
	char book_day[DAY_TEXT_MAX];
	int64_t contract_id;
	int64_t account_id;
	int64_t tariff_id;
	struct utc version_at;
	char rate[33];
	int64_t tier;
	struct price price_micro;
	struct qty qty_milli;
	struct money charge_nano;
};
struct hour_row {
	int64_t meter_id;
	struct utc hour_at;
	struct qty qty_milli;
	struct money charge_nano;
};
struct evidence_row {
	int64_t meter_id;
	struct utc to_at, from_at;
	struct qty from_milli, to_milli, capacity_milli;
	int64_t ratio;
	struct qty qty_milli;
	const char *kind;
	const char *rates; /* owned, as the evidence */
	int64_t account_id;
	struct money charge_nano;
	const char *evidence;
};

struct list { /* of values; grows */
	void *at;
	size_t n;
};
/* Room for one more, all zero, at the end. */
void *list_add(struct list *l, size_t size);
void list_free(struct list *l);
/* The first of the rows of one meter, which begin with its id and are in its order; *n: how many.
 */
const void *rows_of(const struct rows *r, size_t size, int64_t meter_id, size_t *n);

/* One meter of a transaction. */
struct subject {
	int64_t meter_id;
	struct settled last;  /* goes along with what is taken */
	bool moved;	      /* differs from the table */
	struct list readings; /* struct charge_reading, taken and not yet settled */
	enum err result;
	const struct meter_row *meter;
	const struct holder *holders; /* by time, as the next two */
	size_t holders_n;
	const struct pricing *pricings;
	size_t pricings_n;
	const struct ratio *ratios;
	size_t ratios_n;
	size_t tier_from, tier_to; /* its rows of batch.tiers */
};

struct charge_batch {
	struct tariffs *cache;
	struct list subjects; /* struct subject, by meter id */
	struct rows meters, holders, pricings, ratios;
	struct list tiers; /* struct tier_row */
	struct list days, hours, evidence;
	struct charges sum;
};

/* The row of a contract that holds its supply point, or of 0 while nobody does. */
struct tier_row *tier_of(
	const struct charge_batch *b, const struct subject *s, int64_t contract_id);

/* What a meter is settled to after a reading. */
struct settled settled_after(const struct charge_reading *r);

/* Loads what the readings taken need, and locks their tiers. */
MUST_USE enum err charge_load(struct db *db, struct charge_batch *b);
/* Writes those that changed. */
MUST_USE enum err tiers_store(struct db *db, struct charge_batch *b);
/* Works out one reading of a meter that is loaded: adds rows to the batch, and moves on the tiers
 * and s->last. ERR_NOT_FOUND: no tariff; nothing was added. Other errors leave a batch that cannot
 * be written. */
MUST_USE enum err charge_work(
	struct db *db, struct charge_batch *b, struct subject *s, const struct charge_reading *r);
