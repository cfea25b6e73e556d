#include "base/json.h"

#include <string.h>

void json_free(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}

enum err json_parse(const char *text, size_t n, json_t **out, struct problem *why)
{
	json_error_t err;
	json_t *j = json_loadb(text, n, JSON_REJECT_DUPLICATES, &err);

	if (!j)
		return problem_set(why, ERR_BAD_JSON, "", "line %d column %d: %s", err.line,
			err.column, err.text);
	*out = j;
	return ERR_OK;
}

char *json_text(const json_t *j)
{
	char *s = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY);

	ASSERT(s);
	return s;
}

char *json_ids(const int64_t *ids, size_t n)
{
	AUTO(json_free) json_t *list = json_array();
	char *text;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_integer((json_int_t)ids[i]));
	text = json_text(list);
	ASSERT(text);
	return text;
}

/* ERR_OK with *out NULL: absent and optional. */
static enum err member(const json_t *obj, const char *key, enum field_need need, const json_t **out,
	struct problem *why)
{
	const json_t *v = json_object_get(obj, key);

	if (!v && need == FIELD_REQUIRED)
		return problem_set(why, ERR_MISSING_FIELD, key, "%s is required", key);
	*out = v;
	return ERR_OK;
}

enum err json_get_text(const json_t *obj, const char *key, enum field_need need, size_t max_bytes,
	const char **out, struct problem *why)
{
	const json_t *v = NULL;
	enum err e = member(obj, key, need, &v, why);

	if (e != ERR_OK || !v)
		return e;
	if (!json_is_string(v))
		return problem_set(why, ERR_BAD_VALUE, key, "%s must be text", key);
	if (strlen(json_string_value(v)) != json_string_length(v))
		return problem_set(why, ERR_BAD_VALUE, key, "%s must not contain a NUL", key);
	if (json_string_length(v) > max_bytes)
		return problem_set(
			why, ERR_OUT_OF_RANGE, key, "%s must be at most %zu bytes", key, max_bytes);
	*out = json_string_value(v);
	return ERR_OK;
}

enum err json_get_int(const json_t *obj, const char *key, enum field_need need, int64_t min,
	int64_t max, int64_t *out, struct problem *why)
{
	const json_t *v = NULL;
	enum err e = member(obj, key, need, &v, why);

	if (e != ERR_OK || !v)
		return e;
	if (!json_is_integer(v))
		return problem_set(why, ERR_BAD_VALUE, key, "%s must be a whole number", key);
	if (json_integer_value(v) < min || json_integer_value(v) > max)
		return problem_set(why, ERR_OUT_OF_RANGE, key, "%s must be from %lld to %lld", key,
			(long long)min, (long long)max);
	*out = json_integer_value(v);
	return ERR_OK;
}

enum err json_get_bool(
	const json_t *obj, const char *key, enum field_need need, bool *out, struct problem *why)
{
	const json_t *v = NULL;
	enum err e = member(obj, key, need, &v, why);

	if (e != ERR_OK || !v)
		return e;
	if (!json_is_boolean(v))
		return problem_set(why, ERR_BAD_VALUE, key, "%s must be true or false", key);
	*out = json_is_true(v);
	return ERR_OK;
}

enum err json_only(const json_t *obj, const char *const names[], struct problem *why)
{
	const char *key;
	json_t *value;

	if (!json_is_object(obj))
		return problem_set(why, ERR_BAD_JSON, "", "an object is expected");
	json_object_foreach((json_t *)(uintptr_t)obj, key, value)
	{
		size_t i = 0;

		while (names[i] && strcmp(names[i], key) != 0)
			i++;
		if (!names[i])
			return problem_set(
				why, ERR_UNKNOWN_FIELD, key, "there is no field %.60s", key);
	}
	return ERR_OK;
}

json_t *json_money(struct money m)
{
	char buf[MONEY_TEXT_MAX];

	return json_string(money_text(m, buf));
}

json_t *json_price(struct price p)
{
	char buf[MONEY_TEXT_MAX];

	return json_string(price_text(p, buf));
}

json_t *json_utc(struct utc t)
{
	char buf[UTC_TEXT_MAX];

	return t.ms ? json_string(utc_text(t, buf)) : json_null();
}

json_t *json_text_or_null(const char *s)
{
	return s[0] ? json_string(s) : json_null();
}
