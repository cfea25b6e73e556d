#pragma once
/* Movements of a purse: its postings, and the charges of open days, which are not yet entries, as
 * one movement per utility and local day. Charges stand at the end of the book day that takes them,
 * sealed or not, so sealing changes no balance of a statement. Late ones name the day of their use
 * in memo. */
#include "base/zone.h"
#include "db/db.h"

struct movement {
	struct utc at; /* of a day's charges: its last instant so far */
	char kind[25];
	struct money amount;  /* positive: more money in the purse */
	struct money balance; /* after it */
	char memo[801];
	char reference[65]; /* "order:17" */
	int64_t entry_id;   /* 0: an open day */
	bool has_qty;	    /* charges of a day */
	char utility[12];   /* of them */
	struct qty qty;
};

struct statement {
	struct money opening, closing; /* before the first and after the last movement shown */
	struct movement *at;	       /* newest first */
	size_t n;
};
void statement_free(struct statement *s);

/* Movements of [from, to) in time. ERR_TOO_LARGE when there are more than 5000. */
MUST_USE enum err statement_read(struct db *db, int64_t account_id, const struct zone *z,
	struct utc from, struct utc to, struct utc now, struct statement *out);
