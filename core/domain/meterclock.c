#include "domain/meterclock.h"

#define CLOCK(member) FIELD(struct meter_clock, member)
SHAPE(clock_shape, struct meter_clock, CLOCK(meter_id), CLOCK(drift_s), CLOCK(seen_at),
	CLOCK(set_at), CLOCK(set_by_s));

static const struct query Q_STORE = {
	"INSERT INTO meter_clock (meter_id, drift_s, seen_at, set_at, set_by_s)"
	" VALUES (?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE drift_s = VALUES(drift_s),"
	" seen_at = VALUES(seen_at),"
	" set_by_s = IF(VALUES(set_at) > set_at, VALUES(set_by_s), set_by_s),"
	" set_at = GREATEST(set_at, VALUES(set_at))",
	NULL
};

enum err meter_clock_store(struct db *db, const struct meter_clock *c)
{
	return db_bulk(db, &Q_STORE, &clock_shape, c, 1);
}

static const struct query Q_GET = {
	"SELECT meter_id, drift_s, seen_at, set_at, set_by_s FROM meter_clock WHERE meter_id = ?",
	&clock_shape
};

enum err meter_clock_get(struct db *db, int64_t meter_id, struct meter_clock *out)
{
	return db_one(db, &Q_GET, ARGS(arg_i64(meter_id)), out);
}
