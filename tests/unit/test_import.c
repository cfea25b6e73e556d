/* What people type, and what the import makes of it. */
#include "cmock.h"

#include <string.h>

#include "import/book.h"

static const struct column *column(enum sheet_id s, const char *name)
{
	size_t c = column_find(&sheet_layouts[s], name);

	assert_true(c < sheet_layouts[s].n);
	return &sheet_layouts[s].columns[c];
}

static void test_values(void **state)
{
	static const struct {
		enum sheet_id sheet;
		const char *column, *typed, *kept; /* NULL: refused */
	} cases[] = {
		{ SHEET_TENANTS, "phone", "１３８ 0000-0001", "13800000001" },
		{ SHEET_TENANTS, "phone", "+86 138 0000 0001", "13800000001" },
		{ SHEET_TENANTS, "phone", "0519-88881234", NULL },
		{ SHEET_TENANTS, "phone", "128000000011", NULL },
		{ SHEET_TENANTS, "contacts", "13800000001；138 0000 0002、13800000003",
			"13800000001;13800000002;13800000003" },
		{ SHEET_TENANTS, "meters", " M1 ;M2;; M3", "M1;M2;M3" },
		{ SHEET_TENANTS, "start_date", "2026.3.1", "2026-03-01" },
		{ SHEET_TENANTS, "start_date", "2026年3月1日", "2026-03-01" },
		{ SHEET_TENANTS, "start_date", "2026/3/1 00:00:00", "2026-03-01" },
		{ SHEET_TENANTS, "start_date", "20260301", "2026-03-01" },
		{ SHEET_TENANTS, "start_date", "2026-02-29", NULL },
		{ SHEET_TENANTS, "start_date", "1.3.2026", NULL },
		{ SHEET_TENANTS, "start_date", "2026-03-01 08:00:00", NULL },
		{ SHEET_TENANTS, "name", "  好味（一楼）  ", "好味（一楼）" },
		{ SHEET_TENANTS, "name", "a\nb", NULL },
		{ SHEET_TENANTS, "name", "", NULL },
		{ SHEET_TENANTS, "room", "", "" },
		{ SHEET_PURSES, "opening_balance", "1,234.50", "1234.5" },
		{ SHEET_PURSES, "opening_balance", "-１２．３０", "-12.3" },
		{ SHEET_PURSES, "opening_balance", "-0.0", "0" },
		{ SHEET_PURSES, "opening_balance", "0.001", NULL },
		{ SHEET_PURSES, "opening_balance", "12,34", NULL },
		{ SHEET_PURSES, "opening_balance", "1e3", NULL },
		{ SHEET_PURSES, "opening_balance", "99999999999999999999", NULL },
		{ SHEET_PURSES, "purpose", "电费", "electricity" },
		{ SHEET_PURSES, "purpose", "Water", "water" },
		{ SHEET_PURSES, "purpose", "气费", NULL },
		{ SHEET_METERS, "ct_ratio", "40.0", "40" },
		{ SHEET_METERS, "ct_ratio", "0", NULL },
		{ SHEET_METERS, "ct_ratio", "1.5", NULL },
		{ SHEET_METERS, "load_class", "保护", "protected" },
		{ SHEET_SHARES, "ratio", "0.25", "0.25" },
		{ SHEET_SHARES, "ratio", "1.000001", NULL },
		{ SHEET_SITES, "zone", "Asia/Urumqi", "Asia/Urumqi" },
		{ SHEET_SITES, "zone", "Beijing", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(buf_free) struct buf out = { 0 };
		struct refusal why = { .e = ERR_OK };
		enum err e = value_take(
			column(cases[i].sheet, cases[i].column), cases[i].typed, &out, &why);

		if ((e == ERR_OK) != (cases[i].kept != NULL))
			fail_msg("%s \"%s\": %s", cases[i].column, cases[i].typed, err_word(e));
		if (cases[i].kept)
			assert_string_equal(out.text, cases[i].kept);
		else
			assert_true(why.zh[0] && why.en[0] && out.len == 0);
	}
}

static json_t *errors_of(const char *name, const char *text)
{
	AUTO(book_free) struct book b = { .error_n = 0 };
	struct problem why = { 0 };

	if (book_read(name, text, strlen(text), &b, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	return book_errors_json(&b, false);
}

static void assert_error(
	const json_t *list, size_t i, int64_t row, const char *column, const char *code)
{
	const json_t *e = json_array_get(list, i);

	assert_int_equal(json_integer_value(json_object_get(e, "row")), row);
	assert_string_equal(json_string_value(json_object_get(e, "column")), column);
	assert_string_equal(json_string_value(json_object_get(e, "code")), code);
	assert_true(json_string_length(json_object_get(e, "message")) > 0);
}

static void test_every_bad_cell_is_named(void **state)
{
	AUTO(json_free)
	json_t *list =
		errors_of("租户.csv", "\n编码*,电话,颜色,电话\nT1,1,red,\n\n,13800000001,,\n");

	(void)state;
	assert_int_equal(json_array_size(list), 5);
	assert_error(list, 0, 2, "name", "missing_field");
	assert_error(list, 1, 2, "电话", "already");
	assert_error(list, 2, 2, "颜色", "unknown_field");
	assert_error(list, 3, 3, "phone", "bad_value");
	assert_error(list, 4, 5, "code", "missing_field");
}

static void test_unknown_sheets(void **state)
{
	AUTO(json_free) json_t *list = errors_of("customers.csv", "code\nA\n");
	AUTO(json_free) json_t *readme = errors_of("说明.csv", "any\nthing\n");

	(void)state;
	assert_int_equal(json_array_size(list), 1);
	assert_error(list, 0, 1, "", "unknown_field");
	assert_int_equal(json_array_size(readme), 0);
}

static void test_rows(void **state)
{
	static const char text[] = "name,code\n好味, T1 \n,\n面馆,T2\n";
	AUTO(book_free) struct book b = { .error_n = 0 };
	const struct book_sheet *s = &b.sheets[SHEET_TENANTS];

	(void)state;
	assert_int_equal(book_read("tenants.csv", text, sizeof(text) - 1, &b, NULL), ERR_OK);
	assert_int_equal(b.error_n, 0);
	assert_int_equal(s->n, 2);
	assert_int_equal(s->rows[1].row, 4);
	assert_string_equal(s->rows[0].values[TENANT_CODE], "T1");
	assert_string_equal(s->rows[1].values[TENANT_NAME], "面馆");
	assert_string_equal(s->rows[1].values[TENANT_ROOM], "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_every_bad_cell_is_named),
		cmocka_unit_test(test_unknown_sheets),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
