#pragma once
/* A tariff: versions by effective time, each with a calendar of rates and tiered prices.
 * Parsed from the tariff file (docs/tariff-file.md) and immutable afterwards. */
#include "base/json.h"
#include "base/utility.h"
#include "base/zone.h"

struct tariff;

/* Parses and checks a whole tariff file; every mistake names its JSON path in why.
 * The zone is borrowed and must outlive the tariff. The caller frees. */
MUST_USE enum err tariff_parse(
	const json_t *file, const struct zone *z, struct tariff **out, struct problem *why);
void tariff_free(struct tariff **t);

const char *tariff_code(const struct tariff *t);
const char *tariff_name(const struct tariff *t);
enum utility tariff_utility(const struct tariff *t);
const struct zone *tariff_zone(const struct tariff *t);

/* Is a version in force at an instant? */
bool tariff_covers(const struct tariff *t, struct utc at);
/* Rate and price in force at an instant for energy in a tier (from 1).
 * ERR_NOT_FOUND before the first version. rate is borrowed from the tariff. */
MUST_USE enum err tariff_price_at(
	const struct tariff *t, struct utc at, int tier, const char **rate, struct price *price);
/* The tier (from 1) in which the next unit would be charged, given the use of the cycle so far. */
int tariff_tier_of(const struct tariff *t, struct utc at, struct qty used);
