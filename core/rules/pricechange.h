#pragma once
/* How far a new tariff file moves prices from those of the old one. */
#include "base/json.h"

/* In thousandths of the old price: the largest change, up or down, of any rate and tier of a
 * version that the old file lacks, against the old version that it would follow. INT64_MAX where
 * there is nothing to compare with: a new rate, or a price on what was free. Files are as they were
 * checked before. */
int64_t price_change_permille(const json_t *was, const json_t *is);
