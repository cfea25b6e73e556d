#include "meter/meter.h"

#include <stdio.h>
#include <string.h>

#include "meter/bcd.h"
#include "meter/frame.h"
#include "meter/meter_items.h"

static struct bus_request request_of(const struct model *m, uint8_t unit)
{
	return (struct bus_request){
		.unit = unit, .answer_ms = m->limits.answer_ms, .pause_ms = m->limits.pause_ms
	};
}

static enum err registers_read(const struct place *p, const struct model_read *plan, size_t n,
	struct meter_reading *out, struct bus_error *why)
{
	struct register_block blocks[MODEL_READS_MAX];
	struct problem what = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct bus_request q = request_of(p->model, p->at->unit);
		enum err e;

		if (i > 0)
			bus_gap(p->bus);
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

static void write_begin(const struct model *m, uint8_t unit, struct meter_write *w)
{
	*w = (struct meter_write){ .request = request_of(m, unit) };
	w->request.values = w->values;
}

/* The write is the vendor's frame in w->frame. */
static void write_frame(struct meter_write *w)
{
	const struct model_frame *f = &w->frame;

	w->vendor = (struct bus_vendor){ f->bytes, f->n, f->reply, f->fixed, f->reply_n };
	w->request.vendor = &w->vendor;
	w->request.function = f->bytes[0];
	w->request.count = (uint16_t)((f->n + f->reply_n) / 2); /* for the time on the line */
}

static void write_registers(
	struct meter_write *w, uint8_t function, uint16_t address, uint16_t count)
{
	w->request.function = function;
	w->request.address = address;
	w->request.count = count;
}

enum err meter_act_write(
	const struct model *m, uint8_t unit, enum meter_act act, struct meter_write *out)
{
	const struct model_action *a = &m->actions[act];

	if (m->framing != MODEL_MODBUS || !model_can(m, act))
		return ERR_NOT_CONFIGURED;
	write_begin(m, unit, out);
	out->frame = a->frame;
	memcpy(out->values, a->values, sizeof(a->values));
	if (a->frame.n > 0)
		write_frame(out);
	else
		write_registers(out, a->function, a->address, a->count);
	return ERR_OK;
}

enum err meter_purchase_write(
	const struct model *m, uint8_t unit, int64_t count, int64_t milli, struct meter_write *out)
{
	const struct model_purchase *p = &m->purchase;
	enum err e;

	write_begin(m, unit, out);
	e = p->frame.n > 0 ? model_purchase_frame(m, count, milli, &out->frame)
			   : model_purchase_values(m, count, milli, out->values);
	if (e != ERR_OK)
		return e;
	if (p->frame.n > 0)
		write_frame(out);
	else
		write_registers(out, p->function, p->address, p->count);
	return ERR_OK;
}

enum err meter_clock_write(
	const struct model *m, uint8_t unit, int64_t wall_seconds, struct meter_write *out)
{
	const struct model_clock_set *c = &m->clock_set;
	enum err e;

	write_begin(m, unit, out);
	e = c->frame.n > 0 ? model_clock_frame(m, wall_seconds, &out->frame)
			   : model_clock_values(m, wall_seconds, out->values);
	if (e != ERR_OK)
		return e;
	if (c->answer_ms > 0)
		out->request.answer_ms = c->answer_ms;
	if (c->frame.n > 0)
		write_frame(out);
	else
		write_registers(
			out, c->function, c->address, (uint16_t)(strlen(c->clock.layout) / 2));
	return ERR_OK;
}

/* Some meters take their maker's frames enciphered only. The frame in clear would be refused at
 * best, so nothing is sent. A meter that lacks the flag's register does not encipher. */
static enum err check_in_clear(struct bus *b, const struct model *m,
	const struct bus_request *write, struct bus_error *why)
{
	const struct model_bits *flag = &m->enciphered;
	struct bus_request q = request_of(m, write->unit);
	uint16_t reg = 0;
	enum err e;

	if (!flag->mask || !frame_is_vendor(write))
		return ERR_OK;
	q.function = flag->function;
	q.address = flag->address;
	q.count = 1;
	e = bus_read(b, &q, &reg, why);
	why->sent = false;
	if (e == ERR_REFUSED)
		return ERR_OK;
	if (e != ERR_OK)
		return ERR_UNAVAILABLE;
	if ((reg & flag->mask) != flag->value)
		return ERR_OK;
	return bus_error_set(why, ERR_NOT_CONFIGURED, BUS_FINE,
		"writes of this meter are enciphered, not supported");
}

static enum err write_out(struct bus *b, const struct model *m, struct meter_write *w,
	const struct bus_permit *permit, struct bus_error *why)
{
	enum err e;

	w->request.permit = permit;
	e = check_in_clear(b, m, &w->request, why);
	if (e != ERR_OK)
		return e;
	e = bus_write(b, &w->request, why);
	return act_outcome(e, why);
}

static enum err registers_act(const struct place *p, enum meter_act act,
	const struct bus_permit *permit, struct bus_error *why)
{
	struct meter_write w;
	enum err e = meter_act_write(p->model, p->at->unit, act, &w);

	return e == ERR_OK ? write_out(p->bus, p->model, &w, permit, why) : e;
}

/* What a framing does in its own way. */
static const struct {
	size_t digits; /* of an address; 0: a unit */
	enum err (*read)(const struct place *p, const struct model_read *plan, size_t n,
		struct meter_reading *out, struct bus_error *why);
	enum err (*act)(const struct place *p, enum meter_act act, const struct bus_permit *permit,
		struct bus_error *why);
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
	return framings[m->framing].act(&(struct place){ b, m, at }, act, permit, why);
}

enum err meter_purchase(struct bus *b, const struct model *m, const struct meter_address *at,
	int64_t count, int64_t milli, const struct bus_permit *permit, struct bus_error *why)
{
	struct meter_write w;
	struct bus_error own = { 0 };
	enum err e = meter_purchase_write(m, at->unit, count, milli, &w);

	if (!why)
		why = &own;
	if (e != ERR_OK)
		return bus_error_set(
			why, e, BUS_FINE, "the model %s cannot be sold this amount", m->name);
	return write_out(b, m, &w, permit, why);
}

enum err meter_set_clock(struct bus *b, const struct model *m, const struct meter_address *at,
	int64_t wall_seconds, const struct bus_permit *permit, struct bus_error *why)
{
	struct meter_write w;
	struct bus_error own = { 0 };
	enum err e;

	if (!why)
		why = &own;
	e = meter_clock_write(m, at->unit, wall_seconds, &w);
	if (e == ERR_NOT_CONFIGURED)
		return bus_error_set(
			why, e, BUS_FINE, "the clock of the model %s cannot be set", m->name);
	if (e != ERR_OK)
		return bus_error_set(why, e, BUS_FINE, "no clock shows this time");
	return write_out(b, m, &w, permit, why);
}

enum err meter_setting_read(struct bus *b, const struct model *m, const struct meter_address *at,
	enum meter_setting s, char out[static METER_SETTING_TEXT], struct bus_error *why)
{
	struct register_block blocks[SETTING_READS_MAX];
	struct model_read reads[SETTING_READS_MAX];
	size_t n = model_setting_reads(m, s, reads);

	if (n == 0)
		return bus_error_set(why, ERR_NOT_CONFIGURED, BUS_FINE,
			"the model %s does not tell its %s", m->name, meter_setting_word(s));
	for (size_t i = 0; i < n; i++) {
		struct bus_request q = request_of(m, at->unit);
		enum err e;

		q.function = reads[i].function;
		q.address = reads[i].address;
		q.count = reads[i].count;
		e = bus_read(b, &q, blocks[i].regs, why);
		if (e != ERR_OK)
			return e;
		blocks[i].function = q.function;
		blocks[i].address = q.address;
		blocks[i].count = q.count;
	}
	if (model_setting_decode(m, s, blocks, n, out) != ERR_OK)
		return bus_error_set(
			why, ERR_PROTOCOL, BUS_NONSENSE, "its %s cannot be", meter_setting_word(s));
	return ERR_OK;
}

enum err meter_setting_write(struct bus *b, const struct model *m, const struct meter_address *at,
	enum meter_setting s, const char *text, const struct bus_permit *permit,
	struct bus_error *why)
{
	struct settings_write frames[MODEL_SCHEDULES_MAX];
	struct bus_error own = { 0 };
	size_t n = 0;
	enum err e = model_setting_write(m, s, text, frames, &n);

	if (!why)
		why = &own;
	if (e != ERR_OK)
		return bus_error_set(why, e, BUS_FINE, "the model %s cannot hold these %s", m->name,
			meter_setting_word(s));
	for (size_t i = 0; i < n; i++) {
		struct meter_write w;

		write_begin(m, at->unit, &w);
		write_registers(&w, frames[i].function, frames[i].address, frames[i].count);
		w.request.values = frames[i].values;
		e = write_out(b, m, &w, permit, why);
		why->sent |= i > 0;
		if (e != ERR_OK)
			return i > 0 && e != ERR_REFUSED ? ERR_UNKNOWN : e;
	}
	return ERR_OK;
}

/* 2000 to 2099: two digits of the year. */
#define CLOCK_LEAST INT64_C(946684800)
#define CLOCK_MOST INT64_C(4102444799)

enum err meter_broadcast_time(struct bus *b, const struct model *m, int64_t wall_seconds,
	const struct bus_permit *permit, struct bus_error *why)
{
	if (m->framing != MODEL_DLT645)
		return bus_error_set(why, ERR_NOT_CONFIGURED, BUS_FINE,
			"the model %s hears no broadcast of time", m->name);
	if (wall_seconds < CLOCK_LEAST || wall_seconds > CLOCK_MOST)
		return bus_error_set(why, ERR_OUT_OF_RANGE, BUS_FINE, "no clock shows this time");
	return dlt645_broadcast_time(&(struct place){ b, m, NULL }, wall_seconds, permit, why);
}
