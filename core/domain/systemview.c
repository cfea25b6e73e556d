#include "domain/systemview.h"

#define LIVE_MS "15000" /* longer than a lease */
#define GONE_MS "86400000"

#define F(member) FIELD(struct system_poller, member)
SHAPE(poller_shape, struct system_poller, F(name), F(seen_at), F(live), F(buses), F(round_ms),
	F(answered_at));
#undef F
/* By the database's clock, as leases are. */
static const struct query Q_POLLERS = {
	"SELECT p.name, p.seen_at, p.seen_at > w.now - " LIVE_MS " AS live,"
	" COUNT(g.id) AS buses, CAST(COALESCE(MAX(s.round_ms), 0) AS SIGNED) AS round_ms,"
	" CAST(COALESCE(MAX(s.updated_at), 0) AS SIGNED) AS answered_at"
	" FROM (SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) AS now) w JOIN poller p"
	" LEFT JOIN bus_group b ON b.owner = p.name AND b.until_at > w.now"
	" LEFT JOIN gateway g ON g.bus_group_id = b.id AND g.enabled = 1"
	" LEFT JOIN gateway_state s ON s.gateway_id = g.id"
	" GROUP BY p.name, p.seen_at, w.now"
	" HAVING buses > 0 OR p.seen_at > w.now - " GONE_MS " ORDER BY p.name",
	&poller_shape
};

enum err system_pollers(struct db *db, struct rows *out)
{
	return db_list(db, &Q_POLLERS, NO_ARGS, out);
}

#define F(member) FIELD(struct system_counts, member)
SHAPE(counts_shape, struct system_counts, F(outbox_waiting), F(outbox_due_at), F(bytes),
	F(readings_from), F(audit_rows), F(audit_unchained));
#undef F
static const struct query Q_COUNTS = {
	"SELECT (SELECT COUNT(*) FROM outbox WHERE state IN ('pending', 'sending')) AS"
	" outbox_waiting,"
	" (SELECT COALESCE(MIN(next_at), 0) FROM outbox WHERE state IN ('pending', 'sending')"
	" AND next_at < ?) AS outbox_due_at,"
	" (SELECT CAST(COALESCE(SUM(data_length + index_length), 0) AS SIGNED)"
	" FROM information_schema.tables WHERE table_schema = DATABASE()) AS bytes,"
	" (SELECT IF(to_at > from_at, from_at, 0) FROM reading_span) AS readings_from,"
	" (SELECT COALESCE(MAX(n), 0) FROM audit_chain) AS audit_rows,"
	" COALESCE((SELECT MAX(id) FROM audit), 0)"
	" - COALESCE((SELECT MAX(audit_id) FROM audit_chain), 0) AS audit_unchained",
	&counts_shape
};

enum err system_counts(struct db *db, struct utc now, struct system_counts *out)
{
	return db_one(db, &Q_COUNTS, ARGS(arg_utc(now)), out);
}

#define F(member) FIELD(struct system_sealed, member)
SHAPE(sealed_shape, struct system_sealed, F(site_id), F(code), F(name), F(zone), F(day),
	F(sealed_at));
#undef F
static const struct query Q_SEALED = {
	"SELECT s.id AS site_id, s.code, s.name, s.zone, b.day, COALESCE(b.sealed_at, 0) AS"
	" sealed_at FROM site s LEFT JOIN book_day b ON b.site_id = s.id AND b.day ="
	" (SELECT MAX(d.day) FROM book_day d WHERE d.site_id = s.id AND d.sealed_at > 0)"
	" WHERE ? IN (0, s.id) ORDER BY s.id",
	&sealed_shape
};

enum err system_sealed(struct db *db, int64_t site_id, struct rows *out)
{
	return db_list(db, &Q_SEALED, ARGS(arg_i64(site_id)), out);
}

enum err system_behind(const struct system_sealed *s, struct utc now, int64_t *days)
{
	AUTO(zone_free) struct zone *z = NULL;
	struct day sealed;
	enum err e = ERR_OK;

	*days = 0;
	if (!s->day[0])
		return ERR_OK;
	e = zone_open(s->zone, &z);
	if (e == ERR_OK)
		e = day_parse(s->day, &sealed);
	if (e == ERR_OK && zone_local(z, now).day.days - 1 > sealed.days)
		*days = zone_local(z, now).day.days - 1 - sealed.days;
	return e;
}
