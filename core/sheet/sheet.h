#pragma once
/* Workbooks as people make them (.xlsx, .xls, .csv), read row by row as texts. The files come from
 * outside: sizes are capped while reading, and a damaged file is an error that says where. */
#include "base/err.h"

enum cell_kind { CELL_EMPTY, CELL_TEXT, CELL_NUMBER, CELL_DATE, CELL_TRUTH, CELL_ERROR };

struct cell {
	enum cell_kind kind;
	/* UTF-8, as a person sees it: of a number plain decimal ("12.5", at most 15 digits that
	 * count), of a date "2026-03-01", "2026-03-01 08:30:00" or "08:30:00"; "" when empty. */
	const char *text;
};

#define SHEET_COLUMNS_MAX 256
#define SHEET_ROWS_MAX 1048576
#define SHEET_TEXT_MAX 32767		    /* bytes of one cell */
#define SHEET_BYTES_MAX ((size_t)256 << 20) /* of all that a packed file unfolds to */

struct sheet_reader {
	void *ctx;
	/* A sheet begins. Any error ends the reading. */
	enum err (*sheet)(void *ctx, const char *name, struct problem *why);
	/* A row with at least one cell that is not empty, counted from 1 as the spreadsheet shows
	 * it; cells from column A on. They live until it returns. */
	enum err (*row)(
		void *ctx, int64_t row, const struct cell *cells, size_t n, struct problem *why);
};

/* Takes the kind of the file from its first bytes. name is the file's: the sheet of a CSV file is
 * named so ("meters.csv" is "meters"). ERR_BAD_VALUE when it cannot be read; why->field is the
 * part of the file. */
MUST_USE enum err sheet_read(const char *name, const char *bytes, size_t n,
	const struct sheet_reader *r, struct problem *why);

/* A cell of a CSV file that begins with one of these would be run as a formula, so writers put a '
 * before it; and before a ' that stands there already. Reading takes one of them off. */
#define CSV_FORMULA_SIGNS "=+-@\t\r"

/* The three of them. CSV: UTF-8 with or without mark, else GB18030; ',' ';' or tab. */
MUST_USE enum err sheet_read_csv(const char *name, const char *bytes, size_t n,
	const struct sheet_reader *r, struct problem *why);
MUST_USE enum err sheet_read_xlsx(
	const char *bytes, size_t n, const struct sheet_reader *r, struct problem *why);
MUST_USE enum err sheet_read_xls(
	const char *bytes, size_t n, const struct sheet_reader *r, struct problem *why);
