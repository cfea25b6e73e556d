#include "domain/metersetting.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "domain/alarm.h"

/* ---- what is desired ---- */

#define F(member) FIELD(struct metersetting_meter, member)
SHAPE(meter_shape, struct metersetting_meter, F(meter_id), F(gateway_id), F(device), F(zone),
	F(tariff_id), F(revision), F(unit), F(sold), F(moved), F(prices), F(slots), F(prepaid),
	F(prices_why), F(slots_why));
#undef F
static const struct query Q_METERS = {
	"SELECT m.id AS meter_id, m.gateway_id, m.device, s.zone, COALESCE(f.id, 0) AS tariff_id,"
	" COALESCE(f.revision, 0) AS revision, c.unit, NOT c.fresh AND NOT c.blocked AS sold,"
	" EXISTS (SELECT 1 FROM meter_setting o WHERE o.meter_id = m.id AND o.device <> m.device)"
	" AS moved, COALESCE(p.desired, '') AS prices, COALESCE(l.desired, '') AS slots,"
	" COALESCE(o.desired, '') AS prepaid, COALESCE(p.why, '') AS prices_why,"
	" COALESCE(l.why, '') AS slots_why"
	" FROM meter m JOIN meter_credit c ON c.meter_id = m.id"
	" JOIN supply_point v ON v.id = m.supply_point_id JOIN site s ON s.id = v.site_id"
	" LEFT JOIN tariff f ON f.id = (SELECT t.tariff_id FROM meter_tariff t WHERE t.meter_id ="
	" m.id AND t.from_at <= ? ORDER BY t.from_at DESC LIMIT 1)"
	" LEFT JOIN meter_setting p ON p.meter_id = m.id AND p.kind = 'prices'"
	" LEFT JOIN meter_setting l ON l.meter_id = m.id AND l.kind = 'slots'"
	" LEFT JOIN meter_setting o ON o.meter_id = m.id AND o.kind = 'prepaid'"
	" WHERE m.billing = 'meter' AND m.enabled ORDER BY m.id",
	&meter_shape
};

enum err metersettings_of(struct db *db, struct utc now, struct rows *out)
{
	return db_list(db, &Q_METERS, ARGS(arg_utc(now)), out);
}

/* What was read of another device does not count. */
#define OF_THIS_DEVICE                                                                             \
	" observed = IF(device = VALUES(device), observed, ''),"                                   \
	" observed_at = IF(device = VALUES(device), observed_at, 0), device = VALUES(device)"
static const struct query Q_DESIRE = {
	"INSERT INTO meter_setting (meter_id, kind, device, desired, desired_at, why, state)"
	" VALUES (?, ?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE desired = VALUES(desired),"
	" desired_at = VALUES(desired_at), why = VALUES(why), state = VALUES(state), refused = 0,"
	" tries = 0, try_at = 0, sent_at = 0, error = ''," OF_THIS_DEVICE,
	NULL
};

static enum err desire(struct db *db, const struct metersetting_wish *w)
{
	log_info("meter=%" PRId64 " desired %s \"%s\" %s", w->meter_id, meter_setting_word(w->kind),
		w->text, w->why);
	return db_exec(db, &Q_DESIRE,
		ARGS(arg_i64(w->meter_id), arg_text(meter_setting_word(w->kind)),
			arg_i64(w->device), arg_text(w->text), arg_utc(w->now), arg_text(w->why),
			arg_text(w->text[0] ? "desired" : "none")),
		NULL);
}

struct desiring {
	const struct lease *lease;
	const struct metersetting_wish *wish;
};

static enum err desire_tx(struct db *db, void *ctx)
{
	const struct desiring *d = ctx;
	enum err e = lease_fence(db, d->lease);

	return e == ERR_OK ? desire(db, d->wish) : e;
}

enum err metersetting_desire(
	struct db *db, const struct lease *l, const struct metersetting_wish *w)
{
	return db_tx(db, desire_tx, &(struct desiring){ l, w });
}

static const struct query Q_NOTHING = { "UPDATE meter_setting SET desired = '', why = '', "
					"desired_at = ?, state = 'none', tries = 0,"
					" refused = 0, try_at = 0, error = '' WHERE meter_id = ?",
	NULL };
static const struct query Q_OFF_ROW = { "INSERT IGNORE INTO meter_setting (meter_id, kind, device) "
					"SELECT id, 'prepaid', device FROM"
					" meter WHERE id = ?",
	NULL };
static const struct query Q_OFF = {
	"UPDATE meter_setting SET desired = 'off', desired_at = ?, state = 'desired', sent_at = 0"
	" WHERE meter_id = ? AND kind = 'prepaid'",
	NULL
};

enum err metersettings_convert(
	struct db *db, int64_t meter_id, bool to_meter, bool can_prepaid, struct utc now)
{
	enum err e = db_exec(db, &Q_NOTHING, ARGS(arg_utc(now), arg_i64(meter_id)), NULL);

	if (e != ERR_OK || to_meter || !can_prepaid)
		return e;
	e = db_exec(db, &Q_OFF_ROW, ARGS(arg_i64(meter_id)), NULL);
	return e == ERR_OK ? db_exec(db, &Q_OFF, ARGS(arg_utc(now), arg_i64(meter_id)), NULL) : e;
}

/* ---- on its way ---- */

#define F(member) FIELD(struct metersetting_due, member)
SHAPE(due_shape, struct metersetting_due, F(meter_id), F(gateway_id), F(kind));
#undef F
static const struct query Q_DUE = {
	"SELECT t.meter_id, m.gateway_id, t.kind FROM meter_setting t"
	" JOIN meter m ON m.id = t.meter_id AND m.device = t.device AND m.enabled"
	" WHERE t.state IN ('sent','unknown') OR (t.state = 'desired' AND t.try_at <= ?)"
	" OR (t.state = 'done' AND t.observed <> t.desired)"
	" OR (t.state IN ('refused','mismatch') AND (t.try_at <= ? OR t.observed = t.desired))"
	" ORDER BY t.meter_id, t.kind",
	&due_shape
};

enum err metersettings_due(struct db *db, struct utc now, struct rows *out)
{
	return db_list(db, &Q_DUE, ARGS(arg_utc(now), arg_utc(now)), out);
}

struct setting_row {
	char desired[METER_SETTING_TEXT];
	struct utc desired_at;
	char observed[METER_SETTING_TEXT];
	struct utc observed_at;
	char state[9];
	struct utc sent_at;
	int64_t epoch;
	bool refused;
	int64_t tries;
	struct utc try_at;
	bool busy;
};
#define F(member) FIELD(struct setting_row, member)
SHAPE(setting_shape, struct setting_row, F(desired), F(desired_at), F(observed), F(observed_at),
	F(state), F(sent_at), F(epoch), F(refused), F(tries), F(try_at), F(busy));
#undef F
/* A purchase that may be on the wire: nothing else is written meanwhile. */
static const struct query Q_GET = {
	"SELECT t.desired, t.desired_at, t.observed, t.observed_at, t.state, t.sent_at, t.epoch,"
	" t.refused, t.tries, t.try_at, EXISTS (SELECT 1 FROM purchase p WHERE p.open_meter ="
	" t.meter_id AND p.state IN ('sent','unknown')) AS busy"
	" FROM meter_setting t WHERE t.meter_id = ? AND t.kind = ? FOR UPDATE",
	&setting_shape
};
static const struct query Q_SENT = {
	"UPDATE meter_setting SET state = 'sent', sent_at = ?, epoch = ?, refused = 0, error = '',"
	" tries = tries + 1 WHERE meter_id = ? AND kind = ?",
	NULL
};
static const struct query Q_STATE = {
	"UPDATE meter_setting SET state = ?, tries = IF(?, 0, tries), try_at = ?"
	" WHERE meter_id = ? AND kind = ?",
	NULL
};
static const struct query Q_ORPHANED = { "UPDATE meter_setting SET state = 'unknown', sent_at = ?, "
					 "error = 'the poller was restarted'"
					 " WHERE meter_id = ? AND kind = ?",
	NULL };
static const struct query Q_SLOTS_LAST = {
	"SELECT COUNT(*) AS id FROM meter_slots s WHERE s.meter_id = ? AND s.slots = ?"
	" AND s.read_at = (SELECT MAX(l.read_at) FROM meter_slots l WHERE l.meter_id = s.meter_id)",
	&id_shape
};
static const struct query Q_SLOTS_ADD = {
	"INSERT INTO meter_slots (meter_id, read_at, slots) VALUES (?, ?, ?)", NULL
};

/* Whenever they change; what was read at the same millisecond stands. */
static enum err slots_keep(struct db *db, int64_t meter_id, const char *slots, struct utc at)
{
	struct id_row same;
	enum err e = db_one(db, &Q_SLOTS_LAST, ARGS(arg_i64(meter_id), arg_text(slots)), &same);

	if (e != ERR_OK || same.id > 0)
		return e;
	e = db_exec(db, &Q_SLOTS_ADD, ARGS(arg_i64(meter_id), arg_utc(at), arg_text(slots)), NULL);
	return e == ERR_ALREADY ? ERR_OK : e;
}

struct beginning {
	const struct metersetting_ask *ask;
	struct metersetting_order order;
};

static enum err facts_of(
	const struct setting_row *r, const struct metersetting_ask *ask, struct setting_facts *out)
{
	*out = (struct setting_facts){ .wanted = r->desired[0] != '\0',
		.equal = r->observed_at.ms != 0 && str_eq(r->desired, r->observed),
		.desired_at = r->desired_at,
		.observed_at = r->observed_at,
		.sent_at = r->sent_at,
		.refused = r->refused,
		.tries = r->tries,
		.try_at = r->try_at,
		.busy = r->busy,
		.clock = ask->now };
	return setting_state_parse(r->state, &out->state);
}

/* From here on nobody knows which slots the meter has, until they are read back. */
static enum err write_frame(struct db *db, struct beginning *b, const struct setting_row *r)
{
	const struct metersetting_ask *a = b->ask;
	enum err e = ERR_OK;

	if (a->identity != IDENTITY_SURE) {
		b->order.answer = PURCHASE_READ_FIRST;
		return ERR_OK;
	}
	if (a->kind == METER_SLOTS)
		e = slots_keep(db, a->meter_id, "", a->now);
	b->order.answer = PURCHASE_GO;
	memcpy(b->order.text, r->desired, sizeof(b->order.text));
	return e == ERR_OK ? db_exec(db, &Q_SENT,
				     ARGS(arg_utc(a->now), arg_i64(a->lease.epoch),
					     arg_i64(a->meter_id),
					     arg_text(meter_setting_word(a->kind))),
				     NULL)
			   : e;
}

static enum err take_step(struct db *db, struct beginning *b, const struct setting_row *r,
	const struct setting_facts *f)
{
	const struct metersetting_ask *a = b->ask;
	struct setting_step s = setting_next(f);

	switch (s.act) {
	case SETTING_ACT_NOTHING:
		return ERR_OK;
	case SETTING_ACT_READ:
		b->order.answer = PURCHASE_READ_FIRST;
		return ERR_OK;
	case SETTING_ACT_WRITE:
		return write_frame(db, b, r);
	case SETTING_ACT_STATE:
		log_info("meter=%" PRId64 " %s %s", a->meter_id, meter_setting_word(a->kind),
			setting_state_word(s.state));
		return db_exec(db, &Q_STATE,
			ARGS(arg_text(setting_state_word(s.state)), arg_i64(s.anew),
				arg_utc(s.try_at), arg_i64(a->meter_id),
				arg_text(meter_setting_word(a->kind))),
			NULL);
	}
	return ERR_INTERNAL;
}

static enum err begin_tx(struct db *db, void *ctx)
{
	struct beginning *b = ctx;
	const struct metersetting_ask *a = b->ask;
	struct setting_facts f;
	struct setting_row row;
	enum err e = lease_fence(db, &a->lease);

	b->order = (struct metersetting_order){ .answer = PURCHASE_NOTHING };
	if (e == ERR_OK)
		e = db_one(db, &Q_GET,
			ARGS(arg_i64(a->meter_id), arg_text(meter_setting_word(a->kind))), &row);
	if (e == ERR_OK)
		e = facts_of(&row, a, &f);
	if (e != ERR_OK)
		return e;
	if (f.state == SETTING_SENT && row.epoch < a->lease.epoch) {
		b->order.answer = PURCHASE_READ_FIRST;
		return db_exec(db, &Q_ORPHANED,
			ARGS(arg_utc(a->now), arg_i64(a->meter_id),
				arg_text(meter_setting_word(a->kind))),
			NULL);
	}
	return take_step(db, b, &row, &f);
}

enum err metersetting_begin(
	struct db *db, const struct metersetting_ask *ask, struct metersetting_order *out)
{
	struct beginning b = { .ask = ask };
	enum err e = db_tx(db, begin_tx, &b);

	if (e == ERR_OK)
		*out = b.order;
	return e;
}

/* As of a purchase: sent_at becomes the time of the result, so that a reading of the time between
 * does not count as one after the frame. A frame that never left is no try. */
static const struct query Q_RESULT = {
	"UPDATE meter_setting SET state = ?, refused = ?, error = ?, try_at = ?, sent_at = ?,"
	" tries = tries - ? WHERE meter_id = ? AND kind = ? AND state = 'sent'",
	NULL
};

struct sent {
	const struct metersetting_ask *ask;
	enum purchase_result result;
	const char *error;
};

static enum err sent_tx(struct db *db, void *ctx)
{
	const struct sent *s = ctx;
	const struct metersetting_ask *a = s->ask;
	static const char *const states[] = {
		[PURCHASE_WRITTEN] = "sent",
		[PURCHASE_REFUSED] = "unknown",
		[PURCHASE_LOST] = "unknown",
		[PURCHASE_NOT_SENT] = "desired",
	};
	bool never = s->result == PURCHASE_NOT_SENT;
	enum err e = lease_fence(db, &a->lease);

	return e == ERR_OK
		       ? db_exec(db, &Q_RESULT,
				 ARGS(arg_text(states[s->result]),
					 arg_i64(s->result == PURCHASE_REFUSED), arg_text(s->error),
					 arg_i64(never ? a->now.ms + SETTING_PAUSE_MS : 0),
					 arg_utc(a->now), arg_i64(never), arg_i64(a->meter_id),
					 arg_text(meter_setting_word(a->kind))),
				 NULL)
		       : e;
}

enum err metersetting_sent(struct db *db, const struct metersetting_ask *ask,
	enum purchase_result result, const char *error)
{
	return db_tx(db, sent_tx, &(struct sent){ ask, result, error });
}

/* ---- read back ---- */

static const struct query Q_DEVICE = { "SELECT device AS id FROM meter WHERE id = ?", &id_shape };
static const struct query Q_OBSERVE = {
	"INSERT INTO meter_setting (meter_id, kind, device, observed, observed_at)"
	" VALUES (?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE observed = VALUES(observed),"
	" observed_at = VALUES(observed_at), device = VALUES(device)",
	NULL
};

struct observing {
	const struct lease *lease;
	const struct metersetting_seen *seen;
};

static enum err observe_tx(struct db *db, void *ctx)
{
	const struct observing *o = ctx;
	const struct metersetting_seen *s = o->seen;
	struct id_row device = { 0 };
	enum err e = lease_fence(db, o->lease);

	if (e == ERR_OK)
		e = db_one(db, &Q_DEVICE, ARGS(arg_i64(s->meter_id)), &device);
	if (e != ERR_OK || device.id != s->device)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (s->kind == METER_SLOTS)
		e = slots_keep(db, s->meter_id, s->text, s->at);
	return e == ERR_OK
		       ? db_exec(db, &Q_OBSERVE,
				 ARGS(arg_i64(s->meter_id), arg_text(meter_setting_word(s->kind)),
					 arg_i64(s->device), arg_text(s->text), arg_utc(s->at)),
				 NULL)
		       : e;
}

enum err metersetting_observe(
	struct db *db, const struct lease *l, const struct metersetting_seen *s)
{
	return db_tx(db, observe_tx, &(struct observing){ l, s });
}

/* ---- alarms ---- */

/* ? = now - METERSETTING_LATE_MS. A meter that trips by itself although its credit is in the
 * account is told at once, whether it was ever converted or came like that. */
#define TRIPS_BY_ITSELF "(t.kind = 'prepaid' AND t.observed = 'on' AND m.billing <> 'meter')"
#define DIFFERS                                                                                    \
	"(" TRIPS_BY_ITSELF " OR t.why <> '' OR t.state IN ('refused','mismatch')"                 \
	" OR (t.state NOT IN ('none','done') AND (t.desired = 'off' OR t.desired_at < ?)))"
struct differs_row {
	int64_t meter_id;
	char code[129];
	char kind[8];
	char why[1201];
	char state[9];
	bool trips; /* by itself */
};
#define F(member) FIELD(struct differs_row, member)
SHAPE(differs_shape, struct differs_row, F(meter_id), F(code), F(kind), F(why), F(state), F(trips));
#undef F
static const struct query Q_DIFFERS = {
	"SELECT t.meter_id, m.code, t.kind, t.why, t.state, " TRIPS_BY_ITSELF " AS trips"
	" FROM meter_setting t JOIN meter m ON m.id = t.meter_id WHERE m.enabled AND " DIFFERS
	" AND NOT EXISTS (SELECT 1 FROM alarm a WHERE a.open_key ="
	" CONCAT('settings_differ:meter:', t.meter_id)) ORDER BY t.meter_id, t.why DESC",
	&differs_shape
};
static const struct query Q_AGREES = {
	"SELECT a.object_id AS id FROM alarm a WHERE a.open_key LIKE 'settings_differ:meter:%'"
	" AND NOT EXISTS (SELECT 1 FROM meter_setting t JOIN meter m ON m.id = t.meter_id"
	" WHERE t.meter_id = a.object_id AND m.enabled AND " DIFFERS ")",
	&id_shape
};

static enum err differs_raise(struct db *db, const struct differs_row *d, struct utc now)
{
	char text[400];

	if (d->trips)
		snprintf(text, sizeof(text),
			"meter %.60s trips by its own credit, and its credit is in the account",
			d->code);
	else if (d->why[0])
		snprintf(text, sizeof(text), "meter %.60s cannot hold its tariff: %.250s", d->code,
			d->why);
	else
		snprintf(text, sizeof(text), "meter %.60s does not hold the %s that it has to (%s)",
			d->code, d->kind, d->state);
	return alarm_raise(db,
		&(struct alarm_new){
			"settings_differ", "warn", "meter", d->meter_id, d->code, text },
		now);
}

enum err metersettings_alarm(struct db *db, struct utc now)
{
	AUTO(rows_free) struct rows bad = { 0 };
	AUTO(rows_free) struct rows good = { 0 };
	struct arg late = arg_i64(now.ms - METERSETTING_LATE_MS);
	enum err e = db_list(db, &Q_DIFFERS, ARGS(late), &bad);
	const struct differs_row *d = bad.at;
	const struct id_row *g;

	for (size_t i = 0; e == ERR_OK && i < bad.n; i++)
		e = differs_raise(db, &d[i], now);
	if (e == ERR_OK)
		e = db_list(db, &Q_AGREES, ARGS(late), &good);
	g = good.at;
	for (size_t i = 0; e == ERR_OK && i < good.n; i++)
		e = alarm_clear(db, "settings_differ", "meter", g[i].id, now);
	return e;
}

/* ---- views ---- */

#define F(member) FIELD(struct metersetting_view, member)
SHAPE(view_shape, struct metersetting_view, F(kind), F(desired), F(desired_at), F(why), F(observed),
	F(observed_at), F(state), F(sent_at), F(tries), F(error));
#undef F
static const struct query Q_VIEW = {
	"SELECT kind, desired, desired_at, why, observed, observed_at, state, sent_at, tries, error"
	" FROM meter_setting WHERE meter_id = ? ORDER BY kind",
	&view_shape
};

enum err metersettings_list(struct db *db, int64_t meter_id, struct rows *out)
{
	return db_list(db, &Q_VIEW, ARGS(arg_i64(meter_id)), out);
}
