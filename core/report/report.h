#pragma once
/* Reports: rows of a list (reports.c), each a set of columns and a function, mostly one statement,
 * that hands on rows. Rows go straight into a file, so that a report of any length needs the same
 * memory. Days are book days of the site, unless a report says otherwise in docs/reports.md. */
#include <stdio.h>

#include "base/zone.h"
#include "db/db.h"

enum column_kind {
	COLUMN_TEXT,
	COLUMN_DAY,   /* text: 2026-11-22 */
	COLUMN_TIME,  /* utc ms; sheets show the local time of the site */
	COLUMN_QTY,   /* Wh, litres, grams: whole numbers in JSON, thousandths of the unit in sheets
		       */
	COLUMN_MONEY, /* nano-yuan */
	COLUMN_PRICE, /* millionths of a yuan */
	COLUMN_FEN,   /* yuan in sheets */
	COLUMN_PERMILLE, /* percent in sheets */
	COLUMN_COUNT
};

enum column_trait {
	COLUMN_SUMMED = 1,
	COLUMN_ABSENT = 2 /* may be absent: REPORT_NONE, or an empty text */
};

struct column {
	const char *name; /* in JSON, and of the statement's column */
	const char *zh, *en;
	enum column_kind kind;
	unsigned traits;
};

struct columns { /* of a report; the first is the site */
	const struct column *at;
	size_t n;
};

#define REPORT_COLUMNS_MAX 64
#define REPORT_TEXT_MAX 4096
#define REPORT_NONE INT64_MIN
#define REPORT_NONE_SQL "-9223372036854775808"

struct cells { /* by column: a number, or a text */
	int64_t n[REPORT_COLUMNS_MAX];
	char text[REPORT_COLUMNS_MAX][REPORT_TEXT_MAX];
};

/* A span of book days of a site: its whole months that have their sums (domain/monthsum.h), and the
 * days before and after these. An interval that is empty begins after its end. */
struct report_sums {
	int64_t first, last; /* 202611 */
	char head_first[DAY_TEXT_MAX], head_last[DAY_TEXT_MAX];
	char tail_first[DAY_TEXT_MAX], tail_last[DAY_TEXT_MAX];
};
MUST_USE enum err report_sums_find(
	struct db *db, int64_t site_id, struct day from, struct day to, struct report_sums *out);

struct report_run;

struct report_kind {
	const char *name;
	const char *zh, *en;
	const struct columns *columns;
	int64_t days_most;
	char whole;	     /* 'm' 'y': months or years that the span touches are told whole */
	bool by;	     /* grouped by meter, shop, area or rate */
	bool measured;	     /* not final by a seal, see docs/reports.md */
	bool areas;	     /* can be told of some areas of a site alone */
	const char *instead; /* of a span that is too long; NULL: less at a time */
	enum err (*run)(struct report_run *r);
	/* For report_sql(): columns of the result are those of the report behind the site. args has
	 * a letter for each ?: s site, v what the caller sees of it (domain/scope.h), f first day,
	 * t last day, b begin, e end (utc), n now, y by; of the sums of the span,
	 * which begins a month earlier in reports by month: m M first and last month, h H the days
	 * before them, k K those after. */
	const char *sql, *args;
	/* For spans of more than a quarter, with the same arguments; NULL: the same. */
	const char *sql_long;
};
extern const struct report_kind reports[];
extern const size_t reports_n;
const char *column_kind_word(enum column_kind k); /* "quantity" */
/* NULL: there is none of this name. */
const struct report_kind *report_find(const char *name, size_t n);

struct report_site {
	int64_t id;
	char code[129];
	char zone[64];
};

struct report_sheet;

struct report_run { /* of one site */
	struct db *db;
	const struct report_kind *report;
	struct report_site site;
	struct zone *zone;
	struct day from, to;
	char first[DAY_TEXT_MAX], last[DAY_TEXT_MAX];
	struct utc begins, ends; /* the span: begins <= t < ends */
	struct utc now;
	const char *by;
	struct report_sums sums;
	int64_t scope;	     /* of the caller: the site, or minus the user (domain/scope.h) */
	struct cells *cells; /* the row that is made now */
	struct report_sheet *sheet;
};

/* Hands on the row in r->cells, whose site is filled in. ERR_TOO_LARGE, ERR_OVERFLOW. */
MUST_USE enum err report_row(struct report_run *r);
/* Takes a text into a cell; what does not fit is cut. */
void report_text(struct report_run *r, size_t column, const char *text);
/* The statement of the report, row by row. */
MUST_USE enum err report_sql(struct report_run *r);

struct report_ask {
	const struct report_kind *report;
	struct day from, to;
	const char *site;    /* code; "": all that the caller sees */
	int64_t caller_site; /* 0: every site */
	int64_t areas_of;    /* the user who is confined to areas of that site; 0: nobody is */
	const char *by;	     /* meter shop area rate; "": meter */
	const char *format;  /* json xlsx csv; "": json */
	bool english;	     /* titles */
	struct utc now;
};
struct report_file {
	FILE *file; /* at its start; closed by the caller */
	const char *type;
	char name[96]; /* energy-money_2026-11-01_2026-11-30.xlsx */
};
#define REPORT_ROWS_MOST 1000000

/* Makes a report. The db is used alone meanwhile. ERR_NOT_FOUND: no such site for this caller;
 * ERR_OUT_OF_RANGE: too many days; ERR_TOO_LARGE: too many rows; ERR_FORBIDDEN: of the whole site,
 * and the caller is confined to areas; ERR_UNKNOWN_FIELD, ERR_BAD_VALUE.
 * The format and what is grouped by must be of their lists. */
MUST_USE enum err report_make(
	struct db *db, const struct report_ask *ask, struct report_file *out, struct problem *why);
