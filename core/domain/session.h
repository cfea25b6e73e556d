#pragma once
/* Refresh tokens: 256 random bits, stored by SHA-256, each good for one use. All tokens rotated
 * from one login are a family; using a spent one again ends the family, because then two people
 * hold it. A repeat within 10 s whose successor was never used is a lost answer, not a theft. */
#include "db/db.h"

#define SESSION_TOKEN_MAX 65
#define SESSION_FAMILY_MAX 33
#define SESSION_LIFE_MS (INT64_C(30) * 24 * 3600 * 1000)
#define SESSION_REPEAT_MS 10000

struct session_new {
	int64_t user_id;
	char family[SESSION_FAMILY_MAX];
	char token[SESSION_TOKEN_MAX]; /* the only place where it is readable */
};

/* Who asks: what the session is known by in its user's list. */
struct session_from {
	const char *agent; /* User-Agent; any bytes */
	const char *address;
};
MUST_USE enum err session_start(struct db *db, int64_t user_id, const struct session_from *from,
	struct utc now, struct session_new *out);
/* ERR_UNAUTHORIZED: unknown, expired, revoked or spent. */
MUST_USE enum err session_refresh(struct db *db, const char *token, const struct session_from *from,
	struct utc now, struct session_new *out);
/* Ends the family of a token; an unknown token is no error. */
MUST_USE enum err session_end(struct db *db, const char *token, struct utc now);

struct session_row {
	int64_t id;
	char family[SESSION_FAMILY_MAX];
	struct utc since;
	struct utc used_at; /* login, or the last change of tokens */
	char agent[801];
	char address[257];
};
/* Rows of struct session_row that are open, newest use first. */
MUST_USE enum err session_list(struct db *db, int64_t user_id, struct utc now, struct rows *out);

struct session_revoke {
	int64_t user_id;
	int64_t id;	  /* of session_row; 0: all of them */
	const char *keep; /* but this family; "" none */
	const char *actor, *address;
	struct utc now;
};
/* ERR_NOT_FOUND for an id that is not one of the user's open ones. Its access tokens end too. */
MUST_USE enum err session_revoke(struct db *db, const struct session_revoke *r);
