#pragma once
/* What people say about the register of a meter: the transformers before it, how far it counts, and
 * what to make of a reading that fell or jumped. Each is audited; nothing of it is ever changed. */
#include "db/listing.h"
#include "domain/charge.h"

struct meter_ratio {
	struct utc from_at; /* 0: from the beginning */
	int64_t ct, pt;
	char actor[257];
	char reason[801];
};
/* Rows of struct meter_ratio in order of time; a meter whose ratio was never changed has one, from
 * its own row. ERR_NOT_FOUND: no such meter. */
MUST_USE enum err ratio_list(struct db *db, int64_t meter_id, struct rows *out);

#define RATIO_MAX 100000 /* of ct and of pt */

struct ratio_change {
	int64_t meter_id;
	int64_t ct, pt; /* 1..RATIO_MAX */
	struct utc from;
	const char *reason;
	const char *actor, *address;
	struct utc now;
};
/* From then on the register is multiplied by ct times pt. ERR_CONFLICT: before the last settled
 * reading or the last change, or the meter multiplies by itself. The same once more is fine. */
MUST_USE enum err ratio_set(struct db *db, const struct ratio_change *c, struct problem *why);

struct capacity_change {
	int64_t meter_id;
	struct qty capacity; /* 0: not known */
	const char *reason;
	const char *actor, *address;
	struct utc now;
};
/* How far the register counts before it begins anew. ERR_CONFLICT when it stands above that. */
MUST_USE enum err capacity_set(struct db *db, const struct capacity_change *c, struct problem *why);

struct reading_seen {
	struct utc read_at;
	struct qty register_milli;
	int64_t power_w;
	char verdict[12];
	char decision[8]; /* "accept" "rebase"; "" */
};
/* The newest of from..to (rows of struct reading_seen), at most max; `doubtful`: only those that
 * fell or jumped. */
MUST_USE enum err readings_list(struct db *db, int64_t meter_id, struct utc from, struct utc to,
	bool doubtful, int64_t max, struct rows *out);
/* What may be asked of them; it has no statement. */
extern const struct listing reading_listing;

/* A meter whose newest reading is in doubt, beside what was settled last. */
struct meter_doubt {
	int64_t meter_id;
	char meter_code[129];
	char meter_name[257];
	char utility[12];
	int64_t tenant_id; /* 0: none */
	char tenant_code[129];
	char tenant_name[257];
	char room[129];
	char verdict[12]; /* "backwards" "implausible" "identity" */
	struct utc read_at;
	struct qty register_milli;
	struct utc settled_at; /* 0: not yet */
	struct qty settled_milli;
	char serial[129]; /* as it should be */
	char serial_seen[129];
};
/* Rows of struct meter_doubt; args: now, the site (0: every). */
extern const struct listing meter_doubt_listing;

enum decision { DECISION_ACCEPT, DECISION_REBASE };

struct reading_decide {
	int64_t meter_id;
	enum decision action;
	struct utc read_at; /* the reading that is decided on */
	const char *reason;
	const char *actor, *address;
	struct utc now;
};
/* rebase: that register is the new base, what lies before it charges nothing. accept: the growth
 * was real and is charged, by way of 0 for a register that fell and whose capacity is known. Either
 * leaves evidence. The same decision once more changes nothing. ERR_NOT_FOUND: no such reading;
 * ERR_CONFLICT: it is not in doubt, older than what is settled, or decided otherwise. */
MUST_USE enum err reading_decide(
	struct db *db, const struct reading_decide *d, struct problem *why);
