#pragma once
/* Between the files of the comparison. */
#include "import/compare.h"

/* What shall stand in a column of a row with that code: as imported, or as it is; "": nothing. */
const char *value_of(const struct compare *c, enum sheet_id sheet, const char *code, size_t column);

void compare_places(struct compare *c); /* sites, areas, gateways, tariffs */
void compare_meters(struct compare *c);
void compare_people(struct compare *c); /* tenants, purses */
void compare_shares(struct compare *c);
