#pragma once
/* The life of a contract: open, add a meter, change of tenant, close, reopen. Each is one
 * transaction; each can be previewed (see life.h).
 *
 * A change cuts each meter at an instant: at a register that a person typed in, else at its last
 * settled reading if that is fresh. So nothing is left between two parties: what is read later
 * belongs to whoever holds the meter then, and a reading of before the cut is late and never
 * charged. Only when an instant is named (`at`) and the register was read later, the use in between
 * is split by the rule of spreading.
 *
 * A meter below a charged meter is never charged again: of a branch of the metering tree only one
 * tenant's meter of a utility may be in an open contract (billing none does not count). */
#include "domain/life.h"

struct life_tenant {
	int64_t id; /* an existing one; 0: made from the rest */
	const char *code, *name, *phone, *contacts, *room;
};
struct life_purse {
	const char *purpose; /* "electricity" "water" "fee" */
	struct money opening, warn1, warn2, credit_limit, emergency_limit;
};
struct contract_open {
	const char *code; /* "": made from the tenant's */
	int64_t site_id;  /* of a new tenant */
	struct life_tenant tenant;
	struct utc at; /* 0: now, each meter at its reading */
	const struct life_reading *meters;
	size_t meters_n;
	const struct life_purse *purses; /* those that the meters need are made anyway */
	size_t purses_n;
};
struct contract_close {
	int64_t id;
	struct utc at; /* 0: now, each meter at its reading */
	const struct life_reading *readings;
	size_t readings_n;
	const char *payout; /* "cash" from the caller's open shift, "bank", "none": it stays */
	const char *reason;
};

/* New tenant, contract, purses with opening balances, meters. The start register of a meter is the
 * one typed in, or its last settled one; the block "vacant" ends. ERR_ALREADY: a code exists.
 * ERR_CONFLICT: another contract has a meter. */
MUST_USE enum err contract_open(struct db *db, const struct life_ask *ask,
	const struct contract_open *o, struct life_done *out, struct problem *why);
/* Meters for an open contract. */
MUST_USE enum err contract_add(struct db *db, const struct life_ask *ask, int64_t id, struct utc at,
	const struct life_reading *meters, size_t n, struct life_done *out, struct problem *why);
/* Settles all meters; returns deposits; then each purse ends at zero: whole fen are paid out, less
 * goes to rounding, what is missing becomes debt of the contract, unspent subsidy goes back. With
 * payout "none" the balance stays, to be refunded later. Arrears and fee blocks, keeps and named
 * sub-tenants of the contract end; the block "vacant" begins if the site wants that. ERR_CONFLICT
 * when it is closed, a recharge is under way, or a payout needs a second person. */
MUST_USE enum err contract_close(struct db *db, const struct life_ask *ask,
	const struct contract_close *c, struct life_done *out, struct problem *why);
/* Close and open with the same meters, at the same instants. o names no meters. */
MUST_USE enum err contract_change(struct db *db, const struct life_ask *ask,
	const struct contract_close *c, const struct contract_open *o, struct life_done *out,
	struct problem *why);
/* Takes the last closing back while nobody else holds a meter of it: its entries are reversed. What
 * was used since stays nobody's; the steps name it. */
MUST_USE enum err contract_reopen(struct db *db, const struct life_ask *ask, int64_t id,
	struct life_done *out, struct problem *why);

/* Inside db_tx, after meters or money came to contracts that are being prepared: the levels of
 * their purses, and on all of their supply points the blocks that follow: arrears, and no longer
 * vacant. A purse in which nothing has moved waits for its first charge, so nobody is cut before
 * the opening balances are in. */
MUST_USE enum err contracts_follow(struct db *db, const int64_t *ids, size_t n, struct utc now);
/* ERR_CONFLICT when a meter above or below it is charged to a contract already. */
MUST_USE enum err meter_branch_free(struct db *db, int64_t meter_id, struct problem *why);

/* ---- reading ---- */

struct contract_row {
	int64_t id;
	char code[129];
	int64_t tenant_id;
	char tenant_code[129];
	char tenant_name[257];
	char room[129];
	int64_t site_id;
	struct utc start_at;
	struct utc end_at; /* 0: open */
	int64_t meters;	   /* held now */
};
/* Rows of struct contract_row; args: the site (0: every). */
extern const struct listing contract_listing;
MUST_USE enum err contract_get(
	struct db *db, int64_t site_id, int64_t id, struct contract_row *out);

struct contract_meter {
	int64_t meter_id;
	char code[129];
	char name[257];
	char utility[12];
	int64_t account_id;
	struct utc from_at;
	struct utc to_at;
};
/* All that it ever held, by time (struct contract_meter). */
MUST_USE enum err contract_meters(struct db *db, int64_t id, struct rows *out);

struct contract_purse {
	int64_t id;
	char purpose[12];
	struct money balance;
	struct money credit_limit, warn1, warn2;
	char level[8];
};
MUST_USE enum err contract_purses(struct db *db, int64_t id, struct rows *out);

struct contract_event {
	int64_t id;
	char kind[8];
	struct utc at;
	char actor[257];
	struct utc created_at;
	char steps[65000]; /* JSON */
	struct utc undone_at;
};
/* Its history, newest first, at most 50 (struct contract_event). */
MUST_USE enum err contract_events(struct db *db, int64_t id, struct rows *out);
