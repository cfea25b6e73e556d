/* What a service's "no" means for us, by its code. */
#include "base/str.h"
#include "pay/service.h"

static const struct {
	const char *code;
	enum pay_refusal refusal;
} codes[] = {
	/* paid meanwhile: ask, and believe the answer */
	{ "ORDERPAID", PAY_REFUSAL_PAID },
	{ "ORDER_PAID", PAY_REFUSAL_PAID },
	{ "ACQ.TRADE_HAS_SUCCESS", PAY_REFUSAL_PAID },
	/* the same call may succeed later */
	{ "NOTENOUGH", PAY_REFUSAL_PASSING },
	{ "NOT_ENOUGH", PAY_REFUSAL_PASSING },
	{ "ACQ.SELLER_BALANCE_NOT_ENOUGH", PAY_REFUSAL_PASSING },
	{ "FREQUENCY_LIMITED", PAY_REFUSAL_PASSING },
	{ "FREQUENCY_LIMIT_EXCEED", PAY_REFUSAL_PASSING },
	{ "RATELIMIT_EXCEEDED", PAY_REFUSAL_PASSING },
	{ "USERPAYING", PAY_REFUSAL_PASSING },
	{ "USER_PAYING", PAY_REFUSAL_PASSING },
	{ "BIZERR_NEED_RETRY", PAY_REFUSAL_PASSING },
	{ "SIGN_ERROR", PAY_REFUSAL_PASSING }, /* our key or clock: somebody will put it right */
	{ "NO_AUTH", PAY_REFUSAL_PASSING },
	{ "isv.invalid-signature", PAY_REFUSAL_PASSING },
};

enum pay_refusal pay_refusal(const char *code)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (str_eq(codes[i].code, code))
			return codes[i].refusal;
	return PAY_REFUSAL_FINAL;
}
