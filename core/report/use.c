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

#define OF(utility, what) "IF(m.utility = '" utility "', CAST(SUM(" what ") AS SIGNED), " REPORT_NONE_SQL ") AS "
#define ENERGY(what) OF("electricity", what)
#define WATER(what) OF("water", what)

/* By what is grouped: ? twice. */
#define CODE                                                                                       \
	"CASE ? WHEN 'shop' THEN COALESCE(t.code, '') WHEN 'area' THEN COALESCE(ar.code, '')"      \
	" WHEN 'rate' THEN d.rate ELSE m.code END AS code, "
#define NAME                                                                                       \
	"MIN(CASE ? WHEN 'shop' THEN CONCAT_WS(' ', NULLIF(t.room, ''), t.name)"                   \
	" WHEN 'area' THEN COALESCE(ar.name, '') WHEN 'rate' THEN ''"                              \
	" ELSE CONCAT_WS(' ', NULLIF(m.name, ''), NULLIF(t.room, ''), t.name) END) AS name,"       \
	" m.role, m.utility, "
#define WHOSE                                                                                      \
	" JOIN meter m ON m.id = d.meter_id"                                                       \
	" JOIN supply_point sp ON sp.id = m.supply_point_id LEFT JOIN area ar ON ar.id = m.area_id"

/* Added up by meter, contract and rate first, the period before the first one too; then each period
 * stands once for itself and once as the one before the next. */
#define SUMS " SUM(u.qty_milli) AS qty, SUM(u.charge_nano) AS charge, "
#define USAGE(told, rows, next, first, last)                                                       \
	"SELECT " told " AS period, " CODE NAME                                                    \
	ENERGY("d.qty") "energy_wh, " WATER("d.qty") "volume_l,"                                   \
	" CAST(SUM(d.charge) AS SIGNED) AS charge, "                                               \
	ENERGY("d.late") "late_wh, " WATER("d.late") "late_l, "                                    \
	ENERGY("d.last_qty") "last_energy_wh, " WATER("d.last_qty") "last_volume_l,"               \
	" CAST(SUM(d.last_charge) AS SIGNED) AS last_charge FROM ("                                \
	"SELECT IF(k.last, " next ", s.of) AS of, s.meter_id, s.contract_id, s.rate,"              \
	" IF(k.last, 0, s.qty) AS qty, IF(k.last, 0, s.charge) AS charge,"                         \
	" IF(k.last, 0, s.late) AS late, IF(k.last, s.qty, 0) AS last_qty,"                        \
	" IF(k.last, s.charge, 0) AS last_charge FROM (" rows                                      \
	") s JOIN (SELECT 0 AS last UNION ALL SELECT 1) k) d" WHOSE                                \
	" LEFT JOIN contract c ON c.id = d.contract_id LEFT JOIN tenant t ON t.id = c.tenant_id"   \
	" WHERE sp.site_id = ? AND d.of BETWEEN " first " AND " last                               \
	" GROUP BY d.of, code, m.role, m.utility ORDER BY d.of, code, m.role, m.utility"
#define DAY_ROWS(of, where)                                                                        \
	"SELECT " of " AS of, u.meter_id, u.contract_id, u.rate," SUMS                             \
	"SUM(IF(u.day < u.book_day, u.qty_milli, 0)) AS late FROM usage_day u"                     \
	" WHERE " where " GROUP BY 1, 2, 3, 4"

#define MONTH_OF(day) "EXTRACT(YEAR_MONTH FROM " day ")"
#define MONTH_TEXT(month) "INSERT(" month ", 5, 0, '-')"
const char usage_day_sql[] = USAGE("CAST(d.of AS CHAR)",
	DAY_ROWS("u.book_day", "u.sealed IN (0, 1) AND u.book_day BETWEEN ? - INTERVAL 1 DAY AND ?"),
	"s.of + INTERVAL 1 DAY", "?", "?");
const char usage_month_sql[] = USAGE(MONTH_TEXT("d.of"),
	"SELECT u.month AS of, u.meter_id, u.contract_id, u.rate," SUMS
	"SUM(u.late_milli) AS late FROM usage_month u WHERE " IN_MONTHS " GROUP BY 1, 2, 3, 4"
	" UNION ALL " DAY_ROWS(MONTH_OF("u.book_day"), IN_DAYS),
	"PERIOD_ADD(s.of, 1)", MONTH_OF("?"), MONTH_OF("?"));

#define HOURS " FROM usage_hour u WHERE u.hour_at >= ? AND u.hour_at < ?"
const char usage_hour_sql[] =
	"SELECT d.hour_at, " CODE NAME
	ENERGY("d.qty") "energy_wh, " WATER("d.qty") "volume_l,"
	" CAST(SUM(d.charge) AS SIGNED) AS charge, "
	ENERGY("d.last_qty") "last_energy_wh, " WATER("d.last_qty") "last_volume_l,"
	" CAST(SUM(d.last_charge) AS SIGNED) AS last_charge FROM ("
	"SELECT u.hour_at, u.meter_id, '' AS rate, u.qty_milli AS qty, u.charge_nano AS charge,"
	" 0 AS last_qty, 0 AS last_charge" HOURS
	" UNION ALL SELECT u.hour_at + 86400000, u.meter_id, '', 0, 0, u.qty_milli, u.charge_nano"
	" FROM usage_hour u WHERE u.hour_at >= ? - 86400000 AND u.hour_at < ? - 86400000) d" WHOSE
	" LEFT JOIN contract_point cp ON cp.supply_point_id = m.supply_point_id"
	" AND d.hour_at >= cp.from_at AND (cp.to_at = 0 OR d.hour_at < cp.to_at)"
	" LEFT JOIN contract c ON c.id = cp.contract_id LEFT JOIN tenant t ON t.id = c.tenant_id"
	" WHERE sp.site_id = ? GROUP BY d.hour_at, code, m.role, m.utility"
	" ORDER BY d.hour_at, code, m.role, m.utility";

/* What a meter counted against what those right below it did, by the metering tree of today. */
#define BOOKED "u.sealed IN (0, 1) AND u.book_day BETWEEN ? AND ?"
#define LOST(utility, what) "IF(a.utility = '" utility "', " what ", " REPORT_NONE_SQL ") AS "
const char losses_sql[] =
	"SELECT x.day, a.code AS meter, a.name, COALESCE(ar.name, '') AS area, a.utility, x.meters_below, "
	LOST("electricity", "x.own") "energy_wh, "
	LOST("electricity", "x.below") "below_wh, "
	LOST("electricity", "x.own - x.below") "lost_wh, "
	LOST("water", "x.own") "volume_l, "
	LOST("water", "x.below") "below_l, "
	LOST("water", "x.own - x.below") "lost_l,"
	" IF(x.own > 0, (x.own - x.below) * 1000 DIV x.own, " REPORT_NONE_SQL ") AS lost_permille FROM ("
	"SELECT d.day, d.id, CAST(SUM(d.own) AS SIGNED) AS own, CAST(SUM(d.below) AS SIGNED) AS below,"
	" (SELECT COUNT(*) FROM meter n WHERE n.parent_id = d.id) AS meters_below FROM ("
	"SELECT u.book_day AS day, m.id, SUM(u.qty_milli) AS own, 0 AS below FROM usage_day u"
	" JOIN meter m ON m.id = u.meter_id WHERE EXISTS (SELECT 1 FROM meter k WHERE k.parent_id = m.id)"
	" AND " BOOKED " GROUP BY 1, 2"
	" UNION ALL SELECT u.book_day, m.parent_id, 0, SUM(u.qty_milli) FROM usage_day u"
	" JOIN meter m ON m.id = u.meter_id WHERE m.parent_id IS NOT NULL AND " BOOKED " GROUP BY 1, 2"
	") d GROUP BY d.day, d.id) x JOIN meter a ON a.id = x.id"
	" JOIN supply_point sp ON sp.id = a.supply_point_id LEFT JOIN area ar ON ar.id = a.area_id"
	" WHERE sp.site_id = ? ORDER BY x.day, a.code";

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
	" WHERE sp.site_id = ? AND m.utility = 'electricity' AND m.role <> 'incomer'"
	" AND s.of BETWEEN " MONTH_OF("?") " AND " MONTH_OF("?") " GROUP BY s.of, tenant) x ORDER BY x.period, x.tenant";
/* clang-format on */
