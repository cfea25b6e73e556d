#include "rules/daysleft.h"

#include <stdlib.h>

/* Parts in four of the way through the sorted charges. */
enum quartile { LOWER = 1, MEDIAN = 2, UPPER = 3 };

static int by_amount(const void *a, const void *b)
{
	const struct money *x = a, *y = b;

	return (x->nano > y->nano) - (x->nano < y->nano);
}

/* Between two of n ascending values where it falls between them, in the middle. */
static struct money quantile(const struct money *v, size_t n, enum quartile q)
{
	size_t at = (n - 1) * (size_t)q;
	struct money low = v[at / 4], high = v[(at + 3) / 4];

	return (struct money){ low.nano + (high.nano - low.nano) / 2 };
}

/* The charges of the known days of one sort, ascending; all days where there are too few. */
static size_t comparable(const struct daysleft_facts *f, enum day_sort sort,
	struct money out[static DAYSLEFT_HISTORY])
{
	size_t n = 0;

	for (size_t i = 0; i < f->history_n; i++)
		if (day_sort_of(&f->marks, f->history[i].day) == sort)
			out[n++] = f->history[i].charge;
	if (n < DAYSLEFT_LEAST)
		for (n = 0; n < f->history_n; n++)
			out[n] = f->history[n].charge;
	qsort(out, n, sizeof(*out), by_amount);
	return n;
}

struct habits {
	struct money of[SORT__MAX]; /* what a day of each sort costs */
};

static struct habits habits_of(const struct daysleft_facts *f, enum quartile q)
{
	struct money charges[DAYSLEFT_HISTORY];
	struct habits h;

	for (enum day_sort s = SORT_WORKDAY; s < SORT__MAX; s++) {
		size_t n = comparable(f, s, charges);

		h.of[s] = quantile(charges, n, q);
	}
	return h;
}

static bool any_use(const struct habits *h)
{
	return h->of[SORT_WORKDAY].nano > 0 || h->of[SORT_WEEKEND].nano > 0;
}

static int lasts(const struct daysleft_facts *f, const struct habits *h)
{
	int64_t left = f->balance.nano;
	int64_t today = h->of[day_sort_of(&f->marks, f->today)].nano;

	if (today > f->today_charge.nano)
		left -= today - f->today_charge.nano;
	for (int n = 0; left >= 0 && n < DAYSLEFT_MOST; n++) {
		struct day d = { f->today.days + n + 1 };

		left -= h->of[day_sort_of(&f->marks, d)].nano;
		if (left < 0)
			return n;
	}
	return left < 0 ? 0 : DAYSLEFT_MOST;
}

struct days_left days_left(const struct daysleft_facts *f)
{
	struct habits usual;
	struct days_left d = { .known = false };

	ASSERT(f->history_n <= DAYSLEFT_HISTORY);
	if (f->balance.nano <= 0 || f->history_n < DAYSLEFT_LEAST)
		return d;
	usual = habits_of(f, MEDIAN);
	if (!any_use(&usual))
		return d;
	d.known = true;
	d.days = lasts(f, &usual);
	usual = habits_of(f, UPPER);
	d.low = lasts(f, &usual);
	usual = habits_of(f, LOWER);
	d.high = lasts(f, &usual);
	return d;
}

enum err threshold_money(
	struct qty threshold, struct money charge, struct qty quantity, struct money *out)
{
	__int128 nano;

	if (quantity.milli <= 0 || charge.nano <= 0)
		return ERR_NOT_FOUND;
	nano = (__int128)threshold.milli * charge.nano / quantity.milli;
	nano = (nano + NANO_PER_FEN - 1) / NANO_PER_FEN * NANO_PER_FEN;
	if (nano > INT64_MAX)
		return ERR_OVERFLOW;
	out->nano = (int64_t)nano;
	return ERR_OK;
}
