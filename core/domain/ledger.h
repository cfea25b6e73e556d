#pragma once
/* Reading the books: entries with their postings, and which undoes which. site_id 0: any. */
#include "base/zone.h"
#include "db/listing.h"

struct ledger_entry {
	int64_t id;
	int64_t site_id;
	char kind[97];
	char reference[257];
	char actor[257];
	char book_day[DAY_TEXT_MAX];
	struct utc created_at;
	char memo[801];
	struct money amount; /* that moved: the sum of its credits */
	int64_t reversed_by; /* the entry that undoes this one; 0: none */
	int64_t reverses;    /* the entry that this one undoes; 0: none */
	int64_t account_id;  /* the purse that it moves, the first of several; 0: none */
	int64_t tenant_id;   /* whose purse that is; 0 */
	char tenant_code[129];
	char tenant_name[257];
	char room[129];
};

/* Rows of struct ledger_entry; args: the site. */
extern const struct listing ledger_listing;
MUST_USE enum err ledger_get(struct db *db, int64_t site_id, int64_t id, struct ledger_entry *out);

/* ERR_NOT_FOUND when the key was not used. */
MUST_USE enum err ledger_find(struct db *db, const char *once_key, struct ledger_entry *out);

struct ledger_posting {
	int64_t account_id;
	char code[257];
	char kind[97];
	struct money amount; /* positive credits the account */
};
/* Rows of struct ledger_posting, in order. */
MUST_USE enum err ledger_postings(struct db *db, int64_t entry_id, struct rows *out);

/* What a company account holds: the sum of its postings; 0 when there is no such account. */
MUST_USE enum err ledger_sum(struct db *db, const char *code, struct money *out);
