#pragma once
#include "db/db.h"

struct audit {
	const char *actor;   /* "user:3" "system" */
	const char *address; /* of the client; "" */
	const char *action;  /* "meter.control" */
	const char *object;  /* "meter"; with no id the whole word, as "day:2026-03-01" */
	int64_t id;	     /* written behind the object as "meter:17"; 0: none */
	const char *outcome; /* NULL: "ok"; or an error word */
};
/* Appends; in the transaction of the change, or alone for a refused attempt. detail is taken over;
 * NULL: nothing more is known. */
MUST_USE enum err audit_add(struct db *db, const struct audit *a, json_t *detail, struct utc now);
