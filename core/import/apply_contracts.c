/* Contracts of a workbook with their meters and fees, and what follows for supply. */
#include <inttypes.h>
#include <stdio.h>

#include "domain/contract.h"
#include "domain/fee.h"
#include "domain/place.h"
#include "import/many.h"
#include "rules/fee.h"

#define CODE_MAX 256

static struct fee_actor fee_actor_of(const struct applying *a)
{
	return (struct fee_actor){ a->ask->site_id, a->ask->actor, a->ask->address, a->ask->now };
}

/* ---- contracts ---- */

static json_t *point_json(int64_t contract_id, const char *meter, struct utc from)
{
	json_t *o = json_pack("{s:I, s:s, s:I}", "contract", (json_int_t)contract_id, "meter",
		meter, "begins", (json_int_t)from.ms);

	ASSERT(o);
	return o;
}

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
		if (list_has(held, code))
			continue;
		else if (a->many)
			e = many_add(a, &a->points, point_json(c.id, code, from));
		else
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

static enum err fee_later(struct applying *a, int64_t fen, int64_t contract_id, struct day from,
	const char *once, struct problem *why)
{
	char day[DAY_TEXT_MAX];
	json_t *o;
	enum err e = fee_check(&(struct fee_term){ .monthly_fen = fen, .from = from }, why);

	if (e != ERR_OK)
		return e;
	o = json_pack("{s:I, s:I, s:s, s:s}", "contract", (json_int_t)contract_id, "fen",
		(json_int_t)fen, "day", day_text(from, day), "once", once);
	ASSERT(o);
	return many_add(a, &a->fees, o);
}

static enum err begin_fee(struct applying *a, const struct target *t, const struct contract_ref *c,
	struct day from, struct problem *why)
{
	struct fee_actor by = fee_actor_of(a);
	char once[128];
	int64_t id;

	snprintf(once, sizeof(once), "import:%s:%" PRId64, a->ask->once_key, c->id);
	if (a->many && !t->plan->is)
		return fee_later(a, fee_fen(t), c->id, from, once, why);
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
	enum err e = a->many ? contracts_learn(a) : ERR_OK;

	if (e == ERR_OK)
		e = each_row(a, SHEET_TENANTS, add_meters);
	if (e == ERR_OK)
		e = many_end(a, &a->points);
	if (e == ERR_OK)
		e = each_row(a, SHEET_TENANTS, check_branches);
	if (e == ERR_OK)
		e = each_row(a, SHEET_METERS, check_parents);
	if (e == ERR_OK)
		e = each_row(a, SHEET_TENANTS, put_fee);
	if (e == ERR_OK)
		e = many_end(a, &a->fees);
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
