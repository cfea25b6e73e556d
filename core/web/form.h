#pragma once
/* application/x-www-form-urlencoded and percent-encoding, byte for byte. */
#include "base/str.h"

#define FORM_PAIRS_MAX 128

struct form_pair {
	const char *name, *value;
};

/* Decoded parameters, sorted by the bytes of their names. */
struct form {
	struct form_pair pairs[FORM_PAIRS_MAX];
	size_t n;
	char *store; /* the texts */
};
void form_free(struct form *f);

/* Decodes once ('+' is a blank, %XX a byte). Refused: a broken %XX, a NUL, an empty name, the same
 * name twice, more than FORM_PAIRS_MAX parameters. The caller frees. */
MUST_USE enum err form_decode(const char *text, size_t n, struct form *out, struct problem *why);
/* NULL if absent. */
const char *form_get(const struct form *f, const char *name);
/* Adds a borrowed pair at its place; ERR_CONFLICT if the name is there, ERR_TOO_LARGE if full. */
MUST_USE enum err form_add(struct form *f, const char *name, const char *value);

/* RFC 3986: everything but A-Z a-z 0-9 - _ . ~ becomes %XX (a blank too). */
void percent_encode(const char *text, struct buf *out);
/* "a=1&b=2" in the order of the names, percent-encoded. */
void form_encode(const struct form *f, struct buf *out);
