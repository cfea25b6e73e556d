#pragma once
/* A cashier's shift and its drawer. What the drawer should hold is what was posted to it. */
#include "db/listing.h"

struct shift {
	int64_t id;
	int64_t user_id;
	struct utc opened_at;
	struct utc closed_at;
	int64_t counted_fen;
	int64_t sales_fen; /* all methods */
	int64_t cash_fen;  /* what the drawer should hold */
	int64_t count;
};

/* ERR_CONFLICT when the user already has an open shift. */
MUST_USE enum err shift_open(struct db *db, int64_t user_id, struct utc now, struct shift *out);
/* ERR_NOT_FOUND when there is none. */
MUST_USE enum err shift_current(struct db *db, int64_t user_id, struct shift *out);
/* The counted cash against what the drawer should hold; the difference is posted to over_short, on
 * the book day of the user's site, or of the shift's sales where the user sees every site. The same
 * closing again is answered as it is; with another count ERR_CONFLICT. ERR_NOT_FOUND when the user
 * has no such shift. */
MUST_USE enum err shift_close(struct db *db, int64_t id, int64_t user_id, int64_t counted_fen,
	struct utc now, struct shift *out, struct problem *why);
/* Rows of struct shift; args: the user. */
extern const struct listing shift_listing;

/* The user's open shift, or an open shift by id, locked: what moves one drawer follows each other.
 * Inside db_tx, before any account is locked. The sums are not filled. ERR_SHIFT_CLOSED. */
MUST_USE enum err shift_lock(struct db *db, int64_t user_id, struct shift *out);
MUST_USE enum err shift_lock_id(struct db *db, int64_t id, struct shift *out);
/* The account of its drawer. */
MUST_USE enum err shift_drawer(struct db *db, int64_t id, int64_t *account_id);
