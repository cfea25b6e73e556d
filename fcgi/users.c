/* Members of staff and their roles. */
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "domain/role.h"
#include "domain/roleedit.h"
#include "domain/staff.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"
#include "fcgi/users.h"

#define PERMISSIONS_MAX 200

struct staff_act staff_act_of(const struct request *r)
{
	return (struct staff_act){ .user_id = r->user.id,
		.site_id = caller_site(r),
		.actor = r->actor,
		.address = r->remote,
		.now = r->now };
}

static json_t *id_or_null(int64_t id)
{
	return id ? json_integer(id) : json_null();
}

/* "3,7" as numbers, "a.b,c.d" as texts. */
json_t *list_json(const char *text, bool numbers)
{
	json_t *list = json_array();

	while (*text) {
		size_t n = strcspn(text, ",");

		json_array_append_new(list,
			numbers ? json_integer(strtoll(text, NULL, 10)) : json_stringn(text, n));
		text += n + (text[n] == ',');
	}
	return list;
}

static json_t *staff_json(const struct staff *u)
{
	return json_pack("{s:I, s:s, s:s, s:o, s:o, s:s, s:o, s:o, s:b, s:b, s:o, s:o}", "id",
		(json_int_t)u->id, "username", u->username, "name", u->name, "phone",
		json_text_or_null(u->phone), "role_id", id_or_null(u->role_id), "role", u->role,
		"site_id", id_or_null(u->site_id), "area_ids", list_json(u->areas, true),
		"disabled", u->disabled, "password_change_required", u->password_old,
		"locked_until", json_utc(u->locked_until), "created_at", json_utc(u->created_at));
}

static json_t *row_json(const void *row)
{
	return staff_json(row);
}

enum err users_list(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_i64(caller_site(r))), row_json);
}

static enum err staff_find(const struct request *r, int64_t id, struct staff *out)
{
	enum err e = staff_get(r->db, caller_site(r), id, out);

	return e == ERR_OK && str_eq(out->kind, "service") ? ERR_NOT_FOUND : e;
}

static enum err answer_staff(const struct request *r, int64_t id, json_t **out)
{
	struct staff u;
	enum err e = staff_find(r, id, &u);

	if (e == ERR_OK)
		*out = staff_json(&u);
	return e;
}

enum err user_one(struct request *r, struct answer *a)
{
	return answer_staff(r, r->object, &a->json);
}

static enum err answer_made(
	const struct request *r, int64_t id, const char *password, struct answer *a)
{
	json_t *user = NULL;
	enum err e = answer_staff(r, id, &user);

	if (e == ERR_OK)
		a->json = json_pack("{s:o, s:s}", "user", user, "password", password);
	return e;
}

/* The ids of the body; how many. */
size_t areas_read(const struct request *r, int64_t out[static STAFF_AREAS_MAX])
{
	const json_t *list = json_object_get(r->json, "area_ids"), *v;
	size_t i;

	ASSERT(json_array_size(list) <= STAFF_AREAS_MAX); /* by the schema */
	json_array_foreach(list, i, v) out[i] = json_integer_value(v);
	return json_array_size(list);
}

enum err user_new(struct request *r, struct answer *a)
{
	const struct staff_act by = staff_act_of(r);
	char password[PASSWORD_MADE_MAX], hash[PASSWORD_HASH_MAX];
	int64_t areas[STAFF_AREAS_MAX], id = 0;
	struct staff_new n = { .kind = "staff",
		.username = body_text(r, "username", ""),
		.name = body_text(r, "name", ""),
		.phone = body_text(r, "phone", ""),
		.password_hash = hash,
		.role_id = body_int(r, "role_id", 0),
		.site_id = body_int(r, "site_id", 0),
		.areas = areas };
	enum err e;

	n.areas_n = areas_read(r, areas);
	password_make(password);
	e = password_hash(password, hash);
	if (e == ERR_OK)
		e = staff_add(r->db, &n, &by, &id, &a->why);
	if (e == ERR_OK)
		e = answer_made(r, id, password, a);
	explicit_bzero(password, sizeof(password));
	return e;
}

enum err user_change(struct request *r, struct answer *a)
{
	const struct staff_act by = staff_act_of(r);
	const json_t *disabled = json_object_get(r->json, "disabled");
	int64_t areas[STAFF_AREAS_MAX];
	struct staff_change c = { .name = body_text(r, "name", NULL),
		.phone = body_text(r, "phone", NULL),
		.role_id = body_int(r, "role_id", 0),
		.placed =
			json_object_get(r->json, "site_id") || json_object_get(r->json, "area_ids"),
		.site_id = body_int(r, "site_id", 0),
		.areas = areas,
		.disabled = disabled ? json_is_true(disabled) : -1 };
	struct staff had;
	enum err e = staff_find(r, r->object, &had);

	c.areas_n = areas_read(r, areas);
	if (e == ERR_OK && !json_object_get(r->json, "site_id"))
		c.site_id = had.site_id;
	if (e == ERR_OK)
		e = staff_set(r->db, r->object, &c, &by, &a->why);
	return e == ERR_OK ? answer_staff(r, r->object, &a->json) : e;
}

enum err user_reset(struct request *r, struct answer *a)
{
	const struct staff_act by = staff_act_of(r);
	char password[PASSWORD_MADE_MAX], hash[PASSWORD_HASH_MAX];
	enum err e;

	password_make(password);
	e = password_hash(password, hash);
	if (e == ERR_OK)
		e = staff_reset(r->db, r->object, hash, &by, &a->why);
	if (e == ERR_OK)
		e = answer_made(r, r->object, password, a);
	explicit_bzero(password, sizeof(password));
	return e;
}

enum err me_password(struct request *r, struct answer *a)
{
	return user_password_change(r->db,
		&(struct password_change){ .user_id = r->user.id,
			.old_password = body_text(r, "old_password", ""),
			.new_password = body_text(r, "new_password", ""),
			.family = r->family,
			.actor = r->actor,
			.address = r->remote,
			.now = r->now },
		&a->why);
}

/* ---- roles ---- */

static json_t *words_json(const char *text)
{
	json_t *list = json_pack("[s]", "admin");

	while (*text) {
		size_t n = strcspn(text, " ");

		json_array_append_new(list, json_stringn(text, n));
		text += n + (text[n] == ' ');
	}
	return list;
}

enum err permissions_list(struct request *r, struct answer *a)
{
	json_t *items = json_array();

	(void)r;
	for (size_t i = 0; i < permission_count; i++)
		json_array_append_new(
			items, json_pack("{s:s, s:o}", "permission", permissions[i].name,
				       "shipped_roles", words_json(permissions[i].roles)));
	a->json = json_items(items);
	return ERR_OK;
}

static json_t *role_json(const struct role *x)
{
	return json_pack("{s:I, s:s, s:s, s:b, s:I, s:o}", "id", (json_int_t)x->id, "code", x->code,
		"name", x->name, "shipped", role_is_shipped(x->code), "users", (json_int_t)x->users,
		"permissions", list_json(x->permissions, false));
}

enum err roles_list(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	json_t *items = json_array();
	enum err e = role_list(r->db, &rows);
	const struct role *x = rows.at;

	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(items, role_json(&x[i]));
	a->json = json_items(items);
	return e;
}

static enum err answer_role(const struct request *r, int64_t id, struct answer *a)
{
	struct role x;
	enum err e = role_get(r->db, id, &x);

	if (e == ERR_OK)
		a->json = role_json(&x);
	return e;
}

enum err role_one(struct request *r, struct answer *a)
{
	return answer_role(r, r->object, a);
}

/* The body as it is; texts are borrowed from it. */
static struct role_edit edit_read(
	const struct request *r, const char *names[static PERMISSIONS_MAX])
{
	const json_t *list = json_object_get(r->json, "permissions"), *v;
	struct role_edit edit = { .code = body_text(r, "code", NULL),
		.name = body_text(r, "name", NULL),
		.permissions = list ? names : NULL,
		.permissions_n = json_array_size(list) };
	size_t i;

	ASSERT(edit.permissions_n <= PERMISSIONS_MAX); /* by the schema */
	json_array_foreach(list, i, v) names[i] = json_string_value(v);
	return edit;
}

enum err role_new(struct request *r, struct answer *a)
{
	const struct staff_act by = staff_act_of(r);
	const char *names[PERMISSIONS_MAX];
	const struct role_edit edit = edit_read(r, names);
	int64_t id = 0;
	enum err e = role_add(r->db, &edit, &by, &id, &a->why);

	return e == ERR_OK ? answer_role(r, id, a) : e;
}

enum err role_change(struct request *r, struct answer *a)
{
	const struct staff_act by = staff_act_of(r);
	const char *names[PERMISSIONS_MAX];
	const struct role_edit edit = edit_read(r, names);
	enum err e = role_set(r->db, r->object, &edit, &by, &a->why);

	return e == ERR_OK ? answer_role(r, r->object, a) : e;
}

enum err role_drop(struct request *r, struct answer *a)
{
	const struct staff_act by = staff_act_of(r);

	return role_remove(r->db, r->object, &by, &a->why);
}
