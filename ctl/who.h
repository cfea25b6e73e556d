#pragma once
/* Who gives a command, as the audit log names them. */
#include "base/json.h"
#include "db/db.h"

#define WHO_MAX 48

/* "cli:" and the system user's name; of who became root by sudo, the name of before. */
const char *who_actor(char out[static WHO_MAX]);
/* From now on what is done on this connection came from this host. */
void who_take(struct db *db);
/* A command that was refused, in the log too; detail is taken over. The log of a database that has
 * none yet, or that is away, cannot be had: then only standard error says so. */
void who_refused(
	struct db *db, const char *action, const char *object, enum err why, json_t *detail);
