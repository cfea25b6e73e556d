#pragma once
/* Meters that keep their credit themselves (billing "meter"). What is paid into the purse of such a
 * meter goes on into the meter:
 *
 *   purse -> meter_transit (a purchase is desired) -> meter_credit:<meter> (the meter was read to
 *   have it), or back to the purse (it certainly has not)
 *
 * and what the meter takes off by its own prices goes meter_credit -> energy or water, once a day.
 * One purchase of a meter at a time. What nobody can explain blocks the meter's sales until a
 * person decides. Lock order: meter_credit, purchase, purse. */
#include "db/listing.h"
#include "domain/account.h"
#include "rules/hold.h"
#include "rules/purchase.h"

/* One round of the worker: begins purchases, books the ends of those that are over, blocks meters
 * that show another count than we know, books the use of yesterday. */
MUST_USE enum err credit_work(struct db *db, struct utc now);

struct credit_view {
	int64_t meter_id;
	char unit[5]; /* "yuan" "kwh" "m3" */
	int64_t count;
	int64_t remaining_milli; /* as the meter shows it now */
	struct utc read_at;
	int64_t booked_milli;
	struct money worth;
	struct price price;
	bool blocked;
	char blocked_why[65];
};
/* ERR_NOT_FOUND for a meter that keeps no credit. */
MUST_USE enum err credit_get(struct db *db, int64_t meter_id, struct credit_view *out);

struct purchase_view {
	int64_t id;
	int64_t account_id;
	int64_t count;
	int64_t amount_milli;
	struct money worth;
	char state[9];
	char word[17];
	struct utc created_at;
	struct utc sent_at;
	struct utc ended_at;
	char error[801];
};
/* Rows of struct purchase_view; args: the meter. */
extern const struct listing purchase_listing;

enum credit_decision {
	CREDIT_ACCEPT, /* the meter is right: it has the purchase, and its count is the count */
	CREDIT_RETRY,  /* the meter has not got it: write it again, as the next count */
	CREDIT_REFUND, /* the meter has not got it: the money goes back to the purse */
	CREDIT_DECISION__MAX
};
MUST_USE enum err credit_decision_parse(const char *word, enum credit_decision *out);

struct credit_deciding {
	int64_t meter_id;
	enum credit_decision decision;
	const char *reason;
	const char *actor, *address;
	struct utc now;
};
/* A person says what is so; the meter sells again. ERR_CONFLICT when it is not blocked, or there is
 * no purchase to retry or refund, or the meter was not read within two minutes. */
MUST_USE enum err credit_decide(
	struct db *db, const struct credit_deciding *d, struct problem *why);

/* What a model's meters keep. */
struct credit_facts {
	const char *unit;   /* "yuan" "kwh" "m3" */
	int64_t step_milli; /* resolution, thousandths of the unit */
	bool adds;
	struct hold_facts hold; /* of its tariff */
	bool prepaid;		/* its own control can be switched off */
};
struct credit_converting {
	int64_t meter_id;
	bool to_meter; /* else to account */
	struct credit_facts facts;
	struct price price; /* of a unit; for kwh and m3 */
	const char *reason;
	const char *once_key;
	const char *actor, *address;
	bool preview; /* tell, and change nothing */
	struct utc now;
};
struct credit_converted {
	struct money
		moves; /* to the meter: what its purse holds; to the account: what comes back */
	int64_t remaining_milli;
	int64_t count;
	struct tariff_hold held; /* to the meter: what it will be told of its tariff */
};
/* From one kind of credit to the other. To the meter: its purse's money follows as a purchase. To
 * the account: use up to now is booked, the rest of the credit comes back to the purse, and the
 * meter's own control has to be off from now on.
 * ERR_CONFLICT when the meter cannot hold its tariff, while a purchase is on its way or the meter
 * is blocked, when it was not read within two minutes, when nobody holds it, or when it is so
 * already. */
MUST_USE enum err credit_convert(struct db *db, const struct credit_converting *c,
	struct credit_converted *out, struct problem *why);
