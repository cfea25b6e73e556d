#pragma once
/* Purses: what a contract has paid in and not yet used. */
#include "domain/entry.h"
#include "rules/warn.h"

struct account {
	int64_t id;
	int64_t contract_id;
	int64_t tenant_id;
	int64_t site_id;
	char purpose[12]; /* "electricity" "water" "fee" */
	char zone[64];	  /* of the site */
	char room[129];
	char tenant_name[257];
	char phone[21];
	char language[3];
	struct money balance;
	struct money credit_limit;
	struct money warn1;
	struct money warn2;
	char level[8];
	struct money emergency_limit;
	struct utc emergency_at; /* taken and not repaid; 0: armed */
	bool closed;		 /* its contract has ended: it takes no sale and warns nobody */
	struct money subsidy;	 /* of the balance: never refunded, spent first */
};

MUST_USE enum err account_get(struct db *db, int64_t id, struct account *out);
/* The same, locked until the end of the transaction. */
MUST_USE enum err account_lock(struct db *db, int64_t id, struct account *out);

/* To be called in the transaction that changed a balance, limit or level setting, after the change:
 * finds the new warning level, writes the notice of a crossing to the outbox (one per level per
 * crossing), begins or ends the arrears block of the account's supply points, and decides their
 * supply anew. A closed account crosses nothing. The zone's book day is not touched. */
MUST_USE enum err account_changed(struct db *db, int64_t id, struct utc now);
/* The same for n purses, each once, that this transaction has written and so locked. */
MUST_USE enum err accounts_changed(struct db *db, const int64_t *ids, size_t n, struct utc now);

/* The floor below which arrears begin: credit limit plus emergency credit if taken. */
struct money account_floor_credit(const struct account *a);

/* Takes the emergency credit, once until repaid. ERR_CONFLICT when there is none to take. */
MUST_USE enum err account_take_emergency(
	struct db *db, int64_t id, const char *actor, struct utc now);

#define ACCOUNT_LIMIT_YUAN 100000
struct account_limits {
	int64_t account_id;
	struct money credit_limit;    /* below zero before arrears begin */
	struct money emergency_limit; /* that a tenant may take once more below that */
	const char *actor, *address, *reason;
	struct utc now;
};
/* What staff allow a purse, with an audit row. A lower floor ends arrears at once. ERR_OUT_OF_RANGE
 * outside 0..ACCOUNT_LIMIT_YUAN. Also inside db_tx. */
MUST_USE enum err account_set_limits(
	struct db *db, const struct account_limits *l, struct problem *why);

/* Book day of the account's site. */
MUST_USE enum err account_book_day(const struct account *a, struct utc at, struct day *out);
