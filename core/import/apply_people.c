/* Tenants, purses, and contracts with their meters and fees of a workbook. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/account.h"
#include "domain/contract.h"
#include "domain/fee.h"
#include "domain/place.h"
#include "domain/role.h"
#include "domain/site.h"
#include "domain/warning.h"
#include "import/apply_inside.h"

#define CODE_MAX 256

#define F(member) FIELD(struct contract_ref, member)
SHAPE(contract_shape, struct contract_ref, F(id), F(site_id), F(zone), F(start_at));
#undef F
static const struct query Q_CONTRACT = {
	"SELECT c.id, t.site_id, s.zone, c.start_at FROM contract c JOIN tenant t"
	" ON t.id = c.tenant_id JOIN site s ON s.id = t.site_id"
	" WHERE t.code = ? AND c.end_at = 0 ORDER BY c.id LIMIT 1",
	&contract_shape
};
#define F(member) FIELD(struct meter_ref, member)
SHAPE(meter_shape, struct meter_ref, F(id), F(site_id), F(utility), F(billing), F(role));
#undef F
static const struct query Q_METER = {
	"SELECT m.id, p.site_id, m.utility, m.billing, m.role FROM meter m"
	" JOIN supply_point p ON p.id = m.supply_point_id WHERE m.code = ?",
	&meter_shape
};
enum err meter_of(struct applying *a, const char *code, struct meter_ref *out)
{
	return db_one(a->db, &Q_METER, ARGS(arg_text(code)), out);
}

enum err contract_of(struct applying *a, const char *tenant, struct contract_ref *out)
{
	struct contract_ref *kept = g_hash_table_lookup(a->contracts, tenant);
	enum err e;

	if (kept) {
		*out = *kept;
		return ERR_OK;
	}
	e = db_one(a->db, &Q_CONTRACT, ARGS(arg_text(tenant)), out);
	if (e != ERR_OK)
		return e;
	kept = malloc(sizeof(*kept));
	ASSERT(kept);
	*kept = *out;
	g_hash_table_insert(a->contracts, (char *)(uintptr_t)tenant, kept);
	return ERR_OK;
}

static struct fee_actor fee_actor_of(const struct applying *a)
{
	return (struct fee_actor){ a->ask->site_id, a->ask->actor, a->ask->address, a->ask->now };
}

/* ---- tenants ---- */

/* Who has logged in with that phone before sees this tenant too. */
static enum err add_login(struct applying *a, const struct target *t, struct problem *why)
{
	const char *phone = wish(t, TENANT_PHONE, "");
	enum err e;

	if (!phone[0])
		return ERR_OK;
	e = user_add(a->db,
		&(struct user_new){ .username = phone,
			.name = wish(t, TENANT_NAME, ""),
			.phone = phone,
			.password = "",
			.role = "",
			.site = "",
			.tenant = t->row->values[TENANT_CODE] },
		"", why);
	if (e == ERR_NOT_FOUND)
		return problem_set(why, ERR_CONFLICT, "phone", "a staff login has this name");
	return e == ERR_ALREADY ? ERR_OK : e;
}

/* As the file or the database has it. */
static const char *site_zone_name(const struct applying *a, const char *site)
{
	const struct book_row *r = g_hash_table_lookup(a->plan->index[SHEET_SITES], site);
	const struct book_row *is = present_find(a->present, SHEET_SITES, site);

	if (is)
		return is->values[SITE_ZONE];
	return r && r->values[SITE_ZONE][0] ? r->values[SITE_ZONE] : ZONE_DEFAULT;
}

/* Midnight of the day at the tenant's site; now when none is given. */
static enum err start_of(struct applying *a, const struct target *t, struct utc *out)
{
	AUTO(zone_free) struct zone *z = NULL;
	const char *text = t->row->values[TENANT_START_DATE];
	struct day day;
	enum err e;

	*out = a->ask->now;
	if (!text[0])
		return ERR_OK;
	e = zone_open(site_zone_name(a, t->row->site), &z);
	if (e == ERR_OK)
		e = day_parse(text, &day);
	if (e == ERR_OK)
		*out = zone_day_start(z, day);
	return e;
}

static enum err put_tenant(struct applying *a, const struct target *t, struct problem *why)
{
	struct tenant_new n = { .code = t->row->values[TENANT_CODE],
		.name = wish(t, TENANT_NAME, ""),
		.site = t->row->site ? t->row->site : "",
		.phone = wish(t, TENANT_PHONE, ""),
		.contacts = wish(t, TENANT_CONTACTS, ""),
		.room = wish(t, TENANT_ROOM, ""),
		.floor_m2_milli = wish_milli(t, TENANT_FLOOR_M2) };
	struct utc start;
	enum err e;

	if (t->plan->state == ROW_SAME)
		return ERR_OK;
	if (t->plan->is) {
		e = tenant_edit(a->db, &n, why);
		return e == ERR_OK && is_changed(t->plan, TENANT_PHONE) ? add_login(a, t, why) : e;
	}
	e = start_of(a, t, &start);
	if (e == ERR_OK)
		e = tenant_add(a->db, &n, start, why);
	return e == ERR_OK ? add_login(a, t, why) : e;
}

enum err apply_tenants(struct applying *a)
{
	return each_row(a, SHEET_TENANTS, put_tenant);
}

/* ---- purses ---- */

static enum err set_warnings(struct applying *a, const struct target *t, struct problem *why)
{
	struct warning w = { .account_id = t->plan->is->row,
		.unit = "yuan",
		.warn1 = wish_money(t, PURSE_WARN1),
		.warn2 = wish_money(t, PURSE_WARN2) };

	return warning_set(a->db,
		&(struct warning_change){ .list = &w,
			.n = 1,
			.actor = a->ask->actor,
			.address = a->ask->address,
			.now = a->ask->now },
		why);
}

static enum err set_limit(struct applying *a, const struct target *t, struct problem *why)
{
	struct account now;
	enum err e = account_get(a->db, t->plan->is->row, &now);

	if (e != ERR_OK)
		return e;
	return account_set_limits(a->db,
		&(struct account_limits){ .account_id = now.id,
			.credit_limit = wish_money(t, PURSE_CREDIT_LIMIT),
			.emergency_limit = now.emergency_limit,
			.actor = a->ask->actor,
			.address = a->ask->address,
			.reason = "import",
			.now = a->ask->now },
		why);
}

static enum err add_purse(struct applying *a, struct purse_new *n, struct problem *why)
{
	AUTO(zone_free) struct zone *z = NULL;
	struct contract_ref c;
	int64_t id;
	enum err e = contract_of(a, n->tenant, &c);

	if (e == ERR_OK && a->opening.site_id != c.site_id) {
		e = zone_open(c.zone, &z);
		if (e == ERR_OK)
			e = opening_book_get(a->db, c.site_id, z, a->ask->now, &a->opening);
	}
	n->contract_id = c.id;
	n->book = &a->opening;
	return e == ERR_OK ? purse_add(a->db, n, a->ask->now, &id, why) : e;
}

static enum err put_purse(struct applying *a, const struct target *t, struct problem *why)
{
	struct purse_new n = { .tenant = t->row->values[PURSE_TENANT],
		.purpose = t->row->values[PURSE_PURPOSE],
		.opening = wish_money(t, PURSE_OPENING_BALANCE),
		.warn1 = wish_money(t, PURSE_WARN1),
		.warn2 = wish_money(t, PURSE_WARN2),
		.credit_limit = wish_money(t, PURSE_CREDIT_LIMIT),
		.actor = a->ask->actor };
	enum err e = ERR_OK;

	if (!t->plan->is)
		return add_purse(a, &n, why);
	if (is_changed(t->plan, PURSE_OPENING_BALANCE))
		e = opening_add(a->db, t->plan->is->row, n.opening, a->ask->actor, a->ask->now);
	if (e == ERR_OK && (is_changed(t->plan, PURSE_WARN1) || is_changed(t->plan, PURSE_WARN2)))
		e = set_warnings(a, t, why);
	if (e == ERR_OK && is_changed(t->plan, PURSE_CREDIT_LIMIT))
		e = set_limit(a, t, why);
	return e;
}

enum err apply_purses(struct applying *a)
{
	return each_row(a, SHEET_PURSES, put_purse);
}

/* ---- contracts ---- */

static enum err add_meters(struct applying *a, const struct target *t, struct problem *why)
{
	const char *list = t->row->values[TENANT_METERS];
	const char *held = t->plan->is ? t->plan->is->values[TENANT_METERS] : "";
	struct contract_ref c;
	struct utc from = a->ask->now;
	char code[CODE_MAX];
	enum err e;

	if (!list[0] || (t->plan->is && !is_changed(t->plan, TENANT_METERS)))
		return ERR_OK;
	e = contract_of(a, t->row->values[TENANT_CODE], &c);
	if (e == ERR_OK && c.start_at.ms > from.ms)
		from = c.start_at;
	while (e == ERR_OK && list_next(&list, code, sizeof(code)))
		if (!list_has(held, code))
			e = contract_point_add(a->db, c.id, code, from, why);
	return e;
}

/* When all meters have their holders and stand where they shall: nobody is charged for what
 * another pays already. */
static enum err check_branches(struct applying *a, const struct target *t, struct problem *why)
{
	const char *list = t->row->values[TENANT_METERS];
	char code[CODE_MAX];
	struct meter_ref m;
	enum err e = ERR_OK;

	while (e == ERR_OK && t->plan->state != ROW_SAME && list_next(&list, code, sizeof(code))) {
		if (!g_hash_table_contains(a->trees, code))
			continue;
		e = meter_of(a, code, &m);
		if (e == ERR_OK && !str_eq(m.billing, "none") && str_eq(m.role, "tenant"))
			e = meter_branch_free(a->db, m.id, why);
	}
	return e;
}

/* Meters that got another parent, whoever holds them. */
static enum err check_parents(struct applying *a, const struct target *t, struct problem *why)
{
	if (!t->plan->is || !is_changed(t->plan, METER_PARENT) ||
		!g_hash_table_contains(a->present->holder, t->row->values[METER_CODE]) ||
		!str_eq(wish(t, METER_ROLE, "tenant"), "tenant") ||
		str_eq(t->plan->is->values[METER_BILLING], "none"))
		return ERR_OK;
	return about(why, meter_branch_free(a->db, t->plan->is->row, why), "parent");
}

/* ---- fees ---- */

static int64_t fee_fen(const struct target *t)
{
	struct money m = wish_money(t, TENANT_PROPERTY_FEE);

	return m.nano / NANO_PER_FEN;
}

/* A tenant who was there before this month has paid it elsewhere. */
static struct day fee_begin(const struct contract_ref *c, const struct zone *z, struct day today)
{
	struct month now = month_of(today);
	struct day start = zone_local(z, c->start_at).day;

	if (start.days >= month_first(now).days)
		return start;
	return month_first((struct month){ now.months + 1 });
}

static enum err begin_fee(struct applying *a, const struct target *t, const struct contract_ref *c,
	struct day from, struct problem *why)
{
	struct fee_actor by = fee_actor_of(a);
	char once[128];
	int64_t id;

	snprintf(once, sizeof(once), "import:%s:%" PRId64, a->ask->once_key, c->id);
	return fee_add(a->db,
		&(struct fee_new){ .contract_id = c->id,
			.kind = "property_fee",
			.monthly_fen = fee_fen(t),
			.from = from,
			.once_key = once },
		&by, &id, why);
}

static const struct query Q_FEE = {
	"SELECT id FROM contract_fee WHERE contract_id = ? AND kind = 'property_fee'"
	" AND to_day IS NULL ORDER BY from_day DESC LIMIT 1",
	&id_shape
};

/* Another price counts from the next month on. */
static enum err change_fee(struct applying *a, const struct target *t, const struct contract_ref *c,
	struct day today, struct problem *why)
{
	struct month next = { month_of(today).months + 1 };
	struct fee_actor by = fee_actor_of(a);
	struct id_row fee;
	enum err e = db_one(a->db, &Q_FEE, ARGS(arg_i64(c->id)), &fee);

	if (e == ERR_OK)
		e = fee_end(a->db, fee.id, month_last(month_of(today)), &by, why);
	else if (e == ERR_NOT_FOUND)
		e = ERR_OK;
	if (e == ERR_OK && fee_fen(t) > 0)
		e = begin_fee(a, t, c, month_first(next), why);
	return e;
}

static enum err put_fee(struct applying *a, const struct target *t, struct problem *why)
{
	AUTO(zone_free) struct zone *z = NULL;
	struct contract_ref c;
	struct day today;
	enum err e;

	if (t->plan->is ? !is_changed(t->plan, TENANT_PROPERTY_FEE) : fee_fen(t) == 0)
		return ERR_OK;
	e = contract_of(a, t->row->values[TENANT_CODE], &c);
	if (e == ERR_OK)
		e = zone_open(c.zone, &z);
	if (e != ERR_OK)
		return e;
	today = zone_local(z, a->ask->now).day;
	e = t->plan->is ? change_fee(a, t, &c, today, why)
			: begin_fee(a, t, &c, fee_begin(&c, z, today), why);
	return about(why, e, "property_fee");
}

/* Contracts that meters or money came to, each once. */
static enum err touch(struct applying *a, const char *tenant)
{
	struct contract_ref c;
	enum err e = contract_of(a, tenant, &c);

	if (e == ERR_OK && g_hash_table_add(a->touched, (char *)(uintptr_t)tenant))
		g_array_append_val(a->touched_ids, c.id);
	return e;
}

static enum err touch_tenant(struct applying *a, const struct target *t, struct problem *why)
{
	(void)why;
	if (t->plan->is && !is_changed(t->plan, TENANT_METERS))
		return ERR_OK;
	return touch(a, t->row->values[TENANT_CODE]);
}

static enum err touch_purse(struct applying *a, const struct target *t, struct problem *why)
{
	(void)why;
	if (t->plan->is && !is_changed(t->plan, PURSE_OPENING_BALANCE))
		return ERR_OK;
	return touch(a, t->row->values[PURSE_TENANT]);
}

/* Meters that stand above or below others. */
static void learn_trees(struct applying *a, const struct book *b)
{
	const struct book_sheet *s = &b->sheets[SHEET_METERS];

	for (size_t i = 0; i < s->n; i++) {
		const char **v = s->rows[i].values;

		if (!v[METER_PARENT][0])
			continue;
		g_hash_table_add(a->trees, (char *)(uintptr_t)v[METER_PARENT]);
		g_hash_table_add(a->trees, (char *)(uintptr_t)v[METER_CODE]);
	}
}

static enum err contracts_write(struct applying *a)
{
	enum err e = each_row(a, SHEET_TENANTS, add_meters);

	if (e == ERR_OK)
		e = each_row(a, SHEET_TENANTS, check_branches);
	if (e == ERR_OK)
		e = each_row(a, SHEET_METERS, check_parents);
	if (e == ERR_OK)
		e = each_row(a, SHEET_TENANTS, put_fee);
	if (e == ERR_OK)
		e = each_row(a, SHEET_TENANTS, touch_tenant);
	return e == ERR_OK ? each_row(a, SHEET_PURSES, touch_purse) : e;
}

enum err apply_contracts(struct applying *a)
{
	enum err e;

	learn_trees(a, a->book);
	learn_trees(a, &a->present->book);
	e = contracts_write(a);
	if (e != ERR_OK || a->book->error_n > 0 || a->touched_ids->len == 0)
		return e;
	return contracts_follow(a->db, (const int64_t *)(const void *)a->touched_ids->data,
		a->touched_ids->len, a->ask->now);
}
