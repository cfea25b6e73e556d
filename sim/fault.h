#pragma once
/* Faults of the wire, on request and for a time. A list belongs to one gateway and is guarded by
 * its lock. */
#include "base/err.h"

/* clang-format off */
#define FAULT_KINDS(X)                                                                             \
	X(SILENT,    "silent")    /* a meter says nothing; the gateway, without unit, is dead too */ \
	X(EXCEPTION, "exception") /* value: the Modbus exception code (4) */                       \
	X(SLOW,      "slow")      /* value: answers so many ms later (2000) */                     \
	X(CUT,       "cut")       /* value "request" or "reply": when the connection breaks */     \
	X(JUMP,      "jump")      /* value: the register told is so many Wh or litres too high */  \
	X(FALL,      "fall")      /* the same, too low */                                          \
	X(GARBAGE,   "garbage")   /* value: one of GARBAGE_KINDS */

#define GARBAGE_KINDS(X)                                                                           \
	X(SHORT,       "short")       /* four bytes missing at the end */                          \
	X(LONG,        "long")        /* four bytes too many */                                    \
	X(UNIT,        "unit")        /* another unit */                                           \
	X(TRANSACTION, "transaction") /* another transaction number */                             \
	X(FUNCTION,    "function")    /* another function code */                                  \
	X(COUNT,       "count")       /* a byte count that is not true */                          \
	X(PROTOCOL,    "protocol")    /* another protocol number */                                \
	X(NOISE,       "noise")       /* bytes without meaning */
/* clang-format on */

enum fault_kind {
#define X(name, word) FAULT_##name,
	FAULT_KINDS(X)
#undef X
		FAULT__MAX
};

enum garbage {
#define X(name, word) GARBAGE_##name,
	GARBAGE_KINDS(X)
#undef X
		GARBAGE__MAX
};

enum { FAULT_CUT_REQUEST, FAULT_CUT_REPLY };
enum { FAULTS_MAX = 128, FAULT_ANY_UNIT = -1 };

struct fault {
	int id;	  /* unique in the process, from 1 */
	int unit; /* or FAULT_ANY_UNIT */
	enum fault_kind kind;
	int64_t value;	 /* as the kind says; enum garbage for garbage */
	int64_t ends_ms; /* mono; INT64_MAX: when it is taken away */
};

struct fault_list {
	struct fault items[FAULTS_MAX];
	size_t n;
};

const char *fault_word(enum fault_kind kind);
const char *garbage_word(enum garbage garbage);
MUST_USE enum err fault_parse(const char *word, enum fault_kind *out);
MUST_USE enum err garbage_parse(const char *word, enum garbage *out);

/* ERR_TOO_MANY when the list is full. */
MUST_USE enum err fault_add(struct fault_list *list, const struct fault *fault);
/* Takes one away, or all of them (id 0); how many went. */
size_t fault_remove(struct fault_list *list, int id);
/* Drops what has ended. */
void fault_expire(struct fault_list *list, int64_t mono_ms);
/* The fault of this kind that holds for the unit; that of the unit itself comes first. NULL: none.
 */
const struct fault *fault_find(
	const struct fault_list *list, enum fault_kind kind, int unit, int64_t mono_ms);

/* Spoils a whole Modbus TCP reply of n bytes in place; room for GARBAGE_ROOM more. Returns the new
 * length. */
enum { GARBAGE_ROOM = 8 };
size_t garbage_apply(enum garbage garbage, uint8_t *frame, size_t n);
