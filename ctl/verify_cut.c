/* Intervals that were cut: where contract, tariff or ratio change between two readings, the growth
 * of the register is cut by floor(growth × whole seconds / whole seconds). The pieces of two
 * readings follow each other at instants at which something changed and nobody read the meter; what
 * did not grow has no piece. Whether it was read is asked of the readings: of rows, then of packed
 * hours. Readings that were thinned out or have expired leave a cut unproved. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/verify_use.h"
#include "domain/reading.h"
#include "rules/hourpack.h"

struct instant {
	bool was_read;	 /* the meter, just then */
	bool kept;	 /* readings of before are still there, as rows */
	bool on_its_way; /* some are between row and packed hour: nothing can be said */
};
SHAPE(instant_shape, struct instant, FIELD(struct instant, was_read), FIELD(struct instant, kept),
	FIELD(struct instant, on_its_way));
static const struct query Q_INSTANT = {
	"SELECT EXISTS (SELECT 1 FROM reading WHERE meter_id = ? AND read_at = ? AND verdict NOT IN"
	" ('late', 'identity')) OR EXISTS (SELECT 1 FROM typed_reading WHERE meter_id = ? AND "
	"read_at"
	" = ?) OR EXISTS (SELECT 1 FROM meter_change WHERE meter_id = ? AND at = ?) AS was_read,"
	" EXISTS (SELECT 1 FROM reading WHERE meter_id = ? AND read_at < ? AND verdict = "
	"'accepted') AS kept, EXISTS (SELECT 1 FROM reading_packing WHERE meter_id = ?)"
	" AS on_its_way",
	&instant_shape
};
struct before_row {
	struct utc at; /* 0: none */
};
SHAPE(before_shape, struct before_row, FIELD(struct before_row, at));
static const struct query Q_BEFORE = {
	"SELECT GREATEST(COALESCE((SELECT MAX(read_at) FROM reading WHERE meter_id = ? AND read_at "
	"< ?"
	" AND verdict NOT IN ('late', 'identity', 'backwards', 'implausible')), 0), "
	"COALESCE((SELECT"
	" MAX(read_at) FROM typed_reading WHERE meter_id = ? AND read_at < ?), 0), COALESCE((SELECT"
	" MAX(at) FROM meter_change WHERE meter_id = ? AND at < ?), 0)) AS at",
	&before_shape
};

/* ---- packed hours ---- */

#define HOURS_BACK 24
struct hour_row {
	struct utc hour_at;
	bool thinned;
	struct blob bytes;
};
SHAPE(hour_shape, struct hour_row, FIELD(struct hour_row, hour_at), FIELD(struct hour_row, thinned),
	FIELD(struct hour_row, bytes));
static const struct query Q_HOURS = {
	"SELECT hour_at, thinned, bytes FROM reading_hour WHERE meter_id = ? AND hour_at IN (?, ?,"
	" ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ORDER BY hour_at DESC",
	&hour_shape
};

/* What packed hours say of an instant. */
struct packed {
	bool was_read;
	struct utc before; /* the reading before it; 0: they cannot say */
};

static bool is_good(uint8_t verdict)
{
	return verdict == VERDICT_ACCEPTED || verdict == VERDICT_REPEATED;
}

/* False: the hour does not say all. */
static bool hour_look(const struct hour_row *h, struct utc at, struct packed *out)
{
	struct raw_reading *r;
	size_t n = 0;
	bool whole = !h->thinned && hour_count(h->bytes.at, h->bytes.n, &n) == ERR_OK;

	r = calloc(n + 1, sizeof(*r));
	ASSERT(r);
	whole = whole && hour_unpack(h->hour_at, h->bytes.at, h->bytes.n, r, n, &n) == ERR_OK;
	for (size_t i = 0; whole && i < n; i++) {
		if (r[i].at.ms == at.ms && r[i].verdict != VERDICT_LATE &&
			r[i].verdict != VERDICT_IDENTITY)
			out->was_read = true;
		if (r[i].at.ms < at.ms && is_good(r[i].verdict) && r[i].at.ms > out->before.ms)
			out->before = r[i].at;
	}
	free(r);
	return whole;
}

static enum err packed_look(struct work *w, struct utc at, struct packed *out)
{
	AUTO(rows_free) struct rows rows = { 0 };
	struct arg args[1 + HOURS_BACK];
	const struct hour_row *h;
	enum err e;

	*out = (struct packed){ .was_read = false };
	args[0] = arg_i64(w->meter->id);
	for (int i = 0; i < HOURS_BACK; i++)
		args[1 + i] = arg_i64(hour_of(at).ms - i * HOUR_MS);
	e = db_list(w->db, &Q_HOURS, args, ARRAY_LEN(args), &rows);
	h = rows.at;
	for (size_t i = 0; e == ERR_OK && i < rows.n && out->before.ms == 0; i++)
		if (!hour_look(&h[i], at, out)) {
			out->before.ms = 0;
			break;
		}
	return e;
}

/* ---- cuts ---- */

/* Does contract, tariff or ratio change at an instant? */
static bool changes_at(const struct work *w, struct utc at)
{
	const struct hold *h = w->holds.at;
	const struct assignment *a = w->assignments.at;
	const struct ratio *r = w->ratios.at;

	for (size_t i = 0; i < w->holds.n; i++)
		if (h[i].from_at.ms == at.ms || h[i].to_at.ms == at.ms)
			return true;
	for (size_t i = 0; i < w->assignments.n; i++)
		if (a[i].from_at.ms == at.ms)
			return true;
	for (size_t i = 0; i < w->ratios.n; i++)
		if (r[i].from_at.ms == at.ms)
			return true;
	return false;
}

/* Was the use cut there by rule, and not by a reading? False where that cannot be known. */
static enum err is_cut(struct work *w, struct utc at, bool *out)
{
	struct arg meter = arg_i64(w->meter->id), t = arg_utc(at);
	struct instant i = { 0 };
	struct packed p = { .was_read = false };
	enum err e = ERR_OK;

	*out = false;
	if (!changes_at(w, at))
		return ERR_OK;
	e = db_one(w->db, &Q_INSTANT, ARGS(meter, t, meter, t, meter, t, meter, t, meter), &i);
	if (e == ERR_OK && !i.kept && !i.was_read && !i.on_its_way)
		e = packed_look(w, at, &p);
	*out = e == ERR_OK && !i.was_read && !p.was_read && (i.kept || p.before.ms);
	return e;
}

/* How far the register had grown at an instant between two readings. */
static int64_t grown_at(int64_t grown, struct utc from, struct utc to, struct utc at)
{
	int64_t span = (to.ms - from.ms) / 1000, elapsed = (at.ms - from.ms) / 1000;

	return span == 0 ? grown : (int64_t)((__int128)grown * elapsed / span);
}

static void piece_compare(struct work *w, const struct cut_piece *named, int64_t have, int64_t want)
{
	char object[160];

	if (have != want)
		work_found(w, "cut_is_by_whole_seconds",
			work_name(object, "settlement:%" PRId64 ":%" PRId64, w->meter->id,
				named->to.ms),
			have, want);
}

/* Where the reading before the first piece was taken: its beginning, unless nothing had grown
 * before it. 0: not known. */
static enum err begin_find(struct work *w, struct utc first, struct utc *out)
{
	struct arg meter = arg_i64(w->meter->id), t = arg_utc(first);
	struct before_row before = { 0 };
	struct packed p = { .was_read = false };
	bool cut = false;
	enum err e = is_cut(w, first, &cut);

	*out = first;
	if (e != ERR_OK || !cut)
		return e;
	e = db_one(w->db, &Q_BEFORE, ARGS(meter, t, meter, t, meter, t), &before);
	if (e == ERR_OK)
		e = packed_look(w, first, &p);
	*out = before.at.ms > p.before.ms ? before.at : p.before;
	return e;
}

static void pieces_check(struct work *w, struct utc from)
{
	const struct cut_piece *p = w->pieces;
	size_t n = w->pieces_n;
	struct utc to = p[n - 1].to;
	int64_t grown = 0, so_far = 0;

	for (size_t i = 0; i < n; i++)
		grown += p[i].grown;
	for (size_t i = 0; i < n; i++) {
		piece_compare(w, &p[i], so_far, grown_at(grown, from, to, p[i].from));
		so_far += p[i].grown;
		if (i + 1 < n)
			piece_compare(w, &p[i], so_far, grown_at(grown, from, to, p[i].to));
	}
}

enum err cut_end(struct work *w)
{
	struct utc from;
	bool open = false; /* the last piece ends where nobody read the meter */
	enum err e = ERR_OK;

	if (w->pieces_n == 0)
		return ERR_OK;
	e = is_cut(w, w->pieces[w->pieces_n - 1].to, &open);
	if (e == ERR_OK)
		e = begin_find(w, w->pieces[0].from, &from);
	if (e == ERR_OK && !open && from.ms && (w->pieces_n > 1 || from.ms != w->pieces[0].from.ms))
		pieces_check(w, from);
	w->pieces_n = 0;
	return e;
}

enum err cut_take(struct work *w, const struct interval *i)
{
	struct utc last = w->pieces_n ? w->pieces[w->pieces_n - 1].to : (struct utc){ 0 };
	bool goes_on = false;
	enum err e = ERR_OK;

	if (w->pieces_n > 0)
		e = is_cut(w, last, &goes_on);
	if (e == ERR_OK && goes_on && i->from_at.ms != last.ms)
		e = is_cut(w, i->from_at, &goes_on);
	if (e == ERR_OK && !goes_on)
		e = cut_end(w);
	if (e != ERR_OK || i->rebase)
		return e;
	if (w->pieces_n % 64 == 0 && w->pieces_n > 0)
		w->pieces = work_more(w->pieces, w->pieces_n, sizeof(*w->pieces));
	else if (!w->pieces)
		w->pieces = work_more(NULL, 0, sizeof(*w->pieces));
	w->pieces[w->pieces_n++] = (struct cut_piece){ i->from_at, i->to_at,
		i->to_milli - i->from_milli + i->capacity_milli };
	return ERR_OK;
}
