#pragma once
/* How a setting gets into a meter: what is desired is compared with what was read, written, and
 * read back. Pure. A write may be repeated, since it says what is to be, so that an answer that was
 * lost is settled by reading; but it is tried a few times only. */
#include "base/clock.h"

enum setting_state {
	SETTING_NONE,	  /* nothing is desired: it is only read */
	SETTING_DESIRED,  /* to be written */
	SETTING_SENT,	  /* committed before the frame left: it may have acted */
	SETTING_UNKNOWN,  /* no answer, a refusal, or its poller died: to be read */
	SETTING_DONE,	  /* read back equal */
	SETTING_REFUSED,  /* the meter does not take it */
	SETTING_MISMATCH, /* the meter takes it, and shows something else */
	SETTING_STATE__MAX
};
const char *setting_state_word(enum setting_state s); /* "desired" */
MUST_USE enum err setting_state_parse(const char *word, enum setting_state *out);

struct setting_facts {
	enum setting_state state;
	bool wanted; /* something is desired */
	bool equal;  /* what was read last is what is desired */
	struct utc desired_at;
	struct utc observed_at; /* 0: never */
	struct utc sent_at;	/* of the last frame */
	bool refused;		/* the meter refused the last frame */
	int64_t tries;		/* frames so far for what is desired now */
	struct utc try_at;	/* not before */
	bool busy;		/* a purchase of this meter is on its way */
	struct utc clock;
};
#define SETTING_TRIES_MAX 4
#define SETTING_PAUSE_MS 2000	 /* after the first failure, four times as long each time */
#define SETTING_REST_MS 21600000 /* after the last: once more, in case somebody has mended it */

enum setting_act {
	SETTING_ACT_NOTHING,
	SETTING_ACT_READ,  /* read it first */
	SETTING_ACT_WRITE, /* commit as sent, then write */
	SETTING_ACT_STATE, /* its state is another now, `state`; not before try_at */
};
struct setting_step {
	enum setting_act act;
	enum setting_state state;
	bool anew; /* tries begin at nothing */
	struct utc try_at;
};
struct setting_step setting_next(const struct setting_facts *f);
