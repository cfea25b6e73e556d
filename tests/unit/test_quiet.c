/* When a site wants nobody cut: examples by hand, and a slow oracle that only ever asks what the
 * clock on the wall shows, minute by minute. */
#include "cmock.h"

#include <stdio.h>
#include <stdlib.h>

#include "rules/quiet.h"

#define MINUTE_MS INT64_C(60000)

static struct utc at(const char *text)
{
	struct utc t = { 0 };

	assert_int_equal(utc_parse(text, &t), ERR_OK);
	return t;
}

static struct zone *zone(const char *name)
{
	struct zone *z = NULL;

	assert_int_equal(zone_open(name, &z), ERR_OK);
	return z;
}

/* 22:00 to 07:00 in Shanghai, with a holiday on a Thursday and a workday on a Saturday. */
static void a_night_a_holiday_a_weekend(void **state)
{
	AUTO(zone_free) struct zone *z = zone("Asia/Shanghai");
	const struct day_mark marks[] = { { day_of(2026, 10, 1), SITE_DAY_HOLIDAY },
		{ day_of(2026, 10, 10), SITE_DAY_WORKDAY } };
	struct quiet_site s = { .rule = { .from_min = 22 * 60, .to_min = 7 * 60, .weekend = true },
		.marks = { marks, ARRAY_LEN(marks) },
		.zone = z };
	static const struct {
		const char *at;
		bool quiet;
	} rows[] = {
		{ "2026-10-05T21:59:59.999+08:00", false },
		{ "2026-10-05T22:00:00+08:00", true },
		{ "2026-10-06T00:00:00+08:00", true },
		{ "2026-10-06T06:59:59.999+08:00", true },
		{ "2026-10-06T07:00:00+08:00", false },
		{ "2026-09-30T21:00:00+08:00", false }, /* the evening before is no holiday */
		{ "2026-10-01T00:00:00+08:00", true },
		{ "2026-10-01T12:00:00+08:00", true },
		{ "2026-10-01T23:59:59.999+08:00", true },
		{ "2026-10-02T06:00:00+08:00", true }, /* the night after it */
		{ "2026-10-02T07:00:00+08:00", false },
		{ "2026-10-03T12:00:00+08:00", true },	/* a Saturday */
		{ "2026-10-04T12:00:00+08:00", true },	/* a Sunday */
		{ "2026-10-10T12:00:00+08:00", false }, /* a Saturday that is worked */
		{ "2026-10-10T23:00:00+08:00", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (quiet_at(&s, at(rows[i].at)) != rows[i].quiet)
			fail_msg("%s", rows[i].at);
	s.rule.weekend = false;
	assert_false(quiet_at(&s, at("2026-10-03T12:00:00+08:00")));
	s.rule.to_min = s.rule.from_min; /* none; the holiday stays */
	assert_false(quiet_at(&s, at("2026-10-05T23:00:00+08:00")));
	assert_true(quiet_at(&s, at("2026-10-01T12:00:00+08:00")));
}

static void days_of_the_table(void **state)
{
	const struct day_mark marks[] = { { day_of(2026, 10, 1), SITE_DAY_HOLIDAY },
		{ day_of(2026, 10, 3), SITE_DAY_HOLIDAY },
		{ day_of(2026, 10, 10), SITE_DAY_WORKDAY } };
	const struct day_marks m = { marks, ARRAY_LEN(marks) };
	static const struct {
		int day;
		bool holiday, workday;
	} rows[] = {
		{ 1, true, false },   /* Thursday */
		{ 2, false, true },   /* Friday */
		{ 3, true, false },   /* Saturday */
		{ 4, false, false },  /* Sunday */
		{ 10, false, true },  /* Saturday, worked */
		{ 11, false, false }, /* Sunday */
	};
	enum site_day d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct day day = day_of(2026, 10, rows[i].day);

		assert_int_equal(quiet_is_holiday(&m, day), rows[i].holiday);
		assert_int_equal(quiet_is_workday(&m, day), rows[i].workday);
	}
	for (enum site_day i = 0; i < SITE_DAY__MAX; i++) {
		assert_int_equal(site_day_parse(site_day_word(i), &d), ERR_OK);
		assert_int_equal(d, i);
	}
	assert_int_equal(site_day_parse("weekend", &d), ERR_BAD_VALUE);
}

/* In Berlin 02:00..03:00 is missing on 2026-03-29 and comes twice on 2026-10-25. */
static void the_night_the_clock_jumps(void **state)
{
	AUTO(zone_free) struct zone *z = zone("Europe/Berlin");
	struct quiet_site s = { .rule = { .from_min = 60, .to_min = 150 }, .zone = z };

	(void)state;
	assert_true(quiet_at(&s, at("2026-03-29T01:00:00+01:00")));
	assert_true(quiet_at(&s, at("2026-03-29T03:29:59+02:00"))); /* 02:30 of before */
	assert_false(quiet_at(&s, at("2026-03-29T03:30:00+02:00")));
	assert_true(quiet_at(&s, at("2026-10-25T02:45:00+02:00"))); /* 02:30 comes again */
	assert_true(quiet_at(&s, at("2026-10-25T02:29:59+01:00")));
	assert_false(quiet_at(&s, at("2026-10-25T02:30:00+01:00")));
	s.rule = (struct quiet_rule){ .from_min = 150, .to_min = 240 };
	assert_true(quiet_at(&s, at("2026-03-29T03:00:00+02:00"))); /* 02:30 never was */
	assert_false(quiet_at(&s, at("2026-03-29T01:59:59+01:00")));
	assert_true(quiet_at(&s, at("2026-10-25T02:30:00+02:00")));
	assert_true(quiet_at(&s, at("2026-10-25T02:15:00+01:00"))); /* begun is begun */
}

/* ---- the oracle ---- */

#define SPAN_DAYS 8
#define WALLS (SPAN_DAYS * 1440)

struct walls {
	int64_t first;	     /* utc minute of wall[0] */
	int64_t wall[WALLS]; /* what the clock shows, in minutes since 1970 */
};

static void walls_read(struct walls *w, const struct zone *z, struct utc around)
{
	w->first = around.ms / MINUTE_MS - WALLS / 2;
	for (int i = 0; i < WALLS; i++) {
		struct local l = zone_local(z, (struct utc){ (w->first + i) * MINUTE_MS });

		w->wall[i] = (int64_t)l.day.days * 1440 + l.second / 60;
	}
}

/* First index at which the clock shows a time or a later one. */
static int first_at(const struct walls *w, int64_t wall)
{
	int i = 0;

	while (i < WALLS && w->wall[i] < wall)
		i++;
	return i;
}

/* Last index at which the clock shows a time. One that is never shown is counted on from the last
 * sight of an earlier one. */
static int last_at(const struct walls *w, int64_t wall)
{
	int i = WALLS - 1;

	while (i >= 0 && w->wall[i] > wall)
		i--;
	return i < 0 ? 0 : i + (int)(wall - w->wall[i]);
}

static void oracle(const struct walls *w, const struct quiet_rule *q, bool quiet[static WALLS])
{
	int64_t day = w->wall[0] / 1440;

	for (int i = 0; i < WALLS; i++)
		quiet[i] = false;
	for (int64_t d = day; q->from_min != q->to_min && d < day + SPAN_DAYS; d++) {
		int64_t end = d + (q->to_min < q->from_min);
		int to = last_at(w, end * 1440 + q->to_min);

		for (int i = first_at(w, d * 1440 + q->from_min); i < to && i < WALLS; i++)
			quiet[i] = true;
	}
	for (int i = 0; q->weekend && i < WALLS; i++)
		if ((w->wall[i] / 1440 + 3) % 7 >= 5)
			quiet[i] = true;
}

static const struct {
	const char *zone;
	const char *around;
} jumps[] = {
	{ "Asia/Shanghai", "2026-10-01T00:00:00Z" },	   /* none */
	{ "Europe/Berlin", "2026-03-29T01:00:00Z" },	   /* 23 hours */
	{ "Europe/Berlin", "2026-10-25T01:00:00Z" },	   /* 25 hours */
	{ "America/New_York", "2026-03-08T07:00:00Z" },	   /* */
	{ "America/New_York", "2026-11-01T06:00:00Z" },	   /* */
	{ "Australia/Lord_Howe", "2026-04-04T15:00:00Z" }, /* half an hour */
	{ "Australia/Lord_Howe", "2026-10-03T15:30:00Z" }, /* half an hour */
	{ "America/Havana", "2026-03-08T05:00:00Z" },	   /* skips its midnight */
	{ "America/Havana", "2026-11-01T05:00:00Z" },	   /* 00:00 comes twice */
	{ "America/Sao_Paulo", "2018-11-04T03:00:00Z" },   /* skips its midnight */
	{ "America/Sao_Paulo", "2018-02-18T02:00:00Z" },   /* 23:00 comes twice */
	{ "Asia/Kathmandu", "2026-10-01T00:00:00Z" },	   /* 5:45 */
};

static struct quiet_rule random_rule(unsigned *seed)
{
	return (struct quiet_rule){ .from_min = rand_r(seed) % 96 * 15,
		.to_min = rand_r(seed) % 96 * 15,
		.weekend = rand_r(seed) % 4 == 0 };
}

static void agrees_with_the_wall_clock(void **state)
{
	static struct walls w;
	static bool quiet[WALLS];
	unsigned seed = 20261123;

	(void)state;
	for (size_t j = 0; j < ARRAY_LEN(jumps); j++) {
		AUTO(zone_free) struct zone *z = zone(jumps[j].zone);
		struct quiet_site s = { .zone = z };

		walls_read(&w, z, at(jumps[j].around));
		for (int k = 0; k < 40; k++) {
			s.rule = random_rule(&seed);
			oracle(&w, &s.rule, quiet);
			/* The middle: the oracle does not see what lies beyond its ends. */
			for (int i = WALLS / 2 - 2000; i < WALLS / 2 + 2000; i += 5) {
				struct utc t = { (w.first + i) * MINUTE_MS +
						 rand_r(&seed) % 60000 };

				if (quiet_at(&s, t) != quiet[i])
					fail_msg("%s %d..%d at wall %lld:%02lld", jumps[j].zone,
						s.rule.from_min, s.rule.to_min,
						(long long)(w.wall[i] % 1440 / 60),
						(long long)(w.wall[i] % 60));
			}
		}
	}
}

/* ---- stagger ---- */

static void the_end_is_spread(void **state)
{
	AUTO(zone_free) struct zone *z = zone("Asia/Shanghai");
	struct quiet_site s = {
		.rule = { .from_min = 22 * 60, .to_min = 7 * 60, .stagger_min = 30 }, .zone = z
	};
	struct utc end = at("2026-11-23T07:00:00+08:00");
	int a_minute[30] = { 0 };

	(void)state;
	for (int64_t id = 1; id <= 3000; id++) {
		struct utc t = quiet_until(&s, id, (struct utc){ end.ms - 60 * MINUTE_MS });
		int64_t minute = (t.ms - end.ms) / MINUTE_MS;

		assert_in_range(minute, 0, 29);
		a_minute[minute]++;
		assert_true(quiet_for(&s, id, (struct utc){ t.ms - 1 }));
		assert_false(quiet_for(&s, id, t));
		assert_int_equal(quiet_until(&s, id, t).ms, t.ms);
	}
	for (size_t i = 0; i < ARRAY_LEN(a_minute); i++) /* 100 each if perfectly even */
		assert_in_range(a_minute[i], 60, 140);
	s.rule.stagger_min = 0;
	assert_false(quiet_for(&s, 7, end));
	assert_true(quiet_for(&s, 7, (struct utc){ end.ms - 1 }));
}

/* quiet_for never cuts earlier than quiet_at allows, and quiet_until is its first moment. */
static void until_is_the_first_moment(void **state)
{
	unsigned seed = 7;
	int ends = 0;

	(void)state;
	for (size_t j = 0; j < ARRAY_LEN(jumps); j++) {
		AUTO(zone_free) struct zone *z = zone(jumps[j].zone);
		struct quiet_site s = { .zone = z };

		for (int k = 0; k < 12; k++) {
			int64_t id = rand_r(&seed) % 1000 + 1;
			struct utc t = at(jumps[j].around), u;

			s.rule = random_rule(&seed);
			s.rule.stagger_min = rand_r(&seed) % 90;
			t.ms += (int64_t)(rand_r(&seed) % 2880 - 1440) * MINUTE_MS +
				rand_r(&seed) % 60000;
			u = quiet_until(&s, id, t);
			assert_true(u.ms >= t.ms);
			if (u.ms >= t.ms + QUIET_MOST_MS)
				continue; /* never so long without quiet */
			ends++;
			assert_false(quiet_for(&s, id, u));
			assert_false(quiet_at(&s, u));
			if (u.ms > t.ms)
				assert_true(quiet_for(&s, id, (struct utc){ u.ms - 1 }));
			for (int64_t m = t.ms; m < u.ms; m += 7 * MINUTE_MS)
				assert_true(quiet_for(&s, id, (struct utc){ m }));
		}
	}
	assert_true(ends > 100);
}

static void always_quiet_gives_up(void **state)
{
	AUTO(zone_free) struct zone *z = zone("Asia/Shanghai");
	struct day_mark marks[60];
	struct quiet_site s = { .marks = { marks, ARRAY_LEN(marks) }, .zone = z };
	struct utc t = at("2026-01-01T12:00:00+08:00");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		marks[i] = (struct day_mark){ { day_of(2026, 1, 1).days + (int32_t)i },
			SITE_DAY_HOLIDAY };
	assert_true(quiet_until(&s, 1, t).ms >= t.ms + QUIET_MOST_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_night_a_holiday_a_weekend),
		cmocka_unit_test(days_of_the_table),
		cmocka_unit_test(the_night_the_clock_jumps),
		cmocka_unit_test(agrees_with_the_wall_clock),
		cmocka_unit_test(the_end_is_spread),
		cmocka_unit_test(until_is_the_first_moment),
		cmocka_unit_test(always_quiet_gives_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
