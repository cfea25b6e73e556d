#include "domain/overload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "domain/account.h"
#include "domain/audit.h"
#include "domain/notice.h"
#include "domain/supplypoint.h"

#define LIMIT_MOST_W 10000000
#define DELAY_MOST_S 3600
#define RETRY_MOST_S 86400
#define RETRIES_MOST 100

struct watch_row {
	int64_t supply_point_id;
	int64_t account_id; /* 0: nobody pays for it now */
	int64_t limit_w, delay_s, retry_s, retries;
	char observed[8];
	bool blocked;
	char phase[8];
	struct utc since, seen_at;
	int64_t trips;
	struct utc trip_at;
};
#define F(member) FIELD(struct watch_row, member)
SHAPE(watch_shape, struct watch_row, F(supply_point_id), F(account_id), F(limit_w), F(delay_s),
	F(retry_s), F(retries), F(observed), F(blocked), F(phase), F(since), F(seen_at), F(trips),
	F(trip_at));
#undef F
static const struct query Q_WATCH = {
	"SELECT p.id AS supply_point_id, COALESCE(c.account_id, 0) AS account_id,"
	" m.power_limit_w AS limit_w, m.overload_delay_s AS delay_s,"
	" m.overload_retry_s AS retry_s, m.overload_retries AS retries, p.observed,"
	" EXISTS (SELECT 1 FROM block b WHERE b.supply_point_id = p.id AND b.kind = 'overload')"
	" AS blocked, COALESCE(o.phase, 'calm') AS phase, COALESCE(o.since, 0) AS since,"
	" COALESCE(o.seen_at, 0) AS seen_at, COALESCE(o.trips, 0) AS trips,"
	" COALESCE(o.trip_at, 0) AS trip_at"
	" FROM meter m JOIN supply_point p ON p.id = m.supply_point_id"
	" LEFT JOIN overload_state o ON o.supply_point_id = p.id"
	" LEFT JOIN contract_point c ON c.supply_point_id = p.id AND c.to_at = 0 WHERE m.id = ?"
	" ORDER BY c.from_at DESC LIMIT 1",
	&watch_shape
};
static const struct query Q_STATE = {
	"INSERT INTO overload_state (supply_point_id, phase, since, seen_at, trips, trip_at)"
	" VALUES (?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE phase = VALUES(phase),"
	" since = VALUES(since), seen_at = VALUES(seen_at), trips = VALUES(trips),"
	" trip_at = VALUES(trip_at)",
	NULL
};

static enum err state_store(struct db *db, int64_t point, const struct overload_state *s)
{
	return db_exec(db, &Q_STATE,
		ARGS(arg_i64(point), arg_text(overload_word(s->phase)), arg_utc(s->since),
			arg_utc(s->seen_at), arg_i64(s->trips), arg_utc(s->trip_at)),
		NULL);
}

static bool same_state(const struct overload_state *a, const struct overload_state *b)
{
	return a->phase == b->phase && a->since.ms == b->since.ms &&
	       a->seen_at.ms == b->seen_at.ms && a->trips == b->trips &&
	       a->trip_at.ms == b->trip_at.ms;
}

static enum err tell_tenant(
	struct db *db, int64_t account_id, enum overload_phase phase, struct utc now)
{
	struct account a;
	enum err e;

	if (!account_id)
		return ERR_OK;
	e = account_get(db, account_id, &a);
	if (e != ERR_OK)
		return e;
	return notice_add(db, &a, phase == OVERLOAD_LOCKED ? "overload_lock" : "overload", 0, now);
}

static enum err cut(struct db *db, const struct watch_row *row, const struct overload_report *r,
	enum overload_phase phase, struct utc now)
{
	char reason[80];
	enum err e = tell_tenant(db, row->account_id, phase, now);

	snprintf(reason, sizeof(reason), "%" PRId64 " W of at most %" PRId64 " W", r->power_w,
		row->limit_w);
	if (e == ERR_OK)
		e = supply_block_set(
			db, row->supply_point_id, BLOCK_OVERLOAD, "", "system", reason, now);
	if (e == ERR_OK)
		log_info("supply_point=%" PRId64 " overload=%s power_w=%" PRId64
			 " limit_w=%" PRId64,
			row->supply_point_id, overload_word(phase), r->power_w, row->limit_w);
	return e;
}

enum err overload_watch(
	struct db *db, const struct overload_report *r, struct utc now, enum overload_phase *phase)
{
	struct overload_state s = { 0 }, before;
	struct overload_limits limits;
	struct overload_reading reading;
	struct watch_row row;
	enum overload_act act;
	enum err e;

	ASSERT(db_in_tx(db));
	e = db_one(db, &Q_WATCH, ARGS(arg_i64(r->meter_id)), &row);
	if (e == ERR_OK)
		e = overload_parse(row.phase, &s.phase);
	if (e != ERR_OK)
		return e;
	s.since = row.since;
	s.seen_at = row.seen_at;
	s.trips = row.trips;
	s.trip_at = row.trip_at;
	before = s;
	limits = (struct overload_limits){ row.limit_w, row.delay_s, row.retry_s, row.retries };
	reading = (struct overload_reading){ .at = r->at,
		.power_w = r->power_w,
		.good = r->good,
		.off = str_eq(r->observed[0] ? r->observed : row.observed, "off"),
		.blocked = row.blocked };
	act = overload_step(&limits, &reading, &s);
	*phase = s.phase;
	if (!same_state(&s, &before))
		e = state_store(db, row.supply_point_id, &s);
	if (e == ERR_OK && act == OVERLOAD_CUT)
		e = cut(db, &row, r, s.phase, now);
	if (e == ERR_OK && act == OVERLOAD_RETURN)
		e = supply_block_clear(db, row.supply_point_id, BLOCK_OVERLOAD, "", now);
	return e;
}

#define F(member) FIELD(struct overload_view, member)
SHAPE(view_shape, struct overload_view, F(limit_w), F(delay_s), F(retry_s), F(retries), F(phase),
	F(since), F(trips));
#undef F
static const struct query Q_VIEW = {
	"SELECT m.power_limit_w AS limit_w, m.overload_delay_s AS delay_s,"
	" m.overload_retry_s AS retry_s, m.overload_retries AS retries,"
	" COALESCE(o.phase, 'calm') AS phase, COALESCE(o.since, 0) AS since,"
	" COALESCE(o.trips, 0) AS trips FROM meter m"
	" LEFT JOIN overload_state o ON o.supply_point_id = m.supply_point_id WHERE m.id = ?",
	&view_shape
};
static const struct query Q_SET = {
	"UPDATE meter SET power_limit_w = ?, overload_delay_s = ?, overload_retry_s = ?,"
	" overload_retries = ? WHERE id = ?",
	NULL
};

enum err overload_get(struct db *db, int64_t meter_id, struct overload_view *out)
{
	return db_one(db, &Q_VIEW, ARGS(arg_i64(meter_id)), out);
}

static enum err set_audit(struct db *db, const struct overload_setting *s)
{
	struct audit audit = { s->actor, s->address, "meter.overload", "meter", s->meter_id, NULL };

	return audit_add(db, &audit,
		json_pack("{s:I, s:I, s:I, s:I, s:s}", "limit_w", (json_int_t)s->limits.limit_w,
			"delay_s", (json_int_t)s->limits.delay_s, "retry_s",
			(json_int_t)s->limits.retry_s, "retries", (json_int_t)s->limits.retries,
			"reason", s->reason),
		s->now);
}

static enum err set_tx(struct db *db, void *ctx)
{
	const struct overload_setting *s = ctx;
	enum err e = db_exec(db, &Q_SET,
		ARGS(arg_i64(s->limits.limit_w), arg_i64(s->limits.delay_s),
			arg_i64(s->limits.retry_s), arg_i64(s->limits.retries),
			arg_i64(s->meter_id)),
		NULL);

	return e == ERR_OK ? set_audit(db, s) : e;
}

enum err overload_set(struct db *db, const struct overload_setting *s, struct problem *why)
{
	struct overload_setting copy = *s;
	const struct {
		const char *field;
		int64_t value, most;
	} checks[] = {
		{ "limit_w", s->limits.limit_w, LIMIT_MOST_W },
		{ "delay_s", s->limits.delay_s, DELAY_MOST_S },
		{ "retry_s", s->limits.retry_s, RETRY_MOST_S },
		{ "retries", s->limits.retries, RETRIES_MOST },
	};

	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		if (checks[i].value < 0 || checks[i].value > checks[i].most)
			return problem_set(why, ERR_OUT_OF_RANGE, checks[i].field,
				"from 0 to %" PRId64, checks[i].most);
	return db_join(db, set_tx, &copy);
}
