/* The middle of settlement: from what is known of a meter to the rows that its next reading makes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/alarm.h"
#include "domain/charge_inside.h"
#include "domain/reading.h"
#include "rules/settle.h"

#define DAY_MS INT64_C(86400000)
#define QTY_MOST INT64_C(1000000000000000000)

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

/* One reading. Rows go to the end of the batch's lists, and are taken off again when it fails. */
struct work {
	struct charge_batch *b;
	const struct subject *s;
	const struct charge_reading *reading;
	struct utc from;
	struct qty from_reg;
	struct qty grown; /* of the register, a roll-over included */
	bool rolled;
	struct rates_split split; /* n 0: spread by time */
	const struct zone *zone;
	struct day closed;  /* the last closed book day */
	struct day arrival; /* of the reading */
	size_t hour_from;   /* its first row of batch.hours */
	struct list pieces; /* struct piece */
	struct piece *now;  /* being worked out */
};

static void work_free(struct work *w)
{
	free(w->pieces.at);
}

static struct piece *piece_at(const struct work *w, size_t i)
{
	return (struct piece *)w->pieces.at + i;
}

static struct day_row *day_at(const struct work *w, size_t i)
{
	return (struct day_row *)w->b->days.at + i;
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
	struct day_row *added;

	ASSERT(p->holder || !p->charged);
	day_text(s->day, row.day);
	day_text(book_day(w, s->day), row.book_day);
	if (!str_copy(row.rate, sizeof(row.rate), s->rate))
		return ERR_OUT_OF_RANGE;
	while (i < w->b->days.n && !same_line(day_at(w, i), &row))
		i++;
	if (i == w->b->days.n) {
		added = list_add(&w->b->days, sizeof(row));
		*added = row;
	}
	return count_up(&day_at(w, i)->qty_milli, &day_at(w, i)->charge_nano, s);
}

static enum err add_hour(struct work *w, const struct segment *s)
{
	struct local l = zone_local(w->zone, s->from);
	struct utc hour = { s->from.ms - s->from.ms % 1000 - l.second % 3600 * INT64_C(1000) };
	size_t n = w->b->hours.n;
	struct hour_row *row = n > w->hour_from ? (struct hour_row *)w->b->hours.at + n - 1 : NULL;

	if (!row || row->hour_at.ms != hour.ms) {
		row = list_add(&w->b->hours, sizeof(*row));
		*row = (struct hour_row){ .meter_id = w->reading->meter_id, .hour_at = hour };
	}
	return count_up(&row->qty_milli, &row->charge_nano, s);
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
	const struct holder *h = w->s->holders;

	for (size_t i = w->s->holders_n; i > 0; i--)
		if (h[i - 1].from_at.ms <= at.ms &&
			(!h[i - 1].to_at.ms || h[i - 1].to_at.ms > at.ms))
			return &h[i - 1];
	return NULL;
}

static const struct pricing *pricing_at(const struct work *w, struct utc at)
{
	const struct pricing *p = w->s->pricings;
	const struct pricing *found = NULL;

	for (size_t i = 0; i < w->s->pricings_n && p[i].from_at.ms <= at.ms; i++)
		found = &p[i];
	return found;
}

/* What the register is to be multiplied by. */
static int64_t ratio_at(const struct work *w, struct utc at)
{
	const struct ratio *r = w->s->ratios;
	int64_t found = w->s->meter->ratio;

	if (w->reading->own_ratio)
		return 1;
	for (size_t i = 0; i < w->s->ratios_n && r[i].from_at.ms <= at.ms; i++)
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
	const struct holder *h = w->s->holders;
	const struct pricing *p = w->s->pricings;
	const struct ratio *r = w->s->ratios;
	struct utc next = w->reading->at;

	for (size_t i = 0; i < w->s->holders_n; i++) {
		nearer(h[i].from_at, at, &next);
		nearer(h[i].to_at, at, &next);
	}
	for (size_t i = 0; i < w->s->pricings_n; i++)
		nearer(p[i].from_at, at, &next);
	for (size_t i = 0; i < w->s->ratios_n && !w->reading->own_ratio; i++)
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
		p = list_add(&w->pieces, sizeof(*p));
		*p = (struct piece){ .from = at,
			.to = end,
			.from_reg = register_after(w, grown),
			.to_reg = register_after(w, then),
			.ratio = ratio_at(w, at),
			.holder = holder_at(w, at),
			.pricing = pricing_at(w, at) };
		p->charged = p->holder && str_eq(w->s->meter->billing, "account");
		p->billed = p->charged || (p->holder && str_eq(w->s->meter->billing, "postpaid"));
		if (p->to_reg.milli < p->from_reg.milli)
			p->capacity = w->reading->capacity;
		if (__builtin_mul_overflow(then.milli - grown.milli, p->ratio, &p->qty.milli))
			return ERR_OVERFLOW;
		grown = then;
	}
	return ERR_OK;
}

/* ---- pricing ---- */

static int64_t contract_of(const struct piece *p)
{
	return p->holder ? p->holder->contract_id : 0;
}

/* The use so far in the contract's cycle: from an earlier piece, or from before. Energy that is
 * nobody's counts as that of contract 0. */
static void tier_start(struct work *w, struct piece *p)
{
	const struct tier_row *row;

	for (size_t i = (size_t)(p - piece_at(w, 0)); i > 0; i--)
		if (piece_at(w, i - 1)->priced &&
			contract_of(piece_at(w, i - 1)) == contract_of(p)) {
			p->use = piece_at(w, i - 1)->use;
			return;
		}
	row = tier_of(w->b, w->s, contract_of(p));
	memcpy(p->use.cycle, row->cycle, sizeof(p->use.cycle));
	p->use.used = row->used_milli;
}

/* Finds the tariff of a piece. What is billed must have one; what is measured only is priced from
 * the first version of its tariff on. */
static enum err tariff_of(
	struct db *db, const struct work *w, struct piece *p, const struct tariff **t)
{
	enum err e;

	if (!p->pricing)
		return p->billed ? ERR_NOT_FOUND : ERR_OK;
	e = tariffs_get(db, w->b->cache,
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
		w->s->meter->code);
	return alarm_raise(db,
		&(struct alarm_new){ .kind = "rates_differ",
			.severity = "warn",
			.object_kind = "meter",
			.object_id = w->reading->meter_id,
			.object_code = w->s->meter->code,
			.text = text },
		w->reading->at);
}

/* After a gap the meter's own rate registers say when the energy was used, if they count by the
 * slots of the tariff. Registers that do not add up are told, and time decides. */
static enum err gap_split(struct db *db, struct work *w, const struct tariff *t, struct qty qty)
{
	const struct charge_reading *r = w->reading;
	const struct settled *last = &w->s->last;
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

static enum err price_piece(struct db *db, struct work *w, struct piece *p)
{
	struct segment_sink sink = { take_segment, w };
	const struct tariff *t = NULL;
	enum err e;

	w->now = p;
	p->day_from = p->day_to = w->b->days.n;
	if (p->qty.milli == 0)
		return ERR_OK;
	e = tariff_of(db, w, p, &t);
	if (e == ERR_OK && p->priced)
		tier_start(w, p);
	if (e == ERR_OK && p->priced && w->pieces.n == 1)
		e = gap_split(db, w, t, p->qty);
	if (e != ERR_OK)
		return e;
	if (w->split.n > 0)
		e = settle_by_rates(t, p->from, p->to, &w->split, &p->use, sink);
	else if (p->priced)
		e = settle_interval(t, p->from, p->to, p->qty, &p->use, sink);
	else
		e = settle_usage(w->zone, p->from, p->to, p->qty, sink);
	p->day_to = w->b->days.n;
	return e;
}

/* ---- the outcome ---- */

static char *evidence_text(const struct work *w, const struct piece *p)
{
	AUTO(json_free) json_t *lines = json_array();

	for (size_t i = p->day_from; i < p->day_to; i++) {
		const struct day_row *d = day_at(w, i);

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
	const struct settled *last = &w->s->last;
	const struct qty before[] = { last->sharp_milli, last->peak_milli, last->flat_milli,
		last->valley_milli };
	AUTO(json_free) json_t *rates = json_object();

	for (size_t i = 0; i < RATES_OF_METER; i++)
		json_object_set_new(rates, rate_of_meter(i),
			json_pack("[I, I]", (json_int_t)before[i].milli,
				(json_int_t)w->reading->rates[i].milli));
	return w->split.n > 0 ? json_text(rates) : strdup("");
}

/* Evidence, tier and charge of a piece that is worked out. */
static enum err keep_piece(struct work *w, const struct piece *p)
{
	struct evidence_row *row;
	struct tier_row *tier;

	if (p->qty.milli == 0)
		return ERR_OK;
	row = list_add(&w->b->evidence, sizeof(*row));
	*row = (struct evidence_row){ .meter_id = w->s->meter_id,
		.to_at = p->to,
		.from_at = p->from,
		.from_milli = p->from_reg,
		.to_milli = p->to_reg,
		.capacity_milli = p->capacity,
		.ratio = p->ratio,
		.qty_milli = p->qty,
		.kind = w->reading->jump ? "jump" : "use",
		.rates = rates_text(w),
		.account_id = p->charged ? p->holder->account_id : 0,
		.charge_nano = p->charge,
		.evidence = evidence_text(w, p) };
	ASSERT(row->rates && row->evidence);
	if (!p->priced)
		return ERR_OK;
	tier = tier_of(w->b, w->s, contract_of(p));
	memcpy(tier->cycle, p->use.cycle, sizeof(tier->cycle));
	tier->used_milli = p->use.used;
	tier->changed = true;
	if (!p->charged || p->charge.nano == 0)
		return ERR_OK;
	return charges_add(&w->b->sum, p->holder->account_id, p->charge);
}

struct settled settled_after(const struct charge_reading *r)
{
	static const struct qty none = { -1 };

	return (struct settled){ .read_at = r->at,
		.register_milli = r->reg,
		.own_ratio = r->own_ratio,
		.sharp_milli = r->has_rates ? r->rates[0] : none,
		.peak_milli = r->has_rates ? r->rates[1] : none,
		.flat_milli = r->has_rates ? r->rates[2] : none,
		.valley_milli = r->has_rates ? r->rates[3] : none };
}

static void go_on(struct subject *s, const struct charge_reading *r)
{
	s->last = settled_after(r);
	s->moved = true;
}

/* From where the first reading of a meter is charged; false: it is the base. */
static bool first_contact(struct work *w)
{
	const struct charge_reading *r = w->reading;
	const struct holder *h = holder_at(w, r->at);
	struct reading_facts f = { .at = r->at, .reg = r->reg, .has_last = true };

	if (w->s->meter->start_milli.milli <= 0 || w->s->meter->start_milli.milli > r->reg.milli)
		return false;
	w->from.ms = r->at.ms - DAY_MS;
	if (h && h->from_at.ms > w->from.ms)
		w->from = h->from_at;
	w->from_reg = w->s->meter->start_milli;
	f.most_per_hour = r->most_per_hour;
	f.last_at = w->from;
	f.last_reg = w->from_reg;
	return reading_judge(&f) == VERDICT_ACCEPTED;
}

/* Not below it, or begun anew after its capacity. */
static bool may_follow(const struct charge_reading *r, const struct settled *last)
{
	if (!last->read_at.ms)
		return true;
	return r->at.ms > last->read_at.ms &&
	       (r->reg.milli >= last->register_milli.milli ||
		       (r->reg.milli >= 0 && r->capacity.milli > last->register_milli.milli &&
			       r->capacity.milli <= QTY_MOST));
}

static enum err price(struct db *db, struct work *w)
{
	enum err e;

	w->rolled = w->reading->reg.milli < w->from_reg.milli;
	w->grown.milli = w->reading->reg.milli - w->from_reg.milli;
	if (w->rolled)
		w->grown.milli += w->reading->capacity.milli;
	e = cut(w);
	for (size_t i = 0; i < w->pieces.n && e == ERR_OK; i++)
		e = price_piece(db, w, piece_at(w, i));
	for (size_t i = 0; i < w->pieces.n && e == ERR_OK; i++)
		e = keep_piece(w, piece_at(w, i));
	return e;
}

static enum err begin(struct work *w)
{
	const struct meter_row *m = w->s->meter;
	enum err e = tariffs_zone(w->b->cache, m->zone, &w->zone);

	if (e == ERR_OK)
		e = day_parse(m->closed, &w->closed);
	if (e == ERR_OK)
		w->arrival = zone_local(w->zone, w->reading->at).day;
	return e == ERR_NOT_FOUND ? ERR_DB : e; /* not the missing tariff that callers can bear */
}

enum err charge_work(
	struct db *db, struct charge_batch *b, struct subject *s, const struct charge_reading *r)
{
	AUTO(work_free)
	struct work w = { .b = b,
		.s = s,
		.reading = r,
		.from = s->last.read_at,
		.from_reg = s->last.register_milli,
		.hour_from = b->hours.n };
	size_t day_from = b->days.n;
	enum err e;

	if (!may_follow(r, &s->last))
		return ERR_OUT_OF_RANGE;
	if ((!s->last.read_at.ms && !first_contact(&w)) || r->reg.milli == w.from_reg.milli) {
		go_on(s, r);
		return ERR_OK;
	}
	e = begin(&w);
	if (e == ERR_OK)
		e = price(db, &w);
	if (e == ERR_OK) {
		go_on(s, r);
	} else {
		b->days.n = day_from;
		b->hours.n = w.hour_from;
	}
	return e;
}
