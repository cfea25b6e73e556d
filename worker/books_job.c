#include "domain/allowance.h"
#include "worker/jobs.h"

/* Free allowances, when a month has begun where the contract is. */
enum err job_allowances(struct tools *t, struct utc now)
{
	return allowances_give(t->db, now);
}
