#pragma once
/* Purchases on their way into a meter, as the process that owns its bus sees them. What is to be
 * done next is decided by rules/purchase.h from what the meter was last read to hold; the money
 * follows in domain/credit.h. */
#include "domain/act.h"
#include "rules/purchase.h"

struct purchase_due {
	int64_t purchase_id;
	int64_t meter_id;
	int64_t gateway_id;
	struct utc try_at;
};
/* Rows of struct purchase_due: purchases that are not over, by id. */
MUST_USE enum err purchases_due(struct db *db, struct rows *out);

struct purchase_ask {
	struct lease lease;
	int64_t purchase_id;
	enum identity identity; /* anything but sure: nothing is written */
	struct utc now;
};
enum purchase_answer {
	PURCHASE_NOTHING,    /* it is over, or not now */
	PURCHASE_READ_FIRST, /* read the meter, then ask again */
	PURCHASE_GO,	     /* committed as sent: write the frame */
};
struct purchase_order {
	enum purchase_answer answer;
	int64_t purchase_id;
	int64_t meter_id;
	int64_t count; /* to write, as the next */
	int64_t milli;
	bool release; /* the supply is left to the meter: end a forced state first */
};
/* One transaction under the lease: decides the purchase's state from the newest reading, and when a
 * frame is due, commits it as sent. ERR_FENCED: the buses belong to somebody else. */
MUST_USE enum err purchase_begin(
	struct db *db, const struct purchase_ask *ask, struct purchase_order *out);

enum purchase_result {
	PURCHASE_WRITTEN,  /* the meter acknowledged: it is read back next */
	PURCHASE_REFUSED,  /* certainly not acted */
	PURCHASE_LOST,	   /* may have acted */
	PURCHASE_NOT_SENT, /* the frame never left */
};
MUST_USE enum err purchase_sent(struct db *db, const struct lease *l, int64_t purchase_id,
	enum purchase_result result, const char *error, struct utc now);
