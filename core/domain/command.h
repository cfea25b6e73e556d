#pragma once
/* What staff order of a supply, each in one transaction with its audit row. Whatever switches a
 * protected load off, or changes whether it is one, is done only when a second person approves. */
#include "domain/approval.h"
#include "domain/supplypoint.h"

enum command_kind {
	COMMAND_OFF,  /* sets the block manual */
	COMMAND_ON,   /* lifts it and an overload lock */
	COMMAND_KEEP, /* until a time */
	COMMAND_AUTO, /* ends the keep */
	COMMAND_SAFETY_SET,
	COMMAND_SAFETY_CLEAR, /* by a person on site */
	COMMAND_VACANT_SET,
	COMMAND_VACANT_CLEAR,
	COMMAND_PROTECT,
	COMMAND_UNPROTECT,
	COMMAND_TAKE_NOTE, /* of the cut that is due: stands for the final warning */
	COMMAND__MAX
};
const char *command_word(enum command_kind k); /* "off" "safety_set" … */

struct command {
	enum command_kind kind;
	int64_t supply_point_id;
	struct utc until; /* of a keep */
	const char *reason;
	int64_t user_id;
	const char *name;  /* shown beside blocks and acts */
	const char *actor; /* "user:3" */
	const char *address;
	const char *once_key;
	struct utc now;
};
/* *approval_id: 0 when it was done, or what it waits for. Ordering what is so already changes
 * nothing, except ERR_CONFLICT for protecting what is protected (or not). ERR_CONFLICT also for
 * switching what has no relay or valve; such an attempt is audited. */
MUST_USE enum err command_do(
	struct db *db, const struct command *c, int64_t *approval_id, struct problem *why);

/* The same inside a transaction that runs, for one of many. ERR_CONFLICT: no relay or valve;
 * ERR_FORBIDDEN: it would need a second person. Nothing was changed then. */
MUST_USE enum err command_join(struct db *db, const struct command *c, struct problem *why);

/* The approved command; in the transaction that approves. */
MUST_USE enum err command_approved(struct db *db, const struct approval *a, const json_t *params,
	const char *actor, struct utc now, struct problem *why);
