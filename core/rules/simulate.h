#pragma once
/* What a tariff would have charged for the readings of a file. Pure. */
#include "rules/tariff.h"

struct simulate_reading {
	struct utc at;
	struct qty reg; /* register of the meter */
	size_t line;	/* of the file, from 1 */
};

/* Reads CSV with a header of two columns in any order: "time" (RFC 3339 with offset, ascending)
 * and "energy_kwh" or, for water, "volume_m3" (register: plain decimal, not negative, at most
 * 3 decimals, below 1e12, never falling). A mistake is told in *why with field "line N".
 * The caller frees *out with free(). */
MUST_USE enum err simulate_read(const char *text, size_t size, enum utility utility,
	struct simulate_reading **out, size_t *n, struct problem *why);

/* Charges the use between each two neighbours as settlement does, tiers beginning at nothing, and
 * adds it up by cycle, rate, tier and price text: {"energy_wh" or "volume_l", "charge", "lines"}.
 * Readings before the first version, and sums that leave 64 bits, are told in *why with field
 * "line N". The caller owns *out. */
MUST_USE enum err simulate_run(const struct tariff *t, const struct simulate_reading *readings,
	size_t n, json_t **out, struct problem *why);
