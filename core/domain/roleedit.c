#include "domain/roleedit.h"

#include <stdio.h>

#include "base/json.h"
#include "domain/audit.h"
#include "domain/role.h"

#define F(member) FIELD(struct role, member)
SHAPE(role_shape, struct role, F(id), F(code), F(name), F(users), F(permissions));
#undef F
#define ROLES                                                                                      \
	"SELECT r.id, r.code, r.name, (SELECT COUNT(*) FROM user u WHERE u.role_id = r.id)"        \
	" AS users, COALESCE((SELECT GROUP_CONCAT(p.permission ORDER BY p.permission)"             \
	" FROM role_permission p WHERE p.role_id = r.id), '') AS permissions FROM role r"
static const struct query Q_LIST = { ROLES " ORDER BY r.id LIMIT 500", &role_shape };
static const struct query Q_GET = { ROLES " WHERE r.id = ?", &role_shape };
static const struct query Q_LOCK = { "SELECT id FROM role WHERE id = ? FOR UPDATE", &id_shape };
static const struct query Q_ADD = { "INSERT INTO role (code, name) VALUES (?, ?)", NULL };
static const struct query Q_NAME = { "UPDATE role SET name = ? WHERE id = ?", NULL };
static const struct query Q_REMOVE = { "DELETE FROM role WHERE id = ?", NULL };
static const struct query Q_CLEAR = { "DELETE FROM role_permission WHERE role_id = ?", NULL };
static const struct query Q_PERMISSION = {
	"INSERT INTO role_permission (role_id, permission) VALUES (?, ?)", NULL
};
static const struct query Q_HAS = {
	"SELECT u.id FROM user u JOIN role_permission p ON p.role_id = u.role_id"
	" WHERE u.id = ? AND p.permission = ?",
	&id_shape
};

bool role_is_shipped(const char *code)
{
	for (size_t i = 0; i < role_count; i++)
		if (str_eq(roles[i].code, code))
			return true;
	return false;
}

enum err role_list(struct db *db, struct rows *out)
{
	return db_list(db, &Q_LIST, NO_ARGS, out);
}

enum err role_get(struct db *db, int64_t id, struct role *out)
{
	return db_one(db, &Q_GET, ARGS(arg_i64(id)), out);
}

struct editing {
	int64_t id;
	const struct role_edit *r;
	const struct staff_act *by;
	struct problem *why;
};

static enum err audit(struct db *db, const struct editing *g, const char *action, json_t *detail)
{
	const struct staff_act *by = g->by;

	return audit_add(db, &(struct audit){ by->actor, by->address, action, "role", g->id, NULL },
		detail, by->now);
}

static bool is_permission(const char *name)
{
	for (size_t i = 0; i < permission_count; i++)
		if (str_eq(permissions[i].name, name))
			return true;
	return false;
}

static enum err may_give(struct db *db, const struct editing *g, const char *permission)
{
	struct id_row row;
	enum err e = db_one(db, &Q_HAS, ARGS(arg_i64(g->by->user_id), arg_text(permission)), &row);

	return e == ERR_NOT_FOUND ? problem_set(g->why, ERR_FORBIDDEN, "permissions",
					    "you may not %s yourself", permission)
				  : e;
}

/* What the role has already counts too: who lacks some of it leaves it alone. */
static enum err may_edit(struct db *db, const struct editing *g, const struct role *had)
{
	char permission[49];
	enum err e = ERR_OK;

	if (role_is_shipped(had->code))
		return problem_set(g->why, ERR_CONFLICT, "", "a role as shipped stays: copy it");
	for (const char *s = had->permissions; e == ERR_OK && *s;) {
		size_t n = 0;

		while (*s && *s != ',' && n < sizeof(permission) - 1)
			permission[n++] = *s++;
		permission[n] = '\0';
		s += *s == ',';
		e = may_give(db, g, permission);
	}
	return e;
}

static enum err permissions_put(struct db *db, const struct editing *g)
{
	const struct role_edit *r = g->r;
	enum err e = db_exec(db, &Q_CLEAR, ARGS(arg_i64(g->id)), NULL);

	for (size_t i = 0; e == ERR_OK && i < r->permissions_n; i++) {
		if (!is_permission(r->permissions[i]))
			return problem_set(g->why, ERR_BAD_VALUE, "permissions",
				"there is no permission %s", r->permissions[i]);
		e = may_give(db, g, r->permissions[i]);
		if (e == ERR_OK)
			e = db_exec(db, &Q_PERMISSION,
				ARGS(arg_i64(g->id), arg_text(r->permissions[i])), NULL);
		if (e == ERR_ALREADY)
			return problem_set(g->why, ERR_BAD_VALUE, "permissions", "%s comes twice",
				r->permissions[i]);
	}
	return e;
}

static json_t *edit_json(const struct role_edit *r)
{
	json_t *o = json_pack("{s:s*, s:s*}", "code", r->code, "name", r->name), *list;

	if (!r->permissions)
		return o;
	list = json_array();
	for (size_t i = 0; i < r->permissions_n; i++)
		json_array_append_new(list, json_string(r->permissions[i]));
	json_object_set_new(o, "permissions", list);
	return o;
}

static enum err of_all_sites(const struct staff_act *by, struct problem *why)
{
	return by->site_id ? problem_set(why, ERR_FORBIDDEN, "",
				     "a role is of all sites, and you see one")
			   : ERR_OK;
}

static enum err add_tx(struct db *db, void *ctx)
{
	struct editing *g = ctx;
	enum err e = db_exec(db, &Q_ADD, ARGS(arg_text(g->r->code), arg_text(g->r->name)), NULL);

	if (e == ERR_ALREADY)
		return problem_set(g->why, e, "code", "there is a role of that code");
	if (e != ERR_OK)
		return e;
	g->id = db_insert_id(db);
	e = permissions_put(db, g);
	return e == ERR_OK ? audit(db, g, "role.create", edit_json(g->r)) : e;
}

enum err role_add(struct db *db, const struct role_edit *r, const struct staff_act *by, int64_t *id,
	struct problem *why)
{
	struct editing g = { .r = r, .by = by, .why = why };
	enum err e = of_all_sites(by, why);

	if (e == ERR_OK)
		e = db_tx(db, add_tx, &g);
	*id = g.id;
	return e;
}

static enum err lock(struct db *db, const struct editing *g, struct role *had)
{
	struct id_row row;
	enum err e = db_one(db, &Q_LOCK, ARGS(arg_i64(g->id)), &row);

	if (e == ERR_OK)
		e = role_get(db, g->id, had);
	return e == ERR_OK ? may_edit(db, g, had) : e;
}

static enum err set_tx(struct db *db, void *ctx)
{
	const struct editing *g = ctx;
	struct role had;
	enum err e = lock(db, g, &had);

	if (e == ERR_OK && g->r->name)
		e = db_exec(db, &Q_NAME, ARGS(arg_text(g->r->name), arg_i64(g->id)), NULL);
	if (e == ERR_OK && g->r->permissions)
		e = permissions_put(db, g);
	return e == ERR_OK ? audit(db, g, "role.change", edit_json(g->r)) : e;
}

enum err role_set(struct db *db, int64_t id, const struct role_edit *r, const struct staff_act *by,
	struct problem *why)
{
	struct editing g = { .id = id, .r = r, .by = by, .why = why };
	enum err e = of_all_sites(by, why);

	return e == ERR_OK ? db_tx(db, set_tx, &g) : e;
}

static enum err remove_tx(struct db *db, void *ctx)
{
	const struct editing *g = ctx;
	struct role had;
	enum err e = lock(db, g, &had);

	if (e == ERR_OK && had.users)
		return problem_set(g->why, ERR_CONFLICT, "", "somebody has this role");
	if (e == ERR_OK)
		e = db_exec(db, &Q_CLEAR, ARGS(arg_i64(g->id)), NULL);
	if (e == ERR_OK)
		e = db_exec(db, &Q_REMOVE, ARGS(arg_i64(g->id)), NULL);
	return e == ERR_OK ? audit(db, g, "role.remove", json_pack("{s:s}", "code", had.code)) : e;
}

enum err role_remove(struct db *db, int64_t id, const struct staff_act *by, struct problem *why)
{
	struct editing g = { .id = id, .by = by, .why = why };
	enum err e = of_all_sites(by, why);

	return e == ERR_OK ? db_tx(db, remove_tx, &g) : e;
}
