#pragma once
/* Settings of a site: whole numbers, each with limits and a value as shipped. */
#include "db/db.h"

enum setting {
	SETTING_FEE_CUT,
	SETTING_FEE_GRACE_DAYS,
	SETTING_FEE_NOTICE_DAYS,
	SETTING_REFUND_LIMIT_FEN,
	SETTING_REVERSAL_LIMIT_FEN,
	SETTING_DESK_REVERSAL_LIMIT_FEN,
	SETTING_KEEP_LIMIT_H,
	SETTING_PRICE_LIMIT_PERMILLE,
	SETTING_ADJUSTMENT_LIMIT_FEN,
	SETTING_WARN_MOST_YUAN,
	SETTING_WARN2_LEAST_YUAN,
	SETTING_QUIET_FROM_MIN,
	SETTING_QUIET_TO_MIN,
	SETTING_QUIET_WEEKEND,
	SETTING_QUIET_STAGGER_MIN,
	SETTING_FINAL_WARNING_MIN,
	SETTING_BRAKE_COUNT,
	SETTING_BRAKE_PERCENT,
	SETTING_BALANCE_CAP_FEN,
	SETTING_SERVICE_CHARGE_PERMILLE,
	SETTING_ALLOWANCE_CARRIES,
	SETTING_VACANT_BLOCK,
	SETTING_CREDIT_MOST_PER_HOUR,
	SETTING_CREDIT_DRIFT_PERMILLE,
	SETTING_CREDIT_DRIFT_LEAST_FEN,
	SETTING_ORDER_MIN_FEN,
	SETTING_ORDER_MAX_FEN,
	SETTING_OPEN_ORDERS_MOST,
	SETTING_PAY_FOR_OTHERS,
	SETTING_NOTICE_QUIET_FROM_MIN,
	SETTING_NOTICE_QUIET_TO_MIN,
	SETTING_CARBON_MG_PER_KWH,
	SETTING_BATCH_LIMIT,
	SETTING_VOLTAGE_LOW_MV,
	SETTING_VOLTAGE_HIGH_MV,
	SETTING_ROUND_LONG_S,
	SETTING_LOSS_MOST_PERMILLE,
	SETTING_LOSS_GROWTH_PERMILLE,
	SETTING_ALARM_REPEAT_MIN,
	SETTING_ALARM_REPEAT_MOST,
	SETTING__MAX
};

struct setting_row {
	const char *name;
	int64_t min, max;
	int64_t shipped;
	bool second_person; /* a higher value than the present one needs approval */
};
extern const struct setting_row settings[SETTING__MAX];
/* What it is for, in one language or the other. */
const char *setting_help(enum setting s, bool chinese);

/* The value of a site, or the one shipped. */
MUST_USE enum err setting_get(struct db *db, int64_t site_id, enum setting s, int64_t *out);
/* All of them at once. */
MUST_USE enum err setting_all(struct db *db, int64_t site_id, int64_t out[static SETTING__MAX]);
/* ERR_NOT_FOUND for a name that is not in the list. */
MUST_USE enum err setting_find(const char *name, enum setting *out);

struct setting_change {
	int64_t site_id;
	enum setting setting;
	int64_t value;
	const char *reason;
	const char *once_key;
	int64_t user_id;
	const char *actor, *address;
	struct utc now;
};
/* Changes it, with an audit row. ERR_OUT_OF_RANGE outside its limits. *approval_id is 0 when it was
 * changed, or the approval that it waits for. */
MUST_USE enum err setting_put(
	struct db *db, const struct setting_change *c, int64_t *approval_id, struct problem *why);

struct approval;
/* The approved change; in the transaction that approves. */
MUST_USE enum err setting_approved(struct db *db, const struct approval *a, const json_t *params,
	const char *actor, struct utc now, struct problem *why);
