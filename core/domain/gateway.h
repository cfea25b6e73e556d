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
	struct utc updated_at;
};
MUST_USE enum err gateways_store(struct db *db, const struct gateway_now *rows, size_t n);

/* Raises or clears the one alarm of a gateway; alarms of its meters wait as long as it is open. */
MUST_USE enum err gateway_alarm(
	struct db *db, int64_t gateway_id, const char *code, bool silent, struct utc now);
