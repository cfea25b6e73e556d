/* Use by hour, day and month, losses, and carbon. Days are book days: what arrived late for a
 * closed day is use of the day that took it, and stands in the columns of late use as well. */
#include "report/columns.h"

/* clang-format off */
/* Of each report of use: whose, what, and what it was in the period before. */
#define USED(period)                                                                                \
	SITE, period,                                                                               \
	{ "code",           "编码",           "Code",                COLUMN_TEXT,  COLUMN_ABSENT },  \
	{ "name",           "名称",           "Name",                COLUMN_TEXT,  COLUMN_ABSENT },  \
	{ "role",           "用途",           "Role",                COLUMN_TEXT,  0 },              \
	{ "utility",        "能源类型",       "Utility",             COLUMN_TEXT,  0 },              \
	{ "energy_wh",      "用电(kWh)",      "Energy (kWh)",        COLUMN_QTY,   COLUMN_SUMMED | COLUMN_ABSENT }, \
	{ "volume_l",       "用水(m³)",       "Water (m³)",          COLUMN_QTY,   COLUMN_SUMMED | COLUMN_ABSENT }, \
	{ "charge",         "费用(元)",       "Charge (yuan)",       COLUMN_MONEY, COLUMN_SUMMED }
#define USED_LATE                                                                                   \
	{ "late_wh",        "其中补计电量(kWh)", "of it late (kWh)", COLUMN_QTY,   COLUMN_SUMMED | COLUMN_ABSENT }, \
	{ "late_l",         "其中补计水量(m³)", "of it late (m³)",   COLUMN_QTY,   COLUMN_SUMMED | COLUMN_ABSENT }
#define USED_BEFORE(zh, en)                                                                         \
	{ "last_energy_wh", zh "用电(kWh)",   "Energy " en " (kWh)", COLUMN_QTY,   COLUMN_SUMMED | COLUMN_ABSENT }, \
	{ "last_volume_l",  zh "用水(m³)",    "Water " en " (m³)",   COLUMN_QTY,   COLUMN_SUMMED | COLUMN_ABSENT }, \
	{ "last_charge",    zh "费用(元)",    "Charge " en " (yuan)", COLUMN_MONEY, COLUMN_SUMMED }
#define PERIOD { "period", "日期", "Period", COLUMN_TEXT, 0 }
#define HOUR { "hour_at", "时间", "Hour", COLUMN_TIME, 0 }

static const struct column usage_columns_list[] = { USED(PERIOD), USED_LATE, USED_BEFORE("上期", "before") };
COLUMNS(usage_columns);
static const struct column usage_hour_columns_list[] = { USED(HOUR), USED_BEFORE("前一日", "a day before") };
COLUMNS(usage_hour_columns);

static const struct column losses_columns_list[] = {
	SITE,
	{ "day",            "日期",           "Day",                 COLUMN_DAY,   0 },
	{ "meter",          "总表",           "Meter above",         COLUMN_TEXT,  0 },
	{ "name",           "名称",           "Name",                COLUMN_TEXT,  COLUMN_ABSENT },
	{ "area",           "区域",           "Area",                COLUMN_TEXT,  COLUMN_ABSENT },
	{ "utility",        "能源类型",       "Utility",             COLUMN_TEXT,  0 },
	{ "meters_below",   "分表数",         "Meters below",        COLUMN_COUNT, 0 },
	{ "energy_wh",      "总表用电(kWh)",  "Energy above (kWh)",  COLUMN_QTY,   COLUMN_SUMMED | COLUMN_ABSENT },
	{ "below_wh",       "分表用电(kWh)",  "Energy below (kWh)",  COLUMN_QTY,   COLUMN_SUMMED | COLUMN_ABSENT },
	{ "lost_wh",        "损耗(kWh)",      "Lost (kWh)",          COLUMN_QTY,   COLUMN_SUMMED | COLUMN_ABSENT },
	{ "volume_l",       "总表用水(m³)",   "Water above (m³)",    COLUMN_QTY,   COLUMN_SUMMED | COLUMN_ABSENT },
	{ "below_l",        "分表用水(m³)",   "Water below (m³)",    COLUMN_QTY,   COLUMN_SUMMED | COLUMN_ABSENT },
	{ "lost_l",         "漏损(m³)",       "Lost (m³)",           COLUMN_QTY,   COLUMN_SUMMED | COLUMN_ABSENT },
	{ "lost_permille",  "损耗率",         "Lost (%)",            COLUMN_PERMILLE, COLUMN_ABSENT },
};
COLUMNS(losses_columns);

static const struct column carbon_columns_list[] = {
	SITE,
	{ "period",         "月份",           "Month",               COLUMN_TEXT,  0 },
	{ "tenant",         "商户编码",       "Tenant",              COLUMN_TEXT,  COLUMN_ABSENT },
	{ "name",           "商户",           "Name",                COLUMN_TEXT,  COLUMN_ABSENT },
	{ "room",           "房号",           "Room",                COLUMN_TEXT,  COLUMN_ABSENT },
	{ "energy_wh",      "用电(kWh)",      "Energy (kWh)",        COLUMN_QTY,   COLUMN_SUMMED },
	{ "carbon_mg_per_kwh", "排放因子(mg/kWh)", "Factor (mg/kWh)", COLUMN_COUNT, COLUMN_ABSENT },
	{ "carbon_g",       "碳排放(kg)",     "Carbon (kg)",         COLUMN_QTY,   COLUMN_SUMMED | COLUMN_ABSENT },
};
COLUMNS(carbon_columns);

#define OF(utility, what) "IF(d.utility = '" utility "', " what ", " REPORT_NONE_SQL ") AS "
#define ENERGY(what) OF("electricity", what)
#define WATER(what) OF("water", what)
#define ADDED(what) "CAST(SUM(IF(k.last, 0, g." what ")) AS SIGNED) AS " what ", "
#define ADDED_LAST(what) "CAST(SUM(IF(k.last, g." what ", 0)) AS SIGNED) AS last_" what ", "

/* Rows of use are added up by numbers: the period, and whose (yy: a meter, shop or area; 0 of a rate).
 * Each period then stands once for itself and once as the one before the next, and last come names
 * (yyyyyy): that of a meter has its last holder in the period. Rows are in the order of ids, not of
 * codes: so they are sorted before names are put to them, which go on one by one. */
#define USAGE(told, late, rows, next, first, last)                                                 \
	"SELECT " told ", CASE ? WHEN 'shop' THEN COALESCE(t.code, '') WHEN 'area' THEN"           \
	" COALESCE(ar.code, '') WHEN 'rate' THEN d.rate ELSE m.code END AS code,"                  \
	" CASE ? WHEN 'shop' THEN CONCAT_WS(' ', NULLIF(t.room, ''), t.name)"                      \
	" WHEN 'area' THEN COALESCE(ar.name, '') WHEN 'rate' THEN ''"                              \
	" ELSE CONCAT_WS(' ', NULLIF(NULLIF(m.name, ''), CONCAT_WS(' ', NULLIF(t.room, ''),"       \
	" t.name)), NULLIF(t.room, ''), t.name) END AS name,"                                      \
	" d.role, d.utility, "                                                                     \
	ENERGY("d.qty") "energy_wh, " WATER("d.qty") "volume_l, d.charge, " late                   \
	ENERGY("d.last_qty") "last_energy_wh, " WATER("d.last_qty") "last_volume_l, d.last_charge" \
	" FROM (SELECT IF(k.last, " next ", g.of) AS of, g.whose, g.rate, g.role, g.utility, "     \
	ADDED("qty") ADDED("charge") ADDED("late") ADDED_LAST("qty") ADDED_LAST("charge")          \
	"MAX(g.contract_id) AS contract_id FROM ("                                                 \
	"SELECT r.of, CASE ? WHEN 'shop' THEN COALESCE(c.tenant_id, 0) WHEN 'area' THEN"           \
	" COALESCE(m.area_id, 0) WHEN 'rate' THEN 0 ELSE m.id END AS whose,"                       \
	" IF(? = 'rate', r.rate, '') AS rate, m.role, m.utility,"                                  \
	" MAX(r.contract_id) AS contract_id, SUM(r.qty) AS qty, SUM(r.charge) AS charge,"          \
	" SUM(r.late) AS late FROM (" rows ") r JOIN meter m ON m.id = r.meter_id"                 \
	" JOIN supply_point sp ON sp.id = m.supply_point_id"                                       \
	" LEFT JOIN contract c ON c.id = r.contract_id WHERE sp.site_id = ?" SEES_METER            \
	" GROUP BY 1, 2, 3, 4, 5) g JOIN (SELECT 0 AS last UNION ALL SELECT 1) k"                  \
	" GROUP BY 1, 2, 3, 4, 5) d LEFT JOIN meter m ON ? = 'meter' AND m.id = d.whose"           \
	" LEFT JOIN contract c ON ? = 'meter' AND c.id = d.contract_id"                            \
	" LEFT JOIN tenant t ON t.id = IF(? = 'shop', d.whose, c.tenant_id)"                       \
	" LEFT JOIN area ar ON ? = 'area' AND ar.id = d.whose"                                     \
	" WHERE d.of BETWEEN " first " AND " last " ORDER BY d.of, d.whose, d.rate, d.role, d.utility"
#define LATE ENERGY("d.late") "late_wh, " WATER("d.late") "late_l, "

#define DAY_ROWS(of, days, where)                                                                  \
	"SELECT " of " AS of, u.meter_id, u.contract_id, u.rate, u.qty_milli AS qty,"              \
	" u.charge_nano AS charge, IF(u.day < u.book_day, u.qty_milli, 0) AS late"                 \
	" FROM " days " WHERE " where
/* The days of a short span are found by their index, row by row; those of a long one meter by meter in
 * the order in which they lie, which reads all days that there are of a meter, and is quicker. */
#define DAYS_SHORT "usage_day u FORCE INDEX (unsealed)"
#define DAYS_LONG "usage_day u IGNORE INDEX (unsealed)"
#define MONTH_OF(day) "EXTRACT(YEAR_MONTH FROM " day ")"
#define MONTH_TEXT(month) "INSERT(" month ", 5, 0, '-')"
#define USAGE_DAY(days)                                                                            \
	USAGE("CAST(d.of AS CHAR) AS period", LATE, DAY_ROWS("u.book_day", days,                   \
		"u.sealed IN (0, 1) AND u.book_day BETWEEN ? - INTERVAL 1 DAY AND ?"),             \
		"g.of + INTERVAL 1 DAY", "?", "?")
const char usage_day_sql[] = USAGE_DAY(DAYS_SHORT);
const char usage_days_sql[] = USAGE_DAY(DAYS_LONG);
const char usage_month_sql[] = USAGE(MONTH_TEXT("d.of") " AS period", LATE,
	"SELECT month AS of, meter_id, contract_id, rate, qty_milli AS qty, charge_nano AS charge,"
	" late_milli AS late FROM usage_month WHERE " IN_MONTHS
	" UNION ALL " DAY_ROWS(MONTH_OF("u.book_day"), "usage_day u", IN_DAYS),
	"PERIOD_ADD(g.of, 1)", MONTH_OF("?"), MONTH_OF("?"));

/* What a meter counted against what those right below it did, by the metering tree of today. */
#define SHAFTS                                                                                     \
	" JOIN (SELECT k.parent_id AS id, COUNT(*) AS meters_below FROM meter k"                   \
	" JOIN meter h ON h.id = k.parent_id JOIN supply_point hp ON hp.id = h.supply_point_id"    \
	" WHERE hp.site_id = ? GROUP BY 1) s ON s.id = "
#define BOOKED " WHERE u.sealed IN (0, 1) AND u.book_day BETWEEN ? AND ? GROUP BY 1, 2"
#define LOST(utility, what) "IF(a.utility = '" utility "', " what ", " REPORT_NONE_SQL ") AS "
#define LOSSES(days)                                                                               \
	"SELECT x.day, a.code AS meter, a.name, COALESCE(ar.name, '') AS area, a.utility, s.meters_below, " \
	LOST("electricity", "x.own") "energy_wh, "                                                 \
	LOST("electricity", "x.below") "below_wh, "                                                \
	LOST("electricity", "x.own - x.below") "lost_wh, "                                         \
	LOST("water", "x.own") "volume_l, "                                                        \
	LOST("water", "x.below") "below_l, "                                                       \
	LOST("water", "x.own - x.below") "lost_l,"                                                 \
	" IF(x.own > 0, (x.own - x.below) * 1000 DIV x.own, " REPORT_NONE_SQL ") AS lost_permille FROM (" \
	"SELECT d.day, d.id, CAST(SUM(d.own) AS SIGNED) AS own, CAST(SUM(d.below) AS SIGNED) AS below" \
	" FROM (SELECT u.book_day AS day, s.id, SUM(u.qty_milli) AS own, 0 AS below FROM " days    \
	SHAFTS "u.meter_id" BOOKED                                                                 \
	" UNION ALL SELECT u.book_day, s.id, 0, SUM(u.qty_milli) FROM " days                       \
	" JOIN meter m ON m.id = u.meter_id" SHAFTS "m.parent_id" BOOKED                           \
	") d GROUP BY d.day, d.id) x" SHAFTS "x.id"                                                \
	" JOIN meter a ON a.id = x.id JOIN supply_point sp ON sp.id = a.supply_point_id"           \
	" LEFT JOIN area ar ON ar.id = a.area_id"                                                  \
	" WHERE sp.site_id = ? AND ? IN (sp.site_id, " SEEN_AREA("a.area_id") ") ORDER BY x.day, a.code"
const char losses_sql[] = LOSSES(DAYS_SHORT);
const char losses_days_sql[] = LOSSES(DAYS_LONG);

/* Incomers are left out: what they count is counted below them. */
const char carbon_sql[] =
	"SELECT x.period, x.tenant, x.name, x.room, x.energy_wh,"
	" IF(f.mg > 0, f.mg, " REPORT_NONE_SQL ") AS carbon_mg_per_kwh,"
	" IF(f.mg > 0, CAST(ROUND(x.energy_wh * f.mg / 1000000) AS SIGNED), " REPORT_NONE_SQL
	") AS carbon_g"
	" FROM (SELECT COALESCE((SELECT value FROM setting WHERE site_id = ?"
	" AND setting.name = 'carbon_mg_per_kwh'), 0) AS mg) f JOIN ("
	"SELECT " MONTH_TEXT("s.of") " AS period, COALESCE(t.code, '') AS tenant,"
	" COALESCE(MIN(t.name), '') AS name, COALESCE(MIN(t.room), '') AS room,"
	" CAST(SUM(s.qty) AS SIGNED) AS energy_wh FROM ("
	"SELECT month AS of, meter_id, contract_id, SUM(qty_milli) AS qty FROM usage_month"
	" WHERE " IN_MONTHS " GROUP BY 1, 2, 3"
	" UNION ALL SELECT " MONTH_OF("u.book_day") ", u.meter_id, u.contract_id, SUM(u.qty_milli)"
	" FROM usage_day u WHERE " IN_DAYS " GROUP BY 1, 2, 3) s"
	" JOIN meter m ON m.id = s.meter_id JOIN supply_point sp ON sp.id = m.supply_point_id"
	" LEFT JOIN contract c ON c.id = s.contract_id LEFT JOIN tenant t ON t.id = c.tenant_id"
	" WHERE sp.site_id = ?" SEES_METER " AND m.utility = 'electricity' AND m.role <> 'incomer'"
	" AND s.of BETWEEN " MONTH_OF("?") " AND " MONTH_OF("?") " GROUP BY s.of, tenant) x ORDER BY x.period, x.tenant";
/* clang-format on */

/* ---- too many rows are refused before they are added up ---- */

/* Rows that there are at least, one more than an answer has at most. */
#define LEAST(what, from, where)                                                                   \
	"SELECT COUNT(*) AS id FROM (SELECT " what " FROM supply_point sp JOIN meter m"            \
	" ON m.supply_point_id = sp.id " from " WHERE sp.site_id = ?" SEES_METER " AND " where     \
	" LIMIT ?) x"
static const struct query Q_METERS = { LEAST("1", "", "1 = 1"), &id_shape };
static const struct query Q_METER_DAYS = {
	LEAST("DISTINCT u.book_day, u.meter_id",
		"JOIN usage_day u FORCE INDEX (unsealed) ON u.meter_id = m.id",
		"u.sealed IN (0, 1) AND u.book_day BETWEEN ? AND ?"),
	&id_shape
};
static const struct query Q_SHOP_DAYS = {
	LEAST("DISTINCT u.book_day, c.tenant_id",
		"JOIN usage_day u FORCE INDEX (unsealed) ON u.meter_id = m.id"
		" JOIN contract c ON c.id = u.contract_id",
		"u.sealed IN (0, 1) AND u.book_day BETWEEN ? AND ?"),
	&id_shape
};

/* Of reports by meter or shop, when so many meters could have too many rows at all. */
static enum err count_rows(struct report_run *r)
{
	const struct query *days = str_eq(r->by, "shop") ? &Q_SHOP_DAYS : &Q_METER_DAYS;
	struct arg site = arg_i64(r->site.id), sees = arg_i64(r->scope);
	struct arg most = arg_i64(REPORT_ROWS_MOST + 1);
	struct id_row n;
	enum err e = db_one(r->db, &Q_METERS, ARGS(site, sees, most), &n);

	if (e != ERR_OK || n.id * (r->to.days - r->from.days + 1) <= REPORT_ROWS_MOST)
		return e;
	e = db_one(r->db, days, ARGS(site, sees, arg_text(r->first), arg_text(r->last), most), &n);
	return e == ERR_OK && n.id > REPORT_ROWS_MOST ? ERR_TOO_LARGE : e;
}

enum err usage_day_rows(struct report_run *r)
{
	enum err e = ERR_OK;

	if (str_eq(r->by, "meter") || str_eq(r->by, "shop"))
		e = count_rows(r);
	return e == ERR_OK ? report_sql(r) : e;
}
