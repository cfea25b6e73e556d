#include "domain/payee.h"

#include "domain/setting.h"

#define F(member) FIELD(struct payee, member)
SHAPE(payee_shape, struct payee, F(site_id), F(account_id), F(meter_id), F(meter_code), F(utility),
	F(room), F(name), F(own));
#undef F
static const struct query Q_PAYEE = {
	"SELECT t.site_id, cp.account_id, m.id AS meter_id, m.code AS meter_code, m.utility,"
	" t.room, " NAME_MASKED " AS name, EXISTS (SELECT 1 FROM user_tenant ut"
	" WHERE ut.tenant_id = t.id AND ut.user_id = ?) AS own FROM meter m"
	" JOIN contract_point cp ON cp.supply_point_id = m.supply_point_id AND cp.to_at = 0"
	" JOIN contract c ON c.id = cp.contract_id AND (c.end_at = 0 OR c.end_at > ?)"
	" JOIN tenant t ON t.id = c.tenant_id WHERE m.code = ? LIMIT 1",
	&payee_shape
};

/* Blanks at its end are nothing to the database. */
static enum err row_find(
	struct db *db, int64_t user_id, const char *code, struct utc now, struct payee *out)
{
	int64_t others = 0;
	enum err e =
		db_one(db, &Q_PAYEE, ARGS(arg_i64(user_id), arg_utc(now), arg_text(code)), out);

	if (e == ERR_OK && !str_eq(out->meter_code, code))
		return ERR_NOT_FOUND;
	if (e == ERR_OK && !out->own)
		e = setting_get(db, out->site_id, SETTING_PAY_FOR_OTHERS, &others);
	return e == ERR_OK && !out->own && !others ? ERR_NOT_FOUND : e;
}

enum err payee_find(struct db *db, int64_t user_id, const char *meter_code, struct utc now,
	struct payee *out, struct problem *why)
{
	enum err e = row_find(db, user_id, meter_code, now, out);

	return e == ERR_NOT_FOUND
		       ? problem_set(why, e, "meter", "no shop can be paid for by this meter code")
		       : e;
}
