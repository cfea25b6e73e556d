#pragma once
/* Between the files of the contract noun. */
#include "domain/contract.h"

#define CONTRACT_METERS_MAX 128

/* An act on one contract (of a change of tenant: on two, one after the other). */
struct deal {
	struct life *life;
	int64_t contract_id;
	int64_t tenant_id;
	int64_t site_id;
	char zone[64];
	char code[129];
	struct utc start_at, end_at;
	struct cut *cuts; /* ascending by meter */
	size_t n;
};
void deal_free(struct deal *d);

/* Locks the contract and fills the deal, but for the cuts. */
MUST_USE enum err deal_lock(struct deal *d, int64_t contract_id);
/* What came of this very request before: fills the answer, *found. ERR_IDEMPOTENCY when the key was
 * used for something else. */
MUST_USE enum err deal_repeated(struct life *l, const char *kind, bool *found);
/* The contract's history and the audit log. */
MUST_USE enum err deal_record(struct deal *d, const char *kind, struct utc at, const char *suffix);

/* The purse of a purpose, made when there is none. */
MUST_USE enum err deal_purse(struct deal *d, const struct life_purse *p, int64_t *id, bool *made);
/* Gives the meters of the cuts to the contract: no other may hold them. */
MUST_USE enum err deal_take_meters(struct deal *d);
/* Settles what was typed in. */
MUST_USE enum err deal_settle(struct deal *d, const char *cause);
/* The levels of its purses, and the blocks that follow them on the points of the cuts. */
MUST_USE enum err deal_supply(struct deal *d);

/* An opening before the settlement; after it comes deal_supply(). */
MUST_USE enum err opening_begin(struct deal *d, const struct contract_open *o);
/* A closing around it. */
MUST_USE enum err closing_begin(struct deal *d, const struct contract_close *c);
MUST_USE enum err closing_end(struct deal *d, const struct contract_close *c, bool followed);
