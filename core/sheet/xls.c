/* Workbooks of Excel 97 to 2003: BIFF8 records, as MS-XLS describes them. Only what a cell shows is
 * read: formulas by the value that was kept with them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sheet/sheet.h"
#include "sheet/value.h"
#include "sheet/xls_inside.h"

#define BIFF8 0x0600
#define CELLS_MAX 4000000
#define SHEETS_MAX 64
#define XFS_MAX 65536
#define STRINGS_MAX 4000000

enum record {
	R_FORMULA = 0x06,
	R_EOF = 0x0A,
	R_DATEMODE = 0x22,
	R_FILEPASS = 0x2F,
	R_CONTINUE = 0x3C,
	R_BOUNDSHEET = 0x85,
	R_MULRK = 0xBD,
	R_RSTRING = 0xD6,
	R_XF = 0xE0,
	R_SST = 0xFC,
	R_LABELSST = 0xFD,
	R_NUMBER = 0x203,
	R_LABEL = 0x204,
	R_BOOLERR = 0x205,
	R_STRING = 0x207,
	R_RK = 0x27E,
	R_FORMAT = 0x41E,
	R_BOF = 0x809,
};

struct tab {
	uint32_t at; /* of its BOF in the stream */
	struct buf name;
	bool is_sheet;
};

struct place { /* of a cell, and of its text in texts */
	uint16_t row, column;
	enum cell_kind kind;
	size_t text;
};

struct xls {
	struct bytes stream;
	struct tab tabs[SHEETS_MAX];
	size_t tab_n;
	bool from_1904;
	bool *format_is_date; /* by number */
	uint16_t *xf_format;
	size_t xf_n;
	struct buf strings;
	size_t *string_at;
	size_t string_n;

	struct place *cells; /* of the sheet under way */
	size_t cell_n, cell_cap;
	struct buf texts;
	bool wants_string; /* the last formula's text comes in a record of its own */
	struct problem *why;
};

static void xls_free(struct xls *x)
{
	for (size_t i = 0; i < x->tab_n; i++)
		buf_free(&x->tabs[i].name);
	free(x->format_is_date);
	free(x->xf_format);
	buf_free(&x->strings);
	free(x->string_at);
	free(x->cells);
	buf_free(&x->texts);
}

static enum err damaged(const struct xls *x, const char *what)
{
	return problem_set(x->why, ERR_BAD_VALUE, "", "the workbook is damaged: %s", what);
}

/* ---- records and their texts ---- */

struct rec {
	uint16_t kind;
	struct bytes body;
};

/* The record at *at, which moves behind it. */
static bool next_record(const struct xls *x, size_t *at, struct rec *out)
{
	size_t n;

	if (x->stream.n < 4 || *at > x->stream.n - 4)
		return false;
	n = u16_at(x->stream, *at + 2);
	if (n > x->stream.n - *at - 4)
		return false;
	*out = (struct rec){ u16_at(x->stream, *at), { x->stream.at + *at + 4, n } };
	*at += 4 + n;
	return true;
}

/* Bytes that may run on over CONTINUE records. */
struct run {
	const struct xls *x;
	struct bytes left; /* of the record under way */
	size_t next;	   /* where the record behind it begins */
};

static bool run_on(struct run *r)
{
	struct rec c;

	if (!next_record(r->x, &r->next, &c) || c.kind != R_CONTINUE)
		return false;
	r->left = c.body;
	return true;
}

static bool take(struct run *r, size_t n, uint32_t *out)
{
	uint32_t v = 0;

	for (size_t i = 0; i < n; i++) {
		while (r->left.n == 0)
			if (!run_on(r))
				return false;
		v |= (uint32_t)*r->left.at++ << 8 * i;
		r->left.n--;
	}
	*out = v;
	return true;
}

static bool skip(struct run *r, size_t n)
{
	while (n > 0) {
		size_t step = n < r->left.n ? n : r->left.n;

		r->left.at += step;
		r->left.n -= step;
		n -= step;
		if (n > 0 && !run_on(r))
			return false;
	}
	return true;
}

/* n characters, one or two bytes each; where they run on, the width is told anew. */
static bool take_chars(struct run *r, size_t n, bool wide, struct buf *out)
{
	uint16_t high = 0;
	uint32_t c, flags;

	while (n-- > 0) {
		if (r->left.n == 0) {
			if (!run_on(r) || !take(r, 1, &flags))
				return false;
			wide = flags & 1;
		}
		if (!take(r, wide ? 2 : 1, &c))
			return false;
		utf16_add(out, (uint16_t)c, &high);
	}
	return true;
}

/* XLUnicodeRichExtendedString */
static bool take_text(struct run *r, struct buf *out)
{
	uint32_t n, flags, runs = 0, extra = 0;

	if (!take(r, 2, &n) || !take(r, 1, &flags) || (flags & 8 && !take(r, 2, &runs)) ||
		(flags & 4 && !take(r, 4, &extra)) || !take_chars(r, n, flags & 1, out))
		return false;
	return skip(r, (size_t)runs * 4 + extra);
}

/* A text inside one record, with its length in 1 or 2 bytes. */
static bool text_in(const struct xls *x, struct bytes b, size_t length_bytes, struct buf *out)
{
	struct run r = { x, b, x->stream.n };
	uint32_t n, flags;

	return take(&r, length_bytes, &n) && take(&r, 1, &flags) &&
	       take_chars(&r, n, flags & 1, out);
}

/* ---- the workbook ---- */

static enum err take_tab(struct xls *x, struct bytes b)
{
	struct tab *t = &x->tabs[x->tab_n];

	if (x->tab_n == SHEETS_MAX)
		return problem_set(x->why, ERR_TOO_LARGE, "", "there are too many sheets");
	if (b.n < 8)
		return damaged(x, "a sheet's record is short");
	*t = (struct tab){ .at = u32_at(b, 0), .is_sheet = b.at[5] == 0 };
	x->tab_n++;
	buf_adds(&t->name, "");
	return text_in(x, (struct bytes){ b.at + 6, b.n - 6 }, 1, &t->name)
		       ? ERR_OK
		       : damaged(x, "a sheet's name is cut off");
}

static enum err take_format(struct xls *x, struct bytes b)
{
	AUTO(buf_free) struct buf code = { 0 };

	if (b.n < 5)
		return damaged(x, "a number format is short");
	buf_adds(&code, "");
	if (!text_in(x, (struct bytes){ b.at + 2, b.n - 2 }, 2, &code))
		return damaged(x, "a number format is cut off");
	x->format_is_date[u16_at(b, 0)] = format_code_is_date(code.text);
	return ERR_OK;
}

static enum err take_strings(struct xls *x, struct bytes b, size_t next)
{
	struct run r = { x, b, next };
	uint32_t n = 0;

	if (!skip(&r, 4) || !take(&r, 4, &n) || n > STRINGS_MAX || n > x->stream.n)
		return damaged(x, "the shared texts are cut off");
	x->string_at = calloc((size_t)n + 1, sizeof(*x->string_at));
	ASSERT(x->string_at);
	for (x->string_n = 0; x->string_n < n; x->string_n++) {
		x->string_at[x->string_n] = x->strings.len;
		if (!take_text(&r, &x->strings))
			return damaged(x, "a shared text is cut off");
		buf_add(&x->strings, "", 1);
	}
	return ERR_OK;
}

static enum err take_global(struct xls *x, const struct rec *r, size_t next)
{
	switch (r->kind) {
	case R_FILEPASS:
		return problem_set(
			x->why, ERR_BAD_VALUE, "", "the workbook is protected by a password");
	case R_DATEMODE:
		x->from_1904 = r->body.n >= 2 && u16_at(r->body, 0) == 1;
		return ERR_OK;
	case R_BOUNDSHEET:
		return take_tab(x, r->body);
	case R_FORMAT:
		return take_format(x, r->body);
	case R_XF:
		if (r->body.n >= 4 && x->xf_n < XFS_MAX)
			x->xf_format[x->xf_n++] = u16_at(r->body, 2);
		return ERR_OK;
	case R_SST:
		return x->string_at ? damaged(x, "shared texts come twice")
				    : take_strings(x, r->body, next);
	default:
		return ERR_OK;
	}
}

static enum err read_globals(struct xls *x)
{
	struct rec r;
	size_t at = 0;
	enum err e;

	if (!next_record(x, &at, &r) || r.kind != R_BOF || r.body.n < 4)
		return damaged(x, "it does not begin as one");
	if (u16_at(r.body, 0) != BIFF8)
		return problem_set(x->why, ERR_BAD_VALUE, "",
			"the workbook is older than Excel 97; save it as .xlsx");
	x->format_is_date = calloc(65536, sizeof(bool));
	x->xf_format = calloc(XFS_MAX, sizeof(uint16_t));
	ASSERT(x->format_is_date && x->xf_format);
	for (int64_t i = 0; i < 65536; i++)
		x->format_is_date[i] = format_is_date(i);
	while (next_record(x, &at, &r) && r.kind != R_EOF) {
		e = take_global(x, &r, at);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

/* ---- cells ---- */

static enum err add_cell(
	struct xls *x, uint16_t row, uint16_t column, enum cell_kind kind, const char *text)
{
	if (!*text)
		return ERR_OK;
	if (column >= SHEET_COLUMNS_MAX)
		return problem_set(x->why, ERR_TOO_LARGE, "", "row %d: too many columns", row + 1);
	if (strlen(text) > SHEET_TEXT_MAX || x->cell_n == CELLS_MAX ||
		x->texts.len > SHEET_BYTES_MAX)
		return problem_set(x->why, ERR_TOO_LARGE, "", "row %d: too much text", row + 1);
	if (x->cell_n == x->cell_cap) {
		x->cell_cap = x->cell_cap ? x->cell_cap * 2 : 1024;
		x->cells = realloc(x->cells, x->cell_cap * sizeof(*x->cells));
		ASSERT(x->cells);
	}
	x->cells[x->cell_n++] = (struct place){ row, column, kind, x->texts.len };
	buf_add(&x->texts, text, strlen(text) + 1);
	return ERR_OK;
}

static bool shows_date(const struct xls *x, uint16_t xf)
{
	return xf < x->xf_n && x->format_is_date[x->xf_format[xf]];
}

static enum err add_number(struct xls *x, uint16_t row, uint16_t column, uint16_t xf, double v)
{
	char raw[48], plain[DECIMAL_MAX];

	snprintf(raw, sizeof(raw), "%.15g", v);
	if (shows_date(x, xf) && serial_text(raw, x->from_1904, plain))
		return add_cell(x, row, column, CELL_DATE, plain);
	if (decimal_text(raw, plain))
		return add_cell(x, row, column, CELL_NUMBER, plain);
	return add_cell(x, row, column, CELL_TEXT, raw);
}

static double double_at(struct bytes b, size_t at)
{
	uint64_t bits = (uint64_t)u32_at(b, at) | (uint64_t)u32_at(b, at + 4) << 32;
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

/* A number in 30 bits: an integer or the upper half of a double, perhaps a hundredfold. */
static double rk_value(uint32_t rk)
{
	uint64_t bits = (uint64_t)(rk & ~3U) << 32;
	double v;

	if (rk & 2)
		v = (double)((int32_t)rk >> 2);
	else
		memcpy(&v, &bits, sizeof(v));
	return rk & 1 ? v / 100 : v;
}

static enum err take_multiple(struct xls *x, struct bytes b)
{
	uint16_t row = u16_at(b, 0), column = u16_at(b, 2);
	enum err e = ERR_OK;

	for (size_t at = 4; e == ERR_OK && at + 8 <= b.n; at += 6)
		e = add_number(x, row, column++, u16_at(b, at), rk_value(u32_at(b, at + 2)));
	return e;
}

static enum err take_shared(struct xls *x, struct bytes b)
{
	uint32_t i = u32_at(b, 6);

	if (i >= x->string_n)
		return damaged(x, "a cell names a shared text that there is not");
	return add_cell(
		x, u16_at(b, 0), u16_at(b, 2), CELL_TEXT, x->strings.text + x->string_at[i]);
}

static const char *error_word(unsigned char code)
{
	static const struct {
		unsigned char code;
		const char *word;
	} words[] = { { 0x00, "#NULL!" }, { 0x07, "#DIV/0!" }, { 0x0F, "#VALUE!" },
		{ 0x17, "#REF!" }, { 0x1D, "#NAME?" }, { 0x24, "#NUM!" }, { 0x2A, "#N/A" } };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (words[i].code == code)
			return words[i].word;
	return "#ERROR";
}

static enum err add_truth(struct xls *x, struct bytes b, unsigned char value, bool error)
{
	return add_cell(x, u16_at(b, 0), u16_at(b, 2), error ? CELL_ERROR : CELL_TRUTH,
		error	? error_word(value)
		: value ? "TRUE"
			: "FALSE");
}

static enum err take_formula(struct xls *x, struct bytes b)
{
	if (u16_at(b, 12) != 0xFFFF)
		return add_number(x, u16_at(b, 0), u16_at(b, 2), u16_at(b, 4), double_at(b, 6));
	if (b.at[6] == 1 || b.at[6] == 2)
		return add_truth(x, b, b.at[8], b.at[6] == 2);
	x->wants_string = b.at[6] == 0;
	if (!x->wants_string)
		return ERR_OK;
	/* Its place now, its text with the next record. */
	return add_cell(x, u16_at(b, 0), u16_at(b, 2), CELL_TEXT, " ");
}

static enum err take_string(struct xls *x, struct bytes b, size_t next)
{
	AUTO(buf_free) struct buf text = { 0 };
	struct run r = { x, b, next };
	struct place *p;
	uint32_t n, flags;

	if (!x->wants_string || x->cell_n == 0)
		return ERR_OK;
	x->wants_string = false;
	buf_adds(&text, "");
	if (!take(&r, 2, &n) || !take(&r, 1, &flags) || !take_chars(&r, n, flags & 1, &text))
		return damaged(x, "the text of a formula is cut off");
	p = &x->cells[--x->cell_n];
	return add_cell(x, p->row, p->column, CELL_TEXT, text.text);
}

static enum err take_label(struct xls *x, struct bytes b)
{
	AUTO(buf_free) struct buf text = { 0 };

	buf_adds(&text, "");
	if (!text_in(x, (struct bytes){ b.at + 6, b.n - 6 }, 2, &text))
		return damaged(x, "the text of a cell is cut off");
	return add_cell(x, u16_at(b, 0), u16_at(b, 2), CELL_TEXT, text.text);
}

static enum err take_cell(struct xls *x, const struct rec *r, size_t next)
{
	static const struct {
		uint16_t kind;
		size_t least;
	} sizes[] = { { R_LABELSST, 10 }, { R_NUMBER, 14 }, { R_RK, 10 }, { R_MULRK, 12 },
		{ R_FORMULA, 20 }, { R_BOOLERR, 8 }, { R_LABEL, 9 }, { R_RSTRING, 9 } };
	struct bytes b = r->body;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		if (sizes[i].kind == r->kind && b.n < sizes[i].least)
			return damaged(x, "the record of a cell is short");
	switch (r->kind) {
	case R_LABELSST:
		return take_shared(x, b);
	case R_NUMBER:
		return add_number(x, u16_at(b, 0), u16_at(b, 2), u16_at(b, 4), double_at(b, 6));
	case R_RK:
		return add_number(
			x, u16_at(b, 0), u16_at(b, 2), u16_at(b, 4), rk_value(u32_at(b, 6)));
	case R_MULRK:
		return take_multiple(x, b);
	case R_FORMULA:
		return take_formula(x, b);
	case R_STRING:
		return take_string(x, b, next);
	case R_BOOLERR:
		return add_truth(x, b, b.at[6], b.at[7] != 0);
	case R_LABEL:
	case R_RSTRING:
		return take_label(x, b);
	default:
		return ERR_OK;
	}
}

/* ---- rows ---- */

static int by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->row != y->row)
		return x->row < y->row ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return x->text < y->text ? -1 : x->text > y->text;
}

static enum err tell_rows(struct xls *x, const struct sheet_reader *r)
{
	struct cell cells[SHEET_COLUMNS_MAX];
	size_t i = 0;
	enum err e = ERR_OK;

	if (x->cell_n)
		qsort(x->cells, x->cell_n, sizeof(*x->cells), by_place);
	while (e == ERR_OK && i < x->cell_n) {
		uint16_t row = x->cells[i].row;
		size_t n = 0;

		for (; i < x->cell_n && x->cells[i].row == row; i++) {
			const struct place *p = &x->cells[i];

			while (n <= p->column)
				cells[n++] = (struct cell){ CELL_EMPTY, "" };
			cells[p->column] = (struct cell){ p->kind, x->texts.text + p->text };
		}
		e = r->row(r->ctx, row + 1, cells, n, x->why);
	}
	return e;
}

static enum err read_tab(struct xls *x, const struct tab *t, const struct sheet_reader *r)
{
	struct rec rec;
	size_t at = t->at;
	int depth = 0; /* charts lie inside, with a beginning and an end of their own */
	enum err e = r->sheet(r->ctx, t->name.text, x->why);

	x->cell_n = 0;
	x->texts.len = 0;
	x->wants_string = false;
	if (e == ERR_OK && (!next_record(x, &at, &rec) || rec.kind != R_BOF))
		e = damaged(x, "a sheet does not begin where it should");
	while (e == ERR_OK && next_record(x, &at, &rec)) {
		if (rec.kind == R_BOF)
			depth++;
		else if (rec.kind == R_EOF && depth-- == 0)
			break;
		else if (depth == 0)
			e = take_cell(x, &rec, at);
	}
	return e == ERR_OK ? tell_rows(x, r) : e;
}

/* What lies in a compound file that holds no workbook as we know them. */
static enum err not_a_workbook(struct bytes file, struct problem *why)
{
	AUTO(buf_free) struct buf other = { 0 };

	if (ole_stream(file, "EncryptedPackage", &other, NULL) == ERR_OK)
		return problem_set(
			why, ERR_BAD_VALUE, "", "the workbook is protected by a password");
	other.len = 0;
	if (ole_stream(file, "Book", &other, NULL) == ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, "",
			"the workbook is older than Excel 97; save it as .xlsx");
	return problem_set(why, ERR_BAD_VALUE, "", "this is no workbook");
}

enum err sheet_read_xls(
	const char *bytes, size_t n, const struct sheet_reader *r, struct problem *why)
{
	AUTO(buf_free) struct buf stream = { 0 };
	AUTO(xls_free) struct xls x = { .why = why };
	struct bytes file = { (const unsigned char *)bytes, n };
	enum err e = ole_stream(file, "Workbook", &stream, why);

	if (e == ERR_NOT_FOUND)
		return not_a_workbook(file, why);
	if (e != ERR_OK)
		return e;
	x.stream = (struct bytes){ (const unsigned char *)stream.text, stream.len };
	e = read_globals(&x);
	for (size_t i = 0; e == ERR_OK && i < x.tab_n; i++)
		if (x.tabs[i].is_sheet)
			e = read_tab(&x, &x.tabs[i], r);
	return e;
}
