#pragma once
/* A payment service's bill of one day against what our books say of that day. Each row of the bill
 * ends either as matched or in exactly one difference; so does each payment and refund of ours. */
#include "base/clock.h"
#include "base/money.h"

enum difference_kind {
	DIFF_NONE,		  /* matched */
	DIFF_MISSING_HERE,	  /* paid there, not booked here */
	DIFF_SECOND,		  /* the same, and its order was paid by another transaction */
	DIFF_MISSING_THERE,	  /* booked here, on no bill */
	DIFF_AMOUNT,		  /* booked with another amount */
	DIFF_REFERENCE,		  /* booked under another order number */
	DIFF_TWICE,		  /* the same payment or refund again, here or on an earlier bill */
	DIFF_FEE,		  /* the fee is not the agreed one */
	DIFF_REFUND_MISSING_HERE, /* given back there, unknown here */
	DIFF_REFUND_MISSING_THERE, /* given back here, on no bill */
	DIFF_REFUND_AMOUNT,
	DIFF_REFUND_STATE, /* given back by one of the two, failed by the other */
	DIFF__MAX
};
const char *difference_word(enum difference_kind k);	/* "missing_here" */
enum difference_kind difference_find(const char *word); /* DIFF_NONE: there is none */
/* Of refunds; their money counts the other way. */
bool difference_is_of_refund(enum difference_kind k);

enum order_known { ORDER_UNKNOWN, ORDER_UNPAID, ORDER_PAID };

struct bill_line {
	bool refund;
	const char *transaction_id, *out_trade_no;
	const char *out_refund_no; /* refunds; "" if not said */
	int64_t amount_fen;
	struct money fee;
	bool failed; /* a refund that did not happen */
	bool before; /* the bill of an earlier day has it already */
	enum order_known order;
};

struct booked_payment {
	const char *transaction_id;
	const char *out_trade_no; /* "": of nobody's */
	int64_t amount_fen;
	struct utc at;	/* by the service's clock */
	bool elsewhere; /* stands on the bill of another day */
};

enum booked_refund_state { BOOKED_REFUND_OPEN, BOOKED_REFUND_DONE, BOOKED_REFUND_FAILED };
struct booked_refund {
	const char *out_refund_no;
	int64_t amount_fen;
	enum booked_refund_state state;
	struct utc at; /* when it was done */
	bool elsewhere;
};

/* Clocks of two services differ; what stands so close to midnight may be on the next bill. */
#define RECONCILE_EDGE_MS (10 * 60 * 1000)
#define RECONCILE_NO_FEE (-1)

struct bill_day {
	const struct bill_line *lines;
	size_t lines_n;
	/* All that the lines name, and all of the day. */
	const struct booked_payment *payments;
	size_t payments_n;
	const struct booked_refund *refunds;
	size_t refunds_n;
	struct utc from, to;		/* the day */
	bool before_waits, after_waits; /* the bill of the day before, after, is not there yet */
	int64_t fee_per_10000;		/* agreed, of each payment; RECONCILE_NO_FEE: not checked */
};

#define RECONCILE_NONE SIZE_MAX
struct difference_found {
	enum difference_kind kind;
	size_t line;	/* of the bill, or RECONCILE_NONE */
	size_t booked;	/* of payments, or of refunds, or RECONCILE_NONE */
	size_t ordinal; /* of several alike: 0, 1 … */
};

struct reconciled {
	struct difference_found *found;
	size_t n;
	size_t matched; /* lines */
	size_t late;	/* of ours, close to midnight: the next bill will tell */
};
void reconciled_free(struct reconciled *r); /* for AUTO() */

void reconcile(const struct bill_day *in, struct reconciled *out);
