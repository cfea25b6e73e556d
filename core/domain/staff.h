#pragma once
/* Members of staff, as those who may manage users see and change them. */
#include "db/listing.h"

struct staff {
	int64_t id;
	char username[257];
	char kind[8]; /* "staff" "service" */
	char name[257];
	char phone[21];
	int64_t role_id;
	char role[129];
	int64_t site_id;  /* 0: every site */
	char areas[4001]; /* ids, parted by commas; "": the whole site */
	bool disabled;
	bool password_old; /* somebody else set it: its owner must change it first */
	struct utc locked_until;
	struct utc created_at;
};

/* Who asks; his site and permissions bound what he may give and whom he may change. */
struct staff_act {
	int64_t user_id;
	int64_t site_id; /* 0: none */
	const char *actor, *address;
	struct utc now;
};

#define STAFF_AREAS_MAX 100
struct staff_new {
	const char *kind; /* "staff" "service" */
	const char *username, *name, *phone;
	const char *password_hash; /* of a password that must be changed at once; "" none */
	int64_t role_id, site_id;  /* site_id 0: every site */
	const int64_t *areas;	   /* of that site */
	size_t areas_n;
};

struct staff_change {
	const char *name, *phone; /* NULL: as it is */
	int64_t role_id;	  /* 0: as it is */
	bool placed;		  /* site and areas are given */
	int64_t site_id;
	const int64_t *areas;
	size_t areas_n;
	int disabled; /* -1: as it is */
};

/* Members of staff: rows of struct staff; its argument is the caller's site, 0: all. */
extern const struct listing staff_listing;
MUST_USE enum err staff_get(struct db *db, int64_t site_id, int64_t id, struct staff *out);

/* ERR_ALREADY for a name that exists. ERR_FORBIDDEN for a role with a permission that who asks
 * lacks: nobody gives, or manages, what he does not have. ERR_NOT_FOUND for a role, site or area
 * that is not there for who asks. */
MUST_USE enum err staff_add(struct db *db, const struct staff_new *n, const struct staff_act *by,
	int64_t *id, struct problem *why);
/* The same inside a transaction that runs. */
MUST_USE enum err staff_insert(struct db *db, const struct staff_new *n, const struct staff_act *by,
	int64_t *id, struct problem *why);
/* As staff_add(); ERR_CONFLICT where nobody would be left who is admin of every site. Ends the
 * user's sessions when it disables. */
MUST_USE enum err staff_set(struct db *db, int64_t id, const struct staff_change *c,
	const struct staff_act *by, struct problem *why);
/* A password that its owner must change; ends the sessions and the lock. */
MUST_USE enum err staff_reset(struct db *db, int64_t id, const char *password_hash,
	const struct staff_act *by, struct problem *why);

/* Ends all sessions of a user. */
MUST_USE enum err staff_sessions_end(
	struct db *db, int64_t id, const struct staff_act *by, struct problem *why);
/* May who asks manage this one? For what else is done to a user; the first in a transaction of its
 * own, the second inside db_tx. */
MUST_USE enum err staff_check(
	struct db *db, int64_t id, const struct staff_act *by, struct problem *why);
MUST_USE enum err staff_manageable(struct db *db, int64_t id, const struct staff_act *by,
	struct staff *out, struct problem *why);
