#include "poller/runner_inside.h"

#include "base/log.h"
#include "poller/reception.h"

#define RIVAL_TRIES 2 /* of the old connection before a new one takes its place */

static enum outcome outcome_of(enum err e, const struct bus_error *why)
{
	if (e == ERR_OK)
		return OUTCOME_ANSWERED;
	switch (why->fault) {
	case BUS_UNREACHABLE:
		return OUTCOME_NO_GATEWAY;
	case BUS_EXCEPTION:
	case BUS_NONSENSE:
		return OUTCOME_REFUSED;
	default:
		return OUTCOME_NO_ANSWER;
	}
}

/* How fast it was, or that it was not. */
static void learn(struct runner *r, size_t i, const struct bus_error *why)
{
	struct patience *p = &r->patience[i];

	if (why->fault == BUS_SILENT)
		patience_silent(p);
	else if (why->fault == BUS_FINE || why->fault == BUS_EXCEPTION)
		patience_answered(p, bus_delay_ms(r->bus));
	if (why->kind == KIND_LYING) /* seen only when it was decoded */
		bus_count(r->bus, KIND_LYING);
}

void runner_be_patient(struct runner *r, size_t i)
{
	int ceiling_ms = r->plant.meters[i].model->limits.answer_ms;

	if (ceiling_ms <= 0)
		ceiling_ms = BUS_ANSWER_MS;
	bus_patience(r->bus, patience_ms(&r->patience[i], ceiling_ms));
}

static void took_settings(struct runner *r, size_t i, enum err e, const struct meter_reading *g,
	const struct bus_error *why)
{
	if (e == ERR_OK)
		runner_identify(r, i, g);
	else
		log_debug("meter=%s settings not read: %s", r->plant.meters[i].code, why->text);
	r->trust[i].asked = e != ERR_OK;
	if (e != ERR_OK && why->fault == BUS_EXCEPTION) /* it will not tell */
		r->trust[i] = (struct trust){ 0 };
}

/* For so long that somebody may have exchanged it. */
static bool was_away(const struct runner *r, size_t i)
{
	int64_t last = r->turns[i].last_good;

	return last != INT64_MIN && mono_ms() - last > schedule_away_ms(&r->schedule);
}

enum outcome runner_read(struct runner *r, const struct task *task)
{
	struct task t = *task;
	const struct plant_meter *m = &r->plant.meters[t.meter];
	struct meter_reading g = { 0 };
	struct bus_error why = { 0 };
	int64_t began = mono_ms();
	enum outcome o;
	enum err e;

	if (was_away(r, t.meter))
		runner_doubt(r, t.meter);
	if (r->trust[t.meter].doubted) /* in turns: it may be deaf to the one */
		t.kind = r->trust[t.meter].asked ? TASK_LIVE : TASK_CONFIG;
	if (t.kind == TASK_LIVE)
		r->trust[t.meter].asked = false;
	runner_be_patient(r, t.meter);
	r->reading = t.meter;
	e = meter_read(r->bus, m->model, &m->at, t.kind == TASK_CONFIG ? CLASS_CONFIG : CLASS_LIVE,
		&g, &why);
	o = outcome_of(e, &why);
	learn(r, t.meter, &why);
	runner_watch_breaks(r);
	schedule_done(&r->schedule, &t, o, began, mono_ms());
	if (t.kind == TASK_CONFIG)
		took_settings(r, t.meter, e, &g, &why);
	else if (e == ERR_OK && runner_believes(r, t.meter, &g)) {
		runner_report_reading(r, t.meter, &g);
		r->readings++;
		runner_mind_clock(r, t.meter, &g);
	}
	if (o == OUTCOME_NO_ANSWER)
		runner_doubt(r, t.meter);
	if (e != ERR_OK && (t.kind == TASK_LIVE || o != OUTCOME_REFUSED))
		runner_report_failure(r, t.meter, &why);
	return o;
}

/* A second connection has come while there is one. The old one is tried: if it works, the new one
 * is another gateway that claims the same id, and is refused; else the gateway has dialled anew. */
static void settle_rivals(struct runner *r)
{
	uint64_t connects = bus_connects(r->bus);
	bool works = false;

	for (int i = 0; i < RIVAL_TRIES && !works; i++) {
		struct task t = { .kind = TASK_LIVE, .meter = schedule_liveliest(&r->schedule) };
		enum outcome o;

		if (t.meter == r->plant.n)
			break;
		o = runner_read(r, &t);
		works = o == OUTCOME_ANSWERED || o == OUTCOME_REFUSED;
		if (!bus_is_connected(r->bus) || bus_connects(r->bus) != connects)
			return; /* the old one was dead */
	}
	if (!works) {
		log_info("gateway=%s dialled in anew", r->plant.code);
		bus_hang_up(r->bus);
		runner_doubt_all(r);
		schedule_anew(&r->schedule, mono_ms());
		return;
	}
	log_warn("gateway=%s dialled in twice at the same time: the second is refused",
		r->plant.code);
	reception_refuse(r->ends.reception, r->plant.gateway_id);
	r->twin_at = mono_ms();
}

void runner_look_at_reception(struct runner *r)
{
	if (!r->ends.reception || !reception_waits(r->ends.reception, r->plant.gateway_id))
		return;
	if (bus_is_connected(r->bus))
		settle_rivals(r);
	else
		schedule_knock(&r->schedule, mono_ms());
}
