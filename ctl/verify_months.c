/* Sums of months: what the sealed days that went into them have, no more and no less. */
#include "ctl/verify_list.h"

/* clang-format off */
#define NUMBERS(q, c, l) "CONCAT(" q ", ' ', " c ", ' ', " l ")"
#define SUMMED_DAY(site, day) \
	" JOIN book_day b ON b.site_id = " site " AND b.day = " day " AND b.summed_at > 0"
#define MONTH_OF(day) "EXTRACT(YEAR_MONTH FROM " day ")"

static const struct check checks[] = {
	CHECK("month_has_the_use_of_its_days", ALONG_METER,
		"WITH w AS (SELECT id FROM meter WHERE id > ? AND id <= ?)"
		" SELECT CONCAT('usage_month:', x.site_id, ':', x.month, ':', x.meter_id, ':', x.contract_id, ':',"
		" x.account_id, ':', x.rate) AS object, " NUMBERS("x.qty", "x.charge", "x.late") " AS have, "
		NUMBERS("x.days_qty", "x.days_charge", "x.days_late") " AS want FROM (SELECT y.site_id, y.month,"
		" y.meter_id, y.contract_id, y.account_id, y.rate, SUM(y.qty) AS qty, SUM(y.charge) AS charge,"
		" SUM(y.late) AS late, SUM(y.days_qty) AS days_qty, SUM(y.days_charge) AS days_charge,"
		" SUM(y.days_late) AS days_late FROM ("
		"SELECT s.site_id, s.month, s.meter_id, s.contract_id, s.account_id, s.rate, s.qty_milli AS qty,"
		" s.charge_nano AS charge, s.late_milli AS late, 0 AS days_qty, 0 AS days_charge, 0 AS days_late"
		" FROM w JOIN usage_month s ON s.meter_id = w.id"
		" UNION ALL SELECT p.site_id, " MONTH_OF("u.book_day") ", u.meter_id, u.contract_id, u.account_id, u.rate,"
		" 0, 0, 0, u.qty_milli, u.charge_nano, IF(u.day < u.book_day, u.qty_milli, 0) FROM w"
		" JOIN usage_day u ON u.meter_id = w.id JOIN meter m ON m.id = w.id JOIN supply_point p ON p.id = m.supply_point_id"
		SUMMED_DAY("p.site_id", "u.book_day")
		") y GROUP BY 1, 2, 3, 4, 5, 6) x WHERE x.qty <> x.days_qty OR x.charge <> x.days_charge"
		" OR x.late <> x.days_late"),
	CHECK("month_has_the_postings_of_its_days", ALONG_ACCOUNT,
		"WITH w AS (SELECT id, kind FROM account WHERE id > ? AND id <= ?)"
		" SELECT CONCAT('posting_month:', x.site_id, ':', x.month, ':', x.account_id, ':', x.kind) AS object, "
		TEXT("x.amount") " AS have, " TEXT("x.days") " AS want FROM (SELECT y.site_id, y.month, y.account_id,"
		" y.kind, SUM(y.amount) AS amount, SUM(y.days) AS days FROM ("
		"SELECT s.site_id, s.month, s.account_id, s.kind, s.amount_nano AS amount, 0 AS days"
		" FROM w JOIN posting_month s ON s.account_id = w.id"
		" UNION ALL SELECT e.site_id, " MONTH_OF("e.book_day") ", q.account_id, e.kind, 0, q.amount_nano"
		" FROM w JOIN posting q ON q.account_id = w.id JOIN entry e ON e.id = q.entry_id"
		SUMMED_DAY("e.site_id", "e.book_day") " WHERE w.kind IN ('purse', 'debt')"
		") y GROUP BY 1, 2, 3, 4) x WHERE x.amount <> x.days"),
};
/* clang-format on */

enum err verify_months(struct db *db, json_t *findings)
{
	return checks_run(db, checks, ARRAY_LEN(checks), findings);
}
