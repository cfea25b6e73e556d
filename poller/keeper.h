#pragma once
/* The thread that keeps the leases, starts and stops buses as the tables say, and tells their
 * health. */
#include "poller/fleet.h"
#include "poller/holdings.h"
#include "poller/sink.h"

struct keeper_ends { /* outlive it */
	const struct db_settings *database;
	const char *name; /* [poller] name: owner of the leases */
	int64_t buses_max;
	const struct models *models;
	struct fleet *fleet;
	struct holdings *holdings;
	struct sink *sink;
	struct reception *reception; /* may be NULL */
	struct runner_ends runner;
};

struct keeper;
struct keeper *keeper_open(const struct keeper_ends *ends);
void keeper_free(struct keeper **k);
/* Until keeper_stop(); then all its buses have ended, and keeper_give_back() ends the leases once
 * the last result is stored. */
void keeper_run(struct keeper *k);
void keeper_stop(struct keeper *k); /* any thread */
void keeper_give_back(struct keeper *k);
#define KEEPER_LOOK_MS 60000
#define KEEPER_PLANT_MS 2500 /* so that a change takes effect within 5 s */
#define KEEPER_HEALTH_MS 2000
#define KEEPER_HEALTH_ROWS                                                                         \
	100 /* with more buses, figures of those that are well follow in turns ... */
#define KEEPER_HEALTH_TURNS 5 /* ... of at most so many */
