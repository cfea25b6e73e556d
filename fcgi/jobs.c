/* What the worker does again and again, as it says itself. */
#include "domain/jobstate.h"

#include <string.h>

#include "fcgi/handlers.h"

static json_t *job_json(const struct job_state *s)
{
	struct utc next = { s->run_at.ms + s->every_ms };

	return json_pack("{s:s, s:I, s:o, s:I, s:s, s:o, s:I, s:I, s:o, s:o, s:s}", "name", s->name,
		"every_ms", (json_int_t)s->every_ms, "run_at", json_utc(s->run_at), "took_ms",
		(json_int_t)s->took_ms, "result", s->result, "next_at", json_utc(next), "runs",
		(json_int_t)s->runs, "failures", (json_int_t)s->failures, "failing_since",
		json_utc(s->failing_since), "failed_at", json_utc(s->failed_at), "worker",
		s->worker);
}

enum err jobs_list(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	json_t *items = json_array();
	enum err e = job_states(r->db, "", &rows);
	const struct job_state *s = rows.at;

	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(items, job_json(&s[i]));
	a->json = json_items(items);
	return e;
}

enum err job_show(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = job_states(r->db, strrchr(r->path, '/') + 1, &rows);

	if (e == ERR_OK && rows.n == 0)
		return ERR_NOT_FOUND;
	if (e == ERR_OK)
		a->json = job_json(rows.at);
	return e;
}
