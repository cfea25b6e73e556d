#pragma once
/* One alarm per cause: raised while open changes nothing, cleared by the cause going. */
#include "db/db.h"

struct alarm_new {
	const char *kind;	 /* "meter_silent" */
	const char *severity;	 /* "info" "warn" "urgent" */
	const char *object_kind; /* "meter" "gateway" "order" "account" */
	int64_t object_id;
	const char *object_code;
	const char *text;
};
MUST_USE enum err alarm_raise(struct db *db, const struct alarm_new *a, struct utc now);
MUST_USE enum err alarm_clear(struct db *db, const char *kind, const char *object_kind,
	int64_t object_id, struct utc now);

/* The same for what has no id and is told apart by its code. */
MUST_USE enum err alarm_clear_code(struct db *db, const char *kind, const char *object_kind,
	const char *object_code, struct utc now);
