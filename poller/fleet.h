#pragma once
/* The buses that run, for the threads that talk to them. */
#include "poller/runner.h"

struct fleet;
struct fleet *fleet_open(void);
void fleet_free(struct fleet **f); /* none may run */

void fleet_add(struct fleet *f, struct runner *r);
/* Takes a bus out of the list, so that nobody finds it any more; NULL when there is none. */
struct runner *fleet_remove(struct fleet *f, int64_t gateway_id);
/* The configured print of a running bus; false when it does not run. */
bool fleet_print(struct fleet *f, int64_t gateway_id, uint64_t *out);
/* Gateway ids of the running buses of a group (0: of all); returns how many there are. */
size_t fleet_list(struct fleet *f, int64_t group_id, int64_t *ids, size_t max);

/* A gateway has dialled in and waits; false: its bus does not run here. */
bool fleet_arrived(struct fleet *f, int64_t gateway_id);

/* False: no running bus has this meter. */
bool fleet_want(struct fleet *f, int64_t meter_id);
/* What the switcher needs to know of a meter before it asks for an act; false: not here. */
struct fleet_meter {
	int64_t group_id;
	enum identity identity;
	int settle_ms;
	const struct model *model; /* of the process */
	int64_t device;
};
bool fleet_meter(struct fleet *f, int64_t gateway_id, int64_t meter_id, struct fleet_meter *out);
/* Meters whose models tell settings; the caller frees *out. */
struct fleet_teller {
	int64_t gateway_id, meter_id;
	const struct model *model;
};
size_t fleet_tellers(struct fleet *f, struct fleet_teller **out);
/* Hands over an order; false: the bus is gone, and the order stays with the caller. */
bool fleet_order(struct fleet *f, int64_t gateway_id, struct order_out *o);
/* Health of every running bus, with its code; the caller frees *out. */
struct fleet_health {
	char code[33];
	int64_t group_id;
	struct runner_health health;
};
size_t fleet_health(struct fleet *f, struct fleet_health **out);
