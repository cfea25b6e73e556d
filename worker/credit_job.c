/* Credit on its way into meters that keep it themselves. */
#include "domain/credit.h"
#include "domain/metersetting.h"
#include "worker/jobs.h"

enum err job_credit(struct tools *t, struct utc now)
{
	enum err e = credit_work(t->db, now);

	return e == ERR_OK ? metersettings_alarm(t->db, now) : e;
}
