#include "import/many.h"

#include <stdlib.h>
#include <string.h>

#include "domain/account.h"

/* clang-format off */
#define ROWS(columns) "JSON_TABLE(?, '$[*]' COLUMNS (" columns ")) k"
#define NAME(n) n " VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$." n "'"
#define TEXT(n) n " TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$." n "'"
#define WHOLE(n) n " BIGINT PATH '$." n "'"

#define METERS ROWS(NAME("code") ", " TEXT("name") ", " NAME("gateway") ", " TEXT("unit") ", " TEXT("model") ", "           \
	TEXT("serial") ", " TEXT("utility") ", " TEXT("role") ", " NAME("area") ", " NAME("tariff") ", " TEXT("billing")    \
	", " TEXT("load_class") ", " WHOLE("switchable") ", " WHOLE("start") ", " WHOLE("ct") ", " WHOLE("pt") ", "         \
	WHOLE("rated") ", " WHOLE("power_limit"))
#define TENANTS ROWS(NAME("code") ", " TEXT("name") ", " NAME("site") ", " NAME("phone") ", " TEXT("contacts") ", "         \
	TEXT("room") ", " WHOLE("floor") ", " WHOLE("start"))
#define PURSES ROWS(WHOLE("contract") ", " NAME("purpose") ", " WHOLE("opening") ", " WHOLE("warn1") ", " WHOLE("warn2")    \
	", " WHOLE("credit_limit") ", " WHOLE("site") ", " NAME("day"))
#define POINTS ROWS(WHOLE("contract") ", " NAME("meter") ", " WHOLE("begins"))
#define FEES ROWS(WHOLE("contract") ", " WHOLE("fen") ", " NAME("day") ", " NAME("once"))

#define PURSE_CODE "CONCAT('purse:', k.contract, ':', k.purpose)"
#define OPENED " JOIN account a ON a.code = " PURSE_CODE " JOIN entry e ON e.once_key = CONCAT('opening:', a.id)"

/* A statement about the rows: args has a letter for each ?: r rows, n now, a actor, s the caller's
 * address. */
struct many_step {
	struct query query;
	const char *args;
	bool counts; /* an id: how many rows must not be */
};
#define STEP(args, text) { { text, NULL }, args, false }
#define NONE_OF(text) { { text, &id_shape }, "r", true }

static const struct many_step meters[] = {
	STEP("nr", "INSERT INTO supply_point (code, site_id, utility, switchable, billing, load_class, desired_since)"
		" SELECT STRAIGHT_JOIN k.code, g.site_id, k.utility, k.switchable, k.billing, k.load_class, ?"
		" FROM " METERS " JOIN gateway g ON g.code = k.gateway"),
	STEP("r", "INSERT INTO meter (code, name, gateway_id, unit, model, serial, utility, role, area_id, supply_point_id,"
		" ct_ratio, pt_ratio, rated_current_ma, start_milli, billing, power_limit_w)"
		" SELECT STRAIGHT_JOIN k.code, k.name, g.id, k.unit, k.model, k.serial, k.utility, k.role, ar.id, p.id,"
		" k.ct, k.pt, k.rated, COALESCE(k.start, 0), k.billing, k.power_limit"
		" FROM " METERS " JOIN gateway g ON g.code = k.gateway JOIN supply_point p ON p.code = k.code"
		" LEFT JOIN area ar ON ar.code = k.area"),
	NONE_OF("SELECT STRAIGHT_JOIN COUNT(*) AS id FROM " METERS " LEFT JOIN meter m ON m.code = k.code"
		" LEFT JOIN tariff t ON t.code = k.tariff WHERE m.id IS NULL OR m.area_id IS NULL AND k.area <> ''"
		" OR t.id IS NULL AND k.tariff <> ''"),
	STEP("r", "INSERT INTO meter_state (meter_id) SELECT STRAIGHT_JOIN m.id FROM " METERS " JOIN meter m ON m.code = k.code"),
	STEP("nr", "INSERT INTO settled (meter_id, read_at, register_milli) SELECT STRAIGHT_JOIN m.id, ?, k.start FROM " METERS
		" JOIN meter m ON m.code = k.code WHERE k.start IS NOT NULL"),
	STEP("r", "INSERT INTO meter_tariff (meter_id, from_at, tariff_id) SELECT STRAIGHT_JOIN m.id, 0, t.id FROM " METERS
		" JOIN meter m ON m.code = k.code JOIN tariff t ON t.code = k.tariff"),
};

static const struct many_step tenants[] = {
	STEP("r", "INSERT INTO tenant (code, name, site_id, phone, contacts, room, floor_m2_milli)"
		" SELECT STRAIGHT_JOIN k.code, k.name, s.id, k.phone, k.contacts, k.room, k.floor FROM " TENANTS
		" JOIN site s ON s.code = k.site"),
	STEP("r", "INSERT INTO contract (code, tenant_id, start_at) SELECT STRAIGHT_JOIN k.code, t.id, k.start FROM " TENANTS
		" JOIN tenant t ON t.code = k.code"),
	NONE_OF("SELECT STRAIGHT_JOIN COUNT(*) AS id FROM " TENANTS " LEFT JOIN tenant t ON t.code = k.code"
		" LEFT JOIN user u ON u.username = k.phone WHERE t.id IS NULL OR u.kind <> 'tenant'"),
	/* Who has logged in with that phone before sees this tenant too. */
	STEP("r", "INSERT INTO user (username, kind, name, phone) SELECT k.phone, 'tenant', k.name, k.phone FROM " TENANTS
		" WHERE k.phone <> '' ON DUPLICATE KEY UPDATE id = user.id"),
	STEP("r", "INSERT INTO user_tenant (user_id, tenant_id) SELECT STRAIGHT_JOIN u.id, t.id FROM " TENANTS
		" JOIN user u ON u.username = k.phone JOIN tenant t ON t.code = k.code WHERE k.phone <> ''"),
};

/* As place.h's purse_add() and entry.h's entry_post() do for one: balances move by what is posted,
 * and no day that is closed takes an entry. */
static const struct many_step purses[] = {
	STEP("r", "INSERT INTO account (code, kind, contract_id, purpose, warn1_nano, warn2_nano, credit_limit_nano)"
		" SELECT " PURSE_CODE ", 'purse', k.contract, k.purpose, k.warn1, k.warn2, k.credit_limit FROM " PURSES),
	STEP("anr", "INSERT INTO entry (site_id, kind, once_key, reference, actor, book_day, created_at, memo)"
		" SELECT STRAIGHT_JOIN k.site, 'opening', CONCAT('opening:', a.id), CONCAT('account:', a.id), ?, k.day, ?, ''"
		" FROM " PURSES " JOIN account a ON a.code = " PURSE_CODE " WHERE k.opening <> 0"),
	NONE_OF("SELECT STRAIGHT_JOIN COUNT(*) AS id FROM " PURSES " JOIN book_day b ON b.site_id = k.site AND b.day >= k.day"
		" WHERE k.opening <> 0"),
	STEP("r", "UPDATE " PURSES " JOIN account a ON a.code = " PURSE_CODE
		" SET a.balance_nano = a.balance_nano + k.opening, a.seen = a.seen + 1 WHERE k.opening <> 0"),
	STEP("r", "INSERT INTO posting (entry_id, line, account_id, amount_nano) SELECT STRAIGHT_JOIN e.id, 1, o.id, -k.opening"
		" FROM " PURSES OPENED " JOIN account o ON o.code = 'opening' WHERE k.opening <> 0"),
	STEP("r", "INSERT INTO posting (entry_id, line, account_id, amount_nano) SELECT STRAIGHT_JOIN e.id, 2, a.id, k.opening"
		" FROM " PURSES OPENED " WHERE k.opening <> 0"),
};

static const struct many_step points[] = {
	STEP("r", "INSERT INTO account (code, kind, contract_id, purpose) SELECT STRAIGHT_JOIN DISTINCT"
		" CONCAT('purse:', k.contract, ':', m.utility), 'purse', k.contract, CONCAT(m.utility) FROM " POINTS
		" JOIN meter m ON m.code = k.meter LEFT JOIN account x ON x.contract_id = k.contract"
		" AND x.purpose = CONCAT(m.utility) WHERE x.id IS NULL"),
	STEP("r", "INSERT INTO contract_point (contract_id, supply_point_id, account_id, from_at)"
		" SELECT STRAIGHT_JOIN k.contract, m.supply_point_id, x.id, k.begins FROM " POINTS
		" JOIN meter m ON m.code = k.meter JOIN account x ON x.contract_id = k.contract"
		" AND x.purpose = CONCAT(m.utility)"),
	NONE_OF("SELECT STRAIGHT_JOIN COUNT(*) AS id FROM " POINTS " LEFT JOIN meter m ON m.code = k.meter WHERE m.id IS NULL"),
};

static const struct many_step fees[] = {
	NONE_OF("SELECT STRAIGHT_JOIN COUNT(*) AS id FROM " FEES " JOIN contract_fee f ON f.contract_id = k.contract"
		" AND f.kind = 'property_fee'"),
	STEP("r", "INSERT INTO account (code, kind, contract_id, purpose) SELECT STRAIGHT_JOIN CONCAT('purse:', k.contract,"
		" ':fee'), 'purse', k.contract, 'fee' FROM " FEES " LEFT JOIN account x ON x.contract_id = k.contract"
		" AND x.purpose = 'fee' WHERE x.id IS NULL"),
	STEP("nar", "INSERT INTO contract_fee (contract_id, account_id, kind, monthly_fen, from_day, created_at, actor, once_key)"
		" SELECT STRAIGHT_JOIN k.contract, x.id, 'property_fee', k.fen, k.day, ?, ?, k.once FROM " FEES
		" JOIN account x ON x.contract_id = k.contract AND x.purpose = 'fee'"),
	STEP("nasr", "INSERT INTO audit (at, actor, address, action, object, detail, outcome)"
		" SELECT STRAIGHT_JOIN ?, ?, ?, 'fee.create', CONCAT('fee:', f.id), JSON_COMPACT(JSON_OBJECT('contract_id',"
		" f.contract_id, 'kind', f.kind, 'monthly_fen', f.monthly_fen, 'from_day', k.day)), 'ok' FROM " FEES
		" JOIN contract_fee f ON f.once_key = k.once"),
};
/* clang-format on */

static const struct {
	const struct many_step *steps;
	size_t n;
} tables[MANY__MAX] = {
	[MANY_METERS] = { meters, ARRAY_LEN(meters) },
	[MANY_TENANTS] = { tenants, ARRAY_LEN(tenants) },
	[MANY_PURSES] = { purses, ARRAY_LEN(purses) },
	[MANY_POINTS] = { points, ARRAY_LEN(points) },
	[MANY_FEES] = { fees, ARRAY_LEN(fees) },
};

static struct arg arg_of(const struct applying *a, const char *rows, char letter)
{
	switch (letter) {
	case 'r':
		return arg_text(rows);
	case 'n':
		return arg_utc(a->ask->now);
	case 'a':
		return arg_text(a->ask->actor);
	default:
		return arg_text(a->ask->address);
	}
}

static enum err step_run(struct applying *a, const struct many_step *s, const char *rows)
{
	struct arg args[4];
	struct id_row found = { 0 };
	size_t n = strlen(s->args);
	enum err e;

	ASSERT(n <= ARRAY_LEN(args));
	for (size_t i = 0; i < n; i++)
		args[i] = arg_of(a, rows, s->args[i]);
	if (!s->counts)
		return db_exec(a->db, &s->query, args, n, NULL);
	e = db_one(a->db, &s->query, args, n, &found);
	return e == ERR_OK && found.id > 0 ? ERR_CONFLICT : e;
}

void many_free(struct many_rows *m)
{
	json_free(&m->list);
}

enum err many_end(struct applying *a, struct many_rows *m)
{
	AUTO(text_free) char *rows = NULL;
	enum err e = ERR_OK;

	if (!m->list)
		return ERR_OK;
	rows = json_text(m->list);
	for (size_t i = 0; e == ERR_OK && i < tables[m->of].n; i++)
		e = step_run(a, &tables[m->of].steps[i], rows);
	json_free(&m->list);
	return e;
}

enum err many_add(struct applying *a, struct many_rows *m, json_t *row)
{
	if (!m->list)
		m->list = json_array();
	json_array_append_new(m->list, row);
	return json_array_size(m->list) < MANY_ROWS ? ERR_OK : many_end(a, m);
}

/* ---- contracts ---- */

struct learnt {
	char tenant[257];
	struct contract_ref ref;
};
#define F(member, text)                                                                            \
	{                                                                                          \
		.name = text, .at = (uint32_t)offsetof(struct learnt, member),                     \
		.size = (uint32_t)sizeof(((struct learnt *)0)->member),                            \
		.kind = KIND_OF(((struct learnt *)0)->member)                                      \
	}
SHAPE(learnt_shape, struct learnt, F(tenant, "tenant"), F(ref.id, "id"), F(ref.site_id, "site_id"),
	F(ref.zone, "zone"), F(ref.start_at, "start_at"));
#undef F
static const struct query Q_CONTRACTS = {
	"SELECT STRAIGHT_JOIN t.code AS tenant, c.id, t.site_id, s.zone, c.start_at FROM " ROWS(
		NAME("code")) " JOIN tenant t ON t.code = k.code JOIN contract c ON c.tenant_id ="
			      " t.id AND c.end_at = 0 JOIN site s ON s.id = t.site_id ORDER BY "
			      "c.id",
	&learnt_shape
};

/* The text that the book has of it: it lives as long as the contracts do. */
static void learn(struct applying *a, const struct learnt *l, GHashTable *names)
{
	const char *name = g_hash_table_lookup(names, l->tenant);
	struct contract_ref *kept;

	if (!name || g_hash_table_contains(a->contracts, name)) /* the first open one counts */
		return;
	kept = malloc(sizeof(*kept));
	ASSERT(kept);
	*kept = l->ref;
	g_hash_table_insert(a->contracts, (char *)(uintptr_t)name, kept);
}

static void names_of(const struct book_sheet *s, size_t column, GHashTable *names, json_t *list)
{
	for (size_t i = 0; i < s->n; i++) {
		const char *name = s->rows[i].values[column];

		if (g_hash_table_insert(names, (char *)(uintptr_t)name, (char *)(uintptr_t)name))
			json_array_append_new(list, json_pack("{s:s}", "code", name));
	}
}

enum err contracts_learn(struct applying *a)
{
	GHashTable *names = g_hash_table_new(g_str_hash, g_str_equal);
	AUTO(json_free) json_t *list = json_array();
	AUTO(text_free) char *text = NULL;
	AUTO(rows_free) struct rows rows = { 0 };
	const struct learnt *l;
	enum err e;

	names_of(&a->book->sheets[SHEET_TENANTS], TENANT_CODE, names, list);
	names_of(&a->book->sheets[SHEET_PURSES], PURSE_TENANT, names, list);
	text = json_text(list);
	e = db_list(a->db, &Q_CONTRACTS, ARGS(arg_text(text)), &rows);
	l = rows.at;
	for (size_t i = 0; i < rows.n; i++)
		learn(a, &l[i], names);
	g_hash_table_destroy(names);
	return e;
}
