#include "domain/chart.h"

#include <string.h>

#include "base/str.h"

/* clang-format off */
const struct chart_row chart[] = {
	{ CHART_ASSET,     "drawer",        CHART_OF_ID,    "shift" },
	{ CHART_ASSET,     "bank",          CHART_ONE,      "" },
	{ CHART_ASSET,     "clearing",      CHART_OF_WORD,  "payment service, or pos" },
	{ CHART_ASSET,     "debt",          CHART_OF_ID,    "contract" },
	{ CHART_LIABILITY, "purse",         CHART_OF_PURSE, "contract and purpose" },
	{ CHART_LIABILITY, "meter_transit", CHART_ONE,      "" },
	{ CHART_LIABILITY, "meter_credit",  CHART_OF_ID,    "meter" },
	{ CHART_LIABILITY, "deposit",       CHART_OF_ID,    "contract" },
	{ CHART_LIABILITY, "refund_due",    CHART_ONE,      "" },
	{ CHART_LIABILITY, "suspense",      CHART_ONE,      "" },
	{ CHART_INCOME,    "energy",        CHART_ONE,      "" },
	{ CHART_INCOME,    "water",         CHART_ONE,      "" },
	{ CHART_INCOME,    "share",         CHART_ONE,      "" },
	{ CHART_INCOME,    "service",       CHART_ONE,      "" },
	{ CHART_INCOME,    "property_fee",  CHART_ONE,      "" },
	{ CHART_INCOME,    "rent",          CHART_ONE,      "" },
	{ CHART_COST,      "channel_fee",   CHART_ONE,      "" },
	{ CHART_COST,      "subsidy",       CHART_ONE,      "" },
	{ CHART_COST,      "write_off",     CHART_ONE,      "" },
	{ CHART_COST,      "over_short",    CHART_ONE,      "" },
	{ CHART_COST,      "rounding",      CHART_ONE,      "" },
	{ CHART_EQUITY,    "opening",       CHART_ONE,      "" },
};
const size_t chart_n = ARRAY_LEN(chart);

const struct entry_kind entry_kinds[] = {
	{ "recharge",     false, SUBSIDY_KEPT },  /* the payment is real: it is refunded */
	{ "suspense",     false, SUBSIDY_KEPT },
	{ "found",        false, SUBSIDY_KEPT },  /* a payment of nobody's, given to a purse */
	{ "sale",         true,  SUBSIDY_KEPT },
	{ "shift",        false, SUBSIDY_KEPT },
	{ "opening",      true,  SUBSIDY_KEPT },
	{ "energy",       false, SUBSIDY_KEPT },  /* the charge spent it when it arose */
	{ "water",        false, SUBSIDY_KEPT },
	{ "late_charge",  false, SUBSIDY_KEPT },
	{ "refund",       false, SUBSIDY_KEPT },  /* the refund is failed instead */
	{ "refund_paid",  false, SUBSIDY_KEPT },
	{ "reversal",     false, SUBSIDY_KEPT },
	{ "subsidy",      true,  SUBSIDY_MOVED },
	{ "allowance",    true,  SUBSIDY_MOVED },
	{ "write_off",    true,  SUBSIDY_KEPT },
	{ "correction",   true,  SUBSIDY_KEPT },
	{ "deposit_in",   true,  SUBSIDY_KEPT },
	{ "deposit_out",  true,  SUBSIDY_KEPT },
	{ "transfer",     true,  SUBSIDY_KEPT },
	{ "debt",         true,  SUBSIDY_KEPT },
	{ "purchase",     false, SUBSIDY_SPENT }, /* credit for a meter */
	{ "purchase_done", false, SUBSIDY_KEPT },
	{ "purchase_failed", false, SUBSIDY_KEPT },
	{ "meter_use",    false, SUBSIDY_KEPT },
	{ "meter_return", false, SUBSIDY_KEPT },  /* credit comes back from a meter */
	{ "property_fee", false, SUBSIDY_SPENT }, /* the fee is ended instead, and gives back */
	{ "rent",         false, SUBSIDY_SPENT },
	{ "fee",          true,  SUBSIDY_SPENT },
	{ "share",        false, SUBSIDY_SPENT }, /* a correction instead; late energy corrects itself */
	{ "closing",      false, SUBSIDY_KEPT },  /* deposit or debt; the contract is reopened instead */
	{ "payout",       false, SUBSIDY_KEPT },  /* what was left when the contract ended */
	{ "subsidy_back", false, SUBSIDY_MOVED }, /* not used when the contract ended */
	{ "bill_adjust",  true,  SUBSIDY_KEPT },  /* what a service's bill has and the books had not */
	{ "bill_refund",  true,  SUBSIDY_KEPT },  /* given back at the service, taken off here */
	{ "channel_fee",  false, SUBSIDY_KEPT },  /* a further bill corrects it */
	{ "service_payout", true, SUBSIDY_KEPT },
};
const size_t entry_kinds_n = ARRAY_LEN(entry_kinds);
/* clang-format on */

#define DIGITS "0123456789"
#define WORD "abcdefghijklmnopqrstuvwxyz_"

static bool part_fits(enum chart_part part, const char *text)
{
	if (part == CHART_ONE)
		return !*text;
	if (*text++ != ':' || !*text)
		return false;
	if (part == CHART_OF_ID)
		return *text != '0' && strspn(text, DIGITS) == strlen(text);
	return part == CHART_OF_WORD && strspn(text, WORD) == strlen(text);
}

const struct chart_row *chart_of_code(const char *code)
{
	size_t n = strcspn(code, ":");

	for (size_t i = 0; i < chart_n; i++)
		if (strlen(chart[i].kind) == n && memcmp(chart[i].kind, code, n) == 0)
			return part_fits(chart[i].part, code + n) ? &chart[i] : NULL;
	return NULL;
}

const struct entry_kind *entry_kind_find(const char *name)
{
	for (size_t i = 0; i < entry_kinds_n; i++)
		if (str_eq(entry_kinds[i].name, name))
			return &entry_kinds[i];
	return NULL;
}
