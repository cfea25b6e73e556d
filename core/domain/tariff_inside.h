#pragma once
/* What the files around tariffs share: the document as it is kept, and price changes that wait for
 * a second person. */
#include "domain/tariff.h"

/* The document of the one row of a query that has this shape; the caller owns it. */
extern const struct shape tariff_doc_shape;
MUST_USE enum err tariff_doc_one(
	struct db *db, const struct query *q, const struct arg *args, size_t n, json_t **out);

/* Asks when the file moves prices by more than a site allows that has the tariff:
 * *c->approval_id is the approval then, else 0. Inside db_tx, before any other write. */
MUST_USE enum err price_change_ask(struct db *db, int64_t tariff_id, const json_t *was,
	const struct tariff_change *c, struct problem *why);
