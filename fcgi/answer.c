/* Answers: what all of them have in common, problems, and the bytes that leave. */
#include <stdio.h>
#include <stdlib.h>

#include "fcgi/api.h"

#define RETRY_AFTER_S 2

void answer_free(struct answer *a)
{
	json_free(&a->json);
	json_free(&a->more);
	buf_free(&a->text);
	if (a->file)
		fclose(a->file);
	a->file = NULL;
}

void answer_approval(struct answer *a, int64_t approval_id)
{
	a->status = 202;
	a->json = json_pack(
		"{s:{s:I, s:s}}", "approval", "id", (json_int_t)approval_id, "state", "pending");
}

json_t *json_items(json_t *items)
{
	return json_pack("{s:o, s:n}", "items", items, "next");
}

/* Text of the sender's, which may be cut in the middle of a character. */
static json_t *json_any_text(const char *s)
{
	json_t *j = json_string(s);
	char plain[256];
	size_t n = 0;

	if (j)
		return j;
	for (; *s && n < sizeof(plain) - 1; s++)
		plain[n++] = *s >= 0x20 && *s < 0x7f ? *s : '?';
	plain[n] = '\0';
	return json_string(plain);
}

void answer_problem(const struct request *r, struct answer *a, enum err e)
{
	const char *text = a->why.text[0] ? a->why.text : err_text(e);

	if (e == ERR_RETRY)
		e = ERR_UNAVAILABLE;
	json_free(&a->json);
	buf_free(&a->text);
	a->status = err_http(e);
	a->type = "application/problem+json";
	a->json = json_pack("{s:s, s:s, s:i, s:s, s:o, s:s, s:s}", "type", "about:blank", "title",
		err_text(e), "status", a->status, "code", err_word(e), "detail",
		json_any_text(text), "hint", err_hint(e, request_chinese(r, false)), "request_id",
		r->id);
	if (a->why.field[0])
		json_object_set_new(a->json, "field", json_any_text(a->why.field));
	if (a->more)
		json_object_update(a->json, a->more);
	if (a->status == 503 && e != ERR_NOT_CONFIGURED)
		a->retry_after = RETRY_AFTER_S;
	if (a->status == 429 && !a->retry_after)
		a->retry_after = 60;
}

void answer_write(const struct request *r, struct answer *a, struct buf *out)
{
	char *json = a->json ? json_dumps(a->json, JSON_COMPACT) : NULL;
	const char *type = a->type ? a->type : "application/json";

	buf_printf(out, "Status: %d\r\nX-Request-Id: %s\r\n", a->status, r->id);
	if (json || a->text.text || a->file)
		buf_printf(out, "Content-Type: %s\r\n", type);
	if (a->file_name[0])
		buf_printf(
			out, "Content-Disposition: attachment; filename=\"%s\"\r\n", a->file_name);
	buf_adds(out, a->etag[0] ? "Cache-Control: no-cache\r\n" : "Cache-Control: no-store\r\n");
	if (a->etag[0])
		buf_printf(out, "ETag: %s\r\n", a->etag);
	if (a->location[0])
		buf_printf(out, "Location: %s\r\n", a->location);
	if (a->cookie[0])
		buf_printf(out, "Set-Cookie: %s\r\n", a->cookie);
	if (a->status == 405 && a->allow[0])
		buf_printf(out, "Allow: %s\r\n", a->allow);
	if (a->status == 401)
		buf_adds(out, "WWW-Authenticate: Bearer\r\n");
	if (a->retry_after)
		buf_printf(out, "Retry-After: %d\r\n", a->retry_after);
	if (a->repeated)
		buf_adds(out, "Idempotency-Hit: true\r\n");
	buf_adds(out, "\r\n");
	if (!str_eq(r->method, "HEAD")) {
		if (json)
			buf_adds(out, json);
		else if (a->text.text)
			buf_add(out, a->text.text, a->text.len);
	}
	free(json);
}
