#include "domain/board.h"

#include "domain/alarm_site.h"
#include "domain/live.h"
#include "domain/scope.h"
#include "domain/supplypoint.h"
#include "domain/usage.h"

#define F(member) FIELD(struct board_meter, member)
SHAPE(meter_shape, struct board_meter, F(id), F(role), F(comm), F(level), F(switchable), F(desired),
	F(desired_reason), F(observed), F(keep_until), F(read_at));
#undef F
/* ? = now, of the contract in force; the scope */
static const struct query Q_METERS = {
	"SELECT m.id, m.role, COALESCE(s.comm, 'never') AS comm, a.level, p.switchable, p.desired,"
	" p.desired_reason, p.observed, p.keep_until, s.read_at"
	" FROM meter m JOIN supply_point p ON p.id = m.supply_point_id"
	" LEFT JOIN meter_state s ON s.meter_id = m.id"
	" LEFT JOIN contract_point cp ON cp.supply_point_id = m.supply_point_id"
	" AND cp.from_at <= ? AND cp.to_at = 0"
	" LEFT JOIN account a ON a.id = cp.account_id"
	" WHERE m.enabled AND ? IN (0, p.site_id, " SEEN_AREA("m.area_id") ") ORDER BY m.id",
	&meter_shape
};

enum err board_meters(struct db *db, int64_t scope, struct utc now, struct rows *out)
{
	return db_list(db, &Q_METERS, ARGS(arg_utc(now), arg_i64(scope)), out);
}

const char *board_word(const struct board_meter *m, struct utc now)
{
	bool moving = m->switchable &&
		      str_eq(supply_state_word(m->desired, m->observed, m->comm), "switching");

	return moving ? "moving" : live_word(LIVE_FACE(m), now);
}

#define F(member) FIELD(struct board, member)
SHAPE(board_shape, struct board, F(sales_today_fen), F(orders_today), F(orders_open),
	F(alarms_open));
#undef F
#define ALARM_SEEN "? IN (" SITE_OF_ALARM ", " SEEN_OBJECT("x.object_kind", "x.object_id") ")"
#define SALES                                                                                      \
	" FROM sale l JOIN entry e ON e.id = l.entry_id"                                           \
	" WHERE l.created_at >= ? AND ? IN (0, e.site_id, " SEEN_ENTRY("e.id") ")"
#define ORDER_SEEN " AND ? IN (0, t.site_id, " SEEN_ACCOUNT("a.id") ")"
/* clang-format off */
static const struct query Q_BOARD = {
	"SELECT (SELECT CAST(COALESCE(SUM(l.total_fen), 0) AS SIGNED)" SALES ") + y.fen AS sales_today_fen,"
	" y.n AS orders_today,"
	" (SELECT COUNT(*) FROM pay_order o" SITE_OF_ORDER
	" WHERE o.state IN ('created', 'pending')" ORDER_SEEN ") AS orders_open,"
	" (SELECT COUNT(*) FROM alarm x WHERE x.cleared_at = 0 AND (? = 0 OR " ALARM_SEEN ")) AS alarms_open"
	" FROM (SELECT CAST(COALESCE(SUM(o.amount_fen), 0) AS SIGNED) AS fen, COUNT(*) AS n"
	" FROM pay_order o" SITE_OF_ORDER " WHERE o.credited_at >= ?" ORDER_SEEN ") y",
	&board_shape
};
/* clang-format on */

static void count_meters(const struct rows *r, struct utc now, struct board *b)
{
	const struct board_meter *m = r->at;

	for (size_t i = 0; i < r->n; i++) {
		const char *word = live_word(LIVE_FACE(&m[i]), now);

		b->meters_total++;
		b->meters_fresh += now.ms - m[i].read_at.ms <= FRESH_MS;
		b->low += str_eq(word, "low");
		b->cut += str_eq(word, "cut");
		b->kept += str_eq(word, "kept");
		b->silent += str_eq(word, "silent");
	}
}

enum err board_counts(
	struct db *db, int64_t scope, struct utc today, struct utc now, struct board *out)
{
	AUTO(rows_free) struct rows meters = { 0 };
	struct board b = { 0 };
	struct arg site = arg_i64(scope);
	int64_t p50, count;
	enum err e = db_one(db, &Q_BOARD,
		ARGS(arg_utc(today), site, site, site, site, arg_utc(today), site), &b);

	if (e == ERR_OK)
		e = board_meters(db, scope, now, &meters);
	if (e == ERR_OK)
		e = live_power_back(db, scope, now, &p50, &b.power_back_p95_ms, &count);
	if (e != ERR_OK)
		return e;
	count_meters(&meters, now, &b);
	*out = b;
	return ERR_OK;
}

#define F(member) FIELD(struct board_channel, member)
SHAPE(channel_shape, struct board_channel, F(channel), F(fen), F(count));
#undef F
/* clang-format off */
static const struct query Q_CHANNELS = {
	"SELECT c.channel, CAST(SUM(c.fen) AS SIGNED) AS fen, COUNT(*) AS count FROM ("
	"SELECT l.method AS channel, l.total_fen AS fen" SALES
	" UNION ALL SELECT o.channel, o.amount_fen FROM pay_order o" SITE_OF_ORDER
	" WHERE o.credited_at >= ?" ORDER_SEEN ") c GROUP BY c.channel ORDER BY c.channel",
	&channel_shape
};
/* clang-format on */

enum err board_channels(struct db *db, int64_t scope, struct utc today, struct rows *out)
{
	struct arg site = arg_i64(scope), since = arg_utc(today);

	return db_list(db, &Q_CHANNELS, ARGS(since, site, since, site), out);
}

#define F(member) FIELD(struct board_hour, member)
SHAPE(hour_shape, struct board_hour, F(hour_at), F(energy));
#undef F
/* clang-format off */
static const struct query Q_LOAD = {
	"SELECT u.hour_at, CAST(SUM(u.qty_milli) AS SIGNED) AS energy FROM meter m"
	" JOIN supply_point p ON p.id = m.supply_point_id" USAGE_HOURS_OF("m.id")
	" WHERE m.enabled AND m.utility = 'electricity' AND m.role <> 'incomer'"
	" AND ? IN (0, p.site_id, " SEEN_AREA("m.area_id") ") GROUP BY u.hour_at ORDER BY u.hour_at",
	&hour_shape
};
/* clang-format on */

enum err board_load(struct db *db, int64_t scope, const struct zone *z, struct utc from,
	struct utc to, struct rows *out)
{
	AUTO(buf_free) struct buf hours = { 0 };

	usage_hours_list(z, from, to, &hours);
	return db_list(db, &Q_LOAD, ARGS(arg_text(hours.text), arg_i64(scope)), out);
}
