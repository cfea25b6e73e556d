#pragma once
/* Settlement of the energy or water between two readings: pure, no clock, no allocation.
 * The quantity is spread over every instant at which anything may change (slots, local midnights
 * and hours, tariff versions, cycles) by floor(delta * whole seconds elapsed / whole seconds of the
 * span) cumulated; inside a piece tiers fill upwards. */
#include "rules/rates.h"

/* Use within the current tier cycle of one contract and metering point, carried from
 * settlement to settlement. A new one is all zero; the first unit of another cycle begins anew. */
struct tier_use {
	char cycle[8]; /* "", "2026-03" or "2026": the cycle that `used` belongs to */
	struct qty used;
};

/* One piece of an interval: one local hour at most, one rate, tier and price. */
struct segment {
	struct utc from, to;
	struct day day;	  /* local day of `from` */
	int32_t hour;	  /* local hour of `from`, 0..23 */
	struct qty qty;	  /* > 0 */
	const char *rate; /* borrowed from the tariff; "" without tariff */
	int tier;	  /* from 1; 0 without tariff */
	struct price price;
	const char *price_text; /* as written in the tariff file; "" without tariff */
	struct money charge;
	char cycle[8];
	struct utc version; /* effective_from of the version that prices it */
};

/* Receives the pieces in order of time; an error stops the settlement and is returned. */
struct segment_sink {
	enum err (*take)(void *ctx, const struct segment *s);
	void *ctx;
};

/* Prices delta (>= 0) between from < to. *use is read and, only on success, written.
 * Pieces without energy are not sent; tiers that share a piece share its from and to.
 * ERR_NOT_FOUND when from lies before the first version of the tariff, ERR_OVERFLOW when a charge
 * or the use leaves 64 bits, ERR_OUT_OF_RANGE when from >= to or delta < 0. */
MUST_USE enum err settle_interval(const struct tariff *t, struct utc from, struct utc to,
	struct qty delta, struct tier_use *use, struct segment_sink sink);

/* The same spreading for a meter without a price: segments by local hour and day. */
MUST_USE enum err settle_usage(const struct zone *z, struct utc from, struct utc to,
	struct qty delta, struct segment_sink sink);

/* Is there time in from..to for each rate that has energy, and a part for each rate? */
bool settle_rates_fit(
	const struct tariff *t, struct utc from, struct utc to, const struct rates_split *split);
/* settle_interval() for the parts of a split that fits: each part is spread over the time of its
 * rate only, by floor(part * seconds elapsed of that rate / seconds of that rate) cumulated. Tiers
 * fill in order of time. */
MUST_USE enum err settle_by_rates(const struct tariff *t, struct utc from, struct utc to,
	const struct rates_split *split, struct tier_use *use, struct segment_sink sink);
