#pragma once
/* The checks of yufu verify: everything recomputed from first records, by code that shares no file
 * with what posts and charges. Findings are objects {check, object, have, want}; object names the
 * row. Memory is bounded: rows come in batches, and of findings the first FINDINGS_MAX are kept. */
#include "db/db.h"

#define FINDINGS_MAX 10000

/* All checks in one moment of the database, at any time while the system runs. */
MUST_USE enum err verify_run(struct db *db, json_t *findings);

/* The parts, one a subject; inside db_tx of a session that reads repeatably. */
MUST_USE enum err verify_readings(struct db *db, json_t *findings); /* the first: it holds tables */
MUST_USE enum err verify_books(struct db *db, json_t *findings);
MUST_USE enum err verify_sealed(struct db *db, json_t *findings);
MUST_USE enum err verify_months(struct db *db, json_t *findings);
MUST_USE enum err verify_pay(struct db *db, json_t *findings);
MUST_USE enum err verify_reconcile(struct db *db, json_t *findings);
MUST_USE enum err verify_credit(struct db *db, json_t *findings);
MUST_USE enum err verify_fees(struct db *db, json_t *findings);
MUST_USE enum err verify_shares(struct db *db, json_t *findings);
MUST_USE enum err verify_subsidy(struct db *db, json_t *findings);
MUST_USE enum err verify_supply(struct db *db, json_t *findings);
MUST_USE enum err verify_life(struct db *db, json_t *findings);
MUST_USE enum err verify_messages(struct db *db, json_t *findings);
MUST_USE enum err verify_orphans(struct db *db, json_t *findings);
MUST_USE enum err verify_chain(struct db *db, json_t *findings);
MUST_USE enum err verify_audit(struct db *db, json_t *findings);
MUST_USE enum err verify_use(struct db *db, json_t *findings);

/* All of them, in the order in which verify_run() goes through them. */
#define VERIFY_PARTS 17
extern enum err (*const verify_parts[VERIFY_PARTS])(struct db *db, json_t *findings);

void finding_add(json_t *findings, const char *check, const char *object, const char *have,
	const char *want);
