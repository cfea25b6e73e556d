#include "domain/setting.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "domain/approval.h"
#include "domain/audit.h"
#include "rules/quiet.h"

const struct setting_row settings[SETTING__MAX] = {
	[SETTING_FEE_CUT] = { "fee_cut", 0, 1, 0, true },
	[SETTING_FEE_GRACE_DAYS] = { "fee_grace_days", 0, 90, 10, false },
	[SETTING_FEE_NOTICE_DAYS] = { "fee_notice_days", 0, 28, 5, false },
	[SETTING_REFUND_LIMIT_FEN] = { "refund_limit_fen", 0, 100000000, 50000, true },
	[SETTING_REVERSAL_LIMIT_FEN] = { "reversal_limit_fen", 0, 100000000, 50000, true },
	[SETTING_DESK_REVERSAL_LIMIT_FEN] = { "desk_reversal_limit_fen", 0, 100000000, 20000,
		true },
	[SETTING_KEEP_LIMIT_H] = { "keep_limit_h", 0, 744, 168, true },
	[SETTING_PRICE_LIMIT_PERMILLE] = { "price_limit_permille", 0, 10000, 200, true },
	[SETTING_ADJUSTMENT_LIMIT_FEN] = { "adjustment_limit_fen", 0, 100000000, 50000, true },
	[SETTING_WARN_MOST_YUAN] = { "warn_most_yuan", 1, 100000, 100000, false },
	[SETTING_WARN2_LEAST_YUAN] = { "warn2_least_yuan", 0, 1000, 0, false },
	[SETTING_QUIET_FROM_MIN] = { "quiet_from_min", -1, 1439, -1, false },
	[SETTING_QUIET_TO_MIN] = { "quiet_to_min", -1, 1439, -1, false },
	[SETTING_QUIET_WEEKEND] = { "quiet_weekend", 0, 1, 0, false },
	[SETTING_QUIET_STAGGER_MIN] = { "quiet_stagger_min", 0, QUIET_STAGGER_MOST_MIN, 30, false },
	[SETTING_FINAL_WARNING_MIN] = { "final_warning_min", 0, 10080, 0, false },
	[SETTING_BRAKE_COUNT] = { "brake_count", 1, 1000000, 20, true },
	[SETTING_BRAKE_PERCENT] = { "brake_percent", 1, 100, 20, true },
	[SETTING_BALANCE_CAP_FEN] = { "balance_cap_fen", 100, 100000000, 5000000, false },
	[SETTING_SERVICE_CHARGE_PERMILLE] = { "service_charge_permille", 0, 100, 0, true },
	[SETTING_ALLOWANCE_CARRIES] = { "allowance_carries", 0, 1, 0, false },
	[SETTING_VACANT_BLOCK] = { "vacant_block", 0, 1, 0, false },
	[SETTING_CREDIT_MOST_PER_HOUR] = { "credit_most_per_hour", 1, 100000, 200, false },
	[SETTING_CREDIT_DRIFT_PERMILLE] = { "credit_drift_permille", 1, 1000, 50, false },
	[SETTING_CREDIT_DRIFT_LEAST_FEN] = { "credit_drift_least_fen", 0, 100000, 100, false },
	[SETTING_ORDER_MIN_FEN] = { "order_min_fen", 1, 1000000, 100, false },
	[SETTING_ORDER_MAX_FEN] = { "order_max_fen", 100, 100000000, 1000000, false },
	[SETTING_OPEN_ORDERS_MOST] = { "open_orders_most", 0, 1000, 0, false },
	[SETTING_PAY_FOR_OTHERS] = { "pay_for_others", 0, 1, 1, false },
	[SETTING_NOTICE_QUIET_FROM_MIN] = { "notice_quiet_from_min", 0, 1439, 1320, false },
	[SETTING_NOTICE_QUIET_TO_MIN] = { "notice_quiet_to_min", 0, 1439, 480, false },
	[SETTING_CARBON_MG_PER_KWH] = { "carbon_mg_per_kwh", 0, 5000000, 0, false },
	[SETTING_BATCH_LIMIT] = { "batch_limit", 1, 2000, 20, true },
	[SETTING_VOLTAGE_LOW_MV] = { "voltage_low_mv", 100000, 1000000, 198000, false },
	[SETTING_VOLTAGE_HIGH_MV] = { "voltage_high_mv", 100000, 1000000, 242000, false },
	[SETTING_ROUND_LONG_S] = { "round_long_s", 1, 3600, 60, false },
	[SETTING_LOSS_MOST_PERMILLE] = { "loss_most_permille", 0, 1000, 80, false },
	[SETTING_LOSS_GROWTH_PERMILLE] = { "loss_growth_permille", 1, 1000, 30, false },
	[SETTING_ALARM_REPEAT_MIN] = { "alarm_repeat_min", 0, 1440, 30, false },
	[SETTING_ALARM_REPEAT_MOST] = { "alarm_repeat_most", 0, 100, 3, false },
};

static const struct {
	const char *en, *zh;
} helps[SETTING__MAX] = {
#define SETTING_HELP(name, en, zh) [SETTING_##name] = { en, zh },
#include "domain/setting_help.def"
#undef SETTING_HELP
};

const char *setting_help(enum setting s, bool chinese)
{
	return chinese ? helps[s].zh : helps[s].en;
}

struct value_row {
	int64_t value;
};
SHAPE(value_shape, struct value_row, FIELD(struct value_row, value));
static const struct query Q_GET = { "SELECT value FROM setting WHERE site_id = ? AND name = ?",
	&value_shape };
static const struct query Q_PUT = { "INSERT INTO setting (site_id, name, value) VALUES (?, ?, ?)"
				    " ON DUPLICATE KEY UPDATE value = VALUES(value)",
	NULL };

enum err setting_get(struct db *db, int64_t site_id, enum setting s, int64_t *out)
{
	struct value_row row;
	enum err e = db_one(db, &Q_GET, ARGS(arg_i64(site_id), arg_text(settings[s].name)), &row);

	if (e == ERR_NOT_FOUND) {
		row.value = settings[s].shipped;
		e = ERR_OK;
	}
	if (e == ERR_OK)
		*out = row.value;
	return e;
}

struct named_row {
	char name[193];
	int64_t value;
};
SHAPE(named_shape, struct named_row, FIELD(struct named_row, name), FIELD(struct named_row, value));
static const struct query Q_ALL = { "SELECT name, value FROM setting WHERE site_id = ?",
	&named_shape };

enum err setting_all(struct db *db, int64_t site_id, int64_t out[static SETTING__MAX])
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(db, &Q_ALL, ARGS(arg_i64(site_id)), &rows);
	const struct named_row *r = rows.at;
	enum setting s;

	for (unsigned i = 0; i < SETTING__MAX; i++)
		out[i] = settings[i].shipped;
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		if (setting_find(r[i].name, &s) == ERR_OK) /* else of a former version */
			out[s] = r[i].value;
	return e;
}

enum err setting_find(const char *name, enum setting *out)
{
	for (unsigned i = 0; i < SETTING__MAX; i++)
		if (str_eq(settings[i].name, name)) {
			*out = (enum setting)i;
			return ERR_OK;
		}
	return ERR_NOT_FOUND;
}

static enum err write(struct db *db, const struct setting_change *c, int64_t before)
{
	const struct setting_row *row = &settings[c->setting];
	struct audit audit = { c->actor, c->address, "setting.edit", "site", c->site_id, NULL };
	enum err e = db_exec(db, &Q_PUT,
		ARGS(arg_i64(c->site_id), arg_text(row->name), arg_i64(c->value)), NULL);

	return e == ERR_OK ? audit_add(db, &audit,
				     json_pack("{s:s, s:I, s:I, s:s?}", "setting", row->name,
					     "before", (json_int_t)before, "after",
					     (json_int_t)c->value, "reason", c->reason),
				     c->now)
			   : e;
}

struct putting {
	const struct setting_change *c;
	int64_t approval_id;
	struct problem *why;
};

static enum err put_tx(struct db *db, void *ctx)
{
	struct putting *p = ctx;
	const struct setting_change *c = p->c;
	const struct setting_row *row = &settings[c->setting];
	AUTO(json_free) json_t *params = NULL;
	char object[64];
	int64_t before = 0;
	enum err e = setting_get(db, c->site_id, c->setting, &before);

	p->approval_id = 0;
	if (e != ERR_OK || before == c->value)
		return e;
	if (!row->second_person || c->value < before)
		return write(db, c, before);
	params = json_pack("{s:s, s:I}", "setting", row->name, "value", (json_int_t)c->value);
	snprintf(object, sizeof(object), "site:%" PRId64, c->site_id);
	return approval_ask(db,
		&(struct approval_new){ .kind = "setting",
			.site_id = c->site_id,
			.object = object,
			.params = params,
			.reason = c->reason,
			.user_id = c->user_id,
			.once_key = c->once_key },
		c->now, &p->approval_id, p->why);
}

enum err setting_put(
	struct db *db, const struct setting_change *c, int64_t *approval_id, struct problem *why)
{
	const struct setting_row *row = &settings[c->setting];
	struct putting p = { .c = c, .why = why };
	enum err e;

	if (c->value < row->min || c->value > row->max)
		return problem_set(why, ERR_OUT_OF_RANGE, "value",
			"%s is from %" PRId64 " to %" PRId64, row->name, row->min, row->max);
	e = db_tx(db, put_tx, &p);
	if (e == ERR_OK)
		*approval_id = p.approval_id;
	return e;
}

enum err setting_approved(struct db *db, const struct approval *a, const json_t *params,
	const char *actor, struct utc now, struct problem *why)
{
	struct setting_change c = { .site_id = a->site_id,
		.value = json_integer_value(json_object_get(params, "value")),
		.actor = actor,
		.address = "",
		.now = now };
	int64_t before;
	enum err e =
		setting_find(json_string_value(json_object_get(params, "setting")), &c.setting);

	if (e == ERR_OK && (c.value < settings[c.setting].min || c.value > settings[c.setting].max))
		return problem_set(why, ERR_OUT_OF_RANGE, "value", "the limits have changed");
	if (e == ERR_OK)
		e = setting_get(db, a->site_id, c.setting, &before);
	return e == ERR_OK ? write(db, &c, before) : e;
}
