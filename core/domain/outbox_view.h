#pragma once
/* The outbox as staff see it. */
#include "db/listing.h"
#include "domain/outbox.h"

struct outbox_row {
	int64_t id;
	char template[25];
	char state[12];
	char recipient[65];
	char language[3];
	char way[17];
	char error[801];
	int64_t notice_id; /* 0: none */
	struct utc created_at, next_at, expires_at, sent_at, delivered_at;
};
struct outbox_attempt {
	int64_t outbox_id;
	char way[17];
	struct utc at;
	char outcome[13];
	char code[65];
	struct utc fate_at;
};
/* Rows of struct outbox_row; args: the site, four times (0: every). */
extern const struct listing outbox_listing;
/* All attempts of such rows (struct outbox_attempt), by row and time. */
MUST_USE enum err outbox_attempts(struct db *db, const struct rows *rows, struct rows *out);
MUST_USE enum err outbox_get(struct db *db, int64_t id, int64_t site_id, struct outbox_row *out);

struct outbox_again {
	int64_t id, site_id;
	const char *actor, *address;
	struct utc now;
};
/* Once more, as if nothing had been tried: what failed, did not arrive, or is unknown; good for a
 * day. ERR_CONFLICT for any other state, and for login codes, which are gone. */
MUST_USE enum err outbox_retry(struct db *db, const struct outbox_again *a, struct problem *why);

/* "138****0001" */
#define PHONE_MASKED_MAX 24
const char *phone_masked(const char *phone, char buf[static PHONE_MASKED_MAX]);
