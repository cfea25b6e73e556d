#pragma once
/* Settings that a meter holds itself and that can be written and read back. Meters, rules and the
 * database speak of them by these words; what is set is one text each:
 *   prices   "sharp 1.1 peak 1.1 flat 0.66 valley 0.31": yuan per unit, in this order
 *   slots    "00:00 valley 08:00 peak": of every day; "" when they differ by day or make no sense
 *   prepaid  "on" "off": the meter takes off its own credit, and trips without */
#include "base/err.h"

enum meter_setting { METER_PRICES, METER_SLOTS, METER_PREPAID, METER_SETTING__MAX };
#define METER_SETTING_TEXT 501
const char *meter_setting_word(enum meter_setting s); /* "prices" "slots" "prepaid" */
MUST_USE enum err meter_setting_parse(const char *word, enum meter_setting *out);

/* The rates that meters have registers for, in the order of their registers. */
#define METER_RATES 4
const char *meter_rate_word(size_t i); /* "sharp" "peak" "flat" "valley" */
/* METER_RATES when it is none. */
size_t meter_rate_find(const char *word);
