#include "domain/alarm.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"

#define OPEN_KEY_MAX 96

static const struct query Q_RAISE = { "INSERT INTO alarm (kind, severity, object_kind, object_id, "
				      "object_code, text, raised_at, open_key)"
				      " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	NULL };
static const struct query Q_CLEAR = {
	"UPDATE alarm SET cleared_at = ?, open_key = NULL WHERE open_key = ?", NULL
};

/* What is not in our tables (a payment for an order of nobody) is told apart by its code. */
static void open_key(char *out, const char *kind, const char *object_kind, int64_t object_id,
	const char *object_code)
{
	if (object_id == 0 && object_code[0])
		snprintf(out, OPEN_KEY_MAX, "%s:%s:%s", kind, object_kind, object_code);
	else
		snprintf(out, OPEN_KEY_MAX, "%s:%s:%" PRId64, kind, object_kind, object_id);
}

enum err alarm_raise(struct db *db, const struct alarm_new *a, struct utc now)
{
	char key[OPEN_KEY_MAX];
	enum err e;

	open_key(key, a->kind, a->object_kind, a->object_id, a->object_code);
	e = db_exec(db, &Q_RAISE,
		ARGS(arg_text(a->kind), arg_text(a->severity), arg_text(a->object_kind),
			arg_i64(a->object_id), arg_text(a->object_code), arg_text(a->text),
			arg_utc(now), arg_text(key)),
		NULL);
	if (e == ERR_ALREADY)
		return ERR_OK;
	if (e == ERR_OK)
		log_warn("alarm=%s object=%s:%s raised", a->kind, a->object_kind, a->object_code);
	return e;
}

enum err alarm_clear(
	struct db *db, const char *kind, const char *object_kind, int64_t object_id, struct utc now)
{
	char key[OPEN_KEY_MAX];

	open_key(key, kind, object_kind, object_id, "");
	return db_exec(db, &Q_CLEAR, ARGS(arg_utc(now), arg_text(key)), NULL);
}

enum err alarm_clear_code(struct db *db, const char *kind, const char *object_kind,
	const char *object_code, struct utc now)
{
	char key[OPEN_KEY_MAX];

	open_key(key, kind, object_kind, 0, object_code);
	return db_exec(db, &Q_CLEAR, ARGS(arg_utc(now), arg_text(key)), NULL);
}
