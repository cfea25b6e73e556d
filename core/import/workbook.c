#include "import/workbook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xlsxwriter.h>

#include "base/log.h"
#include "base/zone.h"
#include "sheet/sheet.h"

#define XLSX_BYTES_MAX ((size_t)512 << 20)
#define LIST_ROWS 20000	 /* so many rows below the header have lists to choose from */
#define NUMBER_DIGITS 15 /* a spreadsheet keeps so many */

struct writing {
	lxw_workbook *workbook;
	lxw_format *header, *required, *text, *date, *title;
};

/* ---- one cell ---- */

/* How people read a value: choices in Chinese. */
static const char *shown(const struct column *k, const char *v)
{
	if (k->kind != COL_CHOICE)
		return v;
	for (const struct choice *c = k->choices; c->word; c++)
		if (str_eq(c->word, v))
			return c->zh ? c->zh : v;
	return v;
}

static size_t digits(const char *v)
{
	size_t n = 0;

	for (; *v; v++)
		n += *v >= '0' && *v <= '9';
	return n;
}

static lxw_error write_date(
	struct writing *w, lxw_worksheet *s, lxw_row_t row, lxw_col_t col, const char *v)
{
	lxw_datetime d = { 0 };
	struct day day;

	if (day_parse(v, &day) != ERR_OK)
		return worksheet_write_string(s, row, col, v, w->text);
	civil_date(day.days, &d.year, &d.month, &d.day);
	return worksheet_write_datetime(s, row, col, &d, w->date);
}

static lxw_error write_cell(struct writing *w, lxw_worksheet *s, lxw_row_t row, lxw_col_t col,
	const struct column *k, const char *v)
{
	if (!v || !v[0])
		return LXW_NO_ERROR;
	if (k->kind == COL_DATE)
		return write_date(w, s, row, col, v);
	if ((k->kind == COL_WHOLE || k->kind == COL_DECIMAL) && digits(v) <= NUMBER_DIGITS)
		return worksheet_write_number(s, row, col, strtod(v, NULL), NULL);
	return worksheet_write_string(s, row, col, shown(k, v), w->text);
}

/* ---- lists to choose from ---- */

static void choose_word(lxw_worksheet *s, lxw_col_t col, const struct column *k)
{
	char *words[16] = { NULL };
	size_t n = 0;
	lxw_data_validation v = { .validate = LXW_VALIDATION_TYPE_LIST, .value_list = words };

	for (const struct choice *c = k->choices; c->word && n + 1 < ARRAY_LEN(words); c++)
		words[n++] = (char *)(uintptr_t)(c->zh ? c->zh : c->word);
	(void)worksheet_data_validation_range(s, 1, col, LIST_ROWS, col, &v);
}

/* ---- one sheet ---- */

static void write_header(struct writing *w, lxw_worksheet *s, const struct sheet_layout *l)
{
	for (size_t k = 0; k < l->n; k++) {
		const struct column *c = &l->columns[k];
		lxw_col_t col = (lxw_col_t)k;

		(void)worksheet_write_string(
			s, 0, col, c->zh, c->required ? w->required : w->header);
		(void)worksheet_set_column(s, col, col, c->kind == COL_TEXT ? 20 : 14,
			c->kind == COL_WHOLE || c->kind == COL_DECIMAL || c->kind == COL_DATE
				? NULL
				: w->text);
		if (c->kind == COL_CHOICE)
			choose_word(s, col, c);
	}
	worksheet_freeze_panes(s, 1, 1);
}

static lxw_error write_sheet(struct writing *w, const struct book *b, enum sheet_id sheet)
{
	const struct sheet_layout *l = &sheet_layouts[sheet];
	lxw_worksheet *s = workbook_add_worksheet(w->workbook, l->zh);
	lxw_error e = LXW_NO_ERROR;

	if (!s)
		return LXW_ERROR_MEMORY_MALLOC_FAILED;
	write_header(w, s, l);
	for (size_t i = 0; e == LXW_NO_ERROR && i < b->sheets[sheet].n; i++)
		for (size_t k = 0; e == LXW_NO_ERROR && k < l->n; k++)
			e = write_cell(w, s, (lxw_row_t)i + 1, (lxw_col_t)k, &l->columns[k],
				b->sheets[sheet].rows[i].values[k]);
	return e;
}

/* ---- what the columns mean ---- */

/* clang-format off */
static const char *const examples[SHEET__MAX][COLUMNS_MAX] = {
	[SHEET_SITES] = { "DY", "都匀商场", "Asia/Shanghai", "商铺" },
	[SHEET_AREAS] = { "DY-R1", "1号竖井", "DY", "DY-B1", "竖井", "12.5" },
	[SHEET_GATEWAYS] = { "G1", "1号网关", "DY", "DY-R1", "rtu-tcp", "10.0.0.5:502", "9600", "无" },
	[SHEET_TARIFFS] = { "shop-flat", "商铺单一电价", "", "0.6583" },
	[SHEET_METERS] = { "M001", "101商铺电表", "G1", "17", "acrel-dtsy1352", "2409010017", "电", "租户", "DY-R1", "M000", "1", "1", "20", "0", "shop-flat", "账户", "8000", "普通" },
	[SHEET_TENANTS] = { "T101", "好味餐厅", "13800000001", "13800000002;13800000003", "101", "M001;M002", "2026-03-01", "86.5", "500" },
	[SHEET_PURSES] = { "T101", "电费", "200", "50", "20", "0" },
	[SHEET_SHARES] = { "M900", "T101", "0.05" },
};
/* clang-format on */

static void meaning(const struct column *c, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	if (c->to != SHEET__MAX)
		n = (size_t)snprintf(out, size, "“%s”中的编码", sheet_layouts[c->to].zh);
	if (c->kind == COL_CODES || c->kind == COL_PHONES)
		n += (size_t)snprintf(out + n, size - n, "多个用分号隔开");
	if (c->kind == COL_DATE)
		n += (size_t)snprintf(out + n, size - n, "日期");
	for (const struct choice *k = c->kind == COL_CHOICE ? c->choices : NULL;
		k && k->word && n < size; k++)
		n += (size_t)snprintf(out + n, size - n, "%s%s", k == c->choices ? "" : "、",
			k->zh ? k->zh : k->word);
}

static lxw_row_t explain_sheet(struct writing *w, lxw_worksheet *s, enum sheet_id id, lxw_row_t row)
{
	static const char *const heads[] = { "列", "英文名", "必填", "示例", "说明" };
	const struct sheet_layout *l = &sheet_layouts[id];
	char text[256];

	snprintf(text, sizeof(text), "%s（%s）", l->zh, l->en);
	(void)worksheet_write_string(s, row++, 0, text, w->title);
	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		(void)worksheet_write_string(s, row, (lxw_col_t)i, heads[i], w->header);
	for (size_t k = 0; k < l->n; k++) {
		const struct column *c = &l->columns[k];

		row++;
		meaning(c, text, sizeof(text));
		(void)worksheet_write_string(s, row, 0, c->zh, NULL);
		(void)worksheet_write_string(s, row, 1, c->en, NULL);
		(void)worksheet_write_string(s, row, 2, c->required ? "是" : "", NULL);
		(void)worksheet_write_string(s, row, 3, examples[id][k], w->text);
		(void)worksheet_write_string(s, row, 4, text, NULL);
	}
	return row + 2;
}

static void explain(struct writing *w)
{
	static const char *const rules[] = {
		"每张表一行一个对象；同一文件中的各表可以互相引用；空行跳过。",
		"空单元格：新对象取默认值，已有对象保持不变。",
		"有任何一行不对，整个文件都不导入，并逐格说明原因；重复导入同一文件不会改变任何东西"
		"。",
		"电价：“文件”填JSON文本，单一电价只填“单价”，两者填且只填一项。",
	};
	lxw_worksheet *s = workbook_add_worksheet(w->workbook, "说明");
	lxw_row_t row = 0;

	if (!s)
		return;
	(void)worksheet_set_column(s, 0, 1, 18, NULL);
	(void)worksheet_set_column(s, 2, 2, 6, NULL);
	(void)worksheet_set_column(s, 3, 4, 36, NULL);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		(void)worksheet_write_string(s, row++, 0, rules[i], NULL);
	row++;
	for (int i = 0; i < SHEET__MAX; i++)
		row = explain_sheet(w, s, (enum sheet_id)i, row);
	worksheet_activate(s);
}

/* ---- the file ---- */

static void formats_make(struct writing *w)
{
	w->header = workbook_add_format(w->workbook);
	format_set_bold(w->header);
	format_set_bg_color(w->header, 0xDDEBF7);
	w->required = workbook_add_format(w->workbook);
	format_set_bold(w->required);
	format_set_bg_color(w->required, 0xFCE4D6);
	w->title = workbook_add_format(w->workbook);
	format_set_bold(w->title);
	w->text = workbook_add_format(w->workbook);
	format_set_num_format(w->text, "@");
	w->date = workbook_add_format(w->workbook);
	format_set_num_format(w->date, "yyyy-mm-dd");
}

static enum err write_file(const struct book *b, bool explained, const char *path)
{
	struct writing w = { .workbook = workbook_new(path) };
	lxw_error e = LXW_NO_ERROR, closed;

	if (!w.workbook)
		return ERR_INTERNAL;
	formats_make(&w);
	for (int i = 0; e == LXW_NO_ERROR && i < SHEET__MAX; i++)
		e = write_sheet(&w, b, (enum sheet_id)i);
	if (explained)
		explain(&w);
	closed = workbook_close(w.workbook); /* frees it in any case */
	if (e == LXW_NO_ERROR)
		e = closed;
	if (e != LXW_NO_ERROR)
		log_error("workbook=not_written why=\"%s\"", lxw_strerror(e));
	return e == LXW_NO_ERROR ? ERR_OK : ERR_INTERNAL;
}

enum err workbook_xlsx(const struct book *b, bool explained, struct buf *out)
{
	char path[] = "/tmp/yufu-book-XXXXXX";
	int fd = mkstemp(path);
	enum err e;

	if (fd < 0)
		return ERR_INTERNAL;
	close(fd);
	e = write_file(b, explained, path);
	if (e == ERR_OK)
		e = file_read(path, XLSX_BYTES_MAX, out);
	unlink(path);
	return e;
}

/* ---- CSV ---- */

/* A number that begins with - is a number and no formula. */
static bool needs_guard(const struct column *k, const char *v)
{
	size_t n = strspn(v, "'");

	return v[n] && strchr(CSV_FORMULA_SIGNS, v[n]) && k->kind != COL_WHOLE &&
	       k->kind != COL_DECIMAL;
}

static void csv_cell(const struct column *k, const char *v, struct buf *out)
{
	bool quoted = strpbrk(v, ",;\t\"\r\n") != NULL;

	if (quoted)
		buf_adds(out, "\"");
	if (needs_guard(k, v))
		buf_adds(out, "'");
	for (; *v; v++)
		buf_add(out, *v == '"' ? "\"\"" : v, *v == '"' ? 2 : 1);
	if (quoted)
		buf_adds(out, "\"");
}

void workbook_csv(const struct book *b, enum sheet_id sheet, struct buf *out)
{
	const struct sheet_layout *l = &sheet_layouts[sheet];

	buf_adds(out, "\xEF\xBB\xBF");
	for (size_t k = 0; k < l->n; k++)
		buf_printf(out, "%s%s", k ? "," : "", l->columns[k].zh);
	buf_adds(out, "\r\n");
	for (size_t i = 0; i < b->sheets[sheet].n; i++) {
		const char **v = b->sheets[sheet].rows[i].values;

		for (size_t k = 0; k < l->n; k++) {
			if (k)
				buf_adds(out, ",");
			csv_cell(&l->columns[k], shown(&l->columns[k], v[k]), out);
		}
		buf_adds(out, "\r\n");
	}
}
