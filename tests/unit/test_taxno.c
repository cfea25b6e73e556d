/* Tax numbers: what is one, and what is said of what is none. */
#include "cmock.h"

#include <string.h>

#include "rules/taxno.h"

static const struct {
	const char *text, *said; /* NULL: right */
} table[] = {
	{ "91350100M000100Y43", NULL }, /* the example of GB 32100-2015 */
	{ "91330106673959654P", NULL },
	{ "91110000802100433B", NULL },
	{ "914403001922038216", NULL },
	{ "91440300708461136T", NULL },
	{ "91350100M000100Y44", "would be 3" },
	{ "91350100M000100Y4B", "would be 3" },
	{ "91350100M00010OY43", "I, O, S, V, Z" }, /* the letter O for a zero */
	{ "91350100M0001O0Y43", "I, O, S, V, Z" },
	{ "9135O100M000100Y43", "I, O, S, V, Z" },
	{ "91350100M000100Y4Z", "I, O, S, V, Z" },
	{ "350100M000100Y4", NULL }, /* 15: of before 2015, no check character */
	{ "35010019850101123XS1", NULL },
	{ "3501001985010112", NULL },
	{ "350100M000100Y", "15 to 20" },
	{ "35010019850101123XS12", "15 to 20" },
	{ "", "15 to 20" },
	{ "91350100m000100y43", "A-Z" },
	{ "91350100M000100Y4 ", "A-Z" },
	{ "９1350100M000100Y43", "A-Z" },
	{ "91350100-000100Y43", "A-Z" },
};

static void every_row_of_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct problem why = { 0 };
		enum err e = tax_no_check(table[i].text, "tax_no", &why);

		if (!table[i].said) {
			if (e != ERR_OK)
				fail_msg("%s: %s", table[i].text, why.text);
			continue;
		}
		if (e != ERR_BAD_VALUE || !strstr(why.text, table[i].said))
			fail_msg("%s: %s", table[i].text, why.text);
		assert_string_equal(why.field, "tax_no");
	}
}

/* Any one character that is another is found, and any two that changed places. */
static void slips_of_the_pen_are_found(void **state)
{
	static const char letters[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
	static const char right[] = "91350100M000100Y43";

	(void)state;
	for (size_t i = 0; i < strlen(right); i++)
		for (const char *c = letters; *c; c++) {
			char text[sizeof(right)];

			memcpy(text, right, sizeof(text));
			text[i] = *c;
			assert_int_equal(tax_no_check(text, "x", NULL) == ERR_OK, *c == right[i]);
		}
	for (size_t i = 0; i + 1 < strlen(right); i++) {
		char text[sizeof(right)];

		memcpy(text, right, sizeof(text));
		text[i] = right[i + 1];
		text[i + 1] = right[i];
		assert_int_equal(tax_no_check(text, "x", NULL) == ERR_OK, text[i] == right[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_the_table),
		cmocka_unit_test(slips_of_the_pen_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
