#pragma once
/* What the files of refunds share. Everything here runs inside db_tx. */
#include "domain/account.h"
#include "domain/refund.h"

/* "YFR" + time + random: our number at the service. */
void refund_no_make(struct utc now, char out[static 33]);
MUST_USE enum err refund_find(struct db *db, const char *out_refund_no, struct refund *out);
MUST_USE enum err refund_audit(struct db *db, const char *actor, const char *address,
	const char *action, const struct refund *f, struct utc now);

struct refund_row {				    /* money that lies in refund_due by entry_id */
	int64_t account_id, order_id, unmatched_id; /* 0: none */
	const char *method, *service, *state;
	int64_t amount_fen;
	const char *reason, *out_refund_no, *once_key, *actor, *address;
	int64_t entry_id;
};
/* Writes it, with its audit row; the worker takes it up when it is for a service. */
MUST_USE enum err refund_add(
	struct db *db, const struct refund_row *r, struct utc now, struct refund *out);

struct settling {
	const struct refund_settling *s;
	struct refund f; /* open, and locked */
	struct utc now;
	struct problem *why;
	int64_t drawer_id; /* of cash */
};
/* The purse, if it has one, is locked before. */
MUST_USE enum err refund_settle_locked(struct db *db, const struct settling *g);
/* Locks the purse, if any, and then the row of a refund, and reads it anew. */
MUST_USE enum err refund_lock(struct db *db, struct refund *f);
/* Done or failed: nothing follows. */
bool refund_is_final(const struct refund *f);
