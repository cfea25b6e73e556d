/* Levels, notices, blocks, and what a supply is to be: each has its cause. */
#include "ctl/verify_list.h"

/* clang-format off */
#define ACCOUNT "CONCAT('account:', a.id) AS object, "
#define BLOCK "CONCAT('block:', b.supply_point_id, ':', b.kind, ':', b.cause) AS object, "
#define POINT "CONCAT('supply_point:', p.id) AS object, "
#define FLOOR "(-a.credit_limit_nano - IF(a.emergency_at > 0, a.emergency_limit_nano, 0))"
/* What is paid for meters that keep their credit themselves goes on into them: no level. */
#define HAS_LEVEL \
	"(SELECT COALESCE(MIN(p.billing = 'meter'), 0) FROM contract_point c JOIN supply_point p ON p.id =" \
	" c.supply_point_id WHERE c.account_id = a.id AND c.to_at = 0) = 0"
#define OPEN_CONTRACT "EXISTS (SELECT 1 FROM contract c WHERE c.id = a.contract_id AND c.end_at = 0)"
/* A threshold is left behind by a twentieth of it, at least one yuan; one of 0 holds nothing. */
#define BEYOND(warn) \
	"(" warn " <= 0 OR a.balance_nano > " warn " + GREATEST(1000000000, " warn " DIV 20))"
#define HAS(kind) \
	"EXISTS (SELECT 1 FROM block b WHERE b.supply_point_id = p.id AND b.kind = '" kind "')"
/* The precedence of the reasons; a keep that has just ended may still stand. */
#define REASON(keep) \
	"CASE WHEN " HAS("safety") " THEN 'safety' WHEN " HAS("manual") " THEN 'manual' WHEN " \
	HAS("vacant") " THEN 'vacant' WHEN p.load_class = 'protected' THEN 'protected' WHEN " \
	HAS("overload") " THEN 'overload' WHEN " HAS("sub_tenant") " THEN 'sub_tenant' WHEN " \
	keep " THEN 'keep' WHEN " HAS("schedule") " THEN 'schedule' WHEN p.billing IN ('account'," \
	" 'meter') AND " HAS("fee") " THEN 'fee' WHEN p.billing IN ('account', 'meter') AND " \
	HAS("arrears") " THEN 'arrears' ELSE 'none' END"

static const struct check checks[] = {
	CHECK("arrears_are_of_the_balance", ALONG_ACCOUNT,
		"SELECT " ACCOUNT "a.level AS have, IF(a.balance_nano > 0, 'no arrears', 'arrears') AS want FROM account a"
		" WHERE a.kind = 'purse' AND " OPEN_CONTRACT " AND a.purpose <> 'fee' AND " HAS_LEVEL " AND a.id > ? AND a.id <= ? AND"
		" IF(a.level = 'arrears', a.balance_nano > 0, a.balance_nano <= " FLOOR " AND a.level_since > 0)"),
	/* A fee purse that holds nothing owes nothing. */
	CHECK("fee_arrears_are_of_the_balance", ALONG_ACCOUNT,
		"SELECT " ACCOUNT "a.level AS have, IF(a.balance_nano >= 0, 'no arrears', 'arrears') AS want FROM account a"
		" WHERE a.kind = 'purse' AND " OPEN_CONTRACT " AND a.purpose = 'fee' AND a.id > ? AND a.id <= ? AND"
		" IF(a.level = 'arrears', a.balance_nano >= 0, a.balance_nano < " FLOOR " AND a.level_since > 0)"),
	/* Emergency credit leaves a purse without money at low2, whatever its thresholds. */
	CHECK("level_is_of_the_balance", ALONG_ACCOUNT,
		"SELECT " ACCOUNT "a.level AS have, CONCAT(a.balance_nano, ' of ', a.warn1_nano, ' ', a.warn2_nano) AS want"
		" FROM account a WHERE a.kind = 'purse' AND a.level_since > 0 AND a.level <> 'arrears' AND " OPEN_CONTRACT
		" AND a.purpose <> 'fee' AND " HAS_LEVEL " AND a.id > ? AND a.id <= ? AND a.balance_nano > " FLOOR " AND CASE a.level"
		" WHEN 'ok' THEN a.warn1_nano > 0 AND a.balance_nano <= a.warn1_nano OR a.warn2_nano > 0 AND a.balance_nano"
		" <= a.warn2_nano WHEN 'low1' THEN a.warn2_nano > 0 AND a.balance_nano <= a.warn2_nano OR "
		BEYOND("a.warn1_nano") " ELSE a.balance_nano > 0 AND " BEYOND("a.warn2_nano") " END"),
	CHECK("arrears_have_their_block", ALONG_ACCOUNT,
		"SELECT " ACCOUNT "CONCAT('no block of supply point ', c.supply_point_id) AS have, 'a block' AS want"
		" FROM account a JOIN contract_point c ON c.account_id = a.id AND c.to_at = 0 JOIN supply_point p ON p.id ="
		" c.supply_point_id AND p.billing = 'account' LEFT JOIN block b ON b.supply_point_id ="
		" p.id AND b.kind = 'arrears' AND b.cause = CONCAT('account:', a.id)"
		" WHERE a.id > ? AND a.id <= ? AND a.level = 'arrears' AND a.purpose <> 'fee' AND b.kind IS NULL"),
	/* One notice a crossing: told when the level was reached, and told once. */
	CHECK("arrears_were_told", ALONG_ACCOUNT,
		"SELECT " ACCOUNT "'no notice' AS have, " TEXT("a.level_since") " AS want FROM account a WHERE a.level ="
		" 'arrears' AND a.id > ? AND a.id <= ? AND NOT EXISTS (SELECT 1 FROM notice n WHERE n.account_id = a.id AND"
		" n.kind = IF(a.purpose = 'fee', 'fee_short', 'arrears') AND n.created_at = a.level_since)"),
	CHECK("crossing_is_told_once", ALONG_ACCOUNT,
		"SELECT CONCAT('notice:', MAX(n.id)) AS object, " TEXT("COUNT(*)") " AS have, '1' AS want FROM notice n"
		" WHERE n.kind IN ('low1', 'low2', 'arrears', 'fee_low', 'fee_short') AND n.account_id > ? AND"
		" n.account_id <= ? GROUP BY n.account_id, n.kind, n.created_at, n.text HAVING COUNT(*) > 1 +"
		" (SELECT COUNT(*) FROM posting p JOIN entry e ON e.id = p.entry_id AND e.created_at = n.created_at WHERE"
		" p.account_id = n.account_id AND p.amount_nano > 0)"),
	CHECK("block_has_its_supply_point", ALONG_POINT,
		"SELECT " BLOCK "'no supply point' AS have, 'a supply point' AS want FROM block b LEFT JOIN supply_point p ON"
		" p.id = b.supply_point_id WHERE b.supply_point_id > ? AND b.supply_point_id <= ? AND p.id IS NULL"),
	CHECK("arrears_block_has_its_cause", ALONG_POINT,
		"SELECT " BLOCK "COALESCE(a.level, 'no account') AS have, 'arrears' AS want FROM block b"
		" LEFT JOIN account a ON b.cause = CONCAT('account:', a.id) AND a.level = 'arrears' AND a.purpose <> 'fee'"
		" WHERE b.kind = 'arrears' AND b.supply_point_id > ? AND b.supply_point_id <= ? AND a.id IS NULL"),
	CHECK("fee_block_has_its_cause", ALONG_POINT,
		"SELECT " BLOCK "'no approved cut' AS have, 'a fee purse that was on an approved list' AS want FROM block b"
		" WHERE b.kind = 'fee' AND b.supply_point_id > ? AND b.supply_point_id <= ? AND NOT EXISTS (SELECT 1 FROM"
		" fee_cut k JOIN account a ON a.id = k.account_id AND a.purpose = 'fee' WHERE k.cut_at > 0 AND b.cause ="
		" CONCAT('account:', a.id))"),
	CHECK("overload_block_has_its_cause", ALONG_POINT,
		"SELECT " BLOCK "COALESCE(o.phase, 'no overload') AS have, 'tripped or locked' AS want FROM block b LEFT JOIN"
		" overload_state o ON o.supply_point_id = b.supply_point_id WHERE b.kind = 'overload' AND b.supply_point_id"
		" > ? AND b.supply_point_id <= ? AND COALESCE(o.phase, '') NOT IN ('tripped', 'locked')"),
	CHECK("schedule_block_has_its_cause", ALONG_POINT,
		"SELECT " BLOCK "'no schedule' AS have, 'a schedule' AS want FROM block b JOIN supply_point p ON p.id ="
		" b.supply_point_id WHERE b.kind = 'schedule' AND b.supply_point_id > ? AND b.supply_point_id <= ?"
		" AND p.schedule_id IS NULL"),
	CHECK("sub_tenant_block_has_its_cause", ALONG_POINT,
		"SELECT " BLOCK "'nobody' AS have, 'a named sub-tenant' AS want FROM block b WHERE b.kind = 'sub_tenant' AND"
		" b.supply_point_id > ? AND b.supply_point_id <= ? AND NOT EXISTS (SELECT 1 FROM sub_tenant s WHERE"
		" s.supply_point_id = b.supply_point_id)"),
	CHECK("keep_has_its_reason", ALONG_POINT,
		"SELECT " POINT "CONCAT(p.keep_until, ' ', p.keep_actor) AS have, 'who keeps it' AS want FROM supply_point p"
		" WHERE p.id > ? AND p.id <= ? AND p.keep_until > 0 AND p.keep_actor = ''"),
	/* A supply that nothing was ever decided about is on, for no reason. */
	CHECK("supply_is_as_decided", ALONG_POINT,
		"SELECT " POINT "CONCAT(t.desired, ' ', t.desired_reason, ' ', t.gated) AS have, CONCAT('by ', t.reason) AS want"
		" FROM (SELECT p.id, p.desired, p.desired_reason, p.gated, p.billing, " REASON("p.keep_until > 0") " AS reason, "
		REASON("0") " AS unkept FROM supply_point p WHERE p.id > ? AND p.id <= ?) t JOIN supply_point p ON p.id = t.id"
		" WHERE t.desired_reason NOT IN (t.reason, t.unkept, IF(t.reason = 'protected', 'none', t.reason)) OR t.gated <> (t.desired_reason IN ('overload',"
		" 'schedule', 'fee', 'arrears')) OR t.desired <> CASE WHEN t.desired_reason IN ('protected', 'keep') THEN 'on'"
		" WHEN t.desired_reason = 'none' THEN IF(t.billing = 'meter' AND t.desired = 'auto', 'auto', 'on') ELSE 'off' END"),
	CHECK("work_is_what_differs", ALONG_POINT,
		"SELECT " POINT TEXT("p.pending") " AS have, CONCAT(p.observed, ' to ', p.desired) AS want FROM supply_point p"
		" WHERE p.id > ? AND p.id <= ? AND p.pending <> (p.switchable AND p.observed IN ('on', 'off') AND p.desired <>"
		" 'auto' AND p.desired <> p.observed)"),
	CHECK("billing_of_supply_is_its_meters", ALONG_METER,
		"SELECT CONCAT('meter:', m.id) AS object, m.billing AS have, p.billing AS want FROM meter m JOIN supply_point p"
		" ON p.id = m.supply_point_id WHERE m.id > ? AND m.id <= ? AND (m.billing <> p.billing OR m.utility <>"
		" p.utility)"),
	CHECK("meter_of_credit_has_its_credit", ALONG_METER,
		"SELECT CONCAT('meter:', m.id) AS object, m.billing AS have, 'a row of meter_credit' AS want FROM meter m"
		" WHERE m.id > ? AND m.id <= ? AND m.billing = 'meter' AND NOT EXISTS (SELECT 1 FROM meter_credit c WHERE"
		" c.meter_id = m.id) AND EXISTS (SELECT 1 FROM audit u WHERE u.object = CONCAT('meter:', m.id) AND u.action ="
		" 'meter.billing')"),
};
/* clang-format on */

enum err verify_supply(struct db *db, json_t *findings)
{
	return checks_run(db, checks, ARRAY_LEN(checks), findings);
}
