#include "domain/staff.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "domain/audit.h"
#include "domain/scope.h"

#define F(member) FIELD(struct staff, member)
SHAPE(staff_shape, struct staff, F(id), F(username), F(kind), F(name), F(phone), F(role_id),
	F(role), F(site_id), F(areas), F(disabled), F(password_old), F(locked_until),
	F(created_at));
#undef F
#define STAFF                                                                                      \
	"SELECT u.id, u.username, u.kind, u.name, u.phone, COALESCE(u.role_id, 0) AS role_id,"     \
	" COALESCE(r.code, '') AS role, COALESCE(u.site_id, 0) AS site_id, COALESCE((SELECT"       \
	" GROUP_CONCAT(a.area_id ORDER BY a.area_id) FROM user_area a WHERE a.user_id = u.id), "   \
	"'')"                                                                                      \
	" AS areas, u.disabled, u.password_old, u.locked_until, u.created_at"                      \
	" FROM user u LEFT JOIN role r ON r.id = u.role_id"                                        \
	" WHERE u.kind <> 'tenant' AND ? IN (0, u.site_id) AND "
const struct listing staff_listing = {
	.all = { STAFF "u.kind = 'staff'", &staff_shape },
	.sorts = { { "id", "u.id" }, { "username", "u.username" }, { "name", "u.name" },
		{ "created_at", "u.created_at" } },
	.order = "id",
	.filters = { { "site_id", FILTER_ID, "u.site_id = ?" },
		{ "role_id", FILTER_ID, "u.role_id = ?" },
		{ "disabled", FILTER_FLAG, "u.disabled = ?" },
		{ "q", FILTER_TEXT,
			"LOCATE(?, u.username) OR LOCATE(?, u.name) OR LOCATE(?, u.phone)" } },
};
static const struct query Q_GET = { STAFF "u.id = ?", &staff_shape };
static const struct query Q_LOCK = { STAFF "u.id = ? FOR UPDATE", &staff_shape };

static const struct query Q_ADD = {
	"INSERT INTO user (kind, username, name, phone, password_hash, password_old, password_at,"
	" role_id, site_id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_SET = {
	"UPDATE user SET name = COALESCE(?, name), phone = COALESCE(?, phone),"
	" role_id = COALESCE(?, role_id), disabled = COALESCE(?, disabled) WHERE id = ?",
	NULL
};
static const struct query Q_PLACE = { "UPDATE user SET site_id = ? WHERE id = ?", NULL };
static const struct query Q_PASSWORD = {
	"UPDATE user SET password_hash = ?, password_old = 1, password_at = ?, failures = 0,"
	" locked_until = 0 WHERE id = ?",
	NULL
};
static const struct query Q_END_SESSIONS = {
	"UPDATE session SET revoked_at = ? WHERE user_id = ? AND revoked_at = 0", NULL
};
static const struct query Q_AREAS_CLEAR = { "DELETE FROM user_area WHERE user_id = ?", NULL };
static const struct query Q_AREA_ADD = {
	"INSERT INTO user_area (user_id, area_id) SELECT ?, a.id FROM area a"
	" WHERE a.id = ? AND a.site_id = ?",
	NULL
};
static const struct query Q_ROLE = { "SELECT id FROM role WHERE id = ?", &id_shape };
static const struct query Q_SITE = { "SELECT id FROM site WHERE id = ?", &id_shape };

struct permission_found {
	char permission[193];
};
SHAPE(permission_shape, struct permission_found, FIELD(struct permission_found, permission));
static const struct query Q_EXCESS = {
	"SELECT p.permission FROM role_permission p WHERE p.role_id = ? AND NOT EXISTS (SELECT 1"
	" FROM user u JOIN role_permission q ON q.role_id = u.role_id WHERE u.id = ?"
	" AND q.permission = p.permission) LIMIT 1",
	&permission_shape
};
/* Locks the role too, so that two admins do not take it from each other at once. */
static const struct query Q_ADMINS = {
	"SELECT u.id FROM role r JOIN user u ON u.role_id = r.id WHERE r.code = 'admin'"
	" AND u.kind = 'staff' AND u.site_id IS NULL AND NOT u.disabled FOR UPDATE",
	&id_shape
};

static struct arg arg_or_null(const char *s)
{
	return s ? arg_text(s) : (struct arg){ .kind = ARG_NULL };
}

enum err staff_get(struct db *db, int64_t site_id, int64_t id, struct staff *out)
{
	return db_one(db, &Q_GET, ARGS(arg_i64(site_id), arg_i64(id)), out);
}

/* ---- what who asks may give ---- */

static enum err role_check(
	struct db *db, int64_t role_id, const struct staff_act *by, struct problem *why)
{
	struct permission_found p;
	struct id_row row;
	enum err e = db_one(db, &Q_ROLE, ARGS(arg_i64(role_id)), &row);

	if (e == ERR_NOT_FOUND)
		return problem_set(why, e, "role_id", "there is no such role");
	if (e == ERR_OK)
		e = db_one(db, &Q_EXCESS, ARGS(arg_i64(role_id), arg_i64(by->user_id)), &p);
	if (e == ERR_OK)
		return problem_set(why, ERR_FORBIDDEN, "role_id",
			"this role may %s, and you may not", p.permission);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err site_check(
	struct db *db, int64_t site_id, const struct staff_act *by, struct problem *why)
{
	struct id_row row;
	enum err e;

	if (by->site_id && site_id != by->site_id)
		return site_id ? problem_set(why, ERR_NOT_FOUND, "site_id", "there is no such site")
			       : problem_set(why, ERR_FORBIDDEN, "site_id",
					 "you see one site, and give no more");
	e = site_id ? db_one(db, &Q_SITE, ARGS(arg_i64(site_id)), &row) : ERR_OK;
	return e == ERR_NOT_FOUND ? problem_set(why, e, "site_id", "there is no such site") : e;
}

enum err staff_manageable(struct db *db, int64_t id, const struct staff_act *by, struct staff *out,
	struct problem *why)
{
	enum err e = db_one(db, &Q_LOCK, ARGS(arg_i64(by->site_id), arg_i64(id)), out);

	return e == ERR_OK && out->role_id ? role_check(db, out->role_id, by, why) : e;
}

static enum err areas_put(struct db *db, int64_t id, int64_t site_id, const int64_t *areas,
	size_t areas_n, struct problem *why)
{
	int64_t n = 1;
	enum err e = db_exec(db, &Q_AREAS_CLEAR, ARGS(arg_i64(id)), NULL);

	for (size_t i = 0; e == ERR_OK && n && i < areas_n; i++)
		e = db_exec(db, &Q_AREA_ADD, ARGS(arg_i64(id), arg_i64(areas[i]), arg_i64(site_id)),
			&n);
	if (e == ERR_ALREADY)
		return problem_set(why, ERR_BAD_VALUE, "area_ids", "an area comes twice");
	if (e == ERR_OK && !n)
		return problem_set(
			why, ERR_NOT_FOUND, "area_ids", "an area is not there, or of another site");
	return e == ERR_OK ? scope_spread(db) : e;
}

/* ---- changes: each in a transaction, with an audit row ---- */

struct changing {
	int64_t id;
	const struct staff_act *by;
	const struct staff_new *n;
	const struct staff_change *c;
	const char *password_hash;
	struct problem *why;
};

static enum err audit(struct db *db, const struct changing *g, const char *action, json_t *detail)
{
	const struct staff_act *by = g->by;

	return audit_add(db, &(struct audit){ by->actor, by->address, action, "user", g->id, NULL },
		detail, by->now);
}

static json_t *ids_json(const int64_t *ids, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_integer(ids[i]));
	return list;
}

static enum err add_tx(struct db *db, void *ctx)
{
	struct changing *g = ctx;
	const struct staff_new *n = g->n;
	enum err e = role_check(db, n->role_id, g->by, g->why);

	if (e == ERR_OK && n->areas_n && !n->site_id)
		return problem_set(g->why, ERR_MISSING_FIELD, "site_id", "areas are of one site");
	if (e == ERR_OK)
		e = site_check(db, n->site_id, g->by, g->why);
	if (e != ERR_OK)
		return e;
	e = db_exec(db, &Q_ADD,
		ARGS(arg_text(n->kind), arg_text(n->username), arg_text(n->name),
			arg_text(n->phone), arg_text(n->password_hash),
			arg_i64(n->password_hash[0] != '\0'), arg_utc(g->by->now),
			arg_i64(n->role_id), arg_id(n->site_id), arg_utc(g->by->now)),
		NULL);
	if (e == ERR_ALREADY)
		return problem_set(g->why, e, "username", "there is a user of that name");
	if (e != ERR_OK)
		return e;
	g->id = db_insert_id(db);
	e = areas_put(db, g->id, n->site_id, n->areas, n->areas_n, g->why);
	return e == ERR_OK
		       ? audit(db, g, "user.create",
				 json_pack("{s:s, s:s, s:I, s:I, s:o}", "kind", n->kind, "username",
					 n->username, "role_id", (json_int_t)n->role_id, "site_id",
					 (json_int_t)n->site_id, "area_ids",
					 ids_json(n->areas, n->areas_n)))
		       : e;
}

enum err staff_add(struct db *db, const struct staff_new *n, const struct staff_act *by,
	int64_t *id, struct problem *why)
{
	struct changing g = { .by = by, .n = n, .why = why };
	enum err e = db_tx(db, add_tx, &g);

	*id = g.id;
	return e;
}

enum err staff_insert(struct db *db, const struct staff_new *n, const struct staff_act *by,
	int64_t *id, struct problem *why)
{
	struct changing g = { .by = by, .n = n, .why = why };
	enum err e = add_tx(db, &g);

	*id = g.id;
	return e;
}

static enum err admins(struct db *db, size_t *n)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(db, &Q_ADMINS, NO_ARGS, &rows);

	*n = rows.n;
	return e;
}

static enum err place(struct db *db, const struct changing *g)
{
	const struct staff_change *c = g->c;
	enum err e = site_check(db, c->site_id, g->by, g->why);

	if (e == ERR_OK)
		e = db_exec(db, &Q_PLACE, ARGS(arg_id(c->site_id), arg_i64(g->id)), NULL);
	return e == ERR_OK ? areas_put(db, g->id, c->site_id, c->areas, c->areas_n, g->why) : e;
}

static enum err set_write(struct db *db, const struct changing *g)
{
	const struct staff_change *c = g->c;
	struct arg as_is = { .kind = ARG_NULL };
	enum err e = db_exec(db, &Q_SET,
		ARGS(arg_or_null(c->name), arg_or_null(c->phone), arg_id(c->role_id),
			c->disabled < 0 ? as_is : arg_i64(c->disabled), arg_i64(g->id)),
		NULL);

	if (e == ERR_OK && c->placed)
		e = place(db, g);
	if (e == ERR_OK && c->disabled > 0)
		e = db_exec(db, &Q_END_SESSIONS, ARGS(arg_utc(g->by->now), arg_i64(g->id)), NULL);
	return e;
}

static json_t *change_json(const struct staff_change *c)
{
	json_t *o = json_pack("{s:s*, s:s*}", "name", c->name, "phone", c->phone);

	if (c->role_id)
		json_object_set_new(o, "role_id", json_integer(c->role_id));
	if (c->placed) {
		json_object_set_new(o, "site_id", json_integer(c->site_id));
		json_object_set_new(o, "area_ids", ids_json(c->areas, c->areas_n));
	}
	if (c->disabled >= 0)
		json_object_set_new(o, "disabled", json_boolean(c->disabled));
	return o;
}

static enum err set_tx(struct db *db, void *ctx)
{
	const struct changing *g = ctx;
	const struct staff_change *c = g->c;
	struct staff had;
	size_t before = 0, after = 0;
	enum err e = admins(db, &before);

	if (e == ERR_OK)
		e = staff_manageable(db, g->id, g->by, &had, g->why);
	if (e == ERR_OK && c->role_id && c->role_id != had.role_id)
		e = role_check(db, c->role_id, g->by, g->why);
	if (e == ERR_OK)
		e = set_write(db, g);
	if (e == ERR_OK)
		e = admins(db, &after);
	if (e == ERR_OK && before && !after)
		return problem_set(g->why, ERR_CONFLICT, "",
			"nobody would be left who is admin of every site");
	return e == ERR_OK ? audit(db, g, "user.change", change_json(c)) : e;
}

enum err staff_set(struct db *db, int64_t id, const struct staff_change *c,
	const struct staff_act *by, struct problem *why)
{
	if (c->areas_n && !c->site_id)
		return problem_set(why, ERR_MISSING_FIELD, "site_id", "areas are of one site");
	return db_tx(db, set_tx, &(struct changing){ .id = id, .by = by, .c = c, .why = why });
}

static enum err reset_tx(struct db *db, void *ctx)
{
	const struct changing *g = ctx;
	struct staff had;
	enum err e = staff_manageable(db, g->id, g->by, &had, g->why);

	if (e == ERR_OK && str_eq(had.kind, "service"))
		return problem_set(g->why, ERR_CONFLICT, "", "a service account has no password");
	if (e == ERR_OK)
		e = db_exec(db, &Q_PASSWORD,
			ARGS(arg_text(g->password_hash), arg_utc(g->by->now), arg_i64(g->id)),
			NULL);
	if (e == ERR_OK)
		e = db_exec(db, &Q_END_SESSIONS, ARGS(arg_utc(g->by->now), arg_i64(g->id)), NULL);
	return e == ERR_OK ? audit(db, g, "user.password_reset", NULL) : e;
}

enum err staff_reset(struct db *db, int64_t id, const char *password_hash,
	const struct staff_act *by, struct problem *why)
{
	return db_tx(db, reset_tx,
		&(struct changing){
			.id = id, .by = by, .password_hash = password_hash, .why = why });
}

static enum err check_tx(struct db *db, void *ctx)
{
	const struct changing *g = ctx;
	struct staff had;

	return staff_manageable(db, g->id, g->by, &had, g->why);
}

enum err staff_check(struct db *db, int64_t id, const struct staff_act *by, struct problem *why)
{
	return db_tx(db, check_tx, &(struct changing){ .id = id, .by = by, .why = why });
}

static enum err sessions_end_tx(struct db *db, void *ctx)
{
	const struct changing *g = ctx;
	enum err e = check_tx(db, ctx);

	if (e == ERR_OK)
		e = db_exec(db, &Q_END_SESSIONS, ARGS(arg_utc(g->by->now), arg_i64(g->id)), NULL);
	return e == ERR_OK ? audit(db, g, "session.revoke", NULL) : e;
}

enum err staff_sessions_end(
	struct db *db, int64_t id, const struct staff_act *by, struct problem *why)
{
	return db_tx(db, sessions_end_tx, &(struct changing){ .id = id, .by = by, .why = why });
}
