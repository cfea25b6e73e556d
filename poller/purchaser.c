#include "poller/purchaser.h"

#include <glib.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "domain/purchase.h"

/* What a meter can take off its credit in an hour at the very most: 100 kW at 2 yuan, and more in
 * kWh or m3 than such meters can carry. Thousandths of the credit unit. */
#define MOST_PER_HOUR 200000
/* Between readings that are asked for, doubled each time: a dead meter must not slow its bus. */
#define WANT_MS 1000
#define WANT_MAX_MS 32000
#define TROUBLE_MS 5000

/* A purchase that is not over. */
struct deal {
	int64_t purchase_id;
	struct order_out *order; /* on its way, or NULL */
	int64_t not_before;	 /* mono_ms() */
	int64_t want_at;	 /* mono_ms(): the next reading that may be asked for */
	int64_t want_pause;
	bool seen; /* by the scan under way */
	bool has_result;
	struct order_result result; /* not yet in the database */
};

struct purchaser {
	struct purchaser_ends ends;
	struct db *db;
	struct orders_back *back;
	GHashTable *deals; /* &deal.purchase_id -> struct deal */
	atomic_bool stop;
};

static void deal_free(void *p)
{
	struct deal *d = p;

	order_free(&d->order);
	free(d);
}

struct purchaser *purchaser_open(const struct purchaser_ends *ends)
{
	struct purchaser *p = calloc(1, sizeof(*p));

	ASSERT(p);
	p->ends = *ends;
	p->db = db_open(ends->database);
	p->back = orders_back_open();
	p->deals = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, deal_free);
	return p;
}

void purchaser_free(struct purchaser **p)
{
	if (!*p)
		return;
	g_hash_table_destroy((*p)->deals);
	orders_back_free(&(*p)->back);
	db_free(&(*p)->db);
	free(*p);
	*p = NULL;
}

void purchaser_stop(struct purchaser *p)
{
	atomic_store(&p->stop, true);
	orders_back_wake(p->back);
}

static struct deal *deal_of(struct purchaser *p, int64_t purchase_id)
{
	struct deal *d = g_hash_table_lookup(p->deals, &purchase_id);

	if (d)
		return d;
	d = calloc(1, sizeof(*d));
	ASSERT(d);
	d->purchase_id = purchase_id;
	g_hash_table_insert(p->deals, &d->purchase_id, d);
	return d;
}

/* ---- results ---- */

static enum purchase_result result_of(const struct order_result *r)
{
	if (r->dropped)
		return PURCHASE_NOT_SENT;
	if (r->result == ACT_RESULT_DONE)
		return PURCHASE_WRITTEN;
	return r->result == ACT_RESULT_REFUSED ? PURCHASE_REFUSED : PURCHASE_LOST;
}

/* Writes down what is known. False: the database is away; it waits. */
static bool record(struct purchaser *p, struct deal *d)
{
	const struct order_result *r = &d->result;
	enum err e;

	if (!d->has_result)
		return true;
	e = purchase_sent(
		p->db, &d->order->lease, d->purchase_id, result_of(r), r->error, utc_now());
	if (e == ERR_UNAVAILABLE)
		return false;
	if (e == ERR_FENCED)
		holdings_lose(p->ends.holdings, &d->order->lease);
	else if (e != ERR_OK)
		log_error(
			"purchase=%" PRId64 " result not stored: %s", d->purchase_id, err_word(e));
	d->has_result = false;
	fleet_want(p->ends.fleet, d->order->meter_id);
	order_free(&d->order);
	d->want_pause = d->not_before = 0;
	return true;
}

static void take_result(struct purchaser *p, const struct order_result *r)
{
	struct deal *d = deal_of(p, r->order->purchase_id);

	d->result = *r;
	d->has_result = true;
	record(p, d);
}

/* ---- work ---- */

static void read_first(struct purchaser *p, struct deal *d, int64_t meter_id)
{
	int64_t now = mono_ms();

	if (now < d->want_at)
		return;
	fleet_want(p->ends.fleet, meter_id);
	d->want_pause = d->want_pause ? d->want_pause * 2 : WANT_MS;
	if (d->want_pause > WANT_MAX_MS)
		d->want_pause = WANT_MAX_MS;
	d->want_at = now + d->want_pause;
}

static void send(struct purchaser *p, struct deal *d, const struct purchase_due *due,
	const struct purchase_order *o, const struct lease *lease)
{
	d->order = order_new();
	d->order->back = p->back;
	d->order->sells = true;
	d->order->on = true;
	d->order->release = o->release;
	d->order->purchase_id = o->purchase_id;
	d->order->meter_id = o->meter_id;
	d->order->count = o->count;
	d->order->milli = o->milli;
	d->order->lease = *lease;
	d->order->permit_until = mono_ms() + PURCHASE_FRESH_MS;
	if (fleet_order(p->ends.fleet, due->gateway_id, d->order))
		return;
	take_result(p, &(struct order_result){ .order = d->order,
			       .final = true,
			       .dropped = true,
			       .error = "the bus is not here any more" });
}

static void begin(struct purchaser *p, struct deal *d, const struct purchase_due *due)
{
	struct purchase_ask ask = {
		.purchase_id = due->purchase_id, .most_per_hour = MOST_PER_HOUR, .now = utc_now()
	};
	struct purchase_order order;
	struct fleet_meter m;
	enum err e;

	if (!fleet_meter(p->ends.fleet, due->gateway_id, due->meter_id, &m) ||
		!holdings_get(p->ends.holdings, m.group_id, &ask.lease))
		return; /* somebody else's */
	ask.identity = m.identity;
	e = purchase_begin(p->db, &ask, &order);
	if (e == ERR_FENCED)
		holdings_lose(p->ends.holdings, &ask.lease);
	if (e != ERR_OK)
		d->not_before = mono_ms() + TROUBLE_MS;
	else if (order.answer == PURCHASE_READ_FIRST)
		read_first(p, d, due->meter_id);
	else if (order.answer == PURCHASE_GO)
		send(p, d, due, &order, &ask.lease);
}

/* Purchases that are over are forgotten; an order on its way is ended by its result. */
static gboolean is_past(gpointer key, gpointer value, gpointer none)
{
	const struct deal *d = value;

	(void)key;
	(void)none;
	return !d->seen && !d->order;
}

static enum err scan(struct purchaser *p)
{
	AUTO(rows_free) struct rows rows = { 0 };
	int64_t began = mono_ms();
	enum err e = purchases_due(p->db, &rows);
	const struct purchase_due *due = rows.at;
	struct utc now = utc_now();
	GHashTableIter it;
	gpointer value;

	if (e != ERR_OK)
		return e;
	g_hash_table_iter_init(&it, p->deals);
	while (g_hash_table_iter_next(&it, NULL, &value))
		((struct deal *)value)->seen = false;
	for (size_t i = 0; i < rows.n; i++) {
		struct deal *d = deal_of(p, due[i].purchase_id);

		d->seen = true;
		if (d->order)
			order_confirm(d->order, began);
		else if (due[i].try_at.ms <= now.ms && d->not_before <= mono_ms())
			begin(p, d, &due[i]);
	}
	g_hash_table_foreach_remove(p->deals, is_past, NULL);
	return ERR_OK;
}

static bool store_waiting(struct purchaser *p)
{
	GHashTableIter it;
	gpointer value;

	g_hash_table_iter_init(&it, p->deals);
	while (g_hash_table_iter_next(&it, NULL, &value))
		if (!record(p, value))
			return false;
	return true;
}

static bool busy(struct purchaser *p)
{
	GHashTableIter it;
	gpointer value;

	g_hash_table_iter_init(&it, p->deals);
	while (g_hash_table_iter_next(&it, NULL, &value))
		if (((struct deal *)value)->order)
			return true;
	return false;
}

/* The buses have ended: what they still had is on its way back. */
static void finish(struct purchaser *p)
{
	int64_t deadline = mono_ms() + PURCHASER_END_MS;
	struct order_result r;

	while (busy(p) && mono_ms() < deadline)
		if (orders_back_take(p->back, deadline, &r))
			take_result(p, &r);
}

void purchaser_run(struct purchaser *p)
{
	struct order_result r;

	log_context("purchaser");
	while (!atomic_load(&p->stop)) {
		int64_t next = mono_ms() + PURCHASER_SCAN_MS;

		if (!store_waiting(p) || scan(p) != ERR_OK)
			next += TROUBLE_MS;
		while (!atomic_load(&p->stop) && orders_back_take(p->back, next, &r))
			take_result(p, &r);
	}
	finish(p);
	db_thread_end();
}
