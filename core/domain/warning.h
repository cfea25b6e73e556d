#pragma once
/* Warning thresholds of purses: in yuan, or in units (kWh, m3) that are made money by what a unit
 * has cost lately, when they are set and once a day. */
#include "domain/account.h"

#define WARNING_UNIT_MAX 5

struct warning {
	int64_t account_id;
	char unit[WARNING_UNIT_MAX]; /* "yuan" "kwh" (electricity) "m3" (water) */
	struct money warn1, warn2;   /* by yuan; warn1 >= warn2 >= 0, zero turns a level off */
	struct qty qty1, qty2;	     /* by units, the same */
};
/* As it is now: unit, quantities, and the money that they come to. */
MUST_USE enum err warning_get(struct db *db, int64_t account_id, struct warning *out);

struct warning_change {
	struct warning *list; /* is sorted by account */
	size_t n;
	bool limited; /* by a tenant: within what the site's staff allow */
	const char *actor, *address;
	struct utc now;
};
/* All of them or none, each with an audit row and its consequences. ERR_OUT_OF_RANGE,
 * ERR_BAD_VALUE (a unit that the purse does not have), ERR_CONFLICT (nothing is known yet of what a
 * unit costs, or the account is closed). Also inside db_tx. */
MUST_USE enum err warning_set(struct db *db, const struct warning_change *c, struct problem *why);

/* Thresholds in units that were not reckoned for a day; called by the worker. */
MUST_USE enum err warnings_run(struct db *db, struct utc now);
