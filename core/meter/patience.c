#include "meter/patience.h"

#include <stdlib.h>

#define SLACK_STEP_MS 60
#define SLACK_MAX_MS 600
#define SLACK_FADES 64 /* answers */
#define SPREADS 4
#define TRIES_GROWING 3 /* silences until the ceiling is reached */
#define FULL_EVERY 4

void patience_answered(struct patience *p, int delay_ms)
{
	int32_t error = delay_ms * 8 - p->mean;

	/* Right after a silence: it was not dead, perhaps only given up on. */
	if (p->silences == 1 && p->answers == PATIENCE_LEARN)
		p->slack += p->slack < SLACK_MAX_MS ? SLACK_STEP_MS : 0;
	else
		p->slack -= (p->slack + SLACK_FADES - 1) / SLACK_FADES;
	p->silences = 0;
	if (delay_ms < 0)
		return;
	if (p->answers == 0) {
		p->mean = delay_ms * 8;
		p->spread = delay_ms * 2;
	} else {
		p->mean += error / 8;
		p->spread += (abs(error) / 2 - p->spread) / 4;
	}
	p->answers += p->answers < PATIENCE_LEARN;
}

void patience_silent(struct patience *p)
{
	p->silences += p->silences < INT32_MAX;
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

/* What is enough when all is well. */
static int expected_ms(const struct patience *p, int ceiling_ms)
{
	int ms = (p->mean / 8 + p->spread * SPREADS / 4) * 3 / 2 + p->slack;

	if (p->answers < PATIENCE_LEARN) /* not known: a quarter, for meters that seem dead */
		ms = p->silences > TRIES_GROWING ? ceiling_ms / 4 : ceiling_ms;
	return least(ms > PATIENCE_FLOOR_MS ? ms : PATIENCE_FLOOR_MS, ceiling_ms);
}

int patience_ms(const struct patience *p, int ceiling_ms)
{
	int ms = expected_ms(p, ceiling_ms);

	if (p->silences == 0)
		return ms;
	if (p->silences >= TRIES_GROWING && p->silences % FULL_EVERY == TRIES_GROWING)
		return ceiling_ms;
	return least(p->silences < TRIES_GROWING ? ms << p->silences : ms * 2, ceiling_ms);
}

/* One step a millisecond up to 16, then eight steps each time the time doubles. */
static size_t step_of(int64_t ms)
{
	unsigned power = 4;

	if (ms < 16)
		return ms > 0 ? (size_t)ms : 0;
	while (power < 13 && ms >> (power + 1))
		power++;
	if (ms >> (power + 1))
		return ANSWER_STEPS - 1;
	return 16 + (size_t)(power - 4) * 8 + (size_t)((ms >> (power - 3)) & 7);
}

/* The greatest time of a step. */
static int64_t step_ms(size_t step)
{
	unsigned power = 4 + (unsigned)(step - 16) / 8;

	if (step < 16)
		return (int64_t)step;
	return ((INT64_C(8) + (int64_t)((step - 16) % 8) + 1) << (power - 3)) - 1;
}

#define FADE_AT 4096

void answer_times_add(struct answer_times *t, int64_t ms)
{
	t->count[step_of(ms)]++;
	if (++t->total < FADE_AT)
		return;
	t->total = 0;
	for (size_t i = 0; i < ANSWER_STEPS; i++)
		t->total += t->count[i] /= 2;
}

int64_t answer_times_percentile(const struct answer_times *t, unsigned percent)
{
	uint64_t want = ((uint64_t)t->total * percent + 99) / 100, seen = 0;

	for (size_t i = 0; i < ANSWER_STEPS && t->total > 0; i++) {
		seen += t->count[i];
		if (seen >= want)
			return step_ms(i);
	}
	return 0;
}
