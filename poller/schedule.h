#pragma once
/* What to do next on one bus: pure, told the time (mono_ms()) and what happened.
 *
 * First what supply acts want, then readings that somebody asked for, then meters whose turn has
 * come, then at most one meter that does not answer. Turns are spread over the period, so that a
 * bus hums evenly. A meter that failed once is tried again soon; after that it waits longer each
 * time, and all such meters together get a twentieth of the bus, also when somebody asks for them.
 * When several different meters in a row fail, the one that answered last is asked: if it fails as
 * well, or the gateway refuses, the bus is down, and one meter at a time is tried until one
 * answers. */
#include "base/base.h"

#define SCHEDULE_PERIOD_MS 50000
#define SCHEDULE_RETRY_MS 3000		/* after the first failure */
#define SCHEDULE_BACKOFF_MS 10000	/* after the second, doubled each time ... */
#define SCHEDULE_BACKOFF_MAX_MS 60000	/* ... up to this */
#define SCHEDULE_ALONE 75		/* one silent meter waits so many times what a try costs */
#define SCHEDULE_SHARE 20		/* meters that do not answer get 1/20 of the bus */
#define SCHEDULE_SILENT_TRIES 3		/* a meter is silent after so many failures in a row ... */
#define SCHEDULE_SILENT_MS 90000	/* ... and so long without an answer */
#define SCHEDULE_DOWN_METERS 5		/* different meters that fail in a row: the bus is down */
#define SCHEDULE_PROBE_MS 1000		/* first pause between tries while down, doubled ... */
#define SCHEDULE_PROBE_MAX_MS 10000	/* ... up to this */
#define SCHEDULE_GATEWAY_MS 30000	/* down for so long: the gateway is silent */
#define SCHEDULE_EXCHANGE_MS 300000	/* nobody exchanges a meter faster */
#define SCHEDULE_CONFIG_MS 86400000	/* serial number and settings are read so often ... */
#define SCHEDULE_CONFIG_RETRY_MS 600000 /* ... or later again when the meter refuses */

enum comm { COMM_NEVER, COMM_OK, COMM_SILENT };
const char *comm_word(enum comm c); /* "never" "ok" "silent" */

enum task_kind {
	TASK_WAIT,   /* until `until`, or until something happens */
	TASK_ACT,    /* the supply act that is due */
	TASK_CONFIG, /* serial number and settings of a meter */
	TASK_LIVE    /* a reading of a meter */
};

struct task {
	enum task_kind kind;
	size_t meter;
	int64_t until;
};

enum outcome {
	OUTCOME_ANSWERED,
	OUTCOME_REFUSED,    /* the meter answered an exception, or nonsense */
	OUTCOME_NO_ANSWER,  /* of the meter or the gateway: nobody knows */
	OUTCOME_NO_GATEWAY, /* no connection */
};

struct turn {
	int64_t due;	    /* next reading */
	int64_t config_due; /* next reading of the settings */
	int64_t phase;	    /* its place in the period */
	int64_t last_good;  /* last answer; INT64_MIN: never, in this process or before */
	int32_t fails;	    /* in a row */
	enum comm comm;
	bool wanted; /* somebody asked for a reading */
	bool seen;   /* in this round */
};

struct schedule {
	struct turn *turns; /* the caller's, one a meter */
	size_t n;
	int64_t period;
	int64_t config_period; /* SCHEDULE_CONFIG_MS unless changed after schedule_open() */
	uint32_t seed;	       /* of the jitter */
	int64_t idle_until;    /* meters that do not answer: not before */
	bool down;
	int64_t probe_at, probe_pause;
	size_t probe_next;
	bool probe_lively;
	bool suspect;			   /* next: the meter that answered last */
	size_t failed_last, failed_streak; /* different meters in a row */
	enum comm comm;			   /* of the gateway */
	int64_t last_answer;		   /* of anything on this bus */
	int64_t round_start, round_ms;
	size_t round_left;
};

/* turns hold last_good and comm as they are remembered; everything else is set here. */
void schedule_open(struct schedule *s, struct turn *turns, size_t n, int64_t period, uint32_t seed,
	enum comm comm, int64_t now);
/* SCHEDULE_SILENT_MS, or less where meters are read more often: nine fifths of the period. */
int64_t schedule_silent_ms(const struct schedule *s);
/* After so long without an answer a meter may be another one: when it is silent, or on a bus that
 * takes longer for a round, after nine fifths of the last one, up to SCHEDULE_EXCHANGE_MS. */
int64_t schedule_away_ms(const struct schedule *s);
/* Right after schedule_open(), when the same bus has been configured anew: what is known of the bus
 * as a whole. */
void schedule_inherit(struct schedule *s, const struct schedule *former);
/* act_due: when the next step of a supply act is due, INT64_MAX if there is none. */
struct task schedule_next(struct schedule *s, int64_t act_due, int64_t now);
/* What came of a LIVE or CONFIG task that began at `began`. */
void schedule_done(
	struct schedule *s, const struct task *t, enum outcome o, int64_t began, int64_t now);
/* Somebody wants a reading of this meter now. */
void schedule_want(struct schedule *s, size_t meter);
/* Before its next reading the settings of this meter are to be read. */
void schedule_look(struct schedule *s, size_t meter, int64_t now);
/* There may be a connection again: tries now what is down. */
void schedule_knock(struct schedule *s, int64_t now);
/* The connection was dead and there is another: what failed on it was no meter's fault. */
void schedule_anew(struct schedule *s, int64_t now);
/* The meter that answered last, of those that do; n when none does. */
size_t schedule_liveliest(const struct schedule *s);
/* Time alone makes meters and gateways silent: brings comm of all up to date. */
void schedule_age(struct schedule *s, int64_t now);
