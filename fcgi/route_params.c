/* Parameters of a query against those of its route. */
#include <string.h>

#include "base/zone.h"
#include "fcgi/list.h"
#include "fcgi/routes.h"
#include "rules/fee.h"

static bool text_is_utf8(const char *v)
{
	AUTO(json_free) json_t *j = json_string(v);

	return j != NULL;
}

static enum err check_text(
	const struct param *p, const char *v, size_t least, size_t most, struct problem *why)
{
	size_t n = strlen(v);

	if (n > most && least == 0)
		return problem_set(why, ERR_OUT_OF_RANGE, p->name, "at most %zu bytes", most);
	if (n < least || n > most)
		return problem_set(why, ERR_OUT_OF_RANGE, p->name, "%zu to %zu bytes", least, most);
	return text_is_utf8(v) ? ERR_OK
			       : problem_set(why, ERR_BAD_VALUE, p->name, "this is not UTF-8");
}

static enum err check_month(const struct param *p, const char *v, struct problem *why)
{
	struct month month;

	return month_parse(v, &month) == ERR_OK ? ERR_OK
						: problem_set(why, ERR_BAD_VALUE, p->name,
							  "a month like 2026-11 is expected");
}

enum err param_check(const struct param *p, const char *v, struct problem *why)
{
	int64_t id;
	struct day day;

	switch (p->kind) {
	case PARAM_ID:
		if (i64_parse(v, 1, INT64_MAX, &id) != ERR_OK)
			return problem_set(
				why, ERR_BAD_VALUE, p->name, "a number from 1 is expected");
		return ERR_OK;
	case PARAM_TEXT:
		return check_text(p, v, 0, 64, why);
	case PARAM_NAMES:
		return check_text(p, v, 0, 4000, why);
	case PARAM_FILE_NAME:
		return check_text(p, v, 1, 255, why);
	case PARAM_BOOK_FORMAT:
		if (!str_eq(v, "xlsx") && !str_eq(v, "csv"))
			return problem_set(why, ERR_BAD_VALUE, p->name, "xlsx or csv");
		return ERR_OK;
	case PARAM_CURSOR:
		return ERR_OK;
	case PARAM_DAY:
		if (day_parse(v, &day) != ERR_OK)
			return problem_set(
				why, ERR_BAD_VALUE, p->name, "a day like 2026-11-22 is expected");
		return ERR_OK;
	case PARAM_STEP:
		if (!str_eq(v, "hour") && !str_eq(v, "day") && !str_eq(v, "month"))
			return problem_set(why, ERR_BAD_VALUE, p->name, "hour, day or month");
		return ERR_OK;
	case PARAM_FLAG:
		if (!str_eq(v, "0") && !str_eq(v, "1"))
			return problem_set(why, ERR_BAD_VALUE, p->name, "0 or 1");
		return ERR_OK;
	case PARAM_FORMAT:
		if (!str_eq(v, "json") && !str_eq(v, "xlsx") && !str_eq(v, "csv"))
			return problem_set(why, ERR_BAD_VALUE, p->name, "json, xlsx or csv");
		return ERR_OK;
	case PARAM_GROUP:
		if (!str_eq(v, "meter") && !str_eq(v, "shop") && !str_eq(v, "area") &&
			!str_eq(v, "rate"))
			return problem_set(
				why, ERR_BAD_VALUE, p->name, "meter, shop, area or rate");
		return ERR_OK;
	case PARAM_MONTH:
		return check_month(p, v, why);
	}
	return ERR_INTERNAL;
}

static const struct param *param_find(const struct route *route, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(route->params) && route->params[i].name; i++)
		if (str_eq(route->params[i].name, name))
			return &route->params[i];
	return NULL;
}

/* A span of days that ends before it begins is nobody's wish. */
static enum err check_span(const struct form *f, struct problem *why)
{
	const char *from = form_get(f, "from"), *to = form_get(f, "to");

	if (from && to && strcmp(to, from) < 0) /* days as text stand in order */
		return problem_set(why, ERR_OUT_OF_RANGE, "to", "it is before from");
	return ERR_OK;
}

static enum err check_params(const struct route *route, const struct form *f, struct problem *why)
{
	enum err e;

	for (size_t i = 0; i < f->n; i++) {
		const struct param *p = param_find(route, f->pairs[i].name);

		e = p ? param_check(p, f->pairs[i].value, why)
		      : list_param_check(route, f->pairs[i].name, f->pairs[i].value, why);
		if (e != ERR_OK)
			return e;
	}
	for (size_t i = 0; i < ARRAY_LEN(route->params) && route->params[i].name; i++)
		if (route->params[i].required && !form_get(f, route->params[i].name))
			return problem_set(why, ERR_MISSING_FIELD, route->params[i].name,
				"%s is required", route->params[i].name);
	return check_span(f, why);
}

enum err route_params(
	const struct route *route, const char *query, struct form *out, struct problem *why)
{
	AUTO(form_free) struct form f = { 0 };
	enum err e = form_decode(query, strlen(query), &f, why);

	if (e != ERR_OK)
		return ERR_BAD_VALUE;
	e = route->any_query ? ERR_OK : check_params(route, &f, why);
	if (e != ERR_OK)
		return e;
	*out = f;
	f = (struct form){ 0 };
	return ERR_OK;
}
