#include "meter/reading.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "meter/word.h"

static const char *const point_words[] = {
#define POINT(name, word, least, most) [POINT_##name] = word,
#include "meter/points.def"
#undef POINT
};
static const char *const status_words[] = {
#define STATUS(name, word) [STATUS_##name] = word,
#include "meter/status.def"
#undef STATUS
};
static const char *const supply_words[] = {
	[SUPPLY_UNKNOWN] = "unknown",
	[SUPPLY_ON] = "on",
	[SUPPLY_OFF] = "off",
	[SUPPLY_MOVING] = "moving",
};

WORD_FUNCTIONS(point, point, point_words, POINT__MAX)
WORD_FUNCTIONS(status, meter_status, status_words, STATUS__MAX)
WORD_FUNCTIONS(supply, supply, supply_words, SUPPLY__MAX)

bool reading_register(const struct meter_reading *r, struct qty *out)
{
	enum point p = reading_has(r, POINT_ENERGY) ? POINT_ENERGY : POINT_VOLUME;

	if (!reading_has(r, p))
		return false;
	out->milli = r->value[p];
	return true;
}

static void put(json_t *obj, const char *key, const struct meter_reading *r, enum point p)
{
	if (reading_has(r, p))
		json_object_set_new(obj, key, json_integer(r->value[p]));
}

/* One value a phase; a single-phase meter has one. */
static void put_phases(json_t *obj, const char *key, const struct meter_reading *r, enum point a)
{
	json_t *list = json_array();

	for (enum point p = a; p < a + 3 && reading_has(r, p); p++)
		json_array_append_new(list, json_integer(r->value[p]));
	if (json_array_size(list) > 0)
		json_object_set(obj, key, list);
	json_decref(list);
}

static void put_rates(json_t *obj, const struct meter_reading *r)
{
	json_t *rates = json_object();

	put(rates, "sharp", r, POINT_ENERGY_SHARP);
	put(rates, "peak", r, POINT_ENERGY_PEAK);
	put(rates, "flat", r, POINT_ENERGY_FLAT);
	put(rates, "valley", r, POINT_ENERGY_VALLEY);
	if (json_object_size(rates) > 0)
		json_object_set(obj, "energy_by_rate_wh", rates);
	json_decref(rates);
}

/* 198560 thousandths are "198.56": two decimals, three where they are needed. */
static void put_credit(json_t *obj, const struct meter_reading *r)
{
	int64_t milli = r->value[POINT_CREDIT];
	int64_t size = milli < 0 ? -milli : milli;
	char text[40];
	int n = snprintf(text, sizeof(text), "%s%" PRId64 ".%03" PRId64, milli < 0 ? "-" : "",
		size / 1000, size % 1000);

	if (!reading_has(r, POINT_CREDIT))
		return;
	if (size % 10 == 0)
		text[n - 1] = '\0';
	json_object_set_new(obj, "credit", json_string(text));
}

json_t *status_json(uint32_t status)
{
	json_t *list = json_array();

	for (unsigned s = 0; s < STATUS__MAX; s++)
		if ((status >> s) & 1)
			json_array_append_new(list, json_string(status_words[s]));
	return list;
}

static json_t *unit_json(const char *unit)
{
	int64_t n = 0;

	return i64_parse(unit, 1, 255, &n) == ERR_OK ? json_integer(n) : json_string(unit);
}

json_t *reading_json(const struct meter_reading *r, const char *model, const char *unit)
{
	json_t *obj = json_object();

	json_object_set_new(obj, "time", json_utc(r->at));
	json_object_set_new(obj, "model", json_string(model));
	json_object_set_new(obj, "unit", unit_json(unit));
	if (r->serial[0])
		json_object_set_new(obj, "serial", json_string(r->serial));
	put(obj, "energy_wh", r, POINT_ENERGY);
	put_rates(obj, r);
	put(obj, "export_wh", r, POINT_EXPORT);
	put(obj, "volume_l", r, POINT_VOLUME);
	put(obj, "power_w", r, POINT_POWER);
	put_phases(obj, "voltage_mv", r, POINT_VOLTAGE_A);
	put_phases(obj, "current_ma", r, POINT_CURRENT_A);
	put(obj, "frequency_mhz", r, POINT_FREQUENCY);
	if (r->has_supply)
		json_object_set_new(obj, "supply", json_string(supply_word(r->supply)));
	put_credit(obj, r);
	put(obj, "purchase_count", r, POINT_PURCHASE_COUNT);
	if (r->has_status)
		json_object_set_new(obj, "status", status_json(r->status));
	return obj;
}
