/* Which readings are believed. */
#include "cmock.h"

#include "domain/reading.h"

#define MINUTE 60000
#define T0 INT64_C(1795342029000)

/* A minute after a settled reading of 100 kWh, on a meter of 10 A single-phase (6 kW at most). */
static struct reading_facts usual(int64_t reg)
{
	return (struct reading_facts){ .at = { T0 + MINUTE },
		.reg = { reg },
		.most_per_hour = reading_most_per_hour(false, 10000, 1, 1, 1),
		.step = 10,
		.has_last = true,
		.last_at = { T0 },
		.last_reg = { 100000 },
		.before_reg = { 100000 } };
}

static void test_plain(void **state)
{
	struct reading_facts f = usual(100050);

	(void)state;
	assert_int_equal(reading_judge(&f), VERDICT_ACCEPTED);
	f = usual(100000); /* nothing used: still news, up to now */
	assert_int_equal(reading_judge(&f), VERDICT_ACCEPTED);
	f.has_last = false;
	f.reg.milli = 0;
	assert_int_equal(reading_judge(&f), VERDICT_ACCEPTED);
}

static void test_time(void **state)
{
	struct reading_facts f = usual(100000);

	(void)state;
	f.at.ms = T0;
	assert_int_equal(reading_judge(&f), VERDICT_REPEATED);
	f.reg.milli = 100001;
	assert_int_equal(reading_judge(&f), VERDICT_LATE);
	f.at.ms = T0 - 1;
	f.reg.milli = 99999;
	assert_int_equal(reading_judge(&f), VERDICT_LATE);
}

static void test_fall(void **state)
{
	struct reading_facts f = usual(99000);

	(void)state;
	assert_int_equal(reading_judge(&f), VERDICT_BACKWARDS);
	f.reg.milli = 99990;
	assert_int_equal(reading_judge(&f), VERDICT_BACKWARDS);
	f.reg.milli = 99991; /* less than the register can show */
	assert_int_equal(reading_judge(&f), VERDICT_REPEATED);
	/* It counts again once it has passed the last settled register. */
	f = usual(100010);
	f.before = VERDICT_BACKWARDS;
	f.before_reg.milli = 99000;
	assert_int_equal(reading_judge(&f), VERDICT_ACCEPTED);
}

static void test_jump(void **state)
{
	struct reading_facts f = usual(100000 + 100 + 1000);

	(void)state;
	assert_int_equal(reading_judge(&f), VERDICT_ACCEPTED); /* 6 kW for a minute, and a step */
	f.reg.milli++;
	assert_int_equal(reading_judge(&f), VERDICT_IMPLAUSIBLE);
	/* Waiting does not make a jump good: it stays one until the register comes down. */
	f = usual(200000);
	f.at.ms = T0 + 86400000 * INT64_C(30);
	assert_int_equal(reading_judge(&f), VERDICT_ACCEPTED);
	f.before = VERDICT_IMPLAUSIBLE;
	f.before_reg.milli = 199000;
	assert_int_equal(reading_judge(&f), VERDICT_IMPLAUSIBLE);
	f.reg.milli = 100500;
	assert_int_equal(reading_judge(&f), VERDICT_ACCEPTED);
}

/* A register of six digits and two decimals, 0.01 kWh a step, and what 10 minutes later may show.
 */
static void test_roll_over(void **state)
{
	static const struct {
		int64_t last, reg, capacity;
		enum verdict want;
	} cases[] = {
		{ 999999900, 100, 1000000000, VERDICT_ACCEPTED },	/* 200 Wh */
		{ 999999990, 0, 1000000000, VERDICT_ACCEPTED },		/* just one step */
		{ 999999900, 1900, 1000000000, VERDICT_ACCEPTED },	/* 12 kW, and a step */
		{ 999999900, 1901, 1000000000, VERDICT_BACKWARDS },	/* faster than it can */
		{ 999999900, 100, 0, VERDICT_BACKWARDS },		/* nobody knows its end */
		{ 999999900, 100, 999999900, VERDICT_BACKWARDS },	/* above its end already */
		{ 899999999, 0, 1000000000, VERDICT_BACKWARDS },	/* far from its end */
		{ 999999900, 999999895, 1000000000, VERDICT_REPEATED }, /* within its step */
		{ 999999900, -1, 1000000000, VERDICT_BACKWARDS },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reading_facts f = usual(cases[i].reg);

		f.last_reg.milli = cases[i].last;
		f.capacity.milli = cases[i].capacity;
		f.most_per_hour = 6000;
		f.at.ms = f.last_at.ms + 600000;
		f.step = 10;
		assert_int_equal(reading_judge(&f), cases[i].want);
	}
}

/* After years of silence speed tells nothing: only from its last tenth on a register begins anew.
 */
static void test_roll_over_after_years(void **state)
{
	struct reading_facts f = usual(0);

	(void)state;
	f.capacity.milli = 1000000000;
	f.most_per_hour = 6000;
	f.at.ms = f.last_at.ms + INT64_C(5) * 365 * 24 * 3600000;
	f.last_reg.milli = 900000000;
	assert_int_equal(reading_judge(&f), VERDICT_ACCEPTED);
	f.last_reg.milli = 899999999;
	assert_int_equal(reading_judge(&f), VERDICT_BACKWARDS);
}

static void test_identity_wins(void **state)
{
	struct reading_facts f = usual(99000);

	(void)state;
	f.other_serial = true;
	assert_int_equal(reading_judge(&f), VERDICT_IDENTITY);
}

static void test_most_per_hour(void **state)
{
	(void)state;
	assert_int_equal(reading_most_per_hour(false, 60000, 1, 1, 1), 36000);
	assert_int_equal(reading_most_per_hour(false, 5000, 3, 40, 1), 360000);
	assert_int_equal(reading_most_per_hour(false, 0, 3, 1, 1), 100000);
	assert_int_equal(reading_most_per_hour(true, 0, 0, 1, 1), 100000);
	assert_int_equal(
		reading_most_per_hour(false, INT64_MAX, 3, INT32_MAX, INT32_MAX), INT64_MAX);
}

static void test_words(void **state)
{
	enum verdict v;

	(void)state;
	for (unsigned i = 0; i < VERDICT__MAX; i++) {
		assert_int_equal(verdict_parse(verdict_word((enum verdict)i), &v), ERR_OK);
		assert_int_equal(v, i);
	}
	assert_int_equal(verdict_parse("odd", &v), ERR_BAD_VALUE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_fall),
		cmocka_unit_test(test_jump),
		cmocka_unit_test(test_roll_over),
		cmocka_unit_test(test_roll_over_after_years),
		cmocka_unit_test(test_identity_wins),
		cmocka_unit_test(test_most_per_hour),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
