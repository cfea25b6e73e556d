#include "import/book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "sheet/sheet.h"

#define BLOCK (256u << 10)
#define VALUE_TOLD_MAX 256 /* bytes of a value in an error */

/* Texts live as long as the book. */
struct book_block {
	struct book_block *next;
	size_t used, size;
	char bytes[];
};

static void *book_take(struct book *b, size_t n)
{
	struct book_block *k = b->blocks;

	n = (n + 7) / 8 * 8;
	if (!k || k->size - k->used < n) {
		size_t size = n > BLOCK ? n : BLOCK;

		k = malloc(sizeof(*k) + size);
		ASSERT(k);
		*k = (struct book_block){ .next = b->blocks, .size = size };
		b->blocks = k;
	}
	k->used += n;
	return k->bytes + k->used - n;
}

const char *book_text(struct book *b, const char *text)
{
	size_t n = strlen(text) + 1;

	return memcpy(book_take(b, n), text, n);
}

void book_free(struct book *b)
{
	while (b->blocks) {
		struct book_block *next = b->blocks->next;

		free(b->blocks);
		b->blocks = next;
	}
	for (int i = 0; i < SHEET__MAX; i++)
		free(b->sheets[i].rows);
	free(b->errors);
	*b = (struct book){ .error_n = 0 };
}

struct book_row *book_add(struct book *b, enum sheet_id sheet, int64_t row)
{
	const struct sheet_layout *l = &sheet_layouts[sheet];
	struct book_sheet *s = &b->sheets[sheet];
	const char **values = book_take(b, l->n * sizeof(*values));

	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->rows = realloc(s->rows, s->cap * sizeof(*s->rows));
		ASSERT(s->rows);
	}
	for (size_t i = 0; i < l->n; i++)
		values[i] = "";
	s->present = true;
	s->rows[s->n] = (struct book_row){ .row = row, .values = values };
	return &s->rows[s->n++];
}

char *book_key(enum sheet_id sheet, const struct book_row *row)
{
	GString *key = g_string_new(NULL);

	for (size_t i = 0; i < sheet_layouts[sheet].key_n; i++) {
		if (!row->values[i]) {
			g_string_free(key, TRUE);
			return NULL;
		}
		g_string_append_printf(key, "%s%s", i ? "\n" : "", row->values[i]);
	}
	return g_string_free(key, FALSE);
}

/* ---- errors ---- */

/* So much of it that a person knows it again. */
static const char *told(struct book *b, const char *value)
{
	char part[VALUE_TOLD_MAX + 1];
	size_t n = strlen(value);

	if (n <= VALUE_TOLD_MAX)
		return book_text(b, value);
	n = VALUE_TOLD_MAX - 3;
	while (n > 0 && ((unsigned char)value[n] & 0xC0) == 0x80)
		n--;
	snprintf(part, sizeof(part), "%.*s…", (int)n, value);
	return book_text(b, part);
}

static void add_error(struct book *b, const char *sheet, int64_t row, const char *column,
	const char *value, const struct refusal *why)
{
	if (b->error_n == BOOK_ERRORS_MAX) {
		b->errors_untold++;
		return;
	}
	if (b->error_n == b->error_cap) {
		b->error_cap = b->error_cap ? b->error_cap * 2 : 16;
		b->errors = realloc(b->errors, b->error_cap * sizeof(*b->errors));
		ASSERT(b->errors);
	}
	b->errors[b->error_n++] = (struct book_error){ .sheet = book_text(b, sheet),
		.column = book_text(b, column ? column : ""),
		.value = told(b, value ? value : ""),
		.row = row,
		.why = *why };
}

void book_error(struct book *b, enum sheet_id sheet, int64_t row, const char *column,
	const char *value, const struct refusal *why)
{
	add_error(b, sheet_layouts[sheet].en, row, column, value, why);
}

void book_refuse(struct book *b, enum sheet_id sheet, const struct book_row *row, size_t column,
	enum err e, const char *zh, const char *en)
{
	struct refusal why;

	(void)refuse(&why, e, zh, en);
	book_error(b, sheet, row->row, sheet_layouts[sheet].columns[column].en, row->values[column],
		&why);
}

void book_error_of_file(struct book *b, const struct refusal *why)
{
	add_error(b, "", 0, NULL, NULL, why);
}

static int place_of(const char *sheet)
{
	return (int)sheet_find(sheet);
}

static int by_place(const void *a, const void *b)
{
	const struct book_error *x = a, *y = b;
	int order = place_of(x->sheet) - place_of(y->sheet);

	if (order == 0)
		order = (x->row > y->row) - (x->row < y->row);
	return order ? order : strcmp(x->column, y->column);
}

json_t *book_errors_json(struct book *b, bool chinese)
{
	json_t *list = json_array();

	if (b->error_n)
		qsort(b->errors, b->error_n, sizeof(*b->errors), by_place);
	for (size_t i = 0; i < b->error_n; i++) {
		const struct book_error *e = &b->errors[i];

		json_array_append_new(list,
			json_pack("{s:s, s:I, s:s, s:s, s:s, s:s}", "sheet", e->sheet, "row",
				(json_int_t)e->row, "column", e->column, "value", e->value, "code",
				err_word(e->why.e), "message", chinese ? e->why.zh : e->why.en));
	}
	return list;
}

/* ---- reading ---- */

struct reading {
	struct book *b;
	enum sheet_id id; /* SHEET__MAX: a sheet that is not read */
	char name[128];	  /* as the file calls it */
	bool told;	  /* that there is no such sheet */
	size_t rows;	  /* of all sheets */
};

/* Explanations for people, which the template has too. */
static bool is_for_people(const char *name)
{
	return str_eq(name, "说明") || str_eq(name, "readme");
}

static enum err on_sheet(void *ctx, const char *name, struct problem *why)
{
	struct reading *r = ctx;
	AUTO(buf_free) struct buf clean = { 0 };

	(void)why;
	value_clean(name, &clean);
	r->id = sheet_find(clean.text);
	r->told = is_for_people(clean.text);
	snprintf(r->name, sizeof(r->name), "%s", clean.text);
	if (r->id == SHEET__MAX || !r->b->sheets[r->id].present)
		return ERR_OK;
	return problem_set(why, ERR_BAD_VALUE, r->name, "this sheet comes twice");
}

/* A sheet of another name with something in it. */
static void tell_unknown_sheet(struct reading *r, int64_t row)
{
	struct refusal why;

	if (r->told)
		return;
	r->told = true;
	(void)refuse(&why, ERR_UNKNOWN_FIELD, "没有这样的工作表", "there is no such sheet");
	add_error(r->b, r->name, row, NULL, r->name, &why);
}

static void take_header(struct reading *r, const struct sheet_layout *l, struct book_sheet *s,
	size_t place, const char *text)
{
	AUTO(buf_free) struct buf name = { 0 };
	struct refusal why;
	size_t c;

	value_clean(text, &name);
	if (name.len == 0)
		return;
	while (name.len && name.text[name.len - 1] == '*') /* the template marks what is required */
		name.text[--name.len] = '\0';
	c = column_find(l, name.text);
	if (c < l->n && !s->at[c]) {
		s->at[c] = place + 1;
		return;
	}
	if (c < l->n)
		(void)refuse(&why, ERR_ALREADY, "列重复", "this column comes twice");
	else
		(void)refuse(&why, ERR_UNKNOWN_FIELD, "没有这一列", "there is no such column");
	book_error(r->b, r->id, s->header_row, name.text, name.text, &why);
}

static void read_header(
	struct reading *r, struct book_sheet *s, int64_t row, const struct cell *cells, size_t n)
{
	const struct sheet_layout *l = &sheet_layouts[r->id];
	struct refusal why;

	s->present = true;
	s->header_row = row;
	for (size_t i = 0; i < n; i++)
		take_header(r, l, s, i, cells[i].text);
	(void)refuse(&why, ERR_MISSING_FIELD, "缺少这一列", "this column is missing");
	for (size_t c = 0; c < l->n; c++)
		if (l->columns[c].required && !s->at[c])
			book_error(r->b, r->id, row, l->columns[c].en, "", &why);
}

static const char *read_cell(
	struct reading *r, const struct column *c, int64_t row, const struct cell *cell)
{
	AUTO(buf_free) struct buf out = { 0 };
	struct refusal why = { .e = ERR_OK };
	const char *text = cell ? cell->text : "";

	if (cell && cell->kind == CELL_ERROR)
		(void)refuse(&why, ERR_BAD_VALUE, "单元格是错误值", "the cell shows an error");
	else if (value_take(c, text, &out, &why) == ERR_OK)
		return out.len ? book_text(r->b, out.text) : "";
	book_error(r->b, r->id, row, c->en, text, &why);
	return NULL;
}

/* Cells under no header are somebody's notes, unless they stand beside the columns. */
static enum err read_row(struct reading *r, struct book_sheet *s, int64_t row,
	const struct cell *cells, size_t n, struct problem *why)
{
	const struct sheet_layout *l = &sheet_layouts[r->id];
	struct book_row *out;

	if (++r->rows > BOOK_ROWS_MAX)
		return problem_set(why, ERR_TOO_LARGE, r->name, "more than %d rows", BOOK_ROWS_MAX);
	out = book_add(r->b, r->id, row);
	for (size_t c = 0; c < l->n; c++) {
		size_t at = s->at[c];

		if (!at) /* that it is missing is told once, at the header */
			out->values[c] = l->columns[c].required ? NULL : "";
		else
			out->values[c] =
				read_cell(r, &l->columns[c], row, at <= n ? &cells[at - 1] : NULL);
	}
	return ERR_OK;
}

static bool is_blank_row(const struct cell *cells, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		AUTO(buf_free) struct buf clean = { 0 };

		value_clean(cells[i].text, &clean);
		if (clean.len)
			return false;
	}
	return true;
}

static enum err on_row(
	void *ctx, int64_t row, const struct cell *cells, size_t n, struct problem *why)
{
	struct reading *r = ctx;
	struct book_sheet *s;

	if (is_blank_row(cells, n))
		return ERR_OK;
	if (r->id == SHEET__MAX) {
		tell_unknown_sheet(r, row);
		return ERR_OK;
	}
	s = &r->b->sheets[r->id];
	if (s->present)
		return read_row(r, s, row, cells, n, why);
	read_header(r, s, row, cells, n);
	return ERR_OK;
}

enum err book_read(
	const char *name, const char *bytes, size_t n, struct book *out, struct problem *why)
{
	struct reading r = { .b = out, .id = SHEET__MAX };

	return sheet_read(name, bytes, n, &(struct sheet_reader){ &r, on_sheet, on_row }, why);
}
