#include "domain/contract.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "domain/account.h"
#include "domain/audit.h"
#include "domain/event.h"
#include "domain/contract_inside.h"
#include "domain/scope.h"
#include "domain/supplypoint.h"

#define STEPS_MAX 60000 /* bytes of JSON */

void deal_free(struct deal *d)
{
	free(d->cuts);
	d->cuts = NULL;
	d->n = 0;
}

/* ---- locking ---- */

struct deal_row {
	int64_t id;
	char code[129];
	int64_t tenant_id;
	int64_t site_id;
	char zone[64];
	struct utc start_at;
	struct utc end_at;
};
#define F(member) FIELD(struct deal_row, member)
SHAPE(deal_shape, struct deal_row, F(id), F(code), F(tenant_id), F(site_id), F(zone), F(start_at),
	F(end_at));
#undef F
static const struct query Q_LOCK = { "SELECT id FROM contract WHERE id = ? FOR UPDATE", &id_shape };
static const struct query Q_DEAL = {
	"SELECT c.id, c.code, c.tenant_id, t.site_id, s.zone, c.start_at, c.end_at FROM contract c"
	" JOIN tenant t ON t.id = c.tenant_id JOIN site s ON s.id = t.site_id WHERE c.id = ?",
	&deal_shape
};

enum err deal_lock(struct deal *d, int64_t contract_id)
{
	const struct life_ask *ask = d->life->ask;
	struct id_row locked;
	struct deal_row r;
	enum err e = db_one(d->life->db, &Q_LOCK, ARGS(arg_i64(contract_id)), &locked);

	if (e == ERR_OK)
		e = db_one(d->life->db, &Q_DEAL, ARGS(arg_i64(contract_id)), &r);
	if (e == ERR_OK && ask->site_id && ask->site_id != r.site_id)
		e = ERR_NOT_FOUND;
	if (e == ERR_NOT_FOUND)
		return problem_set(d->life->why, e, "id", "there is no such contract");
	if (e != ERR_OK)
		return e;
	d->contract_id = r.id;
	d->tenant_id = r.tenant_id;
	d->site_id = r.site_id;
	d->start_at = r.start_at;
	d->end_at = r.end_at;
	memcpy(d->zone, r.zone, sizeof(d->zone));
	memcpy(d->code, r.code, sizeof(d->code));
	return ERR_OK;
}

/* ---- the record ---- */

struct record_row {
	int64_t contract_id;
	char kind[8];
	char steps[STEPS_MAX + 1];
	char request[STEPS_MAX + 1];
};
#define F(member) FIELD(struct record_row, member)
SHAPE(record_shape, struct record_row, F(contract_id), F(kind), F(steps), F(request));
#undef F
static const struct query Q_RECORD = {
	"SELECT contract_id, kind, steps, request FROM contract_event WHERE once_key = ?",
	&record_shape
};
static const struct query Q_RECORD_ADD = {
	"INSERT INTO contract_event (contract_id, kind, at, actor, created_at, steps, request,"
	" once_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};

static void record_free(struct record_row **r)
{
	free(*r);
}

enum err deal_repeated(struct life *l, const char *kind, bool *found)
{
	AUTO(record_free) struct record_row *r = calloc(1, sizeof(*r));
	AUTO(json_free) json_t *request = NULL;
	AUTO(json_free) json_t *steps = NULL;
	enum err e;

	ASSERT(r);
	*found = false;
	e = db_one(l->db, &Q_RECORD, ARGS(arg_text(l->ask->once_key)), r);
	if (e == ERR_NOT_FOUND)
		return ERR_OK;
	if (e == ERR_OK)
		e = json_parse(r->request, strlen(r->request), &request, NULL);
	if (e == ERR_OK)
		e = json_parse(r->steps, strlen(r->steps), &steps, NULL);
	if (e != ERR_OK)
		return e;
	if (!str_eq(r->kind, kind) || !json_equal(request, l->ask->request))
		return problem_set(l->why, ERR_IDEMPOTENCY, "Idempotency-Key",
			"this key was used for another request");
	json_array_extend(l->steps, steps);
	l->id = r->contract_id;
	l->repeated = *found = true;
	return ERR_OK;
}

static enum err tell(const struct deal *d, const char *act, struct utc at)
{
	return event_add(d->life->db, str_eq(act, "close") ? "contract.closed" : "contract.opened",
		d->site_id,
		json_pack("{s:I, s:s, s:I, s:s, s:o}", "contract_id", (json_int_t)d->contract_id,
			"code", d->code, "tenant_id", (json_int_t)d->tenant_id, "act", act,
			"effective_at", json_utc(at)),
		d->life->ask->now);
}

enum err deal_record(struct deal *d, const char *kind, struct utc at, const char *suffix)
{
	const struct life *l = d->life;
	AUTO(text_free) char *steps = json_text(l->steps);
	AUTO(text_free) char *request = json_text(l->ask->request);
	char once[160], action[32];
	enum err e;

	if (strlen(steps) > STEPS_MAX || strlen(request) > STEPS_MAX)
		return problem_set(l->why, ERR_TOO_LARGE, "", "too many meters for one act");
	snprintf(once, sizeof(once), "%s%s", l->ask->once_key, suffix);
	e = db_exec(l->db, &Q_RECORD_ADD,
		ARGS(arg_i64(d->contract_id), arg_text(kind), arg_utc(at), arg_text(l->ask->actor),
			arg_utc(l->ask->now), arg_text(steps), arg_text(request), arg_text(once)),
		NULL);
	snprintf(action, sizeof(action), "contract.%s", kind);
	if (e == ERR_OK)
		e = audit_add(l->db,
			&(struct audit){ l->ask->actor, l->ask->address, action, "contract",
				d->contract_id, NULL },
			json_deep_copy(l->ask->request), l->ask->now);
	if (e == ERR_OK && !str_eq(kind, "add"))
		e = tell(d, kind, at);
	if (e == ERR_OK && !l->ask->preview)
		log_info("contract=%s act=%s by=%s", d->code, kind, l->ask->actor);
	return e;
}

/* ---- purses ---- */

static const struct query Q_PURSE = {
	"SELECT id FROM account WHERE contract_id = ? AND kind = 'purse' AND purpose = ?", &id_shape
};
static const struct query Q_PURSE_ADD = {
	"INSERT INTO account (code, kind, contract_id, purpose, warn1_nano, warn2_nano,"
	" credit_limit_nano, emergency_limit_nano) VALUES (?, 'purse', ?, ?, ?, ?, ?, ?)",
	NULL
};

enum err deal_purse(struct deal *d, const struct life_purse *p, int64_t *id, bool *made)
{
	struct life *l = d->life;
	struct id_row row;
	char code[64];
	enum err e =
		db_one(l->db, &Q_PURSE, ARGS(arg_i64(d->contract_id), arg_text(p->purpose)), &row);

	*made = e == ERR_NOT_FOUND;
	if (e == ERR_OK)
		*id = row.id;
	if (!*made)
		return e;
	snprintf(code, sizeof(code), "purse:%" PRId64 ":%s", d->contract_id, p->purpose);
	e = db_exec(l->db, &Q_PURSE_ADD,
		ARGS(arg_text(code), arg_i64(d->contract_id), arg_text(p->purpose),
			arg_money(p->warn1), arg_money(p->warn2), arg_money(p->credit_limit),
			arg_money(p->emergency_limit)),
		NULL);
	if (e != ERR_OK)
		return e;
	*id = db_insert_id(l->db);
	step_add(l, &(struct step){ .what = "purse", .purpose = p->purpose });
	return ERR_OK;
}

/* ---- meters ---- */

struct other_row {
	char code[129];
	char meter[129];
};
SHAPE(other_shape, struct other_row, FIELD(struct other_row, code), FIELD(struct other_row, meter));

static const struct query Q_HELD = {
	"SELECT c.code, '' AS meter FROM contract_point cp JOIN contract c ON c.id = cp.contract_id"
	" WHERE cp.supply_point_id = ? AND (cp.to_at = 0 OR cp.to_at > ?) LIMIT 1",
	&other_shape
};
static const struct query Q_NAMED = {
	"SELECT c.code, '' AS meter FROM sub_tenant s JOIN contract c ON c.id = s.contract_id"
	" WHERE s.supply_point_id = ?",
	&other_shape
};
#define CHARGED                                                                                    \
	" JOIN meter m ON m.id = t.id JOIN contract_point cp ON cp.supply_point_id ="              \
	" m.supply_point_id AND cp.to_at = 0 JOIN contract c ON c.id = cp.contract_id"             \
	" WHERE t.depth > 0 AND m.billing <> 'none' AND m.role = 'tenant' AND m.utility = ?"       \
	" ORDER BY t.depth LIMIT 1"
static const struct query Q_ABOVE = {
	"WITH RECURSIVE t (id, parent_id, depth) AS (SELECT id, parent_id, 0 FROM meter WHERE id = "
	"?"
	" UNION ALL SELECT m.id, m.parent_id, t.depth + 1 FROM meter m JOIN t ON m.id = "
	"t.parent_id"
	" WHERE t.depth < 16) SELECT c.code, m.code AS meter FROM t" CHARGED,
	&other_shape
};
static const struct query Q_BELOW = {
	"WITH RECURSIVE t (id, depth) AS (SELECT id, 0 FROM meter WHERE id = ?"
	" UNION ALL SELECT m.id, t.depth + 1 FROM meter m JOIN t ON m.parent_id = t.id"
	" WHERE t.depth < 16) SELECT c.code, m.code AS meter FROM t" CHARGED,
	&other_shape
};
/* A row that held the point for no time at all makes room. */
static const struct query Q_POINT_ADD = {
	"INSERT INTO contract_point (contract_id, supply_point_id, account_id, from_at)"
	" VALUES (?, ?, ?, ?) ON DUPLICATE KEY UPDATE contract_id = VALUES(contract_id),"
	" account_id = VALUES(account_id), to_at = 0",
	NULL
};

struct serving_row {
	bool enabled;
};
SHAPE(serving_shape, struct serving_row, FIELD(struct serving_row, enabled));
static const struct query Q_SERVING = { "SELECT enabled FROM meter WHERE id = ? LOCK IN SHARE MODE",
	&serving_shape };

static enum err in_service(struct deal *d, const struct life_meter *m)
{
	struct serving_row row;
	enum err e = db_one(d->life->db, &Q_SERVING, ARGS(arg_i64(m->id)), &row);

	if (e == ERR_OK && !row.enabled)
		return problem_set(d->life->why, ERR_CONFLICT, "meters",
			"meter %s is out of service", m->code);
	return e;
}

static enum err nobody_else(struct deal *d, const struct cut *c)
{
	struct life *l = d->life;
	const struct life_meter *m = &c->meter;
	struct other_row other;
	enum err e =
		db_one(l->db, &Q_HELD, ARGS(arg_i64(m->supply_point_id), arg_utc(c->at)), &other);

	if (e == ERR_OK)
		return problem_set(l->why, ERR_CONFLICT, "meters",
			"meter %s is held by contract %s", m->code, other.code);
	if (e == ERR_NOT_FOUND)
		e = db_one(l->db, &Q_NAMED, ARGS(arg_i64(m->supply_point_id)), &other);
	if (e == ERR_OK)
		return problem_set(l->why, ERR_CONFLICT, "meters",
			"meter %s is a sub-tenant's of contract %s", m->code, other.code);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* The energy of a meter below a charged one was charged there. */
static enum err branch_is_free(struct deal *d, const struct life_meter *m)
{
	if (str_eq(m->billing, "none") || !str_eq(m->role, "tenant"))
		return ERR_OK;
	return meter_branch_free(d->life->db, m->id, d->life->why);
}

struct branch_row {
	char code[129];
	char utility[12];
};
SHAPE(branch_shape, struct branch_row, FIELD(struct branch_row, code),
	FIELD(struct branch_row, utility));
static const struct query Q_BRANCH = { "SELECT code, utility FROM meter WHERE id = ?",
	&branch_shape };

enum err meter_branch_free(struct db *db, int64_t meter_id, struct problem *why)
{
	struct other_row other;
	struct branch_row m;
	enum err e = db_one(db, &Q_BRANCH, ARGS(arg_i64(meter_id)), &m);

	if (e == ERR_OK)
		e = db_one(db, &Q_ABOVE, ARGS(arg_i64(meter_id), arg_text(m.utility)), &other);
	if (e == ERR_OK)
		return problem_set(why, ERR_CONFLICT, "meters",
			"meter %s lies below meter %s, which contract %s pays for", m.code,
			other.meter, other.code);
	if (e == ERR_NOT_FOUND)
		e = db_one(db, &Q_BELOW, ARGS(arg_i64(meter_id), arg_text(m.utility)), &other);
	if (e == ERR_OK)
		return problem_set(why, ERR_CONFLICT, "meters",
			"meter %s lies above meter %s, which contract %s pays for", m.code,
			other.meter, other.code);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err take_meter(struct deal *d, const struct cut *c)
{
	struct life *l = d->life;
	const struct life_meter *m = &c->meter;
	int64_t account = 0;
	bool made;
	enum err e = in_service(d, m);

	if (e == ERR_OK)
		e = nobody_else(d, c);
	if (e == ERR_OK)
		e = branch_is_free(d, m);
	if (e == ERR_OK)
		e = deal_purse(d, &(struct life_purse){ .purpose = m->utility }, &account, &made);
	if (e == ERR_OK)
		e = db_exec(l->db, &Q_POINT_ADD,
			ARGS(arg_i64(d->contract_id), arg_i64(m->supply_point_id), arg_i64(account),
				arg_utc(c->at)),
			NULL);
	if (e != ERR_OK)
		return e;
	step_add(l, &(struct step){ .what = "meter",
			    .meter_id = m->id,
			    .meter_code = m->code,
			    .purpose = m->utility,
			    .at = c->at,
			    .has_reg = c->last.read_at.ms || c->settle,
			    .reg = c->settle ? c->reg : c->last.register_milli,
			    .utility = m->utility,
			    .detail = c->by_rule ? "not read at that instant: the next reading is "
						   "spread over it"
						 : NULL });
	return ERR_OK;
}

enum err deal_take_meters(struct deal *d)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < d->n; i++) {
		if (d->cuts[i].meter.site_id != d->site_id)
			return problem_set(d->life->why, ERR_CONFLICT, "meters",
				"meter %s is at another site than the contract",
				d->cuts[i].meter.code);
		e = take_meter(d, &d->cuts[i]);
	}
	return e;
}

enum err deal_settle(struct deal *d, const char *cause)
{
	struct life *l = d->life;
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < d->n; i++) {
		const struct cut *c = &d->cuts[i];

		if (c->settle)
			e = life_settle(l, &c->meter, &c->last, c->read_at, c->reg, cause);
	}
	return e == ERR_OK ? charge_post(l->db, &l->charges, l->ask->now) : e;
}

/* ---- supply ---- */

struct owing_row {
	int64_t supply_point_id;
	int64_t account_id;
	bool arrears;
	bool vacant;
};
#define F(member) FIELD(struct owing_row, member)
SHAPE(owing_shape, struct owing_row, F(supply_point_id), F(account_id), F(arrears), F(vacant));
#undef F
/* A purse that pays for nothing and holds nothing warns nobody. */
static const struct query Q_PURSES_TO_TELL = {
	"SELECT a.id FROM account a WHERE a.contract_id = ? AND a.kind = 'purse'"
	" AND (a.balance_nano <> 0 OR a.level <> 'ok' OR EXISTS (SELECT 1 FROM contract_point cp"
	" JOIN supply_point p ON p.id = cp.supply_point_id WHERE cp.account_id = a.id"
	" AND cp.to_at = 0 AND p.billing = 'account')) ORDER BY a.id",
	&id_shape
};
static const struct query Q_OWING = {
	"SELECT p.id AS supply_point_id, a.id AS account_id,"
	" a.level = 'arrears' AND p.billing = 'account' AS arrears,"
	" EXISTS (SELECT 1 FROM block b WHERE b.supply_point_id = p.id AND b.kind = 'vacant')"
	" AS vacant FROM contract_point cp JOIN supply_point p ON p.id = cp.supply_point_id"
	" JOIN account a ON a.id = cp.account_id WHERE cp.contract_id = ? AND cp.to_at = 0"
	" ORDER BY p.id",
	&owing_shape
};

struct dark_row {
	int64_t meter_id;
	char code[129];
	char kind[16];
};
#define F(member) FIELD(struct dark_row, member)
SHAPE(dark_shape, struct dark_row, F(meter_id), F(code), F(kind));
#undef F
static const struct query Q_DARK = {
	"SELECT m.id AS meter_id, m.code, b.kind FROM contract_point cp"
	" JOIN block b ON b.supply_point_id = cp.supply_point_id"
	" JOIN meter m ON m.supply_point_id = cp.supply_point_id"
	" WHERE cp.contract_id = ? AND cp.to_at = 0 ORDER BY m.id, b.kind",
	&dark_shape
};

/* What still keeps supplies of the contract off is told: a lock of before, or an empty purse. */
static enum err dark_steps(struct deal *d)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(d->life->db, &Q_DARK, ARGS(arg_i64(d->contract_id)), &rows);
	const struct dark_row *r = rows.at;

	for (size_t i = 0; i < rows.n; i++)
		step_add(d->life, &(struct step){ .what = "block_stays",
					  .meter_id = r[i].meter_id,
					  .meter_code = r[i].code,
					  .detail = r[i].kind });
	return e;
}

static enum err levels_follow(struct db *db, int64_t contract_id, struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(db, &Q_PURSES_TO_TELL, ARGS(arg_i64(contract_id)), &rows);
	const struct id_row *r = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		e = account_changed(db, r[i].id, now);
	return e;
}

/* *vacant counts the blocks of that kind that have ended. */
static enum err blocks_follow(
	struct db *db, const struct rows *owing, struct utc now, size_t *vacant)
{
	const struct owing_row *r = owing->at;
	char cause[32];
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < owing->n; i++) {
		*vacant += r[i].vacant;
		if (r[i].vacant)
			e = supply_block_clear(db, r[i].supply_point_id, BLOCK_VACANT, "", now);
		snprintf(cause, sizeof(cause), "account:%" PRId64, r[i].account_id);
		if (e == ERR_OK && r[i].arrears)
			e = supply_block_set(
				db, r[i].supply_point_id, BLOCK_ARREARS, cause, "system", "", now);
	}
	return e;
}

static const struct query Q_MOVED_MANY = {
	"SELECT STRAIGHT_JOIN a.id FROM " DB_IDS " account a ON a.contract_id = k.id"
	" WHERE a.kind = 'purse' AND a.balance_nano <> 0 ORDER BY a.id FOR UPDATE",
	&id_shape
};
static const struct query Q_OWING_MANY = {
	"SELECT * FROM (SELECT STRAIGHT_JOIN p.id AS supply_point_id, a.id AS account_id,"
	" a.level = 'arrears' AND p.billing = 'account' AS arrears,"
	" EXISTS (SELECT 1 FROM block b WHERE b.supply_point_id = p.id AND b.kind = 'vacant')"
	" AS vacant FROM " DB_IDS " contract_point cp ON cp.contract_id = k.id"
	" JOIN supply_point p ON p.id = cp.supply_point_id JOIN account a ON a.id = cp.account_id"
	" WHERE cp.to_at = 0) o WHERE o.arrears OR o.vacant ORDER BY o.supply_point_id",
	&owing_shape
};

#define FOLLOW_BATCH 500

static enum err accounts_follow(struct db *db, const char *contracts, struct utc now)
{
	AUTO(rows_free) struct rows moved = { 0 };
	int64_t ids[FOLLOW_BATCH];
	size_t n = 0;
	enum err e = db_list(db, &Q_MOVED_MANY, ARGS(arg_text(contracts)), &moved);
	const struct id_row *r = moved.at;

	for (size_t i = 0; e == ERR_OK && i < moved.n; i++) {
		ids[n++] = r[i].id;
		if (n < FOLLOW_BATCH && i + 1 < moved.n)
			continue;
		e = accounts_changed(db, ids, n, now);
		n = 0;
	}
	return e;
}

enum err contracts_follow(struct db *db, const int64_t *ids, size_t n, struct utc now)
{
	AUTO(text_free) char *contracts = json_ids(ids, n);
	AUTO(rows_free) struct rows owing = { 0 };
	size_t vacant = 0;
	enum err e = accounts_follow(db, contracts, now);

	if (e == ERR_OK)
		e = db_list(db, &Q_OWING_MANY, ARGS(arg_text(contracts)), &owing);
	return e == ERR_OK ? blocks_follow(db, &owing, now, &vacant) : e;
}

enum err deal_supply(struct deal *d)
{
	struct life *l = d->life;
	AUTO(rows_free) struct rows owing = { 0 };
	size_t vacant = 0;
	enum err e = levels_follow(l->db, d->contract_id, l->ask->now);

	if (e == ERR_OK)
		e = db_list(l->db, &Q_OWING, ARGS(arg_i64(d->contract_id)), &owing);
	if (e == ERR_OK)
		e = blocks_follow(l->db, &owing, l->ask->now, &vacant);
	for (; vacant > 0; vacant--)
		step_add(l, &(struct step){ .what = "vacant_ends" });
	return e == ERR_OK ? dark_steps(d) : e;
}

/* ---- reading ---- */

#define F(member) FIELD(struct contract_row, member)
SHAPE(contract_shape, struct contract_row, F(id), F(code), F(tenant_id), F(tenant_code),
	F(tenant_name), F(room), F(site_id), F(start_at), F(end_at), F(meters));
#undef F
#define CONTRACT_COLUMNS                                                                           \
	"SELECT c.id, c.code, t.id AS tenant_id, t.code AS tenant_code, t.name AS tenant_name,"    \
	" t.room, t.site_id, c.start_at, c.end_at, (SELECT COUNT(*) FROM contract_point p"         \
	" WHERE p.contract_id = c.id AND p.to_at = 0) AS meters"                                   \
	" FROM contract c JOIN tenant t ON t.id = c.tenant_id "
const struct listing contract_listing = {
	.all = { CONTRACT_COLUMNS "WHERE ? IN (0, t.site_id, " SEEN_CONTRACT("c.id") ")",
		&contract_shape },
	.sorts = { { "id", "c.id" }, { "code", "c.code" }, { "room", "t.room" },
		{ "start_at", "c.start_at" }, { "end_at", "c.end_at" } },
	.order = "-id",
	.filters = { { "tenant_id", FILTER_ID, "t.id = ?" },
		{ "site_id", FILTER_ID, "t.site_id = ?" },
		{ "open", FILTER_FLAG, "? = 0 OR c.end_at = 0" },
		{ "q", FILTER_TEXT, "INSTR(c.code, ?) OR INSTR(t.room, ?) OR INSTR(t.name, ?)" } },
	.usual = 500,
	.most = 1000,
};
static const struct query Q_GET = { CONTRACT_COLUMNS "WHERE ? IN (0, t.site_id) AND c.id = ?",
	&contract_shape };

enum err contract_get(struct db *db, int64_t site_id, int64_t id, struct contract_row *out)
{
	return db_one(db, &Q_GET, ARGS(arg_i64(site_id), arg_i64(id)), out);
}

#define F(member) FIELD(struct contract_meter, member)
SHAPE(contract_meter_shape, struct contract_meter, F(meter_id), F(code), F(name), F(utility),
	F(account_id), F(from_at), F(to_at));
#undef F
static const struct query Q_METERS = {
	"SELECT m.id AS meter_id, m.code, m.name, m.utility, p.account_id, p.from_at, p.to_at"
	" FROM contract_point p JOIN meter m ON m.supply_point_id = p.supply_point_id"
	" WHERE p.contract_id = ? ORDER BY p.from_at, m.id",
	&contract_meter_shape
};

enum err contract_meters(struct db *db, int64_t id, struct rows *out)
{
	return db_list(db, &Q_METERS, ARGS(arg_i64(id)), out);
}

#define F(member) FIELD(struct contract_purse, member)
SHAPE(contract_purse_shape, struct contract_purse, F(id), F(purpose), F(balance), F(credit_limit),
	F(warn1), F(warn2), F(level));
#undef F
static const struct query Q_PURSES = {
	"SELECT id, purpose, balance_nano AS balance, credit_limit_nano AS credit_limit,"
	" warn1_nano AS warn1, warn2_nano AS warn2, level FROM account"
	" WHERE contract_id = ? AND kind = 'purse' ORDER BY id",
	&contract_purse_shape
};

enum err contract_purses(struct db *db, int64_t id, struct rows *out)
{
	return db_list(db, &Q_PURSES, ARGS(arg_i64(id)), out);
}

#define F(member) FIELD(struct contract_event, member)
SHAPE(contract_event_shape, struct contract_event, F(id), F(kind), F(at), F(actor), F(created_at),
	F(steps), F(undone_at));
#undef F
static const struct query Q_EVENTS = {
	"SELECT id, kind, at, actor, created_at, steps, undone_at FROM contract_event"
	" WHERE contract_id = ? ORDER BY id DESC LIMIT 50",
	&contract_event_shape
};

enum err contract_events(struct db *db, int64_t id, struct rows *out)
{
	return db_list(db, &Q_EVENTS, ARGS(arg_i64(id)), out);
}
