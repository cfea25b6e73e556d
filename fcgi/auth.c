#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "domain/audit.h"
#include "domain/session.h"
#include "fcgi/auth.h"
#include "fcgi/handlers.h"

static enum err answer_tokens(
	const struct request *r, const struct session_new *s, struct answer *a)
{
	struct token t = { .user_id = s->user_id };
	char *access = NULL;
	enum err e;

	ASSERT(str_copy(t.family, sizeof(t.family), s->family));
	e = token_make(&r->api->jwt_key, &t, r->now, &access);
	if (e != ERR_OK)
		return e;
	a->json = json_pack("{s:s, s:s, s:i, s:s}", "access_token", access, "token_type", "Bearer",
		"expires_in", TOKEN_LIFE_S, "refresh_token", s->token);
	free(access);
	return ERR_OK;
}

static struct session_from from_of(const struct request *r)
{
	const char *agent = request_header(r, "HTTP_USER_AGENT");

	return (struct session_from){ agent ? agent : "", r->remote };
}

enum err auth_answer_login(struct request *r, const struct user *u, struct answer *a)
{
	const struct session_from from = from_of(r);
	struct session_new s;
	enum err e = session_start(r->db, u->id, &from, r->now, &s);

	if (e != ERR_OK)
		return e;
	r->user = *u;
	snprintf(r->actor, sizeof(r->actor), "user:%lld", (long long)u->id);
	log_info("login=ok user=%lld kind=%s", (long long)u->id, u->kind);
	return answer_tokens(r, &s, a);
}

enum err auth_login(struct request *r, struct answer *a)
{
	struct user u;
	enum err e = user_login(
		r->db, body_text(r, "username", ""), body_text(r, "password", ""), r->now, &u);

	if (e == ERR_OK)
		e = user_second_factor(
			r->db, u.id, r->api->totp_key, body_text(r, "code", ""), r->now);
	if (e == ERR_OK)
		return auth_answer_login(r, &u, a);
	if (e == ERR_LOCKED)
		a->retry_after = 30;
	log_warn("login=refused why=%s address=%s", err_word(e), r->remote);
	return e;
}

enum err auth_sms_code(struct request *r, struct answer *a)
{
	enum err e = user_send_code(r->db, body_text(r, "phone", ""), r->remote, r->now);

	if (e != ERR_OK)
		return e;
	a->json = json_pack("{s:i, s:i}", "expires_in", SMS_CODE_LIFE_MS / 1000, "resend_after",
		SMS_CODE_PAUSE_MS / 1000);
	return ERR_OK;
}

enum err auth_sms_login(struct request *r, struct answer *a)
{
	struct user u;
	enum err e = user_login_code(
		r->db, body_text(r, "phone", ""), body_text(r, "code", ""), r->now, &u);

	if (e == ERR_OK)
		return auth_answer_login(r, &u, a);
	log_warn("login=refused why=%s address=%s", err_word(e), r->remote);
	return e;
}

enum err auth_refresh(struct request *r, struct answer *a)
{
	const struct session_from from = from_of(r);
	struct session_new s;
	enum err e = session_refresh(r->db, body_text(r, "refresh_token", ""), &from, r->now, &s);

	return e == ERR_OK ? answer_tokens(r, &s, a) : e;
}

enum err auth_logout(struct request *r, struct answer *a)
{
	(void)a;
	return session_end(r->db, body_text(r, "refresh_token", ""), r->now);
}

static enum err site_json(struct request *r, json_t **out)
{
	struct site s;
	enum err e = user_site(r->db, &r->user, &s);

	if (e == ERR_NOT_FOUND) {
		*out = json_null();
		return ERR_OK;
	}
	if (e == ERR_OK)
		*out = json_pack("{s:s, s:s, s:s}", "code", s.code, "name", s.name, "zone", s.zone);
	return e;
}

static json_t *permissions_json(const struct rows *rows)
{
	const struct permission *p = rows->at;
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n; i++)
		json_array_append_new(list, json_string(p[i].permission));
	return list;
}

static json_t *shops_json(const struct rows *rows)
{
	const struct user_tenant *t = rows->at;
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n; i++)
		json_array_append_new(
			list, json_pack("{s:I, s:s, s:s, s:s}", "id", (json_int_t)t[i].id, "code",
				      t[i].code, "name", t[i].name, "room", t[i].room));
	return list;
}

static json_t *areas_json(const struct rows *rows)
{
	const struct user_area *t = rows->at;
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n; i++)
		json_array_append_new(list, json_pack("{s:I, s:s, s:s}", "id", (json_int_t)t[i].id,
						    "code", t[i].code, "name", t[i].name));
	return list;
}

enum err me_get(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows permissions = { 0 };
	AUTO(rows_free) struct rows areas = { 0 };
	AUTO(rows_free) struct rows shops = { 0 };
	const struct user *u = &r->user;
	json_t *site = NULL;
	bool totp = false;
	enum err e = user_permissions(r->db, u->id, &permissions);

	if (e == ERR_OK)
		e = user_areas(r->db, u->id, &areas);
	if (e == ERR_OK)
		e = user_tenants(r->db, u->id, &shops);
	if (e == ERR_OK)
		e = totp_is_on(r->db, u->id, &totp);
	if (e == ERR_OK)
		e = site_json(r, &site);
	if (e != ERR_OK)
		return e;
	a->json = json_pack("{s:I, s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:b, s:b, s:o}", "id",
		(json_int_t)u->id, "kind", u->kind, "name", u->name[0] ? u->name : u->username,
		"phone", json_text_or_null(u->phone), "role", u->role[0] ? u->role : u->kind,
		"permissions", permissions_json(&permissions), "site", site, "areas",
		areas_json(&areas), "password_change_required", u->password_old, "second_factor",
		totp, "tenants", shops_json(&shops));
	return ERR_OK;
}
