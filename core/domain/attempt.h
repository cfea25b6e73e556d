#pragma once
/* Attempts at the books that were refused: kept in a transaction of their own, never rolled away.
 */
#include "db/listing.h"

struct attempt_new {
	const char *kind;   /* "sale" "order" "refund" "reversal" "adjustment" */
	int64_t account_id; /* as it was named, whether there is one or not; 0: none */
	int64_t site_id;    /* that of whoever asked; 0: that of the account */
	int64_t amount_fen;
	enum err why;
	const char *text;
	const char *actor;
};
MUST_USE enum err attempt_add(struct db *db, const struct attempt_new *a, struct utc now);

struct attempt {
	int64_t id;
	char kind[97];
	int64_t account_id;
	int64_t amount_fen;
	char code[129];
	char why[1201];
	char actor[257];
	struct utc at;
};
/* Rows of struct attempt; args: the site (0: every). */
extern const struct listing attempt_listing;
