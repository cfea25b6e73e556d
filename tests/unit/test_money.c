#include "cmock.h"

#include "base/money.h"

static void sums_and_their_edges(void **state)
{
	struct money m = { 7 };
	struct qty q = { 7 };

	(void)state;
	assert_int_equal(
		money_add((struct money){ INT64_MAX - 1 }, (struct money){ 1 }, &m), ERR_OK);
	assert_int_equal(m.nano, INT64_MAX);
	assert_int_equal(money_add(m, (struct money){ 1 }, &m), ERR_OVERFLOW);
	assert_int_equal(m.nano, INT64_MAX); /* untouched */
	assert_int_equal(
		money_sub((struct money){ INT64_MIN + 1 }, (struct money){ 1 }, &m), ERR_OK);
	assert_int_equal(m.nano, INT64_MIN);
	assert_int_equal(money_sub(m, (struct money){ 1 }, &m), ERR_OVERFLOW);
	assert_int_equal(money_sub((struct money){ 0 }, m, &m), ERR_OVERFLOW);
	assert_int_equal(qty_add((struct qty){ INT64_MAX }, (struct qty){ 1 }, &q), ERR_OVERFLOW);
	assert_int_equal(qty_sub((struct qty){ -2 }, (struct qty){ INT64_MAX }, &q), ERR_OVERFLOW);
	assert_int_equal(q.milli, 7);
	assert_int_equal(qty_sub((struct qty){ 5 }, (struct qty){ 9 }, &q), ERR_OK);
	assert_int_equal(q.milli, -4);
}

static void charges(void **state)
{
	static const struct {
		int64_t milli, micro, nano;
		enum err e;
	} rows[] = {
		{ 8465, 658300, 5572509500, ERR_OK },
		{ 0, INT64_MAX, 0, ERR_OK },
		{ INT64_MAX, 1, INT64_MAX, ERR_OK },
		{ INT64_MAX, 2, 0, ERR_OVERFLOW },
		{ INT64_C(3037000500), INT64_C(3037000500), 0, ERR_OVERFLOW },
		{ -1, 5, -5, ERR_OK },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct money m = { 42 };

		assert_int_equal(qty_charge((struct qty){ rows[i].milli },
					 (struct price){ rows[i].micro }, &m),
			rows[i].e);
		assert_int_equal(m.nano, rows[i].e == ERR_OK ? rows[i].nano : 42);
	}
}

static void fen(void **state)
{
	struct money m = { 42 };

	(void)state;
	assert_int_equal(money_from_fen(-123, &m), ERR_OK);
	assert_int_equal(m.nano, -1230000000);
	assert_int_equal(money_from_fen(INT64_MAX / NANO_PER_FEN, &m), ERR_OK);
	assert_int_equal(money_from_fen(INT64_MAX / NANO_PER_FEN + 1, &m), ERR_OVERFLOW);
}

static void parses(void **state)
{
	static const struct {
		const char *text;
		int64_t nano;
	} rows[] = { { "0", 0 }, { "12", 12000000000 }, { "0.5", 500000000 },
		{ "-3.18", -3180000000 }, { "-0", 0 }, { "007.10", 7100000000 },
		{ "0.000000001", 1 }, { "9223372036.854775807", INT64_MAX },
		{ "-9223372036.854775807", -INT64_MAX } };
	struct qty q;
	struct price p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct money m = { 42 };

		assert_int_equal(money_parse(rows[i].text, &m), ERR_OK);
		assert_int_equal(m.nano, rows[i].nano);
	}
	assert_int_equal(qty_parse("1234.560", &q), ERR_OK);
	assert_int_equal(q.milli, 1234560);
	assert_int_equal(price_parse("0.6583", &p), ERR_OK);
	assert_int_equal(p.micro, 658300);
}

static void refuses(void **state)
{
	static const char *const money[] = { "", "-", ".", "1.", ".5", "+1", " 1", "1 ", "1e3",
		"1,5", "--1", "0x1", "1.0000000001", "0.0000000000", "1.2.3", "１", "nan",
		"9223372036.854775808", "99999999999999999999999999" };
	static const char *const prices[] = { "-1", "-0", "0.0000001", "9223372036854.775808" };
	static const char *const quantities[] = { "1.0000", "9223372036854775.808", "1kWh" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(money); i++) {
		struct money m = { 42 };

		if (money_parse(money[i], &m) == ERR_OK)
			fail_msg("accepted: %s", money[i]);
		assert_int_equal(m.nano, 42);
	}
	for (size_t i = 0; i < ARRAY_LEN(prices); i++) {
		struct price p = { 42 };

		if (price_parse(prices[i], &p) == ERR_OK)
			fail_msg("accepted: %s", prices[i]);
		assert_int_equal(p.micro, 42);
	}
	for (size_t i = 0; i < ARRAY_LEN(quantities); i++) {
		struct qty q = { 42 };

		if (qty_parse(quantities[i], &q) == ERR_OK)
			fail_msg("accepted: %s", quantities[i]);
		assert_int_equal(q.milli, 42);
	}
}

static void texts(void **state)
{
	static const struct {
		int64_t nano;
		const char *nine, *two;
	} rows[] = {
		{ 0, "0.000000000", "0.00" },
		{ 5572509500, "5.572509500", "5.57" },
		{ -1, "-0.000000001", "-0.01" },
		{ -10000000, "-0.010000000", "-0.01" },
		{ -10000001, "-0.010000001", "-0.02" },
		{ 9999999, "0.009999999", "0.00" },
		{ INT64_MAX, "9223372036.854775807", "9223372036.85" },
		{ INT64_MIN, "-9223372036.854775808", "-9223372036.86" },
	};
	static const struct {
		int64_t micro;
		const char *text;
	} prices[] = { { 0, "0" }, { 658300, "0.6583" }, { 1000000, "1" }, { 100, "0.0001" },
		{ 10000000, "10" }, { INT64_MAX, "9223372036854.775807" } };
	char buf[MONEY_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_string_equal(money_text((struct money){ rows[i].nano }, buf), rows[i].nine);
		assert_string_equal(money_text2((struct money){ rows[i].nano }, buf), rows[i].two);
	}
	for (size_t i = 0; i < ARRAY_LEN(prices); i++)
		assert_string_equal(
			price_text((struct price){ prices[i].micro }, buf), prices[i].text);
}

static void text_and_back(void **state)
{
	struct lots l = lots_open();

	(void)state;
	for (int i = 0; i < 10000; i++) {
		struct money m = { (int64_t)lots_draw(&l) >> lots_between(&l, 0, 62) },
			     back = { 0 };
		char buf[MONEY_TEXT_MAX];

		if (m.nano == INT64_MIN)
			continue;
		assert_int_equal(money_parse(money_text(m, buf), &back), ERR_OK);
		assert_int_equal(back.nano, m.nano);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_and_their_edges),
		cmocka_unit_test(charges),
		cmocka_unit_test(fen),
		cmocka_unit_test(parses),
		cmocka_unit_test(refuses),
		cmocka_unit_test(texts),
		cmocka_unit_test(text_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
