/* UTF-8 with a mark at its start, which spreadsheets need to see that it is; RFC 4180 otherwise. */
#include <string.h>

#include "report/sheet.h"

/* A text that a spreadsheet would take for a formula is kept from it by an apostrophe. */
static bool is_formula(const char *text)
{
	static const char *const wide[] = { "＝", "＋", "－", "＠" };

	for (size_t i = 0; i < ARRAY_LEN(wide); i++)
		if (str_starts(text, wide[i]))
			return true;
	return *text && strchr("=+-@\t\r\n", *text);
}

static void put_text(FILE *f, const char *text)
{
	const char *guard = is_formula(text) ? "'" : "";

	if (!strpbrk(text, ",\"\r\n")) {
		fprintf(f, "%s%s", guard, text);
		return;
	}
	fprintf(f, "\"%s", guard);
	for (; *text; text++)
		fprintf(f, *text == '"' ? "\"\"" : "%c", *text);
	fputc('"', f);
}

static void put_time(FILE *f, const struct zone *z, int64_t ms)
{
	struct local l;
	char day[DAY_TEXT_MAX];

	if (!ms)
		return;
	l = zone_local(z, (struct utc){ ms });
	fprintf(f, "%s %02d:%02d:%02d", day_text(l.day, day), l.second / 3600, l.second / 60 % 60,
		l.second % 60);
}

static enum err begin(struct report_sheet *s)
{
	const struct report_kind *r = s->ask->report;

	s->file = tmpfile();
	if (!s->file)
		return ERR_INTERNAL;
	fputs("\xef\xbb\xbf", s->file);
	for (size_t i = 0; i < r->columns->n; i++) {
		fputs(i ? "," : "", s->file);
		put_text(s->file, column_title(s, &r->columns->at[i]));
	}
	fputs("\r\n", s->file);
	return ERR_OK;
}

static enum err row(struct report_sheet *s, const struct report_run *r)
{
	char number[MONEY_TEXT_MAX];

	for (size_t i = 0; i < r->report->columns->n; i++) {
		const struct column *c = &r->report->columns->at[i];

		fputs(i ? "," : "", s->file);
		if (column_is_text(c))
			put_text(s->file, r->cells->text[i]);
		else if (r->cells->n[i] == REPORT_NONE)
			continue;
		else if (c->kind == COLUMN_TIME)
			put_time(s->file, r->zone, r->cells->n[i]);
		else
			fputs(column_decimal(c, r->cells->n[i], number), s->file);
	}
	fputs("\r\n", s->file);
	return ERR_OK;
}

/* No line of totals: whoever reads it adds up. */
static enum err end(struct report_sheet *s)
{
	(void)s;
	return ERR_OK;
}

const struct report_format report_csv = { "csv", "text/csv; charset=utf-8", begin, row, end };
