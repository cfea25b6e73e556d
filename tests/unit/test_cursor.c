/* Cursors: what comes back is what was written, and nothing else is taken. */
#include "cmock.h"

#include <stdio.h>
#include <string.h>

#include "fcgi/cursor.h"

#define SCOPE "/api/v1/tenants -id"

static char key_text[] = "0123456789abcdef0123456789abcdef";
static const struct buf key = { .text = key_text, .len = 32, .cap = 33 };

static struct list_place number(int64_t v)
{
	return (struct list_place){ 1, { { .number = v } } };
}

static struct list_place text_and_number(const char *text, int64_t v)
{
	struct list_place p = { 2, { { .is_text = true }, { .number = v } } };

	assert_true(str_copy(p.keys[0].text, sizeof(p.keys[0].text), text));
	return p;
}

static void assert_same(const struct list_place *a, const struct list_place *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		assert_int_equal(a->keys[i].is_text, b->keys[i].is_text);
		assert_int_equal(a->keys[i].number, b->keys[i].number);
		assert_string_equal(a->keys[i].text, b->keys[i].text);
	}
}

static void every_place_comes_back(void **state)
{
	char longest[LIST_TEXT_MAX];
	struct list_place places[8];
	size_t n = 0;

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	places[n++] = number(0);
	places[n++] = number(1);
	places[n++] = number(INT64_MAX);
	places[n++] = number(INT64_MIN);
	places[n++] = text_and_number("", -1);
	places[n++] = text_and_number("商铺 1 号", 7);
	places[n++] = text_and_number(longest, 7);
	places[n] = text_and_number(longest, 0);
	places[n].keys[1] = places[n].keys[0];
	n++;
	for (size_t i = 0; i < n; i++) {
		char text[CURSOR_MAX];
		struct list_place back;

		cursor_write(&key, SCOPE, &places[i], text);
		assert_int_equal(strspn(text, "0123456789abcdefghijklmnopqrstuvwxyz"
					      "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-"),
			strlen(text));
		assert_int_equal(cursor_read(&key, SCOPE, text, &back), ERR_OK);
		assert_same(&places[i], &back);
	}
}

static void what_was_changed_is_refused(void **state)
{
	const struct list_place place = text_and_number("A01", 7);
	struct list_place back;
	char text[CURSOR_MAX], other[CURSOR_MAX + 8];
	size_t n;

	(void)state;
	cursor_write(&key, SCOPE, &place, text);
	n = strlen(text);
	for (size_t i = 0; i < n; i++) {
		memcpy(other, text, n + 1);
		other[i] = other[i] == 'A' ? 'B' : 'A';
		assert_int_equal(cursor_read(&key, SCOPE, other, &back), ERR_BAD_CURSOR);
		memcpy(other, text, i);
		other[i] = '\0';
		assert_int_equal(cursor_read(&key, SCOPE, other, &back), ERR_BAD_CURSOR);
	}
	for (const char *const *more = (const char *const[]){ "A", "AA", "=", " ", "\n", NULL };
		*more; more++) {
		snprintf(other, sizeof(other), "%s%s", text, *more);
		assert_int_equal(cursor_read(&key, SCOPE, other, &back), ERR_BAD_CURSOR);
	}
}

static void of_another_list_order_or_key_is_refused(void **state)
{
	static const char *const scopes[] = { "", "/api/v1/tenants id", "/api/v1/tenants -name",
		"/api/v1/contracts -id", "/api/v1/tenants -id " };
	char others_text[] = "1123456789abcdef0123456789abcdef";
	const struct buf others = { .text = others_text, .len = 32, .cap = 33 };
	const struct list_place place = number(7);
	struct list_place back;
	char text[CURSOR_MAX];

	(void)state;
	cursor_write(&key, SCOPE, &place, text);
	for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
		assert_int_equal(cursor_read(&key, scopes[i], text, &back), ERR_BAD_CURSOR);
	assert_int_equal(cursor_read(&others, SCOPE, text, &back), ERR_BAD_CURSOR);
}

/* What a seal would have to hold and cannot: bytes that are no places. */
static void only_places_are_unpacked(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		bool ok;
	} rows[] = {
		{ "", 0, false },
		{ "n", 1, false },
		{ "n\0\0\0\0\0\0\0\1", 9, true },
		{ "n\0\0\0\0\0\0\0\1x", 10, false },
		{ "n\0\0\0\0\0\0\0\1t\0", 11, true },
		{ "n\0\0\0\0\0\0\0\1t\0t\0", 13, false }, /* three */
		{ "t", 1, false },
		{ "tabc", 4, false },
		{ "tabc\0", 5, true },
		{ "x\0\0\0\0\0\0\0\1", 9, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct list_place place;
		enum err e = place_unpack((const uint8_t *)rows[i].bytes, rows[i].n, &place);

		if (e != (rows[i].ok ? ERR_OK : ERR_BAD_CURSOR))
			fail_msg("row %zu: %s", i, err_word(e));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_place_comes_back),
		cmocka_unit_test(what_was_changed_is_refused),
		cmocka_unit_test(of_another_list_order_or_key_is_refused),
		cmocka_unit_test(only_places_are_unpacked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
