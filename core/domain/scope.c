#include "domain/scope.h"

static const struct query Q_TAKE = { "SET @areas_of = ?", NULL };

#define SEES(table, id)                                                                            \
	{                                                                                          \
		"SELECT x.id FROM " table " x WHERE x.id = ? AND " id " = -@areas_of", &id_shape   \
	}

const struct scope_kind scope_kinds[] = {
	{ "meters", "meter_id", SEES("meter", SEEN_AREA("x.area_id")) },
	{ "supply-points", "supply_point_id", SEES("supply_point", SEEN_POINT("x.id")) },
	{ "gateways", "gateway_id", SEES("gateway", SEEN_GATEWAY("x.id")) },
	{ "contracts", "contract_id", SEES("contract", SEEN_CONTRACT("x.id")) },
	{ "tenants", "tenant_id", SEES("tenant", SEEN_TENANT("x.id")) },
	{ "accounts", "account_id", SEES("account", SEEN_ACCOUNT("x.id")) },
	{ "entries", "entry_id", SEES("entry", SEEN_ENTRY("x.id")) },
	{ "sales", "sale_id", SEES("sale", SEEN_ENTRY("x.entry_id")) },
	{ "orders", "order_id", SEES("pay_order", SEEN_ACCOUNT("x.account_id")) },
	{ "refunds", "refund_id", SEES("refund", SEEN_ENTRY("x.entry_id")) },
	{ "invoices", "invoice_id", SEES("invoice", SEEN_ACCOUNT("x.account_id")) },
	{ "fees", "fee_id", SEES("contract_fee", SEEN_CONTRACT("x.contract_id")) },
	{ "outbox", "outbox_id", SEES("outbox", SEEN_TENANT("x.tenant_id")) },
	{ "alarms", "alarm_id", SEES("alarm", SEEN_OBJECT("x.object_kind", "x.object_id")) },
	{ "batches", "batch_id", SEES("batch", SEEN_BATCH("x.id")) },
	{ "approvals", "approval_id", SEES("approval", SEEN_NAMED("x.object")) },
};
const size_t scope_kinds_n = ARRAY_LEN(scope_kinds);

enum err scope_take(struct db *db, int64_t user_id)
{
	return db_exec(db, &Q_TAKE, ARGS(arg_i64(user_id)), NULL);
}

enum err scope_sees(struct db *db, const struct scope_kind *kind, int64_t id)
{
	struct id_row row;

	return db_one(db, &kind->sees, ARGS(arg_i64(id)), &row);
}

static const struct query Q_LOCK = {
	"SELECT user_id AS id FROM user_area_scope WHERE user_id = 0 AND area_id = 0 FOR UPDATE",
	&id_shape
};
static const struct query Q_CLEAR = { "DELETE FROM user_area_scope WHERE user_id > 0", NULL };
/* UNION keeps each pair once, which also ends a ring of areas. */
static const struct query Q_SPREAD = {
	"INSERT INTO user_area_scope (user_id, area_id) WITH RECURSIVE inside (user_id, area_id) AS"
	" (SELECT user_id, area_id FROM user_area UNION SELECT i.user_id, a.id FROM inside i"
	" JOIN area a ON a.parent_id = i.area_id) SELECT user_id, area_id FROM inside",
	NULL
};

enum err scope_spread(struct db *db)
{
	struct id_row row;
	enum err e = db_one(db, &Q_LOCK, NO_ARGS, &row);

	ASSERT(db_in_tx(db));
	if (e == ERR_OK)
		e = db_exec(db, &Q_CLEAR, NO_ARGS, NULL);
	return e == ERR_OK ? db_exec(db, &Q_SPREAD, NO_ARGS, NULL) : e;
}
