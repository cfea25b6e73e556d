#include "domain/evidence.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "rules/settle.h"

#define METERS_AT_ONCE 100
#define ROWS_AT_ONCE 3000 /* two days of a reading a minute */
#define DAY_MS (24 * 3600 * INT64_C(1000))

struct due {
	int64_t meter_id;
	int64_t supply_point_id;
	char zone[257];
};
#define F(member) FIELD(struct due, member)
SHAPE(due_shape, struct due, F(meter_id), F(supply_point_id), F(zone));
#undef F
static const struct query Q_DUE = {
	"SELECT m.id AS meter_id, m.supply_point_id, z.zone FROM meter m"
	" JOIN supply_point p ON p.id = m.supply_point_id JOIN site z ON z.id = p.site_id"
	" LEFT JOIN evidence_merged g ON g.meter_id = m.id WHERE COALESCE(g.until_at, 0) < ?"
	" ORDER BY m.id LIMIT ?",
	&due_shape
};

struct until_row {
	struct utc until;
};
SHAPE(until_shape, struct until_row, FIELD(struct until_row, until));
static const struct query Q_BEGIN = {
	"INSERT INTO evidence_merged (meter_id, until_at) VALUES (?, 0)"
	" ON DUPLICATE KEY UPDATE until_at = until_at",
	NULL
};
static const struct query Q_UNTIL = {
	"SELECT until_at AS until FROM evidence_merged WHERE meter_id = ? FOR UPDATE", &until_shape
};
static const struct query Q_DONE = { "UPDATE evidence_merged SET until_at = ? WHERE meter_id = ?",
	NULL };

struct interval {
	struct utc to, from;
	int64_t to_milli, from_milli;
	bool plain; /* growth of one line, and nothing else */
	int64_t account_id, ratio;
	int64_t tariff_id, revision; /* of now; 0: without a price */
	char line[513];		     /* without its quantity */
};
#define F(member) FIELD(struct interval, member)
SHAPE(interval_shape, struct interval, F(to), F(from), F(to_milli), F(from_milli), F(plain),
	F(account_id), F(ratio), F(tariff_id), F(revision), F(line));
#undef F
static const struct query Q_INTERVALS = {
	"SELECT s.to_at AS `to`, s.from_at AS `from`, s.to_milli, s.from_milli, s.kind = 'use' AND"
	" s.rates = '' AND s.capacity_milli = 0 AND JSON_LENGTH(s.evidence) = 1 AND"
	" CHAR_LENGTH(s.evidence) < 128 AS plain, COALESCE(s.account_id, 0) AS account_id, s.ratio,"
	" COALESCE(t.id, 0) AS tariff_id, COALESCE(t.revision, 0) AS revision,"
	" LEFT(JSON_REPLACE(s.evidence, '$[0][4]', 0), 128) AS line FROM settlement s"
	" LEFT JOIN tariff t ON t.id = CAST(JSON_VALUE(s.evidence, '$[0][5]') AS INTEGER)"
	" WHERE s.meter_id = ? AND s.to_at > ? AND s.to_at <= ? ORDER BY s.to_at LIMIT ?",
	&interval_shape
};

/* Instants at which something happened to a meter, up to some time. */
struct instant_row {
	struct utc at;
};
SHAPE(instant_shape, struct instant_row, FIELD(struct instant_row, at));
static const struct query Q_INSTANTS = {
	"SELECT at FROM (SELECT from_at AS at FROM contract_point WHERE supply_point_id = ?"
	" UNION SELECT to_at FROM contract_point WHERE supply_point_id = ?"
	" UNION SELECT from_at FROM meter_tariff WHERE meter_id = ?"
	" UNION SELECT from_at FROM meter_ratio WHERE meter_id = ?"
	" UNION SELECT at FROM meter_change WHERE meter_id = ?"
	" UNION SELECT read_at FROM typed_reading WHERE meter_id = ?"
	" UNION SELECT read_at FROM reading_decision WHERE meter_id = ?"
	" UNION SELECT last_at FROM reading_decision WHERE meter_id = ?"
	" UNION SELECT used_at FROM meter_credit WHERE meter_id = ?) i WHERE at > ? ORDER BY at",
	&instant_shape
};

static const struct query Q_MERGE = { "CALL evidence_merge(?, ?, ?)", NULL };
static const struct query Q_DROP = { "CALL evidence_drop(?, ?, ?)", NULL };

struct work {
	struct tariffs *cache;
	const struct due *due;
	struct utc limit; /* intervals that end up to here */
	const struct zone *zone;
	struct rows instants;
	int64_t merged; /* intervals that are gone */
};

/* ---- what may become one interval ---- */

static int64_t hour_start(const struct zone *z, struct utc at)
{
	return at.ms - at.ms % 1000 - zone_local(z, at).second % 3600 * INT64_C(1000);
}

/* Did anything happen from one instant to another, both included? */
static bool happened(const struct work *w, struct utc from, struct utc to)
{
	const struct instant_row *i = w->instants.at;

	for (size_t k = 0; k < w->instants.n; k++)
		if (i[k].at.ms >= from.ms && i[k].at.ms <= to.ms)
			return true;
	return false;
}

/* May an interval that begins with the first and ends with the last be one? */
static bool fits(const struct work *w, const struct interval *first, const struct interval *last)
{
	return first->plain && last->plain && first->account_id == last->account_id &&
	       first->ratio == last->ratio && str_eq(first->line, last->line) &&
	       hour_start(w->zone, first->from) ==
		       hour_start(w->zone, (struct utc){ last->to.ms - 1 }) &&
	       !happened(w, first->from, last->to);
}

struct one_rate {
	struct utc version;
	const char *rate;
};

static enum err same_rate(void *ctx, const struct segment *s)
{
	struct one_rate *o = ctx;

	if (!o->rate)
		*o = (struct one_rate){ s->version, s->rate };
	return o->version.ms == s->version.ms && str_eq(o->rate, s->rate) ? ERR_OK : ERR_CONFLICT;
}

/* Between intervals of one line there may be a while without use, in which another rate came and
 * went. A unit for each second finds it. ERR_CONFLICT: so it is. */
static enum err of_one_rate(struct db *db, const struct work *w, const struct interval *first,
	const struct interval *last)
{
	struct qty each = { (last->to.ms - first->from.ms) / 1000 };
	const struct tariff *t = NULL;
	struct tier_use use = { 0 };
	struct one_rate o = { .rate = NULL };
	enum err e;

	if (first->tariff_id == 0 || each.milli == 0)
		return ERR_OK;
	e = tariffs_get(db, w->cache, (struct tariff_ref){ first->tariff_id, first->revision },
		w->zone, &t);
	return e == ERR_OK ? settle_interval(t, first->from, last->to, each, &use,
				     (struct segment_sink){ same_rate, &o })
			   : e;
}

/* How many intervals from the first on are one: at least 1. */
static size_t run_of(const struct work *w, const struct interval *first, size_t n)
{
	size_t k = 1;

	while (k < n && first[k - 1].to_milli == first[k].from_milli &&
		first[k - 1].to.ms <= first[k].from.ms && fits(w, first, &first[k]))
		k++;
	return k;
}

/* ---- one meter ---- */

static enum err put_together(struct db *db, struct work *w, const struct interval *first, size_t n)
{
	struct arg meter = arg_i64(w->due->meter_id), from = arg_utc(first->to),
		   to = arg_utc(first[n - 1].to);
	int64_t kept = 0, gone = 0;
	enum err e = of_one_rate(db, w, first, &first[n - 1]);

	if (e == ERR_CONFLICT || e == ERR_NOT_FOUND)
		return ERR_OK; /* stays as it is */
	if (e == ERR_OK)
		e = db_exec(db, &Q_MERGE, ARGS(meter, from, to), &kept);
	if (e == ERR_OK)
		e = db_exec(db, &Q_DROP, ARGS(meter, from, to), &gone);
	if (e == ERR_OK && (kept != 1 || gone != (int64_t)n - 1)) {
		log_error("meter_id=%" PRId64 " evidence up to %" PRId64
			  " is not of one line: %" PRId64 ", %" PRId64 " of %zu",
			w->due->meter_id, first[n - 1].to.ms, kept, gone, n);
		return ERR_DB;
	}
	w->merged += gone;
	return e;
}

static enum err merge_rows(struct db *db, struct work *w, const struct rows *rows)
{
	const struct interval *i = rows->at;
	enum err e = ERR_OK;

	for (size_t k = 0, run; e == ERR_OK && k < rows->n; k += run) {
		run = run_of(w, &i[k], rows->n - k);
		if (run > 1)
			e = put_together(db, w, &i[k], run);
	}
	return e;
}

static enum err instants_load(struct db *db, struct work *w, struct utc after)
{
	struct arg point = arg_i64(w->due->supply_point_id), meter = arg_i64(w->due->meter_id);

	rows_free(&w->instants);
	return db_list(db, &Q_INSTANTS,
		ARGS(point, point, meter, meter, meter, meter, meter, meter, meter,
			arg_i64(after.ms - DAY_MS)),
		&w->instants);
}

static enum err meter_tx(struct db *db, void *ctx)
{
	AUTO(rows_free) struct rows rows = { 0 };
	struct work *w = ctx;
	struct arg meter = arg_i64(w->due->meter_id);
	struct until_row row = { 0 };
	struct utc until = w->limit;
	enum err e = db_exec(db, &Q_BEGIN, ARGS(meter), NULL);

	w->merged = 0;
	if (e == ERR_OK)
		e = db_one(db, &Q_UNTIL, ARGS(meter), &row);
	if (e == ERR_OK)
		e = instants_load(db, w, row.until);
	if (e == ERR_OK)
		e = db_list(db, &Q_INTERVALS,
			ARGS(meter, arg_utc(row.until), arg_utc(w->limit), arg_i64(ROWS_AT_ONCE)),
			&rows);
	if (e == ERR_OK)
		e = merge_rows(db, w, &rows);
	if (rows.n == ROWS_AT_ONCE)
		until = ((const struct interval *)rows.at)[rows.n - 1].to;
	return e == ERR_OK ? db_exec(db, &Q_DONE, ARGS(arg_utc(until), meter), NULL) : e;
}

static void work_end(struct work *w)
{
	rows_free(&w->instants);
}

enum err evidence_upkeep(struct db *db, struct tariffs *cache, int64_t days, struct utc now)
{
	AUTO(rows_free) struct rows due = { 0 };
	AUTO(work_end)
	struct work w = { .cache = cache, .limit = { (now.ms - days * DAY_MS) / DAY_MS * DAY_MS } };
	int64_t merged = 0;
	enum err e = ERR_OK;

	if (days == 0)
		return ERR_OK;
	e = db_list(db, &Q_DUE, ARGS(arg_utc(w.limit), arg_i64(METERS_AT_ONCE)), &due);
	for (size_t i = 0; e == ERR_OK && i < due.n; i++) {
		w.due = (const struct due *)due.at + i;
		e = tariffs_zone(cache, w.due->zone, &w.zone);
		if (e == ERR_OK)
			e = db_tx(db, meter_tx, &w);
		merged += w.merged;
	}
	if (merged > 0)
		log_info("evidence: %" PRId64 " intervals put together with their neighbours",
			merged);
	return e;
}
