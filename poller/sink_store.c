#include "poller/sink_inside.h"

#include <stdio.h>
#include <stdlib.h>

#include "domain/readings.h"
#include "domain/supplypoint.h"

#define CLOCK_NEWS_S 2
#define CLOCK_NEWS_MS 3600000

struct lists {
	struct reading_row readings[SINK_BATCH];
	struct meter_now answered[SINK_BATCH];
	struct meter_failure failed[SINK_BATCH];
	size_t readings_n, answered_n, failed_n;
};

static void lists_free(struct lists **l)
{
	free(*l);
}

static void list_item(struct lists *l, const struct item *i)
{
	const struct report *r = i->report;

	if (r->has_reading) {
		struct meter_now *n = &l->answered[l->answered_n++];

		*n = r->now;
		snprintf(n->verdict, sizeof(n->verdict), "%s", verdict_word(i->verdict));
		snprintf(n->comm, sizeof(n->comm), "%s", comm_word(r->comm));
		n->comm_since = r->comm_since;
	}
	if (r->has_reading && r->has_register) {
		struct reading_row *row = &l->readings[l->readings_n++];

		*row = (struct reading_row){ .meter_id = r->meter_id,
			.read_at = r->now.read_at,
			.register_milli = r->now.register_milli,
			.power_w = r->now.power_w };
		snprintf(row->verdict, sizeof(row->verdict), "%s", verdict_word(i->verdict));
	}
	if (!r->has_reading || r->fails > 0 || r->comm != COMM_OK) {
		struct meter_failure *f = &l->failed[l->failed_n++];

		*f = (struct meter_failure){
			.meter_id = r->meter_id, .comm_since = r->comm_since, .fails = r->fails
		};
		snprintf(f->comm, sizeof(f->comm), "%s", comm_word(r->comm));
		snprintf(f->error, sizeof(f->error), "%s", r->error);
		snprintf(f->fault, sizeof(f->fault), "%s", r->fault);
	}
}

enum err sink_store_readings(struct db *db, const struct batch *b)
{
	AUTO(lists_free) struct lists *l = calloc(1, sizeof(*l));
	enum err e;

	ASSERT(l);
	for (size_t i = 0; i < b->n; i++)
		list_item(l, &b->items[i]);
	e = readings_store(db, l->readings, l->readings_n);
	if (e == ERR_OK)
		e = meters_answered(db, l->answered, l->answered_n);
	return e == ERR_OK ? meters_failed(db, l->failed, l->failed_n) : e;
}

enum err sink_store_serials(struct db *db, const struct batch *b)
{
	enum err e = ERR_OK;

	for (size_t k = 0; k < b->n && e == ERR_OK; k++) {
		const struct report *r = b->items[k].report;

		if (r->has_reading && r->serial[0] &&
			sink_memo_of(b->sink, r->meter_id)->serial_device != r->device)
			e = meter_serial_seen(db, r->meter_id, r->device, r->serial);
	}
	return e;
}

static bool is_clock_news(const struct meter_clock *c, const struct meter_clock *was)
{
	return was->seen_at.ms == 0 || llabs(c->drift_s - was->drift_s) >= CLOCK_NEWS_S ||
	       c->set_at.ms != was->set_at.ms || c->seen_at.ms - was->seen_at.ms >= CLOCK_NEWS_MS;
}

enum err sink_store_clocks(struct db *db, const struct batch *b)
{
	enum err e = ERR_OK;

	for (size_t k = 0; k < b->n && e == ERR_OK; k++) {
		const struct report *r = b->items[k].report;
		struct meter_clock c = { .meter_id = r->meter_id,
			.drift_s = r->clock_drift_s,
			.seen_at = r->now.read_at,
			.set_at = r->clock_set_at,
			.set_by_s = r->clock_set_by_s };

		if (!r->has_reading || !r->has_clock ||
			!is_clock_news(&c, &sink_memo_of(b->sink, r->meter_id)->clock))
			continue;
		e = meter_clock_store(db, &c);
		b->items[k].clock = c;
	}
	return e;
}

enum err sink_store_supplies(struct db *db, const struct batch *b)
{
	enum err e = ERR_OK;

	for (size_t k = 0; k < b->n && e == ERR_OK; k++) {
		const struct item *i = &b->items[k];

		if (i->observe)
			e = supply_observe(db, i->supply_point_id, i->report->observed,
				i->report->now.read_at);
	}
	return e;
}
