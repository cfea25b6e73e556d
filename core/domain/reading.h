#pragma once
/* Readings as they are judged and kept. Only an accepted reading settles; the others are kept,
 * shown and alarmed, never charged and never cut on. */
#include "db/db.h"

/* Their numbers are stored (rules/hourpack.h) and are the order of the columns' lists: new ones go
 * to the end. */
enum verdict {
	VERDICT_ACCEPTED,
	VERDICT_REPEATED,  /* the last settled reading once more */
	VERDICT_LATE,	   /* older than the last settled one */
	VERDICT_BACKWARDS, /* the register fell below the last settled one, and did not roll over */
	VERDICT_IMPLAUSIBLE, /* faster than the meter can count */
	VERDICT_IDENTITY,    /* another serial number than expected */
	VERDICT__MAX
};
const char *verdict_word(enum verdict v);
MUST_USE enum err verdict_parse(const char *word, enum verdict *out);

struct reading_facts {
	struct utc at;
	struct qty reg;
	int64_t most_per_hour; /* milli that the meter can count in an hour at the very most */
	int64_t step;	       /* resolution of the register as it is read, milli; a start register
				* may have been noted more finely, and is then repeated until it
				* is passed */
	struct qty capacity;   /* the register counts up to this and begins anew; 0: not known */
	bool other_serial;
	bool has_last; /* a settled reading: */
	struct utc last_at;
	struct qty last_reg;
	/* The reading before this one. A jump stays a jump until the register comes down again or a
	 * person decides: waiting does not make it plausible. */
	enum verdict before;
	struct qty before_reg;
};

/* Pure. A register below the last one is accepted only when it has rolled over: the last one was in
 * the last tenth of the capacity, and the growth by way of 0 is what the meter can have counted. */
enum verdict reading_judge(const struct reading_facts *f);

/* What a register can count in an hour at the very most, in Wh or litres: electricity by 400 V,
 * rated current, phases and the transformer ratios that are in the register, with half as much
 * again (100 kW times ratios when the rated current is 0), water 100 m3. Pure. */
int64_t reading_most_per_hour(
	bool water, int64_t rated_current_ma, int phases, int64_t ct_ratio, int64_t pt_ratio);

/* A row of `reading`. */
struct reading_row {
	int64_t meter_id;
	struct utc read_at;
	struct qty register_milli; /* as the meter shows it */
	int64_t power_w;
	char verdict[12];
};
/* Adds rows in one statement; a row that is there already stays as it is. */
MUST_USE enum err readings_store(struct db *db, const struct reading_row *rows, size_t n);

/* What a reading says about a meter now: a row of meter_state, without the columns that failures
 * and people write. */
struct meter_now {
	int64_t meter_id;
	struct utc read_at;
	struct qty register_milli; /* as the meter shows it, as the next four */
	struct qty sharp_milli;	   /* -1: none, as the next three */
	struct qty peak_milli;
	struct qty flat_milli;
	struct qty valley_milli;
	int64_t power_w;
	int64_t phases;
	int64_t voltage1_mv;
	int64_t voltage2_mv;
	int64_t voltage3_mv;
	int64_t current1_ma;
	int64_t current2_ma;
	int64_t current3_ma;
	int64_t frequency_mhz;
	int64_t credit_count;	    /* purchases; -1: the meter keeps no credit */
	int64_t credit_milli;	    /* remaining, thousandths of the credit unit */
	int64_t credit_total_milli; /* ever purchased; -1: it does not tell */
	char verdict[12];
	char comm[8]; /* "never" "ok" "silent" */
	struct utc comm_since;
};
/* The meter answered: state of the reading, communication ok, no failures. */
MUST_USE enum err meters_answered(struct db *db, const struct meter_now *rows, size_t n);

struct meter_failure {
	int64_t meter_id;
	char comm[8];
	struct utc comm_since;
	int64_t fails; /* in a row */
	char error[201];
	char fault[25]; /* its kind: "silent" "crc" … */
};
/* The serial number that a device told at first contact; the first one of a device stays. */
MUST_USE enum err meter_serial_seen(
	struct db *db, int64_t meter_id, int64_t device, const char *serial);
MUST_USE enum err meters_failed(struct db *db, const struct meter_failure *rows, size_t n);
