#pragma once
/* The thread that owns the database side of readings: takes reports from the desk in batches, one
 * transaction each, under the leases of their buses. */
#include "poller/desk.h"
#include "poller/holdings.h"

struct sink;
/* What it uses outlives it. */
struct sink *sink_open(const struct db_settings *s, struct desk *desk, struct holdings *h);
void sink_free(struct sink **s);
/* Reads again which alarms are open: somebody else may have had the buses. Any thread. */
void sink_forget(struct sink *s);
/* Until the desk is closed and empty (or, once closed, the database does not answer). */
void sink_run(struct sink *s);
/* One batch of at most SINK_BATCH reports; for sink_run() and tests. What could not be stored for
 * want of a database goes back to the desk (ERR_UNAVAILABLE). */
MUST_USE enum err sink_batch(struct sink *s, struct report *reports, size_t n);
#define SINK_BATCH 200
#define SINK_GATHER_MS 200
