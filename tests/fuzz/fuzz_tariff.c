/* Any bytes as a tariff file; one that is accepted must then price a week without a mistake. */
#include "rules/settle.h"

struct sums {
	struct qty qty;
	struct utc last;
};

static enum err sum(void *ctx, const struct segment *s)
{
	struct sums *sums = ctx;

	ASSERT(s->qty.milli > 0 && s->charge.nano >= 0 && s->tier > 0);
	ASSERT(s->from.ms < s->to.ms && s->from.ms >= sums->last.ms && s->hour >= 0);
	ASSERT(s->hour < 24);
	sums->last = s->from;
	return qty_add(sums->qty, s->qty, &sums->qty);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(zone_free) struct zone *z = NULL;
	AUTO(json_free) json_t *file = NULL;
	AUTO(tariff_free) struct tariff *t = NULL;
	struct problem why = { 0 };
	struct utc from = { 1774656000000 }; /* 2026-03-28: Berlin jumps on the 29th */
	struct utc to = { 1774656000000 + 7 * 86400000LL };
	struct qty delta = { 1234567 };
	struct tier_use use = { 0 };
	struct sums sums = { 0 };
	enum err e;

	ASSERT(zone_open("Europe/Berlin", &z) == ERR_OK);
	if (json_parse((const char *)data, size, &file, &why) != ERR_OK)
		return 0;
	if (tariff_parse(file, z, &t, &why) != ERR_OK) {
		ASSERT(why.text[0]);
		return 0;
	}
	e = settle_interval(t, from, to, delta, &use, (struct segment_sink){ sum, &sums });
	ASSERT(e == ERR_OK || e == ERR_OVERFLOW || e == ERR_NOT_FOUND);
	ASSERT(e != ERR_OK || sums.qty.milli == delta.milli);
	return 0;
}
