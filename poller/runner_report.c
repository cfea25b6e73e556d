#include "poller/runner_inside.h"

#include <stdio.h>

#include "base/log.h"

static bool applies_ratios(const struct model *m)
{
	for (size_t i = 0; i < m->point_count; i++)
		if (m->points[i].by_ct || m->points[i].by_pt)
			return true;
	return false;
}

static int64_t times(int64_t value, int64_t ratio)
{
	int64_t product;

	if (ratio <= 1)
		return value;
	return __builtin_mul_overflow(value, ratio, &product) ? INT64_MAX : product;
}

/* Ratios that the meter does not apply itself. */
struct ratios {
	int64_t ct, pt;
};

static struct ratios ratios_of(const struct plant_meter *m)
{
	if (applies_ratios(m->model))
		return (struct ratios){ 1, 1 };
	return (struct ratios){ m->ct_ratio > 0 ? m->ct_ratio : 1,
		m->pt_ratio > 0 ? m->pt_ratio : 1 };
}

static struct qty rate_register(const struct meter_reading *g, enum point p)
{
	return (struct qty){ reading_has(g, p) ? g->value[p] : -1 };
}

static bool keeps_credit(const struct meter_reading *g)
{
	return reading_has(g, POINT_PURCHASE_COUNT) && reading_has(g, POINT_CREDIT);
}

static void fill_now(
	const struct plant_meter *m, const struct meter_reading *g, struct meter_now *n)
{
	struct ratios k = ratios_of(m);
	const int64_t *v = g->value;

	*n = (struct meter_now){ .meter_id = m->id,
		.read_at = g->at,
		.sharp_milli = rate_register(g, POINT_ENERGY_SHARP),
		.peak_milli = rate_register(g, POINT_ENERGY_PEAK),
		.flat_milli = rate_register(g, POINT_ENERGY_FLAT),
		.valley_milli = rate_register(g, POINT_ENERGY_VALLEY),
		.power_w = times(times(v[POINT_POWER], k.ct), k.pt),
		.phases = m->model->phases,
		.voltage1_mv = times(v[POINT_VOLTAGE_A], k.pt),
		.voltage2_mv = times(v[POINT_VOLTAGE_B], k.pt),
		.voltage3_mv = times(v[POINT_VOLTAGE_C], k.pt),
		.current1_ma = times(v[POINT_CURRENT_A], k.ct),
		.current2_ma = times(v[POINT_CURRENT_B], k.ct),
		.current3_ma = times(v[POINT_CURRENT_C], k.ct),
		.frequency_mhz = v[POINT_FREQUENCY],
		.credit_count = keeps_credit(g) ? v[POINT_PURCHASE_COUNT] : -1,
		.credit_milli = v[POINT_CREDIT],
		.credit_total_milli = -1 };
}

/* The billed point of the model; NULL: it has none. */
static const struct model_point *billed_point(const struct plant_meter *m)
{
	enum point p = m->water ? POINT_VOLUME : POINT_ENERGY;

	for (size_t i = 0; i < m->model->point_count; i++)
		if (m->model->points[i].point == p && !m->model->points[i].serial)
			return &m->model->points[i];
	return NULL;
}

/* The least difference that two readings of the billed register can have. */
static int64_t register_step(const struct plant_meter *m, const struct meter_reading *g)
{
	const struct model_point *p = billed_point(m);
	int64_t step;

	if (g->step > 0)
		return g->step;
	if (!p)
		return 1;
	step = (p->scale_num + p->scale_den - 1) / p->scale_den;
	if (p->wire == WIRE_F32) /* 24 bits of the value */
		step = (m->water ? g->value[POINT_VOLUME] : g->value[POINT_ENERGY]) >> 22;
	if (p->by_ct)
		step = times(step, g->value[POINT_CT_RATIO]);
	if (p->by_pt)
		step = times(step, g->value[POINT_PT_RATIO]);
	return step > 0 ? step : 1;
}

/* Digits of a register that has nothing but digits; 0: it is another number. */
static int register_digits(const struct plant_meter *m, const struct model_point *p)
{
	if (m->model->framing != MODEL_MODBUS)
		return p->item.wire == ITEM_BCD && !p->item.other ? 2 * p->item.bytes : 0;
	return p->wire == WIRE_BCD ? 4 * p->count : 0;
}

/* A register in digits begins anew after all nines. 0: not known; integers of 32 bits begin anew
 * where their makers want. */
static int64_t register_capacity(const struct plant_meter *m, int64_t step)
{
	const struct model_point *p = billed_point(m);
	int digits = p ? register_digits(m, p) : 0;
	int64_t capacity = step;

	if (digits < 6 || digits > 8 || p->by_ct || p->by_pt || p->factors || p->offset)
		return 0;
	while (digits-- > 0)
		if (__builtin_mul_overflow(capacity, INT64_C(10), &capacity))
			return 0;
	return capacity;
}

static struct report report_of(const struct runner *r, size_t i)
{
	const struct turn *t = &r->turns[i];
	struct report p = { .meter_id = r->plant.meters[i].id,
		.group_id = r->plant.group_id,
		.device = r->plant.meters[i].device,
		.comm = t->comm,
		.comm_since = r->told[i].since,
		.fails = t->fails,
		.gateway_silent = r->schedule.comm == COMM_SILENT };

	snprintf(p.code, sizeof(p.code), "%s", r->plant.meters[i].code);
	return p;
}

/* Communication of a meter as it is now; true when that is news. */
static bool comm_changed(struct runner *r, size_t i)
{
	struct meter_comm *c = &r->told[i];
	bool silent = r->schedule.comm == COMM_SILENT;
	bool news = c->comm != r->turns[i].comm ||
		    (c->comm == COMM_SILENT && c->gateway_silent != silent);

	if (c->comm != r->turns[i].comm) {
		c->since = utc_now();
		if (c->comm != COMM_NEVER || r->turns[i].comm == COMM_SILENT)
			log_info("meter=%s comm=%s was=%s", r->plant.meters[i].code,
				comm_word(r->turns[i].comm), comm_word(c->comm));
	}
	c->comm = r->turns[i].comm;
	c->gateway_silent = silent;
	return news;
}

void runner_report_reading(struct runner *r, size_t i, const struct meter_reading *g)
{
	const struct plant_meter *m = &r->plant.meters[i];
	bool own = applies_ratios(m->model);
	struct report p;

	comm_changed(r, i);
	p = report_of(r, i);
	p.has_reading = true;
	fill_now(m, g, &p.now);
	/* Powers and currents are primary values; registers stay what the meter shows. */
	p.has_register = reading_register(g, &p.now.register_milli);
	p.own_ratio = own;
	if (g->has_supply && g->supply != SUPPLY_UNKNOWN)
		snprintf(p.observed, sizeof(p.observed), "%s", supply_word(g->supply));
	p.other_serial = runner_identity_of(r, i) == IDENTITY_OTHER;
	snprintf(p.serial, sizeof(p.serial), "%s", m->learned);
	p.most_per_hour = reading_most_per_hour(m->water, m->rated_current_ma, m->model->phases,
		own ? m->ct_ratio : 1, own ? m->pt_ratio : 1);
	p.step = register_step(m, g);
	p.capacity.milli = register_capacity(m, p.step);
	runner_fill_clock(r, i, g, &p);
	desk_put(r->ends.desk, &p);
}

/* "silent", "exception_2": as in gateway_fault. */
static void fault_word(const struct bus_error *why, char *out, size_t size)
{
	if (why->kind == KIND_EXCEPTION)
		snprintf(out, size, "exception_%d", why->exception);
	else
		snprintf(out, size, "%s", why->kind ? bus_kind_word(why->kind) : "");
}

void runner_report_failure(struct runner *r, size_t i, const struct bus_error *why)
{
	struct report p;

	comm_changed(r, i);
	p = report_of(r, i);
	snprintf(p.error, sizeof(p.error), "%s", why->text);
	fault_word(why, p.fault, sizeof(p.fault));
	desk_put(r->ends.desk, &p);
}

void runner_report_aged(struct runner *r)
{
	for (size_t i = 0; i < r->plant.n; i++)
		if (comm_changed(r, i)) {
			struct report p = report_of(r, i);

			snprintf(p.error, sizeof(p.error), "%s",
				p.gateway_silent ? "the gateway does not answer" : "");
			desk_put(r->ends.desk, &p);
		}
}
