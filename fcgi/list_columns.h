#pragma once
/* Lists as sheets: columns out of the schema of an item. */
#include "fcgi/schema.h"
#include "report/table.h"

struct list_column {
	char path[128]; /* of the member in an item: "tenant.name" */
	char title[160];
	enum column_kind kind;
};
struct list_columns {
	struct list_column at[REPORT_COLUMNS_MAX];
	struct column columns[REPORT_COLUMNS_MAX]; /* the same for the writers */
	size_t n;
};
/* From the schema of an item: nested objects are dotted paths. ERR_TOO_LARGE: too many. */
MUST_USE enum err list_columns_make(
	const struct schemas *s, const char *schema, bool english, struct list_columns *out);
/* The item into the cells of the row that is made now. */
void list_cells_fill(const struct list_columns *c, const json_t *item, struct table *t);

/* What people call a member of an item, and how a sheet shows it. */
struct list_title {
	const char *name; /* of the member */
	const char *zh, *en;
	enum column_kind kind; /* COLUMN_TEXT: as its schema says */
};
/* NULL: it has none. */
const struct list_title *list_title_find(const char *name);
