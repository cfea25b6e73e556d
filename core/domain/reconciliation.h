#pragma once
/* Each day the payment services' bills against our orders, refunds and entries. A bill is kept as
 * it came, every revision of it; what does not tie is a difference, found once however often it is
 * looked for, and resolved by a person with an entry, or by itself when it ties later. */
#include "db/listing.h"
#include "rules/reconcile.h"
#include "base/zone.h"

struct reconciliation {
	int64_t id;
	char service[65];
	char day[DAY_TEXT_MAX]; /* in Beijing */
	char state[9];		/* waiting fetched ties differs resolved */
	int64_t revision;	/* of the bill; 0: not there yet */
	char sha256[257];
	int64_t rows_n, matched, late, unresolved;
	int64_t paid_fen, refunded_fen;
	struct money fee, fee_booked;
	struct utc fetched_at, changed_at, fetch_at;
	int64_t tries;
	char error[801];
	char claimed_by[321];
	struct utc created_at;
};

/* Beijing's day of an instant, and its first instant. Services' days, wherever the site is. */
struct day beijing_day(struct utc t);
struct utc beijing_start(struct day d);

struct reconciliation_rules {
	int64_t from_hour;     /* of Beijing's day: from then on yesterday's bill is asked for */
	int64_t back_days;     /* how far missed days are caught up */
	int64_t fee_per_10000; /* agreed with this service; RECONCILE_NO_FEE: not checked */
};
#define RECONCILIATION_FROM_HOUR 10
#define RECONCILIATION_BACK_DAYS 30

/* Makes the rows of days whose bill should be there: from the first order of the service on, at
 * most back_days. */
MUST_USE enum err reconciliation_plan(
	struct db *db, const char *service, const struct reconciliation_rules *r, struct utc now);

/* By hand: the bill of this day is to be fetched, whether it was before or not. */
MUST_USE enum err reconciliation_ask(struct db *db, const char *service, struct day day,
	const char *actor, const char *address, struct utc now, struct reconciliation *out);
/* A known one again. */
MUST_USE enum err reconciliation_again(struct db *db, int64_t id, const char *actor,
	const char *address, struct utc now, struct reconciliation *out);

/* Takes the next bill that is to be fetched, of this service, for RECONCILIATION_CLAIM_MS.
 * ERR_NOT_FOUND: there is none. */
#define RECONCILIATION_CLAIM_MS 120000
MUST_USE enum err reconciliation_claim(struct db *db, const char *service, const char *owner,
	struct utc now, struct reconciliation *out);
/* It could not be had; it is asked for again, later each time. Alarms after two days, and at once
 * when the bill contradicts itself (why is ERR_PROTOCOL). */
MUST_USE enum err reconciliation_failed(struct db *db, const struct reconciliation *r, enum err why,
	const char *text, struct utc now);

struct bill_entry { /* a row of a bill; texts are borrowed */
	bool refund;
	const char *out_trade_no, *transaction_id, *out_refund_no, *refund_id, *state;
	int64_t amount_fen;
	struct money fee;
	struct utc at;
};
struct bill {
	const struct bill_entry *rows;
	size_t n;
	int64_t paid_fen, refunded_fen; /* as the service sums them */
	struct money fee;
};
/* Keeps a bill that was claimed, and compares it. The same bill again changes nothing; another one
 * of the same day is kept beside the first, and alarmed. ERR_FENCED: another worker has it now.
 * ERR_PROTOCOL: its rows do not sum to its sums. */
MUST_USE enum err reconciliation_store(struct db *db, const struct reconciliation *r,
	const struct bill *bill, const struct reconciliation_rules *rules, struct utc now);
/* Compares those again that differ, or that wait for the next bill. */
MUST_USE enum err reconciliation_recheck(struct db *db, const char *service,
	const struct reconciliation_rules *rules, struct utc now);
/* Books the fee of those that tie or were resolved: channel_fee <- clearing. */
MUST_USE enum err reconciliation_fees(struct db *db, const char *service, struct utc now);

MUST_USE enum err reconciliation_get(struct db *db, int64_t id, struct reconciliation *out);
/* Rows of struct reconciliation. */
extern const struct listing reconciliation_listing;

struct bill_row {
	int64_t id;
	int64_t revision, line;
	bool refund;
	char out_trade_no[257], transaction_id[257], out_refund_no[257], service_refund_id[257];
	char state[129];
	int64_t amount_fen;
	struct money fee;
	struct utc at;
};
/* Rows of struct bill_row of its newest revision, in order, after this line. */
MUST_USE enum err bill_rows(
	struct db *db, int64_t reconciliation_id, int64_t after, int64_t max, struct rows *out);

struct difference {
	int64_t id;
	int64_t reconciliation_id;
	char service[65];
	char day[DAY_TEXT_MAX];
	char kind[97];
	char out_trade_no[257], transaction_id[257], out_refund_no[257];
	int64_t order_id, entry_id, refund_id; /* of ours; 0: none */
	int64_t bill_fen, book_fen;
	struct money fee;
	char state[9]; /* open waiting resolved */
	struct utc found_at;
	char action[65], reason[801], actor[257];
	struct utc resolved_at;
	int64_t resolution_id; /* entry; 0: none */
};
MUST_USE enum err difference_get(struct db *db, int64_t id, struct difference *out);
/* Rows of struct difference, in order. */
MUST_USE enum err difference_list(struct db *db, int64_t reconciliation_id, struct rows *out);

/* How a kind of difference can be resolved. */
struct difference_action {
	const char *word;
	const char *kinds; /* words, separated by blanks */
	bool second_person;
	const char *help;
};
extern const struct difference_action difference_actions[];
extern const size_t difference_actions_n;
bool difference_takes(const char *kind, const struct difference_action *a);

struct resolving_new {
	int64_t difference_id;
	const char *action, *reason;
	int64_t user_id;
	const char *actor, *address;
	const char *once_key;
};
/* ERR_BAD_VALUE for an action that there is not, ERR_CONFLICT for one that does not fit, or when it
 * was resolved otherwise. The same again is answered as it was. *approval_id is not 0 when a second
 * person decides first. */
MUST_USE enum err difference_resolve(struct db *db, const struct resolving_new *n, struct utc now,
	struct difference *out, int64_t *approval_id, struct problem *why);
struct approval;
MUST_USE enum err difference_approved(struct db *db, const struct approval *a, const json_t *params,
	const char *actor, struct utc now, struct problem *why);

struct service_payout {
	int64_t id;
	char service[65];
	int64_t amount_fen;
	char document[257];
	char reason[801];
	char actor[257];
	struct utc created_at;
	int64_t entry_id;
};
struct payout_new {
	const char *service;
	int64_t amount_fen;
	const char *document, *reason;
	const char *actor, *address;
	const char *once_key;
};
/* The service's money on our bank account: bank <- clearing. ERR_AMOUNT_LARGE for more than it owes
 * by the books; ERR_CONFLICT for a document that was booked before. */
MUST_USE enum err service_payout_book(struct db *db, const struct payout_new *n, struct utc now,
	struct service_payout *out, struct problem *why);
/* Rows of struct service_payout. */
extern const struct listing service_payout_listing;

struct service_owes {
	char service[65];
	struct money owed;	     /* what clearing holds */
	char last_day[DAY_TEXT_MAX]; /* of the newest bill that was had; "" if none */
	int64_t waiting;	     /* bills that could not be had yet */
	int64_t unresolved;	     /* differences */
};
MUST_USE enum err service_owes_get(struct db *db, const char *service, struct service_owes *out);
