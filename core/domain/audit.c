#include "domain/audit.h"

#include <inttypes.h>
#include <stdio.h>

static const struct query Q_ADD = {
	"INSERT INTO audit (at, actor, address, action, object, detail, outcome)"
	" VALUES (?, ?, ?, ?, ?, ?, ?)",
	NULL
};

enum err audit_add(struct db *db, const struct audit *a, json_t *detail, struct utc now)
{
	AUTO(json_free) json_t *owned = detail ? detail : json_object();
	AUTO(text_free) char *text = json_text(owned);
	char object[65];

	if (a->id)
		snprintf(object, sizeof(object), "%s:%" PRId64, a->object, a->id);
	else
		snprintf(object, sizeof(object), "%s", a->object);
	return db_exec(db, &Q_ADD,
		ARGS(arg_utc(now), arg_text(a->actor), arg_text(a->address), arg_text(a->action),
			arg_text(object), arg_text(text), arg_text(a->outcome ? a->outcome : "ok")),
		NULL);
}
