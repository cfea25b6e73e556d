#pragma once
/* The tables by which a simulated Acrel prepaid meter knows its rate: zones of the year, and two
 * schedules of a day. Registers by the maker's commissioning tool, not by model files. Numbers of
 * rates and schedules begin at 1, as the model files infer. */
#include "sim/mall.h"
#include "sim/mbap.h"

enum { SCHEDULES = 2, SCHEDULE_SLOTS = 14, ZONES = 4 };

struct tables {
	uint8_t zones[3 * ZONES];		      /* schedule, day, month */
	uint8_t slots[SCHEDULES][3 * SCHEDULE_SLOTS]; /* rate, minute, hour */
};

/* The slots of the mall's tariff, all year. */
void tables_init(struct tables *s);
/* The rate at a second of a local day (days since 1970). */
enum mall_rate tables_rate_at(const struct tables *s, int32_t day, int32_t second);

/* Whether a request is about these tables, in the registers of DDSY1352 or (three_phase) DTSY1352;
 * then read and written here. A write is of one whole table. */
bool tables_have(bool three_phase, const struct modbus_request *req);
void tables_read(const struct tables *s, bool three_phase, const struct modbus_request *req,
	uint16_t *values);
enum modbus_exception tables_write(
	struct tables *s, bool three_phase, const struct modbus_request *req);
