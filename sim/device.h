#pragma once
/* One simulated meter: its register, its relay or valve, and what it answers to a frame.
 *
 * A device is moved on by device_advance() before anything is asked of it. It knows no sockets and
 * no clock. Registers go out through the same model file by which the poller decodes; frames that
 * switch are understood by rules written down here from the makers' documents, so that a wrong
 * action in a model file does nothing. */
#include "base/clock.h"
#include "meter/model.h"
#include "sim/mall.h"
#include "sim/mbap.h"
#include "sim/prepaid.h"
#include "sim/tables.h"

/* The two clocks of an instant: what the meter's clock shows, and one that never jumps. */
struct moment {
	struct utc wall;
	int32_t day; /* local calendar day of the mall, and second of it */
	int32_t second;
	int64_t mono_ms;
};

enum valve { VALVE_OPEN, VALVE_CLOSED, VALVE_OPENING, VALVE_CLOSING };

/* One thing counted in watt-milliseconds, or (litres per hour)-milliseconds. */
#define COUNT_PER_MILLI INT64_C(3600000) /* make one Wh or one litre */

struct device {
	const struct mall_meter *mall;
	const struct model *model;
	uint32_t seed;
	int speed;	 /* how many times faster than life the register counts */
	int64_t mono_ms; /* when it was last moved on; 0: never */

	/* Kept in the state file. A register is never answered above its ceiling, and the ceiling
	 * is on the disk before: that is why a restart never lets a register fall. */
	int64_t count[RATE__MAX];
	int64_t ceiling[RATE__MAX];
	bool forced; /* by command; else the relay is closed */
	bool closed; /* relay closed: current can flow */
	enum valve valve;
	int64_t load; /* W or l/h set from outside; -1: by the curve */
	struct prepaid prepaid;
	struct tables tables; /* of the prepaid meters */
	struct utc written_at;

	int64_t clock_off_s; /* its clock against the true time; forgotten when the program ends */
	int64_t valve_until_ms; /* mono: the move ends */
	int64_t draw;		/* W or l/h since mono_ms */
	struct moment now;
};

enum {
	VALVE_MOVES_MS = 8000,	   /* motor valves of this kind move for about eight seconds */
	DEVICE_LOAD_MAX = 1000000, /* W, litres per hour */
	DEVICE_SPEED_MAX = 100000,
};
#define DEVICE_REGISTER_MAX INT64_C(40000000000) /* thousandths: what u32 of 0.01 kWh holds */

void device_init(struct device *d, const struct mall_meter *mall, const struct model *model,
	uint32_t seed, int speed);
/* Counts what was drawn since the last call, lets the valve arrive, takes the new draw. */
void device_advance(struct device *d, const struct moment *now);

/* The register in thousandths of the billing unit, as it is and as it may be answered. */
int64_t device_register(const struct device *d);
int64_t device_register_answered(const struct device *d);
/* Sets the whole register; the ceiling must be saved before the next answer. */
void device_set_register(struct device *d, int64_t milli);
void device_set_closed(struct device *d, bool closed);

/* What was used up to now is not taken off the credit. */
void device_forget_use(struct device *d);

/* Raises the ceilings to what the device can reach within ahead_ms; 0: exactly what it counted. */
void device_raise_ceiling(struct device *d, int64_t ahead_ms);

/* After the prepaid credit was changed: trips, or lets flow again, unless control is forced. */
void device_prepaid(struct device *d);

/* All that the meter would tell, in the units of the poller. offset_milli is added to the register
 * that is told (a fault on request). */
void device_reading(const struct device *d, int64_t offset_milli, struct meter_reading *out);

/* Answers a request. *switched is set when relay or valve was commanded: save, then answer. */
enum modbus_exception device_answer(struct device *d, const struct modbus_request *req,
	int64_t offset_milli, uint16_t *values, bool *switched);

/* "on", "off" or "moving"; "on" for a meter without relay. */
enum supply device_supply(const struct device *d);
