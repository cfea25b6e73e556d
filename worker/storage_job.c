#include "domain/evidence.h"
#include "worker/jobs.h"

enum err job_storage(struct tools *t, struct utc now)
{
	return storage_upkeep(t->db, t->storage, now);
}

enum err job_evidence(struct tools *t, struct utc now)
{
	AUTO(tariffs_free) struct tariffs *cache = tariffs_open();

	return evidence_upkeep(t->db, cache, t->storage->evidence_days, now);
}
