/* Tenants, their meters, purses and shares as the database holds them. */
#include <string.h>

#include "import/present_inside.h"

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
	present_add(l, SHEET_TENANTS, out);
	return ERR_OK;
}

const struct present_page present_tenants = { &Q_TENANTS, take_tenant, PRESENT_PAGE };

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
enum err present_held(struct loading *l)
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
	present_add(l, SHEET_PURSES, out);
	return ERR_OK;
}

const struct present_page present_purses = { &Q_PURSES, take_purse, PRESENT_PAGE };

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

enum err present_shares(struct loading *l)
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
		present_add(l, SHEET_SHARES, out);
	}
	return e;
}
