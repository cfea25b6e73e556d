#pragma once
/* What all acts on contracts and meters share. Each is one transaction that settles the meters it
 * touches up to the instant of the change, and says what it does, step by step. A preview is the
 * same transaction, rolled back at its end.
 *
 * Lock order inside: the contract, then the meters' settled rows in ascending order, then purses,
 * then supply points. */
#include "base/json.h"
#include "domain/charge.h"

struct life_ask {
	int64_t user_id;
	int64_t site_id; /* that the caller is confined to; 0: none */
	const char *actor, *address;
	const char *once_key;  /* the same request again is answered as the first */
	const json_t *request; /* as asked, for the record and for comparing */
	bool preview;
	struct utc now;
};

struct life_done {
	int64_t id; /* of the contract, or of the exchange of a device; 0 in a preview of something
		     * new */
	bool repeated;
	json_t *steps; /* [{what, meter_id, …}]; the caller owns it */
};
void life_done_free(struct life_done *d);

/* A register that a person read off a meter. */
struct life_reading {
	int64_t meter_id;
	bool typed; /* false: the meter is named only */
	struct qty reg;
	struct utc at; /* 0: now */
};

/* ---- for the acts themselves ---- */

struct life {
	struct db *db;
	const struct life_ask *ask;
	struct problem *why;
	struct tariffs *tariffs;
	struct charges charges;
	json_t *steps;
	int64_t id; /* of life_done */
	bool repeated;
};

/* Runs an act in a transaction (it may run again). */
MUST_USE enum err life_run(struct db *db, const struct life_ask *ask,
	enum err (*act)(struct life *l, void *ctx), void *ctx, struct life_done *out,
	struct problem *why);

/* One step; what is not set is not in the answer. */
struct step {
	const char *what;
	int64_t meter_id;
	const char *meter_code;
	const char *purpose; /* of a purse */
	struct utc at;
	bool has_reg, has_qty, has_amount;
	struct qty reg, qty;
	const char *utility; /* of reg and qty */
	struct money amount;
	int64_t fee_id;
	const char *last_day; /* that a fee had before */
	const char *detail;
};
void step_add(struct life *l, const struct step *s);

/* A meter and its supply point. */
struct life_meter {
	int64_t id;
	char code[129];
	int64_t site_id;
	int64_t supply_point_id;
	char utility[12];
	char billing[12];
	char role[8];
	char load_class[12];
	int64_t most_per_hour;	   /* as in reading_judge(), of a register without ratios */
	int64_t most_per_hour_own; /* of a register that has the ratios in it */
	struct qty capacity;
};
/* ERR_NOT_FOUND, with the field "meters", also for a meter of another site. */
MUST_USE enum err life_meter_get(struct life *l, int64_t meter_id, struct life_meter *out);

/* Locks how far the meter is settled, also when it never was. */
MUST_USE enum err life_settled_lock(struct life *l, int64_t meter_id, struct settled *out);

/* A meter that keeps credit itself is left alone while it holds some, or while some is on its way:
 * ERR_CONFLICT. Nothing is sold to it until the end of the transaction. After
 * life_settled_lock(). */
MUST_USE enum err life_no_credit(struct life *l, const struct life_meter *m);

/* Is it a register that the meter can show after its last settled reading? ERR_OUT_OF_RANGE with
 * what is wrong. */
MUST_USE enum err life_reading_check(struct life *l, const struct life_meter *m,
	const struct settled *last, struct utc at, struct qty reg);
/* Settles up to a typed-in register, keeps that as typed (cause: "open" "add" "close" "replace"),
 * and notes the step. charge_post() is up to the caller. */
MUST_USE enum err life_settle(struct life *l, const struct life_meter *m,
	const struct settled *last, struct utc at, struct qty reg, const char *cause);

#define LIFE_FRESH_MS 180000 /* a settled reading within this is good for a change now */

/* Where a change cuts the use of a meter. */
struct cut {
	struct life_meter meter;
	struct settled last;
	struct utc at; /* the instant of the change, for this meter */
	bool settle;   /* up to the typed-in register: */
	struct utc read_at;
	struct qty reg;
	bool by_rule; /* nobody has read the meter at `at`: the next reading is spread over it */
};
/* Finds the cut of a locked meter. `at` 0: at the reading, typed in or the last settled one if it
 * is fresh. Otherwise at `at`, with a reading then or later. lenient: without such a reading the
 * use is split by the rule of spreading; else it is refused. */
MUST_USE enum err life_cut(
	struct life *l, const struct life_reading *r, struct utc at, bool lenient, struct cut *c);

/* "1234.567": thousandths as decimal text without trailing zeros. */
const char *qty_text(struct qty q, char buf[static MONEY_TEXT_MAX]);
