#include "import/apply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "domain/audit.h"
#include "import/many.h"

/* ---- rows ---- */

struct target target_of(const struct applying *a, enum sheet_id sheet, size_t row)
{
	return (struct target){ sheet, &a->book->sheets[sheet].rows[row],
		&a->plan->rows[sheet][row] };
}

const char *wish(const struct target *t, size_t column, const char *fallback)
{
	const char *v = merged(t->plan, t->row, column);

	return v[0] ? v : fallback;
}

int64_t wish_whole(const struct target *t, size_t column, int64_t fallback)
{
	const char *v = merged(t->plan, t->row, column);
	int64_t n = fallback;

	ASSERT(!v[0] || i64_parse(v, INT64_MIN, INT64_MAX, &n) == ERR_OK);
	return n;
}

int64_t wish_milli(const struct target *t, size_t column)
{
	const char *v = merged(t->plan, t->row, column);
	struct qty q = { 0 };

	ASSERT(!v[0] || qty_parse(v, &q) == ERR_OK);
	return q.milli;
}

struct money wish_money(const struct target *t, size_t column)
{
	const char *v = merged(t->plan, t->row, column);
	struct money m = { 0 };

	ASSERT(!v[0] || money_parse(v, &m) == ERR_OK);
	return m;
}

/* Errors of the domain that are about a row; the others are about the database or us. */
static const struct {
	enum err e;
	const char *zh;
} refusals[] = {
	{ ERR_ALREADY, "已被占用" },
	{ ERR_NOT_FOUND, "所引用的对象不存在" },
	{ ERR_BAD_VALUE, "该值无效" },
	{ ERR_OUT_OF_RANGE, "超出范围" },
	{ ERR_CONFLICT, "与现状冲突" },
	{ ERR_FORBIDDEN, "没有权限" },
	{ ERR_MISSING_FIELD, "缺少必填内容" },
	{ ERR_UNKNOWN_FIELD, "有不认识的内容" },
	{ ERR_TOO_LARGE, "过大" },
	{ ERR_NEEDS_APPROVAL, "须由第二人批准，请单独提交" },
	{ ERR_AMOUNT_SMALL, "金额过小" },
	{ ERR_AMOUNT_LARGE, "金额过大" },
};

/* The column that a problem of the domain is about; the first when it is none. */
static size_t column_of(enum sheet_id sheet, const char *field)
{
	size_t k = column_find(&sheet_layouts[sheet], field);

	return k < sheet_layouts[sheet].n ? k : 0;
}

enum err row_refused(
	struct applying *a, const struct target *t, enum err e, const struct problem *why)
{
	char zh[200], en[200];

	if (a->many) /* not known of which row; see run() */
		return e;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		if (refusals[i].e != e)
			continue;
		snprintf(en, sizeof(en), "%.190s", why->text[0] ? why->text : err_text(e));
		snprintf(zh, sizeof(zh), "%s%s%.150s", refusals[i].zh, why->text[0] ? "：" : "",
			why->text);
		book_refuse(a->book, t->sheet, t->row, column_of(t->sheet, why->field), e, zh, en);
		return ERR_OK;
	}
	return e;
}

enum err about(struct problem *why, enum err e, const char *column)
{
	if (e != ERR_OK)
		snprintf(why->field, sizeof(why->field), "%s", column);
	return e;
}

enum err each_row(struct applying *a, enum sheet_id sheet,
	enum err (*fn)(struct applying *a, const struct target *t, struct problem *why))
{
	const struct book_sheet *s = &a->book->sheets[sheet];
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < s->n; i++) {
		struct target t = target_of(a, sheet, i);
		struct problem why = { 0 };

		e = fn(a, &t, &why);
		if (e != ERR_OK)
			e = row_refused(a, &t, e, &why);
	}
	return e;
}

/* ---- the report ---- */

static json_t *counts_json(const struct book *b, const struct plan *p)
{
	json_t *o = json_object();

	for (int s = 0; s < SHEET__MAX; s++)
		if (b->sheets[s].present)
			json_object_set_new(o, sheet_layouts[s].en,
				json_pack("{s:I, s:I, s:I}", "new",
					(json_int_t)p->counts[s][ROW_NEW], "same",
					(json_int_t)p->counts[s][ROW_SAME], "changed",
					(json_int_t)p->counts[s][ROW_CHANGED]));
	return o;
}

/* ---- the record ---- */

#define FILE_NAME_CHARS 200

static const struct query Q_RUN_ADD = {
	"INSERT INTO import_run (at, actor, site_id, file_name, bytes, dry_run, ok, counts, errors,"
	" error_count, once_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};
struct done_row {
	int64_t id;
	char counts[2000];
};
SHAPE(done_shape, struct done_row, FIELD(struct done_row, id), FIELD(struct done_row, counts));
static const struct query Q_RUN_DONE = { "SELECT id, counts FROM import_run WHERE once_key = ?",
	&done_shape };
static const struct query Q_LOCK = { "UPDATE import_lock SET seen = seen + 1 WHERE id = 1", NULL };

struct running {
	const struct import_ask *ask;
	struct book book;
	size_t read_errors; /* of the book as it was read; a further try begins there */
	json_t *counts;
	bool refused; /* bad rows: the transaction was rolled back for them */
	bool many;    /* new rows many at a time; else row by row, to say which one is wrong */
};

static void running_free(struct running *r)
{
	book_free(&r->book);
	json_free(&r->counts);
}

/* The last part of a path, cut to what is kept. */
static const char *file_name(const char *path, char out[static 4 * FILE_NAME_CHARS + 1])
{
	const char *slash = strrchr(path, '/');
	size_t n = 0, chars = 0;

	for (path = slash ? slash + 1 : path; path[n]; n++) {
		chars += ((unsigned char)path[n] & 0xC0) != 0x80;
		if (chars > FILE_NAME_CHARS)
			break;
	}
	snprintf(out, 4 * FILE_NAME_CHARS + 1, "%.*s", (int)n, path);
	return out;
}

static enum err record(struct db *db, struct running *r, bool ok)
{
	const struct import_ask *ask = r->ask;
	AUTO(json_free) json_t *errors = book_errors_json(&r->book, false);
	AUTO(text_free) char *errors_text = json_text(errors);
	AUTO(text_free) char *counts = json_text(r->counts);
	char name[4 * FILE_NAME_CHARS + 1];
	enum err e = db_exec(db, &Q_RUN_ADD,
		ARGS(arg_utc(ask->now), arg_text(ask->actor), arg_id(ask->site_id),
			arg_text(file_name(ask->name, name)), arg_i64((int64_t)ask->n),
			arg_i64(ask->dry_run), arg_i64(ok), arg_text(counts), arg_text(errors_text),
			arg_i64((int64_t)(r->book.error_n + r->book.errors_untold)),
			arg_text(ask->once_key)),
		NULL);
	int64_t id = db_insert_id(db);

	if (e != ERR_OK)
		return e;
	return audit_add(db,
		&(struct audit){ ask->actor, ask->address,
			ask->dry_run ? "import.dry_run" : "import.run", "import", id,
			ok ? NULL : err_word(ERR_BAD_VALUE) },
		json_pack("{s:s, s:O}", "file", name, "counts", r->counts), ask->now);
}

static enum err record_tx(struct db *db, void *ctx)
{
	struct running *r = ctx;

	return record(db, r, !r->refused && r->book.error_n == 0);
}

/* ---- the transaction ---- */

static enum err (*const steps[])(struct applying *a) = {
	apply_places,
	apply_tariffs,
	apply_meters,
	apply_tenants,
	apply_purses,
	apply_contracts,
	apply_shares,
};

/* What comes later names what came before: after an error only the rest of its own sheets is
 * tried. */
static enum err write_rows(struct applying *a)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && a->book->error_n == 0 && i < ARRAY_LEN(steps); i++)
		e = steps[i](a);
	return e;
}

static void known_drop(struct known **k)
{
	known_free(k);
}

void applying_free(struct applying *a)
{
	g_hash_table_destroy(a->contracts);
	g_hash_table_destroy(a->trees);
	g_hash_table_destroy(a->touched);
	g_array_free(a->touched_ids, TRUE);
	many_free(&a->points);
	many_free(&a->fees);
}

enum err book_put(struct db *db, const struct import_ask *ask, struct book *book,
	const struct present *present, bool many, struct plan *plan)
{
	AUTO(known_drop) struct known *known = present_known(present);
	AUTO(applying_free)
	struct applying a = { db, ask, book, present, plan,
		g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free),
		g_hash_table_new(g_str_hash, g_str_equal),
		g_hash_table_new(g_str_hash, g_str_equal),
		g_array_new(FALSE, FALSE, sizeof(int64_t)), { 0 }, many, { MANY_POINTS, NULL },
		{ MANY_FEES, NULL } };

	book_check(book, known, ask->models);
	book_compare(&(struct compare){ .book = book,
		.present = present,
		.models = ask->models,
		.rights = ask->rights,
		.confined = ask->site_id != 0,
		.plan = plan });
	return book->error_n == 0 ? write_rows(&a) : ERR_OK;
}

static enum err compare_and_write(struct db *db, struct running *r)
{
	const struct import_ask *ask = r->ask;
	AUTO(present_free) struct present present = { .holder = NULL };
	AUTO(plan_free) struct plan plan = { .utility = NULL };
	enum err e = present_read(db, ask->site_id, ask->now, &present);

	if (e == ERR_OK)
		e = book_put(db, ask, &r->book, &present, r->many, &plan);
	if (e != ERR_OK)
		return e;
	json_free(&r->counts);
	r->counts = counts_json(&r->book, &plan);
	return ERR_OK;
}

enum err import_lock(struct db *db)
{
	return db_exec(db, &Q_LOCK, NO_ARGS, NULL);
}

/* A transaction whose COMMIT was not answered may run again: then it finds its own record. */
static enum err done_before(struct db *db, struct running *r)
{
	struct done_row row;
	enum err e = db_one(db, &Q_RUN_DONE, ARGS(arg_text(r->ask->once_key)), &row);

	if (e != ERR_OK)
		return e;
	json_free(&r->counts);
	return json_parse(row.counts, strlen(row.counts), &r->counts, NULL);
}

static enum err run_tx(struct db *db, void *ctx)
{
	struct running *r = ctx;
	enum err e = import_lock(db);

	r->book.error_n = r->read_errors;
	r->refused = false;
	if (e == ERR_OK)
		e = done_before(db, r);
	if (e != ERR_NOT_FOUND)
		return e;
	e = compare_and_write(db, r);
	if (e != ERR_OK)
		return e;
	if (r->book.error_n > 0 || r->ask->dry_run) {
		r->refused = true; /* of a dry run: rolled back all the same */
		return ERR_REFUSED;
	}
	return record(db, r, true);
}

static bool is_about_us(enum err e)
{
	return e == ERR_UNAVAILABLE || e == ERR_RETRY || e == ERR_TIMEOUT;
}

static enum err run(struct db *db, struct running *r)
{
	enum err e;

	r->many = !r->ask->row_by_row;
	e = db_tx(db, run_tx, r);
	if (e == ERR_OK || r->refused || !r->many || is_about_us(e))
		return e;
	log_info("import=%s is tried row by row: %s", r->ask->once_key, err_word(e));
	r->many = false;
	return db_tx(db, run_tx, r);
}

/* A file that is no workbook: one error, of the whole. */
static void refuse_file(struct running *r, enum err e, const struct problem *p)
{
	struct refusal why;
	char zh[200], en[200];

	snprintf(en, sizeof(en), "%.60s%s%.130s", p->field, p->field[0] ? ": " : "",
		p->text[0] ? p->text : err_text(e));
	snprintf(zh, sizeof(zh), "文件无法读取：%.170s", en);
	(void)refuse(&why, e, zh, en);
	book_error_of_file(&r->book, &why);
}

static void refuse_empty(struct running *r)
{
	for (int s = 0; s < SHEET__MAX; s++)
		if (r->book.sheets[s].present)
			return;
	if (r->book.error_n == 0)
		refuse_file(r, ERR_BAD_VALUE,
			&(struct problem){ .text = "none of its sheets has anything to import" });
}

enum err import_run(struct db *db, const struct import_ask *ask, json_t **report)
{
	AUTO(running_free) struct running r = { .ask = ask, .counts = json_object() };
	struct problem why = { 0 };
	enum err e = book_read(ask->name, ask->bytes, ask->n, &r.book, &why);
	bool ok;

	if (e != ERR_OK)
		refuse_file(&r, e, &why);
	else
		refuse_empty(&r);
	tariff_files(&r.book, ask->folder);
	r.read_errors = r.book.error_n;
	if (e == ERR_OK)
		e = run(db, &r);
	else
		r.refused = true;
	if (e != ERR_OK && !r.refused)
		return e;
	ok = r.book.error_n == 0;
	if (r.refused) {
		r.refused = !ok;
		e = db_tx(db, record_tx, &r);
		if (e != ERR_OK)
			log_warn("import=not_recorded why=%s", err_word(e));
	}
	*report = json_pack("{s:b, s:O, s:o}", "ok", ok, "counts", r.counts, "errors",
		book_errors_json(&r.book, ask->chinese));
	return ERR_OK;
}

/* ---- what was imported ---- */

#define F(member) FIELD(struct import_row, member)
SHAPE(import_shape, struct import_row, F(id), F(at), F(actor), F(user), F(file_name), F(bytes),
	F(dry_run), F(ok), F(counts), F(error_count));
#undef F
#define RUNS                                                                                       \
	"SELECT r.id, r.at, r.actor, COALESCE((SELECT u.name FROM user u"                          \
	" WHERE r.actor = CONCAT('user:', u.id)), '') AS user, r.file_name, r.bytes, r.dry_run,"   \
	" r.ok, r.counts, r.error_count FROM import_run r WHERE ? IN (0, COALESCE(r.site_id, -1))"
const struct listing import_listing = {
	.all = { RUNS, &import_shape },
	.sorts = { { "id", "r.id" }, { "at", "r.at" }, { "file_name", "r.file_name" } },
	.order = "-id",
	.filters = { { "ok", FILTER_FLAG, "r.ok = ?" }, { "dry_run", FILTER_FLAG, "r.dry_run = ?" },
		{ "actor", FILTER_TEXT, "r.actor = ?" }, { "from", FILTER_FROM, "r.at >= ?" },
		{ "to", FILTER_TO, "r.at < ?" } },
};
static const struct query Q_GET = { RUNS " AND r.id = ?", &import_shape };

struct errors_row {
	struct blob errors;
};
SHAPE(errors_shape, struct errors_row, FIELD(struct errors_row, errors));
static const struct query Q_ERRORS = { "SELECT errors FROM import_run WHERE id = ?",
	&errors_shape };

enum err import_get(
	struct db *db, int64_t site_id, int64_t id, struct import_row *row, json_t **errors)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct errors_row *r;
	enum err e = db_one(db, &Q_GET, ARGS(arg_i64(site_id), arg_i64(id)), row);

	if (e == ERR_OK)
		e = db_list(db, &Q_ERRORS, ARGS(arg_i64(id)), &rows);
	r = rows.at;
	if (e == ERR_OK && rows.n == 0)
		e = ERR_NOT_FOUND;
	return e == ERR_OK ? json_parse((const char *)r->errors.at, r->errors.n, errors, NULL) : e;
}
