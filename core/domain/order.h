#pragma once
/* Recharges through a payment service. The browser is never believed. */
#include "domain/account.h"

struct order {
	int64_t id;
	char out_trade_no[33];
	int64_t account_id;
	int64_t user_id;
	int64_t meter_id; /* by whose code somebody of another shop pays; 0: an order of its own
			     people */
	int64_t amount_fen;
	char channel[25];
	char service[17];
	char state[8]; /* created pending paid closed */
	char payer_address[65];
	char payer_id[257];    /* the payer's openid, where the channel needs it */
	char description[509]; /* what the payer reads */
	char pay[4096];	       /* JSON for the page; "" until the service has answered */
	char transaction_id[65];
	struct utc created_at;
	struct utc expires_at;
	struct utc paid_at;
	struct utc credited_at;
	int64_t entry_id;
	struct utc supply_restored_at;
	bool supply_was_off;
	int64_t queries;
};

struct order_new {
	int64_t account_id;
	int64_t meter_id; /* by whose code somebody of another shop pays; 0: their own purse */
	int64_t user_id;
	int64_t amount_fen;
	const char *channel; /* "wechat_native" */
	const char *service; /* "wechat" */
	const char *payer_address;
	const char *payer_id; /* NULL: the channel needs none */
};

/* What of the order o was refunded, or is on its way back; SQL. */
#define ORDER_REFUNDED                                                                             \
	"CAST((SELECT COALESCE(SUM(f.amount_fen), 0) FROM refund f WHERE f.order_id = o.id AND"    \
	" f.state <> 'failed') AS SIGNED)"

#define ORDER_LIFE_MS (30 * 60 * 1000)

/* What a site allows: its settings order_min_fen, order_max_fen, open_orders_most, pay_for_others.
 */
struct order_limits {
	int64_t min_fen, max_fen;
	int64_t open_most; /* unpaid orders of one login at a time; 0: any number */
	bool others;	   /* may be paid for */
};
MUST_USE enum err order_limits_get(struct db *db, int64_t site_id, struct order_limits *out);

/* Against the hoarding of credit: ERR_AMOUNT_LARGE when the balance would grow beyond the site's
 * setting balance_cap_fen. */
MUST_USE enum err balance_cap_check(struct db *db, const struct account *a, int64_t fen,
	const char *field, struct problem *why);

/* Commits a row in state created, before any service is called. Checks amount and cap, and whether
 * the account takes recharges: ERR_CONFLICT closed, ERR_BLOCKED blocked by staff; ERR_ORDERS_OPEN
 * when the login has too many unpaid orders. What the payer reads is composed once and kept, since
 * the same order is opened by the same bytes however often. */
MUST_USE enum err order_create(struct db *db, const struct order_new *n, struct utc now,
	struct order *out, struct problem *why);
MUST_USE enum err order_get(struct db *db, int64_t id, struct order *out);
MUST_USE enum err order_find(struct db *db, const char *out_trade_no, struct order *out);
/* The same, locked until the end of the transaction; its account is locked before. */
MUST_USE enum err order_lock(struct db *db, int64_t id, struct order *out);
/* The service has answered: created -> pending with what the page needs. Later states stay. */
MUST_USE enum err order_opened(struct db *db, int64_t id, const char *pay_json);
/* The service says closed, or refuses for good: created, pending -> closed. Paid stays paid. */
MUST_USE enum err order_closed(struct db *db, int64_t id, struct utc now);

/* A verified payment: from a notify or from a query. */
struct payment {
	const char *service;
	const char *out_trade_no;
	const char *transaction_id;
	int64_t amount_fen;
	const char *currency; /* "CNY" */
	struct utc paid_at;
};
enum credit_outcome {
	CREDIT_DONE,
	CREDIT_REPEATED, /* was credited before by the same transaction id */
	CREDIT_SECOND,	 /* a second transaction on one order number: booked to suspense, alarmed */
	CREDIT_UNKNOWN_ORDER, /* kept and alarmed, not credited */
	CREDIT_AMOUNT, /* amount or currency differ from the order: kept, alarmed, not credited */
	CREDIT_OUTCOME__MAX
};
const char *credit_outcome_word(enum credit_outcome o);
/* The one transaction of a recharge: order paid, entry, balance, arrears lifted, receipt in the
 * outbox, notify recorded. Safe to repeat. via is "notify" or "query". */
MUST_USE enum err order_credit(struct db *db, const struct payment *p, const char *via,
	struct utc now, enum credit_outcome *out);
/* Keeps a notification that was refused (bad signature, foreign merchant, not a payment). */
MUST_USE enum err order_notify_refused(struct db *db, const char *service, const char *out_trade_no,
	const char *outcome, const char *detail, struct utc now);

/* How many orders wait for a question to this service. */
MUST_USE enum err orders_due(struct db *db, const char *service, struct utc now, int64_t *n);
/* Takes the one that has waited longest, and plans its next question: after 5 s, 15 s, 30 s, then
 * each 45 s until expiry and its grace, then each hour. So a crash loses one question, and no two
 * workers ask the same. ERR_NOT_FOUND: none is due. */
MUST_USE enum err order_claim(
	struct db *db, const char *service, struct utc now, struct order *out);
/* The next question of an order that is not final is due at once. */
MUST_USE enum err order_ask_now(struct db *db, int64_t id, struct utc now);
/* "YF-20261122-000481" of an entry. */
void receipt_no(int64_t entry_id, struct utc at, const char *zone, char out[static 32]);
