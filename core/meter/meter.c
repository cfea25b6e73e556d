#include "meter/meter.h"

#include <stdio.h>

#include "meter/frame.h"

static struct bus_request request_of(const struct model *m, uint8_t unit)
{
	return (struct bus_request){
		.unit = unit, .answer_ms = m->limits.answer_ms, .pause_ms = m->limits.pause_ms
	};
}

enum err meter_read(struct bus *b, const struct model *m, uint8_t unit, enum point_class class,
	struct meter_reading *out, struct bus_error *why)
{
	struct register_block blocks[MODEL_READS_MAX];
	struct meter_reading r = { 0 };
	struct problem what = { 0 };
	size_t n = 0;
	const struct model_read *plan = model_plan(m, class, &n);

	for (size_t i = 0; i < n; i++) {
		struct bus_request q = request_of(m, unit);
		enum err e;

		if (i > 0)
			bus_gap(b);
		q.function = plan[i].function;
		q.address = plan[i].address;
		q.count = plan[i].count;
		e = bus_read(b, &q, blocks[i].regs, why);
		if (e != ERR_OK)
			return e;
		blocks[i].function = q.function;
		blocks[i].address = q.address;
		blocks[i].count = q.count;
	}
	if (model_decode(m, blocks, n, &r, &what) != ERR_OK)
		return bus_error_set(why, ERR_PROTOCOL, BUS_NONSENSE, "%s", what.text);
	r.at = utc_now();
	*out = r;
	return ERR_OK;
}

/* A write without a clean answer: did it certainly not happen? Exceptions 5 (still working) and 11
 * (the gateway waited in vain for the meter) leave that open. */
static enum err act_outcome(enum err e, const struct bus_error *why)
{
	if (e == ERR_OK || !why->sent)
		return e;
	if (e == ERR_REFUSED && why->exception != 5 && why->exception != 11)
		return ERR_REFUSED;
	return ERR_UNKNOWN;
}

enum err meter_purchase(struct bus *b, const struct model *m, uint8_t unit, int64_t count,
	int64_t milli, const struct bus_permit *permit, struct bus_error *why)
{
	uint16_t values[MODEL_PURCHASE_MAX] = { 0 };
	struct bus_error own = { 0 };
	struct bus_request q = request_of(m, unit);
	enum err e = model_purchase_values(m, count, milli, values);

	if (!why)
		why = &own;
	if (e != ERR_OK)
		return bus_error_set(
			why, e, BUS_FINE, "the model %s cannot be sold this amount", m->name);
	q.function = m->purchase.function;
	q.address = m->purchase.address;
	q.count = m->purchase.count;
	q.values = values;
	q.permit = permit;
	e = bus_write(b, &q, why);
	return act_outcome(e, why);
}

enum err meter_act(struct bus *b, const struct model *m, uint8_t unit, enum meter_act act,
	const struct bus_permit *permit, struct bus_error *why)
{
	const struct model_action *a = &m->actions[act];
	struct bus_error own = { 0 };
	struct bus_request q = request_of(m, unit);
	enum err e;

	if (!why)
		why = &own;
	if (!model_can(m, act))
		return bus_error_set(why, ERR_NOT_CONFIGURED, BUS_FINE,
			"the model %s has no act \"%s\"", m->name, act_word(act));
	q.function = a->function;
	q.address = a->address;
	q.count = a->count;
	q.values = a->values;
	q.permit = permit;
	e = bus_write(b, &q, why);
	return act_outcome(e, why);
}
