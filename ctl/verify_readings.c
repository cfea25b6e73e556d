/* Packed hours of readings against the evidence of settlements. Raw readings may have expired;
 * those that are there must agree. */
#include "ctl/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "domain/reading.h"
#include "rules/hourpack.h"

#define DAY_HOURS 24
#define DAY_MS (DAY_HOURS * HOUR_MS)

/* Upkeep changes these tables as wholes, and a snapshot cannot look behind that. So they are the
 * first that this transaction opens, and it holds them to its end; upkeep waits for it. */
static const struct query Q_HOLD = {
	"SELECT (SELECT MIN(read_at) FROM reading WHERE meter_id = 0) IS NULL AND (SELECT"
	" MIN(read_at) FROM reading_packing WHERE meter_id = 0) IS NULL AND (SELECT MIN(n) FROM"
	" reading_hour WHERE hour_at = 0) IS NULL AS id",
	&id_shape
};
static const struct query Q_METERS = { "SELECT id FROM meter WHERE id > ? ORDER BY id LIMIT 1000",
	&id_shape };

struct span_row {
	struct utc from_at, to_at;
};
SHAPE(span_shape, struct span_row, FIELD(struct span_row, from_at), FIELD(struct span_row, to_at));
static const struct query Q_SPAN = { "SELECT from_at, to_at FROM reading_span", &span_shape };

struct settled_row {
	struct utc to_at;
	struct qty to_milli;
};
SHAPE(settled_shape, struct settled_row, FIELD(struct settled_row, to_at),
	FIELD(struct settled_row, to_milli));
static const struct query Q_SETTLED = {
	"SELECT to_at, to_milli FROM settlement WHERE meter_id = ? AND to_at >= ? AND to_at < ?"
	" ORDER BY to_at",
	&settled_shape
};

struct hour_row {
	struct utc hour_at;
	int64_t n;
	struct blob bytes;
};
SHAPE(hour_shape, struct hour_row, FIELD(struct hour_row, hour_at), FIELD(struct hour_row, n),
	FIELD(struct hour_row, bytes));
static const struct query Q_HOURS = {
	"SELECT hour_at, n, bytes FROM reading_hour WHERE meter_id = ? AND hour_at IN (?, ?, ?, ?,"
	" ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	&hour_shape
};

static int by_time(const void *a, const void *b)
{
	const struct settled_row *x = a, *y = b;

	return (x->to_at.ms > y->to_at.ms) - (x->to_at.ms < y->to_at.ms);
}

static void reading_check(
	int64_t meter_id, const struct raw_reading *r, const struct rows *settled, json_t *findings)
{
	struct settled_row key = { .to_at = r->at };
	const struct settled_row *s;
	char object[100], have[32], want[32];

	if (r->verdict != VERDICT_ACCEPTED)
		return;
	s = bsearch(&key, settled->at, settled->n, sizeof(key), by_time);
	if (!s || s->to_milli.milli == r->reg.milli)
		return;
	snprintf(object, sizeof(object), "settlement:%" PRId64 ":%" PRId64, meter_id, r->at.ms);
	snprintf(have, sizeof(have), "%" PRId64, s->to_milli.milli);
	snprintf(want, sizeof(want), "%" PRId64, r->reg.milli);
	finding_add(findings, "settled_register_was_read", object, have, want);
}

static void hour_check(
	int64_t meter_id, const struct hour_row *h, const struct rows *settled, json_t *findings)
{
	struct raw_reading *r = calloc(HOUR_READINGS_MAX, sizeof(*r));
	size_t n = 0;
	enum err e;

	ASSERT(r);
	e = hour_unpack(h->hour_at, h->bytes.at, h->bytes.n, r, HOUR_READINGS_MAX, &n);
	if (e != ERR_OK || (int64_t)n != h->n) {
		char object[100];

		snprintf(object, sizeof(object), "reading_hour:%" PRId64 ":%" PRId64, h->hour_at.ms,
			meter_id);
		finding_add(findings, "packed_hour_is_readable", object, "damaged", "");
		n = 0;
	}
	for (size_t i = 0; i < n; i++)
		reading_check(meter_id, &r[i], settled, findings);
	free(r);
}

static enum err day_check(struct db *db, int64_t meter_id, int64_t day, json_t *findings)
{
	AUTO(rows_free) struct rows settled = { 0 }, hours = { 0 };
	struct arg args[1 + DAY_HOURS];
	const struct hour_row *h;
	enum err e = db_list(db, &Q_SETTLED,
		ARGS(arg_i64(meter_id), arg_i64(day), arg_i64(day + DAY_MS)), &settled);

	if (e != ERR_OK || settled.n == 0)
		return e;
	args[0] = arg_i64(meter_id);
	for (int i = 0; i < DAY_HOURS; i++)
		args[1 + i] = arg_i64(day + i * HOUR_MS);
	e = db_list(db, &Q_HOURS, args, ARRAY_LEN(args), &hours);
	h = hours.at;
	for (size_t i = 0; e == ERR_OK && i < hours.n; i++)
		hour_check(meter_id, &h[i], &settled, findings);
	return e;
}

enum err verify_readings(struct db *db, json_t *findings)
{
	struct span_row span;
	struct id_row held;
	int64_t last = 0;
	size_t n = 1;
	enum err e = db_one(db, &Q_HOLD, NO_ARGS, &held);

	if (e == ERR_OK)
		e = db_one(db, &Q_SPAN, NO_ARGS, &span);
	while (e == ERR_OK && n > 0) {
		AUTO(rows_free) struct rows meters = { 0 };
		const struct id_row *m;

		e = db_list(db, &Q_METERS, ARGS(arg_i64(last)), &meters);
		m = meters.at;
		n = meters.n;
		for (size_t i = 0; e == ERR_OK && i < n; i++)
			for (int64_t day = span.from_at.ms - span.from_at.ms % DAY_MS;
				e == ERR_OK && day < span.to_at.ms; day += DAY_MS)
				e = day_check(db, m[i].id, day, findings);
		last = n > 0 ? m[n - 1].id : last;
	}
	return e;
}
