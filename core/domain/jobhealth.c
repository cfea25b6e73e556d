#include "domain/jobhealth.h"

#include <stdio.h>

#include "domain/alarm.h"

#define FAILED_MS 60000

static const struct query Q_PUT = {
	"INSERT INTO job_health (name, worker, ran_at, ok_at, failing_since, error)"
	" VALUES (?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE worker = VALUES(worker),"
	" ran_at = VALUES(ran_at), ok_at = GREATEST(ok_at, VALUES(ok_at)),"
	" failing_since = VALUES(failing_since), error = VALUES(error)",
	NULL
};
#define F(member) FIELD(struct job_health, member)
SHAPE(state_shape, struct job_health, F(name), F(worker), F(ran_at), F(ok_at), F(failing_since),
	F(error));
#undef F
static const struct query Q_LIST = {
	"SELECT name, worker, ran_at, ok_at, failing_since, error FROM job_health ORDER BY name",
	&state_shape
};

enum err job_health_put(struct db *db, const struct job_sign *run, struct utc now)
{
	bool ok = run->result == ERR_OK;
	char text[200];
	enum err e = db_exec(db, &Q_PUT,
		ARGS(arg_text(run->name), arg_text(run->worker), arg_utc(now),
			arg_i64(ok ? now.ms : 0), arg_utc(run->failing_since),
			arg_text(ok ? "" : err_word(run->result))),
		NULL);

	if (e == ERR_OK && ok)
		return alarm_clear_code(db, "job_failed", "job", run->name, now);
	if (e != ERR_OK || now.ms - run->failing_since.ms < FAILED_MS)
		return e;
	snprintf(text, sizeof(text), "the job %s fails for a minute and more: %s", run->name,
		err_word(run->result));
	return alarm_raise(
		db, &(struct alarm_new){ "job_failed", "urgent", "job", 0, run->name, text }, now);
}

enum err job_health_list(struct db *db, struct rows *out)
{
	return db_list(db, &Q_LIST, NO_ARGS, out);
}
