#pragma once
/* A free allowance of a contract: given to one of its purses at the start of each local month,
 * shown apart, spent before paid money and never refunded. What is left at the next one expires,
 * unless the site's setting allowance_carries keeps it. */
#include "domain/approval.h"

struct allowance {
	int64_t contract_id;
	int64_t account_id;
	char unit[8];	     /* "yuan" "kwh" */
	struct qty amount;   /* a month: thousandths of the unit */
	struct price price;  /* what a kWh of it is worth; of a yuan: 1 */
	char last_month[29]; /* given last: "2026-11"; "" never */
};
MUST_USE enum err allowance_get(struct db *db, int64_t contract_id, struct allowance *out);
/* What a month of it is worth. */
MUST_USE enum err allowance_worth(const struct allowance *a, struct money *out);

struct allowance_new {
	int64_t contract_id;
	int64_t account_id; /* a purse of the contract */
	int64_t site_id;    /* that the caller is confined to; 0: none */
	const char *unit;
	struct qty amount;  /* 0: none any more */
	struct price price; /* of a kWh; ignored for yuan */
	int64_t user_id;
	const char *actor, *address;
	const char *reason;
	const char *once_key;
};
/* From the next month's start on. Worth more than the setting adjustment_limit_fen a month it waits
 * for a second person: *approval_id is not 0. ERR_NOT_FOUND for a contract of another site,
 * ERR_BAD_VALUE for a purse that is not of the contract, ERR_CONFLICT for a closed one. */
MUST_USE enum err allowance_set(struct db *db, const struct allowance_new *n, struct utc now,
	int64_t *approval_id, struct problem *why);
MUST_USE enum err allowance_approved(struct db *db, const struct approval *a, const json_t *params,
	const char *actor, struct utc now, struct problem *why);

/* Gives this month's to every open contract that has not had it. Called by the worker; running it
 * twice changes nothing. */
MUST_USE enum err allowances_give(struct db *db, struct utc now);
