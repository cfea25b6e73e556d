#include "domain/storage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rand.h"
#include "domain/reading.h"
#include "rules/hourpack.h"

#define DAY_MS (24 * HOUR_MS)
#define GOOD_VERDICTS (1U << VERDICT_ACCEPTED | 1U << VERDICT_REPEATED)

/* ---- changing tables without making anybody wait ---- */

#define AT_ONCE_TRIES 20
#define AT_ONCE_WAIT_MS 50

/* The statement with a lock clause between its parts. Who waits for a table makes all others wait
 * behind it, so that is only done when it was never free, and for a second. */
static enum err change_table(struct db *db, const char *head, const char *tail)
{
	AUTO(buf_free) struct buf at_once = { 0 }, waiting = { 0 };
	enum err e = ERR_RETRY;

	buf_printf(&at_once, "%s NOWAIT %s", head, tail);
	buf_printf(&waiting, "%s WAIT 1 %s", head, tail);
	for (int i = 0; e == ERR_RETRY && i < AT_ONCE_TRIES; i++) {
		if (i > 0)
			mono_sleep_until(mono_ms() + 1 + rand_below(AT_ONCE_WAIT_MS));
		e = db_run(db, at_once.text);
	}
	return e == ERR_RETRY ? db_run(db, waiting.text) : e;
}

/* ---- days ---- */

struct day_part {
	char name[193];
	char bound[193]; /* ms, or "MAXVALUE" */
};
SHAPE(day_shape, struct day_part, FIELD(struct day_part, name), FIELD(struct day_part, bound));
static const struct query Q_DAYS = {
	"SELECT partition_name AS name, partition_description AS bound"
	" FROM information_schema.partitions WHERE table_schema = DATABASE()"
	" AND table_name = 'reading_hour' ORDER BY partition_ordinal_position",
	&day_shape
};

/* Where a day ends; 0 for the last partition, which has no end. */
static int64_t day_bound(const struct day_part *p)
{
	int64_t bound = 0;

	return i64_parse(p->bound, 0, INT64_MAX, &bound) == ERR_OK ? bound : 0;
}

static int64_t day_start(struct utc at)
{
	return at.ms - at.ms % DAY_MS;
}

enum err storage_days_ahead(struct db *db, struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	AUTO(buf_free) struct buf tail = { 0 };
	int64_t until = day_start(now) + 3 * DAY_MS, made = day_start(now) - DAY_MS;
	enum err e = db_list(db, &Q_DAYS, NO_ARGS, &rows);
	const struct day_part *p = rows.at;

	if (e != ERR_OK)
		return e;
	for (size_t i = 0; i < rows.n; i++)
		if (day_bound(&p[i]) > 0)
			made = day_bound(&p[i]);
	if (made >= until)
		return ERR_OK;
	buf_adds(&tail, "REORGANIZE PARTITION later INTO (");
	for (int64_t day = made; day < until; day += DAY_MS) {
		int y, m, d;

		civil_date(day / DAY_MS, &y, &m, &d);
		buf_printf(&tail, "PARTITION d%04d%02d%02d VALUES LESS THAN (%" PRId64 "), ", y, m,
			d, day + DAY_MS);
	}
	buf_adds(&tail, "PARTITION later VALUES LESS THAN (MAXVALUE))");
	return change_table(db, "ALTER TABLE reading_hour", tail.text);
}

static const struct query Q_SPAN_FROM = { "UPDATE reading_span SET from_at = GREATEST(from_at, ?)",
	NULL };

enum err storage_expire(struct db *db, const struct storage_rules *r, struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	AUTO(buf_free) struct buf tail = { 0 };
	enum err e = db_list(db, &Q_DAYS, NO_ARGS, &rows);
	const struct day_part *p = rows.at;
	int64_t bound = 0;

	for (size_t i = 0; i < rows.n; i++) {
		if (day_bound(&p[i]) == 0 || day_bound(&p[i]) > now.ms - r->raw_days * DAY_MS)
			break;
		bound = day_bound(&p[i]);
		buf_printf(&tail, "%s%s", tail.len ? ", " : "DROP PARTITION ", p[i].name);
	}
	if (e == ERR_OK && bound > 0)
		e = change_table(db, "ALTER TABLE reading_hour", tail.text);
	return e == ERR_OK && bound > 0 ? db_exec(db, &Q_SPAN_FROM, ARGS(arg_i64(bound)), NULL) : e;
}

/* ---- packing a chunk of rows ---- */

#define CHUNK 12000

struct hot_row {
	int64_t meter_id;
	struct utc read_at;
	struct qty register_milli;
	int64_t power_w;
	int64_t verdict; /* as in enum verdict */
};
#define F(member) FIELD(struct hot_row, member)
SHAPE(hot_shape, struct hot_row, F(meter_id), F(read_at), F(register_milli), F(power_w),
	F(verdict));
#undef F
static const struct query Q_CHUNK = {
	"SELECT meter_id, read_at, register_milli, power_w, verdict - 1 AS verdict"
	" FROM reading_packing WHERE meter_id > ? OR (meter_id = ? AND read_at > ?)"
	" ORDER BY meter_id, read_at LIMIT ?",
	&hot_shape
};

struct packed_hour {
	struct utc hour_at;
	int64_t meter_id;
	int64_t n;
	struct blob bytes;
	bool thinned; /* readings were left out */
};
#define F(member) FIELD(struct packed_hour, member)
SHAPE(new_shape, struct packed_hour, F(hour_at), F(meter_id), F(n), F(bytes), F(thinned));
SHAPE(changed_shape, struct packed_hour, F(n), F(bytes), F(thinned), F(hour_at), F(meter_id));
#undef F
static const struct query Q_PACKED = {
	"SELECT hour_at, meter_id, n, bytes, thinned FROM reading_hour WHERE hour_at = ?"
	" AND meter_id BETWEEN ? AND ? ORDER BY meter_id FOR UPDATE",
	&new_shape
};
static const struct query Q_PACKED_NEW = {
	"INSERT INTO reading_hour (hour_at, meter_id, n, bytes, thinned) VALUES (?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_PACKED_CHANGED = {
	"UPDATE reading_hour SET n = ?, bytes = ?, thinned = ? WHERE hour_at = ? AND meter_id = ?",
	NULL
};

/* Rows of usage_hour are hours of the local clock; where its offset is not in whole hours none of
 * them is an hour of UTC, and their load stays unknown. */
struct load_row {
	int64_t meter_id;
	struct utc hour_at;
	int64_t least_w, most_w;
};
#define F(member) FIELD(struct load_row, member)
SHAPE(load_shape, struct load_row, F(least_w), F(least_w), F(most_w), F(most_w), F(meter_id),
	F(hour_at));
#undef F
static const struct query Q_LOAD = {
	"UPDATE usage_hour SET least_w = LEAST(COALESCE(least_w, ?), ?),"
	" most_w = GREATEST(COALESCE(most_w, ?), ?) WHERE meter_id = ? AND hour_at = ?",
	NULL
};
/* from_at first: it asks for the to_at of before. */
static const struct query Q_SPAN = {
	"UPDATE reading_span SET from_at = IF(to_at = 0, ?, LEAST(from_at, ?)),"
	" to_at = GREATEST(to_at, ?)",
	NULL
};

/* What must not be thinned. */
struct charged_row {
	int64_t meter_id;
	struct utc read_at;
};
SHAPE(charged_shape, struct charged_row, FIELD(struct charged_row, meter_id),
	FIELD(struct charged_row, read_at));
static const struct query Q_CHARGED = {
	"SELECT meter_id, read_at FROM settled WHERE meter_id BETWEEN ? AND ? ORDER BY meter_id",
	&charged_shape
};
static const struct query Q_NAMED = {
	"SELECT meter_id, read_at FROM reading_decision WHERE meter_id BETWEEN ? AND ? UNION"
	" SELECT meter_id, last_at FROM reading_decision WHERE meter_id BETWEEN ? AND ?"
	" ORDER BY meter_id, read_at",
	&charged_shape
};

struct pack_work {
	const struct storage_rules *rules;
	int64_t meter_id; /* the row after which the chunk begins */
	struct utc at;
	int64_t last_meter_id; /* the last of the chunk */
	struct utc last_at;
	struct storage_packed chunk;
};

struct chunk {
	const struct hot_row *rows;
	size_t n;
	struct rows *hours; /* packed already, of each hour that occurs */
	struct utc *hour_at;
	size_t hours_n;
	struct rows charged, named;
	struct packed_hour *fresh, *changed;
	size_t fresh_n, changed_n;
	struct load_row *loads;
	size_t loads_n;
};

static void chunk_free(struct chunk *c)
{
	for (size_t i = 0; i < c->hours_n; i++)
		rows_free(&c->hours[i]);
	for (size_t i = 0; i < c->fresh_n; i++)
		free((void *)(uintptr_t)c->fresh[i].bytes.at);
	for (size_t i = 0; i < c->changed_n; i++)
		free((void *)(uintptr_t)c->changed[i].bytes.at);
	rows_free(&c->charged);
	rows_free(&c->named);
	free(c->hours);
	free(c->hour_at);
	free(c->fresh);
	free(c->changed);
	free(c->loads);
}

static size_t hour_place(const struct chunk *c, struct utc hour)
{
	size_t i = 0;

	while (i < c->hours_n && c->hour_at[i].ms != hour.ms)
		i++;
	return i;
}

static enum err chunk_open(
	struct db *db, struct chunk *c, const struct rows *rows, const struct storage_rules *r)
{
	struct arg first, last;
	enum err e = ERR_OK;

	c->rows = rows->at;
	c->n = rows->n;
	c->hours = calloc(c->n, sizeof(*c->hours));
	c->hour_at = calloc(c->n, sizeof(*c->hour_at));
	c->fresh = calloc(c->n, sizeof(*c->fresh));
	c->changed = calloc(c->n, sizeof(*c->changed));
	c->loads = calloc(c->n, sizeof(*c->loads));
	ASSERT(c->hours && c->hour_at && c->fresh && c->changed && c->loads);
	first = arg_i64(c->rows[0].meter_id);
	last = arg_i64(c->rows[c->n - 1].meter_id);
	for (size_t i = 0; e == ERR_OK && i < c->n; i++) {
		struct utc hour = hour_of(c->rows[i].read_at);

		if (hour_place(c, hour) < c->hours_n)
			continue;
		e = db_list(db, &Q_PACKED, ARGS(arg_utc(hour), first, last), &c->hours[c->hours_n]);
		c->hour_at[c->hours_n++] = hour;
	}
	if (e == ERR_OK && r->raw_spacing_s > 0)
		e = db_list(db, &Q_CHARGED, ARGS(first, last), &c->charged);
	if (e == ERR_OK && r->raw_spacing_s > 0)
		e = db_list(db, &Q_NAMED, ARGS(first, last, first, last), &c->named);
	return e;
}

static int by_meter(const void *a, const void *b)
{
	const struct packed_hour *x = a, *y = b;

	return (x->meter_id > y->meter_id) - (x->meter_id < y->meter_id);
}

/* The hour as it is packed already, or NULL. */
static const struct packed_hour *packed_find(
	const struct chunk *c, int64_t meter_id, struct utc hour)
{
	const struct rows *rows = &c->hours[hour_place(c, hour)];
	struct packed_hour key = { .meter_id = meter_id };

	return rows->n ? bsearch(&key, rows->at, rows->n, sizeof(key), by_meter) : NULL;
}

static int by_meter_and_time(const void *a, const void *b)
{
	const struct charged_row *x = a, *y = b;

	if (x->meter_id != y->meter_id)
		return x->meter_id < y->meter_id ? -1 : 1;
	return (x->read_at.ms > y->read_at.ms) - (x->read_at.ms < y->read_at.ms);
}

static int by_meter_charged(const void *a, const void *b)
{
	const struct charged_row *x = a, *y = b;

	return (x->meter_id > y->meter_id) - (x->meter_id < y->meter_id);
}

/* A settlement has its registers in it, so what is charged is not needed any more. What waits to be
 * charged is, and so is the last one charged, what is in doubt, and what a decision names. */
static bool may_thin(const struct chunk *c, int64_t meter_id, const struct raw_reading *r)
{
	struct charged_row key = { meter_id, r->at };
	const struct charged_row *last = c->charged.n ? bsearch(&key, c->charged.at, c->charged.n,
								sizeof(key), by_meter_charged)
						      : NULL;

	if (!(GOOD_VERDICTS >> r->verdict & 1) || !last || r->at.ms >= last->read_at.ms)
		return false;
	return !c->named.n ||
	       !bsearch(&key, c->named.at, c->named.n, sizeof(key), by_meter_and_time);
}

static size_t thin(
	const struct chunk *c, int64_t meter_id, struct raw_reading *r, size_t n, int64_t spacing_s)
{
	bool *keep = calloc(n, sizeof(*keep));
	size_t left;

	ASSERT(keep);
	for (size_t i = 0; i < n; i++)
		keep[i] = !may_thin(c, meter_id, &r[i]);
	left = hour_thin(r, keep, n, spacing_s * 1000);
	free(keep);
	return left;
}

static void load_add(
	struct chunk *c, int64_t meter_id, struct utc hour, const struct raw_reading *r, size_t n)
{
	struct hour_power p = hour_power(r, n, GOOD_VERDICTS);

	if (p.n > 0)
		c->loads[c->loads_n++] = (struct load_row){ meter_id, hour, p.least_w, p.most_w };
}

/* Rows of the chunk that are of one meter and hour, as readings. */
static size_t rows_read(const struct hot_row *rows, size_t n, struct raw_reading *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (struct raw_reading){ rows[i].read_at, rows[i].register_milli,
			rows[i].power_w, (uint8_t)rows[i].verdict };
	return n;
}

/* The readings of an hour with those that are packed already, which were there first. */
static enum err group_read(const struct packed_hour *before, const struct hot_row *rows, size_t n,
	struct raw_reading **out, size_t *count)
{
	size_t had = before ? (size_t)before->n : 0;
	struct raw_reading *all = calloc(2 * (had + n), sizeof(*all));
	struct raw_reading *old = all + had + n, *fresh = old + had;
	enum err e = ERR_OK;

	ASSERT(all);
	rows_read(rows, n, fresh);
	if (before)
		e = hour_unpack(before->hour_at, before->bytes.at, before->bytes.n, old, had, &had);
	if (e != ERR_OK) {
		free(all);
		return e;
	}
	*count = hour_merge(old, had, fresh, n, all);
	*out = all;
	return ERR_OK;
}

/* Late readings of an hour that is damaged are given up with it, and of more readings than an hour
 * can have the rest is: nobody else waits for them. */
static enum err group_pack(
	struct chunk *c, const struct hot_row *rows, size_t n, const struct storage_rules *rules)
{
	struct utc hour = hour_of(rows[0].read_at);
	int64_t meter_id = rows[0].meter_id;
	const struct packed_hour *before = packed_find(c, meter_id, hour);
	struct raw_reading *r = NULL;
	size_t all, count = 0, len = 0;
	uint8_t *bytes;
	enum err e = group_read(before, rows, n, &r, &count);

	if (e != ERR_OK || count > HOUR_READINGS_MAX)
		log_error("meter_id=%" PRId64 " hour=%" PRId64 " %s", meter_id, hour.ms,
			e != ERR_OK ? "is not a packed hour" : "has too many readings");
	if (e != ERR_OK)
		return ERR_OK;
	all = count;
	count = count > HOUR_READINGS_MAX ? HOUR_READINGS_MAX : count;
	load_add(c, meter_id, hour, r, count);
	if (rules->raw_spacing_s > 0)
		count = thin(c, meter_id, r, count, rules->raw_spacing_s);
	bytes = malloc(hour_room(count));
	ASSERT(bytes);
	e = hour_pack(hour, r, count, bytes, &len);
	free(r);
	if (e != ERR_OK) {
		free(bytes);
		return e;
	}
	*(before ? &c->changed[c->changed_n++] : &c->fresh[c->fresh_n++]) =
		(struct packed_hour){ hour, meter_id, (int64_t)count, { bytes, len },
			(before && before->thinned) || count < all };
	return ERR_OK;
}

static enum err chunk_pack(struct chunk *c, const struct storage_rules *rules)
{
	enum err e = ERR_OK;
	size_t n;

	for (size_t i = 0; e == ERR_OK && i < c->n; i += n) {
		int64_t hour = hour_of(c->rows[i].read_at).ms;

		for (n = 1; i + n < c->n && c->rows[i + n].meter_id == c->rows[i].meter_id &&
			    hour_of(c->rows[i + n].read_at).ms == hour;
			n++)
			;
		e = group_pack(c, &c->rows[i], n, rules);
	}
	return e;
}

static enum err chunk_store(struct db *db, const struct chunk *c)
{
	int64_t first = INT64_MAX, last = 0;
	enum err e = db_bulk(db, &Q_PACKED_NEW, &new_shape, c->fresh, c->fresh_n);

	if (e == ERR_OK)
		e = db_bulk(db, &Q_PACKED_CHANGED, &changed_shape, c->changed, c->changed_n);
	if (e == ERR_OK)
		e = db_bulk(db, &Q_LOAD, &load_shape, c->loads, c->loads_n);
	for (size_t i = 0; i < c->hours_n; i++) {
		first = c->hour_at[i].ms < first ? c->hour_at[i].ms : first;
		last = c->hour_at[i].ms > last ? c->hour_at[i].ms : last;
	}
	return e == ERR_OK ? db_exec(db, &Q_SPAN,
				     ARGS(arg_i64(first), arg_i64(first), arg_i64(last + HOUR_MS)),
				     NULL)
			   : e;
}

static void packed_add(struct storage_packed *p, struct utc first, struct utc last, int64_t n)
{
	p->n += n;
	if (first.ms < p->first.ms)
		p->first = first;
	if (last.ms > p->last.ms)
		p->last = last;
}

static enum err chunk_tx(struct db *db, void *ctx)
{
	AUTO(rows_free) struct rows rows = { 0 };
	AUTO(chunk_free) struct chunk c = { 0 };
	struct pack_work *w = ctx;
	enum err e = db_list(db, &Q_CHUNK,
		ARGS(arg_i64(w->meter_id), arg_i64(w->meter_id), arg_utc(w->at), arg_i64(CHUNK)),
		&rows);

	w->chunk = (struct storage_packed){ (int64_t)rows.n, { INT64_MAX }, { 0 } };
	if (e != ERR_OK || rows.n == 0)
		return e;
	e = chunk_open(db, &c, &rows, w->rules);
	if (e == ERR_OK)
		e = chunk_pack(&c, w->rules);
	if (e == ERR_OK)
		e = chunk_store(db, &c);
	/* Another worker packs the same rows: with what it has stored. */
	if (e == ERR_ALREADY)
		e = ERR_RETRY;
	for (size_t i = 0; i < c.n; i++)
		packed_add(&w->chunk, c.rows[i].read_at, c.rows[i].read_at, 0);
	w->last_meter_id = c.rows[c.n - 1].meter_id;
	w->last_at = c.rows[c.n - 1].read_at;
	return e;
}

enum err storage_pack_rows(struct db *db, const struct storage_rules *r, struct storage_packed *out)
{
	struct pack_work w = { .rules = r, .meter_id = INT64_MIN };
	enum err e;

	*out = (struct storage_packed){ 0, { INT64_MAX }, { 0 } };
	do {
		e = db_tx(db, chunk_tx, &w);
		if (e != ERR_OK)
			return e;
		packed_add(out, w.chunk.first, w.chunk.last, w.chunk.n);
		w.meter_id = w.last_meter_id;
		w.at = w.last_at;
	} while (w.chunk.n > 0);
	return ERR_OK;
}

/* ---- the ring ---- */

#define SLOT(n)                                                                                    \
	{                                                                                          \
		"EXCHANGE PARTITION slot" #n " WITH TABLE reading_packing",                        \
		{                                                                                  \
			"SELECT EXISTS (SELECT 1 FROM reading PARTITION (slot" #n ")) AS id",      \
				&id_shape                                                          \
		}                                                                                  \
	}
static const struct {
	const char *take_out;
	struct query filled;
} slots[STORAGE_SLOTS] = { SLOT(0), SLOT(1), SLOT(2), SLOT(3) };

static const struct query Q_LEFT = { "SELECT EXISTS (SELECT 1 FROM reading_packing) AS id",
	&id_shape };

enum err storage_take_out(struct db *db, int slot)
{
	return change_table(db, "ALTER TABLE reading", slots[slot].take_out);
}

/* A worker that slept must not empty what another has taken out since. So rows are counted while
 * the table is locked, and the variable that allows the rest is lost with the lock's connection. */
enum err storage_clear(struct db *db, const struct storage_packed *p)
{
	AUTO(buf_free) struct buf count = { 0 };
	enum err e = db_run(db, "SET @packing = 1"), unlocked;

	if (e == ERR_OK)
		e = change_table(db, "LOCK TABLES reading_packing WRITE", "");
	if (e != ERR_OK)
		return e;
	buf_printf(&count,
		"SELECT @packing = 1 AND COUNT(*) = %" PRId64 " AND MIN(read_at) = %" PRId64
		" AND MAX(read_at) = %" PRId64 " INTO @packing FROM reading_packing",
		p->n, p->first.ms, p->last.ms);
	e = db_run(db, count.text);
	if (e == ERR_OK)
		e = db_run(db, "EXECUTE IMMEDIATE IF(@packing = 1,"
			       " 'TRUNCATE TABLE reading_packing', 'DO 0')");
	unlocked = db_run(db, "UNLOCK TABLES");
	return e == ERR_OK ? unlocked : e;
}

static enum err pack_left(struct db *db, const struct storage_rules *r)
{
	struct id_row left = { 0 };
	struct storage_packed packed = { 0 };
	enum err e = db_one(db, &Q_LEFT, NO_ARGS, &left);

	if (e != ERR_OK || !left.id)
		return e;
	e = storage_pack_rows(db, r, &packed);
	if (e == ERR_OK)
		e = storage_clear(db, &packed);
	if (e == ERR_OK)
		e = db_one(db, &Q_LEFT, NO_ARGS, &left);
	return e == ERR_OK && left.id ? ERR_RETRY : e;
}

enum err storage_pack(struct db *db, const struct storage_rules *r, struct utc now)
{
	int running = (int)(now.ms / HOUR_MS % STORAGE_SLOTS);
	int before = (int)((now.ms - STORAGE_GRACE_MS) / HOUR_MS % STORAGE_SLOTS);
	enum err e = pack_left(db, r);

	for (int i = 0; e == ERR_OK && i < STORAGE_SLOTS; i++) {
		struct id_row filled = { 0 };

		if (i == running || i == before)
			continue;
		e = db_one(db, &slots[i].filled, NO_ARGS, &filled);
		if (e == ERR_OK && filled.id)
			e = storage_take_out(db, i);
		if (e == ERR_OK && filled.id)
			e = pack_left(db, r);
	}
	return e;
}

enum err storage_upkeep(struct db *db, const struct storage_rules *r, struct utc now)
{
	enum err e = storage_days_ahead(db, now);

	if (e == ERR_OK)
		e = storage_pack(db, r, now);
	return e == ERR_OK ? storage_expire(db, r, now) : e;
}
