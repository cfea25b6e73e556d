/* Use and charges, recomputed from registers, tariffs and contracts: meter by meter, the intervals
 * of each in order of time. What the tariff says of an interval is compared with its evidence; the
 * sum of a stretch of days with the rows of usage_day and usage_hour; the count at the end with
 * tier_use. One batch of intervals and of days is held at a time. */
#include "ctl/verify_use.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define METERS_BATCH 256
#define INTERVALS_BATCH 256
#define HOURS_HELD 1500 /* then they are compared */
#define FIRST_DAY ((struct day){ 0 })
#define LAST_DAY ((struct day){ 2932896 }) /* of the year 9999 */

#define F(member) FIELD(struct meter, member)
SHAPE(meter_shape, struct meter, F(id), F(supply_point_id), F(billing), F(zone), F(ratio),
	F(own_ratio), F(converted), F(settled_at), F(settled_milli));
#undef F
static const struct query Q_METERS = {
	"SELECT m.id, m.supply_point_id, m.billing, s.zone, m.ct_ratio * m.pt_ratio AS ratio,"
	" COALESCE(d.own_ratio, 0) OR EXISTS (SELECT 1 FROM meter_change c WHERE c.meter_id = m.id)"
	" AS own_ratio, EXISTS (SELECT 1 FROM audit a WHERE a.object = CONCAT('meter:', m.id) AND"
	" a.action = 'meter.billing') AS converted, COALESCE(d.read_at, 0) AS settled_at,"
	" COALESCE(d.register_milli, 0) AS settled_milli FROM meter m"
	" JOIN supply_point p ON p.id = m.supply_point_id JOIN site s ON s.id = p.site_id"
	" LEFT JOIN settled d ON d.meter_id = m.id WHERE m.id > ? ORDER BY m.id LIMIT ?",
	&meter_shape
};

#define F(member) FIELD(struct hold, member)
SHAPE(hold_shape, struct hold, F(contract_id), F(account_id), F(from_at), F(to_at));
#undef F
static const struct query Q_HOLDS = {
	"SELECT contract_id, account_id, from_at, to_at FROM contract_point"
	" WHERE supply_point_id = ? ORDER BY from_at",
	&hold_shape
};

SHAPE(assignment_shape, struct assignment, FIELD(struct assignment, tariff_id),
	FIELD(struct assignment, from_at));
static const struct query Q_ASSIGNMENTS = {
	"SELECT tariff_id, from_at FROM meter_tariff WHERE meter_id = ? ORDER BY from_at",
	&assignment_shape
};

SHAPE(ratio_shape, struct ratio, FIELD(struct ratio, ratio), FIELD(struct ratio, from_at));
static const struct query Q_RATIOS = {
	"SELECT ct * pt AS ratio, from_at FROM meter_ratio WHERE meter_id = ? ORDER BY from_at",
	&ratio_shape
};

#define F(member) FIELD(struct change, member)
SHAPE(change_shape, struct change, F(at), F(old_milli), F(new_milli));
#undef F
static const struct query Q_CHANGES = {
	"SELECT at, old_register_milli AS old_milli, new_register_milli AS new_milli FROM"
	" meter_change WHERE meter_id = ? AND undone_at = 0 ORDER BY at, id",
	&change_shape
};

#define F(member) FIELD(struct interval, member)
SHAPE(interval_shape, struct interval, F(to_at), F(from_at), F(from_milli), F(to_milli),
	F(capacity_milli), F(ratio), F(qty_milli), F(rebase), F(account_id), F(charge_nano),
	F(rates), F(length), F(evidence));
#undef F
static const struct query Q_INTERVALS = {
	"SELECT to_at, from_at, from_milli, to_milli, capacity_milli, ratio, qty_milli,"
	" kind = 'rebase' AS rebase, COALESCE(account_id, 0) AS account_id,"
	" charge_nano, rates, OCTET_LENGTH(evidence) AS length, IF(OCTET_LENGTH(evidence) < 2048, "
	"evidence,"
	" '') AS evidence FROM settlement WHERE meter_id = ? AND to_at > ? ORDER BY to_at LIMIT ?",
	&interval_shape
};

static void meter_free(struct work *w)
{
	rows_free(&w->holds);
	rows_free(&w->assignments);
	rows_free(&w->ratios);
	rows_free(&w->changes);
	free(w->uses);
	free(w->days);
	free(w->hours);
	free(w->lines);
	free(w->pieces);
	w->pieces = NULL;
	w->pieces_n = 0;
	w->uses = NULL;
	w->days = w->lines = NULL;
	w->hours = NULL;
	w->uses_n = w->days_n = w->hours_n = w->lines_n = 0;
}

static void work_free(struct work *w)
{
	meter_free(w);
	prices_free(w);
}

void *work_more(void *list, size_t n, size_t size)
{
	if (n % 64 == 0) {
		list = realloc(list, (n + 64) * size);
		ASSERT(list);
	}
	memset((char *)list + n * size, 0, size);
	return list;
}

const char *work_name(char buf[static 160], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, 160, fmt, ap);
	va_end(ap);
	return buf;
}

void work_found(struct work *w, const char *check, const char *object, int64_t have, int64_t want)
{
	char a[24], b[24];

	snprintf(a, sizeof(a), "%" PRId64, have);
	snprintf(b, sizeof(b), "%" PRId64, want);
	finding_add(w->findings, check, object, a, b);
}

const char *interval_name(char buf[static 160], const struct work *w, const struct interval *i)
{
	return work_name(buf, "settlement:%" PRId64 ":%" PRId64, w->meter->id, i->to_at.ms);
}

/* ---- one interval ---- */

/* The contract at an instant; the next change after it goes to *until. */
static const struct hold *hold_at(const struct work *w, struct utc at, struct utc *until)
{
	const struct hold *h = w->holds.at, *now = NULL;

	for (size_t i = 0; i < w->holds.n; i++) {
		if (h[i].from_at.ms <= at.ms && (!h[i].to_at.ms || h[i].to_at.ms > at.ms))
			now = &h[i];
		if (h[i].from_at.ms > at.ms && h[i].from_at.ms < until->ms)
			*until = h[i].from_at;
		if (h[i].to_at.ms > at.ms && h[i].to_at.ms < until->ms)
			*until = h[i].to_at;
	}
	return now;
}

static int64_t tariff_at(const struct work *w, struct utc at, struct utc *until)
{
	const struct assignment *a = w->assignments.at;
	int64_t id = 0;

	for (size_t i = 0; i < w->assignments.n; i++)
		if (a[i].from_at.ms <= at.ms)
			id = a[i].tariff_id;
		else if (a[i].from_at.ms < until->ms)
			*until = a[i].from_at;
	return id;
}

/* What the registers say: behind transformers, and by way of 0 after a roll-over. */
static int64_t ratio_at(const struct work *w, struct utc at, struct utc *until)
{
	const struct ratio *r = w->ratios.at;
	int64_t now = w->meter->ratio;

	for (size_t i = 0; i < w->ratios.n; i++)
		if (r[i].from_at.ms <= at.ms)
			now = r[i].ratio;
		else if (r[i].from_at.ms < until->ms)
			*until = r[i].from_at;
	return now;
}

/* The ratio of the table, unless the registers may have it in them. */
static void ratio_check(struct work *w, const struct interval *i)
{
	struct utc until = { INT64_MAX };
	int64_t ratio = ratio_at(w, i->from_at, &until);
	char object[160];

	if (i->ratio == 1 && w->meter->own_ratio)
		return;
	interval_name(object, w, i);
	if (i->ratio != ratio)
		work_found(w, "ratio_is_of_its_time", object, i->ratio, ratio);
	if (until.ms < i->to_at.ms)
		work_found(w, "interval_is_of_one_ratio", object, i->to_at.ms, until.ms);
}

/* Where the register stood after the interval before and every exchange of the device since. */
static int64_t register_before(const struct work *w, struct utc at)
{
	const struct change *c = w->changes.at;
	int64_t reg = w->last_milli;

	for (size_t i = 0; i < w->changes.n; i++)
		if (c[i].at.ms >= w->last_at.ms && c[i].at.ms <= at.ms && c[i].old_milli == reg)
			reg = c[i].new_milli;
	return reg;
}

/* Registers go on where the interval before ended, and time goes forward. */
static void chain_check(struct work *w, const struct interval *i)
{
	char object[160];

	interval_name(object, w, i);
	if (w->last_at.ms && i->from_milli != register_before(w, i->from_at))
		work_found(w, "evidence_is_a_chain", object, i->from_milli,
			register_before(w, i->from_at));
	if (i->from_at.ms >= i->to_at.ms || i->from_at.ms < w->last_at.ms)
		work_found(w, "evidence_goes_forward", object, i->from_at.ms, w->last_at.ms);
	if (i->rebase) {
		if (i->qty_milli != 0 || i->charge_nano != 0 || i->account_id != 0)
			work_found(w, "rebase_charges_nothing", object, i->qty_milli, 0);
		return;
	}
	if (i->to_milli + i->capacity_milli <= i->from_milli)
		work_found(w, "evidence_is_of_growth", object, i->to_milli, i->from_milli);
	ratio_check(w, i);
	if (i->qty_milli != interval_grown(i))
		work_found(w, "quantity_is_growth_times_ratio", object, i->qty_milli,
			interval_grown(i));
}

static enum err interval_check(struct work *w, const struct interval *i)
{
	struct utc until = { INT64_MAX };
	char object[160];

	chain_check(w, i);
	w->hold = hold_at(w, i->from_at, &until);
	w->account_id = w->hold && str_eq(w->meter->billing, "account") ? w->hold->account_id : 0;
	if (w->meter->converted && w->hold &&
		(i->account_id == 0 || i->account_id == w->hold->account_id))
		w->account_id = i->account_id;
	w->tariff_id = tariff_at(w, i->from_at, &until);
	w->lines_n = 0;
	w->charge = 0;
	if (i->rebase) {
		w->last_at = i->to_at;
		w->last_milli = i->to_milli;
		return ERR_OK;
	}
	if (until.ms < i->to_at.ms)
		work_found(w, "interval_is_of_one_contract_and_tariff", interval_name(object, w, i),
			i->to_at.ms, until.ms);
	if (i->account_id != w->account_id)
		work_found(w, "interval_is_charged_to_its_contract", interval_name(object, w, i),
			i->account_id, w->account_id);
	w->last_at = i->to_at;
	w->last_milli = i->to_milli;
	return interval_priced(w, i);
}

/* ---- one meter ---- */

static enum err compare_before(struct work *w, struct utc at)
{
	struct day d = zone_local(w->zone, at).day;
	struct utc start;
	enum err e;

	d.days -= 1; /* a clock may fall back behind midnight */
	start = zone_day_start(w->zone, d);
	start.ms -= zone_local(w->zone, start).second % 3600 * INT64_C(1000);
	e = days_compare(w, d);
	return e == ERR_OK ? hours_compare(w, start) : e;
}

static enum err intervals_check(struct work *w)
{
	struct utc after = { INT64_MIN };
	size_t n;

	do {
		AUTO(rows_free) struct rows rows = { 0 };
		const struct interval *i;
		enum err e = db_list(w->db, &Q_INTERVALS,
			ARGS(arg_i64(w->meter->id), arg_utc(after), arg_i64(INTERVALS_BATCH)),
			&rows);

		i = rows.at;
		n = rows.n;
		for (size_t k = 0; e == ERR_OK && k < n; k++) {
			if (w->hours_n >= HOURS_HELD)
				e = compare_before(w, i[k].from_at);
			if (e == ERR_OK)
				e = cut_take(w, &i[k]);
			if (e == ERR_OK)
				e = interval_check(w, &i[k]);
			after = i[k].to_at;
		}
		if (e != ERR_OK)
			return e;
	} while (n == INTERVALS_BATCH);
	return ERR_OK;
}

static void settled_check(struct work *w)
{
	char object[160];

	work_name(object, "settled:%" PRId64, w->meter->id);
	if (!w->last_at.ms)
		return;
	if (w->meter->settled_milli != register_before(w, w->meter->settled_at))
		work_found(w, "settled_is_last_evidence", object, w->meter->settled_milli,
			register_before(w, w->meter->settled_at));
	if (w->meter->settled_at.ms < w->last_at.ms)
		work_found(w, "settled_is_not_before_evidence", object, w->meter->settled_at.ms,
			w->last_at.ms);
}

static enum err meter_load(struct work *w)
{
	enum err e = zone_keep(w, w->meter->zone, &w->zone);

	if (e == ERR_OK)
		e = db_list(w->db, &Q_HOLDS, ARGS(arg_i64(w->meter->supply_point_id)), &w->holds);
	if (e == ERR_OK)
		e = db_list(w->db, &Q_ASSIGNMENTS, ARGS(arg_i64(w->meter->id)), &w->assignments);
	if (e == ERR_OK)
		e = db_list(w->db, &Q_RATIOS, ARGS(arg_i64(w->meter->id)), &w->ratios);
	if (e == ERR_OK)
		e = db_list(w->db, &Q_CHANGES, ARGS(arg_i64(w->meter->id)), &w->changes);
	w->days_until = FIRST_DAY;
	w->hours_until = (struct utc){ INT64_MIN };
	w->last_at = (struct utc){ 0 };
	return e;
}

static enum err meter_check(struct work *w, const struct meter *m)
{
	enum err e;

	w->meter = m;
	e = meter_load(w);
	if (e == ERR_OK)
		e = intervals_check(w);
	if (e == ERR_OK)
		e = cut_end(w);
	if (e == ERR_OK)
		e = days_compare(w, LAST_DAY);
	if (e == ERR_OK)
		e = hours_compare(w, (struct utc){ INT64_MAX });
	if (e == ERR_OK)
		e = tiers_compare(w);
	if (e == ERR_OK)
		settled_check(w);
	meter_free(w);
	return e;
}

enum err verify_use(struct db *db, json_t *findings)
{
	AUTO(work_free) struct work w = { .db = db, .findings = findings };
	int64_t after = 0;
	size_t n;

	do {
		AUTO(rows_free) struct rows rows = { 0 };
		const struct meter *m;
		enum err e =
			db_list(db, &Q_METERS, ARGS(arg_i64(after), arg_i64(METERS_BATCH)), &rows);

		m = rows.at;
		n = rows.n;
		for (size_t i = 0; e == ERR_OK && i < n; i++) {
			e = meter_check(&w, &m[i]);
			after = m[i].id;
		}
		if (e != ERR_OK)
			return e;
	} while (n == METERS_BATCH);
	return ERR_OK;
}
