#include "rules/sending.h"

#include "base/str.h"

#define LOOKS_MAX 3
#define LOOK_AGAIN_MS 120000

const struct sending_patience sending_patient = {
	{ 5000, 30000, 120000, 600000, 1800000, 3600000, 3600000, 3600000 }, 8, 2
};
const struct sending_patience sending_brisk = { { 3000, 6000, 12000, 24000 }, 4, 1 };

static const char *const words[TRY__MAX] = { "sending", "done", "refused", "retry", "next_day",
	"unreachable", "unknown", "never_sent", "delivered", "undelivered" };

const char *try_outcome_word(enum try_outcome o)
{
	return words[o];
}

enum err try_outcome_parse(const char *word, enum try_outcome *out)
{
	for (unsigned i = 0; i < TRY__MAX; i++)
		if (str_eq(words[i], word)) {
			*out = (enum try_outcome)i;
			return ERR_OK;
		}
	return ERR_BAD_VALUE;
}

const char *sending_end_word(enum sending_end e)
{
	static const char *const ends[] = { "sent", "delivered", "undelivered", "failed",
		"unknown" };

	return ends[e];
}

static struct sending_step wait_until(struct utc at)
{
	return (struct sending_step){ .act = SENDING_WAIT, .at = at };
}

static struct sending_step end(enum sending_end e)
{
	return (struct sending_step){ .act = SENDING_END, .end = e };
}

static struct sending_step act_at(
	enum sending_act act, size_t way, struct utc ready, struct utc from, struct utc now)
{
	struct utc at = ready.ms > from.ms ? ready : from;

	if (at.ms > now.ms)
		return wait_until(at);
	return (struct sending_step){ .act = act, .way = way };
}

static size_t count(const struct sending *s, enum try_outcome o)
{
	size_t n = 0;

	for (size_t i = 0; i < s->tries_n; i++)
		n += s->tries[i].outcome == o;
	return n;
}

/* The way of an attempt that may have arrived for all that is known; SENDING_GONE: there is none.
 */
static bool may_have_arrived(const struct sending *s, size_t *way)
{
	for (size_t i = 0; i < s->tries_n; i++)
		if (s->tries[i].outcome == TRY_UNKNOWN) {
			*way = s->tries[i].way;
			return true;
		}
	return false;
}

/* Unknown: ask a few times; still unknown: once more, by the same way. */
static struct sending_step after_unknown(
	const struct sending *s, const struct sending_try *last, struct utc now)
{
	const struct sending_way *w = last->way < s->ways_n ? &s->ways[last->way] : NULL;
	struct utc ready = { last->looks ? last->looked_at.ms + LOOK_AGAIN_MS
					 : last->at.ms + s->look_after_ms };

	if (w && w->asks && last->looks < LOOKS_MAX)
		return act_at(SENDING_LOOK, last->way, ready, w->from, now);
	if (!w || !w->open || count(s, TRY_UNKNOWN) + count(s, TRY_NEVER_SENT) > 1)
		return end(END_UNKNOWN);
	return act_at(SENDING_SEND, last->way, ready, w->from, now);
}

/* Has this way said no for good? */
static bool is_refused(const struct sending *s, size_t way)
{
	size_t never = 0;

	for (size_t i = 0; i < s->tries_n; i++) {
		enum try_outcome o = s->tries[i].outcome;

		if (s->tries[i].way != way)
			continue;
		if (o == TRY_REFUSED || o == TRY_UNREACHABLE || o == TRY_UNDELIVERED)
			return true;
		never += o == TRY_NEVER_SENT;
	}
	return never > 1;
}

static bool has_further(const struct sending *s, size_t way)
{
	for (size_t i = way + 1; i < s->ways_n; i++)
		if (s->ways[i].open && !is_refused(s, i))
			return true;
	return false;
}

/* How often it has failed for now, and when it may be tried again; false: often enough. */
static bool may_retry(const struct sending *s, size_t way, struct utc *ready)
{
	size_t most = has_further(s, way) ? s->patience->n_before : s->patience->n, failed = 0;

	*ready = (struct utc){ 0 };
	for (size_t i = 0; i < s->tries_n; i++) {
		const struct sending_try *t = &s->tries[i];

		if (t->way != way || t->outcome != TRY_RETRY)
			continue;
		if (failed >= most)
			return false;
		ready->ms = t->at.ms + s->patience->pauses_ms[failed++];
	}
	return true;
}

static enum sending_end ending(const struct sending *s, bool unknown)
{
	if (unknown)
		return END_UNKNOWN;
	return count(s, TRY_UNDELIVERED) ? END_UNDELIVERED : END_FAILED;
}

/* The first way that is not spent. One that is left out for now is passed over, one that failed for
 * now is waited for. */
static struct sending_step next_way(const struct sending *s, struct utc now)
{
	struct utc ready, soonest = { 0 };
	size_t only = SENDING_GONE;
	bool bound = may_have_arrived(s, &only);

	for (size_t i = 0; i < s->ways_n; i++) {
		const struct sending_way *w = &s->ways[i];

		if (!w->open || (bound && i != only) || is_refused(s, i) ||
			!may_retry(s, i, &ready))
			continue;
		if (w->from.ms > now.ms) {
			if (soonest.ms == 0 || w->from.ms < soonest.ms)
				soonest = w->from;
			continue;
		}
		return act_at(SENDING_SEND, i, ready, w->from, now);
	}
	return soonest.ms ? wait_until(soonest) : end(ending(s, bound));
}

struct sending_step sending_next(const struct sending *s, struct utc now)
{
	const struct sending_try *last = s->tries_n ? &s->tries[s->tries_n - 1] : NULL;

	if (!last)
		return next_way(s, now);
	switch (last->outcome) {
	case TRY_SENDING:
		return wait_until((struct utc){ now.ms + s->look_after_ms });
	case TRY_DONE:
		return end(END_SENT);
	case TRY_DELIVERED:
		return end(END_DELIVERED);
	case TRY_UNKNOWN:
		return after_unknown(s, last, now);
	case TRY_UNDELIVERED:
		if (!s->insists || count(s, TRY_UNDELIVERED) > 1)
			return end(END_UNDELIVERED);
		return next_way(s, now);
	case TRY_REFUSED:
	case TRY_RETRY:
	case TRY_NEXT_DAY:
	case TRY_UNREACHABLE:
	case TRY_NEVER_SENT:
	case TRY__MAX:
		break;
	}
	return next_way(s, now);
}
