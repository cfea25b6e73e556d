#pragma once
/* What leaves the system: a row written in the transaction that caused it, sent by the worker. */
#include "db/db.h"

struct outgoing {
	int64_t id;
	char channel[17]; /* "sms" */
	char recipient[65];
	char template[25]; /* "low1" "login_code" … */
	char params[1001]; /* JSON */
	int64_t tries;
	struct utc expires_at;
};

struct outbox_new {
	const char *once_key;
	int64_t notice_id; /* 0: none */
	const char *channel;
	const char *recipient;
	const char *template;
	const char *params;
	struct utc not_before;
	struct utc expires_at;
};
/* Writing the same once_key again changes nothing. */
MUST_USE enum err outbox_add(struct db *db, const struct outbox_new *o, struct utc now);

/* Claims at most max due rows for 60 s (struct outgoing). A row whose claim ran out while sending
 * is handed out once more and then only marked unknown: a send with unknown outcome repeats at most
 * once. */
MUST_USE enum err outbox_claim(
	struct db *db, const char *owner, struct utc now, int64_t max, struct rows *out);
enum send_outcome { SEND_DONE, SEND_REFUSED, SEND_RETRY, SEND_UNKNOWN };
MUST_USE enum err outbox_result(struct db *db, int64_t id, enum send_outcome o, const char *ref,
	const char *error, struct utc now);
