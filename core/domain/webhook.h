#pragma once
/* Other systems that are told of events: what staff do with them, and how a worker serves them. */
#include "db/listing.h"

#define WEBHOOK_URL_MAX 500
#define WEBHOOK_SECRET_MAX 81
#define WEBHOOK_OLD_MS (24 * 3600 * INT64_C(1000))	 /* how long a former secret still signs */
#define WEBHOOK_OFF_MS (5 * 24 * 3600 * INT64_C(1000))	 /* failing for so long turns it off */
#define WEBHOOK_KEEP_MS (30 * 24 * 3600 * INT64_C(1000)) /* deliveries are listed for so long */
#define WEBHOOK_ALL "*"
#define WEBHOOK_PING "ping"

struct webhook {
	int64_t id;
	char name[257];
	int64_t site_id; /* 0: of all sites */
	char url[4 * WEBHOOK_URL_MAX + 1];
	char events[2001]; /* kinds, parted by commas; "*": all */
	char state[4];	   /* "on" "off" */
	char off_why[65];  /* "" "staff" "gone" "failing" */
	int64_t failures;  /* in a row */
	struct utc failing_since;
	struct utc secret_at;
	struct utc old_until; /* the former secret signs too until then; 0: none */
	char created_by[129];
	struct utc created_at;
	int64_t waiting; /* deliveries that are still to be made */
	int64_t failed;	 /* that were given up */
};

struct webhook_act {	 /* whoever does it */
	int64_t site_id; /* confined to it; 0: every site */
	const char *actor, *address;
	struct utc now;
};

/* Rows of struct webhook; args: the site (0: every). */
extern const struct listing webhook_listing;
MUST_USE enum err webhook_get(struct db *db, int64_t site_id, int64_t id, struct webhook *out);

struct webhook_new {
	const char *name;
	int64_t site_id; /* 0: of all sites */
	const char *url;
	const char *events; /* as in struct webhook */
	const char *once_key;
};
/* With a new secret, which only this answer has. A repeated once_key answers as the first time. */
MUST_USE enum err webhook_add(struct db *db, const struct webhook_new *n,
	const struct webhook_act *by, int64_t *id, char secret[static WEBHOOK_SECRET_MAX]);

struct webhook_change { /* NULL: as it is */
	const char *name, *url, *events, *state;
};
/* Turning it on forgets its failures and ends its alarm. */
MUST_USE enum err webhook_set(
	struct db *db, int64_t id, const struct webhook_change *c, const struct webhook_act *by);
/* What it was not told yet it never will be. */
MUST_USE enum err webhook_remove(struct db *db, int64_t id, const struct webhook_act *by);
/* A new secret; the former one signs too for WEBHOOK_OLD_MS. once_key as in webhook_add(). */
MUST_USE enum err webhook_rotate(struct db *db, int64_t id, const char *once_key,
	const struct webhook_act *by, char secret[static WEBHOOK_SECRET_MAX]);

struct delivery {
	int64_t id;
	int64_t webhook_id;
	char event_id[129];
	char kind[129];
	struct blob payload;
	char state[8]; /* "pending" "waiting" "done" "failed" */
	int64_t tries;
	struct utc next_at; /* 0: no more */
	struct utc tried_at;
	int64_t status; /* of HTTP; 0: no answer */
	char error[801];
	struct blob answer; /* how it began */
	struct utc created_at;
	struct utc since; /* tried from then on */
};

/* A ping, whatever it wants to be told. ERR_CONFLICT: it is off. */
MUST_USE enum err webhook_ping(
	struct db *db, int64_t id, const struct webhook_act *by, int64_t *delivery_id);
/* Rows of struct delivery; args: the webhook. */
extern const struct listing delivery_listing;
MUST_USE enum err delivery_get(struct db *db, int64_t site_id, int64_t id, struct rows *out);
/* Once more from the start, with the same event id. ERR_CONFLICT: its webhook is off. */
MUST_USE enum err delivery_replay(struct db *db, int64_t id, const struct webhook_act *by);

/* ---- by a worker ---- */

#define WEBHOOK_CLAIM_MS 60000
#define WEBHOOK_OWNER_MAX 81
struct webhook_due { /* a webhook that this worker alone sends to, for WEBHOOK_CLAIM_MS */
	int64_t id;
	char url[4 * WEBHOOK_URL_MAX + 1];
	char secret[WEBHOOK_SECRET_MAX];
	char old_secret[WEBHOOK_SECRET_MAX]; /* "" unless it still signs */
};
/* The one that waits longest among those with something due. ERR_NOT_FOUND: there is none. */
MUST_USE enum err webhook_claim(
	struct db *db, const char *owner, struct utc now, struct webhook_due *out);
MUST_USE enum err webhook_release(struct db *db, int64_t id, const char *owner);
/* At most `most` deliveries that are due, in order (struct delivery). */
MUST_USE enum err deliveries_due(
	struct db *db, int64_t webhook_id, struct utc now, int64_t most, struct rows *out);

enum delivery_end {
	DELIVERY_DONE,
	DELIVERY_FAILED, /* tried again by plan */
	DELIVERY_GONE,	 /* the receiver wants nothing any more: the webhook is turned off */
};
struct delivery_result {
	enum delivery_end end;
	int64_t status; /* of HTTP; 0: no answer */
	const char *error;
	const char *answer; /* its first bytes */
	size_t answer_n;
	uint32_t jitter; /* of RETRY_JITTER */
};
/* What came of a try. Failing makes the webhook rest, and for WEBHOOK_OFF_MS turns it off with an
 * alarm. */
MUST_USE enum err delivery_result(struct db *db, const struct webhook_due *w,
	const struct delivery *d, const struct delivery_result *r, struct utc now);

/* Deliveries that are old, and those of webhooks that were removed. */
MUST_USE enum err deliveries_purge(struct db *db, struct utc now);
