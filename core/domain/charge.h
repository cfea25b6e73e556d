#pragma once
/* Settlement of meters: from the last settled reading to a new accepted one, into usage by day and
 * hour, evidence, and the purse of the contract that holds the supply point.
 *
 * The row of `settled`, locked first, makes a reading count once. An interval is cut where a
 * contract begins or ends and where the meter's tariff changes; energy is spread over the cuts as
 * over everything else. Meters are locked in ascending order, then purses: charge_run() or
 * charge_settle() for the meters of a transaction, then charge_post() once.
 *
 * Every meter that has a tariff is priced. Only what a meter of billing "account" counts for a
 * contract is charged too; the rest (postpaid, none, vacant) has a price and account 0, so that it
 * can be billed or shared. What is charged or postpaid waits for its tariff; the rest does not.
 *
 * Registers are those that the meter shows. What a meter behind transformers does not multiply by
 * itself is multiplied here, by the ratio of the time (meter_ratio): an interval in which the ratio
 * changes is cut there.
 *
 * A gap longer than RATES_GAP_MS is spread by the meter's own rate registers, if the slot table
 * that was read back from it (meter_slots) is that of the tariff.
 *
 * The first accepted reading of a meter is its base. Only when a start register was given that is
 * not above it, and the meter can have counted the difference since the contract began (at most a
 * day ago), is that difference charged too.
 *
 * A closed book day takes no charge any more (see bookday.h). Energy that arrives late for it stays
 * use of its day, in a row of its own whose book_day is the day of the reading. */
#include "domain/tariffs.h"
#include "rules/settle.h"

/* How far a meter is settled. */
struct settled {
	struct utc read_at;	   /* 0: not yet */
	struct qty register_milli; /* as the meter shows it */
	bool own_ratio;		   /* of that reading */
	struct qty sharp_milli;	   /* the rate registers with it; -1: none, as the next three */
	struct qty peak_milli;
	struct qty flat_milli;
	struct qty valley_milli;
};
/* Locks it until the end of the transaction. A meter without one: all zero, ERR_OK. */
MUST_USE enum err settled_lock(struct db *db, int64_t meter_id, struct settled *out);

struct charge_reading {
	int64_t meter_id;
	struct utc at;	       /* after last.read_at */
	struct qty reg;	       /* as the meter shows it: not below last.register_milli unless */
	int64_t most_per_hour; /* as in reading_judge() */
	int64_t step;	       /* the same */
	struct qty capacity;   /* it has rolled over after counting up to this; 0: not known */
	bool own_ratio;	       /* the register has the transformer ratios in it already */
	bool jump;	       /* a person said that the growth is real */
	bool has_rates;
	struct qty rates[RATES_OF_METER]; /* the meter's own rate registers, as it shows them */
};

/* Sums to take from purses. */
struct charges {
	struct charge_sum {
		int64_t account_id;
		struct money sum;
	} * at;
	size_t n;
};
void charges_free(struct charges *c);
MUST_USE enum err charges_add(struct charges *c, int64_t account_id, struct money m);

/* Settlement of many meters in a handful of statements: charge_lock() for all of them,
 * charge_take() for each reading, charge_run(), then charge_post() of charge_sums(). */
struct charge_batch;
struct charge_batch *charge_open(struct tariffs *cache); /* which outlives it; never NULL */
void charge_close(struct charge_batch **b);
/* Inside db_tx, once: settled_lock() for n meters, ids ascending and each once. */
MUST_USE enum err charge_lock(
	struct db *db, struct charge_batch *b, const int64_t *meter_ids, size_t n);
/* How far a locked meter is settled. */
const struct settled *charge_last(const struct charge_batch *b, int64_t meter_id);
/* A reading of a locked meter, after those of it that were taken before. */
void charge_take(struct charge_batch *b, const struct charge_reading *r);
/* Writes everything but the purses. ERR_OUT_OF_RANGE: a reading cannot follow the one before it. */
MUST_USE enum err charge_run(struct db *db, struct charge_batch *b);
/* ERR_OK, or ERR_NOT_FOUND: no tariff covers an interval of this meter, which stays where it is
 * settled before that, to be charged exactly once there is one. */
enum err charge_result(const struct charge_batch *b, int64_t meter_id);
const struct charges *charge_sums(const struct charge_batch *b);

/* The same for one reading, after settled_lock(). Adds to *sum what charge_post() is to take.
 * ERR_NOT_FOUND as charge_result(); nothing was written then. */
MUST_USE enum err charge_settle(struct db *db, struct tariffs *cache,
	const struct charge_reading *r, const struct settled *last, struct charges *sum);
/* Inside db_tx, after settled_lock(). The register of the reading becomes the new base, whatever it
 * was before; nothing is used or charged, and the evidence says so. */
MUST_USE enum err charge_rebase(
	struct db *db, const struct charge_reading *r, const struct settled *last);
/* Takes the sums from the purses, in ascending order, and draws the consequences: warnings,
 * arrears, supply. */
MUST_USE enum err charge_post(struct db *db, const struct charges *sum, struct utc now);
