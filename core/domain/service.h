#pragma once
/* Service accounts: other systems, known by a key, with a role and a scope as members of staff
 * have. A key is 256 random bits, stored by SHA-256 only. */
#include "domain/staff.h"
#include "domain/user.h"

#define SERVICE_KEY_PREFIX "yk_"
#define SERVICE_KEY_MAX 68 /* "yk_" and 64 hex digits */
#define SERVICE_ADDRESSES_MAX 8

struct service {
	int64_t id;
	char username[257];
	char name[257];
	int64_t role_id;
	char role[129];
	int64_t site_id;
	char areas[4001]; /* ids, parted by commas */
	bool disabled;	  /* revoked */
	char hint[65];
	char addresses[1601];
	struct utc expires_at;
	struct utc made_at;
	struct utc used_at;
};

/* Rows of struct service, revoked ones too; its argument is the caller's site, 0: all. */
extern const struct listing service_listing;
MUST_USE enum err service_get(struct db *db, int64_t site_id, int64_t id, struct service *out);

struct service_new {
	struct staff_new user; /* kind service, no password */
	struct utc expires_at; /* 0: never */
	const char *addresses; /* parted by commas; "": from anywhere */
};
/* As staff_add(). key is readable here and nowhere else. */
MUST_USE enum err service_add(struct db *db, const struct service_new *n,
	const struct staff_act *by, int64_t *id, char key[static SERVICE_KEY_MAX],
	struct problem *why);
/* Another key; the one before counts no more. ERR_CONFLICT when it is revoked. */
MUST_USE enum err service_rekey(struct db *db, int64_t id, const struct staff_act *by,
	char key[static SERVICE_KEY_MAX], struct problem *why);
/* Revoked at once and for good. Again is no error. */
MUST_USE enum err service_revoke(
	struct db *db, int64_t id, const struct staff_act *by, struct problem *why);

/* The caller of a request with a key, as user_check(). ERR_UNAUTHORIZED: no such key, expired,
 * revoked, or from elsewhere than it may come. */
MUST_USE enum err service_check(struct db *db, const char *key, const char *address,
	const char *permission, struct utc now, struct user *out);
