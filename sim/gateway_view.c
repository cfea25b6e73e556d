#include "sim/gateway_inside.h"

const char *gateway_name(const struct gateway *g)
{
	return g->name;
}

uint16_t gateway_port(const struct gateway *g)
{
	return g->port;
}

static int64_t busy_permille(struct gateway *g)
{
	int64_t now_us = gateway_mono_us();
	int64_t seconds = now_us / 1000000 - g->started_ms / 1000;
	int64_t busy_us = 0;

	gateway_count_busy(g, now_us, now_us); /* clears the seconds that passed in silence */
	for (size_t i = 0; i < BUSY_WINDOW_S; i++)
		busy_us += g->counters.window_us[i];
	if (seconds > BUSY_WINDOW_S)
		seconds = BUSY_WINDOW_S;
	return busy_us / 1000 / (seconds > 0 ? seconds : 1);
}

json_t *gateway_stats(struct gateway *g)
{
	const struct counters *n = &g->counters;
	int clients = 0;
	json_t *stats;

	pthread_mutex_lock(&g->lock);
	for (size_t i = 0; i < GATEWAY_CLIENTS_MAX; i++)
		clients += g->clients[i].fd >= 0;
	stats = json_pack("{s:s, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "gateway",
		g->name, "port", g->port, "connections", clients, "waiting", (int)g->queue.n,
		"transactions", (json_int_t)n->transactions, "exceptions",
		(json_int_t)n->exceptions, "silent", (json_int_t)n->silent, "turned_away",
		(json_int_t)n->turned_away, "bytes_asked", (json_int_t)n->bytes_asked,
		"bytes_answered", (json_int_t)n->bytes_answered, "busy_ms",
		(json_int_t)(n->busy_us / 1000), "busy_permille", (json_int_t)busy_permille(g));
	pthread_mutex_unlock(&g->lock);
	return stats;
}

static json_t *prices_json(const struct prepaid *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < RATE__MAX; i++)
		json_array_append_new(list, json_integer(p->price_fen[i]));
	return list;
}

static const char *rate_word(const struct device *d)
{
	return meter_rate_word(tables_rate_at(&d->tables, d->now.day, d->now.second));
}

static json_t *meter_json(const struct gateway *g, const struct device *d)
{
	json_t *m = json_pack("{s:s, s:s, s:i, s:s, s:s, s:I, s:I, s:s, s:b, s:I, s:s}", "code",
		d->mall->code, "gateway", g->name, "unit", d->mall->unit, "model", d->mall->model,
		"serial", d->mall->serial, "register_milli", (json_int_t)device_register(d),
		"register_answered_milli", (json_int_t)device_register_answered(d), "relay",
		supply_word(device_supply(d)), "forced", d->forced,
		d->mall->water ? "flow_lph" : "power_w", (json_int_t)d->draw, "kind",
		load_word(d->mall->kind));

	json_object_set_new(m, "credit",
		json_pack("{s:b, s:s, s:I, s:I, s:o, s:s}", "on", d->prepaid.on, "firmware",
			d->prepaid.adds ? "add" : "set", "count", (json_int_t)d->prepaid.count,
			"fen", (json_int_t)prepaid_fen(&d->prepaid), "price_fen",
			prices_json(&d->prepaid), "rate_now", rate_word(d)));
	json_object_set_new(m, "load_w", d->load < 0 ? json_null() : json_integer(d->load));
	json_object_set_new(m, "last_write_at", json_utc(d->written_at));
	json_object_set_new(m, "clock_off_s", json_integer(d->clock_off_s));
	return m;
}

enum err gateway_meter(struct gateway *g, int unit, json_t **out)
{
	struct device *d = gateway_device(g, unit);

	if (!d)
		return ERR_NOT_FOUND;
	pthread_mutex_lock(&g->lock);
	gateway_advance(g);
	*out = meter_json(g, d);
	pthread_mutex_unlock(&g->lock);
	return ERR_OK;
}

static void change_prepaid(struct device *d, const struct meter_change *change)
{
	struct prepaid *p = &d->prepaid;

	if (change->set_adds)
		p->adds = change->adds;
	if (change->set_count)
		p->count = change->count;
	if (change->set_credit)
		p->nano = change->credit_fen * INT64_C(10000000);
	if (change->set_refuses)
		p->refuses = change->refuses;
	p->power_fails |= change->power_fails;
	p->loses |= change->loses;
	device_prepaid(d);
}

enum err gateway_change_meter(
	struct gateway *g, int unit, const struct meter_change *change, struct problem *why)
{
	struct device *d = gateway_device(g, unit);
	enum err e;

	if (!d)
		return problem_set(why, ERR_NOT_FOUND, "unit", "no such meter");
	pthread_mutex_lock(&g->lock);
	gateway_advance(g);
	if (change->set_register)
		device_set_register(d, change->register_milli);
	if (change->set_load)
		d->load = change->load;
	if (change->set_closed)
		device_set_closed(d, change->closed);
	if (change->set_clock)
		d->clock_off_s = change->clock_off_s;
	change_prepaid(d, change);
	e = gateway_save(g, SAVE_AHEAD_MS);
	pthread_mutex_unlock(&g->lock);
	return e ? problem_set(why, e, "", "the state cannot be saved") : ERR_OK;
}

enum err gateway_add_fault(struct gateway *g, const struct fault *fault)
{
	enum err e;

	pthread_mutex_lock(&g->lock);
	fault_expire(&g->faults, mono_ms());
	e = fault_add(&g->faults, fault);
	pthread_mutex_unlock(&g->lock);
	return e;
}

size_t gateway_remove_faults(struct gateway *g, int id)
{
	size_t gone;

	pthread_mutex_lock(&g->lock);
	gone = fault_remove(&g->faults, id);
	pthread_mutex_unlock(&g->lock);
	return gone;
}

static json_t *fault_json(const struct gateway *g, const struct fault *f)
{
	json_t *row = json_pack(
		"{s:i, s:s, s:s}", "id", f->id, "gateway", g->name, "kind", fault_word(f->kind));

	json_object_set_new(
		row, "unit", f->unit == FAULT_ANY_UNIT ? json_null() : json_integer(f->unit));
	if (f->kind == FAULT_GARBAGE)
		json_object_set_new(
			row, "value", json_string(garbage_word((enum garbage)f->value)));
	else if (f->kind == FAULT_CUT)
		json_object_set_new(row, "value",
			json_string(f->value == FAULT_CUT_REPLY ? "reply" : "request"));
	else if (f->kind != FAULT_SILENT)
		json_object_set_new(row, "value", json_integer(f->value));
	if (f->ends_ms != INT64_MAX)
		json_object_set_new(
			row, "seconds_left", json_integer((f->ends_ms - mono_ms() + 999) / 1000));
	return row;
}

void gateway_list_faults(struct gateway *g, json_t *list)
{
	pthread_mutex_lock(&g->lock);
	fault_expire(&g->faults, mono_ms());
	for (size_t i = 0; i < g->faults.n; i++)
		json_array_append_new(list, fault_json(g, &g->faults.items[i]));
	pthread_mutex_unlock(&g->lock);
}
