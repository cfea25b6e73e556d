#pragma once
/* Undoing an entry (冲正): its mirror, once, on today's book day. */
#include "domain/approval.h"

struct reversal_new {
	int64_t entry_id;
	int64_t site_id; /* that the caller is confined to; 0: none */
	int64_t user_id;
	const char *actor, *address;
	const char *reason;
	const char *once_key;
	bool own_sales_only; /* the caller may undo sales of the own open shift, and nothing else */
};

/* What became of an act that may need a second person: one of the two is not 0. */
struct booked {
	int64_t entry_id;
	int64_t approval_id;
};

/* Balances, levels and supply follow. Cash comes from the drawer of the caller's open shift, or, of
 * a shift that is still open, from the one it went into; ERR_SHIFT_CLOSED when there is neither.
 * Above the setting reversal_limit_fen (desk_reversal_limit_fen for own_sales_only) it waits for a
 * second person. ERR_FORBIDDEN for what own_sales_only leaves out. ERR_CONFLICT for a kind that
 * is not undone by hand and for money that was refunded since; ERR_ALREADY for the second reversal.
 * The same request again finds the first. */
MUST_USE enum err reversal_create(struct db *db, const struct reversal_new *n, struct utc now,
	struct booked *out, struct problem *why);

/* The approved one. */
MUST_USE enum err reversal_approved(struct db *db, const struct approval *a, const json_t *params,
	const char *actor, struct utc now, struct problem *why);
