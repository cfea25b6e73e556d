/* When a meter's clock is set, and by how much. */
#include "cmock.h"

#include <stdlib.h>

#include "rules/clockset.h"

#define DAY 86400
#define NOON (INT64_C(20000) * DAY + 12 * 3600 + 300) /* wall clock of the site: 12:05:00 */

static struct zone *zone;

static int open_zone(void **state)
{
	(void)state;
	return zone_open("Asia/Shanghai", &zone) == ERR_OK ? 0 : -1;
}

static int close_zone(void **state)
{
	(void)state;
	zone_free(&zone);
	return 0;
}

/* The meter is ahead by drift when the wall shows `wall`. */
static struct clock_facts facts(int64_t wall, int64_t drift)
{
	return (struct clock_facts){
		.shown = wall + drift, .at = { (wall - 8 * 3600) * 1000 }, .zone = zone
	};
}

static int64_t step(int64_t wall, int64_t drift)
{
	struct clock_facts f = facts(wall, drift);

	assert_int_equal(clock_drift(&f), drift);
	return clock_step(&f);
}

static void test_small_steps_towards_the_right_time(void **state)
{
	(void)state;
	assert_int_equal(step(NOON, 0), 0);
	assert_int_equal(step(NOON, CLOCK_SLACK_S), 0);
	assert_int_equal(step(NOON, -CLOCK_SLACK_S), 0);
	assert_int_equal(step(NOON, 40), -40);
	assert_int_equal(step(NOON, -40), 40);
	assert_int_equal(step(NOON, 250), -250);
	assert_int_equal(step(NOON + 120, 400), -CLOCK_STEP_S);
	assert_int_equal(step(NOON, -1000), CLOCK_STEP_S); /* 11:48:20 to 11:53:20 */
	assert_int_equal(step(NOON, -1400), 0);		   /* 11:41:40 to 11:46:40: an edge */
}

static void test_far_off_is_for_a_person(void **state)
{
	(void)state;
	for (int64_t wall = NOON; wall < NOON + DAY; wall += 60) {
		assert_int_equal(step(wall, CLOCK_URGENT_S), 0);
		assert_int_equal(step(wall, -CLOCK_URGENT_S), 0);
		assert_int_equal(step(wall, -NOON), 0); /* 1970 */
	}
}

static void test_once_a_local_day(void **state)
{
	struct clock_facts f = facts(NOON, 40);

	(void)state;
	f.set_at = (struct utc){ f.at.ms - 60000 };
	assert_int_equal(clock_step(&f), 0);
	f.set_at = (struct utc){ f.at.ms - (12 * 3600 + 290) * INT64_C(1000) }; /* 00:00:10 */
	assert_int_equal(clock_step(&f), 0);
	f.set_at = (struct utc){ f.at.ms - (12 * 3600 + 310) * INT64_C(1000) }; /* yesterday */
	assert_int_equal(clock_step(&f), -40);
	f.set_at = (struct utc){ f.at.ms + 60000 }; /* our own clock went back */
	assert_int_equal(clock_step(&f), 0);
}

/* Over a whole day and any drift: no step ever touches an edge, none is too large, each leads
 * nearer, and within every hour there is a moment for it. */
static void test_never_across_an_edge(void **state)
{
	(void)state;
	for (int64_t drift = -3599; drift < 3600; drift += 37) {
		int64_t last = NOON;

		if (llabs(drift) <= CLOCK_SLACK_S)
			continue;
		for (int64_t wall = NOON; wall < NOON + DAY; wall += 20) {
			int64_t by = step(wall, drift), shown = wall + drift;

			if (by == 0)
				continue;
			last = wall;
			assert_true(llabs(by) <= CLOCK_STEP_S);
			assert_true(llabs(drift + by) < llabs(drift));
			for (int64_t edge = shown / 900 * 900 - 900; edge <= shown + 900;
				edge += 900) {
				int64_t from = by < 0 ? shown + by : shown;
				int64_t to = by < 0 ? shown : shown + by;

				assert_true(edge < from || edge > to);
			}
		}
		assert_true(NOON + DAY - last < 3600);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_steps_towards_the_right_time),
		cmocka_unit_test(test_far_off_is_for_a_person),
		cmocka_unit_test(test_once_a_local_day),
		cmocka_unit_test(test_never_across_an_edge),
	};

	return cmocka_run_group_tests(tests, open_zone, close_zone);
}
