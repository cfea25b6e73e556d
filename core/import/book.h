#pragma once
/* A workbook as the import sees it: the rows of the sheets that it knows, each cell in its one
 * form, and everything that is wrong with it. */
#include "base/json.h"
#include "import/value.h"

struct book_row {
	int64_t row;	     /* the spreadsheet's own number; of rows of the database: the id */
	const char **values; /* by column of the layout; "" when empty, NULL when it was refused */
	const char *site;    /* rows of the database: at which site; NULL: not known, or none */
	int64_t link;	     /* rows of the database; see present.h */
	const char *doc;     /* tariffs of the database: their file, in one form */
	/* Of the database: a purse in which nothing has moved, a price that no meter ever had. */
	bool fresh;
};

struct book_sheet {
	bool present;
	int64_t header_row;
	size_t at[COLUMNS_MAX]; /* where a column stands in the file, plus 1; 0: it does not */
	struct book_row *rows;
	size_t n, cap;
};

struct book_error {
	const char *sheet, *column, *value;
	int64_t row;
	struct refusal why;
};

struct book {
	struct book_sheet sheets[SHEET__MAX];
	struct book_error *errors;
	size_t error_n, error_cap;
	size_t errors_untold;	   /* beyond BOOK_ERRORS_MAX */
	struct book_block *blocks; /* the texts */
};
#define BOOK_ERRORS_MAX 1000
#define BOOK_ROWS_MAX 200000 /* of all sheets */

void book_free(struct book *b); /* for AUTO() */

/* Reads a file into an empty book. ERR_BAD_VALUE and the like when it is no workbook; what is wrong
 * with cells is in out->errors, and no error here. */
MUST_USE enum err book_read(
	const char *name, const char *bytes, size_t n, struct book *out, struct problem *why);

/* A further row, with values that are all "". Row and values live as long as the book, the row's
 * address only until the next. */
struct book_row *book_add(struct book *b, enum sheet_id sheet, int64_t row);
/* A copy that lives as long as the book. */
const char *book_text(struct book *b, const char *text);
/* What names a row among those of its sheet, in one text; NULL when a part of it was refused. The
 * caller frees it with g_free(). */
char *book_key(enum sheet_id sheet, const struct book_row *row);

/* A further error of a cell; texts are copied. column NULL: of the whole row. */
void book_error(struct book *b, enum sheet_id sheet, int64_t row, const char *column,
	const char *value, const struct refusal *why);
/* The same about a value of a row. */
void book_refuse(struct book *b, enum sheet_id sheet, const struct book_row *row, size_t column,
	enum err e, const char *zh, const char *en);

/* About the file as a whole: no sheet, row 0. */
void book_error_of_file(struct book *b, const struct refusal *why);

/* [{"sheet", "row", "column", "value", "code", "message"}], in the order of sheets and rows. */
json_t *book_errors_json(struct book *b, bool chinese);
