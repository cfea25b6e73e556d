/* What a request says, in which language its answer speaks, and how often it may come. */
#include <string.h>
#include <strings.h>

#include "fcgi/api.h"
#include "fcgi/limits.h"
#include "fcgi/routes.h"

const char *request_header(const struct request *r, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; r->headers && r->headers[i]; i++)
		if (strncmp(r->headers[i], name, n) == 0 && r->headers[i][n] == '=')
			return r->headers[i] + n + 1;
	return NULL;
}

const char *body_text(const struct request *r, const char *key, const char *fallback)
{
	const char *v = json_string_value(json_object_get(r->json, key));

	return v ? v : fallback;
}

int64_t body_int(const struct request *r, const char *key, int64_t fallback)
{
	const json_t *v = json_object_get(r->json, key);

	return json_is_integer(v) ? json_integer_value(v) : fallback;
}

const char *param_text(const struct request *r, const char *name)
{
	const char *v = form_get(&r->params, name);

	return v ? v : "";
}

enum err body_day(
	const struct request *r, const char *key, bool *given, struct day *out, struct problem *why)
{
	const char *text = body_text(r, key, NULL);

	*given = text != NULL;
	if (text && day_parse(text, out) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, key, "a day like 2026-11-22 is expected");
	return ERR_OK;
}

int64_t param_int(const struct request *r, const char *name)
{
	int64_t v;

	return i64_parse(param_text(r, name), 0, INT64_MAX, &v) == ERR_OK ? v : 0;
}

int64_t caller_site(const struct request *r)
{
	return r->scope;
}

enum err request_site(const struct request *r, int64_t named, int64_t *out, struct problem *why)
{
	struct user u = r->user;
	struct site site;
	enum err e;

	if (u.site_id && named && u.site_id != named)
		return problem_set(why, ERR_NOT_FOUND, "site_id", "there is no such site");
	if (named)
		u.site_id = named;
	e = user_site(r->db, &u, &site);
	if (e == ERR_NOT_FOUND && named)
		return problem_set(why, e, "site_id", "there is no such site");
	if (e == ERR_NOT_FOUND)
		return problem_set(why, ERR_MISSING_FIELD, "site_id", "say which site");
	if (e == ERR_OK)
		*out = site.id;
	return e;
}

enum err request_zone(struct request *r, struct zone **out)
{
	struct site site;
	enum err e = user_site(r->db, &r->user, &site);

	if (e != ERR_OK && e != ERR_NOT_FOUND)
		return e;
	return zone_open(e == ERR_OK ? site.zone : "UTC", out);
}

static enum err day_start(
	const struct zone *z, const char *text, int64_t plus, struct utc *out, struct problem *why)
{
	struct day day;

	*out = (struct utc){ 0 };
	if (!text[0])
		return ERR_OK;
	if (day_parse(text, &day) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, "from", "a day like 2026-11-22 is expected");
	day.days += (int32_t)plus;
	*out = zone_day_start(z, day);
	return ERR_OK;
}

enum err param_span(struct request *r, struct utc *from, struct utc *to)
{
	AUTO(zone_free) struct zone *z = NULL;
	struct problem why = { 0 };
	enum err e = request_zone(r, &z);

	if (e == ERR_OK)
		e = day_start(z, param_text(r, "from"), 0, from, &why);
	return e == ERR_OK ? day_start(z, param_text(r, "to"), 1, to, &why) : e;
}

/* Browsers list languages by preference. */
bool request_chinese(const struct request *r, bool otherwise)
{
	const char *at = request_header(r, "HTTP_ACCEPT_LANGUAGE");

	while (at && *at) {
		at += strspn(at, ", ");
		if (strncasecmp(at, "zh", 2) == 0 || strncasecmp(at, "en", 2) == 0)
			return (*at | 0x20) == 'z';
		at += strcspn(at, ",");
	}
	return otherwise;
}

static enum err take(struct request *r, struct answer *a, enum limit_kind kind, const char *who)
{
	a->retry_after = limits_take(r->api->limits, kind, who, mono_ms());
	if (a->retry_after == 0)
		return ERR_OK;
	return problem_set(&a->why, ERR_TOO_MANY, "", "again in %d s", a->retry_after);
}

enum err request_limited(struct request *r, struct answer *a)
{
	const struct route *t = r->route;
	bool reads = str_eq(r->method, "GET") || str_eq(r->method, "HEAD");
	enum limit_kind kind = str_starts(t->path, "/auth/") ? LIMIT_LOGIN
			       : reads			     ? LIMIT_READ
							     : LIMIT_WRITE;

	if (t->perm == PERM_LOCAL || (t->perm == PERM_OPEN && t->body_kind == BODY_RAW))
		return ERR_OK;
	return take(r, a, kind, r->user.id ? r->actor : r->remote);
}

enum err request_limited_payee(struct request *r, struct answer *a)
{
	enum err e = take(r, a, LIMIT_PAYEE, r->actor);

	return e == ERR_OK ? take(r, a, LIMIT_PAYEE_ADDRESS, r->remote) : e;
}
