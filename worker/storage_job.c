#include "worker/jobs.h"

enum err job_storage(struct tools *t, struct utc now)
{
	return storage_upkeep(t->db, t->storage, now);
}
