#pragma once
/* The thread that takes purchases to meters which keep their own credit: looks for them a few times
 * a second, decides each from the newest reading, commits it as sent, hands it to the bus, and has
 * the meter read after every frame. */
#include "poller/fleet.h"
#include "poller/holdings.h"

struct purchaser_ends { /* outlive it */
	const struct db_settings *database;
	struct fleet *fleet;
	struct holdings *holdings;
};

struct purchaser;
struct purchaser *purchaser_open(const struct purchaser_ends *ends);
void purchaser_free(struct purchaser **p);
/* Until purchaser_stop(); then waits PURCHASER_END_MS at most for frames on their way. */
void purchaser_run(struct purchaser *p);
void purchaser_stop(struct purchaser *p); /* any thread; the buses have been stopped before */
#define PURCHASER_SCAN_MS 300
#define PURCHASER_END_MS 3000
