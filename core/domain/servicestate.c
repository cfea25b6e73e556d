#include "domain/servicestate.h"

#define F(member) FIELD(struct service_state, member)
SHAPE(state_shape, struct service_state, F(name), F(state), F(why), F(seen_at));
#undef F
static const struct query Q_PUT = {
	"INSERT INTO service_state (name, state, why, seen_at) VALUES (?, ?, ?, ?)"
	" ON DUPLICATE KEY UPDATE state = VALUES(state), why = VALUES(why),"
	" seen_at = VALUES(seen_at)",
	NULL
};
static const struct query Q_LIST = { "SELECT name, state, why, seen_at FROM service_state"
				     " ORDER BY name",
	&state_shape };

enum err service_state_put(
	struct db *db, const char *name, bool on, const char *why, struct utc now)
{
	return db_exec(db, &Q_PUT,
		ARGS(arg_text(name), arg_text(on ? "on" : "off"), arg_text(why), arg_utc(now)),
		NULL);
}

enum err service_state_list(struct db *db, struct rows *out)
{
	return db_list(db, &Q_LIST, NO_ARGS, out);
}
