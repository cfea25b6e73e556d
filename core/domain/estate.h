#pragma once
/* What there is: sites, areas, gateways, meters and tenants as they were set up. Reading only.
 * site_id 0: every site; id 0: all of them, ascending. */
#include "db/db.h"

struct estate_site {
	int64_t id;
	char code[129], name[257], zone[253], profile[12];
	int64_t areas, gateways, meters;
};
MUST_USE enum err estate_sites(struct db *db, int64_t site_id, int64_t id, struct rows *out);

struct estate_area {
	int64_t id;
	char code[129], name[257];
	int64_t site_id;
	char site_code[129], site_name[257];
	int64_t parent_id; /* 0: none */
	char parent_code[129], parent_name[257];
	char kind[12];
	struct qty floor_m2; /* thousandths of a square metre */
	int64_t meters;	     /* in it, not in those below */
};
MUST_USE enum err estate_areas(struct db *db, int64_t site_id, int64_t id, struct rows *out);

/* What a gateway has beside its health. ERR_NOT_FOUND. */
struct estate_gateway {
	int64_t id, site_id;
	char site_code[129], site_name[257];
	int64_t area_id; /* 0: none */
	char area_code[129], area_name[257];
	int64_t baud;
	char parity[4];
};
MUST_USE enum err estate_gateway(
	struct db *db, int64_t site_id, int64_t id, struct estate_gateway *out);

/* How a meter is set up, beside what it shows. */
struct estate_meter {
	int64_t id;
	int64_t parent_id; /* 0: none */
	char parent_code[129], parent_name[257];
	int64_t ct_ratio, pt_ratio, rated_current_ma, power_limit_w;
	struct qty start;
	bool enabled;
};
MUST_USE enum err estate_meter(struct db *db, int64_t id, struct estate_meter *out);

struct estate_tenant {
	int64_t id;
	char code[129], name[257], room[129], phone[81], contacts[801];
	int64_t site_id;
	char site_code[129], site_name[257];
	struct qty floor_m2;
};
MUST_USE enum err estate_tenant(
	struct db *db, int64_t site_id, int64_t id, struct estate_tenant *out);

struct estate_contract { /* of a tenant, newest first */
	int64_t id;
	char code[129];
	struct utc start_at, end_at; /* 0: open */
	int64_t meters;
};
MUST_USE enum err estate_contracts(struct db *db, int64_t tenant_id, struct rows *out);
