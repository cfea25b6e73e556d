#pragma once
/* How long a balance lasts, from the charges of recent comparable days; and what a unit has cost
 * lately. Estimates for people: no money is moved by them. Pure. */
#include "base/money.h"
#include "rules/workday.h"

#define DAYSLEFT_HISTORY 28 /* days that are looked back on */
#define DAYSLEFT_LEAST 5    /* fewer say nothing */
#define DAYSLEFT_MOST 999   /* stands for "more" as well */

struct day_charge {
	struct day day;
	struct money charge;
};

struct daysleft_facts {
	struct money balance;
	struct day today;
	struct money today_charge; /* taken off the balance already */
	const struct day_charge
		*history; /* whole days before today, any order, days without use too */
	size_t history_n; /* at most DAYSLEFT_HISTORY */
	struct day_marks marks;
};

/* Whole days after today that the balance covers: by the median of comparable days (workdays,
 * weekends, holidays; where fewer than DAYSLEFT_LEAST of a sort are known, all days), by the upper
 * quartile (low) and by the lower quartile (high). low <= days <= high <= DAYSLEFT_MOST. */
struct days_left {
	bool known; /* false: too few days, no use to go by, or nothing left */
	int days, low, high;
};
struct days_left days_left(const struct daysleft_facts *f);

/* A threshold in units as money, at what a unit has cost lately (charge for quantity), rounded up
 * to a fen so that a warning is rather early than late. ERR_NOT_FOUND without use; ERR_OVERFLOW. */
MUST_USE enum err threshold_money(
	struct qty threshold, struct money charge, struct qty quantity, struct money *out);
