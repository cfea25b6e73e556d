#include "rules/overload.h"

#include <string.h>

static const char *const words[OVERLOAD__MAX] = {
	[OVERLOAD_CALM] = "calm",
	[OVERLOAD_OVER] = "over",
	[OVERLOAD_TRIPPED] = "tripped",
	[OVERLOAD_LOCKED] = "locked",
};

const char *overload_word(enum overload_phase p)
{
	return words[p];
}

enum err overload_parse(const char *word, enum overload_phase *out)
{
	for (enum overload_phase p = OVERLOAD_CALM; p < OVERLOAD__MAX; p++)
		if (strcmp(words[p], word) == 0) {
			*out = p;
			return ERR_OK;
		}
	return ERR_BAD_VALUE;
}

static bool above(const struct overload_limits *l, const struct overload_reading *r)
{
	return r->good && l->limit_w > 0 && r->power_w > l->limit_w;
}

static enum overload_act calm(struct overload_state *s)
{
	s->phase = OVERLOAD_CALM;
	s->since.ms = s->seen_at.ms = 0;
	return OVERLOAD_RETURN;
}

/* The reading that ended a cut is no cause for the next one, should it come again. */
static enum overload_act returned(const struct overload_reading *r, struct overload_state *s)
{
	enum overload_act act = calm(s);

	s->seen_at = r->at;
	return act;
}

/* A person has lifted the block: what was before does not count. */
static void forgive(struct overload_state *s)
{
	*s = (struct overload_state){ .phase = OVERLOAD_CALM };
}

static enum overload_act cut(
	const struct overload_limits *l, const struct overload_reading *r, struct overload_state *s)
{
	bool in_row = s->trips > 0 && r->at.ms - s->trip_at.ms <= OVERLOAD_ROW_MS;

	s->trips = in_row ? s->trips + 1 : 1;
	s->trip_at = s->since = r->at;
	s->seen_at.ms = 0;
	s->phase = l->retry_s <= 0 || s->trips > l->retries ? OVERLOAD_LOCKED : OVERLOAD_TRIPPED;
	return OVERLOAD_CUT;
}

static enum overload_act on_live(
	const struct overload_limits *l, const struct overload_reading *r, struct overload_state *s)
{
	if (!r->good)
		return OVERLOAD_KEEP;
	if (!above(l, r)) {
		calm(s);
		return OVERLOAD_KEEP;
	}
	if (s->phase == OVERLOAD_CALM || r->at.ms - s->seen_at.ms > OVERLOAD_GAP_MS) {
		s->phase = OVERLOAD_OVER;
		s->since = r->at;
	}
	s->seen_at = r->at;
	return r->at.ms - s->since.ms >= l->delay_s * 1000 ? cut(l, r, s) : OVERLOAD_KEEP;
}

static enum overload_act on_tripped(
	const struct overload_limits *l, const struct overload_reading *r, struct overload_state *s)
{
	if (l->limit_w <= 0)
		return calm(s);
	if (r->off)
		return r->at.ms >= overload_returns_at(l, s).ms ? returned(r, s) : OVERLOAD_KEEP;
	if (!r->good || above(l, r))
		return OVERLOAD_KEEP;
	s->trips--; /* it was never cut */
	return returned(r, s);
}

enum overload_act overload_step(
	const struct overload_limits *l, const struct overload_reading *r, struct overload_state *s)
{
	if (r->at.ms <= s->since.ms || r->at.ms <= s->seen_at.ms)
		return OVERLOAD_KEEP;
	if (s->phase == OVERLOAD_TRIPPED || s->phase == OVERLOAD_LOCKED) {
		if (r->blocked)
			return s->phase == OVERLOAD_TRIPPED ? on_tripped(l, r, s) : OVERLOAD_KEEP;
		forgive(s);
	}
	return on_live(l, r, s);
}

struct utc overload_returns_at(const struct overload_limits *l, const struct overload_state *s)
{
	return (struct utc){ s->since.ms + l->retry_s * 1000 };
}
