#pragma once
/* Is the platform fit to work? Asked of the database. */
#include "db/db.h"

struct health {
	int64_t read_only;    /* the server takes no writes */
	int64_t migration;    /* the newest that was applied whole */
	int64_t unfinished;   /* migrations that were begun and not ended */
	int64_t groups;	      /* of buses in use */
	int64_t groups_free;  /* of these, held by no poller */
	int64_t worker_ms;    /* since the worker's last sign; -1: never */
	int64_t jobs_failing; /* for a minute and more */
};
/* Reads, and makes a write that changes nothing. ERR_UNAVAILABLE or ERR_DB: it cannot serve. */
MUST_USE enum err health_look(struct db *db, struct utc now, struct health *out);
