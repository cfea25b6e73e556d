#pragma once
/* What a stand-in's bill of a day says: every payment and refund of it, unless it was doctored. */
#include "base/zone.h"
#include "sim/svc_state.h"

struct svc_bill_row {
	bool refund;
	char out_trade_no[65], transaction_id[65];
	char out_refund_no[65], refund_id[65]; /* refunds */
	char description[400];
	char state[33]; /* of a refund: as it was when the refund was accepted */
	int64_t amount_fen;
	int64_t total_fen; /* of the order */
	int64_t fee_nano;  /* negative: given back with a refund */
	int64_t at_ms;
};

/* Rows of a Beijing day in order of time; the caller frees *out. Refunds stand in an order's
 * "refunds": [{"out_refund_no", "refund_id", "amount_fen", "state", "ms"}]. Takes the lock. */
size_t svc_bill_rows(struct svc *s, enum svc_kind k, struct day day, struct svc_bill_row **out);

/* Is the bill of this day there? From 09:00 Beijing of the day after, or at once when told so. */
bool svc_bill_is_made(struct svc *s, struct day day, struct utc now);

/* Commands: what is wrong in the bills from now on, and whether there is one of the running day. */
void svc_bills(void *ctx, const struct http_request *req, struct http_reply *reply);
void svc_bills_today(void *ctx, const struct http_request *req, struct http_reply *reply);
