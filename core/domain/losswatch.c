#include "domain/losswatch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/alarm.h"
#include "domain/alarm_kind.h"
#include "domain/setting.h"
#include "rules/loss.h"

#define KIND "loss_grown"
#define BEHIND_MOST 3 /* days that the readings of a shaft may lack */
#define DAYS (LOSS_RECENT + LOSS_PAST)

struct due_row {
	int64_t site_id;
	char zone[64];
	char day[DAY_TEXT_MAX];
};
#define F(member) FIELD(struct due_row, member)
SHAPE(due_shape, struct due_row, F(site_id), F(zone), F(day));
#undef F
static const struct query Q_DUE = {
	"SELECT x.site_id, x.zone, CAST(x.day AS CHAR) AS day FROM (SELECT s.id AS site_id, s.zone,"
	" (SELECT d.day FROM book_day d WHERE d.site_id = s.id AND d.sealed_at > 0"
	" ORDER BY d.day DESC LIMIT 1) AS day FROM site s) x LEFT JOIN loss_look l"
	" ON l.site_id = x.site_id WHERE x.day IS NOT NULL AND (l.day IS NULL OR l.day < x.day)"
	" ORDER BY x.site_id LIMIT 1",
	&due_shape
};
static const struct query Q_LOOKED = {
	"INSERT INTO loss_look (site_id, day) VALUES (?, ?) ON DUPLICATE KEY UPDATE day = "
	"VALUES(day)",
	NULL
};

struct shaft_row { /* a meter with meters below it */
	int64_t meter_id;
	char code[129];
	struct utc read_to;    /* all of its meters were read up to here; 0: one never was */
	int64_t past_permille; /* of the alarm that stands; -1: none does */
};
#define F(member) FIELD(struct shaft_row, member)
SHAPE(shaft_shape, struct shaft_row, F(meter_id), F(code), F(read_to), F(past_permille));
#undef F
static const struct query Q_SHAFTS = {
	"SELECT p.id AS meter_id, p.code, LEAST(COALESCE(MAX(h.read_at), 0),"
	" MIN(COALESCE(s.read_at, 0))) AS read_to, COALESCE(MAX(g.past_permille), -1)"
	" AS past_permille FROM supply_point sp JOIN meter p ON p.supply_point_id = sp.id"
	" JOIN meter k ON k.parent_id = p.id AND k.enabled = 1 LEFT JOIN settled s"
	" ON s.meter_id = k.id LEFT JOIN settled h ON h.meter_id = p.id LEFT JOIN loss_grown g"
	" ON g.meter_id = p.id WHERE sp.site_id = ? AND p.enabled = 1 GROUP BY p.id ORDER BY p.id",
	&shaft_shape
};
/* Alarms of meters that have none below them any more. */
static const struct query Q_GONE = {
	"SELECT g.meter_id AS id FROM loss_grown g JOIN meter p ON p.id = g.meter_id"
	" JOIN supply_point sp ON sp.id = p.supply_point_id WHERE sp.site_id = ? AND (p.enabled = 0"
	" OR NOT EXISTS (SELECT 1 FROM meter k WHERE k.parent_id = p.id AND k.enabled = 1))"
	" ORDER BY 1",
	&id_shape
};
static const struct query Q_GROWN = {
	"INSERT IGNORE INTO loss_grown (meter_id, past_permille, since_day) VALUES (?, ?, ?)", NULL
};
static const struct query Q_BACK = { "DELETE FROM loss_grown WHERE meter_id = ?", NULL };

struct use_row {
	int64_t meter_id;
	char day[DAY_TEXT_MAX];
	struct qty above, below;
};
#define F(member) FIELD(struct use_row, member)
SHAPE(use_shape, struct use_row, F(meter_id), F(day), F(above), F(below));
#undef F
/* Days of use lie in book days from then on: the index of these bounds what is read. */
#define OF_DAYS                                                                                    \
	" FROM usage_day u JOIN meter m ON m.id = u.meter_id JOIN supply_point sp"                 \
	" ON sp.id = m.supply_point_id WHERE sp.site_id = ? AND u.sealed IN (0, 1)"                \
	" AND u.book_day >= ? AND u.day BETWEEN ? AND ?"
static const struct query Q_USE = {
	"SELECT x.id AS meter_id, CAST(x.day AS CHAR) AS day, CAST(SUM(x.above) AS SIGNED) AS "
	"above,"
	" CAST(SUM(x.below) AS SIGNED) AS below FROM (SELECT m.id, u.day, SUM(u.qty_milli) AS "
	"above,"
	" 0 AS below" OF_DAYS " AND EXISTS (SELECT 1 FROM meter k WHERE k.parent_id = m.id)"
	" GROUP BY 1, 2 UNION ALL SELECT m.parent_id, u.day, 0, SUM(u.qty_milli)" OF_DAYS
	" AND m.parent_id IS NOT NULL GROUP BY 1, 2) x GROUP BY x.id, x.day ORDER BY x.id, x.day",
	&use_shape
};

/* ---- the days of each shaft ---- */

struct shaft {
	struct shaft_row row;
	struct loss_day days[DAYS + BEHIND_MOST];
	size_t n;
};

struct look {
	struct due_row due;
	struct day day;
	struct shaft *shafts; /* ascending by meter */
	size_t n, at;
	struct use_row use;
};

static void look_free(struct look *l)
{
	free(l->shafts);
}

/* Uses come by meter, as the shafts do. */
static enum err take_use(void *ctx)
{
	struct look *l = ctx;
	struct loss_day d = { .above = l->use.above, .below = l->use.below };
	struct shaft *s;
	enum err e = day_parse(l->use.day, &d.day);

	while (l->at < l->n && l->shafts[l->at].row.meter_id < l->use.meter_id)
		l->at++;
	if (e != ERR_OK || l->at == l->n || l->shafts[l->at].row.meter_id != l->use.meter_id)
		return e;
	s = &l->shafts[l->at];
	ASSERT(s->n < ARRAY_LEN(s->days));
	s->days[s->n++] = d;
	return ERR_OK;
}

static enum err shafts_find(struct db *db, struct look *l)
{
	AUTO(rows_free) struct rows rows = { 0 };
	char first[DAY_TEXT_MAX];
	struct arg site = arg_i64(l->due.site_id), from, to = arg_text(l->due.day);
	const struct shaft_row *row;
	enum err e = db_list(db, &Q_SHAFTS, ARGS(site), &rows);

	if (e != ERR_OK || rows.n == 0)
		return e;
	l->shafts = calloc(rows.n, sizeof(*l->shafts));
	ASSERT(l->shafts);
	row = rows.at;
	for (; l->n < rows.n; l->n++)
		l->shafts[l->n].row = row[l->n];
	from = arg_text(day_text((struct day){ l->day.days - DAYS - BEHIND_MOST + 1 }, first));
	return db_each(
		db, &Q_USE, ARGS(site, from, from, to, site, from, from, to), &l->use, take_use, l);
}

/* ---- verdicts ---- */

static enum err raise(struct db *db, const struct shaft *s, const struct loss_found *f,
	struct day last, struct utc now)
{
	char text[300], day[DAY_TEXT_MAX];
	enum err e = db_exec(db, &Q_GROWN,
		ARGS(arg_i64(s->row.meter_id), arg_i64(f->past_permille),
			arg_text(day_text(last, day))),
		NULL);

	snprintf(text, sizeof(text),
		"meter %.128s: %" PRId64 ".%" PRId64
		" %% is lost below it in the week to %s, after %" PRId64 ".%" PRId64 " %% before",
		s->row.code, f->recent_permille / 10, f->recent_permille % 10, day,
		f->past_permille / 10, f->past_permille % 10);
	return e == ERR_OK ? alarm_raise(db,
				     &(struct alarm_new){ KIND, alarm_kind_find(KIND)->severity,
					     "meter", s->row.meter_id, s->row.code, text },
				     now)
			   : e;
}

/* The row goes last, so that a run that was killed ends the alarm once more. */
static enum err back(struct db *db, int64_t meter_id, struct utc now)
{
	enum err e = alarm_clear(db, KIND, "meter", meter_id, now);

	return e == ERR_OK ? db_exec(db, &Q_BACK, ARGS(arg_i64(meter_id)), NULL) : e;
}

/* The last day that is known of all meters; not later than the one that is looked at. */
static struct day known(const struct zone *z, const struct shaft *s, struct day day)
{
	struct day last = { zone_local(z, s->row.read_to).day.days - 1 };

	return last.days < day.days ? last : day;
}

static enum err judge(struct db *db, const struct zone *z, const struct look *l,
	const struct shaft *s, const struct loss_limits *limits, struct utc now)
{
	struct loss_facts f = { .days = s->days,
		.n = s->n,
		.last = known(z, s, l->day),
		.stands = s->row.past_permille >= 0,
		.past_permille = s->row.past_permille };
	struct loss_found found;

	if (f.last.days + BEHIND_MOST < l->day.days)
		return ERR_OK;
	found = loss_judge(&f, limits);
	if (found.verdict == LOSS_GROWN)
		return raise(db, s, &found, f.last, now);
	return found.verdict == LOSS_BACK ? back(db, s->row.meter_id, now) : ERR_OK;
}

static enum err gone(struct db *db, int64_t site_id, struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(db, &Q_GONE, ARGS(arg_i64(site_id)), &rows);
	const struct id_row *row = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		e = back(db, row[i].id, now);
	return e;
}

static enum err look_at(struct db *db, struct look *l, struct utc now)
{
	AUTO(zone_free) struct zone *z = NULL;
	struct loss_limits limits;
	int64_t site = l->due.site_id;
	enum err e = zone_open(l->due.zone, &z);

	if (e == ERR_OK)
		e = day_parse(l->due.day, &l->day);
	if (e == ERR_OK)
		e = setting_get(db, site, SETTING_LOSS_MOST_PERMILLE, &limits.most_permille);
	if (e == ERR_OK)
		e = setting_get(db, site, SETTING_LOSS_GROWTH_PERMILLE, &limits.growth_permille);
	if (e == ERR_OK)
		e = shafts_find(db, l);
	for (size_t i = 0; e == ERR_OK && i < l->n; i++)
		e = judge(db, z, l, &l->shafts[i], &limits, now);
	if (e == ERR_OK)
		e = gone(db, site, now);
	return e == ERR_OK ? db_exec(db, &Q_LOOKED, ARGS(arg_i64(site), arg_text(l->due.day)), NULL)
			   : e;
}

enum err losswatch_run(struct db *db, struct utc now, int64_t sites_most)
{
	enum err e = ERR_OK;

	for (int64_t i = 0; e == ERR_OK && i < sites_most; i++) {
		AUTO(look_free) struct look l = { 0 };

		e = db_one(db, &Q_DUE, NO_ARGS, &l.due);
		if (e == ERR_NOT_FOUND)
			return ERR_OK;
		if (e == ERR_OK)
			e = look_at(db, &l, now);
	}
	return e;
}
