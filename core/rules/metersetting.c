#include "rules/metersetting.h"

#include <string.h>

static const char *const words[SETTING_STATE__MAX] = {
	[SETTING_NONE] = "none",
	[SETTING_DESIRED] = "desired",
	[SETTING_SENT] = "sent",
	[SETTING_UNKNOWN] = "unknown",
	[SETTING_DONE] = "done",
	[SETTING_REFUSED] = "refused",
	[SETTING_MISMATCH] = "mismatch",
};

const char *setting_state_word(enum setting_state s)
{
	return words[s];
}

enum err setting_state_parse(const char *word, enum setting_state *out)
{
	for (size_t i = 0; i < SETTING_STATE__MAX; i++)
		if (strcmp(words[i], word) == 0) {
			*out = (enum setting_state)i;
			return ERR_OK;
		}
	return ERR_BAD_VALUE;
}

static struct setting_step act(enum setting_act a)
{
	return (struct setting_step){ .act = a };
}

static struct setting_step becomes(enum setting_state s, int64_t try_at)
{
	return (struct setting_step){ .act = SETTING_ACT_STATE, .state = s, .try_at = { try_at } };
}

/* Read after the frame, and not what was written. */
static struct setting_step failed(const struct setting_facts *f)
{
	int64_t pause = SETTING_PAUSE_MS;

	if (f->tries >= SETTING_TRIES_MAX)
		return becomes(f->refused ? SETTING_REFUSED : SETTING_MISMATCH,
			f->clock.ms + SETTING_REST_MS);
	for (int64_t i = 1; i < f->tries; i++)
		pause *= 4;
	return becomes(SETTING_DESIRED, f->clock.ms + pause);
}

static struct setting_step again(void)
{
	struct setting_step s = becomes(SETTING_DESIRED, 0);

	s.anew = true;
	return s;
}

static struct setting_step write_step(const struct setting_facts *f)
{
	if (f->observed_at.ms == 0 || f->observed_at.ms < f->desired_at.ms)
		return act(SETTING_ACT_READ);
	if (f->equal)
		return becomes(SETTING_DONE, 0);
	if (f->busy || f->clock.ms < f->try_at.ms)
		return act(SETTING_ACT_NOTHING);
	return act(SETTING_ACT_WRITE);
}

struct setting_step setting_next(const struct setting_facts *f)
{
	if (!f->wanted)
		return f->state == SETTING_NONE ? act(SETTING_ACT_NOTHING)
						: becomes(SETTING_NONE, 0);
	switch (f->state) {
	case SETTING_DESIRED:
		return write_step(f);
	case SETTING_SENT:
	case SETTING_UNKNOWN:
		if (f->observed_at.ms <= f->sent_at.ms)
			return act(SETTING_ACT_READ);
		return f->equal ? becomes(SETTING_DONE, 0) : failed(f);
	case SETTING_DONE: /* somebody has changed it at the meter? */
		return f->equal ? act(SETTING_ACT_NOTHING) : again();
	case SETTING_REFUSED:
	case SETTING_MISMATCH:
		if (f->equal)
			return becomes(SETTING_DONE, 0);
		return f->clock.ms >= f->try_at.ms ? again() : act(SETTING_ACT_NOTHING);
	default:
		return again();
	}
}
