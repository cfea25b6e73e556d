#pragma once
/* Several threads for work that waits on others, for as long as there is some. */
#include "worker/jobs.h"

#define CREW_MOST 16

struct crew_work {
	const char *service;
	size_t most; /* threads, up to CREW_MOST */
	/* How much is due. */
	enum err (*due)(struct db *db, const char *service, struct utc now, int64_t *n);
	/* Takes up one piece and does it; ERR_NOT_FOUND: there is none. Errors of one piece are
	 * logged, not returned: the next is not kept waiting. */
	enum err (*step)(struct tools *t, const char *service);
};
/* Until nothing is due: by the caller's thread, and, as long as more is due, by others with a
 * database connection each. So a service that answers slowly is asked about many things at a time.
 */
enum err crew_run(struct tools *t, const struct crew_work *w);
