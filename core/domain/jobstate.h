#pragma once
/* How the worker's jobs are doing. */
#include "db/db.h"

struct job_run { /* runs of one job since the last note */
	const char *name, *worker;
	int64_t every_ms, took_ms;
	const char *result; /* of the last: "ok", or the word of its error */
	int64_t runs, failures;
	struct utc at; /* end of the last */
};
/* After a run. A job that has failed for a minute raises the alarm job_failed; one that is well
 * again clears it. */
MUST_USE enum err job_state_note(struct db *db, const struct job_run *r);

struct job_state {
	char name[193], worker[321];
	int64_t every_ms;
	struct utc run_at;
	int64_t took_ms;
	char result[129];
	int64_t runs, failures;
	struct utc failing_since, failed_at, ok_at; /* 0: not, never */
};
/* By name; "": all of them. */
MUST_USE enum err job_states(struct db *db, const char *name, struct rows *out);
