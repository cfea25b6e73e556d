#include "fcgi/list.h"

#include <stdio.h>
#include <string.h>

#include "fcgi/cursor.h"
#include "fcgi/etag.h"

/* What every list with a listing has. Its order of rows is the order of the document. */
enum common { COMMON_FORMAT, COMMON_LIMIT, COMMON_CURSOR, COMMON_SORT, COMMON__MAX };
static const char *const common_names[COMMON__MAX] = { "format", "limit", "cursor", "sort" };

bool list_is(const struct route *r)
{
	return r->list && str_eq(r->method, "GET");
}

static enum common common_find(const struct route *r, const char *name)
{
	enum common most = r->listing ? COMMON__MAX : COMMON_LIMIT;

	for (enum common i = 0; i < most; i++)
		if (str_eq(common_names[i], name))
			return i;
	return COMMON__MAX;
}

static const struct list_filter *filter_find(const struct listing *l, const char *name)
{
	for (size_t i = 0; l && i < LIST_FILTERS_MAX && l->filters[i].name; i++)
		if (str_eq(l->filters[i].name, name))
			return &l->filters[i];
	return NULL;
}

/* "-at" to its name and way; NULL: rows cannot be sorted so. */
static const struct list_sort *sort_find(const struct listing *l, const char *text, bool *down)
{
	*down = text[0] == '-';
	return listing_sort(l, text + *down);
}

static void sort_names(const struct listing *l, struct buf *out)
{
	const struct list_sort *s;

	for (size_t i = 0; (s = listing_sort_at(l, i)) != NULL; i++)
		buf_printf(out, "%s%s", i ? ", " : "", s->name);
}

static enum err check_sort(const struct listing *l, const char *value, struct problem *why)
{
	AUTO(buf_free) struct buf names = { 0 };
	bool down;

	if (l->one_way ? str_eq(value, l->order) : sort_find(l, value, &down) != NULL)
		return ERR_OK;
	if (l->one_way)
		return problem_set(why, ERR_BAD_VALUE, "sort", "%s only", l->order);
	sort_names(l, &names);
	return problem_set(
		why, ERR_BAD_VALUE, "sort", "one of %s; - before it: descending", names.text);
}

static enum err check_common(
	const struct listing *l, enum common which, const char *value, struct problem *why)
{
	int64_t n;

	switch (which) {
	case COMMON_FORMAT:
		return param_check(&(struct param){ "format", PARAM_FORMAT, false }, value, why);
	case COMMON_LIMIT:
		if (i64_parse(value, 1, listing_most(l), &n) != ERR_OK)
			return problem_set(
				why, ERR_OUT_OF_RANGE, "limit", "1 to %d", listing_most(l));
		return ERR_OK;
	case COMMON_SORT:
		return check_sort(l, value, why);
	case COMMON_CURSOR: /* by list_read(), which knows the order */
	case COMMON__MAX:
		break;
	}
	return ERR_OK;
}

static bool is_word(const char *words, const char *value)
{
	char word[64];

	while (str_word(&words, word, sizeof(word)))
		if (str_eq(word, value))
			return true;
	return false;
}

static enum param_kind kind_of_filter(const struct list_filter *f)
{
	switch (f->kind) {
	case FILTER_ID:
		return PARAM_ID;
	case FILTER_FLAG:
		return PARAM_FLAG;
	case FILTER_DAY:
	case FILTER_FROM:
	case FILTER_TO:
		return PARAM_DAY;
	case FILTER_TEXT:
	case FILTER_WORD:
		break;
	}
	return PARAM_TEXT;
}

static enum err check_filter(const struct list_filter *f, const char *value, struct problem *why)
{
	if (f->kind == FILTER_WORD && !is_word(f->words, value))
		return problem_set(why, ERR_BAD_VALUE, f->name, "one of: %s", f->words);
	return param_check(&(struct param){ f->name, kind_of_filter(f), false }, value, why);
}

enum err list_param_check(
	const struct route *route, const char *name, const char *value, struct problem *why)
{
	const struct list_filter *f = filter_find(route->listing, name);
	enum common which = list_is(route) ? common_find(route, name) : COMMON__MAX;

	if (which != COMMON__MAX)
		return check_common(route->listing, which, value, why);
	if (f)
		return check_filter(f, value, why);
	return problem_set(why, ERR_UNKNOWN_FIELD, name, "there is no such parameter");
}

/* ---- the document ---- */

static json_t *words_schema(const char *words)
{
	json_t *list = json_array();
	char word[64];

	while (str_word(&words, word, sizeof(word)))
		json_array_append_new(list, json_string(word));
	return json_pack("{s:s, s:o}", "type", "string", "enum", list);
}

static json_t *sort_schema(const struct listing *l)
{
	json_t *list = json_array();

	const struct list_sort *s;

	if (l->one_way)
		json_array_append_new(list, json_string(l->order));
	for (size_t i = 0; !l->one_way && (s = listing_sort_at(l, i)) != NULL; i++) {
		json_array_append_new(list, json_string(s->name));
		json_array_append_new(list, json_sprintf("-%s", s->name));
	}
	return json_pack("{s:s, s:o, s:s}", "type", "string", "enum", list, "default", l->order);
}

static json_t *common_schema(const struct listing *l, enum common which)
{
	switch (which) {
	case COMMON_FORMAT:
		return param_schema(PARAM_FORMAT);
	case COMMON_LIMIT:
		return json_pack("{s:s, s:i, s:i, s:i}", "type", "integer", "minimum", 1, "maximum",
			listing_most(l), "default", listing_usual(l));
	case COMMON_CURSOR:
		return param_schema(PARAM_CURSOR);
	case COMMON_SORT:
	case COMMON__MAX:
		break;
	}
	return sort_schema(l);
}

static void add_param(json_t *list, const char *name, json_t *schema)
{
	json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:o}", "name", name, "in", "query",
					    "required", 0, "schema", schema));
}

static json_t *filter_schema(const struct list_filter *f)
{
	json_t *schema =
		f->kind == FILTER_WORD ? words_schema(f->words) : param_schema(kind_of_filter(f));

	if (f->usual)
		json_object_set_new(schema, "default", json_integer(str_eq(f->usual, "1")));
	return schema;
}

void list_params_document(const struct route *route, json_t *list)
{
	const struct listing *l = route->listing;

	for (size_t i = 0; l && i < LIST_FILTERS_MAX && l->filters[i].name; i++)
		add_param(list, l->filters[i].name, filter_schema(&l->filters[i]));
	for (enum common i = 0; i < (l ? COMMON__MAX : COMMON_LIMIT); i++)
		add_param(list, common_names[i], common_schema(l, i));
}

/* ---- what is asked ---- */

/* A local day as the instant when it begins, or is over. */
static enum err filter_day(
	struct request *r, const struct list_filter *f, const char *value, struct arg *out)
{
	AUTO(zone_free) struct zone *z = NULL;
	struct day day;
	enum err e = day_parse(value, &day);

	if (e == ERR_OK)
		e = request_zone(r, &z);
	if (e != ERR_OK)
		return e;
	day.days += f->kind == FILTER_TO;
	*out = arg_utc(zone_day_start(z, day));
	return ERR_OK;
}

static enum err read_filters(struct request *r)
{
	const struct listing *l = r->route->listing;
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < LIST_FILTERS_MAX && l->filters[i].name; i++) {
		const struct list_filter *f = &l->filters[i];
		const char *value = form_get(&r->params, f->name);

		if ((!value || !value[0]) && f->usual)
			r->list.ask.filters[i] = arg_i64(str_eq(f->usual, "1"));
		if (!value || !value[0])
			continue;
		if (f->kind == FILTER_FROM || f->kind == FILTER_TO)
			e = filter_day(r, f, value, &r->list.ask.filters[i]);
		else if (f->kind == FILTER_ID || f->kind == FILTER_FLAG)
			r->list.ask.filters[i] = arg_i64(param_int(r, f->name));
		else
			r->list.ask.filters[i] = arg_text(value);
	}
	return e;
}

static void scope_of(const struct request *r, char out[static 320])
{
	snprintf(out, 320, "%s %s%s", r->path, r->list.ask.down ? "-" : "", r->list.ask.sort->name);
}

/* One key when sorted by what differs in each row, else two, of the kinds of the columns. */
static bool place_fits(const struct request *r, const struct list_place *p)
{
	return p->n == (r->list.ask.sort == &r->route->listing->sorts[0] ? 1 : LIST_KEYS);
}

static enum err cursor_problem(struct problem *why)
{
	return problem_set(
		why, ERR_BAD_CURSOR, "cursor", "this is not a cursor of this list in this order");
}

static enum err read_cursor(struct request *r, struct problem *why)
{
	const char *text = form_get(&r->params, "cursor");
	char scope[320];

	if (!text)
		return ERR_OK;
	scope_of(r, scope);
	if (cursor_read(&r->api->jwt_key, scope, text, &r->list.ask.after) != ERR_OK ||
		!place_fits(r, &r->list.ask.after))
		return cursor_problem(why);
	return ERR_OK;
}

enum err inner_cursor_read(const struct request *r, int64_t *after, struct problem *why)
{
	const char *text = form_get(&r->params, "cursor");
	struct list_place place;

	*after = 0;
	if (!text)
		return ERR_OK;
	if (cursor_read(&r->api->jwt_key, r->path, text, &place) != ERR_OK || place.n != 1)
		return cursor_problem(why);
	*after = place.keys[0].number;
	return ERR_OK;
}

json_t *inner_cursor_json(const struct request *r, int64_t last)
{
	const struct list_place place = { 1, { { .number = last } } };
	char text[CURSOR_MAX];

	cursor_write(&r->api->jwt_key, r->path, &place, text);
	return json_string(text);
}

static enum err list_read(struct request *r, struct problem *why)
{
	const struct listing *l = r->route->listing;
	const char *sort = param_text(r, "sort"), *format = param_text(r, "format");
	enum err e;

	r->list.format = format[0] ? format : "json";
	if (!l)
		return ERR_OK;
	r->list.whole = !str_eq(r->list.format, "json") && !param_text(r, "limit")[0];
	r->list.ask.limit = (int)param_int(r, "limit");
	if (r->list.ask.limit == 0)
		r->list.ask.limit = r->list.whole ? listing_most(l) : listing_usual(l);
	r->list.ask.sort = sort_find(l, sort[0] ? sort : l->order, &r->list.ask.down);
	ASSERT(r->list.ask.sort);
	e = read_filters(r);
	return e == ERR_OK ? read_cursor(r, why) : e;
}

enum err list_rows(struct request *r, const struct arg *args, size_t n, struct rows *out)
{
	return db_page(r->db, r->route->listing, &r->list.ask, args, n, out, &r->list.next);
}

enum err list_answer(struct request *r, struct answer *a, const struct arg *args, size_t n,
	json_t *(*show)(const void *row))
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = list_rows(r, args, n, &rows);
	json_t *items;

	if (e != ERR_OK)
		return e;
	items = json_array();
	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(
			items, show((const char *)rows.at + i * r->route->listing->all.row->size));
	a->json = json_items(items);
	return ERR_OK;
}

static json_t *next_json(const struct request *r)
{
	char scope[320], text[CURSOR_MAX];

	if (r->list.next.n == 0)
		return json_null();
	scope_of(r, scope);
	cursor_write(&r->api->jwt_key, scope, &r->list.next, text);
	return json_string(text);
}

static enum err list_page(struct request *r, struct answer *a)
{
	enum err e = r->route->run(r, a);

	if (e == ERR_OK)
		json_object_set_new(a->json, "next", next_json(r));
	return e;
}

enum err list_run(struct request *r, struct answer *a)
{
	enum err e = list_read(r, &a->why);

	if (e != ERR_OK)
		return e;
	return str_eq(r->list.format, "json") ? etag_run(r, a, list_page) : list_file(r, a);
}
