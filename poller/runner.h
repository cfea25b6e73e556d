#pragma once
/* The thread of one bus. It touches the bus and nothing else: readings go to the desk, results of
 * acts to the switcher. */
#include "domain/gateway.h"
#include "poller/desk.h"
#include "poller/orders.h"
#include "poller/plant.h"

struct runner;

struct runner_ends { /* where its news goes; outlives it */
	struct desk *desk;
	struct orders_back *back;
	int64_t period_ms;
};

/* Takes over the bus (and its meters). ERR_BAD_VALUE when the address cannot be one; the bus is
 * then left to the caller. */
MUST_USE enum err runner_start(
	struct plant_bus *bus, const struct runner_ends *ends, struct runner **out);
/* Asks it to end after the request under way. */
void runner_stop(struct runner *r);
/* Waits for that; orders that it still had come back as final results. */
void runner_join(struct runner **r);

const struct plant_bus *runner_bus(const struct runner *r);
/* These two are false when the bus has no such meter. */
bool runner_want(struct runner *r, int64_t meter_id);
bool runner_identity(
	struct runner *r, int64_t meter_id, enum identity *out, const struct plant_meter **meter);
/* The order goes before everything else on the bus. */
void runner_order(struct runner *r, struct order_out *o);
/* Health of the bus now. */
void runner_health(struct runner *r, struct gateway_now *out);
