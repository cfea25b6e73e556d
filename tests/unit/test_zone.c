#include "cmock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/zone.h"
#include "wall.h"

static void known_instants(void **state)
{
	static const struct {
		const char *zone, *utc, *day;
		int32_t second, offset;
	} rows[] = {
		{ "Asia/Shanghai", "2026-11-22T15:59:59.999Z", "2026-11-22", 86399, 28800 },
		{ "Asia/Shanghai", "2026-11-22T16:00:00Z", "2026-11-23", 0, 28800 },
		{ "Asia/Shanghai", "1986-07-01T00:00:00Z", "1986-07-01", 9 * 3600, 32400 },
		{ "Europe/Berlin", "2026-03-29T00:59:59Z", "2026-03-29", 7199, 3600 },
		{ "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29", 10800, 7200 },
		{ "Europe/Berlin", "2026-10-25T00:59:59Z", "2026-10-25", 10799, 7200 },
		{ "Europe/Berlin", "2026-10-25T01:00:00Z", "2026-10-25", 7200, 3600 },
		{ "America/New_York", "2026-07-04T03:00:00Z", "2026-07-03", 82800, -14400 },
		{ "Asia/Kathmandu", "2026-01-01T00:00:00Z", "2026-01-01", 20700, 20700 },
		{ "Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29", 86399, -36000 },
		{ "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31", 0, 50400 },
		{ "UTC", "2026-01-01T00:00:00Z", "2026-01-01", 0, 0 },
	};
	char buf[DAY_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(zone_free) struct zone *z = NULL;
		struct local l;
		struct utc t;

		assert_int_equal(zone_open(rows[i].zone, &z), ERR_OK);
		assert_string_equal(zone_name(z), rows[i].zone);
		assert_int_equal(utc_parse(rows[i].utc, &t), ERR_OK);
		l = zone_local(z, t);
		assert_string_equal(day_text(l.day, buf), rows[i].day);
		assert_int_equal(l.second, rows[i].second);
		assert_int_equal(l.offset_s, rows[i].offset);
	}
}

static void skipped_and_double_times(void **state)
{
	static const struct {
		const char *zone;
		int y, m, d;
		int32_t second;
		const char *utc;
	} rows[] = {
		/* clang-format off */
		{ "Europe/Berlin", 2026, 3, 29, 7199, "2026-03-29T00:59:59Z" },
		{ "Europe/Berlin", 2026, 3, 29, 7200, "2026-03-29T01:00:00Z" }, /* skipped */
		{ "Europe/Berlin", 2026, 3, 29, 9000, "2026-03-29T01:30:00Z" }, /* skipped */
		{ "Europe/Berlin", 2026, 3, 29, 10800, "2026-03-29T01:00:00Z" },
		{ "Europe/Berlin", 2026, 10, 25, 7200, "2026-10-25T00:00:00Z" }, /* the first */
		{ "Europe/Berlin", 2026, 10, 25, 10799, "2026-10-25T00:59:59Z" },
		{ "Europe/Berlin", 2026, 10, 25, 10800, "2026-10-25T02:00:00Z" },
		{ "Europe/Berlin", 2026, 10, 25, 86400, "2026-10-25T23:00:00Z" },
		{ "America/Sao_Paulo", 2018, 11, 4, 0, "2018-11-04T03:00:00Z" }, /* skipped */
		{ "America/Havana", 2026, 11, 1, 1800, "2026-11-01T04:30:00Z" }, /* the first */
		{ "Australia/Lord_Howe", 2026, 4, 5, 6300, "2026-04-04T14:45:00Z" },
		{ "Pacific/Apia", 2011, 12, 30, 0, "2011-12-30T10:00:00Z" }, /* no such day */
		{ "Pacific/Apia", 2011, 12, 31, 0, "2011-12-30T10:00:00Z" },
		{ "Asia/Shanghai", 2026, 1, 1, 0, "2025-12-31T16:00:00Z" },
		/* clang-format on */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(zone_free) struct zone *z = NULL;
		struct utc expected;

		assert_int_equal(zone_open(rows[i].zone, &z), ERR_OK);
		assert_int_equal(utc_parse(rows[i].utc, &expected), ERR_OK);
		assert_int_equal(
			zone_utc(z, day_of(rows[i].y, rows[i].m, rows[i].d), rows[i].second).ms,
			expected.ms);
	}
}

static void days_of_23_24_and_25_hours(void **state)
{
	static const struct {
		const char *zone;
		int y, m, d;
		int64_t minutes;
	} rows[] = { { "Europe/Berlin", 2026, 3, 29, 23 * 60 },
		{ "Europe/Berlin", 2026, 3, 30, 1440 }, { "Europe/Berlin", 2026, 10, 25, 25 * 60 },
		{ "America/New_York", 2026, 3, 8, 23 * 60 },
		{ "America/New_York", 2026, 11, 1, 25 * 60 },
		{ "Australia/Lord_Howe", 2026, 4, 5, 24 * 60 + 30 },
		{ "America/Sao_Paulo", 2018, 11, 4, 23 * 60 },
		{ "America/Sao_Paulo", 2018, 2, 17, 25 * 60 },
		{ "Asia/Shanghai", 2026, 3, 29, 1440 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(zone_free) struct zone *z = NULL;
		struct day d = day_of(rows[i].y, rows[i].m, rows[i].d);

		assert_int_equal(zone_open(rows[i].zone, &z), ERR_OK);
		assert_int_equal(
			zone_day_start(z, (struct day){ d.days + 1 }).ms - zone_day_start(z, d).ms,
			rows[i].minutes * 60000);
	}
}

/* Minute by minute through four years in zones with every habit, against the C library. */
static void as_the_c_library(void **state)
{
	static const char *const zones[] = { "Asia/Shanghai", "Europe/Berlin", "America/New_York",
		"Australia/Lord_Howe", "America/Havana", "Africa/Casablanca", "Asia/Kathmandu",
		"America/St_Johns" };
	int64_t first = civil_days(2025, 12, 1) * 1440, n = 400 * 1440;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		AUTO(zone_free) struct zone *z = NULL;
		AUTO(wall_free) struct wall w = wall_open(zones[i], first, n);

		assert_int_equal(zone_open(zones[i], &z), ERR_OK);
		for (int64_t m = first; m < first + n; m++) {
			struct local l = zone_local(z, (struct utc){ m * 60000 });
			int64_t local = l.day.days * INT64_C(1440) + l.second / 60;

			assert_int_equal(local, wall_local(&w, m));
			if (m > first + 2880 && m < first + n - 2880)
				assert_int_equal(zone_utc(z, l.day, l.second).ms,
					wall_find(&w, local) * 60000);
		}
	}
}

static void unknown_zones(void **state)
{
	static const char *const names[] = {
		"", "Mars/Olympus", "../../etc/passwd", "/etc/passwd", "Asia/Shanghai ", "Asia",
		".",
		"Asia/Shanghaiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct zone *z = NULL;

		if (zone_open(names[i], &z) == ERR_OK)
			fail_msg("accepted: \"%s\"", names[i]);
	}
}

static void days(void **state)
{
	static const char *const bad[] = { "", "2026-2-1", "2026-02-29", "2026-02-30", "20260201",
		"2026/02/01", "2026-02-01 ", "2026-02-01T", "1969-12-31" };
	char buf[DAY_TEXT_MAX];
	struct day d = { 42 };

	(void)state;
	assert_int_equal(day_parse("2024-02-29", &d), ERR_OK);
	assert_string_equal(day_text(d, buf), "2024-02-29");
	assert_int_equal(d.days, day_of(2024, 2, 29).days);
	assert_int_equal(day_weekday(day_of(2026, 11, 22)), 6); /* a Sunday */
	assert_int_equal(day_weekday(day_of(2026, 11, 23)), 0);
	assert_int_equal(day_weekday(day_of(1969, 12, 29)), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (day_parse(bad[i], &d) == ERR_OK)
			fail_msg("accepted: %s", bad[i]);
}

static void *open_and_ask(void *failures)
{
	static const char *const names[] = { "Asia/Shanghai", "America/New_York", "UTC" };

	for (int i = 0; i < 300; i++) {
		AUTO(zone_free) struct zone *z = NULL;

		if (zone_open(names[i % 3], &z) != ERR_OK ||
			zone_local(z, (struct utc){ INT64_C(1767225600000) }).offset_s !=
				(int32_t[]){ 28800, -18000, 0 }[i % 3])
			atomic_fetch_add((atomic_int *)failures, 1);
	}
	return NULL;
}

/* The library behind keeps open zones in a cache that all threads share. */
static void zones_of_many_threads(void **state)
{
	pthread_t threads[4];
	atomic_int failures = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, open_and_ask, &failures), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(failures, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_instants),
		cmocka_unit_test(skipped_and_double_times),
		cmocka_unit_test(days_of_23_24_and_25_hours),
		cmocka_unit_test(as_the_c_library),
		cmocka_unit_test(unknown_zones),
		cmocka_unit_test(days),
		cmocka_unit_test(zones_of_many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
