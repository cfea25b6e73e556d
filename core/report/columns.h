#pragma once
/* Columns and statements of the reports, for the list in reports.c. */
#include "domain/scope.h"
#include "report/report.h"

#define SITE                                                                                       \
	{                                                                                          \
		"site", "项目", "Site", COLUMN_TEXT, 0                                             \
	}
/* The days of a span that its sums do not have: hHkK. */
#define DAYS_LEFT(day) "(" day " BETWEEN ? AND ? OR " day " BETWEEN ? AND ?)"
/* Where rows are of the sums of a span, and where of the days that these do not have: smM, hHkK. */
#define IN_MONTHS "site_id = ? AND month BETWEEN ? AND ?"
#define IN_DAYS "u.sealed IN (0, 1) AND " DAYS_LEFT("u.book_day")
/* What the caller sees of a site: of a meter m, or by a contract: v. */
#define SEES_METER " AND ? IN (sp.site_id, " SEEN_AREA("m.area_id") ")"
#define SEES_CONTRACT(site, id) " AND ? IN (" site ", " SEEN_CONTRACT(id) ")"
#define COLUMNS(name) const struct columns name = { name##_list, ARRAY_LEN(name##_list) }

extern const struct columns vending_columns, operator_columns, purchases_columns,
	energy_money_columns, usage_columns, usage_hour_columns, shares_columns, fees_columns,
	debtors_columns, supply_columns, outages_columns, communication_columns, losses_columns,
	peaks_columns, carbon_columns;
extern const char vending_day_sql[], vending_month_sql[], vending_year_sql[], operator_sql[],
	purchases_sql[], usage_day_sql[], usage_days_sql[], losses_days_sql[], usage_month_sql[],
	shares_sql[], fees_sql[], supply_sql[], outages_sql[], losses_sql[], carbon_sql[];

enum err usage_hour_rows(struct report_run *r);
enum err usage_day_rows(struct report_run *r);
enum err energy_money_rows(struct report_run *r);
enum err debtors_rows(struct report_run *r);
enum err communication_rows(struct report_run *r);
enum err peaks_rows(struct report_run *r);
