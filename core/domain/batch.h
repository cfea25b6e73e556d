#pragma once
/* Orders to many meters at once. A batch is made as a preview: who is affected, what would happen
 * to each, what stands in the way. Confirmed, it is worked off by the worker, one meter in a
 * transaction, each followed to its read-back. All its meters are at one site. */
#include "domain/approval.h"
#include "domain/command.h"

#define BATCH_METERS_MOST 2000
#define BATCH_PREVIEW_MS (INT64_C(10) * 60 * 1000) /* to be confirmed within */
#define BATCH_WAIT_MS (INT64_C(24) * 3600 * 1000)  /* for a read-back, then it failed */
#define BATCH_READ_MS (INT64_C(2) * 60 * 1000)	   /* the same for a reading */
#define BATCH_TRIES 5				   /* acts in a row that were in vain */

/* Which meters: those of a list, or all that fit what else is said. */
struct batch_pick {
	const int64_t *ids;
	size_t n;
	int64_t area_id; /* with those below it; 0: any */
	int64_t gateway_id;
	const char *utility, *role; /* "": any */
};

struct batch_new {
	struct batch_pick pick;
	int64_t site_id;    /* scope of the caller (scope.h); 0: everything */
	const char *action; /* "on" "off" "keep" "auto" "read" */
	struct utc until;   /* of keep */
	const char *reason;
	int64_t user_id;
	const char *name, *address; /* of the caller */
	const char *once_key;
	struct utc now;
};
/* Makes the preview. ERR_NOT_FOUND a meter that is not there, or none at all; ERR_CONFLICT meters
 * of several sites; ERR_TOO_LARGE more than BATCH_METERS_MOST. */
MUST_USE enum err batch_make(
	struct db *db, const struct batch_new *n, int64_t *id, struct problem *why);

struct batch_confirm {
	int64_t id, site_id, user_id;
	const char *actor, *address;
	struct utc now;
};
/* Starts it, or asks for a second person (above the setting batch_limit); the same again changes
 * nothing. ERR_FORBIDDEN for another than who made it, ERR_CONFLICT when the preview has expired.
 */
MUST_USE enum err batch_start(struct db *db, const struct batch_confirm *c, struct problem *why);
/* The approved start; in the transaction that approves. */
MUST_USE enum err batch_approved(struct db *db, const struct approval *a, const json_t *params,
	const char *actor, struct utc now, struct problem *why);

struct batch_view {
	int64_t id, site_id;
	char action[8];
	struct utc until_at;
	char reason[801];
	/* "preview" "expired" "approval" "rejected" "running" "done" */
	char state[12];
	int64_t user_id;
	char name[257];
	struct utc created_at, expires_at, confirmed_at, started_at, done_at;
	int64_t approval_id; /* 0: none */
	int64_t meters, todo, waiting, done, refused, failed;
};
/* Rows of struct batch_view, and the arguments of its statement; site_id 0: of all sites. */
extern const struct listing batch_listing;
#define BATCH_LIST_ARGS 3
void batch_list_args(struct arg out[static BATCH_LIST_ARGS], int64_t site_id, struct utc now);
MUST_USE enum err batch_get(
	struct db *db, int64_t site_id, int64_t id, struct utc now, struct batch_view *out);

struct batch_meter {
	int64_t meter_id;
	char meter_code[129], meter_name[257];
	int64_t tenant_id; /* 0: none */
	char tenant_code[129], tenant_name[257], room[129];
	char would[8];	      /* "" where nothing would be ordered */
	char in_the_way[801]; /* words, parted by commas */
	char state[8];	      /* "todo" "waiting" "done" "refused" "failed" */
	char why[129];
	struct utc ordered_at, ended_at;
	bool switchable;
	char desired[8], observed[8], comm[8];
	struct utc observed_since;
};
MUST_USE enum err batch_meters(struct db *db, int64_t id, struct rows *out);

/* One round of the worker: orders that are still to be given, and what came of those given. Safe to
 * run by several at once, and to be killed in. */
MUST_USE enum err batch_work(struct db *db, struct utc now);
