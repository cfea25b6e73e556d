#include "cmock.h"

#include "rules/warn.h"

#define YUAN(y)                                                                                    \
	{                                                                                          \
		(int64_t)(y) * NANO_PER_YUAN                                                       \
	}

static void each_level_and_balance(void **state)
{
	/* warn1 100 (margin 5), warn2 10 (margin 1), credit limit 50 */
	static const struct warn_limits w = { YUAN(100), YUAN(10), YUAN(50) };
	static const struct {
		int64_t milli_yuan;
		enum level from_ok, from_low1, from_low2, from_arrears;
	} rows[] = {
		/* clang-format off */
		{  1000000, LEVEL_OK,      LEVEL_OK,      LEVEL_OK,      LEVEL_OK },
		{   105001, LEVEL_OK,      LEVEL_OK,      LEVEL_OK,      LEVEL_OK },
		{   105000, LEVEL_OK,      LEVEL_LOW1,    LEVEL_LOW1,    LEVEL_LOW1 },
		{   100001, LEVEL_OK,      LEVEL_LOW1,    LEVEL_LOW1,    LEVEL_LOW1 },
		{   100000, LEVEL_LOW1,    LEVEL_LOW1,    LEVEL_LOW1,    LEVEL_LOW1 },
		{    11001, LEVEL_LOW1,    LEVEL_LOW1,    LEVEL_LOW1,    LEVEL_LOW1 },
		{    11000, LEVEL_LOW1,    LEVEL_LOW1,    LEVEL_LOW2,    LEVEL_LOW2 },
		{    10001, LEVEL_LOW1,    LEVEL_LOW1,    LEVEL_LOW2,    LEVEL_LOW2 },
		{    10000, LEVEL_LOW2,    LEVEL_LOW2,    LEVEL_LOW2,    LEVEL_LOW2 },
		{        1, LEVEL_LOW2,    LEVEL_LOW2,    LEVEL_LOW2,    LEVEL_LOW2 },
		{        0, LEVEL_LOW2,    LEVEL_LOW2,    LEVEL_LOW2,    LEVEL_ARREARS },
		{   -49999, LEVEL_LOW2,    LEVEL_LOW2,    LEVEL_LOW2,    LEVEL_ARREARS },
		{   -50000, LEVEL_ARREARS, LEVEL_ARREARS, LEVEL_ARREARS, LEVEL_ARREARS },
		{   -90000, LEVEL_ARREARS, LEVEL_ARREARS, LEVEL_ARREARS, LEVEL_ARREARS },
		/* clang-format on */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct money b = { rows[i].milli_yuan * 1000000 };

		assert_int_equal(warn_level(LEVEL_OK, b, &w), rows[i].from_ok);
		assert_int_equal(warn_level(LEVEL_LOW1, b, &w), rows[i].from_low1);
		assert_int_equal(warn_level(LEVEL_LOW2, b, &w), rows[i].from_low2);
		assert_int_equal(warn_level(LEVEL_ARREARS, b, &w), rows[i].from_arrears);
	}
}

static void without_credit_arrears_begin_at_zero(void **state)
{
	static const struct warn_limits w = { YUAN(20), YUAN(10), YUAN(0) };

	(void)state;
	assert_int_equal(warn_level(LEVEL_OK, (struct money){ 1 }, &w), LEVEL_LOW2);
	assert_int_equal(warn_level(LEVEL_LOW2, (struct money){ 0 }, &w), LEVEL_ARREARS);
	assert_int_equal(warn_level(LEVEL_ARREARS, (struct money){ 0 }, &w), LEVEL_ARREARS);
	assert_int_equal(warn_level(LEVEL_ARREARS, (struct money){ 1 }, &w), LEVEL_LOW2);
}

static void zero_turns_a_level_off(void **state)
{
	static const struct warn_limits none = { YUAN(0), YUAN(0), YUAN(0) };
	static const struct warn_limits first = { YUAN(20), YUAN(0), YUAN(5) };

	(void)state;
	for (enum level l = LEVEL_OK; l < LEVEL__MAX; l++)
		assert_int_equal(warn_level(l, (struct money){ 1 }, &none), LEVEL_OK);
	assert_int_equal(warn_level(LEVEL_OK, (struct money){ 0 }, &none), LEVEL_ARREARS);
	assert_int_equal(warn_level(LEVEL_LOW2, (struct money)YUAN(-4), &first), LEVEL_LOW1);
	assert_int_equal(warn_level(LEVEL_LOW2, (struct money)YUAN(30), &first), LEVEL_OK);
}

static void nothing_overflows(void **state)
{
	static const struct warn_limits w = { { INT64_MAX }, { INT64_MAX }, { INT64_MAX } };

	(void)state;
	assert_int_equal(warn_level(LEVEL_OK, (struct money){ INT64_MAX }, &w), LEVEL_LOW2);
	assert_int_equal(warn_level(LEVEL_LOW1, (struct money){ INT64_MIN }, &w), LEVEL_ARREARS);
}

static void a_trembling_balance_warns_once(void **state)
{
	static const struct warn_limits w = { YUAN(100), YUAN(10), YUAN(0) };
	enum level l = LEVEL_OK;
	int warnings = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct money b = { (100 * NANO_PER_YUAN) + (i % 2 ? 4 : -4) * NANO_PER_YUAN };
		enum level next = warn_level(l, b, &w);

		warnings += next > l;
		l = next;
	}
	assert_int_equal(warnings, 1);
}

static void words_come_back(void **state)
{
	enum level l;

	(void)state;
	for (enum level i = 0; i < LEVEL__MAX; i++) {
		assert_int_equal(level_parse(level_word(i), &l), ERR_OK);
		assert_int_equal(l, i);
	}
	assert_int_equal(level_parse("low3", &l), ERR_BAD_VALUE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_level_and_balance),
		cmocka_unit_test(without_credit_arrears_begin_at_zero),
		cmocka_unit_test(zero_turns_a_level_off),
		cmocka_unit_test(nothing_overflows),
		cmocka_unit_test(a_trembling_balance_warns_once),
		cmocka_unit_test(words_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
