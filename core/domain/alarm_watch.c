/* Causes of alarms that stand in tables, looked for by the worker: one list. */
#include <inttypes.h>
#include <stdio.h>

#include "domain/alarm.h"
#include "domain/alarm_kind.h"
#include "domain/jobstate.h"
#include "domain/setting.h"

#define FRESH_MS 180000	      /* an older reading says nothing of now */
#define HELD_MS 3600000	      /* in arrears, and still supplied for as long */
#define STUCK_MS (15 * 60000) /* a message that is due and waits for as long */

struct found {
	int64_t id;
	char code[257];
};
SHAPE(found_shape, struct found, FIELD(struct found, id), FIELD(struct found, code));

/* The value of a setting for the site, as shipped where the site has none: the ? is the shipped. */
#define SETTING(name)                                                                              \
	"COALESCE((SELECT y.value FROM setting y WHERE y.site_id = p.site_id AND y.name = '" name  \
	"'), ?)"
/* Meters that were read lately: voltages of those without voltage transformers are of the mains. */
#define READ_METERS                                                                                \
	" FROM meter_state s JOIN meter m ON m.id = s.meter_id JOIN supply_point p"                \
	" ON p.id = m.supply_point_id WHERE s.read_at >= ? AND s.comm = 'ok' AND s.phases > 0"     \
	" AND m.pt_ratio = 1 AND p.observed <> 'off'"
#define LEAST                                                                                      \
	"LEAST(s.voltage1_mv, IF(s.phases < 2, s.voltage1_mv, s.voltage2_mv), IF(s.phases < 3, "   \
	"s.voltage1_mv, s.voltage3_mv))"
#define MOST                                                                                       \
	"GREATEST(s.voltage1_mv, IF(s.phases < 2, 0, s.voltage2_mv), IF(s.phases < 3, 0, "         \
	"s.voltage3_mv))"
/* Of alarms that are open: those whose condition, with a margin, holds no more. */
#define OVER(kind)                                                                                 \
	" AND EXISTS (SELECT 1 FROM alarm x WHERE x.open_key = CONCAT('" kind ":meter:', m.id))"

/* clang-format off */
/* Each query has the ? of its row, in order: the time, then the setting. */
static const struct watch {
	const char *kind;
	int64_t back_ms;      /* the ? is now less this */
	enum setting setting; /* SETTING__MAX: the queries have no ? for it */
	const char *text;     /* behind the code */
	struct query since, over;
} watches[] = {
	/* A phase without half of the least voltage, beside one that has it. */
	{ "phase_lost", FRESH_MS, SETTING_VOLTAGE_LOW_MV, "has lost a phase",
		{ "SELECT m.id, m.code" READ_METERS " AND s.phases > 1 AND " LEAST " * 2 < " SETTING("voltage_low_mv") " AND " MOST " >= 100000"
			" ORDER BY m.id", &found_shape },
		{ "SELECT m.id, m.code" READ_METERS OVER("phase_lost") " AND " LEAST " * 2 >= " SETTING("voltage_low_mv") " ORDER BY m.id", &found_shape } },
	{ "voltage_low", FRESH_MS, SETTING_VOLTAGE_LOW_MV, "has a voltage below the limit",
		{ "SELECT m.id, m.code" READ_METERS " AND " LEAST " BETWEEN 100000 AND " SETTING("voltage_low_mv") " - 1 ORDER BY m.id", &found_shape },
		{ "SELECT m.id, m.code" READ_METERS OVER("voltage_low") " AND " LEAST " >= 1.01 * " SETTING("voltage_low_mv") " ORDER BY m.id", &found_shape } },
	{ "voltage_high", FRESH_MS, SETTING_VOLTAGE_HIGH_MV, "has a voltage above the limit",
		{ "SELECT m.id, m.code" READ_METERS " AND " MOST " > " SETTING("voltage_high_mv") " ORDER BY m.id", &found_shape },
		{ "SELECT m.id, m.code" READ_METERS OVER("voltage_high") " AND " MOST " <= 0.99 * " SETTING("voltage_high_mv") " ORDER BY m.id", &found_shape } },
	{ "held_unpaid", HELD_MS, SETTING__MAX, "is in arrears and kept on for an hour and more",
		{ "SELECT DISTINCT m.id, m.code FROM block b JOIN supply_point p ON p.id = b.supply_point_id JOIN meter m ON m.supply_point_id = p.id"
			" WHERE b.kind = 'arrears' AND p.desired = 'on' AND b.since_at < ?"
			" AND p.desired_reason IN ('keep', 'protected') ORDER BY m.id", &found_shape },
		{ "SELECT m.id, m.code FROM alarm x JOIN meter m ON m.id = x.object_id JOIN supply_point p ON p.id = m.supply_point_id"
			" WHERE x.open_key LIKE 'held_unpaid:%' AND ? > 0 AND NOT (p.desired = 'on' AND EXISTS (SELECT 1 FROM block b"
			" WHERE b.supply_point_id = p.id AND b.kind = 'arrears')) ORDER BY m.id", &found_shape } },
	{ "round_long", FRESH_MS, SETTING_ROUND_LONG_S, "takes too long for a round of its meters",
		{ "SELECT g.id, g.code FROM gateway_state s JOIN gateway g ON g.id = s.gateway_id JOIN site p ON p.id = g.site_id"
			" WHERE s.updated_at >= ? AND s.comm = 'ok' AND s.round_ms > 1000 * COALESCE((SELECT y.value FROM setting y"
			" WHERE y.site_id = g.site_id AND y.name = 'round_long_s'), ?) ORDER BY g.id", &found_shape },
		{ "SELECT g.id, g.code FROM alarm x JOIN gateway g ON g.id = x.object_id JOIN gateway_state s ON s.gateway_id = g.id"
			" WHERE x.open_key LIKE 'round_long:%' AND s.updated_at >= ? AND s.round_ms <= 900 * COALESCE((SELECT y.value FROM setting y"
			" WHERE y.site_id = g.site_id AND y.name = 'round_long_s'), ?) ORDER BY g.id", &found_shape } },
	/* Of those that others run; the worker's own are missing together with it. */
	{ "job_late", JOB_LATE_MS, SETTING__MAX, "was not run when it should have been",
		{ "SELECT 0 AS id, j.name AS code FROM job_state j WHERE j.worker = '" JOB_OUTSIDE "'"
			" AND j.run_at + j.every_ms + j.every_ms DIV 4 < ? ORDER BY j.name", &found_shape },
		{ "SELECT 0 AS id, x.object_code AS code FROM alarm x WHERE x.open_key LIKE 'job_late:%' AND NOT EXISTS (SELECT 1 FROM job_state j"
			" WHERE j.name = x.object_code AND j.run_at + j.every_ms + j.every_ms DIV 4 < ?)", &found_shape } },
	/* By way, "any" before one is chosen. */
	{ "outbox_stuck", STUCK_MS, SETTING__MAX, "has messages that are due for a quarter of an hour",
		{ "SELECT DISTINCT 0 AS id, IF(o.way = '', 'any', o.way) AS code FROM outbox o WHERE o.state IN ('pending', 'sending')"
			" AND o.next_at < ? ORDER BY code", &found_shape },
		{ "SELECT 0 AS id, x.object_code AS code FROM alarm x WHERE x.open_key LIKE 'outbox_stuck:%' AND NOT EXISTS (SELECT 1 FROM outbox o"
			" WHERE o.state IN ('pending', 'sending') AND o.next_at < ? AND x.object_code = IF(o.way = '', 'any', o.way))", &found_shape } },
};
/* clang-format on */

static enum err look(struct db *db, const struct watch *w, const struct query *q, struct utc now,
	struct rows *out)
{
	struct arg at = arg_i64(now.ms - w->back_ms);

	if (w->setting == SETTING__MAX)
		return db_list(db, q, ARGS(at), out);
	return db_list(db, q, ARGS(at, arg_i64(settings[w->setting].shipped)), out);
}

static enum err raise_one(
	struct db *db, const struct watch *w, const struct found *f, struct utc now)
{
	const struct alarm_kind *k = alarm_kind_find(w->kind);
	char text[300];

	snprintf(text, sizeof(text), "%s %.128s %s", k->object_kind, f->code, w->text);
	return alarm_raise(db,
		&(struct alarm_new){ k->kind, k->severity, k->object_kind, f->id, f->code, text },
		now);
}

static enum err clear_one(
	struct db *db, const struct watch *w, const struct found *f, struct utc now)
{
	const char *object_kind = alarm_kind_find(w->kind)->object_kind;

	return f->id ? alarm_clear(db, w->kind, object_kind, f->id, now)
		     : alarm_clear_code(db, w->kind, object_kind, f->code, now);
}

static enum err watch_one(struct db *db, const struct watch *w, struct utc now)
{
	AUTO(rows_free) struct rows since = { 0 }, over = { 0 };
	const struct found *f;
	enum err e = look(db, w, &w->since, now, &since);

	if (e == ERR_OK)
		e = look(db, w, &w->over, now, &over);
	f = since.at;
	for (size_t i = 0; e == ERR_OK && i < since.n; i++)
		e = raise_one(db, w, &f[i], now);
	f = over.at;
	for (size_t i = 0; e == ERR_OK && i < over.n; i++)
		e = clear_one(db, w, &f[i], now);
	return e;
}

enum err alarm_watch(struct db *db, struct utc now)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < ARRAY_LEN(watches); i++)
		e = watch_one(db, &watches[i], now);
	return e;
}
