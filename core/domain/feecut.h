#pragma once
/* Electricity cut for an unpaid fee. It is contested in law, so it happens only where the setting
 * fee_cut of the site is on (off as shipped; turning it on takes two persons), only from a list
 * that a person has approved, never to water, and it ends at once when the fee is paid.
 *
 * A contract is short while the level of its fee purse is "arrears", that is, below zero and its
 * credit limit. Contracts that were short for fee_grace_days come on a list, one a day and site,
 * which waits as an approval of kind "fee_cut". Whoever approves it cuts those of it that are still
 * short: the block `fee` with the cause "account:<fee purse>" on the contract's electricity. */
#include "db/listing.h"
#include "base/json.h"
#include "domain/account.h"

struct fee_cut {
	int64_t approval_id;
	char state[9]; /* of the approval */
	struct utc asked_at;
	int64_t account_id;
	int64_t contract_id;
	char contract_code[129];
	int64_t tenant_id;
	char tenant_code[129];
	char tenant_name[257];
	char room[129];
	struct money listed;  /* balance when it was listed */
	struct money balance; /* now */
	struct utc cut_at;    /* 0: not cut */
};
/* Rows of struct fee_cut; args: the site (0: every). */
extern const struct listing fee_cut_listing;

/* What the worker does, again and again: new lists, and an end to blocks whose reason has gone. */
MUST_USE enum err fee_cuts_due(struct db *db, struct utc now);

struct approval;
/* Cuts those of the list that are still short; in the transaction that approves. ERR_CONFLICT when
 * the setting was turned off. */
MUST_USE enum err fee_cut_approved(struct db *db, const struct approval *a, const json_t *params,
	const char *actor, struct utc now, struct problem *why);

/* The purse is not short any more: lifts its blocks. Inside db_tx. */
MUST_USE enum err fee_cut_lift(struct db *db, const struct account *a, struct utc now);
