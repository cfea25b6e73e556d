/* Tariffs of a workbook: files, and prices that are a whole tariff. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/tariff.h"
#include "import/apply_inside.h"
#include "rules/tariff.h"

#define ZONE "Asia/Shanghai"		  /* to check a file by; the sites' own come later */
#define FIRST "2000-01-01T00:00:00+08:00" /* a price from ever on */

/* ---- files in cells ---- */

static void refuse_file(
	struct book *b, const struct book_row *r, enum err e, const char *zh, const char *en)
{
	char zh_text[200], en_text[200];

	snprintf(zh_text, sizeof(zh_text), "电价文件：%.160s", zh);
	snprintf(en_text, sizeof(en_text), "tariff file: %.160s", en);
	book_refuse(b, SHEET_TARIFFS, r, TARIFF_FILE, e, zh_text, en_text);
}

static void refuse_path(
	struct book *b, const struct book_row *r, enum err e, const struct problem *why)
{
	char text[200];

	snprintf(text, sizeof(text), "%.60s%s%.120s", why->field, why->field[0] ? ": " : "",
		why->text[0] ? why->text : err_text(e));
	refuse_file(b, r, e, text, text);
}

/* The JSON of a cell, or of the file that it names. */
static bool file_text(struct book *b, const struct book_row *r, const char *folder, struct buf *out)
{
	const char *cell = r->values[TARIFF_FILE];
	AUTO(buf_free) struct buf path = { 0 };

	if (cell[0] == '{') {
		buf_adds(out, cell);
		return true;
	}
	if (!folder) {
		refuse_file(b, r, ERR_BAD_VALUE, "单元格内应为JSON文本",
			"the cell must hold the JSON itself");
		return false;
	}
	buf_printf(&path, "%s%s%s", cell[0] == '/' ? "" : folder, cell[0] == '/' ? "" : "/", cell);
	if (file_read(path.text, TARIFF_DOC_MAX, out) == ERR_OK)
		return true;
	refuse_file(b, r, ERR_NOT_FOUND, "文件不存在或过大",
		"there is no such file, or it is too large");
	return false;
}

/* Row and file say the same code; the row's name is the tariff's. */
static bool file_takes(struct book *b, const struct book_row *r, json_t *doc)
{
	const char *code = json_string_value(json_object_get(doc, "code"));

	if (code && r->values[TARIFF_CODE] && !str_eq(code, r->values[TARIFF_CODE])) {
		refuse_file(b, r, ERR_CONFLICT, "文件中的编码与本行不同",
			"it has another code than this row");
		return false;
	}
	if (!json_is_object(doc) || !r->values[TARIFF_CODE] || !r->values[TARIFF_NAME])
		return json_is_object(doc);
	json_object_set_new(doc, "code", json_string(r->values[TARIFF_CODE]));
	json_object_set_new(doc, "name", json_string(r->values[TARIFF_NAME]));
	return true;
}

static void take_file(struct book *b, struct book_row *r, const char *folder)
{
	AUTO(json_free) json_t *doc = NULL;
	AUTO(zone_free) struct zone *z = NULL;
	AUTO(tariff_free) struct tariff *t = NULL;
	AUTO(buf_free) struct buf text = { 0 };
	AUTO(text_free) char *one = NULL;
	struct problem why = { 0 };
	enum err e;

	if (!file_text(b, r, folder, &text))
		return;
	e = json_parse(text.text, text.len, &doc, &why);
	if (e == ERR_OK && !file_takes(b, r, doc))
		return;
	if (e == ERR_OK)
		e = zone_open(ZONE, &z);
	if (e == ERR_OK)
		e = tariff_parse(doc, z, &t, &why);
	if (e != ERR_OK) {
		refuse_path(b, r, e, &why);
		return;
	}
	one = tariff_text(doc);
	r->values[TARIFF_FILE] = book_text(b, one);
}

void tariff_files(struct book *b, const char *folder)
{
	struct book_sheet *s = &b->sheets[SHEET_TARIFFS];

	for (size_t i = 0; i < s->n; i++)
		if (s->rows[i].values[TARIFF_FILE] && s->rows[i].values[TARIFF_FILE][0])
			take_file(b, &s->rows[i], folder);
}

/* ---- prices ---- */

static json_t *price_version(const char *from, const char *price)
{
	return json_pack("{s:s, s:[{s:s, s:[[s,s]]}], s:{s:[s]}}", "effective_from", from,
		"calendar", "days", "all", "slots", "00:00", "flat", "prices", "flat", price);
}

static const char *utility_of(const struct applying *a, const char *code)
{
	const char *word = g_hash_table_lookup(a->plan->utility, code);

	return word ? word : "electricity";
}

static json_t *price_tariff(struct applying *a, const struct book_row *r)
{
	return json_pack("{s:s, s:s, s:s, s:[o]}", "code", r->values[TARIFF_CODE], "name",
		r->values[TARIFF_NAME], "utility", utility_of(a, r->values[TARIFF_CODE]),
		"versions", price_version(FIRST, r->values[TARIFF_PRICE]));
}

/* Another price counts from the next second on. */
static void add_version(json_t *doc, const char *price, struct utc now)
{
	struct utc from = { (now.ms / 1000 + 1) * 1000 };
	char text[UTC_TEXT_MAX];

	json_array_append_new(
		json_object_get(doc, "versions"), price_version(utc_text(from, text), price));
}

static enum err doc_of(struct applying *a, const struct target *t, json_t **doc)
{
	const char **v = t->row->values;
	enum err e;

	if (v[TARIFF_FILE][0])
		return json_parse(v[TARIFF_FILE], strlen(v[TARIFF_FILE]), doc, NULL);
	if (!t->plan->is) {
		*doc = price_tariff(a, t->row);
		return ERR_OK;
	}
	e = json_parse(t->plan->is->doc, strlen(t->plan->is->doc), doc, NULL);
	if (e != ERR_OK)
		return e;
	json_object_set_new(*doc, "name", json_string(v[TARIFF_NAME]));
	if (t->plan->is->fresh)
		json_object_set_new(*doc, "utility", json_string(utility_of(a, v[TARIFF_CODE])));
	if (is_changed(t->plan, TARIFF_PRICE))
		add_version(*doc, v[TARIFF_PRICE], a->ask->now);
	return ERR_OK;
}

static enum err put(struct applying *a, const json_t *doc, struct problem *why)
{
	int64_t id;

	return tariff_put(a->db,
		&(struct tariff_change){ .doc = doc,
			.site_id = a->ask->site_id,
			.actor = a->ask->actor,
			.address = a->ask->address,
			.now = a->ask->now,
			.guard = { .above = PRICE_ALONE } },
		&id, why);
}

static enum err put_tariff(struct applying *a, const struct target *t, struct problem *why)
{
	AUTO(json_free) json_t *doc = NULL;
	enum err e;

	if (t->plan->state == ROW_SAME)
		return ERR_OK;
	if (doc_of(a, t, &doc) != ERR_OK)
		return ERR_INTERNAL;
	e = put(a, doc, why);
	return about(why, e, t->row->values[TARIFF_FILE][0] ? "file" : "price");
}

/* A price that was imported before its meters: now they tell of what it is. */
static enum err set_utility(struct applying *a, const struct book_row *is)
{
	AUTO(json_free) json_t *doc = NULL;
	const char *word = utility_of(a, is->values[TARIFF_CODE]), *was;
	struct problem why = { 0 };

	if (json_parse(is->doc, strlen(is->doc), &doc, NULL) != ERR_OK)
		return ERR_INTERNAL;
	was = json_string_value(json_object_get(doc, "utility"));
	if (was && str_eq(was, word))
		return ERR_OK;
	json_object_set_new(doc, "utility", json_string(word));
	return put(a, doc, &why);
}

enum err apply_tariffs(struct applying *a)
{
	const struct book_sheet *is = &a->present->book.sheets[SHEET_TARIFFS];
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < is->n; i++)
		if (is->rows[i].fresh)
			e = set_utility(a, &is->rows[i]);
	return e == ERR_OK ? each_row(a, SHEET_TARIFFS, put_tariff) : e;
}
