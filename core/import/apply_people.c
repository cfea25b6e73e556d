/* Tenants and purses of a workbook. */
#include <stdlib.h>
#include <string.h>

#include "domain/account.h"
#include "domain/place.h"
#include "domain/role.h"
#include "domain/site.h"
#include "domain/warning.h"
#include "import/many.h"

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
		"", NULL, why);
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

static struct tenant_new tenant_of_row(const struct target *t)
{
	return (struct tenant_new){ .code = t->row->values[TENANT_CODE],
		.name = wish(t, TENANT_NAME, ""),
		.site = t->row->site ? t->row->site : "",
		.phone = wish(t, TENANT_PHONE, ""),
		.contacts = wish(t, TENANT_CONTACTS, ""),
		.room = wish(t, TENANT_ROOM, ""),
		.floor_m2_milli = wish_milli(t, TENANT_FLOOR_M2) };
}

static enum err put_tenant(struct applying *a, const struct target *t, struct problem *why)
{
	struct tenant_new n = tenant_of_row(t);
	struct utc start;
	enum err e;

	if (t->plan->state == ROW_SAME || (a->many && !t->plan->is))
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

static json_t *tenant_json(const struct tenant_new *n, struct utc start)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "code", n->code, "name",
		n->name, "site", n->site, "phone", n->phone, "contacts", n->contacts, "room",
		n->room, "floor", (json_int_t)n->floor_m2_milli, "start", (json_int_t)start.ms);

	ASSERT(o);
	return o;
}

static enum err add_tenants(struct applying *a)
{
	AUTO(many_free) struct many_rows m = { .of = MANY_TENANTS };
	const struct book_sheet *s = &a->book->sheets[SHEET_TENANTS];
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < s->n; i++) {
		struct target t = target_of(a, SHEET_TENANTS, i);
		struct tenant_new n = tenant_of_row(&t);
		struct utc start;

		if (t.plan->is)
			continue;
		e = start_of(a, &t, &start);
		if (e == ERR_OK)
			e = many_add(a, &m, tenant_json(&n, start));
	}
	return e == ERR_OK ? many_end(a, &m) : e;
}

/* Phones that change leave their logins before others get them. */
enum err apply_tenants(struct applying *a)
{
	enum err e = each_row(a, SHEET_TENANTS, put_tenant);

	return e == ERR_OK && a->many ? add_tenants(a) : e;
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

/* Its contract, and where its opening entry goes. */
static enum err purse_place(struct applying *a, struct purse_new *n)
{
	AUTO(zone_free) struct zone *z = NULL;
	struct contract_ref c = { 0 };
	enum err e = contract_of(a, n->tenant, &c);

	if (e == ERR_OK && a->opening.site_id != c.site_id) {
		e = zone_open(c.zone, &z);
		if (e == ERR_OK)
			e = opening_book_get(a->db, c.site_id, z, a->ask->now, &a->opening);
	}
	n->contract_id = c.id;
	n->book = &a->opening;
	return e;
}

static enum err add_purse(struct applying *a, struct purse_new *n, struct problem *why)
{
	int64_t id;
	enum err e = purse_place(a, n);

	return e == ERR_OK ? purse_add(a->db, n, a->ask->now, &id, why) : e;
}

static struct purse_new purse_of_row(const struct applying *a, const struct target *t)
{
	return (struct purse_new){ .tenant = t->row->values[PURSE_TENANT],
		.purpose = t->row->values[PURSE_PURPOSE],
		.opening = wish_money(t, PURSE_OPENING_BALANCE),
		.warn1 = wish_money(t, PURSE_WARN1),
		.warn2 = wish_money(t, PURSE_WARN2),
		.credit_limit = wish_money(t, PURSE_CREDIT_LIMIT),
		.actor = a->ask->actor };
}

static enum err put_purse(struct applying *a, const struct target *t, struct problem *why)
{
	struct purse_new n = purse_of_row(a, t);
	enum err e = ERR_OK;

	if (!t->plan->is)
		return a->many ? ERR_OK : add_purse(a, &n, why);
	if (is_changed(t->plan, PURSE_OPENING_BALANCE))
		e = opening_add(a->db, t->plan->is->row, n.opening, a->ask->actor, a->ask->now);
	if (e == ERR_OK && (is_changed(t->plan, PURSE_WARN1) || is_changed(t->plan, PURSE_WARN2)))
		e = set_warnings(a, t, why);
	if (e == ERR_OK && is_changed(t->plan, PURSE_CREDIT_LIMIT))
		e = set_limit(a, t, why);
	return e;
}

static json_t *purse_json(const struct purse_new *n)
{
	char day[DAY_TEXT_MAX];
	json_t *o = json_pack("{s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:s}", "contract",
		(json_int_t)n->contract_id, "purpose", n->purpose, "opening",
		(json_int_t)n->opening.nano, "warn1", (json_int_t)n->warn1.nano, "warn2",
		(json_int_t)n->warn2.nano, "credit_limit", (json_int_t)n->credit_limit.nano, "site",
		(json_int_t)n->book->site_id, "day", day_text(n->book->day, day));

	ASSERT(o);
	return o;
}

static enum err add_purses(struct applying *a)
{
	AUTO(many_free) struct many_rows m = { .of = MANY_PURSES };
	const struct book_sheet *s = &a->book->sheets[SHEET_PURSES];
	enum err e = contracts_learn(a);

	for (size_t i = 0; e == ERR_OK && i < s->n; i++) {
		struct target t = target_of(a, SHEET_PURSES, i);
		struct purse_new n = purse_of_row(a, &t);

		if (t.plan->is)
			continue;
		e = purse_place(a, &n);
		if (e == ERR_OK)
			e = many_add(a, &m, purse_json(&n));
	}
	return e == ERR_OK ? many_end(a, &m) : e;
}

enum err apply_purses(struct applying *a)
{
	enum err e = a->many ? add_purses(a) : ERR_OK;

	return e == ERR_OK ? each_row(a, SHEET_PURSES, put_purse) : e;
}
