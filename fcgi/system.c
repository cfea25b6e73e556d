/* How the platform itself is doing, for its staff. */
#include "domain/jobstate.h"
#include "domain/systemview.h"
#include "fcgi/handlers.h"
#include "fcgi/health.h"
#include "fcgi/views.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define FAILING_MS 60000

static json_t *pollers_json(const struct rows *rows)
{
	const struct system_poller *p = rows->at;
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:b, s:o, s:I, s:I, s:o}", "name", p[i].name, "live",
				      p[i].live ? 1 : 0, "seen_at", json_utc(p[i].seen_at), "buses",
				      (json_int_t)p[i].buses, "round_ms", (json_int_t)p[i].round_ms,
				      "answered_at", json_utc(p[i].answered_at)));
	return list;
}

static const struct job_state *job_find(const struct rows *rows, const char *name)
{
	const struct job_state *s = rows->at;

	for (size_t i = 0; i < rows->n; i++)
		if (str_eq(s[i].name, name))
			return &s[i];
	return NULL;
}

/* "failing" for a minute and more, "late": not run when it should have been; NULL: it is well. */
static const char *job_trouble(const struct job_state *s, struct utc now)
{
	if (s->failing_since.ms && now.ms - s->failing_since.ms >= FAILING_MS)
		return "failing";
	return job_state_late(s, now) ? "late" : NULL;
}

/* Of the worker's own. */
static json_t *jobs_json(const struct rows *rows, struct utc now)
{
	const struct job_state *s = rows->at;
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n; i++) {
		const char *trouble = job_trouble(&s[i], now);

		if (trouble && !str_eq(s[i].worker, JOB_OUTSIDE))
			json_array_append_new(
				list, json_pack("{s:s, s:s, s:o, s:s}", "name", s[i].name,
					      "trouble", trouble, "run_at", json_utc(s[i].run_at),
					      "result", s[i].result));
	}
	return list;
}

/* Those that others run and tell of; never: they are not told of here. */
static json_t *outside_json(const struct rows *rows, struct utc now)
{
	json_t *list = json_array();

	for (size_t i = 0; i < jobs_outside_n; i++) {
		const struct job_state *s = job_find(rows, jobs_outside[i].name);
		const struct job_state never = { .result = "" };
		const struct job_state *of = s ? s : &never;

		json_array_append_new(list,
			json_pack("{s:s, s:s, s:o, s:o}", "name", jobs_outside[i].name, "state",
				!s			   ? "never"
				: !str_eq(s->result, "ok") ? "failed"
				: job_state_late(s, now)   ? "late"
							   : "ok",
				"run_at", json_utc(of->run_at), "ok_at", json_utc(of->ok_at)));
	}
	return list;
}

static enum err sealed_json(const struct rows *rows, struct utc now, json_t **out)
{
	const struct system_sealed *s = rows->at;
	json_t *list = json_array();
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < rows->n; i++) {
		int64_t behind = 0;

		e = system_behind(&s[i], now, &behind);
		json_array_append_new(
			list, json_pack("{s:o, s:o, s:o, s:I}", "site",
				      view_named(s[i].site_id, s[i].code, s[i].name), "day",
				      json_text_or_null(s[i].day), "sealed_at",
				      json_utc(s[i].sealed_at), "behind", (json_int_t)behind));
	}
	*out = list;
	return e;
}

static json_t *storage_json(const struct system_counts *c, struct utc now)
{
	return json_pack("{s:I, s:o, s:I}", "bytes", (json_int_t)c->bytes, "readings_from",
		json_utc(c->readings_from), "readings_days",
		(json_int_t)(c->readings_from.ms ? (now.ms - c->readings_from.ms) / DAY_MS : 0));
}

static json_t *audit_json(const struct system_counts *c, const struct job_state *sweep)
{
	return json_pack("{s:I, s:I, s:o}", "rows", (json_int_t)c->audit_rows, "unchained",
		(json_int_t)c->audit_unchained, "swept_at",
		sweep ? json_utc(sweep->ok_at) : json_null());
}

enum err system_show(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows pollers = { 0 }, jobs = { 0 }, sealed = { 0 };
	AUTO(json_free) json_t *days = NULL;
	struct system_counts c;
	struct health h;
	bool well;
	enum err e = health_look(r->db, r->now, &h);

	if (e == ERR_OK)
		e = system_pollers(r->db, &pollers);
	if (e == ERR_OK)
		e = job_states(r->db, "", &jobs);
	if (e == ERR_OK)
		e = system_sealed(r->db, r->user.site_id, &sealed);
	if (e == ERR_OK)
		e = system_counts(r->db, r->now, &c);
	if (e == ERR_OK)
		e = sealed_json(&sealed, r->now, &days);
	if (e != ERR_OK)
		return e;
	a->json = json_pack("{s:o, s:o, s:I, s:o, s:o, s:{s:I, s:o}, s:o, s:O, s:o}", "parts",
		health_parts(&h, &well), "pollers", pollers_json(&pollers), "groups_free",
		(json_int_t)h.groups_free, "jobs", jobs_json(&jobs, r->now), "outside",
		outside_json(&jobs, r->now), "outbox", "waiting", (json_int_t)c.outbox_waiting,
		"due_at", json_utc(c.outbox_due_at), "storage", storage_json(&c, r->now), "sealed",
		days, "audit", audit_json(&c, job_find(&jobs, "audit_sweep")));
	return ERR_OK;
}
