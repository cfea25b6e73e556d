/* Use and charges, recomputed from registers, tariffs and contracts: meter by meter, the intervals
 * of each in order of time. What the tariff says of an interval is compared with its evidence; the
 * sum of a stretch of days with the rows of usage_day and usage_hour; the count at the end with
 * tier_use. One batch of intervals and of days is held at a time. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "ctl/verify.h"
#include "ctl/verify_tariff.h"

#define METERS_BATCH 256
#define INTERVALS_BATCH 256
#define EVIDENCE_SHORT 2048 /* longer ones are read one by one */
#define EVIDENCE_LONG 1048576
#define DOC_MAX 262144
#define TARIFFS_MAX 32	/* parsed ones kept */
#define HOURS_HELD 1500 /* then they are compared */
#define FIRST_DAY ((struct day){ 0 })
#define LAST_DAY ((struct day){ 2932896 }) /* of the year 9999 */

struct meter {
	int64_t id;
	int64_t supply_point_id;
	char billing[12];
	char zone[64];
	int64_t ratio;	       /* before the first row of meter_ratio */
	bool own_ratio;	       /* its registers may have it in them */
	bool converted;	       /* its billing was another one for a time */
	struct utc settled_at; /* 0: never */
	int64_t settled_milli;
};
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

struct hold { /* a contract that holds the supply point for a time */
	int64_t contract_id;
	int64_t account_id;
	struct utc from_at;
	struct utc to_at; /* 0: open */
};
#define F(member) FIELD(struct hold, member)
SHAPE(hold_shape, struct hold, F(contract_id), F(account_id), F(from_at), F(to_at));
#undef F
static const struct query Q_HOLDS = {
	"SELECT contract_id, account_id, from_at, to_at FROM contract_point"
	" WHERE supply_point_id = ? ORDER BY from_at",
	&hold_shape
};

struct assignment {
	int64_t tariff_id;
	struct utc from_at;
};
SHAPE(assignment_shape, struct assignment, FIELD(struct assignment, tariff_id),
	FIELD(struct assignment, from_at));
static const struct query Q_ASSIGNMENTS = {
	"SELECT tariff_id, from_at FROM meter_tariff WHERE meter_id = ? ORDER BY from_at",
	&assignment_shape
};

struct ratio {
	int64_t ratio;
	struct utc from_at;
};
SHAPE(ratio_shape, struct ratio, FIELD(struct ratio, ratio), FIELD(struct ratio, from_at));
static const struct query Q_RATIOS = {
	"SELECT ct * pt AS ratio, from_at FROM meter_ratio WHERE meter_id = ? ORDER BY from_at",
	&ratio_shape
};

struct change { /* of the device */
	struct utc at;
	int64_t old_milli, new_milli;
};
#define F(member) FIELD(struct change, member)
SHAPE(change_shape, struct change, F(at), F(old_milli), F(new_milli));
#undef F
static const struct query Q_CHANGES = {
	"SELECT at, old_register_milli AS old_milli, new_register_milli AS new_milli FROM"
	" meter_change WHERE meter_id = ? AND undone_at = 0 ORDER BY at, id",
	&change_shape
};

struct interval {
	struct utc to_at;
	struct utc from_at;
	int64_t from_milli;
	int64_t to_milli;
	int64_t capacity_milli;
	int64_t ratio;
	int64_t qty_milli;
	bool rebase;
	int64_t account_id;
	int64_t charge_nano;
	char rates[1021];
	int64_t length; /* of the evidence */
	char evidence[EVIDENCE_SHORT];
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

struct long_text {
	char evidence[EVIDENCE_LONG];
};
SHAPE(long_shape, struct long_text, FIELD(struct long_text, evidence));
static const struct query Q_EVIDENCE = {
	"SELECT evidence FROM settlement WHERE meter_id = ? AND to_at = ?", &long_shape
};

struct doc {
	char doc[DOC_MAX];
};
SHAPE(doc_shape, struct doc, FIELD(struct doc, doc));
static const struct query Q_DOC = { "SELECT doc FROM tariff WHERE id = ?", &doc_shape };

/* A row of usage_day without its book day, which no first record tells. */
struct day_use {
	char day[DAY_TEXT_MAX];
	int64_t contract_id, account_id, tariff_id;
	int64_t version_at;
	char rate[33];
	int64_t tier, price_micro;
	int64_t qty_milli, charge_nano;
};
#define F(member) FIELD(struct day_use, member)
SHAPE(day_shape, struct day_use, F(day), F(contract_id), F(account_id), F(tariff_id), F(version_at),
	F(rate), F(tier), F(price_micro), F(qty_milli), F(charge_nano));
#undef F
static const struct query Q_DAYS = {
	"SELECT CAST(day AS CHAR) AS day, contract_id, account_id, tariff_id, version_at, rate, "
	"tier,"
	" price_micro, CAST(SUM(qty_milli) AS SIGNED) AS qty_milli, CAST(SUM(charge_nano) AS "
	"SIGNED)"
	" AS charge_nano FROM usage_day WHERE meter_id = ? AND usage_day.day >= ? AND "
	"usage_day.day <"
	" ? GROUP BY usage_day.day, contract_id, account_id, tariff_id, version_at, rate, tier,"
	" price_micro",
	&day_shape
};

struct hour_use {
	struct utc hour_at;
	int64_t qty_milli, charge_nano;
};
#define F(member) FIELD(struct hour_use, member)
SHAPE(hour_shape, struct hour_use, F(hour_at), F(qty_milli), F(charge_nano));
#undef F
static const struct query Q_HOURS = {
	"SELECT hour_at, qty_milli, charge_nano FROM usage_hour WHERE meter_id = ? AND hour_at >= ?"
	" AND hour_at < ? ORDER BY hour_at",
	&hour_shape
};

struct tier_use {
	int64_t contract_id;
	char cycle[8];
	int64_t used_milli;
};
#define F(member) FIELD(struct tier_use, member)
SHAPE(tier_shape, struct tier_use, F(contract_id), F(cycle), F(used_milli));
#undef F
static const struct query Q_TIERS = {
	"SELECT contract_id, cycle, used_milli FROM tier_use WHERE supply_point_id = ?", &tier_shape
};

/* ---- what is kept while a meter is worked through ---- */

struct kept_zone {
	struct zone *zone;
	struct kept_zone *next;
};

struct kept_tariff {
	int64_t id; /* 0 with a tariff: only spreads */
	struct slow_tariff *tariff;
	const struct zone *zone;
};

struct contract_use {
	int64_t contract_id;
	struct slow_use use;
};

struct work {
	struct db *db;
	json_t *findings;
	struct kept_zone *zones;
	struct kept_tariff tariffs[TARIFFS_MAX];
	size_t tariffs_next;
	/* of the meter */
	const struct meter *meter;
	const struct zone *zone;
	struct rows holds, assignments, ratios, changes;
	struct contract_use *uses;
	size_t uses_n;
	struct day_use *days;
	size_t days_n;
	struct hour_use *hours;
	size_t hours_n;
	struct day days_until;	/* compared up to here, */
	struct utc hours_until; /* and here */
	int64_t last_milli;	/* where the interval before ended */
	struct utc last_at;	/* 0: this is the first */
	/* of the interval */
	const struct hold *hold;
	struct day_use *lines;
	size_t lines_n;
	int64_t account_id, tariff_id, charge;
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
	w->uses = NULL;
	w->days = w->lines = NULL;
	w->hours = NULL;
	w->uses_n = w->days_n = w->hours_n = w->lines_n = 0;
}

static void work_free(struct work *w)
{
	meter_free(w);
	for (size_t i = 0; i < TARIFFS_MAX; i++)
		slow_tariff_free(&w->tariffs[i].tariff);
	for (struct kept_zone *z = w->zones, *next; z; z = next) {
		next = z->next;
		zone_free(&z->zone);
		free(z);
	}
}

static void *list_more(void *list, size_t n, size_t size)
{
	if (n % 64 == 0) {
		list = realloc(list, (n + 64) * size);
		ASSERT(list);
	}
	memset((char *)list + n * size, 0, size);
	return list;
}

PRINTF_LIKE(2, 3)
static const char *name(char buf[static 160], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, 160, fmt, ap);
	va_end(ap);
	return buf;
}

static void found(struct work *w, const char *check, const char *object, int64_t have, int64_t want)
{
	char a[24], b[24];

	snprintf(a, sizeof(a), "%" PRId64, have);
	snprintf(b, sizeof(b), "%" PRId64, want);
	finding_add(w->findings, check, object, a, b);
}

static const char *interval_name(
	char buf[static 160], const struct work *w, const struct interval *i)
{
	return name(buf, "settlement:%" PRId64 ":%" PRId64, w->meter->id, i->to_at.ms);
}

/* ---- zones and tariffs ---- */

static enum err zone_keep(struct work *w, const char *zone, const struct zone **out)
{
	struct kept_zone *k = w->zones;
	struct zone *z = NULL;
	enum err e;

	while (k && !str_eq(zone_name(k->zone), zone))
		k = k->next;
	if (!k) {
		e = zone_open(zone, &z);
		if (e != ERR_OK)
			return e;
		k = malloc(sizeof(*k));
		ASSERT(k);
		*k = (struct kept_zone){ z, w->zones };
		w->zones = k;
	}
	*out = k->zone;
	return ERR_OK;
}

static void doc_free(struct doc **d)
{
	free(*d);
}

static enum err tariff_keep(struct work *w, int64_t id, struct slow_tariff **out)
{
	AUTO(doc_free) struct doc *d = NULL;
	struct kept_tariff *k;
	enum err e = ERR_OK;

	for (size_t i = 0; i < TARIFFS_MAX; i++)
		if (w->tariffs[i].tariff && w->tariffs[i].id == id &&
			w->tariffs[i].zone == w->zone) {
			*out = w->tariffs[i].tariff;
			return ERR_OK;
		}
	if (id) {
		d = malloc(sizeof(*d));
		ASSERT(d);
		e = db_one(w->db, &Q_DOC, ARGS(arg_i64(id)), d);
		if (e != ERR_OK)
			return e;
	}
	k = &w->tariffs[w->tariffs_next++ % TARIFFS_MAX];
	slow_tariff_free(&k->tariff);
	*k = (struct kept_tariff){ id, NULL, w->zone };
	e = slow_tariff_open(d ? d->doc : NULL, d ? strlen(d->doc) : 0, w->zone, &k->tariff);
	*out = k->tariff;
	return e;
}

/* ---- adding up ---- */

static bool same_day_use(const struct day_use *a, const struct day_use *b)
{
	return str_eq(a->day, b->day) && a->contract_id == b->contract_id &&
	       a->account_id == b->account_id && a->tariff_id == b->tariff_id &&
	       a->version_at == b->version_at && str_eq(a->rate, b->rate) && a->tier == b->tier &&
	       a->price_micro == b->price_micro;
}

/* Adds to the row of the same key, which is near the end when it is there. */
static void day_add(struct day_use **list, size_t *n, const struct day_use *u)
{
	size_t i = *n;

	while (i > 0 && !same_day_use(&(*list)[i - 1], u))
		i--;
	if (i == 0) {
		*list = list_more(*list, *n, sizeof(*u));
		(*list)[(*n)++] = *u;
		return;
	}
	(*list)[i - 1].qty_milli += u->qty_milli;
	(*list)[i - 1].charge_nano += u->charge_nano;
}

static void hour_add(struct work *w, const struct slow_line *l)
{
	struct hour_use *h = w->hours_n ? &w->hours[w->hours_n - 1] : NULL;

	if (!h || h->hour_at.ms != l->hour.ms) {
		w->hours = list_more(w->hours, w->hours_n, sizeof(*h));
		h = &w->hours[w->hours_n++];
		h->hour_at = l->hour;
	}
	h->qty_milli += l->qty_milli;
	h->charge_nano += l->charge_nano;
}

static void line_take(void *ctx, const struct slow_line *l)
{
	struct work *w = ctx;
	struct day_use u = { .contract_id = w->hold ? w->hold->contract_id : 0,
		.account_id = w->account_id,
		.tariff_id = w->tariff_id,
		.version_at = l->version.ms,
		.tier = l->tier,
		.price_micro = l->price_micro,
		.qty_milli = l->qty_milli,
		.charge_nano = l->charge_nano };

	day_text(l->day, u.day);
	if (!str_copy(u.rate, sizeof(u.rate), l->rate))
		u.rate[0] = '\0';
	day_add(&w->lines, &w->lines_n, &u);
	hour_add(w, l);
	w->charge += l->charge_nano;
}

static struct slow_use *use_of(struct work *w, int64_t contract_id)
{
	for (size_t i = 0; i < w->uses_n; i++)
		if (w->uses[i].contract_id == contract_id)
			return &w->uses[i].use;
	w->uses = list_more(w->uses, w->uses_n, sizeof(*w->uses));
	w->uses[w->uses_n].contract_id = contract_id;
	return &w->uses[w->uses_n++].use;
}

/* ---- comparing with the tables ---- */

static const char *day_name(char buf[static 160], const struct work *w, const struct day_use *u)
{
	return name(buf, "usage_day:%" PRId64 ":%s:%" PRId64 ":%s:%" PRId64 ":%" PRId64,
		w->meter->id, u->day, u->contract_id, u->rate, u->tier, u->price_micro);
}

static void day_pair(struct work *w, const struct day_use *have, const struct day_use *want)
{
	char object[160];

	if (have->qty_milli != want->qty_milli)
		found(w, "use_of_day_is_its_evidence", day_name(object, w, want), have->qty_milli,
			want->qty_milli);
	if (have->charge_nano != want->charge_nano)
		found(w, "charge_of_day_is_its_evidence", day_name(object, w, want),
			have->charge_nano, want->charge_nano);
}

/* Those of the days before `until`; what is left of them has no row. */
static enum err days_compare(struct work *w, struct day until)
{
	AUTO(rows_free) struct rows rows = { 0 };
	char from[DAY_TEXT_MAX], to[DAY_TEXT_MAX], object[160];
	const struct day_use *have;
	size_t kept = 0;
	enum err e = db_list(w->db, &Q_DAYS,
		ARGS(arg_i64(w->meter->id), arg_text(day_text(w->days_until, from)),
			arg_text(day_text(until, to))),
		&rows);

	have = rows.at;
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		size_t k = 0;

		while (k < w->days_n && !same_day_use(&w->days[k], &have[i]))
			k++;
		if (k == w->days_n) {
			found(w, "use_of_day_has_evidence", day_name(object, w, &have[i]),
				have[i].qty_milli, 0);
			continue;
		}
		day_pair(w, &have[i], &w->days[k]);
		w->days[k].day[0] = '\0'; /* done with */
	}
	for (size_t k = 0; e == ERR_OK && k < w->days_n; k++) {
		struct day_use *u = &w->days[k];

		if (u->day[0] && strcmp(u->day, to) >= 0)
			w->days[kept++] = *u;
		else if (u->day[0])
			found(w, "evidence_is_in_use_of_day", day_name(object, w, u), 0,
				u->qty_milli);
	}
	w->days_n = kept;
	w->days_until = until;
	return e;
}

static void hour_pair(struct work *w, const struct hour_use *have, const struct hour_use *want)
{
	char object[160];

	name(object, "usage_hour:%" PRId64 ":%" PRId64, w->meter->id,
		have ? have->hour_at.ms : want->hour_at.ms);
	if ((have ? have->qty_milli : 0) != (want ? want->qty_milli : 0))
		found(w, "use_of_hour_is_its_evidence", object, have ? have->qty_milli : 0,
			want ? want->qty_milli : 0);
	if ((have ? have->charge_nano : 0) != (want ? want->charge_nano : 0))
		found(w, "charge_of_hour_is_its_evidence", object, have ? have->charge_nano : 0,
			want ? want->charge_nano : 0);
}

/* Two lists in order of time. */
static enum err hours_compare(struct work *w, struct utc until)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct hour_use *have;
	size_t i = 0, k = 0;
	enum err e = db_list(w->db, &Q_HOURS,
		ARGS(arg_i64(w->meter->id), arg_utc(w->hours_until), arg_utc(until)), &rows);

	if (e != ERR_OK)
		return e;
	have = rows.at;
	while (i < rows.n || (k < w->hours_n && w->hours[k].hour_at.ms < until.ms)) {
		bool past = k == w->hours_n;

		if (i == rows.n || (!past && w->hours[k].hour_at.ms < have[i].hour_at.ms)) {
			hour_pair(w, NULL, &w->hours[k++]);
		} else if (past || have[i].hour_at.ms < w->hours[k].hour_at.ms) {
			hour_pair(w, &have[i++], NULL);
		} else {
			hour_pair(w, &have[i++], &w->hours[k++]);
		}
	}
	if (w->hours_n > k)
		memmove(w->hours, w->hours + k, (w->hours_n - k) * sizeof(*w->hours));
	w->hours_n -= k;
	w->hours_until = until;
	return ERR_OK;
}

static enum err tiers_compare(struct work *w)
{
	AUTO(rows_free) struct rows rows = { 0 };
	char object[160];
	const struct tier_use *have;
	enum err e = db_list(w->db, &Q_TIERS, ARGS(arg_i64(w->meter->supply_point_id)), &rows);

	have = rows.at;
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		struct slow_use *want = use_of(w, have[i].contract_id);

		name(object, "tier_use:%" PRId64 ":%" PRId64, have[i].contract_id,
			w->meter->supply_point_id);
		if (!str_eq(have[i].cycle, want->cycle))
			finding_add(w->findings, "tier_cycle_is_its_evidence", object,
				have[i].cycle, want->cycle);
		else if (have[i].used_milli != want->used_milli)
			found(w, "tier_use_is_its_evidence", object, have[i].used_milli,
				want->used_milli);
		want->used_milli = 0; /* done with */
	}
	for (size_t i = 0; e == ERR_OK && i < w->uses_n; i++)
		if (w->uses[i].use.used_milli != 0)
			found(w, "tier_use_is_its_evidence",
				name(object, "tier_use:%" PRId64 ":%" PRId64,
					w->uses[i].contract_id, w->meter->supply_point_id),
				0, w->uses[i].use.used_milli);
	return e;
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
static int64_t grown(const struct interval *i)
{
	int64_t product;

	if (__builtin_mul_overflow(
		    i->to_milli - i->from_milli + i->capacity_milli, i->ratio, &product))
		return INT64_MAX;
	return product;
}

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
		found(w, "ratio_is_of_its_time", object, i->ratio, ratio);
	if (until.ms < i->to_at.ms)
		found(w, "interval_is_of_one_ratio", object, i->to_at.ms, until.ms);
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
		found(w, "evidence_is_a_chain", object, i->from_milli,
			register_before(w, i->from_at));
	if (i->from_at.ms >= i->to_at.ms || i->from_at.ms < w->last_at.ms)
		found(w, "evidence_goes_forward", object, i->from_at.ms, w->last_at.ms);
	if (i->rebase) {
		if (i->qty_milli != 0 || i->charge_nano != 0 || i->account_id != 0)
			found(w, "rebase_charges_nothing", object, i->qty_milli, 0);
		return;
	}
	if (i->to_milli + i->capacity_milli <= i->from_milli)
		found(w, "evidence_is_of_growth", object, i->to_milli, i->from_milli);
	ratio_check(w, i);
	if (i->qty_milli != grown(i))
		found(w, "quantity_is_growth_times_ratio", object, i->qty_milli, grown(i));
}

static json_t *line_json(const struct day_use *u)
{
	return json_pack("[s, s, I, o, I, I, I]", u->day, u->rate, (json_int_t)u->tier,
		json_price((struct price){ u->price_micro }), (json_int_t)u->qty_milli,
		(json_int_t)u->tariff_id, (json_int_t)u->version_at);
}

static void evidence_differs(
	struct work *w, const struct interval *i, const char *have, const json_t *want)
{
	AUTO(text_free) char *text = json_text(want);
	char object[160];

	finding_add(w->findings, "evidence_is_what_the_tariff_says", interval_name(object, w, i),
		have, text);
}

static void long_free(struct long_text **l)
{
	free(*l);
}

/* A line that was late ends with the day of its arrival, which no first record tells. */
static void book_days_drop(json_t *lines)
{
	for (size_t k = 0; k < json_array_size(lines); k++)
		if (json_array_size(json_array_get(lines, k)) == 8)
			json_array_remove(json_array_get(lines, k), 7);
}

static enum err evidence_check(struct work *w, const struct interval *i)
{
	AUTO(long_free) struct long_text *l = NULL;
	AUTO(json_free) json_t *have = NULL;
	AUTO(json_free) json_t *want = json_array();
	const char *text = i->evidence;
	enum err e = ERR_OK;

	if (i->length >= EVIDENCE_SHORT) {
		l = malloc(sizeof(*l));
		ASSERT(l);
		e = db_one(w->db, &Q_EVIDENCE, ARGS(arg_i64(w->meter->id), arg_utc(i->to_at)), l);
		text = l->evidence;
	}
	if (e != ERR_OK)
		return e;
	for (size_t k = 0; k < w->lines_n; k++)
		json_array_append_new(want, line_json(&w->lines[k]));
	e = json_parse(text, strlen(text), &have, NULL);
	book_days_drop(have);
	if (e != ERR_OK || !json_equal(have, want))
		evidence_differs(w, i, text, want);
	return ERR_OK;
}

/* What the meter's own rate registers counted: {"peak": [before, after], …}. What they miss of the
 * total is the largest one's. */
static size_t parts_read(
	const json_t *rates, const struct interval *i, struct slow_part out[static 4])
{
	static const char *const names[] = { "sharp", "peak", "flat", "valley" };
	int64_t missed = grown(i);
	size_t n = 0, largest = 0;

	for (size_t k = 0; k < ARRAY_LEN(names); k++) {
		const json_t *pair = json_object_get(rates, names[k]);
		int64_t before = json_integer_value(json_array_get(pair, 0));
		int64_t after = json_integer_value(json_array_get(pair, 1));

		if (after < 0 || after < before || !pair)
			continue;
		out[n] = (struct slow_part){ names[k], (after - before) * i->ratio };
		missed -= out[n].qty_milli;
		if (out[n].qty_milli > out[largest].qty_milli)
			largest = n;
		n++;
	}
	if (n > 0)
		out[largest].qty_milli += missed;
	return n;
}

static enum err interval_charge(struct work *w, const struct interval *i, struct slow_tariff *t,
	struct slow_use *use, struct slow_sink sink)
{
	AUTO(json_free) json_t *rates = NULL;
	struct slow_part parts[4];

	if (!i->rates[0])
		return slow_charge(t, i->from_at, i->to_at, grown(i), use, sink);
	if (json_parse(i->rates, strlen(i->rates), &rates, NULL) != ERR_OK || w->tariff_id == 0)
		return ERR_BAD_VALUE;
	return slow_charge_parts(
		t, i->from_at, i->to_at, parts, parts_read(rates, i, parts), use, sink);
}

/* The tariff of an interval: what is charged must have one, what is only measured is priced where
 * one is in force. */
static enum err interval_price(struct work *w, const struct interval *i)
{
	const struct slow_sink sink = { line_take, w };
	struct slow_use *use = use_of(w, w->hold ? w->hold->contract_id : 0);
	struct slow_use spread_only = { 0 };
	struct slow_tariff *t = NULL;
	enum err e = ERR_NOT_FOUND;

	if (w->tariff_id) {
		e = tariff_keep(w, w->tariff_id, &t);
		if (e == ERR_OK)
			e = interval_charge(w, i, t, use, sink);
	}
	if (e != ERR_NOT_FOUND || w->account_id)
		return e;
	w->tariff_id = 0;
	e = tariff_keep(w, 0, &t);
	return e == ERR_OK ? interval_charge(w, i, t, &spread_only, sink) : e;
}

/* Errors of the data are findings; only those of the database end the work. */
static enum err interval_priced(struct work *w, const struct interval *i)
{
	char object[160];
	enum err e = interval_price(w, i);

	switch (e) {
	case ERR_OK:
		break;
	case ERR_NOT_FOUND:
	case ERR_BAD_VALUE:
	case ERR_BAD_JSON:
	case ERR_OVERFLOW:
	case ERR_OUT_OF_RANGE:
	case ERR_CONFLICT:
		finding_add(w->findings, "interval_has_a_tariff", interval_name(object, w, i),
			err_word(e), "a price");
		return ERR_OK;
	default:
		return e;
	}
	e = evidence_check(w, i);
	if (e == ERR_OK && i->charge_nano != w->charge)
		found(w, "charge_is_what_the_tariff_says", interval_name(object, w, i),
			i->charge_nano, w->charge);
	for (size_t k = 0; k < w->lines_n; k++)
		day_add(&w->days, &w->days_n, &w->lines[k]);
	return e;
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
		found(w, "interval_is_of_one_contract_and_tariff", interval_name(object, w, i),
			i->to_at.ms, until.ms);
	if (i->account_id != w->account_id)
		found(w, "interval_is_charged_to_its_contract", interval_name(object, w, i),
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

	name(object, "settled:%" PRId64, w->meter->id);
	if (!w->last_at.ms)
		return;
	if (w->meter->settled_milli != register_before(w, w->meter->settled_at))
		found(w, "settled_is_last_evidence", object, w->meter->settled_milli,
			register_before(w, w->meter->settled_at));
	if (w->meter->settled_at.ms < w->last_at.ms)
		found(w, "settled_is_not_before_evidence", object, w->meter->settled_at.ms,
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
