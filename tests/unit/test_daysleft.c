#include "cmock.h"

#include "rules/daysleft.h"

/* Monday 23 November 2026, without holidays, unless a test says otherwise. */
#define TODAY day_of(2026, 11, 23)

struct past {
	struct day_charge days[DAYSLEFT_HISTORY];
	size_t n;
};

/* The n days before today, as many yuan on workdays and at weekends. */
static struct past past_of(size_t n, int64_t workday, int64_t weekend)
{
	struct past p = { .n = n };

	for (size_t i = 0; i < n; i++) {
		struct day d = { TODAY.days - 1 - (int32_t)i };

		p.days[i].day = d;
		p.days[i].charge.nano = (day_weekday(d) < 5 ? workday : weekend) * NANO_PER_YUAN;
	}
	return p;
}

static struct days_left ask(const struct past *p, int64_t yuan, int64_t today_yuan)
{
	return days_left(&(struct daysleft_facts){ .balance = { yuan * NANO_PER_YUAN },
		.today = TODAY,
		.today_charge = { today_yuan * NANO_PER_YUAN },
		.history = p->days,
		.history_n = p->n });
}

static void the_same_every_day(void **state)
{
	/* 10 yuan a day. What today still takes comes off first. */
	static const struct {
		int64_t balance, today;
		int days;
	} rows[] = {
		{ 100, 10, 10 },
		{ 100, 0, 9 },
		{ 104, 4, 9 },
		{ 106, 4, 10 },
		{ 100, 30, 10 }, /* a heavy day does not come back */
		{ 10, 10, 1 },
		{ 9, 10, 0 },
		{ 5, 0, 0 },
		{ 100000, 10, DAYSLEFT_MOST },
	};
	struct past p = past_of(28, 10, 10);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct days_left d = ask(&p, rows[i].balance, rows[i].today);

		assert_true(d.known);
		assert_int_equal(d.days, rows[i].days);
		assert_int_equal(d.low, rows[i].days);
		assert_int_equal(d.high, rows[i].days);
	}
}

static void weekends_are_other_days(void **state)
{
	/* Monday to Friday 20 yuan, weekends 2: from tomorrow 4 x 20, 2 x 2, then 20 again. */
	struct past p = past_of(28, 20, 2);

	(void)state;
	assert_int_equal(ask(&p, 79, 20).days, 3);
	assert_int_equal(ask(&p, 80, 20).days, 4);
	assert_int_equal(ask(&p, 84, 20).days, 6);
	assert_int_equal(ask(&p, 103, 20).days, 6);
	assert_int_equal(ask(&p, 104, 20).days, 7);
}

static void a_holiday_ahead_is_like_a_holiday_behind(void **state)
{
	/* Six holidays were known, 1 yuan each; tomorrow is one more, other days 20. */
	const struct day_mark list[] = {
		{ { TODAY.days - 13 }, SITE_DAY_HOLIDAY },
		{ { TODAY.days - 12 }, SITE_DAY_HOLIDAY },
		{ { TODAY.days - 11 }, SITE_DAY_HOLIDAY },
		{ { TODAY.days - 10 }, SITE_DAY_HOLIDAY },
		{ { TODAY.days - 9 }, SITE_DAY_HOLIDAY },
		{ { TODAY.days - 8 }, SITE_DAY_HOLIDAY },
		{ { TODAY.days + 1 }, SITE_DAY_HOLIDAY },
	};
	struct past p = past_of(28, 20, 20);
	struct daysleft_facts f = { .balance = { 41 * NANO_PER_YUAN },
		.today = TODAY,
		.today_charge = { 20 * NANO_PER_YUAN },
		.history = p.days,
		.history_n = p.n,
		.marks = { list, ARRAY_LEN(list) } };

	(void)state;
	for (size_t i = 7; i < 13; i++)
		p.days[i].charge.nano = NANO_PER_YUAN;
	assert_int_equal(days_left(&f).days, 3);
	/* Fewer than five of a sort say nothing: all days count alike. */
	f.marks = (struct day_marks){ list + 6, 1 };
	assert_int_equal(days_left(&f).days, 2);
}

static void honest_about_what_is_not_known(void **state)
{
	struct past p;

	(void)state;
	p = past_of(4, 10, 10);
	assert_false(ask(&p, 100, 0).known);
	p = past_of(5, 10, 10);
	assert_true(ask(&p, 100, 0).known);
	assert_false(ask(&p, 0, 0).known);
	assert_false(ask(&p, -5, 0).known);
	p = past_of(28, 0, 0);
	assert_false(ask(&p, 100, 0).known);
	p = past_of(0, 0, 0);
	assert_false(ask(&p, 100, 0).known);
}

/* Nine days of 2, 4, 6 … 18 yuan: quartiles 6 and 14, median 10. */
static void uneven_days_give_a_range(void **state)
{
	struct past p = past_of(9, 0, 0);
	struct days_left d;

	(void)state;
	for (size_t i = 0; i < p.n; i++) {
		p.days[i].day.days = TODAY.days - 1 - (int32_t)(i * 7); /* the same weekday */
		p.days[i].charge.nano = (int64_t)(2 * ((i * 4) % 9 + 1)) * NANO_PER_YUAN;
	}
	d = ask(&p, 420, 100);
	assert_true(d.known);
	assert_int_equal(d.days, 42);
	assert_int_equal(d.low, 30);
	assert_int_equal(d.high, 70);
}

static void more_money_never_lasts_shorter(void **state)
{
	struct lots lots = lots_open();

	(void)state;
	for (int run = 0; run < 2000; run++) {
		struct past p = past_of((size_t)lots_between(&lots, 5, 28), 0, 0);
		int64_t yuan = lots_between(&lots, 1, 3000), today = lots_between(&lots, 0, 20);
		struct days_left a, b;

		for (size_t i = 0; i < p.n; i++)
			p.days[i].charge.nano = lots_between(&lots, 0, 40) * NANO_PER_YUAN;
		a = ask(&p, yuan, today);
		b = ask(&p, yuan + lots_between(&lots, 0, 100), today);
		assert_int_equal(a.known, b.known);
		assert_true(a.low <= a.days && a.days <= a.high && a.high <= DAYSLEFT_MOST);
		assert_true(a.days <= b.days && a.low <= b.low && a.high <= b.high);
	}
}

static void thresholds_in_units(void **state)
{
	static const struct {
		int64_t wh, charge_fen, used_wh, fen;
		enum err e;
	} rows[] = {
		/* clang-format off */
		{ 50000, 6583, 100000,        3292, ERR_OK }, /* 50 kWh at 0.6583: 32.915, up to the fen */
		{ 50000, 6500, 100000,        3250, ERR_OK },
		{     0, 6500, 100000,           0, ERR_OK },
		{  1000,    1, 1000000,          1, ERR_OK },
		{ 50000,    0, 100000,           0, ERR_NOT_FOUND },
		{ 50000, 6500, 0,                0, ERR_NOT_FOUND },
		{ INT64_MAX, 100000000, 1,       0, ERR_OVERFLOW },
		/* clang-format on */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct money out = { 0 };
		enum err e = threshold_money((struct qty){ rows[i].wh },
			(struct money){ rows[i].charge_fen * NANO_PER_FEN },
			(struct qty){ rows[i].used_wh }, &out);

		assert_int_equal(e, rows[i].e);
		assert_int_equal(out.nano, rows[i].fen * NANO_PER_FEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_every_day),
		cmocka_unit_test(weekends_are_other_days),
		cmocka_unit_test(a_holiday_ahead_is_like_a_holiday_behind),
		cmocka_unit_test(honest_about_what_is_not_known),
		cmocka_unit_test(uneven_days_give_a_range),
		cmocka_unit_test(more_money_never_lasts_shorter),
		cmocka_unit_test(thresholds_in_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
