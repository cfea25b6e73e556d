#pragma once
/* Acts that need two persons: one asks, another with the same permission decides, and only then it
 * is done, in the transaction that approves. */
#include "base/json.h"
#include "db/listing.h"

struct approval {
	int64_t id;
	char kind[33];
	int64_t site_id;
	char object[65];
	char params[16001]; /* JSON */
	char reason[801];
	char state[9]; /* "pending" "approved" "rejected" "expired" */
	int64_t asked_by;
	struct utc asked_at;
	int64_t decided_by;
	struct utc decided_at;
	char note[801];
};

struct approval_kind {
	const char *kind;
	const char *permission; /* of who decides */
	/* Does it. Its error leaves the approval pending. */
	enum err (*apply)(struct db *db, const struct approval *a, const json_t *params,
		const char *actor, struct utc now, struct problem *why);
};
extern const struct approval_kind approval_kinds[];
extern const size_t approval_kinds_n;

#define APPROVAL_LIFE_MS (INT64_C(7) * 24 * 3600 * 1000) /* then nobody can approve it */

struct approval_new {
	const char *kind;
	int64_t site_id;
	const char *object;
	const json_t *params; /* borrowed; at most 4000 bytes of text */
	const char *reason;
	int64_t user_id; /* who asks */
	const char *once_key;
};
/* Asks; inside db_tx, before any other write. The same request again finds the first;
 * ERR_IDEMPOTENCY when its once_key was used for something else. */
MUST_USE enum err approval_ask(struct db *db, const struct approval_new *n, struct utc now,
	int64_t *id, struct problem *why);

/* Rows of struct approval; args: the site (0: every). */
extern const struct listing approval_listing;

struct approval_decision {
	int64_t id;
	int64_t site_id; /* that the decider is confined to; 0: none */
	int64_t user_id;
	const char *actor, *address;
	bool approve;
	const char *note;
	struct utc now;
};
/* ERR_FORBIDDEN for who asked (who may reject, though), or without the permission of the kind;
 * ERR_CONFLICT when it was decided otherwise or has expired; else what its apply answers. */
MUST_USE enum err approval_decide(struct db *db, const struct approval_decision *d,
	struct approval *out, struct problem *why);
