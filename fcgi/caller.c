#include "fcgi/caller.h"

#include <stdio.h>
#include <strings.h>

#include "domain/service.h"
#include "fcgi/routes.h"

/* The caller, by the token of a session or the key of a service account. */
static enum err identify(struct request *r, enum perm perm)
{
	const char *h = request_header(r, "HTTP_AUTHORIZATION"), *permission = perm_word(perm);
	struct token t;
	enum err e;

	if (!h || strncasecmp(h, "Bearer ", 7) != 0)
		return ERR_UNAUTHORIZED;
	if (str_starts(h + 7, SERVICE_KEY_PREFIX))
		return service_check(r->db, h + 7, r->remote, permission, r->now, &r->user);
	e = token_check(&r->api->jwt_key, h + 7, r->now, &t);
	if (e == ERR_OK)
		e = user_check(r->db, t.user_id, t.family, permission, &r->user);
	if (e == ERR_OK)
		ASSERT(str_copy(r->family, sizeof(r->family), t.family));
	return e;
}

/* What is of a person, and not for the key of a program: all but /me of the routes without a
 * permission. */
static bool is_personal(const struct route *route)
{
	return !perm_word(route->perm)[0] && !str_eq(route->path, "/me");
}

enum err caller_check(struct request *r)
{
	enum perm perm = r->route->perm;
	bool tenant;
	enum err e;

	if (perm == PERM_OPEN || perm == PERM_LOCAL)
		return ERR_OK;
	e = identify(r, perm);
	if (e == ERR_OK && !r->user.may && r->route->or_perm) {
		r->lesser = true;
		e = identify(r, r->route->or_perm);
	}
	if (e != ERR_OK)
		return e;
	snprintf(r->actor, sizeof(r->actor), "user:%lld", (long long)r->user.id);
	tenant = str_eq(r->user.kind, "tenant");
	if (r->user.password_old && !r->route->first)
		return ERR_PASSWORD_OLD;
	if (str_eq(r->user.kind, "service") && is_personal(r->route))
		return ERR_FORBIDDEN;
	if (perm == PERM_USER)
		return ERR_OK;
	if (perm == PERM_TENANT)
		return tenant ? ERR_OK : ERR_FORBIDDEN;
	return perm >= PERM_STAFF && !tenant && r->user.may ? ERR_OK : ERR_FORBIDDEN;
}
