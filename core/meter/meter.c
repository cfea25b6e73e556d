#include "meter/meter.h"

#include <stdio.h>

#include "meter/bcd.h"
#include "meter/frame.h"
#include "meter/meter_items.h"

static struct bus_request request_of(const struct place *p)
{
	return (struct bus_request){ .unit = p->at->unit,
		.answer_ms = p->model->limits.answer_ms,
		.pause_ms = p->model->limits.pause_ms };
}

static enum err registers_read(const struct place *p, const struct model_read *plan, size_t n,
	struct meter_reading *out, struct bus_error *why)
{
	struct register_block blocks[MODEL_READS_MAX];
	struct problem what = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct bus_request q = request_of(p);
		enum err e;

		q.function = plan[i].function;
		q.address = plan[i].address;
		q.count = plan[i].count;
		e = bus_read(p->bus, &q, blocks[i].regs, why);
		if (e != ERR_OK)
			return e;
		blocks[i].function = q.function;
		blocks[i].address = q.address;
		blocks[i].count = q.count;
	}
	if (model_decode(p->model, blocks, n, out, &what) != ERR_OK)
		return bus_error_set(why, ERR_PROTOCOL, BUS_NONSENSE, "%s", what.text);
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

static enum err registers_act(const struct place *p, const struct model_action *a,
	const struct bus_permit *permit, struct bus_error *why)
{
	struct bus_request q = request_of(p);

	q.function = a->function;
	q.address = a->address;
	q.count = a->count;
	q.values = a->values;
	q.permit = permit;
	return act_outcome(bus_write(p->bus, &q, why), why);
}

/* What a framing does in its own way. */
static const struct {
	size_t digits; /* of an address; 0: a unit */
	enum err (*read)(const struct place *p, const struct model_read *plan, size_t n,
		struct meter_reading *out, struct bus_error *why);
	enum err (*act)(const struct place *p, const struct model_action *a,
		const struct bus_permit *permit, struct bus_error *why);
} framings[MODEL_FRAMING__MAX] = {
	[MODEL_MODBUS] = { 0, registers_read, registers_act },
	[MODEL_DLT645] = { 12, dlt645_read, dlt645_act },
	[MODEL_CJT188] = { 14, cjt188_read, cjt188_act },
};

enum err meter_address_parse(
	const struct model *m, const char *text, struct meter_address *out, struct problem *why)
{
	struct meter_address at = { 0 };
	size_t digits = framings[m->framing].digits;
	int64_t unit = 0;

	if (!str_copy(at.text, sizeof(at.text), text))
		return problem_set(why, ERR_BAD_VALUE, "unit", "is too long");
	if (digits > 0 && bcd_parse(text, digits / 2, at.digits) != ERR_OK)
		return problem_set(
			why, ERR_BAD_VALUE, "unit", "must be an address of %zu digits", digits);
	if (digits == 0 && i64_parse(text, 1, 255, &unit) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, "unit", "must be a number from 1 to 255");
	at.unit = (uint8_t)unit;
	*out = at;
	return ERR_OK;
}

bool meter_goes_over(const struct model *m, enum transport t)
{
	return m->framing == MODEL_MODBUS || t != TRANSPORT_MODBUS_TCP;
}

static enum err read_plan(const struct place *p, const struct model_read *plan, size_t n,
	struct meter_reading *out, struct bus_error *why)
{
	struct meter_reading r = { 0 };
	enum err e = framings[p->model->framing].read(p, plan, n, &r, why);

	if (e != ERR_OK)
		return e;
	r.at = utc_now();
	*out = r;
	return ERR_OK;
}

enum err meter_read(struct bus *b, const struct model *m, const struct meter_address *at,
	enum point_class class, struct meter_reading *out, struct bus_error *why)
{
	size_t n = 0;
	const struct model_read *plan = model_plan(m, class, &n);

	return read_plan(&(struct place){ b, m, at }, plan, n, out, why);
}

static bool tells_supply(const struct model *m, const struct model_read *q)
{
	for (size_t i = 0; i < m->supply_count; i++) {
		const struct model_bits *w = &m->supplies[i].when;

		if (m->framing != MODEL_MODBUS && w->item == q->item)
			return true;
		if (m->framing == MODEL_MODBUS && w->function == q->function &&
			w->address >= q->address && w->address < q->address + q->count)
			return true;
	}
	return false;
}

enum err meter_read_supply(struct bus *b, const struct model *m, const struct meter_address *at,
	struct meter_reading *out, struct bus_error *why)
{
	struct model_read some[MODEL_READS_MAX];
	size_t n = 0, count = 0;
	const struct model_read *plan = model_plan(m, CLASS_LIVE, &n);

	for (size_t i = 0; i < n; i++)
		if (n == 1 || tells_supply(m, &plan[i]))
			some[count++] = plan[i];
	if (count == 0)
		return bus_error_set(why, ERR_NOT_CONFIGURED, BUS_FINE,
			"the model %s tells of no relay or valve", m->name);
	return read_plan(&(struct place){ b, m, at }, some, count, out, why);
}

enum err meter_act(struct bus *b, const struct model *m, const struct meter_address *at,
	enum meter_act act, const struct bus_permit *permit, struct bus_error *why)
{
	struct bus_error own = { 0 };

	if (!why)
		why = &own;
	if (!model_can(m, act))
		return bus_error_set(why, ERR_NOT_CONFIGURED, BUS_FINE,
			"the model %s has no act \"%s\"", m->name, act_word(act));
	return framings[m->framing].act(&(struct place){ b, m, at }, &m->actions[act], permit, why);
}

enum err meter_purchase(struct bus *b, const struct model *m, const struct meter_address *at,
	int64_t count, int64_t milli, const struct bus_permit *permit, struct bus_error *why)
{
	const struct place p = { b, m, at };
	uint16_t values[MODEL_PURCHASE_MAX] = { 0 };
	struct bus_error own = { 0 };
	struct bus_request q = request_of(&p);
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

enum err meter_broadcast_time(
	struct bus *b, const struct model *m, int64_t wall, struct bus_error *why)
{
	if (m->framing != MODEL_DLT645)
		return bus_error_set(why, ERR_NOT_CONFIGURED, BUS_FINE,
			"the model %s hears no broadcast of time", m->name);
	return dlt645_broadcast_time(&(struct place){ b, m, NULL }, wall, why);
}
