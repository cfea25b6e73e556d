#pragma once
/* Between the files of the runner, and for nobody else: runner.c is the thread and what others ask
 * of it, runner_read.c a reading, runner_identity.c whose reading it is, runner_clock.c the clocks,
 * runner_report.c the news for the desk, runner_job.c the orders. All of it runs in the thread of
 * the bus but where something else is said. */
#include <glib.h>

#include "base/zone.h"
#include "poller/runner.h"
#include "poller/wait.h"

struct runner {
	struct plant_bus plant;
	struct runner_ends ends;
	pthread_t thread;
	bool joined; /* the keeper's */
	/* The thread's own. */
	struct bus *bus;
	struct schedule schedule;
	struct turn *turns;
	struct meter_comm {
		enum comm comm;
		struct utc since;
		bool gateway_silent; /* as last told */
	} * told;
	struct trust {
		bool doubted; /* its serial number is to be read before a reading is believed */
		bool asked;   /* in vain, since the last reading was tried */
		int tries;    /* readings held back */
	} * trust;
	struct set_clock {
		struct utc at; /* 0: never */
		int64_t by_s;
	} * clocks;
	struct zone *zone; /* of the site; NULL: unknown, then clocks are left alone */
	struct patience *patience;
	uint64_t breaks; /* of the connection, as last seen */
	int64_t time_at; /* mono_ms(): when the time is told by broadcast */
	int64_t twin_at; /* mono_ms(): a second gateway of the same id was refused */
	GQueue jobs;	 /* struct job * */
	size_t reading;	 /* the meter whose reading is under way */
	bool overtaking;
	int64_t window_start, window_busy;
	int64_t readings; /* handed on */
	/* Shared, under the gate. */
	struct gate gate;
	bool stop, ended;
	bool arrived; /* at the reception */
	GQueue inbox; /* struct order_out * */
	bool *wanted;
	enum identity *identity;
	struct runner_health health;
};

/* Meters are named by their index in plant.meters, which is plant.n when the bus has none such. Any
 * thread. */
size_t runner_meter_index(const struct runner *r, int64_t meter_id);

/* ---- reading ---- */

/* A reading, or the settings, of the meter of a task. */
enum outcome runner_read(struct runner *r, const struct task *task);
/* The bus waits for the meter as long as it usually takes. */
void runner_be_patient(struct runner *r, size_t i);
/* The gateway has dialled in, perhaps. */
void runner_look_at_reception(struct runner *r);

/* ---- whose reading it is ---- */

/* Before the thread begins, of a plant that nobody has read yet. */
void runner_identity_open(struct runner *r);
enum identity runner_identity_of(struct runner *r, size_t i); /* any thread */
/* Is it the meter that we think it is? A model that tells no serial number cannot be mistaken. One
 * of which nobody has said the number is known by the first that it told: another one is noticed,
 * but it never is certain enough for a cut. */
void runner_identify(struct runner *r, size_t i, const struct meter_reading *g);
/* Was it exchanged, perhaps? Its serial number is read before the next reading is believed. One
 * that has shown another serial number stays another meter until it shows the right one. */
void runner_doubt(struct runner *r, size_t i);
void runner_doubt_all(struct runner *r);
/* The gateway or its connection was away: what hangs there may be something else now. */
void runner_watch_breaks(struct runner *r);
/* May a reading be believed? Not before the serial number was looked at; a meter that answers and
 * cannot be brought to tell it is believed after a few tries, with its identity unread. */
bool runner_believes(struct runner *r, size_t i, const struct meter_reading *g);

/* ---- clocks ---- */

/* What a reading says of the meter's clock. */
void runner_fill_clock(
	const struct runner *r, size_t i, const struct meter_reading *g, struct report *p);
/* Leads the clock back by the rule. Not of a meter that may be another one. */
void runner_mind_clock(struct runner *r, size_t i, const struct meter_reading *g);
/* Meters of DL/T 645 are told the time together, once a day: there is nothing but a broadcast. */
void runner_tell_time(struct runner *r);

/* ---- news for the desk ---- */

void runner_report_reading(struct runner *r, size_t i, const struct meter_reading *g);
void runner_report_failure(struct runner *r, size_t i, const struct bus_error *why);
/* Meters whose communication has changed by time, or by their gateway. */
void runner_report_aged(struct runner *r);

/* ---- orders ---- */

/* Orders in the hands of the bus are jobs. */
void runner_new_job(struct runner *r, struct order_out *o);
/* mono_ms() of the next step of any job; INT64_MAX: there is none. */
int64_t runner_job_due(const struct runner *r);
/* That step. There is one. */
void runner_run_job(struct runner *r);
/* All go back: the bus is given up. */
void runner_end_jobs(struct runner *r);
