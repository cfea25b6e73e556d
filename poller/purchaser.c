#include "poller/purchaser.h"

#include <stdlib.h>

struct purchaser {
	struct deals *deals;
};

/* The money follows in domain/credit.h; here it is only known what the wire said. */
static enum err store(struct deals *ds, void *ctx, struct deal *d)
{
	const struct order_result *r = &d->result;
	enum err e = purchase_sent(
		deals_db(ds), &d->order->lease, d->id, deal_result(r), r->error, utc_now());

	(void)ctx;
	if (e == ERR_UNAVAILABLE)
		return e;
	fleet_want(deals_ends(ds)->fleet, d->order->meter_id);
	d->want_pause = d->not_before = 0;
	return e;
}

static void send(struct deals *ds, struct deal *d, const struct purchase_due *due,
	const struct purchase_order *o, const struct lease *lease)
{
	struct order_out *order = deal_order(ds, d, due->meter_id, lease);

	order->kind = ORDER_SELL;
	order->release = o->release;
	order->count = o->count;
	order->milli = o->milli;
	order->permit_until = mono_ms() + PURCHASE_FRESH_MS;
	deals_send(ds, d, due->gateway_id);
}

static void begin(struct deals *ds, struct deal *d, const struct purchase_due *due)
{
	const struct deals_ends *ends = deals_ends(ds);
	struct purchase_ask ask = { .purchase_id = due->purchase_id, .now = utc_now() };
	struct purchase_order order;
	struct fleet_meter m;
	enum err e;

	if (!fleet_meter(ends->fleet, due->gateway_id, due->meter_id, &m) ||
		!holdings_get(ends->holdings, m.group_id, &ask.lease))
		return; /* somebody else's */
	ask.identity = m.identity;
	e = purchase_begin(deals_db(ds), &ask, &order);
	if (e == ERR_FENCED)
		holdings_lose(ends->holdings, &ask.lease);
	if (e != ERR_OK)
		d->not_before = mono_ms() + DEALS_TROUBLE_MS;
	else if (order.answer == PURCHASE_READ_FIRST && deal_may_read(d))
		fleet_want(ends->fleet, due->meter_id);
	else if (order.answer == PURCHASE_GO)
		send(ds, d, due, &order, &ask.lease);
}

static enum err scan(struct deals *ds, void *ctx)
{
	AUTO(rows_free) struct rows rows = { 0 };
	int64_t began = mono_ms();
	enum err e = purchases_due(deals_db(ds), &rows);
	const struct purchase_due *due = rows.at;
	struct utc now = utc_now();

	(void)ctx;
	if (e != ERR_OK)
		return e;
	deals_unsee(ds);
	for (size_t i = 0; i < rows.n; i++) {
		struct deal *d = deal_of(ds, due[i].purchase_id);

		d->seen = true;
		if (d->order)
			order_confirm(d->order, began);
		else if (due[i].try_at.ms <= now.ms && d->not_before <= mono_ms())
			begin(ds, d, &due[i]);
	}
	deals_forget(ds);
	return ERR_OK;
}

struct purchaser *purchaser_open(const struct deals_ends *ends)
{
	static const struct deals_acts acts = { "purchaser", PURCHASER_SCAN_MS, scan, store };
	struct purchaser *p = calloc(1, sizeof(*p));

	ASSERT(p);
	p->deals = deals_open(ends, &acts, p);
	return p;
}

void purchaser_free(struct purchaser **p)
{
	if (!*p)
		return;
	deals_free(&(*p)->deals);
	free(*p);
	*p = NULL;
}

void purchaser_run(struct purchaser *p)
{
	deals_run(p->deals);
}

void purchaser_stop(struct purchaser *p)
{
	deals_stop(p->deals);
}
