/* The reports in the API document: a path each, with the members that its columns are. */
#include <stdio.h>

#include "base/str.h"
#include "fcgi/openapi.h"
#include "fcgi/routes.h"
#include "report/report.h"

static json_t *typed(const char *type, bool absent)
{
	return absent ? json_pack("[s, s]", type, "null") : json_string(type);
}

static json_t *column_schema(const struct column *c)
{
	bool absent = c->traits & COLUMN_ABSENT;

	switch (c->kind) {
	case COLUMN_TEXT:
		return json_pack("{s:o}", "type", typed("string", absent));
	case COLUMN_DAY:
		return json_pack("{s:o, s:s}", "type", typed("string", absent), "format", "date");
	case COLUMN_TIME:
		return json_pack(
			"{s:o, s:s}", "type", typed("string", absent), "format", "date-time");
	case COLUMN_MONEY:
		return json_pack("{s:o, s:s}", "type", typed("string", absent), "pattern",
			"^-?[0-9]+\\.[0-9]{9}$");
	case COLUMN_PRICE:
		return json_pack("{s:o, s:s}", "type", typed("string", absent), "pattern",
			"^[0-9]+(\\.[0-9]{1,6})?$");
	case COLUMN_QTY:
	case COLUMN_FEN:
	case COLUMN_PERMILLE:
	case COLUMN_COUNT:
		break;
	}
	return json_pack("{s:o}", "type", typed("integer", absent));
}

/* A closed object of all columns, or of those that are summed. */
static json_t *row_schema(const struct report_kind *r, bool sums)
{
	json_t *properties = json_object(), *required = json_array();

	for (size_t i = 0; i < r->columns->n; i++) {
		struct column c = r->columns->at[i];

		if (sums && !(c.traits & COLUMN_SUMMED))
			continue;
		if (sums)
			c.traits = 0;
		json_object_set_new(properties, c.name, column_schema(&c));
		json_array_append_new(required, json_string(c.name));
	}
	return json_pack("{s:s, s:b, s:o, s:o}", "type", "object", "additionalProperties", 0,
		"required", required, "properties", properties);
}

static json_t *report_schema(const struct report_kind *r)
{
	return json_pack("{s:s, s:b, s:[s,s,s,s,s,s,s], s:{s:{s:s}, s:{s:s}, s:{s:s, s:s},"
			 " s:{s:s, s:s}, s:{s:s}, s:{s:s, s:o}, s:o}}",
		"type", "object", "additionalProperties", 0, "required", "name", "title", "from",
		"to", "final", "items", "totals", "properties", "name", "const", r->name, "title",
		"type", "string", "from", "type", "string", "format", "date", "to", "type",
		"string", "format", "date", "final", "type", "boolean", "items", "type", "array",
		"items", row_schema(r, false), "totals", row_schema(r, true));
}

static json_t *content(const struct report_kind *r)
{
	return json_pack("{s:{s:o}, s:{s:{s:s}}, s:{s:{s:s, s:s}}}", "application/json", "schema",
		report_schema(r), "text/csv", "schema", "type", "string", XLSX_TYPE, "schema",
		"type", "string", "format", "binary");
}

/* Only some reports are grouped. */
static void groups_remove(json_t *parameters)
{
	size_t i;
	json_t *one;

	json_array_foreach(parameters, i, one)
	{
		if (!str_eq(json_string_value(json_object_get(one, "name")), "by"))
			continue;
		json_array_remove(parameters, i);
		return;
	}
}

void reports_document(json_t *paths, json_t *operation)
{
	for (size_t i = 0; i < reports_n; i++) {
		const struct report_kind *r = &reports[i];
		json_t *own = json_deep_copy(operation);
		char text[96];
		size_t n = 0;

		n = (size_t)snprintf(text, sizeof(text), "get_reports_%s", r->name);
		for (size_t k = 0; k < n; k++)
			text[k] = text[k] == '-' ? '_' : text[k];
		json_object_set_new(own, "operationId", json_string(text));
		json_object_set_new(own, "summary",
			json_sprintf("%s. %s", r->en,
				json_string_value(json_object_get(operation, "summary"))));
		json_object_set_new(own, "x-days-most", json_integer(r->days_most));
		if (!r->by)
			groups_remove(json_object_get(own, "parameters"));
		json_object_set_new(json_object_get(json_object_get(own, "responses"), "200"),
			"content", content(r));
		snprintf(text, sizeof(text), "/reports/%s", r->name);
		json_object_set_new(paths, text, json_pack("{s:o}", "get", own));
	}
	json_decref(operation);
}
