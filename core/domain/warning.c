#include "domain/warning.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "domain/audit.h"
#include "domain/me.h"
#include "domain/setting.h"
#include "rules/daysleft.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))
#define RUN_MOST 500
#define MOST_YUAN 100000

struct warning_row {
	int64_t account_id;
	char unit[WARNING_UNIT_MAX];
	struct money warn1, warn2;
	struct qty qty1, qty2;
};
#define F(member) FIELD(struct warning_row, member)
SHAPE(warning_shape, struct warning_row, F(account_id), F(unit), F(warn1), F(warn2), F(qty1),
	F(qty2));
#undef F
static const struct query Q_GET = {
	"SELECT id AS account_id, warn_unit AS unit, warn1_nano AS warn1, warn2_nano AS warn2,"
	" warn1_milli AS qty1, warn2_milli AS qty2 FROM account WHERE id = ? AND kind = 'purse'",
	&warning_shape
};
static const struct query Q_PUT = {
	"UPDATE account SET warn_unit = ?, warn1_nano = ?, warn2_nano = ?, warn1_milli = ?,"
	" warn2_milli = ?, warn_at = ? WHERE id = ?",
	NULL
};
static const struct query Q_LOOKED = { "UPDATE account SET warn_at = ? WHERE id = ?", NULL };
static const struct query Q_DUE = {
	"SELECT id FROM account WHERE warn_unit <> 'yuan' AND warn_at <= ? ORDER BY id LIMIT ?",
	&id_shape
};

struct use_row {
	struct money charge;
	struct qty qty;
};
SHAPE(use_shape, struct use_row, FIELD(struct use_row, charge), FIELD(struct use_row, qty));
static const struct query Q_USE = {
	"SELECT CAST(COALESCE(SUM(charge_nano), 0) AS SIGNED) AS charge,"
	" CAST(COALESCE(SUM(qty_milli), 0) AS SIGNED) AS qty FROM usage_day"
	" WHERE account_id = ? AND day >= ?",
	&use_shape
};

struct meter_row {
	int64_t contract_id, supply_point_id, meter_id;
};
SHAPE(meter_shape, struct meter_row, FIELD(struct meter_row, contract_id),
	FIELD(struct meter_row, supply_point_id), FIELD(struct meter_row, meter_id));
static const struct query Q_METER = {
	"SELECT c.contract_id, c.supply_point_id, m.id AS meter_id FROM contract_point c"
	" JOIN meter m ON m.supply_point_id = c.supply_point_id"
	" WHERE c.account_id = ? AND c.to_at = 0 ORDER BY m.id LIMIT 1",
	&meter_shape
};

enum err warning_get(struct db *db, int64_t account_id, struct warning *out)
{
	struct warning_row r;
	enum err e = db_one(db, &Q_GET, ARGS(arg_i64(account_id)), &r);

	if (e != ERR_OK)
		return e;
	*out = (struct warning){ .account_id = r.account_id,
		.warn1 = r.warn1,
		.warn2 = r.warn2,
		.qty1 = r.qty1,
		.qty2 = r.qty2 };
	memcpy(out->unit, r.unit, sizeof(out->unit));
	return ERR_OK;
}

static bool in_yuan(const struct warning *w)
{
	return str_eq(w->unit, "yuan");
}

/* The price of now, of a purse that has used nothing lately. */
static enum err price_now(
	struct db *db, const struct account *a, struct utc now, struct use_row *out)
{
	struct me_account m = { .id = a->id };
	struct me_price price;
	struct meter_row r;
	enum err e = db_one(db, &Q_METER, ARGS(arg_i64(a->id)), &r);

	if (e != ERR_OK)
		return e;
	m.contract_id = r.contract_id;
	m.supply_point_id = r.supply_point_id;
	m.meter_id = r.meter_id;
	memcpy(m.zone, a->zone, sizeof(m.zone));
	e = me_price_now(db, &m, now, &price);
	if (e != ERR_OK)
		return e;
	out->qty.milli = 1000;
	return qty_charge(out->qty, price.price, &out->charge);
}

/* What a unit has cost lately: a charge for a quantity. */
static enum err recent_cost(
	struct db *db, const struct account *a, struct utc now, struct use_row *out)
{
	char from[DAY_TEXT_MAX];
	struct day today;
	enum err e = account_book_day(a, now, &today);

	if (e != ERR_OK)
		return e;
	day_text((struct day){ today.days - DAYSLEFT_HISTORY }, from);
	e = db_one(db, &Q_USE, ARGS(arg_i64(a->id), arg_text(from)), out);
	if (e != ERR_OK || (out->qty.milli > 0 && out->charge.nano > 0))
		return e;
	return price_now(db, a, now, out);
}

/* ERR_NOT_FOUND: nothing is known of what a unit costs. */
static enum err reckon(struct db *db, const struct account *a, struct warning *w, struct utc now)
{
	struct use_row cost;
	enum err e;

	if (in_yuan(w))
		return ERR_OK;
	e = recent_cost(db, a, now, &cost);
	if (e == ERR_OK)
		e = threshold_money(w->qty1, cost.charge, cost.qty, &w->warn1);
	return e == ERR_OK ? threshold_money(w->qty2, cost.charge, cost.qty, &w->warn2) : e;
}

static enum err store(struct db *db, const struct warning *w, struct utc now)
{
	return db_exec(db, &Q_PUT,
		ARGS(arg_text(w->unit), arg_money(w->warn1), arg_money(w->warn2), arg_qty(w->qty1),
			arg_qty(w->qty2), arg_utc(now), arg_i64(w->account_id)),
		NULL);
}

/* ---- changes ---- */

static enum err check_unit(const struct account *a, const struct warning *w, struct problem *why)
{
	const char *unit = str_eq(a->purpose, "electricity") ? "kwh"
			   : str_eq(a->purpose, "water")     ? "m3"
							     : "yuan";

	if (in_yuan(w) || str_eq(w->unit, unit))
		return ERR_OK;
	return problem_set(why, ERR_BAD_VALUE, "unit", "this purse is counted in yuan or %s", unit);
}

static enum err check_range(struct db *db, const struct account *a, const struct warning *w,
	bool limited, struct problem *why)
{
	int64_t most = MOST_YUAN, least = 0;
	enum err e = ERR_OK;

	if (w->warn2.nano < 0 || w->warn2.nano > w->warn1.nano || w->qty2.milli < 0 ||
		w->qty2.milli > w->qty1.milli)
		return problem_set(why, ERR_OUT_OF_RANGE, "warn2", "from 0, and not above warn1");
	if (limited)
		e = setting_get(db, a->site_id, SETTING_WARN_MOST_YUAN, &most);
	if (e == ERR_OK && limited)
		e = setting_get(db, a->site_id, SETTING_WARN2_LEAST_YUAN, &least);
	if (e != ERR_OK)
		return e;
	if (w->warn1.nano > most * NANO_PER_YUAN)
		return problem_set(
			why, ERR_OUT_OF_RANGE, "warn1", "at most %" PRId64 " yuan", most);
	if (w->warn2.nano < least * NANO_PER_YUAN)
		return problem_set(
			why, ERR_OUT_OF_RANGE, "warn2", "at least %" PRId64 " yuan", least);
	return ERR_OK;
}

static enum err change_audit(struct db *db, const struct warning_change *c, const struct warning *w)
{
	struct audit audit = { c->actor, c->address, "account.warnings", "account", w->account_id,
		NULL };

	return audit_add(db, &audit,
		json_pack("{s:s, s:I, s:I, s:I, s:I}", "unit", w->unit, "warn1_nano",
			(json_int_t)w->warn1.nano, "warn2_nano", (json_int_t)w->warn2.nano,
			"warn1_milli", (json_int_t)w->qty1.milli, "warn2_milli",
			(json_int_t)w->qty2.milli),
		c->now);
}

struct setting_ctx {
	const struct warning_change *change;
	struct problem *why;
};

static enum err set_one(struct db *db, const struct setting_ctx *s, struct warning w)
{
	const struct warning_change *c = s->change;
	struct account a;
	enum err e = account_lock(db, w.account_id, &a);

	if (e != ERR_OK)
		return e;
	if (a.closed)
		return problem_set(s->why, ERR_CONFLICT, "id", "the account is closed");
	e = check_unit(&a, &w, s->why);
	if (e == ERR_OK)
		e = reckon(db, &a, &w, c->now);
	if (e == ERR_NOT_FOUND)
		return problem_set(s->why, ERR_CONFLICT, "unit",
			"nothing is known yet of what a unit costs here; say it in yuan");
	if (e == ERR_OK)
		e = check_range(db, &a, &w, c->limited, s->why);
	if (e == ERR_OK)
		e = store(db, &w, c->now);
	if (e == ERR_OK)
		e = account_changed(db, w.account_id, c->now);
	return e == ERR_OK ? change_audit(db, c, &w) : e;
}

static enum err set_tx(struct db *db, void *ctx)
{
	const struct setting_ctx *s = ctx;
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < s->change->n; i++)
		e = set_one(db, s, s->change->list[i]);
	return e;
}

static int by_account(const void *a, const void *b)
{
	const struct warning *x = a, *y = b;

	return (x->account_id > y->account_id) - (x->account_id < y->account_id);
}

enum err warning_set(struct db *db, const struct warning_change *c, struct problem *why)
{
	qsort(c->list, c->n, sizeof(*c->list), by_account);
	return db_join(db, set_tx, &(struct setting_ctx){ c, why });
}

/* ---- once a day ---- */

struct daily {
	int64_t account_id;
	struct utc now;
};

static enum err daily_tx(struct db *db, void *ctx)
{
	const struct daily *d = ctx;
	struct warning w;
	struct account a;
	enum err e = account_lock(db, d->account_id, &a);

	if (e == ERR_OK)
		e = warning_get(db, d->account_id, &w);
	if (e == ERR_OK && in_yuan(&w))
		return ERR_OK;
	if (e == ERR_OK)
		e = reckon(db, &a, &w, d->now);
	if (e == ERR_NOT_FOUND || e == ERR_OVERFLOW) /* stays what it was */
		return db_exec(db, &Q_LOOKED, ARGS(arg_utc(d->now), arg_i64(a.id)), NULL);
	if (e == ERR_OK)
		e = store(db, &w, d->now);
	return e == ERR_OK ? account_changed(db, a.id, d->now) : e;
}

enum err warnings_run(struct db *db, struct utc now)
{
	AUTO(rows_free) struct rows due = { 0 };
	enum err e = db_list(db, &Q_DUE, ARGS(arg_i64(now.ms - DAY_MS), arg_i64(RUN_MOST)), &due);
	const struct id_row *a = due.at;

	for (size_t i = 0; e == ERR_OK && i < due.n; i++)
		e = db_tx(db, daily_tx, &(struct daily){ a[i].id, now });
	return e;
}
