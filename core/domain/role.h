#pragma once
/* Permissions, and the roles as shipped: sets of permissions. */
#include "db/db.h"

struct permission_row {
	const char *name;  /* noun.verb */
	const char *roles; /* shipped roles that have it, separated by blanks; admin has all */
};
extern const struct permission_row permissions[];
extern const size_t permission_count;

struct role_row {
	const char *code, *name;
};
extern const struct role_row roles[];
extern const size_t role_count;

/* Writes the roles as shipped, exactly; others are left alone. */
MUST_USE enum err roles_install(struct db *db);

struct user_new {
	const char *username, *name, *phone, *password; /* password "": none */
	const char *role;				/* staff; "" for a tenant's login */
	const char *site;				/* staff: code, "" sees every site */
	const char *tenant;				/* tenant's login: code */
};
/* Adds a login; inside db_tx. A tenant's login that exists gets the further tenant. ERR_ALREADY for
 * a staff name that exists; ERR_NOT_FOUND with the field in why. *id may be NULL. */
MUST_USE enum err user_add(struct db *db, const struct user_new *u, const char *password_hash,
	int64_t *id, struct problem *why);
