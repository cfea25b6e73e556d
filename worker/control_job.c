/* What runs by the calendar beside money, and orders to many. */
#include "domain/batch.h"
#include "domain/timetable.h"
#include "domain/warning.h"
#include "worker/jobs.h"

enum err job_warnings(struct tools *t, struct utc now)
{
	return warnings_run(t->db, now);
}

enum err job_timetables(struct tools *t, struct utc now)
{
	return timetables_run(t->db, now);
}

enum err job_batches(struct tools *t, struct utc now)
{
	return batch_work(t->db, now);
}
