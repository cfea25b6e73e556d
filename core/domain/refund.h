#pragma once
/* Money that goes back (退电): purse to refund_due, and from there to the drawer, the bank or the
 * payment service. Rows are never removed; a refund that failed is undone by the mirror entry. */
#include "db/listing.h"
#include "domain/approval.h"

struct refund {
	int64_t id;
	int64_t site_id;
	char zone[65];
	int64_t account_id; /* 0: of a payment that was nobody's */
	int64_t tenant_id;  /* whose account it is; 0 */
	char tenant_code[129];
	char tenant_name[257];
	char room[129];
	int64_t order_id;     /* 0: at the desk, or of a payment without an order */
	int64_t unmatched_id; /* that payment; 0 */
	char method[8];	      /* "cash" "bank" "service" */
	char service[65];     /* that pays it back: "wechat" "alipay"; "" at the desk */
	int64_t amount_fen;
	char reason[801];
	char state[10]; /* "requested" "accepted" "person" "done" "failed" */
	char out_refund_no[129];
	char service_refund_id[257]; /* the service's number; "" */
	char actor[257];
	struct utc created_at;
	int64_t entry_id;
	int64_t settled_entry_id;
	struct utc settled_at;
	char settled_by[257];
	char note[801];
	struct utc sent_at; /* first given to its service; 0: not yet */
	struct utc ask_at;  /* when it is sent, or asked about, next; 0: never */
	int64_t asks;
	char said[801]; /* the service's last "no" */
};

struct refund_new {
	int64_t account_id; /* or, of an order, 0 */
	int64_t order_id;   /* 0: at the desk */
	int64_t site_id;    /* that the caller is confined to; 0: none */
	int64_t user_id;
	const char *actor, *address;
	int64_t amount_fen;
	const char *method; /* "cash" "bank", or "service" for an order */
	const char *reason;
	const char *once_key;
};

/* What may be refunded of a purse: whole fen of the balance, without subsidy and allowance. */
struct account;
int64_t refundable_fen(const struct account *a);

/* Cash leaves the drawer of the caller's open shift at once (ERR_SHIFT_CLOSED without one). A bank
 * transfer waits for the person who makes it, that of an order for its service. Above the setting
 * refund_limit_fen it waits for a second person first: *approval_id is not 0, and there is no
 * refund yet. ERR_AMOUNT_LARGE for more than is refundable, of an order for more than it paid;
 * ERR_CONFLICT for an order that was not paid, or that its service does not refund any more. The
 * same request again finds the first. */
MUST_USE enum err refund_create(struct db *db, const struct refund_new *n, struct utc now,
	struct refund *out, int64_t *approval_id, struct problem *why);
MUST_USE enum err refund_approved(struct db *db, const struct approval *a, const json_t *params,
	const char *actor, struct utc now, struct problem *why);

/* A refund that waits for a person is given to its service once more, under the same number.
 * ERR_CONFLICT for any other. */
MUST_USE enum err refund_retry(struct db *db, int64_t id, int64_t site_id, const char *actor,
	const char *address, struct utc now, struct refund *out, struct problem *why);

struct refund_settling {
	int64_t id;
	int64_t site_id; /* that the caller is confined to; 0: none */
	bool done;	 /* or failed: the money is back in the purse */
	const char *note;
	const char *actor, *address;
};
/* How it ended. The same again is answered as it is; the other way round ERR_CONFLICT. */
MUST_USE enum err refund_settle(struct db *db, const struct refund_settling *s, struct utc now,
	struct refund *out, struct problem *why);

MUST_USE enum err refund_get(struct db *db, int64_t site_id, int64_t id, struct refund *out);
/* Rows of struct refund; args: the site (0: every). */
extern const struct listing refund_listing;
