#pragma once
/* Orders as staff see them. */
#include "db/listing.h"

struct order_view {
	int64_t id;
	int64_t site_id;
	char out_trade_no[129];
	char transaction_id[257];
	int64_t account_id;
	char purpose[33];
	char tenant_code[129];
	char tenant_name[257];
	char room[129];
	char meter_code[129]; /* the first that the purse pays for now; "" */
	char meter_name[257];
	char description[509];
	int64_t amount_fen;
	char channel[97];
	char service[65];
	char state[33];
	struct utc created_at;
	struct utc expires_at;
	struct utc paid_at;
	struct utc credited_at;
	struct utc closed_at;
	bool paid_after_close;
	bool by_another; /* by a person of another shop, by the code of a meter */
	int64_t entry_id;
	int64_t refunded_fen; /* or on its way back */
	int64_t unmatched;    /* payments that named it and wait for a person */
	struct utc query_at;  /* when the service is asked next; 0: never */
	int64_t queries;
};

/* Rows of struct order_view; args: the site (0: every). */
extern const struct listing order_listing;
MUST_USE enum err order_get_view(
	struct db *db, int64_t site_id, int64_t id, struct order_view *out);
