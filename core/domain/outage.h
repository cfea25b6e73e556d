#pragma once
/* When gateways and meters were silent: kept for good, for whoever asks later why there is no
 * reading. A meter behind a silent gateway has no outage of its own. */
#include "db/listing.h"

/* kind: "gateway" or "meter". last_answer: its last sign of life. While it is away already, nothing
 * changes. */
MUST_USE enum err outage_begin(
	struct db *db, const char *kind, int64_t object_id, struct utc last_answer);
/* Nothing when it is not away. */
MUST_USE enum err outage_end(struct db *db, const char *kind, int64_t object_id, struct utc at);

struct outage {
	int64_t id;
	struct utc from_at;
	struct utc until_at; /* 0: still away */
};
/* Rows of struct outage; args: the kind of the object, and its id. */
extern const struct listing outage_listing;
