#include "domain/audit.h"

static const struct query Q_ADD = {
	"INSERT INTO audit (at, actor, address, action, object, detail, outcome)"
	" VALUES (?, ?, ?, ?, ?, ?, ?)",
	NULL
};

enum err audit_add(struct db *db, const struct audit *a, struct utc now)
{
	return db_exec(db, &Q_ADD,
		ARGS(arg_utc(now), arg_text(a->actor), arg_text(a->address), arg_text(a->action),
			arg_text(a->object), arg_text(a->detail), arg_text(a->outcome)),
		NULL);
}
