#pragma once
/* Old debt of a contract (the account debt:<contract>) and its agreed repayment: a share of each
 * recharge of any of its purses, with a cap. */
#include "db/db.h"
#include "rules/split.h"

struct debt {
	int64_t contract_id;
	struct money owed; /* 0 or more */
	int64_t permille;  /* of each recharge; 0: nothing is agreed */
	int64_t cap_fen;
};
/* ERR_NOT_FOUND for a contract of another site; site_id 0: any. */
MUST_USE enum err debt_get(struct db *db, int64_t site_id, int64_t contract_id, struct debt *out);

/* Fills the debt terms for a recharge and holds others off until the end of the transaction. The
 * purse is locked before. */
MUST_USE enum err debt_terms(struct db *db, int64_t contract_id, struct split_terms *t);

/* permille 0..1000, cap 0 or more; ERR_OUT_OF_RANGE with the field, ERR_CONFLICT when the contract
 * is closed. Inside db_tx, before any purse is locked. */
MUST_USE enum err debt_agree(
	struct db *db, int64_t contract_id, int64_t permille, int64_t cap_fen, struct problem *why);

/* "debt:7" */
#define DEBT_CODE_MAX 32
const char *debt_code(int64_t contract_id, char buf[static DEBT_CODE_MAX]);
