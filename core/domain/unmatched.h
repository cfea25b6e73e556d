#pragma once
/* Payments that are nobody's: their order is not known, their amount or currency is another than
 * the order's, or the order was paid before. Each waits until finance gives it to a purse, back to
 * its payer, or says why it needs neither. Refunds that nobody asked for here are listed among
 * them. */
#include "domain/approval.h"
#include "domain/order.h"

struct unmatched {
	int64_t id;
	char service[65];
	char transaction_id[257];
	char out_trade_no[257];
	int64_t order_id; /* 0: there is none */
	int64_t site_id;  /* of the order; 0 */
	char zone[65];
	int64_t amount_fen;
	char currency[13];
	char why[65]; /* "unknown_order" "amount" "second_payment" "refund" */
	struct utc paid_at;
	struct utc seen_at;
	char state[33];		   /* "open" "matched" "credited" "refunded" "closed" */
	int64_t suspense_entry_id; /* 0: not booked */
	int64_t account_id;	   /* credited to */
	int64_t entry_id;
	int64_t refund_id; /* the newest */
	char once_key[513];
	struct utc resolved_at;
	char resolved_by[257];
	char note[801];
};

struct unmatched_new {
	const char *service, *transaction_id, *out_trade_no;
	int64_t amount_fen;
	const char *currency;
	struct utc paid_at;
	int64_t order_id; /* 0: none */
	const char *why;
	int64_t suspense_entry_id; /* 0: not booked */
};
/* The members that a struct payment has. */
#define UNMATCHED_OF(p)                                                                            \
	.service = (p)->service, .transaction_id = (p)->transaction_id,                            \
	.out_trade_no = (p)->out_trade_no, .amount_fen = (p)->amount_fen,                          \
	.currency = (p)->currency, .paid_at = (p)->paid_at

/* Keeps it, once per transaction of a service; inside db_tx. One that was told of before and lies
 * in suspense now becomes what lies there, and waits for a person. *open (may be NULL): it waits
 * for a person still. */
MUST_USE enum err unmatched_keep(
	struct db *db, const struct unmatched_new *n, struct utc now, bool *open);
/* Its money lies in suspense by that entry from now on, whether it was kept before or not; inside
 * db_tx. ERR_CONFLICT when a person has settled it already. */
MUST_USE enum err unmatched_suspended(
	struct db *db, const struct unmatched_new *n, struct utc now, struct problem *why);
/* Its order was credited by this very transaction after all: nobody needs to look. Inside db_tx. */
MUST_USE enum err unmatched_matched(struct db *db, const char *service, const char *transaction_id,
	int64_t order_id, const char *actor, struct utc now);

MUST_USE enum err unmatched_get(struct db *db, int64_t site_id, int64_t id, struct unmatched *out);
/* Rows of struct unmatched; args: the site (0: every, and what is of none). */
extern const struct listing unmatched_listing;
MUST_USE enum err unmatched_open(struct db *db, int64_t *n);

enum unmatched_how {
	UNMATCHED_CREDIT, /* to a purse, as a whole */
	UNMATCHED_REFUND, /* back through its service */
	UNMATCHED_CLOSE,  /* settled elsewhere; not for money that lies in suspense */
	UNMATCHED__MAX
};
struct unmatched_act {
	int64_t id;
	enum unmatched_how how;
	int64_t account_id;   /* UNMATCHED_CREDIT */
	int64_t site_id;      /* that the caller is confined to; 0: none */
	int64_t book_site_id; /* whose books a refund without an order goes into */
	int64_t user_id;
	const char *actor, *address;
	const char *reason;
	const char *once_key;
};
/* Above the setting refund_limit_fen money moves only with a second person: *approval_id is not 0
 * then, and nothing was done. ERR_CONFLICT when it was settled before, for another currency than
 * yuan, or for what is no payment. The same request again finds what it did. */
MUST_USE enum err unmatched_settle(struct db *db, const struct unmatched_act *a, struct utc now,
	struct unmatched *out, int64_t *approval_id, struct problem *why);
MUST_USE enum err unmatched_approved(struct db *db, const struct approval *a, const json_t *params,
	const char *actor, struct utc now, struct problem *why);
/* A refund of it came to nothing: the money lies in suspense again. Inside db_tx. */
MUST_USE enum err unmatched_again(struct db *db, int64_t id);
