#pragma once
/* Access tokens: JWT, HS256, 15 minutes. */
#include "base/clock.h"
#include "base/str.h"

#define TOKEN_LIFE_S (15 * 60)
#define TOKEN_MAX 4096
#define TOKEN_KEY_MIN 32

struct token {
	int64_t user_id;
	char family[33]; /* of the session that it was made in */
};

/* The caller frees *out with free(). The key has at least TOKEN_KEY_MIN bytes. */
MUST_USE enum err token_make(
	const struct buf *key, const struct token *t, struct utc now, char **out);

/* Everything about a token is checked here, and nowhere else: size, three parts, the header's alg
 * (HS256 exactly) and typ, signature, exp, nbf, iat, iss, aud, use and sub. libjwt by itself checks
 * only the signature, and would take alg none, other algorithms, and no exp at all.
 * ERR_TOKEN_EXPIRED for a token that is good but for its exp; ERR_UNAUTHORIZED otherwise. */
MUST_USE enum err token_check(
	const struct buf *key, const char *text, struct utc now, struct token *out);
