#include "poller/runner_inside.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define DOUBTS_MAX 3 /* readings held back while the serial number cannot be had */

enum identity runner_identity_of(struct runner *r, size_t i)
{
	enum identity id;

	gate_lock(&r->gate);
	id = r->identity[i];
	gate_unlock(&r->gate);
	return id;
}

static void identity_set(struct runner *r, size_t i, enum identity id)
{
	gate_lock(&r->gate);
	r->identity[i] = id;
	gate_unlock(&r->gate);
}

static const char *without_zeros(const char *s)
{
	while (*s == '0' && s[1])
		s++;
	return s;
}

/* The serial number that it must tell: the one in the table, or else the one that it told first. */
static const char *expected_serial(const struct plant_meter *m)
{
	return m->serial[0] ? m->serial : m->learned;
}

void runner_identify(struct runner *r, size_t i, const struct meter_reading *g)
{
	struct plant_meter *m = &r->plant.meters[i];
	enum identity id = IDENTITY_UNREAD;

	if (!expected_serial(m)[0])
		snprintf(m->learned, sizeof(m->learned), "%s", g->serial);
	if (g->serial[0] &&
		strcasecmp(without_zeros(g->serial), without_zeros(expected_serial(m))) != 0)
		id = IDENTITY_OTHER;
	else if (g->serial[0] && m->serial[0])
		id = IDENTITY_SURE;
	if (id == IDENTITY_OTHER && runner_identity_of(r, i) != IDENTITY_OTHER)
		log_warn("meter=%s serial=%s expected=%s", m->code, g->serial, expected_serial(m));
	identity_set(r, i, id);
	r->trust[i] = (struct trust){ 0 };
}

static bool tells_serial(const struct model *m)
{
	for (size_t i = 0; i < m->point_count; i++)
		if (m->points[i].serial)
			return true;
	return false;
}

void runner_identity_open(struct runner *r)
{
	for (size_t i = 0; i < r->plant.n; i++) {
		const struct plant_meter *m = &r->plant.meters[i];

		if (!tells_serial(m->model)) {
			r->identity[i] = IDENTITY_SURE;
			r->turns[i].config_due = INT64_MAX;
		}
		r->trust[i].doubted = expected_serial(m)[0] && tells_serial(m->model);
	}
}

void runner_doubt(struct runner *r, size_t i)
{
	const struct plant_meter *m = &r->plant.meters[i];

	if (!expected_serial(m)[0] || !tells_serial(m->model))
		return;
	if (runner_identity_of(r, i) == IDENTITY_SURE)
		identity_set(r, i, IDENTITY_UNREAD);
	if (!r->trust[i].doubted)
		r->trust[i] = (struct trust){ .doubted = true };
	schedule_look(&r->schedule, i, mono_ms());
}

void runner_doubt_all(struct runner *r)
{
	for (size_t i = 0; i < r->plant.n; i++)
		runner_doubt(r, i);
}

void runner_watch_breaks(struct runner *r)
{
	struct bus_stats s = bus_stats(r->bus);
	uint64_t breaks = s.kinds[KIND_LOST] + s.kinds[KIND_UNREACHABLE] + s.hang_ups;

	if (breaks == r->breaks)
		return;
	r->breaks = breaks;
	runner_doubt_all(r);
}

bool runner_believes(struct runner *r, size_t i, const struct meter_reading *g)
{
	struct trust *t = &r->trust[i];

	if (g->serial[0])
		runner_identify(r, i, g);
	if (t->doubted && ++t->tries > DOUBTS_MAX)
		*t = (struct trust){ 0 };
	if (t->doubted)
		schedule_look(&r->schedule, i, mono_ms());
	return !t->doubted;
}
