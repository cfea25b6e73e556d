#pragma once
/* What the files around tariffs share: the document as it is kept, and price changes that wait for
 * a second person. */
#include "domain/tariff.h"

/* The document of the one row of a query that has this shape; the caller owns it. */
extern const struct shape tariff_doc_shape;
MUST_USE enum err tariff_doc_one(
	struct db *db, const struct query *q, const struct arg *args, size_t n, json_t **out);

MUST_USE enum err tariff_doc_read(struct db *db, int64_t id, json_t **out);

struct tariff_meter {
	char utility[12];
	char zone[64];
	char billing[12];
	int64_t site_id;
};
MUST_USE enum err tariff_meter_read(struct db *db, int64_t meter_id, struct tariff_meter *out);

/* Does the file move prices by more than a site allows that has the tariff? Then as c->guard says.
 * *waits: a second person was asked. Inside db_tx, before any other write. */
MUST_USE enum err price_change_ask(struct db *db, int64_t tariff_id, const json_t *was,
	const struct tariff_change *c, bool *waits, struct problem *why);
/* The same for another tariff of a meter, that moves its prices so far. */
MUST_USE enum err price_assign_ask(struct db *db, const struct tariff_assign *a, int64_t site_id,
	int64_t permille, bool *waits, struct problem *why);
