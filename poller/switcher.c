#include "poller/switcher.h"

#include <glib.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "poller/wait.h"

#define ASK_AGAIN_MS 2000 /* after the meter had to be read before an act */
/* Pause between such readings, doubled each time: a dead meter must not slow its neighbours. */
#define WANT_MS 2000
#define WANT_MAX_MS 32000
#define DARK_SCAN_MS 5000
#define TROUBLE_MS 10000 /* after an error of the database about one supply point */

/* A supply point that the switcher is busy with, or leaves alone for a while. */
struct care {
	int64_t supply_point_id;
	struct order_out *order; /* on its way, or NULL */
	int64_t not_before;	 /* mono_ms() */
	int64_t want_at;	 /* mono_ms(): the next reading that may be asked for */
	int64_t want_pause;
	bool seen;	/* by the scan under way, with the wish of the order */
	GQueue results; /* struct order_result *, not yet in the database */
};

struct switcher {
	struct switcher_ends ends;
	struct db *db;
	GHashTable *cares; /* &care.supply_point_id -> struct care */
	GHashTable *reads; /* meter id -> read_wanted_at that was handed on */
	int64_t dark_at;   /* mono_ms(): next look for what is still dark */
	atomic_bool stop;
};

static void care_free(void *p)
{
	struct care *c = p;

	g_queue_clear_full(&c->results, free);
	order_free(&c->order);
	free(c);
}

struct switcher *switcher_open(const struct switcher_ends *ends)
{
	struct switcher *s = calloc(1, sizeof(*s));

	ASSERT(s);
	s->ends = *ends;
	s->db = db_open(ends->database);
	s->cares = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, care_free);
	s->reads = g_hash_table_new_full(g_int64_hash, g_int64_equal, free, free);
	return s;
}

void switcher_free(struct switcher **s)
{
	if (!*s)
		return;
	g_hash_table_destroy((*s)->cares);
	g_hash_table_destroy((*s)->reads);
	db_free(&(*s)->db);
	free(*s);
	*s = NULL;
}

void switcher_stop(struct switcher *s)
{
	atomic_store(&s->stop, true);
	orders_back_wake(s->ends.back);
}

static struct care *care_of(struct switcher *s, int64_t supply_point_id)
{
	struct care *c = g_hash_table_lookup(s->cares, &supply_point_id);

	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	ASSERT(c);
	c->supply_point_id = supply_point_id;
	g_queue_init(&c->results);
	g_hash_table_insert(s->cares, &c->supply_point_id, c);
	return c;
}

/* ---- results ---- */

static enum err record(struct switcher *s, const struct order_result *r)
{
	const struct order_out *o = r->order;
	struct act_end end = { .lease = o->lease,
		.act_id = o->act_id,
		.result = r->result,
		.observed = r->observed,
		.error = r->error,
		.now = r->at };

	if (r->dropped)
		return act_dropped(s->db, &o->lease, o->act_id, r->error, r->at);
	return act_end(s->db, &end);
}

static const char *result_text(const struct order_result *r)
{
	static const char *const words[] = { "done", "refused", "unknown", "moving" };

	return r->dropped ? "not_sent" : words[r->result];
}

static void recorded(struct switcher *s, struct care *c, const struct order_result *r)
{
	log_info("supply_point=%" PRId64 " act=%" PRId64 " %s result=%s observed=%s %s",
		c->supply_point_id, r->order->act_id, r->order->on ? "on" : "off", result_text(r),
		r->observed, r->error);
	if (!r->final)
		return;
	if (r->result == ACT_RESULT_UNKNOWN && !r->dropped)
		fleet_want(s->ends.fleet, r->order->meter_id);
	order_free(&c->order);
	c->not_before = 0;
}

/* Writes down what is known, in order. False: the database is away; what is left waits. */
static bool record_all(struct switcher *s, struct care *c)
{
	struct order_result *r;

	while ((r = g_queue_peek_head(&c->results))) {
		enum err e = record(s, r);

		if (e == ERR_UNAVAILABLE)
			return false;
		if (e == ERR_FENCED)
			holdings_lose(s->ends.holdings, &r->order->lease);
		else if (e != ERR_OK)
			log_error("act=%" PRId64 " result not stored: %s", r->order->act_id,
				err_word(e));
		recorded(s, c, r);
		free(g_queue_pop_head(&c->results));
	}
	return true;
}

static void take_result(struct switcher *s, const struct order_result *r)
{
	struct care *c = care_of(s, r->order->supply_point_id);
	struct order_result *copy = malloc(sizeof(*copy));

	ASSERT(copy);
	*copy = *r;
	g_queue_push_tail(&c->results, copy);
	record_all(s, c);
}

/* ---- work ---- */

static void read_first(struct switcher *s, struct care *c, int64_t meter_id)
{
	int64_t now = mono_ms();

	c->not_before = now + ASK_AGAIN_MS;
	if (now < c->want_at)
		return;
	fleet_want(s->ends.fleet, meter_id);
	c->want_pause = c->want_pause ? c->want_pause * 2 : WANT_MS;
	if (c->want_pause > WANT_MAX_MS)
		c->want_pause = WANT_MAX_MS;
	c->want_at = now + c->want_pause;
}

static void begin(struct switcher *s, struct care *c, const struct act_due *d)
{
	struct act_ask ask = { .supply_point_id = d->supply_point_id,
		.mass_trip_limit = s->ends.mass_trip_limit,
		.now = utc_now() };
	int64_t asked = mono_ms();
	struct fleet_meter m;
	struct act_order order;
	enum err e;

	if (!fleet_meter(s->ends.fleet, d->gateway_id, d->meter_id, &m) ||
		!holdings_get(s->ends.holdings, m.group_id, &ask.lease))
		return; /* somebody else's */
	ask.identity = m.identity;
	ask.settle_ms = m.settle_ms;
	e = act_begin(s->db, &ask, &order);
	if (e == ERR_FENCED)
		holdings_lose(s->ends.holdings, &ask.lease);
	if (e != ERR_OK) {
		c->not_before = mono_ms() + (e == ERR_UNAVAILABLE ? 1000 : TROUBLE_MS);
		return;
	}
	if (order.answer == ANSWER_READ)
		read_first(s, c, d->meter_id);
	if (order.answer != ANSWER_GO)
		return;
	c->want_pause = 0;
	c->order = order_new();
	c->order->act_id = order.act_id;
	c->order->supply_point_id = d->supply_point_id;
	c->order->meter_id = order.meter_id;
	c->order->lease = ask.lease;
	c->order->on = order.on;
	if (!order.on)
		c->order->permit_until = asked + GATE_PERMIT_MS;
	if (fleet_order(s->ends.fleet, d->gateway_id, c->order))
		return;
	take_result(s, &(struct order_result){ .order = c->order,
			       .final = true,
			       .dropped = true,
			       .error = "the bus is not here any more",
			       .at = utc_now() });
}

/* An order is still good when this look, begun then, finds its wish unchanged. */
static void confirm(struct care *c, const struct act_due *d, int64_t began)
{
	c->seen = c->order->on == str_eq(d->desired, "on");
	if (c->seen)
		order_confirm(c->order, began);
}

static void unsee_all(struct switcher *s)
{
	GHashTableIter it;
	gpointer value;

	g_hash_table_iter_init(&it, s->cares);
	while (g_hash_table_iter_next(&it, NULL, &value))
		((struct care *)value)->seen = false;
}

static void forget_unseen(struct switcher *s)
{
	GHashTableIter it;
	gpointer value;

	g_hash_table_iter_init(&it, s->cares);
	while (g_hash_table_iter_next(&it, NULL, &value)) {
		struct care *c = value;

		if (c->order && !c->seen)
			order_cancel(c->order);
		if (!c->order && g_queue_is_empty(&c->results) && !c->seen)
			g_hash_table_iter_remove(&it);
	}
}

static enum err scan_acts(struct switcher *s)
{
	AUTO(rows_free) struct rows due = { 0 };
	int64_t began = mono_ms();
	enum err e = acts_due(s->db, &due);
	const struct act_due *d = due.at;
	struct utc now = utc_now();

	if (e != ERR_OK)
		return e;
	unsee_all(s);
	for (size_t i = 0; i < due.n; i++) {
		struct care *c = care_of(s, d[i].supply_point_id);

		c->seen = true;
		if (c->order)
			confirm(c, &d[i], began);
	}
	forget_unseen(s);
	for (size_t i = 0; i < due.n; i++) {
		struct care *c = care_of(s, d[i].supply_point_id);

		if (!c->order && d[i].try_at.ms <= now.ms && c->not_before <= mono_ms())
			begin(s, c, &d[i]);
	}
	return ERR_OK;
}

static bool is_new_wish(struct switcher *s, const struct read_wanted *w)
{
	int64_t *told = g_hash_table_lookup(s->reads, &w->meter_id);
	int64_t *key, *value;

	if (told && *told == w->read_wanted_at.ms)
		return false;
	key = malloc(sizeof(*key));
	value = malloc(sizeof(*value));
	ASSERT(key && value);
	*key = w->meter_id;
	*value = w->read_wanted_at.ms;
	g_hash_table_insert(s->reads, key, value);
	return true;
}

static enum err scan_reads(struct switcher *s)
{
	AUTO(rows_free) struct rows wanted = { 0 };
	enum err e = reads_wanted(s->db, utc_now(), &wanted);
	const struct read_wanted *w = wanted.at;

	for (size_t i = 0; e == ERR_OK && i < wanted.n; i++)
		if (is_new_wish(s, &w[i]))
			fleet_want(s->ends.fleet, w[i].meter_id);
	return e;
}

static enum err scan_dark(struct switcher *s)
{
	if (mono_ms() < s->dark_at)
		return ERR_OK;
	s->dark_at = mono_ms() + DARK_SCAN_MS;
	return supplies_wrong(s->db, utc_now());
}

/* Results that could not be stored are tried again. False: still no database. */
static bool store_waiting(struct switcher *s)
{
	GHashTableIter it;
	gpointer value;

	g_hash_table_iter_init(&it, s->cares);
	while (g_hash_table_iter_next(&it, NULL, &value))
		if (!record_all(s, value))
			return false;
	return true;
}

/* Drains results until the next scan is due. */
static void wait_results(struct switcher *s, int64_t deadline)
{
	struct order_result r;

	while (!atomic_load(&s->stop) && orders_back_take(s->ends.back, deadline, &r))
		take_result(s, &r);
}

static bool busy(struct switcher *s)
{
	GHashTableIter it;
	gpointer value;

	g_hash_table_iter_init(&it, s->cares);
	while (g_hash_table_iter_next(&it, NULL, &value))
		if (((struct care *)value)->order)
			return true;
	return false;
}

/* The buses have ended: what they still had is on its way back. */
static void finish(struct switcher *s)
{
	int64_t deadline = mono_ms() + SWITCHER_END_MS;
	struct order_result r;

	while (busy(s) && mono_ms() < deadline)
		if (orders_back_take(s->ends.back, deadline, &r))
			take_result(s, &r);
}

void switcher_run(struct switcher *s)
{
	int64_t next = mono_ms();

	log_context("switcher");
	while (!atomic_load(&s->stop)) {
		enum err e = ERR_UNAVAILABLE;

		if (store_waiting(s))
			e = scan_acts(s);
		if (e == ERR_OK)
			e = scan_reads(s);
		if (e == ERR_OK)
			e = scan_dark(s);
		next += SWITCHER_SCAN_MS;
		if (next < mono_ms())
			next = mono_ms() + (e == ERR_OK ? SWITCHER_SCAN_MS / 2 : 500);
		wait_results(s, next);
	}
	finish(s);
	db_thread_end();
}
