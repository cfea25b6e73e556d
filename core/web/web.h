#pragma once
/* Calls to outside services, on libcurl: one request, one answer, a deadline. https, or http to
 * this machine only; certificates are checked; redirects are not followed; answers are capped. */
#include "base/str.h"

#define WEB_HEADERS_MAX 16
#define WEB_ANSWER_MAX ((size_t)1 << 20)

/* Which addresses a call may reach, after its name was resolved. */
enum web_reach {
	WEB_ANY,     /* the address comes from our own settings */
	WEB_PUBLIC,  /* from somebody else: public ones, and this machine if it is named as such */
	WEB_PRIVATE, /* the same, and those of own networks; never link-local ones */
};

struct web_request {
	const char *method; /* "GET" or "POST" */
	const char *url;
	const char *headers[WEB_HEADERS_MAX]; /* "Name: value"; NULL-terminated */
	const char *body;		      /* POST: exactly these bytes are sent */
	size_t body_len;
	int64_t deadline_ms; /* on the clock of mono_ms() */
	enum web_reach reach;
	size_t keep;	   /* so much of the answer is read, the rest is left; 0: all, up to
			    * answer_max */
	size_t answer_max; /* more is refused; 0: WEB_ANSWER_MAX */
};

struct web_answer {
	int status;
	struct buf body;
	void *handle; /* keeps the headers */
};
void web_answer_free(struct web_answer *a);
/* The value of the first header of this name (any case); NULL if absent. Lives until the next
 * call. */
const char *web_header(const struct web_answer *a, const char *name);

/* ERR_OK: an answer came, whatever its status. Otherwise:
 * ERR_UNAVAILABLE  nothing was sent (no address, no connection, deadline already past);
 * ERR_TIMEOUT, ERR_UNKNOWN  it may have arrived. The caller frees the answer. */
MUST_USE enum err web_call(
	const struct web_request *req, struct web_answer *out, struct problem *why);

/* Is it "https://…", or "http://" to 127.0.0.1, [::1] or localhost, without a user or fragment? */
bool web_url_allowed(const char *url);
/* The same for an address that somebody else gave, with what is wrong in why->text: of printable
 * ASCII, and a number for its host only if that may be reached. ERR_BAD_VALUE. */
MUST_USE enum err web_url_check(const char *url, enum web_reach reach, struct problem *why);
