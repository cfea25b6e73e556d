#include "domain/orders.h"

#include "domain/scope.h"

#define F(member) FIELD(struct order_view, member)
SHAPE(view_shape, struct order_view, F(id), F(site_id), F(out_trade_no), F(transaction_id),
	F(account_id), F(purpose), F(tenant_code), F(tenant_name), F(room), F(meter_code),
	F(meter_name), F(description), F(amount_fen), F(channel), F(service), F(state),
	F(created_at), F(expires_at), F(paid_at), F(credited_at), F(closed_at), F(paid_after_close),
	F(entry_id), F(refunded_fen), F(unmatched), F(query_at), F(queries));
#undef F

#define WAITING                                                                                    \
	"(SELECT COUNT(*) FROM pay_unmatched u WHERE u.order_id = o.id AND u.state = 'open')"

static const struct query Q_LIST = {
	"SELECT o.id, t.site_id, o.out_trade_no, o.transaction_id, o.account_id, a.purpose, t.code"
	" AS tenant_code, t.name AS tenant_name, t.room, m.code AS meter_code, m.name AS"
	" meter_name, o.description, o.amount_fen, o.channel, o.service, o.state, o.created_at,"
	" o.expires_at, o.paid_at, o.credited_at, o.closed_at, o.paid_after_close, o.entry_id,"
	" CAST((SELECT COALESCE(SUM(f.amount_fen), 0) FROM refund f WHERE f.order_id = o.id AND"
	" f.state <> 'failed') AS SIGNED) AS refunded_fen, " WAITING " AS unmatched, o.query_at,"
	" o.queries FROM pay_order o JOIN account a ON a.id = o.account_id JOIN contract c ON"
	" c.id = a.contract_id JOIN tenant t ON t.id = c.tenant_id LEFT JOIN meter m ON m.id ="
	" (SELECT MIN(m2.id) FROM contract_point cp JOIN meter m2 ON m2.supply_point_id ="
	" cp.supply_point_id WHERE cp.account_id = a.id AND cp.to_at = 0)"
	" WHERE ? IN (0, t.site_id, " SEEN_ACCOUNT(
		"a.id") ") AND ? IN (0, o.id) AND ? IN ('', o.state) AND"
			" ? IN ('', o.service) AND ? IN (0, o.account_id) AND ? IN ('', "
			"o.out_trade_no,"
			" COALESCE(o.transaction_id, '')) AND (? = 0 OR " WAITING " > 0)"
			" ORDER BY o.id DESC LIMIT 200",
	&view_shape
};

enum err order_list(struct db *db, const struct order_filter *f, struct rows *out)
{
	return db_list(db, &Q_LIST,
		ARGS(arg_i64(f->site_id), arg_i64(f->id), arg_text(f->state), arg_text(f->service),
			arg_i64(f->account_id), arg_text(f->out_trade_no), arg_i64(f->mismatch)),
		out);
}
