#include "report/table.h"

#include <stdlib.h>

#include "report/sheet.h"

struct table {
	struct report_kind kind;
	struct report_ask ask;
	struct report_run run;
	struct report_sheet sheet;
	struct cells cells;
};

void table_free(struct table **t)
{
	if (!*t)
		return;
	sheet_free(&(*t)->sheet);
	free(*t);
	*t = NULL;
}

enum err table_open(const struct table_ask *ask, struct table **out)
{
	AUTO(table_free) struct table *t = calloc(1, sizeof(*t));
	enum err e;

	ASSERT(t && ask->columns.n <= REPORT_COLUMNS_MAX);
	t->kind = (struct report_kind){
		.name = ask->name, .zh = ask->name, .en = ask->name, .columns = &ask->columns
	};
	t->ask = (struct report_ask){ .report = &t->kind, .format = ask->format };
	t->sheet.ask = &t->ask;
	t->sheet.plain = true;
	day_text(ask->day, t->sheet.first);
	day_text(ask->day, t->sheet.last);
	/* Times are only shown in it: the writers change nothing. */
	t->run = (struct report_run){ .report = &t->kind,
		.zone = (struct zone *)(uintptr_t)ask->zone,
		.cells = &t->cells,
		.sheet = &t->sheet };
	e = report_format_find(ask->format, &t->sheet.format, NULL);
	if (e == ERR_OK)
		e = t->sheet.format->begin(&t->sheet);
	if (e != ERR_OK)
		return e;
	*out = t;
	t = NULL;
	return ERR_OK;
}

struct cells *table_cells(struct table *t)
{
	return &t->cells;
}

void table_text(struct table *t, size_t column, const char *text)
{
	report_text(&t->run, column, text);
}

enum err table_row(struct table *t)
{
	if (t->sheet.total == REPORT_ROWS_MOST)
		return ERR_TOO_LARGE;
	t->sheet.total++;
	return t->sheet.format->row(&t->sheet, &t->run);
}

enum err table_end(struct table *t, FILE **file, const char **type)
{
	enum err e = t->sheet.format->end(&t->sheet);

	if (e == ERR_OK && (fflush(t->sheet.file) != 0 || ferror(t->sheet.file)))
		e = ERR_INTERNAL;
	if (e != ERR_OK)
		return e;
	rewind(t->sheet.file);
	*file = t->sheet.file;
	*type = t->sheet.format->type;
	t->sheet.file = NULL;
	return ERR_OK;
}
