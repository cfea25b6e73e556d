#pragma once
/* Things as the audit log shows them: one list, a query a kind. */
#include "db/db.h"

/* What a thing is, as an object without secrets, and its site (0: of none). *view is NULL for a
 * kind that has no query, and for a thing that is not there. The caller owns it. */
MUST_USE enum err audit_view(
	struct db *db, const char *kind, int64_t id, json_t **view, int64_t *site_id);

/* The members of two objects that differ, those of objects within them too: of each its part. NULL
 * stays NULL; both may be empty objects afterwards. */
void audit_diff(const json_t *before, const json_t *after, json_t **was, json_t **is);

/* Prepares every query of the list. */
MUST_USE enum err audit_views_check(struct db *db);
