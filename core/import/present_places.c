/* Sites, areas, gateways and meters as the database holds them. */
#include <string.h>

#include "import/present_inside.h"

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
	present_add(l, SHEET_SITES, out);
	return ERR_OK;
}

const struct present_page present_sites = { &Q_SITES, take_site, PRESENT_PAGE };

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
	present_add(l, SHEET_AREAS, out);
	return ERR_OK;
}

const struct present_page present_areas = { &Q_AREAS, take_area, PRESENT_PAGE };

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
	present_add(l, SHEET_GATEWAYS, out);
	return ERR_OK;
}

const struct present_page present_gateways = { &Q_GATEWAYS, take_gateway, PRESENT_PAGE };

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
	present_add(l, SHEET_METERS, out);
}

enum err present_meters(struct loading *l)
{
	int64_t after = 0;
	size_t n;

	do {
		AUTO(rows_free) struct rows rows = { 0 };
		enum err e = db_list(l->db, &Q_METERS,
			ARGS(arg_utc(l->now), arg_i64(after), arg_i64(l->site_id),
				arg_i64(PRESENT_PAGE)),
			&rows);
		const struct meter_row *r = rows.at;

		if (e != ERR_OK)
			return e;
		for (size_t i = 0; i < rows.n; i++) {
			take_meter(l, &r[i]);
			after = r[i].id;
		}
		n = rows.n;
	} while (n == PRESENT_PAGE);
	return ERR_OK;
}
