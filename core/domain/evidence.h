#pragma once
/* Evidence of finished days, put together so that it can be kept for good: intervals of a meter
 * that follow each other within one local hour and are of one line (day, rate, tier, price,
 * version) and one purse become one interval with both their registers. Nothing that money depends
 * on is lost: the tariff says of the whole what it said of the parts, to the last nano-yuan.
 * Intervals that touch an instant at which something else happened (contract, tariff, ratio,
 * device, a decision, a typed reading) stay as they are. */
#include "domain/tariffs.h"

#define EVIDENCE_DAYS 35 /* unless set: so long every interval between two readings stays */

/* Some meters whose turn it is; the rest the next time. days: 0 is never. May be killed anywhere
 * and begun anew, also by several workers at once. */
MUST_USE enum err evidence_upkeep(
	struct db *db, struct tariffs *cache, int64_t days, struct utc now);
