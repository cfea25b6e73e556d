/* Sealing, day of use and purse by purse: what was frozen is what was posted. */
#include "ctl/verify_list.h"

/* clang-format off */
#define USAGE_DAY \
	"CONCAT('usage_day:', u.meter_id, ':', u.day, ':', u.contract_id, ':', u.rate, ':'," \
	" u.tier, ':', u.price_micro)"
/* The one-time key of the entry that a frozen row belongs to. */
#define DAY_KEY \
	"CONCAT('day:', u.day, ':account:', u.account_id, ':meter:', u.meter_id," \
	" IF(u.book_day > u.day, CONCAT(':late:', u.book_day), ''))"
#define KEY_PART(n) "SUBSTRING_INDEX(SUBSTRING_INDEX(e.once_key, ':', " #n "), ':', -1)"
#define KEY_METER "CAST(" KEY_PART(6) " AS SIGNED)"
#define KEY_ACCOUNT "CAST(" KEY_PART(4) " AS SIGNED)"
#define SITE_OF_USE \
	" JOIN meter m ON m.id = u.meter_id JOIN supply_point p ON p.id = m.supply_point_id"

static const struct check checks[] = {
	CHECK("charge_is_quantity_times_price", ALONG_METER,
		"SELECT " USAGE_DAY " AS object, " TEXT("u.charge_nano") " AS have, "
		TEXT(DECIMAL("u.qty_milli") " * u.price_micro") " AS want FROM usage_day u WHERE u.meter_id > ? AND"
		" u.meter_id <= ? AND u.charge_nano <> " DECIMAL("u.qty_milli") " * u.price_micro"),
	CHECK("sealed_use_is_posted", ALONG_METER,
		"SELECT t.once_key AS object, COALESCE(CAST(-p.amount_nano AS CHAR), 'no entry') AS have, "
		TEXT("t.total") " AS want FROM (SELECT u.account_id, u.book_day, " DAY_KEY " AS once_key,"
		" SUM(u.charge_nano) AS total FROM usage_day u WHERE u.meter_id > ? AND u.meter_id <= ?"
		" AND u.sealed = 1 AND u.account_id <> 0 GROUP BY u.account_id, u.meter_id, u.day, u.book_day) t"
		" LEFT JOIN entry e ON e.once_key = t.once_key AND e.book_day = t.book_day"
		" LEFT JOIN posting p ON p.entry_id = e.id AND p.account_id = t.account_id"
		" WHERE p.amount_nano IS NULL OR -p.amount_nano <> t.total"),
	CHECK("day_entry_has_its_sealed_use", ALONG_ENTRY,
		"SELECT CONCAT('entry:', e.id) AS object, 'no sealed use' AS have, e.once_key AS want"
		" FROM entry e WHERE e.id > ? AND e.id <= ? AND e.once_key LIKE 'day:%' AND NOT EXISTS"
		" (SELECT 1 FROM usage_day u WHERE u.meter_id = " KEY_METER " AND u.day = " KEY_PART(2)
		" AND u.account_id = " KEY_ACCOUNT " AND u.book_day = e.book_day AND u.sealed = 1)"),
	CHECK("energy_entry_is_of_a_day", ALONG_ENTRY,
		"SELECT CONCAT('entry:', e.id) AS object, e.once_key AS have, 'day:…' AS want FROM entry e"
		" WHERE e.id > ? AND e.id <= ? AND e.kind IN ('energy', 'water', 'late_charge')"
		" AND e.once_key NOT LIKE 'day:%'"),
	CHECK("day_entry_is_of_its_utility", ALONG_ENTRY,
		"SELECT CONCAT('entry:', e.id) AS object, CONCAT(e.kind, ' ', a.kind) AS have,"
		" IF(m.utility = 'water', 'water', 'energy') AS want FROM entry e JOIN posting p ON p.entry_id = e.id"
		" JOIN account a ON a.id = p.account_id AND a.kind <> 'purse' JOIN meter m ON m.id = " KEY_METER
		" WHERE e.id > ? AND e.id <= ? AND e.once_key LIKE 'day:%' AND (a.kind <> IF(m.utility = 'water', 'water',"
		" 'energy') OR e.kind <> IF(e.once_key LIKE '%:late:%', 'late_charge', a.kind))"),
	CHECK("sealed_day_has_no_open_charge", ALONG_METER,
		"SELECT " USAGE_DAY " AS object, 'open' AS have, 'sealed' AS want FROM usage_day u" SITE_OF_USE
		" WHERE u.meter_id > ? AND u.meter_id <= ? AND u.sealed = 0 AND EXISTS (SELECT 1 FROM book_day b"
		" WHERE b.site_id = p.site_id AND b.day = u.book_day AND b.sealed_at > 0)"),
	CHECK("frozen_use_is_of_a_closed_day", ALONG_METER,
		"SELECT " USAGE_DAY " AS object, 'sealed' AS have, 'open' AS want FROM usage_day u" SITE_OF_USE
		" WHERE u.meter_id > ? AND u.meter_id <= ? AND u.sealed = 1 AND NOT EXISTS (SELECT 1 FROM book_day b"
		" WHERE b.site_id = p.site_id AND b.day = u.book_day)"),
	CHECK("late_use_is_of_a_closed_day", ALONG_METER,
		"SELECT " USAGE_DAY " AS object, " TEXT("u.book_day") " AS have, " TEXT("u.day") " AS want"
		" FROM usage_day u" SITE_OF_USE " WHERE u.meter_id > ? AND u.meter_id <= ? AND u.book_day <> u.day"
		" AND (u.book_day < u.day OR NOT EXISTS (SELECT 1 FROM book_day b WHERE b.site_id = p.site_id"
		" AND b.day >= u.day))"),
};
/* clang-format on */

enum err verify_sealed(struct db *db, json_t *findings)
{
	return checks_run(db, checks, ARRAY_LEN(checks), findings);
}
