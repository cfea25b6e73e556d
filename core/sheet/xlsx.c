/* The sheets of an .xlsx workbook, row by row as they unfold. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sheet/value.h"
#include "sheet/xlsx_inside.h"

enum type { TYPE_NUMBER, TYPE_SHARED, TYPE_TEXT, TYPE_TRUTH, TYPE_ERROR, TYPE_DATE };

struct grid {
	const struct workbook *w;
	const struct sheet_reader *r;
	int64_t row;   /* of the row under way; 0: none yet */
	size_t column; /* of the cell under way */
	size_t next;   /* column of a cell that does not name its own */
	enum type type;
	bool is_date;
	bool in_value; /* <v>, or <t> of an inline text */
	int phonetic;
	bool any;		      /* the row has a cell that is not empty */
	size_t n;		      /* columns of the row */
	struct buf value;	      /* of the cell under way */
	struct buf texts;	      /* of the row, each with a NUL */
	size_t at[SHEET_COLUMNS_MAX]; /* where a cell's text begins in texts, plus 1; 0: empty */
	struct cell cells[SHEET_COLUMNS_MAX];
};

/* "AB12" to column 27 (from 0) and row 12. */
static bool reference(const char *r, size_t *column, int64_t *row)
{
	size_t c = 0;

	for (; *r >= 'A' && *r <= 'Z' && c < 100000; r++)
		c = c * 26 + (size_t)(*r - 'A') + 1;
	if (c == 0 || i64_parse(r, 1, SHEET_ROWS_MAX, row) != ERR_OK)
		return false;
	*column = c - 1;
	return true;
}

static void row_begin(struct xml *x, const char **attributes)
{
	struct grid *g = x->ctx;
	const char *r = xml_attribute(attributes, "r");
	int64_t row = g->row + 1;

	if (r && (i64_parse(r, 1, SHEET_ROWS_MAX, &row) != ERR_OK || row <= g->row)) {
		xml_fail(x, ERR_BAD_VALUE, "row %.20s stands out of order", r);
		return;
	}
	if (row > SHEET_ROWS_MAX) {
		xml_fail(x, ERR_TOO_LARGE, "there are too many rows");
		return;
	}
	g->row = row;
	g->next = 0;
	g->n = 0;
	g->any = false;
	g->texts.len = 0;
	memset(g->at, 0, sizeof(g->at));
}

static void row_end(struct xml *x)
{
	struct grid *g = x->ctx;
	enum err e;

	if (!g->any)
		return;
	for (size_t i = 0; i < g->n; i++) {
		if (!g->at[i])
			g->cells[i].kind = CELL_EMPTY;
		g->cells[i].text = g->at[i] ? g->texts.text + g->at[i] - 1 : "";
	}
	e = g->r->row(g->r->ctx, g->row, g->cells, g->n, x->package->why);
	if (e != ERR_OK) {
		x->e = e;
		XML_StopParser(x->parser, XML_FALSE);
	}
}

static enum type type_of(const char *t)
{
	static const struct {
		const char *word;
		enum type type;
	} types[] = { { "s", TYPE_SHARED }, { "str", TYPE_TEXT }, { "inlineStr", TYPE_TEXT },
		{ "b", TYPE_TRUTH }, { "e", TYPE_ERROR }, { "d", TYPE_DATE } };

	for (size_t i = 0; t && i < ARRAY_LEN(types); i++)
		if (str_eq(types[i].word, t))
			return types[i].type;
	return TYPE_NUMBER;
}

static void cell_begin(struct xml *x, const char **attributes)
{
	struct grid *g = x->ctx;
	const char *r = xml_attribute(attributes, "r"), *s = xml_attribute(attributes, "s");
	int64_t row = g->row, style = 0;

	g->column = g->next;
	if (r && (!reference(r, &g->column, &row) || row != g->row || g->column < g->next)) {
		xml_fail(x, ERR_BAD_VALUE, "row %lld: cell %.20s stands in the wrong place",
			(long long)g->row, r);
		return;
	}
	g->next = g->column + 1;
	g->type = type_of(xml_attribute(attributes, "t"));
	g->is_date = s && i64_parse(s, 0, INT64_MAX, &style) == ERR_OK &&
		     (size_t)style < g->w->style_n && g->w->style_is_date[style];
	g->value.len = 0;
}

/* Number and date cells; a number that makes no sense stays the text that it is. */
static const char *number(const struct grid *g, enum cell_kind *kind, char out[static DECIMAL_MAX])
{
	*kind = CELL_DATE;
	if (g->is_date && serial_text(g->value.text, g->w->from_1904, out))
		return out;
	*kind = CELL_NUMBER;
	if (decimal_text(g->value.text, out))
		return out;
	*kind = CELL_TEXT;
	return g->value.text;
}

/* "2026-03-01T00:00:00Z" of a strict workbook to "2026-03-01". */
static const char *iso_date(const char *v, char out[static DECIMAL_MAX])
{
	size_t n = strcspn(v, "T");

	snprintf(out, DECIMAL_MAX, "%.*s", n > 20 ? 20 : (int)n, v);
	if (v[n] && strncmp(v + n + 1, "00:00", 5) != 0)
		snprintf(out + strlen(out), DECIMAL_MAX - strlen(out), " %.8s", v + n + 1);
	return out;
}

static const char *shared(struct xml *x, const struct grid *g)
{
	int64_t i;

	if (i64_parse(g->value.text, 0, INT64_MAX, &i) == ERR_OK && (size_t)i < g->w->string_n &&
		g->w->string_at[i] < g->w->strings.len)
		return g->w->strings.text + g->w->string_at[i];
	xml_fail(x, ERR_BAD_VALUE, "row %lld: there is no shared text %.20s", (long long)g->row,
		g->value.text);
	return "";
}

static const char *value_of(
	struct xml *x, const struct grid *g, enum cell_kind *kind, char out[static DECIMAL_MAX])
{
	*kind = CELL_TEXT;
	switch (g->type) {
	case TYPE_NUMBER:
		return number(g, kind, out);
	case TYPE_SHARED:
		return shared(x, g);
	case TYPE_TRUTH:
		*kind = CELL_TRUTH;
		return str_eq(g->value.text, "1") ? "TRUE" : "FALSE";
	case TYPE_ERROR:
		*kind = CELL_ERROR;
		return g->value.text;
	case TYPE_DATE:
		*kind = CELL_DATE;
		return iso_date(g->value.text, out);
	case TYPE_TEXT:
		break;
	}
	return g->value.text;
}

static void cell_end(struct xml *x)
{
	struct grid *g = x->ctx;
	char plain[DECIMAL_MAX];
	enum cell_kind kind;
	const char *text;

	if (g->value.len == 0)
		return;
	text = value_of(x, g, &kind, plain);
	if (x->e != ERR_OK || !*text)
		return;
	if (g->column >= SHEET_COLUMNS_MAX || strlen(text) > SHEET_TEXT_MAX) {
		xml_fail(x, ERR_TOO_LARGE, "row %lld: %s", (long long)g->row,
			g->column >= SHEET_COLUMNS_MAX ? "too many columns" : "a cell is too long");
		return;
	}
	for (; g->n <= g->column; g->n++)
		g->cells[g->n] = (struct cell){ CELL_EMPTY, "" };
	g->cells[g->column].kind = kind;
	g->at[g->column] = g->texts.len + 1;
	buf_add(&g->texts, text, strlen(text) + 1);
	g->any = true;
}

static void on_start(struct xml *x, const char *name, const char **attributes)
{
	struct grid *g = x->ctx;

	if (str_eq(name, "row"))
		row_begin(x, attributes);
	else if (str_eq(name, "c"))
		cell_begin(x, attributes);
	else if (str_eq(name, "rPh"))
		g->phonetic++;
	else if (str_eq(name, "v") || str_eq(name, "t"))
		g->in_value = g->phonetic == 0;
}

static void on_end(struct xml *x, const char *name)
{
	struct grid *g = x->ctx;

	if (str_eq(name, "row"))
		row_end(x);
	else if (str_eq(name, "c"))
		cell_end(x);
	else if (str_eq(name, "rPh"))
		g->phonetic--;
	else if (str_eq(name, "v") || str_eq(name, "t"))
		g->in_value = false;
}

static void on_text(struct xml *x, const char *text, size_t n)
{
	struct grid *g = x->ctx;

	if (g->in_value && g->value.len <= SHEET_TEXT_MAX)
		buf_add(&g->value, text, n);
}

static enum err read_sheet(struct package *p, const struct workbook *w, const struct sheet_part *s,
	const struct sheet_reader *r)
{
	struct grid *g = calloc(1, sizeof(*g));
	struct xml x = { .ctx = g, .start = on_start, .end = on_end, .text = on_text };
	enum err e = r->sheet(r->ctx, s->name, p->why);

	ASSERT(g);
	g->w = w;
	g->r = r;
	if (e == ERR_OK)
		e = xml_read(p, s->part, &x);
	buf_free(&g->value);
	buf_free(&g->texts);
	free(g);
	return e;
}

enum err sheet_read_xlsx(
	const char *bytes, size_t n, const struct sheet_reader *r, struct problem *why)
{
	AUTO(package_close) struct package p = { .zip = NULL };
	AUTO(workbook_free) struct workbook w = { 0 };
	enum err e = package_open(bytes, n, &p, why);

	if (e == ERR_OK)
		e = workbook_read(&p, &w);
	for (size_t i = 0; e == ERR_OK && i < w.n; i++)
		if (w.sheets[i].part)
			e = read_sheet(&p, &w, &w.sheets[i], r);
	return e;
}
