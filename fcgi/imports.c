/* Workbooks: imports, the template, exports. */
#include "import/apply.h"

#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"
#include "fcgi/imports.h"
#include "fcgi/routes.h"
#include "import/workbook.h"

#define WAITING_MAX 3 /* imports that run or wait; each holds a thread */

/* ---- imports ---- */

enum err request_import_rights(struct request *r, unsigned *out)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = user_permissions(r->db, r->user.id, &rows);
	const struct permission *p = rows.at;

	*out = 0;
	for (size_t i = 0; i < rows.n; i++)
		for (unsigned k = 0; k < RIGHT__MAX; k++)
			if (str_eq(p[i].permission, import_rights[k]))
				*out |= 1u << k;
	return e;
}

static enum err run_import(struct request *r, struct answer *a)
{
	AUTO(models_free) struct models *models = NULL;
	struct import_ask ask = { .name = param_text(r, "name"),
		.bytes = r->body,
		.n = r->body_n,
		.dry_run = str_eq(param_text(r, "dry_run"), "1"),
		.chinese = request_chinese(r, false),
		.site_id = caller_site(r),
		.actor = r->actor,
		.address = r->remote,
		.now = r->now };
	char once[33];
	enum err e = models_open(r->api->models_dir, &models, &a->why);

	if (e == ERR_OK)
		e = request_import_rights(r, &ask.rights);
	if (e != ERR_OK)
		return e;
	rand_hex(once, 16);
	ask.once_key = once;
	ask.models = models;
	return import_run(r->db, &ask, &a->json);
}

enum err import_new(struct request *r, struct answer *a)
{
	struct api *api = r->api;
	enum err e = ERR_UNAVAILABLE;

	if (atomic_fetch_add(&api->imports, 1) < WAITING_MAX) {
		pthread_mutex_lock(&api->importing);
		r->now = utc_now();
		e = run_import(r, a);
		pthread_mutex_unlock(&api->importing);
	} else {
		(void)problem_set(&a->why, e, "", "other imports are under way");
	}
	atomic_fetch_sub(&api->imports, 1);
	return e;
}

static json_t *run_json(const void *row)
{
	const struct import_row *i = row;
	json_t *counts = NULL;

	if (json_parse(i->counts, strlen(i->counts), &counts, NULL) != ERR_OK)
		counts = json_object();
	return json_pack("{s:I, s:o, s:s, s:o, s:s, s:I, s:b, s:b, s:o, s:I}", "id",
		(json_int_t)i->id, "at", json_utc(i->at), "actor", i->actor, "user",
		json_text_or_null(i->user), "file_name", i->file_name, "bytes",
		(json_int_t)i->bytes, "dry_run", i->dry_run, "ok", i->ok, "counts", counts,
		"error_count", (json_int_t)i->error_count);
}

enum err imports_list(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_i64(caller_site(r))), run_json);
}

enum err import_one(struct request *r, struct answer *a)
{
	struct import_row row;
	json_t *errors = NULL;
	enum err e = import_get(r->db, caller_site(r), r->object, &row, &errors);

	if (e != ERR_OK)
		return e;
	a->json = run_json(&row);
	json_object_set_new(a->json, "errors", errors);
	return ERR_OK;
}

/* ---- files ---- */

static enum err answer_csv(
	struct request *r, struct answer *a, const struct book *b, enum sheet_id sheet)
{
	if (sheet == SHEET__MAX)
		return problem_set(&a->why,
			param_text(r, "sheet")[0] ? ERR_BAD_VALUE : ERR_MISSING_FIELD, "sheet",
			"a CSV file holds one sheet; say which: sites, areas, gateways, tariffs, "
			"meters, tenants, purses or shares");
	workbook_csv(b, sheet, &a->text);
	a->type = "text/csv; charset=utf-8";
	snprintf(a->file_name, sizeof(a->file_name), "%s.csv", sheet_layouts[sheet].en);
	return ERR_OK;
}

static enum err answer_book(
	struct request *r, struct answer *a, const struct book *b, const char *name, bool explained)
{
	enum sheet_id sheet = sheet_find(param_text(r, "sheet"));

	if (str_eq(param_text(r, "format"), "csv"))
		return answer_csv(r, a, b, sheet);
	if (param_text(r, "sheet")[0])
		return problem_set(&a->why, ERR_BAD_VALUE, "sheet",
			"an xlsx file holds all sheets; leave it out");
	a->type = XLSX_TYPE;
	snprintf(a->file_name, sizeof(a->file_name), "%s.xlsx", name);
	return workbook_xlsx(b, explained, &a->text);
}

enum err import_template(struct request *r, struct answer *a)
{
	AUTO(book_free) struct book empty = { .error_n = 0 };

	return answer_book(r, a, &empty, "yufu-template", true);
}

enum err export_get(struct request *r, struct answer *a)
{
	AUTO(book_free) struct book b = { .error_n = 0 };
	enum err e = present_export(r->db, caller_site(r), r->now, &b);

	return e == ERR_OK ? answer_book(r, a, &b, "yufu", false) : e;
}
