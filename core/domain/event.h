#pragma once
/* What other systems may want to know, written in the transaction that makes it so. */
#include "db/db.h"

struct event_kind {
	const char *name; /* "order.paid" */
	const char *help;
};
/* The list of kinds; a new kind is a row there and the event_add() that tells of it. */
extern const struct event_kind event_kinds[];
extern const size_t event_kind_count;

/* A delivery for each webhook that is on and wants the kind for this site (0: it is of none); no
 * webhook, no row. data is taken over: ids, amounts and words, never names, phones or openids. */
MUST_USE enum err event_add(
	struct db *db, const char *kind, int64_t site_id, json_t *data, struct utc now);
/* For one webhook, whatever it wants; the new delivery's id. */
MUST_USE enum err event_add_one(struct db *db, int64_t webhook_id, const char *kind,
	int64_t site_id, json_t *data, struct utc now, int64_t *delivery_id);
