#include "import/check.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter/meter.h"

#define RATIO_WHOLE 1000000

struct known {
	GHashTable *codes[SHEET__MAX];
	GHashTable *addresses; /* "gateway\nunit" -> code of the meter */
};

struct known *known_open(void)
{
	struct known *k = calloc(1, sizeof(*k));

	ASSERT(k);
	for (int i = 0; i < SHEET__MAX; i++)
		k->codes[i] = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	k->addresses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return k;
}

void known_free(struct known **k)
{
	if (!*k)
		return;
	for (int i = 0; i < SHEET__MAX; i++)
		g_hash_table_destroy((*k)->codes[i]);
	g_hash_table_destroy((*k)->addresses);
	free(*k);
	*k = NULL;
}

void known_add(struct known *k, enum sheet_id sheet, const char *code)
{
	g_hash_table_add(k->codes[sheet], g_strdup(code));
}

bool known_has(const struct known *k, enum sheet_id sheet, const char *code)
{
	return g_hash_table_contains(k->codes[sheet], code);
}

void known_address(struct known *k, const char *gateway, const char *unit, const char *meter)
{
	g_hash_table_replace(
		k->addresses, g_strdup_printf("%s\n%s", gateway, unit), g_strdup(meter));
}

/* ---- what is defined, and twice ---- */

struct checking {
	struct book *b;
	const struct known *known;
	const struct models *models;
	GHashTable *rows[SHEET__MAX]; /* key of a row -> its struct book_row */
};

static void index_rows(struct checking *c, enum sheet_id sheet)
{
	struct book_sheet *s = &c->b->sheets[sheet];

	for (size_t i = 0; i < s->n; i++) {
		char *key = book_key(sheet, &s->rows[i]);
		const struct book_row *first =
			key ? g_hash_table_lookup(c->rows[sheet], key) : NULL;
		char zh[80], en[80];

		if (key && !first) {
			g_hash_table_insert(c->rows[sheet], key, &s->rows[i]);
			continue;
		}
		g_free(key);
		if (!first)
			continue;
		snprintf(zh, sizeof(zh), "与第%lld行重复", (long long)first->row);
		snprintf(en, sizeof(en), "row %lld has this already", (long long)first->row);
		book_refuse(c->b, sheet, &s->rows[i], 0, ERR_ALREADY, zh, en);
	}
}

static bool is_defined(const struct checking *c, enum sheet_id sheet, const char *code)
{
	return g_hash_table_contains(c->rows[sheet], code) || known_has(c->known, sheet, code);
}

static void check_reference(
	struct checking *c, enum sheet_id sheet, const struct book_row *r, size_t column)
{
	const struct column *k = &sheet_layouts[sheet].columns[column];
	const char *list = r->values[column];
	char code[256], zh[300], en[300];

	while (list && list_next(&list, code, sizeof(code))) {
		if (is_defined(c, k->to, code))
			continue;
		snprintf(zh, sizeof(zh), "没有%s“%.128s”", sheet_layouts[k->to].zh, code);
		snprintf(en, sizeof(en), "there is no %.128s among %s", code,
			sheet_layouts[k->to].en);
		book_refuse(c->b, sheet, r, column, ERR_NOT_FOUND, zh, en);
	}
}

static void check_references(struct checking *c, enum sheet_id sheet)
{
	const struct sheet_layout *l = &sheet_layouts[sheet];
	struct book_sheet *s = &c->b->sheets[sheet];

	for (size_t k = 0; k < l->n; k++)
		for (size_t i = 0; l->columns[k].to != SHEET__MAX && i < s->n; i++)
			check_reference(c, sheet, &s->rows[i], k);
}

/* ---- one sheet at a time ---- */

static void check_tariffs(struct checking *c)
{
	struct book_sheet *s = &c->b->sheets[SHEET_TARIFFS];

	for (size_t i = 0; i < s->n; i++) {
		const char **v = s->rows[i].values;
		const char *code = v[TARIFF_CODE], *file = v[TARIFF_FILE];
		const char *price = v[TARIFF_PRICE];
		bool renamed = code && known_has(c->known, SHEET_TARIFFS, code);

		if (file && price && (file[0] ? price[0] : !price[0] && !renamed))
			book_refuse(c->b, SHEET_TARIFFS, &s->rows[i], TARIFF_PRICE, ERR_BAD_VALUE,
				"文件与单价填且只填一项", "give either a file or a price");
	}
}

static void check_model(struct checking *c, const struct book_row *r)
{
	const struct model *m = models_find(c->models, r->values[METER_MODEL]);
	struct meter_address at;
	const char *utility = r->values[METER_UTILITY];

	if (!m) {
		book_refuse(c->b, SHEET_METERS, r, METER_MODEL, ERR_NOT_FOUND, "没有这个型号",
			"there is no such model");
		return;
	}
	if (r->values[METER_UNIT] &&
		meter_address_parse(m, r->values[METER_UNIT], &at, NULL) != ERR_OK)
		book_refuse(c->b, SHEET_METERS, r, METER_UNIT, ERR_OUT_OF_RANGE,
			"不是该型号的表地址（Modbus为1至247，其他为12或14位数字）",
			"no address of this model (Modbus: 1 to 247; others: 12 or 14 digits)");
	if (utility && utility[0] && !str_eq(utility, utility_word(m->utility)))
		book_refuse(c->b, SHEET_METERS, r, METER_UTILITY, ERR_CONFLICT, "与型号不符",
			"the model measures something else");
}

/* One meter at an address, here and in the database; a meter that is moved frees its old one. */
static void check_addresses(struct checking *c)
{
	struct book_sheet *s = &c->b->sheets[SHEET_METERS];
	GHashTable *seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (size_t i = 0; i < s->n; i++) {
		const struct book_row *r = &s->rows[i];
		const char *gateway = r->values[METER_GATEWAY], *unit = r->values[METER_UNIT];
		const char *code = r->values[METER_CODE], *other;
		char zh[200], en[200], *key;

		if (!gateway || !unit || !code)
			continue;
		key = g_strdup_printf("%s\n%s", gateway, unit);
		other = g_hash_table_lookup(seen, key);
		if (!other) {
			other = g_hash_table_lookup(c->known->addresses, key);
			if (other && (str_eq(other, code) ||
					     g_hash_table_contains(c->rows[SHEET_METERS], other)))
				other = NULL;
		}
		if (other) {
			snprintf(zh, sizeof(zh), "该地址已属于表“%.100s”", other);
			snprintf(en, sizeof(en), "meter %.100s has this address", other);
			book_refuse(c->b, SHEET_METERS, r, METER_UNIT, ERR_ALREADY, zh, en);
			g_free(key);
		} else {
			g_hash_table_insert(seen, key, (char *)(uintptr_t)code);
		}
	}
	g_hash_table_destroy(seen);
}

static void check_meters(struct checking *c)
{
	struct book_sheet *s = &c->b->sheets[SHEET_METERS];

	for (size_t i = 0; i < s->n; i++)
		if (s->rows[i].values[METER_MODEL])
			check_model(c, &s->rows[i]);
	check_addresses(c);
}

static void check_tenants(struct checking *c)
{
	struct book_sheet *s = &c->b->sheets[SHEET_TENANTS];
	GHashTable *owner = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (size_t i = 0; i < s->n; i++) {
		const char *list = s->rows[i].values[TENANT_METERS];
		char code[256], zh[200], en[200];

		while (list && list_next(&list, code, sizeof(code))) {
			const struct book_row *other = g_hash_table_lookup(owner, code);

			if (!other) {
				g_hash_table_insert(owner, g_strdup(code), &s->rows[i]);
				continue;
			}
			snprintf(zh, sizeof(zh), "表“%.60s”在第%lld行已有", code,
				(long long)other->row);
			snprintf(en, sizeof(en), "meter %.60s stands in row %lld too", code,
				(long long)other->row);
			book_refuse(c->b, SHEET_TENANTS, &s->rows[i], TENANT_METERS, ERR_ALREADY,
				zh, en);
		}
	}
	g_hash_table_destroy(owner);
}

/* A ratio in millionths: the file's own form has at most six decimals. */
static int64_t ratio_ppm(const char *text)
{
	int64_t v = 0;
	int places = -1;

	for (; *text; text++) {
		if (*text == '.')
			places = 0;
		else if (places < 6) {
			v = v * 10 + (*text - '0');
			places += places >= 0;
		}
	}
	for (places = places < 0 ? 0 : places; places < 6; places++)
		v *= 10;
	return v;
}

static void check_shares(struct checking *c)
{
	struct book_sheet *s = &c->b->sheets[SHEET_SHARES];
	GHashTable *sums = g_hash_table_new(g_str_hash, g_str_equal);

	for (size_t i = 0; i < s->n; i++) {
		const char **v = s->rows[i].values;
		int64_t before;

		if (!v[SHARE_SOURCE] || !v[SHARE_RATIO])
			continue;
		before = (int64_t)(intptr_t)g_hash_table_lookup(sums, v[SHARE_SOURCE]);
		if (before <= RATIO_WHOLE && before + ratio_ppm(v[SHARE_RATIO]) > RATIO_WHOLE)
			book_refuse(c->b, SHEET_SHARES, &s->rows[i], SHARE_RATIO, ERR_OUT_OF_RANGE,
				"同一源表的比例之和超过1",
				"the ratios of this source sum to more than 1");
		g_hash_table_insert(sums, (char *)(uintptr_t)v[SHARE_SOURCE],
			(void *)(intptr_t)(before + ratio_ppm(v[SHARE_RATIO])));
	}
	g_hash_table_destroy(sums);
}

void book_check(struct book *b, const struct known *known, const struct models *models)
{
	struct checking c = { .b = b, .known = known, .models = models };

	for (int i = 0; i < SHEET__MAX; i++)
		c.rows[i] = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (int i = 0; i < SHEET__MAX; i++)
		index_rows(&c, (enum sheet_id)i);
	for (int i = 0; i < SHEET__MAX; i++)
		check_references(&c, (enum sheet_id)i);
	check_tariffs(&c);
	check_meters(&c);
	check_tenants(&c);
	check_shares(&c);
	for (int i = 0; i < SHEET__MAX; i++)
		g_hash_table_destroy(c.rows[i]);
}
