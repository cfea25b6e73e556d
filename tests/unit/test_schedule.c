/* The bus as a pure machine: a simulated day in microseconds. */
#include "cmock.h"

#include <string.h>

#include "meter/patience.h"
#include "poller/schedule.h"

#define METERS 70
#define LIVE_MS 150
#define TIMEOUT_MS 1000

struct world {
	struct schedule s;
	struct turn turns[METERS];
	size_t n;
	bool dead[METERS];
	bool gateway_gone;   /* connections are refused */
	bool gateway_silent; /* nobody answers */
	int64_t now;
	int64_t wasted; /* time spent on meters that did not answer */
	int64_t read_at[METERS];
	int64_t worst[METERS]; /* longest time between two answers */
	int tries[METERS];
};

static void open_world(struct world *w, size_t n)
{
	*w = (struct world){ .n = n, .now = 1000000 };
	for (size_t i = 0; i < n; i++)
		w->turns[i].last_good = INT64_MIN;
	schedule_open(&w->s, w->turns, n, SCHEDULE_PERIOD_MS, 7, COMM_NEVER, w->now);
}

static enum outcome outcome_of(const struct world *w, size_t i)
{
	if (w->gateway_gone)
		return OUTCOME_NO_GATEWAY;
	return w->dead[i] || w->gateway_silent ? OUTCOME_NO_ANSWER : OUTCOME_ANSWERED;
}

static int64_t cost_of(enum outcome o)
{
	if (o == OUTCOME_NO_GATEWAY)
		return 1;
	return o == OUTCOME_ANSWERED ? LIVE_MS : TIMEOUT_MS;
}

static void note_answer(struct world *w, size_t i)
{
	int64_t since = w->now - w->read_at[i];

	if (w->read_at[i] && since > w->worst[i])
		w->worst[i] = since;
	w->read_at[i] = w->now;
}

/* Runs the bus until a time; returns how many tasks it did. */
static int run_until(struct world *w, int64_t end)
{
	int tasks = 0;

	while (w->now < end) {
		struct task t = schedule_next(&w->s, INT64_MAX, w->now);
		int64_t began = w->now;
		enum outcome o;

		if (t.kind == TASK_WAIT) {
			assert_true(t.until > w->now);
			w->now = t.until < end ? t.until : end;
			schedule_age(&w->s, w->now);
			continue;
		}
		assert_int_not_equal(t.kind, TASK_ACT);
		assert_true(t.meter < w->n);
		o = outcome_of(w, t.meter);
		w->now += cost_of(o);
		w->tries[t.meter]++;
		if (o == OUTCOME_NO_ANSWER)
			w->wasted += w->now - began;
		if (o == OUTCOME_ANSWERED && t.kind == TASK_LIVE)
			note_answer(w, t.meter);
		schedule_done(&w->s, &t, o, began, w->now);
		tasks++;
	}
	return tasks;
}

static void forget_worst(struct world *w)
{
	for (size_t i = 0; i < w->n; i++)
		w->worst[i] = 0;
	w->wasted = 0;
}

static void test_every_meter_within_its_minute(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, METERS);
	run_until(&w, w.now + 3600000);
	for (size_t i = 0; i < METERS; i++) {
		assert_int_equal(w.turns[i].comm, COMM_OK);
		assert_in_range(w.worst[i], 1, SCHEDULE_PERIOD_MS + 2 * LIVE_MS);
	}
	assert_in_range(w.s.round_ms, 1, SCHEDULE_PERIOD_MS + 2 * LIVE_MS);
}

static void test_config_first_and_once(void **state)
{
	struct world w;
	struct task t;

	(void)state;
	open_world(&w, 1);
	t = schedule_next(&w.s, INT64_MAX, w.now);
	assert_int_equal(t.kind, TASK_CONFIG);
	schedule_done(&w.s, &t, OUTCOME_ANSWERED, w.now, w.now + LIVE_MS);
	t = schedule_next(&w.s, INT64_MAX, w.now + LIVE_MS);
	assert_int_equal(t.kind, TASK_LIVE);
	/* Again when its time has come: here after an hour, and a little. */
	open_world(&w, 1);
	w.s.config_period = 3600000;
	t = schedule_next(&w.s, INT64_MAX, w.now);
	schedule_done(&w.s, &t, OUTCOME_ANSWERED, w.now, w.now);
	assert_int_equal(schedule_next(&w.s, INT64_MAX, w.now + 3599999).kind, TASK_LIVE);
	assert_int_equal(schedule_next(&w.s, INT64_MAX, w.now + 3750001).kind, TASK_CONFIG);
	/* A meter that refuses to tell its settings is read all the same. */
	open_world(&w, 1);
	t = schedule_next(&w.s, INT64_MAX, w.now);
	schedule_done(&w.s, &t, OUTCOME_REFUSED, w.now, w.now + LIVE_MS);
	t = schedule_next(&w.s, INT64_MAX, w.now + LIVE_MS);
	assert_int_equal(t.kind, TASK_LIVE);
}

static void test_dead_meter_costs_little(void **state)
{
	struct world w;
	int64_t begin;

	(void)state;
	open_world(&w, METERS);
	w.dead[3] = w.dead[40] = w.dead[41] = true;
	run_until(&w, w.now + 600000);
	forget_worst(&w);
	begin = w.now;
	run_until(&w, w.now + 3600000);
	assert_true(w.wasted * SCHEDULE_SHARE <= (w.now - begin) + TIMEOUT_MS * SCHEDULE_SHARE);
	assert_int_equal(w.turns[3].comm, COMM_SILENT);
	assert_false(w.s.down);
	assert_int_equal(w.s.comm, COMM_OK);
	for (size_t i = 0; i < METERS; i++)
		if (!w.dead[i])
			assert_in_range(w.worst[i], 1, SCHEDULE_PERIOD_MS + 2 * TIMEOUT_MS);
	/* Tried on: it is found again within two minutes. */
	w.dead[3] = false;
	run_until(&w, w.now + 120000);
	assert_int_equal(w.turns[3].comm, COMM_OK);
}

static void test_silence_has_hysteresis(void **state)
{
	struct world w;
	int64_t dead_since;

	(void)state;
	open_world(&w, METERS);
	run_until(&w, w.now + 120000);
	w.dead[5] = true;
	dead_since = w.turns[5].last_good;
	run_until(&w, dead_since + SCHEDULE_SILENT_MS - 1000);
	assert_true(w.turns[5].fails >= SCHEDULE_SILENT_TRIES);
	assert_int_equal(w.turns[5].comm, COMM_OK);
	run_until(&w, dead_since + SCHEDULE_SILENT_MS + 1000);
	assert_int_equal(w.turns[5].comm, COMM_SILENT);
}

static void test_silence_is_noticed_sooner_where_meters_are_read_more_often(void **state)
{
	struct schedule s;

	(void)state;
	schedule_open(&s, NULL, 0, SCHEDULE_PERIOD_MS, 7, COMM_NEVER, 1000);
	assert_int_equal(schedule_silent_ms(&s), SCHEDULE_SILENT_MS);
	s.period = 20000;
	assert_int_equal(schedule_silent_ms(&s), 36000);
	s.period = 3590000;
	assert_int_equal(schedule_silent_ms(&s), SCHEDULE_SILENT_MS);
}

/* Else a bus that cannot keep up would be asked for every serial number in every round. */
static void test_a_slow_round_makes_nobody_doubtful(void **state)
{
	struct schedule s;

	(void)state;
	schedule_open(&s, NULL, 0, SCHEDULE_PERIOD_MS, 7, COMM_NEVER, 1000);
	assert_int_equal(schedule_away_ms(&s), SCHEDULE_SILENT_MS);
	s.round_ms = 40000;
	assert_int_equal(schedule_away_ms(&s), SCHEDULE_SILENT_MS);
	s.round_ms = 100000;
	assert_int_equal(schedule_away_ms(&s), 180000);
	s.round_ms = 600000;
	assert_int_equal(schedule_away_ms(&s), SCHEDULE_EXCHANGE_MS);
}

static void test_one_failure_is_retried_in_time(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, METERS);
	run_until(&w, w.now + 120000);
	forget_worst(&w);
	w.dead[9] = true;
	while (w.turns[9].fails == 0)
		run_until(&w, w.now + 100);
	w.dead[9] = false;
	run_until(&w, w.now + 60000);
	assert_int_equal(w.turns[9].comm, COMM_OK);
	assert_in_range(w.worst[9], 1, 60000);
}

static void test_gateway_gone_and_back(void **state)
{
	struct world w;
	int tasks;

	(void)state;
	open_world(&w, METERS);
	run_until(&w, w.now + 120000);
	w.gateway_gone = true;
	run_until(&w, w.now + SCHEDULE_PERIOD_MS);
	assert_true(w.s.down);
	assert_int_equal(w.s.comm, COMM_SILENT);
	run_until(&w, w.now + 120000);
	for (size_t i = 0; i < METERS; i++)
		assert_int_equal(w.turns[i].comm, COMM_SILENT);
	tasks = run_until(&w, w.now + 60000);
	assert_in_range(tasks, 5, 20); /* knocks now and then, no storm */
	w.gateway_gone = false;
	run_until(&w, w.now + 60000);
	assert_int_equal(w.s.comm, COMM_OK);
	for (size_t i = 0; i < METERS; i++)
		assert_int_equal(w.turns[i].comm, COMM_OK);
}

static void test_silent_gateway_is_not_its_meters(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, METERS);
	run_until(&w, w.now + 120000);
	w.gateway_silent = true;
	run_until(&w, w.now + 60000);
	assert_true(w.s.down);
	assert_int_equal(w.s.comm, COMM_SILENT);
	w.gateway_silent = false;
	run_until(&w, w.now + 60000);
	for (size_t i = 0; i < METERS; i++)
		assert_int_equal(w.turns[i].comm, COMM_OK);
}

static void test_single_meter_is_not_a_gateway(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, 1);
	w.dead[0] = true;
	run_until(&w, w.now + 600000);
	assert_false(w.s.down);
	assert_int_equal(w.turns[0].comm, COMM_SILENT);
}

static void test_acts_then_wishes(void **state)
{
	struct world w;
	struct task t;

	(void)state;
	open_world(&w, METERS);
	run_until(&w, w.now + 120000);
	schedule_want(&w.s, 33);
	assert_int_equal(schedule_next(&w.s, w.now, w.now).kind, TASK_ACT);
	t = schedule_next(&w.s, INT64_MAX, w.now);
	assert_int_equal(t.kind, TASK_LIVE);
	assert_int_equal(t.meter, 33);
	schedule_done(&w.s, &t, OUTCOME_ANSWERED, w.now, w.now + LIVE_MS);
	w.now += LIVE_MS;
	t = schedule_next(&w.s, w.now + 10, w.now);
	assert_false(t.kind == TASK_LIVE && t.meter == 33);
	if (t.kind == TASK_WAIT)
		assert_true(t.until <= w.now + 10);
}

/* Somebody who asks again and again for a meter that is dead does not get the bus for it. */
static void test_wishes_for_a_dead_meter_are_bounded(void **state)
{
	struct world w;
	int64_t begin;

	(void)state;
	open_world(&w, METERS);
	w.dead[3] = true;
	run_until(&w, w.now + 300000);
	forget_worst(&w);
	begin = w.now;
	while (w.now < begin + 600000) {
		schedule_want(&w.s, 3);
		run_until(&w, w.now + 100);
	}
	assert_true(w.tries[3] > 20); /* it is tried for them, but */
	assert_true(w.wasted * SCHEDULE_SHARE <= (w.now - begin) + TIMEOUT_MS * SCHEDULE_SHARE);
	for (size_t i = 0; i < METERS; i++)
		if (!w.dead[i])
			assert_in_range(w.worst[i], 1, SCHEDULE_PERIOD_MS + 2 * TIMEOUT_MS);
}

/* ---- a saturated bus: 9600 8N1, block reads of 48 registers, meters that think 20 to 100 ms ----
 */

#define ASK_MS 12	 /* 8 bytes and the gap */
#define REPLY_MS 109	 /* 101 bytes and the gap */
#define SETTINGS_MS 40	 /* a short read of the serial number */
#define PAUSE_MS 30	 /* the meter wants it */
#define CEILING_MS 1000	 /* the model's answer time */
#define WINDOW_MS 600000 /* ten minutes */

struct line {
	struct schedule s;
	struct turn turns[METERS];
	struct patience patience[METERS];
	bool dead[METERS];
	size_t n;
	int64_t now;
	int64_t reads[METERS];
	uint32_t seed;
	bool gateway_waits; /* a try costs what the gateway waits, however soon we give up */
};

static int thinks_ms(struct line *l)
{
	l->seed = l->seed * 1664525 + 1013904223;
	return 20 + (int)(l->seed >> 16) % 81;
}

static void line_step(struct line *l)
{
	struct task t = schedule_next(&l->s, INT64_MAX, l->now);
	int64_t began = l->now;
	struct patience *p;

	if (t.kind == TASK_WAIT) {
		l->now = t.until;
		return;
	}
	p = &l->patience[t.meter];
	if (l->dead[t.meter]) {
		l->now += ASK_MS + PAUSE_MS;
		l->now += l->gateway_waits ? CEILING_MS : REPLY_MS + patience_ms(p, CEILING_MS);
		patience_silent(p);
		schedule_done(&l->s, &t, OUTCOME_NO_ANSWER, began, l->now);
		schedule_look(&l->s, t.meter, l->now);
		return;
	}
	if (t.kind == TASK_CONFIG) {
		l->now += SETTINGS_MS + thinks_ms(l) + PAUSE_MS;
	} else {
		int ms = thinks_ms(l);

		l->now += ASK_MS + REPLY_MS + ms + PAUSE_MS;
		patience_answered(p, ms);
		l->reads[t.meter]++;
	}
	schedule_done(&l->s, &t, OUTCOME_ANSWERED, began, l->now);
}

/* Readings of the others in ten minutes when these meters go silent as they begin; apart: how far
 * from each other their places on the bus are. */
static int64_t readings_with(size_t n, size_t dead, size_t apart, bool gateway_waits)
{
	struct line l = { .n = n, .now = 1000000, .seed = 5, .gateway_waits = gateway_waits };
	int64_t end, sum = 0;

	for (size_t i = 0; i < n; i++)
		l.turns[i].last_good = INT64_MIN;
	schedule_open(&l.s, l.turns, n, 1000, 7, COMM_NEVER, l.now); /* always somebody's turn */
	for (end = l.now + 120000; l.now < end;)
		line_step(&l);
	memset(l.reads, 0, sizeof(l.reads));
	for (size_t i = 0; i < dead; i++)
		l.dead[(i * apart) % n] = true;
	for (end = l.now + WINDOW_MS; l.now < end;)
		line_step(&l);
	assert_false(l.s.down);
	assert_int_equal(l.s.comm, COMM_OK);
	for (size_t i = 0; i < n; i++)
		sum += l.dead[i] ? 0 : l.reads[i];
	return sum;
}

/* Measured against a bus on which the silent meters are not there at all, so that the time which
 * their own readings would have taken does not flatter the result. */
static void must_cost_less(size_t dead, size_t apart, bool gateway_waits, int percent)
{
	int64_t perfect = readings_with(METERS - dead, 0, 1, false);
	int64_t real = readings_with(METERS, dead, apart, gateway_waits);

	if (real * 100 < perfect * (100 - percent))
		fail_msg("%zu silent, %zu apart: %lld readings of %lld", dead, apart,
			(long long)real, (long long)perfect);
}

static void test_silent_meters_cost_their_neighbours_little(void **state)
{
	(void)state;
	for (int waits = 0; waits < 2; waits++) {
		must_cost_less(1, 1, waits == 1, 2);
		for (size_t apart = 1; apart < 10; apart += 2)
			must_cost_less(10, apart, waits == 1, 10);
	}
}

static void test_empty_bus_waits(void **state)
{
	struct schedule s;
	struct task t;

	(void)state;
	schedule_open(&s, NULL, 0, SCHEDULE_PERIOD_MS, 7, COMM_NEVER, 1000);
	t = schedule_next(&s, INT64_MAX, 1000);
	assert_int_equal(t.kind, TASK_WAIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_meter_within_its_minute),
		cmocka_unit_test(test_config_first_and_once),
		cmocka_unit_test(test_dead_meter_costs_little),
		cmocka_unit_test(test_silence_has_hysteresis),
		cmocka_unit_test(test_silence_is_noticed_sooner_where_meters_are_read_more_often),
		cmocka_unit_test(test_a_slow_round_makes_nobody_doubtful),
		cmocka_unit_test(test_one_failure_is_retried_in_time),
		cmocka_unit_test(test_gateway_gone_and_back),
		cmocka_unit_test(test_silent_gateway_is_not_its_meters),
		cmocka_unit_test(test_single_meter_is_not_a_gateway),
		cmocka_unit_test(test_acts_then_wishes),
		cmocka_unit_test(test_wishes_for_a_dead_meter_are_bounded),
		cmocka_unit_test(test_silent_meters_cost_their_neighbours_little),
		cmocka_unit_test(test_empty_bus_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
