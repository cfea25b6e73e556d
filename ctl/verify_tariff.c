#include "ctl/verify_tariff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS INT64_C(3600000)
#define SLOTS_MAX 1440 /* they stand at whole minutes */

/* One local day as one version sees it. */
struct plan {
	struct day day;
	struct utc start, end;
	bool jumps; /* the clock does */
	const json_t *version;
	size_t slots_n;
	struct {
		struct utc at;
		const char *rate;
	} slots[SLOTS_MAX];
};

struct slow_tariff {
	json_t *doc; /* NULL: spreads only */
	const struct zone *zone;
	const json_t *versions;
	struct utc *from; /* of each version, ascending */
	bool planned;
	struct plan plan; /* of the day last asked for */
};

/* What holds at an instant; a change of any of it is a cut. */
struct state {
	struct day day;
	struct utc hour;
	size_t version;
	const char *rate;
};

struct walk {
	struct slow_tariff *tariff;
	struct utc from, to;
	int64_t qty;
	struct slow_use *use;
	struct slow_sink sink;
};

enum err slow_tariff_open(const char *doc, size_t n, const struct zone *z, struct slow_tariff **out)
{
	AUTO(slow_tariff_free) struct slow_tariff *t = calloc(1, sizeof(*t));
	size_t i;
	const json_t *v;
	enum err e;

	ASSERT(t);
	t->zone = z;
	if (!doc) {
		*out = t;
		t = NULL;
		return ERR_OK;
	}
	e = json_parse(doc, n, &t->doc, NULL);
	if (e != ERR_OK)
		return e;
	t->versions = json_object_get(t->doc, "versions");
	t->from = calloc(json_array_size(t->versions) + 1, sizeof(*t->from));
	ASSERT(t->from);
	json_array_foreach(t->versions, i, v)
	{
		const char *at = json_string_value(json_object_get(v, "effective_from"));

		if (!at || utc_parse(at, &t->from[i]) != ERR_OK)
			return ERR_BAD_VALUE;
	}
	if (i == 0)
		return ERR_BAD_VALUE;
	*out = t;
	t = NULL;
	return ERR_OK;
}

void slow_tariff_free(struct slow_tariff **t)
{
	if (!*t)
		return;
	json_free(&(*t)->doc);
	free((*t)->from);
	free(*t);
	*t = NULL;
}

/* ---- the calendar ---- */

static bool listed(const json_t *list, const char *day)
{
	size_t i;
	const json_t *v;

	json_array_foreach(
		list, i, v) if (json_is_string(v) && str_eq(json_string_value(v), day)) return true;
	return false;
}

static const char *kind_of_day(const struct slow_tariff *t, struct day d)
{
	char text[DAY_TEXT_MAX];

	day_text(d, text);
	if (listed(json_object_get(t->doc, "holidays"), text))
		return "holiday";
	if (listed(json_object_get(t->doc, "workdays"), text))
		return "workday";
	return day_weekday(d) >= 5 ? "weekend" : "workday";
}

static bool month_matches(const json_t *months, int month)
{
	size_t i;
	const json_t *v;

	json_array_foreach(months, i, v) if (json_integer_value(v) == month) return true;
	return !months;
}

/* The slots of a day: of the first row that matches it. */
static const json_t *slots_of_day(const struct slow_tariff *t, const json_t *version, struct day d)
{
	const char *kind = kind_of_day(t, d);
	int y, month, dd;
	size_t i;
	const json_t *row;

	civil_date(d.days, &y, &month, &dd);
	json_array_foreach(json_object_get(version, "calendar"), i, row)
	{
		const json_t *days = json_object_get(row, "days");
		const char *word = days ? json_string_value(days) : "all";

		if (word && (str_eq(word, "all") || str_eq(word, kind)) &&
			month_matches(json_object_get(row, "months"), month))
			return json_object_get(row, "slots");
	}
	return NULL;
}

/* The day that has begun last. */
static void day_find(const struct zone *z, struct utc at, struct plan *p)
{
	p->day.days = zone_local(z, at).day.days + 1;
	while (zone_day_start(z, p->day).ms > at.ms)
		p->day.days--;
	p->start = zone_day_start(z, p->day);
	p->end = zone_day_start(z, (struct day){ p->day.days + 1 });
	p->jumps = p->end.ms - p->start.ms != 24 * HOUR_MS;
}

/* "07:30" as seconds of the day. */
static bool time_read(const char *text, int32_t *second)
{
	if (strlen(text) != 5 || text[2] != ':' || strspn(text, "0123456789:") != 5)
		return false;
	*second = ((text[0] - '0') * 10 + text[1] - '0') * 3600 +
		  ((text[3] - '0') * 10 + text[4] - '0') * 60;
	return true;
}

static enum err plan_make(struct walk *w, struct utc at, const json_t *version)
{
	struct plan *p = &w->tariff->plan;
	const json_t *slots;
	size_t i;
	const json_t *slot;

	day_find(w->tariff->zone, at, p);
	p->version = version;
	p->slots_n = 0;
	w->tariff->planned = !version;
	if (!version)
		return ERR_OK;
	slots = slots_of_day(w->tariff, version, p->day);
	if (json_array_size(slots) == 0 || json_array_size(slots) > SLOTS_MAX)
		return ERR_BAD_VALUE;
	json_array_foreach(slots, i, slot)
	{
		const char *time = json_string_value(json_array_get(slot, 0));
		int32_t second;

		p->slots[i].rate = json_string_value(json_array_get(slot, 1));
		if (!time || !p->slots[i].rate || !time_read(time, &second))
			return ERR_BAD_VALUE;
		p->slots[i].at = zone_utc(w->tariff->zone, p->day, second);
	}
	p->slots_n = i;
	w->tariff->planned = true;
	return ERR_OK;
}

static struct utc hour_start(const struct walk *w, struct utc at)
{
	int64_t second = at.ms / 1000 - (at.ms % 1000 < 0);

	if (!w->tariff->plan.jumps)
		return (struct utc){ at.ms - (at.ms - w->tariff->plan.start.ms) % HOUR_MS };
	second -= zone_local(w->tariff->zone, at).second % 3600;
	return (struct utc){ second * 1000 };
}

static enum err look(struct walk *w, struct utc at, struct state *out)
{
	const json_t *version = NULL;
	struct state s = { .rate = "" };
	enum err e;

	if (w->tariff->doc) {
		size_t n = json_array_size(w->tariff->versions);

		while (s.version < n && w->tariff->from[s.version].ms <= at.ms)
			s.version++;
		if (s.version == 0)
			return ERR_NOT_FOUND;
		version = json_array_get(w->tariff->versions, --s.version);
	}
	if (!w->tariff->planned || at.ms < w->tariff->plan.start.ms ||
		at.ms >= w->tariff->plan.end.ms || w->tariff->plan.version != version) {
		e = plan_make(w, at, version);
		if (e != ERR_OK)
			return e;
	}
	s.day = w->tariff->plan.day;
	s.hour = hour_start(w, at);
	/* The first slot has begun with the day, whatever the clock did at midnight. */
	for (size_t i = 0; i < w->tariff->plan.slots_n; i++)
		if (i == 0 || w->tariff->plan.slots[i].at.ms <= at.ms)
			s.rate = w->tariff->plan.slots[i].rate;
	*out = s;
	return ERR_OK;
}

/* ---- tiers and prices ---- */

static enum err cycle_of(const json_t *version, struct day d, char out[static 8])
{
	const json_t *c = json_object_get(version, "tier_cycle");
	char text[DAY_TEXT_MAX];

	day_text(d, text);
	if (!c || str_eq(json_string_value(c), "none"))
		text[0] = '\0';
	else
		text[str_eq(json_string_value(c), "year") ? 4 : 7] = '\0';
	return str_copy(out, 8, text) ? ERR_OK : ERR_BAD_VALUE;
}

/* Where a tier (from 1) ends; the last one never does. */
static enum err tier_end(
	const struct slow_tariff *t, const json_t *version, int64_t tier, int64_t *out)
{
	const char *utility = json_string_value(json_object_get(t->doc, "utility"));
	const json_t *bounds = json_object_get(
		version, utility && str_eq(utility, "water") ? "tiers_upto_m3" : "tiers_upto_kwh");
	const char *text;
	struct qty q;

	*out = INT64_MAX;
	if ((size_t)tier > json_array_size(bounds))
		return ERR_OK;
	text = json_string_value(json_array_get(bounds, (size_t)tier - 1));
	if (!text || qty_parse(text, &q) != ERR_OK)
		return ERR_BAD_VALUE;
	*out = q.milli;
	return ERR_OK;
}

static enum err price_line(const json_t *version, struct slow_line *l)
{
	const json_t *list = json_object_get(json_object_get(version, "prices"), l->rate);
	__int128 charge;
	struct price p;

	l->price_text = json_string_value(json_array_get(list, (size_t)l->tier - 1));
	if (!l->price_text || price_parse(l->price_text, &p) != ERR_OK)
		return ERR_BAD_VALUE;
	charge = (__int128)l->qty_milli * p.micro;
	if (charge > INT64_MAX)
		return ERR_OVERFLOW;
	l->price_micro = p.micro;
	l->charge_nano = (int64_t)charge;
	return ERR_OK;
}

static enum err fill_tiers(struct walk *w, const json_t *version, struct slow_line *l)
{
	int64_t left = l->qty_milli;
	enum err e = cycle_of(version, l->day, l->cycle);

	if (e == ERR_OK && !str_eq(l->cycle, w->use->cycle)) {
		memcpy(w->use->cycle, l->cycle, sizeof(l->cycle));
		w->use->used_milli = 0;
	}
	for (l->tier = 1; e == ERR_OK && left > 0; l->tier++) {
		int64_t end, room;

		e = tier_end(w->tariff, version, l->tier, &end);
		room = e == ERR_OK ? end - w->use->used_milli : 0;
		if (room <= 0)
			continue;
		l->qty_milli = left < room ? left : room;
		e = price_line(version, l);
		if (e != ERR_OK)
			return e;
		w->sink.take(w->sink.ctx, l);
		if (__builtin_add_overflow(w->use->used_milli, l->qty_milli, &w->use->used_milli))
			return ERR_OVERFLOW;
		left -= l->qty_milli;
	}
	return e;
}

static enum err give(struct walk *w, const struct state *s, int64_t qty)
{
	struct slow_line l = {
		.day = s->day, .hour = s->hour, .rate = s->rate, .price_text = "", .qty_milli = qty
	};

	if (qty == 0)
		return ERR_OK;
	if (!w->tariff->doc) {
		w->sink.take(w->sink.ctx, &l);
		return ERR_OK;
	}
	l.version = w->tariff->from[s->version];
	return fill_tiers(w, json_array_get(w->tariff->versions, s->version), &l);
}

/* ---- the walk ---- */

/* How much had flowed at an instant, by whole seconds. */
static int64_t flowed(const struct walk *w, struct utc at)
{
	int64_t span = (w->to.ms - w->from.ms) / 1000;

	if (at.ms >= w->to.ms)
		return w->qty;
	return span ? (int64_t)((__int128)w->qty * ((at.ms - w->from.ms) / 1000) / span) : 0;
}

/* The next whole minute or beginning of a version: nothing changes in between. */
static struct utc next_look(const struct walk *w, struct utc at)
{
	int64_t next = (at.ms / MINUTE_MS + (at.ms >= 0 || at.ms % MINUTE_MS == 0)) * MINUTE_MS;
	size_t n = json_array_size(w->tariff->versions);

	for (size_t i = 0; i < n; i++)
		if (w->tariff->from[i].ms > at.ms && w->tariff->from[i].ms < next)
			next = w->tariff->from[i].ms;
	return (struct utc){ next < w->to.ms ? next : w->to.ms };
}

static bool same_state(const struct state *a, const struct state *b)
{
	return a->day.days == b->day.days && a->hour.ms == b->hour.ms && a->version == b->version &&
	       str_eq(a->rate, b->rate);
}

enum err slow_charge(struct slow_tariff *t, struct utc from, struct utc to, int64_t qty_milli,
	struct slow_use *use, struct slow_sink sink)
{
	struct walk w = {
		.tariff = t, .from = from, .to = to, .qty = qty_milli, .use = use, .sink = sink
	};
	struct state now, next;
	int64_t given = 0;
	enum err e;

	if (from.ms >= to.ms || qty_milli < 0)
		return ERR_OUT_OF_RANGE;
	e = look(&w, from, &now);
	for (struct utc at = next_look(&w, from); e == ERR_OK && at.ms < to.ms;
		at = next_look(&w, at)) {
		e = look(&w, at, &next);
		if (e != ERR_OK || same_state(&now, &next))
			continue;
		e = give(&w, &now, flowed(&w, at) - given);
		given = flowed(&w, at);
		now = next;
	}
	return e == ERR_OK ? give(&w, &now, qty_milli - given) : e;
}

/* ---- by the meter's own rates ---- */

#define PARTS_MAX 8

static size_t part_of(const struct slow_part *parts, size_t n, const char *rate)
{
	size_t i = 0;

	while (i < n && !str_eq(parts[i].rate, rate))
		i++;
	return i;
}

/* Seconds of each rate, by looking at every stretch between two looks. */
static enum err rate_seconds(
	struct walk *w, const struct slow_part *parts, size_t n, int64_t seconds[static PARTS_MAX])
{
	for (struct utc at = w->from, end; at.ms < w->to.ms; at = end) {
		struct state s;
		size_t i;
		enum err e = look(w, at, &s);

		if (e != ERR_OK)
			return e;
		end = next_look(w, at);
		i = part_of(parts, n, s.rate);
		if (i == n)
			return ERR_CONFLICT;
		seconds[i] += (end.ms - w->from.ms) / 1000 - (at.ms - w->from.ms) / 1000;
	}
	for (size_t i = 0; i < n; i++)
		if (parts[i].qty_milli > 0 && seconds[i] == 0)
			return ERR_CONFLICT;
	return ERR_OK;
}

enum err slow_charge_parts(struct slow_tariff *t, struct utc from, struct utc to,
	const struct slow_part *parts, size_t n, struct slow_use *use, struct slow_sink sink)
{
	struct walk w = { .tariff = t, .from = from, .to = to, .use = use, .sink = sink };
	int64_t total[PARTS_MAX] = { 0 }, passed[PARTS_MAX] = { 0 }, given[PARTS_MAX] = { 0 };
	enum err e = from.ms < to.ms && n <= PARTS_MAX ? rate_seconds(&w, parts, n, total)
						       : ERR_OUT_OF_RANGE;

	for (struct utc at = from, end; e == ERR_OK && at.ms < to.ms; at = end) {
		struct state s;
		int64_t now;
		size_t i;

		end = next_look(&w, at);
		e = look(&w, at, &s);
		if (e != ERR_OK)
			break;
		i = part_of(parts, n, s.rate);
		passed[i] += (end.ms - from.ms) / 1000 - (at.ms - from.ms) / 1000;
		now = total[i] ? (int64_t)((__int128)parts[i].qty_milli * passed[i] / total[i]) : 0;
		e = give(&w, &s, now - given[i]);
		given[i] = now;
	}
	return e;
}
