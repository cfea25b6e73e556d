#pragma once
/* Putting the nouns into the database: sites, gateways, meters, tariffs, tenants, contracts.
 * Objects are named by code. All inside db_tx; ERR_ALREADY when the code exists, ERR_NOT_FOUND
 * (with the field in why) when something named does not. */
#include "base/zone.h"
#include "db/db.h"

struct site_new {
	const char *code, *name, *zone, *profile; /* "shop" or "dwelling" */
};
struct area_new {
	const char *code, *name, *site, *parent, *kind; /* parent "": none */
	int64_t floor_m2_milli;
};
struct gateway_new {
	const char *code, *name, *site, *area, *transport, *address, *parity; /* area "": none */
	int64_t baud;
};
struct meter_new {
	const char *code, *name, *gateway, *unit, *model, *serial, *utility, *role, *area, *parent;
	const char *tariff; /* "": none */
	const char *billing, *load_class;
	bool switchable; /* by its model */
	bool has_start;
	struct qty start; /* register at installation: settlement begins there */
	int64_t ct_ratio, pt_ratio, rated_current_ma, power_limit_w;
};
struct tenant_new {
	const char *code, *name, *site, *phone, *contacts, *room;
	int64_t floor_m2_milli;
};
/* Where opening entries of a site go on a day; the same for many purses. */
struct opening_book {
	int64_t site_id, company_id;
	struct day day;
};
struct purse_new {
	const char *tenant, *purpose;
	struct money opening, warn1, warn2, credit_limit, emergency_limit;
	const char *actor;
	int64_t contract_id;		 /* 0: the tenant's open one */
	const struct opening_book *book; /* NULL: it is looked up */
};

MUST_USE enum err site_add(struct db *db, const struct site_new *s, struct problem *why);
MUST_USE enum err area_add(struct db *db, const struct area_new *a, struct problem *why);
MUST_USE enum err gateway_add(struct db *db, const struct gateway_new *g, struct problem *why);
/* Also its supply point and, with a start register, how far it is settled. */
MUST_USE enum err meter_add(
	struct db *db, const struct meter_new *m, struct utc now, struct problem *why);
/* doc is the tariff file's text, already checked. */
MUST_USE enum err tariff_add(struct db *db, const char *code, const char *name, const char *utility,
	const char *doc, struct problem *why);
/* Also an open contract with the same code. */
MUST_USE enum err tenant_add(
	struct db *db, const struct tenant_new *t, struct utc now, struct problem *why);
/* A purse of the tenant's open contract, with an opening entry unless zero. */
MUST_USE enum err purse_add(struct db *db, const struct purse_new *p, struct utc now,
	int64_t *account_id, struct problem *why);
/* The opening entry of a purse: what it held when it came to us. Once per purse. */
MUST_USE enum err opening_add(
	struct db *db, int64_t account_id, struct money opening, const char *actor, struct utc now);
MUST_USE enum err opening_book_get(struct db *db, int64_t site_id, const struct zone *z,
	struct utc now, struct opening_book *out);
/* The same as the next, for a contract by its id. */
MUST_USE enum err contract_point_add(
	struct db *db, int64_t contract_id, const char *meter, struct utc now, struct problem *why);
/* The contract pays for the meter's supply point, from the purse of the meter's utility; the purse
 * is made (empty) when there is none. */
MUST_USE enum err contract_meter_add(
	struct db *db, const char *tenant, const char *meter, struct utc now, struct problem *why);

/* ---- what may change later: the whole of it, as it shall be; named by code, inside db_tx ---- */

struct meter_edit {
	const char *code, *name, *gateway, *unit, *serial, *role, *area, *parent; /* "": none */
	int64_t rated_current_ma;
};
MUST_USE enum err site_edit(struct db *db, const char *code, const char *name, const char *profile);
/* But for the site. */
MUST_USE enum err area_edit(struct db *db, const struct area_new *a, struct problem *why);
MUST_USE enum err gateway_edit(struct db *db, const struct gateway_new *g, struct problem *why);
/* ERR_ALREADY: another meter has that address. */
MUST_USE enum err meter_edit(struct db *db, const struct meter_edit *m, struct problem *why);
/* Frees the address of a meter that is about to get another, so that meters can change places. */
MUST_USE enum err meter_unplug(struct db *db, const char *code);
/* Another phone is another login: the former one sees this tenant no more. */
MUST_USE enum err tenant_edit(struct db *db, const struct tenant_new *t, struct problem *why);
