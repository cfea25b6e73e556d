#include "domain/subtenant.h"

#include <inttypes.h>
#include <stdio.h>

#include "domain/audit.h"
#include "domain/supplypoint.h"

struct above_row {
	int64_t contract_id;
	int64_t supply_point_id;
};
SHAPE(above_shape, struct above_row, FIELD(struct above_row, contract_id),
	FIELD(struct above_row, supply_point_id));
static const struct query Q_ABOVE = {
	"WITH RECURSIVE t (id, parent_id, depth) AS (SELECT id, parent_id, 0 FROM meter WHERE id = "
	"?"
	" UNION ALL SELECT m.id, m.parent_id, t.depth + 1 FROM meter m JOIN t ON m.id = "
	"t.parent_id"
	" WHERE t.depth < 16)"
	" SELECT cp.contract_id, own.supply_point_id FROM t JOIN meter m ON m.id = t.id"
	" JOIN contract_point cp ON cp.supply_point_id = m.supply_point_id AND cp.to_at = 0"
	" JOIN contract c ON c.id = cp.contract_id AND c.end_at = 0"
	" JOIN user_tenant ut ON ut.tenant_id = c.tenant_id AND ut.user_id = ?"
	" JOIN meter own ON own.id = ? AND own.enabled WHERE t.depth > 0 ORDER BY t.depth LIMIT 1",
	&above_shape
};
static const struct query Q_CONTRACT_LOCK = {
	"SELECT id FROM contract WHERE id = ? AND end_at = 0 FOR UPDATE", &id_shape
};
static const struct query Q_HELD = {
	"SELECT contract_id AS id FROM contract_point WHERE supply_point_id = ? AND to_at = 0",
	&id_shape
};
static const struct query Q_ADD = {
	"INSERT INTO sub_tenant (contract_id, supply_point_id, name) VALUES (?, ?, ?)", NULL
};
static const struct query Q_SAME = {
	"SELECT id FROM sub_tenant WHERE supply_point_id = ? AND contract_id = ? AND name = ?",
	&id_shape
};
static const struct query Q_OWN = {
	"SELECT s.contract_id, s.supply_point_id FROM sub_tenant s"
	" JOIN contract c ON c.id = s.contract_id AND c.end_at = 0"
	" JOIN user_tenant ut ON ut.tenant_id = c.tenant_id WHERE s.id = ? AND ut.user_id = ?",
	&above_shape
};
static const struct query Q_REMOVE = { "DELETE FROM sub_tenant WHERE id = ?", NULL };

struct naming {
	const struct sub_tenant_new *n;
	struct utc now;
	struct problem *why;
	int64_t id;
};

static enum err audit(struct db *db, const char *actor, const char *address, const char *action,
	int64_t point, struct utc now)
{
	return audit_add(db, &(struct audit){ actor, address, action, "supply_point", point, NULL },
		NULL, now);
}

/* A closing takes the same lock: no name outlives its contract. */
static enum err above_lock(struct db *db, const struct naming *g, struct above_row *out)
{
	struct id_row locked;
	enum err e = db_one(db, &Q_ABOVE,
		ARGS(arg_i64(g->n->meter_id), arg_i64(g->n->user_id), arg_i64(g->n->meter_id)),
		out);

	if (e == ERR_OK)
		e = db_one(db, &Q_CONTRACT_LOCK, ARGS(arg_i64(out->contract_id)), &locked);
	return e == ERR_NOT_FOUND ? problem_set(g->why, e, "meter_id",
					    "there is no such meter below one of yours")
				  : e;
}

static enum err named_before(struct db *db, struct naming *g, const struct above_row *above)
{
	struct id_row row;
	enum err e = db_one(db, &Q_SAME,
		ARGS(arg_i64(above->supply_point_id), arg_i64(above->contract_id),
			arg_text(g->n->name)),
		&row);

	if (e == ERR_NOT_FOUND)
		return problem_set(
			g->why, ERR_CONFLICT, "meter_id", "this meter is a sub-tenant's already");
	g->id = row.id;
	return e;
}

static enum err add_tx(struct db *db, void *ctx)
{
	struct naming *g = ctx;
	struct above_row above;
	struct id_row held;
	enum err e = above_lock(db, g, &above);

	if (e != ERR_OK)
		return e;
	e = db_one(db, &Q_HELD, ARGS(arg_i64(above.supply_point_id)), &held);
	if (e == ERR_OK)
		return problem_set(
			g->why, ERR_CONFLICT, "meter_id", "this meter belongs to a contract");
	if (e == ERR_NOT_FOUND)
		e = db_exec(db, &Q_ADD,
			ARGS(arg_i64(above.contract_id), arg_i64(above.supply_point_id),
				arg_text(g->n->name)),
			NULL);
	if (e == ERR_ALREADY)
		return named_before(db, g, &above);
	if (e != ERR_OK)
		return e;
	g->id = db_insert_id(db);
	return audit(
		db, g->n->actor, g->n->address, "sub_tenant.create", above.supply_point_id, g->now);
}

enum err sub_tenant_add(struct db *db, const struct sub_tenant_new *n, struct utc now, int64_t *id,
	struct problem *why)
{
	struct naming g = { .n = n, .now = now, .why = why };
	enum err e = db_tx(db, add_tx, &g);

	if (e == ERR_OK)
		*id = g.id;
	return e;
}

struct removing {
	int64_t user_id, id;
	const char *actor, *address;
	struct utc now;
};

static enum err remove_tx(struct db *db, void *ctx)
{
	const struct removing *r = ctx;
	struct above_row own;
	struct id_row locked;
	enum err e = db_one(db, &Q_OWN, ARGS(arg_i64(r->id), arg_i64(r->user_id)), &own);

	if (e == ERR_OK)
		e = db_one(db, &Q_CONTRACT_LOCK, ARGS(arg_i64(own.contract_id)), &locked);
	if (e == ERR_OK)
		e = supply_block_clear(db, own.supply_point_id, BLOCK_SUB_TENANT, "", r->now);
	if (e == ERR_OK)
		e = db_exec(db, &Q_REMOVE, ARGS(arg_i64(r->id)), NULL);
	return e == ERR_OK ? audit(db, r->actor, r->address, "sub_tenant.remove",
				     own.supply_point_id, r->now)
			   : e;
}

enum err sub_tenant_remove(struct db *db, int64_t user_id, int64_t id, const char *actor,
	const char *address, struct utc now)
{
	return db_tx(db, remove_tx, &(struct removing){ user_id, id, actor, address, now });
}
