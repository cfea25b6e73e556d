#include "domain/account.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "domain/feecut.h"
#include "domain/notice.h"
#include "domain/supplypoint.h"

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
static const struct query Q_GET = {
	"SELECT a.id, a.contract_id, c.tenant_id, t.site_id, a.purpose, s.zone, t.room,"
	" t.name AS tenant_name, t.phone, t.language, a.balance_nano AS balance,"
	" a.credit_limit_nano AS credit_limit, a.warn1_nano AS warn1, a.warn2_nano AS warn2, "
	"a.level,"
	" a.emergency_limit_nano AS emergency_limit, a.emergency_at, c.end_at <> 0 AS closed,"
	" a.subsidy_nano AS subsidy"
	" FROM account a JOIN contract c ON c.id = a.contract_id JOIN tenant t ON t.id = "
	"c.tenant_id"
	" JOIN site s ON s.id = t.site_id WHERE a.id = ?",
	&account_shape
};
static const struct query Q_LEVEL = { "UPDATE account SET level = ?, level_since = ? WHERE id = ?",
	NULL };
static const struct query Q_EMERGENCY = { "UPDATE account SET emergency_at = ? WHERE id = ?",
	NULL };
static const struct query Q_WARNINGS = {
	"UPDATE account SET warn1_nano = ?, warn2_nano = ? WHERE id = ?", NULL
};
static const struct query Q_POINTS = {
	"SELECT p.id FROM contract_point c JOIN supply_point p ON p.id = c.supply_point_id"
	" WHERE c.account_id = ? AND c.to_at = 0 AND p.billing = 'account' ORDER BY p.id",
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

/* The arrears block of every supply point that this purse pays for. */
static enum err arrears_apply(
	struct db *db, const struct account *a, bool in_arrears, struct utc now)
{
	AUTO(rows_free) struct rows points = { 0 };
	enum err e = db_list(db, &Q_POINTS, ARGS(arg_i64(a->id)), &points);
	const struct id_row *p = points.at;
	char cause[32];

	if (str_eq(a->purpose, "fee")) /* never cuts by itself: only an approved list does */
		return in_arrears ? ERR_OK : fee_cut_lift(db, a, now);
	snprintf(cause, sizeof(cause), "account:%" PRId64, a->id);
	for (size_t i = 0; e == ERR_OK && i < points.n; i++)
		e = in_arrears
			    ? supply_block_set(db, p[i].id, BLOCK_ARREARS, cause, "system", "", now)
			    : supply_block_clear(db, p[i].id, BLOCK_ARREARS, cause, now);
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

	if (str_eq(a->purpose, "fee") && balance.nano < INT64_MAX)
		balance.nano++;
	return warn_level(from, balance, &limits);
}

static const char *notice_word(const struct account *a, enum level to)
{
	if (!str_eq(a->purpose, "fee"))
		return level_word(to);
	return to == LEVEL_ARREARS ? "fee_short" : "fee_low";
}

enum err account_changed(struct db *db, int64_t id, struct utc now)
{
	enum level from, to;
	struct account a;
	enum err e = account_lock(db, id, &a);

	if (e == ERR_OK && a.closed)
		return ERR_OK;
	if (e == ERR_OK)
		e = emergency_rearm(db, &a);
	if (e == ERR_OK)
		e = level_parse(a.level, &from);
	if (e != ERR_OK)
		return e;
	to = level_of(&a, from);
	if (to == from)
		return ERR_OK;
	e = db_exec(db, &Q_LEVEL, ARGS(arg_text(level_word(to)), arg_utc(now), arg_i64(id)), NULL);
	if (e == ERR_OK && to > from)
		e = notice_add(db, &a, notice_word(&a, to), 0, now);
	if (e == ERR_OK && (to == LEVEL_ARREARS || from == LEVEL_ARREARS))
		e = arrears_apply(db, &a, to == LEVEL_ARREARS, now);
	if (e == ERR_OK)
		log_info("account=%" PRId64 " level=%s was=%s", id, level_word(to), a.level);
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
	if (e != ERR_OK || !str_eq(a.level, level_word(LEVEL_ARREARS)))
		return e;
	/* Arrears end at a balance above zero; a lower floor ends them too, at once. */
	e = db_exec(db, &Q_LEVEL,
		ARGS(arg_text(level_word(LEVEL_LOW2)), arg_utc(m->now), arg_i64(m->id)), NULL);
	return e == ERR_OK ? arrears_apply(db, &a, false, m->now) : e;
}

enum err account_take_emergency(struct db *db, int64_t id, const char *actor, struct utc now)
{
	enum err e = db_tx(db, emergency_tx, &(struct emergency){ .id = id, .now = now });

	if (e == ERR_OK)
		log_info("account=%" PRId64 " emergency credit taken by=%s", id, actor);
	return e;
}

struct warnings {
	int64_t id;
	struct money warn1, warn2;
	struct utc now;
};

static enum err warnings_tx(struct db *db, void *ctx)
{
	const struct warnings *w = ctx;
	struct account a;
	enum err e = account_lock(db, w->id, &a);

	if (e == ERR_OK)
		e = db_exec(db, &Q_WARNINGS,
			ARGS(arg_money(w->warn1), arg_money(w->warn2), arg_i64(w->id)), NULL);
	return e == ERR_OK ? account_changed(db, w->id, w->now) : e;
}

enum err account_set_warnings(
	struct db *db, int64_t id, struct money warn1, struct money warn2, struct utc now)
{
	if (warn2.nano < 0 || warn1.nano < warn2.nano)
		return ERR_OUT_OF_RANGE;
	return db_tx(db, warnings_tx, &(struct warnings){ id, warn1, warn2, now });
}

enum err account_book_day(const struct account *a, struct utc at, struct day *out)
{
	AUTO(zone_free) struct zone *z = NULL;
	enum err e = zone_open(a->zone, &z);

	if (e == ERR_OK)
		*out = zone_local(z, at).day;
	return e;
}
