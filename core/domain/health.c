#include "domain/health.h"

#include "domain/jobstate.h"

#define FAILING_MS 60000

#define F(member) FIELD(struct health, member)
SHAPE(health_shape, struct health, F(read_only), F(migration), F(unfinished), F(groups),
	F(groups_free), F(worker_ms), F(jobs_failing));
#undef F
static const struct query Q_LOOK = {
	"SELECT @@global.read_only AS read_only,"
	" (SELECT COALESCE(MAX(number), 0) FROM schema_migration WHERE finished_at > 0) AS "
	"migration,"
	" (SELECT COUNT(*) FROM schema_migration WHERE finished_at = 0) AS unfinished,"
	" (SELECT COUNT(DISTINCT bus_group_id) FROM gateway WHERE enabled = 1) AS `groups`,"
	" (SELECT COUNT(DISTINCT b.id) FROM bus_group b JOIN gateway g ON g.bus_group_id = b.id"
	" WHERE g.enabled = 1 AND b.until_at < w.now) AS groups_free,"
	" COALESCE((SELECT w.now - MAX(run_at) FROM job_state WHERE worker <> '" JOB_OUTSIDE
	"'), -1) AS worker_ms,"
	" (SELECT COUNT(*) FROM job_state WHERE failing_since > 0 AND failing_since < w.now - ?"
	" AND worker <> '" JOB_OUTSIDE "')"
	" AS jobs_failing FROM (SELECT ? AS now) w",
	&health_shape
};
/* No row has this key. */
static const struct query Q_WRITE = { "DELETE FROM sms_code WHERE phone = '-'", NULL };

enum err health_look(struct db *db, struct utc now, struct health *out)
{
	enum err e = db_one(db, &Q_LOOK, ARGS(arg_i64(FAILING_MS), arg_utc(now)), out);

	return e == ERR_OK && !out->read_only ? db_exec(db, &Q_WRITE, NO_ARGS, NULL) : e;
}
