/* The audit log for those who read it, and as a file that can be checked. */
#include <stdio.h>

#include "domain/audit.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"

#define EXPORT_BATCH 500

static json_t *doc_json(const struct blob *b)
{
	json_t *j = NULL;

	if (b->n && json_parse((const char *)b->at, b->n, &j, NULL) == ERR_OK)
		return j;
	return json_null();
}

static json_t *row_json(const void *row)
{
	const struct audit_row *u = row;

	return json_pack("{s:I, s:o, s:s, s:o, s:o, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}",
		"id", (json_int_t)u->id, "at", json_utc(u->at), "actor", u->actor, "actor_name",
		json_text_or_null(u->actor_name), "address", json_text_or_null(u->address),
		"action", u->action, "object", u->object, "outcome", u->outcome, "reason",
		json_text_or_null(u->reason), "request_id", json_text_or_null(u->request_id),
		"detail", doc_json(&u->detail), "before", doc_json(&u->before_doc), "after",
		doc_json(&u->after_doc), "chain",
		u->n ? json_pack("{s:I, s:s}", "n", (json_int_t)u->n, "sha256", u->sha256)
		     : json_null());
}

enum err audits_list(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_i64(caller_site(r))), row_json);
}

enum err audit_show(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = audit_get(r->db, caller_site(r), r->object, &rows);

	if (e == ERR_OK && rows.n == 0)
		return ERR_NOT_FOUND;
	if (e == ERR_OK)
		a->json = row_json(rows.at);
	return e;
}

static json_t *text_json(const struct blob *b)
{
	return json_stringn(b->n ? (const char *)b->at : "", b->n);
}

/* Texts as they were hashed, so that whoever has the file can do it again. */
static enum err line_write(FILE *f, const struct audit_row *u, const char *before)
{
	AUTO(json_free)
	json_t *line = json_pack("{s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:o,"
				 " s:o, s:o, s:s, s:s}",
		"n", (json_int_t)u->n, "id", (json_int_t)u->id, "at", (json_int_t)u->at.ms, "actor",
		u->actor, "address", u->address, "action", u->action, "object", u->object,
		"outcome", u->outcome, "site_id", (json_int_t)u->site_id, "request_id",
		u->request_id, "reason", u->reason, "detail", text_json(&u->detail), "before",
		text_json(&u->before_doc), "after", text_json(&u->after_doc), "prev_sha256", before,
		"sha256", u->sha256);

	if (!line || json_dumpf(line, f, JSON_COMPACT) != 0 || fputc('\n', f) == EOF)
		return ERR_INTERNAL;
	return ERR_OK;
}

static enum err export_write(struct db *db, FILE *f, int64_t first, int64_t last)
{
	char before[AUDIT_SHA256];
	enum err e = audit_hash_at(db, first - 1, before);

	while (e == ERR_OK && first <= last) {
		AUTO(rows_free) struct rows rows = { 0 };
		const struct audit_row *u;

		e = audit_chained(db, first, EXPORT_BATCH, &rows);
		u = rows.at;
		if (e == ERR_OK && rows.n == 0)
			e = ERR_INTERNAL;
		for (size_t i = 0; e == ERR_OK && i < rows.n && u[i].n <= last; i++) {
			e = line_write(f, &u[i], before);
			snprintf(before, sizeof(before), "%s", u[i].sha256);
			first = u[i].n + 1;
		}
		if (e == ERR_OK && rows.n && u[rows.n - 1].n > last)
			break;
	}
	return e;
}

/* The chain runs over all sites, so only who may see all of them can have a piece of it. */
enum err audit_export(struct request *r, struct answer *a)
{
	struct utc from, to;
	int64_t first = 0, last = 0;
	FILE *file;
	enum err e = param_span(r, &from, &to);

	if (caller_site(r))
		return problem_set(
			&a->why, ERR_FORBIDDEN, "", "the chain is of all sites, you see one");
	if (e == ERR_OK)
		e = audit_span(r->db, from, to, &first, &last);
	if (e != ERR_OK)
		return e;
	file = tmpfile();
	if (!file)
		return ERR_INTERNAL;
	if (first)
		e = export_write(r->db, file, first, last);
	if (e != ERR_OK) {
		fclose(file);
		return e;
	}
	rewind(file);
	a->file = file;
	a->type = "application/x-ndjson";
	snprintf(a->file_name, sizeof(a->file_name), "audit.jsonl");
	return e;
}
