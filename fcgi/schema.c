#include "fcgi/schema.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fcgi/schemas_builtin.h"

#define REF_PREFIX "#/components/schemas/"
#define PATTERNS_MAX 1024

struct pattern {
	const char *text; /* borrowed from the file */
	regex_t regex;
};

struct schemas {
	json_t *file;
	struct pattern patterns[PATTERNS_MAX];
	size_t patterns_n;
};

struct check {
	const struct schemas *s;
	struct problem *why;
};

static const struct pattern *pattern_find(const struct schemas *s, const char *text)
{
	for (size_t i = 0; i < s->patterns_n; i++)
		if (str_eq(s->patterns[i].text, text))
			return &s->patterns[i];
	return NULL;
}

static void collect_patterns(struct schemas *s, const json_t *at)
{
	const char *text = json_string_value(json_object_get(at, "pattern"));
	const char *key;
	json_t *v;
	size_t i;

	if (text && !pattern_find(s, text)) {
		struct pattern *p = &s->patterns[s->patterns_n++];

		ASSERT(s->patterns_n <= PATTERNS_MAX);
		p->text = text;
		ASSERT(regcomp(&p->regex, text, REG_EXTENDED | REG_NOSUB) == 0);
	}
	json_object_foreach((json_t *)(uintptr_t)at, key, v) collect_patterns(s, v);
	json_array_foreach(at, i, v) collect_patterns(s, v);
}

struct schemas *schemas_open(void)
{
	struct schemas *s = calloc(1, sizeof(*s));

	ASSERT(s);
	ASSERT(json_parse((const char *)schemas_builtin, schemas_builtin_size, &s->file, NULL) ==
		ERR_OK);
	collect_patterns(s, s->file);
	return s;
}

void schemas_free(struct schemas **s)
{
	if (!*s)
		return;
	for (size_t i = 0; i < (*s)->patterns_n; i++)
		regfree(&(*s)->patterns[i].regex);
	json_free(&(*s)->file);
	free(*s);
	*s = NULL;
}

const json_t *schemas_json(const struct schemas *s)
{
	return s->file;
}

static bool type_matches(const char *type, const json_t *v)
{
	static const struct {
		const char *name;
		json_type types[2];
	} types[] = {
		{ "object", { JSON_OBJECT, JSON_OBJECT } },
		{ "array", { JSON_ARRAY, JSON_ARRAY } },
		{ "string", { JSON_STRING, JSON_STRING } },
		{ "integer", { JSON_INTEGER, JSON_INTEGER } },
		{ "number", { JSON_INTEGER, JSON_REAL } },
		{ "boolean", { JSON_TRUE, JSON_FALSE } },
		{ "null", { JSON_NULL, JSON_NULL } },
	};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_eq(types[i].name, type))
			return json_typeof(v) == types[i].types[0] ||
			       json_typeof(v) == types[i].types[1];
	return false;
}

static bool type_fits(const json_t *type, const json_t *v)
{
	json_t *t;
	size_t i;

	if (!type)
		return true;
	if (json_is_string(type))
		return type_matches(json_string_value(type), v);
	json_array_foreach(type, i, t) if (type_matches(json_string_value(t), v)) return true;
	return false;
}

static enum err check(const struct check *c, const json_t *schema, const json_t *v, const char *at);

static const char *path_add(char out[static 128], const char *at, const char *key)
{
	snprintf(out, 128, "%.60s%s%.60s", at, at[0] && key[0] != '[' ? "." : "", key);
	return out;
}

static enum err check_object(
	const struct check *c, const json_t *schema, const json_t *v, const char *at)
{
	const json_t *properties = json_object_get(schema, "properties");
	json_t *required = json_object_get(schema, "required");
	bool closed = json_is_false(json_object_get(schema, "additionalProperties"));
	const char *key;
	char path[128];
	json_t *item;
	size_t i;
	enum err e;

	json_object_foreach((json_t *)(uintptr_t)v, key, item)
	{
		const json_t *p = json_object_get(properties, key);

		if (!p && closed)
			return problem_set(c->why, ERR_UNKNOWN_FIELD, path_add(path, at, key),
				"there is no field %.60s", key);
		e = p ? check(c, p, item, path_add(path, at, key)) : ERR_OK;
		if (e != ERR_OK)
			return e;
	}
	json_array_foreach(required, i, item)
	{
		key = json_string_value(item);
		if (!json_object_get(v, key))
			return problem_set(c->why, ERR_MISSING_FIELD, path_add(path, at, key),
				"%s is required", key);
	}
	return ERR_OK;
}

static enum err check_array(
	const struct check *c, const json_t *schema, const json_t *v, const char *at)
{
	const json_t *items = json_object_get(schema, "items");
	const json_t *min = json_object_get(schema, "minItems");
	const json_t *max = json_object_get(schema, "maxItems");
	char path[128], index[24];
	json_t *item;
	size_t i;
	enum err e;

	if ((min && (json_int_t)json_array_size(v) < json_integer_value(min)) ||
		(max && (json_int_t)json_array_size(v) > json_integer_value(max)))
		return problem_set(c->why, ERR_OUT_OF_RANGE, at, "too few or too many items");
	json_array_foreach(v, i, item)
	{
		snprintf(index, sizeof(index), "[%zu]", i);
		e = items ? check(c, items, item, path_add(path, at, index)) : ERR_OK;
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

static bool pattern_matches(const struct schemas *s, const char *pattern, const char *text)
{
	const struct pattern *p = pattern_find(s, pattern);

	return p && regexec(&p->regex, text, 0, NULL, 0) == 0;
}

static size_t utf8_length(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

/* Lines may be broken; nothing else that does not show belongs into a text. */
static bool has_control(const char *s)
{
	for (; *s; s++)
		if (((unsigned char)*s < 0x20 && *s != '\n' && *s != '\t') || *s == 0x7f)
			return true;
	return false;
}

static enum err check_text(
	const struct check *c, const json_t *schema, const json_t *v, const char *at)
{
	const json_t *min = json_object_get(schema, "minLength");
	const json_t *max = json_object_get(schema, "maxLength");
	const char *pattern = json_string_value(json_object_get(schema, "pattern"));
	json_int_t n = (json_int_t)utf8_length(json_string_value(v));

	if ((min && n < json_integer_value(min)) || (max && n > json_integer_value(max)))
		return problem_set(
			c->why, ERR_OUT_OF_RANGE, at, "the text is too short or too long");
	if (has_control(json_string_value(v)))
		return problem_set(
			c->why, ERR_BAD_VALUE, at, "the text has control characters in it");
	if (pattern && !pattern_matches(c->s, pattern, json_string_value(v)))
		return problem_set(
			c->why, ERR_BAD_VALUE, at, "the text does not have the right form");
	return ERR_OK;
}

static enum err check_integer(
	const struct check *c, const json_t *schema, const json_t *v, const char *at)
{
	const json_t *min = json_object_get(schema, "minimum");
	const json_t *max = json_object_get(schema, "maximum");

	if ((min && json_integer_value(v) < json_integer_value(min)) ||
		(max && json_integer_value(v) > json_integer_value(max)))
		return problem_set(
			c->why, ERR_OUT_OF_RANGE, at, "the number is outside its limits");
	return ERR_OK;
}

static bool is_listed(const json_t *list, const json_t *v)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) if (json_equal(item, v)) return true;
	return false;
}

static enum err check_any(const struct check *c, const json_t *any, const json_t *v, const char *at)
{
	enum err e = ERR_BAD_VALUE;
	json_t *one;
	size_t i;

	json_array_foreach(any, i, one)
	{
		e = check(c, one, v, at);
		if (e == ERR_OK)
			return ERR_OK;
	}
	return e;
}

static enum err check(const struct check *c, const json_t *schema, const json_t *v, const char *at)
{
	const char *ref = json_string_value(json_object_get(schema, "$ref"));
	const json_t *any = json_object_get(schema, "anyOf");
	const json_t *list = json_object_get(schema, "enum");

	if (ref) {
		ASSERT(str_starts(ref, REF_PREFIX));
		schema = json_object_get(c->s->file, ref + strlen(REF_PREFIX));
		ASSERT(schema);
		return check(c, schema, v, at);
	}
	if (any)
		return check_any(c, any, v, at);
	if (!type_fits(json_object_get(schema, "type"), v))
		return problem_set(c->why, ERR_BAD_VALUE, at, "the value has the wrong type");
	if (list && !is_listed(list, v))
		return problem_set(
			c->why, ERR_BAD_VALUE, at, "the value is not one of those allowed");
	if (json_is_object(v))
		return check_object(c, schema, v, at);
	if (json_is_array(v))
		return check_array(c, schema, v, at);
	if (json_is_string(v))
		return check_text(c, schema, v, at);
	return json_is_integer(v) ? check_integer(c, schema, v, at) : ERR_OK;
}

enum err schema_check(
	const struct schemas *s, const char *name, const json_t *v, struct problem *why)
{
	const json_t *schema = json_object_get(s->file, name);

	ASSERT(schema);
	return check(&(struct check){ s, why }, schema, v, "");
}

/* Brackets open at once, outside texts. Counted before parsing, which recurses. */
static size_t json_depth(const char *text, size_t n)
{
	size_t depth = 0, deepest = 0;
	bool in_text = false;

	for (size_t i = 0; i < n; i++) {
		if (in_text) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				in_text = false;
		} else if (text[i] == '"') {
			in_text = true;
		} else if (text[i] == '{' || text[i] == '[') {
			if (++depth > deepest)
				deepest = depth;
		} else if ((text[i] == '}' || text[i] == ']') && depth > 0) {
			depth--;
		}
	}
	return deepest;
}

enum err body_parse(const struct schemas *s, const char *name, const char *text, size_t n,
	json_t **out, struct problem *why)
{
	AUTO(json_free) json_t *j = NULL;
	enum err e;

	if (n == 0) {
		text = "{}";
		n = 2;
	}
	if (json_depth(text, n) > JSON_DEPTH_MAX)
		return problem_set(why, ERR_BAD_JSON, "", "the body is nested too deeply");
	e = json_parse(text, n, &j, why);
	if (e != ERR_OK)
		return e;
	if (!json_is_object(j))
		return problem_set(why, ERR_BAD_JSON, "", "an object is expected");
	e = schema_check(s, name, j, why);
	if (e != ERR_OK)
		return e;
	*out = j;
	j = NULL;
	return ERR_OK;
}
