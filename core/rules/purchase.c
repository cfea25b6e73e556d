#include "rules/purchase.h"

#include <string.h>

#define HOUR_MS INT64_C(3600000)
#define NANO_PER_MILLI_YUAN INT64_C(1000000)

static const char *const state_words[PURCHASE__MAX] = {
	[PURCHASE_DESIRED] = "desired",
	[PURCHASE_SENT] = "sent",
	[PURCHASE_UNKNOWN] = "unknown",
	[PURCHASE_DONE] = "done",
	[PURCHASE_FAILED] = "failed",
	[PURCHASE_MISMATCH] = "mismatch",
};

const char *purchase_word(enum purchase_state s)
{
	return state_words[s];
}

enum err purchase_parse(const char *word, enum purchase_state *out)
{
	for (size_t i = 0; i < PURCHASE__MAX; i++)
		if (strcmp(state_words[i], word) == 0) {
			*out = (enum purchase_state)i;
			return ERR_OK;
		}
	return ERR_BAD_VALUE;
}

static struct purchase_step step(enum purchase_act act, const char *word)
{
	return (struct purchase_step){ .act = act, .word = word };
}

/* What can have been used since the reading before, rounded up, and one step for the register. */
static int64_t used_most(const struct purchase_facts *f)
{
	int64_t ms = f->now.at.ms > f->before.at.ms ? f->now.at.ms - f->before.at.ms : 0;
	__int128 most = ((__int128)f->most_per_hour * ms + HOUR_MS - 1) / HOUR_MS + f->step_milli;

	return most > INT64_MAX / 4 ? INT64_MAX / 4 : (int64_t)most;
}

/* Is the reading what this was before, but for use and for the step of the register? */
static bool follows(const struct purchase_facts *f, int64_t remaining)
{
	return f->now.remaining_milli <= remaining + f->step_milli &&
	       f->now.remaining_milli >= remaining - used_most(f);
}

/* A meter that is set to a new remaining gives back what was used since it was read. */
static bool total_grew(const struct purchase_facts *f, int64_t by, int64_t more)
{
	int64_t grown = f->now.total_milli - f->before.total_milli;

	if (f->before.total_milli < 0 || f->now.total_milli < 0)
		return true; /* this meter does not tell */
	return grown >= by && grown <= by + more;
}

/* The meter counts the purchase: is it the one that was written? */
static struct purchase_step counted(const struct purchase_facts *f)
{
	int64_t base = f->fresh ? 0 : f->before.remaining_milli;

	if (!follows(f, base + f->amount_milli))
		return step(PURCHASE_ACT_MISMATCH, "remaining");
	if (!f->fresh && !total_grew(f, f->amount_milli, f->adds ? 0 : used_most(f)))
		return step(PURCHASE_ACT_MISMATCH, "total");
	return step(PURCHASE_ACT_DONE, "");
}

/* The meter does not count it: nothing of it may be there either. */
static struct purchase_step not_counted(const struct purchase_facts *f)
{
	if (!follows(f, f->before.remaining_milli) || !total_grew(f, 0, 0))
		return step(PURCHASE_ACT_MISMATCH, "half");
	if (f->refused && f->refusals + 1 >= PURCHASE_REFUSALS_MAX)
		return step(PURCHASE_ACT_FAILED, "refused");
	return step(PURCHASE_ACT_AGAIN, "");
}

static struct purchase_step settle(const struct purchase_facts *f)
{
	if (f->now.at.ms <= f->sent_at.ms)
		return step(PURCHASE_ACT_READ, "");
	if (f->now.count == f->count)
		return counted(f);
	if (f->now.count == f->count - 1)
		return not_counted(f);
	return step(PURCHASE_ACT_MISMATCH, "count");
}

static struct purchase_step write_step(const struct purchase_facts *f)
{
	struct purchase_step s = { PURCHASE_ACT_WRITE, "", f->count, f->amount_milli };
	int64_t held = f->now.remaining_milli;
	int64_t age = f->clock.ms - f->now.at.ms;

	if (f->now.at.ms == 0 || age > PURCHASE_FRESH_MS || age < -PURCHASE_FRESH_MS)
		return step(PURCHASE_ACT_READ, "");
	if (f->now.count != f->count - 1)
		return step(PURCHASE_ACT_MISMATCH, "count");
	if (f->adds && f->fresh)
		s.write_milli = f->amount_milli - held;
	if (!f->adds && !f->fresh)
		s.write_milli = f->amount_milli + held;
	if (s.write_milli < 0)
		return step(PURCHASE_ACT_FAILED, "negative");
	return s;
}

struct purchase_step purchase_next(const struct purchase_facts *f)
{
	switch (f->state) {
	case PURCHASE_DESIRED:
		return write_step(f);
	case PURCHASE_SENT:
	case PURCHASE_UNKNOWN:
		return settle(f);
	default:
		return step(PURCHASE_ACT_NOTHING, "");
	}
}

enum err purchase_convert(enum credit_kind k, struct money paid, struct price price,
	int64_t step_milli, int64_t *milli, struct money *worth)
{
	int64_t each = k == CREDIT_IN_YUAN ? NANO_PER_MILLI_YUAN : price.micro;
	int64_t n, nano;

	if (each <= 0 || step_milli < 1 || paid.nano <= 0)
		return ERR_OUT_OF_RANGE;
	n = paid.nano / each;
	n -= n % step_milli;
	if (n == 0)
		return ERR_OUT_OF_RANGE;
	if (__builtin_mul_overflow(n, each, &nano))
		return ERR_OVERFLOW;
	*milli = n;
	worth->nano = nano;
	return ERR_OK;
}

static enum err narrow(__int128 v, struct money *out)
{
	if (v > INT64_MAX || v < INT64_MIN)
		return ERR_OVERFLOW;
	out->nano = (int64_t)v;
	return ERR_OK;
}

enum err credit_use(const struct credit_book *b, int64_t used_milli, struct money *out)
{
	__int128 used = used_milli;

	if (b->kind == CREDIT_IN_YUAN)
		return narrow(used * NANO_PER_MILLI_YUAN, out);
	if (used_milli < 0 || b->remaining_milli <= 0)
		return narrow(used * b->price.micro, out);
	if (used_milli >= b->remaining_milli)
		return narrow(b->worth.nano + (used - b->remaining_milli) * b->price.micro, out);
	return narrow((__int128)b->worth.nano * used / b->remaining_milli, out);
}

bool credit_drifts(struct money used, struct money charge, int64_t permille, struct money least)
{
	__int128 apart = (__int128)used.nano - charge.nano;
	__int128 share = (__int128)charge.nano * permille / 1000;

	apart = apart < 0 ? -apart : apart;
	share = share < 0 ? -share : share;
	return apart > (share > least.nano ? share : least.nano);
}
