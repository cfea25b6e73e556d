#pragma once
/* How far one tariff moves prices from those of another. */
#include "rules/tariff.h"

/* In thousandths of the old price: the largest change, up or down, of any hour of any kind of day
 * and any tier between two instants ([from, until)), wherever the one or the other tariff begins a
 * version; a version that is new, also against the one that it would follow. Before its first
 * version a tariff counts as that. Where tiers begin anew at different
 * times, each old tier is compared with each new one. INT64_MAX for a price on what was free. The
 * lists of holidays and workdays are not compared: they move days, not prices. */
int64_t price_change_permille(
	const struct tariff *was, const struct tariff *is, struct utc from, struct utc until);
