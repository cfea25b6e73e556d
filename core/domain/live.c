#include "domain/alarm_site.h"
#include "domain/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/scope.h"

#define F(member) FIELD(struct live_meter, member)
SHAPE(meter_shape, struct live_meter, F(id), F(code), F(name), F(utility), F(role), F(billing),
	F(model), F(unit), F(serial), F(gateway_id), F(gateway_code), F(gateway_name), F(area_id),
	F(area_name), F(tenant_id), F(tenant_code), F(tenant_name), F(room), F(account_id),
	F(balance), F(level), F(supply_point_id), F(switchable), F(desired), F(desired_reason),
	F(observed), F(observed_since), F(desired_since), F(keep_until), F(read_at),
	F(register_milli), F(sharp_milli), F(peak_milli), F(flat_milli), F(valley_milli),
	F(power_w), F(phases), F(voltage1_mv), F(voltage2_mv), F(voltage3_mv), F(current1_ma),
	F(current2_ma), F(current3_ma), F(comm), F(comm_since), F(error), F(enabled));
#undef F

/* ? = now, of the contract in force */
#define METER_SELECT                                                                               \
	"SELECT m.id, m.code, m.name, m.utility, m.role, m.billing, m.model, m.unit, m.serial,"    \
	" g.id AS gateway_id, g.code AS gateway_code, g.name AS gateway_name,"                     \
	" r.id AS area_id, r.name AS area_name,"                                                   \
	" t.id AS tenant_id, t.code AS tenant_code, t.name AS tenant_name, t.room,"                \
	" a.id AS account_id, a.balance_nano AS balance, a.level,"                                 \
	" p.id AS supply_point_id, p.switchable, p.desired, p.desired_reason, p.observed,"         \
	" p.observed_since, p.desired_since, p.keep_until,"                                        \
	" s.read_at, s.register_milli, s.sharp_milli, s.peak_milli, s.flat_milli, s.valley_milli," \
	" s.power_w, s.phases, s.voltage1_mv, s.voltage2_mv, s.voltage3_mv, s.current1_ma,"        \
	" s.current2_ma, s.current3_ma, COALESCE(s.comm, 'never') AS comm, s.comm_since, s.error," \
	" m.enabled"                                                                               \
	" FROM meter m JOIN gateway g ON g.id = m.gateway_id"                                      \
	" JOIN supply_point p ON p.id = m.supply_point_id"                                         \
	" LEFT JOIN area r ON r.id = m.area_id"                                                    \
	" LEFT JOIN meter_state s ON s.meter_id = m.id"                                            \
	" LEFT JOIN contract_point cp ON cp.supply_point_id = m.supply_point_id"                   \
	" AND cp.from_at <= ? AND cp.to_at = 0"                                                    \
	" LEFT JOIN account a ON a.id = cp.account_id"                                             \
	" LEFT JOIN contract c ON c.id = cp.contract_id"                                           \
	" LEFT JOIN tenant t ON t.id = c.tenant_id"

#define METERS METER_SELECT " WHERE ? IN (0, p.site_id, " SEEN_AREA("m.area_id") ")"
const struct listing live_meter_listing = {
	.all = { METERS, &meter_shape },
	.sorts = { { "id", "m.id" }, { "gateway", "m.gateway_id", "gateway_id" },
		{ "code", "m.code" }, { "name", "m.name" }, { "room", "COALESCE(t.room, '')" },
		{ "balance", "COALESCE(a.balance_nano, 0)" },
		{ "power_w", "COALESCE(s.power_w, 0)" }, { "read_at", "COALESCE(s.read_at, 0)" } },
	.order = "gateway",
	.filters = { { "site_id", FILTER_ID, "p.site_id = ?" },
		{ "gateway_id", FILTER_ID, "m.gateway_id = ?" },
		{ "area_id", FILTER_ID, "m.area_id = ?" }, { "tenant_id", FILTER_ID, "t.id = ?" },
		{ "utility", FILTER_WORD, "m.utility = ?", "electricity water" },
		{ "role", FILTER_WORD, "m.role = ?", "tenant public incomer" },
		{ "billing", FILTER_WORD, "m.billing = ?", "account meter postpaid none" },
		{ "level", FILTER_WORD, "a.level = ?", "ok low1 low2 arrears" },
		{ "comm", FILTER_WORD, "COALESCE(s.comm, 'never') = ?", "ok silent never" },
		{ "model", FILTER_TEXT, "m.model = ?" },
		{ "enabled", FILTER_FLAG, "m.enabled = ?", .usual = "1" },
		{ "q", FILTER_TEXT,
			"LOCATE(?, m.code) OR LOCATE(?, m.name) OR LOCATE(?, t.room)"
			" OR LOCATE(?, t.name) OR LOCATE(?, t.phone) OR LOCATE(?, m.serial)" } },
	.usual = 1000,
	.most = 5000,
};
static const struct query Q_METER = { METER_SELECT
	" WHERE m.id = ? AND ? IN (0, p.site_id, " SEEN_AREA("m.area_id") ")",
	&meter_shape };
const struct listing my_meter_listing = {
	.all = { METER_SELECT " JOIN user_tenant ut ON ut.tenant_id = t.id AND ut.user_id = ?"
			      " WHERE m.enabled",
		&meter_shape },
	.sorts = { { "id", "m.id" }, { "code", "m.code" }, { "name", "m.name" } },
	.order = "id",
	.filters = { { "utility", FILTER_WORD, "m.utility = ?", "electricity water" } },
};

enum err live_meter(
	struct db *db, int64_t site_id, int64_t id, struct utc now, struct live_meter *out)
{
	return db_one(db, &Q_METER, ARGS(arg_utc(now), arg_i64(id), arg_i64(site_id)), out);
}

/* Balances change with readings or with entries; supplies with desired and observed. */
struct version_row {
	char version[LIVE_VERSION_MAX];
};
SHAPE(version_shape, struct version_row, FIELD(struct version_row, version));
static const struct query Q_VERSION = {
	"SELECT LEFT(SHA1(CONCAT_WS('/',"
	" (SELECT CONCAT_WS('/', COUNT(*), MAX(read_at), SUM(version), SUM(comm = 'silent'),"
	" SUM(fails > 0)) FROM meter_state),"
	" (SELECT CONCAT_WS('/', COUNT(*), MAX(desired_since), MAX(observed_since),"
	" SUM(CRC32(CONCAT_WS('/', id, desired, desired_reason, observed, keep_until)))) FROM"
	" supply_point),"
	" (SELECT MAX(id) FROM entry),"
	" (SELECT CONCAT_WS('/', COUNT(*), MAX(from_at), MAX(to_at)) FROM contract_point),"
	" (SELECT MAX(level_since) FROM account),"
	" (SELECT CONCAT_WS('/', COUNT(*), SUM(enabled)) FROM meter))), 24) AS version",
	&version_shape
};

enum err live_version(struct db *db, char out[static LIVE_VERSION_MAX])
{
	struct version_row row;
	enum err e = db_one(db, &Q_VERSION, NO_ARGS, &row);

	if (e == ERR_OK)
		memcpy(out, row.version, LIVE_VERSION_MAX);
	return e;
}

static bool is_low(const char *level)
{
	return str_eq(level, "low1") || str_eq(level, "low2") || str_eq(level, "arrears");
}

const char *live_word(const struct live_face *f, struct utc now)
{
	bool off = f->switchable && (str_eq(f->observed, "off") || str_eq(f->desired, "off"));

	if (str_eq(f->comm, "silent"))
		return "silent";
	if (!str_eq(f->role, "tenant"))
		return "public";
	if (off && (str_eq(f->desired_reason, "manual") || str_eq(f->desired_reason, "vacant")))
		return "off";
	if (off)
		return "cut";
	if (f->keep_until.ms > now.ms)
		return "kept";
	return is_low(f->level) ? "low" : "on";
}

const char *live_display(const struct live_meter *m, struct utc now)
{
	return live_word(LIVE_FACE(m), now);
}

#define F(member) FIELD(struct live_act, member)
SHAPE(act_shape, struct live_act, F(id), F(action), F(state), F(reason), F(actor), F(error),
	F(created_at), F(done_at));
#undef F
static const struct query Q_ACTS = {
	"SELECT id, action, state, reason, actor, error, created_at, done_at FROM supply_act"
	" WHERE meter_id = ? ORDER BY id DESC LIMIT ?",
	&act_shape
};

enum err live_acts(struct db *db, int64_t meter_id, int64_t max, struct rows *out)
{
	return db_list(db, &Q_ACTS, ARGS(arg_i64(meter_id), arg_i64(max)), out);
}

/* Not ON DUPLICATE KEY UPDATE: that needs the right to change the key as well. */
static const struct query Q_READ_WANTED = {
	"UPDATE meter_state SET read_wanted_at = ? WHERE meter_id = ?", NULL
};
static const struct query Q_STATE_NEW = {
	"INSERT INTO meter_state (read_wanted_at, meter_id) VALUES (?, ?)", NULL
};

enum err live_read_wanted(struct db *db, int64_t meter_id, struct utc now)
{
	int64_t n = 0;
	enum err e = db_exec(db, &Q_READ_WANTED, ARGS(arg_utc(now), arg_i64(meter_id)), &n);

	if (e != ERR_OK || n > 0)
		return e;
	e = db_exec(db, &Q_STATE_NEW, ARGS(arg_utc(now), arg_i64(meter_id)), NULL);
	/* The first reading of all came in between. */
	return e == ERR_ALREADY ? ERR_OK : e;
}

#define F(member) FIELD(struct live_gateway, member)
SHAPE(gateway_shape, struct live_gateway, F(id), F(code), F(name), F(address), F(transport),
	F(area), F(comm), F(comm_since), F(meters), F(fresh), F(read_at), F(round_ms),
	F(utilisation_permille), F(answer_p50_ms), F(answer_p95_ms), F(answer_p99_ms), F(enabled));
#undef F
#define GATEWAYS                                                                                   \
	"SELECT g.id, g.code, g.name, g.address, g.transport, r.name AS area,"                     \
	" COALESCE(s.comm, 'never') AS comm, s.comm_since, COUNT(m.id) AS meters,"                 \
	" CAST(COALESCE(SUM(t.read_at > ?), 0) AS SIGNED) AS fresh,"                               \
	" CAST(COALESCE(MAX(t.read_at), 0) AS SIGNED) AS read_at, s.round_ms,"                     \
	" s.utilisation_permille, s.answer_p50_ms, s.answer_p95_ms, s.answer_p99_ms, g.enabled"    \
	" FROM gateway g LEFT JOIN gateway_state s ON s.gateway_id = g.id"                         \
	" LEFT JOIN area r ON r.id = g.area_id"                                                    \
	" LEFT JOIN meter m ON m.gateway_id = g.id AND m.enabled"                                  \
	" LEFT JOIN meter_state t ON t.meter_id = m.id WHERE ? IN (0, g.site_id, " SEEN_GATEWAY(   \
		"g.id") ")"
static const struct query Q_GATEWAYS = { GATEWAYS " GROUP BY g.id ORDER BY g.id", &gateway_shape };
const struct listing live_gateway_listing = {
	.all = { GATEWAYS, &gateway_shape },
	.group = " GROUP BY g.id",
	.sorts = { { "id", "g.id" }, { "code", "g.code" }, { "name", "g.name" } },
	.order = "id",
	.filters = { { "site_id", FILTER_ID, "g.site_id = ?" },
		{ "area_id", FILTER_ID, "g.area_id = ?" },
		{ "comm", FILTER_WORD, "COALESCE(s.comm, 'never') = ?", "ok silent never" },
		{ "transport", FILTER_WORD, "g.transport = ?", "modbus-tcp rtu-tcp rtu dial-in" },
		{ "enabled", FILTER_FLAG, "g.enabled = ?" },
		{ "q", FILTER_TEXT, "LOCATE(?, g.code) OR LOCATE(?, g.name)" } },
	.usual = 1000,
	.most = 1000,
};

enum err live_gateways(struct db *db, int64_t site_id, struct utc now, struct rows *out)
{
	return db_list(db, &Q_GATEWAYS, ARGS(arg_i64(now.ms - FRESH_MS), arg_i64(site_id)), out);
}

#define F(member) FIELD(struct live_fault, member)
SHAPE(fault_shape, struct live_fault, F(gateway_id), F(gateway), F(kind), F(seen), F(last_at));
#undef F
static const struct query Q_FAULTS = {
	"SELECT f.gateway_id, g.code AS gateway, f.kind, f.seen, f.last_at FROM gateway_fault f"
	" JOIN gateway g ON g.id = f.gateway_id WHERE ? IN (0, g.site_id, " SEEN_GATEWAY(
		"g.id") ")"
			" ORDER BY f.gateway_id, f.kind",
	&fault_shape
};

enum err live_faults(struct db *db, int64_t site_id, struct rows *out)
{
	return db_list(db, &Q_FAULTS, ARGS(arg_i64(site_id)), out);
}

#define F(member) FIELD(struct live_reception, member)
SHAPE(reception_shape, struct live_reception, F(accepted), F(turned_away), F(unknown), F(elsewhere),
	F(refused));
#undef F
static const struct query Q_RECEPTION = {
	"SELECT CAST(COALESCE(SUM(accepted), 0) AS SIGNED) AS accepted,"
	" CAST(COALESCE(SUM(turned_away), 0) AS SIGNED) AS turned_away,"
	" CAST(COALESCE(SUM(unknown), 0) AS SIGNED) AS unknown,"
	" CAST(COALESCE(SUM(elsewhere), 0) AS SIGNED) AS elsewhere,"
	" CAST(COALESCE(SUM(refused), 0) AS SIGNED) AS refused FROM reception",
	&reception_shape
};

enum err live_reception(struct db *db, struct live_reception *out)
{
	return db_one(db, &Q_RECEPTION, NO_ARGS, out);
}

#define F(member) FIELD(struct live_counts, member)
SHAPE(counts_shape, struct live_counts, F(meters_total), F(meters_fresh), F(gateways_silent),
	F(orders_pending), F(outbox_pending));
#undef F
static const struct query Q_COUNTS = {
	"SELECT (SELECT COUNT(*) FROM meter WHERE enabled) AS meters_total,"
	" (SELECT COUNT(*) FROM meter m JOIN meter_state s ON s.meter_id = m.id"
	" WHERE m.enabled AND s.read_at >= ?) AS meters_fresh,"
	" (SELECT COUNT(*) FROM gateway_state WHERE comm = 'silent') AS gateways_silent,"
	" (SELECT COUNT(*) FROM pay_order WHERE state IN ('created', 'pending')) AS orders_pending,"
	" (SELECT COUNT(*) FROM outbox WHERE state IN ('pending', 'sending')) AS outbox_pending",
	&counts_shape
};

enum err live_counts(struct db *db, struct utc now, struct live_counts *out)
{
	return db_one(db, &Q_COUNTS, ARGS(arg_i64(now.ms - FRESH_MS)), out);
}

struct span_row {
	int64_t ms;
};
SHAPE(span_shape, struct span_row, FIELD(struct span_row, ms));
static const struct query Q_POWER_BACK = {
	"SELECT o.supply_restored_at - o.credited_at AS ms FROM pay_order o" SITE_OF_ORDER
	" WHERE o.credited_at >= ? AND o.supply_restored_at >= o.credited_at"
	" AND ? IN (0, t.site_id, " SEEN_ACCOUNT("a.id") ") ORDER BY ms",
	&span_shape
};

/* The least value that p per cent of the sorted rows do not exceed. */
static int64_t percentile(const struct rows *r, size_t p)
{
	const struct span_row *s = r->at;

	return r->n ? s[(r->n * p + 99) / 100 - 1].ms : -1;
}

enum err live_power_back(struct db *db, int64_t site_id, struct utc now, int64_t *p50_ms,
	int64_t *p95_ms, int64_t *count)
{
	AUTO(rows_free) struct rows r = { 0 };
	enum err e = db_list(db, &Q_POWER_BACK,
		ARGS(arg_i64(now.ms - INT64_C(24) * 3600000), arg_i64(site_id)), &r);

	if (e != ERR_OK)
		return e;
	*p50_ms = percentile(&r, 50);
	*p95_ms = percentile(&r, 95);
	*count = (int64_t)r.n;
	return ERR_OK;
}

#define F(member) FIELD(struct live_tenant, member)
static const struct field tenant_fields[] = { F(id), F(code), F(name), F(room), F(phone) };
#undef F
const struct shape live_tenant_shape = {
	.fields = tenant_fields, .n = ARRAY_LEN(tenant_fields), .size = sizeof(struct live_tenant)
};
const struct listing live_tenant_listing = {
	.all = { "SELECT id, code, name, room, phone FROM tenant WHERE ? IN (0, "
		 "site_id, " SEEN_TENANT("tenant.id") ")",
		&live_tenant_shape },
	.sorts = { { "id", "id" }, { "code", "code" }, { "name", "name" }, { "room", "room" } },
	.order = "id",
	.filters = { { "site_id", FILTER_ID, "site_id = ?" },
		{ "q", FILTER_TEXT,
			"LOCATE(?, room) OR LOCATE(?, name) OR LOCATE(?, phone)"
			" OR LOCATE(?, code)" } },
	.usual = 1000,
	.most = 1000,
};

#define F(member) FIELD(struct live_account, member)
SHAPE(account_shape, struct live_account, F(id), F(purpose), F(balance), F(subsidy), F(level),
	F(tenant_id), F(tenant_code), F(tenant_name), F(room), F(phone), F(meter_id), F(meter_code),
	F(meter_name), F(desired), F(observed), F(observed_since), F(comm));
#undef F
#define ACCOUNT_SELECT                                                                             \
	"SELECT a.id, a.purpose, a.balance_nano AS balance, a.subsidy_nano AS subsidy, a.level,"   \
	" t.id AS tenant_id,"                                                                      \
	" t.code AS tenant_code, t.name AS tenant_name, t.room, t.phone, m.id AS meter_id,"        \
	" m.code AS meter_code, m.name AS meter_name, p.desired, p.observed, p.observed_since,"    \
	" COALESCE(s.comm, 'never') AS comm"                                                       \
	" FROM account a JOIN contract c ON c.id = a.contract_id"                                  \
	" JOIN tenant t ON t.id = c.tenant_id"                                                     \
	" LEFT JOIN meter m ON m.id = (SELECT MIN(m2.id) FROM contract_point cp"                   \
	" JOIN meter m2 ON m2.supply_point_id = cp.supply_point_id"                                \
	" WHERE cp.account_id = a.id AND cp.to_at = 0)"                                            \
	" LEFT JOIN supply_point p ON p.id = m.supply_point_id"                                    \
	" LEFT JOIN meter_state s ON s.meter_id = m.id"                                            \
	" WHERE a.kind = 'purse' AND ? IN (0, t.site_id, " SEEN_ACCOUNT("a.id") ") AND "
const struct listing live_account_listing = {
	.all = { ACCOUNT_SELECT "1", &account_shape },
	.sorts = { { "id", "a.id" }, { "tenant", "t.id", "tenant_id" }, { "room", "t.room" },
		{ "balance", "a.balance_nano" }, { "subsidy", "a.subsidy_nano" } },
	.order = "tenant",
	.filters = { { "tenant_id", FILTER_ID, "t.id = ?" },
		{ "site_id", FILTER_ID, "t.site_id = ?" },
		{ "purpose", FILTER_WORD, "a.purpose = ?", "electricity water fee" },
		{ "level", FILTER_WORD, "a.level = ?", "ok low1 low2 arrears" },
		{ "q", FILTER_TEXT,
			"LOCATE(?, t.room) OR LOCATE(?, t.name) OR LOCATE(?, t.phone)"
			" OR LOCATE(?, m.code)" } },
	.usual = 200,
};
static const struct query Q_ACCOUNT = { ACCOUNT_SELECT "a.id = ?", &account_shape };

enum err live_account(struct db *db, int64_t site_id, int64_t id, struct live_account *out)
{
	return db_one(db, &Q_ACCOUNT, ARGS(arg_i64(site_id), arg_i64(id)), out);
}
