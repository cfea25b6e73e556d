#include "poller/sink_inside.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "domain/readings.h"

#define OFF_GRACE_MS 120000 /* after a cut, before use is a fault */
#define OFF_USE_MILLI 50

struct sink *sink_open(const struct db_settings *settings, struct desk *desk, struct holdings *h)
{
	struct sink *s = calloc(1, sizeof(*s));

	ASSERT(s);
	s->db = db_open(settings);
	s->desk = desk;
	s->holdings = h;
	s->tariffs = tariffs_open();
	s->memos = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, free);
	return s;
}

void sink_free(struct sink **s)
{
	if (!*s)
		return;
	g_hash_table_destroy((*s)->memos);
	tariffs_free(&(*s)->tariffs);
	db_free(&(*s)->db);
	free(*s);
	*s = NULL;
}

struct memo *sink_memo_of(struct sink *s, int64_t meter_id)
{
	struct memo *m = g_hash_table_lookup(s->memos, &meter_id);

	if (m)
		return m;
	m = calloc(1, sizeof(*m));
	ASSERT(m);
	m->meter_id = meter_id;
	g_hash_table_insert(s->memos, &m->meter_id, m);
	return m;
}

void sink_forget(struct sink *s)
{
	atomic_store(&s->remembers, false);
}

/* ---- a batch ---- */

struct point_row {
	int64_t meter_id;
	char verdict[12];
	struct qty register_milli;
	int64_t supply_point_id;
	char observed[8];
	struct utc observed_since;
	int64_t device;
	int64_t limit_w; /* 0: none */
	bool calm;	 /* its load was not above it */
	struct qty capacity;
};
SHAPE(point_shape, struct point_row, FIELD(struct point_row, meter_id),
	FIELD(struct point_row, verdict), FIELD(struct point_row, register_milli),
	FIELD(struct point_row, supply_point_id), FIELD(struct point_row, observed),
	FIELD(struct point_row, observed_since), FIELD(struct point_row, device),
	FIELD(struct point_row, limit_w), FIELD(struct point_row, calm),
	FIELD(struct point_row, capacity));
static const struct query Q_POINTS = {
	"SELECT STRAIGHT_JOIN m.id AS meter_id, COALESCE(s.verdict, 'accepted') AS verdict,"
	" COALESCE(s.register_milli, 0) AS register_milli, p.id AS supply_point_id, p.observed,"
	" p.observed_since, m.device, m.power_limit_w AS limit_w,"
	" COALESCE(o.phase, 'calm') = 'calm' AS calm, m.capacity_milli AS capacity"
	" FROM " DB_IDS " meter m ON m.id = k.id JOIN supply_point p ON p.id = m.supply_point_id"
	" LEFT JOIN overload_state o ON o.supply_point_id = p.id"
	" LEFT JOIN meter_state s ON s.meter_id = m.id ORDER BY m.id",
	&point_shape
};

/* What a person has said of this meter, else what its model is sure of. */
static struct qty capacity_of(const struct report *r, const struct point_row *p)
{
	return p->capacity.milli ? p->capacity : r->capacity;
}

static enum verdict judge(
	const struct report *r, const struct settled *last, const struct point_row *p)
{
	struct reading_facts f = { .at = r->now.read_at,
		.reg = r->now.register_milli,
		.most_per_hour = r->most_per_hour,
		.step = r->step,
		.capacity = capacity_of(r, p),
		.other_serial = r->other_serial,
		.has_last = last->read_at.ms != 0,
		.last_at = last->read_at,
		.last_reg = last->register_milli,
		.before_reg = p->register_milli };

	if (verdict_parse(p->verdict, &f.before) != ERR_OK)
		f.before = VERDICT_ACCEPTED;
	return reading_judge(&f);
}

/* Use behind an open relay: counted from the first reading after the grace. */
static void watch_off(struct item *i, const struct point_row *p)
{
	const struct report *r = i->report;
	bool off = str_eq(p->observed, "off") && str_eq(r->observed, "off") &&
		   r->now.read_at.ms - p->observed_since.ms > OFF_GRACE_MS;

	if (!off) {
		if (str_eq(r->observed, "on"))
			sink_alarm_set(i, ALARM_OFF_USE, false);
		i->off_at = 0;
		return;
	}
	if (i->off_at != p->observed_since.ms) {
		i->off_at = p->observed_since.ms;
		i->off_reg = r->now.register_milli;
	}
	if (r->now.register_milli.milli - i->off_reg.milli > OFF_USE_MILLI)
		sink_alarm_set(i, ALARM_OFF_USE, true);
}

#define CATCH_UP_MAX 200 /* readings of a meter in one transaction */

/* Energy that waited for its tariff is charged by the readings that were kept meanwhile, as it
 * would have been at the time. */
static enum err catch_up(struct db *db, struct batch *b, struct item *i, struct charge_reading c)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct settled *last = charge_last(b->charges, c.meter_id);
	int64_t least = last->register_milli.milli, most = c.reg.milli;
	enum err e = readings_kept(db, c.meter_id, last->read_at, c.at, CATCH_UP_MAX, &rows);
	const struct kept_reading *kept = rows.at;

	i->behind = rows.n == CATCH_UP_MAX;
	c.has_rates = false;
	for (size_t k = 0; e == ERR_OK && k < rows.n; k++) {
		c.at = kept[k].read_at;
		c.reg = kept[k].register_milli;
		if (c.reg.milli < least || c.reg.milli > most)
			continue;
		least = c.reg.milli;
		charge_take(b->charges, &c);
	}
	return e;
}

static enum err settle(struct db *db, struct batch *b, struct item *i, struct qty capacity)
{
	const struct report *r = i->report;
	struct charge_reading c = { .meter_id = r->meter_id,
		.at = r->now.read_at,
		.reg = r->now.register_milli,
		.most_per_hour = r->most_per_hour,
		.step = r->step,
		.capacity = capacity,
		.own_ratio = r->own_ratio,
		.has_rates = true,
		.rates = { r->now.sharp_milli, r->now.peak_milli, r->now.flat_milli,
			r->now.valley_milli } };
	bool waited = i->open >> ALARM_TARIFF & 1;
	enum err e = ERR_OK;

	if (!b->settle) {
		sink_alarm_set(i, ALARM_SETTLE, true);
		return ERR_OK;
	}
	if (waited && charge_last(b->charges, r->meter_id)->read_at.ms)
		e = catch_up(db, b, i, c);
	if (e == ERR_OK && !i->behind)
		charge_take(b->charges, &c);
	i->taken = true;
	sink_alarm_set(i, ALARM_SETTLE, false);
	return e;
}

static enum err take_reading(
	struct db *db, struct batch *b, struct item *i, const struct point_row *p)
{
	const struct report *r = i->report;

	i->supply_point_id = p->supply_point_id;
	if (r->device != p->device) { /* of a device that was exchanged meanwhile */
		i->verdict = VERDICT_IDENTITY;
		return ERR_OK;
	}
	i->observe = r->observed[0] && !str_eq(r->observed, p->observed) &&
		     r->now.read_at.ms >= p->observed_since.ms;
	i->limited = !p->calm || (p->limit_w > 0 && r->now.power_w > p->limit_w);
	if (!r->has_register)
		return ERR_OK;
	i->verdict = judge(r, charge_last(b->charges, r->meter_id), p);
	sink_verdict_alarms(i);
	watch_off(i, p);
	return i->verdict == VERDICT_ACCEPTED ? settle(db, b, i, capacity_of(r, p)) : ERR_OK;
}

static void item_begin(const struct batch *b, size_t k)
{
	const struct memo *m = sink_memo_of(b->sink, b->reports[k].meter_id);

	b->items[k] = (struct item){ .report = &b->reports[k],
		.open = m->open,
		.off_at = m->off_at,
		.off_reg = m->off_reg };
	sink_report_alarms(&b->items[k]);
}

/* Locks the meters that have a reading, and finds what is known of their supply. */
static enum err load_points(struct db *db, struct batch *b, struct rows *out)
{
	int64_t *ids = calloc(b->n + 1, sizeof(*ids));
	AUTO(text_free) char *text = NULL;
	size_t n = 0;
	enum err e;

	ASSERT(ids);
	for (size_t k = 0; k < b->n; k++)
		if (b->reports[k].has_reading)
			ids[n++] = b->reports[k].meter_id;
	e = charge_lock(db, b->charges, ids, n);
	text = json_ids(ids, n);
	free(ids);
	return e == ERR_OK && n > 0 ? db_list(db, &Q_POINTS, ARGS(arg_text(text)), out) : e;
}

static enum err take_items(struct db *db, struct batch *b)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = load_points(db, b, &rows);
	const struct point_row *p = rows.at;
	size_t at = 0;

	for (size_t k = 0; e == ERR_OK && k < b->n; k++) {
		item_begin(b, k);
		if (!b->reports[k].has_reading)
			continue;
		if (at == rows.n || p[at].meter_id != b->reports[k].meter_id)
			return ERR_DB; /* no such meter any more */
		e = take_reading(db, b, &b->items[k], &p[at++]);
	}
	return e == ERR_OK ? charge_run(db, b->charges) : e;
}

/* What settlement made of the readings that it was given. */
static void take_results(struct batch *b)
{
	for (size_t k = 0; k < b->n; k++) {
		struct item *i = &b->items[k];

		if (i->taken)
			sink_alarm_set(i, ALARM_TARIFF,
				i->behind || charge_result(b->charges, i->report->meter_id) ==
						     ERR_NOT_FOUND);
	}
}

/* The leases of a batch: every group, ascending, each once. ERR_FENCED: one is not held. */
static enum err leases_of(struct batch *b, struct lease *out, size_t *n)
{
	int64_t done = INT64_MIN;

	for (*n = 0;; ++*n) {
		int64_t next = INT64_MAX;

		for (size_t i = 0; i < b->n; i++)
			if (b->reports[i].group_id > done && b->reports[i].group_id < next)
				next = b->reports[i].group_id;
		if (next == INT64_MAX)
			return ERR_OK;
		b->fenced = (struct lease){ .group_id = next };
		if (!holdings_get(b->sink->holdings, next, &b->fenced))
			return ERR_FENCED;
		out[*n] = b->fenced;
		done = next;
	}
}

static enum err fence(struct db *db, struct batch *b)
{
	struct lease leases[SINK_BATCH];
	size_t n;
	enum err e = leases_of(b, leases, &n);

	return e == ERR_OK ? leases_fence(db, leases, n, &b->fenced) : e;
}

static enum err batch_write(struct db *db, struct batch *b)
{
	struct utc now = utc_now();
	enum err e = fence(db, b);

	if (e == ERR_OK)
		e = take_items(db, b);
	if (e != ERR_OK)
		return e;
	take_results(b);
	e = sink_store_readings(db, b);
	if (e == ERR_OK)
		e = charge_post(db, charge_sums(b->charges), now);
	if (e == ERR_OK)
		e = sink_watch_loads(db, b, now);
	if (e == ERR_OK)
		e = sink_store_supplies(db, b);
	if (e == ERR_OK)
		e = sink_store_clocks(db, b);
	if (e == ERR_OK)
		e = sink_store_serials(db, b);
	return e == ERR_OK ? sink_store_alarms(db, b, now) : e;
}

static enum err batch_tx(struct db *db, void *ctx)
{
	struct batch *b = ctx;
	enum err e;

	b->charges = charge_open(b->sink->tariffs);
	e = batch_write(db, b);
	charge_close(&b->charges);
	return e;
}

static enum err batch_run(struct batch *b)
{
	enum err e = db_tx(b->sink->db, batch_tx, b);

	if (e != ERR_OK)
		return e;
	for (size_t i = 0; i < b->n; i++) {
		struct memo *m = sink_memo_of(b->sink, b->reports[i].meter_id);

		m->open = b->items[i].open;
		m->off_at = b->items[i].off_at;
		m->off_reg = b->items[i].off_reg;
		if (b->items[i].clock.meter_id)
			m->clock = b->items[i].clock;
		if (b->reports[i].has_reading && b->reports[i].serial[0])
			m->serial_device = b->reports[i].device;
	}
	return ERR_OK;
}

/* Something in the batch cannot be stored: each alone, so that one bad meter blocks nobody. */
static enum err one_by_one(struct batch *all)
{
	for (size_t i = 0; i < all->n; i++) {
		struct batch b = *all;
		enum err e;

		b.reports = &all->reports[i];
		b.items = &all->items[i];
		b.n = 1;
		e = batch_run(&b);
		if (e != ERR_OK && e != ERR_UNAVAILABLE && e != ERR_FENCED) {
			log_error("meter=%s not settled: %s", b.reports->code, err_word(e));
			b.settle = false;
			e = batch_run(&b);
		}
		if (e == ERR_UNAVAILABLE || e == ERR_FENCED) {
			all->fenced = b.fenced;
			all->reports += i; /* what is left */
			all->n -= i;
			return e;
		}
		if (e != ERR_OK)
			log_error("meter=%s reading lost: %s", b.reports->code, err_word(e));
	}
	return ERR_OK;
}

static int by_meter(const void *a, const void *b)
{
	const struct report *x = a, *y = b;

	return (x->meter_id > y->meter_id) - (x->meter_id < y->meter_id);
}

/* Without the reports of a group that belongs to somebody else now. */
static size_t without_group(struct report *r, size_t n, int64_t group_id)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (r[i].group_id != group_id)
			r[kept++] = r[i];
	return kept;
}

static enum err try_batch(struct sink *s, struct report *reports, size_t n, struct item *items)
{
	struct batch b = { .sink = s, .reports = reports, .items = items, .n = n, .settle = true };
	enum err e = batch_run(&b);

	if (e != ERR_OK && e != ERR_UNAVAILABLE && e != ERR_FENCED)
		e = one_by_one(&b);
	if (e == ERR_UNAVAILABLE)
		desk_put_back(s->desk, b.reports, b.n);
	if (e != ERR_FENCED)
		return e;
	log_warn("group=%" PRId64 " epoch=%" PRId64 " fenced", b.fenced.group_id, b.fenced.epoch);
	holdings_lose(s->holdings, &b.fenced);
	reports += n - b.n; /* what is left */
	n = without_group(reports, b.n, b.fenced.group_id);
	desk_put_back(s->desk, reports, n);
	return ERR_FENCED;
}

enum err sink_batch(struct sink *s, struct report *reports, size_t n)
{
	struct item *items;
	enum err e;

	ASSERT(n <= SINK_BATCH);
	if (!atomic_exchange(&s->remembers, true)) {
		e = sink_remember_alarms(s);
		if (e != ERR_OK) {
			sink_forget(s);
			desk_put_back(s->desk, reports, n);
			return e;
		}
	}
	items = calloc(n + 1, sizeof(*items));
	ASSERT(items);
	qsort(reports, n, sizeof(*reports), by_meter);
	e = try_batch(s, reports, n, items);
	free(items);
	return e;
}

#define IDLE_MS 1000

void sink_run(struct sink *s)
{
	struct report *reports = calloc(SINK_BATCH, sizeof(*reports));
	enum err e = ERR_OK;

	ASSERT(reports);
	log_context("sink");
	for (;;) {
		size_t n = desk_take(s->desk, reports, SINK_BATCH, SINK_GATHER_MS, IDLE_MS);

		if (n > 0)
			e = sink_batch(s, reports, n);
		if (desk_is_closed(s->desk) && (n == 0 || e == ERR_UNAVAILABLE))
			break;
		if (n > 0 && e == ERR_UNAVAILABLE)
			mono_sleep_until(mono_ms() + IDLE_MS);
	}
	free(reports);
	db_thread_end();
}
