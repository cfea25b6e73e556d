#include "domain/bookday.h"
#include "worker/jobs.h"

/* A day of each site in one run: a long absence is worked off gently, oldest day first. */
enum err job_seal(struct tools *t, struct utc now)
{
	return bookday_seal_due(t->db, now);
}
