#include "fcgi/openapi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/list.h"

static json_t *schema_ref(const char *name)
{
	return json_pack("{s:o}", "$ref", json_sprintf("#/components/schemas/%s", name));
}

static json_t *json_content(const char *type, json_t *schema)
{
	return json_pack("{s:{s:o}}", type, "schema", schema);
}

static json_t *list_schema(const struct route *r)
{
	json_t *o = json_pack("{s:s, s:b, s:[s,s], s:{s:{s:s, s:o}, s:{s:[s,s]}}}", "type",
		"object", "additionalProperties", 0, "required", "items", "next", "properties",
		"items", "type", "array", "items", schema_ref(r->answer), "next", "type", "string",
		"null");

	if (!r->totals)
		return o;
	json_array_append_new(json_object_get(o, "required"), json_string("totals"));
	json_object_set_new(json_object_get(o, "properties"), "totals", schema_ref(r->totals));
	return o;
}

json_t *param_schema(enum param_kind kind)
{
	switch (kind) {
	case PARAM_ID:
		return json_pack("{s:s, s:i}", "type", "integer", "minimum", 1);
	case PARAM_TEXT:
		return json_pack("{s:s, s:i}", "type", "string", "maxLength", 64);
	case PARAM_DAY:
		return json_pack("{s:s, s:s}", "type", "string", "format", "date");
	case PARAM_STEP:
		return json_pack(
			"{s:s, s:[s,s,s]}", "type", "string", "enum", "hour", "day", "month");
	case PARAM_NAMES:
		return json_pack("{s:s, s:i}", "type", "string", "maxLength", 4000);
	case PARAM_FILE_NAME:
		return json_pack(
			"{s:s, s:i, s:i}", "type", "string", "minLength", 1, "maxLength", 255);
	case PARAM_BOOK_FORMAT:
		return json_pack("{s:s, s:[s,s]}", "type", "string", "enum", "xlsx", "csv");
	case PARAM_CURSOR:
		return json_pack("{s:s, s:s}", "type", "string", "pattern", "^[A-Za-z0-9_-]+$");
	case PARAM_FLAG:
		return json_pack("{s:s, s:[s,s]}", "type", "string", "enum", "0", "1");
	case PARAM_FORMAT:
		return json_pack(
			"{s:s, s:[s,s,s]}", "type", "string", "enum", "json", "xlsx", "csv");
	case PARAM_GROUP:
		return json_pack("{s:s, s:[s,s,s,s]}", "type", "string", "enum", "meter", "shop",
			"area", "rate");
	case PARAM_MONTH:
		return json_pack("{s:s, s:s}", "type", "string", "pattern", "^[0-9]{4}-[0-9]{2}$");
	}
	return json_object();
}

static json_t *param_object(const char *name, const char *in, bool required, json_t *schema)
{
	return json_pack("{s:s, s:s, s:b, s:o}", "name", name, "in", in, "required", required,
		"schema", schema);
}

static json_t *route_parameters(const struct route *r)
{
	json_t *list = json_array();

	if (strstr(r->path, "/:id"))
		json_array_append_new(
			list, param_object("id", "path", true, param_schema(PARAM_ID)));
	if (strstr(r->path, "/:date"))
		json_array_append_new(
			list, param_object("date", "path", true, param_schema(PARAM_DAY)));
	if (strstr(r->path, "/:secret"))
		json_array_append_new(list, param_object("secret", "path", true,
						    json_pack("{s:s, s:s}", "type", "string",
							    "pattern", "^[A-Za-z0-9_-]{1,64}$")));
	if (strstr(r->path, "/:name"))
		json_array_append_new(list, param_object("name", "path", true,
						    json_pack("{s:s, s:s}", "type", "string",
							    "pattern", "^[a-z0-9_:-]{1,48}$")));
	for (size_t i = 0; i < ARRAY_LEN(r->params) && r->params[i].name; i++)
		json_array_append_new(
			list, param_object(r->params[i].name, "query", r->params[i].required,
				      param_schema(r->params[i].kind)));
	if (list_is(r))
		list_params_document(r, list);
	if (r->idempotent || r->key_welcome)
		json_array_append_new(list, param_object("Idempotency-Key", "header", r->idempotent,
						    json_pack("{s:s, s:s}", "type", "string",
							    "pattern", "^[A-Za-z0-9_-]{1,64}$")));
	return list;
}

static json_t *file_content(void)
{
	return json_pack("{s:{s:{s:s, s:s}}, s:{s:{s:s}}}", XLSX_TYPE, "schema", "type", "string",
		"contentEncoding", "binary", "text/csv", "schema", "type", "string");
}

/* As JSON, or as a file of its rows. */
static json_t *list_content(const struct route *r)
{
	json_t *o = json_content("application/json", list_schema(r));
	json_t *files = file_content();

	json_object_update(o, files);
	json_decref(files);
	return o;
}

static json_t *answer_object(const struct route *r)
{
	json_t *o = json_pack("{s:s}", "description",
		r->status == 204   ? "done"
		: r->status == 302 ? "to another page"
				   : "the answer");

	if (list_is(r))
		json_object_set_new(o, "content", list_content(r));
	else if (r->answer)
		json_object_set_new(o, "content",
			json_content("application/json",
				r->list ? list_schema(r) : schema_ref(r->answer)));
	else if (r->file)
		json_object_set_new(o, "content", file_content());
	else if (r->lines)
		json_object_set_new(o, "content",
			json_content("application/x-ndjson", json_pack("{s:s}", "type", "string")));
	else if (str_eq(r->path, "/openapi.json"))
		json_object_set_new(o, "content",
			json_content("application/json", json_pack("{s:s}", "type", "object")));
	else if (r->status != 204 && r->status != 302)
		json_object_set_new(o, "content",
			json_content("text/plain", json_pack("{s:s}", "type", "string")));
	return o;
}

/* 202 where a second person decides; some routes answer 202 of their own as well. */
static json_t *approval_object(const struct route *r)
{
	json_t *schema = schema_ref("approval_asked");

	if (r->status == 202 && !str_eq(r->answer, "approval_asked"))
		schema = json_pack("{s:[o, o]}", "anyOf", schema_ref(r->answer), schema);
	return json_pack("{s:s, s:o}", "description", "it waits for a second person", "content",
		json_content("application/json", schema));
}

static json_t *route_answers(const struct route *r)
{
	json_t *o = json_object();
	char status[8];

	snprintf(status, sizeof(status), "%d", r->status);
	json_object_set_new(o, status, answer_object(r));
	if (r->approved)
		json_object_set_new(o, "202", approval_object(r));
	if (r->etag)
		json_object_set_new(o, "304",
			json_pack("{s:s}", "description", "not modified: as If-None-Match has it"));
	problems_document(o, r);
	return o;
}

/* "get_meters_id_supply" */
static json_t *operation_id(const struct route *r)
{
	char id[96];
	size_t n = 0;

	for (const char *s = r->method; *s; s++)
		id[n++] = (char)(*s | 0x20);
	for (const char *s = r->path; *s && n < sizeof(id) - 1; s++)
		if (*s != ':')
			id[n++] = *s == '/' || *s == '-' || *s == '.' ? '_' : *s;
	id[n] = '\0';
	return json_string(id);
}

static json_t *operation(const struct route *r)
{
	json_t *o = json_pack("{s:o, s:s}", "operationId", operation_id(r), "summary", r->help);
	json_t *parameters = route_parameters(r);
	bool open = r->perm == PERM_OPEN || r->perm == PERM_LOCAL;

	if (perm_word(r->perm)[0])
		json_object_set_new(o, "x-permission", json_string(perm_word(r->perm)));
	if (r->or_perm)
		json_object_set_new(o, "x-or-permission", json_string(perm_word(r->or_perm)));
	json_object_set_new(o, "security", open ? json_array() : json_pack("[{s:[]}]", "bearer"));
	if (json_array_size(parameters))
		json_object_set(o, "parameters", parameters);
	json_decref(parameters);
	if (r->body)
		json_object_set_new(o, "requestBody",
			json_pack("{s:b, s:o}", "required", !str_eq(r->body, "empty"), "content",
				json_content("application/json", schema_ref(r->body))));
	if (r->body_most)
		json_object_set_new(o, "requestBody",
			json_pack("{s:b, s:o}", "required", 1, "content",
				json_content("application/octet-stream",
					json_pack("{s:s, s:I}", "type", "string", "maxLength",
						(json_int_t)r->body_most))));
	json_object_set_new(o, "responses", route_answers(r));
	return o;
}

/* "/meters/:id" to "/meters/{id}" */
static void path_template(const char *path, char out[static 96])
{
	const char *colon = strchr(path, ':');
	int n = colon ? (int)strcspn(colon + 1, "/") : 0;

	if (colon)
		snprintf(out, 96, "%.*s{%.*s}%s", (int)(colon - path), path, n, colon + 1,
			colon + 1 + n);
	else
		snprintf(out, 96, "%s", path);
}

static json_t *paths(void)
{
	json_t *o = json_object();

	for (size_t i = 0; i < routes_n; i++) {
		char path[96], method[8];
		json_t *at;
		size_t n = 0;

		if (strstr(routes[i].path, ":report")) {
			reports_document(o, operation(&routes[i]));
			continue;
		}
		path_template(routes[i].path, path);
		for (const char *s = routes[i].method; *s; s++)
			method[n++] = (char)(*s | 0x20);
		method[n] = '\0';
		at = json_object_get(o, path);
		if (!at) {
			at = json_object();
			json_object_set_new(o, path, at);
		}
		json_object_set_new(at, method, operation(&routes[i]));
	}
	return o;
}

json_t *openapi_document(const struct schemas *s)
{
	json_t *all = paths(), *examples = json_object();
	json_t *document;

	examples_document(s, all, examples);
	document = json_pack("{s:s, s:{s:s, s:s, s:s}, s:[{s:s}], s:o, s:{s:O, s:o, s:o,"
			     " s:{s:{s:s, s:s, s:s}}}, s:o}",
		"openapi", "3.1.0", "info", "title", "Yufu", "version", YUFU_VERSION, "description",
		"Prepaid electricity and water. Energy in Wh, volume in litres, power in W: whole"
		" numbers. Cash in fen: whole numbers. Balances, charges and prices: decimal text"
		" in yuan. Times: RFC 3339 in UTC; days are local to the site. Every answer has the"
		" header X-Request-Id.",
		"servers", "url", API_PREFIX, "paths", all, "components", "schemas",
		schemas_json(s), "responses", problem_responses(), "examples", examples,
		"securitySchemes", "bearer", "type", "http", "scheme", "bearer", "bearerFormat",
		"JWT", "x-problems", problem_table());

	ASSERT(document);
	return document;
}

/* JSON text is YAML too, so every scalar is written as JSON writes it. */
static void yaml_scalar(const json_t *j, struct buf *out)
{
	char *text = json_dumps(j, JSON_ENCODE_ANY | JSON_COMPACT);

	ASSERT(text);
	buf_adds(out, text);
	free(text);
}

static void yaml_value(const json_t *j, int indent, struct buf *out);

static void yaml_key(const char *key, struct buf *out)
{
	bool plain = key[0] == '$' || key[0] == '/' || (key[0] | 0x20) >= 'a';

	/* Numbers and YAML's words for truth are quoted; none of the rest has a colon in it. */
	if (plain && !str_eq(key, "on") && !str_eq(key, "off") && !str_eq(key, "null") &&
		!str_eq(key, "no") && !str_eq(key, "yes"))
		buf_adds(out, key);
	else
		buf_printf(out, "\"%s\"", key);
}

static bool is_block(const json_t *j)
{
	return (json_is_object(j) && json_object_size(j)) ||
	       (json_is_array(j) && json_array_size(j));
}

static void yaml_object(const json_t *j, int indent, struct buf *out)
{
	const char *key;
	json_t *v;
	bool first = true;

	json_object_foreach((json_t *)(uintptr_t)j, key, v)
	{
		if (!first)
			buf_printf(out, "%*s", indent, "");
		first = false;
		yaml_key(key, out);
		buf_adds(out, ":");
		if (is_block(v))
			buf_printf(out, "\n%*s", indent + 2, "");
		else
			buf_adds(out, " ");
		yaml_value(v, indent + 2, out);
	}
}

static void yaml_value(const json_t *j, int indent, struct buf *out)
{
	json_t *v;
	size_t i;

	if (!is_block(j)) {
		yaml_scalar(j, out);
		buf_adds(out, "\n");
	} else if (json_is_object(j)) {
		yaml_object(j, indent, out);
	} else {
		json_array_foreach(j, i, v)
		{
			if (i)
				buf_printf(out, "%*s", indent, "");
			buf_adds(out, "- ");
			yaml_value(v, indent + 2, out);
		}
	}
}

void yaml_write(const json_t *j, struct buf *out)
{
	yaml_value(j, 0, out);
}
