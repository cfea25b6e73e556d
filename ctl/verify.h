#pragma once
/* The checks of yufu verify. Findings are objects {check, object, have, want}. */
#include "db/db.h"

/* All checks in one moment of the database; the session must read repeatably. */
MUST_USE enum err verify_run(struct db *db, json_t *findings);

/* The hash chain of the sealed days, by code that shares nothing with the seal; inside db_tx. */
MUST_USE enum err verify_chain(struct db *db, json_t *findings);

void finding_add(json_t *findings, const char *check, const char *object, const char *have,
	const char *want);
