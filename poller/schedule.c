#include "poller/schedule.h"

#include <string.h>

const char *comm_word(enum comm c)
{
	static const char *const words[] = { "never", "ok", "silent" };

	return words[c];
}

/* xorshift: the same seed gives the same day again. */
static int64_t jitter(struct schedule *s, int64_t below)
{
	s->seed ^= s->seed << 13;
	s->seed ^= s->seed >> 17;
	s->seed ^= s->seed << 5;
	return below > 0 ? (int64_t)(s->seed % (uint64_t)below) : 0;
}

static void round_begin(struct schedule *s, int64_t now)
{
	s->round_start = now;
	s->round_left = 0;
	for (size_t i = 0; i < s->n; i++) {
		s->turns[i].seen = s->turns[i].fails > 0;
		s->round_left += !s->turns[i].seen;
	}
}

void schedule_open(struct schedule *s, struct turn *turns, size_t n, int64_t period, uint32_t seed,
	enum comm comm, int64_t now)
{
	*s = (struct schedule){ .turns = turns,
		.n = n,
		.period = period,
		.config_period = SCHEDULE_CONFIG_MS,
		.seed = seed ? seed : 1,
		.idle_until = now,
		.comm = comm,
		.failed_last = SIZE_MAX,
		.last_answer = now };
	for (size_t i = 0; i < n; i++) {
		struct turn *t = &turns[i];

		*t = (struct turn){ .due = now,
			.config_due = now,
			.phase = (int64_t)i * period / (int64_t)n,
			.last_good = t->last_good,
			.comm = t->comm };
	}
	round_begin(s, now);
}

void schedule_inherit(struct schedule *s, const struct schedule *former)
{
	s->idle_until = former->idle_until;
	s->down = former->down && s->n > 0;
	s->probe_at = former->probe_at;
	s->probe_pause = former->probe_pause;
	s->comm = former->comm;
	s->last_answer = former->last_answer;
	s->round_ms = former->round_ms;
}

static struct task task_of(const struct schedule *s, size_t i, int64_t now)
{
	bool config = s->turns[i].config_due <= now;

	return (struct task){ .kind = config ? TASK_CONFIG : TASK_LIVE, .meter = i };
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The meter of a class that has waited longest; n when none is due. *next gets the first moment at
 * which one of the others will be. */
static size_t longest_due(const struct schedule *s, bool failing, int64_t now, int64_t *next)
{
	size_t found = s->n;

	for (size_t i = 0; i < s->n; i++) {
		const struct turn *t = &s->turns[i];

		if ((t->fails > 1) != failing)
			continue;
		if (t->due > now)
			*next = sooner(*next, t->due);
		else if (found == s->n || t->due < s->turns[found].due)
			found = i;
	}
	return found;
}

/* What somebody asked for; of the meters that do not answer only when it is their time. *next as
 * above. */
static size_t first_wanted(const struct schedule *s, int64_t now, int64_t *next)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct turn *t = &s->turns[i];

		if (!t->wanted)
			continue;
		if (t->fails <= 1 || s->idle_until <= now)
			return i;
		*next = sooner(*next, s->idle_until);
	}
	return s->n;
}

size_t schedule_liveliest(const struct schedule *s)
{
	size_t found = s->n;

	for (size_t i = 0; i < s->n; i++)
		if (s->turns[i].fails == 0 && s->turns[i].last_good != INT64_MIN &&
			(found == s->n || s->turns[i].last_good > s->turns[found].last_good))
			found = i;
	return found;
}

/* Every other time the meter that answered last, and else one after another. */
static struct task probe(struct schedule *s, int64_t act_due, int64_t now)
{
	size_t lively = schedule_liveliest(s);

	if (s->probe_at > now)
		return (struct task){ .kind = TASK_WAIT, .until = sooner(act_due, s->probe_at) };
	s->probe_lively = !s->probe_lively;
	if (s->probe_lively && lively < s->n)
		return (struct task){ .kind = TASK_LIVE, .meter = lively };
	s->probe_next = (s->probe_next + 1) % s->n;
	return (struct task){ .kind = TASK_LIVE, .meter = s->probe_next };
}

struct task schedule_next(struct schedule *s, int64_t act_due, int64_t now)
{
	int64_t next = act_due, next_failing = INT64_MAX;
	size_t i;

	if (act_due <= now)
		return (struct task){ .kind = TASK_ACT };
	if (s->n == 0)
		return (struct task){ .kind = TASK_WAIT, .until = act_due };
	if (s->down)
		return probe(s, act_due, now);
	i = s->suspect ? schedule_liveliest(s) : s->n;
	if (i == s->n)
		i = first_wanted(s, now, &next);
	if (i < s->n)
		return task_of(s, i, now);
	i = longest_due(s, true, now, &next_failing);
	if (i < s->n && s->idle_until <= now)
		return task_of(s, i, now);
	if (i < s->n)
		next = sooner(next, s->idle_until);
	else
		next = sooner(next, next_failing);
	i = longest_due(s, false, now, &next);
	if (i < s->n)
		return task_of(s, i, now);
	return (struct task){ .kind = TASK_WAIT, .until = next };
}

void schedule_want(struct schedule *s, size_t meter)
{
	s->turns[meter].wanted = true;
}

void schedule_look(struct schedule *s, size_t meter, int64_t now)
{
	s->turns[meter].config_due = now;
}

void schedule_knock(struct schedule *s, int64_t now)
{
	s->probe_at = sooner(s->probe_at, now);
	s->probe_pause = 0;
}

/* The next moment after now that has the meter's place in the period. */
static int64_t next_turn(const struct schedule *s, const struct turn *t, int64_t now)
{
	int64_t at = now - now % s->period + t->phase;

	return at > now ? at : at + s->period;
}

static void round_seen(struct schedule *s, struct turn *t, int64_t now)
{
	if (!t->seen && s->round_left > 0)
		s->round_left--;
	t->seen = true;
	if (s->round_left > 0)
		return;
	s->round_ms = now - s->round_start;
	round_begin(s, now);
}

void schedule_anew(struct schedule *s, int64_t now)
{
	for (size_t i = 0; i < s->n; i++) {
		s->turns[i].due = now;
		if (s->turns[i].fails > 1)
			s->turns[i].fails = 1;
	}
	s->down = false;
	s->suspect = false;
	s->probe_pause = 0;
	s->failed_streak = 0;
	s->failed_last = SIZE_MAX;
}

/* Somebody spoke on this bus. If it was down, it is everybody's turn. */
static void bus_alive(struct schedule *s, int64_t now)
{
	if (s->down)
		schedule_anew(s, now);
	s->suspect = false;
	s->failed_streak = 0;
	s->failed_last = SIZE_MAX;
	s->last_answer = now;
	s->comm = COMM_OK;
}

static void answered(struct schedule *s, const struct task *task, int64_t now)
{
	struct turn *t = &s->turns[task->meter];

	t->fails = 0;
	t->comm = COMM_OK;
	t->last_good = now;
	if (task->kind == TASK_CONFIG) { /* the reading follows at once */
		t->config_due = now + s->config_period + jitter(s, s->config_period / 24);
		return;
	}
	t->wanted = false;
	t->due = next_turn(s, t, now);
	round_seen(s, t, now);
}

static int64_t backoff(struct schedule *s, int32_t fails, int64_t cost)
{
	int64_t pause = SCHEDULE_BACKOFF_MS;

	if (fails <= 1)
		return SCHEDULE_RETRY_MS;
	for (int32_t i = 2; i < fails && pause < SCHEDULE_BACKOFF_MAX_MS; i++)
		pause *= 2;
	pause = sooner(pause, SCHEDULE_BACKOFF_MAX_MS);
	if (fails > SCHEDULE_SILENT_TRIES && pause < cost * SCHEDULE_ALONE)
		pause = cost * SCHEDULE_ALONE;
	return pause + jitter(s, pause / 4);
}

static bool is_long_since(int64_t then, int64_t now, int64_t ms)
{
	return then == INT64_MIN || now - then >= ms;
}

int64_t schedule_silent_ms(const struct schedule *s)
{
	return sooner(SCHEDULE_SILENT_MS, s->period / 5 * 9);
}

int64_t schedule_away_ms(const struct schedule *s)
{
	int64_t slow = sooner(SCHEDULE_EXCHANGE_MS, s->round_ms / 5 * 9);
	int64_t silent = schedule_silent_ms(s);

	return slow > silent ? slow : silent;
}

static void meter_age(struct schedule *s, struct turn *t, int64_t now)
{
	bool tried = t->fails >= SCHEDULE_SILENT_TRIES || s->comm == COMM_SILENT;

	if (tried && is_long_since(t->last_good, now, schedule_silent_ms(s)))
		t->comm = COMM_SILENT;
}

void schedule_age(struct schedule *s, int64_t now)
{
	if (s->down && is_long_since(s->last_answer, now, SCHEDULE_GATEWAY_MS))
		s->comm = COMM_SILENT;
	for (size_t i = 0; i < s->n; i++)
		meter_age(s, &s->turns[i], now);
}

static void go_down(struct schedule *s, int64_t now)
{
	s->down = true;
	s->suspect = false;
	s->probe_pause = s->probe_pause ? sooner(s->probe_pause * 2, SCHEDULE_PROBE_MAX_MS)
					: SCHEDULE_PROBE_MS;
	s->probe_at = now + s->probe_pause + jitter(s, s->probe_pause / 4);
}

/* Is it the gateway rather than the meter? */
static void bus_failed(struct schedule *s, size_t meter, enum outcome o, int64_t now)
{
	size_t enough = s->n < SCHEDULE_DOWN_METERS ? s->n : SCHEDULE_DOWN_METERS;

	if (meter != s->failed_last)
		s->failed_streak++;
	s->failed_last = meter;
	if (o == OUTCOME_NO_GATEWAY || s->down || s->suspect)
		go_down(s, now);
	else if (s->failed_streak >= (enough < 2 ? 2 : enough)) {
		s->suspect = schedule_liveliest(s) < s->n;
		if (!s->suspect)
			go_down(s, now);
	}
}

static void failed(
	struct schedule *s, const struct task *task, enum outcome o, int64_t began, int64_t now)
{
	struct turn *t = &s->turns[task->meter];

	if (o == OUTCOME_REFUSED && task->kind == TASK_CONFIG) {
		/* It speaks, only not of this: read it all the same. */
		t->config_due = now + SCHEDULE_CONFIG_RETRY_MS;
		return;
	}
	if (o != OUTCOME_REFUSED)
		bus_failed(s, task->meter, o, now);
	t->wanted = false;
	if (o == OUTCOME_NO_GATEWAY) /* not the meter's fault */
		return;
	t->fails += t->fails < INT32_MAX;
	if (task->kind == TASK_CONFIG && t->fails > 1) /* it may only be deaf to this */
		t->config_due = now + SCHEDULE_CONFIG_RETRY_MS;
	t->due = now + backoff(s, t->fails, now - began);
	if (t->fails > 1)
		s->idle_until = now + (now - began) * (SCHEDULE_SHARE - 1);
	round_seen(s, t, now);
}

void schedule_done(
	struct schedule *s, const struct task *task, enum outcome o, int64_t began, int64_t now)
{
	if (o == OUTCOME_ANSWERED || o == OUTCOME_REFUSED)
		bus_alive(s, now);
	if (o == OUTCOME_ANSWERED)
		answered(s, task, now);
	else
		failed(s, task, o, began, now);
	schedule_age(s, now);
}
