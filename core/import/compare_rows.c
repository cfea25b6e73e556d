/* What rows of a workbook may not say, given what there is already. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "import/compare_inside.h"
#include "meter/dialin.h"
#include "meter/model.h"

#define LEVELS_MAX 64
#define RATIO_WHOLE 1000000
#define CODE_MAX 256

/* ---- the site of things ---- */

static const char *site_of_gateway(const struct compare *c, const char *code)
{
	return value_of(c, SHEET_GATEWAYS, code, GATEWAY_SITE);
}

static const char *site_of_area(const struct compare *c, const char *code)
{
	return value_of(c, SHEET_AREAS, code, AREA_SITE);
}

static const char *site_of_meter(const struct compare *c, const char *code)
{
	return site_of_gateway(c, value_of(c, SHEET_METERS, code, METER_GATEWAY));
}

/* Two things that belong together are at one site; what is not known is told elsewhere. */
static void same_site(struct compare *c, enum sheet_id sheet, const struct book_row *r,
	size_t column, const char *site, const char *other)
{
	if (site[0] && other[0] && !str_eq(site, other))
		book_refuse(c->book, sheet, r, column, ERR_CONFLICT, "它在另一个项目",
			"it is at another site");
}

/* Of what does not change: as it is, if it is there. */
static const char *kept(const struct row_plan *p, const struct book_row *r, size_t column)
{
	return p->is ? p->is->values[column] : merged(p, r, column);
}

/* Goes up over what the file and the database say. */
static void no_circle(
	struct compare *c, enum sheet_id sheet, const struct book_row *r, size_t parent)
{
	const char *code = r->values[0], *up = r->values[parent];
	int steps = 0;

	if (!code || !up)
		return;
	while (up[0] && !str_eq(up, code) && steps++ < LEVELS_MAX)
		up = value_of(c, sheet, up, parent);
	if (up[0])
		book_refuse(c->book, sheet, r, parent, ERR_CONFLICT, "上级关系成环或层次过多",
			"it stands above itself, or too many stand above it");
}

/* ---- places ---- */

static void check_site(struct compare *c, size_t i)
{
	const struct book_row *r = &c->book->sheets[SHEET_SITES].rows[i];

	if (c->confined && !c->plan->rows[SHEET_SITES][i].is && r->values[SITE_CODE])
		book_refuse(c->book, SHEET_SITES, r, SITE_CODE, ERR_FORBIDDEN,
			"只有管理全部项目的人才能新增项目", "only staff of all sites may add one");
}

static void check_area(struct compare *c, size_t i)
{
	const struct book_row *r = &c->book->sheets[SHEET_AREAS].rows[i];
	const struct row_plan *p = &c->plan->rows[SHEET_AREAS][i];

	same_site(c, SHEET_AREAS, r, AREA_PARENT, kept(p, r, AREA_SITE),
		site_of_area(c, merged(p, r, AREA_PARENT)));
	if (!p->is || is_changed(p, AREA_PARENT))
		no_circle(c, SHEET_AREAS, r, AREA_PARENT);
}

/* "10.0.0.5:502", "[fd00::5]:502", "gw-3.lan:8234" */
static bool is_host_port(const char *s)
{
	const char *colon = strrchr(s, ':');
	int64_t port;

	if (!colon || colon == s || i64_parse(colon + 1, 1, 65535, &port) != ERR_OK)
		return false;
	for (const char *at = s; at < colon; at++)
		if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7F || *at == '/')
			return false;
	return *s == '[' ? colon[-1] == ']' : !memchr(s, ':', (size_t)(colon - s));
}

static void check_gateway(struct compare *c, size_t i)
{
	const struct book_row *r = &c->book->sheets[SHEET_GATEWAYS].rows[i];
	const struct row_plan *p = &c->plan->rows[SHEET_GATEWAYS][i];
	const char *transport = merged(p, r, GATEWAY_TRANSPORT);
	const char *address = merged(p, r, GATEWAY_ADDRESS);
	struct dial_patterns dial;

	same_site(c, SHEET_GATEWAYS, r, GATEWAY_AREA, kept(p, r, GATEWAY_SITE),
		site_of_area(c, merged(p, r, GATEWAY_AREA)));
	if (!transport[0] || !address[0])
		return;
	if (str_eq(transport, "rtu")) {
		if (address[0] != '/')
			book_refuse(c->book, SHEET_GATEWAYS, r, GATEWAY_ADDRESS, ERR_BAD_VALUE,
				"应为串口设备，例如 /dev/ttyS0",
				"it must be a device; /dev/ttyS0 is one");
	} else if (str_eq(transport, "dial-in")) {
		if (dial_patterns_read(address, "", "", &dial, NULL) != ERR_OK)
			book_refuse(c->book, SHEET_GATEWAYS, r, GATEWAY_ADDRESS, ERR_BAD_VALUE,
				"应为注册码，例如 DTU-0002", "it must be a registration id");
	} else if (!is_host_port(address)) {
		book_refuse(c->book, SHEET_GATEWAYS, r, GATEWAY_ADDRESS, ERR_BAD_VALUE,
			"应为“主机:端口”，例如 10.0.0.5:502",
			"it must be host:port; 10.0.0.5:502 is one");
	}
}

/* ---- tariffs ---- */

static void learn_utility(struct compare *c, const char *code, const char *file)
{
	AUTO(json_free) json_t *doc = NULL;
	const char *word = NULL;

	if (json_parse(file, strlen(file), &doc, NULL) == ERR_OK)
		word = json_string_value(json_object_get(doc, "utility"));
	g_hash_table_insert(c->plan->utility, (char *)(uintptr_t)code,
		(char *)(uintptr_t)(word && str_eq(word, "water") ? "water" : "electricity"));
}

/* A price alone does not say of what: the meters that have it do. */
static void learn_from_meters(struct compare *c)
{
	const struct book_sheet *s = &c->book->sheets[SHEET_METERS];

	for (size_t i = 0; i < s->n; i++) {
		const char *tariff = s->rows[i].values[METER_TARIFF];
		const struct row_plan *p = &c->plan->rows[SHEET_METERS][i];
		const struct model *m = models_find(c->models, merged(p, &s->rows[i], METER_MODEL));

		if (tariff && tariff[0] && m && !g_hash_table_contains(c->plan->utility, tariff))
			g_hash_table_insert(c->plan->utility, (char *)(uintptr_t)tariff,
				(char *)(uintptr_t)utility_word(m->utility));
	}
}

static void learn_utilities(struct compare *c)
{
	const struct book_sheet *s = &c->book->sheets[SHEET_TARIFFS];
	const struct book_sheet *is = &c->present->book.sheets[SHEET_TARIFFS];

	for (size_t i = 0; i < is->n; i++)
		if (!is->rows[i].fresh)
			learn_utility(c, is->rows[i].values[TARIFF_CODE], is->rows[i].doc);
	for (size_t i = 0; i < s->n; i++) {
		const char **v = s->rows[i].values;

		if (v[TARIFF_CODE] && v[TARIFF_FILE] && v[TARIFF_FILE][0] &&
			!g_hash_table_contains(c->plan->utility, v[TARIFF_CODE]))
			learn_utility(c, v[TARIFF_CODE], v[TARIFF_FILE]);
	}
	learn_from_meters(c);
	for (size_t i = 0; i < is->n; i++)
		if (!g_hash_table_contains(c->plan->utility, is->rows[i].values[TARIFF_CODE]))
			learn_utility(c, is->rows[i].values[TARIFF_CODE], is->rows[i].doc);
}

static void check_tariff(struct compare *c, size_t i)
{
	const struct book_row *r = &c->book->sheets[SHEET_TARIFFS].rows[i];
	const struct row_plan *p = &c->plan->rows[SHEET_TARIFFS][i];

	if (p->is && is_changed(p, TARIFF_PRICE) && !p->is->values[TARIFF_PRICE][0])
		book_refuse(c->book, SHEET_TARIFFS, r, TARIFF_PRICE, ERR_CONFLICT,
			"现为分时或阶梯电价，请用文件修改",
			"this tariff has rates or tiers: change it by its file");
}

void compare_places(struct compare *c)
{
	for (size_t i = 0; i < c->book->sheets[SHEET_SITES].n; i++)
		check_site(c, i);
	for (size_t i = 0; i < c->book->sheets[SHEET_AREAS].n; i++)
		check_area(c, i);
	for (size_t i = 0; i < c->book->sheets[SHEET_GATEWAYS].n; i++)
		check_gateway(c, i);
	learn_utilities(c);
	for (size_t i = 0; i < c->book->sheets[SHEET_TARIFFS].n; i++)
		check_tariff(c, i);
}

/* ---- meters ---- */

static void check_meter_tariff(
	struct compare *c, const struct book_row *r, const struct row_plan *p, const char *model)
{
	const struct model *m = models_find(c->models, model);
	const char *tariff = r->values[METER_TARIFF], *word;

	if (!m || !tariff || !tariff[0] || (p->is && !is_changed(p, METER_TARIFF)))
		return;
	word = g_hash_table_lookup(c->plan->utility, tariff);
	if (word && !str_eq(word, utility_word(m->utility)))
		book_refuse(c->book, SHEET_METERS, r, METER_TARIFF, ERR_CONFLICT,
			"该电价不适用于这种能源", "this tariff is for another utility");
}

static void check_meter(struct compare *c, size_t i)
{
	const struct book_row *r = &c->book->sheets[SHEET_METERS].rows[i];
	const struct row_plan *p = &c->plan->rows[SHEET_METERS][i];
	const char *site = site_of_gateway(c, merged(p, r, METER_GATEWAY));

	if (p->is && p->is->site) {
		same_site(c, SHEET_METERS, r, METER_GATEWAY, p->is->site, site);
		site = p->is->site;
	}
	same_site(c, SHEET_METERS, r, METER_AREA, site, site_of_area(c, merged(p, r, METER_AREA)));
	same_site(c, SHEET_METERS, r, METER_PARENT, site,
		site_of_meter(c, merged(p, r, METER_PARENT)));
	if (!p->is || is_changed(p, METER_PARENT))
		no_circle(c, SHEET_METERS, r, METER_PARENT);
	check_meter_tariff(c, r, p, merged(p, r, METER_MODEL));
}

void compare_meters(struct compare *c)
{
	for (size_t i = 0; i < c->book->sheets[SHEET_METERS].n; i++)
		check_meter(c, i);
}

/* ---- tenants ---- */

/* The only site that there is; NULL: there are several, or none. */
static const char *only_site(const struct compare *c)
{
	const struct book_sheet *s = &c->book->sheets[SHEET_SITES];
	const struct book_sheet *is = &c->present->book.sheets[SHEET_SITES];
	const char *found = is->n ? is->rows[0].values[SITE_CODE] : NULL;

	if (is->n > 1)
		return NULL;
	for (size_t i = 0; i < s->n; i++) {
		const char *code = s->rows[i].values[SITE_CODE];

		if (code && found && !str_eq(code, found))
			return NULL;
		found = code ? code : found;
	}
	return found;
}

static void refuse_meters(struct compare *c, const struct book_row *r, enum err e, const char *zh,
	const char *en, const char *code, const char *other)
{
	char zh_text[200], en_text[200];

	snprintf(zh_text, sizeof(zh_text), "%s：%.40s %.40s", zh, code, other);
	snprintf(en_text, sizeof(en_text), "%s: %.40s %.40s", en, code, other);
	book_refuse(c->book, SHEET_TENANTS, r, TENANT_METERS, e, zh_text, en_text);
}

/* Each meter is free or the tenant's own, and at the tenant's site, which of a new one they tell.
 * False: a meter has no place itself, which is told elsewhere. */
static bool check_own_meters(struct compare *c, struct book_row *r, const struct row_plan *p)
{
	const char *list = r->values[TENANT_METERS], *site = p->is ? p->is->site : NULL;
	char code[CODE_MAX];
	bool lost = !list;

	while (list && list_next(&list, code, sizeof(code))) {
		const char *holder = g_hash_table_lookup(c->present->holder, code);
		const char *at = site_of_meter(c, code);

		lost |= !at[0];
		if (holder && !str_eq(holder, r->values[TENANT_CODE]))
			refuse_meters(c, r, ERR_CONFLICT, "表计属于另一租户",
				"this meter is another tenant's", code, holder);
		if (at[0] && site && !str_eq(at, site))
			refuse_meters(c, r, ERR_CONFLICT, "表计在另一个项目",
				"this meter is at another site", code, at);
		if (at[0] && !site)
			site = at;
	}
	r->site = site ? site : only_site(c);
	return !lost;
}

static void check_taken_away(struct compare *c, const struct book_row *r, const struct row_plan *p)
{
	const char *list = p->is->values[TENANT_METERS];
	char code[CODE_MAX];

	if (!is_changed(p, TENANT_METERS))
		return;
	while (list_next(&list, code, sizeof(code)))
		if (!list_has(r->values[TENANT_METERS], code))
			refuse_meters(c, r, ERR_CONFLICT, "导入不能收回租户的表计，请在合同中办理",
				"an import takes no meter from a tenant; close the contract", code,
				"");
}

static void check_tenant(struct compare *c, size_t i)
{
	struct book_row *r = &c->book->sheets[SHEET_TENANTS].rows[i];
	const struct row_plan *p = &c->plan->rows[SHEET_TENANTS][i];
	bool placed;

	if (!r->values[TENANT_CODE])
		return;
	if (p->is && !p->is->link) {
		if (p->changed)
			book_refuse(c->book, SHEET_TENANTS, r, TENANT_CODE, ERR_CONFLICT,
				"该租户已退租，请在合同中重新开户",
				"this tenant has moved out; open a contract anew");
		return;
	}
	placed = check_own_meters(c, r, p);
	if (p->is)
		check_taken_away(c, r, p);
	else if (!r->site && placed)
		book_refuse(c->book, SHEET_TENANTS, r, TENANT_METERS, ERR_MISSING_FIELD,
			"有多个项目时，须填表计以确定所属项目",
			"with several sites, meters must tell at which one the tenant is");
}

/* Plain decimal texts of at most two places, not negative, to fen. */
static int64_t fen(const char *text)
{
	struct money m = { 0 };

	return text[0] && money_parse(text, &m) == ERR_OK ? m.nano / NANO_PER_FEN : 0;
}

static void check_purse(struct compare *c, size_t i)
{
	const struct book_row *r = &c->book->sheets[SHEET_PURSES].rows[i];
	const struct row_plan *p = &c->plan->rows[SHEET_PURSES][i];
	const char *tenant = r->values[PURSE_TENANT];
	const struct book_row *is = tenant ? present_find(c->present, SHEET_TENANTS, tenant) : NULL;

	if (is && !is->link)
		book_refuse(c->book, SHEET_PURSES, r, PURSE_TENANT, ERR_CONFLICT, "该租户已退租",
			"this tenant has moved out");
	if ((!p->is || p->changed) && r->values[PURSE_WARN1] && r->values[PURSE_WARN2] &&
		fen(merged(p, r, PURSE_WARN2)) > fen(merged(p, r, PURSE_WARN1)))
		book_refuse(c->book, SHEET_PURSES, r, PURSE_WARN2, ERR_OUT_OF_RANGE,
			"报警2不能高于报警1", "it must not be above warn1");
}

void compare_people(struct compare *c)
{
	for (size_t i = 0; i < c->book->sheets[SHEET_TENANTS].n; i++)
		check_tenant(c, i);
	for (size_t i = 0; i < c->book->sheets[SHEET_PURSES].n; i++)
		check_purse(c, i);
}

/* ---- shares ---- */

static int64_t ppm(const char *text)
{
	struct price p = { 0 };

	return text && text[0] && price_parse(text, &p) == ERR_OK ? p.micro : 0;
}

/* What the sharers of each source come to, with those that the file does not name. */
static GHashTable *sums_of(struct compare *c)
{
	GHashTable *sums = g_hash_table_new(g_str_hash, g_str_equal);
	const struct book_sheet *is = &c->present->book.sheets[SHEET_SHARES];

	for (size_t i = 0; i < is->n; i++) {
		const char **v = is->rows[i].values;
		char *key = book_key(SHEET_SHARES, &is->rows[i]);
		intptr_t sum = (intptr_t)g_hash_table_lookup(sums, v[SHARE_SOURCE]);

		if (!g_hash_table_contains(c->plan->index[SHEET_SHARES], key))
			g_hash_table_insert(sums, (char *)(uintptr_t)v[SHARE_SOURCE],
				(void *)(sum + ppm(v[SHARE_RATIO])));
		g_free(key);
	}
	return sums;
}

static void check_sum(struct compare *c, GHashTable *sums, const struct book_row *r)
{
	const char **v = r->values;
	intptr_t before;

	if (!v[SHARE_SOURCE] || !v[SHARE_TENANT] || !v[SHARE_RATIO] ||
		!g_hash_table_contains(sums, v[SHARE_SOURCE]))
		return; /* the file alone was checked before */
	before = (intptr_t)g_hash_table_lookup(sums, v[SHARE_SOURCE]);
	if (before <= RATIO_WHOLE && before + ppm(v[SHARE_RATIO]) > RATIO_WHOLE)
		book_refuse(c->book, SHEET_SHARES, r, SHARE_RATIO, ERR_OUT_OF_RANGE,
			"连同已有租户，该源表的比例之和超过1",
			"with the tenants that share it already, the ratios sum to more than 1");
	g_hash_table_insert(
		sums, (char *)(uintptr_t)v[SHARE_SOURCE], (void *)(before + ppm(v[SHARE_RATIO])));
}

/* Sources that a group of several meters shares. */
static GHashTable *joint_sources(const struct compare *c)
{
	GHashTable *joint = g_hash_table_new(g_str_hash, g_str_equal);
	const struct book_sheet *is = &c->present->book.sheets[SHEET_SHARES];

	for (size_t i = 0; i < is->n; i++)
		if (is->rows[i].link > 1)
			g_hash_table_add(
				joint, (char *)(uintptr_t)is->rows[i].values[SHARE_SOURCE]);
	return joint;
}

void compare_shares(struct compare *c)
{
	const struct book_sheet *s = &c->book->sheets[SHEET_SHARES];
	GHashTable *sums = sums_of(c), *joint = joint_sources(c);

	for (size_t i = 0; i < s->n; i++) {
		const struct book_row *r = &s->rows[i], *tenant;
		const char **v = r->values;

		check_sum(c, sums, r);
		if (!v[SHARE_SOURCE] || !v[SHARE_TENANT])
			continue;
		if (c->plan->rows[SHEET_SHARES][i].state != ROW_SAME &&
			g_hash_table_contains(joint, v[SHARE_SOURCE]))
			book_refuse(c->book, SHEET_SHARES, r, SHARE_SOURCE, ERR_CONFLICT,
				"该表与其他表共同公摊，请在公摊页面修改",
				"it is shared together with other meters: change that group");
		tenant = present_find(c->present, SHEET_TENANTS, v[SHARE_TENANT]);
		if (tenant && !tenant->link)
			book_refuse(c->book, SHEET_SHARES, r, SHARE_TENANT, ERR_CONFLICT,
				"该租户已退租", "this tenant has moved out");
	}
	g_hash_table_destroy(sums);
	g_hash_table_destroy(joint);
}
