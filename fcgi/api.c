#include "fcgi/api.h"

#include <string.h>

#include "base/log.h"
#include "fcgi/areas.h"
#include "fcgi/audited.h"
#include "fcgi/caller.h"
#include "fcgi/etag.h"
#include "fcgi/list.h"
#include "fcgi/once.h"
#include "fcgi/routes.h"

/* The path behind the prefix; routes for watchers are reachable without it. */
static const char *strip_prefix(const char *path)
{
	size_t n = strlen(API_PREFIX);

	if (strncmp(path, API_PREFIX, n) == 0 && path[n] == '/')
		return path + n;
	return str_eq(path, "/healthz") || str_eq(path, "/metrics") ? path : "";
}

static enum err check_input(struct request *r, struct answer *a)
{
	enum err e = route_params(r->route, r->query, &r->params, &a->why);

	if (e != ERR_OK || !r->route->body)
		return e;
	return body_parse(r->api->schemas, r->route->body, r->body, r->body_n, &r->json, &a->why);
}

static bool by_key(const struct request *r)
{
	return r->route->idempotent ||
	       (r->route->key_welcome && request_header(r, "HTTP_IDEMPOTENCY_KEY"));
}

static enum err run_route(struct request *r, struct answer *a)
{
	enum err e = route_find(r->method, strip_prefix(r->path), &r->route, &r->object, a->allow);

	if (e == ERR_OK)
		e = caller_check(r);
	if (e == ERR_OK)
		e = areas_check_path(r, &a->why);
	if (e == ERR_OK)
		e = request_limited(r, a);
	if (e == ERR_OK && r->read_body && r->route->body_most)
		r->body_error = r->read_body(r, r->route->body_most, &a->why);
	if (e == ERR_OK)
		e = r->body_error;
	if (e == ERR_OK)
		e = check_input(r, a);
	r->ran = e == ERR_OK;
	if (e == ERR_OK)
		db_request_set(r->db, r->id, r->remote, body_text(r, "reason", ""));
	if (e == ERR_OK)
		e = areas_check_input(r, &a->why);
	if (e == ERR_OK)
		e = by_key(r)		? run_once(r, a)
		    : list_is(r->route) ? list_run(r, a)
					: etag_run(r, a, r->route->run);
	if (e == ERR_OK && a->status == 0)
		a->status = r->route->status;
	return e;
}

/* For tests and development: does the answer say what the document says? */
static void check_answer(const struct request *r, const struct answer *a)
{
	const char *shape = r->route ? r->route->answer : NULL;
	struct problem why = { 0 };
	const json_t *one;
	size_t i;
	enum err e = ERR_OK;

	if (a->status >= 400) {
		e = schema_check(r->api->schemas, "problem", a->json, &why);
	} else if (r->route && r->route->approved && json_object_get(a->json, "approval")) {
		e = schema_check(r->api->schemas, "approval_asked", a->json, &why);
	} else if (shape && r->route->list) {
		json_array_foreach(json_object_get(a->json, "items"), i, one) if (e == ERR_OK) e =
			schema_check(r->api->schemas, shape, one, &why);
	} else if (shape) {
		e = schema_check(r->api->schemas, shape, a->json, &why);
	}
	if (e != ERR_OK)
		log_error("answer=differs route=%s code=%s field=%s why=\"%s\"",
			r->route ? r->route->path : "-", err_word(e), why.field, why.text);
}

void api_handle(struct request *r, struct answer *a)
{
	int64_t began = mono_ms();
	enum err e;
	size_t route;

	db_request_set(r->db, r->id, r->remote, "");
	e = run_route(r, a);
	audit_request(r, a, e);
	db_request_set(r->db, "", "", "");
	route = r->route ? (size_t)(r->route - routes) : ROUTES_MAX;
	if (e != ERR_OK && a->status == 0)
		answer_problem(r, a, e);
	if (r->api->check_answers && a->json)
		check_answer(r, a);
	form_free(&r->params);
	json_free(&r->json);
	if (e == ERR_DB || e == ERR_UNAVAILABLE || e == ERR_RETRY)
		atomic_fetch_add(&r->api->tally->database_errors, 1);
	tally_add(r->api->tally, route, a->status, mono_ms() - began);
}
