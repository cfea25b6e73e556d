#include "rules/hold.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "rules/calendar.h"

#define HOLD_SLOTS_MAX 64
#define MINUTE 60

/* One table of a day, slots that go on with the same rate left out. */
struct table {
	struct slot slots[HOLD_SLOTS_MAX];
	size_t n;
};

static enum err cannot(struct problem *why, const char *text)
{
	return problem_set(why, ERR_CONFLICT, "", "%s", text);
}

static bool table_of(const struct row *row, struct table *out)
{
	out->n = 0;
	for (size_t i = 0; i < row->slots_n; i++) {
		if (out->n > 0 && out->slots[out->n - 1].rate == row->slots[i].rate)
			continue;
		if (out->n == HOLD_SLOTS_MAX)
			return false;
		out->slots[out->n++] = row->slots[i];
	}
	return true;
}

static bool same_table(const struct table *a, const struct table *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (a->slots[i].second != b->slots[i].second ||
			a->slots[i].rate != b->slots[i].rate)
			return false;
	return a->n == b->n;
}

/* The table that all days of a month have. */
static enum err month_table(const struct tariff *t, const struct version *v, int month,
	struct table *out, struct problem *why)
{
	static const enum day_kind kinds[] = { DAY_WORKDAY, DAY_WEEKEND, DAY_HOLIDAY };
	size_t n = t->holidays_n > 0 ? 3 : 2;

	for (size_t i = 0; i < n; i++) {
		const struct row *row = row_find(v, month, kinds[i]);
		struct table other;

		if (!row || !table_of(row, i ? &other : out))
			return cannot(why, "it has more slots in a day than any meter holds");
		if (i && !same_table(out, &other))
			return cannot(why, "its slots differ between workdays, weekends and "
					   "holidays, and the meter has one table for every day");
	}
	return ERR_OK;
}

/* Which place of the meter each rate of the table takes. */
struct places {
	size_t of[HOLD_SLOTS_MAX]; /* by slot */
	size_t rate[METER_RATES];  /* index into the version's rates, by place */
	bool taken[METER_RATES];
};

static bool place_find(const struct places *p, size_t rate, size_t *out)
{
	for (size_t k = 0; k < METER_RATES; k++)
		if (p->taken[k] && p->rate[k] == rate) {
			*out = k;
			return true;
		}
	return false;
}

static void place_take(struct places *p, size_t place, size_t rate)
{
	p->taken[place] = true;
	p->rate[place] = rate;
}

static bool places_fill(const struct version *v, const struct table *t, const struct hold_facts *f,
	struct places *p)
{
	static const char *const free_first[METER_RATES] = { "flat", "peak", "valley", "sharp" };
	size_t k;

	for (size_t i = 0; i < t->n; i++) {
		k = meter_rate_find(v->rates[t->slots[i].rate].name);
		if (k < METER_RATES && f->rates[k])
			place_take(p, k, t->slots[i].rate);
	}
	for (size_t i = 0; i < t->n; i++) {
		size_t left = 0;

		if (place_find(p, t->slots[i].rate, &p->of[i]))
			continue;
		while (left < METER_RATES && (!f->rates[meter_rate_find(free_first[left])] ||
						     p->taken[meter_rate_find(free_first[left])]))
			left++;
		if (left == METER_RATES)
			return false;
		p->of[i] = meter_rate_find(free_first[left]);
		place_take(p, p->of[i], t->slots[i].rate);
	}
	return true;
}

static struct price price_of(const struct version *v, size_t rate)
{
	return v->rates[rate].prices[0];
}

static bool one_price(const struct version *v, const struct table *t)
{
	for (size_t i = 1; i < t->n; i++)
		if (price_of(v, t->slots[i].rate).micro != price_of(v, t->slots[0].rate).micro)
			return false;
	return true;
}

static enum err prices_check(const struct version *v, const struct table *t,
	const struct hold_facts *f, struct problem *why)
{
	for (size_t i = 0; i < t->n; i++) {
		struct price p = price_of(v, t->slots[i].rate);
		char text[MONEY_TEXT_MAX], step[MONEY_TEXT_MAX];

		if (p.micro % f->price_step_micro != 0)
			return problem_set(why, ERR_CONFLICT, "",
				"its price %s is finer than the %s yuan that the meter's prices "
				"count in",
				price_text(p, text),
				price_text((struct price){ f->price_step_micro }, step));
		if (p.micro / f->price_step_micro > INT32_MAX)
			return cannot(why, "a price is higher than the meter can hold");
	}
	return ERR_OK;
}

static void prices_text(const struct version *v, const struct table *t, const struct places *p,
	const struct hold_facts *f, char out[static METER_SETTING_TEXT])
{
	size_t len = 0;

	for (size_t k = 0; k < METER_RATES; k++) {
		char text[MONEY_TEXT_MAX];
		struct price price = price_of(v, p->taken[k] ? p->rate[k] : t->slots[0].rate);

		if (f->rates[k])
			len += (size_t)snprintf(out + len, METER_SETTING_TEXT - len, "%s%s %s",
				len ? " " : "", meter_rate_word(k), price_text(price, text));
	}
}

static void slots_text(
	const struct table *t, const struct places *p, char out[static METER_SETTING_TEXT])
{
	size_t len = 0;

	for (size_t i = 0; i < t->n && len < METER_SETTING_TEXT; i++) {
		int minutes = (int)(t->slots[i].second / MINUTE);

		len += (size_t)snprintf(out + len, METER_SETTING_TEXT - len, "%s%02d:%02d %s",
			i ? " " : "", minutes / 60, minutes % 60, meter_rate_word(p->of[i]));
	}
}

/* What a version has the meter hold in a month. */
static enum err hold_month(const struct tariff *t, const struct version *v, int month,
	const struct hold_facts *f, struct tariff_hold *out, struct problem *why)
{
	struct table table = { .n = 0 };
	struct places places = { 0 };
	struct tariff_hold h = { "", "" };
	enum err e;

	if (v->bounds_n > 0)
		return cannot(why, "it has tiers, which cannot apply to credit in the meter");
	if (f->price_step_micro == 0) {
		*out = h;
		return ERR_OK;
	}
	e = month_table(t, v, month, &table, why);
	if (e == ERR_OK)
		e = prices_check(v, &table, f, why);
	if (e != ERR_OK)
		return e;
	if (!places_fill(v, &table, f, &places))
		return cannot(why, "it has more rates than the meter");
	if (f->slots_max == 0 && !one_price(v, &table))
		return cannot(why, "its price changes during the day, and the meter's slots cannot "
				   "be written");
	if (f->slots_max > 0 && table.n > f->slots_max)
		return cannot(why, "it has more slots in a day than the meter");
	prices_text(v, &table, &places, f, h.prices);
	if (f->slots_max > 0)
		slots_text(&table, &places, h.slots);
	*out = h;
	return ERR_OK;
}

static int month_of(const struct zone *z, struct utc at)
{
	int year, month, day;

	civil_date(zone_local(z, at).day.days, &year, &month, &day);
	return month;
}

enum err hold_tariff(const struct tariff *t, struct utc at, const struct hold_facts *f,
	struct tariff_hold *out, struct problem *why)
{
	struct utc until;
	const struct version *v = version_at(t, at, &until);

	if (!v)
		return problem_set(why, ERR_NOT_FOUND, "", "no version of the tariff is in force");
	return hold_month(t, v, month_of(t->zone, at), f, out, why);
}

/* The months that a version sees from an instant on, until the next begins; twelve at most. */
static enum err version_lasts(const struct tariff *t, size_t i, struct utc from,
	const struct hold_facts *f, struct problem *why)
{
	const struct version *v = &t->versions[i];
	int64_t end = i + 1 < t->versions_n ? t->versions[i + 1].from.ms : INT64_MAX;
	struct problem inner = { 0 };
	struct tariff_hold unused;
	int year, month, day;

	if (v->from.ms > from.ms)
		from = v->from;
	civil_date(zone_local(t->zone, from).day.days, &year, &month, &day);
	for (int k = 0; k < 12; k++) {
		int y = year + (month - 1 + k) / 12, m = (month - 1 + k) % 12 + 1;
		struct day first = { (int32_t)civil_days(y, m, 1) };

		if (k > 0 && zone_utc(t->zone, first, 0).ms >= end)
			break;
		if (hold_month(t, v, m, f, &unused, &inner) != ERR_OK)
			return problem_set(why, ERR_CONFLICT, "", "from %04d-%02d-%02d on: %s", y,
				m, k > 0 ? 1 : day, inner.text);
	}
	return ERR_OK;
}

enum err hold_lasting(
	const struct tariff *t, struct utc from, const struct hold_facts *f, struct problem *why)
{
	struct utc until;
	const struct version *now = version_at(t, from, &until);
	struct tariff_hold unused;
	enum err e = hold_tariff(t, from, f, &unused, why);

	for (size_t i = 0; e == ERR_OK && i < t->versions_n; i++)
		if (&t->versions[i] == now || t->versions[i].from.ms > from.ms)
			e = version_lasts(t, i, from, f, why);
	return e;
}
