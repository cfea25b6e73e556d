#include "poller/runner.h"

#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rand.h"
#include "base/zone.h"
#include "poller/reception.h"
#include "poller/wait.h"
#include "rules/clockset.h"

#define STACK_BYTES ((size_t)256 * 1024)
#define RELAY_CHECK_MS 200 /* between two looks at a relay that was told to move */
#define VALVE_CHECK_MS 1000
#define SLOW_MS 5000 /* what moves longer than this is a valve */
#define UTILISATION_MS 10000
#define DOUBTS_MAX 3   /* readings held back while the serial number cannot be had */
#define TWIN_MS 600000 /* so long after a second gateway of the same id was refused */
#define RIVAL_TRIES 2  /* of the old connection before a new one takes its place */

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

struct runner {
	struct plant_bus plant;
	struct runner_ends ends;
	pthread_t thread;
	bool joined; /* the keeper's */
	/* The thread's own. */
	struct bus *bus;
	struct schedule schedule;
	struct turn *turns;
	struct meter_comm {
		enum comm comm;
		struct utc since;
		bool gateway_silent; /* as last told */
	} * told;
	struct trust {
		bool doubted; /* its serial number is to be read before a reading is believed */
		bool asked;   /* in vain, since the last reading was tried */
		int tries;    /* readings held back */
	} * trust;
	struct set_clock {
		struct utc at; /* 0: never */
		int64_t by_s;
	} * clocks;
	struct zone *zone; /* of the site; NULL: unknown, then clocks are left alone */
	struct patience *patience;
	uint64_t breaks; /* of the connection, as last seen */
	int64_t time_at; /* mono_ms(): when the time is told by broadcast */
	int64_t twin_at; /* mono_ms(): a second gateway of the same id was refused */
	GQueue jobs;	 /* struct job * */
	size_t reading;	 /* the meter whose reading is under way */
	bool overtaking;
	int64_t window_start, window_busy;
	/* Shared, under the gate. */
	struct gate gate;
	bool stop, ended;
	bool arrived; /* at the reception */
	GQueue inbox; /* struct order_out * */
	bool *wanted;
	enum identity *identity;
	struct runner_health health;
};

const struct plant_bus *runner_bus(const struct runner *r)
{
	return &r->plant;
}

/* ---- news for the desk ---- */

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

static enum identity identity_get(struct runner *r, size_t i)
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

static void fill_clock(
	const struct runner *r, size_t i, const struct meter_reading *g, struct report *p)
{
	struct clock_facts f = { .shown = g->value[POINT_CLOCK], .at = g->at, .zone = r->zone };

	p->has_clock = r->zone && reading_has(g, POINT_CLOCK);
	if (!p->has_clock)
		return;
	p->clock_drift_s = clock_drift(&f);
	p->clock_set_at = r->clocks[i].at;
	p->clock_set_by_s = r->clocks[i].by_s;
}

static void report_reading(struct runner *r, size_t i, const struct meter_reading *g)
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
	p.other_serial = identity_get(r, i) == IDENTITY_OTHER;
	snprintf(p.serial, sizeof(p.serial), "%s", m->learned);
	p.most_per_hour = reading_most_per_hour(m->water, m->rated_current_ma, m->model->phases,
		own ? m->ct_ratio : 1, own ? m->pt_ratio : 1);
	p.step = register_step(m, g);
	fill_clock(r, i, g, &p);
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

static void report_failure(struct runner *r, size_t i, const struct bus_error *why)
{
	struct report p;

	comm_changed(r, i);
	p = report_of(r, i);
	snprintf(p.error, sizeof(p.error), "%s", why->text);
	fault_word(why, p.fault, sizeof(p.fault));
	desk_put(r->ends.desk, &p);
}

/* Meters whose communication has changed by time, or by their gateway. */
static void report_aged(struct runner *r)
{
	for (size_t i = 0; i < r->plant.n; i++)
		if (comm_changed(r, i)) {
			struct report p = report_of(r, i);

			snprintf(p.error, sizeof(p.error), "%s",
				p.gateway_silent ? "the gateway does not answer" : "");
			desk_put(r->ends.desk, &p);
		}
}

/* ---- reading ---- */

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

/* Is it the meter that we think it is? A model that tells no serial number cannot be mistaken. One
 * of which nobody has said the number is known by the first that it told: another one is noticed,
 * but it never is certain enough for a cut. */
static void identify(struct runner *r, size_t i, const struct meter_reading *g)
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
	if (id == IDENTITY_OTHER && identity_get(r, i) != IDENTITY_OTHER)
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

/* Was it exchanged, perhaps? Its serial number is read before the next reading is believed. One
 * that has shown another serial number stays another meter until it shows the right one. */
static void doubt(struct runner *r, size_t i)
{
	const struct plant_meter *m = &r->plant.meters[i];

	if (!expected_serial(m)[0] || !tells_serial(m->model))
		return;
	if (identity_get(r, i) == IDENTITY_SURE)
		identity_set(r, i, IDENTITY_UNREAD);
	if (!r->trust[i].doubted)
		r->trust[i] = (struct trust){ .doubted = true };
	schedule_look(&r->schedule, i, mono_ms());
}

static void doubt_all(struct runner *r)
{
	for (size_t i = 0; i < r->plant.n; i++)
		doubt(r, i);
}

/* The gateway or its connection was away: what hangs there may be something else now. */
static void watch_breaks(struct runner *r)
{
	struct bus_stats s = bus_stats(r->bus);
	uint64_t breaks = s.kinds[KIND_LOST] + s.kinds[KIND_UNREACHABLE] + s.hang_ups;

	if (breaks == r->breaks)
		return;
	r->breaks = breaks;
	doubt_all(r);
}

/* May a reading be believed? Not before the serial number was looked at; a meter that answers and
 * cannot be brought to tell it is believed after a few tries, with its identity unread. */
static bool is_believed(struct runner *r, size_t i, const struct meter_reading *g)
{
	struct trust *t = &r->trust[i];

	if (g->serial[0])
		identify(r, i, g);
	if (t->doubted && ++t->tries > DOUBTS_MAX)
		*t = (struct trust){ 0 };
	if (t->doubted)
		schedule_look(&r->schedule, i, mono_ms());
	return !t->doubted;
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

static void be_patient(struct runner *r, size_t i)
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
		identify(r, i, g);
	else
		log_debug("meter=%s settings not read: %s", r->plant.meters[i].code, why->text);
	r->trust[i].asked = e != ERR_OK;
	if (e != ERR_OK && why->fault == BUS_EXCEPTION) /* it will not tell */
		r->trust[i] = (struct trust){ 0 };
}

/* Leads the clock back by the rule. Not of a meter that may be another one. */
static void mind_clock(struct runner *r, size_t i, const struct clock_facts *f)
{
	const struct plant_meter *m = &r->plant.meters[i];
	int64_t step = clock_step(f);
	struct bus_error why = { 0 };
	enum err e;

	if (!r->ends.sets_clocks || step == 0 || !model_sets_clock(m->model) ||
		identity_get(r, i) == IDENTITY_OTHER)
		return;
	bus_patience(r->bus, 0);
	e = meter_set_clock(r->bus, m->model, &m->at,
		clock_wall(r->zone, utc_now()) + clock_drift(f) + step, NULL, &why);
	if (e == ERR_UNAVAILABLE) /* nothing was sent */
		return;
	log_info("meter=%s clock drift=%" PRId64 " moved=%" PRId64 " answer=%s %s", m->code,
		clock_drift(f), step, err_word(e), why.text);
	/* A meter that refuses is not asked again before tomorrow. */
	r->clocks[i] = (struct set_clock){ utc_now(), e == ERR_OK || e == ERR_UNKNOWN ? step : 0 };
}

static void took_reading(struct runner *r, size_t i, const struct meter_reading *g)
{
	struct clock_facts f = { .shown = g->value[POINT_CLOCK],
		.at = g->at,
		.zone = r->zone,
		.set_at = r->clocks[i].at };

	report_reading(r, i, g);
	if (r->zone && reading_has(g, POINT_CLOCK))
		mind_clock(r, i, &f);
}

/* For so long that somebody may have exchanged it. */
static bool was_away(const struct runner *r, size_t i)
{
	int64_t last = r->turns[i].last_good;

	return last != INT64_MIN && mono_ms() - last > SCHEDULE_SILENT_MS;
}

static enum outcome run_read(struct runner *r, const struct task *task)
{
	struct task t = *task;
	const struct plant_meter *m = &r->plant.meters[t.meter];
	struct meter_reading g = { 0 };
	struct bus_error why = { 0 };
	int64_t began = mono_ms();
	enum outcome o;
	enum err e;

	if (was_away(r, t.meter))
		doubt(r, t.meter);
	if (r->trust[t.meter].doubted) /* in turns: it may be deaf to the one */
		t.kind = r->trust[t.meter].asked ? TASK_LIVE : TASK_CONFIG;
	if (t.kind == TASK_LIVE)
		r->trust[t.meter].asked = false;
	be_patient(r, t.meter);
	r->reading = t.meter;
	e = meter_read(r->bus, m->model, &m->at, t.kind == TASK_CONFIG ? CLASS_CONFIG : CLASS_LIVE,
		&g, &why);
	o = outcome_of(e, &why);
	learn(r, t.meter, &why);
	watch_breaks(r);
	schedule_done(&r->schedule, &t, o, began, mono_ms());
	if (t.kind == TASK_CONFIG)
		took_settings(r, t.meter, e, &g, &why);
	else if (e == ERR_OK && is_believed(r, t.meter, &g))
		took_reading(r, t.meter, &g);
	if (o == OUTCOME_NO_ANSWER)
		doubt(r, t.meter);
	if (e != ERR_OK && (t.kind == TASK_LIVE || o != OUTCOME_REFUSED))
		report_failure(r, t.meter, &why);
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
		o = run_read(r, &t);
		works = o == OUTCOME_ANSWERED || o == OUTCOME_REFUSED;
		if (!bus_is_connected(r->bus) || bus_connects(r->bus) != connects)
			return; /* the old one was dead */
	}
	if (!works) {
		log_info("gateway=%s dialled in anew", r->plant.code);
		bus_hang_up(r->bus);
		doubt_all(r);
		schedule_anew(&r->schedule, mono_ms());
		return;
	}
	log_warn("gateway=%s dialled in twice at the same time: the second is refused",
		r->plant.code);
	reception_refuse(r->ends.reception, r->plant.gateway_id);
	r->twin_at = mono_ms();
}

static void look_at_reception(struct runner *r)
{
	if (!r->ends.reception || !reception_waits(r->ends.reception, r->plant.gateway_id))
		return;
	if (bus_is_connected(r->bus))
		settle_rivals(r);
	else
		schedule_knock(&r->schedule, mono_ms());
}

/* ---- acts ---- */

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

	bus_patience(r->bus, 0);
	if (meter_read_supply(r->bus, m->model, &m->at, g, why) != ERR_OK)
		return false;
	show_moving(j, m->model, g);
	watch_breaks(r);
	model_plan(m->model, CLASS_LIVE, &n);
	if (n != 1) {
		schedule_want(&r->schedule, j->meter);
		return true;
	}
	schedule_done(&r->schedule, &t, OUTCOME_ANSWERED, began, mono_ms());
	if (is_believed(r, j->meter, g))
		report_reading(r, j->meter, g);
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
	const char *refusal = order_refusal(j->order);
	enum err e;

	if (refusal) {
		drop(r, j, refusal);
		return;
	}
	bus_patience(r->bus, 0); /* nothing is worse than an act of which nobody knows */
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
	struct order_result result = { .final = true, .result = ACT_RESULT_DONE };
	struct bus_error why = { 0 };
	const char *refusal = order_refusal(j->order);
	enum err e = ERR_OK;

	if (refusal) {
		drop(r, j, refusal);
		return;
	}
	bus_patience(r->bus, 0);
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
	if (e != ERR_OK)
		result.result = e == ERR_REFUSED ? ACT_RESULT_REFUSED : ACT_RESULT_UNKNOWN;
	schedule_want(&r->schedule, j->meter);
	give_back(r, j, &result);
}

/* Writes a setting; what became of it is looked at next by whoever asked. */
static void job_set(struct runner *r, struct job *j)
{
	const struct plant_meter *m = &r->plant.meters[j->meter];
	const struct bus_permit permit = { may_send, j->order };
	struct order_result result = { .final = true, .result = ACT_RESULT_DONE };
	struct bus_error why = { 0 };
	const char *refusal = order_refusal(j->order);
	enum err e;

	if (refusal) {
		drop(r, j, refusal);
		return;
	}
	e = meter_setting_write(
		r->bus, m->model, &m->at, j->order->setting, j->order->text, &permit, &why);
	log_info("meter=%s %s \"%s\" sent answer=%s %s", m->code,
		meter_setting_word(j->order->setting), j->order->text, err_word(e), why.text);
	snprintf(j->error, sizeof(j->error), "%s", why.text);
	if (e == ERR_NOT_CONFIGURED || e == ERR_BAD_VALUE) {
		result.result = ACT_RESULT_REFUSED; /* by its model: the meter is not asked */
	} else if (e != ERR_OK && !why.sent) {
		drop(r, j, why.text);
		return;
	} else if (e != ERR_OK) {
		result.result = e == ERR_REFUSED ? ACT_RESULT_REFUSED : ACT_RESULT_UNKNOWN;
	}
	give_back(r, j, &result);
}

static void job_look_setting(struct runner *r, struct job *j)
{
	const struct plant_meter *m = &r->plant.meters[j->meter];
	struct order_result result = { .final = true, .result = ACT_RESULT_DONE };
	struct bus_error why = { 0 };
	enum err e =
		meter_setting_read(r->bus, m->model, &m->at, j->order->setting, result.told, &why);

	if (e != ERR_OK) {
		result.result = e == ERR_REFUSED || e == ERR_NOT_CONFIGURED ? ACT_RESULT_REFUSED
									    : ACT_RESULT_UNKNOWN;
		snprintf(j->error, sizeof(j->error), "%s", why.text);
	}
	give_back(r, j, &result);
}

static struct job *next_job(struct runner *r)
{
	struct job *first = NULL;

	for (GList *l = r->jobs.head; l; l = l->next) {
		struct job *j = l->data;

		if (!first || j->next_at < first->next_at)
			first = j;
	}
	return first;
}

static size_t meter_index(const struct runner *r, int64_t meter_id)
{
	size_t i = 0;

	while (i < r->plant.n && r->plant.meters[i].id != meter_id)
		i++;
	return i;
}

static void job_new(struct runner *r, struct order_out *o)
{
	struct job *j = calloc(1, sizeof(*j));

	ASSERT(j);
	j->order = o;
	j->meter = meter_index(r, o->meter_id);
	g_queue_push_tail(&r->jobs, j);
	if (j->meter == r->plant.n)
		drop(r, j, "the meter is not on this bus any more");
}

/* ---- the thread ---- */

/* Locked: what has been counted so far. */
static void health_counts(struct runner *r, const struct bus_stats *s, int64_t now)
{
	struct gateway_now *h = &r->health.now;
	int64_t span = now - r->window_start;

	h->round_ms = r->schedule.round_ms;
	r->health.last_answer = (struct utc){ utc_now().ms - (now - r->schedule.last_answer) };
	h->transactions = (int64_t)s->requests;
	h->failures = (int64_t)(s->requests - s->answers);
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
		job_new(r, o);
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
		look_at_reception(r);
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

static void run_job(struct runner *r, struct job *job)
{
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

/* Between two requests of a reading: what is due goes before the rest of it. */
static void overtake(void *ctx)
{
	struct runner *r = ctx;
	struct job *job;

	if (r->overtaking)
		return;
	r->overtaking = true;
	take_orders(r);
	job = next_job(r);
	if (job && job->next_at <= mono_ms()) {
		run_job(r, job);
		be_patient(r, r->reading);
	}
	r->overtaking = false;
}

#define TIME_EVERY_MS (INT64_C(24) * 3600 * 1000)
#define TIME_RETRY_MS 60000
#define MIDNIGHT_S 600 /* around it a set clock could repeat a day, or skip one */

static const struct model *broadcast_model(const struct runner *r)
{
	for (size_t i = 0; i < r->plant.n; i++)
		if (r->plant.meters[i].model->framing == MODEL_DLT645)
			return r->plant.meters[i].model;
	return NULL;
}

/* Meters of DL/T 645 are told the time together, once a day: there is nothing but a broadcast. */
static void tell_time(struct runner *r)
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

static void step(struct runner *r)
{
	struct job *job = next_job(r);
	struct task t = schedule_next(&r->schedule, job ? job->next_at : INT64_MAX, mono_ms());

	switch (t.kind) {
	case TASK_WAIT:
		nap(r, t.until);
		break;
	case TASK_ACT:
		ASSERT(job);	      /* an act is due only when there is a job */
		r->overtaking = true; /* it has overtaken everybody already */
		run_job(r, job);
		r->overtaking = false;
		break;
	case TASK_CONFIG:
	case TASK_LIVE:
		run_read(r, &t);
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
		tell_time(r);
		schedule_age(&r->schedule, mono_ms());
		report_aged(r);
		health_now(r);
	}
	while (!g_queue_is_empty(&r->jobs)) {
		struct job *j = g_queue_peek_head(&r->jobs);
		struct order_result unknown = { .final = true, .result = ACT_RESULT_UNKNOWN };

		if (j->phase == PHASE_SEND)
			drop(r, j, "the poller gave the bus up");
		else
			give_back(r, j, &unknown);
	}
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
	for (size_t i = 0; i < r->plant.n; i++) {
		const struct plant_meter *m = &r->plant.meters[i];

		if (!tells_serial(m->model)) {
			r->identity[i] = IDENTITY_SURE;
			r->turns[i].config_due = INT64_MAX;
		}
		r->trust[i].doubted = expected_serial(m)[0] && tells_serial(m->model);
	}
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
	size_t i = meter_index(r, meter_id);

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
	size_t i = meter_index(r, meter_id);

	if (i == r->plant.n)
		return false;
	*out = identity_get(r, i);
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
