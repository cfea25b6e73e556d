#pragma once
/* The outbox as staff see it. */
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
struct outbox_filter {
	int64_t site_id;   /* 0: every site */
	const char *state; /* "": any */
	const char *kind;  /* "": any */
	struct utc from;   /* written since; 0: any */
};
/* The newest 200 (struct outbox_row), and all attempts of them (struct outbox_attempt, by row and
 * time). */
MUST_USE enum err outbox_list(
	struct db *db, const struct outbox_filter *f, struct rows *rows, struct rows *attempts);
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
