/* The control side of the simulator over real HTTP. */
#include "sim_fixture.h"

#include "cmock.h"

#include <curl/curl.h>
#include <string.h>
#include <unistd.h>

#include "sim/control.h"

struct side {
	struct fixture wire;
	struct control control;
	struct http *http;
};

static void echo(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	const char *query = http_query(req, "name");
	const char *header = http_header(req, "x-test");
	size_t n;
	const char *body = http_body(req, &n);

	assert_ptr_equal(ctx, NULL);
	http_add_header(reply, "X-Raw", http_raw_target(req));
	http_answer_json(reply, 202,
		json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:s%}", "method", http_method(req), "path",
			http_path(req), "rest", http_rest(req), "query", query, "header", header,
			"body", body, n));
}

static void hang_up(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	(void)ctx;
	(void)req;
	http_hang_up(reply);
}

static void nothing(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	(void)ctx;
	(void)req;
	(void)reply;
}

static const struct http_route routes[] = {
	{ NULL, "/echo", echo },
	{ "GET", "/echo/gone", hang_up },
	{ "GET", "/nothing", nothing },
};

static int setup(void **state)
{
	struct side *s = calloc(1, sizeof *s);
	struct problem why = { 0 };

	fixture_open(&s->wire);
	fixture_start(&s->wire);
	s->control = (struct control){ .gateways = &s->wire.gateway, .n = 1 };
	assert_int_equal(http_open("127.0.0.1:0", &s->http, &why), ERR_OK);
	http_add_routes(s->http, routes, ARRAY_LEN(routes), NULL);
	control_add_routes(s->http, &s->control);
	if (http_start(s->http, &why))
		fail_msg("%s: %s", why.field, why.text);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct side *s = *state;

	http_stop(&s->http);
	fixture_close(&s->wire);
	free(s);
	return 0;
}

static size_t collect(char *bytes, size_t size, size_t n, void *to)
{
	buf_add(to, bytes, size * n);
	return size * n;
}

/* Status of a request, 0 when the connection broke; the answer's body as JSON if it is that. */
static long ask(
	struct side *s, const char *method, const char *path, const char *body, json_t **out)
{
	AUTO(buf_free) struct buf answer = { 0 };
	struct curl_slist *headers = curl_slist_append(NULL, "X-Test: yes");
	CURL *curl = curl_easy_init();
	char url[256];
	long status = 0;

	snprintf(url, sizeof url, "http://127.0.0.1:%u%s", http_port(s->http), path);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 10000L);
	if (body)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
	if (curl_easy_perform(curl) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	if (out)
		*out = answer.text ? json_loadb(answer.text, answer.len, 0, NULL) : NULL;
	return status;
}

static void assert_text(const json_t *j, const char *key, const char *text)
{
	const char *found = json_string_value(json_object_get(j, key));

	assert_non_null(found);
	assert_string_equal(found, text);
}

static void a_handler_sees_the_request(void **state)
{
	AUTO(json_free) json_t *j = NULL;

	assert_int_equal(ask(*state, "PUT", "/echo/a%20b/c?name=x%2By&name2=1", "{1}", &j), 202);
	assert_text(j, "method", "PUT");
	assert_text(j, "path", "/echo/a b/c");
	assert_text(j, "rest", "a b/c");
	assert_text(j, "query", "x+y");
	assert_text(j, "header", "yes");
	assert_text(j, "body", "{1}");
}

static void routes_match_whole_names(void **state)
{
	AUTO(json_free) json_t *j = NULL;

	assert_int_equal(ask(*state, "GET", "/echoes", NULL, &j), 404);
	assert_text(j, "code", "not_found");
	assert_int_equal(ask(*state, "GET", "/echo", NULL, NULL), 202);
	assert_int_equal(ask(*state, "POST", "/echo/gone", "", NULL), 202);
	assert_int_equal(ask(*state, "GET", "/echo/gone", NULL, NULL), 0);
	assert_int_equal(ask(*state, "GET", "/nothing", NULL, NULL), 500);
}

static void a_large_body_is_refused(void **state)
{
	AUTO(json_free) json_t *j = NULL;
	char *body = malloc(HTTP_BODY_MAX + 2);

	memset(body, 'x', HTTP_BODY_MAX + 1);
	body[HTTP_BODY_MAX + 1] = '\0';
	assert_int_equal(ask(*state, "POST", "/echo", body, &j), 413);
	assert_text(j, "code", "too_large");
	free(body);
}

static void a_meter_is_shown_and_changed(void **state)
{
	AUTO(json_free) json_t *j = NULL, *k = NULL, *l = NULL;

	assert_int_equal(ask(*state, "GET", "/sim/meters/G1/3", NULL, &j), 200);
	assert_text(j, "code", "A03");
	assert_text(j, "relay", "on");
	assert_true(json_is_null(json_object_get(j, "last_write_at")));
	assert_int_equal(ask(*state, "POST", "/sim/meters/G1/3",
				 "{\"register_milli\": 1234560, \"relay\": \"off\"}", &k),
		200);
	assert_text(k, "relay", "off");
	assert_int_equal(json_integer_value(json_object_get(k, "register_milli")), 1234560);
	assert_int_equal(json_integer_value(json_object_get(k, "power_w")), 0);
	assert_int_equal(ask(*state, "POST", "/sim/meters/G1/3", "{\"relay\": \"on\"}", &l), 200);
	assert_text(l, "relay", "on");
	assert_int_not_equal(json_integer_value(json_object_get(l, "power_w")), 0);
}

static void a_load_is_set_and_given_back(void **state)
{
	AUTO(json_free) json_t *j = NULL, *k = NULL;

	assert_int_equal(ask(*state, "POST", "/sim/meters/G1/3", "{\"load_w\": 4321}", &j), 200);
	assert_int_equal(json_integer_value(json_object_get(j, "power_w")), 4321);
	assert_int_equal(ask(*state, "POST", "/sim/meters/G1/3", "{\"load_w\": null}", &k), 200);
	assert_true(json_is_null(json_object_get(k, "load_w")));
	assert_int_not_equal(json_integer_value(json_object_get(k, "power_w")), 4321);
}

static void faults_come_and_go(void **state)
{
	struct side *s = *state;
	AUTO(json_free) json_t *j = NULL, *list = NULL, *none = NULL;
	char path[64];
	int fd = client_open(gateway_port(s->wire.gateway));
	uint8_t frame[300];

	assert_int_equal(ask(s, "POST", "/sim/faults",
				 "{\"gateway\": \"G1\", \"unit\": 3, \"kind\": \"exception\", "
				 "\"value\": 6, \"seconds\": 60}",
				 &j),
		201);
	client_ask(fd, 1, 3, "\x03\x02\x00\x00\x01", 5);
	assert_int_equal(client_answer(fd, CLIENT_MS, frame), 9);
	assert_int_equal(frame[8], 6);
	assert_int_equal(ask(s, "GET", "/sim/faults", NULL, &list), 200);
	assert_int_equal(json_array_size(json_object_get(list, "items")), 1);
	assert_text(json_array_get(json_object_get(list, "items"), 0), "kind", "exception");

	snprintf(path, sizeof path, "/sim/faults/%d",
		(int)json_integer_value(json_object_get(j, "id")));
	assert_int_equal(ask(s, "DELETE", path, NULL, NULL), 200);
	assert_int_equal(ask(s, "DELETE", path, NULL, NULL), 404);
	client_ask(fd, 2, 3, "\x03\x02\x00\x00\x01", 5);
	assert_int_equal(client_answer(fd, CLIENT_MS, frame), 11);

	assert_int_equal(
		ask(s, "POST", "/sim/faults",
			"{\"gateway\": \"G1\", \"unit\": null, \"kind\": \"silent\"}", NULL),
		201);
	assert_int_equal(ask(s, "DELETE", "/sim/faults", NULL, &none), 200);
	assert_int_equal(json_integer_value(json_object_get(none, "removed")), 1);
	close(fd);
}

static void nonsense_is_refused_and_changes_nothing(void **state)
{
	static const struct {
		const char *method, *path, *body;
		long status;
	} cases[] = {
		{ "POST", "/sim/faults", "", 400 },
		{ "POST", "/sim/faults", "[1]", 400 },
		{ "POST", "/sim/faults", "{\"gateway\": \"G1\"}", 400 },
		{ "POST", "/sim/faults", "{\"gateway\": \"G1\", \"kind\": \"fire\"}", 422 },
		{ "POST", "/sim/faults", "{\"gateway\": \"G9\", \"kind\": \"silent\"}", 404 },
		{ "POST", "/sim/faults", "{\"gateway\": \"G1\", \"kind\": \"silent\", \"x\": 1}",
			400 },
		{ "POST", "/sim/faults",
			"{\"gateway\": \"G1\", \"kind\": \"garbage\", \"value\": \"rude\"}", 422 },
		{ "POST", "/sim/faults",
			"{\"gateway\": \"G1\", \"kind\": \"cut\", \"value\": \"hair\"}", 422 },
		{ "POST", "/sim/faults", "{\"gateway\": \"G1\", \"kind\": \"slow\", \"value\": -1}",
			422 },
		{ "POST", "/sim/faults",
			"{\"gateway\": \"G1\", \"kind\": \"silent\", \"unit\": 999}", 422 },
		{ "DELETE", "/sim/faults/x", NULL, 404 },
		{ "GET", "/sim/meters/G1", NULL, 404 },
		{ "GET", "/sim/meters/G1/0", NULL, 404 },
		{ "GET", "/sim/meters/G1/75", NULL, 404 },
		{ "GET", "/sim/meters/G2/1", NULL, 404 },
		{ "POST", "/sim/meters/G1/1", "{\"register_milli\": -1}", 422 },
		{ "POST", "/sim/meters/G1/1", "{\"relay\": \"maybe\"}", 422 },
		{ "POST", "/sim/meters/G1/1", "{\"load\": 1}", 400 },
	};
	AUTO(json_free) json_t *list = NULL, *meter = NULL;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		long status = ask(*state, cases[i].method, cases[i].path, cases[i].body, NULL);

		if (status != cases[i].status)
			fail_msg("case %zu: %ld", i, status);
	}
	assert_int_equal(ask(*state, "GET", "/sim/faults", NULL, &list), 200);
	assert_int_equal(json_array_size(json_object_get(list, "items")), 0);
	assert_int_equal(ask(*state, "GET", "/sim/meters/G1/1", NULL, &meter), 200);
	assert_text(meter, "relay", "on");
}

static void the_wire_is_counted(void **state)
{
	struct side *s = *state;
	AUTO(json_free) json_t *j = NULL;
	const json_t *g1;
	int fd = client_open(gateway_port(s->wire.gateway));

	read_energy(fd, 3);
	assert_int_equal(ask(s, "GET", "/sim/wire", NULL, &j), 200);
	g1 = json_array_get(json_object_get(j, "items"), 0);
	assert_text(g1, "gateway", "G1");
	assert_int_equal(json_integer_value(json_object_get(g1, "transactions")), 1);
	assert_int_equal(json_integer_value(json_object_get(g1, "bytes_asked")), 8);
	assert_int_equal(json_integer_value(json_object_get(g1, "bytes_answered")), 9);
	close(fd);
}

static void a_line_is_shown_and_disturbed(void **state)
{
	struct side *s = *state;
	struct line_meter m;
	AUTO(json_free) json_t *all = NULL;
	const json_t *one;

	assert_int_equal(ask(s, "GET", "/sim/line", NULL, NULL), 404);
	assert_int_equal(line_server_start(&(struct line_server_settings){ .zone = s->wire.zone },
				 &s->control.line, NULL),
		ERR_OK);
	line_meter_init(&m, LINE_DLT645, "201000000012");
	line_server_add(s->control.line, &m);
	assert_int_equal(ask(s, "POST", "/sim/line/201000000013", "{}", NULL), 404);
	assert_int_equal(
		ask(s, "POST", "/sim/line/201000000012", "{\"fault\":\"loud\"}", NULL), 422);
	assert_int_equal(ask(s, "POST", "/sim/line/201000000012",
				 "{\"fault\":\"silent\",\"register_milli\":5000}", &all),
		200);
	one = json_array_get(json_object_get(all, "items"), 0);
	assert_text(one, "address", "201000000012");
	assert_text(one, "fault", "silent");
	assert_text(one, "relay", "on");
	assert_int_equal(json_integer_value(json_object_get(one, "register_milli")), 5000);
	assert_int_equal(line_server_meter(s->control.line, 0).fault, LINE_FAULT_SILENT);
	line_server_stop(&s->control.line);
}

static void a_taken_port_is_an_error(void **state)
{
	struct side *s = *state;
	AUTO(http_stop) struct http *second = NULL;
	struct problem why = { 0 };
	char listen[32];

	snprintf(listen, sizeof listen, "127.0.0.1:%u", http_port(s->http));
	assert_int_equal(http_open(listen, &second, &why), ERR_OK);
	assert_int_equal(http_start(second, &why), ERR_UNAVAILABLE);
	assert_int_equal(http_open("somewhere", &second, &why), ERR_BAD_VALUE);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_handler_sees_the_request),
		TEST(routes_match_whole_names),
		TEST(a_large_body_is_refused),
		TEST(a_meter_is_shown_and_changed),
		TEST(a_load_is_set_and_given_back),
		TEST(faults_come_and_go),
		TEST(nonsense_is_refused_and_changes_nothing),
		TEST(the_wire_is_counted),
		TEST(a_line_is_shown_and_disturbed),
		TEST(a_taken_port_is_an_error),
	};

	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
