#include "poller/setter.h"

#include <glib.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "domain/metersetting.h"
#include "domain/tariffs.h"
#include "rules/hold.h"

/* When something is read again without anybody asking. */
struct turn_of {
	int64_t id;  /* of a deal, or of a gateway */
	int64_t due; /* mono_ms() */
	int64_t pause;
};

struct setter {
	struct deals *deals;
	struct tariffs *tariffs;
	GHashTable *looks; /* by deal */
	GHashTable *buses; /* by gateway */
	int64_t sweep_at;
	int64_t look_ms;
};

static int64_t deal_id(int64_t meter_id, enum meter_setting kind)
{
	return meter_id * METER_SETTING__MAX + (int64_t)kind;
}

static struct turn_of *turn_of(GHashTable *table, int64_t id)
{
	struct turn_of *t = g_hash_table_lookup(table, &id);

	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	ASSERT(t);
	t->id = id;
	g_hash_table_insert(table, &t->id, t);
	return t;
}

/* ---- orders and what came of them ---- */

/* Where a meter is, under which lease; false: with somebody else. */
static bool find(struct deals *ds, int64_t gateway_id, int64_t meter_id, struct fleet_meter *m,
	struct lease *lease)
{
	const struct deals_ends *ends = deals_ends(ds);

	return fleet_meter(ends->fleet, gateway_id, meter_id, m) &&
	       holdings_get(ends->holdings, m->group_id, lease);
}

static struct order_out *order_of(struct deals *ds, struct deal *d, const struct fleet_meter *m,
	const struct lease *lease, enum order_kind kind)
{
	struct order_out *o = deal_order(ds, d, d->id / METER_SETTING__MAX, lease);

	o->kind = kind;
	o->device = m->device;
	o->setting = (enum meter_setting)(d->id % METER_SETTING__MAX);
	return o;
}

static struct metersetting_ask ask_of(const struct order_out *o)
{
	return (struct metersetting_ask){
		.lease = o->lease, .meter_id = o->meter_id, .kind = o->setting, .now = utc_now()
	};
}

static enum err store_look(struct deals *ds, struct setter *s, struct deal *d)
{
	const struct order_out *o = d->order;
	struct turn_of *look = turn_of(s->looks, d->id);
	struct metersetting_seen seen = { o->meter_id, o->device, o->setting, d->result.told,
		d->result.at };

	if (d->result.dropped || d->result.result != ACT_RESULT_DONE) {
		look->pause = look->pause ? look->pause * 2 : SETTER_AGAIN_MS;
		if (look->pause > SETTER_AGAIN_MAX_MS)
			look->pause = SETTER_AGAIN_MAX_MS;
		look->due = mono_ms() + look->pause;
		return ERR_OK;
	}
	look->pause = 0;
	look->due = mono_ms() + s->look_ms;
	return metersetting_observe(deals_db(ds), &o->lease, &seen);
}

static enum err store(struct deals *ds, void *ctx, struct deal *d)
{
	struct metersetting_ask ask = ask_of(d->order);
	enum err e;

	if (d->order->kind == ORDER_LOOK)
		return store_look(ds, ctx, d);
	e = metersetting_sent(deals_db(ds), &ask, deal_result(&d->result), d->result.error);
	if (e != ERR_UNAVAILABLE)
		d->want_at = d->want_pause = d->not_before = 0;
	return e;
}

static void look(struct deals *ds, struct deal *d, int64_t gateway_id, const struct fleet_meter *m,
	const struct lease *lease)
{
	order_of(ds, d, m, lease, ORDER_LOOK);
	deals_send(ds, d, gateway_id);
}

/* ---- what is on its way ---- */

static void begin(struct deals *ds, struct deal *d, const struct metersetting_due *due)
{
	struct metersetting_ask ask = { .meter_id = due->meter_id,
		.kind = (enum meter_setting)(d->id % METER_SETTING__MAX),
		.now = utc_now() };
	struct metersetting_order order;
	struct order_out *o;
	struct fleet_meter m;
	enum err e;

	if (!find(ds, due->gateway_id, due->meter_id, &m, &ask.lease) ||
		m.identity != IDENTITY_SURE)
		return; /* somebody else's, or somebody else */
	ask.identity = m.identity;
	e = metersetting_begin(deals_db(ds), &ask, &order);
	if (e == ERR_FENCED)
		holdings_lose(deals_ends(ds)->holdings, &ask.lease);
	if (e != ERR_OK)
		d->not_before = mono_ms() + DEALS_TROUBLE_MS;
	if (e != ERR_OK || order.answer == PURCHASE_NOTHING)
		return;
	if (order.answer == PURCHASE_READ_FIRST) {
		if (deal_may_read(d))
			look(ds, d, due->gateway_id, &m, &ask.lease);
		return;
	}
	o = order_of(ds, d, &m, &ask.lease, ORDER_SET);
	o->permit_until = mono_ms() + PURCHASE_FRESH_MS;
	memcpy(o->text, order.text, sizeof(o->text));
	deals_send(ds, d, due->gateway_id);
}

static enum err work(struct deals *ds)
{
	AUTO(rows_free) struct rows rows = { 0 };
	int64_t began = mono_ms();
	enum err e = metersettings_due(deals_db(ds), utc_now(), &rows);
	const struct metersetting_due *due = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		enum meter_setting kind = METER_PRICES;
		struct deal *d;

		if (meter_setting_parse(due[i].kind, &kind) != ERR_OK)
			continue;
		d = deal_of(ds, deal_id(due[i].meter_id, kind));
		d->seen = true;
		if (d->order)
			order_confirm(d->order, began);
		else if (d->not_before <= mono_ms())
			begin(ds, d, &due[i]);
	}
	return e;
}

/* ---- what is desired ---- */

/* What a meter has to hold of its tariff, and why it cannot. ERR_RETRY: the next time. */
static enum err hold_of(struct deals *ds, struct setter *s, const struct metersetting_meter *row,
	const struct model *m, struct tariff_hold *out, struct problem *why)
{
	const struct zone *z = NULL;
	const struct tariff *t = NULL;
	struct hold_facts f = { .slots_max = 0 };
	struct utc now = utc_now();
	enum err e;

	model_holds(m, f.rates, &f.price_step_micro, &f.slots_max);
	if (f.price_step_micro == 0 || !str_eq(row->unit, "yuan"))
		return ERR_OK;
	if (row->tariff_id == 0) {
		snprintf(why->text, sizeof(why->text), "it has no tariff");
		return ERR_OK;
	}
	e = tariffs_zone(s->tariffs, row->zone, &z);
	if (e == ERR_OK)
		e = tariffs_get(deals_db(ds), s->tariffs,
			(struct tariff_ref){ row->tariff_id, row->revision }, z, &t);
	if (e != ERR_OK)
		return e;
	if (hold_tariff(t, now, &f, out, why) == ERR_OK)
		(void)!hold_lasting(t, now, &f, why); /* the reason is told; now it can */
	return ERR_OK;
}

struct wishing {
	const struct metersetting_meter *row;
	struct fleet_meter m;
	struct lease lease;
};

static enum err wish(struct deals *ds, const struct wishing *w, enum meter_setting kind,
	const char *text, const char *why)
{
	const struct metersetting_meter *r = w->row;
	const char *const texts[] = { r->prices, r->slots, r->prepaid };
	const char *const whys[] = { r->prices_why, r->slots_why, "" };

	if (!r->moved && str_eq(texts[kind], text) && str_eq(whys[kind], why))
		return ERR_OK;
	return metersetting_desire(deals_db(ds), &w->lease,
		&(struct metersetting_wish){
			r->meter_id, w->m.device, kind, text, why, utc_now() });
}

static enum err desire(struct deals *ds, struct setter *s, const struct metersetting_meter *row)
{
	struct wishing w = { .row = row };
	struct tariff_hold hold = { "", "" };
	struct problem why = { 0 };
	const struct model *m;
	enum err e;

	if (!find(ds, row->gateway_id, row->meter_id, &w.m, &w.lease) || w.m.device != row->device)
		return ERR_OK;
	m = w.m.model;
	e = hold_of(ds, s, row, m, &hold, &why);
	if (e == ERR_OK)
		e = wish(ds, &w, METER_PRICES, hold.prices, why.text);
	if (e == ERR_OK)
		e = wish(ds, &w, METER_SLOTS, hold.slots, "");
	if (e == ERR_OK)
		e = wish(ds, &w, METER_PREPAID,
			row->sold && model_sets(m, METER_PREPAID) ? "on" : "", "");
	if (e == ERR_FENCED)
		holdings_lose(deals_ends(ds)->holdings, &w.lease);
	return e;
}

static enum err desire_all(struct deals *ds, struct setter *s)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = metersettings_of(deals_db(ds), utc_now(), &rows);
	const struct metersetting_meter *r = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		enum err one = desire(ds, s, &r[i]);

		if (one == ERR_UNAVAILABLE)
			return one;
		if (one != ERR_OK)
			log_warn("meter=%" PRId64 " nothing desired: %s", r[i].meter_id,
				err_word(one));
	}
	return e;
}

/* ---- once a day ---- */

/* One reading at a time on a bus, and a pause after it: acts and readings come first. */
static void look_round(struct deals *ds, struct setter *s, const struct fleet_teller *t)
{
	struct turn_of *bus = turn_of(s->buses, t->gateway_id);
	int64_t now = mono_ms();
	struct fleet_meter m;
	struct lease lease;

	for (unsigned k = 0; k < METER_SETTING__MAX && bus->due <= now; k++) {
		enum meter_setting kind = (enum meter_setting)k;
		int64_t id = deal_id(t->meter_id, kind);
		struct deal *d;

		if (!model_tells(t->model, kind) || turn_of(s->looks, id)->due > now)
			continue;
		if (!find(ds, t->gateway_id, t->meter_id, &m, &lease) ||
			m.identity != IDENTITY_SURE)
			return;
		d = deal_of(ds, id);
		if (d->order)
			continue;
		bus->due = now + SETTER_LOOK_GAP_MS;
		look(ds, d, t->gateway_id, &m, &lease);
	}
}

static void tellers_free(struct fleet_teller **t)
{
	free(*t);
}

static void look_all(struct deals *ds, struct setter *s)
{
	AUTO(tellers_free) struct fleet_teller *t = NULL;
	size_t n = fleet_tellers(deals_ends(ds)->fleet, &t);

	for (size_t i = 0; i < n; i++)
		look_round(ds, s, &t[i]);
}

static enum err scan(struct deals *ds, void *ctx)
{
	struct setter *s = ctx;
	enum err e = ERR_OK;

	deals_unsee(ds);
	if (s->sweep_at <= mono_ms()) {
		s->sweep_at = mono_ms() + SETTER_SWEEP_MS;
		e = desire_all(ds, s);
	}
	if (e == ERR_OK)
		e = work(ds);
	if (e != ERR_OK)
		return e;
	look_all(ds, s);
	deals_forget(ds);
	return ERR_OK;
}

struct setter *setter_open(const struct deals_ends *ends)
{
	static const struct deals_acts acts = { "setter", SETTER_SCAN_MS, scan, store };
	struct setter *s = calloc(1, sizeof(*s));

	ASSERT(s);
	s->tariffs = tariffs_open();
	s->look_ms = SETTER_LOOK_MS;
	s->looks = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, free);
	s->buses = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, free);
	s->deals = deals_open(ends, &acts, s);
	return s;
}

void setter_look_every(struct setter *s, int64_t ms)
{
	s->look_ms = ms;
}

void setter_free(struct setter **s)
{
	if (!*s)
		return;
	deals_free(&(*s)->deals);
	tariffs_free(&(*s)->tariffs);
	g_hash_table_destroy((*s)->looks);
	g_hash_table_destroy((*s)->buses);
	free(*s);
	*s = NULL;
}

void setter_run(struct setter *s)
{
	deals_run(s->deals);
}

void setter_stop(struct setter *s)
{
	deals_stop(s->deals);
}
