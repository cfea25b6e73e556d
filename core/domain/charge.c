#include "domain/charge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/account.h"
#include "domain/alarm.h"
#include "domain/reading.h"
#include "rules/settle.h"
#include "rules/supply.h"

#define DAY_MS INT64_C(86400000)
#define QTY_MOST INT64_C(1000000000000000000)

/* ---- what is known of the meter ---- */

struct meter_row {
	int64_t supply_point_id;
	char billing[12];
	char zone[64];
	struct qty start_milli;
	char closed[DAY_TEXT_MAX]; /* the last closed book day of its site */
	char code[129];
	int64_t ratio; /* before the first row of meter_ratio */
};
SHAPE(meter_shape, struct meter_row, FIELD(struct meter_row, supply_point_id),
	FIELD(struct meter_row, billing), FIELD(struct meter_row, zone),
	FIELD(struct meter_row, start_milli), FIELD(struct meter_row, closed),
	FIELD(struct meter_row, code), FIELD(struct meter_row, ratio));

struct holder { /* a contract that holds the supply point for a time */
	int64_t contract_id;
	int64_t account_id;
	struct utc from_at;
	struct utc to_at; /* 0: open */
};
SHAPE(holder_shape, struct holder, FIELD(struct holder, contract_id),
	FIELD(struct holder, account_id), FIELD(struct holder, from_at),
	FIELD(struct holder, to_at));

struct pricing { /* a tariff of the meter, from a time on */
	int64_t tariff_id;
	int64_t revision;
	struct utc from_at;
};
SHAPE(pricing_shape, struct pricing, FIELD(struct pricing, tariff_id),
	FIELD(struct pricing, revision), FIELD(struct pricing, from_at));

struct ratio { /* transformer ratio of the meter, from a time on */
	int64_t ratio;
	struct utc from_at;
};
SHAPE(ratio_shape, struct ratio, FIELD(struct ratio, ratio), FIELD(struct ratio, from_at));

static const struct query Q_METER = {
	"SELECT m.supply_point_id, m.billing, s.zone, m.start_milli,"
	" COALESCE((SELECT CAST(MAX(b.day) AS CHAR) FROM book_day b WHERE b.site_id = s.id),"
	" '1970-01-01') AS closed, m.code, m.ct_ratio * m.pt_ratio AS ratio FROM meter m"
	" JOIN supply_point p ON p.id = m.supply_point_id JOIN site s ON s.id = p.site_id"
	" WHERE m.id = ?",
	&meter_shape
};
static const struct query Q_HOLDERS = {
	"SELECT contract_id, account_id, from_at, to_at FROM contract_point"
	" WHERE supply_point_id = ? AND from_at < ? AND (to_at = 0 OR to_at > ?) ORDER BY from_at",
	&holder_shape
};
/* Shared: a file that prices this energy is not replaced before it is settled. */
static const struct query Q_PRICINGS = {
	"SELECT m.tariff_id, t.revision, m.from_at FROM meter_tariff m"
	" JOIN tariff t ON t.id = m.tariff_id WHERE m.meter_id = ? AND m.from_at < ?"
	" ORDER BY m.from_at LOCK IN SHARE MODE",
	&pricing_shape
};
static const struct query Q_RATIOS = {
	"SELECT ct * pt AS ratio, from_at FROM meter_ratio WHERE meter_id = ? AND from_at < ?"
	" ORDER BY from_at",
	&ratio_shape
};

/* ---- how far it is settled ---- */

#define SETTLED(member) FIELD(struct settled, member)
SHAPE(settled_shape, struct settled, SETTLED(read_at), SETTLED(register_milli), SETTLED(own_ratio),
	SETTLED(sharp_milli), SETTLED(peak_milli), SETTLED(flat_milli), SETTLED(valley_milli));
static const struct query Q_SETTLED_LOCK = {
	"SELECT read_at, register_milli, own_ratio, sharp_milli, peak_milli, flat_milli,"
	" valley_milli FROM settled WHERE meter_id = ? FOR UPDATE",
	&settled_shape
};
static const struct query Q_SETTLED_SET = {
	"INSERT INTO settled (meter_id, read_at, register_milli, own_ratio, sharp_milli,"
	" peak_milli, flat_milli, valley_milli) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
	" ON DUPLICATE KEY UPDATE read_at = VALUES(read_at),"
	" register_milli = VALUES(register_milli), own_ratio = VALUES(own_ratio),"
	" sharp_milli = VALUES(sharp_milli), peak_milli = VALUES(peak_milli),"
	" flat_milli = VALUES(flat_milli), valley_milli = VALUES(valley_milli)",
	NULL
};

enum err settled_lock(struct db *db, int64_t meter_id, struct settled *out)
{
	struct settled s = { 0 };
	enum err e;

	ASSERT(db_in_tx(db));
	e = db_one(db, &Q_SETTLED_LOCK, ARGS(arg_i64(meter_id)), &s);
	if (e != ERR_OK && e != ERR_NOT_FOUND)
		return e;
	*out = s;
	return ERR_OK;
}

/* A meter without a row has nothing that the sealing of a day could wait for: a row of zeros, which
 * still says "not yet", is its lock. */
static const struct query Q_SETTLED_BEGIN = {
	"INSERT INTO settled (meter_id, read_at, register_milli) VALUES (?, 0, 0)"
	" ON DUPLICATE KEY UPDATE meter_id = VALUES(meter_id)",
	NULL
};

static enum err settled_set(struct db *db, const struct charge_reading *r)
{
	static const struct qty none[RATES_OF_METER] = { { -1 }, { -1 }, { -1 }, { -1 } };
	const struct qty *rate = r->has_rates ? r->rates : none;

	return db_exec(db, &Q_SETTLED_SET,
		ARGS(arg_i64(r->meter_id), arg_utc(r->at), arg_qty(r->reg), arg_i64(r->own_ratio),
			arg_qty(rate[0]), arg_qty(rate[1]), arg_qty(rate[2]), arg_qty(rate[3])),
		NULL);
}

/* ---- one settlement ---- */

struct day_row {
	int64_t meter_id;
	char day[DAY_TEXT_MAX];
	char book_day[DAY_TEXT_MAX];
	int64_t contract_id;
	int64_t account_id;
	int64_t tariff_id;
	struct utc version_at;
	char rate[33];
	int64_t tier;
	struct price price_micro;
	struct qty qty_milli;
	struct money charge_nano;
};
#define DAY(member) FIELD(struct day_row, member)
SHAPE(day_shape, struct day_row, DAY(meter_id), DAY(day), DAY(book_day), DAY(contract_id),
	DAY(account_id), DAY(tariff_id), DAY(version_at), DAY(rate), DAY(tier), DAY(price_micro),
	DAY(qty_milli), DAY(charge_nano));

struct hour_row {
	int64_t meter_id;
	struct utc hour_at;
	struct qty qty_milli;
	struct money charge_nano;
};
SHAPE(hour_shape, struct hour_row, FIELD(struct hour_row, meter_id),
	FIELD(struct hour_row, hour_at), FIELD(struct hour_row, qty_milli),
	FIELD(struct hour_row, charge_nano));

/* A piece of an interval with one contract, one tariff and one transformer ratio. */
struct piece {
	struct utc from, to;
	struct qty from_reg, to_reg; /* as the meter shows it */
	struct qty capacity;	     /* not 0: the register began anew in between */
	int64_t ratio;
	struct qty qty;
	const struct holder *holder;   /* NULL: nobody's */
	const struct pricing *pricing; /* NULL: no tariff */
	bool charged;		       /* to the purse of its holder */
	bool billed;		       /* charged, or postpaid: it waits for a tariff */
	bool priced;		       /* always when billed; others where they have a tariff */
	struct tier_use use;	       /* afterwards */
	struct money charge;
	size_t day_from, day_to; /* its rows of work.days */
};

/* All of it is worked out before the first row is written. */
struct work {
	struct meter_row meter;
	const struct charge_reading *reading;
	struct utc from;
	struct qty from_reg;
	struct qty grown; /* of the register, a roll-over included */
	bool rolled;
	struct rows holders, pricings, ratios;
	struct rates_split split; /* n 0: spread by time */
	const struct settled *last;
	const struct zone *zone;
	struct day closed;  /* the last closed book day */
	struct day arrival; /* of the reading */
	struct piece *pieces;
	size_t pieces_n;
	struct day_row *days;
	size_t days_n;
	struct hour_row *hours;
	size_t hours_n;
	struct piece *now; /* being worked out */
};

static void work_free(struct work *w)
{
	rows_free(&w->holders);
	rows_free(&w->pricings);
	rows_free(&w->ratios);
	free(w->pieces);
	free(w->days);
	free(w->hours);
}

/* Room for one more at the end of a list. */
static void *list_more(void *list, size_t n, size_t size)
{
	if (n % 16 == 0) {
		list = realloc(list, (n + 16) * size);
		ASSERT(list);
	}
	memset((char *)list + n * size, 0, size);
	return list;
}

static bool same_line(const struct day_row *a, const struct day_row *b)
{
	return str_eq(a->day, b->day) && a->version_at.ms == b->version_at.ms &&
	       str_eq(a->rate, b->rate) && a->tier == b->tier &&
	       a->price_micro.micro == b->price_micro.micro;
}

static enum err count_up(struct qty *qty, struct money *charge, const struct segment *s)
{
	enum err e = qty_add(*qty, s->qty, qty);

	return e == ERR_OK ? money_add(*charge, s->charge, charge) : e;
}

/* A closed day takes no charge: energy that arrives late is of its own day, but in the books of the
 * day of its arrival, or of the first open day when even that one is closed. */
static struct day book_day(const struct work *w, struct day day)
{
	if (day.days > w->closed.days)
		return day;
	if (w->arrival.days > w->closed.days)
		return w->arrival;
	return (struct day){ w->closed.days + 1 };
}

static enum err add_day(struct work *w, const struct segment *s)
{
	const struct piece *p = w->now;
	struct day_row row = { .meter_id = w->reading->meter_id,
		.contract_id = p->holder ? p->holder->contract_id : 0,
		.account_id = p->charged ? p->holder->account_id : 0,
		.tariff_id = p->priced ? p->pricing->tariff_id : 0,
		.version_at = s->version,
		.tier = s->tier,
		.price_micro = s->price };
	size_t i = p->day_from;

	ASSERT(p->holder || !p->charged);
	day_text(s->day, row.day);
	day_text(book_day(w, s->day), row.book_day);
	if (!str_copy(row.rate, sizeof(row.rate), s->rate))
		return ERR_OUT_OF_RANGE;
	while (i < w->days_n && !same_line(&w->days[i], &row))
		i++;
	if (i == w->days_n) {
		w->days = list_more(w->days, w->days_n++, sizeof(row));
		w->days[i] = row;
	}
	return count_up(&w->days[i].qty_milli, &w->days[i].charge_nano, s);
}

static enum err add_hour(struct work *w, const struct segment *s)
{
	struct local l = zone_local(w->zone, s->from);
	struct utc hour = { s->from.ms - s->from.ms % 1000 - l.second % 3600 * INT64_C(1000) };
	size_t i = w->hours_n;

	if (i > 0 && w->hours[i - 1].hour_at.ms == hour.ms) {
		i--;
	} else {
		w->hours = list_more(w->hours, w->hours_n++, sizeof(*w->hours));
		w->hours[i] =
			(struct hour_row){ .meter_id = w->reading->meter_id, .hour_at = hour };
	}
	return count_up(&w->hours[i].qty_milli, &w->hours[i].charge_nano, s);
}

static enum err take_segment(void *ctx, const struct segment *s)
{
	struct work *w = ctx;
	enum err e = add_day(w, s);

	if (e == ERR_OK)
		e = add_hour(w, s);
	return e == ERR_OK ? money_add(w->now->charge, s->charge, &w->now->charge) : e;
}

/* ---- cutting the interval ---- */

static const struct holder *holder_at(const struct work *w, struct utc at)
{
	const struct holder *h = w->holders.at;

	for (size_t i = w->holders.n; i > 0; i--)
		if (h[i - 1].from_at.ms <= at.ms &&
			(!h[i - 1].to_at.ms || h[i - 1].to_at.ms > at.ms))
			return &h[i - 1];
	return NULL;
}

static const struct pricing *pricing_at(const struct work *w, struct utc at)
{
	const struct pricing *p = w->pricings.at;
	const struct pricing *found = NULL;

	for (size_t i = 0; i < w->pricings.n && p[i].from_at.ms <= at.ms; i++)
		found = &p[i];
	return found;
}

/* What the register is to be multiplied by. */
static int64_t ratio_at(const struct work *w, struct utc at)
{
	const struct ratio *r = w->ratios.at;
	int64_t found = w->meter.ratio;

	if (w->reading->own_ratio)
		return 1;
	for (size_t i = 0; i < w->ratios.n && r[i].from_at.ms <= at.ms; i++)
		found = r[i].ratio;
	return found > 0 ? found : 1;
}

static void nearer(struct utc t, struct utc after, struct utc *next)
{
	if (t.ms > after.ms && t.ms < next->ms)
		next->ms = t.ms;
}

/* The first instant after `at` at which contract, tariff or ratio changes, or the end. */
static struct utc next_cut(const struct work *w, struct utc at)
{
	const struct holder *h = w->holders.at;
	const struct pricing *p = w->pricings.at;
	const struct ratio *r = w->ratios.at;
	struct utc next = w->reading->at;

	for (size_t i = 0; i < w->holders.n; i++) {
		nearer(h[i].from_at, at, &next);
		nearer(h[i].to_at, at, &next);
	}
	for (size_t i = 0; i < w->pricings.n; i++)
		nearer(p[i].from_at, at, &next);
	for (size_t i = 0; i < w->ratios.n && !w->reading->own_ratio; i++)
		nearer(r[i].from_at, at, &next);
	return next;
}

/* How far the register has grown at an instant, spread as the rules spread everything:
 * floor(delta * whole seconds / whole seconds). */
static struct qty grown_at(const struct work *w, struct utc at)
{
	int64_t span = (w->reading->at.ms - w->from.ms) / 1000;
	int64_t elapsed = (at.ms - w->from.ms) / 1000;

	if (at.ms >= w->reading->at.ms || span == 0)
		return w->grown;
	return (struct qty){ (int64_t)((__int128)w->grown.milli * elapsed / span) };
}

static struct qty register_after(const struct work *w, struct qty grown)
{
	int64_t reg = w->from_reg.milli + grown.milli;

	if (w->rolled && reg >= w->reading->capacity.milli)
		reg -= w->reading->capacity.milli;
	return (struct qty){ reg };
}

static enum err cut(struct work *w)
{
	struct qty grown = { 0 };
	struct utc end;

	for (struct utc at = w->from; at.ms < w->reading->at.ms; at = end) {
		struct qty then;
		struct piece *p;

		end = next_cut(w, at);
		then = grown_at(w, end);
		w->pieces = list_more(w->pieces, w->pieces_n, sizeof(*w->pieces));
		p = &w->pieces[w->pieces_n++];
		*p = (struct piece){ .from = at,
			.to = end,
			.from_reg = register_after(w, grown),
			.to_reg = register_after(w, then),
			.ratio = ratio_at(w, at),
			.holder = holder_at(w, at),
			.pricing = pricing_at(w, at) };
		p->charged = p->holder && str_eq(w->meter.billing, "account");
		p->billed = p->charged || (p->holder && str_eq(w->meter.billing, "postpaid"));
		if (p->to_reg.milli < p->from_reg.milli)
			p->capacity = w->reading->capacity;
		if (__builtin_mul_overflow(then.milli - grown.milli, p->ratio, &p->qty.milli))
			return ERR_OVERFLOW;
		grown = then;
	}
	return ERR_OK;
}

/* ---- pricing ---- */

struct tier_row {
	char cycle[8];
	struct qty used_milli;
};
SHAPE(tier_shape, struct tier_row, FIELD(struct tier_row, cycle),
	FIELD(struct tier_row, used_milli));
static const struct query Q_TIER = {
	"SELECT cycle, used_milli FROM tier_use WHERE contract_id = ? AND supply_point_id = ?"
	" FOR UPDATE",
	&tier_shape
};
static const struct query Q_TIER_SET = {
	"INSERT INTO tier_use (contract_id, supply_point_id, cycle, used_milli) VALUES (?, ?, ?, ?)"
	" ON DUPLICATE KEY UPDATE cycle = VALUES(cycle), used_milli = VALUES(used_milli)",
	NULL
};

static int64_t contract_of(const struct piece *p)
{
	return p->holder ? p->holder->contract_id : 0;
}

/* The use so far in the contract's cycle: from an earlier piece, or from the table. Energy that is
 * nobody's counts as that of contract 0. */
static enum err tier_start(struct db *db, struct work *w, struct piece *p)
{
	struct tier_row row;
	enum err e;

	for (size_t i = (size_t)(p - w->pieces); i > 0; i--)
		if (w->pieces[i - 1].priced && contract_of(&w->pieces[i - 1]) == contract_of(p)) {
			p->use = w->pieces[i - 1].use;
			return ERR_OK;
		}
	e = db_one(db, &Q_TIER, ARGS(arg_i64(contract_of(p)), arg_i64(w->meter.supply_point_id)),
		&row);
	if (e == ERR_NOT_FOUND)
		return ERR_OK;
	if (e != ERR_OK)
		return e;
	memcpy(p->use.cycle, row.cycle, sizeof(p->use.cycle));
	/* Labels are compared as whole arrays. */
	memset(p->use.cycle + strlen(row.cycle), 0, sizeof(p->use.cycle) - strlen(row.cycle));
	p->use.used = row.used_milli;
	return ERR_OK;
}

/* Finds the tariff of a piece. What is billed must have one; what is measured only is priced from
 * the first version of its tariff on. */
static enum err tariff_of(struct db *db, struct tariffs *cache, const struct work *w,
	struct piece *p, const struct tariff **t)
{
	enum err e;

	if (!p->pricing)
		return p->billed ? ERR_NOT_FOUND : ERR_OK;
	e = tariffs_get(db, cache,
		(struct tariff_ref){ p->pricing->tariff_id, p->pricing->revision }, w->zone, t);
	if (e != ERR_OK)
		return e;
	p->priced = p->billed || tariff_covers(*t, p->from);
	return ERR_OK;
}

struct slots_row {
	char slots[2001];
};
SHAPE(slots_shape, struct slots_row, FIELD(struct slots_row, slots));
static const struct query Q_SLOTS = {
	"SELECT slots FROM meter_slots WHERE meter_id = ? AND read_at <= ?"
	" ORDER BY read_at DESC LIMIT 1",
	&slots_shape
};

/* Did the meter have the tariff's slots all the time? */
static enum err slots_agree(struct db *db, const struct work *w, const struct tariff *t, bool *yes)
{
	struct slots_row before, after;
	enum err e = db_one(
		db, &Q_SLOTS, ARGS(arg_i64(w->reading->meter_id), arg_utc(w->from)), &before);

	*yes = false;
	if (e == ERR_OK)
		e = db_one(db, &Q_SLOTS,
			ARGS(arg_i64(w->reading->meter_id), arg_utc(w->reading->at)), &after);
	if (e == ERR_OK)
		*yes = str_eq(before.slots, after.slots) &&
		       tariff_slots_are(t, w->from, w->reading->at, before.slots);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err rates_alarm(struct db *db, const struct work *w)
{
	char text[200];

	snprintf(text, sizeof(text), "rate registers of meter %.100s do not add up to its total",
		w->meter.code);
	return alarm_raise(db,
		&(struct alarm_new){ .kind = "rates_differ",
			.severity = "warn",
			.object_kind = "meter",
			.object_id = w->reading->meter_id,
			.object_code = w->meter.code,
			.text = text },
		w->reading->at);
}

/* After a gap the meter's own rate registers say when the energy was used, if they count by the
 * slots of the tariff. Registers that do not add up are told, and time decides. */
static enum err gap_split(struct db *db, struct work *w, const struct tariff *t, struct qty qty)
{
	const struct charge_reading *r = w->reading;
	const struct settled *last = w->last;
	struct rates_facts f = { .before = { last->sharp_milli, last->peak_milli, last->flat_milli,
					 last->valley_milli },
		.total = qty,
		.ratio = ratio_at(w, w->from),
		.step = r->step };
	bool agree = false;
	enum err e;

	if (!r->has_rates || r->at.ms - w->from.ms <= RATES_GAP_MS || !last->read_at.ms ||
		w->rolled)
		return ERR_OK;
	memcpy(f.after, r->rates, sizeof(f.after));
	if (!rates_known(&f))
		return ERR_OK;
	e = slots_agree(db, w, t, &agree);
	if (e != ERR_OK || !agree)
		return e;
	if (rates_split(&f, &w->split) != ERR_OK ||
		!settle_rates_fit(t, w->from, r->at, &w->split)) {
		w->split.n = 0;
		return rates_alarm(db, w);
	}
	return alarm_clear(db, "rates_differ", "meter", r->meter_id, r->at);
}

static enum err price_piece(struct db *db, struct tariffs *cache, struct work *w, struct piece *p)
{
	struct segment_sink sink = { take_segment, w };
	const struct tariff *t = NULL;
	enum err e;

	w->now = p;
	p->day_from = p->day_to = w->days_n;
	if (p->qty.milli == 0)
		return ERR_OK;
	e = tariff_of(db, cache, w, p, &t);
	if (e == ERR_OK && p->priced)
		e = tier_start(db, w, p);
	if (e == ERR_OK && p->priced && w->pieces_n == 1)
		e = gap_split(db, w, t, p->qty);
	if (e != ERR_OK)
		return e;
	if (w->split.n > 0)
		e = settle_by_rates(t, p->from, p->to, &w->split, &p->use, sink);
	else if (p->priced)
		e = settle_interval(t, p->from, p->to, p->qty, &p->use, sink);
	else
		e = settle_usage(w->zone, p->from, p->to, p->qty, sink);
	p->day_to = w->days_n;
	return e;
}

/* ---- writing ---- */

static const struct query Q_DAYS = {
	"INSERT INTO usage_day (meter_id, day, book_day, contract_id, account_id, tariff_id,"
	" version_at, rate, tier, price_micro, qty_milli, charge_nano)"
	" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	" ON DUPLICATE KEY UPDATE qty_milli = qty_milli + VALUES(qty_milli),"
	" charge_nano = charge_nano + VALUES(charge_nano)",
	NULL
};
static const struct query Q_HOURS = {
	"INSERT INTO usage_hour (meter_id, hour_at, qty_milli, charge_nano) VALUES (?, ?, ?, ?)"
	" ON DUPLICATE KEY UPDATE qty_milli = qty_milli + VALUES(qty_milli),"
	" charge_nano = charge_nano + VALUES(charge_nano)",
	NULL
};
static const struct query Q_EVIDENCE = {
	"INSERT INTO settlement (meter_id, to_at, from_at, from_milli, to_milli, capacity_milli,"
	" ratio, qty_milli, kind, rates, account_id, charge_nano, evidence)"
	" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};

static char *evidence_text(const struct work *w, const struct piece *p)
{
	AUTO(json_free) json_t *lines = json_array();

	for (size_t i = p->day_from; i < p->day_to; i++) {
		const struct day_row *d = &w->days[i];

		json_t *line =
			json_pack("[s, s, I, o, I, I, I]", d->day, d->rate, (json_int_t)d->tier,
				json_price(d->price_micro), (json_int_t)d->qty_milli.milli,
				(json_int_t)d->tariff_id, (json_int_t)d->version_at.ms);

		if (!str_eq(d->book_day, d->day))
			json_array_append_new(line, json_string(d->book_day));
		json_array_append_new(lines, line);
	}
	return json_text(lines);
}

/* The registers that split the gap: {"peak": [1000, 2500], …}; empty when time did. */
static char *rates_text(const struct work *w)
{
	const struct qty before[] = { w->last->sharp_milli, w->last->peak_milli,
		w->last->flat_milli, w->last->valley_milli };
	AUTO(json_free) json_t *rates = json_object();

	for (size_t i = 0; i < RATES_OF_METER; i++)
		json_object_set_new(rates, rate_of_meter(i),
			json_pack("[I, I]", (json_int_t)before[i].milli,
				(json_int_t)w->reading->rates[i].milli));
	return w->split.n > 0 ? json_text(rates) : strdup("");
}

static enum err write_piece(struct db *db, const struct work *w, const struct piece *p)
{
	AUTO(text_free) char *evidence = NULL;
	AUTO(text_free) char *rates = NULL;
	enum err e;

	if (p->qty.milli == 0)
		return ERR_OK;
	evidence = evidence_text(w, p);
	rates = rates_text(w);
	ASSERT(evidence && rates);
	e = db_exec(db, &Q_EVIDENCE,
		ARGS(arg_i64(w->reading->meter_id), arg_utc(p->to), arg_utc(p->from),
			arg_qty(p->from_reg), arg_qty(p->to_reg), arg_qty(p->capacity),
			arg_i64(p->ratio), arg_qty(p->qty),
			arg_text(w->reading->jump ? "jump" : "use"), arg_text(rates),
			arg_id(p->charged ? p->holder->account_id : 0), arg_money(p->charge),
			arg_text(evidence)),
		NULL);
	if (e != ERR_OK || !p->priced)
		return e;
	return db_exec(db, &Q_TIER_SET,
		ARGS(arg_i64(contract_of(p)), arg_i64(w->meter.supply_point_id),
			arg_text(p->use.cycle), arg_qty(p->use.used)),
		NULL);
}

static enum err charges_add(struct charges *c, int64_t account_id, struct money m)
{
	size_t i = 0;

	while (i < c->n && c->at[i].account_id != account_id)
		i++;
	if (i == c->n) {
		c->at = list_more(c->at, c->n++, sizeof(*c->at));
		c->at[i].account_id = account_id;
	}
	return money_add(c->at[i].sum, m, &c->at[i].sum);
}

void charges_free(struct charges *c)
{
	free(c->at);
	*c = (struct charges){ 0 };
}

static enum err write_work(struct db *db, const struct work *w, struct charges *sum)
{
	enum err e = db_bulk(db, &Q_DAYS, &day_shape, w->days, w->days_n);

	if (e == ERR_OK)
		e = db_bulk(db, &Q_HOURS, &hour_shape, w->hours, w->hours_n);
	for (size_t i = 0; e == ERR_OK && i < w->pieces_n; i++) {
		const struct piece *p = &w->pieces[i];

		e = write_piece(db, w, p);
		if (e == ERR_OK && p->charged && p->charge.nano != 0)
			e = charges_add(sum, p->holder->account_id, p->charge);
	}
	return e == ERR_OK ? settled_set(db, w->reading) : e;
}

/* ---- the whole ---- */

static enum err load_between(struct db *db, struct work *w)
{
	enum err e = db_list(db, &Q_HOLDERS,
		ARGS(arg_i64(w->meter.supply_point_id), arg_utc(w->reading->at), arg_utc(w->from)),
		&w->holders);

	if (e == ERR_OK)
		e = db_list(db, &Q_PRICINGS,
			ARGS(arg_i64(w->reading->meter_id), arg_utc(w->reading->at)), &w->pricings);
	if (e == ERR_OK && !w->reading->own_ratio)
		e = db_list(db, &Q_RATIOS,
			ARGS(arg_i64(w->reading->meter_id), arg_utc(w->reading->at)), &w->ratios);
	return e;
}

static enum err settle(struct db *db, struct tariffs *cache, struct work *w, struct charges *sum)
{
	enum err e;

	if (w->reading->reg.milli == w->from_reg.milli)
		return settled_set(db, w->reading);
	w->rolled = w->reading->reg.milli < w->from_reg.milli;
	w->grown.milli = w->reading->reg.milli - w->from_reg.milli;
	if (w->rolled)
		w->grown.milli += w->reading->capacity.milli;
	e = load_between(db, w);
	if (e == ERR_OK)
		e = cut(w);
	for (size_t i = 0; i < w->pieces_n && e == ERR_OK; i++)
		e = price_piece(db, cache, w, &w->pieces[i]);
	return e == ERR_OK ? write_work(db, w, sum) : e;
}

/* From where the first reading of a meter is charged; false: it is the base. */
static enum err first_contact(struct db *db, struct work *w, bool *charged)
{
	const struct charge_reading *r = w->reading;
	AUTO(rows_free) struct rows holders = { 0 };
	const struct holder *h;
	struct utc from = { r->at.ms - DAY_MS };
	struct reading_facts f = { .at = r->at, .reg = r->reg, .has_last = true };
	enum err e;

	*charged = false;
	if (w->meter.start_milli.milli <= 0 || w->meter.start_milli.milli > r->reg.milli)
		return ERR_OK;
	e = db_list(db, &Q_HOLDERS,
		ARGS(arg_i64(w->meter.supply_point_id), arg_utc(r->at), arg_utc(r->at)), &holders);
	if (e != ERR_OK)
		return e;
	h = holders.at;
	if (holders.n > 0 && h[0].from_at.ms > from.ms)
		from = h[0].from_at;
	f.most_per_hour = r->most_per_hour;
	f.last_at = from;
	f.last_reg = w->meter.start_milli;
	if (reading_judge(&f) != VERDICT_ACCEPTED)
		return ERR_OK;
	w->from = from;
	w->from_reg = w->meter.start_milli;
	*charged = true;
	return ERR_OK;
}

/* What is known of the meter. Read under its lock: a day found open here is sealed only after this
 * transaction. */
static enum err meter_load(struct db *db, struct tariffs *cache, struct work *w)
{
	enum err e = db_one(db, &Q_METER, ARGS(arg_i64(w->reading->meter_id)), &w->meter);

	if (e == ERR_OK)
		e = tariffs_zone(cache, w->meter.zone, &w->zone);
	if (e == ERR_OK)
		e = day_parse(w->meter.closed, &w->closed);
	if (e == ERR_OK)
		w->arrival = zone_local(w->zone, w->reading->at).day;
	return e;
}

/* Not below it, or begun anew after its capacity. */
static bool may_follow(const struct charge_reading *r, const struct settled *last)
{
	return r->reg.milli >= last->register_milli.milli ||
	       (r->reg.milli >= 0 && r->capacity.milli > last->register_milli.milli &&
		       r->capacity.milli <= QTY_MOST);
}

enum err charge_settle(struct db *db, struct tariffs *cache, const struct charge_reading *r,
	const struct settled *last, struct charges *sum)
{
	AUTO(work_free)
	struct work w = {
		.reading = r, .last = last, .from = last->read_at, .from_reg = last->register_milli
	};
	bool charged = true;
	enum err e = ERR_OK;

	ASSERT(db_in_tx(db));
	if (last->read_at.ms && (r->at.ms <= last->read_at.ms || !may_follow(r, last)))
		return ERR_OUT_OF_RANGE;
	if (!last->read_at.ms)
		e = db_exec(db, &Q_SETTLED_BEGIN, ARGS(arg_i64(r->meter_id)), NULL);
	if (e == ERR_OK)
		e = meter_load(db, cache, &w);
	if (e == ERR_OK && !last->read_at.ms)
		e = first_contact(db, &w, &charged);
	if (e == ERR_NOT_FOUND) /* not the missing tariff that the caller knows how to bear */
		return ERR_DB;
	if (e != ERR_OK)
		return e;
	return charged ? settle(db, cache, &w, sum) : settled_set(db, r);
}

static const struct query Q_REBASE = {
	"INSERT INTO settlement (meter_id, to_at, from_at, from_milli, to_milli, qty_milli, kind,"
	" charge_nano, evidence) VALUES (?, ?, ?, ?, ?, 0, 'rebase', 0, '[]')",
	NULL
};

enum err charge_rebase(struct db *db, const struct charge_reading *r, const struct settled *last)
{
	enum err e;

	ASSERT(db_in_tx(db));
	if (r->at.ms <= last->read_at.ms)
		return ERR_OUT_OF_RANGE;
	e = db_exec(db, &Q_REBASE,
		ARGS(arg_i64(r->meter_id), arg_utc(r->at), arg_utc(last->read_at),
			arg_qty(last->register_milli), arg_qty(r->reg)),
		NULL);
	return e == ERR_OK ? settled_set(db, r) : e;
}

/* Use spends the subsidy in a purse first; what a correction gives back is the tenant's own. */
static const struct query Q_TAKE = {
	"UPDATE account SET balance_nano = balance_nano - ?,"
	" subsidy_nano = GREATEST(0, subsidy_nano - GREATEST(0, ?)),"
	" allowance_nano = GREATEST(0, allowance_nano - GREATEST(0, ?)) WHERE id = ?",
	NULL
};

static int by_account(const void *a, const void *b)
{
	const struct charge_sum *x = a, *y = b;

	return (x->account_id > y->account_id) - (x->account_id < y->account_id);
}

enum err charge_post(struct db *db, const struct charges *sum, struct utc now)
{
	enum err e = ERR_OK;

	ASSERT(db_in_tx(db));
	if (sum->n > 1)
		qsort(sum->at, sum->n, sizeof(*sum->at), by_account);
	for (size_t i = 0; e == ERR_OK && i < sum->n; i++)
		e = db_exec(db, &Q_TAKE,
			ARGS(arg_money(sum->at[i].sum), arg_money(sum->at[i].sum),
				arg_money(sum->at[i].sum), arg_i64(sum->at[i].account_id)),
			NULL);
	for (size_t i = 0; e == ERR_OK && i < sum->n; i++)
		e = account_changed(db, sum->at[i].account_id, now);
	return e;
}
