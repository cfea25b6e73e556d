#pragma once
/* Roles as they are edited: copies of those that are shipped, which stay as they are. */
#include "domain/staff.h"

struct role {
	int64_t id;
	char code[129];
	char name[257];
	int64_t users;
	char permissions[8001]; /* parted by commas */
};

bool role_is_shipped(const char *code);

/* Rows of struct role, by id. */
MUST_USE enum err role_list(struct db *db, struct rows *out);
MUST_USE enum err role_get(struct db *db, int64_t id, struct role *out);

struct role_edit {
	const char *code;	  /* of a new one */
	const char *name;	  /* NULL: as it is */
	const char **permissions; /* NULL: as they are */
	size_t permissions_n;
};
/* ERR_FORBIDDEN for a permission that who asks lacks, or for who sees one site only: a role is of
 * all sites. ERR_BAD_VALUE for a permission that there is not. ERR_ALREADY for a code that is
 * taken. */
MUST_USE enum err role_add(struct db *db, const struct role_edit *r, const struct staff_act *by,
	int64_t *id, struct problem *why);
/* ERR_CONFLICT for a role as shipped; removing also for one that somebody has. */
MUST_USE enum err role_set(struct db *db, int64_t id, const struct role_edit *r,
	const struct staff_act *by, struct problem *why);
MUST_USE enum err role_remove(
	struct db *db, int64_t id, const struct staff_act *by, struct problem *why);
