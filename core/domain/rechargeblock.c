#include "domain/rechargeblock.h"

#include "domain/audit.h"

#define F(member) FIELD(struct recharge_block, member)
SHAPE(block_shape, struct recharge_block, F(account_id), F(blocked), F(reason), F(actor),
	F(set_at));
#undef F

static const struct query Q_GET = {
	"SELECT a.id AS account_id, b.account_id IS NOT NULL AS blocked, b.reason, b.actor,"
	" b.set_at FROM account a JOIN contract c ON c.id = a.contract_id"
	" JOIN tenant t ON t.id = c.tenant_id LEFT JOIN recharge_block b ON b.account_id = a.id"
	" WHERE a.kind = 'purse' AND ? IN (0, t.site_id) AND a.id = ?",
	&block_shape
};
static const struct query Q_SET = {
	"INSERT INTO recharge_block (account_id, reason, actor, set_at) VALUES (?, ?, ?, ?)", NULL
};
static const struct query Q_LIFT = { "DELETE FROM recharge_block WHERE account_id = ?", NULL };
static const struct query Q_IS = {
	"SELECT account_id AS id FROM recharge_block WHERE account_id = ?", &id_shape
};

enum err recharge_block_get(
	struct db *db, int64_t site_id, int64_t account_id, struct recharge_block *out)
{
	return db_one(db, &Q_GET, ARGS(arg_i64(site_id), arg_i64(account_id)), out);
}

enum err recharge_block_check(
	struct db *db, int64_t account_id, const char *field, struct problem *why)
{
	struct id_row row;
	enum err e = db_one(db, &Q_IS, ARGS(arg_i64(account_id)), &row);

	if (e == ERR_NOT_FOUND)
		return ERR_OK;
	return e == ERR_OK ? problem_set(why, ERR_BLOCKED, field,
				     "this account takes no recharge at present; ask the office")
			   : e;
}

struct putting {
	const struct recharge_block_set *s;
	struct utc now;
	struct recharge_block *out;
};

static enum err write(struct db *db, const struct putting *p)
{
	const struct recharge_block_set *s = p->s;
	struct audit audit = { s->actor, s->address, "account.recharge_block", "account",
		s->account_id, NULL };
	enum err e = s->blocked ? db_exec(db, &Q_SET,
					  ARGS(arg_i64(s->account_id), arg_text(s->reason),
						  arg_text(s->actor), arg_utc(p->now)),
					  NULL)
				: db_exec(db, &Q_LIFT, ARGS(arg_i64(s->account_id)), NULL);

	if (e == ERR_ALREADY) /* somebody was faster */
		return ERR_RETRY;
	return e == ERR_OK ? audit_add(db, &audit,
				     json_pack("{s:b, s:s}", "blocked", s->blocked ? 1 : 0,
					     "reason", s->reason),
				     p->now)
			   : e;
}

static enum err put_tx(struct db *db, void *ctx)
{
	struct putting *p = ctx;
	enum err e = recharge_block_get(db, p->s->site_id, p->s->account_id, p->out);

	if (e != ERR_OK || p->out->blocked == p->s->blocked)
		return e;
	e = write(db, p);
	return e == ERR_OK ? recharge_block_get(db, p->s->site_id, p->s->account_id, p->out) : e;
}

enum err recharge_block_put(struct db *db, const struct recharge_block_set *s, struct utc now,
	struct recharge_block *out)
{
	struct putting p = { .s = s, .now = now, .out = out };

	return db_tx(db, put_tx, &p);
}
