#pragma once
/* A second, slow reading of the tariff rules, for the verifier alone. It shares no file with the
 * rules that charge: it asks the tariff's JSON anew at every minute of an interval. Tariffs are
 * taken as valid; one that is not is an error, never a guess. Not for threads. */
#include "base/json.h"
#include "base/zone.h"

struct slow_tariff;

/* doc NULL: no tariff, quantities are only spread. The zone is borrowed and must outlive the
 * result, which the caller frees. */
MUST_USE enum err slow_tariff_open(
	const char *doc, size_t n, const struct zone *z, struct slow_tariff **out);
void slow_tariff_free(struct slow_tariff **t);

/* The use of a tier cycle so far. */
struct slow_use {
	char cycle[8];
	int64_t used_milli;
};

/* Energy of one rate, tier and local hour. */
struct slow_line {
	struct day day;
	struct utc hour; /* start of the local hour */
	char cycle[8];
	const char *rate;	/* borrowed from the tariff; "" without */
	const char *price_text; /* the same */
	int64_t tier;		/* from 1; 0 without tariff */
	int64_t price_micro;
	int64_t qty_milli;
	int64_t charge_nano;
	struct utc version;
};
struct slow_sink {
	void (*take)(void *ctx, const struct slow_line *l);
	void *ctx;
};

/* Spreads qty >= 0 over from < to and prices it, going on from *use. ERR_NOT_FOUND: a time before
 * the first version. ERR_BAD_VALUE: the tariff has no answer. ERR_OVERFLOW. */
MUST_USE enum err slow_charge(struct slow_tariff *t, struct utc from, struct utc to,
	int64_t qty_milli, struct slow_use *use, struct slow_sink sink);

/* Energy that the meter's own registers counted for a rate. */
struct slow_part {
	const char *rate;
	int64_t qty_milli; /* >= 0 */
};
/* The same, each part spread over the time of its rate only. ERR_CONFLICT: a part has no time, or a
 * rate of that time no part. */
MUST_USE enum err slow_charge_parts(struct slow_tariff *t, struct utc from, struct utc to,
	const struct slow_part *parts, size_t n, struct slow_use *use, struct slow_sink sink);
