#pragma once
/* Leases on groups of buses. A group belongs to one poller at a time; its epoch grows with every
 * take, and each transaction that settles or switches under a lease writes the group's row under
 * that epoch, so that a poller that slept through its lease can write nothing. They run by the
 * database's clock: pollers on several machines need not agree on the time. */
#include "db/db.h"
#include "rules/spread.h"

#define LEASE_MS 12000
#define LEASE_RENEW_MS 3000

struct lease {
	int64_t group_id;
	int64_t epoch;
	char owner[64]; /* [poller] name */
};

/* A poller lives while it says so at least this often. */
MUST_USE enum err poller_alive(struct db *db, const char *name, int64_t buses_max);
MUST_USE enum err poller_gone(struct db *db, const char *name);

/* A group of enabled gateways, and how many they are. */
struct lease_offer {
	int64_t group_id;
	int64_t buses;
	bool free;   /* nobody holds it */
	bool waited; /* and nobody has taken it for LEASE_WAIT_MS */
	bool named;  /* it is in the name that was asked for */
};
#define LEASE_WAIT_MS 2000
/* All groups that have buses (rows of struct lease_offer, by id). */
MUST_USE enum err leases_list(struct db *db, const char *name, struct rows *out);
/* How the buses are shared now, as a poller of that name sees it: all but mine and most. */
MUST_USE enum err leases_spread(struct db *db, const char *name, struct spread *out);
/* Takes a group for LEASE_MS. With mine also one that is in the name of owner: only for a process
 * that has just started and holds nothing, which is its own successor. ERR_CONFLICT when somebody
 * else was faster. */
MUST_USE enum err lease_take(
	struct db *db, int64_t group_id, const char *owner, bool mine, struct lease *out);
/* ERR_FENCED when it belongs to somebody else by now. */
MUST_USE enum err lease_renew(struct db *db, const struct lease *l);
/* Gives it back; losing the race with a successor is no error. */
MUST_USE enum err lease_give_back(struct db *db, const struct lease *l);
/* Inside db_tx, first: this transaction counts only under this lease. ERR_FENCED otherwise. */
MUST_USE enum err lease_fence(struct db *db, const struct lease *l);
/* The same for many leases of one owner, ascending by group and each once, in one statement.
 * ERR_FENCED leaves one that is somebody else's in *lost. */
MUST_USE enum err leases_fence(
	struct db *db, const struct lease *leases, size_t n, struct lease *lost);
