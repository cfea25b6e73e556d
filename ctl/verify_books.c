/* The books themselves: entries, postings, accounts, and what kinds of entries move money between
 * which accounts. */
#include "ctl/verify_list.h"

/* clang-format off */
/* Which kinds of accounts an entry of a kind moves money between. */
#define KIND_FITS \
	"CASE COALESCE(x.kind, e.kind) WHEN 'recharge' THEN 'clearing,purse,debt'" \
	" WHEN 'suspense' THEN 'clearing,suspense' WHEN 'found' THEN 'suspense,purse'" \
	" WHEN 'sale' THEN 'drawer,clearing,bank,purse,debt,service'" \
	" WHEN 'shift' THEN 'drawer,bank,over_short' WHEN 'opening' THEN 'opening,purse'" \
	" WHEN 'energy' THEN 'energy,purse' WHEN 'water' THEN 'water,purse'" \
	" WHEN 'late_charge' THEN 'energy,water,purse' WHEN 'refund' THEN 'purse,suspense,refund_due'" \
	" WHEN 'refund_paid' THEN 'refund_due,drawer,bank,clearing'" \
	" WHEN 'subsidy' THEN 'subsidy,purse' WHEN 'allowance' THEN 'subsidy,purse'" \
	" WHEN 'subsidy_back' THEN 'subsidy,purse' WHEN 'write_off' THEN 'write_off,purse'" \
	" WHEN 'correction' THEN 'energy,water,property_fee,purse'" \
	" WHEN 'deposit_in' THEN 'bank,deposit' WHEN 'deposit_out' THEN 'deposit,purse'" \
	" WHEN 'transfer' THEN 'purse' WHEN 'debt' THEN 'debt,purse'" \
	" WHEN 'purchase' THEN 'purse,meter_transit'" \
	" WHEN 'purchase_done' THEN 'meter_transit,meter_credit'" \
	" WHEN 'purchase_failed' THEN 'meter_transit,purse'" \
	" WHEN 'meter_use' THEN 'meter_credit,energy,water'" \
	" WHEN 'meter_return' THEN 'meter_credit,purse'" \
	" WHEN 'property_fee' THEN 'property_fee,purse' WHEN 'rent' THEN 'rent,purse'" \
	" WHEN 'fee' THEN 'property_fee,rent,purse' WHEN 'share' THEN 'share,purse,debt'" \
	" WHEN 'closing' THEN 'deposit,purse,debt'" \
	" WHEN 'payout' THEN 'purse,refund_due,drawer,bank,rounding'" \
	" WHEN 'bill_adjust' THEN 'clearing,suspense' WHEN 'bill_refund' THEN 'purse,clearing'" \
	" WHEN 'channel_fee' THEN 'channel_fee,clearing' WHEN 'service_payout' THEN 'bank,clearing' ELSE '' END"
#define REVERSED \
	" LEFT JOIN reversal r ON r.reversal_id = e.id LEFT JOIN entry x ON x.id = r.entry_id"
#define ENTRY "CONCAT('entry:', e.id) AS object, "
#define ACCOUNT "CONCAT('account:', a.id) AS object, "
#define IN_SUSPENSE \
	HELD("a.id") " - COALESCE((SELECT SUM(pb.amount_nano) FROM posting pb JOIN entry eb ON eb.id = pb.entry_id" \
	" LEFT JOIN reversal rb ON rb.reversal_id = eb.id LEFT JOIN entry xb ON xb.id = rb.entry_id" \
	" WHERE pb.account_id = a.id AND 'bill_adjust' IN (eb.kind, xb.kind)), 0)"
/* The number in the code of a company account: "debt:7". */
#define CODE_ID "CAST(SUBSTRING_INDEX(a.code, ':', -1) AS UNSIGNED)"

/* Payments in suspense that nobody has moved on. */
#define SUSPENDED \
	"COALESCE((SELECT SUM(u.amount_fen) FROM pay_unmatched u WHERE u.suspense_entry_id IS NOT NULL AND" \
	" u.state = 'open'), 0) * " FEN_NANO

static const struct check checks[] = {
	CHECK("entry_sums_to_zero", ALONG_ENTRY,
		"SELECT " ENTRY TEXT("COALESCE(SUM(p.amount_nano), 0)") " AS have, '0' AS want FROM entry e"
		" LEFT JOIN posting p ON p.entry_id = e.id WHERE e.id > ? AND e.id <= ? GROUP BY e.id"
		" HAVING COALESCE(SUM(p.amount_nano), 0) <> 0 OR COUNT(p.line) < 2"),
	CHECK("postings_are_numbered", ALONG_ENTRY,
		"SELECT " ENTRY TEXT("MAX(p.line)") " AS have, " TEXT("COUNT(p.line)") " AS want FROM entry e"
		" JOIN posting p ON p.entry_id = e.id WHERE e.id > ? AND e.id <= ? GROUP BY e.id"
		" HAVING MIN(p.line) <> 1 OR MAX(p.line) <> COUNT(p.line)"),
	CHECK("posting_fits_its_kind", ALONG_ENTRY,
		"SELECT " ENTRY "CONCAT(e.kind, ' on ', a.kind) AS have, " KIND_FITS " AS want FROM entry e"
		REVERSED " JOIN posting p ON p.entry_id = e.id JOIN account a ON a.id = p.account_id"
		" WHERE e.id > ? AND e.id <= ? AND FIND_IN_SET(a.kind, " KIND_FITS ") = 0"),
	CHECK("posting_has_its_account", ALONG_ENTRY,
		"SELECT " ENTRY "CONCAT('account:', p.account_id) AS have, 'an account' AS want FROM entry e"
		" JOIN posting p ON p.entry_id = e.id LEFT JOIN account a ON a.id = p.account_id"
		" WHERE e.id > ? AND e.id <= ? AND a.id IS NULL"),
	CHECK("entry_is_of_the_site_of_its_purse", ALONG_ENTRY,
		"SELECT " ENTRY TEXT("e.site_id") " AS have, " TEXT("t.site_id") " AS want FROM entry e"
		" JOIN posting p ON p.entry_id = e.id JOIN account a ON a.id = p.account_id AND a.kind = 'purse'"
		" JOIN contract c ON c.id = a.contract_id JOIN tenant t ON t.id = c.tenant_id"
		" WHERE e.id > ? AND e.id <= ? AND t.site_id <> e.site_id"),
	/* The charges of a day are booked later, on purpose; all else on its local day. */
	CHECK("entry_is_booked_on_its_day", ALONG_ENTRY,
		"SELECT " ENTRY TEXT("e.book_day") " AS have, " TEXT("DATE(FROM_UNIXTIME(e.created_at DIV 1000))")
		" AS want FROM entry e WHERE e.id > ? AND e.id <= ? AND e.once_key NOT LIKE 'day:%'"
		" AND ABS(DATEDIFF(e.book_day, FROM_UNIXTIME(e.created_at DIV 1000))) > 1"),
	/* Debt and deposit of a contract move with a purse of that contract. */
	CHECK("contract_account_goes_with_its_purse", ALONG_ENTRY,
		"SELECT " ENTRY "a.code AS have, 'that of the contract of a purse in it' AS want FROM entry e"
		" JOIN posting p ON p.entry_id = e.id JOIN account a ON a.id = p.account_id"
		" AND a.kind IN ('debt', 'deposit') WHERE e.id > ? AND e.id <= ? AND NOT EXISTS (SELECT 1 FROM"
		" account w WHERE w.kind = 'purse' AND w.contract_id = " CODE_ID " AND (e.reference ="
		" CONCAT('account:', w.id) OR w.id IN (SELECT q.account_id FROM posting q WHERE q.entry_id = e.id)"
		" OR e.kind = 'share'))"),
	CHECK("adjustment_names_its_account", ALONG_ENTRY,
		"SELECT " ENTRY "e.reference AS have, 'a purse in it' AS want FROM entry e WHERE e.id > ? AND"
		" e.id <= ? AND e.kind IN ('subsidy', 'write_off', 'correction', 'debt', 'deposit_out', 'transfer')"
		" AND NOT EXISTS (SELECT 1 FROM posting p WHERE p.entry_id = e.id AND e.reference ="
		" CONCAT('account:', p.account_id))"),
	CHECK("adjustment_is_in_the_audit", ALONG_ENTRY,
		"SELECT " ENTRY "'no record' AS have, e.reference AS want FROM entry e WHERE e.id > ? AND e.id <= ?"
		" AND e.kind IN ('subsidy', 'write_off', 'correction', 'debt', 'deposit_in', 'deposit_out', 'transfer')"
		" AND NOT EXISTS (SELECT 1 FROM audit u WHERE u.object = e.reference AND u.action = 'adjustment.create'"
		" AND JSON_VALUE(u.detail, '$.entry') = e.id AND JSON_VALUE(u.detail, '$.kind') = e.kind)"),
	CHECK("allowance_is_of_its_contract", ALONG_ENTRY,
		"SELECT " ENTRY "e.once_key AS have, e.reference AS want FROM entry e WHERE e.id > ? AND e.id <= ?"
		" AND e.kind = 'allowance' AND (e.once_key NOT IN (CONCAT('allowance:', SUBSTRING_INDEX(e.reference,"
		" ':', -1), ':', e.memo), CONCAT('allowance_end:', SUBSTRING_INDEX(e.reference, ':', -1), ':', e.memo))"
		" OR NOT EXISTS (SELECT 1 FROM posting p JOIN account a ON a.id = p.account_id WHERE p.entry_id = e.id"
		" AND a.kind = 'purse' AND e.reference = CONCAT('contract:', a.contract_id)))"),
	/* Where the agreement is not younger than the gift. */
	CHECK("allowance_is_worth_what_was_agreed", ALONG_CONTRACT,
		"SELECT CONCAT('contract_allowance:', w.contract_id) AS object, " TEXT(SUM_OF("e.id", "w.account_id")) " AS have, "
		TEXT(DECIMAL("w.amount_milli") " * w.price_micro") " AS want FROM contract_allowance w JOIN entry e ON e.once_key ="
		" CONCAT('allowance:', w.contract_id, ':', w.last_month) WHERE w.contract_id > ? AND w.contract_id <= ? AND NOT"
		" EXISTS (SELECT 1 FROM audit u WHERE u.object = CONCAT('contract:', w.contract_id) AND u.action ="
		" 'allowance.edit' AND u.at >= e.created_at) AND " SUM_OF("e.id", "w.account_id") " <> "
		DECIMAL("w.amount_milli") " * w.price_micro"),
	CHECK("balance_is_postings_minus_open_charges", ALONG_ACCOUNT,
		"SELECT CONCAT('account:', t.id) AS object, " TEXT("t.balance_nano") " AS have, " TEXT("t.want")
		" AS want FROM (SELECT a.id, a.balance_nano, " HELD("a.id")
		" - COALESCE((SELECT SUM(u.charge_nano) FROM usage_day u WHERE u.account_id = a.id"
		" AND u.sealed = 0), 0) AS want FROM account a WHERE a.kind = 'purse' AND a.id > ?"
		" AND a.id <= ?) t WHERE t.balance_nano <> t.want"),
	CHECK("company_account_keeps_no_balance", ALONG_ACCOUNT,
		"SELECT " ACCOUNT TEXT("a.balance_nano") " AS have, '0' AS want FROM account a WHERE a.kind <> 'purse'"
		" AND (a.balance_nano <> 0 OR a.subsidy_nano <> 0 OR a.contract_id IS NOT NULL OR a.purpose <> '' OR"
		" a.level <> 'ok' OR a.credit_limit_nano <> 0 OR a.emergency_limit_nano <> 0 OR a.emergency_at <> 0) AND a.id > ? AND a.id <= ?"),
	CHECK("account_is_named_by_its_kind", ALONG_ACCOUNT,
		"SELECT " ACCOUNT "a.code AS have, IF(a.kind = 'purse',"
		" CONCAT('purse:', COALESCE(a.contract_id, ''), ':', a.purpose), a.kind) AS want FROM account a"
		" WHERE a.id > ? AND a.id <= ? AND (a.kind = 'purse' AND (a.contract_id IS NULL OR a.code <>"
		" CONCAT('purse:', a.contract_id, ':', a.purpose)) OR a.kind <> 'purse' AND"
		" SUBSTRING_INDEX(a.code, ':', 1) <> a.kind)"),
	CHECK("company_account_is_of_something", ALONG_ACCOUNT,
		"SELECT " ACCOUNT "a.code AS have, 'what it is named after' AS want FROM account a WHERE a.id > ? AND"
		" a.id <= ? AND EXISTS (SELECT 1 FROM posting p WHERE p.account_id = a.id) AND CASE a.kind WHEN 'drawer' THEN NOT EXISTS (SELECT 1 FROM shift h WHERE h.id = " CODE_ID ")"
		" WHEN 'meter_credit' THEN NOT EXISTS (SELECT 1 FROM meter_credit m WHERE m.meter_id = " CODE_ID ")"
		" WHEN 'debt' THEN NOT EXISTS (SELECT 1 FROM contract c WHERE c.id = " CODE_ID ")"
		" WHEN 'deposit' THEN NOT EXISTS (SELECT 1 FROM contract c WHERE c.id = " CODE_ID ") ELSE 0 END"),
	CHECK("deposit_is_not_overdrawn", ALONG_ACCOUNT,
		"SELECT " ACCOUNT TEXT(HELD("a.id")) " AS have, '0 or more' AS want FROM account a"
		" WHERE a.kind = 'deposit' AND a.id > ? AND a.id <= ? AND " HELD("a.id") " < 0"),
	/* What is on its way lies in one account, and each part of it has a row that says why. */
	CHECK("refund_due_is_of_open_refunds", ALONG_ACCOUNT,
		"SELECT " ACCOUNT TEXT(HELD("a.id")) " AS have, " TEXT("COALESCE((SELECT SUM(f.amount_fen) FROM refund f"
		" WHERE f.state NOT IN ('done', 'failed')), 0) * " FEN_NANO) " AS want FROM account a WHERE a.code ="
		" 'refund_due' AND a.id > ? AND a.id <= ? AND " HELD("a.id") " <> COALESCE((SELECT SUM(f.amount_fen)"
		" FROM refund f WHERE f.state NOT IN ('done', 'failed')), 0) * " FEN_NANO),
	CHECK("meter_transit_is_of_open_purchases", ALONG_ACCOUNT,
		"SELECT " ACCOUNT TEXT(HELD("a.id")) " AS have, " TEXT("COALESCE((SELECT SUM(c.worth_nano) FROM purchase c"
		" WHERE c.end_entry_id IS NULL), 0)") " AS want FROM account a WHERE a.code = 'meter_transit' AND a.id > ?"
		" AND a.id <= ? AND " HELD("a.id") " <> COALESCE((SELECT SUM(c.worth_nano) FROM purchase c"
		" WHERE c.end_entry_id IS NULL), 0)"),
	/* Besides these: what bills had and the books had not, and mirrors, each with a check of its own. */
	CHECK("suspense_is_of_second_payments", ALONG_ACCOUNT,
		"SELECT " ACCOUNT TEXT(IN_SUSPENSE) " AS have, " TEXT(SUSPENDED) " AS want FROM account a WHERE a.code ="
		" 'suspense' AND a.id > ? AND a.id <= ? AND " IN_SUSPENSE " <> " SUSPENDED),
	CHECK("recharge_block_is_as_set", ALONG_ACCOUNT,
		"SELECT " ACCOUNT "IF(b.account_id IS NULL, 'takes recharges', 'blocked') AS have, COALESCE(u.detail, 'never"
		" blocked') AS want FROM account a LEFT JOIN recharge_block b ON b.account_id = a.id LEFT JOIN audit u ON"
		" u.id = (SELECT MAX(v.id) FROM audit v WHERE v.object = CONCAT('account:', a.id) AND v.action ="
		" 'account.recharge_block') WHERE a.id > ? AND a.id <= ? AND ((b.account_id IS NOT NULL) <>"
		" COALESCE(JSON_EXTRACT(u.detail, '$.blocked') = TRUE, 0) OR b.set_at <> u.at OR b.actor <> u.actor)"),
	/* Limits have no other record than who set them last. */
	CHECK("limits_are_as_set", ALONG_ACCOUNT,
		"SELECT " ACCOUNT "CONCAT(a.credit_limit_nano, ' ', a.emergency_limit_nano) AS have,"
		" CONCAT(JSON_VALUE(u.detail, '$.credit_limit_nano'), ' ', JSON_VALUE(u.detail, '$.emergency_limit_nano'))"
		" AS want FROM account a JOIN audit u ON u.id = (SELECT MAX(v.id) FROM audit v WHERE v.object ="
		" CONCAT('account:', a.id) AND v.action = 'account.limits') WHERE a.id > ? AND a.id <= ? AND"
		" (a.credit_limit_nano <> JSON_VALUE(u.detail, '$.credit_limit_nano') OR a.emergency_limit_nano <>"
		" JSON_VALUE(u.detail, '$.emergency_limit_nano'))"),
	CHECK("subsidy_is_not_negative", ALONG_ACCOUNT,
		"SELECT " ACCOUNT "CONCAT(a.allowance_nano, ' of ', a.subsidy_nano) AS have, 'allowance in subsidy' AS want"
		" FROM account a WHERE a.id > ? AND a.id <= ? AND (a.allowance_nano < 0 OR a.subsidy_nano < a.allowance_nano)"),
};
/* clang-format on */

enum err verify_books(struct db *db, json_t *findings)
{
	return checks_run(db, checks, ARRAY_LEN(checks), findings);
}
