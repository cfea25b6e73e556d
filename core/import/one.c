#include "import/one.h"

#include <inttypes.h>
#include <stdio.h>

#include "domain/audit.h"
#include "import/apply_inside.h"

static const struct {
	const char *noun;
	struct query id;
} nouns[] = {
	[SHEET_SITES] = { "site", { "SELECT id FROM site WHERE code = ?", &id_shape } },
	[SHEET_AREAS] = { "area", { "SELECT id FROM area WHERE code = ?", &id_shape } },
	[SHEET_GATEWAYS] = { "gateway", { "SELECT id FROM gateway WHERE code = ?", &id_shape } },
	[SHEET_METERS] = { "meter", { "SELECT id FROM meter WHERE code = ?", &id_shape } },
};

struct putting {
	const struct one_ask *ask;
	int64_t id;
	bool was_absent; /* in a former run, whose COMMIT was not answered */
	struct problem *why;
};

/* ---- the row ---- */

static const struct book_row *present_by_id(
	const struct present *p, enum sheet_id sheet, int64_t id)
{
	const struct book_sheet *s = &p->book.sheets[sheet];

	for (size_t i = 0; i < s->n; i++)
		if (s->rows[i].row == id)
			return &s->rows[i];
	return NULL;
}

static void take_field(
	struct book *b, enum sheet_id sheet, struct book_row *row, size_t c, const json_t *v)
{
	const struct column *column = &sheet_layouts[sheet].columns[c];
	AUTO(buf_free) struct buf out = { 0 };
	struct refusal refusal;
	char number[24];
	const char *text = json_string_value(v);

	if (json_is_integer(v)) {
		snprintf(number, sizeof(number), "%" PRId64, (int64_t)json_integer_value(v));
		text = number;
	}
	if (text && value_take(column, text, &out, &refusal) == ERR_OK) {
		row->values[c] = out.len ? book_text(b, out.text) : "";
		return;
	}
	if (!text)
		(void)refuse(&refusal, ERR_BAD_VALUE, "应为文本或整数",
			"a text or a whole number is expected");
	book_error(b, sheet, row->row, column->en, text ? text : "", &refusal);
	row->values[c] = NULL;
}

/* What a row must have and the request does not say stays as it is. */
static void take_row(struct book *b, const struct one_ask *ask, const struct book_row *is)
{
	const struct sheet_layout *l = &sheet_layouts[ask->sheet];
	struct book_row *row = book_add(b, ask->sheet, 1);
	struct refusal missing;

	(void)refuse(&missing, ERR_MISSING_FIELD, "缺少必填内容", "it is required");
	for (size_t c = 0; c < l->n; c++) {
		const json_t *v = json_object_get(ask->fields, l->columns[c].en);

		if (v)
			take_field(b, ask->sheet, row, c, v);
		else if (l->columns[c].required && is)
			row->values[c] = book_text(b, is->values[c]);
		else if (l->columns[c].required)
			book_error(b, ask->sheet, 1, l->columns[c].en, "", &missing);
	}
}

/* ---- the transaction ---- */

static enum err refused(const struct putting *p, const struct book *b)
{
	const struct book_error *e = &b->errors[0];

	return problem_set(
		p->why, e->why.e, e->column, "%s", p->ask->chinese ? e->why.zh : e->why.en);
}

static json_t *changes_json(const struct one_ask *ask, const struct book *b, const struct plan *p)
{
	const struct sheet_layout *l = &sheet_layouts[ask->sheet];
	const struct book_row *row = &b->sheets[ask->sheet].rows[0];
	const struct row_plan *plan = &p->rows[ask->sheet][0];
	json_t *o = json_object();

	for (size_t c = 0; c < l->n; c++)
		if (row->values[c][0] && (!plan->is || is_changed(plan, c)))
			json_object_set_new(o, l->columns[c].en,
				json_pack("[s, s]", plan->is ? plan->is->values[c] : "",
					row->values[c]));
	return json_pack("{s:s, s:o}", "reason", ask->reason, "changes", o);
}

static enum err audited(
	struct db *db, const struct putting *p, const struct book *b, const struct plan *plan)
{
	const struct one_ask *ask = p->ask;
	char action[32];

	snprintf(action, sizeof(action), "%s.%s", nouns[ask->sheet].noun, ask->id ? "edit" : "add");
	return audit_add(db,
		&(struct audit){
			ask->actor, ask->address, action, nouns[ask->sheet].noun, p->id, NULL },
		changes_json(ask, b, plan), ask->now);
}

static enum err put_row(struct db *db, struct putting *p, struct book *b, const struct present *is)
{
	const struct one_ask *ask = p->ask;
	AUTO(plan_free) struct plan plan = { .utility = NULL };
	struct id_row found;
	enum err e = book_put(db,
		&(struct import_ask){ .models = ask->models,
			.site_id = ask->site_id,
			.rights = ask->rights,
			.actor = ask->actor,
			.address = ask->address,
			.reason = ask->reason,
			.now = ask->now },
		b, is, false, &plan);

	if (e != ERR_OK)
		return e;
	if (b->error_n > 0)
		return refused(p, b);
	e = db_one(db, &nouns[ask->sheet].id,
		ARGS(arg_text(b->sheets[ask->sheet].rows[0].values[0])), &found);
	if (e != ERR_OK)
		return e;
	p->id = found.id;
	return plan.rows[ask->sheet][0].state == ROW_SAME ? ERR_OK : audited(db, p, b, &plan);
}

/* A code that is there already is no new one, unless a former run of this made it. */
static enum err check_new(struct putting *p, const struct book *b, const struct present *is)
{
	const struct one_ask *ask = p->ask;
	const char *code = b->sheets[ask->sheet].rows[0].values[0];
	bool there = code && present_find(is, ask->sheet, code);

	if (there && !p->was_absent)
		return problem_set(p->why, ERR_ALREADY, "code",
			ask->chinese ? "该编码已存在" : "this code exists");
	p->was_absent = true;
	return ERR_OK;
}

static enum err put_tx(struct db *db, void *ctx)
{
	struct putting *p = ctx;
	const struct one_ask *ask = p->ask;
	AUTO(present_free) struct present present = { .holder = NULL };
	AUTO(book_free) struct book book = { .error_n = 0 };
	const struct book_row *is = NULL;
	enum err e = import_lock(db);

	if (e == ERR_OK)
		e = present_read(db, ask->site_id, ask->now, &present);
	if (e != ERR_OK)
		return e;
	if (ask->id) {
		is = present_by_id(&present, ask->sheet, ask->id);
		if (!is)
			return ERR_NOT_FOUND;
	}
	take_row(&book, ask, is);
	if (book.error_n > 0)
		return refused(p, &book);
	e = ask->id ? ERR_OK : check_new(p, &book, &present);
	return e == ERR_OK ? put_row(db, p, &book, &present) : e;
}

enum err one_put(struct db *db, const struct one_ask *ask, int64_t *id, struct problem *why)
{
	struct putting p = { .ask = ask, .why = why };
	enum err e = db_tx(db, put_tx, &p);

	if (e == ERR_OK)
		*id = p.id;
	return e;
}
