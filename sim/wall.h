#pragma once
/* The clock of a simulated meter: it may be wrong, and frames set it. Written down from the makers'
 * documents, not from the model files, so that a wrong frame in a model sets nothing. */
#include "sim/device.h"

/* Is this a write of the meter's clock? Prepaid meters: function 0x20 at 0x0354, second, minute,
 * hour, weekday, day, month, year - 2000, three zeros. DTSD1352: function 16 at 0x003C, year -
 * 2000, month, day, hour, minute, second. */
bool wall_is_write(const struct device *d, const struct modbus_request *req);
enum modbus_exception wall_write(struct device *d, const struct modbus_request *req);

/* What the clock shows, in seconds since 1970 of that clock. */
int64_t wall_told(const struct device *d);
