/* Amounts that a cashier can check with a pocket calculator. */
#include "cmock.h"

#include <string.h>

#include "base/str.h"
#include "rules/fee.h"

static struct day day(const char *text)
{
	struct day d = { 0 };

	if (day_parse(text, &d) != ERR_OK)
		fail_msg("%s is no day", text);
	return d;
}

static struct month month(const char *text)
{
	struct month m = { 0 };

	if (month_parse(text, &m) != ERR_OK)
		fail_msg("%s is no month", text);
	return m;
}

static struct fee_term term(int64_t monthly, const char *from, const char *to)
{
	struct fee_term t = { .monthly_fen = monthly, .from = day(from), .ends = to[0] != '\0' };

	if (t.ends)
		t.to = day(to);
	return t;
}

static void amounts_by_hand(void **state)
{
	static const struct {
		int64_t monthly;
		const char *from, *to, *month;
		int days;
		int64_t fen;
	} rows[] = {
		/* clang-format off */
		/* whole months cost the same, long or short */
		{ 30000, "2026-01-01", "",           "2026-01", 31, 30000 },
		{ 30000, "2026-01-01", "",           "2026-02", 28, 30000 },
		{ 30000, "2026-01-01", "",           "2028-02", 29, 30000 },
		{ 30000, "2026-01-01", "2026-02-28", "2026-02", 28, 30000 },
		/* begun on the 16th: 16 of 31 days, 30000 × 16 / 31 = 15483.87 */
		{ 30000, "2026-03-16", "",           "2026-03", 16, 15484 },
		{ 30000, "2026-03-16", "",           "2026-04", 30, 30000 },
		/* the same in February: 13 of 28 = 13928.57, in a leap year 14 of 29 = 14482.76 */
		{ 30000, "2026-02-16", "",           "2026-02", 13, 13929 },
		{ 30000, "2028-02-16", "",           "2028-02", 14, 14483 },
		/* begun on the last day: one of 30 = 1000, one of 28 = 1071.43, one of 29 = 1034.48 */
		{ 30000, "2026-04-30", "",           "2026-04",  1, 1000 },
		{ 30000, "2026-02-28", "",           "2026-02",  1, 1071 },
		{ 30000, "2028-02-29", "",           "2028-02",  1, 1034 },
		/* one day of a month only */
		{ 30000, "2026-04-10", "2026-04-10", "2026-04",  1, 1000 },
		/* ended on the 10th: 10 of 30; and nothing after, nor before */
		{ 30000, "2026-01-01", "2026-04-10", "2026-04", 10, 10000 },
		{ 30000, "2026-01-01", "2026-04-10", "2026-05",  0, 0 },
		{ 30000, "2026-01-01", "2026-04-10", "2025-12",  0, 0 },
		/* half a fen goes up: 1 × 15 / 30 = 0.5; less goes down: 1 × 14 / 30 = 0.47 */
		{ 1,     "2026-04-16", "",           "2026-04", 15, 1 },
		{ 1,     "2026-04-17", "",           "2026-04", 14, 0 },
		{ 3,     "2026-04-16", "",           "2026-04", 15, 2 },
		/* revoked before its first day */
		{ 30000, "2026-04-01", "2026-03-31", "2026-04",  0, 0 },
		{ 30000, "2026-04-01", "2026-03-31", "2026-03",  0, 0 },
		{ FEE_MONTHLY_MAX_FEN, "2026-01-02", "", "2026-01", 30, INT64_C(9677419355) },
		/* clang-format on */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fee_term t = term(rows[i].monthly, rows[i].from, rows[i].to);

		assert_int_equal(fee_check(&t, NULL), ERR_OK);
		assert_int_equal(fee_days(&t, month(rows[i].month)), rows[i].days);
		assert_int_equal(fee_amount(&t, month(rows[i].month)), rows[i].fen);
	}
}

static void what_cannot_be_is_refused(void **state)
{
	static const struct {
		int64_t monthly;
		const char *from, *to, *field;
	} rows[] = {
		{ 0, "2026-01-01", "", "monthly_fen" },
		{ -1, "2026-01-01", "", "monthly_fen" },
		{ INT64_MIN, "2026-01-01", "", "monthly_fen" },
		{ FEE_MONTHLY_MAX_FEN + 1, "2026-01-01", "", "monthly_fen" },
		{ INT64_MAX, "2026-01-01", "", "monthly_fen" },
		{ 1, "2026-03-10", "2026-03-08", "to_day" },
		{ 1, "2026-03-10", "2025-03-10", "to_day" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fee_term t = term(rows[i].monthly, rows[i].from, rows[i].to);
		struct problem why = { 0 };

		assert_int_equal(fee_check(&t, &why), ERR_OUT_OF_RANGE);
		assert_string_equal(why.field, rows[i].field);
		assert_true(why.text[0] != '\0');
	}
}

static void months_are_text_and_days(void **state)
{
	static const char *const bad[] = { "", "2026", "2026-1", "2026-13", "2026-00", "2026-01-01",
		"2026/01", " 2026-01", "1969-12", "20x6-01", "-026-01" };
	char text[MONTH_TEXT_MAX], first[DAY_TEXT_MAX], last[DAY_TEXT_MAX];
	struct month m = { 77 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(month_parse(bad[i], &m), ERR_BAD_VALUE);
		assert_int_equal(m.months, 77);
	}
	m = month("2028-02");
	assert_string_equal(month_text(m, text), "2028-02");
	assert_string_equal(day_text(month_first(m), first), "2028-02-01");
	assert_string_equal(day_text(month_last(m), last), "2028-02-29");
	assert_int_equal(month_of(day("2028-02-29")).months, m.months);
	assert_int_equal(month_of(day("2028-03-01")).months, m.months + 1);
	assert_int_equal(month("1970-01").months, 0);
	assert_int_equal(month("2026-12").months + 1, month("2027-01").months);
}

/* However a month is cut in two terms, they cost a fen more or less at most; and a longer term
 * never costs less. */
static void parts_of_a_month_make_the_whole(void **state)
{
	struct lots l = lots_open();

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct month m = { (int32_t)lots_between(&l, 0, 2000) };
		int32_t first = month_first(m).days, last = month_last(m).days;
		int32_t cut = (int32_t)lots_between(&l, first, last - 1);
		int64_t monthly = lots_between(&l, 1, 1000000);
		struct fee_term a = { monthly, { first - 40 }, true, { cut } };
		struct fee_term b = { monthly, { cut + 1 }, true, { last + 40 } };
		int64_t sum = fee_amount(&a, m) + fee_amount(&b, m);
		struct fee_term longer = a;

		assert_in_range(sum, monthly, monthly + 1);
		longer.to.days++;
		assert_true(fee_amount(&longer, m) >= fee_amount(&a, m));
		assert_int_equal(fee_days(&a, m) + fee_days(&b, m), last - first + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amounts_by_hand),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(months_are_text_and_days),
		cmocka_unit_test(parts_of_a_month_make_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
