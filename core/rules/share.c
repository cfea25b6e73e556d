#include "rules/share.h"

#include <stdlib.h>

static int by_id(const void *a, const void *b)
{
	const struct sharer *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int by_fraction(const void *a, const void *b)
{
	const struct sharer *x = a, *y = b;

	if (x->fraction != y->fraction)
		return x->fraction > y->fraction ? -1 : 1;
	return by_id(a, b);
}

/* Rounds down; the fraction is what was cut off. */
static struct sharer share_of(int64_t id, int64_t weight, struct qty q, int64_t total)
{
	__int128 exact = (__int128)q.milli * weight;

	return (struct sharer){ .id = id,
		.weight = weight,
		.part = { (int64_t)(exact / total) },
		.fraction = (int64_t)(exact % total) };
}

static enum err weights_sum(const struct sharer *s, size_t n, int64_t total, int64_t *sum)
{
	*sum = 0;
	for (size_t i = 0; i < n; i++) {
		if (s[i].weight < 0 || s[i].weight > total - *sum)
			return ERR_OUT_OF_RANGE;
		if (i > 0 && s[i].id == s[i - 1].id)
			return ERR_OUT_OF_RANGE;
		*sum += s[i].weight;
	}
	return ERR_OK;
}

enum err share_split(struct qty q, int64_t total, struct sharer *s, size_t n, struct qty *owner)
{
	struct sharer rest;
	int64_t sum, left = q.milli;
	enum err e;

	if (q.milli < 0 || total <= 0)
		return ERR_OUT_OF_RANGE;
	if (n > 0)
		qsort(s, n, sizeof(*s), by_id);
	e = weights_sum(s, n, total, &sum);
	if (e != ERR_OK)
		return e;
	rest = share_of(INT64_MAX, total - sum, q, total);
	left -= rest.part.milli;
	for (size_t i = 0; i < n; i++) {
		s[i] = share_of(s[i].id, s[i].weight, q, total);
		left -= s[i].part.milli;
	}
	if (n > 0)
		qsort(s, n, sizeof(*s), by_fraction);
	/* What is left is less than one for each who has a fraction. */
	for (size_t i = 0; left > 0; left--) {
		bool owners = rest.fraction > 0 && (i == n || rest.fraction > s[i].fraction);

		if (owners) {
			rest.part.milli++;
			rest.fraction = 0;
		} else {
			s[i++].part.milli++;
		}
	}
	if (n > 0)
		qsort(s, n, sizeof(*s), by_id);
	*owner = rest.part;
	return ERR_OK;
}
