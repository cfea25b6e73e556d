#pragma once
/* The HTTP side of yufu-sim: one small server (libmicrohttpd) on which the parts of the simulator
 * register their routes: fault control of the wire, stand-ins of payment and message services.
 *
 * Handlers run on one thread per connection, several at once, so they may block (a stand-in that
 * answers slowly on purpose) and must guard their own state. */
#include "base/json.h"

struct http;
struct http_request;
struct http_reply;

struct http_route {
	const char *method; /* "GET", "POST", …; NULL for any */
	const char *prefix; /* of the path. The longest matching prefix wins; a prefix that does
			     * not end in '/' matches only itself and what follows a '/' */
	void (*handle)(void *ctx, const struct http_request *req, struct http_reply *reply);
};

/* What was asked. Texts live as long as the request. The path is percent-decoded, without query. */
const char *http_method(const struct http_request *req);
const char *http_path(const struct http_request *req);
/* The path behind the prefix of the route, without a leading '/': "G1/17" for "/sim/meters/". */
const char *http_rest(const struct http_request *req);
/* Path and query exactly as they stood on the request line: what signatures are made over. */
const char *http_raw_target(const struct http_request *req);
/* A percent-decoded query parameter, a header (any case); NULL if absent. */
const char *http_query(const struct http_request *req, const char *name);
const char *http_header(const struct http_request *req, const char *name);
/* The body, at most HTTP_BODY_MAX bytes, followed by a NUL that does not count. */
const char *http_body(const struct http_request *req, size_t *n);
/* The body as a JSON object, or ERR_BAD_JSON. The caller frees. */
MUST_USE enum err http_body_json(const struct http_request *req, json_t **out, struct problem *why);

#define HTTP_BODY_MAX ((size_t)1 << 20) /* more is answered with 413 before a handler runs */

/* The answer. A handler calls one of the three once (the last one counts); bytes are copied. A
 * handler that answers nothing answers 500. */
void http_answer(
	struct http_reply *reply, int status, const char *type, const void *body, size_t n);
void http_answer_json(struct http_reply *reply, int status, json_t *body); /* takes body */
void http_answer_problem(struct http_reply *reply, enum err e, const struct problem *why);
/* A further header; may be called before or after the answer. */
void http_add_header(struct http_reply *reply, const char *name, const char *value);
/* Cuts the connection without an answer. */
void http_hang_up(struct http_reply *reply);

/* listen is "127.0.0.1:8190" (port 0: any free port). Order of use: open, add routes, start, stop.
 * Routes are borrowed and must outlive the server. Adding a route after start is our own bug. */
MUST_USE enum err http_open(const char *listen, struct http **out, struct problem *why);
void http_add_routes(struct http *http, const struct http_route *routes, size_t n, void *ctx);
MUST_USE enum err http_start(struct http *http, struct problem *why);
uint16_t http_port(const struct http *http); /* once started */
/* Waits for running handlers, then frees. May be given a pointer to NULL. */
void http_stop(struct http **http);

/* What sim/main.c calls of the stand-ins (sim/svc_*.c), which register their routes themselves:
 *
 *	MUST_USE enum err svc_start(struct conf *conf, struct http *http, struct svc **out,
 *		struct problem *why);   called between http_open() and http_start()
 *	void svc_stop(struct svc **svc);   called after http_stop() */
