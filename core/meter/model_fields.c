#include "meter/model_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter/model_build.h"
#include "meter/word.h"

static const char *const order_words[] = { "abcd", "cdab", "badc", "dcba" };
_Static_assert(ARRAY_LEN(order_words) == ORDER__MAX, "a word for each");

enum err field_at(struct parse *ps, enum err e)
{
	char inner[sizeof(ps->why->field)];

	if (e == ERR_OK || !ps->why || !ps->path[0])
		return e;
	memcpy(inner, ps->why->field, sizeof(inner));
	snprintf(ps->why->field, sizeof(ps->why->field), "%.63s%s%.60s", ps->path,
		inner[0] ? "." : "", inner);
	return e;
}

enum err field_bad(struct parse *ps, const char *key, const char *text)
{
	return field_at(ps, problem_set(ps->why, ERR_BAD_VALUE, key, "%s %s", key, text));
}

enum err field_text(struct parse *ps, const json_t *obj, const char *key, enum field_need need,
	size_t most, const char **out)
{
	return field_at(ps, json_get_text(obj, key, need, most, out, ps->why));
}

enum err field_int(struct parse *ps, const json_t *obj, const char *key, enum field_need need,
	int64_t least, int64_t most, int *out)
{
	int64_t v = *out;
	enum err e = field_at(ps, json_get_int(obj, key, need, least, most, &v, ps->why));

	if (e == ERR_OK)
		*out = (int)v;
	return e;
}

enum err field_word(struct parse *ps, const json_t *obj, const char *key, enum field_need need,
	const char *const words[], size_t n, size_t *out)
{
	const char *text = NULL;
	enum err e = field_text(ps, obj, key, need, 60, &text);
	size_t i;

	if (e != ERR_OK || !text)
		return e;
	i = word_index(words, n, text);
	if (i == n)
		return field_bad(ps, key, "is not one of the words for it");
	*out = i;
	return ERR_OK;
}

enum err field_hex(
	struct parse *ps, const json_t *obj, const char *key, enum field_need need, uint16_t *out)
{
	const char *text = NULL;
	enum err e = field_text(ps, obj, key, need, 6, &text);

	if (e != ERR_OK || !text)
		return e;
	if (strncmp(text, "0x", 2) != 0 || strlen(text) != 6 ||
		text[2 + strspn(text + 2, "0123456789abcdefABCDEF")])
		return field_bad(ps, key, "must be text like \"0x0215\"");
	*out = (uint16_t)strtoul(text, NULL, 16);
	return ERR_OK;
}

enum err field_read_function(struct parse *ps, const json_t *obj, uint8_t *out)
{
	int function = ps->function;
	enum err e = field_int(ps, obj, "function", FIELD_OPTIONAL, 3, 4, &function);

	if (e == ERR_OK)
		*out = (uint8_t)function;
	return e;
}

enum err field_in_block(struct parse *ps, uint8_t function, uint16_t address, uint16_t count)
{
	if (model_block_of(ps->m, function, address, count))
		return ERR_OK;
	return field_bad(ps, "address", "is not inside one of the blocks");
}

enum err field_rows(struct parse *ps, const json_t *root, const char *key, enum field_need need,
	enum err (*row)(struct parse *, const json_t *))
{
	const json_t *list = json_object_get(root, key);
	enum err e = ERR_OK;

	ps->path[0] = '\0';
	if (!list && need == FIELD_OPTIONAL)
		return ERR_OK;
	if (!json_is_array(list))
		return field_bad(ps, key, "must be a list");
	for (size_t i = 0; e == ERR_OK && i < json_array_size(list); i++) {
		snprintf(ps->path, sizeof(ps->path), "%s[%zu]", key, i);
		e = row(ps, json_array_get(list, i));
	}
	return e;
}

enum err field_order(struct parse *ps, const json_t *obj, enum wire_order *out)
{
	size_t order = *out;
	enum err e = field_word(
		ps, obj, "order", FIELD_OPTIONAL, order_words, ARRAY_LEN(order_words), &order);

	*out = (enum wire_order)order;
	return e;
}
