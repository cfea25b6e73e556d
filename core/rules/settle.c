#include "rules/settle.h"

#include <string.h>

#include "rules/calendar.h"

/* One settlement under way. */
struct work {
	const struct tariff *tariff; /* NULL: usage only */
	struct utc from, to;
	struct qty delta;
	struct tier_use use;
	struct segment_sink sink;
};

/* The part of delta that has been used up at an instant. */
static struct qty spread(const struct work *w, struct utc at)
{
	int64_t span = (w->to.ms - w->from.ms) / 1000;
	int64_t elapsed = (at.ms - w->from.ms) / 1000;

	if (at.ms >= w->to.ms)
		return w->delta;
	if (span == 0)
		return (struct qty){ 0 };
	return (struct qty){ (int64_t)((__int128)w->delta.milli * elapsed / span) };
}

static char *put_digits(char *s, int v, int n)
{
	for (int i = n - 1; i >= 0; i--, v /= 10)
		s[i] = (char)('0' + v % 10);
	return s + n;
}

static void cycle_label(enum cycle c, struct day d, char label[static 8])
{
	int y, m, day;

	memset(label, 0, 8);
	if (c == CYCLE_NONE)
		return;
	civil_date(d.days, &y, &m, &day);
	label = put_digits(label, y, 4);
	if (c == CYCLE_YEAR)
		return;
	*label++ = '-';
	put_digits(label, m, 2);
}

/* Sends one stretch of time as one segment for each tier that it reaches. */
static enum err price_stretch(
	struct work *w, const struct moment *m, struct segment *s, struct qty left)
{
	const struct version *v = m->version;

	cycle_label(v->cycle, m->day.day, s->cycle);
	if (memcmp(w->use.cycle, s->cycle, sizeof(s->cycle)) != 0) {
		memcpy(w->use.cycle, s->cycle, sizeof(s->cycle));
		w->use.used.milli = 0;
	}
	s->rate = m->rate->name;
	s->version = v->from;
	while (left.milli > 0) {
		size_t i = (size_t)version_tier_of(v, w->use.used) - 1;
		enum err e;

		s->qty = left;
		if (i < v->bounds_n && left.milli > v->bounds[i].milli - w->use.used.milli)
			s->qty.milli = v->bounds[i].milli - w->use.used.milli;
		s->tier = (int)i + 1;
		s->price = m->rate->prices[i];
		s->price_text = m->rate->texts[i];
		if ((e = qty_charge(s->qty, s->price, &s->charge)) != ERR_OK ||
			(e = qty_add(w->use.used, s->qty, &w->use.used)) != ERR_OK ||
			(e = w->sink.take(w->sink.ctx, s)) != ERR_OK)
			return e;
		left.milli -= s->qty.milli;
	}
	return ERR_OK;
}

static enum err settle(struct work *w, const struct zone *z)
{
	struct moment m = { 0 };
	struct qty done = { 0 };
	struct utc end;

	for (struct utc at = w->from; done.milli < w->delta.milli; at = end) {
		struct segment s = { .from = at, .rate = "", .price_text = "" };
		struct qty now;
		enum err e;

		moment_find(w->tariff, z, at, &m);
		end = m.until.ms < w->to.ms ? m.until : w->to;
		now = spread(w, end);
		if (now.milli == done.milli)
			continue;
		s.to = end;
		s.day = m.day.day;
		s.hour = m.hour;
		s.qty.milli = now.milli - done.milli;
		e = w->tariff ? price_stretch(w, &m, &s, s.qty) : w->sink.take(w->sink.ctx, &s);
		if (e != ERR_OK)
			return e;
		done = now;
	}
	return ERR_OK;
}

/* ---- gaps by the meter's own rate registers ---- */

/* Whole seconds of each part's rate, up to here. */
struct rate_time {
	int64_t elapsed[RATES_OF_METER];
	int64_t total[RATES_OF_METER];
};

static size_t part_find(const struct rates_split *split, const char *rate)
{
	size_t i = 0;

	while (i < split->n && strcmp(split->at[i].rate, rate) != 0)
		i++;
	return i;
}

static int64_t seconds_between(const struct work *w, struct utc at, struct utc end)
{
	return (end.ms - w->from.ms) / 1000 - (at.ms - w->from.ms) / 1000;
}

/* False: a rate of the tariff has no part. */
static bool time_of_rates(
	const struct work *w, const struct rates_split *split, struct rate_time *time)
{
	struct moment m = { 0 };
	struct utc end;

	for (struct utc at = w->from; at.ms < w->to.ms; at = end) {
		size_t i;

		moment_find(w->tariff, w->tariff->zone, at, &m);
		end = m.until.ms < w->to.ms ? m.until : w->to;
		i = part_find(split, m.rate->name);
		if (i == split->n)
			return false;
		time->total[i] += seconds_between(w, at, end);
	}
	return true;
}

bool settle_rates_fit(
	const struct tariff *t, struct utc from, struct utc to, const struct rates_split *split)
{
	struct work w = { .tariff = t, .from = from, .to = to };
	struct rate_time time = { 0 };

	if (from.ms >= to.ms || !tariff_covers(t, from) || !time_of_rates(&w, split, &time))
		return false;
	for (size_t i = 0; i < split->n; i++)
		if (split->at[i].qty.milli > 0 && time.total[i] == 0)
			return false;
	return true;
}

/* What a part has used up after so many seconds of its rate. */
static int64_t part_used(const struct rates_split *split, const struct rate_time *time, size_t i)
{
	if (time->total[i] == 0)
		return 0;
	return (int64_t)((__int128)split->at[i].qty.milli * time->elapsed[i] / time->total[i]);
}

static enum err settle_parts(struct work *w, const struct rates_split *split)
{
	struct rate_time time = { 0 };
	struct moment m = { 0 };
	struct utc end;

	if (!time_of_rates(w, split, &time))
		return ERR_CONFLICT;
	for (struct utc at = w->from; at.ms < w->to.ms; at = end) {
		struct segment s = { .from = at };
		int64_t before;
		enum err e;
		size_t i;

		moment_find(w->tariff, w->tariff->zone, at, &m);
		end = m.until.ms < w->to.ms ? m.until : w->to;
		i = part_find(split, m.rate->name);
		before = part_used(split, &time, i);
		time.elapsed[i] += seconds_between(w, at, end);
		s.to = end;
		s.day = m.day.day;
		s.hour = m.hour;
		e = price_stretch(w, &m, &s, (struct qty){ part_used(split, &time, i) - before });
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

enum err settle_by_rates(const struct tariff *t, struct utc from, struct utc to,
	const struct rates_split *split, struct tier_use *use, struct segment_sink sink)
{
	struct work w = { .tariff = t, .from = from, .to = to, .use = *use, .sink = sink };
	enum err e;

	if (use->used.milli < 0)
		return ERR_OUT_OF_RANGE;
	if (!settle_rates_fit(t, from, to, split))
		return ERR_CONFLICT;
	e = settle_parts(&w, split);
	if (e == ERR_OK)
		*use = w.use;
	return e;
}

/* ---- by time ---- */

enum err settle_interval(const struct tariff *t, struct utc from, struct utc to, struct qty delta,
	struct tier_use *use, struct segment_sink sink)
{
	struct work w = { t, from, to, delta, *use, sink };
	struct utc until;
	enum err e;

	if (from.ms >= to.ms || delta.milli < 0 || use->used.milli < 0)
		return ERR_OUT_OF_RANGE;
	if (!version_at(t, from, &until))
		return ERR_NOT_FOUND;
	e = settle(&w, t->zone);
	if (e == ERR_OK)
		*use = w.use;
	return e;
}

enum err settle_usage(const struct zone *z, struct utc from, struct utc to, struct qty delta,
	struct segment_sink sink)
{
	struct work w = { .from = from, .to = to, .delta = delta, .sink = sink };

	if (from.ms >= to.ms || delta.milli < 0)
		return ERR_OUT_OF_RANGE;
	return settle(&w, z);
}
