#include "domain/attempt.h"

#include <stdio.h>

#include "domain/scope.h"

#define F(member) FIELD(struct attempt, member)
SHAPE(attempt_shape, struct attempt, F(id), F(kind), F(account_id), F(amount_fen), F(code), F(why),
	F(actor), F(at));
#undef F
static const struct query Q_ADD = {
	"INSERT INTO attempt (site_id, kind, account_id, amount_fen, code, why, actor, at)"
	" SELECT COALESCE(NULLIF(?, 0), (SELECT t.site_id FROM account a"
	" JOIN contract c ON c.id = a.contract_id JOIN tenant t ON t.id = c.tenant_id"
	" WHERE a.id = ?), 0), ?, ?, ?, ?, ?, ?, ?",
	NULL
};
const struct listing attempt_listing = {
	.all = { "SELECT id, kind, account_id, amount_fen, code, why, actor, at FROM attempt"
		 " WHERE ? IN (0, site_id, " SEEN_ACCOUNT("attempt.account_id") ")",
		&attempt_shape },
	.sorts = { { "id", "id" }, { "at", "at" } },
	.order = "-id",
	.filters = { { "account_id", FILTER_ID, "account_id = ?" },
		{ "kind", FILTER_WORD, "kind = ?", "sale order refund reversal adjustment" },
		{ "actor", FILTER_TEXT, "actor = ?" }, { "code", FILTER_TEXT, "code = ?" },
		{ "from", FILTER_FROM, "at >= ?" }, { "to", FILTER_TO, "at < ?" } },
};

enum err attempt_add(struct db *db, const struct attempt_new *a, struct utc now)
{
	char why[300];

	snprintf(why, sizeof(why), "%s", a->text[0] ? a->text : err_text(a->why));
	return db_exec(db, &Q_ADD,
		ARGS(arg_i64(a->site_id), arg_i64(a->account_id), arg_text(a->kind),
			arg_i64(a->account_id), arg_i64(a->amount_fen), arg_text(err_word(a->why)),
			arg_text(why), arg_text(a->actor), arg_utc(now)),
		NULL);
}
