/* Reports: what there are, and one of them. */
#include <string.h>

#include "fcgi/handlers.h"
#include "report/report.h"

#define REPORTS_AT_ONCE 4 /* each keeps a thread, a connection and the server busy */
#define REPORT_S 100	  /* nginx waits longer */

static json_t *column_json(const struct column *c, bool english)
{
	return json_pack("{s:s, s:s, s:s, s:b}", "name", c->name, "title", english ? c->en : c->zh,
		"kind", column_kind_word(c->kind), "summed", (c->traits & COLUMN_SUMMED) != 0);
}

enum err reports_list(struct request *r, struct answer *a)
{
	json_t *items = json_array();
	bool english = !request_chinese(r, true);

	for (size_t i = 0; i < reports_n; i++) {
		const struct report_kind *one = &reports[i];
		json_t *columns;

		if (r->user.in_areas && !one->areas)
			continue;
		columns = json_array();
		for (size_t k = 0; k < one->columns->n; k++)
			json_array_append_new(columns, column_json(&one->columns->at[k], english));
		json_array_append_new(items,
			json_pack("{s:s, s:s, s:I, s:b, s:o}", "name", one->name, "title",
				english ? one->en : one->zh, "days_most",
				(json_int_t)one->days_most, "by", one->by, "columns", columns));
	}
	a->json = json_items(items);
	return ERR_OK;
}

/* On a connection of its own, which may wait longer than those for everything else. */
static enum err make(const struct request *r, const struct report_ask *ask, struct report_file *out,
	struct problem *why)
{
	struct db_settings settings = r->api->db;
	AUTO(db_free) struct db *db = NULL;

	settings.answer_s = REPORT_S;
	db = db_open(&settings);
	return report_make(db, ask, out, why);
}

enum err report_get(struct request *r, struct answer *a)
{
	struct report_ask ask = { .report = &reports[r->object - 1],
		.site = param_text(r, "site"),
		.caller_site = r->user.site_id,
		.areas_of = r->user.in_areas ? r->user.id : 0,
		.by = param_text(r, "by"),
		.format = param_text(r, "format"),
		.english = !request_chinese(r, true),
		.now = r->now };
	struct report_file file = { 0 };
	enum err e = day_parse(param_text(r, "from"), &ask.from);

	if (e == ERR_OK)
		e = day_parse(param_text(r, "to"), &ask.to);
	if (e != ERR_OK)
		return e;
	e = problem_set(&a->why, ERR_UNAVAILABLE, "", "other reports are being made");
	if (atomic_fetch_add(&r->api->reports, 1) < REPORTS_AT_ONCE) {
		a->why = (struct problem){ 0 };
		e = make(r, &ask, &file, &a->why);
	}
	atomic_fetch_sub(&r->api->reports, 1);
	if (e != ERR_OK)
		return e;
	a->file = file.file;
	a->type = file.type;
	if (ask.format[0] && !str_eq(ask.format, "json"))
		ASSERT(str_copy(a->file_name, sizeof(a->file_name), file.name));
	return ERR_OK;
}
