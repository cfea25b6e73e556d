/* What runs by the calendar beside money. */
#include "domain/timetable.h"
#include "worker/jobs.h"

enum err job_timetables(struct tools *t, struct utc now)
{
	return timetables_run(t->db, now);
}
