#include "domain/fee.h"
#include "domain/feecut.h"
#include "domain/sharerun.h"
#include "worker/jobs.h"

/* Fees of the month, and lists of those who did not pay. */
enum err job_fees(struct tools *t, struct utc now)
{
	enum err charged = fees_due(t->db, now);
	enum err listed = fee_cuts_due(t->db, now);

	return charged == ERR_OK ? listed : charged;
}

enum err job_shares(struct tools *t, struct utc now)
{
	return shares_due(t->db, now);
}
