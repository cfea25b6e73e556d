#pragma once
/* A meter on a bus: read it by its model, act on its relay or valve. */
#include "meter/bus.h"

#define METER_ADDRESS_MAX 17 /* with its end: 14 digits and room, as in the table of meters */

/* Where a meter is on its bus. */
struct meter_address {
	char text[METER_ADDRESS_MAX]; /* as people write it */
	uint8_t unit;		      /* Modbus: 1..255 */
	uint8_t digits[7];	      /* DL/T 645 (6 bytes) and CJ/T 188 (7): low pair first */
};

/* What such a model needs: a unit, or 12 or 14 digits. ERR_BAD_VALUE says which. */
MUST_USE enum err meter_address_parse(
	const struct model *m, const char *text, struct meter_address *out, struct problem *why);

/* Can the framing of a model go over such a transport? */
bool meter_goes_over(const struct model *m, enum transport t);

/* All points of a class, by the model's plan. Errors as bus_read, and ERR_PROTOCOL when a register
 * holds what cannot be. Nothing is written to out unless every read was answered (or, for one that
 * is optional, refused because the meter has no such data). */
MUST_USE enum err meter_read(struct bus *b, const struct model *m, const struct meter_address *at,
	enum point_class class, struct meter_reading *out, struct bus_error *why);

/* Only what tells about the relay or valve; with a model of a single read that is a whole reading.
 * ERR_NOT_CONFIGURED: it tells nothing. */
MUST_USE enum err meter_read_supply(struct bus *b, const struct model *m,
	const struct meter_address *at, struct meter_reading *out, struct bus_error *why);

/* A write and all that its request points to; not to be copied. */
struct meter_write {
	struct bus_request request;
	struct bus_vendor vendor;
	struct model_frame frame;
	uint16_t values[MODEL_PURCHASE_MAX];
};

/* The requests of the writes below, of a model of Modbus. ERR_NOT_CONFIGURED: the model has none.
 * ERR_OUT_OF_RANGE: what is to be written does not fit. */
MUST_USE enum err meter_act_write(
	const struct model *m, uint8_t unit, enum meter_act act, struct meter_write *out);
MUST_USE enum err meter_purchase_write(
	const struct model *m, uint8_t unit, int64_t count, int64_t milli, struct meter_write *out);
MUST_USE enum err meter_clock_write(
	const struct model *m, uint8_t unit, int64_t wall_seconds, struct meter_write *out);

/* Sends one frame. ERR_OK: the device confirmed the frame (read back to see the relay).
 * ERR_REFUSED: it certainly did not act. ERR_UNKNOWN: it may have acted; read back before anything
 * else. ERR_UNAVAILABLE: nothing was sent. ERR_FORBIDDEN: nor was it, the permit (may be NULL) was
 * refused when the bus was ready. ERR_NOT_CONFIGURED: the model has no such act, or this meter
 * takes its maker's frames enciphered only, which is not supported (nothing was sent). */
MUST_USE enum err meter_act(struct bus *b, const struct model *m, const struct meter_address *at,
	enum meter_act act, const struct bus_permit *permit, struct bus_error *why);

/* Sends one purchase: count is what the meter is to show, milli goes into the amount (what is
 * added, or the new remaining: model->purchase.adds). Outcomes as meter_act(); whether the meter
 * took it is seen by reading its count. ERR_OUT_OF_RANGE: it does not fit the registers. */
MUST_USE enum err meter_purchase(struct bus *b, const struct model *m,
	const struct meter_address *at, int64_t count, int64_t milli,
	const struct bus_permit *permit, struct bus_error *why);

/* Reads one setting as its text. ERR_NOT_CONFIGURED when the model does not tell it, ERR_PROTOCOL
 * when the registers hold what cannot be; else as bus_read(). */
MUST_USE enum err meter_setting_read(struct bus *b, const struct model *m,
	const struct meter_address *at, enum meter_setting s, char out[static METER_SETTING_TEXT],
	struct bus_error *why);
/* Sends the frames that write one. Outcomes as meter_act(), and ERR_UNKNOWN also when some of
 * several frames acted; whether the meter took it is seen by reading. */
MUST_USE enum err meter_setting_write(struct bus *b, const struct model *m,
	const struct meter_address *at, enum meter_setting s, const char *text,
	const struct bus_permit *permit, struct bus_error *why);
/* Sets the meter's clock: the wall clock that it is to show, in seconds since 1970-01-01 00:00 of
 * that clock (POINT_CLOCK). Outcomes as meter_act(), and ERR_OUT_OF_RANGE: no clock shows this
 * time. Setting the same time again does no harm; whether it took is seen by reading. */
MUST_USE enum err meter_set_clock(struct bus *b, const struct model *m,
	const struct meter_address *at, int64_t wall_seconds, const struct bus_permit *permit,
	struct bus_error *why);

/* Sets the clocks of all meters of DL/T 645 on the bus: tell the true time only, for one meter
 * cannot be set apart from its neighbours. Nobody confirms it, so ERR_OK says only that it was
 * sent. ERR_NOT_CONFIGURED: the model is of another framing. */
MUST_USE enum err meter_broadcast_time(struct bus *b, const struct model *m, int64_t wall_seconds,
	const struct bus_permit *permit, struct bus_error *why);
