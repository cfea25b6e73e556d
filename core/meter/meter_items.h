#pragma once
/* DL/T 645 and CJ/T 188 on a bus, for meter.c. */
#include "meter/meter.h"

struct place { /* one meter; borrowed */
	struct bus *bus;
	const struct model *model;
	const struct meter_address *at;
};

/* The reads of a plan, decoded; out->at is left 0. Errors as of meter_read(). */
MUST_USE enum err dlt645_read(const struct place *p, const struct model_read *plan, size_t n,
	struct meter_reading *out, struct bus_error *why);
MUST_USE enum err cjt188_read(const struct place *p, const struct model_read *plan, size_t n,
	struct meter_reading *out, struct bus_error *why);

/* Outcomes as of meter_act(); why is never NULL. */
MUST_USE enum err dlt645_act(const struct place *p, enum meter_act act,
	const struct bus_permit *permit, struct bus_error *why);
MUST_USE enum err cjt188_act(const struct place *p, enum meter_act act,
	const struct bus_permit *permit, struct bus_error *why);

/* p->at does not count. As meter_broadcast_time(). */
MUST_USE enum err dlt645_broadcast_time(const struct place *p, int64_t wall_seconds,
	const struct bus_permit *permit, struct bus_error *why);
