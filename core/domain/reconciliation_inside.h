#pragma once
/* Shared by the files of reconciliation. */
#include "domain/reconciliation.h"

/* The row, locked until the end of the transaction. */
MUST_USE enum err reconciliation_lock(struct db *db, int64_t id, struct reconciliation *out);
/* Looks the newest revision of a bill through; with the row locked. Differences that it finds are
 * kept, those that are no more resolve themselves. */
MUST_USE enum err reconciliation_compare(struct db *db, struct reconciliation *r,
	const struct reconciliation_rules *rules, struct utc now);
/* Counts what is not resolved and says the state anew; the alarm of differences follows. In the
 * transaction that changed a difference, with the row locked. */
MUST_USE enum err reconciliation_count(struct db *db, int64_t id, struct utc now);
/* The site whose book day takes what belongs to the whole company: the first. */
MUST_USE enum err company_site(struct db *db, int64_t *site_id);
