/* Workbooks read as a person sees them. What real programs write is read by tests/e2e/sheets. */
#include "cmock.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sheet/sheet.h"
#include "sheet/value.h"

static void test_numbers(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "0", "0" },
		{ "-0.0", "0" },
		{ "12.50", "12.5" },
		{ "+7", "7" },
		{ "1.0E-2", "0.01" },
		{ "1E3", "1000" },
		{ "0.30000000000000004", "0.3" },
		{ "1234.5600000000001", "1234.56" },
		{ "999999999999999.6", "1000000000000000" },
		{ "0.0001", "0.0001" },
		{ "138000000010", "138000000010" },
		{ "-1.5e-7", "-0.00000015" },
	};
	static const char *const bad[] = { "", "-", ".", "1.2.3", "1e", "1e9999", "abc", "1 2",
		"0x10", "1e31", "1e-33", "nan" };
	char out[DECIMAL_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_true(decimal_text(cases[i].in, out));
		assert_string_equal(out, cases[i].out);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (decimal_text(bad[i], out))
			fail_msg("%s is taken for %s", bad[i], out);
}

static void test_dates(void **state)
{
	static const struct {
		const char *in;
		bool from_1904;
		const char *out;
	} cases[] = {
		{ "46082", false, "2026-03-01" },
		{ "44620", true, "2026-03-01" },
		{ "46082.5", false, "2026-03-01 12:00:00" },
		{ "46082.999999", false, "2026-03-02" },
		{ "1", false, "1900-01-01" },
		{ "59", false, "1900-02-28" },
		{ "61", false, "1900-03-01" },
		{ "0.25", false, "06:00:00" },
		{ "2958465", false, "9999-12-31" },
	};
	static const char *const bad[] = { "-1", "2958466", "1e20", "x" };
	char out[DECIMAL_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_true(serial_text(cases[i].in, cases[i].from_1904, out));
		assert_string_equal(out, cases[i].out);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(serial_text(bad[i], false, out));
}

static void test_formats(void **state)
{
	static const struct {
		const char *code;
		bool date;
	} cases[] = {
		{ "yyyy-mm-dd", true },
		{ "yyyy\"年\"m\"月\"d\"日\";@", true },
		{ "[$-804]yyyy/m/d", true },
		{ "h:mm", true },
		{ "General", false },
		{ "0.00", false },
		{ "#,##0.00\"d\"", false },
		{ "[Red]0", false },
		{ "\\d0", false },
		{ "", false },
		{ "\"open", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(format_code_is_date(cases[i].code), cases[i].date);
	assert_true(format_is_date(14));
	assert_false(format_is_date(2));
}

/* Everything that was read: "meters|1:a,b|2:1," and so on. */
static enum err tell_sheet(void *ctx, const char *name, struct problem *why)
{
	(void)why;
	buf_printf(ctx, "%s%s", ((struct buf *)ctx)->len ? "|" : "", name);
	return ERR_OK;
}

static enum err tell_row(
	void *ctx, int64_t row, const struct cell *cells, size_t n, struct problem *why)
{
	(void)why;
	buf_printf(ctx, "|%lld:", (long long)row);
	for (size_t i = 0; i < n; i++)
		buf_printf(ctx, "%s%s", i ? "," : "", cells[i].text);
	return ERR_OK;
}

static enum err read(const char *bytes, size_t n, struct buf *out, struct problem *why)
{
	return sheet_read("up/meters.csv", bytes, n,
		&(struct sheet_reader){ out, tell_sheet, tell_row }, why);
}

static void test_csv(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "meters" },
		{ "code,name\nM1,a\n", "meters|1:code,name|2:M1,a" },
		{ "code,name\r\nM1,a", "meters|1:code,name|2:M1,a" },
		{ "code;name\nM1;a,b\n", "meters|1:code;name|2:M1;a,b" },
		{ "\xEF\xBB\xBF编码\n\n,\nA\n", "meters|1:编码|4:A" },
		{ "a,b\n\"x, \"\"y\"\"\nz\",\n", "meters|1:a,b|2:x, \"y\"\nz," },
		{ "\xB1\xE0\xC2\xEB,\xC3\xFB\xB3\xC6\n", "meters|1:编码,名称" }, /* GB18030 */
		{ "a\tb\nc\td\n", "meters|1:a,b|2:c,d" },
		{ "a,b\rc,d\r", "meters|1:a,b|2:c,d" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(buf_free) struct buf out = { 0 };
		AUTO(buf_free) struct buf want = { 0 };

		assert_int_equal(read(cases[i].in, strlen(cases[i].in), &out, NULL), ERR_OK);
		buf_adds(&want, cases[i].out);
		for (char *s = want.text; strchr(cases[i].in, ';') && *s; s++)
			if (*s == ';')
				*s = ','; /* told with commas */
		assert_string_equal(out.text, want.text);
	}
}

static void test_damage(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *word;
	} cases[] = {
		{ "a\n\"b\n", 5, "not closed" },
		{ "a\n\"b\"c\n", 7, "behind a closing" },
		{ "a\0b", 3, "zero byte" },
		{ "a\n\xff\xff\xff\n", 6, "neither UTF-8 nor GB18030" },
		{ "PK\x03\x04 and so on", 14, "damaged" },
		{ "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and so on", 18, "damaged" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(buf_free) struct buf out = { 0 };
		struct problem why = { 0 };

		assert_int_equal(read(cases[i].bytes, cases[i].n, &out, &why), ERR_BAD_VALUE);
		if (!strstr(why.text, cases[i].word))
			fail_msg("\"%s\" does not say \"%s\"", why.text, cases[i].word);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
