#include "fcgi/usage_view.h"

#include <stdio.h>
#include <string.h>

#include "domain/usage.h"
#include "fcgi/views.h"

#define HOURS_SPAN_DAYS 31
#define DAYS_SPAN_DAYS 400

struct span {
	struct day from, to;
	const char *step;
	struct zone *zone;
};

static enum err span_read(const struct request *r, struct span *s, struct problem *why)
{
	enum err e = day_parse(param_text(r, "from"), &s->from);
	int32_t most;

	if (e == ERR_OK)
		e = day_parse(param_text(r, "to"), &s->to);
	if (e != ERR_OK)
		return e;
	s->step = param_text(r, "step")[0] ? param_text(r, "step") : "day";
	most = str_eq(s->step, "hour")	  ? HOURS_SPAN_DAYS
	       : str_eq(s->step, "month") ? 40 * 366
					  : DAYS_SPAN_DAYS;
	if (s->to.days < s->from.days || s->to.days - s->from.days >= most)
		return problem_set(why, ERR_OUT_OF_RANGE, "to", "from from to at most %d days more",
			(int)most - 1);
	return ERR_OK;
}

/* Until a reading from behind its end is settled, a period may still grow. */
static json_t *item_new(const char *label, const struct usage_meter *m, struct utc end)
{
	return json_pack(
		"{s:s, s:b}", "label", label, "provisional", m->settled_at.ms < end.ms ? 1 : 0);
}

static void item_done(json_t *item, const struct usage_meter *m, struct qty q, struct money charge)
{
	view_quantity(item, m->utility, q);
	json_object_set_new(item, "charge", json_money(charge));
}

static enum err hours(struct request *r, const struct span *s, const struct usage_meter *m,
	int64_t meter_id, int64_t user_id, json_t *items)
{
	AUTO(rows_free) struct rows rows = { 0 };
	struct utc from = zone_day_start(s->zone, s->from);
	struct utc to = zone_day_start(s->zone, (struct day){ s->to.days + 1 });
	enum err e = usage_hours(r->db, meter_id, user_id, from, to, &rows);
	const struct usage_hour *h = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		struct local l = zone_local(s->zone, h[i].hour_at);
		char day[DAY_TEXT_MAX], label[24];
		json_t *item;

		snprintf(label, sizeof(label), "%sT%02d", day_text(l.day, day), l.second / 3600);
		item = item_new(label, m, (struct utc){ h[i].hour_at.ms + 3600000 });
		item_done(item, m, h[i].qty, h[i].charge);
		if (h[i].has_load) {
			json_object_set_new(item, "least_w", json_integer(h[i].least_w));
			json_object_set_new(item, "most_w", json_integer(h[i].most_w));
		}
		json_array_append_new(items, item);
	}
	return e;
}

static json_t *line_json(const struct usage_line *l, const char *utility)
{
	json_t *o = json_pack("{s:s, s:I, s:o, s:o}", "rate", l->rate, "tier", (json_int_t)l->tier,
		"price", json_price(l->price), "charge", json_money(l->charge));

	view_quantity(o, utility, l->qty);
	return o;
}

/* When the local day or month of a label ends. */
static struct utc label_end(const struct span *s, const char *label, bool month)
{
	struct day d = { 0 };
	char text[DAY_TEXT_MAX];
	int y, m, day;

	snprintf(text, sizeof(text), "%.7s-01", label);
	if (day_parse(month ? text : label, &d) != ERR_OK)
		return (struct utc){ INT64_MAX };
	if (!month)
		return zone_day_start(s->zone, (struct day){ d.days + 1 });
	civil_date(d.days, &y, &m, &day);
	return zone_day_start(s->zone, m == 12 ? day_of(y + 1, 1, 1) : day_of(y, m + 1, 1));
}

static bool same_line(const struct usage_line *a, const struct usage_line *b)
{
	return str_eq(a->rate, b->rate) && a->tier == b->tier && a->price.micro == b->price.micro;
}

struct period {
	struct usage_line lines[64]; /* distinct (rate, tier, price) */
	size_t n;
	struct qty qty;
	struct money charge;
};

static enum err period_add(struct period *p, const struct usage_line *l)
{
	size_t i = 0;
	enum err e = qty_add(p->qty, l->qty, &p->qty);

	if (e == ERR_OK)
		e = money_add(p->charge, l->charge, &p->charge);
	while (i < p->n && !same_line(&p->lines[i], l))
		i++;
	if (e != ERR_OK || i == ARRAY_LEN(p->lines))
		return e != ERR_OK ? e : ERR_OVERFLOW;
	if (i == p->n) {
		p->lines[p->n++] = *l;
		return ERR_OK;
	}
	e = qty_add(p->lines[i].qty, l->qty, &p->lines[i].qty);
	return e == ERR_OK ? money_add(p->lines[i].charge, l->charge, &p->lines[i].charge) : e;
}

static json_t *period_json(const struct period *p, const struct span *s,
	const struct usage_meter *m, const char *label)
{
	json_t *item = item_new(label, m, label_end(s, label, strlen(label) == 7));
	json_t *lines = json_array();

	item_done(item, m, p->qty, p->charge);
	for (size_t i = 0; i < p->n; i++)
		json_array_append_new(lines, line_json(&p->lines[i], m->utility));
	json_object_set_new(item, "lines", lines);
	return item;
}

/* Lines come by day; label_n characters of the day make the label. */
static enum err periods(struct request *r, const struct span *s, const struct usage_meter *m,
	int64_t meter_id, int64_t user_id, json_t *items)
{
	AUTO(rows_free) struct rows rows = { 0 };
	int label_n = str_eq(s->step, "month") ? 7 : 10;
	enum err e = usage_lines(r->db, meter_id, user_id, s->from, s->to, &rows);
	const struct usage_line *l = rows.at;
	struct period p = { 0 };
	char label[DAY_TEXT_MAX];

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		e = period_add(&p, &l[i]);
		if (i + 1 < rows.n && strncmp(l[i].day, l[i + 1].day, (size_t)label_n) == 0)
			continue;
		snprintf(label, sizeof(label), "%.*s", label_n, l[i].day);
		json_array_append_new(items, period_json(&p, s, m, label));
		p = (struct period){ 0 };
	}
	return e;
}

enum err answer_usage(
	struct request *r, struct answer *a, int64_t meter_id, int64_t user_id, int64_t site_id)
{
	struct span s = { 0 };
	struct usage_meter m;
	json_t *items = json_array();
	enum err e = span_read(r, &s, &a->why);

	if (e == ERR_OK)
		e = usage_meter_get(r->db, meter_id, user_id, site_id, &m);
	if (e == ERR_OK)
		e = zone_open(m.zone, &s.zone);
	if (e == ERR_OK)
		e = str_eq(s.step, "hour") ? hours(r, &s, &m, meter_id, user_id, items)
					   : periods(r, &s, &m, meter_id, user_id, items);
	zone_free(&s.zone);
	if (e != ERR_OK) {
		json_decref(items);
		return e;
	}
	a->json = json_pack("{s:I, s:s, s:s, s:o, s:n}", "meter_id", (json_int_t)meter_id, "step",
		s.step, "zone", m.zone, "items", items, "next");
	return ERR_OK;
}
