#include "domain/fee.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "domain/audit.h"
#include "domain/fee_inside.h"
#include "domain/notice.h"
#include "domain/scope.h"
#include "domain/setting.h"
#include "domain/site.h"

#define BATCH 200
#define MONTHS_BACK 2

/* ---- the list ---- */

#define F(member) FIELD(struct fee, member)
static const struct field fee_fields[] = { F(id), F(contract_id), F(contract_code), F(tenant_id),
	F(tenant_code), F(tenant_name), F(room), F(account_id), F(balance), F(kind), F(monthly_fen),
	F(from_day), F(to_day), F(end_at), F(zone), F(last_month) };
#undef F
const struct shape fee_shape = {
	.fields = fee_fields, .n = ARRAY_LEN(fee_fields), .size = sizeof(struct fee)
};
static const struct query Q_LIST = { FEES
	"WHERE ? IN (0, t.site_id, " SEEN_CONTRACT(
		"c.id") ") AND ? IN (0, c.id) AND ? IN (0, f.id)"
			" AND (? = 0 OR EXISTS (SELECT 1 FROM user_tenant u WHERE u.user_id = ?"
			" AND u.tenant_id = t.id)) ORDER BY f.id LIMIT 2000",
	&fee_shape };
const struct listing fee_listing = {
	.all = { FEES "WHERE ? IN (0, t.site_id, " SEEN_CONTRACT("c.id") ")", &fee_shape },
	.sorts = { { "id", "f.id" }, { "room", "t.room" }, { "from_day", "f.from_day" },
		{ "monthly_fen", "f.monthly_fen" }, { "balance", "a.balance_nano" } },
	.order = "id",
	.filters = { { "contract_id", FILTER_ID, "c.id = ?" },
		{ "tenant_id", FILTER_ID, "t.id = ?" }, { "site_id", FILTER_ID, "t.site_id = ?" },
		{ "kind", FILTER_WORD, "f.kind = ?", "property_fee rent" },
		{ "q", FILTER_TEXT,
			"LOCATE(?, c.code) OR LOCATE(?, t.room) OR LOCATE(?, t.name)" } },
	.usual = 500,
	.most = 1000,
};
static const struct query Q_GET = { FEES "WHERE f.id = ?", &fee_shape };
static const struct query Q_LOCK = { "SELECT id FROM contract_fee WHERE id = ? FOR UPDATE",
	&id_shape };

enum err fee_list(struct db *db, const struct fee_filter *f, struct rows *out)
{
	return db_list(db, &Q_LIST,
		ARGS(arg_i64(f->site_id), arg_i64(f->contract_id), arg_i64(f->id),
			arg_i64(f->user_id), arg_i64(f->user_id)),
		out);
}

/* The contract's last day is that of its last millisecond. */
enum err fee_term_of(const struct fee_row *f, const struct zone *z, struct fee_term *out)
{
	struct fee_term t = { .monthly_fen = f->monthly_fen, .ends = f->to_day[0] != '\0' };
	struct day last = { INT32_MAX };
	enum err e = day_parse(f->from_day, &t.from);

	if (e == ERR_OK && t.ends)
		e = day_parse(f->to_day, &t.to);
	if (e != ERR_OK)
		return e;
	if (f->end_at.ms)
		last = zone_local(z, (struct utc){ f->end_at.ms - 1 }).day;
	if (f->end_at.ms && (!t.ends || t.to.days > last.days)) {
		t.ends = true;
		t.to = last;
	}
	*out = t;
	return ERR_OK;
}

static enum err term_of(const struct fee *f, const struct zone *z, struct fee_term *out)
{
	return fee_term_of(
		&(struct fee_row){ f->monthly_fen, f->from_day, f->to_day, f->end_at }, z, out);
}

enum err fee_next(const struct fee *f, struct utc now, struct fee_next *out)
{
	AUTO(zone_free) struct zone *z = NULL;
	struct fee_next next = { 0 };
	struct month m, last = { 0 };
	struct fee_term t;
	struct day due;
	enum err e = zone_open(f->zone, &z);

	if (e == ERR_OK)
		e = term_of(f, z, &t);
	if (e == ERR_OK && f->last_month[0])
		e = month_parse(f->last_month, &last);
	if (e != ERR_OK)
		return e;
	m = month_of(zone_local(z, now).day);
	if (m.months < month_of(t.from).months)
		m = month_of(t.from);
	if (f->last_month[0] && m.months <= last.months)
		m.months = last.months + 1;
	due = month_first(m);
	if (due.days < t.from.days)
		due = t.from;
	next.amount_fen = fee_amount(&t, m);
	month_text(m, next.month);
	day_text(due, next.due_day);
	*out = next;
	return ERR_OK;
}

/* ---- one month of one fee ---- */

struct charged {
	int64_t versions;
	int64_t amount_fen;
};
SHAPE(charged_shape, struct charged, FIELD(struct charged, versions),
	FIELD(struct charged, amount_fen));
static const struct query Q_CHARGED = {
	"SELECT COUNT(*) AS versions, CAST(COALESCE(SUM(amount_fen), 0) AS SIGNED) AS amount_fen"
	" FROM fee_charge WHERE contract_fee_id = ? AND month = ?",
	&charged_shape
};
static const struct query Q_CHARGE_ADD = {
	"INSERT INTO fee_charge (contract_fee_id, month, version, days, amount_fen, entry_id)"
	" VALUES (?, ?, ?, ?, ?, ?)",
	NULL
};

struct charging {
	struct fee fee;
	struct fee_term term;
	struct month month;
	struct charged before;
	int64_t amount_fen; /* of this entry */
	const char *actor;
	struct utc now;
};

static enum err fee_load(
	struct db *db, int64_t id, struct fee *f, struct fee_term *t, struct zone **z)
{
	struct id_row locked;
	enum err e = db_one(db, &Q_LOCK, ARGS(arg_i64(id)), &locked);

	if (e == ERR_OK)
		e = db_one(db, &Q_GET, ARGS(arg_i64(id)), f);
	if (e == ERR_OK)
		e = zone_open(f->zone, z);
	return e == ERR_OK ? term_of(f, *z, t) : e;
}

static enum err charge_entry(struct db *db, const struct charging *c, int64_t *entry_id)
{
	char once[64], reference[48], month[MONTH_TEXT_MAX];
	struct account a;
	struct money amount, taken;
	int64_t income, n;
	struct day day;
	enum err e = account_get(db, c->fee.account_id, &a);

	if (e == ERR_OK)
		e = account_book_day(&a, c->now, &day);
	if (e == ERR_OK)
		e = account_company(db, c->fee.kind, &income);
	if (e == ERR_OK)
		e = money_from_fen(c->amount_fen, &amount);
	if (e == ERR_OK)
		e = money_sub((struct money){ 0 }, amount, &taken);
	if (e != ERR_OK)
		return e;
	month_text(c->month, month);
	n = snprintf(once, sizeof(once), "fee:%" PRId64 ":%s", c->fee.id, month);
	if (c->before.versions > 0)
		snprintf(once + n, sizeof(once) - (size_t)n, ":%" PRId64, c->before.versions + 1);
	snprintf(reference, sizeof(reference), "fee:%" PRId64, c->fee.id);
	return entry_post(db,
		&(struct entry){ .kind = c->fee.kind,
			.once_key = once,
			.reference = reference,
			.actor = c->actor,
			.memo = month,
			.site_id = a.site_id,
			.book_day = day,
			.at = c->now },
		(struct posting[]){ { c->fee.account_id, taken, true }, { income, amount, false } },
		2, entry_id);
}

/* The fee is locked. Posts what the month's days cost and was not posted yet; the purse's level is
 * for the caller to find. */
static enum err charge(struct db *db, struct charging *c)
{
	char month[MONTH_TEXT_MAX];
	int64_t entry_id;
	enum err e = db_one(db, &Q_CHARGED,
		ARGS(arg_i64(c->fee.id), arg_text(month_text(c->month, month))), &c->before);

	if (e != ERR_OK)
		return e;
	c->amount_fen = fee_left(&c->term, c->month, c->before.amount_fen);
	if (c->amount_fen == 0)
		return ERR_OK;
	e = charge_entry(db, c, &entry_id);
	if (e == ERR_ALREADY) {
		log_error("fee=%" PRId64 " month=%s entry=%" PRId64 " has no fee_charge", c->fee.id,
			month, entry_id);
		return ERR_INTERNAL;
	}
	if (e == ERR_OK)
		e = db_exec(db, &Q_CHARGE_ADD,
			ARGS(arg_i64(c->fee.id), arg_text(month), arg_i64(c->before.versions + 1),
				arg_i64(fee_days(&c->term, c->month)), arg_i64(c->amount_fen),
				arg_i64(entry_id)),
			NULL);
	if (e == ERR_OK)
		log_info("fee=%" PRId64 " month=%s amount_fen=%" PRId64, c->fee.id, month,
			c->amount_fen);
	return e;
}

struct charge_job {
	int64_t fee_id;
	struct month month;
	const char *actor;
	struct utc now;
};

static enum err charge_tx(struct db *db, void *ctx)
{
	const struct charge_job *j = ctx;
	AUTO(zone_free) struct zone *z = NULL;
	struct charging c = { .month = j->month, .actor = j->actor, .now = j->now };
	enum err e = fee_load(db, j->fee_id, &c.fee, &c.term, &z);

	if (e == ERR_OK)
		e = charge(db, &c);
	if (e == ERR_OK && c.amount_fen != 0)
		e = account_changed(db, c.fee.account_id, j->now);
	return e;
}

/* ---- a month of a site ---- */

/* Fees that have begun, were there before the given instant, and have no charge for the month. */
static const struct query Q_DUE = {
	"SELECT f.id FROM contract_fee f JOIN contract c ON c.id = f.contract_id"
	" JOIN tenant t ON t.id = c.tenant_id WHERE t.site_id = ? AND f.id > ? AND f.from_day <= ?"
	" AND (f.to_day IS NULL OR f.to_day >= ?) AND (c.end_at = 0 OR c.end_at > ?)"
	" AND f.created_at < ? AND NOT EXISTS (SELECT 1 FROM fee_charge g"
	" WHERE g.contract_fee_id = f.id AND g.month = ?) ORDER BY f.id LIMIT ?",
	&id_shape
};
SHAPE(run_shape, struct fee_run, FIELD(struct fee_run, fees), FIELD(struct fee_run, amount_fen));
static const struct query Q_RUN = {
	"SELECT COUNT(DISTINCT g.contract_fee_id) AS fees,"
	" CAST(COALESCE(SUM(g.amount_fen), 0) AS SIGNED) AS amount_fen FROM fee_charge g"
	" JOIN contract_fee f ON f.id = g.contract_fee_id JOIN contract c ON c.id = f.contract_id"
	" JOIN tenant t ON t.id = c.tenant_id WHERE t.site_id = ? AND g.month = ?",
	&run_shape
};

struct month_job {
	int64_t site_id;
	const struct zone *zone;
	struct month month;
	struct day today;
	struct utc known_before;
	const char *actor;
	struct utc now;
};

static enum err due_batch(struct db *db, const struct month_job *j, int64_t after, struct rows *out)
{
	struct day last = month_last(j->month);
	char first_text[DAY_TEXT_MAX], last_text[DAY_TEXT_MAX], month[MONTH_TEXT_MAX];

	if (last.days > j->today.days)
		last = j->today;
	return db_list(db, &Q_DUE,
		ARGS(arg_i64(j->site_id), arg_i64(after), arg_text(day_text(last, last_text)),
			arg_text(day_text(month_first(j->month), first_text)),
			arg_utc(zone_day_start(j->zone, month_first(j->month))),
			arg_utc(j->known_before), arg_text(month_text(j->month, month)),
			arg_i64(BATCH)),
		out);
}

/* What keeps one fee from being charged must not keep the others. */
static enum err month_charge(struct db *db, const struct month_job *j)
{
	enum err first = ERR_OK;
	int64_t after = 0;
	size_t n;

	do {
		AUTO(rows_free) struct rows due = { 0 };
		enum err e = due_batch(db, j, after, &due);
		const struct id_row *f = due.at;

		if (e != ERR_OK)
			return e;
		for (size_t i = 0; i < due.n; i++) {
			after = f[i].id;
			e = db_tx(db, charge_tx,
				&(struct charge_job){ f[i].id, j->month, j->actor, j->now });
			if (e != ERR_OK)
				log_error("fee=%" PRId64 " was not charged: %s", f[i].id,
					err_word(e));
			if (first == ERR_OK)
				first = e;
		}
		n = due.n;
	} while (n == BATCH);
	return first;
}

enum err fee_run(struct db *db, int64_t site_id, struct month m, const char *actor, struct utc now,
	struct fee_run *out, struct problem *why)
{
	AUTO(zone_free) struct zone *z = NULL;
	struct month_job j = { .site_id = site_id,
		.month = m,
		.known_before = { INT64_MAX },
		.actor = actor,
		.now = now };
	char month[MONTH_TEXT_MAX];
	enum err e = site_zone(db, site_id, &z);

	if (e != ERR_OK)
		return e;
	j.zone = z;
	j.today = zone_local(z, now).day;
	if (m.months > month_of(j.today).months)
		return problem_set(
			why, ERR_OUT_OF_RANGE, "month", "%s has not begun", month_text(m, month));
	e = month_charge(db, &j);
	return e == ERR_OK ? db_one(db, &Q_RUN,
				     ARGS(arg_i64(site_id), arg_text(month_text(m, month))), out)
			   : e;
}

/* ---- notices beforehand ---- */

/* Fee purses that may not cover the fees that reach into the month, not yet told about it. */
static const struct query Q_UNTOLD = {
	"SELECT a.id FROM contract_fee f"
	" JOIN account a ON a.id = f.account_id JOIN contract c ON c.id = f.contract_id"
	" JOIN tenant t ON t.id = c.tenant_id WHERE t.site_id = ? AND c.end_at = 0"
	" AND f.from_day <= ? AND (f.to_day IS NULL OR f.to_day >= ?) AND NOT EXISTS"
	" (SELECT 1 FROM fee_due d WHERE d.account_id = a.id AND d.month = ?)"
	" GROUP BY a.id HAVING SUM(f.monthly_fen) * 10000000 > MAX(a.balance_nano) ORDER BY a.id",
	&id_shape
};
static const struct query Q_OF_ACCOUNT = { FEES "WHERE f.account_id = ? ORDER BY f.id",
	&fee_shape };
static const struct query Q_TOLD = {
	"INSERT INTO fee_due (account_id, month, amount_fen, told_at) VALUES (?, ?, ?, ?)", NULL
};

struct telling {
	int64_t account_id;
	const struct zone *zone;
	struct month month;
	struct utc now;
};

static enum err month_sum(struct db *db, const struct telling *t, int64_t *fen)
{
	AUTO(rows_free) struct rows fees = { 0 };
	enum err e = db_list(db, &Q_OF_ACCOUNT, ARGS(arg_i64(t->account_id)), &fees);
	const struct fee *f = fees.at;
	struct fee_term term;

	*fen = 0;
	for (size_t i = 0; e == ERR_OK && i < fees.n; i++) {
		e = term_of(&f[i], t->zone, &term);
		if (e == ERR_OK)
			*fen += fee_amount(&term, t->month);
	}
	return e;
}

static enum err tell_tx(struct db *db, void *ctx)
{
	const struct telling *t = ctx;
	char month[MONTH_TEXT_MAX];
	struct account a;
	struct money due;
	int64_t fen = 0;
	enum err e = account_lock(db, t->account_id, &a);

	if (e == ERR_OK)
		e = month_sum(db, t, &fen);
	if (e == ERR_OK)
		e = money_from_fen(fen, &due);
	if (e != ERR_OK || due.nano <= a.balance.nano)
		return e;
	e = db_exec(db, &Q_TOLD,
		ARGS(arg_i64(a.id), arg_text(month_text(t->month, month)), arg_i64(fen),
			arg_utc(t->now)),
		NULL);
	if (e == ERR_ALREADY) /* another worker did */
		return ERR_OK;
	return e == ERR_OK ? notice_add(db, &a, "fee_due", fen, t->now) : e;
}

/* From so many days before the month begins: who cannot pay it is told, once. */
static enum err tell_site(struct db *db, const struct month_job *j)
{
	AUTO(rows_free) struct rows untold = { 0 };
	struct telling t = { .zone = j->zone, .month = { j->month.months + 1 }, .now = j->now };
	char first[DAY_TEXT_MAX], last[DAY_TEXT_MAX], month[MONTH_TEXT_MAX];
	int64_t days = 0;
	const struct id_row *account;
	enum err e = setting_get(db, j->site_id, SETTING_FEE_NOTICE_DAYS, &days);

	if (e != ERR_OK || month_first(t.month).days - j->today.days > days)
		return e;
	e = db_list(db, &Q_UNTOLD,
		ARGS(arg_i64(j->site_id), arg_text(day_text(month_last(t.month), last)),
			arg_text(day_text(month_first(t.month), first)),
			arg_text(month_text(t.month, month))),
		&untold);
	account = untold.at;
	for (size_t i = 0; e == ERR_OK && i < untold.n; i++) {
		t.account_id = account[i].id;
		e = db_tx(db, tell_tx, &t);
	}
	return e;
}

static enum err site_due(struct db *db, const struct site_ref *site, struct utc now)
{
	AUTO(zone_free) struct zone *z = NULL;
	struct month_job j = { .site_id = site->id, .actor = "system", .now = now };
	struct month present;
	enum err e = zone_open(site->zone, &z), first = ERR_OK;

	if (e != ERR_OK)
		return e;
	j.zone = z;
	j.today = zone_local(z, now).day;
	present = month_of(j.today);
	for (int back = MONTHS_BACK; back >= 0; back--) {
		j.month.months = present.months - back;
		j.known_before =
			zone_day_start(z, month_first((struct month){ j.month.months + 1 }));
		e = month_charge(db, &j);
		if (first == ERR_OK)
			first = e;
	}
	e = tell_site(db, &j);
	return first == ERR_OK ? e : first;
}

enum err fees_due(struct db *db, struct utc now)
{
	AUTO(rows_free) struct rows sites = { 0 };
	enum err first = site_refs(db, &sites);
	const struct site_ref *site = sites.at;

	for (size_t i = 0; i < sites.n; i++) {
		enum err e = site_due(db, &site[i], now);

		if (first == ERR_OK)
			first = e;
	}
	return first;
}

/* ---- beginning and ending a fee ---- */

struct contract_row {
	int64_t site_id;
	struct utc end_at;
};
SHAPE(contract_shape, struct contract_row, FIELD(struct contract_row, site_id),
	FIELD(struct contract_row, end_at));
static const struct query Q_CONTRACT = {
	"SELECT t.site_id, c.end_at FROM contract c JOIN tenant t ON t.id = c.tenant_id"
	" WHERE c.id = ?",
	&contract_shape
};
static const struct query Q_CONTRACT_LOCK = { "SELECT id FROM contract WHERE id = ? FOR UPDATE",
	&id_shape };
static const struct query Q_ADD = {
	"INSERT INTO contract_fee (contract_id, account_id, kind, monthly_fen, from_day, to_day,"
	" created_at, actor, once_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_BY_KEY = {
	"SELECT id FROM contract_fee WHERE once_key = ? AND contract_id = ? AND kind = ?"
	" AND monthly_fen = ? AND from_day = ?",
	&id_shape
};
static const struct query Q_KEY_USED = { "SELECT id FROM contract_fee WHERE once_key = ?",
	&id_shape };
/* Of the same kind, with a day in common; a fee that was ended before it began has none. */
static const struct query Q_OVERLAP = {
	"SELECT id FROM contract_fee WHERE contract_id = ? AND kind = ? AND id <> ?"
	" AND (to_day IS NULL OR (to_day >= ? AND to_day >= from_day)) AND from_day <= ? LIMIT 1",
	&id_shape
};
static const struct query Q_SET_END = { "UPDATE contract_fee SET to_day = ? WHERE id = ?", NULL };

struct month_row {
	char month[MONTH_TEXT_MAX];
};
SHAPE(month_shape, struct month_row, FIELD(struct month_row, month));
static const struct query Q_MONTHS = {
	"SELECT DISTINCT month FROM fee_charge WHERE contract_fee_id = ? ORDER BY month",
	&month_shape
};
struct lasting_row {
	int64_t id;
	char from_day[DAY_TEXT_MAX];
};
SHAPE(lasting_shape, struct lasting_row, FIELD(struct lasting_row, id),
	FIELD(struct lasting_row, from_day));
static const struct query Q_LASTING = {
	"SELECT id, from_day FROM contract_fee WHERE contract_id = ?"
	" AND (to_day IS NULL OR to_day > ?) ORDER BY id",
	&lasting_shape
};

static enum err fee_audit(
	struct db *db, const struct fee_actor *by, const char *action, int64_t id, json_t *detail)
{
	return audit_add(db, &(struct audit){ by->actor, by->address, action, "fee", id, NULL },
		detail, by->now);
}

static struct arg arg_day(struct day d, char buf[static DAY_TEXT_MAX])
{
	return arg_text(day_text(d, buf));
}

static enum err overlap_check(
	struct db *db, const struct fee_new *n, int64_t except, struct problem *why)
{
	struct day last = n->ends ? n->to : day_of(9999, 12, 31);
	char from[DAY_TEXT_MAX], to[DAY_TEXT_MAX];
	struct id_row found;
	enum err e;

	if (last.days < n->from.days)
		return ERR_OK;
	e = db_one(db, &Q_OVERLAP,
		ARGS(arg_i64(n->contract_id), arg_text(n->kind), arg_i64(except),
			arg_day(n->from, from), arg_day(last, to)),
		&found);
	if (e == ERR_NOT_FOUND)
		return ERR_OK;
	return e == ERR_OK ? problem_set(why, ERR_CONFLICT, "from_day",
				     "fee %" PRId64 " of this kind has days in common with it",
				     found.id)
			   : e;
}

struct adding {
	const struct fee_new *n;
	const struct fee_actor *by;
	int64_t id;
	struct problem *why;
};

/* A request that was answered before, or whose answer was lost. */
static enum err added_before(struct db *db, struct adding *a)
{
	const struct fee_new *n = a->n;
	char from[DAY_TEXT_MAX];
	struct id_row found;
	enum err e = db_one(db, &Q_KEY_USED, ARGS(arg_text(n->once_key)), &found);

	if (e != ERR_OK)
		return e;
	e = db_one(db, &Q_BY_KEY,
		ARGS(arg_text(n->once_key), arg_i64(n->contract_id), arg_text(n->kind),
			arg_i64(n->monthly_fen), arg_day(n->from, from)),
		&found);
	a->id = found.id;
	return e == ERR_NOT_FOUND ? problem_set(a->why, ERR_IDEMPOTENCY, "Idempotency-Key",
					    "this key was used for another request")
				  : e;
}

static enum err contract_check(struct db *db, const struct adding *a)
{
	struct contract_row c;
	struct id_row locked;
	enum err e = db_one(db, &Q_CONTRACT_LOCK, ARGS(arg_i64(a->n->contract_id)), &locked);

	if (e == ERR_OK)
		e = db_one(db, &Q_CONTRACT, ARGS(arg_i64(a->n->contract_id)), &c);
	if (e == ERR_NOT_FOUND || (e == ERR_OK && a->by->site_id && a->by->site_id != c.site_id))
		return problem_set(
			a->why, ERR_NOT_FOUND, "contract_id", "there is no such contract");
	if (e == ERR_OK && c.end_at.ms)
		return problem_set(a->why, ERR_CONFLICT, "contract_id", "the contract has ended");
	return e;
}

static enum err add_tx(struct db *db, void *ctx)
{
	struct adding *a = ctx;
	const struct fee_new *n = a->n;
	char from[DAY_TEXT_MAX], to[DAY_TEXT_MAX];
	int64_t purse;
	enum err e = contract_check(db, a);

	if (e == ERR_OK) {
		e = added_before(db, a);
		if (e != ERR_NOT_FOUND)
			return e;
		e = overlap_check(db, n, 0, a->why);
	}
	if (e == ERR_OK)
		e = purse_of(db, n->contract_id, "fee", &purse);
	if (e != ERR_OK)
		return e;
	e = db_exec(db, &Q_ADD,
		ARGS(arg_i64(n->contract_id), arg_i64(purse), arg_text(n->kind),
			arg_i64(n->monthly_fen), arg_day(n->from, from),
			n->ends ? arg_day(n->to, to) : (struct arg){ .kind = ARG_NULL },
			arg_utc(a->by->now), arg_text(a->by->actor), arg_text(n->once_key)),
		NULL);
	if (e != ERR_OK)
		return e;
	a->id = db_insert_id(db);
	return fee_audit(db, a->by, "fee.create", a->id,
		json_pack("{s:I, s:s, s:I, s:s}", "contract_id", (json_int_t)n->contract_id, "kind",
			n->kind, "monthly_fen", (json_int_t)n->monthly_fen, "from_day", from));
}

enum err fee_add(struct db *db, const struct fee_new *n, const struct fee_actor *by, int64_t *id,
	struct problem *why)
{
	struct adding a = { .n = n, .by = by, .why = why };
	enum err e = fee_check(&(struct fee_term){ n->monthly_fen, n->from, n->ends, n->to }, why);

	if (e == ERR_OK && !str_eq(n->kind, "property_fee") && !str_eq(n->kind, "rent"))
		return problem_set(why, ERR_BAD_VALUE, "kind", "property_fee or rent");
	if (e == ERR_OK)
		e = db_in_tx(db) ? add_tx(db, &a) : db_tx(db, add_tx, &a);
	if (e == ERR_OK)
		*id = a.id;
	return e;
}

/* All months of the fee that were charged, once more by what the fee is now. */
static enum err months_correct(struct db *db, const struct fee *f, const struct fee_term *t,
	const struct fee_actor *by, bool *moved)
{
	AUTO(rows_free) struct rows months = { 0 };
	struct charging c = { .fee = *f, .term = *t, .actor = by->actor, .now = by->now };
	enum err e = db_list(db, &Q_MONTHS, ARGS(arg_i64(f->id)), &months);
	const struct month_row *m = months.at;

	for (size_t i = 0; e == ERR_OK && i < months.n; i++) {
		e = month_parse(m[i].month, &c.month);
		if (e == ERR_OK)
			e = charge(db, &c);
		*moved = *moved || c.amount_fen != 0;
	}
	return e;
}

struct ending {
	int64_t id;
	bool ends; /* false: it has no last day any more */
	struct day to;
	const struct fee_actor *by;
	struct problem *why;
};

static enum err end_write(struct db *db, const struct ending *g, struct fee *f, struct fee_term *t)
{
	char to[DAY_TEXT_MAX] = "";
	struct arg last = g->ends ? arg_day(g->to, to) : (struct arg){ .kind = ARG_NULL };
	enum err e = db_exec(db, &Q_SET_END, ARGS(last, arg_i64(g->id)), NULL);

	t->ends = g->ends;
	t->to = g->to;
	return e == ERR_OK ? fee_audit(db, g->by, g->ends ? "fee.end" : "fee.resume", f->id,
				     json_pack("{s:s, s:s}", "before", f->to_day, "to_day", to))
			   : e;
}

/* An end that is moved out must not reach into a later fee, nor beyond the contract. A fee that
 * ends before it began reaches nowhere. */
static enum err end_check(
	struct db *db, const struct ending *g, const struct fee *f, const struct fee_term *t)
{
	struct fee_new n = { .contract_id = f->contract_id,
		.kind = f->kind,
		.from = t->from,
		.ends = g->ends,
		.to = g->to };
	struct fee_term wanted = { t->monthly_fen, t->from, g->ends, g->to };
	enum err e = fee_check(&wanted, g->why);

	if (e == ERR_OK && f->end_at.ms &&
		(!g->ends || (g->to.days > t->to.days && g->to.days >= t->from.days)))
		return problem_set(g->why, ERR_CONFLICT, "to_day", "the contract has ended");
	return e == ERR_OK ? overlap_check(db, &n, f->id, g->why) : e;
}

static enum err end_one(struct db *db, const struct ending *g)
{
	AUTO(zone_free) struct zone *z = NULL;
	struct fee f;
	struct fee_term t;
	bool moved = false;
	char to[DAY_TEXT_MAX];
	enum err e = fee_load(db, g->id, &f, &t, &z);

	if (e != ERR_OK || str_eq(f.to_day, g->ends ? day_text(g->to, to) : ""))
		return e;
	e = end_check(db, g, &f, &t);
	if (e == ERR_OK)
		e = end_write(db, g, &f, &t);
	if (e == ERR_OK)
		e = months_correct(db, &f, &t, g->by, &moved);
	return e == ERR_OK && moved ? account_changed(db, f.account_id, g->by->now) : e;
}

static enum err end_tx(struct db *db, void *ctx)
{
	return end_one(db, ctx);
}

enum err fee_end(
	struct db *db, int64_t id, struct day to, const struct fee_actor *by, struct problem *why)
{
	AUTO(rows_free) struct rows found = { 0 };
	enum err e = fee_list(db, &(struct fee_filter){ .id = id, .site_id = by->site_id }, &found);

	if (e == ERR_OK && found.n == 0)
		return ERR_NOT_FOUND;
	return e == ERR_OK ? db_join(db, end_tx, &(struct ending){ id, true, to, by, why }) : e;
}

enum err fees_end(struct db *db, int64_t contract_id, struct day to, const struct fee_actor *by)
{
	AUTO(rows_free) struct rows lasting = { 0 };
	char text[DAY_TEXT_MAX];
	const struct lasting_row *f;
	struct day from;
	enum err e;

	ASSERT(db_in_tx(db));
	e = db_list(db, &Q_LASTING, ARGS(arg_i64(contract_id), arg_day(to, text)), &lasting);
	f = lasting.at;
	for (size_t i = 0; e == ERR_OK && i < lasting.n; i++) {
		struct ending g = { f[i].id, true, to, by, NULL };

		e = day_parse(f[i].from_day, &from);
		if (e == ERR_OK && to.days < from.days - 1) /* it never begins */
			g.to.days = from.days - 1;
		if (e == ERR_OK)
			e = end_one(db, &g);
	}
	return e;
}

/* Is its last day still the one that the closing gave it? */
static enum err still_stopped(struct db *db, int64_t id, struct day stopped)
{
	AUTO(zone_free) struct zone *z = NULL;
	struct fee f;
	struct fee_term t;
	enum err e = fee_load(db, id, &f, &t, &z);

	if (e == ERR_OK && stopped.days < t.from.days - 1)
		stopped.days = t.from.days - 1;
	return e == ERR_OK && (!t.ends || t.to.days != stopped.days) ? ERR_CONFLICT : e;
}

enum err fee_resume(struct db *db, int64_t id, struct day stopped, const char *to_day,
	const struct fee_actor *by)
{
	struct ending g = { .id = id, .ends = to_day[0] != '\0', .by = by };
	enum err e = g.ends ? day_parse(to_day, &g.to) : ERR_OK;

	ASSERT(db_in_tx(db));
	if (e == ERR_OK)
		e = still_stopped(db, id, stopped);
	return e == ERR_OK ? end_one(db, &g) : e;
}
