/* How often a request may come, and in which language its answer speaks. */
#include <string.h>
#include <strings.h>

#include "fcgi/api.h"
#include "fcgi/limits.h"
#include "fcgi/routes.h"

/* Browsers list languages by preference. */
bool request_chinese(const struct request *r)
{
	const char *at = request_header(r, "HTTP_ACCEPT_LANGUAGE");

	while (at && *at) {
		at += strspn(at, ", ");
		if (strncasecmp(at, "zh", 2) == 0 || strncasecmp(at, "en", 2) == 0)
			return (*at | 0x20) == 'z';
		at += strcspn(at, ",");
	}
	return false;
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
	a->retry_after =
		limits_take(r->api->limits, kind, r->user.id ? r->actor : r->remote, mono_ms());
	if (a->retry_after == 0)
		return ERR_OK;
	return problem_set(&a->why, ERR_TOO_MANY, "", "again in %d s", a->retry_after);
}
