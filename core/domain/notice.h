#pragma once
/* What tenants are told: a notice, and an outbox row for each contact, in the causing transaction.
 */
#include "domain/account.h"

/* kind: "low1" "low2" "arrears" "recharged" "overload" "overload_lock". amount_fen counts for "recharged" only. */
MUST_USE enum err notice_add(struct db *db, const struct account *a, const char *kind,
	int64_t amount_fen, struct utc now);
