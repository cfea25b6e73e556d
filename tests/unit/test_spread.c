/* Pollers that each decide for themselves end evenly, whatever they begin with. */
#include "rules/spread.h"

#include "cmock.h"

#define POLLERS 5
#define GROUPS 64

struct world {
	int owner[GROUPS]; /* poller, or -1: free */
	int64_t buses[GROUPS];
	int pollers;
};

static int64_t held(const struct world *w, int poller)
{
	int64_t sum = 0;

	for (int g = 0; g < GROUPS; g++)
		if (w->owner[g] == poller)
			sum += w->buses[g];
	return sum;
}

static struct spread seen(const struct world *w, int me)
{
	struct spread s = {
		.mine = held(w, me), .most = 4096, .others = w->pollers - 1, .least = INT64_MAX
	};

	for (int g = 0; g < GROUPS; g++)
		s.total += w->buses[g];
	for (int p = 0; p < w->pollers; p++)
		if (p != me && held(w, p) < s.least)
			s.least = held(w, p);
	return s;
}

/* One look of one poller: takes all that it may, hands over one group at most. */
static bool look(struct world *w, int me, bool waited)
{
	bool moved = false;

	for (int g = 0; g < GROUPS; g++) {
		struct spread s = seen(w, me);

		if (w->owner[g] != -1 || !w->buses[g] || !spread_take(&s, w->buses[g], waited))
			continue;
		w->owner[g] = me;
		moved = true;
	}
	for (int g = 0; g < GROUPS; g++) {
		struct spread s = seen(w, me);

		if (w->owner[g] != me || !spread_give(&s, w->buses[g]))
			continue;
		w->owner[g] = -1;
		return true;
	}
	return moved;
}

static void settle(struct world *w)
{
	bool moved = true;

	for (int round = 0; moved; round++) {
		assert_true(round < 1000);
		moved = false;
		for (int p = 0; p < w->pollers; p++)
			moved |= look(w, p, round % 3 == 2);
		if (!moved) /* once more with everything free for a while */
			for (int p = 0; p < w->pollers; p++)
				moved |= look(w, p, true);
	}
}

static void assert_even(const struct world *w, int64_t largest)
{
	int64_t least = INT64_MAX, most = 0;

	for (int p = 0; p < w->pollers; p++) {
		int64_t n = held(w, p);

		least = n < least ? n : least;
		most = n > most ? n : most;
	}
	for (int g = 0; g < GROUPS; g++)
		assert_true(w->owner[g] >= 0 || !w->buses[g]);
	assert_true(most - least <= largest);
}

static void they_end_evenly(void **state)
{
	unsigned seed = 1;

	(void)state;
	for (int run = 0; run < 500; run++) {
		struct world w = { .pollers = 1 + run % POLLERS };
		int64_t largest = 1 + run % 7;

		for (int g = 0; g < GROUPS; g++) {
			seed = seed * 1103515245U + 12345U;
			w.buses[g] = run % 3 ? largest : (int64_t)(seed >> 16) % (largest + 1);
			w.owner[g] = (int)(seed >> 20) % (w.pollers + 1) - 1;
		}
		settle(&w);
		assert_even(&w, largest);
		w.pollers = 1 + (run + 2) % POLLERS; /* some die, or some come */
		for (int g = 0; g < GROUPS; g++)
			if (w.owner[g] >= w.pollers)
				w.owner[g] = -1;
		settle(&w);
		assert_even(&w, largest);
	}
}

static void a_poller_takes_no_more_than_it_may(void **state)
{
	struct spread s = { .total = 100, .mine = 9, .most = 10 };

	(void)state;
	assert_true(spread_take(&s, 1, false));
	assert_false(spread_take(&s, 2, true));
	s.others = 1;
	s.mine = 50;
	s.most = 900;
	assert_false(spread_take(&s, 1, false)); /* above its share: first the other may */
	assert_true(spread_take(&s, 1, true));	 /* but it will not stay unread */
}

static void one_bus_does_not_wander(void **state)
{
	struct spread s = { .total = 1, .mine = 1, .most = 900, .others = 3, .least = 0 };

	(void)state;
	assert_false(spread_give(&s, 1));
	s.mine = s.total = 3;
	assert_true(spread_give(&s, 1));
	s.least = 2;
	assert_false(spread_give(&s, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_end_evenly),
		cmocka_unit_test(a_poller_takes_no_more_than_it_may),
		cmocka_unit_test(one_bus_does_not_wander),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
