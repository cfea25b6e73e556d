#pragma once
/* How the jobs of the worker are doing, for who watches them. */
#include "db/db.h"

struct job_sign {
	const char *name, *worker;
	enum err result;
	struct utc failing_since; /* 0: it is well */
};
/* After a run. A job that has failed for a minute raises job_failed; one that is well again clears
 * it. */
MUST_USE enum err job_health_put(struct db *db, const struct job_sign *run, struct utc now);

struct job_health {
	char name[193];
	char worker[321];
	struct utc ran_at, ok_at, failing_since;
	char error[97];
};
/* Rows of struct job_health. */
MUST_USE enum err job_health_list(struct db *db, struct rows *out);
