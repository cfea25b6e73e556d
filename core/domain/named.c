#include "domain/named.h"

#include <string.h>

#include "base/str.h"
#include "domain/scope.h"

#define F(member) FIELD(struct named, member)
SHAPE(named_shape, struct named, F(code), F(name), F(purpose));
#undef F

/* Of each: the id, what of the company is seen, and the reader. */
#define SEES(site, seen, permission)                                                               \
	" WHERE x.id = ? AND ? IN (0, " site ", " seen ") AND EXISTS (SELECT 1 FROM user ju JOIN"  \
	" role_permission jp ON jp.role_id = ju.role_id WHERE ju.id = ? AND jp.permission ="       \
	" '" permission "')"
#define ALL_SEE " WHERE x.id = ? AND ? IS NOT NULL AND ? IS NOT NULL"
#define PLAIN "SELECT x.code, x.name, '' AS purpose FROM "
#define UNCODED "SELECT '' AS code, x.name, '' AS purpose FROM "
#define SHOP(purpose) "SELECT t.room AS code, t.name, " purpose " AS purpose FROM "
#define OF_PURSE " JOIN contract c ON c.id = a.contract_id JOIN tenant t ON t.id = c.tenant_id"

/* clang-format off */
static const struct {
	const char *kind;
	struct query find;
} kinds[] = {
	{ "account", { SHOP("a.purpose") "account x JOIN account a ON a.id = x.id" OF_PURSE
		SEES("t.site_id", SEEN_ACCOUNT("x.id"), "account.read"), &named_shape } },
	{ "area", { PLAIN "area x" SEES("x.site_id", SEEN_AREA("x.id"), "meter.read"), &named_shape } },
	{ "contract", { SHOP("''") "contract x JOIN tenant t ON t.id = x.tenant_id"
		SEES("t.site_id", SEEN_CONTRACT("x.id"), "contract.read"), &named_shape } },
	{ "gateway", { PLAIN "gateway x" SEES("x.site_id", SEEN_GATEWAY("x.id"), "meter.read"), &named_shape } },
	{ "invoice", { SHOP("a.purpose") "invoice x JOIN account a ON a.id = x.account_id" OF_PURSE
		SEES("t.site_id", SEEN_ACCOUNT("a.id"), "entry.read"), &named_shape } },
	{ "meter", { "SELECT x.code, x.name, '' AS purpose FROM meter x JOIN supply_point p ON p.id = x.supply_point_id"
		SEES("p.site_id", SEEN_METER("x.id"), "meter.read"), &named_shape } },
	{ "order", { SHOP("a.purpose") "pay_order x JOIN account a ON a.id = x.account_id" OF_PURSE
		SEES("t.site_id", SEEN_ACCOUNT("a.id"), "entry.read"), &named_shape } },
	{ "share_group", { UNCODED "share_group x" SEES("x.site_id", "NULL", "share.read"), &named_shape } },
	{ "site", { UNCODED "site x" SEES("x.id", "NULL", "meter.read"), &named_shape } },
	{ "supply_point", { "SELECT m.code, m.name, '' AS purpose FROM supply_point x JOIN meter m ON m.id ="
		" (SELECT MAX(n.id) FROM meter n WHERE n.supply_point_id = x.id)"
		SEES("x.site_id", SEEN_POINT("x.id"), "meter.read"), &named_shape } },
	{ "tariff", { PLAIN "tariff x" ALL_SEE, &named_shape } },
	{ "tenant", { "SELECT x.room AS code, x.name, '' AS purpose FROM tenant x"
		SEES("x.site_id", SEEN_TENANT("x.id"), "tenant.read"), &named_shape } },
	{ "user", { "SELECT '' AS code, COALESCE(NULLIF(x.name, ''), x.username) AS name, '' AS purpose FROM user x"
		ALL_SEE " AND x.kind <> 'tenant'", &named_shape } },
};
/* clang-format on */

static const struct query *query_of(const char *text, size_t kind_n)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strlen(kinds[i].kind) == kind_n && strncmp(kinds[i].kind, text, kind_n) == 0)
			return &kinds[i].find;
	return NULL;
}

enum err named_find(
	struct db *db, const struct named_reader *by, const char *text, struct named *out)
{
	const char *colon = strchr(text, ':');
	const struct query *find = colon ? query_of(text, (size_t)(colon - text)) : NULL;
	int64_t id = 0;

	if (!find || i64_parse(colon + 1, 1, INT64_MAX, &id) != ERR_OK)
		return ERR_BAD_VALUE;
	return db_one(db, find, ARGS(arg_i64(id), arg_i64(by->site_id), arg_i64(by->user_id)), out);
}
