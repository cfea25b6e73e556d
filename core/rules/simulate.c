#include "rules/simulate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "rules/settle.h"

#define LINE_MAX_BYTES 200
#define REGISTER_END INT64_C(1000000000000000) /* 1e12 kWh or m3, in thousandths */

static const struct {
	const char *column, *total;
} units[] = {
	[UTILITY_ELECTRICITY] = { "energy_kwh", "energy_wh" },
	[UTILITY_WATER] = { "volume_m3", "volume_l" },
};

/* ---- the readings file ---- */

struct csv {
	const char *rest, *end;
	size_t line;		   /* the one in text, from 1 */
	char text[LINE_MAX_BYTES]; /* cut into its two fields */
	const char *left, *right;
};

PRINTF_LIKE(4, 5)
static enum err refuse_line(struct problem *why, size_t line, enum err e, const char *fmt, ...)
{
	char field[32], text[sizeof(why->text)];
	va_list ap;

	snprintf(field, sizeof(field), "line %zu", line);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return problem_set(why, e, field, "%s", text);
}

/* True when nothing but line ends follows. */
static bool csv_at_end(const struct csv *c)
{
	const char *s = c->rest;

	while (s < c->end && (*s == '\n' || *s == '\r'))
		s++;
	return s == c->end;
}

/* Takes the next line, which must be two fields. */
static enum err csv_next(struct csv *c, struct problem *why)
{
	const char *stop = memchr(c->rest, '\n', (size_t)(c->end - c->rest));
	size_t n = (size_t)((stop ? stop : c->end) - c->rest);
	char *comma;

	c->line++;
	if (n >= sizeof(c->text))
		return refuse_line(why, c->line, ERR_TOO_LARGE, "the line is too long");
	memcpy(c->text, c->rest, n);
	c->text[n] = '\0';
	if (n > 0 && c->text[n - 1] == '\r')
		c->text[--n] = '\0';
	c->rest = stop ? stop + 1 : c->end;
	comma = strchr(c->text, ',');
	if (strlen(c->text) != n || !comma || strchr(comma + 1, ','))
		return refuse_line(why, c->line, ERR_BAD_VALUE, "two columns are expected");
	*comma = '\0';
	c->left = c->text;
	c->right = comma + 1;
	return ERR_OK;
}

static enum err read_header(
	struct csv *c, const char *column, bool *time_first, struct problem *why)
{
	enum err e;

	if (csv_at_end(c))
		return refuse_line(
			why, 1, ERR_MISSING_FIELD, "the header time,%s is missing", column);
	if ((e = csv_next(c, why)) != ERR_OK)
		return e;
	*time_first = str_eq(c->left, "time") && str_eq(c->right, column);
	if (!*time_first && !(str_eq(c->left, column) && str_eq(c->right, "time")))
		return refuse_line(why, c->line, ERR_UNKNOWN_FIELD,
			"the header must be time,%s in any order", column);
	return ERR_OK;
}

static enum err read_row(const struct csv *c, bool time_first,
	const struct simulate_reading *before, struct simulate_reading *out, struct problem *why)
{
	const char *time = time_first ? c->left : c->right, *reg = time_first ? c->right : c->left;
	struct simulate_reading r = { .line = c->line };

	if (utc_parse(time, &r.at) != ERR_OK)
		return refuse_line(why, c->line, ERR_BAD_VALUE,
			"\"%s\" is not a time with an offset (2026-03-01T00:00:00+08:00)", time);
	if (reg[0] == '-' || qty_parse(reg, &r.reg) != ERR_OK || r.reg.milli >= REGISTER_END)
		return refuse_line(why, c->line, ERR_BAD_VALUE,
			"\"%s\" is not a register: plain decimal below 1e12, at most 3 decimals",
			reg);
	if (before && r.at.ms <= before->at.ms)
		return refuse_line(why, c->line, ERR_BAD_VALUE,
			"the time is not later than that of the line before");
	if (before && r.reg.milli < before->reg.milli)
		return refuse_line(why, c->line, ERR_BAD_VALUE,
			"the register is below that of the line before");
	*out = r;
	return ERR_OK;
}

static void readings_free(struct simulate_reading **r)
{
	free(*r);
}

static void *grow(void *p, size_t n, size_t size)
{
	/* Doubles whenever n reaches a power of two. */
	if (n & (n - 1) || (n > 0 && n < 16))
		return p;
	p = reallocarray(p, n ? 2 * n : 16, size);
	ASSERT(p);
	return p;
}

enum err simulate_read(const char *text, size_t size, enum utility utility,
	struct simulate_reading **out, size_t *n, struct problem *why)
{
	AUTO(readings_free) struct simulate_reading *all = NULL;
	struct csv c = { .rest = text, .end = text + size, .left = "", .right = "" };
	bool time_first = false;
	size_t count = 0;
	enum err e;

	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) /* as spreadsheets put it there */
		c.rest += 3;
	if ((e = read_header(&c, units[utility].column, &time_first, why)) != ERR_OK)
		return e;
	for (; !csv_at_end(&c); count++) {
		all = grow(all, count, sizeof(*all));
		if ((e = csv_next(&c, why)) != ERR_OK ||
			(e = read_row(&c, time_first, count ? &all[count - 1] : NULL, &all[count],
				 why)) != ERR_OK)
			return e;
	}
	*out = all;
	*n = count;
	all = NULL;
	return ERR_OK;
}

/* ---- the bill ---- */

struct line {
	char cycle[8];
	const char *rate, *price_text;
	int tier;
	struct qty qty;
	struct money charge;
};

struct bill {
	struct line *lines;
	size_t n;
	struct money charge;
};

static void bill_free(struct bill *b)
{
	free(b->lines);
}

static int line_order(const struct line *a, const struct line *b)
{
	int d;

	if ((d = strcmp(a->cycle, b->cycle)) != 0 || (d = strcmp(a->rate, b->rate)) != 0)
		return d;
	if (a->tier != b->tier)
		return a->tier < b->tier ? -1 : 1;
	return strcmp(a->price_text, b->price_text);
}

/* The line of a key, made when it is new. Lines stay in order; most new ones come near the end. */
static struct line *line_find(struct bill *b, const struct line *key)
{
	size_t low = 0, high = b->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int d = line_order(key, &b->lines[mid]);

		if (d == 0)
			return &b->lines[mid];
		if (d < 0)
			high = mid;
		else
			low = mid + 1;
	}
	b->lines = grow(b->lines, b->n, sizeof(*b->lines));
	memmove(&b->lines[low + 1], &b->lines[low], (b->n - low) * sizeof(*b->lines));
	b->lines[low] = *key;
	b->n++;
	return &b->lines[low];
}

static enum err bill_add(void *ctx, const struct segment *s)
{
	struct bill *b = ctx;
	struct line key = { .rate = s->rate, .price_text = s->price_text, .tier = s->tier };
	struct line *line;
	enum err e;

	memcpy(key.cycle, s->cycle, sizeof(key.cycle));
	line = line_find(b, &key);
	if ((e = qty_add(line->qty, s->qty, &line->qty)) != ERR_OK ||
		(e = money_add(line->charge, s->charge, &line->charge)) != ERR_OK)
		return e;
	return money_add(b->charge, s->charge, &b->charge);
}

static json_t *bill_json(const struct bill *b, const char *total, struct qty qty)
{
	json_t *lines = json_array();

	for (size_t i = 0; i < b->n; i++) {
		const struct line *l = &b->lines[i];

		json_array_append_new(lines,
			json_pack("{s:s, s:s, s:i, s:s, s:I, s:o}", "cycle", l->cycle, "rate",
				l->rate, "tier", l->tier, "price", l->price_text, total,
				(json_int_t)l->qty.milli, "charge", json_money(l->charge)));
	}
	return json_pack("{s:I, s:o, s:o}", total, (json_int_t)qty.milli, "charge",
		json_money(b->charge), "lines", lines);
}

enum err simulate_run(const struct tariff *t, const struct simulate_reading *readings, size_t n,
	json_t **out, struct problem *why)
{
	AUTO(bill_free) struct bill bill = { 0 };
	struct tier_use use = { 0 };
	struct qty total = { 0 };
	const char *rate;
	struct price price;
	enum err e;

	/* The first reading is the earliest, and tier 1 always exists. */
	if (n > 0 && tariff_price_at(t, readings[0].at, 1, &rate, &price) != ERR_OK)
		return refuse_line(why, readings[0].line, ERR_NOT_FOUND,
			"the time lies before the first version of the tariff");
	for (size_t i = 1; i < n; i++) {
		struct qty delta = { readings[i].reg.milli - readings[i - 1].reg.milli };

		total.milli += delta.milli;
		e = settle_interval(t, readings[i - 1].at, readings[i].at, delta, &use,
			(struct segment_sink){ bill_add, &bill });
		if (e != ERR_OK)
			return refuse_line(why, readings[i].line, e, "%s", err_text(e));
	}
	*out = bill_json(&bill, units[tariff_utility(t)].total, total);
	ASSERT(*out);
	return ERR_OK;
}
