#pragma once
/* Between the files of the sink, and for nobody else: sink.c takes batches and runs their
 * transactions, sink_alarm.c minds the alarms of meters, sink_store.c writes what was read. */
#include <glib.h>
#include <stdatomic.h>

#include "domain/charge.h"
#include "domain/meterclock.h"
#include "poller/sink.h"

/* Alarms of a meter that come and go with its readings. */
enum meter_alarm {
	ALARM_SILENT,
	ALARM_FELL,
	ALARM_JUMPED,
	ALARM_IDENTITY,
	ALARM_TARIFF,
	ALARM_SETTLE,
	ALARM_OFF_USE,
	ALARM_OVERLOAD,
	ALARM_OVERLOAD_LOCK,
	ALARM_CLOCK,
	ALARM_CLOCK_FAR, /* the same kind, urgent */
	ALARM__MAX
};

/* What the sink remembers of a meter. */
struct memo {
	int64_t meter_id;
	uint32_t open;	/* bit n: alarm n is open */
	int64_t off_at; /* the cut that off_reg belongs to */
	struct qty off_reg;
	struct meter_clock clock; /* as stored */
	int64_t serial_device;	  /* whose serial number is stored */
};

struct sink {
	struct db *db;
	struct desk *desk;
	struct holdings *holdings;
	struct tariffs *tariffs;
	GHashTable *memos;     /* &memo.meter_id -> struct memo */
	atomic_bool remembers; /* open alarms have been read */
};

/* What a batch makes of one report. Made anew each time the transaction runs. */
struct item {
	const struct report *report;
	enum verdict verdict;
	uint32_t open;	/* alarms afterwards */
	int64_t off_at; /* for the memo */
	struct qty off_reg;
	int64_t supply_point_id;
	bool observe; /* the supply is not what the database thinks */
	bool limited; /* its load is above its limit, or was */
	bool taken;   /* by settlement */
	bool behind;  /* readings that were kept are still to be settled before this one */
	struct meter_clock clock; /* when it was stored */
};

struct batch {
	struct sink *sink;
	const struct report *reports; /* ascending by meter */
	struct item *items;
	size_t n;
	bool settle; /* false: keep the readings only; settling them failed for good */
	struct lease fenced;
	struct charge_batch *charges; /* of the transaction under way */
};

/* What is remembered of the meter: a new one when it is nothing yet. */
struct memo *sink_memo_of(struct sink *s, int64_t meter_id);

/* ---- alarms of meters: set on an item, and stored with its batch ---- */

/* Alarms that are open from before. */
MUST_USE enum err sink_remember_alarms(struct sink *s);
void sink_alarm_set(struct item *i, enum meter_alarm a, bool on);
/* Those that a report tells of by itself: silence, and a clock that is wrong. */
void sink_report_alarms(struct item *i);
/* Those of its verdict. */
void sink_verdict_alarms(struct item *i);
/* Loads above their limits; after the purses, for a cut locks the supply point. */
MUST_USE enum err sink_watch_loads(struct db *db, struct batch *b, struct utc now);
/* Where an item differs from what was open before. */
MUST_USE enum err sink_store_alarms(struct db *db, const struct batch *b, struct utc now);

/* ---- what was read ---- */

/* Readings, and how the meters are now: those that answered and those that failed. */
MUST_USE enum err sink_store_readings(struct db *db, const struct batch *b);
/* Serial numbers that were told at first contact. */
MUST_USE enum err sink_store_serials(struct db *db, const struct batch *b);
/* Only what is news: drifts change slowly. */
MUST_USE enum err sink_store_clocks(struct db *db, const struct batch *b);
/* Supplies that are not what the database thinks. */
MUST_USE enum err sink_store_supplies(struct db *db, const struct batch *b);
