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
/* Jobs that others run, cron for instance, and tell us of (`yufu job done backup`). */
struct job_outside {
	const char *name;
	int64_t every_ms;
};
extern const struct job_outside jobs_outside[];
extern const size_t jobs_outside_n;
#define JOB_OUTSIDE "outside" /* stands for the worker of their runs */
/* Notes a run that ended now, well or not. ERR_NOT_FOUND: there is no such job. A failure raises
 * job_failed at once. */
MUST_USE enum err job_outside_note(struct db *db, const char *name, bool well, struct utc now);

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
/* It should have run again by now: more than a quarter of its pause, and three minutes, ago. */
bool job_state_late(const struct job_state *s, struct utc now);
#define JOB_LATE_MS 180000
/* By name; "": all of them. */
MUST_USE enum err job_states(struct db *db, const char *name, struct rows *out);
