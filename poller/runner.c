#include "poller/runner_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rand.h"
#include "poller/reception.h"

#define STACK_BYTES ((size_t)256 * 1024)
#define UTILISATION_MS 10000
#define TWIN_MS 600000 /* so long after a second gateway of the same id was refused */

const struct plant_bus *runner_bus(const struct runner *r)
{
	return &r->plant;
}

size_t runner_meter_index(const struct runner *r, int64_t meter_id)
{
	size_t i = 0;

	while (i < r->plant.n && r->plant.meters[i].id != meter_id)
		i++;
	return i;
}

/* Locked: what has been counted so far. */
static void health_counts(struct runner *r, const struct bus_stats *s, int64_t now)
{
	struct gateway_now *h = &r->health.now;
	int64_t span = now - r->window_start;

	h->round_ms = r->schedule.round_ms;
	r->health.last_answer = (struct utc){ utc_now().ms - (now - r->schedule.last_answer) };
	h->transactions = (int64_t)s->requests;
	h->failures = (int64_t)(s->requests - s->answers);
	h->readings = r->readings;
	memcpy(r->health.kinds, s->kinds, sizeof(s->kinds));
	memcpy(r->health.exceptions, s->exceptions, sizeof(s->exceptions));
	r->health.twin = r->twin_at && now - r->twin_at < TWIN_MS;
	if (span < UTILISATION_MS)
		return;
	h->utilisation_permille = (s->busy_ms - r->window_busy) * 1000 / span;
	h->answer_p50_ms = answer_times_percentile(&s->times, 50);
	h->answer_p95_ms = answer_times_percentile(&s->times, 95);
	h->answer_p99_ms = answer_times_percentile(&s->times, 99);
	r->window_start = now;
	r->window_busy = s->busy_ms;
}

static void health_now(struct runner *r)
{
	struct bus_stats s = bus_stats(r->bus);
	struct gateway_now *h = &r->health.now;
	enum comm was;

	gate_lock(&r->gate);
	was = str_eq(h->comm, "silent") ? COMM_SILENT : COMM_OK;
	if ((r->schedule.comm == COMM_SILENT) != (was == COMM_SILENT) ||
		(r->schedule.comm == COMM_OK && str_eq(h->comm, "never"))) {
		h->comm_since = utc_now();
		log_info("gateway=%s comm=%s", r->plant.code, comm_word(r->schedule.comm));
	}
	snprintf(h->comm, sizeof(h->comm), "%s", comm_word(r->schedule.comm));
	health_counts(r, &s, mono_ms());
	gate_unlock(&r->gate);
}

/* Orders become jobs. */
static void take_orders(struct runner *r)
{
	struct order_out *o;

	gate_lock(&r->gate);
	while ((o = g_queue_pop_head(&r->inbox)))
		runner_new_job(r, o);
	gate_unlock(&r->gate);
}

/* Takes what others have left for this bus. False: it is to end. */
static bool collect(struct runner *r)
{
	bool stop, arrived;

	take_orders(r);
	gate_lock(&r->gate);
	stop = r->stop;
	arrived = r->arrived;
	r->arrived = false;
	for (size_t i = 0; i < r->plant.n; i++)
		if (r->wanted[i]) {
			r->wanted[i] = false;
			schedule_want(&r->schedule, i);
		}
	gate_unlock(&r->gate);
	if (arrived && !stop)
		runner_look_at_reception(r);
	return !stop;
}

static bool has_mail(struct runner *r)
{
	bool wanted = false;

	for (size_t i = 0; i < r->plant.n && !wanted; i++)
		wanted = r->wanted[i];
	return r->stop || r->arrived || wanted || !g_queue_is_empty(&r->inbox);
}

#define NAP_MS 5000 /* so that silence is noticed and health told */

static void nap(struct runner *r, int64_t until)
{
	int64_t most = mono_ms() + NAP_MS;

	gate_lock(&r->gate);
	if (!has_mail(r))
		gate_wait(&r->gate, until < most ? until : most);
	gate_unlock(&r->gate);
}

/* Between two requests of a reading: what is due goes before the rest of it. */
static void overtake(void *ctx)
{
	struct runner *r = ctx;

	if (r->overtaking)
		return;
	r->overtaking = true;
	take_orders(r);
	if (runner_job_due(r) <= mono_ms()) {
		runner_run_job(r);
		runner_be_patient(r, r->reading);
	}
	r->overtaking = false;
}

static void step(struct runner *r)
{
	struct task t = schedule_next(&r->schedule, runner_job_due(r), mono_ms());

	switch (t.kind) {
	case TASK_WAIT:
		nap(r, t.until);
		break;
	case TASK_ACT:
		r->overtaking = true; /* it has overtaken everybody already */
		runner_run_job(r);
		r->overtaking = false;
		break;
	case TASK_CONFIG:
	case TASK_LIVE:
		runner_read(r, &t);
		break;
	}
}

static void *run(void *arg)
{
	struct runner *r = arg;
	char context[48];

	snprintf(context, sizeof(context), "bus=%s", r->plant.code);
	log_context(context);
	while (collect(r)) {
		step(r);
		runner_tell_time(r);
		schedule_age(&r->schedule, mono_ms());
		runner_report_aged(r);
		health_now(r);
	}
	runner_end_jobs(r);
	gate_lock(&r->gate);
	r->ended = true;
	gate_unlock(&r->gate);
	return NULL;
}

/* What is remembered from before, on this machine's monotonic clock. */
static void remember(struct runner *r)
{
	int64_t offset = mono_ms() - utc_now().ms;

	for (size_t i = 0; i < r->plant.n; i++) {
		const struct plant_meter *m = &r->plant.meters[i];

		r->turns[i] = (struct turn){ .comm = m->comm,
			.last_good = m->read_at.ms ? m->read_at.ms + offset : INT64_MIN };
		r->told[i] = (struct meter_comm){ .comm = m->comm, .since = m->comm_since };
		r->clocks[i].at = m->clock_set_at;
	}
	schedule_open(&r->schedule, r->turns, r->plant.n, r->ends.period_ms,
		rand_below(UINT32_MAX) + 1, r->plant.comm, mono_ms());
	if (r->ends.config_ms > 0)
		r->schedule.config_period = r->ends.config_ms;
	runner_identity_open(r);
}

static bool same_meter(const struct plant_meter *a, const struct plant_meter *b)
{
	return a->id == b->id && a->device == b->device && str_eq(a->at.text, b->at.text) &&
	       a->model == b->model && str_eq(a->serial, b->serial);
}

/* The bus was configured anew: what is known of meters that are the same goes on, and so does the
 * connection when it leads the same way. */
static bool inherit(struct runner *r, struct runner *former)
{
	bool same_way = r->plant.line_print == former->plant.line_print;

	for (size_t i = 0; i < r->plant.n && same_way; i++)
		for (size_t k = 0; k < former->plant.n; k++) {
			int64_t phase = r->turns[i].phase;

			if (!same_meter(&r->plant.meters[i], &former->plant.meters[k]))
				continue;
			memcpy(r->plant.meters[i].learned, former->plant.meters[k].learned,
				sizeof(r->plant.meters[i].learned));
			r->turns[i] = former->turns[k];
			r->turns[i].phase = phase;
			r->told[i] = former->told[k];
			r->trust[i] = former->trust[k];
			r->clocks[i] = former->clocks[k];
			r->patience[i] = former->patience[k];
			r->identity[i] = former->identity[k];
			break;
		}
	if (!same_way)
		return false;
	schedule_inherit(&r->schedule, &former->schedule);
	bus_inherit(r->bus, former->bus);
	r->breaks = former->breaks;
	r->twin_at = former->twin_at;
	r->window_start = former->window_start;
	r->window_busy = former->window_busy;
	r->health = former->health;
	return true;
}

static void runner_clear(struct runner *r)
{
	bus_close(&r->bus);
	plant_bus_free(&r->plant);
	free(r->turns);
	free(r->told);
	free(r->wanted);
	free(r->identity);
	free(r->trust);
	free(r->clocks);
	zone_free(&r->zone);
	free(r->patience);
	gate_destroy(&r->gate);
	free(r);
}

static void *zeros(size_t n, size_t size)
{
	void *p = calloc(n + 1, size);

	ASSERT(p);
	return p;
}

static enum err thread_start(struct runner *r)
{
	pthread_attr_t a;
	int rc;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, STACK_BYTES);
	rc = pthread_create(&r->thread, &a, run, r);
	pthread_attr_destroy(&a);
	return rc == 0 ? ERR_OK : ERR_UNAVAILABLE;
}

static int take_dialled(void *ctx)
{
	struct runner *r = ctx;

	return reception_take(r->ends.reception, r->plant.gateway_id);
}

static enum err open_bus(struct runner *r)
{
	struct bus_settings s = r->plant.settings;
	struct problem why = { 0 };
	enum err e;

	if (r->ends.reception)
		s.dial = (struct bus_dial){ take_dialled, r, &r->plant.patterns };
	e = bus_open(&s, &r->bus, &why);
	if (e != ERR_OK)
		log_warn("gateway=%s left out: %s", r->plant.code, why.text);
	return e;
}

static struct runner *runner_new(const struct plant_bus *plant, const struct runner_ends *ends)
{
	struct runner *r = zeros(1, sizeof(*r));

	gate_init(&r->gate);
	g_queue_init(&r->jobs);
	g_queue_init(&r->inbox);
	r->plant = *plant;
	r->ends = *ends;
	r->turns = zeros(plant->n, sizeof(*r->turns));
	r->told = zeros(plant->n, sizeof(*r->told));
	r->wanted = zeros(plant->n, sizeof(*r->wanted));
	r->identity = zeros(plant->n, sizeof(*r->identity));
	r->trust = zeros(plant->n, sizeof(*r->trust));
	r->clocks = zeros(plant->n, sizeof(*r->clocks));
	if (plant->zone[0] && zone_open(plant->zone, &r->zone) != ERR_OK)
		log_warn("gateway=%s zone=%s is unknown: clocks of its meters are left alone",
			plant->code, plant->zone);
	r->patience = zeros(plant->n, sizeof(*r->patience));
	r->window_start = mono_ms();
	r->arrived = ends->reception != NULL; /* somebody may wait there already */
	r->health.now = (struct gateway_now){ .gateway_id = plant->gateway_id,
		.comm_since = plant->comm_since };
	snprintf(r->health.now.comm, sizeof(r->health.now.comm), "%s", comm_word(plant->comm));
	return r;
}

enum err runner_start(struct plant_bus *plant, const struct runner_ends *ends,
	struct runner *former, struct runner **out)
{
	struct runner *r = runner_new(plant, ends);
	enum err e = open_bus(r);
	bool inherited = false;

	if (e == ERR_OK) {
		remember(r);
		inherited = former && inherit(r, former);
		bus_on_gap(r->bus, overtake, r);
		e = thread_start(r);
	}
	if (e != ERR_OK) {
		if (inherited) /* for the next try */
			bus_inherit(former->bus, r->bus);
		r->plant.meters = NULL; /* the caller's */
		runner_clear(r);
		return e;
	}
	*plant = (struct plant_bus){ 0 };
	*out = r;
	return ERR_OK;
}

void runner_stop(struct runner *r)
{
	gate_lock(&r->gate);
	r->stop = true;
	gate_wake(&r->gate);
	gate_unlock(&r->gate);
}

bool runner_has_ended(struct runner *r)
{
	bool ended;

	gate_lock(&r->gate);
	ended = r->ended;
	gate_unlock(&r->gate);
	return ended;
}

void runner_end(struct runner *r)
{
	struct order_out *o;

	if (r->joined)
		return;
	runner_stop(r);
	pthread_join(r->thread, NULL);
	r->joined = true;
	while ((o = g_queue_pop_head(&r->inbox))) /* came after the last look */
		orders_back_put(o->back ? o->back : r->ends.back,
			&(struct order_result){ .order = o,
				.final = true,
				.dropped = true,
				.error = "the poller gave the bus up",
				.at = utc_now() });
}

void runner_free(struct runner **r)
{
	if (!*r)
		return;
	runner_end(*r);
	runner_clear(*r);
	*r = NULL;
}

void runner_arrived(struct runner *r)
{
	gate_lock(&r->gate);
	r->arrived = true;
	gate_wake(&r->gate);
	gate_unlock(&r->gate);
}

bool runner_want(struct runner *r, int64_t meter_id)
{
	size_t i = runner_meter_index(r, meter_id);

	if (i == r->plant.n)
		return false;
	gate_lock(&r->gate);
	r->wanted[i] = true;
	gate_wake(&r->gate);
	gate_unlock(&r->gate);
	return true;
}

bool runner_identity(
	struct runner *r, int64_t meter_id, enum identity *out, const struct plant_meter **meter)
{
	size_t i = runner_meter_index(r, meter_id);

	if (i == r->plant.n)
		return false;
	*out = runner_identity_of(r, i);
	*meter = &r->plant.meters[i];
	return true;
}

void runner_order(struct runner *r, struct order_out *o)
{
	gate_lock(&r->gate);
	g_queue_push_tail(&r->inbox, o);
	gate_wake(&r->gate);
	gate_unlock(&r->gate);
}

void runner_health(struct runner *r, struct runner_health *out)
{
	gate_lock(&r->gate);
	*out = r->health;
	gate_unlock(&r->gate);
	out->now.updated_at = utc_now();
}
