/* Is the platform fit to work, and if not, which part is not? */
#include <stdio.h>

#include "domain/health.h"
#include "domain/servicestate.h"
#include "fcgi/handlers.h"
#include "fcgi/health.h"

#define WORKER_FRESH_MS 120000
#define WORKER_LATE_MS 60000

/* By the worker; a payment service that this process cannot use is off, too. */
static json_t *services_json(const struct request *r, const struct rows *rows)
{
	const struct service_state *s = rows->at;
	json_t *j = json_object();

	for (size_t i = 0; i < rows->n; i++)
		json_object_set_new(j, s[i].name,
			json_string(r->now.ms - s[i].seen_at.ms > WORKER_FRESH_MS ? "unknown"
										  : s[i].state));
	for (size_t i = 0; i < pay_service_count; i++) {
		const char *name = pay_services[i].name;

		if (pay_off(r->api->pay, name))
			json_object_set_new(j, str_eq(name, "wechat") ? "wechat_pay" : name,
				json_string("off"));
	}
	return j;
}

enum part_state { PART_OK, PART_DEGRADED, PART_FAILED };

struct part {
	const char *name;
	enum part_state state;
	char why[160];
};

static const char *state_word(enum part_state s)
{
	return s == PART_OK ? "ok" : s == PART_DEGRADED ? "degraded" : "failed";
}

static struct part database_part(const struct health *h)
{
	struct part p = { .name = "database" };

	if (h->read_only) {
		p.state = PART_FAILED;
		snprintf(p.why, sizeof(p.why), "it takes no writes");
	} else if (h->unfinished) {
		p.state = PART_FAILED;
		snprintf(p.why, sizeof(p.why), "a migration was begun and has not ended");
	} else if (h->migration < YUFU_MIGRATION) {
		p.state = PART_FAILED;
		snprintf(p.why, sizeof(p.why), "migration %d is missing, it is at %lld",
			YUFU_MIGRATION, (long long)h->migration);
	} else if (h->migration > YUFU_MIGRATION) {
		p.state = PART_DEGRADED;
		snprintf(p.why, sizeof(p.why), "it is at migration %lld, this program at %d",
			(long long)h->migration, YUFU_MIGRATION);
	}
	return p;
}

static struct part poller_part(const struct health *h)
{
	struct part p = { .name = "poller" };

	if (!h->groups_free)
		return p;
	p.state = h->groups_free == h->groups ? PART_FAILED : PART_DEGRADED;
	snprintf(p.why, sizeof(p.why), "%lld of %lld groups of buses are held by no poller",
		(long long)h->groups_free, (long long)h->groups);
	return p;
}

static struct part worker_part(const struct health *h)
{
	struct part p = { .name = "worker" };

	if (h->worker_ms < 0 || h->worker_ms > WORKER_LATE_MS) {
		p.state = PART_FAILED;
		snprintf(p.why, sizeof(p.why), "it gave no sign for a minute");
	} else if (h->jobs_failing) {
		p.state = PART_DEGRADED;
		snprintf(p.why, sizeof(p.why), "%lld of its jobs fail", (long long)h->jobs_failing);
	}
	return p;
}

json_t *health_parts(const struct health *h, bool *well)
{
	const struct part parts[] = { database_part(h), poller_part(h), worker_part(h) };
	json_t *list = json_object();

	*well = true;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		*well = *well && parts[i].state == PART_OK;
		json_object_set_new(list, parts[i].name,
			json_pack("{s:s, s:o}", "status", state_word(parts[i].state), "why",
				json_text_or_null(parts[i].why)));
	}
	return list;
}

/* The whole serves as long as the database does: without poller or worker people can still look
 * and pay. */
enum err health_get(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	struct part database;
	struct health h;
	json_t *list;
	bool well;
	enum err e = health_look(r->db, r->now, &h);

	if (e == ERR_OK)
		e = service_state_list(r->db, &rows);
	if (e != ERR_OK)
		return problem_set(&a->why, ERR_UNAVAILABLE, "database", "%s",
			e == ERR_UNAVAILABLE ? "it cannot be reached" : "it cannot be used");
	database = database_part(&h);
	if (database.state == PART_FAILED)
		return problem_set(&a->why, ERR_UNAVAILABLE, "database", "%s", database.why);
	list = health_parts(&h, &well);
	a->json = json_pack("{s:s, s:o, s:o}", "status", well ? "ok" : "degraded", "parts", list,
		"services", services_json(r, &rows));
	return ERR_OK;
}
