#include "fcgi/etag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/live.h"
#include "web/crypt.h"

#define TAG_CHARS 24

/* Weak, for nginx may compress. Of this caller and question only. */
static void tag_write(const struct request *r, const char *version, struct answer *a)
{
	AUTO(buf_free) struct buf b = { 0 };
	char hex[SHA256_HEX];

	buf_printf(&b, "%lld\n%s\n%s\n", (long long)r->user.id, r->path, r->query);
	buf_adds(&b, version);
	sha256_hex(b.text, b.len, hex);
	snprintf(a->etag, sizeof(a->etag), "W/\"%.*s\"", TAG_CHARS, hex);
}

static bool has_it(const struct request *r, const struct answer *a)
{
	const char *have = request_header(r, "HTTP_IF_NONE_MATCH");

	return have && (str_eq(have, "*") || strstr(have, strchr(a->etag, '"')));
}

static void not_modified(struct answer *a)
{
	json_free(&a->json);
	a->status = 304;
}

/* "at" is when it was asked. */
static void tag_body(const struct request *r, struct answer *a)
{
	AUTO(json_free) json_t *told = json_copy(a->json);
	AUTO(text_free) char *text = NULL;

	json_object_del(told, "at");
	text = json_text(told);
	tag_write(r, text, a);
}

enum err etag_run(
	struct request *r, struct answer *a, enum err (*run)(struct request *r, struct answer *a))
{
	char version[LIVE_VERSION_MAX];
	enum err e;

	if (r->route->etag == ETAG_METERS) {
		e = live_version(r->db, version);
		if (e != ERR_OK)
			return e;
		tag_write(r, version, a);
		if (has_it(r, a)) {
			not_modified(a);
			return ERR_OK;
		}
	}
	e = run(r, a);
	if (e == ERR_OK && r->route->etag == ETAG_BODY) {
		tag_body(r, a);
		if (has_it(r, a))
			not_modified(a);
	}
	if (e != ERR_OK)
		a->etag[0] = '\0';
	return e;
}
