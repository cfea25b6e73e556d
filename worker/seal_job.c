#include "domain/bookday.h"
#include "domain/losswatch.h"
#include "domain/monthsum.h"
#include "worker/jobs.h"

/* A day of each site in one run: a long absence is worked off gently, oldest day first. */
enum err job_seal(struct tools *t, struct utc now)
{
	return bookday_seal_due(t->db, now);
}

#define SUM_DAYS 8 /* in one run; a past of years is worked off gently */

/* Sealed days become part of the sums of their months. */
enum err job_month_sums(struct tools *t, struct utc now)
{
	int64_t n;

	return monthsum_run(t->db, now, SUM_DAYS, &n);
}

#define LOSS_SITES 8 /* in one run */

/* Losses of a site, once for each day that it seals. */
enum err job_losses(struct tools *t, struct utc now)
{
	return losswatch_run(t->db, now, LOSS_SITES);
}
