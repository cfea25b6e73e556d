/* What passwords are taken: by length, and none of the most common ones. */
#include "cmock.h"

#include <string.h>

#include "base/str.h"
#include "rules/password.h"
#include "rules/password_common.h"

static void judged(void **state)
{
	static const struct {
		const char *password;
		enum err want;
	} cases[] = {
		{ "", ERR_OUT_OF_RANGE },
		{ "short7!", ERR_OUT_OF_RANGE },
		{ "yufu-demo", ERR_OK },
		{ "correct horse battery staple", ERR_OK },
		{ "我的电表在走", ERR_OUT_OF_RANGE },
		{ "我的电表在走廊里", ERR_OK },
		{ "password", ERR_BAD_VALUE },
		{ "PassWord", ERR_BAD_VALUE },
		{ "password1234", ERR_BAD_VALUE },
		{ "1234567890", ERR_BAD_VALUE },
		{ "woaini1314", ERR_BAD_VALUE },
		{ "qqqqqqqqqqqqqqqq", ERR_BAD_VALUE },
		{ "zhao.min", ERR_BAD_VALUE },
		{ "Zhao.MinZhao.Min", ERR_BAD_VALUE },
		{ "zhao.min knows", ERR_OK },
		{ "bytes \xff\xfe here", ERR_BAD_VALUE },
		{ "cut \xe4\xbd in the middle", ERR_BAD_VALUE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct problem why = { 0 };

		if (password_rules(cases[i].password, "zhao.min", "f", &why) != cases[i].want)
			fail_msg("case %zu: %s", i, cases[i].password);
		if (cases[i].want != ERR_OK)
			assert_string_equal(why.field, "f");
	}
}

static void longest(void **state)
{
	char text[PASSWORD_MAX + 2];
	struct problem why;

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = (char)('a' + i % 23);
	text[PASSWORD_MAX + 1] = '\0';
	assert_int_equal(password_rules(text, "u", "f", &why), ERR_OUT_OF_RANGE);
	text[PASSWORD_MAX] = '\0';
	assert_int_equal(password_rules(text, "u", "f", &why), ERR_OK);
}

/* The search finds every line of the list, which is in order and long enough to matter. */
static void every_line(void **state)
{
	const char *s = (const char *)password_common, *end = s + password_common_size;
	char word[PASSWORD_MAX + 1], last[PASSWORD_MAX + 1] = "";
	size_t n = 0;

	(void)state;
	for (; s < end; n++) {
		size_t k = strcspn(s, "\n");
		struct problem why;

		assert_true(k >= PASSWORD_MIN && k <= PASSWORD_MAX);
		memcpy(word, s, k);
		word[k] = '\0';
		assert_true(strcmp(last, word) < 0);
		if (password_rules(word, "u", "f", &why) != ERR_BAD_VALUE)
			fail_msg("%s is taken", word);
		memcpy(last, word, k + 1);
		s += k + 1;
	}
	assert_true(n > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(judged), cmocka_unit_test(longest),
		cmocka_unit_test(every_line) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
