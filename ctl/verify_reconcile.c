/* The services' bills: kept whole, each row booked or among the differences, each difference that
 * is resolved with the entry that its resolution takes, fees as billed, payouts with their entries.
 */
#include "ctl/verify_list.h"

/* clang-format off */
#define ENTRY "CONCAT('entry:', e.id) AS object, "
#define BILL "CONCAT('reconciliation:', r.id) AS object, "
#define ROW "CONCAT('bill_row:', b.id) AS object, "
#define DIFFERENCE "CONCAT('bill_difference:', d.id) AS object, "
#define PAYOUT "CONCAT('service_payout:', s.id) AS object, "
/* What clearing lacks by the bill, in nano-yuan; refunds count the other way. */
#define SURPLUS \
	"IF(d.kind LIKE 'refund%' OR d.out_refund_no <> '', -1, 1) * (d.bill_fen - d.book_fen) * " FEN_NANO
#define CLEARING(service) "CONCAT('clearing:', " service ")"
#define BEIJING_DAY(ms) "DATE(FROM_UNIXTIME((" ms " + 28800000) DIV 1000))"
#define OF_NEWEST "FROM reconciliation r JOIN bill_row b ON b.reconciliation_id = r.id AND b.revision = r.revision"

static const struct check bills[] = {
	CHECK("bill_is_the_sum_of_its_rows", ALONG_BILL,
		"SELECT " BILL "CONCAT_WS(' ', COUNT(b.id), SUM(IF(b.refund, 0, b.amount_fen)), SUM(IF(b.refund, b.amount_fen, 0)),"
		" SUM(b.fee_nano)) AS have, CONCAT_WS(' ', r.rows_n, r.paid_fen, r.refunded_fen, r.fee_nano) AS want FROM reconciliation r"
		" LEFT JOIN bill_row b ON b.reconciliation_id = r.id AND b.revision = r.revision WHERE r.id > ? AND r.id <= ?"
		" GROUP BY r.id, r.rows_n, r.paid_fen, r.refunded_fen, r.fee_nano HAVING COUNT(b.id) <> r.rows_n OR COALESCE(SUM(IF(b.refund, 0, b.amount_fen)), 0) <> r.paid_fen"
		" OR COALESCE(SUM(IF(b.refund, b.amount_fen, 0)), 0) <> r.refunded_fen OR COALESCE(SUM(b.fee_nano), 0) <> r.fee_nano"
		" OR COALESCE(MAX(b.line), 0) <> r.rows_n"),
	CHECK("bill_state_is_of_its_differences", ALONG_BILL,
		"SELECT " BILL "CONCAT(r.state, ' ', r.unresolved) AS have, " TEXT("COALESCE(SUM(d.state <> 'resolved'), 0)") " AS want"
		" FROM reconciliation r LEFT JOIN bill_difference d ON d.reconciliation_id = r.id WHERE r.id > ? AND r.id <= ?"
		" GROUP BY r.id, r.state, r.unresolved, r.revision, r.late HAVING r.unresolved <> COALESCE(SUM(d.state <> 'resolved'), 0) OR r.state <> CASE WHEN r.revision = 0"
		" THEN 'waiting' WHEN r.unresolved > 0 THEN 'differs' WHEN r.late > 0 THEN 'fetched' WHEN COUNT(d.id) > 0 THEN"
		" 'resolved' ELSE 'ties' END"),
	/* A bill that is still the first one has its whole fee booked, or none yet. */
	CHECK("fee_is_booked_as_billed", ALONG_BILL,
		"SELECT " BILL TEXT("r.fee_booked_nano") " AS have, " TEXT("COALESCE(SUM(p.amount_nano), 0)") " AS want FROM"
		" reconciliation r LEFT JOIN (entry e JOIN posting p ON p.entry_id = e.id JOIN account a ON a.id = p.account_id AND"
		" a.kind = 'clearing') ON e.kind = 'channel_fee' AND e.reference = CONCAT('reconciliation:', r.id) AND e.once_key LIKE"
		" CONCAT('fee:', r.service, ':', r.day, '%') AND a.code = " CLEARING("r.service") " WHERE r.id > ? AND r.id <= ?"
		" GROUP BY r.id, r.fee_booked_nano, r.fee_nano, r.revision HAVING r.fee_booked_nano <> COALESCE(SUM(p.amount_nano), 0) OR r.revision < 2 AND"
		" r.fee_booked_nano NOT IN (0, r.fee_nano)"),
	CHECK("fee_entry_has_its_bill", ALONG_ENTRY,
		"SELECT " ENTRY "e.reference AS have, 'a bill of its day' AS want FROM entry e WHERE e.kind = 'channel_fee' AND e.id > ?"
		" AND e.id <= ? AND NOT EXISTS (SELECT 1 FROM reconciliation r WHERE e.reference = CONCAT('reconciliation:', r.id) AND"
		" (e.once_key = CONCAT('fee:', r.service, ':', r.day) OR e.once_key LIKE CONCAT('fee:', r.service, ':', r.day, ':%')))"),
	CHECK("billed_payment_is_booked_or_differs", ALONG_BILL,
		"SELECT " ROW "COALESCE(" TEXT("-" SUM_OF_CODE("e.id", CLEARING("r.service"))) ", 'no entry') AS have, "
		TEXT("b.amount_fen * " FEN_NANO) " AS want " OF_NEWEST " LEFT JOIN entry e ON e.once_key = CONCAT('recharge:', r.service,"
		" ':', b.transaction_id) WHERE r.id > ? AND r.id <= ? AND NOT b.refund AND (e.id IS NULL OR -"
		SUM_OF_CODE("e.id", CLEARING("r.service")) " <> b.amount_fen * " FEN_NANO ") AND NOT EXISTS (SELECT 1 FROM"
		" bill_difference d WHERE d.reconciliation_id = r.id AND d.transaction_id = b.transaction_id AND d.bill_fen ="
		" b.amount_fen AND d.action <> 'found')"),
	CHECK("billed_refund_is_booked_or_differs", ALONG_BILL,
		"SELECT " ROW "COALESCE(" TEXT("f.amount_fen") ", 'no refund') AS have, " TEXT("b.amount_fen") " AS want " OF_NEWEST
		" LEFT JOIN refund f ON f.out_refund_no = b.out_refund_no AND f.method = 'service' WHERE r.id > ? AND r.id <= ? AND"
		" b.refund AND b.state NOT IN ('FAIL', 'CLOSED', 'ABNORMAL', 'CHANGE') AND (f.id IS NULL OR f.amount_fen <>"
		" b.amount_fen) AND NOT EXISTS (SELECT 1 FROM bill_difference d WHERE d.reconciliation_id = r.id AND d.out_refund_no ="
		" b.out_refund_no AND d.bill_fen = b.amount_fen AND d.action <> 'found')"),
	/* Once both bills that may have it are there, and nothing of its day is open. */
	CHECK("booked_payment_is_on_a_bill", ALONG_ORDER,
		"SELECT CONCAT('order:', o.id) AS object, 'on no bill' AS have, CONCAT(o.service, ' ', r.day) AS want FROM pay_order o"
		" JOIN reconciliation r ON r.service = o.service AND r.day = " BEIJING_DAY("o.paid_at") " AND r.state IN ('ties',"
		" 'resolved') JOIN reconciliation n ON n.service = o.service AND n.day = r.day + INTERVAL 1 DAY AND n.revision > 0"
		" WHERE o.state = 'paid' AND o.id > ? AND o.id <= ? AND NOT EXISTS (SELECT 1 FROM bill_row b JOIN reconciliation x ON"
		" x.id = b.reconciliation_id AND x.revision = b.revision AND x.service = o.service WHERE b.transaction_id ="
		" o.transaction_id AND NOT b.refund) AND NOT EXISTS (SELECT 1 FROM bill_difference d WHERE d.kind = 'missing_there' AND"
		" d.entry_id = o.entry_id AND d.action <> 'found')"),
};

static const struct check differences[] = {
	CHECK("resolved_difference_has_its_entry", ALONG_DIFFERENCE,
		"SELECT " DIFFERENCE "COALESCE(CONCAT(e.kind, ' ', e.reference), 'no entry') AS have, CONCAT(d.state, ' ', d.action) AS"
		" want FROM bill_difference d JOIN reconciliation r ON r.id = d.reconciliation_id LEFT JOIN entry e ON e.id ="
		" d.resolution_id WHERE d.id > ? AND d.id <= ? AND NOT CASE WHEN d.state <> 'resolved' THEN d.resolution_id IS NULL"
		" AND d.action IN ('', 'wait') AND d.resolved_at = 0 WHEN d.actor = '' OR d.resolved_at < d.found_at THEN 0"
		" WHEN d.action IN ('found', 'accept') THEN d.resolution_id IS NULL WHEN e.id IS NULL THEN 0 WHEN d.action = 'credit'"
		" THEN e.kind IN ('recharge', 'suspense') AND e.once_key = CONCAT('recharge:', r.service, ':', d.transaction_id)"
		" WHEN e.created_at <> d.resolved_at OR e.actor <> d.actor THEN 0 WHEN d.action = 'suspense' THEN IF(d.kind IN"
		" ('missing_here', 'second') AND d.transaction_id <> '', e.kind = 'suspense' AND e.once_key = CONCAT('recharge:',"
		" r.service, ':', d.transaction_id) AND EXISTS (SELECT 1 FROM pay_unmatched u WHERE u.suspense_entry_id = e.id AND"
		" u.service = r.service AND u.transaction_id = d.transaction_id AND u.amount_fen = d.bill_fen),"
		" e.kind = 'bill_adjust') AND e.reference = CONCAT('difference:', d.id) AND " SUM_OF_CODE("e.id", "'suspense'") " = " SURPLUS " AND "
		SUM_OF_CODE("e.id", CLEARING("r.service")) " = -(" SURPLUS ") WHEN d.action = 'charge' THEN e.kind = 'bill_refund' AND"
		" e.reference = CONCAT('difference:', d.id) AND " SUM_OF_CODE("e.id", CLEARING("r.service")) " = (d.bill_fen -"
		" d.book_fen) * " FEN_NANO " WHEN d.action = 'reverse' THEN EXISTS (SELECT 1 FROM reversal v WHERE v.entry_id ="
		" d.entry_id AND v.reversal_id = e.id) ELSE 0 END"),
	CHECK("difference_is_of_its_bill", ALONG_DIFFERENCE,
		"SELECT " DIFFERENCE "COALESCE(CONCAT(b.reconciliation_id, ' ', b.amount_fen), 'no row') AS have, CONCAT(d.reconciliation_id,"
		" ' ', d.bill_fen) AS want FROM bill_difference d LEFT JOIN bill_row b ON b.id = d.bill_row_id WHERE d.id > ? AND"
		" d.id <= ? AND IF(d.bill_row_id IS NULL, d.kind NOT LIKE '%missing_there' OR d.bill_fen <> 0, b.id IS NULL OR"
		" b.reconciliation_id <> d.reconciliation_id OR d.bill_fen NOT IN (b.amount_fen, IF(d.kind = 'refund_state', 0,"
		" b.amount_fen)) OR b.transaction_id <> d.transaction_id OR b.out_refund_no <> d.out_refund_no)"),
	CHECK("difference_of_two_was_approved", ALONG_DIFFERENCE,
		"SELECT " DIFFERENCE "'not approved' AS have, d.action AS want FROM bill_difference d WHERE d.id > ? AND d.id <= ? AND"
		" d.state = 'resolved' AND d.action IN ('reverse', 'charge') AND NOT EXISTS (SELECT 1 FROM approval v WHERE v.kind ="
		" 'reconciliation' AND v.object = CONCAT('difference:', d.id) AND v.state = 'approved' AND JSON_VALUE(v.params, '$.action')"
		" = d.action AND d.actor = CONCAT('user:', v.asked_by) AND v.decided_at = d.resolved_at)"),
	CHECK("resolution_is_in_the_audit", ALONG_DIFFERENCE,
		"SELECT " DIFFERENCE "'no record' AS have, CONCAT(d.action, ' by ', d.actor) AS want FROM bill_difference d WHERE d.id > ?"
		" AND d.id <= ? AND d.state = 'resolved' AND d.action <> 'found' AND NOT EXISTS (SELECT 1 FROM audit u WHERE u.object ="
		" CONCAT('difference:', d.id) AND u.action = 'reconciliation.resolve' AND u.actor = d.actor AND u.at = d.resolved_at AND"
		" JSON_VALUE(u.detail, '$.action') = d.action)"),
	CHECK("bill_entry_has_its_difference", ALONG_ENTRY,
		"SELECT " ENTRY "e.reference AS have, 'a difference that it resolved' AS want FROM entry e WHERE e.kind IN ('bill_adjust',"
		" 'bill_refund') AND e.id > ? AND e.id <= ? AND NOT EXISTS (SELECT 1 FROM bill_difference d WHERE d.resolution_id = e.id"
		" AND e.reference = CONCAT('difference:', d.id))"),
};

static const struct check payouts[] = {
	CHECK("payout_has_its_entry", ALONG_PAYOUT,
		"SELECT " PAYOUT "COALESCE(" TEXT(SUM_OF_CODE("e.id", CLEARING("s.service"))) ", 'no entry') AS have, "
		TEXT("s.amount_fen * " FEN_NANO) " AS want FROM service_payout s LEFT JOIN entry e ON e.id = s.entry_id AND e.kind ="
		" 'service_payout' AND e.once_key = s.once_key AND e.created_at = s.created_at AND e.actor = s.actor AND e.reference ="
		" s.document WHERE s.id > ? AND s.id <= ? AND (e.id IS NULL OR " SUM_OF_CODE("e.id", CLEARING("s.service"))
		" <> s.amount_fen * " FEN_NANO ")"),
	CHECK("payout_entry_has_its_payout", ALONG_ENTRY,
		"SELECT " ENTRY "'no payout' AS have, e.reference AS want FROM entry e WHERE e.kind = 'service_payout' AND e.id > ? AND"
		" e.id <= ? AND NOT EXISTS (SELECT 1 FROM service_payout s WHERE s.entry_id = e.id)"),
};
/* clang-format on */

enum err verify_reconcile(struct db *db, json_t *findings)
{
	enum err e = checks_run(db, bills, ARRAY_LEN(bills), findings);

	if (e == ERR_OK)
		e = checks_run(db, differences, ARRAY_LEN(differences), findings);
	return e == ERR_OK ? checks_run(db, payouts, ARRAY_LEN(payouts), findings) : e;
}
