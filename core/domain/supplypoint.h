#pragma once
/* Supply points: blocks, keep, and what follows from them. The database says what should be; the
 * poller drives the relay to it and reads back. */
#include "db/listing.h"
#include "rules/supply.h"

struct supply_point {
	int64_t id;
	int64_t meter_id;
	int64_t site_id;
	char utility[12];
	bool switchable;
	char billing[12];
	char load_class[12];
	struct utc keep_until;
	char keep_actor[257];
	char desired[8]; /* want_word() */
	char desired_reason[17];
	struct utc desired_since;
	char desired_actor[257]; /* who set the block or keep that decided; "system" */
	bool gated;
	char observed[8]; /* "unknown" "on" "off" "moving" */
	struct utc observed_since;
	bool pending;
	char deferred[17];
	struct utc deferred_since;
	struct utc noted_at; /* a person took note of the cut that is due */
};

struct block {
	char kind[16];
	char cause[257];
	struct utc since_at;
	char actor[257];
	char reason[801];
};
extern const struct shape block_shape;

/* Joins to a purse a what its money switches: the supplies p that it pays for by c; a fee purse
 * pays for none, and electricity of its contract may be cut for it. */
#define SUPPLIES_OF_PURSE                                                                          \
	" JOIN contract_point c ON c.contract_id = a.contract_id AND c.to_at = 0"                  \
	" JOIN supply_point p ON p.id = c.supply_point_id AND (c.account_id = a.id"                \
	" OR (a.purpose = 'fee' AND p.utility = 'electricity'))"

MUST_USE enum err supply_get(struct db *db, int64_t id, struct supply_point *out);
/* The same, locked until the end of the transaction. */
MUST_USE enum err supply_lock(struct db *db, int64_t id, struct supply_point *out);
MUST_USE enum err supply_blocks(struct db *db, int64_t id, struct rows *out); /* struct block */

/* Each of these changes one thing and decides the supply anew; only inside db_tx. Setting what is
 * set, or clearing what is not, changes nothing. cause tells blocks of one kind apart and is the
 * only one to lift them ("account:7"); "" where there can be only one. */
MUST_USE enum err supply_block_set(struct db *db, int64_t id, enum block_kind kind,
	const char *cause, const char *actor, const char *reason, struct utc now);
MUST_USE enum err supply_block_clear(
	struct db *db, int64_t id, enum block_kind kind, const char *cause, struct utc now);
MUST_USE enum err supply_keep_set(struct db *db, int64_t id, struct utc until, const char *reason,
	const char *actor, struct utc now);
MUST_USE enum err supply_keep_clear(struct db *db, int64_t id, struct utc now);

/* Names the person whose act made the supply what it is now desired to be: for lifting a block,
 * which leaves no row to tell. Changes nothing unless that was decided at now. Inside db_tx. */
MUST_USE enum err supply_actor_set(struct db *db, int64_t id, const char *actor, struct utc now);
/* A person has seen that the supply is about to be cut: stands for the final warning of what is due
 * until now, not of later crossings. Inside db_tx. */
MUST_USE enum err supply_take_note(struct db *db, int64_t id, const char *actor, struct utc now);
/* Protected or ordinary; decides the supply anew. Inside db_tx. */
MUST_USE enum err supply_class_set(
	struct db *db, int64_t id, const char *load_class, struct utc now);

/* Decides desired from blocks and keep as they are; inside db_tx. */
MUST_USE enum err supply_refresh(struct db *db, int64_t id, struct utc now);
/* What was read back ("on" "off" "moving" "unknown"); inside db_tx. Ends the wait of paid orders
 * whose supply is on again, and tells who had to wait for it ("restored"). */
#define SUPPLY_WAITED_MS 60000
MUST_USE enum err supply_observe(struct db *db, int64_t id, const char *observed, struct utc now);

/* A supply point as a list shows it. */
struct supply_line {
	int64_t id;
	char code[129];
	int64_t site_id;
	int64_t meter_id;
	char meter_code[129];
	char meter_name[257];
	int64_t tenant_id; /* 0: none */
	char tenant_code[129];
	char tenant_name[257];
	char room[129];
	char load_class[12];
	char desired[8];
	char desired_reason[17];
	struct utc desired_since;
	char desired_actor[257];
	char observed[8];
	bool should_be_off; /* due to be cut, and is not */
	char deferred[17];  /* what the trip gate said; "" not asked yet */
	struct utc deferred_since;
	struct utc noted_at;
	char noted_by[257];
};
/* Rows of struct supply_line; args: the site (0: every). */
extern const struct listing supply_listing;
/* Those that are due to be cut and are not, longest first. */
MUST_USE enum err supply_due(struct db *db, int64_t site_id, struct rows *out);

MUST_USE enum err supply_line_get(
	struct db *db, int64_t site_id, int64_t id, struct supply_line *out);

/* Keeps that have ended are cleared. Called by the worker. */
MUST_USE enum err supply_keeps_end(struct db *db, struct utc now);
/* "on" "off" "switching" (desired differs, or a valve moves) "unreachable" (meter silent): what
 * people are told. desired "auto" shows what was observed. */
const char *supply_state_word(const char *desired, const char *observed, const char *comm);
