#include "poller/sink_inside.h"

#include <stdio.h>
#include <stdlib.h>

#include "domain/alarm.h"
#include "domain/outage.h"
#include "domain/overload.h"
#include "rules/clockset.h"

static const struct {
	const char *kind;
	const char *severity;
	const char *text; /* after "meter A17 " */
} alarms[ALARM__MAX] = {
	[ALARM_SILENT] = { "meter_silent", "warn", "does not answer" },
	[ALARM_FELL] = { "register_fell", "urgent", "shows a register below the last settled one" },
	[ALARM_JUMPED] = { "register_jumped", "urgent", "shows more than it can have counted" },
	[ALARM_IDENTITY] = { "identity_changed", "urgent", "has another serial number" },
	[ALARM_TARIFF] = { "tariff_missing", "urgent", "has no tariff for its use" },
	[ALARM_SETTLE] = { "settle_failed", "urgent", "cannot be settled" },
	[ALARM_OFF_USE] = { "use_while_off", "urgent", "counts although its supply is off" },
	[ALARM_OVERLOAD] = { "overload", "urgent",
		"drew more than its limit and is cut for a while" },
	[ALARM_OVERLOAD_LOCK] = { "overload_lock", "urgent",
		"drew more than its limit too often and stays cut until a person decides" },
	[ALARM_CLOCK] = { "clock_drift", "warn", "has a clock that is wrong by minutes" },
	[ALARM_CLOCK_FAR] = { "clock_drift", "urgent",
		"has a clock that is wrong by more than an hour" },
};

struct open_row {
	int64_t object_id;
	char kind[33];
	char severity[8];
};
SHAPE(open_shape, struct open_row, FIELD(struct open_row, object_id), FIELD(struct open_row, kind),
	FIELD(struct open_row, severity));
static const struct query Q_OPEN = { "SELECT object_id, kind, severity FROM alarm WHERE "
				     "object_kind = 'meter' AND open_key IS NOT NULL",
	&open_shape };

enum err sink_remember_alarms(struct sink *s)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(s->db, &Q_OPEN, NO_ARGS, &rows);
	const struct open_row *r = rows.at;
	GHashTableIter memos;
	gpointer memo;

	if (e != ERR_OK)
		return e;
	g_hash_table_iter_init(&memos, s->memos);
	while (g_hash_table_iter_next(&memos, NULL, &memo)) /* others may have cleared them */
		((struct memo *)memo)->open = 0;
	for (size_t i = 0; i < rows.n; i++)
		for (unsigned k = 0; k < ALARM__MAX; k++)
			if (str_eq(alarms[k].kind, r[i].kind) &&
				str_eq(alarms[k].severity, r[i].severity))
				sink_memo_of(s, r[i].object_id)->open |= 1U << k;
	return ERR_OK;
}

void sink_alarm_set(struct item *i, enum meter_alarm a, bool on)
{
	i->open = on ? i->open | 1U << a : i->open & ~(1U << a);
}

void sink_verdict_alarms(struct item *i)
{
	if (i->verdict == VERDICT_REPEATED || i->verdict == VERDICT_LATE)
		return; /* they say nothing about the meter */
	sink_alarm_set(i, ALARM_FELL, i->verdict == VERDICT_BACKWARDS);
	sink_alarm_set(i, ALARM_JUMPED, i->verdict == VERDICT_IMPLAUSIBLE);
	sink_alarm_set(i, ALARM_IDENTITY, i->verdict == VERDICT_IDENTITY);
}

/* One alarm for a gateway, not one for each meter behind it; and a meter is silent by its own tries
 * only. */
static void silence_alarm(struct item *i)
{
	const struct report *r = i->report;

	if (r->comm != COMM_SILENT || r->gateway_silent)
		sink_alarm_set(i, ALARM_SILENT, false);
	else if (r->fails >= SCHEDULE_SILENT_TRIES)
		sink_alarm_set(i, ALARM_SILENT, true);
}

static void clock_alarm(struct item *i)
{
	int64_t off = llabs(i->report->clock_drift_s);

	if (!i->report->has_reading || !i->report->has_clock)
		return;
	sink_alarm_set(i, ALARM_CLOCK, off > CLOCK_WARN_S && off <= CLOCK_URGENT_S);
	sink_alarm_set(i, ALARM_CLOCK_FAR, off > CLOCK_URGENT_S);
}

void sink_report_alarms(struct item *i)
{
	silence_alarm(i);
	clock_alarm(i);
}

enum err sink_watch_loads(struct db *db, struct batch *b, struct utc now)
{
	enum err e = ERR_OK;

	for (size_t k = 0; k < b->n && e == ERR_OK; k++) {
		struct item *i = &b->items[k];
		const struct report *r = i->report;
		struct overload_report load = { r->meter_id, r->now.read_at, r->now.power_w,
			r->has_register &&
				(i->verdict == VERDICT_ACCEPTED || i->verdict == VERDICT_REPEATED),
			r->observed };
		enum overload_phase phase = OVERLOAD_CALM;

		if (!i->limited)
			continue;
		e = overload_watch(db, &load, now, &phase);
		sink_alarm_set(i, ALARM_OVERLOAD, phase == OVERLOAD_TRIPPED);
		sink_alarm_set(i, ALARM_OVERLOAD_LOCK, phase == OVERLOAD_LOCKED);
	}
	return e;
}

struct last_row {
	struct utc read_at;
};
SHAPE(last_shape, struct last_row, FIELD(struct last_row, read_at));
static const struct query Q_LAST = { "SELECT read_at FROM meter_state WHERE meter_id = ?",
	&last_shape };

/* Since when a meter was silent, and until when. One that never answered is away from now. */
static enum err keep_silence(struct db *db, const struct report *r, bool silent, struct utc now)
{
	struct last_row last = { 0 };
	enum err e;

	if (!silent)
		return outage_end(db, "meter", r->meter_id, r->has_reading ? r->now.read_at : now);
	e = db_one(db, &Q_LAST, ARGS(arg_i64(r->meter_id)), &last);
	if (e != ERR_OK && e != ERR_NOT_FOUND)
		return e;
	return outage_begin(db, "meter", r->meter_id, last.read_at.ms ? last.read_at : now);
}

static enum err alarm_change(
	struct db *db, const struct report *r, enum meter_alarm a, bool on, struct utc now)
{
	char text[200];
	enum err e = a == ALARM_SILENT ? keep_silence(db, r, on, now) : ERR_OK;

	if (e != ERR_OK)
		return e;
	if (!on)
		return alarm_clear(db, alarms[a].kind, "meter", r->meter_id, now);
	snprintf(text, sizeof(text), "meter %s %s", r->code, alarms[a].text);
	return alarm_raise(db,
		&(struct alarm_new){ .kind = alarms[a].kind,
			.severity = alarms[a].severity,
			.object_kind = "meter",
			.object_id = r->meter_id,
			.object_code = r->code,
			.text = text },
		now);
}

/* Of one meter: what ends before what begins, for a kind may begin again more severely. */
static enum err change_alarms(struct db *db, const struct item *i, uint32_t change, struct utc now)
{
	enum err e = ERR_OK;

	for (unsigned turn = 0; turn < 2; turn++)
		for (unsigned a = 0; a < ALARM__MAX && e == ERR_OK; a++)
			if (change >> a & 1 && (i->open >> a & 1) == turn)
				e = alarm_change(
					db, i->report, (enum meter_alarm)a, turn == 1, now);
	return e;
}

enum err sink_store_alarms(struct db *db, const struct batch *b, struct utc now)
{
	enum err e = ERR_OK;

	for (size_t k = 0; k < b->n && e == ERR_OK; k++) {
		const struct item *i = &b->items[k];
		uint32_t change = i->open ^ sink_memo_of(b->sink, i->report->meter_id)->open;

		e = change_alarms(db, i, change, now);
	}
	return e;
}
