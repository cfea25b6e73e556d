#include "domain/outofservice.h"

#include "domain/alarm.h"
#include "domain/audit.h"
#include "domain/scope.h"

struct thing_row {
	int64_t id;
	bool enabled;
};
SHAPE(thing_shape, struct thing_row, FIELD(struct thing_row, id), FIELD(struct thing_row, enabled));

struct user_row { /* of what is to be taken out of service */
	char code[257];
};
SHAPE(user_shape, struct user_row, FIELD(struct user_row, code));

struct alarm_kind_row {
	char kind[129];
};
SHAPE(alarm_kind_shape, struct alarm_kind_row, FIELD(struct alarm_kind_row, kind));
static const struct query Q_ALARMS = { "SELECT kind FROM alarm WHERE object_kind = ? AND object_id"
				       " = ? AND cleared_at = 0 ORDER BY id",
	&alarm_kind_shape };

/* ---- what still counts on it ---- */

static const struct query Q_CONTRACT = {
	"SELECT c.code FROM meter m JOIN contract_point cp ON cp.supply_point_id = "
	"m.supply_point_id"
	" JOIN contract c ON c.id = cp.contract_id WHERE m.id = ?"
	" AND (cp.to_at = 0 OR cp.to_at > UNIX_TIMESTAMP(NOW(3)) * 1000) LIMIT 1",
	&user_shape
};
static const struct query Q_SUB_TENANT = {
	"SELECT c.code FROM meter m JOIN sub_tenant s ON s.supply_point_id = m.supply_point_id"
	" JOIN contract c ON c.id = s.contract_id WHERE m.id = ? LIMIT 1",
	&user_shape
};
static const struct query Q_SHARE = {
	"SELECT g.name AS code FROM share_source s JOIN share_group g ON g.id = s.group_id"
	" WHERE s.meter_id = ? AND (g.to_day IS NULL OR g.to_day > g.run_to) LIMIT 1",
	&user_shape
};
static const struct query Q_BEHIND = {
	"SELECT code FROM meter WHERE gateway_id = ? AND enabled LIMIT 1", &user_shape
};

struct use {
	const struct query *asked;
	const char *says; /* before its name */
};

/* ---- what it needs itself ---- */

static const struct query Q_BEFORE = {
	"SELECT g.code FROM meter m JOIN gateway g ON g.id = m.gateway_id WHERE m.id = ?"
	" AND NOT g.enabled LOCK IN SHARE MODE",
	&user_shape
};

/* ---- the things ---- */

static const struct query Q_METER = {
	"SELECT m.id, m.enabled FROM meter m JOIN supply_point p ON p.id = m.supply_point_id"
	" WHERE m.id = ? AND ? IN (0, p.site_id, " SEEN_AREA("m.area_id") ") FOR UPDATE",
	&thing_shape
};
static const struct query Q_METER_SET = { "UPDATE meter SET enabled = ? WHERE id = ?", NULL };
static const struct query Q_GATEWAY = { "SELECT g.id, g.enabled FROM gateway g"
					" WHERE g.id = ? AND ? IN (0, g.site_id, " SEEN_GATEWAY(
						"g.id") ") FOR UPDATE",
	&thing_shape };
static const struct query Q_GATEWAY_SET = { "UPDATE gateway SET enabled = ? WHERE id = ?", NULL };

static const struct thing {
	const char *noun, *action;
	const struct query *lock, *set;
	struct use uses[3];  /* in the way of taking it out of service */
	struct use needs[1]; /* in the way of putting it back */
} meter_thing = { .noun = "meter",
	.action = "meter.edit",
	.lock = &Q_METER,
	.set = &Q_METER_SET,
	.uses = { { &Q_CONTRACT, "this meter is held by contract" },
		{ &Q_SUB_TENANT, "this meter is a sub-tenant's of contract" },
		{ &Q_SHARE, "this meter is shared by" } },
	.needs = { { &Q_BEFORE, "out of service itself is gateway" } } },
  gateway_thing = { .noun = "gateway",
	  .action = "gateway.edit",
	  .lock = &Q_GATEWAY,
	  .set = &Q_GATEWAY_SET,
	  .uses = { { &Q_BEHIND, "in service behind this gateway is meter" } } };

/* ---- the transaction ---- */

struct serving {
	const struct thing *thing;
	const struct service_ask *ask;
	struct problem *why;
};

static enum err nothing_of(struct db *db, const struct serving *s, const struct use *uses, size_t n)
{
	struct user_row user;

	for (size_t i = 0; i < n && uses[i].says; i++) {
		enum err e = db_one(db, uses[i].asked, ARGS(arg_i64(s->ask->id)), &user);

		if (e == ERR_OK)
			return problem_set(
				s->why, ERR_CONFLICT, "enabled", "%s %s", uses[i].says, user.code);
		if (e != ERR_NOT_FOUND)
			return e;
	}
	return ERR_OK;
}

static enum err clear_alarms(struct db *db, const struct serving *s)
{
	const struct service_ask *ask = s->ask;
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e =
		db_list(db, &Q_ALARMS, ARGS(arg_text(s->thing->noun), arg_i64(ask->id)), &rows);
	const struct alarm_kind_row *a = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		e = alarm_clear(db, a[i].kind, s->thing->noun, ask->id, ask->now);
	return e;
}

static enum err serve_tx(struct db *db, void *ctx)
{
	const struct serving *s = ctx;
	const struct service_ask *ask = s->ask;
	struct thing_row is;
	enum err e = db_one(db, s->thing->lock, ARGS(arg_i64(ask->id), arg_i64(ask->site_id)), &is);

	if (e != ERR_OK || is.enabled == ask->enabled)
		return e;
	e = ask->enabled ? nothing_of(db, s, s->thing->needs, ARRAY_LEN(s->thing->needs))
			 : nothing_of(db, s, s->thing->uses, ARRAY_LEN(s->thing->uses));
	if (e == ERR_OK)
		e = db_exec(db, s->thing->set, ARGS(arg_i64(ask->enabled), arg_i64(ask->id)), NULL);
	if (e == ERR_OK && !ask->enabled)
		e = clear_alarms(db, s);
	if (e != ERR_OK)
		return e;
	return audit_add(db,
		&(struct audit){
			ask->actor, ask->address, s->thing->action, s->thing->noun, ask->id, NULL },
		json_pack("{s:s}", "reason", ask->reason), ask->now);
}

enum err meter_in_service(struct db *db, const struct service_ask *ask, struct problem *why)
{
	return db_tx(db, serve_tx, &(struct serving){ &meter_thing, ask, why });
}

enum err gateway_in_service(struct db *db, const struct service_ask *ask, struct problem *why)
{
	return db_tx(db, serve_tx, &(struct serving){ &gateway_thing, ask, why });
}
