#include "domain/shift.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "domain/audit.h"
#include "domain/bookday.h"
#include "domain/entry.h"

#define F(member) FIELD(struct shift, member)
SHAPE(shift_shape, struct shift, F(id), F(user_id), F(opened_at), F(closed_at), F(counted_fen),
	F(sales_fen), F(cash_fen), F(count));
#undef F

#define SHIFTS                                                                                     \
	"SELECT h.id, h.user_id, h.opened_at, h.closed_at, h.counted_fen,"                         \
	" (SELECT CAST(COALESCE(SUM(s.total_fen), 0) AS SIGNED) FROM sale s"                       \
	" WHERE s.shift_id = h.id) AS sales_fen,"                                                  \
	" (SELECT CAST(COALESCE(-SUM(p.amount_nano), 0) DIV 10000000 AS SIGNED) FROM account d"    \
	" JOIN posting p ON p.account_id = d.id JOIN entry e ON e.id = p.entry_id"                 \
	" WHERE d.code = CONCAT('drawer:', h.id) AND e.kind <> 'shift') AS cash_fen,"              \
	" (SELECT COUNT(*) FROM sale s WHERE s.shift_id = h.id) AS count FROM shift h "
#define SHIFT_ROW                                                                                  \
	"SELECT id, user_id, opened_at, closed_at, counted_fen, 0 AS sales_fen, 0 AS cash_fen,"    \
	" 0 AS count FROM shift "

static const struct query Q_ADD = {
	"INSERT INTO shift (user_id, opened_at, open_key) VALUES (?, ?, ?)", NULL
};
static const struct query Q_GET = { SHIFTS "WHERE h.id = ?", &shift_shape };
static const struct query Q_OPEN = { SHIFTS "WHERE h.open_key = ?", &shift_shape };
const struct listing shift_listing = {
	.all = { SHIFTS "WHERE h.user_id = ?", &shift_shape },
	.sorts = { { "id", "h.id" }, { "opened_at", "h.opened_at" },
		{ "closed_at", "h.closed_at" } },
	.order = "-id",
	.filters = { { "open", FILTER_FLAG, "? = 0 OR h.closed_at = 0" },
		{ "from", FILTER_FROM, "h.opened_at >= ?" },
		{ "to", FILTER_TO, "h.opened_at < ?" } },
};
static const struct query Q_LOCK = { SHIFT_ROW "WHERE open_key = ? FOR UPDATE", &shift_shape };
static const struct query Q_LOCK_ID = {
	SHIFT_ROW "WHERE id = ? AND open_key IS NOT NULL FOR UPDATE", &shift_shape
};
static const struct query Q_CLOSE = {
	"UPDATE shift SET closed_at = ?, counted_fen = ?, open_key = NULL WHERE id = ?", NULL
};
/* The user's site, or that of the first sale, or the first there is. */
static const struct query Q_SITE = {
	"SELECT COALESCE((SELECT site_id FROM user WHERE id = ?), (SELECT e.site_id FROM sale s"
	" JOIN entry e ON e.id = s.entry_id WHERE s.shift_id = ? ORDER BY s.id LIMIT 1),"
	" (SELECT MIN(id) FROM site)) AS id",
	&id_shape
};

static enum err shift_audit(
	struct db *db, int64_t user_id, const char *action, int64_t id, struct utc now)
{
	char actor[32];

	snprintf(actor, sizeof(actor), "user:%" PRId64, user_id);
	return audit_add(db, &(struct audit){ actor, "", action, "shift", id, NULL }, NULL, now);
}

struct opening {
	int64_t user_id;
	struct utc now;
};

static enum err open_tx(struct db *db, void *ctx)
{
	const struct opening *o = ctx;
	enum err e = db_exec(
		db, &Q_ADD, ARGS(arg_i64(o->user_id), arg_utc(o->now), arg_i64(o->user_id)), NULL);

	return e == ERR_OK ? shift_audit(db, o->user_id, "shift.open", db_insert_id(db), o->now)
			   : e;
}

enum err shift_open(struct db *db, int64_t user_id, struct utc now, struct shift *out)
{
	enum err e = db_join(db, open_tx, &(struct opening){ user_id, now });

	if (e == ERR_ALREADY)
		return ERR_CONFLICT;
	return e == ERR_OK ? shift_current(db, user_id, out) : e;
}

enum err shift_current(struct db *db, int64_t user_id, struct shift *out)
{
	return db_one(db, &Q_OPEN, ARGS(arg_i64(user_id)), out);
}

static enum err lock(struct db *db, const struct query *q, int64_t key, struct shift *out)
{
	enum err e;

	ASSERT(db_in_tx(db));
	e = db_one(db, q, ARGS(arg_i64(key)), out);
	return e == ERR_NOT_FOUND ? ERR_SHIFT_CLOSED : e;
}

enum err shift_lock(struct db *db, int64_t user_id, struct shift *out)
{
	return lock(db, &Q_LOCK, user_id, out);
}

enum err shift_lock_id(struct db *db, int64_t id, struct shift *out)
{
	return lock(db, &Q_LOCK_ID, id, out);
}

enum err shift_drawer(struct db *db, int64_t id, int64_t *account_id)
{
	char code[32];

	snprintf(code, sizeof(code), "drawer:%" PRId64, id);
	return account_company(db, code, account_id);
}

struct closing {
	int64_t id, user_id, counted_fen;
	struct utc now;
	struct problem *why;
	struct shift *out;
};

static enum err closing_postings(
	struct db *db, const struct closing *c, int64_t cash_fen, struct posting p[static 3])
{
	struct money cash, counted, difference;
	enum err e = shift_drawer(db, c->id, &p[0].account_id);

	if (e == ERR_OK)
		e = account_company(db, "bank", &p[1].account_id);
	if (e == ERR_OK)
		e = account_company(db, "over_short", &p[2].account_id);
	if (e == ERR_OK)
		e = money_from_fen(cash_fen, &cash);
	if (e == ERR_OK)
		e = money_from_fen(c->counted_fen, &counted);
	if (e == ERR_OK)
		e = money_sub(counted, cash, &difference);
	if (e != ERR_OK)
		return e;
	p[0].amount = cash;
	p[1].amount = (struct money){ -counted.nano };
	p[2].amount = difference;
	return ERR_OK;
}

/* drawer <- bank and over_short: what was counted goes to the bank, the rest is over or short. */
static enum err closing_post(struct db *db, const struct closing *c, int64_t cash_fen)
{
	struct posting p[3] = { 0 };
	char name[32], actor[32];
	struct id_row site;
	struct day today;
	int64_t entry_id;
	enum err e = closing_postings(db, c, cash_fen, p);

	snprintf(name, sizeof(name), "shift:%" PRId64, c->id);
	snprintf(actor, sizeof(actor), "user:%" PRId64, c->user_id);
	if (e == ERR_OK)
		e = db_one(db, &Q_SITE, ARGS(arg_i64(c->user_id), arg_i64(c->id)), &site);
	if (e == ERR_OK)
		e = site_today(db, site.id, c->now, &today);
	if (e != ERR_OK)
		return e;
	e = entry_post(db,
		&(struct entry){ .kind = "shift",
			.once_key = name,
			.reference = name,
			.actor = actor,
			.memo = "",
			.site_id = site.id,
			.book_day = today,
			.at = c->now },
		p, 3, &entry_id);
	return e == ERR_ALREADY ? ERR_OK : e;
}

/* It was closed before: by this very request, whose answer was lost, or otherwise. */
static enum err closed_before(struct db *db, const struct closing *c)
{
	struct shift s;
	enum err e = db_one(db, &Q_GET, ARGS(arg_i64(c->id)), &s);

	if (e == ERR_OK && s.user_id != c->user_id)
		e = ERR_NOT_FOUND;
	if (e == ERR_NOT_FOUND)
		return problem_set(c->why, e, "id", "you have no such shift");
	if (e == ERR_OK && s.counted_fen != c->counted_fen)
		return problem_set(
			c->why, ERR_CONFLICT, "id", "it was closed before, with another count");
	if (e == ERR_OK)
		*c->out = s;
	return e;
}

static enum err close_tx(struct db *db, void *ctx)
{
	const struct closing *c = ctx;
	struct shift s;
	enum err e = shift_lock(db, c->user_id, &s);

	if (e == ERR_SHIFT_CLOSED || (e == ERR_OK && s.id != c->id))
		return closed_before(db, c);
	if (e == ERR_OK)
		e = db_one(db, &Q_GET, ARGS(arg_i64(c->id)), &s);
	if (e == ERR_OK)
		e = closing_post(db, c, s.cash_fen);
	if (e == ERR_OK)
		e = db_exec(db, &Q_CLOSE,
			ARGS(arg_utc(c->now), arg_i64(c->counted_fen), arg_i64(c->id)), NULL);
	if (e == ERR_OK)
		e = shift_audit(db, c->user_id, "shift.close", c->id, c->now);
	if (e == ERR_OK)
		e = db_one(db, &Q_GET, ARGS(arg_i64(c->id)), c->out);
	return e;
}

enum err shift_close(struct db *db, int64_t id, int64_t user_id, int64_t counted_fen,
	struct utc now, struct shift *out, struct problem *why)
{
	enum err e =
		db_tx(db, close_tx, &(struct closing){ id, user_id, counted_fen, now, why, out });

	if (e == ERR_OK)
		log_info("shift=%" PRId64 " closed counted_fen=%" PRId64 " expected_fen=%" PRId64,
			id, counted_fen, out->cash_fen);
	return e;
}
