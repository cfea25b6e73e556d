#pragma once
/* Acts on their way from the switcher to a bus, and what came of them on the way back. */
#include <stdatomic.h>

#include "domain/act.h"

/* Owned by the switcher; the bus gives it up with the final result. */
struct order_out {
	int64_t act_id;
	int64_t supply_point_id;
	int64_t meter_id;
	struct lease lease;
	bool on;
	atomic_bool cancelled;	     /* the wish has changed: do not send */
	_Atomic int64_t valid_until; /* mono_ms(): the frame leaves before, or not at all */
};

struct order_result {
	struct order_out *order;
	bool final;   /* the bus has let go of the order */
	bool dropped; /* never sent */
	enum act_result result;
	char observed[8];
	char error[201];
	struct utc at; /* when it was read back */
};

/* Results on their way back; the switcher waits here. */
struct orders_back;
struct orders_back *orders_back_open(void);
void orders_back_free(struct orders_back **b);
void orders_back_put(struct orders_back *b, const struct order_result *r);
/* The oldest result; false when none came before the deadline (mono_ms()) or after a wake. */
bool orders_back_take(struct orders_back *b, int64_t deadline, struct order_result *out);
void orders_back_wake(struct orders_back *b);
