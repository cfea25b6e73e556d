#pragma once
#include "db/db.h"

struct migration {
	int64_t number;
	char name[128];
	char sha256[65];
	struct utc finished_at; /* 0: pending, or interrupted half way */
};

/* Applies NNNN_name.sql of a folder in ascending order, each once, then grants.sql every time.
 * MariaDB commits at every DDL statement, so a file is written to be repeatable, and a row without
 * finished_at marks one that was interrupted: it runs again. A changed file that was applied, or a
 * database newer than the folder, is refused (ERR_CONFLICT, with the reason in why). */
MUST_USE enum err migrate_run(struct db *db, const char *folder, struct problem *why);
/* The state of every migration of the folder; rows of struct migration. */
MUST_USE enum err migrate_status(
	struct db *db, const char *folder, struct rows *out, struct problem *why);
