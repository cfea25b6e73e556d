#include "domain/outage.h"

#include <inttypes.h>
#include <stdio.h>

#define KEY_MAX 41

static const struct query Q_BEGIN = {
	"INSERT INTO outage (object_kind, object_id, from_at, open_key) VALUES (?, ?, ?, ?)", NULL
};
static const struct query Q_END = {
	"UPDATE outage SET until_at = GREATEST(?, from_at), open_key = NULL WHERE open_key = ?",
	NULL
};

static void open_key(char key[static KEY_MAX], const char *kind, int64_t object_id)
{
	snprintf(key, KEY_MAX, "%s:%" PRId64, kind, object_id);
}

enum err outage_begin(struct db *db, const char *kind, int64_t object_id, struct utc last_answer)
{
	char key[KEY_MAX];
	enum err e;

	open_key(key, kind, object_id);
	e = db_exec(db, &Q_BEGIN,
		ARGS(arg_text(kind), arg_i64(object_id), arg_utc(last_answer), arg_text(key)),
		NULL);
	return e == ERR_ALREADY ? ERR_OK : e;
}

enum err outage_end(struct db *db, const char *kind, int64_t object_id, struct utc at)
{
	char key[KEY_MAX];

	open_key(key, kind, object_id);
	return db_exec(db, &Q_END, ARGS(arg_utc(at), arg_text(key)), NULL);
}

SHAPE(outage_shape, struct outage, FIELD(struct outage, id), FIELD(struct outage, from_at),
	FIELD(struct outage, until_at));
const struct listing outage_listing = {
	.all = { "SELECT id, from_at, until_at FROM outage WHERE object_kind = ? AND object_id = ?",
		&outage_shape },
	.sorts = { { "id", "id" }, { "from_at", "from_at" }, { "until_at", "until_at" } },
	.order = "-from_at",
	.filters = { { "open", FILTER_FLAG, "? = 0 OR until_at = 0" },
		{ "from", FILTER_FROM, "until_at = 0 OR until_at >= ?" },
		{ "to", FILTER_TO, "from_at < ?" } },
};
