#include "fcgi/once.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "domain/idempotency.h"
#include "fcgi/routes.h"
#include "web/crypt.h"

const char *request_once(const struct request *r, const char *what, char buf[static ONCE_MAX])
{
	const char *key = request_header(r, "HTTP_IDEMPOTENCY_KEY");

	snprintf(buf, ONCE_MAX, "%s:%lld:%s", what, (long long)r->user.id, key ? key : r->id);
	return buf;
}

#define KEY_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

static enum err idempotency_key(const struct request *r, const char **out, struct problem *why)
{
	const char *key = request_header(r, "HTTP_IDEMPOTENCY_KEY");

	if (!key || !key[0])
		return problem_set(why, ERR_MISSING_FIELD, "Idempotency-Key",
			"the header Idempotency-Key is required");
	if (strlen(key) > 64 || strspn(key, KEY_CHARS) != strlen(key))
		return problem_set(
			why, ERR_BAD_VALUE, "Idempotency-Key", "1 to 64 letters, digits, _ or -");
	*out = key;
	return ERR_OK;
}

static void request_sha256(const struct request *r, char out[static SHA256_HEX])
{
	AUTO(buf_free) struct buf b = { 0 };

	buf_printf(&b, "%s\n%s\n", r->method, r->path);
	buf_add(&b, r->body_n ? r->body : "", r->body_n);
	sha256_hex(b.text, b.len, out);
}

static enum err answer_again(struct answer *a, struct stored_answer *s)
{
	enum err e = json_parse(s->body, strlen(s->body), &a->json, NULL);

	free(s->body);
	a->status = (int)s->status;
	a->repeated = true;
	return e;
}

enum err run_once(struct request *r, struct answer *a)
{
	struct stored_answer stored = { 0 };
	struct idempotent i = { .user_id = r->user.id };
	char sha[SHA256_HEX], *text;
	enum err e = idempotency_key(r, &i.key, &a->why);

	if (e != ERR_OK)
		return e;
	request_sha256(r, sha);
	i.request_sha256 = sha;
	e = idempotent_begin(r->db, &i, r->now, &stored);
	if (e == ERR_ALREADY)
		return answer_again(a, &stored);
	if (e != ERR_OK)
		return e;
	e = r->route->run(r, a);
	if (e != ERR_OK) {
		if (idempotent_undone(r->db, &i) != ERR_OK)
			log_warn("idempotency=not_given_back");
		return e;
	}
	text = json_text(a->json);
	/* If this is lost, the key stays claimed, and the handler's own once_key still holds. */
	if (idempotent_done(r->db, &i, a->status ? a->status : r->route->status, text) != ERR_OK)
		log_warn("idempotency=not_kept");
	free(text);
	return ERR_OK;
}
