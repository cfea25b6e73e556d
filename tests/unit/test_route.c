/* The list of routes, the matcher, parameters, and bodies against the schemas. */
#include "cmock.h"

#include <string.h>

#include "fcgi/list.h"
#include "fcgi/list_columns.h"
#include "fcgi/openapi.h"
#include "fcgi/routes.h"
#include "report/report.h"

static void test_match(void **state)
{
	static const struct {
		const char *method, *path, *want; /* path of the route; NULL: none */
		int64_t object;
		enum err e;
		const char *allow;
	} rows[] = {
		{ "GET", "/me", "/me", 0, ERR_OK, "" },
		{ "HEAD", "/me", "/me", 0, ERR_OK, "" },
		{ "GET", "/meters/7", "/meters/:id", 7, ERR_OK, "" },
		{ "POST", "/meters/7/supply", "/meters/:id/supply", 7, ERR_OK, "" },
		{ "GET", "/meters/9223372036854775807", "/meters/:id", INT64_MAX, ERR_OK, "" },
		{ "POST", "/me", NULL, 0, ERR_METHOD, "GET" },
		{ "DELETE", "/me/alert-settings", NULL, 0, ERR_METHOD, "GET, PUT" },
		{ "TRACE", "/meters/7/supply", NULL, 0, ERR_METHOD, "POST" },
		{ "GET", "", NULL, 0, ERR_NOT_FOUND, "" },
		{ "GET", "/", NULL, 0, ERR_NOT_FOUND, "" },
		{ "GET", "/me/", NULL, 0, ERR_NOT_FOUND, "" },
		{ "GET", "//me", NULL, 0, ERR_NOT_FOUND, "" },
		{ "GET", "/mE", NULL, 0, ERR_NOT_FOUND, "" },
		{ "GET", "/meters/0", NULL, 0, ERR_NOT_FOUND, "" },
		{ "GET", "/meters/07", NULL, 0, ERR_NOT_FOUND, "" },
		{ "GET", "/meters/-7", NULL, 0, ERR_NOT_FOUND, "" },
		{ "GET", "/meters/7x", NULL, 0, ERR_NOT_FOUND, "" },
		{ "GET", "/meters/9223372036854775808", NULL, 0, ERR_NOT_FOUND, "" },
		{ "GET", "/meters/:id", NULL, 0, ERR_NOT_FOUND, "" },
		{ "GET", "/meters/../me", NULL, 0, ERR_NOT_FOUND, "" },
		{ "GET", "/meters/7/supply/x", NULL, 0, ERR_NOT_FOUND, "" },
		{ "POST", "/days/2026-11-22/seal", "/days/:date/seal", 20779, ERR_OK, "" },
		{ "POST", "/days/2026-02-29/seal", NULL, 0, ERR_NOT_FOUND, "" },
		{ "POST", "/days/2026-1-22/seal", NULL, 0, ERR_NOT_FOUND, "" },
		{ "POST", "/days/1970-01-01/seal", NULL, 0, ERR_NOT_FOUND, "" },
		{ "POST", "/days/7/seal", NULL, 0, ERR_NOT_FOUND, "" },
		{ "GET", "/jobs/send:aliyun_sms", "/jobs/:name", 0, ERR_OK, "" },
		{ "GET", "/meter-models/acrel-ddsy1352", "/meter-models/:name", 0, ERR_OK, "" },
		{ "GET", "/jobs/Send", NULL, 0, ERR_NOT_FOUND, "" },
		{ "GET", "/jobs/a.b", NULL, 0, ERR_NOT_FOUND, "" },
		{ "PUT", "/sites/7", NULL, 0, ERR_METHOD, "GET, PATCH" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct route *r = NULL;
		int64_t object = 0;
		char allow[64];
		enum err e = route_find(rows[i].method, rows[i].path, &r, &object, allow);

		if (e != rows[i].e || object != rows[i].object)
			fail_msg("%s %s: %s", rows[i].method, rows[i].path, err_word(e));
		assert_string_equal(r ? r->path : "", rows[i].want ? rows[i].want : "");
		if (e != ERR_OK)
			assert_string_equal(allow, rows[i].allow);
	}
}

/* What a forgotten word in a row would break. */
static void test_list_is_whole(void **state)
{
	struct schemas *s = schemas_open();
	const json_t *file = schemas_json(s);

	(void)state;
	for (size_t i = 0; i < routes_n; i++) {
		const struct route *r = &routes[i];

		assert_int_not_equal(r->perm, PERM_CLOSED);
		assert_true(r->run && r->help && r->status >= 200 && r->status < 400);
		assert_true(!r->body || json_object_get(file, r->body));
		assert_true(!r->answer || json_object_get(file, r->answer));
		/* GETs are repeated by browsers and proxies: they take no key and no body. */
		if (str_eq(r->method, "GET"))
			assert_true(!r->body && !r->idempotent);
		for (size_t k = 0; k < i; k++)
			assert_false(str_eq(r->path, routes[k].path) &&
				     str_eq(r->method, routes[k].method));
	}
	schemas_free(&s);
}

static const struct route *route(const char *method, const char *path)
{
	const struct route *r = NULL;
	int64_t object;
	char allow[64];

	assert_int_equal(route_find(method, path, &r, &object, allow), ERR_OK);
	return r;
}

/* Each list can be written as a sheet, and has an order to begin with. */
static void test_lists_are_whole(void **state)
{
	struct schemas *s = schemas_open();

	(void)state;
	for (size_t i = 0; i < routes_n; i++) {
		const struct route *r = &routes[i];
		const struct listing *l = r->listing;
		static struct list_columns columns;

		assert_true(!l || list_is(r));
		if (!list_is(r))
			continue;
		for (int english = 0; english < 2; english++) {
			assert_int_equal(
				list_columns_make(s, r->answer, english, &columns), ERR_OK);
			assert_true(columns.n > 0);
			for (size_t k = 0; k < columns.n; k++)
				for (size_t m = 0; m < k; m++)
					if (str_eq(columns.at[k].title, columns.at[m].title))
						fail_msg("%s: two columns %s", r->path,
							columns.at[k].title);
		}
		if (!l)
			continue;
		assert_non_null(listing_sort(l, l->order + (l->order[0] == '-')));
		assert_true(listing_usual(l) <= listing_most(l));
	}
	schemas_free(&s);
}

static void test_params(void **state)
{
	static const struct {
		const char *path, *query;
		enum err want;
		const char *field;
	} rows[] = {
		{ "/meters", "", ERR_OK, "" },
		{ "/meters", "q=%E5%85%AC&gateway_id=3", ERR_OK, "" },
		{ "/meters", "q=%ff", ERR_BAD_VALUE, "q" },
		{ "/meters", "q=%0", ERR_BAD_VALUE, "" },
		{ "/meters", "q=%00", ERR_BAD_VALUE, "" },
		{ "/meters", "q=a&q=b", ERR_BAD_VALUE, "q" },
		{ "/meters", "x=1", ERR_UNKNOWN_FIELD, "x" },
		{ "/meters", "limit=1&sort=-code&format=csv&utility=water", ERR_OK, "" },
		{ "/meters", "limit=5000", ERR_OK, "" },
		{ "/meters", "limit=5001", ERR_OUT_OF_RANGE, "limit" },
		{ "/meters", "limit=0", ERR_OUT_OF_RANGE, "limit" },
		{ "/meters", "sort=serial", ERR_BAD_VALUE, "sort" },
		{ "/meters", "sort=--code", ERR_BAD_VALUE, "sort" },
		{ "/meters", "utility=gas", ERR_BAD_VALUE, "utility" },
		{ "/meters", "format=pdf", ERR_BAD_VALUE, "format" },
		{ "/meters/7/readings", "sort=-read_at", ERR_OK, "" },
		{ "/meters/7/readings", "sort=read_at", ERR_BAD_VALUE, "sort" },
		{ "/fees/cuts", "sort=account_id", ERR_BAD_VALUE, "sort" },
		{ "/settings", "format=xlsx", ERR_OK, "" },
		{ "/settings", "limit=1", ERR_UNKNOWN_FIELD, "limit" },
		{ "/meters", "gateway_id=0", ERR_BAD_VALUE, "gateway_id" },
		{ "/meters", "gateway_id=1;drop", ERR_BAD_VALUE, "gateway_id" },
		{ "/meters", "gateway_id=", ERR_BAD_VALUE, "gateway_id" },
		{ "/me/usage", "meter_id=1&from=2026-11-01", ERR_MISSING_FIELD, "to" },
		{ "/me/usage", "meter_id=1&from=2026-11-01&to=2026-11-31", ERR_BAD_VALUE, "to" },
		{ "/me/usage", "meter_id=1&from=2026-11-01&to=2026-11-30&step=year", ERR_BAD_VALUE,
			"step" },
		{ "/me/usage", "meter_id=1&from=2026-11-01&to=2026-11-30&step=month", ERR_OK, "" },
		{ "/alarms", "open=yes", ERR_BAD_VALUE, "open" },
		{ "/entries", "from=2026-01-02&to=2026-01-02", ERR_OK, "" },
		{ "/entries", "from=2026-01-03&to=2026-01-02", ERR_OUT_OF_RANGE, "to" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct form f = { 0 };
		struct problem why = { 0 };
		enum err e = route_params(route("GET", rows[i].path), rows[i].query, &f, &why);

		if (e != rows[i].want)
			fail_msg("%s?%s: %s", rows[i].path, rows[i].query, err_word(e));
		if (e != ERR_OK && rows[i].field[0])
			assert_string_equal(why.field, rows[i].field);
		form_free(&f);
	}
}

static const struct {
	const char *schema, *text;
	enum err want;
	const char *field;
} bodies[] = {
	{ "login", "{\"username\":\"a\",\"password\":\"b\"}", ERR_OK, "" },
	{ "login", "", ERR_MISSING_FIELD, "username" },
	{ "login", "{}", ERR_MISSING_FIELD, "username" },
	{ "login", "{\"username\":\"a\"}", ERR_MISSING_FIELD, "password" },
	{ "login", "{\"username\":\"\",\"password\":\"b\"}", ERR_OUT_OF_RANGE, "username" },
	{ "login", "{\"username\":null,\"password\":\"b\"}", ERR_BAD_VALUE, "username" },
	{ "login", "{\"username\":\"a\",\"password\":\"b\",\"role\":\"admin\"}", ERR_UNKNOWN_FIELD,
		"role" },
	{ "login", "{\"username\":\"a\",\"username\":\"b\",\"password\":\"c\"}", ERR_BAD_JSON, "" },
	{ "login", "{\"username\":\"a\\u0000\",\"password\":\"b\"}", ERR_BAD_JSON, "" },
	{ "login", "{\"username\":\"\xff\",\"password\":\"b\"}", ERR_BAD_JSON, "" },
	{ "login", "{\"username\":\"a\",\"password\":\"b\"} x", ERR_BAD_JSON, "" },
	{ "login", "[]", ERR_BAD_JSON, "" },
	{ "login", "7", ERR_BAD_JSON, "" },
	{ "login", "nope", ERR_BAD_JSON, "" },
	{ "login", "[[[[[[[[[[[[[[[[[[[[", ERR_BAD_JSON, "" },
	{ "sms_code", "{\"phone\":\"13800000001\"}", ERR_OK, "" },
	{ "sms_code", "{\"phone\":\"138000000011\"}", ERR_BAD_VALUE, "phone" },
	{ "sms_code", "{\"phone\":\"13800000001\\n\"}", ERR_BAD_VALUE, "phone" },
	{ "order_new", "{\"account_id\":1,\"amount_fen\":5000,\"channel\":\"wechat_native\"}",
		ERR_OK, "" },
	{ "order_new", "{\"account_id\":0,\"amount_fen\":5000,\"channel\":\"wechat_native\"}",
		ERR_OUT_OF_RANGE, "account_id" },
	{ "order_new", "{\"account_id\":1,\"amount_fen\":5000.5,\"channel\":\"wechat_native\"}",
		ERR_BAD_VALUE, "amount_fen" },
	{ "order_new", "{\"account_id\":1,\"amount_fen\":\"5000\",\"channel\":\"wechat_native\"}",
		ERR_BAD_VALUE, "amount_fen" },
	{ "order_new",
		"{\"account_id\":1,\"amount_fen\":99999999999999999999,\"channel\":"
		"\"wechat_native\"}",
		ERR_BAD_JSON, "" },
	{ "supply_order", "{\"action\":\"off\",\"reason\":\"检修\"}", ERR_OK, "" },
	{ "supply_order", "{\"action\":\"close\",\"reason\":\"x\"}", ERR_BAD_VALUE, "action" },
	{ "supply_order", "{\"action\":\"off\",\"reason\":\"a\\u001bb\"}", ERR_BAD_VALUE,
		"reason" },
	{ "supply_order", "{\"action\":\"off\",\"reason\":\"a\\nb\"}", ERR_OK, "" },
	{ "supply_order", "{\"action\":\"off\",\"reason\":\"\"}", ERR_OUT_OF_RANGE, "reason" },
	{ "sale_new", "{\"lines\":[],\"method\":\"cash\",\"tendered_fen\":1}", ERR_OUT_OF_RANGE,
		"lines" },
	{ "sale_new",
		"{\"lines\":[{\"account_id\":1,\"amount_fen\":1},{\"account_id\":1}],"
		"\"method\":\"cash\",\"tendered_fen\":1}",
		ERR_MISSING_FIELD, "lines[1].amount_fen" },
	{ "empty", "", ERR_OK, "" },
	{ "empty", "{}", ERR_OK, "" },
	{ "empty", "{\"a\":1}", ERR_UNKNOWN_FIELD, "a" },
};

static void test_bodies(void **state)
{
	struct schemas *s = schemas_open();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		AUTO(json_free) json_t *j = NULL;
		struct problem why = { 0 };
		enum err e = body_parse(
			s, bodies[i].schema, bodies[i].text, strlen(bodies[i].text), &j, &why);

		if (e != bodies[i].want)
			fail_msg("%s %s: %s", bodies[i].schema, bodies[i].text, err_word(e));
		if (e != ERR_OK)
			assert_string_equal(why.field, bodies[i].field);
	}
	schemas_free(&s);
}

static void test_document_names_every_route(void **state)
{
	struct schemas *s = schemas_open();
	AUTO(json_free) json_t *d = openapi_document(s);
	const json_t *paths = json_object_get(d, "paths");
	size_t n = 0;
	const char *path;
	json_t *at;

	(void)state;
	json_object_foreach((json_t *)(uintptr_t)paths, path, at) n += json_object_size(at);
	assert_int_equal(n, routes_n - 1 + reports_n); /* a path for each report */
	assert_non_null(json_object_get(paths, "/meters/{id}/supply"));
	schemas_free(&s);
}

/* What every problem says, in both languages. */
static void test_each_error_has_its_hints(void **state)
{
	(void)state;
	for (int e = 0; e < ERR__MAX; e++) {
		const char *en = err_hint((enum err)e, false), *zh = err_hint((enum err)e, true);

		if (!en[0] || (signed char)zh[0] >= 0)
			fail_msg("core/base/hint.def: %s", err_word((enum err)e));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_list_is_whole),
		cmocka_unit_test(test_lists_are_whole),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_each_error_has_its_hints),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_document_names_every_route),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
