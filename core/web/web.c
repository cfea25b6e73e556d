#include "web/web.h"

#include <curl/curl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "web/address.h"

#define CONNECT_MS_MAX 5000

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void curl_start(void)
{
	ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

static void url_free(CURLU **u)
{
	curl_url_cleanup(*u);
}

static void curl_text_free(char **s)
{
	curl_free(*s);
}

static void slist_free(struct curl_slist **l)
{
	curl_slist_free_all(*l);
}

static bool is_this_machine(const char *host)
{
	return str_eq(host, "127.0.0.1") || str_eq(host, "[::1]") || str_eq(host, "localhost");
}

static bool url_has(CURLU *u, CURLUPart part)
{
	AUTO(curl_text_free) char *s = NULL;

	return curl_url_get(u, part, &s, 0) == CURLUE_OK;
}

bool web_url_allowed(const char *url)
{
	AUTO(url_free) CURLU *u = curl_url();
	AUTO(curl_text_free) char *scheme = NULL;
	AUTO(curl_text_free) char *host = NULL;

	if (!u || curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
		curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
		curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		return false;
	if (url_has(u, CURLUPART_USER) || url_has(u, CURLUPART_FRAGMENT))
		return false;
	return str_eq(scheme, "https") || (str_eq(scheme, "http") && is_this_machine(host));
}

static bool may_reach(enum web_reach reach, bool local, enum address_kind kind)
{
	switch (kind) {
	case ADDRESS_PUBLIC:
		return !local;
	case ADDRESS_LOOPBACK:
		return local;
	case ADDRESS_PRIVATE:
		return !local && reach == WEB_PRIVATE;
	case ADDRESS_NEVER:
		break;
	}
	return false;
}

enum err web_url_check(const char *url, enum web_reach reach, struct problem *why)
{
	AUTO(url_free) CURLU *u = curl_url();
	AUTO(curl_text_free) char *host = NULL;
	enum address_kind kind;

	for (const char *s = url; *s; s++)
		if (*s <= ' ' || *s > '~')
			return problem_set(why, ERR_BAD_VALUE, "url", "printable ASCII only");
	if (!web_url_allowed(url) || !u || curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
		curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		return problem_set(why, ERR_BAD_VALUE, "url",
			"https://… is expected, or http:// to 127.0.0.1, without a user or #");
	if (reach != WEB_ANY && address_literal(host, &kind) &&
		!may_reach(reach, is_this_machine(host), kind))
		return problem_set(
			why, ERR_BAD_VALUE, "url", "this address is not reached from here");
	return ERR_OK;
}

void web_answer_free(struct web_answer *a)
{
	buf_free(&a->body);
	curl_easy_cleanup(a->handle);
	a->handle = NULL;
}

const char *web_header(const struct web_answer *a, const char *name)
{
	struct curl_header *h;

	if (curl_easy_header(a->handle, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
		return NULL;
	return h->value;
}

struct call {
	const struct web_request *req;
	struct buf *body;
	bool local;   /* the URL names this machine */
	bool cut;     /* as much as was to be kept is there */
	bool refused; /* an address that it may not reach */
};

static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
	struct call *c = arg;
	size_t most = c->req->keep ? c->req->keep : c->req->answer_max;
	size_t room = (most ? most : WEB_ANSWER_MAX) - c->body->len;

	if (size * n > room && !c->req->keep)
		return 0;
	c->cut = size * n > room;
	buf_add(c->body, data, c->cut ? room : size * n);
	return c->cut ? 0 : size * n;
}

/* Asked by curl for each address that the name has. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct call *c = arg;

	if (purpose != CURLSOCKTYPE_IPCXN ||
		!may_reach(c->req->reach, c->local, address_kind(&a->addr))) {
		c->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static struct curl_slist *header_list(const struct web_request *req)
{
	struct curl_slist *list = NULL;

	for (size_t i = 0; i < WEB_HEADERS_MAX && req->headers[i]; i++) {
		list = curl_slist_append(list, req->headers[i]);
		ASSERT(list);
	}
	/* no "100 continue" round trip */
	list = curl_slist_append(list, "Expect:");
	ASSERT(list);
	return list;
}

static void describe(CURL *c, struct call *call, struct curl_slist *headers, long left_ms)
{
	const struct web_request *req = call->req;
	bool plain = str_starts(req->url, "http://");

	curl_easy_setopt(c, CURLOPT_URL, req->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
	if (plain) /* this machine: never through a proxy of the environment */
		curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, left_ms);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS,
		left_ms < CONNECT_MS_MAX ? left_ms : (long)CONNECT_MS_MAX);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "yufu/" YUFU_VERSION);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, call);
	if (req->reach != WEB_ANY) { /* the address itself is judged, so no proxy may stand there */
		curl_easy_setopt(c, CURLOPT_PROXY, "");
		curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
		curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, call);
	}
	if (str_eq(req->method, "POST")) {
		curl_easy_setopt(c, CURLOPT_POST, 1L);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, req->body ? req->body : "");
	}
}

static enum err outcome(CURLcode code, const struct call *call, struct problem *why)
{
	if (code == CURLE_WRITE_ERROR && call->cut)
		return ERR_OK;
	if (code != CURLE_OK && call->refused)
		return problem_set(
			why, ERR_UNAVAILABLE, "", "this address is not reached from here");
	switch (code) {
	case CURLE_OK:
		return ERR_OK;
	case CURLE_URL_MALFORMAT:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
		return problem_set(why, ERR_UNAVAILABLE, "", "%s", curl_easy_strerror(code));
	case CURLE_OPERATION_TIMEDOUT:
		return problem_set(why, ERR_TIMEOUT, "", "no answer in time");
	case CURLE_WRITE_ERROR:
		return problem_set(why, ERR_UNKNOWN, "", "the answer is too large");
	default:
		return problem_set(why, ERR_UNKNOWN, "", "%s", curl_easy_strerror(code));
	}
}

static bool url_is_local(const char *url)
{
	AUTO(url_free) CURLU *u = curl_url();
	AUTO(curl_text_free) char *host = NULL;

	return u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	       curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK && is_this_machine(host);
}

enum err web_call(const struct web_request *req, struct web_answer *out, struct problem *why)
{
	AUTO(web_answer_free) struct web_answer a = { 0 };
	AUTO(slist_free) struct curl_slist *headers = header_list(req);
	int64_t left = req->deadline_ms - mono_ms();
	struct call call = { .req = req, .body = &a.body };
	long status = 0;
	enum err e;

	if (left <= 0)
		return problem_set(why, ERR_UNAVAILABLE, "", "the deadline has passed");
	if (!web_url_allowed(req->url))
		return problem_set(why, ERR_UNAVAILABLE, "", "https only, or http to 127.0.0.1");
	pthread_once(&curl_once, curl_start);
	a.handle = curl_easy_init();
	ASSERT(a.handle);
	call.local = url_is_local(req->url);
	describe(a.handle, &call, headers, left > 600000 ? 600000L : (long)left);
	e = outcome(curl_easy_perform(a.handle), &call, why);
	if (e != ERR_OK)
		return e;
	curl_easy_getinfo(a.handle, CURLINFO_RESPONSE_CODE, &status);
	a.status = (int)status;
	if (!a.body.text)
		buf_adds(&a.body, "");
	*out = a;
	a = (struct web_answer){ 0 };
	return ERR_OK;
}
