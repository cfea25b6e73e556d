#pragma once
/* Who may log in, by password or by a code sent to their phone. */
#include "db/db.h"
#include "rules/password.h"

struct user {
	int64_t id;
	char username[257];
	char kind[8]; /* "staff" "tenant" */
	char name[257];
	char phone[21];
	char role[129];	 /* staff only */
	int64_t site_id; /* staff: 0 sees every site */
	bool in_areas;	 /* staff: sees some areas of the site only (scope.h) */
	bool disabled;
	bool password_old; /* somebody else set it: to be changed before anything else */
	bool may;	   /* of user_check(): has the permission asked for, in a live session */
};

#define PASSWORD_HASH_MAX 200

/* argon2id as OWASP asks (2 passes, 19 MiB). */
MUST_USE enum err password_hash(const char *password, char out[static PASSWORD_HASH_MAX]);

/* ERR_WRONG_PASSWORD for an unknown, disabled or password-less user too, after the same work.
 * ERR_LOCKED after five failures in a row, for 30 s doubling with each further one up to an hour.
 * ERR_UNAVAILABLE when four hashes are being computed already. */
MUST_USE enum err user_login(struct db *db, const char *username, const char *password,
	struct utc now, struct user *out);

#define SMS_CODE_LIFE_MS (5 * 60 * 1000)
#define SMS_CODE_PAUSE_MS (60 * 1000)
/* Puts a login code for a known tenant's phone into the outbox. An unknown phone gets the same
 * result without a message. ERR_TOO_MANY for more than 1 in a minute, 5 in an hour or 10 in a day
 * for a phone, and for more than 10, 60 or 300 from one address, behind which a whole mall may be.
 */
MUST_USE enum err user_send_code(
	struct db *db, const char *phone, const char *address, struct utc now);
/* Forgets codes and requests for them that are a day old. */
MUST_USE enum err user_codes_purge(struct db *db, struct utc now);
/* A code counts once, for 5 minutes and at most 5 tries; ERR_WRONG_CODE. */
MUST_USE enum err user_login_code(
	struct db *db, const char *phone, const char *code, struct utc now, struct user *out);

/* The owner's new password. ERR_WRONG_PASSWORD and ERR_LOCKED as user_login(); ERR_OUT_OF_RANGE,
 * ERR_BAD_VALUE by password_rules() or when it is the old one. Ends all sessions but family. */
struct password_change {
	int64_t user_id;
	const char *old_password, *new_password;
	const char *family, *actor, *address;
	struct utc now;
};
/* Is it the user's password? Errors as above, of the field password. */
MUST_USE enum err user_password_is(
	struct db *db, int64_t id, const char *password, struct utc now, struct problem *why);
MUST_USE enum err user_password_change(
	struct db *db, const struct password_change *c, struct problem *why);
#define PASSWORD_MADE_MAX 21
/* 20 letters and digits that are not easily taken for another. */
void password_make(char out[static PASSWORD_MADE_MAX]);

MUST_USE enum err user_get(struct db *db, int64_t id, struct user *out);
/* The caller of a request, read anew each time, so that a disabled user, a changed role and an
 * ended session count at once. permission may be "" (any will do). ERR_UNAUTHORIZED when the user
 * or the session is no more. */
MUST_USE enum err user_check(
	struct db *db, int64_t id, const char *family, const char *permission, struct user *out);

/* The same for a service account, whose key was checked. */
MUST_USE enum err user_check_service(
	struct db *db, int64_t id, const char *permission, struct user *out);

/* After user_login(): the second factor, of who has one. ERR_CODE_REQUIRED without a code;
 * ERR_WRONG_CODE, counted as a wrong password is. key: of totp.h. */
MUST_USE enum err user_second_factor(
	struct db *db, int64_t id, const unsigned char *key, const char *code, struct utc now);

struct permission {
	char permission[49];
};
MUST_USE enum err user_permissions(struct db *db, int64_t id, struct rows *out);

struct user_area {
	int64_t id;
	char code[129];
	char name[257];
};
/* Rows of struct user_area: what a member of staff is confined to; none: the whole site. */
MUST_USE enum err user_areas(struct db *db, int64_t id, struct rows *out);

struct user_tenant {
	int64_t id;
	char code[129];
	char name[257];
	char room[129];
	int64_t site_id;
};
extern const struct shape user_tenant_shape;
MUST_USE enum err user_tenants(struct db *db, int64_t id, struct rows *out);

struct site {
	int64_t id;
	char code[129];
	char name[257];
	char zone[64];
};
/* The site of a staff user, or of a tenant's first shop; ERR_NOT_FOUND for staff of every site
 * unless there is only one. */
MUST_USE enum err user_site(struct db *db, const struct user *u, struct site *out);
