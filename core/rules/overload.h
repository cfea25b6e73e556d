#pragma once
/* Load above the limit of a meter: a delay, a cut, automatic returns, and a lock after too many
 * cuts. Fed with every reading of the meter. Money has no part in it. Pure. */
#include "base/clock.h"

enum overload_phase {
	OVERLOAD_CALM,
	OVERLOAD_OVER,	  /* above the limit, the delay runs */
	OVERLOAD_TRIPPED, /* to be off; returns by itself */
	OVERLOAD_LOCKED,  /* to be off until a person decides */
	OVERLOAD__MAX
};
const char *overload_word(enum overload_phase p); /* "calm" "over" "tripped" "locked" */
MUST_USE enum err overload_parse(const char *word, enum overload_phase *out);

struct overload_limits {
	int64_t limit_w; /* 0: none */
	int64_t delay_s; /* over the limit for as long before it is cut; 0: at once */
	int64_t retry_s; /* off for as long before it returns by itself; 0: never, the first cut
			    locks */
	int64_t retries; /* returns in a row; the cut after the last one locks */
};

struct overload_state {
	enum overload_phase phase;
	struct utc since;   /* over: first reading above; tripped, locked: of the cut */
	struct utc seen_at; /* over: last reading above; calm: the reading that ended a cut, or 0 */
	int64_t trips;	    /* in a row, each within OVERLOAD_ROW_MS of the one before */
	struct utc trip_at; /* the last of them */
};

struct overload_reading {
	struct utc at;
	int64_t power_w;
	bool good;    /* accepted or repeated: others never cut */
	bool off;     /* the relay is open */
	bool blocked; /* the block overload is set: a person may have lifted it */
};

enum overload_act {
	OVERLOAD_KEEP,	 /* nothing to do */
	OVERLOAD_CUT,	 /* set the block */
	OVERLOAD_RETURN, /* lift the block */
};

/* Readings above the limit that are further apart than this do not add up: nobody knows what was
 * between them. */
#define OVERLOAD_GAP_MS (3 * 60 * 1000)
/* A cut later than this after the former one starts a new row. */
#define OVERLOAD_ROW_MS (60 * 60 * 1000)

/* Moves *s on. Readings come in ascending time; an older one changes nothing. A load that falls
 * below the limit before the relay has opened takes the cut back. A limit that is taken away ends
 * a cut, but no lock. */
enum overload_act overload_step(const struct overload_limits *l, const struct overload_reading *r,
	struct overload_state *s);

/* When a tripped supply returns by itself. */
struct utc overload_returns_at(const struct overload_limits *l, const struct overload_state *s);
