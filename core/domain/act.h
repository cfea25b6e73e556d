#pragma once
/* Acts on relays and valves: decided and committed before the frame leaves, and settled by reading
 * back. The bus stays with the poller; here is what the database has to say and to remember. */
#include "domain/lease.h"
#include "domain/supplypoint.h"

/* What is known of the serial number of the meter at this address. */
enum identity { IDENTITY_UNREAD, IDENTITY_SURE, IDENTITY_OTHER };

struct act_ask {
	struct lease lease;
	int64_t supply_point_id;
	enum identity identity;
	int settle_ms;		 /* a valve of this model has moved that long after an act */
	int64_t mass_trip_limit; /* crossings a minute; 0: by the settings of the site */
	struct utc now;
};

enum act_answer {
	ANSWER_GO,	/* the act is committed as sent: write the frame within GATE_PERMIT_MS */
	ANSWER_NOTHING, /* nothing to do: desired and observed agree */
	ANSWER_READ,	/* read the meter first: what it does now is not certain */
	ANSWER_LATER,	/* the trip gate stands against it, see word; asked again in 2 to 30 s */
};

struct act_order {
	enum act_answer answer;
	int64_t act_id;
	int64_t meter_id;
	bool on; /* else off */
	bool gated;
	char word[17]; /* of the gate; "" */
};

/* One transaction under the lease: decides the supply point's state again from what holds now, asks
 * the trip gate, and commits the act. ERR_FENCED: the buses belong to somebody else. */
MUST_USE enum err act_begin(struct db *db, const struct act_ask *ask, struct act_order *out);

enum act_result {
	ACT_RESULT_DONE,    /* read back as wanted */
	ACT_RESULT_REFUSED, /* certainly not acted */
	ACT_RESULT_UNKNOWN, /* may have acted: read before anything else is sent */
	ACT_RESULT_MOVING   /* a valve is on its way; the act stays open */
};

struct act_end {
	struct lease lease;
	int64_t act_id;
	enum act_result result;
	const char *observed; /* "on" "off" "moving", or "" when nothing could be read */
	const char *error;
	struct utc now; /* when it was read back */
};
/* Records what came of it; safe to repeat. A failure plans the next try (2, 5, 10, 30, 60 s), and
 * the fifth in a row raises the alarm supply_stuck. */
MUST_USE enum err act_end(struct db *db, const struct act_end *a);

/* An act that was never sent: the frame did not leave in time or the wish has changed. No failure
 * of the meter. */
MUST_USE enum err act_dropped(
	struct db *db, const struct lease *l, int64_t act_id, const char *why, struct utc now);

/* Acts of former holders of the lease that were never ended are unknown from now on. */
MUST_USE enum err acts_orphaned(struct db *db, const struct lease *l, struct utc now);

/* Supply points that want work now (rows of struct act_due, by id), and the meters that somebody
 * wants to be read (struct read_wanted). */
struct act_due {
	int64_t supply_point_id;
	int64_t meter_id;
	int64_t gateway_id;
	char desired[8];
	struct utc try_at;
};
MUST_USE enum err acts_due(struct db *db, struct rows *out);

struct read_wanted {
	int64_t meter_id;
	struct utc read_wanted_at;
};
MUST_USE enum err reads_wanted(struct db *db, struct utc now, struct rows *out);

/* An urgent alarm each for supplies that should be on for a minute and are still off, and for
 * valves that have been moving for a minute; those that are not so any more lose it. */
MUST_USE enum err supplies_wrong(struct db *db, struct utc now);
