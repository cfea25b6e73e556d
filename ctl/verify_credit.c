/* Credit in the meter: purchases on their way, and what the books hold for each meter. */
#include "ctl/verify_list.h"

/* clang-format off */
#define PURCHASE "CONCAT('purchase:', c.id) AS object, "
#define CREDIT "CONCAT('meter_credit:', c.meter_id) AS object, "
#define OF_METER "CONCAT('meter_credit:', c.meter_id)"

static const struct check checks[] = {
	CHECK("purchase_has_its_entry", ALONG_PURCHASE,
		"SELECT " PURCHASE TEXT(SUM_OF("c.entry_id", "c.account_id")) " AS have, " TEXT("-c.worth_nano") " AS want"
		" FROM purchase c LEFT JOIN entry e ON e.id = c.entry_id WHERE c.id > ? AND c.id <= ? AND (e.id IS NULL OR"
		" e.kind <> 'purchase' OR e.once_key <> c.once_key OR e.reference <> CONCAT('meter:', c.meter_id)"
		" OR e.created_at <> c.created_at OR " SUM_OF("c.entry_id", "c.account_id") " <> -c.worth_nano OR "
		SUM_OF_CODE("c.entry_id", "'meter_transit'") " <> c.worth_nano)"),
	CHECK("purchase_is_booked_as_it_ended", ALONG_PURCHASE,
		"SELECT " PURCHASE "CONCAT(c.state, ' ', COALESCE(e.kind, 'no entry')) AS have,"
		" CONCAT('purchase_', c.state) AS want FROM purchase c LEFT JOIN entry e ON e.id = c.end_entry_id"
		" WHERE c.id > ? AND c.id <= ? AND (IF(c.end_entry_id IS NULL, COALESCE(c.open_meter, 0) <> c.meter_id,"
		" c.open_meter IS NOT NULL) OR c.end_entry_id IS NOT NULL AND (e.id IS NULL OR e.kind <>"
		" CONCAT('purchase_', c.state) OR e.once_key <> CONCAT(e.kind, ':', c.meter_id, ':', c.id) OR "
		SUM_OF_CODE("c.end_entry_id", "'meter_transit'") " <> -c.worth_nano OR IF(c.state = 'done', "
		SUM_OF_CODE("c.end_entry_id", OF_METER) ", " SUM_OF("c.end_entry_id", "c.account_id") ") <> c.worth_nano))"),
	CHECK("purchase_entry_has_its_purchase", ALONG_ENTRY,
		"SELECT CONCAT('entry:', e.id) AS object, 'no purchase' AS have, e.once_key AS want FROM entry e WHERE"
		" e.id > ? AND e.id <= ? AND (e.kind = 'purchase' AND NOT EXISTS (SELECT 1 FROM purchase c WHERE c.entry_id"
		" = e.id) OR e.kind IN ('purchase_done', 'purchase_failed') AND NOT EXISTS (SELECT 1 FROM purchase c WHERE"
		" c.end_entry_id = e.id))"),
	/* Whole thousandths of a unit at one price. */
	CHECK("purchase_is_worth_its_amount", ALONG_PURCHASE,
		"SELECT " PURCHASE TEXT("c.worth_nano") " AS have, CONCAT(c.amount_milli, ' times a price') AS want"
		" FROM purchase c JOIN meter_credit m ON m.meter_id = c.meter_id WHERE c.id > ? AND c.id <= ? AND"
		" (c.amount_milli <= 0 OR c.worth_nano MOD c.amount_milli <> 0 OR m.unit = 'yuan' AND c.worth_nano <>"
		" " DECIMAL("c.amount_milli") " * 1000000 AND (SELECT COUNT(*) FROM audit u WHERE u.object ="
		" CONCAT('meter:', c.meter_id) AND u.action = 'meter.billing') < 2)"),
	CHECK("purchase_is_of_a_holder_of_its_meter", ALONG_PURCHASE,
		"SELECT " PURCHASE "CONCAT('account:', c.account_id) AS have, 'a purse that pays for the meter' AS want"
		" FROM purchase c JOIN meter m ON m.id = c.meter_id WHERE c.id > ? AND c.id <= ? AND NOT EXISTS"
		" (SELECT 1 FROM contract_point h WHERE h.supply_point_id = m.supply_point_id AND h.account_id ="
		" c.account_id AND h.from_at <= c.created_at AND (h.to_at = 0 OR h.to_at > c.created_at))"),
	CHECK("credit_in_the_meter_is_posted", ALONG_METER,
		"SELECT " CREDIT TEXT("c.worth_nano") " AS have, " TEXT("COALESCE(SUM(p.amount_nano), 0)") " AS want"
		" FROM meter_credit c LEFT JOIN account a ON a.code = " OF_METER " LEFT JOIN posting p ON"
		" p.account_id = a.id WHERE c.meter_id > ? AND c.meter_id <= ? GROUP BY c.meter_id,"
		" c.worth_nano HAVING COALESCE(SUM(p.amount_nano), 0) <> c.worth_nano"),
	CHECK("credit_is_worth_what_remains", ALONG_METER,
		"SELECT " CREDIT TEXT("c.worth_nano") " AS have, " TEXT(DECIMAL("c.remaining_milli") " * 1000000") " AS want"
		" FROM meter_credit c WHERE c.meter_id > ? AND c.meter_id <= ? AND c.unit = 'yuan' AND c.worth_nano <> "
		DECIMAL("c.remaining_milli") " * 1000000"),
	/* Unless a person said otherwise since. */
	CHECK("credit_counts_its_purchases", ALONG_METER,
		"SELECT " CREDIT TEXT("c.count") " AS have, " TEXT("p.count") " AS want FROM meter_credit c JOIN purchase p"
		" ON p.id = (SELECT MAX(q.id) FROM purchase q WHERE q.meter_id = c.meter_id AND q.state = 'done' AND"
		" q.end_entry_id IS NOT NULL) WHERE c.meter_id > ? AND c.meter_id <= ? AND (c.count <> p.count OR c.fresh)"
		" AND NOT EXISTS (SELECT 1 FROM audit u WHERE u.object = CONCAT('meter:', c.meter_id) AND u.action IN"
		" ('meter.credit_decide', 'meter.billing') AND u.at >= p.ended_at)"),
	CHECK("meter_entry_is_of_its_meter", ALONG_ENTRY,
		"SELECT CONCAT('entry:', e.id) AS object, a.code AS have, e.reference AS want FROM entry e"
		" JOIN posting p ON p.entry_id = e.id JOIN account a ON a.id = p.account_id AND a.kind = 'meter_credit'"
		" WHERE e.id > ? AND e.id <= ? AND e.kind <> 'reversal' AND a.code <> CONCAT('meter_credit:',"
		" SUBSTRING_INDEX(e.reference, ':', -1))"),
	CHECK("use_of_credit_is_of_its_utility", ALONG_ENTRY,
		"SELECT CONCAT('entry:', e.id) AS object, a.kind AS have, m.utility AS want FROM entry e"
		" JOIN posting p ON p.entry_id = e.id JOIN account a ON a.id = p.account_id AND a.kind IN ('energy', 'water')"
		" JOIN meter m ON e.reference = CONCAT('meter:', m.id) WHERE e.id > ? AND e.id <= ? AND e.kind = 'meter_use'"
		" AND a.kind <> IF(m.utility = 'water', 'water', 'energy')"),
};
/* clang-format on */

enum err verify_credit(struct db *db, json_t *findings)
{
	return checks_run(db, checks, ARRAY_LEN(checks), findings);
}
