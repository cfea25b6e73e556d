#include "fcgi/areas.h"

#include <stdio.h>
#include <string.h>

#include "domain/scope.h"
#include "fcgi/routes.h"
#include "report/report.h"

/* The kind whose word is the first of the path, which goes on with an id. */
static const struct scope_kind *kind_of_path(const char *path)
{
	for (size_t i = 0; i < scope_kinds_n; i++) {
		size_t n = strlen(scope_kinds[i].path);

		if (strncmp(path + 1, scope_kinds[i].path, n) == 0 &&
			strncmp(path + 1 + n, "/:id", 4) == 0)
			return &scope_kinds[i];
	}
	return NULL;
}

/* "meter_id", also "to_meter_id" and "meters" for a list of ids. */
static const struct scope_kind *kind_of_member(const char *member)
{
	size_t n = strlen(member);

	for (size_t i = 0; i < scope_kinds_n; i++) {
		size_t k = strlen(scope_kinds[i].member);

		if (str_eq(member, scope_kinds[i].path) ||
			(n >= k && str_eq(member + n - k, scope_kinds[i].member) &&
				(n == k || member[n - k - 1] == '_')))
			return &scope_kinds[i];
	}
	return NULL;
}

static bool of_whole_site(const struct request *r, const struct scope_kind *kind)
{
	if (r->route->areas == AREAS_REPORT)
		return !reports[r->object - 1].areas;
	return r->route->areas == AREAS_BY_ID && !kind;
}

enum err areas_check_path(struct request *r, struct problem *why)
{
	const struct scope_kind *kind = kind_of_path(r->route->path);
	enum err e;

	r->scope = r->user.site_id;
	if (!r->user.in_areas || r->route->perm < PERM_STAFF)
		return ERR_OK;
	if (of_whole_site(r, kind))
		return problem_set(why, ERR_FORBIDDEN, "",
			"this is of the whole site, and you see some areas of it");
	e = scope_take(r->db, r->user.id);
	if (r->route->areas == AREAS_LISTED)
		r->scope = -r->user.id;
	return e == ERR_OK && kind ? scope_sees(r->db, kind, r->object) : e;
}

static enum err check_id(struct request *r, const char *member, int64_t id, struct problem *why)
{
	const struct scope_kind *kind = kind_of_member(member);
	enum err e = kind && id > 0 ? scope_sees(r->db, kind, id) : ERR_OK;

	return e == ERR_NOT_FOUND ? problem_set(why, e, member, "there is no such thing") : e;
}

/* Every number of the body under a name that is known, however deep. */
static enum err check_json(
	struct request *r, const char *member, const json_t *j, struct problem *why)
{
	const char *key;
	json_t *v;
	size_t i;
	enum err e = ERR_OK;

	if (json_is_integer(j))
		return check_id(r, member, json_integer_value(j), why);
	json_array_foreach(j, i, v)
	{
		if (e == ERR_OK)
			e = check_json(r, member, v, why);
	}
	json_object_foreach((json_t *)(uintptr_t)j, key, v)
	{
		if (e == ERR_OK)
			e = check_json(r, key, v, why);
	}
	return e;
}

enum err areas_check_input(struct request *r, struct problem *why)
{
	enum err e = ERR_OK;
	int64_t id;

	if (!r->user.in_areas || r->route->perm < PERM_STAFF)
		return ERR_OK;
	for (size_t i = 0; e == ERR_OK && i < r->params.n; i++)
		if (i64_parse(r->params.pairs[i].value, 1, INT64_MAX, &id) == ERR_OK)
			e = check_id(r, r->params.pairs[i].name, id, why);
	return e == ERR_OK ? check_json(r, "", r->json, why) : e;
}
