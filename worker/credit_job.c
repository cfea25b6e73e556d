/* Credit on its way into meters that keep it themselves. */
#include "domain/credit.h"
#include "worker/jobs.h"

enum err job_credit(struct tools *t, struct utc now)
{
	return credit_work(t->db, now);
}
