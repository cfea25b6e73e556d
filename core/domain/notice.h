#pragma once
/* What tenants are told: a notice, and an outbox row for each contact, in the causing transaction.
 */
#include "domain/account.h"

/* What happened. */
struct notice_of {
	const char *kind;   /* as below */
	int64_t amount_fen; /* of "recharged", "fee_due" and those of invoices */
	struct utc cut_at;  /* of "arrears"; 0: nothing will be cut */
};
/* What a tenant reads on the page, and the parameters of the message; nothing is written. The
 * caller owns both. */
MUST_USE enum err notice_make(const struct account *a, const struct notice_of *n, struct utc now,
	struct buf *text, json_t **params);

/* kind: "low1" "low2" "arrears" "recharged" "restored" "overload" "overload_lock" "invoice_issued"
 * "invoice_refused", and for fee purses "fee_low" "fee_due" "fee_short" and "fee", the last warning
 * before a cut. amount_fen counts for "recharged", "fee_due" and those of invoices only. */
MUST_USE enum err notice_add(struct db *db, const struct account *a, const char *kind,
	int64_t amount_fen, struct utc now);

/* The notice "arrears", which tells when supply will be cut; cut_at 0: it will not be. */
MUST_USE enum err notice_add_arrears(
	struct db *db, const struct account *a, struct utc cut_at, struct utc now);
