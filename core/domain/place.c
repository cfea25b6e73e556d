#include "domain/place.h"

#include <inttypes.h>
#include <stdio.h>

#include "domain/account.h"
#include "domain/scope.h"

#define GROUPS 64      /* so many groups are begun before one gets a second bus */
#define GROUP_BUSES 64 /* and so many buses of one lease at most */

struct meter_row {
	int64_t supply_point_id;
	char utility[12];
};
SHAPE(meter_shape, struct meter_row, FIELD(struct meter_row, supply_point_id),
	FIELD(struct meter_row, utility));

static const struct query Q_SITE = { "SELECT id FROM site WHERE code = ?", &id_shape };
static const struct query Q_AREA = { "SELECT id FROM area WHERE code = ?", &id_shape };
static const struct query Q_GATEWAY = { "SELECT id FROM gateway WHERE code = ?", &id_shape };
struct gateway_row {
	int64_t id, site_id;
};
SHAPE(gateway_shape, struct gateway_row, FIELD(struct gateway_row, id),
	FIELD(struct gateway_row, site_id));
static const struct query Q_GATEWAY_SITE = { "SELECT id, site_id FROM gateway WHERE code = ?",
	&gateway_shape };
static const struct query Q_METER = { "SELECT id FROM meter WHERE code = ?", &id_shape };
static const struct query Q_TARIFF = { "SELECT id FROM tariff WHERE code = ?", &id_shape };
static const struct query Q_CONTRACT = {
	"SELECT c.id FROM contract c JOIN tenant t ON t.id = c.tenant_id"
	" WHERE t.code = ? AND c.end_at = 0 ORDER BY c.id LIMIT 1",
	&id_shape
};
static const struct query Q_METER_POINT = {
	"SELECT supply_point_id, utility FROM meter WHERE code = ?", &meter_shape
};
static const struct query Q_PURSE = {
	"SELECT id FROM account WHERE contract_id = ? AND purpose = ?", &id_shape
};
static const struct query Q_GATEWAYS = { "SELECT COUNT(*) AS id FROM gateway", &id_shape };
static const struct query Q_GROUP = { "SELECT id FROM bus_group WHERE id = ?", &id_shape };
static const struct query Q_GROUP_ADD = { "INSERT IGNORE INTO bus_group (id) VALUES (?)", NULL };
static const struct query Q_SITE_ADD = {
	"INSERT INTO site (code, name, zone, profile) VALUES (?, ?, ?, ?)", NULL
};
static const struct query Q_AREA_ADD = {
	"INSERT INTO area (code, name, site_id, parent_id, kind, floor_m2_milli)"
	" VALUES (?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_GATEWAY_ADD = {
	"INSERT INTO gateway (code, name, site_id, area_id, transport, address, baud, parity,"
	" bus_group_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_GATEWAY_STATE_ADD = {
	"INSERT INTO gateway_state (gateway_id) VALUES (?)", NULL
};
static const struct query Q_POINT_ADD = { "INSERT INTO supply_point (code, site_id, utility, "
					  "switchable, billing, load_class, desired_since)"
					  " VALUES (?, ?, ?, ?, ?, ?, ?)",
	NULL };
static const struct query Q_METER_ADD = {
	"INSERT INTO meter (code, name, gateway_id, unit, model, serial, utility, role, area_id,"
	" parent_id, supply_point_id, ct_ratio, pt_ratio, rated_current_ma, start_milli, billing,"
	" power_limit_w) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_METER_STATE_ADD = { "INSERT INTO meter_state (meter_id) VALUES (?)",
	NULL };
static const struct query Q_SETTLED_ADD = {
	"INSERT INTO settled (meter_id, read_at, register_milli) VALUES (?, ?, ?)", NULL
};
static const struct query Q_METER_TARIFF_ADD = {
	"INSERT INTO meter_tariff (meter_id, from_at, tariff_id) VALUES (?, ?, ?)", NULL
};
static const struct query Q_TARIFF_ADD = {
	"INSERT INTO tariff (code, name, utility, doc) VALUES (?, ?, ?, ?)", NULL
};
static const struct query Q_TENANT_ADD = {
	"INSERT INTO tenant (code, name, site_id, phone, contacts, room, floor_m2_milli)"
	" VALUES (?, ?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_CONTRACT_ADD = {
	"INSERT INTO contract (code, tenant_id, start_at) VALUES (?, ?, ?)", NULL
};
static const struct query Q_PURSE_ADD = {
	"INSERT INTO account (code, kind, contract_id, purpose, warn1_nano, warn2_nano,"
	" credit_limit_nano, emergency_limit_nano) VALUES (?, 'purse', ?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_CONTRACT_POINT_ADD = {
	"INSERT INTO contract_point (contract_id, supply_point_id, account_id, from_at)"
	" VALUES (?, ?, ?, ?)",
	NULL
};

/* The id of what a field names; "" is 0. */
static enum err find(struct db *db, const struct query *q, const char *field, const char *code,
	int64_t *id, struct problem *why)
{
	struct id_row row;
	enum err e;

	*id = 0;
	if (!code[0])
		return ERR_OK;
	e = db_one(db, q, ARGS(arg_text(code)), &row);
	if (e == ERR_NOT_FOUND)
		return problem_set(why, e, field, "there is no %s %s", field, code);
	if (e == ERR_OK)
		*id = row.id;
	return e;
}

enum err site_add(struct db *db, const struct site_new *s, struct problem *why)
{
	AUTO(zone_free) struct zone *z = NULL;

	if (zone_open(s->zone, &z) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, "zone", "%s is no time zone", s->zone);
	return db_exec(db, &Q_SITE_ADD,
		ARGS(arg_text(s->code), arg_text(s->name), arg_text(s->zone), arg_text(s->profile)),
		NULL);
}

enum err area_add(struct db *db, const struct area_new *a, struct problem *why)
{
	int64_t site, parent;
	enum err e = find(db, &Q_SITE, "site", a->site, &site, why);

	if (e == ERR_OK)
		e = find(db, &Q_AREA, "parent", a->parent, &parent, why);
	if (e != ERR_OK)
		return e;
	e = db_exec(db, &Q_AREA_ADD,
		ARGS(arg_text(a->code), arg_text(a->name), arg_i64(site), arg_id(parent),
			arg_text(a->kind), arg_i64(a->floor_m2_milli)),
		NULL);
	return e == ERR_OK && parent ? scope_spread(db) : e;
}

/* A group that is there is only looked at: its row belongs to the poller that holds it. */
static enum err group_make(struct db *db, int64_t id)
{
	struct id_row row;
	enum err e = db_one(db, &Q_GROUP, ARGS(arg_i64(id)), &row);

	return e == ERR_NOT_FOUND ? db_exec(db, &Q_GROUP_ADD, ARGS(arg_i64(id)), NULL) : e;
}

enum err gateway_add(struct db *db, const struct gateway_new *g, struct problem *why)
{
	int64_t site, area, group;
	struct id_row count;
	enum err e = find(db, &Q_SITE, "site", g->site, &site, why);

	if (e == ERR_OK)
		e = find(db, &Q_AREA, "area", g->area, &area, why);
	if (e == ERR_OK)
		e = db_one(db, &Q_GATEWAYS, NO_ARGS, &count);
	if (e != ERR_OK)
		return e;
	group = count.id / (GROUPS * GROUP_BUSES) * GROUPS + count.id % GROUPS + 1;
	e = group_make(db, group);
	if (e == ERR_OK)
		e = db_exec(db, &Q_GATEWAY_ADD,
			ARGS(arg_text(g->code), arg_text(g->name), arg_i64(site), arg_id(area),
				arg_text(g->transport), arg_text(g->address), arg_i64(g->baud),
				arg_text(g->parity), arg_i64(group)),
			NULL);
	if (e == ERR_OK)
		e = db_exec(db, &Q_GATEWAY_STATE_ADD, ARGS(arg_i64(db_insert_id(db))), NULL);
	return e;
}

struct meter_links {
	int64_t gateway, site, area, parent, tariff;
};

static enum err meter_links_find(
	struct db *db, const struct meter_new *m, struct meter_links *l, struct problem *why)
{
	struct gateway_row gateway = { 0 };
	enum err e = db_one(db, &Q_GATEWAY_SITE, ARGS(arg_text(m->gateway)), &gateway);

	if (e == ERR_NOT_FOUND)
		return problem_set(why, e, "gateway", "there is no gateway %s", m->gateway);
	l->gateway = gateway.id;
	l->site = gateway.site_id;
	if (e == ERR_OK)
		e = find(db, &Q_AREA, "area", m->area, &l->area, why);
	if (e == ERR_OK)
		e = find(db, &Q_METER, "parent", m->parent, &l->parent, why);
	if (e == ERR_OK)
		e = find(db, &Q_TARIFF, "tariff", m->tariff, &l->tariff, why);
	return e;
}

enum err meter_add(struct db *db, const struct meter_new *m, struct utc now, struct problem *why)
{
	struct meter_links l;
	int64_t point, meter;
	enum err e = meter_links_find(db, m, &l, why);

	if (e == ERR_OK)
		e = db_exec(db, &Q_POINT_ADD,
			ARGS(arg_text(m->code), arg_i64(l.site), arg_text(m->utility),
				arg_i64(m->switchable), arg_text(m->billing),
				arg_text(m->load_class), arg_utc(now)),
			NULL);
	if (e != ERR_OK)
		return e;
	point = db_insert_id(db);
	e = db_exec(db, &Q_METER_ADD,
		ARGS(arg_text(m->code), arg_text(m->name), arg_i64(l.gateway), arg_text(m->unit),
			arg_text(m->model), arg_text(m->serial), arg_text(m->utility),
			arg_text(m->role), arg_id(l.area), arg_id(l.parent), arg_i64(point),
			arg_i64(m->ct_ratio), arg_i64(m->pt_ratio), arg_i64(m->rated_current_ma),
			arg_qty(m->start), arg_text(m->billing), arg_i64(m->power_limit_w)),
		NULL);
	if (e != ERR_OK)
		return e;
	meter = db_insert_id(db);
	e = db_exec(db, &Q_METER_STATE_ADD, ARGS(arg_i64(meter)), NULL);
	if (e == ERR_OK && m->has_start)
		e = db_exec(db, &Q_SETTLED_ADD,
			ARGS(arg_i64(meter), arg_utc(now), arg_qty(m->start)), NULL);
	if (e == ERR_OK && l.tariff)
		e = db_exec(db, &Q_METER_TARIFF_ADD,
			ARGS(arg_i64(meter), arg_i64(0), arg_i64(l.tariff)), NULL);
	return e;
}

enum err tariff_add(struct db *db, const char *code, const char *name, const char *utility,
	const char *doc, struct problem *why)
{
	(void)why;
	return db_exec(db, &Q_TARIFF_ADD,
		ARGS(arg_text(code), arg_text(name), arg_text(utility), arg_text(doc)), NULL);
}

enum err tenant_add(struct db *db, const struct tenant_new *t, struct utc now, struct problem *why)
{
	int64_t site;
	enum err e = find(db, &Q_SITE, "site", t->site, &site, why);

	if (e == ERR_OK)
		e = db_exec(db, &Q_TENANT_ADD,
			ARGS(arg_text(t->code), arg_text(t->name), arg_i64(site),
				arg_text(t->phone), arg_text(t->contacts), arg_text(t->room),
				arg_i64(t->floor_m2_milli)),
			NULL);
	if (e == ERR_OK)
		e = db_exec(db, &Q_CONTRACT_ADD,
			ARGS(arg_text(t->code), arg_i64(db_insert_id(db)), arg_utc(now)), NULL);
	return e;
}

static enum err opening_post(struct db *db, int64_t account_id, struct money opening,
	const struct opening_book *book, const char *actor, struct utc now)
{
	char once[64], reference[64];
	int64_t entry_id;

	snprintf(once, sizeof(once), "opening:%" PRId64, account_id);
	snprintf(reference, sizeof(reference), "account:%" PRId64, account_id);
	return entry_post(db,
		&(struct entry){ .kind = "opening",
			.once_key = once,
			.reference = reference,
			.actor = actor,
			.memo = "",
			.site_id = book->site_id,
			.book_day = book->day,
			.at = now },
		(struct posting[]){ { book->company_id, { -opening.nano }, false },
			{ account_id, opening, true } },
		2, &entry_id);
}

enum err opening_book_get(struct db *db, int64_t site_id, const struct zone *z, struct utc now,
	struct opening_book *out)
{
	out->site_id = site_id;
	out->day = zone_local(z, now).day;
	return account_company(db, "opening", &out->company_id);
}

enum err opening_add(
	struct db *db, int64_t account_id, struct money opening, const char *actor, struct utc now)
{
	AUTO(zone_free) struct zone *z = NULL;
	struct opening_book book;
	struct account a;
	enum err e = account_get(db, account_id, &a);

	if (e == ERR_OK)
		e = zone_open(a.zone, &z);
	if (e == ERR_OK)
		e = opening_book_get(db, a.site_id, z, now, &book);
	return e == ERR_OK ? opening_post(db, account_id, opening, &book, actor, now) : e;
}

enum err purse_add(struct db *db, const struct purse_new *p, struct utc now, int64_t *account_id,
	struct problem *why)
{
	int64_t contract = p->contract_id, account;
	char code[64];
	enum err e = contract ? ERR_OK : find(db, &Q_CONTRACT, "tenant", p->tenant, &contract, why);

	if (e != ERR_OK)
		return e;
	snprintf(code, sizeof(code), "purse:%" PRId64 ":%s", contract, p->purpose);
	e = db_exec(db, &Q_PURSE_ADD,
		ARGS(arg_text(code), arg_i64(contract), arg_text(p->purpose), arg_money(p->warn1),
			arg_money(p->warn2), arg_money(p->credit_limit),
			arg_money(p->emergency_limit)),
		NULL);
	if (e != ERR_OK)
		return e;
	account = db_insert_id(db);
	if (p->opening.nano != 0)
		e = p->book ? opening_post(db, account, p->opening, p->book, p->actor, now)
			    : opening_add(db, account, p->opening, p->actor, now);
	if (e == ERR_OK)
		*account_id = account;
	return e;
}

enum err contract_point_add(
	struct db *db, int64_t contract_id, const char *meter, struct utc now, struct problem *why)
{
	struct meter_row m;
	struct id_row purse;
	enum err e = db_one(db, &Q_METER_POINT, ARGS(arg_text(meter)), &m);

	if (e == ERR_NOT_FOUND)
		return problem_set(why, e, "meters", "there is no meter %s", meter);
	if (e == ERR_OK)
		e = db_one(db, &Q_PURSE, ARGS(arg_i64(contract_id), arg_text(m.utility)), &purse);
	if (e == ERR_NOT_FOUND)
		e = purse_add(db,
			&(struct purse_new){ .purpose = m.utility,
				.actor = "system",
				.contract_id = contract_id },
			now, &purse.id, why);
	if (e == ERR_OK)
		e = db_exec(db, &Q_CONTRACT_POINT_ADD,
			ARGS(arg_i64(contract_id), arg_i64(m.supply_point_id), arg_i64(purse.id),
				arg_utc(now)),
			NULL);
	return e;
}

enum err contract_meter_add(
	struct db *db, const char *tenant, const char *meter, struct utc now, struct problem *why)
{
	int64_t contract;
	enum err e = find(db, &Q_CONTRACT, "tenant", tenant, &contract, why);

	return e == ERR_OK ? contract_point_add(db, contract, meter, now, why) : e;
}

/* ---- changes ---- */

static const struct query Q_SITE_EDIT = { "UPDATE site SET name = ?, profile = ? WHERE code = ?",
	NULL };
static const struct query Q_AREA_EDIT = {
	"UPDATE area SET name = ?, parent_id = ?, kind = ?, floor_m2_milli = ? WHERE code = ?", NULL
};
static const struct query Q_GATEWAY_EDIT = {
	"UPDATE gateway SET name = ?, area_id = ?, transport = ?, address = ?, baud = ?, parity = ?"
	" WHERE code = ?",
	NULL
};
static const struct query Q_METER_EDIT = {
	"UPDATE meter SET name = ?, gateway_id = ?, unit = ?, serial = ?, role = ?, area_id = ?,"
	" parent_id = ?, rated_current_ma = ? WHERE code = ?",
	NULL
};
static const struct query Q_METER_UNPLUG = {
	"UPDATE meter SET unit = CONCAT('~', id) WHERE code = ?", NULL
};
static const struct query Q_TENANT_EDIT = {
	"UPDATE tenant SET name = ?, phone = ?, contacts = ?, room = ?, floor_m2_milli = ?"
	" WHERE code = ?",
	NULL
};
static const struct query Q_LOGIN_DROP = {
	"DELETE ut FROM user_tenant ut JOIN tenant t ON t.id = ut.tenant_id"
	" JOIN user u ON u.id = ut.user_id WHERE t.code = ? AND u.kind = 'tenant'"
	" AND u.username = t.phone AND t.phone <> ?",
	NULL
};

enum err site_edit(struct db *db, const char *code, const char *name, const char *profile)
{
	return db_exec(
		db, &Q_SITE_EDIT, ARGS(arg_text(name), arg_text(profile), arg_text(code)), NULL);
}

enum err area_edit(struct db *db, const struct area_new *a, struct problem *why)
{
	int64_t parent;
	enum err e = find(db, &Q_AREA, "parent", a->parent, &parent, why);

	if (e != ERR_OK)
		return e;
	e = db_exec(db, &Q_AREA_EDIT,
		ARGS(arg_text(a->name), arg_id(parent), arg_text(a->kind),
			arg_i64(a->floor_m2_milli), arg_text(a->code)),
		NULL);
	return e == ERR_OK ? scope_spread(db) : e;
}

enum err gateway_edit(struct db *db, const struct gateway_new *g, struct problem *why)
{
	int64_t area;
	enum err e = find(db, &Q_AREA, "area", g->area, &area, why);

	if (e != ERR_OK)
		return e;
	return db_exec(db, &Q_GATEWAY_EDIT,
		ARGS(arg_text(g->name), arg_id(area), arg_text(g->transport), arg_text(g->address),
			arg_i64(g->baud), arg_text(g->parity), arg_text(g->code)),
		NULL);
}

enum err meter_edit(struct db *db, const struct meter_edit *m, struct problem *why)
{
	int64_t gateway, area, parent;
	enum err e = find(db, &Q_GATEWAY, "gateway", m->gateway, &gateway, why);

	if (e == ERR_OK)
		e = find(db, &Q_AREA, "area", m->area, &area, why);
	if (e == ERR_OK)
		e = find(db, &Q_METER, "parent", m->parent, &parent, why);
	if (e != ERR_OK)
		return e;
	e = db_exec(db, &Q_METER_EDIT,
		ARGS(arg_text(m->name), arg_i64(gateway), arg_text(m->unit), arg_text(m->serial),
			arg_text(m->role), arg_id(area), arg_id(parent),
			arg_i64(m->rated_current_ma), arg_text(m->code)),
		NULL);
	return e == ERR_ALREADY
		       ? problem_set(why, e, "unit", "another meter has address %s", m->unit)
		       : e;
}

enum err meter_unplug(struct db *db, const char *code)
{
	return db_exec(db, &Q_METER_UNPLUG, ARGS(arg_text(code)), NULL);
}

enum err tenant_edit(struct db *db, const struct tenant_new *t, struct problem *why)
{
	enum err e = db_exec(db, &Q_LOGIN_DROP, ARGS(arg_text(t->code), arg_text(t->phone)), NULL);

	(void)why;
	if (e != ERR_OK)
		return e;
	return db_exec(db, &Q_TENANT_EDIT,
		ARGS(arg_text(t->name), arg_text(t->phone), arg_text(t->contacts),
			arg_text(t->room), arg_i64(t->floor_m2_milli), arg_text(t->code)),
		NULL);
}
