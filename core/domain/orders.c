#include "domain/orders.h"

#include "domain/order.h"
#include "domain/scope.h"

#define F(member) FIELD(struct order_view, member)
SHAPE(view_shape, struct order_view, F(id), F(site_id), F(out_trade_no), F(transaction_id),
	F(account_id), F(purpose), F(tenant_code), F(tenant_name), F(room), F(meter_code),
	F(meter_name), F(description), F(amount_fen), F(channel), F(service), F(state),
	F(created_at), F(expires_at), F(paid_at), F(credited_at), F(closed_at), F(paid_after_close),
	F(by_another), F(entry_id), F(refunded_fen), F(unmatched), F(query_at), F(queries));
#undef F

#define WAITING                                                                                    \
	"(SELECT COUNT(*) FROM pay_unmatched u WHERE u.order_id = o.id AND u.state = 'open')"

#define ORDERS                                                                                     \
	"SELECT o.id, t.site_id, o.out_trade_no, o.transaction_id, o.account_id, a.purpose, "      \
	"t.code"                                                                                   \
	" AS tenant_code, t.name AS tenant_name, t.room, m.code AS meter_code, m.name AS"          \
	" meter_name, o.description, o.amount_fen, o.channel, o.service, o.state, o.created_at,"   \
	" o.expires_at, o.paid_at, o.credited_at, o.closed_at, o.paid_after_close,"                \
	" o.meter_id IS NOT NULL AS by_another, o.entry_id,"                                       \
	" " ORDER_REFUNDED " AS refunded_fen, " WAITING " AS unmatched, o.query_at,"               \
	" o.queries FROM pay_order o JOIN account a ON a.id = o.account_id JOIN contract c ON"     \
	" c.id = a.contract_id JOIN tenant t ON t.id = c.tenant_id LEFT JOIN meter m ON m.id ="    \
	" (SELECT MIN(m2.id) FROM contract_point cp JOIN meter m2 ON m2.supply_point_id ="         \
	" cp.supply_point_id WHERE cp.account_id = a.id AND cp.to_at = 0)"                         \
	" WHERE ? IN (0, t.site_id, " SEEN_ACCOUNT("a.id") ")"

static const struct query Q_GET = { ORDERS " AND o.id = ?", &view_shape };
const struct listing order_listing = {
	.all = { ORDERS, &view_shape },
	.sorts = { { "id", "o.id" }, { "created_at", "o.created_at" }, { "paid_at", "o.paid_at" } },
	.order = "-id",
	.filters = { { "state", FILTER_WORD, "o.state = ?", "created pending paid closed" },
		{ "service", FILTER_TEXT, "o.service = ?" },
		{ "account_id", FILTER_ID, "o.account_id = ?" },
		{ "tenant_id", FILTER_ID, "t.id = ?" }, { "site_id", FILTER_ID, "t.site_id = ?" },
		{ "number", FILTER_TEXT, "o.out_trade_no = ? OR o.transaction_id = ?" },
		{ "mismatch", FILTER_FLAG, "? = 0 OR " WAITING " > 0" },
		{ "from", FILTER_FROM, "o.created_at >= ?" },
		{ "to", FILTER_TO, "o.created_at < ?" } },
};

enum err order_get_view(struct db *db, int64_t site_id, int64_t id, struct order_view *out)
{
	return db_one(db, &Q_GET, ARGS(arg_i64(site_id), arg_i64(id)), out);
}
