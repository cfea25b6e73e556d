#pragma once
/* jansson with our habits: strict objects, exact numbers, errors that name the path. */
#include <jansson.h>

#include "base/clock.h"
#include "base/money.h"

void json_free(json_t **j); /* for AUTO() */

/* Parses a whole text (no trailing bytes, no duplicate keys, depth limited by jansson). */
MUST_USE enum err json_parse(const char *text, size_t n, json_t **out, struct problem *why);
/* Compact text. The caller frees with free(), or has AUTO(text_free). */
char *json_text(const json_t *j);
/* "[1,2,3]", as JSON_TABLE takes ids; owned as the former. */
char *json_ids(const int64_t *ids, size_t n);

/* A member of an object that must be (or, when optional, may be) of a kind. A member that is absent
 * leaves *out untouched and, unless optional, is ERR_MISSING_FIELD. Texts are borrowed from obj. */
enum field_need { FIELD_REQUIRED, FIELD_OPTIONAL };
MUST_USE enum err json_get_text(const json_t *obj, const char *key, enum field_need need,
	size_t max_bytes, const char **out, struct problem *why);
MUST_USE enum err json_get_int(const json_t *obj, const char *key, enum field_need need,
	int64_t min, int64_t max, int64_t *out, struct problem *why);
MUST_USE enum err json_get_bool(
	const json_t *obj, const char *key, enum field_need need, bool *out, struct problem *why);
/* Refuses members whose names are not in the NULL-terminated list. */
MUST_USE enum err json_only(const json_t *obj, const char *const names[], struct problem *why);

/* New values; the caller owns them. Money as nine-decimal text; utc as RFC 3339, 0 as null. */
json_t *json_money(struct money m);
json_t *json_price(struct price p);
json_t *json_utc(struct utc t);
/* Text, or null when empty. */
json_t *json_text_or_null(const char *s);
