/* {"name", "title", "from", "to", "final", "items": […], "totals": {…}}, an item at a time. */
#include <string.h>

#include "base/json.h"
#include "report/sheet.h"

static json_t *number_json(const struct column *c, int64_t v)
{
	switch (c->kind) {
	case COLUMN_TIME:
		return json_utc((struct utc){ v });
	case COLUMN_MONEY:
		return json_money((struct money){ v });
	case COLUMN_PRICE:
		return json_price((struct price){ v });
	case COLUMN_TEXT:
	case COLUMN_DAY:
	case COLUMN_QTY:
	case COLUMN_FEN:
	case COLUMN_PERMILLE:
	case COLUMN_COUNT:
		break;
	}
	return json_integer(v);
}

static json_t *cell_json(const struct column *c, const struct cells *cells, size_t i)
{
	if (column_is_text(c))
		return c->traits & COLUMN_ABSENT ? json_text_or_null(cells->text[i])
						 : json_string(cells->text[i]);
	return cells->n[i] == REPORT_NONE ? json_null() : number_json(c, cells->n[i]);
}

static enum err put(struct report_sheet *s, json_t *j)
{
	int rc = json_dumpf(j, s->file, JSON_COMPACT | JSON_ENCODE_ANY);

	json_decref(j);
	return rc == 0 ? ERR_OK : ERR_INTERNAL;
}

static enum err begin(struct report_sheet *s)
{
	AUTO(json_free) json_t *head = NULL;
	AUTO(text_free) char *text = NULL;
	const struct report_kind *r = s->ask->report;

	s->file = tmpfile();
	if (!s->file)
		return ERR_INTERNAL;
	head = json_pack("{s:s, s:s, s:s, s:s, s:b}", "name", r->name, "title",
		s->ask->english ? r->en : r->zh, "from", s->first, "to", s->last, "final",
		s->final);
	text = json_text(head);
	fprintf(s->file, "%.*s,\"items\":[", (int)strlen(text) - 1, text);
	return ERR_OK;
}

static enum err row(struct report_sheet *s, const struct report_run *r)
{
	json_t *o = json_object();

	for (size_t i = 0; i < r->report->columns->n; i++)
		json_object_set_new(o, r->report->columns->at[i].name,
			cell_json(&r->report->columns->at[i], r->cells, i));
	if (s->total)
		fputc(',', s->file);
	return put(s, o);
}

static enum err end(struct report_sheet *s)
{
	const struct report_kind *r = s->ask->report;
	json_t *o = json_object();
	enum err e;

	for (size_t i = 0; i < r->columns->n; i++)
		if (r->columns->at[i].traits & COLUMN_SUMMED)
			json_object_set_new(o, r->columns->at[i].name,
				number_json(&r->columns->at[i], s->sums[i]));
	fputs("],\"totals\":", s->file);
	e = put(s, o);
	fputc('}', s->file);
	return e;
}

const struct report_format report_json = { "json", "application/json", begin, row, end };
