#include "rules/loss.h"

struct sum {
	__int128 above, below;
	size_t with_use, over; /* days: that have any, and that lose more than the limit */
};

static int64_t permille(__int128 above, __int128 below)
{
	__int128 lost = above - below;

	if (above <= 0 || lost <= 0)
		return 0;
	return lost >= above ? 1000 : (int64_t)(lost * 1000 / above);
}

/* Days from first to last. */
static struct sum sum_of(
	const struct loss_facts *f, struct day first, struct day last, int64_t most_permille)
{
	struct sum s = { 0 };

	for (size_t i = 0; i < f->n; i++) {
		const struct loss_day *d = &f->days[i];

		if (d->day.days < first.days || d->day.days > last.days)
			continue;
		s.above += d->above.milli;
		s.below += d->below.milli;
		s.with_use += d->above.milli > 0;
		s.over += permille(d->above.milli, d->below.milli) > most_permille;
	}
	return s;
}

struct loss_found loss_judge(const struct loss_facts *f, const struct loss_limits *limits)
{
	struct loss_found found = { .verdict = LOSS_AS_BEFORE };
	struct day recent = { f->last.days - LOSS_RECENT + 1 };
	struct sum now = sum_of(f, recent, f->last, limits->most_permille);
	struct sum past = sum_of(f, (struct day){ recent.days - LOSS_PAST },
		(struct day){ recent.days - 1 }, limits->most_permille);
	int64_t lost;

	found.recent_permille = lost = permille(now.above, now.below);
	found.past_permille = f->stands ? f->past_permille : permille(past.above, past.below);
	if (limits->most_permille == 0) {
		found.verdict = f->stands ? LOSS_BACK : LOSS_AS_BEFORE;
		return found;
	}
	if (now.with_use < LOSS_RECENT_LEAST)
		return found;
	if (f->stands) {
		if (lost * 10 <= limits->most_permille * 9 ||
			(lost - found.past_permille) * 2 < limits->growth_permille)
			found.verdict = LOSS_BACK;
		else
			found.verdict = LOSS_GROWN;
		return found;
	}
	if (past.with_use >= LOSS_PAST_LEAST && lost > limits->most_permille &&
		lost - found.past_permille >= limits->growth_permille &&
		now.above - now.below >= LOSS_LEAST_MILLI && now.over * 2 > now.with_use)
		found.verdict = LOSS_GROWN;
	return found;
}
