#pragma once
/* Figures for watchers that stand in the database: one list, a query a figure. */
#include "db/db.h"

struct figure {
	const char *name; /* "yufu_outbox_messages"; one in _total counts, others are gauges */
	const char *help;
	const char *label; /* of its rows; NULL: it has one row without */
	struct query q;	   /* rows of struct figure_row; its one ? is the time now */
};
struct figure_row {
	char label[257];
	int64_t v;
};
extern const struct figure figures[];
extern const size_t figure_count;

MUST_USE enum err figure_rows(
	struct db *db, const struct figure *f, struct utc now, struct rows *out);
