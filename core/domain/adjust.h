#pragma once
/* Changes to a purse that no payment and no use explains: each by a document, some by two persons.
 * Every kind is a row of one list. */
#include "domain/approval.h"
#include "domain/reversal.h"

enum adjust_sign {
	ADJUST_SIGNED,	 /* positive: into the purse */
	ADJUST_POSITIVE, /* one way only */
};

struct adjust_kind {
	const char *name;
	const char
		*other; /* the account on the other side; "" for those with a rule of their own */
	enum adjust_sign sign;
	bool closed; /* a closed account still takes it */
	const char *help;
};
extern const struct adjust_kind adjust_kinds[];
extern const size_t adjust_kinds_n;

#define ADJUST_MAX_FEN INT64_C(100000000)

struct adjust_new {
	int64_t account_id;
	int64_t to_account_id; /* transfers only; else 0 */
	int64_t site_id;       /* that the caller is confined to; 0: none */
	int64_t user_id;
	const char *actor, *address;
	const char *kind;
	int64_t amount_fen;
	const char *document; /* its number */
	const char *reason;
	const char *once_key;
};

/* ERR_AMOUNT_SMALL for zero (or a negative amount where there is one way only), ERR_AMOUNT_LARGE
 * above ADJUST_MAX_FEN or above what is there to take, ERR_BAD_VALUE for an unknown kind or a purse
 * of another contract, ERR_NOT_FOUND for an account of another site, ERR_CONFLICT for a closed one.
 * Above the setting adjustment_limit_fen it waits for a second person. The same request again finds
 * the first. */
MUST_USE enum err adjust_create(struct db *db, const struct adjust_new *n, struct utc now,
	struct booked *out, struct problem *why);
MUST_USE enum err adjust_approved(struct db *db, const struct approval *a, const json_t *params,
	const char *actor, struct utc now, struct problem *why);
