#pragma once
/* Buses and their meters as the database has them. Values: read once, never changed. */
#include "db/db.h"
#include "meter/dialin.h"
#include "meter/meter.h"
#include "poller/schedule.h"

/* The ratio "ct" or "pt" of a row m of meter, as it is now. */
#define PLANT_RATIO(name)                                                                          \
	"COALESCE((SELECT r." name " FROM meter_ratio r WHERE r.meter_id = m.id AND r.from_at <="  \
	" UNIX_TIMESTAMP(NOW(3)) * 1000 ORDER BY r.from_at DESC LIMIT 1), m." name "_ratio)"

struct plant_meter {
	int64_t id;
	char code[33];
	struct meter_address at;
	const struct model *model; /* of the process, outlives this */
	char serial[33];	   /* expected; "" when nobody has said */
	int64_t device;		   /* generation of the device, as in the table */
	bool water;
	int64_t ct_ratio, pt_ratio;
	int64_t rated_current_ma;
	/* As remembered from before: */
	char learned[33]; /* serial number that this device has told at first contact; "" */
	struct utc read_at;
	struct utc clock_set_at;
	enum comm comm;
	struct utc comm_since;
};

struct plant_bus {
	int64_t gateway_id;
	int64_t group_id;
	char code[33];
	struct bus_settings settings;  /* but for dial */
	struct dial_patterns patterns; /* of a gateway that dials in */
	char zone[64];		       /* of its site */
	struct plant_meter *meters;    /* ascending by id */
	size_t n;
	uint64_t print;	     /* of everything that is configured: another one, another bus */
	uint64_t line_print; /* of the way to it alone: the same one, the same connection */
	enum comm comm;
	struct utc comm_since;
};

struct plant {
	struct plant_bus *buses;
	size_t n;
};
void plant_free(struct plant *p);
void plant_bus_free(struct plant_bus *b);

/* The enabled buses of a group. A gateway or meter that cannot be used (unknown model, address that
 * is none) is left out and said so in the log when `talk`. */
MUST_USE enum err plant_load(
	struct db *db, const struct models *models, int64_t group_id, bool talk, struct plant *out);

struct reception;
/* Tells the reception which gateways dial in, whoever holds their leases. */
MUST_USE enum err plant_diallers(struct db *db, struct reception *r);
