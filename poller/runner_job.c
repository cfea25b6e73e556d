#include "poller/runner_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

#define RELAY_CHECK_MS 200 /* between two looks at a relay that was told to move */
#define VALVE_CHECK_MS 1000
#define SLOW_MS 5000 /* what moves longer than this is a valve */

enum phase { PHASE_SEND, PHASE_CHECK };

/* An order in the hands of the bus. */
struct job {
	struct order_out *order;
	size_t meter;
	enum phase phase;
	int64_t next_at;  /* mono_ms() of the next step */
	int64_t deadline; /* of the read-back, once sent */
	bool told_moving;
	char error[201];
};

static void give_back(struct runner *r, struct job *j, const struct order_result *result)
{
	struct order_result copy = *result;

	copy.order = j->order;
	if (!copy.error[0])
		snprintf(copy.error, sizeof(copy.error), "%s", j->error);
	if (!copy.at.ms)
		copy.at = utc_now();
	orders_back_put(j->order->back ? j->order->back : r->ends.back, &copy);
	if (!copy.final)
		return;
	g_queue_remove(&r->jobs, j);
	free(j);
}

static void drop(struct runner *r, struct job *j, const char *why)
{
	struct order_result result = { .final = true, .dropped = true };

	snprintf(result.error, sizeof(result.error), "%s", why);
	give_back(r, j, &result);
}

/* A valve that tells only where it was, until it has arrived: meanwhile it moves. */
static bool hides_moving(const struct model *m)
{
	if (m->limits.settle_ms <= SLOW_MS || m->supply_else == SUPPLY_MOVING)
		return false;
	for (size_t i = 0; i < m->supply_count; i++)
		if (m->supplies[i].supply == SUPPLY_MOVING)
			return false;
	return true;
}

static void show_moving(const struct job *j, const struct model *m, struct meter_reading *g)
{
	enum supply wanted = j->order->on ? SUPPLY_ON : SUPPLY_OFF;
	bool elsewhere = g->has_supply && g->supply != wanted && g->supply != SUPPLY_UNKNOWN;

	if (elsewhere && hides_moving(m) && mono_ms() < j->deadline)
		g->supply = SUPPLY_MOVING;
}

/* Looks at relay or valve. A whole reading is news for the desk; after a part of one the meter is
 * read as a whole next. */
static bool job_look(
	struct runner *r, const struct job *j, struct meter_reading *g, struct bus_error *why)
{
	const struct plant_meter *m = &r->plant.meters[j->meter];
	struct task t = { .kind = TASK_LIVE, .meter = j->meter };
	int64_t began = mono_ms();
	size_t n = 0;

	if (meter_read_supply(r->bus, m->model, &m->at, g, why) != ERR_OK)
		return false;
	show_moving(j, m->model, g);
	runner_watch_breaks(r);
	model_plan(m->model, CLASS_LIVE, &n);
	if (n != 1) {
		schedule_want(&r->schedule, j->meter);
		return true;
	}
	schedule_done(&r->schedule, &t, OUTCOME_ANSWERED, began, mono_ms());
	if (runner_believes(r, j->meter, g))
		runner_report_reading(r, j->meter, g);
	return true;
}

/* Not there yet: looks again soon, and says once that a valve moves. */
static void job_wait(struct runner *r, struct job *j, struct order_result *result)
{
	bool moving = str_eq(result->observed, supply_word(SUPPLY_MOVING));
	int64_t late;
	bool slow = r->plant.meters[j->meter].model->limits.settle_ms > SLOW_MS;

	j->next_at = mono_ms() + (slow ? VALVE_CHECK_MS : RELAY_CHECK_MS);
	late = bus_late_until(r->bus, r->plant.meters[j->meter].at.unit);
	if (j->next_at < late) /* others have the bus meanwhile */
		j->next_at = late;
	result->final = false;
	result->result = ACT_RESULT_MOVING;
	if (moving && !j->told_moving)
		give_back(r, j, result);
	j->told_moving |= moving;
}

static void job_check(struct runner *r, struct job *j)
{
	enum meter_act act = j->order->on ? ACT_ON : ACT_OFF;
	struct order_result result = { .final = true, .result = ACT_RESULT_UNKNOWN };
	struct meter_reading g = { 0 };
	struct bus_error why = { 0 };
	bool read = job_look(r, j, &g, &why);

	result.at = g.at;
	if (read && g.has_supply && g.supply != SUPPLY_UNKNOWN)
		snprintf(result.observed, sizeof(result.observed), "%s", supply_word(g.supply));
	if (read && model_confirms(r->plant.meters[j->meter].model, act, &g)) {
		result.result = ACT_RESULT_DONE;
		j->error[0] = '\0';
	} else if (mono_ms() < j->deadline) {
		job_wait(r, j, &result);
		return;
	} else if (!read) {
		snprintf(result.error, sizeof(result.error), "not read back: %.180s", why.text);
	} else {
		if (g.supply != SUPPLY_MOVING)
			result.result = ACT_RESULT_REFUSED;
		if (!j->error[0])
			snprintf(result.error, sizeof(result.error), "read back %s",
				supply_word(g.supply));
	}
	give_back(r, j, &result);
}

/* Of what was sent, by the answer. */
static enum act_result result_of(enum err e)
{
	if (e == ERR_OK)
		return ACT_RESULT_DONE;
	return e == ERR_REFUSED ? ACT_RESULT_REFUSED : ACT_RESULT_UNKNOWN;
}

static bool may_send(void *ctx)
{
	return order_may_send(ctx);
}

static void job_send(struct runner *r, struct job *j)
{
	const struct plant_meter *m = &r->plant.meters[j->meter];
	enum meter_act act = j->order->on ? ACT_ON : ACT_OFF;
	const struct bus_permit permit = { may_send, j->order };
	struct order_result failed = { .final = true, .result = ACT_RESULT_REFUSED };
	struct bus_error why = { 0 };
	const char *refusal;
	enum err e;

	e = meter_act(r->bus, m->model, &m->at, act, &permit, &why);
	if (e == ERR_FORBIDDEN) {
		refusal = order_refusal(j->order);
		drop(r, j, refusal ? refusal : "nobody has looked at it in time");
		return;
	}
	log_info(
		"meter=%s act=%s sent answer=%s %s", m->code, act_word(act), err_word(e), why.text);
	snprintf(j->error, sizeof(j->error), "%s", why.text);
	if (e != ERR_OK && e != ERR_UNKNOWN) {
		give_back(r, j, &failed);
		return;
	}
	j->phase = PHASE_CHECK;
	j->deadline = mono_ms() + m->model->actions[act].deadline_ms;
	job_check(r, j);
}

/* Writes a purchase; what became of it is read from the meter's count by whoever asked. */
static void job_sell(struct runner *r, struct job *j)
{
	const struct plant_meter *m = &r->plant.meters[j->meter];
	const struct bus_permit permit = { may_send, j->order };
	struct order_result result = { .final = true };
	struct bus_error why = { 0 };
	enum err e = ERR_OK;

	if (j->order->release && model_can(m->model, ACT_AUTO))
		e = meter_act(r->bus, m->model, &m->at, ACT_AUTO, &permit, &why);
	if (e == ERR_OK)
		e = meter_purchase(
			r->bus, m->model, &m->at, j->order->count, j->order->milli, &permit, &why);
	else
		why.sent = false; /* the purchase itself */
	log_info("meter=%s purchase count=%" PRId64 " sent answer=%s %s", m->code, j->order->count,
		err_word(e), why.text);
	snprintf(j->error, sizeof(j->error), "%s", why.text);
	if (e != ERR_OK && !why.sent) {
		drop(r, j, why.text);
		return;
	}
	result.result = result_of(e);
	schedule_want(&r->schedule, j->meter);
	give_back(r, j, &result);
}

/* Writes a setting; what became of it is looked at next by whoever asked. */
static void job_set(struct runner *r, struct job *j)
{
	const struct plant_meter *m = &r->plant.meters[j->meter];
	const struct bus_permit permit = { may_send, j->order };
	struct order_result result = { .final = true };
	struct bus_error why = { 0 };
	enum err e = meter_setting_write(
		r->bus, m->model, &m->at, j->order->setting, j->order->text, &permit, &why);

	log_info("meter=%s %s \"%s\" sent answer=%s %s", m->code,
		meter_setting_word(j->order->setting), j->order->text, err_word(e), why.text);
	snprintf(j->error, sizeof(j->error), "%s", why.text);
	if (e == ERR_NOT_CONFIGURED || e == ERR_BAD_VALUE) {
		result.result = ACT_RESULT_REFUSED; /* by its model: the meter is not asked */
	} else if (e != ERR_OK && !why.sent) {
		drop(r, j, why.text);
		return;
	} else {
		result.result = result_of(e);
	}
	give_back(r, j, &result);
}

static void job_look_setting(struct runner *r, struct job *j)
{
	const struct plant_meter *m = &r->plant.meters[j->meter];
	struct order_result result = { .final = true };
	struct bus_error why = { 0 };
	enum err e =
		meter_setting_read(r->bus, m->model, &m->at, j->order->setting, result.told, &why);

	result.result = e == ERR_NOT_CONFIGURED ? ACT_RESULT_REFUSED : result_of(e);
	if (e != ERR_OK)
		snprintf(j->error, sizeof(j->error), "%s", why.text);
	give_back(r, j, &result);
}

static struct job *next_job(const struct runner *r)
{
	struct job *first = NULL;

	for (GList *l = r->jobs.head; l; l = l->next) {
		struct job *j = l->data;

		if (!first || j->next_at < first->next_at)
			first = j;
	}
	return first;
}

void runner_new_job(struct runner *r, struct order_out *o)
{
	struct job *j = calloc(1, sizeof(*j));

	ASSERT(j);
	j->order = o;
	j->meter = runner_meter_index(r, o->meter_id);
	g_queue_push_tail(&r->jobs, j);
	if (j->meter == r->plant.n)
		drop(r, j, "the meter is not on this bus any more");
}

int64_t runner_job_due(const struct runner *r)
{
	const struct job *job = next_job(r);

	return job ? job->next_at : INT64_MAX;
}

void runner_run_job(struct runner *r)
{
	struct job *job = next_job(r);
	const char *refusal = NULL;

	ASSERT(job);
	if (job->phase == PHASE_SEND && job->order->kind != ORDER_LOOK)
		refusal = order_refusal(job->order);
	if (refusal) {
		drop(r, job, refusal);
		return;
	}
	bus_patience(r->bus, 0); /* nothing is worse than an act of which nobody knows */
	switch (job->order->kind) {
	case ORDER_SELL:
		job_sell(r, job);
		break;
	case ORDER_SET:
		job_set(r, job);
		break;
	case ORDER_LOOK:
		job_look_setting(r, job);
		break;
	case ORDER_SWITCH:
		if (job->phase == PHASE_SEND)
			job_send(r, job);
		else
			job_check(r, job);
		break;
	}
}

void runner_end_jobs(struct runner *r)
{
	while (!g_queue_is_empty(&r->jobs)) {
		struct job *j = g_queue_peek_head(&r->jobs);
		struct order_result unknown = { .final = true, .result = ACT_RESULT_UNKNOWN };

		if (j->phase == PHASE_SEND)
			drop(r, j, "the poller gave the bus up");
		else
			give_back(r, j, &unknown);
	}
}
