#include "domain/allowance.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "domain/account.h"
#include "domain/audit.h"
#include "domain/setting.h"

#define AMOUNT_MAX_MILLI INT64_C(1000000000) /* a million yuan, or kWh, a month */
#define PRICE_MAX_MICRO INT64_C(100000000)   /* 100 yuan a kWh */
#define MONTH_TEXT 8			     /* "2026-11" */

#define F(member) FIELD(struct allowance, member)
SHAPE(allowance_shape, struct allowance, F(contract_id), F(account_id), F(unit), F(amount),
	F(price), F(last_month));
#undef F
#define ALLOWANCES                                                                                 \
	"SELECT w.contract_id, w.account_id, w.unit, w.amount_milli AS amount, w.price_micro AS"   \
	" price, w.last_month FROM contract_allowance w "
static const struct query Q_GET = { ALLOWANCES "WHERE w.contract_id = ?", &allowance_shape };
static const struct query Q_LOCK = { ALLOWANCES "WHERE w.contract_id = ? FOR UPDATE",
	&allowance_shape };
/* Months compare as text; every zone's present month is within a day of UTC's. */
static const struct query Q_DUE = { ALLOWANCES
	"JOIN contract c ON c.id = w.contract_id AND c.end_at = 0"
	" WHERE w.last_month < ? ORDER BY w.contract_id",
	&allowance_shape };
/* A new one begins with the next month; a changed one keeps what was given. */
static const struct query Q_SET = {
	"INSERT INTO contract_allowance (contract_id, account_id, unit, amount_milli, price_micro,"
	" last_month) VALUES (?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE account_id ="
	" VALUES(account_id), unit = VALUES(unit), amount_milli = VALUES(amount_milli),"
	" price_micro = VALUES(price_micro)",
	NULL
};
static const struct query Q_GIVEN = {
	"UPDATE contract_allowance SET last_month = ? WHERE contract_id = ?", NULL
};

struct left_row {
	struct money left;
};
SHAPE(left_shape, struct left_row, FIELD(struct left_row, left));
static const struct query Q_LEFT = { "SELECT allowance_nano AS `left` FROM account WHERE id = ?",
	&left_shape };

enum err allowance_get(struct db *db, int64_t contract_id, struct allowance *out)
{
	return db_one(db, &Q_GET, ARGS(arg_i64(contract_id)), out);
}

enum err allowance_worth(const struct allowance *a, struct money *out)
{
	return qty_charge(a->amount, a->price, out);
}

static void month_text(struct day day, char out[static DAY_TEXT_MAX])
{
	day_text(day, out);
	out[MONTH_TEXT - 1] = '\0';
}

/* ---- agreeing on it ---- */

struct setting_it {
	const struct allowance_new *n;
	bool approved;
	struct utc now;
	struct problem *why;
	struct account account;
	struct allowance want;
	int64_t approval_id;
};

static enum err input_check(struct setting_it *s)
{
	const struct allowance_new *n = s->n;
	bool kwh = str_eq(n->unit, "kwh");

	if (!kwh && !str_eq(n->unit, "yuan"))
		return problem_set(s->why, ERR_BAD_VALUE, "unit", "yuan or kwh");
	if (n->amount.milli < 0 || n->amount.milli > AMOUNT_MAX_MILLI)
		return problem_set(s->why, ERR_OUT_OF_RANGE, "amount", "from 0 to 1000000");
	if (kwh && (n->price.micro < 1 || n->price.micro > PRICE_MAX_MICRO))
		return problem_set(s->why, ERR_OUT_OF_RANGE, "price",
			"what a kWh of it is worth: above 0, at most 100");
	s->want = (struct allowance){ .contract_id = n->contract_id,
		.account_id = n->account_id,
		.amount = n->amount,
		.price = kwh ? n->price : (struct price){ 1000000 } };
	snprintf(s->want.unit, sizeof(s->want.unit), "%s", n->unit);
	return ERR_OK;
}

static enum err purse_check(struct db *db, struct setting_it *s)
{
	enum err e = account_get(db, s->n->account_id, &s->account);
	bool hidden = s->n->site_id && s->account.site_id != s->n->site_id;

	if (e == ERR_NOT_FOUND ||
		(e == ERR_OK && (hidden || s->account.contract_id != s->n->contract_id)))
		return problem_set(
			s->why, ERR_NOT_FOUND, "account_id", "the contract has no such purse");
	if (e == ERR_OK && s->account.closed)
		return problem_set(s->why, ERR_CONFLICT, "id", "the contract is closed");
	return e;
}

static enum err needs_second(struct db *db, const struct setting_it *s, bool *out)
{
	struct money worth, limit;
	int64_t limit_fen = 0;
	enum err e = setting_get(db, s->account.site_id, SETTING_ADJUSTMENT_LIMIT_FEN, &limit_fen);

	if (e == ERR_OK)
		e = money_from_fen(limit_fen, &limit);
	if (e == ERR_OK)
		e = allowance_worth(&s->want, &worth);
	if (e == ERR_OK)
		*out = !s->approved && worth.nano > limit.nano;
	return e;
}

static enum err ask(struct db *db, struct setting_it *s)
{
	const struct allowance_new *n = s->n;
	AUTO(json_free)
	json_t *params = json_pack("{s:I, s:I, s:s, s:I, s:I}", "contract_id",
		(json_int_t)n->contract_id, "account_id", (json_int_t)n->account_id, "unit",
		n->unit, "amount_milli", (json_int_t)n->amount.milli, "price_micro",
		(json_int_t)s->want.price.micro);
	char object[32];

	snprintf(object, sizeof(object), "contract:%" PRId64, n->contract_id);
	return approval_ask(db,
		&(struct approval_new){ .kind = "allowance",
			.site_id = s->account.site_id,
			.object = object,
			.params = params,
			.reason = n->reason,
			.user_id = n->user_id,
			.once_key = n->once_key },
		s->now, &s->approval_id, s->why);
}

static enum err write(struct db *db, const struct setting_it *s)
{
	char month[DAY_TEXT_MAX];
	struct day today;
	enum err e = account_book_day(&s->account, s->now, &today);

	if (e != ERR_OK)
		return e;
	month_text(today, month);
	e = db_exec(db, &Q_SET,
		ARGS(arg_i64(s->want.contract_id), arg_i64(s->want.account_id),
			arg_text(s->want.unit), arg_qty(s->want.amount),
			arg_i64(s->want.price.micro), arg_text(month)),
		NULL);
	return e == ERR_OK ? audit_add(db,
				     &(struct audit){ s->n->actor, s->n->address, "allowance.edit",
					     "contract", s->want.contract_id, NULL },
				     json_pack("{s:s, s:I}", "unit", s->want.unit, "amount_milli",
					     (json_int_t)s->want.amount.milli),
				     s->now)
			   : e;
}

static enum err set_tx(struct db *db, void *ctx)
{
	struct setting_it *s = ctx;
	bool second = false;
	enum err e = purse_check(db, s);

	s->approval_id = 0;
	if (e == ERR_OK)
		e = needs_second(db, s, &second);
	if (e != ERR_OK)
		return e;
	return second ? ask(db, s) : write(db, s);
}

enum err allowance_set(struct db *db, const struct allowance_new *n, struct utc now,
	int64_t *approval_id, struct problem *why)
{
	struct setting_it s = { .n = n, .now = now, .why = why };
	enum err e = input_check(&s);

	if (e == ERR_OK)
		e = db_tx(db, set_tx, &s);
	if (e == ERR_OK)
		*approval_id = s.approval_id;
	return e;
}

enum err allowance_approved(struct db *db, const struct approval *a, const json_t *params,
	const char *actor, struct utc now, struct problem *why)
{
	struct allowance_new n = { .contract_id = json_integer_value(
					   json_object_get(params, "contract_id")),
		.account_id = json_integer_value(json_object_get(params, "account_id")),
		.site_id = a->site_id,
		.unit = json_string_value(json_object_get(params, "unit")),
		.amount = { json_integer_value(json_object_get(params, "amount_milli")) },
		.price = { json_integer_value(json_object_get(params, "price_micro")) },
		.user_id = a->asked_by,
		.actor = actor,
		.address = "",
		.reason = a->reason };
	struct setting_it s = { .n = &n, .approved = true, .now = now, .why = why };
	enum err e = input_check(&s);

	return e == ERR_OK ? set_tx(db, &s) : e;
}

/* ---- giving it ---- */

struct giving {
	int64_t contract_id;
	struct utc now;
};

struct gift { /* one entry: subsidy to purse, or back */
	const char *key, *memo;
	struct money amount;
	struct day day;
};

static enum err gift_post(
	struct db *db, const struct account *a, const struct giving *g, const struct gift *f)
{
	struct posting p[2] = { { .amount.nano = -f->amount.nano },
		{ .account_id = a->id, .amount = f->amount, .purse = true } };
	char once[96], reference[32];
	int64_t entry_id;
	enum err e;

	if (f->amount.nano == 0)
		return ERR_OK;
	snprintf(once, sizeof(once), "%s:%" PRId64 ":%s", f->key, g->contract_id, f->memo);
	snprintf(reference, sizeof(reference), "contract:%" PRId64, g->contract_id);
	e = account_company(db, "subsidy", &p[0].account_id);
	if (e != ERR_OK)
		return e;
	e = entry_post(db,
		&(struct entry){ .kind = "allowance",
			.once_key = once,
			.reference = reference,
			.actor = "system",
			.memo = f->memo,
			.site_id = a->site_id,
			.book_day = f->day,
			.at = g->now },
		p, 2, &entry_id);
	return e == ERR_ALREADY ? ERR_OK : e;
}

/* What is left of last month's, as far as it is not to be kept. */
static enum err expired(struct db *db, const struct account *a, struct money *out)
{
	struct left_row row;
	int64_t carries = 0;
	enum err e = setting_get(db, a->site_id, SETTING_ALLOWANCE_CARRIES, &carries);

	if (e == ERR_OK)
		e = db_one(db, &Q_LEFT, ARGS(arg_i64(a->id)), &row);
	if (e == ERR_OK)
		out->nano = carries ? 0 : -row.left.nano;
	return e;
}

static enum err give_tx(struct db *db, void *ctx)
{
	const struct giving *g = ctx;
	char month[DAY_TEXT_MAX];
	struct gift old = { .key = "allowance_end", .memo = month },
		    fresh = { .key = "allowance", .memo = month };
	struct allowance w;
	struct account a;
	enum err e = allowance_get(db, g->contract_id, &w);

	if (e == ERR_OK)
		e = account_lock(db, w.account_id, &a);
	if (e == ERR_OK)
		e = db_one(db, &Q_LOCK, ARGS(arg_i64(g->contract_id)), &w);
	if (e == ERR_OK && w.account_id != a.id) /* changed this moment */
		return ERR_RETRY;
	if (e == ERR_OK)
		e = account_book_day(&a, g->now, &fresh.day);
	if (e != ERR_OK)
		return e;
	month_text(fresh.day, month);
	if (a.closed || strcmp(w.last_month, month) >= 0) /* not yet, where the site is */
		return ERR_OK;
	old.day = fresh.day;
	e = expired(db, &a, &old.amount);
	if (e == ERR_OK)
		e = allowance_worth(&w, &fresh.amount);
	if (e == ERR_OK)
		e = gift_post(db, &a, g, &old);
	if (e == ERR_OK)
		e = gift_post(db, &a, g, &fresh);
	if (e == ERR_OK)
		e = db_exec(db, &Q_GIVEN, ARGS(arg_text(month), arg_i64(g->contract_id)), NULL);
	return e == ERR_OK ? account_changed(db, a.id, g->now) : e;
}

enum err allowances_give(struct db *db, struct utc now)
{
	AUTO(rows_free) struct rows due = { 0 };
	struct day tomorrow = { (int32_t)(now.ms / 86400000) + 1 };
	char month[DAY_TEXT_MAX];
	const struct allowance *w;
	enum err first;

	month_text(tomorrow, month); /* the furthest that any zone can be */
	first = db_list(db, &Q_DUE, ARGS(arg_text(month)), &due);
	w = due.at;
	for (size_t i = 0; i < due.n; i++) {
		enum err e = db_tx(db, give_tx, &(struct giving){ w[i].contract_id, now });

		if (e != ERR_OK)
			log_warn("allowance contract=%" PRId64 " result=%s", w[i].contract_id,
				err_word(e));
		if (first == ERR_OK)
			first = e;
	}
	return first;
}
