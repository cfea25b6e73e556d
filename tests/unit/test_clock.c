#include "cmock.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"

static void parses(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-01T00:00:00+08:00", -28800000 },
		{ "1970-01-01T00:00:00-03:30", 12600000 },
		{ "2026-11-22T10:07:09.123Z", 1795342029123 },
		{ "2026-11-22T18:07:09.123+08:00", 1795342029123 },
		{ "2026-11-22T10:07:09.1Z", 1795342029100 },
		{ "2026-11-22T10:07:09.123999999Z", 1795342029123 },
		{ "2026-11-22T10:07:09-00:00", 1795342029000 },
		{ "2024-02-29T00:00:00Z", 1709164800000 },
		{ "2000-02-29T23:59:59Z", 951868799000 },
		{ "9999-12-31T23:59:59.999Z", 253402300799999 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct utc t = { 42 };

		assert_int_equal(utc_parse(rows[i].text, &t), ERR_OK);
		assert_int_equal(t.ms, rows[i].ms);
	}
}

static void refuses(void **state)
{
	static const char *const texts[] = { "", "2026-11-22", "2026-11-22T10:07:09",
		"2026-11-22 10:07:09Z", "2026-11-22T10:07Z", "2026-11-22T10:07:09.Z",
		"2026-11-22T10:07:09,5Z", "2026-11-22T10:07:09+0800", "2026-11-22T10:07:09+08",
		"2026-11-22T10:07:09+24:00", "2026-11-22T10:07:09+08:60", "2026-11-22T10:07:09Z ",
		" 2026-11-22T10:07:09Z", "2026-11-22T10:07:09ZZ", "2026-02-29T00:00:00Z",
		"2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "1969-12-31T23:59:59Z",
		"26-01-01T00:00:00Z", "12026-01-01T00:00:00Z", "-2026-01-01T00:00:00Z",
		"2026-1-1T00:00:00Z", "1795342029" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct utc t = { 42 };

		if (utc_parse(texts[i], &t) == ERR_OK)
			fail_msg("accepted: %s", texts[i]);
		assert_int_equal(t.ms, 42);
	}
}

static void text_and_back(void **state)
{
	struct lots l = lots_open();
	char buf[UTC_TEXT_MAX];

	(void)state;
	assert_string_equal(utc_text((struct utc){ 0 }, buf), "1970-01-01T00:00:00.000Z");
	assert_string_equal(utc_text((struct utc){ -1 }, buf), "1969-12-31T23:59:59.999Z");
	assert_string_equal(
		utc_text((struct utc){ 1795342029123 }, buf), "2026-11-22T10:07:09.123Z");
	for (int i = 0; i < 10000; i++) {
		struct utc t = { lots_between(&l, 0, 253402300799999) }, back = { 0 };

		assert_int_equal(utc_parse(utc_text(t, buf), &back), ERR_OK);
		assert_int_equal(back.ms, t.ms);
	}
}

/* Every day of eight centuries, against the C library. */
static void civil_days_as_the_c_library(void **state)
{
	(void)state;
	for (int64_t d = civil_days(1600, 1, 1); d < civil_days(2400, 1, 1); d++) {
		time_t t = d * 86400;
		struct tm tm;
		int y, m, day;

		gmtime_r(&t, &tm);
		civil_date(d, &y, &m, &day);
		assert_int_equal(y, tm.tm_year + 1900);
		assert_int_equal(m, tm.tm_mon + 1);
		assert_int_equal(day, tm.tm_mday);
		assert_int_equal(civil_days(y, m, day), d);
	}
}

static void waiting_uses_a_clock_that_only_grows(void **state)
{
	int64_t start = mono_ms();

	(void)state;
	mono_sleep_until(start - 1000); /* long past: at once */
	mono_sleep_until(start + 5);
	assert_true(mono_ms() >= start + 5);
	assert_true(utc_now().ms > 1700000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses),
		cmocka_unit_test(refuses),
		cmocka_unit_test(text_and_back),
		cmocka_unit_test(civil_days_as_the_c_library),
		cmocka_unit_test(waiting_uses_a_clock_that_only_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
