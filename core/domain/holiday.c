#include "domain/holiday.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "domain/audit.h"
#include "domain/setting.h"
#include "domain/timetable.h"

/* As shipped for dwellings: nobody sits in the dark at night. Shops ship without. */
#define DWELLING_FROM_MIN (22 * 60)
#define DWELLING_TO_MIN (7 * 60)

static const struct field holiday_fields[] = {
	FIELD(struct holiday, day),
	FIELD(struct holiday, kind),
	FIELD(struct holiday, name),
};
const struct shape holiday_shape = { holiday_fields, ARRAY_LEN(holiday_fields),
	sizeof(struct holiday) };

static const struct query Q_LIST = {
	"SELECT CAST(day AS CHAR) AS day, kind, name FROM site_holiday WHERE site_id = ?"
	" AND day BETWEEN ? AND ? ORDER BY site_holiday.day",
	&holiday_shape
};
static const struct query Q_COUNT = { "SELECT COUNT(*) AS id FROM site_holiday WHERE site_id = ?",
	&id_shape };
static const struct query Q_PUT = {
	"INSERT INTO site_holiday (site_id, day, kind, name) VALUES (?, ?, ?, ?)"
	" ON DUPLICATE KEY UPDATE kind = VALUES(kind), name = VALUES(name)",
	NULL
};
static const struct query Q_DELETE = { "DELETE FROM site_holiday WHERE site_id = ? AND day = ?",
	NULL };

enum err holiday_list(
	struct db *db, int64_t site_id, struct day from, struct day to, struct rows *out)
{
	char first[DAY_TEXT_MAX], last[DAY_TEXT_MAX];

	return db_list(db, &Q_LIST,
		ARGS(arg_i64(site_id), arg_text(day_text(from, first)),
			arg_text(day_text(to, last))),
		out);
}

static enum err audited(struct db *db, const struct holiday_change *c, json_t *detail)
{
	return audit_add(db,
		&(struct audit){ c->actor, c->address, "holiday.edit", "site", c->site_id, NULL },
		detail, c->now);
}

static enum err put_tx(struct db *db, void *ctx)
{
	const struct holiday_change *c = ctx;
	char day[DAY_TEXT_MAX];
	struct id_row count;
	enum err e = db_one(db, &Q_COUNT, ARGS(arg_i64(c->site_id)), &count);

	if (e == ERR_OK && count.id >= HOLIDAYS_MOST)
		return ERR_TOO_LARGE;
	day_text(c->day, day);
	if (e == ERR_OK)
		e = db_exec(db, &Q_PUT,
			ARGS(arg_i64(c->site_id), arg_text(day), arg_text(site_day_word(c->kind)),
				arg_text(c->name)),
			NULL);
	if (e == ERR_OK)
		e = timetables_touch(db, c->site_id);
	return e == ERR_OK ? audited(db, c,
				     json_pack("{s:s, s:s, s:s}", "day", day, "kind",
					     site_day_word(c->kind), "name", c->name))
			   : e;
}

enum err holiday_put(struct db *db, const struct holiday_change *c)
{
	struct holiday_change copy = *c;

	return db_tx(db, put_tx, &copy);
}

static enum err delete_tx(struct db *db, void *ctx)
{
	const struct holiday_change *c = ctx;
	char day[DAY_TEXT_MAX];
	int64_t n = 0;
	enum err e = db_exec(
		db, &Q_DELETE, ARGS(arg_i64(c->site_id), arg_text(day_text(c->day, day))), &n);

	if (e != ERR_OK || n == 0)
		return e;
	e = timetables_touch(db, c->site_id);
	return e == ERR_OK ? audited(db, c, json_pack("{s:s, s:n}", "day", day, "kind")) : e;
}

enum err holiday_delete(struct db *db, const struct holiday_change *c)
{
	struct holiday_change copy = *c;

	return db_tx(db, delete_tx, &copy);
}

/* ---- quiet ---- */

struct site_row {
	char zone[64];
	char profile[16];
};
SHAPE(site_shape, struct site_row, FIELD(struct site_row, zone), FIELD(struct site_row, profile));
static const struct query Q_SITE = { "SELECT zone, profile FROM site WHERE id = ?", &site_shape };

static enum err rule_read(
	struct db *db, int64_t site_id, const char *profile, struct quiet_rule *out)
{
	int64_t v[SETTING__MAX];
	enum err e = setting_all(db, site_id, v);
	bool dwelling = str_eq(profile, "dwelling");

	if (e != ERR_OK)
		return e;
	*out = (struct quiet_rule){ .from_min = (int)v[SETTING_QUIET_FROM_MIN],
		.to_min = (int)v[SETTING_QUIET_TO_MIN],
		.weekend = v[SETTING_QUIET_WEEKEND] != 0,
		.stagger_min = (int)v[SETTING_QUIET_STAGGER_MIN] };
	if (out->from_min < 0 || out->to_min < 0) {
		out->from_min = dwelling ? DWELLING_FROM_MIN : 0;
		out->to_min = dwelling ? DWELLING_TO_MIN : 0;
	}
	return ERR_OK;
}

static enum err marks_read(struct db *db, int64_t site_id, struct utc now, struct site_quiet *q)
{
	AUTO(rows_free) struct rows rows = { 0 };
	struct day from = zone_local(q->zone, (struct utc){ now.ms - QUIET_MOST_MS / 31 }).day;
	struct day to = zone_local(q->zone, (struct utc){ now.ms + QUIET_MOST_MS }).day;
	enum err e = holiday_list(
		db, site_id, (struct day){ from.days - 1 }, (struct day){ to.days + 1 }, &rows);
	const struct holiday *h = rows.at;

	if (e != ERR_OK)
		return e;
	q->marks = calloc(rows.n + 1, sizeof(*q->marks));
	ASSERT(q->marks);
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		e = day_parse(h[i].day, &q->marks[i].day);
		if (e == ERR_OK)
			e = site_day_parse(h[i].kind, &q->marks[i].kind);
	}
	q->site.marks = (struct day_marks){ q->marks, rows.n };
	return e;
}

void site_quiet_free(struct site_quiet *q)
{
	zone_free(&q->zone);
	free(q->marks);
	*q = (struct site_quiet){ 0 };
}

enum err site_quiet_load(struct db *db, int64_t site_id, struct utc now, struct site_quiet *out)
{
	AUTO(site_quiet_free) struct site_quiet q = { 0 };
	struct site_row site;
	enum err e = db_one(db, &Q_SITE, ARGS(arg_i64(site_id)), &site);

	if (e == ERR_OK)
		e = zone_open(site.zone, &q.zone);
	if (e == ERR_OK)
		e = rule_read(db, site_id, site.profile, &q.site.rule);
	if (e == ERR_OK)
		e = marks_read(db, site_id, now, &q);
	if (e != ERR_OK)
		return e;
	q.site.zone = q.zone;
	*out = q;
	q = (struct site_quiet){ 0 };
	return ERR_OK;
}

enum err supply_trip_time(struct db *db, int64_t site_id, int64_t supply_point_id,
	struct utc earliest, struct utc *out)
{
	AUTO(site_quiet_free) struct site_quiet q = { 0 };
	enum err e = site_quiet_load(db, site_id, earliest, &q);

	if (e == ERR_OK)
		*out = quiet_until(&q.site, supply_point_id, earliest);
	return e;
}
