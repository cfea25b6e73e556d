/* A list as a sheet: the handler is called page by page, and each page is written before the next
 * is read, so that a list of any length needs the same memory. */
#include <stdio.h>
#include <string.h>

#include "fcgi/list.h"
#include "fcgi/list_columns.h"

#define FILES_AT_ONCE 4
#define FILE_MS 15000 /* nginx waits longer */

struct filing {
	struct request *r;
	struct list_columns columns;
	struct table *table;
	int64_t until_ms;
};

static enum err write_items(struct filing *f, const json_t *items)
{
	json_t *one;
	size_t i;
	enum err e = ERR_OK;

	json_array_foreach(items, i, one)
	{
		if (e != ERR_OK)
			break;
		list_cells_fill(&f->columns, one, f->table);
		e = table_row(f->table);
	}
	return e;
}

static enum err write_page(struct filing *f, struct problem *why)
{
	struct answer page = { 0 };
	enum err e = f->r->route->run(f->r, &page);

	*why = page.why;
	if (e == ERR_OK)
		e = write_items(f, json_object_get(page.json, "items"));
	answer_free(&page);
	return e;
}

static enum err write_pages(struct filing *f, struct problem *why)
{
	struct list_state *list = &f->r->list;
	enum err e;

	do {
		list->next.n = 0;
		e = write_page(f, why);
		list->ask.after = list->next;
		if (e == ERR_OK && list->next.n && mono_ms() > f->until_ms)
			e = ERR_TOO_LARGE;
	} while (e == ERR_OK && list->whole && list->next.n);
	if (e == ERR_TOO_LARGE)
		return problem_set(
			why, e, "format", "too many rows for one file: narrow it by its filters");
	return e;
}

/* "/api/v1/meters/7/readings" to "meters-7-readings_2026-11-30.csv" */
static void file_name(const struct request *r, struct day day, char out[static 96])
{
	const char *path = r->path + strlen(API_PREFIX) + 1;
	char text[DAY_TEXT_MAX];
	size_t n =
		(size_t)snprintf(out, 96, "%.60s_%s.%s", path, day_text(day, text), r->list.format);

	for (size_t i = 0; i < n; i++)
		if (out[i] == '/')
			out[i] = '-';
}

static void filing_free(struct filing *f)
{
	table_free(&f->table);
}

static enum err make(struct request *r, struct answer *a)
{
	AUTO(filing_free) struct filing f = { .r = r, .until_ms = mono_ms() + FILE_MS };
	AUTO(zone_free) struct zone *z = NULL;
	struct table_ask ask = { .name = r->route->answer, .format = r->list.format };
	enum err e = request_zone(r, &z);

	if (e == ERR_OK)
		e = list_columns_make(
			r->api->schemas, r->route->answer, !request_chinese(r, true), &f.columns);
	if (e != ERR_OK)
		return e;
	ask.day = zone_local(z, r->now).day;
	ask.zone = z;
	ask.columns = (struct columns){ f.columns.columns, f.columns.n };
	e = table_open(&ask, &f.table);
	if (e == ERR_OK)
		e = write_pages(&f, &a->why);
	if (e == ERR_OK)
		e = table_end(f.table, &a->file, &a->type);
	if (e == ERR_OK)
		file_name(r, ask.day, a->file_name);
	return e;
}

enum err list_file(struct request *r, struct answer *a)
{
	enum err e = ERR_UNAVAILABLE;

	if (atomic_fetch_add(&r->api->files, 1) < FILES_AT_ONCE)
		e = make(r, a);
	else
		problem_set(&a->why, e, "", "other files are being made");
	atomic_fetch_sub(&r->api->files, 1);
	return e;
}
