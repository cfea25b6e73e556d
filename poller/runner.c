#include "poller/runner.h"

#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rand.h"
#include "poller/wait.h"

#define STACK_BYTES ((size_t)256 * 1024)
#define RELAY_CHECK_MS 200 /* between two looks at a relay that was told to move */
#define VALVE_CHECK_MS 1000
#define SLOW_MS 5000 /* what moves longer than this is a valve */
#define UTILISATION_MS 10000

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
	/* The thread's own. */
	struct bus *bus;
	struct schedule schedule;
	struct turn *turns;
	struct meter_comm {
		enum comm comm;
		struct utc since;
		bool gateway_silent; /* as last told */
	} * told;
	GQueue jobs; /* struct job * */
	int64_t window_start, window_busy;
	/* Shared, under the gate. */
	struct gate gate;
	bool stop;
	GQueue inbox; /* struct order_out * */
	bool *wanted;
	enum identity *identity;
	struct gateway_now health;
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
	p.most_per_hour = reading_most_per_hour(m->water, m->rated_current_ma, m->model->phases,
		own ? m->ct_ratio : 1, own ? m->pt_ratio : 1);
	p.step = register_step(m, g);
	desk_put(r->ends.desk, &p);
}

static void report_failure(struct runner *r, size_t i, const struct bus_error *why)
{
	struct report p;

	comm_changed(r, i);
	p = report_of(r, i);
	snprintf(p.error, sizeof(p.error), "%s", why->text);
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

/* Is it the meter that we think it is? A model that tells no serial number cannot be mistaken. */
static void identify(struct runner *r, size_t i, const struct meter_reading *g)
{
	const struct plant_meter *m = &r->plant.meters[i];
	enum identity id = IDENTITY_UNREAD;

	if (g->serial[0] && m->serial[0])
		id = strcasecmp(without_zeros(g->serial), without_zeros(m->serial)) == 0
			     ? IDENTITY_SURE
			     : IDENTITY_OTHER;
	if (id == IDENTITY_OTHER)
		log_warn("meter=%s serial=%s expected=%s", m->code, g->serial, m->serial);
	identity_set(r, i, id);
}

static bool tells_serial(const struct model *m)
{
	for (size_t i = 0; i < m->point_count; i++)
		if (m->points[i].serial)
			return true;
	return false;
}

static void run_read(struct runner *r, const struct task *t)
{
	const struct plant_meter *m = &r->plant.meters[t->meter];
	enum point_class class = t->kind == TASK_CONFIG ? CLASS_CONFIG : CLASS_LIVE;
	struct meter_reading g = { 0 };
	struct bus_error why = { 0 };
	int64_t began = mono_ms();
	enum outcome o;
	enum err e = meter_read(r->bus, m->model, &m->at, class, &g, &why);

	o = outcome_of(e, &why);
	schedule_done(&r->schedule, t, o, began, mono_ms());
	if (t->kind == TASK_CONFIG && e == ERR_OK)
		identify(r, t->meter, &g);
	else if (t->kind == TASK_CONFIG)
		log_debug("meter=%s settings not read: %s", m->code, why.text);
	else if (e == ERR_OK)
		report_reading(r, t->meter, &g);
	if (e != ERR_OK && (t->kind == TASK_LIVE || o != OUTCOME_REFUSED))
		report_failure(r, t->meter, &why);
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
	model_plan(m->model, CLASS_LIVE, &n);
	if (n != 1) {
		schedule_want(&r->schedule, j->meter);
		return true;
	}
	schedule_done(&r->schedule, &t, OUTCOME_ANSWERED, began, mono_ms());
	report_reading(r, j->meter, g);
	return true;
}

/* Not there yet: looks again soon, and says once that a valve moves. */
static void job_wait(struct runner *r, struct job *j, struct order_result *result)
{
	bool moving = str_eq(result->observed, supply_word(SUPPLY_MOVING));
	bool slow = r->plant.meters[j->meter].model->limits.settle_ms > SLOW_MS;

	j->next_at = mono_ms() + (slow ? VALVE_CHECK_MS : RELAY_CHECK_MS);
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

static void health_now(struct runner *r)
{
	struct bus_stats s = bus_stats(r->bus);
	int64_t now = mono_ms(), span = now - r->window_start;
	enum comm was;

	gate_lock(&r->gate);
	was = str_eq(r->health.comm, "silent") ? COMM_SILENT : COMM_OK;
	if ((r->schedule.comm == COMM_SILENT) != (was == COMM_SILENT) ||
		(r->schedule.comm == COMM_OK && str_eq(r->health.comm, "never"))) {
		r->health.comm_since = utc_now();
		log_info("gateway=%s comm=%s", r->plant.code, comm_word(r->schedule.comm));
	}
	snprintf(r->health.comm, sizeof(r->health.comm), "%s", comm_word(r->schedule.comm));
	r->health.round_ms = r->schedule.round_ms;
	r->health.transactions = (int64_t)s.requests;
	r->health.failures = (int64_t)(s.requests - s.answers);
	if (span >= UTILISATION_MS) {
		r->health.utilisation_permille = (s.busy_ms - r->window_busy) * 1000 / span;
		r->window_start = now;
		r->window_busy = s.busy_ms;
	}
	gate_unlock(&r->gate);
}

/* Takes what others have left for this bus. False: it is to end. */
static bool collect(struct runner *r)
{
	struct order_out *o;
	bool stop;

	gate_lock(&r->gate);
	stop = r->stop;
	while ((o = g_queue_pop_head(&r->inbox)))
		job_new(r, o);
	for (size_t i = 0; i < r->plant.n; i++)
		if (r->wanted[i]) {
			r->wanted[i] = false;
			schedule_want(&r->schedule, i);
		}
	gate_unlock(&r->gate);
	return !stop;
}

static bool has_mail(struct runner *r)
{
	bool wanted = false;

	for (size_t i = 0; i < r->plant.n && !wanted; i++)
		wanted = r->wanted[i];
	return r->stop || wanted || !g_queue_is_empty(&r->inbox);
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

static void step(struct runner *r)
{
	struct job *job = next_job(r);
	struct task t = schedule_next(&r->schedule, job ? job->next_at : INT64_MAX, mono_ms());

	switch (t.kind) {
	case TASK_WAIT:
		nap(r, t.until);
		break;
	case TASK_ACT:
		ASSERT(job); /* an act is due only when there is a job */
		if (job->order->sells)
			job_sell(r, job);
		else if (job->phase == PHASE_SEND)
			job_send(r, job);
		else
			job_check(r, job);
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
	}
	schedule_open(&r->schedule, r->turns, r->plant.n, r->ends.period_ms,
		rand_below(UINT32_MAX) + 1, r->plant.comm, mono_ms());
	for (size_t i = 0; i < r->plant.n; i++)
		if (!tells_serial(r->plant.meters[i].model)) {
			r->identity[i] = IDENTITY_SURE;
			r->turns[i].config_due = INT64_MAX;
		}
}

static void runner_free(struct runner *r)
{
	bus_close(&r->bus);
	plant_bus_free(&r->plant);
	free(r->turns);
	free(r->told);
	free(r->wanted);
	free(r->identity);
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

enum err runner_start(struct plant_bus *plant, const struct runner_ends *ends, struct runner **out)
{
	struct problem why = { 0 };
	struct bus *bus = NULL;
	struct runner *r;
	enum err e = bus_open(&plant->settings, &bus, &why);

	if (e != ERR_OK) {
		log_warn("gateway=%s left out: %s", plant->code, why.text);
		return e;
	}
	r = zeros(1, sizeof(*r));
	gate_init(&r->gate);
	g_queue_init(&r->jobs);
	g_queue_init(&r->inbox);
	r->plant = *plant;
	r->ends = *ends;
	r->bus = bus;
	r->turns = zeros(plant->n, sizeof(*r->turns));
	r->told = zeros(plant->n, sizeof(*r->told));
	r->wanted = zeros(plant->n, sizeof(*r->wanted));
	r->identity = zeros(plant->n, sizeof(*r->identity));
	r->window_start = mono_ms();
	r->health = (struct gateway_now){ .gateway_id = plant->gateway_id,
		.comm_since = plant->comm_since };
	snprintf(r->health.comm, sizeof(r->health.comm), "%s", comm_word(plant->comm));
	remember(r);
	*plant = (struct plant_bus){ 0 };
	e = thread_start(r);
	if (e != ERR_OK) {
		runner_free(r);
		return e;
	}
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

void runner_join(struct runner **r)
{
	struct order_out *o;

	if (!*r)
		return;
	runner_stop(*r);
	pthread_join((*r)->thread, NULL);
	while ((o = g_queue_pop_head(&(*r)->inbox))) /* came after the last look */
		orders_back_put(o->back ? o->back : (*r)->ends.back,
			&(struct order_result){ .order = o,
				.final = true,
				.dropped = true,
				.error = "the poller gave the bus up",
				.at = utc_now() });
	runner_free(*r);
	*r = NULL;
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

bool runner_identity(struct runner *r, int64_t meter_id, enum identity *out, int *settle_ms)
{
	size_t i = meter_index(r, meter_id);

	if (i == r->plant.n)
		return false;
	*out = identity_get(r, i);
	*settle_ms = r->plant.meters[i].model->limits.settle_ms;
	return true;
}

void runner_order(struct runner *r, struct order_out *o)
{
	gate_lock(&r->gate);
	g_queue_push_tail(&r->inbox, o);
	gate_wake(&r->gate);
	gate_unlock(&r->gate);
}

void runner_health(struct runner *r, struct gateway_now *out)
{
	gate_lock(&r->gate);
	*out = r->health;
	gate_unlock(&r->gate);
	out->updated_at = utc_now();
}
