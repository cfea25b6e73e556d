#include "rules/warn.h"

#include <string.h>

static const char *const words[LEVEL__MAX] = {
	[LEVEL_OK] = "ok",
	[LEVEL_LOW1] = "low1",
	[LEVEL_LOW2] = "low2",
	[LEVEL_ARREARS] = "arrears",
};

const char *level_word(enum level l)
{
	return words[l];
}

enum err level_parse(const char *word, enum level *out)
{
	for (enum level l = LEVEL_OK; l < LEVEL__MAX; l++)
		if (strcmp(words[l], word) == 0) {
			*out = l;
			return ERR_OK;
		}
	return ERR_BAD_VALUE;
}

/* The level of a balance without a past. */
static enum level plain_level(struct money balance, const struct warn_limits *w)
{
	if (balance.nano <= -w->credit_limit.nano)
		return LEVEL_ARREARS;
	if (w->warn2.nano > 0 && balance.nano <= w->warn2.nano)
		return LEVEL_LOW2;
	if (w->warn1.nano > 0 && balance.nano <= w->warn1.nano)
		return LEVEL_LOW1;
	return LEVEL_OK;
}

/* Beyond a threshold and its margin; a threshold of zero holds nothing back. */
static bool beyond(struct money balance, struct money threshold)
{
	int64_t margin = threshold.nano / 20;

	if (threshold.nano <= 0)
		return true;
	if (margin < NANO_PER_YUAN)
		margin = NANO_PER_YUAN;
	return balance.nano > threshold.nano && balance.nano - threshold.nano > margin;
}

static bool may_leave(enum level now, struct money balance, const struct warn_limits *w)
{
	switch (now) {
	case LEVEL_ARREARS:
		return balance.nano > 0;
	case LEVEL_LOW2:
		return beyond(balance, w->warn2);
	case LEVEL_LOW1:
		return beyond(balance, w->warn1);
	case LEVEL_OK:
	case LEVEL__MAX:
		break;
	}
	return false;
}

enum level warn_level(enum level now, struct money balance, const struct warn_limits *w)
{
	enum level plain = plain_level(balance, w);

	if (plain >= now)
		return plain;
	while (now > plain && may_leave(now, balance, w))
		now--;
	return now;
}
