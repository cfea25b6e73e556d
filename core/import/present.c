#include "import/present.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/zone.h"

#define PAGE 5000
#define PAGE_TARIFFS 200
#define FILE_CELL_MAX 32000 /* what a cell holds, and the import takes */

#define CODE 129 /* VARCHAR(32) */
#define NAME 257 /* VARCHAR(64) */

struct loading {
	struct db *db;
	int64_t site_id;
	struct utc now;
	struct present *out;
	struct zone *zone; /* of the last row that asked for one */
};

static void zone_drop(struct loading *l)
{
	zone_free(&l->zone);
}

/* ---- one form ---- */

static const char *keep(struct loading *l, const char *text)
{
	return text[0] ? book_text(&l->out->book, text) : "";
}

/* A number of thousandths, or of what `places` says; nothing for 0, which is what an empty cell
 * means. */
static const char *number(struct loading *l, int64_t v, int places)
{
	char text[48];
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v, scale = 1;
	size_t n;

	if (v == 0)
		return "";
	for (int i = 0; i < places; i++)
		scale *= 10;
	n = (size_t)snprintf(text, sizeof(text), "%s%" PRIu64, v < 0 ? "-" : "", u / scale);
	if (u % scale) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, ".%0*" PRIu64, places, u % scale);
		while (text[n - 1] == '0')
			text[--n] = '\0';
	}
	return keep(l, text);
}

static void add(struct loading *l, enum sheet_id sheet, const struct book_row *row)
{
	char *key = book_key(sheet, row);

	g_hash_table_insert(
		l->out->index[sheet], key, GSIZE_TO_POINTER(l->out->book.sheets[sheet].n));
}

/* ---- tariffs ---- */

char *tariff_text(const json_t *doc)
{
	char *text = json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);

	ASSERT(text);
	return text;
}

static bool is_absent(const json_t *version, const char *key)
{
	const json_t *v = json_object_get(version, key);

	return !v || (json_is_string(v) && str_eq(json_string_value(v), "none")) ||
	       (json_is_array(v) && json_array_size(v) == 0);
}

/* The price of a version that has no other; NULL when it has. */
static const char *only_price(const json_t *version)
{
	json_t *prices = json_object_get(version, "prices"), *list;
	void *it = json_object_iter(prices);

	if (!is_absent(version, "tiers_upto_kwh") || !is_absent(version, "tiers_upto_m3") ||
		!is_absent(version, "tier_cycle") || json_object_size(prices) != 1 || !it)
		return NULL;
	list = json_object_iter_value(it);
	return json_array_size(list) == 1 ? json_string_value(json_array_get(list, 0)) : NULL;
}

void tariff_cells(const json_t *doc, char **file, char price[static 32])
{
	const json_t *versions = json_object_get(doc, "versions");
	const char *last = NULL;
	struct price p;
	bool simple = json_array_size(versions) > 0;

	*file = NULL;
	price[0] = '\0';
	for (size_t i = 0; simple && i < json_array_size(versions); i++) {
		last = only_price(json_array_get(versions, i));
		simple = last != NULL;
	}
	if (simple && price_parse(last, &p) == ERR_OK) {
		char text[MONEY_TEXT_MAX];

		snprintf(price, 32, "%s", price_text(p, text));
		*file = strdup("");
	} else {
		*file = tariff_text(doc);
	}
	ASSERT(*file);
}

struct tariff_row {
	int64_t id;
	char code[CODE], name[NAME];
	struct blob doc;
	bool fresh;
};
#define F(member) FIELD(struct tariff_row, member)
SHAPE(tariff_shape, struct tariff_row, F(id), F(code), F(name), F(doc), F(fresh));
#undef F
static const struct query Q_TARIFFS = {
	"SELECT t.id, t.code, t.name, t.doc, NOT EXISTS (SELECT 1 FROM meter_tariff x"
	" WHERE x.tariff_id = t.id) AS fresh FROM tariff t WHERE t.id > ? AND ? >= 0"
	" ORDER BY t.id LIMIT ?",
	&tariff_shape
};

static enum err take_tariff(struct loading *l, const void *row)
{
	const struct tariff_row *r = row;
	AUTO(json_free) json_t *doc = NULL;
	AUTO(text_free) char *file = NULL;
	AUTO(text_free) char *whole = NULL;
	struct book_row *out;
	char price[32];
	enum err e = json_parse((const char *)r->doc.at, r->doc.n, &doc, NULL);

	if (e != ERR_OK)
		return ERR_INTERNAL;
	tariff_cells(doc, &file, price);
	whole = tariff_text(doc);
	out = book_add(&l->out->book, SHEET_TARIFFS, r->id);
	out->values[TARIFF_CODE] = keep(l, r->code);
	out->values[TARIFF_NAME] = keep(l, r->name);
	out->values[TARIFF_FILE] = strlen(file) <= FILE_CELL_MAX ? keep(l, file) : "";
	out->doc = keep(l, whole);
	out->fresh = r->fresh && price[0];
	out->values[TARIFF_PRICE] = keep(l, price);
	add(l, SHEET_TARIFFS, out);
	return ERR_OK;
}

/* ---- places ---- */

struct site_row {
	int64_t id;
	char code[CODE], name[NAME], zone[64], profile[12];
};
#define F(member) FIELD(struct site_row, member)
SHAPE(site_shape, struct site_row, F(id), F(code), F(name), F(zone), F(profile));
#undef F
static const struct query Q_SITES = {
	"SELECT id, code, name, zone, profile FROM site WHERE id > ? AND ? IN (0, id)"
	" ORDER BY id LIMIT ?",
	&site_shape
};

static enum err take_site(struct loading *l, const void *row)
{
	const struct site_row *r = row;
	struct book_row *out = book_add(&l->out->book, SHEET_SITES, r->id);

	out->values[SITE_CODE] = out->site = keep(l, r->code);
	out->values[SITE_NAME] = keep(l, r->name);
	out->values[SITE_ZONE] = keep(l, r->zone);
	out->values[SITE_PROFILE] = keep(l, r->profile);
	add(l, SHEET_SITES, out);
	return ERR_OK;
}

struct area_row {
	int64_t id;
	char code[CODE], name[NAME], site[CODE], parent[CODE], kind[12];
	int64_t floor_m2_milli;
};
#define F(member) FIELD(struct area_row, member)
SHAPE(area_shape, struct area_row, F(id), F(code), F(name), F(site), F(parent), F(kind),
	F(floor_m2_milli));
#undef F
static const struct query Q_AREAS = {
	"SELECT a.id, a.code, a.name, s.code AS site, COALESCE(p.code, '') AS parent, a.kind,"
	" a.floor_m2_milli FROM area a JOIN site s ON s.id = a.site_id"
	" LEFT JOIN area p ON p.id = a.parent_id WHERE a.id > ? AND ? IN (0, a.site_id)"
	" ORDER BY a.id LIMIT ?",
	&area_shape
};

static enum err take_area(struct loading *l, const void *row)
{
	const struct area_row *r = row;
	struct book_row *out = book_add(&l->out->book, SHEET_AREAS, r->id);

	out->values[AREA_CODE] = keep(l, r->code);
	out->values[AREA_NAME] = keep(l, r->name);
	out->values[AREA_SITE] = out->site = keep(l, r->site);
	out->values[AREA_PARENT] = keep(l, r->parent);
	out->values[AREA_KIND] = keep(l, r->kind);
	out->values[AREA_FLOOR_M2] = number(l, r->floor_m2_milli, 3);
	add(l, SHEET_AREAS, out);
	return ERR_OK;
}

struct gateway_row {
	int64_t id;
	char code[CODE], name[NAME], site[CODE], area[CODE], transport[16], address[509];
	int64_t baud;
	char parity[4];
};
#define F(member) FIELD(struct gateway_row, member)
SHAPE(gateway_shape, struct gateway_row, F(id), F(code), F(name), F(site), F(area), F(transport),
	F(address), F(baud), F(parity));
#undef F
static const struct query Q_GATEWAYS = {
	"SELECT g.id, g.code, g.name, s.code AS site, COALESCE(a.code, '') AS area, g.transport,"
	" g.address, g.baud, g.parity FROM gateway g JOIN site s ON s.id = g.site_id"
	" LEFT JOIN area a ON a.id = g.area_id WHERE g.id > ? AND ? IN (0, g.site_id)"
	" ORDER BY g.id LIMIT ?",
	&gateway_shape
};

static enum err take_gateway(struct loading *l, const void *row)
{
	const struct gateway_row *r = row;
	struct book_row *out = book_add(&l->out->book, SHEET_GATEWAYS, r->id);

	out->values[GATEWAY_CODE] = keep(l, r->code);
	out->values[GATEWAY_NAME] = keep(l, r->name);
	out->values[GATEWAY_SITE] = out->site = keep(l, r->site);
	out->values[GATEWAY_AREA] = keep(l, r->area);
	out->values[GATEWAY_TRANSPORT] = keep(l, r->transport);
	out->values[GATEWAY_ADDRESS] = keep(l, r->address);
	out->values[GATEWAY_BAUD] = number(l, r->baud, 0);
	out->values[GATEWAY_PARITY] = keep(l, r->parity);
	add(l, SHEET_GATEWAYS, out);
	return ERR_OK;
}

/* ---- meters ---- */

struct meter_row {
	int64_t id;
	char code[CODE], name[NAME], gateway[CODE], unit[65], model[193], serial[129];
	char utility[12], role[12], area[CODE], parent[CODE], tariff[CODE], billing[12];
	char load_class[12], site[CODE];
	int64_t ct_ratio, pt_ratio, rated_current_ma, start_milli, power_limit_w;
};
#define F(member) FIELD(struct meter_row, member)
SHAPE(meter_shape, struct meter_row, F(id), F(code), F(name), F(gateway), F(unit), F(model),
	F(serial), F(utility), F(role), F(area), F(parent), F(tariff), F(billing), F(load_class),
	F(site), F(ct_ratio), F(pt_ratio), F(rated_current_ma), F(start_milli), F(power_limit_w));
#undef F
static const struct query Q_METERS = {
	"SELECT m.id, m.code, m.name, g.code AS gateway, m.unit, m.model, m.serial, m.utility,"
	" m.role, COALESCE(a.code, '') AS area, COALESCE(u.code, '') AS parent,"
	" COALESCE((SELECT t.code FROM meter_tariff x JOIN tariff t ON t.id = x.tariff_id"
	" WHERE x.meter_id = m.id AND x.from_at <= ? ORDER BY x.from_at DESC LIMIT 1), '')"
	" AS tariff, m.billing, p.load_class, s.code AS site, m.ct_ratio, m.pt_ratio,"
	" m.rated_current_ma, m.start_milli, m.power_limit_w"
	" FROM meter m JOIN gateway g ON g.id = m.gateway_id"
	" JOIN supply_point p ON p.id = m.supply_point_id JOIN site s ON s.id = p.site_id"
	" LEFT JOIN area a ON a.id = m.area_id LEFT JOIN meter u ON u.id = m.parent_id"
	" WHERE m.id > ? AND ? IN (0, p.site_id) ORDER BY m.id LIMIT ?",
	&meter_shape
};

static void take_meter(struct loading *l, const struct meter_row *r)
{
	struct book_row *out = book_add(&l->out->book, SHEET_METERS, r->id);
	const char **v = out->values;

	out->site = keep(l, r->site);
	v[METER_CODE] = keep(l, r->code);
	v[METER_NAME] = keep(l, r->name);
	v[METER_GATEWAY] = keep(l, r->gateway);
	v[METER_UNIT] = keep(l, r->unit);
	v[METER_MODEL] = keep(l, r->model);
	v[METER_SERIAL] = keep(l, r->serial);
	v[METER_UTILITY] = keep(l, r->utility);
	v[METER_ROLE] = keep(l, r->role);
	v[METER_AREA] = keep(l, r->area);
	v[METER_PARENT] = keep(l, r->parent);
	v[METER_CT_RATIO] = number(l, r->ct_ratio, 0);
	v[METER_PT_RATIO] = number(l, r->pt_ratio, 0);
	v[METER_RATED_CURRENT_A] = number(l, r->rated_current_ma, 3);
	v[METER_START_REGISTER] = number(l, r->start_milli, 3);
	v[METER_TARIFF] = keep(l, r->tariff);
	v[METER_BILLING] = keep(l, r->billing);
	v[METER_POWER_LIMIT_W] = number(l, r->power_limit_w, 0);
	v[METER_LOAD_CLASS] = keep(l, r->load_class);
	add(l, SHEET_METERS, out);
}

static enum err load_meters(struct loading *l)
{
	int64_t after = 0;
	size_t n;

	do {
		AUTO(rows_free) struct rows rows = { 0 };
		enum err e = db_list(l->db, &Q_METERS,
			ARGS(arg_utc(l->now), arg_i64(after), arg_i64(l->site_id), arg_i64(PAGE)),
			&rows);
		const struct meter_row *r = rows.at;

		if (e != ERR_OK)
			return e;
		for (size_t i = 0; i < rows.n; i++) {
			take_meter(l, &r[i]);
			after = r[i].id;
		}
		n = rows.n;
	} while (n == PAGE);
	return ERR_OK;
}

/* ---- people ---- */

struct tenant_row {
	int64_t id;
	char code[CODE], name[NAME], phone[81], contacts[801], room[129], site[CODE], zone[64];
	int64_t floor_m2_milli;
	int64_t contract_id; /* 0: none is open */
	struct utc start_at;
	int64_t fee_fen;
};
#define F(member) FIELD(struct tenant_row, member)
SHAPE(tenant_shape, struct tenant_row, F(id), F(code), F(name), F(phone), F(contacts), F(room),
	F(site), F(zone), F(floor_m2_milli), F(contract_id), F(start_at), F(fee_fen));
#undef F
#define FIRST_OPEN "(SELECT MIN(o.id) FROM contract o WHERE o.tenant_id = t.id AND o.end_at = 0)"
static const struct query Q_TENANTS = {
	"SELECT t.id, t.code, t.name, t.phone, t.contacts, t.room, s.code AS site, s.zone,"
	" t.floor_m2_milli, COALESCE(c.id, 0) AS contract_id, COALESCE(c.start_at, 0) AS start_at,"
	" COALESCE((SELECT f.monthly_fen FROM contract_fee f WHERE f.contract_id = c.id"
	" AND f.kind = 'property_fee' AND f.to_day IS NULL ORDER BY f.from_day DESC LIMIT 1), 0)"
	" AS fee_fen FROM tenant t JOIN site s ON s.id = t.site_id"
	" LEFT JOIN contract c ON c.id = " FIRST_OPEN
	" WHERE t.id > ? AND ? IN (0, t.site_id) ORDER BY t.id LIMIT ?",
	&tenant_shape
};

static const char *local_day(struct loading *l, const char *zone, struct utc at)
{
	char text[DAY_TEXT_MAX];

	if (!l->zone || !str_eq(zone_name(l->zone), zone)) {
		zone_free(&l->zone);
		if (zone_open(zone, &l->zone) != ERR_OK)
			return "";
	}
	return keep(l, day_text(zone_local(l->zone, at).day, text));
}

static enum err take_tenant(struct loading *l, const void *row)
{
	const struct tenant_row *r = row;
	struct book_row *out = book_add(&l->out->book, SHEET_TENANTS, r->id);
	const char **v = out->values;

	out->site = keep(l, r->site);
	out->link = r->contract_id;
	v[TENANT_CODE] = keep(l, r->code);
	v[TENANT_NAME] = keep(l, r->name);
	v[TENANT_PHONE] = keep(l, r->phone);
	v[TENANT_CONTACTS] = keep(l, r->contacts);
	v[TENANT_ROOM] = keep(l, r->room);
	v[TENANT_FLOOR_M2] = number(l, r->floor_m2_milli, 3);
	if (r->contract_id)
		v[TENANT_START_DATE] = local_day(l, r->zone, r->start_at);
	v[TENANT_PROPERTY_FEE] = number(l, r->fee_fen, 2);
	add(l, SHEET_TENANTS, out);
	return ERR_OK;
}

struct held_row {
	char tenant[CODE], meter[CODE];
};
SHAPE(held_shape, struct held_row, FIELD(struct held_row, tenant), FIELD(struct held_row, meter));
static const struct query Q_HELD = {
	"SELECT t.code AS tenant, m.code AS meter FROM contract_point p"
	" JOIN contract c ON c.id = p.contract_id JOIN tenant t ON t.id = c.tenant_id"
	" JOIN meter m ON m.supply_point_id = p.supply_point_id"
	" WHERE p.to_at = 0 AND c.end_at = 0 AND ? IN (0, t.site_id) ORDER BY t.id, m.id",
	&held_shape
};

/* Whose meters are whose: rows of one tenant come together. */
static enum err load_held(struct loading *l)
{
	AUTO(rows_free) struct rows rows = { 0 };
	AUTO(buf_free) struct buf list = { 0 };
	enum err e = db_list(l->db, &Q_HELD, ARGS(arg_i64(l->site_id)), &rows);
	const struct held_row *r = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		const struct book_row *t = present_find(l->out, SHEET_TENANTS, r[i].tenant);
		const char *meter = keep(l, r[i].meter);

		if (!t)
			continue;
		buf_printf(&list, "%s%s", list.len ? ";" : "", meter);
		g_hash_table_insert(l->out->holder, (char *)(uintptr_t)meter,
			(char *)(uintptr_t)t->values[TENANT_CODE]);
		if (i + 1 < rows.n && str_eq(r[i].tenant, r[i + 1].tenant))
			continue;
		t->values[TENANT_METERS] = keep(l, list.text);
		list.len = 0;
	}
	return e;
}

struct purse_row {
	int64_t id, contract_id;
	char tenant[CODE], purpose[12], site[CODE], warn_unit[8];
	struct money opening, warn1, warn2, credit_limit;
	bool fresh;
};
#define F(member) FIELD(struct purse_row, member)
SHAPE(purse_shape, struct purse_row, F(id), F(contract_id), F(tenant), F(purpose), F(site),
	F(warn_unit), F(opening), F(warn1), F(warn2), F(credit_limit), F(fresh));
#undef F
static const struct query Q_PURSES = {
	"SELECT a.id, a.contract_id, t.code AS tenant, a.purpose, s.code AS site, a.warn_unit,"
	" COALESCE((SELECT x.amount_nano FROM entry e JOIN posting x ON x.entry_id = e.id"
	" AND x.account_id = a.id WHERE e.once_key = CONCAT('opening:', a.id)), 0) AS opening,"
	" a.warn1_nano AS warn1, a.warn2_nano AS warn2, a.credit_limit_nano AS credit_limit,"
	" a.balance_nano = 0 AND NOT EXISTS (SELECT 1 FROM posting y WHERE y.account_id = a.id)"
	" AS fresh FROM account a JOIN contract c ON c.id = a.contract_id JOIN tenant t ON t.id = "
	"c.tenant_id"
	" JOIN site s ON s.id = t.site_id WHERE a.id > ? AND ? IN (0, t.site_id)"
	" AND a.kind = 'purse' AND c.id = " FIRST_OPEN " ORDER BY a.id LIMIT ?",
	&purse_shape
};

static const char *yuan(struct loading *l, struct money m)
{
	return number(l, m.nano, 9);
}

static enum err take_purse(struct loading *l, const void *row)
{
	const struct purse_row *r = row;
	struct book_row *out = book_add(&l->out->book, SHEET_PURSES, r->id);
	bool in_yuan = str_eq(r->warn_unit, "yuan"); /* others are reckoned anew each day */

	out->site = keep(l, r->site);
	out->link = r->contract_id;
	out->fresh = r->fresh;
	out->values[PURSE_TENANT] = keep(l, r->tenant);
	out->values[PURSE_PURPOSE] = keep(l, r->purpose);
	out->values[PURSE_OPENING_BALANCE] = yuan(l, r->opening);
	out->values[PURSE_WARN1] = in_yuan ? yuan(l, r->warn1) : "";
	out->values[PURSE_WARN2] = in_yuan ? yuan(l, r->warn2) : "";
	out->values[PURSE_CREDIT_LIMIT] = yuan(l, r->credit_limit);
	add(l, SHEET_PURSES, out);
	return ERR_OK;
}

/* ---- shares ---- */

struct share_row {
	int64_t group_id, sources;
	char source[CODE], tenant[CODE], site[CODE];
	int64_t weight;
};
#define F(member) FIELD(struct share_row, member)
SHAPE(share_shape, struct share_row, F(group_id), F(sources), F(source), F(tenant), F(site),
	F(weight));
#undef F
/* Groups that a sheet can say: ratios of what meters count, from the purses that pay for energy. */
static const struct query Q_SHARES = {
	"SELECT g.id AS group_id, (SELECT COUNT(*) FROM share_source n WHERE n.group_id = g.id)"
	" AS sources, m.code AS source, t.code AS tenant, s.code AS site, x.weight"
	" FROM share_group g JOIN site s ON s.id = g.site_id"
	" JOIN share_source y ON y.group_id = g.id JOIN meter m ON m.id = y.meter_id"
	" JOIN share_target x ON x.group_id = g.id AND x.from_day ="
	" (SELECT MAX(z.from_day) FROM share_target z WHERE z.group_id = g.id)"
	" JOIN contract c ON c.id = x.contract_id AND c.end_at = 0"
	" JOIN tenant t ON t.id = c.tenant_id AND c.id = " FIRST_OPEN
	" WHERE ? IN (0, g.site_id) AND g.basis = 'ratio' AND g.kind = 'public'"
	" AND g.purse = 'utility' AND g.to_day IS NULL AND NOT EXISTS"
	" (SELECT 1 FROM share_source q WHERE q.group_id = g.id AND q.sign < 0)"
	" ORDER BY g.id, y.line, t.id",
	&share_shape
};

static enum err load_shares(struct loading *l)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(l->db, &Q_SHARES, ARGS(arg_i64(l->site_id)), &rows);
	const struct share_row *r = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		struct book_row *out = book_add(&l->out->book, SHEET_SHARES, r[i].group_id);

		out->site = keep(l, r[i].site);
		out->link = r[i].sources;
		out->values[SHARE_SOURCE] = keep(l, r[i].source);
		out->values[SHARE_TENANT] = keep(l, r[i].tenant);
		out->values[SHARE_RATIO] = number(l, r[i].weight, 6);
		add(l, SHEET_SHARES, out);
	}
	return e;
}

/* ---- all of it ---- */

/* Sheets that are read page by page, by id; each row begins with it. */
static const struct {
	const struct query *q;
	enum err (*take)(struct loading *l, const void *row);
	int64_t page;
} pages[] = {
	{ &Q_SITES, take_site, PAGE },
	{ &Q_AREAS, take_area, PAGE },
	{ &Q_GATEWAYS, take_gateway, PAGE },
	{ &Q_TARIFFS, take_tariff, PAGE_TARIFFS },
	{ &Q_TENANTS, take_tenant, PAGE },
	{ &Q_PURSES, take_purse, PAGE },
};

static enum err load_pages(struct loading *l, size_t which)
{
	const struct query *q = pages[which].q;
	int64_t after = 0;
	size_t n;

	do {
		AUTO(rows_free) struct rows rows = { 0 };
		enum err e = db_list(l->db, q,
			ARGS(arg_i64(after), arg_i64(l->site_id), arg_i64(pages[which].page)),
			&rows);

		for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
			const char *row = (const char *)rows.at + i * q->row->size;

			memcpy(&after, row, sizeof(after));
			e = pages[which].take(l, row);
		}
		if (e != ERR_OK)
			return e;
		n = rows.n;
	} while (n == (size_t)pages[which].page);
	return ERR_OK;
}

enum err present_read(struct db *db, int64_t site_id, struct utc now, struct present *out)
{
	AUTO(zone_drop)
	struct loading l = { .db = db, .site_id = site_id, .now = now, .out = out };
	enum err e = ERR_OK;

	for (int i = 0; i < SHEET__MAX; i++)
		out->index[i] = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	out->holder = g_hash_table_new(g_str_hash, g_str_equal);
	for (size_t i = 0; e == ERR_OK && i < ARRAY_LEN(pages); i++)
		e = load_pages(&l, i);
	if (e == ERR_OK)
		e = load_meters(&l);
	if (e == ERR_OK)
		e = load_held(&l);
	return e == ERR_OK ? load_shares(&l) : e;
}

void present_free(struct present *p)
{
	for (int i = 0; i < SHEET__MAX; i++)
		g_clear_pointer(&p->index[i], g_hash_table_destroy);
	g_clear_pointer(&p->holder, g_hash_table_destroy);
	book_free(&p->book);
}

enum err present_export(struct db *db, int64_t site_id, struct utc now, struct book *out)
{
	AUTO(present_free) struct present p = { .holder = NULL };
	enum err e = present_read(db, site_id, now, &p);
	struct book_sheet *t = &p.book.sheets[SHEET_TENANTS];
	size_t kept = 0;

	if (e != ERR_OK)
		return e;
	for (size_t i = 0; i < t->n; i++)
		if (t->rows[i].link)
			t->rows[kept++] = t->rows[i];
	t->n = kept;
	*out = p.book;
	p.book = (struct book){ .error_n = 0 };
	return ERR_OK;
}

const struct book_row *present_find(const struct present *p, enum sheet_id sheet, const char *key)
{
	size_t at = GPOINTER_TO_SIZE(g_hash_table_lookup(p->index[sheet], key));

	return at ? &p->book.sheets[sheet].rows[at - 1] : NULL;
}

struct known *present_known(const struct present *p)
{
	struct known *k = known_open();

	for (int s = 0; s < SHEET__MAX; s++)
		for (size_t i = 0; i < p->book.sheets[s].n; i++)
			known_add(k, (enum sheet_id)s, p->book.sheets[s].rows[i].values[0]);
	for (size_t i = 0; i < p->book.sheets[SHEET_METERS].n; i++) {
		const char **v = p->book.sheets[SHEET_METERS].rows[i].values;

		known_address(k, v[METER_GATEWAY], v[METER_UNIT], v[METER_CODE]);
	}
	return k;
}
