#include "sim/history.h"

#include "base/zone.h"

#define HOUR_MS INT64_C(3600000)
#define SAMPLES 6 /* of an hour's load */

/* Thousandths of the unit in one hour, from a few looks at the load curve. */
static int64_t hour_use(const struct mall *mall, const struct mall_meter *m, struct local start)
{
	uint32_t id = (uint32_t)m->bus << 8 | m->unit;
	int64_t sum = 0;

	for (int i = 0; i < SAMPLES; i++)
		sum += m->peak * load_permille(m->kind, mall->seed, id, start.day.days,
					 start.second + i * 3600 / SAMPLES);
	return sum / SAMPLES / 1000;
}

json_t *mall_history(const struct mall *mall, int days, struct utc now)
{
	AUTO(zone_free) struct zone *z = NULL;
	char from_text[UTC_TEXT_MAX];
	json_t *meters = json_object();
	struct utc from;
	struct day first;

	ASSERT(zone_open(MALL_ZONE, &z) == ERR_OK);
	first = zone_local(z, now).day;
	first.days -= days;
	from = zone_day_start(z, first);
	for (size_t i = 0; i < mall->meters_n; i++) {
		json_t *hours;

		if (!mall->meters[i].tenant)
			continue;
		hours = json_array();
		for (int64_t t = from.ms; t + HOUR_MS <= now.ms; t += HOUR_MS)
			json_array_append_new(hours, json_integer(hour_use(mall, &mall->meters[i],
							     zone_local(z, (struct utc){ t }))));
		json_object_set_new(meters, mall->meters[i].code, hours);
	}
	return json_pack("{s:s, s:o}", "from_at", utc_text(from, from_text), "meters", meters);
}
