/* Closing a contract, and taking a closing back. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/account.h"
#include "domain/contract_inside.h"
#include "domain/fee.h"
#include "domain/ledger.h"
#include "domain/setting.h"
#include "domain/shift.h"
#include "domain/supplypoint.h"

/* ---- before the settlement ---- */

struct order_row {
	char out_trade_no[129];
};
SHAPE(order_shape, struct order_row, FIELD(struct order_row, out_trade_no));
static const struct query Q_ORDER = {
	"SELECT o.out_trade_no FROM pay_order o JOIN account a ON a.id = o.account_id"
	" WHERE a.contract_id = ? AND o.state IN ('created', 'pending') ORDER BY o.id LIMIT 1",
	&order_shape
};
static const struct query Q_METERS = {
	"SELECT m.id FROM contract_point p JOIN meter m ON m.supply_point_id = p.supply_point_id"
	" WHERE p.contract_id = ? AND p.to_at = 0 ORDER BY m.id",
	&id_shape
};
static const struct query Q_FROM = {
	"SELECT from_at AS id FROM contract_point WHERE contract_id = ? AND supply_point_id = ?"
	" AND to_at = 0",
	&id_shape
};
static const struct query Q_PURSES_LOCK = {
	"SELECT id FROM account WHERE contract_id = ? AND kind = 'purse' ORDER BY id FOR UPDATE",
	&id_shape
};
static const struct query Q_POINT_END = {
	"UPDATE contract_point SET to_at = ? WHERE contract_id = ? AND supply_point_id = ?"
	" AND to_at = 0",
	NULL
};
static const struct query Q_END = { "UPDATE contract SET end_at = ? WHERE id = ?", NULL };

static enum err may_close(struct deal *d, const struct contract_close *c)
{
	struct life *l = d->life;
	struct order_row order;
	char time[UTC_TEXT_MAX];
	enum err e;

	if (d->end_at.ms)
		return problem_set(l->why, ERR_CONFLICT, "id", "contract %s was closed on %s",
			d->code, utc_text(d->end_at, time));
	if (c->at.ms > l->ask->now.ms)
		return problem_set(l->why, ERR_OUT_OF_RANGE, "at", "this is in the future");
	if (c->at.ms && c->at.ms < d->start_at.ms)
		return problem_set(l->why, ERR_OUT_OF_RANGE, "at", "contract %s began on %s only",
			d->code, utc_text(d->start_at, time));
	e = db_one(l->db, &Q_ORDER, ARGS(arg_i64(d->contract_id)), &order);
	if (e == ERR_OK)
		return problem_set(l->why, ERR_CONFLICT, "id",
			"recharge %s is under way: wait until it is paid or has lapsed",
			order.out_trade_no);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static const struct life_reading *reading_of(const struct contract_close *c, int64_t meter_id)
{
	for (size_t i = 0; i < c->readings_n; i++)
		if (c->readings[i].meter_id == meter_id)
			return &c->readings[i];
	return NULL;
}

/* Every register that was typed in belongs to a meter of the contract, and none stands twice. */
static enum err readings_check(
	struct deal *d, const struct contract_close *c, const struct rows *meters)
{
	const struct id_row *m = meters->at;

	for (size_t i = 0; i < c->readings_n; i++) {
		size_t k = 0;

		if (reading_of(c, c->readings[i].meter_id) != &c->readings[i])
			return problem_set(d->life->why, ERR_BAD_VALUE, "readings",
				"meter %" PRId64 " stands twice", c->readings[i].meter_id);
		while (k < meters->n && m[k].id != c->readings[i].meter_id)
			k++;
		if (k == meters->n)
			return problem_set(d->life->why, ERR_NOT_FOUND, "readings",
				"contract %s does not hold meter %" PRId64, d->code,
				c->readings[i].meter_id);
	}
	return ERR_OK;
}

static enum err cut_of(
	struct deal *d, const struct contract_close *c, int64_t meter_id, struct cut *out)
{
	struct life *l = d->life;
	struct id_row from;
	enum err e = life_meter_get(l, meter_id, &out->meter);

	if (e == ERR_OK)
		e = life_settled_lock(l, meter_id, &out->last);
	if (e == ERR_OK)
		e = life_no_credit(l, &out->meter);
	if (e == ERR_OK)
		e = life_cut(l, reading_of(c, meter_id), c->at, false, out);
	if (e == ERR_OK)
		e = db_one(l->db, &Q_FROM,
			ARGS(arg_i64(d->contract_id), arg_i64(out->meter.supply_point_id)), &from);
	if (e == ERR_OK && out->at.ms < from.id)
		return problem_set(l->why, ERR_CONFLICT, "readings",
			"meter %s was not read since the contract has it: read it first, or type "
			"in its register",
			out->meter.code);
	return e;
}

static enum err cuts_find(struct deal *d, const struct contract_close *c)
{
	AUTO(rows_free) struct rows meters = { 0 };
	const struct id_row *m;
	enum err e = db_list(d->life->db, &Q_METERS, ARGS(arg_i64(d->contract_id)), &meters);

	if (e == ERR_OK)
		e = readings_check(d, c, &meters);
	m = meters.at;
	d->cuts = calloc(meters.n + 1, sizeof(*d->cuts));
	ASSERT(d->cuts);
	for (size_t i = 0; e == ERR_OK && i < meters.n; i++)
		e = cut_of(d, c, m[i].id, &d->cuts[i]);
	d->n = meters.n;
	return e;
}

/* From here on the contract holds nothing and its purses warn nobody. */
static enum err points_end(struct deal *d, struct utc at)
{
	struct life *l = d->life;
	enum err e = db_exec(l->db, &Q_END, ARGS(arg_utc(at), arg_i64(d->contract_id)), NULL);

	for (size_t i = 0; e == ERR_OK && i < d->n; i++) {
		const struct cut *c = &d->cuts[i];

		e = db_exec(l->db, &Q_POINT_END,
			ARGS(arg_utc(c->at), arg_i64(d->contract_id),
				arg_i64(c->meter.supply_point_id)),
			NULL);
		step_add(l, &(struct step){ .what = "meter_ends",
				    .meter_id = c->meter.id,
				    .meter_code = c->meter.code,
				    .at = c->at,
				    .has_reg = c->settle || c->last.read_at.ms,
				    .reg = c->settle ? c->reg : c->last.register_milli,
				    .utility = c->meter.utility,
				    .detail = c->settle ? "typed in" : NULL });
	}
	d->end_at = at;
	return e;
}

enum err closing_begin(struct deal *d, const struct contract_close *c)
{
	AUTO(rows_free) struct rows purses = { 0 };
	struct life *l = d->life;
	struct shift shift;
	enum err e = deal_lock(d, c->id);

	if (e == ERR_OK)
		e = may_close(d, c);
	if (e == ERR_OK && str_eq(c->payout, "cash"))
		e = shift_lock(l->db, l->ask->user_id, &shift);
	if (e == ERR_SHIFT_CLOSED)
		return problem_set(
			l->why, e, "payout", "cash comes from an open drawer: open a shift first");
	if (e == ERR_OK)
		e = cuts_find(d, c);
	if (e == ERR_OK)
		e = db_list(l->db, &Q_PURSES_LOCK, ARGS(arg_i64(d->contract_id)), &purses);
	return e == ERR_OK ? points_end(d, c->at.ms ? c->at : l->ask->now) : e;
}

/* ---- the money ---- */

static const struct query Q_PURSES = {
	"SELECT id FROM account WHERE contract_id = ? AND kind = 'purse' ORDER BY id", &id_shape
};
static const struct query Q_CLOSINGS = {
	"SELECT COUNT(*) AS id FROM contract_event WHERE contract_id = ? AND kind = 'close'",
	&id_shape
};

/* What a closing books, for one purse after the other. */
struct payout {
	struct deal *d;
	const struct contract_close *c;
	int64_t closing; /* the n-th of the contract */
	struct day day;
	int64_t limit_fen;
	int64_t paid_fen;
	int64_t part;
};

/* "deposit:7" */
static const char *contract_code(const char *kind, int64_t id, char buf[static 48])
{
	snprintf(buf, 48, "%s:%" PRId64, kind, id);
	return buf;
}

static enum err closing_post(
	struct payout *p, const char *kind, const char *memo, const struct posting *list, size_t n)
{
	const struct deal *d = p->d;
	char once[96], reference[48];
	int64_t entry_id;

	snprintf(once, sizeof(once), "close:%" PRId64 ":%" PRId64 ":%" PRId64, d->contract_id,
		p->closing, ++p->part);
	return entry_post(d->life->db,
		&(struct entry){ .kind = kind,
			.once_key = once,
			.reference = contract_code("contract", d->contract_id, reference),
			.actor = d->life->ask->actor,
			.memo = memo,
			.site_id = d->site_id,
			.book_day = p->day,
			.at = d->life->ask->now },
		list, n, &entry_id);
}

static void money_step(
	const struct payout *p, const char *what, const struct account *a, struct money m)
{
	step_add(p->d->life, &(struct step){ .what = what,
				     .purpose = a->purpose,
				     .has_amount = true,
				     .amount = m,
				     .detail = str_eq(what, "payout") ? p->c->payout : NULL });
}

/* The deposit comes back into the first purse. */
static enum err deposit_return(struct payout *p, const struct account *a)
{
	struct db *db = p->d->life->db;
	char code[48];
	struct money sum;
	int64_t deposit = 0;
	enum err e = ledger_sum(db, contract_code("deposit", p->d->contract_id, code), &sum);

	if (e != ERR_OK || sum.nano <= 0)
		return e;
	e = account_company(db, code, &deposit);
	if (e == ERR_OK)
		e = closing_post(p, "closing", "deposit",
			(struct posting[]){
				{ deposit, { -sum.nano }, false }, { a->id, sum, true } },
			2);
	if (e == ERR_OK)
		money_step(p, "deposit", a, sum);
	return e;
}

/* Subsidy that was not used is not the tenant's to take along. */
static enum err subsidy_return(struct payout *p, struct account *a)
{
	struct db *db = p->d->life->db;
	struct money back = a->subsidy;
	int64_t subsidy = 0;
	enum err e;

	if (back.nano > a->balance.nano)
		back = a->balance;
	if (back.nano <= 0)
		return ERR_OK;
	e = account_company(db, "subsidy", &subsidy);
	if (e == ERR_OK)
		e = closing_post(p, "subsidy_back", "subsidy not used",
			(struct posting[]){
				{ a->id, { -back.nano }, true }, { subsidy, back, false } },
			2);
	if (e == ERR_OK)
		money_step(p, "subsidy", a, back);
	return e == ERR_OK ? account_get(db, a->id, a) : e;
}

static enum err debt_take(struct payout *p, const struct account *a)
{
	char code[48];
	struct money owed = { -a->balance.nano };
	int64_t debt = 0;
	enum err e = account_company(
		p->d->life->db, contract_code("debt", p->d->contract_id, code), &debt);

	if (e == ERR_OK)
		e = closing_post(p, "closing", "debt",
			(struct posting[]){ { a->id, owed, true }, { debt, a->balance, false } },
			2);
	if (e == ERR_OK)
		money_step(p, "debt", a, owed);
	return e;
}

static enum err money_place(struct payout *p, int64_t *id)
{
	struct life *l = p->d->life;
	struct shift shift;
	enum err e;

	if (str_eq(p->c->payout, "bank"))
		return account_company(l->db, "bank", id);
	e = shift_lock(l->db, l->ask->user_id, &shift);
	return e == ERR_OK ? shift_drawer(l->db, shift.id, id) : e;
}

static enum err limit_check(struct payout *p, int64_t fen)
{
	p->paid_fen += fen;
	if (p->paid_fen <= p->limit_fen)
		return ERR_OK;
	return problem_set(p->d->life->why, ERR_CONFLICT, "payout",
		"paying out more than %" PRId64 " fen needs a second person: close with payout "
		"none, then ask for a refund",
		p->limit_fen);
}

/* Whole fen go to drawer or bank by way of refund_due, less than a fen to rounding. */
static enum err balance_pay(struct payout *p, const struct account *a)
{
	struct db *db = p->d->life->db;
	struct money fraction = { a->balance.nano % NANO_PER_FEN };
	struct money whole = { a->balance.nano - fraction.nano };
	int64_t due = 0, place = 0, rounding = 0;
	struct posting list[5] = { { a->id, { -a->balance.nano }, true } };
	size_t n = 1;
	enum err e = limit_check(p, whole.nano / NANO_PER_FEN);

	if (e == ERR_OK)
		e = money_place(p, &place);
	if (e == ERR_OK)
		e = account_company(db, "refund_due", &due);
	if (e == ERR_OK)
		e = account_company(db, "rounding", &rounding);
	if (e != ERR_OK)
		return e;
	if (whole.nano > 0) {
		list[n++] = (struct posting){ due, whole, false };
		list[n++] = (struct posting){ due, { -whole.nano }, false };
		list[n++] = (struct posting){ place, whole, false };
		money_step(p, "payout", a, whole);
	}
	if (fraction.nano > 0) {
		list[n++] = (struct posting){ rounding, fraction, false };
		money_step(p, "rounding", a, fraction);
	}
	return closing_post(p, "payout", p->c->reason, list, n);
}

static enum err purse_end(struct payout *p, int64_t account_id, bool first)
{
	struct db *db = p->d->life->db;
	struct account a;
	enum err e = account_lock(db, account_id, &a);

	if (e == ERR_OK && first) {
		e = deposit_return(p, &a);
		if (e == ERR_OK)
			e = account_get(db, account_id, &a);
	}
	if (e == ERR_OK)
		e = subsidy_return(p, &a);
	if (e != ERR_OK || a.balance.nano == 0)
		return e;
	if (a.balance.nano < 0)
		return debt_take(p, &a);
	if (!str_eq(p->c->payout, "none"))
		return balance_pay(p, &a);
	money_step(p, "left", &a, a.balance);
	return ERR_OK;
}

static enum err purses_end(struct deal *d, const struct contract_close *c)
{
	AUTO(rows_free) struct rows purses = { 0 };
	AUTO(zone_free) struct zone *z = NULL;
	struct payout p = { .d = d, .c = c };
	struct db *db = d->life->db;
	struct id_row n = { 0 };
	const struct id_row *r;
	enum err e = zone_open(d->zone, &z);

	if (e == ERR_OK)
		e = db_one(db, &Q_CLOSINGS, ARGS(arg_i64(d->contract_id)), &n);
	if (e == ERR_OK)
		e = setting_get(db, d->site_id, SETTING_REFUND_LIMIT_FEN, &p.limit_fen);
	if (e == ERR_OK)
		e = db_list(db, &Q_PURSES, ARGS(arg_i64(d->contract_id)), &purses);
	if (e != ERR_OK)
		return e;
	p.closing = n.id + 1;
	p.day = zone_local(z, d->life->ask->now).day;
	r = purses.at;
	for (size_t i = 0; e == ERR_OK && i < purses.n; i++)
		e = purse_end(&p, r[i].id, i == 0);
	return e;
}

struct balance_row {
	struct money sum;
};
SHAPE(balance_shape, struct balance_row, FIELD(struct balance_row, sum));
static const struct query Q_BALANCES = {
	"SELECT CAST(COALESCE(SUM(balance_nano), 0) AS SIGNED) AS sum FROM account"
	" WHERE contract_id = ? AND kind = 'purse'",
	&balance_shape
};

/* A step for each fee that is ended, with all that a reopening needs to take it back. */
static enum err fees_note(struct deal *d, struct day last)
{
	AUTO(rows_free) struct rows rows = { 0 };
	char text[DAY_TEXT_MAX];
	enum err e =
		fee_list(d->life->db, &(struct fee_filter){ .contract_id = d->contract_id }, &rows);
	const struct fee *f = rows.at;

	day_text(last, text);
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		if (!f[i].to_day[0] || strcmp(f[i].to_day, text) > 0)
			step_add(d->life, &(struct step){ .what = "fee_ends",
						  .purpose = "fee",
						  .fee_id = f[i].id,
						  .last_day = f[i].to_day,
						  .detail = f[i].kind });
	return e;
}

/* Fees last as long as the contract: days that were paid beforehand are given back. */
static enum err fees_stop(struct deal *d)
{
	AUTO(zone_free) struct zone *z = NULL;
	struct life *l = d->life;
	struct fee_actor by = { 0, l->ask->actor, l->ask->address, l->ask->now };
	struct balance_row before = { 0 }, after = { 0 };
	struct step s = { .what = "fees_end", .purpose = "fee", .has_amount = true };
	struct day last = { 0 };
	enum err e = zone_open(d->zone, &z);

	if (e == ERR_OK) {
		last = zone_local(z, (struct utc){ d->end_at.ms - 1 }).day;
		e = db_one(l->db, &Q_BALANCES, ARGS(arg_i64(d->contract_id)), &before);
	}
	if (e == ERR_OK)
		e = fees_note(d, last);
	if (e == ERR_OK)
		e = fees_end(l->db, d->contract_id, last, &by);
	if (e == ERR_OK)
		e = db_one(l->db, &Q_BALANCES, ARGS(arg_i64(d->contract_id)), &after);
	if (e == ERR_OK)
		e = money_sub(after.sum, before.sum, &s.amount);
	if (e == ERR_OK && s.amount.nano != 0)
		step_add(l, &s);
	return e;
}

/* ---- supply ---- */

struct held_row {
	int64_t supply_point_id;
	char kind[16];
	char cause[257];
};
#define F(member) FIELD(struct held_row, member)
SHAPE(held_shape, struct held_row, F(supply_point_id), F(kind), F(cause));
#undef F
static const struct query Q_MONEY_BLOCKS = {
	"SELECT DISTINCT b.supply_point_id, b.kind, b.cause FROM block b"
	" JOIN contract_point p ON p.supply_point_id = b.supply_point_id"
	" JOIN account a ON a.contract_id = p.contract_id"
	" WHERE p.contract_id = ? AND b.kind IN ('arrears', 'fee')"
	" AND b.cause IN (CONCAT('account:', a.id), CONCAT('contract:', p.contract_id))"
	" ORDER BY b.supply_point_id, b.kind, b.cause",
	&held_shape
};
struct sub_row {
	int64_t supply_point_id;
	int64_t meter_id;
	char code[129];
	char name[257];
};
#define F(member) FIELD(struct sub_row, member)
SHAPE(sub_shape, struct sub_row, F(supply_point_id), F(meter_id), F(code), F(name));
#undef F
static const struct query Q_SUBS = {
	"SELECT s.supply_point_id, m.id AS meter_id, m.code, s.name FROM sub_tenant s"
	" JOIN meter m ON m.supply_point_id = s.supply_point_id WHERE s.contract_id = ?"
	" ORDER BY s.id",
	&sub_shape
};
static const struct query Q_SUBS_END = { "DELETE FROM sub_tenant WHERE contract_id = ?", NULL };

/* What the former tenant owes never cuts the next one. */
static enum err money_blocks_end(struct deal *d)
{
	AUTO(rows_free) struct rows rows = { 0 };
	struct life *l = d->life;
	enum err e = db_list(l->db, &Q_MONEY_BLOCKS, ARGS(arg_i64(d->contract_id)), &rows);
	const struct held_row *r = rows.at;
	enum block_kind kind;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		e = block_parse(r[i].kind, &kind);
		if (e == ERR_OK)
			e = supply_block_clear(
				l->db, r[i].supply_point_id, kind, r[i].cause, l->ask->now);
		step_add(l, &(struct step){ .what = "block_ends", .detail = r[i].kind });
	}
	return e;
}

static enum err subs_end(struct deal *d)
{
	AUTO(rows_free) struct rows rows = { 0 };
	struct life *l = d->life;
	enum err e = db_list(l->db, &Q_SUBS, ARGS(arg_i64(d->contract_id)), &rows);
	const struct sub_row *r = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		e = supply_block_clear(
			l->db, r[i].supply_point_id, BLOCK_SUB_TENANT, "", l->ask->now);
		step_add(l, &(struct step){ .what = "sub_tenant_ends",
				    .meter_id = r[i].meter_id,
				    .meter_code = r[i].code,
				    .detail = r[i].name });
	}
	return e == ERR_OK ? db_exec(l->db, &Q_SUBS_END, ARGS(arg_i64(d->contract_id)), NULL) : e;
}

static enum err keep_end(struct deal *d, const struct cut *c)
{
	struct life *l = d->life;
	struct supply_point p;
	enum err e = supply_get(l->db, c->meter.supply_point_id, &p);

	if (e != ERR_OK || p.keep_until.ms <= l->ask->now.ms)
		return e;
	step_add(l, &(struct step){ .what = "keep_ends",
			    .meter_id = c->meter.id,
			    .meter_code = c->meter.code });
	return supply_keep_clear(l->db, p.id, l->ask->now);
}

/* A protected load is never switched off by a closing. */
static enum err vacant_set(struct deal *d, const struct cut *c)
{
	struct life *l = d->life;
	struct supply_point p;
	enum err e = supply_get(l->db, c->meter.supply_point_id, &p);

	if (e != ERR_OK || !p.switchable || !str_eq(p.load_class, "ordinary"))
		return e;
	step_add(l,
		&(struct step){
			.what = "vacant", .meter_id = c->meter.id, .meter_code = c->meter.code });
	return supply_block_set(
		l->db, p.id, BLOCK_VACANT, "", l->ask->actor, "closing", l->ask->now);
}

static int by_point(const void *a, const void *b)
{
	const struct cut *x = a, *y = b;

	return (x->meter.supply_point_id > y->meter.supply_point_id) -
	       (x->meter.supply_point_id < y->meter.supply_point_id);
}

enum err closing_end(struct deal *d, const struct contract_close *c, bool followed)
{
	struct life *l = d->life;
	int64_t vacant = 0;
	enum err e = fees_stop(d);

	if (e == ERR_OK)
		e = purses_end(d, c);
	if (e == ERR_OK)
		e = money_blocks_end(d);
	if (e == ERR_OK)
		e = subs_end(d);
	if (e == ERR_OK)
		e = setting_get(l->db, d->site_id, SETTING_VACANT_BLOCK, &vacant);
	qsort(d->cuts, d->n, sizeof(*d->cuts), by_point);
	for (size_t i = 0; e == ERR_OK && i < d->n; i++) {
		e = keep_end(d, &d->cuts[i]);
		if (e == ERR_OK && vacant && !followed)
			e = vacant_set(d, &d->cuts[i]);
	}
	return e;
}

static enum err close_act(struct life *l, void *ctx)
{
	const struct contract_close *c = ctx;
	AUTO(deal_free) struct deal d = { .life = l };
	bool found;
	enum err e = deal_repeated(l, "close", &found);

	if (e != ERR_OK || found)
		return e;
	e = closing_begin(&d, c);
	if (e == ERR_OK)
		e = deal_settle(&d, "close");
	if (e == ERR_OK)
		e = closing_end(&d, c, false);
	if (e == ERR_OK)
		e = deal_record(&d, "close", d.end_at, "");
	l->id = d.contract_id;
	return e;
}

enum err contract_close(struct db *db, const struct life_ask *ask, const struct contract_close *c,
	struct life_done *out, struct problem *why)
{
	struct contract_close copy = *c;

	return life_run(db, ask, close_act, &copy, out, why);
}

/* ---- taking it back ---- */

struct closed_row {
	int64_t id;
	int64_t closing;
};
SHAPE(closed_shape, struct closed_row, FIELD(struct closed_row, id),
	FIELD(struct closed_row, closing));
struct steps_row {
	char steps[sizeof(((struct contract_event *)NULL)->steps)];
};
SHAPE(steps_shape, struct steps_row, FIELD(struct steps_row, steps));
static const struct query Q_STEPS = { "SELECT steps FROM contract_event WHERE id = ?",
	&steps_shape };
static const struct query Q_CLOSED = {
	"SELECT MAX(id) AS id, COUNT(*) AS closing FROM contract_event"
	" WHERE contract_id = ? AND kind = 'close'",
	&closed_shape
};
static const struct query Q_SUB_AGAIN = {
	"INSERT INTO sub_tenant (contract_id, supply_point_id, name)"
	" SELECT ?, m.supply_point_id, ? FROM meter m WHERE m.id = ?"
	" AND NOT EXISTS (SELECT 1 FROM contract_point p"
	" WHERE p.supply_point_id = m.supply_point_id AND p.to_at = 0)"
	" AND NOT EXISTS (SELECT 1 FROM sub_tenant o"
	" WHERE o.supply_point_id = m.supply_point_id)",
	NULL
};
static const struct query Q_UNDONE = { "UPDATE contract_event SET undone_at = ? WHERE id = ?",
	NULL };
static const struct query Q_REOPEN = { "UPDATE contract SET end_at = 0 WHERE id = ?", NULL };

struct last_row {
	int64_t meter_id;
	int64_t supply_point_id;
	int64_t account_id;
	struct utc from_at;
	struct utc to_at;
};
#define F(member) FIELD(struct last_row, member)
SHAPE(last_shape, struct last_row, F(meter_id), F(supply_point_id), F(account_id), F(from_at),
	F(to_at));
#undef F
static const struct query Q_LAST = {
	"SELECT m.id AS meter_id, p.supply_point_id, p.account_id, p.from_at, p.to_at"
	" FROM contract_point p JOIN meter m ON m.supply_point_id = p.supply_point_id"
	" WHERE p.contract_id = ? AND p.from_at = (SELECT MAX(q.from_at) FROM contract_point q"
	" WHERE q.contract_id = p.contract_id AND q.supply_point_id = p.supply_point_id)"
	" ORDER BY m.id",
	&last_shape
};

struct next_row {
	char code[129];
};
SHAPE(next_shape, struct next_row, FIELD(struct next_row, code));
static const struct query Q_NEXT = {
	"SELECT c.code FROM contract_point p JOIN contract c ON c.id = p.contract_id"
	" WHERE p.supply_point_id = ? AND p.contract_id <> ? AND (p.to_at = 0 OR p.to_at > ?)"
	" LIMIT 1",
	&next_shape
};
static const struct query Q_GAP = {
	"SELECT CAST(COALESCE(SUM(to_milli - from_milli), 0) AS SIGNED) AS id FROM settlement"
	" WHERE meter_id = ? AND from_at >= ?",
	&id_shape
};
static const struct query Q_RESUME = {
	"UPDATE contract_point SET to_at = 0 WHERE supply_point_id = ? AND from_at = ?", NULL
};
static const struct query Q_AGAIN = {
	"INSERT INTO contract_point (contract_id, supply_point_id, account_id, from_at)"
	" VALUES (?, ?, ?, ?)",
	NULL
};

/* The tenant has the meter again from its last reading on. What it counted in between was settled
 * as nobody's and stays so. */
static enum err point_resume(struct deal *d, const struct last_row *r)
{
	struct life *l = d->life;
	struct settled last;
	struct life_meter m;
	struct next_row next;
	struct id_row gap = { 0 };
	enum err e = life_meter_get(l, r->meter_id, &m);

	if (e == ERR_OK)
		e = life_settled_lock(l, r->meter_id, &last);
	if (e != ERR_OK)
		return e;
	e = db_one(l->db, &Q_NEXT,
		ARGS(arg_i64(r->supply_point_id), arg_i64(d->contract_id), arg_utc(r->to_at)),
		&next);
	if (e == ERR_OK)
		return problem_set(l->why, ERR_CONFLICT, "id",
			"meter %s has gone to contract %s since", m.code, next.code);
	if (e != ERR_NOT_FOUND)
		return e;
	if (last.read_at.ms <= r->to_at.ms) {
		last.read_at = r->to_at;
		e = db_exec(l->db, &Q_RESUME,
			ARGS(arg_i64(r->supply_point_id), arg_utc(r->from_at)), NULL);
	} else {
		e = db_one(l->db, &Q_GAP, ARGS(arg_i64(r->meter_id), arg_utc(r->to_at)), &gap);
		if (e == ERR_OK)
			e = db_exec(l->db, &Q_AGAIN,
				ARGS(arg_i64(d->contract_id), arg_i64(r->supply_point_id),
					arg_i64(r->account_id), arg_utc(last.read_at)),
				NULL);
	}
	step_add(l, &(struct step){ .what = "meter",
			    .meter_id = m.id,
			    .meter_code = m.code,
			    .at = last.read_at,
			    .has_reg = true,
			    .reg = last.register_milli,
			    .utility = m.utility });
	if (gap.id != 0)
		step_add(l, &(struct step){ .what = "not_charged",
				    .meter_id = m.id,
				    .meter_code = m.code,
				    .has_qty = true,
				    .qty = { gap.id },
				    .utility = m.utility,
				    .detail = "used between closing and reopening" });
	return e;
}

static enum err points_resume(struct deal *d)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(d->life->db, &Q_LAST, ARGS(arg_i64(d->contract_id)), &rows);
	const struct last_row *r = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		e = point_resume(d, &r[i]);
	return e;
}

struct entry_row {
	int64_t id;
	char kind[97];
	char memo[801];
};
SHAPE(entry_shape, struct entry_row, FIELD(struct entry_row, id), FIELD(struct entry_row, kind),
	FIELD(struct entry_row, memo));
static const struct query Q_ENTRIES = {
	"SELECT id, kind, memo FROM entry WHERE once_key LIKE ? ORDER BY id", &entry_shape
};
struct posting_row {
	int64_t account_id;
	char kind[97];
	char purpose[12];
	struct money amount;
};
#define F(member) FIELD(struct posting_row, member)
SHAPE(posting_shape, struct posting_row, F(account_id), F(kind), F(purpose), F(amount));
#undef F
static const struct query Q_POSTINGS = {
	"SELECT a.id AS account_id, a.kind, a.purpose, p.amount_nano AS amount FROM posting p"
	" JOIN account a ON a.id = p.account_id WHERE p.entry_id = ? ORDER BY p.line",
	&posting_shape
};

static const struct query Q_REVERSAL_ADD = {
	"INSERT INTO reversal (entry_id, reversal_id, once_key, reason) VALUES (?, ?, ?, ?)", NULL
};

/* Cash that comes back goes into the drawer of whoever takes it; debt that was paid since cannot be
 * taken back. */
static enum err mirror_place(struct deal *d, const struct posting_row *r, struct posting *m)
{
	struct life *l = d->life;
	struct shift shift;
	char code[48];
	struct money owed;
	enum err e;

	if (str_eq(r->kind, "debt")) {
		e = ledger_sum(l->db, contract_code("debt", d->contract_id, code), &owed);
		if (e == ERR_OK && owed.nano > r->amount.nano)
			return problem_set(l->why, ERR_CONFLICT, "id",
				"the debt of the closing was paid since");
		return e;
	}
	if (!str_eq(r->kind, "drawer"))
		return ERR_OK;
	e = shift_lock(l->db, l->ask->user_id, &shift);
	if (e == ERR_SHIFT_CLOSED)
		return problem_set(
			l->why, e, "", "cash goes into an open drawer: open a shift first");
	return e == ERR_OK ? shift_drawer(l->db, shift.id, &m->account_id) : e;
}

static enum err entry_mirror(struct deal *d, const struct entry_row *r, struct day day)
{
	AUTO(rows_free) struct rows rows = { 0 };
	struct life *l = d->life;
	struct posting list[8];
	char once[64], reference[48];
	const struct posting_row *p;
	int64_t id;
	enum err e = db_list(l->db, &Q_POSTINGS, ARGS(arg_i64(r->id)), &rows);

	if (e == ERR_OK && rows.n > ARRAY_LEN(list))
		return ERR_INTERNAL;
	p = rows.at;
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		list[i] = (struct posting){ p[i].account_id, { -p[i].amount.nano },
			str_eq(p[i].kind, "purse") };
		e = mirror_place(d, &p[i], &list[i]);
		if (e == ERR_OK && list[i].purse)
			step_add(l, &(struct step){ .what = "reversed",
					    .purpose = p[i].purpose,
					    .has_amount = true,
					    .amount = list[i].amount,
					    .detail = r->memo });
	}
	snprintf(once, sizeof(once), "reversal:%" PRId64, r->id);
	if (e != ERR_OK)
		return e;
	e = entry_post(l->db,
		&(struct entry){ .kind = "reversal",
			.once_key = once,
			.reference = contract_code("entry", r->id, reference),
			.actor = l->ask->actor,
			.memo = "reopened",
			.site_id = d->site_id,
			.book_day = day,
			.at = l->ask->now,
			.undoes = r->kind },
		list, rows.n, &id);
	return e == ERR_OK ? db_exec(l->db, &Q_REVERSAL_ADD,
				     ARGS(arg_i64(r->id), arg_i64(id), arg_text(l->ask->once_key),
					     arg_text("reopened")),
				     NULL)
			   : e;
}

static enum err entries_reverse(struct deal *d, int64_t closing)
{
	AUTO(rows_free) struct rows rows = { 0 };
	AUTO(zone_free) struct zone *z = NULL;
	char like[64];
	const struct entry_row *r;
	enum err e = zone_open(d->zone, &z);

	snprintf(like, sizeof(like), "close:%" PRId64 ":%" PRId64 ":%%", d->contract_id, closing);
	if (e == ERR_OK)
		e = db_list(d->life->db, &Q_ENTRIES, ARGS(arg_text(like)), &rows);
	r = rows.at;
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		e = entry_mirror(d, &r[i], zone_local(z, d->life->ask->now).day);
	return e;
}

/* ---- what ended with it ---- */

/* A fee that somebody ended on an earlier day since stays ended. */
static enum err fee_again(struct deal *d, const json_t *step, struct day stopped)
{
	struct life *l = d->life;
	struct fee_actor by = { 0, l->ask->actor, l->ask->address, l->ask->now };
	const char *last_day = json_string_value(json_object_get(step, "last_day"));
	struct step s = { .what = "fee_again",
		.purpose = "fee",
		.has_amount = true,
		.fee_id = json_integer_value(json_object_get(step, "fee_id")),
		.last_day = last_day,
		.detail = json_string_value(json_object_get(step, "detail")) };
	struct balance_row before = { 0 }, after = { 0 };
	enum err e = db_one(l->db, &Q_BALANCES, ARGS(arg_i64(d->contract_id)), &before);

	if (e == ERR_OK)
		e = fee_resume(l->db, s.fee_id, stopped, last_day ? last_day : "", &by);
	if (e == ERR_CONFLICT) {
		step_add(l, &(struct step){ .what = "fee_stays",
				    .purpose = "fee",
				    .fee_id = s.fee_id,
				    .detail = s.detail });
		return ERR_OK;
	}
	if (e == ERR_OK)
		e = db_one(l->db, &Q_BALANCES, ARGS(arg_i64(d->contract_id)), &after);
	if (e == ERR_OK)
		e = money_sub(after.sum, before.sum, &s.amount);
	if (e == ERR_OK)
		step_add(l, &s);
	return e;
}

/* Supplies below have their names again, and stay on, unless somebody else has them since. */
static enum err sub_again(struct deal *d, const json_t *step)
{
	struct life *l = d->life;
	struct step s = { .what = "sub_tenant_again",
		.meter_id = json_integer_value(json_object_get(step, "meter_id")),
		.meter_code = json_string_value(json_object_get(step, "meter_code")),
		.detail = json_string_value(json_object_get(step, "detail")) };
	int64_t added = 0;
	enum err e = db_exec(l->db, &Q_SUB_AGAIN,
		ARGS(arg_i64(d->contract_id), arg_text(s.detail ? s.detail : ""),
			arg_i64(s.meter_id)),
		&added);

	if (e == ERR_OK && added == 0)
		s.what = "sub_tenant_gone";
	if (e == ERR_OK)
		step_add(l, &s);
	return e;
}

static enum err ended_resume(struct deal *d, const struct closed_row *c)
{
	AUTO(json_free) json_t *steps = NULL;
	AUTO(zone_free) struct zone *z = NULL;
	struct steps_row row;
	const json_t *step;
	struct day stopped;
	size_t i;
	enum err e = db_one(d->life->db, &Q_STEPS, ARGS(arg_i64(c->id)), &row);

	if (e == ERR_OK)
		e = json_parse(row.steps, strlen(row.steps), &steps, NULL);
	if (e == ERR_OK)
		e = zone_open(d->zone, &z);
	if (e != ERR_OK)
		return e;
	stopped = zone_local(z, (struct utc){ d->end_at.ms - 1 }).day;
	json_array_foreach(steps, i, step)
	{
		const char *what = json_string_value(json_object_get(step, "what"));

		if (str_eq(what, "fee_ends"))
			e = fee_again(d, step, stopped);
		else if (str_eq(what, "sub_tenant_ends") && json_object_get(step, "meter_id"))
			e = sub_again(d, step);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

static enum err reopen_apply(struct deal *d, const struct closed_row *c)
{
	AUTO(rows_free) struct rows purses = { 0 };
	struct db *db = d->life->db;
	enum err e = points_resume(d);

	if (e == ERR_OK)
		e = db_list(db, &Q_PURSES_LOCK, ARGS(arg_i64(d->contract_id)), &purses);
	if (e == ERR_OK)
		e = db_exec(db, &Q_REOPEN, ARGS(arg_i64(d->contract_id)), NULL);
	if (e == ERR_OK)
		e = entries_reverse(d, c->closing);
	if (e == ERR_OK)
		e = ended_resume(d, c);
	if (e == ERR_OK)
		e = db_exec(db, &Q_UNDONE, ARGS(arg_utc(d->life->ask->now), arg_i64(c->id)), NULL);
	return e == ERR_OK ? deal_supply(d) : e;
}

static enum err reopen_act(struct life *l, void *ctx)
{
	const int64_t *id = ctx;
	AUTO(deal_free) struct deal d = { .life = l };
	struct closed_row closed;
	struct shift shift;
	bool found;
	enum err e = deal_repeated(l, "reopen", &found);

	if (e != ERR_OK || found)
		return e;
	e = deal_lock(&d, *id);
	if (e == ERR_OK && !d.end_at.ms)
		return problem_set(l->why, ERR_CONFLICT, "id", "contract %s is open", d.code);
	if (e == ERR_OK) /* before any account; it may be needed */
		e = shift_lock(l->db, l->ask->user_id, &shift);
	if (e == ERR_OK || e == ERR_SHIFT_CLOSED)
		e = db_one(l->db, &Q_CLOSED, ARGS(arg_i64(*id)), &closed);
	if (e == ERR_OK && !closed.id)
		return problem_set(l->why, ERR_CONFLICT, "id",
			"there is no record of how contract %s was closed", d.code);
	if (e == ERR_OK)
		e = reopen_apply(&d, &closed);
	if (e == ERR_OK)
		e = deal_record(&d, "reopen", l->ask->now, "");
	l->id = d.contract_id;
	return e;
}

enum err contract_reopen(struct db *db, const struct life_ask *ask, int64_t id,
	struct life_done *out, struct problem *why)
{
	return life_run(db, ask, reopen_act, &id, out, why);
}
