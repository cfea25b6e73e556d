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

enum err field_hex_wide(struct parse *ps, const json_t *obj, const char *key, enum field_need need,
	size_t digits, uint64_t *out)
{
	const char *text = NULL;
	enum err e = field_text(ps, obj, key, need, 2 + digits, &text);
	char like[64];

	if (e != ERR_OK || !text)
		return e;
	if (strncmp(text, "0x", 2) == 0 && strlen(text) == 2 + digits &&
		!text[2 + strspn(text + 2, "0123456789abcdefABCDEF")]) {
		*out = strtoull(text, NULL, 16);
		return ERR_OK;
	}
	snprintf(like, sizeof(like), "must be text like \"0x%0*X\"", (int)digits, 0x215U);
	return field_bad(ps, key, like);
}

enum err field_hex(
	struct parse *ps, const json_t *obj, const char *key, enum field_need need, uint16_t *out)
{
	uint64_t v = *out;
	enum err e = field_hex_wide(ps, obj, key, need, 4, &v);

	*out = (uint16_t)v;
	return e;
}

enum err field_read_function(struct parse *ps, const json_t *obj, uint8_t *out)
{
	int function = ps->function;
	enum err e = field_int(ps, obj, "function", FIELD_OPTIONAL, 1, 4, &function);

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

/* The four orders that fit any length, for a value of n bytes. */
static void order_place(enum wire_order order, unsigned n, uint8_t place[static POINT_BYTES_MAX])
{
	bool words = order == ORDER_CDAB || order == ORDER_DCBA;
	bool bytes = order == ORDER_BADC || order == ORDER_DCBA;

	for (unsigned i = 0; i < n; i++) {
		unsigned word = words ? n / 2 - 1 - i / 2 : i / 2;

		place[i] = (uint8_t)(2 * word + (bytes ? 1 - i % 2 : i % 2));
	}
}

enum err field_order(struct parse *ps, const json_t *obj, enum wire_order *out)
{
	size_t order = *out;
	enum err e = field_word(
		ps, obj, "order", FIELD_OPTIONAL, order_words, ARRAY_LEN(order_words), &order);

	*out = (enum wire_order)order;
	return e;
}

/* "fehgbadc": each of the n bytes once. */
static bool order_spelled(const char *text, unsigned n, uint8_t place[static POINT_BYTES_MAX])
{
	unsigned seen = 0;

	if (strlen(text) != n || n > 8)
		return false;
	for (unsigned i = 0; i < n; i++) {
		unsigned byte = (unsigned)(unsigned char)text[i] - 'a';

		if (byte >= n || (seen >> byte) & 1)
			return false;
		seen |= 1U << byte;
		place[i] = (uint8_t)byte;
	}
	return true;
}

enum err field_place(
	struct parse *ps, const json_t *obj, unsigned n, uint8_t place[static POINT_BYTES_MAX])
{
	const char *text = NULL;
	size_t order = ps->order;
	enum err e = field_text(ps, obj, "order", FIELD_OPTIONAL, 8, &text);

	if (e != ERR_OK)
		return e;
	if (text)
		order = word_index(order_words, ARRAY_LEN(order_words), text);
	if (order < ORDER__MAX) {
		order_place((enum wire_order)order, n, place);
		return ERR_OK;
	}
	if (order_spelled(text, n, place))
		return ERR_OK;
	return field_bad(
		ps, "order", "must be abcd, cdab, badc, dcba, or name each byte of the value once");
}

enum err scale_parse(const char *text, int64_t *num, int64_t *den)
{
	static const int64_t tens[] = { 1, 10, 100, 1000, 10000, 100000, 1000000 };
	const char *split = strpbrk(text, "./");
	char head[16] = "";
	int64_t a = 0, b = 0;
	size_t places;

	*num = 0;
	*den = 1;
	if (!split)
		return i64_parse(text, 1, 1000000000, num);
	places = strlen(split + 1);
	if ((size_t)(split - text) >= sizeof(head))
		return ERR_BAD_VALUE;
	memcpy(head, text, (size_t)(split - text));
	if (i64_parse(head, 0, 1000000000, &a) != ERR_OK ||
		i64_parse(split + 1, 0, 1000000000, &b) != ERR_OK)
		return ERR_BAD_VALUE;
	if (*split == '/') {
		*num = a;
		*den = b;
		return a > 0 && b > 0 ? ERR_OK : ERR_BAD_VALUE;
	}
	if (places >= ARRAY_LEN(tens) || a > 100)
		return ERR_BAD_VALUE;
	*den = tens[places];
	*num = a * *den + b;
	return *num > 0 ? ERR_OK : ERR_BAD_VALUE;
}

enum err field_scale(struct parse *ps, const json_t *obj, int64_t *num, int64_t *den)
{
	const char *text = "1";
	enum err e = field_text(ps, obj, "scale", FIELD_OPTIONAL, 20, &text);

	if (e == ERR_OK && scale_parse(text, num, den) != ERR_OK)
		return field_bad(ps, "scale", "must be text like \"10\", \"0.1\" or \"1/3\"");
	return e;
}
