#include "poller/runner_inside.h"

#include <inttypes.h>

#include "base/log.h"
#include "rules/clockset.h"

#define TIME_EVERY_MS (INT64_C(24) * 3600 * 1000)
#define TIME_RETRY_MS 60000
#define MIDNIGHT_S 600 /* around it a set clock could repeat a day, or skip one */

static bool shows_clock(const struct runner *r, const struct meter_reading *g)
{
	return r->zone && reading_has(g, POINT_CLOCK);
}

static struct clock_facts facts_of(const struct runner *r, size_t i, const struct meter_reading *g)
{
	return (struct clock_facts){ .shown = g->value[POINT_CLOCK],
		.at = g->at,
		.zone = r->zone,
		.set_at = r->clocks[i].at };
}

void runner_fill_clock(
	const struct runner *r, size_t i, const struct meter_reading *g, struct report *p)
{
	struct clock_facts f = facts_of(r, i, g);

	p->has_clock = shows_clock(r, g);
	if (!p->has_clock)
		return;
	p->clock_drift_s = clock_drift(&f);
	p->clock_set_at = r->clocks[i].at;
	p->clock_set_by_s = r->clocks[i].by_s;
}

void runner_mind_clock(struct runner *r, size_t i, const struct meter_reading *g)
{
	const struct plant_meter *m = &r->plant.meters[i];
	struct clock_facts f = facts_of(r, i, g);
	struct bus_error why = { 0 };
	int64_t step;
	enum err e;

	if (!shows_clock(r, g))
		return;
	step = clock_step(&f);
	if (!r->ends.sets_clocks || step == 0 || !model_sets_clock(m->model) ||
		runner_identity_of(r, i) == IDENTITY_OTHER)
		return;
	bus_patience(r->bus, 0);
	e = meter_set_clock(r->bus, m->model, &m->at,
		clock_wall(r->zone, utc_now()) + clock_drift(&f) + step, NULL, &why);
	if (e == ERR_UNAVAILABLE) /* nothing was sent */
		return;
	log_info("meter=%s clock drift=%" PRId64 " moved=%" PRId64 " answer=%s %s", m->code,
		clock_drift(&f), step, err_word(e), why.text);
	/* A meter that refuses is not asked again before tomorrow. */
	r->clocks[i] = (struct set_clock){ utc_now(), e == ERR_OK || e == ERR_UNKNOWN ? step : 0 };
}

static const struct model *broadcast_model(const struct runner *r)
{
	for (size_t i = 0; i < r->plant.n; i++)
		if (r->plant.meters[i].model->framing == MODEL_DLT645)
			return r->plant.meters[i].model;
	return NULL;
}

void runner_tell_time(struct runner *r)
{
	int64_t now = mono_ms(), wall, second;
	const struct model *m;
	struct bus_error why = { 0 };

	if (!r->ends.sets_clocks || !r->zone || now < r->time_at)
		return;
	m = broadcast_model(r);
	wall = clock_wall(r->zone, utc_now());
	second = wall % 86400;
	r->time_at = now + TIME_RETRY_MS;
	if (!m || second < MIDNIGHT_S || second > 86400 - MIDNIGHT_S)
		return;
	if (meter_broadcast_time(r->bus, m, wall, NULL, &why) != ERR_OK)
		return;
	log_info("gateway=%s time told by broadcast", r->plant.code);
	r->time_at = now + TIME_EVERY_MS;
}
