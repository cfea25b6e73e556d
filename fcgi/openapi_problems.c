/* What can go wrong with a request, in the API document: a response for each status, with the codes
 * that it comes with, and one table of all codes. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "fcgi/openapi.h"

#define REF "#/components/responses/problem_%d"

static json_t *codes_of(int status)
{
	json_t *codes = json_array();

	for (int e = ERR_OK + 1; e < ERR__MAX; e++)
		if (err_http((enum err)e) == status && e != ERR_RETRY)
			json_array_append_new(codes, json_string(err_word((enum err)e)));
	return codes;
}

static enum err first_of(int status)
{
	for (int e = ERR_OK + 1; e < ERR__MAX; e++)
		if (err_http((enum err)e) == status)
			return (enum err)e;
	return ERR_INTERNAL;
}

static json_t *problem_response(int status)
{
	enum err e = first_of(status);
	json_t *schema = json_pack("{s:[{s:s}, {s:s, s:{s:{s:i}, s:{s:o}}}]}", "allOf", "$ref",
		"#/components/schemas/problem", "type", "object", "properties", "status", "const",
		status, "code", "enum", codes_of(status));
	json_t *value = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s}", "type", "about:blank",
		"title", err_text(e), "status", status, "code", err_word(e), "detail", err_text(e),
		"hint", err_hint(e, false), "request_id", "9f3c2a7d5e8b4c1f9f3c2a7d5e8b4c1f");

	return json_pack("{s:s, s:{s:{s:o, s:{s:{s:o}}}}}", "description", err_text(e), "content",
		"application/problem+json", "schema", schema, "examples", err_word(e), "value",
		value);
}

json_t *problem_responses(void)
{
	json_t *o = json_object();
	char name[24];

	for (int e = ERR_OK + 1; e < ERR__MAX; e++) {
		snprintf(name, sizeof(name), "problem_%d", err_http((enum err)e));
		if (!json_object_get(o, name))
			json_object_set_new(o, name, problem_response(err_http((enum err)e)));
	}
	return o;
}

json_t *problem_table(void)
{
	json_t *list = json_array();

	for (int e = ERR_OK + 1; e < ERR__MAX; e++)
		if (e != ERR_RETRY) /* never leaves: it is answered as unavailable */
			json_array_append_new(
				list, json_pack("{s:s, s:i, s:s, s:{s:s, s:s}}", "code",
					      err_word((enum err)e), "status",
					      err_http((enum err)e), "title", err_text((enum err)e),
					      "hint", "en", err_hint((enum err)e, false), "zh",
					      err_hint((enum err)e, true)));
	return list;
}

static bool names_something(const struct route *r)
{
	for (size_t i = 0; i < ARRAY_LEN(r->params) && r->params[i].name; i++)
		if (r->params[i].kind == PARAM_ID || r->params[i].kind == PARAM_TEXT)
			return true;
	for (size_t i = 0; r->listing && i < LIST_FILTERS_MAX && r->listing->filters[i].name; i++)
		if (r->listing->filters[i].kind == FILTER_ID)
			return true;
	return r->body || r->body_most || r->file || strchr(r->path, ':');
}

void problems_document(json_t *responses, const struct route *r)
{
	bool open = r->perm == PERM_OPEN || r->perm == PERM_LOCAL;
	bool has_body = r->body || r->body_most, writes = !str_eq(r->method, "GET");
	bool who = str_starts(r->path, "/auth/");
	bool service =
		who || str_starts(r->path, "/me/orders") || str_starts(r->path, "/me/wechat");
	const struct {
		int status;
		bool may;
	} rows[] = {
		{ 400, true },
		{ 401, who || !open },
		{ 403, who || !open },
		{ 404, writes || names_something(r) },
		{ 409, writes },
		{ 413, has_body || r->file || strstr(r->path, ":report") },
		{ 422, true },
		{ 423, who },
		{ 429, true },
		{ 500, true },
		{ 502, service },
		{ 503, true },
		{ 504, service },
	};
	char status[8];

	if (r->body_kind == BODY_RAW && !r->body_most) { /* each service is answered its own way */
		json_object_set_new(
			responses, "4XX", json_pack("{s:s}", "description", "not believed"));
		json_object_set_new(responses, "5XX",
			json_pack("{s:s}", "description", "not kept; the sender repeats it"));
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(status, sizeof(status), "%d", rows[i].status);
		if (rows[i].may && !json_object_get(responses, status))
			json_object_set_new(responses, status,
				json_pack("{s:o}", "$ref", json_sprintf(REF, rows[i].status)));
	}
}
