/* The list of reports. To add one is to add a row, its columns and its statement. */
#include "report/columns.h"

#define YEAR 366

/* clang-format off */
const struct report_kind reports[] = {
	{ "vending-day", "售电日报", "Sales by day", &vending_columns, YEAR, 0, false, false, false, NULL,
		report_sql, vending_day_sql, "sft", NULL },
	{ "vending-month", "售电月报", "Sales by month", &vending_columns, 10 * YEAR, 'm', false, false, false, NULL,
		report_sql, vending_month_sql, "sft", NULL },
	{ "vending-year", "售电年报", "Sales by year", &vending_columns, 20 * YEAR, 'y', false, false, false, NULL,
		report_sql, vending_year_sql, "sft", NULL },
	{ "vending-operator", "收银交班报表", "Shifts of operators", &operator_columns, YEAR, 0, false, false, false, NULL,
		report_sql, operator_sql, "sft", NULL },
	{ "purchases", "商户购用报表", "Purchases and use", &purchases_columns, YEAR, 0, false, false, true, NULL,
		report_sql, purchases_sql, "sftsmMhHkKsv", NULL },
	{ "energy-money", "电量电费报表", "Energy and money", &energy_money_columns, YEAR, 0, false, false, true, NULL,
		energy_money_rows, NULL, "", NULL },
	{ "usage-hour", "用量时报", "Use by hour", &usage_hour_columns, 31, 0, true, true, true, "usage-day, usage-month, or by area",
		usage_hour_rows, NULL, "", NULL },
	{ "usage-day", "用量日报", "Use by day", &usage_columns, YEAR, 0, true, false, true, "usage-month, or by area or rate",
		usage_day_rows, usage_day_sql, "yyyyftsvyyyyft", usage_days_sql },
	{ "usage-month", "用量月报", "Use by month", &usage_columns, 5 * YEAR, 'm', true, false, true, NULL,
		report_sql, usage_month_sql, "yyyysmMhHkKsvyyyyft", NULL },
	{ "shares", "公摊报表", "Shared energy", &shares_columns, YEAR, 0, false, false, true, NULL,
		report_sql, shares_sql, "sbesbev", NULL },
	{ "fees", "物业费报表", "Fees", &fees_columns, YEAR, 0, false, false, true, NULL,
		report_sql, fees_sql, "sftv", NULL },
	{ "debtors", "欠费报表", "Debtors", &debtors_columns, 20 * YEAR, 0, false, false, true, NULL,
		debtors_rows, NULL, "", NULL },
	{ "supply-actions", "通断操作报表", "Acts on supply", &supply_columns, YEAR, 0, false, true, true, NULL,
		report_sql, supply_sql, "svbe", NULL },
	{ "outages", "通信中断报表", "Outages", &outages_columns, YEAR, 0, false, true, true, NULL,
		report_sql, outages_sql, "bnenebsvbe", NULL },
	{ "communication", "通信质量报表", "Communication", &communication_columns, YEAR, 0, false, true, true, NULL,
		communication_rows, NULL, "", NULL },
	{ "losses", "线损报表", "Losses", &losses_columns, YEAR, 0, false, false, true, NULL,
		report_sql, losses_sql, "sftsftssv", losses_days_sql },
	{ "peaks", "负荷峰值报表", "Load peaks", &peaks_columns, 92, 0, false, true, true, NULL,
		peaks_rows, NULL, "", NULL },
	{ "carbon", "碳排放报表", "Carbon", &carbon_columns, 5 * YEAR, 'm', false, false, true, NULL,
		report_sql, carbon_sql, "ssmMhHkKsvft", NULL },
};
/* clang-format on */
const size_t reports_n = ARRAY_LEN(reports);
