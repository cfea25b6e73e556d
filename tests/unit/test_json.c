#include "cmock.h"

#include <string.h>

#include "base/json.h"

static json_t *object(const char *text)
{
	json_t *j = NULL;
	struct problem why = { 0 };

	if (json_parse(text, strlen(text), &j, &why) != ERR_OK)
		fail_msg("%s in %s", why.text, text);
	return j;
}

static void refuses_what_is_not_json(void **state)
{
	static const char *const texts[] = { "", "{", "{}x", "{} {}", "{\"a\":1,\"a\":2}", "nul",
		"{'a':1}", "[1,]", "{\"a\":01}", "\"a\"", "7", "{\"a\":\"\\u0000\"}",
		"{\"a\":\"\xff\"}", "{\"a\":1e999}", "{\"a\":99999999999999999999}" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		json_t *j = NULL;
		struct problem why = { 0 };

		if (json_parse(texts[i], strlen(texts[i]), &j, &why) == ERR_OK)
			fail_msg("accepted: %s", texts[i]);
		assert_null(j);
		assert_non_null(strstr(why.text, "line 1"));
	}
}

static void refuses_endless_depth(void **state)
{
	static char deep[100000];
	json_t *j = NULL;
	struct problem why = { 0 };

	(void)state;
	memset(deep, '[', sizeof(deep));
	assert_int_equal(json_parse(deep, sizeof(deep), &j, &why), ERR_BAD_JSON);
}

static void texts(void **state)
{
	AUTO(json_free) json_t *j = object("{\"a\":\"电\",\"n\":7,\"z\":null}");
	const char *text = "old";
	struct problem why = { 0 };

	(void)state;
	assert_int_equal(json_get_text(j, "a", FIELD_REQUIRED, 3, &text, &why), ERR_OK);
	assert_string_equal(text, "电");
	assert_int_equal(json_get_text(j, "a", FIELD_REQUIRED, 2, &text, &why), ERR_OUT_OF_RANGE);
	assert_int_equal(json_get_text(j, "b", FIELD_OPTIONAL, 9, &text, &why), ERR_OK);
	assert_string_equal(text, "电"); /* untouched */
	assert_int_equal(json_get_text(j, "b", FIELD_REQUIRED, 9, &text, &why), ERR_MISSING_FIELD);
	assert_string_equal(why.field, "b");
	assert_int_equal(json_get_text(j, "n", FIELD_OPTIONAL, 9, &text, &why), ERR_BAD_VALUE);
	assert_string_equal(why.field, "n");
	assert_int_equal(json_get_text(j, "z", FIELD_OPTIONAL, 9, &text, &why), ERR_BAD_VALUE);
	assert_int_equal(json_get_text(j, "b", FIELD_REQUIRED, 9, &text, NULL), ERR_MISSING_FIELD);
}

static void numbers_and_truth(void **state)
{
	AUTO(json_free)
	json_t *j = object("{\"a\":5,\"r\":5.0,\"s\":\"5\",\"t\":true,\"f\":false}");
	int64_t v = 42;
	bool b = false;
	struct problem why = { 0 };

	(void)state;
	assert_int_equal(json_get_int(j, "a", FIELD_REQUIRED, 5, 5, &v, &why), ERR_OK);
	assert_int_equal(v, 5);
	assert_int_equal(json_get_int(j, "a", FIELD_REQUIRED, 6, 9, &v, &why), ERR_OUT_OF_RANGE);
	assert_int_equal(json_get_int(j, "a", FIELD_REQUIRED, 0, 4, &v, &why), ERR_OUT_OF_RANGE);
	assert_int_equal(json_get_int(j, "r", FIELD_REQUIRED, 0, 9, &v, &why), ERR_BAD_VALUE);
	assert_int_equal(json_get_int(j, "s", FIELD_REQUIRED, 0, 9, &v, &why), ERR_BAD_VALUE);
	assert_int_equal(json_get_int(j, "x", FIELD_OPTIONAL, 0, 9, &v, &why), ERR_OK);
	assert_int_equal(json_get_int(j, "x", FIELD_REQUIRED, 0, 9, &v, &why), ERR_MISSING_FIELD);
	assert_int_equal(v, 5);
	assert_int_equal(json_get_bool(j, "t", FIELD_REQUIRED, &b, &why), ERR_OK);
	assert_true(b);
	assert_int_equal(json_get_bool(j, "f", FIELD_REQUIRED, &b, &why), ERR_OK);
	assert_false(b);
	assert_int_equal(json_get_bool(j, "a", FIELD_REQUIRED, &b, &why), ERR_BAD_VALUE);
	assert_int_equal(json_get_bool(j, "x", FIELD_REQUIRED, &b, &why), ERR_MISSING_FIELD);
}

static void only_known_members(void **state)
{
	static const char *const names[] = { "a", "b", NULL };
	AUTO(json_free) json_t *fine = object("{\"b\":1}");
	AUTO(json_free) json_t *odd = object("{\"b\":1,\"c\":1}");
	AUTO(json_free) json_t *list = object("[]");
	struct problem why = { 0 };

	(void)state;
	assert_int_equal(json_only(fine, names, &why), ERR_OK);
	assert_int_equal(json_only(odd, names, &why), ERR_UNKNOWN_FIELD);
	assert_string_equal(why.field, "c");
	assert_int_equal(json_only(list, names, &why), ERR_BAD_JSON);
}

static void values_out(void **state)
{
	AUTO(json_free)
	json_t *j = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "money",
		json_money((struct money){ -1 }), "price", json_price((struct price){ 658300 }),
		"time", json_utc((struct utc){ 1795342029123 }), "never",
		json_utc((struct utc){ 0 }), "text", json_text_or_null("x"), "none",
		json_text_or_null(""));
	char *text = json_text(j);

	(void)state;
	assert_string_equal(text,
		"{\"money\":\"-0.000000001\",\"price\":\"0.6583\",\"time\":"
		"\"2026-11-22T10:07:09.123Z\",\"never\":null,\"text\":\"x\",\"none\":null}");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_not_json),
		cmocka_unit_test(refuses_endless_depth),
		cmocka_unit_test(texts),
		cmocka_unit_test(numbers_and_truth),
		cmocka_unit_test(only_known_members),
		cmocka_unit_test(values_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
