#pragma once
/* Requests for invoices. The tax platform issues them; here stands what was asked for and what
 * became of it, so that no recharge is invoiced twice or for more than was paid.
 *
 * asked -> issued, refused (staff) or withdrawn (tenant); issued -> voided (staff, by a red
 * invoice). A recharge is in at most one request that is asked or issued: a unique key of
 * invoice_order. Whatever changes a request holds the lock of its account, as refunds do. */
#include "base/zone.h"
#include "db/listing.h"

#define INVOICE_ORDERS_MAX 50
#define INVOICE_TITLE_MAX 401
#define INVOICE_NUMBER_MAX 161

struct invoice {
	int64_t id;
	int64_t site_id;
	int64_t account_id;
	char purpose[33];
	int64_t tenant_id;
	char tenant_code[129];
	char tenant_name[257];
	char room[129];
	char kind[9]; /* "personal" "company" */
	char title[INVOICE_TITLE_MAX];
	char tax_no[81];
	char email[401];
	char note[801];
	char state[10];	    /* "asked" "issued" "refused" "withdrawn" "voided" */
	int64_t amount_fen; /* when it was asked for or last looked at; of an issued one its own */
	int64_t left_fen;   /* paid less refunded now */
	bool changed;	    /* asked or issued, and these two differ */
	int64_t count;	    /* of its recharges */
	struct utc asked_at;
	char number[INVOICE_NUMBER_MAX]; /* "": not issued */
	char date[DAY_TEXT_MAX];	 /* "": not issued */
	char url[2001];
	char reason[801]; /* why refused or voided */
	char red_number[INVOICE_NUMBER_MAX];
	struct utc decided_at;
	char decided_by[257];
	struct utc voided_at;
	char voided_by[257];
};

/* A recharge of a request. */
struct invoice_order {
	int64_t id; /* of the order */
	char out_trade_no[129];
	int64_t paid_fen;
	int64_t refunded_fen; /* or on its way back */
	int64_t amount_fen;   /* in the request */
	struct utc paid_at;
};

struct invoice_new {
	int64_t user_id; /* a tenant's login */
	const char *actor, *address;
	const int64_t *orders;
	size_t orders_n;
	const char *kind, *title, *tax_no, *email, *note;
	const char *once_key;
};
/* For the paid recharges of one account. ERR_BAD_VALUE for what cannot be; ERR_NOT_FOUND for an
 * order that is not the caller's; ERR_CONFLICT for one that is not paid, or of which nothing is
 * left; ERR_ALREADY for one that is in a request already. The same again finds the first. */
MUST_USE enum err invoice_ask(struct db *db, const struct invoice_new *n, struct utc now,
	struct invoice *out, struct problem *why);

/* To whom the caller's last request was made out. ERR_NOT_FOUND: there was none. */
struct invoice_title {
	char kind[9];
	char title[INVOICE_TITLE_MAX];
	char tax_no[81];
	char email[401];
};
MUST_USE enum err invoice_title_last(struct db *db, int64_t user_id, struct invoice_title *out);

/* A tenant's own, and as staff see it (site_id that they are confined to; 0: none). */
MUST_USE enum err invoice_get_own(struct db *db, int64_t user_id, int64_t id, struct invoice *out);
MUST_USE enum err invoice_get(struct db *db, int64_t site_id, int64_t id, struct invoice *out);
/* Rows of struct invoice_order. */
MUST_USE enum err invoice_orders(struct db *db, int64_t id, struct rows *out);

/* Rows of struct invoice; args: the user. */
extern const struct listing my_invoice_listing;
/* Rows of struct invoice; args: the site (0: every). */
extern const struct listing invoice_listing;

/* What becomes of it. Each the same again is answered as it is; where the state does not allow it,
 * ERR_CONFLICT. */
struct invoice_act {
	int64_t id;
	int64_t site_id; /* that the caller is confined to; 0: none */
	const char *actor, *address;
	struct utc now;
};
MUST_USE enum err invoice_withdraw(struct db *db, const struct invoice_act *a, int64_t user_id,
	struct invoice *out, struct problem *why);

struct invoice_issued {
	const char *number;
	struct day date;
	const char *url;    /* "": none */
	int64_t amount_fen; /* what the invoice says; 0: not told */
};
/* When less or more is left to invoice than the request says, the request is made to say what is
 * left, and the answer is ERR_CONFLICT. ERR_ALREADY for a number that another request has;
 * ERR_OUT_OF_RANGE for a day that is to come. The tenant is told. */
MUST_USE enum err invoice_issue(struct db *db, const struct invoice_act *a,
	const struct invoice_issued *i, struct invoice *out, struct problem *why);
/* The tenant is told. */
MUST_USE enum err invoice_refuse(struct db *db, const struct invoice_act *a, const char *reason,
	struct invoice *out, struct problem *why);
/* A red invoice has voided it: its recharges may be asked for anew. */
MUST_USE enum err invoice_void(struct db *db, const struct invoice_act *a, const char *reason,
	const char *red_number, struct invoice *out, struct problem *why);
