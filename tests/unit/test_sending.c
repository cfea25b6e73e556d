/* Which way next: each promise of rules/sending.h, and that no history whatever breaks them. */
#include "cmock.h"

#include <stdlib.h>
#include <string.h>

#include "rules/sending.h"

#define T0 INT64_C(1795400000000)
#define S(n) ((n)*INT64_C(1000))

struct scene {
	struct sending_way ways[4];
	struct sending_try tries[64];
	struct sending sending;
};

static void scene(struct scene *c, size_t ways)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < ways; i++)
		c->ways[i] = (struct sending_way){ .open = true, .asks = true };
	c->sending = (struct sending){ .ways = c->ways,
		.ways_n = ways,
		.tries = c->tries,
		.patience = &sending_patient,
		.look_after_ms = S(30) };
}

static struct sending_try *tried(
	struct scene *c, size_t way, int64_t at_s, enum try_outcome outcome)
{
	struct sending_try *t = &c->tries[c->sending.tries_n++];

	*t = (struct sending_try){ .way = way, .at = { T0 + S(at_s) }, .outcome = outcome };
	return t;
}

static struct sending_step next(const struct scene *c, int64_t at_s)
{
	return sending_next(&c->sending, (struct utc){ T0 + S(at_s) });
}

static void assert_sends(const struct scene *c, int64_t at_s, size_t way)
{
	struct sending_step s = next(c, at_s);

	assert_int_equal(s.act, SENDING_SEND);
	assert_int_equal(s.way, way);
}

static void assert_waits(const struct scene *c, int64_t at_s, int64_t until_s)
{
	struct sending_step s = next(c, at_s);

	assert_int_equal(s.act, SENDING_WAIT);
	assert_int_equal(s.at.ms, T0 + S(until_s));
}

static void assert_ends(const struct scene *c, int64_t at_s, enum sending_end end)
{
	struct sending_step s = next(c, at_s);

	assert_int_equal(s.act, SENDING_END);
	assert_string_equal(sending_end_word(s.end), sending_end_word(end));
}

static void best_open_way_first(void **state)
{
	struct scene c;

	(void)state;
	scene(&c, 3);
	assert_sends(&c, 0, 0);
	c.ways[0].open = false;
	assert_sends(&c, 0, 1);
	c.ways[1].open = c.ways[2].open = false;
	assert_ends(&c, 0, END_FAILED);
	scene(&c, 0);
	assert_ends(&c, 0, END_FAILED);
}

static void refused_for_good_goes_on_at_once(void **state)
{
	static const enum try_outcome no[] = { TRY_REFUSED, TRY_UNREACHABLE };
	struct scene c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		scene(&c, 2);
		tried(&c, 0, 0, no[i]);
		assert_sends(&c, 0, 1);
		tried(&c, 1, 1, no[i]);
		assert_ends(&c, 1, END_FAILED);
	}
}

static void failed_for_now_waits_and_then_goes_on(void **state)
{
	struct scene c;

	(void)state;
	scene(&c, 2);
	tried(&c, 0, 0, TRY_RETRY);
	assert_waits(&c, 0, 5);
	assert_sends(&c, 5, 0);
	tried(&c, 0, 5, TRY_RETRY);
	assert_waits(&c, 6, 35);
	tried(&c, 0, 35, TRY_RETRY);
	assert_sends(&c, 35, 1);
	/* The last way is tried for longer, but not for ever. */
	for (int i = 0; i < 8; i++) {
		tried(&c, 1, 40 + i, TRY_RETRY);
		assert_int_equal(next(&c, 40 + i).act, SENDING_WAIT);
		assert_sends(&c, 40 + i + 3600, 1);
	}
	tried(&c, 1, 50, TRY_RETRY);
	assert_ends(&c, 50, END_FAILED);
}

static void a_way_that_is_down_is_passed_over(void **state)
{
	struct scene c;

	(void)state;
	scene(&c, 2);
	c.ways[0].from.ms = T0 + S(60);
	assert_sends(&c, 0, 1);
	c.ways[1].from.ms = T0 + S(40);
	assert_waits(&c, 0, 40);
	assert_sends(&c, 60, 0);
	/* Quota used up: the other way now, this one the next day. */
	scene(&c, 2);
	tried(&c, 0, 0, TRY_NEXT_DAY);
	c.ways[0].from.ms = T0 + S(50000);
	assert_sends(&c, 0, 1);
	c.ways[1].open = false;
	assert_waits(&c, 0, 50000);
}

static void unknown_is_asked_about_then_repeated_once_by_the_same_way(void **state)
{
	struct sending_try *t;
	struct scene c;

	(void)state;
	scene(&c, 2);
	t = tried(&c, 0, 0, TRY_UNKNOWN);
	assert_waits(&c, 1, 30);
	assert_int_equal(next(&c, 30).act, SENDING_LOOK);
	t->looks = 1;
	t->looked_at.ms = T0 + S(30);
	assert_waits(&c, 31, 150);
	assert_int_equal(next(&c, 150).act, SENDING_LOOK);
	t->looks = 3;
	t->looked_at.ms = T0 + S(300);
	assert_sends(&c, 420, 0);
	t = tried(&c, 0, 420, TRY_UNKNOWN);
	t->looks = 3;
	t->looked_at.ms = T0 + S(500);
	assert_ends(&c, 700, END_UNKNOWN);
	/* It was refused when it was repeated: the first may still have arrived. */
	t->outcome = TRY_REFUSED;
	assert_ends(&c, 700, END_UNKNOWN);
	t->outcome = TRY_DONE;
	assert_ends(&c, 700, END_SENT);
}

static void what_was_never_sent_may_go_another_way(void **state)
{
	struct scene c;

	(void)state;
	scene(&c, 2);
	tried(&c, 0, 0, TRY_NEVER_SENT);
	assert_sends(&c, 1, 0);
	tried(&c, 0, 1, TRY_NEVER_SENT);
	assert_sends(&c, 2, 1);
	/* A way that cannot be asked is repeated without. */
	scene(&c, 2);
	c.ways[0].asks = false;
	tried(&c, 0, 0, TRY_UNKNOWN);
	assert_waits(&c, 1, 30);
	assert_sends(&c, 30, 0);
	/* A way that is gone from the settings is not. */
	scene(&c, 1);
	tried(&c, SENDING_GONE, 0, TRY_UNKNOWN);
	assert_ends(&c, 1, END_UNKNOWN);
}

static void what_did_not_arrive_goes_on_once_if_it_insists(void **state)
{
	struct scene c;

	(void)state;
	scene(&c, 3);
	tried(&c, 0, 0, TRY_UNDELIVERED);
	assert_ends(&c, 1, END_UNDELIVERED);
	c.sending.insists = true;
	assert_sends(&c, 1, 1);
	tried(&c, 1, 2, TRY_UNDELIVERED);
	assert_ends(&c, 3, END_UNDELIVERED);
	scene(&c, 1);
	c.sending.insists = true;
	tried(&c, 0, 0, TRY_UNDELIVERED);
	assert_ends(&c, 1, END_UNDELIVERED);
}

/* The same throws each time. */
static size_t throw_dice(size_t sides)
{
	static uint64_t x = 88172645463325252U;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (size_t)(x % sides);
}

/* Whatever the services do: it ends, at most one message too many arrives, and that by one way. */
static void any_history_ends(void **state)
{
	static const enum try_outcome all[] = { TRY_DONE, TRY_REFUSED, TRY_RETRY, TRY_UNREACHABLE,
		TRY_UNKNOWN, TRY_UNKNOWN, TRY_RETRY };

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t may_have = 0, first = SENDING_GONE;
		int64_t at = 0;
		struct scene c;

		scene(&c, 1 + throw_dice(4));
		c.sending.insists = throw_dice(2) == 1;
		for (int step = 0; step < 200; step++) {
			struct sending_step s = next(&c, at);
			struct sending_try *last =
				c.sending.tries_n ? &c.tries[c.sending.tries_n - 1] : NULL;

			if (s.act == SENDING_END)
				break;
			assert_true(step < 199);
			if (s.act == SENDING_WAIT) {
				assert_true(s.at.ms > T0 + S(at));
				at = (s.at.ms - T0 + 999) / 1000;
			} else if (s.act == SENDING_LOOK) {
				last->looks++;
				last->looked_at.ms = T0 + S(at);
				if (throw_dice(6) == 0) {
					last->outcome = TRY_NEVER_SENT;
					may_have--;
				}
			} else {
				struct sending_try *t =
					tried(&c, s.way, at, all[throw_dice(ARRAY_LEN(all))]);

				assert_true(may_have == 0 || s.way == first);
				may_have += t->outcome == TRY_UNKNOWN || t->outcome == TRY_DONE;
				first = s.way;
				assert_true(may_have <= 2);
			}
		}
	}
}

static void words(void **state)
{
	enum try_outcome o;

	(void)state;
	for (unsigned i = 0; i < TRY__MAX; i++) {
		assert_int_equal(
			try_outcome_parse(try_outcome_word((enum try_outcome)i), &o), ERR_OK);
		assert_int_equal(o, i);
	}
	assert_int_equal(try_outcome_parse("maybe", &o), ERR_BAD_VALUE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(best_open_way_first),
		cmocka_unit_test(refused_for_good_goes_on_at_once),
		cmocka_unit_test(failed_for_now_waits_and_then_goes_on),
		cmocka_unit_test(a_way_that_is_down_is_passed_over),
		cmocka_unit_test(unknown_is_asked_about_then_repeated_once_by_the_same_way),
		cmocka_unit_test(what_was_never_sent_may_go_another_way),
		cmocka_unit_test(what_did_not_arrive_goes_on_once_if_it_insists),
		cmocka_unit_test(any_history_ends),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
