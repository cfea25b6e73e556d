#pragma once
/* A sheet of any rows, without totals, by the same writers as the reports. */
#include "report/report.h"

struct table;

struct table_ask {
	const char *name;	 /* of the sheet, and in logs */
	struct columns columns;	 /* titles in the language wanted, twice */
	const char *format;	 /* xlsx or csv */
	const struct zone *zone; /* in which times are shown */
	struct day day;		 /* on which it is made */
};

/* The ask must live as long as the table. ERR_BAD_VALUE: no such format. */
MUST_USE enum err table_open(const struct table_ask *ask, struct table **out);
void table_free(struct table **t);
struct cells *table_cells(struct table *t); /* the row that is made now */
void table_text(struct table *t, size_t column, const char *text);
/* ERR_TOO_LARGE after REPORT_ROWS_MOST rows. */
MUST_USE enum err table_row(struct table *t);
/* The whole, at its start; the caller closes it. */
MUST_USE enum err table_end(struct table *t, FILE **file, const char **type);
