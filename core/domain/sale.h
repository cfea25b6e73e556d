#pragma once
/* Sales at the desk, in a cashier's open shift. */
#include "db/listing.h"
#include "domain/account.h"
#include "domain/shift.h"

struct sale_line {
	int64_t account_id;
	int64_t amount_fen; /* paid; service and debt are parts of it, the rest is for the purse */
	int64_t service_fen;
	int64_t debt_fen;
};
#define SALE_LINES_MAX 20
#define SALE_LINE_MOST_FEN 100000000 /* whatever the site's order_max_fen is */

struct sale_new {
	int64_t user_id;
	const char *actor;
	const char *method;	       /* cash pos transfer */
	const struct sale_line *lines; /* account and amount */
	size_t n;
	int64_t tendered_fen;
	const char *note;
	const char *once_key;
};
struct sale {
	int64_t id;
	int64_t shift_id;
	char method[12];
	int64_t total_fen;
	int64_t tendered_fen;
	char note[801];
	struct utc created_at;
	int64_t entry_id;
	int64_t reprints;
	int64_t site_id;
	char zone[64];
};

/* One entry, one receipt, balances and blocks in one transaction. Of each line the service charge
 * (setting service_charge_permille) and the agreed repayment of old debt are taken, the rest is for
 * the purse. A repeated once_key with the same lines answers the first sale; with others
 * ERR_IDEMPOTENCY. ERR_SHIFT_CLOSED, ERR_NOT_FOUND (account), ERR_CONFLICT (closed contract),
 * amount errors with the field in why; ERR_BAD_VALUE for accounts of two sites. */
MUST_USE enum err sale_create(struct db *db, const struct sale_new *n, struct utc now,
	struct sale *out, struct problem *why);
/* Rows of struct sale_listed; its argument is the seller, a user. */
extern const struct listing sale_listing;
struct sale_listed {
	int64_t id;
	int64_t shift_id;
	char method[12];
	int64_t total_fen;
	struct utc created_at;
	int64_t entry_id;
	int64_t reprints;
	char zone[64];
	char shops[2049];    /* rooms and names of those it was for */
	int64_t reversed_by; /* 0: it stands */
};
/* Rows of struct sale_line, in order. */
MUST_USE enum err sale_lines(struct db *db, int64_t sale_id, struct rows *out);
/* One more copy of a receipt, counted and audited; site_id 0: any. ERR_NOT_FOUND. */
MUST_USE enum err sale_reprint(struct db *db, int64_t site_id, int64_t id, const char *actor,
	const char *address, struct utc now, struct sale *out);
