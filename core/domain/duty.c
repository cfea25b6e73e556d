#include "domain/duty.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/zone.h"
#include "domain/alarm.h"
#include "domain/alarm_kind.h"
#include "domain/alarm_site.h"
#include "domain/audit.h"
#include "domain/outbox.h"
#include "domain/setting.h"
#include "rules/duty.h"

#define BATCH 500
#define MINUTE_MS INT64_C(60000)
#define LIFE_MS (INT64_C(6) * 3600 * 1000)

#define F(member) FIELD(struct duty, member)
SHAPE(duty_shape, struct duty, F(id), F(site_id), F(name), F(phone), F(kinds), F(from_min),
	F(to_min), F(weekdays), F(language), F(area_id), F(area), F(step));
#undef F
static const struct query Q_LIST = {
	"SELECT d.id, d.site_id, d.name, d.phone, d.kinds, d.from_min, d.to_min, d.weekdays,"
	" d.language, COALESCE(d.area_id, 0) AS area_id, COALESCE(a.code, '') AS area, d.step"
	" FROM duty d LEFT JOIN area a ON a.id = d.area_id"
	" WHERE ? IN (0, d.site_id) ORDER BY d.site_id, d.id",
	&duty_shape
};
static const struct query Q_CLEAR = { "DELETE FROM duty WHERE site_id = ?", NULL };
static const struct query Q_ADD = {
	"INSERT INTO duty (site_id, name, phone, kinds, from_min, to_min, weekdays, language,"
	" area_id, step) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};

static const struct query Q_AREA = { "SELECT id FROM area WHERE site_id = ? AND code = ?",
	&id_shape };

enum err duty_list(struct db *db, int64_t site_id, struct rows *out)
{
	return db_list(db, &Q_LIST, ARGS(arg_i64(site_id)), out);
}

static bool is_mobile(const char *p)
{
	return strlen(p) == 11 && strspn(p, "0123456789") == 11 && p[0] == '1' && p[1] >= '3';
}

static enum err check(const struct duty *d, size_t i, struct problem *why)
{
	char field[40];

	if (!is_mobile(d->phone)) {
		snprintf(field, sizeof(field), "items[%zu].phone", i);
		return problem_set(why, ERR_BAD_VALUE, field, "a mobile number is expected");
	}
	if (!duty_weekdays_valid(d->weekdays)) {
		snprintf(field, sizeof(field), "items[%zu].weekdays", i);
		return problem_set(why, ERR_BAD_VALUE, field,
			"days from 1 (Monday) to 7 in order are expected, as 12345");
	}
	return ERR_OK;
}

/* 0 for all of the site. */
static enum err area_find(
	struct db *db, const struct duty_change *c, size_t i, struct problem *why, int64_t *out)
{
	struct id_row row = { 0 };
	char field[40];
	enum err e = ERR_OK;

	if (c->list[i].area[0])
		e = db_one(db, &Q_AREA, ARGS(arg_i64(c->site_id), arg_text(c->list[i].area)), &row);
	*out = row.id;
	if (e != ERR_NOT_FOUND)
		return e;
	snprintf(field, sizeof(field), "items[%zu].area", i);
	return problem_set(why, ERR_BAD_VALUE, field, "the site has no such area");
}

struct putting {
	const struct duty_change *c;
	struct problem *why;
};

static enum err put_tx(struct db *db, void *ctx)
{
	const struct putting *g = ctx;
	const struct duty_change *c = g->c;
	struct audit audit = { c->actor, c->address, "duty.edit", "site", c->site_id, NULL };
	enum err e = db_exec(db, &Q_CLEAR, ARGS(arg_i64(c->site_id)), NULL);

	for (size_t i = 0; e == ERR_OK && i < c->n; i++) {
		const struct duty *d = &c->list[i];
		int64_t area = 0;

		e = area_find(db, c, i, g->why, &area);
		if (e != ERR_OK)
			break;
		e = db_exec(db, &Q_ADD,
			ARGS(arg_i64(c->site_id), arg_text(d->name), arg_text(d->phone),
				arg_text(d->kinds), arg_i64(d->from_min), arg_i64(d->to_min),
				arg_text(d->weekdays), arg_text(d->language), arg_id(area),
				arg_i64(d->step)),
			NULL);
	}
	return e == ERR_OK ? audit_add(db, &audit, json_pack("{s:I}", "people", (json_int_t)c->n),
				     c->now)
			   : e;
}

enum err duty_put(struct db *db, const struct duty_change *c, struct problem *why)
{
	ASSERT(c->n <= DUTY_MOST);
	for (size_t i = 0; i < c->n; i++) {
		enum err e = check(&c->list[i], i, why);

		if (e != ERR_OK)
			return e;
	}
	return db_tx(db, put_tx, &(struct putting){ c, why });
}

/* ---- telling ---- */

struct untold {
	int64_t id;
	char kind[33];
	char object_code[257];
	int64_t site_id; /* 0: of no site */
	int64_t area_id; /* 0: of no area */
	int64_t told_times;
	struct utc told_at;
};
#define F(member) FIELD(struct untold, member)
SHAPE(untold_shape, struct untold, F(id), F(kind), F(object_code), F(site_id), F(area_id),
	F(told_times), F(told_at));
#undef F
#define UNTOLD                                                                                     \
	"SELECT x.id, x.kind, x.object_code, COALESCE(" SITE_OF_ALARM ", 0) AS site_id,"           \
	" COALESCE(" AREA_OF_ALARM ", 0) AS area_id, x.told_times, x.told_at FROM alarm x"         \
	" WHERE x.severity = 'urgent' AND x.cleared_at = 0 AND EXISTS (SELECT 1 FROM duty)"
static const struct query Q_UNTOLD = { UNTOLD " AND x.told_at = 0 ORDER BY x.id DESC LIMIT ?",
	&untold_shape };
/* Told, not acknowledged, and told less often than the most of any site. */
static const struct query Q_AGAIN = { UNTOLD
	" AND x.told_at BETWEEN 1 AND ? AND x.acked_at = 0 AND x.told_times <= 100"
	" ORDER BY x.told_at LIMIT ?",
	&untold_shape };
static const struct query Q_TOLD = { "UPDATE alarm SET told_at = ?, told_times = told_times + 1"
				     " WHERE id = ? AND told_times = ?",
	NULL };
/* Is an area the other one, or below it? */
static const struct query Q_WITHIN = {
	"WITH RECURSIVE above AS (SELECT a.id, a.parent_id FROM area a WHERE a.id = ?"
	" UNION SELECT a.id, a.parent_id FROM area a JOIN above b ON a.id = b.parent_id)"
	" SELECT id FROM above WHERE id = ?",
	&id_shape
};
struct zone_row {
	char zone[64];
};
SHAPE(zone_shape, struct zone_row, FIELD(struct zone_row, zone));
static const struct query Q_ZONE = { "SELECT zone FROM site WHERE id = ?", &zone_shape };

/* Is a word one of those that ';' separates? */
static bool has_kind(const char *kinds, const char *kind)
{
	size_t n = strlen(kind);

	if (!kinds[0])
		return true;
	for (const char *p = kinds; *p; p += strspn(p, "; ")) {
		size_t have = strcspn(p, "; ");

		if (have == n && memcmp(p, kind, n) == 0)
			return true;
		p += have;
	}
	return false;
}

static enum err is_on(struct db *db, const struct duty *d, struct utc now, bool *on)
{
	const struct duty_hours h = { (int)d->from_min, (int)d->to_min, d->weekdays };
	AUTO(zone_free) struct zone *z = NULL;
	struct zone_row row;
	struct local l;
	enum err e = db_one(db, &Q_ZONE, ARGS(arg_i64(d->site_id)), &row);

	if (e == ERR_OK)
		e = zone_open(row.zone, &z);
	if (e != ERR_OK)
		return e;
	l = zone_local(z, now);
	*on = duty_at(&h, day_weekday(l.day), l.second / 60);
	return ERR_OK;
}

static const char *word_of(const char *kind, bool zh)
{
	const struct alarm_kind *k = alarm_kind_find(kind);

	if (!k)
		return kind;
	return zh ? k->zh : k->en;
}

json_t *duty_params(const char *object_code, const char *alarm_kind, const char *language)
{
	return json_pack("{s:s, s:s}", "object", object_code, "what",
		word_of(alarm_kind, !str_eq(language, "en")));
}

static enum err tell_one(
	struct db *db, const struct untold *x, const struct duty *d, struct utc now)
{
	AUTO(json_free)
	json_t *params = duty_params(x->object_code, x->kind, d->language);
	AUTO(text_free) char *text = params ? json_text(params) : NULL;
	char once[80];
	enum err e;

	if (!text)
		return ERR_INTERNAL;
	snprintf(once, sizeof(once), "alarm:%" PRId64 ":%s:%" PRId64, x->id, d->phone,
		x->told_times);
	e = outbox_add(db,
		&(struct outbox_new){ .once_key = once,
			.language = d->language,
			.recipient = d->phone,
			.template = "alarm",
			.params = text,
			.not_before = now,
			.expires_at = { now.ms + LIFE_MS } },
		now);
	return e == ERR_OK ? alarm_event_add(
				     db, x->id, "told", "", d->name[0] ? d->name : d->phone, now)
			   : e;
}

struct telling {
	const struct untold *x;
	struct utc now;
};

/* Kind, area, step and hours: who of those on the list is to be told now? */
static enum err is_for(struct db *db, const struct duty *d, const struct telling *t, bool *yes)
{
	struct id_row within;
	enum err e;

	*yes = false;
	if (!has_kind(d->kinds, t->x->kind) || d->step > t->x->told_times + 1)
		return ERR_OK;
	if (d->area_id) {
		e = db_one(
			db, &Q_WITHIN, ARGS(arg_i64(t->x->area_id), arg_i64(d->area_id)), &within);
		if (e != ERR_OK)
			return e == ERR_NOT_FOUND ? ERR_OK : e;
	}
	return is_on(db, d, t->now, yes);
}

static enum err tell_tx(struct db *db, void *ctx)
{
	const struct telling *t = ctx;
	AUTO(rows_free) struct rows people = { 0 };
	size_t told = 0;
	enum err e = duty_list(db, t->x->site_id, &people);
	const struct duty *d = people.at;

	for (size_t i = 0; e == ERR_OK && i < people.n; i++) {
		bool yes = false;

		e = is_for(db, &d[i], t, &yes);
		if (e == ERR_OK && yes) {
			e = tell_one(db, t->x, &d[i], t->now);
			told++;
		}
	}
	if (e != ERR_OK || told == 0)
		return e;
	return db_exec(db, &Q_TOLD,
		ARGS(arg_utc(t->now), arg_i64(t->x->id), arg_i64(t->x->told_times)), NULL);
}

/* Is it time to tell of this alarm once more? By the settings of its site. */
static enum err is_due(struct db *db, const struct untold *x, struct utc now, bool *due)
{
	int64_t minutes = 0, most = 0;
	enum err e = setting_get(db, x->site_id, SETTING_ALARM_REPEAT_MIN, &minutes);

	if (e == ERR_OK)
		e = setting_get(db, x->site_id, SETTING_ALARM_REPEAT_MOST, &most);
	*due = minutes > 0 && x->told_times <= most &&
	       now.ms - x->told_at.ms >= minutes * MINUTE_MS;
	return e;
}

static enum err tell_again(struct db *db, struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e =
		db_list(db, &Q_AGAIN, ARGS(arg_i64(now.ms - MINUTE_MS), arg_i64(BATCH)), &rows);
	const struct untold *x = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		bool due = false;

		e = is_due(db, &x[i], now, &due);
		if (e == ERR_OK && due)
			e = db_tx(db, tell_tx, &(struct telling){ &x[i], now });
	}
	return e;
}

enum err duty_tell(struct db *db, struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(db, &Q_UNTOLD, ARGS(arg_i64(BATCH)), &rows);
	const struct untold *x = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		e = db_tx(db, tell_tx, &(struct telling){ &x[i], now });
	return e == ERR_OK ? tell_again(db, now) : e;
}
