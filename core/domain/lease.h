#pragma once
/* Leases on groups of buses. A group belongs to one poller at a time; its epoch grows with every
 * take, and each transaction that settles or switches under a lease writes the group's row under
 * that epoch, so that a poller that slept through its lease can write nothing. */
#include "db/db.h"

#define LEASE_MS 12000
#define LEASE_RENEW_MS 3000

struct lease {
	int64_t group_id;
	int64_t epoch;
	char owner[64]; /* [poller] name */
};

/* A group that could be taken, and how many buses it has. */
struct lease_offer {
	int64_t group_id;
	int64_t buses;
};

/* Groups with enabled gateways whose lease has run out (rows of struct lease_offer, by id). With
 * mine also those whose lease is in the name of owner: only for a process that has just started and
 * holds nothing, which is its own successor. */
MUST_USE enum err leases_free(
	struct db *db, const char *owner, bool mine, struct utc now, struct rows *out);
/* Takes a group until now + LEASE_MS. ERR_CONFLICT when somebody else was faster. */
MUST_USE enum err lease_take(struct db *db, int64_t group_id, const char *owner, bool mine,
	struct utc now, struct lease *out);
/* ERR_FENCED when it belongs to somebody else by now. */
MUST_USE enum err lease_renew(struct db *db, const struct lease *l, struct utc now);
/* Gives it back; losing the race with a successor is no error. */
MUST_USE enum err lease_give_back(struct db *db, const struct lease *l);
/* Inside db_tx, first: this transaction counts only under this lease. ERR_FENCED otherwise. */
MUST_USE enum err lease_fence(struct db *db, const struct lease *l);
