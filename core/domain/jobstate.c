#include "domain/jobstate.h"

#include <stdio.h>

#include "domain/alarm.h"

#define FAILED_MS 60000

/* Assignments see those before them. */
static const struct query Q_NOTE = {
	"INSERT INTO job_state (name, worker, every_ms, run_at, took_ms, result, runs, failures,"
	" failing_since, failed_at, ok_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	" ON DUPLICATE KEY UPDATE worker = VALUES(worker), every_ms = VALUES(every_ms),"
	" run_at = VALUES(run_at), took_ms = VALUES(took_ms), result = VALUES(result),"
	" runs = runs + VALUES(runs), failures = failures + VALUES(failures),"
	" failing_since = IF(VALUES(failing_since) = 0 OR failing_since = 0,"
	" VALUES(failing_since), failing_since), failed_at = GREATEST(failed_at, "
	"VALUES(failed_at)), ok_at = GREATEST(ok_at, VALUES(ok_at))",
	NULL
};

#define DAY_MS (INT64_C(24) * 3600 * 1000)
const struct job_outside jobs_outside[] = { { "backup", DAY_MS }, { "verify", DAY_MS } };
const size_t jobs_outside_n = ARRAY_LEN(jobs_outside);

#define F(member) FIELD(struct job_state, member)
SHAPE(state_shape, struct job_state, F(name), F(worker), F(every_ms), F(run_at), F(took_ms),
	F(result), F(runs), F(failures), F(failing_since), F(failed_at), F(ok_at));
#undef F
static const struct query Q_LIST = {
	"SELECT name, worker, every_ms, run_at, took_ms, result, runs, failures, failing_since,"
	" failed_at, ok_at FROM job_state WHERE ? IN ('', name) ORDER BY name",
	&state_shape
};

enum err job_states(struct db *db, const char *name, struct rows *out)
{
	return db_list(db, &Q_LIST, ARGS(arg_text(name)), out);
}

static enum err write_down(struct db *db, const struct job_run *r, bool well)
{
	struct utc never = { 0 };

	return db_exec(db, &Q_NOTE,
		ARGS(arg_text(r->name), arg_text(r->worker), arg_i64(r->every_ms), arg_utc(r->at),
			arg_i64(r->took_ms), arg_text(r->result), arg_i64(r->runs),
			arg_i64(r->failures), arg_utc(well ? never : r->at),
			arg_utc(r->failures ? r->at : never), arg_utc(well ? r->at : never)),
		NULL);
}

enum err job_state_note(struct db *db, const struct job_run *r)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct job_state *s;
	bool well = str_eq(r->result, "ok"), outside = str_eq(r->worker, JOB_OUTSIDE);
	char text[200];
	enum err e = write_down(db, r, well);

	if (e == ERR_OK && well)
		return alarm_clear_code(db, "job_failed", "job", r->name, r->at);
	if (e == ERR_OK)
		e = job_states(db, r->name, &rows);
	s = rows.at;
	if (e != ERR_OK || rows.n != 1)
		return e;
	if (!outside && r->at.ms - s->failing_since.ms < FAILED_MS)
		return e;
	snprintf(text, sizeof(text), "the job %s fails%s: %s", r->name,
		outside ? "" : " for a minute and more", r->result);
	return alarm_raise(
		db, &(struct alarm_new){ "job_failed", "urgent", "job", 0, r->name, text }, r->at);
}

enum err job_outside_note(struct db *db, const char *name, bool well, struct utc now)
{
	for (size_t i = 0; i < jobs_outside_n; i++)
		if (str_eq(jobs_outside[i].name, name))
			return job_state_note(db, &(struct job_run){ .name = name,
							  .worker = JOB_OUTSIDE,
							  .every_ms = jobs_outside[i].every_ms,
							  .result = well ? "ok" : "failed",
							  .runs = 1,
							  .failures = !well,
							  .at = now });
	return ERR_NOT_FOUND;
}

bool job_state_late(const struct job_state *s, struct utc now)
{
	return now.ms > s->run_at.ms + s->every_ms + s->every_ms / 4 + JOB_LATE_MS;
}
