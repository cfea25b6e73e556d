/* Service accounts: other systems and their keys. */
#include "domain/service.h"

#include <stdio.h>
#include <string.h>

#include "fcgi/handlers.h"
#include "fcgi/list.h"
#include "fcgi/users.h"

static json_t *id_or_null(int64_t id)
{
	return id ? json_integer(id) : json_null();
}

static json_t *service_json(const struct service *s)
{
	return json_pack("{s:I, s:s, s:s, s:I, s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:b}", "id",
		(json_int_t)s->id, "username", s->username, "name", s->name, "role_id",
		(json_int_t)s->role_id, "role", s->role, "site_id", id_or_null(s->site_id),
		"area_ids", list_json(s->areas, true), "hint", s->hint, "addresses",
		list_json(s->addresses, false), "expires_at", json_utc(s->expires_at), "made_at",
		json_utc(s->made_at), "last_used_at", json_utc(s->used_at), "revoked", s->disabled);
}

static json_t *row_json(const void *row)
{
	return service_json(row);
}

enum err services_accounts_list(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_i64(caller_site(r))), row_json);
}

static enum err answer_service(
	const struct request *r, int64_t id, const char *key, struct answer *a)
{
	struct service s;
	enum err e = service_get(r->db, caller_site(r), id, &s);

	if (e == ERR_OK && key)
		a->json = json_pack("{s:o, s:s}", "service", service_json(&s), "key", key);
	else if (e == ERR_OK)
		a->json = service_json(&s);
	return e;
}

enum err service_one(struct request *r, struct answer *a)
{
	return answer_service(r, r->object, NULL, a);
}

static enum err expiry_read(const struct request *r, struct utc *out, struct problem *why)
{
	const char *text = body_text(r, "expires_at", NULL);

	if (!text)
		return ERR_OK;
	if (utc_parse(text, out) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, "expires_at",
			"a time like 2027-01-01T00:00:00Z is expected");
	return out->ms > r->now.ms
		       ? ERR_OK
		       : problem_set(why, ERR_OUT_OF_RANGE, "expires_at", "it is over already");
}

static void addresses_read(const struct request *r, struct buf *out)
{
	const json_t *list = json_object_get(r->json, "addresses"), *v;
	size_t i;

	buf_adds(out, "");
	json_array_foreach(list, i, v) buf_printf(out, "%s%s", i ? "," : "", json_string_value(v));
}

enum err service_new(struct request *r, struct answer *a)
{
	AUTO(buf_free) struct buf addresses = { 0 };
	const struct staff_act by = staff_act_of(r);
	int64_t areas[STAFF_AREAS_MAX], id = 0;
	char key[SERVICE_KEY_MAX];
	struct service_new n = { .user = { .kind = "service",
					 .username = body_text(r, "username", ""),
					 .name = body_text(r, "name", ""),
					 .phone = "",
					 .password_hash = "",
					 .role_id = body_int(r, "role_id", 0),
					 .site_id = body_int(r, "site_id", 0),
					 .areas = areas } };
	enum err e = expiry_read(r, &n.expires_at, &a->why);

	n.user.areas_n = areas_read(r, areas);
	addresses_read(r, &addresses);
	n.addresses = addresses.text;
	if (e == ERR_OK)
		e = service_add(r->db, &n, &by, &id, key, &a->why);
	if (e == ERR_OK)
		e = answer_service(r, id, key, a);
	explicit_bzero(key, sizeof(key));
	return e;
}

enum err service_key_new(struct request *r, struct answer *a)
{
	const struct staff_act by = staff_act_of(r);
	char key[SERVICE_KEY_MAX];
	enum err e = service_rekey(r->db, r->object, &by, key, &a->why);

	if (e == ERR_OK)
		e = answer_service(r, r->object, key, a);
	explicit_bzero(key, sizeof(key));
	return e;
}

enum err service_drop(struct request *r, struct answer *a)
{
	const struct staff_act by = staff_act_of(r);

	return service_revoke(r->db, r->object, &by, &a->why);
}
