#pragma once
/* The inside of a tariff, shared by the files of this folder only. */
#include "rules/tariff.h"

enum cycle { CYCLE_NONE, CYCLE_MONTH, CYCLE_YEAR };
enum day_kind { DAY_ALL, DAY_WORKDAY, DAY_WEEKEND, DAY_HOLIDAY };

struct slot {
	int32_t second; /* wall clock second of the day */
	size_t rate;	/* index into the version's rates */
};

/* One row of the calendar: the slots of the days that match. */
struct row {
	uint32_t months; /* bit 1 << month */
	enum day_kind days;
	struct slot *slots;
	size_t slots_n;
};

/* A rate's price in each tier. */
struct rate {
	char *name;
	struct price *prices; /* as many as there are tiers */
	char **texts;	      /* the same, as written in the file */
};

struct version {
	struct utc from;
	enum cycle cycle;
	struct qty *bounds; /* upper bounds of all tiers but the last, ascending */
	size_t bounds_n;
	struct rate *rates;
	size_t rates_n;
	struct row *rows;
	size_t rows_n;
};

struct tariff {
	char *code, *name;
	enum utility utility;
	const struct zone *zone;
	int32_t *holidays, *workdays; /* local days, ascending */
	size_t holidays_n, workdays_n;
	struct version *versions; /* ascending by from */
	size_t versions_n;
};

/* The version in force at an instant; NULL before the first. *until is the start of the next, or
 * INT64_MAX. */
const struct version *version_at(const struct tariff *t, struct utc at, struct utc *until);
int version_tier_of(const struct version *v, struct qty used);

enum day_kind day_kind_of(const struct tariff *t, struct day d);
/* The first row that matches; NULL when there is none (never in a tariff that was parsed). */
const struct row *row_find(const struct version *v, int month, enum day_kind kind);

/* "07:30" to seconds of the day; -1 when it is no time of a day. */
int32_t slot_second(const char *text);
