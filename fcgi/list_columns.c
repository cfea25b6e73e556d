/* Columns of a sheet, out of the schema of an item, and its cells out of an item. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/list_columns.h"

#define DEPTH_MAX 4

/* "$ref" followed, and of several forms the one that is not null. */
static const json_t *schema_plain(const json_t *file, const json_t *schema)
{
	const char *ref = json_string_value(json_object_get(schema, "$ref"));
	json_t *one;
	size_t i;

	if (ref)
		return schema_plain(file, json_object_get(file, strrchr(ref, '/') + 1));
	json_array_foreach(json_object_get(schema, "anyOf"), i, one)
	{
		const char *type = json_string_value(json_object_get(one, "type"));

		if (!type || !str_eq(type, "null"))
			return schema_plain(file, one);
	}
	return schema;
}

/* The type of a value, null aside. */
static const char *schema_type(const json_t *schema)
{
	const json_t *type = json_object_get(schema, "type");

	if (json_is_array(type))
		type = json_array_get(type, 0);
	return json_is_string(type) ? json_string_value(type) : "";
}

/* A text of digits only is a number: money, a price with its six decimals, or a quantity with
 * three. */
static enum column_kind kind_of_pattern(const char *pattern)
{
	if (!pattern || !strstr(pattern, "\\.") ||
		strspn(pattern, "^$-?[]09+{},.\\()1234567890") != strlen(pattern))
		return COLUMN_TEXT;
	if (strstr(pattern, "{1,3})?$"))
		return COLUMN_QTY;
	return strstr(pattern, "{1,6})?$") && pattern[1] != '-' ? COLUMN_PRICE : COLUMN_MONEY;
}

static enum column_kind kind_of(const json_t *schema, const struct list_title *title)
{
	const char *type = schema_type(schema);
	const char *format = json_string_value(json_object_get(schema, "format"));

	if (str_eq(type, "integer"))
		return title && title->kind ? title->kind : COLUMN_COUNT;
	if (!str_eq(type, "string"))
		return COLUMN_TEXT;
	if (format && str_eq(format, "date-time"))
		return COLUMN_TIME;
	if (format && str_eq(format, "date"))
		return COLUMN_DAY;
	return kind_of_pattern(json_string_value(json_object_get(schema, "pattern")));
}

struct making {
	const json_t *file;
	const char *schema;
	bool english;
	struct list_columns *out;
};

struct level {
	const char *path, *title; /* of the object around; "" at the top */
	int depth;
};

static enum err add_members(struct making *m, const json_t *schema, const struct level *at);

static const struct list_title *title_of(
	const struct making *m, const struct level *at, const char *name)
{
	const struct list_title *own = NULL;
	char key[128];

	snprintf(key, sizeof(key), "%s.%s", m->schema, name);
	if (at->depth == 0)
		own = list_title_find(key);
	return own ? own : list_title_find(name);
}

static void titled(
	const struct making *m, const struct level *at, const char *name, char *out, size_t size)
{
	const struct list_title *title = title_of(m, at, name);
	const char *word = !title ? name : m->english ? title->en : title->zh;

	snprintf(out, size, "%s%s%s", at->title, at->title[0] ? " " : "", word);
}

static enum err add_member(
	struct making *m, const char *name, const json_t *schema, const struct level *at)
{
	struct list_column *c = &m->out->at[m->out->n];
	char path[sizeof(c->path)], title[sizeof(c->title)];

	snprintf(path, sizeof(path), "%s%s%s", at->path, at->path[0] ? "." : "", name);
	titled(m, at, name, title, sizeof(title));
	schema = schema_plain(m->file, schema);
	if (json_object_get(schema, "properties") && at->depth < DEPTH_MAX)
		return add_members(m, schema, &(struct level){ path, title, at->depth + 1 });
	if (m->out->n == REPORT_COLUMNS_MAX)
		return ERR_TOO_LARGE;
	memcpy(c->path, path, sizeof(path));
	memcpy(c->title, title, sizeof(title));
	c->kind = kind_of(schema, list_title_find(name));
	m->out->columns[m->out->n++] = (struct column){ .name = c->path,
		.zh = c->title,
		.en = c->title,
		.kind = c->kind,
		.traits = COLUMN_ABSENT };
	return ERR_OK;
}

static enum err add_members(struct making *m, const json_t *schema, const struct level *at)
{
	const char *name;
	json_t *one;
	enum err e = ERR_OK;

	json_object_foreach(json_object_get(schema, "properties"), name, one)
	{
		if (e == ERR_OK)
			e = add_member(m, name, one, at);
	}
	return e;
}

enum err list_columns_make(
	const struct schemas *s, const char *schema, bool english, struct list_columns *out)
{
	const json_t *file = schemas_json(s);
	struct making m = { file, schema, english, out };

	out->n = 0;
	return add_members(&m, schema_plain(file, json_object_get(file, schema)),
		&(struct level){ "", "", 0 });
}

/* ---- cells ---- */

static const json_t *member_at(const json_t *item, const char *path)
{
	char name[128];
	size_t n;

	for (; *path; path += n + (path[n] == '.')) {
		n = strcspn(path, ".");
		memcpy(name, path, n);
		name[n] = '\0';
		item = json_object_get(item, name);
	}
	return item;
}

static void put_value(struct buf *out, const json_t *v);

/* Of objects their values with blanks between; of lists what they hold, with "; " between. */
static void put_parts(struct buf *out, const json_t *v)
{
	const char *key, *between = "";
	json_t *one;
	size_t i;

	json_array_foreach(v, i, one)
	{
		buf_adds(out, i ? "; " : "");
		put_value(out, one);
	}
	json_object_foreach((json_t *)(uintptr_t)v, key, one)
	{
		buf_adds(out, between);
		put_value(out, one);
		between = " ";
	}
}

static void put_value(struct buf *out, const json_t *v)
{
	if (json_is_string(v))
		buf_adds(out, json_string_value(v));
	else if (json_is_integer(v))
		buf_printf(out, "%lld", (long long)json_integer_value(v));
	else if (json_is_boolean(v))
		buf_adds(out, json_is_true(v) ? "true" : "false");
	else if (json_is_real(v))
		buf_printf(out, "%.15g", json_real_value(v));
	else
		put_parts(out, v);
}

static enum err number_of(const json_t *v, enum column_kind kind, int64_t *out)
{
	const char *text = json_string_value(v);
	struct price price;
	struct money money;
	struct qty qty;
	struct utc utc;
	enum err e;

	if (json_is_integer(v)) {
		*out = json_integer_value(v);
		return ERR_OK;
	}
	if (!text)
		return ERR_NOT_FOUND;
	if (kind == COLUMN_TIME) {
		e = utc_parse(text, &utc);
		*out = utc.ms;
	} else if (kind == COLUMN_PRICE) {
		e = price_parse(text, &price);
		*out = price.micro;
	} else if (kind == COLUMN_QTY) {
		e = qty_parse(text, &qty);
		*out = qty.milli;
	} else {
		e = money_parse(text, &money);
		*out = money.nano;
	}
	return e;
}

void list_cells_fill(const struct list_columns *c, const json_t *item, struct table *t)
{
	struct cells *cells = table_cells(t);

	for (size_t i = 0; i < c->n; i++) {
		const json_t *v = member_at(item, c->at[i].path);
		enum column_kind kind = c->at[i].kind;
		AUTO(buf_free) struct buf text = { 0 };

		cells->n[i] = REPORT_NONE;
		cells->text[i][0] = '\0';
		if (kind != COLUMN_TEXT && kind != COLUMN_DAY) {
			if (number_of(v, kind, &cells->n[i]) != ERR_OK)
				cells->n[i] = REPORT_NONE;
			continue;
		}
		put_value(&text, v);
		table_text(t, i, text.text ? text.text : "");
	}
}
