/* What settlement goes by, against the records of how it came to be: contracts and their events,
 * devices and their exchanges, readings that were typed in or decided on, files of tariffs. */
#include "ctl/verify_list.h"

/* clang-format off */
#define CONTRACT "CONCAT('contract:', c.id) AS object, "
#define POINT_OF "CONCAT('contract_point:', h.supply_point_id, ':', h.from_at) AS object, "
#define SETTLEMENT "CONCAT('settlement:', s.meter_id, ':', s.to_at) AS object, "

static const struct check contracts[] = {
	CHECK("contract_lasts_as_its_events_say", ALONG_CONTRACT,
		"SELECT " CONTRACT "CONCAT(c.start_at, ' ', c.end_at) AS have, CONCAT(COALESCE(o.at, c.start_at), ' ',"
		" COALESCE(x.at, 0)) AS want FROM contract c LEFT JOIN contract_event o ON o.contract_id = c.id AND o.kind ="
		" 'open' LEFT JOIN contract_event x ON x.id = (SELECT MAX(y.id) FROM contract_event y WHERE y.contract_id ="
		" c.id AND y.kind = 'close' AND y.undone_at = 0) WHERE c.id > ? AND c.id <= ? AND (c.start_at <>"
		" COALESCE(o.at, c.start_at) OR (o.id IS NOT NULL OR x.id IS NOT NULL) AND c.end_at <> COALESCE(x.at, 0))"),
	CHECK("nothing_is_held_after_the_end", ALONG_CONTRACT,
		"SELECT " POINT_OF TEXT("h.to_at") " AS have, " TEXT("c.end_at") " AS want FROM contract c JOIN contract_point h"
		" ON h.contract_id = c.id WHERE c.id > ? AND c.id <= ? AND (c.end_at > 0 AND (h.to_at = 0 OR h.to_at > c.end_at)"
		" OR h.to_at > 0 AND h.to_at < h.from_at)"),
	CHECK("supply_is_held_once", ALONG_POINT,
		"SELECT CONCAT('contract_point:', t.supply_point_id, ':', t.from_at) AS object, " TEXT("t.to_at") " AS have, "
		TEXT("t.next_at") " AS want FROM (SELECT h.supply_point_id, h.from_at, h.to_at, LEAD(h.from_at) OVER (PARTITION"
		" BY h.supply_point_id ORDER BY h.from_at) AS next_at FROM contract_point h WHERE h.supply_point_id > ? AND"
		" h.supply_point_id <= ?) t WHERE t.next_at IS NOT NULL AND (t.to_at = 0 OR t.to_at > t.next_at)"),
	CHECK("supply_is_paid_by_its_contract", ALONG_POINT,
		"SELECT " POINT_OF "COALESCE(a.code, 'no account') AS have, CONCAT('purse:', h.contract_id, ':', p.utility) AS"
		" want FROM contract_point h JOIN supply_point p ON p.id = h.supply_point_id LEFT JOIN account a ON a.id ="
		" h.account_id WHERE h.supply_point_id > ? AND h.supply_point_id <= ? AND (a.id IS NULL OR a.kind <> 'purse' OR"
		" a.contract_id <> h.contract_id OR a.purpose <> p.utility)"),
	CHECK("allowance_was_given_up_to_its_month", ALONG_CONTRACT,
		"SELECT CONCAT('contract_allowance:', w.contract_id) AS object, w.last_month AS have, MAX(e.memo) AS want FROM"
		" contract_allowance w JOIN entry e ON e.once_key LIKE CONCAT('allowance:', w.contract_id, ':%') WHERE"
		" w.contract_id > ? AND w.contract_id <= ? GROUP BY w.contract_id, w.last_month HAVING MAX(e.memo) >"
		" w.last_month"),
	CHECK("allowance_goes_to_its_contract", ALONG_CONTRACT,
		"SELECT CONCAT('contract_allowance:', w.contract_id) AS object, COALESCE(a.code, 'no account') AS have,"
		" 'a purse of the contract' AS want FROM contract_allowance w LEFT JOIN account a ON a.id = w.account_id WHERE"
		" w.contract_id > ? AND w.contract_id <= ? AND (a.id IS NULL OR COALESCE(a.contract_id, 0) <> w.contract_id OR"
		" w.unit = 'yuan' AND w.price_micro <> 1000000)"),
	CHECK("allowance_is_as_agreed", ALONG_CONTRACT,
		"SELECT CONCAT('contract_allowance:', w.contract_id) AS object, CONCAT(w.amount_milli, ' ', w.unit) AS have,"
		" CONCAT(JSON_VALUE(u.detail, '$.amount_milli'), ' ', JSON_VALUE(u.detail, '$.unit')) AS want FROM"
		" contract_allowance w JOIN audit u ON u.id = (SELECT MAX(v.id) FROM audit v WHERE v.object ="
		" CONCAT('contract:', w.contract_id) AND v.action = 'allowance.edit') WHERE w.contract_id > ? AND w.contract_id"
		" <= ? AND (w.amount_milli <> JSON_VALUE(u.detail, '$.amount_milli') OR w.unit <> JSON_VALUE(u.detail,"
		" '$.unit'))"),
};

static const struct check meters[] = {
	/* Raw readings may have expired; those that are there must agree. */
	CHECK("settled_register_was_read", ALONG_METER,
		"SELECT STRAIGHT_JOIN " SETTLEMENT TEXT("s.to_milli") " AS have, " TEXT("r.register_milli") " AS want"
		" FROM settlement s JOIN reading r ON r.meter_id = s.meter_id AND r.read_at = s.to_at"
		" WHERE s.meter_id > ? AND s.meter_id <= ? AND r.verdict = 'accepted' AND r.register_milli <> s.to_milli"),
	CHECK("base_register_was_read", ALONG_METER,
		"SELECT STRAIGHT_JOIN " SETTLEMENT TEXT("s.from_milli") " AS have, " TEXT("r.register_milli") " AS want"
		" FROM settlement s JOIN reading r ON r.meter_id = s.meter_id AND r.read_at = s.from_at"
		" WHERE s.meter_id > ? AND s.meter_id <= ? AND r.verdict = 'accepted' AND r.register_milli <> s.from_milli"
		" AND NOT EXISTS (SELECT 1 FROM meter_change x WHERE x.meter_id = s.meter_id AND x.at = s.from_at)"),
	CHECK("typed_register_is_settled", ALONG_METER,
		"SELECT " SETTLEMENT TEXT("s.to_milli") " AS have, " TEXT("t.register_milli") " AS want FROM typed_reading t"
		" JOIN settlement s ON s.meter_id = t.meter_id AND s.to_at = t.read_at WHERE t.meter_id > ? AND t.meter_id <= ?"
		" AND s.to_milli <> t.register_milli"),
	CHECK("doubtful_reading_was_decided", ALONG_METER,
		"SELECT " SETTLEMENT "s.kind AS have, 'a decision' AS want FROM settlement s WHERE s.meter_id > ? AND s.meter_id"
		" <= ? AND s.kind <> 'use' AND NOT EXISTS (SELECT 1 FROM reading_decision d WHERE"
		" d.meter_id = s.meter_id AND d.action = IF(s.kind = 'jump', 'accept', 'rebase')"
		" AND d.last_at <= s.from_at AND d.read_at >= s.to_at AND (d.read_at > s.to_at OR"
		" d.register_milli = s.to_milli))"),
	CHECK("decision_was_carried_out", ALONG_METER,
		"SELECT CONCAT('reading_decision:', d.id) AS object, CONCAT(d.action, ' ', d.last_milli, ' ', d.register_milli)"
		" AS have, 'its evidence' AS want FROM reading_decision d WHERE d.meter_id > ? AND d.meter_id <= ? AND"
		" (d.action = 'rebase' OR d.register_milli <> d.last_milli) AND NOT EXISTS (SELECT 1 FROM settlement s WHERE"
		" s.meter_id = d.meter_id AND s.to_at = d.read_at AND s.to_milli = d.register_milli AND s.kind ="
		" IF(d.action = 'rebase', 'rebase', 'jump') AND IF(d.action = 'rebase', s.from_milli = d.last_milli AND"
		" s.from_at = d.last_at, s.from_at >= d.last_at))"),
	/* Rows are packed by age: where an older one is there that came in time, this one would be. */
	CHECK("settled_reading_is_there", ALONG_METER,
		"SELECT CONCAT('settled:', d.meter_id) AS object, CONCAT(d.read_at, ' ', d.register_milli) AS have, 'a reading'"
		" AS want FROM settled d WHERE d.meter_id > ? AND d.meter_id <= ? AND d.read_at > 0 AND EXISTS (SELECT 1 FROM"
		" reading r WHERE r.meter_id = d.meter_id AND r.read_at < d.read_at AND r.verdict <> 'late') AND NOT EXISTS (SELECT 1 FROM reading r"
		" WHERE r.meter_id = d.meter_id AND r.read_at = d.read_at AND r.verdict <> 'late') AND NOT EXISTS (SELECT 1 FROM"
		" typed_reading t WHERE t.meter_id = d.meter_id AND t.read_at = d.read_at)"),
	CHECK("rates_split_by_known_slots", ALONG_METER,
		"SELECT " SETTLEMENT "s.rates AS have, 'slots that were read back' AS want FROM settlement s WHERE s.meter_id > ?"
		" AND s.meter_id <= ? AND s.rates <> '' AND COALESCE((SELECT x.slots FROM meter_slots x WHERE x.meter_id ="
		" s.meter_id AND x.read_at <= s.from_at ORDER BY x.read_at DESC LIMIT 1), '') NOT IN (SELECT y.slots FROM"
		" meter_slots y WHERE y.meter_id = s.meter_id AND y.slots <> '' AND y.read_at = (SELECT MAX(z.read_at) FROM"
		" meter_slots z WHERE z.meter_id = s.meter_id AND z.read_at <= s.to_at))"),
	CHECK("device_is_as_last_exchanged", ALONG_METER,
		"SELECT CONCAT('meter:', m.id) AS object, CONCAT(m.device, ' ', m.model, ' ', m.serial) AS have,"
		" CONCAT(x.new_device + (x.undone_at > 0), ' ', IF(x.undone_at > 0, x.old_model, x.new_model), ' ',"
		" IF(x.undone_at > 0, x.old_serial, x.new_serial)) AS want FROM meter m JOIN meter_change x ON x.id ="
		" (SELECT MAX(y.id) FROM meter_change y WHERE y.meter_id = m.id) WHERE m.id > ? AND m.id <= ? AND (m.device <>"
		" x.new_device + (x.undone_at > 0) OR m.model <> IF(x.undone_at > 0, x.old_model, x.new_model)"
		" OR m.serial <> IF(x.undone_at > 0, x.old_serial, x.new_serial))"),
	CHECK("first_device_is_the_first", ALONG_METER,
		"SELECT CONCAT('meter:', m.id) AS object, " TEXT("m.device") " AS have, '1' AS want FROM meter m WHERE m.id > ?"
		" AND m.id <= ? AND m.device <> 1 AND NOT EXISTS (SELECT 1 FROM meter_change x WHERE x.meter_id = m.id)"),
	CHECK("exchange_was_read", ALONG_METER,
		"SELECT CONCAT('meter_change:', x.id) AS object, CONCAT(x.old_register_milli, ' at ', x.at) AS have, 'a register"
		" typed in' AS want FROM meter_change x WHERE x.meter_id > ? AND x.meter_id <= ? AND (x.new_device <>"
		" x.old_device + 1 OR NOT EXISTS (SELECT 1 FROM typed_reading t WHERE t.meter_id = x.meter_id AND t.read_at ="
		" x.at AND t.register_milli = x.old_register_milli))"),
	CHECK("ratio_is_positive", ALONG_METER,
		"SELECT CONCAT('meter_ratio:', r.meter_id, ':', r.from_at) AS object, CONCAT(r.ct, ' ', r.pt) AS have, '1 or"
		" more' AS want FROM meter_ratio r WHERE r.meter_id > ? AND r.meter_id <= ? AND (r.ct < 1 OR r.pt < 1)"),
	CHECK("tariff_is_of_its_utility", ALONG_METER,
		"SELECT CONCAT('meter_tariff:', x.meter_id, ':', x.from_at) AS object, COALESCE(t.utility, 'no tariff') AS have,"
		" m.utility AS want FROM meter_tariff x JOIN meter m ON m.id = x.meter_id LEFT JOIN tariff t ON t.id ="
		" x.tariff_id WHERE x.meter_id > ? AND x.meter_id <= ? AND (t.id IS NULL OR t.utility <> m.utility)"),
	CHECK("tariff_is_its_last_file", ALONG_TARIFF,
		"SELECT CONCAT('tariff:', t.id) AS object, CONCAT('revision ', t.revision) AS have, CONCAT('revision ',"
		" r.revision) AS want FROM tariff t JOIN tariff_revision r ON r.tariff_id = t.id AND r.revision = (SELECT"
		" MAX(y.revision) FROM tariff_revision y WHERE y.tariff_id = t.id) WHERE t.id > ? AND t.id <= ? AND (t.revision"
		" <> r.revision OR t.doc <> r.doc)"),
};
/* clang-format on */

enum err verify_life(struct db *db, json_t *findings)
{
	enum err e = checks_run(db, contracts, ARRAY_LEN(contracts), findings);

	return e == ERR_OK ? checks_run(db, meters, ARRAY_LEN(meters), findings) : e;
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
	" account_id NOT IN (SELECT id FROM account WHERE kind = 'purse')"
	" UNION ALL SELECT CONCAT('posting:', p.entry_id, ':', p.line), 'no entry', 'an entry' "
	"FROM posting p"
	" LEFT JOIN entry e ON e.id = p.entry_id WHERE e.id IS NULL LIMIT 10001",
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
