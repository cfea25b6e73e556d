#include "rules/pricechange.h"

#include "rules/parts.h"

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t change(struct price was, struct price is)
{
	int64_t apart = is.micro > was.micro ? is.micro - was.micro : was.micro - is.micro;

	if (apart == 0)
		return 0;
	if (was.micro == 0 || apart > INT64_MAX / 1000 - was.micro)
		return INT64_MAX;
	return (apart * 1000 + was.micro - 1) / was.micro; /* never rounded below a limit */
}

/* Tiers side by side: each piece between two bounds of either. */
static int64_t tiers_change(const struct version *a, const struct rate *was,
	const struct version *b, const struct rate *is)
{
	int64_t most = change(was->prices[0], is->prices[0]);
	size_t i = 0, j = 0;

	while (i < a->bounds_n || j < b->bounds_n) {
		int64_t up = i < a->bounds_n ? a->bounds[i].milli : INT64_MAX;
		int64_t down = j < b->bounds_n ? b->bounds[j].milli : INT64_MAX;

		i += up <= down;
		j += down <= up;
		most = larger(most, change(was->prices[i], is->prices[j]));
	}
	return most;
}

static int64_t any_tier_change(const struct version *a, const struct rate *was,
	const struct version *b, const struct rate *is)
{
	int64_t most = 0;

	for (size_t i = 0; i <= a->bounds_n; i++)
		for (size_t j = 0; j <= b->bounds_n; j++)
			most = larger(most, change(was->prices[i], is->prices[j]));
	return most;
}

static int64_t rates_change(const struct version *a, const struct rate *was,
	const struct version *b, const struct rate *is)
{
	bool tiers = a->bounds_n > 0 || b->bounds_n > 0;

	return tiers && a->cycle != b->cycle ? any_tier_change(a, was, b, is)
					     : tiers_change(a, was, b, is);
}

/* The slots of a day side by side. */
static int64_t day_change(const struct version *a, const struct row *was, const struct version *b,
	const struct row *is)
{
	int64_t most = 0;
	size_t i = 0, j = 0;

	for (;;) {
		int32_t next_a, next_b;

		most = larger(most, rates_change(a, &a->rates[was->slots[i].rate], b,
					    &b->rates[is->slots[j].rate]));
		next_a = i + 1 < was->slots_n ? was->slots[i + 1].second : INT32_MAX;
		next_b = j + 1 < is->slots_n ? is->slots[j + 1].second : INT32_MAX;
		if (next_a == INT32_MAX && next_b == INT32_MAX)
			return most;
		i += next_a <= next_b;
		j += next_b <= next_a;
	}
}

/* A kind of day that one of them has no row for does not come while it is in force. */
static int64_t version_change(const struct version *a, const struct version *b)
{
	int64_t most = 0;

	for (int month = 1; month <= 12; month++)
		for (enum day_kind kind = DAY_WORKDAY; kind <= DAY_HOLIDAY; kind++) {
			const struct row *was = row_find(a, month, kind);
			const struct row *is = row_find(b, month, kind);

			if (was && is)
				most = larger(most, day_change(a, was, b, is));
		}
	return most;
}

static const struct version *in_force(const struct tariff *t, struct utc at)
{
	struct utc until;
	const struct version *v = version_at(t, at, &until);

	return v ? v : &t->versions[0];
}

static int64_t change_at(const struct tariff *was, const struct tariff *is, struct utc at)
{
	return version_change(in_force(was, at), in_force(is, at));
}

/* A version is also compared with the one of before that it would follow, so that a price to come
 * does not get far in small steps; unless it is there already. */
static int64_t change_of(const struct tariff *was, const struct version *v)
{
	const struct version *before = in_force(was, (struct utc){ v->from.ms - 1 });
	const struct version *same = in_force(was, v->from);

	if (same->from.ms == v->from.ms && version_change(same, v) == 0)
		return 0;
	return version_change(before, v);
}

/* Where versions of `t` begin. */
static int64_t change_within(const struct tariff *t, const struct tariff *was,
	const struct tariff *is, struct utc from, struct utc until)
{
	int64_t most = 0;

	for (size_t i = 0; i < t->versions_n; i++) {
		struct utc at = t->versions[i].from;

		if (at.ms <= from.ms || at.ms >= until.ms)
			continue;
		most = larger(most, change_at(was, is, at));
		if (t == is)
			most = larger(most, change_of(was, &is->versions[i]));
	}
	return most;
}

int64_t price_change_permille(
	const struct tariff *was, const struct tariff *is, struct utc from, struct utc until)
{
	int64_t most = change_at(was, is, from);

	most = larger(most, change_within(was, was, is, from, until));
	return larger(most, change_within(is, was, is, from, until));
}
