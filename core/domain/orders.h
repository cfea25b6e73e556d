#pragma once
/* Orders as staff see them. */
#include "db/db.h"

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
	int64_t entry_id;
	int64_t refunded_fen; /* or on its way back */
	int64_t unmatched;    /* payments that named it and wait for a person */
	struct utc query_at;  /* when the service is asked next; 0: never */
	int64_t queries;
};

struct order_filter {
	int64_t site_id; /* that the caller is confined to; 0: none */
	int64_t id;	 /* 0 and "": any */
	const char *state, *service;
	int64_t account_id;
	const char *out_trade_no; /* or the service's number */
	bool mismatch;		  /* only those that a payment named which waits for a person */
};
/* Rows of struct order_view, newest first, at most 200. */
MUST_USE enum err order_list(struct db *db, const struct order_filter *f, struct rows *out);
