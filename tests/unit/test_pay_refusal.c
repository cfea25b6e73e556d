/* What a service's "no" means: which may pass, which says that the money came after all. */
#include "cmock.h"

#include "pay/pay.h"

static void codes_of_both_services_and_both_spellings(void **state)
{
	static const struct {
		const char *code;
		enum pay_refusal want;
	} cases[] = {
		{ "ORDERPAID", PAY_REFUSAL_PAID },
		{ "ORDER_PAID", PAY_REFUSAL_PAID },
		{ "ACQ.TRADE_HAS_SUCCESS", PAY_REFUSAL_PAID },
		{ "NOT_ENOUGH", PAY_REFUSAL_PASSING },
		{ "NOTENOUGH", PAY_REFUSAL_PASSING },
		{ "ACQ.SELLER_BALANCE_NOT_ENOUGH", PAY_REFUSAL_PASSING },
		{ "FREQUENCY_LIMITED", PAY_REFUSAL_PASSING },
		{ "PARAM_ERROR", PAY_REFUSAL_FINAL },
		{ "ORDER_CLOSED", PAY_REFUSAL_FINAL },
		{ "ACQ.TRADE_NOT_ALLOW_REFUND", PAY_REFUSAL_FINAL },
		{ "a word of next year", PAY_REFUSAL_FINAL },
		{ "", PAY_REFUSAL_FINAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(pay_refusal(cases[i].code), cases[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_of_both_services_and_both_spellings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
