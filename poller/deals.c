#include "poller/deals.h"

#include <glib.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"

#define WANT_MS 1000
#define WANT_MAX_MS 32000
#define SOON_MS 50 /* after a result: what comes next need not wait for the next scan */

struct deals {
	struct deals_ends ends;
	struct deals_acts acts;
	void *ctx;
	struct db *db;
	struct orders_back *back;
	GHashTable *list; /* &deal.id -> struct deal */
	atomic_bool stop;
};

static void deal_free(void *p)
{
	struct deal *d = p;

	order_free(&d->order);
	free(d);
}

struct deals *deals_open(const struct deals_ends *ends, const struct deals_acts *acts, void *ctx)
{
	struct deals *ds = calloc(1, sizeof(*ds));

	ASSERT(ds);
	ds->ends = *ends;
	ds->acts = *acts;
	ds->ctx = ctx;
	ds->db = db_open(ends->database);
	ds->back = orders_back_open();
	ds->list = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, deal_free);
	return ds;
}

void deals_free(struct deals **ds)
{
	if (!*ds)
		return;
	g_hash_table_destroy((*ds)->list);
	orders_back_free(&(*ds)->back);
	db_free(&(*ds)->db);
	free(*ds);
	*ds = NULL;
}

struct db *deals_db(struct deals *ds)
{
	return ds->db;
}

const struct deals_ends *deals_ends(const struct deals *ds)
{
	return &ds->ends;
}

void deals_stop(struct deals *ds)
{
	atomic_store(&ds->stop, true);
	orders_back_wake(ds->back);
}

struct deal *deal_of(struct deals *ds, int64_t id)
{
	struct deal *d = g_hash_table_lookup(ds->list, &id);

	if (d)
		return d;
	d = calloc(1, sizeof(*d));
	ASSERT(d);
	d->id = id;
	g_hash_table_insert(ds->list, &d->id, d);
	return d;
}

bool deal_may_read(struct deal *d)
{
	int64_t now = mono_ms();

	if (now < d->want_at)
		return false;
	d->want_pause = d->want_pause ? d->want_pause * 2 : WANT_MS;
	if (d->want_pause > WANT_MAX_MS)
		d->want_pause = WANT_MAX_MS;
	d->want_at = now + d->want_pause;
	return true;
}

enum purchase_result deal_result(const struct order_result *r)
{
	if (r->dropped)
		return PURCHASE_NOT_SENT;
	if (r->result == ACT_RESULT_DONE)
		return PURCHASE_WRITTEN;
	return r->result == ACT_RESULT_REFUSED ? PURCHASE_REFUSED : PURCHASE_LOST;
}

/* Writes down what is known. False: the database is away; it waits. */
static bool record(struct deals *ds, struct deal *d)
{
	enum err e;

	if (!d->has_result)
		return true;
	e = ds->acts.store(ds, ds->ctx, d);
	if (e == ERR_UNAVAILABLE)
		return false;
	if (e == ERR_FENCED)
		holdings_lose(ds->ends.holdings, &d->order->lease);
	else if (e != ERR_OK)
		log_error("deal=%" PRId64 " result not stored: %s", d->id, err_word(e));
	d->has_result = false;
	order_free(&d->order);
	return true;
}

static void take_result(struct deals *ds, const struct order_result *r)
{
	struct deal *d = deal_of(ds, r->order->deal_id);

	d->result = *r;
	d->has_result = true;
	record(ds, d);
}

struct order_out *deal_order(
	struct deals *ds, struct deal *d, int64_t meter_id, const struct lease *lease)
{
	struct order_out *o = order_new();

	o->back = ds->back;
	o->deal_id = d->id;
	o->meter_id = meter_id;
	o->lease = *lease;
	o->on = true; /* no cut: needs no further look before it is sent */
	d->order = o;
	return o;
}

void deals_send(struct deals *ds, struct deal *d, int64_t gateway_id)
{
	if (fleet_order(ds->ends.fleet, gateway_id, d->order))
		return;
	take_result(ds, &(struct order_result){ .order = d->order,
				.final = true,
				.dropped = true,
				.error = "the bus is not here any more" });
}

void deals_unsee(struct deals *ds)
{
	GHashTableIter it;
	gpointer value;

	g_hash_table_iter_init(&it, ds->list);
	while (g_hash_table_iter_next(&it, NULL, &value))
		((struct deal *)value)->seen = false;
}

/* Deals that are over; an order on its way is ended by its result. */
static gboolean is_past(gpointer key, gpointer value, gpointer none)
{
	const struct deal *d = value;

	(void)key;
	(void)none;
	return !d->seen && !d->order;
}

void deals_forget(struct deals *ds)
{
	g_hash_table_foreach_remove(ds->list, is_past, NULL);
}

static bool store_waiting(struct deals *ds)
{
	GHashTableIter it;
	gpointer value;

	g_hash_table_iter_init(&it, ds->list);
	while (g_hash_table_iter_next(&it, NULL, &value))
		if (!record(ds, value))
			return false;
	return true;
}

static bool busy(struct deals *ds)
{
	GHashTableIter it;
	gpointer value;

	g_hash_table_iter_init(&it, ds->list);
	while (g_hash_table_iter_next(&it, NULL, &value))
		if (((struct deal *)value)->order)
			return true;
	return false;
}

/* The buses have ended: what they still had is on its way back. */
static void finish(struct deals *ds)
{
	int64_t deadline = mono_ms() + DEALS_END_MS;
	struct order_result r;

	while (busy(ds) && mono_ms() < deadline)
		if (orders_back_take(ds->back, deadline, &r))
			take_result(ds, &r);
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void deals_run(struct deals *ds)
{
	struct order_result r;

	log_context(ds->acts.name);
	while (!atomic_load(&ds->stop)) {
		int64_t next = mono_ms() + ds->acts.scan_ms;

		if (!store_waiting(ds) || ds->acts.scan(ds, ds->ctx) != ERR_OK)
			next = mono_ms() + DEALS_TROUBLE_MS;
		while (!atomic_load(&ds->stop) && orders_back_take(ds->back, next, &r)) {
			take_result(ds, &r);
			next = sooner(next, mono_ms() + SOON_MS);
		}
	}
	finish(ds);
	db_thread_end();
}
