#pragma once
/* Sales at the desk, in a cashier's open shift. */
#include "domain/account.h"

struct shift {
	int64_t id;
	int64_t user_id;
	struct utc opened_at;
	struct utc closed_at;
	int64_t counted_fen;
	int64_t sales_fen; /* all methods */
	int64_t cash_fen;  /* what the drawer should hold */
	int64_t count;
};

struct sale_line {
	int64_t account_id;
	int64_t amount_fen;
};
#define SALE_LINES_MAX 20

struct sale_new {
	int64_t user_id;
	const char *actor;
	const char *method; /* cash pos transfer */
	const struct sale_line *lines;
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
	struct utc created_at;
	int64_t entry_id;
};

/* ERR_CONFLICT when the user already has an open shift. */
MUST_USE enum err shift_open(struct db *db, int64_t user_id, struct utc now, struct shift *out);
/* ERR_NOT_FOUND when there is none. */
MUST_USE enum err shift_current(struct db *db, int64_t user_id, struct shift *out);
/* The counted cash against what the drawer should hold; the difference is posted to over_short. */
MUST_USE enum err shift_close(struct db *db, int64_t id, int64_t user_id, int64_t counted_fen,
	struct utc now, struct shift *out, struct problem *why);

/* One entry, one receipt, balances and blocks in one transaction. Repeated once_key: the first sale
 * is returned. ERR_SHIFT_CLOSED, ERR_NOT_FOUND (account), amount errors with the field in why. */
MUST_USE enum err sale_create(struct db *db, const struct sale_new *n, struct utc now,
	struct sale *out, struct problem *why);
