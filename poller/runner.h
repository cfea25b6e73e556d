#pragma once
/* The thread of one bus. It touches the bus and nothing else: readings go to the desk, results of
 * acts to the switcher. */
#include "domain/gateway.h"
#include "poller/desk.h"
#include "poller/orders.h"
#include "poller/plant.h"

struct runner;

/* Health of a bus. */
struct runner_health {
	struct gateway_now now;
	uint64_t kinds[KIND__MAX]; /* of failures, since the poller started */
	uint64_t exceptions[BUS_EXCEPTIONS];
	struct utc last_answer; /* of anything on the bus, or when it began */
	bool twin;		/* two gateways claim this id */
};

struct runner_ends { /* where its news goes; outlives it */
	struct desk *desk;
	struct orders_back *back;
	struct reception *reception; /* NULL: no gateway can dial in */
	bool sets_clocks;	     /* of meters that are wrong, by rule */
	int64_t period_ms;
	int64_t config_ms; /* serial numbers; 0: SCHEDULE_CONFIG_MS */
};

/* Takes over the bus (and its meters). former is the bus of this gateway as it was configured
 * before and has ended, or NULL: what it has learned of meters that are the same is taken over, and
 * its connection when the way is the same, so that the others notice nothing. ERR_BAD_VALUE when
 * the address cannot be one, ERR_UNAVAILABLE without room for a thread: try again; the bus is then
 * left to the caller. */
MUST_USE enum err runner_start(struct plant_bus *bus, const struct runner_ends *ends,
	struct runner *former, struct runner **out);
/* Asks it to end after the request under way. */
void runner_stop(struct runner *r);
/* Has it? Then runner_end() does not wait. */
bool runner_has_ended(struct runner *r);
/* Waits for that; orders that it still had come back as final results. It can still be a former. */
void runner_end(struct runner *r);
void runner_free(struct runner **r); /* ends it as well */

const struct plant_bus *runner_bus(const struct runner *r);
/* These two are false when the bus has no such meter. */
bool runner_want(struct runner *r, int64_t meter_id);
bool runner_identity(
	struct runner *r, int64_t meter_id, enum identity *out, const struct plant_meter **meter);
/* The order goes before everything else on the bus. */
void runner_order(struct runner *r, struct order_out *o);
/* Its gateway has dialled in and waits at the reception. */
void runner_arrived(struct runner *r);
/* Health of the bus now. */
void runner_health(struct runner *r, struct runner_health *out);
