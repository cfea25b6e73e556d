#pragma once
/* Health of the buses, as the poller that owns them sees it. */
#include "db/db.h"

struct gateway_now {
	int64_t gateway_id;
	char comm[8]; /* "never" "ok" "silent" */
	struct utc comm_since;
	int64_t round_ms;	      /* length of the last whole round */
	int64_t utilisation_permille; /* share of time with a request on the bus */
	int64_t transactions;	      /* since the poller started */
	int64_t failures;
	int64_t readings;      /* that came in whole; since the poller started */
	int64_t answer_p50_ms; /* answer times of the last hours */
	int64_t answer_p95_ms;
	int64_t answer_p99_ms;
	struct utc updated_at;
};
MUST_USE enum err gateways_store(struct db *db, const struct gateway_now *rows, size_t n);

/* Failures of a kind since the last call. */
struct gateway_fault {
	int64_t gateway_id;
	char kind[25];
	int64_t more;
	struct utc last_at;
};
MUST_USE enum err gateway_faults_add(struct db *db, const struct gateway_fault *rows, size_t n);

/* Raises or clears the one alarm of a gateway that is silent, and keeps how long it was; alarms of
 * its meters wait as long as it is open. last_answer: its last sign of life. One transaction. */
MUST_USE enum err gateway_alarm(struct db *db, int64_t gateway_id, const char *code, bool silent,
	struct utc last_answer, struct utc now);
/* The same when two gateways claim the id of one. */
MUST_USE enum err gateway_twin_alarm(
	struct db *db, int64_t gateway_id, const char *code, bool twin, struct utc now);

/* What the reception of a poller has seen since it started. */
struct reception_row {
	char poller[64];
	int64_t accepted, turned_away, unknown, elsewhere, refused;
	struct utc updated_at;
};
MUST_USE enum err reception_store(struct db *db, const struct reception_row *row);
