/* Money that comes in and goes out: orders, the desk, refunds, reversals, and who approved. */
#include "ctl/verify_list.h"

/* clang-format off */
#define ENTRY "CONCAT('entry:', e.id) AS object, "
#define ORDER_OBJECT "CONCAT('order:', o.id) AS object, "
#define SALE "CONCAT('sale:', s.id) AS object, "
#define REFUND "CONCAT('refund:', r.id) AS object, "
#define APPROVAL "CONCAT('approval:', v.id) AS object, "
#define KEY_OF_ORDER "CONCAT('recharge:', o.service, ':', COALESCE(o.transaction_id, ''))"
/* Where the money of a sale went. */
#define SALE_MONEY \
	"CASE s.method WHEN 'cash' THEN CONCAT('drawer:', s.shift_id) WHEN 'pos' THEN" \
	" 'clearing:pos' ELSE 'bank' END"
/* Where a refund left from: every account that its method may use. */
#define REFUND_WAY \
	"CASE WHEN r.method = 'cash' THEN a.kind = 'drawer' WHEN r.service = '' THEN a.code =" \
	" 'bank' ELSE a.code = CONCAT('clearing:', r.service) END"
/* Where it came from: the purse, or suspense. */
#define REFUND_SOURCE \
	"IF(r.unmatched_id IS NULL, " SUM_OF("r.entry_id", "r.account_id") ", " SUM_OF_CODE("r.entry_id", "'suspense'") ")"

static const struct check orders[] = {
	CHECK("paid_order_has_its_entry", ALONG_ORDER,
		"SELECT " ORDER_OBJECT "COALESCE(" TEXT("SUM(p.amount_nano)") ", 'no entry') AS have, "
		TEXT("o.amount_fen * " FEN_NANO) " AS want FROM pay_order o LEFT JOIN posting p ON p.entry_id = o.entry_id"
		" AND (p.account_id = o.account_id OR p.account_id IN (SELECT id FROM account WHERE kind = 'debt'))"
		" WHERE o.state = 'paid' AND o.id > ? AND o.id <= ? GROUP BY o.id, o.amount_fen"
		" HAVING COALESCE(SUM(p.amount_nano), 0) <> o.amount_fen * " FEN_NANO),
	CHECK("order_is_paid_once", ALONG_ORDER,
		"SELECT " ORDER_OBJECT "COALESCE(e.once_key, o.state) AS have, " KEY_OF_ORDER " AS want"
		" FROM pay_order o LEFT JOIN entry e ON e.id = o.entry_id WHERE o.id > ? AND o.id <= ?"
		" AND IF(o.state = 'paid', e.id IS NULL OR e.kind <> 'recharge' OR o.transaction_id IS NULL"
		" OR e.once_key <> " KEY_OF_ORDER " OR e.reference <> CONCAT('order:', o.id) OR e.memo <> o.out_trade_no,"
		" o.entry_id IS NOT NULL)"),
	CHECK("order_was_paid_through_its_service", ALONG_ORDER,
		"SELECT " ORDER_OBJECT "CONCAT(o.channel, ' ', o.service) AS have, CONCAT('clearing:', o.service) AS want"
		" FROM pay_order o WHERE o.id > ? AND o.id <= ? AND (o.channel NOT LIKE CONCAT(o.service, '%')"
		" OR o.state = 'paid' AND " SUM_OF_CODE("o.entry_id", "CONCAT('clearing:', o.service)")
		" <> -o.amount_fen * " FEN_NANO ")"),
	CHECK("order_times_are_of_its_state", ALONG_ORDER,
		"SELECT " ORDER_OBJECT "CONCAT(o.paid_at, ' ', o.credited_at, ' ', o.closed_at) AS have, o.state AS want"
		" FROM pay_order o LEFT JOIN entry e ON e.id = o.entry_id WHERE o.id > ? AND o.id <= ? AND CASE o.state"
		" WHEN 'paid' THEN o.paid_at = 0 OR o.credited_at <> COALESCE(e.created_at, 0)"
		"  OR (o.closed_at > 0) <> o.paid_after_close"
		" WHEN 'closed' THEN o.closed_at = 0 OR o.paid_at <> 0 OR o.credited_at <> 0"
		" ELSE o.closed_at <> 0 OR o.paid_at <> 0 OR o.credited_at <> 0 END"),
	CHECK("paid_order_was_told_of", ALONG_ORDER,
		"SELECT " ORDER_OBJECT "'nothing from the service' AS have, " KEY_OF_ORDER " AS want FROM pay_order o"
		" WHERE o.state = 'paid' AND o.id > ? AND o.id <= ? AND NOT EXISTS (SELECT 1 FROM pay_notify n WHERE"
		" n.out_trade_no = o.out_trade_no AND n.service = o.service AND n.transaction_id = o.transaction_id"
		" AND n.outcome = 'credited')"),
	CHECK("what_was_told_was_credited", ALONG_ORDER,
		"SELECT " ORDER_OBJECT "CONCAT(o.state, ' ', COALESCE(o.transaction_id, '')) AS have, CONCAT(n.outcome, ' ',"
		" n.transaction_id) AS want FROM pay_order o JOIN pay_notify n ON n.out_trade_no = o.out_trade_no AND n.service ="
		" o.service WHERE o.id > ? AND o.id <= ? AND (n.outcome = 'credited' AND (o.state <> 'paid' OR"
		" COALESCE(o.transaction_id, '') <> n.transaction_id) OR n.outcome = 'second_payment' AND NOT EXISTS (SELECT 1"
		" FROM entry e WHERE e.kind = 'suspense' AND e.once_key = CONCAT('recharge:', n.service, ':',"
		" n.transaction_id)))"),
	CHECK("recharge_entry_has_its_order", ALONG_ENTRY,
		"SELECT " ENTRY "e.reference AS have, 'a paid order' AS want"
		" FROM entry e LEFT JOIN pay_order o ON o.entry_id = e.id AND o.state = 'paid'"
		" WHERE e.kind = 'recharge' AND e.id > ? AND e.id <= ? AND o.id IS NULL"),
	CHECK("second_payment_has_its_order", ALONG_ENTRY,
		"SELECT " ENTRY TEXT(SUM_OF_CODE("e.id", "'suspense'")) " AS have, COALESCE(" TEXT("u.amount_fen * " FEN_NANO)
		", 'a payment') AS want FROM entry e LEFT JOIN pay_unmatched u ON u.suspense_entry_id = e.id AND e.memo ="
		" u.out_trade_no AND e.once_key = CONCAT('recharge:', u.service, ':', u.transaction_id) AND e.reference ="
		" IF(u.why = 'second_payment', CONCAT('order:', u.order_id), CONCAT('unmatched:', u.id))"
		" LEFT JOIN pay_order o ON o.id = u.order_id AND o.state = 'paid' AND e.once_key <> " KEY_OF_ORDER
		" WHERE e.kind = 'suspense' AND e.id > ? AND e.id <= ? AND NOT EXISTS (SELECT 1 FROM bill_difference d WHERE"
		" d.resolution_id = e.id AND d.action = 'suspense') AND (u.id IS NULL OR "
		SUM_OF_CODE("e.id", "'suspense'") " <> u.amount_fen * " FEN_NANO " OR "
		SUM_OF_CODE("e.id", "CONCAT('clearing:', u.service)") " <> -u.amount_fen * " FEN_NANO
		" OR u.why = 'second_payment' AND (o.id IS NULL OR u.amount_fen <> o.amount_fen OR NOT EXISTS (SELECT 1 FROM"
		" pay_notify n WHERE n.out_trade_no = u.out_trade_no AND n.outcome = 'second_payment' AND n.service ="
		" u.service AND n.transaction_id = u.transaction_id)))"),
	CHECK("found_payment_has_its_row", ALONG_ENTRY,
		"SELECT " ENTRY "'no payment' AS have, e.reference AS want FROM entry e WHERE e.kind = 'found' AND e.id > ?"
		" AND e.id <= ? AND NOT EXISTS (SELECT 1 FROM pay_unmatched u WHERE u.entry_id = e.id)"),
	CHECK("unmatched_payment_is_where_it_says", ALONG_UNMATCHED,
		"SELECT CONCAT('unmatched:', u.id) AS object, u.state AS have, COALESCE(e.kind, 'no entry') AS want"
		" FROM pay_unmatched u LEFT JOIN entry e ON e.id = u.entry_id WHERE u.id > ? AND u.id <= ? AND ((u.state ="
		" 'open') <> (u.resolved_at = 0) OR (u.state = 'credited') <> (u.entry_id IS NOT NULL) OR u.state <>"
		" 'credited' AND u.account_id IS NOT NULL OR (CASE u.state"
		" WHEN 'open' THEN u.why = 'second_payment' AND u.suspense_entry_id IS NULL OR EXISTS (SELECT 1 FROM refund r"
		"  WHERE r.unmatched_id = u.id AND r.state <> 'failed')"
		" WHEN 'matched' THEN u.suspense_entry_id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM pay_order o WHERE o.service ="
		"  u.service AND o.transaction_id = u.transaction_id AND o.out_trade_no = u.out_trade_no AND o.state = 'paid')"
		" WHEN 'credited' THEN u.suspense_entry_id IS NULL OR e.kind <> 'found' OR e.once_key <> u.once_key OR"
		"  e.reference <> CONCAT('unmatched:', u.id) OR e.created_at <> u.resolved_at OR e.actor <> u.resolved_by OR "
		SUM_OF("u.entry_id", "u.account_id") " <> u.amount_fen * " FEN_NANO " OR "
		SUM_OF_CODE("u.entry_id", "'suspense'") " <> -u.amount_fen * " FEN_NANO
		" WHEN 'refunded' THEN u.suspense_entry_id IS NULL OR NOT EXISTS (SELECT 1 FROM refund r WHERE r.unmatched_id ="
		"  u.id AND r.once_key = u.once_key AND r.state <> 'failed' AND r.amount_fen = u.amount_fen AND r.service ="
		"  u.service AND r.created_at = u.resolved_at)"
		" ELSE u.suspense_entry_id IS NOT NULL END))"),
	CHECK("payment_that_did_not_fit_is_listed", ALONG_ORDER,
		"SELECT " ORDER_OBJECT "n.transaction_id AS have, 'a payment that waits for a person' AS want FROM pay_order o"
		" JOIN pay_notify n ON n.out_trade_no = o.out_trade_no AND n.service = o.service AND n.outcome = 'amount'"
		" WHERE o.id > ? AND o.id <= ? AND n.transaction_id <> COALESCE(o.transaction_id, '') AND NOT EXISTS (SELECT"
		" 1 FROM pay_unmatched u WHERE u.service = n.service AND u.transaction_id = n.transaction_id)"),
};

static const struct check desk[] = {
	CHECK("sale_has_its_entry", ALONG_SALE,
		"SELECT " SALE "COALESCE(" TEXT("-p.amount_nano") ", 'no entry') AS have, "
		TEXT("s.total_fen * " FEN_NANO) " AS want FROM sale s"
		" LEFT JOIN entry e ON e.id = s.entry_id AND e.kind = 'sale' AND e.once_key = s.once_key"
		" AND e.created_at = s.created_at AND e.memo = s.note AND e.reference = CONCAT('shift:', s.shift_id)"
		" LEFT JOIN posting p ON p.entry_id = e.id AND p.line = 1"
		" WHERE s.id > ? AND s.id <= ? AND COALESCE(-p.amount_nano, -1) <> s.total_fen * " FEN_NANO),
	CHECK("sale_entry_has_its_sale", ALONG_ENTRY,
		"SELECT " ENTRY "'no sale' AS have, e.reference AS want"
		" FROM entry e LEFT JOIN sale s ON s.entry_id = e.id WHERE e.kind = 'sale'"
		" AND e.id > ? AND e.id <= ? AND s.id IS NULL"),
	CHECK("sale_lines_sum_to_its_total", ALONG_SALE,
		"SELECT " SALE TEXT("COALESCE(SUM(l.amount_fen), 0)") " AS have, " TEXT("s.total_fen") " AS want FROM sale s"
		" LEFT JOIN sale_line l ON l.sale_id = s.id WHERE s.id > ? AND s.id <= ? GROUP BY s.id, s.total_fen"
		" HAVING COALESCE(SUM(l.amount_fen), 0) <> s.total_fen OR MAX(l.line) <> COUNT(l.line)"
		" OR MIN(LEAST(l.amount_fen - 1, l.service_fen, l.debt_fen, l.amount_fen - l.service_fen - l.debt_fen)) < 0"),
	CHECK("sale_line_is_posted", ALONG_SALE,
		"SELECT CONCAT('sale_line:', s.id, ':', MIN(l.line)) AS object, " TEXT(SUM_OF("s.entry_id", "l.account_id"))
		" AS have, " TEXT("SUM(l.amount_fen - l.service_fen - l.debt_fen) * " FEN_NANO) " AS want FROM sale s"
		" JOIN sale_line l ON l.sale_id = s.id WHERE s.id > ? AND s.id <= ? GROUP BY s.id, s.entry_id, l.account_id"
		" HAVING " SUM_OF("s.entry_id", "l.account_id") " <> SUM(l.amount_fen - l.service_fen - l.debt_fen) * " FEN_NANO),
	CHECK("sale_debt_is_posted", ALONG_SALE,
		"SELECT " SALE TEXT(SUM_OF_CODE("s.entry_id", "CONCAT('debt:', a.contract_id)")) " AS have, "
		TEXT("SUM(l.debt_fen) * " FEN_NANO) " AS want FROM sale s JOIN sale_line l ON l.sale_id = s.id"
		" JOIN account a ON a.id = l.account_id WHERE s.id > ? AND s.id <= ?"
		" GROUP BY s.id, s.entry_id, a.contract_id HAVING SUM(l.debt_fen) * " FEN_NANO " <> "
		SUM_OF_CODE("s.entry_id", "CONCAT('debt:', a.contract_id)")),
	CHECK("sale_service_is_posted", ALONG_SALE,
		"SELECT " SALE TEXT(SUM_OF_CODE("s.entry_id", "'service'")) " AS have, " TEXT("SUM(l.service_fen) * " FEN_NANO)
		" AS want FROM sale s JOIN sale_line l ON l.sale_id = s.id WHERE s.id > ? AND s.id <= ?"
		" GROUP BY s.id, s.entry_id HAVING SUM(l.service_fen) * " FEN_NANO " <> "
		SUM_OF_CODE("s.entry_id", "'service'")),
	CHECK("sale_was_paid_by_its_method", ALONG_SALE,
		"SELECT " SALE TEXT(SUM_OF_CODE("s.entry_id", SALE_MONEY)) " AS have, " SALE_MONEY " AS want FROM sale s"
		" WHERE s.id > ? AND s.id <= ? AND (" SUM_OF_CODE("s.entry_id", SALE_MONEY) " <> -s.total_fen * " FEN_NANO
		" OR s.tendered_fen < s.total_fen OR s.method <> 'cash' AND s.tendered_fen <> s.total_fen)"),
	CHECK("closed_shift_has_its_entry", ALONG_SHIFT,
		"SELECT CONCAT('shift:', h.id) AS object, COALESCE(" TEXT("-p.amount_nano") ", 'no entry') AS have, "
		TEXT("h.counted_fen * " FEN_NANO) " AS want FROM shift h"
		" LEFT JOIN entry e ON e.once_key = CONCAT('shift:', h.id) AND e.kind = 'shift' AND e.created_at = h.closed_at"
		" AND e.actor = CONCAT('user:', h.user_id)"
		" LEFT JOIN (posting p JOIN account a ON a.id = p.account_id AND a.code = 'bank')"
		" ON p.entry_id = e.id WHERE h.id > ? AND h.id <= ? AND IF(h.closed_at > 0,"
		" COALESCE(-p.amount_nano, -1) <> h.counted_fen * " FEN_NANO ", e.id IS NOT NULL OR h.counted_fen <> 0)"),
	CHECK("shift_entry_has_its_shift", ALONG_ENTRY,
		"SELECT " ENTRY "'no closed shift' AS have, e.once_key AS want FROM entry e WHERE e.kind = 'shift' AND"
		" e.id > ? AND e.id <= ? AND NOT EXISTS (SELECT 1 FROM shift h WHERE e.once_key = CONCAT('shift:', h.id)"
		" AND h.closed_at > 0)"),
	CHECK("shift_is_open_once", ALONG_SHIFT,
		"SELECT CONCAT('shift:', h.id) AS object, COALESCE(" TEXT("h.open_key") ", 'closed') AS have,"
		" IF(h.closed_at = 0, " TEXT("h.user_id") ", 'closed') AS want FROM shift h WHERE h.id > ? AND h.id <= ?"
		" AND (IF(h.closed_at = 0, COALESCE(h.open_key, 0) <> h.user_id, h.open_key IS NOT NULL)"
		" OR h.closed_at > 0 AND h.closed_at < h.opened_at)"),
	CHECK("drawer_of_a_closed_shift_is_empty", ALONG_SHIFT,
		"SELECT CONCAT('shift:', h.id) AS object, " TEXT("SUM(p.amount_nano)") " AS have,"
		" '0' AS want FROM shift h JOIN account a ON a.code = CONCAT('drawer:', h.id)"
		" JOIN posting p ON p.account_id = a.id WHERE h.closed_at > 0 AND h.id > ? AND"
		" h.id <= ? GROUP BY h.id HAVING SUM(p.amount_nano) <> 0"),
};

/* What was undone, given back, and approved. */
static const struct check undone[] = {
	/* Cash may come from another drawer than it went into. */
	CHECK("reversal_mirrors_its_entry", ALONG_ENTRY,
		"SELECT CONCAT('reversal:', r.entry_id) AS object, " TEXT("SUM(p.amount_nano)") " AS"
		" have, '0' AS want FROM reversal r JOIN posting p ON p.entry_id IN (r.entry_id,"
		" r.reversal_id) JOIN account a ON a.id = p.account_id WHERE r.entry_id > ? AND r.entry_id <= ?"
		" GROUP BY r.entry_id, IF(a.kind = 'drawer', 0, p.account_id) HAVING SUM(p.amount_nano) <> 0"),
	CHECK("reversal_has_its_entry", ALONG_ENTRY,
		"SELECT CONCAT('reversal:', r.entry_id) AS object, COALESCE(e.once_key, 'no entry') AS have,"
		" CONCAT('reversal:', r.entry_id) AS want FROM reversal r LEFT JOIN entry e ON e.id = r.reversal_id"
		" LEFT JOIN entry x ON x.id = r.entry_id WHERE r.entry_id > ? AND r.entry_id <= ? AND (e.id IS NULL"
		" OR x.id IS NULL OR e.kind <> 'reversal' OR e.once_key <> CONCAT('reversal:', r.entry_id)"
		" OR e.reference <> CONCAT('entry:', r.entry_id) OR e.id <= x.id)"),
	CHECK("reversal_entry_has_its_reversal", ALONG_ENTRY,
		"SELECT " ENTRY "'no reversal' AS have, e.once_key AS want FROM entry e WHERE e.kind = 'reversal'"
		" AND e.id > ? AND e.id <= ? AND NOT EXISTS (SELECT 1 FROM reversal r WHERE r.reversal_id = e.id)"),
	CHECK("refund_has_its_entry", ALONG_REFUND,
		"SELECT " REFUND TEXT(REFUND_SOURCE) " AS have, " TEXT("-r.amount_fen * " FEN_NANO)
		" AS want FROM refund r LEFT JOIN entry e ON e.id = r.entry_id WHERE r.id > ? AND r.id <= ? AND (e.id IS NULL"
		" OR e.kind <> 'refund' OR e.once_key <> r.once_key OR e.created_at <> r.created_at OR e.memo <> r.reason"
		" OR e.reference <> COALESCE(CONCAT('unmatched:', r.unmatched_id), CONCAT('order:', r.order_id),"
		" CONCAT('refund:', r.out_refund_no)) OR (r.account_id IS NULL) <> (r.unmatched_id IS NOT NULL) OR "
		REFUND_SOURCE " <> -r.amount_fen * " FEN_NANO " OR "
		SUM_OF_CODE("r.entry_id", "'refund_due'") " <> r.amount_fen * " FEN_NANO ")"),
	CHECK("refund_is_settled_by_an_entry", ALONG_REFUND,
		"SELECT " REFUND "COALESCE(e.kind, 'no entry') AS have, r.state"
		" AS want FROM refund r LEFT JOIN entry e ON e.id = r.settled_entry_id WHERE r.id > ?"
		" AND r.id <= ? AND (COALESCE(e.kind, '') <> CASE r.state WHEN 'done' THEN 'refund_paid'"
		" WHEN 'failed' THEN 'reversal' ELSE '' END OR COALESCE(e.created_at, 0) <> r.settled_at"
		" OR COALESCE(e.actor, '') <> r.settled_by)"),
	CHECK("refund_left_by_its_method", ALONG_REFUND,
		"SELECT " REFUND "r.method AS have, COALESCE(o.service, 'drawer or bank') AS want FROM refund r"
		" LEFT JOIN pay_order o ON o.id = r.order_id LEFT JOIN pay_unmatched u ON u.id = r.unmatched_id"
		" WHERE r.id > ? AND r.id <= ? AND (r.state = 'done' AND ("
		SUM_OF_CODE("r.settled_entry_id", "'refund_due'") " <> -r.amount_fen * " FEN_NANO " OR NOT EXISTS (SELECT 1"
		" FROM posting p JOIN account a ON a.id = p.account_id WHERE p.entry_id = r.settled_entry_id AND"
		" p.amount_nano = r.amount_fen * " FEN_NANO " AND " REFUND_WAY ") OR NOT EXISTS (SELECT 1 FROM entry e WHERE"
		" e.id = r.settled_entry_id AND e.once_key = CONCAT('refund_paid:', r.id))) OR r.state = 'failed' AND NOT"
		" EXISTS (SELECT 1 FROM reversal v WHERE v.entry_id = r.entry_id AND v.reversal_id = r.settled_entry_id)"
		" OR r.service <> COALESCE(o.service, u.service, '') OR (r.method = 'service') <> (r.service <> '') OR r.method = 'cash' AND r.state NOT IN ('done', 'failed')"
		" OR r.service = '' AND r.state IN ('requested', 'accepted'))"),
	CHECK("open_refund_is_worked_on", ALONG_REFUND,
		"SELECT " REFUND "r.ask_at AS have, r.state AS want FROM refund r WHERE r.id > ? AND r.id <= ? AND"
		" IF(r.service <> '' AND r.state IN ('requested', 'accepted'), r.ask_at = 0, r.ask_at <> 0 AND (r.service = ''"
		" OR r.state <> 'person'))"),
	CHECK("refund_entry_has_its_refund", ALONG_ENTRY,
		"SELECT " ENTRY "'no refund' AS have, e.kind AS want FROM entry e WHERE e.id > ? AND e.id <= ?"
		" AND (e.kind = 'refund' AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.entry_id = e.id)"
		" OR e.kind = 'refund_paid' AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.settled_entry_id = e.id))"),
	CHECK("refunds_are_within_their_order", ALONG_ORDER,
		"SELECT " ORDER_OBJECT TEXT("SUM(r.amount_fen)") " AS have, " TEXT("o.amount_fen") " AS want FROM pay_order o"
		" JOIN refund r ON r.order_id = o.id AND r.state <> 'failed' WHERE o.id > ? AND o.id <= ?"
		" GROUP BY o.id, o.amount_fen, o.account_id, o.state HAVING SUM(r.amount_fen) > o.amount_fen"
		" OR MIN(r.account_id) <> o.account_id OR MAX(r.account_id) <> o.account_id OR o.state <> 'paid'"),
	CHECK("approval_is_by_another_person", ALONG_APPROVAL,
		"SELECT " APPROVAL "CONCAT(v.state, ' by ', v.decided_by) AS have, CONCAT('not by ', v.asked_by) AS want"
		" FROM approval v WHERE v.id > ? AND v.id <= ? AND CASE v.state WHEN 'approved' THEN v.decided_by = 0 OR"
		" v.decided_by = v.asked_by OR v.decided_at < v.asked_at WHEN 'rejected' THEN v.decided_by = 0 OR"
		" v.decided_at < v.asked_at ELSE v.decided_by <> 0 END"),
	CHECK("approved_act_was_done", ALONG_APPROVAL,
		"SELECT " APPROVAL "v.state AS have, 'its entry' AS want FROM approval v WHERE v.state = 'approved' AND"
		" v.id > ? AND v.id <= ? AND (v.kind = 'refund' AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.once_key ="
		" CONCAT('approval:', v.id) AND r.amount_fen = JSON_VALUE(v.params, '$.amount_fen') AND r.account_id ="
		" JSON_VALUE(v.params, '$.account_id') AND r.method = JSON_VALUE(v.params, '$.method') AND r.created_at ="
		" v.decided_at AND r.actor = CONCAT('user:', v.asked_by) AND v.object = CONCAT('account:', r.account_id)) OR v.kind = 'adjustment' AND NOT EXISTS (SELECT 1 FROM entry e JOIN"
		" posting p ON p.entry_id = e.id AND p.line = 2 WHERE e.once_key = CONCAT('approval:', v.id) AND e.kind ="
		" JSON_VALUE(v.params, '$.kind') AND e.reference = CONCAT('account:', JSON_VALUE(v.params, '$.account_id'))"
		" AND e.created_at = v.decided_at AND e.actor = CONCAT('user:', v.asked_by) AND v.object = e.reference"
		" AND e.site_id = v.site_id AND p.amount_nano = " DECIMAL("JSON_VALUE(v.params, '$.amount_fen')") " * " FEN_NANO ") OR v.kind ="
		" 'reversal' AND NOT EXISTS (SELECT 1 FROM reversal r JOIN entry e ON e.id = r.reversal_id WHERE r.entry_id ="
		" JSON_VALUE(v.params, '$.entry_id') AND e.created_at = v.decided_at AND e.actor = CONCAT('user:', v.asked_by)"
		" AND v.object = CONCAT('entry:', r.entry_id) AND e.site_id = v.site_id AND r.once_key = CONCAT('approval:', v.id))"
		" OR v.kind = 'unmatched' AND NOT EXISTS (SELECT 1 FROM entry e JOIN posting p ON p.entry_id = e.id AND p.line = 2"
		" WHERE e.once_key = CONCAT('approval:', v.id) AND e.kind = IF(JSON_VALUE(v.params, '$.how') = 'credit', 'found',"
		" 'refund') AND e.reference = v.object AND v.object = CONCAT('unmatched:', JSON_VALUE(v.params, '$.id')) AND"
		" e.created_at = v.decided_at AND e.actor = CONCAT('user:', v.asked_by) AND e.site_id = v.site_id AND"
		" p.amount_nano = " DECIMAL("JSON_VALUE(v.params, '$.amount_fen')") " * " FEN_NANO "))"),
	CHECK("approval_is_in_the_audit", ALONG_APPROVAL,
		"SELECT " APPROVAL "CONCAT('user:', v.decided_by) AS have, 'who decided, by the audit' AS want FROM approval v"
		" WHERE v.state = 'approved' AND v.id > ? AND v.id <= ? AND NOT EXISTS (SELECT 1 FROM audit u WHERE u.object ="
		" CONCAT('approval:', v.id) AND u.action = 'approval.approve' AND u.actor = CONCAT('user:', v.decided_by) AND"
		" u.at = v.decided_at)"),
	CHECK("act_of_two_was_approved", ALONG_ENTRY,
		"SELECT " ENTRY "'not approved' AS have, COALESCE(r.once_key, e.once_key) AS want FROM entry e"
		" LEFT JOIN reversal r ON r.reversal_id = e.id WHERE e.id > ? AND e.id <= ? AND"
		" COALESCE(r.once_key, e.once_key) LIKE 'approval:%' AND NOT EXISTS (SELECT 1 FROM approval v WHERE"
		" v.id = CAST(SUBSTRING(COALESCE(r.once_key, e.once_key), 10) AS UNSIGNED) AND v.state = 'approved' AND"
		" v.kind = CASE WHEN e.reference LIKE 'unmatched:%' THEN 'unmatched' WHEN e.kind = 'refund' THEN 'refund' WHEN e.kind = 'reversal' THEN 'reversal' ELSE 'adjustment' END)"),
};

#define INVOICE "CONCAT('invoice:', i.id) AS object, "
static const struct check invoices[] = {
	CHECK("invoice_is_the_sum_of_its_orders", ALONG_INVOICE,
		"SELECT " INVOICE TEXT("i.amount_fen") " AS have, COALESCE(" TEXT("SUM(l.amount_fen)") ", 'no order') AS want"
		" FROM invoice i LEFT JOIN invoice_order l ON l.invoice_id = i.id WHERE i.id > ? AND i.id <= ? GROUP BY i.id,"
		" i.amount_fen HAVING COALESCE(SUM(l.amount_fen), -1) <> i.amount_fen"),
	CHECK("invoice_holds_its_orders", ALONG_INVOICE,
		"SELECT " INVOICE "CONCAT('order:', l.order_id, IF(l.live_order IS NULL, ' free', ' held')) AS have, i.state AS want"
		" FROM invoice i JOIN invoice_order l ON l.invoice_id = i.id WHERE i.id > ? AND i.id <= ?"
		" AND (l.live_order IS NOT NULL) <> (i.state IN ('asked', 'issued'))"),
	CHECK("invoice_is_of_its_state", ALONG_INVOICE,
		"SELECT " INVOICE "CONCAT_WS(' ', COALESCE(i.number, 'no number'), i.date, i.red_number, i.decided_at, i.voided_at)"
		" AS have, i.state AS want FROM invoice i WHERE i.id > ? AND i.id <= ? AND"
		" ((i.number IS NOT NULL AND i.date IS NOT NULL) <> (i.state IN ('issued', 'voided'))"
		" OR (i.red_number IS NOT NULL AND i.voided_at > 0) <> (i.state = 'voided')"
		" OR (i.decided_at > 0) <> (i.state <> 'asked'))"),
	CHECK("invoiced_order_was_paid", ALONG_ORDER,
		"SELECT " ORDER_OBJECT "CONCAT('invoice:', i.id, ' ', l.amount_fen) AS have, CONCAT(o.state, ' ', o.amount_fen)"
		" AS want FROM pay_order o JOIN invoice_order l ON l.order_id = o.id JOIN invoice i ON i.id = l.invoice_id"
		" WHERE o.id > ? AND o.id <= ? AND (o.state <> 'paid' OR o.account_id <> i.account_id OR l.amount_fen > o.amount_fen)"),
};
/* clang-format on */

enum err verify_pay(struct db *db, json_t *findings)
{
	enum err e = checks_run(db, orders, ARRAY_LEN(orders), findings);

	if (e == ERR_OK)
		e = checks_run(db, desk, ARRAY_LEN(desk), findings);
	if (e == ERR_OK)
		e = checks_run(db, undone, ARRAY_LEN(undone), findings);
	return e == ERR_OK ? checks_run(db, invoices, ARRAY_LEN(invoices), findings) : e;
}
