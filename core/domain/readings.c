#include "domain/readings.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "rules/hourpack.h"

/* A reading goes from reading to reading_packing to reading_hour, and is in two of them for a
 * moment, but never in none: so they are asked in that order, and what was found twice is taken
 * once. */
struct hot_row {
	struct utc read_at;
	struct qty register_milli;
	int64_t power_w;
	int64_t verdict; /* place in the column's list, from 1: as in enum verdict */
};
#define F(member) FIELD(struct hot_row, member)
SHAPE(hot_shape, struct hot_row, F(read_at), F(register_milli), F(power_w), F(verdict));
#undef F
#define HOT(table)                                                                                 \
	"SELECT read_at, register_milli, power_w, verdict + 0 AS verdict FROM " table              \
	" WHERE meter_id = ? AND read_at >= ? AND read_at < ? AND ? >> (verdict - 1) & 1"
#define HOT_BOTH HOT("reading") " UNION ALL " HOT("reading_packing")
static const struct query Q_HOT_UP = { HOT_BOTH " ORDER BY read_at LIMIT ?", &hot_shape };
static const struct query Q_HOT_DOWN = { HOT_BOTH " ORDER BY read_at DESC LIMIT ?", &hot_shape };

struct span_row {
	struct utc from_at, to_at;
};
SHAPE(span_shape, struct span_row, FIELD(struct span_row, from_at), FIELD(struct span_row, to_at));
static const struct query Q_SPAN = { "SELECT from_at, to_at FROM reading_span", &span_shape };

/* Hours are named one by one: rows lie by hour, then by meter. */
#define HOURS_AT_ONCE 24
struct hour_row {
	struct utc hour_at;
	struct blob bytes;
};
SHAPE(hour_shape, struct hour_row, FIELD(struct hour_row, hour_at), FIELD(struct hour_row, bytes));
static const struct query Q_HOURS = {
	"SELECT hour_at, bytes FROM reading_hour WHERE meter_id = ? AND hour_at IN (?, ?, ?, ?, ?,"
	" ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	&hour_shape
};

struct search {
	struct db *db;
	int64_t meter_id;
	struct utc from, to; /* from <= read_at < to */
	uint32_t verdicts;
	int64_t max;
	bool newest_first;
	struct kept_reading *found;
	size_t n, cap;
};

static void found_add(struct search *s, struct kept_reading r)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->found = reallocarray(s->found, s->cap, sizeof(*s->found));
		ASSERT(s->found);
	}
	s->found[s->n++] = r;
}

static enum err search_hot(struct search *s)
{
	AUTO(rows_free) struct rows rows = { 0 };
	struct arg id = arg_i64(s->meter_id), from = arg_utc(s->from), to = arg_utc(s->to),
		   verdicts = arg_i64(s->verdicts);
	enum err e = db_list(s->db, s->newest_first ? &Q_HOT_DOWN : &Q_HOT_UP,
		ARGS(id, from, to, verdicts, id, from, to, verdicts, arg_i64(s->max)), &rows);
	const struct hot_row *r = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		found_add(s, (struct kept_reading){ r[i].read_at, r[i].register_milli, r[i].power_w,
				     (enum verdict)(r[i].verdict - 1) });
	return e;
}

/* An hour that is damaged is like one that has expired; yufu verify names it. */
static void search_hour(struct search *s, const struct hour_row *h)
{
	struct raw_reading *r;
	size_t n = 0;
	enum err e = hour_count(h->bytes.at, h->bytes.n, &n);

	r = calloc(n + 1, sizeof(*r));
	ASSERT(r);
	if (e == ERR_OK)
		e = hour_unpack(h->hour_at, h->bytes.at, h->bytes.n, r, n, &n);
	if (e != ERR_OK)
		log_error("meter_id=%" PRId64 " hour=%" PRId64 " is not a packed hour", s->meter_id,
			h->hour_at.ms);
	for (size_t i = 0; e == ERR_OK && i < n; i++)
		if (r[i].at.ms >= s->from.ms && r[i].at.ms < s->to.ms &&
			r[i].verdict < VERDICT__MAX && s->verdicts >> r[i].verdict & 1)
			found_add(s, (struct kept_reading){ r[i].at, r[i].reg, r[i].power_w,
					     (enum verdict)r[i].verdict });
	free(r);
}

/* HOURS_AT_ONCE hours from that one on, without those before `first` and after `last`. */
static enum err search_hours(struct search *s, int64_t hour, int64_t first, int64_t last)
{
	AUTO(rows_free) struct rows rows = { 0 };
	struct arg args[1 + HOURS_AT_ONCE];
	const struct hour_row *h;
	enum err e;

	args[0] = arg_i64(s->meter_id);
	for (int i = 0; i < HOURS_AT_ONCE; i++) {
		int64_t at = hour + i * HOUR_MS;

		args[1 + i] = arg_i64(at < first ? first : at > last ? last : at);
	}
	e = db_list(s->db, &Q_HOURS, args, ARRAY_LEN(args), &rows);
	h = rows.at;
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		search_hour(s, &h[i]);
	return e;
}

/* As far as max readings of the wanted end. */
static enum err search_packed(struct search *s)
{
	const int64_t stride = HOURS_AT_ONCE * HOUR_MS;
	size_t before = s->n;
	struct span_row span;
	int64_t first, last;
	enum err e = db_one(s->db, &Q_SPAN, NO_ARGS, &span);

	if (e != ERR_OK || s->to.ms <= s->from.ms)
		return e;
	first = hour_of(s->from).ms;
	last = hour_of((struct utc){ s->to.ms - 1 }).ms;
	if (first < span.from_at.ms)
		first = span.from_at.ms;
	if (last >= span.to_at.ms)
		last = span.to_at.ms - HOUR_MS;
	for (int64_t done = 0;
		e == ERR_OK && first + done <= last && (int64_t)(s->n - before) < s->max;
		done += stride)
		e = search_hours(s, s->newest_first ? last - done - stride + HOUR_MS : first + done,
			first, last);
	return e;
}

static int by_time(const void *a, const void *b)
{
	const struct kept_reading *x = a, *y = b;

	return (x->read_at.ms > y->read_at.ms) - (x->read_at.ms < y->read_at.ms);
}

static int by_time_down(const void *a, const void *b)
{
	return by_time(b, a);
}

/* Of two readings of one instant the packed one stays: it was there first. The hot ones are the
 * first of the list. */
static void found_tidy(struct search *s, size_t hot)
{
	size_t n = 0;

	if (s->n == 0)
		return;
	qsort(s->found + hot, s->n - hot, sizeof(*s->found), by_time);
	for (size_t i = 0; i < hot; i++)
		if (!bsearch(&s->found[i], s->found + hot, s->n - hot, sizeof(*s->found), by_time))
			s->found[n++] = s->found[i];
	memmove(s->found + n, s->found + hot, (s->n - hot) * sizeof(*s->found));
	s->n = n + s->n - hot;
	qsort(s->found, s->n, sizeof(*s->found), s->newest_first ? by_time_down : by_time);
	for (size_t i = n = 0; i < s->n; i++) /* a hot one that was seen on its way, twice */
		if (i == 0 || s->found[i].read_at.ms != s->found[n - 1].read_at.ms)
			s->found[n++] = s->found[i];
	s->n = n;
}

static enum err search_run(struct search *s, struct rows *out)
{
	enum err e = search_hot(s);
	size_t hot = s->n;

	if (e == ERR_OK)
		e = search_packed(s);
	if (e != ERR_OK) {
		free(s->found);
		return e;
	}
	found_tidy(s, hot);
	*out = (struct rows){ .at = s->found, .n = s->n > (size_t)s->max ? (size_t)s->max : s->n };
	return ERR_OK;
}

enum err readings_kept(struct db *db, int64_t meter_id, struct utc after, struct utc before,
	int64_t max, struct rows *out)
{
	struct search s = { .db = db,
		.meter_id = meter_id,
		.from = { after.ms + 1 },
		.to = before,
		.verdicts = 1U << VERDICT_ACCEPTED,
		.max = max };

	return search_run(&s, out);
}

enum err readings_newest(struct db *db, int64_t meter_id, struct utc from, struct utc to,
	uint32_t verdicts, int64_t max, struct rows *out)
{
	struct search s = { .db = db,
		.meter_id = meter_id,
		.from = from,
		.to = to,
		.verdicts = verdicts,
		.max = max,
		.newest_first = true };

	return search_run(&s, out);
}

enum err reading_find(struct db *db, int64_t meter_id, struct utc at, struct kept_reading *out)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = readings_newest(
		db, meter_id, at, (struct utc){ at.ms + 1 }, VERDICTS_ALL, 1, &rows);

	if (e == ERR_OK && rows.n == 0)
		e = ERR_NOT_FOUND;
	if (e == ERR_OK)
		*out = *(const struct kept_reading *)rows.at;
	return e;
}
