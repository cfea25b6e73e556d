#pragma once
/* Fees by the month (property fee, rent), pro rata by days for part months. Pure. */
#include "base/zone.h"

struct month {
	int32_t months; /* calendar months since 1970-01 */
};

#define MONTH_TEXT_MAX 12
#define FEE_MONTHLY_MAX_FEN INT64_C(10000000000) /* a hundred million yuan */

const char *month_text(struct month m, char buf[static MONTH_TEXT_MAX]); /* "2026-11" */
/* Exactly that form, from 1970-01 to 9999-12; anything else is ERR_BAD_VALUE. */
MUST_USE enum err month_parse(const char *text, struct month *out);
struct month month_of(struct day d);
struct day month_first(struct month m);
struct day month_last(struct month m);

struct fee_term {
	int64_t monthly_fen; /* 1 .. FEE_MONTHLY_MAX_FEN */
	struct day from;     /* first day that is paid for */
	bool ends;
	struct day to; /* last day that is paid for, when it ends; one before from: none at all */
};

/* ERR_OUT_OF_RANGE, with the field ("monthly_fen", "to_day") in why, unless the term can be. */
MUST_USE enum err fee_check(const struct fee_term *t, struct problem *why);

/* The days of the month that the term covers; none: last is before first. */
void fee_span(const struct fee_term *t, struct month m, struct day *first, struct day *last);
/* How many they are: 0 .. 31. */
int fee_days(const struct fee_term *t, struct month m);

/* What the month costs: monthly × days covered ÷ days of the month, half a fen and more rounded up;
 * a whole month costs exactly the monthly amount, whatever its length. t has passed fee_check(). */
int64_t fee_amount(const struct fee_term *t, struct month m);
/* What of that is not charged yet; below zero: what is given back. */
int64_t fee_left(const struct fee_term *t, struct month m, int64_t charged_fen);
