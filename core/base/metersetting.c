#include "base/metersetting.h"

#include "base/str.h"

static const char *const words[] = { "prices", "slots", "prepaid" };
static const char *const rates[] = { "sharp", "peak", "flat", "valley" };
_Static_assert(ARRAY_LEN(words) == METER_SETTING__MAX, "a word for each");
_Static_assert(ARRAY_LEN(rates) == METER_RATES, "a word for each");

const char *meter_setting_word(enum meter_setting s)
{
	ASSERT(s < METER_SETTING__MAX);
	return words[s];
}

enum err meter_setting_parse(const char *word, enum meter_setting *out)
{
	for (unsigned i = 0; i < METER_SETTING__MAX; i++)
		if (str_eq(words[i], word)) {
			*out = (enum meter_setting)i;
			return ERR_OK;
		}
	return ERR_BAD_VALUE;
}

const char *meter_rate_word(size_t i)
{
	ASSERT(i < METER_RATES);
	return rates[i];
}

size_t meter_rate_find(const char *word)
{
	size_t i = 0;

	while (i < METER_RATES && !str_eq(rates[i], word))
		i++;
	return i;
}
