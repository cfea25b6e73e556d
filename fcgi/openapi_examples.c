/* An example for each request and answer of the API document: the schema's own, or one made of
 * usual values; what is optional is left out. */
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "fcgi/openapi.h"

#define REF "#/components/schemas/"
#define DEPTH_MOST 24

static const struct {
	const char *name, *text;
} texts[] = {
	{ "code", "A-112" },
	{ "name", "Lotus Teahouse" },
	{ "reason", "requested by the tenant" },
	{ "note", "seen by the cashier" },
	{ "actor", "user:3" },
	{ "user", "Wang Fang" },
	{ "serial", "2311200117" },
	{ "area", "F1" },
	{ "site", "duyun" },
	{ "gateway", "G1" },
	{ "tariff", "shop-tou" },
	{ "room", "A-112" },
	{ "model", "acrel-ddsy1352" },
	{ "maker", "Acrel" },
	{ "zone", "Asia/Shanghai" },
	{ "unit", "12" },
	{ "address", "10.0.0.5:502" },
	{ "rate", "flat" },
	{ "rate_now", "flat" },
	{ "out_trade_no", "YF20261122000017" },
	{ "transaction_id", "4200002026112200017" },
	{ "receipt_no", "20261122-0007" },
	{ "document", "JD-2026-117" },
	{ "label", "2026-11-22" },
	{ "file_name", "meters.xlsx" },
	{ "username", "cashier" },
	{ "password", "a long phrase" },
	{ "access_token", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxNyJ9.Qn7" },
	{ "request_id", "9f3c2a7d5e8b4c1f9f3c2a7d5e8b4c1f" },
	{ "url", "https://erp.example/yufu" },
	{ "code_url", "weixin://wxpay/bizpayurl?pr=Qn7" },
	{ "result", "ok" },
	{ "worker", "node1:1204" },
	{ "from", "2026-11-01" },
	{ "to", "2026-11-30" },
	{ "day", "2026-11-22" },
	{ "at", "2026-11-22T08:30:00.000Z" },
	{ "until", "2026-11-25T08:30:00.000Z" },
	{ "title", "Sales by day" },
	{ "currency", "CNY" },
	{ "ratio", "0.25" },
	{ "register", "1234.56" },
	{ "kind", "recharge" },
	{ "channel", "wechat_native" },
	{ "service", "wechat" },
	{ "phone", "13800000001" },
	{ "contacts", "13900000002" },
	{ "role", "cashier" },
	{ "permissions", "meter.read" },
	{ "memo", "JD-2026-117" },
	{ "way", "aliyun_sms" },
	{ "cause", "account:17" },
	{ "transport", "modbus-tcp" },
	{ "text", "gateway G1 does not answer; its meters cannot be read" },
	{ "error", "no answer within 800 ms" },
	{ "why", "arrears" },
	{ "ticket", "eyJhcHAiOiJtcCJ9.9f3c2a7d" },
	{ "refresh_token", "9f3c2a7d5e8b4c1f9f3c2a7d5e8b4c1f9f3c2a7d5e8b4c1f9f3c2a7d5e8b4c1f" },
	{ "tenant", "A-112" },
	{ "contract", "A-112" },
	{ "purpose", "electricity" },
	{ "utility", "electricity" },
	{ "period", "2026-11-22" },
	{ "month", "2026-11" },
	{ "operator", "Wang Fang" },
	{ "meter", "F12" },
	{ "meters", "F12;F13" },
	{ "basis", "ratio" },
	{ "action", "off" },
	{ "events", "order.paid" },
	{ "description", "electricity of A-112" },
	{ "in_the_way", "silent" },
	{ "what", "electricity" },
};

/* For those that have to look like something: the first that does. */
static const char *const shapes[] = {
	"2026-11-22T08:30:00.000Z",
	"2026-11-22",
	"2026-11",
	"198.560000000",
	"0.658300",
	"12.345",
	"12.34",
	"12",
	"08:00",
	"13800000001",
	"123456",
	"arrears",
	"A-112",
	"whsec_9f3c2a7d5e8b4c1f9f3c2a7d5e8b4c1f9f3c2a7d5e8b4c1f9f3c2a7d5e8b4c1f",
	"9f3c2a7d5e8b4c1f9f3c2a7d5e8b4c1f9f3c2a7d5e8b4c1f9f3c2a7d5e8b4c1f",
	"9f3c2a7d5e8b4c1f9f3c2a7d5e8b4c1f",
	"",
};

static const struct {
	const char *end;
	json_int_t value;
} numbers[] = {
	{ "_fen", 10000 },
	{ "_wh", 8465 },
	{ "_w", 1500 },
	{ "_l", 1200 },
	{ "_mv", 230100 },
	{ "_ma", 2100 },
	{ "_id", 17 },
	{ "id", 17 },
	{ "status", 422 },
};

static json_t *example(const struct schemas *s, const json_t *schema, const char *name, int depth);

static bool looks_like(const char *pattern, const char *text)
{
	regex_t regex;
	bool ok;

	if (!pattern)
		return true;
	ASSERT(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) == 0);
	ok = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return ok;
}

static json_t *text_example(const json_t *schema, const char *name)
{
	const char *pattern = json_string_value(json_object_get(schema, "pattern"));
	const char *format = json_string_value(json_object_get(schema, "format"));

	if (format && !pattern)
		return json_string(str_eq(format, "date") ? "2026-11-22" : "2026-11-22T08:30:00Z");
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (str_eq(texts[i].name, name) && looks_like(pattern, texts[i].text))
			return json_string(texts[i].text);
	for (size_t i = 0; pattern && i < ARRAY_LEN(shapes); i++)
		if (looks_like(pattern, shapes[i]))
			return json_string(shapes[i]);
	return json_string(name[0] ? name : "text");
}

static json_t *number_example(const json_t *schema, const char *name)
{
	const json_t *min = json_object_get(schema, "minimum"),
		     *max = json_object_get(schema, "maximum");
	json_int_t v = min && json_integer_value(min) > 1 ? json_integer_value(min) : 1;
	size_t n = strlen(name);

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		size_t end = strlen(numbers[i].end);

		if (n >= end && str_eq(name + n - end, numbers[i].end)) {
			v = numbers[i].value;
			break;
		}
	}
	if (min && v < json_integer_value(min))
		v = json_integer_value(min);
	if (max && v > json_integer_value(max))
		v = json_integer_value(max);
	return json_integer(v);
}

static json_t *object_example(const struct schemas *s, const json_t *schema, int depth)
{
	const json_t *properties = json_object_get(schema, "properties"), *one;
	json_t *o = json_object();
	size_t i;

	json_array_foreach(json_object_get(schema, "required"), i, one)
	{
		const char *name = json_string_value(one);

		json_object_set_new(
			o, name, example(s, json_object_get(properties, name), name, depth));
	}
	return o;
}

static const char *type_of(const json_t *schema)
{
	const json_t *type = json_object_get(schema, "type");

	if (json_is_array(type))
		type = json_array_get(type, 0);
	return json_is_string(type) ? json_string_value(type) : "null";
}

static json_t *array_example(
	const struct schemas *s, const json_t *schema, const char *name, int depth)
{
	const json_t *items = json_object_get(schema, "items");
	json_int_t least = json_integer_value(json_object_get(schema, "minItems"));
	json_t *list = json_array();

	for (json_int_t i = 0; items && i < (least ? least : 1); i++)
		json_array_append_new(list, example(s, items, name, depth));
	return list;
}

/* The last page; what has not happened; nothing wrong. */
static bool is_mostly_null(const char *name)
{
	size_t n = strlen(name);

	return str_eq(name, "next") || str_eq(name, "why") || str_eq(name, "error") ||
	       str_eq(name, "approval_id") || str_eq(name, "until") ||
	       (n > 3 && str_eq(name + n - 3, "_at"));
}

static json_t *typed_example(
	const struct schemas *s, const json_t *schema, const char *name, int depth)
{
	const char *type = type_of(schema);

	if (json_is_array(json_object_get(schema, "type")) && is_mostly_null(name))
		return json_null();
	if (str_eq(type, "object"))
		return object_example(s, schema, depth);
	if (str_eq(type, "array"))
		return array_example(s, schema, name, depth);
	if (str_eq(type, "string"))
		return text_example(schema, name);
	if (str_eq(type, "integer") || str_eq(type, "number"))
		return number_example(schema, name);
	if (str_eq(type, "boolean"))
		return json_boolean(str_eq(name, "ok") || str_eq(name, "enabled"));
	return json_null();
}

static json_t *example(const struct schemas *s, const json_t *schema, const char *name, int depth)
{
	const char *ref = json_string_value(json_object_get(schema, "$ref"));
	const json_t *given = json_array_get(json_object_get(schema, "examples"), 0);
	const json_t *any = json_array_get(json_object_get(schema, "anyOf"), 0);
	const json_t *listed = json_array_get(json_object_get(schema, "enum"), 0);
	const json_t *fixed = json_object_get(schema, "const");

	ASSERT(depth < DEPTH_MOST); /* a schema holds itself: give it an example */
	if (given || fixed || listed)
		return json_deep_copy(given ? given : fixed ? fixed : listed);
	if (ref)
		return example(
			s, json_object_get(schemas_json(s), ref + strlen(REF)), name, depth + 1);
	return any ? example(s, any, name, depth + 1) : typed_example(s, schema, name, depth + 1);
}

/* Those of named schemas stand among the components, once. */
static json_t *media_example(const struct schemas *s, const json_t *schema, json_t *shared)
{
	const char *ref = json_string_value(json_object_get(schema, "$ref"));

	if (!ref)
		return json_pack("{s:{s:o}}", "usual", "value", example(s, schema, "", 0));
	ref += strlen(REF);
	if (!json_object_get(shared, ref))
		json_object_set_new(shared, ref,
			json_pack("{s:o}", "value",
				example(s, json_object_get(schemas_json(s), ref), "", 0)));
	return json_pack(
		"{s:{s:o}}", "usual", "$ref", json_sprintf("#/components/examples/%s", ref));
}

static void content_examples(const struct schemas *s, json_t *holder, json_t *shared)
{
	json_t *media = json_object_get(json_object_get(holder, "content"), "application/json");
	json_t *schema = json_object_get(media, "schema");

	if (schema && !json_object_get(media, "examples"))
		json_object_set_new(media, "examples", media_example(s, schema, shared));
}

void examples_document(const struct schemas *s, json_t *paths, json_t *shared)
{
	const char *path, *method, *status;
	json_t *methods, *operation, *response;

	json_object_foreach(paths, path, methods) json_object_foreach(methods, method, operation)
	{
		content_examples(s, json_object_get(operation, "requestBody"), shared);
		json_object_foreach(json_object_get(operation, "responses"), status, response)
			content_examples(s, response, shared);
	}
}
