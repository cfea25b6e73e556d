#include "domain/alarm.h"
#include "domain/duty.h"
#include "worker/jobs.h"

enum err job_duty(struct tools *t, struct utc now)
{
	return duty_tell(t->db, now);
}

enum err job_alarms(struct tools *t, struct utc now)
{
	return alarm_watch(t->db, now);
}
