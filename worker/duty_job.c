#include "domain/duty.h"
#include "worker/jobs.h"

enum err job_duty(struct tools *t, struct utc now)
{
	return duty_tell(t->db, now);
}
