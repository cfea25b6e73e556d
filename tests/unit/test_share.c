/* Sharing: examples by hand, and what must hold for any numbers. */
#include "cmock.h"

#include <string.h>

#include "rules/share.h"

#define SHARERS 5

static void parts_by_hand(void **state)
{
	static const struct {
		int64_t q, total;
		size_t n;
		int64_t weight[SHARERS], part[SHARERS], owner;
	} rows[] = {
		/* clang-format off */
		/* equal parts of 10: 3.33 each; the one that is left goes to the lowest id */
		{ 10, 3, 3, { 1, 1, 1 }, { 4, 3, 3 }, 0 },
		{ 11, 3, 3, { 1, 1, 1 }, { 4, 4, 3 }, 0 },
		{  2, 3, 3, { 1, 1, 1 }, { 1, 1, 0 }, 0 },
		{  0, 3, 3, { 1, 1, 1 }, { 0, 0, 0 }, 0 },
		/* 50 %, 30 %, 20 % of 1001: 500.5, 300.3, 200.2 */
		{ 1001, 1000000, 3, { 500000, 300000, 200000 }, { 501, 300, 200 }, 0 },
		/* 12.5 % and 25 % of 1000 Wh; the owner keeps 62.5 % */
		{ 1000, 1000000, 2, { 125000, 250000 }, { 125, 250 }, 625 },
		/* 33.3333 % thrice of 100: 33.3333 each, owner 0.0001: the largest remainders win */
		{ 100, 1000000, 3, { 333333, 333333, 333333 }, { 34, 33, 33 }, 0 },
		/* half each with the owner: a tie, the owner is last */
		{ 5, 2, 1, { 1 }, { 3 }, 2 },
		/* the owner's remainder is the largest: 3 × 0.1 = 0.3 and 2.7 */
		{ 3, 10, 1, { 1 }, { 0 }, 3 },
		/* by area: 40.5, 60 and 99.5 m² of 7777 Wh: 1574.84, 2333.1, 3869.06 */
		{ 7777, 200000, 3, { 40500, 60000, 99500 }, { 1575, 2333, 3869 }, 0 },
		{ 9, 1, 0, { 0 }, { 0 }, 9 },
		{ 9, 5, 2, { 0, 5 }, { 0, 9 }, 0 },
		{ INT64_MAX, 2, 2, { 1, 1 }, { INT64_MAX / 2 + 1, INT64_MAX / 2 }, 0 },
		{ INT64_MAX, INT64_MAX, 2, { INT64_MAX - 1, 1 }, { INT64_MAX - 1, 1 }, 0 },
		/* clang-format on */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sharer s[SHARERS] = { 0 };
		struct qty owner;

		for (size_t k = 0; k < rows[i].n; k++)
			s[k] = (struct sharer){ .id = (int64_t)k + 10,
				.weight = rows[i].weight[k] };
		assert_int_equal(
			share_split((struct qty){ rows[i].q }, rows[i].total, s, rows[i].n, &owner),
			ERR_OK);
		for (size_t k = 0; k < rows[i].n; k++)
			assert_int_equal(s[k].part.milli, rows[i].part[k]);
		assert_int_equal(owner.milli, rows[i].owner);
	}
}

static void what_cannot_be_is_refused(void **state)
{
	static const struct {
		int64_t q, total, id[2], weight[2];
	} rows[] = {
		{ -1, 2, { 1, 2 }, { 1, 1 } },
		{ 1, 0, { 1, 2 }, { 0, 0 } },
		{ 1, -2, { 1, 2 }, { 0, 0 } },
		{ 1, 2, { 1, 2 }, { -1, 1 } },
		{ 1, 2, { 1, 2 }, { 2, 1 } },
		{ 1, 2, { 1, 1 }, { 1, 1 } },
		{ 1, INT64_MAX, { 1, 2 }, { INT64_MAX, INT64_MAX } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct qty owner = { 77 };
		struct sharer s[2] = { { .id = rows[i].id[0], .weight = rows[i].weight[0] },
			{ .id = rows[i].id[1], .weight = rows[i].weight[1] } };

		assert_int_equal(
			share_split((struct qty){ rows[i].q }, rows[i].total, s, 2, &owner),
			ERR_OUT_OF_RANGE);
		assert_int_equal(owner.milli, 77);
	}
}

#define MANY 12

struct trial {
	int64_t total;
	struct qty q;
	struct sharer s[MANY];
	size_t n;
	struct qty owner;
};

static void draw(struct lots *l, struct trial *t)
{
	int64_t left = t->total = lots_between(l, 1, lots_between(l, 1, INT64_C(90000000000)));
	int64_t id = 0;

	memset(t->s, 0, sizeof(t->s));
	t->q.milli = lots_between(l, 0, lots_between(l, 1, INT64_C(1000000000000)));
	t->n = (size_t)lots_between(l, 0, MANY);
	for (size_t i = 0; i < t->n; i++) {
		int64_t weight = lots_between(l, 0, left / (lots_between(l, 1, 4)));

		/* Like weights are common, and ties with them. */
		if (i > 0 && t->s[i - 1].weight <= left && lots_between(l, 0, 2) == 0)
			weight = t->s[i - 1].weight;
		id += lots_between(l, 1, 3);
		t->s[i] = (struct sharer){ .id = id, .weight = weight };
		left -= weight;
	}
}

static void shuffle(struct lots *l, struct trial *t)
{
	for (size_t i = t->n; i > 1; i--) {
		size_t k = (size_t)lots_between(l, 0, (int64_t)i - 1);
		struct sharer moved = t->s[i - 1];

		t->s[i - 1] = t->s[k];
		t->s[k] = moved;
	}
}

/* Sums exactly; each within one of its exact part; more weight never gets less. */
static void assert_fair(const struct trial *t)
{
	int64_t sum = t->owner.milli;

	for (size_t i = 0; i < t->n; i++) {
		__int128 exact = (__int128)t->q.milli * t->s[i].weight;
		__int128 got = (__int128)t->s[i].part.milli * t->total;

		sum += t->s[i].part.milli;
		assert_true(got - exact < t->total && exact - got < t->total);
		assert_true(i == 0 || t->s[i].id > t->s[i - 1].id);
		for (size_t k = 0; k < i; k++) {
			if (t->s[i].weight > t->s[k].weight)
				assert_true(t->s[i].part.milli >= t->s[k].part.milli);
			if (t->s[i].weight <= t->s[k].weight)
				assert_true(t->s[i].part.milli <= t->s[k].part.milli);
		}
	}
	assert_int_equal(sum, t->q.milli);
}

static void whatever_the_numbers(void **state)
{
	struct lots l = lots_open();
	struct trial t, again;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		draw(&l, &t);
		again = t;
		assert_int_equal(share_split(t.q, t.total, t.s, t.n, &t.owner), ERR_OK);
		assert_fair(&t);
		shuffle(&l, &again);
		assert_int_equal(
			share_split(again.q, again.total, again.s, again.n, &again.owner), ERR_OK);
		assert_int_equal(again.owner.milli, t.owner.milli);
		for (size_t k = 0; k < t.n; k++)
			assert_int_equal(again.s[k].part.milli, t.s[k].part.milli);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_by_hand),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(whatever_the_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
