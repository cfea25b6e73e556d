#pragma once
/* What a meter that keeps its credit itself can be told of a tariff: a price for each of its rates
 * and one table of slots for every day. Pure. */
#include "base/metersetting.h"
#include "rules/tariff.h"

/* What meters of a model can hold. All zero: nothing of it can be written, and only tiers stand
 * against such a tariff. */
struct hold_facts {
	bool rates[METER_RATES];  /* that it has */
	int64_t price_step_micro; /* resolution of its prices; 0: they cannot be written */
	size_t slots_max;	  /* in the table of a day; 0: it cannot be written */
};

/* As in base/metersetting.h; "" where nothing can be written. */
struct tariff_hold {
	char prices[METER_SETTING_TEXT];
	char slots[METER_SETTING_TEXT];
};

/* What the meter has to hold at an instant: the prices of the version in force, and the slots of
 * the days of this month. Rates that meters know by name are those; others take the places that are
 * free, and places without a rate have the price of the day's first slot. ERR_NOT_FOUND before the
 * first version; ERR_CONFLICT, with the reason, when it cannot be held. */
MUST_USE enum err hold_tariff(const struct tariff *t, struct utc at, const struct hold_facts *f,
	struct tariff_hold *out, struct problem *why);

/* Can it be held at every time from `from` on? Names the day from which it cannot. */
MUST_USE enum err hold_lasting(
	const struct tariff *t, struct utc from, const struct hold_facts *f, struct problem *why);
