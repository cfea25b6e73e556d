#pragma once
/* The component schemas (schemas.json, built in): they check request bodies and are printed into
 * the API document, so the two cannot differ. Understood of JSON Schema 2020-12: $ref, anyOf, type
 * (also a list), const, enum, properties, required, additionalProperties: false, items, minItems,
 * maxItems, minimum, maximum, minLength, maxLength (in characters), pattern (POSIX extended, whole
 * text). Anything else is a note for readers. */
#include "base/json.h"

struct schemas;

#define JSON_DEPTH_MAX 16

/* The built-in file; stops the process if it is broken, for that is our own bug. */
struct schemas *schemas_open(void);
void schemas_free(struct schemas **s);
const json_t *schemas_json(const struct schemas *s); /* name -> schema */

/* Checks a value against a schema of the file; the problem names the member by its path. */
MUST_USE enum err schema_check(
	const struct schemas *s, const char *name, const json_t *v, struct problem *why);

/* A request body: an object, not nested deeper than JSON_DEPTH_MAX, checked by the schema. An empty
 * body counts as {}. The caller owns *out. */
MUST_USE enum err body_parse(const struct schemas *s, const char *name, const char *text, size_t n,
	json_t **out, struct problem *why);
