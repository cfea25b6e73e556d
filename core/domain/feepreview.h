#pragma once
/* What a run would charge for a month, before it does: by the rule that charges, and charging
 * nothing. */
#include "domain/fee.h"

struct fee_preview_row {
	int64_t fee_id;
	int64_t account_id;
	struct day first, last; /* days of the month that it is for */
	int64_t amount_fen;	/* what these days cost */
	int64_t charged_fen;	/* of it, so far */
	int64_t due_fen;	/* what a run would charge now */
	/* "due": by a run now; "later": it begins after today; "charged"; "nothing": rounds to none
	 */
	const char *state;
	struct money balance;	    /* of the purse */
	struct money balance_after; /* and when all its fees that are due are charged */
	struct money short_by;	    /* below its credit then; zero: it covers them */
};
struct fee_preview {
	struct fee_preview_row *at; /* by fee */
	size_t n;
	int64_t due, later, charged; /* how many fees */
	int64_t due_fen, later_fen, charged_fen;
	int64_t shorts; /* purses that are due and would be short */
	struct money short_by;
	bool begun; /* the month, at every site of it: a run may be started */
};
struct fee_preview_ask {
	int64_t seen_site; /* the caller's scope (domain/scope.h) */
	int64_t site_id;   /* 0: every site that is seen */
	struct month month;
	struct utc now;
};
/* A month that has not begun is shown as at its end, when each fee has begun. out is for
 * fee_preview_free() in any case. */
MUST_USE enum err fee_preview(
	struct db *db, const struct fee_preview_ask *ask, struct fee_preview *out);
/* NULL: there was no such fee when it was worked out, or it has no day in the month. */
const struct fee_preview_row *fee_preview_find(const struct fee_preview *p, int64_t fee_id);
void fee_preview_free(struct fee_preview *p);

/* Rows of struct fee that reach into a month; args: the site (0: every), the first day of the
 * month, its last, its first instant anywhere on earth. */
extern const struct listing fee_preview_listing;
/* That instant. */
struct utc month_first_instant(struct month m);
