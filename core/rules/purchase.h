#pragma once
/* Credit that is kept in a meter: how a purchase gets there exactly once, what money it stands for,
 * and what use of it is worth. Pure. Quantities of credit are thousandths of the meter's own unit
 * (yuan, kWh or m3): milli. */
#include "base/clock.h"
#include "base/money.h"

enum purchase_state {
	PURCHASE_DESIRED,  /* to be written; nothing is on its way */
	PURCHASE_SENT,	   /* committed before the frame left: it may have acted */
	PURCHASE_UNKNOWN,  /* no answer, or its poller died: it may have acted */
	PURCHASE_DONE,	   /* read back: the meter has it */
	PURCHASE_FAILED,   /* read back: the meter certainly has not, and will not be asked again */
	PURCHASE_MISMATCH, /* the meter shows what nobody wrote: a person decides */
	PURCHASE__MAX
};
const char *purchase_word(enum purchase_state s); /* "desired" */
MUST_USE enum err purchase_parse(const char *word, enum purchase_state *out);

/* What a meter told about its credit. */
struct credit_seen {
	struct utc at; /* 0: was not read */
	int64_t count; /* purchases so far */
	int64_t remaining_milli;
	int64_t total_milli; /* ever purchased; -1: this meter does not tell */
};

struct purchase_facts {
	enum purchase_state state;
	int64_t count;	      /* that the meter shows once it has this purchase */
	int64_t amount_milli; /* >= 0 */
	bool fresh; /* what the meter holds does not count: afterwards it holds the amount */
	bool adds;  /* firmware: adds what is written; else it is the new remaining */
	int64_t step_milli;	   /* resolution of the register, >= 1 */
	int64_t most_per_hour;	   /* milli that can be used in an hour at the very most */
	struct credit_seen before; /* as read before the last frame was decided */
	struct utc sent_at;	   /* when that was committed; 0: never */
	struct credit_seen now;	   /* the newest reading */
	bool refused;		   /* the meter answered the last frame with a certain refusal */
	int64_t refusals;	   /* before this one, in a row */
	struct utc clock;
};
#define PURCHASE_FRESH_MS 5000	/* a reading older than this decides no frame */
#define PURCHASE_REFUSALS_MAX 3 /* then the money goes back */

enum purchase_act {
	PURCHASE_ACT_READ,     /* read the meter first */
	PURCHASE_ACT_WRITE,    /* commit as sent, with `now` as `before`; then write this */
	PURCHASE_ACT_AGAIN,    /* certainly not acted: desired again */
	PURCHASE_ACT_DONE,     /* the meter has it */
	PURCHASE_ACT_FAILED,   /* it certainly has not: give the money back */
	PURCHASE_ACT_MISMATCH, /* block the meter's sales, tell people */
	PURCHASE_ACT_NOTHING,  /* it is over */
};
struct purchase_step {
	enum purchase_act act;
	const char *word; /* why: "count" "remaining" "total" "half" "refused" "negative"; or "" */
	int64_t write_count; /* for WRITE: what goes into the registers */
	int64_t write_milli;
};

/* A frame that may have acted is never sent again before the count was read after it. Done is only
 * count, remaining (but for what can have been used since) and total as expected. */
struct purchase_step purchase_next(const struct purchase_facts *f);

enum credit_kind { CREDIT_IN_YUAN, CREDIT_IN_UNITS }; /* kWh or m3 */

/* The credit that money buys: as much as is whole in steps of the register, and exactly what that
 * is worth; the rest stays with the payer. price counts for units only. ERR_OUT_OF_RANGE when it is
 * less than one step, or there is no price. */
MUST_USE enum err purchase_convert(enum credit_kind k, struct money paid, struct price price,
	int64_t step_milli, int64_t *milli, struct money *worth);

/* What the books hold for a meter. */
struct credit_book {
	enum credit_kind kind;
	int64_t remaining_milli;
	struct money worth;
	struct price price; /* of the last purchase; for units */
};
/* The worth of used_milli (negative: it came back): yuan are themselves; units are worth their
 * share of what was paid for all that remain, the last one takes the rest, and what is overdrawn
 * costs the last price. ERR_OVERFLOW. */
MUST_USE enum err credit_use(const struct credit_book *b, int64_t used_milli, struct money *out);

/* Is the worth of a day's use, as the meter took it, too far from what the tariff says? The greater
 * of a share of the charge and least. */
bool credit_drifts(struct money used, struct money charge, int64_t permille, struct money least);
