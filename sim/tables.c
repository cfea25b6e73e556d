#include "sim/tables.h"

#include <string.h>

#include "base/clock.h"

enum { ZONE_REGISTERS = 6, SLOT_REGISTERS = 21, MINUTES = 1440 };

/* Zones, then the schedules; one behind the other in the DDSY1352, in two places in the DTSY1352.
 */
static const uint16_t places[2][1 + SCHEDULES] = {
	{ 0x2000, 0x2006, 0x201B },
	{ 0x0028, 0x2000, 0x2015 },
};

static size_t registers_of(size_t table)
{
	return table == 0 ? ZONE_REGISTERS : SLOT_REGISTERS;
}

static uint8_t *bytes_of(struct tables *s, size_t table)
{
	return table == 0 ? s->zones : s->slots[table - 1];
}

void tables_init(struct tables *s)
{
	enum mall_rate rate = mall_rate_at(0);
	size_t n = 0;

	for (size_t i = 0; i < ZONES; i++)
		memcpy(&s->zones[3 * i], "\1\1\1", 3);
	for (int minute = 0; minute < MINUTES && n < SCHEDULE_SLOTS; minute++) {
		if (minute > 0 && mall_rate_at(minute * 60) == rate)
			continue;
		rate = mall_rate_at(minute * 60);
		for (size_t k = 0; k < SCHEDULES; k++) {
			s->slots[k][3 * n] = (uint8_t)(rate + 1);
			s->slots[k][3 * n + 1] = (uint8_t)(minute % 60);
			s->slots[k][3 * n + 2] = (uint8_t)(minute / 60);
		}
		n++;
	}
	for (; n < SCHEDULE_SLOTS; n++)
		for (size_t k = 0; k < SCHEDULES; k++)
			memcpy(&s->slots[k][3 * n], &s->slots[k][3 * n - 3], 3);
}

/* The schedule of the zone that began last; the last zone of the year goes on in the next. */
static size_t schedule_of(const struct tables *s, int32_t day)
{
	int year, month, of_month, last = -1;
	size_t found = s->zones[3 * (ZONES - 1)];

	civil_date(day, &year, &month, &of_month);
	for (size_t i = 0; i < ZONES; i++) {
		int begins = s->zones[3 * i + 2] * 100 + s->zones[3 * i + 1];

		if (begins <= month * 100 + of_month && begins >= last) {
			last = begins;
			found = s->zones[3 * i];
		}
	}
	return found >= 1 && found <= SCHEDULES ? found - 1 : 0;
}

enum mall_rate tables_rate_at(const struct tables *s, int32_t day, int32_t second)
{
	const uint8_t *slots = s->slots[schedule_of(s, day)];
	int rate = slots[3 * (SCHEDULE_SLOTS - 1)];

	for (size_t i = 0; i < SCHEDULE_SLOTS; i++)
		if ((slots[3 * i + 2] * 60 + slots[3 * i + 1]) * 60 <= second)
			rate = slots[3 * i];
	return rate >= 1 && rate <= RATE__MAX ? (enum mall_rate)(rate - 1) : RATE_FLAT;
}

/* The register of the tables, or NULL. */
static const uint8_t *register_at(const struct tables *s, bool three_phase, unsigned address)
{
	for (size_t t = 0; t <= SCHEDULES; t++) {
		unsigned first = places[three_phase][t];

		if (address >= first && address < first + registers_of(t))
			return (t == 0 ? s->zones : s->slots[t - 1]) + 2 * (address - first);
	}
	return NULL;
}

bool tables_have(bool three_phase, const struct modbus_request *req)
{
	static const struct tables none;

	for (unsigned i = 0; i < req->count; i++)
		if (!register_at(&none, three_phase, req->address + i))
			return false;
	return req->count > 0;
}

void tables_read(const struct tables *s, bool three_phase, const struct modbus_request *req,
	uint16_t *values)
{
	for (unsigned i = 0; i < req->count; i++) {
		const uint8_t *b = register_at(s, three_phase, req->address + i);

		values[i] = (uint16_t)(b[0] << 8 | b[1]);
	}
}

static bool slots_can_be(const uint8_t *b)
{
	for (size_t i = 0; i < SCHEDULE_SLOTS; i++, b += 3)
		if (b[0] < 1 || b[0] > RATE__MAX || b[1] > 59 || b[2] > 23)
			return false;
	return true;
}

enum modbus_exception tables_write(
	struct tables *s, bool three_phase, const struct modbus_request *req)
{
	uint8_t bytes[2 * SLOT_REGISTERS];
	size_t t = 0;

	while (t <= SCHEDULES && places[three_phase][t] != req->address)
		t++;
	if (t > SCHEDULES)
		return MODBUS_ILLEGAL_ADDRESS;
	if (req->count != registers_of(t))
		return MODBUS_ILLEGAL_VALUE;
	for (size_t i = 0; i < req->count; i++) {
		bytes[2 * i] = (uint8_t)(req->values[i] >> 8);
		bytes[2 * i + 1] = (uint8_t)req->values[i];
	}
	if (t > 0 && !slots_can_be(bytes))
		return MODBUS_ILLEGAL_VALUE;
	memcpy(bytes_of(s, t), bytes, 2 * (size_t)req->count);
	return MODBUS_OK;
}
