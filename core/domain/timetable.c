#include "domain/timetable.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "domain/audit.h"
#include "domain/holiday.h"
#include "domain/supplypoint.h"

#define DAYS_AHEAD 1100
#define RUN_MOST 500 /* supply points of one run; the rest is due still */
/* Looked at again at the latest after this, so that nothing rests on one reckoning for long. */
#define LOOK_MS (24 * 3600 * INT64_C(1000))

void site_days_free(struct site_days *d)
{
	free(d->list);
	*d = (struct site_days){ 0 };
}

enum err site_days_load(struct db *db, int64_t site_id, struct day from, struct site_days *out)
{
	AUTO(rows_free) struct rows rows = { 0 };
	AUTO(site_days_free) struct site_days d = { 0 };
	enum err e = holiday_list(db, site_id, from, (struct day){ from.days + DAYS_AHEAD }, &rows);
	const struct holiday *h = rows.at;

	if (e != ERR_OK)
		return e;
	d.list = calloc(rows.n + 1, sizeof(*d.list));
	ASSERT(d.list);
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		e = day_parse(h[i].day, &d.list[i].day);
		if (e == ERR_OK)
			e = site_day_parse(h[i].kind, &d.list[i].kind);
	}
	if (e != ERR_OK)
		return e;
	d.marks = (struct day_marks){ d.list, rows.n };
	*out = d;
	d = (struct site_days){ 0 };
	return ERR_OK;
}

/* ---- the list ---- */

#define F(member) FIELD(struct timetable_row, member)
SHAPE(row_shape, struct timetable_row, F(id), F(code), F(name), F(site_id), F(points));
#undef F
#define ROW_SELECT                                                                                 \
	"SELECT s.id, s.code, s.name, s.site_id,"                                                  \
	" (SELECT COUNT(*) FROM supply_point p WHERE p.schedule_id = s.id) AS points"              \
	" FROM schedule s WHERE ? IN (0, s.site_id)"
const struct listing timetable_listing = {
	.all = { ROW_SELECT, &row_shape },
	.sorts = { { "id", "s.id" }, { "code", "s.code" }, { "name", "s.name" } },
	.order = "id",
	.filters = { { "site_id", FILTER_ID, "s.site_id = ?" },
		{ "q", FILTER_TEXT, "LOCATE(?, s.code) OR LOCATE(?, s.name)" } },
};
static const struct query Q_GET = { ROW_SELECT " AND s.id = ?", &row_shape };

struct period_row {
	char day_kind[8];
	int64_t start_min;
	bool off;
};
SHAPE(period_shape, struct period_row, FIELD(struct period_row, day_kind),
	FIELD(struct period_row, start_min), FIELD(struct period_row, off));
static const struct query Q_PERIODS = {
	"SELECT day_kind, start_min, off FROM schedule_period WHERE schedule_id = ?"
	" ORDER BY day_kind, start_min",
	&period_shape
};

enum err timetable_get(struct db *db, int64_t site_id, int64_t id, struct timetable_row *out)
{
	return db_one(db, &Q_GET, ARGS(arg_i64(site_id), arg_i64(id)), out);
}

enum err timetable_load(struct db *db, int64_t id, struct timetable *out)
{
	AUTO(rows_free) struct rows rows = { 0 };
	struct timetable t = { 0 };
	enum err e = db_list(db, &Q_PERIODS, ARGS(arg_i64(id)), &rows);
	const struct period_row *r = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		enum day_sort sort;
		struct timetable_day *d;

		e = day_sort_parse(r[i].day_kind, &sort);
		if (e != ERR_OK)
			return e;
		d = &t.days[sort];
		if (d->n == TIMETABLE_PERIODS)
			return ERR_INTERNAL;
		d->at[d->n++] = (struct timetable_period){ (int32_t)r[i].start_min, r[i].off };
	}
	if (e == ERR_OK)
		*out = t;
	return e;
}

/* ---- changes ---- */

static const struct query Q_ADD = {
	"INSERT INTO schedule (code, name, site_id, updated_at) VALUES (?, ?, ?, ?)", NULL
};
static const struct query Q_BY_CODE = { "SELECT id FROM schedule WHERE code = ?", &id_shape };
static const struct query Q_CHANGE = { "UPDATE schedule SET name = ?, updated_at = ? WHERE id = ?",
	NULL };
static const struct query Q_PERIOD_ADD = {
	"INSERT INTO schedule_period (schedule_id, day_kind, start_min, off) VALUES (?, ?, ?, ?)",
	NULL
};
static const struct query Q_PERIODS_DROP = { "DELETE FROM schedule_period WHERE schedule_id = ?",
	NULL };
static const struct query Q_REMOVE = { "DELETE FROM schedule WHERE id = ?", NULL };
static const struct query Q_LOCK = { "SELECT id FROM schedule WHERE id = ? FOR UPDATE", &id_shape };
static const struct query Q_SITE_LOCKED = {
	"SELECT site_id AS id FROM schedule WHERE id = ? FOR UPDATE", &id_shape
};
static const struct query Q_USED = {
	"SELECT COUNT(*) AS id FROM supply_point WHERE schedule_id = ?", &id_shape
};
static const struct query Q_DUE_AGAIN = {
	"UPDATE supply_point SET schedule_at = 0 WHERE schedule_id = ?", NULL
};
static const struct query Q_SITE_AGAIN = {
	"UPDATE supply_point SET schedule_at = 0 WHERE site_id = ? AND schedule_id IS NOT NULL",
	NULL
};

static enum err audit_of(struct db *db, const struct timetable_edit *t, const char *action,
	int64_t id, json_t *detail)
{
	return audit_add(db, &(struct audit){ t->actor, t->address, action, "schedule", id, NULL },
		detail, t->now);
}

static enum err periods_store(struct db *db, int64_t id, const struct timetable *t)
{
	enum err e = db_exec(db, &Q_PERIODS_DROP, ARGS(arg_i64(id)), NULL);

	for (enum day_sort s = SORT_WORKDAY; s < SORT__MAX; s++)
		for (size_t i = 0; e == ERR_OK && i < t->days[s].n; i++)
			e = db_exec(db, &Q_PERIOD_ADD,
				ARGS(arg_i64(id), arg_text(day_sort_word(s)),
					arg_i64(t->days[s].at[i].minute),
					arg_i64(t->days[s].at[i].off)),
				NULL);
	return e;
}

struct saving {
	const struct timetable_edit *edit;
	int64_t id;
};

static enum err row_store(struct db *db, struct saving *s)
{
	const struct timetable_edit *t = s->edit;
	struct id_row row;
	enum err e;

	s->id = t->id;
	if (t->id) {
		e = db_one(db, &Q_LOCK, ARGS(arg_i64(t->id)), &row);
		return e == ERR_OK
			       ? db_exec(db, &Q_CHANGE,
					 ARGS(arg_text(t->name), arg_utc(t->now), arg_i64(t->id)),
					 NULL)
			       : e;
	}
	e = db_exec(db, &Q_ADD,
		ARGS(arg_text(t->code), arg_text(t->name), arg_i64(t->site_id), arg_utc(t->now)),
		NULL);
	if (e == ERR_OK)
		s->id = db_insert_id(db);
	return e;
}

static enum err save_tx(struct db *db, void *ctx)
{
	struct saving *s = ctx;
	enum err e = row_store(db, s);

	if (e == ERR_OK)
		e = periods_store(db, s->id, s->edit->table);
	if (e == ERR_OK)
		e = db_exec(db, &Q_DUE_AGAIN, ARGS(arg_i64(s->id)), NULL);
	if (e == ERR_OK)
		e = audit_of(db, s->edit, s->edit->id ? "schedule.change" : "schedule.add", s->id,
			json_pack("{s:s}", "name", s->edit->name));
	return e;
}

static bool same_table(const struct timetable *a, const struct timetable *b)
{
	for (enum day_sort s = SORT_WORKDAY; s < SORT__MAX; s++) {
		if (a->days[s].n != b->days[s].n)
			return false;
		for (size_t i = 0; i < a->days[s].n; i++)
			if (a->days[s].at[i].minute != b->days[s].at[i].minute ||
				a->days[s].at[i].off != b->days[s].at[i].off)
				return false;
	}
	return true;
}

/* Was it added before, and only the answer lost? */
static enum err added_before(struct db *db, const struct timetable_edit *t, int64_t *id)
{
	struct timetable_row had;
	struct timetable table;
	struct id_row row;
	enum err e = db_one(db, &Q_BY_CODE, ARGS(arg_text(t->code)), &row);

	if (e == ERR_OK)
		e = timetable_get(db, t->site_id, row.id, &had);
	if (e == ERR_OK)
		e = timetable_load(db, row.id, &table);
	if (e == ERR_NOT_FOUND)
		return ERR_ALREADY;
	if (e != ERR_OK)
		return e;
	*id = row.id;
	return str_eq(had.name, t->name) && same_table(&table, t->table) ? ERR_OK : ERR_ALREADY;
}

enum err timetable_save(struct db *db, const struct timetable_edit *t, int64_t *id)
{
	struct saving s = { .edit = t };
	enum err e = timetable_check(t->table);

	if (e == ERR_OK)
		e = db_tx(db, save_tx, &s);
	*id = s.id;
	return e == ERR_ALREADY ? added_before(db, t, id) : e;
}

static enum err remove_tx(struct db *db, void *ctx)
{
	const struct timetable_edit *t = ctx;
	struct id_row row;
	enum err e = db_one(db, &Q_LOCK, ARGS(arg_i64(t->id)), &row);

	if (e == ERR_OK)
		e = db_one(db, &Q_USED, ARGS(arg_i64(t->id)), &row);
	if (e == ERR_OK && row.id > 0)
		return ERR_CONFLICT;
	if (e == ERR_OK)
		e = db_exec(db, &Q_PERIODS_DROP, ARGS(arg_i64(t->id)), NULL);
	if (e == ERR_OK)
		e = db_exec(db, &Q_REMOVE, ARGS(arg_i64(t->id)), NULL);
	return e == ERR_OK ? audit_of(db, t, "schedule.remove", t->id, NULL) : e;
}

enum err timetable_remove(struct db *db, const struct timetable_edit *t)
{
	struct timetable_edit copy = *t;

	return db_tx(db, remove_tx, &copy);
}

enum err timetables_touch(struct db *db, int64_t site_id)
{
	return db_exec(db, &Q_SITE_AGAIN, ARGS(arg_i64(site_id)), NULL);
}

/* ---- carrying them out ---- */

struct point_row {
	int64_t id;
	int64_t site_id;
	int64_t schedule_id; /* 0: none */
};
SHAPE(point_shape, struct point_row, FIELD(struct point_row, id), FIELD(struct point_row, site_id),
	FIELD(struct point_row, schedule_id));
static const struct query Q_POINT = {
	"SELECT p.id, p.site_id, COALESCE(p.schedule_id, 0) AS schedule_id FROM supply_point p"
	" WHERE p.id = ? FOR UPDATE",
	&point_shape
};
static const struct query Q_DUE = {
	"SELECT id FROM supply_point WHERE schedule_id IS NOT NULL AND schedule_at <= ?"
	" ORDER BY id LIMIT ?",
	&id_shape
};
static const struct query Q_NEXT = { "UPDATE supply_point SET schedule_at = ? WHERE id = ?", NULL };
static const struct query Q_GIVE = {
	"UPDATE supply_point SET schedule_id = ?, schedule_at = 0 WHERE id = ?", NULL
};

struct zone_row {
	char zone[64];
};
SHAPE(zone_shape, struct zone_row, FIELD(struct zone_row, zone));
static const struct query Q_ZONE = { "SELECT zone FROM site WHERE id = ?", &zone_shape };

enum err timetable_now(
	struct db *db, int64_t site_id, int64_t id, struct utc now, struct timetable_state *out)
{
	AUTO(site_days_free) struct site_days days = { 0 };
	AUTO(zone_free) struct zone *z = NULL;
	struct zone_row site;
	struct timetable t;
	enum err e = db_one(db, &Q_ZONE, ARGS(arg_i64(site_id)), &site);

	if (e == ERR_OK)
		e = zone_open(site.zone, &z);
	if (e == ERR_OK)
		e = site_days_load(db, site_id, zone_local(z, now).day, &days);
	if (e == ERR_OK)
		e = timetable_load(db, id, &t);
	if (e != ERR_OK)
		return e;
	out->off = timetable_off(&t, z, &days.marks, now);
	out->next = timetable_next(&t, z, &days.marks, now);
	return ERR_OK;
}

static enum err follow(struct db *db, int64_t point, struct utc now)
{
	struct timetable_state state = { .off = false };
	struct point_row p;
	struct utc look;
	enum err e = db_one(db, &Q_POINT, ARGS(arg_i64(point)), &p);

	if (e == ERR_OK && p.schedule_id)
		e = timetable_now(db, p.site_id, p.schedule_id, now, &state);
	if (e != ERR_OK)
		return e;
	look.ms = now.ms + LOOK_MS;
	if (state.next.ms && state.next.ms < look.ms)
		look = state.next;
	e = state.off ? supply_block_set(db, p.id, BLOCK_SCHEDULE, "", "system", "", now)
		      : supply_block_clear(db, p.id, BLOCK_SCHEDULE, "", now);
	return e == ERR_OK ? db_exec(db, &Q_NEXT, ARGS(arg_utc(look), arg_i64(p.id)), NULL) : e;
}

struct following {
	int64_t point;
	struct utc now;
};

static enum err follow_tx(struct db *db, void *ctx)
{
	const struct following *f = ctx;

	return follow(db, f->point, f->now);
}

enum err timetables_run(struct db *db, struct utc now)
{
	AUTO(rows_free) struct rows due = { 0 };
	enum err e = db_list(db, &Q_DUE, ARGS(arg_utc(now), arg_i64(RUN_MOST)), &due);
	const struct id_row *p = due.at;

	for (size_t i = 0; e == ERR_OK && i < due.n; i++)
		e = db_tx(db, follow_tx, &(struct following){ p[i].id, now });
	return e;
}

/* Of the same site as the supply point; locked, so that nobody removes it meanwhile. */
static enum err check_site(struct db *db, int64_t timetable_id, int64_t site_id)
{
	struct id_row site;
	enum err e = db_one(db, &Q_SITE_LOCKED, ARGS(arg_i64(timetable_id)), &site);

	return e == ERR_OK && site.id != site_id ? ERR_NOT_FOUND : e;
}

enum err timetable_give(struct db *db, const struct timetable_give *g)
{
	struct audit audit = { g->actor, g->address, "supply_point.schedule", "supply_point",
		g->supply_point_id, NULL };
	enum err e = ERR_OK;

	ASSERT(db_in_tx(db));
	if (g->timetable_id)
		e = check_site(db, g->timetable_id, g->site_id);
	if (e == ERR_OK)
		e = db_exec(db, &Q_GIVE, ARGS(arg_id(g->timetable_id), arg_i64(g->supply_point_id)),
			NULL);
	if (e == ERR_OK)
		e = follow(db, g->supply_point_id, g->now);
	return e == ERR_OK ? audit_add(db, &audit,
				     json_pack("{s:I}", "schedule_id", (json_int_t)g->timetable_id),
				     g->now)
			   : e;
}
