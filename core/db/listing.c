#include "db/listing.h"

#include <stdio.h>
#include <string.h>

#define ARGS_MAX 64

int listing_usual(const struct listing *l)
{
	return l->usual ? l->usual : LIST_USUAL;
}

int listing_most(const struct listing *l)
{
	return l->most ? l->most : LIST_MOST;
}

const struct list_sort *listing_sort_at(const struct listing *l, size_t n)
{
	n += l->tie_only;
	return n < LIST_SORTS_MAX && l->sorts[n].name ? &l->sorts[n] : NULL;
}

const struct list_sort *listing_sort(const struct listing *l, const char *name)
{
	const struct list_sort *s;

	for (size_t i = 0; (s = listing_sort_at(l, i)) != NULL; i++)
		if (str_eq(s->name, name))
			return s;
	return NULL;
}

struct page {
	struct buf sql;
	struct arg args[ARGS_MAX];
	size_t n;
};

static void page_arg(struct page *p, struct arg a)
{
	ASSERT(p->n < ARGS_MAX);
	p->args[p->n++] = a;
}

static struct arg key_arg(const struct list_key *k)
{
	return k->is_text ? arg_text(k->text) : arg_i64(k->number);
}

static void add_filters(struct page *p, const struct listing *l, const struct list_ask *ask)
{
	for (size_t i = 0; i < LIST_FILTERS_MAX && l->filters[i].name; i++) {
		if (ask->filters[i].kind == ARG_NULL)
			continue;
		buf_printf(&p->sql, " AND (%s)", l->filters[i].sql);
		for (const char *s = l->filters[i].sql; *s; s++)
			if (*s == '?')
				page_arg(p, ask->filters[i]);
	}
}

/* Behind a place: a range of the first key, which an index can serve, and within it the rest. */
static void add_place(struct page *p, const struct listing *l, const struct list_ask *ask)
{
	const char *than = ask->down ? "<" : ">";

	if (ask->after.n == 1) {
		buf_printf(&p->sql, " AND %s %s ?", ask->sort->sql, than);
		page_arg(p, key_arg(&ask->after.keys[0]));
	} else if (ask->after.n == 2) {
		buf_printf(&p->sql, " AND %s %s= ? AND (%s %s ? OR %s %s ?)", ask->sort->sql, than,
			ask->sort->sql, than, l->sorts[0].sql, than);
		page_arg(p, key_arg(&ask->after.keys[0]));
		page_arg(p, key_arg(&ask->after.keys[0]));
		page_arg(p, key_arg(&ask->after.keys[1]));
	}
}

static void page_write(struct page *p, const struct listing *l, const struct list_ask *ask,
	const struct arg *args, size_t n)
{
	const char *way = ask->down ? " DESC" : "";

	buf_adds(&p->sql, l->all.sql);
	for (size_t i = 0; i < n; i++)
		page_arg(p, args[i]);
	add_filters(p, l, ask);
	add_place(p, l, ask);
	if (l->group)
		buf_adds(&p->sql, l->group);
	buf_printf(&p->sql, " ORDER BY %s%s", ask->sort->sql, way);
	if (ask->sort != &l->sorts[0])
		buf_printf(&p->sql, ", %s%s", l->sorts[0].sql, way);
	buf_adds(&p->sql, " LIMIT ?");
	page_arg(p, arg_i64(ask->limit + 1));
}

static const struct field *column_find(const struct listing *l, const struct list_sort *sort)
{
	const char *name = sort->column ? sort->column : sort->name;

	for (size_t i = 0; i < l->all.row->n; i++)
		if (str_eq(l->all.row->fields[i].name, name))
			return &l->all.row->fields[i];
	ASSERT(!"a column of the result");
	return NULL;
}

static void key_read(struct list_key *k, const struct field *f, const char *row)
{
	const char *at = row + f->at;

	*k = (struct list_key){ .is_text = f->kind == KIND_TEXT };
	if (f->kind == KIND_TEXT)
		ASSERT(str_copy(k->text, sizeof(k->text), at));
	else if (f->kind == KIND_BOOL)
		k->number = *(const bool *)at;
	else if (f->kind == KIND_I32)
		k->number = *(const int32_t *)(const void *)at;
	else
		memcpy(&k->number, at, sizeof(k->number));
}

static void place_read(struct list_place *out, const struct listing *l, const struct list_ask *ask,
	const char *row)
{
	out->n = 0;
	key_read(&out->keys[out->n++], column_find(l, ask->sort), row);
	if (ask->sort != &l->sorts[0])
		key_read(&out->keys[out->n++], column_find(l, &l->sorts[0]), row);
}

enum err db_page(struct db *db, const struct listing *l, const struct list_ask *ask,
	const struct arg *args, size_t n, struct rows *out, struct list_place *next)
{
	struct page p = { 0 };
	struct query q = { .row = l->all.row };
	enum err e;

	ASSERT(ask->sort && ask->limit > 0);
	page_write(&p, l, ask, args, n);
	q.sql = p.sql.text;
	e = db_list_anew(db, &q, p.args, p.n, out);
	buf_free(&p.sql);
	next->n = 0;
	if (e != ERR_OK || out->n <= (size_t)ask->limit)
		return e;
	out->n = (size_t)ask->limit;
	place_read(next, l, ask, (const char *)out->at + (out->n - 1) * l->all.row->size);
	return ERR_OK;
}
