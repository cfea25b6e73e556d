#include "domain/estate.h"
#include "domain/scope.h"

#define F(member) FIELD(struct estate_site, member)
SHAPE(site_shape, struct estate_site, F(id), F(code), F(name), F(zone), F(profile), F(areas),
	F(gateways), F(meters));
#undef F
static const struct query Q_SITES = {
	"SELECT s.id, s.code, s.name, s.zone, s.profile,"
	" (SELECT COUNT(*) FROM area a WHERE a.site_id = s.id) AS areas,"
	" (SELECT COUNT(*) FROM gateway g WHERE g.site_id = s.id) AS gateways,"
	" (SELECT COUNT(*) FROM supply_point p JOIN meter m ON m.supply_point_id = p.id"
	" WHERE p.site_id = s.id) AS meters"
	" FROM site s WHERE ? IN (0, s.id) AND ? IN (0, s.id) ORDER BY s.id",
	&site_shape
};

enum err estate_sites(struct db *db, int64_t site_id, int64_t id, struct rows *out)
{
	return db_list(db, &Q_SITES, ARGS(arg_i64(site_id), arg_i64(id)), out);
}

#define F(member) FIELD(struct estate_area, member)
SHAPE(area_shape, struct estate_area, F(id), F(code), F(name), F(site_id), F(site_code),
	F(site_name), F(parent_id), F(parent_code), F(parent_name), F(kind), F(floor_m2),
	F(meters));
#undef F
static const struct query Q_AREAS = {
	"SELECT a.id, a.code, a.name, a.site_id, s.code AS site_code, s.name AS site_name,"
	" COALESCE(a.parent_id, 0) AS parent_id, COALESCE(p.code, '') AS parent_code,"
	" COALESCE(p.name, '') AS parent_name, a.kind, a.floor_m2_milli AS floor_m2,"
	" (SELECT COUNT(*) FROM meter m WHERE m.area_id = a.id) AS meters"
	" FROM area a JOIN site s ON s.id = a.site_id LEFT JOIN area p ON p.id = a.parent_id"
	" WHERE ? IN (0, a.site_id, " SEEN_AREA("a.id") ") AND ? IN (0, a.id) ORDER BY a.id",
	&area_shape
};

enum err estate_areas(struct db *db, int64_t site_id, int64_t id, struct rows *out)
{
	return db_list(db, &Q_AREAS, ARGS(arg_i64(site_id), arg_i64(id)), out);
}

#define F(member) FIELD(struct estate_gateway, member)
SHAPE(gateway_shape, struct estate_gateway, F(id), F(site_id), F(site_code), F(site_name),
	F(area_id), F(area_code), F(area_name), F(baud), F(parity));
#undef F
static const struct query Q_GATEWAY = {
	"SELECT g.id, g.site_id, s.code AS site_code, s.name AS site_name,"
	" COALESCE(g.area_id, 0) AS area_id, COALESCE(a.code, '') AS area_code,"
	" COALESCE(a.name, '') AS area_name, g.baud, g.parity"
	" FROM gateway g JOIN site s ON s.id = g.site_id LEFT JOIN area a ON a.id = g.area_id"
	" WHERE ? IN (0, g.site_id) AND g.id = ?",
	&gateway_shape
};

enum err estate_gateway(struct db *db, int64_t site_id, int64_t id, struct estate_gateway *out)
{
	return db_one(db, &Q_GATEWAY, ARGS(arg_i64(site_id), arg_i64(id)), out);
}

#define F(member) FIELD(struct estate_meter, member)
SHAPE(meter_shape, struct estate_meter, F(id), F(parent_id), F(parent_code), F(parent_name),
	F(ct_ratio), F(pt_ratio), F(rated_current_ma), F(power_limit_w), F(start), F(enabled));
#undef F
static const struct query Q_METER = {
	"SELECT m.id, COALESCE(m.parent_id, 0) AS parent_id, COALESCE(u.code, '') AS parent_code,"
	" COALESCE(u.name, '') AS parent_name, m.ct_ratio, m.pt_ratio, m.rated_current_ma,"
	" m.power_limit_w, m.start_milli AS start, m.enabled"
	" FROM meter m LEFT JOIN meter u ON u.id = m.parent_id WHERE m.id = ?",
	&meter_shape
};

enum err estate_meter(struct db *db, int64_t id, struct estate_meter *out)
{
	return db_one(db, &Q_METER, ARGS(arg_i64(id)), out);
}

#define F(member) FIELD(struct estate_tenant, member)
SHAPE(tenant_shape, struct estate_tenant, F(id), F(code), F(name), F(room), F(phone), F(contacts),
	F(site_id), F(site_code), F(site_name), F(floor_m2));
#undef F
static const struct query Q_TENANT = {
	"SELECT t.id, t.code, t.name, t.room, t.phone, t.contacts, t.site_id, s.code AS site_code,"
	" s.name AS site_name, t.floor_m2_milli AS floor_m2"
	" FROM tenant t JOIN site s ON s.id = t.site_id WHERE ? IN (0, t.site_id) AND t.id = ?",
	&tenant_shape
};

enum err estate_tenant(struct db *db, int64_t site_id, int64_t id, struct estate_tenant *out)
{
	return db_one(db, &Q_TENANT, ARGS(arg_i64(site_id), arg_i64(id)), out);
}

#define F(member) FIELD(struct estate_contract, member)
SHAPE(contract_shape, struct estate_contract, F(id), F(code), F(start_at), F(end_at), F(meters));
#undef F
static const struct query Q_CONTRACTS = {
	"SELECT c.id, c.code, c.start_at, c.end_at, (SELECT COUNT(*) FROM contract_point p"
	" WHERE p.contract_id = c.id AND p.to_at = 0) AS meters"
	" FROM contract c WHERE c.tenant_id = ? ORDER BY c.id DESC",
	&contract_shape
};

enum err estate_contracts(struct db *db, int64_t tenant_id, struct rows *out)
{
	return db_list(db, &Q_CONTRACTS, ARGS(arg_i64(tenant_id)), out);
}
