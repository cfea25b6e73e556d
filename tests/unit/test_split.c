/* What becomes of a payment: a table that a cashier can check by hand, and what always holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include "rules/split.h"

#include <cmocka.h>

static void worked_examples(void **state)
{
	static const struct {
		int64_t paid;
		struct split_terms terms;
		struct split want; /* service, debt, purse */
	} cases[] = {
		/* nothing agreed: all of it is for the purse */
		{ 10000, { 0, 0, 0, 0 }, { 0, 0, 10000 } },
		/* 1 % service charge of 100.00 */
		{ 10000, { 10, 0, 0, 0 }, { 100, 0, 9900 } },
		/* 1 % of 0.99: less than a fen is the tenant's */
		{ 99, { 10, 0, 0, 0 }, { 0, 0, 99 } },
		/* 20 % for old debt, cap 50.00, 300.00 owed */
		{ 10000, { 0, 200, 5000, 30000 }, { 0, 2000, 8000 } },
		{ 100000, { 0, 200, 5000, 30000 }, { 0, 5000, 95000 } },
		/* 12.34 left to pay */
		{ 10000, { 0, 200, 5000, 1234 }, { 0, 1234, 8766 } },
		/* paid off */
		{ 10000, { 0, 200, 5000, 0 }, { 0, 0, 10000 } },
		/* both: the service charge comes first, neither takes more than there is */
		{ 10000, { 10, 200, 5000, 30000 }, { 100, 2000, 7900 } },
		{ 10000, { 100, 1000, 1000000, 1000000 }, { 1000, 9000, 0 } },
		{ 1, { 100, 1000, 1000000, 1000000 }, { 0, 1, 0 } },
		{ 0, { 10, 200, 5000, 30000 }, { 0, 0, 0 } },
		/* terms out of their ranges count as the nearest limit */
		{ 100, { 2000, 0, 0, 0 }, { 100, 0, 0 } },
		{ 100, { -1, -1, -1, -1 }, { 0, 0, 100 } },
		{ INT64_MAX, { 1000, 1000, INT64_MAX, INT64_MAX }, { INT64_MAX, 0, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct split s = payment_split(cases[i].paid, &cases[i].terms);

		assert_int_equal(s.service_fen, cases[i].want.service_fen);
		assert_int_equal(s.debt_fen, cases[i].want.debt_fen);
		assert_int_equal(s.purse_fen, cases[i].want.purse_fen);
	}
}

static void parts_sum_to_the_payment(void **state)
{
	(void)state;
	srandom(1);
	for (int i = 0; i < 20000; i++) {
		int64_t paid = random() % 1000001;
		struct split_terms t = { random() % 1001, random() % 1001, random() % 20001,
			random() % 20001 };
		struct split s = payment_split(paid, &t);

		assert_int_equal(s.service_fen + s.debt_fen + s.purse_fen, paid);
		assert_true(s.service_fen >= 0 && s.debt_fen >= 0 && s.purse_fen >= 0);
		assert_true(s.debt_fen <= t.debt_cap_fen && s.debt_fen <= t.debt_left_fen);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worked_examples),
		cmocka_unit_test(parts_sum_to_the_payment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
