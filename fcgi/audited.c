#include "fcgi/audited.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "domain/audit.h"
#include "fcgi/routes.h"

#define WISH_MAX 4000 /* bytes of the body that are kept */

/* What the first part of a path is about, as the audit log calls it. */
static const struct {
	const char *segment, *object;
} nouns[] = {
	{ "accounts", "account" },
	{ "alarms", "alarm" },
	{ "approvals", "approval" },
	{ "auth", "user" },
	{ "areas", "area" },
	{ "contracts", "contract" },
	{ "days", "day" },
	{ "differences", "difference" },
	{ "entries", "entry" },
	{ "fees", "fee" },
	{ "gateways", "gateway" },
	{ "invoices", "invoice" },
	{ "meters", "meter" },
	{ "orders", "order" },
	{ "outbox", "outbox" },
	{ "reconciliations", "reconciliation" },
	{ "refunds", "refund" },
	{ "roles", "role" },
	{ "sales", "sale" },
	{ "schedules", "schedule" },
	{ "shares", "share_group" },
	{ "shifts", "shift" },
	{ "sites", "site" },
	{ "sub-tenants", "supply_point" },
	{ "supply-points", "supply_point" },
	{ "tariffs", "tariff" },
	{ "tenants", "tenant" },
	{ "unmatched-payments", "unmatched" },
	{ "users", "user" },
	{ "webhooks", "webhook" },
};

/* The part before ":id", or else the first one. */
static void object_of(const char *path, char out[static 48])
{
	const char *id = strstr(path, "/:"), *at = path + 1;
	size_t n;

	for (const char *p = path; id && p < id; p++)
		if (*p == '/')
			at = p + 1;
	if (!id && str_starts(path, "/me/"))
		at = path + 4;
	n = strcspn(at, "/");
	snprintf(out, 48, "%.*s", (int)n, at);
	for (size_t i = 0; i < ARRAY_LEN(nouns); i++)
		if (str_eq(nouns[i].segment, out))
			snprintf(out, 48, "%s", nouns[i].object);
}

static const char *verb_of(const char *method)
{
	return str_eq(method, "POST")	 ? "create"
	       : str_eq(method, "PUT")	 ? "change"
	       : str_eq(method, "PATCH") ? "change"
					 : "remove";
}

/* The permission; where there is none, the words of the path: "auth.login", "me.orders.create". */
static void action_of(const struct route *route, char out[static 49])
{
	const char *word = perm_word(route->perm);
	bool ends_in_verb = str_starts(route->path, "/auth/");
	size_t n = 0;

	if (word[0]) {
		snprintf(out, 49, "%s", word);
		return;
	}
	for (const char *p = route->path + 1; *p && n < 36; p++) {
		if (*p == ':') {
			ends_in_verb = strchr(p, '/') != NULL;
			p += strcspn(p, "/");
			n -= n > 0 && !*p;
			if (!*p)
				break;
			continue;
		}
		out[n++] = *p == '/' ? '.' : *p;
	}
	out[n] = '\0';
	if (!ends_in_verb)
		snprintf(out + n, 49 - n, ".%s", verb_of(route->method));
}

static bool is_secret(const char *key)
{
	return strstr(key, "password") || strstr(key, "secret") || strstr(key, "token") ||
	       str_eq(key, "code") || str_eq(key, "ticket") || str_eq(key, "state");
}

/* What was asked for, without what nobody may read. */
static json_t *wish_of(const struct request *r)
{
	json_t *copy = json_is_object(r->json) ? json_copy(r->json) : json_object();
	AUTO(text_free) char *text = NULL;
	const char *key;
	json_t *v;
	void *next;

	json_object_foreach_safe(copy, next, key, v) if (is_secret(key))
		json_object_set_new(copy, key, json_string("***"));
	text = json_text(copy);
	if (strlen(text) > WISH_MAX)
		json_object_clear(copy);
	return copy;
}

static bool is_refusal(const struct request *r, enum err e)
{
	switch (e) {
	case ERR_OK:
	case ERR_BAD_JSON:
	case ERR_UNKNOWN_FIELD:
	case ERR_MISSING_FIELD:
	case ERR_BAD_VALUE:
	case ERR_UNAUTHORIZED:
	case ERR_TOKEN_EXPIRED:
	case ERR_METHOD:
	case ERR_TOO_LARGE:
	case ERR_TOO_MANY:
		return false;
	case ERR_FORBIDDEN:
		return true;
	default:
		return r->ran && err_http(e) < 500;
	}
}

static bool is_watched(const struct request *r)
{
	const struct route *route = r->route;

	if (!route || str_eq(route->method, "GET") || route->perm == PERM_LOCAL)
		return false;
	return route->perm != PERM_OPEN ||
	       (str_starts(route->path, "/auth/") && !str_eq(route->path, "/auth/refresh") &&
		       !str_eq(route->path, "/auth/sms-code"));
}

/* Simulations, readings before their turn: asked by who may read, they change nothing. */
static bool only_reads(const struct route *route)
{
	const char *word = perm_word(route->perm);
	size_t n = strlen(word);

	return n > 5 && str_eq(word + n - 5, ".read");
}

static json_t *detail_of(const struct request *r, const struct answer *a, enum err e)
{
	json_t *wish = wish_of(r), *detail;
	const char *reason = json_string_value(json_object_get(wish, "reason"));

	detail = json_pack("{s:s, s:s, s:o}", "method", r->route->method, "route", r->route->path,
		"asked", json_incref(wish));
	if (reason)
		json_object_set_new(detail, "reason", json_string(reason));
	if (e != ERR_OK)
		json_object_set_new(
			detail, "why", json_string(a->why.text[0] ? a->why.text : err_text(e)));
	if (e != ERR_OK && a->why.field[0])
		json_object_set_new(detail, "field", json_string(a->why.field));
	json_decref(wish);
	return detail;
}

void audit_request(struct request *r, const struct answer *a, enum err e)
{
	char object[48], action[49];
	struct audit audit = { .address = r->remote, .action = action, .object = object };
	bool has = false;
	enum err written;

	if (!is_watched(r) || a->repeated || (e != ERR_OK && !is_refusal(r, e)))
		return;
	if (e == ERR_OK && only_reads(r->route))
		return;
	object_of(r->route->path, object);
	action_of(r->route, action);
	audit.actor = r->actor[0] ? r->actor : "anonymous";
	audit.id = strstr(r->route->path, "/:id") ? r->object : 0;
	if (str_starts(r->route->path, "/auth/"))
		audit.id = r->user.id;
	audit.outcome = e == ERR_OK ? NULL : err_word(e);
	written = audit_has(r->db, r->id, r->now, e != ERR_OK, &has);
	if (written == ERR_OK && !has)
		written = audit_add(r->db, &audit, detail_of(r, a, e), r->now);
	if (written != ERR_OK)
		log_error("audit=not_written action=%s object=%s:%lld outcome=%s", action, object,
			(long long)audit.id, err_word(e));
}
