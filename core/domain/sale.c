#include "domain/sale.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "domain/notice.h"
#include "domain/order.h"

#define F(member) FIELD(struct shift, member)
SHAPE(shift_shape, struct shift, F(id), F(user_id), F(opened_at), F(closed_at), F(counted_fen),
	F(sales_fen), F(cash_fen), F(count));
#undef F
#define F(member) FIELD(struct sale, member)
SHAPE(sale_shape, struct sale, F(id), F(shift_id), F(method), F(total_fen), F(tendered_fen),
	F(created_at), F(entry_id));
#undef F

struct desk { /* the site whose day the desk keeps */
	int64_t id;
	char zone[64];
	struct day day;
};
SHAPE(desk_shape, struct desk, FIELD(struct desk, id), FIELD(struct desk, zone));

#define SHIFT_COLUMNS                                                                              \
	"SELECT h.id, h.user_id, h.opened_at, h.closed_at, h.counted_fen,"                         \
	" COALESCE(SUM(s.total_fen), 0) AS sales_fen,"                                             \
	" COALESCE(SUM(IF(s.method = 'cash', s.total_fen, 0)), 0) AS cash_fen, COUNT(s.id) AS "    \
	"count"                                                                                    \
	" FROM shift h LEFT JOIN sale s ON s.shift_id = h.id "

static const struct query Q_SHIFT_ADD = {
	"INSERT INTO shift (user_id, opened_at, open_key) VALUES (?, ?, ?)", NULL
};
static const struct query Q_SHIFT_GET = { SHIFT_COLUMNS "WHERE h.id = ? GROUP BY h.id",
	&shift_shape };
static const struct query Q_SHIFT_OPEN = { SHIFT_COLUMNS "WHERE h.open_key = ? GROUP BY h.id",
	&shift_shape };
/* Locks the open shift: sales and the closing of one drawer follow each other. */
static const struct query Q_SHIFT_LOCK = { "SELECT id, user_id, opened_at, closed_at, counted_fen, "
					   "0 AS sales_fen, 0 AS cash_fen, 0 AS count"
					   " FROM shift WHERE open_key = ? FOR UPDATE",
	&shift_shape };
static const struct query Q_SHIFT_CLOSE = {
	"UPDATE shift SET closed_at = ?, counted_fen = ?, open_key = NULL WHERE id = ?", NULL
};
static const struct query Q_SALE_ADD = { "INSERT INTO sale (shift_id, method, total_fen, "
					 "tendered_fen, note, created_at, once_key, entry_id)"
					 " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	NULL };
static const struct query Q_SALE_BY_ENTRY = {
	"SELECT id, shift_id, method, total_fen, tendered_fen, created_at, entry_id FROM sale"
	" WHERE entry_id = ?",
	&sale_shape
};
static const struct query Q_SITE_ZONE = { "SELECT id, zone FROM site ORDER BY id LIMIT 1",
	&desk_shape };

enum err shift_open(struct db *db, int64_t user_id, struct utc now, struct shift *out)
{
	enum err e = db_exec(
		db, &Q_SHIFT_ADD, ARGS(arg_i64(user_id), arg_utc(now), arg_i64(user_id)), NULL);

	if (e == ERR_ALREADY)
		return ERR_CONFLICT;
	return e == ERR_OK ? shift_current(db, user_id, out) : e;
}

enum err shift_current(struct db *db, int64_t user_id, struct shift *out)
{
	return db_one(db, &Q_SHIFT_OPEN, ARGS(arg_i64(user_id)), out);
}

/* Book day of the (first) site; a drawer belongs to no tenant. */
static enum err desk_day(struct db *db, struct utc now, struct desk *out)
{
	AUTO(zone_free) struct zone *z = NULL;
	struct desk d = { 0 };
	enum err e = db_one(db, &Q_SITE_ZONE, NO_ARGS, &d);

	if (e == ERR_OK)
		e = zone_open(d.zone, &z);
	if (e != ERR_OK)
		return e;
	d.day = zone_local(z, now).day;
	*out = d;
	return ERR_OK;
}

struct closing {
	int64_t id, user_id, counted_fen;
	struct utc now;
	struct problem *why;
	struct shift *out;
};

/* drawer <- bank and over_short: what was counted goes to the bank, the rest is over or short. */
static enum err closing_post(struct db *db, const struct closing *c, int64_t cash_fen)
{
	char drawer_code[32], once[32], reference[32], actor[32];
	struct money cash, counted, difference;
	int64_t drawer, bank, over_short, entry_id;
	struct desk desk;
	enum err e;

	snprintf(drawer_code, sizeof(drawer_code), "drawer:%" PRId64, c->id);
	snprintf(once, sizeof(once), "shift:%" PRId64, c->id);
	snprintf(reference, sizeof(reference), "shift:%" PRId64, c->id);
	snprintf(actor, sizeof(actor), "user:%" PRId64, c->user_id);
	e = account_company(db, drawer_code, &drawer);
	if (e == ERR_OK)
		e = account_company(db, "bank", &bank);
	if (e == ERR_OK)
		e = account_company(db, "over_short", &over_short);
	if (e == ERR_OK)
		e = desk_day(db, c->now, &desk);
	if (e == ERR_OK)
		e = money_from_fen(cash_fen, &cash);
	if (e == ERR_OK)
		e = money_from_fen(c->counted_fen, &counted);
	if (e == ERR_OK)
		e = money_sub(counted, cash, &difference);
	if (e == ERR_OK)
		e = entry_post(db,
			&(struct entry){ .kind = "shift",
				.once_key = once,
				.reference = reference,
				.actor = actor,
				.memo = "",
				.site_id = desk.id,
				.book_day = desk.day,
				.at = c->now },
			(struct posting[]){ { drawer, cash, false },
				{ bank, { -counted.nano }, false },
				{ over_short, difference, false } },
			3, &entry_id);
	return e == ERR_ALREADY ? ERR_OK : e;
}

static enum err close_tx(struct db *db, void *ctx)
{
	const struct closing *c = ctx;
	struct shift s;
	enum err e = db_one(db, &Q_SHIFT_LOCK, ARGS(arg_i64(c->user_id)), &s);

	if (e == ERR_NOT_FOUND || (e == ERR_OK && s.id != c->id))
		return problem_set(c->why, ERR_CONFLICT, "id", "this is not your open shift");
	if (e == ERR_OK)
		e = db_one(db, &Q_SHIFT_GET, ARGS(arg_i64(c->id)), &s);
	if (e == ERR_OK)
		e = closing_post(db, c, s.cash_fen);
	if (e == ERR_OK)
		e = db_exec(db, &Q_SHIFT_CLOSE,
			ARGS(arg_utc(c->now), arg_i64(c->counted_fen), arg_i64(c->id)), NULL);
	if (e == ERR_OK)
		e = db_one(db, &Q_SHIFT_GET, ARGS(arg_i64(c->id)), c->out);
	return e;
}

enum err shift_close(struct db *db, int64_t id, int64_t user_id, int64_t counted_fen,
	struct utc now, struct shift *out, struct problem *why)
{
	return db_tx(db, close_tx, &(struct closing){ id, user_id, counted_fen, now, why, out });
}

struct selling {
	const struct sale_new *n;
	int64_t total_fen;
	struct utc now;
	struct problem *why;
	struct sale *out;
};

static enum err lines_check(const struct sale_new *n, int64_t *total_fen, struct problem *why)
{
	int64_t total = 0;

	if (n->n < 1 || n->n > SALE_LINES_MAX)
		return problem_set(
			why, ERR_OUT_OF_RANGE, "lines", "from 1 to %d lines", SALE_LINES_MAX);
	for (size_t i = 0; i < n->n; i++) {
		if (n->lines[i].amount_fen < 1)
			return problem_set(why, ERR_AMOUNT_SMALL, "amount_fen", "at least 1 fen");
		if (n->lines[i].amount_fen > ORDER_MAX_FEN)
			return problem_set(why, ERR_AMOUNT_LARGE, "amount_fen", "at most %d fen",
				ORDER_MAX_FEN);
		for (size_t k = 0; k < i; k++)
			if (n->lines[k].account_id == n->lines[i].account_id)
				return problem_set(
					why, ERR_BAD_VALUE, "lines", "an account stands twice");
		total += n->lines[i].amount_fen;
	}
	if (n->tendered_fen < total)
		return problem_set(
			why, ERR_AMOUNT_SMALL, "tendered_fen", "less was tendered than sold");
	if (!str_eq(n->method, "cash") && n->tendered_fen != total)
		return problem_set(why, ERR_BAD_VALUE, "tendered_fen",
			"only cash gives change; tender the total");
	*total_fen = total;
	return ERR_OK;
}

static enum err money_account(struct db *db, const char *method, int64_t shift_id, int64_t *id)
{
	char drawer[32];

	snprintf(drawer, sizeof(drawer), "drawer:%" PRId64, shift_id);
	if (str_eq(method, "cash"))
		return account_company(db, drawer, id);
	return account_company(db, str_eq(method, "pos") ? "clearing:pos" : "bank", id);
}

static enum err sale_post(
	struct db *db, const struct selling *s, int64_t shift_id, int64_t *entry_id)
{
	struct posting p[SALE_LINES_MAX + 1] = { 0 };
	char reference[32];
	struct desk desk;
	struct account a;
	enum err e = ERR_OK;

	snprintf(reference, sizeof(reference), "shift:%" PRId64, shift_id);
	for (size_t i = 0; e == ERR_OK && i < s->n->n; i++) {
		e = account_get(db, s->n->lines[i].account_id, &a);
		if (e == ERR_NOT_FOUND)
			return problem_set(s->why, e, "account_id", "there is no account %" PRId64,
				s->n->lines[i].account_id);
		if (e == ERR_OK && a.closed)
			return problem_set(s->why, ERR_CONFLICT, "account_id",
				"account %" PRId64 " is closed", s->n->lines[i].account_id);
		p[i + 1].account_id = s->n->lines[i].account_id;
		p[i + 1].purse = true;
		if (e == ERR_OK)
			e = money_from_fen(s->n->lines[i].amount_fen, &p[i + 1].amount);
	}
	if (e == ERR_OK)
		e = money_account(db, s->n->method, shift_id, &p[0].account_id);
	if (e == ERR_OK)
		e = money_from_fen(-s->total_fen, &p[0].amount);
	if (e == ERR_OK)
		e = desk_day(db, s->now, &desk);
	if (e != ERR_OK)
		return e;
	return entry_post(db,
		&(struct entry){ .kind = "sale",
			.once_key = s->n->once_key,
			.reference = reference,
			.actor = s->n->actor,
			.memo = s->n->note,
			.site_id = desk.id,
			.book_day = desk.day,
			.at = s->now },
		p, s->n->n + 1, entry_id);
}

/* Levels, blocks and the tenants' notices after the money has moved, accounts in the order sold. */
static enum err sold_apply(struct db *db, const struct selling *s)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < s->n->n; i++) {
		struct account a;

		e = account_changed(db, s->n->lines[i].account_id, s->now);
		if (e == ERR_OK)
			e = account_get(db, s->n->lines[i].account_id, &a);
		if (e == ERR_OK)
			e = notice_add(db, &a, "recharged", s->n->lines[i].amount_fen, s->now);
	}
	return e;
}

static enum err sale_tx(struct db *db, void *ctx)
{
	const struct selling *s = ctx;
	struct shift shift;
	int64_t entry_id = 0;
	enum err e = db_one(db, &Q_SHIFT_LOCK, ARGS(arg_i64(s->n->user_id)), &shift);

	if (e == ERR_NOT_FOUND)
		return ERR_SHIFT_CLOSED;
	if (e == ERR_OK)
		e = sale_post(db, s, shift.id, &entry_id);
	if (e == ERR_ALREADY)
		return db_one(db, &Q_SALE_BY_ENTRY, ARGS(arg_i64(entry_id)), s->out);
	if (e == ERR_OK)
		e = sold_apply(db, s);
	if (e == ERR_OK)
		e = db_exec(db, &Q_SALE_ADD,
			ARGS(arg_i64(shift.id), arg_text(s->n->method), arg_i64(s->total_fen),
				arg_i64(s->n->tendered_fen), arg_text(s->n->note), arg_utc(s->now),
				arg_text(s->n->once_key), arg_i64(entry_id)),
			NULL);
	if (e == ERR_OK)
		e = db_one(db, &Q_SALE_BY_ENTRY, ARGS(arg_i64(entry_id)), s->out);
	return e;
}

enum err sale_create(struct db *db, const struct sale_new *n, struct utc now, struct sale *out,
	struct problem *why)
{
	struct selling s = { .n = n, .now = now, .why = why, .out = out };
	enum err e = lines_check(n, &s.total_fen, why);

	if (e != ERR_OK)
		return e;
	e = db_tx(db, sale_tx, &s);
	if (e == ERR_OK)
		log_info("sale=%" PRId64 " method=%s total_fen=%" PRId64, out->id, n->method,
			s.total_fen);
	return e;
}
