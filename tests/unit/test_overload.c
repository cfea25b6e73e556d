#include "cmock.h"

#include "rules/overload.h"

/* 3 kW for a minute; back after five minutes, twice. */
static const struct overload_limits LIMITS = { 3000, 60, 300, 2 };

/* One reading of a story, and what is expected of it. */
struct step {
	int64_t s; /* seconds from the start */
	int64_t power_w;
	const char *flags; /* "b" block set, "f" relay off, "d" doubtful */
	enum overload_act act;
	enum overload_phase phase;
};

static bool has(const char *flags, char c)
{
	for (; *flags; flags++)
		if (*flags == c)
			return true;
	return false;
}

static void tell(const struct overload_limits *l, const struct step *steps, size_t n)
{
	struct overload_state s = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct overload_reading r = { .at = { 1000000000000 + steps[i].s * 1000 },
			.power_w = steps[i].power_w,
			.good = !has(steps[i].flags, 'd'),
			.off = has(steps[i].flags, 'f'),
			.blocked = has(steps[i].flags, 'b') };
		enum overload_act act = overload_step(l, &r, &s);

		if (act == OVERLOAD_RETURN && !r.blocked)
			fail_msg("step %zu lifts what is not set", i);
		if (act != steps[i].act || s.phase != steps[i].phase)
			fail_msg("step %zu: act %d, phase %s", i, act, overload_word(s.phase));
	}
}
#define TELL(limits, steps) tell(limits, steps, ARRAY_LEN(steps))

static void a_short_peak_passes(void **state)
{
	static const struct step steps[] = {
		{ 0, 3000, "", OVERLOAD_KEEP, OVERLOAD_CALM },
		{ 30, 3001, "", OVERLOAD_KEEP, OVERLOAD_OVER },
		{ 89, 9000, "", OVERLOAD_KEEP, OVERLOAD_OVER },
		{ 90, 3000, "", OVERLOAD_KEEP, OVERLOAD_CALM },
		{ 91, 3001, "", OVERLOAD_KEEP, OVERLOAD_OVER },
		{ 150, 3001, "", OVERLOAD_KEEP, OVERLOAD_OVER },
		{ 151, 3001, "", OVERLOAD_CUT, OVERLOAD_TRIPPED },
	};

	(void)state;
	TELL(&LIMITS, steps);
}

static void two_returns_then_a_lock(void **state)
{
	static const struct step steps[] = {
		{ 10, 5000, "", OVERLOAD_KEEP, OVERLOAD_OVER },
		{ 70, 5000, "", OVERLOAD_CUT, OVERLOAD_TRIPPED },
		{ 80, 5000, "b", OVERLOAD_KEEP, OVERLOAD_TRIPPED },
		{ 90, 0, "bf", OVERLOAD_KEEP, OVERLOAD_TRIPPED },
		{ 369, 0, "bf", OVERLOAD_KEEP, OVERLOAD_TRIPPED },
		{ 370, 0, "bf", OVERLOAD_RETURN, OVERLOAD_CALM },
		{ 380, 5000, "", OVERLOAD_KEEP, OVERLOAD_OVER },
		{ 440, 5000, "", OVERLOAD_CUT, OVERLOAD_TRIPPED },
		{ 740, 0, "bf", OVERLOAD_RETURN, OVERLOAD_CALM },
		{ 750, 5000, "", OVERLOAD_KEEP, OVERLOAD_OVER },
		{ 810, 5000, "", OVERLOAD_CUT, OVERLOAD_LOCKED },
		{ 99999, 0, "bf", OVERLOAD_KEEP, OVERLOAD_LOCKED },
		/* A person switches it on: the count begins anew. */
		{ 100000, 0, "f", OVERLOAD_KEEP, OVERLOAD_CALM },
		{ 100010, 5000, "", OVERLOAD_KEEP, OVERLOAD_OVER },
		{ 100070, 5000, "", OVERLOAD_CUT, OVERLOAD_TRIPPED },
	};

	(void)state;
	TELL(&LIMITS, steps);
}

/* A relay that carries load although it says off: its reading, given again after an answer that was
 * lost, does not cut once more. */
static void the_reading_that_ended_a_cut_may_come_again(void **state)
{
	static const struct overload_limits at_once = { 3000, 0, 300, 2 };
	static const struct step steps[] = {
		{ 10, 5000, "", OVERLOAD_CUT, OVERLOAD_TRIPPED },
		{ 310, 5000, "bf", OVERLOAD_RETURN, OVERLOAD_CALM },
		{ 310, 5000, "f", OVERLOAD_KEEP, OVERLOAD_CALM },
		{ 311, 5000, "", OVERLOAD_CUT, OVERLOAD_TRIPPED },
	};

	(void)state;
	TELL(&at_once, steps);
}

static void cuts_far_apart_do_not_add_up(void **state)
{
	struct overload_state s = { 0 };
	int64_t t = 1000000000000;

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct overload_reading r = { { t += 3601000 }, 5000, true, false, false };

		assert_int_equal(overload_step(&LIMITS, &r, &s), OVERLOAD_KEEP);
		r.at.ms += 60000;
		assert_int_equal(overload_step(&LIMITS, &r, &s), OVERLOAD_CUT);
		assert_int_equal(s.phase, OVERLOAD_TRIPPED);
		assert_int_equal(s.trips, 1);
		r = (struct overload_reading){ overload_returns_at(&LIMITS, &s), 0, true, true,
			true };
		assert_int_equal(overload_step(&LIMITS, &r, &s), OVERLOAD_RETURN);
	}
}

static void doubt_and_silence_do_not_cut(void **state)
{
	static const struct step steps[] = {
		{ 10, 5000, "d", OVERLOAD_KEEP, OVERLOAD_CALM },
		{ 100, 5000, "d", OVERLOAD_KEEP, OVERLOAD_CALM },
		{ 110, 5000, "", OVERLOAD_KEEP, OVERLOAD_OVER },
		{ 200, 9000, "d", OVERLOAD_KEEP, OVERLOAD_OVER },
		/* More than three minutes without a reading: begins anew. */
		{ 291, 5000, "", OVERLOAD_KEEP, OVERLOAD_OVER },
		{ 350, 5000, "", OVERLOAD_KEEP, OVERLOAD_OVER },
		/* An older reading says nothing. */
		{ 340, 100, "", OVERLOAD_KEEP, OVERLOAD_OVER },
		{ 351, 5000, "", OVERLOAD_CUT, OVERLOAD_TRIPPED },
		/* Coming back needs no plausible register. */
		{ 651, 0, "bfd", OVERLOAD_RETURN, OVERLOAD_CALM },
	};

	(void)state;
	TELL(&LIMITS, steps);
}

static void a_load_that_falls_in_time_is_not_cut(void **state)
{
	static const struct step steps[] = {
		{ 10, 5000, "", OVERLOAD_KEEP, OVERLOAD_OVER },
		{ 70, 5000, "", OVERLOAD_CUT, OVERLOAD_TRIPPED },
		{ 80, 2000, "bd", OVERLOAD_KEEP, OVERLOAD_TRIPPED },
		{ 90, 2000, "b", OVERLOAD_RETURN, OVERLOAD_CALM },
	};

	(void)state;
	TELL(&LIMITS, steps);
}

static void limits_at_their_edges(void **state)
{
	static const struct overload_limits none = { 0, 0, 300, 2 }, at_once = { 3000, 0, 300, 2 },
					    never_back = { 3000, 0, 0, 2 },
					    no_retry = { 3000, 0, 300, 0 };
	static const struct step unlimited[] = {
		{ 10, 900000, "", OVERLOAD_KEEP, OVERLOAD_CALM },
		{ 99, 900000, "", OVERLOAD_KEEP, OVERLOAD_CALM },
	};
	static const struct step first[] = {
		{ 10, 3001, "", OVERLOAD_CUT, OVERLOAD_TRIPPED },
	};
	static const struct step locks[] = {
		{ 10, 3001, "", OVERLOAD_CUT, OVERLOAD_LOCKED },
		{ 9999, 0, "bf", OVERLOAD_KEEP, OVERLOAD_LOCKED },
	};
	struct overload_state s = { .phase = OVERLOAD_TRIPPED, .since = { 5 }, .trips = 1 };
	struct overload_reading r = { { 10 }, 0, true, true, true };

	(void)state;
	TELL(&none, unlimited);
	TELL(&at_once, first);
	TELL(&never_back, locks);
	TELL(&no_retry, locks);
	/* The limit is taken away: a cut ends, a lock does not. */
	assert_int_equal(overload_step(&none, &r, &s), OVERLOAD_RETURN);
	s = (struct overload_state){ .phase = OVERLOAD_LOCKED, .since = { 5 }, .trips = 3 };
	assert_int_equal(overload_step(&none, &r, &s), OVERLOAD_KEEP);
}

/* A story without a plot: the relay follows the block sooner or later, some readings are doubtful,
 * and sometimes a person lifts a lock. */
struct drawn {
	struct overload_limits l;
	struct overload_state s;
	int64_t t, above_since;
	int64_t cuts[400]; /* since a person was there, without those taken back */
	size_t n;
	bool blocked, off;
};

static void draw_reading(struct lots *lots, struct drawn *d)
{
	struct overload_reading r = { .at = { d->t += 1000 * lots_between(lots, 1, 90) },
		.power_w = d->off ? 0 : lots_between(lots, 2000, 6000),
		.good = lots_between(lots, 0, 9) != 0,
		.off = d->off,
		.blocked = d->blocked };
	bool locked = d->s.phase == OVERLOAD_LOCKED;
	bool above = r.good && r.power_w > d->l.limit_w;

	if (r.good)
		d->above_since = !above ? 0 : d->above_since ? d->above_since : d->t;
	switch (overload_step(&d->l, &r, &d->s)) {
	case OVERLOAD_CUT:
		assert_true(above && !d->blocked);
		assert_true(d->t - d->above_since >= d->l.delay_s * 1000);
		d->cuts[d->n++] = d->t;
		d->blocked = true;
		break;
	case OVERLOAD_RETURN:
		assert_true(d->blocked && !locked);
		assert_true(!d->off || d->t - d->cuts[d->n - 1] >= d->l.retry_s * 1000);
		if (!d->off)
			d->n--;
		d->blocked = false;
		break;
	case OVERLOAD_KEEP:
		break;
	}
	assert_int_equal(
		d->blocked, d->s.phase == OVERLOAD_TRIPPED || d->s.phase == OVERLOAD_LOCKED);
}

static void whatever_comes(void **state)
{
	struct lots lots = lots_open();

	(void)state;
	for (int run = 0; run < 200; run++) {
		struct drawn d = { .l = { 3000, lots_between(&lots, 0, 119),
					   lots_between(&lots, 0, 400), lots_between(&lots, 0, 3) },
			.t = 1000000000000 };
		size_t most = (size_t)d.l.retries + 1;

		for (int i = 0; i < 400; i++) {
			draw_reading(&lots, &d);
			if (d.n > most)
				assert_true(
					d.cuts[d.n - 1] - d.cuts[d.n - 1 - most] > OVERLOAD_ROW_MS);
			if (d.s.phase == OVERLOAD_LOCKED && lots_between(&lots, 0, 20) == 0) {
				d.blocked = false;
				d.n = 0;
			}
			d.off = d.blocked && (d.off || lots_between(&lots, 0, 1));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_peak_passes),
		cmocka_unit_test(two_returns_then_a_lock),
		cmocka_unit_test(the_reading_that_ended_a_cut_may_come_again),
		cmocka_unit_test(cuts_far_apart_do_not_add_up),
		cmocka_unit_test(doubt_and_silence_do_not_cut),
		cmocka_unit_test(a_load_that_falls_in_time_is_not_cut),
		cmocka_unit_test(limits_at_their_edges),
		cmocka_unit_test(whatever_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
