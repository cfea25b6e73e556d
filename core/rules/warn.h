#pragma once
/* Warning levels of a purse, with hysteresis, and the arrears block. Pure. */
#include "base/money.h"

enum level { LEVEL_OK, LEVEL_LOW1, LEVEL_LOW2, LEVEL_ARREARS, LEVEL__MAX };
const char *level_word(enum level l); /* "ok" "low1" "low2" "arrears" */
MUST_USE enum err level_parse(const char *word, enum level *out);

struct warn_limits {
	struct money warn1, warn2; /* warn1 >= warn2; zero turns a level off */
	struct money credit_limit; /* >= 0: how far below zero before arrears */
};

/* The level after the balance has changed. Worse at once: balance <= warn1, <= warn2,
 * <= -credit_limit. Better only beyond a margin of 5 % of the threshold (at least 1 yuan), so that
 * a balance that trembles around a threshold warns once; arrears end at balance > 0. */
enum level warn_level(enum level now, struct money balance, const struct warn_limits *w);
