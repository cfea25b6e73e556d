#pragma once
/* What a tenant sees and sets. Every query joins the caller's own shops, so that a foreign id is
 * simply not there (ERR_NOT_FOUND). */
#include "db/listing.h"
#include "domain/account.h"
#include "domain/order.h"
#include "domain/payee.h"

struct me_account {
	int64_t id;
	int64_t site_id;
	char purpose[12];
	int64_t tenant_id;
	char tenant_code[129];
	char tenant_name[257];
	char room[129];
	char zone[64];
	struct money balance;
	struct money subsidy; /* of it */
	struct money credit_limit;
	char warn_unit[5]; /* "yuan" "kwh" "m3" */
	struct money warn1;
	struct money warn2;
	struct qty qty1; /* the thresholds as they were said, in units */
	struct qty qty2;
	char level[8];
	struct money emergency_limit;
	struct utc emergency_at;
	int64_t meter_id; /* the first that it pays for; 0: none */
	char meter_code[129];
	char meter_name[257];
	char serial[129];
	char utility[12];
	char area[257];
	int64_t contract_id;
	int64_t supply_point_id;
	bool switchable;
	char desired[8];
	char desired_reason[17];
	char observed[8];
	struct utc observed_since;
	char comm[8];
	struct utc read_at;
	int64_t last_amount_fen; /* 0: never recharged */
	struct utc told_at;	 /* the newest notice; 0: none */
};
/* Accounts of contracts that are in force, or of those that have ended. Rows of struct me_account.
 */
MUST_USE enum err me_account_list(
	struct db *db, int64_t user_id, bool ended, struct utc now, struct rows *out);
/* One that is in force. */
MUST_USE enum err me_account_get(
	struct db *db, int64_t user_id, int64_t account_id, struct utc now, struct me_account *out);
/* The same, also of a contract that has ended: whoever has left may still see what was charged. */
MUST_USE enum err me_account_seen(
	struct db *db, int64_t user_id, int64_t account_id, struct utc now, struct me_account *out);

/* The price of the next unit of an account's meter. ERR_NOT_FOUND without a tariff in force. */
struct me_price {
	struct price price;
	char rate[129];
	int tier;	 /* from 1 */
	struct qty used; /* of the present cycle of tiers */
};
MUST_USE enum err me_price_now(
	struct db *db, const struct me_account *a, struct utc now, struct me_price *out);

/* A meter that the caller pays for now, as me_price_now() wants it: ids and zone are filled.
 * ERR_NOT_FOUND: there is no such meter of the caller's. */
MUST_USE enum err me_meter_get(
	struct db *db, int64_t user_id, int64_t meter_id, struct utc now, struct me_account *out);

/* As one side of it sees it. Whoever pays for a shop of others is told neither its purse nor its
 * balance, and of its supply that it came back; the shop, that it was paid, not by whom. */
struct me_order {
	int64_t id;
	char out_trade_no[129];
	char transaction_id[257]; /* the payer's, as the service's number; "": not paid */
	int64_t account_id;	  /* 0: of others */
	bool by_another;	  /* somebody else paid for the caller's shop */
	char room[129];		  /* of others; "" */
	char name[NAME_MASKED_MAX];
	char utility[12]; /* of the meter; "" without one */
	char meter_code[129];
	char meter_name[257];
	int64_t amount_fen;
	char channel[25];
	char state[8];
	char description[509];
	char pay[4096];
	struct utc created_at;
	struct utc expires_at;
	struct utc paid_at;
	struct utc credited_at;
	bool paid_after_close;
	int64_t refunded_fen; /* or on its way back */
	int64_t invoice_id;   /* its request for an invoice that is asked or issued; 0: none */
	int64_t entry_id;
	char zone[64];
	struct money balance;
	char desired[8];
	char observed[8];
	struct utc observed_since;
	char comm[8];
	struct utc restored_at; /* of others: their supply was read back on after it; 0: not yet */
	bool followed;		/* the supply is told as it is now */
};
#define ORDER_FOLLOWED_MS                                                                          \
	(3600 * INT64_C(1000)) /* so long after the credit, to who paid for others */
MUST_USE enum err me_order_get(
	struct db *db, int64_t user_id, int64_t order_id, struct utc now, struct me_order *out);
/* Args of the next: rows of struct me_order. */
#define MY_ORDER_ARGS(user_id, now)                                                                \
	ARGS(arg_i64((now).ms - ORDER_FOLLOWED_MS), arg_i64(user_id), arg_i64(user_id))
extern const struct listing my_order_listing;

#define OPENID_MAX 257
/* Who the caller is at an application of WeChat's. ERR_NOT_FOUND: never logged in from there. */
MUST_USE enum err me_openid(
	struct db *db, int64_t user_id, const char *app_id, char out[static OPENID_MAX]);

struct me_notice {
	int64_t id;
	struct utc at;
	char kind[25];
	char text[1201];
	int64_t account_id;
	char channel[17];
	char state[12]; /* of the copy that got furthest: "delivered" "sent" "pending" "unknown"
			 * "undelivered" "failed" */
	char way[17];	/* by which it did; "": by none yet */
	struct utc sent_at;
	struct utc delivered_at;
};
/* Rows of struct me_notice; args: the user. */
extern const struct listing my_notice_listing;

/* The language of the caller's shops. */
MUST_USE enum err me_language(struct db *db, int64_t user_id, char out[static 3]);
MUST_USE enum err me_set_language(struct db *db, int64_t user_id, const char *language);
/* How the caller's shops want to be told: "wechat_or_sms" "sms" "both". */
MUST_USE enum err me_channels(struct db *db, int64_t user_id, char out[static 14]);
MUST_USE enum err me_set_channels(struct db *db, int64_t user_id, const char *channels);

struct me_sub_tenant {
	int64_t id;
	char name[257];
	int64_t supply_point_id;
	int64_t meter_id;
	char meter_code[129];
	char meter_name[257];
	bool switchable;
	char desired[8];
	char desired_reason[17];
	char observed[8];
	struct utc observed_since;
	char comm[8];
	bool switched_off;
};
MUST_USE enum err me_sub_tenant_get(
	struct db *db, int64_t user_id, int64_t id, struct me_sub_tenant *out);
/* Rows of struct me_sub_tenant; args: the user. */
extern const struct listing sub_tenant_listing;
