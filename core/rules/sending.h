#pragma once
/* How a message finds its person: by which way next, and when; when its way must be asked first;
 * when to stop. Pure.
 *
 * The promises: nobody is reached twice because an outcome was not known, except by one repeat on
 * the same way; no other way is taken while it may have arrived; nothing is tried for ever. */
#include "base/clock.h"

enum try_outcome {
	TRY_SENDING,	 /* the service is being called */
	TRY_DONE,	 /* it has accepted the message */
	TRY_REFUSED,	 /* not sent, and never will be by this way */
	TRY_RETRY,	 /* not sent, later perhaps */
	TRY_NEXT_DAY,	 /* not sent: the quota of the day is used up */
	TRY_UNREACHABLE, /* not sent: this way never reaches this person */
	TRY_UNKNOWN,	 /* sent or not */
	TRY_NEVER_SENT,	 /* was unknown; the service says that it never had it */
	TRY_DELIVERED,
	TRY_UNDELIVERED, /* accepted, but it did not arrive */
	TRY__MAX
};
const char *try_outcome_word(enum try_outcome o);
MUST_USE enum err try_outcome_parse(const char *word, enum try_outcome *out);

/* An attempt; way is the place in the list of ways, or SENDING_GONE. In the order of time. */
#define SENDING_GONE ((size_t)-1)
struct sending_try {
	size_t way;
	struct utc at;
	enum try_outcome outcome;
	int64_t looks; /* how often the service was asked after an unknown outcome, and when last */
	struct utc looked_at;
};

struct sending_way {
	bool open; /* on, has the template, has an address of this person, and the person wants it
		    */
	bool asks; /* can be asked what became of a message */
	struct utc from; /* left out before: no answer lately, or no quota */
};

#define SENDING_PAUSES_MAX 8
struct sending_patience {
	int64_t pauses_ms[SENDING_PAUSES_MAX]; /* before the 2nd, 3rd … attempt by one way */
	size_t n;			       /* of them, where it is the last way */
	size_t n_before;		       /* where there is a further one */
};
/* For most, and for what is worth minutes only. */
extern const struct sending_patience sending_patient, sending_brisk;

struct sending {
	const struct sending_way *ways; /* best first */
	size_t ways_n;
	const struct sending_try *tries;
	size_t tries_n;
	const struct sending_patience *patience;
	int64_t look_after_ms; /* before the first look after an unknown outcome */
	bool insists;	       /* what did not arrive goes on by the next way, once */
};

enum sending_act { SENDING_SEND, SENDING_LOOK, SENDING_WAIT, SENDING_END };
enum sending_end { END_SENT, END_DELIVERED, END_UNDELIVERED, END_FAILED, END_UNKNOWN };
const char *sending_end_word(enum sending_end e); /* "sent" … */

struct sending_step {
	enum sending_act act;
	size_t way;	      /* of SEND and LOOK */
	struct utc at;	      /* of WAIT */
	enum sending_end end; /* of END */
};
struct sending_step sending_next(const struct sending *s, struct utc now);
