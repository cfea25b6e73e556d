#include "sim/http.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"

enum { ROUTES_MAX = 64, CONNECTIONS_MAX = 1024, IDLE_S = 30 };

struct registered {
	const struct http_route *route;
	void *ctx;
};

struct http {
	struct sockaddr_in addr;
	struct MHD_Daemon *daemon;
	struct registered routes[ROUTES_MAX];
	size_t routes_n;
};

struct http_request {
	struct MHD_Connection *conn;
	char *raw;
	const char *method;
	const char *path;
	const char *rest;
	struct buf body;
	bool too_large;
	bool begun;
};

struct http_reply {
	int status;
	char type[128];
	struct buf body;
	struct MHD_Response *headers; /* collects the further headers only */
	bool hang_up;
};

const char *http_method(const struct http_request *req)
{
	return req->method;
}

const char *http_path(const struct http_request *req)
{
	return req->path;
}

const char *http_rest(const struct http_request *req)
{
	return req->rest;
}

const char *http_raw_target(const struct http_request *req)
{
	return req->raw;
}

static const char *value_of(
	const struct http_request *req, enum MHD_ValueKind kind, const char *name)
{
	const char *value = NULL;
	size_t n = 0;
	enum MHD_Result found =
		MHD_lookup_connection_value_n(req->conn, kind, name, strlen(name), &value, &n);

	if (found != MHD_YES)
		return NULL;
	return value ? value : "";
}

const char *http_query(const struct http_request *req, const char *name)
{
	return value_of(req, MHD_GET_ARGUMENT_KIND, name);
}

const char *http_header(const struct http_request *req, const char *name)
{
	return value_of(req, MHD_HEADER_KIND, name);
}

const char *http_body(const struct http_request *req, size_t *n)
{
	*n = req->body.len;
	return req->body.text ? req->body.text : "";
}

enum err http_body_json(const struct http_request *req, json_t **out, struct problem *why)
{
	AUTO(json_free) json_t *j = NULL;
	size_t n;
	const char *text = http_body(req, &n);
	enum err e = json_parse(text, n, &j, why);

	if (e)
		return e;
	if (!json_is_object(j))
		return problem_set(why, ERR_BAD_JSON, "", "the body must be a JSON object");
	*out = j;
	j = NULL;
	return ERR_OK;
}

void http_answer(struct http_reply *reply, int status, const char *type, const void *body, size_t n)
{
	reply->status = status;
	ASSERT(str_copy(reply->type, sizeof reply->type, type));
	buf_free(&reply->body);
	if (n > 0)
		buf_add(&reply->body, body, n);
}

void http_answer_json(struct http_reply *reply, int status, json_t *body)
{
	char *text = json_text(body);

	http_answer(reply, status, "application/json", text, strlen(text));
	free(text);
	json_decref(body);
}

void http_answer_problem(struct http_reply *reply, enum err e, const struct problem *why)
{
	const char *detail = why && why->text[0] ? why->text : err_text(e);
	json_t *body = json_pack(
		"{s:i, s:s, s:s}", "status", err_http(e), "code", err_word(e), "detail", detail);

	ASSERT(body);
	if (why && why->field[0])
		json_object_set_new(body, "field", json_string(why->field));
	http_answer_json(reply, err_http(e), body);
	ASSERT(str_copy(reply->type, sizeof reply->type, "application/problem+json"));
}

void http_add_header(struct http_reply *reply, const char *name, const char *value)
{
	if (MHD_add_response_header(reply->headers, name, value) != MHD_YES)
		log_error("event=http_header_refused name=%s", name);
}

void http_hang_up(struct http_reply *reply)
{
	reply->hang_up = true;
}

/* How much of the path the prefix of a route covers, or 0 when it does not match. */
static size_t route_match(const struct http_route *route, const char *method, const char *path)
{
	size_t n = strlen(route->prefix);

	if (route->method && !str_eq(route->method, method))
		return 0;
	if (strncmp(path, route->prefix, n) != 0)
		return 0;
	if (route->prefix[n - 1] == '/' || path[n] == '\0' || path[n] == '/')
		return n;
	return 0;
}

static const struct registered *route_find(
	const struct http *http, const char *method, const char *path, size_t *covered)
{
	const struct registered *best = NULL;

	*covered = 0;
	for (size_t i = 0; i < http->routes_n; i++) {
		size_t n = route_match(http->routes[i].route, method, path);

		if (n > *covered) {
			*covered = n;
			best = &http->routes[i];
		}
	}
	return best;
}

static enum MHD_Result copy_header(
	void *to, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	return MHD_add_response_header(to, name, value);
}

static enum MHD_Result reply_send(struct MHD_Connection *conn, struct http_reply *reply)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		reply->body.len, reply->body.text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result sent;

	ASSERT(response);
	MHD_get_response_headers(reply->headers, copy_header, response);
	if (reply->type[0])
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->type);
	sent = MHD_queue_response(conn, (unsigned)reply->status, response);
	MHD_destroy_response(response);
	return sent;
}

static void request_answer(struct http *http, struct http_request *req, struct http_reply *reply)
{
	size_t covered;
	const struct registered *found;

	if (req->too_large) {
		http_answer_problem(reply, ERR_TOO_LARGE, NULL);
		return;
	}
	found = route_find(http, req->method, req->path, &covered);
	if (!found) {
		http_answer_problem(reply, ERR_NOT_FOUND, NULL);
		return;
	}
	req->rest = req->path + covered;
	if (*req->rest == '/')
		req->rest++;
	found->route->handle(found->ctx, req, reply);
}

static enum MHD_Result request_finish(struct http *http, struct http_request *req)
{
	struct http_reply reply = { .status = 500 };
	enum MHD_Result result = MHD_NO;

	reply.headers = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	ASSERT(reply.headers);
	request_answer(http, req, &reply);
	if (!reply.hang_up)
		result = reply_send(req->conn, &reply);
	MHD_destroy_response(reply.headers);
	buf_free(&reply.body);
	return result;
}

/* Called by libmicrohttpd: once with the headers, then for each piece of body, then at its end. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *conn, const char *url,
	const char *method, const char *version, const char *data, size_t *n, void **state)
{
	struct http_request *req = *state;

	(void)version;
	if (!req)
		return MHD_NO;
	if (!req->begun) {
		req->begun = true;
		req->conn = conn;
		req->method = method;
		req->path = url;
		return MHD_YES;
	}
	if (*n > 0) {
		if (*n > HTTP_BODY_MAX - req->body.len)
			req->too_large = true;
		if (!req->too_large)
			buf_add(&req->body, data, *n);
		*n = 0;
		return MHD_YES;
	}
	return request_finish(ctx, req);
}

static void *on_uri(void *ctx, const char *uri, struct MHD_Connection *conn)
{
	struct http_request *req = calloc(1, sizeof *req);

	(void)ctx;
	(void)conn;
	if (!req)
		return NULL;
	req->raw = strdup(uri);
	if (!req->raw) {
		free(req);
		return NULL;
	}
	return req;
}

static void on_completed(
	void *ctx, struct MHD_Connection *conn, void **state, enum MHD_RequestTerminationCode how)
{
	struct http_request *req = *state;

	(void)ctx;
	(void)conn;
	(void)how;
	if (!req)
		return;
	buf_free(&req->body);
	free(req->raw);
	free(req);
	*state = NULL;
}

static enum err address_parse(const char *listen, struct sockaddr_in *out)
{
	char host[64];
	const char *colon = strrchr(listen, ':');
	int64_t port;
	struct sockaddr_in addr = { .sin_family = AF_INET };

	if (!colon || (size_t)(colon - listen) >= sizeof host)
		return ERR_BAD_VALUE;
	memcpy(host, listen, (size_t)(colon - listen));
	host[colon - listen] = '\0';
	if (i64_parse(colon + 1, 0, UINT16_MAX, &port))
		return ERR_BAD_VALUE;
	if (inet_pton(AF_INET, host, &addr.sin_addr) != 1)
		return ERR_BAD_VALUE;
	addr.sin_port = htons((uint16_t)port);
	*out = addr;
	return ERR_OK;
}

enum err http_open(const char *listen, struct http **out, struct problem *why)
{
	struct sockaddr_in addr;
	struct http *http;

	if (address_parse(listen, &addr))
		return problem_set(why, ERR_BAD_VALUE, "sim.http_listen",
			"%s is no IPv4 address with a port", listen);
	http = calloc(1, sizeof *http);
	ASSERT(http);
	http->addr = addr;
	*out = http;
	return ERR_OK;
}

void http_add_routes(struct http *http, const struct http_route *routes, size_t n, void *ctx)
{
	ASSERT(!http->daemon);
	ASSERT(http->routes_n + n <= ROUTES_MAX);
	for (size_t i = 0; i < n; i++) {
		ASSERT(routes[i].prefix[0] == '/');
		http->routes[http->routes_n++] =
			(struct registered){ .route = &routes[i], .ctx = ctx };
	}
}

enum err http_start(struct http *http, struct problem *why)
{
	ASSERT(!http->daemon);
	http->daemon = MHD_start_daemon(
		MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0,
		NULL, NULL, on_request, http, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&http->addr,
		MHD_OPTION_URI_LOG_CALLBACK, on_uri, NULL, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_END);
	if (!http->daemon)
		return problem_set(why, ERR_UNAVAILABLE, "sim.http_listen",
			"cannot listen on port %u", (unsigned)ntohs(http->addr.sin_port));
	return ERR_OK;
}

uint16_t http_port(const struct http *http)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);

	ASSERT(info);
	return info->port;
}

void http_stop(struct http **http)
{
	if (!*http)
		return;
	if ((*http)->daemon)
		MHD_stop_daemon((*http)->daemon);
	free(*http);
	*http = NULL;
}
