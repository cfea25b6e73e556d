#pragma once
/* Exact money and quantities. One-member structs, so that the compiler refuses
 * to mix them. thousandths of a unit × millionths of a yuan per unit = nano-yuan
 * exactly, so a charge never rounds. */
#include "base/err.h"

struct money {
	int64_t nano; /* 1e-9 yuan */
};
struct qty {
	int64_t milli; /* thousandths of the billing unit: Wh or litres */
};
struct price {
	int64_t micro; /* 1e-6 yuan per kWh or m3 */
};

#define NANO_PER_YUAN INT64_C(1000000000)
#define NANO_PER_FEN INT64_C(10000000)
#define MONEY_TEXT_MAX 32 /* longest text of any of the three, with its NUL */

/* Checked arithmetic: ERR_OVERFLOW and no result when 64 bits do not hold it. */
MUST_USE enum err money_add(struct money a, struct money b, struct money *sum);
MUST_USE enum err money_sub(struct money a, struct money b, struct money *difference);
MUST_USE enum err qty_add(struct qty a, struct qty b, struct qty *sum);
MUST_USE enum err qty_sub(struct qty a, struct qty b, struct qty *difference);
MUST_USE enum err qty_charge(struct qty q, struct price p, struct money *charge);
MUST_USE enum err money_from_fen(int64_t fen, struct money *out);

/* Decimal text, the whole string or an error: "12", "0.5", "-3.18" (money and qty only may be
 * negative); at most 9, 3 and 6 decimals; no sign +, no exponent, no blanks. */
MUST_USE enum err money_parse(const char *text, struct money *out);
MUST_USE enum err qty_parse(const char *text, struct qty *out);
MUST_USE enum err price_parse(const char *text, struct price *out);

/* Decimal text with all nine decimals ("5.572509500"), and price without trailing zeros. */
const char *money_text(struct money m, char buf[static MONEY_TEXT_MAX]);
const char *price_text(struct price p, char buf[static MONEY_TEXT_MAX]);
/* For people: two decimals, rounded towards minus infinity ("-0.01" for -1 nano). */
const char *money_text2(struct money m, char buf[static MONEY_TEXT_MAX]);
