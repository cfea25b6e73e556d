#pragma once
/* The books: entries whose postings sum to zero, never updated or deleted. */
#include "base/zone.h"
#include "db/db.h"

struct posting {
	int64_t account_id;
	struct money amount; /* positive credits the account */
	bool purse;	     /* a purse: its balance moves; company accounts keep none */
};

struct entry {
	const char *kind;      /* "recharge" "sale" "opening" … */
	const char *once_key;  /* makes this entry impossible twice */
	const char *reference; /* "order:17" */
	const char *actor;     /* "user:3", "worker", "poller" */
	const char *memo;
	int64_t site_id;
	struct day book_day; /* local day of the site */
	struct utc at;
	const char *undoes; /* of a reversal: the kind of the entry that it undoes; else NULL */
};

/* Writes an entry and moves the balances of the purses in it (v = v + d), and with them what is
 * left of their subsidies, as the kind of entry says. Only inside db_tx, before any other write of
 * that transaction. ERR_ALREADY when once_key was used: nothing is written and *entry_id is the id
 * of the first. ERR_CONFLICT when the book day is closed. ERR_INTERNAL when the postings do not sum
 * to zero. */
MUST_USE enum err entry_post(
	struct db *db, const struct entry *e, const struct posting *p, size_t n, int64_t *entry_id);
/* The same for charges that settlement took from their purses when they arose: no balance moves,
 * and the day may be closed, because this is how it is sealed. The caller has locked the purses. */
MUST_USE enum err entry_post_taken(
	struct db *db, const struct entry *e, const struct posting *p, size_t n, int64_t *entry_id);

/* The id of a company account by its code ("clearing:wechat", "energy", "drawer:3"), made on first
 * use; its kind is the part before ':'. ERR_INTERNAL for a code that the chart does not have. */
MUST_USE enum err account_company(struct db *db, const char *code, int64_t *id);
