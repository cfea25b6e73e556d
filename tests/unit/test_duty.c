/* Hours of duty: over midnight, by the day on which they begin. */
#include "cmock.h"

#include "rules/duty.h"

static void hours(void **state)
{
	static const struct {
		struct duty_hours h;
		int weekday, minute;
		bool on;
	} cases[] = {
		{ { 480, 1200, "12345" }, 0, 480, true },
		{ { 480, 1200, "12345" }, 0, 479, false },
		{ { 480, 1200, "12345" }, 4, 1199, true },
		{ { 480, 1200, "12345" }, 4, 1200, false },
		{ { 480, 1200, "12345" }, 5, 600, false },
		/* Friday's night ends on Saturday morning. */
		{ { 1200, 480, "5" }, 4, 1300, true },
		{ { 1200, 480, "5" }, 4, 100, false },
		{ { 1200, 480, "5" }, 5, 479, true },
		{ { 1200, 480, "5" }, 5, 480, false },
		{ { 1200, 480, "5" }, 5, 1300, false },
		/* Sunday's night is Monday's morning. */
		{ { 1200, 480, "7" }, 0, 0, true },
		{ { 0, 0, "3" }, 2, 0, true },
		{ { 0, 0, "3" }, 2, 1439, true },
		{ { 0, 0, "3" }, 3, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (duty_at(&cases[i].h, cases[i].weekday, cases[i].minute) != cases[i].on)
			fail_msg("case %zu", i);
}

static void weekdays(void **state)
{
	static const char *const bad[] = { "", "0", "8", "11", "21", "1,2", "12345678", "x" };

	(void)state;
	assert_true(duty_weekdays_valid("1234567"));
	assert_true(duty_weekdays_valid("7"));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(duty_weekdays_valid(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(hours), cmocka_unit_test(weekdays) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
