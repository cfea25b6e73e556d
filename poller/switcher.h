#pragma once
/* The thread that drives supplies to what the database desires: looks for work ten times a second,
 * asks the gate, commits the act, hands it to the bus, and records what was read back. */
#include "poller/fleet.h"
#include "poller/holdings.h"

struct switcher_ends { /* outlive it */
	const struct db_settings *database;
	struct fleet *fleet;
	struct holdings *holdings;
	struct orders_back *back;
	int64_t mass_trip_limit; /* 0: by the settings of each site */
};

struct switcher;
struct switcher *switcher_open(const struct switcher_ends *ends);
void switcher_free(struct switcher **s);
/* Until switcher_stop(); then waits SWITCHER_END_MS at most for acts on their way. */
void switcher_run(struct switcher *s);
void switcher_stop(struct switcher *s); /* any thread; the buses have been stopped before */
#define SWITCHER_SCAN_MS 100
#define SWITCHER_END_MS 3000
