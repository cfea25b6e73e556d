#pragma once
#include "db/db.h"

struct audit {
	const char *actor;   /* "user:3" "system" */
	const char *address; /* of the client; "" */
	const char *action;  /* "meter.control" */
	const char *object;  /* "meter:17" */
	const char *detail;  /* JSON text; "{}" */
	const char *outcome; /* "ok" or an error word */
};
/* Appends; in the transaction of the change, or alone for a refused attempt. */
MUST_USE enum err audit_add(struct db *db, const struct audit *a, struct utc now);
