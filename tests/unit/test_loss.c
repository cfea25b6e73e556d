#include "cmock.h"

#include "rules/loss.h"

#define DAYS (LOSS_PAST + LOSS_RECENT)

static const struct loss_limits limits = { .most_permille = 80, .growth_permille = 30 };

/* Whole kWh of a day: what the meter counted, what those below it did. */
struct use {
	int above, below;
};
#define USE(a, b) ((struct use){ a, b })

static struct loss_day days[DAYS];

/* The past, then the recent days one by one. */
static struct loss_facts facts(struct use past, const struct use recent[LOSS_RECENT])
{
	for (int i = 0; i < DAYS; i++) {
		struct use u = i < LOSS_PAST ? past : recent[i - LOSS_PAST];

		days[i] =
			(struct loss_day){ { 20000 + i }, { u.above * 1000 }, { u.below * 1000 } };
	}
	return (struct loss_facts){ .days = days, .n = DAYS, .last = { 20000 + DAYS - 1 } };
}

static struct loss_facts even(struct use past, struct use recent)
{
	struct use r[LOSS_RECENT];

	for (int i = 0; i < LOSS_RECENT; i++)
		r[i] = recent;
	return facts(past, r);
}

static void each_past_and_present(void **state)
{
	static const struct {
		const char *what;
		struct use past, recent;
		int64_t stands; /* raised against this; -1: no alarm */
		enum loss_verdict verdict;
	} rows[] = {
		/* clang-format off */
		{ "as ever",                    { 1000, 970 }, { 1000, 970 }, -1, LOSS_AS_BEFORE },
		{ "at the limit",               { 1000, 970 }, { 1000, 920 }, -1, LOSS_AS_BEFORE },
		{ "above it",                   { 1000, 970 }, { 1000, 919 }, -1, LOSS_GROWN },
		{ "above it, as it was before", { 1000, 900 }, { 1000, 890 }, -1, LOSS_AS_BEFORE },
		{ "grown by the least",         { 1000, 900 }, { 1000, 870 }, -1, LOSS_GROWN },
		{ "grown by less",              { 1000, 900 }, { 1000, 871 }, -1, LOSS_AS_BEFORE },
		{ "more below than above",      { 1000, 970 }, { 1000, 1100 }, -1, LOSS_AS_BEFORE },
		{ "a gain that became a loss",  { 1000, 1100 }, { 1000, 900 }, -1, LOSS_GROWN },
		{ "nothing is counted below",   { 1000, 970 }, { 1000, 0 }, -1, LOSS_GROWN },
		{ "hardly any use",             { 5, 5 }, { 5, 4 }, -1, LOSS_GROWN },
		{ "less than registers show",   { 4, 4 }, { 0, 0 }, -1, LOSS_AS_BEFORE },
		{ "no use in the past",         { 0, 0 }, { 1000, 500 }, -1, LOSS_AS_BEFORE },
		{ "no use now",                 { 1000, 970 }, { 0, 0 }, -1, LOSS_AS_BEFORE },
		{ "stands, and lasts",          { 1000, 900 }, { 1000, 900 }, 30, LOSS_GROWN },
		{ "stands, a little better",    { 1000, 900 }, { 1000, 927 }, 30, LOSS_GROWN },
		{ "stands, below with a margin", { 1000, 900 }, { 1000, 928 }, 30, LOSS_BACK },
		{ "stands, back at its past",   { 1000, 800 }, { 1000, 870 }, 120, LOSS_BACK },
		{ "stands, no use now",         { 1000, 900 }, { 0, 0 }, 30, LOSS_AS_BEFORE },
		/* clang-format on */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct loss_facts f = even(rows[i].past, rows[i].recent);

		f.stands = rows[i].stands >= 0;
		f.past_permille = rows[i].stands;
		if (loss_judge(&f, &limits).verdict != rows[i].verdict)
			fail_msg("%s", rows[i].what);
	}
}

static void what_is_found_is_told(void **state)
{
	struct loss_facts f = even(USE(1000, 970), USE(1000, 850));
	struct loss_found found = loss_judge(&f, &limits);

	(void)state;
	assert_int_equal(found.recent_permille, 150);
	assert_int_equal(found.past_permille, 30);
}

/* Energy of a meter that was silent came on another day: days differ, the week does not. */
static void a_day_that_came_late_is_no_growth(void **state)
{
	static const struct use late[LOSS_RECENT] = { { 100, 97 }, { 100, 40 }, { 100, 154 },
		{ 100, 97 }, { 100, 97 }, { 100, 97 }, { 100, 97 } };
	/* One day is far out, and takes the week above the limit: a person corrected something. */
	static const struct use once[LOSS_RECENT] = { { 100, 97 }, { 100, 97 }, { 900, 97 },
		{ 100, 97 }, { 100, 97 }, { 100, 97 }, { 100, 97 } };
	struct loss_facts f = facts(USE(100, 97), late);

	(void)state;
	assert_int_equal(loss_judge(&f, &limits).verdict, LOSS_AS_BEFORE);
	f = facts(USE(100, 97), once);
	assert_true(loss_judge(&f, &limits).recent_permille > limits.most_permille);
	assert_int_equal(loss_judge(&f, &limits).verdict, LOSS_AS_BEFORE);
}

static void days_may_be_absent(void **state)
{
	struct loss_facts f = even(USE(100, 97), USE(100, 80));

	(void)state;
	f.n -= 4; /* three of the week are left */
	assert_int_equal(loss_judge(&f, &limits).verdict, LOSS_GROWN);
	f.n--;
	assert_int_equal(loss_judge(&f, &limits).verdict, LOSS_AS_BEFORE);
	f = even(USE(100, 97), USE(100, 80));
	f.days += LOSS_PAST - LOSS_PAST_LEAST; /* a site that is new */
	f.n -= LOSS_PAST - LOSS_PAST_LEAST;
	assert_int_equal(loss_judge(&f, &limits).verdict, LOSS_GROWN);
	f.days++;
	f.n--;
	assert_int_equal(loss_judge(&f, &limits).verdict, LOSS_AS_BEFORE);
	f.n = 0;
	assert_int_equal(loss_judge(&f, &limits).verdict, LOSS_AS_BEFORE);
}

static void it_can_be_turned_off(void **state)
{
	static const struct loss_limits off = { 0, 30 };
	struct loss_facts f = even(USE(100, 97), USE(100, 0));

	(void)state;
	assert_int_equal(loss_judge(&f, &off).verdict, LOSS_AS_BEFORE);
	f.stands = true;
	assert_int_equal(loss_judge(&f, &off).verdict, LOSS_BACK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_past_and_present),
		cmocka_unit_test(what_is_found_is_told),
		cmocka_unit_test(a_day_that_came_late_is_no_growth),
		cmocka_unit_test(days_may_be_absent),
		cmocka_unit_test(it_can_be_turned_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
