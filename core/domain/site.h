#pragma once
/* Sites, for jobs that go through them, and their local time. */
#include "base/zone.h"
#include "db/db.h"

struct site_ref {
	int64_t id;
	char zone[64];
};
MUST_USE enum err site_refs(struct db *db, struct rows *out); /* all of them, by id */
/* ERR_NOT_FOUND when there is no such site. The caller frees. */
MUST_USE enum err site_zone(struct db *db, int64_t site_id, struct zone **out);
/* The local day of an instant. */
MUST_USE enum err site_day(struct db *db, int64_t site_id, struct utc at, struct day *out);

/* The purse of a contract for "electricity", "water" or "fee"; made, empty, when there is none.
 * Only inside db_tx. */
MUST_USE enum err purse_of(
	struct db *db, int64_t contract_id, const char *purpose, int64_t *account_id);
