#pragma once
/* What a relay or valve should do, from the blocks and the keep of its supply point, and the trip
 * gate that is asked at the last moment before a supply is cut. Pure. */
#include "base/clock.h"
#include "base/money.h"

enum block_kind {
	BLOCK_SAFETY,
	BLOCK_MANUAL,
	BLOCK_VACANT,
	BLOCK_OVERLOAD,
	BLOCK_SUB_TENANT,
	BLOCK_SCHEDULE,
	BLOCK_FEE,
	BLOCK_ARREARS,
	BLOCK__MAX
};
const char *block_word(enum block_kind k); /* "arrears" */
MUST_USE enum err block_parse(const char *word, enum block_kind *out);

enum billing { BILLING_ACCOUNT, BILLING_METER, BILLING_POSTPAID, BILLING_NONE, BILLING__MAX };
const char *billing_word(enum billing b); /* "account" */
MUST_USE enum err billing_parse(const char *word, enum billing *out);

enum supply_want { WANT_ON, WANT_OFF, WANT_AUTO, WANT__MAX };
const char *want_word(enum supply_want w); /* "on" "off" "auto" */
MUST_USE enum err want_parse(const char *word, enum supply_want *out);

struct supply_facts {
	bool blocks[BLOCK__MAX];
	struct utc keep_until; /* 0: no keep */
	bool protected_load;
	enum billing billing;
	struct utc now;
};

struct supply_decision {
	enum supply_want want;
	const char *reason; /* "safety" "manual" "vacant" "protected" "overload" "sub_tenant" "keep"
			     * "schedule" "fee" "arrears" "none": the row that decided */
	bool gated;	    /* an off that must pass the trip gate */
};

/* The precedence table; first match wins. Doubt is not a row here: the gate asks it. Fee and
 * arrears count for billing account and meter only: other meters are never cut for money. */
struct supply_decision supply_decide(const struct supply_facts *f);

/* Everything that the gate wants to know before a supply is cut. */
struct gate_facts {
	const char *reason; /* of the decision: "arrears", "fee", "schedule", "overload" */
	struct utc now;
	struct utc read_at; /* last accepted reading of this meter */
	bool plausible;	    /* the last reading was accepted */
	bool identity_sure; /* serial number is the expected one, or the model has none */
	bool quiet;	    /* inside no-trip hours or a no-trip holiday */
	bool warned;	    /* the final warning was sent, or a person has taken note */
	bool protected_load;
	bool payment_in_flight; /* and the one delay per crossing is not used up */
	bool lease_held;
	bool clock_sane;
	bool brake; /* mass-trip brake pulled for the site */
};
#define GATE_FRESH_MS 120000 /* a reading older than this never cuts */
#define GATE_PERMIT_MS 5000  /* how long a "go" lasts */

/* "go", or the word of the first thing that stands against it: "stale" "implausible" "identity"
 * "quiet" "unwarned" "protected" "payment" "lease" "clock" "brake". For "overload" and "schedule"
 * quiet, unwarned and payment are not asked, nor, for "overload", the brake; a reason that is not
 * known is asked everything. A reading from more than GATE_PERMIT_MS in the future is stale. */
const char *trip_gate(const struct gate_facts *f);
