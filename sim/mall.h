#pragma once
/* The demo mall: who rents what, which meter hangs on which bus, and what it draws. One table for
 * the wire and for the import, so that they cannot disagree. Immutable once made. */
#include "base/json.h"
#include "sim/load.h"

enum {
	MALL_BUSES_MAX = 20,
	MALL_UNITS_PREPAID = 60, /* units 1..60 of a bus: tenants */
	MALL_UNITS_POWER = 70,	 /* 61..70: public area */
	MALL_UNITS_WATER = 4,	 /* 71..74: water meters of the first tenants of a bus */
	MALL_UNITS = MALL_UNITS_POWER + MALL_UNITS_WATER,
};

#define MALL_SITE "duyun"
#define MALL_ZONE "Asia/Shanghai"

/* The slots of the tariff shop-tou, which the meters keep as well. */
enum mall_rate { RATE_SHARP, RATE_PEAK, RATE_FLAT, RATE_VALLEY, RATE__MAX };
enum mall_rate mall_rate_at(int32_t second_of_day);

struct mall_meter {
	char code[16];
	char name[128];
	char serial[20];
	const char *model;
	int bus; /* 0.. */
	uint8_t unit;
	bool water;
	bool tenant; /* else public area */
	enum load_kind kind;
	int64_t peak; /* W, or litres per hour */
	int ct_ratio;
	int rated_current_a;
	int64_t start_milli; /* register when it was installed: Wh or litres */
	int power_limit_w;   /* 0: none */
	int tenant_no;	     /* index into tenants, -1 for public */
};

struct mall_tenant {
	char code[16];
	char name[64];
	char phone[16];
	char room[16];
	enum load_kind kind;
	const struct mall_meter *power;
	const struct mall_meter *water; /* NULL for most */
	int64_t balance_fen;		/* opening balance of the electricity purse */
	int64_t water_balance_fen;
	int warn1, warn2; /* yuan */
};

struct mall {
	int buses;
	uint16_t port_base;
	uint32_t seed;
	struct mall_meter *meters; /* sorted by bus and unit, MALL_UNITS a bus */
	size_t meters_n;
	struct mall_tenant *tenants;
	size_t tenants_n;
};

/* buses in 1..MALL_BUSES_MAX. Never fails. */
struct mall *mall_make(int buses, uint16_t port_base, uint32_t seed);
void mall_free(struct mall **mall);

const struct mall_meter *mall_meter(const struct mall *mall, int bus, int unit); /* NULL: none */

/* "G1" for bus 0; out holds 8 bytes. And back: -1 if there is no such gateway. */
const char *mall_gateway(int bus, char out[static 8]);
int mall_bus(const struct mall *mall, const char *gateway);

/* All of it as import sheets (counts are numbers; money and registers are decimal text; an empty
 * cell is absent): {"sites": [...], "areas": ..., "gateways", "meters", "tariffs",
 * "tenants", "purses"}; columns named as in an import file. For the demonstration also "shares" (a
 * row a group: site, name, sources, tenants, the ratio of each) and "settings" (site, name, value).
 * The caller owns it. */
json_t *mall_json(const struct mall *mall);
