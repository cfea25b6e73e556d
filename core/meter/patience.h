#pragma once
/* How long to wait for a meter, learned from how long it took so far. Pure.
 *
 * All times are what the meter itself takes: without the time that the bytes need on the line. A
 * meter that has answered a few times gets half as much again as it hardly ever takes. When it is
 * silent the next tries wait longer, up to what its model says; after that, most tries are short
 * and every fourth waits in full, so that a dead meter costs little and a slow one is found. */
#include "base/base.h"

#define PATIENCE_FLOOR_MS 120
#define PATIENCE_LEARN 4 /* answers before what was learned is used */

struct patience {
	int32_t mean;	  /* eighths of a ms */
	int32_t spread;	  /* quarters of a ms: mean distance from the mean */
	int32_t slack;	  /* ms: for a meter that was given up on too early before; decays */
	int32_t answers;  /* up to PATIENCE_LEARN */
	int32_t silences; /* in a row */
};

/* delay_ms below 0: it answered, but nobody can say how fast. */
void patience_answered(struct patience *p, int delay_ms);
void patience_silent(struct patience *p);
/* Between PATIENCE_FLOOR_MS and the ceiling; the ceiling when that is lower. */
int patience_ms(const struct patience *p, int ceiling_ms);

/* Answer times of a bus, as a histogram of 96 steps of at most an eighth; what is old fades. */
#define ANSWER_STEPS 96
struct answer_times {
	uint32_t count[ANSWER_STEPS];
	uint32_t total;
};
void answer_times_add(struct answer_times *t, int64_t ms);
/* The least time that this per cent of the answers do not exceed; 0 without answers. */
int64_t answer_times_percentile(const struct answer_times *t, unsigned percent);
