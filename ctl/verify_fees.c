/* What is taken by the month, and what several pay together: the sums. How each line of a share was
 * split is worked out again in verify_shares.c. */
#include "ctl/verify_list.h"

/* clang-format off */
#define FEE_CHARGE "CONCAT('fee_charge:', c.contract_fee_id, ':', c.month, ':', c.version) AS object, "
#define PART \
	"CONCAT('share_part:', p.group_id, ':', p.day, ':', p.version, ':', p.contract_id) AS" \
	" object, "
#define RUN "CONCAT('share_run:', r.group_id, ':', r.day, ':', r.version) AS object, "
#define LINE \
	"CONCAT('share_line:', l.group_id, ':', l.day, ':', l.version, ':', l.meter_id, ':'," \
	" l.rate, ':', l.tier, ':', l.contract_id) AS object, "
#define FIRST_DAY "CONCAT(c.month, '-01')"
#define DAYS_OF_MONTH "DAY(LAST_DAY(" FIRST_DAY "))"
/* Days of the month that the fee lasts now. */
#define DAYS_OF_FEE \
	"GREATEST(0, 1 + DATEDIFF(LEAST(COALESCE(f.to_day, LAST_DAY(" FIRST_DAY ")), LAST_DAY(" \
	FIRST_DAY ")), GREATEST(f.from_day, " FIRST_DAY ")))"
/* Half a fen is one. */
#define COST(days) "((2 * f.monthly_fen * " days " + " DAYS_OF_MONTH ") DIV (2 * " DAYS_OF_MONTH "))"
#define LAST_RUN \
	" AND r.version = (SELECT MAX(v.version) FROM share_run v WHERE v.group_id = r.group_id" \
	" AND v.day = r.day)"
#define USE_OF_RUN(sum) \
	"COALESCE((SELECT SUM(" sum ") FROM share_source s JOIN usage_day u ON u.meter_id =" \
	" s.meter_id AND u.day = r.day WHERE s.group_id = r.group_id), 0)"

#define USE_OF_LINE \
	"COALESCE((SELECT SUM(u.qty_milli) FROM usage_day u WHERE u.meter_id = l.meter_id AND" \
	" u.day = l.day AND u.rate = l.rate AND u.tier = l.tier AND u.price_micro =" \
	" l.price_micro), 0)"

static const struct check fees[] = {
	CHECK("fee_charge_has_its_entry", ALONG_FEE,
		"SELECT " FEE_CHARGE "COALESCE(" TEXT("SUM(-p.amount_nano)") ", 'no entry') AS have, "
		TEXT("c.amount_fen * " FEN_NANO) " AS want FROM fee_charge c JOIN contract_fee f ON"
		" f.id = c.contract_fee_id LEFT JOIN entry e ON e.id = c.entry_id AND e.kind = f.kind AND"
		" e.once_key = CONCAT('fee:', f.id, ':', c.month, IF(c.version = 1, '', CONCAT(':', c.version)))"
		" LEFT JOIN posting p ON p.entry_id = e.id AND p.account_id = f.account_id WHERE f.id > ? AND f.id <= ?"
		" GROUP BY c.contract_fee_id, c.month, c.version, c.amount_fen"
		" HAVING COALESCE(SUM(-p.amount_nano), 0) <> c.amount_fen * " FEN_NANO),
	CHECK("fee_entry_has_its_charge", ALONG_ENTRY,
		"SELECT CONCAT('entry:', e.id) AS object, 'no charge' AS have, e.once_key AS want FROM"
		" entry e WHERE e.kind IN ('property_fee', 'rent') AND e.once_key LIKE 'fee:%' AND e.id > ?"
		" AND e.id <= ? AND NOT EXISTS (SELECT 1 FROM fee_charge c WHERE c.entry_id = e.id)"),
	CHECK("fee_charge_is_of_its_days", ALONG_FEE,
		"SELECT CONCAT('fee_charge:', t.id, ':', t.month, ':', t.version) AS object, " TEXT("t.total") " AS have, "
		TEXT("t.cost") " AS want FROM (SELECT f.id, c.month, c.version, SUM(c.amount_fen) OVER (PARTITION BY f.id,"
		" c.month ORDER BY c.version) AS total, ROW_NUMBER() OVER (PARTITION BY f.id, c.month ORDER BY c.version) AS"
		" n, " COST("c.days") " AS cost FROM contract_fee f JOIN fee_charge c ON c.contract_fee_id = f.id WHERE"
		" f.id > ? AND f.id <= ?) t WHERE t.total <> t.cost OR t.n <> t.version"),
	CHECK("fee_of_month_is_of_its_term", ALONG_FEE,
		"SELECT CONCAT('contract_fee:', f.id) AS object, CONCAT(c.month, ' ', SUM(c.amount_fen)) AS have,"
		" CONCAT(c.month, ' ', " COST(DAYS_OF_FEE) ") AS want FROM contract_fee f JOIN fee_charge c ON"
		" c.contract_fee_id = f.id WHERE f.id > ? AND f.id <= ? GROUP BY f.id, c.month, f.monthly_fen, f.from_day,"
		" f.to_day HAVING SUM(c.amount_fen) <> " COST(DAYS_OF_FEE)),
	CHECK("fee_is_paid_by_its_contract", ALONG_FEE,
		"SELECT CONCAT('contract_fee:', f.id) AS object, COALESCE(a.code, 'no account') AS have, CONCAT('purse:',"
		" f.contract_id, ':fee') AS want FROM contract_fee f LEFT JOIN account a ON a.id = f.account_id WHERE f.id > ?"
		" AND f.id <= ? AND (a.id IS NULL OR a.code <> CONCAT('purse:', f.contract_id, ':fee'))"),
	CHECK("cut_for_a_fee_was_approved", ALONG_APPROVAL,
		"SELECT CONCAT('fee_cut:', k.approval_id, ':', k.account_id) AS object, CONCAT(v.kind, ' ', v.state) AS have,"
		" 'fee_cut approved' AS want FROM approval v JOIN fee_cut k ON k.approval_id = v.id WHERE v.id > ? AND v.id"
		" <= ? AND (v.kind <> 'fee_cut' OR k.cut_at > 0 AND (v.state <> 'approved' OR k.cut_at <> v.decided_at))"),
};

static const struct check shares[] = {
	/* Lines sum to parts, parts and owner to the whole, and the books have them. */
	CHECK("share_lines_sum_to_parts", ALONG_SHARE,
		"SELECT " PART "CONCAT(p.qty_milli, ' ', p.charge_nano) AS have,"
		" CONCAT(COALESCE(SUM(l.qty_milli), 0), ' ', COALESCE(SUM(l.charge_nano), 0)) AS want"
		" FROM share_part p LEFT JOIN share_line l ON l.group_id = p.group_id AND l.day = p.day"
		" AND l.version = p.version AND l.contract_id = p.contract_id WHERE p.group_id > ? AND"
		" p.group_id <= ? GROUP BY p.group_id, p.day, p.version, p.contract_id, p.qty_milli, p.charge_nano HAVING"
		" p.qty_milli <> COALESCE(SUM(l.qty_milli), 0) OR p.charge_nano <> COALESCE(SUM(l.charge_nano), 0)"),
	CHECK("share_parts_sum_to_the_whole", ALONG_SHARE,
		"SELECT " RUN "CONCAT(r.qty_milli, ' ', r.charge_nano) AS have, CONCAT(r.owner_milli +"
		" COALESCE(SUM(p.qty_milli), 0), ' ', r.owner_nano + COALESCE(SUM(p.charge_nano), 0)) AS"
		" want FROM share_run r LEFT JOIN share_part p ON p.group_id = r.group_id AND p.day ="
		" r.day AND p.version = r.version WHERE r.group_id > ? AND r.group_id <= ? GROUP BY"
		" r.group_id, r.day, r.version, r.qty_milli, r.charge_nano, r.owner_milli, r.owner_nano HAVING r.qty_milli <>"
		" r.owner_milli + COALESCE(SUM(p.qty_milli), 0) OR r.charge_nano <> r.owner_nano +"
		" COALESCE(SUM(p.charge_nano), 0)"),
	CHECK("owner_keeps_the_rest", ALONG_SHARE,
		"SELECT " RUN "CONCAT(r.owner_milli, ' ', r.owner_nano) AS have, CONCAT(COALESCE(SUM(l.qty_milli), 0), ' ',"
		" COALESCE(SUM(l.charge_nano), 0)) AS want FROM share_run r LEFT JOIN share_line l ON l.group_id = r.group_id"
		" AND l.day = r.day AND l.version = r.version AND l.contract_id = 0 WHERE r.group_id > ? AND r.group_id <= ?"
		" GROUP BY r.group_id, r.day, r.version, r.owner_milli, r.owner_nano HAVING r.owner_milli <>"
		" COALESCE(SUM(l.qty_milli), 0) OR r.owner_nano <> COALESCE(SUM(l.charge_nano), 0)"),
	CHECK("share_line_is_quantity_times_price", ALONG_SHARE,
		"SELECT " LINE TEXT("l.charge_nano") " AS have, " TEXT(DECIMAL("l.qty_milli") " * l.price_micro") " AS want"
		" FROM share_line l WHERE l.group_id > ? AND l.group_id <= ? AND l.charge_nano <> "
		DECIMAL("l.qty_milli") " * l.price_micro"),
	CHECK("share_line_has_its_part", ALONG_SHARE,
		"SELECT " LINE "'no part' AS have, 'a part' AS want FROM share_line l WHERE l.group_id > ? AND l.group_id <= ?"
		" AND IF(l.contract_id = 0, NOT EXISTS (SELECT 1 FROM share_run r WHERE r.group_id = l.group_id AND"
		" r.day = l.day AND r.version = l.version), NOT EXISTS (SELECT 1 FROM share_part p WHERE p.group_id ="
		" l.group_id AND p.day = l.day AND p.version = l.version AND p.contract_id = l.contract_id))"),
	/* All sources were read past the day when it was shared: nothing of it can have come since. */
	CHECK("share_is_of_its_sources", ALONG_SHARE,
		"SELECT " RUN "CONCAT(r.seen_milli, ' ', r.seen_nano, ' ', r.net_milli) AS have, CONCAT("
		USE_OF_RUN("u.qty_milli") ", ' ', " USE_OF_RUN("u.charge_nano") ", ' ', " USE_OF_RUN("s.sign * u.qty_milli")
		") AS want FROM share_run r WHERE r.group_id > ? AND r.group_id <= ?" LAST_RUN " AND (r.complete AND ("
		"r.seen_milli <> " USE_OF_RUN("u.qty_milli") " OR r.seen_nano <> " USE_OF_RUN("u.charge_nano")
		" OR r.net_milli <> " USE_OF_RUN("s.sign * u.qty_milli") ") OR r.seen_milli > " USE_OF_RUN("u.qty_milli") ")"),
	CHECK("share_line_is_of_its_use", ALONG_SHARE,
		"SELECT " LINE TEXT("l.of_milli") " AS have, " TEXT(USE_OF_LINE) " AS want FROM share_line l JOIN share_run r"
		" ON r.group_id = l.group_id AND r.day = l.day AND r.version = l.version" LAST_RUN " AND r.complete WHERE"
		" l.group_id > ? AND l.group_id <= ? AND NOT EXISTS (SELECT 1 FROM share_source s WHERE s.group_id ="
		" l.group_id AND s.sign < 0) AND l.of_milli <> " USE_OF_LINE),
	CHECK("share_is_of_what_was_used", ALONG_SHARE,
		"SELECT " RUN TEXT("r.qty_milli") " AS have, " TEXT("GREATEST(0, r.net_milli)") " AS want FROM share_run r"
		" WHERE r.group_id > ? AND r.group_id <= ? AND (r.qty_milli <> GREATEST(0, r.net_milli)"
		" OR r.seen_milli < r.net_milli)"),
	CHECK("share_runs_are_numbered", ALONG_SHARE,
		"SELECT CONCAT('share_run:', r.group_id, ':', r.day) AS object, " TEXT("COUNT(*)") " AS have, "
		TEXT("MAX(r.version)") " AS want FROM share_run r WHERE r.group_id > ? AND r.group_id <= ?"
		" GROUP BY r.group_id, r.day HAVING COUNT(*) <> MAX(r.version) OR MIN(r.version) <> 1"),
	CHECK("share_part_has_its_run", ALONG_SHARE,
		"SELECT " PART "'no run' AS have, 'a run' AS want FROM share_part p WHERE p.group_id > ? AND p.group_id <= ?"
		" AND NOT EXISTS (SELECT 1 FROM share_run r WHERE r.group_id = p.group_id AND r.day = p.day AND"
		" r.version = p.version)"),
	/* Whole seconds of the day times what the contract was listed with. */
	CHECK("share_part_is_of_a_sharer", ALONG_SHARE,
		"SELECT " PART TEXT("p.weight") " AS have, CONCAT(COALESCE(t.weight, 'no sharer'), ' by ', g.basis) AS want FROM"
		" share_part p JOIN share_group g ON g.id = p.group_id LEFT JOIN share_target t ON t.group_id = p.group_id AND"
		" t.contract_id = p.contract_id AND t.from_day = (SELECT MAX(y.from_day) FROM share_target y WHERE y.group_id ="
		" p.group_id AND y.from_day <= p.day) WHERE p.group_id > ? AND p.group_id <= ? AND (t.weight IS NULL OR"
		" t.weight <= 0 OR p.weight MOD t.weight <> 0 OR p.weight > t.weight * 90000 OR g.basis = 'equal' AND t.weight"
		" <> 1 OR g.basis = 'ratio' AND p.of_weight MOD 1000000 <> 0)"),
	CHECK("share_is_run_to_its_last_day", ALONG_SHARE,
		"SELECT CONCAT('share_group:', g.id) AS object, " TEXT("g.run_to") " AS have, " TEXT("MAX(r.day)") " AS want"
		" FROM share_group g JOIN share_run r ON r.group_id = g.id WHERE g.id > ? AND g.id <= ? GROUP BY g.id, g.run_to,"
		" g.from_day, g.to_day HAVING MAX(r.day) <> g.run_to OR MIN(r.day) < g.from_day OR MAX(r.day) > g.to_day"
		" OR COUNT(DISTINCT r.day) <> 1 + DATEDIFF(MAX(r.day), MIN(r.day))"),
	CHECK("share_is_posted", ALONG_SHARE,
		"SELECT " PART TEXT("COALESCE(SUM(-q.amount_nano), 0)") " AS have, " TEXT("p.charge_nano") " AS want"
		" FROM share_part p JOIN share_part x ON x.group_id ="
		" p.group_id AND x.day = p.day AND x.contract_id = p.contract_id LEFT JOIN posting q ON"
		" q.entry_id = x.entry_id AND q.account_id = x.account_id WHERE p.group_id > ? AND"
		" p.group_id <= ? AND p.version = (SELECT MAX(version) FROM share_run r WHERE r.group_id ="
		" p.group_id AND r.day = p.day) GROUP BY p.group_id, p.day, p.version, p.contract_id, p.charge_nano"
		" HAVING COALESCE(SUM(-q.amount_nano), 0) <> p.charge_nano"),
	/* Each version posts its difference to the one before. */
	CHECK("share_version_is_posted", ALONG_SHARE,
		"SELECT " PART "COALESCE(e.once_key, 'no entry') AS have, " TEXT("p.charge_nano - COALESCE(b.charge_nano, 0)")
		" AS want FROM share_part p LEFT JOIN share_part b ON b.group_id = p.group_id AND b.day = p.day AND b.version"
		" = p.version - 1 AND b.contract_id = p.contract_id LEFT JOIN entry e ON e.id = p.entry_id AND e.kind ="
		" 'share' AND e.reference = CONCAT('share:', p.group_id) AND e.once_key = CONCAT('share:', p.group_id, ':',"
		" p.day, ':', p.account_id, ':', p.version) WHERE p.group_id > ? AND p.group_id <= ? AND"
		" IF(p.charge_nano = COALESCE(b.charge_nano, 0), p.entry_id IS NOT NULL, e.id IS NULL OR"
		" -" SUM_OF("e.id", "p.account_id") " <> p.charge_nano - COALESCE(b.charge_nano, 0))"),
	CHECK("share_is_paid_by_its_contract", ALONG_SHARE,
		"SELECT " PART "COALESCE(a.code, 'no account') AS have, CONCAT('purse:', p.contract_id, ':', IF(g.purse ="
		" 'fee', 'fee', g.utility)) AS want FROM share_part p JOIN share_group g ON g.id = p.group_id LEFT JOIN"
		" account a ON a.id = p.account_id WHERE p.group_id > ? AND p.group_id <= ? AND (a.id IS NULL OR a.code NOT IN"
		" (CONCAT('debt:', p.contract_id), CONCAT('purse:', p.contract_id, ':', IF(g.purse = 'fee', 'fee',"
		" g.utility))))"),
	CHECK("share_entry_has_its_part", ALONG_ENTRY,
		"SELECT CONCAT('entry:', e.id) AS object, 'no part' AS have, e.once_key AS want FROM entry e WHERE e.kind ="
		" 'share' AND e.id > ? AND e.id <= ? AND NOT EXISTS (SELECT 1 FROM share_part p WHERE p.entry_id = e.id)"),
};
/* clang-format on */

enum err verify_fees(struct db *db, json_t *findings)
{
	enum err e = checks_run(db, fees, ARRAY_LEN(fees), findings);

	return e == ERR_OK ? checks_run(db, shares, ARRAY_LEN(shares), findings) : e;
}
