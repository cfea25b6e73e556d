#pragma once
/* Fees of contracts by the month: property fee and rent, from the contract's fee purse.
 *
 * At the start of each local month, or on the fee's first day when that is later, one entry for
 * each fee: purse → property_fee or rent, once_key "fee:<fee>:<month>". A fee's price never
 * changes: it is ended, and another begins. When a fee is ended, months that were charged for too
 * many days are corrected by a further entry ("fee:<fee>:<month>:<version>"), so that the versions
 * of a month sum to what its days cost. No fee lasts longer than its contract. */
#include "db/listing.h"
#include "domain/account.h"
#include "rules/fee.h"

struct fee {
	int64_t id;
	int64_t contract_id;
	char contract_code[129];
	int64_t tenant_id;
	char tenant_code[129];
	char tenant_name[257];
	char room[129];
	int64_t account_id;
	struct money balance; /* of that purse */
	char kind[16];	      /* "property_fee" "rent" */
	int64_t monthly_fen;
	char from_day[DAY_TEXT_MAX];
	char to_day[DAY_TEXT_MAX]; /* "": open */
	struct utc end_at;	   /* of the contract; 0: open */
	char zone[64];
	char last_month[MONTH_TEXT_MAX]; /* charged; "": none yet */
};

struct fee_filter {
	int64_t site_id;     /* 0: every site */
	int64_t contract_id; /* 0: every contract */
	int64_t user_id;     /* of that tenant's login only; 0: all */
	int64_t id;	     /* 0: all */
};
MUST_USE enum err fee_list(struct db *db, const struct fee_filter *f, struct rows *out);
/* Rows of struct fee; args: the site (0: every). */
extern const struct listing fee_listing;

/* A fee as it stands in the books. */
struct fee_row {
	int64_t monthly_fen;
	const char *from_day, *to_day; /* "": open */
	struct utc end_at;	       /* of its contract; 0: open */
};
/* What is charged by: no day beyond the contract. */
MUST_USE enum err fee_term_of(const struct fee_row *f, const struct zone *z, struct fee_term *out);

struct fee_next {
	char month[MONTH_TEXT_MAX];
	char due_day[DAY_TEXT_MAX];
	int64_t amount_fen;
};
/* What is charged next, and when; amount_fen 0: nothing any more. */
MUST_USE enum err fee_next(const struct fee *f, struct utc now, struct fee_next *out);

struct fee_actor {
	int64_t site_id; /* that the caller is confined to; 0: none */
	const char *actor, *address;
	struct utc now;
};

struct fee_new {
	int64_t contract_id;
	const char *kind;
	int64_t monthly_fen;
	struct day from;
	bool ends;
	struct day to;
	const char *once_key;
};
/* The contract gets a fee purse if it has none. Also inside db_tx. The same once_key again finds
 * the first. ERR_NOT_FOUND without such a contract; ERR_CONFLICT when it has ended, or when a fee
 * of the kind has days in common with another of that contract; ERR_OUT_OF_RANGE for a term that
 * cannot be. */
MUST_USE enum err fee_add(struct db *db, const struct fee_new *n, const struct fee_actor *by,
	int64_t *id, struct problem *why);
/* Ends a fee on its last day, and gives back what months were charged too much. An end may be
 * moved, but not to before the day before the fee began. Also inside db_tx. */
MUST_USE enum err fee_end(
	struct db *db, int64_t id, struct day to, const struct fee_actor *by, struct problem *why);
/* The same for all fees of a contract that last longer; inside db_tx, when a contract is closed and
 * before its purses are emptied. */
MUST_USE enum err fees_end(
	struct db *db, int64_t contract_id, struct day to, const struct fee_actor *by);
/* Takes that back for one fee that was ended on stopped: it has its former last day again ("":
 * none), and its months cost what they did. ERR_CONFLICT, and nothing is changed, when it was ended
 * on another day since. Inside db_tx, when the contract is open again. */
MUST_USE enum err fee_resume(struct db *db, int64_t id, struct day stopped, const char *to_day,
	const struct fee_actor *by);

struct fee_run {
	int64_t fees; /* charged for the month so far, by this run and those before */
	int64_t amount_fen;
};
/* Charges a month of a site, not later than the present one, to all fees that have days in it and
 * have begun. Twice changes nothing. */
MUST_USE enum err fee_run(struct db *db, int64_t site_id, struct month m, const char *actor,
	struct utc now, struct fee_run *out, struct problem *why);

/* What the worker does, again and again: the present month and the two before (for fees that were
 * there then), and notices to tenants whose balance will not cover the next month. */
MUST_USE enum err fees_due(struct db *db, struct utc now);
