#include "cmock.h"

#include <string.h>
#include <unistd.h>

#include "base/str.h"

static void copies_or_refuses(void **state)
{
	char dst[4] = "old";

	(void)state;
	assert_true(str_copy(dst, sizeof(dst), "abc"));
	assert_string_equal(dst, "abc");
	assert_false(str_copy(dst, sizeof(dst), "abcd"));
	assert_string_equal(dst, "");
	assert_true(str_copy(dst, sizeof(dst), ""));
	assert_true(str_eq("a", "a"));
	assert_false(str_eq("a", "ab"));
	assert_true(str_starts("abc", "ab"));
	assert_true(str_starts("abc", ""));
	assert_false(str_starts("a", "ab"));
}

static void whole_numbers(void **state)
{
	static const struct {
		const char *text;
		enum err e;
		int64_t value;
	} rows[] = { { "0", ERR_OK, 0 }, { "-5", ERR_OK, -5 }, { "100", ERR_OK, 100 },
		{ "007", ERR_OK, 7 }, { "101", ERR_OUT_OF_RANGE, 0 }, { "-6", ERR_OUT_OF_RANGE, 0 },
		{ "99999999999999999999", ERR_OUT_OF_RANGE, 0 }, { "", ERR_BAD_VALUE, 0 },
		{ "-", ERR_BAD_VALUE, 0 }, { "--5", ERR_BAD_VALUE, 0 }, { "- 5", ERR_BAD_VALUE, 0 },
		{ "+5", ERR_BAD_VALUE, 0 }, { " 5", ERR_BAD_VALUE, 0 }, { "5 ", ERR_BAD_VALUE, 0 },
		{ "5x", ERR_BAD_VALUE, 0 }, { "0x5", ERR_BAD_VALUE, 0 },
		{ "5.0", ERR_BAD_VALUE, 0 } };
	int64_t v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		v = 42;
		assert_int_equal(i64_parse(rows[i].text, -5, 100, &v), rows[i].e);
		assert_int_equal(v, rows[i].e == ERR_OK ? rows[i].value : 42);
	}
	assert_int_equal(i64_parse("9223372036854775807", INT64_MIN, INT64_MAX, &v), ERR_OK);
	assert_int_equal(v, INT64_MAX);
	assert_int_equal(i64_parse("-9223372036854775808", INT64_MIN, INT64_MAX, &v), ERR_OK);
	assert_int_equal(v, INT64_MIN);
	assert_int_equal(
		i64_parse("9223372036854775808", INT64_MIN, INT64_MAX, &v), ERR_OUT_OF_RANGE);
}

static void hex(void **state)
{
	static const char *const bad[] = { "0", "0g", "0a f", "0a:ff", "zz", "0x0a" };
	uint8_t bytes[3];
	char text[7];
	size_t n = 42;

	(void)state;
	assert_int_equal(hex_decode("0a ff", bytes, sizeof(bytes), &n), ERR_OK);
	assert_int_equal(n, 2);
	assert_int_equal(hex_decode(" 0AfF10 ", bytes, sizeof(bytes), &n), ERR_OK);
	assert_int_equal(n, 3);
	hex_encode(bytes, n, text);
	assert_string_equal(text, "0aff10");
	assert_int_equal(hex_decode("", bytes, sizeof(bytes), &n), ERR_OK);
	assert_int_equal(n, 0);
	n = 42;
	assert_int_equal(hex_decode("00010203", bytes, sizeof(bytes), &n), ERR_TOO_LARGE);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(hex_decode(bad[i], bytes, sizeof(bytes), &n), ERR_BAD_VALUE);
	assert_int_equal(n, 42);
}

static void growing_text(void **state)
{
	AUTO(buf_free) struct buf b = { 0 };

	(void)state;
	buf_adds(&b, "");
	assert_string_equal(b.text, "");
	for (int i = 0; i < 10000; i++)
		buf_printf(&b, "%d,", i % 10);
	assert_int_equal(b.len, 20000);
	assert_int_equal(strlen(b.text), 20000);
	buf_add(&b, "a\0b", 3);
	assert_int_equal(b.len, 20003);
	assert_memory_equal(b.text + 20000, "a\0b", 4);
	buf_free(&b);
	assert_null(b.text);
	assert_int_equal(b.len, 0);
}

static void whole_files(void **state)
{
	AUTO(buf_free) struct buf b = { 0 };
	char path[] = "/tmp/yufu-str-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(file_read(path, 10, &b), ERR_OK);
	assert_string_equal(b.text, "");
	buf_free(&b);
	assert_int_equal(write(fd, "0123456789", 10), 10);
	close(fd);
	assert_int_equal(file_read(path, 10, &b), ERR_OK);
	assert_string_equal(b.text, "0123456789");
	buf_free(&b);
	assert_int_equal(file_read(path, 9, &b), ERR_TOO_LARGE);
	assert_null(b.text);
	unlink(path);
	assert_int_equal(file_read(path, 10, &b), ERR_NOT_FOUND);
	assert_int_not_equal(file_read("/tmp", 10, &b), ERR_OK);
}

static void words(void **state)
{
	const char *text = "  08:00 peak  valleys ";
	char word[7];

	(void)state;
	assert_true(str_word(&text, word, sizeof(word)));
	assert_string_equal(word, "08:00");
	assert_true(str_word(&text, word, sizeof(word)));
	assert_string_equal(word, "peak");
	assert_false(str_word(&text, word, sizeof(word))); /* too long by one */
	assert_string_equal(word, "peak");
	assert_string_equal(text, "valleys ");
	text = "  ";
	assert_false(str_word(&text, word, sizeof(word)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_or_refuses),
		cmocka_unit_test(whole_numbers),
		cmocka_unit_test(words),
		cmocka_unit_test(hex),
		cmocka_unit_test(growing_text),
		cmocka_unit_test(whole_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
