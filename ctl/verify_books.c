/* The books and what belongs to them, row by row: only SQL over the tables, sums in DECIMAL, in
 * windows of ids, so that neither side ever holds a table. */
#include "ctl/verify.h"

struct finding {
	char object[200];
	char have[200];
	char want[200];
};
SHAPE(finding_shape, struct finding, FIELD(struct finding, object), FIELD(struct finding, have),
	FIELD(struct finding, want));

/* Whose ids a check goes along, and how many at a time. */
enum along {
	ALONG_ENTRY,
	ALONG_ACCOUNT,
	ALONG_METER,
	ALONG_ORDER,
	ALONG_SALE,
	ALONG_SHIFT,
	ALONG_POINT,
	ALONG_PURCHASE,
	ALONG_REFUND,
	ALONG_FEE,
	ALONG_SHARE
};
static const struct {
	struct query last;
	int64_t step;
} spans[] = {
	[ALONG_ENTRY] = { { "SELECT COALESCE(MAX(id), 0) AS id FROM entry", &id_shape }, 5000 },
	[ALONG_ACCOUNT] = { { "SELECT COALESCE(MAX(id), 0) AS id FROM account", &id_shape }, 64 },
	[ALONG_METER] = { { "SELECT COALESCE(MAX(id), 0) AS id FROM meter", &id_shape }, 4 },
	[ALONG_ORDER] = { { "SELECT COALESCE(MAX(id), 0) AS id FROM pay_order", &id_shape }, 5000 },
	[ALONG_SALE] = { { "SELECT COALESCE(MAX(id), 0) AS id FROM sale", &id_shape }, 5000 },
	[ALONG_SHIFT] = { { "SELECT COALESCE(MAX(id), 0) AS id FROM shift", &id_shape }, 500 },
	[ALONG_PURCHASE] = { { "SELECT COALESCE(MAX(id), 0) AS id FROM purchase", &id_shape },
		2000 },
	[ALONG_REFUND] = { { "SELECT COALESCE(MAX(id), 0) AS id FROM refund", &id_shape }, 2000 },
	[ALONG_FEE] = { { "SELECT COALESCE(MAX(id), 0) AS id FROM contract_fee", &id_shape }, 500 },
	[ALONG_SHARE] = { { "SELECT COALESCE(MAX(id), 0) AS id FROM share_group", &id_shape }, 1 },
	[ALONG_POINT] = { { "SELECT COALESCE(MAX(id), 0) AS id FROM supply_point", &id_shape },
		1000 },
};

#define USAGE_DAY                                                                                  \
	"CONCAT('usage_day:', u.meter_id, ':', u.day, ':', u.contract_id, ':', u.rate, ':',"       \
	" u.tier, ':', u.price_micro)"
/* The one-time key of the entry that a frozen row belongs to. */
#define DAY_KEY                                                                                    \
	"CONCAT('day:', u.day, ':account:', u.account_id, ':meter:', u.meter_id,"                  \
	" IF(u.book_day > u.day, CONCAT(':late:', u.book_day), ''))"
#define KEY_PART(n) "SUBSTRING_INDEX(SUBSTRING_INDEX(e.once_key, ':', " #n "), ':', -1)"
#define SITE_OF_USE                                                                                \
	" JOIN meter m ON m.id = u.meter_id JOIN supply_point p ON p.id = m.supply_point_id"

/* Each query has one window: "id > ? AND id <= ?". It names the rows that do not tie. */
static const struct {
	const char *name;
	enum along along;
	struct query query;
} checks[] = {
	{ "entry_sums_to_zero", ALONG_ENTRY,
		{ "SELECT CONCAT('entry:', e.id) AS object,"
		  " CAST(COALESCE(SUM(p.amount_nano), 0) AS CHAR) AS have, '0' AS want FROM entry e"
		  " LEFT JOIN posting p ON p.entry_id = e.id WHERE e.id > ? AND e.id <= ? GROUP BY "
		  "e.id"
		  " HAVING COALESCE(SUM(p.amount_nano), 0) <> 0 OR COUNT(p.line) < 2",
			&finding_shape } },
	{ "postings_are_numbered", ALONG_ENTRY,
		{ "SELECT CONCAT('entry:', e.id) AS object, CAST(MAX(p.line) AS CHAR) AS have,"
		  " CAST(COUNT(p.line) AS CHAR) AS want FROM entry e JOIN posting p ON p.entry_id "
		  "= e.id"
		  " WHERE e.id > ? AND e.id <= ? GROUP BY e.id"
		  " HAVING MIN(p.line) <> 1 OR MAX(p.line) <> COUNT(p.line)",
			&finding_shape } },
	{ "balance_is_postings_minus_open_charges", ALONG_ACCOUNT,
		{ "SELECT CONCAT('account:', t.id) AS object, CAST(t.balance_nano AS CHAR) AS have,"
		  " CAST(t.want AS CHAR) AS want FROM (SELECT a.id, a.balance_nano, "
		  "COALESCE((SELECT"
		  " SUM(p.amount_nano) FROM posting p WHERE p.account_id = a.id), 0)"
		  " - COALESCE((SELECT SUM(u.charge_nano) FROM usage_day u WHERE u.account_id = "
		  "a.id"
		  " AND u.sealed = 0), 0) AS want FROM account a WHERE a.kind = 'purse' AND a.id > "
		  "?"
		  " AND a.id <= ?) t WHERE t.balance_nano <> t.want",
			&finding_shape } },
	{ "company_account_keeps_no_balance", ALONG_ACCOUNT,
		{ "SELECT CONCAT('account:', id) AS object, CAST(balance_nano AS CHAR) AS have, "
		  "'0' AS"
		  " want FROM account WHERE kind <> 'purse' AND balance_nano <> 0 AND id > ? AND "
		  "id <= ?",
			&finding_shape } },
	{ "account_is_named_by_its_kind", ALONG_ACCOUNT,
		{ "SELECT CONCAT('account:', id) AS object, code AS have, IF(kind = 'purse',"
		  " CONCAT('purse:', COALESCE(contract_id, ''), ':', purpose), kind) AS want FROM "
		  "account"
		  " WHERE id > ? AND id <= ? AND (kind = 'purse' AND (contract_id IS NULL OR code "
		  "<>"
		  " CONCAT('purse:', contract_id, ':', purpose)) OR kind <> 'purse' AND"
		  " SUBSTRING_INDEX(code, ':', 1) <> kind)",
			&finding_shape } },
	{ "charge_is_quantity_times_price", ALONG_METER,
		{ "SELECT " USAGE_DAY " AS object, CAST(u.charge_nano AS CHAR) AS have,"
		  " CAST(CAST(u.qty_milli AS DECIMAL(38)) * u.price_micro AS CHAR) AS want"
		  " FROM usage_day u WHERE u.meter_id > ? AND u.meter_id <= ?"
		  " AND u.charge_nano <> CAST(u.qty_milli AS DECIMAL(38)) * u.price_micro",
			&finding_shape } },
	/* Raw readings may have expired; those that are there must agree. */
	{ "settled_register_was_read", ALONG_METER,
		{ "SELECT CONCAT('settlement:', s.meter_id, ':', s.to_at) AS object,"
		  " CAST(s.to_milli AS CHAR) AS have, CAST(r.register_milli AS CHAR) AS want"
		  " FROM settlement s JOIN reading r ON r.meter_id = s.meter_id AND r.read_at = "
		  "s.to_at"
		  " WHERE s.meter_id > ? AND s.meter_id <= ? AND r.verdict = 'accepted'"
		  " AND r.register_milli <> s.to_milli",
			&finding_shape } },
	{ "base_register_was_read", ALONG_METER,
		{ "SELECT CONCAT('settlement:', s.meter_id, ':', s.to_at) AS object,"
		  " CAST(s.from_milli AS CHAR) AS have, CAST(r.register_milli AS CHAR) AS want"
		  " FROM settlement s JOIN reading r ON r.meter_id = s.meter_id AND r.read_at = "
		  "s.from_at"
		  " WHERE s.meter_id > ? AND s.meter_id <= ? AND r.verdict = 'accepted'"
		  " AND r.register_milli <> s.from_milli",
			&finding_shape } },
	{ "doubtful_reading_was_decided", ALONG_METER,
		{ "SELECT CONCAT('settlement:', s.meter_id, ':', s.to_at) AS object, s.kind AS "
		  "have,"
		  " 'a decision' AS want FROM settlement s WHERE s.meter_id > ? AND s.meter_id <= ?"
		  " AND s.kind <> 'use' AND NOT EXISTS (SELECT 1 FROM reading_decision d WHERE"
		  " d.meter_id = s.meter_id AND d.action = IF(s.kind = 'jump', 'accept', 'rebase')"
		  " AND d.last_at <= s.from_at AND d.read_at >= s.to_at AND (d.read_at > s.to_at OR"
		  " d.register_milli = s.to_milli))",
			&finding_shape } },
	/* Orders and their entries. */
	{ "paid_order_has_its_entry", ALONG_ORDER,
		{ "SELECT CONCAT('order:', o.id) AS object, COALESCE(CAST(SUM(p.amount_nano) AS "
		  "CHAR),"
		  " 'no entry') AS have, CAST(o.amount_fen * 10000000 AS CHAR) AS want FROM "
		  "pay_order o"
		  " LEFT JOIN posting p ON p.entry_id = o.entry_id AND (p.account_id = o.account_id"
		  "  OR p.account_id IN (SELECT id FROM account WHERE kind = 'debt'))"
		  " WHERE o.state = 'paid' AND o.id > ? AND o.id <= ? GROUP BY o.id, o.amount_fen"
		  " HAVING COALESCE(SUM(p.amount_nano), 0) <> o.amount_fen * 10000000",
			&finding_shape } },
	{ "order_is_paid_once", ALONG_ORDER,
		{ "SELECT CONCAT('order:', o.id) AS object, COALESCE(e.once_key, o.state) AS have,"
		  " CONCAT('recharge:', o.service, ':', COALESCE(o.transaction_id, '')) AS want"
		  " FROM pay_order o LEFT JOIN entry e ON e.id = o.entry_id WHERE o.id > ? AND "
		  "o.id <= ?"
		  " AND IF(o.state = 'paid', e.id IS NULL OR e.kind <> 'recharge' OR "
		  "o.transaction_id IS"
		  " NULL OR e.once_key <> CONCAT('recharge:', o.service, ':', o.transaction_id),"
		  " o.entry_id IS NOT NULL)",
			&finding_shape } },
	{ "recharge_entry_has_its_order", ALONG_ENTRY,
		{ "SELECT CONCAT('entry:', e.id) AS object, e.reference AS have, 'a paid order' AS "
		  "want"
		  " FROM entry e LEFT JOIN pay_order o ON o.entry_id = e.id AND o.state = 'paid'"
		  " WHERE e.kind = 'recharge' AND e.id > ? AND e.id <= ? AND o.id IS NULL",
			&finding_shape } },
	/* The desk. */
	{ "sale_has_its_entry", ALONG_SALE,
		{ "SELECT CONCAT('sale:', s.id) AS object, COALESCE(CAST(-p.amount_nano AS CHAR),"
		  " 'no entry') AS have, CAST(s.total_fen * 10000000 AS CHAR) AS want FROM sale s"
		  " LEFT JOIN entry e ON e.id = s.entry_id AND e.kind = 'sale' AND e.once_key = "
		  "s.once_key"
		  " LEFT JOIN posting p ON p.entry_id = e.id AND p.line = 1"
		  " WHERE s.id > ? AND s.id <= ? AND COALESCE(-p.amount_nano, -1) <>"
		  " s.total_fen * 10000000",
			&finding_shape } },
	{ "sale_entry_has_its_sale", ALONG_ENTRY,
		{ "SELECT CONCAT('entry:', e.id) AS object, 'no sale' AS have, e.reference AS want"
		  " FROM entry e LEFT JOIN sale s ON s.entry_id = e.id WHERE e.kind = 'sale'"
		  " AND e.id > ? AND e.id <= ? AND s.id IS NULL",
			&finding_shape } },
	{ "closed_shift_has_its_entry", ALONG_SHIFT,
		{ "SELECT CONCAT('shift:', h.id) AS object, COALESCE(CAST(-p.amount_nano AS CHAR),"
		  " 'no entry') AS have, CAST(h.counted_fen * 10000000 AS CHAR) AS want FROM shift "
		  "h"
		  " LEFT JOIN entry e ON e.once_key = CONCAT('shift:', h.id) AND e.kind = 'shift'"
		  " LEFT JOIN (posting p JOIN account a ON a.id = p.account_id AND a.code = 'bank')"
		  " ON p.entry_id = e.id WHERE h.id > ? AND h.id <= ? AND IF(h.closed_at > 0,"
		  " COALESCE(-p.amount_nano, -1) <> h.counted_fen * 10000000, e.id IS NOT NULL)",
			&finding_shape } },
	{ "drawer_of_a_closed_shift_is_empty", ALONG_SHIFT,
		{ "SELECT CONCAT('shift:', h.id) AS object, CAST(SUM(p.amount_nano) AS CHAR) AS "
		  "have,"
		  " '0' AS want FROM shift h JOIN account a ON a.code = CONCAT('drawer:', h.id)"
		  " JOIN posting p ON p.account_id = a.id WHERE h.closed_at > 0 AND h.id > ? AND"
		  " h.id <= ? GROUP BY h.id HAVING SUM(p.amount_nano) <> 0",
			&finding_shape } },
	/* What was undone, given back, and taken by the month. */
	{ "reversal_mirrors_its_entry", ALONG_ENTRY,
		{ "SELECT CONCAT('reversal:', r.entry_id) AS object, CAST(SUM(p.amount_nano) AS "
		  "CHAR) AS"
		  " have, '0' AS want FROM reversal r JOIN posting p ON p.entry_id IN (r.entry_id,"
		  " r.reversal_id) JOIN account a ON a.id = p.account_id AND a.kind = 'purse'"
		  " WHERE r.entry_id > ? AND r.entry_id <= ? GROUP BY r.entry_id, p.account_id"
		  " HAVING SUM(p.amount_nano) <> 0",
			&finding_shape } },
	{ "refund_has_its_entry", ALONG_REFUND,
		{ "SELECT CONCAT('refund:', r.id) AS object, COALESCE(CAST(SUM(-p.amount_nano) AS "
		  "CHAR),"
		  " 'no entry') AS have, CAST(r.amount_fen * 10000000 AS CHAR) AS want FROM refund "
		  "r"
		  " LEFT JOIN posting p ON p.entry_id = r.entry_id AND p.account_id = r.account_id"
		  " WHERE r.id > ? AND r.id <= ? GROUP BY r.id, r.amount_fen"
		  " HAVING COALESCE(SUM(-p.amount_nano), 0) <> r.amount_fen * 10000000",
			&finding_shape } },
	{ "refund_is_settled_by_an_entry", ALONG_REFUND,
		{ "SELECT CONCAT('refund:', r.id) AS object, COALESCE(e.kind, 'no entry') AS have, "
		  "r.state"
		  " AS want FROM refund r LEFT JOIN entry e ON e.id = r.settled_entry_id WHERE "
		  "r.id > ?"
		  " AND r.id <= ? AND COALESCE(e.kind, '') <> CASE r.state WHEN 'done' THEN "
		  "'refund_paid'"
		  " WHEN 'failed' THEN 'reversal' ELSE '' END",
			&finding_shape } },
	{ "fee_charge_has_its_entry", ALONG_FEE,
		{ "SELECT CONCAT('fee_charge:', c.contract_fee_id, ':', c.month, ':', c.version) "
		  "AS object,"
		  " COALESCE(CAST(SUM(-p.amount_nano) AS CHAR), 'no entry') AS have,"
		  " CAST(c.amount_fen * 10000000 AS CHAR) AS want FROM fee_charge c JOIN "
		  "contract_fee f ON"
		  " f.id = c.contract_fee_id LEFT JOIN entry e ON e.id = c.entry_id AND e.kind = "
		  "f.kind AND"
		  " (e.once_key = CONCAT('fee:', f.id, ':', c.month) OR e.once_key LIKE "
		  "CONCAT('fee:', f.id,"
		  " ':', c.month, ':%')) LEFT JOIN posting p ON p.entry_id = e.id AND p.account_id "
		  "="
		  " f.account_id WHERE f.id > ? AND f.id <= ? GROUP BY c.contract_fee_id, c.month, "
		  "c.version, c.amount_fen"
		  " HAVING COALESCE(SUM(-p.amount_nano), 0) <> c.amount_fen * 10000000",
			&finding_shape } },
	{ "fee_entry_has_its_charge", ALONG_ENTRY,
		{ "SELECT CONCAT('entry:', e.id) AS object, 'no charge' AS have, e.once_key AS "
		  "want FROM"
		  " entry e WHERE e.kind IN ('property_fee', 'rent') AND e.once_key LIKE 'fee:%' "
		  "AND e.id >"
		  " ? AND e.id <= ? AND NOT EXISTS (SELECT 1 FROM fee_charge c WHERE c.entry_id = "
		  "e.id)",
			&finding_shape } },
	/* Shares: lines sum to parts, parts and owner to the whole, and the books have them. */
	{ "share_lines_sum_to_parts", ALONG_SHARE,
		{ "SELECT CONCAT('share_part:', p.group_id, ':', p.day, ':', p.version, ':',"
		  " p.contract_id) AS object, CONCAT(p.qty_milli, ' ', p.charge_nano) AS have,"
		  " CONCAT(COALESCE(SUM(l.qty_milli), 0), ' ', COALESCE(SUM(l.charge_nano), 0)) AS "
		  "want"
		  " FROM share_part p LEFT JOIN share_line l ON l.group_id = p.group_id AND l.day "
		  "= p.day"
		  " AND l.version = p.version AND l.contract_id = p.contract_id WHERE p.group_id > "
		  "? AND"
		  " p.group_id <= ? GROUP BY p.group_id, p.day, p.version, p.contract_id, "
		  "p.qty_milli, p.charge_nano HAVING"
		  " p.qty_milli <> COALESCE(SUM(l.qty_milli), 0) OR p.charge_nano <>"
		  " COALESCE(SUM(l.charge_nano), 0)",
			&finding_shape } },
	{ "share_parts_sum_to_the_whole", ALONG_SHARE,
		{ "SELECT CONCAT('share_run:', r.group_id, ':', r.day, ':', r.version) AS object,"
		  " CONCAT(r.qty_milli, ' ', r.charge_nano) AS have, CONCAT(r.owner_milli +"
		  " COALESCE(SUM(p.qty_milli), 0), ' ', r.owner_nano + "
		  "COALESCE(SUM(p.charge_nano), 0)) AS"
		  " want FROM share_run r LEFT JOIN share_part p ON p.group_id = r.group_id AND "
		  "p.day ="
		  " r.day AND p.version = r.version WHERE r.group_id > ? AND r.group_id <= ? GROUP "
		  "BY"
		  " r.group_id, r.day, r.version, r.qty_milli, r.charge_nano, r.owner_milli, "
		  "r.owner_nano HAVING r.qty_milli <> r.owner_milli +"
		  " COALESCE(SUM(p.qty_milli), 0) OR r.charge_nano <> r.owner_nano +"
		  " COALESCE(SUM(p.charge_nano), 0)",
			&finding_shape } },
	{ "share_line_is_quantity_times_price", ALONG_SHARE,
		{ "SELECT CONCAT('share_line:', group_id, ':', day, ':', version, ':', meter_id, "
		  "':', rate,"
		  " ':', tier, ':', contract_id) AS object, CAST(charge_nano AS CHAR) AS have,"
		  " CAST(CAST(qty_milli AS DECIMAL(38)) * price_micro AS CHAR) AS want FROM "
		  "share_line"
		  " WHERE group_id > ? AND group_id <= ? AND charge_nano <> CAST(qty_milli AS"
		  " DECIMAL(38)) * price_micro",
			&finding_shape } },
	{ "share_is_posted", ALONG_SHARE,
		{ "SELECT CONCAT('share_part:', p.group_id, ':', p.day, ':', p.version, ':',"
		  " p.contract_id) AS object, CAST(COALESCE(SUM(-q.amount_nano), 0) AS CHAR) AS "
		  "have,"
		  " CAST(p.charge_nano AS CHAR) AS want FROM share_part p JOIN share_part x ON "
		  "x.group_id ="
		  " p.group_id AND x.day = p.day AND x.contract_id = p.contract_id LEFT JOIN "
		  "posting q ON"
		  " q.entry_id = x.entry_id AND q.account_id = x.account_id WHERE p.group_id > ? "
		  "AND"
		  " p.group_id <= ? AND p.version = (SELECT MAX(version) FROM share_run r WHERE "
		  "r.group_id ="
		  " p.group_id AND r.day = p.day) GROUP BY p.group_id, p.day, p.version, "
		  "p.contract_id, p.charge_nano"
		  " HAVING COALESCE(SUM(-q.amount_nano), 0) <> p.charge_nano",
			&finding_shape } },
	/* Credit in the meter. */
	{ "purchase_has_its_entry", ALONG_PURCHASE,
		{ "SELECT CONCAT('purchase:', c.id) AS object, COALESCE(CAST(SUM(-p.amount_nano) "
		  "AS CHAR),"
		  " 'no entry') AS have, CAST(c.worth_nano AS CHAR) AS want FROM purchase c LEFT "
		  "JOIN"
		  " posting p ON p.entry_id = c.entry_id AND p.account_id = c.account_id WHERE "
		  "c.id > ? AND"
		  " c.id <= ? GROUP BY c.id, c.worth_nano HAVING COALESCE(SUM(-p.amount_nano), 0) "
		  "<>"
		  " c.worth_nano",
			&finding_shape } },
	{ "credit_in_the_meter_is_posted", ALONG_METER,
		{ "SELECT CONCAT('meter_credit:', c.meter_id) AS object, CAST(c.worth_nano AS "
		  "CHAR) AS have,"
		  " CAST(COALESCE(SUM(p.amount_nano), 0) AS CHAR) AS want FROM meter_credit c LEFT "
		  "JOIN"
		  " account a ON a.code = CONCAT('meter_credit:', c.meter_id) LEFT JOIN posting p "
		  "ON"
		  " p.account_id = a.id WHERE c.meter_id > ? AND c.meter_id <= ? GROUP BY "
		  "c.meter_id,"
		  " c.worth_nano HAVING COALESCE(SUM(p.amount_nano), 0) <> c.worth_nano",
			&finding_shape } },
	/* Sealing, day of use and purse by purse: what was frozen is what was posted. */
	{ "sealed_use_is_posted", ALONG_METER,
		{ "SELECT t.once_key AS object, COALESCE(CAST(-p.amount_nano AS CHAR), 'no entry') "
		  "AS"
		  " have, CAST(t.total AS CHAR) AS want FROM (SELECT u.account_id, u.book_day,"
		  " " DAY_KEY " AS once_key, SUM(u.charge_nano) AS total FROM usage_day u"
		  " WHERE u.meter_id > ? AND u.meter_id <= ? AND u.sealed = 1 AND u.account_id <> 0"
		  " GROUP BY u.account_id, u.meter_id, u.day, u.book_day) t"
		  " LEFT JOIN entry e ON e.once_key = t.once_key AND e.book_day = t.book_day"
		  " LEFT JOIN posting p ON p.entry_id = e.id AND p.account_id = t.account_id"
		  " WHERE p.amount_nano IS NULL OR -p.amount_nano <> t.total",
			&finding_shape } },
	{ "day_entry_has_its_sealed_use", ALONG_ENTRY,
		{ "SELECT CONCAT('entry:', e.id) AS object, 'no sealed use' AS have, e.once_key AS "
		  "want"
		  " FROM entry e WHERE e.id > ? AND e.id <= ? AND (e.kind IN ('energy', 'water',"
		  " 'late_charge') AND e.once_key LIKE 'day:%' OR e.once_key LIKE 'day:%') AND NOT "
		  "EXISTS"
		  " (SELECT 1 FROM usage_day u WHERE u.meter_id = CAST(" KEY_PART(
			  6) " AS SIGNED)"
			     " AND u.day = " KEY_PART(2) " AND u.account_id = CAST(" KEY_PART(
				     4) " AS SIGNED)"
					" AND u.book_day = e.book_day AND u.sealed = 1)",
			&finding_shape } },
	{ "sealed_day_has_no_open_charge", ALONG_METER,
		{ "SELECT " USAGE_DAY " AS object, 'open' AS have, 'sealed' AS want"
		  " FROM usage_day u" SITE_OF_USE " WHERE u.meter_id > ? AND u.meter_id <= ?"
		  " AND u.sealed = 0 AND EXISTS (SELECT 1 FROM book_day b WHERE b.site_id = "
		  "p.site_id"
		  " AND b.day = u.book_day AND b.sealed_at > 0)",
			&finding_shape } },
	{ "frozen_use_is_of_a_closed_day", ALONG_METER,
		{ "SELECT " USAGE_DAY " AS object, 'sealed' AS have, 'open' AS want"
		  " FROM usage_day u" SITE_OF_USE " WHERE u.meter_id > ? AND u.meter_id <= ?"
		  " AND u.sealed = 1 AND NOT EXISTS (SELECT 1 FROM book_day b WHERE b.site_id ="
		  " p.site_id AND b.day = u.book_day)",
			&finding_shape } },
	{ "late_use_is_of_a_closed_day", ALONG_METER,
		{ "SELECT " USAGE_DAY " AS object, CAST(u.book_day AS CHAR) AS have,"
		  " CAST(u.day AS CHAR) AS want FROM usage_day u" SITE_OF_USE
		  " WHERE u.meter_id > ? AND u.meter_id <= ? AND u.book_day <> u.day AND "
		  "(u.book_day <"
		  " u.day OR NOT EXISTS (SELECT 1 FROM book_day b WHERE b.site_id = p.site_id"
		  " AND b.day >= u.day))",
			&finding_shape } },
	/* Arrears: the level, and the blocks that it brings. A purse whose money goes on into
	 * meters that keep credit themselves has no level. */
	{ "arrears_are_of_the_balance", ALONG_ACCOUNT,
		{ "SELECT CONCAT('account:', a.id) AS object, a.level AS have, IF(a.balance_nano > "
		  "0,"
		  " 'no arrears', 'arrears') AS want FROM account a WHERE a.kind = 'purse' AND "
		  "EXISTS (SELECT 1 FROM contract c WHERE c.id = a.contract_id AND c.end_at = 0) "
		  "AND a.purpose <>"
		  " 'fee' AND (SELECT COALESCE(MIN(p.billing = 'meter'), 0) FROM contract_point c"
		  " JOIN supply_point p ON p.id = c.supply_point_id WHERE c.account_id = a.id"
		  " AND c.to_at = 0) = 0"
		  " AND a.id > ? AND a.id <= ? AND IF(a.level = 'arrears', a.balance_nano > "
		  "0, a.balance_nano <="
		  " -a.credit_limit_nano - IF(a.emergency_at > 0, a.emergency_limit_nano, 0) AND"
		  " a.level_since > 0)",
			&finding_shape } },
	{ "arrears_have_their_block", ALONG_ACCOUNT,
		{ "SELECT CONCAT('account:', a.id) AS object, CONCAT('no block of supply point ',"
		  " c.supply_point_id) AS have, 'a block' AS want FROM account a JOIN "
		  "contract_point c"
		  " ON c.account_id = a.id AND c.to_at = 0 JOIN supply_point p ON p.id ="
		  " c.supply_point_id AND p.billing = 'account' LEFT JOIN block b ON "
		  "b.supply_point_id ="
		  " p.id AND b.kind = 'arrears' AND b.cause = CONCAT('account:', a.id)"
		  " WHERE a.id > ? AND a.id <= ? AND a.level = 'arrears' AND a.purpose <> 'fee' AND"
		  " b.kind IS NULL",
			&finding_shape } },
	{ "arrears_block_has_its_cause", ALONG_POINT,
		{ "SELECT CONCAT('block:', b.supply_point_id, ':', b.kind, ':', b.cause) AS object,"
		  " COALESCE(a.level, 'no account') AS have, 'arrears' AS want FROM block b"
		  " LEFT JOIN account a ON b.cause = CONCAT('account:', a.id) AND a.level = "
		  "'arrears'"
		  " WHERE b.kind = 'arrears' AND b.supply_point_id > ? AND b.supply_point_id <= ?"
		  " AND a.id IS NULL",
			&finding_shape } },
};

static enum err window_run(
	struct db *db, size_t check, int64_t after, int64_t upto, json_t *findings)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(db, &checks[check].query, ARGS(arg_i64(after), arg_i64(upto)), &rows);
	const struct finding *f = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		finding_add(findings, checks[check].name, f[i].object, f[i].have, f[i].want);
	return e;
}

enum err verify_books(struct db *db, json_t *findings)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < ARRAY_LEN(checks); i++) {
		int64_t step = spans[checks[i].along].step;
		struct id_row last = { 0 };

		e = db_one(db, &spans[checks[i].along].last, NO_ARGS, &last);
		for (int64_t after = 0; e == ERR_OK && after < last.id; after += step)
			e = window_run(db, i, after, after + step, findings);
	}
	return e;
}

/* Rows that belong to nothing; few distinct ids, found along an index. */
static const struct query Q_ORPHANS = {
	"SELECT CONCAT('settlement:', meter_id) AS object, 'no meter' AS have, 'a meter' AS want "
	"FROM"
	" (SELECT meter_id FROM settlement GROUP BY meter_id) s WHERE meter_id NOT IN (SELECT id "
	"FROM"
	" meter) UNION ALL SELECT CONCAT('usage_day:', meter_id), 'no meter', 'a meter' FROM"
	" (SELECT meter_id FROM usage_day GROUP BY meter_id) s WHERE meter_id NOT IN (SELECT id "
	"FROM"
	" meter) UNION ALL SELECT CONCAT('usage_hour:', meter_id), 'no meter', 'a meter' FROM"
	" (SELECT meter_id FROM usage_hour GROUP BY meter_id) s WHERE meter_id NOT IN (SELECT id "
	"FROM"
	" meter) UNION ALL SELECT CONCAT('tier_use:', contract_id, ':', supply_point_id), 'no "
	"meter',"
	" 'a meter' FROM tier_use WHERE supply_point_id NOT IN (SELECT supply_point_id FROM meter)"
	" UNION ALL SELECT CONCAT('usage_day:account:', account_id), 'no purse', 'a purse' FROM"
	" (SELECT account_id FROM usage_day GROUP BY account_id) s WHERE account_id <> 0 AND"
	" account_id NOT IN (SELECT id FROM account WHERE kind = 'purse')",
	&finding_shape
};

enum err verify_orphans(struct db *db, json_t *findings)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(db, &Q_ORPHANS, NO_ARGS, &rows);
	const struct finding *f = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		finding_add(
			findings, "row_belongs_to_something", f[i].object, f[i].have, f[i].want);
	return e;
}
