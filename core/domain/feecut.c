#include "domain/feecut.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "domain/approval.h"
#include "domain/audit.h"
#include "domain/notice.h"
#include "domain/scope.h"
#include "domain/setting.h"
#include "domain/site.h"
#include "domain/supplypoint.h"
#include "rules/fee.h"

#define DAY_MS INT64_C(86400000)
#define CAUSE_MAX 32

static const char *cause_of(int64_t account_id, char buf[static CAUSE_MAX])
{
	snprintf(buf, CAUSE_MAX, "account:%" PRId64, account_id);
	return buf;
}

/* ---- the lists ---- */

#define F(member) FIELD(struct fee_cut, member)
SHAPE(cut_shape, struct fee_cut, F(approval_id), F(state), F(asked_at), F(account_id),
	F(contract_id), F(contract_code), F(tenant_id), F(tenant_code), F(tenant_name), F(room),
	F(listed), F(balance), F(cut_at));
#undef F
const struct listing fee_cut_listing = {
	.all = { "SELECT k.approval_id, v.state, v.asked_at, k.account_id, c.id AS contract_id,"
		 " c.code AS contract_code, t.id AS tenant_id, t.code AS tenant_code,"
		 " t.name AS tenant_name, t.room, k.balance_nano AS listed,"
		 " a.balance_nano AS balance, k.cut_at FROM fee_cut k"
		 " JOIN approval v ON v.id = k.approval_id JOIN account a ON a.id = k.account_id"
		 " JOIN contract c ON c.id = a.contract_id JOIN tenant t ON t.id = c.tenant_id"
		 " WHERE ? IN (0, v.site_id, " SEEN_CONTRACT("c.id") ")",
		&cut_shape },
	.sorts = { { "account_id", "k.account_id" }, { "approval_id", "k.approval_id" } },
	.tie_only = true,
	.order = "-approval_id",
	.filters = { { "approval_id", FILTER_ID, "v.id = ?" },
		{ "state", FILTER_WORD, "v.state = ?", "pending approved rejected expired" },
		{ "tenant_id", FILTER_ID, "t.id = ?" } },
};

struct short_row {
	int64_t account_id;
	struct money balance;
};
SHAPE(short_shape, struct short_row, FIELD(struct short_row, account_id),
	FIELD(struct short_row, balance));
/* Short for long enough, with electricity that is not cut for it, and neither on a list that still
 * waits nor on one that was rejected this month. */
static const struct query Q_SHORT = {
	"SELECT a.id AS account_id, a.balance_nano AS balance FROM account a"
	" JOIN contract c ON c.id = a.contract_id JOIN tenant t ON t.id = c.tenant_id"
	" WHERE t.site_id = ? AND c.end_at = 0 AND a.kind = 'purse' AND a.purpose = 'fee'"
	" AND a.level = 'arrears' AND a.level_since <= ?"
	" AND EXISTS (SELECT 1 FROM contract_point p JOIN supply_point s ON s.id ="
	" p.supply_point_id WHERE p.contract_id = c.id AND p.to_at = 0"
	" AND s.utility = 'electricity' AND s.billing IN ('account', 'meter')"
	" AND NOT EXISTS (SELECT 1 FROM block b WHERE b.supply_point_id = s.id"
	" AND b.kind = 'fee' AND b.cause = CONCAT('account:', a.id)))"
	" AND NOT EXISTS (SELECT 1 FROM fee_cut k JOIN approval v ON v.id = k.approval_id"
	" WHERE k.account_id = a.id AND ((v.state = 'pending' AND v.asked_at > ?)"
	" OR (v.state = 'rejected' AND k.month = ?))) ORDER BY a.id LIMIT 500",
	&short_shape
};
static const struct query Q_ASKED = { "SELECT id FROM approval WHERE once_key = ?", &id_shape };
static const struct query Q_LIST_ADD = {
	"INSERT INTO fee_cut (approval_id, account_id, balance_nano, month) VALUES (?, ?, ?, ?)",
	NULL
};

struct cut_list {
	int64_t site_id;
	char month[MONTH_TEXT_MAX];
	char once[64];
	int64_t grace_days;
	struct utc now;
};

static enum err list_ask(
	struct db *db, const struct cut_list *l, const struct rows *owing, int64_t *approval_id)
{
	AUTO(json_free)
	json_t *params =
		json_pack("{s:s, s:I}", "month", l->month, "contracts", (json_int_t)owing->n);
	char object[32], reason[80];

	snprintf(object, sizeof(object), "site:%" PRId64, l->site_id);
	snprintf(reason, sizeof(reason), "fees unpaid for %" PRId64 " days or more", l->grace_days);
	return approval_ask(db,
		&(struct approval_new){ .kind = "fee_cut",
			.site_id = l->site_id,
			.object = object,
			.params = params,
			.reason = reason,
			.once_key = l->once },
		l->now, approval_id, NULL);
}

static enum err list_tx(struct db *db, void *ctx)
{
	const struct cut_list *l = ctx;
	AUTO(rows_free) struct rows owing = { 0 };
	const struct short_row *s;
	int64_t approval_id = 0;
	enum err e = db_list(db, &Q_SHORT,
		ARGS(arg_i64(l->site_id), arg_i64(l->now.ms - l->grace_days * DAY_MS),
			arg_i64(l->now.ms - APPROVAL_LIFE_MS), arg_text(l->month)),
		&owing);

	if (e != ERR_OK || owing.n == 0)
		return e;
	e = list_ask(db, l, &owing, &approval_id);
	s = owing.at;
	for (size_t i = 0; e == ERR_OK && i < owing.n; i++)
		e = db_exec(db, &Q_LIST_ADD,
			ARGS(arg_i64(approval_id), arg_i64(s[i].account_id),
				arg_money(s[i].balance), arg_text(l->month)),
			NULL);
	if (e == ERR_OK)
		log_info("fee_cut approval=%" PRId64 " site=%" PRId64 " contracts=%zu", approval_id,
			l->site_id, owing.n);
	return e;
}

static enum err list_site(struct db *db, const struct site_ref *site, struct utc now)
{
	struct cut_list l = { .site_id = site->id, .now = now };
	char text[DAY_TEXT_MAX];
	int64_t on = 0;
	struct id_row asked;
	struct day today;
	enum err e = setting_get(db, site->id, SETTING_FEE_CUT, &on);

	if (e != ERR_OK || !on)
		return e;
	e = setting_get(db, site->id, SETTING_FEE_GRACE_DAYS, &l.grace_days);
	if (e == ERR_OK)
		e = site_day(db, site->id, now, &today);
	if (e != ERR_OK)
		return e;
	month_text(month_of(today), l.month);
	snprintf(l.once, sizeof(l.once), "fee_cut:%" PRId64 ":%s", site->id, day_text(today, text));
	e = db_one(db, &Q_ASKED, ARGS(arg_text(l.once)), &asked); /* one list a day */
	if (e != ERR_NOT_FOUND)
		return e;
	e = db_tx(db, list_tx, &l);
	return e == ERR_ALREADY || e == ERR_IDEMPOTENCY ? ERR_OK : e; /* another worker was first */
}

/* ---- cutting ---- */

static const struct query Q_LISTED = {
	"SELECT account_id AS id FROM fee_cut WHERE approval_id = ? ORDER BY account_id", &id_shape
};
static const struct query Q_CUT = {
	"UPDATE fee_cut SET cut_at = ? WHERE approval_id = ? AND account_id = ?", NULL
};

struct cut_point {
	int64_t supply_point_id;
	int64_t account_id;
};
SHAPE(cut_point_shape, struct cut_point, FIELD(struct cut_point, supply_point_id),
	FIELD(struct cut_point, account_id));
static const struct query Q_CUT_POINTS = {
	"SELECT p.supply_point_id, k.account_id FROM fee_cut k JOIN account a ON a.id ="
	" k.account_id JOIN contract_point p ON p.contract_id = a.contract_id AND p.to_at = 0"
	" JOIN supply_point s ON s.id = p.supply_point_id WHERE k.approval_id = ?"
	" AND k.cut_at > 0 AND s.utility = 'electricity' AND s.billing IN ('account', 'meter')"
	" ORDER BY p.supply_point_id",
	&cut_point_shape
};

/* Who has paid since it was listed is left alone. */
static enum err cut_mark(
	struct db *db, int64_t approval_id, int64_t account_id, const char *actor, struct utc now)
{
	struct audit audit = { actor, "", "fee.cut", "account", account_id, NULL };
	struct account a;
	enum err e = account_lock(db, account_id, &a);

	if (e != ERR_OK || a.closed || !str_eq(a.level, level_word(LEVEL_ARREARS)))
		return e;
	e = db_exec(
		db, &Q_CUT, ARGS(arg_utc(now), arg_i64(approval_id), arg_i64(account_id)), NULL);
	if (e == ERR_OK)
		e = notice_add(db, &a, block_word(BLOCK_FEE), 0, now);
	return e == ERR_OK ? audit_add(db, &audit,
				     json_pack("{s:I}", "approval", (json_int_t)approval_id), now)
			   : e;
}

enum err fee_cut_approved(struct db *db, const struct approval *a, const json_t *params,
	const char *actor, struct utc now, struct problem *why)
{
	AUTO(rows_free) struct rows listed = { 0 };
	AUTO(rows_free) struct rows points = { 0 };
	const struct cut_point *p;
	const struct id_row *account;
	char cause[CAUSE_MAX];
	int64_t on = 0;
	enum err e = setting_get(db, a->site_id, SETTING_FEE_CUT, &on);

	(void)params;
	if (e == ERR_OK && !on)
		return problem_set(why, ERR_CONFLICT, "", "fee_cut was turned off for this site");
	if (e == ERR_OK)
		e = db_list(db, &Q_LISTED, ARGS(arg_i64(a->id)), &listed);
	account = listed.at;
	for (size_t i = 0; e == ERR_OK && i < listed.n; i++)
		e = cut_mark(db, a->id, account[i].id, actor, now);
	if (e == ERR_OK)
		e = db_list(db, &Q_CUT_POINTS, ARGS(arg_i64(a->id)), &points);
	p = points.at;
	for (size_t i = 0; e == ERR_OK && i < points.n; i++)
		e = supply_block_set(db, p[i].supply_point_id, BLOCK_FEE,
			cause_of(p[i].account_id, cause), actor, "", now);
	return e;
}

/* ---- lifting ---- */

static const struct query Q_BLOCKED = {
	"SELECT DISTINCT b.supply_point_id AS id FROM contract_point p JOIN block b"
	" ON b.supply_point_id = p.supply_point_id AND b.kind = 'fee' AND b.cause = ?"
	" WHERE p.contract_id = ? ORDER BY b.supply_point_id",
	&id_shape
};
/* Paid, or the setting is off, or the contract does not hold the supply any more. */
static const struct query Q_GROUNDLESS = {
	"SELECT b.supply_point_id, a.id AS account_id FROM block b"
	" JOIN supply_point s ON s.id = b.supply_point_id"
	" JOIN account a ON a.id = CAST(SUBSTRING(b.cause, LENGTH('account:') + 1) AS UNSIGNED)"
	" LEFT JOIN setting f ON f.site_id = s.site_id AND f.name = ?"
	" WHERE b.kind = 'fee' AND (COALESCE(f.value, ?) = 0 OR a.level <> 'arrears'"
	" OR NOT EXISTS (SELECT 1 FROM contract_point p WHERE p.contract_id = a.contract_id"
	" AND p.supply_point_id = s.id AND p.to_at = 0)) ORDER BY b.supply_point_id",
	&cut_point_shape
};

enum err fee_cut_lift(struct db *db, const struct account *a, struct utc now)
{
	AUTO(rows_free) struct rows points = { 0 };
	char cause[CAUSE_MAX];
	const struct id_row *p;
	enum err e;

	cause_of(a->id, cause);
	e = db_list(db, &Q_BLOCKED, ARGS(arg_text(cause), arg_i64(a->contract_id)), &points);
	p = points.at;
	for (size_t i = 0; e == ERR_OK && i < points.n; i++)
		e = supply_block_clear(db, p[i].id, BLOCK_FEE, cause, now);
	return e;
}

struct clearing {
	const struct cut_point *point;
	struct utc now;
};

static enum err clear_tx(struct db *db, void *ctx)
{
	const struct clearing *c = ctx;
	char cause[CAUSE_MAX];

	return supply_block_clear(db, c->point->supply_point_id, BLOCK_FEE,
		cause_of(c->point->account_id, cause), c->now);
}

static enum err groundless_clear(struct db *db, struct utc now)
{
	AUTO(rows_free) struct rows found = { 0 };
	const struct setting_row *s = &settings[SETTING_FEE_CUT];
	enum err e =
		db_list(db, &Q_GROUNDLESS, ARGS(arg_text(s->name), arg_i64(s->shipped)), &found);
	const struct cut_point *p = found.at;

	for (size_t i = 0; e == ERR_OK && i < found.n; i++)
		e = db_tx(db, clear_tx, &(struct clearing){ &p[i], now });
	return e;
}

enum err fee_cuts_due(struct db *db, struct utc now)
{
	AUTO(rows_free) struct rows sites = { 0 };
	enum err first = groundless_clear(db, now);
	enum err e = site_refs(db, &sites);
	const struct site_ref *site = sites.at;

	if (first == ERR_OK)
		first = e;
	for (size_t i = 0; i < sites.n; i++) {
		e = list_site(db, &site[i], now);
		if (first == ERR_OK)
			first = e;
	}
	return first;
}
