#include "cmock.h"

#include "rules/timetable.h"

static const struct day_marks NO_DAYS = { 0 };

static struct zone *zone_of(const char *name)
{
	struct zone *z = NULL;

	assert_int_equal(zone_open(name, &z), ERR_OK);
	return z;
}

static struct utc instant(const char *text)
{
	struct utc t;

	assert_int_equal(utc_parse(text, &t), ERR_OK);
	return t;
}

static void sort_of_a_day(void **state)
{
	/* National Day of 2026 is a Thursday; Saturday the 10th is worked for it. */
	static const struct {
		int month, day;
		enum day_sort sort;
	} rows[] = {
		{ 9, 30, SORT_WORKDAY },
		{ 10, 1, SORT_HOLIDAY },
		{ 10, 2, SORT_HOLIDAY },
		{ 10, 3, SORT_WEEKEND },
		{ 10, 5, SORT_WORKDAY },
		{ 10, 10, SORT_WORKDAY },
		{ 10, 11, SORT_WEEKEND },
	};
	const struct day_mark list[] = {
		{ day_of(2026, 10, 1), SITE_DAY_HOLIDAY },
		{ day_of(2026, 10, 2), SITE_DAY_HOLIDAY },
		{ day_of(2026, 10, 10), SITE_DAY_WORKDAY },
	};
	const struct day_marks special = { list, ARRAY_LEN(list) };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(day_sort_of(&special, day_of(2026, rows[i].month, rows[i].day)),
			rows[i].sort);
}

static void a_shop_that_is_off_at_night(void **state)
{
	static const struct timetable
		t = { .days = {
			      [SORT_WORKDAY] = { { { 0, true }, { 8 * 60, false },
							 { 22 * 60, true } },
				      3 },
			      [SORT_WEEKEND] = { { { 0, true }, { 10 * 60, false } }, 2 },
			      [SORT_HOLIDAY] = { { { 0, true } }, 1 },
		      } };
	static const struct {
		const char *at;
		bool off;
		const char *next;
	} rows[] = {
		/* Wednesday; Thursday the 1st is a holiday; Friday; Saturday; Sunday; Monday */
		{ "2026-09-30T07:59:59+08:00", true, "2026-09-30T08:00:00+08:00" },
		{ "2026-09-30T08:00:00+08:00", false, "2026-09-30T22:00:00+08:00" },
		{ "2026-09-30T21:59:59.999+08:00", false, "2026-09-30T22:00:00+08:00" },
		{ "2026-09-30T22:00:00+08:00", true, "2026-10-02T08:00:00+08:00" },
		{ "2026-10-01T12:00:00+08:00", true, "2026-10-02T08:00:00+08:00" },
		{ "2026-10-03T09:00:00+08:00", true, "2026-10-03T10:00:00+08:00" },
		{ "2026-10-03T23:59:59+08:00", false, "2026-10-04T00:00:00+08:00" },
		{ "2026-10-04T12:00:00+08:00", false, "2026-10-05T00:00:00+08:00" },
	};
	const struct day_mark list[] = { { day_of(2026, 10, 1), SITE_DAY_HOLIDAY } };
	const struct day_marks special = { list, 1 };
	AUTO(zone_free) struct zone *z = zone_of("Asia/Shanghai");

	(void)state;
	assert_int_equal(timetable_check(&t), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct utc at = instant(rows[i].at);

		assert_int_equal(timetable_off(&t, z, &special, at), rows[i].off);
		assert_int_equal(timetable_next(&t, z, &special, at).ms, instant(rows[i].next).ms);
	}
}

static void what_never_changes(void **state)
{
	static const struct timetable none = { 0 };
	static const struct timetable always = { .days = {
							 [SORT_WORKDAY] = { { { 0, true } }, 1 },
							 [SORT_WEEKEND] = { { { 0, true },
										    { 60, true } },
								 2 },
							 [SORT_HOLIDAY] = { { { 0, true } }, 1 },
						 } };
	AUTO(zone_free) struct zone *z = zone_of("Asia/Shanghai");
	struct utc at = instant("2026-10-03T00:30:00+08:00");

	(void)state;
	assert_false(timetable_off(&none, z, &NO_DAYS, at));
	assert_int_equal(timetable_next(&none, z, &NO_DAYS, at).ms, 0);
	assert_true(timetable_off(&always, z, &NO_DAYS, at));
	assert_int_equal(timetable_next(&always, z, &NO_DAYS, at).ms, 0);
}

/* Berlin 2026: 02:00 to 03:00 is skipped on 29 March and comes twice on 25 October. */
static void days_of_23_and_25_hours(void **state)
{
	static const struct timetable t = { .days = {
						    [SORT_WEEKEND] = { { { 0, false },
									       { 150, true },
									       { 240, false } },
							    3 },
					    } };
	static const struct {
		const char *at;
		bool off;
	} rows[] = {
		/* 02:30 does not exist: 03:30 summer time */
		{ "2026-03-29T01:59:59+01:00", false },
		{ "2026-03-29T03:29:59+02:00", false },
		{ "2026-03-29T03:30:00+02:00", true },
		{ "2026-03-29T04:00:00+02:00", false },
		/* 02:30 comes twice: off from the first, and not undone at the second 02:00 */
		{ "2026-10-25T02:29:59+02:00", false },
		{ "2026-10-25T02:30:00+02:00", true },
		{ "2026-10-25T02:10:00+01:00", true },
		{ "2026-10-25T03:59:59+01:00", true },
		{ "2026-10-25T04:00:00+01:00", false },
	};
	AUTO(zone_free) struct zone *z = zone_of("Europe/Berlin");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(timetable_off(&t, z, &NO_DAYS, instant(rows[i].at)), rows[i].off);
	assert_int_equal(timetable_next(&t, z, &NO_DAYS, instant("2026-10-25T02:30:00+02:00")).ms,
		instant("2026-10-25T04:00:00+01:00").ms);
}

static void malformed_ones(void **state)
{
	static const struct {
		struct timetable_day day;
		enum err e;
	} rows[] = {
		{ { { { 0, true } }, 1 }, ERR_OK },
		{ { { { 1, true } }, 1 }, ERR_BAD_VALUE },
		{ { { { 0, true }, { 0, false } }, 2 }, ERR_OUT_OF_RANGE },
		{ { { { 0, true }, { 90, false }, { 80, true } }, 3 }, ERR_OUT_OF_RANGE },
		{ { { { 0, true }, { 1440, false } }, 2 }, ERR_OUT_OF_RANGE },
		{ { { { 0, true } }, TIMETABLE_PERIODS + 1 }, ERR_OUT_OF_RANGE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (enum day_sort s = SORT_WORKDAY; s < SORT__MAX; s++) {
			struct timetable t = { 0 };

			t.days[s] = rows[i].day;
			assert_int_equal(timetable_check(&t), rows[i].e);
		}
}

static struct timetable draw_table(struct lots *lots)
{
	struct timetable t = { 0 };

	for (enum day_sort s = SORT_WORKDAY; s < SORT__MAX; s++) {
		struct timetable_day *d = &t.days[s];
		int32_t at = 0;

		for (d->n = 0; d->n < TIMETABLE_PERIODS && at < 1440; d->n++) {
			d->at[d->n] = (struct timetable_period){ at, lots_between(lots, 0, 1) };
			at += (int32_t)lots_between(lots, 1, 400);
		}
	}
	return t;
}

/* What timetable_next() says is the first minute at which stepping by minutes sees a change. */
static void next_is_where_it_changes(void **state)
{
	static const char *const zones[] = { "Asia/Shanghai", "Europe/Berlin", "America/Sao_Paulo",
		"Australia/Lord_Howe" };
	static const char *const starts[] = { "2026-03-28T12:00:00Z", "2026-10-24T12:00:00Z",
		"2018-11-03T12:00:00Z", "2026-04-04T02:00:00Z" };
	struct lots lots = lots_open();

	(void)state;
	for (int run = 0; run < 60; run++) {
		AUTO(zone_free) struct zone *z = zone_of(zones[run % 4]);
		struct timetable t = draw_table(&lots);
		struct utc at = instant(starts[run / 4 % 4]);
		struct utc next = timetable_next(&t, z, &NO_DAYS, at);

		for (int minute = 0; minute < 2880; minute++) {
			struct utc after = { at.ms + 60000 };
			bool off = timetable_off(&t, z, &NO_DAYS, at);

			assert_int_equal(timetable_off(&t, z, &NO_DAYS, after) != off,
				next.ms && next.ms == after.ms);
			at = after;
			if (next.ms == at.ms)
				next = timetable_next(&t, z, &NO_DAYS, at);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sort_of_a_day),
		cmocka_unit_test(a_shop_that_is_off_at_night),
		cmocka_unit_test(what_never_changes),
		cmocka_unit_test(days_of_23_and_25_hours),
		cmocka_unit_test(malformed_ones),
		cmocka_unit_test(next_is_where_it_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
