#pragma once
/* What a member of staff sees: everything, one site, or some areas of it.
 *
 * Lists ask "? IN (0, <site of the row>, SEEN_…(<id of the row>))", where ? is the caller's scope:
 * 0 for everything, a site, or minus the id of a user who is confined to areas. A query that lacks
 * the third part shows nothing to such a user. Single things that a request names, in its path, its
 * query or its body, are looked up by scope_sees() before anything is done with them.
 *
 * @areas_of is the user whom scope_take() named. Another user's, or none after a connection was
 * lost, gives no row: the scope in ? names the user as well. */
#include "db/db.h"

#define SEEN_AREA(area)                                                                            \
	"(SELECT -us.user_id FROM user_area_scope us WHERE us.user_id = @areas_of"                 \
	" AND us.area_id = " area ")"
#define SEEN_BY(where)                                                                             \
	"(SELECT MAX(-us.user_id) FROM user_area_scope us JOIN meter um"                           \
	" ON um.area_id = us.area_id" where " AND us.user_id = @areas_of)"
#define SEEN_METER(id) SEEN_BY(" WHERE um.id = " id)
#define SEEN_POINT(id) SEEN_BY(" WHERE um.supply_point_id = " id)
#define SEEN_GATEWAY(id) SEEN_BY(" WHERE um.gateway_id = " id)
/* By any meter that the contract has or had. */
#define SEEN_POINTS " JOIN contract_point up ON up.supply_point_id = um.supply_point_id"
#define SEEN_ACCOUNTS SEEN_POINTS " JOIN account ua ON ua.contract_id = up.contract_id"
#define SEEN_CONTRACT(id) SEEN_BY(SEEN_POINTS " WHERE up.contract_id = " id)
#define SEEN_TENANT(id)                                                                            \
	SEEN_BY(SEEN_POINTS " JOIN contract uc ON uc.id = up.contract_id WHERE uc.tenant_id "      \
			    "= " id)
#define SEEN_ACCOUNT(id) SEEN_BY(SEEN_ACCOUNTS " WHERE ua.id = " id)
#define SEEN_ENTRY(id)                                                                             \
	SEEN_BY(SEEN_ACCOUNTS " JOIN posting ug ON ug.account_id = ua.id WHERE ug.entry_id = " id)
/* A batch of which every meter is seen. */
#define SEEN_BATCH(id)                                                                             \
	"(SELECT MAX(-us.user_id) FROM user_area_scope us WHERE us.user_id = @areas_of"            \
	" AND NOT EXISTS (SELECT 1 FROM batch_meter ub JOIN meter um ON um.id = ub.meter_id"       \
	" LEFT JOIN user_area_scope ux ON ux.area_id = um.area_id AND ux.user_id = @areas_of"      \
	" WHERE ub.batch_id = " id " AND ux.area_id IS NULL))"
/* Of what is about a thing: its kind, and its id. */
/* clang-format off */
#define SEEN_OBJECT(kind, id)                                                                      \
	"CASE " kind                                                                               \
	" WHEN 'meter' THEN " SEEN_METER(id)                                                       \
	" WHEN 'supply_point' THEN " SEEN_POINT(id)                                                \
	" WHEN 'gateway' THEN " SEEN_GATEWAY(id)                                                   \
	" WHEN 'contract' THEN " SEEN_CONTRACT(id)                                                 \
	" WHEN 'tenant' THEN " SEEN_TENANT(id)                                                     \
	" WHEN 'account' THEN " SEEN_ACCOUNT(id)                                                   \
	" WHEN 'entry' THEN " SEEN_ENTRY(id)                                                       \
	" WHEN 'batch' THEN " SEEN_BATCH(id)                                                       \
	" WHEN 'sale' THEN (SELECT " SEEN_ENTRY("uo.entry_id") " FROM sale uo WHERE uo.id = " id ")" \
	" WHEN 'refund' THEN (SELECT " SEEN_ENTRY("uo.entry_id") " FROM refund uo WHERE uo.id = " id ")" \
	" WHEN 'fee' THEN (SELECT " SEEN_CONTRACT("uo.contract_id") " FROM contract_fee uo WHERE uo.id = " id ")" \
	" WHEN 'order' THEN (SELECT " SEEN_ACCOUNT("uo.account_id") " FROM pay_order uo WHERE uo.id = " id ")" \
	" WHEN 'invoice' THEN (SELECT " SEEN_ACCOUNT("uo.account_id") " FROM invoice uo WHERE uo.id = " id ")" \
	" END"
/* clang-format on */
/* Of a text like "account:7". */
#define SEEN_NAMED(text)                                                                           \
	SEEN_OBJECT("SUBSTRING_INDEX(" text ", ':', 1)",                                           \
		"CAST(SUBSTRING_INDEX(" text ", ':', -1) AS SIGNED)")

/* Of what that user did. */
#define SEEN_DOING(actor) "IF(" actor " = CONCAT('user:', @areas_of), -@areas_of, NULL)"

/* From now on @areas_of is this user, on this connection. */
MUST_USE enum err scope_take(struct db *db, int64_t user_id);

/* What has an id of its own: the word of its path ("meters"), and the member of a query or a body
 * that names one ("meter_id"). */
struct scope_kind {
	const char *path, *member;
	struct query sees;
};
extern const struct scope_kind scope_kinds[];
extern const size_t scope_kinds_n;

/* Does the user of scope_take() see it? ERR_NOT_FOUND when not, or when there is no such thing. */
MUST_USE enum err scope_sees(struct db *db, const struct scope_kind *kind, int64_t id);

/* Spreads user_area over the areas inside; in the transaction that changed either. */
MUST_USE enum err scope_spread(struct db *db);
