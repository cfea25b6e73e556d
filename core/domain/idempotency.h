#pragma once
/* A POST that moves money or a relay happens once per Idempotency-Key of a user. */
#include "db/db.h"

struct idempotent {
	int64_t user_id;
	const char *key;
	const char *request_sha256; /* hex; of method, path and body */
};

struct stored_answer {
	int64_t status;
	char *body; /* JSON; the caller frees */
};

/* Claims the key before the work: ERR_OK, do it. ERR_ALREADY: done before, here is its answer.
 * ERR_IDEMPOTENCY: the key belongs to another request. ERR_CONFLICT: the same request is being
 * worked on. A claim whose worker died may be taken over after 30 s. */
MUST_USE enum err idempotent_begin(
	struct db *db, const struct idempotent *i, struct utc now, struct stored_answer *out);
/* Keeps the answer of finished work. */
MUST_USE enum err idempotent_done(
	struct db *db, const struct idempotent *i, int64_t status, const char *body);
/* Gives the key back: the work failed and changed nothing. */
MUST_USE enum err idempotent_undone(struct db *db, const struct idempotent *i);
