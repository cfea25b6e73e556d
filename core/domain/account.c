#include "domain/account.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "domain/audit.h"
#include "domain/event.h"
#include "domain/feecut.h"
#include "domain/holiday.h"
#include "domain/notice.h"
#include "domain/setting.h"
#include "domain/supplypoint.h"

#define MINUTE_MS INT64_C(60000)

SHAPE(account_shape, struct account, FIELD(struct account, id), FIELD(struct account, contract_id),
	FIELD(struct account, tenant_id), FIELD(struct account, site_id),
	FIELD(struct account, purpose), FIELD(struct account, zone), FIELD(struct account, room),
	FIELD(struct account, tenant_name), FIELD(struct account, phone),
	FIELD(struct account, language), FIELD(struct account, balance),
	FIELD(struct account, credit_limit), FIELD(struct account, warn1),
	FIELD(struct account, warn2), FIELD(struct account, level),
	FIELD(struct account, emergency_limit), FIELD(struct account, emergency_at),
	FIELD(struct account, closed), FIELD(struct account, subsidy));

static const struct query Q_LOCK = {
	"SELECT id FROM account WHERE id = ? AND kind = 'purse' FOR UPDATE", &id_shape
};
#define COLUMNS                                                                                    \
	"SELECT STRAIGHT_JOIN a.id, a.contract_id, c.tenant_id, t.site_id, a.purpose, s.zone, "    \
	"t.room,"                                                                                  \
	" t.name AS tenant_name, t.phone, t.language, a.balance_nano AS balance,"                  \
	" a.credit_limit_nano AS credit_limit, a.warn1_nano AS warn1, a.warn2_nano AS warn2,"      \
	" a.level, a.emergency_limit_nano AS emergency_limit, a.emergency_at,"                     \
	" c.end_at <> 0 AS closed, a.subsidy_nano AS subsidy FROM "
#define JOINS                                                                                      \
	" JOIN contract c ON c.id = a.contract_id JOIN tenant t ON t.id = c.tenant_id"             \
	" JOIN site s ON s.id = t.site_id"
static const struct query Q_GET = { COLUMNS "account a" JOINS " WHERE a.id = ?", &account_shape };
static const struct query Q_GET_ALL = {
	COLUMNS DB_IDS " account a ON a.id = k.id" JOINS " ORDER BY a.id", &account_shape
};
static const struct query Q_LEVEL = { "UPDATE account SET level = ?, level_since = ? WHERE id = ?",
	NULL };
static const struct query Q_EMERGENCY = { "UPDATE account SET emergency_at = ? WHERE id = ?",
	NULL };
static const struct query Q_LIMITS = {
	"UPDATE account SET credit_limit_nano = ?, emergency_limit_nano = ? WHERE id = ?", NULL
};

struct paid_point {
	int64_t id;
	bool cuttable; /* has a relay or valve, and is not protected */
	struct utc keep_until;
};
SHAPE(paid_shape, struct paid_point, FIELD(struct paid_point, id),
	FIELD(struct paid_point, cuttable), FIELD(struct paid_point, keep_until));
static const struct query Q_POINTS = {
	"SELECT p.id, p.switchable AND p.load_class <> 'protected' AS cuttable, p.keep_until"
	" FROM contract_point c JOIN supply_point p ON p.id = c.supply_point_id"
	" WHERE c.account_id = ? AND c.to_at = 0 AND p.billing = 'account' ORDER BY p.id",
	&paid_shape
};

static const struct query Q_BLOCKED = {
	"SELECT supply_point_id AS id FROM block WHERE kind = 'arrears' AND cause = ?"
	" ORDER BY supply_point_id",
	&id_shape
};
/* Does it pay for meters that keep their credit themselves, and for no other? */
static const struct query Q_IN_METER = {
	"SELECT COALESCE(MIN(p.billing = 'meter'), 0) AS id FROM contract_point c"
	" JOIN supply_point p ON p.id = c.supply_point_id WHERE c.account_id = ? AND c.to_at = 0",
	&id_shape
};

enum err account_get(struct db *db, int64_t id, struct account *out)
{
	return db_one(db, &Q_GET, ARGS(arg_i64(id)), out);
}

enum err account_lock(struct db *db, int64_t id, struct account *out)
{
	struct id_row locked;
	enum err e;

	ASSERT(db_in_tx(db));
	e = db_one(db, &Q_LOCK, ARGS(arg_i64(id)), &locked);
	return e == ERR_OK ? account_get(db, id, out) : e;
}

struct money account_floor_credit(const struct account *a)
{
	struct money floor = a->credit_limit;

	/* Both limits are checked when they are set; a sum that overflows keeps the larger credit.
	 */
	if (a->emergency_at.ms && money_add(a->credit_limit, a->emergency_limit, &floor) != ERR_OK)
		floor = a->credit_limit;
	return floor;
}

/* Wherever it was set: a point may have got another billing since. */
static enum err arrears_lift(struct db *db, const char *cause, struct utc now)
{
	AUTO(rows_free) struct rows points = { 0 };
	enum err e = db_list(db, &Q_BLOCKED, ARGS(arg_text(cause)), &points);
	const struct id_row *p = points.at;

	for (size_t i = 0; e == ERR_OK && i < points.n; i++)
		e = supply_block_clear(db, p[i].id, BLOCK_ARREARS, cause, now);
	return e;
}

/* The arrears block of every supply point that this purse pays for. */
static enum err arrears_apply(
	struct db *db, const struct account *a, bool in_arrears, struct utc now)
{
	AUTO(rows_free) struct rows points = { 0 };
	const struct paid_point *p;
	char cause[32];
	enum err e;

	if (str_eq(a->purpose, "fee")) /* never cuts by itself: only an approved list does */
		return in_arrears ? ERR_OK : fee_cut_lift(db, a, now);
	snprintf(cause, sizeof(cause), "account:%" PRId64, a->id);
	if (!in_arrears)
		return arrears_lift(db, cause, now);
	e = db_list(db, &Q_POINTS, ARGS(arg_i64(a->id)), &points);
	p = points.at;
	for (size_t i = 0; e == ERR_OK && i < points.n; i++)
		e = supply_block_set(db, p[i].id, BLOCK_ARREARS, cause, "system", "", now);
	return e;
}

/* When the first supply of a purse in arrears will be cut: after the final warning, quiet hours and
 * any keep. 0: none will be. */
static enum err cut_time(struct db *db, const struct account *a, struct utc now, struct utc *out)
{
	AUTO(rows_free) struct rows points = { 0 };
	const struct paid_point *p;
	int64_t minutes = 0;
	enum err e = setting_get(db, a->site_id, SETTING_FINAL_WARNING_MIN, &minutes);

	out->ms = 0;
	if (e == ERR_OK && !str_eq(a->purpose, "fee"))
		e = db_list(db, &Q_POINTS, ARGS(arg_i64(a->id)), &points);
	p = points.at;
	for (size_t i = 0; e == ERR_OK && i < points.n; i++) {
		struct utc at = { now.ms + minutes * MINUTE_MS };

		if (!p[i].cuttable)
			continue;
		if (p[i].keep_until.ms > at.ms)
			at = p[i].keep_until;
		e = supply_trip_time(db, a->site_id, p[i].id, at, &at);
		if (e == ERR_OK && (out->ms == 0 || at.ms < out->ms))
			*out = at;
	}
	return e;
}

/* Emergency credit arms again once it is repaid. */
static enum err emergency_rearm(struct db *db, struct account *a)
{
	if (!a->emergency_at.ms || a->balance.nano <= 0)
		return ERR_OK;
	a->emergency_at.ms = 0;
	return db_exec(db, &Q_EMERGENCY, ARGS(arg_i64(0), arg_i64(a->id)), NULL);
}

/* A fee purse that holds nothing owes nothing: it is short below its credit, not at it, and paid
 * again at zero. */
static enum level level_of(const struct account *a, enum level from)
{
	struct warn_limits limits = { a->warn1, a->warn2, account_floor_credit(a) };
	struct money balance = a->balance;

	if (str_eq(a->purpose, "fee") && balance.nano <= 0) /* thresholds are as they are */
		balance.nano++;
	return warn_level(from, balance, &limits);
}

static enum err tell(struct db *db, const struct account *a, enum level to, struct utc now)
{
	struct utc cut_at;
	enum err e;

	if (str_eq(a->purpose, "fee"))
		return notice_add(db, a, to == LEVEL_ARREARS ? "fee_short" : "fee_low", 0, now);
	if (to != LEVEL_ARREARS)
		return notice_add(db, a, level_word(to), 0, now);
	e = cut_time(db, a, now, &cut_at);
	return e == ERR_OK ? notice_add_arrears(db, a, cut_at, now) : e;
}

/* What is paid for a meter that keeps credit itself goes on into it: that purse is empty by nature,
 * and has no level. */
static enum err level_find(struct db *db, const struct account *a, enum level from, enum level *to)
{
	struct id_row in_meter = { 0 };
	enum err e = ERR_OK;

	*to = level_of(a, from);
	if (*to != LEVEL_OK && !str_eq(a->purpose, "fee"))
		e = db_one(db, &Q_IN_METER, ARGS(arg_i64(a->id)), &in_meter);
	if (in_meter.id)
		*to = LEVEL_OK;
	return e;
}

static json_t *level_event(const struct account *a, enum level to)
{
	return json_pack("{s:I, s:I, s:s, s:s, s:s, s:o}", "account_id", (json_int_t)a->id,
		"contract_id", (json_int_t)a->contract_id, "purpose", a->purpose, "level",
		level_word(to), "was", a->level, "balance", json_money(a->balance));
}

static enum err changed(struct db *db, struct account *a, struct utc now)
{
	enum level from, to;
	enum err e;

	if (a->closed)
		return ERR_OK;
	e = emergency_rearm(db, a);
	if (e == ERR_OK)
		e = level_parse(a->level, &from);
	if (e == ERR_OK)
		e = level_find(db, a, from, &to);
	if (e != ERR_OK || to == from)
		return e;
	e = db_exec(
		db, &Q_LEVEL, ARGS(arg_text(level_word(to)), arg_utc(now), arg_i64(a->id)), NULL);
	if (e == ERR_OK && to > from)
		e = tell(db, a, to, now);
	if (e == ERR_OK && to > from)
		e = event_add(db, "account.low", a->site_id, level_event(a, to), now);
	if (e == ERR_OK && (to == LEVEL_ARREARS || from == LEVEL_ARREARS))
		e = arrears_apply(db, a, to == LEVEL_ARREARS, now);
	if (e == ERR_OK)
		log_info("account=%" PRId64 " level=%s was=%s", a->id, level_word(to), a->level);
	return e;
}

enum err account_changed(struct db *db, int64_t id, struct utc now)
{
	struct account a;
	enum err e = account_lock(db, id, &a);

	return e == ERR_OK ? changed(db, &a, now) : e;
}

enum err accounts_changed(struct db *db, const int64_t *ids, size_t n, struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	AUTO(text_free) char *text = json_ids(ids, n);
	enum err e;

	ASSERT(db_in_tx(db));
	e = db_list(db, &Q_GET_ALL, ARGS(arg_text(text)), &rows);
	if (e == ERR_OK && rows.n != n)
		e = ERR_NOT_FOUND;
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		e = changed(db, (struct account *)rows.at + i, now);
	return e;
}

struct emergency {
	int64_t id;
	struct utc now;
	bool again; /* run before, with an outcome that is not known */
};

/* Emergency credit is for those whose money is used up (it arms again at a balance above zero), and
 * only where it helps. */
static bool emergency_helps(const struct account *a)
{
	struct money floor;

	if (a->emergency_limit.nano <= 0 || a->emergency_at.ms || a->balance.nano > 0)
		return false;
	return money_add(a->credit_limit, a->emergency_limit, &floor) == ERR_OK &&
	       a->balance.nano > -floor.nano;
}

/* Arrears end at a balance above zero; a lower floor ends them too, at once. */
static enum err floor_lowered(struct db *db, const struct account *a, struct utc now)
{
	enum err e;

	if (!str_eq(a->level, level_word(LEVEL_ARREARS)) ||
		a->balance.nano <= -account_floor_credit(a).nano)
		return ERR_OK;
	e = db_exec(db, &Q_LEVEL,
		ARGS(arg_text(level_word(LEVEL_LOW2)), arg_utc(now), arg_i64(a->id)), NULL);
	return e == ERR_OK ? arrears_apply(db, a, false, now) : e;
}

static enum err emergency_tx(struct db *db, void *ctx)
{
	struct emergency *m = ctx;
	struct account a;
	enum err e = account_lock(db, m->id, &a);

	if (e != ERR_OK)
		return e;
	if (m->again && a.emergency_at.ms == m->now.ms) /* the answer to COMMIT was lost */
		return ERR_OK;
	m->again = true;
	if (!emergency_helps(&a))
		return ERR_CONFLICT;
	e = db_exec(db, &Q_EMERGENCY, ARGS(arg_utc(m->now), arg_i64(m->id)), NULL);
	a.emergency_at = m->now;
	return e == ERR_OK ? floor_lowered(db, &a, m->now) : e;
}

enum err account_take_emergency(struct db *db, int64_t id, const char *actor, struct utc now)
{
	enum err e = db_tx(db, emergency_tx, &(struct emergency){ .id = id, .now = now });

	if (e == ERR_OK)
		log_info("account=%" PRId64 " emergency credit taken by=%s", id, actor);
	return e;
}

static enum err limits_audit(struct db *db, const struct account_limits *l)
{
	struct audit audit = { l->actor, l->address, "account.limits", "account", l->account_id,
		NULL };

	return audit_add(db, &audit,
		json_pack("{s:I, s:I, s:s}", "credit_limit_nano", (json_int_t)l->credit_limit.nano,
			"emergency_limit_nano", (json_int_t)l->emergency_limit.nano, "reason",
			l->reason),
		l->now);
}

static enum err limits_tx(struct db *db, void *ctx)
{
	const struct account_limits *l = ctx;
	struct account a;
	enum err e = account_lock(db, l->account_id, &a);

	if (e == ERR_OK && a.closed)
		return ERR_CONFLICT;
	if (e == ERR_OK)
		e = db_exec(db, &Q_LIMITS,
			ARGS(arg_money(l->credit_limit), arg_money(l->emergency_limit),
				arg_i64(a.id)),
			NULL);
	if (e != ERR_OK)
		return e;
	a.credit_limit = l->credit_limit;
	a.emergency_limit = l->emergency_limit;
	e = floor_lowered(db, &a, l->now);
	if (e == ERR_OK)
		e = account_changed(db, a.id, l->now);
	return e == ERR_OK ? limits_audit(db, l) : e;
}

enum err account_set_limits(struct db *db, const struct account_limits *l, struct problem *why)
{
	const struct {
		const char *field;
		struct money value;
	} checks[] = {
		{ "credit_limit", l->credit_limit },
		{ "emergency_limit", l->emergency_limit },
	};
	struct account_limits copy = *l;
	enum err e;

	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		if (checks[i].value.nano < 0 ||
			checks[i].value.nano > ACCOUNT_LIMIT_YUAN * NANO_PER_YUAN)
			return problem_set(why, ERR_OUT_OF_RANGE, checks[i].field,
				"from 0 to %d yuan", ACCOUNT_LIMIT_YUAN);
	e = db_join(db, limits_tx, &copy);
	return e == ERR_CONFLICT ? problem_set(why, e, "id", "the account is closed") : e;
}

enum err account_book_day(const struct account *a, struct utc at, struct day *out)
{
	AUTO(zone_free) struct zone *z = NULL;
	enum err e = zone_open(a->zone, &z);

	if (e == ERR_OK)
		*out = zone_local(z, at).day;
	return e;
}
