#include "domain/credit.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "domain/alarm.h"
#include "domain/audit.h"
#include "domain/metersetting.h"
#include "domain/setting.h"
#include "domain/supplypoint.h"
#include "domain/tariff.h"

#define FRESH_MS (2 * 60 * 1000)

/* ---- a meter and what the books hold for it ---- */

struct credit_row {
	int64_t meter_id;
	char code[129];
	char utility[12];
	int64_t supply_point_id;
	int64_t site_id;
	int64_t account_id; /* of who holds it; 0: nobody */
	char unit[5];
	int64_t step_milli;
	struct price price;
	int64_t count;
	int64_t booked_milli;
	struct money worth;
	struct utc used_at;
	bool fresh;
	bool blocked;
	struct utc read_at;
	int64_t seen_count, seen_milli;
	int64_t open_purchase; /* 0: none */
};
#define F(member) FIELD(struct credit_row, member)
SHAPE(credit_shape, struct credit_row, F(meter_id), F(code), F(utility), F(supply_point_id),
	F(site_id), F(account_id), F(unit), F(step_milli), F(price), F(count), F(booked_milli),
	F(worth), F(used_at), F(fresh), F(blocked), F(read_at), F(seen_count), F(seen_milli),
	F(open_purchase));
#undef F
static const struct query Q_LOCK = {
	"SELECT meter_id AS id FROM meter_credit WHERE meter_id = ? FOR UPDATE", &id_shape
};
static const struct query Q_CREDIT = {
	"SELECT c.meter_id, m.code, m.utility, m.supply_point_id, v.site_id,"
	" COALESCE((SELECT cp.account_id FROM contract_point cp WHERE cp.supply_point_id ="
	" m.supply_point_id AND cp.to_at = 0 LIMIT 1), 0) AS account_id, c.unit, c.step_milli,"
	" c.price_micro AS price, c.count, c.remaining_milli AS booked_milli,"
	" c.worth_nano AS worth, c.used_at, c.fresh, c.blocked, COALESCE(s.read_at, 0) AS read_at,"
	" COALESCE(s.credit_count, -1) AS seen_count, COALESCE(s.credit_milli, 0) AS seen_milli,"
	" COALESCE((SELECT p.id FROM purchase p WHERE p.open_meter = c.meter_id), 0) AS"
	" open_purchase FROM meter_credit c JOIN meter m ON m.id = c.meter_id"
	" JOIN supply_point v ON v.id = m.supply_point_id"
	" LEFT JOIN meter_state s ON s.meter_id = c.meter_id"
	" WHERE c.meter_id = ? AND m.billing = 'meter'",
	&credit_shape
};
static const struct query Q_BLOCK = {
	"UPDATE meter_credit SET blocked = 1, blocked_why = ?, blocked_at = ? WHERE meter_id = ?",
	NULL
};

static enum err credit_lock(struct db *db, int64_t meter_id, struct credit_row *out)
{
	struct id_row locked;
	enum err e;

	ASSERT(db_in_tx(db));
	e = db_one(db, &Q_LOCK, ARGS(arg_i64(meter_id)), &locked);
	return e == ERR_OK ? db_one(db, &Q_CREDIT, ARGS(arg_i64(meter_id)), out) : e;
}

static bool seen_lately(const struct credit_row *c, struct utc now)
{
	int64_t age = now.ms - c->read_at.ms;

	return c->seen_count >= 0 && age <= FRESH_MS && age >= -FRESH_MS;
}

static enum credit_kind kind_of(const char *unit)
{
	return str_eq(unit, "yuan") ? CREDIT_IN_YUAN : CREDIT_IN_UNITS;
}

static enum err block(struct db *db, const struct credit_row *c, const char *why, struct utc now)
{
	char text[300];
	enum err e = db_exec(
		db, &Q_BLOCK, ARGS(arg_text(why), arg_utc(now), arg_i64(c->meter_id)), NULL);

	snprintf(text, sizeof(text),
		"meter %s shows credit that was not sold to it (%s); nothing is sold until a person"
		" decides",
		c->code, why);
	return e == ERR_OK ? alarm_raise(db,
				     &(struct alarm_new){ "count_mismatch", "urgent", "meter",
					     c->meter_id, c->code, text },
				     now)
			   : e;
}

/* ---- entries ---- */

struct booking {
	const struct account *account;
	int64_t meter_id;
	const char *kind, *once;
	const char *actor;
	struct utc now;
};

#define ONCE 64
/* "purchase:3:7" */
static const char *once_of(const char *what, int64_t id, int64_t n, char buf[static ONCE])
{
	snprintf(buf, ONCE, "%s:%" PRId64 ":%" PRId64, what, id, n);
	return buf;
}

/* From one account to another. */
static enum err book(struct db *db, const struct booking *b, const struct posting from,
	const struct posting to, int64_t *entry_id)
{
	char reference[32];
	struct entry en = { .kind = b->kind,
		.once_key = b->once,
		.reference = reference,
		.actor = b->actor,
		.memo = "",
		.site_id = b->account->site_id,
		.at = b->now };
	enum err e = account_book_day(b->account, b->now, &en.book_day);

	snprintf(reference, sizeof(reference), "meter:%" PRId64, b->meter_id);
	if (e == ERR_OK)
		e = entry_post(db, &en, (const struct posting[]){ from, to }, 2, entry_id);
	return e == ERR_ALREADY ? ERR_OK : e;
}

static enum err company(struct db *db, const char *kind, int64_t id, int64_t *out)
{
	char code[48];

	if (id)
		snprintf(code, sizeof(code), "%s:%" PRId64, kind, id);
	else
		snprintf(code, sizeof(code), "%s", kind);
	return account_company(db, code, out);
}

static struct money minus(struct money m)
{
	return (struct money){ -m.nano };
}

/* ---- a purchase begins ---- */

/* Meters whose purse has money that is not on its way yet. A purse that pays for several meters
 * cannot know which one is meant. */
static const struct query Q_READY = {
	"SELECT c.meter_id AS id FROM meter_credit c"
	" JOIN meter m ON m.id = c.meter_id AND m.billing = 'meter' AND m.enabled"
	" JOIN contract_point p ON p.supply_point_id = m.supply_point_id AND p.to_at = 0"
	" JOIN account a ON a.id = p.account_id"
	" WHERE a.balance_nano >= 10000000 AND NOT c.blocked AND (SELECT COUNT(*)"
	" FROM contract_point o WHERE o.account_id = a.id AND o.to_at = 0) = 1"
	" AND NOT EXISTS (SELECT 1 FROM purchase o WHERE o.open_meter = c.meter_id)"
	" ORDER BY c.meter_id",
	&id_shape
};
static const struct query Q_SOLD = { "SELECT COUNT(*) AS id FROM purchase WHERE meter_id = ?",
	&id_shape };
static const struct query Q_PURCHASE_ADD = {
	"INSERT INTO purchase (meter_id, account_id, count, amount_milli, worth_nano, fresh,"
	" created_at, once_key, entry_id, open_meter) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};

struct meter_job {
	int64_t meter_id;
	struct utc now;
};

static enum err purchase_add(struct db *db, const struct credit_row *c, const struct account *a,
	int64_t milli, struct money worth, struct utc now)
{
	char once[ONCE];
	struct booking b = { a, c->meter_id, "purchase", once, "worker", now };
	int64_t transit, entry_id, count = c->count + 1;
	struct id_row sold;
	enum err e = db_one(db, &Q_SOLD, ARGS(arg_i64(c->meter_id)), &sold);

	if (e == ERR_OK)
		e = company(db, "meter_transit", 0, &transit);
	if (e != ERR_OK)
		return e;
	once_of("purchase", c->meter_id, sold.id + 1, once);
	e = book(db, &b, (struct posting){ a->id, minus(worth), true },
		(struct posting){ transit, worth, false }, &entry_id);
	if (e == ERR_OK)
		e = db_exec(db, &Q_PURCHASE_ADD,
			ARGS(arg_i64(c->meter_id), arg_i64(a->id), arg_i64(count), arg_i64(milli),
				arg_money(worth), arg_i64(c->fresh), arg_utc(now), arg_text(once),
				arg_i64(entry_id), arg_i64(c->meter_id)),
			NULL);
	if (e == ERR_OK)
		e = account_changed(db, a->id, now);
	if (e == ERR_OK)
		log_info("purchase meter=%s count=%" PRId64 " amount_milli=%" PRId64, c->code,
			count, milli);
	return e;
}

static enum err begin_tx(struct db *db, void *ctx)
{
	const struct meter_job *j = ctx;
	struct credit_row c;
	struct account a;
	struct money worth;
	int64_t milli;
	enum err e = credit_lock(db, j->meter_id, &c);

	if (e != ERR_OK)
		return e;
	if (c.blocked || c.open_purchase || !c.account_id)
		return ERR_OK;
	e = account_lock(db, c.account_id, &a);
	if (e != ERR_OK)
		return e;
	e = purchase_convert(kind_of(c.unit), a.balance, c.price, c.step_milli, &milli, &worth);
	if (e == ERR_OUT_OF_RANGE) /* less than a step: it stays in the purse */
		return ERR_OK;
	return e == ERR_OK ? purchase_add(db, &c, &a, milli, worth, j->now) : e;
}

/* ---- a purchase ends ---- */

struct over_row {
	int64_t id;
	int64_t meter_id;
	int64_t account_id;
	int64_t count;
	int64_t amount_milli;
	struct money worth;
	char state[9];
	char word[17];
	bool fresh;
};
#define F(member) FIELD(struct over_row, member)
SHAPE(over_shape, struct over_row, F(id), F(meter_id), F(account_id), F(count), F(amount_milli),
	F(worth), F(state), F(word), F(fresh));
#undef F
#define OVER_COLUMNS                                                                               \
	"SELECT id, meter_id, account_id, count, amount_milli, worth_nano AS worth, state, word,"  \
	" fresh FROM purchase "
static const struct query Q_OVER = { OVER_COLUMNS
	"WHERE open_meter IS NOT NULL AND state IN ('done','failed') ORDER BY id",
	&over_shape };
static const struct query Q_OPEN = { OVER_COLUMNS "WHERE open_meter = ? FOR UPDATE", &over_shape };
static const struct query Q_ENDED = {
	"UPDATE purchase SET end_entry_id = ?, open_meter = NULL WHERE id = ?", NULL
};
/* What the meter held before its first purchase does not count. */
static const struct query Q_GOT = {
	"UPDATE meter_credit SET count = ?, remaining_milli = IF(?, 0, remaining_milli) + ?,"
	" worth_nano = worth_nano + ?, used_at = IF(?, ?, used_at), fresh = 0 WHERE meter_id = ?",
	NULL
};

static enum err end_done(
	struct db *db, const struct over_row *p, const struct account *a, struct utc now)
{
	char once[ONCE];
	struct booking b = { a, p->meter_id, "purchase_done",
		once_of("purchase_done", p->meter_id, p->id, once), "worker", now };
	int64_t transit, credit, entry_id;
	enum err e = company(db, "meter_transit", 0, &transit);

	if (e == ERR_OK)
		e = company(db, "meter_credit", p->meter_id, &credit);
	if (e == ERR_OK)
		e = book(db, &b, (struct posting){ transit, minus(p->worth), false },
			(struct posting){ credit, p->worth, false }, &entry_id);
	if (e == ERR_OK)
		e = db_exec(db, &Q_GOT,
			ARGS(arg_i64(p->count), arg_i64(p->fresh), arg_i64(p->amount_milli),
				arg_money(p->worth), arg_i64(p->fresh), arg_utc(now),
				arg_i64(p->meter_id)),
			NULL);
	return e == ERR_OK ? db_exec(db, &Q_ENDED, ARGS(arg_i64(entry_id), arg_i64(p->id)), NULL)
			   : e;
}

static enum err end_failed(
	struct db *db, const struct over_row *p, const struct account *a, struct utc now)
{
	char once[ONCE];
	struct booking b = { a, p->meter_id, "purchase_failed",
		once_of("purchase_failed", p->meter_id, p->id, once), "worker", now };
	int64_t transit, entry_id;
	enum err e = company(db, "meter_transit", 0, &transit);

	if (e == ERR_OK)
		e = book(db, &b, (struct posting){ transit, minus(p->worth), false },
			(struct posting){ a->id, p->worth, true }, &entry_id);
	if (e == ERR_OK)
		e = db_exec(db, &Q_ENDED, ARGS(arg_i64(entry_id), arg_i64(p->id)), NULL);
	return e == ERR_OK ? account_changed(db, a->id, now) : e;
}

static enum err end_tx(struct db *db, void *ctx)
{
	const struct meter_job *j = ctx;
	struct over_row p;
	struct credit_row c;
	struct account a;
	enum err e = credit_lock(db, j->meter_id, &c);

	if (e == ERR_OK)
		e = db_one(db, &Q_OPEN, ARGS(arg_i64(j->meter_id)), &p);
	if (e == ERR_OK)
		e = account_get(db, p.account_id, &a);
	if (e != ERR_OK)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (str_eq(p.state, "done"))
		return end_done(db, &p, &a, j->now);
	if (!str_eq(p.state, "failed"))
		return ERR_OK;
	/* The meter refuses what it is sold: the next sale would be refused as well. */
	e = end_failed(db, &p, &a, j->now);
	return e == ERR_OK ? block(db, &c, p.word, j->now) : e;
}

/* ---- what nobody can explain ---- */

/* A purchase that does not match, or another count without any purchase on its way. */
static const struct query Q_ODD = {
	"SELECT c.meter_id AS id FROM meter_credit c JOIN meter m ON m.id = c.meter_id"
	" JOIN meter_state s ON s.meter_id = c.meter_id"
	" LEFT JOIN purchase p ON p.open_meter = c.meter_id"
	" WHERE NOT c.blocked AND m.billing = 'meter' AND (p.state = 'mismatch'"
	" OR (p.id IS NULL AND s.credit_count >= 0 AND s.credit_count <> c.count"
	" AND s.read_at > c.used_at AND s.read_at > (SELECT COALESCE(MAX(o.ended_at), 0)"
	" FROM purchase o WHERE o.meter_id = c.meter_id))) ORDER BY c.meter_id",
	&id_shape
};

static enum err odd_tx(struct db *db, void *ctx)
{
	const struct meter_job *j = ctx;
	struct credit_row c;
	struct over_row p = { .word = "count" };
	enum err e = credit_lock(db, j->meter_id, &c);

	if (e != ERR_OK || c.blocked)
		return e;
	e = db_one(db, &Q_OPEN, ARGS(arg_i64(j->meter_id)), &p);
	if (e == ERR_OK && !str_eq(p.state, "mismatch"))
		return ERR_OK; /* begun just now */
	if (e == ERR_NOT_FOUND)
		e = c.seen_count == c.count ? ERR_NOT_FOUND : ERR_OK;
	if (e != ERR_OK)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	return block(db, &c, p.word, j->now);
}

/* ---- use ---- */

static const struct query Q_USED = {
	"UPDATE meter_credit SET remaining_milli = ?, worth_nano = worth_nano - ?, used_at = ?"
	" WHERE meter_id = ?",
	NULL
};
struct charge_row {
	struct money charge;
};
SHAPE(charge_shape, struct charge_row, FIELD(struct charge_row, charge));
static const struct query Q_CHARGE = {
	"SELECT CAST(COALESCE(SUM(charge_nano), 0) AS SIGNED) AS charge FROM settlement"
	" WHERE meter_id = ? AND to_at > ? AND to_at <= ?",
	&charge_shape
};

static enum err drift(struct db *db, const struct credit_row *c, struct money used, struct utc now)
{
	struct charge_row charge;
	int64_t permille = 0, least = 0;
	char text[200];
	enum err e = db_one(db, &Q_CHARGE,
		ARGS(arg_i64(c->meter_id), arg_utc(c->used_at), arg_utc(c->read_at)), &charge);

	if (e == ERR_OK)
		e = setting_get(db, c->site_id, SETTING_CREDIT_DRIFT_PERMILLE, &permille);
	if (e == ERR_OK)
		e = setting_get(db, c->site_id, SETTING_CREDIT_DRIFT_LEAST_FEN, &least);
	if (e != ERR_OK)
		return e;
	if (!credit_drifts(used, charge.charge, permille, (struct money){ least * NANO_PER_FEN }))
		return alarm_clear(db, "credit_drift", "meter", c->meter_id, now);
	snprintf(text, sizeof(text), "meter %s takes off its credit what the tariff does not say",
		c->code);
	return alarm_raise(db,
		&(struct alarm_new){ "credit_drift", "warn", "meter", c->meter_id, c->code, text },
		now);
}

/* Books what the meter has taken since it was last booked. */
static enum err book_use(
	struct db *db, const struct credit_row *c, const struct account *a, struct utc now)
{
	struct credit_book held = { kind_of(c->unit), c->booked_milli, c->worth, c->price };
	char once[ONCE];
	struct booking b = { a, c->meter_id, "meter_use",
		once_of("meter_use", c->meter_id, c->read_at.ms, once), "worker", now };
	int64_t credit, income, entry_id;
	struct money used;
	enum err e = credit_use(&held, c->booked_milli - c->seen_milli, &used);

	if (e == ERR_OK)
		e = company(db, "meter_credit", c->meter_id, &credit);
	if (e == ERR_OK)
		e = company(db, str_eq(c->utility, "water") ? "water" : "energy", 0, &income);
	if (e == ERR_OK && used.nano != 0)
		e = book(db, &b, (struct posting){ credit, minus(used), false },
			(struct posting){ income, used, false }, &entry_id);
	if (e == ERR_OK)
		e = db_exec(db, &Q_USED,
			ARGS(arg_i64(c->seen_milli), arg_money(used), arg_utc(c->read_at),
				arg_i64(c->meter_id)),
			NULL);
	return e == ERR_OK ? drift(db, c, used, now) : e;
}

/* Meters that were read on a later day than that of their last booking; days are those of the site
 * within the hour, which is all that this needs. */
static const struct query Q_USE = {
	"SELECT c.meter_id AS id FROM meter_credit c JOIN meter m ON m.id = c.meter_id"
	" JOIN meter_state s ON s.meter_id = c.meter_id"
	" LEFT JOIN purchase p ON p.open_meter = c.meter_id"
	" WHERE m.billing = 'meter' AND NOT c.blocked AND NOT c.fresh AND p.id IS NULL"
	" AND s.credit_count = c.count AND s.read_at >= c.used_at + 86400000 ORDER BY c.meter_id",
	&id_shape
};

static enum err use_tx(struct db *db, void *ctx)
{
	const struct meter_job *j = ctx;
	struct credit_row c;
	struct account a;
	enum err e = credit_lock(db, j->meter_id, &c);

	if (e != ERR_OK)
		return e;
	if (c.blocked || c.fresh || c.open_purchase || c.seen_count != c.count || !c.account_id ||
		c.read_at.ms <= c.used_at.ms)
		return ERR_OK;
	e = account_get(db, c.account_id, &a);
	return e == ERR_OK ? book_use(db, &c, &a, j->now) : e;
}

/* ---- the round ---- */

static enum err each(
	struct db *db, const struct query *q, enum err (*fn)(struct db *, void *), struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(db, q, NO_ARGS, &rows);
	const struct id_row *r = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		e = db_tx(db, fn, &(struct meter_job){ r[i].id, now });
	return e;
}

static enum err ends(struct db *db, struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(db, &Q_OVER, NO_ARGS, &rows);
	const struct over_row *r = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		e = db_tx(db, end_tx, &(struct meter_job){ r[i].meter_id, now });
	return e;
}

enum err credit_work(struct db *db, struct utc now)
{
	enum err e = ends(db, now);

	if (e == ERR_OK)
		e = each(db, &Q_ODD, odd_tx, now);
	if (e == ERR_OK)
		e = each(db, &Q_READY, begin_tx, now);
	return e == ERR_OK ? each(db, &Q_USE, use_tx, now) : e;
}

/* ---- views ---- */

#define F(member) FIELD(struct credit_view, member)
SHAPE(view_shape, struct credit_view, F(meter_id), F(unit), F(count), F(remaining_milli),
	F(read_at), F(booked_milli), F(worth), F(price), F(blocked), F(blocked_why));
#undef F
static const struct query Q_VIEW = {
	"SELECT c.meter_id, c.unit, c.count, COALESCE(s.credit_milli, 0) AS remaining_milli,"
	" COALESCE(s.read_at, 0) AS read_at, c.remaining_milli AS booked_milli,"
	" c.worth_nano AS worth, c.price_micro AS price, c.blocked, c.blocked_why"
	" FROM meter_credit c JOIN meter m ON m.id = c.meter_id"
	" LEFT JOIN meter_state s ON s.meter_id = c.meter_id"
	" WHERE c.meter_id = ? AND m.billing = 'meter'",
	&view_shape
};
#define F(member) FIELD(struct purchase_view, member)
SHAPE(purchase_shape, struct purchase_view, F(id), F(account_id), F(count), F(amount_milli),
	F(worth), F(state), F(word), F(created_at), F(sent_at), F(ended_at), F(error));
#undef F
const struct listing purchase_listing = {
	.all = { "SELECT id, account_id, count, amount_milli, worth_nano AS worth, state, word,"
		 " created_at, sent_at, ended_at, error FROM purchase WHERE meter_id = ?",
		&purchase_shape },
	.sorts = { { "id", "id" }, { "created_at", "created_at" }, { "count", "count" } },
	.order = "-id",
	.filters = { { "state", FILTER_WORD, "state = ?",
			     "desired sent unknown done failed mismatch" },
		{ "from", FILTER_FROM, "created_at >= ?" }, { "to", FILTER_TO, "created_at < ?" } },
};

enum err credit_get(struct db *db, int64_t meter_id, struct credit_view *out)
{
	return db_one(db, &Q_VIEW, ARGS(arg_i64(meter_id)), out);
}

/* ---- a person decides ---- */

static const char *const decision_words[CREDIT_DECISION__MAX] = {
	[CREDIT_ACCEPT] = "accept",
	[CREDIT_RETRY] = "retry",
	[CREDIT_REFUND] = "refund",
};

enum err credit_decision_parse(const char *word, enum credit_decision *out)
{
	for (unsigned i = 0; i < CREDIT_DECISION__MAX; i++)
		if (str_eq(decision_words[i], word)) {
			*out = (enum credit_decision)i;
			return ERR_OK;
		}
	return ERR_BAD_VALUE;
}

/* The meter is right: what it shows is the base from here on. */
static const struct query Q_UNBLOCK = {
	"UPDATE meter_credit SET blocked = 0, blocked_why = '', blocked_at = 0, count = ?"
	" WHERE meter_id = ?",
	NULL
};
static const struct query Q_DECIDED = {
	"UPDATE purchase SET state = ?, count = ?, refused = 0, refusals = 0, try_at = 0,"
	" ended_at = ? WHERE id = ?",
	NULL
};

struct deciding {
	const struct credit_deciding *d;
	struct problem *why;
};

static enum err decided_audit(
	struct db *db, const struct credit_deciding *d, const struct credit_row *c)
{
	struct audit audit = { d->actor, d->address, "meter.credit_decide", "meter", d->meter_id,
		NULL };

	return audit_add(db, &audit,
		json_pack("{s:s, s:s, s:I, s:I}", "decision", decision_words[d->decision], "reason",
			d->reason, "count_before", (json_int_t)c->count, "count_shown",
			(json_int_t)c->seen_count),
		d->now);
}

/* What becomes of the purchase that does not match. */
static enum err decide_purchase(struct db *db, const struct credit_deciding *d,
	const struct credit_row *c, const struct over_row *p)
{
	static const char *const states[] = { "done", "desired", "failed" };
	int64_t count = d->decision == CREDIT_RETRY ? c->seen_count + 1 : c->seen_count;

	return db_exec(db, &Q_DECIDED,
		ARGS(arg_text(states[d->decision]), arg_i64(count),
			arg_i64(d->decision == CREDIT_RETRY ? 0 : d->now.ms), arg_i64(p->id)),
		NULL);
}

static enum err decide_tx(struct db *db, void *ctx)
{
	const struct deciding *g = ctx;
	const struct credit_deciding *d = g->d;
	struct credit_row c;
	struct over_row p;
	enum err e = credit_lock(db, d->meter_id, &c), found;

	if (e == ERR_OK && !c.blocked)
		return problem_set(g->why, ERR_CONFLICT, "", "this meter's sales are not blocked");
	if (e == ERR_OK && !seen_lately(&c, d->now))
		return problem_set(g->why, ERR_CONFLICT, "", "read the meter first");
	if (e != ERR_OK)
		return e;
	found = db_one(db, &Q_OPEN, ARGS(arg_i64(d->meter_id)), &p);
	if (found == ERR_NOT_FOUND && d->decision != CREDIT_ACCEPT)
		return problem_set(
			g->why, ERR_CONFLICT, "action", "there is no purchase to be decided on");
	if (found == ERR_OK)
		e = decide_purchase(db, d, &c, &p);
	else if (found != ERR_NOT_FOUND)
		e = found;
	if (e == ERR_OK)
		e = db_exec(
			db, &Q_UNBLOCK, ARGS(arg_i64(c.seen_count), arg_i64(d->meter_id)), NULL);
	if (e == ERR_OK)
		e = alarm_clear(db, "count_mismatch", "meter", d->meter_id, d->now);
	return e == ERR_OK ? decided_audit(db, d, &c) : e;
}

enum err credit_decide(struct db *db, const struct credit_deciding *d, struct problem *why)
{
	return db_tx(db, decide_tx, &(struct deciding){ d, why });
}

/* ---- from one kind to the other ---- */

struct point_row {
	int64_t supply_point_id;
	char code[129];
	char billing[12];
	int64_t account_id;
	struct utc read_at, settled_at;
	int64_t seen_count, seen_milli;
	int64_t paid_for; /* supply points of that purse */
	char converted_key[513];
};
#define F(member) FIELD(struct point_row, member)
SHAPE(point_shape, struct point_row, F(supply_point_id), F(code), F(billing), F(account_id),
	F(read_at), F(settled_at), F(seen_count), F(seen_milli), F(paid_for), F(converted_key));
#undef F
/* The settled row is locked: no settlement is under way while the billing changes. */
static const struct query Q_SETTLED = {
	"SELECT meter_id AS id FROM settled WHERE meter_id = ? FOR UPDATE", &id_shape
};
static const struct query Q_POINT = {
	"SELECT m.supply_point_id, m.code, m.billing,"
	" COALESCE((SELECT cp.account_id FROM contract_point cp WHERE cp.supply_point_id ="
	" m.supply_point_id AND cp.to_at = 0 LIMIT 1), 0) AS account_id,"
	" COALESCE(s.read_at, 0) AS read_at, COALESCE(d.read_at, 0) AS settled_at,"
	" COALESCE(s.credit_count, -1) AS seen_count, COALESCE(s.credit_milli, 0) AS seen_milli,"
	" (SELECT COUNT(*) FROM contract_point o JOIN contract_point x ON x.account_id ="
	" o.account_id AND x.to_at = 0 WHERE o.supply_point_id = m.supply_point_id AND o.to_at = 0)"
	" AS paid_for, COALESCE(c.converted_key, '') AS converted_key"
	" FROM meter m LEFT JOIN meter_state s ON s.meter_id = m.id"
	" LEFT JOIN meter_credit c ON c.meter_id = m.id"
	" LEFT JOIN settled d ON d.meter_id = m.id WHERE m.id = ?",
	&point_shape
};
static const struct query Q_BILLING = { "UPDATE meter SET billing = ? WHERE id = ?", NULL };
static const struct query Q_BILLING_POINT = { "UPDATE supply_point SET billing = ? WHERE id = ?",
	NULL };
static const struct query Q_CREDIT_PUT = {
	"INSERT INTO meter_credit (meter_id, unit, step_milli, adds, price_micro, count)"
	" VALUES (?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE unit = VALUES(unit),"
	" step_milli = VALUES(step_milli), adds = VALUES(adds), price_micro = VALUES(price_micro),"
	" count = VALUES(count), fresh = 1, blocked = 0, used_at = 0, remaining_milli = 0",
	NULL
};
static const struct query Q_CONVERTED = {
	"UPDATE meter_credit SET converted_key = ? WHERE meter_id = ?", NULL
};
static const struct query Q_CREDIT_EMPTY = { "UPDATE meter_credit SET worth_nano = worth_nano - ?, "
					     "remaining_milli = 0 WHERE meter_id = ?",
	NULL };

struct converting {
	const struct credit_converting *c;
	struct credit_converted out;
	bool previewed;
	struct problem *why;
};

static enum err conflict(const struct converting *v, const char *text)
{
	return problem_set(v->why, ERR_CONFLICT, "", "%s", text);
}

static enum err billing_set(struct db *db, const struct converting *v, const struct point_row *p)
{
	const char *word = v->c->to_meter ? "meter" : "account";
	enum err e = db_exec(db, &Q_BILLING, ARGS(arg_text(word), arg_i64(v->c->meter_id)), NULL);

	if (e == ERR_OK)
		e = db_exec(db, &Q_BILLING_POINT, ARGS(arg_text(word), arg_i64(p->supply_point_id)),
			NULL);
	if (e == ERR_OK)
		e = account_changed(db, p->account_id, v->c->now);
	return e == ERR_OK ? supply_refresh(db, p->supply_point_id, v->c->now) : e;
}

static enum err to_meter(struct db *db, struct converting *v, const struct point_row *p)
{
	const struct credit_converting *c = v->c;
	struct account a;
	struct tariff_hold held = { "", "" };
	enum err e;

	if (p->seen_count < 0)
		return conflict(v, "this meter does not tell of its credit");
	if (kind_of(c->facts.unit) == CREDIT_IN_UNITS && c->price.micro <= 0)
		return conflict(v, "its tariff has no single price, which units need");
	if (p->paid_for != 1)
		return conflict(v, "its purse pays for other meters as well");
	e = tariff_held(db, c->meter_id, c->now, &c->facts.hold, &held, v->why);
	if (e == ERR_OK)
		e = account_lock(db, p->account_id, &a);
	if (e != ERR_OK)
		return e;
	v->out = (struct credit_converted){ { a.balance.nano > 0 ? a.balance.nano : 0 },
		p->seen_milli, p->seen_count, held };
	e = db_exec(db, &Q_CREDIT_PUT,
		ARGS(arg_i64(c->meter_id), arg_text(c->facts.unit), arg_i64(c->facts.step_milli),
			arg_i64(c->facts.adds), arg_i64(c->price.micro), arg_i64(p->seen_count)),
		NULL);
	return e == ERR_OK ? billing_set(db, v, p) : e;
}

/* What is left of the worth once use up to now is booked comes back to the purse. */
static enum err come_back(struct db *db, struct converting *v, const struct point_row *p)
{
	const struct credit_converting *c = v->c;
	struct booking b = { NULL, c->meter_id, "meter_return", c->once_key, c->actor, c->now };
	int64_t credit, entry_id;
	struct credit_row held;
	struct account a;
	enum err e = db_one(db, &Q_CREDIT, ARGS(arg_i64(c->meter_id)), &held);

	if (e == ERR_OK)
		e = account_get(db, p->account_id, &a);
	if (e == ERR_OK)
		e = company(db, "meter_credit", c->meter_id, &credit);
	if (e != ERR_OK)
		return e;
	b.account = &a;
	v->out = (struct credit_converted){ held.worth, held.seen_milli, held.count, { "", "" } };
	if (held.worth.nano != 0)
		e = book(db, &b, (struct posting){ credit, minus(held.worth), false },
			(struct posting){ a.id, held.worth, true }, &entry_id);
	return e == ERR_OK ? db_exec(db, &Q_CREDIT_EMPTY,
				     ARGS(arg_money(held.worth), arg_i64(c->meter_id)), NULL)
			   : e;
}

static enum err to_account(struct db *db, struct converting *v, const struct point_row *p)
{
	struct credit_row held;
	struct account a;
	enum err e = credit_lock(db, v->c->meter_id, &held);

	if (e == ERR_OK && (held.open_purchase || held.blocked))
		return conflict(v, held.blocked ? "its sales are blocked: decide first"
						: "a purchase is on its way");
	if (e == ERR_OK)
		e = account_get(db, p->account_id, &a);
	if (e == ERR_OK && !held.fresh && held.read_at.ms > held.used_at.ms)
		e = book_use(db, &held, &a, v->c->now);
	if (e == ERR_OK)
		e = come_back(db, v, p);
	return e == ERR_OK ? billing_set(db, v, p) : e;
}

static enum err convert_audit(struct db *db, const struct credit_converting *c)
{
	struct audit audit = { c->actor, c->address, "meter.billing", "meter", c->meter_id, NULL };

	return audit_add(db, &audit,
		json_pack("{s:s, s:s}", "billing", c->to_meter ? "meter" : "account", "reason",
			c->reason),
		c->now);
}

static enum err convert_tx(struct db *db, void *ctx)
{
	struct converting *v = ctx;
	const struct credit_converting *c = v->c;
	const char *from = c->to_meter ? "account" : "meter";
	struct id_row locked;
	struct point_row p;
	enum err e = db_one(db, &Q_SETTLED, ARGS(arg_i64(c->meter_id)), &locked);

	if (e == ERR_NOT_FOUND)
		return conflict(v, "this meter was never settled");
	if (e == ERR_OK)
		e = db_one(db, &Q_POINT, ARGS(arg_i64(c->meter_id)), &p);
	if (e != ERR_OK)
		return e;
	if (!str_eq(p.billing, from) && str_eq(p.converted_key, c->once_key))
		return ERR_OK; /* the answer was lost */
	if (!str_eq(p.billing, from))
		return conflict(v, "this meter is not of the other billing");
	if (!p.account_id)
		return conflict(v, "nobody holds this meter");
	if (c->now.ms - p.read_at.ms > FRESH_MS || c->now.ms - p.settled_at.ms > FRESH_MS)
		return conflict(v, "read the meter first");
	e = c->to_meter ? to_meter(db, v, &p) : to_account(db, v, &p);
	if (e == ERR_OK)
		e = metersettings_convert(db, c->meter_id, c->to_meter, c->facts.prepaid, c->now);
	if (e == ERR_OK)
		e = db_exec(
			db, &Q_CONVERTED, ARGS(arg_text(c->once_key), arg_i64(c->meter_id)), NULL);
	if (e == ERR_OK)
		e = convert_audit(db, c);
	v->previewed = e == ERR_OK && c->preview;
	return v->previewed ? ERR_CONFLICT : e; /* any error rolls back */
}

enum err credit_convert(struct db *db, const struct credit_converting *c,
	struct credit_converted *out, struct problem *why)
{
	struct converting v = { .c = c, .why = why };
	enum err e = db_tx(db, convert_tx, &v);

	if (v.previewed && e == ERR_CONFLICT)
		e = ERR_OK;
	if (e == ERR_OK)
		*out = v.out;
	return e;
}
