/* The list of reports. To add one is to add a row, its columns and its statement. */
#include "report/columns.h"

#define YEAR 366

/* clang-format off */
const struct report_kind reports[] = {
	{ "vending-day", "售电日报", "Sales by day", &vending_columns, YEAR, 0, false, false,
		report_sql, vending_day_sql, "sft" },
	{ "vending-month", "售电月报", "Sales by month", &vending_columns, 10 * YEAR, 'm', false, false,
		report_sql, vending_month_sql, "sft" },
	{ "vending-year", "售电年报", "Sales by year", &vending_columns, 20 * YEAR, 'y', false, false,
		report_sql, vending_year_sql, "sft" },
	{ "vending-operator", "收银交班报表", "Shifts of operators", &operator_columns, YEAR, 0, false, false,
		report_sql, operator_sql, "sft" },
	{ "purchases", "商户购用报表", "Purchases and use", &purchases_columns, YEAR, 0, false, false,
		report_sql, purchases_sql, "sftsmMhHkKs" },
	{ "energy-money", "电量电费报表", "Energy and money", &energy_money_columns, YEAR, 0, false, false,
		energy_money_rows, NULL, "" },
	{ "usage-hour", "用量时报", "Use by hour", &usage_hour_columns, 31, 0, true, true,
		report_sql, usage_hour_sql, "yyyybesyyyybe" },
	{ "usage-day", "用量日报", "Use by day", &usage_columns, YEAR, 0, true, false,
		report_sql, usage_day_sql, "yyyyftsyyyyft" },
	{ "usage-month", "用量月报", "Use by month", &usage_columns, 5 * YEAR, 'm', true, false,
		report_sql, usage_month_sql, "yyyysmMhHkKsyyyyft" },
	{ "shares", "公摊报表", "Shared energy", &shares_columns, YEAR, 0, false, false,
		report_sql, shares_sql, "sbesbe" },
	{ "fees", "物业费报表", "Fees", &fees_columns, YEAR, 0, false, false,
		report_sql, fees_sql, "sft" },
	{ "debtors", "欠费报表", "Debtors", &debtors_columns, 20 * YEAR, 0, false, false,
		debtors_rows, NULL, "" },
	{ "supply-actions", "通断操作报表", "Acts on supply", &supply_columns, YEAR, 0, false, true,
		report_sql, supply_sql, "sbe" },
	{ "outages", "通信中断报表", "Outages", &outages_columns, YEAR, 0, false, true,
		report_sql, outages_sql, "bnenebsbe" },
	{ "communication", "通信质量报表", "Communication", &communication_columns, YEAR, 0, false, true,
		communication_rows, NULL, "" },
	{ "losses", "线损报表", "Losses", &losses_columns, YEAR, 0, false, false,
		report_sql, losses_sql, "ftfts" },
	{ "peaks", "负荷峰值报表", "Load peaks", &peaks_columns, 92, 0, false, true,
		peaks_rows, NULL, "" },
	{ "carbon", "碳排放报表", "Carbon", &carbon_columns, 5 * YEAR, 'm', false, false,
		report_sql, carbon_sql, "ssmMhHkKsft" },
};
/* clang-format on */
const size_t reports_n = ARRAY_LEN(reports);
