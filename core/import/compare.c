#include "import/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/compare_inside.h"
#include "meter/model.h"

const char *const import_rights[RIGHT__MAX] = {
	[RIGHT_TARIFF] = "tariff.edit",
	[RIGHT_PURSE] = "account.edit",
	[RIGHT_SHARE] = "share.edit",
	[RIGHT_FEE] = "fee.edit",
};

void plan_free(struct plan *p)
{
	for (int i = 0; i < SHEET__MAX; i++) {
		free(p->rows[i]);
		g_clear_pointer(&p->index[i], g_hash_table_destroy);
	}
	g_clear_pointer(&p->utility, g_hash_table_destroy);
	*p = (struct plan){ .utility = NULL };
}

const char *merged(const struct row_plan *p, const struct book_row *row, size_t column)
{
	const char *v = row->values[column];

	if (v && v[0])
		return v;
	return p->is ? p->is->values[column] : "";
}

/* ---- lists of codes ---- */

static bool list_in(const char *list, const char *other)
{
	char one[256];

	while (list_next(&list, one, sizeof(one)))
		if (!list_has(other, one))
			return false;
	return true;
}

/* ---- equal or not ---- */

static bool equal(enum sheet_id sheet, size_t column, const char *v, const struct book_row *is)
{
	const struct column *k = &sheet_layouts[sheet].columns[column];
	const char *was = is->values[column];

	if (sheet == SHEET_TARIFFS && column == TARIFF_FILE)
		return str_eq(v, is->doc);
	if (k->kind == COL_CODES)
		return list_in(v, was) && list_in(was, v);
	if (k->kind == COL_WHOLE || k->kind == COL_DECIMAL) /* nothing is 0 */
		return str_eq(v, was[0] ? was : "0");
	return str_eq(v, was);
}

static void plan_row(struct compare *c, enum sheet_id sheet, size_t i)
{
	const struct sheet_layout *l = &sheet_layouts[sheet];
	struct book_row *r = &c->book->sheets[sheet].rows[i];
	struct row_plan *p = &c->plan->rows[sheet][i];
	char *key = book_key(sheet, r);

	if (!key)
		return;
	p->is = present_find(c->present, sheet, key);
	for (size_t k = 0; p->is && k < l->n; k++)
		if (r->values[k] && r->values[k][0] && !equal(sheet, k, r->values[k], p->is))
			p->changed |= 1u << k;
	p->state = !p->is ? ROW_NEW : p->changed ? ROW_CHANGED : ROW_SAME;
	c->plan->counts[sheet][p->state]++;
	if (g_hash_table_contains(c->plan->index[sheet], key))
		g_free(key); /* it comes twice: told already */
	else
		g_hash_table_insert(c->plan->index[sheet], key, r);
}

static void plan_rows(struct compare *c)
{
	struct plan *p = c->plan;

	p->utility = g_hash_table_new(g_str_hash, g_str_equal);
	for (int s = 0; s < SHEET__MAX; s++) {
		size_t n = c->book->sheets[s].n;

		p->index[s] = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
		p->rows[s] = calloc(n + 1, sizeof(*p->rows[s]));
		ASSERT(p->rows[s]);
		for (size_t i = 0; i < n; i++)
			plan_row(c, (enum sheet_id)s, i);
	}
}

const char *value_of(const struct compare *c, enum sheet_id sheet, const char *code, size_t column)
{
	const struct book_row *r = g_hash_table_lookup(c->plan->index[sheet], code);
	const struct book_row *is = present_find(c->present, sheet, code);

	if (r && r->values[column] && r->values[column][0])
		return r->values[column];
	return is ? is->values[column] : "";
}

/* ---- what an import does not change ---- */

static const struct {
	enum sheet_id sheet;
	size_t column;
	const char *zh, *en;
} fixed[] = {
	{ SHEET_SITES, SITE_ZONE, "时区不能修改", "a site keeps its time zone" },
	{ SHEET_AREAS, AREA_SITE, "区域不能换项目", "an area keeps its site" },
	{ SHEET_GATEWAYS, GATEWAY_SITE, "网关不能换项目", "a gateway keeps its site" },
	{ SHEET_METERS, METER_MODEL, "型号不能通过导入修改，请用换表",
		"an import does not change the model; exchange the meter" },
	{ SHEET_METERS, METER_UTILITY, "能源类型不能修改", "a meter keeps its utility" },
	{ SHEET_METERS, METER_BILLING, "计费方式不能通过导入修改",
		"an import does not change how a meter is billed" },
	{ SHEET_METERS, METER_LOAD_CLASS, "负荷等级不能通过导入修改",
		"an import does not change the load class" },
	{ SHEET_METERS, METER_CT_RATIO, "变比不能通过导入修改",
		"an import does not change ratios" },
	{ SHEET_METERS, METER_PT_RATIO, "变比不能通过导入修改",
		"an import does not change ratios" },
	{ SHEET_METERS, METER_START_REGISTER, "起始读数不能修改",
		"a meter keeps its start register" },
	{ SHEET_TENANTS, TENANT_START_DATE, "起租日期不能修改", "a contract keeps its start" },
	{ SHEET_PURSES, PURSE_OPENING_BALANCE, "期初余额只在建账户时有效，不能修改",
		"a purse has its opening balance from when it was made" },
};

/* What needs a further permission, once it is in use; column SIZE_MAX: any. */
static const struct {
	enum sheet_id sheet;
	size_t column;
	enum import_right right;
} guarded[] = {
	{ SHEET_TARIFFS, SIZE_MAX, RIGHT_TARIFF },
	{ SHEET_METERS, METER_TARIFF, RIGHT_TARIFF },
	{ SHEET_TENANTS, TENANT_PROPERTY_FEE, RIGHT_FEE },
	{ SHEET_PURSES, SIZE_MAX, RIGHT_PURSE },
	{ SHEET_SHARES, SIZE_MAX, RIGHT_SHARE },
};

static void check_rights(struct compare *c, enum sheet_id sheet, size_t i)
{
	const struct book_row *r = &c->book->sheets[sheet].rows[i];
	const struct row_plan *p = &c->plan->rows[sheet][i];
	char zh[120], en[120];

	for (size_t k = 0; k < ARRAY_LEN(guarded); k++) {
		bool any = guarded[k].column == SIZE_MAX;
		bool touched = any ? p->changed && !p->is->fresh : is_changed(p, guarded[k].column);

		if (guarded[k].sheet != sheet || !touched || c->rights >> guarded[k].right & 1)
			continue;
		snprintf(zh, sizeof(zh), "修改它还需要权限 %s", import_rights[guarded[k].right]);
		snprintf(en, sizeof(en), "to change it needs the permission %s",
			import_rights[guarded[k].right]);
		book_refuse(c->book, sheet, r, any ? 0 : guarded[k].column, ERR_FORBIDDEN, zh, en);
	}
}

static void check_fixed(struct compare *c, enum sheet_id sheet, size_t i)
{
	const struct book_row *r = &c->book->sheets[sheet].rows[i];
	const struct row_plan *p = &c->plan->rows[sheet][i];
	char zh[200], en[200];

	for (size_t k = 0; p->is && k < ARRAY_LEN(fixed); k++) {
		const char *was = p->is->values[fixed[k].column];

		if (fixed[k].sheet != sheet || !is_changed(p, fixed[k].column) || p->is->fresh)
			continue;
		snprintf(zh, sizeof(zh), "%s（现为%.40s）", fixed[k].zh, was[0] ? was : "空");
		snprintf(en, sizeof(en), "%s (now %.40s)", fixed[k].en, was[0] ? was : "none");
		book_refuse(c->book, sheet, r, fixed[k].column, ERR_CONFLICT, zh, en);
	}
}

void book_compare(struct compare *c)
{
	plan_rows(c);
	for (int s = 0; s < SHEET__MAX; s++)
		for (size_t i = 0; i < c->book->sheets[s].n; i++) {
			check_fixed(c, (enum sheet_id)s, i);
			check_rights(c, (enum sheet_id)s, i);
		}
	compare_places(c);
	compare_meters(c);
	compare_people(c);
	compare_shares(c);
}
