/* How long a meter is waited for, and what the histogram of answer times tells. */
#include "cmock.h"

#include "meter/patience.h"

#define CEILING 1000

static struct patience steady(int ms, int answers)
{
	struct patience p = { 0 };

	for (int i = 0; i < answers; i++)
		patience_answered(&p, ms);
	return p;
}

static void test_learns_from_answers(void **state)
{
	struct patience p = { 0 };

	(void)state;
	assert_int_equal(patience_ms(&p, CEILING), CEILING);
	p = steady(50, 3);
	assert_int_equal(patience_ms(&p, CEILING), CEILING);
	p = steady(50, 100);
	assert_int_equal(patience_ms(&p, CEILING), PATIENCE_FLOOR_MS);
	p = steady(400, 100);
	assert_in_range(patience_ms(&p, CEILING), 500, 700);
	assert_int_equal(patience_ms(&p, 300), 300);
	p = steady(2000, 100);
	assert_int_equal(patience_ms(&p, CEILING), CEILING);
}

/* Answer times that vary are hardly ever cut off. */
static void test_a_meter_that_varies(void **state)
{
	struct patience p = { 0 };
	uint32_t seed = 7;
	int cut_off = 0;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		int ms;

		seed = seed * 1664525 + 1013904223;
		ms = 20 + (int)(seed >> 16) % 130;
		cut_off += i > 100 && ms > patience_ms(&p, CEILING);
		patience_answered(&p, ms);
	}
	assert_int_equal(cut_off, 0);
	assert_in_range(patience_ms(&p, CEILING), 150, 500);
}

static void test_silence_makes_it_wait_longer(void **state)
{
	struct patience p = steady(200, 50);
	int last = patience_ms(&p, CEILING), full = 0;

	(void)state;
	for (int i = 0; i < 3; i++) {
		patience_silent(&p);
		assert_true(patience_ms(&p, CEILING) > last || last == CEILING);
		last = patience_ms(&p, CEILING);
	}
	assert_int_equal(last, CEILING);
	for (int i = 0; i < 40; i++) {
		patience_silent(&p);
		full += patience_ms(&p, CEILING) == CEILING;
	}
	assert_int_equal(full, 10); /* a slow meter is found again */
	patience_answered(&p, 200);
	assert_true(patience_ms(&p, CEILING) < CEILING);
}

static void test_given_up_too_early_is_remembered(void **state)
{
	struct patience p = steady(100, 50);
	int before = patience_ms(&p, CEILING);

	(void)state;
	for (int i = 0; i < 5; i++) {
		patience_silent(&p);
		patience_answered(&p, 100);
	}
	assert_true(patience_ms(&p, CEILING) > before + 200);
	for (int i = 0; i < 2000; i++)
		patience_answered(&p, 100);
	assert_int_equal(patience_ms(&p, CEILING), before);
	patience_answered(&p, -1);
	assert_int_equal(patience_ms(&p, CEILING), before);
}

static void test_never_answered(void **state)
{
	struct patience p = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(patience_ms(&p, CEILING), CEILING);
		patience_silent(&p);
	}
	patience_silent(&p);
	assert_true(patience_ms(&p, CEILING) < CEILING);
}

static void test_percentiles(void **state)
{
	struct answer_times t = { 0 };

	(void)state;
	assert_int_equal(answer_times_percentile(&t, 50), 0);
	for (int64_t ms = 1; ms <= 1000; ms++)
		answer_times_add(&t, ms);
	assert_in_range(answer_times_percentile(&t, 50), 500, 563);
	assert_in_range(answer_times_percentile(&t, 95), 950, 1070);
	assert_in_range(answer_times_percentile(&t, 99), 990, 1115);
	answer_times_add(&t, INT64_MAX);
	assert_true(answer_times_percentile(&t, 100) > 10000);
	for (int i = 0; i < 100000; i++) /* what is old fades */
		answer_times_add(&t, 7);
	assert_int_equal(answer_times_percentile(&t, 99), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_learns_from_answers),
		cmocka_unit_test(test_a_meter_that_varies),
		cmocka_unit_test(test_silence_makes_it_wait_longer),
		cmocka_unit_test(test_given_up_too_early_is_remembered),
		cmocka_unit_test(test_never_answered),
		cmocka_unit_test(test_percentiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
