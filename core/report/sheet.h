#pragma once
/* How rows are written. One struct for all formats; each format is a row of a list. */
#include "report/report.h"

struct report_sheet;

struct report_format {
	const char *name, *type;
	enum err (*begin)(struct report_sheet *s);
	enum err (*row)(struct report_sheet *s, const struct report_run *r);
	/* s->sums and s->total are complete; leaves the whole in s->file. */
	enum err (*end)(struct report_sheet *s);
};
extern const struct report_format report_json, report_csv, report_xlsx;

struct xlsx;

struct report_sheet {
	const struct report_ask *ask;
	const struct report_format *format;
	char first[DAY_TEXT_MAX], last[DAY_TEXT_MAX];
	bool final;
	bool plain;    /* no line of totals */
	int64_t total; /* rows so far */
	int64_t sums[REPORT_COLUMNS_MAX];
	FILE *file;
	struct xlsx *xlsx;
};
/* "" is json. ERR_BAD_VALUE: there is no such format. */
MUST_USE enum err report_format_find(
	const char *name, const struct report_format **out, struct problem *why);
void sheet_free(struct report_sheet *s);
void xlsx_free(struct xlsx **x);

const char *column_title(const struct report_sheet *s, const struct column *c);
bool column_is_text(const struct column *c);
/* A number as decimal text in the unit of sheets: "12.345", "0.125"; not for text and time. */
const char *column_decimal(const struct column *c, int64_t value, char buf[static MONEY_TEXT_MAX]);
