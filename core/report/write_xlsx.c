/* XLSX by libxlsxwriter, which keeps one row at a time. Texts are texts and never formulas; numbers
 * are numbers in the unit of the title, and days and times are dates. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <xlsxwriter.h>

#include "base/log.h"
#include "report/sheet.h"

struct xlsx {
	char path[64];
	lxw_workbook *book;
	lxw_worksheet *sheet;
	lxw_format *formats[COLUMN_COUNT + 1], *sums[COLUMN_COUNT + 1];
	lxw_format *head;
	lxw_row_t at; /* next row */
};

/* clang-format off */
static const struct {
	const char *number;
	unsigned width;
} looks[] = {
	[COLUMN_TEXT]     = { "@",                   18 },
	[COLUMN_DAY]      = { "yyyy-mm-dd",          12 },
	[COLUMN_TIME]     = { "yyyy-mm-dd hh:mm:ss", 20 },
	[COLUMN_QTY]      = { "#,##0.000",           14 },
	[COLUMN_MONEY]    = { "#,##0.00#######",     16 },
	[COLUMN_PRICE]    = { "0.00####",            10 },
	[COLUMN_FEN]      = { "#,##0.00",            12 },
	[COLUMN_PERMILLE] = { "0.0%",                10 },
	[COLUMN_COUNT]    = { "0",                   10 },
};
/* clang-format on */

void xlsx_free(struct xlsx **x)
{
	if (!*x)
		return;
	if ((*x)->book)
		lxw_workbook_free((*x)->book);
	if ((*x)->path[0])
		unlink((*x)->path);
	free(*x);
	*x = NULL;
}

/* The same report is the same file, byte for byte: it bears the date of its last day. */
static void properties(struct report_sheet *s)
{
	struct tm tm = { 0 };
	lxw_doc_properties p = { 0 };
	int y, m, d;
	struct day last;

	if (day_parse(s->last, &last) != ERR_OK)
		return;
	civil_date(last.days, &y, &m, &d);
	tm.tm_year = y - 1900;
	tm.tm_mon = m - 1;
	tm.tm_mday = d;
	p.created = timegm(&tm);
	workbook_set_properties(s->xlsx->book, &p);
}

static void formats_make(struct xlsx *x)
{
	for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
		x->formats[i] = workbook_add_format(x->book);
		x->sums[i] = workbook_add_format(x->book);
		format_set_num_format(x->formats[i], looks[i].number);
		format_set_num_format(x->sums[i], looks[i].number);
		format_set_bold(x->sums[i]);
		format_set_top(x->sums[i], LXW_BORDER_THIN);
	}
	x->head = workbook_add_format(x->book);
	format_set_bold(x->head);
	format_set_text_wrap(x->head);
	format_set_bottom(x->head, LXW_BORDER_THIN);
}

static enum err begin(struct report_sheet *s)
{
	lxw_workbook_options options = { .constant_memory = LXW_TRUE };
	const struct report_kind *r = s->ask->report;
	struct xlsx *x = calloc(1, sizeof(*x));
	char path[] = "/tmp/yufu-report-XXXXXX";
	int fd;

	ASSERT(x);
	s->xlsx = x;
	fd = mkstemp(path);
	if (fd < 0)
		return ERR_INTERNAL;
	close(fd);
	memcpy(x->path, path, sizeof(path));
	x->book = workbook_new_opt(x->path, &options);
	x->sheet =
		x->book ? workbook_add_worksheet(x->book, s->ask->english ? r->en : r->zh) : NULL;
	if (!x->sheet)
		return ERR_INTERNAL;
	properties(s);
	formats_make(x);
	worksheet_freeze_panes(x->sheet, 1, 0);
	for (size_t i = 0; i < r->columns->n; i++) {
		worksheet_set_column(x->sheet, (lxw_col_t)i, (lxw_col_t)i,
			looks[r->columns->at[i].kind].width, NULL);
		worksheet_write_string(
			x->sheet, 0, (lxw_col_t)i, column_title(s, &r->columns->at[i]), x->head);
	}
	x->at = 1;
	return ERR_OK;
}

static lxw_error put_date(
	struct xlsx *x, lxw_col_t at, struct day day, int32_t second, lxw_format *format)
{
	lxw_datetime t = { .hour = second / 3600, .min = second / 60 % 60, .sec = second % 60 };

	civil_date(day.days, &t.year, &t.month, &t.day);
	return worksheet_write_datetime(x->sheet, x->at, at, &t, format);
}

static lxw_error put_number(
	struct xlsx *x, lxw_col_t at, const struct column *c, int64_t v, lxw_format *format)
{
	char text[MONEY_TEXT_MAX];

	/* Through its decimal text, which gives the nearest number there is. */
	return worksheet_write_number(
		x->sheet, x->at, at, strtod(column_decimal(c, v, text), NULL), format);
}

static lxw_error put_text(
	struct xlsx *x, lxw_col_t at, const struct column *c, const char *text, lxw_format *format)
{
	struct day day;

	if (!*text)
		return LXW_NO_ERROR;
	if (c->kind == COLUMN_DAY && day_parse(text, &day) == ERR_OK)
		return put_date(x, at, day, 0, format);
	return worksheet_write_string(x->sheet, x->at, at, text, format);
}

static lxw_error put_cell(struct xlsx *x, const struct report_run *r, size_t i)
{
	const struct column *c = &r->report->columns->at[i];
	int64_t v = r->cells->n[i];
	struct local l;

	if (column_is_text(c))
		return put_text(x, (lxw_col_t)i, c, r->cells->text[i], x->formats[c->kind]);
	if (v == REPORT_NONE || (c->kind == COLUMN_TIME && v == 0))
		return LXW_NO_ERROR;
	if (c->kind != COLUMN_TIME)
		return put_number(x, (lxw_col_t)i, c, v, x->formats[c->kind]);
	l = zone_local(r->zone, (struct utc){ v });
	return put_date(x, (lxw_col_t)i, l.day, l.second, x->formats[c->kind]);
}

static enum err row(struct report_sheet *s, const struct report_run *r)
{
	lxw_error e = LXW_NO_ERROR;

	for (size_t i = 0; e == LXW_NO_ERROR && i < r->report->columns->n; i++)
		e = put_cell(s->xlsx, r, i);
	s->xlsx->at++;
	if (e == LXW_NO_ERROR)
		return ERR_OK;
	log_error("report=%s xlsx=\"%s\"", r->report->name, lxw_strerror(e));
	return ERR_INTERNAL;
}

static void totals_write(struct report_sheet *s)
{
	const struct report_kind *r = s->ask->report;
	struct xlsx *x = s->xlsx;

	worksheet_write_string(
		x->sheet, x->at, 0, s->ask->english ? "Total" : "合计", x->sums[COLUMN_TEXT]);
	for (size_t i = 1; i < r->columns->n; i++)
		if (r->columns->at[i].traits & COLUMN_SUMMED)
			put_number(x, (lxw_col_t)i, &r->columns->at[i], s->sums[i],
				x->sums[r->columns->at[i].kind]);
}

static enum err end(struct report_sheet *s)
{
	lxw_error e;

	if (!s->plain)
		totals_write(s);
	e = workbook_close(s->xlsx->book); /* frees it, whatever it answers */
	s->xlsx->book = NULL;
	if (e == LXW_NO_ERROR)
		s->file = fopen(s->xlsx->path, "rb");
	if (s->file)
		return ERR_OK;
	log_error("report=%s xlsx=\"%s\"", s->ask->report->name, lxw_strerror(e));
	return ERR_INTERNAL;
}

const struct report_format report_xlsx = { "xlsx",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", begin, row, end };
