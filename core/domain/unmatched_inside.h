#pragma once
/* Shared by the two files of payments that are nobody's: keeping and settling. */
#include "domain/unmatched.h"

/* The alarm of an order goes with the last of its payments. Inside db_tx. */
MUST_USE enum err unmatched_alarm_over(
	struct db *db, int64_t order_id, const char *out_trade_no, const char *why, struct utc now);
