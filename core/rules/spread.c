#include "rules/spread.h"

static int64_t fair_share(const struct spread *s)
{
	return (s->total + s->others) / (s->others + 1);
}

bool spread_take(const struct spread *s, int64_t buses, bool waited)
{
	if (s->mine + buses > s->most)
		return false;
	return waited || s->mine + buses <= fair_share(s);
}

bool spread_give(const struct spread *s, int64_t buses)
{
	return s->others > 0 && s->least + buses < s->mine;
}
