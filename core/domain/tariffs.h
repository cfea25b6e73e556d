#pragma once
/* Parsed tariffs and zones of a process. For one thread. */
#include "db/db.h"
#include "rules/tariff.h"

#define TARIFF_DOC_MAX 262144 /* bytes of a tariff file */

struct tariffs;
struct tariffs *tariffs_open(void);
void tariffs_free(struct tariffs **t);

/* A zone by its name; lives as long as the cache. */
MUST_USE enum err tariffs_zone(struct tariffs *cache, const char *name, const struct zone **out);

struct tariff_ref {
	int64_t id, revision;
};
/* The tariff as that revision has it, in a zone of the same cache; valid until a newer revision of
 * it is asked for. ERR_RETRY when the revision is not that of now. */
MUST_USE enum err tariffs_get(struct db *db, struct tariffs *cache, struct tariff_ref ref,
	const struct zone *z, const struct tariff **out);
