#pragma once
/* One reading of a meter: integers only, in the project's units (points.def). What the meter does
 * not tell is absent, never zero. */
#include "base/clock.h"
#include "base/json.h"

enum point {
#define POINT(name, word, least, most) POINT_##name,
#include "meter/points.def"
#undef POINT
	POINT__MAX
};
_Static_assert(POINT__MAX <= 64, "meter_reading.has is 64 bits");

enum meter_status {
#define STATUS(name, word) STATUS_##name,
#include "meter/status.def"
#undef STATUS
	STATUS__MAX
};
_Static_assert(STATUS__MAX <= 32, "meter_reading.status is 32 bits");

/* What the relay or valve does: on = current or water can flow. */
enum supply { SUPPLY_UNKNOWN, SUPPLY_ON, SUPPLY_OFF, SUPPLY_MOVING, SUPPLY__MAX };

#define SERIAL_MAX 24

struct meter_reading {
	struct utc at;		   /* when the last of its replies had arrived */
	uint64_t has;		   /* bit n: value[n] was told */
	int64_t value[POINT__MAX]; /* 0 where absent */
	int64_t step;	 /* least difference of two values of the billed register; 0: not known */
	bool has_supply; /* the meter has a relay or valve that it tells about */
	enum supply supply;
	bool has_status;
	uint32_t status;	 /* bit n: enum meter_status n */
	char serial[SERIAL_MAX]; /* empty when not told */
};

static inline bool reading_has(const struct meter_reading *r, enum point p)
{
	return (r->has >> p) & 1;
}

static inline bool reading_has_status(const struct meter_reading *r, enum meter_status s)
{
	return r->has_status && ((r->status >> s) & 1);
}

static inline void reading_set(struct meter_reading *r, enum point p, int64_t value)
{
	r->has |= UINT64_C(1) << p;
	r->value[p] = value;
}

/* The billed register in thousandths of the billing unit: energy for an electricity meter, volume
 * for a water meter. False when the reading has neither. */
bool reading_register(const struct meter_reading *r, struct qty *out);

const char *point_word(enum point p);
const char *status_word(enum meter_status s);
const char *supply_word(enum supply s); /* "on" "off" "moving" "unknown" */
MUST_USE enum err point_parse(const char *word, enum point *out);
MUST_USE enum err status_parse(const char *word, enum meter_status *out);
MUST_USE enum err supply_parse(const char *word, enum supply *out);

/* The reading as `yufu meter read` prints it; the caller owns it. A Modbus unit is a number in it,
 * a longer address text. */
json_t *reading_json(const struct meter_reading *r, const char *model, const char *unit);
/* Status words only: ["arrears", "alarm1"]. */
json_t *status_json(uint32_t status);
