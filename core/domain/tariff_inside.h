#pragma once
/* For tariff.c: price changes that wait for a second person. */
#include "domain/tariff.h"

/* Asks when the file moves prices by more than a site allows that has the tariff:
 * *c->approval_id is the approval then, else 0. Inside db_tx, before any other write. */
MUST_USE enum err price_change_ask(struct db *db, int64_t tariff_id, const json_t *was,
	const struct tariff_change *c, struct problem *why);
